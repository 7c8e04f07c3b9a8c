//! How a sheet is read: what the person corrected, in the form that pages, the store and commands take.

use serde::{Deserialize, Serialize};

use super::line::Line;
use super::requests::Asked;
use crate::error::{Error, Result};
use crate::tables::{DateOrder, DecimalMark, ReadOptions, Writing};

/// Decimal marks in words; the option that states each is its own.
pub(super) const MARKS: [(DecimalMark, &str); 2] = [(DecimalMark::Point, "1,234.56"), (DecimalMark::Comma, "1.234,56")];

/// Orders of dates in words.
pub(super) const ORDERS: [(DateOrder, &str); 3] = [
    (DateOrder::DayFirst, "31/1/2018, day first"),
    (DateOrder::MonthFirst, "1/31/2018, month first"),
    (DateOrder::YearFirst, "18/1/31, year first"),
];

/// Encodings of texts that programs still write, by the letters that they are for.
pub(super) const ENCODINGS: [(&str, &str); 9] = [
    ("utf-8", "Unicode (UTF-8)"),
    ("windows-1252", "Western European (Windows-1252)"),
    ("windows-1250", "Central European (Windows-1250)"),
    ("windows-1251", "Cyrillic (Windows-1251)"),
    ("windows-1253", "Greek (Windows-1253)"),
    ("windows-1254", "Turkish (Windows-1254)"),
    ("macintosh", "Western European (old Macs)"),
    ("shift_jis", "Japanese (Shift JIS)"),
    ("gb18030", "Chinese (GB 18030)"),
];

/// What the person said; all else is detected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Reading {
    /// Sheet of a workbook.
    pub worksheet: Option<String>,
    /// Row of the column names.
    pub header_row: Option<usize>,
    /// Encoding of a text, as the reader names it.
    pub encoding: Option<String>,
    pub decimal: Option<DecimalMark>,
    pub dates: Option<DateOrder>,
    /// Whether hidden rows are left out.
    pub visible_only: bool,
}

impl Reading {
    /// As a form has it.
    ///
    /// # Errors
    /// Where a value is none of those offered.
    pub fn of_form(asked: &Asked) -> Result<Self> {
        let header_row = asked.field("header_row").map(|text| match text.parse::<usize>() {
            Ok(row) if row > 0 => Ok(row),
            _ => Err(Error::input(format!("`{text}` is no row number")).hint("rows are counted from 1, as the spreadsheet shows them")),
        });
        let unknown = |text: &str| Error::input(format!("`{text}` is none of the choices"));
        let decimal = asked.field("decimal").map(|text| {
            let mark = MARKS.into_iter().find(|(mark, _)| mark.option() == text);
            mark.map(|(mark, _)| mark).ok_or_else(|| unknown(text))
        });
        let dates = asked.field("dates").map(|text| {
            let order = ORDERS.into_iter().find(|(order, _)| order.option() == text);
            order.map(|(order, _)| order).ok_or_else(|| unknown(text))
        });
        let encoding = asked.field("encoding").map(|text| {
            let known = ENCODINGS.into_iter().find(|(name, _)| *name == text);
            known.map(|(name, _)| name.to_owned()).ok_or_else(|| unknown(text))
        });
        Ok(Self {
            worksheet: asked.field("worksheet").map(str::to_owned),
            header_row: header_row.transpose()?,
            encoding: encoding.transpose()?,
            decimal: decimal.transpose()?,
            dates: dates.transpose()?,
            visible_only: asked.field("visible_only").is_some(),
        })
    }

    /// As the reader of sheets takes it.
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            sheet: self.worksheet.clone(),
            header_row: self.header_row,
            encoding: self.encoding.clone(),
            writing: Writing {
                decimal: self.decimal,
                dates: self.dates,
            },
            visible_only: self.visible_only,
            ..ReadOptions::default()
        }
    }

    /// As options of a command.
    pub fn onto(&self, line: Line) -> Line {
        let row = self.header_row.map(|row| row.to_string());
        let mut line = line
            .maybe("--sheet", self.worksheet.as_deref())
            .maybe("--header-row", row.as_deref())
            .maybe("--encoding", self.encoding.as_deref());
        for words in [self.decimal.map(DecimalMark::option), self.dates.map(DateOrder::option)]
            .into_iter()
            .flatten()
        {
            line = line.words(words);
        }
        line.flag("--visible-only", self.visible_only)
    }
}
