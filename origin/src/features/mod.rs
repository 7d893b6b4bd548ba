//! What data say about items, customers and texts, as numbers.
//!
//! `text` turns names and descriptions into terms, `vectors` reads what others learned about items, `svd` reduces what has many dimensions to few. Invariant: equal input and seed give equal numbers, whatever the number
//! of threads. After `ingest`, before `train`.
#![allow(clippy::indexing_slicing)] // Matrices are indexed by their own dimensions, made here.

pub mod numbers;
pub mod svd;
pub mod table;
pub mod text;
pub mod vectors;
