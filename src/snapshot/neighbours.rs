//! Item-item weights: per source item its neighbours, sparse, quantized and compressed.
//!
//! Table, little-endian: number of entries `u32`; bits of a code `u8` and 3 zero bytes; codebook of 2^bits levels `u16`; 256 scales
//! `u16`; per 8 rows the offset of the first in the stream, `u32`; the stream. A row of it: its length as a varint, and if that is
//! not 0 the number of its scale `u8` and a run of bits (number of entries, order of the gaps, codes, gaps of the targets; see
//! `docs/FORMAT.md`). The weight of an entry is `scale * codebook[code]`, a whole number; its unit is in `blend`.
//!
//! Invariant: a row of bytes that nobody verified is read in bounded time ([`MAX_NEIGHBOURS`]), without allocation or panic.

use super::bits::{exp_golomb, window, WINDOW};
use crate::bytes::{u16_at, u32_at};
use crate::error::{Error, Result};

/// The most neighbours of one item.
pub const MAX_NEIGHBOURS: usize = 1024;
/// The largest level of the codebook.
pub const MAX_LEVEL: u16 = 2047;
/// Scales to choose from.
pub(super) const SCALES: usize = 256;
/// Rows behind an offset.
pub(crate) const ANCHOR: usize = 8;
/// Bytes before the codebook.
pub(crate) const HEADER: usize = 8;
/// Order of the Exp-Golomb code of the number of entries less 1, and bits of the order of the gaps' codes.
pub(super) const COUNT_ORDER: u32 = 4;
pub(super) const ORDER_BITS: u32 = 4;

/// Bits of a code that are allowed.
pub(super) const CODE_BITS: std::ops::RangeInclusive<u8> = 4..=8;

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    let bits = bytes.get(4).copied().unwrap_or(8);
    if !CODE_BITS.contains(&bits) {
        let rule = "a code has 4 to 8 bits";
        return Err(corrupt(4, rule));
    }
    let needed = fixed(bits, items);
    if bytes.len() < needed {
        return Err(Error::Truncated {
            what: "neighbours",
            at: 0,
            needed,
            got: bytes.len(),
        });
    }
    Ok(())
}

/// Bytes before the stream.
pub(crate) fn fixed(bits: u8, items: u32) -> usize {
    HEADER + (2 << bits) + 2 * SCALES + 4 * (items as usize).div_ceil(ANCHOR)
}

fn corrupt(at: usize, rule: &'static str) -> Error {
    let what = "neighbours";
    Error::Corrupt { what, at, rule }
}

/// The table, split into its parts.
#[derive(Debug, Clone, Copy)]
pub struct Neighbours<'a> {
    entries: u32,
    bits: u8,
    zeros: &'a [u8],
    codebook: &'a [u8],
    scales: &'a [u8],
    anchors: &'a [u8],
    stream: &'a [u8],
}

/// The neighbours of one item.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    codebook: &'a [u8],
    /// The stream from this row's bits on, past its end.
    stream: &'a [u8],
    source: u32,
    len: usize,
    /// Bits of a code, and the order of the gaps' codes.
    bits: u32,
    order: u32,
    /// Position of the first code.
    codes: usize,
    /// Factor of all weights of the row.
    pub scale: u16,
}

impl<'a> Neighbours<'a> {
    /// Splits a table whose length was checked.
    pub(crate) fn new(bytes: &'a [u8], items: u32) -> Option<Self> {
        let bits = *bytes.get(4)?;
        let (table, stream) = bytes.split_at_checked(fixed(bits, items))?;
        let (codebook, rest) = table.get(HEADER..)?.split_at_checked(2 << bits)?;
        let (scales, anchors) = rest.split_at_checked(2 * SCALES)?;
        Some(Neighbours {
            entries: u32_at(bytes, 0)?,
            bits,
            zeros: bytes.get(5..HEADER)?,
            codebook,
            scales,
            anchors,
            stream,
        })
    }

    /// The number of entries.
    pub fn entries(&self) -> usize {
        self.entries as usize
    }

    /// Bits of an entry's weight.
    pub fn code_bits(&self) -> u8 {
        self.bits
    }

    /// The level of each code, ascending.
    #[cfg(feature = "pack")]
    pub(super) fn levels(&self) -> Vec<u16> {
        numbers(self.codebook)
    }

    /// The scales, ascending.
    #[cfg(feature = "pack")]
    pub(super) fn scales(&self) -> Vec<u16> {
        numbers(self.scales)
    }

