//! Evaluation: honest quality of packed snapshots.
//!
//! Queries are cut from the events after the model's last one, in the order of time; every item is ranked; the runtime ranks
//! over the packed bytes, as it does on a device. Invariant: nothing that a query asks for lies before its history's end.
#![allow(clippy::indexing_slicing)] // Lists are indexed by their own lengths.

mod baselines;
mod metrics;
mod queries;
mod run;

pub use baselines::{baselines, row_items, Baseline};
pub use metrics::{Metrics, METRICS};
pub use queries::{queries, Query};
pub use run::{rank, Evaluation, Segment};
