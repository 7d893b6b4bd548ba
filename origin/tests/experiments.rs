//! Features and experiments on the command line: checked, put into snapshots, shown, and kept by retraining.

use crate::support::Files;
use serde_json::{json, Value};
use std::process::{Command, Output};

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/synth-v1.bin");
const PAYLOAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/experiments.json");

fn pocketrank(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(arguments)
        .output()
        .unwrap()
}

fn told(arguments: &[&str]) -> Value {
    let run = pocketrank(&[arguments, &["--json"]].concat());
    assert!(run.status.success(), "{run:?}");
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn a_payload_goes_into_a_snapshot_and_changes_nothing_else() {
    let files = Files::new();
    let [first, second, delta] =
        ["first.bin", "second.bin", "delta.bin"].map(|name| files.path(name).to_str().unwrap().to_owned());
    let made = told(&["experiments", PAYLOAD, "--snapshot", SNAPSHOT, "-o", &first]);
    let colours = &made["experiments"]["experiments"][0];
    assert_eq!(
        (&colours["key"], &colours["feature"]),
        (&json!("banner-colours"), &json!("banner"))
    );
    // Weights of 50, 25 and 25 percent of the 90 that are covered, as exactly as 4,096 numbers allow.
    let shares = [0, 1, 2].map(|arm: usize| colours["arms"][arm][1].as_f64().unwrap());
    for (share, expected) in shares.into_iter().zip([0.45, 0.225, 0.225]) {
        assert!((share - expected).abs() < 0.03, "{shares:?}");
    }
    assert!((shares.iter().sum::<f64>() + colours["none"].as_f64().unwrap() - 1.0).abs() < 1e-9);

    let inspected = told(&["inspect", &first]);
    assert_eq!(inspected["id"], made["id"]);
    assert_eq!(inspected["experiments"], made["experiments"]);
    let plain = told(&["inspect", SNAPSHOT]);
    let sections = |inspected: &Value| {
        let sections = inspected["sections"].as_array().unwrap().clone();
        let model = sections.into_iter().filter(|section| section["name"] != "experiments");
        model.collect::<Vec<_>>()
    };
    assert_eq!(sections(&inspected), sections(&plain));

    // What changes in the panel is the delta.
    let payload = std::fs::read_to_string(PAYLOAD)
        .unwrap()
        .replace("\"gold\"", "\"silver\"");
    let payload = files.write("payload.json", payload);
    told(&[
        "experiments",
        payload.to_str().unwrap(),
        "--snapshot",
        &first,
        "-o",
        &second,
    ]);
    let different = told(&["diff", &first, &second, "-o", &delta]);
    for section in different["sections"].as_array().unwrap() {
        let kind = if section["name"] == "experiments" {
            "span"
        } else {
            "kept"
        };
        assert_eq!(section["kind"], kind, "{section}");
    }
}

#[test]
fn what_is_wrong_with_a_payload_is_said_with_its_place_and_what_to_do() {
    let files = Files::new();
    let rule = |rule: Value| json!({ "features": { "banner": { "defaultValue": 1, "rules": [rule] } } });
    let force = |condition: Value| rule(json!({ "id": "r", "force": 2, "condition": condition }));
    let cases = [
        (json!({}), "`features` is missing"),
        (json!({ "encryptedFeatures": "abc" }), "switch encryption off"),
        (
            rule(json!({ "id": "r" })),
            "feature `banner`, rule 1 (`r`): it has neither `force` nor `variations`",
        ),
        (
            rule(json!({ "variations": [1] })),
            "rule 1, `variations`: an experiment needs two variations",
        ),
        (
            rule(json!({ "variations": [1, 2], "weights": [0.5, 0.4] })),
            "`weights`: 2 numbers that sum to 1",
        ),
        (
            rule(json!({ "variations": [1, 2], "coverage": 2 })),
            "`coverage`: a number from 0 to 1",
        ),
        (
            rule(json!({ "variations": [1, 2], "hashAttribute": "email" })),
            "`hashAttribute`: visitors are assigned by their random number alone",
        ),
        (
            rule(json!({ "variations": [1, 2], "hashVersion": 3 })),
            "`hashVersion`: hash versions are 1 and 2",
        ),
        (
            rule(json!({ "variations": [1, 2], "meta": [{}] })),
            "`meta`: one entry for each",
        ),
        (
            rule(json!({ "contextualVariations": [1, 2] })),
            "contextual bandits are not supported",
        ),
        (
            force(json!({ "country": { "$near": "de" } })),
            "condition, `country`, `$near`: this operator is not known",
        ),
        (
            force(json!({ "url": { "$regex": "^/shop/[0-9]+" } })),
            "`$regex`: `[` stands in it",
        ),
        (
            force(json!({ "id": { "$in": ["17"] } })),
            "condition, `id`: this is the visitor's random number",
        ),
        (
            force(json!({ "country": { "$inGroup": "eu" } })),
            "there is no saved group `eu`",
        ),
        (
            force(json!({ "country": { "$ini": ["Ελλάδα"] } })),
            "beyond the letters",
        ),
        (
            rule(json!({ "force": 2, "parentConditions": [{ "id": "gone", "condition": {} }] })),
            "prerequisite `gone`: the payload has no such feature",
        ),
        (
            rule(json!({ "force": 2, "parentConditions": [{ "id": "banner", "condition": {} }] })),
            "feature `banner`: its prerequisites go in a circle",
        ),
        (
            json!({ "features": { "pocketrank.blend": { "defaultValue": { "populrity": 1 } } } }),
            "feature `pocketrank.blend`, the default, `populrity`: this must be",
        ),
        (
            json!({ "features": { "pocketrank.colour": { "defaultValue": "red" } } }),
            "keys that begin with `pocketrank.` are",
        ),
        (
            json!({ "features": { "pocketrank.rule.a": { "defaultValue": "on" } } }),
            "\"on\" is not true or false",
        ),
    ];
    for (payload, said) in cases {
        let path = files.write("payload.json", payload.to_string());
        let run = pocketrank(&["experiments", path.to_str().unwrap()]);
        let error = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(3), "{payload}: {error}");
        assert!(
            error.contains(said) && error.contains("payload.json"),
            "{payload}: {error}"
        );
    }
    // Before anything is trained.
    let events = files.write("events.csv", "user,item\n");
    let run = pocketrank(&[
        "train",
        "--events",
        events.to_str().unwrap(),
        "-o",
        "never.bin",
        "--experiments",
        events.to_str().unwrap(),
    ]);
    assert!(String::from_utf8(run.stderr).unwrap().contains("this is no JSON"));
}

