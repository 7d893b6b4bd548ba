//! The format: what is packed opens, verifies and reads back; what is damaged says so and never panics.

use crate::support::{builder, events, id, profile, Rng, NOW};
use pocketrank::condition::Condition;
use pocketrank::experiment::Experiments;
use pocketrank::rule::Rule;
use pocketrank::template::Templates;
use pocketrank::{item_hash, Candidates, Options, Ranker, Section, Snapshot, NO_ROW};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn packed(seed: u64, items: usize) -> Vec<u8> {
    builder(&mut Rng(seed), items).build().unwrap()
}

/// Uses everything that a host uses; must end, whatever the bytes.
fn use_all(bytes: &[u8]) -> Result<(), pocketrank::Error> {
    let snapshot = Snapshot::open(bytes)?;
    let _ = snapshot.labels();
    let _ = snapshot.experiments();
    let _ = snapshot.rules();
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
        .map(|ranked| {
            assert!(ranked.score.is_finite());
            ranked.row
        })
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
    fn packing_is_deterministic_and_reads_back(seed in any::<u64>(), items in 0usize..300, code_bits in 4..=8u8) {
        let model = pocketrank::pack::SnapshotBuilder { code_bits, ..builder(&mut Rng(seed), items) };
        let bytes = model.clone().build().unwrap();
        prop_assert_eq!(&bytes, &model.clone().build().unwrap());
        let snapshot = Snapshot::open(&bytes).unwrap();
        snapshot.verify().unwrap();
        prop_assert_eq!(snapshot.items() as usize, items);
        prop_assert_eq!(snapshot.blend().rows.clone(), model.blend.rows);
        let sum: usize = snapshot.sections().map(|(_, len)| len).sum();
        prop_assert!(sum <= bytes.len() && bytes.len() < sum + 48 + 11 * 19 + 1);
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
                // On the scale of roots half a step of the code, and half a step of the row's scale.
                let step = 0.5 / ((1 << code_bits) - 1) as f32 + 0.01;
                prop_assert!((back.sqrt() - weight.sqrt()).abs() <= max.sqrt() * step, "{weight} became {back}");
            }
            let mut targets = vec![];
            neighbours.for_each(|target, _| targets.push(target));
            prop_assert!(targets.len() == neighbours.len() && targets.is_sorted_by(|a, b| a < b));
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
    let model = pocketrank::pack::SnapshotBuilder {
        experiments: Some(Experiments::default()),
        rules: vec![Rule {
            id: "a".into(),
            slot: String::new(),
            priority: 0,
            start: 0,
            end: u32::MAX,
            condition: Condition::default(),
            after: vec![],
            actions: vec![],
        }],
        ..builder(&mut Rng(3), 100)
    };
    let bytes = model.build().unwrap();
    let snapshot = Snapshot::open(&bytes).unwrap();
    let bytes = snapshot.with_templates(Some(&Templates::built_in())).unwrap();
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
fn a_prior_without_times_takes_a_byte_an_item() {
    let mut model = builder(&mut Rng(3), 50);
    let size = |model: &pocketrank::pack::SnapshotBuilder| {
        let bytes = model.clone().build().unwrap();
        let snapshot = Snapshot::open(bytes.as_slice()).unwrap();
        for (row, prior) in (0u32..).zip(&model.prior) {
            assert_eq!(snapshot.prior().unwrap().get(row), Some(*prior));
        }
        assert_eq!(snapshot.prior().unwrap().get(50), None);
        let mut sections = snapshot.sections();
        sections.find(|(section, _)| *section == Section::Prior).unwrap().1
    };
    assert_eq!(size(&model), 1 + 4 * 50);
    model
        .prior
        .iter_mut()
        .for_each(|row| (row.trend, row.first_seen) = (0, 0));
    assert_eq!(size(&model), 1 + 50);
    model.prior[49].first_seen = 1;
    assert_eq!(size(&model), 1 + 4 * 50);
}

#[test]
fn every_rule_of_the_neighbours_is_checked() {
    let mut model = builder(&mut Rng(3), 10);
    (model.factors, model.content) = (None, None);
    model.neighbours = vec![vec![]; 10];
    model.neighbours[0] = vec![(1, 1.0)];
    model.neighbours[9] = vec![(4, 1.0), (8, 0.5)];
    let bytes = model.build().unwrap();
    let at = bytes
        .windows(8)
        .position(|eight| eight == [3, 0, 0, 0, 8, 0, 0, 0])
        .unwrap();
    let stream = at + 8 + 512 + 512 + 8;
    // 5 bits of count, 4 of order, 8 of code, 2 of gap; in the second row 5, 4, 16 and 8.
    assert_eq!(bytes[stream..stream + 5], [4, 0, 33, 254, 7]);
    assert_eq!(bytes.len() - stream, 5 + 8 + 7);
    let end = bytes.len();
    for (damage, expected) in [
        (&[(at, 4)][..], "last entry"),
        (&[(at + 4, 9)], "4 to 8 bits"),
        (&[(at + 6, 1)], "zero"),
        (&[(at + 8, 1)], "ascend"),
        (&[(at + 8 + 511, 8)], "at most 2047"),
        (&[(at + 8 + 512 + 511, 0)], "ascend"),
        (&[(stream - 4, 9)], "eighth row"),
        (&[(stream, 100)], "within the table"),
        (&[(stream + 4, 15)], "zeros to the end"),
        (&[(stream + 4, 3)], "not the source itself"),
        (&[(end - 2, 0), (end - 1, 0)], "Exp-Golomb"),
    ] {
        let mut bytes = bytes.clone();
        damage.iter().for_each(|(at, byte)| bytes[*at] = *byte);
        rehash(&mut bytes);
        let _ = use_all(&bytes);
        let error = Snapshot::open(&bytes[..])
            .and_then(|snapshot| snapshot.verify())
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{damage:?}: {error}");
    }
}

/// Equations that make no sense give no part, and every score stays a number.
#[test]
fn unverified_equations_are_harmless() {
    let good = packed(3, 60);
    let (start, table) = crate::support::vectors::section(&good, b"FACT").unwrap();
    let triangle = start + 8 + 4 * 3;
    let ends = [
        start + 4,
        start + 8,
        triangle,
        triangle + 4,
        start + table.len() - 60 * 14 - 4,
    ];
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e30, 1e-40] {
        for at in ends {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&bad.to_le_bytes());
            rehash(&mut bytes);
            use_all(&bytes).unwrap();
        }
    }
    let mut bytes = good;
    bytes[triangle..triangle + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    rehash(&mut bytes);
    assert_eq!(
        Snapshot::open(&bytes[..]).unwrap().verify().unwrap_err().code(),
        "corrupt"
    );
}

