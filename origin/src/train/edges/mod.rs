//! Learned edges: the two-hop table's weights, weighed anew by how often edges like them were followed later.
//!
//! Sessions in the order of time are cut into folds: the table and what else is known of its edges come from the older part,
//! how often each was followed from the newer one. Trees learn the rate; the table of all sessions is then weighed by it.
//! Invariant: an edge ships only if the two-hop table has it, so each hop stands on `min_customers`; what is learned depends
//! on the sessions and the parameters alone.

mod boost;
mod features;

pub use boost::{Boost, Target, Trees};
pub use features::FEATURES;

use super::sequences::Sequences;
use super::twohop::{Decay, Transition, Transitions, TwoHop};
use super::{prune, Weights};
use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use features::Known;
use rand_pcg::rand_core::{RngCore, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The most edges of one fold to learn from: rows are left out at random beyond.
const MOST_EDGES: usize = 240_000;
/// Rows that one thread works on at a time.
const RUN: usize = 256;

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edges {
    /// The table.
    pub two_hop: TwoHop,
    /// The number of folds, from the newest back.
    pub folds: usize,
    /// Share of the sessions that is a fold's newer part.
    pub share: f64,
    /// A later click on the target counts `lag^-lag` in what is learned.
    pub lag: f64,
    /// The trees.
    pub boost: Boost,
    /// For the choice of the rows to learn from.
    pub seed: u64,
}

impl Default for Edges {
    fn default() -> Self {
        Edges {
            two_hop: TwoHop::default(),
            folds: 3,
            share: 0.12,
            lag: 1.5,
            boost: Boost {
                trees: 80,
                depth: 5,
                rate: 0.12,
                ridge: 5.0,
                least: 5.0,
            },
            seed: 1,
        }
    }
}

/// Edges of all rows with what was learned of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Target, weight over one and two hops, rate.
    rows: Vec<Vec<(u32, f32, f32)>>,
    clicks: Vec<u32>,
}

impl Edges {
    /// Learns the rates.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`].
    pub fn fit(&self, sequences: &Sequences, items: usize, min_customers: u32, control: &Control) -> Result<Learned> {
        let (mut values, mut targets) = (vec![], vec![]);
        for fold in 1..=self.folds {
            let end = sequences.len() as f64 * (1.0 - self.share * (fold - 1) as f64);
            let (until, _) = sequences.split_at(end.max(0.0) as usize);
            let (older, newer) = until.split_at((end - sequences.len() as f64 * self.share).max(0.0) as usize);
            let known = Known::of(&self.two_hop, &older, items, min_customers, control)?;
            self.examples(&known, &newer, fold as u64, control, &mut values, &mut targets)?;
        }
        let trees = self.boost.fit(&values, FEATURES, &targets, control)?;
        let known = Known::of(&self.two_hop, sequences, items, min_customers, control)?;
        let starts: Vec<usize> = (0..items).step_by(RUN).collect();
        let runs = parallel::map(&starts, |start| {
            control.check()?;
            let mut features = vec![];
            let row = |source: usize| {
                features.clear();
                known.features(source, &mut features);
                let rates = features
                    .chunks_exact(FEATURES)
                    .map(|row| libm::exp(trees.predict(row)) as f32);
                let edges = known.rows[source].iter();
                edges
                    .zip(rates)
                    .map(|(edge, rate)| (edge.target, edge.weight, rate))
                    .collect()
            };
            Ok((*start..(start + RUN).min(items)).map(row).collect::<Vec<_>>())
        });
        let mut rows = Vec::with_capacity(items);
        for run in runs {
            rows.extend(run?);
        }
        Ok(Learned {
            rows,
            clicks: sequences.clicks(items),
        })
    }

    /// Edges of rows whose item was clicked in the newer part, with how often they were followed there.
    fn examples(
        &self,
        known: &Known,
        newer: &Sequences,
        fold: u64,
        control: &Control,
        values: &mut Vec<f32>,
        targets: &mut Vec<Target>,
    ) -> Result<()> {
        let items = known.rows.len();
        let mut chances = vec![0u32; items];
        for clicks in newer.iter() {
            clicks
                .iter()
                .rev()
                .skip(1)
                .for_each(|item| chances[*item as usize] += 1);
        }
        let decay = Decay {
            forward: self.lag,
            back: 0.0,
            backward: 0.0,
            length: 0.0,
            horizon: f64::INFINITY,
        };
        let followed = Transitions::new(newer, items, &decay).rows(1, control, |_, row| std::mem::take(row))?;
        let mut sources: Vec<usize> = (0..items).filter(|source| chances[*source] > 0).collect();
        let mut random = Pcg64Mcg::seed_from_u64(self.seed ^ fold << 32);
        for at in (1..sources.len()).rev() {
            sources.swap(at, (random.next_u64() % (at as u64 + 1)) as usize);
        }
        let mut edges = 0;
        for source in sources {
            let row = &known.rows[source];
            edges += row.len();
            if edges > MOST_EDGES {
                break;
            }
            known.features(source, values);
            targets.extend(row.iter().map(|edge| Target {
                count: count(&followed[source], edge.target),
                chances: chances[source] as f32,
            }));
        }
        Ok(())
    }
}

impl Learned {
    /// The weights `rate^(power · share) · weight^(1 - share)`: `share` 0 leaves the two-hop table's. Scaled as these are.
    pub fn weights(&self, power: f64, share: f64) -> Weights {
        let starts: Vec<usize> = (0..self.rows.len()).step_by(RUN).collect();
        let mut weights: Weights = parallel::map(&starts, |start| {
            let rows = &self.rows[*start..(start + RUN).min(self.rows.len())];
            let weigh = |edge: &(u32, f32, f32)| {
                let log = power * share * libm::log(f64::from(edge.2)) + (1.0 - share) * libm::log(f64::from(edge.1));
                (edge.0, libm::exp(log) as f32)
            };
            let row = |row: &Vec<(u32, f32, f32)>| {
                let mut row: Vec<(u32, f32)> = row.iter().map(weigh).collect();
                let all = row.len();
                prune(&mut row, all);
                row
            };
            rows.iter().map(row).collect::<Weights>()
        })
        .concat();
        let scale = super::twohop::unit(&weights, &self.clicks, |(_, weight)| *weight);
        weights.iter_mut().flatten().for_each(|(_, weight)| *weight *= scale);
        weights
    }
}

fn count(row: &[Transition], target: u32) -> f32 {
    row.binary_search_by_key(&target, |to| to.target)
        .map_or(0.0, |at| row[at].count)
}
