//! Files without a header: which form is recognized, what rows they become, and what is asked of them.

use crate::support::{inputs, Files};
use pocketrank::EventKind;
use pocketrank_origin::dataset::{Dataset, Order};
use pocketrank_origin::error::Error;
use pocketrank_origin::evaluate::{exclude_current, hold_out, split, Protocol};
use pocketrank_origin::ingest::{load, Inputs};
use pocketrank_origin::progress::Progress;

fn read(files: &[(&str, &str)], config: Option<&str>) -> Result<Dataset, Error> {
    let folder = Files::new();
    let events: Vec<_> = files.iter().map(|(name, text)| folder.write(name, text)).collect();
    let config = config.map(|text| match text.contains('=') {
        true => folder.write("m.toml", text).to_str().unwrap().to_owned(),
        false => text.to_owned(),
    });
    let dataset = load(
        &Inputs {
            config,
            events: events.clone(),
            ..inputs(&events[0])
        },
        &Progress::hidden(),
    )?;
    let account = &dataset.account.events;
    assert_eq!(account.rows, account.kept + account.dropped());
    assert_eq!(account.kept as usize, dataset.events.len());
    Ok(dataset)
}

/// Each event as `session:user:item@at`.
fn events(dataset: &Dataset) -> Vec<String> {
    let name = |event: &pocketrank_origin::dataset::Interaction| {
        let id = &dataset.items[event.item as usize].id;
        format!("{}:{}:{id}@{}", event.session, event.user, event.at)
    };
    dataset.events.iter().map(name).collect()
}

#[test]
fn lists_are_users_with_items_in_their_order() {
    let dataset = read(&[("train.txt", "u1 a b a\r\nu2 b\nu3\n\n")], None).unwrap();
    assert_eq!(dataset.order, Order::Lists);
    assert!(dataset.users.iter().all(|user| !user.anonymous));
    assert!(dataset.events.iter().all(|event| event.kind == EventKind::ViewItem));
    assert_eq!(events(&dataset), ["0:0:a@0", "1:1:b@0", "0:0:b@1", "0:0:a@2"]);
    assert_eq!(crate::support::touched(&dataset, "no item"), 1);
    let account = dataset.account.to_string();
    assert!(
        account.contains("lists (recognized") && account.contains("--config") && account.contains("train.txt:3"),
        "{account}"
    );
}

#[test]
fn lines_that_begin_alike_are_sessions_in_their_order() {
    let text = "a b\nc d e\na c\n";
    let dataset = read(&[("1.txt", text), ("2.txt", "d d\n")], None).unwrap();
    assert_eq!(dataset.order, Order::Sequence);
    assert!(dataset.users.iter().all(|user| user.anonymous));
    assert_eq!(
        events(&dataset),
        ["0:0:a@0", "0:0:b@1", "1:1:c@2", "1:1:d@3", "1:1:e@4", "2:2:a@5", "2:2:c@6", "3:3:d@7", "3:3:d@8"]
    );
    // Said otherwise, they are what is said.
    for config in ["lists", "[events]\nform = \"lists\"\n"] {
        let dataset = read(&[("1.txt", text)], Some(config)).unwrap();
        assert_eq!(dataset.order, Order::Lists);
        assert_eq!(dataset.users.len(), 2);
    }
}

#[test]
fn prefixes_are_recognized_by_their_tab() {
    let dataset = read(&[("t.txt", "a b c\td\na\tb\n")], None).unwrap();
    assert_eq!(dataset.order, Order::Sequence);
    assert_eq!(
        events(&dataset),
        ["0:0:a@0", "0:0:b@1", "0:0:c@2", "0:0:d@3", "1:1:a@4", "1:1:b@5"]
    );
}

#[test]
fn tables_stay_tables() {
    for text in [
        "user item time\n1 2 3\n4 5 6\n",
        "1\t2\t3\t4\n5\t6\t7\t8\n",
        "user\n1\n2\n",
        "1,2 3\n",
        "a sentence, of words\n",
    ] {
        let error = read(&[("f.csv", text)], None).unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{text}: {error}");
    }
    let clicks = "SessionId;ItemId;Time\n7;b;20.5\n7;a;10\n3;a;30\n";
    let dataset = read(&[("f.txt", clicks)], None).unwrap();
    assert_eq!((dataset.order, dataset.account.anonymous), (Order::Time, 2));
    assert_eq!(events(&dataset), ["0:0:a@10", "0:0:b@20", "1:1:a@30"]);
    assert!(dataset.account.mapping.starts_with("clicks"));
}

