//! Locks on files of a run folder. The system frees them when a process ends, however it ends.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::notes::Notes;
use crate::progress::Progress;

/// How long to wait before asking again whether a lock is free.
const PAUSE: Duration = Duration::from_millis(100);

/// Who may hold a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One process.
    Alone,
    /// Many, but none that wants it alone.
    Shared,
}

fn open(path: &Path) -> Result<fs::File> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| Error::io("make the folder", parent, &error))?;
    // A pipe would be waited for.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(Error::input(format!("`{}` is no file, so it cannot be a lock", path.display())).hint("take it away"));
    }
    let mut options = fs::OpenOptions::new();
    let opened = options.create(true).truncate(false).write(true).open(path);
    opened.map_err(|error| Error::io("write into", parent, &error))
}

fn attempt(file: &fs::File, kind: Kind) -> std::result::Result<(), fs::TryLockError> {
    match kind {
        Kind::Alone => file.try_lock(),
        Kind::Shared => file.try_lock_shared(),
    }
}

/// Locks the file `path` of the run folder `folder`, until what is returned is dropped.
///
/// # Errors
/// Where another process holds it, or it cannot be made.
pub(super) fn hold(folder: &Path, path: &Path, kind: Kind, notes: &mut Notes) -> Result<fs::File> {
    let file = open(path)?;
    match attempt(&file, kind) {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Io,
            format!("another process is working in `{}`", folder.display()),
        )
        .hint("wait for it or stop it; to share the work give each process its part, `--shard 1/2` and `--shard 2/2`")),
        Err(fs::TryLockError::Error(error)) => {
            // Results are written whole and have the same bytes whoever writes them, so this costs time at worst.
            notes.add(
                "no-lock",
                format!("This disk knows no file locks ({error})."),
                "Nothing keeps a second process out of the folder: it would do the same work twice, without harm.",
            );
            Ok(file)
        }
    }
}

/// Waits until no other process holds the file, then holds it until what is returned is dropped. Where the disk knows no locks, there is
/// no waiting. `told`: what the other process does, for the person who waits.
///
/// # Errors
/// Where the file cannot be made, or the person asks to stop.
pub(super) fn wait(path: &Path, told: &str, progress: &dyn Progress) -> Result<fs::File> {
    let file = open(path)?;
    let mut waiting = false;
    let outcome = loop {
        match attempt(&file, Kind::Alone) {
            Err(fs::TryLockError::WouldBlock) => {}
            Ok(()) | Err(fs::TryLockError::Error(_)) => break Ok(()),
        }
        if !waiting {
            progress.start(&format!("waiting for another process: {told}"), 0);
            waiting = true;
        }
        if let Err(error) = progress.check() {
            break Err(error);
        }
        std::thread::sleep(PAUSE);
    };
    if waiting {
        progress.finish();
    }
    outcome.map(|()| file)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::progress::Silent;

    #[test]
    fn a_lock_is_held_by_one_or_shared_by_many_and_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/run");
        let mut notes = Notes::new();
        let mut take = |kind| hold(folder.path(), &path, kind, &mut notes);
        let (one, other) = (take(Kind::Shared).unwrap(), take(Kind::Shared).unwrap());
        let error = take(Kind::Alone).unwrap_err();
        assert!(
            error.exit_code() == 2 && error.hint_text().is_some_and(|hint| hint.contains("--shard 1/2")),
            "{error}"
        );
        drop((one, other));
        let alone = take(Kind::Alone).unwrap();
        assert!(take(Kind::Shared).is_err());

        let stopped = Silent::default();
        stopped.0.store(true, Ordering::Relaxed);
        assert_eq!(wait(&path, "a test", &stopped).unwrap_err().exit_code(), 130);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| wait(&path, "a test", &Silent::default()));
            std::thread::sleep(Duration::from_millis(250));
            assert!(!waiter.is_finished());
            drop(alone);
            waiter.join().unwrap().unwrap();
        });
        assert!(notes.is_empty());
    }
}
