//! Excel's binary workbook ([MS-XLSB]): parts of records in a zip archive. The parser of the other formats stops at records that Excel reads (formulas
//! with an error, cells without a column of their own, error values it does not know) and gives no word on merged cells and hidden rows.

use std::collections::BTreeMap;

use calamine::{DataRef, Dimensions, Sheet, SheetType, SheetVisible};

use super::super::marks::Marks;
use super::super::parts::Parts;
use super::grid::{Grid, damaged};
use super::number_formats::{self, Shown, built_in, of_code};
use crate::error::{Error, Result};

/// A binary workbook: its sheets, texts and formats.
pub(super) struct Xlsb {
    /// Sheets and the parts that hold them.
    sheets: Vec<(Sheet, Option<String>)>,
    strings: Vec<String>,
    formats: Vec<Shown>,
    is_1904: bool,
}

/// The records of a part: number and content.
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// A number in seven bits a byte, the last byte without the eighth.
    fn packed(&mut self, most: usize) -> Option<u32> {
        let mut number = 0;
        for place in 0..most {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u32::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }

    fn next(&mut self) -> Result<Option<(u32, &'a [u8])>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let kind = self.packed(2).ok_or_else(short)?;
        let length = self.packed(4).ok_or_else(short)? as usize;
        let (data, rest) = self.rest.split_at_checked(length).ok_or_else(|| damaged("it is cut off"))?;
        self.rest = rest;
        Ok(Some((kind, data)))
    }
}

fn short() -> Error {
    damaged("one of its records is too short")
}

fn bytes<const N: usize>(data: &[u8], at: usize) -> Result<[u8; N]> {
    data.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or_else(short)
}

fn number16(data: &[u8], at: usize) -> Result<u16> {
    bytes(data, at).map(u16::from_le_bytes)
}

fn number32(data: &[u8], at: usize) -> Result<u32> {
    bytes(data, at).map(u32::from_le_bytes)
}

/// A text with its length in front, and how many bytes both take.
fn wide(data: &[u8], at: usize) -> Result<(String, usize)> {
    let length = number32(data, at)? as usize;
    let letters = data
        .get(at + 4..)
        .and_then(|rest| rest.get(..length.checked_mul(2)?))
        .ok_or_else(|| damaged("a text of it is cut off"))?;
    let units: Vec<u16> = letters.as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two)).collect();
    Ok((String::from_utf16_lossy(&units), 4 + letters.len()))
}

impl Xlsb {
    /// Reads what the sheets share.
    pub(super) fn open(parts: &mut Parts<'_>) -> Result<Self> {
        let mut book = Self {
            sheets: Vec::new(),
            strings: Vec::new(),
            formats: Vec::new(),
            is_1904: false,
        };
        book.read_workbook(parts)?;
        if let Some(part) = parts.related("sharedStrings") {
            let content = parts.read(&part)?;
            let mut records = Records { rest: &content };
            while let Some((kind, data)) = records.next()? {
                if kind == 0x13 {
                    book.strings.push(wide(data, 1)?.0);
                }
            }
        }
        if let Some(part) = parts.related("styles") {
            book.read_styles(&parts.read(&part)?)?;
        }
        Ok(book)
    }

