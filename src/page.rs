//! What conditions can ask of a page request: attributes of the page and of the moment, which name nobody.
//!
//! Invariant: no cookie, no address of a visitor and no whole user agent gets in; the same request of two visitors with the same kind of device, from
//! the same country, gives the same attributes.

use crate::condition::{contains, Value};
use crate::event::DAY;

/// What a host knows of a request. What is missing is empty, and its attribute null.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The page's whole address.
    pub url: &'a str,
    /// The header `Referer`.
    pub referrer: &'a str,
    /// The header `User-Agent`, of which the kind of device is kept.
    pub user_agent: &'a str,
    /// The header `Sec-CH-UA-Mobile`, which is asked first.
    pub mobile: &'a str,
    /// ISO 3166-1 code of the country, as the platform knows it.
    pub country: &'a str,
    /// Seconds since 1970-01-01 UTC.
    pub now: u32,
    /// Minutes by which the visitor's clock is ahead of UTC, if the platform knows.
    pub utc_offset: i32,
}

/// The attributes, an object:
///
/// - `country`: in small letters
/// - `device`: `mobile`, `tablet` or `desktop`
/// - `hour`: 0 to 23; `weekday`: 1 (Monday) to 7
/// - `path`: of the page
/// - `referrer`: host of the page before, without `www.`; null for one of this host
/// - `campaign`, `source`, `medium`: `utm_campaign` and so on
pub fn attributes(request: &Request<'_>) -> Value {
    let (host, path, query) = split(request.url);
    let (from, ..) = split(request.referrer);
    let from = from.strip_prefix("www.").unwrap_or(from).to_ascii_lowercase();
    let same = from == host.strip_prefix("www.").unwrap_or(host).to_ascii_lowercase();
    let local = i64::from(request.now) + i64::from(request.utc_offset) * 60;
    let day = local.div_euclid(i64::from(DAY));
    let hour = local.rem_euclid(i64::from(DAY)) / 3_600;
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7) + 1;
    let text = |text: String| {
        if text.is_empty() {
            Value::Null
        } else {
            Value::Text(text)
        }
    };
    let campaign = |name: &str| text(parameter(query, name));
    let fields = [
        ("country", text(request.country.to_ascii_lowercase())),
        ("device", device(request).into()),
        ("hour", (hour as u32).into()),
        ("weekday", (weekday as u32).into()),
        ("path", path.into()),
        ("referrer", if same { Value::Null } else { text(from) }),
        ("campaign", campaign("utm_campaign")),
        ("source", campaign("utm_source")),
        ("medium", campaign("utm_medium")),
    ];
    Value::Object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// Host without port, path and query of an address.
fn split(url: &str) -> (&str, &str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let behind = url.as_bytes().windows(3).position(|part| part == b"://");
    let Some(rest) = behind.and_then(|at| url.get(at + 3..)) else {
        return ("", url, query);
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // Whoever stands before an `@` is somebody.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    (host, if path.is_empty() { "/" } else { path }, query)
}

/// The kind of device. Tablets are told by their names alone: newer ones say that they are computers.
fn device(request: &Request<'_>) -> &'static str {
    let says = |names: &[&str]| {
        names
            .iter()
            .any(|name| contains(request.user_agent.as_bytes(), name.as_bytes()))
    };
    if says(&["iPad", "Tablet", "PlayBook", "Silk/"]) || says(&["Android"]) && !says(&["Mobi"]) {
        "tablet"
    } else if request.mobile.trim() == "?1" || says(&["Mobi"]) {
        "mobile"
    } else {
        "desktop"
    }
}

/// The first value of a parameter, of at most so many characters as anybody would write by hand.
fn parameter(query: &str, name: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    values
        .next()
        .map(decoded)
        .unwrap_or_default()
        .chars()
        .take(100)
        .collect()
}

/// What a form has encoded; what is no UTF-8 is replaced.
fn decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, digit(behind.first()), digit(behind.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = behind.get(2..).unwrap_or_default();
            }
            (b'+', ..) => bytes.push(b' '),
            (byte, ..) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";
    const TABLET: &str = "Mozilla/5.0 (Linux; Android 14; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
    const COMPUTER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

    fn said(request: &Request<'_>) -> String {
        attributes(request).json()
    }

    #[test]
    fn a_request_says_where_from_and_when() {
        let request = Request {
            url: "https://www.shop.example:8443/pots?utm_campaign=Fr%C3%BChling+24&utm_source=mail&x=1#top",
            referrer: "https://user:secret@www.News.example/a?id=42",
            user_agent: PHONE,
            country: "DE",
            // Tuesday, 23:30 UTC.
            now: 19_675 * DAY + 23 * 3_600 + 1_800,
            utc_offset: 60,
            ..Request::default()
        };
        let expected = r#"{"country":"de","device":"mobile","hour":0,"weekday":3,"path":"/pots","referrer":"news.example","campaign":"Frühling 24","source":"mail","medium":null}"#;
        assert_eq!(said(&request), expected);
        let nothing = r#"{"country":null,"device":"desktop","hour":0,"weekday":4,"path":"","referrer":null,"campaign":null,"source":null,"medium":null}"#;
        assert_eq!(said(&Request::default()), nothing);
        let here = Request {
            referrer: "https://shop.example/other",
            ..request
        };
        assert_eq!(attributes(&here).get("referrer"), Some(&Value::Null));
    }

    #[test]
    fn devices_are_of_three_kinds() {
        for (user_agent, mobile, device) in [
            (PHONE, "", "mobile"),
            (TABLET, "", "tablet"),
            (TABLET, "?0", "tablet"),
            (COMPUTER, "", "desktop"),
            (COMPUTER, "?1", "mobile"),
            ("", "?0", "desktop"),
        ] {
            let request = Request {
                user_agent,
                mobile,
                ..Request::default()
            };
            assert_eq!(attributes(&request).get("device"), Some(&device.into()), "{user_agent}");
        }
    }

    proptest! {
        #[test]
        fn any_request_has_attributes(texts in proptest::array::uniform5("[\\PC%?&=/@:+#]{0,40}"), now in any::<u32>(), utc_offset in any::<i32>()) {
            let [url, referrer, user_agent, mobile, country] = texts.each_ref().map(String::as_str);
            let request = Request { url, referrer, user_agent, mobile, country, now, utc_offset };
            let said = attributes(&request);
            prop_assert!((0.0..24.0).contains(&said.get("hour").unwrap().clone().json().parse::<f64>().unwrap()));
            prop_assert!((1.0..8.0).contains(&said.get("weekday").unwrap().clone().json().parse::<f64>().unwrap()));
        }
    }
}
