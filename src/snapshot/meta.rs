//! What a snapshot says of itself.

use super::at_most;
use super::envelope::MAX_ITEMS;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// The longest description of a model, in bytes.
const MAX_MODEL: usize = 4_096;
/// The length of an ISO 4217 code.
const MAX_CURRENCY: usize = 3;

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
        at_most("snapshot items", MAX_ITEMS as usize, self.items as usize)?;
        at_most("bytes of the model's description", MAX_MODEL, self.model.len())?;
        at_most("bytes of the currency", MAX_CURRENCY, self.currency.len())
    }
}
