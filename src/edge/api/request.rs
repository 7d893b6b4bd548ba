//! What a caller of `POST /v1/rerank` sends.
//!
//! Invariant: a body is bounded in bytes, depth and numbers before anything is made of it, each bound with a code of its own; events become
//! a profile under a grant, which takes that the caller says so and that `Sec-GPC` does not object.

use super::problem::{Code, Problem};
use crate::consent::{Choice, Consent, Gpc, Mode, Signals};
use crate::edge::{list_file, DIVERSITY};
use crate::event::{item_hash, Event, EventKind, ItemHash};
use crate::profile::{Profile, MAX_EVENTS};
use crate::rerank::Options;
use serde_json::{Map, Value};

/// The most bytes of a body.
pub const MAX_BODY: usize = 1 << 18;
/// The most objects and arrays within one another.
pub const MAX_DEPTH: usize = 8;
/// The most lists of a call.
pub const MAX_LISTS: usize = 16;
/// The most candidates of a list that the caller gives, and the most places of a slate.
pub const MAX_CANDIDATES: usize = 1_000;

/// Whether a body is plain JSON, by its headers `Content-Type` and `Content-Encoding`.
///
/// # Errors
/// [`Code::MediaType`].
pub fn is_json(content_type: Option<&str>, content_encoding: Option<&str>) -> Result<(), Problem> {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let plain = content_encoding.is_none_or(|encoding| encoding.trim().eq_ignore_ascii_case("identity"));
    match plain && media_type.trim().eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::new(Code::MediaType)),
    }
}

/// Where the candidates of a list come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The worker has them.
    List {
        /// The list's name.
        name: String,
        /// Its file, as manifests name it.
        file: String,
    },
    /// The caller gives their ids.
    Items(Vec<String>),
}

/// One list that is to be ranked.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its candidates.
    pub source: Source,
    /// How.
    pub options: Options,
}

/// What a call asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Rerank {
    /// The lists.
    pub lists: Vec<Wanted>,
    /// Whether to say why.
    pub explain: bool,
    consent: bool,
    events: Vec<Event>,
    /// The ids of the events' items, in their order.
    ids: Vec<String>,
}

impl Rerank {
    /// Reads a body. `now` is in seconds since 1970-01-01 UTC: events without a time, and those later than it, are of now.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(body: &[u8], now: u32) -> Result<Self, Problem> {
        if body.len() > MAX_BODY {
            return Err(Problem::new(Code::BodyTooLarge));
        }
        if depth(body) > MAX_DEPTH {
            let detail = [
                "at most ",
                &MAX_DEPTH.to_string(),
                " objects and arrays within one another",
            ]
            .concat();
            return Err(Problem::saying(Code::TooDeep, detail));
        }
        let body: Value =
            serde_json::from_slice(body).map_err(|error| Problem::saying(Code::NotJson, error.to_string()))?;
        let body = Object::of(&body, "", &["lists", "events", "consent", "explain"])?;
        let lists = body.array("lists", MAX_LISTS, Code::TooManyLists)?;
        if lists.is_empty() {
            return Err(body.wrong("lists", "one list or more, of `list` or `items` each"));
        }
        let read = |(at, list): (usize, &Value)| read_list(list, ["/lists/", &at.to_string()].concat());
        let lists = lists.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let events = body.array("events", MAX_EVENTS, Code::TooManyEvents)?;
        let consent = body.switch("consent")?.unwrap_or(false);
        if !consent && !events.is_empty() {
            let detail = "say `\"consent\": true` where the visitor agreed to personalization, else leave out `events`";
            return Err(Problem::at(Code::ConsentRequired, "/consent", detail));
        }
        let read = |(at, event): (usize, &Value)| read_event(event, ["/events/", &at.to_string()].concat(), now);
        let events: Result<Vec<_>, _> = events.iter().enumerate().map(read).collect();
        let (events, ids) = events?.into_iter().unzip();
        Ok(Rerank {
            lists,
            explain: body.switch("explain")?.unwrap_or(false),
            consent,
            events,
            ids,
        })
    }

    /// The profile to rank with, and the mode that it stands for: the empty one where the visitor did not agree, or objects by the header
    /// `Sec-GPC`, which the caller passes on.
    pub fn profile(&self, sec_gpc: Option<&str>) -> (Mode, Profile) {
        let consent = Consent::decide(&Signals {
            gpc: Gpc::from_header(sec_gpc),
            choice: self.consent.then_some(Choice {
                mode: Mode::Session,
                capsule: false,
            }),
            gpc_override: false,
        });
        let mut profile = Profile::default();
        if let Some(grant) = consent.grant() {
            for event in &self.events {
                profile.record(&grant, *event);
            }
        }
        (consent.mode(), profile)
    }

    /// The id by which the call names an item.
    pub(super) fn id(&self, item: ItemHash) -> Option<&str> {
        let at = self.events.iter().position(|event| event.item == item)?;
        self.ids.get(at).map(String::as_str)
    }
}

