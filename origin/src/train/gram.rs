//! The weighted Gram matrix of items, sparse, from which the systems of [`super::ridge`] are gathered.
//!
//! Invariant: symmetric whatever is left out, because each pair is stored once: with the less popular item. It depends on one
//! exponent only, so that a tuner makes it once for many trials.

use super::interactions::Interactions;
use super::Weights;
use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use std::cmp::Reverse;

/// The most pairs that are stored, 8 bytes each: of each item at least [`FEWEST`] and an equal share of these.
const MOST: usize = 150_000_000;
const FEWEST: usize = 512;

/// `G(i, j) = sum of |H_g|^-exponent over the groups g with both`, of which `|H_g|` is the number of items.
#[derive(Debug)]
pub struct Gram {
    /// Number of items that are more popular, of each item.
    rank: Vec<u32>,
    diagonal: Vec<f32>,
    /// By rank: pairs with more popular items (by their rank), ascending.
    rows: Weights,
}

impl Gram {
    /// Counts the pairs. Items with more partners than their share of memory keep the heaviest.
    ///
    /// # Errors
    /// Interrupted.
    pub fn new(interactions: &Interactions, exponent: f64, control: &Control) -> Result<Self> {
        let weights = group_weights(interactions, exponent);
        let items = interactions.items();
        let most = share(items);
        let mut order: Vec<u32> = (0..items as u32).collect();
        order.sort_by_key(|item| Reverse(interactions.by_item[*item as usize].len()));
        let mut rank = vec![0; items];
        for (at, item) in (0u32..).zip(&order) {
            rank[*item as usize] = at;
        }
        control.check()?;
        let new_sums = || (vec![0f32; items], vec![]);
        let rows = parallel::map_with(items, new_sums, |(sums, touched): &mut (Vec<f32>, Vec<u32>), at| {
            for group in &interactions.by_item[order[at] as usize] {
                for item in &interactions.by_group[*group as usize] {
                    let other = rank[*item as usize];
                    if (other as usize) < at {
                        if sums[other as usize] == 0.0 {
                            touched.push(other);
                        }
                        sums[other as usize] += weights[*group as usize];
                    }
                }
            }
            let mut row: Vec<(u32, f32)> = touched
                .drain(..)
                .map(|other| (other, std::mem::take(&mut sums[other as usize])))
                .collect();
            if row.len() > most {
                super::prune(&mut row, most);
                row.shrink_to_fit();
            }
            row.sort_unstable_by_key(|(other, _)| *other);
            row
        });
        control.check()?;
        let diagonal = interactions
            .by_item
            .iter()
            .map(|groups| groups.iter().map(|group| weights[*group as usize]).sum())
            .collect();
        Ok(Gram { rank, diagonal, rows })
    }

    /// The most memory that the matrix of these interactions takes, in bytes.
    pub fn memory(interactions: &Interactions) -> u64 {
        let items = interactions.items();
        let pairs: u64 = interactions
            .by_group
            .iter()
            .map(|group| (group.len() as u64).pow(2) / 2)
            .sum();
        8 * pairs.min((items * share(items).min(items)) as u64) + 32 * items as u64
    }

    /// The items' own weights.
    pub fn diagonal(&self, item: u32) -> f32 {
        self.diagonal[item as usize]
    }

    /// Gathers the block of `items` (distinct), row after row, into `block`; `slots` is scratch.
    pub fn gather(&self, items: &[u32], slots: &mut Slots, block: &mut Vec<f32>) {
        let n = items.len();
        block.clear();
        block.resize(n * n, 0.0);
        for (slot, item) in (0u32..).zip(items) {
            slots.0[self.rank[*item as usize] as usize] = slot;
        }
        for (row, item) in items.iter().enumerate() {
            block[row * n + row] = self.diagonal[*item as usize];
            for (other, weight) in &self.rows[self.rank[*item as usize] as usize] {
                let column = slots.0[*other as usize];
                if column != u32::MAX {
                    block[row * n + column as usize] = *weight;
                    block[column as usize * n + row] = *weight;
                }
            }
        }
        for item in items {
            slots.0[self.rank[*item as usize] as usize] = u32::MAX;
        }
    }
}

/// Where an item lies in the block that is being gathered.
#[derive(Debug)]
pub struct Slots(Vec<u32>);

impl Slots {
    /// For a Gram matrix of so many items.
    pub fn new(items: usize) -> Self {
        Slots(vec![u32::MAX; items])
    }
}

/// `|H_g|^-exponent` of each group.
pub fn group_weights(interactions: &Interactions, exponent: f64) -> Vec<f32> {
    let weight = |group: &Vec<u32>| libm::pow(group.len().max(1) as f64, -exponent) as f32;
    interactions.by_group.iter().map(weight).collect()
}

fn share(items: usize) -> usize {
    (MOST / items.max(1)).max(FEWEST)
}
