//! A look into a zipped workbook before it is handed to its parser: is it one, does it unpack to a sane size, is its XML whole.
//!
//! The parser believes sizes and repeat counts that a file claims, and some of its loops end only at the closing tag. So every part it reads is unpacked
//! once, counted against the limits whatever the archive's directory claims, and the smaller XML parts and OpenDocument's content are walked through.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rayon::prelude::*;
use zip::ZipArchive;

use super::limits::{ALWAYS_UNPACKED_BYTES, MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO};
use super::marks::Marks;
use super::ods;
use super::parts::Parts;
use super::source::Format;
use crate::error::{Error, Result};

/// What the look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) format: Format,
    /// Whether some sheet has merged cells.
    pub(crate) merged: bool,
    /// Whether some sheet has, or may have, formulas.
    pub(crate) formulas: bool,
    /// Whether some sheet has what only a second look at it tells: hidden rows, long numbers, error values.
    pub(crate) second_look: bool,
    /// Whether the program that opens the workbook is asked to calculate it: it may never have been.
    pub(crate) to_be_calculated: bool,
    /// The workbook put in order, where the parser needs that, and sheets that it lists but does not hold.
    pub(crate) tidied: Option<Vec<u8>>,
    pub(crate) missing_sheets: Vec<String>,
    /// What OpenDocument says about the rows of its tables, by their names.
    pub(crate) tables: BTreeMap<String, Marks>,
}

/// What one part was found to be.
#[derive(Debug, Clone, Default)]
struct Part {
    bytes: u64,
    merged: bool,
    formulas: bool,
    second_look: bool,
    to_be_calculated: bool,
    tables: BTreeMap<String, Marks>,
}

pub(crate) fn damaged(detail: impl std::fmt::Display) -> Error {
    Error::input(format!("the workbook is damaged: {detail}"))
        .hint("open it in Excel, let it repair the file, and save it again; an interrupted download or copy looks like this too")
}

/// The error for a file that unpacks to far more than its size.
pub(crate) fn bomb() -> Error {
    Error::input("the file unpacks to an absurd size, as files made to crash programs do")
        .hint("if you trust it, unpack it and save the sheet again as CSV or Parquet")
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
    let mut claimed: u64 = 0;
    for place in 0..archive.len() {
        let part = archive.by_index_raw(place).map_err(damaged)?;
        claimed = claimed.saturating_add(part.size());
    }
    if is_bomb(bytes.len() as u64, claimed) {
        return Err(bomb());
    }
    let mut office = Parts::open(bytes)?;
    let format = format_of(&mut archive, &names, office.as_mut())?;
    let parts: Vec<(String, bool)> = match &office {
        Some(office) if format != Format::Ods => office.read_parts(),
        _ => names
            .iter()
            .filter(|name| is_read_of_ods(name))
            .map(|name| (name.clone(), false))
            .collect(),
    };
    let both = |mut a: Part, b: Part| {
        a.tables.extend(b.tables);
        Ok(Part {
            bytes: a.bytes + b.bytes,
            merged: a.merged || b.merged,
            formulas: a.formulas || b.formulas,
            second_look: a.second_look || b.second_look,
            to_be_calculated: a.to_be_calculated || b.to_be_calculated,
            tables: a.tables,
        })
    };
    let whole = parts
        .par_iter()
        .map(|(name, is_sheet)| check_part(&mut open()?, name, *is_sheet, format, bytes.len() as u64))
        .try_reduce(Part::default, both)?;
    if is_bomb(bytes.len() as u64, whole.bytes) {
        return Err(bomb());
    }
    let (tidied, missing_sheets) = match office.as_mut().filter(|_| format == Format::Xlsx) {
        Some(office) => office.tidied()?.unzip(),
        None => (None, None),
    };
    Ok(Package {
        format,
        merged: whole.merged,
        formulas: whole.formulas,
        second_look: whole.second_look,
        to_be_calculated: whole.to_be_calculated,
        tidied,
        missing_sheets: missing_sheets.unwrap_or_default(),
        tables: whole.tables,
    })
}

