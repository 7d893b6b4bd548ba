//! Training: from a dataset to a packed snapshot.
//!
//! Interactions ► neighbours, prior, attributes ► blend tuned on validation ► pack. Invariant: what ships has at least
//! `min_customers` behind it, and equal data and options give equal bytes. Quality is measured on packed bytes only.
#![allow(clippy::indexing_slicing)] // Matrices are indexed by their own dimensions, made here.

pub mod attributes;
pub mod blend;
pub mod content;
pub mod cosine;
pub mod interactions;
pub mod listwise;
pub mod model;
pub mod order;
pub mod prior;
pub mod rp3beta;
pub mod search;
pub mod space;
pub mod trials;
pub mod tune;

pub use model::{Family, Model, Recipe};
pub use tune::{train, TrainOptions, Trained};

/// Item-item weights: for each row its neighbours, heaviest first.
pub type Weights = Vec<Vec<(u32, f32)>>;

/// Keeps the `keep` heaviest neighbours of each row; ties go to the lower row number.
pub(crate) fn prune(row: &mut Vec<(u32, f32)>, keep: usize) {
    row.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    row.truncate(keep);
}
