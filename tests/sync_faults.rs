//! The faults that a host meets, one by one and at every place, under virtual time: what is in use verifies after each step (`sync_host`
//! holds it to that), requests are few, and the newest model is reached once the fault has ended.

use crate::support::manifests::{keys, trust};
use crate::support::origin::{delta, snapshots, Origin, DAY, START};
use crate::support::sync_host::{Ask, Fault, Host, Storage};
use pocketrank::sync::{Answer, Failure, Kind, Settings};
use pocketrank::Manifest;
use std::sync::OnceLock;

const HOUR: u64 = 3_600_000;
/// The day that hosts hold when a fault begins, and the one that is current.
const HELD: usize = 1;
const CURRENT: usize = 3;

/// A host that holds day 1 and is due.
fn host(with_deltas: bool, seed: u64) -> Host {
    static HOLDS: OnceLock<Storage> = OnceLock::new();
    let holds = HOLDS.get_or_init(|| {
        let mut host = Host::new(Settings::default(), 1);
        host.settle(&Origin::at(HELD, 2));
        assert!(host.is_at(HELD));
        host.storage
    });
    let settings = Settings {
        with_deltas,
        ..Settings::default()
    };
    let mut host = Host::start(holds.clone(), START + HOUR, trust(), settings, seed);
    while !host.is_at(HELD) {
        host.step(&Origin::default(), &mut |_| None);
    }
    host.reports.clear();
    host
}

fn origin() -> &'static Origin {
    static CURRENT_ORIGIN: OnceLock<Origin> = OnceLock::new();
    CURRENT_ORIGIN.get_or_init(|| Origin::at(CURRENT, 4))
}

/// A fault that lasts for hours: what is held stays in use or gives way to the newest, and the newest is there once it has ended.
fn lasts(hours: u64, with_deltas: bool, fault: Fault<'_>) -> Host {
    let mut host = host(with_deltas, hours);
    let origin = origin();
    let end = host.now + hours * HOUR;
    while host.now < end {
        host.step(origin, fault);
        assert!(host.uses(HELD) || host.uses(CURRENT));
    }
    host.recovers(origin);
    assert!(host.is_at(CURRENT), "{:?}", host.codes());
    host
}

/// A fault that is met once, at the first request of that kind.
fn once(kind: Kind, with_deltas: bool, make: impl Fn(&[u8]) -> Answer) -> Host {
    let mut met = false;
    let host = lasts(1, with_deltas, &mut |ask| match ask {
        Ask::Fetch(asked, _, good) if asked == kind && !met => {
            met = true;
            Some(make(good))
        }
        _ => None,
    });
    assert!(met);
    host
}

fn body(bytes: Vec<u8>) -> Answer {
    Answer::Body { bytes, etag: None }
}

fn status(status: u16) -> Answer {
    Answer::Status {
        status,
        retry_after: None,
    }
}

fn count(host: &Host, kind: Kind) -> usize {
    host.requests.iter().filter(|(_, asked)| *asked == kind).count()
}

/// Every kind of answer, whether deltas are taken for it, and its length.
fn answers() -> [(Kind, bool, usize); 4] {
    let origin = origin();
    let manifest = Manifest::read(&origin.bodies[""], &trust()).unwrap();
    [
        (Kind::Manifest, true, origin.bodies[""].len()),
        (Kind::Delta, true, delta(1, 3).len()),
        (Kind::Snapshot, false, snapshots()[CURRENT].len()),
        (Kind::File, true, manifest.files[0].blob.bytes as usize),
    ]
}

#[test]
fn a_connection_cut_at_every_byte() {
    for (kind, with_deltas, length) in answers() {
        for at in 0..length {
            // Some hosts notice that the body is not whole, others take it for one.
            let host = once(kind, with_deltas, |good| body(good[..at].to_vec()));
            let code = match kind {
                Kind::Manifest => "truncated corrupt signature",
                Kind::Delta => "delta_refused",
                Kind::Snapshot => "snapshot_refused",
                Kind::File => "file_refused",
            };
            assert!(code.contains(host.codes()[0]), "{kind:?} at {at}: {:?}", host.codes());
        }
        let host = once(kind, with_deltas, |_| Answer::Failed(Failure::Network));
        assert_eq!(host.codes()[0], "network");
    }
}

#[test]
fn a_byte_changed_at_every_place() {
    for (kind, with_deltas, length) in answers() {
        for at in 0..length {
            once(kind, with_deltas, |good| {
                let mut bytes = good.to_vec();
                bytes[at] ^= 1 << (at % 8);
                body(bytes)
            });
        }
    }
}

