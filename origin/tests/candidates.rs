//! The lists that slots rerank, made of the synthetic shop.

use crate::support::{inputs, load_checked, Files};
use pocketrank::{item_hash, EventKind, Snapshot};
use pocketrank_origin::candidates::Lists;
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::{Dataset, Interaction, Item};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::synth::{Options, Shop};
use pocketrank_origin::train::{train, TrainOptions};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

struct Made {
    files: Files,
    dataset: Dataset,
    snapshot: Vec<u8>,
}

fn quick() -> TrainOptions {
    TrainOptions {
        trials: 4,
        ..TrainOptions::default()
    }
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
    let trained = train(&dataset, &dataset.events, &quick(), &Control::new(Progress::hidden())).unwrap();
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
    let written = lists.write(&files.path(""), &Progress::hidden()).unwrap();
    assert_eq!((written.items, written.pictures), (60, 0), "the shop has its pictures");

    let catalogue = read(&files, "catalogue.json");
    assert_eq!(
        (&catalogue["title"], &catalogue["currency"]),
        (&"Fern & Harbour".into(), &"EUR".into())
    );
    let items = catalogue["items"].as_array().unwrap();
    let categories = catalogue["categories"].as_array().unwrap();
    assert_eq!((items.len(), categories.len(), written.lists), (60, 10, 3 + 10 + 60));
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
    let mut ordered = 0;
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
        let weight = weights(&snapshot, item["id"].as_str().unwrap());
        let weights: Vec<u16> = ids.iter().map(|id| weight.get(*id).copied().unwrap_or(0)).collect();
        assert!(weights.windows(2).all(|pair| pair[0] >= pair[1]), "{weights:?}");
        ordered += usize::from(weights[0] > weights[1] && weights[1] > 0);
    }
    assert!(
        ordered > 10,
        "only {ordered} items have neighbours of different weights"
    );
}

/// The levels of an item's neighbours by id.
fn weights(snapshot: &Snapshot<&[u8]>, id: &str) -> HashMap<String, u16> {
    let ids: HashMap<u32, String> = (1..=60)
        .map(|number| format!("P{number:04}"))
        .filter_map(|id| Some((snapshot.row(item_hash(&id))?, id)))
        .collect();
    let mut weights = HashMap::new();
    if let Some(row) = snapshot.row(item_hash(id)) {
        let neighbours = snapshot.neighbours().unwrap().row(row).unwrap();
        neighbours.for_each(|target, level| {
            weights.insert(ids[&target].clone(), level);
        });
    }
    weights
}

#[test]
fn what_clearly_more_customers_chose_lately_comes_first_in_trending() {
    let Made {
        mut dataset, snapshot, ..
    } = made();
    let snapshot = Snapshot::open(snapshot.as_slice()).unwrap();
    let lists = Lists::new(&dataset, &snapshot, 60).unwrap();
    let last = lists.popular().items.last().unwrap().id.clone();
    let rising = dataset.items.iter().position(|item| item.id == last).unwrap() as u32;
    let newest = *dataset.events.last().unwrap();
    let risen = (0..dataset.users.len() as u32).step_by(2).map(|user| Interaction {
        user,
        item: rising,
        kind: EventKind::Purchase,
        ..newest
    });
    dataset.events.extend(risen);
    let lists = Lists::new(&dataset, &snapshot, 60).unwrap();
    assert_eq!(lists.trending().items[0].id, last);
    assert_eq!(lists.popular().items.last().unwrap().id, last, "as the snapshot says");
}

/// Names and contents of all files below, lower case.
fn all_text(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let inner = match path.is_dir() {
                true => all_text(&path),
                false => String::from_utf8(std::fs::read(&path).unwrap()).unwrap(),
            };
            format!(
                "{}\n{}\n",
                path.file_name().unwrap().to_str().unwrap(),
                inner.to_lowercase()
            )
        })
        .collect()
}

