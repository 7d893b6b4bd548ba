//! What lists are beyond accuracy: how much of the catalogue they show, how unexpected, varied and evenly spread it is.

use super::run::{Bench, Ranking};
use super::segments::Known;
use pocketrank::AttributeRow;
use serde::Serialize;

/// Places of each list that count.
const PLACES: usize = 10;

/// Of the first ten places of all lists.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Beyond {
    /// Share of the catalogue's items that are shown at all.
    pub coverage: f64,
    /// Mean self-information of what is shown, in bits: minus the logarithm of the share of users who had to do with it
    /// (Zhou et al., PNAS 107(10), 2010). An item that nobody had to do with counts as one that one user had.
    pub novelty: f64,
    /// Mean over lists and pairs of their items of the share of known attributes (category, brand, price band) in which they differ
    /// (intra-list diversity; Ziegler et al., WWW 2005). Pairs without a known attribute in common do not count.
    pub diversity: Option<f64>,
    /// Gini coefficient of how often each item is shown: 0 where all are shown alike, towards 1 where few are shown always.
    pub gini: f64,
}

impl Beyond {
    /// Of one snapshot's lists.
    pub fn new<B: AsRef<[u8]> + Clone + Sync>(known: &Known, bench: &Bench<B>, ranking: &Ranking) -> Self {
        let snapshot = bench.ranker.snapshot();
        let mut shown = vec![0u64; snapshot.items() as usize];
        let (mut bits, mut places) = (0.0, 0u64);
        let (mut unlike, mut lists) = (0.0, 0u64);
        let attributes = snapshot.attributes();
        for list in &ranking.lists {
            let list = &list[..list.len().min(PLACES)];
            for row in list {
                shown[*row as usize] += 1;
                places += 1;
                let users = known.users.get(bench.item(*row) as usize).copied().unwrap_or(0);
                bits += libm::log2(f64::from(known.all.max(1)) / f64::from(users.max(1)));
            }
            let codes: Vec<AttributeRow> = list.iter().filter_map(|row| attributes?.get(*row)).collect();
            if let Some(of_list) = diversity(&codes) {
                unlike += of_list;
                lists += 1;
            }
        }
        let shown: Vec<u64> = bench.all().iter().map(|row| shown[*row as usize]).collect();
        Beyond {
            coverage: shown.iter().filter(|times| **times > 0).count() as f64 / shown.len().max(1) as f64,
            novelty: bits / places.max(1) as f64,
            diversity: (lists > 0).then(|| unlike / lists as f64),
            gini: gini(shown),
        }
    }
}

/// Mean unlikeness over the pairs that can be compared.
fn diversity(codes: &[AttributeRow]) -> Option<f64> {
    let (mut sum, mut pairs) = (0.0, 0u32);
    for (place, a) in codes.iter().enumerate() {
        for b in &codes[place + 1..] {
            let both = [
                (a.category, b.category),
                (a.brand, b.brand),
                (u16::from(a.price_band), u16::from(b.price_band)),
            ];
            let known = both.iter().filter(|(a, b)| *a != 0 && *b != 0);
            let (number, differ) = known.fold((0u32, 0u32), |(n, d), (a, b)| (n + 1, d + u32::from(a != b)));
            if number > 0 {
                sum += f64::from(differ) / f64::from(number);
                pairs += 1;
            }
        }
    }
    (pairs > 0).then(|| sum / f64::from(pairs))
}

/// Of non-negative amounts; 0 where there are none.
fn gini(mut amounts: Vec<u64>) -> f64 {
    amounts.sort_unstable();
    let n = amounts.len() as f64;
    let total: u64 = amounts.iter().sum();
    let weighted: f64 = (1u32..)
        .zip(&amounts)
        .map(|(i, x)| (2.0 * f64::from(i) - n - 1.0) * *x as f64)
        .sum();
    if total == 0 {
        0.0
    } else {
        weighted / (n * total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gini_worked_by_hand() {
        assert_eq!(gini(vec![5, 5, 5]), 0.0);
        assert_eq!(gini(vec![0, 0, 0, 8]), 0.75);
        // Mean difference of {1, 3} is 2 over twice the mean 2, times one half.
        assert_eq!(gini(vec![3, 1]), 0.25);
        assert_eq!(gini(vec![0, 0]), 0.0);
    }

    #[test]
    fn diversity_worked_by_hand() {
        let row = |category, brand, price_band| AttributeRow {
            category,
            brand,
            price_band,
        };
        // First and second differ in one of two known; neither can be compared with the third by brand.
        let codes = [row(1, 2, 0), row(1, 3, 0), row(2, 0, 0)];
        assert_eq!(diversity(&codes), Some((0.5 + 1.0 + 1.0) / 3.0));
        assert_eq!(diversity(&[row(0, 0, 0), row(1, 1, 1)]), None);
    }
}
