//! The shared page in a cache: who may be answered from it, under which key, whether an answer may be kept, and what becomes of it with
//! time (RFC 9111, RFC 5861). Pure; the edge worker reads and writes the platform's cache, which knows no stale answers, so the time that
//! counts is ours and lies beside the page.
//!
//! Invariant: all that upstream sees of a request for a cached page is in its key, so that no visitor can shape what others get. An answer
//! that is for one visitor, or may be, is not kept.

use super::{is_page, Pages};
use crate::bytes::sha256;
use crate::hex::hex;

/// The headers that a page for the cache is asked for with: these alone, whatever the visitor sent.
pub const REQUEST: [(&str, &str); 3] = [
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Accept-Encoding", "gzip, br"),
    ("User-Agent", "Mozilla/5.0 (compatible; Pocketrank)"),
];

/// The `Accept-Encoding` with which a page is asked for that is to be read: of the encodings of a browser those that the platform decodes.
pub fn encodings(accepted: Option<&str>) -> &'static str {
    let accepts = |name: &str| {
        let mut parts = accepted.unwrap_or_default().split(',');
        parts.any(|part| {
            let (encoding, quality) = part.split_once(';').unwrap_or((part, ""));
            let is_refused = quality
                .trim()
                .strip_prefix("q=0")
                .is_some_and(|rest| rest.trim_matches(['.', '0']).is_empty());
            encoding.trim().eq_ignore_ascii_case(name) && !is_refused
        })
    };
    match (accepts("gzip"), accepts("br")) {
        (true, true) => "gzip, br",
        (true, false) => "gzip",
        (false, true) => "br",
        (false, false) => "identity",
    }
}

/// The header of a kept page with its time and lifetime, as [`Kept::header`] writes it.
pub const KEPT: &str = "X-Pocketrank-Kept";
/// The header of a kept page with the `Cache-Control` that upstream gave it.
pub const UPSTREAM_CONTROL: &str = "X-Pocketrank-Cache-Control";
/// Headers of a kept page that nobody else gets: ours, and those of the cache that it lay in.
pub const INTERNAL: [&str; 4] = [KEPT, UPSTREAM_CONTROL, "CF-Cache-Status", "Age"];

/// What a number of seconds beyond all reason counts as (RFC 9111, 1.2.2).
const FOR_EVER: u32 = 1 << 31;

/// The pages that are cached, and by which parameters of their address they differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    pages: Pages,
    kept: Vec<String>,
    dropped: Vec<String>,
}

impl Rules {
    /// Reads the paths, as [`Pages::parse`] does, and the names of parameters, separated by blanks: `name` is of the page, `-name` is of no page, as those
    /// that tell where visitors come from. A `*` at the end stands for all names with that beginning. `None` if one cannot be understood.
    pub fn parse(pages: &str, query: &str) -> Option<Self> {
        let mut rules = Rules {
            pages: Pages::parse(pages)?,
            ..Rules::default()
        };
        for name in query.split_whitespace() {
            let (names, name) = match name.strip_prefix('-') {
                Some(name) => (&mut rules.dropped, name),
                None => (&mut rules.kept, name),
            };
            let whole = name.strip_suffix('*').unwrap_or(name);
            if name.is_empty() || whole.contains(['*', '&', '=', '?', '#']) {
                return None;
            }
            names.push(name.into());
        }
        Some(rules)
    }

    /// The query with which upstream is asked for the cached page of that address, `search` beginning with `?` or empty, as the answer does: the
    /// parameters of the page, by their names. `None` if the page is not cached, or has a parameter that is neither of a page nor of none:
    /// what that does is not known, so the request goes by the cache.
    ///
    /// Names count as they are written: another spelling is another name.
    pub fn query(&self, path: &str, search: &str) -> Option<String> {
        if !self.pages.contains(path) {
            return None;
        }
        let text = search.strip_prefix('?').unwrap_or(search);
        let mut pairs: Vec<(&str, &str)> = vec![];
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            if is_one_of(&self.kept, name) {
                pairs.push((name, pair));
            } else if !is_one_of(&self.dropped, name) {
                return None;
            }
        }
        // Several of one name keep their order, in which they may count.
        pairs.sort_by_key(|(name, _)| *name);
        let mut query = String::new();
        for (_, pair) in pairs {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(pair);
        }
        Some(query)
    }
}

