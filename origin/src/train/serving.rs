//! How a session's items are weighed by length of the history: a few numbers for the tuner, tables for the runtime.
//!
//! For an item `d` distinct ones back in a history of `L` (at most [`LONGEST`]), its neighbours weigh 1 at `d = 0`, else
//! `w1 · d^-q · L^wl`; the item itself weighs `s0 · L^sl` at `d = 0`, else `s1 · sd^d · L^sl`, times `m2` or `m3` where it was
//! seen twice or more. Invariant: the runtime's division by the sum of the history's weights is undone by the rows' weights,
//! up to a history of [`LONGEST`] items seen once each; the tables' largest entry is 1.0.

use pocketrank::{BlendRow, ONCE, ONE};

/// Longer histories are weighed as one of this length.
pub const LONGEST: u16 = 8;
/// Positions of a table by recency.
const POSITIONS: usize = 64;

/// How a session's items are weighed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Serving {
    /// Power of the distance of an older item.
    pub q: f64,
    /// Weight of what goes with older items, that with the newest is 1.
    pub w1: f64,
    /// Power of the history's length on it.
    pub wl: f64,
    /// Weight of the newest item itself.
    pub s0: f64,
    /// Weight of older items themselves,
    pub s1: f64,
    /// times this for each step back.
    pub sd: f64,
    /// Power of the history's length on the items themselves.
    pub sl: f64,
    /// Factor on an item itself that was seen twice.
    pub m2: f64,
    /// Factor on an item itself that was seen more often.
    pub m3: f64,
}

impl Default for Serving {
    fn default() -> Self {
        Serving {
            q: 1.0,
            w1: 0.66,
            wl: -0.58,
            s0: 2.5,
            s1: 1.5,
            sd: 0.8,
            sl: -0.35,
            m2: 1.8,
            m3: 1.9,
        }
    }
}

/// Tables and rows of weights for a blend.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// Factor by number of events with an item, for what goes with it: that an item was seen again says nothing more of others.
    pub times: Vec<u16>,
    /// The same, for the item itself.
    pub repeat_times: Vec<u16>,
    /// For each of the lengths: recency, repeat's recency and the weights of both parts; all other weights are 0.
    pub rows: Vec<BlendRow>,
}

/// The tables and rows for histories from each of `lengths` on (ascending; that of an empty history has weights of 0).
///
/// The weights hold for a runtime that divides each part by the sum of the history's weights.
pub fn serving(serving: &Serving, lengths: &[u16]) -> Served {
    Served {
        times: vec![ONCE],
        repeat_times: [1.0, serving.m2, serving.m3].map(once).to_vec(),
        rows: lengths.iter().map(|length| serving.row(*length)).collect(),
    }
}

impl Serving {
    /// Weights of what goes with the history's items and of the items themselves, by distinct items back, for a length.
    pub fn weights(&self, length: u16) -> (Vec<f64>, Vec<f64>) {
        let length = f64::from(length.clamp(1, LONGEST));
        let (older, own) = (self.w1 * libm::pow(length, self.wl), libm::pow(length, self.sl));
        let goes_with = |back: usize| match back {
            0 => 1.0,
            _ => older * libm::pow(back as f64, -self.q),
        };
        let itself = |back: usize| match back {
            0 => own * self.s0,
            _ => own * self.s1 * libm::pow(self.sd, back as f64),
        };
        (
            (0..POSITIONS).map(goes_with).collect(),
            (0..POSITIONS).map(itself).collect(),
        )
    }

    fn row(&self, length: u16) -> BlendRow {
        let (goes_with, itself) = self.weights(length);
        let (recency, unit) = table(&goes_with);
        let (repeat_recency, repeat_unit) = table(&itself);
        // What the runtime divides by.
        let sum: f64 = recency
            .iter()
            .take(usize::from(length))
            .map(|factor| f64::from(*factor))
            .sum();
        let share = sum / f64::from(ONE);
        BlendRow {
            min_history: length,
            recency,
            repeat_recency,
            neighbours: (share * unit) as f32,
            repeat: (share * repeat_unit) as f32,
            ..BlendRow::default()
        }
    }
}

/// Factors of at most 1.0 and what they are to be multiplied by.
fn table(weights: &[f64]) -> (Vec<u16>, f64) {
    let unit = weights.iter().copied().fold(0.0, f64::max);
    let factor = |weight: &f64| match unit {
        0.0 => 0,
        unit => libm::round(weight.max(0.0) / unit * f64::from(ONE)) as u16,
    };
    (weights.iter().map(factor).collect(), unit)
}

fn once(factor: f64) -> u16 {
    libm::round(factor * f64::from(ONCE)).clamp(0.0, f64::from(u16::MAX)) as u16
}
