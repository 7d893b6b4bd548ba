//! `pocketrank verify`: whether a snapshot is whole and follows the format; and how other verbs read snapshots.

use super::data::Output;
use clap::Args;
use pocketrank::Snapshot;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::train::free;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Checks a snapshot: checksum, structure, every row and code.
#[derive(Debug, Args)]
pub struct Verify {
    /// The snapshot.
    snapshot: PathBuf,
    #[command(flatten)]
    print: Output,
}

impl Verify {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let bytes = read(&self.snapshot)?;
        let snapshot = open(&self.snapshot, bytes.as_slice())?;
        let (id, items) = (snapshot.id().to_string(), free::others(&snapshot).len());
        self.print.print(
            format_args!(
                "{}: valid, id {id}, {items} items, {} bytes",
                self.snapshot.display(),
                bytes.len()
            ),
            &json!({ "valid": true, "id": id, "items": items, "bytes": bytes.len() }),
        )
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::reading(path, source))
}

/// Opens and verifies a snapshot.
pub fn open<'a>(path: &Path, bytes: &'a [u8]) -> Result<Snapshot<&'a [u8]>> {
    let invalid = |source| Error::Snapshot {
        path: path.into(),
        source,
    };
    let snapshot = Snapshot::open(bytes).map_err(invalid)?;
    snapshot.verify().map_err(invalid)?;
    Ok(snapshot)
}
