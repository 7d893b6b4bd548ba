//! From a request to its answer.

use crate::error::{warn, Error};
use crate::settings::{self, Settings};
use crate::upstream::Upstream;
use crate::{api, files, flags, follow, metrics, rewriter};
use pocketrank::edge;
use pocketrank::edge::api::ROOT;
use pocketrank::edge::flags::Flags;
use pocketrank::edge::metrics::PAGES;
use web_sys::{Headers, Request, Response, ResponseInit, Url};
use worker::Env;

/// Answers a request: a page with slots filled, one of the runtime's own files, or whatever upstream says.
///
/// # Errors
/// When there is no answer to give: a setting that cannot be understood, or no upstream.
pub async fn answer(request: &Request, env: &Env) -> Result<Response, Error> {
    let url = Url::new(&request.url())?;
    let path = url.pathname();
    if let Some(file) = path.strip_prefix(edge::ASSETS) {
        return files::answer(request, env, &url, file).await;
    }
    if path.starts_with(ROOT) && settings::api(env)? {
        return api::answer(request, env, &path).await;
    }
    let settings = Settings::read(env)?;
    let upstream = Upstream::of(&settings, env)?;
    let headers = request.headers();
    let has = |name: &str| headers.has(name).unwrap_or(true);
    if !settings.pages.accept(&request.method(), &path, has) {
        metrics::count(&PAGES, ["passed", ""]);
        return upstream.pass(request, &url).await;
    }
    let response = upstream.shared(request, &url).await?;
    let content_type = response.headers().get("Content-Type")?;
    if !edge::is_page(response.status(), content_type.as_deref()) {
        metrics::count(&PAGES, ["shared", ""]);
        return changed(&response, &edge::SHARED_DROPS, None);
    }
    personalize(request, env, &response, settings.page_model).await
}

/// The page with its slots filled as it streams; as it came, if there is no model or the rewriter cannot read it.
async fn personalize(request: &Request, env: &Env, response: &Response, page_model: bool) -> Result<Response, Error> {
    let shared = changed(response, &edge::SHARED_DROPS, None)?;
    flags::load(env).await;
    if !flags::with(Flags::personalizes) {
        metrics::count(&PAGES, ["off", ""]);
        return Ok(shared);
    }
    if !follow::load(env).await {
        metrics::count(&PAGES, ["shared", ""]);
        return Ok(shared);
    }
    match rewriter::rewrite(&shared, request, env, page_model) {
        Ok(filled) => {
            metrics::count(&PAGES, ["personalized", ""]);
            changed(&filled, &edge::PERSONAL_DROPS, Some(edge::PERSONAL_CACHE_CONTROL))
        }
        Err(error) => {
            metrics::count(&PAGES, ["shared", ""]);
            warn(&error);
            Ok(shared)
        }
    }
}

/// A response with other headers.
///
/// # Errors
/// [`Error::Platform`].
pub fn changed(response: &Response, drops: &[&str], cache_control: Option<&str>) -> Result<Response, Error> {
    let headers = Headers::new_with_headers(&response.headers())?;
    for name in drops {
        headers.delete(name)?;
    }
    if let Some(value) = cache_control {
        headers.set("Cache-Control", value)?;
    }
    let init = ResponseInit::new();
    init.set_status(response.status());
    init.set_status_text(&response.status_text());
    init.set_headers_headers(&headers);
    let body = response.body();
    Ok(Response::new_with_opt_readable_stream_and_init(body.as_ref(), &init)?)
}
