//! What assigns experiments: the lot, a number of 12 bits that the visitor has drawn, and the assignments that are kept.
//!
//! Invariant: a lot is in a profile only, so it is written, read and kept under a [`Grant`](crate::Grant), and ends with it. Thousands of
//! visitors of any shop share a number, so that it identifies nobody; it is drawn anew whenever consent is renewed.

use crate::bytes::{u16_at, u32_at};
use crate::error::Error;

/// How many numbers there are.
pub const LOTS: u16 = 1 << 12;
/// The most assignments that are kept; the oldest fall out.
pub const MAX_ASSIGNMENTS: usize = 16;
/// Bytes of an assignment in the encoded form.
pub(crate) const ASSIGNMENT_BYTES: usize = 8;
/// The most bytes of a draw.
const MAX_DRAW: usize = 3 + MAX_ASSIGNMENTS * ASSIGNMENT_BYTES;

/// A number from 0 to before [`LOTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lot(u16);

impl Lot {
    /// Draws one by a host's randomness, of which the low 12 bits count.
    pub(crate) fn draw(seed: u32) -> Self {
        Lot((seed % u32::from(LOTS)) as u16)
    }

    /// The number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Every one.
    pub fn all() -> impl Iterator<Item = Lot> {
        (0..LOTS).map(Lot)
    }
}

/// That a visitor has got a variation of an experiment: hashes of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kept {
    pub(crate) experiment: u32,
    pub(crate) variation: u32,
}

/// The lot and what it has assigned, as profiles and capsules write it: what only ranks carries these bytes and looks into none.
/// Lot `u16`, number of assignments `u8`, and of each, the oldest first, the hashes of experiment and variation, `u32` each. Empty where
/// no lot is drawn.
#[derive(Debug, Clone, Eq)]
pub(crate) struct Draw {
    length: u8,
    /// What is behind the length means nothing.
    bytes: [u8; MAX_DRAW],
}

impl PartialEq for Draw {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Default for Draw {
    fn default() -> Self {
        Draw {
            length: 0,
            bytes: [0; MAX_DRAW],
        }
    }
}

impl Draw {
    pub(crate) fn new(seed: u32) -> Self {
        let [low, high] = Lot::draw(seed).number().to_le_bytes();
        let mut draw = Draw {
            length: 3,
            ..Draw::default()
        };
        [draw.bytes[0], draw.bytes[1]] = [low, high];
        draw
    }

    /// Takes bytes that came from outside; false where they are no draw, and nothing changes. Beyond lot and length nothing is looked at.
    #[inline(never)]
    pub(crate) fn set(&mut self, bytes: &[u8]) -> bool {
        let is_one = match bytes {
            [_, high, count, kept @ ..] => {
                u16::from(*high) < LOTS >> 8 && kept.len() == usize::from(*count) * ASSIGNMENT_BYTES
            }
            _ => bytes.is_empty(),
        };
        let to = self.bytes.get_mut(..bytes.len()).filter(|_| is_one);
        to.is_some_and(|to| {
            to.copy_from_slice(bytes);
            self.length = bytes.len() as u8;
            true
        })
    }

    /// What is wrong where there is none.
    pub(crate) fn wrong(what: &'static str, at: usize) -> Error {
        let rule = "a whole draw follows";
        Error::Corrupt { what, at, rule }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }

    /// The bytes with the newest `most` assignments alone: the lot, and those.
    pub(crate) fn newest(&self, most: usize) -> (&[u8], &[u8]) {
        let bytes = self.bytes();
        let kept = bytes.get(3..).unwrap_or_default();
        let kept = kept.get(kept.len().saturating_sub(most * ASSIGNMENT_BYTES)..);
        (bytes.get(..2).unwrap_or_default(), kept.unwrap_or_default())
    }

    /// The lot, if one is drawn.
    pub(crate) fn lot(&self) -> Option<Lot> {
        u16_at(self.bytes(), 0).map(Lot)
    }

    /// Whether it has assigned nothing, or there is none.
    pub(crate) fn is_unused(&self) -> bool {
        self.length <= 3
    }

    /// What is kept, the oldest first.
    pub(crate) fn kept(&self) -> impl Iterator<Item = Kept> + '_ {
        let (kept, _) = self
            .bytes()
            .get(3..)
            .unwrap_or_default()
            .as_chunks::<ASSIGNMENT_BYTES>();
        kept.iter().map(|bytes| Kept {
            experiment: u32_at(bytes, 0).unwrap_or_default(),
            variation: u32_at(bytes, 1).unwrap_or_default(),
        })
    }

    /// The variation of an experiment; of several that bytes from outside may have, the oldest counts.
    pub(crate) fn find(&self, experiment: u32) -> Option<u32> {
        let kept = self.kept().find(|kept| kept.experiment == experiment)?;
        Some(kept.variation)
    }

    /// Keeps an assignment, if a lot is drawn. One that is there already keeps its age.
    #[inline(never)]
    pub(crate) fn keep(&mut self, new: Kept) {
        let at = self.kept().position(|kept| kept.experiment == new.experiment);
        let [_, _, count, kept @ ..] = &mut self.bytes;
        if self.length == 0 {
            return;
        }
        let (kept, _) = kept.as_chunks_mut::<ASSIGNMENT_BYTES>();
        let place = at.unwrap_or_else(|| {
            if usize::from(*count) == MAX_ASSIGNMENTS {
                kept.copy_within(1.., 0);
                return MAX_ASSIGNMENTS - 1;
            }
            self.length += ASSIGNMENT_BYTES as u8;
            *count += 1;
            usize::from(*count) - 1
        });
        let new = (u64::from(new.variation) << 32 | u64::from(new.experiment)).to_le_bytes();
        kept.iter_mut().skip(place).take(1).for_each(|kept| *kept = new);
    }
}
