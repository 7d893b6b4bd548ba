//! Popularity with time decay, trend and age of each item.

use super::interactions::positive;
use super::material::Material;
use crate::dataset::{Interaction, Order};
use pocketrank::PriorRow;
use std::collections::HashSet;

const DAY: f64 = 86_400.0;
/// Trend compares the last two weeks with the last eight.
const RECENT_DAYS: f64 = 14.0;
const BASE_DAYS: f64 = 56.0;

/// The rows, by these of the material's events. `half_life` of popularity, in days. Each customer counts once a day and item, so that one customer's many events do
/// not make an item popular. Nothing depends on fewer than `min_customers`: the newest customers of an item are taken to have come
/// when the `min_customers`th newest did, and an item is first seen when the `min_customers`th customer finds it.
pub fn fit(material: &Material<'_>, events: &[Interaction], half_life: f64) -> Vec<PriorRow> {
    let Material {
        rows, min_customers, ..
    } = material;
    let (items, min_customers) = (material.items.len(), *min_customers);
    let dated = material.dataset.order == Order::Time;
    let Some(newest) = material.events.last().map(|event| end_of_day(event.at) as f64) else {
        return vec![PriorRow::default(); items + material.cold.len()];
    };
    let mut visits = vec![vec![]; items];
    for event in events.iter().filter(|event| positive(event.kind)) {
        if let Some(row) = rows[event.item as usize] {
            visits[row as usize].push((event.at.div_euclid(86_400), event.user));
        }
    }
    let counts = visits
        .into_iter()
        .map(|visits| Counts::new(visits, newest, half_life, min_customers));
    let counts: Vec<Counts> = counts.collect();
    let most = counts.iter().fold(0f64, |most, counts| most.max(counts.popularity));
    let scale = if most > 0.0 { 255.0 / libm::log1p(most) } else { 0.0 };
    let row = |counts: &Counts| {
        // One pseudo-count on each side, so that rare items stay near the middle.
        let ratio = (counts.recent + 1.0) / (counts.base * RECENT_DAYS / BASE_DAYS + 1.0);
        PriorRow {
            popularity: libm::round(libm::log1p(counts.popularity) * scale) as u8,
            // Where there are no dates, nothing is said of time.
            trend: if dated {
                libm::round(255.0 * ratio * RECENT_DAYS / BASE_DAYS) as u8
            } else {
                0
            },
            first_seen: if dated { counts.first_seen } else { 0 },
        }
    };
    let known = counts.iter().map(row);
    // Of the others nothing is known: neither demand nor its change, nor since when they are sold.
    let unknown = row(&Counts::default());
    known.chain(material.cold.iter().map(|_| unknown)).collect()
}

/// The last second of a time's day.
pub fn end_of_day(at: i64) -> i64 {
    (at.div_euclid(86_400) + 1) * 86_400 - 1
}

#[derive(Default)]
struct Counts {
    popularity: f64,
    recent: f64,
    base: f64,
    first_seen: u16,
}

impl Counts {
    /// Counts one item's visits, each a day and a customer.
    fn new(mut visits: Vec<(i64, u32)>, newest: f64, half_life: f64, min_customers: u32) -> Self {
        visits.sort_unstable();
        visits.dedup();
        let first_seen = nth_customer(visits.iter(), min_customers).clamp(0, i64::from(u16::MAX)) as u16;
        let latest = nth_customer(visits.iter().rev(), min_customers);
        let mut counts = Counts {
            first_seen,
            ..Counts::default()
        };
        for (day, _) in &visits {
            let age = (newest - (*day).min(latest) as f64 * DAY) / DAY;
            counts.popularity += libm::exp2(-age / half_life);
            counts.recent += f64::from(u8::from(age < RECENT_DAYS));
            counts.base += f64::from(u8::from(age < BASE_DAYS));
        }
        counts
    }
}

/// Day on which the `n`th distinct customer comes, 0 where there are fewer.
fn nth_customer<'a>(mut visits: impl Iterator<Item = &'a (i64, u32)>, n: u32) -> i64 {
    let mut known = HashSet::new();
    let nth = visits.find(|(_, user)| known.insert(*user) && known.len() >= n.max(1) as usize);
    nth.map_or(0, |(day, _)| *day)
}