fn read_list(list: &Value, at: String) -> Result<Wanted, Problem> {
    const FIELDS: [&str; 6] = [
        "list",
        "items",
        "count",
        "diversity",
        "exclude_purchased",
        "exclude_out_of_stock",
    ];
    let list = Object::of(list, at, &FIELDS)?;
    let source = match (list.get("list"), list.get("items")) {
        (Some(_), None) => {
            let name = list.text("list")?;
            let file = list_file(name).ok_or_else(|| list.wrong("list", "the name of a list: a to z, 0 to 9 and -"))?;
            Source::List {
                name: name.into(),
                file,
            }
        }
        (None, Some(_)) => {
            let items = list.array("items", MAX_CANDIDATES, Code::TooManyCandidates)?;
            let ids = items.iter().map(|item| item.as_str().map(Into::into));
            let ids: Option<Vec<String>> = ids.collect();
            Source::Items(ids.ok_or_else(|| list.wrong("items", "ids, as texts"))?)
        }
        _ => return Err(list.wrong("", "an object with either `list` or `items`")),
    };
    let defaults = Options::default();
    let count = match list.get("count") {
        None => defaults.count,
        Some(count) => {
            let count = count
                .as_u64()
                .filter(|count| (1..=MAX_CANDIDATES as u64).contains(count));
            count.ok_or_else(|| list.wrong("count", "a whole number from 1 to 1000"))? as usize
        }
    };
    let diversity = match list.get("diversity") {
        None => DIVERSITY,
        Some(diversity) => {
            let diversity = diversity.as_f64().filter(|diversity| (0.0..=1.0).contains(diversity));
            diversity.ok_or_else(|| list.wrong("diversity", "a number from 0 to 1"))? as f32
        }
    };
    let options = Options {
        count,
        diversity,
        exclude_purchased: list.switch("exclude_purchased")?.unwrap_or(defaults.exclude_purchased),
        exclude_out_of_stock: list
            .switch("exclude_out_of_stock")?
            .unwrap_or(defaults.exclude_out_of_stock),
    };
    Ok(Wanted { source, options })
}

fn read_event(event: &Value, at: String, now: u32) -> Result<(Event, String), Problem> {
    let event = Object::of(event, at, &["event", "item", "at"])?;
    let kind = EventKind::from_name(event.text("event")?);
    let kind = kind.map_err(|error| Problem::at(Code::WrongBody, event.place("event"), error.to_string()))?;
    let at = match event.get("at") {
        None => now,
        Some(at) => {
            let at = at.as_u64().filter(|at| *at <= u64::from(u32::MAX));
            at.ok_or_else(|| event.wrong("at", "seconds since 1970-01-01 UTC"))? as u32
        }
    };
    let id = event.text("item")?;
    let event = Event {
        item: item_hash(id),
        at: at.min(now),
        kind,
    };
    Ok((event, id.into()))
}

/// An object of the body, which knows where it is.
struct Object<'a> {
    fields: &'a Map<String, Value>,
    at: String,
}

impl<'a> Object<'a> {
    fn of(value: &'a Value, at: impl Into<String>, known: &[&str]) -> Result<Self, Problem> {
        let at = at.into();
        let Some(fields) = value.as_object() else {
            return Err(Problem::at(Code::WrongBody, at, "must be an object"));
        };
        let object = Object { fields, at };
        if fields.keys().any(|key| !known.contains(&key.as_str())) {
            return Err(object.wrong("", &["an object of ", &known.join(", ")].concat()));
        }
        Ok(object)
    }

    /// A field; null counts as none.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn place(&self, name: &str) -> String {
        match name {
            "" => self.at.clone(),
            _ => [&self.at, "/", name].concat(),
        }
    }

    fn wrong(&self, name: &str, expected: &str) -> Problem {
        Problem::at(Code::WrongBody, self.place(name), ["must be ", expected].concat())
    }

    fn text(&self, name: &str) -> Result<&'a str, Problem> {
        let text = self.get(name).and_then(Value::as_str);
        text.ok_or_else(|| self.wrong(name, "a text"))
    }

    fn switch(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(*on)),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    /// Nothing where it is not there.
    fn array(&self, name: &str, max: usize, too_many: Code) -> Result<&'a [Value], Problem> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) if values.len() <= max => Ok(values),
            Some(Value::Array(_)) => {
                let detail = ["at most ", &max.to_string()].concat();
                Err(Problem::at(too_many, self.place(name), detail))
            }
            Some(_) => Err(self.wrong(name, "an array")),
        }
    }
}

/// How many objects and arrays are within one another at most; of text that is not JSON some number.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
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
}
