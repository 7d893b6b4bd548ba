//! Personalization at the edge and in the browser: rerank cached candidates with on-device signals only.
//!
//! The runtime of Pocketrank. It is pure: no I/O, no clock, no randomness, no global state, and the same bits on every
//! host. A [`Snapshot`] is a model read in place, a [`Profile`] holds what the visitor did and is opened by a [`Grant`] that
//! only [`Consent`] mints, and a [`Ranker`] turns both and a list of [`Candidates`] into a slate.
//!
//! ```text
//! consent ► profile ► history ► score ► rerank (filters, diversity) ► slate, explanation
//! snapshot ───────────┴──────────┘
//! ```
//!
//! A [`Delta`] makes of one snapshot the next, byte for byte. A signed [`Manifest`] says which is current,
//! and [`sync`] how a host follows it.
//!
//! Features: `pack` adds the writer of snapshots and deltas, `sign` that of manifests, `js` the JavaScript surface, `slim` a smaller one for
//! what ranking needs, `api` what servers ask an edge for, `follow` one for [`sync`] alone, `decide` one for [`experiment`]s alone.

#![deny(unsafe_code)]

mod aggregate;
#[cfg(all(
    any(feature = "js", feature = "slim", feature = "follow", feature = "decide"),
    target_arch = "wasm32"
))]
mod allocator;
#[cfg(any(feature = "slim", feature = "follow", feature = "decide"))]
#[allow(unsafe_code)]
mod bridge;
mod bytes;
pub mod capsule;
mod cholesky;
pub mod condition;
mod consent;
#[cfg(feature = "decide")]
#[allow(unsafe_code)]
mod decide;
mod decision;
mod delta;
mod diversity;
pub mod edge;
#[cfg(feature = "js")]
#[allow(unsafe_code)]
mod embedded;
mod error;
mod event;
pub mod experiment;
#[cfg(feature = "follow")]
#[allow(unsafe_code)]
mod follow;
mod hex;
mod history;
mod list;
mod loader;
mod lot;
mod manifest;
pub mod page;
mod profile;
mod rerank;
pub mod rule;
mod score;
#[cfg(feature = "slim")]
#[allow(unsafe_code)]
mod slim;
mod snapshot;
pub mod sync;
pub mod template;
#[cfg(feature = "js")]
#[allow(unsafe_code)]
pub mod wasm;

pub use aggregate::{Aggregate, MAX_COUNT, MAX_SPAN};
pub use consent::{Answers, CapsuleGrant, Choice, Consent, Gpc, Grant, Mode, Signals};
pub use decision::{Asking, Decision};
#[cfg(feature = "pack")]
pub use delta::diff;
pub use delta::{Delta, Patch, PatchKind, DELTA_VERSION};
pub use error::{Error, Result};
pub use event::{item_hash, Event, EventKind, ItemHash};
pub use hex::{from_hex, hex};
pub use loader::Loader;
pub use lot::{Lot, LOTS, MAX_ASSIGNMENTS};
#[cfg(feature = "sign")]
pub use manifest::SecretKey;
pub use manifest::{Blob, File, Link, Manifest, PublicKey, Target, Trust, MANIFEST_VERSION, MAX_KEYS, MAX_MANIFEST};
pub use profile::{Profile, MAX_AGGREGATES, MAX_EVENTS, PROFILE_VERSION, RETENTION_DAYS};
pub use rerank::{Because, Candidates, Explanation, Options, Part, Ranked, Ranker, OUT_OF_STOCK};
pub use score::PART_NAMES;
#[cfg(feature = "pack")]
pub use snapshot::pack;
pub use snapshot::{
    AttributeRow, Attributes, Blend, BlendRow, Labels, Meta, Neighbours, Prior, PriorRow, Row, Section, Snapshot,
    SnapshotId, MAX_ITEMS, MAX_LABEL, MAX_LEVEL, MAX_NEIGHBOURS, NO_ROW, ONCE, ONE, VERSION,
};
