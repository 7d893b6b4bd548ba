//! Writes the golden snapshots that are made from a seed, the built-in templates, and the cases of `tests/cases`: `cargo run --example cases --features pack,sign`.
//! Only for a new format version or a deliberate change of ranking; review the difference.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/support/mod.rs"]
mod support;

use pocketrank::template::compile;
use support::cases::{generate, rank, ranker, snapshot, CASES};
use support::decisions;
use support::fixtures::{fixtures, FOLDER};
use support::manifests::{keys, manifest, MANIFEST};

fn main() -> std::io::Result<()> {
    for (name, bytes) in fixtures() {
        std::fs::write(format!("{FOLDER}/{name}"), bytes)?;
    }
    std::fs::write(format!("{FOLDER}/{MANIFEST}"), manifest().sign(&keys()).unwrap())?;
    let built_in = compile(&[], &[]).unwrap().to_bytes().unwrap();
    std::fs::write(
        concat!(env!("CARGO_MANIFEST_DIR"), "/src/template/built-in.bin"),
        built_in,
    )?;
    let mut ranker = ranker(snapshot());
    let lines: Vec<String> = generate()
        .into_iter()
        .map(|mut case| {
            case["slate"] = rank(&mut ranker, &case);
            case.to_string()
        })
        .collect();
    std::fs::write(CASES, format!("[\n{}\n]\n", lines.join(",\n")))?;
    let mut ranker = decisions::ranker(decisions::decided().build().unwrap());
    let lines: Vec<String> = decisions::generate()
        .into_iter()
        .map(|mut case| {
            case["answer"] = decisions::decide(&mut ranker, &case);
            case.to_string()
        })
        .collect();
    std::fs::write(decisions::CASES, format!("[\n{}\n]\n", lines.join(",\n")))
}
