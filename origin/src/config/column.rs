//! How the configuration names a column and the form of its times.

use chrono::format::{Item, StrftimeItems};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A column's name, or several of which the first that is not empty counts. In JSON Lines a name is a path with dots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column(pub Vec<String>);

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Column;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name, or a list of names")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Column, E> {
                Ok(Column(vec![name.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Column, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                if names.is_empty() {
                    return Err(A::Error::custom("a list of column names needs at least one"));
                }
                Ok(Column(names))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// How times are written. Times without a zone are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TimeFormat {
    /// RFC 3339, `2009-12-01 07:45[:00]`, a date, or a number whose size tells its unit (s, ms, µs, ns).
    #[default]
    Auto,
    /// Since 1970, in units of which this many make a second.
    Epoch(u32),
    /// A strftime pattern.
    Pattern(String),
}

impl<'de> Deserialize<'de> for TimeFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "auto" => TimeFormat::Auto,
            "seconds" => TimeFormat::Epoch(1),
            "milliseconds" => TimeFormat::Epoch(1_000),
            "microseconds" => TimeFormat::Epoch(1_000_000),
            pattern => {
                let valid = pattern.contains('%') && !StrftimeItems::new(pattern).any(|item| item == Item::Error);
                if !valid {
                    return Err(D::Error::custom(format!(
                        "{pattern:?} is no time format: use \"auto\", \"seconds\", \"milliseconds\", \
                         \"microseconds\" or a pattern such as \"%Y-%m-%d %H:%M:%S\""
                    )));
                }
                TimeFormat::Pattern(text)
            }
        })
    }
}
