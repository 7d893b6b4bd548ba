//! Chooses a recipe and a blend on validation data and packs the model of all the data.
//!
//! Each family is tried, the best are searched, stacked and shaped into the bytes that are allowed; then the blend is searched
//! and its weights are learned. Trials are fitted on what is before the validation, packed, and ranked by the runtime; the best
//! is fitted on everything. Invariant: equal data and options give equal bytes, whatever the number of threads; the test is
//! never looked at.

use super::content::ContentModel;
use super::fold::{splits, Fold};
use super::material::Material;
use super::model::Model;
use super::recipe::Recipe;
use super::search::Strategy;
use super::stack::Stack;
use super::trials::{Header, Record, Trials};
use super::tuner::Tuner;
use crate::config::{Config, CrossValidation};
use crate::control::Control;
use crate::dataset::{Dataset, Interaction};
use crate::error::{Error, Result};
use crate::evaluate::{Protocol, Split};
use pocketrank::Blend;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::Duration;

/// What the caller fixes.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// How queries are cut from the data; none: what fits the data.
    pub protocol: Option<Protocol>,
    /// The fewest customers behind an edge, a row and an item.
    pub min_customers: u32,
    /// The most bytes an item of the model's own sections.
    pub max_bytes_per_item: f64,
    /// How many models are fitted.
    pub trials: usize,
    /// Tune at most on this many validation queries.
    pub queries: usize,
    /// Folds of validation; none: as many rolling ones as it takes to ask enough, or 3 stratified ones.
    pub folds: Option<usize>,
    /// How folds are made.
    pub cross_validation: CrossValidation,
    /// How spaces are searched.
    pub strategy: Strategy,
    /// Families to try; empty for those that suit the data.
    pub families: Vec<String>,
    /// How content becomes vectors, where the catalogue has any.
    pub content: ContentModel,
    /// Of everything random.
    pub seed: u64,
    /// Where trials are logged, and read again by a training that goes on.
    pub log: Option<PathBuf>,
    /// Where the best model so far is kept if the work is stopped.
    pub checkpoint: Option<PathBuf>,
    /// Stop trying after this long, and say so: the model then depends on the machine.
    pub stop_after: Option<Duration>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        TrainOptions {
            protocol: None,
            min_customers: 5,
            max_bytes_per_item: 64.0,
            trials: 150,
            queries: 8_000,
            folds: None,
            cross_validation: CrossValidation::default(),
            strategy: Strategy::Tpe,
            families: vec![],
            content: ContentModel::new(&Config::default()),
            seed: 1,
            log: None,
            checkpoint: None,
            stop_after: None,
        }
    }
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The packed snapshot.
    pub bytes: Vec<u8>,
    /// The dataset's item of each row.
    pub items: Vec<u32>,
    /// The model before it was packed.
    pub model: Model,
    /// What was chosen.
    pub recipe: Recipe,
    /// How it is served.
    pub blend: Blend,
    /// How queries were cut.
    pub protocol: Protocol,
    /// NDCG@20 on validation of what was chosen, fitted on the events before it.
    pub validation_ndcg: f64,
    /// The same on the queries that chose nothing.
    pub check_ndcg: f64,
    /// Share of NDCG@20 on validation that weights lose by being packed, against floats; below 0 where they gain.
    pub loss: Option<f64>,
    /// Number of validation queries.
    pub validation_queries: usize,
    /// Bytes an item of the model's own sections.
    pub bytes_per_item: f64,
    /// What each family was worth before its parameters were searched, or why it was not tried.
    pub families: Vec<Tried>,
    /// Every trial, in order.
    pub trials: Vec<Record>,
    /// What whoever trains should know.
    pub warnings: Vec<String>,
}

/// A family with its starting values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// Its name.
    pub family: &'static str,
    /// What it is.
    pub about: &'static str,
    /// About how many bytes of memory a fit takes.
    pub memory: u64,
    /// NDCG@20 on validation.
    pub ndcg: Option<f64>,
    /// Why there is none.
    pub note: Option<String>,
}

