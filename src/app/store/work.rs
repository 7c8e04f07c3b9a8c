//! Work: what was ordered, what runs, what came of it.

use rusqlite::{OptionalExtension, Row, params};

use super::{Store, fault, json, now};
use crate::app::work::Work;
use crate::error::{Error, Result};

/// Where a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum State {
    Waiting,
    Running,
    Done,
    Failed,
    Stopped,
    /// The app ended before it was done.
    BrokenOff,
}

impl State {
    const ALL: [State; 6] = [
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Stopped,
        Self::BrokenOff,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::BrokenOff => "broken-off",
        }
    }

    /// Whether something will still come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// A piece of work as it is kept.
#[derive(Debug, Clone)]
pub(in crate::app) struct WorkRow {
    pub id: i64,
    pub work: Work,
    pub state: State,
    pub made: String,
    pub began: Option<String>,
    pub ended: Option<String>,
    /// What a person is told, where it is done.
    pub outcome: Option<String>,
    /// What went wrong, and what to do.
    pub message: Option<String>,
    pub hint: Option<String>,
}

const COLUMNS: &str = "id, request, state, made, began, ended, outcome, message, hint";

fn read(row: &Row<'_>) -> rusqlite::Result<Option<WorkRow>> {
    let (request, state): (String, String) = (row.get(1)?, row.get(2)?);
    let state = State::ALL.into_iter().find(|known| known.name() == state);
    let work = serde_json::from_str(&request).ok();
    let (Some(state), Some(work)) = (state, work) else {
        return Ok(None);
    };
    Ok(Some(WorkRow {
        id: row.get(0)?,
        work,
        state,
        made: row.get(3)?,
        began: row.get(4)?,
        ended: row.get(5)?,
        outcome: row.get(6)?,
        message: row.get(7)?,
        hint: row.get(8)?,
    }))
}

impl Store {
    /// Orders a piece of work.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn order(&self, work: &Work) -> Result<i64> {
        let connection = self.lock();
        let query = "INSERT INTO work (request, state, made) VALUES (?1, ?2, ?3)";
        connection
            .execute(query, params![json(work)?, State::Waiting.name(), now()])
            .map_err(fault)?;
        Ok(connection.last_insert_rowid())
    }

    /// The next piece of work that waits, now running.
    ///
    /// # Errors
    /// As [`Store::order`].
    pub fn begin(&self) -> Result<Option<WorkRow>> {
        let connection = self.lock();
        let query = format!("SELECT {COLUMNS} FROM work WHERE state = 'waiting' ORDER BY id LIMIT 1");
        let next = connection
            .query_row(&query, [], |row| Ok((row.get::<_, i64>(0)?, read(row)?)))
            .optional()
            .map_err(fault)?;
        let Some((id, next)) = next else { return Ok(None) };
        let state = if next.is_some() { State::Running } else { State::Failed };
        let query = "UPDATE work SET state = ?2, began = ?3 WHERE id = ?1";
        connection.execute(query, params![id, state.name(), now()]).map_err(fault)?;
        Ok(next.map(|next| WorkRow { state, ..next }))
    }

    /// How a piece of work ended.
    ///
    /// # Errors
    /// As [`Store::order`].
    pub fn end(&self, id: i64, state: State, outcome: Option<&str>, error: Option<&Error>) -> Result<()> {
        let query = "UPDATE work SET state = ?2, ended = ?3, outcome = ?4, message = ?5, hint = ?6 WHERE id = ?1";
        let (message, hint) = (error.map(ToString::to_string), error.and_then(Error::hint_text));
        let values = params![id, state.name(), now(), outcome, message, hint];
        self.lock().execute(query, values).map_err(fault)?;
        Ok(())
    }

    /// Takes a piece of work out of the queue; whether it still waited.
    ///
    /// # Errors
    /// As [`Store::order`].
    pub fn withdraw(&self, id: i64) -> Result<bool> {
        let query = "UPDATE work SET state = ?2, ended = ?3 WHERE id = ?1 AND state = 'waiting'";
        let changed = self
            .lock()
            .execute(query, params![id, State::Stopped.name(), now()])
            .map_err(fault)?;
        Ok(changed > 0)
    }

    /// Work that an app before this one did not finish will not go on by itself.
    ///
    /// # Errors
    /// As [`Store::order`].
    pub fn break_off(&self) -> Result<()> {
        let query = "UPDATE work SET state = ?1, ended = ?2 WHERE state IN ('waiting', 'running')";
        self.lock().execute(query, params![State::BrokenOff.name(), now()]).map_err(fault)?;
        Ok(())
    }

    /// A piece of work.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn work(&self, id: i64) -> Result<Option<WorkRow>> {
        let query = format!("SELECT {COLUMNS} FROM work WHERE id = ?1");
        let found = self.lock().query_row(&query, [id], read).optional().map_err(fault)?;
        Ok(found.flatten())
    }

    /// The newest pieces of work, newest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn latest_work(&self, most: usize) -> Result<Vec<WorkRow>> {
        let connection = self.lock();
        let query = format!("SELECT {COLUMNS} FROM work ORDER BY id DESC LIMIT {most}");
        let mut statement = connection.prepare(&query).map_err(fault)?;
        let rows = statement.query_map([], read).map_err(fault)?;
        let rows: rusqlite::Result<Vec<Option<WorkRow>>> = rows.collect();
        Ok(rows.map_err(fault)?.into_iter().flatten().collect())
    }
}
