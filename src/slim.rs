//! The slim build's surface for `www/src/ranking/slim-api.ts`: functions of numbers, so that neither wasm nor script carries more.
//!
//! How objects, texts and errors cross is told in `bridge`. What crosses as a [`Grant`] are the signals that [`Consent`] decides by, anew each time.

use crate::bridge::{told, Buffer};
use crate::profile::read_kind;
use crate::{
    Answers, Candidates, Choice, Consent, Event, Gpc, Grant, ItemHash, Loader, Mode, Options, Profile, Ranked, Ranker,
    Result, Signals, Snapshot, NO_ROW,
};
use std::mem::take;

type Slim = Ranker<Vec<u8>>;

/// Signals in a number: GPC (2 bits), the choice (2 bits; 0 for none, else its mode from 1), whether it overrides, and what sources of consent say.
fn consent(signals: u32) -> Consent {
    let gpc = match signals & 3 {
        0 => Gpc::Off,
        1 => Gpc::On,
        _ => Gpc::Unreadable,
    };
    let mode = match signals >> 2 & 3 {
        0 => None,
        1 => Some(Mode::Contextual),
        2 => Some(Mode::Session),
        _ => Some(Mode::Persistent),
    };
    Consent::decide(&Signals {
        gpc,
        choice: mode.map(|mode| Choice { mode, capsule: false }),
        gpc_override: signals >> 4 & 1 == 1,
        answers: Answers(signals >> 5),
    })
}

/// Scripts only have signals to hand over where there is a grant; without one this is a call that fails.
fn grant(buffer: &mut Buffer, signals: u32) -> Option<Grant> {
    let grant = consent(signals).grant();
    if grant.is_none() {
        *buffer = b"invalid_option\nthe visitor has not agreed; ask Consent for a grant".to_vec();
    }
    grant
}

/// The mode's number, from 0.
#[no_mangle]
pub extern "C" fn consent_mode(signals: u32) -> u32 {
    consent(signals).mode() as u32
}

/// The empty profile.
#[no_mangle]
pub extern "C" fn profile_new() -> Box<Profile> {
    Box::default()
}

/// Takes an event in, of a kind by its number; the buffer holds the item's id.
#[no_mangle]
pub extern "C" fn profile_record(profile: &mut Profile, buffer: &mut Buffer, signals: u32, kind: u32, at: u32) -> bool {
    // A hash is of bytes: that they are a text is the script's matter.
    let item = ItemHash::of(buffer);
    let kind = read_kind(kind as u8, 0);
    let Some((grant, kind)) = grant(buffer, signals).zip(told(buffer, kind)) else {
        return false;
    };
    profile.record(&grant, Event { item, at, kind });
    true
}

/// Leaves the encoded form in the buffer.
#[no_mangle]
pub extern "C" fn profile_encode(profile: &Profile, buffer: &mut Buffer, signals: u32) -> bool {
    let Some(grant) = grant(buffer, signals) else {
        return false;
    };
    *buffer = profile.encode(&grant);
    true
}

/// The profile whose encoded form is in the buffer, without what was before a day since 1970-01-01 UTC.
#[no_mangle]
pub extern "C" fn profile_decode(buffer: &mut Buffer, signals: u32, day: u32) -> Option<Box<Profile>> {
    let grant = grant(buffer, signals)?;
    let mut profile = Box::<Profile>::default();
    let read = profile.fill(&grant, buffer);
    told(buffer, read)?;
    profile.forget_before(day);
    Some(profile)
}

/// The number of events.
#[no_mangle]
pub extern "C" fn profile_length(profile: &Profile) -> usize {
    profile.events().len()
}

