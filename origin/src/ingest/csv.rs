//! Delimited text: comma, semicolon, tab or bar, gzip too. Invariant: a row whose number of fields differs from the
//! header's is handed on as unreadable; text that is not UTF-8 is read as Windows-1252 and counted.

use super::table::{damaged, decode, text_reader, Sink, Value};
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::path::Path;

/// The header's names and the delimiter, from the file's beginning.
pub(super) fn columns(head: &[u8]) -> (Vec<String>, u8) {
    let line = head
        .split(|b| *b == b'\n')
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
    let _ = reader(head, delimiter).read_byte_record(&mut record);
    (
        record.iter().map(|name| decode(name).0.trim().to_owned()).collect(),
        delimiter,
    )
}

fn reader<R: std::io::Read>(source: R, delimiter: u8) -> ::csv::Reader<R> {
    ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        // By custom, text with tabs has no quotes.
        .quoting(delimiter != b'\t')
        .from_reader(source)
}

/// Reads the rows; see [`super::table::Table::read`].
pub(super) fn read(
    path: &Path,
    delimiter: u8,
    places: &[Vec<usize>],
    width: usize,
    sink: &mut Sink<'_>,
) -> Result<u64> {
    let mut reader = reader(text_reader(path)?, delimiter);
    let mut record = ::csv::ByteRecord::new();
    let mut recoded = 0;
    let mut header = true;
    while reader.read_byte_record(&mut record).map_err(|e| broken(path, e))? {
        if std::mem::take(&mut header) {
            continue;
        }
        let line = record.position().map_or(0, ::csv::Position::line);
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

fn broken(path: &Path, error: ::csv::Error) -> Error {
    let place = error.position().map(::csv::Position::line);
    match error.into_kind() {
        ::csv::ErrorKind::Io(e) => damaged(path, &e),
        other => Error::Data(format!("{}:{}: {other:?}", path.display(), place.unwrap_or(0))),
    }
}
