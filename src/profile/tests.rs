//! Laws of the profile, and a plain twin of what falls out when it is full.

use super::*;
use crate::aggregate::{MAX_COUNT, MAX_SPAN};
use crate::consent::{Choice, Consent, Mode, Signals};
use crate::lot::{Kept, LOTS};
use proptest::prelude::*;

pub(crate) fn consent() -> Consent {
    let choice = Some(Choice {
        mode: Mode::Persistent,
        capsule: true,
    });
    Consent::decide(&Signals {
        choice,
        ..Signals::default()
    })
}

pub(crate) fn events(max: usize) -> impl Strategy<Value = Vec<Event>> {
    let event = (any::<u64>(), any::<u32>(), 0..9u8).prop_map(|(item, at, kind)| Event {
        item: ItemHash(item),
        at,
        kind: EventKind::from_number(kind).unwrap(),
    });
    proptest::collection::vec(event, 0..max)
}

/// Visitors who come back to some items in a hundred days or so.
pub(crate) fn returns(max: usize, items: u64) -> impl Strategy<Value = Vec<Event>> {
    let event = (0..items, 0..120 * DAY, 0..9u8, 0..8u8).prop_map(|(item, at, kind, late)| (item, at, kind, late));
    proptest::collection::vec(event, 0..max).prop_map(|mut events| {
        // Nearly in the order of time, as they come.
        events.sort_by_key(|(_, at, _, late)| if *late == 0 { at / 2 } else { *at });
        let event = |(item, at, kind, _)| Event {
            item: ItemHash(item),
            at: 20_000 * DAY + at,
            kind: EventKind::from_number(kind).unwrap(),
        };
        events.into_iter().map(event).collect()
    })
}

/// The definition of a bounded profile.
#[derive(Default)]
pub(super) struct Twin {
    pub(super) events: Vec<Event>,
    pub(super) folded: Vec<Aggregate>,
}

impl Twin {
    pub(super) fn record(&mut self, event: Event) {
        let shown = self
            .events
            .iter()
            .position(|event| event.kind == EventKind::ViewItemList);
        let is_full = self.events.len() == 256;
        let shown = shown.filter(|_| is_full).map(|at| self.events.remove(at));
        self.events.push(event);
        self.events.sort_by_key(|event| event.at);
        if !is_full || shown.is_some() {
            return;
        }
        let shown = self
            .events
            .iter()
            .position(|event| event.kind == EventKind::ViewItemList);
        let out = self.events.remove(shown.unwrap_or(0));
        if shown.is_none() {
            self.fold(out);
        }
    }

    pub(super) fn fold(&mut self, event: Event) {
        let day = event.at / DAY;
        let known = self
            .folded
            .iter()
            .position(|known| (known.item, known.kind) == (event.item, event.kind));
        let known = known.map(|at| self.folded.remove(at));
        let (first, last, count) = known.map_or((day, day, 0), |known| (known.first, known.last, known.count));
        let Event { item, kind, .. } = event;
        let (first, last, count) = (first.min(day), last.max(day), (count + 1).min(64));
        self.folded.push(Aggregate {
            item,
            kind,
            first,
            last,
            count,
        });
        self.folded.sort_by_key(|aggregate| aggregate.last);
        if self.folded.len() > 256 {
            self.folded.remove(0);
        }
    }

    fn forget_before(&mut self, day: u32) {
        self.events.retain(|event| event.at >= day * DAY);
        self.folded.retain(|aggregate| aggregate.last >= day);
        for Aggregate { first, last, count, .. } in &mut self.folded {
            if *first < day {
                let apart = f64::from(*last - *first) / f64::from(*count - 1);
                let of = |n: u32| f64::from(*first) + f64::from(n) * apart;
                let gone = (0..*count).find(|n| of(*n) > f64::from(day) - 1e-9).unwrap();
                *first = (of(gone) + 1e-9).round() as u32;
                *count -= gone;
            }
        }
    }
}

pub(crate) fn profile(events: &[Event]) -> Profile {
    let grant = consent().grant().unwrap();
    let mut profile = Profile::default();
    events.iter().for_each(|event| profile.record(&grant, *event));
    profile
}

