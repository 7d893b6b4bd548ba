//! What the platform stores in and counts by, as far as the worker uses it: KV, R2, the Cache API, rate limits. The bindings of `worker` have
//! far more, and take more room.

use js_sys::{Array, ArrayBuffer, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::Response;

#[wasm_bindgen]
extern "C" {
    /// A KV namespace.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    pub type Kv;

    /// Value and metadata of a key.
    #[wasm_bindgen(method, catch, js_name = getWithMetadata)]
    pub fn get_with_metadata(this: &Kv, key: &str, kind: &str) -> Result<Promise, JsValue>;

    /// Replaces the value of a key.
    #[wasm_bindgen(method, catch)]
    pub fn put(this: &Kv, key: &str, value: &Uint8Array, options: &Object) -> Result<Promise, JsValue>;

    /// What [`Kv::get_with_metadata`] gives.
    #[wasm_bindgen(extends = Object)]
    pub type KvValue;

    /// `None` if there is no such key.
    #[wasm_bindgen(method, getter)]
    pub fn value(this: &KvValue) -> Option<ArrayBuffer>;

    /// As it was put.
    #[wasm_bindgen(method, getter)]
    pub fn metadata(this: &KvValue) -> JsValue;

    /// An R2 bucket.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    pub type Bucket;

    /// The object of a key, or null.
    #[wasm_bindgen(method, catch)]
    pub fn get(this: &Bucket, key: &str) -> Result<Promise, JsValue>;

    /// Replaces the object of a key.
    #[wasm_bindgen(method, catch)]
    pub fn put(this: &Bucket, key: &str, value: &Uint8Array) -> Result<Promise, JsValue>;

    /// Deletes at most 1,000 keys.
    #[wasm_bindgen(method, catch)]
    pub fn delete(this: &Bucket, keys: &Array) -> Result<Promise, JsValue>;

    /// The keys with a beginning, at most 1,000 at a time.
    #[wasm_bindgen(method, catch)]
    pub fn list(this: &Bucket, options: &Object) -> Result<Promise, JsValue>;

    /// What [`Bucket::get`] gives.
    #[wasm_bindgen(extends = Object)]
    pub type BucketObject;

    /// Its name.
    #[wasm_bindgen(method, getter)]
    pub fn key(this: &BucketObject) -> String;

    /// Its bytes.
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    pub fn array_buffer(this: &BucketObject) -> Result<Promise, JsValue>;

    /// What [`Bucket::list`] gives.
    #[wasm_bindgen(extends = Object)]
    pub type BucketList;

    /// The objects.
    #[wasm_bindgen(method, getter)]
    pub fn objects(this: &BucketList) -> Array;

    /// Where the list goes on, if it does.
    #[wasm_bindgen(method, getter)]
    pub fn cursor(this: &BucketList) -> Option<String>;

    /// A cache of this data centre.
    pub type Cache;

    /// The one cache that the Cache API has by default.
    #[wasm_bindgen(thread_local_v2, js_namespace = caches, js_name = default)]
    pub static CACHE: Cache;

    /// The response kept under an address, or undefined.
    #[wasm_bindgen(method, catch, js_name = match)]
    pub fn matches(this: &Cache, url: &str) -> Result<Promise, JsValue>;

    /// Keeps a response under an address.
    #[wasm_bindgen(method, catch)]
    pub fn put(this: &Cache, url: &str, response: &Response) -> Result<Promise, JsValue>;

    /// Deletes the response kept under an address.
    #[wasm_bindgen(method, catch)]
    pub fn delete(this: &Cache, url: &str) -> Result<Promise, JsValue>;

    /// A rate limit.
    #[wasm_bindgen(extends = Object)]
    pub type RateLimit;

    /// Takes note of a call under the key in `{ key }`.
    #[wasm_bindgen(method, catch)]
    pub fn limit(this: &RateLimit, options: &Object) -> Result<Promise, JsValue>;

    /// What [`RateLimit::limit`] gives.
    #[wasm_bindgen(extends = Object)]
    pub type RateLimited;

    /// Whether the call is within the limit.
    #[wasm_bindgen(method, getter)]
    pub fn success(this: &RateLimited) -> bool;
}
