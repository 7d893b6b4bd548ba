//! Runs the runtime over packed bytes for every query and counts.

use super::metrics::{Metrics, DEPTH, METRICS};
use super::queries::Query;
use crate::error::{Error, Result};
use pocketrank::{Candidates, Options, Ranker, Snapshot};
use serde::Serialize;
use std::collections::HashSet;
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
    /// Mean of NDCG@10 over all queries.
    pub fn ndcg(&self) -> f64 {
        self.segments
            .first()
            .map_or(0.0, |all| all.metrics[super::metrics::NDCG])
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

/// Ranks all rows of a packed snapshot for each query. `row_items` is the dataset's item of each row. Relevant items that the
/// snapshot does not have cannot be found and count as misses.
///
/// # Errors
/// [`Error::Snapshot`] where the bytes do not verify.
pub fn rank(bytes: &[u8], row_items: &[u32], queries: &[Query]) -> Result<Evaluation> {
    let failed = |source| Error::Snapshot {
        path: Path::new("evaluated snapshot").into(),
        source,
    };
    let snapshot = Snapshot::open(bytes).map_err(failed)?;
    snapshot.verify().map_err(failed)?;
    let rows = snapshot.items();
    let known: HashSet<u32> = row_items.iter().copied().collect();
    let ranker = Ranker::new(snapshot);
    let candidates = Candidates::from_rows((0..rows).collect());
    let options = Options {
        count: DEPTH,
        exclude_out_of_stock: false,
        ..Options::default()
    };

    let chunks: Vec<&[Query]> = queries.chunks(CHUNK).collect();
    let counted = crate::parallel::map(&chunks, |chunk| {
        let mut ranker = ranker.clone();
        let mut counts = Counts::default();
        for query in *chunk {
            ranker.set_profile(&query.profile, query.now);
            let slate: Vec<u32> = ranker
                .rerank(&candidates, &options)
                .iter()
                .map(|ranked| ranked.row)
                .collect();
            counts.count(query, &slate, &known, row_items);
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
    Ok(Evaluation {
        segments: vec![
            segment("all", &total.all),
            segment("known visitors", &total.known_visitors),
            segment("new visitors", &total.new_visitors),
        ],
        with_new_items: total.with_new_items,
        coverage: total.shown.len() as f64 / f64::from(rows.max(1)),
    })
}

impl Counts {
    fn count(&mut self, query: &Query, slate: &[u32], known: &HashSet<u32>, row_items: &[u32]) {
        let relevant = |row: &u32| query.relevant.binary_search(&row_items[*row as usize]).is_ok();
        let hits: Vec<bool> = slate.iter().map(relevant).collect();
        self.all.count(&hits, query.relevant.len());
        let visitors = if query.new_visitor {
            &mut self.new_visitors
        } else {
            &mut self.known_visitors
        };
        visitors.count(&hits, query.relevant.len());
        let new_item = query.relevant.iter().any(|item| !known.contains(item));
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
