//! Rows under suspicion and what a person decides about them. Every decision is a row that stays; undoing one is told, not erased.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Store, fault, now};
use crate::error::Result;

/// A row that something or somebody points at.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) struct Listed {
    /// Its number in the sheet.
    pub sheet_row: i64,
    /// flagged, pattern, doubtful, contradiction, suspect.
    pub kind: String,
    /// The label that it has.
    pub given: Option<String>,
    /// The label that it should probably have.
    pub likeliest: Option<String>,
    /// Chance that its label is wrong.
    pub chance: Option<f64>,
    /// Of a suspect how much its label is doubted: it ranks, and is no chance.
    pub score: Option<f64>,
    /// The rule or contradiction, in words.
    pub why: Option<String>,
}

/// What a person says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Verdict {
    Wrong,
    Right,
    /// Nothing (any more).
    Open,
}

impl Verdict {
    pub const ALL: [Verdict; 3] = [Self::Wrong, Self::Right, Self::Open];

    pub fn name(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Right => "right",
            Self::Open => "open",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// A decision on one row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) struct Decision {
    pub sheet_row: i64,
    pub verdict: Verdict,
    /// The correct label, where the person says one.
    pub label: Option<String>,
}

/// Decisions made in one go.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) struct Batch {
    pub id: i64,
    pub what: String,
    pub who: String,
    pub at: String,
    pub rows: i64,
    pub undone: Option<String>,
}

/// A row of a list with what stands of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) struct Decided {
    pub listed: Listed,
    pub verdict: Verdict,
    pub label: Option<String>,
}

/// Which rows of a list are looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::app) struct View {
    pub kind: Option<String>,
    pub why: Option<String>,
    pub verdict: Option<Verdict>,
}

/// Rows of a list by kind, reason and verdict.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) struct Counts {
    pub kind: String,
    pub why: Option<String>,
    /// Mean chance that a label is wrong, of the rows that have one.
    pub chance: Option<f64>,
    pub wrong: i64,
    pub right: i64,
    pub open: i64,
}

const FROM: &str = "FROM listed LEFT JOIN standing USING (list, sheet_row) \
                    WHERE list = ?1 AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR why IS ?3) AND (?4 IS NULL OR coalesce(verdict, 'open') = ?4)";

impl Store {
    /// Puts rows on a list. A row that is there keeps its place unless it was flagged; rows that a file flags are decided to be wrong.
    ///
    /// # Errors
    /// Where the file cannot be written; then nothing is.
    pub fn put_on_list(&self, list: &str, from: &str, rows: &[Listed]) -> Result<()> {
        let mut connection = self.lock();
        let change = connection.transaction().map_err(fault)?;
        insert(&change, list, from, rows).map_err(fault)?;
        change.commit().map_err(fault)
    }

    /// Decides about rows in one go; on the disk when this returns. Rows that are on no list are put there.
    ///
    /// # Errors
    /// As [`Store::put_on_list`].
    pub fn decide(&self, list: &str, what: &str, who: &str, decisions: &[Decision], new: &[Listed]) -> Result<()> {
        let mut connection = self.lock();
        let change = connection.transaction().map_err(fault)?;
        insert(&change, list, what, new).map_err(fault)?;
        add(&change, list, what, who, decisions).map_err(fault)?;
        change.commit().map_err(fault)
    }

    /// Takes back the last decisions that stand; what they were.
    ///
    /// # Errors
    /// As [`Store::put_on_list`].
    pub fn undo(&self, list: &str, who: &str) -> Result<Option<String>> {
        let mut connection = self.lock();
        let change = connection.transaction().map_err(fault)?;
        let undone = take_back(&change, list, who).map_err(fault)?;
        change.commit().map_err(fault)?;
        Ok(undone)
    }

