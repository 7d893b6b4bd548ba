//! The candidates' lists: each read, resolved to rows and rendered once, then kept for its time to live.
//!
//! Invariant: at most [`MAX_LISTS`] are kept, the longest unused goes first. A list that cannot be renewed is used on.

use crate::assets::Assets;
use crate::error::Error;
use crate::model::{self, RETRY};
use pocketrank::template::{write_card, Card};
use pocketrank::{item_hash, Candidates, ItemHash, Snapshot, OUT_OF_STOCK};
use serde::Deserialize;
use std::collections::HashMap;

/// The most lists kept.
const MAX_LISTS: usize = 256;
/// The largest file taken for a list, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// The longest time to live taken, in seconds.
const MAX_TTL: u32 = 86_400;

/// A list, ready to be ranked and shown.
pub struct List {
    candidates: Candidates,
    hashes: Vec<ItemHash>,
    /// The cards of all items, one after another.
    html: String,
    /// Where each card ends.
    ends: Vec<usize>,
}

#[derive(Deserialize)]
struct Document {
    ttl: u32,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(flatten)]
    card: Card,
    #[serde(default = "in_stock")]
    in_stock: bool,
}

fn in_stock() -> bool {
    true
}

impl List {
    /// The list, and its time to live in milliseconds.
    fn read(url: &str, bytes: &[u8], snapshot: &Snapshot<Vec<u8>>) -> Result<(Self, f64), Error> {
        let wrong = |detail| Error::Document {
            url: url.into(),
            detail,
        };
        if bytes.len() > MAX_BYTES {
            return Err(wrong(format!("{} bytes, a list has at most {MAX_BYTES}", bytes.len())));
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let items = &document.items;
        let mut list = List {
            candidates: Candidates::resolve(snapshot, items.iter().map(|item| &item.card.id)),
            hashes: items.iter().map(|item| item_hash(&item.card.id)).collect(),
            html: String::new(),
            ends: Vec::with_capacity(items.len()),
        };
        for (item, flags) in items.iter().zip(list.candidates.flags_mut()) {
            if !item.in_stock {
                *flags |= OUT_OF_STOCK;
            }
            write_card(&mut list.html, &item.card);
            list.ends.push(list.html.len());
        }
        list.html.shrink_to_fit();
        Ok((list, f64::from(document.ttl.clamp(1, MAX_TTL)) * 1000.0))
    }

    /// The items as candidates.
    pub fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// The items by their hashes.
    pub fn hashes(&self) -> &[ItemHash] {
        &self.hashes
    }

    /// The card of an item.
    pub fn card(&self, index: u32) -> &str {
        let at = index as usize;
        let end = |at: usize| self.ends.get(at).copied();
        let start = at.checked_sub(1).map_or(Some(0), end);
        start
            .zip(end(at))
            .and_then(|(start, end)| self.html.get(start..end))
            .unwrap_or_default()
    }
}

#[derive(Default)]
struct Entry {
    list: Option<List>,
    /// Until when it is neither read again nor tried, in milliseconds since 1970-01-01 UTC.
    until: f64,
    /// When it was last used, in uses of all lists.
    used: u64,
}

/// The lists that are kept, by their path.
#[derive(Default)]
pub struct Lists {
    entries: HashMap<String, Entry>,
    uses: u64,
}

impl Lists {
    /// A list that is there, however old.
    pub fn get(&mut self, path: &str) -> Option<&List> {
        self.uses += 1;
        let entry = self.entries.get_mut(path)?;
        entry.used = self.uses;
        entry.list.as_ref()
    }

    fn is_due(&self, path: &str, now: f64) -> bool {
        self.entries.get(path).is_none_or(|entry| now >= entry.until)
    }

    fn entry(&mut self, path: &str) -> &mut Entry {
        if self.entries.len() >= MAX_LISTS && !self.entries.contains_key(path) {
            let unused = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(path) = unused.map(|(path, _)| path.clone()) {
                self.entries.remove(&path);
            }
        }
        let entry = self.entries.entry(path.into()).or_default();
        entry.used = self.uses;
        entry
    }
}

/// Sees that the list at a path is there and fresh.
///
/// # Errors
/// Why it cannot be had; it is not tried again for a while, and an older one stays.
pub async fn load(assets: &Assets, path: &str) -> Result<(), Error> {
    let now = js_sys::Date::now();
    if model::with(|model| model.lists.is_due(path, now)) != Some(true) {
        return Ok(());
    }
    let bytes = assets.read(path).await;
    let keep = |model: &mut model::Model| {
        let read = bytes.and_then(|bytes| List::read(path, &bytes, model.snapshot()));
        let entry = model.lists.entry(path);
        let (list, time) = match read {
            Ok(read) => read,
            Err(error) => {
                entry.until = now + RETRY;
                return Err(error);
            }
        };
        entry.list = Some(list);
        entry.until = now + time;
        model.slices.forget(path);
        Ok(())
    };
    model::with(keep).unwrap_or(Ok(()))
}
