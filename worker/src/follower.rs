//! What an isolate knows of whom it follows, and when it has something to do.
//!
//! Invariant: what is due is left to cron for a while where there is a cron, so that not all isolates come to the origin at once.

use crate::model;
use crate::origin::TIMEOUT;
use crate::store::Stored;
use pocketrank::sync::{Held, Settings, Step, Sync};
use pocketrank::{edge, Manifest, Trust};
use std::cell::RefCell;

/// How long cron has to do what is due, where there is a cron, before a request does it, in milliseconds.
const LEFT_TO_CRON: f64 = 600_000.0;

/// The manifest in use; when it was last current is not known.
fn in_use() -> Option<Stored> {
    model::with(|model| Stored {
        manifest: model.signed.clone(),
        checked: None,
    })
}

thread_local! {
    static FOLLOWER: RefCell<Option<Follower>> = const { RefCell::new(None) };
}

/// Milliseconds since 1970-01-01 UTC.
pub fn now() -> f64 {
    js_sys::Date::now()
}

/// `None` before [`begin`].
pub fn with<T>(use_it: impl FnOnce(&mut Follower) -> T) -> Option<T> {
    FOLLOWER.with_borrow_mut(|follower| follower.as_mut().map(use_it))
}

/// From now on this isolate follows so.
pub fn begin(follower: Follower) {
    FOLLOWER.set(Some(follower));
}

/// How this isolate follows.
pub struct Follower {
    /// What is pinned; the sequence is that of the seed.
    pub trust: Trust,
    /// What was deployed, if it can be read.
    pub seed: Option<Manifest>,
    /// Where the origin is.
    pub models: Option<String>,
    /// The longest time between two questions to it, in seconds.
    pub interval: u32,
    /// Whether there are KV and R2, and so a cron.
    pub is_shared: bool,
    /// The plan; none while a run holds it.
    pub plan: Option<Box<Sync>>,
    /// Whether the plan knows all that is stored, and not only what the stored manifest names.
    pub is_listed: bool,
    /// Until when a run may be under way, in milliseconds since 1970-01-01 UTC, as all times here.
    pub busy: f64,
    /// Since when the plan has something to do.
    pub due: Option<f64>,
    /// When to look for what is stored next.
    pub look: f64,
    /// What was stored the last time.
    pub stored: Option<Stored>,
    /// What was stored and is gone or damaged, until it is stored again.
    pub lost: Vec<[u8; 32]>,
    /// What could not be stored, under its SHA-256.
    pub memory: Vec<([u8; 32], Vec<u8>)>,
}

impl Follower {
    /// That time, or the interval where that is shorter.
    pub fn shortened(&self, milliseconds: f64) -> f64 {
        milliseconds.min(f64::from(self.interval) * 1_000.0)
    }

    /// Takes note since when the plan has something to do.
    pub fn note_due(&mut self, now: f64) {
        let waits = |plan: &mut Box<Sync>| matches!(plan.next(now as u64), Step::Wait { .. });
        self.due = match self.plan.as_mut().map(waits) {
            Some(true) => None,
            _ => self.due.or(Some(now)),
        };
    }

    /// Whether nobody else has done for a while what is due.
    pub fn is_overdue(&self, now: f64) -> bool {
        let left_to_cron = match self.is_shared {
            true => self.shortened(LEFT_TO_CRON),
            false => 0.0,
        };
        self.due.is_some_and(|due| now >= due + left_to_cron)
    }

    /// The sequence of a manifest that is trusted; `None` for any other.
    pub fn sequence(&self, manifest: &[u8]) -> Option<u32> {
        let trust = Trust {
            sequence: 0,
            ..self.trust.clone()
        };
        Manifest::read(manifest, &trust).ok().map(|manifest| manifest.sequence)
    }

    /// Whether what is stored is older than what is in use, gone or not to be trusted: two isolates wrote at a time and the wrong one last, or
    /// the write failed. Only what others can have counts, so neither what was deployed nor what is in this memory alone.
    pub fn is_behind(&self) -> bool {
        let in_use = model::with(|model| {
            let needed = |sha256: &[u8; 32]| model.manifest.blobs().iter().any(|blob| blob.sha256 == *sha256);
            let is_shared = !self.memory.iter().any(|(sha256, _)| needed(sha256));
            (model.manifest.sequence, is_shared)
        });
        in_use.is_some_and(|(sequence, is_shared)| {
            let stored = self.stored.as_ref();
            let stored = stored.and_then(|stored| self.sequence(&stored.manifest));
            is_shared && sequence > self.trust.sequence && stored < Some(sequence)
        })
    }

    /// A plan that begins with what is in use.
    pub fn plan_anew(&self, listed: Option<Vec<[u8; 32]>>) -> Box<Sync> {
        let mut held = in_use();
        if let Some(held) = &mut held {
            let stored = self.stored.as_ref().filter(|stored| stored.manifest == held.manifest);
            held.checked = stored.and_then(|stored| stored.checked);
        }
        self.plan_of(held.as_ref(), listed)
    }

    /// The same, but it asks the origin at once.
    pub fn plan_now(&self, listed: Option<Vec<[u8; 32]>>) -> Box<Sync> {
        self.plan_of(in_use().as_ref(), listed)
    }

    /// A plan that begins with a stored manifest; `listed` is what else is stored, all that the manifest names if it is not known.
    pub fn plan_of(&self, stored: Option<&Stored>, listed: Option<Vec<[u8; 32]>>) -> Box<Sync> {
        let names = |manifest: &Manifest| -> Vec<_> { manifest.blobs().iter().map(|blob| blob.sha256).collect() };
        let mut blobs = listed.unwrap_or_else(|| {
            let manifest = stored.and_then(|stored| Manifest::read(&stored.manifest, &self.trust).ok());
            manifest.as_ref().map(names).unwrap_or_default()
        });
        blobs.retain(|sha256| !self.lost.contains(sha256));
        blobs.extend(self.seed.as_ref().map(names).unwrap_or_default());
        blobs.extend(self.memory.iter().map(|(sha256, _)| *sha256));
        let held = Held {
            manifest: stored.map(|stored| stored.manifest.clone()),
            blobs,
            snapshot: model::with(|model| model.snapshot().id()),
            checked: stored.and_then(|stored| stored.checked),
        };
        let settings = Settings {
            interval: self.interval,
            timeout: self.shortened(TIMEOUT.into()) as u32,
            files: vec![edge::LISTS.into()],
            ..Settings::default()
        };
        let seed = (js_sys::Math::random() * 9e15) as u64;
        Box::new(Sync::new(self.trust.clone(), held, settings, seed))
    }
}
