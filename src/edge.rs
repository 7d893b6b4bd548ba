//! What an edge decides about a page request: which pages it personalizes, whose profile it ranks with, and which headers
//! go no further. Pure; the edge worker does the fetching.
//!
//! Invariant: the capsule reaches a [`Profile`] under a grant and nothing else, neither upstream nor a cache nor a log; a
//! page that is shared is asked for as nobody in particular; a page that was personalized is stored by nobody.

#[cfg(feature = "api")]
pub mod api;
pub mod cache;
mod files;
#[cfg(feature = "api")]
pub mod flags;
pub mod metrics;

pub use files::{
    asset_cache_control, is_name_of, is_published, ASSETS, IMMUTABLE, LISTS, MANIFEST, MODELS, REVALIDATE,
};

use crate::capsule;
use crate::consent::{Consent, Gpc, Signals};
use crate::profile::Profile;
use crate::rerank::Options;
use crate::snapshot::SnapshotId;
use base64ct::{Base64, Encoding};
use std::fmt::Write;

/// The pages with slots: paths that are asked for without cookies and personalized, by opt-in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pages(Vec<String>);

impl Pages {
    /// Reads paths separated by blanks; one that ends in `*` stands for all paths with that beginning.
    /// `None` if one does not begin with `/` or has a `*` elsewhere.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = |path: &str| path.starts_with('/') && !path.strip_suffix('*').unwrap_or(path).contains('*');
        let paths = text.split_whitespace();
        let paths = paths
            .map(|path| valid(path).then(|| path.into()))
            .collect::<Option<_>>()?;
        Some(Pages(paths))
    }

    /// Whether a path is one of them.
    pub fn contains(&self, path: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == pattern,
        })
    }

    /// Whether a request is for the shared form of one of them: a plain GET that no credentials and no range go with.
    pub fn accept(&self, method: &str, path: &str, has_header: impl Fn(&str) -> bool) -> bool {
        method == "GET" && self.contains(path) && !has_header("Authorization") && !has_header("Range")
    }
}

/// Headers without which a shared page is asked for: what says who asks, and what asks for less than the page.
pub const REQUEST_DROPS: [&str; 6] = [
    "Cookie",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
];

/// Headers that an answer on a shared path loses: it was made for nobody, so it must not replace anyone's cookies.
pub const SHARED_DROPS: [&str; 1] = ["Set-Cookie"];

/// Headers that a personalized answer loses: those of [`SHARED_DROPS`], and what describes the shared page or lets caches keep it.
pub const PERSONAL_DROPS: [&str; 14] = [
    "Accept-Ranges",
    "Age",
    "CF-Cache-Status",
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Content-Digest",
    "Content-Length",
    "ETag",
    "Expires",
    "Last-Modified",
    "Pragma",
    "Repr-Digest",
    "Set-Cookie",
    "Surrogate-Control",
];

/// `Cache-Control` of a personalized answer.
pub const PERSONAL_CACHE_CONTROL: &str = "private, no-store";

/// Whether an answer is a whole HTML page, by its status and `Content-Type`.
pub fn is_page(status: u16, content_type: Option<&str>) -> bool {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    status == 200 && media_type.trim().eq_ignore_ascii_case("text/html")
}

/// The profile that a request ranks with: its capsule's, where the shop has switched the capsule on and the visitor allows
/// it, else the empty one. A capsule that cannot be read counts as none. `now` is in seconds since 1970-01-01 UTC.
pub fn profile(capsule_is_on: bool, sec_gpc: Option<&str>, cookies: Option<&str>, now: u32) -> Profile {
    let capsule = cookies.filter(|_| capsule_is_on).and_then(find_capsule);
    let choice = capsule.and_then(|text| capsule::choice(text, now).ok());
    let consent = Consent::decide(&Signals {
        gpc: Gpc::from_header(sec_gpc),
        choice,
        ..Signals::default()
    });
    let profile = |grant| capsule::decode(&grant, capsule?, now).ok();
    consent.capsule_grant().and_then(profile).unwrap_or_default()
}

/// The capsule's text in a `Cookie` header.
fn find_capsule(cookies: &str) -> Option<&str> {
    let pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim() == capsule::COOKIE);
    values.next().map(|(_, value)| value.trim())
}

/// A `Cookie` header without the capsule; `None` if nothing is left. Whatever mentions the capsule's name goes, however it is
/// written.
pub fn strip_capsule(cookies: &str) -> Option<String> {
    let keeps = |pair: &&str| !pair.is_empty() && !pair.contains(capsule::COOKIE);
    let kept: Vec<&str> = cookies.split(';').map(str::trim).filter(keeps).collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}

