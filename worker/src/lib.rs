//! The edge worker: takes the shared page from upstream and fills its slots for the visitor while it streams through.
//!
//! Only I/O happens here; what is read, ranked, sent on and stored is decided in the runtime (`pocketrank::edge`).
//!
//! ```text
//! request ► page ► upstream (shared page) ► rewriter ► slot ► lists, model ► slate ► answer
//!             │                                      └── end of the page ► slice of its lists (if `PAGE_MODEL` is on)
//!             └── anything else passes through, without the capsule
//! ```
//!
//! Invariant: nothing of one visitor outlives the slot that it was read for. An isolate keeps the model and the lists, which
//! are the same for all; the profile is set, used and forgotten with no await in between.

mod assets;
mod error;
mod lists;
mod model;
mod page;
mod rewriter;
mod settings;
mod slices;
mod slot;
mod upstream;

use std::convert::Infallible;
use web_sys::{Request, Response, ResponseInit};
use worker::{event, Context, Env};

/// Answers one request. What fails is told to the console, the visitor gets a page or a plain error.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response, Infallible> {
    Ok(page::answer(&request, &env).await.unwrap_or_else(|error| {
        web_sys::console::error_1(&error.to_string().into());
        let init = ResponseInit::new();
        init.set_status(error.status());
        let text = "This page cannot be had at the moment.\n";
        Response::new_with_opt_str_and_init(Some(text), &init).unwrap_or_else(|_| Response::error())
    }))
}
