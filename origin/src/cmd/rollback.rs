//! `pocketrank rollback`: an earlier snapshot, published again.

use super::publish::{deltas, DELTAS};
use super::publisher::{block_on, Options};
use clap::Args;
use pocketrank::SnapshotId;
use pocketrank_origin::error::Result;
use pocketrank_origin::publish::Which;

/// Publishes the snapshot and the lists of an earlier manifest under a newer sequence. Hosts get them by a delta, as any other.
///
/// Without --sequence and --snapshot the newest that has another snapshot than the live one. Done twice, that leads forward again, to the
/// snapshot that was rolled back: to go further back, name where to.
#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    to: Options,
    /// The manifest of that sequence.
    #[arg(long, value_name = "N", conflicts_with = "snapshot")]
    sequence: Option<u32>,
    /// The newest manifest that names that snapshot.
    #[arg(long, value_name = "ID", value_parser = id)]
    snapshot: Option<SnapshotId>,
    /// Make a delta from each of the last N snapshots that are still there.
    #[arg(long, value_name = "N", default_value_t = DELTAS, value_parser = deltas)]
    deltas: usize,
}

fn id(text: &str) -> std::result::Result<SnapshotId, String> {
    let id = pocketrank::from_hex(text).map(SnapshotId);
    id.ok_or_else(|| "an id is 32 hexadecimal digits, as `inspect` prints it".to_owned())
}

impl Rollback {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let which = match (self.sequence, self.snapshot) {
            (Some(sequence), _) => Which::Sequence(sequence),
            (None, Some(id)) => Which::Snapshot(id),
            (None, None) => Which::Before,
        };
        let ready = self.to.ready()?;
        let published = block_on(ready.publisher().rollback(which, self.deltas))?;
        ready.report(&published, None)
    }
}