#[test]
fn more_bytes_than_there_should_be() {
    for (kind, with_deltas, _) in answers() {
        let host = once(kind, with_deltas, |good| body([good, b"\0"].concat()));
        assert!(
            host.codes()[0].ends_with("refused") || kind == Kind::Manifest,
            "{:?}",
            host.codes()
        );
        // 10 GB are announced: the host gives up behind the limit.
        let host = once(kind, with_deltas, |_| Answer::Failed(Failure::TooLong));
        assert_eq!(host.codes()[0], "too_long");
        let empty = once(kind, with_deltas, |_| body(vec![]));
        assert!(!empty.codes().is_empty());
    }
}

#[test]
fn a_delta_that_is_gone_or_is_another_leads_to_the_whole_snapshot_at_once() {
    let gone = |make: fn() -> Answer| {
        let host = lasts(1, true, &mut |ask| match ask {
            Ask::Fetch(Kind::Delta, ..) => Some(make()),
            _ => None,
        });
        // Without waiting: all within the first attempt.
        let first = host.requests[0].0;
        let whole = host
            .requests
            .iter()
            .find(|(_, kind)| *kind == Kind::Snapshot)
            .unwrap()
            .0;
        assert!(whole - first < 1_000, "{} ms", whole - first);
        assert!(count(&host, Kind::Delta) <= 3 && count(&host, Kind::Snapshot) == 1);
    };
    gone(|| status(404));
    gone(|| status(410));
    gone(|| body(b"not a delta".to_vec()));
    gone(|| Answer::Failed(Failure::Redirected));
    gone(|| Answer::Failed(Failure::TooLong));
}

#[test]
fn a_delta_that_fails_for_the_time_being_is_tried_again_before_the_whole_snapshot_is() {
    let host = lasts(24, true, &mut |ask| match ask {
        Ask::Fetch(Kind::Delta, ..) => Some(status(503)),
        _ => None,
    });
    let kinds: Vec<_> = host
        .requests
        .iter()
        .map(|(_, kind)| *kind)
        .filter(|kind| *kind != Kind::Manifest)
        .collect();
    assert_eq!(kinds[..3], [Kind::Delta; 3]);
    assert_eq!(count(&host, Kind::Snapshot), 1);
}

#[test]
fn hosts_do_not_all_come_for_the_whole_snapshot_after_blobs_were_out() {
    let whole = (0..40).filter(|seed| {
        let mut host = host(true, *seed);
        let mut out =
            |ask: Ask<'_>| matches!(ask, Ask::Fetch(kind, ..) if kind != Kind::Manifest).then_some(status(503));
        host.run_until(host.now + 12 * HOUR, origin(), &mut out);
        assert!(count(&host, Kind::Snapshot) > 1, "it is tried");
        host.requests.clear();
        host.recovers(origin());
        assert!(host.is_at(CURRENT));
        count(&host, Kind::Snapshot) > 0
    });
    // One attempt in four is for the whole.
    let whole = whole.count();
    assert!((1..20).contains(&whole), "{whole} of 40");
}

#[test]
fn hosts_do_not_all_come_at_once_after_an_outage() {
    let window = HOUR / 6;
    let (out, back) = (START + 13 * HOUR, START + 19 * HOUR);
    let mut asked = vec![0usize; 25 * 6];
    let hosts = 400;
    for seed in 0..hosts {
        let mut host = host(true, seed);
        let held = Origin::at(HELD, 2);
        host.run_until(out, &held, &mut |_| None);
        host.run_until(back, origin(), &mut |ask| {
            matches!(ask, Ask::Fetch(..)).then_some(status(503))
        });
        host.run_until(back + 5 * HOUR, origin(), &mut |_| None);
        assert!(host.is_at(CURRENT));
        for (at, _) in host
            .requests
            .iter()
            .filter(|(at, kind)| *kind == Kind::Manifest && *at < back + 5 * HOUR)
        {
            asked[((at - START) / window) as usize] += 1;
        }
    }
    let of = |from: usize, to: usize| &asked[from * 6..to * 6];
    // From when their first questions are spread.
    let mean = of(4, 13).iter().sum::<usize>() as f64 / 54.0;
    let most = |from, to| *of(from, to).iter().max().unwrap() as f64 / mean;
    assert!(most(4, 13) < 1.4, "{}", most(4, 13));
    assert!(most(19, 24) < 2.0, "{}", most(19, 24));
    // While it is out hosts ask more often at first, then about as often as ever.
    assert!(
        most(13, 19) < 9.0 && most(16, 19) < 2.0,
        "{} {}",
        most(13, 19),
        most(16, 19)
    );
}