/// The most places that a slot can ask for.
pub const MAX_COUNT: usize = 48;
/// Places of a slot that does not say how many.
const DEFAULT_COUNT: usize = 12;
/// How much a slot's items are to differ, where nothing else is said; hosts share it so that their slates agree.
pub const DIVERSITY: f32 = 0.3;
const MAX_NAME: usize = 100;

/// How a slot is ranked, by its attribute `data-pocketrank-count`; `None` if that is no number from 1. Numbers over
/// [`MAX_COUNT`] count as that.
pub fn slot_options(count: Option<&str>) -> Option<Options> {
    let count = count.map_or(Some(DEFAULT_COUNT), |text| text.trim().parse().ok())?;
    (count > 0).then(|| Options {
        count: count.min(MAX_COUNT),
        diversity: DIVERSITY,
        ..Options::default()
    })
}

/// The candidates list of that name, as manifests name its file; `None` if no list can have that name (`a` to `z`, `0` to `9` and `-`).
pub fn list_file(name: &str) -> Option<String> {
    is_name(name).then(|| format!("{LISTS}{name}.json"))
}

fn is_name(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(valid)
}

/// The model of that name, which an arm of an experiment ranks with, as manifests name its file; `None` if none can have that name.
pub fn model_file(name: &str) -> Option<String> {
    is_name(name).then(|| format!("{MODELS}{name}.pkr"))
}

/// The name of the list whose file [`list_file`] gave.
fn list_name(file: &str) -> Option<&str> {
    let name = file.strip_prefix(LISTS)?.strip_suffix(".json")?;
    (list_file(name)? == file).then_some(name)
}

/// The most bytes that a page's own model has: they travel with every view of the page, as text a third longer.
pub const MAX_PAGE_MODEL: usize = 1 << 18;

