//! The tests of the runtime, in one program. One whose allocations are counted, and those in wasm, are programs of their own.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests may fail by panicking.
#![allow(clippy::duplicate_mod)] // What is fuzzed brings `support/random.rs` along.

mod behaviour;
mod cases;
mod consent;
mod crashers;
mod delta;
mod delta_chain;
mod experiments;
mod manifest;
mod rerank;
mod rules;
mod slice;
mod snapshot;
mod support;
mod sync;
mod sync_faults;
mod template;
mod template_section;
mod vectors;

#[test]
fn every_file_of_tests_is_run() {
    for package in ["", "origin/"] {
        let folder = format!("{}/{package}", env!("CARGO_MANIFEST_DIR"));
        let read = |file: &str| std::fs::read_to_string(format!("{folder}{file}")).unwrap();
        let named = [read("tests/suite.rs"), read("Cargo.toml")].concat();
        for file in std::fs::read_dir(format!("{folder}tests")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let known = [format!("\nmod {name};\n"), format!("\nname = \"{name}\"\n")];
                assert!(
                    known.iter().any(|line| named.contains(line)),
                    "{package}tests/{name}.rs is in no program of tests"
                );
            }
        }
    }
}