fn format_of(archive: &mut ZipArchive<Cursor<&[u8]>>, names: &[String], office: Option<&mut Parts<'_>>) -> Result<Format> {
    let has = |wanted: &str| names.iter().any(|name| name.replace('\\', "/").eq_ignore_ascii_case(wanted));
    if let Some(office) = office {
        let main = office.main().to_ascii_lowercase();
        let file = main.rsplit('/').next().unwrap_or_default();
        if !office.has(&main) {
            return Err(damaged("it has no workbook part"));
        }
        if main.ends_with(".bin") {
            return Ok(Format::Xlsb);
        }
        if !matches!(file, "document.xml" | "presentation.xml") {
            return Ok(Format::Xlsx);
        }
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
    if ["word/document.xml", "word/document2.xml", "ppt/presentation.xml"]
        .into_iter()
        .any(has)
    {
        return Err(Error::input("this is a Word or PowerPoint file, not a sheet").hint("copy the table into Excel and save it as .xlsx"));
    }
    if has("index/document.iwa") || names.iter().any(|name| name.ends_with(".iwa")) {
        return Err(Error::input("this is an Apple Numbers file").hint("in Numbers choose File, Export To, Excel or CSV"));
    }
    if has("[Content_Types].xml") || has("xl/workbook.xml") || has("xl/workbook.bin") {
        return Err(damaged("it has no workbook part"));
    }
    Err(Error::input("this is a zip archive, not a sheet").hint("unpack it first and give the file inside"))
}

/// The parts of an OpenDocument sheet that its parser reads.
fn is_read_of_ods(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "content.xml" | "meta.xml" | "meta-inf/manifest.xml"
    )
}

/// Unpacks one part: its size, and what is in it.
fn check_part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, is_sheet: bool, format: Format, packed: u64) -> Result<Part> {
    let mut counted = Counted::new(archive.by_name(name).map_err(damaged)?, packed);
    let mut part = Part::default();
    let outcome = if format == Format::Ods && name.eq_ignore_ascii_case("content.xml") {
        ods::check_content(BufReader::with_capacity(1 << 16, &mut counted)).map(|tables| part.tables = tables)
    } else if is_sheet && format == Format::Xlsx {
        drain(&mut counted).map(|words| {
            part.merged = words.merged;
            // Some programs write every tag with a prefix, `<x:worksheet>`, `<x:f>`: then there may be anything.
            part.formulas = words.formula || !words.unprefixed;
            part.second_look = words.second_look || !words.unprefixed;
        })
    } else if format == Format::Xlsb && !name.ends_with(".rels") {
        std::io::copy(&mut counted, &mut std::io::sink())
            .map(drop)
            .map_err(|error| error.to_string())
    } else {
        check_xml(BufReader::with_capacity(1 << 16, &mut counted)).map(|asked| part.to_be_calculated = asked)
    };
    if counted.exceeded {
        return Err(bomb());
    }
    outcome.map_err(|error| damaged(format_args!("{name}: {error}")))?;
    part.bytes = counted.bytes;
    Ok(part)
}

/// Counts what is read and stops at the limits.
pub(crate) struct Counted<R> {
    inner: R,
    bytes: u64,
    packed: u64,
    pub(crate) exceeded: bool,
}

impl<R> Counted<R> {
    /// `packed` is the size of the whole file.
    pub(crate) fn new(inner: R, packed: u64) -> Self {
        Self {
            inner,
            bytes: 0,
            packed,
            exceeded: false,
        }
    }
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

/// What words occur in a sheet.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    merged: bool,
    formula: bool,
    unprefixed: bool,
    second_look: bool,
}

/// The longest word looked for, and a number of 16 digits with its tag.
const OVERLAP: usize = 24;

