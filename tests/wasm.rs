//! The runtime compiled to wasm, in Node and in Chromium: the golden slates, and the JavaScript surface.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use js_sys::{Reflect, Uint8Array};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::wasm::{capsule_choice, JsCandidates, JsConsent, JsProfile, JsRanker};
use pocketrank::{item_hash, Candidates, Event, EventKind, Options, Ranker, Snapshot, NO_ROW};
use serde_json::Value;
use support::cases::{rank, ranker};
use support::vectors::{content, factors, fold_in, product, quantize};
use support::{builder, id, profile, Rng};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

const SNAPSHOT: &[u8] = include_bytes!("fixtures/random-v1.bin");
const CASES: &str = include_str!("cases/rerank.json");
const NOW: u32 = support::NOW;

fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap()
}

fn object(json: &str) -> JsValue {
    js_sys::JSON::parse(json).unwrap()
}

/// The `code` of an error that crossed to JavaScript, which must be an `Error` with a text.
fn code<T>(result: Result<T, JsValue>) -> String {
    let error = result.err().unwrap();
    assert!(error.is_instance_of::<js_sys::Error>());
    assert!(!get(&error, "message").as_string().unwrap().is_empty());
    get(&error, "code").as_string().unwrap()
}

fn agreed() -> JsConsent {
    JsConsent::new(object(r#"{ "choice": { "mode": "session", "capsule": true } }"#), 0).unwrap()
}

#[wasm_bindgen_test]
fn slates_are_the_golden_ones() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let mut ranker = ranker(SNAPSHOT.to_vec());
    for (at, case) in cases.iter().enumerate() {
        assert_eq!(rank(&mut ranker, case), case["slate"], "case {at}");
    }
    assert_eq!(cases.len(), 1_000);
}

/// Products are by SIMD here, 4 rows and 16 numbers at a time, and must have the bits of the plain ones whatever the length.
#[wasm_bindgen_test]
fn products_of_vectors_of_any_length_have_the_bits_of_plain_ones() {
    const ITEMS: usize = 20;
    const WEIGHT: i64 = 8_192;
    for dims in [1, 15, 16, 17, 31, 64, 70, 256] {
        let rng = &mut Rng(dims as u64);
        let model = SnapshotBuilder {
            factors: Some(support::factors(rng, ITEMS, dims)),
            content: Some(support::content(rng, ITEMS, dims)),
            ..builder(rng, ITEMS)
        };
        let mut ranker = Ranker::new(Snapshot::open(model.build().unwrap()).unwrap());
        let event = Event {
            item: item_hash(&id(3)),
            at: NOW,
            kind: EventKind::ViewItem,
        };
        ranker.set_profile(&profile(&[event]), NOW);
        let snapshot = ranker.snapshot();
        let blend = snapshot.blend();
        let weights = blend.row(1);
        let share = 1.0 / WEIGHT as f32;

        let tastes = factors(snapshot.as_bytes(), ITEMS).unwrap();
        let (taste, taste_unit) = quantize(&fold_in(&tastes, &[(3, WEIGHT)], blend.factor_unit, share));
        let contents = content(snapshot.as_bytes()).unwrap();
        let sums: Vec<f64> = contents.rows[3]
            .numbers
            .iter()
            .map(|n| WEIGHT as f64 * f64::from(*n))
            .collect();
        let (like, like_unit) = quantize(&sums);
        let like_unit = like_unit * blend.content_unit * blend.content_unit * share * weights.content;
        for row in 0..ITEMS {
            let popularity = snapshot.prior().unwrap().popularity(row as u32);
            let cold = f32::from(blend.cold[usize::from(popularity / 16).min(blend.cold.len() - 1)]) / 32_768.0;
            let vector = &tastes.rows[row];
            let products = [
                (product(&taste, vector) * i64::from(vector.scale)) as f32
                    * (taste_unit * blend.factor_unit * weights.factors),
                product(&like, &contents.rows[row]) as f32 * (like_unit * cold),
            ];
            let parts = ranker.explain(row as u32).parts;
            assert_eq!([parts[2].value, parts[3].value], products, "{dims} dims, row {row}");
        }

        // Rows one beside another, the last of the table and unknown ones among them.
        let rows: Vec<u32> = (0..3)
            .flat_map(|_| (0..ITEMS as u32).rev())
            .chain([NO_ROW, 5, 6])
            .collect();
        for length in (1..9).chain([rows.len() - 2, rows.len()]) {
            let options = Options {
                count: length,
                ..Options::default()
            };
            let slate = ranker
                .rerank(&Candidates::from_rows(rows[..length].to_vec()), &options)
                .to_vec();
            assert_eq!(slate.len(), length);
            for ranked in slate {
                let score = ranker.explain(ranked.row).score;
                assert_eq!(ranked.score, score, "{dims} dims, row {} of {length}", ranked.row);
            }
        }
    }
}

#[wasm_bindgen_test]
fn damaged_snapshots_throw_and_say_why() {
    for at in (0..SNAPSHOT.len()).step_by(97) {
        let mut flipped = SNAPSHOT.to_vec();
        flipped[at] ^= 0x10;
        assert!(!code(JsRanker::new(Uint8Array::from(&flipped[..]), true)).is_empty());
        assert_eq!(
            code(JsRanker::new(Uint8Array::from(&SNAPSHOT[..at]), true)),
            "truncated"
        );
    }
    assert_eq!(code(JsRanker::new(Uint8Array::from(&[7u8; 300][..]), true)), "magic");
}

#[wasm_bindgen_test]
fn without_consent_there_is_no_grant() {
    for signals in [
        "{}",
        r#"{ "gpc": true, "choice": { "mode": "persistent", "capsule": true } }"#,
        r#"{ "gpc": null, "choice": { "mode": "persistent" } }"#,
        r#"{ "choice": { "mode": "contextual", "capsule": true } }"#,
    ] {
        let consent = JsConsent::new(object(signals), 0).unwrap();
        assert_eq!(consent.mode(), "contextual", "{signals}");
        assert!(consent.grant().is_none() && consent.capsule_grant().is_none());
    }
    assert_eq!(
        code(JsConsent::new(object(r#"{ "choice": { "mode": "always" } }"#), 0)),
        "invalid_option"
    );
}

#[wasm_bindgen_test]
fn a_profile_ranks_explains_and_travels() {
    let consent = agreed();
    let grant = consent.grant().unwrap();
    let mut profile = JsProfile::new();
    for item in ["sku-5", "sku-9", "sku-5"] {
        profile.record(&grant, item, "view_item", NOW).unwrap();
    }
    assert_eq!(code(profile.record(&grant, "sku-5", "looked", NOW)), "unknown_name");
    let back = JsProfile::decode(&grant, &profile.encode(&grant), 0, NOW).unwrap();
    assert_eq!(back.length(), 3);
    assert_eq!(code(JsProfile::decode(&grant, b"PKPR", 0, NOW)), "truncated");
    assert_eq!(JsProfile::restore(&grant, &back.held(), 0, NOW).unwrap().length(), 3);
    let tomorrow = NOW / 86_400 + 1;
    assert_eq!(
        JsProfile::restore(&grant, &back.held(), tomorrow, NOW)
            .unwrap()
            .length(),
        0
    );
    assert_eq!(
        JsProfile::decode(&grant, &back.encode(&grant), tomorrow, NOW)
            .unwrap()
            .length(),
        0
    );

    let capsule_grant = consent.capsule_grant().unwrap();
    let capsule = profile.capsule(&capsule_grant, NOW);
    assert_eq!(capsule_choice(&capsule, NOW).unwrap(), "session");
    let edge = JsProfile::from_capsule(&capsule_grant, &capsule, NOW).unwrap();

    let mut ranker = JsRanker::new(Uint8Array::from(SNAPSHOT), true).unwrap();
    let meta = ranker.meta();
    assert_eq!(meta[4..8], NOW.to_le_bytes());
    assert!(meta.ends_with(b"EUR"));
    let candidates = JsCandidates::resolve(&ranker, (0..50).map(|n| format!("sku-{n}")).collect());
    ranker.set_profile(&profile, NOW);
    assert_eq!(ranker.rerank(&candidates, 10, 0.3, false, true, None), 10);
    let slate = ranker.inner().slate().to_vec();
    let why = ranker.explain(slate[0].row);
    assert_eq!(why[..4], slate[0].score.to_le_bytes());
    assert_eq!(
        (why.len() - 11 * 4) % 20,
        0,
        "ten parts, and 20 bytes of each item behind them"
    );
    ranker.set_profile(&edge, NOW);
    ranker.rerank(&candidates, 10, 0.3, false, true, None);
    assert_eq!(
        ranker.inner().slate(),
        slate,
        "the edge ranks by the capsule as the browser by the profile"
    );
}
