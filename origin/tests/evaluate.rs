//! `pocketrank evaluate` on files of answers and shares that were held out, what it writes for trec_eval, and the twin in floats.

use crate::support::{inputs, Files};
use pocketrank::Snapshot;
use pocketrank_origin::evaluate::{
    baselines, float_ndcg, hold_out, row_items, segments, Bench, Beyond, Known, Protocol, Scope, METRICS,
};
use pocketrank_origin::ingest::load;
use pocketrank_origin::progress::Progress;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Users who go through ten items of their own group of three, from a place of their own on, and then on to `more` further.
fn lists(more: usize) -> (String, String) {
    let (mut train, mut test) = (String::new(), String::new());
    for user in 0..60usize {
        let item = |place: usize| format!("i{}", (user + place * (1 + user % 3)) % 40);
        let line = |places: std::ops::Range<usize>| places.map(item).collect::<Vec<_>>().join(" ");
        let _ = writeln!(train, "u{user} {}", line(0..10));
        let _ = writeln!(test, "u{user} {} unseen-{}", line(10..10 + more), user % 2);
    }
    (train, test)
}

fn run(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn fails(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn metric(model: &Value, segment: usize, name: &str) -> f64 {
    let at = METRICS.iter().position(|metric| *metric == name).unwrap();
    model["evaluation"]["segments"][segment]["metrics"][at]
        .as_f64()
        .unwrap()
}

#[test]
fn answers_are_asked_of_each_user_and_written_for_trec_eval() {
    let files = Files::new();
    let (train, test) = lists(3);
    let (train, test) = (files.write("train.txt", train), files.write("test.txt", test));
    let (snapshot, run_file, qrels) = (files.path("s.bin"), files.path("run.txt"), files.path("qrels.txt"));
    // A baseline, so that nothing depends on how training tunes.
    let dataset = load(&inputs(&train), &Progress::hidden()).unwrap();
    let cosine = &baselines(&dataset, &dataset.events, 1).unwrap()[1];
    std::fs::write(&snapshot, &cosine.bytes).unwrap();
    let arguments = [
        "evaluate",
        text(&snapshot),
        "--events",
        text(&train),
        "--test",
        text(&test),
        "--run",
        text(&run_file),
        "--qrels",
        text(&qrels),
        "--against",
        text(&snapshot),
        "--json",
    ];
    let report = run(&arguments);
    assert_eq!(report["queries"], 60);
    let ours = &report["models"][0];
    assert_eq!(
        ours["evaluation"]["with_new_items"], 60,
        "each asks for an item that nobody has seen"
    );
    // One of four answers is unseen, so recall cannot pass three quarters.
    assert!((0.1..=0.75).contains(&metric(ours, 0, "recall@20")), "{ours}");

    // By the files alone, and the textbook.
    let mut relevant: HashMap<String, Vec<String>> = HashMap::new();
    for line in std::fs::read_to_string(&qrels).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!((words.len(), words[1], words[3]), (4, "0", "1"));
        relevant.entry(words[0].into()).or_default().push(words[2].into());
    }
    assert_eq!(relevant.len(), 60);
    let known: HashMap<String, Vec<&str>> = (1..)
        .map(|n: u32| n.to_string())
        .zip(lists(3).0.leak().lines().map(|line| line.split(' ').skip(1).collect()))
        .collect();
    let mut gains: HashMap<String, f64> = HashMap::new();
    let mut before: Option<(String, f64)> = None;
    for line in std::fs::read_to_string(&run_file).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (query, item, rank, score) = (words[0], words[2], words[3], words[4].parse::<f64>().unwrap());
        assert!(!known[query].contains(&item), "{item} is in the line of user {query}");
        if let Some((last, lower)) = before.replace((query.to_owned(), score)) {
            assert!(last != query || score < lower);
        }
        let rank: f64 = rank.parse().unwrap();
        if relevant[query].iter().any(|id| id == item) {
            *gains.entry(query.into()).or_default() += 1.0 / libm::log2(rank + 1.0);
        }
    }
    let ndcg = |(query, answers): (&String, &Vec<String>)| {
        let ideal: f64 = (0..answers.len().min(20))
            .map(|at| 1.0 / libm::log2(at as f64 + 2.0))
            .sum();
        gains.get(query).copied().unwrap_or(0.0) / ideal
    };
    let mean = relevant.iter().map(ndcg).sum::<f64>() / 60.0;
    assert!((mean - metric(ours, 0, "ndcg@20")).abs() < 1e-9, "{mean}");
    assert!(
        !std::fs::read_to_string(&run_file).unwrap().contains("u1"),
        "queries are numbers"
    );

    // Against itself nothing differs; the interval holds the mean.
    assert_eq!(report["against"]["p"][0], 1.0);
    assert_eq!(report["against"]["difference"][0], 0.0);
    let bounds = ours["interval"][METRICS.len() - 1].as_array().unwrap();
    assert!(bounds[0].as_f64().unwrap() < mean && mean < bounds[1].as_f64().unwrap());
    assert_eq!(run(&arguments), report, "equal runs print equal reports");
}

