//! The switches that an operator sets under the key `flags` in KV, as this isolate knows them.
//!
//! Invariant: no page waits for them but the first of an isolate, and that one not for long; what cannot be read changes nothing.

use crate::error::warn;
use crate::log::{self, Level, Line};
use crate::store::Store;
use pocketrank::edge::flags::Flags;
use std::cell::RefCell;
use worker::Env;

/// How often they are read, in milliseconds. KV itself may be a minute behind.
const LOOK: f64 = 10_000.0;

struct State {
    flags: Flags,
    /// The document that they are of.
    text: Option<Vec<u8>>,
    /// When to read it next, in milliseconds since 1970-01-01 UTC; 0 before the first time.
    next: f64,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Asks them something. All is on where there are none.
pub fn with<T>(ask: impl FnOnce(&Flags) -> T) -> T {
    STATE.with_borrow(|state| match state {
        Some(state) => ask(&state.flags),
        None => ask(&Flags::default()),
    })
}

/// Whether it is time to read them again.
pub fn is_due() -> bool {
    STATE.with_borrow(|state| state.as_ref().is_some_and(|state| js_sys::Date::now() >= state.next))
}

/// Reads them, if this isolate never has.
pub async fn load(env: &Env) {
    if STATE.with_borrow(Option::is_none) {
        read(env).await;
    }
}

/// Reads them.
pub async fn read(env: &Env) {
    let next = js_sys::Date::now() + LOOK;
    STATE.with_borrow_mut(|state| {
        if let Some(state) = state {
            state.next = next;
        }
    });
    let found = match Store::of(env) {
        Ok(store) => store.flags().await,
        Err(error) => Err(error),
    };
    // Before that a page waits for its own reading: what is off must not be on meanwhile.
    STATE.with_borrow_mut(|state| {
        state.get_or_insert_with(|| State {
            flags: Flags::default(),
            text: None,
            next,
        });
    });
    let Ok(text) = found.inspect_err(warn) else { return };
    STATE.with_borrow_mut(|state| {
        let Some(state) = state.as_mut().filter(|state| state.text != text) else {
            return;
        };
        let (level, reason, message) = match text.as_deref().map(Flags::read).unwrap_or(Ok(Flags::default())) {
            Ok(flags) => {
                state.flags = flags;
                (Level::Info, "changed", "flags: they are in use".into())
            }
            Err(detail) => {
                let message = format!("flags: {detail}; what was in use stays: put a right one under the key `flags`");
                (Level::Warn, "wrong", message)
            }
        };
        state.text = text;
        log::write(
            level,
            Line {
                event: "flags",
                reason,
                message,
                ..Line::default()
            },
        );
    });
}
