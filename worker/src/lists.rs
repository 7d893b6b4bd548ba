//! The candidates' lists: each read and resolved to rows once, then kept as long as its manifest is in use.
//!
//! Invariant: a list is the one that the manifest in use names, resolved against the snapshot that it names. One that it does not name, for
//! a manifest holds some hundreds, is the one that was deployed under its name. At most [`MAX_LISTS`] are kept, the longest unused goes
//! first.

use crate::assets::Assets;
use crate::error::Error;
use crate::{blobs, model};
use pocketrank::template::{Reader, Templates, Value};
use pocketrank::{edge, item_hash, Candidates, ItemHash, Manifest, Snapshot, SnapshotId, NO_ROW, OUT_OF_STOCK};
use serde::de::DeserializeSeed;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use worker::Env;

/// The most lists kept.
const MAX_LISTS: usize = 256;
/// The largest file taken for a list, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Milliseconds for which a list that failed to load is not tried again.
const RETRY: f64 = 10_000.0;
/// How often a list is looked for in the manifest that replaced the one before, while it was read.
const SWAPS: usize = 3;

/// A list, ready to be ranked and shown.
pub struct List {
    candidates: Candidates,
    /// The same as rows of another snapshot, the last that ranked it.
    other: Option<(SnapshotId, Candidates)>,
    ids: Vec<String>,
    hashes: Vec<ItemHash>,
    /// Of each item the fields that templates use.
    values: Vec<Value<'static>>,
}

#[derive(Deserialize)]
struct Document {
    items: Vec<serde_json::Value>,
}

/// What of an item is not for templates alone.
#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default = "in_stock")]
    in_stock: bool,
}

fn in_stock() -> bool {
    true
}

impl List {
    fn read(name: &str, bytes: &[u8], snapshot: &Snapshot<Vec<u8>>, templates: &Templates) -> Result<Self, Error> {
        let wrong = |detail| Error::Document {
            url: name.into(),
            detail,
        };
        if bytes.len() > MAX_BYTES {
            return Err(wrong(format!("{} bytes, a list has at most {MAX_BYTES}", bytes.len())));
        }
        let unreadable = |error: serde_json::Error| wrong(error.to_string());
        let document: Document = serde_json::from_slice(bytes).map_err(unreadable)?;
        let items: Result<Vec<Item>, _> = document.items.iter().map(Item::deserialize).collect();
        let items = items.map_err(unreadable)?;
        let values = document
            .items
            .into_iter()
            .map(|item| Reader(templates).deserialize(item));
        let mut list = List {
            candidates: Candidates::resolve(snapshot, items.iter().map(|item| &item.id)),
            other: None,
            hashes: items.iter().map(|item| item_hash(&item.id)).collect(),
            ids: vec![],
            values: values.collect::<Result<_, _>>().map_err(unreadable)?,
        };
        for (item, flags) in items.iter().zip(list.candidates.flags_mut()) {
            if !item.in_stock {
                *flags |= OUT_OF_STOCK;
            }
        }
        list.ids = items.into_iter().map(|item| item.id).collect();
        Ok(list)
    }

    /// The items as candidates.
    pub fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// Looks its items up in another snapshot, for [`List::others`].
    pub fn resolve(&mut self, snapshot: &Snapshot<Vec<u8>>) {
        if matches!(&self.other, Some((id, _)) if *id == snapshot.id()) {
            return;
        }
        let rows = self.hashes.iter().map(|hash| snapshot.row(*hash).unwrap_or(NO_ROW));
        let mut other = Candidates::from_rows(rows.collect());
        other.flags_mut().copy_from_slice(self.candidates.flags());
        self.other = Some((snapshot.id(), other));
    }

    /// The items as candidates of the snapshot that they were looked up in last.
    pub fn others(&self) -> &Candidates {
        self.other.as_ref().map_or(&self.candidates, |(_, other)| other)
    }

