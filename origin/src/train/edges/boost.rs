//! Gradient-boosted trees for counts: a Poisson regression over histograms.
//!
//! Invariant: sums of one feature are taken by one thread in the order of the rows, so the trees do not depend on the machine.
//! Source: Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29(5), 2001, with the
//! second-order leaves of Chen and Guestrin, "XGBoost", KDD 2016.

use crate::control::Control;
use crate::error::Result;
use crate::parallel;

/// The most bins of a feature.
const BINS: usize = 64;
/// Leaves' values before shrinking stay within this, so that no leaf without a count runs away.
const MOST_STEP: f64 = 2.0;

/// Parameters of the trees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boost {
    /// The number of trees.
    pub trees: usize,
    /// Splits from the root to a leaf, at most 8.
    pub depth: u32,
    /// Share of each leaf's step that is taken.
    pub rate: f64,
    /// Expected counts that are added to each leaf's, as if it had been right so far (L2).
    pub ridge: f64,
    /// The fewest expected counts of a leaf.
    pub least: f64,
}

/// One row for the regression to learn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// What was counted.
    pub count: f32,
    /// How often it could have been.
    pub chances: f32,
}

#[derive(Debug, Clone, Copy)]
struct Split {
    feature: usize,
    /// Rows of a larger value go right.
    most: f32,
}

/// Fitted trees.
#[derive(Debug, Clone)]
pub struct Trees {
    start: f64,
    depth: u32,
    /// Inner nodes by level, then leaves, of one tree after another.
    splits: Vec<Option<Split>>,
    leaves: Vec<f32>,
}

impl Boost {
    /// Learns `ln(count / chances)` from rows of `features` values each.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`].
    pub fn fit(&self, values: &[f32], features: usize, targets: &[Target], control: &Control) -> Result<Trees> {
        let sum = |of: fn(&Target) -> f32| targets.iter().map(|target| f64::from(of(target))).sum::<f64>();
        let (counts, chances) = (sum(|target| target.count), sum(|target| target.chances));
        let mut trees = Trees {
            // Half a count, so that a rate of nothing has a logarithm.
            start: libm::log((counts + 0.5) / (chances + 1.0)),
            depth: self.depth.min(8),
            splits: vec![],
            leaves: vec![],
        };
        if counts == 0.0 {
            return Ok(trees);
        }
        let columns: Vec<usize> = (0..features).collect();
        let columns = parallel::map(&columns, |feature| Column::new(values, features, *feature));
        let mut scores = vec![trees.start; targets.len()];
        for _ in 0..self.trees {
            control.check()?;
            self.grow(&mut trees, &columns, targets, &mut scores);
        }
        Ok(trees)
    }

    fn grow(&self, trees: &mut Trees, columns: &[Column], targets: &[Target], scores: &mut [f64]) {
        let steps: Vec<[f32; 2]> = targets
            .iter()
            .zip(scores.iter())
            .map(|(target, score)| {
                let expected = f64::from(target.chances) * libm::exp(*score);
                [(f64::from(target.count) - expected) as f32, expected as f32]
            })
            .collect();
        let mut nodes = vec![0u8; targets.len()];
        for level in 0..trees.depth {
            let found = self.split(columns, &nodes, &steps, 1 << level);
            for (row, node) in nodes.iter_mut().enumerate() {
                let right = found[usize::from(*node)]
                    .is_some_and(|(_, feature, bin)| usize::from(columns[feature].bins[row]) > bin);
                *node = 2 * *node + u8::from(right);
            }
            trees.splits.extend(found.into_iter().map(|split| {
                split.map(|(_, feature, bin)| Split {
                    feature,
                    most: columns[feature].bounds[bin],
                })
            }));
        }
        let mut sums = vec![[0f64; 2]; 1 << trees.depth];
        for (node, step) in nodes.iter().zip(&steps) {
            let sum = &mut sums[usize::from(*node)];
            sum[0] += f64::from(step[0]);
            sum[1] += f64::from(step[1]);
        }
        let leaves: Vec<f64> = sums
            .iter()
            .map(|[gradient, hessian]| self.rate * (gradient / (hessian + self.ridge)).clamp(-MOST_STEP, MOST_STEP))
            .collect();
        for (score, node) in scores.iter_mut().zip(&nodes) {
            *score += leaves[usize::from(*node)];
        }
        trees.leaves.extend(leaves.iter().map(|leaf| *leaf as f32));
    }

