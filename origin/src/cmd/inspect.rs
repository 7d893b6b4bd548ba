//! `pocketrank inspect`: what is in a snapshot, and where its bytes go.

use super::data::Output;
use super::verify;
use clap::Args;
use pocketrank::{Section, PART_NAMES};
use pocketrank_origin::error::{Error, Result};
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

/// Shows a snapshot's model, its sections with their bytes, and its blend.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The snapshot.
    snapshot: PathBuf,
    #[command(flatten)]
    print: Output,
}

/// Sections that the model needs for ranking; `index` and `attributes` name and describe items.
const MODEL: [Section; 5] = [
    Section::Blend,
    Section::Prior,
    Section::Neighbours,
    Section::Factors,
    Section::Content,
];

impl Inspect {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let bytes = verify::read(&self.snapshot)?;
        let snapshot = verify::open(&self.snapshot, &bytes)?;
        let (meta, blend) = (snapshot.meta(), snapshot.blend());
        let labels = snapshot.labels().map_err(|source| Error::Snapshot {
            path: self.snapshot.clone(),
            source,
        })?;
        let per_item = |bytes: usize| bytes as f64 / f64::from(snapshot.items().max(1));
        let model: usize = snapshot
            .sections()
            .filter(|(section, _)| MODEL.contains(section))
            .map(|(_, bytes)| bytes)
            .sum();
        let edges = snapshot.neighbours().map_or(0, |neighbours| neighbours.entries());

        let mut text = String::new();
        let _ = writeln!(text, "id              {}", snapshot.id());
        let _ = writeln!(text, "model           {}", meta.model);
        let _ = writeln!(text, "items           {}", meta.items);
        let _ = writeln!(
            text,
            "trained until   {} (seconds since 1970-01-01 UTC)",
            meta.trained_until
        );
        let _ = writeln!(text, "min customers   {}", meta.min_customers);
        let _ = writeln!(text, "edges           {edges} ({:.1} an item)", per_item(edges));
        let _ = writeln!(
            text,
            "attributes      {} categories, {} brands, {} price bands\n",
            labels.categories.len(),
            labels.brands.len(),
            labels.price_bands.len()
        );
        let _ = writeln!(text, "{:<12} {:>12} {:>12}", "section", "bytes", "an item");
        for (section, bytes) in snapshot.sections() {
            let _ = writeln!(text, "{:<12} {bytes:>12} {:>12.2}", section.name(), per_item(bytes));
        }
        let _ = writeln!(
            text,
            "{:<12} {model:>12} {:>12.2}  (blend, prior, neighbours, factors, content)",
            "model",
            per_item(model)
        );
        let _ = writeln!(
            text,
            "{:<12} {:>12} {:>12.2}\n",
            "file",
            bytes.len(),
            per_item(bytes.len())
        );
        let _ = write!(text, "{:<12}", "history from");
        PART_NAMES.iter().for_each(|name| {
            let _ = write!(text, " {name:>11}");
        });
        for row in &blend.rows {
            let _ = write!(text, "\n{:<12}", row.min_history);
            row.weights().iter().for_each(|weight| {
                let _ = write!(text, " {weight:>11.4}");
            });
        }
        let sections: Vec<_> = snapshot
            .sections()
            .map(
                |(section, bytes)| json!({ "name": section.name(), "bytes": bytes, "bytes_per_item": per_item(bytes) }),
            )
            .collect();
        self.print.print(
            text,
            &json!({
                "id": snapshot.id().to_string(),
                "bytes": bytes.len(),
                "meta": meta,
                "sections": sections,
                "model_bytes_per_item": per_item(model),
                "edges": edges,
                "blend": blend,
                "labels": labels,
            }),
        )
    }
}
