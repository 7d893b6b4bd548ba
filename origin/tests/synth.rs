//! The synthetic shop: the same for a seed, readable like any data, and with a taste to be found.

use crate::support::{inputs, load_checked, Files};
use pocketrank::EventKind;
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::synth::{Options, Shop};
use std::collections::{HashMap, HashSet};

fn small(seed: u64) -> Shop {
    Shop::make(
        &Options {
            seed,
            items: 120,
            sessions: 1500,
        },
        &Progress::hidden(),
    )
    .unwrap()
}

fn written(shop: &Shop) -> (Files, Dataset) {
    let files = Files::new();
    shop.write(&files.path(""), &Progress::hidden()).unwrap();
    let dataset = load_checked(&inputs(&files.path("events.jsonl"))).unwrap();
    (files, dataset)
}

#[test]
fn equal_seeds_give_equal_bytes_and_others_another_shop() {
    let (one, _) = written(&small(7));
    let (two, _) = written(&small(7));
    let (other, _) = written(&small(8));
    for name in ["catalogue.jsonl", "events.jsonl"] {
        let read = |files: &Files| std::fs::read(files.path(name)).unwrap();
        assert_eq!(read(&one), read(&two));
        assert_ne!(read(&one), read(&other));
    }
}

#[test]
fn the_bytes_of_a_seed_do_not_change_from_one_machine_or_version_to_another() {
    let (files, _) = written(
        &Shop::make(
            &Options {
                seed: 1,
                items: 30,
                sessions: 40,
            },
            &Progress::hidden(),
        )
        .unwrap(),
    );
    let hash = |name: &str| {
        let text = std::fs::read_to_string(files.path(name)).unwrap();
        pocketrank::item_hash(&text).to_string()
    };
    assert_eq!(
        [hash("catalogue.jsonl"), hash("events.jsonl")],
        ["9aa639d4fc84eb75", "f7f70ca9dcaf1fd1"]
    );
}

#[test]
fn every_row_is_kept_and_every_product_is_complete() {
    let shop = small(1);
    let (files, dataset) = written(&shop);
    assert_eq!(dataset.account.events.dropped(), 0, "{}", dataset.account);
    assert_eq!((dataset.items.len(), dataset.currency.as_str()), (120, "EUR"));
    let names: HashSet<&str> = dataset.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names.len(), 120);
    for item in &dataset.items {
        let image = item.image.as_ref().unwrap();
        let picture = std::fs::read_to_string(files.path(&image[1..])).unwrap();
        assert!(picture.len() < 2048 && picture.ends_with("</svg>"));
        assert!(
            item.category.is_some() && item.brand.is_some() && item.price.unwrap() > 0.0 && item.description.is_some()
        );
        assert!(item.url.as_ref().unwrap().starts_with("/product/"));
    }
}

#[test]
fn nothing_is_bought_before_it_was_in_the_cart() {
    for visit in &small(1).visits {
        let mut cart = HashSet::new();
        for line in &visit.lines {
            match line.kind {
                EventKind::AddToCart => cart.extend(line.items.iter().map(|(item, _)| *item)),
                EventKind::Purchase => assert!(line.items.iter().all(|(item, _)| cart.contains(item))),
                _ => {}
            }
        }
        assert!(visit.lines.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }
}

/// What two halves of a visitor's history share beyond popularity: the reason to personalize.
#[test]
fn neighbours_find_later_choices_clearly_better_than_popularity() {
    let (_, dataset) = written(&Shop::make(&Options::default(), &Progress::hidden()).unwrap());
    let cut = dataset.events[dataset.events.len() * 17 / 20].at;
    let (mut before, mut after): (HashMap<u32, HashSet<u32>>, HashMap<u32, HashSet<u32>>) = Default::default();
    for event in &dataset.events {
        let side = if event.at < cut { &mut before } else { &mut after };
        side.entry(event.user).or_default().insert(event.item);
    }
    let items = dataset.items.len();
    let mut seen = vec![0f64; items];
    let mut both = vec![0f64; items * items];
    for set in before.values() {
        for a in set {
            seen[*a as usize] += 1.0;
            set.iter().for_each(|b| both[*a as usize * items + *b as usize] += 1.0);
        }
    }
    let (mut by_popularity, mut by_neighbours, mut cases) = (0.0, 0.0, 0.0);
    for (user, later) in &after {
        let Some(history) = before.get(user) else { continue };
        let new: HashSet<u32> = later.difference(history).copied().collect();
        if new.is_empty() {
            continue;
        }
        let score = |b: usize| {
            history
                .iter()
                .map(|a| both[*a as usize * items + b] / (seen[*a as usize] * seen[b]).max(1.0).sqrt())
                .sum()
        };
        let recall = |scores: Vec<f64>| {
            let mut order: Vec<u32> = (0..items as u32).filter(|item| !history.contains(item)).collect();
            order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
            order.iter().take(20).filter(|item| new.contains(item)).count() as f64 / new.len().min(20) as f64
        };
        by_popularity += recall(seen.clone());
        by_neighbours += recall((0..items).map(score).collect());
        cases += 1.0;
    }
    println!(
        "recall@20 of {cases} visitors: popularity {:.3}, neighbours {:.3}",
        by_popularity / cases,
        by_neighbours / cases
    );
    assert!(by_neighbours > 1.5 * by_popularity);
}
