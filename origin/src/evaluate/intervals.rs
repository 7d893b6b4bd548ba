//! How sure means are: bootstrap over users, and paired tests of two snapshots on the same queries.
//!
//! Users are drawn, not queries, since the queries of one user are alike (Sakai, "Laboratory experiments in information
//! retrieval", 2018). Invariant: seeded, and fixed units of work, so that equal values give equal intervals.

use super::metrics::{Values, METRICS};
use super::queries::Query;
use crate::parallel;
use rand_pcg::rand_core::RngCore;
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

/// How many samples are drawn.
pub const SAMPLES: usize = 1_000;
/// Samples per unit of parallel work.
const CHUNK: usize = 50;
const SEED: u128 = 0x706f_636b;

/// Bounds between which 95 of 100 samples lie, for each of [`METRICS`].
pub type Interval = [[f64; 2]; METRICS.len()];

/// Whether one snapshot is better than another.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Mean difference, in the order of [`METRICS`].
    pub difference: Values,
    /// Its 95% interval by paired bootstrap over users.
    pub interval: Interval,
    /// How often a difference at least as large comes of throwing the dice for each user's sign (two-sided randomization test).
    pub p: Values,
    /// Users for whom this snapshot's lists are better, by metric.
    pub better: [usize; METRICS.len()],
    /// Users for whom the other's are.
    pub worse: [usize; METRICS.len()],
    /// Two-sided sign test of these two numbers.
    pub sign_p: Values,
}

/// Sums of a user's queries.
type Sums = (f64, Values);

/// Sums by user, in the order of the first query.
fn by_user<'a>(queries: &[Query], values: impl Iterator<Item = Values> + 'a) -> Vec<Sums> {
    let mut order: Vec<(u32, Values)> = queries.iter().map(|query| query.user).zip(values).collect();
    order.sort_by_key(|(user, _)| *user);
    order
        .chunk_by(|a, b| a.0 == b.0)
        .map(|queries| {
            let mut sums = [0.0; METRICS.len()];
            queries.iter().for_each(|(_, values)| add(&mut sums, values, 1.0));
            (queries.len() as f64, sums)
        })
        .collect()
}

fn add(sums: &mut Values, values: &Values, factor: f64) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += value * factor);
}

/// Applies `sample` to a generator of its own for each sample, on all threads.
fn samples(salt: u64, sample: impl Fn(&mut Pcg64Mcg) -> Values + Sync) -> Vec<Values> {
    let chunks: Vec<u64> = (0..SAMPLES.div_ceil(CHUNK) as u64).collect();
    let drawn = parallel::map(&chunks, |chunk| {
        let mut random = Pcg64Mcg::new(SEED << 64 | u128::from(salt << 32 | chunk));
        (0..CHUNK).map(|_| sample(&mut random)).collect::<Vec<Values>>()
    });
    drawn.into_iter().flatten().collect()
}

/// A number below `end`, which is below 2³².
fn below(random: &mut Pcg64Mcg, end: usize) -> usize {
    (((random.next_u64() >> 32) * end as u64) >> 32) as usize
}

/// Means of users drawn with replacement.
fn bootstrap(users: &[Sums]) -> Interval {
    let means = samples(0, |random| {
        let (mut queries, mut sums) = (0.0, [0.0; METRICS.len()]);
        for _ in 0..users.len() {
            let (number, values) = &users[below(random, users.len())];
            queries += number;
            add(&mut sums, values, 1.0);
        }
        sums.map(|sum| sum / f64::max(queries, 1.0))
    });
    std::array::from_fn(|metric| {
        let mut values: Vec<f64> = means.iter().map(|means| means[metric]).collect();
        values.sort_unstable_by(f64::total_cmp);
        [values[SAMPLES / 40], values[SAMPLES - 1 - SAMPLES / 40]]
    })
}

/// 95% intervals of the means.
pub fn interval(queries: &[Query], values: &[Values]) -> Interval {
    bootstrap(&by_user(queries, values.iter().copied()))
}

