//! What happens after the cut is nowhere in what is learned before it: not in names, prices, categories, quantities or
//! which items and users have support.

use crate::support::{inputs, load_checked, touched, Files};
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::ingest::{time, Inputs};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::{train, TrainOptions};
use std::path::Path;

const MAPPING: &str = r#"
currency = "EUR"
[events]
kind = "purchase"
columns = { user = "user", session = "session", item = "item", time = "time", quantity = "quantity", price = "price", name = "name", category = "category" }
cancellation = { session_prefix = "C" }
[clean]
min_item_users = 3
min_user_items = 2
"#;
const HEADER: &str = "user,session,item,time,quantity,price,name,category\n";

fn rows() -> (String, String) {
    let past = (0..240)
        .map(|n| {
            let (user, item, day) = (n % 40, (n * 7 + n / 40) % 12, 1 + n / 10);
            format!("u{user},s{user}-{day},i{item},2020-01-{day:02},2,{item}.5,Mug {item},Mugs\n")
        })
        .collect();
    let mut later = String::new();
    for n in 0..240 {
        let (user, item) = (n % 40, (n * 7 + n / 40) % 12);
        later += &format!("u{user},C{n},i{item},2020-03-01,-2,1,Sold out {item},Sale\n");
        later += &format!("v{n},t{n},i{item},2020-02-01,1,99,Evil {item},Evil\n");
        later += &format!("u{user},t{n},rare{},2020-02-02,1,99,Rare,Evil\n", n % 9);
    }
    (past, later)
}

fn load(files: &Files, path: &Path, until: Option<i64>, cut: Option<i64>) -> Dataset {
    let config = files.write("m.toml", MAPPING);
    load_checked(&Inputs {
        config: Some(config.to_str().unwrap().into()),
        until,
        cut,
        ..inputs(path)
    })
    .unwrap()
}

#[test]
fn a_file_cut_at_the_time_gives_the_same_bytes() {
    let files = Files::new();
    let (past, later) = rows();
    let until = time::parse("2020-02-01").unwrap();
    // The later rows come first, so that they would be the first to be numbered and named.
    let whole = files.write("whole.csv", format!("{HEADER}{later}{past}"));
    let cut = files.write("cut.csv", format!("{HEADER}{past}"));
    let (whole, cut) = (load(&files, &whole, Some(until), None), load(&files, &cut, None, None));
    assert_eq!(whole.items, cut.items);
    assert_eq!((&whole.events, &whole.users), (&cut.events, &cut.users));
    assert_eq!(touched(&whole, "at or after --until, kept for evaluation"), 720);
    let bytes = |dataset: &Dataset| {
        let options = TrainOptions {
            queries: 50,
            trials: 4,
            ..TrainOptions::default()
        };
        let control = Control::new(Progress::hidden());
        train(dataset, &dataset.events, &options, &control).unwrap().bytes
    };
    assert!(bytes(&whole) == bytes(&cut));
}

#[test]
fn a_later_cancellation_leaves_what_was_bought_before_the_cut() {
    let files = Files::new();
    let (past, later) = rows();
    let cut = time::parse("2020-02-01").unwrap();
    let path = files.write("whole.csv", format!("{HEADER}{past}{later}"));
    let before = |dataset: &Dataset| dataset.events.iter().filter(|event| event.at < cut).count();
    let with = load(&files, &path, None, Some(cut));
    assert_eq!(before(&with), 240);
    assert_eq!(touched(&with, "cancellation after the cut of a purchase before"), 240);
    assert_eq!(before(&load(&files, &path, None, None)), 0);
}
