//! Prices as the page's language writes them, for some languages and currencies.
//!
//! Invariant: what is formatted is what `Intl.NumberFormat` makes of it (a test compares both); of what is not known here nothing is made,
//! so that pages show what the shop wrote.

/// Languages, a line each, with slashes between: tags; decimal separator; separator of groups, and from how many digits on there are groups;
/// where the symbol goes, `<` or `>`, and what is between it and the number; symbols of currencies. As text it takes half the room.
const LOCALES: &str = "\
en en-US/./,/4/</EUR€ GBP£ USD$
en-GB en-IE/./,/4/</EUR€ GBP£ USDUS$
de de-DE/,/./4/>\u{a0}/EUR€ GBP£ USD$
fr fr-FR/,/\u{202f}/4/>\u{a0}/EUR€ GBP£GB USD$US
es es-ES/,/./5/>\u{a0}/EUR€ GBPGBP USDUS$
it it-IT/,/./5/>\u{a0}/EUR€ GBP£ USDUSD
nl nl-NL/,/./4/<\u{a0}/EUR€ GBP£ USDUS$
pl pl-PL/,/\u{a0}/5/>\u{a0}/EUR€ GBPGBP PLNzł USDUSD
sv sv-SE/,/\u{a0}/4/>\u{a0}/EUR€ GBPGBP SEKkr USDUS$";

/// A price, in a currency of two decimals, as pages of that language show it. `price` has digits, and at most two decimals behind a point.
/// `None` for other prices, languages and currencies.
#[inline(never)]
pub fn format_price(lang: &str, price: &str, currency: &str) -> Option<String> {
    let mut lines = LOCALES;
    while !lines.is_empty() {
        let mut line = part(&mut lines, b'\n');
        let mut tags = part(&mut line, b'/');
        while !tags.is_empty() {
            if part(&mut tags, b' ').eq_ignore_ascii_case(lang) {
                return format(line, price, currency);
            }
        }
    }
    None
}

/// What is before the next such byte, or the rest; takes it off, and the byte. By itself and not by `split`, which takes more of the wasm.
#[inline(never)]
fn part<'l>(text: &mut &'l str, end: u8) -> &'l str {
    let at = text.bytes().position(|byte| byte == end).unwrap_or(text.len());
    let (part, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    *text = rest.get(1..).unwrap_or_default();
    part
}

/// A price by a line of [`LOCALES`] behind its tags.
fn format(mut line: &str, mut price: &str, currency: &str) -> Option<String> {
    let [decimal, group, grouped_from, side, mut symbols] = [(); 5].map(|()| part(&mut line, b'/'));
    let symbol = loop {
        match part(&mut symbols, b' ') {
            "" => return None,
            symbol if currency.len() == 3 && symbol.starts_with(currency) => break symbol.get(3..)?,
            _ => {}
        }
    };
    let gap = side.get(1..)?;
    let grouped_from = usize::from(grouped_from.bytes().next()? - b'0');
    let has_decimals = price.bytes().any(|byte| byte == b'.');
    let mut whole = part(&mut price, b'.');
    let decimals = if has_decimals { price } else { "0" };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 2 || whole.len() > 12 {
        return None;
    }
    while let ["0", rest] = [whole.get(..1)?, whole.get(1..)?] {
        if rest.is_empty() {
            break;
        }
        whole = rest;
    }
    let mut out = String::new();
    let first = side.starts_with('<');
    if first {
        out.push_str(symbol);
        out.push_str(gap);
    }
    for (at, digit) in whole.bytes().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && whole.len() >= grouped_from {
            out.push_str(group);
        }
        out.push(char::from(digit));
    }
    out.push_str(decimal);
    out.push_str(decimals);
    if decimals.len() < 2 {
        out.push('0');
    }
    if !first {
        out.push_str(gap);
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
