//! A file of rows, whatever its format. Invariant: the format is told by the content, never by the file's name; a row
//! that cannot be read is handed on as such, with its number, and never skipped. `events` and `catalogue` consume rows.

use super::{csv, jsonl, lists, parquet};
use crate::config::ready::{listed, looks_like_data};
use crate::config::{nearest, Column, Form};
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// One field of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Nothing there.
    Null,
    /// Text, as it stands.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Seconds since 1970-01-01 UTC, where the file itself knows times.
    Time(i64),
}

impl Value<'_> {
    /// The text without surrounding space; `None` where there is none. Whole numbers have no decimals.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Null => None,
            Value::Text(text) => Some(text.trim()).filter(|t| !t.is_empty()).map(Cow::Borrowed),
            Value::Int(n) | Value::Time(n) => Some(n.to_string().into()),
            Value::Float(x) if x.is_nan() => None,
            Value::Float(x) => Some(x.to_string().into()),
        }
    }

    /// Whether it has a control character other than a tab within it, as no id has: it is invisible, so that two ids look
    /// like one, and mostly tells of damage.
    pub(super) fn is_garbled(&self) -> bool {
        let garbled = |text: &str| text.bytes().any(|b| b < b' ' && b != b'\t');
        matches!(self, Value::Text(text) if garbled(text.trim()))
    }

    /// The number; `Ok(None)` where the field is empty.
    ///
    /// # Errors
    /// The text that is no number.
    pub fn number(&self) -> std::result::Result<Option<f64>, String> {
        match self {
            Value::Int(n) | Value::Time(n) => Ok(Some(*n as f64)),
            Value::Float(x) => Ok(Some(*x)),
            Value::Null | Value::Text(_) => match self.text() {
                None => Ok(None),
                Some(text) => text.parse().map(Some).map_err(|_| text.into_owned()),
            },
        }
    }
}

/// What a row is: its fields in the order of the wanted columns, or why it cannot be read.
pub type Row<'a> = std::result::Result<&'a [Value<'a>], String>;

/// Takes each row with its number (a line, or the place in the table, from 1).
pub type Sink<'s> = dyn FnMut(u64, Row<'_>) -> Result<()> + 's;

/// A file of rows.
#[derive(Debug)]
pub struct Table {
    /// Where it is.
    pub path: PathBuf,
    /// The names of its columns; in JSON Lines the keys of the first lines.
    pub columns: Vec<String>,
    /// How many rows it has, if it says so.
    pub rows: u64,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Parquet,
    Delimited {
        delimiter: u8,
    },
    JsonLines,
    /// Lines of items, whose places begin at this number.
    Items {
        form: Form,
        start: u64,
    },
}

/// The rule for rows whose text is not UTF-8.
pub(super) const RECODED: &str = "text not UTF-8, read as Windows-1252";
/// Longest field that is taken for an id, in bytes.
pub const MAX_ID: usize = 256;
const HEAD: usize = 64 * 1024;

