//! The history: a profile as scorers see it, computed once per change of the profile.
//!
//! Invariant: it is a function of the profile's events and aggregates, today's date and the snapshot's `blend` and index alone. Its
//! weights are whole numbers that do not depend on which items the snapshot knows, so that a slice ranks as the whole does.

use crate::event::{EventKind, ItemHash, DAY};
use crate::profile::{Profile, MAX_AGGREGATES, MAX_EVENTS};
use crate::snapshot::{factor, Snapshot, MAX_KIND, NO_ROW, ONCE};
use tinyvec::ArrayVec;

/// Bits that a kind's weight (8 fractional), a factor by number of events (12), a recency and a decay factor (15 each) have
/// over a history weight (13).
///
/// All sums are exact, in an `i64` and in a double. The kinds of at most 256 events and 256 aggregates of 64 each sum to less than 2^26, times a factor
/// below 2^16 that is 2^42; clamped to 2047 × 2^12 and times 2^15 twice, below 2^53; shifted, a weight is below 2^16. Times a
/// scale below 2^16 and a level below 2^11 it is a contribution below 2^43, and 512 of those sum to less than 2^52.
const SHIFT: u32 = 8 + 12 + 15 + 15 - 13;
/// A history weight of 1.0: one view of today.
pub(crate) const WEIGHT: f64 = (1u32 << 13) as f64;
/// The most distinct items.
const MAX_ITEMS: usize = MAX_EVENTS + MAX_AGGREGATES;
/// The largest weight of an item's events together.
const MAX_KINDS: i64 = MAX_KIND as i64 * ONCE as i64;

/// One distinct item of the history.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HistoryItem {
    pub(crate) item: ItemHash,
    /// [`NO_ROW`] where the snapshot does not know it.
    pub(crate) row: u32,
    /// Weight for what goes with the item, 13 fractional bits, within ±2^16; negative for what was taken back.
    pub(crate) weight: i32,
    /// Weight for the item itself, likewise.
    pub(crate) repeat: i32,
    /// Kind of the newest event with the item.
    pub(crate) kind: EventKind,
    /// Day of that event.
    day: u32,
    /// Sum of the weights of the kinds of all its events, 8 fractional bits.
    kinds: i32,
    /// Number of its events, from 1.
    events: u32,
}

impl HistoryItem {
    /// The weight by tables of factors, at a position in the history.
    #[inline(never)]
    fn weigh(&self, times: &[u16], recency: &[u16], position: usize, decay: u16) -> i32 {
        let times = factor(times, (self.events as usize).saturating_sub(1));
        let kinds = (i64::from(self.kinds) * i64::from(times)).div_euclid(i64::from(self.events.max(1)));
        let kinds = kinds.clamp(-MAX_KINDS, MAX_KINDS);
        ((kinds * i64::from(factor(recency, position)) * i64::from(decay)) >> SHIFT) as i32
    }
}

/// Distinct items, newest first, with their weights.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    items: ArrayVec<[HistoryItem; MAX_ITEMS]>,
    purchased: ArrayVec<[u32; MAX_ITEMS]>,
    /// A bit for each of 64 hashes: 0 where no purchased row has it.
    purchased_bits: u64,
    /// Sum of the absolute weights, as a float; 0 for an empty history.
    norm: f32,
    /// Today, days since 1970-01-01 UTC.
    pub(crate) today: u32,
}

impl History {
    /// Weighs the profile's events and aggregates as of `now` (seconds since 1970-01-01 UTC).
    pub(crate) fn set<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, profile: &Profile, now: u32) {
        let blend = snapshot.blend();
        self.today = now / DAY;
        self.items.clear();
        self.purchased.clear();
        self.purchased_bits = 0;
        for event in profile.events().iter().rev() {
            self.meet(snapshot, event.item, event.kind, event.at / DAY, 1);
        }
        for aggregate in profile.aggregates().rev() {
            self.meet(
                snapshot,
                aggregate.item,
                aggregate.kind,
                aggregate.last,
                aggregate.count,
            );
        }
        let row = blend.row(self.items.len());
        let mut sum = 0i64;
        for (position, item) in self.items.iter_mut().enumerate() {
            let decay = factor(&blend.decay, self.today.saturating_sub(item.day) as usize);
            item.weight = item.weigh(&blend.times, &row.recency, position, decay);
            item.repeat = item.weigh(&blend.repeat_times, &row.repeat_recency, position, decay);
            sum += i64::from(item.weight.abs());
        }
        self.norm = sum as f32;
    }

    /// Takes in so many events of a kind with an item, the newest on a day; none is newer than what was met before.
    #[inline(never)]
    fn meet<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, item: ItemHash, kind: EventKind, day: u32, count: u32) {
        if kind == EventKind::Purchase {
            if let Some(row) = snapshot.row(item) {
                if self.purchased.binary_search(&row).is_err() {
                    self.insert_purchased(row);
                }
            }
        }
        let weight = snapshot.blend().kinds.get(kind as usize).copied().unwrap_or_default();
        if weight == 0 {
            return;
        }
        let kinds = i32::from(weight) * count as i32;
        match self.items.iter_mut().find(|known| known.item == item) {
            Some(known) => {
                known.kinds += kinds;
                known.events += count;
            }
            None => self.items.push(HistoryItem {
                item,
                row: snapshot.row(item).unwrap_or(NO_ROW),
                weight: 0,
                repeat: 0,
                kind,
                day,
                kinds,
                events: count,
            }),
        }
    }

    /// Takes in a row where the order wants it.
    #[inline(never)]
    fn insert_purchased(&mut self, row: u32) {
        self.purchased_bits |= bit(row);
        self.purchased.push(row);
        for at in (1..self.purchased.len()).rev() {
            match self.purchased.get_mut(at - 1..=at) {
                Some([before, new]) if *before > *new => std::mem::swap(before, new),
                _ => break,
            }
        }
    }

    /// The items, newest first.
    pub(crate) fn items(&self) -> &[HistoryItem] {
        self.items.as_slice()
    }

    /// What turns sums of weights into shares: 1 over the sum of all absolute weights, 0 for an empty history.
    pub(crate) fn share(&self) -> f32 {
        if self.norm > 0.0 {
            1.0 / self.norm
        } else {
            0.0
        }
    }

    /// Whether the visitor has bought the item.
    pub(crate) fn purchased(&self, row: u32) -> bool {
        self.purchased_bits & bit(row) != 0 && self.purchased.binary_search(&row).is_ok()
    }
}

/// One of 64 bits for a row.
#[inline(always)]
fn bit(row: u32) -> u64 {
    1 << (row.wrapping_mul(0x9e37_79b1) >> 26)
}
