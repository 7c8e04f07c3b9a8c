//! Workbooks of Excel 5 to 2003 ([MS-XLS]): a stream of records. The parser of the other formats allocates what such a file claims and gives no word on
//! hidden rows, so the records are read here; what is kept grows with the bytes that were read and never with what they claim.

use calamine::{DataRef, Dimensions, Sheet, SheetType, SheetVisible};
use encoding_rs::{Encoding, WINDOWS_1252};

use super::super::marks::Marks;
use super::compound::Compound;
use super::grid::{Grid, damaged, locked};
use super::number_formats::{self, Shown, built_in, of_code};
use super::wide_text::Pieces;
use crate::error::{Error, Result};

/// Records by their numbers.
mod record {
    pub const END: u16 = 0x000a;
    pub const CONTINUE: u16 = 0x003c;
    pub const BEGIN: u16 = 0x0809;
    pub const STRING: u16 = 0x0207;
}

/// An old workbook: its sheets, texts and formats.
pub(super) struct Xls {
    stream: Vec<u8>,
    /// Sheets and where their records begin.
    sheets: Vec<(Sheet, usize)>,
    strings: Vec<String>,
    formats: Vec<Shown>,
    is_1904: bool,
    /// Texts are Unicode (since Excel 97); before, they were in the code page.
    unicode: bool,
    code_page: &'static Encoding,
}

/// The records from a place on; a record comes with those that continue it.
struct Records<'a> {
    rest: &'a [u8],
}

struct Record<'a> {
    kind: u16,
    data: &'a [u8],
    continued: Vec<&'a [u8]>,
}

