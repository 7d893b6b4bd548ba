//! Parquet tables, read column by column in batches. Invariant: a file that is cut short or damaged is an error that
//! names it, whatever its footer claims; no batch is larger than [`BATCH`] rows, and `pages` bounds what is unpacked.

mod delta;
mod pages;
mod thrift;

use super::table::{decode, Sink, Value};
use crate::error::{Error, Result};
use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;
use std::cell::Cell as Flag;
use std::fs::File;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;

const BATCH: usize = 8192;
/// The most bytes that one column of a row group may unpack to: a small file could else fill the memory.
const MAX_CHUNK: u64 = 2 << 30;
/// A file may claim so many rows, and beyond one for each bit that it has: runs of equal values take next to no bytes.
const MAX_ROWS: u64 = 1 << 20;

/// A file whose footer was checked.
pub(crate) struct Parquet {
    reader: SerializedFileReader<File>,
    /// The same file, so that pages are looked at while the reader keeps its place.
    file: File,
}

impl Parquet {
    /// What the footer says.
    pub fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    /// A row group, whose pages are checked before they are unpacked.
    pub fn group(&self, number: usize) -> std::result::Result<pages::Group<'_>, ParquetError> {
        Ok(pages::Group::new(self.reader.get_row_group(number)?, &self.file))
    }
}

/// One value of a batch.
enum Cell {
    Null,
    Text(ByteArray),
    Int(i64),
    Float(f64),
    Time(i64),
    Bool(bool),
}

/// The columns' names (a path with dots where they are nested), and how many rows the file claims to have.
pub(super) fn columns(path: &Path) -> Result<(Vec<String>, u64)> {
    guarded(path, || {
        let reader = open(path)?;
        let meta = reader.metadata();
        let schema = meta.file_metadata().schema_descr();
        let names = schema.columns().iter().map(|c| c.path().string()).collect();
        Ok((names, u64::try_from(meta.file_metadata().num_rows()).unwrap_or(0)))
    })
}

/// Reads the rows; see [`super::table::Table::read`].
pub(super) fn read(path: &Path, places: &[Vec<usize>], sink: &mut Sink<'_>) -> Result<u64> {
    let reader = guarded(path, || open(path))?;
    let claimed = reader.metadata().file_metadata().num_rows();
    let (mut number, mut recoded) = (0u64, 0u64);
    for group in 0..reader.metadata().num_row_groups() {
        recoded += read_group(path, &reader, group, places, &mut number, sink)?;
    }
    if i64::try_from(number) != Ok(claimed) {
        return Err(broken(path, &format!("{number} rows where the footer says {claimed}")));
    }
    Ok(recoded)
}

pub(crate) fn open(path: &Path) -> Result<Parquet> {
    let again = || File::open(path).map_err(|e| Error::reading(path, e));
    let mut file = again()?;
    let size = file.metadata().map_err(|e| Error::reading(path, e))?.len();
    pages::footer(&mut file, size).map_err(|problem| broken(path, &problem))?;
    let reader = SerializedFileReader::new(again()?).map_err(|e| broken(path, &e))?;
    within(reader.metadata(), size).map_err(|problem| broken(path, &problem))?;
    Ok(Parquet { reader, file })
}

/// Whether every column chunk lies within the file, and the rows can be in it, so that a false size is found before memory
/// is taken for it.
fn within(meta: &ParquetMetaData, size: u64) -> std::result::Result<(), String> {
    let claimed = meta.file_metadata().num_rows();
    let mut groups = meta
        .row_groups()
        .iter()
        .map(|group| u64::try_from(group.num_rows()).ok());
    let rows = groups
        .try_fold(0u64, |sum: u64, rows| sum.checked_add(rows?))
        .filter(|rows| i64::try_from(*rows) == Ok(claimed));
    if rows.is_none_or(|rows| rows > size.saturating_mul(8).max(MAX_ROWS)) {
        return Err(format!(
            "a footer that claims {claimed} rows, which its {} row groups of {size} bytes in all do not hold",
            meta.num_row_groups()
        ));
    }
    for (number, group) in meta.row_groups().iter().enumerate() {
        for column in group.columns() {
            if u64::try_from(column.uncompressed_size()).is_ok_and(|unpacked| unpacked > MAX_CHUNK) {
                return Err(format!(
                    "column {} of row group {number} unpacks to more than {} GB; write smaller row groups",
                    column.column_path().string(),
                    MAX_CHUNK >> 30
                ));
            }
            let begin = column
                .dictionary_page_offset()
                .unwrap_or_else(|| column.data_page_offset());
            let end = u64::try_from(begin)
                .ok()
                .zip(u64::try_from(column.compressed_size()).ok());
            if end
                .and_then(|(begin, length)| begin.checked_add(length))
                .is_none_or(|end| end > size)
            {
                return Err(format!(
                    "column {} of row group {number} lies outside the file",
                    column.column_path().string()
                ));
            }
        }
    }
    Ok(())
}

