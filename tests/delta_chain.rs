//! Chains of deltas: what they make in one pass is what they make one after another.

use crate::support::changes::{apply, change, delta, history, Change, NONE};
use pocketrank::{Delta, Error, Snapshot};
use proptest::prelude::*;
use proptest::sample::Index;

fn chain(base: &[u8], deltas: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let opened = deltas.iter().map(|delta| Delta::open(delta));
    Delta::apply_chain(&Snapshot::open(base)?, &opened.collect::<Result<Vec<_>, _>>()?)
}

/// What leads from each snapshot to the next.
fn deltas(history: &[Vec<u8>]) -> Vec<Vec<u8>> {
    history.windows(2).map(|pair| delta(&pair[0], &pair[1])).collect()
}

/// Four publications in which something of each kind changes, rows come and go among them.
fn short() -> Vec<Vec<u8>> {
    let of = |seed, added, dropped| Change {
        seed,
        share: 300,
        added,
        dropped,
        replaced: true,
        blend: true,
        ..NONE
    };
    history(40, &[of(1, 3, 0), of(2, 0, 5), of(3, 4, 1)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_chain_makes_what_its_deltas_make_one_after_another(
        items in 1usize..120,
        changes in proptest::collection::vec(change(), 1..7),
        drops in proptest::collection::vec(0usize..30, 7),
    ) {
        let changes: Vec<_> = changes.into_iter().zip(drops).map(|(change, more)| Change { dropped: change.dropped + more / 8 * 4, ..change }).collect();
        let history = history(items, &changes);
        let deltas = deltas(&history);
        for start in 0..deltas.len() {
            for end in start + 1..=deltas.len() {
                let mut one_by_one = history[start].clone();
                for delta in &deltas[start..end] {
                    one_by_one = apply(&one_by_one, delta).unwrap();
                }
                prop_assert!(one_by_one == history[end]);
                let untouched = history[start].clone();
                let made = chain(&history[start], &deltas[start..end]).unwrap();
                prop_assert!(made == history[end], "from {start} to {end}");
                prop_assert_eq!(made.capacity(), made.len());
                prop_assert!(history[start] == untouched);
            }
        }
    }

    /// Gaps, repetitions, another order, another base.
    #[test]
    fn only_what_follows_on_one_another_is_a_chain(start in 0..4usize, links in proptest::collection::vec(0..3usize, 1..5)) {
        let history = short();
        let deltas = deltas(&history);
        let chosen: Vec<_> = links.iter().map(|link| deltas[*link].clone()).collect();
        let follows = links.iter().zip(start..).all(|(link, expected)| *link == expected);
        match chain(&history[start], &chosen) {
            Ok(made) => prop_assert!(follows && made == history[start + links.len()]),
            Err(error) => prop_assert!(!follows && error.code() == "other_base", "{error}"),
        }
    }

    #[test]
    fn damage_never_makes_anything_else(damage in proptest::collection::vec((0..3usize, any::<Index>(), any::<u8>()), 1..8)) {
        let history = short();
        let mut deltas = deltas(&history);
        for (link, at, byte) in damage {
            let length = deltas[link].len();
            deltas[link][80 + at.index(length - 80)] = byte;
        }
        match chain(&history[0], &deltas) {
            Ok(made) => prop_assert!(made == history[3]),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    /// A base that nobody verified may say anything behind its header.
    #[test]
    fn a_damaged_base_makes_nothing_else(damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..8)) {
        let history = short();
        let mut base = history[0].clone();
        for (at, byte) in damage {
            let length = base.len();
            base[48 + at.index(length - 48)] = byte;
        }
        match chain(&base, &deltas(&history)) {
            Ok(made) => prop_assert!(made == history[3]),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn a_flipped_bit_never_makes_anything_else() {
    let history = short();
    let good = deltas(&history);
    for link in 0..good.len() {
        for bit in 0..8 * good[link].len() {
            let mut deltas = good.clone();
            deltas[link][bit / 8] ^= 1 << (bit % 8);
            match chain(&history[0], &deltas) {
                // What a later delta writes anew, or takes away, may have been anything before.
                Ok(made) => assert!(made == history[3] && link < 2, "bit {bit} of delta {link}"),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn a_link_that_is_missing_is_named() {
    let history = short();
    let deltas = deltas(&history);
    let id = |at: usize| Snapshot::open(&history[at]).unwrap().id();
    let error = chain(&history[0], &[deltas[0].clone(), deltas[2].clone()]).unwrap_err();
    assert_eq!(
        error,
        Error::OtherBase {
            expected: id(2).0,
            got: id(1).0
        }
    );
    assert_eq!(chain(&history[0], &[]).unwrap_err().code(), "corrupt");
}

/// All of them go, so that what comes back has nothing of what was there.
#[test]
fn rows_that_went_come_back_as_new_ones() {
    let of = |added, dropped, share| Change {
        seed: 5,
        added,
        dropped,
        share,
        ..NONE
    };
    let history = history(50, &[of(0, 45, 500), of(30, 0, 500), of(0, 10, 500), of(40, 0, 0)]);
    assert!(chain(&history[0], &deltas(&history)).unwrap() == history[4]);
}

/// A section may go, come back as a whole, and be patched from there.
#[test]
fn sections_that_went_come_back() {
    let of = |target| Change {
        seed: 6,
        share: 200,
        added: 1,
        target,
        ..NONE
    };
    for sections in 0..31 {
        let history = history(50, &[of(sections), of(31), of(31), of(31)]);
        assert!(chain(&history[0], &deltas(&history)).unwrap() == history[4]);
    }
}
