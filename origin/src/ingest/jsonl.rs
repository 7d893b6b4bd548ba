//! JSON Lines, gzip too, as GA4 exports events: one object a line, one row an element of a list in it. Invariant: a
//! line that is no JSON object is handed on as unreadable, and no line takes more memory than [`MAX_LINE`].

use super::table::{damaged, text_reader, Sink, Value};
use crate::config::Column;
use crate::error::Result;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest line that is read, in bytes.
const MAX_LINE: usize = 4 << 20;

/// The keys of the first lines, sorted.
pub(super) fn columns(head: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = head
        .split(|b| *b == b'\n')
        .take(50)
        .filter_map(|line| serde_json::from_slice::<serde_json::Map<String, Json>>(line).ok())
        .flat_map(|object| object.into_iter().map(|(key, _)| key))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A column's path: within the row's own element of the list, or within the line.
struct Route<'a> {
    own: bool,
    keys: Vec<&'a str>,
}

/// Reads the rows; see [`super::table::Table::read`].
pub(super) fn read(path: &Path, wanted: &[Option<&Column>], each: Option<&str>, sink: &mut Sink<'_>) -> Result<u64> {
    let routes: Vec<Vec<Route<'_>>> = wanted
        .iter()
        .map(|column| {
            column
                .iter()
                .flat_map(|Column(names)| names)
                .map(|name| route(name, each))
                .collect()
        })
        .collect();
    let mut reader = BufReader::with_capacity(256 * 1024, text_reader(path)?);
    let mut line = Vec::new();
    let mut number = 0u64;
    loop {
        line.clear();
        let read = (&mut reader)
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(|e| damaged(path, &e))?;
        if read == 0 {
            return Ok(0);
        }
        number += 1;
        if read > MAX_LINE {
            skip_line(&mut reader).map_err(|e| damaged(path, &e))?;
            sink(number, Err(format!("a line of more than {} MB", MAX_LINE >> 20)))?;
            continue;
        }
        let text = if number == 1 {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line)
        } else {
            &line
        };
        if text.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Json>(text) {
            Ok(object @ Json::Object(_)) => rows(&object, &routes, each, number, sink)?,
            Ok(_) => sink(number, Err("JSON, but no object".to_owned()))?,
            Err(e) => sink(number, Err(format!("no JSON: {e}")))?,
        }
    }
}

fn rows(line: &Json, routes: &[Vec<Route<'_>>], each: Option<&str>, number: u64, sink: &mut Sink<'_>) -> Result<()> {
    let mut row = |element: &Json| {
        let values: Vec<Value<'_>> = routes
            .iter()
            .map(|routes| {
                routes
                    .iter()
                    .map(|route| leaf(walk(if route.own { element } else { line }, &route.keys)))
                    .find(|value| *value != Value::Null)
                    .unwrap_or(Value::Null)
            })
            .collect();
        sink(number, Ok(&values))
    };
    match each.map(|each| line.get(each)) {
        Some(Some(Json::Array(elements))) if !elements.is_empty() => elements.iter().try_for_each(row),
        // An event without items is still a row, so that it is counted.
        Some(_) => row(&Json::Null),
        None => row(line),
    }
}

fn route<'a>(name: &'a str, each: Option<&str>) -> Route<'a> {
    let within = each
        .and_then(|each| name.strip_prefix(each))
        .and_then(|rest| rest.strip_prefix('.'));
    Route {
        own: within.is_some(),
        keys: within.unwrap_or(name).split('.').collect(),
    }
}

/// Follows the keys. In a list of `{"key": ..., "value": {"string_value": ...}}`, as BigQuery exports parameters, a key
/// picks the entry of that name.
fn walk<'j>(from: &'j Json, keys: &[&str]) -> &'j Json {
    keys.iter().fold(from, |at, key| match at {
        Json::Array(entries) => entries
            .iter()
            .find(|entry| entry.get("key").and_then(Json::as_str) == Some(key))
            .and_then(|entry| entry.get("value"))
            .map_or(&Json::Null, |value| match value {
                Json::Object(typed) => typed.values().find(|v| !v.is_null()).unwrap_or(&Json::Null),
                plain => plain,
            }),
        _ => at.get(key).unwrap_or(&Json::Null),
    })
}

fn leaf(json: &Json) -> Value<'_> {
    match json {
        Json::String(text) => Value::Text(Cow::Borrowed(text)),
        Json::Bool(yes) => Value::Text(Cow::Borrowed(if *yes { "true" } else { "false" })),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(x)) => Value::Float(x),
            (None, None) => Value::Null,
        },
        // Of several, such as pictures, the first.
        Json::Array(several) => match several.first() {
            Some(Json::Array(_)) | None => Value::Null,
            Some(first) => leaf(first),
        },
        Json::Null | Json::Object(_) => Value::Null,
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let (used, found) = match buffer.iter().position(|b| *b == b'\n') {
            Some(place) => (place + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(used);
        if found {
            return Ok(());
        }
    }
}
