//! What a file is, by its first bytes; the extension is only a hint for people.

use super::{arrow, numpy};
use crate::error::{Error, Result};

/// What the content calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Gzip,
    /// A zip archive: some kind of workbook, or not.
    Zip,
    /// The container of Office 97: an old workbook, or a locked new one.
    Ole,
    Parquet,
    /// Arrow IPC, a file (also called Feather) or a stream.
    Arrow,
    /// An array of NumPy.
    Numpy,
    /// A web page or an XML spreadsheet, which may hold a table.
    Markup,
    /// Nothing known: text.
    Text,
}

/// Decides by the first bytes.
///
/// # Errors
/// For an empty file and for files known to be no sheet, each with what to do instead.
pub(crate) fn kind(bytes: &[u8]) -> Result<Kind> {
    let Some(first) = bytes.first() else {
        return Err(Error::input("the file is empty").hint("export the sheet again"));
    };
    match first {
        0x1f if bytes.starts_with(&[0x1f, 0x8b]) => return Ok(Kind::Gzip),
        b'P' if bytes.starts_with(b"PK\x03\x04") => return Ok(Kind::Zip),
        b'P' if bytes.starts_with(b"PAR1") => return Ok(Kind::Parquet),
        b'A' if bytes.starts_with(b"ARROW1\0\0") => return Ok(Kind::Arrow),
        0xff if bytes.starts_with(&arrow::STREAM) => return Ok(Kind::Arrow),
        0x93 if bytes.starts_with(numpy::MAGIC) => return Ok(Kind::Numpy),
        b'P' if bytes.starts_with(b"PARE") => {
            return Err(Error::input("the Parquet file is encrypted").hint("save it without encryption"));
        }
        b'P' if bytes.starts_with(b"PK\x05\x06") => {
            return Err(Error::input("the file is an empty zip archive").hint("export the sheet again"));
        }
        0xd0 if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) => return Ok(Kind::Ole),
        _ => {}
    }
    if is_markup(bytes) {
        return Ok(Kind::Markup);
    }
    if let Some((what, hint)) = known_stranger(bytes) {
        return Err(Error::input(format!("this is no sheet: {what}")).hint(hint));
    }
    Ok(Kind::Text)
}

const EXPORT: &str = "open it in the program it comes from and export the sheet as .xlsx or CSV";

/// Files that people hand in by mistake.
fn known_stranger(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const MAGIC: &[(&[u8], &str, &str)] = &[
        (b"%PDF", "it is a PDF document", EXPORT),
        (b"\x89PNG", "it is a picture (PNG)", EXPORT),
        (b"\xff\xd8\xff", "it is a picture (JPEG)", EXPORT),
        (b"GIF8", "it is a picture (GIF)", EXPORT),
        (b"{\\rtf", "it is a rich-text document", EXPORT),
        (b"SQLite format 3", "it is a SQLite database", "export the table as CSV"),
        (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive", "unpack it first"),
        (b"Rar!", "it is a RAR archive", "unpack it first"),
        (b"\x28\xb5\x2f\xfd", "it is packed with zstd", "unpack it first (`zstd -d`)"),
        (b"BZh", "it is packed with bzip2", "unpack it first (`bunzip2`)"),
        (b"\xfd7zXZ", "it is packed with xz", "unpack it first (`unxz`)"),
        (b"\x7fELF", "it is a program", EXPORT),
        (b"MZ\x90", "it is a program", EXPORT),
        (b"FEA1", "it is a Feather file of the first version", "save it as Parquet or CSV"),
        (b"ORC", "it is an ORC file", "save it as Parquet or CSV"),
        (b"Obj\x01", "it is an Avro file", "save it as Parquet or CSV"),
        (b"\x89HDF", "it is an HDF5 file", "save it as Parquet or CSV"),
        (b"\x80\x04\x95", "it is a Python pickle", "save it as Parquet or CSV"),
        (
            b"\x09\x08\x10\x00\x00\x06\x05\x00",
            "it is a bare stream of an old Excel workbook",
            "open it in Excel and save it as .xlsx",
        ),
        (
            b"\x09\x04\x06\x00",
            "it is an Excel 4 sheet",
            "open it in Excel and save it as .xlsx",
        ),
        (
            b"\x09\x02\x06\x00",
            "it is an Excel 3 sheet",
            "open it in Excel and save it as .xlsx",
        ),
        (
            b"\x09\x00\x04\x00",
            "it is an Excel 2 sheet",
            "open it in Excel and save it as .xlsx",
        ),
    ];
    let found = MAGIC
        .iter()
        .find(|(magic, _, _)| bytes.starts_with(magic) && (*magic != b"ORC" || bytes.get(3).is_some_and(|byte| *byte < 32)));
    if let Some((_, what, hint)) = found {
        return Some((what, hint));
    }
    let text = small_head(bytes);
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    if begins(&["<?xml", "<workbook"]) {
        return Some(("it is an XML file", "open it in Excel and save it as .xlsx or CSV"));
    }
    if begins(&["{\"", "[{", "[["]) || (begins(&["{", "["]) && text.contains("\":")) {
        return Some(("it is a JSON file", "save it as CSV, Excel or Parquet"));
    }
    let statements = [
        "create table",
        "insert into",
        "drop table",
        "set names",
        "begin transaction;",
        "pragma foreign_keys",
    ];
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("--") && !line.starts_with("/*"));
    if first.is_some_and(|line| statements.iter().any(|start| line.starts_with(start))) && text.contains([';', '(']) {
        return Some((
            "it is a dump of a database, made of SQL statements",
            "export the table as CSV: `\\copy orders to 'orders.csv' csv header` in psql, `.mode csv` in sqlite3, an export wizard elsewhere",
        ));
    }
    if begins(&["mime-version:"]) {
        return Some(("it is a web archive (MHTML)", "open it in Excel and save it as .xlsx or CSV"));
    }
    None
}

