//! The short form for a pull request: what a reviewer of a retraining decides by. Invariant: it is GitHub's Markdown whatever the
//! data are called.

use super::super::evaluate::Measured;
use super::table::marked;
use super::{account, figures, learning, open};
use pocketrank_origin::error::Result;
use pocketrank_origin::ingest::account::grouped;
use pocketrank_origin::train::overfit;
use pocketrank_origin::train::trials::{Header, Record};
use std::fmt::Write;

/// The tables.
pub fn markdown(measured: &Measured, log: Option<&(Header, Vec<Record>)>) -> Result<String> {
    let snapshot = open(&measured.bytes)?;
    let mut out = format!(
        "Snapshot `{}`: {}. Model: {}.\n\n{} questions; intervals by bootstrap over users.\n\n",
        measured.report.snapshot,
        figures::about(measured, &snapshot),
        marked(&snapshot.meta().model),
        grouped(measured.report.queries as u64)
    );
    for note in figures::notes(measured) {
        // Without its example, as in the account.
        warn(&mut out, note.split_once(" (").map_or(note.as_str(), |(rule, _)| rule));
    }
    out += &figures::models(measured).markdown();
    if let Some(against) = figures::against(measured) {
        out += &against.markdown();
    }
    out += &figures::segments_of_all(measured).markdown();
    if let Some((header, records)) = log {
        if learning::is_foreign(header, measured) {
            warn(&mut out, learning::FOREIGN);
        }
        let curve = overfit::curve(records);
        let table = figures::learning(&curve);
        if !table.is_empty() {
            out += &table.markdown();
            let _ = writeln!(out, "{} trials. The queries of the check never chose.\n", records.len());
        }
        if let Some(warning) = overfit::warning(&curve) {
            warn(&mut out, &warning);
        }
    }
    out += &account::markdown(&measured.report.account);
    out += &figures::sections(&snapshot).markdown();
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok(out)
}

fn warn(out: &mut String, text: &str) {
    let _ = writeln!(out, "> [!WARNING]\n> {}\n", marked(text));
}
