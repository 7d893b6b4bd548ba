//! JSON Lines, gzip too, as GA4 exports events: one object a line, one row an element of a list in it. Invariant: a
//! line that is no JSON object is handed on as unreadable.

use super::lines::TextLines;
use super::table::{Sink, Value};
use crate::config::Column;
use crate::error::Result;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::path::Path;

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
    let mut lines = TextLines::open(path)?;
    while let Some((number, text)) = lines.next()? {
        let text = match text {
            Ok(text) if text.trim_ascii().is_empty() => continue,
            Ok(text) => text,
            Err(problem) => {
                sink(number, Err(problem))?;
                continue;
            }
        };
        match serde_json::from_slice::<Json>(text) {
            Ok(object @ Json::Object(_)) => rows(&object, &routes, each, number, sink)?,
            Ok(_) => sink(number, Err("JSON, but no object".to_owned()))?,
            // Said by its place only: the library's words may quote the text.
            Err(e) => sink(number, Err(format!("no JSON from column {}", e.column())))?,
        }
    }
    Ok(0)
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
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => Value::Int(whole),
            // As text, since ids that become inexact numbers would merge.
            (None, Some(large), _) => Value::Text(large.to_string().into()),
            (None, None, Some(x)) => Value::Float(x),
            (None, None, None) => Value::Null,
        },
        // Of several, such as pictures, the first.
        Json::Array(several) => match several.first() {
            Some(Json::Array(_)) | None => Value::Null,
            Some(first) => leaf(first),
        },
        Json::Null | Json::Object(_) => Value::Null,
    }
}
