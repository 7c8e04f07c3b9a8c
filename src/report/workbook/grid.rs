//! Sheets that are filled from top to bottom: header in sight, filter, widths, number formats. Knows nothing of repairs.
//!
//! Strings are written as strings; those that a spreadsheet would read as a formula when somebody edits the cell are
//! marked as text besides.

use std::borrow::Cow;

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, IgnoreError, Workbook, Worksheet, XlsxError,
};
use unicode_width::UnicodeWidthStr;

use crate::error::{Error, Result};
use crate::files;

/// Rows that a sheet of Excel holds, without the header and one line that tells of rows left out.
const MOST_ROWS: u32 = 1_048_574;
/// UTF-16 units that a cell of Excel holds.
const LONGEST_CELL: usize = 32_767;
/// Widest column, in characters.
const WIDEST: usize = 70;
/// Columns that a text in [`Grid::words`] spans, and their width together.
const SPAN: u16 = 5;

/// A sheet of a workbook; `F` is the function that fills it.
#[derive(Clone, Copy)]
pub struct Sheet<F> {
    /// Its name; at most 31 characters.
    pub name: &'static str,
    /// Writes header and rows.
    pub fill: F,
}

/// A workbook of several sheets, as the bytes of an .xlsx file. Equal content gives equal bytes.
///
/// # Errors
/// As `fill`.
pub fn book<F>(title: &str, sheets: &[Sheet<F>], fill: impl Fn(&F, &mut Grid<'_>) -> Result<()>) -> Result<Vec<u8>> {
    files::check_clock()?;
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_ymd(2000, 1, 1).map_err(fault)?;
    book.set_properties(&DocProperties::new().set_title(cut(title)).set_creation_datetime(&made));
    let formats = Formats::new();
    for sheet in sheets {
        let worksheet = book.add_worksheet();
        worksheet.set_name(sheet.name).map_err(fault)?;
        let mut grid = Grid::new(worksheet, &formats);
        fill(&sheet.fill, &mut grid)?;
        grid.finish()?;
    }
    book.save_to_buffer().map_err(fault)
}

fn fault(error: XlsxError) -> Error {
    Error::internal(format!("the workbook could not be written: {error}"))
}

/// What a cell holds. Unknown is an empty cell.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A count.
    Count(usize),
    /// The number of a row.
    Row(usize),
    /// A fraction, shown as percent.
    Share(f64),
    /// A difference of fractions, shown as signed percent.
    Change(f64),
    /// A figure such as a loss, with four decimals.
    Figure(f64),
    /// Any other number.
    Number(f64),
    /// A p-value.
    P(f64),
    /// Unknown.
    Empty,
}

impl Value<'_> {
    /// The value, or an empty cell.
    pub fn or_empty(value: Option<Self>) -> Self {
        value.unwrap_or(Value::Empty)
    }
}

struct Formats {
    header: Format,
    text: Format,
    guarded: Format,
    count: Format,
    row: Format,
    share: Format,
    change: Format,
    number: Format,
    figure: Format,
    p: Format,
}

impl Formats {
    fn new() -> Self {
        let cell = || Format::new().set_align(FormatAlign::Top);
        // An indent only counts for a cell that is aligned left.
        let text = cell().set_text_wrap().set_align(FormatAlign::Left).set_indent(1);
        let header = text.clone().set_bold().set_background_color(Color::RGB(0xE6_E9_EE));
        Self {
            header: header.set_border_bottom(FormatBorder::Thin).set_quote_prefix(),
            guarded: text.clone().set_quote_prefix(),
            text,
            count: cell().set_num_format("#,##0"),
            row: cell().set_num_format("0"),
            share: cell().set_num_format("0.00%"),
            change: cell().set_num_format("+0.00%;-0.00%;0.00%"),
            number: cell().set_num_format("General"),
            figure: cell().set_num_format("0.0000"),
            // A p-value is never 0.
            p: cell().set_num_format("[<0.0001]\"< 0.0001\";0.0000"),
        }
    }

    /// The format of a text: marked as text where editing the cell would make a formula of it.
    fn of_text(&self, text: &str) -> &Format {
        if text.trim_start().starts_with(['=', '+', '-', '@']) {
            &self.guarded
        } else {
            &self.text
        }
    }
}

/// A sheet in the making.
pub struct Grid<'a> {
    sheet: &'a mut Worksheet,
    formats: &'a Formats,
    next: u32,
    left_out: usize,
    widths: Vec<usize>,
    spanning: bool,
}

impl<'a> Grid<'a> {
    fn new(sheet: &'a mut Worksheet, formats: &'a Formats) -> Self {
        Self {
            sheet,
            formats,
            next: 0,
            left_out: 0,
            widths: Vec::new(),
            spanning: false,
        }
    }

