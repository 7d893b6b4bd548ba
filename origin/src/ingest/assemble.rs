//! Cleaned lines and the catalogue, joined to a [`Dataset`]. Invariant: items are sorted by id, events by time and then
//! by place in the input, users and sessions are numbered as they appear; nothing depends on the pseudonyms' key. Last
//! stage of `ingest`.

use super::account::Account;
use super::catalogue::Catalogue;
use super::events::{index, Line, Lines, NONE};
use super::names;
use crate::config::Config;
use crate::dataset::{Dataset, Interaction, Item, Order, User};
use std::collections::{BTreeMap, HashMap};

/// Joins events and catalogue.
pub(super) fn assemble(
    mut lines: Lines,
    catalogue: Option<Catalogue>,
    config: &Config,
    order: Order,
    mut account: Account,
) -> Dataset {
    lines.lines.sort_by_key(|line| line.at);
    let (listed, currency, seller) = match catalogue {
        Some(Catalogue {
            items,
            currency,
            seller,
        }) => (Some(items), currency, seller),
        None => (None, lines.currency.take(), None),
    };
    let items = items(&lines, listed, config, &mut account);
    let rows: HashMap<&str, u32> = items
        .iter()
        .enumerate()
        .map(|(row, item)| (item.id.as_str(), index(row)))
        .collect();
    let row_of: Vec<u32> = (0..index(lines.items.len()))
        .map(|item| {
            lines
                .items
                .get(item)
                .and_then(|id| rows.get(id))
                .copied()
                .unwrap_or(NONE)
        })
        .collect();
    let mut users: Vec<User> = Vec::new();
    let mut user_numbers: HashMap<u32, u32> = HashMap::new();
    let mut sessions = Sessions {
        gap: i64::from(config.events.session_gap) * 60,
        ..Sessions::default()
    };
    let events: Vec<Interaction> = lines
        .lines
        .iter()
        .filter_map(|line| {
            let user = *user_numbers.entry(line.user).or_insert(index(users.len()));
            if user as usize == users.len() {
                users.push(*lines.users.get(line.user as usize)?);
            }
            Some(Interaction {
                user,
                session: sessions.number(line),
                item: *row_of.get(line.item as usize)?,
                kind: line.kind,
                at: line.at,
                quantity: line.quantity as f32,
            })
        })
        .collect();
    account.events.kept = events.len() as u64;
    account.items = items.len();
    account.users = users.len();
    account.anonymous = users.iter().filter(|user| user.anonymous).count();
    account.sessions = sessions.count as usize;
    Dataset {
        title: config.title.clone().or(seller),
        items,
        users,
        events,
        order,
        rated: config.events.min_rating.is_some(),
        countries: lines.countries.into_names(),
        currency: currency.unwrap_or_default(),
        vectors: None,
        account,
    }
}

/// Numbers sessions as they appear: by the data's own, or by a user's pauses.
#[derive(Default)]
struct Sessions {
    gap: i64,
    count: u32,
    own: HashMap<u32, u32>,
    /// Of each user the time of the last event and its session.
    by_pause: HashMap<u32, (i64, u32)>,
}

impl Sessions {
    fn number(&mut self, line: &Line) -> u32 {
        let next = self.count;
        let session = if line.session != NONE {
            *self.own.entry(line.session).or_insert(next)
        } else {
            let (last, session) = self.by_pause.entry(line.user).or_insert((line.at, next));
            if line.at - *last > self.gap {
                *session = next;
            }
            *last = line.at;
            *session
        };
        self.count += u32::from(session == next);
        session
    }
}

