//! Deltas for people and machines: what one makes, of what, and where its bytes go; and how verbs read them.

use pocketrank::Delta;
use pocketrank_origin::compress;
use pocketrank_origin::error::{Error, Result};
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// Opens a delta.
pub fn open<'a>(path: &Path, bytes: &'a [u8]) -> Result<Delta<'a>> {
    Delta::open(bytes).map_err(|source| Error::Snapshot {
        path: path.into(),
        source,
    })
}

/// What a delta makes, and its bytes, by section.
#[derive(Debug, Serialize)]
pub struct About {
    /// Id of the snapshot that it changes.
    base: String,
    /// Id of the snapshot that it makes.
    target: String,
    /// Bytes of that snapshot.
    target_bytes: usize,
    /// Rows of that snapshot, free ones too: which are, a delta does not tell.
    rows: u32,
    /// Bytes of the delta.
    bytes: usize,
    /// The same, compressed as a server would.
    brotli: usize,
    sections: Vec<Line>,
}

/// What makes one section.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    kind: &'static str,
    /// Changed, added and removed rows; 0 where the section is kept or whole.
    rows: usize,
    bytes: usize,
    /// The patch compressed by itself.
    brotli: usize,
    /// Bytes of the section in the target.
    target_bytes: usize,
}

impl About {
    /// Of an opened delta and its bytes.
    pub fn of(delta: &Delta<'_>, bytes: &[u8]) -> Result<Self> {
        let line = |patch: pocketrank::Patch<'_>| {
            Ok(Line {
                name: patch.section.name(),
                kind: patch.kind.name(),
                rows: patch.rows(),
                bytes: patch.bytes.len(),
                brotli: compress::brotli(patch.bytes)?.len(),
                target_bytes: patch.length,
            })
        };
        Ok(About {
            base: delta.base().to_string(),
            target: delta.target().to_string(),
            target_bytes: delta.target_length(),
            rows: delta.items(),
            bytes: bytes.len(),
            brotli: compress::brotli(bytes)?.len(),
            sections: delta.patches().map(line).collect::<Result<_>>()?,
        })
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "base            {}", self.base)?;
        writeln!(f, "target          {}", self.target)?;
        writeln!(f, "rows            {}\n", self.rows)?;
        writeln!(
            f,
            "{:<12} {:<6} {:>9} {:>12} {:>12} {:>12}",
            "section", "sent", "rows", "bytes", "brotli", "in target"
        )?;
        for Line {
            name,
            kind,
            rows,
            bytes,
            brotli,
            target_bytes,
        } in &self.sections
        {
            writeln!(
                f,
                "{name:<12} {kind:<6} {rows:>9} {bytes:>12} {brotli:>12} {target_bytes:>12}"
            )?;
        }
        let rows: usize = self.sections.iter().map(|line| line.rows).sum();
        write!(
            f,
            "{:<12} {:<6} {rows:>9} {:>12} {:>12} {:>12}",
            "file", "", self.bytes, self.brotli, self.target_bytes
        )
    }
}
