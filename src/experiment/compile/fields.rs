//! Fields of the payload, of the kinds that they must have.

use super::Compiling;
use crate::condition::{Refusal, Value};

pub(super) fn fields(json: &Value) -> Compiling<&Vec<(String, Value)>> {
    match json {
        Value::Object(fields) => Ok(fields),
        _ => Err(Refusal::new("an object is needed")),
    }
}

pub(super) fn list(json: &Value) -> Compiling<&[Value]> {
    match json {
        Value::List(list) => Ok(list),
        _ => Err(Refusal::new("a list is needed")),
    }
}

pub(super) fn number(json: &Value) -> Compiling<f64> {
    match json {
        Value::Number(number, _) => Ok(*number),
        _ => Err(Refusal::new("a number is needed")),
    }
}

/// A field that may be missing.
pub(super) fn text<'a>(json: &'a Value, name: &str) -> Compiling<Option<&'a str>> {
    match json.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::new("a text is needed").within(format_args!("`{name}`"))),
    }
}

pub(super) fn flag(json: &Value, name: &str) -> Compiling<Option<bool>> {
    match json.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Flag(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::new("true or false is needed").within(format_args!("`{name}`"))),
    }
}

pub(super) fn whole(json: &Value, name: &str) -> Compiling<Option<u32>> {
    match json.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number, _)) if number.fract() == 0.0 && (0.0..=1_000.0).contains(number) => {
            Ok(Some(*number as u32))
        }
        Some(_) => Err(Refusal::new("a whole number from 0 to 1,000 is needed").within(format_args!("`{name}`"))),
    }
}

/// A number from 0 to 1.
pub(super) fn share(json: &Value, name: &str) -> Compiling<Option<f64>> {
    match json.get(name) {
        None => Ok(None),
        Some(Value::Number(number, _)) if (0.0..=1.0).contains(number) => Ok(Some(*number)),
        Some(_) => Err(Refusal::new("a number from 0 to 1 is needed").within(format_args!("`{name}`"))),
    }
}

pub(super) fn hash_version(json: &Value, usual: u8) -> Compiling<u8> {
    match whole(json, "hashVersion")? {
        None | Some(0) => Ok(usual),
        Some(version @ 1..=2) => Ok(version as u8),
        Some(_) => Err(Refusal::new("hash versions are 1 and 2").within("`hashVersion`")),
    }
}