#[test]
fn sessions_and_prefixes_ask_for_the_next_item() {
    let files = Files::new();
    let train: String = (0..90).map(|n| format!("a{0} b{0} c{0}\n", n % 3)).collect();
    let train = files.write("train.txt", train);
    let dataset = load(&inputs(&train), &Progress::hidden()).unwrap();
    let snapshot = files.path("s.bin");
    std::fs::write(&snapshot, &baselines(&dataset, &dataset.events, 1).unwrap()[1].bytes).unwrap();
    let evaluate = |test: &str, more: &[&str]| {
        let test = files.write("test.txt", test);
        let arguments = [
            "evaluate",
            text(&snapshot),
            "--events",
            text(&train),
            "--alone",
            "--json",
            "--test",
            text(&test),
        ];
        run(&[&arguments[..], more].concat())
    };
    // Two sessions ask for two items each.
    let sessions = evaluate("a0 b0 c0\na1 c1 b1\n", &[]);
    assert_eq!(sessions["queries"], 4);
    assert_eq!(metric(&sessions["models"][0], 0, "hit_rate@20"), 1.0);
    // Prefixes ask for what they say alone.
    let prefixes = evaluate("a0 b0\tc0\na1\tb1\n", &[]);
    assert_eq!(prefixes["queries"], 2);
    assert_eq!(metric(&prefixes["models"][0], 0, "hit_rate@20"), 1.0);
    // The current item is found only where it is not left out.
    let repeat = |more| metric(&evaluate("a0 a0\na0 a0\n", more)["models"][0], 0, "hit_rate@20");
    assert_eq!(repeat(&[]), 1.0);
    assert_eq!(repeat(&["--exclude-current"]), 0.0);
    let held_out = run(&[
        "evaluate",
        text(&snapshot),
        "--events",
        text(&train),
        "--hold-out",
        "0.2",
        "--json",
    ]);
    assert_eq!(held_out["queries"], 18 * 2);
    let message = fails(&["evaluate", text(&snapshot), "--events", text(&train)]);
    assert!(
        message.contains("--test") && message.contains("--hold-out"),
        "{message}"
    );
    let message = fails(&["evaluate", text(&snapshot), "--events", text(&train), "--hold-out", "1"]);
    assert!(message.contains("below 1"), "{message}");
}

