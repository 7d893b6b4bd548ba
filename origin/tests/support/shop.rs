//! The program run in a folder, and a made-up shop there with the recipe of a model.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The events and the catalogue of the shop.
pub const EVENTS: &str = "--events events.jsonl --catalogue catalogue.jsonl";

pub fn run(folder: &Path, args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What a run says to machines.
pub fn json(folder: &Path, args: &str) -> Value {
    let output = run(folder, &format!("{args} --json"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a run that must fail with that code says.
pub fn refused(folder: &Path, args: &str, code: i32) -> String {
    let output = run(folder, &format!("{args} --json"));
    assert_eq!(output.status.code(), Some(code), "{args}: {output:?}");
    assert!(output.stdout.is_empty(), "{args}");
    String::from_utf8(output.stderr).unwrap()
}

/// A shop, the recipe of a model of that family and the model itself, of all but the last share of the events.
pub fn make(families: &str, hold_out: f64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    json(folder.path(), "synth -o . --items 150 --sessions 2000");
    let train = format!("train --families {families} --trials 4 --folds 1 --recipe recipe.json -o trained.bin");
    json(folder.path(), &format!("{train} {EVENTS} --hold-out {hold_out}"));
    folder
}
