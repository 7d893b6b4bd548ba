//! The JavaScript surface: newtypes over the runtime, no logic.
//!
//! Errors cross as `Error` objects with the text and a stable `code`. The hot call [`JsRanker::rerank`] takes and
//! makes no JavaScript objects: candidates lie in linear memory, and so does the slate.
//! Here is what ranking needs; `whole` adds the rest.

mod whole;

pub use whole::*;

use crate::rerank::Shifts;
use crate::{
    item_hash, Answers, Candidates, Choice, Consent, Error, Event, EventKind, Gpc, Grant, Loader, Mode, Options,
    Profile, Ranked, Ranker, Signals, Snapshot,
};
use js_sys::{Reflect, Uint8Array};
use std::borrow::Cow;
use wasm_bindgen::prelude::*;

/// An `Error` object with `code`.
fn throw(error: Error) -> JsValue {
    let mut text = String::new();
    error.write(&mut text);
    coded(&text, error.code())
}

fn coded(text: &str, code: &str) -> JsValue {
    let object = js_sys::Error::new(text);
    // Setting a property on a fresh object cannot fail; the text alone would serve if it did.
    let _ = Reflect::set(&object, &"code".into(), &code.into());
    object.into()
}

/// An option that is not what it must be, in a text of these parts.
fn refused(parts: &[&str]) -> JsValue {
    let mut text = String::new();
    parts.iter().for_each(|part| text.push_str(part));
    coded(&text, "invalid_option")
}

/// What is wrong with a field of an object that was handed over.
fn wrong(what: &str, field: &str, needed: &str) -> JsValue {
    refused(&[what, ": `", field, "` must be ", needed])
}

/// A field of a plain object. By hand, because serde's way costs 15 KB.
fn field(what: &str, object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    if object.is_object() {
        return Reflect::get(object, &name.into());
    }
    Err(refused(&[what, ": an object is needed"]))
}

/// A field that may be missing.
fn flag(what: &str, object: &JsValue, name: &str) -> Result<bool, JsValue> {
    let value = field(what, object, name)?;
    if value.is_undefined() {
        return Ok(false);
    }
    value.as_bool().ok_or_else(|| wrong(what, name, "true or false"))
}

/// A field that may be missing.
fn text(what: &str, object: &JsValue, name: &str) -> Result<String, JsValue> {
    let value = field(what, object, name)?;
    if value.is_undefined() {
        return Ok(String::new());
    }
    value.as_string().ok_or_else(|| wrong(what, name, "a string"))
}

/// The decision about what the visitor allows.
#[wasm_bindgen(js_name = Consent)]
pub struct JsConsent(Consent);

#[wasm_bindgen(js_class = Consent)]
impl JsConsent {
    /// Decides from `{ gpc, choice: { mode, capsule }, gpcOverride }`, and what sources of consent say.
    #[wasm_bindgen(constructor)]
    pub fn new(signals: JsValue, answers: u32) -> Result<JsConsent, JsValue> {
        const WHAT: &str = "consent signals";
        let gpc = match field(WHAT, &signals, "gpc")? {
            signal if signal.is_null() => Gpc::Unreadable,
            _ if flag(WHAT, &signals, "gpc")? => Gpc::On,
            _ => Gpc::Off,
        };
        let choice = field(WHAT, &signals, "choice")?;
        let choice = if choice.is_undefined() || choice.is_null() {
            None
        } else {
            let mode = Mode::from_name(&text("choice", &choice, "mode")?);
            let known = "contextual, session or persistent";
            Some(Choice {
                mode: mode.ok_or_else(|| wrong("choice", "mode", known))?,
                capsule: flag("choice", &choice, "capsule")?,
            })
        };
        let gpc_override = flag(WHAT, &signals, "gpcOverride")?;
        Ok(JsConsent(Consent::decide(&Signals {
            gpc,
            choice,
            gpc_override,
            answers: Answers(answers),
        })))
    }

    /// `contextual`, `session` or `persistent`.
    #[wasm_bindgen(getter)]
    pub fn mode(&self) -> String {
        self.0.mode().name().into()
    }

    /// Permission to read and write a profile, if there is one.
    pub fn grant(&self) -> Option<JsGrant> {
        self.0.grant().map(JsGrant)
    }
}

/// Permission to read and write a profile; only `Consent` makes it.
#[wasm_bindgen(js_name = Grant)]
pub struct JsGrant(Grant);

/// The visitor's events.
#[wasm_bindgen(js_name = Profile)]
#[derive(Default)]
pub struct JsProfile(Profile);

impl JsProfile {
    fn within(profile: crate::Result<Profile>, day: u32, now: u32) -> Result<JsProfile, JsValue> {
        let mut profile = profile.map_err(throw)?;
        profile.end_by(now);
        profile.forget_before(day);
        Ok(JsProfile(profile))
    }
}

#[wasm_bindgen(js_class = Profile)]
impl JsProfile {
    /// The empty profile.
    #[wasm_bindgen(constructor)]
    pub fn new() -> JsProfile {
        JsProfile::default()
    }

    /// Takes an event in; `kind` is GA4's name, `at` in seconds since 1970-01-01 UTC.
    pub fn record(&mut self, grant: &JsGrant, item: &str, kind: &str, at: u32) -> Result<(), JsValue> {
        let kind = EventKind::from_name(kind).map_err(throw)?;
        self.0.record(
            &grant.0,
            Event {
                item: item_hash(item),
                at,
                kind,
            },
        );
        Ok(())
    }

