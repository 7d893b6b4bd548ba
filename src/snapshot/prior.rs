//! What is known of an item before anything is known of the visitor.
//!
//! Table: bytes of a row `u8`, 1 or 4; then per item popularity `u8` and, in rows of 4, trend `u8` (both 0 to 255, least to most) and
//! first seen `u16` little-endian (days since 1970-01-01 UTC). Narrow rows are for data that know nothing of time.

use super::exact;
use crate::error::{Error, Result};

pub(super) const NARROW: u8 = 1;
pub(super) const WIDE: u8 = 4;

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    let width = bytes.first().copied().unwrap_or(WIDE);
    if width != NARROW && width != WIDE {
        return Err(Error::Corrupt {
            what: "prior",
            at: 0,
            rule: "rows have 1 or 4 bytes",
        });
    }
    let rows = (items as usize).checked_mul(usize::from(width));
    exact("prior", bytes, rows.and_then(|rows| rows.checked_add(1)))
}

/// Popularity, trend and age of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PriorRow {
    /// Time-decayed popularity on a logarithmic scale, 255 for the most popular item.
    pub popularity: u8,
    /// Recent over longer-term demand; 64 where they are equal, 255 for four times. 0 where nothing is known of time.
    pub trend: u8,
    /// Day by which enough customers had found the item to ship it, days since 1970-01-01 UTC. 0 where nothing is known of time.
    pub first_seen: u16,
}

impl PriorRow {
    /// Whether the item ships for what the catalogue says of it: too few customers found it for anything else to be known.
    pub fn is_cold(&self) -> bool {
        self.popularity == 0 && self.first_seen == 0
    }
}

/// The table.
#[derive(Debug, Clone, Copy)]
pub struct Prior<'a> {
    wide: bool,
    rows: &'a [u8],
}

impl<'a> Prior<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (width, rows) = bytes.split_first()?;
        Some(Prior {
            wide: *width == WIDE,
            rows,
        })
    }

    /// The popularity of an item, 0 for an unknown one.
    #[inline(always)]
    pub fn popularity(&self, row: u32) -> u8 {
        self.get(row).map_or(0, |row| row.popularity)
    }

    /// The row of an item, `None` for an unknown one.
    #[inline(always)]
    pub fn get(&self, row: u32) -> Option<PriorRow> {
        if !self.wide {
            return Some(PriorRow {
                popularity: *self.rows.get(row as usize)?,
                ..PriorRow::default()
            });
        }
        let [popularity, trend, low, high] = *self.rows.as_chunks().0.get(row as usize)?;
        Some(PriorRow {
            popularity,
            trend,
            first_seen: u16::from_le_bytes([low, high]),
        })
    }
}
