//! Evaluation: honest quality of packed snapshots.
//!
//! Queries are cut from events that the model has not seen, by the protocol that fits them; every item is ranked; the
//! runtime ranks over the packed bytes, as it does on a device. Invariant: nothing that a query asks for lies before its history's end.
#![allow(clippy::indexing_slicing)] // Lists are indexed by their own lengths.

mod baselines;
mod beyond;
mod export;
mod float;
mod intervals;
mod metrics;
mod protocol;
mod queries;
mod questions;
mod run;
mod segments;
mod stratified;
mod trec;

pub use baselines::{baselines, row_items, Baseline};
pub use beyond::Beyond;
pub use export::export;
pub use float::float_ndcg;
pub use intervals::{compare, interval, Comparison, Interval, SAMPLES};
pub use metrics::{Metrics, Values, METRICS};
pub use protocol::{exclude_current, hold_out, next_items, split, Protocol, Split, LAST};
pub use queries::{queries, replay, Query};
pub use questions::{after, answers, Questions};
pub use run::{rank, Bench, Evaluation, Ranking, Scope, Segment};
pub use segments::{segments, Known};
pub use stratified::stratified;
pub use trec::{write_qrels, write_run};
