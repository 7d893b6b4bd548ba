//! What long work listens to: whether it should stop, and where progress goes. Invariant: work that is told to stop ends
//! with [`Error::Interrupted`] at its next step and leaves only whole files. Training and its models are handed one.

use crate::error::{Error, Result};
use crate::progress::{Progress, Stage};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Handed down to all that takes long.
#[derive(Debug, Clone)]
pub struct Control {
    progress: Progress,
    stopped: Arc<AtomicBool>,
}

impl Control {
    /// Work that nobody stops.
    pub fn new(progress: Progress) -> Self {
        Control {
            progress,
            stopped: Arc::default(),
        }
    }

    /// Work that Ctrl-C (SIGINT) and SIGTERM stop; a second one ends the process at once.
    ///
    /// # Errors
    /// [`Error::Internal`] where the system refuses the handler, or one is there already.
    pub fn interruptible(progress: Progress) -> Result<Self> {
        let control = Self::new(progress);
        let stopped = Arc::clone(&control.stopped);
        ctrlc::set_handler(move || {
            if stopped.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        })
        .map_err(|e| Error::Internal(format!("cannot listen to Ctrl-C: {e}")))?;
        Ok(control)
    }

    /// Asks the work to stop.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// To be called between steps.
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the work should stop.
    pub fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Begins a stage of `total` steps (0: unknown).
    pub fn stage(&self, name: impl Into<String>, total: u64) -> Stage {
        self.progress.stage(name, total)
    }
}