#[test]
fn rows_above_65536_take_four_bytes() {
    let items = 70_000;
    let mut model = builder(&mut Rng(9), 40);
    model.ids = (0..items).map(id).collect();
    (model.prior, model.attributes, model.factors, model.content) = (vec![], vec![], None, None);
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
    type Damage = fn(&mut pocketrank::pack::Factors);
    let damages: [(Damage, &str); 9] = [
        (|factors| factors.rows.truncate(9), "corrupt"),
        (|factors| factors.dims = 0, "corrupt"),
        (|factors| factors.dims = 257, "corrupt"),
        (|factors| factors.rows[30] = f32::NAN, "weight"),
        (|factors| factors.gram.as_mut().unwrap().ridge.clear(), "corrupt"),
        (|factors| factors.gram.as_mut().unwrap().ridge[1] = -0.1, "corrupt"),
        (
            |factors| factors.gram.as_mut().unwrap().confidence = f32::INFINITY,
            "corrupt",
        ),
        (|factors| factors.gram.as_mut().unwrap().matrix[1] += 0.5, "corrupt"),
        (|factors| factors.gram.as_mut().unwrap().matrix.fill(1.0), "ok"),
    ];
    for (damage, expected) in damages {
        let mut bad = model();
        damage(bad.factors.as_mut().unwrap());
        assert_eq!(bad.build().map_or_else(|error| error.code(), |_| "ok"), expected);
    }
    // Without a ridge, a matrix of ones has one direction only.
    let mut flat = model();
    let gram = flat.factors.as_mut().unwrap().gram.as_mut().unwrap();
    gram.matrix.fill(1.0);
    gram.ridge[2] = 0.0;
    let error = flat.build().unwrap_err().to_string();
    assert!(error.contains("positive definite"), "{error}");
    let mut long = model();
    long.content.as_mut().unwrap().rows[..10].fill(0.5);
    assert_eq!(code(long), "corrupt");
    let mut label = model();
    label.attributes[0].category = 99;
    assert_eq!(code(label), "corrupt");
}

