//! Workbooks through calamine, into columns of typed cells. Only filled rows and columns take room, whatever size the sheet claims.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{CellErrorType, Data, DataRef, Dimensions, ExcelDateTime, Ods, Reader, Sheet, SheetType, SheetVisible, Xls, Xlsb, Xlsx};

use super::cells::{Cell, Cells, CellsBuilder};
use super::column::CellView;
use super::csv::with_thousands;
use super::header::{self, LOOK_AT_ROWS, TopRow, counted, listed};
use super::limits::{MAX_CELL_BYTES, MAX_COLUMNS, MAX_WORKBOOK_CELLS};
use super::package::Package;
use super::panics::caught;
use super::read::ReadOptions;
use super::source::{Format, Source};
use super::table::{RowNumbers, Table};
use super::{dates, text};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;

type Bytes<'a> = Cursor<&'a [u8]>;

/// The filled cells of a sheet: rows and columns without a filled cell are left out.
#[derive(Default)]
struct Grid {
    /// Row numbers as the person sees them, from 1.
    rows: Vec<u32>,
    columns: BTreeMap<u32, CellsBuilder>,
    errors: usize,
    first_error: Option<(u32, u32)>,
    formulas: Formulas,
}

/// Formulas, by what the file stores as their results.
#[derive(Default)]
struct Formulas {
    count: usize,
    /// Without a stored result, and the place of the first.
    unanswered: usize,
    first_unanswered: Option<(u32, u32)>,
    /// With the result 0, and the place of the first.
    zero: usize,
    first_zero: Option<(u32, u32)>,
    to_be_calculated: bool,
}

impl Formulas {
    fn see(&mut self, (row, column): (u32, u32), value: &DataRef<'_>) {
        self.count += 1;
        let place = (row.saturating_add(1), column);
        match value {
            DataRef::Empty => {
                self.unanswered += 1;
                self.first_unanswered.get_or_insert(place);
            }
            DataRef::Int(0) => {
                self.zero += 1;
                self.first_zero.get_or_insert(place);
            }
            DataRef::Float(number) if *number == 0.0 => {
                self.zero += 1;
                self.first_zero.get_or_insert(place);
            }
            _ => {}
        }
    }

    /// Says where results are missing or were never calculated.
    fn note(&self, file_name: &str, notes: &mut Notes) {
        let place = |(row, column): (u32, u32)| format!("{}{row}", header::letters(column as usize));
        if let Some(first) = self.first_unanswered {
            notes.add(
                "formulas-without-results",
                format!(
                    "{} in `{file_name}` have no stored result, the first in {}: the file was made by a program that does not calculate",
                    counted(self.unanswered, "formula"),
                    place(first)
                ),
                "taken as blank; open the file in Excel and save it, then read it again",
            );
        }
        // Some programs store 0 for every formula and ask Excel to calculate; one other result shows that somebody did.
        if let Some(first) = self.first_zero
            && self.to_be_calculated
            && self.zero + self.unanswered == self.count
        {
            notes.add(
                "formulas-never-calculated",
                format!(
                    "{} in `{file_name}` have the stored result 0, the first in {}, and none has another: \
                     the file was made by a program that does not calculate",
                    counted(self.zero, "formula"),
                    place(first)
                ),
                "taken as 0, as stored; open the file in Excel and save it, then read it again",
            );
        }
    }
}