fn is_one_of(names: &[String], name: &str) -> bool {
    names.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == known,
    })
}

/// The key of a cached page: a hash of where it comes from, of scheme and host that it was asked of, and of its path and query as upstream sees
/// them. Nothing of its address can be mistaken for another part of it.
pub fn key(upstream: &str, origin: &str, path: &str, query: &str) -> String {
    let mut bytes = vec![];
    for part in [upstream, origin, path, query] {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part.as_bytes());
    }
    hex(&sha256(&[&bytes]))
}

/// What an answer says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Content-Encoding`.
    pub content_encoding: Option<&'a str>,
    /// `Cache-Control`.
    pub cache_control: Option<&'a str>,
    /// `Vary`.
    pub vary: Option<&'a str>,
    /// `Age`.
    pub age: Option<&'a str>,
    /// Seconds from `Date` to `Expires`, 0 if that cannot be understood; `None` without `Expires`.
    pub expires: Option<u32>,
    /// Whether it sets a cookie.
    pub sets_cookie: bool,
}

impl Answer<'_> {
    /// Whether a reader of HTML can read it: a whole page in an encoding that the platform decodes.
    pub fn is_readable(&self) -> bool {
        // As workerd compares them: what it does not know it leaves encoded.
        let decoded = ["", "identity", "gzip", "br"].contains(&self.content_encoding.unwrap_or_default());
        is_page(self.status, self.content_type) && decoded
    }

    /// How long it may be kept at `now`, in milliseconds since 1970-01-01 UTC; `None` if it may not, or to no end.
    ///
    /// No header of the visitor reached upstream, so every answer fits whatever it varies by, but for cookies, credentials and `*`.
    pub fn keep(&self, defaults: &Lifetime, now: u64) -> Option<Kept> {
        let varies_by = |name: &str| {
            let mut fields = self.vary.unwrap_or_default().split(',');
            fields.any(|field| field.trim().eq_ignore_ascii_case(name))
        };
        if !self.is_readable() || self.sets_cookie || ["*", "Cookie", "Authorization"].into_iter().any(varies_by) {
            return None;
        }
        let lifetime = Control::parse(self.cache_control.unwrap_or_default()).lifetime(self.expires, defaults)?;
        let age = self.age.map_or(0, |text| seconds(text).unwrap_or(FOR_EVER));
        let kept = Kept {
            at: now.saturating_sub(u64::from(age) * 1_000),
            lifetime,
        };
        (kept.state(now) != State::Expired).then_some(kept)
    }
}

/// Whether stale pages may stand in for an answer of that status (RFC 5861, 4).
pub fn is_error(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

/// How long a page can be used, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetime {
    /// As long it is fresh.
    pub fresh: u32,
    /// As long after that it is used while another is fetched.
    pub while_revalidate: u32,
    /// As long after it was fresh it is used where no other can be had.
    pub if_error: u32,
}

/// The directives of a `Cache-Control` that a shared cache goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Control {
    /// `private`, `no-store` or `no-cache`. Those that name fields count as those that do not.
    refuses: bool,
    /// Stale answers are not allowed, unless they are asked for.
    must_revalidate: bool,
    max_age: Option<u32>,
    s_maxage: Option<u32>,
    while_revalidate: Option<u32>,
    if_error: Option<u32>,
}

