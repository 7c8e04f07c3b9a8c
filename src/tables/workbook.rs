//! Workbooks into columns of typed cells: `.xlsx` and `.ods` through calamine, `.xls` and `.xlsb` by readers of our own. Only filled rows and columns
//! take room, whatever size the sheet claims.

mod assemble;
mod compound;
mod grid;
mod larger;
mod long_numbers;
mod long_times;
mod number_formats;
mod second_look;
mod shown_units;
mod wide_text;
mod xls;
mod xlsb;

use std::io::Cursor;

use calamine::{Data, DataRef, Ods, Reader, Sheet, SheetType, SheetVisible, Xlsx, XlsxError};

use self::grid::{Grid, Value, damaged, error_text, locked, push_duration, push_iso, push_moment};
use self::second_look::SecondLook;
use self::shown_units::Styles;
use super::cells::Cell;
use super::header::{counted, listed};
use super::marks::Marks;
use super::package::Package;
use super::panics::caught;
use super::parts::Parts;
use super::read::ReadOptions;
use super::source::{Format, Source};
use super::table::Table;
use crate::error::{Error, Result, closest};
use crate::notes::Notes;

type Bytes<'a> = Cursor<&'a [u8]>;

/// A sheet as its reader found it.
struct Opened {
    sheet: String,
    /// The names of all visible sheets.
    visible: Vec<String>,
    grid: Grid,
    marks: Marks,
    is_1904: bool,
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
    let mut book = Book {
        bytes,
        format,
        package,
        source,
    };
    let mut own = Notes::new();
    let found = book.table(options, &mut own).and_then(|(table, visible)| match options.sheet {
        Some(_) => table,
        None => larger::of(&mut book, table, &visible, options, &mut own),
    });
    notes.extend(own);
    let table = found?;
    refuse_undivided(&table).map_err(|error| error.in_sheet(table.source().sheet.clone().unwrap_or_default()))?;
    Ok(table)
}

/// A workbook whose sheets can be read one by one.
struct Book<'a> {
    bytes: &'a [u8],
    format: Format,
    package: Option<Package>,
    source: Source,
}

impl Book<'_> {
    /// The sheet that the options name, else the first visible one: as a table or why it is none; and the visible sheets.
    fn table(&mut self, options: &ReadOptions, notes: &mut Notes) -> Result<(Result<Table>, Vec<String>)> {
        let file_name = self.source.file_name.clone();
        let (bytes, format, package) = (self.bytes, self.format, &mut self.package);
        let open = || match (format, package) {
            (Format::Xls, _) => open_xls(bytes, options, &file_name, notes),
            (Format::Xlsx, Some(package)) => open_xlsx(bytes, package, options, &file_name, notes),
            (Format::Xlsb, _) => open_xlsb(bytes, options, &file_name, notes),
            (Format::Ods, Some(package)) => open_ods(bytes, package, options, &file_name, notes),
            _ => Err(Error::internal("a workbook was expected")),
        };
        let opened = caught(open).map_err(|_| damaged("its contents contradict each other"))??;
        let mut source = self.source.clone();
        source.sheet = Some(opened.sheet.clone());
        source.dates_from_1904 = opened.is_1904;
        let table =
            assemble::assemble(opened.grid, &opened.marks, options, source, notes).map_err(|error| error.in_sheet(opened.sheet.clone()));
        Ok((table, opened.visible))
    }
}

/// A text file that was opened without dividing its lines has whole rows in the first column.
fn refuse_undivided(table: &Table) -> Result<()> {
    const LEAST: usize = 2;
    let [only] = table.names() else { return Ok(()) };
    let texts = table.texts(only)?;
    for (delimiter, name) in [(';', "semicolons"), ('\t', "tabs"), ('|', "bars"), (',', "commas")] {
        let count = only.matches(delimiter).count();
        let alike = texts.values.iter().filter(|text| text.matches(delimiter).count() == count).count();
        if count >= LEAST && table.height() > 1 && alike * 10 >= texts.values.len() * 9 {
            return Err(
                Error::input(format!("whole rows stand in the first column, their cells separated by {name}"))
                    .in_file(&table.source().file_name)
                    .hint("give the text file itself; or divide the column in Excel (Data, Text to Columns) and save"),
            );
        }
    }
    Ok(())
}

