//! A look into a zipped workbook before it is handed to its parser: is it one, does it unpack to a sane size, is its XML whole.
//!
//! The parser believes sizes and repeat counts that a file claims, and some of its loops end only at the closing tag. So every part it reads is unpacked
//! once, counted against the limits whatever the archive's directory claims, and the smaller XML parts and OpenDocument's content are walked through.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rayon::prelude::*;
use zip::ZipArchive;

use super::limits::{ALWAYS_UNPACKED_BYTES, MAX_COLUMNS, MAX_EXCEL_ROWS, MAX_ODS_CELLS, MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO};
use super::source::Format;
use crate::error::{Error, Result};

/// What the look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) format: Format,
    /// Whether some sheet has merged cells.
    pub(crate) merged: bool,
    /// Whether some sheet has, or may have, formulas.
    pub(crate) formulas: bool,
    /// Whether the program that opens the workbook is asked to calculate it: it may never have been.
    pub(crate) to_be_calculated: bool,
    /// Whether days are counted from 1904.
    pub(crate) dates_from_1904: bool,
}

/// What one part was found to be.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    bytes: u64,
    merged: bool,
    formulas: bool,
    to_be_calculated: bool,
    dates_from_1904: bool,
}

fn damaged(detail: impl std::fmt::Display) -> Error {
    Error::input(format!("the workbook is damaged: {detail}"))
        .hint("open it in Excel, let it repair the file, and save it again; an interrupted download or copy looks like this too")
}

/// The error for a file that unpacks to far more than its size.
pub(crate) fn bomb() -> Error {
    Error::input("the file unpacks to an absurd size, as files made to crash programs do")
        .hint("if you trust it, unpack it and save the sheet anew as CSV or Parquet")
}

/// Whether so much unpacked content from so few bytes is refused.
pub(crate) fn is_bomb(packed: u64, unpacked: u64) -> bool {
    unpacked > MAX_UNPACKED_BYTES || (unpacked > ALWAYS_UNPACKED_BYTES && unpacked / MAX_UNPACKED_RATIO > packed)
}

/// Checks a zip archive and says which workbook it is.
///
/// # Errors
/// Where it is no workbook, is damaged, or unpacks to more than the limits.
pub(crate) fn check(bytes: &[u8]) -> Result<Package> {
    let open = || ZipArchive::new(Cursor::new(bytes)).map_err(damaged);
    let mut archive = open()?;
    let names = archive
        .file_names()
        .map(|name| name.map(Cow::into_owned))
        .collect::<std::result::Result<Vec<String>, _>>()
        .map_err(damaged)?;
    if names.len() > 100_000 {
        return Err(bomb());
    }
    let format = format_of(&mut archive, &names)?;
    let mut claimed: u64 = 0;
    for place in 0..archive.len() {
        let part = archive.by_index_raw(place).map_err(damaged)?;
        claimed = claimed.saturating_add(part.size());
    }
    if is_bomb(bytes.len() as u64, claimed) {
        return Err(bomb());
    }
    let parts: Vec<&String> = names.iter().filter(|name| is_read(name, format)).collect();
    let both = |a: Part, b: Part| {
        Ok(Part {
            bytes: a.bytes + b.bytes,
            merged: a.merged || b.merged,
            formulas: a.formulas || b.formulas,
            to_be_calculated: a.to_be_calculated || b.to_be_calculated,
            dates_from_1904: a.dates_from_1904 || b.dates_from_1904,
        })
    };
    let whole = parts
        .par_iter()
        .map(|name| check_part(&mut open()?, name, format, bytes.len() as u64))
        .try_reduce(Part::default, both)?;
    if is_bomb(bytes.len() as u64, whole.bytes) {
        return Err(bomb());
    }
    Ok(Package {
        format,
        merged: whole.merged,
        formulas: whole.formulas,
        to_be_calculated: whole.to_be_calculated,
        dates_from_1904: whole.dates_from_1904,
    })
}

