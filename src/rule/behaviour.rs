//! What conditions can ask of a profile: affinities, recency, frequency, monetary value, cart. Of the empty profile, which a visitor without
//! consent has, they say nothing.

use super::Catalogue;
use crate::condition::Value;
use crate::event::{EventKind, ItemHash, DAY};
use crate::profile::Profile;

/// What has this share of the visitor's events, in percent, is an affinity.
const AFFINITY: usize = 20;

/// The attributes, by name:
///
/// - `recency`: days since the newest event; null without one
/// - `frequency`: days with events
/// - `purchases`: events of that kind
/// - `monetary`: mean price band of what was bought and is known, 1 for the cheapest; null without one
/// - `cart`: items that were put in the cart, and neither taken out nor bought since
/// - `categories`, `brands`: names of those that a fifth or more of the events, impressions and dismissals apart, are about, the most frequent first
pub fn behaviour(catalogue: &impl Catalogue, profile: &Profile, now: u32) -> Vec<(String, Value)> {
    let events = profile.events();
    let newest = events.last().map(|event| (now / DAY).saturating_sub(event.at / DAY));
    let mut days: Vec<u32> = events.iter().map(|event| event.at / DAY).collect();
    days.dedup();
    let codes = |item: ItemHash| catalogue.codes(catalogue.row(item)?);
    let bought = || events.iter().filter(|event| event.kind == EventKind::Purchase);
    let bands = bought().filter_map(|event| codes(event.item));
    let bands: Vec<u32> = bands
        .map(|codes| codes.price_band.into())
        .filter(|band| *band > 0)
        .collect();
    let monetary = match bands.len() {
        0 => Value::Null,
        count => hundredths(bands.iter().sum::<u32>() * 100 / count as u32),
    };
    let wanted = events
        .iter()
        .filter(|event| !matches!(event.kind, EventKind::ViewItemList | EventKind::Dismiss));
    let wanted: Vec<_> = wanted.filter_map(|event| codes(event.item)).collect();
    let labels = catalogue.labels();
    let named = |name: &str, value: Value| (name.to_owned(), value);
    vec![
        named("recency", newest.map_or(Value::Null, Value::from)),
        named("frequency", (days.len() as u32).into()),
        named("purchases", (bought().count() as u32).into()),
        named("monetary", monetary),
        named("cart", cart(profile).into()),
        named(
            "categories",
            affinities(wanted.iter().map(|codes| codes.category), &labels.categories),
        ),
        named(
            "brands",
            affinities(wanted.iter().map(|codes| codes.brand), &labels.brands),
        ),
    ]
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

fn cart(profile: &Profile) -> u32 {
    let mut inside: Vec<ItemHash> = vec![];
    for event in profile.events() {
        match event.kind {
            EventKind::AddToCart if !inside.contains(&event.item) => inside.push(event.item),
            EventKind::RemoveFromCart | EventKind::Purchase => inside.retain(|item| *item != event.item),
            _ => {}
        }
    }
    inside.len() as u32
}

fn affinities(codes: impl Iterator<Item = u16>, names: &[String]) -> Value {
    let mut all = 0;
    let mut counts: Vec<(usize, u16)> = vec![];
    for code in codes {
        all += 1;
        match counts.iter_mut().find(|(_, known)| *known == code) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, code)),
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
