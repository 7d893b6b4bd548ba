//! A model: what a recipe makes of material, ready to be packed with any blend. Invariant: equal material and recipe give an
//! equal model, and no more than the pruned table is packed.

use super::material::Material;
use super::recipe::Recipe;
use super::stack::Stacked;
use super::{attributes, order, prior};
use crate::error::{Error, Result};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::{Blend, Meta, Section, Snapshot};
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
            prior: prior::fit(material, recipe.popularity_half_life),
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
        let order = order::order(&self.builder.neighbours);
        let mut place = vec![0u32; order.len()];
        (0u32..).zip(&order).for_each(|(new, old)| place[*old as usize] = new);
        let mut model = self.clone();
        let builder = &mut model.builder;
        if !order.is_empty() {
            by(&order, &mut builder.ids);
            by(&order, &mut builder.prior);
            by(&order, &mut builder.attributes);
            by(&order, &mut builder.neighbours);
            by(&order, &mut model.items);
            by(&order, &mut model.counts);
            for (target, _) in builder.neighbours.iter_mut().flatten() {
                *target = place[*target as usize];
            }
            if let Some(factors) = &mut builder.factors {
                chunks_by(&order, factors.dims, &mut factors.rows);
            }
            if let Some(content) = &mut builder.content {
                chunks_by(&order, content.dims, &mut content.rows);
            }
        }
        model
    }

    /// The same with as many neighbours as fit into so many bytes an item, and what is packed then.
    ///
    /// # Errors
    /// As [`Model::pack`]; [`Error::Usage`] where not even a table without neighbours fits.
    pub fn within(&self, max_bytes_per_item: f64, blend: &Blend) -> Result<(Self, Vec<u8>)> {
        let max_bytes_per_item = allowed(max_bytes_per_item, self.items.len());
        let bytes = self.pack(blend)?;
        if bytes_per_item(&bytes)? <= max_bytes_per_item {
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
            if bytes_per_item(&bytes)? <= max_bytes_per_item {
                fits = middle;
                found = Some((pruned, bytes));
            } else {
                too_many = middle;
            }
        }
        found.ok_or_else(|| {
            Error::Usage(format!(
                "no model of these data fits into {max_bytes_per_item} bytes an item; allow more with --max-bytes-per-item"
            ))
        })
    }

    /// How many neighbours an item on average fit into so many bytes an item, with weights of that many bits: by the size of a
    /// packed row, so near enough to choose by.
    ///
    /// # Errors
    /// As [`Model::pack`].
    pub fn entries_within(&self, code_bits: u8, max_bytes_per_item: f64, blend: &Blend) -> Result<usize> {
        let max_bytes_per_item = allowed(max_bytes_per_item, self.items.len());
        let mut model = self.clone();
        model.builder.code_bits = code_bits;
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

    /// The weights before they are packed, by row.
    pub fn neighbours(&self) -> &super::Weights {
        &self.builder.neighbours
    }
}

/// Bytes an item of a packed model's own sections: neighbours, factors, content, prior and blend. What every model has, the index
/// and the attributes, is not counted.
///
/// # Errors
/// [`Error::Snapshot`] where the bytes are no snapshot.
pub fn bytes_per_item(bytes: &[u8]) -> Result<f64> {
    let snapshot = Snapshot::open(bytes).map_err(|source| Error::Snapshot {
        path: Path::new("measuring the model").into(),
        source,
    })?;
    let own = |section: &Section| {
        matches!(
            section,
            Section::Neighbours | Section::Factors | Section::Content | Section::Prior | Section::Blend
        )
    };
    let sum: usize = snapshot
        .sections()
        .filter(|(section, _)| own(section))
        .map(|(_, bytes)| bytes)
        .sum();
    Ok(sum as f64 / f64::from(snapshot.items().max(1)))
}

/// A small catalogue may take this much in all: the blend alone is some hundred bytes, however few items there are.
const SMALL_MODEL: f64 = 16_384.0;

fn allowed(max_bytes_per_item: f64, items: usize) -> f64 {
    max_bytes_per_item.max(SMALL_MODEL / items.max(1) as f64)
}

fn by<T: Clone>(order: &[u32], table: &mut Vec<T>) {
    if !table.is_empty() {
        *table = order.iter().map(|old| table[*old as usize].clone()).collect();
    }
}

fn chunks_by(order: &[u32], width: usize, table: &mut Vec<f32>) {
    *table = order
        .iter()
        .flat_map(|old| table[*old as usize * width..][..width].iter().copied())
        .collect();
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