fn format_of(archive: &mut ZipArchive<Cursor<&[u8]>>, names: &[String]) -> Result<Format> {
    let has = |wanted: &str| names.iter().any(|name| name.replace('\\', "/").eq_ignore_ascii_case(wanted));
    if has("xl/workbook.xml") {
        return Ok(Format::Xlsx);
    }
    if has("xl/workbook.bin") {
        return Ok(Format::Xlsb);
    }
    if has("content.xml") {
        let mut mimetype = String::new();
        if let Ok(part) = archive.by_name("mimetype") {
            // Read failures leave the text empty, which is then not the sheet's.
            let _ = part.take(100).read_to_string(&mut mimetype);
        }
        if mimetype.starts_with("application/vnd.oasis.opendocument.spreadsheet") {
            return Ok(Format::Ods);
        }
        return Err(Error::input("this is an OpenDocument file, but not a spreadsheet").hint("save the sheet as .ods, .xlsx or CSV"));
    }
    if has("word/document.xml") || has("ppt/presentation.xml") {
        return Err(Error::input("this is a Word or PowerPoint file, not a sheet").hint("copy the table into Excel and save it as .xlsx"));
    }
    if has("index/document.iwa") || names.iter().any(|name| name.ends_with(".iwa")) {
        return Err(Error::input("this is an Apple Numbers file").hint("in Numbers choose File, Export To, Excel or CSV"));
    }
    if has("[Content_Types].xml") {
        return Err(damaged("it has no workbook part"));
    }
    Err(Error::input("this is a zip archive, not a sheet").hint("unpack it first and give the file inside"))
}

/// The parts that the parsers read.
fn is_read(name: &str, format: Format) -> bool {
    let name = name.to_ascii_lowercase();
    if format == Format::Ods {
        return matches!(name.as_str(), "content.xml" | "meta.xml" | "meta-inf/manifest.xml");
    }
    [".xml", ".rels", ".bin"].iter().any(|end| name.ends_with(end))
}

/// Unpacks one part: its size, and what is in it.
fn check_part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, format: Format, packed: u64) -> Result<Part> {
    let part = archive.by_name(name).map_err(damaged)?;
    let mut counted = Counted {
        inner: part,
        bytes: 0,
        packed,
        exceeded: false,
    };
    let lower = name.to_ascii_lowercase();
    let is_sheet = lower.contains("worksheets/") && lower.ends_with(".xml");
    let mut found = [false; 4];
    let mut settings = Settings::default();
    let outcome = if format == Format::Ods && lower == "content.xml" {
        check_ods_content(BufReader::with_capacity(1 << 16, &mut counted))
    } else if lower.ends_with(".bin") || is_sheet {
        let wanted: &[&[u8]] = if is_sheet {
            &[b"mergeCell", b"<f>", b"<f ", b"<worksheet"]
        } else {
            &[]
        };
        drain(BufReader::with_capacity(1 << 18, &mut counted), wanted, &mut found)
    } else {
        check_xml(BufReader::with_capacity(1 << 16, &mut counted)).map(|own| settings = own)
    };
    if counted.exceeded {
        return Err(bomb());
    }
    outcome.map_err(|error| damaged(format_args!("{name}: {error}")))?;
    Ok(Part {
        bytes: counted.bytes,
        merged: found[0],
        // Some programs write every tag with a prefix, `<x:worksheet>`, `<x:f>`: then there may be formulas.
        formulas: is_sheet && (found[1] || found[2] || !found[3]),
        to_be_calculated: settings.to_be_calculated,
        dates_from_1904: settings.dates_from_1904,
    })
}

/// What a workbook says of itself as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Settings {
    to_be_calculated: bool,
    dates_from_1904: bool,
}

impl Settings {
    fn see(&mut self, tag: &BytesStart<'_>) {
        let is_set = |name: &str| {
            let attribute = tag.try_get_attribute(name).ok().flatten();
            attribute.is_some_and(|attribute| matches!(attribute.value.as_ref(), "1" | "true" | "on"))
        };
        match tag.local_name().as_ref() {
            // As programs write that store formulas and leave the results to Excel.
            "calcPr" => self.to_be_calculated |= is_set("fullCalcOnLoad"),
            "workbookPr" => self.dates_from_1904 |= is_set("date1904"),
            _ => {}
        }
    }
}

/// Counts what is read and stops at the limits.
struct Counted<R> {
    inner: R,
    bytes: u64,
    packed: u64,
    exceeded: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        if is_bomb(self.packed, self.bytes) {
            self.exceeded = true;
            return Err(std::io::Error::other("too large"));
        }
        Ok(read)
    }
}

