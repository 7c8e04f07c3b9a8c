//! Progress without a terminal in sight: lower floors report steps and ask whether to stop; the command line draws the bar.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Receives progress. Implementations must be cheap: `advance` is called in loops.
pub trait Progress: Send + Sync {
    /// A stage begins, with the number of steps it has (0 if unknown).
    fn start(&self, stage: &str, steps: u64);
    /// So many more steps of the current stage are done.
    fn advance(&self, steps: u64);
    /// The current stage is done.
    fn finish(&self);
    /// Whether the person asked to stop.
    fn interrupted(&self) -> bool {
        false
    }
    /// An error if the person asked to stop; call it at points where stopping loses nothing.
    fn check(&self) -> Result<()> {
        if self.interrupted() {
            return Err(Error::new(ErrorKind::Interrupted, "stopped before the end; nothing was written"));
        }
        Ok(())
    }
}

/// Passes on the wish to stop and nothing else: steps of single trainings are no steps of the stage that they belong to.
pub struct Background<'a>(pub &'a dyn Progress);

impl Progress for Background<'_> {
    fn start(&self, _stage: &str, _steps: u64) {}
    fn advance(&self, _steps: u64) {}
    fn finish(&self) {}
    fn interrupted(&self) -> bool {
        self.0.interrupted()
    }
}

/// Reports nothing, stops only when its flag is raised.
#[derive(Debug, Clone, Default)]
pub struct Silent(pub Arc<AtomicBool>);

impl Progress for Silent {
    fn start(&self, _stage: &str, _steps: u64) {}
    fn advance(&self, _steps: u64) {}
    fn finish(&self) {}
    fn interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