pub(crate) fn kept() -> impl Strategy<Value = Vec<(u32, u32)>> {
    proptest::collection::vec((0..30u32, any::<u32>()), 0..40)
}

pub(crate) fn drawn(seed: Option<u32>, kept: &[(u32, u32)]) -> Draw {
    let Some(seed) = seed else { return Draw::default() };
    let mut draw = Draw::new(seed);
    for (experiment, variation) in kept.iter().copied() {
        draw.keep(Kept { experiment, variation });
    }
    draw
}

proptest! {
    #[test]
    fn decode_inverts_encode(events in events(300), seed in proptest::option::of(any::<u32>()), kept in kept()) {
        let grant = consent().grant().unwrap();
        let mut profile = profile(&events);
        profile.draw = drawn(seed, &kept);
        let version = if profile.folded.is_empty() { 1 + u8::from(seed.is_some()) } else { 3 };
        prop_assert_eq!(profile.encode(&grant)[4], version);
        prop_assert_eq!(profile.events().len(), events.len().min(MAX_EVENTS));
        prop_assert!(profile.events().windows(2).all(|w| w[0].at <= w[1].at));
        prop_assert_eq!(Profile::restore(&grant, &profile.held()).unwrap(), profile.clone());
        prop_assert_eq!(Profile::decode(&grant, &profile.encode(&grant)).unwrap(), profile);
    }

    #[test]
    fn what_falls_out_is_folded_as_a_plain_twin_says(events in returns(900, 60), day in 19_990..20_110u32) {
        let grant = consent().grant().unwrap();
        let (mut profile, mut twin) = (Profile::default(), Twin::default());
        for (n, event) in events.iter().enumerate() {
            profile.record(&grant, *event);
            twin.record(*event);
            if n % 300 == 299 {
                profile = Profile::decode(&grant, &profile.encode(&grant)).unwrap();
            }
        }
        prop_assert_eq!(profile.events(), &twin.events);
        prop_assert_eq!(profile.aggregates().collect::<Vec<_>>(), twin.folded.clone());
        prop_assert_eq!(&Profile::decode(&grant, &profile.encode(&grant)).unwrap(), &profile);
        prop_assert_eq!(&Profile::restore(&grant, &profile.held()).unwrap(), &profile);

        profile.forget_before(day);
        twin.forget_before(day);
        prop_assert_eq!(profile.events(), &twin.events);
        prop_assert_eq!(profile.aggregates().collect::<Vec<_>>(), twin.folded);
        prop_assert!(profile.aggregates().all(|aggregate| aggregate.first >= day));
        let before = profile.clone();
        profile.forget_before(day);
        prop_assert_eq!(&profile, &before, "once is enough");
        prop_assert_eq!(&Profile::decode(&grant, &profile.encode(&grant)).unwrap(), &profile);
    }

    #[test]
    fn any_rows_are_read_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), count in 0..9u8, kinds in 0..12u8) {
        let grant = consent().grant().unwrap();
        // So that it gets behind magic, version and kinds often enough.
        for (at, byte) in b"PKPR\x03\x00".iter().chain(&[count, 0]).enumerate() {
            bytes.get_mut(at).into_iter().for_each(|to| *to = *byte);
        }
        bytes.iter_mut().skip(20).step_by(13).for_each(|kind| *kind %= kinds + 1);
        if let Ok(mut profile) = Profile::restore(&grant, &bytes) {
            let sound = |a: Aggregate| a.first <= a.last && (1..=64).contains(&a.count);
            prop_assert!(profile.aggregates().all(sound));
            profile.forget_before(20_000);
            prop_assert_eq!(&Profile::restore(&grant, &profile.held()).unwrap(), &profile);
        }
    }

    #[test]
    fn damage_is_an_error(
        events in events(40),
        seed in proptest::option::of(any::<u32>()),
        kept in kept(),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let grant = consent().grant().unwrap();
        let mut profile = profile(&events);
        profile.draw = drawn(seed, &kept);
        let bytes = profile.encode(&grant);
        let at = at.index(bytes.len());
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        prop_assert!(Profile::decode(&grant, &flipped).is_err());
        prop_assert!(Profile::decode(&grant, &bytes[..at]).is_err());
    }

    #[test]
    fn random_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Profile::decode(&consent().grant().unwrap(), &bytes).is_err());
    }
}

