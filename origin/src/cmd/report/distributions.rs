//! How the data are distributed: popularity, lengths of histories and sessions, days, prices. Invariant: only counts are drawn, and
//! only prices of items that the shop's catalogue or the snapshot tells of.

use super::super::evaluate::Measured;
use super::plot::{self, number, Axes, Series};
use pocketrank::Snapshot;
use pocketrank_origin::dataset::Order;
use pocketrank_origin::evaluate::row_items;
use pocketrank_origin::ingest::account::grouped;
use pocketrank_origin::ingest::time;
use std::collections::{BTreeMap, HashSet};

const DAY: i64 = 86_400;
/// The most bars of a histogram of days.
const DAYS: i64 = 120;
/// The most bars of a histogram of prices.
const PRICES: usize = 24;
/// Bounds of prices within a power of ten, the finest first.
const BOUNDS: [&[u32]; 4] = [
    &[10, 12, 15, 20, 25, 30, 40, 50, 60, 80],
    &[10, 15, 20, 30, 50, 70],
    &[10, 20, 50],
    &[10],
];
/// Shares of the items at which the share of events is drawn, in percent.
const SHARES: [f64; 14] = [
    0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0,
];

/// All of them, as figures.
pub fn html(measured: &Measured, snapshot: &Snapshot<&[u8]>) -> String {
    let [mut items, mut users, mut sessions] = [const { BTreeMap::<u32, u32>::new() }; 3];
    let mut days: BTreeMap<i64, f64> = BTreeMap::new();
    for event in &measured.fit {
        *items.entry(event.item).or_default() += 1;
        *users.entry(event.user).or_default() += 1;
        *sessions.entry(event.session).or_default() += 1;
        *days.entry(event.at.div_euclid(DAY)).or_default() += 1.0;
    }
    let mut out = figure(
        "Events an item",
        "events an item",
        "items",
        &doubling(items.values()),
        "",
    );
    out += &long_tail(items.into_values().collect());
    let customers = if measured.report.account.anonymous > 0 {
        "a session without a customer counts as one"
    } else {
        ""
    };
    out += &figure(
        "Events a customer: the length of histories",
        "events a customer",
        "customers",
        &doubling(users.values()),
        customers,
    );
    if sessions.len() != users.len() {
        out += &figure(
            "Events a session",
            "events a session",
            "sessions",
            &doubling(sessions.values()),
            "",
        );
    }
    if measured.dataset.order == Order::Time && days.len() > 1 {
        let (bars, each) = by_day(&days);
        let y = if each == 1 {
            "events a day".to_owned()
        } else {
            format!("events in {each} days")
        };
        out += &figure("Events over time", "first day of a bar (UTC)", &y, &bars, "");
    }
    out + &prices(measured, snapshot)
}

fn figure(title: &str, x: &str, y: &str, bars: &[(String, f64)], caption: &str) -> String {
    let caption = if caption.is_empty() {
        title.to_owned()
    } else {
        format!("{title}; {caption}")
    };
    framed(&plot::histogram(&Axes { title, x, y }, bars), &caption)
}

/// A plot with its caption; a wide one can be scrolled, by keyboard too.
pub fn framed(plot: &str, caption: &str) -> String {
    let caption = super::escaped(caption);
    format!(
        "<figure><figcaption>{caption}</figcaption><div class=\"plot\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">{plot}</div></figure>"
    )
}

/// The share of all events that the most popular items take.
fn long_tail(mut counts: Vec<u32>) -> String {
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    if total == 0.0 {
        return String::new();
    }
    let upto = |share: f64| {
        let most = libm::round(share / 100.0 * counts.len() as f64) as usize;
        counts.iter().take(most).map(|count| f64::from(*count)).sum::<f64>()
    };
    let points = SHARES
        .iter()
        .map(|share| (*share, 100.0 * upto(*share) / total))
        .collect();
    let name = "share of all events".to_owned();
    let axes = Axes {
        title: "The long tail: what share of the events the most popular items have",
        x: "% of the items that have events, the most popular first",
        y: "% of the events",
    };
    framed(&plot::lines(&axes, &[Series { name, points }]), axes.title)
}

/// Counts in ranges that double: 1, 2 to 3, 4 to 7, ...
fn doubling<'a>(values: impl Iterator<Item = &'a u32>) -> Vec<(String, f64)> {
    let mut counts: Vec<f64> = vec![];
    for value in values.filter(|value| **value > 0) {
        let at = value.ilog2() as usize;
        counts.resize(counts.len().max(at + 1), 0.0);
        if let Some(count) = counts.get_mut(at) {
            *count += 1.0;
        }
    }
    let label = |at: usize| match at {
        0 => "1".to_owned(),
        at => format!("{}–{}", 1u64 << at, (2u64 << at) - 1),
    };
    counts
        .into_iter()
        .enumerate()
        .map(|(at, count)| (label(at), count))
        .collect()
}

/// Bars of equally many days, days without an event too, and how many days each is.
fn by_day(days: &BTreeMap<i64, f64>) -> (Vec<(String, f64)>, i64) {
    let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value()) else {
        return (vec![], 1);
    };
    let each = (last - first) / DAYS + 1;
    let bars = (0..=(last - first) / each).map(|bar| {
        let from = first + bar * each;
        let label = time::rfc3339(from * DAY).chars().take(10).collect();
        (label, days.range(from..from + each).map(|(_, count)| count).sum())
    });
    (bars.collect(), each)
}

