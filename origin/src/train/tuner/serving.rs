//! Steps of tuning that choose how a model is served: how a history counts, and the weights of the scorers' parts.

use super::{set_blend, worth, Tuner, LEAST_GAIN};
use crate::error::Result;
use crate::evaluate::{Query, Scope};
use crate::train::fold::SharedBench;
use crate::train::search::{Search, Strategy};
use crate::train::space::Values;
use crate::train::trials::Outcome;
use crate::train::weigh::{self, Learning, Lists, RangeOfHistories};
use pocketrank::Blend;

/// Ways of learning weights that are tried for each range of histories.
const WEIGHT_TRIALS: usize = 8;
/// Factors that are tried on each learned weight.
const FACTORS: [f32; 5] = [0.0, 0.4, 0.7, 1.4, 2.5];

impl Tuner<'_> {
    /// Searches how a history counts, with the recipe as it is.
    pub(super) fn search_blend(&mut self, trials: usize) -> Result<()> {
        let mut benches = self.benches()?;
        self.searches += 1;
        let phase = format!("blend {}", self.searches);
        let space = self.serving_space.clone();
        let seed = self.options.seed + self.searches;
        let mut search = Search::new(&space, self.options.strategy, trials, seed, &self.serving)?;
        let mut last_gain = 0;
        for number in 0..search.trials() {
            if self.out_of_time() || number - last_gain > self.patience(search.trials()) {
                break;
            }
            let values = search.ask()?;
            let (found, blend) = self.serve(&phase, number, &values, &mut benches, self.served(&values))?;
            search.tell(found);
            if let Some(worth) = found.filter(|worth| *worth > self.best) {
                last_gain = number;
                self.serving = values;
                self.take(worth, self.recipe.clone(), blend);
            }
        }
        Ok(())
    }

    /// What a blend is worth on models that are fitted, and the blend.
    pub(super) fn serve(
        &mut self,
        phase: &str,
        number: usize,
        values: &Values,
        benches: &mut [SharedBench],
        blend: Blend,
    ) -> Result<(Option<f64>, Blend)> {
        self.stage.add(1);
        let (folds, best, control) = (&self.folds, self.best, self.control);
        let record = self.trials.trial(phase, number, values, || {
            control.check()?;
            set_blend(benches, &blend)?;
            worth(folds, benches, best)
        })?;
        Ok((record.validation, blend))
    }

    /// Learns the weights of the parts for each range of histories, from lists and then one weight after another.
    pub(super) fn learn_weights(&mut self) -> Result<()> {
        let mut benches = self.benches()?;
        let (bench, scope) = (&mut benches[0], self.folds[0].scope);
        let queries: Vec<&Query> = self.folds[0].first.iter().chain(&self.folds[0].rest).collect();
        for range in RangeOfHistories::all(&self.blend, &queries) {
            self.searches += 1;
            let phase = format!("weights from {} items {}", range.from, self.searches);
            let seed = self.options.seed + self.searches;
            let mut best = range.measure(bench, &self.blend, scope)?;
            let mut search = Search::new(
                &weigh::SPACE,
                Strategy::Random,
                WEIGHT_TRIALS,
                seed,
                &Values::start(&weigh::SPACE),
            )?;
            let least = least_gain(range.queries.len());
            let mut learned = None;
            let mut lists = Lists::default();
            for number in 0..search.trials() {
                self.control.check()?;
                self.stage.add(1);
                let values = search.ask()?;
                let blend = &self.blend;
                let how = Learning {
                    values: &values,
                    scope,
                    seed,
                };
                let record = self.trials.trial(&phase, number, &values, || {
                    Ok(Outcome::Worth {
                        validation: range.try_out(bench, blend, &how, &mut lists)?,
                        training: None,
                        check: None,
                        bytes_per_item: None,
                    })
                })?;
                search.tell(record.validation);
                if let Some(worth) = record.validation.filter(|worth| *worth > best * (1.0 + least)) {
                    (best, learned) = (worth, Some(values));
                }
            }
            if let Some(values) = &learned {
                let how = Learning { values, scope, seed };
                self.blend = range.learn(bench, &self.blend, &how, &mut lists)?;
            }
            self.polish(bench, &range, scope)?;
        }
        set_blend(&mut benches, &self.blend)?;
        if let Outcome::Worth { validation, .. } = worth(&self.folds, &benches, f64::INFINITY)? {
            self.best = validation;
        }
        Ok(())
    }

    /// Coordinate ascent over the weights of a range.
    pub(super) fn polish(&mut self, bench: &mut SharedBench, range: &RangeOfHistories, scope: Scope) -> Result<()> {
        let mut best = range.measure(bench, &self.blend, scope)?;
        // Only ratios matter, so the first part that is there keeps its weight.
        let parts: Vec<usize> = range.parts(&self.blend);
        for part in parts.iter().skip(1) {
            for factor in FACTORS {
                self.control.check()?;
                let blend = weigh::with_factor(&self.blend, range, *part, factor);
                let ndcg = range.measure(bench, &blend, scope)?;
                self.stage.add(1);
                if ndcg > best * (1.0 + least_gain(range.queries.len())) {
                    (best, self.blend) = (ndcg, blend);
                }
            }
        }
        Ok(())
    }
}

/// The share that weights must gain on so many queries: with few of them chance gains more.
fn least_gain(queries: usize) -> f64 {
    LEAST_GAIN.max(0.25 / (queries.max(1) as f64).sqrt())
}
