//! What rules ask of a visitor, of events and of what was folded: a plain twin says it of each event by itself.

use crate::support::{builder, id, profile, Rng, NOW};
use pocketrank::condition::Value;
use pocketrank::rule::{behaviour, Workflow};
use pocketrank::{item_hash, Event, EventKind, ItemHash, Profile, Snapshot};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const ITEMS: usize = 40;
const DAY: u32 = 86_400;

/// A profile that has folded some of its events, as those of a visitor of two months.
fn visitor(rng: &mut Rng, items: usize) -> Profile {
    let mut events: Vec<Event> = (0..200 + rng.below(400))
        .map(|_| Event {
            // The last few are not in the snapshot.
            item: item_hash(&id(rng.below(items))),
            at: NOW - rng.below(60 * DAY as usize) as u32,
            kind: EventKind::ALL[rng.below(9)],
        })
        .collect();
    events.sort_by_key(|event| event.at);
    profile(&events)
}

/// Item, kind and day of each event: what was folded, so many of its last day, and behind it the others.
fn each(profile: &Profile) -> Vec<(ItemHash, EventKind, u32)> {
    let mut all = vec![];
    for aggregate in profile.aggregates() {
        for _ in 0..aggregate.count {
            all.push((aggregate.item, aggregate.kind, aggregate.last));
        }
    }
    all.extend(
        profile
            .events()
            .iter()
            .map(|event| (event.item, event.kind, event.at / DAY)),
    );
    all
}

/// Names of what a fifth or more are, the most frequent first.
fn often(codes: &[u16], names: &[String]) -> Value {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    for code in codes {
        *counts.entry(*code).or_default() += 1;
    }
    let mut counts: Vec<(u16, usize)> = counts
        .into_iter()
        .filter(|(_, count)| count * 5 >= codes.len())
        .collect();
    counts.sort_by_key(|(code, count)| (codes.len() - count, *code));
    let named = counts.into_iter().filter(|(code, _)| *code > 0);
    Value::List(
        named
            .map(|(code, _)| Value::from(names[usize::from(code) - 1].as_str()))
            .collect(),
    )
}

proptest! {
    #[test]
    fn behaviour_is_that_of_the_twin(seed in any::<u64>()) {
        let rng = &mut Rng(seed);
        let snapshot = Snapshot::open(builder(rng, ITEMS).build().unwrap()).unwrap();
        let profile = visitor(rng, ITEMS + 4);
        let all = each(&profile);
        let codes = |item: ItemHash| snapshot.row(item).and_then(|row| snapshot.attributes()?.get(row));
        let said = Value::Object(behaviour(&snapshot, &profile, NOW));

        let newest = all.iter().map(|(.., day)| *day).max().unwrap();
        prop_assert_eq!(said.get("recency"), Some(&(NOW / DAY - newest).into()));
        let days: BTreeSet<u32> = all.iter().map(|(.., day)| *day).collect();
        prop_assert_eq!(said.get("frequency"), Some(&(days.len() as u32).into()));

        let bought: Vec<ItemHash> = all.iter().filter(|(_, kind, _)| *kind == EventKind::Purchase).map(|(item, ..)| *item).collect();
        prop_assert_eq!(said.get("purchases"), Some(&(bought.len() as u32).into()));
        let bands: Vec<u32> = bought.iter().filter_map(|item| Some(codes(*item)?.price_band.into())).filter(|band| *band > 0).collect();
        let Some(Value::Number(monetary, _)) = said.get("monetary") else { panic!("{said:?}") };
        let mean = f64::from(bands.iter().sum::<u32>()) / bands.len() as f64;
        prop_assert!((mean - monetary) < 0.01 && *monetary <= mean, "{} of {}", monetary, mean);

        let mut cart: Vec<ItemHash> = vec![];
        for (item, kind, _) in &all {
            match kind {
                EventKind::AddToCart if !cart.contains(item) => cart.push(*item),
                EventKind::RemoveFromCart | EventKind::Purchase => cart.retain(|inside| inside != item),
                _ => {}
            }
        }
        prop_assert_eq!(said.get("cart"), Some(&(cart.len() as u32).into()));

        let about: Vec<_> = all
            .iter()
            .filter(|(_, kind, _)| ![EventKind::ViewItemList, EventKind::Dismiss].contains(kind))
            .filter_map(|(item, ..)| codes(*item))
            .collect();
        let labels = snapshot.labels().unwrap();
        let categories: Vec<u16> = about.iter().map(|codes| codes.category).collect();
        let brands: Vec<u16> = about.iter().map(|codes| codes.brand).collect();
        prop_assert_eq!(said.get("categories"), Some(&often(&categories, &labels.categories)));
        prop_assert_eq!(said.get("brands"), Some(&often(&brands, &labels.brands)));
    }

    #[test]
    fn a_workflow_is_done_by_what_was_folded_too(seed in any::<u64>()) {
        let rng = &mut Rng(seed);
        let profile = visitor(rng, 12);
        let kind = |rng: &mut Rng| rng.below(9) as u8;
        let workflow = Workflow {
            event: kind(rng),
            then: (rng.below(2) == 0).then(|| kind(rng)),
            unless: (rng.below(2) == 0).then(|| kind(rng)),
            within: rng.below(60) as u16,
        };
        let all = each(&profile);
        let mut done = false;
        for (at, (item, first, day)) in all.iter().enumerate() {
            let later: Vec<_> = all[at + 1..].iter().filter(|(other, ..)| other == item).collect();
            // Of what was folded it is the last event that counts: others of it are the same event here.
            let within = |to: u32| i64::from(to) - i64::from(*day) <= i64::from(workflow.within);
            let is_last = !profile.aggregates().any(|a| (a.item, a.kind) == (*item, *first)) || {
                let behind = all[at + 1..].iter();
                let folded = profile.aggregates().map(|a| a.count as usize).sum::<usize>();
                at >= folded || !behind.take(folded - at - 1).any(|(other, kind, _)| (other, kind) == (item, first))
            };
            let undone = later.iter().any(|(_, kind, _)| Some(*kind as u8) == workflow.unless);
            let followed = match workflow.then {
                Some(then) => later.iter().any(|(_, kind, to)| *kind as u8 == then && within(*to)),
                None => within(NOW / DAY),
            };
            done |= is_last && *first as u8 == workflow.event && followed && !undone;
        }
        prop_assert_eq!(workflow.is_done(&profile, NOW), done);
    }
}

#[test]
fn what_was_left_in_the_cart_before_much_else_is_still_there() {
    let event = |day: u32, item: usize, kind| Event {
        item: item_hash(&id(item)),
        at: NOW - day * DAY,
        kind,
    };
    let views = (0..256).map(|_| event(1, 1, EventKind::ViewItem));
    let left = Workflow {
        event: EventKind::AddToCart as u8,
        then: None,
        unless: Some(EventKind::Purchase as u8),
        within: 7,
    };
    let put = event(3, 2, EventKind::AddToCart);
    let many: Vec<Event> = std::iter::once(put).chain(views.clone()).collect();
    assert!(profile(&many)
        .events()
        .iter()
        .all(|event| event.kind == EventKind::ViewItem));
    assert!(left.is_done(&profile(&many), NOW));
    assert!(!left.is_done(&profile(&many), NOW + 5 * DAY));
    let bought: Vec<Event> = [put, event(2, 2, EventKind::Purchase)]
        .into_iter()
        .chain(views)
        .collect();
    assert!(!left.is_done(&profile(&bought), NOW));
}
