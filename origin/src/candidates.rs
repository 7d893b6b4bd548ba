//! Candidates lists: what each slot reranks, the same for every visitor and so cached. Invariant: equal data and snapshot
//! give equal lists; a list tells no more of customers than the snapshot does (popularity, trend and neighbours of rows
//! that have `min_customers` behind them), and an item that is neither in the snapshot nor in the shop's catalogue is
//! named nowhere. After training; the edge and browsers fetch what is written here.

mod card;
mod files;
mod order;

pub use card::{Category, Entry};
pub use files::Written;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ingest::time;
use crate::progress::Progress;
use card::Cards;
use order::Order;
use pocketrank::Snapshot;
use serde::Serialize;
use std::path::Path;

/// Items of a list that a slot picks from.
pub const LENGTH: usize = 300;
/// How names of lists begin of which each item has one.
pub const PER_ITEM: &str = "similar-";
/// Items of `similar-...`: slots beside a product show few.
const SIMILAR: usize = 24;
/// Items of `trending` and `new`.
const TRENDING: usize = 100;

/// One list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct List<'a> {
    /// Its name, and that of its file.
    pub list: String,
    /// For people.
    pub title: String,
    /// Seconds for which it may be cached.
    pub ttl: u32,
    /// Time of the newest event behind it, RFC 3339.
    pub generated: String,
    /// The best first.
    pub items: Vec<&'a Entry>,
}

/// All that can be bought.
#[derive(Debug, Serialize)]
pub struct Catalogue<'a> {
    /// The shop's name.
    pub title: &'a str,
    /// ISO 4217 code of the prices.
    pub currency: &'a str,
    /// Those with the most items first.
    pub categories: &'a [Category],
    /// The most popular first, then by id those that the snapshot does not know.
    pub items: Vec<&'a Entry>,
}

/// Lists for every slot.
#[derive(Debug)]
pub struct Lists<'a> {
    dataset: &'a Dataset,
    cards: Cards,
    order: Order,
    length: usize,
    generated: String,
}

impl<'a> Lists<'a> {
    /// Works out the orders. `length` limits lists that a slot picks from.
    ///
    /// # Errors
    /// [`Error::Data`] where the snapshot knows none of the items.
    pub fn new<B: AsRef<[u8]>>(dataset: &'a Dataset, snapshot: &Snapshot<B>, length: usize) -> Result<Self> {
        let order = Order::new(dataset, snapshot);
        if !order.knows_any() {
            return Err(Error::Data(format!(
                "the snapshot {} knows none of the {} items: give the data that it was trained on, with the same --config",
                snapshot.id(),
                dataset.items.len()
            )));
        }
        let newest = dataset.events.last().map_or(0, |event| event.at);
        Ok(Self {
            cards: Cards::new(dataset, &order),
            order,
            length,
            dataset,
            generated: time::rfc3339(newest),
        })
    }

    /// `popular`.
    pub fn popular(&self) -> List<'_> {
        let items = self
            .order
            .by_popularity
            .iter()
            .filter(|item| self.order.is_known(**item));
        self.list("popular", "Popular now", 900, items.copied(), self.length)
    }

    /// `trending`: what more customers chose lately than before; at the end what is popular.
    pub fn trending(&self) -> List<'_> {
        let popular = self
            .order
            .by_popularity
            .iter()
            .filter(|item| self.order.is_known(**item));
        let items = self.order.by_trend.iter().chain(popular);
        self.list("trending", "Trending now", 900, items.copied(), TRENDING)
    }

    /// `new`: what too few customers found yet to say anything of it, and then what was found last; empty where nothing is new.
    pub fn new_in(&self) -> List<'_> {
        let items = self.order.by_newness.iter().copied();
        self.list("new", "New in", 3_600, items, TRENDING)
    }

    /// `category-...` for each category.
    pub fn categories(&self) -> impl Iterator<Item = List<'_>> {
        self.cards.categories.iter().map(|category| {
            let items = self.order.by_popularity.iter().copied();
            let items = items.filter(|item| self.entry(*item).is_some_and(|e| e.category_slug == category.slug));
            self.list(
                &format!("category-{}", category.slug),
                &category.name,
                3_600,
                items,
                self.length,
            )
        })
    }

    /// `similar-...` for each item: its neighbours, and then what is popular in its category.
    pub fn similar(&self) -> impl Iterator<Item = List<'_>> {
        (0..self.dataset.items.len()).filter_map(|item| {
            let entry = self.entry(item)?;
            let same = self.cards.popular_in(&entry.category_slug);
            let items = self
                .order
                .neighbours(item)
                .chain(same.iter().copied())
                .filter(move |other| *other != item);
            let title = format!("Similar to {}", entry.name);
            Some(self.list(&format!("{PER_ITEM}{}", entry.slug), &title, 21_600, items, SIMILAR))
        })
    }

    /// What `catalogue.json` says.
    pub fn catalogue(&self) -> Catalogue<'_> {
        Catalogue {
            title: self.dataset.title.as_deref().unwrap_or("Shop"),
            currency: &self.dataset.currency,
            categories: &self.cards.categories,
            items: self
                .order
                .by_popularity
                .iter()
                .filter_map(|item| self.entry(*item))
                .collect(),
        }
    }

    /// Writes `images/` for items without a picture, the lists to `candidates/`, `lists.json` that names them, and
    /// `catalogue.json` last. Lists of an earlier run that are no more are removed, other files are left alone.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be written.
    pub fn write(&self, folder: &Path, progress: &Progress) -> Result<Written> {
        files::write(self, folder, progress)
    }

    fn entry(&self, item: usize) -> Option<&Entry> {
        self.cards.entries.get(item)?.as_ref()
    }

    /// The first `most` of these that can be bought, none twice.
    fn list(&self, name: &str, title: &str, ttl: u32, items: impl Iterator<Item = usize>, most: usize) -> List<'_> {
        let mut taken = std::collections::HashSet::new();
        let items = items
            .filter(|item| taken.insert(*item))
            .filter_map(|item| self.entry(item));
        List {
            list: name.to_owned(),
            title: title.to_owned(),
            ttl,
            generated: self.generated.clone(),
            items: items.filter(|entry| entry.in_stock).take(most).collect(),
        }
    }
}
