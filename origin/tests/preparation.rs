//! Outliers, what events tell about items of the catalogue, vectors beside them, and configurations that change a mapping.

use crate::support::{inputs, load_checked, touched, Files, HEADER, PLAIN};
use pocketrank_origin::ingest::Inputs;

/// 200 customers with three events each, and a bot with 100 in each of two sessions.
fn with_bot() -> String {
    let mut rows: String = (0..600)
        .map(|n| format!("u{},s{},i{},2020-01-01,1,1,X\n", n / 3, n / 3, n % 7))
        .collect();
    for n in 0..200 {
        rows += &format!("bot,b{},i{},2020-01-0{},1,1,X\n", n / 100, n % 100, 1 + n / 100);
    }
    rows
}

#[test]
fn a_customer_far_beyond_the_quantile_is_dropped_whole() {
    let files = Files::new();
    // The 99th percentile is 3 events.
    let rule = "[clean]\nmax_user_events_quantile = 0.99\nmax_session_events_quantile = 1.0\noutlier_factor = 20\n";
    let dataset = files.load_rows(&with_bot(), rule).unwrap();
    assert_eq!(touched(&dataset, "user of more than 60 events"), 200);
    assert_eq!((dataset.events.len(), dataset.users.len()), (600, 200));
    let dataset = files.load_rows(&with_bot(), &rule.replace("0.99", "1.0")).unwrap();
    assert_eq!(dataset.events.len(), 800, "1 turns the rule off");
    assert!(dataset
        .account
        .events
        .rules
        .iter()
        .all(|rule| !rule.name.contains("of more than")));
}

#[test]
fn a_session_far_beyond_the_quantile_goes_without_its_customer() {
    let files = Files::new();
    let rows = with_bot() + "bot,human,i1,2020-01-03,1,1,X\n";
    let rule = "[clean]\nmax_user_events_quantile = 1.0\nmax_session_events_quantile = 0.99\noutlier_factor = 20\n";
    let dataset = files.load_rows(&rows, rule).unwrap();
    assert_eq!(touched(&dataset, "session of more than 60 events"), 200);
    assert_eq!((dataset.events.len(), dataset.users.len()), (601, 201));
}

#[test]
fn outliers_are_told_by_the_rows_before_the_cut() {
    let files = Files::new();
    let events = files.write("events.csv", format!("{HEADER}{}", with_bot()));
    let rule = "[clean]\nmax_user_events_quantile = 0.99\nmax_session_events_quantile = 1.0\noutlier_factor = 40\n";
    let config = files.write("m.toml", format!("{PLAIN}{rule}"));
    let at = |text| pocketrank_origin::ingest::time::parse(text);
    let load = |until, cut| {
        load_checked(&Inputs {
            config: Some(config.to_str().unwrap().into()),
            until,
            cut,
            ..inputs(&events)
        })
        .unwrap()
    };
    // Its 200 events are more than 120, the 100 of the first day are not: what comes later does not tell on it.
    assert_eq!(load(None, None).users.len(), 200);
    assert_eq!(load(at("2020-01-02"), None).users.len(), 201);
    assert_eq!(load(None, at("2020-01-02")).users.len(), 201);
}

#[test]
fn the_defaults_leave_small_shops_and_keen_customers_alone() {
    let files = Files::new();
    let dataset = files.load_rows(&with_bot(), "").unwrap();
    assert_eq!(
        dataset.events.len(),
        800,
        "one of 201 is not beyond the 99.9th percentile"
    );
}

#[test]
fn what_few_customers_say_is_not_shown_with_a_listed_item() {
    let files = Files::new();
    let rows: String = (0..8)
        .map(|n| {
            let (item, name) = if n < 3 {
                ("rare", "Told by three")
            } else {
                ("common", "Told by five")
            };
            format!("u{n},s{n},{item},2020-01-01,1,2.5,{name}\nu{n},s{n},unlisted,2020-01-01,1,2,Seen\n")
        })
        .collect();
    let catalogue = files.write(
        "catalogue.csv",
        "id,name,category,price,stock\nrare,,,,1\ncommon,,,,1\n",
    );
    let events = files.write("events.csv", format!("{HEADER}{rows}"));
    let load = |min_customers| {
        let config = files.write("m.toml", PLAIN);
        load_checked(&Inputs {
            config: Some(config.to_str().unwrap().into()),
            catalogue: Some(catalogue.clone()),
            min_customers,
            ..inputs(&events)
        })
        .unwrap()
    };
    let shown = |dataset: &pocketrank_origin::dataset::Dataset| -> Vec<(String, Option<f64>)> {
        let items = dataset.items.iter();
        items.map(|item| (item.name.clone(), item.price)).collect()
    };
    let dataset = load(None);
    assert_eq!(
        shown(&dataset),
        [
            ("Told by five".into(), Some(2.5)),
            ("rare".into(), None),
            ("Seen".into(), Some(2.0))
        ]
    );
    let notes = dataset.account.notes.join("\n");
    assert!(
        notes.contains("1 items of the catalogue lack a field that fewer than 5"),
        "{notes}"
    );
    assert_eq!(shown(&load(Some(3)))[1], ("Told by three".into(), Some(2.5)));
}

