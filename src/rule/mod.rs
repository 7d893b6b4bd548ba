//! Rules: what a shop decides about a slot by hand, where a condition holds.
//!
//! Invariant: a rule that cannot be read, or that names what is not there, does nothing and is reported; the others apply. Which rules apply
//! follows from the page's attributes, the profile, the slot and the time alone. `behaviour` says what conditions can ask of a profile,
//! `orders` what becomes of a slate; `compile` writes the section.

mod behaviour;
mod catalogue;
#[cfg(feature = "pack")]
mod compile;
mod orders;

pub use behaviour::behaviour;
pub use catalogue::Catalogue;
#[cfg(feature = "pack")]
pub use compile::{compile_rules, CompiledRules};
pub use orders::{Effect, Moves};

use crate::condition::{Condition, Value, MAX_DEPTH};
use crate::error::{Error, Result};
use crate::event::{EventKind, DAY};
use crate::profile::Profile;
use crate::snapshot::{at_most, Values};
use serde::{Deserialize, Serialize};

/// The most bytes of the section.
pub const MAX_RULES: usize = 1 << 20;

/// The rules of a snapshot, the most important first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// Those that can be read.
    pub rules: Vec<Rule>,
    /// Positions in the section of those that cannot.
    pub broken: Vec<u32>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, by which it is reported, and switched off by a feature `pocketrank.rule.ID`.
    pub id: String,
    /// The slot that it is for; every one where it is empty.
    pub slot: String,
    /// Rules of higher priority come first; among equals the order of the file counts.
    pub priority: u16,
    /// From then on, seconds since 1970-01-01 UTC.
    pub start: u32,
    /// Until before then.
    pub end: u32,
    /// What must hold of the page's attributes and the visitor's [`behaviour`].
    pub condition: Condition,
    /// What the visitor must have done, each of them.
    pub after: Vec<Workflow>,
    /// What it does.
    pub actions: Vec<Action>,
}

/// What the visitor did, with any item, and in which order. Days are those of the profile, which the capsule has no finer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// First this, by its number in [`EventKind`].
    pub event: u8,
    /// Then this with the same item, if anything, within the days.
    pub then: Option<u8>,
    /// And not this with the same item since.
    pub unless: Option<u8>,
    /// Days since the first event, or between both.
    pub within: u16,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// These items, where they are candidates that can be shown, come to this place, from 0, and those behind it.
    Pin(Vec<[u8; 8]>, u16),
    /// Candidates gain so much of the range between the least and the greatest score; less than 0 buries them.
    Lift(Matching, f32),
    /// Candidates are left out.
    Exclude(Matching),
    /// The slot gets this template.
    Template(String),
    /// The slot gets this candidates list.
    List(String),
}

/// Candidates that have one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Matching {
    /// Hashes of ids, little-endian.
    pub items: Vec<[u8; 8]>,
    /// Names of categories.
    pub categories: Vec<String>,
    /// Names of brands.
    pub brands: Vec<String>,
    /// Names of price bands.
    pub price_bands: Vec<String>,
}

/// Which rules to apply.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The slot.
    pub slot: &'a str,
    /// The page's attributes: country, device, hour, referrer, campaign and what else the host knows of the page; an object.
    pub attributes: &'a Value,
    /// The visitor's profile, the empty one without consent.
    pub profile: &'a Profile,
    /// Seconds since 1970-01-01 UTC.
    pub now: u32,
}

/// The actions of the rules that apply, the most important first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Orders<'a> {
    /// Each with its rule's id.
    pub actions: Vec<(&'a str, &'a Action)>,
}

