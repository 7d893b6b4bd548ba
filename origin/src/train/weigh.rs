//! Learns the weights of a blend's parts for each range of history lengths. Invariant: weights are kept only where they rank
//! better, by the runtime, queries that they were not learned from. The last step of [`super::tune`].

use super::fold::SharedBench;
use super::listwise::{List, Listwise, Parts, PARTS};
use super::space::{param, Param, Range, Values};
use crate::error::{Error, Result};
use crate::evaluate::{replay, Query, Scope};
use pocketrank::{Blend, BlendRow, Candidates, Event, Options, Profile, Ranker};
use rand_pcg::rand_core::RngCore;
use rand_pcg::Pcg64Mcg;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Histories from which on another set of weights is learned: each covers one or more rows of the blend.
pub const RANGES: [u16; 6] = [0, 1, 2, 4, 8, 16];
/// A range with fewer queries keeps its weights.
pub const FEWEST: usize = 60;
/// The best of a list by the weights so far, from which the new ones are learned.
const LIST: usize = 100;
/// Rounds of learning.
const ROUNDS: usize = 120;
/// Parts of the queries: the weights learned on one are measured on the others.
const PARTITIONS: usize = 2;

/// How weights are learned: each penalty and each augmentation is off at its first choice.
pub const SPACE: [Param; 4] = [
    param("l1", Range::Choice(&[0.0, 1e-3, 1e-2]), 0.0),
    param("l2", Range::Choice(&[0.0, 1e-3, 1e-2, 0.1]), 1e-2),
    param("dropout", Range::Choice(&[0.0, 0.15, 0.3]), 0.0),
    param("noise", Range::Choice(&[0.0, 0.1, 0.3]), 0.0),
];

/// How weights are learned.
#[derive(Debug, Clone, Copy)]
pub struct Learning<'a> {
    /// Of [`SPACE`].
    pub values: &'a Values,
    /// What is ranked.
    pub scope: Scope,
    /// Of dropout and noise.
    pub seed: u64,
}

/// The lists of a range, by the bits of the dropout that they were made with.
#[derive(Debug, Default)]
pub struct Lists(HashMap<u64, Vec<List>>);

impl Lists {
    fn of(
        &mut self,
        range: &RangeOfHistories,
        bench: &SharedBench,
        blend: &Blend,
        how: &Learning<'_>,
    ) -> Result<&[List]> {
        let dropout = how.values.get("dropout");
        Ok(match self.0.entry(dropout.to_bits()) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(free) => free.insert(range.lists(bench, blend, dropout, how.scope, how.seed)?),
        })
    }
}

/// One range of history lengths with its queries.
#[derive(Debug)]
pub struct RangeOfHistories {
    /// The fewest distinct items.
    pub from: u16,
    /// Its queries.
    pub queries: Vec<Query>,
    rows: Vec<usize>,
}

impl RangeOfHistories {
    /// The ranges of a blend with enough of these queries.
    pub fn all(blend: &Blend, queries: &[&Query]) -> Vec<Self> {
        let within = |at: usize, length: usize| {
            length >= usize::from(RANGES[at]) && RANGES.get(at + 1).is_none_or(|next| length < usize::from(*next))
        };
        let range = |at: usize| RangeOfHistories {
            from: RANGES[at],
            queries: queries
                .iter()
                .filter(|query| within(at, distinct(blend, &query.profile)))
                .map(|query| (*query).clone())
                .collect(),
            rows: (0..blend.rows.len())
                .filter(|row| within(at, usize::from(blend.rows[*row].min_history)))
                .collect(),
        };
        (0..RANGES.len())
            .map(range)
            .filter(|range| range.queries.len() >= FEWEST && !range.rows.is_empty())
            .collect()
    }

    /// The parts that have a weight here.
    pub fn parts(&self, blend: &Blend) -> Vec<usize> {
        let weights = blend.rows[self.rows[0]].weights();
        (0..PARTS).filter(|part| weights[*part] != 0.0).collect()
    }

