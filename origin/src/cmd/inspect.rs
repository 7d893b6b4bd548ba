//! `pocketrank inspect`: what is in a snapshot or a delta, and where its bytes go.

use super::data::Output;
use super::{delta, experiments, rules, templates, verify};
use clap::Args;
use pocketrank::{BlendRow, Delta, Section, Snapshot, ONE, PART_NAMES};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::train::free;
use serde::Serialize;
use serde_json::json;
use std::fmt::{self, Write};
use std::path::PathBuf;

/// Shows a snapshot's model, its sections with their bytes, and its blend; of a delta what it makes, and of what.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The snapshot, or a delta.
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
        if bytes.starts_with(&Delta::MAGIC) {
            let about = delta::About::of(&delta::open(&self.snapshot, &bytes)?, &bytes)?;
            return self.print.print(&about, &about);
        }
        let snapshot = verify::open(&self.snapshot, &bytes)?;
        let (meta, blend) = (snapshot.meta(), snapshot.blend());
        let labels = snapshot.labels().map_err(|source| Error::Snapshot {
            path: self.snapshot.clone(),
            source,
        })?;
        let items = free::others(&snapshot);
        let free = snapshot.items() as usize - items.len();
        let per_item = |bytes: usize| bytes as f64 / items.len().max(1) as f64;
        let model: usize = snapshot
            .sections()
            .filter(|(section, _)| MODEL.contains(section))
            .map(|(_, bytes)| bytes)
            .sum();
        let edges = snapshot.neighbours().map_or(0, |neighbours| neighbours.entries());

        let mut text = String::new();
        let _ = writeln!(text, "id              {}", snapshot.id());
        let _ = writeln!(text, "model           {}", meta.model);
        let free_rows = match free {
            0 => String::new(),
            free => format!(" ({free} more rows are free)"),
        };
        let _ = writeln!(text, "items           {}{free_rows}", items.len());
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
        let cold = ColdStart::of(&snapshot, &items);
        let _ = write!(text, "\n\n{cold}");
        let panel = snapshot.experiments().map_err(|source| Error::Snapshot {
            path: self.snapshot.clone(),
            source,
        })?;
        let panel = experiments::About::of(&panel);
        if !panel.is_empty() {
            let _ = write!(text, "\n\n{panel}");
        }
        let shop_rules = snapshot.rules().map_err(|source| Error::Snapshot {
            path: self.snapshot.clone(),
            source,
        })?;
        if !shop_rules.rules.is_empty() {
            let _ = write!(text, "\n\n{}", rules::table(&shop_rules.rules));
        }
        for at in &shop_rules.broken {
            let _ = write!(
                text,
                "\nrule {} of the section cannot be read, and does nothing",
                at + 1
            );
        }
        let shown = snapshot.templates().map_err(|source| Error::Snapshot {
            path: self.snapshot.clone(),
            source,
        })?;
        match &shown {
            Some(shown) => write!(text, "\n\n{}", templates::table(shown)),
            None => write!(text, "\ntemplates       none of its own, slots show those built in"),
        }
        .unwrap_or_default();
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
                "items": items.len(),
                "free_rows": free,
                "meta": meta,
                "sections": sections,
                "model_bytes_per_item": per_item(model),
                "edges": edges,
                "blend": blend,
                "cold_start": cold,
                "labels": labels,
                "experiments": panel,
                "rules": rules::about(&shop_rules.rules),
                "broken_rules": shop_rules.broken,
                "templates": shown.as_ref().map(templates::about),
            }),
        )
    }
}

/// What ranks where nothing is known of the visitor, or of the item.
#[derive(Debug, Serialize)]
struct ColdStart {
    /// The weights that count before a visitor's first event: the same for all of them.
    new_visitors: Vec<(&'static str, f32)>,
    /// The weights that count for cold items, whose popularity is 0 and whose neighbours are by content.
    new_items: Vec<(&'static str, f32)>,
    /// Cold items: too few customers found them.
    items: usize,
    /// Edges that lead to them.
    edges: usize,
    /// Factor on content by a sixteenth of an item's popularity; the last holds for all beyond.
    gate: Vec<f32>,
}

impl ColdStart {
    fn of<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, items: &[u32]) -> Self {
        let prior = snapshot.prior();
        let row = |row: u32| prior.as_ref()?.get(row);
        let mut is_cold = vec![false; snapshot.items() as usize];
        for item in items {
            if let Some(slot) = is_cold.get_mut(*item as usize) {
                *slot = row(*item).is_some_and(|row| row.is_cold());
            }
        }
        let mut edges = 0;
        if let Some(neighbours) = snapshot.neighbours() {
            for source in (0..snapshot.items()).filter_map(|item| neighbours.row(item)) {
                source.for_each(|target, _| edges += usize::from(is_cold.get(target as usize) == Some(&true)));
            }
        }
        let blend = snapshot.blend();
        let weights = |row: &BlendRow, names: &[&str]| {
            let all = PART_NAMES.into_iter().zip(row.weights());
            all.filter(|(name, _)| names.contains(name)).collect()
        };
        ColdStart {
            new_visitors: weights(blend.row(0), &["popularity", "trend", "newness"]),
            new_items: weights(
                blend.row(1),
                &["neighbours", "content", "category", "brand", "price_band"],
            ),
            items: is_cold.iter().filter(|cold| **cold).count(),
            edges,
            gate: blend
                .cold
                .iter()
                .map(|factor| f32::from(*factor) / f32::from(ONE))
                .collect(),
        }
    }
}

impl fmt::Display for ColdStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |weights: &[(&str, f32)]| {
            let each: Vec<String> = weights
                .iter()
                .map(|(name, weight)| format!("{name} {weight:.4}"))
                .collect();
            each.join(", ")
        };
        let gate: Vec<String> = self.gate.iter().map(|factor| format!("{factor:.2}")).collect();
        writeln!(f, "new visitors    by context: {}", list(&self.new_visitors))?;
        writeln!(
            f,
            "new items       by content, {} of them with {} edges to them: {}",
            self.items,
            self.edges,
            list(&self.new_items)
        )?;
        write!(f, "content gate    {} by popularity, from 0", gate.join(" "))
    }
}
