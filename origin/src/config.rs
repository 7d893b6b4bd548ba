//! The configuration: one TOML file that says what the columns of a shop's data mean and how to clean them.
//! Invariant: a key that is not known is an error that names the line and the nearest known key; a `Config` in hand is
//! valid. [`ready`] has mappings for known data; `ingest` reads and cleans by it.

mod column;
mod content;
mod pattern;
pub mod ready;

pub use column::{Column, TimeFormat};
pub use content::{Content, Text, Vectors};
pub use pattern::Pattern;

use crate::error::{Error, Result};
use pocketrank::EventKind;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// What the columns mean and how to clean them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The shop's name.
    pub title: Option<String>,
    /// ISO 4217 code of the prices.
    pub currency: Option<String>,
    /// The events' columns.
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
}

/// The events' columns.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// What the lines are, where the content does not tell.
    pub form: Option<Form>,
    /// JSON Lines: the array whose elements are the rows.
    pub each: Option<String>,
    /// The kind of every row, where no column tells.
    #[serde(default, deserialize_with = "event_kind")]
    pub kind: Option<EventKind>,
    /// The data's own names of kinds, and what they mean; GA4's names need no entry.
    #[serde(default, deserialize_with = "event_kinds")]
    pub kinds: BTreeMap<String, EventKind>,
    /// How times are written.
    #[serde(default)]
    pub time_format: TimeFormat,
    /// A user's next event after this long begins a session, where no column tells. Minutes.
    #[serde(default = "half_an_hour")]
    pub session_gap: u32,
    /// Ratings below this are no interaction.
    pub min_rating: Option<f64>,
    /// How rows say that they take back a purchase.
    pub cancellation: Option<Cancellation>,
    /// Which column is what; files without a header have none.
    #[serde(default)]
    pub columns: EventColumns,
}

/// What the lines of a file of events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Rows under a header; JSON Lines and Parquet too.
    Table,
    /// A user and the items in their order, separated by white space; no header and no times.
    Lists,
    /// The items of one session in their order, sessions oldest first; no header and no times.
    Sessions,
    /// The first items of a session, a tab, and the next item; no header and no times.
    Prefixes,
}

impl Form {
    /// The form in the configuration's words.
    pub fn name(self) -> &'static str {
        match self {
            Form::Table => "table",
            Form::Lists => "lists",
            Form::Sessions => "sessions",
            Form::Prefixes => "prefixes",
        }
    }
}

/// How rows say that they take back a purchase.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// The session's id begins with this.
    pub session_prefix: Option<String>,
    /// The kind's name is this.
    pub kind: Option<String>,
}

/// Which of the events' columns is what.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventColumns {
    /// Customer; empty for an anonymous session.
    pub user: Option<Column>,
    /// Session, visit or invoice.
    pub session: Option<Column>,
    /// The product's id.
    pub item: Column,
    /// When.
    pub time: Column,
    /// What was done.
    pub kind: Option<Column>,
    /// How many; 1 where empty.
    pub quantity: Option<Column>,
    /// Price of one.
    pub price: Option<Column>,
    /// ISO 4217 code of the price.
    pub currency: Option<Column>,
    /// The product's name.
    pub name: Option<Column>,
    /// The product's category.
    pub category: Option<Column>,
    /// The product's brand.
    pub brand: Option<Column>,
    /// The user's rating.
    pub rating: Option<Column>,
    /// The user's country, by which `evaluate` tells users apart.
    pub country: Option<Column>,
}

/// The catalogue's columns.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// File beside the events that is the catalogue, if it is there and no other is given.
    pub beside: Option<String>,
    /// Of a list of categories, what is between them; the first counts.
    pub category_separator: Option<String>,
    /// Of a list of tags, what is between them; a comma where nothing is said.
    pub tag_separator: Option<String>,
    /// Categories that say that there is none, and tags that say nothing.
    #[serde(default)]
    pub not_categories: Vec<String>,
    /// Categories from words in the name, for items without one: the first rule that matches.
    #[serde(default)]
    pub category_rules: Vec<CategoryRule>,
    /// The category of items that no rule matches.
    pub other_category: Option<String>,
    /// Names in capitals become Names In Title Case.
    #[serde(default)]
    pub title_case: bool,
    /// Which column is what.
    pub columns: Option<CatalogueColumns>,
}

/// Words in a name that tell the category.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryRule {
    /// The category.
    pub category: String,
    /// Regular expression at the beginning of a word of the name, whatever its case.
    #[serde(deserialize_with = "pattern::words")]
    pub pattern: Pattern,
}

