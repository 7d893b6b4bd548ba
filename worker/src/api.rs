//! Answers the calls of servers: `docs/API.md`.
//!
//! Invariant: a call is refused before anything of its body is read, by route, token and rate; a body is taken in up to its limit, used for
//! one answer and dropped. Every answer is for its caller alone.

use crate::bindings::{RateLimit, RateLimited};
use crate::error::{describe, fail, warn, Error};
use crate::follow::{self, Refresh};
use crate::lists::Lists;
use crate::store::within;
use crate::{flags, lists, metrics, model, settings};
use js_sys::{Object, Reflect, Uint8Array};
use pocketrank::edge::api::{self, Asked, Code, Problem, Rerank, Route, Slate, Source, MAX_BODY};
use pocketrank::edge::metrics::{API, CONTENT_TYPE};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, ReadableStreamDefaultReader, Request, Response, ResponseInit};
use worker::Env;

const JSON: &str = "application/json";
/// The binding of the rate limit.
const LIMIT: &str = "API_LIMIT";
/// How long the rate limit may take, in milliseconds.
const LIMIT_TIME: f64 = 1_000.0;
/// How often lists are looked for in the model that replaced the one before, while they were read.
const SWAPS: usize = 3;

/// What is answered: its media type and its text.
type Answer = (&'static str, String);

/// Answers a call of the API.
///
/// # Errors
/// [`Error::Platform`] if an answer cannot be made.
pub async fn answer(request: &Request, env: &Env, path: &str) -> Result<Response, Error> {
    let method = request.method();
    let route = Route::find(&method, path);
    let name = route.as_ref().map_or("none", Route::name);
    let answer = match route {
        Ok(route) => called(request, env, &route).await,
        Err(problem) => Err(problem),
    };
    let status = answer.as_ref().map_or_else(|problem| problem.code.status(), |_| 200);
    metrics::count(&API, [name, api::status_text(status)]);
    let headers = Headers::new()?;
    headers.set("Cache-Control", "no-store")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    let (content_type, text) = answer.or_else(|problem| refused(&problem, &headers))?;
    headers.set("Content-Type", content_type)?;
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers_headers(&headers);
    let body = (method != "HEAD").then_some(text.as_str());
    Ok(Response::new_with_opt_str_and_init(body, &init)?)
}

fn refused(problem: &Problem, headers: &Headers) -> Result<Answer, Error> {
    if let Some(allow) = problem.allow {
        headers.set("Allow", allow)?;
    }
    if let Some(challenge) = problem.challenge {
        headers.set("WWW-Authenticate", challenge)?;
    }
    if let Some(seconds) = problem.code.retry_after() {
        headers.set("Retry-After", &seconds.to_string())?;
    }
    Ok(("application/problem+json", problem.json()))
}

/// What is wrong with the worker itself is for the log, not for the caller.
fn failed(error: &Error) -> Problem {
    fail(error);
    Problem::new(Code::Failed)
}

fn thrown(value: JsValue) -> Problem {
    failed(&Error::from(value))
}

async fn called(request: &Request, env: &Env, route: &Route) -> Result<Answer, Problem> {
    if let Some(secret) = route.secret() {
        let authorization = request.headers().get("Authorization").map_err(thrown)?;
        let token = api::authorize(&settings::text(env, secret), authorization.as_deref())?;
        limit(env, &format!("{}:{token}", route.name())).await?;
    }
    flags::load(env).await;
    if !flags::with(|flags| flags.has_route(route.name())) {
        return Err(Problem::new(Code::SwitchedOff));
    }
    match route {
        Route::Rerank => rerank(request, env).await,
        Route::Candidates { name, file } => candidates(env, name, file).await,
        Route::Health => {
            follow::load(env).await;
            let health = metrics::health().ok_or(Code::NoModel)?;
            Ok((JSON, health.json()))
        }
        Route::Metrics => {
            follow::load(env).await;
            Ok((CONTENT_TYPE, metrics::text()))
        }
        Route::Refresh => refresh(env).await,
    }
}

/// Refuses a call that is one too many; where there is no limit, or it fails, none is.
async fn limit(env: &Env, key: &str) -> Result<(), Problem> {
    let bound = Reflect::get(env, &LIMIT.into()).ok().filter(JsValue::is_object);
    let Some(bound) = bound.map(|bound| bound.unchecked_into::<RateLimit>()) else {
        return Ok(());
    };
    let asked = async {
        let options = Object::new();
        Reflect::set(&options, &"key".into(), &key.into())?;
        within(LIMIT_TIME, &bound.limit(&options)?).await
    };
    match asked.await {
        Ok(Some(outcome)) if !outcome.unchecked_ref::<RateLimited>().success() => Err(Problem::new(Code::RateLimited)),
        Ok(Some(_)) => Ok(()),
        Ok(None) => {
            warn(&unlimited("it does not answer".into()));
            Ok(())
        }
        Err(value) => {
            warn(&unlimited(describe(&value)));
            Ok(())
        }
    }
}

fn unlimited(detail: String) -> Error {
    Error::Storage { name: LIMIT, detail }
}

async fn rerank(request: &Request, env: &Env) -> Result<Answer, Problem> {
    let header = |name| request.headers().get(name).map_err(thrown);
    api::is_json(
        header("Content-Type")?.as_deref(),
        header("Content-Encoding")?.as_deref(),
    )?;
    let sec_gpc = header("Sec-GPC")?;
    let body = body(request).await?;
    let now = (js_sys::Date::now() / 1000.0) as u32;
    let call = Rerank::read(&body, now)?;
    if !follow::load(env).await {
        return Err(Problem::new(Code::NoModel));
    }
    let mut missing = Problem::new(Code::ListUnavailable);
    for _ in 0..SWAPS {
        for wanted in &call.lists {
            if let Source::List { file, .. } = &wanted.source {
                load(env, file).await;
            }
        }
        match model::with(|model| ranked(model, &call, sec_gpc.as_deref(), now)) {
            None => return Err(Problem::new(Code::NoModel)),
            Some(Ok(text)) => return Ok((JSON, text)),
            Some(Err(problem)) if problem.code == Code::UnknownList => return Err(problem),
            Some(Err(problem)) => missing = problem,
        }
    }
    Err(missing)
}

/// Sees that a list is there. One that nobody has is the caller's mistake, and nothing for the log.
async fn load(env: &Env, file: &str) {
    match lists::load(env, file).await {
        Ok(()) | Err(Error::Status { status: 404, .. }) => {}
        Err(error) => warn(&error),
    }
}

/// The answer to a call, without an await in it: the profile is set, used and forgotten.
fn ranked(model: &mut model::Model, call: &Rerank, sec_gpc: Option<&str>, now: u32) -> Result<String, Problem> {
    let (ranker, lists, manifest) = model.parts();
    for (at, wanted) in call.lists.iter().enumerate() {
        if let Source::List { file, .. } = &wanted.source {
            if lists.get(file).is_none() {
                let code = missing(lists, file);
                return Err(Problem::at(code, format!("/lists/{at}/list"), code.title()));
            }
        }
    }
    let mut asked = Asked::new(call, ranker, sec_gpc, now);
    let mut slates: Vec<Slate<'_>> = Vec::with_capacity(call.lists.len());
    for wanted in &call.lists {
        slates.extend(match &wanted.source {
            Source::Items(ids) => {
                let candidates = asked.resolve(ids);
                Some(asked.slate(wanted, &candidates, ids))
            }
            Source::List { file, .. } => lists
                .peek(file)
                .map(|list| asked.slate(wanted, list.candidates(), list.ids())),
        });
    }
    Ok(asked.finish(manifest, &slates, now))
}

/// What it means that a list is not there.
fn missing(lists: &Lists, file: &str) -> Code {
    if lists.is_absent(file) {
        Code::UnknownList
    } else {
        Code::ListUnavailable
    }
}

async fn candidates(env: &Env, name: &str, file: &str) -> Result<Answer, Problem> {
    if !follow::load(env).await {
        return Err(Problem::new(Code::NoModel));
    }
    load(env, file).await;
    let listed = |model: &mut model::Model| {
        let (_, lists, manifest) = model.parts();
        match lists.get(file) {
            Some(list) => Ok((JSON, api::candidates(manifest, name, list.candidates(), list.ids()))),
            None => Err(Problem::new(missing(lists, file))),
        }
    };
    model::with(listed).unwrap_or_else(|| Err(Problem::new(Code::NoModel)))
}

async fn refresh(env: &Env) -> Result<Answer, Problem> {
    follow::load(env).await;
    let before = metrics::health().map(|health| health.sequence);
    match follow::refresh(env).await {
        Refresh::Current => {
            let text = model::with(|model| api::refreshed(&model.manifest, before));
            Ok((JSON, text.ok_or(Code::OriginFailed)?))
        }
        Refresh::Failed => Err(Problem::new(Code::OriginFailed)),
        Refresh::Busy => Err(Problem::new(Code::Busy)),
        Refresh::NoOrigin => Err(Problem::new(Code::NoOrigin)),
        Refresh::Unknown => Err(Problem::new(Code::Failed)),
    }
}

/// The whole body, which is read no further than its limit.
async fn body(request: &Request) -> Result<Vec<u8>, Problem> {
    let announced = request.headers().get("Content-Length").map_err(thrown)?;
    if announced.and_then(|text| text.parse::<u64>().ok()) > Some(MAX_BODY as u64) {
        return Err(Problem::new(Code::BodyTooLarge));
    }
    let mut bytes = Vec::new();
    let Some(stream) = request.body() else { return Ok(bytes) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    loop {
        let piece = reader.read().await.map_err(thrown)?;
        let value = Reflect::get(&piece, &"value".into()).map_err(thrown)?;
        let Some(piece) = value.dyn_ref::<Uint8Array>() else {
            return Ok(bytes);
        };
        if piece.length() as usize > MAX_BODY - bytes.len() {
            // What still comes is not wanted; that it cannot be said changes nothing.
            let _ = reader.cancel().await;
            return Err(Problem::new(Code::BodyTooLarge));
        }
        bytes.extend(piece.to_vec());
    }
}
