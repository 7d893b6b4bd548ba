//! The log: one JSON object a line, on the console.
//!
//! Invariant: a line says what happened and why, by names of the program, of the shop's slots and lists, and of the model; nothing of a request
//! or of a visitor is in it.

use crate::metrics;
use pocketrank::edge::metrics::LOG;
use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, PartialEq)]
pub enum Level {
    /// Something went as it should.
    Info,
    /// Something failed, and a page or an answer was given all the same.
    Warn,
    /// There was no answer to give.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// A line.
#[derive(Serialize, Default)]
pub struct Line<'a> {
    /// Set by [`write`].
    pub level: &'static str,
    /// What it is about; `docs/DEPLOY.md` says what to do for each.
    pub event: &'static str,
    /// Why, by a code that does not change.
    pub reason: &'static str,
    /// The slot's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<&'a str>,
    /// The list's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<&'a str>,
    /// The snapshot's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The manifest's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// The same for people, and what to do.
    pub message: String,
}

/// Writes a line, and counts it.
pub fn write(level: Level, line: Line<'_>) {
    metrics::count(&LOG, [level.name(), line.event]);
    let line = Line {
        level: level.name(),
        ..line
    };
    // Texts and numbers cannot fail to be written.
    let text = serde_json::to_string(&line).unwrap_or_default().into();
    match level {
        Level::Info => web_sys::console::log_1(&text),
        Level::Warn => web_sys::console::warn_1(&text),
        Level::Error => web_sys::console::error_1(&text),
    }
}
