//! Writing so that nothing is ever half-written: into a temporary neighbour first, then renamed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Writes a file whole or not at all. Missing parent folders are made. An existing file is replaced.
///
/// # Errors
/// Where the folder cannot be made or written, or the disk is full; the old file is then untouched.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let parent = parent_of(path);
    let made = NewFolders::make(&parent)?;
    let mut temporary = tempfile::Builder::new()
        .prefix(".recant-")
        .tempfile_in(&parent)
        .map_err(|error| Error::io("write into", &parent, &error))?;
    {
        let mut writer = std::io::BufWriter::with_capacity(1 << 18, temporary.as_file_mut());
        fill(&mut writer)?;
        writer.flush().map_err(|error| Error::io("write", path, &error))?;
    }
    temporary.as_file().sync_all().map_err(|error| Error::io("write", path, &error))?;
    readable_by_all(temporary.path());
    temporary.persist(path).map_err(|error| Error::io("write", path, &error.error))?;
    made.keep();
    Ok(())
}

/// Whether a file or folder can be made at this place, as far as can be told before: better heard before minutes of work than after.
/// Leaves nothing behind.
///
/// # Errors
/// Where a part of the path is a file, or the nearest folder that is there cannot be written.
pub fn check_place(path: &Path) -> Result<()> {
    let mut place = parent_of(path);
    loop {
        match fs::metadata(&place) {
            Ok(about) if about.is_dir() => break,
            Ok(_) => return Err(Error::io("write", path, &std::io::ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && place != Path::new(".") => place = parent_of(&place),
            Err(error) => return Err(Error::io("write", path, &error)),
        }
    }
    tempfile::tempfile_in(&place)
        .map(drop)
        .map_err(|error| Error::io("write into", &place, &error))
}

/// Folders made on the way to a file, taken away again where that file cannot be written.
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn make(folder: &Path) -> Result<Self> {
        let missing = folder
            .ancestors()
            .take_while(|place| !place.as_os_str().is_empty() && !place.exists());
        let made = Self(missing.map(Path::to_path_buf).collect());
        fs::create_dir_all(folder).map_err(|error| Error::io("make the folder", folder, &error))?;
        Ok(made)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        // Deepest first. One that somebody has put something into in the meantime stays: it is not empty, and this fails.
        for folder in &self.0 {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Writes bytes whole or not at all.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic(path, |writer| {
        writer.write_all(bytes).map_err(|error| Error::io("write", path, &error))
    })
}

/// Fills a folder whole or not at all: `fill` gets a temporary neighbour, which takes the final name once `fill` succeeds.
///
/// # Errors
/// Where `path` already exists (nothing is ever overwritten), cannot be written, or `fill` fails; then nothing is left behind.
pub fn write_folder<T>(path: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if path.exists() {
        return Err(
            Error::input(format!("`{}` already exists and is never overwritten", path.display()))
                .hint("give another name with `--out`, or move the old one away"),
        );
    }
    let parent = parent_of(path);
    let made = NewFolders::make(&parent)?;
    let temporary = tempfile::Builder::new()
        .prefix(".recant-")
        .tempdir_in(&parent)
        .map_err(|error| Error::io("write into", &parent, &error))?;
    let value = fill(temporary.path())?;
    readable_by_all(temporary.path());
    fs::rename(temporary.path(), path).map_err(|error| Error::io("write", path, &error))?;
    // The folder has moved: forget the handle so that dropping it does not look for the old name.
    let _ = temporary.keep();
    made.keep();
    Ok(value)
}

/// SHA-256 of a file as lower-case hex, read in blocks.
///
/// # Errors
/// Where the file cannot be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).map_err(|error| Error::io("read", path, &error))?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).map_err(|error| Error::io("read", path, &error))?;
    Ok(hex(&hash.finalize()))
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Temporary files start out private; what we hand over follows the usual permissions.
#[cfg(unix)]
fn readable_by_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    // A file system without permissions is no reason to fail: the content is already there.
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
fn readable_by_all(_path: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_bytes(&path, b"old").unwrap();
        let failed = write_atomic(&path, |writer| {
            writer.write_all(b"half").unwrap();
            Err(Error::input("no"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_made_for_a_file_go_where_the_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let failed = write_atomic(&folder.path().join("a/b/c.txt"), |_| Err(Error::input("no")));
        assert!(failed.is_err());
        let failed: Result<()> = write_folder(&folder.path().join("d/e/f"), |_| Err(Error::input("no")));
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write_bytes(&folder.path().join("a/b/c.txt"), b"x").unwrap();
        let failed = write_atomic(&folder.path().join("a/d/c.txt"), |_| Err(Error::input("no")));
        assert!(failed.is_err() && folder.path().join("a/b/c.txt").is_file() && !folder.path().join("a/d").exists());
    }

    #[test]
    fn a_place_is_checked_without_leaving_anything() {
        let folder = tempfile::tempdir().unwrap();
        check_place(&folder.path().join("a/b/c")).unwrap();
        check_place(Path::new("here.txt")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::write(folder.path().join("file"), "x").unwrap();
        for below in ["file/a", "file/a/b"] {
            let error = check_place(&folder.path().join(below)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.message().contains("a part of the path is a file"), "{error}");
        }
    }

    #[test]
    fn a_folder_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write_folder(&path, |inside| write_bytes(&inside.join("x"), b"1")).unwrap();
        assert!(write_folder(&path, |_| Ok(())).is_err());
        assert_eq!(fs::read(path.join("x")).unwrap(), b"1");
        let failed: Result<()> = write_folder(&folder.path().join("other"), |_| Err(Error::input("no")));
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