    /// NDCG@20 of its queries with a blend.
    ///
    /// # Errors
    /// [`Error::Internal`] where the blend breaks the format's rules.
    pub fn measure(&self, bench: &mut SharedBench, blend: &Blend, scope: Scope) -> Result<f64> {
        measure(bench, blend, &self.queries, scope)
    }

    /// The blend with its weights learned from all its queries.
    ///
    /// # Errors
    /// As [`RangeOfHistories::measure`].
    pub fn learn(&self, bench: &SharedBench, blend: &Blend, how: &Learning<'_>, lists: &mut Lists) -> Result<Blend> {
        let lists = lists.of(self, bench, blend, how)?;
        Ok(self.learned(blend, how, &lists.iter().collect::<Vec<_>>()))
    }

    /// What weights learned from one part of its queries are worth on the other.
    ///
    /// # Errors
    /// As [`RangeOfHistories::measure`].
    pub fn try_out(
        &self,
        bench: &mut SharedBench,
        blend: &Blend,
        how: &Learning<'_>,
        lists: &mut Lists,
    ) -> Result<f64> {
        let lists = lists.of(self, bench, blend, how)?;
        let parts: Vec<usize> = (0..PARTITIONS).collect();
        let learned = crate::parallel::map(&parts, |part| {
            let others = lists
                .iter()
                .enumerate()
                .filter(|(place, _)| place % PARTITIONS != *part);
            self.learned(blend, how, &others.map(|(_, list)| list).collect::<Vec<_>>())
        });
        let mut sum = 0.0;
        for (part, changed) in learned.iter().enumerate() {
            let asked = self.queries.iter().skip(part).step_by(PARTITIONS);
            let asked: Vec<Query> = asked.cloned().collect();
            sum += measure(bench, changed, &asked, how.scope)? * asked.len() as f64;
        }
        Ok(sum / self.queries.len() as f64)
    }

    fn learned(&self, blend: &Blend, how: &Learning<'_>, lists: &[&List]) -> Blend {
        let listwise = Listwise {
            l1: how.values.get("l1"),
            l2: how.values.get("l2"),
            noise: how.values.get("noise"),
            rounds: ROUNDS,
            seed: how.seed,
        };
        let start = blend.rows[self.rows[0]].weights();
        // A weight that is 0 stands for a part that is not in the model.
        let free = start.map(|weight| weight != 0.0);
        let weights = listwise.fit(lists, &start, &free);
        let mut changed = blend.clone();
        self.rows
            .iter()
            .for_each(|row| scale(&mut changed.rows[*row], &start, &weights));
        changed
    }

    /// The best of each query's list by the blend, and their parts.
    fn lists(&self, bench: &SharedBench, blend: &Blend, dropout: f64, scope: Scope, seed: u64) -> Result<Vec<List>> {
        let mut rng = Pcg64Mcg::new(u128::from(seed) << 1 | 1);
        let mut unit = blend.clone();
        for row in &mut unit.rows {
            set(row, &[1.0; PARTS]);
        }
        let mut queries = self.queries.clone();
        if dropout > 0.0 {
            for query in &mut queries {
                query.profile = thinned(&query.profile, dropout, &mut rng);
            }
        }
        let all = Candidates::from_rows((0..bench.ranker.snapshot().items()).collect());
        let mut ranker = bench.ranker.clone();
        ranker.set_blend(blend.clone()).map_err(internal)?;
        let mut parts = bench.ranker.clone();
        parts.set_blend(unit).map_err(internal)?;
        Ok(
            crate::parallel::map(&queries.chunks(32).collect::<Vec<_>>(), |queries| {
                let (mut ranker, mut parts) = (ranker.clone(), parts.clone());
                let list = |query: &Query| {
                    ranker.set_profile(&query.profile, query.now);
                    let mut reached: Vec<u32> = ranker.reached().collect();
                    if scope == Scope::All || reached.is_empty() {
                        return list(&mut ranker, &mut parts, &all, query, bench);
                    }
                    reached.sort_unstable();
                    list(&mut ranker, &mut parts, &Candidates::from_rows(reached), query, bench)
                };
                queries.iter().map(list).collect::<Vec<List>>()
            })
            .concat(),
        )
    }
}

