//! The page and its short form in Markdown.

use super::super::evaluate::Measured;
use super::escaped;
use super::plot::{self, Axes, Series};
use super::slates::{self, Example};
use pocketrank::Snapshot;
use pocketrank_origin::dataset::Order;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::evaluate::METRICS;
use pocketrank_origin::ingest::time;
use pocketrank_origin::train::overfit;
use pocketrank_origin::train::trials::{Header, Record};
use pocketrank_origin::train::tune::data_hash;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// The metrics that are shown.
const SHOWN: [&str; 5] = ["ndcg@10", "ndcg@20", "recall@20", "mrr@20", "hit_rate@20"];

fn open(bytes: &[u8]) -> Result<Snapshot<&[u8]>> {
    Snapshot::open(bytes).map_err(|source| Error::Snapshot {
        path: Path::new("reported snapshot").into(),
        source,
    })
}

/// The page.
pub fn html(measured: &Measured, log: Option<&(Header, Vec<Record>)>, slates: usize) -> Result<String> {
    let (header, log) = log.map_or((None, [].as_slice()), |(header, log)| (Some(header), log.as_slice()));
    let snapshot = open(&measured.bytes)?;
    let title = measured.dataset.title.clone().unwrap_or_else(|| "Pocketrank".into());
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}: report</title><style>{1}</style></head><body><main><h1>{0}: what its snapshot is worth</h1>",
        escaped(&title),
        include_str!("page.css")
    );
    about(&mut page, measured, &snapshot);
    models(&mut page, measured);
    pareto(&mut page, measured, log);
    segments(&mut page, measured);
    if header.is_some_and(|header| header.data != data_hash(&measured.dataset, &measured.fit)) {
        page.push_str("<p class=\"warning\">The log of trials is of a training on other events than those that this page takes for the model's: \
                       what it says of learning and shapes may not be about this snapshot.</p>");
    }
    learning(&mut page, log);
    data(&mut page, measured);
    examples(&mut page, &slates::examples(&measured.dataset, snapshot, slates));
    page.push_str("</main></body></html>\n");
    Ok(page)
}

fn about(page: &mut String, measured: &Measured, snapshot: &Snapshot<&[u8]>) {
    let meta = snapshot.meta();
    let _ = write!(
        page,
        "<p>Snapshot <code>{}</code>: {} items, {} bytes, trained on events until {}, at least {} customers behind all that ships.</p>\
         <p>Model: {}.</p><div class=\"wide\"><table><caption>Bytes by section</caption><tr><th>section</th><th>bytes</th><th>an item</th></tr>",
        measured.report.snapshot,
        meta.items,
        measured.bytes.len(),
        time::rfc3339(i64::from(meta.trained_until)),
        meta.min_customers,
        escaped(&meta.model)
    );
    for (section, bytes) in snapshot.sections() {
        let each = bytes as f64 / f64::from(meta.items.max(1));
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{bytes}</td><td>{each:.2}</td></tr>",
            section.name()
        );
    }
    page.push_str("</table></div>");
}

/// Rows of the model table: name, and metrics as text.
fn model_rows(measured: &Measured) -> Vec<(String, Vec<String>)> {
    let report = &measured.report;
    let value = |values: &[f64; METRICS.len()], name: &str| {
        let at = METRICS.iter().position(|metric| *metric == name);
        at.and_then(|at| values.get(at)).copied().unwrap_or_default()
    };
    let row = |model: &super::super::evaluate::Model| {
        let all = model.evaluation.segments.first();
        let cell = |name: &&str| {
            let bound = |end: usize| {
                let bounds = model.interval.map(|both| both.get(end).copied().unwrap_or_default());
                value(&bounds, name)
            };
            let mean = all.map_or(0.0, |all| value(&all.metrics, name));
            format!("{mean:.4} ({:.4} to {:.4})", bound(0), bound(1))
        };
        (model.model.to_owned(), SHOWN.iter().map(cell).collect())
    };
    report.models.iter().map(row).collect()
}

