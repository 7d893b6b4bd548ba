//! The tests of the origin, in one program: each program more would link the whole origin once more. Those on real data
//! are programs of their own (`data_*.rs`), since they run only where they are named.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests may fail by panicking.

mod candidates;
mod cli;
mod cold;
mod compile;
mod config_docs;
mod evaluate;
mod evaluate_unruly;
mod experiments;
mod factors;
mod folds;
mod ingest;
mod learned_edges;
mod lists;
mod pack;
mod parquet_bounds;
mod preparation;
mod publish;
#[path = "../../tests/support/random.rs"]
mod random;
mod report;
mod retrain;
mod robustness;
mod serve;
mod sessions;
mod sets;
mod support;
mod synth;
mod templates;
mod train;
mod unruly;
mod until;