#[test]
fn pages_that_change_by_their_address_are_left_out_and_named() {
    let files = Files::new();
    let payload = json!({ "features": {}, "experiments": [
        { "key": "hero", "variations": [{}, { "urlRedirect": "/b" }], "urlPatterns": [{ "include": true, "type": "simple", "pattern": "/" }] },
        { "key": "sort", "variations": ["a", "b"], "novelty": 1 },
    ] });
    let path = files.write("payload.json", payload.to_string());
    let told = told(&["experiments", path.to_str().unwrap()]);
    assert_eq!(told["experiments"]["experiments"].as_array().unwrap().len(), 1);
    let notes = told["notes"].as_array().unwrap();
    assert!(notes[0].as_str().unwrap().starts_with("experiment `hero` is left out"));
    assert!(notes[1].as_str().unwrap().contains("`novelty` is not known here"));
}

#[test]
fn rules_go_into_a_snapshot_and_stay_with_its_experiments() {
    let files = Files::new();
    let [first, second] = ["first.bin", "second.bin"].map(|name| files.path(name).to_str().unwrap().to_owned());
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/rules.json");
    let made = told(&["experiments", PAYLOAD, "--snapshot", SNAPSHOT, "-o", &first]);
    let ruled = told(&["rules", rules, "--snapshot", &first, "-o", &second]);
    assert_eq!(ruled["rules"][1]["id"], "left-in-cart");
    let inspected = told(&["inspect", &second]);
    assert_eq!(inspected["id"], ruled["id"]);
    assert_eq!(inspected["experiments"], made["experiments"]);
    // As they apply: the most important first.
    let ids: Vec<&Value> = inspected["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["id"])
        .collect();
    assert_eq!(ids, ["left-in-cart", "summer", "loyal"]);

    let wrong = files.write(
        "rules.json",
        r#"{ "rules": [{ "id": "r", "actions": [{ "hide": ["a"] }] }] }"#,
    );
    let run = pocketrank(&["rules", wrong.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(3));
    assert!(String::from_utf8(run.stderr)
        .unwrap()
        .contains("rule `r`, actions: an action is one of"));
}

#[test]
fn retraining_keeps_what_is_tried_and_ruled() {
    let files = Files::new();
    let at = |name: &str| files.path(name).to_str().unwrap().to_owned();
    let shop = at("shop");
    told(&["synth", "-o", &shop, "--items", "40", "--sessions", "300"]);
    let rules = files.write(
        "rules.json",
        r#"{ "rules": [{ "id": "good", "actions": [{ "list": "l" }] }, { "id": "bad", "actions": [] }] }"#,
    );
    let (events, recipe, trained, again) = (
        format!("{shop}/events.jsonl"),
        at("recipe.json"),
        at("a.bin"),
        at("b.bin"),
    );
    let train = [
        "train",
        "--events",
        &events,
        "--families",
        "rp3beta",
        "--trials",
        "2",
        "--folds",
        "1",
        "--recipe",
        &recipe,
    ];
    let panel = [
        "--experiments",
        PAYLOAD,
        "--rules",
        rules.to_str().unwrap(),
        "-o",
        &trained,
    ];
    let run = pocketrank(&[&train[..], &panel[..]].concat());
    let printed = String::from_utf8(run.stdout).unwrap();
    assert!(
        run.status.success() && printed.contains("rule `bad`: `actions` is empty"),
        "{printed}"
    );
    let before = told(&["inspect", &trained]);
    assert_eq!(before["rules"][0]["id"], "good");
    told(&[
        "retrain", &recipe, "--base", &trained, "--events", &events, "-o", &again,
    ]);
    let after = told(&["inspect", &again]);
    assert_eq!(
        (&after["experiments"], &after["rules"]),
        (&before["experiments"], &before["rules"])
    );
    // The ledger is that of the snapshot that was written.
    told(&[
        "retrain",
        &recipe,
        "--base",
        &again,
        "--events",
        &events,
        "-o",
        &at("c.bin"),
    ]);
}

#[test]
fn templates_that_are_named_and_not_there_are_told() {
    let files = Files::new();
    let rules = r#"{"rules": [{"id": "known", "actions": [{"template": "slot"}]}, {"id": "lost", "actions": [{"template": "nowhere"}]}]}"#;
    let payload = r#"{"features": {"pocketrank.slot.home.template": {"defaultValue": "slot", "rules": [{"force": "elsewhere"}]}}}"#;
    let [rules, payload] = [("rules.json", rules), ("payload.json", payload)]
        .map(|(name, text)| files.write(name, text).to_str().unwrap().to_owned());
    let [first, second] = ["first.bin", "second.bin"].map(|name| files.path(name).to_str().unwrap().to_owned());
    let warned = |arguments: &[&str]| {
        let run = pocketrank(arguments);
        assert!(run.status.success(), "{run:?}");
        let text = String::from_utf8(run.stdout).unwrap();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("warning"))
            .map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    let lines = warned(&["rules", &rules, "--snapshot", SNAPSHOT, "-o", &first]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("rule `lost` names the template `nowhere`"),
        "{lines:?}"
    );
    let lines = warned(&["experiments", &payload, "--snapshot", &first, "-o", &second]);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("feature `pocketrank.slot.home.template` names the template `elsewhere`"),
        "{lines:?}"
    );
}
