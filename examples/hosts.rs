//! Many hosts that follow an origin, in virtual time: what they fetch, how old their models are, and whether they all come at once after
//! the origin was out. `cargo run --release --example hosts --features pack,sign -- [--hosts N] [--days N] [--snapshot-bytes N]
//! [--delta-bytes N] [--interval SECONDS] [--seed N]` prints a row for each case, as JSON.
//!
//! The plans, manifests, signatures and deltas are the real ones. Snapshots are small, so that thousands of hosts are simulated in seconds; the
//! manifests say that they and the deltas have as many bytes as the command line says, and these are what is counted.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used
)]

#[path = "../tests/support/mod.rs"]
mod support;

use pocketrank::pack::SnapshotBuilder;
use pocketrank::sync::{Answer, Held, Kind, Settings, Step, Sync};
use pocketrank::{diff, Blob, Link, Manifest, Snapshot, Target, Trust};
use serde_json::{json, Value};
use std::collections::HashMap;
use support::manifests::{blob, keys, trust};
use support::{builder, Rng};

const DAY: u64 = 86_400_000;
const HOUR: u64 = DAY / 24;
/// When the first day begins, in milliseconds since 1970-01-01 UTC, and at which time of each day a model is published.
const START: u64 = 1_700_006_400_000;
const PUBLISHED: u64 = 3 * HOUR;
/// Bytes of a request and the head of its answer.
const HEAD: u64 = 400;
/// How often the age of a model is taken while a host runs.
const SAMPLE: u64 = HOUR / 6;

struct Arguments {
    hosts: usize,
    days: usize,
    snapshot: u32,
    delta: u32,
    interval: u32,
    seed: u64,
}

impl Arguments {
    fn read() -> Self {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let mut values = HashMap::new();
        for pair in words.chunks(2) {
            let [name, value] = pair else {
                panic!("{pair:?} has no value")
            };
            values.insert(name.as_str(), value.parse::<u64>().expect("values are whole numbers"));
        }
        let mut take = |name, default| values.remove(name).unwrap_or(default);
        let arguments = Arguments {
            hosts: take("--hosts", 10_000) as usize,
            days: take("--days", 30) as usize,
            snapshot: take("--snapshot-bytes", 700_000) as u32,
            delta: take("--delta-bytes", 15_000) as u32,
            interval: take("--interval", 3_600) as u32,
            seed: take("--seed", 1),
        };
        assert!(values.is_empty(), "not known: {values:?}");
        arguments
    }
}

/// What is published each day: the manifest, and where all that it names is.
struct Origin {
    trust: Trust,
    manifests: Vec<Vec<u8>>,
    bodies: HashMap<String, Vec<u8>>,
    stored: HashMap<[u8; 32], Vec<u8>>,
    days: HashMap<[u8; 16], usize>,
}

impl Origin {
    fn new(arguments: &Arguments) -> Self {
        let rng = &mut Rng(arguments.seed);
        let mut model = SnapshotBuilder {
            factors: None,
            content: None,
            ..builder(rng, 60)
        };
        let (mut bodies, mut stored, mut days) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (mut manifests, mut links, mut before) = (vec![], vec![], None::<Vec<u8>>);
        for day in 0..=arguments.days {
            model.meta.trained_until += 86_400;
            model.prior[day % 60].popularity ^= 0x55;
            let bytes = model.clone().build().unwrap();
            let mut put = |bytes: &[u8], end: &str, transfer: u32| {
                let blob = Blob {
                    transfer,
                    ..blob(bytes, end)
                };
                bodies.insert(blob.url.clone(), bytes.to_vec());
                stored.insert(blob.sha256, bytes.to_vec());
                blob
            };
            let snapshot = Snapshot::open(bytes.as_slice()).unwrap();
            if let Some(before) = &before {
                let base = Snapshot::open(before.as_slice()).unwrap();
                links.push(Link {
                    base: base.id(),
                    target: snapshot.id(),
                    blob: put(&diff(&base, &snapshot).unwrap(), "delta", arguments.delta),
                });
            }
            days.insert(snapshot.id().0, day);
            let issued = (START + day as u64 * DAY) / 1_000;
            let manifest = Manifest {
                audience: trust().audience,
                sequence: day as u32 + 1,
                issued,
                expires: issued + 7 * 86_400,
                snapshot: Target {
                    id: snapshot.id(),
                    blob: put(&bytes, "bin", arguments.snapshot),
                },
                deltas: links.clone(),
                files: vec![],
                keys: vec![],
            };
            manifests.push(manifest.sign(&keys()[..1]).unwrap());
            before = Some(bytes);
        }
        Origin {
            trust: trust(),
            manifests,
            bodies,
            stored,
            days,
        }
    }

