//! What experiments and rules make of slots, natively: the cases that JavaScript must decide alike, and the model that they are of.

use super::cases::model;
use super::{grant, id, Rng, NOW};
use pocketrank::condition::Value as Encoded;
use pocketrank::experiment::{self, Visitor};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::rule::{compile_rules, Ask, Moves};
use pocketrank::template::{compile, Source};
use pocketrank::{
    edge, item_hash, page, Candidates, Event, EventKind, Options, Profile, Ranker, Snapshot, OUT_OF_STOCK,
};
use serde_json::{json, Value};

/// Where the cases lie, and the model.
pub const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/decisions.json");
pub const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/decisions-v1.bin");
const COUNT: usize = 300;
const ITEMS: usize = 420;

/// The random model with experiments, rules and templates.
pub fn decided() -> SnapshotBuilder {
    let payload = include_str!("../cases/decisions-payload.json");
    let rules = compile_rules(include_str!("../cases/decisions-rules.json")).unwrap();
    assert!(rules.broken.is_empty(), "{:?}", rules.broken);
    let source = |(name, text): (&str, &str)| Source {
        name: name.into(),
        text: text.into(),
    };
    let templates = [
        ("wide", "<ol class=\"pr-track\">{{#items}}<li class=\"pr-card wide\" data-item=\"{{id}}\">{{name}}</li>{{/items}}</ol>"),
        ("plain", "<ol class=\"pr-track\">{{#items}}<li class=\"pr-card plain\" data-item=\"{{id}}\">{{name}}</li>{{/items}}</ol>"),
        ("taste", "<ol class=\"pr-track\">{{#items}}<li class=\"pr-card taste\" data-item=\"{{id}}\">{{name}}</li>{{/items}}</ol>"),
    ];
    SnapshotBuilder {
        rules: rules.rules,
        experiments: Some(
            experiment::compile(payload, &experiment::Options::default())
                .unwrap()
                .experiments,
        ),
        templates: Some(compile(&templates.map(source), &[]).unwrap()),
        ..model()
    }
}

fn pick<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.below(of.len())]
}

/// Cases without answers: `{ now, events: [[item, kind, at]], lot, page, slot, candidates: [item], outOfStock: [index], count }`.
pub fn generate() -> Vec<Value> {
    let rng = &mut Rng(6);
    (0..COUNT).map(|_| generate_one(rng)).collect()
}

fn generate_one(rng: &mut Rng) -> Value {
    let now = NOW + rng.below(25 * 86_400) as u32;
    let length = [0, 1, 3, 8, 20, 280][rng.below(6)];
    // Few items, so that tastes and workflows come about.
    let known = [5, 20, ITEMS][rng.below(3)];
    let kinds = [
        EventKind::ViewItem,
        EventKind::AddToCart,
        EventKind::Purchase,
        EventKind::RemoveFromCart,
        EventKind::Dismiss,
        EventKind::ViewItemList,
    ];
    let events: Vec<Value> = (0..length)
        .map(|_| {
            let kind = kinds[rng.below(kinds.len()).min(rng.below(kinds.len()))];
            json!([rng.below(known), kind.name(), now - rng.below(40 * 86_400) as u32])
        })
        .collect();
    let url = format!(
        "https://www.shop.example/{}{}",
        pick(rng, &["", "pots", "pots/blue?x=1&"]),
        pick(
            rng,
            &[
                "",
                "?utm_campaign=Sale+24",
                "?utm_campaign=fr%C3%BChling&utm_source=mail",
                "?utm_campaign=sale"
            ]
        )
    );
    let agents = [
        "",
        "Mozilla/5.0 (iPad; CPU OS 17_0) Mobile/15E148",
        "Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/127.0",
    ];
    let candidates: Vec<usize> = (0..rng.below(60)).map(|_| rng.below(ITEMS)).collect();
    let out: Vec<usize> = (0..candidates.len()).filter(|_| rng.below(10) == 0).collect();
    json!({
        "now": now, "events": events, "lot": (rng.below(6) > 0).then(|| rng.below(4_096)),
        "page": {
            "url": url, "referrer": pick(rng, &["", "https://www.news.example/a", "https://shop.example/other"]),
            "userAgent": pick(rng, &agents), "mobile": pick(rng, &["", "?0", "?1"]), "country": pick(rng, &["", "DE", "at", "FR"]),
            "now": now, "utcOffset": ([0, 60, -480, 345][rng.below(4)]),
        },
        "slot": pick(rng, &["home", "home", "side"]), "candidates": candidates, "outOfStock": out, "count": rng.below(16),
    })
}

