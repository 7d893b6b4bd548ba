//! Conditions over attributes, in the meaning of GrowthBook's Mongo-like syntax, compiled at the origin.
//!
//! Invariant: what was compiled holds for a value where, and only where, GrowthBook's SDK (1.8) says so of the condition it was compiled
//! from; the differential test keeps the two together. Nothing is parsed here but section bytes, so neither JSON nor a regex engine
//! ships. `compile` refuses what this cannot do.

#[cfg(feature = "pack")]
pub(crate) mod compile;
#[cfg(feature = "pack")]
mod json;
mod number;
mod value;
mod version;

#[cfg(feature = "pack")]
pub use compile::Refusal;
pub use value::Value;
pub(crate) use value::MAX_DEPTH;
pub(crate) use value::{compare_texts, folded, write_quoted};

use crate::snapshot::Values;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A condition over one value: the attributes, or what lies at a path in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// Each of them holds; of none, always.
    All(Vec<Condition>),
    /// One of them holds; of none, never.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// It holds for what lies at that path, or for [`Value::Null`].
    At(Vec<String>, Box<Condition>),
    /// Its text is that.
    Text(String),
    /// Its text in small letters is that.
    Folded(String),
    /// It is that number, or becomes it.
    Number(f64),
    /// It is not null, and yes or no, or becomes that.
    Flag(bool),
    /// Its JSON is that.
    Json(String),
    /// It is that value, of that kind.
    Is(Value),
    /// It compares to the value in one of these ways: below 1, equal 2, above 4.
    Compares(u8, Value),
    /// The same for versions, with the padded text.
    Version(u8, String),
    /// It, or one of its elements, is one of these.
    In(Vec<Value>),
    /// The same in small letters, which these are.
    InFolded(Vec<Value>),
    /// The same of the list of that number.
    InGroup(u32),
    /// It is a list, and the condition holds for its length.
    Length(Box<Condition>),
    /// It is a list, and the condition holds for an element that is not null.
    Element(Box<Condition>),
    /// It is a list, and each of the conditions holds for one of its elements.
    Elements(Vec<Condition>),
    /// It is of that kind, by the position among [`Value`]'s.
    Kind(u8),
    /// One of the patterns is in its text.
    Matches(Vec<Pattern>),
}

/// A text to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// Whether it must begin where the text begins.
    pub from_start: bool,
    /// Whether it must end where the text ends.
    pub to_end: bool,
    /// Whether large and small letters of ASCII are alike; the text is then in small ones.
    pub folded: bool,
    /// The text.
    pub text: String,
}

const NULL: &Value = &Value::Null;

impl Default for Condition {
    /// The one that always holds.
    fn default() -> Self {
        Condition::All(vec![])
    }
}

impl Condition {
    /// Whether it holds for a value, with the lists that it refers to.
    pub fn holds(&self, value: &Value, groups: &[Vec<Value>]) -> bool {
        let holds = |condition: &Condition| condition.holds(value, groups);
        let list = match value {
            Value::List(list) => Some(list),
            _ => None,
        };
        match self {
            Condition::All(conditions) => conditions.iter().all(holds),
            Condition::Any(conditions) => conditions.iter().any(holds),
            Condition::Not(condition) => !holds(condition),
            Condition::At(path, condition) => match value.at(path) {
                Ok(value) => condition.holds(value, groups),
                Err(Some(length)) => condition.holds(&(length as u32).into(), groups),
                Err(None) => condition.holds(NULL, groups),
            },
            Condition::Text(text) => match value {
                Value::Text(value) => value == text,
                value => value.text() == *text,
            },
            Condition::Folded(text) => folded(&value.text()) == *text,
            Condition::Number(number) => value.number() == *number,
            Condition::Flag(flag) => *value != Value::Null && value.is_truthy() == *flag,
            Condition::Json(json) => value.json() == *json,
            Condition::Is(other) => value.is(other),
            Condition::Compares(ways, other) => value.compare(other).is_some_and(|order| ways & way(order) != 0),
            Condition::Version(ways, padded) => ways & way(compare_texts(&version::padded(value), padded)) != 0,
            Condition::In(known) => is_in(value, known, Value::is),
            Condition::InFolded(known) => is_in(value, known, |value, other| match (value, other) {
                (Value::Text(value), Value::Text(other)) => folded(value) == *other,
                (value, other) => value.is(other),
            }),
            Condition::InGroup(group) => groups
                .get(*group as usize)
                .is_some_and(|known| is_in(value, known, Value::is)),
            Condition::Length(condition) => {
                list.is_some_and(|list| condition.holds(&(list.len() as u32).into(), groups))
            }
            Condition::Element(condition) => list.is_some_and(|list| {
                let mut elements = list.iter().filter(|element| **element != Value::Null);
                elements.any(|element| condition.holds(element, groups))
            }),
            Condition::Elements(conditions) => list.is_some_and(|list| {
                let found = |condition: &Condition| list.iter().any(|element| condition.holds(element, groups));
                conditions.iter().all(found)
            }),
            Condition::Kind(kind) => kind_of(value) == *kind,
            Condition::Matches(patterns) => {
                let text = value.text();
                patterns.iter().any(|pattern| pattern.matches(&text))
            }
        }
    }

