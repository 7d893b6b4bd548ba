//! Files that are not what they should be cost no more than what is wrong with them, and no message repeats a field.

use crate::support::{gzip, inputs, load_checked, orders_parquet, touched, unsigned_parquet, Files, HEADER, PLAIN};
use parquet::basic::Compression;

#[test]
fn a_stray_quote_costs_its_own_row_and_no_other() {
    let files = Files::new();
    let rows: String = (1..=2000)
        .map(|n| {
            let quote = if [50, 1950].contains(&n) { "\"" } else { "" };
            format!("u{},s{n},i{},2020-01-01,1,1,{quote}Mug {n}\n", n % 50, n % 7)
        })
        .collect();
    let dataset = files.load_rows(&rows, "").unwrap();
    assert_eq!(dataset.account.events.rows, 2000);
    assert_eq!(touched(&dataset, "unreadable row"), 2);
    assert_eq!(dataset.events.len(), 1998);
    assert!(dataset.items.iter().all(|item| item.name.len() < 10));
    let pieces =
        "a,1,x,2020-01-01,1,1,\"A \"\"big\"\", red mug\"\ra,2,y,2020-01-02,1,1,12\" rule\r\nb,3,x,2020-01-03,1,1,\"\n";
    let dataset = files.load_rows(pieces, "[clean]\nmax_unreadable = 0.5\n").unwrap();
    let names: Vec<&str> = dataset.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["A \"big\", red mug", "12\" rule"]);
    assert_eq!(dataset.account.events.rows, 3);
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let files = Files::new();
    let huge = "y".repeat(5 << 20);
    let rows = format!("{HEADER}a,1,x,2020-01-01,1,1,{huge}\na,1,x,2020-01-01,1,1,\"{huge}\nb,1,x,2020-01-01,1,1,X\n");
    let path = files.write("events.csv.gz", gzip(rows.as_bytes()));
    let dataset = files
        .load_mapped(&path, &format!("{PLAIN}[clean]\nmax_unreadable = 0.7\n"))
        .unwrap();
    assert_eq!(touched(&dataset, "unreadable row"), 2);
    assert_eq!(dataset.events.len(), 1);
}

#[test]
fn ids_beyond_signed_numbers_stay_apart() {
    let files = Files::new();
    let line = |id: &str| {
        format!(
            "{{\"user\":\"u\",\"session\":1,\"item\":{id},\"time\":1600000000,\"quantity\":1,\"price\":1,\"name\":\"X\"}}\n"
        )
    };
    let path = files.write("e.jsonl", line("18446744073709551614") + &line("18446744073709551615"));
    let dataset = files.load_mapped(&path, PLAIN).unwrap();
    let ids: Vec<&str> = dataset.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["18446744073709551614", "18446744073709551615"]);
}

#[test]
fn the_category_is_what_most_users_say_whoever_speaks_last_or_most() {
    let files = Files::new();
    let mapping = PLAIN.replace("name = \"name\" }\n[", "category = \"name\" }\n[");
    let mut rows: String = (0..30).map(|n| format!("u{n},s{n},x,2020-01-01,1,1,Shoes\n")).collect();
    (0..40).for_each(|n| rows += &format!("evil,e{n},x,2020-02-01,1,1,EVIL\n"));
    rows += "a,a,y,2020-01-01,1,1,B\nb,b,y,2020-01-02,1,1,A\n";
    let path = files.write("events.csv", format!("{HEADER}{rows}"));
    let dataset = files.load_mapped(&path, &mapping).unwrap();
    let categories: Vec<_> = dataset.items.iter().map(|item| item.category.as_deref()).collect();
    assert_eq!(categories, [Some("Shoes"), Some("A")]);
}