/// Reads to the end; notes which of the wanted words occur.
fn drain(mut reader: impl BufRead, wanted: &[&[u8]], found: &mut [bool]) -> std::result::Result<(), String> {
    let finders: Vec<_> = wanted.iter().map(memchr::memmem::Finder::new).collect();
    let longest = wanted.iter().map(|word| word.len()).max().unwrap_or(0);
    let mut tail: Vec<u8> = Vec::new();
    loop {
        let block = reader.fill_buf().map_err(|error| error.to_string())?;
        if block.is_empty() {
            return Ok(());
        }
        // What is left of the blocks before, and the beginning of this one, for a word that lies across.
        tail.extend_from_slice(&block[..block.len().min(longest)]);
        for (finder, found) in finders.iter().zip(found.iter_mut()) {
            *found = *found || finder.find(block).is_some() || finder.find(&tail).is_some();
        }
        if block.len() > longest {
            tail.clear();
            tail.extend_from_slice(&block[block.len() - longest..]);
        } else {
            tail.drain(..tail.len().saturating_sub(longest));
        }
        let length = block.len();
        reader.consume(length);
    }
}

/// Walks through an XML part: well-formed to its end, with every tag closed.
fn check_xml(reader: impl BufRead) -> std::result::Result<Settings, String> {
    let mut xml = Reader::from_reader(reader);
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    let mut settings = Settings::default();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
            Event::Start(start) => {
                depth += 1;
                settings.see(&start);
            }
            Event::Empty(start) => settings.see(&start),
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth > 0 => return Err("it is cut off".to_owned()),
            Event::Eof => return Ok(settings),
            _ => {}
        }
    }
}

/// As [`check_xml`], and counts the cells that the parser would spell out from repeat counts.
fn check_ods_content(reader: impl BufRead) -> std::result::Result<(), String> {
    let mut xml = Reader::from_reader(reader);
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    let mut cells: usize = 0;
    let (mut row_repeats, mut row_cells, mut pending) = (1_usize, 0_usize, 0_usize);
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer).map_err(|error| error.to_string())?;
        let (start, empty) = match &event {
            Event::Start(start) => {
                depth += 1;
                (Some(start), false)
            }
            Event::Empty(start) => (Some(start), true),
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                if end.name().as_ref() == ROW {
                    // Empty rows between filled ones are spelt out too; the widest row decides their width, so count them at least once.
                    cells = cells.saturating_add(row_cells.saturating_mul(row_repeats.max(1)));
                    if cells > MAX_ODS_CELLS {
                        return Err("its repeat counts spell out too many cells".to_owned());
                    }
                }
                (None, false)
            }
            Event::Eof if depth > 0 => return Err("it is cut off".to_owned()),
            Event::Eof => return Ok(()),
            _ => (None, false),
        };
        let Some(start) = start else { continue };
        if start.name().as_ref() == ROW {
            row_repeats = repeats(start, "table:number-rows-repeated").min(MAX_EXCEL_ROWS);
            (row_cells, pending) = (0, 0);
        } else if matches!(start.name().as_ref(), "table:table-cell" | "table:covered-table-cell") {
            let count = repeats(start, "table:number-columns-repeated").min(MAX_COLUMNS);
            if empty {
                pending += count;
            } else {
                row_cells = (row_cells + pending + count).min(MAX_COLUMNS);
                pending = 0;
            }
        }
    }
}

const ROW: &str = "table:table-row";

fn repeats(start: &BytesStart<'_>, name: &str) -> usize {
    start
        .try_get_attribute(name)
        .ok()
        .flatten()
        .and_then(|attribute| attribute.value.parse().ok())
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_across_two_blocks_is_found() {
        let reader = BufReader::with_capacity(4, &b"abcdmergeCellxyz<f"[..]);
        let mut found = [false; 2];
        drain(reader, &[b"mergeCell", b"<f>"], &mut found).unwrap();
        assert_eq!(found, [true, false]);
    }

    #[test]
    fn only_whole_xml_passes() {
        assert_eq!(check_xml(&b"<a><b/></a>"[..]), Ok(Settings::default()));
        let settings = check_xml(&b"<x:a><x:calcPr fullCalcOnLoad=\"1\"/><workbookPr date1904=\"true\"/></x:a>"[..]).unwrap();
        assert!(settings.to_be_calculated && settings.dates_from_1904);
        for broken in [&b"<a><b></a>"[..], b"<a><b>", b"<a", b"<a>&#x</a"] {
            assert!(check_xml(broken).is_err());
        }
    }

    #[test]
    fn repeat_counts_are_added_up() {
        let content = |rows: usize| {
            format!(
                "<t><table:table-row table:number-rows-repeated=\"{rows}\"><table:table-cell table:number-columns-repeated=\"16384\" office:value=\"1\"><p>1</p></table:table-cell></table:table-row></t>"
            )
        };
        assert!(check_ods_content(content(10).as_bytes()).is_ok());
        assert!(check_ods_content(content(1_000_000).as_bytes()).is_err());
    }
}
