//! The page that all visitors share: from the cache, or from upstream and then into the cache as it streams through.
//!
//! ```text
//! not cached ───────────────────────────────────────────► upstream, by the visitor's request without cookies
//! fresh ────────────────────────────────────────────────► cache
//! stale ────────────────────────────────────────────────► cache, and behind the answer ► upstream ► cache
//! none, too old ► upstream, as nobody ► cache ──────────► answer
//!                    └── fails, or says 5xx ► cache, if it may stand in
//! ```
//!
//! Invariant: what is decided is decided in `pocketrank::edge::cache`. What is kept was asked for with nothing of a visitor, and is
//! kept whole or not at all; what upstream no longer allows to be kept is deleted.

use crate::bindings::CACHE;
use crate::error::{loggable, warn, Error};
use crate::page::changed;
use crate::settings::Caching;
use crate::store::within;
use crate::upstream::Upstream;
use crate::{guard, metrics};
use js_sys::Promise;
use pocketrank::edge::cache::{self, is_error, Kept, State};
use pocketrank::edge::metrics::CACHE as CACHE_STATES;
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::{Headers, Request, Response, Url};
use worker::worker_sys::Context;
use worker::Env;

/// How long the cache may take to say what it has, in milliseconds.
const READ: f64 = 1_000.0;
/// How long after upstream's time a page counts as being fetched whose fetching was given up, in milliseconds.
const GIVEN_UP: f64 = 1_000.0;

/// What a kept page loses: how it was sent, for it is kept decoded; lifetimes that are not ours; and what it no longer varies by.
const KEPT_DROPS: [&str; 8] = [
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Content-Encoding",
    "Content-Length",
    "Expires",
    "Pragma",
    "Surrogate-Control",
    "Vary",
];

thread_local! {
    /// The pages that are fetched behind an answer, and until when they count as that, in milliseconds since 1970-01-01 UTC.
    static FETCHED: RefCell<Vec<(String, f64)>> = const { RefCell::new(vec![]) };
}

/// A page that is cached.
struct Page {
    key: String,
    query: String,
}

/// The shared page at an address, or what upstream answers instead.
///
/// # Errors
/// [`Error::Setting`]; [`Error::Fetch`] or [`Error::Slow`] if upstream does not answer and the cache has nothing that may stand in.
pub async fn page(
    upstream: &Upstream,
    request: &Request,
    url: &Url,
    env: &Env,
    context: &Context,
) -> Result<Response, Error> {
    let caching = Caching::read(env)?;
    let Some(query) = caching.rules.query(&url.pathname(), &url.search()) else {
        count("uncached");
        return upstream.shared(request, url, caching.timeout).await;
    };
    let page = Page {
        key: address(&upstream.server(url), url, &query),
        query,
    };
    let now = js_sys::Date::now();
    let found = find(&page.key).await;
    let state = found
        .as_ref()
        .map_or(State::Expired, |(kept, _)| kept.state(now as u64));
    let was_there = found.is_some();
    let found = match (state, found) {
        (State::Fresh, Some((kept, response))) => {
            count("fresh");
            return serve(&response, kept, now);
        }
        (State::Stale, Some((kept, response))) => {
            count("stale");
            revalidate(upstream, url, page, caching, context, now);
            return serve(&response, kept, now);
        }
        (State::IfError, found) => found,
        _ => None,
    };
    let answer = ask(upstream, url, &page, &caching).await;
    let failed = match &answer {
        Ok((response, _)) => is_error(response.status()),
        Err(_) => true,
    };
    match (answer, found) {
        (answer, Some((kept, response))) if failed => {
            if let Err(error) = answer {
                warn(&error);
            }
            count("stood_in");
            serve(&response, kept, now)
        }
        (Err(error), _) => {
            count("failed");
            Err(error)
        }
        (Ok((response, kept)), _) => {
            count(if kept.is_some() { "kept" } else { "not_kept" });
            let change = match kept {
                Some(kept) => put(&page, kept, &response.clone()?)?,
                None if was_there && !failed => delete(&page)?,
                None => return accepted(response, request),
            };
            context.wait_until(&change)?;
            accepted(response, request)
        }
    }
}

/// Counts a page by what the cache had of it; docs/DEPLOY.md has the states.
fn count(state: &'static str) {
    metrics::count(&CACHE_STATES, [state, ""]);
}

/// An answer that was asked for as nobody, in an encoding that the visitor takes: the platform has decoded its body, and would encode it as
/// the header says.
fn accepted(response: Response, request: &Request) -> Result<Response, Error> {
    let encoding = response.headers().get("Content-Encoding")?.unwrap_or_default();
    let takes = request.headers().get("Accept-Encoding")?;
    let is_taken = cache::encodings(takes.as_deref())
        .split(", ")
        .any(|taken| taken == encoding);
    if is_taken || !["gzip", "br"].contains(&encoding.as_str()) {
        return Ok(response);
    }
    changed(&response, &["Content-Encoding", "Content-Length"], None)
}

