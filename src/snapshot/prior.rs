//! What is known of an item before anything is known of the visitor.
//!
//! Row of 4 bytes, little-endian: popularity `u8`, trend `u8` (both 0 to 255, least to most), first seen `u16`
//! (days since 1970-01-01 UTC).

use super::exact;
use crate::error::Result;

pub(super) const ROW: usize = 4;

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    exact("prior", bytes, (items as usize).checked_mul(ROW))
}

/// Popularity, trend and age of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PriorRow {
    /// Time-decayed popularity on a logarithmic scale, 255 for the most popular item.
    pub popularity: u8,
    /// Recent over longer-term demand; 64 where they are equal, 255 for four times.
    pub trend: u8,
    /// Day by which enough customers had found the item to ship it, days since 1970-01-01 UTC.
    pub first_seen: u16,
}

/// The table.
#[derive(Debug, Clone, Copy)]
pub struct Prior<'a> {
    rows: &'a [u8],
}

impl<'a> Prior<'a> {
    pub(super) fn new(rows: &'a [u8]) -> Self {
        Prior { rows }
    }

    /// The row of an item, `None` for an unknown one.
    #[inline(always)]
    pub fn get(&self, row: u32) -> Option<PriorRow> {
        let at = (row as usize).checked_mul(ROW)?;
        let bytes: [u8; ROW] = self.rows.get(at..at.checked_add(ROW)?)?.try_into().ok()?;
        let [popularity, trend, low, high] = bytes;
        Some(PriorRow {
            popularity,
            trend,
            first_seen: u16::from_le_bytes([low, high]),
        })
    }
}
