//! The one error of the worker; its text says what failed, where, and what to do. Nothing of the visitor is in it.

use crate::log::{self, Level, Line};
use std::fmt;
use wasm_bindgen::{JsCast, JsValue};

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// A variable or binding of `wrangler.toml` is missing or cannot be understood.
    Setting {
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Nothing answered.
    Fetch {
        /// What was asked for.
        url: String,
        /// What the platform says.
        detail: String,
    },
    /// Nothing answered in time.
    Slow {
        /// What was asked for.
        url: String,
        /// How long it was waited for, in seconds.
        seconds: u32,
    },
    /// The answer was no success.
    Status {
        /// What was asked for.
        url: String,
        /// The status of the answer.
        status: u16,
    },
    /// The answer is not what it should be.
    Document {
        /// What was asked for.
        url: String,
        /// What is wrong, and where.
        detail: String,
    },
    /// A manifest, or what it names, cannot be used.
    Published {
        /// What it is.
        name: String,
        /// What the runtime says.
        error: pocketrank::Error,
    },
    /// KV, R2 or the cache did not do what they were asked for.
    Storage {
        /// Which of them.
        name: &'static str,
        /// What the platform says.
        detail: String,
    },
    /// A page's own model cannot be made.
    PageModel {
        /// The first list that it would cover.
        first: String,
        /// How many it would.
        lists: usize,
        /// Why not.
        detail: String,
    },
    /// A slot's attribute cannot be understood.
    Slot {
        /// The slot's name.
        slot: String,
        /// What the attribute must be.
        expected: &'static str,
    },
    /// A slot's template cannot be used.
    Template {
        /// The slot's name.
        slot: String,
        /// What the runtime says.
        error: pocketrank::Error,
    },
    /// The platform refused something.
    Platform(String),
}

impl Error {
    /// The status that a visitor gets where there is no page to show.
    pub fn status(&self) -> u16 {
        match self {
            Error::Fetch { .. } | Error::Status { .. } | Error::Document { .. } | Error::Published { .. } => 502,
            Error::Slow { .. } => 504,
            _ => 500,
        }
    }
}

impl Error {
    /// What the log calls it: event and reason.
    pub fn names(&self) -> (&'static str, &'static str) {
        match self {
            Error::Setting { name, .. } => ("setting", name),
            Error::Fetch { .. } => ("fetch", "no_answer"),
            Error::Slow { .. } => ("fetch", "slow"),
            Error::Status { .. } => ("fetch", "status"),
            Error::Document { .. } => ("document", "wrong"),
            Error::Published { error, .. } => ("published", error.code()),
            Error::Storage { name, .. } => ("storage", name),
            Error::PageModel { .. } => ("page_model", "none"),
            Error::Slot { .. } => ("slot", "attribute"),
            Error::Template { .. } => ("slot", "template"),
            Error::Platform(_) => ("platform", "thrown"),
        }
    }

    fn line(&self) -> Line<'_> {
        let (event, reason) = self.names();
        let slot = match self {
            Error::Slot { slot, .. } | Error::Template { slot, .. } => Some(slot.as_str()),
            _ => None,
        };
        Line {
            event,
            reason,
            slot,
            message: self.to_string(),
            ..Line::default()
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setting { name, expected } => write!(f, "{name}: must be {expected}; correct wrangler.toml"),
            Error::Fetch { url, detail } => write!(f, "{url}: no answer ({detail}); see that it is up"),
            Error::Slow { url, seconds } => {
                write!(
                    f,
                    "{url}: no answer in {seconds} s; see that it is up, or set UPSTREAM_TIMEOUT"
                )
            }
            Error::Status { url, status } => write!(f, "{url}: answered {status}; see that it is deployed"),
            Error::Document { url, detail } => write!(f, "{url}: {detail}; publish it again with `pocketrank`"),
            Error::Published { name, error } => write!(f, "{name}: {error}"),
            Error::Storage { name, detail } => {
                write!(f, "{name}: {detail}; what is in use stays, and it is tried again")
            }
            Error::PageModel { first, lists, detail } => {
                write!(
                    f,
                    "model of a page of {lists} lists, {first} first: {detail}; such pages go without"
                )
            }
            Error::Slot { slot, expected } => write!(f, "slot `{slot}`: {expected}; correct the page"),
            Error::Template { slot, error } => write!(f, "slot `{slot}`: {error}"),
            Error::Platform(detail) => write!(f, "the worker's platform: {detail}; see its log"),
        }
    }
}

impl std::error::Error for Error {}

impl From<JsValue> for Error {
    fn from(value: JsValue) -> Self {
        Error::Platform(describe(&value))
    }
}

/// What a thrown value says. The platform may name the address of a request: it is left out, for what was searched for is in it.
pub fn describe(value: &JsValue) -> String {
    let said = match value.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => value.as_string().unwrap_or_else(|| "it does not say why".into()),
    };
    let is_address = |word: &&str| word.contains(":/") || word.contains('?');
    let shown = |word| if is_address(&word) { "(address)" } else { word };
    match said.split(' ').any(|word| is_address(&word)) {
        true => said.split(' ').map(shown).collect::<Vec<_>>().join(" "),
        false => said,
    }
}

/// That nothing answered, with what was thrown.
pub fn failed(url: &str, value: &JsValue) -> Error {
    Error::Fetch {
        url: loggable(url).into(),
        detail: describe(value),
    }
}

/// An address as the log may have it: of a page upstream the server alone, for its path may name somebody; else without what was searched for.
pub fn loggable(url: &str) -> &str {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.split('?').next().unwrap_or_default();
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    url.get(..scheme.len() + 3 + host.len()).unwrap_or_default()
}

/// Tells the log of a failure that the page outlives.
pub fn warn(error: &Error) {
    log::write(Level::Warn, error.line());
}

/// Tells the log of a failure that leaves nothing to answer.
pub fn fail(error: &Error) {
    log::write(Level::Error, error.line());
}
