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
    pub sums: [f64; METRICS.len()],
}

/// Names of the metrics.
pub const METRICS: [&str; 6] = [
    "precision@10",
    "recall@20",
    "map@20",
    "ndcg@10",
    "mrr@20",
    "hit_rate@10",
];
/// Position of NDCG@10, which training maximizes.
pub const NDCG: usize = 3;

impl Metrics {
    /// Counts one query: `hits` says for each place of the list whether its item is relevant, `relevant` how many items are.
    pub fn count(&mut self, hits: &[bool], relevant: usize) {
        self.queries += 1;
        let values = [
            precision(hits, SHORT),
            recall(hits, relevant, DEPTH),
            average_precision(hits, relevant, DEPTH),
            ndcg(hits, relevant, SHORT),
            reciprocal_rank(hits, DEPTH),
            f64::from(u8::from(hits.iter().take(SHORT).any(|hit| *hit))),
        ];
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
    pub fn mean(&self) -> [f64; METRICS.len()] {
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
        let mut metrics = Metrics::default();
        metrics.count(&hits, 4);
        let [precision, recall, map, ndcg, mrr, hit_rate] = metrics.mean();
        let ideal = 1.0 + 1.0 / libm::log2(3.0) + 0.5 + 1.0 / libm::log2(5.0);
        assert_eq!((precision, recall, mrr, hit_rate), (0.2, 0.75, 1.0, 1.0));
        assert!((map - (1.0 + 2.0 / 3.0 + 3.0 / 12.0) / 4.0).abs() < 1e-12);
        assert!((ndcg - 1.5 / ideal).abs() < 1e-12);
    }

    #[test]
    fn nothing_found_is_zero_and_all_found_is_one() {
        let mut none = Metrics::default();
        none.count(&[false; 20], 3);
        assert_eq!(none.mean(), [0.0; 6]);
        let mut all = Metrics::default();
        all.count(&[true; 20], 20);
        assert_eq!(all.mean(), [1.0; 6]);
    }
}
