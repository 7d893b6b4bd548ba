//! `pocketrank train`: from events to a packed snapshot.

use super::beside;
use super::data::{Data, Output};
use super::panel::Panel;
use super::part::{differ, names_a_file, positive, tells, Part};
use clap::Args;
use pocketrank::Snapshot;
use pocketrank_origin::config::{CrossValidation, Cut};
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::evaluate::{Protocol, LAST};
use pocketrank_origin::ingest;
use pocketrank_origin::train::content::ContentModel;
use pocketrank_origin::train::search::Strategy;
use pocketrank_origin::train::{train, Chosen, TrainOptions, Tried};
use pocketrank_origin::{output, parallel, templates};
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Trains a model on events and packs it into a snapshot.
///
/// Tries the families of models that suit the data, searches the parameters of the best, and chooses by NDCG@20 on events that
/// are held back; what is chosen is then fitted on all of them. Ctrl-C stops it: the best model so far is then beside the output,
/// in FILE.checkpoint, and the same command goes on where it was stopped.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    data: Data,
    /// Where to write the snapshot.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    part: Part,
    /// The fewest customers behind an edge, a row and an item.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    min_customers: Option<u16>,
    /// The most bytes an item of the model's own sections: neighbours, factors, content, prior and blend; 64 if nothing else is
    /// said. 16 KiB in all are always allowed.
    #[arg(long, value_name = "BYTES", value_parser = positive)]
    max_bytes_per_item: Option<f64>,
    /// How many models are fitted while tuning; 150 if nothing else is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    trials: Option<u16>,
    /// How parameters are searched.
    #[arg(long, value_enum)]
    search: Option<Strategy>,
    /// Families of models to try, with commas between. Without it, those that suit the data.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    families: Vec<String>,
    /// Folds of validation. Without it, as many rolling ones as it takes to ask enough, at most 3, or 3 stratified ones.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=10))]
    folds: Option<u8>,
    /// How folds are made.
    #[arg(long, value_enum)]
    cross_validation: Option<CrossValidation>,
    /// Of everything random: equal data, options and seed give equal bytes.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Stop trying after so many minutes; the model then depends on the machine.
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    stop_after: Option<f64>,
    /// Put the templates of this folder into the snapshot (docs/TEMPLATES.md); `pocketrank templates` checks them.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Write what was chosen to this file too: a recipe, from which `pack` makes the model again in other bytes without a search.
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Where trials are logged; a training that finds a log of the same data and options goes on with it. Without it,
    /// FILE.trials beside the output, removed at the end.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Work on at most so many threads; the model does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    #[command(flatten)]
    panel: Panel,
    #[command(flatten)]
    print: Output,
}

/// What the configuration asks for, or what fits the data.
fn protocol(dataset: &Dataset, cut: Option<Cut>) -> Protocol {
    match cut {
        Some(Cut::Temporal) => Protocol::Temporal,
        Some(Cut::LastOfUser) => Protocol::LastOfUser { share: LAST },
        Some(Cut::NextItem) => Protocol::NextItem,
        None => Protocol::of(dataset),
    }
}

