//! Vectors of items from outside, such as those of a language model over pictures or texts, keyed by the item's id.
//!
//! Invariant: whatever the file, a vector in hand is finite, as long as all others and of exactly one item; items without
//! one have a row of zeros. `files` reads the formats; the dataset carries the vectors to the content model.

mod files;

use super::svd::{svd, Matrix, Options, Panel};
use crate::config;
use crate::control::Control;
use crate::dataset::Item;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

/// Longest vector that is read.
pub const MAX_DIMS: usize = 4096;
/// Items of which the reduction is computed at most, evenly spread; all are reduced by it.
const MAX_FITTED: usize = 8192;

/// Vectors of a dataset's items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vectors {
    /// Numbers a vector.
    pub dims: usize,
    /// `items x dims`; zeros where an item has no vector.
    pub rows: Vec<f32>,
}

impl Vectors {
    /// The vector of an item.
    pub fn row(&self, item: usize) -> &[f32] {
        &self.rows[item * self.dims..(item + 1) * self.dims]
    }
}

/// What was found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Items that have a vector.
    pub items: usize,
    /// Vectors of no item.
    pub strange: usize,
    /// Length of the vectors in the file.
    pub dims: usize,
}

/// Reads the vectors of `items` (sorted by id) from a file, and reduces them to `options.dims` where they are longer: centred and
/// projected on the directions in which they differ most (PCA).
///
/// # Errors
/// [`Error::Io`] and [`Error::Data`] with file and row: no such format, a number that is not finite, vectors of different
/// length, an id twice, no vector of any item.
pub fn read(
    path: &Path,
    options: &config::Vectors,
    fold_id_case: bool,
    items: &[Item],
    control: &Control,
) -> Result<(Vectors, Found)> {
    let mut found: HashMap<usize, Vec<f32>> = HashMap::new();
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut dims = None;
    files::each(path, options, &mut |row, id, vector| {
        let refuse = |what: String| Err(Error::Data(format!("{}:{row}: {what}", path.display())));
        let length = *dims.get_or_insert(vector.len());
        if length != vector.len() {
            return refuse(format!("{} numbers where the first vector has {length}", vector.len()));
        }
        if length == 0 || length > MAX_DIMS {
            return refuse(format!("a vector of {length} numbers; give 1 to {MAX_DIMS}"));
        }
        if let Some(at) = vector.iter().position(|x| !x.is_finite()) {
            return refuse(format!("number {} is {}; give finite numbers only", at + 1, vector[at]));
        }
        let id = if fold_id_case { id.to_uppercase() } else { id.to_owned() };
        if let Some(first) = seen.insert(id.clone(), row) {
            return refuse(format!("an id that row {first} has too; give one vector an item"));
        }
        if let Ok(item) = items.binary_search_by(|item| item.id.as_str().cmp(&id)) {
            found.insert(item, vector.to_vec());
        }
        Ok(())
    })?;
    let summary = Found {
        items: found.len(),
        strange: seen.len() - found.len(),
        dims: dims.unwrap_or(0),
    };
    if found.is_empty() {
        return Err(Error::Data(format!(
            "{}: none of its {} vectors is of an item of the data; see that its ids are the item ids",
            path.display(),
            seen.len()
        )));
    }
    let mut known: Vec<(usize, Vec<f32>)> = found.into_iter().collect();
    known.sort_unstable_by_key(|(item, _)| *item);
    if summary.dims > options.dims {
        reduce(&mut known, options.dims, control)?;
    }
    let dims = known.first().map_or(0, |(_, vector)| vector.len());
    let mut rows = vec![0.0; items.len() * dims];
    for (item, vector) in known {
        rows[item * dims..(item + 1) * dims].copy_from_slice(&vector);
    }
    Ok((Vectors { dims, rows }, summary))
}

/// Centres vectors and projects them on their principal directions.
fn reduce(known: &mut [(usize, Vec<f32>)], dims: usize, control: &Control) -> Result<()> {
    let length = known.first().map_or(0, |(_, vector)| vector.len());
    let mut mean = vec![0.0f64; length];
    for (_, vector) in known.iter() {
        mean.iter_mut().zip(vector).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    mean.iter_mut().for_each(|sum| *sum /= known.len() as f64);
    let centred = |known: &[(usize, Vec<f32>)], step: usize| {
        let fitted = known.iter().step_by(step);
        let values = fitted.flat_map(|(_, vector)| vector.iter().zip(&mean).map(|(x, mean)| f64::from(*x) - mean));
        let values: Vec<f64> = values.collect();
        Panel {
            rows: values.len() / length,
            cols: length,
            values,
        }
    };
    let options = Options {
        dims,
        ..Options::default()
    };
    let axes = svd(&centred(known, known.len().div_ceil(MAX_FITTED)), &options, control)?.right;
    for part in known.chunks_mut(MAX_FITTED) {
        let reduced = centred(part, 1).times(&axes);
        for (row, (_, vector)) in part.iter_mut().enumerate() {
            *vector = reduced.row(row).iter().map(|x| *x as f32).collect();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
