//! Warnings: what was found, and what was done about it. Collected on the way, printed once, kept in records.

use serde::{Deserialize, Serialize};

use crate::visible;

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

    /// Adds a note unless the same one is there. Text from outside that it holds is made fit to show ([`crate::visible`]).
    pub fn add(&mut self, code: &str, found: impl Into<String>, done: impl Into<String>) {
        let note = Note {
            code: code.to_owned(),
            found: visible::line(&found.into()).into_owned(),
            done: visible::line(&done.into()).into_owned(),
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

    /// The notes for people: those of one code of which the same was done are one note.
    pub fn by_matter(&self) -> Vec<Note> {
        const SHOWN: usize = 6;
        let mut matters: Vec<(Note, usize)> = Vec::new();
        for note in &self.0 {
            match matters
                .iter_mut()
                .find(|(known, _)| known.code == note.code && known.done == note.done)
            {
                Some((known, count)) => {
                    *count += 1;
                    if *count <= SHOWN {
                        known.found = format!("{}; {}", known.found, note.found);
                    }
                }
                None => matters.push((note.clone(), 1)),
            }
        }
        let told = |(mut note, count): (Note, usize)| {
            if count > SHOWN {
                note.found = format!("{}; and {} more of the kind", note.found, count - SHOWN);
            }
            note
        };
        matters.into_iter().map(told).collect()
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

/// `1 row has`, `3 rows have`.
pub fn rows_have(count: usize) -> String {
    format!("{count} {}", if count == 1 { "row has" } else { "rows have" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_on_one_matter_are_one_note_for_people() {
        let mut notes = Notes::new();
        for column in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            notes.add("decimal-comma", format!("`{column}` has commas"), "read as decimals");
        }
        notes.add("decimal-comma", "`i` has commas", "read otherwise");
        let told: Vec<String> = notes.by_matter().into_iter().map(|note| note.found).collect();
        assert_eq!(told.len(), 2);
        assert!(
            told[0].starts_with("`a` has commas; `b` has commas;") && told[0].ends_with("and 2 more of the kind"),
            "{told:?}"
        );
        assert_eq!((rows_have(1), rows_have(2)), ("1 row has".to_owned(), "2 rows have".to_owned()));
    }
}
