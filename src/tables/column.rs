//! Columns of cells as typed. A column of a delimited file is a view into the file's cells; every other column holds typed cells.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

use super::body::CsvText;
use super::text;

/// One stored cell; texts are kept once per column and named by number.
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

/// One cell as the accessors see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CellView<'a> {
    Blank,
    Text(Cow<'a, str>),
    Number(f64),
    Integer(i64),
    Bool(bool),
    Date(i64),
    Error(&'static str),
}

impl CellView<'_> {
    /// The cell as a person reads it; `None` for a blank one.
    pub(crate) fn shown(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Blank => return None,
            Self::Text(text) => Cow::Borrowed(text.as_ref()),
            Self::Number(number) => Cow::Owned(text::number_text(*number)),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "TRUE" } else { "FALSE" }),
            Self::Date(micros) => Cow::Owned(text::date_text(*micros)),
            Self::Error(error) => Cow::Borrowed(error),
        })
    }
}

/// Typed cells with their texts.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    pub(crate) cells: Vec<Cell>,
    pub(crate) texts: Vec<Box<str>>,
}

impl Cells {
    pub(crate) fn text(&self, code: u32) -> &str {
        self.texts.get(code as usize).map_or("", |text| text)
    }
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

#[derive(Debug)]
enum Data {
    Csv { text: Arc<CsvText>, column: usize },
    Cells(Cells),
}

/// A column: shared cells and, for a subset of rows, which of them in which order.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    data: Arc<Data>,
    picked: Option<Arc<[u32]>>,
}

impl Column {
    pub(crate) fn csv(text: Arc<CsvText>, column: usize) -> Self {
        Self {
            data: Arc::new(Data::Csv { text, column }),
            picked: None,
        }
    }

    pub(crate) fn cells(cells: Cells) -> Self {
        Self {
            data: Arc::new(Data::Cells(cells)),
            picked: None,
        }
    }

    /// The cell of a row; blank past the end.
    pub(crate) fn get(&self, index: usize) -> CellView<'_> {
        let index = match &self.picked {
            Some(picked) => match picked.get(index) {
                Some(row) => *row as usize,
                None => return CellView::Blank,
            },
            None => index,
        };
        match self.data.as_ref() {
            Data::Csv { text, column } => {
                let cell = text.cell(index, *column);
                if cell.is_empty() {
                    CellView::Blank
                } else {
                    CellView::Text(Cow::Borrowed(cell))
                }
            }
            Data::Cells(cells) => match cells.cells.get(index) {
                None | Some(Cell::Blank) => CellView::Blank,
                Some(Cell::Text(code)) => CellView::Text(Cow::Borrowed(cells.text(*code))),
                Some(Cell::Number(number)) => CellView::Number(*number),
                Some(Cell::Integer(number)) => CellView::Integer(*number),
                Some(Cell::Bool(truth)) => CellView::Bool(*truth),
                Some(Cell::Date(micros)) => CellView::Date(*micros),
                Some(Cell::Error(error)) => CellView::Error(error),
            },
        }
    }

    /// Which rows of the shared cells this column shows, if not all.
    pub(crate) fn picked(&self) -> Option<&Arc<[u32]>> {
        self.picked.as_ref()
    }

    pub(crate) fn with_picked(&self, picked: Arc<[u32]>) -> Self {
        Self {
            data: Arc::clone(&self.data),
            picked: Some(picked),
        }
    }
}
