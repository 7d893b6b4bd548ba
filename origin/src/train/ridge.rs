//! Sparse ridge regression: each item's presence in a group explained by the few items that go with it.
//!
//! SLIM (Ning and Karypis, ICDM 2011) on a support that is chosen beforehand from both sides: an edge is there where the
//! target is among the `per_source` items that go best with the source, or the source among the `per_target` that go best
//! with the target. The first bounds what a popular item ships, the second gives every item some rows that lead to it.
//! The weights of a target's edges solve one small system, which unlike similarities takes account of what the sources
//! have in common. Invariant: every edge has `min_customers` distinct customers behind it, and a positive weight.

use super::gram::{group_weights, Gram, Slots};
use super::interactions::Interactions;
use super::{dense, prune, Weights};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::parallel;

/// The most sources of a target; beyond, those that share least with it are left out. Bounds a system to 64 MB a thread.
const MOST_SOURCES: usize = 4096;
/// Rounds of coordinate descent. It stops when no weight moves by more than [`STILL`].
const ROUNDS: usize = 30;
const STILL: f32 = 1e-4;

/// Parameters. `co_e(i, j)` is the sum of `|H|^-e` over the groups `H` with both `i` and `j`, `pop` an item's number of groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    /// The most edges that a source chooses, by `co_s(source, target) * pop(target)^-target_discount`.
    pub per_source: usize,
    /// The most edges that a target chooses, by `co_s(source, target) * pop(source)^-source_discount`.
    pub per_target: usize,
    /// `s`, the discount of large groups when edges are chosen.
    pub support_exponent: f64,
    /// Discount of popular targets when a source chooses.
    pub target_discount: f64,
    /// Discount of popular sources when a target chooses.
    pub source_discount: f64,
    /// `g`: the systems' matrix is `co_g`.
    pub gram_exponent: f64,
    /// Added to the matrix's diagonal.
    pub lambda: f64,
    /// Share of a group's items left out at random in training, as a penalty `p / (1 - p) * co_g(i, i)`: EDLAE (Steck, "Autoencoders
    /// that don't overfit towards the identity", NeurIPS 2020). At least 0 and below 1.
    pub dropout: f64,
    /// Penalty on the sum of weights, in units of `co_g`: leaves out weak edges.
    pub l1: f64,
    /// A row is divided by its sum to this power. 1 makes sources that lead nowhere certain as loud as the others.
    pub row_norm: f64,
    /// How much of the random walk `co_s(source, target) * pop(target)^-target_discount` to add to the edges, as a share of the
    /// row's sum. It orders what the regression thinks equal.
    pub walk: f64,
    /// Weights are multiplied by `pop(target)` to this power.
    pub popularity: f64,
}

impl Default for Ridge {
    fn default() -> Self {
        Ridge {
            per_source: 24,
            per_target: 15,
            support_exponent: 0.5,
            target_discount: 0.1,
            source_discount: 0.25,
            gram_exponent: 0.25,
            lambda: 100.0,
            dropout: 0.0,
            l1: 0.0,
            row_norm: 0.75,
            walk: 0.5,
            popularity: 0.05,
        }
    }
}

/// An edge seen from its target, or one of a source's row from its source: the other end.
#[derive(Debug, Clone, Copy)]
struct Edge {
    other: u32,
    shared: f32,
    weight: f32,
}

impl Ridge {
    /// Weights of each item's neighbours. Memory: that of [`Gram::memory`], and 40 bytes for each edge.
    ///
    /// # Errors
    /// Parameters out of their range, and interrupted.
    pub fn fit(&self, interactions: &Interactions, min_customers: u32, control: &Control) -> Result<Weights> {
        let gram = Gram::new(interactions, self.gram_exponent, control)?;
        self.fit_on(interactions, &gram, min_customers, control)
    }

    /// The same with a matrix made before, of the same interactions and `gram_exponent`.
    ///
    /// # Errors
    /// As of [`Self::fit`].
    pub fn fit_on(
        &self,
        interactions: &Interactions,
        gram: &Gram,
        min_customers: u32,
        control: &Control,
    ) -> Result<Weights> {
        if !(0.0..1.0).contains(&self.dropout) || self.lambda.is_nan() || self.lambda <= 0.0 {
            return Err(Error::Usage(format!(
                "a ridge needs lambda above 0 and dropout from 0 to below 1, got {} and {}",
                self.lambda, self.dropout
            )));
        }
        let mut columns = self.support(interactions, min_customers);
        control.check()?;
        let solved = parallel::map_with(
            columns.len(),
            || System::new(interactions.items()),
            |system, target| system.solve(self, gram, target as u32, &columns[target]),
        );
        control.check()?;
        for (column, weights) in columns.iter_mut().zip(solved) {
            column
                .iter_mut()
                .zip(weights)
                .for_each(|(edge, weight)| edge.weight = weight);
        }
        Ok(self.rows(interactions, &columns))
    }