fn models(page: &mut String, measured: &Measured) {
    let _ = write!(
        page,
        "<h2>Quality beside the baselines</h2><p>{} questions, all items ranked over the packed bytes by the runtime; 95% intervals by bootstrap over users.</p>\
         <div class=\"wide\"><table><tr><th>model</th>",
        measured.report.queries
    );
    SHOWN.iter().for_each(|name| _ = write!(page, "<th>{name}</th>"));
    page.push_str("</tr>");
    for (name, cells) in model_rows(measured) {
        let _ = write!(page, "<tr><td>{}</td>", escaped(&name));
        cells.iter().for_each(|cell| _ = write!(page, "<td>{cell}</td>"));
        page.push_str("</tr>");
    }
    page.push_str("</table></div><div class=\"wide\"><table><caption>The first ten places</caption><tr><th>model</th><th>coverage</th><th>novelty, bits</th><th>diversity</th><th>Gini</th></tr>");
    for model in &measured.report.models {
        let beyond = &model.beyond;
        let diversity = beyond.diversity.map_or("".into(), |value| format!("{value:.3}"));
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{:.3}</td><td>{:.2}</td><td>{diversity}</td><td>{:.3}</td></tr>",
            escaped(model.model),
            beyond.coverage,
            beyond.novelty,
            beyond.gini
        );
    }
    page.push_str("</table></div>");
}

/// Quality against bytes: what was measured here, and the shapes that training tried.
fn pareto(page: &mut String, measured: &Measured, log: &[Record]) {
    let point =
        |model: &super::super::evaluate::Model| (model.bytes_per_item, model.evaluation.ndcg(), model.model.to_owned());
    let points: Vec<(f64, f64, String)> = measured.report.models.iter().map(point).collect();
    let axes = Axes {
        title: "NDCG@20 against bytes an item",
        x: "bytes an item of the model's own sections",
        y: "NDCG@20",
    };
    let _ = write!(
        page,
        "<h2>Quality and bytes</h2><figure>{}</figure>",
        plot::scatter(&axes, &points)
    );
    let shapes: Vec<&Record> = log.iter().filter(|record| record.phase.starts_with("shape")).collect();
    if !shapes.is_empty() {
        page.push_str("<div class=\"wide\"><table><caption>Shapes that training tried, each within the bytes allowed</caption><tr><th>bits of a weight</th><th>neighbours an item</th><th>rows</th><th>NDCG@20, validation</th></tr>");
        for record in shapes {
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                record.values.get("code_bits"),
                record.values.get("entries"),
                if record.values.get("even") == 1.0 {
                    "even"
                } else {
                    "by need"
                },
                record.validation.map_or("".into(), |worth| format!("{worth:.4}"))
            );
        }
        page.push_str("</table></div>");
    }
}

fn segments(page: &mut String, measured: &Measured) {
    let Some(model) = measured.report.models.first() else {
        return;
    };
    page.push_str("<h2>Segments</h2><div class=\"wide\"><table><tr><th>segment</th><th>questions</th>");
    SHOWN.iter().for_each(|name| _ = write!(page, "<th>{name}</th>"));
    page.push_str("</tr>");
    for segment in model
        .evaluation
        .segments
        .iter()
        .chain(&model.segments)
        .filter(|segment| segment.queries > 0)
    {
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td>",
            escaped(&segment.name),
            segment.queries
        );
        for name in SHOWN {
            let at = METRICS.iter().position(|metric| *metric == name).unwrap_or_default();
            let _ = write!(
                page,
                "<td>{:.4}</td>",
                segment.metrics.get(at).copied().unwrap_or_default()
            );
        }
        page.push_str("</tr>");
    }
    page.push_str("</table></div>");
}

fn learning(page: &mut String, log: &[Record]) {
    page.push_str("<h2>Learning</h2>");
    if log.is_empty() {
        page.push_str("<p class=\"soft\">No log of trials was given: train with <code>--log FILE</code>, and give it to this verb.</p>");
        return;
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
        x: "trial",
        y: "NDCG@20",
    };
    let choosing = [
        series("queries that choose", |point| Some(point.validation)),
        series("queries that check", |point| Some(point.check)),
    ];
    let fitted = series("what was fitted on", |point| point.training);
    let _ = write!(
        page,
        "<p>{} trials. What checks was never used to choose.</p><figure>{}<figcaption>Validation</figcaption></figure><figure>{}<figcaption>Training</figcaption></figure>",
        log.len(),
        plot::lines(&axes, &choosing),
        plot::lines(&axes, &[fitted])
    );
    if let Some(warning) = overfit::warning(&curve) {
        let _ = write!(page, "<p class=\"warning\">{}</p>", escaped(&warning));
    }
    let families: Vec<(String, f64)> = log
        .iter()
        .filter_map(|record| Some((record.phase.strip_prefix("families: ")?.to_owned(), record.validation?)))
        .collect();
    let _ = write!(
        page,
        "<figure>{}<figcaption>NDCG@20 of each family with its starting values</figcaption></figure>",
        plot::bars("Families of models", &families)
    );
}

