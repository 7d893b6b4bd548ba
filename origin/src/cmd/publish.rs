//! `pocketrank publish`: snapshot, deltas and lists to where hosts fetch them.

use super::publisher::{block_on, Options};
use super::verify;
use clap::Args;
use pocketrank_origin::error::Result;
use pocketrank_origin::publish::Source;
use std::path::PathBuf;

/// How many snapshots before the new one get a delta to it.
pub const DELTAS: usize = 30;

/// Publishes a snapshot with deltas and lists, and signs the manifest that names them.
///
/// Blobs never change and come first, the manifest last, and only if nobody else published meanwhile: then exit code 5, and nothing that
/// is live has changed.
#[derive(Debug, Args)]
pub struct Publish {
    /// The snapshot.
    snapshot: PathBuf,
    #[command(flatten)]
    to: Options,
    /// List or other file that goes with it: NAME=PATH or NAME=PATH:TTL, such as candidates/home.json=home.json:15m (without a time the
    /// file's own `ttl`); or a folder that `candidates` wrote, for its lists but `similar-...`, one an item. May be given several times.
    /// Without it those that are live stay.
    #[arg(long = "file", value_name = "NAME=PATH|DIR")]
    files: Vec<String>,
    /// Make a delta from each of the last N snapshots that are still there.
    #[arg(long, value_name = "N", default_value_t = DELTAS, value_parser = deltas)]
    deltas: usize,
    /// Then remove what only manifests name that are older than the last N snapshots, and nothing younger than an hour.
    #[arg(long, value_name = "N", value_parser = keep)]
    keep: Option<usize>,
}

/// The number of an option `--deltas`.
pub fn deltas(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number <= 256);
    number.ok_or_else(|| "give a number from 0 to 256".into())
}

fn keep(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "give a number from 1".into())
}

impl Publish {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let snapshot = verify::read(&self.snapshot)?;
        verify::open(&self.snapshot, &snapshot)?;
        let mut files = vec![];
        for text in &self.files {
            files.extend(Source::read(text)?);
        }
        let files = Some(files.as_slice()).filter(|files| !files.is_empty());
        let ready = self.to.ready()?;
        let publisher = ready.publisher();
        let published = block_on(publisher.publish(&snapshot, files, self.deltas))?;
        let Some(keep) = self.keep else {
            return ready.report(&published, None);
        };
        match block_on(publisher.collect(&published.bytes, keep)) {
            Ok(collected) => ready.report(&published, Some(&collected)),
            // It is live all the same.
            Err(e) => ready.report(&published, None).and(Err(e)),
        }
    }
}
