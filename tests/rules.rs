//! Rules: what they do to a slate is what a plain twin does; what is wrong with one is its own affair.

use crate::support::{builder, events, id, profile, Rng, NOW};
use pocketrank::condition::{Condition, Value};
use pocketrank::rule::{behaviour, compile_rules, Action, Ask, Matching, Moves, Orders, Rule, Rules, Workflow};
use pocketrank::{item_hash, Candidates, Event, EventKind, Options, Profile, Ranker, Snapshot, NO_ROW, OUT_OF_STOCK};
use proptest::prelude::*;

const ITEMS: usize = 60;
const DAY: u32 = 86_400;

fn snapshot(seed: u64) -> Snapshot<Vec<u8>> {
    Snapshot::open(builder(&mut Rng(seed), ITEMS).build().unwrap()).unwrap()
}

fn hash(item: usize) -> [u8; 8] {
    item_hash(&id(item)).0.to_le_bytes()
}

fn matching(rng: &mut Rng) -> Matching {
    let names = |rng: &mut Rng, prefix: &str, n: usize| {
        (0..rng.below(3))
            .map(|_| format!("{prefix} {}", 1 + rng.below(n)))
            .collect()
    };
    Matching {
        items: (0..rng.below(4)).map(|_| hash(rng.below(ITEMS + 5))).collect(),
        categories: names(rng, "category", 8),
        brands: names(rng, "brand", 12),
        price_bands: names(rng, "band", 6),
    }
}

fn actions(rng: &mut Rng) -> Vec<Action> {
    let action = |rng: &mut Rng| match rng.below(3) {
        0 => {
            let items = (0..1 + rng.below(3)).map(|_| hash(rng.below(ITEMS + 5))).collect();
            Action::Pin(items, rng.below(14) as u16)
        }
        1 => Action::Lift(matching(rng), rng.unit() * 2.0 - 1.0),
        _ => Action::Exclude(matching(rng)),
    };
    (0..rng.below(5)).map(|_| action(rng)).collect()
}

/// What a matching means, by names and ids.
fn matches(snapshot: &Snapshot<Vec<u8>>, matching: &Matching, item: usize) -> bool {
    let labels = snapshot.labels().unwrap();
    let codes = snapshot.attributes().unwrap().get(item as u32).unwrap();
    let named = |names: &[String], known: &[String], code: usize| code > 0 && names.contains(&known[code - 1]);
    matching.items.contains(&hash(item))
        || named(&matching.categories, &labels.categories, codes.category.into())
        || named(&matching.brands, &labels.brands, codes.brand.into())
        || named(&matching.price_bands, &labels.price_bands, codes.price_band.into())
}

