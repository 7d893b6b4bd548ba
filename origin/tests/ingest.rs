//! Each cleaning rule, each format and each kind of bad data, on files of a few rows.

use crate::support::{gzip, inputs, load_checked, orders_parquet, touched, Files, HEADER, ORDERS, PLAIN};
use parquet::basic::Compression;
use pocketrank::EventKind;

const RETAIL: [(&str, &str, &str, i64, &str, f64, f64); 5] = [
    (
        "489434",
        "85123A",
        "WHITE HANGING HEART",
        6,
        "2009-12-01 07:45:00",
        2.95,
        13085.0,
    ),
    (
        "489434",
        "21232",
        "STRAWBERRY TRINKET BOX",
        4,
        "2009-12-01 07:45:00",
        1.25,
        13085.0,
    ),
    (
        "489435",
        "85123a",
        "WHITE HANGING HEART",
        2,
        "2009-12-01 08:00:00",
        2.95,
        f64::NAN,
    ),
    (
        "C489436",
        "21232",
        "STRAWBERRY TRINKET BOX",
        -1,
        "2009-12-02 09:00:00",
        1.25,
        13085.0,
    ),
    ("489437", "POST", "POSTAGE", 1, "2009-12-02 10:00:00", 18.0, 13085.0),
];

fn lenient_retail() -> String {
    let mapping = include_str!("../mappings/online-retail.toml");
    mapping
        .replace("min_item_users = 5", "min_item_users = 1")
        .replace("min_user_items = 2", "min_user_items = 1")
}

#[test]
fn order_lines_load_alike_from_parquet_and_csv() {
    let files = Files::new();
    let mut csv = String::from(ORDERS);
    for (invoice, code, name, quantity, date, price, customer) in RETAIL {
        let customer = if customer.is_nan() {
            String::new()
        } else {
            customer.to_string()
        };
        csv += &format!("{invoice},{code},{name},{quantity},{date},{price},{customer},United Kingdom\n");
    }
    let tabs = csv.replace(',', "\t");
    let all = [
        files.write("a.parquet", orders_parquet(&RETAIL, Compression::SNAPPY)),
        files.write(
            "b.parquet",
            orders_parquet(&RETAIL, Compression::GZIP(Default::default())),
        ),
        files.write("c.csv", &csv),
        files.write("d.csv.gz", gzip(csv.as_bytes())),
        files.write("e.tsv", &tabs),
        files.write("f.csv", format!("\u{feff}{}", csv.replace('\n', "\r\n"))),
    ]
    .map(|path| files.load_mapped(&path, &lenient_retail()).unwrap());
    for dataset in &all {
        assert_eq!(dataset.items, all[0].items);
        assert_eq!(dataset.events, all[0].events);
        assert_eq!(dataset.users, all[0].users);
    }
    let dataset = &all[0];
    let ids: Vec<&str> = dataset.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["21232", "85123A"]);
    assert_eq!(dataset.items[1].name, "White Hanging Heart");
    assert_eq!(dataset.items[0].category.as_deref(), Some("Storage & Boxes"));
    assert_eq!(dataset.currency, "GBP");
    assert_eq!(
        dataset.users.iter().map(|user| user.anonymous).collect::<Vec<_>>(),
        [false, true]
    );
    let quantities: Vec<f32> = dataset.events.iter().map(|event| event.quantity).collect();
    assert_eq!(quantities, [6.0, 3.0, 2.0], "one trinket box was taken back");
    assert_eq!(dataset.account.sessions, 2);
}

#[test]
fn a_ready_mapping_is_recognized_and_says_so() {
    let files = Files::new();
    let path = files.write("orders.parquet", orders_parquet(&RETAIL, Compression::SNAPPY));
    // Five rows are too few for the mapping's thresholds: the error shows the account.
    let message = load_checked(&inputs(&path)).unwrap_err().to_string();
    assert!(
        message.contains("online-retail (recognized by the columns of"),
        "{message}"
    );
    assert!(
        message.contains("item with fewer than 5 users") && message.contains("no events are left of 5 rows"),
        "{message}"
    );
}

