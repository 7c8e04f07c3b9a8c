//! From a table to a file: delimited text, Excel or Parquet, whole or not at all, and never with a formula in it.

mod csv;
mod excel;
mod parquet;
mod typed;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::column::{CellView, Column};
use super::numbers::{self, DecimalMark};
use super::source::Format;
use super::table::Table;
use super::text;
use crate::error::{Error, Result};
use crate::files::{self, Existing};
use crate::notes::Notes;

/// How delimited text is written. The default is what every program reads: commas, UTF-8 (with a byte order mark where there is anything beyond ASCII,
/// or Excel garbles it), decimal points.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WriteOptions {
    /// The delimiter; a comma by default, a tab for `.tsv`.
    pub delimiter: Option<u8>,
    /// The encoding by its usual name; characters it lacks make the file UTF-8, with a note.
    pub encoding: Option<String>,
    /// Whether to begin with a byte order mark.
    pub byte_order_mark: Option<bool>,
    /// End lines in CR LF.
    pub windows_lines: bool,
    /// The decimal mark of typed numbers; texts stay as they are.
    pub decimal_mark: Option<DecimalMark>,
    /// In a workbook: texts that are all numbers, or all dates that leave no doubt, become such, and a column with any other text holds texts
    /// only. Without it only plain numbers do, cell by cell, so that every cell reads back as the text that it was.
    pub typed_columns: bool,
    /// In a workbook: a filter above every column.
    pub filter: bool,
    /// In a workbook: the texts to choose from in the cells of a column, by its name.
    pub choices: Vec<(String, Vec<String>)>,
    /// What happens to a file that is there already.
    #[serde(skip)]
    pub existing: Existing,
}

impl WriteOptions {
    /// The way a delimited file was written that the table came from; the default for tables from elsewhere.
    pub fn like(table: &Table) -> Self {
        let source = table.source();
        if source.format != Format::Csv {
            return Self::default();
        }
        Self {
            delimiter: source.delimiter,
            encoding: source.encoding.clone(),
            byte_order_mark: Some(source.byte_order_mark),
            windows_lines: source.windows_lines,
            // Where commas separate columns, decimal commas would need quotes that not every program understands.
            decimal_mark: if source.delimiter == Some(b',') {
                None
            } else {
                numbers::sheet_mark(table)
            },
            ..Self::default()
        }
    }

    /// For a file that people go on working with beside the sheet that the table came from: delimited text in the manner of that sheet, a
    /// workbook with one type a column and a filter.
    pub fn in_the_manner_of(table: &Table, out: &Path) -> Self {
        let mut options = Self {
            typed_columns: true,
            filter: true,
            // UTF-8 with its mark opens everywhere, and holds the names of all classes.
            encoding: None,
            byte_order_mark: None,
            ..Self::like(table)
        };
        if matches!(Ending::of(out), Ok(Ending::Delimited { tab: true, .. })) {
            options.delimiter = None;
        } else if options.delimiter == Some(b';') && options.decimal_mark.is_none() {
            // Semicolons separate columns where commas separate decimals.
            options.decimal_mark = Some(DecimalMark::Comma);
        }
        options
    }
}

impl Table {
    /// Writes the table in the format its name asks for: `.csv`, `.tsv`, `.txt` (each also with `.gz`), `.xlsx` or `.parquet`.
    ///
    /// Reading it back gives the same results from every accessor. In Excel and Parquet a plain number typed as text becomes a number.
    /// No cell becomes a formula: in Excel every text is of the text type; in delimited text a cell that a spreadsheet program would take for
    /// a formula gets an apostrophe in front, which [`super::read`] takes off again (plain numbers such as `-5` are left alone).
    /// Written whole or not at all; an existing file is replaced.
    ///
    /// # Errors
    /// For an unknown ending, a folder that cannot be written, a full disk; and where Excel cannot hold the table (rows, columns, length of a text).
    pub fn write(&self, path: &Path, notes: &mut Notes) -> Result<()> {
        self.write_with(path, &WriteOptions::default(), notes)
    }

    /// As [`Table::write`], for a file that a person named: what is there already is kept unless it is to be replaced.
    ///
    /// # Errors
    /// As [`Table::write`], and where the file exists and is to be kept.
    pub fn write_new(&self, path: &Path, existing: Existing, notes: &mut Notes) -> Result<()> {
        let options = WriteOptions {
            existing,
            ..WriteOptions::default()
        };
        self.write_with(path, &options, notes)
    }

    /// As [`Table::write`], with the delimiter, encoding and line ends of the delimited file that the table was read from.
    ///
    /// # Errors
    /// As [`Table::write`].
    pub fn write_like_source(&self, path: &Path, notes: &mut Notes) -> Result<()> {
        self.write_with(path, &WriteOptions::like(self), notes)
    }

