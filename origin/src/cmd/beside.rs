//! A snapshot and its ledger, which are two files. Invariant: wherever writing them stops, the snapshot that is there has its ledger beside
//! it, under one of two names; which of them is its own, the id in it tells.
//!
//! ```text
//! FILE.ledger.next ► FILE ► FILE.ledger
//! ```

use pocketrank::Snapshot;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::output;
use pocketrank_origin::train::steady::Ledger;
use std::path::{Path, PathBuf};

/// Where a ledger waits until its snapshot is there.
fn next(snapshot: &Path) -> PathBuf {
    let mut name = Ledger::beside(snapshot).into_os_string();
    name.push(".next");
    name.into()
}

/// Writes a snapshot and what it tells of, for `pocketrank retrain`.
///
/// # Errors
/// [`Error::Io`]; the snapshot that was there before has its own ledger then.
pub fn write(path: &Path, snapshot: &[u8], ledger: &Ledger) -> Result<()> {
    let (next, kept) = (next(path), Ledger::beside(path));
    ledger.write(&next)?;
    output::write(path, snapshot)?;
    std::fs::rename(&next, &kept).map_err(|e| Error::writing(&kept, e))
}

/// The ledger of a snapshot that was read from there, [`Ledger::lost`] where none is beside it.
///
/// # Errors
/// [`Error::Io`]; [`Error::Data`] where what is beside it is no ledger, or that of another snapshot.
pub fn read<B: AsRef<[u8]>>(path: &Path, snapshot: &Snapshot<B>) -> Result<Ledger> {
    let (next, kept) = (next(path), Ledger::beside(path));
    let read = match kept.exists() {
        true => Ledger::read(&kept, snapshot),
        false => Ok(Ledger::lost(snapshot)),
    };
    // One that waits fits where writing stopped right behind the snapshot; else it is of a snapshot that never came.
    match next.exists() && (read.is_err() || !kept.exists()) {
        true => Ledger::read(&next, snapshot).or(read),
        false => read,
    }
}
