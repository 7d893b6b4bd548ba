//! docs/CONFIG.md names every key that the configuration knows, and no other.

use pocketrank_origin::config::Config;
use std::collections::BTreeSet;

/// The keys that a section knows: those that the error about an unknown one lists.
fn known(section: &str) -> BTreeSet<String> {
    let text = match section {
        "" => "nonsense = 1\n".to_owned(),
        section => format!("[{section}]\nnonsense = 1\n"),
    };
    let message = Config::parse(&text, "x").unwrap_err().to_string();
    let expected = message
        .split_once("expected")
        .unwrap()
        .1
        .split(['\n', ';'])
        .next()
        .unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_is_documented_and_no_other() {
    let docs = include_str!("../../docs/CONFIG.md");
    let mut all = BTreeSet::new();
    for section in [
        "",
        "events",
        "events.columns",
        "events.cancellation",
        "catalogue",
        "catalogue.columns",
        "clean",
        "text",
        "vectors",
        "content",
        "train",
        "evaluate",
        "report",
    ] {
        let keys = known(section);
        assert!(!keys.is_empty(), "[{section}]");
        for key in &keys {
            let named = docs.contains(&format!("`{key}`"))
                || docs.contains(&format!(" {key}`"))
                || docs.contains(&format!("[{key}]"));
            assert!(named, "docs/CONFIG.md does not name `{key}` of [{section}]");
        }
        all.extend(keys);
    }
    all.extend(["category".to_owned(), "pattern".to_owned()]);
    // The first column of the tables holds keys alone.
    for line in docs.lines().filter(|line| line.starts_with("| `")) {
        let cell = line.split('|').nth(1).unwrap();
        for key in cell.split('`').skip(1).step_by(2) {
            let key = key.rsplit(' ').next().unwrap();
            assert!(all.contains(key), "docs/CONFIG.md names `{key}`, which is no key");
        }
    }
}
