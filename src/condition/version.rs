//! Versions as texts that compare: `1.10.0` above `1.9.0`, and `1.0.0-rc.1` below `1.0.0`.

use super::value::Value;

/// Numbers are padded to five places, and what has no pre-release ends in the largest letter of ASCII (as GrowthBook's SDK has it).
pub(super) fn padded(value: &Value) -> String {
    let text = match value {
        Value::Number(number, text) if *number != 0.0 => text,
        Value::Text(text) if !text.is_empty() => text,
        _ => "0",
    };
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split('+').next().unwrap_or_default();
    let mut out = String::new();
    let mut parts = 0;
    for part in text.split(['-', '.']) {
        if parts > 0 {
            out.push('-');
        }
        parts += 1;
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            (part.len()..5).for_each(|_| out.push(' '));
        }
        out.push_str(part);
    }
    if parts == 3 {
        out.push_str("-~");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare() {
        let ascending = [
            "0.9.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta",
            "1.0.0",
            "1.0.1",
            "v1.9.0+build",
            "1.10.0",
        ];
        let padded: Vec<String> = ascending.iter().map(|text| padded(&(*text).into())).collect();
        assert!(padded.is_sorted_by(|a, b| a < b), "{padded:?}");
    }
}
