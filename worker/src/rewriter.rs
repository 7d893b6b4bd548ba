//! The platform's HTMLRewriter, which `worker` has no binding for, as far as it calls here; `guard.mjs` sets it up.
//!
//! Invariant: requests leave nothing behind in this memory, and nothing of it is needed for a page to go on. There is one handler of each kind an
//! instance; what belongs to a request, the lists that it filled included, is on JavaScript's side, whose garbage collector takes it
//! back whether the page was read to its end or not.

use crate::error::{warn, Error};
use crate::{guard, metrics, model, slot};
use js_sys::{futures::future_to_promise, Array, Object, Promise, Reflect, Set};
use std::future::Future;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::prelude::*;
use web_sys::{Request, Response};
use worker::Env;

#[wasm_bindgen]
extern "C" {
    /// An element of the page, while its handler runs.
    pub type Element;

    /// The value of an attribute, if there is one.
    #[wasm_bindgen(method, js_name = getAttribute)]
    pub fn get_attribute(this: &Element, name: &str) -> Option<String>;

    /// Sets an attribute.
    #[wasm_bindgen(method, catch, js_name = setAttribute)]
    pub fn set_attribute(this: &Element, name: &str, value: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = setInnerContent)]
    fn set_inner_content(this: &Element, content: &str, options: &Object) -> Result<(), JsValue>;

    /// The end of the page, while its handler runs.
    pub type End;

    #[wasm_bindgen(method, catch)]
    fn append(this: &End, content: &str, options: &Object) -> Result<(), JsValue>;
}

impl Element {
    /// Replaces what is in the element.
    ///
    /// # Errors
    /// [`Error::Platform`] if the element is gone.
    pub fn set_inner_html(&self, html: &str) -> Result<(), Error> {
        Ok(self.set_inner_content(html, &as_html()?)?)
    }
}

fn as_html() -> Result<Object, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"html".into(), &JsValue::TRUE)?;
    Ok(options)
}

/// Fills a slot of a page in that language; at once, if all that it takes is there, else there is a promise to wait for. What fails is told to
/// the log.
pub fn on_slot(request: Request, env: Env, filled: Set, lang: String, element: Element) -> Option<Promise> {
    let mut filling = Box::pin(async move {
        if let Err(error) = slot::fill(&request, &env, &filled, &lang, &element).await {
            metrics::kept(error.names().1);
            warn(&error);
        }
    });
    match filling.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(()) => None,
        Poll::Pending => Some(future_to_promise(async move {
            filling.await;
            Ok(JsValue::UNDEFINED)
        })),
    }
}

/// Puts the model of the lists that were filled at the end of the page, if any was.
pub fn on_end(filled: Set, end: End) {
    if let Err(error) = carry(&filled, &end) {
        warn(&error);
    }
}

fn carry(filled: &Set, end: &End) -> Result<(), Error> {
    let mut lists: Vec<String> = Array::from(filled).iter().filter_map(|file| file.as_string()).collect();
    if lists.is_empty() {
        return Ok(());
    }
    lists.sort_unstable();
    let options = as_html()?;
    let put = model::with(|model| model.page_model(lists).map(|html| end.append(html, &options)));
    put.flatten().unwrap_or(Ok(())).map_err(Error::from)
}

/// The response with its slots filled for the request, as it is read, and at its end the model of what fills them, if pages carry it.
///
/// # Errors
/// [`Error::Platform`] if the rewriter cannot read it, for instance for its charset; the response is untouched then.
pub fn rewrite(response: &Response, request: &Request, env: &Env, page_model: bool) -> Result<Response, Error> {
    Ok(guard::rewrite(response, request, env, page_model)?)
}
