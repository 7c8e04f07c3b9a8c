//! From the cells of a sheet to a table: header, merged cells, hidden rows, blank rows and columns.

use calamine::Dimensions;

use super::super::cells::{Cell, Cells};
use super::super::column::CellView;
use super::super::header::{self, LOOK_AT_ROWS, TopRow, counted};
use super::super::marks::Marks;
use super::super::read::{ReadOptions, note_header};
use super::super::source::Source;
use super::super::table::{RowNumbers, Table};
use super::super::text;
use super::super::words_of_totals::is_total;
use super::grid::Grid;
use super::{long_numbers, long_times, shown_units};
use crate::error::{Error, Result};
use crate::notes::Notes;

pub(super) fn assemble(grid: Grid, marks: &Marks, options: &ReadOptions, mut source: Source, notes: &mut Notes) -> Result<Table> {
    let height = grid.rows.len();
    let places: Vec<u32> = grid.columns.keys().copied().collect();
    let mut columns: Vec<Cells> = grid
        .columns
        .into_values()
        .map(|mut builder| {
            builder.pad(height);
            builder.finish()
        })
        .collect();
    if height == 0 && grid.formulas.unanswered > 0 {
        return Err(Error::input("the sheet holds nothing but formulas without stored results")
            .hint("open the file in Excel and save it, then read it again"));
    }
    if height == 0 {
        return Err(Error::input("the sheet is empty").hint("name another sheet of the workbook"));
    }
    grid.formulas.note(&source.file_name, notes);
    let is_hidden: Vec<bool> = grid.rows.iter().map(|row| marks.hidden.binary_search(&(row - 1)).is_ok()).collect();
    let is_out = |row: usize| options.visible_only && is_hidden.get(row).copied().unwrap_or(false);
    let (top_places, top) = top_rows(&columns, &grid.rows, is_out);
    if top.is_empty() {
        return Err(Error::input("all rows of the sheet are hidden").hint("leave `--visible-only` out"));
    }
    let header = header::find(&top, options.header_row)?;
    note_header(&top, &header, &source.file_name, options, notes);
    let first = top_places[header.first];
    let head = top_places[header.last];
    fill_merged(&mut columns, &places, &grid.rows, first, &marks.merged, notes);
    let names_row: Vec<String> = if header.first < header.last {
        header.cells
    } else {
        columns.iter().map(|cells| shown(cells, head)).collect()
    };
    let hidden_below = (head + 1..height).filter(|row| is_hidden[*row]).collect::<Vec<_>>();
    note_hidden(
        &hidden_below,
        &grid.rows,
        marks.filtered,
        options.visible_only,
        &source.file_name,
        notes,
    );
    let mut kept_names = Vec::new();
    let mut kept = Vec::new();
    let mut dropped = 0;
    for ((mut cells, place), name) in columns.into_iter().zip(&places).zip(names_row) {
        let mut row = 0;
        cells.cells.retain(|_| {
            row += 1;
            row - 1 > head && !is_out(row - 1)
        });
        if text::trimmed(&name).is_empty() && cells.cells.iter().all(|cell| is_blank(&cells, cell)) {
            dropped += 1;
            continue;
        }
        kept_names.push((*place as usize, name));
        kept.push(cells);
    }
    if dropped > 0 {
        notes.add(
            "trailing-blank",
            format!("{} without name or content", counted(dropped, "column")),
            "left out",
        );
    }
    source.header_row = grid.rows[head] as usize;
    let names = header::names(&kept_names, &source.file_name, notes);
    note_errors(grid.errors, grid.first_error, &source.file_name, notes);
    for ((place, _), name) in kept_names.iter().zip(&names) {
        if let Some(units) = u32::try_from(*place).ok().and_then(|place| marks.units.get(&place)) {
            shown_units::note(name, units, &source.file_name, notes);
            source
                .shown_units
                .extend(shown_units::of_column(units).map(|unit| (name.clone(), unit)));
        }
    }
    let rows = (head + 1..height).filter(|row| !is_out(*row)).map(|row| grid.rows[row]).collect();
    let rows = drop_blank_rows(&mut kept, rows);
    long_numbers::mark_rounded(&mut kept, &names, &rows, &source.file_name, notes);
    long_times::as_durations(&mut kept, &names, &rows, source.dates_from_1904, notes);
    let height = rows.len();
    let columns = kept.into_iter().map(Cells::into_column).collect();
    Table::assemble(source, names, columns, height, RowNumbers::Listed(rows.into()))
}

/// The first rows that are not left out, and their places.
fn top_rows(columns: &[Cells], rows: &[u32], is_out: impl Fn(usize) -> bool) -> (Vec<usize>, Vec<TopRow>) {
    let top = (0..rows.len()).filter(|row| !is_out(*row)).take(LOOK_AT_ROWS).map(|row| {
        let cells = columns.iter().map(|cells| shown(cells, row)).collect();
        let number = rows[row] as usize;
        (row, TopRow { row: number, cells })
    });
    top.unzip()
}