    /// Writes the header row, which stays in sight.
    ///
    /// # Errors
    /// As every write here: only by a fault of ours.
    pub fn header(&mut self, titles: &[&str]) -> Result<()> {
        for (column, title) in titles.iter().enumerate() {
            let title = cut(title);
            let written = self.sheet.write_string_with_format(0, column as u16, &*title, &self.formats.header);
            written.map_err(fault)?;
            // Room for the filter button; long titles wrap.
            self.widths.push((title.width() + 5).clamp(10, 22));
        }
        self.next = 1;
        Ok(())
    }

    /// Writes the next row; rows beyond what Excel holds are counted and told at the end.
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub fn row(&mut self, values: &[Value<'_>]) -> Result<()> {
        if self.next >= MOST_ROWS {
            self.left_out += 1;
            return Ok(());
        }
        for (column, value) in values.iter().enumerate() {
            self.cell(self.next, column as u16, *value)?;
        }
        self.next += 1;
        Ok(())
    }

    /// Writes a name and a text that spans the figures' columns. A sheet with such rows has no filter.
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub fn words(&mut self, what: &str, text: &str) -> Result<()> {
        self.cell(self.next, 0, Value::Text(what))?;
        let text = cut(text);
        let format = self.formats.of_text(&text);
        let merged = self.sheet.merge_range(self.next, 1, self.next, SPAN, &text, format);
        merged.map_err(fault)?;
        // Excel does not fit the height of merged cells by itself.
        let columns = self.widths.iter().skip(1).take(usize::from(SPAN)).sum::<usize>().max(40);
        let lines = text.width() / columns + 1;
        if lines > 1 {
            self.sheet.set_row_height(self.next, 15.0 * lines.min(25) as f64).map_err(fault)?;
        }
        self.spanning = true;
        self.next += 1;
        Ok(())
    }

    fn cell(&mut self, row: u32, column: u16, value: Value<'_>) -> Result<()> {
        let formats = self.formats;
        let (number, format, width) = match value {
            Value::Text(text) => {
                let text = cut(text);
                if !text.is_empty() {
                    let written = self.sheet.write_string_with_format(row, column, &*text, formats.of_text(&text));
                    written.map_err(fault)?;
                    self.widen(column, text.width() + 3);
                }
                return Ok(());
            }
            Value::Empty => return Ok(()),
            Value::Count(count) => (count as f64, &formats.count, 12),
            Value::Row(number) => (number as f64, &formats.row, 12),
            Value::Share(share) => (share, &formats.share, 11),
            Value::Change(change) => (change, &formats.change, 11),
            Value::Figure(figure) => (figure, &formats.figure, 11),
            Value::Number(number) => (number, &formats.number, 14),
            Value::P(p) => (p, &formats.p, 10),
        };
        // Excel has no cell for what is not finite: it is unknown.
        if number.is_finite() {
            self.sheet.write_number_with_format(row, column, number, format).map_err(fault)?;
            self.widen(column, width);
        }
        Ok(())
    }

    fn widen(&mut self, column: u16, width: usize) {
        if let Some(known) = self.widths.get_mut(usize::from(column)) {
            *known = (*known).max(width.min(WIDEST));
        }
    }

    fn finish(mut self) -> Result<()> {
        if self.left_out > 0 {
            let more = format!(
                "… and {} more rows than a sheet of Excel holds: see the record (JSON)",
                self.left_out
            );
            self.cell(self.next, 0, Value::Text(&more))?;
        }
        for (column, width) in self.widths.iter().enumerate() {
            self.sheet.set_column_width(column as u16, *width as f64).map_err(fault)?;
        }
        if let Some(last) = self.widths.len().checked_sub(1) {
            let (bottom, right) = (self.next.saturating_sub(1).max(1), last as u16);
            if !self.spanning {
                self.sheet.autofilter(0, 0, bottom, right).map_err(fault)?;
            }
            // Keys are text even where they look like numbers: no green corners.
            let quiet = self.sheet.ignore_error_range(0, 0, bottom, right, IgnoreError::NumberStoredAsText);
            quiet.map_err(fault)?;
        }
        self.sheet.set_freeze_panes(1, 0).map_err(fault)?;
        self.sheet.set_repeat_rows(0, 0).map_err(fault)?;
        self.sheet.set_landscape().set_print_fit_to_pages(1, 0);
        Ok(())
    }
}

/// Text as long as a cell may be, without the two code points that XML cannot hold.
fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_CELL && !text.contains(['\u{FFFE}', '\u{FFFF}']) {
        return text.into();
    }
    let mut units = 0;
    let mut shown = String::new();
    for letter in text.chars() {
        units += letter.len_utf16();
        if units >= LONGEST_CELL {
            shown.push('…');
            break;
        }
        shown.push(if matches!(letter, '\u{FFFE}' | '\u{FFFF}') {
            '\u{FFFD}'
        } else {
            letter
        });
    }
    shown.into()
}
