//! Cleaned lines and the catalogue, joined to a [`Dataset`]. Invariant: items are sorted by id, events by time and then
//! by place in the input, users and sessions are numbered as they appear; nothing depends on the pseudonyms' key. Last
//! stage of `ingest`.

use super::account::Account;
use super::catalogue::Catalogue;
use super::events::{index, Line, Lines, NONE};
use super::names;
use crate::config::Config;
use crate::dataset::{Dataset, Interaction, Item, Order, User};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    let least = u32::from(config.train.min_customers);
    let names = names::choose(lines, &config.clean.not_names, &mut account.events);
    let text = |number: u32| lines.texts.get(number);
    let said = |of: fn(&Line) -> u32| {
        let said = lines.lines.iter();
        names::most_said(said.filter_map(move |line| Some((line.item, text(of(line))?, line.user))))
    };
    let (categories, brands) = (said(|line| line.category), said(|line| line.brand));
    // Prices are not negative, so their bits are in their order.
    let priced = lines.lines.iter().filter(|line| line.price >= 0.0);
    let prices = names::most_said(priced.map(|line| (line.item, line.price.to_bits(), line.user)));
    let seen: BTreeSet<u32> = lines.lines.iter().map(|line| line.item).collect();
    let (mut delisted, mut withheld) = (0u64, 0u64);
    for item in seen {
        let Some(id) = lines.items.get(item) else { continue };
        delisted += u64::from(!for_sale && !items.contains_key(id));
        let known = items.entry(id.to_owned()).or_insert_with(|| Item {
            id: id.to_owned(),
            in_stock: for_sale,
            ..Item::default()
        });
        // A listed item is shown whoever bought it, so nothing that few customers said may be shown with it. Others ship only
        // with enough customers behind them.
        let least = if known.listed { least } else { 1 };
        let mut few = false;
        let mut enough = |users: u32| {
            few |= users < least;
            users >= least
        };
        if known.name.is_empty() {
            let name = names.get(&item).filter(|said| enough(said.users));
            known.name = name.map(|said| said.what.clone()).unwrap_or_default();
        }
        if known.price.is_none() {
            let price = prices.get(&item).filter(|said| enough(said.users));
            known.price = price.map(|said| f64::from_bits(said.what));
        }
        if known.category.is_none() {
            let category = categories.get(&item).filter(|said| enough(said.users));
            known.category = category.and_then(|said| super::catalogue::category(said.what, config));
        }
        if known.brand.is_none() {
            let brand = brands.get(&item).filter(|said| enough(said.users));
            known.brand = brand
                .map(|said| names::tidy(said.what))
                .filter(|brand| !brand.is_empty());
        }
        withheld += u64::from(few);
    }
    if withheld > 0 {
        account.notes.push(format!(
            "{withheld} items of the catalogue lack a field that fewer than {least} customers tell: it stays empty"
        ));
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