impl Table {
    /// Looks at the file's beginning: format and columns.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Data`] if it is empty or of no known format.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_as(path, Some(Form::Table))
    }

    /// The same for events, which may be lines of items: in that form, or in the one that is recognized.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub fn open_as(path: &Path, form: Option<Form>) -> Result<Self> {
        let mut head = Vec::new();
        let kind = std::fs::metadata(path).map_err(|e| Error::reading(path, e))?;
        if kind.is_dir() {
            return Err(Error::Data(format!("{}: a folder, not a file", path.display())));
        }
        // It is read from its beginning more than once.
        if !kind.is_file() {
            return Err(Error::Data(format!(
                "{}: a pipe or device, which can be read only once; write it to a file first, and give that",
                path.display()
            )));
        }
        let file = File::open(path).map_err(|e| Error::reading(path, e))?;
        file.take(4)
            .read_to_end(&mut head)
            .map_err(|e| Error::reading(path, e))?;
        if head == b"PAR1" {
            let (columns, rows) = parquet::columns(path)?;
            return Ok(Self {
                path: path.to_path_buf(),
                columns,
                rows,
                format: Format::Parquet,
            });
        }
        head.clear();
        text_reader(path)?
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(|e| damaged(path, &e))?;
        let refuse = |why: &str| Err(Error::Data(format!("{}: {why}", path.display())));
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return refuse("text in UTF-16; save it as UTF-8");
        }
        if is_binary(&head) {
            return refuse("binary data that is no Parquet; give Parquet, CSV or JSON Lines (gzip too)");
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        match head.iter().find(|b| !b.is_ascii_whitespace()) {
            None => refuse("empty file"),
            Some(b'[') => refuse("a JSON array; give JSON Lines, one object a line"),
            Some(b'{') => {
                let columns = jsonl::columns(head);
                Ok(Self {
                    path: path.to_path_buf(),
                    columns,
                    rows: 0,
                    format: Format::JsonLines,
                })
            }
            Some(_) if form != Some(Form::Table) => {
                let form = match form {
                    Some(form) => form,
                    None => lists::recognize(head, path)?,
                };
                if form == Form::Table {
                    return Self::open(path);
                }
                Ok(Self {
                    path: path.to_path_buf(),
                    columns: lists::COLUMNS.map(str::to_owned).to_vec(),
                    rows: lists::extent(path, form)?.items,
                    format: Format::Items { form, start: 0 },
                })
            }
            Some(_) => {
                let (columns, delimiter) = csv::columns(head);
                Ok(Self {
                    path: path.to_path_buf(),
                    columns,
                    rows: 0,
                    format: Format::Delimited { delimiter },
                })
            }
        }
    }

    /// The form of its lines.
    pub fn form(&self) -> Form {
        match self.format {
            Format::Items { form, .. } => form,
            Format::Parquet | Format::Delimited { .. } | Format::JsonLines => Form::Table,
        }
    }

    /// Lets the places of its items go on where those of the files before it end.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Data`] where the file cannot be read.
    pub fn follow(&mut self, before: &mut u64) -> Result<()> {
        if let Format::Items { form, start } = &mut self.format {
            *start = *before;
            let extent = lists::extent(&self.path, *form)?;
            *before += if *form == Form::Lists {
                extent.longest
            } else {
                extent.items
            };
        }
        Ok(())
    }

    /// Reads every row: the fields of `wanted` in that order, `Null` where `wanted` has `None`. In JSON Lines `each`
    /// names the array whose elements are the rows. Returns how many rows had text that is not UTF-8 and was read as
    /// Windows-1252.
    ///
    /// # Errors
    /// [`Error::Config`] if a wanted column is not there, [`Error::Data`] if the file is damaged, and whatever `sink` returns.
    pub fn read(&self, wanted: &[Option<&Column>], each: Option<&str>, sink: &mut Sink<'_>) -> Result<u64> {
        match self.format {
            Format::JsonLines => jsonl::read(&self.path, wanted, each, sink),
            Format::Items { form, start } => lists::read(&self.path, form, start, &self.places(wanted)?, sink),
            Format::Delimited { delimiter } => {
                csv::read(&self.path, delimiter, &self.places(wanted)?, self.columns.len(), sink)
            }
            Format::Parquet => parquet::read(&self.path, &self.places(wanted)?, sink),
        }
    }

    /// For each wanted column the places where it is, the preferred first.
    fn places(&self, wanted: &[Option<&Column>]) -> Result<Vec<Vec<usize>>> {
        wanted
            .iter()
            .map(|column| {
                let Some(Column(names)) = column else {
                    return Ok(Vec::new());
                };
                let places: Vec<usize> = names
                    .iter()
                    .filter_map(|name| self.columns.iter().position(|c| c == name))
                    .collect();
                if places.is_empty() {
                    return Err(self.missing(names));
                }
                Ok(places)
            })
            .collect()
    }

    fn missing(&self, names: &[String]) -> Error {
        if looks_like_data(&self.columns) {
            return Error::Config(format!(
                "{}: no column {:?}: the first line looks like data, not column names; add a first line with the names",
                self.path.display(),
                names.join("\" or \"")
            ));
        }
        let known: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let near = names.iter().find_map(|name| nearest(name, &known));
        let hint = near.map(|near| format!("; did you mean {near:?}")).unwrap_or_default();
        Error::Config(format!(
            "{}: no column {:?}{hint}. The columns are: {}",
            self.path.display(),
            names.join("\" or \""),
            listed(&self.columns)
        ))
    }
}

/// Whether a file that begins so is no text: NUL bytes are in its first line, or in a quarter of its lines. Those in a few
/// lines cost their rows.
fn is_binary(head: &[u8]) -> bool {
    let (mut lines, mut with) = (0, 0);
    for line in head.split(|b| matches!(b, b'\n' | b'\r')) {
        let nul = line.contains(&0);
        if nul && lines == 0 {
            return true;
        }
        lines += 1;
        with += usize::from(nul);
    }
    with * 4 > lines
}

/// The file's text, unpacked if it is gzip.
pub(super) fn text_reader(path: &Path) -> Result<Box<dyn Read>> {
    let mut magic = Vec::new();
    let open = || File::open(path).map_err(|e| Error::reading(path, e));
    open()?
        .take(2)
        .read_to_end(&mut magic)
        .map_err(|e| Error::reading(path, e))?;
    let file = BufReader::with_capacity(256 * 1024, open()?);
    Ok(if magic == [0x1f, 0x8b] {
        Box::new(flate2::bufread::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

/// An error while unpacking or reading text.
pub(super) fn damaged(path: &Path, error: &std::io::Error) -> Error {
    Error::Data(format!(
        "{}: damaged or cut short ({error}); fetch or export it again",
        path.display()
    ))
}

/// Text of whatever encoding, and whether it was not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0, true),
    }
}

/// What can be said of a text that may be about a person.
pub(super) fn shape(text: &str) -> String {
    match text.chars().count() {
        0 => "<empty>".into(),
        1 => "<1 character>".into(),
        n => format!("<{n} characters>"),
    }
}

/// Text for a message, cut to a readable length.
pub(super) fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(40).collect();
    if clipped.len() < text.len() {
        clipped.push_str("...");
    }
    clipped
}
