//! The visitor's own signals: a bounded list of events that never leaves the device, and counts of those before them.
//!
//! Invariant: events are in the order of their time, at most [`MAX_EVENTS`] of them (impressions fall out first, then the oldest is folded into
//! the aggregate of its item and kind), aggregates in the order of their last day, at most [`MAX_AGGREGATES`], and both writing and reading
//! back take a [`Grant`]. The encoding is all there is: equal encodings rank alike.
//!
//! Encoded form, little-endian: `PKPR`, version `u16`, count `u16`, then per event item `u64`, time `u32`, kind `u8`; from version 3 on
//! count `u16` and aggregates, as `aggregate` has them; from version 2 on the lot and its assignments; and the first 8 bytes of the SHA-256 of
//! all before. It is written in the oldest version that holds it.

mod merge;

use crate::aggregate::Aggregate;
use crate::bytes::{same, sha256, short, u16_at, Reader};
use crate::consent::Grant;
use crate::error::{Error, Result};
use crate::event::{Event, EventKind, ItemHash, DAY};
use crate::lot::{Draw, Lot};
use tinyvec::ArrayVec;

/// The most events that a profile holds.
pub const MAX_EVENTS: usize = 256;
/// The most aggregates that a profile holds.
pub const MAX_AGGREGATES: usize = MAX_EVENTS;
/// For how many days hosts keep what the visitor did, where the shop says nothing shorter.
pub const RETENTION_DAYS: u32 = 365;
/// The newest version of the encoding.
pub const PROFILE_VERSION: u16 = 3;
const MAGIC: [u8; 4] = *b"PKPR";
const EVENT_BYTES: usize = 13;
const CHECK_BYTES: usize = 8;
/// By how many bits the time of an aggregate's row is more than its day.
const DAY_SHIFT: u32 = 16;

/// Events, or aggregates in rows of the same form.
type Rows = ArrayVec<[Event; MAX_EVENTS]>;

/// The visitor's events, oldest first. The empty profile ([`Profile::default`]) is the contextual visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    events: Rows,
    folded: Rows,
    draw: Draw,
}

impl Default for Profile {
    fn default() -> Self {
        Profile {
            events: Rows::new(),
            folded: Rows::new(),
            draw: Draw::default(),
        }
    }
}

/// Puts a row behind all that are not newer, times shifted so. Where the list is full the oldest impression falls out, or the oldest row where
/// there is none, which may be the new one: what was merely shown must not push out what was wanted.
#[inline(never)]
fn put(list: &mut Rows, new: Event, shift: u32) -> Option<Event> {
    let mut out = None;
    if list.len() == MAX_EVENTS {
        let impression = list.iter().position(|row| row.kind == EventKind::ViewItemList);
        let is_oldest = || list.first().is_some_and(|oldest| new.at >> shift < oldest.at >> shift);
        if impression.is_none() && (new.kind == EventKind::ViewItemList || is_oldest()) {
            return Some(new);
        }
        out = take(list, impression.unwrap_or_default());
    }
    // In by swaps from the end, where it nearly always stays.
    list.push(new);
    for at in (1..list.len()).rev() {
        match list.get_mut(at - 1..=at) {
            Some([before, new]) if before.at >> shift > new.at >> shift => std::mem::swap(before, new),
            _ => break,
        }
    }
    out
}

/// Takes a row out. (The list's own `remove` and `insert` rotate, which takes 1 KB of the wasm.)
fn take(list: &mut Rows, at: usize) -> Option<Event> {
    let taken = list.get(at).copied();
    cut(list, at, at + 1);
    taken
}

/// Takes the rows of a range out.
#[inline(never)]
fn cut(list: &mut Rows, from: usize, to: usize) {
    if from < to && to <= list.len() {
        list.copy_within(to.., from);
        list.truncate(list.len() - (to - from));
    }
}

impl Profile {
    /// Takes an event in, after all that are not newer. When full, the oldest impression falls out; where there is none the oldest event is
    /// folded into an aggregate.
    pub fn record(&mut self, _grant: &Grant, event: Event) {
        if let Some(oldest) = put(&mut self.events, event, 0) {
            self.fold(oldest);
        }
    }

