//! Features of items and of customers, for analysts: one function each, all over the same touches. Invariant: every value follows
//! from the events handed in alone, so that with `--until` nothing of later data is in them; what is unknown is NaN.
//! docs/FEATURES.md defines each; `pocketrank features` writes them.

use super::numbers::Normalizer;
use crate::dataset::{Dataset, Interaction, Item};
use crate::error::{Error, Result};
use crate::train::interactions::positive;
use crate::train::prior::end_of_day;
use chrono::{DateTime, Datelike};
use pocketrank::EventKind;
use std::collections::{BTreeMap, BTreeSet};

const DAY: f64 = 86_400.0;
/// An event weighs half as much after so many days.
const HALF_LIFE: f64 = 30.0;
/// Nobody looks longer: what is beyond is absence. Seconds.
const LONGEST_DWELL: f64 = 1800.0;
/// Price bands hold about the same number of items.
const BANDS: usize = 5;

/// One positive event.
#[derive(Debug, Clone, Copy)]
struct Touch<'a> {
    event: &'a Interaction,
    item: &'a Item,
    /// Seconds to the next event of the session, capped; NaN for the last.
    dwell: f64,
    /// Seconds since the item's first event.
    age: f64,
}

/// What all features see beside their own touches.
struct Whole {
    /// The end of the newest day.
    now: i64,
    /// Prices at which a band begins.
    bounds: Vec<f64>,
}

type Feature = (&'static str, fn(&[Touch<'_>], &Whole) -> f64);

/// Features of an item.
const ITEMS: [Feature; 11] = [
    ("recency_days", recency),
    ("newness_days", newness),
    ("frequency", |touches, _| distinct(touches, |touch| touch.event.user)),
    ("monetary", monetary),
    ("engagement", engagement),
    ("dwell_seconds", dwell),
    ("price", price),
    ("price_band", price_band),
    ("trend", trend),
    ("month_lift", month_lift),
    ("weekday_lift", weekday_lift),
];

/// Features of a customer.
const CUSTOMERS: [Feature; 14] = [
    ("recency_days", recency),
    ("newness_days", newness),
    ("frequency", |touches, _| distinct(touches, |touch| touch.event.session)),
    ("monetary", monetary),
    ("engagement", engagement),
    ("dwell_seconds", dwell),
    ("price", price),
    ("price_band", price_band),
    ("trend", trend),
    ("month_lift", month_lift),
    ("weekday_lift", weekday_lift),
    ("category_affinity", |touches, whole| {
        affinity(touches, whole, |item| item.category.iter().collect())
    }),
    ("brand_affinity", |touches, whole| {
        affinity(touches, whole, |item| item.brand.iter().collect())
    }),
    ("tag_affinity", |touches, whole| {
        affinity(touches, whole, |item| item.tags.iter().collect())
    }),
];

/// Named columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Of the first column.
    pub key: &'static str,
    /// Of each row.
    pub ids: Vec<String>,
    /// Names and values; NaN where unknown.
    pub columns: Vec<(String, Vec<f64>)>,
}

impl Table {
    /// The items' features. Items that nobody touched have none but their price.
    ///
    /// # Errors
    /// [`Error::Usage`] where the events have no times.
    pub fn items(dataset: &Dataset) -> Result<Self> {
        let of = |event: &Interaction| event.item as usize;
        let ids = dataset.items.iter().map(|item| item.id.clone()).collect();
        let mut table = Self::of("item", ids, dataset, of, &ITEMS)?;
        let bounds = bounds(dataset);
        for (name, values) in &mut table.columns {
            for (value, item) in values.iter_mut().zip(&dataset.items) {
                match (name.as_str(), item.price) {
                    ("price", Some(price)) => *value = price,
                    ("price_band", Some(price)) => *value = band(&bounds, price),
                    _ => {}
                }
            }
        }
        Ok(table)
    }

    /// The customers' features, by pseudonym.
    ///
    /// # Errors
    /// [`Error::Usage`] where the events have no times.
    pub fn customers(dataset: &Dataset) -> Result<Self> {
        let ids = dataset
            .users
            .iter()
            .map(|user| pocketrank::hex(&user.pseudonym))
            .collect();
        Self::of("customer", ids, dataset, |event| event.user as usize, &CUSTOMERS)
    }

    fn of(
        key: &'static str,
        ids: Vec<String>,
        dataset: &Dataset,
        of: impl Fn(&Interaction) -> usize,
        features: &[Feature],
    ) -> Result<Self> {
        if dataset.order != crate::dataset::Order::Time {
            return Err(Error::Usage(
                "features are of time, and these events have no times".into(),
            ));
        }
        let whole = Whole {
            now: dataset.events.last().map_or(0, |event| end_of_day(event.at)),
            bounds: bounds(dataset),
        };
        let mut touches: Vec<Vec<Touch<'_>>> = vec![vec![]; ids.len()];
        for touch in all(dataset) {
            touches[of(touch.event)].push(touch);
        }
        let column = |(name, value): &Feature| {
            let values = touches.iter().map(|touches| match touches.is_empty() {
                true => f64::NAN,
                false => value(touches, &whole),
            });
            ((*name).to_owned(), values.collect())
        };
        let columns = features.iter().map(column).collect();
        Ok(Table { key, ids, columns })
    }

