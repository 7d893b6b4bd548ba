//! Answers (RFC 9110). Invariant: an entity tag names bytes: those of the manifest by their hash, those of a blob by the hash in its name, with
//! encoding and length where it travels compressed. `tower-http` negotiates the encoding, reads ranges and files; its own tags follow from
//! times, which differ between servers, so preconditions are judged here.

use super::address::Address;
use super::Shared;
use crate::publish::place::{FOREVER, MANIFEST, REVALIDATE};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{header, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tower_http::services::ServeFile;

/// Whether the folder is there.
pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    match tokio::fs::metadata(&shared.folder).await {
        Ok(folder) if folder.is_dir() => uncached(StatusCode::OK, "ok\n"),
        _ => uncached(StatusCode::SERVICE_UNAVAILABLE, "the folder is not there\n"),
    }
}

/// What was published.
pub(super) async fn published(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let mut response = uncached(StatusCode::METHOD_NOT_ALLOWED, "ask by GET or HEAD\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allowed);
        return response;
    }
    let response = match Address::of(request.uri.path()) {
        Some(Address::Manifest) => manifest(&shared.folder, &request).await,
        Some(Address::Blob { path, hash, .. }) => blob(&shared.folder.join(path), hash, &request).await,
        None => return uncached(StatusCode::NOT_FOUND, "not published here\n"),
    };
    response.unwrap_or_else(|e| match e.kind() {
        io::ErrorKind::NotFound => uncached(StatusCode::NOT_FOUND, "not published here, or no more\n"),
        _ => uncached(StatusCode::INTERNAL_SERVER_ERROR, "cannot be read\n"),
    })
}

async fn manifest(folder: &Path, request: &Parts) -> io::Result<Response> {
    let bytes = tokio::fs::read(folder.join(MANIFEST)).await?;
    let hash = pocketrank::hex(&Sha256::digest(&bytes));
    let tag = Tag::of(hash.get(..32).unwrap_or_default());
    let media = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    )];
    let response = match Outcome::of(&request.headers, &tag) {
        Outcome::Go => (media, bytes).into_response(),
        Outcome::Not(status) => status.into_response(),
    };
    Ok(marked(response, &tag, REVALIDATE))
}

async fn blob(path: &Path, hash: &str, request: &Parts) -> io::Result<Response> {
    let headers = &request.headers;
    let range = headers.get(header::RANGE).filter(|_| request.method == Method::GET);
    let mut response = read(path, request, range).await?;
    let tag = Tag::of_answer(hash, &response);
    if let Outcome::Not(status) = Outcome::of(headers, &tag) {
        let mut not = status.into_response();
        not.headers_mut()
            .insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        return Ok(marked(not, &tag, FOREVER));
    }
    if range.is_some() && headers.get(header::IF_RANGE).is_some_and(|wanted| !tag.is(wanted)) {
        response = read(path, request, None).await?;
    }
    response.headers_mut().remove(header::LAST_MODIFIED);
    Ok(marked(response, &tag, FOREVER))
}

/// A file in the encoding that the request prefers, or a range of that.
async fn read(path: &Path, request: &Parts, range: Option<&HeaderValue>) -> io::Result<Response> {
    let mut plain = axum::http::Request::new(Body::empty());
    *plain.method_mut() = request.method.clone();
    for encodings in request.headers.get_all(header::ACCEPT_ENCODING) {
        plain.headers_mut().append(header::ACCEPT_ENCODING, encodings.clone());
    }
    if let Some(range) = range {
        plain.headers_mut().insert(header::RANGE, range.clone());
    }
    let mut file = ServeFile::new(path).precompressed_br().precompressed_gzip();
    Ok(file.try_call(plain).await?.map(Body::new))
}

/// A strong entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag(String);

impl Tag {
    fn of(content: &str) -> Self {
        Tag(format!("\"{content}\""))
    }

    /// That of a file by its hash, as it comes.
    fn of_answer(hash: &str, response: &Response) -> Self {
        let text = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let Some(encoding) = text(header::CONTENT_ENCODING) else {
            return Self::of(hash);
        };
        let of_range = text(header::CONTENT_RANGE).and_then(|range| range.rsplit_once('/'));
        let length = of_range.map(|(_, length)| length).or(text(header::CONTENT_LENGTH));
        Self::of(&format!("{hash}-{encoding}-{}", length.unwrap_or_default()))
    }

    /// Strong comparison with one tag; a date is none.
    fn is(&self, other: &HeaderValue) -> bool {
        other.as_bytes() == self.0.as_bytes()
    }

    /// Whether it is in a list, by strong or by weak comparison. No tag here has a comma in it.
    fn is_in(&self, headers: &HeaderMap, name: HeaderName, weakly: bool) -> bool {
        let lists = headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        lists.flat_map(|list| list.split(',')).map(str::trim).any(|other| {
            let other = other.strip_prefix("W/").filter(|_| weakly).unwrap_or(other);
            other == "*" || other == self.0
        })
    }
}

/// What preconditions lead to.
enum Outcome {
    Go,
    Not(StatusCode),
}

impl Outcome {
    fn of(headers: &HeaderMap, tag: &Tag) -> Self {
        if headers.contains_key(header::IF_MATCH) && !tag.is_in(headers, header::IF_MATCH, false) {
            return Outcome::Not(StatusCode::PRECONDITION_FAILED);
        }
        match tag.is_in(headers, header::IF_NONE_MATCH, true) {
            true => Outcome::Not(StatusCode::NOT_MODIFIED),
            false => Outcome::Go,
        }
    }
}

fn marked(mut response: Response, tag: &Tag, cache: &'static str) -> Response {
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag.0) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// What no cache may keep.
fn uncached(status: StatusCode, text: &'static str) -> Response {
    let cache = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, cache, text).into_response()
}
