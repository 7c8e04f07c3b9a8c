//! The sheet as a whole: named columns, the cells as typed, and the row numbers a person sees.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::{ArrayRef, ArrowField, Column as PolarsColumn, DataFrame, IdxSize};

use super::cells::{Cell, Cells, CellsBuilder};
use super::column::{CellType, CellView, Column};
use super::dates::{self, DateColumn, DateOrder};
use super::frame;
use super::gather::gather;
use super::memory;
use super::numbers::{self, DecimalMark, NumberColumn};
use super::source::{Files, Format, Source, Writing};
use super::text::{self, Texts};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;

/// Numbers of the rows as the person sees them.
#[derive(Debug, Clone)]
pub(crate) enum RowNumbers {
    /// The first row's number; the others count on.
    From(usize),
    Listed(Arc<[u32]>),
}

impl RowNumbers {
    fn get(&self, index: usize) -> usize {
        match self {
            Self::From(first) => first + index,
            Self::Listed(numbers) => numbers.get(index).map_or(0, |number| *number as usize),
        }
    }
}

/// A sheet: a Polars frame with the numbers its rows have for a person, and where it came from. Never changes: every method that alters something
/// returns another one, which shares the cells of this one.
///
/// A cell is kept as the person typed it; what it means is decided by the accessor that is asked ([`Table::texts`], [`Table::numbers`],
/// [`Table::dates`]) over the whole column. A cell that begins with an apostrophe guarding a formula (see [`Table::write`]) is read without it.
///
/// **Columns of the frame** are of type String, Float64, Int64, Boolean or Datetime in microseconds without a zone. Every column of delimited text is
/// String; a column of a workbook that mixes types is String as well, and the sheet remembers what its cells were.
///
/// **Row numbers** are those at the left edge of a spreadsheet program: the header of a plain file is row 1, blank rows are counted though not kept,
/// and a record with line breaks inside quotes is one row. A `sep=;` line is not counted. Parquet and Arrow have no rows to see: their first row is
/// row 2.
#[derive(Debug, Clone)]
pub struct Table {
    source: Arc<Source>,
    frame: DataFrame,
    names: Vec<String>,
    /// What the cells were in columns of several types, by the column's name.
    types: BTreeMap<String, Arc<[CellType]>>,
    rows: RowNumbers,
    files: Option<Files>,
}

impl Table {
    /// A sheet of named columns; each has `height` cells.
    pub(crate) fn assemble(source: Source, names: Vec<String>, columns: Vec<Column>, height: usize, rows: RowNumbers) -> Result<Self> {
        let mut types = BTreeMap::new();
        let mut series = Vec::with_capacity(columns.len());
        for (name, column) in names.iter().zip(columns) {
            if let Some(known) = column.types() {
                types.insert(name.clone(), Arc::clone(known));
            }
            series.push(PolarsColumn::from(column.series().clone().with_name(name.as_str().into())));
        }
        let frame = DataFrame::new(height, series).map_err(|error| Error::internal(format!("the columns of a sheet: {error}")))?;
        Ok(Self {
            source: Arc::new(source),
            frame,
            names,
            types,
            rows,
            files: None,
        })
    }

    /// A sheet from a Polars frame. `file_name` is what messages call it; its first row is row 2, as below a header.
    ///
    /// Columns of any plain type are taken: numbers of every width, decimals, dates, moments (in the local time of their zone, with a note), times and
    /// spans (as `27:30:00`), categories, texts. Columns of lists, structures and raw bytes are left out, with a note.
    ///
    /// # Errors
    /// For a frame without columns, or none of a plain type; beyond [`super::limits`].
    pub fn from_frame(file_name: &str, frame: DataFrame, notes: &mut Notes) -> Result<Self> {
        frame::sheet(frame, Vec::new(), Source::named(Path::new(file_name), Format::Memory), notes)
    }

    /// A sheet from Arrow arrays in memory: `fields` and, of each batch of rows, an array per field. Columns are read as those of an Arrow file
    /// are, rows are taken one by one; otherwise as [`Table::from_frame`]. The same names and cells give the same [`Source::sha256`].
    ///
    /// # Errors
    /// As [`Table::from_frame`], and where a batch does not fit the fields.
    pub fn from_arrow(file_name: &str, fields: &[ArrowField], batches: Vec<Vec<ArrayRef>>, notes: &mut Notes) -> Result<Self> {
        memory::of_batches(file_name, fields, batches, notes)
    }