#[test]
fn a_delta_that_does_not_apply_leads_to_the_whole_snapshot() {
    // Rightly hashed and signed, but for another base, or none at all.
    for wrong in [delta(4, 5).to_vec(), b"PKRD".to_vec(), delta(HELD, 5).to_vec()] {
        let mut origin = origin().clone();
        let mut manifest = Manifest::read(&origin.bodies[""], &trust()).unwrap();
        for link in &mut manifest.deltas {
            link.blob = origin.put(&wrong, "delta");
            link.blob.transfer = 1;
        }
        origin.sign(&manifest, &keys()[..1]);
        let mut host = host(true, 1);
        host.settle(&origin);
        assert!(host.is_at(CURRENT));
        assert_eq!(host.codes().pop(), Some("updated"));
        let refused = host.codes().iter().filter(|code| **code == "delta_refused").count();
        assert!(
            refused + 1 == host.codes().len() && (1..=3).contains(&refused),
            "{:?}",
            host.codes()
        );
    }
    // The host cannot apply, for want of memory or of the base.
    let host = lasts(1, true, &mut |ask| {
        matches!(ask, Ask::Apply).then_some(Answer::NotStored)
    });
    assert_eq!(count(&host, Kind::Snapshot), 1);
}

#[test]
fn manifests_that_are_not_for_this_host_are_refused_and_named() {
    let [good, other] = keys();
    let signed = |change: &dyn Fn(&mut Manifest), keys: &[pocketrank::SecretKey]| {
        let mut manifest = Origin::default().publish(5, 100);
        change(&mut manifest);
        manifest.sign(keys).unwrap()
    };
    let mut wrong = signed(&|_| {}, std::slice::from_ref(&good));
    wrong[20] ^= 1;
    let no_page = b"<!doctype html><title>Log in</title>".to_vec();
    let cases = [
        ("signature", wrong),
        ("unsigned", signed(&|_| {}, &[other])),
        (
            "audience",
            signed(
                &|m| m.audience = "shop.example/staging".into(),
                std::slice::from_ref(&good),
            ),
        ),
        ("older", signed(&|m| m.sequence = 1, std::slice::from_ref(&good))),
        // The same sequence for something else.
        ("older", signed(&|m| m.sequence = 2, std::slice::from_ref(&good))),
        ("magic", no_page),
    ];
    for (code, bytes) in cases {
        let host = lasts(24, true, &mut |ask| match ask {
            Ask::Fetch(Kind::Manifest, ..) => Some(body(bytes.clone())),
            Ask::Fetch(..) => panic!("nothing that it names is fetched"),
            _ => None,
        });
        assert_eq!(host.codes()[0], code);
        let refused = host.codes().iter().filter(|c| **c == code).count();
        assert!((24..200).contains(&refused), "{refused} attempts in a day");
    }
}

#[test]
fn an_origin_that_is_out() {
    for with_deltas in [true, false] {
        for answer in [
            status(500),
            status(404),
            status(304),
            status(200),
            Answer::NotModified,
            Answer::Failed(Failure::Network),
            Answer::Failed(Failure::Timeout),
            Answer::Failed(Failure::Redirected),
            Answer::Done,
        ] {
            // Of everything, and of all but the manifest.
            for manifest in [true, false] {
                let host = lasts(48, with_deltas, &mut |ask| match ask {
                    Ask::Fetch(Kind::Manifest, ..) if manifest => Some(answer.clone()),
                    Ask::Fetch(kind, ..) if kind != Kind::Manifest => Some(answer.clone()),
                    _ => None,
                });
                let requests = host.requests.len();
                assert!(
                    (48..700).contains(&requests),
                    "{answer:?}: {requests} requests in two days"
                );
            }
        }
    }
}

#[test]
fn what_a_server_wishes_is_kept_to_within_bounds() {
    for (seconds, least) in [(0, 1_000), (600, 600_000), (1_800, 1_800_000), (u32::MAX, 1_800_000)] {
        let mut host = host(true, 1);
        let origin = origin();
        let busy = &mut |ask: Ask<'_>| {
            matches!(ask, Ask::Fetch(..)).then_some(Answer::Status {
                status: 503,
                retry_after: Some(seconds),
            })
        };
        for _ in 0..20 {
            host.step(origin, busy);
        }
        let times: Vec<_> = host.requests.iter().map(|(at, _)| *at).collect();
        for pair in times.windows(2) {
            assert!((least..=HOUR + 50).contains(&(pair[1] - pair[0])), "{pair:?}");
        }
        host.recovers(origin);
        assert!(host.is_at(CURRENT));
    }
}