#[test]
fn cancellations_take_back_the_latest_earlier_purchases() {
    let files = Files::new();
    let mapping = PLAIN.replace(
        "[catalogue]",
        "[events.cancellation]\nsession_prefix = \"C\"\n[catalogue]",
    );
    let rows = "\
        a,1,x,2020-01-01,5,1,X\n\
        a,2,x,2020-01-02,5,1,X\n\
        a,3,x,2020-01-04,5,1,X\n\
        a,C4,x,2020-01-03,-7,1,X\n\
        b,5,x,2020-01-02,9,1,X\n\
        a,C6,y,2020-01-05,-1,1,Y\n\
        a,7,y,2020-01-06,1,1,Y\n\
        b,C8,x,2020-01-07,-20,1,X\n";
    let path = files.write("events.csv", format!("{HEADER}{rows}"));
    let dataset = files.load_mapped(&path, &mapping).unwrap();
    let kept: Vec<(i64, f32)> = dataset
        .events
        .iter()
        .map(|e| (e.at / 86_400 - 18_262, e.quantity))
        .collect();
    // Of the 7, five are of the second day's purchase, two of the first's, none of the later one's.
    assert_eq!(kept, [(0, 3.0), (3, 5.0), (5, 1.0)]);
    assert_eq!(touched(&dataset, "purchase cancelled"), 2);
    assert_eq!(touched(&dataset, "purchase cancelled in part"), 1);
    assert_eq!(touched(&dataset, "cancellation, netted"), 1);
    assert_eq!(touched(&dataset, "cancellation, netted in part"), 1);
    assert_eq!(touched(&dataset, "cancellation without a purchase"), 1);
}

#[test]
fn each_rule_counts_what_it_drops() {
    let files = Files::new();
    let rows = "\
        a,1,x,2020-01-01,1,2,X\n\
        a,1,x,2020-01-01,1,2,X\n\
        a,1,POSTAGE,2020-01-01,1,2,Post\n\
        a,1,x,2020-01-02,0,2,X\n\
        a,1,x,2020-01-02,nan,2,X\n\
        a,1,x,2020-01-02,2000,2,X\n\
        a,1,x,2020-01-02,1,-2,X\n\
        a,1,x,2020-01-02,1,inf,X\n\
        a,1,,2020-01-02,1,2,X\n\
        ,,x,2020-01-02,1,2,X\n\
        a,1,x,2090-01-02,1,2,X\n\
        b,1,x,2020-01-02,,,?\n";
    let path = files.write("events.csv", format!("{HEADER}{rows}"));
    let clean = "[clean]\nnot_products = ['post.*']\nnot_names = ['[^a-z]*']\nmax_quantity = 1000\n";
    let config = files.write("m.toml", format!("{PLAIN}{clean}"));
    let mut inputs = inputs(&path);
    inputs.config = Some(config.to_str().unwrap().into());
    inputs.now = Some(1_600_000_000);
    let dataset = load_checked(&inputs).unwrap();
    for (rule, rows) in [
        ("duplicate of an earlier row", 1),
        ("code of no product", 1),
        ("impossible quantity", 3),
        ("impossible price", 2),
        ("no item", 1),
        ("neither user nor session", 1),
        ("time in the future", 1),
        ("text is no product's name", 1),
    ] {
        assert_eq!(touched(&dataset, rule), rows, "{rule}");
    }
    assert_eq!(dataset.events.len(), 2);
}

#[test]
fn support_is_applied_until_nothing_is_rare() {
    let files = Files::new();
    // Without z, user c has one item; without c, y has one user; without y, b has one item.
    let rows = "\
        a,1,w,2020-01-01,1,1,W\na,1,x,2020-01-01,1,1,X\nd,2,w,2020-01-01,1,1,W\nd,2,x,2020-01-01,1,1,X\n\
        b,3,x,2020-01-01,1,1,X\nb,3,y,2020-01-01,1,1,Y\nc,4,y,2020-01-01,1,1,Y\nc,4,z,2020-01-01,1,1,Z\n";
    let dataset = files
        .load_rows(rows, "[clean]\nmin_item_users = 2\nmin_user_items = 2\n")
        .unwrap();
    assert_eq!(dataset.items.len(), 2);
    assert_eq!(touched(&dataset, "item with fewer than 2 users"), 3);
    assert_eq!(touched(&dataset, "user with fewer than 2 items"), 1);
}

#[test]
fn the_name_and_price_of_most_users_are_taken() {
    let files = Files::new();
    let rows = "\
        a,1,x,2020-01-01,1,3,\"RED  MUG,\"\n\
        b,2,x,2020-01-02,1,2,RED MUG\n\
        c,3,x,2020-01-03,1,2,damaged\n\
        d,4,x,2020-01-04,1,2,damaged\n\
        e,5,x,2020-01-05,1,3,damaged\n\
        f,6,x,2020-01-05,1,9,MUG RED\n";
    let more = "title_case = true\n";
    let mapping = PLAIN.replace("[catalogue]\n", &format!("[catalogue]\n{more}"));
    let path = files.write("events.csv", format!("{HEADER}{rows}"));
    let dataset = files
        .load_mapped(&path, &format!("{mapping}[clean]\nnot_names = ['damaged']\n"))
        .unwrap();
    assert_eq!(dataset.items[0].name, "Red Mug");
    assert_eq!(
        dataset.items[0].price,
        Some(2.0),
        "of prices that as many paid the lowest"
    );
    assert_eq!(touched(&dataset, "name varies, that of most users taken"), 1);
    assert_eq!(touched(&dataset, "text is no product's name"), 3);
}

