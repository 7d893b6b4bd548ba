//! `pocketrank retrain`: what training chose, fitted on newer events beside the snapshot that is out.

use super::data::{Data, Output};
use super::part::{differ, names_a_file, Part};
use super::verify;
use clap::Args;
use pocketrank::Snapshot;
use pocketrank_origin::control::Control;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::train::{pack, Chosen};
use pocketrank_origin::{ingest, output, parallel};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Fits the model of a recipe that `train --recipe` wrote on newer events, without a search.
///
/// Items keep the rows that the base snapshot has given them, new ones take those of items that are gone and then new ones, and weights
/// of neighbours are rounded as in the base: what did not change stays as it is.
#[derive(Debug, Args)]
pub struct Retrain {
    /// The recipe.
    recipe: PathBuf,
    /// The snapshot that is out.
    #[arg(long, value_name = "SNAPSHOT")]
    base: PathBuf,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    part: Part,
    /// Where to write the snapshot.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Work on at most so many threads; the snapshot does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    #[command(flatten)]
    print: Output,
}

impl Retrain {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let started = Instant::now();
        let progress = self.print.progress();
        names_a_file("-o", &self.output)?;
        differ([
            ("RECIPE", Some(&self.recipe)),
            ("--base", Some(&self.base)),
            ("-o", Some(&self.output)),
        ])?;
        let base = verify::read(&self.base)?;
        let base = verify::open(&self.base, base.as_slice())?;
        let chosen = Chosen::read(&self.recipe)?;
        let config = self.data.config()?.train;
        let inputs = self.part.inputs(&self.data, chosen.min_customers)?;
        let control = Control::interruptible(progress)?;
        parallel::limit(self.threads);
        let dataset = ingest::load(&inputs, &progress)?;
        let rest = self.part.rest(&dataset, chosen.protocol, &config);
        let events = rest.as_deref().unwrap_or(&dataset.events);
        let bytes = pack::refit(&dataset, events, &chosen, &base, &control)?;
        let snapshot = Snapshot::open(bytes.as_slice()).map_err(|source| Error::Snapshot {
            path: self.output.clone(),
            source,
        })?;
        output::write(&self.output, &bytes)?;
        self.print.print(
            format_args!(
                "{}\n{}: {} items, {} in the base, {} bytes, id {}, in {:.1} s",
                dataset.account,
                self.output.display(),
                snapshot.items(),
                base.items(),
                bytes.len(),
                snapshot.id(),
                started.elapsed().as_secs_f64(),
            ),
            &json!({
                "id": snapshot.id().to_string(),
                "base": base.id().to_string(),
                "items": snapshot.items(),
                "base_items": base.items(),
                "bytes": bytes.len(),
                "seconds": started.elapsed().as_secs_f64(),
                "account": dataset.account,
            }),
        )
    }
}
