//! Other models than the usual one, which arms of experiments rank with: the files `models/NAME.pkr` of a manifest.
//!
//! Invariant: such a model is the one that the manifest in use names, checked as the usual one is. At most [`MAX`] are kept, the longest unused
//! goes first.

use crate::error::Error;
use crate::{blobs, model};
use pocketrank::{edge, Blob, Manifest, Ranker, Snapshot};
use worker::Env;

/// The most models kept.
const MAX: usize = 4;
/// Milliseconds for which one that failed to load is not tried again.
const RETRY: f64 = 10_000.0;

struct Entry {
    name: String,
    sha256: [u8; 32],
    /// `None` where it could not be had.
    ranker: Option<Box<Ranker<Vec<u8>>>>,
    /// Until when it is not tried again then, in milliseconds since 1970-01-01 UTC.
    until: f64,
}

/// The models that are kept, the longest unused first.
#[derive(Default)]
pub struct Models(Vec<Entry>);

impl Models {
    /// A model that is there.
    pub fn get(&mut self, name: &str) -> Option<&mut Ranker<Vec<u8>>> {
        let at = self.0.iter().position(|entry| entry.name == name)?;
        let entry = self.0.remove(at);
        self.0.push(entry);
        self.0.last_mut()?.ranker.as_deref_mut()
    }

    /// Does something with each that is there.
    pub fn each(&mut self, mut work: impl FnMut(&mut Ranker<Vec<u8>>)) {
        for entry in &mut self.0 {
            if let Some(ranker) = entry.ranker.as_deref_mut() {
                work(ranker);
            }
        }
    }

    /// Keeps those whose files are the same by another manifest.
    pub fn keep_only(&mut self, manifest: &Manifest) {
        let is_same = |entry: &Entry| file(manifest, &entry.name).map(|blob| blob.sha256) == Some(entry.sha256);
        self.0.retain(is_same);
    }

    fn is_due(&self, name: &str, now: f64) -> bool {
        let entry = self.0.iter().find(|entry| entry.name == name);
        entry.is_none_or(|entry| entry.ranker.is_none() && now >= entry.until)
    }

    fn put(&mut self, entry: Entry) {
        self.0.retain(|known| known.name != entry.name);
        if self.0.len() >= MAX {
            self.0.remove(0);
        }
        self.0.push(entry);
    }
}

/// The file of the model of that name in a manifest.
fn file<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a Blob> {
    manifest.file(&edge::model_file(name)?)
}

/// Sees that the model of that name is there.
///
/// # Errors
/// Why it cannot be had; it is not tried again for a while.
pub async fn load(env: &Env, name: &str) -> Result<(), Error> {
    let now = js_sys::Date::now();
    let due = |model: &mut model::Model| {
        let due = model.models.is_due(name, now);
        due.then(|| file(&model.manifest, name).cloned())
    };
    let Some(blob) = model::with(due).flatten() else {
        return Ok(());
    };
    let entry = |ranker| Entry {
        name: name.into(),
        sha256: blob.as_ref().map_or([0; 32], |blob| blob.sha256),
        ranker,
        until: now + RETRY,
    };
    // Others rank with the usual one meanwhile: each would take as much memory.
    model::with(|model| model.models.put(entry(None)));
    let opened = open(env, blob.as_ref(), name).await;
    let (ranker, outcome) = match opened {
        Ok(snapshot) => (Some(Box::new(Ranker::new(snapshot))), Ok(())),
        Err(error) => (None, Err(error)),
    };
    model::with(|model| {
        // Another manifest may be in use by now.
        if file(&model.manifest, name) == blob.as_ref() {
            model.models.put(entry(ranker));
        }
    });
    outcome
}

async fn open(env: &Env, blob: Option<&Blob>, name: &str) -> Result<Snapshot<Vec<u8>>, Error> {
    let blob = blob.ok_or_else(|| Error::Document {
        url: edge::MODELS.into(),
        detail: format!("an arm of an experiment ranks with `{name}`, and the manifest names no `{name}.pkr` there"),
    })?;
    let bytes = blobs::read(env, blob, name).await?;
    let opened = Snapshot::open(bytes).and_then(|snapshot| snapshot.verify().map(|()| snapshot));
    opened.map_err(|error| Error::Published {
        name: blob.url.clone(),
        error,
    })
}
