//! A model: what a recipe makes of material, ready to be packed with any blend. Invariant: equal material and recipe give an
//! equal model, and no more than the pruned table is packed.

mod beside;

pub use beside::Beside;

use super::material::Material;
use super::recipe::Recipe;
use super::stack::Stacked;
use super::{attributes, free, order, prior};
use crate::error::{Error, Result};
use pocketrank::pack::{Content, SnapshotBuilder};
use pocketrank::{Blend, Meta, PriorRow, Section, Snapshot};
use std::fmt;
use std::path::Path;

/// A fitted model.
#[derive(Debug, Clone)]
pub struct Model {
    builder: SnapshotBuilder,
    /// The dataset's item of each row.
    pub items: Vec<u32>,
    counts: Vec<u32>,
    even: bool,
}

impl Model {
    /// Puts together what a recipe made of material.
    pub fn new(material: &Material<'_>, stacked: &Stacked, recipe: &Recipe) -> Self {
        let items = material.shipped();
        let (attributes, labels) = attributes::fit(material.dataset, &items);
        let newest = material.events.last().map_or(0, |event| prior::end_of_day(event.at));
        let builder = SnapshotBuilder {
            meta: Meta {
                model: recipe.to_string(),
                trained_until: newest.clamp(0, i64::from(u32::MAX)) as u32,
                min_customers: material.min_customers.min(u32::from(u16::MAX)) as u16,
                currency: material.dataset.currency.clone(),
                ..Meta::default()
            },
            ids: items
                .iter()
                .map(|item| material.dataset.items[*item as usize].id.clone())
                .collect(),
            prior: prior::fit(material, material.events, recipe.popularity_half_life),
            attributes,
            labels,
            neighbours: stacked.neighbours.clone(),
            factors: stacked.factors.clone(),
            content: stacked.content.clone(),
            code_bits: recipe.code_bits,
            ..SnapshotBuilder::default()
        };
        let mut counts = material.counts.clone();
        counts.resize(items.len(), 0);
        let mut model = Model {
            builder,
            items,
            counts,
            even: recipe.even,
        };
        model.prune(recipe.entries * model.items.len());
        model
    }

    /// Keeps that many neighbours in all: as many of each item, as far as it has them, or those that weigh and are needed most.
    fn prune(&mut self, total: usize) {
        let weights = &mut self.builder.neighbours;
        if !self.even {
            return super::prune_globally(weights, &self.counts, total);
        }
        let kept = |most: usize| weights.iter().map(|row| row.len().min(most)).sum::<usize>();
        let fits = (0..=pocketrank::MAX_NEIGHBOURS)
            .collect::<Vec<_>>()
            .partition_point(|most| kept(*most) <= total);
        let most = fits.saturating_sub(1);
        weights.iter_mut().for_each(|row| row.truncate(most));
    }

    /// The packed bytes of this model with a blend.
    ///
    /// # Errors
    /// [`Error::Data`] where a snapshot cannot tell two items apart, [`Error::Snapshot`] with the runtime's reason.
    pub fn pack(&self, blend: &Blend) -> Result<Vec<u8>> {
        let mut builder = SnapshotBuilder {
            blend: blend.clone(),
            ..self.builder.clone()
        };
        if builder.factors.is_none() {
            builder.blend.rows.iter_mut().for_each(|row| row.factors = 0.0);
        }
        builder.build().map_err(|source| match source {
            pocketrank::Error::DuplicateItem { first, second } => self.alike(first, second),
            source => Error::Snapshot {
                path: Path::new("packing the model").into(),
                source,
            },
        })
    }

    /// Two rows that a snapshot, which has hashes instead of ids, cannot tell apart.
    fn alike(&self, first: usize, second: usize) -> Error {
        let id = |row: usize| self.builder.ids.get(row).map_or("", String::as_str);
        Error::Data(format!(
            "items {:?} and {:?} cannot be told apart in a snapshot, since the hashes of their ids are equal; rename one in events \
             and catalogue, or leave it out with [clean] not_products",
            id(first),
            id(second)
        ))
    }

