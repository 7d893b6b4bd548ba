//! What was told to the console already, so that what is wrong with a model is not told with each page.
//!
//! Invariant: it goes with the model that it is about; at most [`MAX`] lines are told of one.

use std::collections::HashSet;

/// The most lines.
const MAX: usize = 1_000;

/// Lines that were told.
#[derive(Default)]
pub struct Told(HashSet<String>);

impl Told {
    /// Tells a line, the first time.
    pub fn once(&mut self, line: &str) {
        if self.0.len() < MAX && self.0.insert(line.into()) {
            web_sys::console::warn_1(&line.into());
        }
    }
}
