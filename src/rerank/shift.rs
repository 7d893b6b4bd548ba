//! What rules do to a slate: lifted scores before it is chosen, pinned places after.

use super::{Candidates, Options, Ranked, Ranker};

/// What rules do to a slate, in rows of the ranker's snapshot; numbers as they cross from the build that decides, little-endian.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shifts<'a> {
    /// By how much of the range of scores each candidate is lifted, `f32`, if any is; without end below 0 leaves out.
    pub(crate) lifts: &'a [[u8; 4]],
    /// Rows and the places that they come to, `u32`, one after the other.
    pub(crate) pins: &'a [[[u8; 4]; 2]],
}

impl<B: AsRef<[u8]>> Ranker<B> {
    /// Lifts each score by so much of their range.
    pub(super) fn lift(&mut self, lifts: &[[u8; 4]]) {
        let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
        for score in &self.scores {
            if *score < least {
                least = *score;
            }
            if *score > most {
                most = *score;
            }
        }
        let range = if most > least { most - least } else { 1.0 };
        for (score, lift) in self.scores.iter_mut().zip(lifts) {
            let lift = f32::from_le_bytes(*lift);
            if lift.is_nan() {
                return;
            }
            *score += lift * range;
        }
    }

    /// Puts a candidate to its place in the slate, if it is one that the options allow; to none by `u32::MAX`. Whether it is.
    pub(super) fn pin(&mut self, candidates: &Candidates, options: &Options, row: u32, place: u32) -> bool {
        let Some(at) = candidates.rows.iter().position(|known| *known == row) else {
            return false;
        };
        let index = at as u32;
        if self.left_out(candidates, index, options) {
            return false;
        }
        let found = self.slate.iter().position(|ranked| ranked.index == index);
        let mut from = found.unwrap_or(self.slate.len());
        if found.is_none() {
            let score = self.scores.get(at).copied().unwrap_or_default();
            self.slate.push(Ranked { index, row, score });
        }
        // There by swaps: the list's own `remove` and `insert` are more code.
        let to = (place as usize).min(self.slate.len().saturating_sub(1));
        while from != to {
            let next = if from < to { from + 1 } else { from - 1 };
            if let Some([one, other]) = self.slate.get_mut(from.min(next)..=from.max(next)) {
                std::mem::swap(one, other);
            }
            from = next;
        }
        if place == u32::MAX {
            self.slate.pop();
        }
        self.slate.truncate(options.count);
        true
    }
}
