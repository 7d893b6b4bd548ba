//! The report: one page that loads nothing, with hostile names in it, and tables for a pull request.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

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
    let train =
        "train --events events.jsonl --catalogue catalogue.jsonl --hold-out 0.2 --trials 5 --log trials -o s.bin";
    done(&pocketrank(&train.split(' ').collect::<Vec<_>>(), folder));
}

fn report(folder: &Path, log: &str) -> Output {
    let args = format!(
        "report s.bin --events events.jsonl --catalogue catalogue.jsonl --hold-out 0.2 --log {log} -o page.html --markdown page.md"
    );
    pocketrank(&args.split(' ').collect::<Vec<_>>(), folder)
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
        "Segments",
        "Learning",
        "Families of models",
        "events: rows kept",
        "Events an item",
        "Events over time",
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
    for tag in ["table", "tr", "td", "section", "svg", "figure", "ol", "li"] {
        let open = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
        assert_eq!(open, count(&format!("</{tag}>")), "{tag}");
    }
    let tables = std::fs::read_to_string(folder.path().join("page.md")).unwrap();
    for table in tables.split("\n\n").filter(|part| part.starts_with('|')) {
        let cells: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert!(
            cells.len() > 3 && cells.iter().all(|count| *count == cells[0]),
            "{table}"
        );
    }
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
}