    /// Candidates of this list, those that a slot leaves out by their ids, with blanks between, as if they were out of stock: so no rule brings them back.
    pub fn without<'a>(&self, candidates: &'a Candidates, ids: &str) -> Cow<'a, Candidates> {
        let mut out: Vec<ItemHash> = ids.split_whitespace().map(item_hash).collect();
        if out.is_empty() {
            return Cow::Borrowed(candidates);
        }
        out.sort_unstable();
        let mut candidates = candidates.clone();
        for (flags, hash) in candidates.flags_mut().iter_mut().zip(&self.hashes) {
            if out.binary_search(hash).is_ok() {
                *flags |= OUT_OF_STOCK;
            }
        }
        Cow::Owned(candidates)
    }

    /// The items by the shop's own ids.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The items by their hashes.
    pub fn hashes(&self) -> &[ItemHash] {
        &self.hashes
    }

    /// The fields of an item; nothing of one that is not there.
    pub fn value(&self, index: u32) -> &Value<'static> {
        self.values.get(index as usize).unwrap_or(&Value::Nothing)
    }

    /// The fields of an item by its hash, if it is of the list.
    pub fn find(&self, item: ItemHash) -> Option<&Value<'static>> {
        let at = self.hashes.iter().position(|hash| *hash == item)?;
        self.values.get(at)
    }
}

#[derive(Default)]
struct Entry {
    list: Option<List>,
    /// SHA-256 of its file, if the manifest names it.
    sha256: Option<[u8; 32]>,
    /// Whether nobody has it.
    is_absent: bool,
    /// Until when it is not tried again where it is not there, in milliseconds since 1970-01-01 UTC.
    until: f64,
    /// When it was last used, in uses of all lists.
    used: u64,
}

/// The lists that are kept, by the names of their files.
#[derive(Default)]
pub struct Lists {
    entries: HashMap<String, Entry>,
    uses: u64,
}

impl Lists {
    /// A list that is there.
    pub fn get(&mut self, name: &str) -> Option<&mut List> {
        self.uses += 1;
        let entry = self.entries.get_mut(name)?;
        entry.used = self.uses;
        entry.list.as_mut()
    }

    /// The same, but this counts as no use of it.
    pub fn peek(&self, name: &str) -> Option<&List> {
        self.entries.get(name)?.list.as_ref()
    }

    /// Whether nobody has it, by the last try.
    pub fn is_absent(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.is_absent)
    }

    /// Keeps the lists whose files are the same by another manifest; the snapshot is the same.
    pub fn keep_only(&mut self, manifest: &Manifest) {
        self.entries
            .retain(|name, entry| manifest.file(name).map(|blob| blob.sha256) == entry.sha256);
    }

    /// Whether the list is to be read.
    fn is_due(&self, name: &str, now: f64) -> bool {
        self.entries
            .get(name)
            .is_none_or(|entry| entry.list.is_none() && now >= entry.until)
    }

    fn entry(&mut self, name: &str) -> &mut Entry {
        if self.entries.len() >= MAX_LISTS && !self.entries.contains_key(name) {
            let unused = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(name) = unused.map(|(name, _)| name.clone()) {
                self.entries.remove(&name);
            }
        }
        let entry = self.entries.entry(name.into()).or_default();
        entry.used = self.uses;
        entry
    }
}

/// Whether the list whose file has that name is there.
pub fn is_there(name: &str) -> bool {
    model::with(|model| model.lists.peek(name).is_some()) == Some(true)
}

/// Sees that the list whose file has that name is there.
///
/// # Errors
/// Why it cannot be had; it is not tried again for a while.
pub async fn load(env: &Env, name: &str) -> Result<(), Error> {
    for _ in 0..SWAPS {
        let now = js_sys::Date::now();
        let due = |model: &mut model::Model| {
            let due = model.lists.is_due(name, now);
            due.then(|| model.manifest.file(name).cloned())
        };
        let Some(blob) = model::with(due).flatten() else {
            return Ok(());
        };
        let bytes = match &blob {
            None => Assets::of(env)?.read(&format!("{}{name}", edge::ASSETS)).await,
            Some(blob) => blobs::read(env, blob, name).await,
        };
        // Another manifest may be in use by now, which names another file.
        let keep = |model: &mut model::Model| {
            if model.manifest.file(name) != blob.as_ref() {
                return None;
            }
            let read = bytes.and_then(|bytes| List::read(name, &bytes, model.snapshot(), &model.templates));
            let entry = model.lists.entry(name);
            entry.sha256 = blob.map(|blob| blob.sha256);
            Some(match read {
                Ok(list) => {
                    entry.list = Some(list);
                    Ok(())
                }
                Err(error) => {
                    entry.is_absent = matches!(error, Error::Status { status: 404, .. });
                    entry.until = now + RETRY;
                    Err(error)
                }
            })
        };
        if let Some(Some(kept)) = model::with(keep) {
            return kept;
        }
    }
    Ok(())
}