    /// The best split of each node: its gain, feature and the last bin that goes left. Ties go to the first feature and bin.
    fn split(
        &self,
        columns: &[Column],
        nodes: &[u8],
        steps: &[[f32; 2]],
        count: usize,
    ) -> Vec<Option<(f64, usize, usize)>> {
        let value = |gradient: f64, hessian: f64| gradient * gradient / (hessian + self.ridge);
        let by_feature = parallel::map(columns, |column| {
            let mut sums = vec![[0f64; 2]; count * BINS];
            for ((bin, node), step) in column.bins.iter().zip(nodes).zip(steps) {
                let sum = &mut sums[usize::from(*node) * BINS + usize::from(*bin)];
                sum[0] += f64::from(step[0]);
                sum[1] += f64::from(step[1]);
            }
            sums.chunks_exact(BINS)
                .map(|bins| {
                    let [all_g, all_h] = bins
                        .iter()
                        .fold([0.0, 0.0], |all, sum| [all[0] + sum[0], all[1] + sum[1]]);
                    let (mut left_g, mut left_h, mut best) = (0.0, 0.0, None);
                    for (bin, sum) in bins.iter().enumerate().take(column.bounds.len()) {
                        left_g += sum[0];
                        left_h += sum[1];
                        if left_h < self.least || all_h - left_h < self.least {
                            continue;
                        }
                        let gain = value(left_g, left_h) + value(all_g - left_g, all_h - left_h) - value(all_g, all_h);
                        if gain > best.map_or(1e-9, |(gain, _)| gain) {
                            best = Some((gain, bin));
                        }
                    }
                    best
                })
                .collect::<Vec<Option<(f64, usize)>>>()
        });
        let mut best: Vec<Option<(f64, usize, usize)>> = vec![None; count];
        for (feature, found) in by_feature.into_iter().enumerate() {
            for (best, found) in best.iter_mut().zip(found) {
                if let Some((gain, bin)) = found {
                    if best.is_none_or(|(most, ..)| gain > most) {
                        *best = Some((gain, feature, bin));
                    }
                }
            }
        }
        best
    }
}

impl Trees {
    /// The logarithm of the rate of a row of features.
    pub fn predict(&self, row: &[f32]) -> f64 {
        let leaves = 1usize << self.depth;
        let trees = self
            .splits
            .chunks_exact((leaves - 1).max(1))
            .zip(self.leaves.chunks_exact(leaves));
        let steps = trees.map(|(splits, leaves)| {
            let mut node = 0;
            for level in 0..self.depth {
                let split = splits[(1 << level) - 1 + node];
                node = 2 * node + usize::from(split.is_some_and(|split| row[split.feature] > split.most));
            }
            f64::from(leaves[node])
        });
        self.start + steps.sum::<f64>()
    }
}

/// One feature of all rows, in bins of about equal size.
struct Column {
    bins: Vec<u8>,
    /// The largest value of each bin but the last.
    bounds: Vec<f32>,
}

impl Column {
    fn new(values: &[f32], features: usize, feature: usize) -> Self {
        let column = || values.iter().skip(feature).step_by(features).copied();
        // Bounds from a part of the rows are as good.
        let stride = (column().len() / 50_000).max(1);
        let mut sorted: Vec<f32> = column().step_by(stride).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let mut bounds: Vec<f32> = (1..BINS).map(|bin| sorted[bin * (sorted.len() - 1) / BINS]).collect();
        bounds.dedup();
        // What lies above the last bound has a bin of its own.
        Column {
            bins: column()
                .map(|value| bounds.partition_point(|bound| *bound < value) as u8)
                .collect(),
            bounds,
        }
    }
}
