//! Writing so that nothing is ever half-written: into a temporary neighbour first, then renamed.

mod reading;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
pub use reading::{RESULTS, SETTINGS, WEIGHTS, open, read, read_if_there};

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Refuse to write: what a person named may hold their work. Of two processes that write the same new file, one wins.
    Keep,
    /// Put the new file in its place, whole or not at all: for files that only Recant writes.
    #[default]
    Replace,
    /// It is kept, and no option of the command replaces it.
    KeepForGood,
}

impl Existing {
    /// What `--force` means.
    pub fn forced(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

/// Checks, before any work, that a file may be made at this place; see [`check_place`].
///
/// # Errors
/// Where something is there already and is to be kept, or as [`check_place`].
pub fn check_new_file(path: &Path, existing: Existing) -> Result<()> {
    if existing != Existing::Replace && fs::symlink_metadata(path).is_ok() {
        return Err(exists_already(path, existing));
    }
    if path.is_dir() {
        return Err(Error::io("write", path, &std::io::ErrorKind::IsADirectory.into()));
    }
    check_place(path)
}

fn exists_already(path: &Path, existing: Existing) -> Error {
    Error::input(format!("`{}` already exists", path.display())).hint(match existing {
        Existing::KeepForGood => "give another name with `--out`, or move the old one away",
        _ => "give another name with `--out`, or replace it with `--force`",
    })
}

/// Checks that the clock of this computer can be written into a file: workbooks hold the time, counted from 1970.
///
/// # Errors
/// Where it stands before that.
pub fn check_clock() -> Result<()> {
    match std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(_) => Err(
            Error::input("the clock of this computer stands before 1970, a time that no workbook can hold")
                .hint("set the clock, for example `sudo date --set 2026-01-31`"),
        ),
    }
}

/// Writes a file whole or not at all. Missing parent folders are made. An existing file is replaced.
///
/// # Errors
/// Where the folder cannot be made or written, or the disk is full; the old file is then untouched.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    write_file(path, Existing::Replace, fill)
}

/// Writes a file whole or not at all. Missing parent folders are made.
///
/// # Errors
/// Where the file exists and is to be kept, the folder cannot be made or written, or the disk is full; an old file is then untouched.
pub fn write_file(path: &Path, existing: Existing, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let parent = parent_of(path);
    let made = NewFolders::make(&parent)?;
    remove_remains(&parent);
    let mut temporary = self::temporary(NEW_FILE)
        .tempfile_in(&parent)
        .map_err(|error| Error::io("write into", &parent, &error))?;
    {
        let mut writer = std::io::BufWriter::with_capacity(1 << 18, temporary.as_file_mut());
        fill(&mut writer)?;
        writer.flush().map_err(|error| Error::io("write", path, &error))?;
    }
    temporary.as_file().sync_all().map_err(|error| Error::io("write", path, &error))?;
    let placed = match existing {
        Existing::Replace => temporary.persist(path),
        Existing::Keep | Existing::KeepForGood => temporary.persist_noclobber(path),
    };
    placed.map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists_already(path, existing),
        _ => Error::io("write", path, &error.error),
    })?;
    sync_folder(&parent);
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
    write_bytes_to(path, Existing::Replace, bytes)
}

/// Writes bytes whole or not at all, where nothing is or over what is there.
///
/// # Errors
/// As [`write_file`].
pub fn write_bytes_to(path: &Path, existing: Existing, bytes: &[u8]) -> Result<()> {
    write_file(path, existing, |writer| {
        writer.write_all(bytes).map_err(|error| Error::io("write", path, &error))
    })
}

/// Checks that a folder may be made at this place: nothing is there, or an empty folder.
///
/// # Errors
/// Where anything else is there: nothing is ever overwritten.
pub fn check_new_folder(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(about) if about.is_dir() && fs::read_dir(path).is_ok_and(|mut inside| inside.next().is_none()) => Ok(()),
        Ok(_) => Err(folder_exists(path)),
    }
}

fn folder_exists(path: &Path) -> Error {
    Error::input(format!("`{}` already exists and is never overwritten", path.display()))
        .hint("give another name with `--out`, or move the old one away")
}

/// Fills a folder whole or not at all: `fill` gets a temporary neighbour, which takes the final name once `fill` succeeds.
/// An empty folder that is there already is used.
///
/// # Errors
/// Where `path` already exists and is not an empty folder (nothing is ever overwritten), cannot be written, or `fill` fails;
/// then nothing is left behind.
pub fn write_folder<T>(path: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    check_new_folder(path)?;
    let parent = parent_of(path);
    let made = NewFolders::make(&parent)?;
    remove_remains(&parent);
    let temporary = self::temporary(NEW_FOLDER)
        .tempdir_in(&parent)
        .map_err(|error| Error::io("write into", &parent, &error))?;
    let value = fill(temporary.path())?;
    // Takes away an empty folder only; where another process has filled it in the meantime, both calls fail and its content stays.
    let _ = fs::remove_dir(path);
    fs::rename(temporary.path(), path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::DirectoryNotEmpty => folder_exists(path),
        _ => Error::io("write", path, &error),
    })?;
    sync_folder(path);
    sync_folder(&parent);
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
    let (mut file, _) = open("read", path)?;
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