/// The slate as positions in the candidates, plainly: all scores, sorted, then the pins.
fn twin(
    ranker: &Ranker<Vec<u8>>,
    candidates: &Candidates,
    flags: &[u8],
    actions: &[Action],
    count: usize,
) -> Vec<(u32, f32)> {
    let snapshot = ranker.snapshot();
    let rows = candidates.rows();
    let mut scores: Vec<f32> = rows.iter().map(|row| ranker.explain(*row).score).collect();
    let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = if most > least { most - least } else { 1.0 };
    let known = |row: u32| (row != NO_ROW).then_some(row as usize);
    let excluded = |row: u32| {
        let of =
            |action: &Action| matches!(action, Action::Exclude(matching) if matches(snapshot, matching, row as usize));
        known(row).is_some() && actions.iter().any(of)
    };
    let changes = actions.iter().any(|action| !matches!(action, Action::Pin(..)));
    for (row, score) in rows.iter().zip(&mut scores) {
        let mut lift = 0.0;
        for action in actions {
            if let (Some(item), Action::Lift(matching, by)) = (known(*row), action) {
                lift += if matches(snapshot, matching, item) { *by } else { 0.0 };
            }
        }
        if changes {
            *score += lift * range;
        }
    }
    let shown = |index: usize| flags[index] & OUT_OF_STOCK == 0 && !excluded(rows[index]);
    let mut order: Vec<usize> = (0..rows.len()).filter(|index| shown(*index)).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(count);
    let mut pins: Vec<(usize, usize)> = vec![];
    for action in actions {
        if let Action::Pin(items, place) = action {
            let known = items
                .iter()
                .filter(|item| (0..ITEMS).any(|known| hash(known) == **item));
            for (at, item) in known.enumerate() {
                let index = rows.iter().position(|row| known_hash(*row) == Some(*item));
                pins.extend(index.map(|index| (index, usize::from(*place) + at)));
            }
        }
    }
    pins.retain(|(index, _)| shown(*index));
    let mut seen = vec![];
    pins.retain(|(index, _)| {
        seen.push(*index);
        seen.iter().filter(|known| *known == index).count() == 1
    });
    // Where they are pinned they stand, the more important one in front where two want the same place.
    order.retain(|index| pins.iter().all(|(pinned, _)| pinned != index));
    pins.sort_by_key(|(_, place)| *place);
    let mut next = 0;
    for (index, place) in pins {
        next = place.max(next);
        order.insert(next.min(order.len()), index);
        next += 1;
    }
    order.truncate(count);
    order.into_iter().map(|index| (index as u32, scores[index])).collect()
}

fn known_hash(row: u32) -> Option<[u8; 8]> {
    (row != NO_ROW).then(|| hash(row as usize))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_slate_is_that_of_the_twin(seed in any::<u64>()) {
        let rng = &mut Rng(seed);
        let snapshot = snapshot(seed % 8);
        let mut ranker = Ranker::new(snapshot.clone());
        ranker.set_profile(&profile(&events(rng, 20, ITEMS)), NOW);
        let mut rows: Vec<u32> = (0..ITEMS as u32).filter(|_| rng.below(3) > 0).collect();
        rows.sort_by_key(|row| row.wrapping_mul(2_654_435_761).rotate_left(seed as u32 % 32));
        rows.push(NO_ROW);
        let mut candidates = Candidates::from_rows(rows);
        candidates.flags_mut().iter_mut().for_each(|flag| *flag = u8::from(rng.below(6) == 0));
        let flags = candidates.flags_mut().to_vec();
        let (first, second) = (actions(rng), actions(rng));
        let all: Vec<Action> = first.iter().chain(&second).cloned().collect();
        let orders = Orders {
            actions: first.iter().map(|action| ("a", action)).chain(second.iter().map(|action| ("b", action))).collect(),
        };
        let moves = Moves::resolve(&orders, &snapshot);
        let options = Options { count: 1 + rng.below(20), ..Options::default() };
        let expected = twin(&ranker, &candidates, &flags, &all, options.count);
        let slate: Vec<(u32, f32)> = ranker.rerank_by(&candidates, &options, &moves).iter().map(|ranked| (ranked.index, ranked.score)).collect();
        prop_assert_eq!(&slate, &expected);

        // The explanation says of whatever is not where it was by its score alone which rule did that.
        let diverse = Options { diversity: 0.4, ..options };
        let slate = ranker.rerank_by(&candidates, &diverse, &moves).to_vec();
        let mut indices: Vec<u32> = slate.iter().map(|ranked| ranked.index).collect();
        indices.sort_unstable();
        prop_assert!(indices.windows(2).all(|pair| pair[0] != pair[1]) && indices.len() <= options.count);
        for ranked in slate.iter().filter(|ranked| ranked.row != NO_ROW) {
            let effects = ranker.effects(ranked.row, &moves);
            prop_assert!(effects.iter().all(|effect| effect.action != "exclude"));
            if ranked.score != ranker.explain(ranked.row).score {
                prop_assert!(effects.iter().any(|effect| effect.by != 0.0 && matches!(effect.action, "boost" | "bury")));
            }
        }

        // Without moves all is as ever.
        let none = Moves::default();
        prop_assert!(none.is_empty());
        let plain = ranker.rerank(&candidates, &diverse).to_vec();
        prop_assert_eq!(ranker.rerank_by(&candidates, &diverse, &none), plain.as_slice());
    }

    #[test]
    fn a_workflow_is_done_where_the_twin_finds_it(seed in any::<u64>()) {
        let rng = &mut Rng(seed);
        let made: Vec<Event> = (0..rng.below(10)).map(|_| Event {
            item: item_hash(&id(rng.below(3))),
            at: NOW - rng.below(12) as u32 * DAY,
            kind: EventKind::ALL[2 + rng.below(3)],
        }).collect();
        let profile = profile(&made);
        let kind = |rng: &mut Rng| 2 + rng.below(3) as u8;
        let workflow = Workflow {
            event: kind(rng),
            then: (rng.below(2) == 0).then(|| kind(rng)),
            unless: (rng.below(2) == 0).then(|| kind(rng)),
            within: rng.below(8) as u16,
        };
        let events = profile.events();
        let mut done = false;
        for first in 0..events.len() {
            let later: Vec<&Event> = events[first + 1..].iter().filter(|event| event.item == events[first].item).collect();
            let days = |to: u32| i64::from(to / DAY) - i64::from(events[first].at / DAY);
            let within = |to: u32| days(to) <= i64::from(workflow.within);
            let undone = later.iter().any(|event| Some(event.kind as u8) == workflow.unless);
            let followed = match workflow.then {
                Some(then) => later.iter().any(|event| event.kind as u8 == then && within(event.at)),
                None => within(NOW),
            };
            done |= events[first].kind as u8 == workflow.event && followed && !undone;
        }
        prop_assert_eq!(workflow.is_done(&profile, NOW), done);
    }

    #[test]
    fn any_bytes_are_rules_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Rules::decode(&bytes);
    }
}

