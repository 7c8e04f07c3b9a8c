//! The folder that the app works in. Requests name what is in it by ids, never by paths; links are not followed.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::files::hex;
use crate::visible;

/// Endings of files that may be sheets; what they are is told by their content.
pub(super) const SHEETS: &[&str] = &[
    "csv", "tsv", "txt", "gz", "xlsx", "xlsm", "xls", "xlsb", "ods", "parquet", "arrow", "feather", "ipc",
];

/// Where the app keeps what is its own, and what was deleted.
const OWN: &str = ".recant";
const BIN: &str = "bin";

/// Entries of the folder that are looked at.
const MOST: usize = 20_000;

/// Characters of a new name.
const LONGEST_NAME: usize = 100;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file that may be a sheet.
    Sheet,
    /// A model folder.
    Model,
    /// A report without a model.
    Report,
}

/// An entry of the folder.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// How requests name it.
    pub id: String,
    pub name: String,
    pub kind: Kind,
    pub path: PathBuf,
    pub bytes: u64,
    pub changed: Option<SystemTime>,
}

/// The folder.
pub(super) struct Folder {
    root: PathBuf,
    /// Whether it is where the process works: paths are then names, as a person in it would type them.
    entered: bool,
}

impl Folder {
    /// # Errors
    /// Where there is no such folder.
    pub fn open(path: &Path) -> Result<Self> {
        let root = path.canonicalize().map_err(|error| Error::io("open the folder", path, &error))?;
        match root.is_dir() {
            true => Ok(Self { root, entered: false }),
            false => Err(Error::input(format!("`{}` is a file, not a folder", path.display()))
                .hint("name the folder that it lies in: `recant app FOLDER`")),
        }
    }

    /// Makes it the folder that the process works in, so that commands take, record and tell the names that a person in it would type.
    ///
    /// # Errors
    /// Where it cannot be entered.
    pub fn enter(mut self) -> Result<Self> {
        std::env::set_current_dir(&self.root).map_err(|error| Error::io("open the folder", &self.root, &error))?;
        self.entered = true;
        Ok(self)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The last part of its path.
    pub fn name(&self) -> String {
        self.root
            .file_name()
            .map_or_else(|| self.root.display().to_string(), |name| name.to_string_lossy().into_owned())
    }

    /// Where the app keeps what is its own; made where it is missing, for this user alone.
    ///
    /// # Errors
    /// Where it cannot be made, or a link stands in its place.
    pub fn own(&self) -> Result<PathBuf> {
        let own = self.root.join(OWN);
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&own) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::io("write into", &self.root, &error)
                    .hint("name another folder: `recant app FOLDER`; or look without changing anything: `recant app --read-only`"));
            }
            _ => {}
        }
        let about = fs::symlink_metadata(&own).map_err(|error| Error::io("look into", &own, &error))?;
        match about.is_dir() {
            true => Ok(own),
            false => Err(Error::new(ErrorKind::Io, format!("`{}` is not a folder", own.display())).hint("move it away")),
        }
    }

    /// What is in the folder, by name, and the sheets of the folders in it. Links, hidden entries and names that are not Unicode are left out.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn items(&self) -> Result<Vec<Item>> {
        let entries = fs::read_dir(&self.root).map_err(|error| Error::io("list the folder", &self.root, &error))?;
        let mut items = Vec::new();
        for entry in entries.flatten().take(MOST) {
            match found(&entry, "") {
                Found::Item(item) => items.push(item),
                Found::Folder(name) => {
                    let inside = fs::read_dir(entry.path()).into_iter().flatten().flatten().take(MOST);
                    items.extend(inside.filter_map(|entry| match found(&entry, &format!("{name}/")) {
                        Found::Item(item) if item.kind == Kind::Sheet => Some(item),
                        _ => None,
                    }));
                }
                Found::Nothing => {}
            }
        }
        if self.entered {
            items.iter_mut().for_each(|item| item.path = PathBuf::from(&item.name));
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(items)
    }

    /// The entry of an id.
    ///
    /// # Errors
    /// Where there is none (any more).
    pub fn item(&self, id: &str, kind: Kind) -> Result<Option<Item>> {
        Ok(self.items()?.into_iter().find(|item| item.id == id && item.kind == kind))
    }

    /// The entry of a name.
    ///
    /// # Errors
    /// As [`Folder::items`].
    pub fn named(&self, name: &str, kind: Kind) -> Result<Option<Item>> {
        self.item(&id_of(name), kind)
    }

    /// A name for a new entry: made safe, with a number where it is taken.
    pub fn free_name(&self, wanted: &str) -> String {
        let name = safe_name(wanted);
        let (stem, ending) = name.split_at(name.find('.').unwrap_or(name.len()));
        let free = |name: &String| fs::symlink_metadata(self.root.join(name)).is_err();
        let numbered = (2..10_000).map(|number| format!("{stem}-{number}{ending}"));
        std::iter::once(name.clone())
            .chain(numbered)
            .find(free)
            .unwrap_or_else(|| name.clone())
    }

    /// Moves an entry out of the way, into the app's own bin.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub fn discard(&self, item: &Item) -> Result<()> {
        let place = self.bin(&item.name)?;
        fs::rename(&item.path, &place).map_err(|error| Error::io("move", &item.path, &error))
    }

    /// Copies a file into the bin, where it is there, before another takes its place.
    ///
    /// # Errors
    /// Where it cannot be copied.
    pub fn keep_copy(&self, path: &Path) -> Result<()> {
        if !is_plain(path) {
            return Ok(());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let place = self.bin(&name)?;
        fs::copy(path, &place).map_err(|error| Error::io("copy", path, &error))?;
        Ok(())
    }

    /// A place in the bin for what has this name.
    fn bin(&self, name: &str) -> Result<PathBuf> {
        let bin = self.own()?.join(BIN);
        fs::create_dir_all(&bin).map_err(|error| Error::io("make the folder", &bin, &error))?;
        let day = chrono::Local::now().format("%Y-%m-%d-%H%M%S%3f");
        Ok(bin.join(format!("{day}-{}", name.replace('/', "-"))))
    }
}

