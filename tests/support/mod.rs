//! What the tests of several hosts share.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

pub mod cases;
pub mod fixtures;
#[cfg(feature = "sign")]
pub mod manifests;
mod random;
pub mod vectors;

pub use random::*;
