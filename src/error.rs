//! One error type for everything a person can run into: what went wrong, where, and a hint they can paste.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::visible;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of trouble it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The person's input or arguments cannot be used (exit code 2).
    Input,
    /// A file or folder could not be read or written (exit code 2).
    Io,
    /// The person stopped the run (exit code 130).
    Interrupted,
    /// A fault of Recant itself (exit code 70).
    Internal,
}

/// Cause, offending file, sheet, row and column, and a hint. Boxed so that `Result`s stay small.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    file: Option<PathBuf>,
    sheet: Option<String>,
    row: Option<usize>,
    column: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// An error of a given kind; `message` is one sentence without a full stop, naming the offending value in backticks.
    /// Text from outside that it holds is made fit to show ([`crate::visible`]).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: visible::line(&message.into()).into_owned(),
            file: None,
            sheet: None,
            row: None,
            column: None,
            hint: None,
        }))
    }

    /// Input that cannot be used.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// Input that cannot be used, told in several lines, such as a picture that points at the place. Each line is made fit to show by itself.
    pub fn input_in_lines(lines: &[String]) -> Self {
        let mut error = Self::input("");
        error.0.message = lines.iter().map(|line| visible::line(line)).collect::<Vec<_>>().join("\n");
        error
    }

    /// A fault of our own; the message says which invariant broke.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message).hint("this is a fault in Recant: please report it with the command you ran")
    }

    /// A failed read or write, in words a person understands.
    pub fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let (reason, hint) = match error.kind() {
            _ if is_held(error) => (
                "another program has it open".to_owned(),
                Some("close it there (in Excel, say) and try again"),
            ),
            Io::NotFound => (
                "no such file or folder".to_owned(),
                Some("check the spelling, or drag the file into the terminal to paste its path"),
            ),
            Io::PermissionDenied => (
                "permission denied".to_owned(),
                Some(if is_reading(action) {
                    "ask its owner for access, or copy it to a folder of your own; a file that Excel has open may need to be closed first"
                } else if cfg!(windows) {
                    "close it where it is open (in Excel, say), choose another folder with `--out`, or ask for access"
                } else {
                    "choose another folder with `--out`, or ask for access"
                }),
            ),
            Io::StorageFull => (
                "the disk is full".to_owned(),
                Some("free some space or choose another disk with `--out`"),
            ),
            Io::QuotaExceeded => (
                "your share of the disk is used up".to_owned(),
                Some("free some space or choose another disk with `--out`"),
            ),
            Io::FileTooLarge => (
                "the file grew larger than this disk or a limit of this session allows".to_owned(),
                Some("choose another disk with `--out`, or lift the limit (`ulimit -f unlimited`)"),
            ),
            Io::ReadOnlyFilesystem => ("the disk is read-only".to_owned(), Some("choose another folder with `--out`")),
            Io::IsADirectory => ("it is a folder, not a file".to_owned(), Some("name a file in it")),
            Io::NotADirectory => (
                "a part of the path is a file, not a folder".to_owned(),
                Some("check the folders in the path"),
            ),
            _ => (error.to_string(), None),
        };
        let built = Self::new(ErrorKind::Io, format!("cannot {action} `{}`: {reason}", path.display()));
        match hint {
            Some(hint) => built.hint(hint),
            None => built,
        }
    }

    /// Names the file at fault (shown after the message unless the message names it already).
    #[must_use]
    pub fn in_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.file.get_or_insert(file.into());
        self
    }

    /// Names the sheet of a workbook.
    #[must_use]
    pub fn in_sheet(mut self, sheet: impl Into<String>) -> Self {
        self.0.sheet.get_or_insert(sheet.into());
        self
    }

    /// Names the row as the person sees it in the sheet (the header line of a plain CSV is row 1).
    #[must_use]
    pub fn at_row(mut self, row: usize) -> Self {
        self.0.row.get_or_insert(row);
        self
    }

    /// Names the column.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.0.column.get_or_insert(column.into());
        self
    }

    /// Adds what the person can do about it; the first hint given wins.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| visible::line(&hint.into()).into_owned());
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The one-sentence cause, without place or hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The hint, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The file at fault, where known.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The sheet of a workbook, where known.
    pub fn sheet(&self) -> Option<&str> {
        self.0.sheet.as_deref()
    }

    /// The row as the person sees it in the sheet, where known.
    pub fn row(&self) -> Option<usize> {
        self.0.row
    }

    /// The column, where known.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// `orders.csv, sheet "Q1", row 17, column "Late"`, or `None` where no place is known.
    pub fn place(&self) -> Option<String> {
        let inner = &self.0;
        let mut parts = Vec::new();
        if let Some(file) = &inner.file {
            parts.push(visible::line(&file.display().to_string()).into_owned());
        }
        if let Some(sheet) = &inner.sheet {
            parts.push(format!("sheet \"{}\"", visible::line(sheet)));
        }
        if let Some(row) = inner.row {
            parts.push(format!("row {row}"));
        }
        if let Some(column) = &inner.column {
            parts.push(format!("column \"{}\"", visible::line(column)));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The process exit code that belongs to this error.
    pub fn exit_code(&self) -> u8 {
        match self.0.kind {
            ErrorKind::Input | ErrorKind::Io => 2,
            ErrorKind::Interrupted => 130,
            ErrorKind::Internal => 70,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(place) = self.place() {
            write!(f, " (in {place})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Whether Windows refuses a file because another program holds it (a sharing or a lock violation).
fn is_held(error: &std::io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}

/// Whether an action of [`Error::io`] leaves the file as it is.
fn is_reading(action: &str) -> bool {
    ["read", "open", "look", "list"].iter().any(|word| action.starts_with(word))
}

/// The closest of `candidates` to `wanted`, for "did you mean" hints; `None` where nothing is near.
pub fn closest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.trim().to_lowercase().replace(['_', '-', ' '], "");
    let wanted = fold(wanted);
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &fold(candidate)), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_cause_place_and_hint() {
        let error = Error::input("`abc` is not a date")
            .in_file("orders.csv")
            .at_row(17)
            .in_column("shipped")
            .hint("use 2018-01-31");
        assert_eq!(error.to_string(), "`abc` is not a date (in orders.csv, row 17, column \"shipped\")");
        assert_eq!(error.hint_text(), Some("use 2018-01-31"));
        assert_eq!((error.file(), error.sheet()), (Some(Path::new("orders.csv")), None));
        assert_eq!((error.row(), error.column()), (Some(17), Some("shipped")));
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn the_closest_name_ignores_case_and_separators() {
        assert_eq!(closest("delivery_status", ["Delivery Status", "Market"]), Some("Delivery Status"));
        assert_eq!(closest("Marcket", ["Delivery Status", "Market"]), Some("Market"));
        assert_eq!(closest("zzz", ["Delivery Status", "Market"]), None);
    }
}
