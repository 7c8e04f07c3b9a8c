//! What outlives the browser and the app: how sheets are read, work, and every decision of a person. One SQLite file in the folder.
//!
//! A decision is on the disk before the page says so (`synchronous = FULL`); a process that is killed loses none.

mod decisions;
mod work;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

pub(super) use decisions::{Counts, Decided, Decision, Listed, Verdict, View};
pub(super) use work::{State, WorkRow};

use super::folder::{Folder, is_plain};
use super::reading::Reading;
use crate::error::{Error, ErrorKind, Result};

const FILE: &str = "app.sqlite";

/// Layout of the file; a newer one is refused.
const VERSION: i64 = 2;

const SCHEMA: &str = "
CREATE TABLE reading (sheet TEXT PRIMARY KEY, options TEXT NOT NULL) STRICT;
CREATE TABLE work (
  id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL, state TEXT NOT NULL, made TEXT NOT NULL, began TEXT, ended TEXT,
  outcome TEXT, message TEXT, hint TEXT
) STRICT;
CREATE TABLE listed (
  list TEXT NOT NULL, sheet_row INTEGER NOT NULL, kind TEXT NOT NULL, given TEXT, likeliest TEXT, chance REAL, score REAL, why TEXT,
  source TEXT NOT NULL, PRIMARY KEY (list, sheet_row)
) STRICT, WITHOUT ROWID;
CREATE TABLE batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT, list TEXT NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL, undone TEXT
) STRICT;
CREATE TABLE decision (
  id INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL REFERENCES batch (id), list TEXT NOT NULL, sheet_row INTEGER NOT NULL,
  verdict TEXT NOT NULL, label TEXT
) STRICT;
CREATE INDEX decision_of_row ON decision (list, sheet_row, id);
CREATE INDEX decision_of_batch ON decision (batch);
CREATE TABLE standing (
  list TEXT NOT NULL, sheet_row INTEGER NOT NULL, verdict TEXT NOT NULL, label TEXT, PRIMARY KEY (list, sheet_row)
) STRICT, WITHOUT ROWID;
";

/// The file.
pub(super) struct Store(Mutex<Connection>);

impl Store {
    /// Opens the folder's file, and makes it where it is missing.
    ///
    /// # Errors
    /// Where it cannot be used.
    pub fn open(folder: &Folder) -> Result<Self> {
        let path = folder.own()?.join(FILE);
        if std::fs::symlink_metadata(&path).is_ok() && !is_plain(&path) {
            return Err(Error::new(ErrorKind::Io, format!("`{}` is no file", path.display())).hint("move it away"));
        }
        Self::at(&path).map_err(|error| unusable(&path, &error))?
    }

    fn at(path: &Path) -> rusqlite::Result<Result<Self>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        // The file may come from elsewhere with the folder: nothing in it may act.
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            let error = Error::input("the decisions in this folder were written by a newer Recant").in_file(path);
            return Ok(Err(error.hint("install the newest Recant")));
        }
        if version == 0 {
            let change = connection.transaction()?;
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "user_version", VERSION)?;
            change.commit()?;
        } else if version == 1 {
            let change = connection.transaction()?;
            change.execute_batch("ALTER TABLE listed ADD COLUMN score REAL;")?;
            change.pragma_update(None, "user_version", VERSION)?;
            change.commit()?;
        }
        Ok(Ok(Self(Mutex::new(connection))))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a sheet is read.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn reading(&self, sheet: &str) -> Result<Reading> {
        let query = "SELECT options FROM reading WHERE sheet = ?1";
        let text: Option<String> = self.lock().query_row(query, [sheet], |row| row.get(0)).optional().map_err(fault)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// States how a sheet is read.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn set_reading(&self, sheet: &str, reading: &Reading) -> Result<()> {
        let query = "INSERT INTO reading (sheet, options) VALUES (?1, ?2) ON CONFLICT (sheet) DO UPDATE SET options = excluded.options";
        self.lock().execute(query, params![sheet, json(reading)?]).map_err(fault)?;
        Ok(())
    }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal(format!("what was said cannot be kept: {error}")))
}

/// Now, by the clock of the world.
fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn unusable(path: &Path, error: &rusqlite::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot use `{}`: {error}", path.display()))
        .hint("where it is damaged, move it away (the decisions in it with it) or restore it from a copy")
}