#[test]
fn an_expired_manifest_is_used_and_reported() {
    let mut host = host(true, 1);
    let expired = Origin::at(HELD, 2);
    host.days_later(30);
    host.run_until(host.now + DAY, &expired, &mut |_| None);
    assert!(host.is_at(HELD));
    assert!(host.codes().iter().all(|code| *code == "expired") && host.codes().len() > 10);
    // Nor does whoever keeps the origin from answering, or sends something else, keep that from being told.
    let faults: [&dyn Fn() -> Answer; 3] = [
        &|| Answer::Failed(Failure::Network),
        &|| Answer::Status {
            status: 503,
            retry_after: None,
        },
        &|| Answer::Body {
            bytes: b"sign in".to_vec(),
            etag: None,
        },
    ];
    for fault in faults {
        host.reports.clear();
        host.run_until(host.now + DAY, &expired, &mut |_| Some(fault()));
        assert!(host.is_at(HELD));
        let codes = host.codes();
        let told = codes.iter().filter(|code| **code == "expired").count();
        assert!(told > 10 && 2 * told == codes.len(), "{codes:?}");
    }
    // One that has expired before it arrives is better than what is held.
    host.settle(origin());
    host.recovers(origin());
    assert!(host.is_at(CURRENT) && host.codes().contains(&"expired"));
}

#[test]
fn a_clock_that_is_a_year_off() {
    let year = 365 * DAY as i64;
    for off in [year, -year] {
        // Always, from then on, and from within any step on.
        for at in 0..12 {
            let mut host = host(true, 3);
            let origin = origin();
            for step in 0..40 {
                if step == at {
                    host.now = host.now.saturating_add_signed(off);
                }
                host.step(origin, &mut |_| None);
            }
            assert!(host.is_at(CURRENT), "{off} at step {at}");
            let report = if off > 0 {
                vec!["updated", "expired"]
            } else {
                vec!["updated"]
            };
            host.reports.dedup();
            assert!(
                host.codes().iter().all(|code| report.contains(code)),
                "{:?}",
                host.codes()
            );
        }
        // It was off when the state was stored, and is right again.
        let mut host = host(true, 3);
        host.storage.checked = Some(host.now.saturating_add_signed(off));
        host.restart();
        host.recovers(origin());
        assert!(host.is_at(CURRENT));
    }
    // A clock that says 0, or the end of time.
    for now in [0, u64::MAX / 2] {
        let mut host = host(true, 3);
        host.now = now;
        host.recovers(origin());
        assert!(host.is_at(CURRENT));
    }
}

#[test]
fn a_storage_that_is_full_or_read_only() {
    let origin = origin();
    for with_deltas in [true, false] {
        // From each write on: snapshot, file, manifest, and what is deleted.
        for from in 0..5 {
            let mut host = host(with_deltas, 3);
            let held = host.storage.manifest.clone();
            let mut writes = 0;
            let mut full = |ask: Ask<'_>| {
                let write = matches!(ask, Ask::Store | Ask::Commit | Ask::Forget);
                writes += usize::from(write);
                (write && writes > from).then_some(Answer::NotStored)
            };
            host.run_until(host.now + DAY, origin, &mut full);
            // It is used, from memory; nothing is asked for twice.
            assert!(host.uses(CURRENT), "{:?}", host.codes());
            assert_eq!(host.manifest.as_ref().unwrap().sequence, 4);
            assert_eq!(count(&host, Kind::Delta) + count(&host, Kind::Snapshot), 1);
            assert_eq!(count(&host, Kind::File), 1);
            if from < 3 {
                assert_eq!(host.codes(), ["not_stored", "updated"]);
                assert_eq!(host.storage.manifest, held);
            } else {
                assert!(host.is_at(CURRENT));
            }
            // A stop later what was stored before is in use, and the newest is reached again; with the next it is stored.
            host.restart();
            host.settle(&Origin::default());
            assert!(host.uses(HELD) || from >= 3);
            host.recovers(origin);
            assert!(host.is_at(CURRENT));
        }
        // It has room again while the host runs: the next model is stored.
        let mut host = host(with_deltas, 3);
        host.run_until(host.now + DAY, origin, &mut |ask| {
            matches!(ask, Ask::Store | Ask::Commit).then_some(Answer::NotStored)
        });
        assert!(host.uses(CURRENT));
        host.recovers(&Origin::at(4, 5));
        assert!(host.is_at(4), "{:?}", host.codes());
    }
}