    /// The frame alone: columns as described above, rows in the order of the sheet.
    pub fn into_frame(self) -> DataFrame {
        self.frame
    }

    /// A table without columns, to add some with [`Table::with_column`] and its siblings. `file_name` is what messages call it.
    pub fn new(file_name: &str, height: usize) -> Self {
        let source = Source::named(Path::new(file_name), Format::Memory);
        Self {
            source: Arc::new(source),
            frame: DataFrame::empty_with_height(height),
            names: Vec::new(),
            types: BTreeMap::new(),
            rows: RowNumbers::From(2),
            files: None,
        }
    }

    /// Number of rows, header not counted.
    pub fn height(&self) -> usize {
        self.frame.height()
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// Names of the columns in the order of the sheet: unique, never empty.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Where the table came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The row's number as the person sees it in the sheet, counted from 1 with the header.
    pub fn row_number(&self, index: usize) -> usize {
        self.rows.get(index)
    }

    /// The place of the row that the person sees as `number`; `None` where there is none (blank rows, the header).
    pub fn row_with_number(&self, number: usize) -> Option<usize> {
        match &self.rows {
            RowNumbers::From(first) => number.checked_sub(*first).filter(|index| *index < self.height()),
            RowNumbers::Listed(numbers) => numbers.iter().position(|there| *there as usize == number),
        }
    }

    /// Checks that a column is there.
    ///
    /// # Errors
    /// Names the file and the closest name there is.
    pub fn require(&self, name: &str) -> Result<()> {
        self.column(name).map(|_| ())
    }

    pub(crate) fn column(&self, name: &str) -> Result<Column> {
        match self.names.iter().position(|known| known == name) {
            Some(place) => Ok(self.column_at(place)),
            None => {
                let hint = match closest(name, self.names.iter().map(String::as_str)) {
                    Some(near) => format!("closest match is `{near}`"),
                    None => format!("its columns are {}", super::header::listed(&self.names)),
                };
                Err(self.in_place(Error::input(format!("column `{name}` not found"))).hint(hint))
            }
        }
    }

    fn column_at(&self, place: usize) -> Column {
        let column = &self.frame.columns()[place];
        Column::of(
            column.as_materialized_series().clone(),
            self.types.get(column.name().as_str()).cloned(),
        )
    }

    /// All columns, in the order of the sheet.
    pub(crate) fn columns(&self) -> Vec<Column> {
        (0..self.width()).map(|place| self.column_at(place)).collect()
    }

    pub(crate) fn with_files(self, files: Files) -> Self {
        Self {
            files: Some(files),
            ..self
        }
    }

    /// The files of a sheet that was read from several.
    pub(crate) fn files(&self) -> Option<&Files> {
        self.files.as_ref()
    }

    /// The same rows, said to be of one file.
    pub(crate) fn of_one_file(self, source: Source) -> Self {
        Self {
            source: Arc::new(source),
            files: None,
            ..self
        }
    }

    /// The file that a row was read from: the sheet's own source, unless it was read from several.
    pub fn source_of(&self, index: usize) -> &Source {
        self.files.as_ref().and_then(|files| files.of(index)).unwrap_or(&self.source)
    }

    /// Whether the sheet was read from several files, so that a row number alone names no row.
    pub fn has_several_files(&self) -> bool {
        self.files.is_some()
    }

    /// Adds file and sheet to an error.
    pub fn in_place(&self, error: Error) -> Error {
        in_source(error, &self.source)
    }

    /// Adds file, sheet, row and column to an error about one cell.
    pub fn at(&self, error: Error, index: usize, name: &str) -> Error {
        in_source(error, self.source_of(index))
            .at_row(self.row_number(index))
            .in_column(name)
    }

    /// A column as text, trimmed; blanks and missing markers (`#N/A` and other Excel errors, `NULL`, `NaN`, `N/A`, `\N`) are [`Texts::MISSING`].
    ///
    /// Numbers have one spelling whatever the file: `957`, `957.0` and Excel's 957 are `957`, `1.50` is `1.5`; truth values are `TRUE` and `FALSE`;
    /// real dates are `2018-01-31` or `2018-01-31 22:56:00`. `NA`, `None` and `-` are texts (they can be real values).
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn texts(&self, name: &str) -> Result<Texts> {
        Ok(text::texts(&self.column(name)?, self.height()))
    }

    /// A column as numbers: numbers, text numbers (`1.234,56`, `1,234.56`, `1 234,56`), money and percent signs, `(5)` and `5-` for -5,
    /// truth values as 1 and 0. Missing markers, NaN and infinities are `None`.
    ///
    /// Whether comma or point is the decimal mark is decided over the column: as stated when the sheet was read; by cells that can be read one way
    /// only; by the currency and by what the numbers show together; by the rest of the sheet; by the delimiter; else `1,234` is 1234 and `1.234` is
    /// 1.234. What the column does not show is told.
    ///
    /// # Errors
    /// Where the column is not there, or more than 1 % of its filled cells are no numbers (the error names the first, with its row);
    /// up to 1 % become `None` with a note.
    pub fn numbers(&self, name: &str, notes: &mut Notes) -> Result<Vec<Option<f64>>> {
        self.numbers_with(name, None, notes)
    }

    /// As [`Table::numbers`], with the decimal mark given for cells that could be read either way (as found in an earlier sheet, say).
    ///
    /// # Errors
    /// As [`Table::numbers`].
    pub fn numbers_with(&self, name: &str, mark: Option<DecimalMark>, notes: &mut Notes) -> Result<Vec<Option<f64>>> {
        Ok(self.number_column(name, mark, notes)?.values)
    }

    /// As [`Table::numbers_with`], with the words that stand in place of numbers, and whether the numbers are hours.
    ///
    /// Durations (`36:15`, `2 days 03:00`, `PT12M`, `1h 30m`) and times of day are read as hours, with a note. Words such as `Not Captured` in up to
    /// half of the filled cells are missing values with a name each, where the column has many different numbers and hardly anything else.
    ///
    /// # Errors
    /// As [`Table::numbers`].
    pub fn number_column(&self, name: &str, mark: Option<DecimalMark>, notes: &mut Notes) -> Result<NumberColumn> {
        numbers::numbers(self, &self.column(name)?, name, mark, notes)
    }

    /// A column as moments: seconds since 1970-01-01 00:00 in local time as written (a time zone is left out, with a note).
    ///
    /// Real Excel dates, ISO text with or without zone, `1/31/2018 22:56`, `31/1/2018`, `31.01.2018`, `Jan 31 2018`, `20180131`, Excel day counts,
    /// mixed as they come. The order of day and month is decided over the column (then over the sheet), unless given. Where Excel has exchanged
    /// day and month of some dates and left the others as text, that is undone, with a note.
    ///
    /// # Errors
    /// Where the column is not there, more than 1 % of its filled cells are no dates (up to 1 % become `None` with a note),
    /// or dates of both orders are mixed so that others cannot be told.
    pub fn dates(&self, name: &str, order: Option<DateOrder>, notes: &mut Notes) -> Result<Vec<Option<i64>>> {
        Ok(self.date_column(name, order, notes)?.seconds)
    }

    /// As [`Table::dates`], with the words that stand in place of dates (in up to half of the filled cells of a column with many different dates).
    ///
    /// # Errors
    /// As [`Table::dates`].
    pub fn date_column(&self, name: &str, order: Option<DateOrder>, notes: &mut Notes) -> Result<DateColumn> {
        dates::dates(self, &self.column(name)?, name, order, notes)
    }

    /// The order of day and month that the person states, else the one that a column's text dates show for certain; `None` where they show none, or both.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn date_order(&self, name: &str) -> Result<Option<DateOrder>> {
        Ok(dates::date_order(self, &self.column(name)?, name))
    }

