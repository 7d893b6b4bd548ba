//! What the tests of several hosts share.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

pub mod cases;
#[cfg(not(target_arch = "wasm32"))]
pub mod changes;
pub mod fixtures;
mod random;
pub mod vectors;

pub use random::*;