impl Grid {
    /// Adds a cell; cells come row by row.
    fn push(&mut self, (row, column): (u32, u32), value: Value<'_>) -> Result<()> {
        if matches!(value, Value::Blank) {
            return Ok(());
        }
        let number = row.saturating_add(1);
        match self.rows.last() {
            Some(last) if *last == number => {}
            Some(last) if *last > number => return Err(damaged("its rows are out of order")),
            _ => self.rows.push(number),
        }
        if column as usize >= MAX_COLUMNS {
            return Err(damaged("it has cells beyond the last column a sheet can have"));
        }
        let height = self.rows.len();
        if self.columns.len().saturating_mul(height) > MAX_WORKBOOK_CELLS {
            return Err(
                Error::input(format!("the sheet has more than {} cells", with_thousands(MAX_WORKBOOK_CELLS)))
                    .hint("save it as CSV or Parquet, which take less room"),
            );
        }
        let builder = self.columns.entry(column).or_default();
        if builder.len() >= height {
            return Err(damaged("it holds one cell twice"));
        }
        builder.pad(height - 1);
        let cell = match value {
            Value::Blank => return Ok(()),
            Value::Text(text) if text.len() > MAX_CELL_BYTES => {
                return Err(Error::input(format!(
                    "a cell of {} bytes; Excel holds 32,767 characters and Recant reads up to {}",
                    with_thousands(text.len()),
                    with_thousands(MAX_CELL_BYTES)
                ))
                .at_row(number as usize)
                .in_column(header::letters(column as usize))
                .hint("shorten the text in that cell or leave the column out"));
            }
            Value::Text(text) => builder.text_cell(text),
            Value::Typed(cell) => cell,
        };
        if matches!(cell, Cell::Error(_)) {
            self.errors += 1;
            self.first_error.get_or_insert((number, column));
        }
        builder.push(cell);
        Ok(())
    }
}

enum Value<'a> {
    Blank,
    Text(&'a str),
    Typed(Cell),
}

fn damaged(detail: impl std::fmt::Display) -> Error {
    Error::input(format!("the workbook is damaged: {detail}"))
        .hint("open it in Excel, let it repair the file, and save it again; an interrupted download or copy looks like this too")
}

fn locked() -> Error {
    Error::input("the workbook is locked with a password")
        .hint("open it in Excel and save a copy without the password (File, Info, Protect Workbook)")
}

/// Reads a sheet of a workbook.
///
/// # Errors
/// For a damaged or locked workbook, a sheet that is not there, a sheet without columns.
pub(crate) fn read(
    bytes: &[u8],
    format: Format,
    package: Option<Package>,
    options: &ReadOptions,
    mut source: Source,
    notes: &mut Notes,
) -> Result<Table> {
    source.format = format;
    let package = package.unwrap_or(Package {
        format,
        merged: true,
        formulas: false,
        to_be_calculated: false,
        dates_from_1904: xls_from_1904(bytes),
    });
    source.dates_from_1904 = package.dates_from_1904;
    let opened =
        caught(|| open(bytes, package, options, &source.file_name, notes)).map_err(|_| damaged("its contents contradict each other"))?;
    let (sheet, grid, regions) = opened?;
    source.sheet = Some(sheet.clone());
    assemble(grid, regions, options, source, notes).map_err(|error| error.in_sheet(sheet))
}

/// Whether an `.xls` counts its days from 1904: record DATEMODE (0x22), which stands among the first records of the workbook stream.
fn xls_from_1904(bytes: &[u8]) -> bool {
    const BEGINNING: &[u8] = &[0x09, 0x08, 0x10, 0x00, 0x00, 0x06, 0x05, 0x00];
    // Streams begin at sectors, which are 512 bytes long or a multiple of it.
    let Some(start) = bytes.chunks(512).position(|sector| sector.starts_with(BEGINNING)) else {
        return false;
    };
    let mut rest = &bytes[start * 512..];
    while let [kind, kind_high, length, length_high, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*length, *length_high]));
        match u16::from_le_bytes([*kind, *kind_high]) {
            0x22 => return after.first() == Some(&1),
            0x0a => return false,
            _ => {}
        }
        let Some(next) = after.get(length..) else { return false };
        rest = next;
    }
    false
}

