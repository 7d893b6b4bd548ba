//! Fills one slot: from its attributes to its content.
//!
//! Invariant: a slot is filled whole or not touched. The profile is made from the request's headers, used and dropped here.

use crate::error::{warn, Error};
use crate::model::Wanted;
use crate::rewriter::Element;
use crate::visit::Visit;
use crate::{flags, follow, lists, metrics, model, models};
use js_sys::Set;
use pocketrank::edge::metrics::SLOTS_FILLED;
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
    let attribute = |name| element.get_attribute(name).unwrap_or_default();
    // The platform gives attributes as they are written.
    let slot = unescape(&attribute("data-pocketrank-slot"));
    if !flags::with(|flags| flags.has_slot(&slot)) {
        metrics::kept("flag");
        return Ok(());
    }
    // It is gone where another page has ended the instance.
    if !follow::load(env).await {
        metrics::kept("model");
        return Ok(());
    }
    let asks = model::with(|model| model.asks()) == Some(true);
    let visit = Visit::of(request, env, asks)?;
    load(env, &list, &slot, &visit).await;
    let exclude = unescape(&attribute("data-pocketrank-exclude"));
    let visitor = unescape(&attribute("data-pocketrank-visitor"));
    let template = element.get_attribute("data-pocketrank-template");
    let own = element.get_attribute("lang");
    let offset = element.get_attribute("data-pocketrank-utc-offset");
    let wanted = Wanted {
        slot: &slot,
        list: &list,
        options,
        exclude: &exclude,
        template: template.as_deref().unwrap_or(SLOT),
        page: Page {
            lang: own.as_deref().unwrap_or(lang),
            visitor: &visitor,
            hour: match &offset {
                Some(offset) => Page::hour_at(visit.now, offset),
                None => visit.hour(),
            },
        },
    };
    let slate = model::with(|model| model.slate(&wanted, &visit));
    let slate = slate.transpose().map_err(|error| Error::Template {
        slot: attribute("data-pocketrank-slot"),
        error,
    })?;
    if let Some(slate) = slate.flatten() {
        element.set_attribute("data-pocketrank-snapshot", &slate.snapshot)?;
        element.set_attribute("data-pocketrank-rows", &slate.rows)?;
        for (name, value) in [
            ("data-pocketrank-page", &slate.page),
            ("data-pocketrank-experiments", &slate.experiments),
        ] {
            if !value.is_empty() {
                // The platform writes quotes as references, and `&` as it is.
                element.set_attribute(name, &value.replace('&', "&amp;"))?;
            }
        }
        element.set_attribute("data-pocketrank-by", "edge")?;
        element.set_inner_html(&slate.html)?;
        metrics::count(&SLOTS_FILLED, ["", ""]);
        if slate.is_usual {
            filled.add(&slate.list.into());
        }
    } else {
        metrics::kept(if lists::is_there(&list) {
            "nothing_to_show"
        } else {
            "list"
        });
    }
    Ok(())
}

/// Sees that what the slot needs is there; the log is told what is not.
async fn load(env: &Env, list: &str, slot: &str, visit: &Visit) {
    let needed = model::with(|model| model.needed(slot, visit)).unwrap_or_default();
    if let Some(name) = &needed.model {
        let _ = models::load(env, name).await.inspect_err(warn);
    }
    if let Some(other) = &needed.list {
        if lists::load(env, other).await.inspect_err(warn).is_ok() && lists::is_there(other) {
            return;
        }
    }
    let _ = lists::load(env, list).await.inspect_err(warn);
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