/// The element in which a page carries its own model: a slice of `snapshot` with all items of these lists. It is data to
/// browsers, so that none runs it and no Content-Security-Policy stops it, and nothing in it needs to be escaped. `None` if the slice
/// is larger than [`MAX_PAGE_MODEL`] or a list is not one of [`list_file`].
///
/// ```text
/// <script type="application/vnd.pocketrank.snapshot" data-pocketrank-model data-pocketrank-snapshot="ID OF THE WHOLE"
///   data-pocketrank-lists="popular trending">BASE64</script>
/// ```
pub fn page_model(snapshot: SnapshotId, lists: &[impl AsRef<str>], slice: &[u8]) -> Option<String> {
    if slice.len() > MAX_PAGE_MODEL {
        return None;
    }
    let names: Vec<&str> = lists
        .iter()
        .map(|file| list_name(file.as_ref()))
        .collect::<Option<_>>()?;
    let mut html = String::from("<script type=\"application/vnd.pocketrank.snapshot\" data-pocketrank-model");
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        " data-pocketrank-snapshot=\"{snapshot}\" data-pocketrank-lists=\"{}\">{}</script>",
        names.join(" "),
        Base64::encode_string(slice)
    );
    Some(html)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{item_hash, Event, EventKind};
    use crate::profile::tests::consent;

    const NOW: u32 = 1_700_000_000;

    fn visitor() -> (Profile, String) {
        let grant = consent().capsule_grant().unwrap();
        let mut profile = Profile::default();
        profile.record(
            grant.grant(),
            Event {
                item: item_hash("a"),
                at: NOW / 86_400 * 86_400,
                kind: EventKind::ViewItem,
            },
        );
        let text = capsule::encode(&profile, &grant, NOW);
        (profile, text)
    }

    #[test]
    fn pages_are_opted_in() {
        let pages = Pages::parse("/ /product/*  /sale").unwrap();
        for path in ["/", "/product/", "/product/a/b", "/sale"] {
            assert!(pages.contains(path), "{path}");
        }
        for path in ["/cart", "/product", "/sale/", "/saleroom", ""] {
            assert!(!pages.contains(path), "{path}");
        }
        assert!(!Pages::parse("").unwrap().contains("/"));
        for wrong in ["product/*", "/a*b", "*", "/**"] {
            assert_eq!(Pages::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_personalized_answer_loses_what_a_shared_one_does() {
        assert!(SHARED_DROPS.iter().all(|name| PERSONAL_DROPS.contains(name)));
    }

    #[test]
    fn only_plain_gets_are_for_the_shared_page() {
        let pages = Pages::parse("/*").unwrap();
        assert!(pages.accept("GET", "/", |_| false));
        assert!(!pages.accept("HEAD", "/", |_| false));
        assert!(!pages.accept("POST", "/", |_| false));
        assert!(!pages.accept("GET", "/", |name| name == "Range"));
        assert!(!pages.accept("GET", "/", |name| name == "Authorization"));
    }

    #[test]
    fn pages_are_whole_html() {
        assert!(is_page(200, Some("Text/HTML; charset=utf-8")));
        assert!(is_page(200, Some("text/html")));
        assert!(!is_page(200, Some("text/html-sandboxed")));
        assert!(!is_page(200, Some("application/json")));
        assert!(!is_page(200, None));
        for status in [204, 206, 301, 304, 404, 500] {
            assert!(!is_page(status, Some("text/html")));
        }
    }

    #[test]
    fn the_capsule_counts_under_consent_only() {
        let (expected, text) = visitor();
        let cookies = format!("a=b; {}={text}; c=d", capsule::COOKIE);
        assert_eq!(profile(true, None, Some(&cookies), NOW), expected);
        let empty = Profile::default();
        assert_eq!(profile(false, None, Some(&cookies), NOW), empty);
        assert_eq!(profile(true, Some("1"), Some(&cookies), NOW), empty);
        assert_eq!(profile(true, Some("?"), Some(&cookies), NOW), empty);
        assert_eq!(profile(true, None, None, NOW), empty);
        assert_eq!(profile(true, None, Some(&cookies), NOW + 40 * 86_400), empty);
    }

    #[test]
    fn hostile_cookies_are_no_capsule() {
        let (_, text) = visitor();
        let half = text.get(..text.len() / 2).unwrap();
        for cookies in [
            "",
            ";;==;",
            "__Host-pocketrank",
            "__Host-pocketrank=",
            "__Host-pocketrank=\u{0}\u{ff}",
            &format!("{}={half}", capsule::COOKIE),
            &format!("__host-pocketrank={text}"),
            &format!("{}={}", capsule::COOKIE, "A".repeat(100_000)),
        ] {
            assert_eq!(profile(true, None, Some(cookies), NOW), Profile::default());
        }
    }

    #[test]
    fn no_spelling_of_the_capsule_goes_upstream() {
        for (cookies, kept) in [
            ("__Host-pocketrank=x", None),
            ("a=b; __Host-pocketrank=x; c=d", Some("a=b; c=d")),
            (
                "a=b;__Host-pocketrank=x;__Host-pocketrank =y;c=\"d;e\"",
                Some("a=b; c=\"d; e\""),
            ),
            ("a=b, __Host-pocketrank=x", None),
            ("a=b", Some("a=b")),
            (";;", None),
        ] {
            assert_eq!(strip_capsule(cookies).as_deref(), kept, "{cookies}");
        }
    }

    #[test]
    fn slots_are_bounded() {
        assert_eq!(slot_options(None).unwrap().count, 12);
        assert_eq!(slot_options(Some(" 5 ")).unwrap().count, 5);
        assert_eq!(slot_options(Some("4000000000")).unwrap().count, MAX_COUNT);
        for wrong in ["0", "-1", "x", "", "1e3", "99999999999999999999999999"] {
            assert_eq!(slot_options(Some(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn lists_are_named() {
        assert_eq!(list_file("category-pots-2").unwrap(), "candidates/category-pots-2.json");
        for wrong in ["", "../manifest", "A", "a b", "a/b", "a.json", "ä", &"a".repeat(101)] {
            assert_eq!(list_file(wrong), None, "{wrong}");
            assert_eq!(model_file(wrong), None, "{wrong}");
        }
        assert_eq!(model_file("big-2").unwrap(), "models/big-2.pkr");
    }

    #[test]
    fn a_page_carries_its_model_as_data() {
        let id = SnapshotId([0xab; 16]);
        let lists = ["popular", "similar-1"].map(|name| list_file(name).unwrap());
        let slice: Vec<u8> = (0..=255).collect();
        let html = page_model(id, &lists, &slice).unwrap();
        let start = format!(
            "<script type=\"application/vnd.pocketrank.snapshot\" data-pocketrank-model data-pocketrank-snapshot=\"{}\" \
             data-pocketrank-lists=\"popular similar-1\">",
            "ab".repeat(16)
        );
        let text = html.strip_prefix(&start).unwrap().strip_suffix("</script>").unwrap();
        assert!(text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)));
        assert_eq!(Base64::decode_vec(text).unwrap(), slice);
    }

    #[test]
    fn a_page_carries_no_model_that_is_too_large_or_of_no_list() {
        let id = SnapshotId([0; 16]);
        let lists = [list_file("popular").unwrap()];
        assert!(page_model(id, &lists, &vec![0; MAX_PAGE_MODEL]).is_some());
        assert_eq!(page_model(id, &lists, &vec![0; MAX_PAGE_MODEL + 1]), None);
        for wrong in [
            "",
            "popular",
            "candidates/.json",
            "candidates/\"><b>.json",
            "candidates/a/b.json",
        ] {
            assert_eq!(page_model(id, &[wrong], &[]), None, "{wrong}");
        }
    }
}