fn read_group(
    path: &Path,
    reader: &Parquet,
    group: usize,
    places: &[Vec<usize>],
    number: &mut u64,
    sink: &mut Sink<'_>,
) -> Result<u64> {
    let rows = guarded(path, || reader.group(group).map_err(|e| broken(path, &e)))?;
    let claimed = number.saturating_add(u64::try_from(rows.metadata().num_rows()).unwrap_or(0));
    let schema = reader.metadata().file_metadata().schema_descr();
    let mut needed: Vec<usize> = places.iter().flatten().copied().collect();
    needed.sort_unstable();
    needed.dedup();
    let mut readers = Vec::new();
    for place in &needed {
        let column = schema.column(*place);
        if column.max_rep_level() > 0 {
            let problem = "a list; Parquet columns must be flat (JSON Lines may have lists)";
            return Err(Error::Data(format!(
                "{}: column {} is {problem}",
                path.display(),
                column.path().string()
            )));
        }
        let reader = guarded(path, || rows.get_column_reader(*place).map_err(|e| broken(path, &e)))?;
        readers.push((column, reader));
    }
    let mut recoded = 0;
    loop {
        let mut batch = Vec::with_capacity(readers.len());
        for (column, reader) in &mut readers {
            batch.push(guarded(path, || {
                read_batch(column, reader).map_err(|problem| broken(path, &problem))
            })?);
        }
        let count = batch.first().map_or(0, Vec::len);
        if batch.iter().any(|cells| cells.len() != count) {
            return Err(broken(path, &"columns of different length"));
        }
        if count == 0 {
            return Ok(recoded);
        }
        let of: Vec<Vec<usize>> = places
            .iter()
            .map(|places| places.iter().filter_map(|p| needed.binary_search(p).ok()).collect())
            .collect();
        for row in 0..count {
            let odd = Flag::new(false);
            let values: Vec<Value<'_>> = of
                .iter()
                .map(|columns| {
                    columns
                        .iter()
                        .filter_map(|column| batch.get(*column).and_then(|cells| cells.get(row)))
                        .map(|cell| value(cell, &odd))
                        .find(|value| *value != Value::Null)
                        .unwrap_or(Value::Null)
                })
                .collect();
            recoded += u64::from(odd.get());
            *number += 1;
            if *number > claimed {
                return Err(broken(
                    path,
                    &format!("row group {group} holds more rows than the footer says"),
                ));
            }
            sink(*number, Ok(&values))?;
        }
    }
}

fn value<'a>(cell: &'a Cell, odd: &Flag<bool>) -> Value<'a> {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(n) => Value::Int(*n),
        Cell::Float(x) => Value::Float(*x),
        Cell::Time(at) => Value::Time(*at),
        Cell::Bool(yes) => Value::Text(if *yes { "true" } else { "false" }.into()),
        Cell::Text(bytes) => {
            let (text, not_utf8) = decode(bytes.data());
            odd.set(odd.get() || not_utf8);
            Value::Text(text)
        }
    }
}

