//! The plan of a host: laws that hold whatever comes, and what it does when all goes well.

use crate::support::manifests::{blob, keys};
use crate::support::origin::{delta, id, snapshots, Origin, DAYS};
use crate::support::sync_host::{Ask, Host, Storage};
use pocketrank::sync::{Answer, Failure, Kind, Settings};
use pocketrank::{Manifest, Target};
use proptest::prelude::*;

fn kinds(host: &Host) -> Vec<Kind> {
    host.requests.iter().map(|(_, kind)| *kind).collect()
}

/// What one step meets.
#[derive(Debug, Clone)]
enum Event {
    Good,
    Failed(Failure),
    Status(u16, Option<u32>),
    /// The body with a byte changed, or its beginning.
    Changed(u8, u8),
    Cut(u8),
    /// The manifest of another day and sequence, as it was signed then.
    Old(usize),
    Foreign,
    Unknown,
    NotStored,
    /// An answer that is none to what was asked.
    Odd(u8),
    Stop,
    /// A stop that leaves one of the stored blobs damaged.
    Crash(u8),
    /// The clock is set by so many days.
    Clock(i16),
    Publish(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let failures = [
        Failure::Network,
        Failure::Timeout,
        Failure::TooLong,
        Failure::Redirected,
    ];
    prop_oneof![
        20 => Just(Event::Good),
        3 => proptest::sample::select(failures.to_vec()).prop_map(Event::Failed),
        3 => (proptest::sample::select(vec![200u16, 206, 304, 403, 404, 410, 429, 500, 503]), any::<Option<u32>>()).prop_map(|(status, after)| Event::Status(status, after)),
        2 => any::<(u8, u8)>().prop_map(|(at, bit)| Event::Changed(at, bit)),
        2 => any::<u8>().prop_map(Event::Cut),
        1 => (0..DAYS).prop_map(Event::Old),
        1 => Just(Event::Foreign),
        1 => Just(Event::Unknown),
        3 => Just(Event::NotStored),
        2 => (0..5u8).prop_map(Event::Odd),
        2 => Just(Event::Stop),
        1 => any::<u8>().prop_map(Event::Crash),
        1 => (-400..400i16).prop_map(Event::Clock),
        2 => (0..DAYS).prop_map(Event::Publish),
    ]
}

/// What the event makes of a step.
fn meet(event: &Event, ask: Ask<'_>) -> Option<Answer> {
    let body = |bytes: Vec<u8>| Some(Answer::Body { bytes, etag: None });
    let Ask::Fetch(kind, _, good) = ask else {
        return match (event, ask) {
            (Event::NotStored, Ask::Load | Ask::Store | Ask::Commit | Ask::Forget) => Some(Answer::NotStored),
            (Event::Odd(0), _) => Some(Answer::NotModified),
            (Event::Odd(1), _) => body(vec![1, 2, 3]),
            (Event::Failed(failure), Ask::Apply | Ask::Load) => Some(Answer::Failed(*failure)),
            _ => None,
        };
    };
    match event {
        Event::Failed(failure) => Some(Answer::Failed(*failure)),
        Event::Status(status, retry_after) => Some(Answer::Status {
            status: *status,
            retry_after: *retry_after,
        }),
        Event::Changed(at, bit) => {
            let mut bytes = good.to_vec();
            let at = usize::from(*at) * bytes.len() / 256;
            bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (bit % 8));
            body(bytes)
        }
        Event::Cut(at) => body(good[..usize::from(*at) * good.len() / 256].to_vec()),
        Event::Old(day) if kind == Kind::Manifest => body(Origin::at(*day, 1).bodies[""].clone()),
        Event::Foreign if kind == Kind::Manifest => {
            let mut manifest = Origin::default().publish(1, 1_000);
            manifest.audience = "other.example".into();
            body(manifest.sign(&keys()[..1]).unwrap())
        }
        Event::Unknown if kind == Kind::Manifest => {
            body(Origin::default().publish(1, 1_000).sign(&keys()[1..]).unwrap())
        }
        Event::Odd(0) => Some(Answer::NotModified),
        Event::Odd(1) => Some(Answer::Done),
        Event::Odd(2) => Some(Answer::NotStored),
        Event::Odd(3) => body(vec![]),
        _ => None,
    }
}