fn shown(cells: &Cells, row: usize) -> String {
    match cells.cells.get(row) {
        Some(Cell::Text(code)) => cells.text(*code).to_owned(),
        Some(Cell::Number(number)) => text::number_text(*number),
        Some(Cell::Integer(number)) => number.to_string(),
        Some(Cell::Date(micros)) => text::date_text(*micros),
        Some(Cell::Bool(truth)) => CellView::Bool(*truth).shown().unwrap_or_default().into_owned(),
        Some(Cell::Error(error)) => (*error).to_owned(),
        Some(Cell::Blank) | None => String::new(),
    }
}

/// Says that rows are hidden, and what was done with them.
fn note_hidden(hidden: &[usize], rows: &[u32], filtered: bool, visible_only: bool, file_name: &str, notes: &mut Notes) {
    let Some(first) = hidden.first().and_then(|row| rows.get(*row)) else {
        return;
    };
    let how = if filtered { "hidden by a filter" } else { "hidden" };
    let done = if visible_only {
        "left out"
    } else {
        "read like the others; `--visible-only` leaves them out"
    };
    notes.add(
        "hidden-rows",
        format!("`{file_name}` has {} {how}, the first is row {first}", are(hidden.len())),
        done,
    );
}

/// `1 row ... is`, `3 rows ... are`.
fn are(count: usize) -> String {
    format!("{} that {}", counted(count, "row"), if count == 1 { "is" } else { "are" })
}

fn is_blank(cells: &Cells, cell: &Cell) -> bool {
    match cell {
        Cell::Blank => true,
        Cell::Text(code) => text::trimmed(cells.text(*code)).is_empty(),
        _ => false,
    }
}

/// Rows that hold nothing but blanks typed as text are no rows.
fn drop_blank_rows(columns: &mut [Cells], rows: Vec<u32>) -> Vec<u32> {
    let blank: Vec<bool> = (0..rows.len())
        .map(|row| {
            columns
                .iter()
                .all(|cells| cells.cells.get(row).is_none_or(|cell| is_blank(cells, cell)))
        })
        .collect();
    if !blank.contains(&true) {
        return rows;
    }
    for cells in columns.iter_mut() {
        let mut row = 0;
        cells.cells.retain(|_| {
            row += 1;
            !blank.get(row - 1).copied().unwrap_or(false)
        });
    }
    rows.into_iter()
        .zip(blank)
        .filter(|(_, blank)| !blank)
        .map(|(row, _)| row)
        .collect()
}

fn note_errors(count: usize, first: Option<(u32, u32)>, file_name: &str, notes: &mut Notes) {
    if let Some((row, column)) = first {
        notes.add(
            "error-cells",
            format!(
                "{} in `{file_name}` show an Excel error such as `#N/A`, the first in {}{row}",
                counted(count, "cell"),
                header::letters(column as usize)
            ),
            "taken as missing",
        );
    }
}

fn is_total_cell(cells: &Cells, row: usize) -> bool {
    matches!(cells.cells.get(row), Some(Cell::Text(code)) if is_total(cells.text(*code)))
}

/// A merged region shows one value over many cells but stores it in the first only: the others get it too, from the header row on.
fn fill_merged(columns: &mut [Cells], places: &[u32], rows: &[u32], head: usize, regions: &[Dimensions], notes: &mut Notes) {
    let mut filled = 0;
    for region in regions {
        let (first, last) = (region.start, region.end);
        let Ok(source_row) = rows.binary_search(&first.0.saturating_add(1)) else {
            continue;
        };
        let Ok(source_column) = places.binary_search(&first.1) else {
            continue;
        };
        if source_row < head {
            continue;
        }
        // Over several columns of one row below the header: a title, a section or a total, but no cell of an order.
        let covered = places.iter().filter(|place| (first.1..=last.1).contains(place)).count();
        if source_row > head
            && covered >= 2
            && (covered * 2 > places.len() || first.0 == last.0 && is_total_cell(&columns[source_column], source_row))
        {
            continue;
        }
        let Some(cell) = columns[source_column].cells.get(source_row).copied() else {
            continue;
        };
        let value = match cell {
            Cell::Blank => continue,
            Cell::Text(code) => Some(columns[source_column].text(code).to_owned()),
            _ => None,
        };
        for (column, _) in places.iter().enumerate().filter(|(_, place)| (first.1..=last.1).contains(place)) {
            let from = source_row;
            let to = rows.partition_point(|row| *row <= last.0.saturating_add(1));
            for row in from..to {
                let target = &mut columns[column];
                if !matches!(target.cells.get(row), Some(Cell::Blank)) {
                    continue;
                }
                let cell = match &value {
                    // A text names its column's own list: texts of merged cells are few, so a copy each does no harm.
                    Some(text) => {
                        target.texts.push(text.as_str().into());
                        Cell::Text((target.texts.len() - 1) as u32)
                    }
                    None => cell,
                };
                if let Some(slot) = target.cells.get_mut(row) {
                    *slot = cell;
                    filled += 1;
                }
            }
        }
    }
    if filled > 0 {
        notes.add(
            "merged-cells",
            format!("merged cells cover {} that hold no value of their own", counted(filled, "cell")),
            "each got the value that the merged cell shows",
        );
    }
}
