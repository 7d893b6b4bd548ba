//! The golden model and the 1,000 cases that Node, workerd and Chromium replay: the native host must still agree with them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use serde_json::Value;
use support::cases::{generate, rank, ranker, snapshot, CASES, SNAPSHOT};

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
fn the_writer_still_writes_the_golden_bytes() {
    assert!(
        snapshot() == std::fs::read(SNAPSHOT).unwrap(),
        "a change of bytes needs a new format version"
    );
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(CASES).unwrap()).unwrap();
    for (case, golden) in generate().iter().zip(&cases) {
        assert_eq!(case["events"], golden["events"]);
    }
}
