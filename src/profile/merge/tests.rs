//! Laws of merged profiles, and their plain twin.

use crate::aggregate::Aggregate;
use crate::event::{Event, EventKind, ItemHash, DAY};
use crate::profile::tests::{consent, drawn, events, kept, profile, returns, Twin};
use crate::profile::{Profile, MAX_EVENTS};
use proptest::prelude::*;

/// Takes equal events out of a list, each once.
fn left(mut list: Vec<Event>, of: &[Event]) -> Vec<Event> {
    for event in of {
        list.iter().position(|known| known == event).map(|at| list.remove(at));
    }
    list
}

/// The definition of what two profiles of a visitor are together.
impl Twin {
    fn merge(&self, other: &Twin) -> Twin {
        let rank = |event: &Event| (event.kind != EventKind::ViewItemList, event.at);
        let mut events = self.events.clone();
        for event in left(other.events.clone(), &self.events) {
            events.push(event);
            events.sort_by_key(|event| event.at);
            if events.len() > 256 {
                let least = events.iter().map(rank).min().unwrap();
                // What comes last stays out, where it is no more than what was there.
                let is_out = rank(&event) == least;
                let out = events
                    .iter()
                    .position(|known| if is_out { *known == event } else { rank(known) == least });
                events.remove(out.unwrap());
            }
        }
        let folded = |side: &Twin| {
            let mut side = Twin {
                events: side.events.clone(),
                folded: side.folded.clone(),
            };
            let out = left(side.events.clone(), &events);
            out.into_iter()
                .filter(|event| event.kind != EventKind::ViewItemList)
                .for_each(|event| side.fold(event));
            let new = left(events.clone(), &side.events);
            for aggregate in &mut side.folded {
                let days = aggregate.first * DAY..(aggregate.last + 1) * DAY;
                let is_in = |event: &&Event| {
                    (event.item, event.kind) == (aggregate.item, aggregate.kind) && days.contains(&event.at)
                };
                aggregate.count -= aggregate.count.min(new.iter().filter(is_in).count() as u32);
            }
            side.folded.retain(|aggregate| aggregate.count > 0);
            side.folded
        };
        let mut all = folded(self);
        let has = |all: &[Aggregate], new: &Aggregate| all.iter().any(|a| (a.item, a.kind) == (new.item, new.kind));
        let (known, others): (Vec<_>, Vec<_>) = folded(other).into_iter().partition(|new| has(&all, new));
        for new in known.into_iter().chain(others) {
            let known = all.iter().position(|a| (a.item, a.kind) == (new.item, new.kind));
            let Some(known) = known else {
                all.push(new);
                all.sort_by_key(|aggregate| aggregate.last);
                if all.len() > 256 {
                    let oldest = all
                        .iter()
                        .position(|aggregate| new.last > all[0].last || *aggregate == new);
                    all.remove(oldest.unwrap());
                }
                continue;
            };
            let before = all[known];
            let count = if before.last < new.first || new.last < before.first {
                before.count + new.count
            } else {
                before.count.max(new.count)
            };
            let both = Aggregate {
                first: before.first.min(new.first),
                last: before.last.max(new.last),
                count: count.min(64),
                ..before
            };
            if both != before {
                all.remove(known);
                all.push(both);
                all.sort_by_key(|aggregate| aggregate.last);
            }
        }
        Twin { events, folded: all }
    }
}

