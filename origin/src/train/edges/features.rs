//! What is known of an edge: its weights and ranks, what was counted of it and of its two items lately and before.
//!
//! Invariant: the features are of items and edges that ship, taken from the sessions given and no later ones.

use crate::control::Control;
use crate::error::Result;
use crate::train::sequences::Sequences;
use crate::train::twohop::{Decay, Transition, Transitions, TwoHop};

/// Age at which a session counts `1/e`, as a share of all sessions; and the power of the lag. The first is of all times.
const COUNTS: [(f64, f64); 4] = [(f64::INFINITY, 0.5), (f64::INFINITY, 3.0), (0.2, 1.0), (0.04, 1.0)];
/// The number of features of an edge.
pub const FEATURES: usize = 10 + 3 * COUNTS.len() + 2 * COUNTS.len() + 6;
/// The logarithm of what is not there.
const NONE: f32 = -30.0;

/// One edge before it is weighed anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The neighbour.
    pub target: u32,
    /// Its weight over one and two hops.
    pub weight: f32,
    one: f32,
    two: f32,
    /// Place among the edges to the target, from 0.
    column_rank: u32,
}

/// Edges of all rows and what is known of their items.
pub struct Known {
    /// Edges of each row, heaviest first.
    pub rows: Vec<Vec<Edge>>,
    /// By target: the weight of the edge in each row.
    by_target: Vec<Vec<(u32, f32)>>,
    columns: Vec<u32>,
    /// For each of [`COUNTS`], transitions and clicks.
    counts: Vec<(Vec<Vec<Transition>>, Vec<f64>)>,
    /// First and last session of each item, as shares of all sessions; 1 and 0 for no session.
    seen: Vec<(f32, f32)>,
}

impl Known {
    /// Fits the two-hop table and counts what else is to be known.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`].
    pub fn of(
        two_hop: &TwoHop,
        sequences: &Sequences,
        items: usize,
        min_customers: u32,
        control: &Control,
    ) -> Result<Self> {
        let mut rows: Vec<Vec<Edge>> = two_hop
            .hops(sequences, items, min_customers, control)?
            .into_iter()
            .map(|hops| {
                let edge = |hop: crate::train::twohop::Hop| Edge {
                    target: hop.target,
                    weight: hop.one + two_hop.eps as f32 * hop.two,
                    one: hop.one,
                    two: hop.two,
                    column_rank: 0,
                };
                let mut row: Vec<Edge> = hops.into_iter().map(edge).filter(|edge| edge.weight > 0.0).collect();
                row.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight).then(a.target.cmp(&b.target)));
                row.truncate(two_hop.keep);
                row
            })
            .collect();
        let by_target = rows
            .iter()
            .map(|row| {
                let mut row: Vec<(u32, f32)> = row.iter().map(|edge| (edge.target, edge.weight)).collect();
                row.sort_unstable_by_key(|(target, _)| *target);
                row
            })
            .collect();
        let columns = rank_columns(&mut rows);
        let mut counts = vec![];
        for (horizon, lag) in COUNTS {
            let decay = Decay {
                forward: lag,
                back: 0.0,
                backward: 0.0,
                length: 0.0,
                horizon,
            };
            let transitions = Transitions::new(sequences, items, &decay);
            let all = transitions.rows(min_customers, control, |_, row| std::mem::take(row))?;
            counts.push((all, transitions.faded_clicks()));
        }
        Ok(Known {
            rows,
            by_target,
            columns,
            counts,
            seen: seen(sequences, items),
        })
    }

    /// Writes the features of all edges of a row behind each other.
    pub fn features(&self, source: usize, features: &mut Vec<f32>) {
        let row = &self.rows[source];
        let sum: f32 = row.iter().map(|edge| edge.weight).sum();
        let heaviest = row.first().map_or(1.0, |edge| edge.weight);
        for (rank, edge) in row.iter().enumerate() {
            let target = edge.target as usize;
            let back = self.by_target[target].binary_search_by_key(&(source as u32), |to| to.0);
            let back = back.map_or(0.0, |at| self.by_target[target][at].1);
            features.extend([
                ln(edge.weight),
                ln(edge.one),
                ln(edge.two),
                ln(back),
                ln(edge.weight / sum),
                ln(edge.weight / heaviest),
                rank as f32,
                edge.column_rank as f32,
                row.len() as f32,
                self.columns[target] as f32,
            ]);
            for (counts, clicks) in &self.counts {
                let there = count(&counts[source], edge.target);
                let back = count(&counts[target], source as u32);
                let clicks = [clicks[source] as f32, clicks[target] as f32];
                features.extend([
                    ln(there),
                    ln(back),
                    // Shrunk, so that one of one is less than ten of ten.
                    ln((there + 0.3) / (clicks[0] + 1.0)),
                    ln(clicks[0]),
                    ln(clicks[1]),
                ]);
            }
            let [from, to] = [self.seen[source], self.seen[target]];
            features.extend([from.0, from.1, to.0, to.1, to.0 - from.0, to.1 - from.1]);
        }
    }
}

fn ln(value: f32) -> f32 {
    if value > 0.0 {
        libm::logf(value)
    } else {
        NONE
    }
}

fn count(row: &[Transition], target: u32) -> f32 {
    row.binary_search_by_key(&target, |to| to.target)
        .map_or(0.0, |at| row[at].count)
}

/// Ranks each target's edges by weight; gives their number.
fn rank_columns(rows: &mut [Vec<Edge>]) -> Vec<u32> {
    let mut order: Vec<(u32, f32, u32, u32)> = (0u32..)
        .zip(rows.iter())
        .flat_map(|(source, row)| {
            (0u32..)
                .zip(row)
                .map(move |(at, edge)| (edge.target, edge.weight, source, at))
        })
        .collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    let mut columns = vec![0; rows.len()];
    for (target, _, source, at) in order {
        let rank = &mut columns[target as usize];
        rows[source as usize][at as usize].column_rank = *rank;
        *rank += 1;
    }
    columns
}

fn seen(sequences: &Sequences, items: usize) -> Vec<(f32, f32)> {
    let mut seen = vec![(1f32, 0f32); items];
    for (session, clicks) in sequences.iter().enumerate() {
        let share = (session + 1) as f32 / sequences.len() as f32;
        for item in clicks {
            let (first, last) = &mut seen[*item as usize];
            (*first, *last) = (first.min(share), share);
        }
    }
    seen
}
