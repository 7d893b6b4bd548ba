//! From a request to its answer.

use crate::error::{warn, Error};
use crate::settings::{self, Settings};
use crate::upstream::Upstream;
use crate::{api, files, flags, follow, metrics, rewriter, shared};
use js_sys::Promise;
use pocketrank::edge;
use pocketrank::edge::api::ROOT;
use pocketrank::edge::flags::Flags;
use pocketrank::edge::metrics::PAGES;
use web_sys::{Headers, Request, Response, ResponseInit, Url};
use worker::worker_sys::Context;
use worker::Env;

/// What a request gets.
pub enum Answer {
    /// This.
    Response(Response),
    /// What comes of a promise that needs nothing of this memory.
    Passed(Promise),
}

/// Answers a request: a page with slots filled, one of the runtime's own files, or whatever upstream says.
///
/// # Errors
/// When there is no answer to give: a setting that cannot be understood, or no upstream.
pub async fn answer(request: &Request, env: &Env, context: &Context) -> Result<Answer, Error> {
    let url = Url::new(&request.url())?;
    let path = url.pathname();
    if let Some(file) = path.strip_prefix(edge::ASSETS) {
        return files::answer(request, env, &url, file).await.map(Answer::Response);
    }
    if path.starts_with(ROOT) && settings::api(env)? {
        return api::answer(request, env, &path).await.map(Answer::Response);
    }
    let settings = Settings::read(env)?;
    let upstream = Upstream::of(&settings, env)?;
    let headers = request.headers();
    let has = |name: &str| headers.has(name).unwrap_or(true);
    if !settings.pages.accept(&request.method(), &path, has) {
        metrics::count(&PAGES, ["passed", ""]);
        return upstream.pass(request, &url).map(Answer::Passed);
    }
    let response = shared::page(&upstream, request, &url, env, context).await?;
    if !shared::describe(&response, |answer| answer.is_readable())? {
        metrics::count(&PAGES, ["shared", ""]);
        return changed(&response, &edge::SHARED_DROPS, None).map(Answer::Response);
    }
    personalize(request, env, &response, settings.page_model)
        .await
        .map(Answer::Response)
}

/// The page with its slots filled as it streams; as it came, if there is no model or the rewriter cannot read it.
async fn personalize(request: &Request, env: &Env, response: &Response, page_model: bool) -> Result<Response, Error> {
    flags::load(env).await;
    let (filled, state) = if !flags::with(Flags::personalizes) {
        (None, "off")
    } else if !follow::load(env).await {
        (None, "shared")
    } else {
        match rewriter::rewrite(response, request, env, page_model) {
            Ok(filled) => (Some(filled), "personalized"),
            Err(error) => {
                warn(&error);
                (None, "shared")
            }
        }
    };
    metrics::count(&PAGES, [state, ""]);
    match filled {
        Some(filled) => {
            // The rewriter's response is new, and so are its headers.
            change(
                &filled.headers(),
                &edge::PERSONAL_DROPS,
                Some(edge::PERSONAL_CACHE_CONTROL),
            )?;
            Ok(filled)
        }
        None => changed(response, &edge::SHARED_DROPS, None),
    }
}

/// Changes headers that can be changed.
fn change(headers: &Headers, drops: &[&str], cache_control: Option<&str>) -> Result<(), Error> {
    for name in drops {
        headers.delete(name)?;
    }
    if let Some(value) = cache_control {
        headers.set("Cache-Control", value)?;
    }
    Ok(())
}

/// A response with other headers.
///
/// # Errors
/// [`Error::Platform`].
pub fn changed(response: &Response, drops: &[&str], cache_control: Option<&str>) -> Result<Response, Error> {
    let headers = Headers::new_with_headers(&response.headers())?;
    change(&headers, drops, cache_control)?;
    let init = ResponseInit::new();
    init.set_status(response.status());
    init.set_status_text(&response.status_text());
    init.set_headers_headers(&headers);
    let body = response.body();
    Ok(Response::new_with_opt_readable_stream_and_init(body.as_ref(), &init)?)
}