/// The worksheets of a workbook, in its order.
///
/// # Errors
/// For a damaged or locked workbook.
pub(crate) fn worksheets(bytes: &[u8], format: Format, package: Option<Package>) -> Result<Vec<String>> {
    let list = || -> Result<Vec<Sheet>> {
        Ok(match (format, package) {
            (Format::Xls, _) => xls::Xls::open(bytes)?.sheets(),
            (Format::Xlsb, _) => {
                let mut parts = Parts::open(bytes)?.ok_or_else(|| damaged("it has no workbook part"))?;
                xlsb::Xlsb::open(&mut parts)?.sheets()
            }
            (Format::Xlsx, Some(package)) => {
                let bytes = package.tidied.as_deref().unwrap_or(bytes);
                Xlsx::new(Cursor::new(bytes)).map_err(damaged)?.sheets_metadata().to_vec()
            }
            (Format::Ods, _) => Ods::new(Cursor::new(bytes)).map_err(damaged)?.sheets_metadata().to_vec(),
            _ => return Err(Error::internal("a workbook was expected")),
        })
    };
    let sheets = caught(list).map_err(|_| damaged("its contents contradict each other"))??;
    let worksheets = sheets.into_iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    Ok(worksheets.map(|sheet| sheet.name).collect())
}

fn open_xls(bytes: &[u8], options: &ReadOptions, file_name: &str, notes: &mut Notes) -> Result<Opened> {
    let book = xls::Xls::open(bytes)?;
    let (sheet, visible) = choose(&book.sheets(), options, file_name, notes)?;
    let mut grid = Grid::default();
    let marks = book.fill(&sheet, &mut grid).map_err(|error| error.in_sheet(&sheet))?;
    Ok(Opened {
        sheet,
        visible,
        grid,
        marks,
        is_1904: book.is_1904(),
    })
}

fn open_xlsb(bytes: &[u8], options: &ReadOptions, file_name: &str, notes: &mut Notes) -> Result<Opened> {
    let mut parts = Parts::open(bytes)?.ok_or_else(|| damaged("it has no workbook part"))?;
    let book = xlsb::Xlsb::open(&mut parts)?;
    let (sheet, visible) = choose(&book.sheets(), options, file_name, notes)?;
    let mut grid = Grid::default();
    let marks = book.fill(&mut parts, &sheet, &mut grid).map_err(|error| error.in_sheet(&sheet))?;
    Ok(Opened {
        sheet,
        visible,
        grid,
        marks,
        is_1904: book.is_1904(),
    })
}

fn open_xlsx(bytes: &[u8], package: &Package, options: &ReadOptions, file_name: &str, notes: &mut Notes) -> Result<Opened> {
    let bytes = package.tidied.as_deref().unwrap_or(bytes);
    if !package.missing_sheets.is_empty() {
        notes.add(
            "missing-sheets",
            format!(
                "`{file_name}` lists {} that it does not hold: {}",
                counted(package.missing_sheets.len(), "sheet"),
                listed(&package.missing_sheets)
            ),
            "left out",
        );
    }
    fn open(bytes: &[u8]) -> Result<Xlsx<Bytes<'_>>> {
        Xlsx::new(Cursor::new(bytes)).map_err(|error| match error {
            XlsxError::Password => locked(),
            other => damaged(other),
        })
    }
    let mended_bytes;
    let mut book = open(bytes)?;
    let (sheet, visible) = choose(book.sheets_metadata(), options, file_name, notes)?;
    let mut look = SecondLook::default();
    let mut parts = Parts::open(bytes)?;
    let styles = match &mut parts {
        Some(parts) => styles_of(parts)?,
        None => Styles::default(),
    };
    if (package.second_look || styles.show_units())
        && let Some(mut parts) = parts
        && let Some(part) = parts.sheet_named(&sheet)?
    {
        look = second_look::look(parts.stream(&part)?, &styles)?;
        if !look.errors.is_empty() {
            let mended = parts.read(&part)?;
            mended_bytes = parts.with_part(&part, &look.with_known_errors(&mended))?;
            book = open(&mended_bytes)?;
        }
    }
    let mut grid = Grid::default();
    grid.formulas.to_be_calculated = package.to_be_calculated;
    fill_from_xlsx(&mut book, &sheet, package.formulas, &look, &mut grid)?;
    let mut marks = look.marks;
    marks.units = look.units;
    if package.merged {
        marks.merged = book.merge_cells_by_sheet_name(&sheet).map_err(damaged)?;
    }
    Ok(Opened {
        sheet,
        visible,
        grid,
        marks,
        is_1904: book.has_1904_epoch(),
    })
}

