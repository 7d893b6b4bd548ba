//! Chooses a recipe and a blend on validation data and packs the model of all the data.
//!
//! The last tenth of the events is the validation. Candidates are fitted on what is before it, packed, and ranked by the runtime;
//! the best is then fitted on everything. The test is never looked at.

use super::blend::{start, HISTORY_LENGTHS};
use super::interactions::Basis;
use super::model::{Family, Model, Recipe};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::{queries, rank, Query};
use crate::progress::{Progress, Stage};
use pocketrank::{Blend, BlendRow, Event};
use std::collections::HashSet;

/// What the caller fixes.
#[derive(Debug, Clone, Copy)]
pub struct TrainOptions {
    /// Use only events before this time, seconds since 1970-01-01 UTC; the later ones are for evaluation.
    pub until: Option<i64>,
    /// The most neighbours of an item.
    pub neighbours: usize,
    /// The fewest customers behind an edge, a row and an item.
    pub min_customers: u32,
    /// Tune at most on this many validation queries.
    pub queries: usize,
}

impl Default for TrainOptions {
    fn default() -> Self {
        TrainOptions {
            until: None,
            neighbours: 20,
            min_customers: 5,
            queries: 1_500,
        }
    }
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The packed snapshot.
    pub bytes: Vec<u8>,
    /// The dataset's item of each row.
    pub items: Vec<u32>,
    /// What was chosen.
    pub recipe: Recipe,
    /// NDCG@10 on validation of what was chosen, fitted on the events before it.
    pub validation_ndcg: f64,
    /// Number of validation queries.
    pub validation_queries: usize,
}

/// Exponents and half-lives that are tried; each list is searched with the best of the others so far.
const ALPHAS: [f64; 3] = [0.6, 0.8, 1.0];
const BETAS: [f64; 4] = [0.0, 0.2, 0.4, 0.6];
const POPULARITY_HALF_LIVES: [f64; 3] = [14.0, 45.0, 180.0];
const RECENCY_POWERS: [f64; 4] = [0.0, 0.3, 0.6, 1.0];
const HALF_LIVES: [Option<f64>; 4] = [None, Some(120.0), Some(45.0), Some(14.0)];
/// Factors tried on the weight of a part; the neighbours' stays 1, since only ratios matter.
const STEPS: [f32; 6] = [0.0, 0.25, 0.6, 1.6, 4.0, -1.0];
/// A change must gain this share to be taken, so that noise does not move weights.
const LEAST_GAIN: f64 = 5e-4;
const PASSES: usize = 2;

/// Trains on the dataset.
///
/// # Errors
/// [`Error::Data`] where there is too little to learn from.
pub fn train(dataset: &Dataset, options: &TrainOptions, progress: &Progress) -> Result<Trained> {
    let until = options.until.unwrap_or(i64::MAX);
    let events = &dataset.events[..dataset.events.partition_point(|event| event.at < until)];
    let Some(newest) = events.last() else {
        return Err(Error::Data(
            "no events to train on; check --until and the account of the data".into(),
        ));
    };
    let from = events[events.len() * 9 / 10].at;
    let validation = queries(dataset, from, newest.at + 1, options.queries);
    let fit = &events[..events.partition_point(|event| event.at < from)];
    let mut search = Search::new(dataset, options, validation, progress.stage("tuning on validation", 0));
    if fit.is_empty() || search.queries.is_empty() || Model::fit(dataset, fit, &search.recipe).is_err() {
        // Too little to hold anything back: the starting values are used as they are.
        search.queries.clear();
    } else {
        search.choose_recipe(fit)?;
        search.choose_blend(fit)?;
    }
    let model = Model::fit(dataset, events, &search.recipe)?;
    Ok(Trained {
        bytes: model.pack(&search.blend)?,
        items: model.items,
        recipe: search.recipe,
        validation_ndcg: search.best.max(0.0),
        validation_queries: search.queries.len(),
    })
}

struct Search<'a> {
    dataset: &'a Dataset,
    queries: Vec<Query>,
    recipe: Recipe,
    blend: Blend,
    best: f64,
    stage: Stage,
}

impl<'a> Search<'a> {
    fn new(dataset: &'a Dataset, options: &TrainOptions, queries: Vec<Query>, stage: Stage) -> Self {
        let recipe = Recipe {
            family: Family::Rp3Beta {
                alpha: ALPHAS[1],
                beta: BETAS[2],
            },
            basis: Basis::User,
            neighbours: options.neighbours,
            min_customers: options.min_customers,
            popularity_half_life: POPULARITY_HALF_LIVES[1],
        };
        let blend = start(RECENCY_POWERS[1], HALF_LIVES[1]);
        Search {
            dataset,
            queries,
            recipe,
            blend,
            best: f64::NEG_INFINITY,
            stage,
        }
    }

