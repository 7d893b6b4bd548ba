//! A tuning under way: what was best so far, and how a trial is made and measured. Invariant: what is taken as better was
//! measured by the runtime over packed bytes, on queries that nothing was fitted on.
//!
//! [`super::tune`] begins and ends it; the steps are in `models` (what is fitted) and `serving` (how it is served).

mod models;
mod serving;

use super::blend;
use super::family::{family, Family, FAMILIES};
use super::fold::{mean, Fold, SharedBench};
use super::material::Material;
use super::model::{allowed, bytes_per_item, Limit, Model};
use super::overfit;
use super::recipe::Recipe;
use super::search::{Search, Strategy};
use super::space::{Param, Values};
use super::stack::Stack;
use super::trials::{Outcome, Record, Trials, SHAPE};
use super::tune::{TrainOptions, Trained, Tried};
use super::weigh;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::evaluate::{float_ndcg, Bench, Protocol, Query, Scope};
use crate::output;
use crate::progress::{Progress, Stage};
use pocketrank::{Blend, Snapshot};
use std::path::Path;
use std::time::Instant;

/// The share of the trials of fitting that each step takes; serving trials cost no fit and are not counted.
const BEST_FAMILY: f64 = 0.45;
const STACKED_FAMILY: f64 = 0.12;
const AGAIN: f64 = 0.2;
/// Trials of a blend for each trial of a fit.
const BLENDS_PER_FIT: usize = 4;
/// So many families after the best are searched and stacked on it, each where it comes this near to the best alone.
const STACKED: usize = 2;
const NEAR: f64 = 0.8;
/// A part is added only where it gains this share, so that noise adds nothing.
const LEAST_GAIN: f64 = 1e-3;
/// Bytes that a packed neighbour takes, before a model was packed to measure it.
const BYTES_BEFORE_PACKING: f64 = 2.0;

/// The tuning.
pub(super) struct Tuner<'a> {
    options: &'a TrainOptions,
    control: &'a Control,
    pub(super) folds: Vec<Fold<'a>>,
    trials: Trials,
    recipe: Recipe,
    serving: Values,
    serving_space: Vec<Param>,
    blend: Blend,
    /// NDCG@20 on validation of recipe and blend.
    pub(super) best: f64,
    /// Searches so far, so that each has numbers and a seed of its own.
    searches: u64,
    began: Instant,
    stage: Stage,
    pub(super) warnings: Vec<String>,
    /// What each family was worth at the start.
    families: Vec<Tried>,
}

impl<'a> Tuner<'a> {
    pub(super) fn new(
        options: &'a TrainOptions,
        control: &'a Control,
        folds: Vec<Fold<'a>>,
        trials: Trials,
        whole: &Material<'_>,
        protocol: Protocol,
    ) -> Result<Self> {
        let serving_space = blend::space(whole.dataset, protocol);
        let serving = Values::start(&serving_space);
        let families: Vec<&dyn Family> = match options.families.as_slice() {
            [] => suited(whole),
            names => names.iter().map(|name| family(name)).collect::<Result<_>>()?,
        };
        // Where nothing can be measured, the most capable family that suits is used with its starting values.
        let first = families.last().copied().unwrap_or(FAMILIES[0]);
        let recipe = Recipe {
            entries: (options.max_bytes_per_item / BYTES_BEFORE_PACKING).clamp(1.0, 1024.0) as usize,
            ..Recipe::of(first.name(), Values::start(&first.space(whole)))
        };
        Ok(Tuner {
            options,
            control,
            folds,
            trials,
            recipe,
            blend: blend::serve(&serving),
            serving,
            serving_space,
            best: f64::NEG_INFINITY,
            searches: 0,
            began: Instant::now(),
            stage: control.stage("tuning on validation", 0),
            warnings: vec![],
            families: vec![],
        })
    }

    pub(super) fn run(&mut self) -> Result<()> {
        let ranking = self.try_families()?;
        self.search_blend(self.options.trials)?;
        let Some((best, _)) = ranking.first().cloned() else {
            return Ok(());
        };
        self.search_family(&best, self.share(BEST_FAMILY))?;
        self.search_popularity()?;
        self.shape()?;
        let near = |(_, worth): &&(String, f64)| *worth >= NEAR * ranking[0].1;
        for (name, _) in ranking[1..].iter().take(STACKED).filter(near) {
            self.stack(name)?;
        }
        self.search_blend(BLENDS_PER_FIT * self.options.trials)?;
        self.search_family(&best, self.share(AGAIN))?;
        self.learn_edges()?;
        self.add_cold_edges()?;
        self.add_content()?;
        self.shape()?;
        self.search_blend(BLENDS_PER_FIT * self.options.trials / 2)?;
        self.learn_weights()
    }

