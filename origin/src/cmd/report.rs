//! `pocketrank report`: one page, or a few tables, about a snapshot and the data behind it.
//!
//! Invariant: the page is one file that loads and runs nothing; every text is escaped; no customer is in it.

mod account;
mod distributions;
mod figures;
mod learning;
mod markdown;
mod page;
mod pareto;
pub(super) mod plot;
mod slates;
mod table;

use super::data::Output;
use super::evaluate::{Evaluate, Measured};
use clap::Args;
use pocketrank::Snapshot;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::output;
use pocketrank_origin::train::trials;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Writes a page about a snapshot: the data, how it was trained, what it is worth beside the baselines, and example slates.
///
/// Takes what `evaluate` takes, and measures the same.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    evaluate: Evaluate,
    /// The page to write: HTML in one file, without scripts and without anything from the network.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The short form in Markdown too, for a pull request: quality, differences, segments, learning, data and bytes.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// What `train --log FILE` wrote: for the curves of learning, the families and the shapes that were tried.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

impl Report {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let print: Output = self.evaluate.print();
        let log = self.log.as_deref().map(trials::read).transpose()?;
        let slates = self.evaluate.slates()?;
        let measured: Measured = self.evaluate.measure(&print.progress())?;
        output::write(&self.output, page::html(&measured, log.as_ref(), slates)?.as_bytes())?;
        if let Some(path) = &self.markdown {
            output::write(path, markdown::markdown(&measured, log.as_ref())?.as_bytes())?;
        }
        print.print(
            format_args!(
                "{}: a page about snapshot {}",
                self.output.display(),
                measured.report.snapshot
            ),
            &json!({ "page": self.output, "markdown": self.markdown, "snapshot": measured.report.snapshot }),
        )
    }
}

fn open(bytes: &[u8]) -> Result<Snapshot<&[u8]>> {
    Snapshot::open(bytes).map_err(|source| Error::Snapshot {
        path: Path::new("reported snapshot").into(),
        source,
    })
}

/// Text for HTML and SVG.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    pocketrank::template::escape(&mut out, text);
    out
}
