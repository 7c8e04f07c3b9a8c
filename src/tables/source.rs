//! Where a table came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::dates::DateOrder;
use super::numbers::DecimalMark;

/// What kind of file a sheet was read from, decided by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Delimited text: comma, semicolon, tab or bar.
    Csv,
    /// Excel since 2007 (`.xlsx`, `.xlsm`).
    Xlsx,
    /// Excel 97 to 2003.
    Xls,
    /// Excel's binary workbook.
    Xlsb,
    /// OpenDocument (LibreOffice).
    Ods,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC (Feather).
    Arrow,
    /// Arrays of NumPy (`.npy`, `.npz`).
    Numpy,
    /// Made in memory, not read.
    Memory,
}

impl Format {
    /// The name a person knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "Excel workbook (.xlsx)",
            Self::Xls => "Excel 97-2003 workbook (.xls)",
            Self::Xlsb => "Excel binary workbook (.xlsb)",
            Self::Ods => "OpenDocument sheet (.ods)",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow file",
            Self::Numpy => "NumPy file",
            Self::Memory => "table in memory",
        }
    }
}

/// What the person says of how numbers and dates are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Writing {
    /// The mark between whole and fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<DecimalMark>,
    /// The order of day, month and year in dates written with numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
}

impl Writing {
    /// This, and where it says nothing what `other` says.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            decimal: self.decimal.or(other.decimal),
            dates: self.dates.or(other.dates),
        }
    }
}

/// The files that a sheet of several was read from, and which of them each row comes from.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) sources: Arc<[Source]>,
    pub(crate) of_row: Arc<[u32]>,
    /// How each file shows that it writes numbers and dates.
    pub(crate) shown: Arc<[Writing]>,
}

impl Files {
    /// The file that a row was read from.
    pub(crate) fn of(&self, row: usize) -> Option<&Source> {
        self.of_row.get(row).and_then(|place| self.sources.get(*place as usize))
    }

    /// Those of the given rows.
    pub(crate) fn take(&self, rows: &[u32]) -> Self {
        Self {
            sources: Arc::clone(&self.sources),
            of_row: rows.iter().map(|row| self.of_row[*row as usize]).collect(),
            shown: Arc::clone(&self.shown),
        }
    }
}

/// The file a table was read from, as found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The path as given. Not part of records: paths differ between machines.
    #[serde(skip)]
    pub path: PathBuf,
    /// The last part of the path.
    pub file_name: String,
    /// What it is by its content.
    pub format: Format,
    /// SHA-256 of the file's bytes, lower-case hex; empty for a table made in memory.
    pub sha256: String,
    /// The text encoding of a delimited file, by its WHATWG name (`UTF-8`, `windows-1252`, `UTF-16LE`, ...).
    pub encoding: Option<String>,
    /// Whether a delimited file began with a byte order mark.
    pub byte_order_mark: bool,
    /// The delimiter of a delimited file.
    pub delimiter: Option<u8>,
    /// Whether the lines of a delimited file end in CR LF, as Windows writes them.
    pub windows_lines: bool,
    /// Whether the file was packed with gzip.
    pub gzip: bool,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The row the column names stand in, as the person sees it (1 for a plain file).
    pub header_row: usize,
    /// What the person says of how numbers and dates are written.
    #[serde(default, skip_serializing_if = "nothing_said")]
    pub stated: Writing,
    /// Whether the workbook counts its days from 1904, as Excel for the Macintosh did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dates_from_1904: bool,
    /// By column: the unit or currency that the formats of a workbook show beside all its numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown_units: BTreeMap<String, String>,
    /// By column: the time zone that a Parquet or Arrow file names for its moments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<String, String>,
}

fn nothing_said(stated: &Writing) -> bool {
    *stated == Writing::default()
}

impl Source {
    /// A source of a given name with nothing else known.
    pub fn named(path: &Path, format: Format) -> Self {
        Self {
            path: path.to_path_buf(),
            file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            format,
            sha256: String::new(),
            encoding: None,
            byte_order_mark: false,
            delimiter: None,
            windows_lines: false,
            gzip: false,
            sheet: None,
            header_row: 1,
            stated: Writing::default(),
            dates_from_1904: false,
            shown_units: BTreeMap::new(),
            zones: BTreeMap::new(),
        }
    }
}
