//! The catalogue: items as the shop lists them. Invariant: one item an id, the first row of it; every row becomes an
//! item or is counted. Read beside the events; `assemble` joins both.

use super::account::{Effect, Tally};
use super::names::tidy;
use super::table::{clip, Table, MAX_ID, RECODED};
use crate::config::{CatalogueColumns, Config};
use crate::dataset::Item;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Longest text about an item, in characters.
const MAX_TEXT: usize = 2000;
/// The most tags of an item that are read.
const MAX_TAGS: usize = 100;

/// What the catalogue says.
pub(super) struct Catalogue {
    /// Items by id.
    pub items: BTreeMap<String, Item>,
    /// Of their prices: the one given, or else the first seen.
    pub currency: Option<String>,
    /// The first seller named.
    pub seller: Option<String>,
}

/// Reads it.
pub(super) fn read(
    table: &Table,
    columns: &CatalogueColumns,
    config: &Config,
    mut currency: Option<String>,
    tally: &mut Tally,
) -> Result<Catalogue> {
    for rule in ["unreadable row", "no id", "id seen before", "code of no product"] {
        tally.rule(rule, Effect::Dropped);
    }
    let c = columns;
    let wanted = [
        Some(&c.id),
        c.name.as_ref(),
        c.category.as_ref(),
        c.brand.as_ref(),
        c.price.as_ref(),
        c.currency.as_ref(),
        c.url.as_ref(),
        c.image.as_ref(),
        c.description.as_ref(),
        c.in_stock.as_ref(),
        c.seller.as_ref(),
        c.tags.as_ref(),
    ];
    let file = table
        .path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut seller = None;
    let recoded = table.read(&wanted, None, &mut |row, values| {
        tally.rows += 1;
        let mut refuse = |rule: &str, what: &str| {
            tally
                .rule(rule, Effect::Dropped)
                .count(|| format!("{file}:{row}: {what}"));
            Ok(())
        };
        let values = match values {
            Ok(values) => values,
            Err(what) => return refuse("unreadable row", &what),
        };
        let [id, name, category, brand, price, priced_in, url, image, description, in_stock, sold_by, tags] = values
        else {
            return Err(Error::Internal("a catalogue row of another width".into()));
        };
        if id.is_garbled() {
            return refuse("unreadable row", "a control character in the id");
        }
        let Some(id) = id.text() else {
            return refuse("no id", "");
        };
        if id.len() > MAX_ID {
            return refuse("unreadable row", &format!("an id of {} bytes: {}", id.len(), clip(&id)));
        }
        let id = if config.clean.fold_id_case {
            id.to_uppercase()
        } else {
            id.into_owned()
        };
        if config.clean.not_products.iter().any(|pattern| pattern.matches(&id)) {
            return refuse("code of no product", &id);
        }
        if !seen.insert(id.clone()) {
            return refuse("id seen before", &clip(&id));
        }
        let mut price = match price.number() {
            Ok(price) => price.filter(|p| *p >= config.clean.min_price && *p <= config.clean.max_price),
            Err(_) => None,
        };
        match (priced_in.text(), &currency) {
            (Some(other), Some(own)) if *own != other => price = None,
            (Some(first), None) if crate::config::is_currency(&first) => currency = Some(first.into_owned()),
            _ => {}
        }
        if price.is_none() && c.price.is_some() {
            let rule = tally.rule("no price that can be used", Effect::Changed);
            rule.count(|| format!("{file}:{row}: {}", clip(&id)));
        }
        let long = |text: std::borrow::Cow<'_, str>| text.chars().take(MAX_TEXT).collect::<String>();
        seller = seller.take().or_else(|| sold_by.text().map(|name| tidy(&name)));
        let item = Item {
            name: name.text().map(|name| tidy(&name)).unwrap_or_default(),
            category: category.text().and_then(|text| self::category(&text, config)),
            brand: brand.text().map(|brand| tidy(&brand)),
            price,
            url: url.text().map(long),
            image: image.text().map(long),
            description: description.text().map(long),
            tags: tags.text().map(|text| self::tags(&text, config)).unwrap_or_default(),
            in_stock: in_stock.text().is_none_or(|text| available(&text)),
            listed: true,
            id: id.clone(),
        };
        items.insert(id, item);
        Ok(())
    })?;
    tally.kept = items.len() as u64;
    // Variants and services repeat ids and have codes of no product: that is no fault of the file.
    let unreadable: u64 = tally
        .rules
        .iter()
        .filter(|rule| ["unreadable row", "no id"].contains(&rule.name.as_str()))
        .map(|rule| rule.rows)
        .sum();
    let limit = config.clean.max_unreadable;
    if tally.kept == 0 || unreadable as f64 > limit * tally.rows as f64 {
        return Err(Error::Data(format!(
            "{}: {} of {} catalogue rows can be used, {unreadable} cannot be read ([clean] max_unreadable = {limit}); \
             see which columns [catalogue.columns] maps",
            table.path.display(),
            tally.kept,
            tally.rows
        )));
    }
    if recoded > 0 {
        tally.rule(RECODED, Effect::Changed).rows = recoded;
    }
    Ok(Catalogue {
        items,
        currency,
        seller,
    })
}

/// The first category of a list; `None` for words that say there is none.
pub(super) fn category(text: &str, config: &Config) -> Option<String> {
    let rules = &config.catalogue;
    let first = match &rules.category_separator {
        Some(separator) if !separator.is_empty() => text.split(separator.as_str()).next().unwrap_or(text),
        _ => text,
    };
    let first = tidy(first);
    let none = first.is_empty() || rules.not_categories.iter().any(|not| *not == first || not == text);
    (!none).then_some(first)
}

/// The tags of a list, each once.
fn tags(text: &str, config: &Config) -> Vec<String> {
    let rules = &config.catalogue;
    let separator = rules.tag_separator.as_deref().filter(|separator| !separator.is_empty());
    let tags: BTreeSet<String> = text
        .split(separator.unwrap_or(","))
        .take(MAX_TAGS)
        .filter(|tag| !rules.not_categories.iter().any(|not| not == tag))
        .map(tidy)
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.into_iter().collect()
}

/// schema.org's availability, a yes or no, or how many there are.
fn available(text: &str) -> bool {
    let word = text.rsplit('/').next().unwrap_or(text).to_lowercase();
    if let Ok(count) = word.parse::<f64>() {
        return count > 0.0;
    }
    let no = [
        "no",
        "false",
        "n",
        "outofstock",
        "out of stock",
        "out_of_stock",
        "soldout",
        "sold_out",
        "discontinued",
    ];
    !no.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::available;

    #[test]
    fn availability_is_read_in_its_usual_forms() {
        assert!([
            "https://schema.org/InStock",
            "true",
            "1",
            "yes",
            "in_stock",
            "LimitedAvailability"
        ]
        .map(available)
        .iter()
        .all(|x| *x));
        assert!(["https://schema.org/OutOfStock", "false", "0", "No", "SoldOut"]
            .map(available)
            .iter()
            .all(|x| !*x));
    }
}