/// Trains on events, some of the dataset's in its order.
///
/// # Errors
/// [`Error::Data`] where there is too little to learn from, [`Error::Interrupted`], and what writing the log or the checkpoint
/// can meet.
pub fn train(dataset: &Dataset, events: &[Interaction], options: &TrainOptions, control: &Control) -> Result<Trained> {
    if events.is_empty() {
        return Err(Error::Data(
            "no events to train on; check --until and the account of the data".into(),
        ));
    }
    let protocol = options.protocol.unwrap_or_else(|| Protocol::of(dataset));
    let mut whole = Material::new(dataset, events, options.min_customers)?;
    whole.content = options.content.clone();
    let splits = splits(dataset, events, protocol, options)?;
    let folds = folds(dataset, &splits, protocol, options);
    let trials = match &options.log {
        Some(path) => Trials::open(path, &header(&whole, options, protocol))?,
        None => Trials::in_memory(),
    };
    let mut tuner = Tuner::new(options, control, folds, trials, &whole, protocol)?;
    if tuner.folds.is_empty() {
        tuner
            .warnings
            .push("too little data to hold any back for validation: the starting values are used as they are".into());
    } else if let Err(error) = tuner.run() {
        if let (Error::Interrupted, Some(path), true) = (&error, &options.checkpoint, tuner.best.is_finite()) {
            tuner.keep(path)?;
        }
        return Err(error);
    }
    tuner.finish(Stack::new(whole, options.content.clone()), protocol)
}

/// Folds that have enough to fit on and to ask.
pub(super) fn folds<'a>(
    dataset: &'a Dataset,
    splits: &'a [Split],
    protocol: Protocol,
    options: &TrainOptions,
) -> Vec<Fold<'a>> {
    splits
        .iter()
        .filter_map(|split| Fold::new(dataset, split, protocol, options).ok())
        .filter(|fold| !fold.first.is_empty() && !fold.check.is_empty())
        .collect()
}

/// A hash of events, whatever else their dataset holds: a log of trials belongs to it.
pub fn data_hash(dataset: &Dataset, events: &[Interaction]) -> String {
    let mut hash = Sha256::new();
    for event in events {
        hash.update(dataset.items[event.item as usize].id.as_bytes());
        hash.update([0, event.kind as u8]);
        hash.update(event.user.to_le_bytes());
        hash.update(event.session.to_le_bytes());
        hash.update(event.at.to_le_bytes());
    }
    hex(hash)
}

/// A hash of what ships and what is said of it.
fn content_hash(whole: &Material<'_>) -> String {
    let mut hash = Sha256::new();
    for at in whole.shipped() {
        let item = &whole.dataset.items[at as usize];
        let texts = [&item.description, &item.category, &item.brand];
        let texts = texts.into_iter().map(|text| text.as_deref().unwrap_or_default());
        for text in [item.id.as_str(), &item.name]
            .into_iter()
            .chain(texts)
            .chain(item.tags.iter().map(String::as_str))
        {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        hash.update(item.price.unwrap_or(-1.0).to_le_bytes());
        let vector = whole
            .dataset
            .vectors
            .as_ref()
            .map_or(&[][..], |vectors| vectors.row(at as usize));
        vector.iter().for_each(|x| hash.update(x.to_le_bytes()));
    }
    hex(hash)
}

/// The first 16 bytes.
fn hex(hash: Sha256) -> String {
    let mut text = pocketrank::hex(&hash.finalize());
    text.truncate(32);
    text
}

/// What makes a log this training's own.
fn header(whole: &Material<'_>, options: &TrainOptions, protocol: Protocol) -> Header {
    Header {
        data: data_hash(whole.dataset, whole.events),
        content: content_hash(whole),
        options: format!(
            "pocketrank {}, {}, min_customers {}, max_bytes_per_item {}, trials {}, queries {}, folds {:?} {:?}, {:?}, families {:?}, seed {}, {:?}, stop after {:?}",
            env!("CARGO_PKG_VERSION"),
            protocol.name(),
            options.min_customers,
            options.max_bytes_per_item,
            options.trials,
            options.queries,
            options.folds,
            options.cross_validation,
            options.strategy,
            options.families,
            options.seed,
            options.content,
            options.stop_after
        ),
    }
}
