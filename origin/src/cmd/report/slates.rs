//! Examples of slates with what explains them. Invariant: the visitors are made up from the catalogue, never taken from the
//! events, so that a report can be shared.

use pocketrank::{item_hash, Candidates, Event, EventKind, Options, Ranker, Snapshot};
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::evaluate::{replay, row_items};
use std::collections::HashMap;

/// Places of a slate that are shown.
const PLACES: usize = 5;
/// Items of a made-up history.
const HISTORY: usize = 2;

/// One example.
pub struct Example {
    /// Names of what the made-up visitor looked at, the newest first.
    pub looked_at: Vec<String>,
    /// What is shown, best first: a name and why, in words.
    pub slate: Vec<(String, String)>,
}

/// Examples: a new visitor, and visitors who looked at popular items that go with one another.
pub fn examples(dataset: &Dataset, snapshot: Snapshot<&[u8]>, count: usize) -> Vec<Example> {
    if count == 0 {
        return vec![];
    }
    let items = row_items(dataset, &snapshot);
    let named = |row: u32| {
        items
            .get(row as usize)
            .and_then(|item| dataset.items.get(*item as usize))
    };
    let names: HashMap<_, String> = dataset
        .items
        .iter()
        .map(|item| (item_hash(&item.id), item.name.clone()))
        .collect();
    let rows = snapshot.items();
    let now = snapshot.meta().trained_until;
    let mut popular: Vec<u32> = (0..rows).collect();
    let popularity = |row: &u32| {
        snapshot
            .prior()
            .and_then(|prior| prior.get(*row))
            .map_or(0, |row| row.popularity)
    };
    popular.sort_by_key(|row| (u8::MAX - popularity(row), *row));
    // Spread over the popular half, so that examples differ.
    let step = (popular.len() / 2 / count).max(1);
    let mut histories: Vec<Vec<u32>> = vec![vec![]];
    for first in popular.iter().step_by(step).take(count - 1) {
        let mut history = vec![*first];
        let mut best: Option<(u16, u32)> = None;
        if let Some(row) = snapshot.neighbours().and_then(|table| table.row(*first)) {
            row.for_each(|target, level| best = best.max(Some((level, target))));
        }
        history.extend(best.map(|(_, target)| target));
        history.truncate(HISTORY);
        histories.push(history);
    }
    let mut ranker = Ranker::new(snapshot);
    let all = Candidates::from_rows((0..rows).collect());
    let example = |history: Vec<u32>| {
        let events = history.iter().filter_map(|row| named(*row)).map(|item| Event {
            item: item_hash(&item.id),
            at: now,
            kind: EventKind::ViewItem,
        });
        ranker.set_profile(&replay(events), now);
        let options = Options {
            count: PLACES + history.len(),
            ..Options::default()
        };
        let best: Vec<u32> = ranker.rerank(&all, &options).iter().map(|ranked| ranked.row).collect();
        let new = best.into_iter().filter(|row| !history.contains(row)).take(PLACES);
        let slate = new.map(|row| {
            let why = ranker.explain(row);
            let because = why
                .because
                .iter()
                .filter_map(|because| names.get(&because.item))
                .take(2);
            let because: Vec<String> = because.map(|name| format!("“{name}”")).collect();
            let part = why
                .parts
                .iter()
                .filter(|part| part.value > 0.0)
                .max_by(|a, b| a.value.total_cmp(&b.value));
            let words = match (because.as_slice(), part) {
                ([], None) => "nothing speaks for it or against it".to_owned(),
                ([], Some(part)) => format!("mostly its {}", part.name.replace('_', " ")),
                (because, _) => format!("because of {}", because.join(" and ")),
            };
            (named(row).map_or(String::new(), |item| item.name.clone()), words)
        });
        Example {
            slate: slate.collect(),
            looked_at: history
                .iter()
                .rev()
                .filter_map(|row| named(*row))
                .map(|item| item.name.clone())
                .collect(),
        }
    };
    histories.into_iter().map(example).collect()
}
