//! What `wrangler.toml` sets.
//!
//! Invariant: nothing is kept that a deployment changes: a deployment begins isolates of its own, and what is kept goes with the object that
//! it was read from.

use crate::error::Error;
use js_sys::Reflect;
use pocketrank::edge::cache::{Lifetime, Rules};
use pocketrank::edge::Pages;
use pocketrank::{PublicKey, Trust};
use std::cell::RefCell;
use wasm_bindgen::JsValue;
use web_sys::Url;
use worker::Env;

/// The worker's variables.
pub struct Settings {
    /// Where the shop's own pages come from, without a slash at its end; the static assets if `None`.
    pub upstream: Option<String>,
    /// The pages with slots.
    pub pages: Pages,
    /// Whether capsules are read.
    pub capsule: bool,
    /// Whether pages carry their own model.
    pub page_model: bool,
}

/// How the shared page is fetched and kept.
pub struct Caching {
    /// Which pages are kept.
    pub rules: Rules,
    /// How long, where upstream does not say.
    pub defaults: Lifetime,
    /// How long upstream has to begin its answer, in seconds.
    pub timeout: u32,
}

/// Whom the worker trusts and whom it follows.
pub struct Origin {
    /// What is pinned.
    pub trust: Trust,
    /// Where the manifest's folder is, without a slash at its end; `None` where the static assets are all there is.
    pub models: Option<String>,
    /// The longest time between two questions, in seconds.
    pub interval: u32,
}

/// The longest time between two questions to the origin, in seconds, where nothing is set.
const INTERVAL: u32 = 3_600;

/// Seconds, where nothing is set: how long a page is fresh, is used while another is fetched, and where none can be had; and how long upstream has.
const PAGE_TTL: u32 = 60;
const STALE_WHILE_REVALIDATE: u32 = 60;
const STALE_IF_ERROR: u32 = 86_400;
const UPSTREAM_TIMEOUT: u32 = 30;

/// The variables and secrets of an object that have been read.
struct Read {
    env: JsValue,
    texts: Vec<(&'static str, String)>,
}

thread_local! {
    static READ: RefCell<Read> = const { RefCell::new(Read { env: JsValue::UNDEFINED, texts: vec![] }) };
}

/// A variable or a secret; empty if it is not set. Reading one takes longer than finding it again.
pub fn text(env: &Env, name: &'static str) -> String {
    READ.with_borrow_mut(|read| {
        if read.env != **env {
            read.env = JsValue::clone(env);
            read.texts.clear();
        }
        if let Some((_, text)) = read.texts.iter().find(|(known, _)| *known == name) {
            return text.clone();
        }
        let value = Reflect::get(env, &name.into()).ok();
        let text = value.and_then(|value| value.as_string()).unwrap_or_default();
        read.texts.push((name, text.clone()));
        text
    })
}

fn wrong(name: &'static str, expected: &'static str) -> Error {
    Error::Setting { name, expected }
}

/// A number of seconds; `default` if it is empty.
fn seconds(env: &Env, name: &'static str, default: u32) -> Result<u32, Error> {
    match text(env, name).as_str() {
        "" => Ok(default),
        text => text.parse().map_err(|_| wrong(name, "a number of seconds")),
    }
}

/// An address without a slash at its end; `None` if it is empty.
fn address(env: &Env, name: &'static str) -> Result<Option<String>, Error> {
    let url = text(env, name);
    let is_url = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) && Url::new(&url).is_ok();
    match (url.is_empty(), is_url) {
        (true, _) => Ok(None),
        (_, true) => Ok(Some(url.trim_end_matches('/').into())),
        _ => Err(wrong(name, "empty or an http or https URL")),
    }
}

fn switch(env: &Env, name: &'static str) -> Result<bool, Error> {
    match text(env, name).as_str() {
        "on" => Ok(true),
        "" | "off" => Ok(false),
        _ => Err(wrong(name, "`on` or `off`")),
    }
}

/// Whether servers may ask the API.
///
/// # Errors
/// [`Error::Setting`].
pub fn api(env: &Env) -> Result<bool, Error> {
    switch(env, "API")
}

impl Origin {
    /// # Errors
    /// [`Error::Setting`] for the first variable that cannot be understood, or is missing.
    pub fn read(env: &Env) -> Result<Self, Error> {
        let audience = text(env, "AUDIENCE");
        if audience.is_empty() {
            return Err(wrong("AUDIENCE", "the audience that `pocketrank publish` is given"));
        }
        const KEYS: &str =
            "public keys, of 64 hexadecimal digits each as `pocketrank keys` prints them, separated by blanks";
        let keys = text(env, "PUBLIC_KEYS");
        let keys: Result<Vec<_>, _> = keys.split_whitespace().map(PublicKey::from_hex).collect();
        let keys = keys.ok().filter(|keys| !keys.is_empty());
        let interval = match text(env, "INTERVAL").as_str() {
            "" => Some(INTERVAL),
            text => text.parse().ok().filter(|seconds| *seconds > 0),
        };
        Ok(Origin {
            trust: Trust {
                audience,
                keys: keys.ok_or_else(|| wrong("PUBLIC_KEYS", KEYS))?,
                sequence: 0,
            },
            models: address(env, "MODELS_URL")?,
            interval: interval.ok_or_else(|| wrong("INTERVAL", "a number of seconds from 1"))?,
        })
    }
}

impl Caching {
    /// # Errors
    /// [`Error::Setting`] for the first variable that cannot be understood.
    pub fn read(env: &Env) -> Result<Self, Error> {
        const RULES: &str = "paths as in PAGES, and names of parameters such as `page -utm_*`, separated by blanks";
        Ok(Caching {
            rules: Rules::parse(&text(env, "CACHE_PAGES"), &text(env, "CACHE_QUERY"))
                .ok_or_else(|| wrong("CACHE_PAGES, CACHE_QUERY", RULES))?,
            defaults: Lifetime {
                fresh: seconds(env, "PAGE_TTL", PAGE_TTL)?,
                while_revalidate: seconds(env, "STALE_WHILE_REVALIDATE", STALE_WHILE_REVALIDATE)?,
                if_error: seconds(env, "STALE_IF_ERROR", STALE_IF_ERROR)?,
            },
            timeout: match seconds(env, "UPSTREAM_TIMEOUT", UPSTREAM_TIMEOUT)? {
                0 => return Err(wrong("UPSTREAM_TIMEOUT", "a number of seconds from 1")),
                seconds => seconds,
            },
        })
    }
}

impl Settings {
    /// # Errors
    /// [`Error::Setting`] for the first variable that cannot be understood.
    pub fn read(env: &Env) -> Result<Self, Error> {
        Ok(Settings {
            upstream: address(env, "UPSTREAM_URL")?,
            pages: Pages::parse(&text(env, "PAGES"))
                .ok_or_else(|| wrong("PAGES", "paths such as `/ /product/*`, separated by blanks"))?,
            capsule: switch(env, "CAPSULE")?,
            page_model: switch(env, "PAGE_MODEL")?,
        })
    }
}
