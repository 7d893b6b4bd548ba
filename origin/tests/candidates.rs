//! The lists that slots rerank, made of the synthetic shop.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests may fail by panicking.

mod support;

use pocketrank::{item_hash, Snapshot};
use pocketrank_origin::candidates::Lists;
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::synth::{Options, Shop};
use pocketrank_origin::train::{train, TrainOptions};
use serde_json::Value;
use std::collections::HashSet;
use support::{inputs, load_checked, Files};

struct Made {
    files: Files,
    dataset: Dataset,
    snapshot: Vec<u8>,
}

fn made() -> Made {
    let files = Files::new();
    let options = Options {
        seed: 3,
        items: 60,
        sessions: 900,
    };
    let shop = Shop::make(&options, &Progress::hidden()).unwrap();
    shop.write(&files.path(""), &Progress::hidden()).unwrap();
    let dataset = load_checked(&inputs(&files.path("events.jsonl"))).unwrap();
    let trained = train(&dataset, &TrainOptions::default(), &Progress::hidden()).unwrap();
    Made {
        files,
        dataset,
        snapshot: trained.bytes,
    }
}

fn read(files: &Files, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(files.path(name)).unwrap()).unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

#[test]
fn every_slot_has_its_list_and_every_list_is_in_order() {
    let Made {
        files,
        dataset,
        snapshot,
    } = made();
    let snapshot = Snapshot::open(snapshot.as_slice()).unwrap();
    let lists = Lists::new(&dataset, &snapshot, 40).unwrap();
    std::fs::create_dir_all(files.path("candidates")).unwrap();
    files.write("candidates/similar-sold-long-ago.json", "{}");
    let written = lists.write(&files.path(""), &Progress::hidden()).unwrap();
    assert_eq!((written.items, written.pictures), (60, 0), "the shop has its pictures");
    assert!(!files.path("candidates/similar-sold-long-ago.json").exists());

    let catalogue = read(&files, "catalogue.json");
    assert_eq!(
        (&catalogue["title"], &catalogue["currency"]),
        (&"Fern & Harbour".into(), &"EUR".into())
    );
    let items = catalogue["items"].as_array().unwrap();
    let categories = catalogue["categories"].as_array().unwrap();
    assert_eq!((items.len(), categories.len(), written.lists), (60, 10, 2 + 10 + 60));
    let slugs: HashSet<&str> = items.iter().map(|item| item["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs.len(), 60);
    let in_stock: HashSet<&str> = items
        .iter()
        .filter(|item| item["in_stock"] == true)
        .map(|item| item["id"].as_str().unwrap())
        .collect();

    let popular = read(&files, "candidates/popular.json");
    assert_eq!((&popular["list"], &popular["ttl"]), (&"popular".into(), &900.into()));
    let popular = ids(&popular);
    assert_eq!(popular.len(), 40);
    let level = |id: &str| {
        snapshot
            .prior()
            .unwrap()
            .get(snapshot.row(item_hash(id)).unwrap())
            .unwrap()
            .popularity
    };
    assert!(popular.windows(2).all(|pair| level(pair[0]) >= level(pair[1])));
    assert!(!ids(&read(&files, "candidates/trending.json")).is_empty());

    for category in categories {
        let list = read(
            &files,
            &format!("candidates/category-{}.json", category["slug"].as_str().unwrap()),
        );
        assert!(list["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["category_slug"] == category["slug"]));
    }
    for item in items {
        let list = read(
            &files,
            &format!("candidates/similar-{}.json", item["slug"].as_str().unwrap()),
        );
        let ids = ids(&list);
        assert!(!ids.contains(&item["id"].as_str().unwrap()));
        assert!(ids.iter().all(|id| in_stock.contains(id)));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(list["items"][0].get("description").is_none());
    }
}

#[test]
fn equal_data_give_equal_lists_and_items_without_pictures_get_them() {
    let Made {
        mut dataset, snapshot, ..
    } = made();
    let snapshot = Snapshot::open(snapshot.as_slice()).unwrap();
    for item in &mut dataset.items {
        item.image = None;
        item.url = None;
        item.brand = None;
    }
    let write = || {
        let files = Files::new();
        let written = Lists::new(&dataset, &snapshot, 300)
            .unwrap()
            .write(&files.path(""), &Progress::hidden())
            .unwrap();
        assert_eq!(written.pictures, 60);
        files
    };
    let (one, two) = (write(), write());
    let listed = read(&one, "candidates/popular.json");
    for item in listed["items"].as_array().unwrap() {
        assert!(one.path(&item["image"].as_str().unwrap()[1..]).is_file());
        assert_eq!(item["url"], format!("/product/{}", item["slug"].as_str().unwrap()));
    }
    for name in ["catalogue.json", "candidates/trending.json"] {
        assert_eq!(
            std::fs::read(one.path(name)).unwrap(),
            std::fs::read(two.path(name)).unwrap()
        );
    }
}

#[test]
fn a_snapshot_of_other_data_is_refused() {
    let Made {
        mut dataset, snapshot, ..
    } = made();
    let snapshot = Snapshot::open(snapshot.as_slice()).unwrap();
    dataset.items.iter_mut().for_each(|item| item.id.insert(0, 'X'));
    let error = Lists::new(&dataset, &snapshot, 10).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("knows none of the 60 items"), "{error}");
}
