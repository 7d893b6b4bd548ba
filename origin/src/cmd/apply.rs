//! `pocketrank apply`: makes the newer snapshot of the older one and the deltas that lead to it, as hosts do.

use super::data::Output;
use super::{delta, verify};
use clap::Args;
use pocketrank::{Delta, SnapshotId};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::output;
use pocketrank_origin::train::free;
use serde_json::json;
use std::path::PathBuf;

/// Makes a snapshot of an earlier one and the deltas that lead to it, as hosts do.
#[derive(Debug, Args)]
pub struct Apply {
    /// The snapshot that the first delta was made for.
    base: PathBuf,
    /// Deltas, as `diff` writes them, each made for what the one before it makes.
    #[arg(required = true, value_name = "DELTA")]
    deltas: Vec<PathBuf>,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    print: Output,
}

impl Apply {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let base = verify::read(&self.base)?;
        let base = verify::open(&self.base, &base)?;
        let files: Vec<Vec<u8>> = self
            .deltas
            .iter()
            .map(|path| verify::read(path))
            .collect::<Result<_>>()?;
        let opened = self
            .deltas
            .iter()
            .zip(&files)
            .map(|(path, bytes)| delta::open(path, bytes));
        let deltas: Vec<Delta<'_>> = opened.collect::<Result<_>>()?;
        let bytes = Delta::apply_chain(&base, &deltas).map_err(|source| Error::Snapshot {
            path: self.at_fault(base.id(), &deltas),
            source,
        })?;
        let (id, items) = {
            let target = verify::open(&self.output, &bytes)?;
            (target.id().to_string(), free::others(&target).len())
        };
        output::write(&self.output, &bytes)?;
        let (count, length) = (files.len(), files.iter().map(Vec::len).sum::<usize>());
        self.print.print(
            format_args!(
                "{}: id {id}, {items} items, {} bytes, of {} and {count} {} of {length}",
                self.output.display(),
                bytes.len(),
                base.id(),
                if count == 1 { "delta" } else { "deltas" },
            ),
            &json!({
                "id": id, "base": base.id().to_string(), "items": items, "bytes": bytes.len(), "deltas": count, "delta_bytes": length,
            }),
        )
    }

    /// The delta that was made for another snapshot than is there before it; the last one where there is none, as nothing is checked between.
    fn at_fault(&self, base: SnapshotId, deltas: &[Delta<'_>]) -> PathBuf {
        let (mut held, mut at_fault) = (base, &self.base);
        for (path, delta) in self.deltas.iter().zip(deltas) {
            at_fault = path;
            if delta.base() != held {
                break;
            }
            held = delta.target();
        }
        at_fault.clone()
    }
}