#[test]
fn a_snapshot_in_memory_only_is_stored_with_the_next_manifest_that_names_it() {
    let next = Origin::at(CURRENT, 5);
    // Made again by the host from what it uses; or not, where it cannot: then it stays in memory, and nothing is asked for again and again.
    for can in [true, false] {
        let mut host = host(true, 3);
        host.run_until(host.now + HOUR, origin(), &mut |ask| {
            matches!(ask, Ask::Store).then_some(Answer::NotStored)
        });
        assert!(host.uses(CURRENT) && !host.is_at(CURRENT));
        host.requests.clear();
        host.run_until(host.now + 2 * HOUR, &next, &mut |ask| {
            (matches!(ask, Ask::Apply) && !can).then_some(Answer::NotStored)
        });
        assert!(host.uses(CURRENT) && host.is_at(CURRENT) == can);
        assert_eq!(host.manifest.as_ref().unwrap().sequence, 5);
        assert_eq!(count(&host, Kind::Snapshot) + count(&host, Kind::Delta), 0);
        host.restart();
        host.settle(&Origin::default());
        assert!(host.uses(if can { CURRENT } else { HELD }));
    }
}

#[test]
fn a_stop_between_any_two_steps() {
    let origin = origin();
    for with_deltas in [true, false] {
        for stop in 0..30 {
            let mut host = host(with_deltas, 3);
            for _ in 0..stop {
                host.step(origin, &mut |_| None);
            }
            let stored = host.stored().unwrap().sequence == 4;
            host.restart();
            // Without a connection it is what was committed.
            host.settle(&Origin::default());
            assert!(host.uses(if stored { CURRENT } else { HELD }), "after {stop} steps");
            let before = host.requests.len();
            host.recovers(origin);
            assert!(host.is_at(CURRENT), "after {stop} steps");
            assert!(host.requests.len() - before <= 8);
        }
    }
}

#[test]
fn two_stops_at_any_two_steps() {
    let origin = origin();
    for (first, second) in (0..14).flat_map(|first| (0..14).map(move |second| (first, second))) {
        let mut host = host(true, 3);
        for steps in [first, second] {
            for _ in 0..steps {
                host.step(origin, &mut |_| None);
            }
            host.restart();
        }
        host.recovers(origin);
        assert!(host.is_at(CURRENT), "after {first} and {second} steps");
    }
}

#[test]
fn stored_bytes_that_are_damaged_or_gone() {
    let origin = origin();
    let damage: [fn(&mut Storage); 4] = [
        |storage| storage.blobs.values_mut().for_each(|bytes| bytes[0] ^= 1),
        |storage| storage.blobs.values_mut().for_each(|bytes| bytes.truncate(1)),
        |storage| storage.blobs.clear(),
        |storage| storage.manifest.as_mut().unwrap()[100] ^= 1,
    ];
    for (at, damage) in damage.into_iter().enumerate() {
        let mut host = host(true, 3);
        damage(&mut host.storage);
        host.damaged = true;
        host.restart();
        host.settle(&Origin::at(HELD, 2));
        assert!(host.uses(HELD), "{:?}", host.codes());
        host.damaged = false;
        host.recovers(origin);
        assert!(host.is_at(CURRENT), "{:?}", host.codes());
        assert!(at == 3 || host.codes().contains(&"lost"), "{:?}", host.codes());
    }
}

#[test]
fn a_publisher_that_publishes_meanwhile() {
    // The manifest changes between any two steps, and what the old one named goes away.
    for at in 0..30 {
        let mut host = host(true, 3);
        let mut origin = Origin::at(2, 3);
        for step in 0..60 {
            if step == at {
                origin = Origin::at(CURRENT, 4);
                let manifest = Manifest::read(&origin.bodies[""], &trust()).unwrap();
                let named: Vec<_> = manifest.blobs().iter().map(|blob| blob.url.clone()).collect();
                origin.bodies.retain(|url, _| url.is_empty() || named.contains(url));
            }
            host.step(&origin, &mut |_| None);
        }
        host.recovers(&origin);
        assert!(host.is_at(CURRENT), "at step {at}");
    }
}