type SharedRanker = Ranker<Arc<[u8]>>;

fn list(
    ranker: &mut SharedRanker,
    unit: &mut SharedRanker,
    all: &Candidates,
    query: &Query,
    bench: &SharedBench,
) -> List {
    unit.set_profile(&query.profile, query.now);
    let options = Options {
        count: LIST + query.exclude.len(),
        ..Options::default()
    };
    let wanted: HashSet<u32> = query.relevant.iter().filter_map(|item| bench.row(*item)).collect();
    let left_out: HashSet<u32> = query.exclude.iter().filter_map(|item| bench.row(*item)).collect();
    let best = ranker.rerank(all, &options).iter().map(|ranked| ranked.row);
    let mut rows: Vec<u32> = best
        .chain(wanted.iter().copied())
        .filter(|row| !left_out.contains(row))
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let parts = |row: &u32| {
        let mut parts = [0.0; PARTS];
        parts
            .iter_mut()
            .zip(unit.explain(*row).parts)
            .for_each(|(value, part)| *value = part.value);
        parts
    };
    List {
        parts: rows.iter().map(parts).collect(),
        wanted: rows.iter().map(|row| wanted.contains(row)).collect(),
    }
}

/// NDCG@20 of queries with a blend.
///
/// # Errors
/// [`Error::Internal`] where the blend breaks the format's rules.
pub fn measure(bench: &mut SharedBench, blend: &Blend, queries: &[Query], scope: Scope) -> Result<f64> {
    set_blend(bench, blend)?;
    Ok(bench.rank(queries, scope).ndcg())
}

/// Lets a bench rank with another blend.
///
/// # Errors
/// As [`measure`].
pub fn set_blend(bench: &mut SharedBench, blend: &Blend) -> Result<()> {
    bench.ranker.set_blend(blend.clone()).map_err(internal)
}

fn internal(error: pocketrank::Error) -> Error {
    Error::Internal(format!("a blend that was searched is not valid: {error}"))
}

/// The profile with some of its events forgotten, but not the newest.
fn thinned(profile: &Profile, dropout: f64, rng: &mut Pcg64Mcg) -> Profile {
    let newest = profile.events().len().saturating_sub(1);
    let mut drawn = |_: &(usize, &Event)| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let kept = profile
        .events()
        .iter()
        .enumerate()
        .filter(|event| drawn(event) >= dropout || event.0 == newest);
    replay(kept.map(|(_, event)| *event))
}

/// Distinct items of a history, as the runtime counts them: events of weight 0 are left out.
fn distinct(blend: &Blend, profile: &Profile) -> usize {
    let counts = |event: &&Event| blend.kinds[event.kind as usize] != 0;
    let items = profile.events().iter().filter(counts).map(|event| event.item);
    items.collect::<HashSet<_>>().len()
}

/// Multiplies each weight of a row by what became of the range's first row's.
fn scale(row: &mut BlendRow, before: &Parts, after: &Parts) {
    let mut weights = row.weights();
    for (weight, (before, after)) in weights.iter_mut().zip(before.iter().zip(after)) {
        *weight *= if *before == 0.0 { 1.0 } else { after / before };
    }
    set(row, &weights);
}

fn set(row: &mut BlendRow, weights: &Parts) {
    let [neighbours, repeat, factors, content, category, brand, price_band, popularity, trend, newness] = *weights;
    *row = BlendRow {
        min_history: row.min_history,
        recency: std::mem::take(&mut row.recency),
        repeat_recency: std::mem::take(&mut row.repeat_recency),
        neighbours,
        repeat,
        factors,
        content,
        category,
        brand,
        price_band,
        popularity,
        trend,
        newness,
    };
}

/// The blend with one weight of a range multiplied.
pub fn with_factor(blend: &Blend, range: &RangeOfHistories, part: usize, factor: f32) -> Blend {
    let mut changed = blend.clone();
    for row in &range.rows {
        let mut weights = changed.rows[*row].weights();
        weights[part] *= factor;
        set(&mut changed.rows[*row], &weights);
    }
    changed
}