    /// Counts an event with those before it of its item and kind; an impression is not worth it. When full, the aggregate that ended first falls out.
    fn fold(&mut self, event: Event) {
        if event.kind == EventKind::ViewItemList {
            return;
        }
        let mut aggregate = Aggregate::of(event);
        let same = |row: &Event| row.item == event.item && row.kind == event.kind;
        let known = self.folded.iter().position(same);
        if let Some(before) = known.and_then(|at| take(&mut self.folded, at)) {
            aggregate.take_in(Aggregate::from_row(before));
        }
        put(&mut self.folded, aggregate.row(), DAY_SHIFT);
    }

    /// The events, oldest first.
    pub fn events(&self) -> &[Event] {
        self.events.as_slice()
    }

    /// What was folded, the aggregate that ended first at the front.
    pub fn aggregates(&self) -> impl DoubleEndedIterator<Item = Aggregate> + '_ {
        self.folded.iter().copied().map(Aggregate::from_row)
    }

    /// Forgets what was before a day (since 1970-01-01 UTC): events, aggregates that ended before, and of those that only began before as many
    /// events as their share of days.
    #[inline(never)]
    pub fn forget_before(&mut self, day: u32) {
        let old = |list: &Rows, unit: u32| list.iter().take_while(|row| row.at / unit < day).count();
        let (events, folded) = (old(&self.events, DAY), old(&self.folded, 1 << DAY_SHIFT));
        cut(&mut self.events, 0, events);
        cut(&mut self.folded, 0, folded);
        for row in &mut self.folded {
            *row = Aggregate::from_row(*row).since(day).row();
        }
    }

    /// Has what a clock that was wrong has put after `now` (seconds since 1970-01-01 UTC) be of now, so that it ages like the rest.
    #[inline(never)]
    pub fn end_by(&mut self, now: u32) {
        for event in &mut self.events {
            event.at = event.at.min(now);
        }
        let today = now / DAY;
        for row in &mut self.folded {
            let aggregate = Aggregate::from_row(*row);
            let (first, last) = (aggregate.first.min(today), aggregate.last.min(today));
            *row = Aggregate {
                first,
                last,
                ..aggregate
            }
            .row();
        }
    }

    /// Draws the number by which experiments assign, by a host's randomness, of which the low 12 bits count: when consent is given, and each
    /// time that it is renewed. What the number before it has assigned is forgotten.
    pub fn draw_lot(&mut self, _grant: &Grant, seed: u32) {
        self.draw = Draw::new(seed);
    }

    /// The number by which experiments assign, once it is drawn.
    pub fn lot(&self) -> Option<Lot> {
        self.draw.lot()
    }

    /// The lot and what it has assigned, encoded: what the build that decides takes and gives.
    /// Empty without a lot.
    pub fn drawn(&self) -> &[u8] {
        self.draw.bytes()
    }

    /// Keeps what the lot was assigned to since, as [`Profile::drawn`] encodes it; that of another lot changes nothing.
    ///
    /// # Errors
    /// Where it is not encoded so.
    pub fn keep_drawn(&mut self, _grant: &Grant, bytes: &[u8]) -> Result<()> {
        if u16_at(bytes, 0) == self.draw.lot().map(Lot::number) && !self.draw.set(bytes) {
            return Err(Draw::wrong("draw", 0));
        }
        Ok(())
    }

    pub(crate) fn draw(&self) -> &Draw {
        &self.draw
    }

    pub(crate) fn draw_mut(&mut self) -> &mut Draw {
        &mut self.draw
    }

    /// Forgets everything, the lot as well.
    pub fn erase(&mut self) {
        *self = Profile::default();
    }

    /// The encoded form without its check, for the visitor's own eyes and hands: [`Profile::restore`] reads it.
    pub fn held(&self) -> Vec<u8> {
        let draw = self.draw.bytes();
        let version = if !self.folded.is_empty() {
            PROFILE_VERSION
        } else if draw.is_empty() {
            1
        } else {
            2
        };
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(version.to_le_bytes());
        for list in [&self.events, &self.folded]
            .into_iter()
            .take(version.max(2) as usize - 1)
        {
            out.extend((list.len() as u16).to_le_bytes());
            for event in list {
                out.extend(event.item.0.to_le_bytes());
                out.extend(event.at.to_le_bytes());
                out.push(event.kind as u8);
            }
        }
        out.extend(draw);
        out
    }

    /// The encoded form, for storage on the device.
    pub fn encode(&self, _grant: &Grant) -> Vec<u8> {
        let mut out = self.held();
        let check: [u8; CHECK_BYTES] = short(&sha256(&[&out]));
        out.extend(check);
        out
    }

    /// Reads the encoded form back. Hosts then [forget](Profile::forget_before) what is older than they may keep.
    ///
    /// # Errors
    /// What is wrong with the bytes: magic, version, length, checksum, order or kind.
    pub fn decode(_grant: &Grant, bytes: &[u8]) -> Result<Self> {
        let mut profile = Profile::default();
        profile.read(bytes, CHECK_BYTES)?;
        Ok(profile)
    }

    /// Takes what [`Profile::held`] gave, such as what a visitor brings from another device.
    ///
    /// # Errors
    /// What is wrong with the bytes: magic, version, length, order or kind.
    pub fn restore(_grant: &Grant, bytes: &[u8]) -> Result<Self> {
        let mut profile = Profile::default();
        profile.read(bytes, 0)?;
        Ok(profile)
    }

    /// [`Profile::decode`] into the empty profile.
    #[cfg(feature = "slim")]
    pub(crate) fn fill(&mut self, _grant: &Grant, bytes: &[u8]) -> Result<()> {
        self.read(bytes, CHECK_BYTES)
    }

    /// Reads the encoded form, with a check of so many bytes, into the empty profile. (To hand profiles about is more code.)
    #[inline(never)]
    fn read(&mut self, bytes: &[u8], check: usize) -> Result<()> {
        let mut reader = Reader::new("profile", bytes);
        let version = reader.begin("profile", MAGIC, PROFILE_VERSION)?;
        read_rows(&mut reader, &mut self.events, 0)?;
        if version > 2 {
            read_rows(&mut reader, &mut self.folded, DAY_SHIFT)?;
        }
        let at = reader.at();
        let draw = reader.until(check);
        if !self.draw.set(draw) || version == 1 && !draw.is_empty() {
            return Err(Draw::wrong("profile", at));
        }
        let covered = bytes.get(..reader.at()).unwrap_or_default();
        same("profile", reader.take(check)?, &sha256(&[covered]))
    }

    /// A profile of events, and rows of aggregates, that are in order already, the first [`MAX_EVENTS`] of each.
    pub(crate) fn from_ordered(events: impl Iterator<Item = Event>, folded: impl Iterator<Item = Event>) -> Self {
        let mut profile = Profile::default();
        profile.events.extend(events.take(MAX_EVENTS));
        profile.folded.extend(folded.take(MAX_AGGREGATES));
        profile
    }
}