#[test]
fn ga4_events_load_with_the_catalogue_beside_them() {
    let files = Files::new();
    let events = files.write(
        "events.jsonl",
        r#"{"event_name":"view_item","event_timestamp":1700000000000000,"user_pseudo_id":"u.1","ga_session_id":7,"items":[{"item_id":"A","price":5}]}
{"event_name":"purchase","event_timestamp":"1700000060000000","user_pseudo_id":"u.1","event_params":[{"key":"ga_session_id","value":{"string_value":null,"int_value":7}}],"currency":"EUR","items":[{"item_id":"A","price":5,"quantity":2},{"item_id":"B","item_name":"Bee","price":1.5,"quantity":1}]}
{"event_name":"refund","event_timestamp":1700000090,"user_pseudo_id":"u.1","ga_session_id":7,"items":[{"item_id":"A","quantity":1}]}
{"event_name":"session_start","event_timestamp":1700000000,"user_pseudo_id":"u.1"}
{"event_name":"view_item","event_timestamp":"2023-11-14T22:15:00Z","user_pseudo_id":"u.2","items":[{"item_id":"GONE","item_name":"Gone"}]}
not json
"#,
    );
    files.write(
        "catalogue.jsonl",
        r#"{"@type":"Product","sku":"A","name":"Ay","category":"Letters","brand":{"name":"Abc"},"offers":{"price":"4.50","priceCurrency":"EUR","availability":"https://schema.org/OutOfStock"},"image":["/a.svg","/b.svg"]}
{"@type":"Product","sku":"C","name":"Cee","offers":{"price":"7","priceCurrency":"USD"}}
{"@type":"Product","sku":"C","name":"Cee again"}
{"@type":"Product","sku":"B","name":"Be","brand":"Abc"}
"#,
    );
    let mapping = format!(
        "{}\n[clean]\nmax_unreadable = 0.5\n",
        include_str!("../mappings/ga4.toml")
    );
    let dataset = files.load_mapped(&events, &mapping).unwrap();
    let kinds: Vec<EventKind> = dataset.events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::ViewItem,
            EventKind::Purchase,
            EventKind::Purchase,
            EventKind::ViewItem
        ]
    );
    assert_eq!(dataset.events[1].quantity, 1.0, "one of two was refunded");
    assert_eq!(dataset.events[0].session, dataset.events[1].session);
    assert_eq!((dataset.account.sessions, dataset.currency.as_str()), (2, "EUR"));
    assert_eq!(touched(&dataset, "unreadable row"), 1);
    assert_eq!(touched(&dataset, "kind of event unknown"), 1);
    let [a, b, c, gone] = dataset.items.as_slice() else {
        panic!("{:?}", dataset.items)
    };
    assert_eq!(
        (a.price, a.in_stock, a.image.as_deref(), a.brand.as_deref()),
        (Some(4.5), false, Some("/a.svg"), Some("Abc"))
    );
    assert_eq!(
        (b.name.as_str(), b.price, b.brand.as_deref()),
        ("Be", None, Some("Abc")),
        "one customer's price is nobody else's business"
    );
    assert_eq!((c.name.as_str(), c.price, c.in_stock), ("Cee", None, true));
    assert_eq!((gone.name.as_str(), gone.in_stock), ("Gone", false));
    let catalogue = dataset.account.catalogue.as_ref().unwrap();
    assert_eq!((catalogue.rows, catalogue.kept), (4, 3));
}

#[test]
fn sessions_follow_pauses_where_no_column_tells() {
    let files = Files::new();
    let mapping = PLAIN.replace("session = \"session\", ", "");
    let rows = "a,,x,1000,,,\nb,,x,1100,,,\na,,y,2000,,,\na,,z,90000,,,\nb,,y,1200,,,\n";
    let path = files.write("events.csv", format!("{HEADER}{rows}"));
    let dataset = files.load_mapped(&path, &mapping).unwrap();
    let sessions: Vec<u32> = dataset.events.iter().map(|event| event.session).collect();
    assert_eq!(sessions, [0, 1, 1, 0, 2]);
}