/// What each version wrote, read for ever; each was written by the runtime of its day.
#[test]
fn profiles_of_every_version_are_read() {
    let grant = consent().grant().unwrap();
    let kinds = |n: usize| EventKind::ALL[n % 9];
    let event = |n: usize| Event {
        item: crate::item_hash(&format!("sku-{}", n % 37)),
        at: 1_700_000_000 + n as u32 * 7_000,
        kind: kinds(n),
    };
    let golden: [(&[u8], usize); 3] = [
        (include_bytes!("../../tests/fixtures/visitor-v1.profile"), 12),
        (include_bytes!("../../tests/fixtures/visitor-v2.profile"), 12),
        (include_bytes!("../../tests/fixtures/visitor-v3.profile"), 700),
    ];
    for (version, (bytes, count)) in (1..).zip(golden) {
        let mut expected = profile(&(0..count).map(event).collect::<Vec<_>>());
        if version > 1 {
            expected.draw_lot(&grant, 0xabc);
            expected.draw.keep(Kept {
                experiment: 0x0403_0201,
                variation: 0x0807_0605,
            });
        }
        assert_eq!(bytes[4], version);
        assert_eq!(Profile::decode(&grant, bytes).unwrap(), expected);
        assert_eq!(expected.encode(&grant), bytes);
    }
}

#[test]
fn a_lot_has_twelve_bits_and_ends_with_the_profile() {
    let grant = consent().grant().unwrap();
    let mut profile = Profile::default();
    assert_eq!(profile.lot(), None);
    profile.draw_lot(&grant, 0xabcd_e123);
    assert_eq!(profile.lot().map(Lot::number), Some(0x123));
    profile.draw.keep(Kept {
        experiment: 1,
        variation: 2,
    });
    let kept = profile.drawn().to_vec();
    let mut again = Profile::default();
    again.keep_drawn(&grant, &kept).unwrap();
    assert_eq!(again, Profile::default(), "of another lot");
    again.draw_lot(&grant, 0x123);
    again.keep_drawn(&grant, &kept).unwrap();
    assert_eq!(again, profile);
    assert!(again.keep_drawn(&grant, &kept[..10]).is_err() && again == profile);
    again.keep_drawn(&grant, &[0x23, 1, 0]).unwrap();
    profile.draw_lot(&grant, 0x123);
    assert_eq!(again, profile, "what is kept no more is nowhere");
    profile.draw_lot(&grant, u32::MAX);
    assert_eq!(profile.lot().map(Lot::number), Some(LOTS - 1));
    assert_eq!(profile.draw.kept().count(), 0);
    profile.erase();
    assert_eq!(profile, Profile::default());
}

#[test]
fn a_full_profile_folds_its_oldest() {
    let many: Vec<Event> = (0..MAX_EVENTS as u32 + 5)
        .map(|at| Event { at, ..Event::default() })
        .collect();
    let profile = profile(&many);
    assert_eq!(profile.events().first().unwrap().at, 5);
    assert_eq!(profile.events().len(), MAX_EVENTS);
    let aggregates: Vec<Aggregate> = profile.aggregates().collect();
    assert_eq!(
        aggregates,
        [Aggregate {
            count: 5,
            ..Aggregate::of(many[0])
        }]
    );
}

#[test]
fn a_profile_is_bounded_whatever_happens() {
    let grant = consent().grant().unwrap();
    let mut profile = Profile {
        draw: drawn(Some(1), &(0..40).map(|n| (n, n)).collect::<Vec<_>>()),
        ..Profile::default()
    };
    for at in 0..20_000 {
        let item = ItemHash(u64::from(at) * 77);
        let kind = EventKind::ALL[1 + at as usize % 8];
        profile.record(
            &grant,
            Event {
                item,
                at: at * 3_600,
                kind,
            },
        );
    }
    assert_eq!((profile.events().len(), profile.aggregates().count()), (256, 256));
    // The aggregates of which the last event is the newest are left: those just before the events.
    assert_eq!(profile.aggregates().next().unwrap().item, ItemHash((20_000 - 512) * 77));
    assert_eq!(profile.encode(&grant).len(), 6_805);
}

