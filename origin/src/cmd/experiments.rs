//! `pocketrank experiments`: features and experiments of GrowthBook's payload, checked, and put into a snapshot.

use super::data::Output;
use super::panel::{read_experiments, replace, VisitorNames};
use super::part::{differ, names_a_file};
use super::verify;
use clap::Args;
use pocketrank::experiment::{Effect, Experiment, Experiments};
use pocketrank::LOTS;
use pocketrank_origin::error::Result;
use serde::Serialize;
use serde_json::json;
use std::fmt;
use std::path::PathBuf;

/// Checks what GrowthBook's SDK endpoint gives, shows who gets what, and puts it into a snapshot without training it anew.
///
/// Visitors are assigned by a random number of 12 bits alone, so that the shares of the arms are known exactly, and shown: tell them, not the
/// weights, to whoever looks for a mismatch of sample ratios. docs/EXPERIMENTS.md says what features can change.
#[derive(Debug, Args)]
pub struct ExperimentsVerb {
    /// The payload: JSON with `features`.
    payload: PathBuf,
    #[command(flatten)]
    visitor: VisitorNames,
    /// The snapshot to put it into.
    #[arg(long, value_name = "FILE", requires = "output")]
    snapshot: Option<PathBuf>,
    /// Where to write that; its ledger goes with it.
    #[arg(short, long, value_name = "FILE", requires = "snapshot")]
    output: Option<PathBuf>,
    #[command(flatten)]
    print: Output,
}

impl ExperimentsVerb {
    /// Does it.
    pub fn run(self) -> Result<()> {
        differ([
            ("PAYLOAD", Some(&self.payload)),
            ("--snapshot", self.snapshot.as_ref()),
            ("-o", self.output.as_ref()),
        ])?;
        let compiled = read_experiments(&self.payload, &self.visitor)?;
        let about = About::of(&compiled.experiments);
        let mut written = None;
        if let (Some(from), Some(to)) = (&self.snapshot, &self.output) {
            names_a_file("-o", to)?;
            let bytes = verify::read(from)?;
            let base = verify::open(from, bytes.as_slice())?;
            let made = base.with_experiments(Some(&compiled.experiments));
            written = Some(replace(from, &base, to, made)?);
        }
        let notes: String = compiled.notes.iter().map(|note| format!("note: {note}\n")).collect();
        let place = match (&self.output, &written) {
            (Some(path), Some((id, len))) => format!("\n{}: id {id}, {len} bytes", path.display()),
            _ => String::new(),
        };
        self.print.print(
            format_args!("{notes}{about}{place}"),
            &json!({
                "experiments": about,
                "notes": compiled.notes,
                "id": written.as_ref().map(|(id, _)| id),
                "bytes": written.as_ref().map(|(_, bytes)| bytes),
            }),
        )
    }
}

/// What features and experiments there are, and the exact shares of the arms.
#[derive(Debug, Serialize)]
pub struct About {
    features: Vec<FeatureAbout>,
    experiments: Vec<ExperimentAbout>,
}

#[derive(Debug, Serialize)]
struct FeatureAbout {
    key: String,
    default: serde_json::Value,
    rules: usize,
}

#[derive(Debug, Serialize)]
struct ExperimentAbout {
    /// Of the feature, if it is one's.
    feature: Option<String>,
    key: String,
    /// Whether it can run.
    active: bool,
    /// Share of all numbers by the key of the arm, what keeps visitors out apart from coverage not counted in.
    arms: Vec<(String, f64)>,
    /// Share of all numbers in no arm.
    none: f64,
}

impl About {
    /// Of a snapshot's.
    pub fn of(experiments: &Experiments) -> Self {
        let mut about = About {
            features: vec![],
            experiments: vec![],
        };
        for feature in &experiments.features {
            about.features.push(FeatureAbout {
                key: feature.key.clone(),
                default: serde_json::from_str(&feature.default.json()).unwrap_or_default(),
                rules: feature.rules.len(),
            });
            for rule in &feature.rules {
                if let Effect::Run(experiment) = &rule.effect {
                    about
                        .experiments
                        .push(ExperimentAbout::of(Some(&feature.key), experiment));
                }
            }
        }
        let own = experiments.experiments.iter();
        about
            .experiments
            .extend(own.map(|experiment| ExperimentAbout::of(None, experiment)));
        about
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty() && self.experiments.is_empty()
    }
}

impl ExperimentAbout {
    fn of(feature: Option<&str>, experiment: &Experiment) -> Self {
        let share = |numbers: u32| f64::from(numbers) / f64::from(LOTS);
        let (shares, none) = experiment.shares();
        let arms = experiment.variations.iter().zip(shares).enumerate();
        let key = |at: usize, key: &Option<String>| key.clone().unwrap_or_else(|| at.to_string());
        ExperimentAbout {
            feature: feature.map(String::from),
            key: experiment.key.clone(),
            active: experiment.active,
            arms: arms
                .map(|(at, (variation, numbers))| (key(at, &variation.key), share(numbers)))
                .collect(),
            none: share(none),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<40} {:>5}  default", "feature", "rules")?;
        for feature in &self.features {
            let mut default = feature.default.to_string();
            if let Some((end, _)) = default.char_indices().nth(60) {
                default.truncate(end);
                default.push('…');
            }
            write!(f, "\n{:<40} {:>5}  {default}", feature.key, feature.rules)?;
        }
        if !self.experiments.is_empty() {
            write!(f, "\n{:<40} exact shares of visitors with a number", "experiment")?;
        }
        for experiment in &self.experiments {
            let arms = experiment
                .arms
                .iter()
                .map(|(key, share)| format!("{key} {:.2}%", 100.0 * share));
            let arms: Vec<String> = arms.collect();
            let active = if experiment.active { "" } else { ", does not run" };
            write!(
                f,
                "\n{:<40} {}, none {:.2}%{active}",
                experiment.key,
                arms.join(", "),
                100.0 * experiment.none
            )?;
        }
        Ok(())
    }
}
