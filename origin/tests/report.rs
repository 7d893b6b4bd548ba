//! The report: one page that loads nothing, with hostile names in it, and a short form for a pull request.

use std::path::Path;
use std::process::{Command, Output};

fn pocketrank(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const HOSTILE: &str = "<img src=x onerror=alert(1)>&\"'";

/// A made-up shop of which one item has a hostile name, and a snapshot of most of it with its log.
fn shop(folder: &Path) {
    done(&pocketrank(
        &["synth", "-o", ".", "--items", "60", "--sessions", "1200"],
        folder,
    ));
    let catalogue = std::fs::read_to_string(folder.join("catalogue.jsonl")).unwrap();
    let renamed: Vec<String> = catalogue
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let mut product: serde_json::Value = serde_json::from_str(line).unwrap();
            if at < 40 {
                product["name"] = HOSTILE.into();
            }
            product.to_string()
        })
        .collect();
    std::fs::write(folder.join("catalogue.jsonl"), renamed.join("\n")).unwrap();
    let mut events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    events += r#"{"event_name":"view_item","event_timestamp":"yesterday","items":[{"item_id":"P0001"}],"user_pseudo_id":"1"}"#;
    events.push('\n');
    std::fs::write(folder.join("events.jsonl"), events).unwrap();
    train(folder, "--trials 5 --log trials -o s.bin");
}

const DATA: &str = "--events events.jsonl --catalogue catalogue.jsonl --hold-out 0.2";

fn run(folder: &Path, args: &str) -> Output {
    pocketrank(&args.split_whitespace().collect::<Vec<_>>(), folder)
}

fn train(folder: &Path, options: &str) {
    done(&run(folder, &format!("train {DATA} {options}")));
}

fn report(folder: &Path, log: &str) -> Output {
    run(
        folder,
        &format!("report s.bin {DATA} --log {log} -o page.html --markdown page.md"),
    )
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The records of a log.
fn records(folder: &Path, log: &str) -> Vec<serde_json::Value> {
    let text = read(folder, log);
    let lines = text.lines().skip(1);
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The figure or table with that caption.
fn part<'p>(page: &'p str, tag: &str, caption: &str) -> &'p str {
    let begin = format!("<{tag}>");
    let mut parts = page.split(&begin).skip(1);
    let found = parts.find(|part| part.contains(caption));
    assert!(found.is_some(), "no {tag} with {caption}");
    found.unwrap().split_once(&format!("</{tag}>")).unwrap().0
}

/// What the bars of a figure tell: label and count.
fn bars(figure: &str) -> Vec<(String, f64)> {
    let titles = figure.split("<rect ").skip(1);
    let title = |rect: &str| {
        let title = rect.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        let (label, count) = title.rsplit_once(": ").unwrap();
        (label.to_owned(), count.parse().unwrap())
    };
    titles.map(title).collect()
}

/// The cells of the Markdown table below a heading, without its head.
fn rows(markdown: &str, heading: &str) -> Vec<Vec<String>> {
    let table = markdown.split_once(&format!("### {heading}")).unwrap().1;
    let table = table.split_once("\n\n").unwrap().1.split("\n\n").next().unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    table.lines().skip(2).map(cells).collect()
}

fn number(cell: &str) -> f64 {
    cell.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_page_tells_all_and_loads_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    done(&report(folder.path(), "trials"));
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(!page.contains("other events"), "the log is this training's");
    for section in [
        "Bytes by section",
        "Quality beside the baselines",
        "Quality and bytes",
        "Shapes that training tried",
        "NDCG@20 by segment",
        "Segments",
        "Learning",
        "Families of models",
        "events: rows kept",
        "Events an item",
        "The long tail",
        "Events a customer: the length of histories",
        "Events a session",
        "Events over time",
        "first day of a bar (UTC)",
        "Example slates",
        "because of",
        "prefers-color-scheme:dark",
    ] {
        assert!(page.contains(section), "no {section}");
    }
    for banned in [
        "<script",
        "http:",
        "https:",
        "src=",
        "href=",
        "@import",
        "url(",
        "onerror=alert(1)>",
        "NaN",
    ] {
        let found = page.replace("&lt;img src=x onerror=alert(1)&gt;", "");
        assert!(!found.contains(banned), "{banned} in the page");
    }
    assert!(page.contains("&lt;img src=x"), "the hostile name is shown, escaped");
    let count = |tag: &str| page.matches(tag).count();
    for tag in [
        "table", "thead", "tbody", "tr", "th", "td", "div", "p", "section", "svg", "text", "figure", "ol", "ul", "li",
    ] {
        let open = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
        assert_eq!(open, count(&format!("</{tag}>")), "{tag}");
    }
    assert_eq!(count("<table>"), count("<caption>"), "every table says what it is");
    the_account_is_a_table(folder.path(), &page);
    prices_are_those_of_the_catalogue(folder.path(), &page);
    shapes_are_points(folder.path(), &page);
}