#[test]
fn the_name_is_what_most_users_say() {
    let files = Files::new();
    let rows = "loud,1,x,2020-01-01,1,1,SHOUTED\nloud,2,x,2020-01-02,1,1,SHOUTED\nloud,3,x,2020-01-03,1,1,SHOUTED\n\
                a,4,x,2020-01-01,1,1,Mug\nb,5,x,2020-01-01,1,1,Mug\n";
    let dataset = files.load_rows(rows, "").unwrap();
    assert_eq!(dataset.items[0].name, "Mug");
    assert_eq!(touched(&dataset, "name varies, that of most users taken"), 3);
}

#[test]
fn tags_are_read_each_once() {
    let files = Files::new();
    let events = files.write("events.csv", format!("{HEADER}a,1,x,2020-01-01,1,1,X\n"));
    let mapping = PLAIN.replace("in_stock = \"stock\" }", "tags = \"tags\" }");
    let config = files.write(
        "m.toml",
        format!("{mapping}tag_separator = \"|\"\nnot_categories = [\"none\"]\n"),
    );
    let catalogue = files.write("c.csv", "id,name,category,price,tags\nx,X,C,1,red| big |red||none\n");
    let dataset = load_checked(&Inputs {
        config: Some(config.to_str().unwrap().into()),
        catalogue: Some(catalogue),
        ..inputs(&events)
    })
    .unwrap();
    assert_eq!(dataset.items[0].tags, ["big", "red"]);
}

#[test]
fn vectors_come_with_the_dataset_and_are_counted() {
    let files = Files::new();
    let events = files.write(
        "events.csv",
        format!("{HEADER}a,1,x,2020-01-01,1,1,X\na,1,y,2020-01-01,1,1,Y\n"),
    );
    let config = files.write("m.toml", PLAIN);
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    npy.extend(header.as_bytes());
    [0.5f32, -1.0, 2.0, 3.0]
        .iter()
        .for_each(|x| npy.extend(x.to_le_bytes()));
    let inputs = Inputs {
        config: Some(config.to_str().unwrap().into()),
        vectors: Some(files.write("v.npy", npy)),
        ..inputs(&events)
    };
    let message = load_checked(&inputs).unwrap_err().to_string();
    assert!(message.contains("v.ids") && message.contains("one a line"), "{message}");
    files.write("v.ids", "y\nz\n");
    let dataset = load_checked(&inputs).unwrap();
    assert_eq!(dataset.vectors.unwrap().rows, [0.0, 0.0, 0.5, -1.0]);
    let notes = dataset.account.notes.join("\n");
    assert!(
        notes.contains("1 of 2 items have one of 2 numbers; 1 vectors are of no item"),
        "{notes}"
    );
}

#[test]
fn a_file_without_columns_changes_the_mapping_that_is_recognized_or_named() {
    let files = Files::new();
    let rows: String = (0..12)
        .map(|n| format!("{},{},{}\n", n / 3, n % 4, 1_600_000_000 + n))
        .collect();
    let events = files.write("clicks.csv", format!("SessionId,ItemId,Time\n{rows}"));
    let load = |text: &str| {
        let config = files.write("pocketrank.toml", text);
        load_checked(&Inputs {
            config: Some(config.to_str().unwrap().into()),
            ..inputs(&events)
        })
    };
    let dataset = load("title = \"Mine\"\n[clean]\nmin_item_users = 3\n[train]\ntrials = 5\n").unwrap();
    assert_eq!(dataset.title.as_deref(), Some("Mine"));
    assert!(
        dataset.account.mapping.starts_with("clicks (recognized by"),
        "{}",
        dataset.account.mapping
    );
    assert!(
        dataset.account.mapping.ends_with("pocketrank.toml"),
        "{}",
        dataset.account.mapping
    );
    assert_eq!(touched(&dataset, "item with fewer than 3 users"), 0);
    load("mapping = \"clicks\"\n").unwrap();
    let message = load("mapping = \"clikcs\"\n").unwrap_err().to_string();
    assert!(message.contains("did you mean \"clicks\"?"), "{message}");
    let message = load("mapping = \"ga4\"\n").unwrap_err().to_string();
    assert!(message.contains("no column"), "{message}");
}