fn open(
    bytes: &[u8],
    package: Package,
    options: &ReadOptions,
    file_name: &str,
    notes: &mut Notes,
) -> Result<(String, Grid, Vec<Dimensions>)> {
    let cursor = Cursor::new(bytes);
    match package.format {
        Format::Xlsx => {
            let mut book: Xlsx<Bytes<'_>> = Xlsx::new(cursor).map_err(|error| match error {
                calamine::XlsxError::Password => locked(),
                other => damaged(other),
            })?;
            let sheet = choose(book.sheets_metadata(), options, file_name, notes)?;
            let mut grid = Grid::default();
            grid.formulas.to_be_calculated = package.to_be_calculated;
            fill_from_xlsx(&mut book, &sheet, package.formulas, &mut grid)?;
            let regions = if package.merged {
                book.merge_cells_by_sheet_name(&sheet).map_err(damaged)?
            } else {
                Vec::new()
            };
            Ok((sheet, grid, regions))
        }
        Format::Xlsb => {
            let mut book: Xlsb<Bytes<'_>> = Xlsb::new(cursor).map_err(|error| match error {
                calamine::XlsbError::Password => locked(),
                other => damaged(other),
            })?;
            let sheet = choose(book.sheets_metadata(), options, file_name, notes)?;
            let mut grid = Grid::default();
            let mut cells = book.worksheet_cells_reader(&sheet).map_err(damaged)?;
            while let Some(cell) = cells.next_cell().map_err(damaged)? {
                push_ref(&mut grid, cell.get_position(), cell.get_value())?;
            }
            Ok((sheet, grid, Vec::new()))
        }
        Format::Xls => {
            let mut book: Xls<Bytes<'_>> = Xls::new(cursor).map_err(|error| match error {
                calamine::XlsError::Password => locked(),
                other => damaged(other),
            })?;
            let sheet = choose(book.sheets_metadata(), options, file_name, notes)?;
            let range = book.worksheet_range(&sheet).map_err(damaged)?;
            let regions = book.merge_cells_by_sheet_name(&sheet).unwrap_or_default();
            Ok((sheet, grid_of(&range)?, regions))
        }
        Format::Ods => {
            let mut book: Ods<Bytes<'_>> = Ods::new(cursor).map_err(|error| match error {
                calamine::OdsError::Password => locked(),
                other => damaged(other),
            })?;
            let sheet = choose(book.sheets_metadata(), options, file_name, notes)?;
            let range = book.worksheet_range(&sheet).map_err(damaged)?;
            drop(book);
            Ok((sheet, grid_of(&range)?, Vec::new()))
        }
        _ => Err(Error::internal("a workbook was expected")),
    }
}

/// The worksheets of a workbook, in its order.
///
/// # Errors
/// For a damaged or locked workbook.
pub(crate) fn worksheets(bytes: &[u8], format: Format) -> Result<Vec<String>> {
    let listed = || -> Result<Vec<Sheet>> {
        let cursor = Cursor::new(bytes);
        Ok(match format {
            Format::Xlsx => Xlsx::new(cursor).map_err(damaged)?.sheets_metadata().to_vec(),
            Format::Xlsb => Xlsb::new(cursor).map_err(damaged)?.sheets_metadata().to_vec(),
            Format::Xls => Xls::new(cursor).map_err(damaged)?.sheets_metadata().to_vec(),
            Format::Ods => Ods::new(cursor).map_err(damaged)?.sheets_metadata().to_vec(),
            _ => return Err(Error::internal("a workbook was expected")),
        })
    };
    let sheets = caught(listed).map_err(|_| damaged("its contents contradict each other"))??;
    let worksheets = sheets.into_iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    Ok(worksheets.map(|sheet| sheet.name).collect())
}

