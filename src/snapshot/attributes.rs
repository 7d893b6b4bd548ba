//! Category, brand and price band of the items, as codes; 0 is "not known".
//!
//! Table, little-endian: number of category codes `u16`, of brand codes `u16`, of price bands `u8` (0 not counted), then per
//! item category `u16`, brand `u16`, price band `u8`.

use super::{at_most, exact};
use crate::bytes::u16_at;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The longest name of a category, brand or price band, in bytes.
pub const MAX_LABEL: usize = 256;

pub(crate) const ROW: usize = 5;
pub(crate) const HEADER: usize = 5;

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    exact(
        "attributes",
        bytes,
        (items as usize)
            .checked_mul(ROW)
            .and_then(|rows| rows.checked_add(HEADER)),
    )
}

/// Codes of one item, each 0 where not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttributeRow {
    /// Category.
    pub category: u16,
    /// Brand.
    pub brand: u16,
    /// Price band, 1 for the cheapest.
    pub price_band: u8,
}

impl From<[u8; ROW]> for AttributeRow {
    #[inline(always)]
    fn from([c0, c1, b0, b1, price_band]: [u8; ROW]) -> Self {
        AttributeRow {
            category: u16::from_le_bytes([c0, c1]),
            brand: u16::from_le_bytes([b0, b1]),
            price_band,
        }
    }
}

/// Names behind the codes, for explanations: code `c` is entry `c - 1`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Labels {
    /// Of categories.
    pub categories: Vec<String>,
    /// Of brands.
    pub brands: Vec<String>,
    /// Of price bands, for instance `"5.00 to 9.99"`.
    pub price_bands: Vec<String>,
}

impl Labels {
    pub(super) fn check(&self) -> Result<()> {
        let lists = [&self.categories, &self.brands, &self.price_bands];
        let mut names = lists.into_iter().flatten();
        names.try_for_each(|name| at_most("bytes of a label", MAX_LABEL, name.len()))
    }
}

/// The table.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    categories: u16,
    brands: u16,
    price_bands: u8,
    rows: &'a [[u8; ROW]],
}

impl<'a> Attributes<'a> {
    pub(super) fn new(bytes: &'a [u8], _items: u32) -> Option<Self> {
        Some(Attributes {
            categories: u16_at(bytes, 0)?,
            brands: u16_at(bytes, 1)?,
            price_bands: *bytes.get(4)?,
            rows: bytes.get(HEADER..)?.as_chunks().0,
        })
    }

    /// The number of category codes, 0 not counted.
    pub fn categories(&self) -> u16 {
        self.categories
    }

    /// The number of brand codes, 0 not counted.
    pub fn brands(&self) -> u16 {
        self.brands
    }

    /// The number of price bands, 0 not counted.
    pub fn price_bands(&self) -> u8 {
        self.price_bands
    }

    /// The codes of an item, `None` for an unknown one.
    #[inline(always)]
    pub fn get(&self, row: u32) -> Option<AttributeRow> {
        self.bytes(row).map(AttributeRow::from)
    }

    /// The same as it is in the table.
    #[inline(always)]
    pub(crate) fn bytes(&self, row: u32) -> Option<[u8; ROW]> {
        self.rows.get(row as usize).copied()
    }

    pub(super) fn verify(&self) -> Result<()> {
        for row in 0..self.rows.len() as u32 {
            let codes = self.get(row).unwrap_or_default();
            if codes.category > self.categories || codes.brand > self.brands || codes.price_band > self.price_bands {
                let rule = "codes are at most the numbers in the header";
                return Err(Error::Corrupt {
                    what: "attributes",
                    at: row as usize,
                    rule,
                });
            }
        }
        Ok(())
    }
}