/// Compares two snapshots' values of the same queries.
pub fn compare(queries: &[Query], ours: &[Values], theirs: &[Values]) -> Comparison {
    let differences = ours
        .iter()
        .zip(theirs)
        .map(|(a, b)| std::array::from_fn(|metric| a[metric] - b[metric]));
    let users = by_user(queries, differences);
    let mut total = [0.0; METRICS.len()];
    users.iter().for_each(|(_, sums)| add(&mut total, sums, 1.0));
    let flipped = samples(1, |random| {
        let (mut sums, mut bits) = ([0.0; METRICS.len()], 0);
        for (place, (_, values)) in users.iter().enumerate() {
            if place % 64 == 0 {
                bits = random.next_u64();
            }
            add(
                &mut sums,
                values,
                if bits >> (place % 64) & 1 == 1 { 1.0 } else { -1.0 },
            );
        }
        sums
    });
    let count = |metric: usize, positive: bool| {
        let better = |sums: &&Sums| {
            if positive {
                sums.1[metric] > 1e-12
            } else {
                sums.1[metric] < -1e-12
            }
        };
        users.iter().filter(better).count()
    };
    let (better, worse) = (
        std::array::from_fn(|metric| count(metric, true)),
        std::array::from_fn(|metric| count(metric, false)),
    );
    Comparison {
        difference: total.map(|sum| sum / queries.len().max(1) as f64),
        interval: bootstrap(&users),
        p: std::array::from_fn(|metric| {
            let as_large = |sums: &&Values| sums[metric].abs() >= total[metric].abs() - 1e-12;
            (1 + flipped.iter().filter(as_large).count()) as f64 / (1 + SAMPLES) as f64
        }),
        sign_p: std::array::from_fn(|metric| sign_test(better[metric], worse[metric])),
        better,
        worse,
    }
}

/// How often a fair coin falls at least as unevenly: exactly for few throws, by the normal distribution beyond.
fn sign_test(heads: usize, tails: usize) -> f64 {
    let (n, least) = (heads + tails, heads.min(tails));
    if n > 1_000 {
        let z = ((n as f64 / 2.0 - least as f64) - 0.5).max(0.0) / (libm::sqrt(n as f64) / 2.0);
        return libm::erfc(z / std::f64::consts::SQRT_2);
    }
    let log_half = libm::log(0.5) * n as f64;
    let choose =
        |k: usize| libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0);
    let tail: f64 = (0..=least).map(|k| libm::exp(choose(k) + log_half)).sum();
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrank::Profile;

    fn query(user: u32) -> Query {
        Query {
            profile: Profile::default(),
            now: 0,
            relevant: vec![0],
            exclude: vec![],
            user,
            country: None,
            new_visitor: false,
        }
    }

    #[test]
    fn sign_test_worked_by_hand() {
        // Of five throws none or all heads: two of 32.
        assert!((sign_test(5, 0) - 2.0 / 32.0).abs() < 1e-12);
        assert!((sign_test(3, 1) - 10.0 / 16.0).abs() < 1e-12);
        assert_eq!(sign_test(0, 0), 1.0);
        assert!((sign_test(520, 481) - 0.2297).abs() < 1e-3);
    }

    #[test]
    fn users_are_drawn_and_not_queries() {
        // One user's hundred queries are all 1, another's all 0: the mean may be anything from 0 to 1.
        let queries: Vec<Query> = (0..200).map(|n| query(n / 100)).collect();
        let values: Vec<Values> = (0..200)
            .map(|n| [f64::from(u8::from(n < 100)); METRICS.len()])
            .collect();
        assert_eq!(interval(&queries, &values)[0], [0.0, 1.0]);
        let each: Vec<Query> = (0..200).map(query).collect();
        let [low, high] = interval(&each, &values)[0];
        // Standard error of a share of one half of 200: .0354.
        assert!(
            (low - 0.4307).abs() < 0.02 && (high - 0.5693).abs() < 0.02,
            "{low} {high}"
        );
    }

    #[test]
    fn a_difference_is_told_from_chance() {
        let queries: Vec<Query> = (0..100).map(query).collect();
        let of = |value: fn(u32) -> f64| -> Vec<Values> { (0..100).map(|n| [value(n); METRICS.len()]).collect() };
        let (a, b) = (
            of(|n| 0.5 + f64::from(n % 10) / 100.0),
            of(|n| 0.48 + f64::from(n % 7) / 100.0),
        );
        let better = compare(&queries, &a, &b);
        assert!(
            better.difference[0] > 0.0 && better.p[0] < 0.01 && better.interval[0][0] > 0.0,
            "{better:?}"
        );
        let same = compare(&queries, &a, &a);
        assert_eq!((same.difference[0], same.p[0], same.sign_p[0]), (0.0, 1.0, 1.0));
        assert_eq!((same.better[0], same.worse[0]), (0, 0));
        let noise = compare(&queries, &of(|n| f64::from(n % 2)), &of(|n| f64::from((n + 1) % 2)));
        assert!(noise.p[0] > 0.5 && noise.interval[0][0] < 0.0 && noise.interval[0][1] > 0.0);
    }
}
