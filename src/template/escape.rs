//! Escaping by context: what a value becomes where a placeholder stands.
//!
//! Invariant: what is written ends no text and no quoted attribute, and no address has a scheme other than `http` and `https`.

use serde::{Deserialize, Serialize};

/// The context of a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Escape {
    /// Text, or a quoted attribute.
    Text,
    /// The beginning of an address, in a quoted attribute.
    Url,
    /// What follows the beginning of an address.
    Part,
    /// An address in a list of them, such as `srcset`.
    Listed,
    /// HTML that the shop vouches for.
    Raw,
}

impl Escape {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Escape; 5] = [Escape::Text, Escape::Url, Escape::Part, Escape::Listed, Escape::Raw];

    /// Appends a value as it has to be there.
    #[inline(never)]
    pub(super) fn write(self, out: &mut String, text: &str) {
        match self {
            Escape::Text => escape(out, text),
            Escape::Url => escape(out, safe_url(text)),
            Escape::Part => percent(out, text, |byte| {
                byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
            }),
            // In lists blanks and commas part one address from the next.
            Escape::Listed => percent(out, safe_url(text), |byte| {
                byte.is_ascii_alphanumeric() || b"-_.~:/?#[]@!$&()*+;=%".contains(&byte)
            }),
            Escape::Raw => out.push_str(text),
        }
    }
}

/// Escapes for text and for quoted attributes.
#[inline(never)]
pub fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    // What stays is most of it, and goes over in one piece. Marks are bytes that no longer character has.
    while let Some(at) = rest
        .bytes()
        .position(|byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | 0))
    {
        let Some((before, after)) = rest.split_at_checked(at) else {
            break;
        };
        out.push_str(before);
        out.push_str(match after.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            Some(b'\'') => "&#39;",
            _ => "",
        });
        rest = after.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The text of an attribute as it stands in a page: references by number, and those of [`escape`], resolved; others stay as they are.
pub fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let resolved = after
            .split_once(';')
            .and_then(|(name, after)| Some((resolve(name)?, after)));
        match resolved {
            Some((char, after)) => {
                out.push(char);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out + rest
}

fn resolve(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        let known = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];
        return known
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, char)| char);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32)
}

/// Writes bytes of addresses, those that may not stay as `%` and two hexadecimal digits.
#[inline(never)]
fn percent(out: &mut String, text: &str, stays: fn(u8) -> bool) {
    for byte in text.bytes() {
        if stays(byte) {
            escape(out, char::from(byte).encode_utf8(&mut [0]));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }));
            }
        }
    }
}

/// The URL if it is relative or of scheme `http` or `https`, else nothing. Browsers skip control characters and leading
/// blanks in a scheme, so any of them before the first delimiter is refused as well.
pub fn safe_url(url: &str) -> &str {
    let end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let head = url.get(..end).unwrap_or_default();
    let relative = !head.contains(|char: char| char == ':' || char.is_control() || char.is_whitespace());
    if relative || head.eq_ignore_ascii_case("http:") || head.eq_ignore_ascii_case("https:") {
        url
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(escape: Escape, text: &str) -> String {
        let mut out = String::new();
        escape.write(&mut out, text);
        out
    }

    #[test]
    fn urls() {
        for good in [
            "/a?b=c:d",
            "a/b",
            "https://x.example/",
            "HTTP://x",
            "#a",
            "",
            "//cdn.example/x.png",
            "?q=javascript:",
        ] {
            assert_eq!(safe_url(good), good);
        }
        for bad in [
            "javascript:x",
            "JavaScript:x",
            "\u{1}javascript:x",
            "data:text/html,x",
            "jav\nascript:x",
            "vbscript:/",
            " a",
        ] {
            assert_eq!(safe_url(bad), "", "{bad:?}");
        }
    }

    #[test]
    fn attributes_are_read_as_pages_write_them() {
        for (text, expected) in [
            ("Ada", "Ada"),
            ("O&#39;Neil &amp; &lt;Co&gt;", "O'Neil & <Co>"),
            ("&#x1F600;&#128512;", "😀😀"),
            ("&amp;lt;", "&lt;"),
            ("a & b &nosuch; &#xd800; &", "a & b &nosuch; &#xd800; &"),
        ] {
            assert_eq!(unescape(text), expected);
        }
        let mut escaped = String::new();
        escape(&mut escaped, "<a b='c'>&\"");
        assert_eq!(unescape(&escaped), "<a b='c'>&\"");
    }

    #[test]
    fn by_context() {
        for (escape, text, expected) in [
            (Escape::Text, "a<b>&\"'\0", "a&lt;b&gt;&amp;&quot;&#39;"),
            (Escape::Url, "/a?b=1&c=\"", "/a?b=1&amp;c=&quot;"),
            (Escape::Url, "javascript:alert(1)", ""),
            (Escape::Part, "a/b?c&ü:", "a%2Fb%3Fc%26%C3%BC%3A"),
            (Escape::Listed, "/a b,c?d=1&e=%20", "/a%20b%2Cc?d=1&amp;e=%20"),
            (Escape::Listed, "data:x", ""),
            (Escape::Raw, "<b>", "<b>"),
        ] {
            assert_eq!(written(escape, text), expected, "{escape:?}");
        }
    }
}