fn the_account_is_a_table(folder: &Path, page: &str) {
    let table = part(page, "table", "<caption>Events: what cleaning did");
    let line = read(folder, "events.jsonl").lines().count();
    let dropped = format!(
        "<td class=\"words\">dropped</td><td>1</td><td class=\"words\">events.jsonl:{line}: time &lt;9 characters&gt;</td>"
    );
    assert!(table.contains(&dropped), "{table}");
    assert!(table.contains("<th scope=\"col\">rule</th>"), "{table}");
    let left = part(page, "table", "<caption>What is left");
    assert!(left.contains("<th scope=\"row\">items</th><td>60</td>"), "{left}");
    assert!(part(page, "table", "<caption>Catalogue: what cleaning did").contains("<td>60</td>"));
}

fn prices_are_those_of_the_catalogue(folder: &Path, page: &str) {
    let prices: Vec<f64> = read(folder, "catalogue.jsonl")
        .lines()
        .map(|line| {
            let product: serde_json::Value = serde_json::from_str(line).unwrap();
            product["offers"]["price"].as_str().unwrap().parse().unwrap()
        })
        .collect();
    let figure = part(page, "figure", "Prices of the items");
    assert!(figure.contains("price, EUR") && figure.contains("60 of 60 items have a price"));
    let bars = bars(figure);
    assert!((4..=25).contains(&bars.len()), "{bars:?}");
    for (label, count) in &bars {
        let (from, to) = label.split_once('–').unwrap();
        let range = from.parse::<f64>().unwrap()..to.parse().unwrap();
        let counted = prices.iter().filter(|price| range.contains(price)).count();
        assert_eq!(*count, counted as f64, "{label}");
    }
    assert_eq!(bars.iter().map(|(_, count)| count).sum::<f64>(), prices.len() as f64);
}

/// What the log tells of shapes: bytes and worth, in its order.
fn shapes(folder: &Path) -> Vec<(f64, f64)> {
    let records = records(folder, "trials");
    let shapes = records
        .iter()
        .filter(|r| r["phase"].as_str().unwrap().starts_with("shape"));
    shapes
        .map(|r| (r["bytes_per_item"].as_f64().unwrap(), r["validation"].as_f64().unwrap()))
        .collect()
}

fn shapes_are_points(folder: &Path, page: &str) {
    let shapes = shapes(folder);
    assert!(shapes.len() >= 8, "{shapes:?}");
    let plot = part(page, "figure", "Filled points are on the front");
    assert_eq!(plot.matches("<circle").count(), 7 + shapes.len(), "models and shapes");
    let alone = part(page, "figure", "The shapes alone");
    assert_eq!(alone.matches("<circle").count(), shapes.len());
    for number in 1..=shapes.len() {
        assert!(
            alone.contains(&format!(">{number}</text>")),
            "shape {number} has its number"
        );
    }
    let table = part(page, "table", "<caption>Shapes that training tried");
    let beaten = |(bytes, worth): &(f64, f64)| {
        let better = |other: &(f64, f64)| other.0 <= *bytes && other.1 >= *worth && other != &(*bytes, *worth);
        shapes.iter().any(better)
    };
    for (row, shape) in table.split("<tr>").skip(2).zip(&shapes) {
        assert!(
            row.contains(&format!("<td>{:.1}</td><td>{:.4}</td>", shape.0, shape.1)),
            "{row}"
        );
        assert_eq!(row.contains(">yes<"), !beaten(shape), "{row}");
    }
    let front = shapes.iter().filter(|shape| !beaten(shape)).count();
    assert_eq!(table.matches(">yes<").count(), front);
}