    /// The table, read as `writing` says where nothing was stated when it was read.
    #[must_use]
    pub fn written_as(&self, writing: Writing) -> Self {
        let mut source = self.source().clone();
        source.stated = source.stated.or(writing);
        self.with_source(source)
    }

    /// A cell as typed (a number or date of a workbook as a person would type it); `None` where it is blank.
    ///
    /// # Errors
    /// Where the column or the row is not there.
    pub fn cell(&self, index: usize, name: &str) -> Result<Option<String>> {
        let column = self.column(name)?;
        if index >= self.height() {
            return Err(Error::internal(format!(
                "row {index} of a table of {} rows was asked for",
                self.height()
            )));
        }
        Ok(column.get(index).shown().map(std::borrow::Cow::into_owned))
    }

    /// The given rows in the given order (a row may come more than once); row numbers stay those of the sheet. Places beyond the end are left out.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let rows: Vec<IdxSize> = rows.iter().filter(|row| **row < self.height()).map(|row| *row as IdxSize).collect();
        let numbers: Arc<[u32]> = rows.iter().map(|row| self.row_number(*row as usize) as u32).collect();
        let of_rows = |types: &Arc<[CellType]>| rows.iter().map(|row| types[*row as usize]).collect();
        let types = self.types.iter().map(|(name, types)| (name.clone(), of_rows(types))).collect();
        // Every place is one of the frame's, as checked above.
        let frame = gather(&self.frame, &rows).unwrap_or_else(|_| self.frame.clear());
        Self {
            source: Arc::clone(&self.source),
            frame,
            names: self.names.clone(),
            types,
            rows: RowNumbers::Listed(numbers),
            files: self.files.as_ref().map(|files| files.take(&rows)),
        }
    }

    /// The given columns only, in the given order.
    ///
    /// # Errors
    /// Where one is not there.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        let columns = names.iter().map(|name| self.column(name.as_ref())).collect::<Result<_>>()?;
        let names = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let picked = Self::assemble(self.source().clone(), names, columns, self.height(), self.rows.clone())?;
        Ok(Self {
            source: Arc::clone(&self.source),
            files: self.files.clone(),
            ..picked
        })
    }

    /// The columns of a table of as many rows behind the own ones; of two columns of one name the own one stays.
    ///
    /// # Errors
    /// Where the heights differ.
    pub fn beside(&self, other: &Self) -> Result<Self> {
        if other.height() != self.height() {
            return Err(Error::internal("tables of different heights side by side"));
        }
        let mut wide = self.clone();
        for (name, column) in other.names.iter().zip(other.columns()).filter(|(name, _)| !self.has(name)) {
            wide = wide.with_made(name, column)?;
        }
        Ok(wide)
    }

    /// Replaces a column, or appends it, with text cells.
    ///
    /// # Errors
    /// Where the number of cells is not the table's height.
    pub fn with_column(&self, name: &str, cells: Vec<Option<String>>) -> Result<Self> {
        let mut builder = CellsBuilder::with_capacity(cells.len());
        for cell in &cells {
            builder.push_text(cell.as_deref().unwrap_or(""));
        }
        self.with_cells(name, builder.finish())
    }

    /// Replaces some cells of a column; the others stay as they are. In place of a number, date or truth value a text that means one
    /// becomes one, so that a typed column stays typed.
    ///
    /// # Errors
    /// Where the column or a row is not there.
    pub fn with_changed_cells(&self, name: &str, changes: &[(usize, String)]) -> Result<Self> {
        let column = self.column(name)?;
        let mut builder = CellsBuilder::with_capacity(self.height());
        for row in 0..self.height() {
            builder.push_view(&column.get(row));
        }
        let mut built = Vec::with_capacity(changes.len());
        for (row, text) in changes {
            if *row >= self.height() {
                return Err(Error::internal(format!(
                    "row {row} of a table of {} rows was to be changed",
                    self.height()
                )));
            }
            let typed = same_type(&column.get(*row), text.trim());
            built.push((*row, typed.unwrap_or_else(|| builder.text_cell(text))));
        }
        let mut cells = builder.finish();
        for (row, cell) in built {
            cells.cells[row] = cell;
        }
        self.with_cells(name, cells)
    }

    /// Replaces a column, or appends it, with texts given as codes (see [`Texts`]); one copy per distinct text.
    ///
    /// # Errors
    /// Where the number of codes is not the table's height or a code has no value.
    pub fn with_texts(&self, name: &str, texts: Texts) -> Result<Self> {
        let mut builder = CellsBuilder::default();
        let known: Vec<Cell> = texts.values.iter().map(|value| builder.text_cell(value)).collect();
        for code in &texts.codes {
            let cell = match known.get(*code as usize) {
                Some(cell) => *cell,
                None if *code == Texts::MISSING => Cell::Blank,
                None => return Err(Error::internal(format!("column `{name}`: code {code} has no text"))),
            };
            builder.push(cell);
        }
        self.with_cells(name, builder.finish())
    }

    /// Replaces a column, or appends it, with numbers. NaN and infinities become blank: no sheet can hold them.
    ///
    /// # Errors
    /// Where the number of cells is not the table's height.
    pub fn with_numbers(&self, name: &str, numbers: Vec<Option<f64>>) -> Result<Self> {
        let cell = |number: &Option<f64>| match number {
            Some(number) if number.is_finite() => Cell::Number(*number),
            _ => Cell::Blank,
        };
        self.with_cells(
            name,
            Cells {
                cells: numbers.iter().map(cell).collect(),
                texts: Vec::new(),
            },
        )
    }

    /// Replaces a column, or appends it, with whole numbers.
    ///
    /// # Errors
    /// Where the number of cells is not the table's height.
    pub fn with_integers(&self, name: &str, numbers: Vec<Option<i64>>) -> Result<Self> {
        let cells = numbers.iter().map(|number| number.map_or(Cell::Blank, Cell::Integer)).collect();
        self.with_cells(name, Cells { cells, texts: Vec::new() })
    }

    /// Replaces a column, or appends it, with real dates: seconds since 1970-01-01 in local time.
    ///
    /// # Errors
    /// Where the number of cells is not the table's height.
    pub fn with_dates(&self, name: &str, seconds: Vec<Option<i64>>) -> Result<Self> {
        let cell = |seconds: &Option<i64>| {
            seconds
                .and_then(|seconds| seconds.checked_mul(1_000_000))
                .map_or(Cell::Blank, Cell::Date)
        };
        let cells = seconds.iter().map(cell).collect();
        self.with_cells(name, Cells { cells, texts: Vec::new() })
    }

    fn with_cells(&self, name: &str, cells: Cells) -> Result<Self> {
        self.with_made(name, cells.into_column())
    }

    pub(crate) fn with_made(&self, name: &str, column: Column) -> Result<Self> {
        if column.len() != self.height() {
            return Err(Error::internal(format!(
                "column `{name}` has {} cells for {} rows",
                column.len(),
                self.height()
            )));
        }
        let mut table = self.clone();
        match column.types() {
            Some(types) => table.types.insert(name.to_owned(), Arc::clone(types)),
            None => table.types.remove(name),
        };
        if !table.has(name) {
            table.names.push(name.to_owned());
        }
        let series = column.series().clone().with_name(name.into());
        table
            .frame
            .with_column(series.into())
            .map_err(|error| Error::internal(format!("column `{name}`: {error}")))?;
        Ok(table)
    }

    /// Without the given columns; names that are not there are passed over.
    #[must_use]
    pub fn without(&self, dropped: &[&str]) -> Self {
        let gone = |name: &str| dropped.contains(&name);
        let mut table = self.clone();
        table.names.retain(|name| !gone(name));
        table.types.retain(|name, _| !gone(name));
        table.frame = table.frame.drop_many(dropped.iter().copied());
        table
    }

    /// How many cells of a column are blank or missing markers.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn missing_count(&self, name: &str) -> Result<usize> {
        let column = self.column(name)?;
        Ok((0..self.height()).filter(|row| text::category(&column.get(*row)).is_none()).count())
    }

    /// How many different texts a column has, missing cells left out.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn distinct_count(&self, name: &str) -> Result<usize> {
        Ok(self.texts(name)?.values.len())
    }

    /// Gives the table another source, such as the file it is going to be written to.
    #[must_use]
    pub fn with_source(&self, source: Source) -> Self {
        Self {
            source: Arc::new(source),
            ..self.clone()
        }
    }
}

