//! Counters and gauges in Prometheus' text format, version 0.0.4.
//!
//! Invariant: a label's value is a text of the program, never one that came from outside, so that nothing of a visitor can be in one, and
//! there are no more series than the program can name.

use std::fmt::Write;

/// The media type of [`Counters::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is counted.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// The names of its labels, at most two.
    pub labels: &'static [&'static str],
}

/// Answers to page requests.
pub const PAGES: Family = Family {
    name: "pocketrank_pages_total",
    help: "Answers by how they were made: personalized, shared (no model, or no HTML), passed (not one of PAGES), off (by flag), failed.",
    labels: &["result"],
};
/// Slots that were filled.
pub const SLOTS_FILLED: Family = Family {
    name: "pocketrank_slots_filled_total",
    help: "Slots that were filled.",
    labels: &[],
};
/// Slots that keep what upstream has in them.
pub const SLOTS_KEPT: Family = Family {
    name: "pocketrank_slots_kept_total",
    help: "Slots that keep what upstream has in them, by reason.",
    labels: &["reason"],
};
/// Pages by what the cache had of them.
pub const CACHE: Family = Family {
    name: "pocketrank_page_cache_total",
    help: "Shared pages, by what the cache had of them.",
    labels: &["state"],
};
/// Calls of the API.
pub const API: Family = Family {
    name: "pocketrank_api_requests_total",
    help: "Calls of the API.",
    labels: &["route", "status"],
};
/// What following the origin came to.
pub const SYNC: Family = Family {
    name: "pocketrank_sync_total",
    help: "What following the origin reported, by the codes of docs/SYNC.md.",
    labels: &["code"],
};
/// What the origin was asked for.
pub const SYNC_ASKED: Family = Family {
    name: "pocketrank_sync_requests_total",
    help: "Requests to the origin, whatever came of them.",
    labels: &["kind"],
};
/// Lines of the log.
pub const LOG: Family = Family {
    name: "pocketrank_log_lines_total",
    help: "Lines of the log, by level and event.",
    labels: &["level", "event"],
};

/// All of them, in the order in which they are written.
const FAMILIES: [&Family; 8] = [
    &PAGES,
    &SLOTS_FILLED,
    &SLOTS_KEPT,
    &CACHE,
    &API,
    &SYNC,
    &SYNC_ASKED,
    &LOG,
];

/// What is measured when it is asked for: name, meaning and value.
pub type Gauge = (&'static str, &'static str, u64);

struct Series {
    family: &'static str,
    values: [&'static str; 2],
    count: u64,
}

/// What was counted so far.
#[derive(Default)]
pub struct Counters(Vec<Series>);

impl Counters {
    /// Nothing was counted yet.
    pub const fn new() -> Self {
        Counters(Vec::new())
    }

    /// Counts one. Values are those of the family's labels in their order, empty where it has fewer.
    pub fn count(&mut self, family: &Family, values: [&'static str; 2]) {
        let same = |series: &&mut Series| series.family == family.name && series.values == values;
        match self.0.iter_mut().find(same) {
            Some(series) => series.count += 1,
            None => self.0.push(Series {
                family: family.name,
                values,
                count: 1,
            }),
        }
    }

    /// What was counted, and these gauges.
    pub fn text(&self, gauges: &[Gauge]) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        for family in FAMILIES {
            let Family { name, help, labels } = family;
            let _ = writeln!(
                text,
                "# HELP {name} {help} Of this isolate, since it began.\n# TYPE {name} counter"
            );
            let mut series: Vec<_> = self.0.iter().filter(|series| series.family == *name).collect();
            series.sort_unstable_by_key(|series| series.values);
            if labels.is_empty() && series.is_empty() {
                let _ = writeln!(text, "{name} 0");
            }
            for Series { values, count, .. } in series {
                text.push_str(name);
                let mut before = '{';
                for (label, value) in labels.iter().zip(values) {
                    let _ = write!(text, "{before}{label}=\"{value}\"");
                    before = ',';
                }
                let _ = writeln!(text, "{} {count}", if before == ',' { "}" } else { "" });
            }
        }
        for (name, help, value) in gauges {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_written_by_family() {
        let mut counters = Counters::new();
        for _ in 0..3 {
            counters.count(&SLOTS_FILLED, ["", ""]);
        }
        counters.count(&API, ["rerank", "200"]);
        counters.count(&API, ["health", "503"]);
        counters.count(&API, ["rerank", "200"]);
        counters.count(&SLOTS_KEPT, ["flag", ""]);
        let text = counters.text(&[("pocketrank_snapshot_age_seconds", "Age.", 15)]);
        for line in [
            "pocketrank_slots_filled_total 3",
            "pocketrank_slots_kept_total{reason=\"flag\"} 1",
            "pocketrank_api_requests_total{route=\"health\",status=\"503\"} 1",
            "pocketrank_api_requests_total{route=\"rerank\",status=\"200\"} 2",
            "# TYPE pocketrank_snapshot_age_seconds gauge",
            "pocketrank_snapshot_age_seconds 15",
        ] {
            assert_eq!(
                text.lines().filter(|written| *written == line).count(),
                1,
                "{line}\n{text}"
            );
        }
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
    }

    #[test]
    fn families_have_names_of_their_own_and_at_most_two_labels() {
        for family in FAMILIES {
            assert!(family.name.starts_with("pocketrank_") && family.name.ends_with("_total"));
            assert!(!family.help.contains('\n') && family.labels.len() <= 2);
            assert_eq!(FAMILIES.iter().filter(|other| other.name == family.name).count(), 1);
        }
        assert!(Counters::new()
            .text(&[])
            .contains("\npocketrank_slots_filled_total 0\n"));
    }
}