proptest! {
    #[test]
    fn profiles_of_two_devices_are_merged_as_a_plain_twin_says(
        common in returns(400, 60), one in returns(500, 60), another in returns(500, 60),
        seeds in (proptest::option::of(any::<u32>()), proptest::option::of(any::<u32>())), assignments in kept(),
    ) {
        let grant = consent().grant().unwrap();
        let device = |own: &[Event]| {
            let (mut profile, mut twin) = (profile(&common), Twin::default());
            common.iter().chain(own).for_each(|event| twin.record(*event));
            own.iter().for_each(|event| profile.record(&grant, *event));
            (profile, twin)
        };
        let ((mut here, twin), (mut there, twin_there)) = (device(&one), device(&another));
        here.draw = drawn(seeds.0, &assignments);
        there.draw = drawn(seeds.1, &[(1, 2)]);
        let draw = if assignments.is_empty() || seeds.0.is_none() { seeds.1.map_or(here.draw.clone(), |_| there.draw.clone()) } else { here.draw.clone() };
        let before = here.clone();
        here.merge(&grant, &there);
        let both = twin.merge(&twin_there);
        prop_assert_eq!(here.events(), &both.events);
        prop_assert_eq!(here.aggregates().collect::<Vec<_>>(), both.folded);
        prop_assert_eq!(&here.draw, &draw);
        prop_assert_eq!(&Profile::decode(&grant, &here.encode(&grant)).unwrap(), &here);

        let once = here.clone();
        here.merge(&grant, &there);
        prop_assert_eq!(&here, &once, "what is taken in twice counts once");
        here.merge(&grant, &before);
        prop_assert_eq!(&here, &once, "and so does what was there");
        let mut empty = Profile::default();
        empty.merge(&grant, &there);
        prop_assert_eq!(empty, there, "a new device has what the other had");
    }

    #[test]
    fn any_profiles_are_merged_once(here in events(256), there in events(256), rows in proptest::collection::vec(any::<(u8, u32, u8)>(), 0..300)) {
        let grant = consent().grant().unwrap();
        let [mut here, mut there] = [here, there].map(|events| profile(&events));
        let mut rows: Vec<Event> = rows.into_iter().map(|(item, at, kind)| Event { item: ItemHash(item.into()), at, kind: EventKind::ALL[usize::from(kind % 9)] }).collect();
        rows.sort_by_key(|row| (row.item, row.kind));
        rows.dedup_by_key(|row| (row.item, row.kind));
        rows.sort_by_key(|row| row.at >> 16);
        there.folded.extend(rows.iter().copied().take(256));
        here.folded.extend(rows.iter().copied().step_by(2).take(128));
        here.merge(&grant, &there);
        let once = here.clone();
        here.merge(&grant, &there);
        prop_assert_eq!(&here, &once);
        prop_assert_eq!(&Profile::restore(&grant, &here.held()).unwrap(), &here);
    }
}

#[test]
fn what_a_device_counted_since_it_was_merged_is_not_counted_twice() {
    let grant = consent().grant().unwrap();
    let view = |item: u64, day: u32| Event {
        item: ItemHash(item),
        at: day * DAY,
        ..Event::default()
    };
    let mut phone = profile(&(0..10).map(|day| view(7, day)).collect::<Vec<_>>());
    let mut laptop = profile(&[view(7, 3)]);
    laptop.merge(&grant, &phone);
    assert_eq!(laptop.events().len(), 10);
    // The phone folds the ten, which the laptop has room for.
    (0..MAX_EVENTS as u64).for_each(|n| phone.record(&grant, view(1_000 + n, 20)));
    assert_eq!(phone.aggregates().map(|aggregate| aggregate.count).sum::<u32>(), 10);
    (10..15).for_each(|day| laptop.record(&grant, view(7, day)));
    laptop.merge(&grant, &phone);
    let of_it = |profile: &Profile| {
        let events = profile.events().iter().filter(|event| event.item.0 == 7).count() as u32;
        let folded = profile.aggregates().filter(|aggregate| aggregate.item.0 == 7);
        events + folded.map(|aggregate| aggregate.count).sum::<u32>()
    };
    assert_eq!(of_it(&laptop), 15);
    // What both have counted on days of their own is the sum.
    let counts = |days: std::ops::Range<u32>| {
        let many: Vec<_> = days.map(|day| view(7, day)).collect();
        let mut profile = profile(&many);
        (0..MAX_EVENTS as u64).for_each(|n| profile.record(&grant, view(1_000 + n, 50)));
        profile
    };
    let (mut one, another) = (counts(0..4), counts(10..13));
    one.merge(&grant, &another);
    assert_eq!(of_it(&one), 7);
}
