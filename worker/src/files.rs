//! The runtime's own files, `/pocketrank/…`: what browsers follow is what is in use here, then what was deployed, then what the origin has.

use crate::assets::{answered, Assets};
use crate::error::{warn, Error};
use crate::page::changed;
use crate::store::{copy, hex};
use crate::upstream::Upstream;
use crate::{blobs, follow, model};
use js_sys::Uint8Array;
use pocketrank::edge;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, Request, Response, ResponseInit, Url, WorkerGlobalScope};
use worker::Env;

/// The answer for a file.
///
/// # Errors
/// When nothing answers.
pub async fn answer(request: &Request, env: &Env, url: &Url, file: &str) -> Result<Response, Error> {
    let reads = matches!(request.method().as_str(), "GET" | "HEAD");
    if reads && (file == edge::MANIFEST || edge::is_published(file)) && follow::load(env).await {
        if let Some(answer) = current(request, env, file).await? {
            return Ok(answer);
        }
    }
    let assets = Upstream::Assets(Assets::of(env)?).pass(request, url).await?;
    if assets.status() == 404 && reads && edge::is_published(file) {
        // Another isolate may have given the browser a manifest that this one has not seen yet, or one that is gone here.
        if let Some(models) = follow::models() {
            return relayed(request, &format!("{models}/{file}"), file).await;
        }
    }
    let Some(value) = edge::asset_cache_control(file, assets.status()) else {
        return Ok(assets);
    };
    let answer = changed(&assets, &[], Some(value))?;
    // The platform knows no type for them.
    if edge::is_published(file) || file == edge::MANIFEST {
        answer.headers().set("Content-Type", content_type(file))?;
    }
    Ok(answer)
}

/// The manifest in use, or what it names; `None` for other files, and for those that were deployed.
async fn current(request: &Request, env: &Env, file: &str) -> Result<Option<Response>, Error> {
    if file == edge::MANIFEST {
        let signed = model::with(|model| (copy(&model.signed), tag(&model.signed)));
        return signed
            .map(|(bytes, tag)| whole(request, &bytes, &tag, file, edge::REVALIDATE))
            .transpose();
    }
    let blob = model::with(|model| {
        model
            .manifest
            .blobs()
            .into_iter()
            .find(|blob| blob.url == file)
            .cloned()
    });
    let Some(blob) = blob.flatten().filter(|blob| follow::deployed(&blob.sha256).is_none()) else {
        return Ok(None);
    };
    match blobs::bytes(env, &blob).await {
        Ok(bytes) => whole(request, &bytes, &hex(&blob.sha256), file, edge::IMMUTABLE).map(Some),
        Err(error) => {
            warn(&error);
            Ok(None)
        }
    }
}

/// An answer with a whole file, or none where the browser has it.
fn whole(request: &Request, bytes: &Uint8Array, tag: &str, file: &str, cache_control: &str) -> Result<Response, Error> {
    let tag = format!("\"{tag}\"");
    let known = request.headers().get("If-None-Match")?.unwrap_or_default();
    // A proxy that compresses the answer makes the tag a weak one.
    let known = known
        .split(',')
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let init = ResponseInit::new();
    init.set_headers_headers(&headers(file, cache_control)?);
    init.set_status(if known { 304 } else { 200 });
    let body = Some(bytes).filter(|_| !known && request.method() == "GET");
    let answer = Response::new_with_opt_js_u8_array_and_init(body, &init)?;
    answer.headers().set("ETag", &tag)?;
    Ok(answer)
}

/// Tells a manifest from all others: half of its first signature, which follows from what is signed and from the key, and its length, which tells
/// how many others have signed.
fn tag(signed: &[u8]) -> String {
    let signature = signed.get(16..).and_then(|rest| rest.first_chunk::<32>());
    format!("{}-{}", hex(signature.unwrap_or(&[0; 32])), signed.len())
}

fn content_type(file: &str) -> &'static str {
    match file.ends_with(".json") {
        true => "application/json",
        false => "application/octet-stream",
    }
}

fn headers(file: &str, cache_control: &str) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    let json = file.ends_with(".json");
    headers.set(
        "Content-Type",
        if json {
            "application/json"
        } else {
            "application/octet-stream"
        },
    )?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    headers.set("Cache-Control", cache_control)?;
    Ok(headers)
}

/// What the origin says of a file that never changes; of its answer nothing but the bytes. Browsers check them.
async fn relayed(request: &Request, url: &str, file: &str) -> Result<Response, Error> {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response = answered(url, Ok(scope.fetch_with_str(url))).await?;
    let init = ResponseInit::new();
    if response.status() != 200 {
        init.set_status(404);
        return Ok(Response::new_with_opt_str_and_init(None, &init)?);
    }
    init.set_headers_headers(&headers(file, edge::IMMUTABLE)?);
    let body = response.body().filter(|_| request.method() == "GET");
    Ok(Response::new_with_opt_readable_stream_and_init(body.as_ref(), &init)?)
}