impl<'a> Records<'a> {
    fn plain(&mut self) -> Option<(u16, &'a [u8])> {
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let (data, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some((kind, data))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (kind, data) = self.plain()?;
        let mut continued = Vec::new();
        while self.rest.starts_with(&record::CONTINUE.to_le_bytes()) {
            continued.push(self.plain()?.1);
        }
        Some(Record { kind, data, continued })
    }
}

fn number16(data: &[u8], at: usize) -> Result<u16> {
    data.get(at..)
        .and_then(|rest| rest.first_chunk::<2>())
        .map(|two| u16::from_le_bytes(*two))
        .ok_or_else(short)
}

fn number32(data: &[u8], at: usize) -> Result<u32> {
    Ok(u32::from(number16(data, at)?) | u32::from(number16(data, at + 2)?) << 16)
}

fn float(data: &[u8], at: usize) -> Result<f64> {
    data.get(at..)
        .and_then(|rest| rest.first_chunk::<8>())
        .map(|eight| f64::from_le_bytes(*eight))
        .ok_or_else(short)
}

fn short() -> Error {
    damaged("one of its records is too short")
}

/// The encoding behind a Windows code page number.
fn code_page(number: u16) -> &'static Encoding {
    let label = match number {
        874 => "windows-874",
        932 => "shift_jis",
        936 => "gbk",
        949 => "euc-kr",
        950 => "big5",
        866 => "ibm866",
        1200 => "utf-16le",
        1250 => "windows-1250",
        1251 => "windows-1251",
        1253 => "windows-1253",
        1254 => "windows-1254",
        1255 => "windows-1255",
        1256 => "windows-1256",
        1257 => "windows-1257",
        1258 => "windows-1258",
        10_000 | 32_768 => "macintosh",
        10_007 => "x-mac-cyrillic",
        65_001 => "utf-8",
        _ => "windows-1252",
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

impl Xls {
    /// Reads what the sheets share.
    pub(super) fn open(bytes: &[u8]) -> Result<Self> {
        let file = Compound::open(bytes).map_err(damaged)?;
        let stream = file
            .stream("Workbook")
            .or_else(|| file.stream("Book"))
            .ok_or_else(|| damaged("it holds no workbook; other Office documents look like this too"))?
            .map_err(damaged)?;
        drop(file);
        let mut book = Self {
            stream: Vec::new(),
            sheets: Vec::new(),
            strings: Vec::new(),
            formats: Vec::new(),
            is_1904: false,
            unicode: true,
            code_page: WINDOWS_1252,
        };
        book.read_globals(&stream)?;
        book.stream = stream;
        Ok(book)
    }

    fn read_globals(&mut self, stream: &[u8]) -> Result<()> {
        let mut records = Records { rest: stream };
        let first = records.next().ok_or_else(|| damaged("its workbook is empty"))?;
        self.unicode = match (first.kind, number16(first.data, 0)?) {
            (record::BEGIN, 0x0500) => false,
            (record::BEGIN, _) => true,
            (0x0009 | 0x0209 | 0x0409, _) => {
                return Err(Error::input("this is a sheet of Excel 4 or older").hint("open it in Excel and save it as .xlsx"));
            }
            _ => return Err(damaged("its workbook begins with something else")),
        };
        let mut written = Vec::new();
        let mut of_styles = Vec::new();
        let mut bound = Vec::new();
        let mut ended = false;
        for found in records {
            match found.kind {
                record::END => {
                    ended = true;
                    break;
                }
                0x002f => return Err(locked()),
                0x0042 => self.code_page = code_page(number16(found.data, 0)?),
                0x0022 => self.is_1904 = number16(found.data, 0)? == 1,
                0x0085 => bound.push(found.data),
                0x041e => written.push((number16(found.data, 0)?, self.format_code(found.data)?)),
                0x00e0 => of_styles.push(number16(found.data, 2)?),
                0x00fc => self.strings = self.shared_strings(&found)?,
                _ => {}
            }
        }
        if !ended {
            return Err(damaged("it is cut off"));
        }
        self.formats = of_styles
            .iter()
            .map(|number| match written.iter().find(|(known, _)| known == number) {
                Some((_, code)) => of_code(code),
                None => built_in(*number),
            })
            .collect();
        for data in bound {
            let visible = match data.get(4).ok_or_else(short)? & 3 {
                0 => SheetVisible::Visible,
                1 => SheetVisible::Hidden,
                _ => SheetVisible::VeryHidden,
            };
            let typ = match data.get(5).ok_or_else(short)? {
                0 => SheetType::WorkSheet,
                1 => SheetType::MacroSheet,
                2 => SheetType::ChartSheet,
                _ => SheetType::Vba,
            };
            let name = self.text(&data[6..], &[], 1)?;
            self.sheets.push((Sheet { name, typ, visible }, number32(data, 0)? as usize));
        }
        Ok(())
    }

    /// A text that begins with its length in one byte or two, then, since Excel 97, whether its letters are wide.
    fn text(&self, data: &[u8], continued: &[&[u8]], length_bytes: usize) -> Result<String> {
        let mut pieces = Pieces::new(data, continued);
        let length = if length_bytes == 1 {
            usize::from(pieces.byte().ok_or_else(short)?)
        } else {
            usize::from(pieces.number16().ok_or_else(short)?)
        };
        if self.unicode {
            // A length of 0 may stand alone.
            return match pieces.byte() {
                None if length == 0 => Ok(String::new()),
                None => Err(short()),
                Some(flags) => pieces.unicode(length, flags).ok_or_else(|| damaged("a text of it is cut off")),
            };
        }
        let bytes = pieces.bytes(length).ok_or_else(|| damaged("a text of it is cut off"))?;
        Ok(self.code_page.decode_without_bom_handling(&bytes).0.into_owned())
    }

    fn format_code(&self, data: &[u8]) -> Result<String> {
        self.text(data.get(2..).ok_or_else(short)?, &[], if self.unicode { 2 } else { 1 })
    }

    /// The texts that cells name by number.
    fn shared_strings(&self, found: &Record<'_>) -> Result<Vec<String>> {
        let count = number32(found.data, 4)? as usize;
        let mut pieces = Pieces::new(&found.data[8..], &found.continued);
        let mut strings = Vec::new();
        while strings.len() < count && !pieces.at_end() {
            strings.push(pieces.counted_unicode().ok_or_else(|| damaged("its list of texts is cut off"))?);
        }
        Ok(strings)
    }

    pub(super) fn sheets(&self) -> Vec<Sheet> {
        self.sheets.iter().map(|(sheet, _)| sheet.clone()).collect()
    }

    pub(super) fn is_1904(&self) -> bool {
        self.is_1904
    }

    /// Reads the cells of a sheet, and what else it says about its rows.
    pub(super) fn fill(&self, name: &str, grid: &mut Grid) -> Result<Marks> {
        let start = self
            .sheets
            .iter()
            .find(|(sheet, _)| sheet.name == name)
            .map_or(0, |(_, start)| *start);
        let rest = self.stream.get(start..).unwrap_or(&[]);
        let mut found = Found {
            book: self,
            cells: Vec::new(),
            marks: Marks::default(),
            formula: None,
        };
        let mut depth = 0_usize;
        for record in (Records { rest }) {
            match record.kind {
                record::BEGIN => depth += 1,
                record::END => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        // Written in any order, read in that of the sheet; of two values for one place the later one stands.
                        let Found { mut cells, marks, .. } = found;
                        cells.sort_by_key(|(place, _)| *place);
                        for (index, (place, value)) in cells.iter().enumerate() {
                            if cells.get(index + 1).is_none_or(|(next, _)| next != place) {
                                grid.push_value((u32::from(place.0), u32::from(place.1)), value)?;
                            }
                        }
                        return Ok(marks);
                    }
                }
                // A chart inside the sheet has records of its own.
                _ if depth == 1 => found.read(&record)?,
                _ => {}
            }
            if depth == 0 {
                return Err(damaged("the sheet is not where the book says"));
            }
        }
        Err(damaged("it is cut off"))
    }
}

