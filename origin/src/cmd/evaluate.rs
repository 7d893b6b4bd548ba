//! `pocketrank evaluate`: the quality of a snapshot beside baselines.

use super::data::{Data, Output};
use super::verify;
use clap::Args;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::evaluate::{baselines, queries, rank, row_items, Baseline, Evaluation, METRICS};
use pocketrank_origin::ingest::{self, Inputs};
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

/// Measures a snapshot on the events after its newest one, beside popularity and cosine item-kNN.
///
/// Every model is packed and ranked by the runtime, all items, over the packed bytes. Train with --until to keep events for it.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The snapshot.
    snapshot: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Evaluate at most this many queries, every n-th of them.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    queries: usize,
    #[command(flatten)]
    print: Output,
}

impl Evaluate {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let progress = self.print.progress();
        let bytes = verify::read(&self.snapshot)?;
        let snapshot = verify::open(&self.snapshot, bytes.as_slice())?;
        let from = i64::from(snapshot.meta().trained_until) + 1;
        let inputs = Inputs {
            cut: Some(from),
            ..self.data.inputs()?
        };
        let dataset = ingest::load(&inputs, &progress)?;
        let queries = queries(&dataset, from, i64::MAX, self.queries);
        if queries.is_empty() {
            return Err(Error::Data(format!(
                "{}: no events after the snapshot's newest one ({}); train it with --until an earlier time",
                self.snapshot.display(),
                from - 1
            )));
        }
        let mut stage = progress.stage("ranking", 4);
        let mut models = vec![(
            "this snapshot",
            rank(&bytes, &row_items(&dataset, &snapshot), &queries)?,
        )];
        stage.add(1);
        let events = &dataset
            .events
            .get(..dataset.events.partition_point(|event| event.at < from))
            .unwrap_or_default();
        for Baseline { name, bytes, items } in baselines(&dataset, events, u32::from(snapshot.meta().min_customers))? {
            models.push((name, rank(&bytes, &items, &queries)?));
            stage.add(1);
        }
        drop(stage);
        let rows: Vec<_> = models
            .iter()
            .map(|(name, evaluation)| json!({ "model": name, "evaluation": evaluation }))
            .collect();
        self.print.print(
            table(&models),
            &json!({ "snapshot": snapshot.id().to_string(), "metrics": METRICS, "models": rows, "account": dataset.account }),
        )
    }
}

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

/// A table with a line per segment and model.
fn table(models: &[(&str, Evaluation)]) -> String {
    let mut text = format!("{:<15} {:<24} {:>7}", "queries", "model", "number");
    SHOWN.iter().for_each(|metric| {
        let _ = write!(text, " {metric:>12}");
    });
    text.push_str("  coverage@10\n");
    let segments = models.first().map_or(0, |(_, evaluation)| evaluation.segments.len());
    for at in 0..segments {
        for (name, evaluation) in models {
            let Some(segment) = evaluation.segments.get(at) else {
                continue;
            };
            let _ = write!(text, "{:<15} {name:<24} {:>7}", segment.name, segment.queries);
            let shown = METRICS
                .iter()
                .zip(segment.metrics)
                .filter(|(name, _)| SHOWN.contains(name));
            shown.for_each(|(_, value)| {
                let _ = write!(text, " {value:>12.4}");
            });
            match at {
                0 => _ = writeln!(text, " {:>12.3}", evaluation.coverage),
                _ => text.push('\n'),
            }
        }
    }
    if let Some((_, evaluation)) = models.first() {
        let _ = write!(
            text,
            "{} queries also ask for items that are new since",
            evaluation.with_new_items
        );
    }
    text
}
