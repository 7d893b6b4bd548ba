//! The formats of vectors: safetensors, npy (NumPy's, version 1 to 3) and Parquet, told by the content. Invariant: every row
//! is handed on once with its number from 1, and nothing larger than the file is believed to be in it.

use crate::config::Vectors;
use crate::error::{Error, Result};
use crate::ingest::parquet as table;
use ::parquet::file::reader::RowGroupReader;
use ::parquet::record::{Field, Row};
use half::{bf16, f16};
use regex_lite::Regex;
use safetensors::{Dtype, SafeTensors};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Takes each vector: its row from 1, its id and its numbers.
pub(super) type Sink<'s> = dyn FnMut(u64, &str, &[f32]) -> Result<()> + 's;

/// Longest line of the file of ids.
const MAX_ID: usize = crate::ingest::table::MAX_ID;

/// Hands on every vector of a file.
pub(super) fn each(path: &Path, options: &Vectors, sink: &mut Sink<'_>) -> Result<()> {
    if path.is_dir() {
        return Err(Error::Data(format!("{}: a folder, not a file", path.display())));
    }
    let mut head = [0u8; 6];
    let reading = |e| Error::reading(path, e);
    let mut file = std::fs::File::open(path).map_err(reading)?;
    let length = std::io::Read::read(&mut file, &mut head).map_err(reading)?;
    match head.get(..length).unwrap_or_default() {
        head if head.starts_with(b"PAR1") => parquet(path, options, sink),
        b"\x93NUMPY" => npy(path, &std::fs::read(path).map_err(reading)?, options, sink),
        _ => tensors(path, &std::fs::read(path).map_err(reading)?, options, sink),
    }
}

fn refuse<T>(path: &Path, what: impl std::fmt::Display) -> Result<T> {
    Err(Error::Data(format!("{}: {what}", path.display())))
}

/// How numbers are stored, low byte first.
#[derive(Clone, Copy)]
enum Kind {
    F16,
    Bf16,
    F32,
    F64,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Kind::F16 | Kind::Bf16 => 2,
            Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }

    fn read(self, bytes: &[u8]) -> Option<f32> {
        Some(match self {
            Kind::F16 => f16::from_le_bytes(bytes.try_into().ok()?).to_f32(),
            Kind::Bf16 => bf16::from_le_bytes(bytes.try_into().ok()?).to_f32(),
            Kind::F32 => f32::from_le_bytes(bytes.try_into().ok()?),
            // Beyond the range of f32 it becomes infinite, which is then refused.
            Kind::F64 => f64::from_le_bytes(bytes.try_into().ok()?) as f32,
        })
    }

    fn all(self, bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(self.bytes()).filter_map(|x| self.read(x)).collect()
    }
}

/// One matrix whose rows are named by the file of ids, or a tensor an item, named by its id.
fn tensors(path: &Path, bytes: &[u8], options: &Vectors, sink: &mut Sink<'_>) -> Result<()> {
    let file = match SafeTensors::deserialize(bytes) {
        Ok(file) => file,
        Err(e) => {
            return refuse(
                path,
                format!("neither npy nor Parquet, nor readable as safetensors ({e})"),
            )
        }
    };
    let mut all: Vec<_> = file.tensors();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let kind = |name: &str, kind| match kind {
        Dtype::F16 => Ok(Kind::F16),
        Dtype::BF16 => Ok(Kind::Bf16),
        Dtype::F32 => Ok(Kind::F32),
        Dtype::F64 => Ok(Kind::F64),
        other => refuse(
            path,
            format!("tensor {name:?} is of {other:?}; give floating-point numbers"),
        ),
    };
    if let [(name, matrix)] = all.as_slice() {
        if let [rows, dims] = *matrix.shape() {
            return by_ids(
                path,
                matrix.data(),
                kind(name, matrix.dtype())?,
                rows,
                dims,
                options,
                sink,
            );
        }
    }
    for (row, (id, tensor)) in (1u64..).zip(&all) {
        if tensor.shape().len() != 1 {
            let what = format!(
                "tensor {id:?} has the shape {:?}; give one matrix (items x numbers) and its ids, or a tensor an item, named by its id",
                tensor.shape()
            );
            return refuse(path, what);
        }
        sink(row, id, &kind(id, tensor.dtype())?.all(tensor.data()))?;
    }
    Ok(())
}

fn npy(path: &Path, bytes: &[u8], options: &Vectors, sink: &mut Sink<'_>) -> Result<()> {
    let Some((header, data)) = npy_parts(bytes) else {
        return refuse(path, "an npy file whose header is cut short; write it again");
    };
    let field = |pattern: &str| -> Option<String> {
        let found = Regex::new(pattern).ok()?.captures(header)?;
        Some(found.get(1)?.as_str().to_owned())
    };
    let kind = match field(r"'descr':\s*'([^']*)'").as_deref() {
        Some("<f2") => Kind::F16,
        Some("<f4") => Kind::F32,
        Some("<f8") => Kind::F64,
        other => {
            let what = format!(
                "npy of type {}; give float16, float32 or float64",
                other.unwrap_or("unknown")
            );
            return refuse(path, what);
        }
    };
    if field(r"'fortran_order':\s*(False)").is_none() {
        return refuse(path, "npy in Fortran's order; save numpy.ascontiguousarray of it");
    }
    let size = |pattern: &str| field(pattern).and_then(|text| text.parse::<usize>().ok());
    let rows = size(r"'shape':\s*\(\s*(\d+)\s*,\s*\d+\s*,?\s*\)");
    let dims = size(r"'shape':\s*\(\s*\d+\s*,\s*(\d+)\s*,?\s*\)");
    let Some((rows, dims)) = rows.zip(dims) else {
        return refuse(path, "npy of another shape than (items, numbers)");
    };
    by_ids(path, data, kind, rows, dims, options, sink)
}

