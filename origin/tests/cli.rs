//! The command line as its users see it: exit codes, JSON, whole files.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests may fail by panicking.

mod support;

use std::process::{Command, Output};
use support::Files;

fn pocketrank(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn help_documents_the_exit_codes() {
    let help = String::from_utf8(pocketrank(&["--help"]).stdout).unwrap();
    assert!(
        help.contains("0 ok, 1 I/O or internal error, 2 wrong usage, 3 bad data or configuration, 4 invalid snapshot")
    );
}

#[test]
fn synth_writes_a_shop_and_says_so_in_json() {
    let files = Files::new();
    let out = files.path("shop");
    let run = pocketrank(&[
        "synth",
        "-o",
        out.to_str().unwrap(),
        "--items",
        "20",
        "--sessions",
        "30",
        "--json",
    ]);
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(json["products"], 20);
    assert_eq!(json["sessions"], 30);
    assert!(out.join("catalogue.jsonl").is_file() && out.join("events.jsonl").is_file());
}

#[test]
fn each_failure_has_its_exit_code_and_says_what_to_do() {
    let files = Files::new();
    let snapshot = files.path("snapshot.bin");
    let snapshot = snapshot.to_str().unwrap();
    let bad = files.write("bad.csv", "a,b\n1,2\n");
    let config = files.write("bad.toml", "[events]\nkin = 1\n");
    let (bad, config) = (bad.to_str().unwrap(), config.to_str().unwrap());
    for (arguments, code, part) in [
        (vec!["synth"], 2, "--output"),
        (vec!["synth", "-o", "x", "--items", "0"], 2, "give a number from 1"),
        (
            vec!["train", "--events", "/nowhere/e.csv", "-o", snapshot],
            1,
            "/nowhere/e.csv",
        ),
        (vec!["train", "--events", bad, "-o", snapshot], 3, "--config"),
        (
            vec!["train", "--events", bad, "--config", config, "-o", snapshot],
            3,
            "bad.toml:2",
        ),
        (
            vec!["train", "--events", bad, "--now", "soon", "-o", snapshot],
            2,
            "--now",
        ),
    ] {
        let run = pocketrank(&arguments);
        let message = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(message.contains(part), "{arguments:?}: {message}");
        assert!(!std::path::Path::new(snapshot).exists());
    }
}
