//! Candidates lists, as `candidates` writes them and other verbs read them.

use super::verify;
use pocketrank_origin::error::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// A slot's list.
#[derive(Debug, Deserialize)]
pub struct List {
    /// In the order of the list.
    pub items: Vec<Item>,
}

/// What verbs need of an item.
#[derive(Debug, Deserialize)]
pub struct Item {
    /// The shop's own id.
    pub id: String,
    /// For people; may be empty.
    #[serde(default)]
    pub name: String,
    /// Whether it can be bought now.
    #[serde(default = "yes")]
    pub in_stock: bool,
}

fn yes() -> bool {
    true
}

impl List {
    /// Reads a list.
    ///
    /// # Errors
    /// [`Error::Data`] where the file is no list.
    pub fn read(path: &Path) -> Result<Self> {
        serde_json::from_slice(&verify::read(path)?)
            .map_err(|error| Error::Data(format!("{}: {error}; name a candidates list", path.display())))
    }
}
