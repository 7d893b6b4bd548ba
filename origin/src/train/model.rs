//! A model: what a recipe makes of interactions, ready to be packed with any blend.

use super::interactions::{shipped, Basis, Interactions};
use super::{attributes, cosine::Cosine, prior, rp3beta::Rp3Beta, Weights};
use crate::dataset::{Dataset, Interaction};
use crate::error::{Error, Result};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::{Blend, Meta};
use std::path::Path;

/// What makes the item-item weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Family {
    /// None: the prior alone.
    Popularity,
    /// Cosine item-kNN.
    Cosine {
        /// Added to the denominator.
        shrink: f32,
    },
    /// RP3beta.
    Rp3Beta {
        /// Exponent of the transition probabilities.
        alpha: f64,
        /// Exponent of the discount of popular targets.
        beta: f64,
    },
}

/// All that makes a model of data, the blend apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// What makes the item-item weights.
    pub family: Family,
    /// What the weights are counted over.
    pub basis: Basis,
    /// The most neighbours of an item.
    pub neighbours: usize,
    /// The fewest customers behind an edge, a row and an item.
    pub min_customers: u32,
    /// Half-life of popularity, in days.
    pub popularity_half_life: f64,
}

impl std::fmt::Display for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let basis = self.basis.name();
        match self.family {
            Family::Popularity => write!(f, "popularity")?,
            Family::Cosine { shrink } => {
                write!(
                    f,
                    "cosine item-kNN(neighbours={}, shrink={shrink}, over={basis})",
                    self.neighbours
                )?;
            }
            Family::Rp3Beta { alpha, beta } => {
                write!(
                    f,
                    "RP3beta(neighbours={}, alpha={alpha}, beta={beta}, over={basis})",
                    self.neighbours
                )?;
            }
        }
        write!(f, ", popularity half-life {} days", self.popularity_half_life)
    }
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct Model {
    builder: SnapshotBuilder,
    /// The dataset's item of each row.
    pub items: Vec<u32>,
}

impl Model {
    /// Fits a recipe on events (a part of the dataset's, in the order of time).
    ///
    /// # Errors
    /// [`Error::Data`] where nothing is left to ship.
    pub fn fit(dataset: &Dataset, events: &[Interaction], recipe: &Recipe) -> Result<Self> {
        let (items, rows) = shipped(dataset, events, recipe.min_customers);
        if items.is_empty() {
            return Err(Error::Data(format!(
                "no item has the {} customers that it takes to ship it ({} events, {} items, {} users); \
                 lower --min-customers or bring more data",
                recipe.min_customers,
                events.len(),
                dataset.items.len(),
                dataset.users.len()
            )));
        }
        let interactions = || Interactions::new(events, &rows, items.len(), recipe.basis);
        let Recipe {
            neighbours,
            min_customers,
            ..
        } = *recipe;
        let mut weights = match recipe.family {
            Family::Popularity => vec![],
            Family::Cosine { shrink } => Cosine {
                neighbours,
                shrink,
                min_customers,
            }
            .fit(&interactions()),
            Family::Rp3Beta { alpha, beta } => Rp3Beta {
                alpha,
                beta,
                neighbours,
                min_customers,
            }
            .fit(&interactions()),
        };
        normalize(&mut weights);
        let (attributes, labels) = attributes::fit(dataset, &items);
        let builder = SnapshotBuilder {
            meta: Meta {
                model: recipe.to_string(),
                trained_until: events.last().map_or(0, |event| {
                    prior::end_of_day(event.at).clamp(0, i64::from(u32::MAX)) as u32
                }),
                min_customers: recipe.min_customers.min(u32::from(u16::MAX)) as u16,
                currency: dataset.currency.clone(),
                ..Meta::default()
            },
            ids: items
                .iter()
                .map(|item| dataset.items[*item as usize].id.clone())
                .collect(),
            prior: prior::fit(events, &rows, items.len(), recipe.popularity_half_life, min_customers),
            attributes,
            labels,
            neighbours: weights,
            ..SnapshotBuilder::default()
        };
        Ok(Model { builder, items })
    }

    /// The packed bytes of this model with a blend.
    ///
    /// # Errors
    /// [`Error::Snapshot`] with the runtime's reason.
    pub fn pack(&self, blend: &Blend) -> Result<Vec<u8>> {
        let builder = SnapshotBuilder {
            blend: blend.clone(),
            ..self.builder.clone()
        };
        builder.build().map_err(|source| Error::Snapshot {
            path: Path::new("packing the model").into(),
            source,
        })
    }
}

/// Scales weights so that the mean of the rows' largest is 1: blends of different families stay comparable.
fn normalize(weights: &mut Weights) {
    let largest: Vec<f32> = weights
        .iter()
        .filter_map(|row| row.iter().map(|(_, weight)| *weight).reduce(f32::max))
        .collect();
    let mean = largest.iter().sum::<f32>() / largest.len().max(1) as f32;
    if mean > 0.0 {
        weights.iter_mut().flatten().for_each(|(_, weight)| *weight /= mean);
    }
}