    /// Adds the product of two columns, each normalized to mean 0 and deviation 1 first: how they act together.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no such column.
    pub fn interact(&mut self, first: &str, second: &str) -> Result<()> {
        let scores = |name: &str| -> Result<Vec<f64>> {
            let found = self.columns.iter().find(|(column, _)| column == name);
            let (_, values) = found.ok_or_else(|| {
                let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
                Error::Usage(format!("no feature {name:?}; there are {}", names.join(", ")))
            })?;
            let fitted = Normalizer::z_score(values.iter().copied());
            Ok(values.iter().map(|value| fitted.apply(*value)).collect())
        };
        let product = scores(first)?
            .into_iter()
            .zip(scores(second)?)
            .map(|(a, b)| a * b)
            .collect();
        self.columns.push((format!("{first}*{second}"), product));
        Ok(())
    }
}

/// All positive events, in the order of time.
fn all(dataset: &Dataset) -> Vec<Touch<'_>> {
    let mut next: BTreeMap<u32, i64> = BTreeMap::new();
    let mut touches: Vec<Touch<'_>> = dataset
        .events
        .iter()
        .rev()
        .filter(|event| positive(event.kind))
        .map(|event| {
            let following = next.insert(event.session, event.at);
            Touch {
                event,
                item: &dataset.items[event.item as usize],
                dwell: following.map_or(f64::NAN, |at| ((at - event.at) as f64).min(LONGEST_DWELL)),
                age: 0.0,
            }
        })
        .collect();
    touches.reverse();
    let mut first: BTreeMap<u32, i64> = BTreeMap::new();
    for touch in &mut touches {
        let first = *first.entry(touch.event.item).or_insert(touch.event.at);
        touch.age = (touch.event.at - first) as f64;
    }
    touches
}

fn bounds(dataset: &Dataset) -> Vec<f64> {
    let mut prices: Vec<f64> = dataset.items.iter().filter_map(|item| item.price).collect();
    prices.sort_unstable_by(f64::total_cmp);
    (1..BANDS)
        .filter_map(|band| prices.get(band * prices.len() / BANDS).copied())
        .collect()
}

fn band(bounds: &[f64], price: f64) -> f64 {
    1.0 + bounds.partition_point(|bound| *bound <= price) as f64
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let known = values.filter(|value| !value.is_nan());
    let (sum, count) = known.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    // 0 / 0 is NaN: nothing is known.
    sum / f64::from(count)
}

fn distinct(touches: &[Touch<'_>], of: fn(&Touch<'_>) -> u32) -> f64 {
    touches.iter().map(of).collect::<BTreeSet<u32>>().len() as f64
}

fn days(touch: &Touch<'_>, whole: &Whole) -> f64 {
    (whole.now - touch.event.at) as f64 / DAY
}

fn decayed(touch: &Touch<'_>, whole: &Whole) -> f64 {
    let weight = match touch.event.kind {
        EventKind::Purchase => 4.0,
        EventKind::AddToCart | EventKind::AddToWishlist => 2.0,
        _ => 1.0,
    };
    weight * libm::exp2(-days(touch, whole) / HALF_LIFE)
}

