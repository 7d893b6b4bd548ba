//! Texts by number, so that lines are small. Invariant: equal texts have one number, and numbers have no gaps. Used by
//! `events`.

use super::events::index;
use std::collections::HashMap;

/// Texts by number.
#[derive(Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Texts {
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = index(self.texts.len());
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    pub fn get(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize).map(String::as_str)
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The texts in the order of their numbers.
    pub fn into_names(self) -> Vec<String> {
        self.texts
    }
}
