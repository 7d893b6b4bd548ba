//! The visitor's own signals: a bounded list of events that never leaves the device.
//!
//! Invariant: events are in the order of their time, at most [`MAX_EVENTS`] of them (impressions fall out first, then the oldest), and both
//! writing and reading back take a [`Grant`]. The encoding is all there is: equal encodings rank alike.
//!
//! Encoded form, little-endian: `PKPR`, version `u16`, count `u16`, then per event item `u64`, time `u32`, kind `u8`; from version 2 on
//! the lot and its assignments; and the first 8 bytes of the SHA-256 of all before. Without a lot it is written in version 1.

use crate::bytes::{sha256, short, u16_at, Reader};
use crate::consent::Grant;
use crate::error::{Error, Result};
use crate::event::{Event, EventKind, ItemHash};
use crate::lot::{Draw, Lot};
use tinyvec::ArrayVec;

/// The most events that a profile holds.
pub const MAX_EVENTS: usize = 256;
/// The newest version of the encoding.
pub const PROFILE_VERSION: u16 = 2;
const MAGIC: [u8; 4] = *b"PKPR";
const EVENT_BYTES: usize = 13;
const CHECK_BYTES: usize = 8;

/// The visitor's events, oldest first. The empty profile ([`Profile::default`]) is the contextual visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    events: ArrayVec<[Event; MAX_EVENTS]>,
    draw: Draw,
}

impl Default for Profile {
    fn default() -> Self {
        Profile {
            events: ArrayVec::new(),
            draw: Draw::default(),
        }
    }
}

impl Profile {
    /// Takes an event in, after all that are not newer. When full, the oldest impression falls out, or the oldest event where there
    /// is none: what was merely shown must not push out what was wanted.
    pub fn record(&mut self, _grant: &Grant, event: Event) {
        if self.events.len() == MAX_EVENTS {
            let impression = self.events.iter().position(|e| e.kind == EventKind::ViewItemList);
            match impression {
                Some(at) => self.remove(at),
                None if event.kind == EventKind::ViewItemList => return,
                None if self.events.first().is_some_and(|oldest| event.at < oldest.at) => return,
                None => self.remove(0),
            }
        }
        // In by swaps from the end, where it nearly always stays.
        self.events.push(event);
        for at in (1..self.events.len()).rev() {
            match self.events.get_mut(at - 1..=at) {
                Some([before, new]) if before.at > new.at => std::mem::swap(before, new),
                _ => break,
            }
        }
    }

    /// Takes an event out. (The list's own `remove` and `insert` rotate, which takes 1 KB of the wasm.)
    fn remove(&mut self, at: usize) {
        let rest = self.events.get_mut(at..).unwrap_or_default();
        if !rest.is_empty() {
            rest.copy_within(1.., 0);
            self.events.pop();
        }
    }

    /// The events, oldest first.
    pub fn events(&self) -> &[Event] {
        self.events.as_slice()
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

    /// The encoded form, for storage on the device.
    pub fn encode(&self, _grant: &Grant) -> Vec<u8> {
        let draw = self.draw.bytes();
        let mut out = Vec::with_capacity(8 + self.events.len() * EVENT_BYTES + draw.len() + CHECK_BYTES);
        let version = if draw.is_empty() { 1 } else { PROFILE_VERSION };
        out.extend(MAGIC);
        out.extend(version.to_le_bytes());
        out.extend((self.events.len() as u16).to_le_bytes());
        for event in &self.events {
            out.extend(event.item.0.to_le_bytes());
            out.extend(event.at.to_le_bytes());
            out.push(event.kind as u8);
        }
        out.extend(draw);
        let check: [u8; CHECK_BYTES] = short(&sha256(&[&out]));
        out.extend(check);
        out
    }

    /// Reads the encoded form back.
    ///
    /// # Errors
    /// What is wrong with the bytes: magic, version, length, checksum, order or kind.
    pub fn decode(_grant: &Grant, bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("profile", bytes);
        let got = reader.array()?;
        if got != MAGIC {
            return Err(Error::Magic {
                what: "profile",
                expected: MAGIC,
                got,
            });
        }
        let [v0, v1, c0, c1] = reader.array()?;
        let version = u16::from_le_bytes([v0, v1]);
        if version == 0 || version > PROFILE_VERSION {
            return Err(Error::Version {
                what: "profile",
                newest: PROFILE_VERSION,
                got: version,
            });
        }
        let count = usize::from(u16::from_le_bytes([c0, c1]));
        if count > MAX_EVENTS {
            return Err(Error::Limit {
                what: "profile events",
                max: MAX_EVENTS,
                got: count,
            });
        }
        let mut profile = Profile::default();
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
            if event.at < newest {
                return Err(Error::Corrupt {
                    what: "profile",
                    at,
                    rule: "events are in the order of their time",
                });
            }
            newest = event.at;
            profile.events.push(event);
        }
        let at = reader.at();
        let draw = reader.until(CHECK_BYTES);
        if !profile.draw.set(draw) || version == 1 && !draw.is_empty() {
            return Err(Draw::wrong("profile", at));
        }
        let covered = bytes.get(..reader.at()).unwrap_or_default();
        let expected: [u8; CHECK_BYTES] = reader.array()?;
        let got = short(&sha256(&[covered]));
        if expected != got {
            return Err(Error::Checksum {
                what: "profile",
                expected,
                got,
            });
        }
        Ok(profile)
    }

