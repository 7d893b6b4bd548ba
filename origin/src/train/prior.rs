//! Popularity with time decay, trend and age of each item.

use super::interactions::positive;
use crate::dataset::Interaction;
use pocketrank::PriorRow;
use std::collections::HashSet;

const DAY: f64 = 86_400.0;
/// Trend compares the last two weeks with the last eight.
const RECENT_DAYS: f64 = 14.0;
const BASE_DAYS: f64 = 56.0;

/// The rows. `half_life` of a customer's interest in popularity, in days; each customer counts once a day and item, so that one
/// customer's many events do not make an item popular.
pub fn fit(events: &[Interaction], rows: &[Option<u32>], items: usize, half_life: f64) -> Vec<PriorRow> {
    let Some(newest) = events.last().map(|event| event.at as f64) else {
        return vec![PriorRow::default(); items];
    };
    let mut popularity = vec![0f64; items];
    let (mut recent, mut base) = (vec![0f64; items], vec![0f64; items]);
    let mut first_seen = vec![u16::MAX; items];
    let mut seen = HashSet::new();
    for event in events.iter().filter(|event| positive(event.kind)) {
        let Some(row) = rows[event.item as usize].map(|row| row as usize) else {
            continue;
        };
        let day = event.at.div_euclid(86_400);
        first_seen[row] = first_seen[row].min(day.clamp(0, i64::from(u16::MAX)) as u16);
        if !seen.insert((row, event.user, day)) {
            continue;
        }
        let age = (newest - event.at as f64) / DAY;
        popularity[row] += libm::exp2(-age / half_life);
        recent[row] += f64::from(u8::from(age < RECENT_DAYS));
        base[row] += f64::from(u8::from(age < BASE_DAYS));
    }
    let most = popularity.iter().fold(0f64, |most, count| most.max(*count));
    let scale = if most > 0.0 { 255.0 / libm::log1p(most) } else { 0.0 };
    (0..items)
        .map(|row| {
            // One pseudo-count on each side, so that rare items stay near the middle.
            let ratio = (recent[row] + 1.0) / (base[row] * RECENT_DAYS / BASE_DAYS + 1.0);
            PriorRow {
                popularity: libm::round(libm::log1p(popularity[row]) * scale) as u8,
                trend: libm::round(255.0 * ratio / (1.0 + ratio)) as u8,
                first_seen: first_seen[row],
            }
        })
        .collect()
}