#[test]
fn what_one_customer_had_engraved_is_named_nowhere() {
    let files = Files::new();
    let options = Options {
        seed: 3,
        items: 60,
        sessions: 900,
    };
    let shop = Shop::make(&options, &Progress::hidden()).unwrap();
    shop.write(&files.path(""), &Progress::hidden()).unwrap();
    let mut events = std::fs::read_to_string(files.path("events.jsonl")).unwrap();
    let bought = events.lines().rfind(|line| line.contains("\"purchase\"")).unwrap();
    let mut bought: Value = serde_json::from_str(bought).unwrap();
    bought["items"] = serde_json::json!([{
        "item_id": "ENGRAVED-ANNA-SMITH", "item_name": "Ring for Anna Smith", "item_category": "Rings of Anna Smith",
        "item_brand": "Anna Smith", "price": 4321.5, "quantity": 1
    }]);
    events.push_str(&format!("{bought}\n"));
    for with_catalogue in [true, false] {
        files.write("events.jsonl", &events);
        if !with_catalogue {
            std::fs::remove_file(files.path("catalogue.jsonl")).unwrap();
        }
        let dataset = load_checked(&inputs(&files.path("events.jsonl"))).unwrap();
        let engraved = dataset
            .items
            .iter()
            .find(|item| item.id == "ENGRAVED-ANNA-SMITH")
            .unwrap();
        assert_eq!(engraved.category.as_deref(), Some("Rings of Anna Smith"));
        let trained = train(&dataset, &dataset.events, &quick(), &Control::new(Progress::hidden())).unwrap();
        let snapshot = Snapshot::open(trained.bytes.as_slice()).unwrap();
        let out = Files::new();
        let lists = Lists::new(&dataset, &snapshot, 300).unwrap();
        lists.write(&out.path(""), &Progress::hidden()).unwrap();
        let text = all_text(&out.path(""));
        assert!(text.contains("popular.json") && text.contains("p0001"));
        for secret in ["anna", "4321"] {
            assert!(!text.contains(secret), "{secret} with the catalogue: {with_catalogue}");
        }
    }
}

#[test]
fn items_that_only_the_catalogue_knows_come_last_and_by_id() {
    let Made {
        mut dataset, snapshot, ..
    } = made();
    let snapshot = Snapshot::open(snapshot.as_slice()).unwrap();
    let kept = dataset.items[0].clone();
    for id in ["Z1", "Z2", "Z3"] {
        let id = id.to_owned();
        dataset.items.push(Item { id, ..kept.clone() });
    }
    let newest = *dataset.events.last().unwrap();
    let bought = [(62, 0), (62, 1), (62, 2), (61, 0)].map(|(item, user)| Interaction { item, user, ..newest });
    dataset.events.extend(bought);
    let lists = Lists::new(&dataset, &snapshot, 300).unwrap();
    let catalogue = lists.catalogue();
    let last: Vec<&str> = catalogue.items.iter().rev().take(3).map(|e| e.id.as_str()).collect();
    assert_eq!(last, ["Z3", "Z2", "Z1"]);
    assert!(lists.popular().items.iter().all(|entry| !entry.id.starts_with('Z')));
}

#[test]
fn only_lists_of_an_earlier_run_are_removed() {
    let Made {
        files,
        mut dataset,
        snapshot,
    } = made();
    let snapshot = Snapshot::open(snapshot.as_slice()).unwrap();
    std::fs::create_dir_all(files.path("candidates")).unwrap();
    for own in ["candidates/jobs.html", "candidates/similar-jobs.json"] {
        files.write(own, "the site's own");
    }
    let write = |dataset: &Dataset| {
        let lists = Lists::new(dataset, &snapshot, 40).unwrap();
        let written = lists.write(&files.path(""), &Progress::hidden()).unwrap();
        let index = read(&files, "lists.json");
        let index = index["lists"].as_array().unwrap();
        assert_eq!(index.len(), written.lists);
        assert_eq!(index[0], serde_json::json!({"list": "popular", "ttl": 900}));
        for line in index {
            let name = format!("candidates/{}.json", line["list"].as_str().unwrap());
            assert_eq!(read(&files, &name)["ttl"], line["ttl"]);
        }
        let listed = std::fs::read_dir(files.path("candidates")).unwrap().count();
        assert_eq!(listed, written.lists + 2, "and the site's own");
    };
    write(&dataset);
    for item in &mut dataset.items[20..] {
        item.name = "Renamed".into();
    }
    write(&dataset);
    for own in ["candidates/jobs.html", "candidates/similar-jobs.json"] {
        assert_eq!(std::fs::read(files.path(own)).unwrap(), b"the site's own");
    }
    for bad in ["{", r#"{"lists":[{"list":"../catalogue","ttl":1}]}"#] {
        files.write("lists.json", bad);
        let lists = Lists::new(&dataset, &snapshot, 40).unwrap();
        let error = lists.write(&files.path(""), &Progress::hidden()).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("lists.json"), "{error}");
    }
}

#[test]
fn a_file_is_no_folder_to_write_to() {
    let files = Files::new();
    let file = files.write("page.html", "the site's own");
    let run = Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(["candidates", "snapshot.bin", "--events", "events.csv", "-o"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2));
    let text = String::from_utf8(run.stderr).unwrap();
    assert!(text.contains("page.html is a file; give a folder"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), b"the site's own");
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
