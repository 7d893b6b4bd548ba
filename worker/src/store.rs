//! What isolates share: the manifest in KV, blobs in R2 under their SHA-256, and before R2 the cache of the data centre.
//!
//! Invariant: KV and R2 go together, so that a stored manifest names nothing that other isolates cannot have. Nothing is waited for
//! without end, for a page may hang on it. What is read is as it lay there: whoever uses it checks it.

use crate::bindings::{Bucket, BucketList, BucketObject, Kv, KvValue, CACHE};
use crate::error::{describe, Error};
use crate::guard;
use js_sys::{Array, ArrayBuffer, Object, Promise, Reflect, Uint8Array};
use pocketrank::{edge, from_hex, hex, sync};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, Response, ResponseInit};
use worker::Env;

/// The names of the bindings.
const KV: &str = "MANIFEST";
const R2: &str = "BLOBS";
const CACHED: &str = "the cache";
/// The key of the manifest in KV.
const KEY: &str = "manifest";
/// The key of the flags in KV.
const FLAGS: &str = "flags";
/// What the keys of blobs in R2 begin with.
const FOLDER: &str = "blobs/";
/// The key in R2 of the note about what is to be deleted.
const NOTE: &str = "forget";
/// The field of the manifest's metadata that says when it was found to be current.
const CHECKED: &str = "checked";
/// How long a page waits for something stored, in milliseconds.
const READ: f64 = 2_000.0;
/// How long something may take that no page waits for, in milliseconds.
const WRITE: f64 = 30_000.0;
/// The most keys that R2 deletes at a time.
const DELETES: usize = 1_000;

/// The bindings; none are needed.
#[derive(Clone)]
pub struct Store {
    shared: Option<(Kv, Bucket)>,
}

/// A stored manifest.
#[derive(Clone, PartialEq)]
pub struct Stored {
    /// Its bytes.
    pub manifest: Vec<u8>,
    /// When it was last found to be current, in milliseconds since 1970-01-01 UTC.
    pub checked: Option<u64>,
}

impl Store {
    /// # Errors
    /// [`Error::Setting`] if only one of KV and R2 is bound.
    pub fn of(env: &Env) -> Result<Self, Error> {
        let bound = |name: &str| Reflect::get(env, &name.into()).ok().filter(JsValue::is_object);
        match (bound(KV), bound(R2)) {
            (Some(kv), Some(bucket)) => Ok(Store {
                shared: Some((kv.unchecked_into(), bucket.unchecked_into())),
            }),
            (None, None) => Ok(Store { shared: None }),
            _ => Err(Error::Setting {
                name: "MANIFEST, BLOBS",
                expected: "bound both or neither",
            }),
        }
    }

    /// Whether anything is shared but the cache.
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The stored manifest.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn manifest(&self) -> Result<Option<Stored>, Error> {
        let Some((kv, _)) = &self.shared else { return Ok(None) };
        let found = done(KV, READ, kv.get_with_metadata(KEY, "arrayBuffer")).await?;
        let found: KvValue = found.unchecked_into();
        let checked = Reflect::get(&found.metadata(), &CHECKED.into());
        Ok(found.value().map(|bytes| Stored {
            manifest: Uint8Array::new(&bytes).to_vec(),
            checked: checked.ok().and_then(|checked| checked.as_f64()).map(|at| at as u64),
        }))
    }

