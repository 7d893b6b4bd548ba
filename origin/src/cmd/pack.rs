//! `pocketrank pack`: what training chose, in other bytes.

use super::beside;
use super::data::{Data, Output};
use super::panel::Panel;
use super::part::{differ, names_a_file, positive, tells, Part};
use super::report::plot::{alone, scatter, Axes, Cloud, Place, COLOURS};
use clap::Args;
use pocketrank::template::Templates;
use pocketrank::Snapshot;
use pocketrank_origin::control::Control;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::ingest;
use pocketrank_origin::train::model::Limit;
use pocketrank_origin::train::pack::{self, Measured, Shapes, Wanted, Worth};
use pocketrank_origin::train::Chosen;
use pocketrank_origin::{output, parallel, templates};
use serde_json::{json, Value};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A share of the neighbours that is worth a warning where it is pruned unmeasured.
const MUCH: f64 = 0.02;

/// Makes the model of a recipe that `train --recipe` wrote again, in as many bytes as a limit allows.
///
/// Searches neighbours, bits of a weight, vectors' lengths and ways of pruning; measures NDCG@20 of each on packed bytes, fitted on
/// the events before validation; prints those that no other beats, and packs the best that fits, fitted on all events. What loses
/// more of the float model's NDCG@20 than --max-loss is refused. The float model has the same parameters, weights of 32 bits and the
/// number of neighbours that ranks best, whatever it takes.
#[derive(Debug, Args)]
pub struct Pack {
    /// The recipe.
    recipe: PathBuf,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    most: Most,
    /// Where to write the snapshot.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Put the templates of this folder into the snapshot (docs/TEMPLATES.md); `pocketrank templates` checks them.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Refuse what loses more than this share of the float model's NDCG@20 on validation.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.5, value_parser = percent)]
    max_loss: f64,
    /// Pack it whatever it loses.
    #[arg(long)]
    force: bool,
    /// A plot of all shapes that were measured.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Work on at most so many threads; the snapshot does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    #[command(flatten)]
    panel: Panel,
    #[command(flatten)]
    print: Output,
}

/// The limit.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Most {
    /// The most bytes of the whole snapshot, in thousands.
    #[arg(long, value_name = "N", value_parser = positive)]
    max_kb: Option<f64>,
    /// The most bytes an item of the model's own sections: neighbours, factors, content, prior and blend.
    #[arg(long, value_name = "N", value_parser = positive)]
    max_bytes_per_item: Option<f64>,
    /// No limit: the fewest bytes an item that lose no more than --max-loss.
    #[arg(long, conflicts_with = "force")]
    smallest: bool,
}

impl Most {
    /// The limit of what is packed before the templates are put into it.
    fn limit(&self, templates: Option<&Templates>, output: &Path) -> Result<Option<Limit>> {
        let failed = |source| Error::Snapshot {
            path: output.into(),
            source,
        };
        let own = templates.map(Templates::to_bytes).transpose().map_err(failed)?;
        // An entry of the section table, and the bytes up to the next multiple of 8 before it and before each that it moves.
        let own = own.map_or(0, |bytes| bytes.len() + 12 + 14);
        let file = |kilobytes| Limit::File(((kilobytes * 1000.0) as usize).saturating_sub(own));
        Ok(self
            .max_kb
            .map(file)
            .or(self.max_bytes_per_item.map(Limit::BytesPerItem)))
    }
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("a number from 0 to 100 is needed".into()),
    }
}

impl Pack {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let started = Instant::now();
        let progress = self.print.progress();
        names_a_file("-o", &self.output)?;
        differ([
            ("RECIPE", Some(&self.recipe)),
            ("-o", Some(&self.output)),
            ("--svg", self.svg.as_ref()),
        ])?;
        let compiled = self.panel.compile(self.print)?;
        let templates = self.templates.as_deref().map(templates::read).transpose()?;
        let chosen = Chosen::read(&self.recipe)?;
        let config = self.data.config()?.train;
        let inputs = self.part.inputs(&self.data, chosen.min_customers)?;
        let control = Control::interruptible(progress)?;
        parallel::limit(self.threads);
        let dataset = ingest::load(&inputs, &progress)?;
        let rest = self.part.rest(&dataset, chosen.protocol, &config);
        let events = rest.as_deref().unwrap_or(&dataset.events);
        let limit = self.most.limit(templates.as_ref(), &self.output)?;
        let wanted = Wanted {
            limit,
            max_loss: self.max_loss / 100.0,
            force: self.force,
        };
        let shapes = pack::measure(&dataset, events, &chosen, &wanted, &control)?;
        let best = match shapes.choose(&wanted) {
            Ok(best) => best,
            Err(error) => {
                self.print.tell(table(&shapes, None))?;
                return Err(error);
            }
        };
        let mut packed = pack::fit(&dataset, events, &chosen, &best.shape, wanted.limit, &control)?;
        packed.bytes = compiled.attach(packed.bytes, &self.output)?;
        let invalid = |source| Error::Snapshot {
            path: self.output.clone(),
            source,
        };
        packed.bytes = templates::put(packed.bytes, templates.as_ref(), &self.output)?;
        let snapshot = Snapshot::open(packed.bytes.as_slice()).map_err(invalid)?;
        if let Some(path) = &self.svg {
            output::write(path, svg(&shapes, best).as_bytes())?;
        }
        beside::write(&self.output, &packed.bytes, &tells(&snapshot, events))?;
        let bytes_per_item = packed.size.per_item(packed.size.own);
        let warning = (packed.pruned > MUCH).then(|| {
            format!(
                "all events make a larger model than those before validation: {:.1}% of its neighbours were pruned to fit, and what that \
                 loses is not in the table",
                100.0 * packed.pruned
            )
        });
        let front = shapes.front();
        let measured: Vec<Value> = shapes
            .measured
            .iter()
            .zip(front)
            .map(|(shape, front)| row(&shapes, shape, front))
            .collect::<Result<_>>()?;
        self.print.print(
            format_args!(
                "{}\n{}\n{}model: {}\n{}: {} items, {} bytes, of them the model {bytes_per_item:.1} an item with {:.1} neighbours, id {}, in {:.1} s",
                dataset.account,
                table(&shapes, Some(best)),
                warning.as_ref().map_or_else(String::new, |warning| format!("warning: {warning}\n")),
                packed.recipe,
                self.output.display(),
                snapshot.items(),
                packed.bytes.len(),
                packed.entries,
                snapshot.id(),
                started.elapsed().as_secs_f64(),
            ),
            &json!({
                "id": snapshot.id().to_string(),
                "items": snapshot.items(),
                "bytes": packed.bytes.len(),
                "bytes_per_item": bytes_per_item,
                "float_bytes_per_item": packed.float_bytes_per_item,
                "neighbours": packed.entries,
                "model": packed.recipe.to_string(),
                "recipe": packed.recipe,
                "validation": { "queries": shapes.queries.0, "check_queries": shapes.queries.1 },
                "float": shapes.float().map(|float| json!({ "shape": float.shape, "bytes_per_item": float.float_bytes_per_item, "worth": float.float })),
                "chosen": row(&shapes, best, true)?,
                "shapes": measured,
                "warnings": Vec::from_iter(&warning),
                "seconds": started.elapsed().as_secs_f64(),
                "account": dataset.account,
            }),
        )
    }
}

