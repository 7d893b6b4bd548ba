//! Runs and qrels as `trec_eval` reads them. Invariant: queries are running numbers and never customers; scores fall from
//! place to place, so that `trec_eval`, which sorts by score, keeps our order.

use super::queries::Query;
use super::run::Ranking;
use crate::error::Result;
use crate::output;
use std::fmt::Write;
use std::path::Path;

/// The last column of a run.
const TAG: &str = "pocketrank";

/// Writes each list as lines of `query Q0 item rank score tag`. `id` names the item of a row.
///
/// # Errors
/// [`crate::error::Error::Io`] where the file cannot be written.
pub fn write_run(path: &Path, ranking: &Ranking, id: impl Fn(u32) -> String) -> Result<()> {
    let mut text = String::new();
    for (query, list) in (1u32..).zip(&ranking.lists) {
        for (place, row) in list.iter().enumerate() {
            let (rank, score) = (place + 1, list.len() - place);
            let _ = writeln!(text, "{query} Q0 {} {rank} {score} {TAG}", word(&id(*row)));
        }
    }
    output::write(path, text.as_bytes())
}

/// Writes the right answers as lines of `query 0 item 1`. `id` names an item of the questions.
///
/// # Errors
/// [`crate::error::Error::Io`] where the file cannot be written.
pub fn write_qrels(path: &Path, queries: &[Query], id: impl Fn(u32) -> String) -> Result<()> {
    let mut text = String::new();
    for (number, query) in (1u32..).zip(queries) {
        for item in &query.relevant {
            let _ = writeln!(text, "{number} 0 {} 1", word(&id(*item)));
        }
    }
    output::write(path, text.as_bytes())
}

/// An id without white space, which parts the columns.
pub(super) fn word(id: &str) -> String {
    let mut word = String::with_capacity(id.len());
    for c in id.chars() {
        match c {
            '%' => word.push_str("%25"),
            c if c.is_whitespace() => c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| {
                let _ = write!(word, "%{b:02X}");
            }),
            c => word.push(c),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_one_word_and_stay_apart() {
        assert_eq!(word("a b"), "a%20b");
        assert_eq!(word("a%20b"), "a%2520b");
        assert_eq!(word("é\u{a0}"), "é%C2%A0");
    }
}