    /// The edges of each target, ascending.
    fn support(&self, interactions: &Interactions, min_customers: u32) -> Vec<Vec<Edge>> {
        let groups = group_weights(interactions, self.support_exponent);
        let targets = popularity(interactions, -self.target_discount);
        let sources = popularity(interactions, -self.source_discount);
        let chosen = interactions.co_occurrences(
            |group| groups[group as usize],
            |_, row| {
                let best = |discount: &[f32], keep: usize| -> Vec<Edge> {
                    let edges = row.iter().filter(|co| co.customers >= min_customers).map(|co| Edge {
                        other: co.target,
                        shared: co.sum,
                        weight: co.sum * discount[co.target as usize],
                    });
                    heaviest(edges.collect(), keep)
                };
                (best(&targets, self.per_source), best(&sources, self.per_target))
            },
        );
        let mut columns: Vec<Vec<Edge>> = vec![vec![]; interactions.items()];
        for (item, (outgoing, incoming)) in (0u32..).zip(chosen) {
            for edge in outgoing {
                columns[edge.other as usize].push(Edge { other: item, ..edge });
            }
            columns[item as usize].extend(incoming);
        }
        for column in &mut columns {
            // What both ends chose is there twice, with the same share.
            column.sort_unstable_by_key(|edge| edge.other);
            column.dedup_by_key(|edge| edge.other);
            if column.len() > MOST_SOURCES {
                column.iter_mut().for_each(|edge| edge.weight = edge.shared);
                *column = heaviest(std::mem::take(column), MOST_SOURCES);
                column.sort_unstable_by_key(|edge| edge.other);
            }
        }
        columns
    }

    /// Turns the targets' columns into the sources' rows, and scales them.
    fn rows(&self, interactions: &Interactions, columns: &[Vec<Edge>]) -> Weights {
        let discount = popularity(interactions, -self.target_discount);
        let boost = popularity(interactions, self.popularity);
        let mut rows: Vec<Vec<Edge>> = vec![vec![]; interactions.items()];
        for (target, column) in (0u32..).zip(columns) {
            for edge in column.iter().filter(|edge| edge.weight > 0.0) {
                rows[edge.other as usize].push(Edge {
                    other: target,
                    shared: edge.shared * discount[target as usize],
                    ..*edge
                });
            }
        }
        let scale = |row: Vec<Edge>| {
            let sum: f32 = row.iter().map(|edge| edge.weight).sum();
            let walks: f32 = row.iter().map(|edge| edge.shared).sum();
            let norm = libm::pow(f64::from(sum), -self.row_norm) as f32;
            let walk = self.walk as f32 * sum / walks;
            let weight = |edge: &Edge| norm * (edge.weight + walk * edge.shared) * boost[edge.other as usize];
            let mut row: Vec<(u32, f32)> = row.iter().map(|edge| (edge.other, weight(edge))).collect();
            prune(&mut row, usize::MAX);
            row
        };
        rows.into_iter().map(scale).collect()
    }
}

/// What a thread solves its targets' systems in.
struct System {
    slots: Slots,
    items: Vec<u32>,
    block: Vec<f32>,
    gradient: Vec<f32>,
}

impl System {
    fn new(items: usize) -> Self {
        System {
            slots: Slots::new(items),
            items: vec![],
            block: vec![],
            gradient: vec![],
        }
    }

    /// The weights `b >= 0` that make `b' (G + ridge) b / 2 - b' G_target + l1 * sum(b)` least, by coordinate descent. As good as
    /// solving without the bound and dropping what is negative, and much faster where a target has thousands of sources.
    fn solve(&mut self, parameters: &Ridge, gram: &Gram, target: u32, edges: &[Edge]) -> Vec<f32> {
        let n = edges.len();
        self.items.clear();
        self.items.extend(edges.iter().map(|edge| edge.other));
        self.items.push(target);
        gram.gather(&self.items, &mut self.slots, &mut self.block);
        let row = |at: usize| &self.block[at * (n + 1)..at * (n + 1) + n];
        self.gradient.clear();
        self.gradient
            .extend(row(n).iter().map(|shared| shared - parameters.l1 as f32));
        let dropout = parameters.dropout / (1.0 - parameters.dropout);
        let ridge = |at: usize| (parameters.lambda + dropout * f64::from(row(at)[at])) as f32;
        let mut weights = vec![0f32; n];
        for _ in 0..ROUNDS {
            let mut moved = 0f32;
            for (at, weight) in weights.iter_mut().enumerate() {
                let own = row(at)[at];
                let better = (self.gradient[at] + own * *weight) / (own + ridge(at));
                let change = better.max(0.0) - *weight;
                if change != 0.0 {
                    *weight += change;
                    moved = moved.max(change.abs());
                    dense::add_scaled(&mut self.gradient, -change, row(at));
                }
            }
            if moved <= STILL {
                break;
            }
        }
        weights
    }
}

/// The edges of most weight; ties go to the lower row number.
fn heaviest(mut edges: Vec<Edge>, keep: usize) -> Vec<Edge> {
    if keep < edges.len() {
        edges.select_nth_unstable_by(keep, |a, b| b.weight.total_cmp(&a.weight).then(a.other.cmp(&b.other)));
        edges.truncate(keep);
    }
    edges
}

/// `pop^exponent` of each item.
fn popularity(interactions: &Interactions, exponent: f64) -> Vec<f32> {
    let power = |groups: &Vec<u32>| libm::pow(groups.len().max(1) as f64, exponent) as f32;
    interactions.by_item.iter().map(power).collect()
}