    /// The day that is current at that time.
    fn day(&self, now: u64) -> usize {
        ((now.saturating_sub(START + PUBLISHED) / DAY) as usize).min(self.manifests.len() - 1)
    }

    /// When the first model newer than that day's was published.
    fn outdated(&self, day: usize) -> u64 {
        START + PUBLISHED + (day as u64 + 1) * DAY
    }
}

/// What is counted over all hosts.
struct Counts {
    bytes: u64,
    requests: u64,
    deltas: u64,
    snapshots: u64,
    minutes: Vec<u32>,
    /// Ages in seconds: while a host runs, and when it starts.
    ages: Vec<u32>,
    first_ages: Vec<u32>,
}

/// When a host runs, and whether the origin is out.
struct Case<'a> {
    origin: &'a Origin,
    settings: Settings,
    outage: Option<(u64, u64)>,
    end: u64,
}

/// What a host keeps from one visit to the next.
#[derive(Default)]
struct Kept {
    manifest: Option<Vec<u8>>,
    blobs: Vec<[u8; 32]>,
    checked: Option<u64>,
    cached: Option<usize>,
}

impl Case<'_> {
    /// Runs a host from one time to another.
    fn run(&self, kept: &mut Kept, from: u64, to: u64, seed: u64, counts: &mut Counts) {
        let (origin, mut now) = (self.origin, from);
        let held = Held {
            manifest: kept.manifest.clone(),
            blobs: kept.blobs.clone(),
            snapshot: None,
            checked: kept.checked,
        };
        let mut sync = Sync::new(origin.trust.clone(), held, self.settings.clone(), seed);
        let mut using: Option<(usize, Vec<u8>)> = None;
        let mut sampled = from;
        let mut started = false;
        while now < to.min(self.end) {
            let answer = match sync.next(now) {
                Step::Wait { until } => {
                    let next = until.min(to).min(self.end);
                    if let Some((day, _)) = &using {
                        let age = |at: u64| (at.saturating_sub(origin.outdated(*day)) / 1_000) as u32;
                        while sampled <= next {
                            counts
                                .ages
                                .push(if *day == origin.day(sampled) { 0 } else { age(sampled) });
                            sampled += SAMPLE;
                        }
                    }
                    now = next;
                    continue;
                }
                Step::Fetch(request) => {
                    counts.requests += 1;
                    counts.minutes[((now - START) / 60_000) as usize] += 1;
                    let (kind, url) = (request.kind, request.url.to_string());
                    now += 100;
                    counts.bytes += HEAD;
                    if self.outage.is_some_and(|(begin, end)| (begin..end).contains(&now)) {
                        Answer::Status {
                            status: 503,
                            retry_after: None,
                        }
                    } else if kind == Kind::Manifest {
                        let day = origin.day(now);
                        if kept.cached != Some(day) {
                            counts.bytes += origin.manifests[day].len() as u64;
                            kept.cached = Some(day);
                        }
                        body(&origin.manifests[day])
                    } else {
                        let snapshot = kind == Kind::Snapshot;
                        counts.snapshots += u64::from(snapshot);
                        counts.deltas += u64::from(!snapshot);
                        body(&origin.bodies[&url])
                    }
                }
                Step::Load(sha256) => body(&origin.stored[sha256]),
                Step::Apply => {
                    sync.apply(now, &using.as_ref().unwrap().1);
                    continue;
                }
                Step::Store { sha256, .. } => {
                    kept.blobs.push(*sha256);
                    Answer::Done
                }
                Step::Commit(bytes) => {
                    kept.manifest = Some(bytes.to_vec());
                    Answer::Done
                }
                Step::Swap(manifest) => {
                    let day = origin.days[&manifest.snapshot.id.0];
                    let bytes = sync.take_snapshot().unwrap();
                    if !std::mem::replace(&mut started, true) && kept.checked.is_some() {
                        let old = day != origin.day(now);
                        counts.first_ages.push(if old {
                            ((now - origin.outdated(day)) / 1_000) as u32
                        } else {
                            0
                        });
                    }
                    using = Some((day, bytes));
                    Answer::Done
                }
                Step::Forget { keep } => {
                    kept.blobs.retain(|sha256| keep.contains(sha256));
                    Answer::Done
                }
            };
            sync.answer(now, answer);
            kept.checked = sync.checked();
        }
        while let Some(report) = sync.next_report() {
            let expected = ["updated", "status", "expired"];
            assert!(expected.contains(&report.code()), "{report:?}");
        }
    }
}

fn body(bytes: &[u8]) -> Answer {
    Answer::Body {
        bytes: bytes.to_vec(),
        etag: None,
    }
}

