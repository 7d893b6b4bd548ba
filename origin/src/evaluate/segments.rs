//! Quality by part of the queries: length of the history, popularity of what is asked for, new items, country.

use super::metrics::{values, Metrics};
use super::queries::Query;
use super::run::{Bench, Ranking, Segment};
use crate::dataset::{Dataset, Interaction};
use crate::train::interactions::positive;
use pocketrank::NO_ROW;
use std::collections::HashSet;

/// Fewest distinct items of the history, and the segment's name.
const LENGTHS: [(usize, &str); 5] = [
    (0, "history of 0 items"),
    (1, "history of 1 item"),
    (2, "history of 2 to 3 items"),
    (4, "history of 4 to 15 items"),
    (16, "history of 16 items and more"),
];
/// The most countries that are shown.
const COUNTRIES: usize = 8;

/// How well known items are, by the events that a model was fitted on.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Distinct users of each of the dataset's items.
    pub users: Vec<u32>,
    /// Distinct users of all of them.
    pub all: u32,
    /// Of each item 0 to 2 for head, torso and tail, each a third of the events, or 3 for an item without any.
    class: Vec<u8>,
}

/// Those that are new, as in a slot of new arrivals.
const NEW_AMONG_THEMSELVES: &str = "new items, among themselves";
/// The class of new items.
const NEW: u8 = 3;
/// Names of the classes.
const CLASSES: [&str; 4] = [
    "asks for head items",
    "asks for torso items",
    "asks for tail items",
    "asks for new items",
];

impl Known {
    /// Counts.
    pub fn new(dataset: &Dataset, events: &[Interaction]) -> Self {
        let mut counts = vec![0usize; dataset.items.len()];
        let mut pairs: Vec<(u32, u32)> = vec![];
        for event in events.iter().filter(|event| positive(event.kind)) {
            counts[event.item as usize] += 1;
            pairs.push((event.item, event.user));
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut users = vec![0u32; dataset.items.len()];
        pairs.iter().for_each(|(item, _)| users[*item as usize] += 1);
        let all: HashSet<u32> = pairs.iter().map(|(_, user)| *user).collect();
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|item| std::cmp::Reverse(counts[*item]));
        let total: usize = counts.iter().sum();
        let mut before = 0;
        let mut class = vec![NEW; counts.len()];
        for item in order.into_iter().filter(|item| counts[*item] > 0) {
            class[item] = (3 * before / total.max(1)) as u8;
            before += counts[item];
        }
        Known {
            users,
            all: all.len() as u32,
            class,
        }
    }

    fn class(&self, item: u32) -> u8 {
        self.class.get(item as usize).copied().unwrap_or(NEW)
    }

    /// The queries that ask for new items, and for these alone.
    fn new_items(&self, queries: &[Query]) -> Vec<Query> {
        let mut asked = queries.to_vec();
        for query in &mut asked {
            query.relevant.retain(|item| self.class(*item) == NEW);
        }
        asked.retain(|query| !query.relevant.is_empty());
        asked
    }
}

/// The segments that have queries. One by what is asked for counts only that part of the right answers.
pub fn segments<B: AsRef<[u8]> + Clone + Sync>(
    dataset: &Dataset,
    known: &Known,
    bench: &Bench<B>,
    queries: &[Query],
    ranking: &Ranking,
) -> Vec<Segment> {
    let mut lengths = [Metrics::default(); LENGTHS.len()];
    let mut classes = [Metrics::default(); CLASSES.len()];
    let mut countries = vec![Metrics::default(); dataset.countries.len()];
    for ((query, list), all) in queries.iter().zip(&ranking.lists).zip(&ranking.values) {
        let items: HashSet<_> = query.profile.events().iter().map(|event| event.item).collect();
        let length = LENGTHS.partition_point(|(least, _)| *least <= items.len()) - 1;
        lengths[length].count(all);
        for (class, metrics) in (0u8..).zip(&mut classes) {
            let mut relevant = query.relevant.clone();
            relevant.retain(|item| known.class(*item) == class);
            if !relevant.is_empty() {
                metrics.count(&values(&bench.hits(list, &relevant), relevant.len()));
            }
        }
        if let Some(metrics) = query
            .country
            .and_then(|country| countries.get_mut(usize::from(country)))
        {
            metrics.count(all);
        }
    }
    let mut by_country: Vec<_> = dataset.countries.iter().zip(countries).collect();
    by_country.sort_by(|a, b| (b.1.queries, a.0).cmp(&(a.1.queries, b.0)));
    by_country.truncate(COUNTRIES);
    let lengths = LENGTHS
        .iter()
        .zip(&lengths)
        .map(|((_, name), m)| Segment::new(*name, m));
    let classes = CLASSES.iter().zip(&classes).map(|(name, m)| Segment::new(*name, m));
    let countries = by_country
        .iter()
        .map(|(name, m)| Segment::new(format!("from {name}"), m));
    let new = new_items(known, bench, queries);
    let all = lengths.chain(classes).chain([new]).chain(countries);
    all.filter(|segment| segment.queries > 0).collect()
}

/// New items ranked among themselves: what content and context tell of them, without those that everybody knows.
fn new_items<B: AsRef<[u8]> + Clone + Sync>(known: &Known, bench: &Bench<B>, queries: &[Query]) -> Segment {
    let rows = 0..bench.ranker.snapshot().items();
    let is_new = |row: &u32| bench.item(*row) != NO_ROW && known.class(bench.item(*row)) == NEW;
    let rows: Vec<u32> = rows.filter(is_new).collect();
    let mut metrics = Metrics::default();
    let ranking = bench.ranking_among(&known.new_items(queries), &rows);
    ranking.values.iter().for_each(|values| metrics.count(values));
    Segment::new(NEW_AMONG_THEMSELVES, &metrics)
}
