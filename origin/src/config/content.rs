//! What the catalogue's texts, and vectors from outside, become. Invariant: every number has a range that is checked when
//! the file is read. `features` and the content model follow it.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How texts of the catalogue become terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    /// How much the texts count in the content model; 0 turns them off.
    pub weight: f32,
    /// Longest sequence of words that is a term.
    pub ngrams: usize,
    /// ISO 639-1 code of the language whose stop words are left out; "none" leaves out none.
    pub language: String,
    /// Terms of fewer items are left out.
    pub min_items: usize,
    /// Terms of more than this share of the items are left out.
    pub max_share: f64,
    /// The most terms: those of most items.
    pub max_terms: usize,
}

impl Default for Text {
    fn default() -> Self {
        Text {
            weight: 1.0,
            ngrams: 2,
            language: "none".into(),
            min_items: 2,
            max_share: 0.5,
            max_terms: 50_000,
        }
    }
}

impl Text {
    pub(super) fn check(&self) -> Result<(), String> {
        share("[text] `weight`", f64::from(self.weight), 100.0)?;
        share("[text] `max_share`", self.max_share, 1.0)?;
        if !(1..=3).contains(&self.ngrams) {
            return Err(format!("[text] `ngrams` is 1, 2 or 3, not {}", self.ngrams));
        }
        if self.language != "none" && stop_words::lookup(&self.language).is_none() {
            return Err(format!(
                "[text] `language` is {:?}, but is \"none\" or one of {}",
                self.language,
                stop_words::available_languages().join(", ")
            ));
        }
        Ok(())
    }
}

/// Vectors of items from outside, such as those of a language model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vectors {
    /// The file: safetensors, npy or Parquet.
    pub file: Option<PathBuf>,
    /// The rows' item ids, one a line; for npy and for safetensors with one matrix.
    pub ids: Option<PathBuf>,
    /// Parquet: the column of the item's id.
    pub id_column: String,
    /// Parquet: the column of the list of numbers.
    pub vector_column: String,
    /// Longer vectors are reduced to this length.
    pub dims: usize,
    /// How much the vectors count in the content model; 0 turns them off.
    pub weight: f32,
}

impl Default for Vectors {
    fn default() -> Self {
        Vectors {
            file: None,
            ids: None,
            id_column: "id".into(),
            vector_column: "vector".into(),
            dims: 64,
            weight: 1.0,
        }
    }
}

impl Vectors {
    pub(super) fn check(&self) -> Result<(), String> {
        share("[vectors] `weight`", f64::from(self.weight), 100.0)?;
        dims("[vectors] `dims`", self.dims)
    }
}

/// The content model's shape.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Content {
    /// Numbers an item.
    pub dims: usize,
    /// How much the item's numbers (price and share of its price band) count; 0 turns them off.
    pub numbers: f32,
}

impl Default for Content {
    fn default() -> Self {
        Content {
            dims: 128,
            numbers: 0.0,
        }
    }
}

impl Content {
    pub(super) fn check(&self) -> Result<(), String> {
        share("[content] `numbers`", f64::from(self.numbers), 100.0)?;
        dims("[content] `dims`", self.dims)
    }
}

/// Refuses what is not within 0 and `most`, NaN too.
fn share(key: &str, value: f64, most: f64) -> Result<(), String> {
    if (0.0..=most).contains(&value) {
        Ok(())
    } else {
        Err(format!("{key} is from 0 to {most}, not {value}"))
    }
}

fn dims(key: &str, value: usize) -> Result<(), String> {
    if (1..=256).contains(&value) {
        Ok(())
    } else {
        Err(format!("{key} is from 1 to 256, not {value}"))
    }
}