/// Forgets everything.
#[no_mangle]
pub extern "C" fn profile_erase(profile: &mut Profile) {
    profile.erase();
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn profile_free(_: Box<Profile>) {}

/// So many candidates, whose rows the script writes.
#[no_mangle]
pub extern "C" fn candidates_new(length: usize) -> Box<Candidates> {
    Box::new(Candidates::from_rows(vec![0; length]))
}

/// Where the rows (`u32` each) begin.
#[no_mangle]
pub extern "C" fn candidates_rows(candidates: &mut Candidates) -> *mut u32 {
    candidates.rows_mut().as_mut_ptr()
}

/// Where the flags (`u8` each; 1 is out of stock) begin.
#[no_mangle]
pub extern "C" fn candidates_flags(candidates: &mut Candidates) -> *mut u8 {
    candidates.flags_mut().as_mut_ptr()
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn candidates_free(_: Box<Candidates>) {}

/// For a snapshot of at most so many bytes.
#[no_mangle]
pub extern "C" fn loader_new(max_bytes: usize) -> Box<Loader> {
    Box::new(Loader::new(max_bytes))
}

/// Takes in the buffer's bytes, the next of the snapshot.
#[no_mangle]
pub extern "C" fn loader_push(loader: &mut Loader, buffer: &mut Buffer) -> bool {
    let pushed = push(loader, buffer);
    told(buffer, pushed).is_some()
}

fn push(loader: &mut Loader, mut piece: &[u8]) -> Result<()> {
    while !piece.is_empty() {
        let room = loader.room(piece.len())?;
        let (now, later) = piece.split_at_checked(room.len()).unwrap_or_default();
        room.copy_from_slice(now);
        piece = later;
    }
    Ok(())
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn loader_free(_: Box<Loader>) {}

/// The ranker of what was taken in, whose memory it takes over, also where it fails.
#[no_mangle]
pub extern "C" fn loader_finish(loader: Box<Loader>, buffer: &mut Buffer, verify: u32) -> Option<Box<Slim>> {
    *buffer = loader.into_bytes();
    ranker_open(buffer, verify)
}

/// The ranker of the snapshot in the buffer, whose memory it takes over.
#[no_mangle]
pub extern "C" fn ranker_open(buffer: &mut Buffer, verify: u32) -> Option<Box<Slim>> {
    let ranker = Snapshot::open(take(buffer)).and_then(|snapshot| {
        if verify != 0 {
            // Every byte is hashed; the walk through every table would be a tenth of the build.
            snapshot.verify_id()?;
        }
        Ok(Ranker::new(snapshot))
    });
    told(buffer, ranker).map(Box::new)
}

/// Leaves the snapshot's content id in the buffer.
#[no_mangle]
pub extern "C" fn ranker_id(ranker: &Slim, buffer: &mut Buffer) {
    *buffer = ranker.snapshot().id().text().into_bytes();
}

/// The snapshot's number of items.
#[no_mangle]
pub extern "C" fn ranker_items(ranker: &Slim) -> u32 {
    ranker.snapshot().items()
}

/// The row of the item whose id is in the buffer.
#[no_mangle]
pub extern "C" fn ranker_row(ranker: &Slim, buffer: &Buffer) -> u32 {
    ranker.snapshot().row(ItemHash::of(buffer)).unwrap_or(NO_ROW)
}

/// Computes what depends on the profile; `now` is in seconds since 1970-01-01 UTC.
#[no_mangle]
pub extern "C" fn ranker_profile(ranker: &mut Slim, profile: &Profile, now: u32) {
    ranker.set_profile(profile, now);
}

/// Ranks; gives the number of places.
#[no_mangle]
pub extern "C" fn ranker_rerank(
    ranker: &mut Slim,
    candidates: &Candidates,
    count: usize,
    diversity: f32,
    exclude_purchased: u32,
    exclude_out_of_stock: u32,
) -> usize {
    let options = Options {
        count,
        diversity,
        exclude_purchased: exclude_purchased != 0,
        exclude_out_of_stock: exclude_out_of_stock != 0,
    };
    ranker.rerank(candidates, &options).len()
}

/// Where the slate begins: index `u32`, row `u32`, score `f32` per place.
#[no_mangle]
pub extern "C" fn ranker_slate(ranker: &Slim) -> *const Ranked {
    ranker.slate().as_ptr()
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn ranker_free(_: Box<Slim>) {}
