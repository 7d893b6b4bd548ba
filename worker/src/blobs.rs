//! Where a blob is, nearest first: in this memory, in the static assets, in the cache, in R2; for browsers at the origin as well.
//!
//! Invariant: what is used here, and what browsers are given, was checked against the manifest, or against its own name where the manifest in
//! use does not name it.

use crate::assets::Assets;
use crate::error::{warn, Error};
use crate::store::{copy, Store};
use crate::{follow, model};
use js_sys::Uint8Array;
use pocketrank::{edge, Blob};
use worker::Env;

/// How many bytes of something that the manifest in use does not name may be taken in at least; else twice its largest.
const UNKNOWN: u32 = 1 << 20;

/// What is in this memory of a blob.
fn here(sha256: &[u8; 32]) -> Option<Vec<u8>> {
    let used = |model: &mut model::Model| {
        let is_used = model.manifest.snapshot.blob.sha256 == *sha256;
        is_used.then(|| model.snapshot().as_bytes().to_vec())
    };
    model::with(used).flatten().or_else(|| follow::kept(sha256))
}

/// A blob that is here, was deployed or is stored; not checked yet.
///
/// # Errors
/// Where that cannot be told.
pub async fn find(env: &Env, store: &Store, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, Error> {
    if let Some(bytes) = here(sha256) {
        return Ok(Some(bytes));
    }
    if let Some(file) = follow::deployed(sha256) {
        return Assets::of(env)?
            .read(&format!("{}{file}", edge::ASSETS))
            .await
            .map(Some);
    }
    let found = store.get(sha256).await?;
    Ok(found.map(|bytes| Uint8Array::new(&bytes).to_vec()))
}

/// A file that the manifest in use names; `name` is its name.
///
/// # Errors
/// Why it is not to be had. What is gone or damaged is fetched again when the plan runs next.
pub async fn read(env: &Env, blob: &Blob, name: &str) -> Result<Vec<u8>, Error> {
    let bytes = find(env, &Store::of(env)?, &blob.sha256).await?;
    let checked = match bytes {
        Some(bytes) => check(blob, name, &bytes).map(|()| bytes),
        None => Err(gone(name)),
    };
    if checked.is_err() {
        follow::lost(&blob.sha256);
    }
    checked
}

/// For browsers: a blob that the manifest in use names, and that was not deployed; from the origin if it is not stored, or not as it was
/// published.
///
/// # Errors
/// Why it is not to be had.
pub async fn bytes(env: &Env, blob: &Blob) -> Result<Uint8Array, Error> {
    if let Some(bytes) = here(&blob.sha256) {
        return Ok(copy(&bytes));
    }
    let store = Store::of(env)?;
    if let Some(stored) = store.get(&blob.sha256).await.inspect_err(warn).ok().flatten() {
        let stored = Uint8Array::new(&stored);
        match check(blob, &blob.url, &stored.to_vec()) {
            Ok(()) => return Ok(stored),
            Err(error) => warn(&error),
        }
        follow::lost(&blob.sha256);
    }
    let asked = follow::asked(&blob.url, blob.bytes).ok_or_else(|| gone(&blob.url))?;
    let bytes = asked.bytes().await?;
    check(blob, &blob.url, &bytes)?;
    let bytes = copy(&bytes);
    store.cache(&blob.sha256, &bytes).await;
    Ok(bytes)
}

/// For browsers: what the origin has under the name of something published that the manifest in use does not name, for another isolate may
/// have come to another manifest. `None` where no origin is followed.
///
/// # Errors
/// Why it is not to be had.
pub async fn relayed(file: &str) -> Result<Option<Uint8Array>, Error> {
    let largest = |model: &mut model::Model| model.manifest.blobs().iter().map(|blob| blob.bytes).max();
    let limit = model::with(largest)
        .flatten()
        .unwrap_or(0)
        .saturating_mul(2)
        .max(UNKNOWN);
    let Some(asked) = follow::asked(file, limit) else {
        return Ok(None);
    };
    let bytes = asked.bytes().await?;
    if !edge::is_name_of(file, &bytes) {
        return Err(Error::Document {
            url: file.into(),
            detail: "the origin has other bytes under that name".into(),
        });
    }
    Ok(Some(copy(&bytes)))
}

fn check(blob: &Blob, name: &str, bytes: &[u8]) -> Result<(), Error> {
    blob.check("file", bytes).map_err(|error| Error::Published {
        name: name.into(),
        error,
    })
}

fn gone(name: &str) -> Error {
    Error::Document {
        url: name.into(),
        detail: "the manifest names it, and it is nowhere".into(),
    }
}