#[test]
fn forms_that_do_not_fit_say_so() {
    let fails = |files: &[(&str, &str)], config: Option<&str>| read(files, config).unwrap_err().to_string();
    let message = fails(&[("a.txt", "a b\na c\n"), ("b.csv", "{\"a\":1}\n")], None);
    assert!(
        message.contains("b.csv: table where sessions are expected"),
        "{message}"
    );
    let both = "[events]\nform = \"lists\"\ncolumns = { user = \"u\", item = \"i\", time = \"t\" }\n";
    assert!(fails(&[("a.txt", "a b\n")], Some(both)).contains("`columns` are of a table"));
    let half = "[events]\nkind = \"purchase\"\n[events.columns]\nitem = \"i\"\n";
    assert!(fails(&[("a.txt", "a b\n")], Some(half)).contains("needs `item` and `time`"));
    let files = Files::new();
    let until = Inputs {
        until: Some(5),
        ..inputs(&files.write("a.txt", "u a b\nv c d\n"))
    };
    let message = load(&until, &Progress::hidden()).unwrap_err().to_string();
    assert!(message.contains("--hold-out"), "{message}");
}

#[test]
fn the_last_fifth_of_each_list_is_asked_for() {
    let dataset = read(&[("l.txt", "u a b c d b e f g a h\nv a b c d e\nw a b\n")], None).unwrap();
    let protocol = Protocol::of(&dataset);
    assert_eq!(protocol, Protocol::LastOfUser { share: 0.2 });
    let parts = split(&dataset, &dataset.events, protocol, usize::MAX);
    // Of u: a (known already) and h; of v: e; of w: b.
    assert_eq!(parts.fit.len(), 8 + 4 + 1);
    let id = |item: &u32| dataset.items[*item as usize].id.as_str();
    let ids = |items: &[u32]| items.iter().map(id).collect::<String>();
    let asked: Vec<_> = parts
        .queries
        .iter()
        .map(|query| (query.profile.events().len(), ids(&query.exclude), ids(&query.relevant)))
        .collect();
    assert_eq!(
        asked,
        [
            (8, "abcdefg".to_string(), "h".to_string()),
            (4, "abcd".to_string(), "e".to_string()),
            (1, "a".to_string(), "b".to_string())
        ]
    );
    assert_eq!(hold_out(&dataset, protocol, 0.5, 1).queries.len(), 1);
}

#[test]
fn every_beginning_of_the_last_sessions_asks_for_the_next_item() {
    let lines: String = (0..20).map(|n| format!("a b{n} c a\n")).collect();
    let dataset = read(&[("s.txt", &lines)], None).unwrap();
    let parts = split(&dataset, &dataset.events, Protocol::of(&dataset), usize::MAX);
    assert_eq!(parts.fit.len(), 18 * 4);
    assert_eq!(parts.queries.len(), 2 * 3);
    let last = &parts.queries[5];
    assert_eq!(last.profile.events().len(), 3);
    assert_eq!(dataset.items[last.relevant[0] as usize].id, "a");
    assert!(last.exclude.is_empty());
    let mut queries = parts.queries.clone();
    exclude_current(&dataset, &mut queries);
    assert_eq!(dataset.items[queries[5].exclude[0] as usize].id, "c");
    // Thinned by whole sessions.
    let thinned = split(&dataset, &dataset.events, Protocol::NextItem, 4);
    assert_eq!(thinned.queries.len(), 3);
    assert!(thinned
        .queries
        .iter()
        .all(|query| query.user == thinned.queries[0].user));
    // Other sessions' clicks are no history.
    assert!(parts.queries.iter().all(|query| query.now < 4));
}

#[test]
fn ratings_of_one_second_are_in_the_order_of_their_ids() {
    let rows: String = [10, 9, 100, 8, 7].map(|item| format!("1,{item},5.0,1000\n")).concat();
    let dataset = read(&[("r.csv", &format!("userId,movieId,rating,timestamp\n{rows}"))], None).unwrap();
    assert!(dataset.rated);
    let parts = split(&dataset, &dataset.events, Protocol::of(&dataset), usize::MAX);
    let asked: Vec<&str> = parts.queries[0]
        .relevant
        .iter()
        .map(|item| dataset.items[*item as usize].id.as_str())
        .collect();
    assert_eq!((asked, parts.fit.len()), (vec!["100"], 4));
}
