//! When rows changed last, so that a change can be held back until enough customers stand behind it. The origin's own: it is never published.

use crate::error::{Error, Result};
use crate::output;
use pocketrank::{item_hash, Snapshot};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Changes where an older program would read something else from the file.
const FORMAT: u32 = 1;

/// The ledger of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    format: u32,
    /// Id of the snapshot.
    snapshot: String,
    /// For items that are not named: they tell of no event after this second, since 1970-01-01 UTC.
    since: i64,
    /// Whether they tell of all events up to it.
    complete: bool,
    /// For those that are named, up to when they tell of all events and of none after it.
    items: BTreeMap<String, i64>,
}

impl Ledger {
    /// Of a snapshot whose rows all tell of the events up to that second.
    pub fn new<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, newest: i64) -> Self {
        Ledger {
            format: FORMAT,
            snapshot: snapshot.id().to_string(),
            since: newest,
            complete: true,
            items: BTreeMap::new(),
        }
    }

    /// Of a snapshot of which nobody knows any more what its rows tell of: of nothing after the day that it names.
    pub fn lost<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> Self {
        Ledger {
            complete: false,
            ..Ledger::new(snapshot, i64::from(snapshot.meta().trained_until))
        }
    }

    /// One by which any number of customers is enough, for data that tell of no persons.
    pub fn open<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> Self {
        Ledger::new(snapshot, i64::MIN)
    }

    /// The same of a snapshot with the same rows.
    pub fn of<B: AsRef<[u8]>>(self, snapshot: &Snapshot<B>) -> Self {
        Ledger {
            snapshot: snapshot.id().to_string(),
            ..self
        }
    }

    /// Where the ledger of a snapshot lies: beside it.
    pub fn beside(snapshot: &Path) -> PathBuf {
        let mut name = snapshot.as_os_str().to_owned();
        name.push(".ledger");
        name.into()
    }

    /// Reads the ledger of that snapshot.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] where the file is no ledger, or that of another snapshot.
    pub fn read<B: AsRef<[u8]>>(path: &Path, snapshot: &Snapshot<B>) -> Result<Self> {
        let text = std::fs::read(path).map_err(|e| Error::reading(path, e))?;
        let wrong = |what: String| {
            Error::Data(format!(
                "{}: {what}; put the ledger there that was written with the base, or remove the file: then no row changes that fewer customers than it takes have touched since the day that the base names",
                path.display()
            ))
        };
        let ledger: Ledger = serde_json::from_slice(&text).map_err(|e| wrong(format!("no ledger: {e}")))?;
        if ledger.format != FORMAT {
            return Err(wrong(format!(
                "a ledger of format {}, this program reads {FORMAT}",
                ledger.format
            )));
        }
        let id = snapshot.id().to_string();
        if ledger.snapshot != id {
            return Err(wrong(format!(
                "the ledger of snapshot {}, the base is {id}",
                ledger.snapshot
            )));
        }
        Ok(ledger)
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string(self).map_err(|e| Error::Internal(e.to_string()))?;
        output::write(path, (json + "\n").as_bytes())
    }

    /// The second after which an item's row tells of no event.
    pub fn since(&self, id: &str) -> i64 {
        self.items.get(id).copied().unwrap_or(self.since)
    }

    /// Whether an item's row tells of all events until then.
    pub fn is_complete(&self, id: &str) -> bool {
        self.complete || self.items.contains_key(id)
    }

    /// The ledger of the next snapshot, in which these items tell of all events up to that second. Of items that it has not, nothing is
    /// remembered.
    pub fn after<B: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        newest: i64,
        changed: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut next = self.clone();
        next.snapshot = snapshot.id().to_string();
        if self.since > i64::MIN {
            next.items.extend(changed.into_iter().map(|id| (id, newest)));
        }
        next.items.retain(|id, _| snapshot.row(item_hash(id)).is_some());
        next
    }
}
