//! What a list shows of an item. Invariant: only items of the snapshot or of the shop's catalogue have an entry, as one
//! customer's engraving is no offer; slugs are unique, and every field that a page prints is text, empty where nothing
//! is known.

use super::order::Order;
use crate::dataset::{Dataset, Item};
use crate::slug::Slugs;
use serde::Serialize;
use std::collections::BTreeMap;

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The shop's id.
    pub id: String,
    /// Names its page and its picture.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its page: the shop's own address, or `/product/<slug>`.
    pub url: String,
    /// Its picture: the shop's own address, or `/images/<slug>.svg`.
    pub image: String,
    /// The price with two decimals.
    pub price: String,
    /// ISO 4217 code.
    pub currency: String,
    /// The price as it is shown.
    pub price_text: String,
    /// Its category.
    pub category: String,
    /// Its category in addresses.
    pub category_slug: String,
    /// Its brand.
    pub brand: Option<String>,
    /// Whether it can be bought.
    pub in_stock: bool,
    /// A text about it; in the catalogue only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// How many items it has.
    pub items: usize,
}

/// Entries by the dataset's items.
#[derive(Debug)]
pub(super) struct Cards {
    /// `None` for items that do not ship.
    pub entries: Vec<Option<Entry>>,
    /// Those with the most items first.
    pub categories: Vec<Category>,
    popular: BTreeMap<String, Vec<usize>>,
}

/// Popular items of a category that are kept at hand to fill up short lists.
const POPULAR: usize = 64;

impl Cards {
    pub fn new(dataset: &Dataset, order: &Order) -> Self {
        let ships: Vec<Option<&Item>> = (0..)
            .zip(&dataset.items)
            .map(|(index, item)| (item.listed || order.is_known(index)).then_some(item))
            .collect();
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for category in ships.iter().flatten().filter_map(|item| item.category.as_deref()) {
            *sizes.entry(category).or_default() += 1;
        }
        let mut by_size: Vec<_> = sizes.into_iter().collect();
        by_size.sort_by_key(|(_, items)| std::cmp::Reverse(*items));
        let mut slugs = Slugs::default();
        let categories: Vec<Category> = by_size
            .into_iter()
            .map(|(name, items)| Category {
                name: name.to_owned(),
                slug: slugs.unique(name),
                items,
            })
            .collect();
        let slug_of: BTreeMap<&str, &str> = categories.iter().map(|c| (c.name.as_str(), c.slug.as_str())).collect();
        let mut slugs = Slugs::default();
        let entries: Vec<Option<Entry>> = ships
            .into_iter()
            .map(|item| item.map(|item| entry(item, &dataset.currency, &slug_of, &mut slugs)))
            .collect();
        let mut popular: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for item in order.by_popularity.iter().filter(|item| order.is_known(**item)) {
            if let Some(entry) = entries
                .get(*item)
                .and_then(Option::as_ref)
                .filter(|entry| entry.in_stock)
            {
                let of = popular.entry(entry.category_slug.clone()).or_default();
                if of.len() < POPULAR {
                    of.push(*item);
                }
            }
        }
        Self {
            entries,
            categories,
            popular,
        }
    }

    /// The most popular items of a category.
    pub fn popular_in(&self, category_slug: &str) -> &[usize] {
        self.popular.get(category_slug).map_or(&[], Vec::as_slice)
    }
}

fn entry(item: &Item, currency: &str, categories: &BTreeMap<&str, &str>, slugs: &mut Slugs) -> Entry {
    let slug = slugs.item(&item.name, &item.id);
    let category = item.category.clone().unwrap_or_default();
    Entry {
        id: item.id.clone(),
        name: item.name.clone(),
        url: item.url.clone().unwrap_or_else(|| format!("/product/{slug}")),
        image: item.image.clone().unwrap_or_else(|| drawn(&slug)),
        price: item.price.map(|price| format!("{price:.2}")).unwrap_or_default(),
        currency: currency.to_owned(),
        price_text: item.price.map(|price| price_text(price, currency)).unwrap_or_default(),
        category_slug: categories
            .get(category.as_str())
            .copied()
            .unwrap_or_default()
            .to_owned(),
        category,
        brand: item.brand.clone(),
        in_stock: item.in_stock,
        description: item.description.clone(),
        slug,
    }
}

/// The address of a picture that is drawn here.
pub(super) fn drawn(slug: &str) -> String {
    format!("/images/{slug}.svg")
}

/// A price as English pages show it.
fn price_text(price: f64, currency: &str) -> String {
    match currency {
        "GBP" => format!("£{price:.2}"),
        "EUR" => format!("€{price:.2}"),
        "USD" | "CAD" | "AUD" | "NZD" => format!("${price:.2}"),
        "JPY" => format!("¥{price:.0}"),
        "" => format!("{price:.2}"),
        other => format!("{price:.2} {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::price_text;

    #[test]
    fn prices_are_shown_as_their_currency_is() {
        for (currency, text) in [("GBP", "£2.10"), ("JPY", "¥2"), ("SEK", "2.10 SEK"), ("", "2.10")] {
            assert_eq!(price_text(2.1, currency), text);
        }
    }
}
