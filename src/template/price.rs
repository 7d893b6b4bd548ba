//! Prices as the page's language writes them, for some languages and currencies.
//!
//! Invariant: what is formatted is what `Intl.NumberFormat` makes of it (a test compares both); of what is not known here nothing is made,
//! so that pages show what the shop wrote.

/// How a language writes prices.
struct Locale {
    tags: &'static [&'static str],
    decimal: char,
    group: &'static str,
    /// Digits before the decimals from which on they are grouped.
    grouped_from: usize,
    /// Whether the symbol comes first.
    first: bool,
    /// What is between symbol and number.
    gap: &'static str,
    /// Symbols of currencies.
    symbols: &'static [(&'static str, &'static str)],
}

const LOCALES: [Locale; 9] = [
    Locale {
        tags: &["en", "en-US"],
        decimal: '.',
        group: ",",
        grouped_from: 4,
        first: true,
        gap: "",
        symbols: &[("EUR", "€"), ("GBP", "£"), ("USD", "$")],
    },
    Locale {
        tags: &["en-GB", "en-IE"],
        decimal: '.',
        group: ",",
        grouped_from: 4,
        first: true,
        gap: "",
        symbols: &[("EUR", "€"), ("GBP", "£"), ("USD", "US$")],
    },
    Locale {
        tags: &["de", "de-DE"],
        decimal: ',',
        group: ".",
        grouped_from: 4,
        first: false,
        gap: "\u{a0}",
        symbols: &[("EUR", "€"), ("GBP", "£"), ("USD", "$")],
    },
    Locale {
        tags: &["fr", "fr-FR"],
        decimal: ',',
        group: "\u{202f}",
        grouped_from: 4,
        first: false,
        gap: "\u{a0}",
        symbols: &[("EUR", "€"), ("GBP", "£GB"), ("USD", "$US")],
    },
    Locale {
        tags: &["es", "es-ES"],
        decimal: ',',
        group: ".",
        grouped_from: 5,
        first: false,
        gap: "\u{a0}",
        symbols: &[("EUR", "€"), ("GBP", "GBP"), ("USD", "US$")],
    },
    Locale {
        tags: &["it", "it-IT"],
        decimal: ',',
        group: ".",
        grouped_from: 5,
        first: false,
        gap: "\u{a0}",
        symbols: &[("EUR", "€"), ("GBP", "£"), ("USD", "USD")],
    },
    Locale {
        tags: &["nl", "nl-NL"],
        decimal: ',',
        group: ".",
        grouped_from: 4,
        first: true,
        gap: "\u{a0}",
        symbols: &[("EUR", "€"), ("GBP", "£"), ("USD", "US$")],
    },
    Locale {
        tags: &["pl", "pl-PL"],
        decimal: ',',
        group: "\u{a0}",
        grouped_from: 5,
        first: false,
        gap: "\u{a0}",
        symbols: &[("EUR", "€"), ("GBP", "GBP"), ("PLN", "zł"), ("USD", "USD")],
    },
    Locale {
        tags: &["sv", "sv-SE"],
        decimal: ',',
        group: "\u{a0}",
        grouped_from: 4,
        first: false,
        gap: "\u{a0}",
        symbols: &[("EUR", "€"), ("GBP", "GBP"), ("SEK", "kr"), ("USD", "US$")],
    },
];

/// A price, in a currency of two decimals, as pages of that language show it. `price` has digits, and at most two decimals behind a point.
/// `None` for other prices, languages and currencies.
pub fn format_price(lang: &str, price: &str, currency: &str) -> Option<String> {
    let is = |tag: &&&str| tag.eq_ignore_ascii_case(lang);
    let locale = LOCALES.iter().find(|locale| locale.tags.iter().any(|tag| is(&tag)))?;
    let (_, symbol) = locale.symbols.iter().find(|(known, _)| *known == currency)?;
    let (whole, decimals) = price.split_once('.').unwrap_or((price, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match whole.trim_start_matches('0') {
        "" if digits(whole) => "0",
        whole => whole,
    };
    if !digits(whole) || !digits(decimals) || decimals.len() > 2 || whole.len() > 12 {
        return None;
    }
    let mut out = String::new();
    if locale.first {
        out.push_str(symbol);
        out.push_str(locale.gap);
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 && whole.len() >= locale.grouped_from {
            out.push_str(locale.group);
        }
        out.push(digit);
    }
    out.push(locale.decimal);
    out.push_str(decimals);
    if decimals.len() < 2 {
        out.push('0');
    }
    if !locale.first {
        out.push_str(locale.gap);
        out.push_str(symbol);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_formatted() {
        assert_eq!(format_price("en-gb", "1234.5", "GBP").as_deref(), Some("£1,234.50"));
        assert_eq!(format_price("de", "0.5", "EUR").as_deref(), Some("0,50\u{a0}€"));
        for (lang, price, currency) in [
            ("", "1.00", "EUR"),
            ("ja", "1.00", "EUR"),
            ("de-AT", "1.00", "EUR"),
            ("en", "1.00", "JPY"),
            ("en", "1.00", ""),
            ("en", "", "EUR"),
            ("en", "-1.00", "EUR"),
            ("en", "1.", "EUR"),
            ("en", ".5", "EUR"),
            ("en", "1.005", "EUR"),
            ("en", "1e3", "EUR"),
            ("en", "1,5", "EUR"),
            ("en", "1234567890123", "EUR"),
        ] {
            assert_eq!(format_price(lang, price, currency), None, "{lang} {price} {currency}");
        }
    }
}
