//! Runs the runtime over packed bytes for every query and counts.

use super::metrics::{values, Metrics, DEPTH, METRICS, NDCG};
use super::queries::Query;
use crate::error::{Error, Result};
use pocketrank::{Candidates, Options, Ranker, Snapshot, NO_ROW, OUT_OF_STOCK};
use serde::Serialize;
use std::path::Path;

/// Queries per unit of parallel work; fixed, so that sums do not depend on the number of cores.
const CHUNK: usize = 64;
const COVERAGE_DEPTH: usize = 10;

/// Quality of one snapshot over some queries.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// The segments, the first over all queries.
    pub segments: Vec<Segment>,
    /// Queries that also ask for items which the snapshot does not have; no model can find those.
    pub with_new_items: usize,
    /// Share of the catalogue's rows that were shown in any query's first ten places.
    pub coverage: f64,
}

/// Quality over a part of the queries.
#[derive(Debug, Clone, Serialize)]
pub struct Segment {
    /// Which part.
    pub name: &'static str,
    /// How many queries it has.
    pub queries: usize,
    /// Means, in the order of [`METRICS`].
    pub metrics: [f64; METRICS.len()],
}

impl Evaluation {
    /// Mean of NDCG@20 over all queries, which training maximizes.
    pub fn ndcg(&self) -> f64 {
        self.segments.first().map_or(0.0, |all| all.metrics[NDCG])
    }

    /// Mean of the metric of that name (see [`METRICS`]) over all queries.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let at = METRICS.iter().position(|metric| *metric == name)?;
        self.segments.first().map(|all| all.metrics[at])
    }
}

#[derive(Default)]
struct Counts {
    all: Metrics,
    known_visitors: Metrics,
    new_visitors: Metrics,
    with_new_items: usize,
    shown: Vec<u32>,
}

/// Which rows a query's list is chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them, which is what evaluation reports.
    All,
    /// Those that the history reaches and the most popular: quick, for tuning.
    Reached,
}

/// How many of the most popular rows [`Scope::Reached`] adds.
const POPULAR: usize = 200;

/// A packed snapshot, ready to be measured, again and again with other blends.
#[derive(Debug, Clone)]
pub struct Bench<B> {
    /// What ranks; its blend may be changed between measurements.
    pub ranker: Ranker<B>,
    row_items: Vec<u32>,
    /// The row of each of the dataset's items, as far as rows have one.
    rows: Vec<u32>,
    popular: Vec<u32>,
}

impl<B: AsRef<[u8]> + Clone + Sync> Bench<B> {
    /// Of bytes whose rows are these of the dataset's items ([`NO_ROW`]: none of them).
    ///
    /// # Errors
    /// [`Error::Snapshot`] where the bytes do not verify.
    pub fn open(bytes: B, row_items: &[u32]) -> Result<Self> {
        let failed = |source| Error::Snapshot {
            path: Path::new("evaluated snapshot").into(),
            source,
        };
        let snapshot = Snapshot::open(bytes).map_err(failed)?;
        snapshot.verify().map_err(failed)?;
        let items = row_items.iter().filter(|item| **item != NO_ROW).max();
        let mut rows = vec![NO_ROW; items.map_or(0, |most| *most as usize + 1)];
        for (row, item) in (0u32..).zip(row_items).filter(|(_, item)| **item != NO_ROW) {
            rows[*item as usize] = row;
        }
        let mut popular: Vec<(u8, u32)> = snapshot.prior().map_or(vec![], |prior| {
            let row = |row: u32| Some((u8::MAX - prior.get(row)?.popularity, row));
            (0..snapshot.items()).filter_map(row).collect()
        });
        popular.sort_unstable();
        popular.truncate(POPULAR);
        Ok(Bench {
            ranker: Ranker::new(snapshot),
            row_items: row_items.to_vec(),
            rows,
            popular: popular.into_iter().map(|(_, row)| row).collect(),
        })
    }

