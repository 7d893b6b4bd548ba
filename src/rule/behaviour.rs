//! What conditions can ask of a profile: affinities, recency, frequency, monetary value, cart. Of the empty profile, which a visitor without
//! consent has, they say nothing.

use super::Catalogue;
use crate::aggregate::Aggregate;
use crate::condition::Value;
use crate::event::{EventKind, ItemHash, DAY};
use crate::profile::Profile;

/// What has this share of the visitor's events, in percent, is an affinity.
const AFFINITY: u32 = 20;

/// The attributes, by name, of events and of aggregates, which count as so many events of their last day:
///
/// - `recency`: days since the newest event; null without one
/// - `frequency`: days with events
/// - `purchases`: events of that kind
/// - `monetary`: mean price band of what was bought and is known, 1 for the cheapest; null without one
/// - `cart`: items that were put in the cart, and neither taken out nor bought since
/// - `categories`, `brands`: names of those that a fifth or more of the events, impressions and dismissals apart, are about, the most frequent first
pub fn behaviour(catalogue: &impl Catalogue, profile: &Profile, now: u32) -> Vec<(String, Value)> {
    let events = events(profile);
    let newest = events.iter().map(|event| event.last).max();
    let mut days: Vec<u32> = vec![];
    for event in &events {
        if !days.contains(&event.last) {
            days.push(event.last);
        }
    }
    let codes = |item: ItemHash| catalogue.codes(catalogue.row(item)?);
    let bought = || events.iter().filter(|event| event.kind == EventKind::Purchase);
    let purchases: u32 = bought().map(|event| event.count).sum();
    let (mut bands, mut known) = (0, 0);
    for event in bought() {
        let band = codes(event.item).map_or(0, |codes| codes.price_band.into());
        if band > 0 {
            bands += event.count * band;
            known += event.count;
        }
    }
    let monetary = match known {
        0 => Value::Null,
        count => hundredths(bands * 100 / count),
    };
    let wanted = events
        .iter()
        .filter(|event| !matches!(event.kind, EventKind::ViewItemList | EventKind::Dismiss));
    let wanted: Vec<_> = wanted
        .filter_map(|event| Some((codes(event.item)?, event.count)))
        .collect();
    let labels = catalogue.labels();
    let named = |name: &str, value: Value| (name.to_owned(), value);
    let since = |day: u32| Value::from((now / DAY).saturating_sub(day));
    vec![
        named("recency", newest.map_or(Value::Null, since)),
        named("frequency", (days.len() as u32).into()),
        named("purchases", purchases.into()),
        named("monetary", monetary),
        named("cart", cart(&events).into()),
        named(
            "categories",
            affinities(
                wanted.iter().map(|(codes, count)| (codes.category, *count)),
                &labels.categories,
            ),
        ),
        named(
            "brands",
            affinities(
                wanted.iter().map(|(codes, count)| (codes.brand, *count)),
                &labels.brands,
            ),
        ),
    ]
}

/// Aggregates, and behind them events as aggregates of one.
pub(super) fn events(profile: &Profile) -> Vec<Aggregate> {
    let mut events: Vec<Aggregate> = profile.aggregates().collect();
    events.extend(profile.events().iter().copied().map(Aggregate::of));
    events
}

/// A number of hundredths, printed without floats.
fn hundredths(number: u32) -> Value {
    let mut text = Value::from(number / 100).text();
    let rest = number % 100;
    if rest > 0 {
        text.push('.');
        text.push(char::from(b'0' + (rest / 10) as u8));
        if !rest.is_multiple_of(10) {
            text.push(char::from(b'0' + (rest % 10) as u8));
        }
    }
    Value::Number(f64::from(number) / 100.0, text)
}

fn cart(events: &[Aggregate]) -> u32 {
    let mut inside: Vec<ItemHash> = vec![];
    for event in events {
        match event.kind {
            EventKind::AddToCart if !inside.contains(&event.item) => inside.push(event.item),
            EventKind::RemoveFromCart | EventKind::Purchase => inside.retain(|item| *item != event.item),
            _ => {}
        }
    }
    inside.len() as u32
}

/// The names of codes, each of so many events.
fn affinities(codes: impl Iterator<Item = (u16, u32)>, names: &[String]) -> Value {
    let mut all = 0;
    let mut counts: Vec<(u32, u16)> = vec![];
    for (code, more) in codes {
        all += more;
        match counts.iter_mut().find(|(_, known)| *known == code) {
            Some((count, _)) => *count += more,
            None => counts.push((more, code)),
        }
    }
    counts.retain(|(count, _)| count * 100 >= all * AFFINITY);
    // At most five are left: no sort is needed, which is more code.
    let mut often = vec![];
    while let Some(best) = counts
        .iter()
        .copied()
        .max_by_key(|(count, code)| (*count, u16::MAX - code))
    {
        counts.retain(|known| *known != best);
        let name = usize::from(best.1).checked_sub(1).and_then(|at| names.get(at));
        often.extend(name.cloned().map(Value::Text));
    }
    Value::List(often)
}