impl Rules {
    /// Reads the section.
    ///
    /// # Errors
    /// [`Error::Limit`] or [`Error::Corrupt`] where it is no list of rules; a rule that cannot be read is none but is told in `broken`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        at_most("bytes of rules", MAX_RULES, bytes.len())?;
        let mut values = Values(bytes);
        let each = values.list(|values| {
            let length = values.length()?;
            let mut rule = Values(values.take(length)?);
            let read = Rule::read(&mut rule);
            Some(read.filter(|_| rule.0.is_empty()))
        });
        let each = each.filter(|_| values.0.is_empty()).ok_or(Error::Corrupt {
            what: "rules",
            at: 0,
            rule: "the section is a list of rules, each in so many bytes",
        })?;
        let mut rules = Rules::default();
        for (at, rule) in (0u32..).zip(each) {
            match rule {
                Some(rule) => rules.rules.push(rule),
                None => rules.broken.push(at),
            }
        }
        rules.rules.sort_by_key(|rule| u16::MAX - rule.priority);
        Ok(rules)
    }

    /// The actions of the rules that apply. `is_on` says of a rule's id whether it is switched on, by [`Settings::rule`](crate::experiment::Settings::rule).
    pub fn orders<'a>(&'a self, catalogue: &impl Catalogue, ask: &Ask<'_>, is_on: impl Fn(&str) -> bool) -> Orders<'a> {
        let mut orders = Orders::default();
        let here = |rule: &&Rule| rule.is_for(ask.slot) && (rule.start..rule.end).contains(&ask.now) && is_on(&rule.id);
        let mut candidates = self.rules.iter().filter(here).peekable();
        if candidates.peek().is_none() {
            return orders;
        }
        // What is known of the visitor comes first, so that no page can say otherwise.
        let mut fields = behaviour(catalogue, ask.profile, ask.now);
        if let Value::Object(attributes) = ask.attributes {
            fields.extend(attributes.iter().cloned());
        }
        let attributes = Value::Object(fields);
        for rule in candidates {
            let done = |workflow: &Workflow| workflow.is_done(ask.profile, ask.now);
            if rule.condition.holds(&attributes, &[]) && rule.after.iter().all(done) {
                orders
                    .actions
                    .extend(rule.actions.iter().map(|action| (rule.id.as_str(), action)));
            }
        }
        orders
    }

    /// The lists that rules may give to the slot, whoever asks and whenever.
    pub fn lists<'a>(&'a self, slot: &'a str) -> impl Iterator<Item = &'a str> {
        let rules = self.rules.iter().filter(move |rule| rule.is_for(slot));
        rules.flat_map(|rule| &rule.actions).filter_map(|action| match action {
            Action::List(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl<'a> Orders<'a> {
    /// The template that the slot gets, if a rule says so.
    pub fn template(&self) -> Option<&'a str> {
        self.actions.iter().find_map(|(_, action)| match action {
            Action::Template(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The candidates list that the slot gets, if a rule says so.
    pub fn list(&self) -> Option<&'a str> {
        self.actions.iter().find_map(|(_, action)| match action {
            Action::List(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Workflow {
    /// Whether the visitor has done so. Of what was folded the last event of each item and kind counts.
    pub fn is_done(&self, profile: &Profile, now: u32) -> bool {
        let is = |kind: EventKind, number: u8| kind as u8 == number;
        let within = u32::from(self.within);
        let events = behaviour::events(profile);
        events.iter().enumerate().any(|(at, first)| {
            let behind = events.get(at + 1..).unwrap_or_default();
            let mut same = behind.iter().filter(|event| event.item == first.item);
            let days = |to: u32| to.saturating_sub(first.last);
            let undone = self
                .unless
                .is_some_and(|kind| same.clone().any(|event| is(event.kind, kind)));
            let followed = match self.then {
                None => days(now / DAY) <= within,
                Some(kind) => same.any(|event| is(event.kind, kind) && days(event.last) <= within),
            };
            is(first.kind, self.event) && !undone && followed
        })
    }

    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Workflow {
            event: values.byte()?,
            then: values.option(|values| values.byte())?,
            unless: values.option(|values| values.byte())?,
            within: values.varint(16)? as u16,
        })
    }
}

impl Rule {
    fn is_for(&self, slot: &str) -> bool {
        self.slot.is_empty() || self.slot == slot
    }

    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Rule {
            id: values.text()?,
            slot: values.text()?,
            priority: values.varint(16)? as u16,
            start: values.varint(32)?,
            end: values.varint(32)?,
            condition: Condition::read(values, MAX_DEPTH)?,
            after: values.list(Workflow::read)?,
            actions: values.list(Action::read)?,
        })
    }
}

impl Action {
    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(match values.varint(32)? {
            0 => Action::Pin(values.list(item)?, values.varint(16)? as u16),
            1 => Action::Lift(Matching::read(values)?, values.f32().filter(|by| by.abs() <= MAX_LIFT)?),
            2 => Action::Exclude(Matching::read(values)?),
            3 => Action::Template(values.text()?),
            4 => Action::List(values.text()?),
            _ => return None,
        })
    }
}

/// The most that an action lifts or buries by.
pub const MAX_LIFT: f32 = 10.0;

fn item(values: &mut Values<'_>) -> Option<[u8; 8]> {
    values.take(8)?.try_into().ok()
}

impl Matching {
    fn read(values: &mut Values<'_>) -> Option<Self> {
        let names = |values: &mut Values<'_>| values.list(|values| values.text());
        Some(Matching {
            items: values.list(item)?,
            categories: names(values)?,
            brands: names(values)?,
            price_bands: names(values)?,
        })
    }
}