fn fill_from_xlsx(book: &mut Xlsx<Bytes<'_>>, sheet: &str, formulas: bool, grid: &mut Grid) -> Result<()> {
    let failed = |error| damaged(error).in_sheet(sheet);
    let mut cells = book.worksheet_cells_reader(sheet).map_err(damaged)?;
    if !formulas {
        while let Some(cell) = cells.next_cell().map_err(failed)? {
            push_ref(grid, cell.get_position(), cell.get_value())?;
        }
        return Ok(());
    }
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(failed)? {
        if cell.formula.is_some() {
            grid.formulas.see(cell.pos, &cell.value);
        }
        push_ref(grid, cell.pos, &cell.value)?;
    }
    Ok(())
}

fn grid_of(range: &calamine::Range<Data>) -> Result<Grid> {
    let mut grid = Grid::default();
    let Some((first_row, first_column)) = range.start() else {
        return Ok(grid);
    };
    for (row, column, value) in range.used_cells() {
        let place = (first_row.saturating_add(row as u32), first_column.saturating_add(column as u32));
        match value {
            Data::Int(number) => grid.push(place, Value::Typed(Cell::Integer(*number)))?,
            Data::Float(number) => grid.push(place, Value::Typed(Cell::Number(*number)))?,
            Data::String(text) => grid.push(place, Value::Text(text))?,
            Data::Bool(truth) => grid.push(place, Value::Typed(Cell::Bool(*truth)))?,
            Data::DateTime(moment) => push_moment(&mut grid, place, *moment)?,
            Data::DateTimeIso(text) => push_iso(&mut grid, place, text)?,
            Data::DurationIso(text) => push_duration(&mut grid, place, text)?,
            Data::Error(error) => grid.push(place, Value::Typed(Cell::Error(error_text(error))))?,
            Data::Empty => {}
        }
    }
    Ok(grid)
}

fn push_ref(grid: &mut Grid, place: (u32, u32), value: &DataRef<'_>) -> Result<()> {
    match value {
        DataRef::Int(number) => grid.push(place, Value::Typed(Cell::Integer(*number))),
        DataRef::Float(number) => grid.push(place, Value::Typed(Cell::Number(*number))),
        DataRef::String(text) => grid.push(place, Value::Text(text)),
        DataRef::SharedString(text) => grid.push(place, Value::Text(text)),
        DataRef::Bool(truth) => grid.push(place, Value::Typed(Cell::Bool(*truth))),
        DataRef::DateTime(moment) => push_moment(grid, place, *moment),
        DataRef::DateTimeIso(text) => push_iso(grid, place, text),
        DataRef::DurationIso(text) => push_duration(grid, place, text),
        DataRef::Error(error) => grid.push(place, Value::Typed(Cell::Error(error_text(error)))),
        DataRef::Empty => grid.push(place, Value::Blank),
    }
}

fn error_text(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}

/// A cell with a date format: a date, a time of day or a duration; a number where the calendar has no such day.
fn push_moment(grid: &mut Grid, place: (u32, u32), moment: ExcelDateTime) -> Result<()> {
    const LAST_DAY: f64 = 2_958_466.0;
    let serial = moment.as_f64();
    if !(0.0..LAST_DAY).contains(&serial) && !moment.is_duration() {
        return grid.push(place, Value::Typed(Cell::Number(serial)));
    }
    if moment.is_duration() || serial < 1.0 {
        return grid.push(place, Value::Text(&text::clock_text(serial * 86_400.0)));
    }
    match moment.as_datetime() {
        Some(moment) => grid.push(place, Value::Typed(Cell::Date(moment.and_utc().timestamp_micros()))),
        None => grid.push(place, Value::Typed(Cell::Number(serial))),
    }
}

/// OpenDocument writes dates as ISO text.
fn push_iso(grid: &mut Grid, place: (u32, u32), value: &str) -> Result<()> {
    match dates::iso_micros(value) {
        Some(micros) => grid.push(place, Value::Typed(Cell::Date(micros))),
        None => grid.push(place, Value::Text(value)),
    }
}