fn recency(touches: &[Touch<'_>], whole: &Whole) -> f64 {
    touches.last().map_or(f64::NAN, |touch| days(touch, whole))
}

/// Of an item its age; of a customer the mean age of the items when they were touched.
fn newness(touches: &[Touch<'_>], _: &Whole) -> f64 {
    mean(touches.iter().map(|touch| touch.age / DAY))
}

fn monetary(touches: &[Touch<'_>], _: &Whole) -> f64 {
    let bought = touches.iter().filter(|touch| touch.event.kind == EventKind::Purchase);
    bought
        .map(|touch| f64::from(touch.event.quantity) * touch.item.price.unwrap_or(0.0))
        .sum()
}

fn engagement(touches: &[Touch<'_>], whole: &Whole) -> f64 {
    touches.iter().map(|touch| decayed(touch, whole)).sum()
}

fn dwell(touches: &[Touch<'_>], _: &Whole) -> f64 {
    mean(touches.iter().map(|touch| touch.dwell))
}

fn price(touches: &[Touch<'_>], _: &Whole) -> f64 {
    mean(touches.iter().map(|touch| touch.item.price.unwrap_or(f64::NAN)))
}

fn price_band(touches: &[Touch<'_>], whole: &Whole) -> f64 {
    let bands = touches.iter().filter_map(|touch| touch.item.price);
    mean(bands.map(|price| band(&whole.bounds, price)))
}

/// The last two weeks against the last eight, one event added to each side.
fn trend(touches: &[Touch<'_>], whole: &Whole) -> f64 {
    let within = |most: f64| touches.iter().filter(|touch| days(touch, whole) < most).count() as f64;
    (within(14.0) + 1.0) / (within(56.0) / 4.0 + 1.0)
}

/// Share of the events in the part of the calendar that holds `now`, against an even share, one event added to each part.
fn lift(touches: &[Touch<'_>], whole: &Whole, parts: f64, part: fn(i64) -> u32) -> f64 {
    let here = touches
        .iter()
        .filter(|touch| part(touch.event.at) == part(whole.now))
        .count() as f64;
    parts * (here + 1.0) / (touches.len() as f64 + parts)
}

fn month_lift(touches: &[Touch<'_>], whole: &Whole) -> f64 {
    lift(touches, whole, 12.0, |at| {
        DateTime::from_timestamp(at, 0).map_or(0, |at| at.month())
    })
}

fn weekday_lift(touches: &[Touch<'_>], whole: &Whole) -> f64 {
    lift(touches, whole, 7.0, |at| at.div_euclid(86_400).rem_euclid(7) as u32)
}

/// The largest decayed share of one category, brand or tag.
fn affinity(touches: &[Touch<'_>], whole: &Whole, of: fn(&Item) -> Vec<&String>) -> f64 {
    let mut shares: BTreeMap<&String, f64> = BTreeMap::new();
    for touch in touches {
        for name in of(touch.item) {
            *shares.entry(name).or_default() += decayed(touch, whole);
        }
    }
    let sum: f64 = shares.values().sum();
    shares.into_values().fold(f64::NAN, f64::max) / sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::User;

    fn dataset() -> Dataset {
        let item = |id: &str, price, category: &str| Item {
            id: id.into(),
            price: Some(price),
            category: Some(category.into()),
            ..Item::default()
        };
        let event = |user, item, kind, at| Interaction {
            user,
            session: user,
            item,
            kind,
            at,
            quantity: 2.0,
        };
        let user = |n| User {
            pseudonym: [n; 16],
            anonymous: false,
            country: None,
        };
        Dataset {
            items: vec![item("a", 1.0, "A"), item("b", 9.0, "B"), item("unseen", 4.0, "B")],
            users: vec![user(1), user(2)],
            events: vec![
                event(0, 0, EventKind::ViewItem, 0),
                event(0, 1, EventKind::Purchase, 60),
                event(0, 1, EventKind::Purchase, 86_399 * 2),
                event(1, 0, EventKind::ViewItem, 86_400 * 40 - 1),
            ],
            ..Dataset::default()
        }
    }

    fn value(table: &Table, name: &str, row: usize) -> f64 {
        table.columns.iter().find(|(column, _)| column == name).unwrap().1[row]
    }

    #[test]
    fn values_are_those_of_the_definitions() {
        let items = Table::items(&dataset()).unwrap();
        for (name, row, expected) in [
            ("recency_days", 0, 0.0),
            ("frequency", 0, 2.0),
            ("frequency", 1, 1.0),
            ("monetary", 1, 36.0),
            ("price", 2, 4.0),
            ("price_band", 0, 2.0),
            ("trend", 0, 2.0 / 1.5),
            ("dwell_seconds", 0, 60.0),
            ("dwell_seconds", 1, 1800.0),
            ("month_lift", 1, 12.0 / 14.0),
        ] {
            assert!(
                (value(&items, name, row) - expected).abs() < 1e-9,
                "{name} {}",
                value(&items, name, row)
            );
        }
        assert!(value(&items, "recency_days", 2).is_nan());
        let engaged = 1.0 + libm::exp2(-(86_400.0 * 40.0 - 1.0) / DAY / HALF_LIFE);
        assert!((value(&items, "engagement", 0) - engaged).abs() < 1e-9);
        let customers = Table::customers(&dataset()).unwrap();
        assert_eq!(customers.ids[0], "01".repeat(16));
        assert_eq!(
            (
                value(&customers, "frequency", 0),
                value(&customers, "category_affinity", 1)
            ),
            (1.0, 1.0)
        );
        let affinity = value(&customers, "category_affinity", 0);
        assert!(
            (0.8..0.9).contains(&affinity),
            "eight of nine, a little decayed apart: {affinity}"
        );
        assert!(value(&customers, "brand_affinity", 0).is_nan());
    }

    #[test]
    fn products_are_of_normalized_columns() {
        let mut items = Table::items(&dataset()).unwrap();
        items.interact("price", "frequency").unwrap();
        let (name, values) = items.columns.last().unwrap();
        assert_eq!(name, "price*frequency");
        assert!(values[0] < 0.0 && values[1] < 0.0 && values[2].is_nan());
        assert!(items
            .interact("price", "colour")
            .unwrap_err()
            .to_string()
            .contains("recency_days"));
    }

    #[test]
    fn every_feature_is_defined_in_the_documentation() {
        let text = include_str!("../../../docs/FEATURES.md");
        let documented: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let known: BTreeSet<&str> = ITEMS.iter().chain(&CUSTOMERS).map(|(name, _)| *name).collect();
        assert_eq!(documented, known);
    }
}