fn in_source(error: Error, source: &Source) -> Error {
    let error = error.in_file(source.path.clone());
    match &source.sheet {
        Some(sheet) => error.in_sheet(sheet.clone()),
        None => error,
    }
}

/// A text as a cell of the type of another cell; `None` where it does not mean one.
fn same_type(former: &CellView, text: &str) -> Option<Cell> {
    match former {
        CellView::Number(_) | CellView::Integer(_) => match text.parse::<i64>() {
            Ok(number) if matches!(former, CellView::Integer(_)) => Some(Cell::Integer(number)),
            _ => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Cell::Number),
        },
        CellView::Bool(_) => match text.to_ascii_uppercase().as_str() {
            "TRUE" => Some(Cell::Bool(true)),
            "FALSE" => Some(Cell::Bool(false)),
            _ => None,
        },
        CellView::Date(_) => text::date_micros(text).map(Cell::Date),
        CellView::Blank | CellView::Text(_) | CellView::Error(_) => None,
    }
}

/// A value cut down for a message: one line, 40 characters.
pub(crate) fn shortened(value: &str) -> String {
    const SHOWN: usize = 40;
    let mut text: String = value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(SHOWN).is_some() {
        text.push('\u{2026}');
    }
    text
}

#[cfg(test)]
mod tests;
