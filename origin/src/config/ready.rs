//! Mappings that come with the program, and which one fits a file. Invariant: a mapping fits only where every column
//! that it needs is there; where several fit, the one that uses most columns is taken.

use super::{nearest, Column, Config, EventColumns};
use crate::error::{Error, Result};
use crate::ingest::time;
use std::path::Path;

/// The mappings by name.
pub const READY: [(&str, &str); 8] = [
    ("online-retail", include_str!("../../mappings/online-retail.toml")),
    ("movielens-100k", include_str!("../../mappings/movielens-100k.toml")),
    (
        "movielens-latest-small",
        include_str!("../../mappings/movielens-latest-small.toml"),
    ),
    ("ga4", include_str!("../../mappings/ga4.toml")),
    ("clicks", include_str!("../../mappings/clicks.toml")),
    ("lists", "[events]\nform = \"lists\"\n"),
    ("sessions", "[events]\nform = \"sessions\"\n"),
    ("prefixes", "[events]\nform = \"prefixes\"\n"),
];

/// A configuration that was asked for.
#[derive(Debug, Clone)]
pub struct Given {
    /// The name or path by which it was.
    pub name: String,
    /// What it says; with all of the mapping that it changes, where it names one.
    pub config: Config,
    text: String,
}

impl Given {
    /// What it makes of a ready mapping.
    ///
    /// # Errors
    /// [`Error::Config`] if there is none of that name, or both do not go together.
    pub fn over(&self, mapping: &str) -> Result<Config> {
        Config::over(text(mapping)?, &self.text, &self.name)
    }
}

fn text(mapping: &str) -> Result<&'static str> {
    let known = READY.map(|(name, _)| name);
    let hint = nearest(mapping, &known).map_or(String::new(), |near| format!("did you mean {near:?}? "));
    let found = READY.iter().find(|(name, _)| *name == mapping);
    found
        .map(|(_, text)| *text)
        .ok_or_else(|| Error::Config(format!("no ready mapping {mapping:?}; {hint}there are {}", names())))
}

/// The configuration of that name, or of that file.
///
/// # Errors
/// [`Error::Config`] if it is neither, or wrong.
pub fn load(name_or_path: &str) -> Result<Given> {
    let given = |text: &str| {
        let config = Config::parse(text, name_or_path)?;
        let mut given = Given {
            name: name_or_path.to_owned(),
            config,
            text: text.to_owned(),
        };
        if let Some(mapping) = &given.config.mapping {
            given.config = given.over(mapping)?;
        }
        Ok(given)
    };
    if let Some((_, text)) = READY.iter().find(|(name, _)| *name == name_or_path) {
        return given(text);
    }
    let path = Path::new(name_or_path);
    match std::fs::read_to_string(path) {
        Ok(text) => given(&text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::Config(format!(
            "no configuration file {name_or_path}, and no ready one of that name: there are {}",
            names()
        ))),
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            Err(Error::Config(format!("{name_or_path}: not UTF-8; save it as UTF-8")))
        }
        Err(e) => Err(Error::reading(path, e)),
    }
}

/// The ready mapping that fits events with these columns, and its name. In JSON Lines the columns are the top-level keys.
///
/// # Errors
/// [`Error::Config`] if none fits: says which columns there are.
pub fn recognize(columns: &[String], path: &Path) -> Result<(&'static str, Config)> {
    let mut best: Option<(usize, &'static str, Config)> = None;
    for (name, text) in READY {
        let config = Config::parse(text, name)?;
        let uses = fit(&config.events.columns, columns);
        if uses > best.as_ref().map_or(0, |(uses, ..)| *uses) {
            best = Some((uses, name, config));
        }
    }
    best.map(|(_, name, config)| (name, config)).ok_or_else(|| {
        if looks_like_data(columns) {
            return Error::Config(format!(
                "{}: the first line looks like data, not column names; add a first line with the names",
                path.display()
            ));
        }
        Error::Config(format!(
            "{}: none of the ready mappings ({}) fits its columns ({}); write a mapping and pass it with --config FILE.toml",
            path.display(),
            names(),
            listed(columns),
        ))
    })
}

/// How many of the mapping's columns are there; 0 if one that it needs is not.
fn fit(mapping: &EventColumns, columns: &[String]) -> usize {
    let there = |column: &Column| {
        column.0.iter().any(|name| {
            let head = name.split('.').next().unwrap_or(name);
            columns.iter().any(|c| c == name || c == head)
        })
    };
    let count = |column: &Option<Column>| usize::from(column.as_ref().is_some_and(there));
    if mapping.item.0.is_empty() {
        return 0;
    }
    let who = count(&mapping.user) + count(&mapping.session);
    let needs = [
        mapping.kind.as_ref(),
        mapping.rating.as_ref(),
        Some(&mapping.item),
        Some(&mapping.time),
    ];
    if who == 0 || !needs.into_iter().flatten().all(there) {
        return 0;
    }
    let extra = [
        &mapping.kind,
        &mapping.quantity,
        &mapping.price,
        &mapping.name,
        &mapping.rating,
    ];
    2 + who + extra.into_iter().map(count).sum::<usize>()
}

/// Whether these can hardly be names of columns, and may be about a person instead: addresses, numbers or times.
pub(crate) fn looks_like_data(columns: &[String]) -> bool {
    columns.iter().any(|text| {
        let number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        text.contains('@') || (number && (text.parse::<f64>().is_ok() || time::parse(text).is_some()))
    })
}

/// Column names for a message, cut to a readable length.
pub(crate) fn listed(columns: &[String]) -> String {
    let shown: Vec<String> = columns.iter().take(20).map(|c| c.chars().take(40).collect()).collect();
    let more = if columns.len() > 20 { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn names() -> String {
    READY.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &str) -> Vec<String> {
        names.split('|').map(String::from).collect()
    }

    #[test]
    fn ready_mappings_are_valid_and_recognized() {
        for (header, expected) in [
            (
                "Invoice|StockCode|Description|Quantity|InvoiceDate|Price|Customer ID|Country",
                "online-retail",
            ),
            (
                "user_id:token|item_id:token|rating:float|timestamp:float",
                "movielens-100k",
            ),
            ("userId|movieId|rating|timestamp", "movielens-latest-small"),
            ("event_name|event_timestamp|user_pseudo_id|items", "ga4"),
            ("SessionId|ItemId|Time", "clicks"),
        ] {
            let (name, _) = recognize(&columns(header), Path::new("f")).unwrap();
            assert_eq!(name, expected);
        }
    }

    #[test]
    fn unknown_columns_are_listed() {
        let message = recognize(&columns("a|b"), Path::new("f.csv")).unwrap_err().to_string();
        assert!(
            message.contains("f.csv") && message.contains("(a, b)") && message.contains("--config"),
            "{message}"
        );
        let message = load("online-retial").unwrap_err().to_string();
        assert!(message.contains("online-retail, movielens-100k"), "{message}");
    }
}
