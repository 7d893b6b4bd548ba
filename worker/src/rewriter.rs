//! The platform's HTMLRewriter, which `worker` has no binding for.
//!
//! Invariant: requests leave nothing behind in this memory. There is one handler an isolate; what belongs to a request is bound
//! to it on JavaScript's side, whose garbage collector takes it back whether the page was read to its end or not.

use crate::error::{warn, Error};
use crate::slot;
use js_sys::{futures::future_to_promise, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{Request, Response};
use worker::Env;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = HTMLRewriter)]
    type Rewriter;

    #[wasm_bindgen(constructor, js_class = "HTMLRewriter")]
    fn new() -> Rewriter;

    #[wasm_bindgen(method, catch)]
    fn on(this: &Rewriter, selector: &str, handlers: &Object) -> Result<Rewriter, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn transform(this: &Rewriter, response: &Response) -> Result<Response, JsValue>;

    #[wasm_bindgen(js_name = Function)]
    type Handler;

    #[wasm_bindgen(method)]
    fn bind(this: &Handler, context: &JsValue, request: &Request, env: &Env) -> Handler;

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
}

impl Element {
    /// Replaces what is in the element.
    ///
    /// # Errors
    /// [`Error::Platform`] if the element is gone.
    pub fn set_inner_html(&self, html: &str) -> Result<(), Error> {
        let options = Object::new();
        Reflect::set(&options, &"html".into(), &JsValue::TRUE)?;
        Ok(self.set_inner_content(html, &options)?)
    }
}

type OnSlot = Closure<dyn Fn(Request, Env, Element) -> Promise>;

thread_local! {
    static ON_SLOT: OnSlot = Closure::new(on_slot);
}

/// A handler that threw would cut the page off, so none does: what fails is told to the console.
fn on_slot(request: Request, env: Env, element: Element) -> Promise {
    future_to_promise(async move {
        if let Err(error) = slot::fill(&request, &env, &element).await {
            warn(&error);
        }
        Ok(JsValue::UNDEFINED)
    })
}

/// The response with its slots filled for the request, as it is read.
///
/// # Errors
/// [`Error::Platform`] if the rewriter cannot read it, for instance for its charset; the response is untouched then.
pub fn rewrite(response: &Response, request: &Request, env: &Env) -> Result<Response, Error> {
    let handlers = Object::new();
    ON_SLOT.with(|handler| {
        let handler: &Handler = handler.as_ref().unchecked_ref();
        Reflect::set(
            &handlers,
            &"element".into(),
            &handler.bind(&JsValue::UNDEFINED, request, env),
        )
    })?;
    let rewriter = Rewriter::new().on("[data-pocketrank-slot]", &handlers)?;
    Ok(rewriter.transform(response)?)
}
