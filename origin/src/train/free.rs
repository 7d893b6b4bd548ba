//! Rows that nothing is in, which retraining leaves where items are gone. The index names every row, so they have an id that no item has.

use pocketrank::{item_hash, Snapshot};

/// The id of a free row.
pub fn id(row: usize) -> String {
    format!("\0{row}")
}

/// Whether nothing is in that row of a snapshot.
pub fn is<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, row: u32) -> bool {
    snapshot.row(item_hash(&id(row as usize))) == Some(row)
}

/// The rows of a snapshot that items are in.
pub fn others<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> Vec<u32> {
    (0..snapshot.items()).filter(|row| !is(snapshot, *row)).collect()
}
