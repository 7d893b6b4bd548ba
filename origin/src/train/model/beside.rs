//! A model in the order of rows of a snapshot that is out, with what need not change as it is there. Invariant: whoever has a row keeps it, and
//! rows that nobody is in are named as [`free`] says.

use super::Model;
use crate::error::{Error, Result};
use crate::train::steady::{self, History, Neighbours, Price, Use};
use crate::train::{free, order};
use pocketrank::pack::{Coded, Content, Factors};
use pocketrank::{AttributeRow, Blend, PriorRow, Snapshot, NO_ROW};
use std::collections::HashMap;
use std::path::Path;

/// A model in the order of a snapshot's rows.
pub struct Beside {
    model: Model,
    /// The dataset's item of each row, [`NO_ROW`] where nothing is in it.
    pub items: Vec<u32>,
    /// What each row is to the snapshot.
    pub uses: Vec<Use>,
    neighbours: Option<Neighbours>,
    /// The snapshot's.
    prior: Option<Vec<PriorRow>>,
}

impl Beside {
    /// The model, with what changed less than the price asks for as it is in the snapshot.
    pub fn at(&self, blend: &Blend, price: Price) -> Model {
        let mut model = self.model.clone();
        let builder = &mut model.builder;
        builder.coded = self.neighbours.as_ref().map(|neighbours| neighbours.at(price));
        if let Some(base) = &self.prior {
            builder.prior = steady::prior(&builder.prior, base, blend, &self.uses, price);
        }
        model
    }
}

impl Model {
    /// The model beside a snapshot that is out, so that little differs from it: items keep their rows, new ones take those of items that are
    /// gone, and then new ones; rows that nobody takes stay empty. `full`: this model, not pruned. `use_of`: what the row of one of the
    /// dataset's items is to the base. `histories`: the dataset's items, with their weights, of those whose lists should stay right.
    ///
    /// # Errors
    /// [`Error::Snapshot`] where the base's labels cannot be read, [`Error::Data`] where its vectors of taste are of another kind.
    pub fn beside<B: AsRef<[u8]>>(
        &self,
        full: &Model,
        base: &Snapshot<B>,
        use_of: impl Fn(u32, u32) -> Use,
        histories: &[History],
    ) -> Result<Beside> {
        let order = order::as_in(&self.builder.ids, base);
        let mut model = self.in_order(&order);
        let uses: Vec<Use> = (0u32..)
            .zip(&model.items)
            .map(|(row, item)| use_of(*item, row))
            .collect();
        let builder = &mut model.builder;
        let mut neighbours = None;
        if let Some(coded) = Coded::of(base) {
            if coded.grid.code_bits() == builder.code_bits && coded.grid.spans(&builder.neighbours) {
                let full = full.in_order(&order).builder.neighbours;
                let histories = in_rows(histories, &model.items);
                neighbours = Some(Neighbours::new(&builder.neighbours, &full, &coded, &uses, histories));
            } else {
                // All is rounded anew, which tells nothing of rows that must not change.
                builder.neighbours = steady::waiting(&builder.neighbours, &coded, &uses);
            }
        }
        if let Some((new, base)) = builder.content.as_ref().zip(Content::of(base)) {
            if let Some(content) = steady::content(new, &base, &uses) {
                builder.content = Some(content);
            }
        }
        if let Some((new, base)) = builder.factors.as_ref().zip(Factors::of(base)) {
            let factors = steady::factors(new, &base, &uses);
            builder.factors = Some(factors.ok_or_else(|| {
                Error::Data(
                    "the recipe's vectors of taste do not fit those of the base: others in length or kind, or too few items in common; publish \
                     what `pocketrank train` makes whole"
                        .into(),
                )
            })?);
        }
        if base.attributes().is_some() {
            let labels = base.labels().map_err(|source| Error::Snapshot {
                path: Path::new("the base").into(),
                source,
            })?;
            (builder.attributes, builder.labels) = steady::attributes(&builder.attributes, &builder.labels, &labels);
        }
        let prior = base.prior();
        let prior = prior.map(|prior| (0..base.items()).filter_map(|row| prior.get(row)).collect());
        Ok(Beside {
            items: model.items.clone(),
            model,
            uses,
            neighbours,
            prior,
        })
    }

    /// The same with its rows in another order: row by row the old row of each, or none.
    pub(super) fn in_order(&self, order: &[u32]) -> Self {
        let mut place = vec![0u32; self.items.len()];
        for (new, old) in (0u32..).zip(order).filter(|(_, old)| **old != NO_ROW) {
            place[*old as usize] = new;
        }
        let mut model = self.clone();
        let builder = &mut model.builder;
        by(order, &mut builder.ids, free::id);
        by(order, &mut builder.prior, |_| PriorRow::default());
        by(order, &mut builder.attributes, |_| AttributeRow::default());
        by(order, &mut builder.neighbours, |_| vec![]);
        by(order, &mut model.items, |_| NO_ROW);
        by(order, &mut model.counts, |_| 0);
        for (target, _) in builder.neighbours.iter_mut().flatten() {
            *target = place[*target as usize];
        }
        if let Some(factors) = &mut builder.factors {
            chunks_by(order, factors.dims, &mut factors.rows);
        }
        if let Some(content) = &mut builder.content {
            chunks_by(order, content.dims, &mut content.rows);
        }
        model
    }
}

/// Histories of the dataset's items as such of rows; what has no row is left out.
fn in_rows(histories: &[History], items: &[u32]) -> Vec<History> {
    let rows: HashMap<u32, u32> = items.iter().copied().zip(0u32..).collect();
    let in_rows = |(item, weight): &(u32, f32)| Some((*rows.get(item)?, *weight));
    histories
        .iter()
        .map(|history| history.iter().filter_map(in_rows).collect())
        .collect()
}

/// Puts a table in order; rows that nothing is in get what `empty` makes of their number.
fn by<T: Clone>(order: &[u32], table: &mut Vec<T>, empty: impl Fn(usize) -> T) {
    if !table.is_empty() {
        let rows = order.iter().enumerate();
        *table = rows
            .map(|(row, old)| table.get(*old as usize).cloned().unwrap_or_else(|| empty(row)))
            .collect();
    }
}

fn chunks_by(order: &[u32], width: usize, table: &mut Vec<f32>) {
    let empty = vec![0.0; width];
    let rows = order.iter().map(|old| match *old {
        NO_ROW => empty.as_slice(),
        old => &table[old as usize * width..][..width],
    });
    *table = rows.collect::<Vec<_>>().concat();
}
