//! The twin of the parts of neighbours and of content in floats: what ranking with the weights and vectors as they were before
//! packing would be worth.
//!
//! All other parts come from the runtime, whose blend is asked for them without these; factors count as they are packed. Invariant:
//! where the packed numbers equal the given ones, both rank alike but for rounding.

use super::metrics::{values, DEPTH, NDCG};
use super::queries::Query;
use super::run::{Bench, Scope, CHUNK};
use crate::error::{Error, Result};
use crate::train::Weights;
use pocketrank::pack::Content;
use pocketrank::{Blend, BlendRow, ItemHash, Options, Snapshot, ONCE, ONE};
use std::collections::HashMap;
use std::path::Path;

const DAY: u32 = 86_400;

/// Mean NDCG@20 over the queries with `weights` and `content` (by row of the snapshot) in the place of its packed neighbours and
/// content. Ranks what the scope has and all that the weights reach.
///
/// # Errors
/// [`Error::Snapshot`] where the snapshot does not verify.
pub fn float_ndcg<B: AsRef<[u8]> + Clone + Sync>(
    weights: &Weights,
    content: Option<&Content>,
    snapshot: &Snapshot<B>,
    row_items: &[u32],
    queries: &[Query],
    scope: Scope,
) -> Result<f64> {
    let failed = |source| Error::Snapshot {
        path: Path::new("snapshot beside its floats").into(),
        source,
    };
    let blend = snapshot.blend();
    let mut bench = Bench::open(snapshot.as_bytes(), row_items)?;
    let without = |row: &BlendRow| BlendRow {
        neighbours: 0.0,
        content: 0.0,
        ..row.clone()
    };
    let others = Blend {
        rows: blend.rows.iter().map(without).collect(),
        ..blend.clone()
    };
    bench.ranker.set_blend(others).map_err(failed)?;
    let chunks: Vec<&[Query]> = queries.chunks(CHUNK).collect();
    let sums = crate::parallel::map(&chunks, |chunk| {
        let mut ranker = bench.ranker.clone();
        let mut sum = 0.0;
        for query in *chunk {
            ranker.set_profile(&query.profile, query.now);
            let history = history(snapshot, query);
            let parts = neighbours(weights, &history);
            let like = content.map(|content| Like::new(content, snapshot, &history));
            let everywhere = if scope == Scope::All { bench.all() } else { &[] };
            let more = parts.keys().chain(everywhere).copied();
            let candidates = bench.candidates(query, ranker.reached().chain(more));
            let all = Options {
                count: candidates.rows().len(),
                ..Options::default()
            };
            let scored = ranker.rerank(&candidates, &all).iter();
            let mut scored: Vec<(f64, u32)> = scored
                .map(|ranked| {
                    let part = parts.get(&ranked.row).copied().unwrap_or(0.0);
                    let like = like.as_ref().map_or(0.0, |like| like.part(ranked.row));
                    (f64::from(ranked.score) + part + like, ranked.row)
                })
                .collect();
            scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let list: Vec<u32> = scored.iter().take(DEPTH).map(|(_, row)| *row).collect();
            sum += values(&bench.hits(&list, &query.relevant), query.relevant.len())[NDCG];
        }
        sum
    });
    Ok(sums.iter().sum::<f64>() / queries.len().max(1) as f64)
}

/// A history by the formulas of `docs/FORMAT.md`.
struct History<'a> {
    /// Of each item that the snapshot knows its row, and its weight as a share of all weights.
    items: Vec<(u32, f64)>,
    /// The weights of the parts.
    row: &'a BlendRow,
}

fn history<'a, B: AsRef<[u8]>>(snapshot: &'a Snapshot<B>, query: &Query) -> History<'a> {
    let blend = snapshot.blend();
    let mut history: Vec<(ItemHash, u32, f64, f64)> = vec![];
    for event in query.profile.events().iter().rev() {
        let kind = f64::from(blend.kinds[event.kind as usize]);
        match history.iter_mut().find(|known| known.0 == event.item) {
            _ if kind == 0.0 => {}
            Some(known) => {
                known.2 += kind;
                known.3 += 1.0;
            }
            None => history.push((event.item, event.at / DAY, kind, 1.0)),
        }
    }
    let row = blend.row(history.len());
    let today = query.now / DAY;
    let weight = |(position, (_, day, kinds, events)): (usize, &(ItemHash, u32, f64, f64))| {
        let times = factor(&blend.times, *events as usize - 1, ONCE);
        let age = today.saturating_sub(*day) as usize;
        // As large as the runtime lets it become.
        (kinds / events * times).clamp(-2047.0, 2047.0)
            * factor(&row.recency, position, ONE)
            * factor(&blend.decay, age, ONE)
    };
    let weighed: Vec<f64> = history.iter().enumerate().map(weight).collect();
    let norm: f64 = weighed.iter().map(|weight| weight.abs()).sum();
    let known = history.iter().zip(weighed);
    History {
        items: known
            .filter_map(|((item, ..), weight)| Some((snapshot.row(*item)?, weight / norm.max(f64::MIN_POSITIVE))))
            .collect(),
        row,
    }
}

/// The neighbours' part of each row that the history reaches.
fn neighbours(weights: &Weights, history: &History<'_>) -> HashMap<u32, f64> {
    let mut parts: HashMap<u32, f64> = HashMap::new();
    for (source, share) in &history.items {
        for (target, value) in weights.get(*source as usize).into_iter().flatten() {
            *parts.entry(*target).or_default() += share * f64::from(*value) * f64::from(history.row.neighbours);
        }
    }
    parts
}

/// The part of content.
struct Like<'a, B> {
    content: &'a Content,
    snapshot: &'a Snapshot<B>,
    visitor: Vec<f64>,
}

impl<'a, B: AsRef<[u8]>> Like<'a, B> {
    fn new(content: &'a Content, snapshot: &'a Snapshot<B>, history: &History<'_>) -> Self {
        let mut visitor = vec![0.0; content.dims];
        for (row, share) in &history.items {
            let weight = share * f64::from(history.row.content);
            let vector = vector(content, *row);
            visitor
                .iter_mut()
                .zip(vector)
                .for_each(|(sum, x)| *sum += weight * f64::from(*x));
        }
        Like {
            content,
            snapshot,
            visitor,
        }
    }

    fn part(&self, row: u32) -> f64 {
        let popularity = self.snapshot.prior().map_or(0, |prior| prior.popularity(row));
        let gate = factor(&self.snapshot.blend().cold, usize::from(popularity >> 4), ONE);
        let products = self.visitor.iter().zip(vector(self.content, row));
        gate * products.map(|(a, b)| a * f64::from(*b)).sum::<f64>()
    }
}

fn vector(content: &Content, row: u32) -> &[f32] {
    let from = row as usize * content.dims;
    content.rows.get(from..from + content.dims).unwrap_or_default()
}

/// A table's factor, the last for all beyond, as a share of what stands for 1.
fn factor(table: &[u16], at: usize, one: u16) -> f64 {
    f64::from(table.get(at).or(table.last()).copied().unwrap_or_default()) / f64::from(one)
}
