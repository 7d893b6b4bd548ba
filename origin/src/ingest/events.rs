//! Rows of events to [`Line`]s. Invariant: the customer's and the session's id become pseudonyms before anything else
//! looks at the row, and every row becomes a line or is counted by the rule that refuses it. First stage of `ingest`;
//! `clean` is next.

use super::account::{Effect, Tally};
use super::pseudonym::Pseudonyms;
use super::table::{clip, shape, Row, Table, Value, MAX_ID};
use super::texts::Texts;
use super::time;
use crate::config::{is_currency, Config};
use crate::dataset::User;
use crate::error::{Error, Result};
use crate::progress::Stage;
use pocketrank::EventKind;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// No such thing, in fields that hold an index.
pub(super) const NONE: u32 = u32::MAX;

/// One row, its texts interned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub user: u32,
    /// `NONE` where no column tells it.
    pub session: u32,
    pub item: u32,
    /// Into [`Lines::texts`], or `NONE`; so are category and brand.
    pub name: u32,
    pub category: u32,
    pub brand: u32,
    pub at: i64,
    pub kind: EventKind,
    pub quantity: f64,
    /// NaN where unknown.
    pub price: f64,
    pub rating: f64,
    /// Takes a purchase back.
    pub cancels: bool,
    /// Of every mapped field as it stood, the file apart.
    digest: u64,
    file: u32,
    row: u64,
}

impl Line {
    /// Equal where the rows were equal in every mapped column.
    pub fn digest(&self) -> u64 {
        self.digest
    }
}

/// A length as an index; more than four thousand million of anything is beyond this program.
pub(super) fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE - 1)
}

/// Every readable row of the events.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub lines: Vec<Line>,
    pub users: Vec<User>,
    pub countries: Texts,
    /// Item ids.
    pub items: Texts,
    /// Names, categories and brands.
    pub texts: Texts,
    pub currency: Option<String>,
    files: Vec<String>,
}

impl Lines {
    /// Where the line came from: an example for the account, without a word of the row.
    pub fn place(&self, line: &Line) -> String {
        let file = self.files.get(line.file as usize).map_or("", String::as_str);
        format!("{file}:{}", line.row)
    }

    /// The same, and the item: for rules about items.
    pub fn place_of_item(&self, line: &Line) -> String {
        let id = self.items.get(line.item).unwrap_or_default();
        format!("{}: item {}", self.place(line), clip(id))
    }
}

/// Why a row is no line.
enum Refusal {
    Unreadable(String),
    Time(String),
    NoItem(String),
    Later,
    Nobody,
    UnknownKind(String),
}

const UNREADABLE: &str = "unreadable row";
const NO_TIME: &str = "time unreadable";
const NO_ITEM: &str = "no item";
const NOBODY: &str = "neither user nor session";
const UNKNOWN_KIND: &str = "kind of event unknown";
const LATER: &str = "at or after --until, kept for evaluation";
const FOLDED: &str = "id differs only in case";
const CURRENCY: &str = "price in another currency, ignored";

/// Reads lines from one table after another.
pub(super) struct Reader<'a> {
    config: &'a Config,
    pseudonyms: &'a Pseudonyms,
    until: Option<i64>,
    lines: Lines,
    users: HashMap<[u8; 16], u32>,
    sessions: HashMap<[u8; 16], u32>,
    /// Raw ids of the last row and what became of them: consecutive rows mostly share them.
    last: Option<Who>,
}

struct Who {
    user_id: String,
    session_id: String,
    user: u32,
    session: u32,
}

impl<'a> Reader<'a> {
    pub fn new(config: &'a Config, pseudonyms: &'a Pseudonyms, until: Option<i64>) -> Self {
        let lines = Lines {
            currency: config.currency.clone(),
            ..Lines::default()
        };
        Self {
            config,
            pseudonyms,
            until,
            lines,
            users: HashMap::new(),
            sessions: HashMap::new(),
            last: None,
        }
    }

