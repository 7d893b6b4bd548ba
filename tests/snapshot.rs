//! The format: what is packed opens, verifies and reads back; what is damaged says so and never panics.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use pocketrank::{item_hash, Candidates, Options, Ranker, Section, Snapshot, NO_ROW};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use support::{builder, events, id, profile, Rng, NOW};

fn packed(seed: u64, items: usize) -> Vec<u8> {
    builder(&mut Rng(seed), items).build().unwrap()
}

/// Uses everything that a host uses; must end, whatever the bytes.
fn use_all(bytes: &[u8]) -> Result<(), pocketrank::Error> {
    let snapshot = Snapshot::open(bytes)?;
    let _ = snapshot.labels();
    let mut ranker = Ranker::new(snapshot);
    ranker.set_profile(&profile(&events(&mut Rng(1), 30, 50)), NOW);
    let candidates = Candidates::from_rows((0..60).chain([NO_ROW, 1 << 20]).collect());
    let options = Options {
        count: 10,
        diversity: 0.4,
        exclude_purchased: true,
        ..Options::default()
    };
    let rows: Vec<u32> = ranker
        .rerank(&candidates, &options)
        .iter()
        .map(|ranked| ranked.row)
        .collect();
    rows.into_iter().for_each(|row| drop(ranker.explain(row)));
    Ok(())
}

/// Writes the hash that fits the content, so that damage reaches the checks behind it.
fn rehash(bytes: &mut [u8]) {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(&bytes[..16])
        .chain_update(&bytes[48..])
        .finalize()
        .into();
    bytes[16..48].copy_from_slice(&hash);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn packing_is_deterministic_and_reads_back(seed in any::<u64>(), items in 0usize..300) {
        let model = builder(&mut Rng(seed), items);
        let bytes = model.clone().build().unwrap();
        prop_assert_eq!(&bytes, &model.clone().build().unwrap());
        let snapshot = Snapshot::open(&bytes).unwrap();
        snapshot.verify().unwrap();
        prop_assert_eq!(snapshot.items() as usize, items);
        prop_assert_eq!(snapshot.blend().rows.clone(), model.blend.rows);
        let sum: usize = snapshot.sections().map(|(_, len)| len).sum();
        prop_assert!(sum <= bytes.len() && bytes.len() < sum + 200);
        if items > 0 {
            prop_assert_eq!(snapshot.labels().unwrap(), model.labels);
        }
        for row in 0..items {
            prop_assert_eq!(snapshot.row(item_hash(&id(row))), Some(row as u32));
            prop_assert_eq!(snapshot.prior().unwrap().get(row as u32), Some(model.prior[row]));
            prop_assert_eq!(snapshot.attributes().unwrap().get(row as u32), Some(model.attributes[row]));
            let neighbours = snapshot.neighbours().unwrap().row(row as u32).unwrap();
            let max = model.neighbours[row].iter().fold(0f32, |max, (_, weight)| max.max(*weight));
            for (target, weight) in &model.neighbours[row] {
                let level = f32::from(neighbours.level(*target));
                let back = level * f32::from(neighbours.scale) * snapshot.blend().neighbour_unit;
                // Square-root codes: half a step of 1/255 on the scale of roots, and a scale of 16 bits.
                prop_assert!((back.sqrt() - weight.sqrt()).abs() <= max.sqrt() * 0.012, "{weight} became {back}");
            }
        }
        prop_assert_eq!(snapshot.row(item_hash("none of them")), None);
        prop_assert!(snapshot.prior().is_none_or(|prior| prior.get(items as u32).is_none()));
    }

    #[test]
    fn a_flipped_bit_is_found(seed in 0u64..4, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = packed(seed, 60);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let _ = use_all(&bytes);
        let error = Snapshot::open(&bytes[..]).and_then(|snapshot| snapshot.verify()).unwrap_err();
        prop_assert!(!error.to_string().is_empty() && !error.code().is_empty());
    }

    #[test]
    fn damage_behind_the_checksum_never_panics(
        seed in 0u64..4,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = packed(seed, 60);
        let len = bytes.len();
        for (at, byte) in damage {
            bytes[48 + at.index(len - 48)] = byte;
        }
        rehash(&mut bytes);
        let _ = use_all(&bytes);
        let _ = Snapshot::open(&bytes[..]).and_then(|snapshot| snapshot.verify());
    }

    #[test]
    fn a_snapshot_cut_short_says_so(seed in 0u64..4, at in any::<prop::sample::Index>()) {
        let bytes = packed(seed, 60);
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_eq!(use_all(cut).unwrap_err().code(), "truncated");
    }

    #[test]
    fn random_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(use_all(&bytes).is_err());
    }
}

