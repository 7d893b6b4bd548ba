//! `pocketrank evaluate` and `report`, and the verbs around them, on data that answer nothing: an error with the file and a
//! remedy, or a counted note.

use crate::support::{inputs, Files, HEADER, PLAIN};
use pocketrank_origin::evaluate::baselines;
use pocketrank_origin::ingest::{load, Inputs};
use pocketrank_origin::progress::Progress;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Files, and a snapshot of some events among them.
struct Shop {
    files: Files,
    events: PathBuf,
    snapshot: PathBuf,
    config: Option<String>,
}

impl Shop {
    /// A baseline of these events, so that nothing is tuned.
    fn new(name: &str, events: &str, config: Option<&str>) -> Self {
        let files = Files::new();
        let events = files.write(name, events);
        let config = config.map(|text| files.write("m.toml", text).to_str().unwrap().to_owned());
        let data = Inputs {
            config: config.clone(),
            ..inputs(&events)
        };
        let dataset = load(&data, &Progress::hidden()).unwrap();
        let snapshot = files.path("s.bin");
        std::fs::write(&snapshot, &baselines(&dataset, &dataset.events, 1).unwrap()[1].bytes).unwrap();
        Shop {
            files,
            events,
            snapshot,
            config,
        }
    }

    /// Users of lists, ten items each of twenty.
    fn lists() -> Self {
        let line = |user: usize| {
            let items: Vec<String> = (0..10).map(|place| format!("i{}", (user + place) % 20)).collect();
            format!("u{user} {}\n", items.join(" "))
        };
        Self::new("lists.txt", &(0..40).map(line).collect::<String>(), None)
    }

    /// Customers who buy on ten days.
    fn orders() -> Self {
        let rows: String = (0..300)
            .map(|n| order(n % 30, n, n % 12, &format!("2020-01-{:02}", 1 + n / 30), "1", "1"))
            .collect();
        Self::new("events.csv", &format!("{HEADER}{rows}"), Some(PLAIN))
    }

    fn run(&self, events: &Path, snapshot: &Path, more: &[&str]) -> [Output; 2] {
        let report = self.files.path("r.html");
        ["evaluate", "report"].map(|verb| {
            let mut run = Command::new(env!("CARGO_BIN_EXE_pocketrank"));
            run.arg(verb)
                .arg(snapshot)
                .arg("--events")
                .arg(events)
                .arg("--json")
                .args(more);
            if verb == "report" {
                run.arg("-o").arg(&report);
            }
            if let Some(config) = &self.config {
                run.args(["--config", config]);
            }
            run.output().unwrap()
        })
    }

    /// Both verbs refuse it with that exit code, and say all of this.
    fn fails(&self, events: &Path, snapshot: &Path, more: &[&str], code: i32, says: &[&str]) {
        for run in self.run(events, snapshot, more) {
            let message = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(code), "{message}");
            assert!(!message.contains("panicked") && run.stdout.is_empty(), "{message}");
            assert!(says.iter().all(|part| message.contains(part)), "{message}");
        }
        assert!(!self.files.path("r.html").exists());
    }

    fn refuses_test(&self, test: &str, says: &[&str]) {
        let path = self.files.write("test.txt", test);
        let says = [&["test.txt"], says].concat();
        self.fails(
            &self.events,
            &self.snapshot,
            &["--test", path.to_str().unwrap()],
            3,
            &says,
        );
    }

    /// Both verbs do it; what `evaluate` reports, all of whose figures are numbers.
    fn evaluated(&self, events: &Path, more: &[&str]) -> Value {
        let [evaluate, report] = self.run(events, &self.snapshot, more);
        assert!(
            evaluate.status.success() && report.status.success(),
            "{evaluate:?} {report:?}"
        );
        let page = std::fs::read_to_string(self.files.path("r.html")).unwrap();
        assert!(!page.contains("NaN") && !page.contains(">inf"), "{page}");
        let report: Value = serde_json::from_slice(&evaluate.stdout).unwrap();
        for model in report["models"].as_array().unwrap() {
            let figures = [
                &model["interval"],
                &model["evaluation"],
                &model["beyond"]["gini"],
                &model["beyond"]["novelty"],
            ];
            assert!(
                figures.iter().all(|figures| !figures.to_string().contains("null")),
                "{model}"
            );
        }
        report
    }

    fn tested(&self, test: &str) -> Value {
        let path = self.files.write("test.txt", test);
        self.evaluated(&self.events, &["--test", path.to_str().unwrap()])
    }
}

fn order(user: usize, session: usize, item: usize, time: &str, quantity: &str, price: &str) -> String {
    format!("u{user},s{session},i{item},{time},{quantity},{price},Mug\n")
}

