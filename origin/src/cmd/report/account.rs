//! The account of cleaning: whole for the page, and in brief for a pull request.

use super::escaped;
use super::table::{marked, Table};
use pocketrank_origin::ingest::account::{grouped, Account, Effect, Rule, Tally};
use std::fmt::Write;

/// Every rule with its rows and the first of them, and the notes.
pub fn html(account: &Account) -> String {
    let mut out = format!("<p>Mapping: <code>{}</code>.</p>", escaped(&account.mapping));
    for (name, tally) in tallies(account) {
        let head = ["rule", "effect", "rows", "the first of them"];
        let caption = format!("{name}: what cleaning did");
        let mut table = Table::new(caption, &head).words(&[1, 3]);
        let lower = name.to_lowercase();
        table.row([format!("{lower}: rows read"), String::new(), grouped(tally.rows)]);
        for rule in &tally.rules {
            table.row([
                rule.name.clone(),
                effect(rule).to_owned(),
                grouped(rule.rows),
                rule.examples.join("\n"),
            ]);
        }
        table.row([format!("{lower}: rows kept"), String::new(), grouped(tally.kept)]);
        out += &table.html();
    }
    let mut left = Table::new("What is left", &["of", "number"]);
    kept(account)
        .into_iter()
        .for_each(|(name, count)| left.row([name.to_owned(), grouped(count)]));
    out += &left.html();
    if !account.notes.is_empty() {
        out.push_str("<h3>Notes on the data</h3><ul>");
        account
            .notes
            .iter()
            .for_each(|note| _ = write!(out, "<li>{}</li>", escaped(note)));
        out.push_str("</ul>");
    }
    out
}

/// The rules that touched a row, and the notes; no examples, since a pull request may be read by more people than the data.
pub fn markdown(account: &Account) -> String {
    let head = ["table", "rule", "effect", "rows"];
    let mut table = Table::new("Data", &head).words(&[1, 2]);
    for (name, tally) in tallies(account) {
        let mut row = |rule: &str, effect: &str, rows| {
            table.row([name.to_owned(), rule.to_owned(), effect.to_owned(), grouped(rows)]);
        };
        row("rows read", "", tally.rows);
        for rule in tally.rules.iter().filter(|rule| rule.rows > 0) {
            row(&rule.name, effect(rule), rule.rows);
        }
        row("rows kept", "", tally.kept);
    }
    let mut out = table.markdown();
    let left: Vec<String> = kept(account)
        .into_iter()
        .map(|(name, count)| format!("{} {name}", grouped(count)))
        .collect();
    let _ = writeln!(
        out,
        "Left: {}. Mapping: {}.\n",
        left.join(", "),
        marked(&account.mapping)
    );
    for note in &account.notes {
        let _ = writeln!(out, "- {}", marked(note));
    }
    if !account.notes.is_empty() {
        out.push('\n');
    }
    out
}

fn tallies(account: &Account) -> impl Iterator<Item = (&'static str, &Tally)> {
    let catalogue = account.catalogue.iter().map(|tally| ("Catalogue", tally));
    [("Events", &account.events)].into_iter().chain(catalogue)
}

fn effect(rule: &Rule) -> &'static str {
    match rule.effect {
        Effect::Dropped => "dropped",
        Effect::Changed => "changed, kept",
    }
}

fn kept(account: &Account) -> [(&'static str, u64); 5] {
    [
        ("items", account.items as u64),
        ("users in all", account.users as u64),
        ("users who are a session without a customer", account.anonymous as u64),
        ("sessions", account.sessions as u64),
        ("interactions", account.events.kept),
    ]
}
