//! Learns the weights of the scorers' parts from lists: the ones that were wanted should be above the others. Invariant:
//! equal lists, parameters and seed give equal weights. [`super::weigh`] gathers the lists and keeps what ranks better.
//!
//! Source: Cao, Qin, Liu, Tsai and Li, "Learning to rank: from pairwise approach to listwise approach", ICML 2007 (top-one
//! cross-entropy), minimized by Adam with a proximal step for L1.

use pocketrank::PART_NAMES;
use rand_pcg::rand_core::RngCore;
use rand_pcg::Pcg64Mcg;

/// The number of parts.
pub const PARTS: usize = PART_NAMES.len();
/// Weights, or the parts of one candidate with all weights 1.
pub type Parts = [f32; PARTS];

/// The candidates of one query.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Parts of each candidate.
    pub parts: Vec<Parts>,
    /// Whether it was wanted.
    pub wanted: Vec<bool>,
}

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Listwise {
    /// Strength of L1: weights that do not help become 0. Relative to parts of unit deviation.
    pub l1: f64,
    /// Strength of L2 towards the weights that it starts from.
    pub l2: f64,
    /// Deviation of the noise added to parts, relative to theirs, drawn anew each round.
    pub noise: f64,
    /// Rounds over all lists.
    pub rounds: usize,
    /// Seed of the noise.
    pub seed: u64,
}

const RATE: f64 = 0.05;
const MOMENTS: [f64; 2] = [0.9, 0.99];

impl Listwise {
    /// Weights, the largest of which is as large as the largest of `start`. `free` says which may change.
    pub fn fit(&self, lists: &[&List], start: &Parts, free: &[bool; PARTS]) -> Parts {
        let scale = deviations(lists);
        let used: Vec<usize> = (0..PARTS).filter(|part| free[*part] && scale[*part] > 0.0).collect();
        if lists.is_empty() || used.is_empty() {
            return *start;
        }
        let temperature = 4.0
            / (0..PARTS)
                .map(|part| f64::from(start[part]).abs() * scale[part])
                .fold(1e-12, f64::max);
        let first: Vec<f64> = (0..PARTS)
            .map(|part| f64::from(start[part]) * scale[part] * temperature)
            .collect();
        let mut weights = first.clone();
        let (mut mean, mut square) = ([0.0; PARTS], [0.0; PARTS]);
        let mut rng = Pcg64Mcg::new(u128::from(self.seed) << 1 | 1);
        for round in 1..=self.rounds {
            let gradient = self.gradient(lists, &weights, &scale, &mut rng);
            for part in &used {
                let part = *part;
                let slope = gradient[part] + self.l2 * (weights[part] - first[part]);
                mean[part] = MOMENTS[0] * mean[part] + (1.0 - MOMENTS[0]) * slope;
                square[part] = MOMENTS[1] * square[part] + (1.0 - MOMENTS[1]) * slope * slope;
                let unbias = |moment: f64, rate: f64| moment / (1.0 - libm::pow(rate, round as f64));
                let pace = RATE / (unbias(square[part], MOMENTS[1]).sqrt() + 1e-8);
                let moved = weights[part] - pace * unbias(mean[part], MOMENTS[0]);
                weights[part] = moved.signum() * (moved.abs() - pace * self.l1).max(0.0);
            }
        }
        let mut fitted = *start;
        for part in &used {
            fitted[*part] = (weights[*part] / scale[*part]) as f32;
        }
        for part in (0..PARTS).filter(|part| !used.contains(part)) {
            fitted[part] = (f64::from(start[part]) * temperature) as f32;
        }
        let largest = |parts: &Parts| parts.iter().fold(0f32, |most, weight| most.max(weight.abs()));
        let (before, after) = (largest(start), largest(&fitted));
        if after > 0.0 && after.is_finite() {
            fitted.map(|weight| weight * before / after)
        } else {
            *start
        }
    }

