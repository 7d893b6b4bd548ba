//! What can be wrong with a call, as problem+json (RFC 9457).
//!
//! Invariant: codes are stable, each has one status and one title, and each stands in `docs/API.md`, where its type leads.

use serde::Serialize;

/// What the types of problems begin with; the code follows.
pub const PROBLEM_TYPE: &str = "https://github.com/pocketrank/pocketrank/blob/main/docs/API.md#";

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON.
    NotJson,
    /// The body is nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// There is no such token.
    Unauthorized,
    /// The route has no token set, so that nobody may call it.
    Closed,
    /// There is no such route.
    NotFound,
    /// There is no such list.
    UnknownList,
    /// The route does not take the method.
    Method,
    /// Models are deployed with the worker only.
    NoOrigin,
    /// The body has more bytes than [`MAX_BODY`](super::MAX_BODY).
    BodyTooLarge,
    /// The body is no `application/json`, or compressed.
    MediaType,
    /// The body is JSON, and not what it should be.
    WrongBody,
    /// More lists than [`MAX_LISTS`](super::MAX_LISTS).
    TooManyLists,
    /// More candidates in a list than [`MAX_CANDIDATES`](super::MAX_CANDIDATES).
    TooManyCandidates,
    /// More events than [`MAX_EVENTS`](crate::MAX_EVENTS).
    TooManyEvents,
    /// There are events, and it is not said that the visitor agreed.
    ConsentRequired,
    /// Too many calls with this token.
    RateLimited,
    /// The worker is set up wrong; its log says how.
    Failed,
    /// The origin did not say what its newest model is, or it cannot be used.
    OriginFailed,
    /// The route is switched off.
    SwitchedOff,
    /// There is no model yet.
    NoModel,
    /// The list cannot be had at the moment.
    ListUnavailable,
    /// The origin is being asked already.
    Busy,
}

impl Code {
    /// Every code.
    pub const ALL: [Code; 22] = [
        Code::NotJson,
        Code::TooDeep,
        Code::Unauthorized,
        Code::Closed,
        Code::NotFound,
        Code::UnknownList,
        Code::Method,
        Code::NoOrigin,
        Code::BodyTooLarge,
        Code::MediaType,
        Code::WrongBody,
        Code::TooManyLists,
        Code::TooManyCandidates,
        Code::TooManyEvents,
        Code::ConsentRequired,
        Code::RateLimited,
        Code::Failed,
        Code::OriginFailed,
        Code::SwitchedOff,
        Code::NoModel,
        Code::ListUnavailable,
        Code::Busy,
    ];

    /// Status, name and title.
    fn facts(self) -> (u16, &'static str, &'static str) {
        match self {
            Code::NotJson => (400, "not_json", "The body is not JSON"),
            Code::TooDeep => (400, "body_too_deep", "The body is nested too deep"),
            Code::Unauthorized => (401, "unauthorized", "A bearer token of this route is needed"),
            Code::Closed => (403, "closed", "This route has no token set"),
            Code::NotFound => (404, "not_found", "There is no such route"),
            Code::UnknownList => (404, "unknown_list", "There is no such list"),
            Code::Method => (405, "method_not_allowed", "The route does not take this method"),
            Code::NoOrigin => (409, "no_origin", "No origin is followed"),
            Code::BodyTooLarge => (413, "body_too_large", "The body has too many bytes"),
            Code::MediaType => (
                415,
                "unsupported_media_type",
                "The body must be application/json, not compressed",
            ),
            Code::WrongBody => (422, "wrong_body", "The body is not what it should be"),
            Code::TooManyLists => (422, "too_many_lists", "There are too many lists"),
            Code::TooManyCandidates => (422, "too_many_candidates", "A list has too many candidates"),
            Code::TooManyEvents => (422, "too_many_events", "There are too many events"),
            Code::ConsentRequired => (422, "consent_required", "Events need the visitor's consent"),
            Code::RateLimited => (429, "rate_limited", "Too many calls with this token"),
            Code::Failed => (500, "failed", "The worker failed; its log says why"),
            Code::OriginFailed => (502, "origin_failed", "The origin has nothing to use"),
            Code::SwitchedOff => (503, "switched_off", "This route is switched off"),
            Code::NoModel => (503, "no_model", "There is no model yet"),
            Code::ListUnavailable => (503, "list_unavailable", "The list cannot be had at the moment"),
            Code::Busy => (503, "busy", "The origin is being asked already"),
        }
    }

