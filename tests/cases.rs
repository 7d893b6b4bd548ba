//! The golden model and the 1,000 cases that Node, workerd and Chromium replay: the native host must still agree with them.

use crate::support::cases::{generate, rank, ranker, CASES, SNAPSHOT};
use crate::support::decisions;
use crate::support::fixtures::{fixtures, FOLDER};
use pocketrank::{Delta, PatchKind, Snapshot};
use serde_json::Value;

#[test]
fn the_native_slates_are_the_golden_ones() {
    let bytes = std::fs::read(SNAPSHOT).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(CASES).unwrap()).unwrap();
    assert_eq!(cases.len(), 1_000);
    let mut ranker = ranker(bytes);
    ranker.snapshot().verify().unwrap();
    let mut slates = std::collections::HashSet::new();
    for (at, case) in cases.iter().enumerate() {
        let slate = rank(&mut ranker, case);
        assert_eq!(slate, case["slate"], "case {at}");
        slates.insert(slate.to_string());
    }
    assert!(slates.len() > 800, "only {} different slates", slates.len());
}

#[test]
fn the_native_decisions_are_the_golden_ones() {
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(decisions::CASES).unwrap()).unwrap();
    assert_eq!(cases.len(), 300);
    let mut ranker = decisions::ranker(std::fs::read(decisions::SNAPSHOT).unwrap());
    let mut said = std::collections::BTreeMap::<String, usize>::new();
    for (at, case) in cases.iter().enumerate() {
        let answer = decisions::decide(&mut ranker, case);
        assert_eq!(answer, case["answer"], "case {at}");
        let rules = answer["rules"].as_array().unwrap().iter();
        let names = rules.map(|rule| rule.to_string());
        let fields = answer.as_object().unwrap().keys().cloned();
        names.chain(fields).for_each(|name| *said.entry(name).or_default() += 1);
    }
    // Each rule applies, and each thing is said, often enough to tell.
    assert_eq!(said.len(), 6 + 12, "{said:?}");
    assert!(said.values().all(|times| *times >= 10), "{said:?}");
}

#[test]
fn the_writer_still_writes_the_golden_bytes() {
    for (name, bytes) in fixtures() {
        let golden = std::fs::read(format!("{FOLDER}/{name}")).unwrap();
        assert!(bytes == golden, "{name}: a change of bytes needs a new format version");
    }
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(CASES).unwrap()).unwrap();
    for (case, golden) in generate().iter().zip(&cases) {
        assert_eq!(case["events"], golden["events"]);
    }
}

#[test]
fn every_golden_snapshot_verifies() {
    let files = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let snapshots: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "bin"))
        .collect();
    assert!(snapshots.len() >= 6);
    for path in snapshots {
        let verified = Snapshot::open(std::fs::read(&path).unwrap()).and_then(|snapshot| snapshot.verify());
        verified.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn the_golden_deltas_still_make_their_targets() {
    let base = Snapshot::open(std::fs::read(SNAPSHOT).unwrap()).unwrap();
    let files = ["random-changed-v1.delta", "random-again-v1.delta"];
    let files = files.map(|name| std::fs::read(format!("{FOLDER}/{name}")).unwrap());
    let deltas = files.each_ref().map(|bytes| Delta::open(bytes).unwrap());
    let made = [1, 2].map(|links| Snapshot::open(Delta::apply_chain(&base, &deltas[..links]).unwrap()).unwrap());
    for (delta, target) in deltas.iter().zip(&made) {
        target.verify().unwrap();
        assert_eq!((target.id(), target.items()), (delta.target(), delta.items()));
    }
    assert_eq!(made.map(|target| target.items()), [base.items() + 2, base.items() - 1]);
    let kinds = deltas.map(|delta| {
        [PatchKind::Rows, PatchKind::Span, PatchKind::Kept]
            .map(|kind| delta.patches().filter(|patch| patch.kind == kind).count())
    });
    assert_eq!(kinds, [[6, 1, 2], [6, 3, 0]]);
}
