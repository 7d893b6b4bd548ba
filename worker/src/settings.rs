//! What `wrangler.toml` sets; read anew for each request, so that nothing is kept that a deployment changes.

use crate::error::Error;
use js_sys::Reflect;
use pocketrank::edge::Pages;
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

impl Settings {
    /// # Errors
    /// [`Error::Setting`] for the first variable that cannot be understood.
    pub fn read(env: &Env) -> Result<Self, Error> {
        let value = |name: &str| Reflect::get(env, &name.into()).ok();
        let text = |name| value(name).and_then(|value| value.as_string()).unwrap_or_default();
        let wrong = |name, expected| Error::Setting { name, expected };
        let upstream = text("UPSTREAM_URL");
        let is_url = ["http://", "https://"]
            .iter()
            .any(|scheme| upstream.starts_with(scheme));
        if !upstream.is_empty() && !is_url {
            return Err(wrong("UPSTREAM_URL", "empty or an http or https URL"));
        }
        let switch = |name| match text(name).as_str() {
            "on" => Ok(true),
            "" | "off" => Ok(false),
            _ => Err(wrong(name, "`on` or `off`")),
        };
        Ok(Settings {
            upstream: Some(upstream.trim_end_matches('/').to_owned()).filter(|url| !url.is_empty()),
            pages: Pages::parse(&text("PAGES"))
                .ok_or_else(|| wrong("PAGES", "paths such as `/ /product/*`, separated by blanks"))?,
            capsule: switch("CAPSULE")?,
            page_model: switch("PAGE_MODEL")?,
        })
    }
}