#[allow(clippy::needless_pass_by_value)]
fn fault(error: rusqlite::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the decisions in this folder cannot be read or written: {error}"),
    )
    .hint("see that the disk has room and that `.recant/app.sqlite` may be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layout of the first version, as it was written then.
    const FIRST: &str = "
CREATE TABLE reading (sheet TEXT PRIMARY KEY, options TEXT NOT NULL) STRICT;
CREATE TABLE work (
  id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL, state TEXT NOT NULL, made TEXT NOT NULL, began TEXT, ended TEXT,
  outcome TEXT, message TEXT, hint TEXT
) STRICT;
CREATE TABLE listed (
  list TEXT NOT NULL, sheet_row INTEGER NOT NULL, kind TEXT NOT NULL, given TEXT, likeliest TEXT, chance REAL, why TEXT, source TEXT NOT NULL,
  PRIMARY KEY (list, sheet_row)
) STRICT, WITHOUT ROWID;
CREATE TABLE batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT, list TEXT NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL, undone TEXT
) STRICT;
CREATE TABLE decision (
  id INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL REFERENCES batch (id), list TEXT NOT NULL, sheet_row INTEGER NOT NULL,
  verdict TEXT NOT NULL, label TEXT
) STRICT;
CREATE INDEX decision_of_row ON decision (list, sheet_row, id);
CREATE INDEX decision_of_batch ON decision (batch);
CREATE TABLE standing (
  list TEXT NOT NULL, sheet_row INTEGER NOT NULL, verdict TEXT NOT NULL, label TEXT, PRIMARY KEY (list, sheet_row)
) STRICT, WITHOUT ROWID;
INSERT INTO listed VALUES ('l', 2, 'suspect', 'late', 'early', 0.4, NULL, 'suspects'), ('l', 3, 'pattern', 'late', 'early', 0.9, '`Market` is LATAM', 'expand');
INSERT INTO batch VALUES (1, 'l', 'one row', 'ann', '2026-01-02T03:04:05Z', NULL);
INSERT INTO decision VALUES (1, 1, 'l', 3, 'wrong', 'early');
INSERT INTO standing VALUES ('l', 3, 'wrong', 'early');
PRAGMA user_version = 1;
";

    fn version(path: &Path) -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_file_of_the_first_version_keeps_its_decisions_and_can_be_gone_on_with() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let path = folder.own().unwrap().join(FILE);
        Connection::open(&path).unwrap().execute_batch(FIRST).unwrap();
        for _ in 0..2 {
            let store = Store::open(&folder).unwrap();
            let rows = store.rows("l", &View::default(), 0, 10).unwrap();
            let seen: Vec<_> = rows
                .iter()
                .map(|row| {
                    (
                        row.listed.sheet_row,
                        row.listed.chance,
                        row.listed.score,
                        row.verdict,
                        row.label.as_deref(),
                    )
                })
                .collect();
            assert_eq!(
                seen[..2],
                [
                    (3, Some(0.9), None, Verdict::Wrong, Some("early")),
                    (2, Some(0.4), None, Verdict::Open, None)
                ]
            );
            drop(store);
            assert_eq!(version(&path), VERSION);
        }
        let store = Store::open(&folder).unwrap();
        let suspect = Listed {
            sheet_row: 9,
            kind: "suspect".to_owned(),
            given: None,
            likeliest: None,
            chance: None,
            score: Some(0.7),
            why: None,
        };
        store.put_on_list("l", "suspects", &[suspect]).unwrap();
        assert_eq!(store.rows("l", &View::default(), 0, 10).unwrap()[2].listed.score, Some(0.7));
        assert_eq!(
            store.undo("l", "ben").unwrap().as_deref(),
            Some("one row"),
            "what was decided before can be undone"
        );
    }

    #[test]
    fn a_new_file_has_the_same_columns_as_one_brought_up_to_date() {
        let columns = |prepare: &dyn Fn(&Path)| {
            let place = tempfile::tempdir().unwrap();
            let folder = Folder::open(place.path()).unwrap();
            let path = folder.own().unwrap().join(FILE);
            prepare(&path);
            drop(Store::open(&folder).unwrap());
            let connection = Connection::open(&path).unwrap();
            let query =
                "SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, 2";
            let mut statement = connection.prepare(query).unwrap();
            let rows = statement.query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            });
            rows.unwrap().collect::<rusqlite::Result<Vec<_>>>().unwrap()
        };
        let old = columns(&|path| Connection::open(path).unwrap().execute_batch(FIRST).unwrap());
        assert_eq!(columns(&|_| {}), old);
        assert!(old.contains(&("listed".to_owned(), "score".to_owned(), "REAL".to_owned())));
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let path = folder.own().unwrap().join(FILE);
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        let error = Store::open(&folder).err().unwrap();
        assert!(error.to_string().contains("newer Recant"), "{error}");
        assert_eq!(version(&path), VERSION + 1);
    }
}
