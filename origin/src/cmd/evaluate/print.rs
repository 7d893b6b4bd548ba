//! An evaluation as tables for a person.

use super::Report;
use pocketrank_origin::evaluate::{Values, METRICS, SAMPLES};
use std::fmt::Write;

/// The metrics that a person is shown, in the order of [`METRICS`]; JSON has all.
const SHOWN: [&str; 7] = [
    "precision@10",
    "recall@20",
    "hit_rate@20",
    "map@20",
    "mrr@20",
    "ndcg@10",
    "ndcg@20",
];
const NAME: usize = 26;

/// The tables.
pub(super) fn text(report: &Report) -> String {
    let mut text = header("queries", "model");
    let segments = report.models.first().map_or(0, |model| model.evaluation.segments.len());
    for at in 0..segments {
        for model in &report.models {
            let Some(segment) = model.evaluation.segments.get(at).filter(|segment| segment.queries > 0) else {
                continue;
            };
            row(&mut text, &segment.name, model.model, segment.queries, &segment.metrics);
        }
    }
    if let Some(model) = report.models.first() {
        for (bound, name) in ["from", "to"].into_iter().enumerate() {
            let bounds = model
                .interval
                .map(|interval| interval.get(bound).copied().unwrap_or_default());
            row(&mut text, "95% interval", name, report.queries, &bounds);
        }
    }
    text.push('\n');
    text += &header("segment", "model");
    for segment in report.models.first().into_iter().flat_map(|model| &model.segments) {
        row(
            &mut text,
            &segment.name,
            "this snapshot",
            segment.queries,
            &segment.metrics,
        );
    }
    let _ = writeln!(
        text,
        "\n{:<NAME$} {:>11} {:>13} {:>12} {:>12}",
        "first ten places", "coverage", "novelty, bits", "diversity", "gini"
    );
    for model in &report.models {
        let beyond = &model.beyond;
        let diversity = beyond
            .diversity
            .map_or("none".to_owned(), |value| format!("{value:.3}"));
        let _ = writeln!(
            text,
            "{:<NAME$} {:>11.3} {:>13.2} {diversity:>12} {:>12.3}",
            model.model, beyond.coverage, beyond.novelty, beyond.gini
        );
    }
    if let Some(comparison) = &report.against {
        let _ = writeln!(
            text,
            "\n{:<14} {:>10} {:>22} {:>16} {:>8} {:>8} {:>8}",
            "against it", "difference", "95% interval", "p, randomized", "better", "worse", "p, sign"
        );
        for (at, metric) in METRICS.iter().enumerate().filter(|(_, name)| SHOWN.contains(name)) {
            let get = |values: &Values| values.get(at).copied().unwrap_or_default();
            let [low, high] = comparison.interval.get(at).copied().unwrap_or_default();
            let users = |counts: &[usize; METRICS.len()]| counts.get(at).copied().unwrap_or_default();
            let _ = writeln!(
                text,
                "{metric:<14} {:>+10.4} {:>22} {:>16.3} {:>8} {:>8} {:>8.3}",
                get(&comparison.difference),
                format!("{low:+.4} to {high:+.4}"),
                get(&comparison.p),
                users(&comparison.better),
                users(&comparison.worse),
                get(&comparison.sign_p),
            );
        }
    }
    if let Some(model) = report.models.first() {
        let _ = write!(
            text,
            "\n{} of {} queries also ask for items that the snapshot does not have; intervals by {SAMPLES} samples of users",
            model.evaluation.with_new_items, report.queries
        );
    }
    for note in &report.notes {
        let _ = write!(text, "\nnote: {note}");
    }
    text
}

fn header(segment: &str, model: &str) -> String {
    let mut text = format!("{segment:<NAME$} {model:<24} {:>7}", "number");
    SHOWN.iter().for_each(|metric| {
        let _ = write!(text, " {metric:>12}");
    });
    text.push('\n');
    text
}

fn row(text: &mut String, segment: &str, model: &str, queries: usize, values: &Values) {
    let _ = write!(text, "{segment:<NAME$} {model:<24} {queries:>7}");
    let shown = METRICS.iter().zip(values).filter(|(name, _)| SHOWN.contains(name));
    shown.for_each(|(_, value)| {
        let _ = write!(text, " {value:>12.4}");
    });
    text.push('\n');
}