    /// Numbers the rows so that the packed table is small. Changes no score.
    #[must_use]
    pub fn reordered(&self) -> Self {
        match self.builder.neighbours.is_empty() {
            true => self.clone(),
            false => self.in_order(&order::order(&self.builder.neighbours)),
        }
    }

    /// Puts another prior in its place, with the rows as they were fitted.
    pub fn set_prior(&mut self, prior: Vec<PriorRow>) {
        self.builder.prior = prior;
    }

    /// The same with as many neighbours as fit, and what is packed then.
    ///
    /// # Errors
    /// As [`Model::pack`]; [`Error::Usage`] where not even a table without neighbours fits.
    pub fn within(&self, limit: Limit, blend: &Blend) -> Result<(Self, Vec<u8>)> {
        let bytes = self.pack(blend)?;
        if limit.holds(&Size::of(&bytes)?) {
            return Ok((self.clone(), bytes));
        }
        let total: usize = self.builder.neighbours.iter().map(Vec::len).sum();
        let (mut fits, mut too_many) = (0, total);
        let mut found = None;
        // To a thousandth of the table: the last few edges are not worth packing a hundred times.
        while too_many - fits > (total / 1000).max(1) {
            let middle = (fits + too_many) / 2;
            let mut pruned = self.clone();
            pruned.prune(middle);
            let bytes = pruned.pack(blend)?;
            if limit.holds(&Size::of(&bytes)?) {
                fits = middle;
                found = Some((pruned, bytes));
            } else {
                too_many = middle;
            }
        }
        found.ok_or_else(|| {
            Error::Usage(format!(
                "no model of these data fits into {limit}; allow more with {}",
                limit.option()
            ))
        })
    }

    /// The same with weights of that many bits.
    #[must_use]
    pub fn with_code_bits(&self, code_bits: u8) -> Self {
        let mut model = self.clone();
        model.builder.code_bits = code_bits;
        model
    }

    /// How many neighbours an item on average fit into so many bytes an item, with weights of that many bits: by the size of a
    /// packed row, so near enough to choose by.
    ///
    /// # Errors
    /// As [`Model::pack`].
    pub fn entries_within(&self, code_bits: u8, max_bytes_per_item: f64, blend: &Blend) -> Result<usize> {
        let mut model = self.with_code_bits(code_bits);
        let now = bytes_per_item(&model.pack(blend)?)?;
        let entries = model.entries();
        model.builder.neighbours.iter_mut().for_each(Vec::clear);
        let without = bytes_per_item(&model.pack(blend)?)?;
        // More neighbours lie farther apart or nearer together by less than their number changes.
        let each = (now - without) / entries.max(1e-9);
        let fit = (max_bytes_per_item - without) / each;
        Ok(if fit.is_finite() {
            fit.clamp(1.0, 1024.0) as usize
        } else {
            self.entries() as usize
        })
    }

    /// Neighbours an item, on average.
    pub fn entries(&self) -> f64 {
        let total: usize = self.builder.neighbours.iter().map(Vec::len).sum();
        total as f64 / self.items.len().max(1) as f64
    }

    /// Length of a vector of taste; 0 where there is none.
    pub fn factors(&self) -> usize {
        self.builder.factors.as_ref().map_or(0, |factors| factors.dims)
    }

    /// Bytes that neighbours and vectors take as plain arrays: an id and a float32 an edge, an offset a row, float32 vectors.
    pub fn float_bytes(&self) -> usize {
        let rows = &self.builder.neighbours;
        let offsets = if rows.is_empty() { 0 } else { rows.len() + 1 };
        let edges: usize = rows.iter().map(Vec::len).sum();
        let vectors = |rows: Option<&Vec<f32>>| rows.map_or(0, Vec::len);
        let factors = self.builder.factors.as_ref();
        let gram = factors.and_then(|factors| factors.gram.as_ref());
        let floats = [
            factors.map(|factors| &factors.rows),
            gram.map(|gram| &gram.matrix),
            gram.map(|gram| &gram.ridge),
            self.builder.content.as_ref().map(|content| &content.rows),
        ];
        4 * (offsets + 2 * edges + floats.map(vectors).iter().sum::<usize>())
    }

