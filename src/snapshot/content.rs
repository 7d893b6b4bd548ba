//! Vectors of content: per item what it is like, whoever bought it.
//!
//! Table, little-endian: length of a vector `u16`, then a vector of `i8` per item. The unit of a number is in `blend`.

use super::{exact, vector_length};
use crate::bytes::u16_at;
use crate::error::Result;

/// Bytes before the vectors.
pub(crate) const HEADER: usize = 2;

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    let dims = usize::from(u16_at(bytes, 0).unwrap_or_default());
    vector_length(dims)?;
    let rows = (items as usize).checked_mul(dims);
    exact("content", bytes, rows.and_then(|rows| rows.checked_add(HEADER)))
}

/// The table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content<'a> {
    /// Length of a vector.
    pub(crate) dims: usize,
    rows: &'a [u8],
}

impl<'a> Content<'a> {
    /// Reads a table whose length was checked.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Content {
            dims: usize::from(u16_at(bytes, 0)?),
            rows: bytes.get(HEADER..)?,
        })
    }

    /// The vector (of `i8`) of an item, `None` for an unknown one.
    #[inline(always)]
    pub(crate) fn row(&self, row: u32) -> Option<&'a [u8]> {
        let at = (row as usize).checked_mul(self.dims)?;
        self.rows.get(at..at.checked_add(self.dims)?)
    }
}
