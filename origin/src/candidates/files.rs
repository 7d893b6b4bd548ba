//! The lists as files. Invariant: `candidates/` is replaced as a whole, so that no list of an earlier run stays.

use super::card::drawn;
use super::{Entry, List, Lists};
use crate::error::{Error, Result};
use crate::output;
use crate::picture::picture;
use crate::progress::Progress;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

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

pub(super) fn write(lists: &Lists<'_>, folder: &Path, progress: &Progress) -> Result<Written> {
    std::fs::create_dir_all(folder).map_err(|e| Error::writing(folder, e))?;
    let mut written = Written {
        items: lists.dataset.items.len(),
        ..Written::default()
    };
    let mut stage = progress.stage("writing candidates", 2 * written.items as u64);
    for entry in &lists.cards.entries {
        written.pictures += usize::from(draw(entry, folder)?);
        stage.add(1);
    }
    let place = folder.join("candidates");
    let fresh = tempfile::Builder::new()
        .prefix(".candidates-")
        .tempdir_in(folder)
        .map_err(|e| Error::writing(&place, e))?;
    let fixed = [lists.popular(), lists.trending()];
    for list in fixed.into_iter().chain(lists.categories()).chain(lists.similar()) {
        let path = fresh.path().join("new").join(format!("{}.json", list.list));
        output::write(&path, &brief(&list)?)?;
        written.lists += 1;
        stage.add(1);
    }
    let failed = |e| Error::writing(&place, e);
    if place.exists() {
        std::fs::rename(&place, fresh.path().join("old")).map_err(failed)?;
    }
    std::fs::rename(fresh.path().join("new"), &place).map_err(failed)?;
    output::write(&folder.join("catalogue.json"), &json(&lists.catalogue())?)?;
    Ok(written)
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
