//! Replays what fuzzing found, and inputs near it: a file of `fixtures/crashers/TARGET` must end without a panic.

#[path = "fuzz/targets.rs"]
mod targets;

use std::path::Path;

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/crashers")
        .join(name);
    let files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        println!("{}", file.display());
        target(&std::fs::read(&file).unwrap());
    }
}

#[test]
fn snapshot() {
    replay("snapshot", targets::snapshot);
}

#[test]
fn snapshot_structured() {
    replay("snapshot_structured", targets::snapshot_structured);
}

#[test]
fn loader() {
    replay("loader", targets::loader);
}

#[test]
fn delta() {
    replay("delta", targets::delta);
}

#[test]
fn experiments() {
    replay("experiments", targets::experiments);
}

#[test]
fn rules() {
    replay("rules", targets::rules);
}

#[test]
fn manifest() {
    replay("manifest", targets::manifest);
}

#[test]
fn profile() {
    replay("profile", targets::profile);
}

#[test]
fn capsule() {
    replay("capsule", targets::capsule);
}

#[test]
fn edge() {
    replay("edge", targets::edge);
}

#[test]
fn template() {
    replay("template", targets::template);
}
