//! The ready mappings on the public data sets. The expected counts were taken from the files by other means (pandas).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests may fail by panicking.

mod support;

use pocketrank_origin::dataset::Dataset;
use std::path::PathBuf;
use support::{inputs, load_checked, touched};

fn data(path: &str) -> PathBuf {
    let folder = std::env::var_os("POCKETRANK_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(path);
    assert!(
        path.exists(),
        "{} is missing: set POCKETRANK_DATA to the folder of the data sets",
        path.display()
    );
    path
}

fn expect(dataset: &Dataset, rules: &[(&str, u64)]) {
    for (rule, rows) in rules {
        assert_eq!(touched(dataset, rule), *rows, "{rule}\n{}", dataset.account);
    }
}

#[test]
fn online_retail() {
    let begin = std::time::Instant::now();
    let dataset = load_checked(&inputs(&data("online-retail/online_retail.parquet"))).unwrap();
    println!("{}loaded in {:.1} s", dataset.account, begin.elapsed().as_secs_f64());
    assert_eq!(dataset.account.events.rows, 525_461);
    expect(
        &dataset,
        &[
            ("unreadable row", 0),
            ("time unreadable", 0),
            ("id differs only in case", 1_494),
            ("duplicate of an earlier row", 6_865),
            ("code of no product", 2_978),
            ("purchase cancelled in part", 4_704),
            ("purchase cancelled", 3_092),
            ("cancellation, netted", 7_866),
            ("cancellation, netted in part", 82),
            ("cancellation without a purchase", 1_610),
            ("impossible quantity", 2_124),
            ("impossible price", 1_527),
            ("item with fewer than 5 users", 1_016),
            ("user with fewer than 2 items", 393),
        ],
    );
    let account = &dataset.account;
    assert_eq!(
        (account.events.kept, account.items, account.users),
        (497_908, 3_669, 5_513)
    );
    assert_eq!((account.anonymous, account.sessions), (1_329, 20_006));
    assert_eq!(
        dataset
            .events
            .iter()
            .map(|event| f64::from(event.quantity))
            .sum::<f64>(),
        5_475_261.0
    );
    let heart = dataset.items.iter().find(|item| item.id == "85123A").unwrap();
    assert_eq!(
        (heart.name.as_str(), heart.category.as_deref()),
        ("White Hanging Heart T-Light Holder", Some("Candles & Lights"))
    );
    let categories: std::collections::BTreeSet<_> = dataset
        .items
        .iter()
        .filter_map(|item| item.category.as_deref())
        .collect();
    assert_eq!(categories.len(), 17);
}

#[test]
fn movielens_100k() {
    let dataset = load_checked(&inputs(&data("movielens-100k/ml-100k.inter"))).unwrap();
    assert!(dataset.account.mapping.starts_with("movielens-100k (recognized"));
    expect(
        &dataset,
        &[("rating below 4, or none", 44_625), ("duplicate of an earlier row", 0)],
    );
    let account = &dataset.account;
    assert_eq!(
        (account.events.rows, account.events.kept, account.users),
        (100_000, 55_375, 942)
    );
    assert_eq!((account.items, account.sessions), (1_682, 2_427));
    let toy_story = dataset.items.iter().find(|item| item.id == "1").unwrap();
    assert_eq!(
        (toy_story.name.as_str(), toy_story.category.as_deref()),
        ("Toy Story", Some("Animation"))
    );
    assert_eq!(dataset.items.iter().filter(|item| item.category.is_none()).count(), 2);
}

#[test]
fn movielens_latest_small() {
    let dataset = load_checked(&inputs(&data("movielens-latest-small/ratings.csv"))).unwrap();
    // One row of the file has an address after its time.
    expect(&dataset, &[("time unreadable", 1), ("rating below 4, or none", 52_255)]);
    let account = &dataset.account;
    assert_eq!(
        (account.events.rows, account.events.kept, account.users),
        (100_836, 48_580, 609)
    );
    assert_eq!((account.items, account.sessions), (9_742, 4_649));
    assert_eq!(dataset.items.iter().filter(|item| item.category.is_none()).count(), 34);
}
