//! How a space is searched: on a grid, at random, or by a tree-structured Parzen estimator and then from the best place
//! outwards. Invariant: what is asked follows from the space, the strategy, the seed and the values told, so a search can be
//! played again from its log.
//!
//! Sources: Bergstra, Bardenet, Bengio and Kégl, "Algorithms for hyper-parameter optimization", NIPS 2011 (TPE); Hooke and Jeeves,
//! "Direct search solution of numerical and statistical problems", JACM 8(2), 1961 (the second half).

use super::space::{Param, Values};
use crate::error::{Error, Result};
use optimizer::param::ParamValue;
use optimizer::parameter::{FloatParam, Parameter};
use optimizer::sampler::tpe::TpeSampler;
use optimizer::sampler::RandomSampler;
use optimizer::{Study, Trial};
use rand_pcg::rand_core::RngCore;
use rand_pcg::Pcg64Mcg;
use serde::Deserialize;
use std::collections::HashMap;

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The first third by TPE, the rest from the best place outwards.
    #[default]
    Tpe,
    /// Evenly at random.
    Random,
    /// Every point of a grid, as fine as the number of trials allows.
    Grid,
}

/// A search under way.
pub struct Search<'a> {
    space: &'a [Param],
    /// Points on each axis of a grid.
    grid: Option<usize>,
    trials: usize,
    sampler: Study<f64>,
    axes: Vec<FloatParam>,
    open: Option<Trial>,
    /// Trials by the sampler; later ones go outwards from the best.
    sampled: usize,
    asked: usize,
    current: Vec<f64>,
    best: Option<(f64, Vec<f64>)>,
    outwards: Outwards,
}

impl<'a> Search<'a> {
    /// A search of `trials` trials that begins at `start`.
    ///
    /// # Errors
    /// [`Error::Internal`] where the library refuses the space.
    pub fn new(space: &'a [Param], strategy: Strategy, trials: usize, seed: u64, start: &Values) -> Result<Self> {
        // The library knows an axis by its range, so each has its own.
        let axes: Vec<FloatParam> = (0..space.len())
            .map(|axis| FloatParam::new(axis as f64, axis as f64 + 1.0))
            .collect();
        let study = match strategy {
            Strategy::Tpe => {
                let tpe = TpeSampler::builder().n_startup_trials(space.len().min(8)).seed(seed);
                Study::maximize(tpe.build().map_err(internal)?)
            }
            Strategy::Random | Strategy::Grid => Study::maximize(RandomSampler::with_seed(seed)),
        };
        let current = start.places(space);
        let fixed = axes.iter().zip(current.iter().enumerate());
        study.enqueue(
            fixed
                .map(|(axis, (at, place))| (axis.id(), ParamValue::Float(at as f64 + place)))
                .collect::<HashMap<_, _>>(),
        );
        let points = grid_points(space.len(), trials);
        let (trials, sampled) = match strategy {
            Strategy::Tpe => (trials, trials.div_ceil(3)),
            Strategy::Random => (trials, trials),
            Strategy::Grid => (libm::pow(points as f64, space.len() as f64) as usize, 0),
        };
        Ok(Search {
            space,
            grid: (strategy == Strategy::Grid).then_some(points),
            trials,
            sampler: study,
            axes,
            open: None,
            sampled,
            asked: 0,
            outwards: Outwards::new(space, seed),
            current,
            best: None,
        })
    }

    /// How many trials there are: those of a grid may be fewer than were allowed.
    pub fn trials(&self) -> usize {
        self.trials
    }

    /// The next values to try.
    ///
    /// # Errors
    /// [`Error::Internal`] where the library fails.
    pub fn ask(&mut self) -> Result<Values> {
        self.asked += 1;
        if let Some(points) = self.grid {
            let mut rest = self.asked - 1;
            for place in &mut self.current {
                *place = ((rest % points) as f64 + 0.5) / points as f64;
                rest /= points;
            }
        } else if self.asked <= self.sampled {
            let mut trial = self.sampler.ask();
            for (at, (place, axis)) in self.current.iter_mut().zip(&self.axes).enumerate() {
                *place = axis.suggest(&mut trial).map_err(internal)? - at as f64;
            }
            self.open = Some(trial);
        } else {
            let from = self.best.as_ref().map_or(&self.current, |(_, places)| places).clone();
            self.current = self.outwards.next(from);
        }
        Ok(Values::at(self.space, &self.current))
    }

    /// What the last asked values are worth: more is better; `None` where the trial was pruned or could not be made.
    pub fn tell(&mut self, value: Option<f64>) {
        if let Some(trial) = self.open.take() {
            self.sampler.tell(trial, value.ok_or("pruned"));
        }
        let better = value.is_some_and(|value| self.best.as_ref().is_none_or(|(best, _)| value > *best));
        if self.grid.is_none() && self.asked > self.sampled {
            self.outwards.told(better);
        }
        if let (true, Some(value)) = (better, value) {
            self.best = Some((value, self.current.clone()));
        }
    }
}

impl std::fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search")
            .field("best", &self.best)
            .finish_non_exhaustive()
    }
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("the search's library: {error}"))
}

/// Points on each axis, so that all of them are at most `trials`.
fn grid_points(axes: usize, trials: usize) -> usize {
    let fits = |points: &usize| libm::pow(*points as f64, axes as f64) <= trials as f64;
    (1..=trials).take_while(fits).last().unwrap_or(1)
}