    /// The status of the answer.
    pub fn status(self) -> u16 {
        self.facts().0
    }

    /// Its name, which does not change.
    pub fn name(self) -> &'static str {
        self.facts().1
    }

    /// What it means.
    pub fn title(self) -> &'static str {
        self.facts().2
    }

    /// When to try again, in seconds, where that may help.
    pub fn retry_after(self) -> Option<u32> {
        match self {
            Code::RateLimited => Some(60),
            Code::NoModel | Code::ListUnavailable | Code::Busy => Some(10),
            _ => None,
        }
    }
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub code: Code,
    /// More about it, for the caller alone: it may hold what the body says.
    pub detail: Option<String>,
    /// Where in the body, as a JSON Pointer (RFC 6901).
    pub pointer: Option<String>,
    /// The header `Allow`.
    pub allow: Option<&'static str>,
    /// The header `WWW-Authenticate`.
    pub challenge: Option<&'static str>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Problem::new(code)
    }
}

impl Problem {
    /// One that its title says all of.
    pub fn new(code: Code) -> Self {
        Problem {
            code,
            detail: None,
            pointer: None,
            allow: None,
            challenge: None,
        }
    }

    /// One at a place of the body.
    pub fn at(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Problem {
            detail: Some(detail.into()),
            pointer: Some(pointer.into()),
            ..Problem::new(code)
        }
    }

    /// One that says more.
    pub fn saying(code: Code, detail: impl Into<String>) -> Self {
        Problem {
            detail: Some(detail.into()),
            ..Problem::new(code)
        }
    }

    pub(super) fn method(allow: &'static str) -> Self {
        Problem {
            allow: Some(allow),
            ..Problem::new(Code::Method)
        }
    }

    pub(super) fn unauthorized(challenge: &'static str) -> Self {
        Problem {
            challenge: Some(challenge),
            ..Problem::new(Code::Unauthorized)
        }
    }

    /// The document, `application/problem+json`.
    pub fn json(&self) -> String {
        super::answer::json(&Document {
            r#type: [PROBLEM_TYPE, self.code.name()].concat(),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.name(),
            detail: self.detail.as_deref(),
            pointer: self.pointer.as_deref(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented_once() {
        let docs = include_str!("../../../docs/API.md");
        for code in Code::ALL {
            let heading = format!("\n### {}\n", code.name());
            assert_eq!(
                docs.matches(&heading).count(),
                1,
                "docs/API.md must have the heading {}",
                code.name()
            );
            let (_, section) = docs.split_once(&heading).unwrap();
            assert!(
                section.starts_with(&format!("\n{}. ", code.status())),
                "{}",
                code.name()
            );
            assert_eq!(Code::ALL.iter().filter(|other| other.name() == code.name()).count(), 1);
        }
    }

    #[test]
    fn documents_say_what_and_where() {
        let problem = Problem::at(Code::WrongBody, "/lists/0/count", "must be a \"number\"");
        let document: serde_json::Value = serde_json::from_str(&problem.json()).unwrap();
        let expected = serde_json::json!({
            "type": "https://github.com/pocketrank/pocketrank/blob/main/docs/API.md#wrong_body",
            "title": "The body is not what it should be",
            "status": 422,
            "code": "wrong_body",
            "detail": "must be a \"number\"",
            "pointer": "/lists/0/count",
        });
        assert_eq!(document, expected);
        let plain: serde_json::Value = serde_json::from_str(&Problem::new(Code::Busy).json()).unwrap();
        assert_eq!(plain.as_object().unwrap().len(), 4);
    }
}