fn case_rules() -> Vec<Rule> {
    let compiled = compile_rules(include_str!("cases/rules.json")).unwrap();
    assert!(compiled.broken.is_empty(), "{:?}", compiled.broken);
    compiled.rules
}

fn at(day: u32, item: usize, kind: EventKind) -> Event {
    Event {
        item: item_hash(&id(item)),
        at: NOW - day * DAY,
        kind,
    }
}

#[test]
fn rules_of_a_file_apply_by_slot_time_condition_and_priority() {
    let mut model = builder(&mut Rng(1), ITEMS);
    model.rules = case_rules();
    let snapshot = Snapshot::open(model.build().unwrap()).unwrap();
    snapshot.verify().unwrap();
    let rules = snapshot.rules().unwrap();
    assert!(rules.broken.is_empty());
    let ids: Vec<&str> = rules.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["left-in-cart", "summer", "loyal"], "the most important first");

    let country = |name: &str| Value::Object(vec![("country".into(), name.into()), ("hour".into(), 9u32.into())]);
    let (de, fr) = (country("de"), country("fr"));
    let applied = |slot, attributes: &Value, profile: &Profile, now, off: &str| {
        let ask = Ask {
            slot,
            attributes,
            profile,
            now,
        };
        let orders = rules.orders(&snapshot, &ask, |id| id != off);
        let mut ids: Vec<String> = orders.actions.iter().map(|(id, _)| (*id).to_owned()).collect();
        ids.dedup();
        (
            ids,
            orders.template().map(String::from),
            orders.list().map(String::from),
        )
    };
    let nobody = Profile::default();
    assert_eq!(
        applied("home-hero", &de, &nobody, NOW, ""),
        (vec!["summer".into()], Some("carousel".into()), None)
    );
    assert!(
        applied("home-hero", &fr, &nobody, NOW, "").0.is_empty(),
        "another country"
    );
    assert!(applied("similar", &de, &nobody, NOW, "").0.is_empty(), "another slot");
    assert!(
        applied("home-hero", &de, &nobody, NOW + 100 * DAY, "").0.is_empty(),
        "later"
    );
    assert!(
        applied("home-hero", &de, &nobody, NOW - 20 * DAY, "").0.is_empty(),
        "before"
    );
    assert!(
        applied("home-hero", &de, &nobody, NOW, "summer").0.is_empty(),
        "switched off"
    );

    let cart = profile(&[
        at(3, 4, EventKind::ViewItem),
        at(2, 4, EventKind::AddToCart),
        at(1, 9, EventKind::ViewItem),
    ]);
    let (ids, template, list) = applied("home-hero", &de, &cart, NOW, "");
    assert_eq!(ids, ["left-in-cart", "summer", "loyal"]);
    assert_eq!(
        (template.as_deref(), list.as_deref()),
        (Some("carousel"), Some("reminders"))
    );
    let bought = profile(&[at(3, 4, EventKind::AddToCart), at(2, 4, EventKind::Purchase)]);
    assert!(applied("similar", &fr, &bought, NOW, "").0.is_empty(), "it is bought");
    assert!(
        applied("similar", &fr, &cart, NOW + 40 * DAY, "left-in-cart").0 == ["loyal"],
        "between both events"
    );
}