    /// The vectors of content before they are packed.
    pub fn content(&self) -> Option<&Content> {
        self.builder.content.as_ref()
    }

    /// The weights before they are packed, by row.
    pub fn neighbours(&self) -> &super::Weights {
        &self.builder.neighbours
    }
}

/// What the parts of a packed model take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes of all.
    pub file: usize,
    /// Bytes of the model's own sections: neighbours, factors, content, prior and blend. What every model has, the index and the
    /// attributes, is not counted.
    pub own: usize,
    /// Of these, neighbours, factors and content.
    pub tables: usize,
    /// Number of items; rows that nothing is in are none.
    pub items: usize,
}

impl Size {
    /// Of a snapshot.
    ///
    /// # Errors
    /// [`Error::Snapshot`] where the bytes are no snapshot.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        let snapshot = Snapshot::open(bytes).map_err(|source| Error::Snapshot {
            path: Path::new("measuring the model").into(),
            source,
        })?;
        let sum = |of: &[Section]| {
            let sections = snapshot.sections().filter(|(section, _)| of.contains(section));
            sections.map(|(_, bytes)| bytes).sum::<usize>()
        };
        let tables = sum(&[Section::Neighbours, Section::Factors, Section::Content]);
        Ok(Size {
            file: bytes.len(),
            own: tables + sum(&[Section::Prior, Section::Blend]),
            tables,
            items: free::others(&snapshot).len(),
        })
    }

    /// So many bytes by the number of items.
    pub fn per_item(&self, bytes: usize) -> f64 {
        bytes as f64 / self.items.max(1) as f64
    }
}

/// Bytes an item of a packed model's own sections, as [`Size::own`] counts them.
///
/// # Errors
/// As [`Size::of`].
pub fn bytes_per_item(bytes: &[u8]) -> Result<f64> {
    let size = Size::of(bytes)?;
    Ok(size.per_item(size.own))
}

/// What a snapshot may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Bytes an item of the model's own sections.
    BytesPerItem(f64),
    /// Bytes of the whole file.
    File(usize),
}

impl Limit {
    /// Whether a snapshot of that size may be.
    pub fn holds(self, size: &Size) -> bool {
        match self {
            Limit::BytesPerItem(most) => size.per_item(size.own) <= most,
            Limit::File(most) => size.file <= most,
        }
    }

    /// The option that sets it.
    pub fn option(self) -> &'static str {
        match self {
            Limit::BytesPerItem(_) => "--max-bytes-per-item",
            Limit::File(_) => "--max-kb",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::BytesPerItem(most) => write!(f, "{most} bytes an item"),
            Limit::File(most) => write!(f, "{} kB", *most as f64 / 1000.0),
        }
    }
}

/// A small catalogue may take this much in all: the blend alone is some hundred bytes, however few items there are.
const SMALL_MODEL: f64 = 16_384.0;

/// Bytes an item that training allows where so many are asked for.
pub fn allowed(max_bytes_per_item: f64, items: usize) -> f64 {
    max_bytes_per_item.max(SMALL_MODEL / items.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrank::item_hash;
    use std::collections::HashMap;

    #[test]
    fn items_of_equal_hash_are_named() {
        // Of two items there is one bucket, where 32 bits of the hash tell them apart.
        let mut seen = HashMap::new();
        let equal = (0..1_000_000).map(|n| format!("item-{n}")).find_map(|id| {
            let before = seen.insert(item_hash(&id).0 as u32, id.clone())?;
            Some([before, id])
        });
        let ids = equal.unwrap();
        let model = Model {
            builder: SnapshotBuilder {
                ids: ids.to_vec(),
                ..SnapshotBuilder::default()
            },
            items: vec![0, 1],
            counts: vec![1, 1],
            even: false,
        };
        let error = model.pack(&Blend::default()).unwrap_err();
        let text = error.to_string();
        assert!(ids.iter().all(|id| text.contains(&format!("{id:?}"))), "{text}");
        assert!(text.contains("not_products") && error.exit_code() == 3, "{text}");
    }
}
