//! Which rows a person says are wrong: reading flag files, and finding their rows again in what a model was trained on.
//!
//! [`read`] takes every form to a [`FlagFile`]; [`resolve`] matches that with a [`RowIndex`], which a sheet or a model folder provides,
//! so that no training data is needed for it. What cannot be used is ignored with its reason, never dropped
//! silently; what could mean two things is an error that lists the options to choose from.

mod alike;
mod columns;
mod corrected;
mod find;
mod index;
mod keys;
mod labels;
mod mask;
mod names;
mod numbering;
mod read;
mod resolve;
mod rounded;
mod verdicts;

use std::collections::BTreeSet;

pub use corrected::find_corrected;
pub use find::{FlagPlace, FlagSource, find};
pub use index::{Part, RowEntry, RowIndex};
pub use keys::{KeyHash, SALT_BYTES, hash_key};
pub use labels::{LabelCodes, parse_codes};
pub use numbering::Numbering;
pub use read::{FlagOptions, ReadFlags, from_table, read};
pub use resolve::{FlagCounts, Ignored, LookedUp, ResolvedFlag, ResolvedFlags, resolve};

/// A flag file, read but not yet matched with the rows of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct FlagFile {
    /// File name, without folders.
    pub file: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// How rows are named in it.
    pub addressing: Addressing,
    /// The flagged rows, in the order of the file. Rows that the file lists as fine are not among them.
    pub flags: Vec<Flag>,
    /// The lines that are listed but not flagged, with their given labels: they show whether the rows are those of the sheet.
    pub fine: Vec<Flag>,
    /// Names that the file lists both as flagged and as fine.
    pub contradicted: BTreeSet<String>,
    /// The column of scores that the lines are sorted by, where they are.
    pub sorted_by: Option<String>,
    /// What labels that are numbers mean, where that was stated.
    pub label_codes: Option<LabelCodes>,
    /// Whether given labels were computed from columns of the sheet that the file has, and nothing says which lines are wrong: then the file may
    /// be a corrected part of the sheet, whose right rows are not to be flagged.
    pub perhaps_corrected: bool,
    /// Whether keys that differ only in leading zeros, `.0`, spaces or case count as the same.
    pub loose_keys: bool,
}

/// How a flag file names rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressing {
    /// By the model's key column.
    Key {
        /// Name of the column in the flag file.
        column: String,
    },
    /// By the model's group column: a flag names every row of the group.
    Group {
        /// Name of the column in the flag file.
        column: String,
    },
    /// By row number.
    RowNumbers {
        /// Where counting starts, if that was stated.
        numbering: Option<Numbering>,
    },
    /// The file has one line for each row of the sheet, in its order.
    LineByLine {
        /// Lines in the file.
        lines: usize,
    },
}

/// One flagged row as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flag {
    /// Key or row number as written; for [`Addressing::LineByLine`] the line's index, from 0.
    pub name: String,
    /// Row of the flag file as the person sees it.
    pub line: usize,
    /// Index of the line in the flag file's table, for its other columns; `None` for a first line that turned out to be no header.
    pub table_row: Option<usize>,
    /// The label that the row is said to have.
    pub given: Option<String>,
    /// The label that the row should have.
    pub correct: Option<String>,
}
