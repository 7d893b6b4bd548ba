//! Neighbours: what goes with the items of the history, and those items themselves.
//!
//! The history's rows are summed in whole numbers, exactly and in any order, into a small hash table of the rows that
//! they touch: the work and the memory depend on the history, not on the catalogue.

use super::Scorer;
use crate::history::History;
use crate::list::List;
use crate::snapshot::{BlendRow, Snapshot, NO_ROW};

/// Sums by row, open addressing with linear probing; at most half full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    /// [`NO_ROW`] marks a free slot. The length is a power of two.
    rows: Vec<u32>,
    /// A bit for each of eight times as many hashes as there are slots: 0 where no row has the hash. Most candidates have no part, and
    /// this tells so without a guess that the processor would get wrong.
    seen: Vec<u32>,
    sums: Vec<i64>,
    /// The part of the row: neighbours' and repeat's, added.
    parts: Vec<f32>,
    /// What one unit of a sum is worth.
    unit: f32,
    /// What one unit of a history weight is worth for the item itself.
    repeat: f32,
}

impl Neighbours {
    /// The part of a row.
    #[inline(always)]
    fn part(&self, row: u32) -> f32 {
        let (word, bit) = self.bit(row);
        if self.seen.get(word).is_none_or(|word| word & bit == 0) {
            return 0.0;
        }
        self.parts.get(self.slot(row)).copied().unwrap_or_default()
    }

    /// Where [`Neighbours::seen`] has the row's hash.
    #[inline(always)]
    fn bit(&self, row: u32) -> (usize, u32) {
        let hash = hash(row);
        ((hash >> 5) as usize & self.seen.len().wrapping_sub(1), 1 << (hash & 31))
    }

    /// The slot of a row, or the free one where it would be. Ends, because half of the slots are free.
    #[inline(always)]
    fn slot(&self, row: u32) -> usize {
        let mask = self.rows.len().wrapping_sub(1);
        let mut slot = hash(row) as usize & mask;
        loop {
            match self.rows.get(slot) {
                Some(found) if *found != row && *found != NO_ROW => slot = (slot + 1) & mask,
                _ => return slot,
            }
        }
    }

    fn add_to(&mut self, row: u32, weight: i64) {
        let slot = self.slot(row);
        if let (Some(slot_row), Some(sum)) = (self.rows.get_mut(slot), self.sums.get_mut(slot)) {
            *slot_row = row;
            *sum += weight;
        }
        let (word, bit) = self.bit(row);
        if let Some(word) = self.seen.get_mut(word) {
            *word |= bit;
        }
    }

    /// Empties the table and makes room for that many rows.
    fn reset(&mut self, rows: usize) {
        let slots = (2 * rows).next_power_of_two().max(16);
        self.rows.clear();
        self.rows.resize(slots, NO_ROW);
        self.seen.clear();
        self.seen.resize(slots / 4, 0);
        self.sums.clear();
        self.sums.resize(slots, 0);
        self.parts.clear();
        self.parts.resize(slots, 0.0);
    }

    /// The rows that have a part, in no order.
    pub(crate) fn reached(&self) -> impl Iterator<Item = u32> + '_ {
        self.rows.iter().copied().filter(|row| *row != NO_ROW)
    }

    /// The share of each history item in a row's neighbours' sum: positions in the history with whole-number contributions.
    pub(crate) fn contributions<'a, B: AsRef<[u8]>>(
        snapshot: &'a Snapshot<B>,
        history: &'a History,
        row: u32,
    ) -> impl Iterator<Item = (usize, i64)> + 'a {
        let table = snapshot.neighbours();
        history.items().iter().enumerate().filter_map(move |(position, item)| {
            let neighbours = table?.row(item.row)?;
            let level = neighbours.level(row);
            (level > 0).then_some((position, contribution(item.weight, neighbours.scale, level)))
        })
    }
}

/// Bits of a row in no order.
#[inline(always)]
fn hash(row: u32) -> u32 {
    row.wrapping_mul(0x9e37_79b1) >> 7
}

/// Within ±2^43, so that sums over 256 events stay below 2^53 and are exact in a double as well.
#[inline(always)]
fn contribution(weight: i32, scale: u16, level: u16) -> i64 {
    i64::from(weight) * i64::from(scale) * i64::from(level)
}

impl Scorer for Neighbours {
    fn prepare<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, history: &History, weights: &BlendRow) {
        let table = snapshot.neighbours();
        let rows = |row| table.and_then(|table| table.row(row));
        let known = || history.items().iter().filter(|item| item.row != NO_ROW);
        self.reset(known().map(|item| 1 + rows(item.row).map_or(0, |row| row.len())).sum());
        for item in known() {
            self.add_to(item.row, 0);
            if let Some(row) = rows(item.row) {
                row.for_each(|target, level| self.add_to(target, contribution(item.weight, row.scale, level)));
            }
        }
        self.unit = snapshot.blend().neighbour_unit * history.share() * weights.neighbours;
        self.repeat = history.share() * weights.repeat;
        for (part, sum) in self.parts.iter_mut().zip(&self.sums) {
            *part = *sum as f32 * self.unit;
        }
        for item in known() {
            let slot = self.slot(item.row);
            if let Some(part) = self.parts.get_mut(slot) {
                *part += item.repeat as f32 * self.repeat;
            }
        }
    }

    fn add(&mut self, list: &List, scores: &mut [f32]) {
        if self.parts.iter().all(|part| *part == 0.0) {
            return;
        }
        for (score, row) in scores.iter_mut().zip(&list.rows) {
            *score += self.part(*row);
        }
    }

    fn parts<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, history: &History, row: u32, take: &mut impl FnMut(f32)) {
        let sum: i64 = Self::contributions(snapshot, history, row).map(|(_, sum)| sum).sum();
        take(sum as f32 * self.unit);
        let own = history.items().iter().find(|item| item.row == row && row != NO_ROW);
        take(own.map_or(0.0, |item| item.repeat as f32 * self.repeat));
    }
}
