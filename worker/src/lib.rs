//! The edge worker: takes the shared page from upstream and fills its slots for the visitor while it streams through.
//!
//! Only I/O happens here; what is read, ranked, sent on and stored is decided in the runtime (`pocketrank::edge`).
//!
//! ```text
//! request ► page ► upstream (shared page) ► rewriter ► slot ► lists, model ► slate ► answer
//!             │                                      └── end of the page ► slice of its lists (if `PAGE_MODEL` is on)
//!             ├── /v1/… ► api: for servers (if `API` is on)
//!             ├── /pocketrank/… ► files: what is current here, so that browsers follow the edge
//!             └── anything else passes through, without the capsule
//! answered, or cron ► follow ► KV, R2 (store), origin ► another model
//! ```
//!
//! Invariant: nothing of one visitor outlives the slot that it was read for. An isolate keeps the model and the lists, which
//! are the same for all; the profile is set, used and forgotten with no await in between.

mod api;
mod assets;
mod bindings;
mod blobs;
mod error;
mod files;
mod flags;
mod follow;
mod follower;
mod lists;
mod log;
mod metrics;
mod model;
mod origin;
mod page;
mod report;
mod rewriter;
mod settings;
mod slices;
mod slot;
mod store;
mod upstream;

use crate::error::fail;
use pocketrank::edge::metrics::PAGES;
use std::convert::Infallible;
use web_sys::{Request, Response, ResponseInit};
use worker::{event, Context, Env, ScheduleContext, ScheduledEvent};

/// Answers one request. What fails is told to the console, the visitor gets a page or a plain error.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response, Infallible> {
    let answer = page::answer(&request, &env).await;
    let (flags_are_due, origin_is_due) = (flags::is_due(), follow::is_due());
    if flags_are_due || origin_is_due {
        context.wait_until(async move {
            if flags_are_due {
                flags::read(&env).await;
            }
            if origin_is_due {
                follow::run(&env).await;
            }
        });
    }
    Ok(answer.unwrap_or_else(|error| {
        metrics::count(&PAGES, ["failed", ""]);
        fail(&error);
        let init = ResponseInit::new();
        init.set_status(error.status());
        let text = "This page cannot be had at the moment.\n";
        Response::new_with_opt_str_and_init(Some(text), &init).unwrap_or_else(|_| Response::error())
    }))
}

/// Follows the origin when the time has come.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    follow::scheduled(&env).await;
}