    /// The encoded form.
    pub fn encode(&self, grant: &JsGrant) -> Vec<u8> {
        self.0.encode(&grant.0)
    }

    /// Reads the encoded form back, forgets what was before a day since 1970-01-01 UTC, and takes what is after `now` for of now.
    pub fn decode(grant: &JsGrant, bytes: &[u8], day: u32, now: u32) -> Result<JsProfile, JsValue> {
        JsProfile::within(Profile::decode(&grant.0, bytes), day, now)
    }

    /// The number of events.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.0.events().len()
    }

    /// Forgets everything.
    pub fn erase(&mut self) {
        self.0.erase();
    }
}

/// A list of items, resolved once.
#[wasm_bindgen(js_name = Candidates)]
pub struct JsCandidates(Candidates);

#[wasm_bindgen(js_class = Candidates)]
impl JsCandidates {
    /// Looks up the rows of item ids.
    pub fn resolve(ranker: &JsRanker, ids: Vec<String>) -> JsCandidates {
        JsCandidates(Candidates::resolve(ranker.0.snapshot(), ids))
    }

    /// Candidates of known rows; `0xffffffff` for an unknown item.
    #[wasm_bindgen(js_name = fromRows)]
    pub fn from_rows(rows: Vec<u32>) -> JsCandidates {
        JsCandidates(Candidates::from_rows(rows))
    }

    /// The number of candidates.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.0.rows().len()
    }

    /// Where the rows (`u32` each) begin in linear memory.
    #[wasm_bindgen(js_name = rowsPtr)]
    pub fn rows_ptr(&mut self) -> *mut u32 {
        self.0.rows_mut().as_mut_ptr()
    }

    /// Where the flags (`u8` each; 1 is out of stock) begin in linear memory.
    #[wasm_bindgen(js_name = flagsPtr)]
    pub fn flags_ptr(&mut self) -> *mut u8 {
        self.0.flags_mut().as_mut_ptr()
    }
}

/// Takes a snapshot in piece by piece.
#[wasm_bindgen(js_name = Loader)]
pub struct JsLoader(Loader);

#[wasm_bindgen(js_class = Loader)]
impl JsLoader {
    /// For a snapshot of at most so many bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(max_bytes: usize) -> JsLoader {
        JsLoader(Loader::new(max_bytes))
    }

    /// Copies the next piece to where it stays.
    pub fn push(&mut self, piece: &Uint8Array) -> Result<(), JsValue> {
        let (mut from, end) = (0, piece.length());
        while from < end {
            let room = self.0.room((end - from) as usize).map_err(throw)?;
            let to = from + room.len() as u32;
            piece.subarray(from, to).copy_to(room);
            from = to;
        }
        Ok(())
    }

    /// The ranker of the snapshot; `verify`: check every byte first.
    pub fn finish(self, verify: bool) -> Result<JsRanker, JsValue> {
        JsRanker::open(self.0.into_bytes().into(), verify)
    }
}

/// Ranks candidates with one snapshot for one profile.
#[wasm_bindgen(js_name = Ranker)]
pub struct JsRanker(Ranker<Bytes>);

/// Of a snapshot that came from outside, or that lies in the module.
type Bytes = Cow<'static, [u8]>;

impl JsRanker {
    fn open(bytes: Bytes, verify: bool) -> Result<JsRanker, JsValue> {
        let snapshot = Snapshot::open(bytes).map_err(throw)?;
        if verify {
            // Experiments are read by a build of their own, which checks them.
            snapshot.verify_tables().map_err(throw)?;
        }
        Ok(JsRanker(Ranker::new(snapshot)))
    }

    /// The ranker itself, for callers in Rust.
    pub fn inner(&self) -> &Ranker<Bytes> {
        &self.0
    }
}

#[wasm_bindgen(js_class = Ranker)]
impl JsRanker {
    /// Opens a snapshot; `verify`: check every byte first.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: Uint8Array, verify: bool) -> Result<JsRanker, JsValue> {
        JsRanker::open(bytes.to_vec().into(), verify)
    }

    /// The snapshot's content id.
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.0.snapshot().id().text()
    }

    /// The snapshot's number of items.
    #[wasm_bindgen(getter)]
    pub fn items(&self) -> u32 {
        self.0.snapshot().items()
    }

    /// Computes what depends on the profile; once per change. `now` is in seconds since 1970-01-01 UTC.
    #[wasm_bindgen(js_name = setProfile)]
    pub fn set_profile(&mut self, profile: &JsProfile, now: u32) {
        self.0.set_profile(&profile.0, now);
    }

    /// Ranks; gives the number of places, which lie at `slatePtr()`. `shifts` is what rules do, as the build that decides gives it.
    pub fn rerank(
        &mut self,
        candidates: &JsCandidates,
        count: usize,
        diversity: f32,
        exclude_purchased: bool,
        exclude_out_of_stock: bool,
        shifts: Option<Vec<u8>>,
    ) -> usize {
        let options = Options {
            count,
            diversity,
            exclude_purchased,
            exclude_out_of_stock,
        };
        let shifts = shifts.unwrap_or_default();
        self.0.rank(&candidates.0, &options, Shifts::read(&shifts)).len()
    }

    /// Where the slate begins in linear memory: index `u32`, row `u32`, score `f32` per place.
    #[wasm_bindgen(js_name = slatePtr)]
    pub fn slate_ptr(&self) -> *const Ranked {
        self.0.slate().as_ptr()
    }
}