    /// Reads a table's rows. Returns how many had text that is not UTF-8.
    pub fn read(&mut self, table: &Table, tally: &mut Tally, stage: &mut Stage) -> Result<u64> {
        let file = index(self.lines.files.len());
        let name = table.path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.lines.files.push(name.clone().unwrap_or_default());
        for rule in [UNREADABLE, NO_TIME, NO_ITEM, NOBODY, UNKNOWN_KIND] {
            tally.rule(rule, Effect::Dropped);
        }
        if self.until.is_some() {
            tally.rule(LATER, Effect::Dropped);
        }
        let c = &self.config.events.columns;
        let wanted = [
            c.user.as_ref(),
            c.session.as_ref(),
            Some(&c.item),
            Some(&c.time),
            c.kind.as_ref(),
            c.quantity.as_ref(),
            c.price.as_ref(),
            c.currency.as_ref(),
            c.name.as_ref(),
            c.category.as_ref(),
            c.brand.as_ref(),
            c.rating.as_ref(),
            c.country.as_ref(),
        ];
        let place = |row: u64| format!("{}:{row}", name.as_deref().unwrap_or_default());
        table.read(&wanted, self.config.events.each.as_deref(), &mut |row, values| {
            tally.rows += 1;
            if tally.rows.is_multiple_of(8192) {
                stage.add(8192);
            }
            match self.line(values, tally) {
                Ok(line) => self.lines.lines.push(Line { file, row, ..line }),
                Err(refusal) => {
                    let (rule, what) = match refusal {
                        Refusal::Unreadable(what) => (UNREADABLE, what),
                        Refusal::Time(what) => (NO_TIME, what),
                        Refusal::NoItem(what) => (NO_ITEM, what),
                        Refusal::Later => (LATER, String::new()),
                        Refusal::Nobody => (NOBODY, String::new()),
                        Refusal::UnknownKind(what) => (UNKNOWN_KIND, what),
                    };
                    tally
                        .rule(rule, Effect::Dropped)
                        .count(|| format!("{}: {what}", place(row)));
                }
            }
            Ok(())
        })
    }

    /// The lines, if no more rows were unreadable than the configuration allows.
    pub fn finish(self, tally: &Tally) -> Result<Lines> {
        let bad: Vec<_> = tally
            .rules
            .iter()
            .filter(|rule| [UNREADABLE, NO_TIME].contains(&rule.name.as_str()))
            .collect();
        let count: u64 = bad.iter().map(|rule| rule.rows).sum();
        let limit = self.config.clean.max_unreadable;
        if count as f64 > limit * tally.rows as f64 {
            let examples: Vec<&str> = bad.iter().flat_map(|rule| &rule.examples).map(String::as_str).collect();
            return Err(Error::Data(format!(
                "{count} of {} rows cannot be read, more than [clean] max_unreadable = {limit} allows; the first:\n  {}",
                tally.rows,
                examples.join("\n  ")
            )));
        }
        Ok(self.lines)
    }