    /// Rows of a list, the likeliest wrong first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn rows(&self, list: &str, view: &View, from: i64, most: i64) -> Result<Vec<Decided>> {
        let query = format!(
            "SELECT sheet_row, kind, given, likeliest, chance, why, verdict, label, score {FROM} \
             ORDER BY kind <> 'flagged', chance IS NULL, chance DESC, score IS NULL, score DESC, sheet_row LIMIT ?5 OFFSET ?6"
        );
        let connection = self.lock();
        let mut statement = connection.prepare(&query).map_err(fault)?;
        let verdict = view.verdict.map(Verdict::name);
        let rows = statement
            .query_map(params![list, view.kind, view.why, verdict, most, from], |row| {
                Ok(Decided {
                    listed: Listed {
                        sheet_row: row.get(0)?,
                        kind: row.get(1)?,
                        given: row.get(2)?,
                        likeliest: row.get(3)?,
                        chance: row.get(4)?,
                        why: row.get(5)?,
                        score: row.get(8)?,
                    },
                    verdict: row
                        .get::<_, Option<String>>(6)?
                        .and_then(|name| Verdict::of_name(&name))
                        .unwrap_or(Verdict::Open),
                    label: row.get(7)?,
                })
            })
            .map_err(fault)?;
        rows.collect::<rusqlite::Result<Vec<_>>>().map_err(fault)
    }

    /// How many rows of a list are looked at.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn count(&self, list: &str, view: &View) -> Result<i64> {
        let query = format!("SELECT count(*) {FROM}");
        let verdict = view.verdict.map(Verdict::name);
        let values = params![list, view.kind, view.why, verdict];
        self.lock().query_row(&query, values, |row| row.get(0)).map_err(fault)
    }

    /// The rows of a list counted, by kind and reason.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn counts(&self, list: &str) -> Result<Vec<Counts>> {
        let query = "SELECT kind, CASE WHEN kind IN ('suspect', 'flagged', 'ticked') THEN NULL ELSE why END AS reason, \
                     sum(coalesce(verdict, 'open') = 'wrong'), sum(coalesce(verdict, 'open') = 'right'), sum(coalesce(verdict, 'open') = 'open'), avg(chance) \
                     FROM listed LEFT JOIN standing USING (list, sheet_row) WHERE list = ?1 GROUP BY kind, reason ORDER BY count(*) DESC";
        let connection = self.lock();
        let mut statement = connection.prepare(query).map_err(fault)?;
        let rows = statement
            .query_map([list], |row| {
                Ok(Counts {
                    kind: row.get(0)?,
                    why: row.get(1)?,
                    wrong: row.get(2)?,
                    right: row.get(3)?,
                    open: row.get(4)?,
                    chance: row.get(5)?,
                })
            })
            .map_err(fault)?;
        rows.collect::<rusqlite::Result<Vec<_>>>().map_err(fault)
    }

    /// What stands of one row.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn standing(&self, list: &str, sheet_row: i64) -> Result<Option<Verdict>> {
        let query = "SELECT verdict FROM standing WHERE list = ?1 AND sheet_row = ?2";
        let name: Option<String> = self
            .lock()
            .query_row(query, params![list, sheet_row], |row| row.get(0))
            .optional()
            .map_err(fault)?;
        Ok(name.and_then(|name| Verdict::of_name(&name)))
    }

    /// The decisions of a list, the latest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn history(&self, list: &str, most: i64) -> Result<Vec<Batch>> {
        let query = "SELECT id, what, who, at, undone, (SELECT count(*) FROM decision WHERE batch = batch.id) FROM batch WHERE list = ?1 \
                     ORDER BY id DESC LIMIT ?2";
        let connection = self.lock();
        let mut statement = connection.prepare(query).map_err(fault)?;
        let rows = statement
            .query_map(params![list, most], |row| {
                Ok(Batch {
                    id: row.get(0)?,
                    what: row.get(1)?,
                    who: row.get(2)?,
                    at: row.get(3)?,
                    undone: row.get(4)?,
                    rows: row.get(5)?,
                })
            })
            .map_err(fault)?;
        rows.collect::<rusqlite::Result<Vec<_>>>().map_err(fault)
    }
}

