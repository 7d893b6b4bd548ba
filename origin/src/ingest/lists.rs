//! Files without a header whose lines hold items, separated by white space: a user and the items (`user item item …`), a
//! session a line, or `first items<TAB>next item`. Invariant: such a file is handed on as rows of a table, one for each
//! item, with the number of its line; there are no dates, only places. Beside `csv` and `jsonl`, under `table`.

use super::lines::TextLines;
use super::table::{decode, Sink, Value};
use crate::config::{Column, EventColumns, Form};
use crate::error::Result;
use std::collections::HashSet;
use std::path::Path;

/// Longest word that is taken for an id when a form is recognized, in bytes.
const SHORT: usize = 32;
/// What a line of a table has and a line of items has not.
const DELIMITERS: [u8; 5] = [b',', b';', b'|', b'"', b'{'];

/// The columns as which the lines are handed on.
pub(super) const COLUMNS: [&str; 4] = ["user", "session", "item", "place"];

/// Which of [`COLUMNS`] is what, in that form.
pub(super) fn columns(form: Form) -> EventColumns {
    let column = |name: &str| Column(vec![name.to_owned()]);
    EventColumns {
        user: (form == Form::Lists).then(|| column(COLUMNS[0])),
        session: (form != Form::Lists).then(|| column(COLUMNS[1])),
        item: column(COLUMNS[2]),
        time: column(COLUMNS[3]),
        ..EventColumns::default()
    }
}

/// What is in such a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// Items of all lines.
    pub items: u64,
    /// Words of the longest line.
    pub longest: u64,
}

/// The form of a file of text by its content: [`Form::Table`] unless every one of its first lines holds nothing but short
/// words, and its first line does not look like a header.
pub(super) fn recognize(head: &[u8], path: &Path) -> Result<Form> {
    // The last line may be cut.
    let end = head.iter().rposition(|b| *b == b'\n').map_or(head.len(), |at| at);
    let lines: Vec<&[u8]> = head
        .get(..end)
        .unwrap_or(head)
        .split(|b| matches!(b, b'\n' | b'\r'))
        .filter(|line| !line.trim_ascii().is_empty())
        .collect();
    let short = |line: &&[u8]| words(line).all(|word| word.len() <= SHORT);
    let plain = |line: &&[u8]| short(line) && !line.iter().any(|b| DELIMITERS.contains(b));
    let tabs = |line: &&[u8]| line.iter().filter(|b| **b == b'\t').count();
    let Some((first, rest)) = lines.split_first() else {
        return Ok(Form::Table);
    };
    if !lines.iter().all(plain) || headed(first, rest) {
        return Ok(Form::Table);
    }
    if lines.iter().all(|line| tabs(line) == 1) {
        let several = |line: &&[u8]| {
            line.split(|b| *b == b'\t')
                .next()
                .is_some_and(|left| words(left).count() > 1)
        };
        return Ok(if lines.iter().any(several) {
            Form::Prefixes
        } else {
            Form::Table
        });
    }
    // A single word a line is a column, and times with a blank in them are no items.
    if lines.iter().any(|line| tabs(line) > 0) || lines.iter().all(|line| words(line).count() < 2) {
        return Ok(Form::Table);
    }
    let mut seen = HashSet::new();
    let mut distinct = true;
    each_line(path, |_, text| {
        if let Some(first) = text.ok().and_then(|text| words(text).next().map(<[u8]>::to_vec)) {
            distinct &= seen.insert(first);
        }
        Ok(distinct)
    })?;
    Ok(if distinct { Form::Lists } else { Form::Sessions })
}

/// Whether the first line is of names and the others of numbers, as under a header.
fn headed(first: &[u8], rest: &[&[u8]]) -> bool {
    let named = |word: &[u8]| word.first().is_some_and(u8::is_ascii_alphabetic);
    words(first).all(named) && rest.iter().all(|line| !words(line).any(named)) && !rest.is_empty()
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Hands on each line that is not empty, as long as `take` wants more.
fn each_line(path: &Path, mut take: impl FnMut(u64, super::lines::Text<'_>) -> Result<bool>) -> Result<()> {
    let mut lines = TextLines::open(path)?;
    while let Some((number, text)) = lines.next()? {
        if text.as_ref().is_ok_and(|text| text.trim_ascii().is_empty()) {
            continue;
        }
        if !take(number, text)? {
            break;
        }
    }
    Ok(())
}

/// Counts what is in the file.
pub(super) fn extent(path: &Path, form: Form) -> Result<Extent> {
    let mut extent = Extent::default();
    each_line(path, |_, text| {
        let count = text.map_or(0, |text| words(text).count()) as u64;
        extent.items += count.saturating_sub(u64::from(form == Form::Lists));
        extent.longest = extent.longest.max(count);
        Ok(true)
    })?;
    Ok(extent)
}

/// Reads the rows, one for each item; see [`super::table::Table::read`]. `places` says which wanted columns are which of
/// [`COLUMNS`]; `start` is the place of the first item: in lists of each line's, else of the file's. A user without
/// items is a row without an item.
pub(super) fn read(path: &Path, form: Form, start: u64, places: &[Vec<usize>], sink: &mut Sink<'_>) -> Result<u64> {
    let file = path.display().to_string();
    let mut recoded = 0;
    let mut next = start;
    each_line(path, |number, text| {
        let text = match text {
            Ok(text) => text,
            Err(problem) => return sink(number, Err(problem)).map(|()| true),
        };
        let (text, odd) = decode(text);
        recoded += u64::from(odd);
        let mut items = text.split_ascii_whitespace().peekable();
        let group = match form {
            Form::Lists => {
                next = start;
                items.next().unwrap_or_default().to_owned()
            }
            // The line is all that tells a session from another.
            _ => format!("{file}:{number}"),
        };
        let mut row = |item: Value<'_>| {
            let values: Vec<Value<'_>> = places
                .iter()
                .map(|places| match places.as_slice() {
                    [0 | 1] => Value::Text(group.as_str().into()),
                    [2] => item.clone(),
                    [3] => Value::Time(i64::try_from(next).unwrap_or(i64::MAX)),
                    _ => Value::Null,
                })
                .collect();
            next += 1;
            sink(number, Ok(&values))
        };
        if items.peek().is_none() {
            row(Value::Null)?;
        }
        items.try_for_each(|item| row(Value::Text(item.into())))?;
        Ok(true)
    })?;
    Ok(recoded)
}
