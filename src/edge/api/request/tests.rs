//! What a body may say, and what each mistake is called.

use super::*;
use serde_json::json;

const NOW: u32 = 1_700_000_000;

fn read(body: &Value) -> Result<Rerank, Problem> {
    Rerank::read(body.to_string().as_bytes(), NOW)
}

fn code(body: &Value) -> Code {
    read(body).unwrap_err().code
}

#[test]
fn a_body_says_what_to_rank_and_for_whom() {
    let body = json!({
        "consent": true,
        "explain": true,
        "events": [{ "event": "purchase", "item": "a", "at": 5 }, { "event": "view_item", "item": "b" }, { "event": "dismiss", "item": "c", "at": u32::MAX }],
        "lists": [
            { "list": "popular" },
            { "items": ["x", "y"], "count": 1, "diversity": 0.5, "exclude_purchased": true, "exclude_out_of_stock": false },
        ],
    });
    let rerank = read(&body).unwrap();
    assert!(rerank.explain);
    let (mode, profile) = rerank.profile(None);
    assert_eq!(mode, Mode::Session);
    let events: Vec<_> = profile.events().iter().map(|event| (event.at, event.kind)).collect();
    assert_eq!(
        events,
        [
            (5, EventKind::Purchase),
            (NOW, EventKind::ViewItem),
            (NOW, EventKind::Dismiss)
        ]
    );
    assert_eq!(rerank.id(item_hash("b")), Some("b"));
    let popular = Wanted {
        source: Source::List {
            name: "popular".into(),
            file: "candidates/popular.json".into(),
        },
        options: Options {
            diversity: DIVERSITY,
            ..Options::default()
        },
    };
    let given = Wanted {
        source: Source::Items(vec!["x".into(), "y".into()]),
        options: Options {
            count: 1,
            diversity: 0.5,
            exclude_purchased: true,
            exclude_out_of_stock: false,
        },
    };
    assert_eq!(rerank.lists, [popular, given]);
}

#[test]
fn events_count_under_consent_only() {
    let lists = json!([{ "list": "a" }]);
    let events = json!([{ "event": "view_item", "item": "a" }]);
    for consent in [json!(false), json!(null)] {
        assert_eq!(
            code(&json!({ "lists": lists, "events": events, "consent": consent })),
            Code::ConsentRequired
        );
    }
    assert_eq!(
        code(&json!({ "lists": lists, "events": events })),
        Code::ConsentRequired
    );
    let rerank = read(&json!({ "lists": lists, "events": events, "consent": true })).unwrap();
    for gpc in ["1", "0", "?"] {
        assert_eq!(
            rerank.profile(Some(gpc)),
            (Mode::Contextual, Profile::default()),
            "{gpc}"
        );
    }
    let none = read(&json!({ "lists": lists, "events": [] })).unwrap();
    assert_eq!(none.profile(None), (Mode::Contextual, Profile::default()));
}

#[test]
fn each_bound_has_its_own_code() {
    let list = json!({ "list": "a" });
    let event = json!({ "event": "view_item", "item": "a" });
    assert!(read(&json!({ "lists": vec![&list; MAX_LISTS] })).is_ok());
    assert_eq!(
        code(&json!({ "lists": vec![&list; MAX_LISTS + 1] })),
        Code::TooManyLists
    );
    assert!(read(&json!({ "lists": [{ "items": vec!["a"; MAX_CANDIDATES] }] })).is_ok());
    assert_eq!(
        code(&json!({ "lists": [{ "items": vec!["a"; MAX_CANDIDATES + 1] }] })),
        Code::TooManyCandidates
    );
    assert!(read(&json!({ "lists": [list], "consent": true, "events": vec![&event; MAX_EVENTS] })).is_ok());
    let many = json!({ "lists": [list], "consent": true, "events": vec![&event; MAX_EVENTS + 1] });
    assert_eq!(code(&many), Code::TooManyEvents);
    assert_eq!(
        Rerank::read(&vec![b' '; MAX_BODY + 1], NOW).unwrap_err().code,
        Code::BodyTooLarge
    );
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert_eq!(
        Rerank::read(nested(MAX_DEPTH).as_bytes(), NOW).unwrap_err().code,
        Code::WrongBody
    );
    for depth in [MAX_DEPTH + 1, 100, 100_000] {
        assert_eq!(
            Rerank::read(nested(depth).as_bytes(), NOW).unwrap_err().code,
            Code::TooDeep
        );
    }
    assert_eq!(
        Rerank::read("[".repeat(200_000).as_bytes(), NOW).unwrap_err().code,
        Code::TooDeep
    );
    let quoted = json!({ "lists": [{ "items": ["[[[[[[[[[[[[\\\"[[[[\"{{{{{{"] }] });
    assert!(read(&quoted).is_ok());
}

