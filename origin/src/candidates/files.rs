//! The lists as files. Invariant: every file is seen whole, old or new; no list of an earlier run stays, and no file is
//! removed that an earlier run did not write, which `lists.json` tells.

use super::card::drawn;
use super::{Entry, List, Lists};
use crate::error::{Error, Result};
use crate::output;
use crate::picture::picture;
use crate::progress::Progress;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Items of the catalogue.
    pub items: usize,
    /// Lists.
    pub lists: usize,
    /// Pictures, for items without one.
    pub pictures: usize,
}

/// A line of `lists.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    list: String,
    ttl: u32,
}

/// What `lists.json` says: the lists of a run, in the order in which they are made.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    lists: Vec<Line>,
}

pub(super) fn write(lists: &Lists<'_>, folder: &Path, progress: &Progress) -> Result<Written> {
    let mut written = Written {
        items: lists.cards.entries.iter().flatten().count(),
        ..Written::default()
    };
    let mut stage = progress.stage("writing candidates", 2 * written.items as u64);
    for entry in lists.cards.entries.iter().flatten() {
        written.pictures += usize::from(draw(entry, folder)?);
        stage.add(1);
    }
    let path = folder.join("lists.json");
    let made = || {
        let new = Some(lists.new_in()).filter(|new| !new.items.is_empty());
        let fixed = [lists.popular(), lists.trending()].into_iter().chain(new);
        fixed.chain(lists.categories()).chain(lists.similar())
    };
    let mut index = Index {
        lists: made().map(|List { list, ttl, .. }| Line { list, ttl }).collect(),
    };
    let fresh: HashSet<&str> = index.lists.iter().map(|line| line.list.as_str()).collect();
    let mut stale = read(&path)?.lists;
    stale.retain(|line| !fresh.contains(line.list.as_str()));
    written.lists = index.lists.len();
    // Until the old lists are gone, they are named: a run that is cut short leaves none that the next does not know.
    index.lists.extend_from_slice(&stale);
    output::write(&path, &json(&index)?)?;
    for list in made() {
        output::write(&place(folder, &list.list), &brief(&list)?)?;
        stage.add(1);
    }
    for line in &stale {
        remove(&place(folder, &line.list))?;
    }
    index.lists.truncate(written.lists);
    output::write(&path, &json(&index)?)?;
    output::write(&folder.join("catalogue.json"), &json(&lists.catalogue())?)?;
    Ok(written)
}

fn place(folder: &Path, list: &str) -> PathBuf {
    folder.join("candidates").join(format!("{list}.json"))
}

/// The index of the run before; empty where there was none.
fn read(path: &Path) -> Result<Index> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Index::default()),
        Err(e) => return Err(Error::reading(path, e)),
    };
    let index: Index = serde_json::from_slice(&bytes).map_err(|e| foreign(path, &e.to_string()))?;
    // Files of these names may be removed, so nothing outside of the lists' folder may be named.
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match index.lists.iter().find(|line| !line.list.chars().all(plain)) {
        Some(line) => Err(foreign(path, &format!("{:?} is no list's name", line.list))),
        None => Ok(index),
    }
}

fn foreign(path: &Path, what: &str) -> Error {
    Error::Data(format!(
        "{}: {what}; this is not the index of lists that `candidates` writes: give another folder, or move the file away",
        path.display()
    ))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::Io {
            action: "cannot remove",
            path: path.to_path_buf(),
            source: e,
        }),
        _ => Ok(()),
    }
}

/// A list's JSON. The texts about items are in the catalogue; lists are fetched often.
fn brief(list: &List<'_>) -> Result<Vec<u8>> {
    let mut value = serde_json::to_value(list).map_err(|e| Error::Internal(e.to_string()))?;
    for item in value
        .get_mut("items")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(item) = item.as_object_mut() {
            item.remove("description");
        }
    }
    json(&value)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::Internal(e.to_string()))
}

/// Draws the item's picture if it has no other and it is not there yet.
fn draw(entry: &Entry, folder: &Path) -> Result<bool> {
    if entry.image != drawn(&entry.slug) {
        return Ok(false);
    }
    let path = folder.join("images").join(format!("{}.svg", entry.slug));
    if path.exists() {
        return Ok(false);
    }
    let key = entry.brand.as_deref().unwrap_or(&entry.id);
    output::write(&path, picture(&entry.name, &entry.category, key).as_bytes())?;
    Ok(true)
}
