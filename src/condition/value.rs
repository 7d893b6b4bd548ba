//! Values of attributes and features, and what JavaScript makes of one where it wants a text, a number or yes and no.
//!
//! Conditions were written for GrowthBook's SDK, so they mean what they mean there: the conversions are those of ECMAScript. A number
//! carries its text, because a host that has one has printed it already, and printing floats is much code.

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

/// A finite number as ECMAScript prints it (`Number::toString`): the fewest digits that read back, from 1e21 on and below 1e-6 with an exponent.
fn printed(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let scientific = format!("{:e}", number.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if number < 0.0 { "-" } else { "" };
    let count = digits.len() as i32;
    let point = exponent + 1;
    let zeros = |many: i32| "0".repeat(many.max(0) as usize);
    let split = |at: usize| digits.split_at_checked(at).unwrap_or((&digits, ""));
    match point {
        _ if count <= point && point <= 21 => format!("{sign}{digits}{}", zeros(point - count)),
        1..=21 => {
            let (whole, rest) = split(point as usize);
            format!("{sign}{whole}.{rest}")
        }
        -5..=0 => format!("{sign}0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = split(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let plus = if exponent > 0 { "+" } else { "" };
            format!("{sign}{first}{dot}{rest}e{plus}{exponent}")
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
fn position(name: &str) -> Option<usize> {
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

/// The number that a text is, as JavaScript's `Number(text)`: blanks around it do not count, an empty one is 0, other bases have a prefix.
///
/// Correctly rounded where it has at most 19 digits that make a number below 2^53 and a power of ten within ±22; beyond, the last bits may
/// differ from JavaScript's: the tables for those are more code than all of this.
fn read_number(text: &str) -> f64 {
    let text = text.trim_matches(|char: char| char.is_whitespace() && char != '\u{85}' || char == '\u{feff}');
    if text.is_empty() {
        return 0.0;
    }
    for (prefixes, base) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix)) {
            let digit = |sum: f64, char: char| {
                char.to_digit(base)
                    .map(|digit| sum * f64::from(base) + f64::from(digit))
            };
            let value = digits.chars().try_fold(0.0, digit);
            return value.filter(|_| !digits.is_empty()).unwrap_or(f64::NAN);
        }
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits == "Infinity" {
        return sign * f64::INFINITY;
    }
    sign * read_decimal(digits).unwrap_or(f64::NAN)
}

/// Digits with a point and an exponent, each of which may be missing.
fn read_decimal(text: &str) -> Option<f64> {
    let (mut mantissa, mut scale, mut any, mut point) = (0u64, 0i32, false, false);
    let mut rest = text.as_bytes();
    let mut exponent = None;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'0'..=b'9' => {
                any = true;
                if mantissa < 100_000_000_000_000_000 {
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                    scale -= i32::from(point);
                } else {
                    scale = scale.saturating_add(i32::from(!point));
                }
            }
            b'.' if !point => point = true,
            b'e' | b'E' if any => {
                exponent = Some(rest);
                break;
            }
            _ => return None,
        }
    }
    if let Some(digits) = exponent {
        let (negative, digits) = match digits.split_first()? {
            (b'-', digits) => (true, digits),
            (b'+', digits) => (false, digits),
            _ => (false, digits),
        };
        let mut value = 0i32;
        for byte in digits {
            let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
            value = value.saturating_mul(10).saturating_add(digit).min(100_000);
        }
        if digits.is_empty() {
            return None;
        }
        scale = scale.saturating_add(if negative { -value } else { value });
    }
    if !any {
        return None;
    }
    let mut value = mantissa as f64;
    let mut left = scale.clamp(-400, 400);
    while left != 0 && value != 0.0 {
        let step = left.clamp(-22, 22);
        // Powers to the 22nd are exact.
        let power = (0..step.abs()).fold(1.0, |power: f64, _| power * 10.0);
        value = if step > 0 { value * power } else { value / power };
        left -= step;
    }
    Some(value)
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

#[cfg(feature = "pack")]
mod json {
    use super::Value;
    use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
    use std::fmt;

    /// A value read from JSON as JavaScript's `JSON.parse` reads it.
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) struct Parsed(pub(crate) Value);

    impl<'de> Deserialize<'de> for Parsed {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Any).map(Parsed)
        }
    }

    struct Any;

    impl<'de> Visitor<'de> for Any {
        type Value = Value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value of JSON")
        }

        fn visit_unit<E: Error>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
            Ok(Value::Flag(flag))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
            Ok((number as f64).into())
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
            Ok((number as f64).into())
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
            Ok(number.into())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
            Ok(Value::Text(text.into()))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
            let mut list = vec![];
            while let Some(Parsed(value)) = seq.next_element()? {
                list.push(value);
            }
            Ok(Value::List(list))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
            let mut fields: Vec<(String, Value)> = vec![];
            while let Some((name, Parsed(value))) = map.next_entry::<String, Parsed>()? {
                match fields.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = value,
                    None => fields.push((name, value)),
                }
            }
            // JavaScript has positions before names.
            let number = |name: &str| super::position(name).unwrap_or(usize::MAX);
            fields.sort_by_key(|(name, _)| number(name));
            Ok(Value::Object(fields))
        }
    }
}

#[cfg(feature = "pack")]
impl Value {
    /// Reads JSON as JavaScript's `JSON.parse` does.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn from_json(text: &str) -> std::result::Result<Value, String> {
        serde_json::from_str::<json::Parsed>(text)
            .map(|parsed| parsed.0)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_javascript_does() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (123e18, "123000000000000000000"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (0.30000000000000004, "0.30000000000000004"),
        ] {
            assert_eq!(Value::from(number).text(), text);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_does() {
        for (text, number) in [
            ("", 0.0),
            (" 12 ", 12.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("0x1F", 31.0),
            ("1e400", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0.1", 0.1),
            ("1e-7", 1e-7),
            ("0001", 1.0),
            ("0e99999999999", 0.0),
        ] {
            assert_eq!(read_number(text), number, "{text}");
        }
        for text in [
            "abc", "1a", "1 2", ".", "e5", "1e", "--1", "+-1", "0x", "0xg", "-0x1", "1_000", "infinity",
        ] {
            assert!(read_number(text).is_nan(), "{text}");
        }
    }

    #[test]
    fn numbers_of_fifteen_digits_read_back_exactly() {
        let mut number = 1u64;
        for at in 0..20_000u32 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let text = format!(
                "{}e{}",
                (number >> 14) as f64 / [1.0, 10.0, 1e3, 1e5, 1e8][at as usize % 5],
                at as i32 % 7 - 3
            );
            if text.bytes().filter(u8::is_ascii_digit).count() <= 16 {
                assert_eq!(read_number(&text), text.parse::<f64>().unwrap(), "{text}");
            }
        }
    }

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
