//! When to ask again: times that are spread by a seed, so that hosts that began together do not stay together.
//!
//! Invariant: no wait is longer than the interval, whatever the clock, the failures or a server say.

use super::Settings;

/// The first wait after a failure is drawn up to so many milliseconds; each further failure doubles it.
const FIRST: u64 = 30_000;
/// The shortest wait after a failure, and the shortest interval, in milliseconds.
const LEAST: u64 = 1_000;
/// A file that may be used for a shorter time is asked for no more often than so, in seconds.
const LEAST_TTL: u32 = 60;

/// When to ask, in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    until: u64,
    failures: u32,
    random: u64,
}

impl Clock {
    /// Asks at once.
    pub(super) fn new(seed: u64) -> Self {
        Clock {
            until: 0,
            failures: 0,
            random: seed,
        }
    }

    /// When it is time. A clock that was set back since does not make the wait longer.
    pub(super) fn until(&mut self, now: u64, interval: u64) -> u64 {
        self.until = self.until.min(now.saturating_add(interval));
        self.until
    }

    /// All went well at that time: the next question comes after half an interval to a whole one.
    pub(super) fn succeeded(&mut self, at: u64, interval: u64) {
        self.failures = 0;
        self.wait(at, interval / 2, interval);
    }

    /// Something failed: exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", 2015). What the server
    /// wishes is kept to, up to half an interval.
    pub(super) fn failed(&mut self, now: u64, retry_after: Option<u32>, interval: u64, settings: &Settings) {
        let doubled = FIRST.checked_shl(self.failures.min(32)).unwrap_or(u64::MAX);
        let most = u64::from(settings.max_backoff) * 1_000;
        self.failures = self.failures.saturating_add(1);
        let least = retry_after.map_or(LEAST, |seconds| u64::from(seconds) * 1_000);
        let least = least.clamp(LEAST, (interval / 2).max(LEAST));
        self.wait(
            now,
            least,
            least.saturating_add(doubled.min(most)).min(interval.max(LEAST)),
        );
    }

    /// Draws the time between those two from now.
    fn wait(&mut self, now: u64, least: u64, most: u64) {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let span = most.saturating_sub(least).saturating_add(1);
        self.until = now.saturating_add(least).saturating_add(z % span);
    }
}

/// The longest time between two questions in milliseconds: the interval, or less where a file may not be used for so long.
pub(super) fn interval(settings: &Settings, ttl: Option<u32>) -> u64 {
    let seconds = ttl.map_or(settings.interval, |ttl| ttl.max(LEAST_TTL).min(settings.interval));
    (u64::from(seconds) * 1_000).max(LEAST)
}