    fn choose_recipe(&mut self, fit: &[crate::dataset::Interaction]) -> Result<()> {
        let tried = |recipe: Recipe| -> Vec<Recipe> {
            let mut all = vec![];
            for basis in [Basis::User, Basis::Session] {
                for alpha in ALPHAS {
                    all.extend(BETAS.map(|beta| Recipe {
                        basis,
                        family: Family::Rp3Beta { alpha, beta },
                        ..recipe
                    }));
                }
            }
            all
        };
        for recipe in tried(self.recipe) {
            self.try_recipe(fit, recipe)?;
        }
        for popularity_half_life in POPULARITY_HALF_LIVES {
            self.try_recipe(
                fit,
                Recipe {
                    popularity_half_life,
                    ..self.recipe
                },
            )?;
        }
        Ok(())
    }

    fn try_recipe(&mut self, fit: &[crate::dataset::Interaction], recipe: Recipe) -> Result<()> {
        let model = Model::fit(self.dataset, fit, &recipe)?;
        let ndcg = ndcg(&model, &self.blend, &self.queries)?;
        self.stage.add(1);
        if ndcg > self.best {
            (self.best, self.recipe) = (ndcg, recipe);
        }
        Ok(())
    }

    fn choose_blend(&mut self, fit: &[crate::dataset::Interaction]) -> Result<()> {
        let model = Model::fit(self.dataset, fit, &self.recipe)?;
        for power in RECENCY_POWERS {
            for half_life in HALF_LIVES {
                let tables = start(power, half_life);
                let mut blend = Blend {
                    decay: tables.decay,
                    ..self.blend.clone()
                };
                for (row, tables) in blend.rows.iter_mut().zip(tables.rows) {
                    row.recency = tables.recency;
                    row.repeat_recency = tables.repeat_recency;
                }
                let ndcg = ndcg(&model, &blend, &self.queries)?;
                self.stage.add(1);
                if ndcg > self.best {
                    (self.best, self.blend) = (ndcg, blend);
                }
            }
        }
        for at in 0..HISTORY_LENGTHS.len() {
            self.choose_row(&model, at)?;
        }
        self.best = ndcg(&model, &self.blend, &self.queries)?;
        Ok(())
    }

    /// Coordinate ascent over the weights for one range of history lengths, on the queries of that range.
    fn choose_row(&mut self, model: &Model, at: usize) -> Result<()> {
        let from = usize::from(HISTORY_LENGTHS[at]);
        let to = HISTORY_LENGTHS
            .get(at + 1)
            .map_or(usize::MAX, |next| usize::from(*next));
        let in_range = |query: &&Query| (from..to).contains(&distinct(&self.blend, query));
        let queries: Vec<Query> = self.queries.iter().filter(in_range).cloned().collect();
        if queries.len() < 30 {
            return Ok(());
        }
        let mut best = ndcg(model, &self.blend, &queries)?;
        for _ in 0..PASSES {
            for weight in weights(from) {
                let current = *weight(&mut self.blend.rows[at]);
                let scale = if current == 0.0 { 0.05 } else { current };
                for step in STEPS {
                    let mut blend = self.blend.clone();
                    *weight(&mut blend.rows[at]) = scale * step;
                    let ndcg = ndcg(model, &blend, &queries)?;
                    self.stage.add(1);
                    if ndcg > best * (1.0 + LEAST_GAIN) {
                        (best, self.blend) = (ndcg, blend);
                    }
                }
            }
        }
        Ok(())
    }
}

/// NDCG@10 of a model packed with a blend.
fn ndcg(model: &Model, blend: &Blend, queries: &[Query]) -> Result<f64> {
    Ok(rank(&model.pack(blend)?, &model.items, queries)?.ndcg())
}

/// Distinct items of a query's history, as the runtime counts them: events of weight 0 are left out.
fn distinct(blend: &Blend, query: &Query) -> usize {
    let counts = |event: &&Event| blend.kinds[event.kind as usize] != 0;
    let items = query.profile.events().iter().filter(counts).map(|event| event.item);
    items.collect::<HashSet<_>>().len()
}

type Weight = fn(&mut BlendRow) -> &mut f32;

/// The weights to be searched; without a history only the prior has any effect.
fn weights(history: usize) -> Vec<Weight> {
    let prior: [Weight; 3] = [|row| &mut row.popularity, |row| &mut row.trend, |row| &mut row.newness];
    let personal: [Weight; 4] = [
        |row| &mut row.repeat,
        |row| &mut row.category,
        |row| &mut row.brand,
        |row| &mut row.price_band,
    ];
    if history == 0 {
        prior.to_vec()
    } else {
        [personal.as_slice(), prior.as_slice()].concat()
    }
}
