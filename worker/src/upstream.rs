//! Where pages come from: the static assets, or the shop's own server.
//!
//! Invariant: no request leaves with the capsule, and a shared page is asked for without any cookie.

use crate::assets::Assets;
use crate::error::{failed, loggable, Error};
use crate::settings::Settings;
use crate::store::within;
use js_sys::Promise;
use pocketrank::edge::{self, cache};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, Headers, Request, RequestInit, RequestRedirect, Response, Url, WorkerGlobalScope};
use worker::Env;

/// Where pages come from.
#[derive(Clone)]
pub enum Upstream {
    /// The files deployed with the worker.
    Assets(Assets),
    /// A server; its URL has no slash at its end.
    Server(String),
}

impl Upstream {
    /// # Errors
    /// [`Error::Setting`] if the assets are meant and not bound.
    pub fn of(settings: &Settings, env: &Env) -> Result<Self, Error> {
        Ok(match &settings.upstream {
            Some(url) => Upstream::Server(url.clone()),
            None => Upstream::Assets(Assets::of(env)?),
        })
    }

    /// The page that all visitors share, as this visitor's browser wants it, in at most that many seconds.
    ///
    /// # Errors
    /// [`Error::Fetch`] or [`Error::Slow`] if upstream does not answer.
    pub async fn shared(&self, request: &Request, url: &Url, timeout: u32) -> Result<Response, Error> {
        let request = self.address(request, url)?;
        let headers = request.headers();
        for name in edge::REQUEST_DROPS {
            headers.delete(name)?;
        }
        let encodings = headers.get("Accept-Encoding")?;
        headers.set("Accept-Encoding", cache::encodings(encodings.as_deref()))?;
        self.in_time(&request, timeout).await
    }

    /// The page as it is kept: nothing of the visitor's request but its path and this query goes with the question.
    ///
    /// # Errors
    /// [`Error::Fetch`] or [`Error::Slow`] if upstream does not answer.
    pub async fn cacheable(&self, url: &Url, query: &str, timeout: u32) -> Result<Response, Error> {
        let server = self.server(url);
        let headers = Headers::new()?;
        for (name, value) in cache::REQUEST {
            headers.set(name, value)?;
        }
        let init = RequestInit::new();
        init.set_headers_headers(&headers);
        init.set_redirect(RequestRedirect::Manual);
        let request = Request::new_with_str_and_init(&format!("{server}{}{query}", url.pathname()), &init)?;
        self.in_time(&request, timeout).await
    }

    /// The answer to a request without a body; it is sent once more where the connection ends before the answer begins, as one does that a
    /// server has closed for being idle.
    async fn in_time(&self, request: &Request, timeout: u32) -> Result<Response, Error> {
        let abort = AbortController::new()?;
        let init = RequestInit::new();
        init.set_signal(Some(&abort.signal()));
        let request = Request::new_with_request_and_init(request, &init)?;
        let until = js_sys::Date::now() + f64::from(timeout) * 1_000.0;
        let mut answered = self.answered(&request, until).await;
        if answered.is_err() && js_sys::Date::now() < until {
            answered = self.answered(&request, until).await;
        }
        match answered.map_err(|value| failed(&request.url(), &value))? {
            Some(response) => Ok(response.unchecked_into()),
            None => {
                abort.abort();
                Err(Error::Slow {
                    url: loggable(&request.url()).into(),
                    seconds: timeout,
                })
            }
        }
    }

    /// What came until that time, in milliseconds since 1970-01-01 UTC.
    async fn answered(&self, request: &Request, until: f64) -> Result<Option<JsValue>, JsValue> {
        within((until - js_sys::Date::now()).max(0.0), &self.begin(request)?).await
    }

    /// Scheme and host of the server; of the assets, which go by paths alone, those of the request.
    pub fn server(&self, url: &Url) -> String {
        match self {
            Upstream::Assets(_) => url.origin(),
            Upstream::Server(server) => server.clone(),
        }
    }

    /// Begins what this visitor's own request gets; the promise is for the response and needs nothing of this memory.
    ///
    /// # Errors
    /// [`Error::Platform`] if the request cannot be made.
    pub fn pass(&self, request: &Request, url: &Url) -> Result<Promise, Error> {
        let request = self.address(request, url)?;
        let headers = request.headers();
        if let Some(cookies) = headers.get("Cookie")? {
            match edge::strip_capsule(&cookies) {
                Some(kept) => headers.set("Cookie", &kept)?,
                None => headers.delete("Cookie")?,
            }
        }
        Ok(self.begin(&request)?)
    }

    /// The request, addressed to upstream; its headers can be changed.
    fn address(&self, request: &Request, url: &Url) -> Result<Request, Error> {
        let target = format!("{}{}{}", self.server(url), url.pathname(), url.search());
        // A request serves as the init of another: method, headers, body and redirect mode are taken from it.
        Ok(Request::new_with_str_and_init(&target, request.unchecked_ref())?)
    }

    fn begin(&self, request: &Request) -> Result<Promise, JsValue> {
        match self {
            Upstream::Assets(assets) => assets.fetch(request),
            Upstream::Server(_) => {
                let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
                Ok(scope.fetch_with_request(request))
            }
        }
    }
}
