//! Warnings: what was found, and what was done about it. Collected on the way, printed once, kept in records.

use serde::{Deserialize, Serialize};

/// One thing the person should know. `found` says what; `done` says what Recant did about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A stable kebab-case name that scripts may match on, such as `mixed-dates`.
    pub code: String,
    /// What was found, with place and count, as a sentence.
    pub found: String,
    /// What was done about it, as a sentence.
    pub done: String,
}

/// A list of notes in the order they came up; a code with the same text is kept once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a note unless the same one is there.
    pub fn add(&mut self, code: &str, found: impl Into<String>, done: impl Into<String>) {
        let note = Note {
            code: code.to_owned(),
            found: found.into(),
            done: done.into(),
        };
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    /// Takes over all notes of another list.
    pub fn extend(&mut self, other: Notes) {
        for note in other.0 {
            if !self.0.contains(&note) {
                self.0.push(note);
            }
        }
    }

    /// Takes back the notes of a code, where what was found later shows them to be mistaken.
    pub fn drop(&mut self, code: &str) {
        self.0.retain(|note| note.code != code);
    }

    /// The notes, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Note> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a note of this code is there.
    pub fn has(&self, code: &str) -> bool {
        self.0.iter().any(|note| note.code == code)
    }
}
