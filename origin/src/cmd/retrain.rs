//! `pocketrank retrain`: what training chose, fitted on newer events beside the snapshot that is out.

use super::data::{Data, Output};
use super::panel::Panel;
use super::part::{differ, names_a_file, positive, Part};
use super::{beside, delta, verify};
use clap::Args;
use pocketrank::{diff, Snapshot};
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::Order;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::train::free;
use pocketrank_origin::train::refit::Refit;
use pocketrank_origin::train::steady::Price;
use pocketrank_origin::train::Chosen;
use pocketrank_origin::{ingest, parallel, templates};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Fits the model of a recipe that `train --recipe` wrote on newer events, without a search.
///
/// Items keep the rows that the base snapshot has given them, new ones take those of items that are gone and then new ones. A row changes
/// where the ranking gains enough by it for the bytes that it adds to the delta, and where at least as many customers as the recipe
/// says have had to do with its item since it changed last; what is held back comes later. When that was is kept in a ledger beside the
/// snapshot, FILE.ledger, as `train` and `pack` write one: keep it with the snapshot, and publish it nowhere; where writing was cut short it may
/// be called FILE.ledger.next. Vectors of taste stay as they are.
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
    /// The most kB (1,000 bytes) of the delta from the base, with brotli: what changes rankings most comes first.
    #[arg(long, value_name = "KB", value_parser = positive, conflicts_with = "exact")]
    max_kb: Option<f64>,
    /// Change every row that enough customers stand behind, however little the ranking gains.
    #[arg(long)]
    exact: bool,
    /// Put the templates of this folder into the snapshot (docs/TEMPLATES.md); without it those of the base stay.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Work on at most so many threads; the snapshot does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    #[command(flatten)]
    panel: Panel,
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
        let ledger = beside::read(&self.base, &base)?;
        let compiled = self.panel.compile(self.print)?;
        let templates = match &self.templates {
            Some(folder) => Some(templates::read(folder)?),
            None => base.templates().map_err(|source| Error::Snapshot {
                path: self.base.clone(),
                source,
            })?,
        };
        let chosen = Chosen::read(&self.recipe)?;
        let config = self.data.config()?.train;
        let inputs = self.part.inputs(&self.data, chosen.min_customers)?;
        let control = Control::interruptible(progress)?;
        parallel::limit(self.threads);
        let dataset = ingest::load(&inputs, &progress)?;
        if dataset.order != Order::Time && chosen.min_customers > 1 {
            return Err(Error::Data(format!(
                "{}: the events have no times, so that nobody can tell which of them came after the base, and how many customers stand behind a \
                 change; give events with times, or publish what `pocketrank train` makes whole",
                self.data.shown().display()
            )));
        }
        let rest = self.part.rest(&dataset, chosen.protocol, &config);
        let events = rest.as_deref().unwrap_or(&dataset.events);
        let refit = Refit::new(&dataset, events, &chosen, &control)?;
        let mut refitted = match self.max_kb {
            Some(most) => refit.within(&base, &ledger, (most * 1000.0) as usize)?,
            None => refit.beside(&base, &ledger, if self.exact { Price::NOTHING } else { Price::DEFAULT })?,
        };
        let failed = |source| Error::Snapshot {
            path: self.output.clone(),
            source,
        };
        refitted.bytes = compiled
            .or_of(&base, &self.base)?
            .attach(refitted.bytes, &self.output)?;
        refitted.bytes = templates::put(refitted.bytes, templates.as_ref(), &self.output)?;
        let snapshot = Snapshot::open(refitted.bytes.as_slice()).map_err(failed)?;
        refitted.ledger = refitted.ledger.of(&snapshot);
        let changes = diff(&base, &snapshot).map_err(failed)?;
        let about = delta::About::of(&delta::open(&self.output, &changes)?, &changes)?;
        beside::write(&self.output, &refitted.bytes, &refitted.ledger)?;
        let [items, base_items] = [free::others(&snapshot).len(), free::others(&base).len()];
        let seconds = started.elapsed().as_secs_f64();
        self.print.print(
            format_args!(
                "{}\n{about}\n\n{}: {} items, {} in the base, {} bytes, {} rows wait for more customers, in {seconds:.1} s",
                dataset.account,
                self.output.display(),
                items,
                base_items,
                refitted.bytes.len(),
                refitted.waiting,
            ),
            &json!({
                "id": snapshot.id().to_string(),
                "base": base.id().to_string(),
                "items": items,
                "base_items": base_items,
                "bytes": refitted.bytes.len(),
                "waiting": refitted.waiting,
                "delta": about,
                "seconds": seconds,
                "account": dataset.account,
            }),
        )
    }
}
