//! Garbage: what no manifest names that is kept.
//!
//! Invariant: nothing is removed that the live manifest names, that the manifests name by which the newest snapshots were published, or
//! that is younger than an hour and may be another publisher's, whose manifest is yet to come. Who finds an older object there already
//! writes it again ([`super::place`]), whether it is old is asked again just before it goes, and whoever has been overtaken removes nothing. In
//! a folder nobody publishes meanwhile.

use super::parcel::{DELTAS, FILES, SNAPSHOTS};
use super::place::{archived, ARCHIVE};
use super::Publisher;
use crate::error::Result;
use pocketrank::Manifest;
use serde::Serialize;
use std::collections::HashSet;

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Collected {
    /// Objects removed; a compressed sibling is one too.
    pub removed: usize,
    /// Objects that no manifest names but that are too young to go.
    pub young: usize,
    /// Why nothing was removed, where something stood against it.
    pub left: Option<String>,
}

impl Publisher<'_> {
    /// Removes what only older manifests name than those of the newest `keep` snapshots, at least 1, if `live` is still the live manifest.
    /// The snapshot that is live is one of them.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store) where the place cannot be listed or written.
    pub async fn collect(&self, live: &[u8], keep: usize) -> Result<Collected> {
        let keep = keep.max(1);
        let _lock = self.place.lock()?;
        // One snapshot further back than what is kept: only there do the manifests of the last one that is end.
        let before = self.before(keep.saturating_add(1), None).await?;
        let left = |why: &str| Collected {
            left: Some(why.to_owned()),
            ..Collected::default()
        };
        if before.live.is_none_or(|now| now.bytes != live) {
            return Ok(left(OVERTAKEN));
        }
        let history = before.history;
        if let Some(why) = history.forgotten {
            return Ok(left(&format!(
                "which snapshots were the last {keep} cannot be told: {why}"
            )));
        }
        let kept: HashSet<String> = history.newest(keep).iter().flat_map(names).collect();
        let mut garbage = vec![];
        for folder in [SNAPSHOTS, DELTAS, FILES, ARCHIVE] {
            garbage.extend(self.place.list(folder).await?);
        }
        garbage.retain(|object| !kept.contains(&object.name));
        let all = garbage.len();
        garbage.retain(|object| !object.is_young(self.now));
        // Once more: listing takes time, in which somebody may have published what was garbage.
        if self.place.live().await?.is_none_or(|now| now.bytes != live) {
            return Ok(left(OVERTAKEN));
        }
        let removed = self.place.remove(&garbage, self.now).await?;
        Ok(Collected {
            removed,
            young: all - removed,
            left: None,
        })
    }
}

const OVERTAKEN: &str = "somebody else published meanwhile, and will collect";

/// All that a manifest names, and itself.
fn names(manifest: &Manifest) -> impl Iterator<Item = String> + '_ {
    let blobs = manifest.blobs().into_iter();
    blobs.map(|blob| blob.url.clone()).chain([archived(manifest.sequence)])
}
