//! The capsule: the last few events, small enough to go with the page request to the page's own edge.
//!
//! Invariant: at most [`MAX_CAPSULE`] characters, times by the day, made and read only under a [`CapsuleGrant`];
//! what is not a well-formed, unexpired capsule is an error, and the host then ranks contextually.
//!
//! Bytes before base64url (no padding), little-endian: version `u8`, mode `u8`, last day of validity `u16`, count `u8`,
//! then per event item `u64`, day `u16`, kind `u8`, oldest first; from version 2 on the lot and its assignments; and the first 4 bytes
//! of the SHA-256 of all before. Without a lot it is written in version 1.
//! The checksum is against accidents; the capsule is the visitor's own and proves nothing.

use crate::bytes::{same, sha256, short, Reader};
use crate::consent::{CapsuleGrant, Choice, Mode};
use crate::error::{Error, Result};
use crate::event::{Event, EventKind, ItemHash, DAY};
use crate::lot::{Draw, ASSIGNMENT_BYTES};
use crate::profile::{read_kind, Profile};
use base64ct::{Base64UrlUnpadded, Encoding};

/// Name of the cookie that carries the capsule.
pub const COOKIE: &str = "__Host-pocketrank";
/// The most characters that a capsule has; with the cookie's name it stays below 512 bytes.
pub const MAX_CAPSULE: usize = 480;
/// The most events in a capsule: the newest of the profile, impressions left out.
pub const CAPSULE_EVENTS: usize = 30;
/// Days for which a capsule is valid.
pub const CAPSULE_DAYS: u32 = 30;
/// The newest version of the encoding.
pub const CAPSULE_VERSION: u16 = 2;
const CHECK_BYTES: usize = 4;
/// Bytes before the events, and of an event.
const HEADER: usize = 5;
const EVENT_BYTES: usize = 11;
/// The most assignments in a capsule: the newest of the profile, which take the place of the oldest events.
const CAPSULE_ASSIGNMENTS: usize = 8;
/// Bytes behind the characters.
const MAX_BYTES: usize = MAX_CAPSULE / 4 * 3;

/// The capsule of a profile at `now` (seconds since 1970-01-01 UTC).
pub fn encode(profile: &Profile, grant: &CapsuleGrant, now: u32) -> String {
    let wanted = profile
        .events()
        .iter()
        .rev()
        .filter(|event| event.kind != EventKind::ViewItemList);
    let (lot, kept) = profile.draw().newest(CAPSULE_ASSIGNMENTS);
    let room = MAX_BYTES - HEADER - 3 - kept.len() - CHECK_BYTES;
    let mut newest: Vec<&Event> = wanted.take(CAPSULE_EVENTS.min(room / EVENT_BYTES)).collect();
    newest.reverse();
    let mut out = Vec::with_capacity(MAX_CAPSULE);
    let version = if lot.is_empty() { 1 } else { CAPSULE_VERSION };
    out.push(version as u8);
    out.push(if grant.grant().mode() == Mode::Persistent { 2 } else { 1 });
    out.extend(day16(now.saturating_add(CAPSULE_DAYS * DAY)).to_le_bytes());
    out.push(newest.len() as u8);
    for event in newest {
        out.extend(event.item.0.to_le_bytes());
        out.extend(day16(event.at).to_le_bytes());
        out.push(event.kind as u8);
    }
    if version > 1 {
        out.extend(lot);
        out.push((kept.len() / ASSIGNMENT_BYTES) as u8);
        out.extend(kept);
    }
    let check: [u8; CHECK_BYTES] = short(&sha256(&[&out]));
    out.extend(check);
    Base64UrlUnpadded::encode_string(&out)
}

/// Days since 1970-01-01 UTC; a `u32` of seconds ends in 2106, day 49,710.
fn day16(at: u32) -> u16 {
    (at / DAY) as u16
}

/// What the visitor chose, as the capsule says: the edge decides on it before it reads any event.
///
/// # Errors
/// What is wrong with the capsule; [`Error::Expired`] once its last day is over.
pub fn choice(text: &str, now: u32) -> Result<Choice> {
    let bytes = checked(text)?;
    header(&mut Reader::new("capsule", &bytes), now).map(|(_, choice, _)| choice)
}

/// The profile that the capsule carries. An event's time is the start of its day.
///
/// # Errors
/// What is wrong with the capsule; [`Error::Expired`] once its last day is over.
pub fn decode(_grant: &CapsuleGrant, text: &str, now: u32) -> Result<Profile> {
    let bytes = checked(text)?;
    let mut reader = Reader::new("capsule", &bytes);
    let (version, _, count) = header(&mut reader, now)?;
    let mut events = Vec::with_capacity(CAPSULE_EVENTS);
    let mut newest = 0;
    for _ in 0..count {
        let at = reader.at();
        let [item @ .., d0, d1, kind]: [u8; EVENT_BYTES] = reader.array()?;
        let item = ItemHash(u64::from_le_bytes(item));
        let day = u32::from(u16::from_le_bytes([d0, d1]));
        let kind = read_kind(kind, at)?;
        let corrupt = |rule| Error::Corrupt {
            what: "capsule",
            at,
            rule,
        };
        let start = day.checked_mul(DAY).ok_or(corrupt("days go to 49,710"))?;
        if start < newest {
            return Err(corrupt("events are in the order of their day"));
        }
        newest = start;
        events.push(Event { item, at: start, kind });
    }
    let mut profile = Profile::from_ordered(events.into_iter(), std::iter::empty());
    let at = reader.at();
    let draw = reader.until(CHECK_BYTES);
    if !profile.draw_mut().set(draw) || version == 1 && !draw.is_empty() {
        return Err(Draw::wrong("capsule", at));
    }
    reader.take(CHECK_BYTES)?;
    Ok(profile)
}

