//! Scorers: each turns the history or what is known of an item into a part of its score.
//!
//! A scorer is prepared once per change of the profile and then asked for many candidates. Parts are added in the order
//! [`PART_NAMES`], in `f32`, so that the sum has the same bits on every host and the explanation adds up to it.

mod affinity;
mod content;
mod factors;
mod neighbours;
mod prior;
mod vector;

pub(crate) use affinity::Affinity;
pub(crate) use content::Content;
pub(crate) use factors::Factors;
pub(crate) use neighbours::Neighbours;
pub(crate) use prior::Prior;
pub(crate) use vector::padded;

use crate::history::History;
use crate::list::List;
use crate::snapshot::{BlendRow, Snapshot};

/// Names of the parts, in the order in which they are added.
pub const PART_NAMES: [&str; 10] = [
    "neighbours",
    "repeat",
    "factors",
    "content",
    "category",
    "brand",
    "price_band",
    "popularity",
    "trend",
    "newness",
];

/// A source of parts of scores.
pub(crate) trait Scorer {
    /// Computes what depends on the profile and not on the candidates, from scratch.
    fn prepare<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, history: &History, weights: &BlendRow);

    /// Adds this scorer's parts to the scores of a list's items; `scores` is as long as the list.
    fn add(&mut self, list: &List, scores: &mut [f32]);

    /// Hands out the parts of one candidate, in the order in which `add` adds them up.
    fn parts<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, history: &History, row: u32, take: &mut impl FnMut(f32));
}