#[test]
fn words_have_a_longest_length() {
    type Word = fn(&mut pocketrank::pack::SnapshotBuilder) -> &mut String;
    let words: [(Word, usize, &str); 5] = [
        (|model| &mut model.meta.model, 4_096, "bytes of the model's description"),
        (|model| &mut model.meta.currency, 3, "bytes of the currency"),
        (|model| &mut model.labels.categories[6], 256, "bytes of a label"),
        (|model| &mut model.labels.brands[0], 256, "bytes of a label"),
        (|model| &mut model.labels.price_bands[4], 256, "bytes of a label"),
    ];
    for (word, max, what) in words {
        let mut model = builder(&mut Rng(2), 20);
        *word(&mut model) = "x".repeat(max);
        model.clone().build().unwrap();
        word(&mut model).push('x');
        let error = model.build().unwrap_err();
        assert_eq!(error.code(), "limit");
        let expected = format!("{what}: {} is over the limit of {max}", max + 1);
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

/// What is told apart is the bucket and the fingerprint: the `b` highest and the 32 lowest bits of the hash.
#[test]
fn an_unknown_item_is_hardly_ever_taken_for_a_known_one() {
    for items in [0, 1, 7, 15, 16, 100, 400, 3_000] {
        let model = pocketrank::pack::SnapshotBuilder {
            ids: (0..items).map(id).collect(),
            meta: pocketrank::Meta::default(),
            blend: builder(&mut Rng(2), 0).blend,
            ..Default::default()
        };
        let bytes = model.build().unwrap();
        let (_, index) = crate::support::vectors::section(&bytes, b"INDX").unwrap();
        let bits = u32::from_le_bytes(index[..4].try_into().unwrap());
        // Of 2^(b + 32) pairs of bucket and fingerprint, one for each item is taken.
        let buckets = f64::from(1 << bits);
        assert!(
            items as f64 / buckets <= 8.0 + 7.0 / buckets,
            "{items} items in {buckets} buckets"
        );

        let snapshot = Snapshot::open(&bytes).unwrap();
        let known: Vec<u64> = (0..items).map(|row| item_hash(&id(row)).0).collect();
        for (row, hash) in (0u32..).zip(&known) {
            for bit in 0..64 {
                let told_apart = bit < 32 || bit >= 64 - bits;
                let other = pocketrank::ItemHash(hash ^ (1 << bit));
                assert_eq!(snapshot.row(other), (!told_apart).then_some(row), "bit {bit}");
            }
        }
        // With a fingerprint that some item has, the bucket must be that item's as well.
        let mut rng = Rng(items as u64);
        let tries = if items > 0 { 200_000 } else { 0 };
        let unknown = (0..tries).map(|_| (rng.next() & !0xffff_ffff) | (known[rng.below(items)] & 0xffff_ffff));
        let taken = unknown.filter(|hash| snapshot.row(pocketrank::ItemHash(*hash)).is_some());
        let (taken, expected) = (taken.count() as f64, f64::from(tries) / buckets);
        assert!(
            (taken - expected).abs() <= 5.0 * expected.sqrt(),
            "{items} items: {taken}, not {expected}"
        );
    }
}
