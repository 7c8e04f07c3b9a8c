//! Workbooks as other programs and people make them: each means the same in every format, or the person is told.

mod long_numbers;
pub mod made;
mod rows;
mod unusual;

use std::path::Path;

use recant::error::Error;
use recant::notes::Notes;
use recant::tables::{ReadOptions, Table, read};

/// Writes the bytes under a name and reads them as a sheet.
fn try_read(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<(Table, Notes), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut notes = Notes::new();
    read(&path, options, &mut notes).map(|table| (table, notes))
}

#[track_caller]
fn table(name: &str, bytes: &[u8]) -> (Table, Notes) {
    try_read(name, bytes, &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error} {:?}", error.hint_text()))
}

#[track_caller]
fn refused(name: &str, bytes: &[u8]) -> String {
    match try_read(name, bytes, &ReadOptions::default()) {
        Ok(_) => panic!("{name} was read"),
        Err(error) => format!("{error} {}", error.hint_text().unwrap_or_default()),
    }
}

/// The cells of a column as they are shown; blank ones as nothing.
fn cells(table: &Table, column: &str) -> Vec<String> {
    (0..table.height())
        .map(|row| table.cell(row, column).unwrap().unwrap_or_default())
        .collect()
}

/// Row numbers as the person sees them.
fn rows(table: &Table) -> Vec<usize> {
    (0..table.height()).map(|row| table.row_number(row)).collect()
}

/// What was found, of a kind.
fn found(notes: &Notes, code: &str) -> String {
    notes
        .iter()
        .filter(|note| note.code == code)
        .map(|note| note.found.clone())
        .collect()
}

/// Options that leave hidden rows out.
fn visible_only() -> ReadOptions {
    ReadOptions {
        visible_only: true,
        ..ReadOptions::default()
    }
}

/// The fixture folder.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sheets").join(name)).unwrap()
}
