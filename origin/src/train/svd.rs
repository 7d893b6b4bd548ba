//! Matrix factorization by a truncated singular value decomposition: PureSVD.
//!
//! Source: Cremonesi, Koren and Turrin, "Performance of recommender algorithms on top-N recommendation tasks", RecSys 2010, with
//! columns scaled by popularity as in Nikolakopoulos, Kalantzis, Gallopoulos and Garofalakis, "EigenRec", KAIS 2019. A
//! visitor's vector is the sum of the history's, so that a score is `sum over i of <v_i, v_j>`. Invariant: as that of
//! [`crate::features::svd`], which decomposes.

use super::interactions::Interactions;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::features::svd::{self, Options, Sparse};
use pocketrank::pack::Factors;

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Svd {
    /// Length of a vector. Where the matrix has a lower rank the rest is 0.
    pub dims: usize,
    /// Columns are multiplied by the item's number of groups to this power: below 0, popular items count less.
    pub popularity: f64,
    /// Of the random projection.
    pub seed: u64,
}

impl Default for Svd {
    fn default() -> Self {
        Svd {
            dims: 64,
            popularity: -0.3,
            seed: 1,
        }
    }
}

impl Svd {
    /// Items' vectors. Memory: 24 bytes for each pair, and 8 for each of `dims + 16` values of a group and of an item, thrice.
    ///
    /// # Errors
    /// Parameters out of their range, and interrupted.
    pub fn fit(&self, interactions: &Interactions, control: &Control) -> Result<Factors> {
        if self.dims == 0 || !self.popularity.is_finite() {
            return Err(Error::Usage(format!(
                "SVD needs dims above 0 and a finite popularity, got {self:?}"
            )));
        }
        let power = |groups: &Vec<u32>| libm::pow(groups.len().max(1) as f64, self.popularity) as f32;
        let scales: Vec<f32> = interactions.by_item.iter().map(power).collect();
        let entries = |group: &Vec<u32>| -> Vec<(u32, f32)> {
            group.iter().map(|item| (*item, scales[*item as usize])).collect()
        };
        let matrix = Sparse::new(interactions.items(), interactions.by_group.iter().map(entries));
        let options = Options {
            dims: self.dims,
            seed: self.seed,
            ..Options::default()
        };
        let right = svd::svd(&matrix, &options, control)?.right;
        let mut rows = vec![0f32; interactions.items() * self.dims];
        for (item, row) in rows.chunks_exact_mut(self.dims).enumerate() {
            let found = right.values.get(item * right.cols..(item + 1) * right.cols);
            let found = found.unwrap_or_default();
            row.iter_mut().zip(found).for_each(|(out, value)| *out = *value as f32);
        }
        Ok(Factors {
            dims: self.dims,
            rows,
            gram: None,
            unit: None,
        })
    }
}
