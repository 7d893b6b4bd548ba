//! Fetches what the plan asks of the origin.
//!
//! Invariant: an answer is taken in within its time and its bytes, whatever it announces. Requests carry nothing but what is asked for.

use crate::error::Error;
use crate::store::within;
use js_sys::{Reflect, Uint8Array};
use pocketrank::edge;
use pocketrank::sync::{Answer, Failure, Kind, Request, SLOWEST};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestCache, RequestInit, RequestRedirect, Response, Url,
    WorkerGlobalScope,
};

/// The most redirections that are followed, to the same scheme or to HTTPS.
const REDIRECTIONS: usize = 4;
/// How long an answer may take, in milliseconds, beside the time for its bytes.
pub const TIMEOUT: u32 = 10_000;

/// What a request needs, apart from the plan that it is from.
pub struct Asked {
    kind: Kind,
    url: String,
    limit: usize,
    /// How long the whole may take, in milliseconds.
    pub timeout: f64,
    /// By how much that grows with each byte that has come.
    grows: f64,
    if_none_match: Option<String>,
}

impl Asked {
    /// A request to the origin whose manifest is in the folder `models`.
    pub fn of(models: &str, request: &Request<'_>) -> Self {
        let file = if request.url.is_empty() {
            edge::MANIFEST
        } else {
            request.url
        };
        Asked {
            kind: request.kind,
            url: format!("{models}/{file}"),
            limit: request.limit as usize,
            timeout: request.timeout.into(),
            grows: 0.0,
            if_none_match: request.if_none_match.map(Into::into),
        }
    }

    /// A request for a file of at most that many bytes, in that many milliseconds beside the time for its bytes.
    pub fn file(models: &str, file: &str, limit: u32, timeout: f64) -> Self {
        Asked {
            kind: Kind::File,
            url: format!("{models}/{file}"),
            limit: limit as usize,
            timeout,
            grows: 1_000.0 / f64::from(SLOWEST),
            if_none_match: None,
        }
    }

    /// The bytes of the file, all of them.
    ///
    /// # Errors
    /// [`Error::Status`] for another status than 200, [`Error::Fetch`] where they do not come within the limits.
    pub async fn bytes(&self) -> Result<Vec<u8>, Error> {
        let url = || self.url.clone();
        match self.fetch().await {
            Answer::Body { bytes, .. } => Ok(bytes),
            Answer::Status { status, .. } => Err(Error::Status { url: url(), status }),
            Answer::Failed(failure) => Err(Error::Fetch {
                url: url(),
                detail: failure.code().into(),
            }),
            // It is not asked whether something changed.
            Answer::NotModified | Answer::Done | Answer::NotStored => Err(Error::Status {
                url: url(),
                status: 304,
            }),
        }
    }

    /// What came of it.
    pub async fn fetch(&self) -> Answer {
        match self.try_fetch().await {
            Ok(answer) => answer,
            Err(Stop::Failed(failure)) => Answer::Failed(failure),
            Err(Stop::Thrown) => Answer::Failed(Failure::Network),
        }
    }

    async fn try_fetch(&self) -> Result<Answer, Stop> {
        let abort = AbortController::new()?;
        let deadline = js_sys::Date::now() + self.timeout;
        let answer = self.answer(&abort, deadline).await;
        if answer.is_err() {
            // Whatever is still under way is not wanted any more.
            abort.abort();
        }
        answer
    }

    async fn answer(&self, abort: &AbortController, deadline: f64) -> Result<Answer, Stop> {
        let response = self.response(abort, deadline).await?;
        let headers = response.headers();
        let answer = match response.status() {
            200 => {
                return Ok(Answer::Body {
                    bytes: self.body(&response, deadline).await?,
                    etag: headers.get("ETag")?,
                })
            }
            304 => Answer::NotModified,
            status => Answer::Status {
                status,
                retry_after: headers.get("Retry-After")?.and_then(|text| text.trim().parse().ok()),
            },
        };
        // What says no more is not read: the connection is free for others.
        abort.abort();
        Ok(answer)
    }

    async fn response(&self, abort: &AbortController, deadline: f64) -> Result<Response, Stop> {
        let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
        let init = RequestInit::new();
        init.set_signal(Some(&abort.signal()));
        init.set_redirect(RequestRedirect::Manual);
        if self.kind == Kind::Manifest {
            init.set_cache(RequestCache::NoStore);
        }
        if let Some(etag) = &self.if_none_match {
            let headers = Headers::new()?;
            headers.set("If-None-Match", etag)?;
            init.set_headers_headers(&headers);
        }
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTIONS {
            let response = in_time(deadline, &scope.fetch_with_str_and_init(&url, &init)).await?;
            let response: Response = response.unchecked_into();
            if !matches!(response.status(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let Some(location) = response.headers().get("Location")? else {
                return Ok(response);
            };
            let next = Url::new_with_base(&location, &url)?;
            if next.protocol() != "https:" && next.protocol() != Url::new(&url)?.protocol() {
                break;
            }
            url = next.href();
        }
        Err(Stop::Failed(Failure::Redirected))
    }

    async fn body(&self, response: &Response, deadline: f64) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        let Some(body) = response.body() else { return Ok(bytes) };
        let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
        loop {
            let deadline = deadline + bytes.len() as f64 * self.grows;
            let piece = in_time(deadline, &reader.read()).await?;
            let value = Reflect::get(&piece, &"value".into())?;
            let Some(piece) = value.dyn_ref::<Uint8Array>() else {
                return Ok(bytes);
            };
            if piece.length() as usize > self.limit - bytes.len() {
                return Err(Stop::Failed(Failure::TooLong));
            }
            bytes.extend(piece.to_vec());
        }
    }
}

/// Why a request ended early.
enum Stop {
    Failed(Failure),
    Thrown,
}

impl From<JsValue> for Stop {
    fn from(_: JsValue) -> Self {
        Stop::Thrown
    }
}

async fn in_time(deadline: f64, promise: &js_sys::Promise) -> Result<JsValue, Stop> {
    let left = (deadline - js_sys::Date::now()).max(0.0);
    within(left, promise).await?.ok_or(Stop::Failed(Failure::Timeout))
}
