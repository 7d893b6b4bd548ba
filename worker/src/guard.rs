//! The way to `guard.mjs`, where is what outlives this instance, and the entries by which it comes back here.
//!
//! Invariant: what JavaScript calls here for a request is one of these entries, and none of them holds anything of a request.

use crate::error::failed;
use crate::rewriter::{self, Element, End};
use js_sys::{futures::future_to_promise, Array, Object, Promise, Reflect, Set};
use wasm_bindgen::prelude::*;
use web_sys::{Request, Response};
use worker::worker_sys::Context;
use worker::Env;

#[wasm_bindgen(module = "/src/guard.mjs")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn begin(entries: &Object) -> Result<(), JsValue>;

    /// The answer to a request, begun again where the instance ends before it is there.
    pub fn answer(request: &Request, env: &Env, context: &Context) -> Promise;

    /// The response with its slots filled as it is read, and with the model of what fills them at its end if `carries`.
    #[wasm_bindgen(catch)]
    pub fn rewrite(response: &Response, request: &Request, env: &Env, carries: bool) -> Result<Response, JsValue>;

    /// Keeps a response in the cache under an address once it has been read, if it comes to its end. The promise does not fail.
    pub fn keep(url: &str, response: &Response) -> Promise;

    /// The headers of a request but some, whose names are in small letters, with those encodings: an object of plain values.
    #[wasm_bindgen(js_name = headersOf)]
    pub fn headers_of(request: &Request, drops: &Array, encodings: &str) -> Object;

    /// What comes of a promise, in a list of one, or nothing where the time is over, in milliseconds.
    pub fn within(milliseconds: f64, promise: &Promise) -> Promise;
}

#[wasm_bindgen(module = "/src/nonce.mjs")]
extern "C" {
    /// The response with nonces of its own, where its Content-Security-Policy has some.
    #[wasm_bindgen(catch)]
    pub fn renew(response: &Response) -> Result<Response, JsValue>;
}

type OnRequest = Closure<dyn Fn(Request, Env, Context) -> Promise>;
type OnFailure = Closure<dyn Fn(Request, JsValue) -> Response>;
type OnSlot = Closure<dyn Fn(Request, Env, Set, String, Element) -> Option<Promise>>;
type OnEnd = Closure<dyn Fn(Set, End)>;

/// Runs when an instance begins: says by what it is called.
#[wasm_bindgen(start)]
fn start() -> Result<(), JsValue> {
    let on_request = OnRequest::new(|request: Request, env: Env, context: Context| {
        future_to_promise(async move { Ok(crate::answer(&request, &env, &context).await.into()) })
    });
    let entries = Object::new();
    for (name, entry) in [
        ("answer", on_request.into_js_value()),
        ("slot", OnSlot::new(rewriter::on_slot).into_js_value()),
        ("failed", OnFailure::new(on_failure).into_js_value()),
        ("end", OnEnd::new(rewriter::on_end).into_js_value()),
    ] {
        Reflect::set(&entries, &name.into(), &entry)?;
    }
    begin(&entries)
}

/// What a request gets that was passed on in vain.
fn on_failure(request: Request, value: JsValue) -> Response {
    crate::plain(&failed(&request.url(), &value))
}
