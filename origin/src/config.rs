//! The configuration: one TOML file that says what the columns of a shop's data mean, how to clean them, and how to train, evaluate
//! and report. Invariant: a key that is not known is an error that names the line and the nearest known key; a `Config` in hand
//! is valid. [`ready`] has mappings for known data; every stage reads its own section.

mod catalogue;
mod clean;
mod column;
mod content;
mod events;
mod learning;
mod pattern;
pub mod ready;

pub use catalogue::{Catalogue, CatalogueColumns, CategoryRule};
pub use clean::Clean;
pub use column::{Column, TimeFormat};
pub use content::{Content, Text, Vectors};
pub use events::{Cancellation, EventColumns, Events, Form};
pub use learning::{CrossValidation, Cut, Evaluate, Report, Train};
pub use pattern::Pattern;

use crate::error::{Error, Result};
use serde::Deserialize;

/// What the columns mean, how to clean them and what to make of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The ready mapping that this file changes.
    pub mapping: Option<String>,
    /// The shop's name.
    pub title: Option<String>,
    /// ISO 4217 code of the prices.
    pub currency: Option<String>,
    /// The events' columns.
    #[serde(default)]
    pub events: Events,
    /// The catalogue's columns.
    #[serde(default)]
    pub catalogue: Catalogue,
    /// Cleaning rules.
    #[serde(default)]
    pub clean: Clean,
    /// Texts of the catalogue.
    #[serde(default)]
    pub text: Text,
    /// Vectors of items from outside.
    #[serde(default)]
    pub vectors: Vectors,
    /// What texts, vectors and numbers become together.
    #[serde(default)]
    pub content: Content,
    /// How to train.
    #[serde(default)]
    pub train: Train,
    /// How to evaluate.
    #[serde(default)]
    pub evaluate: Evaluate,
    /// How to report.
    #[serde(default)]
    pub report: Report,
}

impl Config {
    /// Reads a configuration; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::Config`] with the line of the mistake and the nearest known key.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let config: Config = toml::from_str(text).map_err(|e| explain(text, origin, &e))?;
        config
            .check()
            .map_err(|problem| Error::Config(format!("{origin}: {problem}")))?;
        Ok(config)
    }

    /// Whether it says what the events are; else their content tells, or the `mapping` that it changes.
    pub fn is_mapped(&self) -> bool {
        let columns = &self.events.columns;
        let named = !columns.item.0.is_empty() || !columns.time.0.is_empty();
        self.mapping.is_none() && (self.events.form.is_some() || named)
    }

    /// The configuration `base`, with what `changes` says in the place of it, key by key: sections are joined, values and lists are
    /// replaced. `origin` names the changes in errors.
    ///
    /// # Errors
    /// As [`Config::parse`], of both, and of what they are together.
    pub fn over(base: &str, changes: &str, origin: &str) -> Result<Self> {
        Config::parse(changes, origin)?;
        let table = |text: &str| toml::from_str::<toml::Table>(text).map_err(|e| explain(text, origin, &e));
        let (mut joined, mut changes) = (table(base)?, table(changes)?);
        changes.remove("mapping");
        join(&mut joined, changes);
        let config: Config = joined
            .try_into()
            .map_err(|e: toml::de::Error| Error::Config(format!("{origin}: {}", e.message())))?;
        config
            .check()
            .map_err(|problem| Error::Config(format!("{origin}: {problem}")))?;
        Ok(config)
    }

    fn check(&self) -> std::result::Result<(), String> {
        let columns = &self.events.columns;
        if !self.is_mapped() {
            return self.rest();
        }
        if let Some(form) = self.events.form.filter(|form| *form != Form::Table) {
            if !columns.item.0.is_empty() {
                return Err(format!(
                    "[events] `columns` are of a table, but `form` is {:?}; leave one of them out",
                    form.name()
                ));
            }
            return self.rest();
        }
        if columns.item.0.is_empty() || columns.time.0.is_empty() {
            return Err(
                "[events.columns] needs `item` and `time`, unless `form` is one without columns (\"lists\", \"sessions\", \"prefixes\")".into(),
            );
        }
        if columns.user.is_none() && columns.session.is_none() {
            return Err("[events.columns] needs `user` or `session`, or both".into());
        }
        if columns.kind.is_none() && self.events.kind.is_none() {
            return Err("[events] needs `kind` (such as \"purchase\"), or a column for it in [events.columns]".into());
        }
        if self.events.min_rating.is_some() != columns.rating.is_some() {
            return Err("[events] `min_rating` and [events.columns] `rating` need each other".into());
        }
        self.rest()
    }

    /// What holds for every form.
    fn rest(&self) -> std::result::Result<(), String> {
        if let Some(currency) = &self.currency {
            if !is_currency(currency) {
                return Err(format!(
                    "`currency` is {currency:?}, but an ISO 4217 code is three capitals, such as \"EUR\""
                ));
            }
        }
        self.train.check()?;
        self.clean.check()?;
        self.text.check()?;
        self.vectors.check()?;
        self.content.check()
    }
}