#[test]
fn every_section_can_be_asked_for_its_size() {
    let bytes = packed(3, 100);
    let snapshot = Snapshot::open(&bytes).unwrap();
    let sections: Vec<_> = snapshot.sections().map(|(section, _)| section).collect();
    assert_eq!(sections, Section::ALL);
}

#[test]
fn other_versions_and_kinds_are_named() {
    let good = packed(5, 10);
    let mut newer = good.clone();
    newer[4] = 2;
    assert_eq!(
        Snapshot::open(&newer).unwrap_err().to_string(),
        "snapshot: format version 2, this build reads 1 to 1; update pocketrank or pack again"
    );
    let mut other = good.clone();
    other[..4].copy_from_slice(b"PK\x03\x04");
    assert_eq!(Snapshot::open(&other).unwrap_err().code(), "magic");
    let mut longer = good;
    longer.push(0);
    assert_eq!(Snapshot::open(&longer).unwrap_err().code(), "corrupt");
}

#[test]
fn rows_above_65536_take_four_bytes() {
    let items = 70_000;
    let mut model = builder(&mut Rng(9), 40);
    model.ids = (0..items).map(id).collect();
    (model.prior, model.attributes) = (vec![], vec![]);
    model.neighbours = vec![vec![]; items];
    model.neighbours[69_999] = vec![(69_998, 0.5), (7, 1.0)];
    let bytes = model.build().unwrap();
    let snapshot = Snapshot::open(&bytes).unwrap();
    let row = snapshot.row(item_hash(&id(69_999))).unwrap();
    assert_eq!(row, 69_999);
    let mut levels = vec![];
    snapshot
        .neighbours()
        .unwrap()
        .row(row)
        .unwrap()
        .for_each(|target, level| levels.push((target, level)));
    assert_eq!(levels, [(7, 2047), (69_998, 1020)]);
}

#[test]
fn an_unpackable_model_is_refused() {
    let model = || builder(&mut Rng(2), 20);
    let code = |model: pocketrank::pack::SnapshotBuilder| model.build().unwrap_err().code();
    let mut twice = model();
    twice.ids[3] = twice.ids[4].clone();
    assert_eq!(code(twice), "duplicate_item");
    for weight in [f32::NAN, f32::INFINITY, 0.0, -1.0] {
        let mut bad = model();
        bad.neighbours[2] = vec![(1, weight)];
        assert_eq!(code(bad), "weight");
    }
    let mut itself = model();
    itself.neighbours[2] = vec![(2, 1.0)];
    assert_eq!(code(itself), "corrupt");
    let mut nobody = model();
    nobody.neighbours[2] = vec![(20, 1.0)];
    assert_eq!(code(nobody), "corrupt");
    let mut short = model();
    short.prior.pop();
    assert_eq!(code(short), "corrupt");
    let mut nan = model();
    nan.blend.rows[1].trend = f32::NAN;
    assert_eq!(code(nan), "weight");
    for kind in [2_048, i16::MIN] {
        let mut heavy = model();
        heavy.blend.kinds[3] = kind;
        assert_eq!(code(heavy), "corrupt");
    }
    let damages: [fn(&mut pocketrank::Blend); 6] = [
        |blend| blend.times.clear(),
        |blend| blend.rows[1].recency[0] = pocketrank::ONE + 1,
        |blend| blend.rows[2].min_history = 1,
        |blend| blend.rows[0].repeat_recency = vec![1; 4_097],
        |blend| blend.cold = vec![1; 17],
        |blend| {
            blend.rows = (0..33)
                .map(|min_history| pocketrank::BlendRow {
                    min_history,
                    ..blend.rows[0].clone()
                })
                .collect()
        },
    ];
    for damage in damages {
        let mut bad = model();
        damage(&mut bad.blend);
        assert_eq!(code(bad), "corrupt");
    }
    let mut label = model();
    label.attributes[0].category = 99;
    assert_eq!(code(label), "corrupt");
}