#[test]
fn reached_rows_are_enough_and_floats_rank_as_what_they_were_packed_from() {
    let files = Files::new();
    let train = files.write("train.txt", lists(1).0);
    let dataset = load(&inputs(&train), &Progress::hidden()).unwrap();
    let split = hold_out(&dataset, Protocol::of(&dataset), 0.3, usize::MAX);
    let cosine = &baselines(&dataset, &split.fit, 1).unwrap()[1];
    let snapshot = Snapshot::open(&cosine.bytes[..]).unwrap();
    let items = row_items(&dataset, &snapshot);
    let bench = Bench::open(&cosine.bytes[..], &items).unwrap();
    let ranking = bench.ranking(&split.queries, Scope::All);
    let all = bench.evaluation(&split.queries, &ranking);
    assert!(all.ndcg() > 0.2, "{}", all.ndcg());
    assert_eq!(bench.rank(&split.queries, Scope::Reached).ndcg(), all.ndcg());

    let table = snapshot.neighbours().unwrap();
    let mut weights = vec![vec![]; items.len()];
    for (row, to) in (0u32..).zip(&mut weights) {
        let packed = table.row(row).unwrap();
        let unit = f32::from(packed.scale) * snapshot.blend().neighbour_unit;
        packed.for_each(|target, level| to.push((target, f32::from(level) * unit)));
    }
    let float = float_ndcg(&weights, None, &snapshot, &items, &split.queries, Scope::Reached).unwrap();
    assert!((float - all.ndcg()).abs() < 0.02 * all.ndcg(), "{float} {}", all.ndcg());
    // Other weights are worth something else.
    weights.iter_mut().for_each(Vec::clear);
    assert!(float_ndcg(&weights, None, &snapshot, &items, &split.queries, Scope::Reached).unwrap() < 0.8 * float);

    // Every query is in one segment of history; each answer in one class of popularity.
    let known = Known::new(&dataset, &split.fit);
    let parts = segments(&dataset, &known, &bench, &split.queries, &ranking);
    let of = |begin: &str| {
        parts
            .iter()
            .filter(|part| part.name.starts_with(begin))
            .map(|part| part.queries)
            .sum::<usize>()
    };
    assert_eq!(of("history"), split.queries.len());
    assert!(of("asks for head") > 0 && of("asks for tail") > 0);
    let beyond = Beyond::new(&known, &bench, &ranking);
    assert!(beyond.coverage > 0.5 && (0.0..1.0).contains(&beyond.gini) && beyond.novelty > 0.0);
    assert_eq!(beyond.diversity, None, "nothing is known of these items");
}

#[test]
fn countries_are_told_apart() {
    let files = Files::new();
    let rows: String = (0..40)
        .map(|n| {
            format!(
                "{n},i{},2020-01-{:02},{}\n",
                n % 4,
                1 + n % 20,
                if n % 2 == 0 { "Norway" } else { "" }
            )
        })
        .collect();
    let events = files.write("e.csv", format!("user,item,time,country\n{rows}"));
    let mapping = "[events]\nkind = \"purchase\"\ncolumns = { user = \"user\", item = \"item\", time = \"time\", country = \"country\" }\n";
    let dataset = files.load_mapped(&events, mapping).unwrap();
    assert_eq!(dataset.countries, ["Norway"]);
    assert_eq!(dataset.users.iter().filter(|user| user.country == Some(0)).count(), 20);
}

#[test]
fn a_later_file_of_customers_goes_on_where_the_events_end() {
    let files = Files::new();
    let rows = |days: std::ops::Range<usize>| -> String {
        let row = |day| move |user| format!("u{user},i{},2020-01-{:02}\n", (user + day) % 7, 1 + day);
        days.flat_map(|day| (0..12).map(row(day))).collect()
    };
    let header = "user,item,time\n";
    let mapping = "[events]\nkind = \"purchase\"\ncolumns = { user = \"user\", item = \"item\", time = \"time\" }\n";
    let config = files.write("m.toml", mapping);
    let train = files.write("train.csv", format!("{header}{}", rows(0..10)));
    let test = files.write("test.csv", format!("{header}{}", rows(10..12)));
    let dataset = files.load_mapped(&train, mapping).unwrap();
    let snapshot = files.path("s.bin");
    std::fs::write(&snapshot, &baselines(&dataset, &dataset.events, 1).unwrap()[2].bytes).unwrap();
    let folder = files.path("export");
    let report = run(&[
        "evaluate",
        text(&snapshot),
        "--events",
        text(&train),
        "--config",
        text(&config),
        "--test",
        text(&test),
        "--alone",
        "--export",
        text(&folder),
        "--json",
    ]);
    // Each of twelve users on each of two days, after ten items and eleven.
    assert_eq!(report["queries"], 24);
    assert_eq!(report["models"][0]["segments"][0]["name"], "history of 4 to 15 items");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(read("train.txt").lines().count(), 12);
    assert!(read("train.txt").lines().all(|line| line.split(' ').count() == 11));
    let lengths: Vec<usize> = read("queries.txt")
        .lines()
        .map(|line| line.split(' ').count() - 1)
        .collect();
    assert_eq!((lengths[0], lengths[23]), (10, 11));
    assert_eq!(
        (read("qrels.txt").lines().count(), read("exclude.txt").lines().count()),
        (24, 24)
    );
}