    fn read_workbook(&mut self, parts: &mut Parts<'_>) -> Result<()> {
        let content = parts.read_main()?;
        let mut records = Records { rest: &content };
        while let Some((kind, data)) = records.next()? {
            match kind {
                0x99 => self.is_1904 = data.first().is_some_and(|flags| flags & 1 != 0),
                0x9c => {
                    let visible = match number32(data, 0)? {
                        0 => SheetVisible::Visible,
                        1 => SheetVisible::Hidden,
                        _ => SheetVisible::VeryHidden,
                    };
                    let (relation, length) = if number32(data, 8)? == u32::MAX {
                        (String::new(), 4)
                    } else {
                        wide(data, 8)?
                    };
                    let (name, _) = wide(data, 8 + length)?;
                    let part = parts.sheet(&relation);
                    let typ = if part.is_some() || relation.is_empty() {
                        SheetType::WorkSheet
                    } else {
                        SheetType::ChartSheet
                    };
                    self.sheets.push((Sheet { name, typ, visible }, part));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_styles(&mut self, content: &[u8]) -> Result<()> {
        let mut written = BTreeMap::new();
        let mut in_cell_styles = false;
        let mut records = Records { rest: content };
        while let Some((kind, data)) = records.next()? {
            match kind {
                0x2c => {
                    written.insert(number16(data, 0)?, of_code(&wide(data, 2)?.0));
                }
                0x269 => in_cell_styles = true,
                0x26a => in_cell_styles = false,
                0x2f if in_cell_styles => {
                    let number = number16(data, 2)?;
                    self.formats.push(written.get(&number).copied().unwrap_or(built_in(number)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sheets that have a part; a sheet without one was never filled.
    pub(super) fn sheets(&self) -> Vec<Sheet> {
        self.sheets
            .iter()
            .filter(|(_, part)| part.is_some())
            .map(|(sheet, _)| sheet.clone())
            .collect()
    }

    pub(super) fn is_1904(&self) -> bool {
        self.is_1904
    }

    /// Reads the cells of a sheet, and what else it says about its rows.
    pub(super) fn fill(&self, parts: &mut Parts<'_>, name: &str, grid: &mut Grid) -> Result<Marks> {
        let part = self
            .sheets
            .iter()
            .find(|(sheet, _)| sheet.name == name)
            .and_then(|(_, part)| part.as_ref());
        let content = parts.read(part.ok_or_else(|| damaged("the sheet is not where the book says"))?)?;
        let mut marks = Marks::default();
        let (mut row, mut column) = (0, None);
        // Some programs leave rubbish behind the cells: rows and cells are such between their two marks only.
        let (mut in_cells, mut ended) = (false, false);
        let mut records = Records { rest: &content };
        while let Some((kind, data)) = records.next()? {
            match kind {
                0x91 => in_cells = true,
                0x92 => in_cells = false,
                0x00 if in_cells => {
                    (row, column) = (number32(data, 0)?, None);
                    if data.get(11).is_some_and(|flags| flags & 0x10 != 0) {
                        marks.hidden.push(row);
                    }
                }
                0xb0 => marks.merged.push(Dimensions {
                    start: (number32(data, 0)?, number32(data, 8)?),
                    end: (number32(data, 4)?, number32(data, 12)?),
                }),
                0xa3 => marks.filtered = true,
                0x82 => ended = true,
                1..=18 | 62 if in_cells => {
                    // The short kinds say no column: it is the next one.
                    let is_short = (12..=18).contains(&kind);
                    let at = if is_short { 4 } else { 8 };
                    let place = if is_short {
                        column.map_or(0, |last: u32| last.saturating_add(1))
                    } else {
                        number32(data, 0)?
                    };
                    column = Some(place);
                    let style = number32(data, at - 4)? & 0x00ff_ffff;
                    if let Some(value) = self.value(kind, style, data, at)? {
                        grid.push_value((row, place), &value)?;
                    }
                }
                _ => {}
            }
        }
        if ended { Ok(marks) } else { Err(damaged("it is cut off")) }
    }

    fn value(&self, kind: u32, style: u32, data: &[u8], at: usize) -> Result<Option<DataRef<'_>>> {
        let shown = || self.formats.get(style as usize).copied().unwrap_or(Shown::Number);
        let number = |number| number_formats::value(number, shown(), self.is_1904);
        let byte = || data.get(at).copied().ok_or_else(short);
        Ok(Some(match kind {
            2 | 13 => number(number_formats::unsqueezed(number32(data, at)?)),
            3 | 11 | 14 => number_formats::error(byte()?),
            4 | 10 | 15 => DataRef::Bool(byte()? != 0),
            5 | 9 | 16 => number(f64::from_le_bytes(bytes(data, at)?)),
            6 | 8 | 17 => DataRef::String(wide(data, at)?.0),
            7 | 18 => {
                let text = self.strings.get(number32(data, at)? as usize);
                DataRef::SharedString(text.ok_or_else(|| damaged("a cell names a text that is not in the list"))?)
            }
            62 => DataRef::String(wide(data, at + 1)?.0),
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_numbers_of_one_or_two_bytes() {
        let mut records = Records {
            rest: &[0x9c, 0x01, 0x02, 7, 8, 0x00, 0x00, 0x13, 0x05, 1],
        };
        assert_eq!(records.next().unwrap(), Some((0x9c, &[7_u8, 8][..])));
        assert_eq!(records.next().unwrap(), Some((0, &[][..])));
        assert!(records.next().is_err());
    }
}
