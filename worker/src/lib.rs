//! The edge worker: takes the shared page from upstream and fills its slots for the visitor while it streams through.
//!
//! Only I/O happens here; what is read, ranked, sent on and stored is decided in the runtime (`pocketrank::edge`).
//!
//! ```text
//! request ► guard ► page ► shared (cache, upstream) ► rewriter ► slot ► lists, model ► slate ► answer
//!             │                                           └── end of the page ► slice of its lists (if `PAGE_MODEL` is on)
//!             ├── /v1/… ► api: for servers (if `API` is on)
//!             ├── /pocketrank/… ► files: what is current here, so that browsers follow the edge
//!             └── anything else passes through, without the capsule
//! answered, or cron ► follow ► KV, R2 (store), origin ► another model
//! ```
//!
//! Invariant: nothing of one visitor outlives the slot that it was read for. An isolate keeps the model and the lists, which
//! are the same for all; the profile is set, used and forgotten with no await in between. A panic ends the instance, and with it no page: what
//! pages under way need is in `guard.mjs`.

mod api;
mod assets;
mod bindings;
mod blobs;
mod drive;
mod error;
mod files;
mod flags;
mod follow;
mod follower;
mod guard;
mod lists;
mod log;
mod metrics;
mod model;
mod models;
mod origin;
mod page;
mod report;
mod rewriter;
mod settings;
mod shared;
mod slices;
mod slot;
mod store;
mod timezone;
mod told;
mod upstream;
mod visit;

use error::Error;
use js_sys::futures::future_to_promise;
use js_sys::{Array, Promise};
use page::Answer;
use pocketrank::edge::metrics::PAGES;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::JsValue;
use web_sys::{Request, Response, ResponseInit};
use worker::worker_sys::Context;
use worker::{event, Env, ScheduleContext, ScheduledEvent};

/// Answers one request: what the platform calls. What fails is told to the log, the visitor gets a page or a plain error.
#[wasm_bindgen]
pub fn fetch(request: &Request, env: &Env, context: &Context) -> Promise {
    guard::answer(request, env, context)
}

/// The answer, in an array of its own: a promise for it is for JavaScript to wait for.
async fn answer(request: &Request, env: &Env, context: &Context) -> Array {
    let answer = page::answer(request, env, context).await;
    let (flags_are_due, origin_is_due) = (flags::is_due(), follow::is_due());
    if flags_are_due || origin_is_due {
        let env = env.clone();
        behind(context, async move {
            if flags_are_due {
                flags::read(&env).await;
            }
            if origin_is_due {
                follow::run(&env).await;
            }
        });
    }
    match answer {
        Ok(Answer::Response(response)) => Array::of1(&response),
        Ok(Answer::Passed(promise)) => Array::of1(&promise),
        Err(error) => Array::of1(&plain(&error)),
    }
}

/// What a visitor gets where there is no page; the log is told why.
fn plain(error: &Error) -> Response {
    metrics::count(&PAGES, ["failed", ""]);
    error::fail(error);
    let init = ResponseInit::new();
    init.set_status(error.status());
    let text = "This page cannot be had at the moment.\n";
    Response::new_with_opt_str_and_init(Some(text), &init).unwrap_or_else(|_| Response::error())
}

/// Does something that no answer waits for.
pub fn behind(context: &Context, work: impl std::future::Future<Output = ()> + 'static) {
    let promise = future_to_promise(async move {
        work.await;
        Ok(JsValue::UNDEFINED)
    });
    if let Err(value) = context.wait_until(&promise) {
        error::warn(&value.into());
    }
}

/// Follows the origin when the time has come.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    follow::scheduled(&env).await;
}