    /// A profile of events that are in order already, the newest [`MAX_EVENTS`] of them.
    pub(crate) fn from_ordered(events: impl Iterator<Item = Event>) -> Self {
        let mut profile = Profile::default();
        profile.events.extend(events.take(MAX_EVENTS));
        profile
    }
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
pub(crate) mod tests {
    use super::*;
    use crate::consent::{Choice, Consent, Mode, Signals};
    use crate::lot::{Kept, LOTS};
    use proptest::prelude::*;

    pub(crate) fn consent() -> Consent {
        let choice = Some(Choice {
            mode: Mode::Persistent,
            capsule: true,
        });
        Consent::decide(&Signals {
            choice,
            ..Signals::default()
        })
    }

    pub(crate) fn events(max: usize) -> impl Strategy<Value = Vec<Event>> {
        let event = (any::<u64>(), any::<u32>(), 0..9u8).prop_map(|(item, at, kind)| Event {
            item: ItemHash(item),
            at,
            kind: EventKind::from_number(kind).unwrap(),
        });
        proptest::collection::vec(event, 0..max)
    }

    pub(crate) fn profile(events: &[Event]) -> Profile {
        let grant = consent().grant().unwrap();
        let mut profile = Profile::default();
        events.iter().for_each(|event| profile.record(&grant, *event));
        profile
    }

    pub(crate) fn kept() -> impl Strategy<Value = Vec<(u32, u32)>> {
        proptest::collection::vec((0..30u32, any::<u32>()), 0..40)
    }

    pub(crate) fn drawn(seed: Option<u32>, kept: &[(u32, u32)]) -> Draw {
        let Some(seed) = seed else { return Draw::default() };
        let mut draw = Draw::new(seed);
        for (experiment, variation) in kept.iter().copied() {
            draw.keep(Kept { experiment, variation });
        }
        draw
    }

    proptest! {
        #[test]
        fn decode_inverts_encode(events in events(300), seed in proptest::option::of(any::<u32>()), kept in kept()) {
            let grant = consent().grant().unwrap();
            let mut profile = profile(&events);
            profile.draw = drawn(seed, &kept);
            prop_assert_eq!(profile.encode(&grant)[4], 1 + u8::from(seed.is_some()));
            prop_assert_eq!(profile.events().len(), events.len().min(MAX_EVENTS));
            prop_assert!(profile.events().windows(2).all(|w| w[0].at <= w[1].at));
            prop_assert_eq!(Profile::decode(&grant, &profile.encode(&grant)).unwrap(), profile);
        }

        #[test]
        fn damage_is_an_error(
            events in events(40),
            seed in proptest::option::of(any::<u32>()),
            kept in kept(),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let grant = consent().grant().unwrap();
            let mut profile = profile(&events);
            profile.draw = drawn(seed, &kept);
            let bytes = profile.encode(&grant);
            let at = at.index(bytes.len());
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(Profile::decode(&grant, &flipped).is_err());
            prop_assert!(Profile::decode(&grant, &bytes[..at]).is_err());
        }

        #[test]
        fn random_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Profile::decode(&consent().grant().unwrap(), &bytes).is_err());
        }
    }

    #[test]
    fn a_lot_has_twelve_bits_and_ends_with_the_profile() {
        let grant = consent().grant().unwrap();
        let mut profile = Profile::default();
        assert_eq!(profile.lot(), None);
        profile.draw_lot(&grant, 0xabcd_e123);
        assert_eq!(profile.lot().map(Lot::number), Some(0x123));
        profile.draw.keep(Kept {
            experiment: 1,
            variation: 2,
        });
        let kept = profile.drawn().to_vec();
        let mut again = Profile::default();
        again.keep_drawn(&grant, &kept).unwrap();
        assert_eq!(again, Profile::default(), "of another lot");
        again.draw_lot(&grant, 0x123);
        again.keep_drawn(&grant, &kept).unwrap();
        assert_eq!(again, profile);
        assert!(again.keep_drawn(&grant, &kept[..10]).is_err() && again == profile);
        again.keep_drawn(&grant, &[0x23, 1, 0]).unwrap();
        profile.draw_lot(&grant, 0x123);
        assert_eq!(again, profile, "what is kept no more is nowhere");
        profile.draw_lot(&grant, u32::MAX);
        assert_eq!(profile.lot().map(Lot::number), Some(LOTS - 1));
        assert_eq!(profile.draw.kept().count(), 0);
        profile.erase();
        assert_eq!(profile, Profile::default());
    }

    #[test]
    fn a_full_profile_forgets_its_oldest() {
        let many: Vec<Event> = (0..MAX_EVENTS as u32 + 5)
            .map(|at| Event { at, ..Event::default() })
            .collect();
        let profile = profile(&many);
        assert_eq!(profile.events().first().unwrap().at, 5);
        assert_eq!(profile.events().len(), MAX_EVENTS);
    }

    #[test]
    fn impressions_do_not_push_out_what_was_wanted() {
        let event = |at, kind| Event {
            at,
            kind,
            ..Event::default()
        };
        let mut many = vec![event(0, EventKind::Purchase)];
        many.extend((1..1_000).map(|at| event(at, EventKind::ViewItemList)));
        let profile = profile(&many);
        assert_eq!(profile.events().len(), MAX_EVENTS);
        assert_eq!(profile.events()[0], many[0]);
        assert_eq!(profile.events()[255], many[999]);
    }
}