fn read_batch(column: &ColumnDescriptor, reader: &mut ColumnReader) -> std::result::Result<Vec<Cell>, String> {
    let levels = column.max_def_level();
    match reader {
        ColumnReader::BoolColumnReader(r) => fill(r, levels, |v| Cell::Bool(*v)),
        ColumnReader::Int32ColumnReader(r) => whole(column, r, levels, |v| i64::from(*v)),
        ColumnReader::Int64ColumnReader(r) => whole(column, r, levels, |v| *v),
        ColumnReader::Int96ColumnReader(r) => fill(r, levels, |v| Cell::Time(v.to_seconds())),
        ColumnReader::FloatColumnReader(r) => fill(r, levels, |v| Cell::Float(f64::from(*v))),
        ColumnReader::DoubleColumnReader(r) => fill(r, levels, |v| Cell::Float(*v)),
        ColumnReader::ByteArrayColumnReader(r) => fill(r, levels, |v| Cell::Text(v.clone())),
        ColumnReader::FixedLenByteArrayColumnReader(_) => Err(format!(
            "column {} has fixed-length bytes; write it as text or a number",
            column.path().string()
        )),
    }
}

/// Whole numbers, and what Parquet writes as such: times, days and decimals.
fn whole<T: DataType>(
    column: &ColumnDescriptor,
    reader: &mut ColumnReaderImpl<T>,
    levels: i16,
    number: impl Fn(&T::T) -> i64,
) -> std::result::Result<Vec<Cell>, String> {
    let per_second = match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Timestamp(t)), _) => match t.unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        },
        (_, ConvertedType::TIMESTAMP_MILLIS) => 1_000,
        (_, ConvertedType::TIMESTAMP_MICROS) => 1_000_000,
        (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => {
            return fill(reader, levels, |v| Cell::Time(number(v).saturating_mul(86_400)));
        }
        (_, ConvertedType::DECIMAL) => {
            let scale = format!("1e-{}", column.type_scale()).parse::<f64>().unwrap_or(1.0);
            return fill(reader, levels, |v| Cell::Float(number(v) as f64 * scale));
        }
        (Some(LogicalType::Integer(i)), _) if !i.is_signed => return unsigned(reader, levels, number),
        (_, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64) => {
            return unsigned(reader, levels, number);
        }
        _ => return fill(reader, levels, |v| Cell::Int(number(v))),
    };
    fill(reader, levels, |v| Cell::Time(number(v).div_euclid(per_second)))
}

/// Whole numbers without a sign, which Parquet stores in the bits of signed ones. Those beyond [`Cell::Int`] stay text, so
/// that no two ids become one.
fn unsigned<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    levels: i16,
    number: impl Fn(&T::T) -> i64,
) -> std::result::Result<Vec<Cell>, String> {
    let narrow = T::get_physical_type() == Physical::INT32;
    fill(reader, levels, |v| match number(v) {
        n if narrow => Cell::Int(n & i64::from(u32::MAX)),
        n if n < 0 => Cell::Text(n.cast_unsigned().to_string().into_bytes().into()),
        n => Cell::Int(n),
    })
}

fn fill<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    max_level: i16,
    cell: impl Fn(&T::T) -> Cell,
) -> std::result::Result<Vec<Cell>, String> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (records, ..) = reader
        .read_records(BATCH, Some(&mut levels), None, &mut values)
        .map_err(|e| e.to_string())?;
    let mut values = values.iter().map(cell);
    if max_level == 0 {
        return Ok(values.collect());
    }
    let cells: Vec<Cell> = levels
        .iter()
        .map(|level| {
            if *level == max_level {
                values.next().unwrap_or(Cell::Null)
            } else {
                Cell::Null
            }
        })
        .collect();
    if cells.len() == records {
        Ok(cells)
    } else {
        Err(format!("{} levels for {records} rows", cells.len()))
    }
}

pub(crate) fn broken(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::Data(format!(
        "{}: damaged or unreadable Parquet ({problem}); fetch or export it again",
        path.display()
    ))
}

thread_local! {
    static GUARDED: Flag<bool> = const { Flag::new(false) };
}

/// Whether this thread is inside the Parquet reader, whose panics become errors and need no message of their own.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Runs the Parquet reader. The library trusts some sizes in a file, so that damage can make it panic: that is an error
/// of the file, here.
pub(crate) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    GUARDED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    outcome.unwrap_or_else(|_| Err(broken(path, &"a page does not hold what its header says")))
}