/// The first of a text, in small letters.
fn small_head(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(2048)];
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    String::from_utf8_lossy(head).trim_start().to_ascii_lowercase()
}

/// Whether a file is a web page or an "XML Spreadsheet 2003", as many systems send under the name `.xls`.
fn is_markup(bytes: &[u8]) -> bool {
    let text = small_head(bytes);
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    begins(&[
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<table",
        "<meta",
        "<script",
        "<style",
        "<div",
    ]) || begins(&["<?xml", "<workbook"]) && (text.contains("urn:schemas-microsoft-com:office:spreadsheet") || text.contains("<html"))
}

/// That a web page holds no table.
pub(crate) fn no_table() -> Error {
    Error::input("this is no sheet: it is a web page (HTML) or XML spreadsheet without a table of two rows and two columns")
        .hint("open it in a browser to see what it is; where it should be a download, you may have saved a sign-in page")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(kind(b"a,b\n1,2\n").unwrap(), Kind::Text);
        assert_eq!(kind(b"ORC,b\n").unwrap(), Kind::Text);
        assert_eq!(kind(b"PK\x03\x04rest").unwrap(), Kind::Zip);
        assert_eq!(kind(b"PAR1rest").unwrap(), Kind::Parquet);
        assert_eq!(kind(b"ARROW1\0\0rest").unwrap(), Kind::Arrow);
        assert_eq!(kind(b"\xff\xff\xff\xff\x10\0\0\0").unwrap(), Kind::Arrow);
        assert_eq!(kind(&[0x1f, 0x8b, 8]).unwrap(), Kind::Gzip);
        assert_eq!(kind(b"<html><table>").unwrap(), Kind::Markup);
        assert_eq!(kind(b"\xef\xbb\xbf <!DOCTYPE html>").unwrap(), Kind::Markup);
        let spreadsheet = b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>";
        assert_eq!(kind(spreadsheet).unwrap(), Kind::Markup);
        for stranger in [
            &b""[..],
            b"%PDF-1.4",
            b"{\"a\": 1}",
            b"[\n {\"a\": 1}]",
            b"<?xml version='1.0'?>",
            b"CREATE TABLE orders (id int, late int);\nINSERT INTO orders VALUES (1, 0);\n",
            b"-- MySQL dump 10.13\n/*!40101 SET */;\n\nDROP TABLE IF EXISTS `orders`;\n",
        ] {
            assert!(kind(stranger).is_err());
        }
    }
}
