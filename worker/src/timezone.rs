//! What the clock shows where a visitor is, by the platform's name of the time zone.
//!
//! Invariant: an offset is asked for anew after a quarter of an hour, for at no other minutes do clocks change; at most [`MAX`] are kept.

use js_sys::{Date, Object, Reflect};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::HashMap;
use wasm_bindgen::prelude::*;

/// The most time zones kept: more than there are.
const MAX: usize = 1_000;
/// The times at which clocks change are multiples of that, in milliseconds.
const QUARTER: f64 = 900_000.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Intl, js_name = DateTimeFormat)]
    type Format;

    #[wasm_bindgen(constructor, catch, js_namespace = Intl, js_class = "DateTimeFormat")]
    fn new(locale: &str, options: &Object) -> Result<Format, JsValue>;

    #[wasm_bindgen(method, js_name = formatToParts)]
    fn parts(this: &Format, at: &Date) -> JsValue;
}

/// A part of a date as it is written.
#[derive(Deserialize)]
struct Part {
    r#type: String,
    value: String,
}

/// Minutes ahead of UTC, and in which quarter of an hour.
type Known = (Option<i32>, f64);

thread_local! {
    static KNOWN: RefCell<HashMap<String, Known>> = RefCell::default();
}

/// Minutes by which clocks in a time zone, such as `Europe/Berlin`, are ahead of UTC at a time in milliseconds since 1970-01-01 UTC; `None` if the
/// platform does not know it.
pub fn offset(zone: &str, at: f64) -> Option<i32> {
    let quarter = (at / QUARTER).floor();
    let known = KNOWN.with_borrow(|known| known.get(zone).copied().filter(|(_, asked)| *asked == quarter));
    if let Some((offset, _)) = known {
        return offset;
    }
    let offset = ask(zone, at);
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MAX {
            known.clear();
        }
        known.insert(zone.into(), (offset, quarter));
    });
    offset
}

fn ask(zone: &str, at: f64) -> Option<i32> {
    let options = Object::new();
    for (name, value) in [("timeZone", zone), ("timeZoneName", "longOffset")] {
        Reflect::set(&options, &name.into(), &value.into()).ok()?;
    }
    let parts = Format::new("en-GB", &options).ok()?.parts(&Date::new(&at.into()));
    let parts: Vec<Part> = serde_wasm_bindgen::from_value(parts).ok()?;
    let zone = parts.into_iter().find(|part| part.r#type == "timeZoneName")?;
    // `GMT`, or `GMT+05:30`.
    let text = zone.value.strip_prefix("GMT")?;
    if text.is_empty() {
        return Some(0);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let minutes = hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?;
    Some(if text.starts_with('-') { -minutes } else { minutes })
}
