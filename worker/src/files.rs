//! The runtime's own files, `/pocketrank/…`: what browsers follow is what is in use here, then what was deployed, then what the origin has.

use crate::assets::{answered, Assets};
use crate::error::{warn, Error};
use crate::page::changed;
use crate::store::copy;
use crate::upstream::Upstream;
use crate::{blobs, follow, model};
use js_sys::Uint8Array;
use pocketrank::{edge, hex};
use wasm_bindgen::JsValue;
use web_sys::{Headers, Request, Response, ResponseInit, Url};
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
    let assets = Upstream::Assets(Assets::of(env)?).pass(request, url)?;
    let assets = answered(&url.href(), Ok(assets)).await?;
    if assets.status() == 404 && reads && edge::is_published(file) {
        // Another isolate may have given the browser a manifest that this one has not seen yet, or one that is gone here.
        match blobs::relayed(file).await {
            Ok(Some(bytes)) => return whole(request, &bytes, &tag_of(file), file, edge::IMMUTABLE),
            Ok(None) => {}
            Err(error) => return refused(&error),
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

/// The manifest in use, or what it names; `None` for other files, and for those that were deployed. What it names and is not to be had is
/// refused: nobody else has it.
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
        Err(error) => refused(&error).map(Some),
    }
}

/// The answer where there is nothing that was published. A browser's plan takes what the origin says for good as that, and all else for a
/// fault that passes; no cache keeps it.
fn refused(error: &Error) -> Result<Response, Error> {
    let status = match error {
        Error::Status { status, .. } if (400..600).contains(status) => *status,
        _ => error.status(),
    };
    if status != 404 {
        warn(error);
    }
    let init = ResponseInit::new();
    init.set_status(status);
    let answer = Response::new_with_opt_str_and_init(None, &init)?;
    answer.headers().set("Cache-Control", "no-store")?;
    Ok(answer)
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

/// Tells a file that its name was checked against from all others: the hash in it.
fn tag_of(file: &str) -> String {
    let (_, name) = file.rsplit_once('/').unwrap_or(("", file));
    name.split('.').next().unwrap_or_default().into()
}

fn content_type(file: &str) -> &'static str {
    match file.ends_with(".json") {
        true => "application/json",
        false => "application/octet-stream",
    }
}

fn headers(file: &str, cache_control: &str) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    headers.set("Content-Type", content_type(file))?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    headers.set("Cache-Control", cache_control)?;
    Ok(headers)
}