/// Puts `changes` into `base`, section by section.
fn join(base: &mut toml::Table, changes: toml::Table) {
    for (key, value) in changes {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(changes)) => join(base, changes),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Whether `text` has the form of an ISO 4217 code.
pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// Turns a TOML error into one that names the line, shows it, and suggests the nearest known key.
fn explain(text: &str, origin: &str, error: &toml::de::Error) -> Error {
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let hint = match quoted.split_first() {
        Some((unknown, known)) if message.starts_with("unknown field") => match nearest(unknown, known) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        },
        _ => String::new(),
    };
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    Error::Config(format!(
        "{origin}:{number}: {}{hint}\n{number:>5} | {line}",
        message.trim_end()
    ))
}

/// The candidate most like `word`, if one is at all like it.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), *candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[events]\nkind = \"purchase\"\n[events.columns]\nuser = \"u\"\nitem = \"i\"\ntime = \"t\"\n";

    fn fails(text: &str) -> String {
        Config::parse(text, "shop.toml").unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        let text = GOOD.replace("user = ", "usr = ");
        let message = fails(&text);
        assert!(message.starts_with("shop.toml:4: unknown field `usr`"), "{message}");
        assert!(message.contains("did you mean `user`?"), "{message}");
        assert!(message.contains("4 | usr = \"u\""), "{message}");
        let inline = "[events]\nkind = \"purchase\"\ncolumns = { user = \"u\", itm = \"i\", time = \"t\" }\n";
        assert!(fails(inline).contains("did you mean `item`?"));
        let message = fails(&format!("{GOOD}[clean]\nmax_price = 3\nmin_item_user = 3\n"));
        assert!(
            message.starts_with("shop.toml:9:") && message.contains("`min_item_users`"),
            "{message}"
        );
    }

    #[test]
    fn a_wrong_value_names_its_line() {
        for (wrong, expected) in [
            ("[clean]\nmax_quantity = \"many\"\n", "shop.toml:8:"),
            ("[clean]\nnot_products = [\"POST\", \"(\"]\n", "shop.toml:8:"),
            (
                "[catalogue]\ncategory_rules = [{ category = \"A\", pattern = \"[\" }]\n",
                "shop.toml:8:",
            ),
            ("[clean\n", "shop.toml:7:"),
        ] {
            let message = fails(&format!("{GOOD}{wrong}"));
            assert!(message.starts_with(expected), "{message}");
        }
        let message = fails(&GOOD.replace("purchase", "purchased"));
        assert!(
            message.starts_with("shop.toml:2:") && message.contains("purchase"),
            "{message}"
        );
        let message = fails(&GOOD.replace("kind", "time_format = \"%Q\"\nkind"));
        assert!(message.starts_with("shop.toml:2:"), "{message}");
    }

    #[test]
    fn numbers_have_ranges() {
        for (section, key, value) in [
            ("clean", "max_user_events_quantile", "0.0"),
            ("clean", "outlier_factor", "nan"),
            ("text", "ngrams", "4"),
            ("text", "language", "\"english\""),
            ("text", "max_share", "-0.1"),
            ("vectors", "dims", "0"),
            ("content", "dims", "257"),
            ("train", "hold_out", "1.0"),
            ("train", "trials", "0"),
            ("train", "max_bytes_per_item", "nan"),
        ] {
            let message = fails(&format!("[{section}]\n{key} = {value}\n"));
            assert!(
                message.contains(key) || message.contains(&key.replace("max_user_events_", "")),
                "{message}"
            );
        }
        let message = fails("[train]\ntrails = 3\n");
        assert!(
            message.starts_with("shop.toml:2:") && message.contains("did you mean `trials`?"),
            "{message}"
        );
        assert!(fails("[train]\nsearch = \"bayes\"\n").starts_with("shop.toml:2:"));
    }

    #[test]
    fn changes_go_before_the_mapping_they_change() {
        let base = format!("{GOOD}session = \"s\"\n[clean]\nmin_price = 1\nmax_price = 5\n");
        let changes =
            "mapping = \"base\"\n[events.columns]\nuser = \"customer\"\n[clean]\nmax_price = 7\n[train]\ntrials = 9\n";
        let config = Config::over(&base, changes, "shop.toml").unwrap();
        let columns = &config.events.columns;
        assert_eq!(columns.user.as_ref().unwrap().0, ["customer"]);
        assert_eq!(columns.session.as_ref().unwrap().0, ["s"]);
        assert_eq!(
            (config.clean.min_price, config.clean.max_price, config.train.trials),
            (1.0, 7.0, 9)
        );
        let message = Config::over(&base, "[clean]\nmax_price = 0.5\n", "shop.toml")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("shop.toml: [clean] needs min_price <= max_price"),
            "{message}"
        );
    }

    #[test]
    fn what_needs_each_other_is_asked_for() {
        assert!(fails(&GOOD.replace("user = \"u\"\n", "")).contains("`user` or `session`"));
        assert!(fails(&GOOD.replace("kind = \"purchase\"\n", "")).contains("`kind`"));
        assert!(fails(&format!("currency = \"euro\"\n{GOOD}")).contains("ISO 4217"));
        assert!(fails(&format!("{GOOD}[clean]\nmin_price = nan\n")).contains("min_price"));
        assert!(fails(&format!("{GOOD}rating = \"r\"\n")).contains("min_rating"));
        assert!(fails(&GOOD.replace("time = \"t\"\n", "")).contains("`item` and `time`"));
        assert!(!Config::parse("", "empty.toml").unwrap().is_mapped());
    }
}
