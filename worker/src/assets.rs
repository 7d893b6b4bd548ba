//! The static files that are deployed with the worker: the embedded snapshot, the candidates' lists and the demo shop.

use crate::error::{failed, Error};
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Request, Response};
use worker::worker_sys::Fetcher;
use worker::Env;

/// The binding wants whole URLs and looks at their path only.
const ORIGIN: &str = "https://assets.invalid";

/// The binding `ASSETS`.
#[derive(Clone)]
pub struct Assets(Fetcher);

impl Assets {
    /// # Errors
    /// [`Error::Setting`] if there is no such binding.
    pub fn of(env: &Env) -> Result<Self, Error> {
        let fetcher = Reflect::get(env, &"ASSETS".into()).ok().filter(JsValue::is_object);
        let fetcher = fetcher.ok_or(Error::Setting {
            name: "ASSETS",
            expected: "the binding of the assets",
        })?;
        Ok(Assets(fetcher.unchecked_into()))
    }

    /// The whole file at a path. The request for it carries nothing but the path.
    ///
    /// # Errors
    /// [`Error::Fetch`] or [`Error::Status`].
    pub async fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let response = answered(path, self.0.fetch_with_str(&format!("{ORIGIN}{path}"))).await?;
        if response.status() != 200 {
            return Err(Error::Status {
                url: path.into(),
                status: response.status(),
            });
        }
        let bytes = response.array_buffer()?.await?;
        Ok(Uint8Array::new(&bytes).to_vec())
    }

    /// Passes a request on; the promise is for the response.
    ///
    /// # Errors
    /// What was thrown.
    pub fn fetch(&self, request: &Request) -> Result<Promise, JsValue> {
        self.0.fetch(request)
    }
}

/// Waits for a response.
///
/// # Errors
/// [`Error::Fetch`] if none comes.
pub async fn answered(url: &str, promise: Result<Promise, JsValue>) -> Result<Response, Error> {
    let failed = |value: JsValue| failed(url, &value);
    let response = promise.map_err(failed)?.await.map_err(failed)?;
    Ok(response.unchecked_into())
}
