//! The platform's HTMLRewriter, which `worker` has no binding for.
//!
//! Invariant: requests leave nothing behind in this memory. There is one handler of each kind an isolate; what belongs to a request,
//! the lists that it filled included, is bound to them on JavaScript's side, whose garbage collector takes it back whether
//! the page was read to its end or not.

use crate::error::{warn, Error};
use crate::{metrics, model, slot};
use js_sys::{futures::future_to_promise, Array, Object, Promise, Reflect, Set};
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

    #[wasm_bindgen(method, catch, js_name = onDocument)]
    fn on_document(this: &Rewriter, handlers: &Object) -> Result<Rewriter, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn transform(this: &Rewriter, response: &Response) -> Result<Response, JsValue>;

    #[wasm_bindgen(js_name = Function)]
    type Handler;

    #[wasm_bindgen(method)]
    fn bind(this: &Handler, context: &JsValue, request: &Request, env: &Env, filled: &Set, langs: &Array) -> Handler;

    #[wasm_bindgen(method, js_name = bind)]
    fn bind_one(this: &Handler, context: &JsValue, of_request: &JsValue) -> Handler;

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
    type End;

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

type OnSlot = Closure<dyn Fn(Request, Env, Set, Array, Element) -> Promise>;
type OnPage = Closure<dyn Fn(Array, Element)>;
type OnEnd = Closure<dyn Fn(Set, End)>;

thread_local! {
    static ON_SLOT: OnSlot = Closure::new(on_slot);
    static ON_PAGE: OnPage = Closure::new(on_page);
    static ON_END: OnEnd = Closure::new(on_end);
}

/// A handler that threw would cut the page off, so none does: what fails is told to the console.
fn on_slot(request: Request, env: Env, filled: Set, langs: Array, element: Element) -> Promise {
    future_to_promise(async move {
        let lang = langs.get(0).as_string().unwrap_or_default();
        if let Err(error) = slot::fill(&request, &env, &filled, &lang, &element).await {
            metrics::kept(error.names().1);
            warn(&error);
        }
        Ok(JsValue::UNDEFINED)
    })
}

/// Keeps the page's language.
fn on_page(langs: Array, element: Element) {
    langs.push(&element.get_attribute("lang").into());
}

fn on_end(filled: Set, end: End) {
    if let Err(error) = carry(&filled, &end) {
        warn(&error);
    }
}

/// Puts the model of the lists that were filled at the end of the page, if any was.
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
    let (filled, langs) = (Set::default(), Array::new());
    let on_slot = ON_SLOT.with(|handler| {
        let handler: &Handler = handler.as_ref().unchecked_ref();
        handler.bind(&JsValue::UNDEFINED, request, env, &filled, &langs)
    });
    let on_page = ON_PAGE.with(|handler| {
        let handler: &Handler = handler.as_ref().unchecked_ref();
        handler.bind_one(&JsValue::UNDEFINED, &langs)
    });
    let mut rewriter = Rewriter::new()
        .on("html", &handlers("element", &on_page)?)?
        .on("[data-pocketrank-slot]", &handlers("element", &on_slot)?)?;
    if page_model {
        let on_end = ON_END.with(|handler| {
            let handler: &Handler = handler.as_ref().unchecked_ref();
            handler.bind_one(&JsValue::UNDEFINED, &filled)
        });
        rewriter = rewriter.on_document(&handlers("end", &on_end)?)?;
    }
    Ok(rewriter.transform(response)?)
}

fn handlers(event: &str, handler: &Handler) -> Result<Object, JsValue> {
    let handlers = Object::new();
    Reflect::set(&handlers, &event.into(), handler)?;
    Ok(handlers)
}