#[test]
fn a_pull_request_has_what_its_reviewer_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    shop(folder);
    train(folder, "--trials 1 --families popularity -o popular.bin");
    let args = "--against popular.bin --log trials -o page.html --markdown page.md";
    done(&run(folder, &format!("report s.bin {DATA} {args}")));
    let text = read(folder, "page.md");
    for table in text.split("\n\n").filter(|part| part.starts_with('|')) {
        let ends = |line: &str| line.replace("\\|", "").matches('|').count();
        let cells: Vec<usize> = table.lines().map(ends).collect();
        assert!(
            cells.len() > 2 && cells.iter().all(|count| *count == cells[0]),
            "{table}"
        );
    }
    let models = rows(&text, "Quality beside the baselines");
    assert_eq!(models.len(), 8, "{models:?}");
    assert!(models.iter().all(|row| row[3].contains('–')), "{models:?}");
    let differences = rows(&text, "Against the other snapshot");
    for (row, at) in differences.iter().zip(3..) {
        let expected = number(&models[0][at]) - number(&models[1][at]);
        assert!((number(&row[2]) - expected).abs() < 1.5e-4, "{row:?}: {expected}");
        let chance = row[4].strip_prefix("below ").unwrap_or(&row[4]);
        assert!((0.0..=1.0).contains(&number(chance)), "{row:?}");
    }
    assert_eq!(differences.len(), 5, "{differences:?}");
    let page = read(folder, "page.html");
    assert!(
        page.contains("<caption>Against the other snapshot"),
        "the page has it too"
    );
    let segments = rows(&text, "NDCG@");
    let segment = |name: &str| segments.iter().find(|row| row[1] == name).unwrap();
    assert_eq!(number(&segment("all")[3]), number(&models[0][4]));
    assert_eq!(number(&segment("all")[5]), number(&models[2][4]));
    for name in ["new visitors", "history of 1 item", "asks for tail items"] {
        assert!(!segment(name)[4].is_empty(), "{name}");
    }
    let mut best: Option<(f64, f64)> = None;
    for record in records(folder, "trials") {
        if let (Some(worth), Some(check)) = (record["validation"].as_f64(), record["check"].as_f64()) {
            best = best.filter(|best| best.0 >= worth).or(Some((worth, check)));
        }
    }
    let learning = text.split_once("while training").unwrap().1;
    let (worth, check) = best.unwrap();
    assert!(learning.contains(&format!("| {worth:.4} | {check:.4} |")), "{learning}");
    let data = rows(&text, "Data");
    assert!(data.iter().any(|row| row[3] == "dropped" && row[4] == "1"), "{data:?}");
    assert!(data.iter().all(|row| row[4] != "0"), "in brief: {data:?}");
    assert!(rows(&text, "Bytes by section").iter().any(|row| row[1] == "neighbours"));
}

#[test]
fn without_prices_slates_and_logged_bytes_nothing_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    shop(folder);
    let unpriced: Vec<String> = read(folder, "events.jsonl")
        .lines()
        .map(|line| {
            let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(items) = event["items"].as_array_mut() {
                items
                    .iter_mut()
                    .for_each(|item| _ = item.as_object_mut().unwrap().remove("price"));
            }
            event.to_string()
        })
        .collect();
    // Apart, since a catalogue beside the events would be found.
    std::fs::create_dir(folder.join("free")).unwrap();
    std::fs::write(folder.join("free/events.jsonl"), unpriced.join("\n")).unwrap();
    std::fs::write(folder.join("none.toml"), "[report]\nslates = 0\n").unwrap();
    let mut earlier = read(folder, "trials").lines().next().unwrap().to_owned();
    for mut record in records(folder, "trials") {
        record.as_object_mut().unwrap().remove("bytes_per_item");
        earlier += &format!("\n{record}");
    }
    std::fs::write(folder.join("earlier"), earlier + "\n").unwrap();
    let args = "--events free/events.jsonl --config none.toml --hold-out 0.2 --alone --log earlier -o page.html";
    done(&run(folder, &format!("report s.bin {args}")));
    let page = read(folder, "page.html");
    for absent in ["Prices of the items", "Example slates", "A new visitor", "<section"] {
        assert!(!page.contains(absent), "{absent}");
    }
    let plot = part(&page, "figure", "Filled points are on the front");
    assert_eq!(plot.matches("<circle").count(), 1, "no shape without bytes");
    assert!(!page.contains("The shapes alone"));
    let table = part(&page, "table", "<caption>Shapes that training tried");
    assert!(
        table.contains("<td>not logged</td>") && !table.contains(">yes<"),
        "{table}"
    );
}

