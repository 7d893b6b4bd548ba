//! The tests of the origin, in one program: each program more would link the whole origin once more. Those on real data
//! are programs of their own (`data_*.rs`), since they run only where they are named.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests may fail by panicking.

mod candidates;
mod cli;
mod cold;
mod compile;
mod config_docs;
mod evaluate;
mod evaluate_unruly;
mod experiments;
mod factors;
mod folds;
mod ingest;
mod learned_edges;
mod lists;
mod pack;
mod parquet_bounds;
mod preparation;
mod publish;
#[path = "../../tests/support/random.rs"]
mod random;
mod report;
mod retrain;
mod robustness;
mod serve;
mod sessions;
mod sets;
mod support;
mod synth;
mod templates;
mod train;
mod unruly;
mod until;

#[test]
fn every_file_here_is_run() {
    let named = [include_str!("suite.rs"), include_str!("../Cargo.toml")].concat();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let known = [format!("\nmod {name};\n"), format!("\nname = \"{name}\"\n")];
            assert!(
                known.iter().any(|line| named.contains(line)),
                "{name}.rs is in no program of tests"
            );
        }
    }
}
