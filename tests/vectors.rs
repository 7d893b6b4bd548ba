//! Factors and content against what their papers say, in floats: quantization may cost a little, and no more.
#![allow(clippy::needless_range_loop)]

use crate::support::{builder, id, profile, Rng, NOW};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::{item_hash, Event, EventKind, Ranker, Snapshot, ONCE, ONE};
use proptest::prelude::*;

const ITEMS: usize = 60;

/// A model whose history weighs every event alike, and a part of its scores for all rows.
fn parts(model: SnapshotBuilder, history: &[usize], part: &str) -> Vec<f64> {
    let mut model = model;
    model.blend.decay = vec![ONE];
    (model.blend.times, model.blend.cold) = (vec![ONCE], vec![ONE, ONE / 2]);
    for row in &mut model.blend.rows {
        row.recency = vec![ONE];
        (row.factors, row.content) = (1.0, 1.0);
    }
    let mut ranker = Ranker::new(Snapshot::open(model.build().unwrap()).unwrap());
    let event = |item: &usize| Event {
        item: item_hash(&id(*item)),
        at: NOW,
        kind: EventKind::ViewItem,
    };
    ranker.set_profile(&profile(&history.iter().map(event).collect::<Vec<_>>()), NOW);
    let value = |row| {
        let why = ranker.explain(row);
        f64::from(why.parts.iter().find(|found| found.name == part).unwrap().value)
    };
    (0..ITEMS as u32).map(value).collect()
}

/// `x` of `A x = b`, by Gauss's elimination with pivots.
fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n).max_by(|j, k| a[*j][i].abs().total_cmp(&a[*k][i].abs())).unwrap();
        a.swap(i, pivot);
        b.swap(i, pivot);
        for j in (0..n).filter(|j| *j != i) {
            let factor = a[j][i] / a[i][i];
            for k in i..n {
                a[j][k] -= factor * a[i][k];
            }
            b[j] -= factor * b[i];
        }
    }
    (0..n).map(|i| b[i] / a[i][i]).collect()
}

fn dot(a: &[f64], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * f64::from(*b)).sum()
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// A vector that is tiny beside the longest has few steps of its scale left.
fn least<'a>(rows: impl Iterator<Item = &'a [f32]>) -> f64 {
    largest(rows.map(|row| row.iter().map(|value| f64::from(value * value)).sum())) / 300.0
}

/// `largest` is that of what was added up: sums that cancel out leave the errors of rounding.
fn assert_near(got: &[f64], expected: &[f64], largest: f64) {
    const SHARE: f64 = 0.03;
    for (row, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            (got - expected).abs() <= SHARE * largest,
            "row {row}: {got}, expected {expected} (up to {largest})"
        );
    }
}

/// Distinct items, by the seed.
fn history(rng: &mut Rng, length: usize) -> Vec<usize> {
    let mut history: Vec<usize> = (0..length).map(|_| rng.below(ITEMS)).collect();
    history.sort_unstable();
    history.dedup();
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn folding_in_solves_the_equations(seed in any::<u64>(), length in 1usize..12) {
        let mut rng = Rng(seed);
        let model = builder(&mut rng, ITEMS);
        let history = history(&mut rng, length);
        let factors = model.factors.clone().unwrap();
        let gram = factors.gram.unwrap();
        let dims = factors.dims;
        let row = |item: usize| &factors.rows[item * dims..][..dims];
        let ridge = gram.ridge[history.len().min(gram.ridge.len()) - 1];
        let mut a = vec![vec![0.0; dims]; dims];
        let mut b = vec![0.0; dims];
        for i in 0..dims {
            a[i][i] = f64::from(ridge);
            for j in 0..dims {
                a[i][j] += f64::from(gram.matrix[i * dims + j]);
            }
        }
        let confidence = f64::from(gram.confidence);
        for item in &history {
            let q = row(*item);
            for i in 0..dims {
                b[i] += (1.0 + confidence) * f64::from(q[i]);
                for j in 0..dims {
                    a[i][j] += confidence * f64::from(q[i]) * f64::from(q[j]);
                }
            }
        }
        let solution = eliminate(a, b);
        let expected: Vec<f64> = (0..ITEMS).map(|item| dot(&solution, row(item))).collect();
        let largest = largest(expected.iter().copied()).max(least((0..ITEMS).map(row)));
        assert_near(&parts(model, &history, "factors"), &expected, largest);
    }

    #[test]
    fn without_a_matrix_it_is_the_mean_of_the_history(seed in any::<u64>(), length in 1usize..12) {
        let mut rng = Rng(seed);
        let mut model = builder(&mut rng, ITEMS);
        let history = history(&mut rng, length);
        let factors = model.factors.as_mut().unwrap();
        factors.gram = None;
        let (dims, rows) = (factors.dims, factors.rows.clone());
        let row = |item: usize| &rows[item * dims..][..dims];
        let mean = |i: usize| history.iter().map(|item| f64::from(row(*item)[i])).sum::<f64>() / history.len() as f64;
        let mean: Vec<f64> = (0..dims).map(mean).collect();
        let expected: Vec<f64> = (0..ITEMS).map(|item| dot(&mean, row(item))).collect();
        let each = |item: usize| -> f64 {
            let known = |known: &usize| row(*known).iter().zip(row(item)).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            history.iter().map(|item| known(item).abs()).sum::<f64>() / history.len() as f64
        };
        let largest = largest((0..ITEMS).map(each)).max(least((0..ITEMS).map(row)));
        assert_near(&parts(model, &history, "factors"), &expected, largest);
    }

    #[test]
    fn content_is_the_mean_likeness_to_the_history(seed in any::<u64>(), length in 1usize..12) {
        let mut rng = Rng(seed);
        let model = builder(&mut rng, ITEMS);
        let history = history(&mut rng, length);
        let content = model.content.clone().unwrap();
        let row = |item: usize| &content.rows[item * content.dims..][..content.dims];
        let product = |known: &usize, item: usize| row(*known).iter().zip(row(item)).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let cold = |item: usize| if model.prior[item].popularity < 16 { 1.0 } else { 0.5 };
        let mean = |item: usize, of: fn(f64) -> f64| {
            let sum: f64 = history.iter().map(|known| of(product(known, item))).sum();
            cold(item) * sum / history.len() as f64
        };
        let expected: Vec<f64> = (0..ITEMS).map(|item| mean(item, |product| product)).collect();
        let largest = largest((0..ITEMS).map(|item| mean(item, f64::abs)));
        assert_near(&parts(model.clone(), &history, "content"), &expected, largest);
    }
}
