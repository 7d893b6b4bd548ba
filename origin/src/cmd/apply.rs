//! `pocketrank apply`: makes the newer snapshot of the older one and a delta, as hosts do.

use super::data::Output;
use super::{delta, verify};
use clap::Args;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::output;
use serde_json::json;
use std::path::PathBuf;

/// Makes a snapshot of the one before it and a delta, as hosts do.
#[derive(Debug, Args)]
pub struct Apply {
    /// The snapshot that the delta was made for.
    base: PathBuf,
    /// The delta, as `diff` writes it.
    delta: PathBuf,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    print: Output,
}

impl Apply {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let [base, delta] = [verify::read(&self.base)?, verify::read(&self.delta)?];
        let base = verify::open(&self.base, &base)?;
        let opened = delta::open(&self.delta, &delta)?;
        let bytes = opened.apply(&base).map_err(|source| Error::Snapshot {
            path: self.delta.clone(),
            source,
        })?;
        let (id, items) = {
            let target = verify::open(&self.delta, &bytes)?;
            (target.id().to_string(), target.items())
        };
        output::write(&self.output, &bytes)?;
        self.print.print(
            format_args!(
                "{}: id {id}, {items} items, {} bytes, of {} and a delta of {}",
                self.output.display(),
                bytes.len(),
                base.id(),
                delta.len()
            ),
            &json!({ "id": id, "base": base.id().to_string(), "items": items, "bytes": bytes.len(), "delta": delta.len() }),
        )
    }
}
