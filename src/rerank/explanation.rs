//! Why a candidate has its score. Invariant: the parts, added one after another, give the score bit for bit.

use super::Ranker;
use crate::event::{EventKind, ItemHash};
use crate::score::{Scorer, PART_NAMES};
use serde::Serialize;
use std::collections::BinaryHeap;

/// One part of a score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// One of [`PART_NAMES`].
    pub name: &'static str,
    /// What it adds.
    pub value: f32,
}

/// An item of the history that speaks for a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Because {
    /// The item.
    pub item: ItemHash,
    /// What the visitor last did with it.
    pub kind: EventKind,
    /// Its share in the part `neighbours`, 0 to 1.
    pub share: f32,
}

/// Why a candidate has its score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The score, as in the slate.
    pub score: f32,
    /// Its parts; added one after another they give the score, bit for bit.
    pub parts: Vec<Part>,
    /// The items of the history behind the part `neighbours`, the strongest first.
    pub because: Vec<Because>,
}

impl<B: AsRef<[u8]>> Ranker<B> {
    /// Why an item has its score for the current profile.
    pub fn explain(&self, row: u32) -> Explanation {
        self.explain_by(row, self.neighbours.contributions(&self.snapshot, &self.history, row))
    }

    /// [`Ranker::explain`] of some rows; what the history says is read once for all of them.
    pub fn explain_all(&self, rows: &[u32]) -> Vec<Explanation> {
        let mut found = vec![vec![]; rows.len()];
        let take = |at: usize, position: usize, sum: i64| {
            if let Some(found) = found.get_mut(at) {
                found.push((position, sum));
            }
        };
        self.neighbours.contribute(&self.snapshot, &self.history, rows, take);
        let explain = |(row, found): (&u32, Vec<_>)| self.explain_by(*row, found.into_iter());
        rows.iter().zip(found).map(explain).collect()
    }

    fn explain_by(&self, row: u32, found: impl Iterator<Item = (usize, i64)>) -> Explanation {
        let mut names = PART_NAMES.into_iter();
        let mut parts = Vec::with_capacity(PART_NAMES.len());
        let mut score = 0.0;
        let mut take = |value: f32| {
            score += value;
            parts.extend(names.next().map(|name| Part { name, value }));
        };
        self.neighbours.parts(&self.snapshot, &self.history, row, &mut take);
        self.factors.parts(&self.snapshot, &self.history, row, &mut take);
        self.content.parts(&self.snapshot, &self.history, row, &mut take);
        self.affinity.parts(&self.snapshot, &self.history, row, &mut take);
        self.prior.parts(&self.snapshot, &self.history, row, &mut take);
        Explanation {
            score,
            parts,
            because: self.because(found),
        }
    }

    fn because(&self, found: impl Iterator<Item = (usize, i64)>) -> Vec<Because> {
        // The largest first, ties by position; sums stay below 2^43, positions below 2^9.
        const ABOVE: u64 = 1 << 44;
        let found = found.filter(|(_, sum)| *sum > 0);
        let key = |(position, sum): (usize, i64)| ABOVE.saturating_sub(sum as u64) << 9 | position as u64;
        // By the heap that ranks as well: a sort of its own takes 1 KB of the wasm.
        let keys = BinaryHeap::from_iter(found.map(key)).into_sorted_vec();
        let sum = |key: u64| ABOVE - (key >> 9);
        let total: u64 = keys.iter().copied().map(sum).sum();
        let because = |key: u64| {
            let item = self.history.items().get((key & 0x1ff) as usize)?;
            Some(Because {
                item: item.item,
                kind: item.kind,
                share: sum(key) as f32 / total as f32,
            })
        };
        keys.into_iter().filter_map(because).collect()
    }
}