fn notes(report: &Value) -> String {
    report["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn answers_that_nobody_can_be_asked_for_are_refused() {
    let shop = Shop::lists();
    shop.refuses_test("", &["empty file"]);
    shop.refuses_test("\n\n", &["empty file"]);
    shop.refuses_test("u0\nu1\n", &["no events are left of 2 rows"]);
    shop.refuses_test(
        "x i1\ny i2\n",
        &["2 of its users are not among those of --events", "give the answers"],
    );
    shop.refuses_test(
        "u0 i0 i1\nu1 i2\n",
        &["2 of its users had to do with all of their answers"],
    );
    shop.refuses_test(
        "u0 x1 x2\nu1 x3\n",
        &["none of the 2 queries asks for an item", "ids written alike"],
    );
    shop.refuses_test("u0 i\x001\nu1 i\x002\n", &["binary data"]);
}

#[test]
fn answers_of_which_some_cannot_be_asked_for_are_counted() {
    let shop = Shop::lists();
    let report = shop.tested("u0 i15 i16\nstranger i1\nu1 i1 i2\nu2\n");
    assert_eq!(report["queries"], 1);
    let notes = notes(&report);
    for part in [
        "test.txt: 1 of its users are not among",
        "test.txt: 1 of its users had to do with all",
        "1 rows dropped: no item (test.txt:4",
        "1 queries of 1 users: too few",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn sessions_too_short_to_ask_are_refused() {
    let shop = Shop::new("sessions.txt", &"a b c\na c d\nb a d\n".repeat(20), None);
    shop.refuses_test("a x\nb y\n", &["none of the 2 queries asks for an item"]);
    shop.refuses_test("", &["empty file"]);
    shop.fails(&shop.events, &shop.snapshot, &[], 2, &["--test", "--hold-out"]);
    shop.fails(
        &shop.events,
        &shop.snapshot,
        &["--hold-out", "0.99999"],
        3,
        &["sessions.txt", "a smaller share"],
    );
    assert_eq!(shop.evaluated(&shop.events, &["--hold-out", "0.00001"])["queries"], 2);
}

#[test]
fn customers_answers_must_come_after_their_events() {
    let shop = Shop::orders();
    let refuses = |test: &str, says: &[&str]| shop.refuses_test(&format!("{HEADER}{test}"), says);
    refuses("", &["no event is after the newest of --events"]);
    refuses(
        &order(1, 900, 1, "2019-01-01", "1", "1"),
        &["no event is after the newest of --events", "2020-01-10"],
    );
    refuses(
        &order(1, 900, 99, "2020-03-01", "1", "1"),
        &["none of the 1 queries asks for an item"],
    );
    refuses(
        &order(1, 900, 1, "2099-03-01", "1", "1"),
        &[
            "no event is after the newest",
            "1 rows dropped: time in the future (test.txt:2",
        ],
    );
    let test: String = ["NaN", "-1", "x", ""]
        .iter()
        .map(|number| order(1, 900, 1, "2020-03-01", number, "NaN"))
        .collect();
    let test = format!("{HEADER}{test}{}", order(7, 901, 1, "2099-03-01", "1", "NaN"));
    let report = shop.tested(&test);
    assert_eq!(report["queries"], 1);
    let notes = notes(&report);
    for part in [
        "2 rows dropped: impossible quantity (test.txt:2",
        "1 rows dropped: unreadable row (test.txt:4",
        "1 rows dropped: time in the future (test.txt:6",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn events_at_one_time_and_shares_of_nothing_are_refused() {
    let rows: String = (0..60)
        .map(|n| order(n % 6, n, n % 5, "2020-01-01", "1", "1"))
        .collect();
    let shop = Shop::new("events.csv", &format!("{HEADER}{rows}"), Some(PLAIN));
    shop.fails(
        &shop.events,
        &shop.snapshot,
        &[],
        3,
        &["s.bin: nothing to ask", "--until"],
    );
    for share in ["0.2", "0.00001", "0.99999"] {
        shop.fails(
            &shop.events,
            &shop.snapshot,
            &["--hold-out", share],
            3,
            &["events.csv", "60 events", "share"],
        );
    }
    for share in ["0", "1", "NaN", "-0.1"] {
        let share = format!("--hold-out={share}");
        shop.fails(&shop.events, &shop.snapshot, &[&share], 2, &["give a share"]);
    }
    shop.fails(
        &shop.events,
        &shop.snapshot,
        &["--hold-out", "0.2", "--queries", "0"],
        2,
        &["from 1"],
    );
    let lists = Shop::lists();
    lists.fails(
        &lists.events,
        &lists.snapshot,
        &["--hold-out", "0.9999"],
        3,
        &["lists.txt", "another share"],
    );
}

#[test]
fn a_snapshot_of_other_data_or_cut_short_is_refused() {
    let (shop, others) = (
        Shop::lists(),
        Shop::new("sessions.txt", &"a b c\na c d\nb a d\n".repeat(20), None),
    );
    let share = ["--hold-out", "0.2"];
    shop.fails(
        &shop.events,
        &others.snapshot,
        &share,
        3,
        &["s.bin: it has none of the 20 items of", "give the data"],
    );
    let against = others.snapshot.to_str().unwrap();
    shop.fails(
        &shop.events,
        &shop.snapshot,
        &["--hold-out", "0.2", "--against", against],
        3,
        &["none of the 20 items"],
    );
    let whole = std::fs::read(&shop.snapshot).unwrap();
    for length in [0, 1, 20, whole.len() / 2, whole.len() - 1] {
        let cut = shop.files.write("cut.bin", &whole[..length]);
        shop.fails(&shop.events, &cut, &share, 4, &["cut.bin", "cut short"]);
    }
    shop.fails(
        &shop.files.path("nowhere.csv"),
        &shop.snapshot,
        &share,
        1,
        &["nowhere.csv"],
    );
}

#[test]
fn ratings_that_are_no_numbers_are_no_figures() {
    let config = "[events]\nmin_rating = 4\nkind = \"purchase\"\ncolumns = { user = \"user\", item = \"item\", time = \"time\", rating = \"rating\" }\n";
    let rows: String = (0..200)
        .map(|n| {
            format!(
                "u{},i{},{},{}\n",
                n % 20,
                (n * 7 + n / 20) % 40,
                1_500_000_000 + n,
                ["5", "NaN", "4", ""][n % 4]
            )
        })
        .collect();
    let events = format!("user,item,time,rating\n{rows}");
    let shop = Shop::new("ratings.csv", &events, Some(config));
    let report = shop.evaluated(&shop.events, &["--hold-out", "0.2"]);
    let notes = notes(&report);
    assert!(
        notes.contains("100 rows dropped: rating below 4, or none (ratings.csv:3"),
        "{notes}"
    );
}

/// Runs a verb; its exit code, and what it says.
fn said(arguments: &[&str]) -> (i32, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    (run.status.code().unwrap(), text)
}

#[test]
fn features_and_candidates_of_next_to_nothing() {
    let shop = Shop::orders();
    let (snapshot, config) = (shop.snapshot.to_str().unwrap(), shop.config.clone().unwrap());
    let out = shop.files.path("out");
    let out = out.to_str().unwrap();
    let numbers = ["NaN", "1", "x", "inf"]
        .map(|number| order(1, 1, 99, "2020-01-01", "1", number))
        .concat();
    for (rows, features) in [
        (String::new(), "e.csv: no events are left of 0 rows"),
        (
            order(1, 1, 99, "2020-01-01", "1", "1"),
            "dwell_seconds                 0            -",
        ),
        (numbers, "impossible price                                      -1"),
    ] {
        let path = shop.files.write("e.csv", format!("{HEADER}{rows}"));
        let config = shop.files.write(
            "lenient.toml",
            std::fs::read_to_string(&config).unwrap() + "[clean]\nmax_unreadable = 0.5\n",
        );
        let data = [
            "--events",
            path.to_str().unwrap(),
            "--config",
            config.to_str().unwrap(),
            "-o",
            out,
        ];
        let (code, text) = said(&[&["features", "--users"], &data[..]].concat());
        assert_eq!(code, if rows.is_empty() { 3 } else { 0 });
        assert!(text.contains(features) && !text.contains("NaN"), "{text}");
        let (code, text) = said(&[&["candidates", snapshot], &data[..]].concat());
        assert_eq!(code, 3);
        assert!(
            text.contains("e.csv: no events") || text.contains("knows none of the 1 items"),
            "{text}"
        );
    }
}

#[test]
fn rerank_of_next_to_nothing() {
    let shop = Shop::orders();
    let snapshot = shop.snapshot.to_str().unwrap();
    let good = r#"{"items":[{"id":"i1"}]}"#;
    for (list, more, code, says) in [
        ("", None, 3, "list.json: EOF"),
        (&good[..15], None, 3, "list.json: EOF"),
        (r#"{"items":[]}"#, None, 3, "has none of its 0 items"),
        (
            r#"{"items":[{"id":"i\u0000"},{"id":"x"}]}"#,
            None,
            3,
            "has none of its 2 items",
        ),
        (good, Some("--diversity=NaN"), 2, "from 0 to 1"),
        (good, Some("--diversity=2"), 2, "from 0 to 1"),
        (good, Some("--count=0"), 2, "from 1"),
        (good, Some("--now=2200-01-01"), 2, "1970 to 2106"),
        (good, Some("--count=99999999"), 0, "i1"),
    ] {
        let path = shop.files.write("list.json", list);
        let arguments = ["rerank", snapshot, "--candidates", path.to_str().unwrap()];
        let (exit, text) = said(&arguments.into_iter().chain(more).collect::<Vec<_>>());
        assert!(exit == code && text.contains(says), "{list} {more:?}: {text}");
    }
}
