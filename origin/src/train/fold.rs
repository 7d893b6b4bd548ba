//! A fold: what to fit on and what to ask then. Invariant: nothing that is asked is fitted on, and the queries that check a choice
//! were never used to make it.

use super::material::Material;
use super::model::{self, Model};
use super::recipe::Recipe;
use super::stack::Stack;
use super::tune::TrainOptions;
use crate::config::CrossValidation;
use crate::control::Control;
use crate::dataset::{Dataset, Interaction};
use crate::error::{Error, Result};
use crate::evaluate::{split, stratified, Bench, Protocol, Query, Scope, Split};
use pocketrank::Blend;
use std::sync::Arc;

/// A bench over bytes that threads share.
pub type SharedBench = Bench<Arc<[u8]>>;

/// Every so many queries check what the others chose.
const CHECKS: usize = 5;
/// Every so many of the queries that choose are asked first; a trial that is far behind on them is pruned.
const FIRST: usize = 4;
/// Up to this many items, ranking all of them is quick enough for a trial.
const FEW_ITEMS: usize = 6_000;

/// One fold.
#[derive(Debug)]
pub struct Fold<'a> {
    /// What is fitted on.
    pub stack: Stack<'a>,
    /// Asked first.
    pub first: Vec<Query>,
    /// Asked of trials that are not behind.
    pub rest: Vec<Query>,
    /// The queries that choose, as far as they ask for cold items: for these alone, to be ranked among themselves.
    pub cold: Vec<Query>,
    /// Never used to choose: they tell whether the others were over-fitted.
    pub check: Vec<Query>,
    /// About events that were fitted on.
    pub training: Vec<Query>,
    /// What a trial ranks.
    pub scope: Scope,
}

impl<'a> Fold<'a> {
    /// Makes a fold of a split.
    ///
    /// # Errors
    /// As [`Material::new`].
    pub fn new(dataset: &'a Dataset, split: &'a Split, protocol: Protocol, options: &TrainOptions) -> Result<Self> {
        let material = Material::new(dataset, &split.fit, options.min_customers)?;
        let mut fold = Fold {
            scope: if material.shipped().len() <= FEW_ITEMS {
                Scope::All
            } else {
                Scope::Reached
            },
            stack: Stack::new(material, options.content.clone()),
            first: vec![],
            rest: vec![],
            cold: vec![],
            check: vec![],
            training: super::super::evaluate::split(
                dataset,
                &split.fit,
                protocol,
                split.queries.len().div_ceil(CHECKS),
            )
            .queries,
        };
        // Whole users or sessions check: what they ask is alike.
        for (place, queries) in split.queries.chunk_by(|a, b| a.user == b.user).enumerate() {
            if place % CHECKS == CHECKS - 1 {
                fold.check.extend(queries.iter().cloned());
            } else {
                fold.rest.extend(queries.iter().cloned());
            }
        }
        let (mut first, mut rest) = (vec![], vec![]);
        for (place, query) in std::mem::take(&mut fold.rest).into_iter().enumerate() {
            if place % FIRST == 0 {
                first.push(query)
            } else {
                rest.push(query)
            }
        }
        (fold.first, fold.rest) = (first, rest);
        fold.cold = fold.first.iter().chain(&fold.rest).cloned().collect();
        for query in &mut fold.cold {
            let cold = &fold.stack.material.cold;
            query.relevant.retain(|item| cold.binary_search(item).is_ok());
        }
        fold.cold.retain(|query| !query.relevant.is_empty());
        Ok(fold)
    }

    /// NDCG@20 of the cold items that are asked for, ranked among all that are cold.
    pub fn cold_ndcg(&self, bench: &SharedBench) -> (usize, f64) {
        let cold = self.stack.material.cold.iter().filter_map(|item| bench.row(*item));
        let ranking = bench.ranking_among(&self.cold, &cold.collect::<Vec<u32>>());
        (self.cold.len(), bench.evaluation(&self.cold, &ranking).ndcg())
    }

    /// A model of the recipe, packed and ready to be measured.
    ///
    /// # Errors
    /// As fitting and packing.
    pub fn bench(&self, recipe: &Recipe, blend: &Blend, control: &Control) -> Result<SharedBench> {
        let model = self.model(recipe, control)?;
        control.check()?;
        let bytes: Arc<[u8]> = model.pack(blend)?.into();
        Bench::open(bytes, &model.items)
    }

    /// Bytes an item of the recipe's model, its rows numbered as they would ship.
    ///
    /// # Errors
    /// As fitting and packing.
    pub fn bytes_per_item(&self, recipe: &Recipe, blend: &Blend, control: &Control) -> Result<f64> {
        model::bytes_per_item(&self.model(recipe, control)?.reordered().pack(blend)?)
    }

    /// A model of the recipe.
    ///
    /// # Errors
    /// As fitting.
    pub fn model(&self, recipe: &Recipe, control: &Control) -> Result<Model> {
        let stacked = self.stack.fit(recipe, control)?;
        Ok(Model::new(&self.stack.material, &stacked, recipe))
    }
}

/// NDCG@20 of all queries of both lists, as one mean.
pub fn mean(parts: &[(usize, f64)]) -> f64 {
    let queries: usize = parts.iter().map(|(queries, _)| queries).sum();
    parts.iter().map(|(queries, ndcg)| *queries as f64 * ndcg).sum::<f64>() / queries.max(1) as f64
}

/// With fewer questions than this chance chooses: rolling folds are added, up to [`MOST_FOLDS`].
const ENOUGH: usize = 2_500;
const MOST_FOLDS: usize = 3;

/// The folds that the options ask for.
///
/// # Errors
/// As [`stratified`].
pub fn splits(
    dataset: &Dataset,
    events: &[Interaction],
    protocol: Protocol,
    options: &TrainOptions,
) -> Result<Vec<Split>> {
    let (folds, most) = (options.folds, options.queries);
    match options.cross_validation {
        CrossValidation::Temporal => Ok(rolling(dataset, events, protocol, folds, most)),
        CrossValidation::Stratified => {
            let folds = folds.unwrap_or(MOST_FOLDS);
            if folds < 2 {
                return Err(Error::Usage(
                    "stratified cross-validation takes 2 folds or more: one would fit on nobody who is not asked"
                        .into(),
                ));
            }
            stratified(dataset, events, protocol, folds, most.div_ceil(folds))
        }
    }
}

/// Each is cut from what the one before was fitted on.
fn rolling(
    dataset: &Dataset,
    events: &[Interaction],
    protocol: Protocol,
    folds: Option<usize>,
    most: usize,
) -> Vec<Split> {
    let mut splits: Vec<Split> = vec![];
    while splits.len() < folds.unwrap_or(MOST_FOLDS) {
        let asked: usize = splits.iter().map(|split| split.queries.len()).sum();
        if folds.is_none() && asked >= ENOUGH {
            break;
        }
        let events = splits.last().map_or(events, |split| &split.fit);
        let next = split(dataset, events, protocol, most);
        if next.fit.is_empty() || next.queries.is_empty() {
            break;
        }
        splits.push(next);
    }
    splits
}
