//! How a profile becomes weights, and how the scorers' parts are mixed: small enough to read.
//!
//! Everything that needs a power or a logarithm is a table here, made at the origin; the runtime only looks up,
//! multiplies and adds, so that every host gets the same bits.

use crate::error::{Error, Result};
use crate::event::EventKind;
use serde::{Deserialize, Serialize};

/// The longest table.
const MAX_TABLE: usize = 4096;
/// The largest weight of an event kind (256 is 1.0).
pub(crate) const MAX_KIND: i16 = 2047;
/// The largest factor of a blend.
const MAX_WEIGHT: f32 = 1e6;
/// 1.0 in the tables of `u16`.
pub const ONE: u16 = 1 << 15;

/// How scores are made and mixed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Blend {
    /// Weight of each event kind, 256 for 1.0; kinds of weight 0 are left out of the history.
    pub kinds: [i16; EventKind::COUNT],
    /// Factor by position in the history, counted in distinct items back from the newest; [`ONE`] is 1.0. The last
    /// entry holds for all positions beyond.
    pub recency: Vec<u16>,
    /// Factor by age in days, likewise.
    pub decay: Vec<u16>,
    /// Newness by days since an item was first seen, likewise.
    pub newness: Vec<u16>,
    /// What one unit of a neighbour's weight (scale times level) is worth.
    pub neighbour_unit: f32,
    /// Weights by length of the history, the first for the empty one.
    pub rows: Vec<BlendRow>,
}

/// Weights of the scorers' parts, for histories from a length on.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BlendRow {
    /// The fewest distinct items in the history for this row to hold.
    pub min_history: u16,
    /// Of the items that are neighbours of the history's.
    pub neighbours: f32,
    /// Of the history's own items.
    pub repeat: f32,
    /// Of the share of the item's category in the history.
    pub category: f32,
    /// Of the share of its brand.
    pub brand: f32,
    /// Of the share of its price band.
    pub price_band: f32,
    /// Of its popularity (0 to 1).
    pub popularity: f32,
    /// Of its trend (0 to 1).
    pub trend: f32,
    /// Of its newness (0 to 1).
    pub newness: f32,
}

impl Blend {
    /// The weights for a history of that many distinct items.
    pub fn row(&self, history: usize) -> BlendRow {
        let holds = |row: &&BlendRow| usize::from(row.min_history) <= history;
        self.rows.iter().rev().find(holds).copied().unwrap_or_default()
    }

    pub(super) fn check(&self) -> Result<()> {
        let corrupt = |at, rule| Error::Corrupt {
            what: "blend",
            at,
            rule,
        };
        if self
            .kinds
            .iter()
            .any(|weight| weight.unsigned_abs() > MAX_KIND.unsigned_abs())
        {
            return Err(corrupt(0, "weights of event kinds are at most 2047"));
        }
        for table in [&self.recency, &self.decay, &self.newness] {
            if table.is_empty() || table.len() > MAX_TABLE || table.iter().any(|factor| *factor > ONE) {
                return Err(corrupt(1, "tables have 1 to 4096 factors of at most 1.0"));
            }
        }
        let lengths = || self.rows.iter().map(|row| row.min_history);
        if lengths().next() != Some(0) || !lengths().is_sorted_by(|a, b| a < b) {
            return Err(corrupt(2, "rows ascend from a history of 0"));
        }
        if !in_range(self.neighbour_unit) {
            return Err(Error::Weight {
                what: "blend unit",
                at: 0,
            });
        }
        for (at, row) in self.rows.iter().enumerate() {
            if !row.weights().into_iter().all(in_range) {
                return Err(Error::Weight { what: "blend", at });
            }
        }
        Ok(())
    }
}

impl BlendRow {
    /// The weights, in the order in which parts are added.
    pub fn weights(&self) -> [f32; 8] {
        [
            self.neighbours,
            self.repeat,
            self.category,
            self.brand,
            self.price_band,
            self.popularity,
            self.trend,
            self.newness,
        ]
    }
}

/// Whether a weight is a number and not absurd, so that no score overflows.
fn in_range(weight: f32) -> bool {
    weight.is_finite() && weight.abs() <= MAX_WEIGHT
}

/// The factor at a position of a table whose last entry holds for all beyond.
pub(crate) fn factor(table: &[u16], at: usize) -> u16 {
    table.get(at).or(table.last()).copied().unwrap_or_default()
}
