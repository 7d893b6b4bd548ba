//! RP3beta: three-step random walks with the target's popularity discounted.
//!
//! Source: Paudel, Christoffel, Newell and Bernstein, "Updatable, accurate, diverse, and scalable recommendations for
//! interactive applications", ACM TiiS 7(1), 2016. `w(i, j) = deg(i)^-alpha * sum over common groups g of deg(g)^-alpha / deg(j)^beta`.

use super::interactions::Interactions;
use super::{prune, Weights};

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rp3Beta {
    /// Exponent of the transition probabilities.
    pub alpha: f64,
    /// Exponent of the discount of popular targets.
    pub beta: f64,
    /// The most neighbours of an item.
    pub neighbours: usize,
    /// The fewest customers behind an edge.
    pub min_customers: u32,
}

impl Rp3Beta {
    /// Weights of each item's neighbours.
    pub fn fit(&self, interactions: &Interactions) -> Weights {
        let degree_power = |lists: &[Vec<u32>], exponent: f64| -> Vec<f32> {
            lists
                .iter()
                .map(|list| libm::pow(list.len().max(1) as f64, exponent) as f32)
                .collect()
        };
        let groups = degree_power(&interactions.by_group, -self.alpha);
        let sources = degree_power(&interactions.by_item, -self.alpha);
        let targets = degree_power(&interactions.by_item, -self.beta);
        interactions.co_occurrences(
            |group| groups[group as usize],
            |source, row| {
                let mut weights: Vec<(u32, f32)> = row
                    .iter()
                    .filter(|co| co.customers >= self.min_customers)
                    .map(|co| {
                        (
                            co.target,
                            co.sum * sources[source as usize] * targets[co.target as usize],
                        )
                    })
                    .collect();
                prune(&mut weights, self.neighbours);
                weights
            },
        )
    }
}
