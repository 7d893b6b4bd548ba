//! Stacks models: fits the components of a recipe and adds up their item-item weights, each scaled alike. Invariant: a
//! component that was fitted on a material with some values is not fitted again while it is remembered.

use super::cold::ColdEdges;
use super::content::ContentModel;
use super::family::{family, Fitted};
use super::interactions::Basis;
use super::material::Material;
use super::recipe::{Component, Recipe};
use super::Weights;
use crate::control::Control;
use crate::error::{Error, Result};
use pocketrank::pack::{Content, Factors};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What is packed, by row of the material.
#[derive(Debug, Clone, Default)]
pub struct Stacked {
    /// Item-item weights, heaviest first; none where no component has some.
    pub neighbours: Weights,
    /// Factors of the component that has some.
    pub factors: Option<Factors>,
    /// Content vectors.
    pub content: Option<Content>,
}

/// Fits on one material, and remembers the last few.
#[derive(Debug)]
pub struct Stack<'a> {
    /// What is fitted on.
    pub material: Material<'a>,
    remembered: Mutex<Vec<(String, Arc<Fitted>)>>,
    contents: Mutex<BTreeMap<usize, Arc<Option<Content>>>>,
    likes: Mutex<Option<(ColdEdges, Arc<Weights>)>>,
}

const REMEMBERED: usize = 6;

impl<'a> Stack<'a> {
    /// Nothing is fitted yet. `content`: how content becomes vectors, where a recipe asks for some.
    pub fn new(mut material: Material<'a>, content: ContentModel) -> Self {
        material.content = content;
        Stack {
            material,
            remembered: Mutex::default(),
            contents: Mutex::default(),
            likes: Mutex::default(),
        }
    }

    /// The recipe's components, fitted and added up.
    ///
    /// # Errors
    /// As [`super::family::Family::fit`]; [`Error::Data`] where two components have factors.
    pub fn fit(&self, recipe: &Recipe, control: &Control) -> Result<Stacked> {
        let mut stacked = Stacked::default();
        if recipe.content > 0 {
            stacked.content = self.content(recipe.content, control)?.as_ref().clone();
        }
        let rows = self.material.items.len() + self.material.cold.len();
        let mut sums: Vec<BTreeMap<u32, f32>> = vec![];
        for component in recipe.components.iter().filter(|component| component.weight > 0.0) {
            let fitted = self.component(component, recipe.entries, control)?;
            if let Some(factors) = &fitted.factors {
                if stacked.factors.replace(factors.clone()).is_some() {
                    return Err(Error::Data("a snapshot holds the factors of one model only".into()));
                }
            }
            if fitted.neighbours.is_empty() {
                continue;
            }
            if recipe.components.len() == 1 {
                stacked.neighbours.clone_from(&fitted.neighbours);
                continue;
            }
            sums.resize(rows, BTreeMap::new());
            for (sum, row) in sums.iter_mut().zip(&fitted.neighbours) {
                for (target, weight) in row {
                    *sum.entry(*target).or_default() += weight * component.weight as f32;
                }
            }
        }
        if !sums.is_empty() {
            stacked.neighbours = sums
                .into_iter()
                .map(|sum| {
                    let mut row: Vec<(u32, f32)> = sum.into_iter().collect();
                    super::prune(&mut row, pocketrank::MAX_NEIGHBOURS);
                    row
                })
                .collect();
        }
        if let Some(cold) = &recipe.cold {
            if let Some(content) = self.content(self.material.content.dims, control)?.as_ref() {
                let likes = self.likes(cold, content, control)?;
                cold.add(&mut stacked.neighbours, &likes);
            }
        }
        // What is known of behaviour knows the first rows only.
        if !stacked.neighbours.is_empty() {
            stacked.neighbours.resize(rows, vec![]);
        }
        if let Some(factors) = &mut stacked.factors {
            factors.rows.resize(rows * factors.dims, 0.0);
        }
        Ok(stacked)
    }

    /// What is most like the items that get edges by content, remembered for the last such edges: their weight does not matter.
    fn likes(&self, cold: &ColdEdges, content: &Content, control: &Control) -> Result<Arc<Weights>> {
        let of = ColdEdges { weight: 0.0, ..*cold };
        let mut last = self.likes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, likes)) = last.as_ref().filter(|(known, _)| *known == of) {
            return Ok(Arc::clone(likes));
        }
        let users = &self.material.interactions(Basis::User).by_item;
        let customers: Vec<u32> = users.iter().map(|users| users.len() as u32).collect();
        let likes = Arc::new(cold.likes(&customers, content, control)?);
        *last = Some((of, Arc::clone(&likes)));
        Ok(likes)
    }

    /// Content of so many numbers, made once.
    fn content(&self, dims: usize, control: &Control) -> Result<Arc<Option<Content>>> {
        let mut made = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = made.get(&dims) {
            return Ok(Arc::clone(content));
        }
        let model = ContentModel {
            dims,
            ..self.material.content.clone()
        };
        let content = Arc::new(model.fit(self.material.dataset, &self.material.shipped(), control)?);
        made.insert(dims, Arc::clone(&content));
        Ok(content)
    }

    fn component(&self, component: &Component, entries: usize, control: &Control) -> Result<Arc<Fitted>> {
        let key = format!("{}({}) {entries}", component.family, component.values);
        let remembered = || self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fitted)) = remembered().iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(fitted));
        }
        let mut fitted = family(&component.family)?.fit(&self.material, &component.values, entries, control)?;
        normalize(&mut fitted.neighbours, &self.material.counts);
        let fitted = Arc::new(fitted);
        let mut all = remembered();
        if all.len() >= REMEMBERED {
            all.remove(0);
        }
        all.push((key, Arc::clone(&fitted)));
        Ok(fitted)
    }
}

/// Scales weights so that the mean of the rows' largest is 1, each row counting as often as its item is met: stacks and blends
/// of different families stay comparable.
fn normalize(weights: &mut Weights, counts: &[u32]) {
    let (mut sum, mut met) = (0f64, 0f64);
    for (row, count) in weights.iter().zip(counts) {
        if let Some((_, largest)) = row.first() {
            sum += f64::from(*largest) * f64::from(*count);
            met += f64::from(*count);
        }
    }
    if sum > 0.0 {
        let scale = (met / sum) as f32;
        weights.iter_mut().flatten().for_each(|(_, weight)| *weight *= scale);
        // What underflows weighs nothing.
        weights
            .iter_mut()
            .for_each(|row| row.retain(|(_, weight)| *weight > 0.0));
    }
}
