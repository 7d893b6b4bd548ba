//! Templates on their way into snapshots, by the command line.

use crate::support::Files;
use pocketrank::Snapshot;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn pocketrank(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pocketrank"));
    command
        .current_dir(folder)
        .args(line.split_whitespace())
        .output()
        .unwrap()
}

/// Runs a verb that must succeed, and reads its JSON.
fn json(folder: &Path, line: &str) -> Value {
    let run = pocketrank(folder, &format!("{line} --json"));
    assert!(run.status.success(), "{line}: {run:?}");
    serde_json::from_slice(&run.stdout).unwrap()
}

fn names(folder: &Path, snapshot: &str) -> Vec<String> {
    let bytes = std::fs::read(folder.join(snapshot)).unwrap();
    let templates = Snapshot::open(bytes).unwrap().templates().unwrap();
    let all = templates.iter().flat_map(|templates| templates.all());
    all.map(|template| template.name.clone()).collect()
}

const DATA: &str = "--events shop/events.jsonl --catalogue shop/catalogue.jsonl";

#[test]
fn train_pack_and_retrain_put_them_into_snapshots() {
    let files = Files::new();
    let shop = &files.path("");
    let write = |name: &str, text: &str| {
        let path = shop.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    json(shop, "synth -o shop --items 40 --sessions 500");
    write(
        "own/gallery.mustache",
        "{{#items}}<b>{{name}}</b>{{{teaser}}}{{/items}}",
    );
    write("own/fields.toml", "teaser = \"html\"\n");
    let trained = json(
        shop,
        &format!("train {DATA} --trials 4 --recipe recipe.json --templates own -o trained.bin"),
    );
    assert_eq!(names(shop, "trained.bin"), ["gallery", "slot"]);
    let inspected = json(shop, "inspect trained.bin");
    assert_eq!(inspected["id"], trained["id"]);
    assert_eq!(inspected["templates"][0]["name"], "gallery");
    assert_eq!(
        inspected["templates"][0]["fields"],
        serde_json::json!(["items", "name", "teaser"])
    );
    assert_eq!(json(shop, "verify trained.bin")["id"], trained["id"]);

    // Those of the base stay; the ledger is that of the snapshot with them, so that the next one can go on from it.
    json(
        shop,
        &format!("retrain recipe.json --base trained.bin {DATA} -o kept.bin"),
    );
    assert_eq!(names(shop, "kept.bin"), ["gallery", "slot"]);
    write("other/slot.mustache", "<p>{{#items}}{{price}}{{/items}}</p>");
    let other = json(
        shop,
        &format!("retrain recipe.json --base kept.bin --templates other {DATA} -o other.bin"),
    );
    assert_eq!(names(shop, "other.bin"), ["slot"]);
    json(shop, "diff kept.bin other.bin -o other.delta");
    json(shop, "apply kept.bin other.delta -o applied.bin");
    assert_eq!(json(shop, "verify applied.bin")["id"], other["id"]);

    let limit = std::fs::metadata(shop.join("trained.bin"))
        .unwrap()
        .len()
        .div_ceil(1000);
    json(
        shop,
        &format!("pack recipe.json {DATA} --templates own --max-kb {limit} --force -o packed.bin"),
    );
    assert_eq!(names(shop, "packed.bin"), ["gallery", "slot"]);
    assert!(std::fs::metadata(shop.join("packed.bin")).unwrap().len() <= limit * 1000);

    // What is wrong is told before anything is trained.
    write(
        "own/gallery.mustache",
        "{{#items}}\n<a href=javascript:{{id}}>{{/items}}",
    );
    for line in [
        format!("train {DATA} --templates own -o never.bin"),
        format!("retrain recipe.json --base kept.bin {DATA} --templates own -o never.bin"),
        format!("pack recipe.json {DATA} --smallest --templates own -o never.bin"),
        "templates own".into(),
    ] {
        let run = pocketrank(shop, &line);
        let message = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(3), "{message}");
        assert!(
            message.contains("own/gallery.mustache:2:9: put quotes around the value of `href`"),
            "{message}"
        );
        assert!(!shop.join("never.bin").exists());
    }
}

#[test]
fn the_verb_checks_and_renders() {
    let files = Files::new();
    let shop = &files.path("");
    std::fs::create_dir_all(shop.join("own")).unwrap();
    files.write("own/slot.mustache", "{{#items}}[{{name}} {{position}}]{{/items}}");
    let lines = "{\"template\":\"slot\",\"data\":{\"items\":[{\"name\":\"<a>\",\"position\":1}]}}\n{\"template\":\"slot\",\"data\":{}}\n";
    files.write("data.jsonl", lines);
    assert_eq!(
        json(shop, "templates own --data data.jsonl"),
        serde_json::json!(["[&lt;a&gt; 1]", ""])
    );
    assert_eq!(json(shop, "templates own")[0]["steps"], 6);
    assert!(json(shop, "templates --fields")
        .as_array()
        .unwrap()
        .contains(&"because".into()));
    files.write(
        "data.jsonl",
        "{\"template\":\"slot\",\"data\":{}}\n{\"template\":\"gone\",\"data\":{}}\n",
    );
    let run = pocketrank(shop, "templates own --data data.jsonl");
    assert_eq!(run.status.code(), Some(3));
    assert!(String::from_utf8(run.stderr)
        .unwrap()
        .contains("data.jsonl:2: template: `gone` is not known"));
    assert_eq!(pocketrank(shop, "templates").status.code(), Some(2));
}
