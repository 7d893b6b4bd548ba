//! The origin of pocketrank: reads a shop's events and catalogue, and makes of them what hosts rank by.
//!
//! In the order that data pass: [`config`] (what columns mean) ► [`ingest`] (read, pseudonymize, clean) ► [`dataset`]
//! ► [`features`] ► [`train`] ► [`evaluate`] ► [`candidates`] (the lists that slots rerank)
//! ► [`compile`] (runtime and snapshot as one module), or [`publish`] (snapshot, deltas, lists and a signed manifest) ► [`serve`] (to hosts).
//! [`synth`] makes a shop where there is none, [`picture`] pictures for products without one, [`templates`] compiles what slots show items with, [`output`] writes files
//! whole or not at all, [`compress`] makes them small, [`progress`] shows long work and [`control`] stops it, [`parallel`] spreads it over threads, [`error`] says what went wrong.

pub mod candidates;
pub mod compile;
pub mod compress;
pub mod config;
pub mod control;
pub mod dataset;
pub mod error;
pub mod evaluate;
pub mod features;
pub mod ingest;
pub mod output;
pub mod parallel;
pub mod picture;
pub mod progress;
pub mod publish;
pub mod replay;
pub mod serve;
pub mod slug;
pub mod synth;
pub mod templates;
pub mod train;
