//! Two profiles of one visitor, such as those of two devices, in one.
//!
//! Invariant: to take in once more what was taken in changes nothing, and nothing is counted twice: what may be the same is taken for the same. What
//! there is no room for is what falls out of a full profile anyway.

use super::{cut, put, Profile, Rows, DAY_SHIFT, MAX_EVENTS};
use crate::aggregate::Aggregate;
use crate::consent::Grant;
use crate::event::{Event, EventKind, DAY};

/// Whether a list has no room for a row: it is full of what comes before it, and what is as old stays.
fn is_beyond(list: &Rows, new: Event, shift: u32) -> bool {
    let key = |row: &Event| (row.kind != EventKind::ViewItemList, row.at >> shift);
    list.len() == MAX_EVENTS && list.iter().map(key).min() >= Some(key(&new))
}

/// The events of a list that another has not; of equal ones so many as it has fewer.
#[inline(never)]
fn without(list: &Rows, other: &Rows) -> Rows {
    let mut other = *other;
    let mut rest = Rows::new();
    for event in list {
        match other.iter().position(|known| known == event) {
            Some(at) => cut(&mut other, at, at + 1),
            None => rest.push(*event),
        }
    }
    rest
}

impl Profile {
    /// Takes in what another profile has of the same visitor, such as that of another device. Equal events are one, what there is no room for is
    /// folded, and what events or aggregates of the other may have counted already is not counted twice. So it changes nothing to take the same in once
    /// more. The lot stays once it has assigned something, else it is the other's, if that has one.
    pub fn merge(&mut self, _grant: &Grant, other: &Profile) {
        let (mut before, mut other) = (self.clone(), other.clone());
        for event in &without(&other.events, &self.events) {
            if !is_beyond(&self.events, *event, 0) {
                put(&mut self.events, *event, 0);
            }
        }
        for side in [&mut before, &mut other] {
            for event in &without(&side.events, &self.events) {
                side.fold(*event);
            }
            side.discount(&without(&self.events, &side.events));
        }
        self.folded = before.folded;
        // What both have comes first, before there may be no room for it.
        for is_known in [true, false] {
            other.folded.iter().for_each(|row| self.join(*row, is_known));
        }
        if self.draw.is_unused() && !other.drawn().is_empty() {
            self.draw = other.draw;
        }
    }

    /// Counts less what may be among events that were taken in.
    #[inline(never)]
    fn discount(&mut self, events: &Rows) {
        let mut rest = Rows::new();
        for aggregate in self.aggregates() {
            let days = aggregate.first..=aggregate.last;
            let is_in = |event: &&Event| {
                event.item == aggregate.item && event.kind == aggregate.kind && days.contains(&(event.at / DAY))
            };
            let known = events.iter().filter(is_in).count() as u32;
            if let Some(count @ 1..) = aggregate.count.checked_sub(known) {
                rest.push(Aggregate { count, ..aggregate }.row());
            }
        }
        self.folded = rest;
    }

    /// Takes in a row of another profile's aggregates, if there is one of that item and kind, or if there is none.
    #[inline(never)]
    fn join(&mut self, mut row: Event, is_known: bool) {
        let same = |known: &Event| known.item == row.item && known.kind == row.kind;
        let known = self.folded.iter().position(same);
        if known.is_some() != is_known {
            return;
        }
        if let Some(at) = known {
            let before = self.folded.get(at).copied().unwrap_or_default();
            row = Aggregate::from_row(before).join(Aggregate::from_row(row)).row();
            // What stays the same keeps its place.
            if row == before {
                return;
            }
            cut(&mut self.folded, at, at + 1);
        }
        if !is_beyond(&self.folded, row, DAY_SHIFT) {
            put(&mut self.folded, row, DAY_SHIFT);
        }
    }
}

#[cfg(test)]
#[path = "merge/tests.rs"]
mod tests;