/// The catalogue's items, and those that only events know: all there is without a catalogue, else no longer for sale.
fn items(
    lines: &Lines,
    catalogue: Option<BTreeMap<String, Item>>,
    config: &Config,
    account: &mut Account,
) -> Vec<Item> {
    let for_sale = catalogue.is_none();
    let mut items = catalogue.unwrap_or_default();
    let names = names::choose(lines, &config.clean.not_names, &mut account.events);
    let mut seen = Seen::default();
    for line in &lines.lines {
        seen.add(line);
    }
    let categories = most_said(lines, |line| line.category);
    let brands = most_said(lines, |line| line.brand);
    let mut delisted = 0u64;
    for item in seen.items() {
        let Some(id) = lines.items.get(item) else { continue };
        delisted += u64::from(!for_sale && !items.contains_key(id));
        let known = items.entry(id.to_owned()).or_insert_with(|| Item {
            id: id.to_owned(),
            in_stock: for_sale,
            ..Item::default()
        });
        if known.name.is_empty() {
            known.name = names.get(&item).cloned().unwrap_or_default();
        }
        known.price = known.price.or_else(|| seen.price(item));
        let text = |of: &HashMap<u32, u32>| of.get(&item).and_then(|number| lines.texts.get(*number));
        if known.category.is_none() {
            known.category = text(&categories).and_then(|text| super::catalogue::category(text, config));
        }
        if known.brand.is_none() {
            known.brand = text(&brands).map(names::tidy).filter(|brand| !brand.is_empty());
        }
    }
    let mut items: Vec<Item> = items.into_values().collect();
    let mut nameless = 0u64;
    for item in &mut items {
        if item.name.is_empty() {
            nameless += 1;
            item.name.clone_from(&item.id);
        } else if config.catalogue.title_case {
            item.name = names::title_case(&item.name);
        }
    }
    if delisted > 0 {
        account.notes.push(format!(
            "{delisted} items are not in the catalogue: they count as signals, but are not for sale"
        ));
    }
    if nameless > 0 {
        account
            .notes
            .push(format!("{nameless} items have no name: their id is shown"));
    }
    categorize(&mut items, config, account);
    items
}

/// Gives categories by words in the name, where the mapping asks for it.
fn categorize(items: &mut [Item], config: &Config, account: &mut Account) {
    let rules = &config.catalogue.category_rules;
    if rules.is_empty() {
        return;
    }
    let (mut derived, mut other, mut without) = (0u64, 0u64, 0u64);
    for item in items.iter_mut().filter(|item| item.category.is_none()) {
        without += 1;
        match rules.iter().find(|rule| rule.pattern.matches(&item.name)) {
            Some(rule) => {
                item.category = Some(rule.category.clone());
                derived += 1;
            }
            None => {
                item.category.clone_from(&config.catalogue.other_category);
                other += u64::from(item.category.is_some());
            }
        }
    }
    account.notes.push(format!(
        "{without} items had no category: category_rules gave {derived} of them one by words in the name{}",
        match &config.catalogue.other_category {
            Some(name) => format!(", {other} are {name:?}"),
            None => String::new(),
        }
    ));
}

/// For each item the text that most users gave, so that one user cannot rename it; of equals the smallest.
fn most_said(lines: &Lines, of: impl Fn(&Line) -> u32) -> HashMap<u32, u32> {
    let mut said: Vec<(u32, u32, u32)> = lines
        .lines
        .iter()
        .map(|line| (line.item, of(line), line.user))
        .filter(|(_, text, _)| *text != NONE)
        .collect();
    said.sort_unstable();
    said.dedup();
    let mut best: HashMap<u32, (usize, u32)> = HashMap::new();
    for group in said.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let Some((item, text, _)) = group.first().copied() else {
            continue;
        };
        let (users, taken) = best.entry(item).or_insert((0, text));
        if group.len() > *users || (group.len() == *users && lines.texts.get(text) < lines.texts.get(*taken)) {
            (*users, *taken) = (group.len(), text);
        }
    }
    best.into_iter().map(|(item, (_, text))| (item, text)).collect()
}

/// What the events tell about items: the most frequent price.
#[derive(Default)]
struct Seen {
    prices: BTreeMap<u32, BTreeMap<u64, u32>>,
}

impl Seen {
    fn add(&mut self, line: &Line) {
        let prices = self.prices.entry(line.item).or_default();
        if line.price >= 0.0 {
            // Prices are not negative, so their bits are in their order.
            *prices.entry(line.price.to_bits()).or_default() += 1;
        }
    }

    fn items(&self) -> impl Iterator<Item = u32> + '_ {
        self.prices.keys().copied()
    }

    /// Of equally frequent prices the lowest.
    fn price(&self, item: u32) -> Option<f64> {
        let prices = self.prices.get(&item)?;
        prices
            .iter()
            .rev()
            .max_by_key(|(_, count)| **count)
            .map(|(bits, _)| f64::from_bits(*bits))
    }
}