    fn line(&mut self, values: Row<'_>, tally: &mut Tally) -> std::result::Result<Line, Refusal> {
        let values = values.map_err(Refusal::Unreadable)?;
        let [user, session, item, at, kind, quantity, price, currency, name, category, brand, rating, country] = values
        else {
            return Err(Refusal::Unreadable("a row of another width".into()));
        };
        for (id, what) in [(user, "user"), (session, "session"), (item, "item")] {
            if id.is_garbled() {
                return Err(Refusal::Unreadable(format!("a control character in the {what}'s id")));
            }
        }
        let digest = digest(values);
        let (cancels, kind) = self.kind(&session.text().unwrap_or_default(), kind)?;
        let who = self.who(user, session)?;
        self.country(who.0, country);
        let Some(id) = item.text() else {
            return Err(Refusal::NoItem(kind.name().into()));
        };
        if id.len() > MAX_ID {
            return Err(Refusal::Unreadable(format!("an item's id of {} bytes", id.len())));
        }
        let time = time::read(at, &self.config.events.time_format)
            .ok_or_else(|| Refusal::Time(format!("time {}", shape(&at.text().unwrap_or_default()))))?;
        // Before anything of the row is kept, its names and prices too.
        if self.until.is_some_and(|until| time >= until) {
            return Err(Refusal::Later);
        }
        let number = |value: &Value<'_>, what: &str| {
            value
                .number()
                .map_err(|text| Refusal::Unreadable(format!("{what} {} is no number", shape(&text))))
        };
        let quantity = number(quantity, "quantity")?.unwrap_or(1.0);
        let rating = number(rating, "rating")?.unwrap_or(f64::NAN);
        let mut price = number(price, "price")?.unwrap_or(f64::NAN);
        if !price.is_nan() && !self.own_currency(currency) {
            price = f64::NAN;
            tally
                .rule(CURRENCY, Effect::Changed)
                .count(|| format!("currency {}", shape(&currency.text().unwrap_or_default())));
        }
        let item = if self.config.clean.fold_id_case && id.chars().any(char::is_lowercase) {
            tally.rule(FOLDED, Effect::Changed).count(|| clip(&id));
            self.lines.items.number(&id.to_uppercase())
        } else {
            self.lines.items.number(&id)
        };
        let mut text = |value: &Value<'_>| value.text().map_or(NONE, |text| self.lines.texts.number(&text));
        let (name, category, brand) = (text(name), text(category), text(brand));
        let (user, session) = who;
        Ok(Line {
            user,
            session,
            item,
            name,
            category,
            brand,
            at: time,
            kind,
            quantity,
            price,
            rating,
            cancels,
            digest,
            file: 0,
            row: 0,
        })
    }

    fn kind(&self, session: &str, kind: &Value<'_>) -> std::result::Result<(bool, EventKind), Refusal> {
        let events = &self.config.events;
        let cancellation = events.cancellation.as_ref();
        let by_session = cancellation
            .and_then(|c| c.session_prefix.as_deref())
            .is_some_and(|prefix| session.starts_with(prefix));
        let Some(name) = kind.text() else {
            return match events.kind {
                Some(_) if by_session => Ok((true, EventKind::Purchase)),
                Some(kind) => Ok((false, kind)),
                None => Err(Refusal::UnknownKind("none".into())),
            };
        };
        if by_session || cancellation.and_then(|c| c.kind.as_deref()) == Some(&name) {
            return Ok((true, EventKind::Purchase));
        }
        let known = events.kinds.get(name.as_ref()).copied();
        known
            .or_else(|| EventKind::from_name(&name).ok())
            .map(|kind| (false, kind))
            .ok_or_else(|| Refusal::UnknownKind(format!("kind {}", shape(&name))))
    }

    /// Numbers of the row's user and session.
    fn who(&mut self, user: &Value<'_>, session: &Value<'_>) -> std::result::Result<(u32, u32), Refusal> {
        let (user_id, session_id) = (user.text().unwrap_or_default(), session.text().unwrap_or_default());
        if let Some(last) = &self.last {
            if last.user_id == user_id && last.session_id == session_id {
                return Ok((last.user, last.session));
            }
        }
        let someone = match (user_id.is_empty(), session_id.is_empty()) {
            (true, true) => return Err(Refusal::Nobody),
            (true, false) => self.pseudonyms.anonymous(&session_id),
            (false, _) => self.pseudonyms.user(&user_id),
        };
        let users = &mut self.lines.users;
        let user = *self.users.entry(someone.pseudonym).or_insert_with(|| {
            users.push(someone);
            index(users.len() - 1)
        });
        let session = if session_id.is_empty() {
            NONE
        } else {
            let next = index(self.sessions.len());
            *self
                .sessions
                .entry(self.pseudonyms.session(&someone, &session_id))
                .or_insert(next)
        };
        self.last = Some(Who {
            user_id: user_id.into_owned(),
            session_id: session_id.into_owned(),
            user,
            session,
        });
        Ok((user, session))
    }

    /// Takes a user's country from the first row that tells one.
    fn country(&mut self, user: u32, country: &Value<'_>) {
        let users = &mut self.lines.users;
        let Some(user) = users.get_mut(user as usize).filter(|user| user.country.is_none()) else {
            return;
        };
        if let Some(name) = country.text() {
            user.country = u16::try_from(self.lines.countries.number(&name)).ok();
        }
    }

    /// Whether the price is in the dataset's currency, which is the configured one or else the first seen.
    fn own_currency(&mut self, currency: &Value<'_>) -> bool {
        match currency.text() {
            None => true,
            Some(text) => match &self.lines.currency {
                Some(own) => *own == text,
                None if is_currency(&text) => {
                    self.lines.currency = Some(text.into_owned());
                    true
                }
                None => false,
            },
        }
    }
}

fn digest(values: &[Value<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for value in values {
        match value {
            Value::Null => 0u8.hash(&mut hasher),
            Value::Text(text) => (1u8, text.as_bytes()).hash(&mut hasher),
            Value::Int(n) | Value::Time(n) => (2u8, n).hash(&mut hasher),
            Value::Float(x) => (3u8, x.to_bits()).hash(&mut hasher),
        }
    }
    hasher.finish()
}