#[test]
fn a_customers_address_is_in_no_message_whatever_column_it_slipped_into() {
    let files = Files::new();
    let address = "anna@example.com";
    let fields = ["a", "1", "x", "2020-01-01", "1", "1", "X"];
    for place in [3, 4, 5] {
        let mut slipped = fields;
        slipped[place] = address;
        let rows = format!("{}\n{}\n", fields.join(","), slipped.join(","));
        let message = files.load_rows(&rows, "").unwrap_err().to_string();
        assert!(
            message.contains("<16 characters>") && !message.contains("anna"),
            "{message}"
        );
        let dataset = files.load_rows(&rows, "[clean]\nmax_unreadable = 0.5\n").unwrap();
        assert!(!format!("{:?}", dataset.account).contains("anna"));
    }
    let rows = format!("a,1,x,2020-01-01,1,1,{address}\na,1,x,2020-01-01,1,-1,X\na,2,x,2020-01-02,1,1,X\n");
    let dataset = files.load_rows(&rows, "[clean]\nnot_names = ['.*@.*']\n").unwrap();
    assert!(!format!("{:?}", dataset.account).contains("anna"));
    let headless = files.write("headless.csv", format!("{address},1,x,2020-01-01,1,1,X\n"));
    for error in [load_checked(&inputs(&headless)), files.load_mapped(&headless, PLAIN)] {
        let message = error.unwrap_err().to_string();
        assert!(
            message.contains("the first line looks like data") && !message.contains("anna"),
            "{message}"
        );
    }
}

#[cfg(unix)]
#[test]
fn what_can_be_read_only_once_is_refused() {
    let files = Files::new();
    let error = load_checked(&inputs("/dev/null".as_ref())).unwrap_err();
    assert!(error.to_string().contains("write it to a file first"), "{error}");
    assert_eq!(error.exit_code(), 3);
    let error = load_checked(&inputs(files.path("x").parent().unwrap())).unwrap_err();
    assert!(error.to_string().contains("a folder"), "{error}");
}

#[test]
fn a_catalogue_with_variants_is_good_and_one_without_ids_is_not() {
    let files = Files::new();
    let events = files.write("events.csv", format!("{HEADER}a,1,x,2020-01-01,1,1,X\n"));
    let config = files.write("m.toml", format!("{PLAIN}[clean]\nnot_products = ['post']\n"));
    let mut inputs = inputs(&events);
    inputs.config = Some(config.to_str().unwrap().into());
    let head = "id,name,category,price,stock\n";
    let variants = format!("{head}x,X,C,1,1\nx,X,C,1,1\nx,X,C,1,1\npost,P,C,1,1\n");
    inputs.catalogue = Some(files.write("variants.csv", variants));
    assert_eq!(load_checked(&inputs).unwrap().account.catalogue.unwrap().kept, 1);
    inputs.catalogue = Some(files.write("idless.csv", format!("{head}x,X,C,1,1\n,X,C,1,1\n")));
    let message = load_checked(&inputs).unwrap_err().to_string();
    assert!(message.contains("1 of 2 catalogue rows can be used"), "{message}");
    inputs.catalogue = Some(files.path("nope.csv"));
    inputs.config = None;
    let message = load_checked(&inputs).unwrap_err().to_string();
    assert!(message.contains("nope.csv"), "{message}");
}

#[test]
fn unsigned_columns_of_parquet_are_read_as_such() {
    let files = Files::new();
    let path = files.write("e.parquet", unsigned_parquet(&[-1, -2, 7], &[-1, 5, 6]));
    let mapping = r#"
[events]
kind = "purchase"
columns = { user = "user", item = "item", time = "time" }
"#;
    let dataset = files.load_mapped(&path, mapping).unwrap();
    let ids: Vec<&str> = dataset.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["18446744073709551614", "18446744073709551615", "7"]);
    let last = dataset.events.last().unwrap();
    assert_eq!(last.at, i64::from(u32::MAX));
}

/// Enough good rows that what is behind them is beyond the file's head.
const FAR: usize = 4000;

/// What the account says of unreadable rows.
fn unreadable(dataset: &pocketrank_origin::dataset::Dataset) -> String {
    let rules = &dataset.account.events.rules;
    rules
        .iter()
        .find(|rule| rule.name == "unreadable row")
        .unwrap()
        .examples
        .join("\n")
}

