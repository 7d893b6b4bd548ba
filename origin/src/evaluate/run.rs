//! Runs the runtime over packed bytes for every query and counts.

use super::metrics::{values, Metrics, Values, DEPTH, METRICS, NDCG};
use super::queries::Query;
use crate::error::{Error, Result};
use crate::train::free;
use pocketrank::{Candidates, Options, Ranker, Snapshot, NO_ROW, OUT_OF_STOCK};
use serde::Serialize;
use std::path::Path;

/// Queries per unit of parallel work; fixed, so that sums do not depend on the number of cores.
pub(super) const CHUNK: usize = 64;

/// Quality of one snapshot over some queries.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// The segments, the first over all queries.
    pub segments: Vec<Segment>,
    /// Queries that also ask for items which the snapshot does not have; no model can find those.
    pub with_new_items: usize,
}

/// Quality over a part of the queries.
#[derive(Debug, Clone, Serialize)]
pub struct Segment {
    /// Which part.
    pub name: String,
    /// How many queries it has.
    pub queries: usize,
    /// Means, in the order of [`METRICS`].
    pub metrics: Values,
}

impl Segment {
    pub(super) fn new(name: impl Into<String>, metrics: &Metrics) -> Self {
        Segment {
            name: name.into(),
            queries: metrics.queries,
            metrics: metrics.mean(),
        }
    }
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
    /// The rows that items are in.
    all: Vec<u32>,
}

/// What came of ranking, query by query.
#[derive(Debug, Clone, Default)]
pub struct Ranking {
    /// The rows of each list, best first.
    pub lists: Vec<Vec<u32>>,
    /// The metrics of each list.
    pub values: Vec<Values>,
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
        let all = free::others(&snapshot);
        let mut popular: Vec<(u8, u32)> = snapshot.prior().map_or(vec![], |prior| {
            let row = |row: u32| Some((u8::MAX - prior.get(row)?.popularity, row));
            all.iter().filter_map(|at| row(*at)).collect()
        });
        popular.sort_unstable();
        popular.truncate(POPULAR);
        Ok(Bench {
            ranker: Ranker::new(snapshot),
            row_items: row_items.to_vec(),
            rows,
            popular: popular.into_iter().map(|(_, row)| row).collect(),
            all,
        })
    }

    /// Ranks for each query and counts. Relevant items that the snapshot does not have cannot be found and count as misses.
    pub fn rank(&self, queries: &[Query], scope: Scope) -> Evaluation {
        self.evaluation(queries, &self.ranking(queries, scope))
    }

    /// Means of a ranking, over all queries and by what was known of the visitor.
    pub fn evaluation(&self, queries: &[Query], ranking: &Ranking) -> Evaluation {
        let [mut all, mut known, mut new] = [Metrics::default(); 3];
        for (query, values) in queries.iter().zip(&ranking.values) {
            all.count(values);
            if query.new_visitor { &mut new } else { &mut known }.count(values);
        }
        let new_items = |query: &&Query| query.relevant.iter().any(|item| self.row(*item).is_none());
        Evaluation {
            segments: vec![
                Segment::new("all", &all),
                Segment::new("known visitors", &known),
                Segment::new("new visitors", &new),
            ],
            with_new_items: queries.iter().filter(new_items).count(),
        }
    }

    /// The best rows for each query, and what they are worth.
    pub fn ranking(&self, queries: &[Query], scope: Scope) -> Ranking {
        self.lists(queries, || Lists::new(self, scope))
    }

    /// The best of some rows for each query, as in a slot that shows nothing else, and what they are worth.
    pub fn ranking_among(&self, queries: &[Query], rows: &[u32]) -> Ranking {
        self.lists(queries, || Lists {
            among: Some(rows),
            ..Lists::new(self, Scope::All)
        })
    }

    fn lists<'a>(&'a self, queries: &[Query], lists: impl Fn() -> Lists<'a, B> + Sync) -> Ranking {
        let chunks: Vec<&[Query]> = queries.chunks(CHUNK).collect();
        let ranked = crate::parallel::map(&chunks, |chunk| {
            let mut lists = lists();
            chunk
                .iter()
                .map(|query| {
                    let list = lists.list(query);
                    let values = values(&self.hits(&list, &query.relevant), query.relevant.len());
                    (list, values)
                })
                .collect::<Vec<_>>()
        });
        let (lists, values) = ranked.into_iter().flatten().unzip();
        Ranking { lists, values }
    }

    /// For each place of a list whether its item is among `relevant`, which ascends.
    pub(super) fn hits(&self, list: &[u32], relevant: &[u32]) -> Vec<bool> {
        let hit = |row: &u32| relevant.binary_search(&self.row_items[*row as usize]).is_ok();
        list.iter().map(hit).collect()
    }

    /// The rows that items are in.
    pub fn all(&self) -> &[u32] {
        &self.all
    }

    /// The dataset's item of a row, or [`NO_ROW`].
    pub fn item(&self, row: u32) -> u32 {
        self.row_items.get(row as usize).copied().unwrap_or(NO_ROW)
    }

    /// The row of one of the dataset's items.
    pub fn row(&self, item: u32) -> Option<u32> {
        self.rows.get(item as usize).copied().filter(|row| *row != NO_ROW)
    }

    /// The most popular rows and `more`, without what the query leaves out; ascending, so that ties fall as among all.
    pub(super) fn candidates(&self, query: &Query, more: impl Iterator<Item = u32>) -> Candidates {
        self.without_excluded(query, self.popular.iter().copied().chain(more).collect())
    }

    /// Rows without what the query leaves out; ascending.
    fn without_excluded(&self, query: &Query, mut rows: Vec<u32>) -> Candidates {
        let mut excluded = self.excluded(query);
        excluded.sort_unstable();
        rows.sort_unstable();
        rows.dedup();
        rows.retain(|row| excluded.binary_search(row).is_err());
        Candidates::from_rows(rows)
    }

    fn excluded(&self, query: &Query) -> Vec<u32> {
        query.exclude.iter().filter_map(|item| self.row(*item)).collect()
    }
}