    /// Ranks for each query and counts. Relevant items that the snapshot does not have cannot be found and count as misses.
    pub fn rank(&self, queries: &[Query], scope: Scope) -> Evaluation {
        let rows = self.ranker.snapshot().items();
        let chunks: Vec<&[Query]> = queries.chunks(CHUNK).collect();
        let counted = crate::parallel::map(&chunks, |chunk| {
            let mut lists = Lists::new(self, scope);
            let mut counts = Counts::default();
            for query in *chunk {
                counts.count(query, &lists.list(query), self);
            }
            counts
        });
        let mut total = Counts::default();
        counted.iter().for_each(|counts| total.add(counts));
        total.shown.sort_unstable();
        total.shown.dedup();
        let segment = |name, metrics: &Metrics| Segment {
            name,
            queries: metrics.queries,
            metrics: metrics.mean(),
        };
        Evaluation {
            segments: vec![
                segment("all", &total.all),
                segment("known visitors", &total.known_visitors),
                segment("new visitors", &total.new_visitors),
            ],
            with_new_items: total.with_new_items,
            coverage: total.shown.len() as f64 / f64::from(rows.max(1)),
        }
    }

    /// The row of one of the dataset's items.
    fn row(&self, item: u32) -> Option<u32> {
        self.rows.get(item as usize).copied().filter(|row| *row != NO_ROW)
    }
}

/// Ranks with buffers of its own, one query after another.
struct Lists<'a, B> {
    bench: &'a Bench<B>,
    ranker: Ranker<B>,
    scope: Scope,
    candidates: Candidates,
}

impl<'a, B: AsRef<[u8]> + Clone + Sync> Lists<'a, B> {
    fn new(bench: &'a Bench<B>, scope: Scope) -> Self {
        Lists {
            bench,
            ranker: bench.ranker.clone(),
            scope,
            candidates: Candidates::from_rows((0..bench.ranker.snapshot().items()).collect()),
        }
    }

    /// The rows of the best places.
    fn list(&mut self, query: &Query) -> Vec<u32> {
        self.ranker.set_profile(&query.profile, query.now);
        let excluded: Vec<u32> = query.exclude.iter().filter_map(|item| self.bench.row(*item)).collect();
        // What is left out is flagged, as an item that is sold out is.
        let options = Options {
            count: DEPTH,
            exclude_out_of_stock: true,
            ..Options::default()
        };
        if self.scope == Scope::Reached {
            self.candidates = self.reached(excluded);
            return rows(self.ranker.rerank(&self.candidates, &options));
        }
        let flag = |flags: &mut [u8], value| excluded.iter().for_each(|row| flags[*row as usize] = value);
        flag(self.candidates.flags_mut(), OUT_OF_STOCK);
        let list = rows(self.ranker.rerank(&self.candidates, &options));
        flag(self.candidates.flags_mut(), 0);
        list
    }

    /// Rows ascending, so that ties fall as they do among all.
    fn reached(&self, mut excluded: Vec<u32>) -> Candidates {
        excluded.sort_unstable();
        let mut rows: Vec<u32> = self.bench.popular.clone();
        rows.extend(self.ranker.reached());
        rows.sort_unstable();
        rows.dedup();
        rows.retain(|row| excluded.binary_search(row).is_err());
        Candidates::from_rows(rows)
    }
}

fn rows(slate: &[pocketrank::Ranked]) -> Vec<u32> {
    slate.iter().map(|ranked| ranked.row).collect()
}

/// Ranks all rows of a packed snapshot for each query. `row_items` is the dataset's item of each row.
///
/// # Errors
/// [`Error::Snapshot`] where the bytes do not verify.
pub fn rank(bytes: &[u8], row_items: &[u32], queries: &[Query]) -> Result<Evaluation> {
    Ok(Bench::open(bytes, row_items)?.rank(queries, Scope::All))
}

impl Counts {
    fn count<B: AsRef<[u8]> + Clone + Sync>(&mut self, query: &Query, slate: &[u32], bench: &Bench<B>) {
        let relevant = |row: &u32| query.relevant.binary_search(&bench.row_items[*row as usize]).is_ok();
        let hits: Vec<bool> = slate.iter().map(relevant).collect();
        let values = values(&hits, query.relevant.len());
        self.all.count(&values);
        let visitors = if query.new_visitor {
            &mut self.new_visitors
        } else {
            &mut self.known_visitors
        };
        visitors.count(&values);
        let new_item = query.relevant.iter().any(|item| bench.row(*item).is_none());
        self.with_new_items += usize::from(new_item);
        self.shown.extend(slate.iter().take(COVERAGE_DEPTH));
    }

    fn add(&mut self, other: &Counts) {
        self.all.add(&other.all);
        self.known_visitors.add(&other.known_visitors);
        self.new_visitors.add(&other.new_visitors);
        self.with_new_items += other.with_new_items;
        self.shown.extend(&other.shown);
    }
}
