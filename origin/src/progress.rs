//! Progress of long work, on stderr. Invariant: nothing is shown where stderr is no terminal, where output is for a
//! machine, or for work that ends within a second. Loading, training and evaluation report to it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Where progress is reported.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    visible: bool,
}

impl Progress {
    /// Shows progress if stderr is a terminal and `visible`.
    pub fn new(visible: bool) -> Self {
        Self { visible }
    }

    /// Shows nothing.
    pub fn hidden() -> Self {
        Self { visible: false }
    }

    /// Begins a stage of `total` steps (0: unknown). It vanishes when the bar is dropped.
    pub fn stage(&self, name: impl Into<String>, total: u64) -> Stage {
        let bar = if !self.visible {
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
        } else if total == 0 {
            ProgressBar::new_spinner().with_style(style("{spinner} {msg} {human_pos} {elapsed}"))
        } else {
            ProgressBar::new(total).with_style(style("{msg:32} {wide_bar} {human_pos}/{human_len} {eta:>4}"))
        };
        bar.set_message(name.into());
        Stage {
            bar,
            drawn: !self.visible,
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; a default bar is better than none if one were refused.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// One stage of the work.
#[derive(Debug)]
pub struct Stage {
    bar: ProgressBar,
    drawn: bool,
}

impl Stage {
    /// Counts steps. Call it every few thousand rows, not every row.
    pub fn add(&mut self, steps: u64) {
        if self.drawn || self.bar.elapsed() > Duration::from_millis(400) {
            self.drawn = true;
            self.bar.inc(steps);
        } else {
            self.bar.update(|state| state.set_pos(state.pos() + steps));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
