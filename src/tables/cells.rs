//! Cells collected one by one, of any type each, and made a column: what the readers of workbooks and the makers of columns use.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use polars::prelude::{ChunkTake, IdxCa, IntoSeries, NewChunkedArray, PlSmallStr, Series, StringChunked};

use super::column::{CellType, CellView, Column, dates_from, series};
use super::text;

/// One cell; texts are kept once per column and named by number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Blank,
    Text(u32),
    Number(f64),
    Integer(i64),
    Bool(bool),
    /// Microseconds since 1970-01-01 00:00, local time as written.
    Date(i64),
    /// An Excel error value such as `#N/A`.
    Error(&'static str),
}

/// Typed cells with their texts.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    pub(crate) cells: Vec<Cell>,
    pub(crate) texts: Vec<Box<str>>,
}

/// Collects cells row by row, keeping each distinct text once.
#[derive(Default)]
pub(crate) struct CellsBuilder {
    built: Cells,
    known: HashTable<u32>,
    hasher: hashbrown::DefaultHashBuilder,
}

impl CellsBuilder {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        let mut builder = Self::default();
        builder.built.cells.reserve(rows);
        builder
    }

    pub(crate) fn push(&mut self, cell: Cell) {
        self.built.cells.push(cell);
    }

    pub(crate) fn push_text(&mut self, value: &str) {
        let cell = self.text_cell(value);
        self.built.cells.push(cell);
    }

    /// Takes over a cell of another column.
    pub(crate) fn push_view(&mut self, cell: &CellView<'_>) {
        match cell {
            CellView::Blank => self.push(Cell::Blank),
            CellView::Text(text) => self.push_text(text),
            CellView::Number(number) => self.push(Cell::Number(*number)),
            CellView::Integer(number) => self.push(Cell::Integer(*number)),
            CellView::Bool(truth) => self.push(Cell::Bool(*truth)),
            CellView::Date(micros) => self.push(Cell::Date(*micros)),
            CellView::Error(error) => self.push(Cell::Error(error)),
        }
    }

    /// The cell for a text; an empty one is blank.
    pub(crate) fn text_cell(&mut self, value: &str) -> Cell {
        if value.is_empty() {
            return Cell::Blank;
        }
        let texts = &mut self.built.texts;
        let hash = self.hasher.hash_one(value);
        let found = self.known.entry(
            hash,
            |code| texts[*code as usize].as_ref() == value,
            |code| self.hasher.hash_one(texts[*code as usize].as_ref()),
        );
        Cell::Text(match found {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let code = texts.len() as u32;
                entry.insert(code);
                texts.push(value.into());
                code
            }
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.built.cells.len()
    }

    /// Fills up with blanks to a height.
    pub(crate) fn pad(&mut self, height: usize) {
        if self.built.cells.len() < height {
            self.built.cells.resize(height, Cell::Blank);
        }
    }

    pub(crate) fn finish(self) -> Cells {
        self.built
    }
}

/// Beyond this a whole number may not survive as a float.
const EXACT: u64 = 1 << 53;

impl Cells {
    pub(crate) fn text(&self, code: u32) -> &str {
        self.texts.get(code as usize).map_or("", |text| text)
    }

    fn type_of(cell: &Cell) -> Option<CellType> {
        Some(match cell {
            Cell::Blank => return None,
            Cell::Text(_) => CellType::Text,
            Cell::Number(_) => CellType::Number,
            Cell::Integer(_) => CellType::Integer,
            Cell::Bool(_) => CellType::Bool,
            Cell::Date(_) => CellType::Date,
            Cell::Error(_) => CellType::Error,
        })
    }

    /// The cells as a column: of the type they all have; whole and other numbers as numbers; cells of several types as texts that remember what
    /// they were.
    pub(crate) fn into_column(self) -> Column {
        use CellType as T;
        let mut seen = [false; T::COUNT];
        let mut exact = true;
        for cell in &self.cells {
            if let Some(kind) = Self::type_of(cell) {
                seen[kind as usize] = true;
            }
            if let Cell::Integer(number) = cell {
                exact &= number.unsigned_abs() <= EXACT;
            }
        }
        let only = |kinds: &[T]| T::ALL.iter().all(|kind| !seen[*kind as usize] || kinds.contains(kind));
        if only(&[T::Text]) {
            return Column::plain(self.texts_as_series());
        }
        if only(&[T::Integer]) {
            let whole = |cell: &Cell| if let Cell::Integer(number) = cell { Some(*number) } else { None };
            return Column::plain(series(self.cells.iter().map(whole).collect::<Vec<_>>()));
        }
        if only(&[T::Number, T::Integer]) && exact {
            let numbers = self.cells.iter().map(|cell| match cell {
                Cell::Number(number) => Some(*number),
                Cell::Integer(number) => Some(*number as f64),
                _ => None,
            });
            let numbers = series(numbers.collect::<Vec<_>>());
            return match seen[T::Integer as usize] {
                true => Column::mixed(numbers, self.types()),
                false => Column::plain(numbers),
            };
        }
        if only(&[T::Bool]) {
            let truth = |cell: &Cell| if let Cell::Bool(truth) = cell { Some(*truth) } else { None };
            return Column::plain(series(self.cells.iter().map(truth).collect::<Vec<_>>()));
        }
        if only(&[T::Date]) {
            let micros = |cell: &Cell| if let Cell::Date(micros) = cell { Some(*micros) } else { None };
            if let Some(dates) = dates_from(self.cells.iter().map(micros).collect()) {
                return Column::plain(dates);
            }
        }
        let types = self.types();
        Column::mixed(self.shown_as_series(), types)
    }

    fn types(&self) -> Arc<[CellType]> {
        self.cells
            .iter()
            .map(|cell| Self::type_of(cell).unwrap_or(CellType::Text))
            .collect()
    }

    /// Texts alone: the distinct ones once, and every cell a view of one of them.
    fn texts_as_series(&self) -> Series {
        let distinct = StringChunked::from_iter_values(PlSmallStr::EMPTY, self.texts.iter().map(|text| text.as_ref()));
        let codes = self
            .cells
            .iter()
            .map(|cell| if let Cell::Text(code) = cell { Some(*code) } else { None });
        let codes = IdxCa::from_iter_options(PlSmallStr::EMPTY, codes);
        match distinct.take(&codes) {
            Ok(texts) => texts.into_series(),
            // A code without a text cannot come from the builder.
            Err(_) => self.shown_as_series(),
        }
    }

    fn shown_as_series(&self) -> Series {
        let shown = self.cells.iter().map(|cell| self.shown(cell));
        StringChunked::from_iter_options(PlSmallStr::EMPTY, shown).into_series()
    }

    /// A cell as a person reads it; `None` for a blank one.
    fn shown(&self, cell: &Cell) -> Option<String> {
        Some(match cell {
            Cell::Blank => return None,
            Cell::Text(code) => self.text(*code).to_owned(),
            Cell::Number(number) => text::number_text(*number),
            Cell::Integer(number) => number.to_string(),
            Cell::Bool(truth) => (if *truth { "TRUE" } else { "FALSE" }).to_owned(),
            Cell::Date(micros) => text::date_text(*micros),
            Cell::Error(error) => (*error).to_owned(),
        })
    }
}
