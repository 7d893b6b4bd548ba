//! Values of attributes and features, and what JavaScript makes of one where it wants a text, a number or yes and no.
//!
//! Conditions were written for GrowthBook's SDK, so they mean what they mean there: the conversions are those of ECMAScript. A number
//! carries its text, because a host that has one has printed it already, and printing floats is much code.

use super::number::{printed, read_number};
use crate::snapshot::Values;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// How deep values and conditions may nest.
pub(crate) const MAX_DEPTH: usize = 32;

/// A value of JSON. Objects keep the order of their fields.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Value {
    /// Nothing is known, or nothing is meant.
    #[default]
    Null,
    /// Yes or no.
    Flag(bool),
    /// A number, and how JavaScript prints it.
    Number(f64, String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Names and their values.
    Object(Vec<(String, Value)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Flag(flag)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        let mut text = String::new();
        crate::error::write_number(&mut text, number as usize);
        Value::Number(number.into(), text)
    }
}

impl From<f64> for Value {
    /// A number that JSON cannot write is [`Value::Null`], as JavaScript's `JSON.stringify` has it.
    fn from(number: f64) -> Self {
        if number.is_finite() {
            Value::Number(number, printed(number))
        } else {
            Value::Null
        }
    }
}

impl Value {
    /// The field of that name of an object, where there is one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What lies at a path of names, positions in lists, and `length` of a list at the end; `Err` with the length in that case.
    pub(crate) fn at<'a>(&'a self, path: &[String]) -> Result<&'a Value, Option<usize>> {
        let mut value = self;
        for (step, name) in path.iter().enumerate() {
            value = match value {
                Value::List(list) if name == "length" => {
                    return Err((step + 1 == path.len()).then_some(list.len()));
                }
                Value::List(list) => position(name).and_then(|at| list.get(at)),
                value => value.get(name),
            }
            .ok_or(None)?;
        }
        Ok(value)
    }

    /// Yes and no, as JavaScript's `!!value`.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Flag(flag) => *flag,
            Value::Number(number, _) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::List(_) | Value::Object(_) => true,
        }
    }

    /// The text, as JavaScript's `value + ""`.
    pub(crate) fn write_text(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Flag(true) => out.push_str("true"),
            Value::Flag(false) => out.push_str("false"),
            Value::Number(_, text) | Value::Text(text) => out.push_str(text),
            Value::List(list) => {
                for (at, value) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    if *value != Value::Null {
                        value.write_text(out);
                    }
                }
            }
            Value::Object(_) => out.push_str("[object Object]"),
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    /// The number, as JavaScript's `value * 1`; NaN where it is none.
    pub(crate) fn number(&self) -> f64 {
        match self {
            Value::Null | Value::Flag(false) => 0.0,
            Value::Flag(true) => 1.0,
            Value::Number(number, _) => *number,
            Value::Text(text) => read_number(text),
            Value::List(_) => read_number(&self.text()),
            Value::Object(_) => f64::NAN,
        }
    }

    /// Whether two are the same as JavaScript's `===` has it: no list and no object is another one.
    pub(crate) fn is(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Flag(a), Value::Flag(b)) => a == b,
            (Value::Number(a, _), Value::Number(b, _)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            _ => false,
        }
    }

    /// Which is the larger, as JavaScript's `<` has it: by their UTF-16 where both are texts, else as numbers; `None` where one is no number.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        let is_text = |value: &Value| matches!(value, Value::Text(_) | Value::List(_) | Value::Object(_));
        if is_text(self) && is_text(other) {
            return Some(compare_texts(&self.text(), &other.text()));
        }
        self.number().partial_cmp(&other.number())
    }

    /// Writes it as `JSON.stringify` does.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Value::Null | Value::Flag(_) | Value::Number(..) => self.write_text(out),
            Value::Text(text) => write_quoted(out, text),
            Value::List(list) => {
                out.push('[');
                for (at, value) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    value.write_json(out);
                }
                out.push(']');
            }
            Value::Object(fields) => {
                out.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_quoted(out, name);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// As [`Value::write_json`].
    pub fn json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json);
        json
    }

    /// Reads one that a host has encoded (`postcard`, docs/FORMAT.md, "Values"), and nothing behind it.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the bytes are no such value, or nest too deep.
    pub fn decode(bytes: &[u8]) -> crate::Result<Value> {
        let mut values = Values(bytes);
        let value = Value::read(&mut values, MAX_DEPTH).filter(|_| values.0.is_empty());
        value.ok_or(crate::Error::Corrupt {
            what: "attributes",
            at: 0,
            rule: "they are one encoded value that nests at most 32 deep",
        })
    }

    pub(crate) fn read(values: &mut Values<'_>, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        Some(match values.varint(32)? {
            0 => Value::Null,
            1 => Value::Flag(values.flag()?),
            2 => Value::Number(values.double()?, values.text()?),
            3 => Value::Text(values.text()?),
            4 => Value::List(values.list(|values| Value::read(values, depth))?),
            5 => Value::Object(values.list(|values| Some((values.text()?, Value::read(values, depth)?)))?),
            _ => return None,
        })
    }
}

/// A position in a list, as JavaScript writes it in a path.
pub(super) fn position(name: &str) -> Option<usize> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && !name.is_empty() && name.len() < 10 && (name == "0" || !name.starts_with('0'));
    plain.then(|| {
        name.bytes()
            .fold(0, |number, byte| number * 10 + usize::from(byte - b'0'))
    })
}

pub(crate) fn compare_texts(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// A text between quotes, with what JSON needs to escape.
pub(crate) fn write_quoted(out: &mut String, text: &str) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => {
                out.push_str("\\u00");
                let code = char as usize;
                out.extend([HEX.get(code >> 4), HEX.get(code & 15)].into_iter().flatten());
            }
            char => out.push(char),
        }
    }
    out.push('"');
}

/// The text in small letters where those are of ASCII, Latin-1 or Cyrillic; other letters stay, and so they do not match what is compiled,
/// which is of these alone.
pub(crate) fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

pub(crate) fn fold(char: char) -> char {
    let code = char as u32;
    let folded = match code {
        0x41..=0x5a | 0xc0..=0xd6 | 0xd8..=0xde | 0x410..=0x42f => code + 32,
        0x400..=0x40f => code + 80,
        0x178 => 0xff,
        0x1e9e => 0xdf,
        0x212a => 0x6b,
        0x212b => 0xe5,
        _ => code,
    };
    char::from_u32(folded).unwrap_or(char)
}

/// Whether [`fold`] finds every letter that is this one in small.
#[cfg(feature = "pack")]
pub(crate) fn folds(char: char) -> bool {
    matches!(char as u32, 0..=0xff | 0x400..=0x45f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_small_in_what_can_be_compiled_is_found() {
        for char in '\0'..=char::MAX {
            let small: Vec<char> = char.to_lowercase().collect();
            let compiled = |char: &char| matches!(*char as u32, 0..=0xff | 0x400..=0x45f);
            if small.iter().all(compiled) {
                assert_eq!(small, [fold(char)], "{char}");
            } else {
                assert!(!compiled(&fold(char)), "{char}");
            }
        }
    }
}
