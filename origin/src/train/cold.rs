//! Edges by content to and from the items that few or nobody touched, so that a table of behaviour knows them too. Invariant: an
//! edge follows from what the catalogue says of two items; which items get some, from the number of their customers, of which one
//! more or less changes nothing below `min_customers`. [`super::stack`] adds them to the weights of a recipe.

use super::content::ContentNeighbours;
use super::Weights;
use crate::control::Control;
use crate::error::Result;
use pocketrank::pack::Content;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Cosines below this are none.
const LEAST: f32 = 0.1;

/// Which items get edges by content, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ColdEdges {
    /// Weight of an edge between items of the same content; the mean of the rows' largest is 1.
    pub weight: f32,
    /// Items of fewer customers than this get them, and cold ones in any case.
    pub below: u32,
    /// Edges to each of them, and as many from it.
    pub neighbours: usize,
}

impl ColdEdges {
    /// For each row of `content` that gets edges what is most like it, by cosine. `customers` are those of the first rows; those behind
    /// are cold. Takes `cold rows x rows x dims` operations.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`] where the work was told to stop.
    pub fn likes(&self, customers: &[u32], content: &Content, control: &Control) -> Result<Weights> {
        let is_cold = |row: u32| {
            customers
                .get(row as usize)
                .is_none_or(|customers| *customers < self.below)
        };
        let likes = ContentNeighbours {
            neighbours: self.neighbours,
            least: LEAST,
        };
        likes.fit(content, is_cold, control)
    }

    /// Adds edges both ways to `weights`.
    pub fn add(&self, weights: &mut Weights, likes: &Weights) {
        weights.resize(likes.len(), vec![]);
        let mut more: Vec<BTreeMap<u32, f32>> = vec![BTreeMap::new(); likes.len()];
        for (cold, row) in (0u32..).zip(likes) {
            for (like, cosine) in row {
                // Two cold items may each be among the other's: one edge each way.
                more[cold as usize].insert(*like, *cosine);
                more[*like as usize].insert(cold, *cosine);
            }
        }
        for (row, more) in weights.iter_mut().zip(more).filter(|(_, more)| !more.is_empty()) {
            let mut sum: BTreeMap<u32, f32> = row.iter().copied().collect();
            for (target, cosine) in more {
                *sum.entry(target).or_default() += self.weight * cosine;
            }
            *row = sum.into_iter().collect();
            super::prune(row, pocketrank::MAX_NEIGHBOURS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    /// Rows 0, 1 and 3 are alike, row 2 is not; row 3 is cold.
    #[test]
    fn only_cold_items_get_edges_both_ways() {
        let content = Content {
            dims: 2,
            rows: vec![1.0, 0.0, 0.8, 0.6, 0.0, 1.0, 1.0, 0.0],
            unit: None,
        };
        let mut weights = vec![vec![(1, 1.0)], vec![(0, 0.5)], vec![(0, 0.3)]];
        let cold = ColdEdges {
            weight: 0.5,
            below: 1,
            neighbours: 2,
        };
        let control = Control::new(Progress::hidden());
        cold.add(&mut weights, &cold.likes(&[9, 1, 1], &content, &control).unwrap());
        let expected = [
            vec![(1, 1.0), (3, 0.5)],
            vec![(0, 0.5), (3, 0.4)],
            vec![(0, 0.3)],
            vec![(0, 0.5), (1, 0.4)],
        ];
        for (row, expected) in weights.iter().zip(&expected) {
            assert_eq!(row.len(), expected.len(), "{weights:?}");
            for ((target, weight), (wanted, heavy)) in row.iter().zip(expected) {
                assert!(target == wanted && (weight - heavy).abs() < 1e-6, "{weights:?}");
            }
        }
        // With a higher bar row 1 is cold too, and what is known of it stays.
        let more = ColdEdges { below: 2, ..cold };
        let mut weights = vec![vec![(1, 1.0)], vec![], vec![]];
        more.add(&mut weights, &more.likes(&[9, 1, 9], &content, &control).unwrap());
        assert!((weights[0][0].1 - 1.4).abs() < 1e-6, "{weights:?}");
    }
}