fn styles_of(parts: &mut Parts<'_>) -> Result<Styles> {
    match parts.related("styles") {
        Some(part) => Styles::read(&parts.read(&part)?),
        None => Ok(Styles::default()),
    }
}

fn fill_from_xlsx(book: &mut Xlsx<Bytes<'_>>, sheet: &str, formulas: bool, look: &SecondLook, grid: &mut Grid) -> Result<()> {
    let mut cells = book.worksheet_cells_reader(sheet).map_err(damaged)?;
    let take = |grid: &mut Grid, place: (u32, u32), value: &DataRef<'_>| match look.long.get(&place) {
        Some(digits) => grid.push(place, Value::Text(digits)),
        None => grid.push_value(place, value),
    };
    loop {
        let next = if formulas {
            cells.next_cell_with_formula_metadata().map(|found| match found {
                Some(cell) => {
                    if cell.formula.is_some() {
                        grid.formulas.see(cell.pos, &cell.value);
                    }
                    Some(take(grid, cell.pos, &cell.value))
                }
                None => None,
            })
        } else {
            cells
                .next_cell()
                .map(|found| found.map(|cell| take(grid, cell.get_position(), cell.get_value())))
        };
        match next {
            Ok(None) => return Ok(()),
            Ok(Some(taken)) => taken?,
            Err(error) => return Err(damaged(error).in_sheet(sheet)),
        }
    }
}

fn open_ods(bytes: &[u8], package: &mut Package, options: &ReadOptions, file_name: &str, notes: &mut Notes) -> Result<Opened> {
    let mut book: Ods<Bytes<'_>> = Ods::new(Cursor::new(bytes)).map_err(|error| match error {
        calamine::OdsError::Password => locked(),
        other => damaged(other),
    })?;
    let (sheet, visible) = choose(book.sheets_metadata(), options, file_name, notes)?;
    let range = book.worksheet_range(&sheet).map_err(damaged)?;
    drop(book);
    Ok(Opened {
        grid: grid_of(&range)?,
        marks: package.tables.remove(&sheet).unwrap_or_default(),
        sheet,
        visible,
        is_1904: false,
    })
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

/// The sheet asked for by name or number, else the first visible one; and all visible ones.
fn choose(sheets: &[Sheet], options: &ReadOptions, file_name: &str, notes: &mut Notes) -> Result<(String, Vec<String>)> {
    let worksheets: Vec<&Sheet> = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let names: Vec<String> = worksheets.iter().map(|sheet| sheet.name.clone()).collect();
    if names.is_empty() {
        return Err(Error::input("the workbook has no worksheet").hint(
            "open it in Excel, copy the table onto a worksheet of its own, and save it again; charts and macro sheets hold no rows",
        ));
    }
    let visible = worksheets.iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let visible: Vec<String> = visible.map(|sheet| sheet.name.clone()).collect();
    let Some(asked) = &options.sheet else {
        let first = worksheets
            .iter()
            .find(|sheet| sheet.visible == SheetVisible::Visible)
            .unwrap_or(&worksheets[0]);
        if let Some(other) = names.iter().find(|name| **name != first.name) {
            notes.add(
                "other-sheets",
                format!("`{file_name}` has {}: {}", counted(names.len(), "sheet"), listed(&names)),
                format!("read the first, `{}`; `--sheet \"{other}\"` reads another", first.name),
            );
        }
        return Ok((first.name.clone(), visible));
    };
    let asked = asked.trim();
    let exact = names.iter().find(|name| name.as_str() == asked);
    let loose = || names.iter().find(|name| name.trim().to_lowercase() == asked.to_lowercase());
    let by_number = || {
        let number: usize = asked.parse().ok()?;
        names.get(number.checked_sub(1)?)
    };
    let found = exact.or_else(loose).or_else(by_number).cloned().ok_or_else(|| {
        let near = closest(asked, names.iter().map(String::as_str)).map(|near| format!("closest match is `{near}`; "));
        Error::input(format!("there is no sheet `{asked}`")).hint(format!(
            "{}the sheets are {} (by name, or by number from 1 to {})",
            near.unwrap_or_default(),
            listed(&names),
            names.len()
        ))
    })?;
    Ok((found, visible))
}
