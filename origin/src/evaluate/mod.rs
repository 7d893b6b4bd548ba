//! Evaluation: honest quality of packed snapshots.
//!
//! Queries are cut from events that the model has not seen, by the protocol that fits them; every item is ranked; the
//! runtime ranks over the packed bytes, as it does on a device. Invariant: nothing that a query asks for lies before its history's end.
#![allow(clippy::indexing_slicing)] // Lists are indexed by their own lengths.

mod baselines;
mod metrics;
mod protocol;
mod queries;
mod run;

pub use baselines::{baselines, row_items, Baseline};
pub use metrics::{Metrics, METRICS};
pub use protocol::{exclude_current, hold_out, next_items, split, Protocol, Split};
pub use queries::{queries, Query};
pub use run::{rank, Bench, Evaluation, Scope, Segment};
