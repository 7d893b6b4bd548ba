//! What was measured, as tables for the page and for a pull request.

use super::super::evaluate::{Measured, Model};
use super::table::Table;
use pocketrank::Snapshot;
use pocketrank_origin::dataset::Order;
use pocketrank_origin::evaluate::{Segment, METRICS};
use pocketrank_origin::ingest::account::grouped;
use pocketrank_origin::ingest::time;
use pocketrank_origin::train::overfit::Point;

/// The metrics that are shown.
const SHOWN: [&str; 5] = ["ndcg@10", "ndcg@20", "recall@20", "mrr@20", "hit_rate@20"];
const NDCG: &str = "ndcg@20";

/// The value of a metric among those of all.
fn of<T: Copy + Default>(values: &[T; METRICS.len()], name: &str) -> T {
    let at = METRICS.iter().position(|metric| *metric == name);
    at.and_then(|at| values.get(at)).copied().unwrap_or_default()
}

/// A head of these names and then the shown metrics.
fn with_metrics<'n>(names: &[&'n str]) -> Vec<&'n str> {
    names.iter().copied().chain(SHOWN).collect()
}

/// The snapshot's size, age and least number of customers, in words. The age is told where the data have times.
pub fn about(measured: &Measured, snapshot: &Snapshot<&[u8]>) -> String {
    let meta = snapshot.meta();
    let until = match measured.dataset.order {
        Order::Time => format!(
            "trained on events until {}, ",
            time::rfc3339(i64::from(meta.trained_until))
        ),
        Order::Sequence | Order::Lists => String::new(),
    };
    format!(
        "{} items, {} bytes, {until}at least {} customers behind all that ships",
        grouped(u64::from(meta.items)),
        grouped(measured.bytes.len() as u64),
        meta.min_customers
    )
}

/// Quality of every model with 95% intervals, and what it weighs.
pub fn models(measured: &Measured) -> Table {
    let head = with_metrics(&["model", "bytes an item"]);
    let mut table = Table::new("Quality beside the baselines, with 95% intervals", &head);
    for model in &measured.report.models {
        let all = model.evaluation.segments.first();
        let cell = |name: &&str| {
            let [low, high] = of(&model.interval, name);
            let mean = all.map_or(0.0, |all| of(&all.metrics, name));
            // On the page the interval stands below its mean.
            format!("{mean:.4}\n({low:.4}–{high:.4})")
        };
        let bytes = format!("{:.1}", model.bytes_per_item);
        table.row(
            [model.model.to_owned(), bytes]
                .into_iter()
                .chain(SHOWN.iter().map(cell)),
        );
    }
    table
}

/// What the lists are like beyond being right.
pub fn beyond(measured: &Measured) -> Table {
    let head = ["model", "coverage", "novelty, bits", "diversity", "Gini"];
    let mut table = Table::new("The first ten places", &head);
    for model in &measured.report.models {
        let beyond = &model.beyond;
        table.row([
            model.model.to_owned(),
            format!("{:.3}", beyond.coverage),
            format!("{:.2}", beyond.novelty),
            beyond.diversity.map_or_else(String::new, |value| format!("{value:.3}")),
            format!("{:.3}", beyond.gini),
        ]);
    }
    table
}

/// Differences to the other snapshot, where there is one.
pub fn against(measured: &Measured) -> Option<Table> {
    let comparison = measured.report.against.as_ref()?;
    let head = [
        "metric",
        "difference",
        "95% interval",
        "p, randomized",
        "users better",
        "users worse",
        "p, sign",
    ];
    let mut table = Table::new("Against the other snapshot, on the same questions", &head);
    for name in SHOWN {
        let [low, high] = of(&comparison.interval, name);
        table.row([
            name.to_owned(),
            format!("{:+.4}", of(&comparison.difference, name)),
            format!("{low:+.4} to {high:+.4}"),
            chance(of(&comparison.p, name)),
            grouped(of(&comparison.better, name) as u64),
            grouped(of(&comparison.worse, name) as u64),
            chance(of(&comparison.sign_p, name)),
        ]);
    }
    Some(table)
}

fn chance(p: f64) -> String {
    if p < 0.001 {
        "below 0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

fn all_segments(model: &Model) -> impl Iterator<Item = &Segment> {
    let all = model.evaluation.segments.iter().chain(&model.segments);
    all.filter(|segment| segment.queries > 0)
}

/// This snapshot by segment.
pub fn segments(measured: &Measured) -> Table {
    let head = with_metrics(&["segment", "questions"]);
    let mut table = Table::new("This snapshot by segment", &head);
    for segment in measured.report.models.iter().take(1).flat_map(all_segments) {
        let metrics = SHOWN.iter().map(|name| format!("{:.4}", of(&segment.metrics, name)));
        table.row(
            [segment.name.clone(), grouped(segment.queries as u64)]
                .into_iter()
                .chain(metrics),
        );
    }
    table
}

/// Every model by segment.
pub fn segments_of_all(measured: &Measured) -> Table {
    let models = &measured.report.models;
    let names = models.iter().map(|model| model.model);
    let head: Vec<&str> = ["segment", "questions"].into_iter().chain(names).collect();
    let mut table = Table::new("NDCG@20 by segment", &head);
    for segment in models.iter().take(1).flat_map(all_segments) {
        let worth = |model: &Model| {
            let found = all_segments(model).find(|other| other.name == segment.name);
            found.map_or_else(String::new, |found| format!("{:.4}", of(&found.metrics, NDCG)))
        };
        table.row(
            [segment.name.clone(), grouped(segment.queries as u64)]
                .into_iter()
                .chain(models.iter().map(worth)),
        );
    }
    table
}

/// How the trials went that were better than all before: the first, the one that checks best, and the last.
pub fn learning(curve: &[Point]) -> Table {
    let head = ["which", "trial", "phase", "validation", "check", "training"];
    let mut table = Table::new("NDCG@20 while training", &head).words(&[2]);
    let highest = curve
        .iter()
        .reduce(|top, point| if point.check > top.check { point } else { top });
    let points = [
        ("first", curve.first()),
        ("best by the check", highest),
        ("best by validation", curve.last()),
    ];
    for (name, point) in points.into_iter().filter_map(|(name, point)| Some((name, point?))) {
        table.row([
            name.to_owned(),
            point.trial.to_string(),
            point.phase.clone(),
            format!("{:.4}", point.validation),
            format!("{:.4}", point.check),
            point.training.map_or_else(String::new, |worth| format!("{worth:.4}")),
        ]);
    }
    table
}

/// What the snapshot's bytes hold.
pub fn sections(snapshot: &Snapshot<&[u8]>) -> Table {
    let items = f64::from(snapshot.meta().items.max(1));
    let mut table = Table::new("Bytes by section", &["section", "bytes", "an item"]);
    for (section, bytes) in snapshot.sections() {
        table.row([
            section.name().to_owned(),
            grouped(bytes as u64),
            format!("{:.2}", bytes as f64 / items),
        ]);
    }
    table
}

/// What the questions lack; the account tells what the data do.
pub fn notes(measured: &Measured) -> Vec<String> {
    let told = measured.report.account.losses();
    let notes = measured.report.notes.iter();
    notes.filter(|note| !told.contains(note)).cloned().collect()
}