    /// As [`Table::write`], with delimited text written as stated.
    ///
    /// # Errors
    /// As [`Table::write`], and for an unknown encoding.
    pub fn write_with(&self, path: &Path, options: &WriteOptions, notes: &mut Notes) -> Result<()> {
        let ending = Ending::of(path)?;
        if self.width() == 0 {
            return Err(Error::internal("a table without columns cannot be written"));
        }
        let put = |bytes: &[u8]| {
            files::write_file(path, options.existing, |writer| {
                writer.write_all(bytes).map_err(|error| Error::io("write", path, &error))
            })
        };
        let written = match ending {
            Ending::Delimited { tab, gzip } => {
                let plan = csv::Plan::new(self, options, tab, notes)?;
                files::write_file(path, options.existing, |writer| plan.write(self, writer, gzip, path))
            }
            Ending::Excel => {
                let bytes = excel::to_bytes(self, options)?;
                put(&bytes)
            }
            Ending::Parquet => {
                let bytes = parquet::to_bytes(self)?;
                put(&bytes)
            }
        };
        written.map_err(|error| error.in_file(path))
    }
}

/// The formats that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Delimited { tab: bool, gzip: bool },
    Excel,
    Parquet,
}

impl Ending {
    fn of(path: &Path) -> Result<Self> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let (stem, gzip) = match name.strip_suffix(".gz") {
            Some(stem) => (stem, true),
            None => (name.as_str(), false),
        };
        let ending = stem.rsplit_once('.').map_or("", |(_, ending)| ending);
        match (ending, gzip) {
            ("csv" | "txt", _) => Ok(Self::Delimited { tab: false, gzip }),
            ("tsv" | "tab", _) => Ok(Self::Delimited { tab: true, gzip }),
            ("xlsx", false) => Ok(Self::Excel),
            ("parquet" | "pq", false) => Ok(Self::Parquet),
            _ => {
                let what = if ending.is_empty() {
                    format!("`{name}` has no ending that says what to write")
                } else {
                    format!(
                        "files ending in `.{}` cannot be written",
                        if gzip { format!("{ending}.gz") } else { ending.to_owned() }
                    )
                };
                Err(Error::input(what).hint("use .csv, .csv.gz, .tsv, .xlsx or .parquet"))
            }
        }
    }
}

/// Whether [`Table::write`] knows the ending of a path; checked before long work whose result goes there.
///
/// # Errors
/// For an unknown ending, naming those there are.
pub fn check_writable_name(path: &Path) -> Result<()> {
    Ending::of(path).map(|_| ())
}

/// A text as the number that a person means by it, if it is a plain one whose spelling loses nothing: `957`, `-0.5`, `1.50`;
/// not `007`, `1e5`, `+3`, nor more digits than `digits`. `points` says whether the column's points are decimal points.
fn plain_number(typed: &str, points: bool, digits: usize) -> Option<f64> {
    let magnitude = typed.strip_prefix('-').unwrap_or(typed);
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((whole, fraction)) if points && !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (magnitude, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading || whole.len() + fraction.len() > digits || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let number: f64 = typed.parse().ok()?;
    (text::number_text(number) == text::canonical(typed)).then_some(number)
}

/// Whether the points in a column's texts are decimal points.
fn points_are_decimal(table: &Table, column: &Column) -> bool {
    numbers::mark_shown(table, column).is_none_or(|mark| mark == DecimalMark::Point)
}

/// A cell that holds a text, as the person sees it.
fn text_of<'a>(cell: &'a CellView<'a>) -> Option<&'a str> {
    match cell {
        CellView::Text(text) => Some(text),
        CellView::Error(error) => Some(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides_the_format() {
        for (name, known) in [
            ("a.csv", true),
            ("A.CSV.GZ", true),
            ("a.tsv", true),
            ("a.xlsx", true),
            ("a.parquet", true),
            ("a.xls", false),
            ("a", false),
            ("a.xlsx.gz", false),
        ] {
            assert_eq!(check_writable_name(Path::new(name)).is_ok(), known, "{name}");
        }
    }

    #[test]
    fn only_numbers_that_lose_nothing_are_typed() {
        for (typed, number) in [("957", 957.0), ("-0.5", -0.5), ("1.50", 1.5), ("0", 0.0), ("957.0", 957.0)] {
            assert_eq!(plain_number(typed, true, 15), Some(number), "{typed}");
        }
        for typed in ["007", "1e5", "+3", "", "-", "1.", ".5", "1234567890123456", "1,5", "a"] {
            assert_eq!(plain_number(typed, true, 15), None, "{typed}");
        }
        assert_eq!(plain_number("1.234", false, 15), None);
        assert_eq!(plain_number("-0", true, 15), Some(0.0));
    }
}
