//! The account of cleaning: what every rule touched. Invariant: rows read = rows kept + rows dropped, rule by rule.
//! Every step of `ingest` writes to it; the commands print it as a table or as JSON.

use serde::Serialize;
use std::fmt;

/// What cleaning did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Account {
    /// The mapping used, and how it was found.
    pub mapping: String,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The events' rows.
    pub events: Tally,
    /// The catalogue's rows, if there is one.
    pub catalogue: Option<Tally>,
    /// Items in the dataset.
    pub items: usize,
    /// Users in the dataset, anonymous ones included.
    pub users: usize,
    /// Users who stand for one session without a customer.
    pub anonymous: usize,
    /// Sessions in the dataset.
    pub sessions: usize,
}

/// Rows of one table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally {
    /// Rows read.
    pub rows: u64,
    /// Rows kept.
    pub kept: u64,
    /// The rules, in the order they were applied.
    pub rules: Vec<Rule>,
}

/// One rule's doing.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    /// What it is about.
    pub name: String,
    /// What it did to its rows.
    pub effect: Effect,
    /// How many rows it touched.
    pub rows: u64,
    /// The first of them, as `file:row: what`.
    pub examples: Vec<String>,
}

/// What a rule does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The row is gone.
    Dropped,
    /// The row stays, altered.
    Changed,
}

/// Examples kept of each rule.
const EXAMPLES: usize = 3;

impl Tally {
    /// The rule of that name, new or as it stands. Naming it is enough to have it in the account with no rows.
    pub fn rule(&mut self, name: &str, effect: Effect) -> &mut Rule {
        let at = self.rules.iter().position(|rule| rule.name == name).unwrap_or_else(|| {
            self.rules.push(Rule {
                name: name.to_owned(),
                effect,
                rows: 0,
                examples: Vec::new(),
            });
            self.rules.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
        &mut self.rules[at]
    }

    /// Rows dropped by all rules.
    pub fn dropped(&self) -> u64 {
        self.rules
            .iter()
            .filter(|rule| rule.effect == Effect::Dropped)
            .map(|rule| rule.rows)
            .sum()
    }
}

impl Account {
    /// What was dropped, a line for each rule with its first row: for verbs that show no whole account.
    pub fn losses(&self) -> Vec<String> {
        let tallies = std::iter::once(&self.events).chain(&self.catalogue);
        let rules = tallies.flat_map(|tally| &tally.rules);
        rules
            .filter(|rule| rule.effect == Effect::Dropped && rule.rows > 0)
            .map(|rule| {
                let example = rule.examples.first().map_or("", String::as_str);
                format!(
                    "{} rows dropped: {} ({})",
                    grouped(rule.rows),
                    rule.name,
                    example.trim_end_matches([':', ' '])
                )
            })
            .collect()
    }
}

impl Rule {
    /// Counts a row; `example` is asked only while examples are still wanted.
    pub fn count(&mut self, example: impl FnOnce() -> String) {
        self.rows += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "mapping: {}", self.mapping)?;
        table(f, "events", &self.events)?;
        if let Some(catalogue) = &self.catalogue {
            table(f, "catalogue", catalogue)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        writeln!(
            f,
            "{} items, {} users ({} of them anonymous sessions), {} sessions, {} interactions",
            grouped(self.items as u64),
            grouped(self.users as u64),
            grouped(self.anonymous as u64),
            grouped(self.sessions as u64),
            grouped(self.events.kept),
        )
    }
}

fn table(f: &mut fmt::Formatter<'_>, name: &str, tally: &Tally) -> fmt::Result {
    writeln!(f, "{:<46} {:>11}", format!("{name}: rows read"), grouped(tally.rows))?;
    for rule in &tally.rules {
        let sign = if rule.effect == Effect::Dropped && rule.rows > 0 {
            "-"
        } else {
            " "
        };
        let what = if rule.effect == Effect::Changed { " (kept)" } else { "" };
        writeln!(
            f,
            "  {:<44} {:>11}",
            format!("{}{what}", rule.name),
            format!("{sign}{}", grouped(rule.rows))
        )?;
        for example in rule
            .examples
            .iter()
            .take(if rule.effect == Effect::Dropped { 1 } else { 0 })
        {
            writeln!(f, "      {example}")?;
        }
    }
    writeln!(f, "{:<46} {:>11}", format!("{name}: rows kept"), grouped(tally.kept))
}

/// The number with a comma at each thousand.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn a_rule_counts_every_row_and_keeps_few_examples() {
        let mut tally = Tally::default();
        for row in 0..10 {
            tally.rule("no item", Effect::Dropped).count(|| format!("f.csv:{row}"));
        }
        tally.rule("renamed", Effect::Changed).count(String::new);
        assert_eq!((tally.dropped(), tally.rules[0].examples.len()), (10, EXAMPLES));
    }
}