/// Reads a list: its length, and its rows, which are in the order of their times, shifted so.
#[inline(never)]
fn read_rows(reader: &mut Reader<'_>, list: &mut Rows, shift: u32) -> Result<()> {
    let count = usize::from(reader.u16()?);
    if count > MAX_EVENTS {
        return Err(Error::Limit {
            what: "profile events",
            max: MAX_EVENTS,
            got: count,
        });
    }
    let mut newest = 0;
    for _ in 0..count {
        let at = reader.at();
        // In one piece: each that may be missing is code of its own.
        let [item @ .., t0, t1, t2, t3, kind]: [u8; EVENT_BYTES] = reader.array()?;
        let event = Event {
            item: ItemHash(u64::from_le_bytes(item)),
            at: u32::from_le_bytes([t0, t1, t2, t3]),
            kind: read_kind(kind, at)?,
        };
        let time = event.at >> shift;
        if time < newest {
            return Err(Error::Corrupt {
                what: "profile",
                at,
                rule: "events are in the order of their time",
            });
        }
        newest = time;
        list.push(event);
    }
    Ok(())
}

/// The event kind of a number, which must be known, of the event that begins at `at`.
pub(crate) fn read_kind(number: u8, at: usize) -> Result<EventKind> {
    EventKind::from_number(number).ok_or(Error::Corrupt {
        what: "event kind",
        at,
        rule: "kinds are numbered 0 to 8",
    })
}

#[cfg(test)]
#[path = "profile/tests.rs"]
pub(crate) mod tests;