/// How requests name an entry.
pub(super) fn id_of(name: &str) -> String {
    hex(&Sha256::digest(name.as_bytes())[..8])
}

/// What an entry of a folder is.
enum Found {
    Item(Item),
    /// A folder of its own kind, by name.
    Folder(String),
    Nothing,
}

fn found(entry: &fs::DirEntry, before: &str) -> Found {
    let Ok(name) = entry.file_name().into_string() else {
        return Found::Nothing;
    };
    let path = entry.path();
    let Ok(about) = fs::symlink_metadata(&path) else {
        return Found::Nothing;
    };
    if name.starts_with('.') {
        return Found::Nothing;
    }
    let kind = if about.is_file() {
        match ending(&name).is_some_and(|ending| SHEETS.contains(&ending.as_str())) {
            true => Kind::Sheet,
            false => return Found::Nothing,
        }
    } else if !about.is_dir() {
        return Found::Nothing;
    } else if is_plain(&path.join("model.json")) {
        match has_no_links(&path) {
            true => Kind::Model,
            false => return Found::Nothing,
        }
    } else if report_in(&path).is_some() {
        Kind::Report
    } else {
        return Found::Folder(name);
    };
    let name = format!("{before}{name}");
    Found::Item(Item {
        id: id_of(&name),
        name,
        kind,
        bytes: about.len(),
        changed: about.modified().ok(),
        path,
    })
}

/// The report in a folder, where there is one.
pub(super) fn report_in(folder: &Path) -> Option<PathBuf> {
    let inside = folder.join("report");
    let is_folder = fs::symlink_metadata(&inside).is_ok_and(|about| about.is_dir());
    let places = [is_folder.then(|| inside.join("report.html")), Some(folder.join("report.html"))];
    places.into_iter().flatten().find(|path| is_plain(path))
}

/// Whether this is a file, not a link to one.
pub(super) fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
}

/// Whether nothing in a model folder leads out of it.
fn has_no_links(folder: &Path) -> bool {
    let mut open = vec![folder.to_path_buf()];
    let mut seen = 0;
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { return false };
            seen += 1;
            if kind.is_symlink() || seen > MOST {
                return false;
            }
            if kind.is_dir() {
                open.push(entry.path());
            }
        }
    }
    true
}

/// The ending of a name, in lower case.
pub(super) fn ending(name: &str) -> Option<String> {
    Path::new(name).extension()?.to_str().map(str::to_lowercase)
}