fn data(page: &mut String, measured: &Measured) {
    let _ = write!(
        page,
        "<h2>Data</h2><div class=\"wide\"><pre>{}</pre></div>",
        escaped(&measured.report.account.to_string())
    );
    let (mut items, mut users): (BTreeMap<u32, u32>, BTreeMap<u32, u32>) = (BTreeMap::new(), BTreeMap::new());
    let mut days: BTreeMap<i64, f64> = BTreeMap::new();
    for event in &measured.fit {
        *items.entry(event.item).or_default() += 1;
        *users.entry(event.user).or_default() += 1;
        *days.entry(event.at.div_euclid(86_400)).or_default() += 1.0;
    }
    let axes = |title, x, y| Axes { title, x, y };
    let popularity = axes("Events an item", "events an item", "items");
    let length = axes(
        "Events a customer or session",
        "events a customer or session",
        "customers",
    );
    let _ = write!(
        page,
        "<figure>{}</figure><figure>{}</figure>",
        plot::histogram(&popularity, &doubling(items.values())),
        plot::histogram(&length, &doubling(users.values()))
    );
    if measured.dataset.order == Order::Time && days.len() > 1 {
        let label = |day: i64| time::rfc3339(day * 86_400).chars().take(10).collect::<String>();
        let by_day: Vec<(String, f64)> = days.iter().map(|(day, count)| (label(*day), *count)).collect();
        let by_day: Vec<(String, f64)> = by_day
            .chunks(by_day.len().div_ceil(120).max(1))
            .map(|days| {
                (
                    days.first().map_or(String::new(), |(day, _)| day.clone()),
                    days.iter().map(|(_, n)| n).sum(),
                )
            })
            .collect();
        let over_time = axes("Events over time", "from day", "events");
        let _ = write!(page, "<figure>{}</figure>", plot::histogram(&over_time, &by_day));
    }
}

/// Counts in ranges that double: 1, 2 to 3, 4 to 7, ...
fn doubling<'a>(values: impl Iterator<Item = &'a u32>) -> Vec<(String, f64)> {
    let mut counts: Vec<f64> = vec![];
    for value in values.filter(|value| **value > 0) {
        let at = value.ilog2() as usize;
        counts.resize(counts.len().max(at + 1), 0.0);
        if let Some(count) = counts.get_mut(at) {
            *count += 1.0;
        }
    }
    let label = |at: usize| match at {
        0 => "1".to_owned(),
        at => format!("{}–{}", 1u64 << at, (2u64 << at) - 1),
    };
    counts
        .into_iter()
        .enumerate()
        .map(|(at, count)| (label(at), count))
        .collect()
}

fn examples(page: &mut String, examples: &[Example]) {
    page.push_str("<h2>Example slates</h2><p>The visitors are made up from the catalogue; no customer's history is shown.</p><div class=\"slates\">");
    for example in examples {
        let who = match example.looked_at.as_slice() {
            [] => "A new visitor".to_owned(),
            names => format!("Looked at {}", names.join(", ")),
        };
        let _ = write!(page, "<section><h3>{}</h3><ol>", escaped(&who));
        for (name, why) in &example.slate {
            let _ = write!(
                page,
                "<li>{} <span class=\"soft\">{}</span></li>",
                escaped(name),
                escaped(why)
            );
        }
        page.push_str("</ol></section>");
    }
    page.push_str("</div>");
}

/// The tables, for a pull request.
pub fn markdown(measured: &Measured) -> Result<String> {
    let snapshot = open(&measured.bytes)?;
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let mut out = format!(
        "Snapshot `{}`: {} items, {} bytes. Model: {}.\n\n| model |",
        measured.report.snapshot,
        snapshot.items(),
        measured.bytes.len(),
        cell(&snapshot.meta().model)
    );
    SHOWN.iter().for_each(|name| _ = write!(out, " {name} |"));
    out.push_str("\n|---|");
    SHOWN.iter().for_each(|_| out.push_str("---|"));
    for (name, cells) in model_rows(measured) {
        let _ = write!(out, "\n| {} | {} |", cell(&name), cells.join(" | "));
    }
    out.push_str("\n\n| section | bytes |\n|---|---|\n");
    for (section, bytes) in snapshot.sections() {
        let _ = writeln!(out, "| {} | {bytes} |", section.name());
    }
    Ok(out)
}
