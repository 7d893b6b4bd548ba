//! What the tests of several hosts share.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

pub mod cases;
#[cfg(not(target_arch = "wasm32"))]
pub mod changes;
pub mod decisions;
pub mod fixtures;
#[cfg(feature = "sign")]
pub mod manifests;
#[cfg(feature = "sign")]
pub mod origin;
mod random;
#[cfg(feature = "sign")]
pub mod sync_host;
pub mod vectors;

pub use random::*;
