//! Delimited text: comma, semicolon, tab or bar, gzip too. Invariant: a row is one physical line, so that a stray quote
//! costs its own row and no other; a row whose number of fields differs from the header's is handed on as unreadable;
//! text that is not UTF-8 is read as Windows-1252 and counted.

use super::lines::TextLines;
use super::table::{decode, Sink, Value};
use crate::error::Result;
use std::borrow::Cow;
use std::path::Path;

/// The header's names and the delimiter, from the file's beginning.
pub(super) fn columns(head: &[u8]) -> (Vec<String>, u8) {
    let line = head
        .split(|b| matches!(b, b'\n' | b'\r'))
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|b| **b == delimiter).count();
    // The first of equals: max_by_key takes the last.
    let delimiter = [b'|', b';', b',', b'\t']
        .into_iter()
        .max_by_key(|d| count(*d))
        .unwrap_or(b',');
    let mut record = ::csv::ByteRecord::new();
    // A header that cannot be parsed has no columns, which is then an error about them.
    if fields(line, delimiter, &mut record).is_err() {
        record.clear();
    }
    (
        record.iter().map(|name| decode(name).0.trim().to_owned()).collect(),
        delimiter,
    )
}

/// Splits a line into fields.
fn fields(line: &[u8], delimiter: u8, record: &mut ::csv::ByteRecord) -> std::result::Result<(), String> {
    record.clear();
    // By custom, text with tabs has no quotes.
    if delimiter == b'\t' || !line.contains(&b'"') {
        line.split(|b| *b == delimiter)
            .for_each(|field| record.push_field(field));
        return Ok(());
    }
    // A quote that is still open takes the line's end into its field.
    let ended = [line, b"\n"].concat();
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(ended.len())
        .from_reader(ended.as_slice());
    reader.read_byte_record(record).map_err(|e| e.to_string())?;
    if record.iter().any(|field| field.contains(&b'\n')) {
        return Err("a quote that does not end in its line".into());
    }
    Ok(())
}

/// Reads the rows; see [`super::table::Table::read`].
pub(super) fn read(
    path: &Path,
    delimiter: u8,
    places: &[Vec<usize>],
    width: usize,
    sink: &mut Sink<'_>,
) -> Result<u64> {
    let mut lines = TextLines::open(path)?;
    let mut record = ::csv::ByteRecord::new();
    let mut recoded = 0;
    let mut header = true;
    while let Some((line, text)) = lines.next()? {
        if header {
            header = text.is_ok_and(|text| text.trim_ascii().is_empty());
            continue;
        }
        if text.as_ref().is_ok_and(|text| text.is_empty()) {
            continue;
        }
        if let Err(problem) = text.and_then(|text| fields(text, delimiter, &mut record)) {
            sink(line, Err(problem))?;
            continue;
        }
        if record.len() != width {
            sink(
                line,
                Err(format!("{} fields where the header has {width}", record.len())),
            )?;
            continue;
        }
        let mut odd = false;
        let mut field = |place: usize| {
            let (text, not_utf8) = decode(record.get(place).unwrap_or_default());
            odd |= not_utf8;
            text
        };
        let values: Vec<Value<'_>> = places
            .iter()
            .map(|places| match places.as_slice() {
                [] => Value::Null,
                [place] => Value::Text(field(*place)),
                several => several
                    .iter()
                    .map(|place| field(*place))
                    .find(|text| !text.trim().is_empty())
                    .map_or(Value::Null, |text: Cow<'_, str>| Value::Text(text)),
            })
            .collect();
        recoded += u64::from(odd);
        sink(line, Ok(&values))?;
    }
    Ok(recoded)
}
