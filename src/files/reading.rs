//! Reading files that a person or another program has put there: regular files only, and none beyond a stated size.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// No settings, profile or record is longer (bytes).
pub const SETTINGS: u64 = 64 << 20;
/// No file of results or of a single image is longer (bytes).
pub const RESULTS: u64 = 1 << 30;
/// No file of weights or of an image set is longer (bytes).
pub const WEIGHTS: u64 = 16 << 30;

/// Opens a regular file and says how long it is; links are followed. A pipe would be waited for and a device read without end, so neither
/// is opened. `action`: what is being done, such as `read the profile`.
///
/// # Errors
/// Where it cannot be opened or is no regular file.
pub fn open(action: &str, path: &Path) -> Result<(File, u64)> {
    let failed = |error: std::io::Error| Error::io(action, path, &error);
    let regular = |about: &Metadata| match (about.is_file(), about.is_dir()) {
        (true, _) => Ok(about.len()),
        (_, true) => Err(failed(std::io::ErrorKind::IsADirectory.into())),
        _ => Err(Error::input(format!("`{}` is a pipe or a device, not a file", path.display()))
            .hint("write what it gives into a file first, and name that file")),
    };
    regular(&fs::metadata(path).map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    // Once more on what was opened: another file may have taken the name.
    let length = regular(&file.metadata().map_err(failed)?)?;
    Ok((file, length))
}

/// The content of a regular file of at most `most` bytes.
///
/// # Errors
/// Where it cannot be read, is no regular file, or is longer.
pub fn read(action: &str, path: &Path, most: u64) -> Result<Vec<u8>> {
    let (file, length) = open(action, path)?;
    let too_long = || {
        Error::input(format!("the file has more than {most} bytes, too many for what it should be"))
            .in_file(path)
            .hint("check that it is the file you mean")
    };
    if length > most {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1))
        .map_err(|_| Error::input(format!("there is no memory for the {length} bytes of the file")).in_file(path))?;
    // It may grow while it is read.
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(action, path, &error))?;
    if bytes.len() as u64 > most {
        return Err(too_long());
    }
    Ok(bytes)
}

/// As [`read`]; `None` where there is no such file.
///
/// # Errors
/// As [`read`].
pub fn read_if_there(action: &str, path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        _ => read(action, path, most).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_files_of_a_sensible_size_are_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read("read", &path, 5).unwrap(), b"12345");
        assert_eq!(read_if_there("read", &path, 5).unwrap().unwrap(), b"12345");
        assert!(read_if_there("read", &folder.path().join("b.txt"), 5).unwrap().is_none());
        for (refused, told) in [
            (read("read", &path, 4), "more than 4 bytes"),
            (read("read", &folder.path().join("b.txt"), 5), "no such file"),
            (read("read", folder.path(), 5), "it is a folder"),
        ] {
            let error = refused.unwrap_err();
            assert!(error.exit_code() == 2 && error.message().contains(told), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_endless_devices_are_refused_at_once_also_behind_links() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("zero.csv");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .is_ok_and(|status| status.success());
        for path in [Some(link), made.then_some(pipe)].into_iter().flatten() {
            let error = read("read", &path, WEIGHTS).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(
                error.message().contains("a pipe or a device") && error.hint_text().is_some(),
                "{error}"
            );
        }
    }
}