impl Control {
    fn parse(text: &str) -> Self {
        let mut control = Control::default();
        for directive in directives(text) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let value = seconds(value.trim().trim_matches('"'));
            // Of several the least counts, and what cannot be read is none at all.
            let least = |known: &mut Option<u32>| {
                let value = value.unwrap_or(0);
                *known = Some(known.map_or(value, |known| known.min(value)));
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "private" | "no-store" | "no-cache" => control.refuses = true,
                "must-revalidate" | "proxy-revalidate" => control.must_revalidate = true,
                "max-age" => least(&mut control.max_age),
                "s-maxage" => least(&mut control.s_maxage),
                "stale-while-revalidate" => least(&mut control.while_revalidate),
                "stale-if-error" => least(&mut control.if_error),
                _ => {}
            }
        }
        control
    }

    fn lifetime(&self, expires: Option<u32>, defaults: &Lifetime) -> Option<Lifetime> {
        if self.refuses {
            return None;
        }
        let stated = self.s_maxage.or(self.max_age).or(expires);
        let fresh = stated.unwrap_or(defaults.fresh);
        // `s-maxage` forbids what `proxy-revalidate` does. What is stale from the beginning is not to be kept, unless upstream says for how long.
        let forbids = self.must_revalidate || self.s_maxage.is_some() || fresh == 0;
        let stale = |stated: Option<u32>, default| stated.unwrap_or(if forbids { 0 } else { default });
        Some(Lifetime {
            fresh,
            while_revalidate: stale(self.while_revalidate, defaults.while_revalidate),
            if_error: stale(self.if_error, defaults.if_error),
        })
    }
}

/// The parts between commas that no quotes enclose.
fn directives(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |char| {
        let is_escaped = std::mem::take(&mut escaped);
        match char {
            '\\' if quoted && !is_escaped => escaped = true,
            '"' if !is_escaped => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
}

/// A number of seconds; `None` if it is none.
fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(FOR_EVER).min(FOR_EVER))
}

/// When a kept page was made, and how long it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    at: u64,
    lifetime: Lifetime,
}

/// What a kept page may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is the page.
    Fresh,
    /// It is used while another is fetched.
    Stale,
    /// It is used where no other can be had.
    IfError,
    /// It is not used.
    Expired,
}

impl Kept {
    /// As a header.
    pub fn header(&self) -> String {
        let Lifetime {
            fresh,
            while_revalidate,
            if_error,
        } = self.lifetime;
        format!("{} {fresh} {while_revalidate} {if_error}", self.at)
    }

    /// From a header; `None` if it is not one of [`Self::header`].
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split(' ');
        let at = parts.next()?.parse().ok()?;
        let mut part = || parts.next().and_then(seconds);
        let lifetime = Lifetime {
            fresh: part()?,
            while_revalidate: part()?,
            if_error: part()?,
        };
        parts.next().is_none().then_some(Kept { at, lifetime })
    }

    /// Its age at `now`, in seconds; `now` is in milliseconds since 1970-01-01 UTC. Clocks that go backwards make nothing younger than new.
    pub fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.at) / 1_000
    }

    /// What it may be used for at `now`, in milliseconds since 1970-01-01 UTC.
    pub fn state(&self, now: u64) -> State {
        let Lifetime {
            fresh,
            while_revalidate,
            if_error,
        } = self.lifetime;
        let (age, fresh) = (self.age(now), u64::from(fresh));
        if age < fresh {
            State::Fresh
        } else if age < fresh + u64::from(while_revalidate) {
            State::Stale
        } else if age < fresh + u64::from(if_error) {
            State::IfError
        } else {
            State::Expired
        }
    }

    /// `Cache-Control` for a cache that knows no stale answers: as long as it may be used for anything.
    pub fn cache_control(&self) -> String {
        let stale = self.lifetime.while_revalidate.max(self.lifetime.if_error);
        format!(
            "public, max-age={}",
            self.lifetime.fresh.saturating_add(stale).min(FOR_EVER)
        )
    }
}

#[cfg(test)]
mod tests;
