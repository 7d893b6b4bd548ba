//! Deltas: a base and its delta make the target, byte for byte, and anything else is an error.

use crate::support::changes::{apply, change, delta, pair, Change, NONE};
use crate::support::{builder, id, Rng};
use pocketrank::{item_hash, Delta, PatchKind, Snapshot};
use proptest::prelude::*;

/// A pair of which one row in a hundred changes, with all sections.
fn small() -> (Vec<u8>, Vec<u8>) {
    let change = Change {
        seed: 7,
        share: 10,
        added: 3,
        ..NONE
    };
    pair(2_000, change)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_base_and_its_delta_make_the_target(items in 1usize..300, change in change()) {
        let (base, target) = pair(items, change);
        let untouched = base.clone();
        let bytes = delta(&base, &target);
        prop_assert_eq!(&bytes, &delta(&base, &target));
        let opened = Delta::open(&bytes).unwrap();
        let made = opened.apply(&Snapshot::open(base.as_slice()).unwrap()).unwrap();
        prop_assert!(made == target && made.capacity() == target.len());
        prop_assert_eq!(&base, &untouched);
        let snapshot = Snapshot::open(target.as_slice()).unwrap();
        prop_assert_eq!(opened.base(), Snapshot::open(&base).unwrap().id());
        prop_assert_eq!((opened.target(), opened.target_length(), opened.items()), (snapshot.id(), target.len(), snapshot.items()));
        let sections: Vec<_> = opened.patches().map(|patch| (patch.section, patch.length)).collect();
        prop_assert_eq!(sections, snapshot.sections().collect::<Vec<_>>());
        for patch in opened.patches() {
            prop_assert!(patch.bytes.len() <= patch.length);
            prop_assert!(patch.kind == PatchKind::Rows || patch.rows() == 0);
        }
    }

    #[test]
    fn there_and_back_again(items in 1usize..200, change in change()) {
        let (base, target) = pair(items, change);
        prop_assert_eq!(apply(&target, &delta(&target, &base)).unwrap(), base);
    }

    #[test]
    fn a_delta_cut_short_or_with_more_behind_is_refused(at in any::<prop::sample::Index>(), more in any::<u8>()) {
        let (base, target) = pair(40, Change { seed: 3, share: 200, added: 2, replaced: true, blend: true, ..NONE });
        let bytes = delta(&base, &target);
        prop_assert_eq!(apply(&base, &bytes[..at.index(bytes.len())]).unwrap_err().code(), "truncated");
        prop_assert_eq!(apply(&base, &[&bytes[..], &[more]].concat()).unwrap_err().code(), "corrupt");
    }

    #[test]
    fn damage_never_panics(seed in 0..4u64, damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let change = Change { seed, share: 300, added: 4, dropped: 1, replaced: true, ..NONE };
        let (base, target) = pair(60, change);
        let mut bytes = delta(&base, &target);
        for (at, byte) in damage {
            let len = bytes.len();
            bytes[80 + at.index(len - 80)] = byte;
        }
        match apply(&base, &bytes) {
            Ok(made) => prop_assert_eq!(made, target),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    /// A base that nobody verified may say anything behind its header.
    #[test]
    fn a_damaged_base_never_panics(seed in 0..4u64, damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let change = Change { seed, share: 300, added: 4, dropped: 1, replaced: true, ..NONE };
        let (mut base, target) = pair(60, change);
        let bytes = delta(&base, &target);
        for (at, byte) in damage {
            let len = base.len();
            base[48 + at.index(len - 48)] = byte;
        }
        match apply(&base, &bytes) {
            Ok(made) => prop_assert_eq!(made, target),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn random_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (base, _) = pair(10, NONE);
        prop_assert!(apply(&base, &bytes).is_err());
        prop_assert!(apply(&base, &[b"PKRD\x01\0", &bytes[..]].concat()).is_err());
    }
}

#[test]
fn every_flipped_bit_is_found() {
    for seed in 0..3 {
        let change = Change {
            seed,
            share: 100,
            added: 4,
            replaced: true,
            blend: true,
            ..NONE
        };
        let (base, target) = pair(60, change);
        let good = delta(&base, &target);
        for bit in 0..8 * good.len() {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let made = apply(&base, &bytes);
            assert!(made.is_err(), "bit {bit} of seed {seed}");
        }
    }
}

#[test]
fn a_small_change_makes_a_small_delta() {
    let (base, target) = small();
    let bytes = delta(&base, &target);
    let opened = Delta::open(&bytes).unwrap();
    let table: Vec<_> = opened
        .patches()
        .map(|patch| {
            (
                patch.section.name(),
                patch.kind.name(),
                patch.rows(),
                patch.bytes.len(),
                patch.length,
            )
        })
        .collect();
    println!("{} of {} bytes: {table:?}", bytes.len(), target.len());
    assert!(bytes.len() < target.len() / 50, "{} of {}", bytes.len(), target.len());
    // The same again is nothing but the header and the table.
    let same = delta(&base, &base);
    assert_eq!(same.len(), 80 + 13 * table.len());
    assert!(Delta::open(&same)
        .unwrap()
        .patches()
        .all(|patch| patch.kind == PatchKind::Kept));
}

#[test]
fn another_base_is_refused_by_name() {
    let (base, target) = small();
    let bytes = delta(&base, &target);
    let error = apply(&target, &bytes).unwrap_err();
    let [base, target] = [&base, &target].map(|bytes| Snapshot::open(bytes).unwrap().id());
    assert_eq!(error.code(), "other_base");
    assert_eq!(
        error.to_string(),
        format!(
            "delta: changes snapshot {base}, this is {target}; fetch the delta for this one, or the whole snapshot"
        )
    );
}

#[test]
fn other_versions_and_kinds_are_named() {
    let (base, target) = small();
    let good = delta(&base, &target);
    let mut newer = good.clone();
    newer[4] = 2;
    assert_eq!(Delta::open(&newer).unwrap_err().code(), "version");
    assert_eq!(Delta::open(&base).unwrap_err().code(), "magic");
    // More than base and delta account for is refused before it is reserved.
    let mut endless = good;
    endless[8..12].fill(0xff);
    assert_eq!(Delta::open(&endless).unwrap_err().code(), "corrupt");
}

/// Rows of the index take 2 bytes to 65,536 items, and 4 beyond.
#[test]
fn a_catalogue_may_grow_over_65536_items() {
    let model = |items: usize| {
        let mut model = builder(&mut Rng(9), 40);
        model.ids = (0..items).map(id).collect();
        (model.prior, model.attributes, model.factors, model.content) = (vec![], vec![], None, None);
        model.neighbours = vec![vec![]; items];
        model.neighbours[items - 1] = vec![(7, 1.0)];
        model.build().unwrap()
    };
    let (base, target) = (model(65_530), model(65_540));
    let bytes = delta(&base, &target);
    let made = apply(&base, &bytes).unwrap();
    assert_eq!(made, target);
    assert_eq!(Snapshot::open(made).unwrap().row(item_hash(&id(65_539))), Some(65_539));
    assert!(bytes.len() < 500, "{}", bytes.len());
}

/// What a page carries can be patched as well.
#[test]
fn a_slice_has_deltas_too() {
    let (base, target) = small();
    let slice = |bytes: &[u8]| {
        let snapshot = Snapshot::open(bytes).unwrap();
        snapshot.slice((0..40).map(|row| item_hash(&id(row)))).unwrap()
    };
    let (base, target) = (slice(&base), slice(&target));
    assert_eq!(apply(&base, &delta(&base, &target)).unwrap(), target);
}