#[test]
fn behaviour_says_what_the_events_say_and_no_page_can_say_otherwise() {
    let snapshot = snapshot(1);
    let said = |profile: &Profile| Value::Object(behaviour(&snapshot, profile, NOW));
    assert_eq!(
        said(&Profile::default()).json(),
        r#"{"recency":null,"frequency":0,"purchases":0,"monetary":null,"cart":0,"categories":[],"brands":[]}"#
    );
    let labels = snapshot.labels().unwrap();
    let table = snapshot.attributes().unwrap();
    let known = (0..ITEMS)
        .find(|item| table.get(*item as u32).unwrap().category > 0)
        .unwrap();
    let codes = table.get(known as u32).unwrap();
    let mut made: Vec<Event> = (2..9).map(|day| at(day, known, EventKind::ViewItem)).collect();
    made.extend([
        at(5, 20, EventKind::Purchase),
        at(4, 21, EventKind::Purchase),
        at(3, 22, EventKind::AddToCart),
        at(1, 23, EventKind::Dismiss),
    ]);
    let profile = profile(&made);
    let said = said(&profile);
    let bands: Vec<f64> = [20, 21]
        .map(|row| f64::from(table.get(row).unwrap().price_band))
        .into_iter()
        .filter(|band| *band > 0.0)
        .collect();
    assert_eq!(said.get("recency"), Some(&1u32.into()));
    assert_eq!(said.get("frequency"), Some(&8u32.into()));
    assert_eq!(said.get("cart"), Some(&1u32.into()));
    assert_eq!(
        said.get("monetary"),
        Some(&Value::from(bands.iter().sum::<f64>() / bands.len() as f64))
    );
    let Some(Value::List(categories)) = said.get("categories") else {
        panic!("{said:?}")
    };
    assert_eq!(
        categories[0],
        Value::from(labels.categories[usize::from(codes.category) - 1].as_str())
    );

    let rule = Rule {
        id: "r".into(),
        slot: String::new(),
        priority: 0,
        start: 0,
        end: u32::MAX,
        condition: Condition::At(vec!["cart".into()], Box::new(Condition::Number(1.0))),
        after: vec![],
        actions: vec![Action::List("l".into())],
    };
    let rules = Rules {
        rules: vec![rule],
        broken: vec![],
    };
    let forged = Value::Object(vec![("cart".into(), 7u32.into())]);
    let ask = Ask {
        slot: "s",
        attributes: &forged,
        profile: &profile,
        now: NOW,
    };
    assert_eq!(rules.orders(&snapshot, &ask, |_| true).list(), Some("l"));
}

