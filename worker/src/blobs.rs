//! Where a blob is, nearest first: in this memory, in the static assets, in the cache, in R2; for browsers at the origin as well.
//!
//! Invariant: what is used here was checked against the manifest. Browsers check what they get.

use crate::assets::Assets;
use crate::error::{warn, Error};
use crate::origin::Asked;
use crate::store::{copy, Store};
use crate::{follow, model};
use js_sys::Uint8Array;
use pocketrank::sync::Answer;
use pocketrank::{edge, Blob};
use worker::Env;

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
        Some(bytes) => blob
            .check("file", &bytes)
            .map(|()| bytes)
            .map_err(|error| Error::Published {
                name: name.into(),
                error,
            }),
        None => Err(gone(name)),
    };
    if checked.is_err() {
        follow::lost(&blob.sha256);
    }
    checked
}

/// For browsers: a blob that the manifest in use names, and that was not deployed; from the origin if it is not stored.
///
/// # Errors
/// Why it is not to be had.
pub async fn bytes(env: &Env, blob: &Blob) -> Result<Uint8Array, Error> {
    if let Some(bytes) = here(&blob.sha256) {
        return Ok(copy(&bytes));
    }
    let store = Store::of(env)?;
    if let Some(bytes) = store.get(&blob.sha256).await.inspect_err(warn).ok().flatten() {
        return Ok(Uint8Array::new(&bytes));
    }
    let models = follow::models().ok_or_else(|| gone(&blob.url))?;
    let Answer::Body { bytes, .. } = Asked::blob(&models, blob).fetch().await else {
        return Err(gone(&blob.url));
    };
    blob.check("file", &bytes).map_err(|error| Error::Published {
        name: blob.url.clone(),
        error,
    })?;
    let bytes = copy(&bytes);
    store.cache(&blob.sha256, &bytes).await;
    Ok(bytes)
}

fn gone(name: &str) -> Error {
    Error::Document {
        url: name.into(),
        detail: "the manifest names it, and it is nowhere".into(),
    }
}