impl Train {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let started = Instant::now();
        let progress = self.print.progress();
        names_a_file("-o", &self.output)?;
        if let Some(recipe) = &self.recipe {
            names_a_file("--recipe", recipe)?;
        }
        differ([
            ("-o", Some(&self.output)),
            ("--recipe", self.recipe.as_ref()),
            ("--log", self.log.as_ref()),
        ])?;
        let compiled = self.panel.compile(self.print)?;
        let templates = self.templates.as_deref().map(templates::read).transpose()?;
        let config = self.data.config()?;
        let content = ContentModel::new(&config);
        let config = config.train;
        let min_customers = self.min_customers.unwrap_or(config.min_customers);
        let inputs = self.part.inputs(&self.data, min_customers)?;
        let control = Control::interruptible(progress)?;
        parallel::limit(self.threads);
        let dataset = ingest::load(&inputs, &progress)?;
        let protocol = protocol(&dataset, config.protocol);
        let held_out = self.part.rest(&dataset, protocol, &config);
        let events = held_out.as_deref().unwrap_or(&dataset.events);
        let beside = |ending: &str| {
            let mut name = self.output.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        let (log, checkpoint) = (
            self.log.clone().unwrap_or_else(|| beside(".trials")),
            beside(".checkpoint"),
        );
        let options = TrainOptions {
            protocol: Some(protocol),
            min_customers: u32::from(min_customers),
            max_bytes_per_item: self.max_bytes_per_item.unwrap_or(config.max_bytes_per_item),
            trials: self.trials.map_or(config.trials, usize::from),
            folds: self.folds.or(config.folds).map(usize::from),
            cross_validation: self.cross_validation.unwrap_or(config.cross_validation),
            strategy: self.search.unwrap_or(config.search),
            families: if self.families.is_empty() {
                config.families
            } else {
                self.families.clone()
            },
            content,
            seed: self.seed.unwrap_or(config.seed),
            log: Some(log.clone()),
            checkpoint: Some(checkpoint.clone()),
            stop_after: self
                .stop_after
                .or(config.stop_after)
                .map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
            ..TrainOptions::default()
        };
        let mut trained = train(&dataset, events, &options, &control)?;
        trained.bytes = compiled.attach(trained.bytes, &self.output)?;
        trained.bytes = templates::put(trained.bytes, templates.as_ref(), &self.output)?;
        let invalid = |source| Error::Snapshot {
            path: self.output.clone(),
            source,
        };
        let snapshot = Snapshot::open(trained.bytes.as_slice()).map_err(invalid)?;
        beside::write(&self.output, &trained.bytes, &tells(&snapshot, events))?;
        if let Some(path) = &self.recipe {
            Chosen::new(&trained, &options).write(path)?;
        }
        output::remove(&checkpoint)?;
        if self.log.is_none() {
            output::remove(&log)?;
        }
        let seconds = started.elapsed().as_secs_f64();
        let warnings: String = trained
            .warnings
            .iter()
            .map(|warning| format!("warning: {warning}\n"))
            .collect();
        let families = families(&trained.families);
        let loss = trained
            .loss
            .map_or(String::new(), |loss| format!(", {:+.2}% by packing", -100.0 * loss));
        self.print.print(
            format_args!(
                "{}\n{families}{warnings}model: {}\nvalidation ({}): NDCG@20 {:.4} over {} queries, {:.4} over others that chose nothing{loss}\n\
                 {}: {} items, {} bytes, of them the model {:.1} an item, id {}, in {seconds:.1} s",
                dataset.account,
                trained.recipe,
                trained.protocol.name(),
                trained.validation_ndcg,
                trained.validation_queries,
                trained.check_ndcg,
                self.output.display(),
                snapshot.items(),
                trained.bytes.len(),
                trained.bytes_per_item,
                snapshot.id(),
            ),
            &json!({
                "id": snapshot.id().to_string(),
                "items": snapshot.items(),
                "bytes": trained.bytes.len(),
                "bytes_per_item": trained.bytes_per_item,
                "model": trained.recipe.to_string(),
                "recipe": trained.recipe,
                "protocol": trained.protocol.name(),
                "validation": { "queries": trained.validation_queries, "ndcg@20": trained.validation_ndcg, "check_ndcg@20": trained.check_ndcg },
                "loss": trained.loss,
                "families": trained.families,
                "warnings": trained.warnings,
                "seconds": seconds,
                "account": dataset.account,
            }),
        )
    }
}

/// A table of what each family was worth before its parameters were searched.
fn families(tried: &[Tried]) -> String {
    let mut text = String::new();
    for Tried {
        family,
        about,
        memory,
        ndcg,
        note,
    } in tried
    {
        let worth = ndcg.map_or("-".into(), |ndcg| format!("{ndcg:.4}"));
        let note = note.as_deref().map_or(String::new(), |note| format!(" ({note})"));
        let megabytes = memory / 1_000_000;
        _ = writeln!(text, "{family:<14} {worth:>7} {megabytes:>6} MB  {about}{note}");
    }
    if !text.is_empty() {
        text.insert_str(0, "family        NDCG@20  memory  what it is\n");
    }
    text
}