fn settings(with_deltas: bool) -> Settings {
    Settings {
        with_deltas,
        ..Settings::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_comes_what_is_used_was_published_and_the_newest_is_reached(
        events in proptest::collection::vec(event(), 0..120),
        with_deltas: bool,
        seed: u64,
    ) {
        let mut host = Host::new(settings(with_deltas), seed);
        let (mut sequence, mut day) = (2, 1);
        let mut origin = Origin::at(day, sequence);
        for event in &events {
            match event {
                Event::Stop => host.restart(),
                Event::Crash(at) => {
                    let blobs = host.storage.blobs.len().max(1);
                    let blob = host.storage.blobs.values_mut().nth(usize::from(*at) % blobs);
                    blob.into_iter().for_each(|bytes| bytes[0] ^= 1);
                    host.damaged = true;
                    host.restart();
                }
                Event::Clock(days) => host.now = host.now.saturating_add_signed(i64::from(*days) * 86_400_000),
                Event::Publish(next) => {
                    (sequence, day) = (sequence + 1, *next);
                    origin = Origin::at(day, sequence);
                }
                _ => {
                    host.step(&origin, &mut |ask| meet(event, ask));
                }
            }
        }
        // One more is published; then nothing goes wrong any more.
        let origin = Origin::at((day + 1) % DAYS, sequence + 1);
        host.recovers(&origin);
        prop_assert!(host.is_at((day + 1) % DAYS), "{:?}", host.codes());
        // And what is stored is enough to go on from, without the origin.
        host.restart();
        host.settle(&Origin::default());
        prop_assert!(host.is_at((day + 1) % DAYS));
    }

    #[test]
    fn equal_seeds_and_answers_give_equal_steps(events in proptest::collection::vec(event(), 0..40), seed: u64) {
        let run = |seed| {
            let mut host = Host::new(settings(true), seed);
            let origin = Origin::at(3, 5);
            for event in &events {
                host.step(&origin, &mut |ask| meet(event, ask));
            }
            (host.codes(), host.now, host.requests)
        };
        prop_assert_eq!(run(seed), run(seed));
    }
}

#[test]
fn a_host_follows_by_deltas_and_fetches_nothing_twice() {
    let mut host = Host::new(settings(true), 1);
    host.settle(&Origin::at(1, 2));
    assert!(host.is_at(1));
    assert_eq!(kinds(&host), [Kind::Manifest, Kind::Delta, Kind::File, Kind::File]);
    assert_eq!(host.codes(), ["updated"]);
    // The next day one of the files is the same.
    host.requests.clear();
    host.days_later(1);
    host.settle(&Origin::at(2, 3));
    assert!(host.is_at(2));
    assert_eq!(kinds(&host), [Kind::Manifest, Kind::Delta, Kind::File]);
    // Nothing is kept that nobody needs: the snapshot, two files and no deltas.
    assert_eq!(host.storage.blobs.len(), 3);
    // What is current is asked for only.
    host.requests.clear();
    host.days_later(1);
    host.settle(&Origin::at(2, 3));
    assert_eq!(kinds(&host), [Kind::Manifest]);
    // Started again it uses what it holds and asks no sooner than it would have.
    host.requests.clear();
    host.restart();
    host.settle(&Origin::at(2, 3));
    assert!(host.is_at(2) && host.requests.is_empty());
}

#[test]
fn the_least_bytes_are_chosen() {
    let run = |day: usize, change: &dyn Fn(&mut Manifest)| {
        let mut origin = Origin::default();
        let mut manifest = origin.publish(day, 9);
        change(&mut manifest);
        origin.sign(&manifest, &keys()[..1]);
        let mut host = Host::new(settings(true), 1);
        host.settle(&origin);
        assert!(host.is_at(day));
        kinds(&host)
            .into_iter()
            .filter(|kind| matches!(kind, Kind::Delta | Kind::Snapshot))
            .collect::<Vec<_>>()
    };
    let [delta, snapshot] = [Kind::Delta, Kind::Snapshot];
    let cost = |manifest: &mut Manifest, from: usize, to: usize, bytes| {
        let ids = (id(&snapshots()[from]), id(&snapshots()[to]));
        let link = manifest
            .deltas
            .iter_mut()
            .find(|link| (link.base, link.target) == ids)
            .unwrap();
        link.blob.transfer = bytes;
    };
    let dear = |manifest: &mut Manifest| manifest.snapshot.blob.transfer = 100_000;
    // Over two days at a time, in as few requests as may be.
    assert_eq!(run(4, &dear), [delta, delta]);
    assert_eq!(run(5, &dear), [delta, delta, delta]);
    // A chain that is cheaper than the one delta over it.
    let two = |manifest: &mut Manifest| {
        dear(manifest);
        cost(manifest, 0, 2, 20_000);
    };
    assert_eq!(run(2, &two), [delta, delta]);
    // The whole snapshot where it is no more than the deltas.
    let cheap = |manifest: &mut Manifest| manifest.snapshot.blob.transfer = 1;
    assert_eq!(run(1, &cheap), [snapshot]);
    // And where none leads there.
    assert_eq!(
        run(3, &|manifest| manifest
            .deltas
            .retain(|link| link.base != id(&snapshots()[0]))),
        [snapshot]
    );
    assert_eq!(run(3, &|manifest| manifest.deltas.clear()), [snapshot]);
}

#[test]
fn without_deltas_all_hosts_ask_for_the_same() {
    let origin = Origin::at(3, 4);
    let mut first = Host::new(settings(false), 1);
    first.settle(&Origin::at(2, 3));
    first.requests.clear();
    first.days_later(1);
    first.settle(&origin);
    let mut second = Host::new(settings(false), 2);
    second.settle(&Origin::at(1, 2));
    second.requests.clear();
    second.days_later(1);
    second.settle(&origin);
    assert!(first.is_at(3) && second.is_at(3));
    assert_eq!(kinds(&first), kinds(&second));
    assert_eq!(kinds(&first), [Kind::Manifest, Kind::Snapshot, Kind::File]);
}

#[test]
fn an_older_model_comes_back_under_a_newer_sequence() {
    let mut host = Host::new(settings(true), 1);
    host.settle(&Origin::at(3, 4));
    host.requests.clear();
    host.days_later(1);
    host.settle(&Origin::at(2, 5));
    assert!(host.is_at(2));
    assert_eq!(kinds(&host)[..2], [Kind::Manifest, Kind::Delta]);
    // To the one that came with the program: nothing is fetched but files.
    host.requests.clear();
    host.days_later(1);
    host.settle(&Origin::at(0, 6));
    assert!(host.uses(0) && host.is_at(0));
    host.restart();
    host.settle(&Origin::default());
    assert!(host.is_at(0));
}

#[test]
fn only_wanted_files_are_fetched_and_a_page_may_want_others() {
    let origin = Origin::at(1, 2);
    let wants = |files: &[&str]| Settings {
        files: files.iter().map(|name| (*name).into()).collect(),
        ..Settings::default()
    };
    let files = |host: &Host| kinds(host).iter().filter(|kind| **kind == Kind::File).count();
    for (wanted, count) in [
        (&[][..], 0),
        (&["candidates/"], 1),
        (&["directory.json"], 1),
        (&["candidates/hom"], 0),
        (&[""], 2),
    ] {
        let host = &mut Host::new(wants(wanted), 1);
        // Not held to have all files: this host wants some.
        let mut plan = Storage::default();
        loop {
            use pocketrank::sync::Step;
            let now = host.now;
            let answer = match host.sync.next(now) {
                Step::Wait { .. } => break,
                Step::Fetch(request) => {
                    host.requests.push((now, request.kind));
                    Answer::Body {
                        bytes: origin.bodies[request.url].clone(),
                        etag: None,
                    }
                }
                Step::Apply => {
                    host.sync.apply(now, &snapshots()[0]);
                    continue;
                }
                Step::Store { sha256, bytes } => {
                    plan.blobs.insert(*sha256, bytes.to_vec());
                    Answer::Done
                }
                Step::Commit(bytes) => {
                    plan.manifest = Some(bytes.to_vec());
                    Answer::Done
                }
                _ => Answer::Done,
            };
            host.sync.answer(now, answer);
        }
        assert_eq!((files(host), plan.blobs.len()), (count, 1 + count), "{wanted:?}");
        // Another page of the same host fetches what it misses, and asks for nothing else.
        let mut other = Host::start(plan, host.now, crate::support::manifests::trust(), wants(&[""]), 1);
        other.storage.checked = Some(host.now);
        other.restart();
        while files(&other) < 2 - count {
            other.sync.next_report();
            let now = other.now;
            use pocketrank::sync::Step;
            let answer = match other.sync.next(now) {
                Step::Fetch(request) => {
                    other.requests.push((now, request.kind));
                    Answer::Body {
                        bytes: origin.bodies[request.url].clone(),
                        etag: None,
                    }
                }
                Step::Load(sha256) => Answer::Body {
                    bytes: other.storage.blobs[sha256].clone(),
                    etag: None,
                },
                Step::Wait { .. } => panic!("files are missing"),
                _ => Answer::Done,
            };
            other.sync.answer(now, answer);
        }
        assert!(
            kinds(&other).iter().all(|kind| *kind == Kind::File),
            "{:?}",
            kinds(&other)
        );
    }
}

#[test]
fn what_a_manifest_says_of_a_snapshot_must_be_so() {
    // Signed, but with the id of another.
    let mut origin = Origin::default();
    let mut manifest = origin.publish(1, 2);
    manifest.snapshot.id = id(&snapshots()[5]);
    manifest.deltas.clear();
    origin.sign(&manifest, &keys()[..1]);
    let mut host = Host::new(settings(true), 1);
    host.settle(&origin);
    assert!(host.uses(0) && host.manifest.is_none());
    assert_eq!(host.codes(), ["snapshot_refused"]);
    // It is not fetched again and again.
    host.run_until(host.now + 86_400_000, &origin, &mut |_| None);
    assert_eq!(kinds(&host).iter().filter(|kind| **kind == Kind::Snapshot).count(), 1);
    host.recovers(&Origin::at(2, 3));
    assert!(host.is_at(2));
}

#[test]
fn a_snapshot_of_a_newer_version_is_left_alone_until_there_is_another() {
    let mut origin = Origin::default();
    let mut manifest = origin.publish(1, 2);
    let mut newer = snapshots()[1].clone();
    newer[4] = 2;
    manifest.snapshot = Target {
        id: manifest.snapshot.id,
        blob: origin.put(&newer, "bin"),
    };
    manifest.deltas.clear();
    origin.sign(&manifest, &keys()[..1]);
    let mut host = Host::new(settings(true), 1);
    host.run_until(host.now + 86_400_000, &origin, &mut |_| None);
    assert!(host.uses(0));
    assert_eq!(host.codes(), ["snapshot_refused"]);
    assert_eq!(kinds(&host).iter().filter(|kind| **kind == Kind::Snapshot).count(), 1);
}

#[test]
fn keys_rotate_while_hosts_follow() {
    let [old, new] = keys();
    let publish = |day, sequence, named: &[usize], signers: &[usize]| {
        let both = [&old, &new];
        let mut origin = Origin::default();
        let mut manifest = origin.publish(day, sequence);
        manifest.keys = named.iter().map(|at| both[*at].public()).collect();
        let signers: Vec<_> = signers.iter().map(|at| both[*at].clone()).collect();
        origin.sign(&manifest, &signers);
        origin
    };
    let mut host = Host::new(settings(true), 1);
    host.settle(&publish(1, 2, &[0, 1], &[0]));
    host.days_later(1);
    host.settle(&publish(2, 3, &[1], &[0, 1]));
    assert!(host.is_at(2));
    // The old key is of no use any more, before and after a stop.
    for _ in 0..2 {
        host.reports.clear();
        host.days_later(1);
        host.settle(&publish(3, 9, &[0], &[0]));
        assert!(host.uses(2) && host.codes().contains(&"unsigned"), "{:?}", host.codes());
        host.restart();
        host.settle(&Origin::default());
    }
    // As long as the host has pinned the old key that signs too; what counts is the new one.
    host.recovers(&publish(3, 4, &[1], &[0, 1]));
    assert!(host.is_at(3));
}

#[test]
fn a_damaged_file_is_fetched_again_when_the_host_finds_it() {
    let origin = Origin::at(1, 2);
    let mut host = Host::new(settings(true), 1);
    host.settle(&origin);
    let home = host.manifest.as_ref().unwrap().files[0].blob.clone();
    host.storage.blobs.remove(&home.sha256);
    host.requests.clear();
    host.sync.lost(host.now, &home.sha256);
    assert!(matches!(host.sync.next(host.now), pocketrank::sync::Step::Fetch(request) if request.url == home.url));
    host.settle(&origin);
    assert_eq!(kinds(&host), [Kind::File]);
    assert!(host.is_at(1) && host.codes().contains(&"lost"));
}

#[test]
fn deltas_of_this_test_are_smaller_than_snapshots() {
    assert!(
        delta(0, 1).len() * 2 < snapshots()[1].len(),
        "{} of {}",
        delta(0, 1).len(),
        snapshots()[1].len()
    );
    assert_eq!(blob(b"", "x").bytes, 0);
}
