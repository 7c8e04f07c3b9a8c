//! The queue: one piece of work at a time, in the order in which they were ordered. It goes on whoever looks, and survives a reload.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::App;
use super::store::{State, Store, WorkRow};
use super::work::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;

/// How far the running piece of work is.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub name: String,
    pub steps: u64,
    pub done: u64,
}

/// Wakes the worker, and tells it to stop.
#[derive(Default)]
pub(super) struct Queue {
    /// Whether there may be something new.
    news: Mutex<bool>,
    awake: Condvar,
    /// Number of the piece of work that runs; 0 for none.
    running: AtomicI64,
    stop: AtomicBool,
    stage: Mutex<Option<Stage>>,
    began: Mutex<Option<Instant>>,
    ending: AtomicBool,
}

impl Queue {
    /// Orders a piece of work.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub fn order(&self, store: &Store, work: &Work) -> Result<i64> {
        let id = store.order(work)?;
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.awake.notify_all();
        Ok(id)
    }

    /// Stops a piece of work, or takes it out of the queue.
    ///
    /// # Errors
    /// Where that cannot be kept.
    pub fn stop(&self, store: &Store, id: i64) -> Result<()> {
        if !store.withdraw(id)? && self.running.load(Ordering::SeqCst) == id {
            self.stop.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// How far a piece of work is, and for how long it runs, where it is the one that runs.
    pub fn stage(&self, id: i64) -> Option<(Option<Stage>, Duration)> {
        if self.running.load(Ordering::SeqCst) != id {
            return None;
        }
        let began = self
            .began
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map_or(Duration::ZERO, |began| began.elapsed());
        Some((self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone(), began))
    }

    /// Whether a piece of work was told to stop and has not yet.
    pub fn is_stopping(&self, id: i64) -> bool {
        self.running.load(Ordering::SeqCst) == id && self.stop.load(Ordering::SeqCst)
    }

    /// Ends the worker; the piece of work that runs is stopped.
    pub fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
        self.awake.notify_all();
    }

    fn wait(&self) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        while !*news && !self.ending.load(Ordering::SeqCst) {
            let waited = self.awake.wait_timeout(news, Duration::from_secs(1));
            news = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *news = false;
    }
}

/// Told of progress by the work.
struct Told<'a>(&'a Queue);

impl Progress for Told<'_> {
    fn start(&self, stage: &str, steps: u64) {
        let stage = Stage {
            name: crate::visible::line(stage).into_owned(),
            steps,
            done: 0,
        };
        *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage);
    }

    fn advance(&self, steps: u64) {
        if let Some(stage) = self.0.stage.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            stage.done = stage.done.saturating_add(steps);
        }
    }

    fn finish(&self) {
        *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn interrupted(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }
}

/// Starts the worker. It ends with [`Queue::end`], or with the app.
pub(super) fn start(app: &Arc<App>) -> JoinHandle<()> {
    let app = Arc::downgrade(app);
    std::thread::spawn(move || {
        while let Some(app) = Weak::upgrade(&app).filter(|app| !app.queue.ending.load(Ordering::SeqCst)) {
            let Some(store) = &app.store else { return };
            match store.begin() {
                Ok(Some(row)) => one(&app, store, &row),
                // A disk that takes nothing for a moment: look again later.
                Ok(None) | Err(_) => app.queue.wait(),
            }
        }
    })
}

fn one(app: &App, store: &Store, row: &WorkRow) {
    let queue = &app.queue;
    queue.stop.store(queue.ending.load(Ordering::SeqCst), Ordering::SeqCst);
    *queue.began.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    queue.running.store(row.id, Ordering::SeqCst);
    let outcome = catch_unwind(AssertUnwindSafe(|| row.work.run(app, &Told(queue))));
    let outcome = outcome.unwrap_or_else(|_| Err(Error::internal("Recant ran into a fault of its own")));
    let outcome = outcome.and_then(|outcome| {
        if let Some((list, from, rows)) = &outcome.listed {
            store.put_on_list(list, from, rows)?;
        }
        Ok(outcome.said)
    });
    let kept = match &outcome {
        Ok(said) => store.end(row.id, State::Done, Some(said), None),
        Err(error) if error.kind() == ErrorKind::Interrupted => store.end(row.id, State::Stopped, None, Some(error)),
        Err(error) => store.end(row.id, State::Failed, None, Some(error)),
    };
    // Where even that cannot be kept, the next start says that it broke off.
    drop(kept);
    queue.running.store(0, Ordering::SeqCst);
    *queue.stage.lock().unwrap_or_else(PoisonError::into_inner) = None;
}