#[test]
fn what_is_wrong_has_a_place() {
    let one = |list: Value| json!({ "lists": [{ "list": "a" }, list] });
    let event = |event: Value| json!({ "lists": [{ "list": "a" }], "consent": true, "events": [event] });
    for (body, place) in [
        (json!([]), ""),
        (json!({}), "/lists"),
        (json!({ "lists": [] }), "/lists"),
        (json!({ "lists": {} }), "/lists"),
        (json!({ "lists": [{ "list": "a" }], "visitor": 1 }), ""),
        (json!({ "lists": [{ "list": "a" }], "explain": 1 }), "/explain"),
        (one(json!("a")), "/lists/1"),
        (one(json!({})), "/lists/1"),
        (one(json!({ "list": "a", "items": [] })), "/lists/1"),
        (one(json!({ "list": "../a" })), "/lists/1/list"),
        (one(json!({ "list": 1 })), "/lists/1/list"),
        (one(json!({ "items": [1] })), "/lists/1/items"),
        (one(json!({ "list": "a", "count": 0 })), "/lists/1/count"),
        (one(json!({ "list": "a", "count": 1.5 })), "/lists/1/count"),
        (one(json!({ "list": "a", "count": 1001 })), "/lists/1/count"),
        (one(json!({ "list": "a", "diversity": 1.1 })), "/lists/1/diversity"),
        (
            one(json!({ "list": "a", "exclude_purchased": "yes" })),
            "/lists/1/exclude_purchased",
        ),
        (event(json!({ "item": "a" })), "/events/0/event"),
        (event(json!({ "event": "buy", "item": "a" })), "/events/0/event"),
        (event(json!({ "event": "purchase" })), "/events/0/item"),
        (
            event(json!({ "event": "purchase", "item": "a", "at": -1 })),
            "/events/0/at",
        ),
    ] {
        let problem = read(&body).unwrap_err();
        assert_eq!(
            (problem.code, problem.pointer.as_deref()),
            (Code::WrongBody, Some(place)),
            "{body}"
        );
    }
    for text in ["", "{", "{\"lists\": [}", "nul", "{}{}", "\u{0}"] {
        assert_eq!(
            Rerank::read(text.as_bytes(), NOW).unwrap_err().code,
            Code::NotJson,
            "{text}"
        );
    }
    assert_eq!(Rerank::read(&[0xff, 0xfe], NOW).unwrap_err().code, Code::NotJson);
}

#[test]
fn bodies_are_plain_json() {
    for good in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(is_json(Some(good), None), Ok(()));
        assert_eq!(is_json(Some(good), Some("identity")), Ok(()));
        assert!(is_json(Some(good), Some("gzip")).is_err());
    }
    for wrong in [
        "",
        "text/plain",
        "application/json2",
        "application/x-www-form-urlencoded",
    ] {
        assert!(is_json(Some(wrong), None).is_err(), "{wrong}");
    }
    assert!(is_json(None, None).is_err());
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn any_bytes_are_a_call_or_a_problem(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = Rerank::read(&bytes, NOW);
    }

    #[test]
    fn depth_is_that_of_the_value(value in nested()) {
        fn deep(value: &Value) -> usize {
            match value {
                Value::Array(values) => 1 + values.iter().map(deep).max().unwrap_or(0),
                Value::Object(fields) => 1 + fields.values().map(deep).max().unwrap_or(0),
                _ => 0,
            }
        }
        proptest::prop_assert_eq!(depth(value.to_string().as_bytes()), deep(&value));
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn nested() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::strategy::Strategy;
    let leaf = "[\\[\\]{}\"\\\\a]{0,6}".prop_map(Value::from);
    leaf.prop_recursive(12, 40, 4, |inner| {
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[\\[\"a]{0,3}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
