//! Alternating least squares for sets without ratings (iALS): vectors of users and items whose product says what goes together.
//!
//! Source: Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008; the penalty grows with an
//! item's or user's number of pairs as in Rendle, Krichene, Zhang and Koren, "Revisiting the performance of iALS on item
//! recommendation benchmarks", RecSys 2022; steps are conjugate gradients (Takács, Pilászy and Tikk, RecSys 2011).
//! A pair that was seen counts `1 + confidence` towards 1, each other pair 1 towards 0. Invariant: equal input and seed give
//! equal bits, whatever the processor, the number of threads and the interruptions. Items' vectors ship, users' do not: the
//! runtime makes a visitor's from the history.

mod block;
mod checkpoint;

use super::interactions::Interactions;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::parallel;
use block::Block;
use pocketrank::pack::{Factors, Gram};
use rand_pcg::rand_core::{RngCore, SeedableRng};
use std::path::Path;

/// Rows whose products one thread sums before they are added to the others', so that the order of additions is fixed.
const SUMMED: usize = 1024;
/// Length of the runtime's table of penalties by history length.
const HISTORY: usize = 64;

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Als {
    /// Length of a vector.
    pub dims: usize,
    /// Times that users and items are solved.
    pub iterations: usize,
    /// What a pair that was seen counts more than one that was not. `implicit`'s `alpha` is 1 more.
    pub confidence: f64,
    /// Penalty on the squares of the vectors.
    pub regularization: f64,
    /// The penalty of a row with `n` pairs out of `N` is `regularization * (confidence * n + N)^frequency`; 0 makes all equal.
    pub frequency: f64,
    /// Of the items' first vectors.
    pub seed: u64,
}

impl Default for Als {
    fn default() -> Self {
        Als {
            dims: 64,
            iterations: 15,
            confidence: 10.0,
            regularization: 0.01,
            frequency: 0.0,
            seed: 1,
        }
    }
}

/// Training between two iterations.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Iterations that are done.
    pub iteration: usize,
    /// A vector of `dims` for each group of the interactions.
    pub users: Vec<f32>,
    /// A vector of `dims` for each item.
    pub items: Vec<f32>,
}

impl Als {
    /// Items' vectors. Memory: [`Als::memory`].
    ///
    /// # Errors
    /// Parameters out of their range, and interrupted.
    pub fn fit(&self, interactions: &Interactions, control: &Control) -> Result<Factors> {
        let mut state = self.start(interactions)?;
        while state.iteration < self.iterations {
            self.step(interactions, &mut state, control)?;
        }
        Ok(self.factors(interactions, &state))
    }

    /// The same, kept in `file` after every iteration. Where the file is there, training goes on from it.
    ///
    /// # Errors
    /// As of [`Self::fit`]; the file cannot be read or written, or is of other data or parameters (a number of iterations apart).
    pub fn fit_from(&self, interactions: &Interactions, file: &Path, control: &Control) -> Result<Factors> {
        let mut state = self.start(interactions)?;
        if let Some(earlier) = checkpoint::read(file, self, interactions, &state)? {
            state = earlier;
        }
        while state.iteration < self.iterations {
            self.step(interactions, &mut state, control)?;
            checkpoint::write(file, self, interactions, &state)?;
        }
        Ok(self.factors(interactions, &state))
    }

    /// Bytes that training takes.
    pub fn memory(&self, interactions: &Interactions) -> u64 {
        // Twice: the new vectors are there before the old ones go.
        8 * self.dims as u64 * (interactions.by_group.len() + interactions.items()) as u64
    }

    /// Training before the first iteration: items have small random vectors, users none.
    ///
    /// # Errors
    /// Parameters out of their range.
    pub fn start(&self, interactions: &Interactions) -> Result<State> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let confident = self.confidence.is_finite() && self.confidence >= 0.0;
        let valid = self.dims > 0 && positive(self.regularization) && confident && self.frequency.is_finite();
        if !valid {
            return Err(Error::Usage(format!(
                "ALS needs dims and regularization above 0, confidence of at least 0 and a finite frequency, got {self:?}"
            )));
        }
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(self.seed);
        let mut uniform = || (random.next_u32() >> 8) as f32 / (1u32 << 24) as f32 * 0.01;
        Ok(State {
            iteration: 0,
            users: vec![0.0; interactions.by_group.len() * self.dims],
            items: (0..interactions.items() * self.dims).map(|_| uniform()).collect(),
        })
    }

    /// One iteration: users' vectors, then items'.
    ///
    /// # Errors
    /// Interrupted; `state` is then what it was, or has new users only, from which the same items follow.
    pub fn step(&self, interactions: &Interactions, state: &mut State, control: &Control) -> Result<()> {
        control.check()?;
        state.users = self.half(&interactions.by_group, &state.users, &state.items);
        control.check()?;
        state.items = self.half(&interactions.by_item, &state.items, &state.users);
        state.iteration += 1;
        Ok(())
    }

    /// What ships.
    pub fn factors(&self, interactions: &Interactions, state: &State) -> Factors {
        let items = interactions.items();
        Factors {
            dims: self.dims,
            rows: state.items.clone(),
            gram: Some(Gram {
                matrix: self.gram(&state.items),
                ridge: (1..=HISTORY).map(|n| self.ridge(n, items)).collect(),
                confidence: self.confidence as f32,
            }),
            unit: None,
        }
    }

    /// Improves the vectors of one side, given the other's.
    fn half(&self, lists: &[Vec<u32>], rows: &[f32], others: &[f32]) -> Vec<f32> {
        let gram = self.gram(others);
        let total = others.len() / self.dims;
        let blocks = lists.len().div_ceil(block::ROWS);
        let new_block = || Block::new(self.dims, self.confidence as f32);
        let solved = parallel::map_with(blocks, new_block, |block, at| {
            let of = at * block::ROWS..((at + 1) * block::ROWS).min(lists.len());
            let ridges: Vec<f32> = lists[of.clone()]
                .iter()
                .map(|list| self.ridge(list.len(), total))
                .collect();
            let start = &rows[of.start * self.dims..of.end * self.dims];
            block.solve(&gram, &ridges, &lists[of], start, others)
        });
        solved.concat()
    }

    fn ridge(&self, pairs: usize, total: usize) -> f32 {
        let weight = self.confidence * pairs as f64 + total as f64;
        (self.regularization * libm::pow(weight, self.frequency)) as f32
    }

    /// Sum of `q qT` over the rows.
    fn gram(&self, rows: &[f32]) -> Vec<f32> {
        let d = self.dims;
        let chunks: Vec<&[f32]> = rows.chunks(SUMMED * d).collect();
        let mut gram = vec![0f32; d * d];
        for part in parallel::map(&chunks, |chunk| block::gram(chunk, d)) {
            gram.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        gram
    }
}
