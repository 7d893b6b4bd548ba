//! Training: from a dataset to a packed snapshot.
//!
//! Interactions ► neighbours, prior, attributes ► blend tuned on validation ► pack. Invariant: what ships has at least
//! `min_customers` behind it, and equal data and options give equal bytes. Quality is measured on packed bytes only.
#![allow(clippy::indexing_slicing)] // Matrices are indexed by their own dimensions, made here.

pub mod als;
pub mod attributes;
pub mod blend;
pub mod chosen;
pub mod cold;
pub mod content;
pub mod cosine;
pub mod dense;
pub mod ease;
pub mod edges;
pub mod family;
pub mod fold;
pub mod free;
pub mod gram;
pub mod interactions;
pub mod listwise;
pub mod material;
pub mod model;
pub mod order;
pub mod overfit;
pub mod pack;
pub mod prior;
pub mod recipe;
pub mod refit;
pub mod ridge;
pub mod rp3beta;
pub mod search;
pub mod sequences;
pub mod shape;
pub mod space;
pub mod stack;
pub mod steady;
pub mod svd;
pub mod trials;
pub mod tune;
mod tuner;
pub mod twohop;
pub mod weigh;

pub use chosen::Chosen;
pub use model::Model;
pub use recipe::Recipe;
pub use tune::{train, TrainOptions, Trained, Tried};

/// Item-item weights: for each row its neighbours, heaviest first.
pub type Weights = Vec<Vec<(u32, f32)>>;

/// Keeps the `keep` heaviest neighbours of each row; ties go to the lower row number.
pub(crate) fn prune(row: &mut Vec<(u32, f32)>, keep: usize) {
    row.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    row.truncate(keep);
}

/// Keeps the `entries` weights that matter most for all rows together, those with the largest `weight · popularity^0.1`; at
/// least three of each row that has as many, and at most twice the average. `popularity` is that of the source rows. Rows are
/// heaviest first, before and after; ties go to the lower row number, then to the heavier neighbour.
pub fn prune_globally(weights: &mut Weights, popularity: &[u32], entries: usize) {
    const LEAST: usize = 3;
    let most = (2 * entries).div_ceil(weights.len().max(1)).max(LEAST);
    let mut rest: Vec<(f32, u32, u32)> = vec![];
    let mut kept = 0;
    for ((row, weights), popularity) in (0u32..).zip(weights.iter_mut()).zip(popularity) {
        weights.truncate(most);
        kept += weights.len().min(LEAST);
        let factor = libm::pow(f64::from((*popularity).max(1)), 0.1) as f32;
        let ranked = (0u32..).zip(weights.iter()).skip(LEAST);
        rest.extend(ranked.map(|(rank, (_, weight))| (weight * factor, row, rank)));
    }
    let spare = entries.saturating_sub(kept);
    if spare >= rest.len() {
        return;
    }
    let order = |a: &(f32, u32, u32), b: &(f32, u32, u32)| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)));
    let (_, first_lost, _) = rest.select_nth_unstable_by(spare, order);
    let first_lost = *first_lost;
    // Of a row its heaviest are kept, so a row's kept ones are a prefix.
    let mut ends: Vec<usize> = weights.iter().map(|row| row.len().min(LEAST)).collect();
    for edge in rest.iter().filter(|edge| order(edge, &first_lost).is_lt()) {
        ends[edge.1 as usize] += 1;
    }
    weights.iter_mut().zip(ends).for_each(|(row, end)| row.truncate(end));
}