    fn share(&self, share: f64) -> usize {
        (self.options.trials as f64 * share) as usize
    }

    fn out_of_time(&mut self) -> bool {
        let out = self
            .options
            .stop_after
            .is_some_and(|limit| self.began.elapsed() > limit);
        let warning = "stopped by the clock: the model depends on the speed of the machine, not on the seed alone";
        if out && !self.warnings.iter().any(|known| known == warning) {
            self.warnings.push(warning.into());
        }
        out
    }

    /// After so many trials without a gain a search has found what it can, and ends early; a grid is walked whole.
    fn patience(&self, trials: usize) -> usize {
        match self.options.strategy {
            Strategy::Grid => trials,
            Strategy::Tpe | Strategy::Random => (trials / 2).max(20),
        }
    }

    /// Searches a space whose values change the recipe.
    fn search(
        &mut self,
        name: &str,
        space: &[Param],
        start: &Values,
        trials: usize,
        change: impl Fn(&mut Recipe, &Values),
    ) -> Result<()> {
        self.searches += 1;
        let phase = format!("{name} {}", self.searches);
        let mut search = Search::new(
            space,
            self.options.strategy,
            trials,
            self.options.seed + self.searches,
            start,
        )?;
        let mut first_values: Vec<f64> = vec![];
        let mut last_gain = 0;
        for number in 0..search.trials() {
            if self.out_of_time() || number - last_gain > self.patience(search.trials()) {
                break;
            }
            let values = search.ask()?;
            let mut recipe = self.recipe.clone();
            change(&mut recipe, &values);
            let blend = self.blend.clone();
            let record = self.trial(&phase, number, &values, &recipe, &blend, median(&first_values))?;
            search.tell(record.validation);
            if let Some(worth) = record.validation {
                first_values.push(worth);
                if worth > self.best {
                    last_gain = number;
                    self.take(worth, recipe, blend);
                }
            }
        }
        Ok(())
    }

    /// One fit and its measurement; `behind`: below this on the first queries it is pruned.
    fn trial(
        &mut self,
        phase: &str,
        number: usize,
        values: &Values,
        recipe: &Recipe,
        blend: &Blend,
        behind: f64,
    ) -> Result<Record> {
        self.stage.add(1);
        let Tuner {
            folds,
            control,
            best,
            trials,
            ..
        } = self;
        let enough = behind.min(*best * 0.97);
        trials.trial(phase, number, values, || {
            let mut benches = vec![];
            for fold in folds.iter() {
                let bench = fold.bench(recipe, blend, control)?;
                if measured(&bench, &fold.first, fold).1 < enough * 0.9 {
                    return Ok(Outcome::Pruned);
                }
                benches.push(bench);
                control.check()?;
            }
            let mut outcome = worth(folds, &benches, *best)?;
            // Elsewhere the bytes are not what is chosen, and to number the rows anew takes as long as to pack them.
            if let (true, Outcome::Worth { bytes_per_item, .. }) = (phase.starts_with(SHAPE), &mut outcome) {
                *bytes_per_item = folds
                    .first()
                    .map(|fold| fold.bytes_per_item(recipe, blend, control))
                    .transpose()?;
            }
            Ok(outcome)
        })
    }

    /// Takes a recipe and blend as the best so far.
    fn take(&mut self, worth: f64, recipe: Recipe, blend: Blend) {
        if worth > self.best {
            (self.best, self.recipe, self.blend) = (worth, recipe, blend);
        }
    }

    /// Keeps the best model so far: what is left if the work is stopped.
    pub(super) fn keep(&self, path: &Path) -> Result<()> {
        let control = Control::new(Progress::hidden());
        let model = self.folds[0].model(&self.recipe, &control)?.reordered();
        output::write(path, &model.within(self.limit(&model), &self.blend)?.1)
    }

    /// What such a model may take.
    fn limit(&self, model: &Model) -> Limit {
        Limit::BytesPerItem(allowed(self.options.max_bytes_per_item, model.items.len()))
    }

