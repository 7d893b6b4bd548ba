//! Where pages come from: the static assets, or the shop's own server.
//!
//! Invariant: no request leaves with the capsule, and a shared page is asked for without any cookie.

use crate::assets::{answered, Assets};
use crate::error::Error;
use crate::settings::Settings;
use pocketrank::edge;
use wasm_bindgen::JsCast;
use web_sys::{Request, Response, Url, WorkerGlobalScope};
use worker::Env;

/// Where pages come from.
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

    /// The page that all visitors share.
    ///
    /// # Errors
    /// [`Error::Fetch`] if upstream does not answer.
    pub async fn shared(&self, request: &Request, url: &Url) -> Result<Response, Error> {
        let request = self.address(request, url)?;
        for name in edge::REQUEST_DROPS {
            request.headers().delete(name)?;
        }
        self.fetch(&request).await
    }

    /// What this visitor's own request gets.
    ///
    /// # Errors
    /// [`Error::Fetch`] if upstream does not answer.
    pub async fn pass(&self, request: &Request, url: &Url) -> Result<Response, Error> {
        let request = self.address(request, url)?;
        let headers = request.headers();
        if let Some(cookies) = headers.get("Cookie")? {
            match edge::strip_capsule(&cookies) {
                Some(kept) => headers.set("Cookie", &kept)?,
                None => headers.delete("Cookie")?,
            }
        }
        self.fetch(&request).await
    }

    /// The request, addressed to upstream; its headers can be changed.
    fn address(&self, request: &Request, url: &Url) -> Result<Request, Error> {
        let target = match self {
            Upstream::Assets(_) => url.href(),
            Upstream::Server(server) => format!("{server}{}{}", url.pathname(), url.search()),
        };
        // A request serves as the init of another: method, headers, body and redirect mode are taken from it.
        Ok(Request::new_with_str_and_init(&target, request.unchecked_ref())?)
    }

    async fn fetch(&self, request: &Request) -> Result<Response, Error> {
        match self {
            Upstream::Assets(assets) => assets.fetch(request).await,
            Upstream::Server(server) => {
                let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
                answered(server, Ok(scope.fetch_with_request(request))).await
            }
        }
    }
}
