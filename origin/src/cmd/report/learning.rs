//! What a log of trials tells: the curves of learning, whether they part, and what each family was worth.

use super::super::evaluate::Measured;
use super::distributions::framed;
use super::plot::{self, Axes, Series};
use super::{escaped, figures};
use pocketrank_origin::train::overfit;
use pocketrank_origin::train::trials::{Header, Record};
use pocketrank_origin::train::tune::data_hash;
use std::fmt::Write;

/// What is said of a log of other events.
pub const FOREIGN: &str =
    "The log of trials is of a training on other events than those that this page takes for the model's: what it \
                           says of learning and shapes may not be about this snapshot.";

/// Whether the log is of other events than the model's.
pub fn is_foreign(header: &Header, measured: &Measured) -> bool {
    header.data != data_hash(&measured.dataset, &measured.fit)
}

/// Curves, their warning, and the families.
pub fn html(log: &[Record]) -> String {
    let mut out = "<h2>Learning</h2>".to_owned();
    if log.is_empty() {
        out.push_str("<p class=\"soft\">No log of trials was given: train with <code>--log FILE</code>, and give it to this verb.</p>");
        return out;
    }
    let curve = overfit::curve(log);
    let series = |name: &str, of: fn(&overfit::Point) -> Option<f64>| Series {
        name: name.into(),
        points: curve
            .iter()
            .filter_map(|point| Some((point.trial as f64, of(point)?)))
            .collect(),
    };
    let axes = Axes {
        title: "NDCG@20 of the trials that were better than all before",
        x: "number of the trial",
        y: "NDCG@20",
    };
    let choosing = [
        series("queries that choose", |point| Some(point.validation)),
        series("queries that check", |point| Some(point.check)),
    ];
    let fitted = series("what was fitted on", |point| point.training);
    let _ = write!(
        out,
        "<p>{} trials. What checks was never used to choose.</p>",
        log.len()
    );
    if let Some(warning) = overfit::warning(&curve) {
        let _ = write!(out, "<p class=\"warning\">{}</p>", escaped(&warning));
    }
    if !curve.is_empty() {
        out += &framed(
            &plot::lines(&axes, &choosing),
            "Validation: trials that were better than all before",
        );
        if !fitted.points.is_empty() {
            out += &framed(
                &plot::lines(&axes, &[fitted]),
                "Training: the same trials on what was fitted on",
            );
        }
        out += &figures::learning(&curve).html();
    }
    let families: Vec<(String, f64)> = log
        .iter()
        .filter_map(|record| Some((record.phase.strip_prefix("families: ")?.to_owned(), record.validation?)))
        .collect();
    if !families.is_empty() {
        let plot = plot::bars("Families of models", &families);
        out += &framed(
            &plot,
            "Families of models: NDCG@20 of each with its starting values, on validation",
        );
    }
    out
}
