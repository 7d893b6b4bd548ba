//! As much of Thrift's compact protocol as it takes to see the sizes that a Parquet file claims, before the library takes
//! memory for them. Invariant: it only reads on, and no number of the file decides how much memory it takes. Under `pages`.

use std::io::{copy, sink, Error, ErrorKind, Read, Result, Take};

/// Deepest nesting that is followed; Parquet's own structs are 5 deep.
const DEPTH: u8 = 16;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

/// Reads structs field by field.
pub(super) struct Thrift<R> {
    reader: Take<R>,
    length: u64,
}

impl<R: Read> Thrift<R> {
    /// Of at most so many bytes.
    pub fn new(reader: R, length: u64) -> Self {
        Self {
            reader: reader.take(length),
            length,
        }
    }

    /// How many bytes were read.
    pub fn used(&self) -> u64 {
        self.length - self.reader.limit()
    }

    /// Reads a struct. `field` gets the number and kind of each field, and says whether it has read it; else it is skipped.
    pub fn fields(&mut self, field: &mut dyn FnMut(&mut Self, i64, u8) -> Result<bool>) -> Result<()> {
        self.nested(DEPTH, field)
    }

    /// A list's length, where it is one of structs.
    pub fn structs(&mut self) -> Result<u64> {
        match self.list()? {
            (count, STRUCT) => Ok(count),
            _ => Err(wrong("a list of something else than structs")),
        }
    }

    /// A whole number.
    pub fn whole(&mut self) -> Result<i64> {
        let bits = self.varint()?;
        Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed())
    }

    fn nested(&mut self, depth: u8, field: &mut dyn FnMut(&mut Self, i64, u8) -> Result<bool>) -> Result<()> {
        let mut number = 0i64;
        loop {
            let head = self.byte()?;
            let (delta, kind) = (head >> 4, head & 15);
            if kind == 0 {
                return Ok(());
            }
            number = match delta {
                0 => self.whole()?,
                delta => number.saturating_add(i64::from(delta)),
            };
            if !field(self, number, kind)? {
                self.skip(kind, depth)?;
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Result<()> {
        let below = depth.checked_sub(1).ok_or_else(|| wrong("nested too deeply"))?;
        match kind {
            // A field of truth has its value in its kind.
            1 | 2 => Ok(()),
            3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.element(kind, below))
            }
            11 => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.element(kinds >> 4, below)?;
                    self.element(kinds & 15, below)
                })
            }
            STRUCT => self.nested(below, &mut |_, _, _| Ok(false)),
            _ => Err(wrong("a field of unknown kind")),
        }
    }

    fn element(&mut self, kind: u8, depth: u8) -> Result<()> {
        // In lists truth is a byte.
        self.skip(if kind == 1 || kind == 2 { 3 } else { kind }, depth)
    }

    fn list(&mut self) -> Result<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        Ok((count, head & 15))
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(wrong("a number of more than 64 bits"))
    }

    fn pass(&mut self, length: u64) -> Result<()> {
        match copy(&mut (&mut self.reader).take(length), &mut sink())? {
            passed if passed == length => Ok(()),
            _ => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
