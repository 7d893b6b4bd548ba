//! `pocketrank train`: from events to a packed snapshot.

use super::data::{Data, Output};
use clap::Args;
use pocketrank::Snapshot;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::ingest::{self, time, Inputs};
use pocketrank_origin::output;
use pocketrank_origin::train::{train, TrainOptions};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Trains a model on events and packs it into a snapshot.
///
/// The last tenth of the events chooses recipe and blend; the model is then fitted on all of them.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    data: Data,
    /// Where to write the snapshot.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Use only events before this time (RFC 3339, a date, or seconds since 1970), and keep the later ones for `evaluate`.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The most neighbours of an item.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1024))]
    neighbours: u16,
    /// The fewest customers behind an edge, a row and an item.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    min_customers: Option<u16>,
    #[command(flatten)]
    print: Output,
}

impl Train {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let started = Instant::now();
        let progress = self.print.progress();
        let until = self.until.as_deref().map(|text| {
            time::parse(text).ok_or_else(|| {
                Error::Usage(format!(
                    "--until {text:?} is no time; give one such as 2010-11-01 or 2010-11-01T00:00:00Z"
                ))
            })
        });
        let until = until.transpose()?;
        if self.output.is_dir() {
            return Err(Error::Usage(format!(
                "-o {}: a folder; give the file to write, such as {}",
                self.output.display(),
                self.output.join("snapshot.bin").display()
            )));
        }
        let min_customers = self.min_customers.unwrap_or(self.data.config()?.train.min_customers);
        let inputs = Inputs {
            until,
            min_customers: Some(min_customers),
            ..self.data.inputs()?
        };
        let dataset = ingest::load(&inputs, &progress)?;
        let options = TrainOptions {
            until,
            neighbours: usize::from(self.neighbours),
            min_customers: u32::from(min_customers),
            ..TrainOptions::default()
        };
        let trained = train(&dataset, &options, &progress)?;
        let invalid = |source| Error::Snapshot {
            path: self.output.clone(),
            source,
        };
        let snapshot = Snapshot::open(trained.bytes.as_slice()).map_err(invalid)?;
        output::write(&self.output, &trained.bytes)?;
        let seconds = started.elapsed().as_secs_f64();
        let validation = match trained.validation_queries {
            0 => "too few events to hold any back: starting values used".to_string(),
            n => format!("validation NDCG@10 {:.4} over {n} queries", trained.validation_ndcg),
        };
        self.print.print(
            format_args!(
                "{}\nmodel: {}\n{validation}\n{}: {} items, {} bytes, id {}, in {seconds:.1} s",
                dataset.account,
                trained.recipe,
                self.output.display(),
                snapshot.items(),
                trained.bytes.len(),
                snapshot.id(),
            ),
            &json!({
                "id": snapshot.id().to_string(),
                "items": snapshot.items(),
                "bytes": trained.bytes.len(),
                "model": trained.recipe.to_string(),
                "validation": { "queries": trained.validation_queries, "ndcg@10": trained.validation_ndcg },
                "seconds": seconds,
                "account": dataset.account,
            }),
        )
    }
}