/// How the names of temporary neighbours begin; the number of the process that they belong to follows.
const TEMPORARY: &str = ".recant-";
/// Permissions of new files and folders before the person's umask is applied.
const NEW_FILE: u32 = 0o666;
const NEW_FOLDER: u32 = 0o777;
/// A temporary neighbour is taken for left behind where it has not changed for this long.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(60 * 60);

/// A new file beside those of a folder, for what comes piece by piece: gone when dropped, unless it is given a name with
/// [`tempfile::NamedTempFile::persist_noclobber`].
///
/// # Errors
/// Where the folder cannot be written.
pub fn unnamed_in(folder: &Path) -> Result<tempfile::NamedTempFile> {
    remove_remains(folder);
    temporary(NEW_FILE)
        .tempfile_in(folder)
        .map_err(|error| Error::io("write into", folder, &error))
}

/// Makes temporary neighbours that have the usual permissions, so that what a person's umask hides stays hidden.
fn temporary(mode: u32) -> tempfile::Builder<'static, 'static> {
    static PREFIX: LazyLock<String> = LazyLock::new(|| format!("{TEMPORARY}{}-", std::process::id()));
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX.as_str());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// Makes a rename last through a loss of power. Not every file system can; the file itself is written either way.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = fs::File::open(folder) {
        let _ = handle.sync_all();
    }
}

/// Removes what killed runs have left in a folder; looks once in each folder.
fn remove_remains(folder: &Path) {
    static LOOKED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if !LOOKED.lock().is_ok_and(|mut looked| looked.insert(folder.to_path_buf())) {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !is_left_behind(&entry) {
            continue;
        }
        // One that cannot be removed does no harm.
        let _ = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
            _ => fs::remove_file(entry.path()),
        };
    }
}

/// Whether this is a temporary neighbour of a process that has ended. On a disk that several machines share, a process of another machine
/// cannot be looked up: a young neighbour is left alone.
fn is_left_behind(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY)) else {
        return false;
    };
    let process = rest.split_once('-').and_then(|(number, _)| number.parse::<u32>().ok());
    if let (Some(process), true) = (process, Path::new("/proc/self").exists())
        && (process == std::process::id() || Path::new("/proc").join(process.to_string()).exists())
    {
        return false;
    }
    let changed = entry.metadata().and_then(|about| about.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > LEFT_BEHIND_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary_file() {
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

    #[test]
    fn a_file_that_is_there_is_kept_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ticked.csv");
        let write = |existing, text: &'static [u8]| {
            write_file(&path, existing, |writer| {
                writer.write_all(text).map_err(|error| Error::io("write", Path::new("x"), &error))
            })
        };
        check_new_file(&path, Existing::Keep).unwrap();
        write(Existing::Keep, b"first").unwrap();
        for error in [
            write(Existing::Keep, b"second").unwrap_err(),
            check_new_file(&path, Existing::Keep).unwrap_err(),
        ] {
            assert_eq!(error.exit_code(), 2);
            assert!(error.hint_text().unwrap().contains("--force"), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), b"first");
        check_new_file(&path, Existing::Replace).unwrap();
        write(Existing::Replace, b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert!(check_new_file(folder.path(), Existing::Replace).is_err(), "a folder is no file");
    }

    #[test]
    fn of_many_writers_of_one_new_file_exactly_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.txt");
        let won: Vec<usize> = std::thread::scope(|scope| {
            let write = |writer: usize| {
                let path = &path;
                move || {
                    let text = writer.to_string();
                    write_file(path, Existing::Keep, |out| {
                        out.write_all(text.as_bytes()).map_err(|error| Error::io("write", path, &error))
                    })
                    .is_ok()
                    .then_some(writer)
                }
            };
            let threads: Vec<_> = (0..8).map(|writer| scope.spawn(write(writer))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), won[0].to_string());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_empty_folder_is_used_and_one_with_content_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::create_dir(&path).unwrap();
        write_folder(&path, |inside| write_bytes(&inside.join("x"), b"1")).unwrap();
        assert_eq!(fs::read(path.join("x")).unwrap(), b"1");
        assert!(check_new_folder(&path).is_err() && write_folder(&path, |_| Ok(())).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn remains_of_ended_processes_go_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - 2 * LEFT_BEHIND_AFTER;
        let make = |name: &str, aged: bool| {
            let path = folder.path().join(name);
            let file = fs::File::create(&path).unwrap();
            if aged {
                file.set_modified(old).unwrap();
            }
            path
        };
        // No process has this number: it is above the largest that Linux gives.
        let ended = make(".recant-4294967295-a", true);
        let young = make(".recant-4294967295-b", false);
        let own = make(&format!(".recant-{}-c", std::process::id()), true);
        let earlier = make(".recant-AbCdEf", true);
        let other = make("orders.csv", true);
        write_bytes(&folder.path().join("new.txt"), b"x").unwrap();
        assert!(!ended.exists() && !earlier.exists());
        assert!(young.exists() && own.exists() && other.exists());
    }
}
