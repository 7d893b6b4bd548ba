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
            ..Signals::default()
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
mod tests;
