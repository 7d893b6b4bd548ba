//! Regular expressions of the configuration. Invariant: compiled when the file is read, so a wrong one is an error at its line.

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer};

/// A regular expression that ignores case.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Whether it matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn compile<E: serde::de::Error>(pattern: &str) -> Result<Pattern, E> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .build()
        .map(Pattern)
        .map_err(|e| E::custom(format!("{pattern:?} is no regular expression: {e}")))
}

impl<'de> Deserialize<'de> for Pattern {
    /// A pattern of a whole text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        compile::<D::Error>(&text)?;
        compile(&format!("^(?:{text})$"))
    }
}

/// A pattern that matches from the beginning of a word.
pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
    let text = String::deserialize(deserializer)?;
    compile::<D::Error>(&text)?;
    compile(&format!(r"\b(?:{text})"))
}