    /// The neighbours of an item, `None` for an unknown one.
    pub fn row(&self, row: u32) -> Option<Row<'a>> {
        let mut rest = self
            .stream
            .get(u32_at(self.anchors, row as usize / ANCHOR)? as usize..)?;
        for _ in 0..row as usize % ANCHOR {
            let (len, behind) = length(rest)?;
            rest = behind.get(len..)?;
        }
        let (len, behind) = length(rest)?;
        self.read(row, len, behind)
    }

    /// The rows, one behind the other.
    pub(crate) fn stream(&self) -> &'a [u8] {
        self.stream
    }

    /// A row of that many bytes.
    pub(crate) fn read(&self, source: u32, bytes: usize, behind: &'a [u8]) -> Option<Row<'a>> {
        let (scale, stream) = behind.split_first().unwrap_or((&0, &[]));
        let mut row = Row {
            codebook: self.codebook,
            stream,
            source,
            len: 0,
            bits: u32::from(self.bits),
            order: 0,
            codes: 0,
            scale: u16_at(self.scales, usize::from(*scale))?,
        };
        if bytes > 0 {
            let (count, at) = exp_golomb(stream, 0, COUNT_ORDER)?;
            row.len = count as usize + 1;
            row.order = window(stream, at) as u32 & ((1 << ORDER_BITS) - 1);
            row.codes = at + ORDER_BITS as usize;
        }
        // Bounds what a caller reserves for the row, also in a snapshot that was not verified.
        (row.len <= MAX_NEIGHBOURS).then_some(row)
    }

    pub(super) fn verify(&self, items: u32) -> Result<()> {
        if self.zeros.iter().any(|byte| *byte != 0) {
            return Err(corrupt(5, "the bytes behind the bits of a code are zero"));
        }
        let ascend = |table: &[u8]| table.chunks_exact(2).map(|level| u16_at(level, 0)).is_sorted();
        let levels = self.codebook.chunks_exact(2).map(|level| u16_at(level, 0));
        if levels.max() > Some(Some(MAX_LEVEL)) || !ascend(self.codebook) || !ascend(self.scales) {
            return Err(corrupt(
                HEADER,
                "scales ascend, and levels of the codebook to at most 2047",
            ));
        }
        let mut entries = 0;
        let mut rest = self.stream;
        for source in 0..items {
            let at = source as usize;
            let offset = self.stream.len() - rest.len();
            if at.is_multiple_of(ANCHOR) && u32_at(self.anchors, at / ANCHOR) != u32::try_from(offset).ok() {
                return Err(corrupt(
                    at,
                    "the offset of every eighth row is where the row before ends",
                ));
            }
            let (len, behind) = length(rest).ok_or(corrupt(at, "a row begins with its length, in 1 or 2 bytes"))?;
            let (body, behind) = behind
                .split_at_checked(len)
                .ok_or(corrupt(at, "a row ends within the table"))?;
            let row = self
                .read(source, len, body)
                .ok_or(corrupt(at, "a row has at most 1024 entries"))?;
            row.verify(items, len)?;
            entries += row.len;
            rest = behind;
        }
        if !rest.is_empty() || entries != self.entries() {
            return Err(corrupt(
                items as usize,
                "the last row ends with the last entry and byte",
            ));
        }
        Ok(())
    }
}

#[cfg(feature = "pack")]
fn numbers(table: &[u8]) -> Vec<u16> {
    table.chunks_exact(2).filter_map(|bytes| u16_at(bytes, 0)).collect()
}

/// The length of a row, a varint of at most two bytes, and what follows it.
#[inline(always)]
pub(crate) fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [low @ 0..128, rest @ ..] => Some((usize::from(*low), rest)),
        [low, high @ 1..128, rest @ ..] => Some((usize::from(*low & 127) | usize::from(*high) << 7, rest)),
        _ => None,
    }
}

impl Row<'_> {
    /// The number of neighbours.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the item has no neighbours.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Calls `take` with each target row and its level; the weight is the level times [`Row::scale`].
    #[inline(always)]
    pub fn for_each(&self, mut take: impl FnMut(u32, u16)) {
        self.decode(|target, code| take(target as u32, self.level_of(code)));
    }

    #[inline(always)]
    fn level_of(&self, code: u8) -> u16 {
        u16_at(self.codebook, usize::from(code)).unwrap_or_default()
    }

    /// Hands out targets and codes, ascending; gives the position behind the last, `None` where the bits make no sense.
    #[inline(always)]
    fn decode(&self, mut take: impl FnMut(i64, u8)) -> Option<usize> {
        let mask = (1 << self.bits) - 1;
        let (mut codes, mut code_at) = (0, self.codes);
        let mut at = self.codes + self.len * self.bits as usize;
        let mut target = i64::from(self.source);
        let mut left = 0;
        for entry in 0..self.len {
            if left == 0 {
                codes = window(self.stream, code_at);
                left = WINDOW / self.bits;
                code_at += (left * self.bits) as usize;
            }
            let (gap, next) = exp_golomb(self.stream, at, self.order)?;
            at = next;
            let gap = i64::from(gap) + 1;
            // The first may lie on either side: odd numbers below, even ones above.
            target += match (entry, gap & 1) {
                (0, 1) => -(gap + 1) / 2,
                (0, _) => gap / 2,
                _ => gap,
            };
            take(target, (codes & mask) as u8);
            codes >>= self.bits;
            left -= 1;
        }
        Some(at)
    }

    /// [`Row::decode`] for where speed matters less than size.
    pub(crate) fn walk(&self, take: &mut dyn FnMut(i64, u8)) -> Option<usize> {
        self.decode(take)
    }

    /// Checks the row against its length in bytes; the stream ends with it.
    fn verify(&self, items: u32, bytes: usize) -> Result<()> {
        let at = self.source as usize;
        if bytes == 0 {
            return Ok(());
        }
        let mut known = true;
        let end = self
            .walk(&mut |target, _| known &= (0..i64::from(items)).contains(&target) && target != i64::from(self.source))
            .ok_or(corrupt(at, "gaps are Exp-Golomb codes below 2^25"))?;
        if !known {
            return Err(corrupt(at, "targets are rows, and not the source itself"));
        }
        if end.div_ceil(8) + 1 != bytes || window(self.stream, end) != 0 {
            return Err(corrupt(
                at,
                "a row ends with its last bit, and zeros to the end of the byte",
            ));
        }
        Ok(())
    }

    /// The level of one target, 0 where it is no neighbour.
    pub fn level(&self, target: u32) -> u16 {
        let mut found = 0;
        self.walk(&mut |row, code| {
            if row == i64::from(target) {
                found = self.level_of(code);
            }
        });
        found
    }
}
