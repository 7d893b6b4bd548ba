//! What this isolate has counted since it began, and how its model is.

use crate::model;
use pocketrank::edge::api::Health;
use pocketrank::edge::metrics::{Counters, Family, Gauge, SLOTS_KEPT};
use std::cell::RefCell;

thread_local! {
    static COUNTERS: RefCell<Counters> = const { RefCell::new(Counters::new()) };
}

/// Counts one of a family, by the values of its labels; empty ones where it has fewer than two.
pub fn count(family: &Family, values: [&'static str; 2]) {
    COUNTERS.with_borrow_mut(|counters| counters.count(family, values));
}

/// Counts a slot that keeps what upstream has in it.
pub fn kept(reason: &'static str) {
    count(&SLOTS_KEPT, [reason, ""]);
}

/// How the model in use is; `None` without one.
pub fn health() -> Option<Health> {
    let now = (js_sys::Date::now() / 1000.0) as u64;
    model::with(|model| Health::of(&model.manifest, model.snapshot(), now))
}

/// All of it, for Prometheus.
pub fn text() -> String {
    let health = health();
    let there = health.is_some().into();
    let mut gauges: Vec<Gauge> = vec![("pocketrank_model_loaded", "Whether this isolate has a model.", there)];
    if let Some(health) = health {
        gauges.extend([
            (
                "pocketrank_snapshot_sequence",
                "Number of the manifest in use.",
                health.sequence.into(),
            ),
            (
                "pocketrank_snapshot_age_seconds",
                "Seconds since the manifest in use was signed.",
                health.age,
            ),
            (
                "pocketrank_snapshot_expires_timestamp_seconds",
                "When the manifest in use should have been replaced.",
                health.expires,
            ),
            (
                "pocketrank_snapshot_trained_timestamp_seconds",
                "Day of the newest event that the model knows.",
                health.trained_until.into(),
            ),
            ("pocketrank_snapshot_items", "Items of the model.", health.items.into()),
        ]);
    }
    COUNTERS.with_borrow(|counters| counters.text(&gauges))
}