fn insert(change: &Transaction<'_>, list: &str, from: &str, rows: &[Listed]) -> rusqlite::Result<()> {
    let query = "INSERT INTO listed (list, sheet_row, kind, given, likeliest, chance, why, source, score) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
                 ON CONFLICT (list, sheet_row) DO UPDATE SET \
                 kind = CASE WHEN kind = 'flagged' OR excluded.kind = 'ticked' THEN kind ELSE excluded.kind END, \
                 likeliest = coalesce(excluded.likeliest, likeliest), chance = coalesce(excluded.chance, chance), \
                 score = coalesce(excluded.score, score), \
                 why = coalesce(excluded.why, why), source = excluded.source";
    let mut statement = change.prepare(query)?;
    for row in rows {
        statement.execute(params![
            list,
            row.sheet_row,
            row.kind,
            row.given,
            row.likeliest,
            row.chance,
            row.why,
            from,
            row.score
        ])?;
    }
    Ok(())
}

fn add(change: &Transaction<'_>, list: &str, what: &str, who: &str, decisions: &[Decision]) -> rusqlite::Result<()> {
    change.execute(
        "INSERT INTO batch (list, what, who, at) VALUES (?1, ?2, ?3, ?4)",
        params![list, what, who, now()],
    )?;
    let batch = change.last_insert_rowid();
    let mut kept = change.prepare("INSERT INTO decision (batch, list, sheet_row, verdict, label) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut stands = change.prepare(
        "INSERT INTO standing (list, sheet_row, verdict, label) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (list, sheet_row) DO UPDATE SET verdict = excluded.verdict, label = excluded.label",
    )?;
    for decision in decisions {
        let verdict = decision.verdict.name();
        kept.execute(params![batch, list, decision.sheet_row, verdict, decision.label])?;
        stands.execute(params![list, decision.sheet_row, verdict, decision.label])?;
    }
    Ok(())
}

