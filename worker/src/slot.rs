//! Fills one slot: from its attributes to its content.
//!
//! Invariant: a slot is filled whole or not touched. The profile is made from the request's headers, used and dropped here.

use crate::error::{warn, Error};
use crate::model::Wanted;
use crate::rewriter::Element;
use crate::settings::Settings;
use crate::{follow, lists, model};
use js_sys::Set;
use pocketrank::template::{unescape, Page, SLOT};
use pocketrank::{edge, Options};
use web_sys::Request;
use worker::Env;

/// Fills the slot of a page in that language and adds its list's file to those of the page; leaves it as it is where its list cannot be had or has nothing to
/// show, which does not hang on the visitor.
///
/// # Errors
/// What is wrong with the slot's attributes, or its template. The element is untouched then.
pub async fn fill(request: &Request, env: &Env, filled: &Set, lang: &str, element: &Element) -> Result<(), Error> {
    let (list, options) = read(element)?;
    #[cfg(feature = "faults")]
    break_down(element);
    // It is gone where another page has ended the instance.
    if !follow::load(env).await {
        return Ok(());
    }
    if let Err(error) = lists::load(env, &list).await {
        warn(&error);
    }
    let headers = request.headers();
    let now = (js_sys::Date::now() / 1000.0) as u32;
    let profile = edge::profile(
        Settings::read(env)?.capsule,
        headers.get("Sec-GPC")?.as_deref(),
        headers.get("Cookie")?.as_deref(),
        now,
    );
    let attribute = |name| element.get_attribute(name).unwrap_or_default();
    let template = element.get_attribute("data-pocketrank-template");
    let own = element.get_attribute("lang");
    // The platform gives attributes as they are written.
    let visitor = unescape(&attribute("data-pocketrank-visitor"));
    let wanted = Wanted {
        list: &list,
        options,
        template: template.as_deref().unwrap_or(SLOT),
        page: Page {
            lang: own.as_deref().unwrap_or(lang),
            visitor: &visitor,
            hour: Page::hour_at(now, &attribute("data-pocketrank-utc-offset")),
        },
    };
    let slate = model::with(|model| model.slate(&wanted, &profile, now));
    let slate = slate.transpose().map_err(|error| Error::Template {
        slot: attribute("data-pocketrank-slot"),
        error,
    })?;
    if let Some(slate) = slate.flatten() {
        element.set_attribute("data-pocketrank-snapshot", &slate.snapshot)?;
        element.set_attribute("data-pocketrank-rows", &slate.rows)?;
        element.set_attribute("data-pocketrank-by", "edge")?;
        element.set_inner_html(&slate.html)?;
        filled.add(&list.into());
    }
    Ok(())
}

#[cfg(feature = "faults")]
fn break_down(element: &Element) {
    #[allow(clippy::panic)]
    if element.get_attribute("data-pocketrank-slot").as_deref() == Some("test-panic") {
        panic!("as the test wants");
    }
}

/// The file of the slot's list, and how it is ranked.
fn read(element: &Element) -> Result<(String, Options), Error> {
    let attribute = |name| element.get_attribute(name);
    let wrong = |expected| Error::Slot {
        slot: attribute("data-pocketrank-slot").unwrap_or_default(),
        expected,
    };
    let list = attribute("data-pocketrank-candidates")
        .and_then(|name| edge::list_file(&name))
        .ok_or_else(|| wrong("data-pocketrank-candidates must name a list with a to z, 0 to 9 and -"))?;
    let options = edge::slot_options(attribute("data-pocketrank-count").as_deref())
        .ok_or_else(|| wrong("data-pocketrank-count must be a number from 1"))?;
    Ok((list, options))
}