/// Header and data of an npy file.
fn npy_parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (version, rest) = (*bytes.get(6)?, bytes.get(8..)?);
    let (length, rest) = if version == 1 {
        let (length, rest) = rest.split_first_chunk::<2>()?;
        (usize::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// A matrix whose rows are named by the lines of the file of ids.
fn by_ids(
    path: &Path,
    data: &[u8],
    kind: Kind,
    rows: usize,
    dims: usize,
    options: &Vectors,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let expected = rows.checked_mul(dims).and_then(|n| n.checked_mul(kind.bytes()));
    if expected != Some(data.len()) || dims == 0 {
        let what = format!(
            "{} bytes of numbers for {rows} x {dims}; damaged or cut short",
            data.len()
        );
        return refuse(path, what);
    }
    let beside: PathBuf = options.ids.clone().unwrap_or_else(|| path.with_extension("ids"));
    let file = std::fs::File::open(&beside).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::Data(format!(
            "{}: no file {} with the item ids of its rows, one a line; write it, or name it as [vectors] ids",
            path.display(),
            beside.display()
        )),
        _ => Error::reading(&beside, e),
    })?;
    let mut lines = BufReader::new(file);
    let mut line = String::new();
    for (row, vector) in (1u64..).zip(data.chunks_exact(dims * kind.bytes())) {
        line.clear();
        let limited = std::io::Read::take(&mut lines, MAX_ID as u64 + 2).read_line(&mut line);
        let id = line.trim();
        match limited {
            Err(e) => return refuse(&beside, format!("line {row} is no text ({e})")),
            Ok(0) => return refuse(&beside, format!("{} ids for {rows} vectors", row - 1)),
            Ok(_) if id.is_empty() || id.len() > MAX_ID => return refuse(&beside, format!("line {row} is no id")),
            Ok(_) => sink(row, id, &kind.all(vector))?,
        }
    }
    line.clear();
    match std::io::Read::take(&mut lines, 2).read_line(&mut line) {
        Ok(_) if line.trim().is_empty() => Ok(()),
        _ => refuse(
            &beside,
            format!("more ids than the {rows} vectors of {}", path.display()),
        ),
    }
}

/// A column of ids and one of lists of numbers.
fn parquet(path: &Path, options: &Vectors, sink: &mut Sink<'_>) -> Result<()> {
    let reader = table::guarded(path, || table::open(path))?;
    let mut number = 0;
    for group in 0..reader.metadata().num_row_groups() {
        let broken = |e: ::parquet::errors::ParquetError| table::broken(path, &e);
        let rows = table::guarded(path, || reader.group(group).map_err(broken))?;
        let mut rows = table::guarded(path, || rows.get_row_iter(None).map_err(broken))?;
        while let Some(row) = table::guarded(path, || rows.next().transpose().map_err(broken))? {
            number += 1;
            let (id, vector) = match pair(&row, options) {
                Ok(pair) => pair,
                Err(what) => return Err(Error::Data(format!("{}:{number}: {what}", path.display()))),
            };
            sink(number, &id, &vector)?;
        }
    }
    Ok(())
}

/// Id and vector of a row.
fn pair(row: &Row, options: &Vectors) -> std::result::Result<(String, Vec<f32>), String> {
    let column = |name: &str| {
        let found = row.get_column_iter().find(|(column, _)| *column == name);
        found.map(|(_, field)| field).ok_or_else(|| {
            let names: Vec<&str> = row.get_column_iter().map(|(name, _)| name.as_str()).take(20).collect();
            format!(
                "no column {name:?} (there are: {}); see [vectors] id_column, vector_column",
                names.join(", ")
            )
        })
    };
    let id = match column(&options.id_column)? {
        Field::Str(text) => text.trim().to_owned(),
        whole @ (Field::Byte(_) | Field::Short(_) | Field::Int(_) | Field::Long(_)) => whole.to_string(),
        whole @ (Field::UByte(_) | Field::UShort(_) | Field::UInt(_) | Field::ULong(_)) => whole.to_string(),
        _ => return Err(format!("{:?} is neither text nor a whole number", options.id_column)),
    };
    if id.is_empty() || id.len() > MAX_ID {
        return Err("no id".into());
    }
    let Field::ListInternal(list) = column(&options.vector_column)? else {
        return Err(format!("{:?} is no list of numbers", options.vector_column));
    };
    let numbers = list.elements().iter().map(|field| match field {
        Field::Float(x) => Some(*x),
        Field::Double(x) => Some(*x as f32),
        Field::Float16(x) => Some(x.to_f32()),
        _ => None,
    });
    let numbers: Option<Vec<f32>> = numbers.collect();
    Ok((
        id,
        numbers.ok_or("a list with something else than floating-point numbers")?,
    ))
}
