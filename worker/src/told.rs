//! What was told to the log already, so that what is wrong with a model is not told with each page.
//!
//! Invariant: it goes with the model that it is about; at most [`MAX`] lines are told of one.

use crate::log::{self, Level, Line};
use std::collections::HashSet;

/// The most lines.
const MAX: usize = 1_000;

/// Lines that were told.
#[derive(Default)]
pub struct Told(HashSet<String>);

impl Told {
    /// Tells something of `event` for `reason`, the first time.
    pub fn once(&mut self, event: &'static str, reason: &'static str, message: String) {
        if self.0.len() < MAX && self.0.insert(message.clone()) {
            let line = Line {
                event,
                reason,
                message,
                ..Line::default()
            };
            log::write(Level::Warn, line);
        }
    }
}