/// What upstream answers, and whether that is kept.
async fn ask(
    upstream: &Upstream,
    url: &Url,
    page: &Page,
    caching: &Caching,
) -> Result<(Response, Option<Kept>), Error> {
    let response = upstream.cacheable(url, &page.query, caching.timeout).await?;
    let now = js_sys::Date::now() as u64;
    let kept = describe(&response, |answer| answer.keep(&caching.defaults, now))?;
    Ok((response, kept))
}

/// Judges what a response says of itself.
///
/// # Errors
/// [`Error::Platform`].
pub fn describe<T>(response: &Response, judge: impl FnOnce(cache::Answer<'_>) -> T) -> Result<T, Error> {
    let headers = response.headers();
    let content_type = headers.get("Content-Type")?;
    let content_encoding = headers.get("Content-Encoding")?;
    let cache_control = headers.get("Cache-Control")?;
    let (vary, age) = (headers.get("Vary")?, headers.get("Age")?);
    Ok(judge(cache::Answer {
        status: response.status(),
        content_type: content_type.as_deref(),
        content_encoding: content_encoding.as_deref(),
        cache_control: cache_control.as_deref(),
        vary: vary.as_deref(),
        age: age.as_deref(),
        expires: expires(&headers)?,
        sets_cookie: headers.has("Set-Cookie")?,
    }))
}

/// Seconds from `Date`, or now, to `Expires`; 0 if that is no time, or over.
fn expires(headers: &Headers) -> Result<Option<u32>, Error> {
    let Some(expires) = headers.get("Expires")? else {
        return Ok(None);
    };
    let date = headers.get("Date")?.map_or(f64::NAN, |date| js_sys::Date::parse(&date));
    let from = if date.is_nan() { js_sys::Date::now() } else { date };
    // What is not a number becomes 0, and so does what is less.
    Ok(Some(((js_sys::Date::parse(&expires) - from) / 1_000.0) as u32))
}

/// Keeps a page once it has been read to its end; the promise does not fail.
fn put(page: &Page, kept: Kept, response: &Response) -> Result<Promise, Error> {
    let control = response.headers().get("Cache-Control")?;
    let response = changed(response, &KEPT_DROPS, Some(&kept.cache_control()))?;
    let headers = response.headers();
    match control {
        Some(control) => headers.set(cache::UPSTREAM_CONTROL, &control)?,
        None => headers.delete(cache::UPSTREAM_CONTROL)?,
    }
    headers.set(cache::KEPT, &kept.header())?;
    Ok(guard::keep(&page.key, &response))
}

fn delete(page: &Page) -> Result<Promise, Error> {
    Ok(CACHE.with(|cache| cache.delete(&page.key))?)
}

/// Where the page is in the cache.
fn address(server: &str, url: &Url, query: &str) -> String {
    let key = cache::key(server, &url.origin(), &url.pathname(), query);
    format!("https://pages.invalid/{key}")
}

/// What is kept under a key. A cache that fails is as one that has it not.
async fn find(key: &str) -> Option<(Kept, Response)> {
    let found = CACHE.with(|cache| cache.matches(key)).ok()?;
    let found = within(READ, &found).await.ok()??;
    let response: Response = found.dyn_into().ok()?;
    let header = response.headers().get(cache::KEPT).ok()??;
    Some((Kept::parse(&header)?, response))
}

/// A kept page as upstream answered it, with its age and with nonces of its own.
fn serve(response: &Response, kept: Kept, now: f64) -> Result<Response, Error> {
    let control = response.headers().get(cache::UPSTREAM_CONTROL)?;
    let served = changed(response, &cache::INTERNAL, control.as_deref())?;
    let headers = served.headers();
    if control.is_none() {
        headers.delete("Cache-Control")?;
    }
    headers.set("Age", &kept.age(now as u64).to_string())?;
    Ok(guard::renew(&served)?)
}

/// Fetches a page behind the answer, if it is not being fetched.
fn revalidate(upstream: &Upstream, url: &Url, page: Page, caching: Caching, context: &Context, now: f64) {
    let until = now + f64::from(caching.timeout) * 1_000.0 + GIVEN_UP;
    let is_first = FETCHED.with_borrow_mut(|fetched| {
        fetched.retain(|(_, until)| now < *until);
        let is_first = fetched.iter().all(|(key, _)| *key != page.key);
        if is_first {
            fetched.push((page.key.clone(), until));
        }
        is_first
    });
    if is_first {
        let (upstream, url) = (upstream.clone(), url.clone());
        crate::behind(context, async move {
            if let Err(error) = replace(&upstream, &url, &page, &caching).await {
                warn(&error);
            }
            FETCHED.with_borrow_mut(|fetched| fetched.retain(|(key, _)| *key != page.key));
        });
    }
}

/// Keeps a newer page. One that fails leaves the older, one that is not to be kept takes it away.
async fn replace(upstream: &Upstream, url: &Url, page: &Page, caching: &Caching) -> Result<(), Error> {
    let (response, kept) = ask(upstream, url, page, caching).await?;
    match kept {
        Some(kept) => put(page, kept, &response)?.await?,
        None if is_error(response.status()) => {
            return Err(Error::Status {
                url: loggable(&response.url()).into(),
                status: response.status(),
            })
        }
        None => delete(page)?.await?,
    };
    Ok(())
}