#[test]
fn raw_ids_of_customers_are_nowhere_and_the_key_changes_only_pseudonyms() {
    let files = Files::new();
    let rows = "customer-4711,visit-0815,x,2020-01-01,1,1,X\n,visit-0816,y,2020-01-02,1,1,Y\n";
    let dataset = files.load_rows(rows, "").unwrap();
    let shown = format!("{dataset:?} {}", dataset.account);
    assert!(
        !shown.contains("4711") && !shown.contains("0815") && !shown.contains("0816"),
        "{shown}"
    );
    let mut other = inputs(&files.path("events.csv"));
    other.config = Some(files.path("mapping.toml").to_str().unwrap().into());
    other.pseudonyms = pocketrank_origin::ingest::pseudonym::Pseudonyms::new(&[9; 32], "test").unwrap();
    let other = load_checked(&other).unwrap();
    assert_eq!((&other.items, &other.events), (&dataset.items, &dataset.events));
    assert_ne!(other.users, dataset.users);
}

#[test]
fn too_many_unreadable_rows_are_an_error_with_examples() {
    let files = Files::new();
    let rows = "a,1,x,2020-01-01,1,1,X\na,1,y,someday,1,1,X\na,1,z,2020-01-01,many,1,X\na,1\n";
    let message = files.load_rows(rows, "").unwrap_err().to_string();
    for part in [
        "3 of 4 rows",
        "max_unreadable",
        "events.csv:4: quantity <4 characters>",
        "events.csv:5: 2 fields",
        "events.csv:3: time <7 characters>",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    let dataset = files.load_rows(rows, "[clean]\nmax_unreadable = 0.8\n").unwrap();
    assert_eq!(dataset.events.len(), 1);
}

#[test]
fn text_that_is_not_utf8_is_read_as_windows_1252_and_counted() {
    let files = Files::new();
    let mut bytes = HEADER.as_bytes().to_vec();
    bytes.extend(b"a,1,x,2020-01-01,1,1,Caf\xe9 \x80\nb,2,y,2020-01-01,1,1,Caf\xc3\xa9\n");
    let path = files.write("events.csv", bytes);
    let dataset = files.load_mapped(&path, PLAIN).unwrap();
    let names: Vec<&str> = dataset.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["Café €", "Café"]);
    assert_eq!(touched(&dataset, "text not UTF-8, read as Windows-1252"), 1);
}

#[test]
fn small_and_odd_data_load() {
    let files = Files::new();
    let one = files.load_rows("a,1,x,2020-01-01,1,1,X\n", "").unwrap();
    assert_eq!((one.items.len(), one.users.len(), one.events.len()), (1, 1, 1));
    let same_time: String = (0..50)
        .map(|n| format!("u{n},s{n},i{},2020-01-01,1,1,X\n", n % 7))
        .collect();
    assert_eq!(files.load_rows(&same_time, "").unwrap().events.len(), 50);
    let huge = "y".repeat(100_000);
    let dataset = files
        .load_rows(
            &format!("a,1,x,2020-01-01,1,1,{huge}\na,1,{huge},2020-01-01,1,1,X\n"),
            "[clean]\nmax_unreadable = 0.5\n",
        )
        .unwrap();
    assert_eq!(dataset.items[0].name.chars().count(), 200);
    assert_eq!(touched(&dataset, "unreadable row"), 1);
}

#[test]
fn files_that_cannot_be_data_say_what_they_are() {
    let files = Files::new();
    for (name, bytes, part) in [
        ("empty.csv", &b""[..], "empty file"),
        ("blank.csv", b" \n\n", "empty file"),
        ("array.json", b"[{}]", "JSON array"),
        ("utf16.csv", b"\xff\xfea\0", "UTF-16"),
        ("zip.bin", b"PK\x03\x04\0\0", "binary data"),
        ("cut.parquet", b"PAR1", "Parquet"),
        ("other.csv", b"a,b\n1,2\n", "none of the ready mappings"),
        ("cut.gz", b"\x1f\x8b\x08\0\0\0", "cut short"),
        ("header.csv", ORDERS.as_bytes(), "no events are left of 0 rows"),
    ] {
        let path = files.write(name, bytes);
        let error = load_checked(&inputs(&path)).unwrap_err();
        assert!(
            error.to_string().contains(part) && error.to_string().contains(name),
            "{name}: {error}"
        );
        assert_eq!(error.exit_code(), 3);
    }
    let error = load_checked(&inputs(&files.path("absent.csv"))).unwrap_err();
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn a_missing_column_names_the_nearest() {
    let files = Files::new();
    let path = files.write("events.csv", "user,session,item,tyme,quantity,price,name\n");
    let message = files.load_mapped(&path, PLAIN).unwrap_err().to_string();
    assert!(
        message.contains("no column \"time\"; did you mean \"tyme\". The columns are: user"),
        "{message}"
    );
}
