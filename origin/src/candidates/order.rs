//! Orders of items: by popularity, by trend, by neighbourhood. Invariant: an item that fewer than `min_customers` chose
//! is ordered by its id alone, and so is a tie.

use crate::dataset::Dataset;
use crate::train::interactions::positive;
use pocketrank::{item_hash, Snapshot};
use std::collections::HashSet;

const DAY: i64 = 86_400;
/// The days whose customers make a trend, and the days before them that they are compared with.
const RECENT: i64 = 7;
const BEFORE: i64 = 28;

/// Orders of the dataset's items, by their place in it.
#[derive(Debug)]
pub(super) struct Order {
    /// All items: those that the snapshot knows by its popularity, then the others by id.
    pub by_popularity: Vec<usize>,
    /// Items that clearly more customers chose in the last days than before.
    pub by_trend: Vec<usize>,
    /// Items that ship for what the catalogue says of them, then the others that the snapshot knows, the latest found first; of
    /// these none where nothing is known of time.
    pub by_newness: Vec<usize>,
    rows: Vec<Option<u32>>,
    neighbours: Vec<Vec<usize>>,
}

impl Order {
    pub fn new<B: AsRef<[u8]>>(dataset: &Dataset, snapshot: &Snapshot<B>) -> Self {
        let rows: Vec<Option<u32>> = dataset
            .items
            .iter()
            .map(|item| snapshot.row(item_hash(&item.id)))
            .collect();
        let popularity = |item: &usize| {
            let row = rows.get(*item).copied().flatten();
            let prior = row.and_then(|row| snapshot.prior()?.get(row));
            (row.is_some(), prior.map_or(0, |prior| prior.popularity))
        };
        let mut by_popularity: Vec<usize> = (0..dataset.items.len()).collect();
        by_popularity.sort_by_key(|item| std::cmp::Reverse(popularity(item)));
        Self {
            by_newness: by_newness(snapshot, &rows),
            by_trend: by_trend(dataset, &rows, u32::from(snapshot.meta().min_customers)),
            neighbours: neighbours(snapshot, &rows),
            by_popularity,
            rows,
        }
    }

    /// Whether the snapshot has a row for the item.
    pub fn is_known(&self, item: usize) -> bool {
        self.rows.get(item).is_some_and(Option::is_some)
    }

    pub fn knows_any(&self) -> bool {
        self.rows.iter().any(Option::is_some)
    }

    /// The item's neighbours, the nearest first.
    pub fn neighbours(&self, item: usize) -> impl Iterator<Item = usize> + '_ {
        self.neighbours.get(item).into_iter().flatten().copied()
    }
}

/// How many users chose each item from one time up to another.
fn customers(dataset: &Dataset, from: i64, to: i64) -> Vec<u32> {
    let mut counts = vec![0u32; dataset.items.len()];
    let mut seen = HashSet::new();
    for event in dataset
        .events
        .iter()
        .filter(|event| event.at > from && event.at <= to && positive(event.kind))
    {
        if seen.insert((event.user, event.item)) {
            if let Some(count) = counts.get_mut(event.item as usize) {
                *count += 1;
            }
        }
    }
    counts
}

/// By how many standard deviations of chance there are more customers than before.
fn by_trend(dataset: &Dataset, rows: &[Option<u32>], min_customers: u32) -> Vec<usize> {
    let newest = dataset.events.last().map_or(0, |event| event.at);
    let recent = customers(dataset, newest - RECENT * DAY, newest);
    let before = customers(dataset, newest - (RECENT + BEFORE) * DAY, newest - RECENT * DAY);
    let mut rising: Vec<(usize, f64)> = recent
        .iter()
        .zip(&before)
        .enumerate()
        .filter(|(item, (recent, _))| **recent >= min_customers && rows.get(*item).is_some_and(Option::is_some))
        .map(|(item, (recent, before))| {
            let expected = f64::from(*before) * RECENT as f64 / BEFORE as f64;
            (item, (f64::from(*recent) - expected) / (expected + 1.0).sqrt())
        })
        .filter(|(_, rise)| *rise > 0.0)
        .collect();
    rising.sort_by(|a, b| b.1.total_cmp(&a.1));
    rising.into_iter().map(|(item, _)| item).collect()
}

/// What too few customers found yet has neither popularity nor a first day.
fn by_newness<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, rows: &[Option<u32>]) -> Vec<usize> {
    let prior = snapshot.prior();
    let mut new: Vec<(u16, usize)> = rows
        .iter()
        .enumerate()
        .filter_map(|(item, row)| {
            let known = prior?.get((*row)?)?;
            let day = if known.is_cold() { u16::MAX } else { known.first_seen };
            (day > 0).then_some((day, item))
        })
        .collect();
    new.sort_by_key(|(day, item)| (std::cmp::Reverse(*day), *item));
    new.into_iter().map(|(_, item)| item).collect()
}

/// For each item its neighbours in the snapshot, the heaviest first.
fn neighbours<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, rows: &[Option<u32>]) -> Vec<Vec<usize>> {
    let mut items: Vec<Option<usize>> = vec![None; snapshot.items() as usize];
    for (item, row) in rows.iter().enumerate() {
        if let Some(slot) = row.and_then(|row| items.get_mut(row as usize)) {
            *slot = Some(item);
        }
    }
    let section = snapshot.neighbours();
    rows.iter()
        .map(|row| {
            let mut found: Vec<(u16, usize)> = Vec::new();
            if let Some(row) = row.and_then(|row| section.as_ref()?.row(row)) {
                row.for_each(|target, level| {
                    if let Some(item) = items.get(target as usize).copied().flatten() {
                        found.push((level, item));
                    }
                });
            }
            found.sort_by_key(|(level, item)| (std::cmp::Reverse(*level), *item));
            found.into_iter().map(|(_, item)| item).collect()
        })
        .collect()
}
