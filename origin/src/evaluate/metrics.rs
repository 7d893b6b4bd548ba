//! Ranking metrics with binary relevance, each as in the literature and in `trec_eval`.

/// Length of the lists that are ranked.
pub const DEPTH: usize = 20;
const SHORT: usize = 10;

/// Sums of metrics over queries; [`Metrics::mean`] gives the means.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Metrics {
    /// Number of queries.
    pub queries: usize,
    /// In the order of [`METRICS`].
    pub sums: Values,
}

/// One value of each metric, in the order of [`METRICS`].
pub type Values = [f64; METRICS.len()];

/// Names of the metrics.
pub const METRICS: [&str; 12] = [
    "precision@10",
    "precision@20",
    "recall@10",
    "recall@20",
    "hit_rate@10",
    "hit_rate@20",
    "map@10",
    "map@20",
    "mrr@10",
    "mrr@20",
    "ndcg@10",
    "ndcg@20",
];
/// Position of NDCG@20, which training maximizes.
pub const NDCG: usize = 11;

/// The metrics of one query, in the order of [`METRICS`]: `hits` says for each place of the list whether its item is
/// relevant, `relevant` how many items are.
pub fn values(hits: &[bool], relevant: usize) -> Values {
    let hit = |k: usize| f64::from(u8::from(hits.iter().take(k).any(|hit| *hit)));
    [
        precision(hits, SHORT),
        precision(hits, DEPTH),
        recall(hits, relevant, SHORT),
        recall(hits, relevant, DEPTH),
        hit(SHORT),
        hit(DEPTH),
        average_precision(hits, relevant, SHORT),
        average_precision(hits, relevant, DEPTH),
        reciprocal_rank(hits, SHORT),
        reciprocal_rank(hits, DEPTH),
        ndcg(hits, relevant, SHORT),
        ndcg(hits, relevant, DEPTH),
    ]
}

impl Metrics {
    /// Counts one query's [`values`].
    pub fn count(&mut self, values: &Values) {
        self.queries += 1;
        self.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }

    /// Adds the sums of other queries.
    pub fn add(&mut self, other: &Metrics) {
        self.queries += other.queries;
        self.sums
            .iter_mut()
            .zip(other.sums)
            .for_each(|(sum, value)| *sum += value);
    }

    /// Means over the queries; 0 where there are none.
    pub fn mean(&self) -> Values {
        self.sums.map(|sum| sum / self.queries.max(1) as f64)
    }
}

fn hits_at(hits: &[bool], k: usize) -> usize {
    hits.iter().take(k).filter(|hit| **hit).count()
}

/// Share of the first `k` places that are relevant.
fn precision(hits: &[bool], k: usize) -> f64 {
    hits_at(hits, k) as f64 / k as f64
}

/// Share of the relevant items among the first `k`.
fn recall(hits: &[bool], relevant: usize, k: usize) -> f64 {
    if relevant == 0 {
        return 0.0;
    }
    hits_at(hits, k) as f64 / relevant as f64
}

/// Mean over the relevant items of the precision at each one's place, 0 for those below `k`.
fn average_precision(hits: &[bool], relevant: usize, k: usize) -> f64 {
    let mut found = 0;
    let mut sum = 0.0;
    for (place, _) in hits.iter().take(k).enumerate().filter(|(_, hit)| **hit) {
        found += 1;
        sum += f64::from(found) / (place + 1) as f64;
    }
    sum / relevant.max(1) as f64
}

/// Discounted cumulative gain over the best that can be had; Järvelin and Kekäläinen, ACM TOIS 20(4), 2002.
fn ndcg(hits: &[bool], relevant: usize, k: usize) -> f64 {
    let gain = |place: usize| 1.0 / libm::log2(place as f64 + 2.0);
    let ideal: f64 = (0..relevant.min(k)).map(gain).sum();
    let got: f64 = hits
        .iter()
        .take(k)
        .enumerate()
        .filter(|(_, hit)| **hit)
        .map(|(place, _)| gain(place))
        .sum();
    if ideal > 0.0 {
        got / ideal
    } else {
        0.0
    }
}

/// One over the place of the first relevant item, 0 below `k`.
fn reciprocal_rank(hits: &[bool], k: usize) -> f64 {
    hits.iter()
        .take(k)
        .position(|hit| *hit)
        .map_or(0.0, |place| 1.0 / (place + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_worked_by_hand() {
        // Relevant: 4 items, of which places 1, 3 and 12 show three.
        let mut hits = [false; 20];
        [0, 2, 11].iter().for_each(|place| hits[*place] = true);
        let value = |name: &str| {
            let at = METRICS.iter().position(|metric| *metric == name).unwrap();
            values(&hits, 4)[at]
        };
        let gain = |place: f64| 1.0 / libm::log2(place + 1.0);
        let ideal: f64 = [1.0, 2.0, 3.0, 4.0].map(gain).iter().sum();
        for (name, expected) in [
            ("precision@10", 0.2),
            ("precision@20", 0.15),
            ("recall@10", 0.5),
            ("recall@20", 0.75),
            ("hit_rate@10", 1.0),
            ("map@10", (1.0 + 2.0 / 3.0) / 4.0),
            ("map@20", (1.0 + 2.0 / 3.0 + 3.0 / 12.0) / 4.0),
            ("mrr@20", 1.0),
            ("ndcg@10", 1.5 / ideal),
            ("ndcg@20", (1.5 + gain(12.0)) / ideal),
        ] {
            assert!((value(name) - expected).abs() < 1e-12, "{name}: {}", value(name));
        }
    }

    #[test]
    fn nothing_found_is_zero_and_all_found_is_one() {
        assert_eq!(values(&[false; 20], 3), [0.0; METRICS.len()]);
        let all = values(&[true; 20], 20);
        // Of twenty relevant items ten places can show half.
        let half = [2, 6];
        for (at, value) in all.iter().enumerate() {
            assert_eq!(*value, if half.contains(&at) { 0.5 } else { 1.0 }, "{}", METRICS[at]);
        }
        let mut metrics = Metrics::default();
        metrics.count(&all);
        metrics.count(&[0.0; METRICS.len()]);
        assert_eq!(metrics.mean()[NDCG], 0.5);
    }
}
