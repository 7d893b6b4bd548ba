//! Physical lines of text. Invariant: every line is handed on once with its number, none takes more memory than
//! [`MAX_LINE`], and nothing in a line can reach into the next. Under `csv` and `jsonl`.

use super::table::{damaged, text_reader};
use crate::error::Result;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest line that is read, in bytes.
const MAX_LINE: usize = 4 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A line, or why it is not read.
pub(super) type Text<'a> = std::result::Result<&'a [u8], String>;

/// Reads lines that end in LF, CR LF or CR.
pub(super) struct TextLines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    number: u64,
    /// The last line ended in CR, whose LF may follow.
    after_cr: bool,
}

impl TextLines {
    /// Of a file, unpacked if it is gzip.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_path_buf(),
            reader: BufReader::with_capacity(256 * 1024, text_reader(path)?),
            line: Vec::new(),
            number: 0,
            after_cr: false,
        })
    }

    /// The next line and its number from 1, without its end; `None` after the last.
    pub fn next(&mut self) -> Result<Option<(u64, Text<'_>)>> {
        let (any, long) = self.fill().map_err(|e| damaged(&self.path, &e))?;
        if !any {
            return Ok(None);
        }
        self.number += 1;
        let text = match (long, self.number) {
            (true, _) => Err(format!("a line of more than {} MB", MAX_LINE >> 20)),
            (false, 1) => Ok(self.line.strip_prefix(BOM).unwrap_or(&self.line)),
            (false, _) => Ok(self.line.as_slice()),
        };
        Ok(Some((self.number, text)))
    }

    /// Reads to the line's end; whether there was a line, and whether it was too long.
    fn fill(&mut self) -> std::io::Result<(bool, bool)> {
        self.line.clear();
        let (mut any, mut long) = (false, false);
        loop {
            let mut buffer = self.reader.fill_buf()?;
            let mut used = 0;
            if std::mem::take(&mut self.after_cr) {
                if let Some(rest) = buffer.strip_prefix(b"\n") {
                    buffer = rest;
                    used = 1;
                    if buffer.is_empty() {
                        self.reader.consume(used);
                        continue;
                    }
                }
            }
            if buffer.is_empty() {
                return Ok((any, long));
            }
            any = true;
            let end = buffer.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            if self.line.len() + part.len() > MAX_LINE {
                long = true;
                self.line.clear();
            } else if !long {
                self.line.extend_from_slice(part);
            }
            self.after_cr = end.and_then(|end| buffer.get(end)) == Some(&b'\r');
            used += part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok((any, long));
            }
        }
    }
}
