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
    /// The length is a power of two.
    slots: Vec<Slot>,
    /// Slots that are not free.
    rows: usize,
    /// A bit for each of eight times as many hashes as there are slots: 0 where no row has the hash. Most candidates have no part, and
    /// this tells so without a guess that the processor would get wrong.
    seen: Vec<u32>,
    /// What one unit of a sum is worth.
    unit: f32,
    /// What one unit of a history weight is worth for the item itself.
    repeat: f32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// [`NO_ROW`] marks a free slot.
    row: u32,
    /// The part of the item itself.
    repeat: f32,
    sum: i64,
}

const FREE: Slot = Slot {
    row: NO_ROW,
    repeat: 0.0,
    sum: 0,
};

impl Neighbours {
    /// The part of a row: neighbours' and repeat's, added.
    #[inline(always)]
    fn part(&self, row: u32) -> f32 {
        let (word, bit) = self.bit(row);
        if self.seen.get(word).is_none_or(|word| word & bit == 0) {
            return 0.0;
        }
        let slot = self.find(row);
        slot.sum as f32 * self.unit + slot.repeat
    }

    #[inline(always)]
    fn find(&self, row: u32) -> &Slot {
        self.slots.get(self.slot(row)).unwrap_or(&FREE)
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
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = hash(row) as usize & mask;
        loop {
            match self.slots.get(slot) {
                Some(found) if found.row != row && found.row != NO_ROW => slot = (slot + 1) & mask,
                _ => return slot,
            }
        }
    }

    #[inline(always)]
    fn add_to(&mut self, row: u32, weight: i64, repeat: f32) {
        let at = self.slot(row);
        let Some(slot) = self.slots.get_mut(at) else { return };
        let is_new = slot.row == NO_ROW;
        slot.row = row;
        slot.sum += weight;
        slot.repeat += repeat;
        if is_new {
            self.rows += 1;
            self.see(row);
            if 2 * self.rows > self.slots.len() {
                self.grow();
            }
        }
    }

    #[inline(always)]
    fn see(&mut self, row: u32) {
        let (word, bit) = self.bit(row);
        if let Some(word) = self.seen.get_mut(word) {
            *word |= bit;
        }
    }

    #[inline(never)]
    fn grow(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        self.reset(2 * slots.len());
        for slot in slots.into_iter().filter(|slot| slot.row != NO_ROW) {
            self.see(slot.row);
            let at = self.slot(slot.row);
            if let Some(to) = self.slots.get_mut(at) {
                *to = slot;
            }
        }
    }

    /// Empties the table and gives it that many slots.
    fn reset(&mut self, slots: usize) {
        self.slots.clear();
        self.slots.resize(slots, FREE);
        self.seen.clear();
        self.seen.resize(slots / 4, 0);
    }

    /// The rows that have a part, in no order.
    pub(crate) fn reached(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.iter().map(|slot| slot.row).filter(|row| *row != NO_ROW)
    }

    /// The share of each history item in a row's neighbours' sum: positions in the history with whole-number contributions. Nothing is
    /// decoded for a row that the history does not reach.
    pub(crate) fn contributions<'a, B: AsRef<[u8]>>(
        &self,
        snapshot: &'a Snapshot<B>,
        history: &'a History,
        row: u32,
    ) -> impl Iterator<Item = (usize, i64)> + 'a {
        let reached = self.find(row).row != NO_ROW;
        let table = snapshot.neighbours().filter(|_| reached);
        history.items().iter().enumerate().filter_map(move |(position, item)| {
            let neighbours = table?.row(item.row)?;
            let level = neighbours.level(row);
            (level > 0).then_some((position, contribution(item.weight, neighbours.scale, level)))
        })
    }

    /// [`Neighbours::contributions`] of some rows at once: hands out the place among `rows`, position and contribution, and decodes each row of
    /// the history once.
    pub(crate) fn contribute<B: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        history: &History,
        rows: &[u32],
        mut take: impl FnMut(usize, usize, i64),
    ) {
        let reached = |(row, _): &(u32, usize)| self.find(*row).row != NO_ROW;
        let mut wanted: Vec<(u32, usize)> = rows.iter().copied().zip(0..).filter(reached).collect();
        wanted.sort_unstable();
        let Some(table) = snapshot.neighbours().filter(|_| !wanted.is_empty()) else {
            return;
        };
        for (position, item) in history.items().iter().enumerate() {
            let Some(neighbours) = table.row(item.row) else {
                continue;
            };
            // Both ascend.
            let mut rest = wanted.as_slice();
            neighbours.for_each(|target, level| {
                while let Some((&(row, place), behind)) = rest.split_first().filter(|((row, _), _)| *row <= target) {
                    if row == target && level > 0 {
                        take(place, position, contribution(item.weight, neighbours.scale, level));
                    }
                    rest = behind;
                }
            });
        }
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
        let [neighbours, repeat, ..] = *snapshot.scales().get();
        self.unit = snapshot.blend().neighbour_unit * history.share() * (weights.neighbours * neighbours);
        self.repeat = history.share() * (weights.repeat * repeat);
        // As many as last time, for one event more changes little: small, so that it stays near the processor, and seldom to grow.
        self.reset((2 * self.rows).next_power_of_two().max(16));
        self.rows = 0;
        for item in known() {
            self.add_to(item.row, 0, item.repeat as f32 * self.repeat);
            if let Some(row) = rows(item.row) {
                row.for_each(|target, level| self.add_to(target, contribution(item.weight, row.scale, level), 0.0));
            }
        }
    }

    fn add(&mut self, list: &List, scores: &mut [f32]) {
        if self.unit == 0.0 && self.repeat == 0.0 {
            return;
        }
        for (score, row) in scores.iter_mut().zip(&list.rows) {
            *score += self.part(*row);
        }
    }

    fn parts<B: AsRef<[u8]>>(&self, _snapshot: &Snapshot<B>, history: &History, row: u32, take: &mut impl FnMut(f32)) {
        take(self.find(row).sum as f32 * self.unit);
        let own = history.items().iter().find(|item| item.row == row && row != NO_ROW);
        take(own.map_or(0.0, |item| item.repeat as f32 * self.repeat));
    }
}
