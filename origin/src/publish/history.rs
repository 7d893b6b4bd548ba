//! What has been live. Invariant: only what a key signed that is trusted now, so that nobody who can write to the place can have an own
//! manifest brought back.

use super::place::{archived, archived_sequence, Place, ARCHIVE};
use super::Which;
use crate::error::{Error, Result};
use pocketrank::{Manifest, SnapshotId, Target, Trust};

/// Manifests that are live or have been, the newest first.
pub(super) struct History {
    manifests: Vec<Manifest>,
    /// Why it does not go on, where there are more.
    pub(super) forgotten: Option<Error>,
    /// The highest sequence that may have been issued, by the names of what is archived, whoever signed it.
    pub(super) last: u32,
}

impl History {
    /// Reads back until so many snapshots were named, and what is looked for where something is, or to the end.
    pub(super) async fn read(
        place: &Place,
        live: Option<&Manifest>,
        trust: &Trust,
        snapshots: usize,
        wanted: Option<Which>,
    ) -> Result<Self> {
        let mut names: Vec<String> = place.list(ARCHIVE).await?.into_iter().map(|found| found.name).collect();
        names.sort_unstable();
        // A manifest is archived when the next one is about to be live, which may be lost: restored from a backup, replayed, deleted.
        let replaced = names.iter().rev().find_map(|name| archived_sequence(name));
        let next = replaced.map_or(0, |sequence| sequence.saturating_add(1));
        let mut history = Self {
            manifests: live.cloned().into_iter().collect(),
            forgotten: None,
            last: live.map_or(0, |live| live.sequence).max(next),
        };
        let Some(live) = live else { return Ok(history) };
        let live = archived(live.sequence);
        for name in names.iter().rev().filter(|name| **name < live) {
            let found = wanted.is_none_or(|wanted| history.find(wanted).is_some());
            if found && history.snapshot_ids().len() >= snapshots {
                break;
            }
            // What is gone was garbage to another publisher.
            let Some(bytes) = place.archived(name).await? else {
                continue;
            };
            match Manifest::read(&bytes, trust) {
                Ok(manifest) if archived(manifest.sequence) == *name => history.manifests.push(manifest),
                Ok(manifest) => {
                    let why = format!("{}: holds sequence {}", place.url(name), manifest.sequence);
                    history.forgotten = Some(Error::Data(why));
                    break;
                }
                Err(source) => {
                    let path = place.url(name).into();
                    history.forgotten = Some(Error::Snapshot { path, source });
                    break;
                }
            }
        }
        Ok(history)
    }

    /// The manifests until so many snapshots were named.
    pub(super) fn newest(&self, snapshots: usize) -> &[Manifest] {
        let mut seen: Vec<SnapshotId> = vec![];
        let within = |manifest: &&Manifest| {
            if !seen.contains(&manifest.snapshot.id) {
                seen.push(manifest.snapshot.id);
            }
            seen.len() <= snapshots
        };
        let count = self.manifests.iter().take_while(within).count();
        self.manifests.get(..count).unwrap_or_default()
    }

    /// So many snapshots, the newest first, none twice, and not that one.
    pub(super) fn snapshots(&self, most: usize, but: SnapshotId) -> Vec<Target> {
        let ids = self.snapshot_ids();
        let named = |id: &&SnapshotId| self.manifests.iter().find(|manifest| manifest.snapshot.id == **id);
        let ids = ids.iter().filter(|id| **id != but).take(most);
        ids.filter_map(|id| named(&id))
            .map(|manifest| manifest.snapshot.clone())
            .collect()
    }

    fn snapshot_ids(&self) -> Vec<SnapshotId> {
        let mut ids = vec![];
        for manifest in &self.manifests {
            if !ids.contains(&manifest.snapshot.id) {
                ids.push(manifest.snapshot.id);
            }
        }
        ids
    }

    /// The manifest to go back to; not the live one.
    pub(super) fn find(&self, which: Which) -> Option<&Manifest> {
        let (live, earlier) = self.manifests.split_first()?;
        earlier.iter().find(|manifest| match which {
            Which::Before => manifest.snapshot.id != live.snapshot.id,
            Which::Sequence(sequence) => manifest.sequence == sequence,
            Which::Snapshot(id) => manifest.snapshot.id == id,
        })
    }

    /// What there is to go back to, for messages.
    pub(super) fn listed(&self) -> String {
        const SHOWN: usize = 10;
        let earlier = self.manifests.iter().skip(1).take(SHOWN);
        let lines: Vec<String> = earlier
            .map(|manifest| format!("{} (snapshot {})", manifest.sequence, manifest.snapshot.id))
            .collect();
        match lines.is_empty() {
            true => "no other manifest has been live that is still there".into(),
            false => format!("the newest that have been live: sequence {}", lines.join(", ")),
        }
    }
}