/// A shape for machines.
fn row(shapes: &Shapes, shape: &Measured, front: bool) -> Result<Value> {
    let mut value = serde_json::to_value(shape).map_err(|e| Error::Internal(e.to_string()))?;
    if let Value::Object(fields) = &mut value {
        fields.insert("share".into(), shapes.share(shape).into());
        fields.insert("check_share".into(), shapes.check_share(shape).into());
        fields.insert("front".into(), front.into());
    }
    Ok(value)
}

/// The shapes that no other beats, the smallest first, and the float model.
fn table(shapes: &Shapes, best: Option<&Measured>) -> String {
    let (queries, checks) = shapes.queries;
    let mut text = format!(
        "{} shapes measured, those that none beats; NDCG@20 over {queries} queries, and over {checks} others that chose nothing\n\
         bytes/item       kB  neighbours  bits  pruning  content  factors  NDCG@20  of float  others  of float\n",
        shapes.measured.len()
    );
    let mut line = |Measured { shape, .. }: &Measured,
                    (each, all): (f64, &str),
                    bits: u8,
                    worth: &Worth,
                    shares: [f64; 2],
                    note: &str| {
        let [share, check] = shares.map(|share| 100.0 * share);
        let written = format!(
            "{each:>10.1} {all:>8}  {:>10}  {bits:>4}  {:>7}  {:>7}  {:>7}  {:>7.4} {share:>8.2}%  {:>6.4} {check:>8.2}%  {note}",
            shape.entries,
            shape.pruning(),
            shape.content,
            shape.factors,
            worth.ndcg,
            worth.check,
        );
        _ = writeln!(text, "{}", written.trim_end());
    };
    for (shape, _) in shapes.measured.iter().zip(shapes.front()).filter(|(_, front)| *front) {
        let kilobytes = format!("{:.1}", shape.bytes as f64 / 1000.0);
        let shares = [shapes.share(shape), shapes.check_share(shape)];
        let note = if best == Some(shape) { "<- packed" } else { "" };
        let bytes = (shape.bytes_per_item, kilobytes.as_str());
        line(shape, bytes, shape.shape.code_bits, &shape.worth, shares, note);
    }
    if let Some(float) = shapes.float() {
        let bytes = (float.float_bytes_per_item, "-");
        line(float, bytes, 32, &float.float, [1.0; 2], "the float model");
    }
    text
}

/// All shapes with their front.
fn svg(shapes: &Shapes, best: &Measured) -> String {
    let place = |shape: &Measured| {
        let (x, y) = (shape.bytes_per_item, shape.worth.ndcg);
        Place {
            x,
            y,
            label: if shape == best { "packed".into() } else { String::new() },
            title: format!(
                "{}: {x:.1} bytes an item, NDCG@20 {y:.4}, {:.2}% of the float model's",
                shape.shape,
                100.0 * shapes.share(shape)
            ),
        }
    };
    let packed = Cloud {
        name: "packed shapes; filled: none is better in as few bytes".into(),
        colour: COLOURS[0],
        places: shapes.measured.iter().map(place).collect(),
    };
    let float = |float: &Measured| {
        let (x, y) = (float.float_bytes_per_item, float.float.ndcg);
        Place {
            x,
            y,
            label: String::new(),
            title: format!("the float model: {x:.1} bytes an item, NDCG@20 {y:.4}"),
        }
    };
    let float = Cloud {
        name: "the float model".into(),
        colour: COLOURS[1],
        places: shapes.float().map(float).into_iter().collect(),
    };
    let axes = Axes {
        title: "NDCG@20 on validation against bytes an item",
        x: "bytes an item of the model's own sections, logarithmic",
        y: "NDCG@20",
    };
    alone(&scatter(&axes, &[packed, float]))
}