/// Visits of a browser: some come several times a day, most every few days, few of them at night, each for some minutes.
fn visits(rng: &mut Rng, end: u64) -> Vec<(u64, u64)> {
    // From three times a day to once a month, all orders of magnitude alike.
    let between = 8.0 * 90f64.powf(f64::from(rng.unit()));
    let mut visits = Vec::new();
    let mut now = START as f64 + between * f64::from(rng.unit()) * HOUR as f64;
    while (now as u64) < end {
        let from = now as u64;
        let hour = (from - START) / HOUR % 24;
        let night = (1..7).contains(&hour) && rng.below(5) > 0;
        let lasts = 60_000.0 * 60f64.powf(f64::from(rng.unit()));
        if !night {
            visits.push((from, from + lasts as u64));
        }
        let gap = -f64::from(1.0 - rng.unit()).max(1e-6).ln() * between;
        now += lasts + gap * HOUR as f64;
    }
    visits
}

fn percentile(ages: &mut [u32], share: f64) -> f64 {
    ages.sort_unstable();
    let at = (ages.len() as f64 * share) as usize;
    let hours = ages.get(at).map_or(0.0, |age| f64::from(*age) / 3_600.0);
    (hours * 100.0).round() / 100.0
}

/// One row: all hosts run, always or as visits come.
fn row(
    arguments: &Arguments,
    origin: &Origin,
    name: &str,
    with_deltas: bool,
    always: bool,
    outage: Option<(u64, u64)>,
) -> (Value, u64) {
    let end = START + arguments.days as u64 * DAY;
    let settings = Settings {
        with_deltas,
        interval: arguments.interval,
        max_backoff: arguments.interval,
        ..Settings::default()
    };
    let case = Case {
        origin,
        settings,
        outage,
        end,
    };
    let mut counts = Counts {
        bytes: 0,
        requests: 0,
        deltas: 0,
        snapshots: 0,
        minutes: vec![0; arguments.days * 24 * 60 + 1],
        ages: vec![],
        first_ages: vec![],
    };
    for host in 0..arguments.hosts {
        let rng = &mut Rng(arguments.seed.wrapping_mul(1 << 32) + host as u64);
        let times = match always {
            // All begin within an hour.
            true => vec![(START + rng.next() % HOUR, end)],
            false => visits(rng, end),
        };
        let mut kept = Kept::default();
        for (from, to) in times {
            case.run(&mut kept, from, to, rng.next(), &mut counts);
        }
    }
    counts.bytes += counts.deltas * u64::from(arguments.delta) + counts.snapshots * u64::from(arguments.snapshot);
    // The first two hours, in which all begin, are not the mean.
    let minutes = &counts.minutes[120..];
    let mean = minutes.iter().map(|count| f64::from(*count)).sum::<f64>() / minutes.len() as f64;
    let peak = |from: u64, to: u64| {
        let minute = |at: u64| ((at.clamp(START, end) - START) / 60_000) as usize;
        let most = counts.minutes[minute(from)..minute(to)]
            .iter()
            .max()
            .copied()
            .unwrap_or_default();
        (f64::from(most) / mean * 100.0).round() / 100.0
    };
    let (begin, over) = outage.unwrap_or((end, end));
    let value = json!({
        "case": name,
        "hosts": arguments.hosts,
        "days": arguments.days,
        "requests": counts.requests,
        "deltas": counts.deltas,
        "snapshots": counts.snapshots,
        "gigabytes": (counts.bytes as f64 / 1e7).round() / 100.0,
        "staleness_hours_p50": percentile(&mut counts.ages, 0.5),
        "staleness_hours_p99": percentile(&mut counts.ages, 0.99),
        "staleness_at_start_hours_p50": percentile(&mut counts.first_ages, 0.5),
        "staleness_at_start_hours_p99": percentile(&mut counts.first_ages, 0.99),
        "requests_per_second": (mean / 60.0 * 100.0).round() / 100.0,
        "peak_minute_to_mean_before": peak(START + 2 * HOUR, begin),
        "peak_minute_to_mean_during": peak(begin, over),
        "peak_minute_to_mean_after": peak(over, over + 6 * HOUR),
    });
    (value, counts.bytes)
}

fn main() {
    let arguments = Arguments::read();
    let origin = Origin::new(&arguments);
    // Over the time of a publication, so that all hosts have something to fetch when it ends.
    let begin = START + arguments.days as u64 / 2 * DAY;
    let outage = Some((begin, begin + 6 * HOUR));
    for (name, always) in [("browsers", false), ("servers", true)] {
        let (mut deltas, with) = row(&arguments, &origin, &format!("{name}, deltas"), true, always, None);
        let (whole, without) = row(
            &arguments,
            &origin,
            &format!("{name}, whole snapshots"),
            false,
            always,
            None,
        );
        deltas["share_of_bytes"] = json!((with as f64 / without as f64 * 1e4).round() / 1e4);
        println!("{deltas}\n{whole}");
    }
    let (value, _) = row(&arguments, &origin, "servers, deltas, 6 h outage", true, true, outage);
    println!("{value}");
}