#[test]
fn the_counts_of_an_aggregate_end_where_their_bits_do() {
    let mut many: Vec<Event> = (0..70).map(|at| Event { at, ..Event::default() }).collect();
    many.push(Event {
        at: 1_500 * DAY,
        ..Event::default()
    });
    many.extend((0..MAX_EVENTS as u32).map(|n| Event {
        at: 2_000 * DAY,
        item: ItemHash(n.into()),
        kind: EventKind::Purchase,
    }));
    let aggregates: Vec<Aggregate> = profile(&many).aggregates().collect();
    assert_eq!(
        aggregates,
        [Aggregate {
            first: 1_500 - MAX_SPAN,
            last: 1_500,
            count: MAX_COUNT,
            ..Aggregate::of(many[0])
        }]
    );
}

/// Rows with the most that they can tell.
fn aggregate(first: u32, last: u32, count: u32) -> Profile {
    let row = Aggregate {
        first,
        last,
        count,
        ..Aggregate::of(Event::default())
    };
    Profile::from_ordered(std::iter::empty(), std::iter::once(row.row()))
}

proptest! {
    #[test]
    fn a_profile_that_is_read_every_day_keeps_about_what_one_keeps_that_is_read_once(
        span in 1..=MAX_SPAN, count in 2..=MAX_COUNT, until in any::<prop::sample::Index>(),
    ) {
        let until = 20_000 + until.index(span as usize) as u32 + 1;
        let (mut daily, mut once) = (aggregate(20_000, 20_000 + span, count), aggregate(20_000, 20_000 + span, count));
        (20_000..=until).for_each(|day| daily.forget_before(day));
        once.forget_before(until);
        let [daily, once] = [daily, once].map(|profile| profile.aggregates().next().unwrap());
        prop_assert!(daily.first >= until && once.first >= until);
        prop_assert!(daily.count.abs_diff(once.count) <= 1 + count / 8, "{daily:?} {once:?}");
        // And neither more nor less than the days have of it.
        let kept = f64::from((count - 1) * (20_000 + span - until)) / f64::from(span);
        prop_assert!((f64::from(once.count) - 1.0 - kept).abs() < 1.0, "{once:?} {kept}");
    }
}

#[test]
fn what_a_wrong_clock_put_into_the_future_is_of_now() {
    let grant = consent().grant().unwrap();
    let now = 20_000 * DAY + 5;
    let many: Vec<Event> = (0..300)
        .map(|n| Event {
            item: ItemHash(u64::from(n) % 3),
            at: now - 40 * DAY + n * DAY / 2,
            ..Event::default()
        })
        .collect();
    let mut kept = profile(&many);
    let times: Vec<u32> = kept.events().iter().map(|event| event.at.min(now)).collect();
    let before: Vec<Aggregate> = kept.aggregates().collect();
    kept.end_by(now - 30 * DAY);
    for (was, is) in before.iter().zip(kept.aggregates()) {
        let today = now / DAY - 30;
        assert_eq!(
            (is.first, is.last, is.count),
            (was.first.min(today), was.last.min(today), was.count)
        );
    }
    assert!(before.iter().any(|aggregate| aggregate.last > now / DAY - 30));
    let mut kept = profile(&many);
    kept.end_by(now);
    assert_eq!(kept.events().iter().map(|event| event.at).collect::<Vec<_>>(), times);
    assert!(times.last() == Some(&now) && times[0] < now);
    assert_eq!(Profile::decode(&grant, &kept.encode(&grant)).unwrap(), kept);
    kept.forget_before(now / DAY + 1);
    assert_eq!(kept.events(), [], "and ages like the rest");
}

#[test]
fn impressions_do_not_push_out_what_was_wanted() {
    let event = |at, kind| Event {
        at,
        kind,
        ..Event::default()
    };
    let mut many = vec![event(0, EventKind::Purchase)];
    many.extend((1..1_000).map(|at| event(at, EventKind::ViewItemList)));
    let profile = profile(&many);
    assert_eq!(profile.events().len(), MAX_EVENTS);
    assert_eq!(profile.events()[0], many[0]);
    assert_eq!(profile.events()[255], many[999]);
}