fn bits(number: f32) -> u32 {
    number.to_bits()
}

fn parsed(write: impl FnOnce(&mut String)) -> Value {
    let mut text = String::new();
    write(&mut text);
    serde_json::from_str(&text).unwrap()
}

/// What is decided: `{ attributes, model, blend, template, list, diversity, rules, assignments, draw, slate: [[index, row, bits of the score]],
/// effects: [[rule, action, bits]] of the first candidate, unknown }`, without what is not said.
pub fn decide(ranker: &mut Ranker<Vec<u8>>, case: &Value) -> Value {
    let number = |value: &Value| value.as_u64().unwrap();
    let list = |key: &str| case[key].as_array().unwrap().iter();
    let grant = grant();
    let now = number(&case["now"]) as u32;
    let mut profile = Profile::default();
    for event in list("events") {
        let item = item_hash(&id(number(&event[0]) as usize));
        let kind = EventKind::from_name(event[1].as_str().unwrap()).unwrap();
        let at = number(&event[2]) as u32;
        profile.record(&grant, Event { item, at, kind });
    }
    if let Some(lot) = case["lot"].as_u64() {
        profile.draw_lot(&grant, lot as u32);
    }
    let text = |name: &str| case["page"][name].as_str().unwrap();
    let attributes = page::attributes(&page::Request {
        url: text("url"),
        referrer: text("referrer"),
        user_agent: text("userAgent"),
        mobile: text("mobile"),
        country: text("country"),
        now,
        utc_offset: case["page"]["utcOffset"].as_i64().unwrap() as i32,
    });
    let slot = case["slot"].as_str().unwrap();
    let (experiments, rules) = (
        ranker.snapshot().experiments().unwrap(),
        ranker.snapshot().rules().unwrap(),
    );
    let mut visitor = Visitor::of(&profile, &attributes);
    let settings = experiments.settings(&mut visitor);
    let ask = Ask {
        slot,
        attributes: &attributes,
        profile: &profile,
        now,
    };
    let orders = rules.orders(ranker.snapshot(), &ask, |id| settings.rule(id));
    let moves = Moves::resolve(&orders, ranker.snapshot());
    let blend = settings.blend();
    ranker
        .scale_blend(blend.iter().flat_map(|blend| blend.factors()))
        .unwrap();
    ranker.set_profile(&profile, now);
    let ids = list("candidates").map(|item| id(number(item) as usize));
    let mut candidates = Candidates::resolve(ranker.snapshot(), ids);
    list("outOfStock").for_each(|index| candidates.flags_mut()[number(index) as usize] = OUT_OF_STOCK);
    let options = Options {
        count: number(&case["count"]) as usize,
        diversity: settings.diversity(slot).unwrap_or(edge::DIVERSITY),
        ..Options::default()
    };
    let slate = ranker.rerank_by(&candidates, &options, &moves);
    let slate: Vec<Value> = slate
        .iter()
        .map(|ranked| json!([ranked.index, ranked.row, bits(ranked.score)]))
        .collect();
    let effects = candidates.rows().first().map(|row| ranker.effects(*row, &moves));
    let effects: Vec<Value> = effects
        .iter()
        .flatten()
        .map(|effect| json!([effect.rule, effect.action, bits(effect.by)]))
        .collect();
    let mut applied: Vec<&str> = orders.actions.iter().map(|(id, _)| *id).collect();
    applied.dedup();
    let counted = settings.assignments.iter().filter(|assignment| assignment.hash_used);
    let counted: Vec<Value> = counted
        .map(|assignment| parsed(|out| assignment.write_json(out)))
        .collect();
    let mut answer = json!({
        "attributes": parsed(|out| attributes.write_json(out)), "rules": applied, "assignments": counted, "slate": slate, "effects": effects,
        "unknown": moves.unknown,
    });
    let mut said = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            answer[name] = value;
        }
    };
    said("model", settings.model().map(Value::from));
    said(
        "blend",
        blend.map(|blend| parsed(|out| Encoded::write_json(blend.0, out))),
    );
    said(
        "template",
        orders.template().or(settings.template(slot)).map(Value::from),
    );
    said("list", orders.list().or(settings.list(slot)).map(Value::from));
    said(
        "diversity",
        settings.diversity(slot).map(|diversity| f64::from(diversity).into()),
    );
    profile.keep(&grant, &visitor);
    said("draw", Some(profile.drawn().into()));
    answer
}

/// A ranker over the model of the cases.
pub fn ranker(bytes: Vec<u8>) -> Ranker<Vec<u8>> {
    Ranker::new(Snapshot::open(bytes).unwrap())
}