/// `PT22H56M00S` as `22:56:00`.
fn push_duration(grid: &mut Grid, place: (u32, u32), value: &str) -> Result<()> {
    let seconds = value.strip_prefix("PT").and_then(|rest| {
        let (hours, rest) = rest.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let seconds = rest.strip_suffix('S')?.replace(',', ".");
        Some(hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    });
    match seconds {
        Some(seconds) => grid.push(place, Value::Text(&text::clock_text(seconds))),
        None => grid.push(place, Value::Text(value)),
    }
}

/// The sheet asked for by name or number, else the first visible one.
fn choose(sheets: &[Sheet], options: &ReadOptions, file_name: &str, notes: &mut Notes) -> Result<String> {
    let worksheets: Vec<&Sheet> = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let names: Vec<String> = worksheets.iter().map(|sheet| sheet.name.clone()).collect();
    if names.is_empty() {
        return Err(Error::input("the workbook has no worksheet"));
    }
    let Some(asked) = &options.sheet else {
        let first = worksheets
            .iter()
            .find(|sheet| sheet.visible == SheetVisible::Visible)
            .unwrap_or(&worksheets[0]);
        if names.len() > 1 {
            notes.add(
                "other-sheets",
                format!("`{file_name}` has {}: {}", counted(names.len(), "sheet"), listed(&names)),
                format!("read the first, `{}`; another one is chosen by its name or number", first.name),
            );
        }
        return Ok(first.name.clone());
    };
    let asked = asked.trim();
    let exact = names.iter().find(|name| name.as_str() == asked);
    let loose = || names.iter().find(|name| name.trim().to_lowercase() == asked.to_lowercase());
    let by_number = || {
        let number: usize = asked.parse().ok()?;
        names.get(number.checked_sub(1)?)
    };
    exact.or_else(loose).or_else(by_number).cloned().ok_or_else(|| {
        let near = closest(asked, names.iter().map(String::as_str)).map(|near| format!("closest match is `{near}`; "));
        Error::input(format!("there is no sheet `{asked}`")).hint(format!(
            "{}the sheets are {} (by name, or by number from 1 to {})",
            near.unwrap_or_default(),
            listed(&names),
            names.len()
        ))
    })
}

fn assemble(grid: Grid, regions: Vec<Dimensions>, options: &ReadOptions, mut source: Source, notes: &mut Notes) -> Result<Table> {
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
    let shown = |cells: &Cells, row: usize| -> String {
        match cells.cells.get(row) {
            Some(Cell::Text(code)) => cells.text(*code).to_owned(),
            Some(Cell::Number(number)) => text::number_text(*number),
            Some(Cell::Integer(number)) => number.to_string(),
            Some(Cell::Date(micros)) => text::date_text(*micros),
            Some(Cell::Bool(truth)) => CellView::Bool(*truth).shown().unwrap_or_default().into_owned(),
            Some(Cell::Error(error)) => (*error).to_owned(),
            Some(Cell::Blank) | None => String::new(),
        }
    };
    let top: Vec<TopRow> = (0..height.min(LOOK_AT_ROWS))
        .map(|row| TopRow {
            row: grid.rows[row] as usize,
            cells: columns.iter().map(|cells| shown(cells, row)).collect(),
        })
        .collect();
    let head = header::find(&top, options.header_row)?;
    super::read::note_header(&top, head, &source.file_name, options, notes);
    fill_merged(&mut columns, &places, &grid.rows, head, &regions, notes);
    let names_row: Vec<String> = columns.iter().map(|cells| shown(cells, head)).collect();
    let mut kept_names = Vec::new();
    let mut kept = Vec::new();
    let mut dropped = 0;
    for ((mut cells, place), name) in columns.into_iter().zip(&places).zip(names_row) {
        cells.cells.drain(..=head);
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
    let rows = drop_blank_rows(&mut kept, grid.rows[head + 1..].to_vec());
    let height = rows.len();
    let columns = kept.into_iter().map(Cells::into_column).collect();
    Table::assemble(source, names, columns, height, RowNumbers::Listed(rows.into()))
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