#[test]
fn a_broken_rule_takes_none_of_the_others_with_it() {
    let mut each: Vec<Vec<u8>> = case_rules()
        .iter()
        .map(|rule| postcard::to_allocvec(rule).unwrap())
        .collect();
    each[0].push(0);
    each.insert(1, vec![0xff; 3]);
    let rules = Rules::decode(&postcard::to_allocvec(&each).unwrap()).unwrap();
    assert_eq!(rules.broken, [0, 1]);
    assert_eq!(rules.rules, case_rules()[1..]);
    assert_eq!(Rules::decode(&[5, 1]).unwrap_err().code(), "corrupt");

    // What names nothing that is there does nothing, and is told.
    let snapshot = snapshot(1);
    let action = Action::Exclude(Matching {
        categories: vec!["gone".into()],
        ..Matching::default()
    });
    let orders = Orders {
        actions: vec![("r", &action)],
    };
    let moves = Moves::resolve(&orders, &snapshot);
    assert_eq!(moves.unknown, [("r".to_owned(), "gone".to_owned())]);
}

#[test]
fn what_is_wrong_with_a_rule_is_told_and_the_others_are_compiled() {
    let good = r#"{ "id": "good", "actions": [{ "template": "t" }] }"#;
    for (wrong, said) in [
        (r#"{ "actions": [] }"#, "rule 1: it needs an `id`"),
        (r#"{ "id": "r" }"#, "rule `r`: it needs a list `actions`"),
        (r#"{ "id": "r", "actions": [] }"#, "`actions` is empty"),
        (
            r#"{ "id": "r", "prioritty": 1, "actions": [{ "list": "l" }] }"#,
            "`prioritty` is no field of a rule",
        ),
        (
            r#"{ "id": "r", "actions": [{ "boost": { "brand": ["x"] } }] }"#,
            "actions, `boost`: `brand` is none of",
        ),
        (r#"{ "id": "r", "actions": [{ "boost": {} }] }"#, "it is about nothing"),
        (
            r#"{ "id": "r", "actions": [{ "boost": { "brands": ["x"] }, "by": 0 }] }"#,
            "`by`: a number above 0",
        ),
        (
            r#"{ "id": "r", "actions": [{ "pin": ["a"], "place": 0 }] }"#,
            "the first place is 1",
        ),
        (
            r#"{ "id": "r", "actions": [{ "pin": ["a"], "by": 1 }] }"#,
            "`by` does not go with `pin`",
        ),
        (
            r#"{ "id": "r", "actions": [{ "hide": ["a"] }] }"#,
            "an action is one of",
        ),
        (
            r#"{ "id": "r", "start": "2026-02-30", "actions": [{ "list": "l" }] }"#,
            "`start`: a day from 1970",
        ),
        (
            r#"{ "id": "r", "start": "2026-02-03", "end": "2026-02-03", "actions": [{ "list": "l" }] }"#,
            "it would never apply",
        ),
        (
            r#"{ "id": "r", "after": { "event": "buy" }, "actions": [{ "list": "l" }] }"#,
            "after, `event`: event: `buy` is not known",
        ),
        (
            r#"{ "id": "r", "condition": { "hour": { "$gt": [1] } }, "actions": [{ "list": "l" }] }"#,
            "condition, `hour`, `$gt`: a number or a text",
        ),
    ] {
        let compiled = compile_rules(&format!(r#"{{ "rules": [{wrong}, {good}] }}"#)).unwrap();
        assert_eq!(compiled.rules.len(), 1, "{wrong}");
        let [told] = compiled.broken.as_slice() else {
            panic!("{wrong}: {:?}", compiled.broken)
        };
        assert!(told.to_string().contains(said), "{wrong}: {told}");
    }
    assert!(compile_rules("[]").unwrap_err().to_string().contains("a list `rules`"));
}
