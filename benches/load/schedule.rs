//! When requests are due, and what the times of their answers say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Requests at equal distances, each taken by one connection.
pub struct Schedule {
    start: Instant,
    rate: f64,
    total: u64,
    taken: AtomicU64,
}

impl Schedule {
    /// `rate` requests a second for so many seconds.
    pub fn new(start: Instant, rate: f64, seconds: f64) -> Result<Self, String> {
        let total = rate * seconds;
        if !(rate > 0.0 && (1.0..1e9).contains(&total)) {
            return Err(format!("RATE and SECONDS make {total} requests, not one to a billion"));
        }
        Ok(Schedule {
            start,
            rate,
            total: total as u64,
            taken: AtomicU64::new(0),
        })
    }

    /// The next request, and when it is due; `None` when all are taken.
    pub fn take(&self) -> Option<(u64, Instant)> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        (number < self.total).then(|| (number, self.due(number)))
    }

    /// When the last is due.
    pub fn end(&self) -> Instant {
        self.due(self.total)
    }

    fn due(&self, number: u64) -> Instant {
        // From the start each time: what is rounded does not add up.
        self.start + Duration::from_secs_f64(number as f64 / self.rate)
    }
}

/// The least value that a share of all do not exceed, by nearest rank; `None` if there is none. `sorted` is in ascending order.
pub fn quantile(sorted: &[u64], share: f64) -> Option<u64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_equal_distances_whoever_takes_them() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 400.0, 2.5).unwrap();
        let mut taken: Vec<_> = std::thread::scope(|scope| {
            let taking: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| std::iter::from_fn(|| schedule.take()).collect::<Vec<_>>()))
                .collect();
            taking.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        taken.sort_unstable();
        assert_eq!(taken.len(), 1_000);
        for (at, (number, due)) in taken.into_iter().enumerate() {
            assert_eq!(number, at as u64);
            let expected = Duration::from_micros(2_500 * number);
            assert!((due - start).abs_diff(expected) < Duration::from_micros(1), "{number}");
        }
        assert_eq!(schedule.end() - start, Duration::from_millis(2_500));
    }

    #[test]
    fn a_schedule_has_requests() {
        for (rate, seconds) in [(0.0, 1.0), (-1.0, -1.0), (f64::NAN, 1.0), (1.0, 0.5), (1e9, 1e9)] {
            assert!(
                Schedule::new(Instant::now(), rate, seconds).is_err(),
                "{rate} {seconds}"
            );
        }
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let values: Vec<u64> = (1..=200).collect();
        for (share, expected) in [(0.0, 1), (0.5, 100), (0.501, 101), (0.99, 198), (1.0, 200)] {
            // Its definition.
            let least = values
                .iter()
                .find(|value| values.iter().filter(|other| other <= value).count() as f64 >= share * 200.0);
            assert_eq!(quantile(&values, share), least.copied());
            assert_eq!(quantile(&values, share), Some(expected), "{share}");
        }
        assert_eq!(quantile(&[7], 0.99), Some(7));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
