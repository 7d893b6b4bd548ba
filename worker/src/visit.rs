//! The visit: what a request tells of the page that is asked for and, under consent, of who asks.
//!
//! Invariant: it is made for a slot and dropped with it. What of it conditions may ask of a page names nobody (`pocketrank::page`).

use crate::error::Error;
use crate::settings::Settings;
use crate::timezone;
use js_sys::Reflect;
use pocketrank::condition::Value;
use pocketrank::{edge, page, Asking, Profile};
use wasm_bindgen::JsValue;
use web_sys::Request;
use worker::Env;

/// A visit of a page.
pub struct Visit {
    profile: Profile,
    /// Null where nobody asks for them.
    attributes: Value,
    /// Seconds since 1970-01-01 UTC.
    pub now: u32,
    /// Minutes by which the visitor's clock is ahead of UTC, if the platform knows where the visitor is.
    utc_offset: Option<i32>,
}

impl Visit {
    /// The visit of a request; with the page's attributes only where somebody asks for them.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn of(request: &Request, env: &Env, attributes: bool) -> Result<Self, Error> {
        let headers = request.headers();
        let header = |name: &str| headers.get(name).ok().flatten();
        let at = js_sys::Date::now();
        let now = (at / 1000.0) as u32;
        let place = Reflect::get(request, &"cf".into()).unwrap_or(JsValue::UNDEFINED);
        let utc_offset = text(&place, "timezone").and_then(|name| timezone::offset(&name, at));
        let profile = edge::profile(
            Settings::read(env)?.capsule,
            header("Sec-GPC").as_deref(),
            header("Cookie").as_deref(),
            now,
        );
        let make = || {
            page::attributes(&page::Request {
                url: &request.url(),
                referrer: &header("Referer").unwrap_or_default(),
                user_agent: &header("User-Agent").unwrap_or_default(),
                mobile: &header("Sec-CH-UA-Mobile").unwrap_or_default(),
                country: &text(&place, "country").unwrap_or_default(),
                now,
                utc_offset: utc_offset.unwrap_or_default(),
            })
        };
        Ok(Visit {
            profile,
            attributes: if attributes { make() } else { Value::Null },
            now,
            utc_offset,
        })
    }

    /// The page's attributes as JSON; empty where nobody asks for them.
    pub fn page(&self) -> String {
        match &self.attributes {
            Value::Null => String::new(),
            attributes => attributes.json(),
        }
    }

    /// The hour of the day where the visitor is, if the platform knows.
    pub fn hour(&self) -> Option<u8> {
        let local = i64::from(self.now) + i64::from(self.utc_offset?) * 60;
        u8::try_from(local.rem_euclid(86_400) / 3_600).ok()
    }

    /// Who asks, for decisions.
    pub fn asking(&self) -> Asking<'_> {
        Asking {
            attributes: &self.attributes,
            profile: &self.profile,
            now: self.now,
        }
    }
}

fn text(object: &JsValue, name: &str) -> Option<String> {
    Reflect::get(object, &name.into()).ok()?.as_string()
}