#[test]
fn a_log_that_is_none_is_an_error_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let log = std::fs::read_to_string(folder.path().join("trials")).unwrap();
    std::fs::write(folder.path().join("torn"), &log[..log.len() - 20]).unwrap();
    done(&report(folder.path(), "torn"));
    std::fs::write(folder.path().join("broken"), log.replacen("\"phase\"", "\"face\"", 1)).unwrap();
    let output = report(folder.path(), "broken");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("broken:2") && said.contains("no record of a trial"),
        "{said}"
    );
    assert_eq!(report(folder.path(), "missing").status.code(), Some(1));
    std::fs::write(folder.path().join("word"), "x").unwrap();
    assert_eq!(report(folder.path(), "word").status.code(), Some(2));
    let (header, rest) = log.split_once('\n').unwrap();
    let mut header: serde_json::Value = serde_json::from_str(header).unwrap();
    header["data"] = "00".into();
    std::fs::write(folder.path().join("foreign"), format!("{header}\n{rest}")).unwrap();
    done(&report(folder.path(), "foreign"));
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("other events"), "the page warns of a foreign log");
    let text = read(folder.path(), "page.md");
    assert!(
        text.contains("> [!WARNING]\n> The log of trials is of a training on other events"),
        "{text}"
    );
}

#[test]
fn both_forms_warn_where_training_fitted_its_questions() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let mut log = read(folder.path(), "trials").lines().next().unwrap().to_owned();
    for (number, (worth, check)) in [(0.30, 0.31), (0.32, 0.33), (0.35, 0.30)].into_iter().enumerate() {
        let record = serde_json::json!({
            "phase": "ridge 1", "number": number, "values": {}, "validation": worth, "training": null, "check": check,
        });
        log += &format!("\n{record}");
    }
    std::fs::write(folder.path().join("parted"), log + "\n").unwrap();
    done(&report(folder.path(), "parted"));
    let (page, text) = (read(folder.path(), "page.html"), read(folder.path(), "page.md"));
    assert!(
        page.contains("<p class=\"warning\">over-fitting: since trial 1"),
        "{page}"
    );
    assert!(text.contains("> [!WARNING]\n> over-fitting: since trial 1"), "{text}");
    assert!(
        text.contains("| best by the check | 1 | ridge 1 | 0.3200 | 0.3300 |  |"),
        "{text}"
    );
}

#[test]
fn what_has_no_times_has_no_date() {
    let folder = tempfile::tempdir().unwrap();
    let lists: Vec<String> = (0..200)
        .map(|user| {
            let item = |at: usize| format!(" i{}", (user * 7 + at * (1 + user % 3)) % 20);
            format!("u{user}{}", (0..8).map(item).collect::<String>())
        })
        .collect();
    std::fs::write(folder.path().join("lists.txt"), lists.join("\n")).unwrap();
    let data = "--events lists.txt --config lists --hold-out 0.2";
    done(&run(
        folder.path(),
        &format!("train {data} --trials 1 --families popularity -o s.bin"),
    ));
    done(&run(
        folder.path(),
        &format!("report s.bin {data} -o page.html --markdown page.md"),
    ));
    for name in ["page.html", "page.md"] {
        let text = read(folder.path(), name);
        assert!(text.contains("20 items") && !text.contains("1970"), "{name}: {text}");
        assert!(!text.contains("Events over time"), "{name}");
    }
}