/// Reads a sheet to its end; notes which words occur.
fn drain(mut reader: impl Read) -> std::result::Result<Words, String> {
    const BLOCK: usize = 1 << 18;
    let finder = memchr::memmem::Finder::new;
    let merged = finder("mergeCell");
    let formulas = [finder("<f>"), finder("<f ")];
    let sheet = finder("<worksheet");
    let marks = [finder(" hidden="), finder(" t=\"e\""), finder("<filterColumn")];
    let value = finder("<v>");
    let mut words = Words::default();
    let mut block = vec![0; OVERLAP + BLOCK];
    let mut kept = 0;
    loop {
        let read = reader.read(&mut block[kept..]).map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok(words);
        }
        // A word may lie across two blocks: the end of the last one stands before this one.
        let here = &block[..kept + read];
        let any = |finders: &[memchr::memmem::Finder<'_>]| finders.iter().any(|finder| finder.find(here).is_some());
        words.merged = words.merged || merged.find(here).is_some();
        words.formula = words.formula || any(&formulas);
        words.unprefixed = words.unprefixed || sheet.find(here).is_some();
        words.second_look = words.second_look || any(&marks) || value.find_iter(here).any(|at| is_long_number(&here[at + 3..]));
        let from = here.len().saturating_sub(OVERLAP);
        let end = here.len();
        block.copy_within(from..end, 0);
        kept = end - from;
    }
}

/// Whether 16 digits stand here: more than a float keeps for certain.
fn is_long_number(bytes: &[u8]) -> bool {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    digits
        .first_chunk::<16>()
        .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// Walks through an XML part: well-formed to its end, with every tag closed. Says whether it asks for calculation on opening.
fn check_xml(reader: impl BufRead) -> std::result::Result<bool, String> {
    let mut xml = Reader::from_reader(reader);
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    let mut to_be_calculated = false;
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
            Event::Start(start) => {
                depth += 1;
                to_be_calculated |= asks_for_calculation(&start);
            }
            Event::Empty(start) => to_be_calculated |= asks_for_calculation(&start),
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth > 0 => return Err("it is cut off".to_owned()),
            Event::Eof => return Ok(to_be_calculated),
            _ => {}
        }
    }
}

/// `<calcPr fullCalcOnLoad="1"/>`, as programs write that store formulas and leave the results to Excel.
fn asks_for_calculation(tag: &BytesStart<'_>) -> bool {
    tag.local_name().as_ref() == "calcPr"
        && tag
            .try_get_attribute("fullCalcOnLoad")
            .ok()
            .flatten()
            .is_some_and(|attribute| matches!(attribute.value.as_ref(), "1" | "true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes out in pieces of a few.
    struct Few<'a>(&'a [u8]);

    impl Read for Few<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(5).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn words_across_two_blocks_are_found() {
        let words = drain(Few(b"abcd<mergeCell ref=\"A1\"/>xyz<f")).unwrap();
        assert_eq!(
            (words.merged, words.formula, words.unprefixed, words.second_look),
            (true, false, false, false)
        );
        assert!(drain(Few(b"<worksheet><row><c><v>1234567890123456</v>")).unwrap().second_look);
        assert!(
            !drain(Few(b"<worksheet><row><c><v>0.1234567890123456</v><v>123456789012345</v>"))
                .unwrap()
                .second_look
        );
        assert!(drain(Few(b"<worksheet><row r=\"1\" hidden=\"1\">")).unwrap().second_look);
    }

    #[test]
    fn only_whole_xml_passes() {
        assert_eq!(check_xml(&b"<a><b/></a>"[..]), Ok(false));
        assert_eq!(check_xml(&b"<x:a><x:calcPr fullCalcOnLoad=\"1\"/></x:a>"[..]), Ok(true));
        for broken in [&b"<a><b></a>"[..], b"<a><b>", b"<a", b"<a>&#x</a"] {
            assert!(check_xml(broken).is_err());
        }
    }
}
