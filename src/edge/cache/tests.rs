use super::*;
use proptest::prelude::*;

const NOW: u64 = 1_700_000_000_000;
const DEFAULTS: Lifetime = Lifetime {
    fresh: 60,
    while_revalidate: 30,
    if_error: 600,
};

fn page(cache_control: &str) -> Answer<'_> {
    Answer {
        status: 200,
        content_type: Some("text/html; charset=utf-8"),
        cache_control: Some(cache_control),
        ..Answer::default()
    }
}

fn lifetime(cache_control: &str) -> Option<(u32, u32, u32)> {
    let kept = page(cache_control).keep(&DEFAULTS, NOW)?;
    assert_eq!(kept.at, NOW);
    let lifetime = kept.lifetime;
    Some((lifetime.fresh, lifetime.while_revalidate, lifetime.if_error))
}

#[test]
fn upstream_says_how_long_a_page_lives() {
    for (cache_control, expected) in [
        ("", Some((60, 30, 600))),
        ("public", Some((60, 30, 600))),
        ("max-age=5", Some((5, 30, 600))),
        ("Max-Age=5 , PUBLIC", Some((5, 30, 600))),
        ("max-age=\"5\"", Some((5, 30, 600))),
        // For shared caches s-maxage counts, and nothing stale without being asked for.
        ("max-age=5, s-maxage=7", Some((7, 0, 0))),
        (
            "s-maxage=7, stale-while-revalidate=8, stale-if-error=9",
            Some((7, 8, 9)),
        ),
        ("max-age=5, must-revalidate", Some((5, 0, 0))),
        ("max-age=5, proxy-revalidate, stale-if-error=9", Some((5, 0, 9))),
        ("max-age=0, stale-while-revalidate=8", Some((0, 8, 0))),
        ("max-age=0", None),
        ("s-maxage=0, max-age=5", None),
        // The least of several, and none of what cannot be read.
        ("max-age=5, max-age=3", Some((3, 30, 600))),
        ("max-age=-1", None),
        ("max-age", None),
        ("max-age=5s", None),
        ("max-age=99999999999999999999", Some((1 << 31, 30, 600))),
        ("private", None),
        ("no-store", None),
        ("no-cache", None),
        ("max-age=5, Private=\"Set-Cookie\"", None),
        ("no-cache=\"a, b\", max-age=5", None),
        // What is quoted is no directive.
        ("x=\"private, \\\", no-store\", max-age=5", Some((5, 30, 600))),
        ("privateer, no-storehouse", Some((60, 30, 600))),
    ] {
        assert_eq!(lifetime(cache_control), expected, "{cache_control}");
    }
}

#[test]
fn expires_counts_where_nothing_else_says() {
    let keep = |cache_control, expires| {
        let answer = Answer {
            expires,
            ..page(cache_control)
        };
        answer.keep(&DEFAULTS, NOW).map(|kept| kept.lifetime.fresh)
    };
    assert_eq!(keep("", Some(10)), Some(10));
    assert_eq!(keep("", Some(0)), None);
    assert_eq!(keep("max-age=5", Some(0)), Some(5));
}

#[test]
fn only_what_is_for_all_is_kept() {
    let good = page("max-age=60");
    assert!(good.keep(&DEFAULTS, NOW).is_some());
    let vary = |vary| Answer {
        vary: Some(vary),
        ..good
    };
    for fine in ["Accept-Encoding", "User-Agent, Accept-Language", ""] {
        assert!(vary(fine).keep(&DEFAULTS, NOW).is_some(), "{fine}");
    }
    for (wrong, answer) in [
        ("cookie", vary("Accept-Encoding,cookie")),
        ("all", vary("*")),
        ("credentials", vary("Authorization")),
        (
            "sets a cookie",
            Answer {
                sets_cookie: true,
                ..good
            },
        ),
        ("error", Answer { status: 500, ..good }),
        ("part", Answer { status: 206, ..good }),
        ("moved", Answer { status: 301, ..good }),
        (
            "no page",
            Answer {
                content_type: Some("application/json"),
                ..good
            },
        ),
        (
            "unreadable",
            Answer {
                content_encoding: Some("zstd"),
                ..good
            },
        ),
        (
            "encoded twice",
            Answer {
                content_encoding: Some("gzip, br"),
                ..good
            },
        ),
    ] {
        assert_eq!(answer.keep(&DEFAULTS, NOW), None, "{wrong}");
    }
}

#[test]
fn age_at_upstream_counts() {
    let aged = |age| {
        let answer = Answer {
            age: Some(age),
            ..page("max-age=60, stale-while-revalidate=0, stale-if-error=30")
        };
        answer.keep(&DEFAULTS, NOW).map(|kept| kept.state(NOW))
    };
    assert_eq!(aged("0"), Some(State::Fresh));
    assert_eq!(aged("59"), Some(State::Fresh));
    assert_eq!(aged("60"), Some(State::IfError));
    assert_eq!(aged("90"), None);
    assert_eq!(aged("what"), None);
}

#[test]
fn pages_grow_old() {
    let kept = page("max-age=60, stale-while-revalidate=10, stale-if-error=100")
        .keep(&DEFAULTS, NOW)
        .unwrap();
    for (seconds, state) in [
        (0, State::Fresh),
        (59, State::Fresh),
        (60, State::Stale),
        (69, State::Stale),
        (70, State::IfError),
        (159, State::IfError),
        (160, State::Expired),
    ] {
        assert_eq!(kept.state(NOW + seconds * 1_000), state, "{seconds}");
    }
    assert_eq!(kept.state(NOW - 5_000), State::Fresh);
    assert_eq!(kept.age(NOW + 61_999), 61);
    assert_eq!(kept.cache_control(), "public, max-age=160");
}