/// One axis after another, a step up, then a step down; steps grow with luck and shrink without.
struct Outwards {
    rng: Pcg64Mcg,
    steps: Vec<f64>,
    grains: Vec<f64>,
    order: Vec<usize>,
    /// The axis under way, and whether its step up has failed.
    at: usize,
    down: bool,
}

const FIRST_STEP: f64 = 0.12;
const LEAST_STEP: f64 = 0.004;

impl Outwards {
    fn new(space: &[Param], seed: u64) -> Self {
        let grains: Vec<f64> = space.iter().map(Param::grain).collect();
        Outwards {
            rng: Pcg64Mcg::new(u128::from(seed) << 1 | 1),
            steps: grains.iter().map(|grain| FIRST_STEP.max(*grain)).collect(),
            grains,
            order: vec![],
            at: 0,
            down: false,
        }
    }

    fn next(&mut self, from: Vec<f64>) -> Vec<f64> {
        let mut places = from;
        // A step that leads nowhere is no trial: at a bound the other direction is taken.
        for _ in 0..2 * self.steps.len() {
            let axis = self.axis();
            let step = if self.down { -self.steps[axis] } else { self.steps[axis] };
            let moved = (places[axis] + step).clamp(0.0, 1.0);
            if (moved - places[axis]).abs() > 1e-9 {
                places[axis] = moved;
                break;
            }
            self.told(false);
        }
        places
    }

    fn axis(&mut self) -> usize {
        if self.at >= self.order.len() {
            self.at = 0;
            self.order = (0..self.steps.len()).collect();
            for last in (1..self.order.len()).rev() {
                let other = self.rng.next_u64() % (last as u64 + 1);
                self.order.swap(last, other as usize);
            }
        }
        self.order.get(self.at).copied().unwrap_or_default()
    }

    fn told(&mut self, better: bool) {
        let Some(axis) = self.order.get(self.at).copied() else {
            return;
        };
        if better {
            self.steps[axis] = (self.steps[axis] * 1.6).min(0.5);
        } else if self.down {
            self.steps[axis] = (self.steps[axis] * 0.5).max(LEAST_STEP).max(self.grains[axis]);
        }
        if better || self.down {
            self.at += 1;
        }
        self.down = !better && !self.down;
    }
}

#[cfg(test)]
mod tests {
    use super::super::space::{param, Range};
    use super::*;

    const SPACE: [Param; 5] = [
        param("x", Range::Linear(-2.0, 2.0), 1.5),
        param("y", Range::Log(0.01, 100.0), 20.0),
        param("z", Range::Whole(0, 20), 3.0),
        param("u", Range::Linear(0.0, 1.0), 0.9),
        param("v", Range::Choice(&[1.0, 2.0, 4.0]), 1.0),
    ];

    /// A hill with its top at x = 0.3, y = 1, z = 11, u = 0.25, v = 4.
    fn hill(values: &Values) -> f64 {
        let square = |x: f64| x * x;
        -square(values.get("x") - 0.3)
            - square(libm::log10(values.get("y")))
            - square((values.get("z") - 11.0) / 10.0)
            - square(values.get("u") - 0.25)
            - square((values.get("v") - 4.0) / 4.0)
    }

    fn best(strategy: Strategy, trials: usize, seed: u64) -> (f64, Vec<Values>) {
        let mut search = Search::new(&SPACE, strategy, trials, seed, &Values::start(&SPACE)).unwrap();
        let mut best = f64::NEG_INFINITY;
        let mut asked = vec![];
        for _ in 0..search.trials() {
            let values = search.ask().unwrap();
            best = best.max(hill(&values));
            search.tell(Some(hill(&values)));
            asked.push(values);
        }
        (best, asked)
    }

    #[test]
    fn a_search_climbs_and_tpe_climbs_higher_than_chance() {
        let start = hill(&Values::start(&SPACE));
        let mean = |strategy| (0..5).map(|seed| best(strategy, 90, seed).0).sum::<f64>() / 5.0;
        let (tpe, random) = (mean(Strategy::Tpe), mean(Strategy::Random));
        assert!(random > start && tpe > random / 4.0, "{start} {random} {tpe}");
        assert!(tpe > -0.03, "{tpe}");
    }

    #[test]
    fn equal_seeds_ask_the_same_and_others_do_not() {
        for strategy in [Strategy::Tpe, Strategy::Random, Strategy::Grid] {
            assert_eq!(best(strategy, 40, 7), best(strategy, 40, 7));
        }
        assert_ne!(best(Strategy::Tpe, 40, 7).1, best(Strategy::Tpe, 40, 8).1);
        assert_eq!(best(Strategy::Tpe, 1, 7).1, [Values::start(&SPACE)]);
    }

    #[test]
    fn a_grid_asks_every_point_once() {
        let two = &SPACE[..2];
        let mut search = Search::new(two, Strategy::Grid, 19, 0, &Values::start(two)).unwrap();
        let mut asked: Vec<String> = (0..search.trials())
            .map(|_| {
                let values = search.ask().unwrap();
                search.tell(Some(0.0));
                values.to_string()
            })
            .collect();
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), 16);
    }

    #[test]
    fn pruned_trials_are_never_the_best() {
        let mut search = Search::new(&SPACE, Strategy::Tpe, 20, 1, &Values::start(&SPACE)).unwrap();
        for _ in 0..20 {
            search.ask().unwrap();
            search.tell(None);
        }
        assert!(search.best.is_none());
    }
}
