//! Retraining beside a snapshot that is out: rows stay, changes stand on enough customers, and a delta keeps to its budget.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use pocketrank::{item_hash, Neighbours, Snapshot};
use pocketrank_origin::ingest::load;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::interactions::positive;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;
use support::inputs;
use tempfile::TempDir;

const EVENTS: &str = "--events events.jsonl --catalogue catalogue.jsonl";

fn run(folder: &Path, args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn json(folder: &Path, args: &str) -> Value {
    let output = run(folder, &format!("{args} --json"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a run that must fail with that code says.
fn refused(folder: &Path, args: &str, code: i32) -> String {
    let output = run(folder, &format!("{args} --json"));
    assert_eq!(output.status.code(), Some(code), "{args}: {output:?}");
    assert!(output.stdout.is_empty(), "{args}");
    String::from_utf8(output.stderr).unwrap()
}

/// A made-up shop, the recipe of a model of it and the model as it was before the last twentieth of its events.
fn shop() -> &'static Path {
    static SHOP: OnceLock<TempDir> = OnceLock::new();
    let made = || {
        let folder = tempfile::tempdir().unwrap();
        json(folder.path(), "synth -o . --items 150 --sessions 2000");
        let train = "train --families rp3beta --trials 4 --folds 1 --recipe recipe.json -o trained.bin";
        json(folder.path(), &format!("{train} {EVENTS} --hold-out 0.05"));
        folder
    };
    SHOP.get_or_init(made).path()
}

fn snapshot(shop: &Path, file: &str) -> Snapshot<Vec<u8>> {
    Snapshot::open(std::fs::read(shop.join(file)).unwrap()).unwrap()
}

fn retrained(shop: &Path, base: &str, output: &str, how: &str) -> Value {
    json(
        shop,
        &format!("retrain recipe.json --base {base} {EVENTS} {how} -o {output}"),
    )
}

/// Targets and weights of a row.
fn row(table: Neighbours<'_>, row: u32) -> Vec<(u32, u32)> {
    let mut all = vec![];
    let row = table.row(row).unwrap();
    row.for_each(|target, level| all.push((target, u32::from(level) * u32::from(row.scale))));
    all
}

#[test]
fn a_row_changes_only_where_enough_customers_say_so() {
    let shop = shop();
    let told = retrained(shop, "trained.bin", "exact.bin", "--exact");
    let (base, target) = (snapshot(shop, "trained.bin"), snapshot(shop, "exact.bin"));
    let ledger: Value = serde_json::from_slice(&std::fs::read(shop.join("trained.bin.ledger")).unwrap()).unwrap();
    let since = ledger["since"].as_i64().unwrap();
    assert!(since <= i64::from(base.meta().trained_until));
    let dataset = load(&inputs(&shop.join("events.jsonl")), &Progress::hidden()).unwrap();
    let mut customers: HashMap<u32, HashSet<u32>> = HashMap::new();
    for event in dataset
        .events
        .iter()
        .filter(|event| event.at > since && positive(event.kind))
    {
        customers.entry(event.item).or_default().insert(event.user);
    }
    let least = usize::from(base.meta().min_customers);
    assert!(least >= 5);
    let [old, new] = [&base, &target].map(|snapshot| snapshot.neighbours().unwrap());
    let (mut changed, mut held) = (0, 0);
    for (at, item) in (0u32..).zip(&dataset.items) {
        let Some(place) = base
            .row(item_hash(&item.id))
            .filter(|place| target.row(item_hash(&item.id)) == Some(*place))
        else {
            continue;
        };
        let behind = customers.get(&at).map_or(0, HashSet::len);
        if base.prior().unwrap().get(place).unwrap().is_cold() {
            continue;
        }
        if row(old, place) != row(new, place) {
            changed += 1;
            assert!(behind >= least, "{}: {behind} customers", item.id);
        } else if behind > 0 {
            held += 1;
        }
    }
    assert!(changed > 10 && held > 10, "{changed} changed, {held} held back");
    assert!(told["waiting"].as_u64().unwrap() > 10);

    // What waited is counted from when it changed last, not from the base: with the ledger lost all begins anew.
    let again = retrained(shop, "exact.bin", "again.bin", "--exact");
    assert_eq!(again["id"], told["id"], "no new customers, nothing to tell");
    let ledger = shop.join("exact.bin.ledger");
    let text = std::fs::read_to_string(&ledger).unwrap();
    assert!(text.contains(told["id"].as_str().unwrap()));
    std::fs::copy(shop.join("trained.bin"), shop.join("copy.bin")).unwrap();
    std::fs::copy(&ledger, shop.join("copy.bin.ledger")).unwrap();
    let message = refused(
        shop,
        &format!("retrain recipe.json --base copy.bin {EVENTS} -o never.bin"),
        3,
    );
    assert!(message.contains("copy.bin.ledger: the ledger of snapshot"), "{message}");
    std::fs::write(shop.join("copy.bin.ledger"), "{}").unwrap();
    let message = refused(
        shop,
        &format!("retrain recipe.json --base copy.bin {EVENTS} -o never.bin"),
        3,
    );
    assert!(message.contains("no ledger"), "{message}");
    std::fs::remove_file(shop.join("copy.bin.ledger")).unwrap();
    assert!(!shop.join("never.bin").exists());
    // Without one it is not known what the base tells of: its rows stay until enough new customers came, and their popularity too.
    retrained(shop, "copy.bin", "lost.bin", "--exact");
    let target = snapshot(shop, "lost.bin");
    let [old, new] = [&base, &target].map(|snapshot| snapshot.prior().unwrap());
    let until = i64::from(base.meta().trained_until);
    for (at, item) in (0u32..).zip(&dataset.items) {
        let Some(place) = base
            .row(item_hash(&item.id))
            .filter(|place| !old.get(*place).unwrap().is_cold())
        else {
            continue;
        };
        let later = dataset
            .events
            .iter()
            .filter(|event| event.item == at && event.at > until && positive(event.kind));
        let behind = later.map(|event| event.user).collect::<HashSet<_>>().len();
        assert!(behind >= least || old.get(place) == new.get(place), "{}", item.id);
    }
}

#[test]
fn a_budget_is_kept_and_the_rest_comes_with_the_next_delta() {
    let shop = shop();
    let sent = |value: &Value| value["delta"]["brotli"].as_u64().unwrap();
    let all = sent(&retrained(shop, "trained.bin", "all.bin", "--exact"));
    let most = all as f64 * 0.3 / 1000.0;
    let first = retrained(shop, "trained.bin", "first.bin", &format!("--max-kb {most}"));
    assert!(sent(&first) as f64 <= most * 1000.0, "{} of {all}", sent(&first));
    retrained(shop, "first.bin", "rest.bin", "--exact");
    let rows = |file: &str| {
        let snapshot = snapshot(shop, file);
        let table = snapshot.neighbours().unwrap();
        let prior = snapshot.prior().unwrap();
        let known = |at: u32| (row(table, at), prior.get(at).unwrap());
        (0..snapshot.items()).map(known).collect::<Vec<_>>()
    };
    let [base, all, first, rest] = ["trained.bin", "all.bin", "first.bin", "rest.bin"].map(rows);
    let (mut sent, mut carried) = (0, 0);
    for (((base, all), first), rest) in base
        .iter()
        .zip(&all)
        .zip(&first)
        .zip(&rest)
        .filter(|(((base, all), _), _)| base != all)
    {
        if first == base {
            carried += 1;
            assert_eq!(rest, all, "what was not sent at first comes with the next");
        } else {
            sent += 1;
            assert_eq!(rest.0, first.0, "what was waits for more customers");
        }
    }
    assert!(sent > 3 && carried > 3, "{sent} sent, {carried} carried");
    let message = refused(
        shop,
        &format!("retrain recipe.json --base trained.bin {EVENTS} --max-kb 0.1 -o none.bin"),
        2,
    );
    assert!(
        message.contains("what must change takes") && message.contains("--max-kb 0.1"),
        "{message}"
    );
    let message = refused(
        shop,
        &format!("retrain recipe.json --base trained.bin {EVENTS} --max-kb 1 --exact -o none.bin"),
        2,
    );
    assert!(message.contains("--exact"), "{message}");
}

#[test]
fn events_without_times_cannot_say_who_came_since() {
    let shop = shop();
    std::fs::write(shop.join("lists.txt"), "1 2 3\n2 3 4\n1 3 4\n".repeat(9)).unwrap();
    let message = refused(
        shop,
        "retrain recipe.json --base trained.bin --events lists.txt --config lists -o lists.bin",
        3,
    );
    assert!(message.contains("no times"), "{message}");
}

#[test]
fn items_keep_their_rows_when_newer_events_are_fitted() {
    let shop = shop();
    let read = |file: &str| std::fs::read(shop.join(file)).unwrap();
    let events = "--events events.jsonl --catalogue catalogue.jsonl";
    let newer = json(
        shop,
        &format!("retrain recipe.json --base trained.bin {events} -o newer.bin"),
    );
    let (old, new) = (read("trained.bin"), read("newer.bin"));
    let (old, new) = (Snapshot::open(old).unwrap(), Snapshot::open(new).unwrap());
    assert_eq!(newer["id"], new.id().to_string());
    assert_eq!(newer["base"], old.id().to_string());
    assert_eq!(newer["base_items"], old.items());
    assert!(new.meta().trained_until > old.meta().trained_until);
    let catalogue = String::from_utf8(read("catalogue.jsonl")).unwrap();
    let ids: Vec<String> = catalogue
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["sku"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let rows = |snapshot: &Snapshot<Vec<u8>>| -> Vec<Option<u32>> {
        ids.iter().map(|id| snapshot.row(item_hash(id))).collect()
    };
    let both: Vec<(u32, u32)> = rows(&old)
        .into_iter()
        .zip(rows(&new))
        .filter_map(|(old, new)| old.zip(new))
        .collect();
    assert!(both.len() > 100, "{}", both.len());
    assert!(both.iter().all(|(old, new)| old == new));
    // What did not change stays as it is.
    json(
        shop,
        &format!("retrain recipe.json --base newer.bin {events} -o again.bin"),
    );
    assert_eq!(read("again.bin"), read("newer.bin"));
    // Without a base nothing is written.
    let text = refused(
        shop,
        &format!("retrain recipe.json --base none.bin {events} -o other.bin"),
        1,
    );
    assert!(text.contains("none.bin"), "{text}");
    assert!(!shop.join("other.bin").exists());
    let text = refused(
        shop,
        &format!("retrain recipe.json --base newer.bin {events} -o newer.bin"),
        2,
    );
    assert!(text.contains("--base and -o are both newer.bin"), "{text}");
}