/// A name for a new entry of the folder: one part, nothing hidden, nothing that a shell or another system reads as more than a name.
pub(super) fn safe_name(wanted: &str) -> String {
    let last = wanted.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = visible::line(last);
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.' | '(' | ')' | '+' | ',');
    let letters: String = shown.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let trimmed = letters.trim_matches([' ', '.']).trim_start_matches('-');
    let kept: String = match ending(trimmed) {
        Some(ending) if trimmed.chars().count() > LONGEST_NAME => {
            let most = LONGEST_NAME.saturating_sub(ending.chars().count() + 1);
            trimmed
                .chars()
                .take(most)
                .chain(['.'])
                .chain(ending.chars())
                .take(LONGEST_NAME)
                .collect()
        }
        _ => trimmed.chars().take(LONGEST_NAME).collect(),
    };
    let reserved = kept.split('.').next().is_some_and(|stem| {
        let stem = stem.to_uppercase();
        let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
        ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
            || numbered.is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    });
    let is_path = Path::new(&kept).components().all(|part| matches!(part, Component::Normal(_)));
    match kept.as_str() {
        "" => "unnamed".to_owned(),
        _ if !is_path || reserved => format!("_{kept}"),
        _ => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_stay_in_the_folder() {
        for (wanted, safe) in [
            ("orders.csv", "orders.csv"),
            ("Aufträge (März).xlsx", "Aufträge (März).xlsx"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\a.csv", "a.csv"),
            ("..", "unnamed"),
            (".hidden.csv", "hidden.csv"),
            ("--out.csv", "out.csv"),
            ("a\u{202e}b\n.csv", "a_b .csv"),
            ("$(rm -rf x);`y`.csv", "_(rm -rf x)__y_.csv"),
            ("nul.csv", "_nul.csv"),
            ("<script>.csv", "_script_.csv"),
            ("", "unnamed"),
        ] {
            assert_eq!(safe_name(wanted), safe, "{wanted:?}");
        }
        let long = safe_name(&format!("{}.csv", "x".repeat(400)));
        assert!(long.chars().count() == LONGEST_NAME && long.ends_with(".csv"), "{long}");
    }

    #[test]
    fn taken_names_get_a_number() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert_eq!(folder.free_name("a.csv.gz"), "a.csv.gz");
        fs::write(place.path().join("a.csv.gz"), "x").unwrap();
        assert_eq!(folder.free_name("a.csv.gz"), "a-2.csv.gz");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_hidden_files_are_not_there() {
        let place = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.csv"), "a,b\n1,2\n").unwrap();
        fs::write(place.path().join("orders.csv"), "a,b\n1,2\n").unwrap();
        fs::write(place.path().join(".hidden.csv"), "a,b\n1,2\n").unwrap();
        fs::create_dir(place.path().join("model")).unwrap();
        fs::write(place.path().join("model/model.json"), "{}").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.csv"), place.path().join("link.csv")).unwrap();
        std::os::unix::fs::symlink(outside.path(), place.path().join("folder")).unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let names = |folder: &Folder| folder.items().unwrap().into_iter().map(|item| item.name).collect::<Vec<_>>();
        fs::create_dir_all(place.path().join("month/deep")).unwrap();
        fs::write(place.path().join("month/flags.csv"), "a,b\n1,2\n").unwrap();
        fs::write(place.path().join("month/deep/flags.csv"), "a,b\n1,2\n").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.csv"), place.path().join("month/link.csv")).unwrap();
        assert_eq!(names(&folder), ["model", "month/flags.csv", "orders.csv"]);
        fs::remove_dir_all(place.path().join("month")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.csv"), place.path().join("model/weights")).unwrap();
        assert_eq!(names(&folder), ["orders.csv"]);
        let item = folder.named("orders.csv", Kind::Sheet).unwrap().unwrap();
        folder.discard(&item).unwrap();
        assert!(names(&folder).is_empty() && folder.item(&item.id, Kind::Sheet).unwrap().is_none());
        std::os::unix::fs::symlink(outside.path(), place.path().join("other")).unwrap();
        fs::remove_dir_all(place.path().join(OWN)).unwrap();
        std::os::unix::fs::symlink(outside.path(), place.path().join(OWN)).unwrap();
        assert!(folder.own().is_err());
    }
}