    /// Of the mean cross-entropy between the wanted candidates and the softmax of the scores.
    fn gradient(&self, lists: &[&List], weights: &[f64], scale: &[f64; PARTS], rng: &mut Pcg64Mcg) -> [f64; PARTS] {
        let mut gradient = [0.0; PARTS];
        let mut counted = 0.0;
        let mut rows: Vec<[f64; PARTS]> = vec![];
        for list in lists {
            let wanted = list.wanted.iter().filter(|wanted| **wanted).count() as f64;
            if wanted == 0.0 || wanted as usize == list.wanted.len() {
                continue;
            }
            counted += 1.0;
            rows.clear();
            rows.extend(list.parts.iter().map(|parts| {
                let mut row = [0.0; PARTS];
                for part in (0..PARTS).filter(|part| scale[*part] > 0.0) {
                    let noise = if self.noise > 0.0 {
                        self.noise * normal(rng)
                    } else {
                        0.0
                    };
                    row[part] = f64::from(parts[part]) / scale[part] + noise;
                }
                row
            }));
            let score = |row: &[f64; PARTS]| row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>();
            let scores: Vec<f64> = rows.iter().map(score).collect();
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = scores.iter().map(|score| libm::exp(score - most)).collect();
            let sum: f64 = shares.iter().sum();
            for ((row, share), is_wanted) in rows.iter().zip(&shares).zip(&list.wanted) {
                let error = share / sum - if *is_wanted { 1.0 / wanted } else { 0.0 };
                gradient.iter_mut().zip(row).for_each(|(slope, x)| *slope += error * x);
            }
        }
        gradient.map(|slope| slope / f64::max(counted, 1.0))
    }
}

/// Root mean square of each part.
fn deviations(lists: &[&List]) -> [f64; PARTS] {
    let mut squares = [0.0; PARTS];
    let mut count = 0.0f64;
    for parts in lists.iter().flat_map(|list| &list.parts) {
        count += 1.0;
        squares
            .iter_mut()
            .zip(parts)
            .for_each(|(sum, part)| *sum += f64::from(*part) * f64::from(*part));
    }
    squares.map(|sum| (sum / count.max(1.0)).sqrt())
}

/// A normal deviate (Box and Muller, 1958).
fn normal(rng: &mut Pcg64Mcg) -> f64 {
    let unit = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (radius, angle) = (unit(rng.next_u64()), unit(rng.next_u64()));
    (-2.0 * libm::log(radius)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * angle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEARN: Listwise = Listwise {
        l1: 0.0,
        l2: 0.0,
        noise: 0.0,
        rounds: 200,
        seed: 1,
    };

    fn fit(learn: &Listwise, lists: &[List], start: &Parts, free: &[bool; PARTS]) -> Parts {
        learn.fit(&lists.iter().collect::<Vec<_>>(), start, free)
    }

    /// Lists in which the candidate with the largest `2 a - b` is wanted, and part 4 says nothing.
    fn lists(count: usize) -> Vec<List> {
        let mut rng = Pcg64Mcg::new(99);
        let mut list = || {
            let parts: Vec<Parts> = (0..12)
                .map(|_| {
                    let mut parts = [0.0; PARTS];
                    for part in [0, 2, 4] {
                        parts[part] = normal(&mut rng) as f32;
                    }
                    parts
                })
                .collect();
            let value = |parts: &Parts| 2.0 * parts[0] - parts[2];
            let best = parts.iter().map(value).fold(f32::MIN, f32::max);
            let wanted = parts.iter().map(|parts| value(parts) == best).collect();
            List { parts, wanted }
        };
        (0..count).map(|_| list()).collect()
    }

    fn start() -> Parts {
        let mut start = [0.0; PARTS];
        start[0] = 1.0;
        start
    }

    #[test]
    fn the_weights_behind_the_lists_are_found() {
        let weights = fit(&LEARN, &lists(300), &start(), &[true; PARTS]);
        assert_eq!(weights[0], 1.0);
        assert!((weights[2] + 0.5).abs() < 0.05, "{weights:?}");
        assert!(weights[4].abs() < 0.05, "{weights:?}");
        assert_eq!(weights[5], 0.0);
    }

    #[test]
    fn penalties_and_locks_hold() {
        let lists = lists(300);
        let l1 = fit(&Listwise { l1: 0.2, ..LEARN }, &lists, &start(), &[true; PARTS]);
        assert_eq!(l1[4], 0.0);
        let l2 = fit(&Listwise { l2: 100.0, ..LEARN }, &lists, &start(), &[true; PARTS]);
        assert!(l2[2].abs() < 0.05, "{l2:?}");
        let mut free = [true; PARTS];
        free[2] = false;
        assert_eq!(fit(&LEARN, &lists, &start(), &free)[2], 0.0);
        let noisy = Listwise { noise: 0.3, ..LEARN };
        assert_eq!(
            fit(&noisy, &lists, &start(), &[true; PARTS]),
            fit(&noisy, &lists, &start(), &[true; PARTS])
        );
        assert_eq!(fit(&LEARN, &[], &start(), &[true; PARTS]), start());
        assert_eq!(fit(&LEARN, &[List::default()], &start(), &[true; PARTS]), start());
    }
}