#[test]
fn a_control_character_in_an_id_costs_its_row_wherever_it_stands() {
    let files = Files::new();
    let good: String = (0..FAR)
        .map(|n| format!("u{},s{n},i{},2020-01-01,1,1,Mug\n", n % 50, n % 7))
        .collect();
    let bad = "u\x001,s,i1,2020-01-01,1,1,Mug\nu1,s\u{1b},i1,2020-01-01,1,1,Mug\nu1,s,i\u{1},2020-01-01,1,1,Mug\n";
    for rows in [format!("{good}{bad}"), format!("{bad}{good}")] {
        let dataset = files.load_rows(&rows, "").unwrap();
        assert_eq!((dataset.events.len(), touched(&dataset, "unreadable row")), (FAR, 3));
        let line = if rows.starts_with(bad) { 2 } else { FAR + 2 };
        let told = unreadable(&dataset);
        assert!(
            told.starts_with(&format!("events.csv:{line}: a control character in the user's id")),
            "{told}"
        );
        assert!(told.contains("session's id") && told.contains("item's id"), "{told}");
        assert!(dataset.items.iter().all(|item| !item.id.contains(char::is_control)));
    }
    // A tab and what surrounds an id are no harm, and in a name it becomes a blank.
    let dataset = files
        .load_rows("a,1,\u{b}x\ty,2020-01-01,1,1,Red\u{1}mug\n", "")
        .unwrap();
    assert_eq!(
        (dataset.items[0].id.as_str(), dataset.items[0].name.as_str()),
        ("x\ty", "Red mug")
    );
}

#[test]
fn a_control_character_in_an_id_costs_its_row_in_every_format() {
    let files = Files::new();
    let line = |item: &str, n: usize| {
        format!(
            r#"{{"user":"u{n}","session":{n},"item":"{item}","time":1600000000,"quantity":1,"price":1,"name":"X"}}"#
        ) + "\n"
    };
    let lines: String = (0..FAR).map(|n| line("a", n)).collect();
    // Escaped, and as it stands, which is no JSON.
    let path = files.write("e.jsonl", lines + &line("a\\u0000", 0) + &line("a\0", 0));
    let dataset = files.load_mapped(&path, PLAIN).unwrap();
    assert_eq!((dataset.items.len(), touched(&dataset, "unreadable row")), (1, 2));
    assert!(unreadable(&dataset).starts_with(&format!("e.jsonl:{}: a control character", FAR + 1)));

    let lists: String = (0..FAR).map(|n| format!("u{n} apple pear plum{}\n", n % 9)).collect();
    let path = files.write("lists.txt", format!("{lists}last apple pe\0ar\n"));
    let dataset =
        pocketrank_origin::ingest::load(&inputs(&path), &pocketrank_origin::progress::Progress::hidden()).unwrap();
    assert_eq!((dataset.items.len(), touched(&dataset, "unreadable row")), (11, 1));
    assert!(unreadable(&dataset).starts_with(&format!("lists.txt:{}: ", FAR + 1)));

    let order = |code| ("489434", code, "MUG", 1, "2009-12-01 07:45:00", 1.25, 12_000.0);
    let mut rows = vec![order("21111"); 200];
    rows.push(order("2\u{0}111"));
    let path = files.write("e.parquet", orders_parquet(&rows, Compression::SNAPPY));
    let mapping = include_str!("../mappings/online-retail.toml").replace("min_item_users = 5", "min_item_users = 1");
    let dataset = files
        .load_mapped(&path, &mapping.replace("min_user_items = 2", ""))
        .unwrap();
    assert_eq!(touched(&dataset, "unreadable row"), 1);
    assert!(unreadable(&dataset).starts_with("e.parquet:201: a control character in the item's id"));
}

#[test]
fn a_control_character_in_an_id_costs_its_row_of_the_catalogue() {
    let files = Files::new();
    let mut inputs = inputs(&files.write("events.csv", format!("{HEADER}a,1,x,2020-01-01,1,1,X\n")));
    inputs.config = Some(files.write("m.toml", PLAIN).to_str().unwrap().into());
    let rows: String = (0..200).map(|n| format!("i{n},Mug,C,1,1\n")).collect();
    inputs.catalogue = Some(files.write("c.csv", format!("id,name,category,price,stock\n{rows}x\0y,Mug,C,1,1\n")));
    let catalogue = load_checked(&inputs).unwrap().account.catalogue.unwrap();
    let rule = catalogue
        .rules
        .iter()
        .find(|rule| rule.name == "unreadable row")
        .unwrap();
    assert_eq!(
        (catalogue.kept, rule.examples[0].as_str()),
        (200, "c.csv:202: a control character in the id")
    );
}
