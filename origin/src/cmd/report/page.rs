//! The page, section by section.

use super::super::evaluate::Measured;
use super::slates::{self, Example};
use super::{account, distributions, escaped, figures, learning, open, pareto, plot};
use pocketrank::Snapshot;
use pocketrank_origin::error::Result;
use pocketrank_origin::ingest::account::grouped;
use pocketrank_origin::train::trials::{Header, Record};
use std::fmt::Write;

/// The page.
pub fn html(measured: &Measured, log: Option<&(Header, Vec<Record>)>, slates: usize) -> Result<String> {
    let (header, log) = log.map_or((None, [].as_slice()), |(header, log)| (Some(header), log.as_slice()));
    let snapshot = open(&measured.bytes)?;
    let title = measured.dataset.title.clone().unwrap_or_else(|| "Pocketrank".into());
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}: report</title><style>{1}{2}</style></head><body><main><h1>{0}: what its snapshot is worth</h1>",
        escaped(&title),
        plot::CSS,
        include_str!("page.css")
    );
    page += &about(measured, &snapshot);
    page += &models(measured);
    if header.is_some_and(|header| learning::is_foreign(header, measured)) {
        let _ = write!(page, "<p class=\"warning\">{}</p>", learning::FOREIGN);
    }
    page.push_str("<h2>Quality and bytes</h2>");
    page += &pareto::html(measured, log);
    page.push_str("<h2>Segments</h2>");
    page += &figures::segments(measured).html();
    page += &figures::segments_of_all(measured).html();
    page += &learning::html(log);
    page.push_str("<h2>Data</h2>");
    page += &account::html(&measured.report.account);
    page.push_str("<h2>Distributions</h2><p>Of the events that the model may have seen.</p>");
    page += &distributions::html(measured, &snapshot);
    page += &examples(&slates::examples(&measured.dataset, snapshot, slates));
    page.push_str("</main></body></html>\n");
    Ok(page)
}

fn about(measured: &Measured, snapshot: &Snapshot<&[u8]>) -> String {
    let about = format!(
        "<p>Snapshot <code>{}</code>: {}.</p><p>Model: {}.</p>",
        measured.report.snapshot,
        figures::about(measured, snapshot),
        escaped(&snapshot.meta().model)
    );
    about + &figures::sections(snapshot).html()
}

fn models(measured: &Measured) -> String {
    let mut out = format!(
        "<h2>Quality beside the baselines</h2><p>{} questions, all items ranked over the packed bytes by the runtime; intervals by bootstrap \
         over users.</p>",
        grouped(measured.report.queries as u64)
    );
    for note in figures::notes(measured) {
        let _ = write!(out, "<p class=\"warning\">{}</p>", escaped(&note));
    }
    out += &figures::models(measured).html();
    if let Some(against) = figures::against(measured) {
        out += &against.html();
    }
    out + &figures::beyond(measured).html()
}

fn examples(examples: &[Example]) -> String {
    if examples.is_empty() {
        return String::new();
    }
    let mut out = "<h2>Example slates</h2><p>The visitors are made up from the catalogue; no customer's history is shown.</p><div class=\"slates\">"
        .to_owned();
    for example in examples {
        let who = match example.looked_at.as_slice() {
            [] => "A new visitor".to_owned(),
            names => format!("Looked at {}", names.join(", ")),
        };
        let _ = write!(out, "<section><h3>{}</h3><ol>", escaped(&who));
        for (name, why) in &example.slate {
            let _ = write!(
                out,
                "<li>{} <span class=\"soft\">{}</span></li>",
                escaped(name),
                escaped(why)
            );
        }
        out.push_str("</ol></section>");
    }
    out.push_str("</div>");
    out
}