/// Which of the catalogue's columns is what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueColumns {
    /// The product's id.
    pub id: Column,
    /// Its name.
    pub name: Option<Column>,
    /// Its category.
    pub category: Option<Column>,
    /// Its brand.
    pub brand: Option<Column>,
    /// Price of one.
    pub price: Option<Column>,
    /// ISO 4217 code of the price.
    pub currency: Option<Column>,
    /// Its page.
    pub url: Option<Column>,
    /// Its picture.
    pub image: Option<Column>,
    /// A text about it.
    pub description: Option<Column>,
    /// Who sells it: the shop's name, where the configuration has no `title`.
    pub seller: Option<Column>,
    /// Its tags, as many as there are; see `tag_separator`.
    pub tags: Option<Column>,
    /// Whether it can be bought: schema.org's availability, yes/no, true/false or a number.
    pub in_stock: Option<Column>,
}

/// Cleaning rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clean {
    /// Share of rows that may be unreadable before loading fails.
    pub max_unreadable: f64,
    /// Whether a row that equals an earlier one in every mapped column is dropped.
    pub drop_duplicates: bool,
    /// Ids that differ only in case are one item.
    pub fold_id_case: bool,
    /// Ids that are no products: regular expressions of the whole id, whatever its case.
    pub not_products: Vec<Pattern>,
    /// Texts that are no names of products: regular expressions of the whole text, whatever its case.
    pub not_names: Vec<Pattern>,
    /// Quantities above are impossible, as are those of 0 and less.
    pub max_quantity: f64,
    /// Prices below are impossible.
    pub min_price: f64,
    /// Prices above are impossible.
    pub max_price: f64,
    /// Items that fewer users touched are dropped.
    pub min_item_users: u32,
    /// Users who touched fewer items are dropped.
    pub min_user_items: u32,
}

impl Default for Clean {
    fn default() -> Self {
        Self {
            max_unreadable: 0.05,
            drop_duplicates: true,
            fold_id_case: false,
            not_products: Vec::new(),
            not_names: Vec::new(),
            max_quantity: 1e6,
            min_price: 0.0,
            max_price: 1e7,
            min_item_users: 1,
            min_user_items: 1,
        }
    }
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

    fn check(&self) -> std::result::Result<(), String> {
        let columns = &self.events.columns;
        if let Some(form) = self.events.form.filter(|form| *form != Form::Table) {
            if !columns.item.0.is_empty() {
                return Err(format!(
                    "[events] `columns` are of a table, but `form` is {:?}; leave one of them out",
                    form.name()
                ));
            }
            return self.rest();
        }
        if columns.item.0.is_empty() {
            return Err(
                "[events] needs `columns`, or a `form` that has none (\"lists\", \"sessions\", \"prefixes\")".into(),
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
        if let Some(currency) = &self.currency {
            if !is_currency(currency) {
                return Err(format!(
                    "`currency` is {currency:?}, but an ISO 4217 code is three capitals, such as \"EUR\""
                ));
            }
        }
        self.rest()
    }

    /// What holds for every form.
    fn rest(&self) -> std::result::Result<(), String> {
        self.clean.check()?;
        self.text.check()?;
        self.vectors.check()?;
        self.content.check()
    }
}

impl Clean {
    fn check(&self) -> std::result::Result<(), String> {
        if !(0.0..=1.0).contains(&self.max_unreadable) {
            return Err(format!(
                "[clean] `max_unreadable` is a share from 0 to 1, not {}",
                self.max_unreadable
            ));
        }
        // Written so that NaN fails.
        let ordered = self.min_price <= self.max_price && self.max_quantity > 0.0;
        if !ordered {
            return Err("[clean] needs min_price <= max_price and max_quantity > 0".into());
        }
        Ok(())
    }
}

/// Whether `text` has the form of an ISO 4217 code.
pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn half_an_hour() -> u32 {
    30
}

fn event_kind<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<EventKind>, D::Error> {
    let name = String::deserialize(deserializer)?;
    EventKind::from_name(&name).map(Some).map_err(serde::de::Error::custom)
}

fn event_kinds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<String, EventKind>, D::Error> {
    BTreeMap::<String, String>::deserialize(deserializer)?
        .into_iter()
        .map(|(own, name)| Ok((own, EventKind::from_name(&name).map_err(serde::de::Error::custom)?)))
        .collect()
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
    fn what_needs_each_other_is_asked_for() {
        assert!(fails(&GOOD.replace("user = \"u\"\n", "")).contains("`user` or `session`"));
        assert!(fails(&GOOD.replace("kind = \"purchase\"\n", "")).contains("`kind`"));
        assert!(fails(&format!("currency = \"euro\"\n{GOOD}")).contains("ISO 4217"));
        assert!(fails(&format!("{GOOD}[clean]\nmin_price = nan\n")).contains("min_price"));
        assert!(fails(&format!("{GOOD}rating = \"r\"\n")).contains("min_rating"));
        assert!(fails("").contains("events"));
    }
}
