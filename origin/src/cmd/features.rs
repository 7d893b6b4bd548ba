//! `pocketrank features`: what data say about items and customers, as tables for analysts.

use super::data::{Data, Output};
use clap::Args;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::features::numbers::Normalizer;
use pocketrank_origin::features::table::Table;
use pocketrank_origin::ingest::{self, time, Inputs};
use pocketrank_origin::output;
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

/// Writes features of items (items.csv), and of customers if asked to (users.csv); docs/FEATURES.md defines them.
#[derive(Debug, Args)]
pub struct Features {
    #[command(flatten)]
    data: Data,
    /// Folder to write to.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Use only events before this time: RFC 3339, a date, or seconds since 1970.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Write users.csv too: a row a customer, by pseudonym. It is about persons; keep it as you keep the events.
    #[arg(long)]
    users: bool,
    /// Add the product of two features, both normalized: `trend*price`. May be given several times.
    #[arg(long, value_name = "A*B")]
    product: Vec<String>,
    /// Write every feature normalized, as fitted on these data.
    #[arg(long, value_enum)]
    normalize: Option<Scale>,
    #[command(flatten)]
    print: Output,
}

/// How to normalize.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Scale {
    /// From 0 to 1.
    MinMax,
    /// Mean 0, standard deviation 1.
    ZScore,
}

impl Features {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let progress = self.print.progress();
        let until = self.until.as_deref().map(|text| {
            let problem = || Error::Usage(format!("--until {text:?} is no time; give one such as 2010-11-01"));
            time::parse(text).ok_or_else(problem)
        });
        let inputs = Inputs {
            until: until.transpose()?,
            ..self.data.inputs()?
        };
        let dataset = ingest::load(&inputs, &progress)?;
        let mut tables = vec![("items.csv", Table::items(&dataset)?)];
        if self.users {
            tables.push(("users.csv", Table::customers(&dataset)?));
        }
        let mut text = dataset.account.to_string();
        let mut described = vec![];
        for (name, table) in &mut tables {
            for product in &self.product {
                let problem = || Error::Usage(format!("--product {product:?} is not two names with * between"));
                let (first, second) = product.split_once('*').ok_or_else(problem)?;
                table.interact(first.trim(), second.trim())?;
            }
            let path = self.output.join(*name);
            let _ = writeln!(text, "\n{} ({} rows)", path.display(), table.ids.len());
            let _ = writeln!(
                text,
                "  {:<22} {:>8} {:>12} {:>12} {:>12} {:>12}",
                "feature", "known", "least", "median", "mean", "most"
            );
            for (column, values) in &mut table.columns {
                let spread = Spread::of(values);
                let _ = write!(text, "  {column:<22} {:>8}", spread.known);
                for value in [spread.least, spread.median, spread.mean, spread.most] {
                    // Of nothing known there is nothing to say.
                    let shown = if value.is_nan() {
                        "-".into()
                    } else {
                        format!("{value:.3}")
                    };
                    let _ = write!(text, " {shown:>12}");
                }
                text.push('\n');
                described.push(json!({
                    "file": &*name, "feature": &*column, "known": spread.known, "least": spread.least, "median": spread.median,
                    "mean": spread.mean, "most": spread.most,
                }));
                let known = values.iter().copied();
                let fitted = match self.normalize {
                    None => continue,
                    Some(Scale::MinMax) => Normalizer::min_max(known),
                    Some(Scale::ZScore) => Normalizer::z_score(known),
                };
                values.iter_mut().for_each(|value| *value = fitted.apply(*value));
            }
            output::write(&path, &csv(table)?)?;
        }
        self.print
            .print(text, &json!({ "account": dataset.account, "features": described }))
    }
}

/// How a feature's values lie.
struct Spread {
    known: usize,
    least: f64,
    median: f64,
    mean: f64,
    most: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        known.sort_unstable_by(f64::total_cmp);
        let at = |place: usize| known.get(place).copied().unwrap_or(f64::NAN);
        Spread {
            known: known.len(),
            least: at(0),
            median: at(known.len() / 2),
            mean: known.iter().sum::<f64>() / known.len() as f64,
            most: at(known.len().saturating_sub(1)),
        }
    }
}

/// The table as CSV; fields that are unknown are empty.
fn csv(table: &Table) -> Result<Vec<u8>> {
    let internal = |e: csv::Error| Error::Internal(e.to_string());
    let mut writer = csv::Writer::from_writer(vec![]);
    let names = table.columns.iter().map(|(name, _)| name.as_str());
    writer
        .write_record(std::iter::once(table.key).chain(names))
        .map_err(internal)?;
    for (row, id) in table.ids.iter().enumerate() {
        let shown = table.columns.iter().map(|(_, values)| match values.get(row) {
            Some(value) if !value.is_nan() => value.to_string(),
            _ => String::new(),
        });
        writer
            .write_record(std::iter::once(id.clone()).chain(shown))
            .map_err(internal)?;
    }
    writer.into_inner().map_err(|e| Error::Internal(e.to_string()))
}