fn take_back(change: &Connection, list: &str, who: &str) -> rusqlite::Result<Option<String>> {
    let query = "SELECT id, what FROM batch WHERE list = ?1 AND undone IS NULL ORDER BY id DESC LIMIT 1";
    let last: Option<(i64, String)> = change.query_row(query, [list], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((batch, what)) = last else { return Ok(None) };
    change.execute(
        "UPDATE batch SET undone = ?2 WHERE id = ?1",
        params![batch, format!("{} by {who}", now())],
    )?;
    // What stood before stands again: the latest decision on each row that was not taken back.
    change.execute(
        "DELETE FROM standing WHERE list = ?1 AND sheet_row IN (SELECT sheet_row FROM decision WHERE batch = ?2)",
        params![list, batch],
    )?;
    change.execute(
        "INSERT INTO standing (list, sheet_row, verdict, label) \
         SELECT list, sheet_row, verdict, label FROM decision WHERE id IN ( \
           SELECT max(decision.id) FROM decision JOIN batch ON batch.id = decision.batch \
           WHERE decision.list = ?1 AND batch.undone IS NULL \
             AND decision.sheet_row IN (SELECT sheet_row FROM decision WHERE batch = ?2) \
           GROUP BY decision.sheet_row)",
        params![list, batch],
    )?;
    Ok(Some(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::folder::Folder;

    fn row(sheet_row: i64, kind: &str, chance: f64) -> Listed {
        Listed {
            sheet_row,
            kind: kind.to_owned(),
            given: Some("late".to_owned()),
            likeliest: Some("early".to_owned()),
            chance: Some(chance),
            score: None,
            why: Some("`Market` is LATAM".to_owned()),
        }
    }

    fn say(sheet_row: i64, verdict: Verdict) -> Decision {
        Decision {
            sheet_row,
            verdict,
            label: None,
        }
    }

    #[test]
    fn decisions_stand_can_be_undone_and_outlive_the_program() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let store = Store::open(&folder).unwrap();
        store
            .put_on_list(
                "l",
                "suspects",
                &[row(2, "suspect", 0.5), row(3, "suspect", 0.9), row(4, "pattern", 0.7)],
            )
            .unwrap();
        let all = View::default();
        let order = |store: &Store| {
            store
                .rows("l", &all, 0, 10)
                .unwrap()
                .iter()
                .map(|row| row.listed.sheet_row)
                .collect::<Vec<_>>()
        };
        assert_eq!(order(&store), [3, 4, 2]);
        store
            .decide("l", "two rows", "ann", &[say(3, Verdict::Wrong), say(4, Verdict::Wrong)], &[])
            .unwrap();
        store.decide("l", "one row", "ben", &[say(3, Verdict::Right)], &[]).unwrap();
        store
            .decide("l", "ticked", "ben", &[say(9, Verdict::Wrong)], &[row(9, "ticked", 0.1)])
            .unwrap();
        drop(store);
        let store = Store::open(&folder).unwrap();
        let of = |verdict| {
            store
                .count(
                    "l",
                    &View {
                        verdict: Some(verdict),
                        ..View::default()
                    },
                )
                .unwrap()
        };
        assert_eq!((of(Verdict::Wrong), of(Verdict::Right), of(Verdict::Open)), (2, 1, 1));
        assert_eq!(store.undo("l", "ann").unwrap().as_deref(), Some("ticked"));
        assert_eq!(store.undo("l", "ann").unwrap().as_deref(), Some("one row"));
        assert_eq!(
            store.standing("l", 3).unwrap(),
            Some(Verdict::Wrong),
            "what stood before stands again"
        );
        assert_eq!(store.undo("l", "ann").unwrap().as_deref(), Some("two rows"));
        assert_eq!(store.undo("l", "ann").unwrap(), None);
        assert_eq!((of(Verdict::Wrong), of(Verdict::Right), of(Verdict::Open)), (0, 0, 4));
        let history = store.history("l", 10).unwrap();
        assert!(
            history.len() == 3 && history.iter().all(|batch| batch.undone.is_some()),
            "nothing is erased"
        );
        assert_eq!(store.rows("other", &all, 0, 10).unwrap(), []);
    }

    #[test]
    fn suspects_without_a_chance_are_listed_by_their_score_after_rows_with_one() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(&Folder::open(place.path()).unwrap()).unwrap();
        let suspect = |sheet_row, score| Listed {
            chance: None,
            score: Some(score),
            ..row(sheet_row, "suspect", 0.0)
        };
        store
            .put_on_list("l", "suspects", &[suspect(2, 0.4), suspect(3, 0.9), row(4, "pattern", 0.6)])
            .unwrap();
        let rows = store.rows("l", &View::default(), 0, 10).unwrap();
        let order: Vec<i64> = rows.iter().map(|row| row.listed.sheet_row).collect();
        assert_eq!(order, [4, 3, 2]);
        assert_eq!(rows[1].listed.score, Some(0.9));
    }

    #[test]
    fn a_flagged_row_stays_flagged_and_learns_what_is_likely() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(&Folder::open(place.path()).unwrap()).unwrap();
        let flagged = Listed {
            likeliest: None,
            chance: None,
            why: None,
            ..row(2, "flagged", 0.0)
        };
        store.put_on_list("l", "flags.csv", &[flagged]).unwrap();
        store.put_on_list("l", "suspects", &[row(2, "suspect", 0.5)]).unwrap();
        let rows = store.rows("l", &View::default(), 0, 10).unwrap();
        assert_eq!(
            (rows[0].listed.kind.as_str(), rows[0].listed.likeliest.as_deref()),
            ("flagged", Some("early"))
        );
        let counts = store.counts("l").unwrap();
        assert_eq!((counts.len(), counts[0].open), (1, 1));
    }
}