/// What the records of a sheet have told so far.
struct Found<'a> {
    book: &'a Xls,
    cells: Vec<((u16, u16), DataRef<'a>)>,
    marks: Marks,
    /// The place of a formula whose text comes in a record of its own.
    formula: Option<(u16, u16)>,
}

impl Found<'_> {
    fn read(&mut self, record: &Record<'_>) -> Result<()> {
        let data = record.data;
        let place = || -> Result<(u16, u16)> { Ok((number16(data, 0)?, number16(data, 2)?)) };
        match record.kind {
            0x0203 => self.number(place()?, number16(data, 4)?, float(data, 6)?),
            0x027e => self.number(place()?, number16(data, 4)?, number_formats::unsqueezed(number32(data, 6)?)),
            0x00bd => {
                let (row, first) = place()?;
                let many = data.get(4..data.len().saturating_sub(2)).ok_or_else(short)?;
                for (index, six) in many.chunks_exact(6).enumerate() {
                    let column = first.saturating_add(index as u16);
                    self.number((row, column), number16(six, 0)?, number_formats::unsqueezed(number32(six, 2)?));
                }
            }
            0x00fd => {
                let place = place()?;
                let book = self.book;
                let text = book.strings.get(number32(data, 6)? as usize);
                let text = text.ok_or_else(|| damaged("a cell names a text that is not in the list"))?;
                self.cells.push((place, DataRef::SharedString(text)));
            }
            0x0204 | 0x00d6 => {
                let text = self.book.text(data.get(6..).ok_or_else(short)?, &record.continued, 2)?;
                self.cells.push((place()?, DataRef::String(text)));
            }
            0x0205 => {
                let (value, is_error) = (*data.get(6).ok_or_else(short)?, *data.get(7).ok_or_else(short)?);
                self.truth_or_error(place()?, value, is_error != 0);
            }
            0x0006 | 0x0206 | 0x0406 => self.formula_result(place()?, data)?,
            record::STRING => {
                if let Some(place) = self.formula.take() {
                    let text = self.book.text(data, &record.continued, 2)?;
                    self.cells.push((place, DataRef::String(text)));
                }
            }
            0x00e5 => {
                for eight in data.get(2..).unwrap_or(&[]).chunks_exact(8) {
                    let at = |place| number16(eight, place).map(u32::from);
                    self.marks.merged.push(Dimensions {
                        start: (at(0)?, at(4)?),
                        end: (at(2)?, at(6)?),
                    });
                }
            }
            0x0208 if number16(data, 12)? & 0x20 != 0 => self.marks.hidden.push(u32::from(number16(data, 0)?)),
            0x009b => self.marks.filtered = true,
            _ => {}
        }
        Ok(())
    }

    fn number(&mut self, place: (u16, u16), format: u16, number: f64) {
        let shown = self.book.formats.get(usize::from(format)).copied().unwrap_or(Shown::Number);
        self.cells.push((place, number_formats::value(number, shown, self.book.is_1904)));
    }

    fn truth_or_error(&mut self, place: (u16, u16), value: u8, is_error: bool) {
        let value = if is_error {
            number_formats::error(value)
        } else {
            DataRef::Bool(value != 0)
        };
        self.cells.push((place, value));
    }

    fn formula_result(&mut self, place: (u16, u16), data: &[u8]) -> Result<()> {
        self.formula = None;
        if number16(data, 12)? != 0xffff {
            self.number(place, number16(data, 4)?, float(data, 6)?);
            return Ok(());
        }
        let value = data[8];
        match data[6] {
            0 => self.formula = Some(place),
            1 => self.truth_or_error(place, value, false),
            2 => self.truth_or_error(place, value, true),
            _ => {}
        }
        Ok(())
    }
}
