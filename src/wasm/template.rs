//! Templates for JavaScript: the items of a list as they are there, from objects to HTML.

use super::{coded, throw, JsRanker};
use crate::template::{part, Page, Place, Templates, Value, SLOT};
use crate::{item_hash, Ranker};
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;

/// The deepest that a value's lists and objects lie within one another; what is deeper is nothing.
const MAX_DEPTH: usize = 8;

/// An item as HTML, by the built-in templates.
#[wasm_bindgen(js_name = renderCard)]
pub fn render_card(item: JsValue) -> Result<String, JsValue> {
    id(&item)?;
    let templates = Templates::built_in();
    let item = read(&templates, &item, 0);
    templates.render_item(SLOT, &Value::Nothing, &item).map_err(throw)
}

#[wasm_bindgen(js_class = Ranker)]
impl JsRanker {
    /// A slot with these items in their order, or the one at `at` alone, by the snapshot's template of that name. `page` is its language, its
    /// offset from UTC and the name that it gives, a line each: one text takes less of the wasm than three. `now` is in seconds since
    /// 1970-01-01 UTC; `count` is how many places there are, of which that item has the one at `place`.
    #[allow(clippy::too_many_arguments)]
    pub fn render(
        &self,
        template: &str,
        items: &Array,
        at: Option<u32>,
        place: usize,
        count: usize,
        mut page: &str,
        now: u32,
    ) -> Result<String, JsValue> {
        let ranker = &self.0;
        let templates = ranker.snapshot().templates().map_err(throw)?;
        let templates = templates.unwrap_or_else(Templates::built_in);
        let (lang, offset) = (part(&mut page, b'\n'), part(&mut page, b'\n'));
        let page = Page {
            lang,
            visitor: page,
            hour: Page::hour_at(now, offset),
        };
        let asks_why = Place::asks_why(&templates);
        let (from, to) = at.map_or((0, items.length()), |at| (at, at + 1));
        let mut values = vec![];
        for item in (from..to).map(|at| items.get(at)) {
            let (because, reason) = match asks_why {
                true => why(ranker, &templates, items, &id(&item)?),
                false => (None, None),
            };
            values.push((read(&templates, &item, 0), because, reason));
        }
        let mut places = vec![];
        for (item, because, reason) in &values {
            places.push(Place {
                item,
                because: because.as_ref(),
                reason: *reason,
            });
        }
        let html = match (at, places.first()) {
            (Some(_), Some(first)) => {
                let item = page.item(&templates, *first, place, count);
                templates.render_item(template, &page.values(&templates, &[]), &item)
            }
            _ => templates.render(template, &page.values(&templates, &places)),
        };
        html.map_err(throw)
    }
}

/// The item of the list that speaks most for another, and the largest part of its score.
fn why<B: AsRef<[u8]>>(
    ranker: &Ranker<B>,
    templates: &Templates,
    items: &Array,
    id: &str,
) -> (Option<Value<'static>>, Option<&'static str>) {
    let Some(row) = ranker.snapshot().row(item_hash(id)) else {
        return (None, None);
    };
    let explanation = ranker.explain(row);
    let mut hashes = vec![];
    for item in items.iter() {
        hashes.push(self::id(&item).ok().map(|id| item_hash(&id)));
    }
    let known = |because: &crate::Because| hashes.iter().position(|hash| *hash == Some(because.item));
    let found = explanation.because.iter().find_map(known);
    let because = found.map(|at| read(templates, &items.get(at as u32), 0));
    (because, Place::reason(&explanation))
}

fn id(item: &JsValue) -> Result<String, JsValue> {
    let id = Reflect::get(item, &"id".into()).ok().and_then(|id| id.as_string());
    id.ok_or_else(|| coded("an item has an `id`, which is a string", "invalid_option"))
}

/// The fields of an object that templates use.
fn read(templates: &Templates, from: &JsValue, depth: usize) -> Value<'static> {
    if let Some(text) = from.as_string() {
        return Value::owned(text);
    }
    if let Some(flag) = from.as_bool() {
        return Value::Flag(flag);
    }
    if from.as_f64().is_some() {
        return Value::Number(String::from(from.unchecked_ref::<Object>().to_string()).into());
    }
    if depth > MAX_DEPTH || !from.is_object() {
        return Value::Nothing;
    }
    if let Some(array) = from.dyn_ref::<Array>() {
        let mut list = vec![];
        for at in 0..array.length() {
            list.push(read(templates, &array.get(at), depth + 1));
        }
        return Value::List(list);
    }
    let mut fields = vec![];
    for (number, name) in (0..).zip(templates.names()) {
        let value = Reflect::get(from, &name.into()).unwrap_or_default();
        if !value.is_undefined() {
            fields.push((number, read(templates, &value, depth + 1)));
        }
    }
    Value::Fields(fields)
}