    pub(crate) fn read(values: &mut Values<'_>, depth: usize) -> Option<Condition> {
        let depth = depth.checked_sub(1)?;
        let one = |values: &mut Values<'_>| Condition::read(values, depth);
        let boxed = |values: &mut Values<'_>| Condition::read(values, depth).map(Box::new);
        let value = |values: &mut Values<'_>| Value::read(values, depth);
        Some(match values.varint(32)? {
            0 => Condition::All(values.list(one)?),
            1 => Condition::Any(values.list(one)?),
            2 => Condition::Not(boxed(values)?),
            3 => Condition::At(values.list(|values| values.text())?, boxed(values)?),
            4 => Condition::Text(values.text()?),
            5 => Condition::Folded(values.text()?),
            6 => Condition::Number(values.double()?),
            7 => Condition::Flag(values.flag()?),
            8 => Condition::Json(values.text()?),
            9 => Condition::Is(value(values)?),
            10 => Condition::Compares(values.byte()?, value(values)?),
            11 => Condition::Version(values.byte()?, values.text()?),
            12 => Condition::In(values.list(value)?),
            13 => Condition::InFolded(values.list(value)?),
            14 => Condition::InGroup(values.varint(32)?),
            15 => Condition::Length(boxed(values)?),
            16 => Condition::Element(boxed(values)?),
            17 => Condition::Elements(values.list(one)?),
            18 => Condition::Kind(values.byte()?),
            19 => Condition::Matches(values.list(|values| {
                Some(Pattern {
                    from_start: values.flag()?,
                    to_end: values.flag()?,
                    folded: values.flag()?,
                    text: values.text()?,
                })
            })?),
            _ => return None,
        })
    }
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        let folded;
        let text = if self.folded {
            folded = text.to_ascii_lowercase();
            folded.as_str()
        } else {
            text
        };
        match (self.from_start, self.to_end) {
            (true, true) => text == self.text,
            (true, false) => text.starts_with(self.text.as_str()),
            (false, true) => text.ends_with(self.text.as_str()),
            (false, false) => contains(text.as_bytes(), self.text.as_bytes()),
        }
    }
}

/// Byte by byte: the search of std is 2 KB of the wasm as it travels.
pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// The bit of an order among those that [`Condition::Compares`] allows.
fn way(order: Ordering) -> u8 {
    match order {
        Ordering::Less => 1,
        Ordering::Equal => 2,
        Ordering::Greater => 4,
    }
}

fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Flag(_) => 1,
        Value::Number(..) => 2,
        Value::Text(_) => 3,
        Value::List(_) => 4,
        Value::Object(_) => 5,
    }
}

fn is_in(value: &Value, known: &[Value], same: impl Fn(&Value, &Value) -> bool) -> bool {
    let is_known = |value: &Value| known.iter().any(|other| same(value, other));
    match value {
        Value::List(list) => list.iter().any(is_known),
        value => is_known(value),
    }
}
