//! Slot content as HTML: product cards, escaped by context.
//!
//! Invariant: whatever the fields hold, the output has exactly the elements and attributes written here; links and images
//! with a scheme other than `http` and `https` are dropped. This is the only place that knows a card's markup: the edge and
//! the demo shop's generator call it, the browser clones what they wrote and fills the elements marked `data-pr`.

use serde::Deserialize;

/// What a card shows of an item; the fields of a candidates list. Missing ones are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Card {
    /// The shop's id.
    pub id: String,
    /// The item's name.
    pub name: String,
    /// Where the item's page is.
    pub url: String,
    /// Where its picture is.
    pub image: String,
    /// The price as it is shown, for instance `£2.10`.
    pub price_text: String,
    /// The category's name.
    pub category: String,
}

/// Appends `<li class="pr-card">` with the card.
pub fn write_card(out: &mut String, card: &Card) {
    out.push_str("<li class=\"pr-card\" data-item=\"");
    escape(out, &card.id);
    out.push_str("\"><a class=\"pr-link\" data-pr=\"link\" href=\"");
    escape(out, safe_url(&card.url));
    out.push_str(
        "\"><img class=\"pr-image\" data-pr=\"image\" alt=\"\" width=\"320\" height=\"320\" loading=\"lazy\" src=\"",
    );
    escape(out, safe_url(&card.image));
    out.push_str("\"><span class=\"pr-category\" data-pr=\"category\">");
    escape(out, &card.category);
    out.push_str("</span><span class=\"pr-name\" data-pr=\"name\">");
    escape(out, &card.name);
    out.push_str("</span><span class=\"pr-price\" data-pr=\"price\">");
    escape(out, &card.price_text);
    out.push_str("</span></a></li>");
}

/// Escapes for text and for quoted attributes.
pub fn escape(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0' => {}
            char => out.push(char),
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

    #[test]
    fn a_hostile_card_stays_a_card() {
        let hostile = String::from("\"><script>alert(1)</script>'&\0");
        let card = Card {
            id: hostile.clone(),
            name: hostile.clone(),
            url: "java\tscript:alert(1)".into(),
            image: " javascript:alert(1)".into(),
            price_text: hostile.clone(),
            category: hostile,
        };
        let mut html = String::new();
        write_card(&mut html, &card);
        assert_eq!(html.matches('<').count(), 11);
        assert!(!html.contains("script:") && !html.contains("<script"));
        assert!(html.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;"));
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
}
