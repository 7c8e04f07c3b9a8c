//! One app for one folder: the second is told where the first is.

use std::fs::{self, TryLockError};
use std::path::PathBuf;

use super::folder::Folder;
use crate::error::{Error, ErrorKind, Result};
use crate::files;

/// Held while the app runs. The system lets go of the lock when the process ends, however it ends.
pub(super) struct Lock {
    _file: fs::File,
    address: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.address);
    }
}

/// Takes the folder for this app.
///
/// # Errors
/// Where another app has it, which the error names, or the folder cannot be written.
pub(super) fn take(folder: &Folder, address: &str) -> Result<Lock> {
    let own = folder.own()?;
    let (path, told) = (own.join("app.lock"), own.join("app.address"));
    let mut options = fs::OpenOptions::new();
    let opened = options.create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|error| Error::io("write", &path, &error))?;
    match file.try_lock() {
        // A disk that knows no locks: the person may start two, and SQLite's own locks keep decisions whole.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => {
            let first = fs::read_to_string(&told).unwrap_or_default();
            let first = first.trim();
            let at = if first.is_empty() { String::new() } else { format!(" at {first}") };
            return Err(Error::new(
                ErrorKind::Io,
                format!("another `recant app` serves `{}`{at}", folder.root().display()),
            )
            .hint("use that one, or stop it with Ctrl-C in its terminal; `recant app --read-only` looks without changing anything"));
        }
    }
    files::write_bytes(&told, format!("{address}\n").as_bytes())?;
    Ok(Lock {
        _file: file,
        address: told,
    })
}
