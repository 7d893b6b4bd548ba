//! Rows that nothing is in, where items are gone: no item, whoever counts.

use super::{retrained, shop, snapshot};
use crate::support::shop::json;
use pocketrank::item_hash;
use std::path::Path;

const GONE: [&str; 3] = ["P0007", "P0044", "P0100"];
const LEFT: &str = "--events left.jsonl --catalogue left-catalogue.jsonl";

fn leave_out(shop: &Path) {
    for (file, left) in [
        ("events.jsonl", "left.jsonl"),
        ("catalogue.jsonl", "left-catalogue.jsonl"),
    ] {
        let text = std::fs::read_to_string(shop.join(file)).unwrap();
        let names = |line: &&str| GONE.iter().any(|id| line.contains(&format!("\"{id}\"")));
        let kept: String = text
            .lines()
            .filter(|line| !names(line))
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(kept.len() < text.len());
        std::fs::write(shop.join(left), kept).unwrap();
    }
}

#[test]
fn free_rows_are_counted_as_no_items() {
    let shop = shop();
    leave_out(shop);
    let before = json(shop, "inspect trained.bin");
    let items = before["items"].as_u64().unwrap();
    assert_eq!(
        (&before["free_rows"], &before["meta"]["items"]),
        (&0.into(), &items.into())
    );
    let told = json(
        shop,
        &format!("retrain recipe.json --base trained.bin {LEFT} -o gone.bin"),
    );
    let left = items - GONE.len() as u64;
    assert_eq!((&told["items"], &told["base_items"]), (&left.into(), &items.into()));
    let gone = json(shop, "inspect gone.bin");
    assert_eq!((&gone["items"], &gone["free_rows"]), (&left.into(), &3.into()));
    assert_eq!(gone["meta"]["items"], items, "rows, of which three are free");
    assert_eq!(json(shop, "verify gone.bin")["items"], left);
    json(shop, "diff trained.bin gone.bin -o gone.delta");
    assert_eq!(json(shop, "apply trained.bin gone.delta -o applied.bin")["items"], left);
    assert_eq!(json(shop, "inspect gone.delta")["rows"], items);

    // Nothing of an item is told of them.
    let target = snapshot(shop, "gone.bin");
    let free: Vec<u32> = (0..target.items())
        .filter(|row| target.row(item_hash(&format!("\0{row}"))) == Some(*row))
        .collect();
    assert_eq!(free.len(), GONE.len());
    assert!(GONE.iter().all(|id| target.row(item_hash(id)).is_none()));
    let prior = target.prior().unwrap();
    let cold = |row: &u32| prior.get(*row).unwrap().is_cold();
    let cold_items = (0..target.items())
        .filter(|row| cold(row) && !free.contains(row))
        .count();
    assert!(free.iter().all(cold));
    assert_eq!(gone["cold_start"]["items"], cold_items);
    let model: u64 = ["blend", "prior", "neighbours", "factors", "content"]
        .iter()
        .filter_map(|name| {
            gone["sections"]
                .as_array()
                .unwrap()
                .iter()
                .find(|section| section["name"] == *name)
        })
        .map(|section| section["bytes"].as_u64().unwrap())
        .sum();
    let each = gone["model_bytes_per_item"].as_f64().unwrap();
    assert!((each - model as f64 / left as f64).abs() < 1e-9, "{each}");

    // New items take them.
    let back = retrained(shop, "gone.bin", "back.bin", "");
    assert_eq!((&back["items"], &back["base_items"]), (&items.into(), &left.into()));
    assert_eq!(json(shop, "inspect back.bin")["free_rows"], 0);
    let back = snapshot(shop, "back.bin");
    let mut taken: Vec<u32> = GONE.iter().filter_map(|id| back.row(item_hash(id))).collect();
    taken.sort_unstable();
    assert_eq!(taken, free);
}

#[test]
fn what_is_measured_leaves_free_rows_out() {
    let shop = shop();
    leave_out(shop);
    json(
        shop,
        &format!("retrain recipe.json --base trained.bin {LEFT} -o measured.bin"),
    );
    let report = json(shop, &format!("evaluate measured.bin {LEFT} --hold-out 0.05"));
    let items = json(shop, "inspect measured.bin")["items"].as_f64().unwrap();
    let models = report["models"].as_array().unwrap();
    let coverage = models[0]["beyond"]["coverage"].as_f64();
    let shown = coverage.unwrap_or_else(|| panic!("{}", models[0])) * items;
    assert!(
        shown > 20.0 && (shown - shown.round()).abs() < 1e-6,
        "{shown} of {items} items"
    );
}
