//! Where pages come from: the static assets, or the shop's own server.
//!
//! Invariant: no request leaves with the capsule, and a shared page is asked for without any cookie.

use crate::assets::Assets;
use crate::error::{failed, loggable, Error};
use crate::guard;
use crate::settings::Settings;
use crate::store::within;
use js_sys::{Array, Object, Promise, Reflect};
use pocketrank::edge::{self, cache};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Request, RequestInit, RequestRedirect, Response, Url, WorkerGlobalScope};
use worker::Env;

thread_local! {
    /// Names of headers that do not go to upstream, in small letters.
    static DROPS: Array = edge::REQUEST_DROPS.iter().map(|name| JsValue::from(name.to_ascii_lowercase())).collect();
}

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
        let encodings = cache::encodings(request.headers().get("Accept-Encoding")?.as_deref());
        let headers = DROPS.with(|drops| guard::headers_of(request, drops, encodings));
        self.in_time(&self.at(url, &url.search()), &headers, timeout).await
    }

    /// The page as it is kept: nothing of the visitor's request but its path and this query goes with the question.
    ///
    /// # Errors
    /// [`Error::Fetch`] or [`Error::Slow`] if upstream does not answer.
    pub async fn cacheable(&self, url: &Url, query: &str, timeout: u32) -> Result<Response, Error> {
        let headers = Object::new();
        for (name, value) in cache::REQUEST {
            Reflect::set(&headers, &name.into(), &value.into())?;
        }
        self.in_time(&self.at(url, query), &headers, timeout).await
    }

    /// What is answered at an address; it is asked for once more where the connection ends before the answer begins, as one does that a
    /// server has closed for being idle. What comes too late is not aborted: it ends with the visitor's request, and what could abort it would cost
    /// each page that comes in time.
    async fn in_time(&self, url: &str, headers: &Object, timeout: u32) -> Result<Response, Error> {
        let until = js_sys::Date::now() + f64::from(timeout) * 1_000.0;
        let mut answered = self.answered(url, headers, until).await;
        if answered.is_err() && js_sys::Date::now() < until {
            answered = self.answered(url, headers, until).await;
        }
        match answered.map_err(|value| failed(url, &value))? {
            Some(response) => Ok(response.unchecked_into()),
            None => Err(Error::Slow {
                url: loggable(url).into(),
                seconds: timeout,
            }),
        }
    }

    /// What came until that time, in milliseconds since 1970-01-01 UTC.
    async fn answered(&self, url: &str, headers: &Object, until: f64) -> Result<Option<JsValue>, JsValue> {
        let init = RequestInit::new();
        init.set_headers_record_from_str_to_str(headers);
        init.set_redirect(RequestRedirect::Manual);
        let promise = match self {
            Upstream::Assets(assets) => assets.fetch(&Request::new_with_str_and_init(url, &init)?)?,
            Upstream::Server(_) => scope().fetch_with_str_and_init(url, &init),
        };
        within((until - js_sys::Date::now()).max(0.0), &promise).await
    }

    /// Where upstream has the page, with this query.
    fn at(&self, url: &Url, query: &str) -> String {
        format!("{}{}{query}", self.server(url), url.pathname())
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
        // A request serves as the init of another: method, headers, body and redirect mode are taken from it.
        let request = Request::new_with_str_and_init(&self.at(url, &url.search()), request.unchecked_ref())?;
        let headers = request.headers();
        if let Some(cookies) = headers.get("Cookie")? {
            match edge::strip_capsule(&cookies) {
                Some(kept) => headers.set("Cookie", &kept)?,
                None => headers.delete("Cookie")?,
            }
        }
        Ok(match self {
            Upstream::Assets(assets) => assets.fetch(&request)?,
            Upstream::Server(_) => scope().fetch_with_request(&request),
        })
    }
}

fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}
