//! What the events' lines and columns mean. Invariant: names of kinds and forms of times are checked when the file is read.

use super::{Column, TimeFormat};
use pocketrank::EventKind;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// The events' columns.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// What the lines are, where the content does not tell.
    pub form: Option<Form>,
    /// JSON Lines: the array whose elements are the rows.
    pub each: Option<String>,
    /// The kind of every row, where no column tells.
    #[serde(deserialize_with = "event_kind")]
    pub kind: Option<EventKind>,
    /// The data's own names of kinds, and what they mean; GA4's names need no entry.
    #[serde(deserialize_with = "event_kinds")]
    pub kinds: BTreeMap<String, EventKind>,
    /// How times are written.
    pub time_format: TimeFormat,
    /// A user's next event after this long begins a session, where no column tells. Minutes.
    pub session_gap: u32,
    /// Ratings below this are no interaction.
    pub min_rating: Option<f64>,
    /// How rows say that they take back a purchase.
    pub cancellation: Option<Cancellation>,
    /// Which column is what; files without a header have none.
    pub columns: EventColumns,
}

impl Default for Events {
    fn default() -> Self {
        Events {
            form: None,
            each: None,
            kind: None,
            kinds: BTreeMap::new(),
            time_format: TimeFormat::default(),
            session_gap: 30,
            min_rating: None,
            cancellation: None,
            columns: EventColumns::default(),
        }
    }
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
#[serde(deny_unknown_fields, default)]
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
