//! What assigns experiments: the lot, a number of 12 bits that the visitor has drawn, and the assignments that are kept.
//!
//! Invariant: a lot is in a profile only, so it is written, read and kept under a [`Grant`](crate::Grant), and ends with it. Thousands of
//! visitors of any shop share a number, so that it identifies nobody; it is drawn anew whenever consent is renewed.

use crate::bytes::Reader;
use crate::error::{Error, Result};
use tinyvec::ArrayVec;

/// How many numbers there are.
pub const LOTS: u16 = 1 << 12;
/// The most assignments that are kept; the oldest fall out.
pub const MAX_ASSIGNMENTS: usize = 16;
/// Bytes of an assignment in the encoded form.
pub(crate) const ASSIGNMENT_BYTES: usize = 8;

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

/// The lot and what it has assigned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Draw {
    pub(crate) lot: Option<Lot>,
    kept: ArrayVec<[Kept; MAX_ASSIGNMENTS]>,
}

impl Draw {
    pub(crate) fn new(seed: u32) -> Self {
        Draw {
            lot: Some(Lot::draw(seed)),
            ..Draw::default()
        }
    }

    /// What is kept, the oldest first.
    pub(crate) fn kept(&self) -> &[Kept] {
        self.kept.as_slice()
    }

    /// The variation of an experiment.
    pub(crate) fn find(&self, experiment: u32) -> Option<u32> {
        let kept = self.kept.iter().find(|kept| kept.experiment == experiment)?;
        Some(kept.variation)
    }

    /// Keeps an assignment. One that is there already keeps its age.
    #[inline(never)]
    pub(crate) fn keep(&mut self, new: Kept) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.experiment == new.experiment) {
            *kept = new;
            return;
        }
        if self.kept.len() == MAX_ASSIGNMENTS {
            self.kept.copy_within(1.., 0);
            self.kept.pop();
        }
        self.kept.push(new);
    }

    /// Writes lot, number of assignments and the newest `most` of these.
    #[inline(never)]
    pub(crate) fn write(&self, out: &mut Vec<u8>, most: usize) {
        let lot = self.lot.map_or(u16::MAX, Lot::number);
        let skipped = self.kept.len().saturating_sub(most);
        out.extend(lot.to_le_bytes());
        out.push((self.kept.len() - skipped) as u8);
        for kept in self.kept.iter().skip(skipped) {
            out.extend(kept.experiment.to_le_bytes());
            out.extend(kept.variation.to_le_bytes());
        }
    }

    /// Reads what [`Draw::write`] wrote.
    #[inline(never)]
    pub(crate) fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self> {
        let at = reader.at();
        let (lot, count) = (reader.u16()?, usize::from(reader.u8()?));
        if lot != u16::MAX && lot >= LOTS || count > MAX_ASSIGNMENTS {
            let rule = "lots are below 4,096, and at most 16 assignments are kept";
            return Err(Error::Corrupt { what, at, rule });
        }
        let mut draw = Draw {
            lot: (lot < LOTS).then_some(Lot(lot)),
            ..Draw::default()
        };
        for _ in 0..count {
            let (experiment, variation) = (reader.u32()?, reader.u32()?);
            if draw.find(experiment).is_some() {
                let rule = "an experiment has one assignment";
                return Err(Error::Corrupt { what, at, rule });
            }
            draw.kept.push(Kept { experiment, variation });
        }
        Ok(draw)
    }
}
