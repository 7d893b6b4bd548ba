//! Retraining beside a snapshot that is out: rows stay, changes stand on enough customers, and a delta keeps to its budget.

mod factors;
mod free;
mod ledger;

use crate::support::inputs;
use crate::support::shop::{json, make, refused, EVENTS};
use pocketrank::pack::Coded;
use pocketrank::{diff, item_hash, Delta, Neighbours, Snapshot};
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::ingest::load;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::interactions::positive;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;

/// A made-up shop, the recipe of a model of it and the model as it was before the last twentieth of its events.
fn shop() -> &'static Path {
    static SHOP: OnceLock<TempDir> = OnceLock::new();
    SHOP.get_or_init(|| make("rp3beta", 0.05)).path()
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

fn events(shop: &Path) -> Dataset {
    load(&inputs(&shop.join("events.jsonl")), &Progress::hidden()).unwrap()
}

/// Who had to do with each of the dataset's items after that second.
fn customers(dataset: &Dataset, since: i64) -> HashMap<u32, HashSet<u32>> {
    let mut customers: HashMap<u32, HashSet<u32>> = HashMap::new();
    for event in dataset
        .events
        .iter()
        .filter(|event| event.at > since && positive(event.kind))
    {
        customers.entry(event.item).or_default().insert(event.user);
    }
    customers
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
    let dataset = events(shop);
    let customers = customers(&dataset, since);
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
fn where_the_scales_of_the_base_do_not_reach_all_is_rounded_anew_and_tells_no_more() {
    let shop = shop();
    // The same weights, each twenty times as large; alone they would count as they are.
    let mut recipe: Value = serde_json::from_slice(&std::fs::read(shop.join("recipe.json")).unwrap()).unwrap();
    let components = recipe["recipe"]["components"].as_array_mut().unwrap();
    components[0]["weight"] = 20.0.into();
    components.push(serde_json::json!({ "family": "popularity", "values": {}, "weight": 1.0 }));
    std::fs::write(shop.join("larger.json"), recipe.to_string()).unwrap();
    let base = snapshot(shop, "trained.bin");
    let told = json(
        shop,
        &format!("retrain larger.json --base trained.bin {EVENTS} -o anew.bin"),
    );
    let target = snapshot(shop, "anew.bin");
    target.verify().unwrap();
    // Weights by target, row by row, in what the scores count.
    let weights = |snapshot: &Snapshot<Vec<u8>>| -> Vec<Vec<(u32, f32)>> {
        let (table, unit) = (snapshot.neighbours().unwrap(), snapshot.blend().neighbour_unit);
        let of = |(target, weight): (u32, u32)| (target, weight as f32 * unit);
        (0..snapshot.items())
            .map(|at| row(table, at).into_iter().map(of).collect())
            .collect()
    };
    let (old, new) = (weights(&base), weights(&target));
    assert!(!Coded::of(&base).unwrap().grid.spans(&new), "the case that is meant");
    let ledger: Value = serde_json::from_slice(&std::fs::read(shop.join("trained.bin.ledger")).unwrap()).unwrap();
    let dataset = events(shop);
    let customers = customers(&dataset, ledger["since"].as_i64().unwrap());
    let least = usize::from(base.meta().min_customers);
    let (mut changed, mut held) = (0, 0);
    for (at, item) in (0u32..).zip(&dataset.items) {
        let Some(place) = base.row(item_hash(&item.id)) else {
            continue;
        };
        assert_eq!(target.row(item_hash(&item.id)), Some(place));
        let cold = base.prior().unwrap().get(place).unwrap().is_cold();
        let (old, new) = (&old[place as usize], &new[place as usize]);
        if cold || customers.get(&at).map_or(0, HashSet::len) >= least {
            changed += usize::from(old != new);
            continue;
        }
        held += 1;
        let heaviest = old.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
        for (target, weight) in new {
            let before = old.iter().find(|(known, _)| known == target);
            let (_, before) = before.unwrap_or_else(|| panic!("{}: {target} is a new neighbour", item.id));
            assert!(
                (weight - before).abs() <= 0.07 * heaviest,
                "{}: {before} became {weight}",
                item.id
            );
        }
        for (target, weight) in old.iter().filter(|(_, weight)| *weight > 0.07 * heaviest) {
            assert!(
                new.iter().any(|(kept, _)| kept == target),
                "{}: {target} of {weight} is gone",
                item.id
            );
        }
    }
    assert!(changed > 10 && held > 10, "{changed} changed, {held} held back");
    assert_eq!(told["waiting"].as_u64().unwrap(), held);
    let delta = diff(&base, &target).unwrap();
    assert_eq!(Delta::open(&delta).unwrap().apply(&base).unwrap(), target.as_bytes());
    // Little is left that need not change.
    let message = refused(
        shop,
        &format!("retrain larger.json --base trained.bin {EVENTS} --max-kb 0.3 -o none.bin"),
        2,
    );
    assert!(message.contains("publish the snapshot whole"), "{message}");
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
