//! Aggregates: what is left of events that a profile has no room for, by item and kind.
//!
//! Invariant: an aggregate tells its first and last day and how many events there were, and no other time.

use crate::event::{Event, EventKind, ItemHash, DAY};
use serde::Serialize;

/// The most events that an aggregate counts.
pub const MAX_COUNT: u32 = 1 << COUNT_BITS;
/// The most days from an aggregate's first event to its last.
pub const MAX_SPAN: u32 = (1 << (16 - COUNT_BITS)) - 1;
const COUNT_BITS: u32 = 6;

/// Events of one kind with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Aggregate {
    /// The item.
    pub item: ItemHash,
    /// What.
    pub kind: EventKind,
    /// Day of the first event, since 1970-01-01 UTC; at most [`MAX_SPAN`] before the last.
    pub first: u32,
    /// Day of the last event, likewise. The aggregate decays by it.
    pub last: u32,
    /// How many events, from 1 to [`MAX_COUNT`].
    pub count: u32,
}

impl Aggregate {
    /// Of one event.
    pub(crate) fn of(event: Event) -> Self {
        let day = event.at / DAY;
        Aggregate {
            item: event.item,
            kind: event.kind,
            first: day,
            last: day,
            count: 1,
        }
    }

    /// Of an event whose time is, from the highest bit on: the last day in 16 bits, the days from the first to it in 10, and the count less 1 in 6.
    pub(crate) fn from_row(row: Event) -> Self {
        let last = row.at >> 16;
        Aggregate {
            item: row.item,
            kind: row.kind,
            first: last.saturating_sub(row.at >> COUNT_BITS & MAX_SPAN),
            last,
            count: row.at % MAX_COUNT + 1,
        }
    }

    /// That event.
    pub(crate) fn row(self) -> Event {
        let span = self.last.saturating_sub(self.first).min(MAX_SPAN);
        let more = self.count.min(MAX_COUNT).saturating_sub(1);
        Event {
            item: self.item,
            kind: self.kind,
            at: self.last << 16 | span << COUNT_BITS | more,
        }
    }

    /// Adds those of another of the same item and kind.
    pub(crate) fn take_in(&mut self, other: Aggregate) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count += other.count;
    }

    /// With what another has of the same item and kind, which may be of the same events: the greater count, unless they have no day in common, so
    /// that nothing is counted twice. To join once more what was joined changes nothing.
    pub(crate) fn join(self, other: Aggregate) -> Self {
        let mut joined = self;
        joined.take_in(other);
        let is_apart = self.last < other.first || other.last < self.first;
        // Of more days than an aggregate tells it could not be seen again that they were apart.
        if !is_apart || joined.last - joined.first > MAX_SPAN {
            joined.count = self.count.max(other.count);
        }
        joined
    }

    /// Without what was before a day that is not after the last, as if its events were equally far apart. The first that stays gives the first day:
    /// so an aggregate that is read every day loses what one loses that is read once.
    pub(crate) fn since(self, day: u32) -> Self {
        if self.first >= day {
            return self;
        }
        let (days, gaps) = (self.last - self.first, self.count - 1);
        let gone = ((day - self.first) * gaps).div_ceil(days.max(1));
        let first = self.first + (gone * days + gaps / 2) / gaps.max(1);
        Aggregate {
            // Where bytes from outside have one event on two days.
            first: first.max(day),
            count: self.count - gone,
            ..self
        }
    }
}
