//! `pocketrank candidates`: the lists that slots rerank.

use super::data::{Data, Output};
use super::verify;
use clap::Args;
use pocketrank_origin::candidates::{Lists, LENGTH};
use pocketrank_origin::error::{Error, Result};
use std::path::PathBuf;

/// Writes each slot's cached list: popular, trending, new, of each category, similar to each item; and the catalogue.
///
/// Only items of the snapshot and of the catalogue are named. Items without a picture get one drawn.
#[derive(Debug, Args)]
pub struct Candidates {
    /// The snapshot that was trained on the data.
    snapshot: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Folder to write catalogue.json, lists.json, candidates/ and images/ to.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The most items of a list that a slot picks from.
    #[arg(long, value_name = "N", default_value_t = LENGTH, value_parser = length)]
    length: usize,
    #[command(flatten)]
    print: Output,
}

fn length(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(length @ 1..=10_000) => Ok(length),
        _ => Err("give a number from 1 to 10000".into()),
    }
}

impl Candidates {
    /// Does it.
    pub fn run(self) -> Result<()> {
        if self.output.exists() && !self.output.is_dir() {
            return Err(Error::Usage(format!(
                "-o {} is a file; give a folder for catalogue.json, lists.json, candidates/ and images/",
                self.output.display()
            )));
        }
        let bytes = verify::read(&self.snapshot)?;
        let snapshot = verify::open(&self.snapshot, &bytes)?;
        let progress = self.print.progress();
        let dataset = self.data.load(&progress)?;
        let written = Lists::new(&dataset, &snapshot, self.length)?.write(&self.output, &progress)?;
        self.print.print(
            format_args!(
                "{}: {} items, {} lists, {} pictures drawn",
                self.output.display(),
                written.items,
                written.lists,
                written.pictures
            ),
            &written,
        )
    }
}
