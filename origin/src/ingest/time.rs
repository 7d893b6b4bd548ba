//! Times as data write them, to seconds since 1970 in UTC. Invariant: no clock and no local zone is consulted.

use super::table::Value;
use crate::config::TimeFormat;
use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// The time in seconds; `None` if it cannot be read or lies outside the years 1970 to 2105, which is what events hold.
pub fn read(value: &Value<'_>, format: &TimeFormat) -> Option<i64> {
    let at = match (value, format) {
        (Value::Time(at), _) => Some(*at),
        (Value::Int(n), TimeFormat::Epoch(per_second)) => Some(n.div_euclid(i64::from(*per_second))),
        (Value::Int(n), _) => Some(by_size(*n)),
        (Value::Float(x), _) if !x.is_finite() => None,
        (Value::Float(x), TimeFormat::Epoch(per_second)) => Some((x / f64::from(*per_second)).floor() as i64),
        (Value::Float(x), _) => Some(by_size(x.floor() as i64)),
        (Value::Null | Value::Text(_), _) => {
            let text = value.text()?;
            match format {
                TimeFormat::Auto => auto(&text),
                TimeFormat::Epoch(_) => return read(&Value::Float(text.parse().ok()?), format),
                TimeFormat::Pattern(pattern) => by_pattern(&text, pattern),
            }
        }
    };
    at.filter(|at| (0..=i64::from(u32::MAX)).contains(at))
}

/// The text of a `--now` option: RFC 3339, a date, or seconds.
pub fn parse(text: &str) -> Option<i64> {
    read(&Value::Text(text.into()), &TimeFormat::Auto)
}

/// A number since 1970 whose size tells its unit: seconds reach the year 5138 with eleven digits. Eight digits that are a
/// day of these two centuries are that day: as seconds they would all lie in 1970.
fn by_size(n: i64) -> i64 {
    match n {
        19_000_101..=20_991_231 => by_pattern(&n.to_string(), "%Y%m%d").unwrap_or(n),
        100_000_000_000_000_000.. => n / 1_000_000_000,
        100_000_000_000_000.. => n / 1_000_000,
        100_000_000_000.. => n / 1_000,
        _ => n,
    }
}

fn auto(text: &str) -> Option<i64> {
    if let Ok(n) = text.parse::<i64>() {
        return Some(by_size(n));
    }
    if let Ok(x) = text.parse::<f64>() {
        return x.is_finite().then(|| by_size(x.floor() as i64));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp());
    }
    [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d",
    ]
    .into_iter()
    .find_map(|pattern| by_pattern(text, pattern))
}

fn by_pattern(text: &str, pattern: &str) -> Option<i64> {
    DateTime::parse_from_str(text, pattern)
        .map(|at| at.timestamp())
        .or_else(|_| NaiveDateTime::parse_from_str(text, pattern).map(|at| at.and_utc().timestamp()))
        .ok()
        .or_else(|| {
            Some(
                NaiveDate::parse_from_str(text, pattern)
                    .ok()?
                    .and_hms_opt(0, 0, 0)?
                    .and_utc()
                    .timestamp(),
            )
        })
}

/// RFC 3339 of a time in seconds, for output.
pub fn rfc3339(at: i64) -> String {
    DateTime::from_timestamp(at, 0)
        .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_the_same_second() {
        for text in [
            "2009-12-01T07:45:00Z",
            "2009-12-01T08:45:00+01:00",
            "2009-12-01 07:45:00",
            "2009-12-01 07:45",
            "2009-12-01T07:45:00.25",
            "1259653500",
            "1259653500.0",
            "1259653500000",
            "1259653500000000",
            "1259653500000000000",
        ] {
            assert_eq!(parse(text), Some(1_259_653_500), "{text}");
        }
        assert_eq!(parse("2009-12-01"), Some(1_259_625_600));
        assert_eq!(parse("20091201"), Some(1_259_625_600));
        assert_eq!(read(&Value::Int(20_091_201), &TimeFormat::Auto), Some(1_259_625_600));
        assert_eq!(parse("20091301"), Some(20_091_301), "no day, so seconds");
        assert_eq!(rfc3339(1_259_653_500), "2009-12-01T07:45:00Z");
        let british = TimeFormat::Pattern("%d/%m/%Y %H:%M".into());
        assert_eq!(
            read(&Value::Text("01/12/2009 07:45".into()), &british),
            Some(1_259_653_500)
        );
        assert_eq!(
            read(&Value::Text("881250949".into()), &TimeFormat::Epoch(1)),
            Some(881_250_949)
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "2009-13-01",
            "-1",
            "NaN",
            "1e300",
            "9999-01-01",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
