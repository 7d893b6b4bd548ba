//! The cases that every host must rank alike: made from a seed, ranked natively.

use super::{builder, grant, id, Rng, NOW};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::{item_hash, Candidates, Event, EventKind, Options, Profile, Ranker, Snapshot};
use serde_json::{json, Value};

/// Where the model of the cases lies, and the cases themselves.
pub const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/random-v1.bin");
pub const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/rerank.json");
const ITEMS: usize = 400;
const COUNT: usize = 1_000;

/// The model of the cases.
pub fn snapshot() -> Vec<u8> {
    model().build().unwrap()
}

/// The same before it is packed.
pub fn model() -> SnapshotBuilder {
    builder(&mut Rng(2_026), ITEMS)
}

/// Cases without their slates: `{ now, events: [[item, kind, at]], candidates: [item], outOfStock: [index], count, diversity,
/// excludePurchased, excludeOutOfStock }`, where item `n` is the id `sku-n`.
pub fn generate() -> Vec<Value> {
    let mut rng = Rng(1);
    (0..COUNT).map(|case| generate_one(&mut rng, case)).collect()
}

fn generate_one(rng: &mut Rng, case: usize) -> Value {
    let now = NOW + rng.below(30 * 86_400) as u32;
    // The first tenth are visitors without history; a few have more than a profile holds.
    let length = if case < COUNT / 10 {
        0
    } else {
        [1, 3, 8, 20, 20][rng.below(5)]
    };
    let length = if case % 250 == 249 { 300 } else { rng.below(length + 1) };
    let item = |rng: &mut Rng| rng.below(ITEMS + 20);
    let events: Vec<Value> = (0..length)
        .map(|_| {
            json!([
                item(rng),
                EventKind::ALL[rng.below(9)].name(),
                now - rng.below(90 * 86_400) as u32
            ])
        })
        .collect();
    let candidates: Vec<usize> = (0..rng.below(40)).map(|_| item(rng)).collect();
    let out: Vec<usize> = (0..candidates.len()).filter(|_| rng.below(10) == 0).collect();
    json!({
        "now": now, "events": events, "candidates": candidates, "outOfStock": out, "count": rng.below(16),
        "diversity": f64::from([0.0, 0.25, 0.5, 1.0][rng.below(4)] as f32),
        "excludePurchased": rng.below(2) == 1, "excludeOutOfStock": rng.below(2) == 1,
    })
}

/// The slate of a case as `[[index, row, bits of the score]]`.
pub fn rank(ranker: &mut Ranker<Vec<u8>>, case: &Value) -> Value {
    let number = |value: &Value| value.as_u64().unwrap();
    let list = |key: &str| case[key].as_array().unwrap().iter();
    let grant = grant();
    let mut profile = Profile::default();
    for event in list("events") {
        let item = item_hash(&id(number(&event[0]) as usize));
        let kind = EventKind::from_name(event[1].as_str().unwrap()).unwrap();
        profile.record(
            &grant,
            Event {
                item,
                at: number(&event[2]) as u32,
                kind,
            },
        );
    }
    ranker.set_profile(&profile, number(&case["now"]) as u32);
    let ids = list("candidates").map(|item| id(number(item) as usize));
    let mut candidates = Candidates::resolve(ranker.snapshot(), ids);
    list("outOfStock").for_each(|index| candidates.flags_mut()[number(index) as usize] = pocketrank::OUT_OF_STOCK);
    let options = Options {
        count: number(&case["count"]) as usize,
        diversity: case["diversity"].as_f64().unwrap() as f32,
        exclude_purchased: case["excludePurchased"].as_bool().unwrap(),
        exclude_out_of_stock: case["excludeOutOfStock"].as_bool().unwrap(),
    };
    let slate = ranker.rerank(&candidates, &options);
    slate
        .iter()
        .map(|ranked| json!([ranked.index, ranked.row, ranked.score.to_bits()]))
        .collect()
}

/// A ranker over the model of the cases.
pub fn ranker(bytes: Vec<u8>) -> Ranker<Vec<u8>> {
    Ranker::new(Snapshot::open(bytes).unwrap())
}
