//! Item-item weights: per source item its neighbours, sparse and quantized.
//!
//! Table, little-endian: number of entries `u32`; codebook of 256 levels `u16`; a scale `u16` per item; row ends
//! `u32` per item and one more (the first is 0); a target row per entry (`u16` up to 65,536 items, else `u32`); a code `u8` per
//! entry. The weight of an entry is `scale[source] * codebook[code]`, a whole number; its unit is in `blend`.

use super::exact;
use super::index::{row_at, row_width};
use crate::bytes::{u16_at, u32_at};
use crate::error::{Error, Result};

/// The most neighbours of one item.
pub const MAX_NEIGHBOURS: usize = 1024;
/// The largest level of the codebook.
pub const MAX_LEVEL: u16 = 2047;
const LEVELS: usize = 256;
const CODEBOOK: usize = 2 * LEVELS;

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    let entries = u32_at(bytes, 0).unwrap_or_default() as usize;
    let fixed = 4 + CODEBOOK + (items as usize) * 6 + 4;
    let needed = entries
        .checked_mul(row_width(items) + 1)
        .and_then(|e| e.checked_add(fixed));
    exact("neighbours", bytes, needed)
}

/// The table, split into its parts.
#[derive(Debug, Clone, Copy)]
pub struct Neighbours<'a> {
    codebook: &'a [u8; CODEBOOK],
    scales: &'a [u8],
    ends: &'a [u8],
    targets: &'a [u8],
    codes: &'a [u8],
    width: usize,
}

/// The neighbours of one item.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    codebook: &'a [u8; CODEBOOK],
    targets: &'a [u8],
    codes: &'a [u8],
    width: usize,
    /// Factor of all weights of the row.
    pub scale: u16,
}

impl<'a> Neighbours<'a> {
    /// Splits a table whose length was checked.
    pub(super) fn new(bytes: &'a [u8], items: u32) -> Option<Self> {
        let items = items as usize;
        let width = row_width(items as u32);
        let entries = u32_at(bytes, 0)? as usize;
        let (codebook, rest) = bytes.get(4..)?.split_first_chunk()?;
        let (scales, rest) = rest.split_at_checked(2 * items)?;
        let (ends, rest) = rest.split_at_checked(4 * (items + 1))?;
        let (targets, codes) = rest.split_at_checked(entries * width)?;
        Some(Neighbours {
            codebook,
            scales,
            ends,
            targets,
            codes,
            width,
        })
    }

    /// The number of entries.
    pub fn entries(&self) -> usize {
        self.codes.len()
    }

    /// The neighbours of an item, `None` for an unknown one.
    pub fn row(&self, row: u32) -> Option<Row<'a>> {
        let row = row as usize;
        let scale = u16_at(self.scales, row)?;
        let start = u32_at(self.ends, row)? as usize;
        let end = u32_at(self.ends, row.checked_add(1)?)? as usize;
        // Bounds what a caller reserves for the row, also in a snapshot that was not verified.
        if end.checked_sub(start)? > MAX_NEIGHBOURS {
            return None;
        }
        let targets = self
            .targets
            .get(start.checked_mul(self.width)?..end.checked_mul(self.width)?)?;
        let codes = self.codes.get(start..end)?;
        Some(Row {
            codebook: self.codebook,
            targets,
            codes,
            width: self.width,
            scale,
        })
    }

    pub(super) fn verify(&self, items: u32) -> Result<()> {
        let corrupt = |at, rule| Error::Corrupt {
            what: "neighbours",
            at,
            rule,
        };
        let levels = || self.codebook.chunks_exact(2).map(|level| u16_at(level, 0));
        if levels().any(|level| level > Some(MAX_LEVEL)) || !levels().is_sorted() {
            return Err(corrupt(4, "levels of the codebook ascend to at most 2047"));
        }
        let mut start = 0;
        if u32_at(self.ends, 0) != Some(0) {
            return Err(corrupt(0, "the first row begins with entry 0"));
        }
        for source in 0..items {
            let at = source as usize;
            let end = u32_at(self.ends, at + 1).unwrap_or_default() as usize;
            if end < start || end > self.entries() || end - start > MAX_NEIGHBOURS {
                return Err(corrupt(at, "row ends ascend to the number of entries, by at most 1024"));
            }
            let mut last = None;
            for entry in start..end {
                let target = row_at(self.targets, self.width, entry);
                if (last.is_some() && target <= last) || target >= Some(items) || target == Some(source) {
                    return Err(corrupt(
                        at,
                        "targets of a row ascend, are rows, and not the source itself",
                    ));
                }
                last = target;
            }
            start = end;
        }
        if start != self.entries() {
            return Err(corrupt(items as usize, "the last row ends with the last entry"));
        }
        Ok(())
    }
}

impl Row<'_> {
    /// The number of neighbours.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether the item has no neighbours.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Calls `take` with each target row and its level; the weight is the level times [`Row::scale`].
    #[inline(always)]
    pub fn for_each(&self, mut take: impl FnMut(u32, u16)) {
        let level = |code: &u8| u16_at(self.codebook, usize::from(*code)).unwrap_or_default();
        if self.width == 2 {
            for (target, code) in self.targets.chunks_exact(2).zip(self.codes) {
                take(u16_at(target, 0).map_or(0, u32::from), level(code));
            }
        } else {
            for (target, code) in self.targets.chunks_exact(4).zip(self.codes) {
                take(u32_at(target, 0).unwrap_or_default(), level(code));
            }
        }
    }

    /// The level of one target, 0 where it is no neighbour.
    pub fn level(&self, target: u32) -> u16 {
        let mut found = 0;
        self.for_each(|row, level| {
            if row == target {
                found = level;
            }
        });
        found
    }
}
