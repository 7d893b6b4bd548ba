//! `pocketrank rerank`: what a visitor would be shown, and why; the native twin of edge and browser.

use super::data::Output;
use super::list::List;
use super::verify;
use clap::Args;
use pocketrank::{
    edge, item_hash, Candidates, Choice, Consent, Event, EventKind, Mode, Options, Profile, Ranker, Signals, NO_ROW,
    OUT_OF_STOCK,
};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::ingest::time;
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

/// Reranks a candidates list for a visitor who did these things, and explains each place.
#[derive(Debug, Args)]
pub struct Rerank {
    /// The snapshot.
    snapshot: PathBuf,
    /// A candidates list, as `candidates` writes it.
    #[arg(long, value_name = "FILE")]
    candidates: PathBuf,
    /// What the visitor did, oldest first: a GA4 event name and an item's id, such as view_item:85123A. All of it today.
    #[arg(long = "event", value_name = "KIND:ID")]
    events: Vec<String>,
    /// Today, as RFC 3339, a date, or seconds since 1970; else the day of the snapshot's newest event.
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Length of the slate.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = count)]
    count: usize,
    /// From 0 (by score alone) to 1 (unlike one another above all).
    #[arg(long, value_name = "SHARE", default_value_t = edge::DIVERSITY, value_parser = share)]
    diversity: f32,
    /// Leave out what was purchased.
    #[arg(long)]
    exclude_purchased: bool,
    #[command(flatten)]
    print: Output,
}

fn share(text: &str) -> std::result::Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a share from 0 to 1, such as 0.2".into()),
    }
}

fn count(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("give a number from 1".into()),
    }
}

impl Rerank {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let bytes = verify::read(&self.snapshot)?;
        let snapshot = verify::open(&self.snapshot, bytes.as_slice())?;
        let list = List::read(&self.candidates)?;
        let now = match &self.now {
            None => snapshot.meta().trained_until,
            Some(text) => time::parse(text)
                .and_then(|at| u32::try_from(at).ok())
                .ok_or_else(|| Error::Usage(format!("--now {text:?} is no time from 1970 to 2106")))?,
        };
        let profile = self.profile(now)?;
        let mut candidates = Candidates::resolve(&snapshot, list.items.iter().map(|item| &item.id));
        if candidates.rows().iter().all(|row| *row == NO_ROW) {
            return Err(Error::Data(format!(
                "{}: {} has none of its {} items, so nothing can be scored; name a list that `candidates` wrote for this snapshot",
                self.candidates.display(),
                self.snapshot.display(),
                list.items.len()
            )));
        }
        for (flag, item) in candidates.flags_mut().iter_mut().zip(&list.items) {
            *flag = if item.in_stock { 0 } else { OUT_OF_STOCK };
        }
        let mut ranker = Ranker::new(snapshot);
        ranker.set_profile(&profile, now);
        let options = Options {
            count: self.count,
            diversity: self.diversity,
            exclude_purchased: self.exclude_purchased,
            ..Options::default()
        };
        ranker.rerank(&candidates, &options);
        let mut text = String::new();
        let mut slate = vec![];
        for (place, ranked) in (1..).zip(ranker.slate()) {
            let Some(item) = list.items.get(ranked.index as usize) else {
                continue;
            };
            let why = ranker.explain(ranked.row);
            let _ = write!(
                text,
                "{place:>3}  {:<12} {:<40} {:>8.4} =",
                item.id, item.name, ranked.score
            );
            for part in why.parts.iter().filter(|part| part.value != 0.0) {
                let _ = write!(text, " {:+.4} {}", part.value, part.name);
            }
            text.push('\n');
            slate.push(json!({
                "id": item.id, "index": ranked.index, "row": ranked.row, "score": ranked.score, "why": why,
            }));
        }
        self.print.print(
            text,
            &json!({ "snapshot": ranker.snapshot().id().to_string(), "slate": slate }),
        )
    }

    fn profile(&self, now: u32) -> Result<Profile> {
        let choice = Some(Choice {
            mode: Mode::Session,
            capsule: false,
        });
        let consent = Consent::decide(&Signals {
            choice,
            ..Signals::default()
        });
        let grant = consent
            .grant()
            .ok_or_else(|| Error::Internal("a choice without objection was refused".into()))?;
        let mut profile = Profile::default();
        for text in &self.events {
            let (kind, id) = text
                .split_once(':')
                .ok_or_else(|| Error::Usage(format!("--event {text:?}: give KIND:ID, such as view_item:85123A")))?;
            let kind =
                EventKind::from_name(kind).map_err(|error| Error::Usage(format!("--event {text:?}: {error}")))?;
            profile.record(
                &grant,
                Event {
                    item: item_hash(id),
                    at: now,
                    kind,
                },
            );
        }
        Ok(profile)
    }
}