    /// The blend of these values, with the weight and the gate that content has.
    fn served(&self, values: &Values) -> Blend {
        let mut blend = blend::serve(values);
        let content = self.blend.rows.first().map_or(0.0, |row| row.content);
        blend.rows.iter_mut().for_each(|row| row.content = content);
        blend.cold.clone_from(&self.blend.cold);
        blend
    }

    /// The recipe's model of each fold.
    fn benches(&self) -> Result<Vec<SharedBench>> {
        let bench = |fold: &Fold<'_>| fold.bench(&self.recipe, &self.blend, self.control);
        self.folds.iter().map(bench).collect()
    }

    /// What packing costs the best, on the first fold.
    fn loss(&self) -> Result<Option<f64>> {
        let Some(fold) = self.folds.first() else {
            return Ok(None);
        };
        let model = fold.model(&self.recipe, self.control)?;
        let bytes = model.pack(&self.blend)?;
        let snapshot = Snapshot::open(bytes.as_slice()).map_err(|source| Error::Snapshot {
            path: "packed model".into(),
            source,
        })?;
        let queries = [&fold.first[..], &fold.rest[..], &fold.check[..]].concat();
        let packed = Bench::open(bytes.as_slice(), &model.items)?
            .rank(&queries, Scope::Reached)
            .ndcg();
        let float = float_ndcg(
            model.neighbours(),
            model.content(),
            &snapshot,
            &model.items,
            &queries,
            Scope::Reached,
        )?;
        Ok((float > 0.0).then(|| 1.0 - packed / float))
    }

    /// Fits the best on everything.
    pub(super) fn finish(mut self, whole: Stack<'_>, protocol: Protocol) -> Result<Trained> {
        let mut check_ndcg = 0.0;
        if !self.folds.is_empty() {
            let benches = self.benches()?;
            let parts: Vec<_> = self
                .folds
                .iter()
                .zip(&benches)
                .map(|(fold, bench)| measured(bench, &fold.check, fold))
                .collect();
            check_ndcg = mean(&parts);
            self.warnings
                .extend(overfit::warning(&overfit::curve(&self.trials.records)));
        }
        let loss = self.loss()?;
        let stacked = whole.fit(&self.recipe, self.control)?;
        let model = Model::new(&whole.material, &stacked, &self.recipe).reordered();
        let (model, bytes) = model.within(self.limit(&model), &self.blend)?;
        Ok(Trained {
            bytes_per_item: bytes_per_item(&bytes)?,
            bytes,
            items: model.items.clone(),
            model,
            recipe: self.recipe,
            blend: self.blend,
            protocol,
            validation_ndcg: self.best.max(0.0),
            check_ndcg,
            loss,
            validation_queries: self.folds.iter().map(|fold| fold.first.len() + fold.rest.len()).sum(),
            families: self.families,
            trials: self.trials.records,
            warnings: self.warnings,
        })
    }
}

/// Families that suit the material without being asked for.
fn suited(material: &Material<'_>) -> Vec<&'static dyn Family> {
    FAMILIES
        .into_iter()
        .filter(|family| family.unsuited(material).is_none())
        .collect()
}

fn measured(bench: &SharedBench, queries: &[Query], fold: &Fold<'_>) -> (usize, f64) {
    (queries.len(), bench.rank(queries, fold.scope).ndcg())
}

fn set_blend(benches: &mut [SharedBench], blend: &Blend) -> Result<()> {
    benches.iter_mut().try_for_each(|bench| weigh::set_blend(bench, blend))
}

/// What the folds' models are worth; where it is more than `best`, also on what was fitted on and on what checks.
fn worth(folds: &[Fold<'_>], benches: &[SharedBench], best: f64) -> Result<Outcome> {
    let over = |queries: for<'q> fn(&'q Fold<'_>) -> Vec<&'q [Query]>| {
        let each = folds.iter().zip(benches).flat_map(|(fold, bench)| {
            let measured = |queries: &[Query]| measured(bench, queries, fold);
            queries(fold).into_iter().map(measured).collect::<Vec<_>>()
        });
        mean(&each.collect::<Vec<_>>())
    };
    let validation = over(|fold| vec![&fold.first, &fold.rest]);
    let better = validation > best;
    Ok(Outcome::Worth {
        validation,
        training: better.then(|| over(|fold| vec![&fold.training])),
        check: better.then(|| over(|fold| vec![&fold.check])),
        bytes_per_item: None,
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NEG_INFINITY)
}