    /// Replaces the stored manifest.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn commit(&self, stored: &Stored) -> Result<(), Error> {
        let Some((kv, _)) = &self.shared else { return Ok(()) };
        let (metadata, options) = (Object::new(), Object::new());
        if let Some(at) = stored.checked {
            Reflect::set(&metadata, &CHECKED.into(), &(at as f64).into())?;
        }
        Reflect::set(&options, &"metadata".into(), &metadata)?;
        done(KV, WRITE, kv.put(KEY, &copy(&stored.manifest), &options)).await?;
        Ok(())
    }

    /// The document of the flags, if there is one.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn flags(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some((kv, _)) = &self.shared else { return Ok(None) };
        let found = done(KV, READ, kv.get_with_metadata(FLAGS, "arrayBuffer")).await?;
        let found: KvValue = found.unchecked_into();
        Ok(found.value().map(|bytes| Uint8Array::new(&bytes).to_vec()))
    }

    /// A blob, if it is there.
    ///
    /// # Errors
    /// [`Error::Storage`] if that cannot be told.
    pub async fn get(&self, sha256: &[u8; 32]) -> Result<Option<ArrayBuffer>, Error> {
        let cached = CACHE.with(|cache| cache.matches(&cache_url(sha256)));
        // A cache that fails is as one that has it not.
        if let Ok(Ok(response)) = done(CACHED, READ, cached).await.map(JsCast::dyn_into::<Response>) {
            if let Ok(bytes) = done(CACHED, READ, response.array_buffer()).await {
                return Ok(Some(bytes.unchecked_into()));
            }
        }
        let Some((_, bucket)) = &self.shared else {
            return Ok(None);
        };
        let Some(bytes) = object(bucket, &key(sha256)).await? else {
            return Ok(None);
        };
        self.cache(sha256, &Uint8Array::new(&bytes)).await;
        Ok(Some(bytes))
    }

    /// Keeps a blob. `false` if there is nothing to keep it in.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn put(&self, sha256: &[u8; 32], bytes: &[u8]) -> Result<bool, Error> {
        let Some((_, bucket)) = &self.shared else {
            return Ok(false);
        };
        let bytes = copy(bytes);
        done(R2, WRITE, bucket.put(&key(sha256), &bytes)).await?;
        self.cache(sha256, &bytes).await;
        Ok(true)
    }

    /// Keeps a blob in the cache, if the cache takes it.
    pub async fn cache(&self, sha256: &[u8; 32], bytes: &Uint8Array) {
        if let Ok(response) = immutable(bytes) {
            let put = CACHE.with(|cache| cache.put(&cache_url(sha256), &response));
            // It is tried again by whoever reads the blob next.
            let _ = done(CACHED, READ, put).await;
        }
    }

    /// All blobs that are kept.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn blobs(&self) -> Result<Vec<[u8; 32]>, Error> {
        let mut blobs = vec![];
        let Some((_, bucket)) = &self.shared else {
            return Ok(blobs);
        };
        let options = Object::new();
        Reflect::set(&options, &"prefix".into(), &FOLDER.into())?;
        loop {
            let list: BucketList = done(R2, WRITE, bucket.list(&options)).await?.unchecked_into();
            let key = |object: JsValue| object.unchecked_into::<BucketObject>().key();
            blobs.extend(list.objects().iter().filter_map(|object| sha256(&key(object))));
            match list.cursor() {
                Some(cursor) => Reflect::set(&options, &"cursor".into(), &cursor.into())?,
                None => return Ok(blobs),
            };
        }
    }

    /// Deletes what nobody has needed for a day. `now` is in milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`Error::Storage`]; what was not deleted then is another time.
    pub async fn forget(&self, keep: &[[u8; 32]], now: u64) -> Result<(), Error> {
        let Some((_, bucket)) = &self.shared else { return Ok(()) };
        let note = object(bucket, NOTE).await?;
        let note = note.map(|note| Uint8Array::new(&note).to_vec()).unwrap_or_default();
        let (gone, new) = sync::later(&note, &self.blobs().await?, keep, now);
        for blobs in gone.chunks(DELETES) {
            let keys: Array = blobs.iter().map(|blob| JsValue::from(key(blob))).collect();
            done(R2, WRITE, bucket.delete(&keys)).await?;
        }
        if new != note {
            done(R2, WRITE, bucket.put(NOTE, &copy(&new))).await?;
        }
        Ok(())
    }
}

/// Waits for what the platform has begun, but no longer than that, in milliseconds; `None` where the time was over.
///
/// # Errors
/// What was thrown.
pub async fn within(milliseconds: f64, promise: &Promise) -> Result<Option<JsValue>, JsValue> {
    let first = guard::within(milliseconds, promise).await?;
    Ok(first.dyn_ref::<Array>().map(|list| list.get(0)))
}

async fn done(name: &'static str, milliseconds: f64, promise: Result<Promise, JsValue>) -> Result<JsValue, Error> {
    let failed = |value: JsValue| Error::Storage {
        name,
        detail: describe(&value),
    };
    let done = within(milliseconds, &promise.map_err(failed)?).await.map_err(failed)?;
    done.ok_or_else(|| failed("it does not answer".into()))
}

/// The bytes of an object in R2, if there is one.
async fn object(bucket: &Bucket, key: &str) -> Result<Option<ArrayBuffer>, Error> {
    let found = done(R2, READ, bucket.get(key)).await?;
    if !found.is_object() {
        return Ok(None);
    }
    let object: BucketObject = found.unchecked_into();
    let bytes = done(R2, READ, object.array_buffer()).await?;
    Ok(Some(bytes.unchecked_into()))
}

/// The bytes outside this memory, which may move while the platform reads them.
pub fn copy(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// An answer with the bytes that caches keep.
fn immutable(bytes: &Uint8Array) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("Cache-Control", edge::IMMUTABLE)?;
    let init = ResponseInit::new();
    init.set_headers_headers(&headers);
    Response::new_with_opt_js_u8_array_and_init(Some(bytes), &init)
}

fn key(sha256: &[u8; 32]) -> String {
    format!("{FOLDER}{}", hex(sha256))
}

fn cache_url(sha256: &[u8; 32]) -> String {
    format!("https://blobs.invalid/{}", hex(sha256))
}

/// The SHA-256 in the key of a blob.
fn sha256(key: &str) -> Option<[u8; 32]> {
    from_hex(key.strip_prefix(FOLDER)?)
}