#[test]
fn only_our_own_header_is_read() {
    let kept = page("").keep(&DEFAULTS, NOW).unwrap();
    assert_eq!(kept.header(), "1700000000000 60 30 600");
    assert_eq!(Kept::parse(&kept.header()), Some(kept));
    for wrong in ["", "1 2 3", "1 2 3 4 5", "1 2 3 x", "-1 2 3 4", "1  2 3 4"] {
        assert_eq!(Kept::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn parameters_are_of_the_page_or_of_none() {
    let rules = Rules::parse("/ /product/*", "page sort filter_* -utm_* -gclid").unwrap();
    for (path, search, expected) in [
        ("/", "", Some("")),
        ("/", "?", Some("")),
        ("/product/a", "?page=2", Some("?page=2")),
        ("/", "?sort=a&page=2&&filter_b=%26", Some("?filter_b=%26&page=2&sort=a")),
        ("/", "?page=2&page=1", Some("?page=2&page=1")),
        ("/", "?page", Some("?page")),
        ("/", "?utm_source=x&gclid=y", Some("")),
        ("/", "?utm_source=x&page=2", Some("?page=2")),
        // What is not known goes by the cache, so do other spellings.
        ("/", "?q=x", None),
        ("/", "?page=2&q=x", None),
        ("/", "?p%61ge=2", None),
        ("/", "?Page=2", None),
        ("/", "?=2", None),
        ("/cart", "", None),
    ] {
        assert_eq!(rules.query(path, search).as_deref(), expected, "{path}{search}");
    }
    assert_eq!(Rules::default().query("/", ""), None);
    for wrong in ["a*b", "-", "a=b", "a&b", "**"] {
        assert_eq!(Rules::parse("/*", wrong), None, "{wrong}");
    }
    assert_eq!(Rules::parse("no path", ""), None);
}

#[test]
fn all_can_be_dropped_but_what_is_kept() {
    let rules = Rules::parse("/*", "page -*").unwrap();
    assert_eq!(rules.query("/", "?x=1&page=2&pages=3").as_deref(), Some("?page=2"));
}

#[test]
fn only_what_can_be_decoded_is_asked_for() {
    for (accepted, expected) in [
        (None, "identity"),
        (Some("gzip, deflate, br, zstd"), "gzip, br"),
        (Some("GZIP"), "gzip"),
        (Some("br;q=1.0, gzip;q=0.0"), "br"),
        (Some("gzip;q=0, br; q=0.5"), "br"),
        (Some("zstd, *"), "identity"),
    ] {
        assert_eq!(encodings(accepted), expected, "{accepted:?}");
    }
}

#[test]
fn keys_tell_all_parts_apart() {
    let keys = [
        key("", "https://a.example", "/b", "?c"),
        key("", "https://a.example", "/b?c", ""),
        key("", "https://a.example/b", "", "?c"),
        key("", "http://a.example", "/b", "?c"),
        key("https://u.example", "https://a.example", "/b", "?c"),
        key("", "https://a.example", "/B", "?c"),
    ];
    for (at, one) in keys.iter().enumerate() {
        assert!(keys.iter().skip(at + 1).all(|other| other != one));
        assert_eq!(one.len(), 64);
    }
}

proptest! {
    #[test]
    fn any_header_is_read(text in any::<String>(), vary in any::<String>(), age in any::<String>(), now in any::<u64>()) {
        let answer = Answer { vary: Some(&vary), age: Some(&age), ..page(&text) };
        if let Some(kept) = answer.keep(&DEFAULTS, now) {
            prop_assert_eq!(Kept::parse(&kept.header()), Some(kept));
            kept.cache_control();
            kept.state(u64::MAX);
        }
        let _ = Kept::parse(&text);
        let _ = Rules::parse(&vary, &text).map(|rules| rules.query(&vary, &age));
    }

    /// However it is written and whatever else is there, an answer that is private or not to be stored is not kept.
    #[test]
    fn what_refuses_is_never_kept(
        refusal in prop::sample::select(vec!["private", "no-store", "No-Cache", "PRIVATE=\"a, b\""]),
        before in prop::collection::vec("[a-z-]{1,8}(=([0-9]{1,4}|\"[a-z, ]{0,6}\"))?", 0..4),
        after in prop::collection::vec("[a-z-]{1,8}(=[0-9]{1,4})?", 0..4),
    ) {
        let text = [before, vec![refusal.into()], after].concat().join(" ,");
        prop_assert_eq!(lifetime(&text), None);
    }

    /// Upstream never sees a parameter that is not of the page, and the key of what it sees is the key of what was asked for.
    #[test]
    fn upstream_sees_what_the_key_has(pairs in prop::collection::vec("(page|sort|utm_x|q|[a-z%=]{0,4})(=[a-z0-9%=]{0,3})?", 0..6)) {
        let rules = Rules::parse("/*", "page sort -utm_* -q").unwrap();
        if let Some(query) = rules.query("/", &format!("?{}", pairs.join("&"))) {
            prop_assert!(query.is_empty() || query.starts_with('?'));
            for pair in query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()) {
                let name = pair.split('=').next().unwrap();
                prop_assert!(name == "page" || name == "sort");
                prop_assert!(pairs.iter().any(|given| given == pair));
            }
            prop_assert_eq!(rules.query("/", &query), Some(query));
        }
    }
}