/// The bytes behind the text, their checksum verified.
fn checked(text: &str) -> Result<Vec<u8>> {
    if text.len() > MAX_CAPSULE {
        return Err(Error::Limit {
            what: "capsule characters",
            max: MAX_CAPSULE,
            got: text.len(),
        });
    }
    let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| Error::Corrupt {
        what: "capsule",
        at: 0,
        rule: "the text is base64url without padding",
    })?;
    let (covered, check) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(Error::Truncated {
        what: "capsule",
        at: 0,
        needed: CHECK_BYTES,
        got: bytes.len(),
    })?;
    same("capsule", check, &sha256(&[covered]))?;
    Ok(bytes)
}

fn header(reader: &mut Reader<'_>, now: u32) -> Result<(u16, Choice, usize)> {
    let [version, mode, d0, d1, count]: [u8; HEADER] = reader.array()?;
    let version = u16::from(version);
    if version == 0 || version > CAPSULE_VERSION {
        return Err(Error::Version {
            what: "capsule",
            newest: CAPSULE_VERSION,
            got: version,
        });
    }
    let mode = match mode {
        1 => Mode::Session,
        2 => Mode::Persistent,
        _ => {
            return Err(Error::Corrupt {
                what: "capsule",
                at: 1,
                rule: "the mode is 1 (session) or 2 (persistent)",
            })
        }
    };
    let until = u32::from(u16::from_le_bytes([d0, d1]));
    let today = now / DAY;
    if today > until {
        return Err(Error::Expired { until, today });
    }
    let count = usize::from(count);
    if count > CAPSULE_EVENTS {
        return Err(Error::Limit {
            what: "capsule events",
            max: CAPSULE_EVENTS,
            got: count,
        });
    }
    Ok((version, Choice { mode, capsule: true }, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::tests::{consent, drawn, events, kept, profile};
    use proptest::prelude::*;

    const NOW: u32 = 1_700_000_000;

    proptest! {
        #[test]
        fn carries_the_newest_events_by_the_day(
            events in events(80),
            seed in proptest::option::of(any::<u32>()),
            assignments in kept(),
        ) {
            let grant = consent().capsule_grant().unwrap();
            let mut profile = profile(&events);
            *profile.draw_mut() = drawn(seed, &assignments);
            let kept: Vec<_> = profile.draw().kept().collect();
            let kept = &kept[kept.len().saturating_sub(CAPSULE_ASSIGNMENTS)..];
            let most = ((348 - 8 * kept.len()) / 11).min(30);
            let text = encode(&profile, &grant, NOW);
            prop_assert!(text.len() + COOKIE.len() < 512 && text.len() <= MAX_CAPSULE);
            prop_assert_eq!(choice(&text, NOW).unwrap(), Choice { mode: Mode::Persistent, capsule: true });
            let back = decode(&grant, &text, NOW).unwrap();
            let wanted: Vec<_> = profile.events().iter().filter(|e| e.kind != EventKind::ViewItemList).collect();
            prop_assert_eq!(back.lot(), profile.lot());
            prop_assert_eq!(&back.draw().kept().collect::<Vec<_>>(), kept);
            let newest = &wanted[wanted.len().saturating_sub(most)..];
            let days: Vec<_> = newest.iter().map(|e| (e.item, e.at / DAY * DAY, e.kind)).collect();
            let got: Vec<_> = back.events().iter().map(|e| (e.item, e.at, e.kind)).collect();
            prop_assert_eq!(got, days);
        }

        #[test]
        fn any_text_is_handled(text in "\\PC{0,600}") {
            prop_assert!(choice(&text, NOW).is_err());
        }

        #[test]
        fn damage_is_an_error(events in events(40), at in any::<prop::sample::Index>(), byte in 0..64usize) {
            let grant = consent().capsule_grant().unwrap();
            let text = encode(&profile(&events), &grant, NOW);
            let at = at.index(text.len());
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let mut flipped = text.clone().into_bytes();
            prop_assume!(flipped[at] != alphabet[byte]);
            flipped[at] = alphabet[byte];
            let flipped = String::from_utf8(flipped).unwrap();
            prop_assert!(decode(&grant, &flipped, NOW).is_err());
            prop_assert!(decode(&grant, &text[..at], NOW).is_err());
        }
    }

    #[test]
    fn expires() {
        let grant = consent().capsule_grant().unwrap();
        let text = encode(&Profile::default(), &grant, NOW);
        let last = NOW + CAPSULE_DAYS * DAY;
        assert!(choice(&text, last).is_ok());
        assert_eq!(choice(&text, last + DAY).unwrap_err().code(), "expired");
    }
}