/// Ranks with buffers of its own, one query after another.
struct Lists<'a, B> {
    bench: &'a Bench<B>,
    ranker: Ranker<B>,
    scope: Scope,
    candidates: Candidates,
    /// The only rows that are ranked, if not those of the scope.
    among: Option<&'a [u32]>,
}

impl<'a, B: AsRef<[u8]> + Clone + Sync> Lists<'a, B> {
    fn new(bench: &'a Bench<B>, scope: Scope) -> Self {
        let mut candidates = Candidates::from_rows((0..bench.ranker.snapshot().items()).collect());
        let flags = candidates.flags_mut();
        flags.fill(OUT_OF_STOCK);
        bench.all.iter().for_each(|row| flags[*row as usize] = 0);
        Lists {
            bench,
            ranker: bench.ranker.clone(),
            scope,
            candidates,
            among: None,
        }
    }

    /// The rows of the best places.
    fn list(&mut self, query: &Query) -> Vec<u32> {
        self.ranker.set_profile(&query.profile, query.now);
        // What is left out is flagged, as an item that is sold out is.
        let options = Options {
            count: DEPTH,
            exclude_out_of_stock: true,
            ..Options::default()
        };
        if let Some(among) = self.among {
            let candidates = self.bench.without_excluded(query, among.to_vec());
            return rows(self.ranker.rerank(&candidates, &options));
        }
        if self.scope == Scope::Reached {
            let candidates = self.bench.candidates(query, self.ranker.reached());
            return rows(self.ranker.rerank(&candidates, &options));
        }
        let excluded = self.bench.excluded(query);
        let flag = |flags: &mut [u8], value| excluded.iter().for_each(|row| flags[*row as usize] = value);
        flag(self.candidates.flags_mut(), OUT_OF_STOCK);
        let list = rows(self.ranker.rerank(&self.candidates, &options));
        flag(self.candidates.flags_mut(), 0);
        list
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
