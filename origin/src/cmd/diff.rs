//! `pocketrank diff`: what changed between two snapshots, for hosts that hold the first.

use super::data::Output;
use super::{delta, verify};
use clap::Args;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::output;
use std::path::PathBuf;

/// Writes a delta, by which hosts that hold one snapshot make the next.
///
/// It has the changed rows only, and what it makes is the second snapshot, byte for byte. Serve it compressed: `brotli` is what it takes
/// then.
#[derive(Debug, Args)]
pub struct Diff {
    /// The snapshot that hosts hold.
    base: PathBuf,
    /// The one that they shall have.
    target: PathBuf,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    print: Output,
}

impl Diff {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let [base, target] = [verify::read(&self.base)?, verify::read(&self.target)?];
        let base = verify::open(&self.base, &base)?;
        let target = verify::open(&self.target, &target)?;
        let bytes = pocketrank::diff(&base, &target).map_err(|source| Error::Snapshot {
            path: self.output.clone(),
            source,
        })?;
        let about = delta::About::of(&delta::open(&self.output, &bytes)?, &bytes)?;
        output::write(&self.output, &bytes)?;
        self.print.print(&about, &about)
    }
}
