//! Numbers as JavaScript prints and reads them.

/// A finite number as ECMAScript prints it (`Number::toString`): the fewest digits that read back, from 1e21 on and below 1e-6 with an exponent.
pub(super) fn printed(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let scientific = format!("{:e}", number.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if number < 0.0 { "-" } else { "" };
    let count = digits.len() as i32;
    let point = exponent + 1;
    let zeros = |many: i32| "0".repeat(many.max(0) as usize);
    let split = |at: usize| digits.split_at_checked(at).unwrap_or((&digits, ""));
    match point {
        _ if count <= point && point <= 21 => format!("{sign}{digits}{}", zeros(point - count)),
        1..=21 => {
            let (whole, rest) = split(point as usize);
            format!("{sign}{whole}.{rest}")
        }
        -5..=0 => format!("{sign}0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = split(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let plus = if exponent > 0 { "+" } else { "" };
            format!("{sign}{first}{dot}{rest}e{plus}{exponent}")
        }
    }
}

/// The number that a text is, as JavaScript's `Number(text)`: blanks around it do not count, an empty one is 0, other bases have a prefix.
///
/// Correctly rounded where it has at most 19 digits that make a number below 2^53 and a power of ten within ±22; beyond, the last bits may
/// differ from JavaScript's: the tables for those are more code than all of this.
pub(super) fn read_number(text: &str) -> f64 {
    let text = text.trim_matches(|char: char| char.is_whitespace() && char != '\u{85}' || char == '\u{feff}');
    if text.is_empty() {
        return 0.0;
    }
    for (prefixes, base) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix)) {
            let digit = |sum: f64, char: char| {
                char.to_digit(base)
                    .map(|digit| sum * f64::from(base) + f64::from(digit))
            };
            let value = digits.chars().try_fold(0.0, digit);
            return value.filter(|_| !digits.is_empty()).unwrap_or(f64::NAN);
        }
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits == "Infinity" {
        return sign * f64::INFINITY;
    }
    sign * read_decimal(digits).unwrap_or(f64::NAN)
}

/// Digits with a point and an exponent, each of which may be missing.
fn read_decimal(text: &str) -> Option<f64> {
    let (mut mantissa, mut scale, mut any, mut point) = (0u64, 0i32, false, false);
    let mut rest = text.as_bytes();
    let mut exponent = None;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'0'..=b'9' => {
                any = true;
                if mantissa < 100_000_000_000_000_000 {
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                    scale -= i32::from(point);
                } else {
                    scale = scale.saturating_add(i32::from(!point));
                }
            }
            b'.' if !point => point = true,
            b'e' | b'E' if any => {
                exponent = Some(rest);
                break;
            }
            _ => return None,
        }
    }
    if let Some(digits) = exponent {
        let (negative, digits) = match digits.split_first()? {
            (b'-', digits) => (true, digits),
            (b'+', digits) => (false, digits),
            _ => (false, digits),
        };
        let mut value = 0i32;
        for byte in digits {
            let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
            value = value.saturating_mul(10).saturating_add(digit).min(100_000);
        }
        if digits.is_empty() {
            return None;
        }
        scale = scale.saturating_add(if negative { -value } else { value });
    }
    if !any {
        return None;
    }
    let mut value = mantissa as f64;
    let mut left = scale.clamp(-400, 400);
    while left != 0 && value != 0.0 {
        let step = left.clamp(-22, 22);
        // Powers to the 22nd are exact.
        let power = (0..step.abs()).fold(1.0, |power: f64, _| power * 10.0);
        value = if step > 0 { value * power } else { value / power };
        left -= step;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_javascript_does() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (123e18, "123000000000000000000"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (0.30000000000000004, "0.30000000000000004"),
        ] {
            assert_eq!(printed(number), text);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_does() {
        for (text, number) in [
            ("", 0.0),
            (" 12 ", 12.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("0x1F", 31.0),
            ("1e400", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0.1", 0.1),
            ("1e-7", 1e-7),
            ("0001", 1.0),
            ("0e99999999999", 0.0),
        ] {
            assert_eq!(read_number(text), number, "{text}");
        }
        for text in [
            "abc", "1a", "1 2", ".", "e5", "1e", "--1", "+-1", "0x", "0xg", "-0x1", "1_000", "infinity",
        ] {
            assert!(read_number(text).is_nan(), "{text}");
        }
    }

    #[test]
    fn numbers_of_fifteen_digits_read_back_exactly() {
        let mut number = 1u64;
        for at in 0..20_000u32 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let text = format!(
                "{}e{}",
                (number >> 14) as f64 / [1.0, 10.0, 1e3, 1e5, 1e8][at as usize % 5],
                at as i32 % 7 - 3
            );
            if text.bytes().filter(u8::is_ascii_digit).count() <= 16 {
                assert_eq!(read_number(&text), text.parse::<f64>().unwrap(), "{text}");
            }
        }
    }
}
