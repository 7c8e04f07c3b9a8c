//! Long work: on a thread of its own, while the calling thread waits without the interpreter's lock, shows progress and listens for Ctrl-C.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use pyo3::prelude::*;
use recant::Error;
use recant::progress::Progress;

use crate::error::raise;

/// How often progress is shown and Ctrl-C looked for.
const TICK: Duration = Duration::from_millis(100);

/// The same stack as a main thread has.
const STACK: usize = 8 << 20;

/// Where the work is. The working threads write it, the waiting one reads it.
#[derive(Default)]
struct Watch {
    stage: Mutex<Option<(String, u64)>>,
    done: AtomicU64,
    stop: AtomicBool,
}

impl Progress for Watch {
    fn start(&self, stage: &str, steps: u64) {
        if let Ok(mut current) = self.stage.lock() {
            *current = Some((stage.to_owned(), steps));
            self.done.store(0, Ordering::Relaxed);
        }
    }

    fn advance(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    fn finish(&self) {
        if let Ok(mut current) = self.stage.lock() {
            *current = None;
        }
    }

    fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Watch {
    /// Tells `callback` the stage, the steps done and the steps in all.
    fn show(&self, py: Python<'_>, callback: Option<&Py<PyAny>>) -> PyResult<()> {
        let Some(callback) = callback else { return Ok(()) };
        let stage = self.stage.lock().ok().and_then(|stage| stage.clone());
        if let Some((stage, steps)) = stage {
            callback.call1(py, (stage, self.done.load(Ordering::Relaxed), steps))?;
        }
        Ok(())
    }
}

/// Runs `job`. Ctrl-C, or an exception of `callback`, stops it at its next safe point; the exception is then raised.
pub(crate) fn work<T: Send>(
    py: Python<'_>,
    callback: Option<&Py<PyAny>>,
    job: impl FnOnce(&dyn Progress) -> recant::Result<T> + Send,
) -> PyResult<T> {
    let watch = Watch::default();
    let mut stopped = None;
    let outcome = std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        let receive = Mutex::new(receive);
        let watched = &watch;
        std::thread::Builder::new()
            .name("recant".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| job(watched)));
                // The other end waits for this.
                let _ = send.send(outcome);
            })
            .map_err(|error| Error::internal(format!("no thread can be started: {error}")))?;
        loop {
            let waited = py.detach(|| receive.lock().ok().map(|receive| receive.recv_timeout(TICK)));
            match waited {
                Some(Ok(outcome)) => return outcome.unwrap_or_else(|payload| Err(fault(payload.as_ref()))),
                Some(Err(mpsc::RecvTimeoutError::Timeout)) => {}
                _ => return Err(Error::internal("the working thread ended without a word")),
            }
            if stopped.is_none()
                && let Err(exception) = py.check_signals().and_then(|()| watch.show(py, callback))
            {
                watch.stop.store(true, Ordering::Relaxed);
                stopped = Some(exception);
            }
        }
    });
    match (outcome, stopped) {
        // What was finished before the stop was noticed is finished.
        (Ok(done), None) => Ok(done),
        (_, Some(exception)) => Err(exception),
        (Err(error), None) => Err(raise(py, &error)),
    }
}

fn fault(payload: &(dyn std::any::Any + Send)) -> Error {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    Error::internal(format!(
        "Recant ran into a fault of its own: {}",
        text.unwrap_or_else(|| "no details".to_owned())
    ))
}
