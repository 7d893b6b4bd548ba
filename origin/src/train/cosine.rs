//! Item-kNN with cosine similarity: the baseline.
//!
//! Source: Sarwar, Karypis, Konstan and Riedl, "Item-based collaborative filtering recommendation algorithms", WWW 2001.
//! `w(i, j) = |groups with both| / (sqrt(deg(i) * deg(j)) + shrink)`.

use super::interactions::Interactions;
use super::{prune, Weights};

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cosine {
    /// The most neighbours of an item.
    pub neighbours: usize,
    /// Added to the denominator, against chance.
    pub shrink: f32,
    /// The fewest customers behind an edge.
    pub min_customers: u32,
}

impl Cosine {
    /// Weights of each item's neighbours.
    pub fn fit(&self, interactions: &Interactions) -> Weights {
        let degree = |row: u32| interactions.by_item[row as usize].len() as f32;
        interactions.co_occurrences(
            |_| 1.0,
            |source, row| {
                let mut weights: Vec<(u32, f32)> = row
                    .iter()
                    .filter(|co| co.customers >= self.min_customers)
                    .map(|co| {
                        (
                            co.target,
                            co.sum / ((degree(source) * degree(co.target)).sqrt() + self.shrink),
                        )
                    })
                    .collect();
                prune(&mut weights, self.neighbours);
                weights
            },
        )
    }
}
