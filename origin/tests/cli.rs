//! The command line as its users see it: exit codes, JSON, whole files.

use crate::support::Files;
use std::process::{Command, Output};

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

/// Runs a verb that must succeed, and reads its JSON.
fn json(arguments: &[&str]) -> serde_json::Value {
    let run = pocketrank(&[arguments, &["--json"]].concat());
    assert!(run.status.success(), "{run:?}");
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn the_whole_way_from_a_shop_to_a_slate() {
    let files = Files::new();
    let [shop, snapshot] = ["shop", "snapshot.bin"].map(|name| files.path(name).to_str().unwrap().to_owned());
    let in_shop = |name: &str| format!("{shop}/{name}");
    json(&["synth", "-o", &shop, "--items", "60", "--sessions", "900"]);
    let [events, catalogue] = ["events.jsonl", "catalogue.jsonl"].map(in_shop);
    let data = ["--events", &events, "--catalogue", &catalogue];

    let past = files.path("past.bin").to_str().unwrap().to_owned();
    let trained = json(&[&["train", "-o", &past, "--until", "2025-11-15"], &data[..]].concat());
    assert_eq!(json(&["verify", &past])["id"], trained["id"]);
    let evaluated = json(&[&["evaluate", past.as_str()], &data[..]].concat());
    let ndcg = |model: usize| {
        evaluated["models"][model]["evaluation"]["segments"][0]["metrics"][3]
            .as_f64()
            .unwrap()
    };
    assert_eq!(evaluated["models"][1]["model"], "popularity");
    assert!(ndcg(0) > ndcg(1), "{} against {}", ndcg(0), ndcg(1));

    let trained = json(&[&["train", "-o", &snapshot], &data[..]].concat());
    let inspected = json(&["inspect", &snapshot]);
    assert_eq!(inspected["meta"]["items"], trained["items"]);
    // 16 KiB in all are always allowed.
    assert!(inspected["model_bytes_per_item"].as_f64().unwrap() <= 16_384.0 / 60.0);
    json(&[&["candidates", snapshot.as_str(), "-o", &shop], &data[..]].concat());

    let popular = in_shop("candidates/popular.json");
    let list: serde_json::Value = serde_json::from_slice(&std::fs::read(&popular).unwrap()).unwrap();
    let viewed = format!("view_item:{}", list["items"][5]["id"].as_str().unwrap());
    let rerank = ["rerank", &snapshot, "--candidates", &popular, "--count", "8"];
    let plain = json(&rerank);
    let personal = json(&[&rerank[..], &["--event", &viewed]].concat());
    assert_eq!(personal["slate"].as_array().unwrap().len(), 8);
    assert_ne!(plain["slate"], personal["slate"]);
    let run = pocketrank(&[&rerank[..], &["--event", "looked:at"]].concat());
    assert_eq!(run.status.code(), Some(2));

    // Hosts that hold the past come to the present by a delta.
    let [delta, made] = ["delta.bin", "made.bin"].map(|name| files.path(name).to_str().unwrap().to_owned());
    let different = json(&["diff", &past, &snapshot, "-o", &delta]);
    assert_eq!(different["target"], trained["id"]);
    assert_eq!(json(&["inspect", &delta]), different);
    let sections = different["sections"].as_array().unwrap();
    assert_eq!(sections.len(), inspected["sections"].as_array().unwrap().len());
    assert!(different["brotli"].as_u64() < different["bytes"].as_u64());
    assert_eq!(json(&["apply", &past, &delta, "-o", &made])["id"], trained["id"]);
    assert_eq!(std::fs::read(&made).unwrap(), std::fs::read(&snapshot).unwrap());
    let back = files.path("back.bin").to_str().unwrap().to_owned();
    json(&["diff", &snapshot, &past, "-o", &back]);
    let chain = json(&["apply", &past, &delta, &back, &delta, "-o", &made]);
    assert_eq!((&chain["id"], &chain["deltas"]), (&trained["id"], &3.into()));
    assert_eq!(std::fs::read(&made).unwrap(), std::fs::read(&snapshot).unwrap());
    let run = pocketrank(&["apply", &past, &delta, &delta, &back, "-o", &made]);
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(4), "{message}");
    assert!(message.contains("delta.bin: delta: changes snapshot"), "{message}");
    let table = String::from_utf8(pocketrank(&["inspect", &delta]).stdout).unwrap();
    assert!(table.contains("brotli") && table.contains("neighbours"), "{table}");
    let run = pocketrank(&["apply", &snapshot, &delta, "-o", &made]);
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(4), "{message}");
    assert!(message.contains("delta.bin: delta: changes snapshot"), "{message}");
    assert_eq!(std::fs::read(&made).unwrap(), std::fs::read(&snapshot).unwrap());

    let slice = files.path("slice.bin").to_str().unwrap().to_owned();
    let sliced = json(&[
        "slice",
        &snapshot,
        "--candidates",
        &popular,
        "--item",
        "nowhere",
        "-o",
        &slice,
    ]);
    assert_eq!(json(&["verify", &slice])["id"], sliced["id"]);
    assert_eq!(
        (&sliced["items"], &sliced["unknown"]),
        (&list["items"].as_array().unwrap().len().into(), &1.into())
    );
    let from_slice = json(&[&["rerank", &slice][..], &rerank[2..], &["--event", &viewed]].concat());
    let scores = |slate: &serde_json::Value| -> Vec<_> {
        let places = slate["slate"].as_array().unwrap().iter();
        places
            .map(|place| (place["id"].clone(), place["score"].clone()))
            .collect()
    };
    assert_eq!(scores(&from_slice), scores(&personal));
    let run = pocketrank(&["slice", &snapshot, "--item", "nowhere", "-o", &past]);
    assert_eq!(run.status.code(), Some(3));
}

#[test]
fn a_damaged_snapshot_has_its_exit_code_and_is_not_replaced() {
    let files = Files::new();
    let bad = files.write("bad.bin", "PKRK\u{1}\u{0}and then nothing");
    let bad = bad.to_str().unwrap();
    for verb in ["verify", "inspect"] {
        let run = pocketrank(&[verb, bad]);
        assert_eq!(run.status.code(), Some(4));
        let text = String::from_utf8(run.stderr).unwrap();
        assert!(text.contains("bad.bin") && text.contains("cut short"), "{text}");
    }
    let cut = files.write("cut.bin", "PKRD\u{1}");
    let cut = cut.to_str().unwrap();
    for arguments in [
        &["inspect", cut][..],
        &["apply", bad, cut, "-o", cut],
        &["diff", bad, bad, "-o", bad],
    ] {
        let run = pocketrank(arguments);
        assert_eq!(run.status.code(), Some(4), "{run:?}");
        assert!(String::from_utf8(run.stderr).unwrap().contains("cut short"));
    }
    let before = std::fs::read(bad).unwrap();
    let run = pocketrank(&["train", "--events", "/nowhere.csv", "-o", bad]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(std::fs::read(bad).unwrap(), before);
}
