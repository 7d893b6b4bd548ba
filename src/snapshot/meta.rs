//! What a snapshot says of itself.

use super::envelope::MAX_ITEMS;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a snapshot says of itself. Nothing in it depends on when or where it was packed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Meta {
    /// The number of rows.
    pub items: u32,
    /// The model, in words: family and parameters.
    pub model: String,
    /// Last second of the day of the newest event of the training data, seconds since 1970-01-01 UTC.
    pub trained_until: u32,
    /// The fewest customers that stand behind each edge and row.
    pub min_customers: u16,
    /// ISO 4217 code of the prices behind the price bands; empty when there are none.
    pub currency: String,
}

impl Meta {
    pub(super) fn check(&self) -> Result<()> {
        if self.items > MAX_ITEMS {
            return Err(Error::Limit {
                what: "snapshot items",
                max: MAX_ITEMS as usize,
                got: self.items as usize,
            });
        }
        Ok(())
    }
}
