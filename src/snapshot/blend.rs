//! How a profile becomes weights, and how the scorers' parts are mixed: small enough to read.
//!
//! Everything that needs a power or a logarithm is a table here, made at the origin; the runtime only looks up,
//! multiplies and adds, so that every host gets the same bits.

use crate::error::{Error, Result};
use crate::event::EventKind;
use serde::{Deserialize, Serialize};

/// The longest table.
const MAX_TABLE: usize = 4096;
/// The most rows of weights.
const MAX_ROWS: usize = 32;
/// The most factors by popularity: one for each sixteenth of its codes.
const MAX_COLD: usize = 16;
/// The largest weight of an event kind (256 is 1.0).
pub(crate) const MAX_KIND: i16 = 2047;
/// The largest factor of a blend.
const MAX_WEIGHT: f32 = 1e6;
/// 1.0 in the tables of `u16`.
pub const ONE: u16 = 1 << 15;
/// 1.0 in the tables by number of events with the same item.
pub const ONCE: u16 = 1 << 12;

/// How scores are made and mixed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Blend {
    /// Weight of each event kind, 256 for 1.0; kinds of weight 0 are left out of the history.
    pub kinds: [i16; EventKind::COUNT],
    /// Factor by age in days; [`ONE`] is 1.0. The last entry holds for all beyond, as in every table here.
    pub decay: Vec<u16>,
    /// Newness by days since an item was first seen; [`ONE`] is 1.0.
    pub newness: Vec<u16>,
    /// Factor on the mean weight of an item's events by their number, from 1; [`ONCE`] is 1.0. For what goes with the item.
    pub times: Vec<u16>,
    /// The same, for the item itself.
    pub repeat_times: Vec<u16>,
    /// Factor on the content part by a sixteenth of the candidate's popularity code; [`ONE`] is 1.0. Little known items lean
    /// on content more than well known ones.
    pub cold: Vec<u16>,
    /// What one unit of a neighbour's weight (scale times level) is worth.
    pub neighbour_unit: f32,
    /// What one unit of a factor is worth.
    pub factor_unit: f32,
    /// What one unit of a content vector is worth.
    pub content_unit: f32,
    /// Weights by length of the history, the first for the empty one.
    pub rows: Vec<BlendRow>,
}

/// Weights of the scorers' parts, for histories from a length on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BlendRow {
    /// The fewest distinct items in the history for this row to hold.
    pub min_history: u16,
    /// Factor by position in the history, counted in distinct items back from the newest; [`ONE`] is 1.0. For all parts
    /// but `repeat`.
    pub recency: Vec<u16>,
    /// The same, for `repeat`.
    pub repeat_recency: Vec<u16>,
    /// Of the items that are neighbours of the history's.
    pub neighbours: f32,
    /// Of the history's own items.
    pub repeat: f32,
    /// Of the likeness of factors.
    pub factors: f32,
    /// Of the likeness of content.
    pub content: f32,
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

/// What holds for a blend without rows, which no snapshot has.
static EMPTY: BlendRow = BlendRow {
    min_history: 0,
    recency: Vec::new(),
    repeat_recency: Vec::new(),
    neighbours: 0.0,
    repeat: 0.0,
    factors: 0.0,
    content: 0.0,
    category: 0.0,
    brand: 0.0,
    price_band: 0.0,
    popularity: 0.0,
    trend: 0.0,
    newness: 0.0,
};

impl Blend {
    /// The weights for a history of that many distinct items.
    pub fn row(&self, history: usize) -> &BlendRow {
        let holds = |row: &&BlendRow| usize::from(row.min_history) <= history;
        self.rows.iter().rev().find(holds).unwrap_or(&EMPTY)
    }

    /// Checks that scores can be made of it.
    ///
    /// # Errors
    /// The first limit of the format that is broken.
    pub fn check(&self) -> Result<()> {
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
        let lengths = || self.rows.iter().map(|row| row.min_history);
        if lengths().next() != Some(0) || !lengths().is_sorted_by(|a, b| a < b) || self.rows.len() > MAX_ROWS {
            return Err(corrupt(2, "1 to 32 rows ascend from a history of 0"));
        }
        let by_row = self.rows.iter().flat_map(|row| [&row.recency, &row.repeat_recency]);
        for table in by_row.chain([&self.decay, &self.newness]) {
            if table.is_empty() || table.len() > MAX_TABLE || table.iter().any(|factor| *factor > ONE) {
                return Err(corrupt(1, "tables have 1 to 4096 factors of at most 1.0"));
            }
        }
        for (table, most) in [
            (&self.times, MAX_TABLE),
            (&self.repeat_times, MAX_TABLE),
            (&self.cold, MAX_COLD),
        ] {
            if table.is_empty() || table.len() > most {
                return Err(corrupt(3, "times have 1 to 4096 factors, cold 1 to 16"));
            }
        }
        let units = [self.neighbour_unit, self.factor_unit, self.content_unit];
        if let Some(at) = units.into_iter().position(|unit| !in_range(unit)) {
            return Err(Error::Weight { what: "blend unit", at });
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
    pub fn weights(&self) -> [f32; 10] {
        [
            self.neighbours,
            self.repeat,
            self.factors,
            self.content,
            self.category,
            self.brand,
            self.price_band,
            self.popularity,
            self.trend,
            self.newness,
        ]
    }

    /// The same, to be set.
    pub(super) fn weights_mut(&mut self) -> [&mut f32; 10] {
        [
            &mut self.neighbours,
            &mut self.repeat,
            &mut self.factors,
            &mut self.content,
            &mut self.category,
            &mut self.brand,
            &mut self.price_band,
            &mut self.popularity,
            &mut self.trend,
            &mut self.newness,
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
