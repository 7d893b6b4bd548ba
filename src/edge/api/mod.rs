//! The API that an edge has for servers, under [`ROOT`]: which routes there are, who may call them, what a body may say and what an answer
//! looks like. Pure; the edge worker does the I/O. `docs/API.md` and `docs/openapi.json` describe it.
//!
//! Invariant: a route without a token of its own is closed, [`Route::Health`] apart; what a body says of a visitor becomes a
//! [`Profile`](crate::Profile) under a grant and nothing else, and no [`Problem`] that is logged holds any of it.

mod answer;
mod problem;
mod request;
mod token;

pub use answer::{candidates, refreshed, Asked, Health, Slate};
pub use problem::{Code, Problem, PROBLEM_TYPE};
pub use request::{is_json, Rerank, Source, Wanted, MAX_BODY, MAX_CANDIDATES, MAX_DEPTH, MAX_LISTS};
pub use token::{authorize, MIN_TOKEN};

use crate::edge::list_file;

/// What the paths of the API begin with.
pub const ROOT: &str = "/v1/";

/// What the API can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Ranks lists: `POST /v1/rerank`.
    Rerank,
    /// The items of a list: `GET /v1/candidates/{list}`.
    Candidates {
        /// The list's name.
        name: String,
        /// Its file, as manifests name it.
        file: String,
    },
    /// Whether the worker can rank: `GET /v1/health`.
    Health,
    /// Counters and gauges: `GET /v1/metrics`.
    Metrics,
    /// Asks the origin now: `POST /v1/refresh`.
    Refresh,
}

/// The names of the routes, in the order of [`Route::at`].
pub const ROUTES: [&str; 5] = ["rerank", "candidates", "health", "metrics", "refresh"];

impl Route {
    /// The route of a request. `path` is the whole path of its URL.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::UnknownList`] for a name that no list can have, [`Code::Method`].
    pub fn find(method: &str, path: &str) -> Result<Self, Problem> {
        let path = path.strip_prefix(ROOT).unwrap_or_default();
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let route = match (first, path.contains('/')) {
            ("rerank", false) => Route::Rerank,
            ("health", false) => Route::Health,
            ("metrics", false) => Route::Metrics,
            ("refresh", false) => Route::Refresh,
            ("candidates", true) => {
                let file = list_file(rest).ok_or_else(|| Problem::new(Code::UnknownList))?;
                Route::Candidates {
                    name: rest.into(),
                    file,
                }
            }
            _ => return Err(Problem::new(Code::NotFound)),
        };
        match route.allows().split(", ").any(|allowed| allowed == method) {
            true => Ok(route),
            false => Err(Problem::method(route.allows())),
        }
    }

    /// The methods that it takes, as the header `Allow` lists them.
    pub fn allows(&self) -> &'static str {
        match self {
            Route::Rerank | Route::Refresh => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Its place in [`ROUTES`].
    pub fn at(&self) -> usize {
        match self {
            Route::Rerank => 0,
            Route::Candidates { .. } => 1,
            Route::Health => 2,
            Route::Metrics => 3,
            Route::Refresh => 4,
        }
    }

    /// Its name: in flags, metrics and logs.
    pub fn name(&self) -> &'static str {
        ROUTES.get(self.at()).copied().unwrap_or_default()
    }

    /// The secret that holds its tokens; `None` where it takes none.
    pub fn secret(&self) -> Option<&'static str> {
        Some(match self {
            Route::Rerank => "API_TOKEN_RERANK",
            Route::Candidates { .. } => "API_TOKEN_CANDIDATES",
            Route::Health => return None,
            Route::Metrics => "API_TOKEN_METRICS",
            Route::Refresh => "API_TOKEN_REFRESH",
        })
    }
}

/// A status as the value of a label: one of those that the API answers with.
pub fn status_text(status: u16) -> &'static str {
    const STATUSES: [(u16, &str); 14] = [
        (200, "200"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (409, "409"),
        (413, "413"),
        (415, "415"),
        (422, "422"),
        (429, "429"),
        (500, "500"),
        (502, "502"),
        (503, "503"),
    ];
    let known = STATUSES.iter().find(|(known, _)| *known == status);
    known.map_or("other", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_found_by_path_and_method() {
        let found = |method, path: &'static str| Route::find(method, path).map_err(|problem| problem.code);
        assert_eq!(found("POST", "/v1/rerank"), Ok(Route::Rerank));
        assert_eq!(found("GET", "/v1/health"), Ok(Route::Health));
        assert_eq!(found("HEAD", "/v1/metrics"), Ok(Route::Metrics));
        assert_eq!(found("POST", "/v1/refresh"), Ok(Route::Refresh));
        let list = Route::Candidates {
            name: "popular".into(),
            file: "candidates/popular.json".into(),
        };
        assert_eq!(found("GET", "/v1/candidates/popular"), Ok(list));
        for path in [
            "/v1/",
            "/v1/rerank/",
            "/v1//rerank",
            "/v1/Rerank",
            "/v1/candidates",
            "/v1",
            "/v2/rerank",
            "",
        ] {
            assert_eq!(found("POST", path), Err(Code::NotFound), "{path}");
        }
        for name in ["", "a/b", "../manifest", "%61", "A"] {
            let path = format!("/v1/candidates/{name}");
            assert_eq!(Route::find("GET", &path).unwrap_err().code, Code::UnknownList, "{name}");
        }
        for (method, path) in [
            ("GET", "rerank"),
            ("OPTIONS", "rerank"),
            ("POST", "health"),
            ("get", "metrics"),
            ("PUT", "candidates/a"),
        ] {
            let problem = Route::find(method, &format!("/v1/{path}")).unwrap_err();
            assert_eq!(problem.code, Code::Method);
            assert!(problem.allow.is_some());
        }
    }

    #[test]
    fn every_status_has_a_text() {
        for status in Code::ALL.map(Code::status).into_iter().chain([200]) {
            assert_eq!(status_text(status), status.to_string());
        }
        assert_eq!(status_text(418), "other");
    }

    #[test]
    fn every_route_but_health_has_a_secret_of_its_own() {
        let list = Route::find("GET", "/v1/candidates/a").unwrap();
        let all = [Route::Rerank, list, Route::Health, Route::Metrics, Route::Refresh];
        for (at, route) in all.iter().enumerate() {
            assert_eq!((route.at(), route.name()), (at, ROUTES[at]));
            match route.secret() {
                None => assert_eq!(*route, Route::Health),
                Some(name) => assert_eq!(name.to_lowercase(), format!("api_token_{}", route.name())),
            }
        }
    }
}
