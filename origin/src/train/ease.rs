//! EASE: the ridge regression of each item on all others, in closed form.
//!
//! Source: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019: with `P = (G + ridge)⁻¹`,
//! `B_ij = -P_ij / P_jj`. Better than [`super::ridge`] where items are few, as what a row cannot ship still takes part in the
//! solution. Invariant: what ships is positive and has `min_customers` distinct customers behind each edge. Negative weights
//! cannot ship.

mod inverse;

use super::gram::group_weights;
use super::interactions::Interactions;
use super::{prune, Weights};
use crate::control::Control;
use crate::error::{Error, Result};
use inverse::Symmetric;

/// The most items.
const MOST: usize = 20_000;

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ease {
    /// Added to the Gram matrix's diagonal.
    pub lambda: f64,
    /// Share of a group's items left out at random in training, as a penalty `p / (1 - p) * G_ii` (EDLAE, Steck, NeurIPS 2020). At least 0
    /// and below 1.
    pub dropout: f64,
    /// A group of `n` items counts `n^-gram_exponent`; 0 as published.
    pub gram_exponent: f64,
    /// The most neighbours of an item.
    pub neighbours: usize,
}

impl Default for Ease {
    fn default() -> Self {
        Ease {
            lambda: 300.0,
            dropout: 0.0,
            gram_exponent: 0.0,
            neighbours: 100,
        }
    }
}

impl Ease {
    /// Weights of each item's neighbours, a row for each source. Memory: [`Ease::memory`]; time grows with the cube of the items.
    ///
    /// # Errors
    /// Parameters out of their range, more than 20,000 items, and interrupted.
    pub fn fit(&self, interactions: &Interactions, min_customers: u32, control: &Control) -> Result<Weights> {
        if !(0.0..1.0).contains(&self.dropout) || self.lambda.is_nan() || self.lambda <= 0.0 {
            return Err(Error::Usage(format!(
                "EASE needs lambda above 0 and dropout from 0 to below 1, got {} and {}",
                self.lambda, self.dropout
            )));
        }
        let items = interactions.items();
        if items > MOST {
            return Err(Error::Usage(format!(
                "EASE of {items} items would take {:.1} GB, and is made for at most {MOST}; train a ridge instead",
                Self::memory(items) as f64 / 1e9
            )));
        }
        let groups = group_weights(interactions, self.gram_exponent);
        let mut matrix = Symmetric::zeros(items);
        matrix.fill(|row, values| {
            let known = values.len();
            for group in &interactions.by_item[row] {
                let with = interactions.by_group[*group as usize].iter();
                for item in with.take_while(|item| (**item as usize) < known) {
                    values[*item as usize] += groups[*group as usize];
                }
            }
            let own = f64::from(values[row]);
            values[row] += (self.lambda + self.dropout / (1.0 - self.dropout) * own) as f32;
        });
        matrix.invert(control)?;
        // The inverse came with its sign turned.
        let scales: Vec<f32> = (0..items).map(|item| -1.0 / matrix.at(item, item)).collect();
        Ok(interactions.co_occurrences(
            |_| 1.0,
            |source, row| {
                let mut weights: Vec<(u32, f32)> = row
                    .iter()
                    .filter(|co| co.customers >= min_customers)
                    .map(|co| {
                        let target = co.target as usize;
                        (co.target, matrix.at(source as usize, target) * scales[target])
                    })
                    .filter(|(_, weight)| *weight > 0.0)
                    .collect();
                prune(&mut weights, self.neighbours);
                weights
            },
        ))
    }

    /// Bytes that training on so many items takes.
    pub fn memory(items: usize) -> u64 {
        Symmetric::memory(items)
    }
}