/// Prices of the items, where there are any.
fn prices(measured: &Measured, snapshot: &Snapshot<&[u8]>) -> String {
    let dataset = &measured.dataset;
    let shipped: HashSet<u32> = row_items(dataset, snapshot).into_iter().collect();
    let told = (0u32..)
        .zip(&dataset.items)
        .filter(|(at, item)| item.listed || shipped.contains(at));
    let told: Vec<_> = told.map(|(_, item)| item).collect();
    let mut prices: Vec<f64> = told.iter().filter_map(|item| item.price).collect();
    prices.retain(|price| price.is_finite() && *price >= 0.0);
    prices.sort_unstable_by(f64::total_cmp);
    let Some(median) = prices.get(prices.len() / 2) else {
        return String::new();
    };
    let (unit, x) = match dataset.currency.as_str() {
        "" => (
            String::new(),
            "price, in a currency that the data do not tell".to_owned(),
        ),
        currency => (format!(" {currency}"), format!("price, {currency}")),
    };
    let caption = format!(
        "{} of {} items have a price, the median is {}{unit}",
        grouped(prices.len() as u64),
        grouped(told.len() as u64),
        number(*median)
    );
    figure("Prices of the items", &x, "items", &price_bars(&prices), &caption)
}

/// Sorted prices in ranges whose bounds are round and grow by about the same factor; the finest that are few enough.
fn price_bars(prices: &[f64]) -> Vec<(String, f64)> {
    let free = prices.partition_point(|price| *price <= 0.0);
    let (none, some) = prices.split_at(free);
    let mut bars = vec![];
    if !none.is_empty() {
        bars.push(("0".to_owned(), none.len() as f64));
    }
    let (Some(least), Some(most)) = (some.first(), some.last()) else {
        return bars;
    };
    let bounds = |steps: &[u32]| -> Vec<f64> {
        // Divided where it is small, so that a price of 1.2 lies on the bound 1.2.
        let scaled = |step: u32, power: i32| {
            let scale = libm::pow(10.0, f64::from(power.abs()));
            if power < 0 {
                f64::from(step) / scale
            } else {
                f64::from(step) * scale
            }
        };
        let all: Vec<f64> = (-5..16)
            .flat_map(|power| steps.iter().map(move |step| scaled(*step, power)))
            .collect();
        let from = all.partition_point(|bound| bound <= least).saturating_sub(1);
        let upto = all.partition_point(|bound| bound <= most);
        all.into_iter().take(upto + 1).skip(from).collect()
    };
    let all = BOUNDS.map(bounds);
    let chosen = all.iter().find(|bounds| bounds.len() <= PRICES + 1).or(all.last());
    let mut before = 0;
    for pair in chosen.map_or([].as_slice(), Vec::as_slice).windows(2) {
        let [from, to] = pair else { continue };
        let upto = some.partition_point(|price| price < to);
        bars.push((format!("{}–{}", number(*from), number(*to)), (upto - before) as f64));
        before = upto;
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_is_in_one_bar_with_round_bounds() {
        let mut prices = vec![0.0, 0.0, 0.5, 1.0, 1.19, 1.2, 9.99, 10.0, 19.5];
        let bars = price_bars(&prices);
        let counted: f64 = bars.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, prices.len() as f64, "{bars:?}");
        let of = |label: &str| bars.iter().find(|bar| bar.0 == label).map(|bar| bar.1);
        assert_eq!(of("0"), Some(2.0));
        assert_eq!((of("1–1.2"), of("1.2–1.5")), (Some(2.0), Some(1.0)), "{bars:?}");
        assert_eq!((of("8–10"), of("10–12")), (Some(1.0), Some(1.0)), "{bars:?}");
        assert_eq!(bars.last().unwrap().0, "15–20");
        // A wide range has coarser bounds, and loses nothing.
        prices.extend([1e-3, 250_000.0]);
        prices.sort_by(f64::total_cmp);
        let bars = price_bars(&prices);
        assert!(bars.len() <= PRICES + 1, "{bars:?}");
        assert_eq!(bars.iter().map(|(_, count)| count).sum::<f64>(), prices.len() as f64);
        assert_eq!(price_bars(&[]), []);
        assert_eq!(price_bars(&[0.0]), [("0".to_owned(), 1.0)]);
    }

    #[test]
    fn days_without_events_have_bars_too() {
        let (bars, each) = by_day(&BTreeMap::from([(0, 2.0), (3, 1.0)]));
        let counts: Vec<f64> = bars.iter().map(|(_, count)| *count).collect();
        assert_eq!((counts.as_slice(), each), ([2.0, 0.0, 0.0, 1.0].as_slice(), 1));
        assert_eq!(bars[3].0, "1970-01-04");
        let (bars, each) = by_day(&(0..500).map(|day| (day, 1.0)).collect());
        assert_eq!((bars.len(), each), (100, 5));
        assert_eq!(bars.iter().map(|(_, count)| count).sum::<f64>(), 500.0);
    }
}
