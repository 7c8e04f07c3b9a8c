//! What a file begins with, for lists of files: read from its first bytes, however large it is. [`super::read`] reads it in earnest.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::delimiter;

/// Bytes of a file, or of a part of a workbook, that are looked at.
const HEAD: u64 = 64 << 10;

/// What a file begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Top {
    /// Names of the worksheets of a workbook.
    pub worksheets: Vec<String>,
    /// The cells of its first row: the names of its columns, unless a title stands above them.
    pub names: Vec<String>,
}

/// Looks at the first row of a delimited text or a workbook (`.xlsx`). Nothing is told of any other file, nor of one that cannot be read.
pub fn peek(path: &Path) -> Top {
    let Ok(file) = File::open(path) else { return Top::default() };
    let Ok(first) = head(&file) else { return Top::default() };
    if first.starts_with(b"PK") {
        return of_workbook(file).unwrap_or_default();
    }
    let text = match first.starts_with(&[0x1f, 0x8b]) {
        // Packed bytes that end too early gave what they could.
        true => head(MultiGzDecoder::new(first.as_slice())).unwrap_or_default(),
        false => first,
    };
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_start_matches('\u{feff}');
    let names = delimiter::detect(text, 0, false, false)
        .and_then(|mark| delimiter::top_rows(text, 0, mark, false, 1).ok()?.into_iter().next())
        .map_or_else(Vec::new, |row| row.cells);
    Top {
        worksheets: Vec::new(),
        names,
    }
}

/// The first bytes; an error only where there are none.
fn head(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match from.take(HEAD).read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() => Err(error),
        _ => Ok(bytes),
    }
}

fn of_workbook(file: File) -> Option<Top> {
    let mut archive = ZipArchive::new(file).ok()?;
    let mut part = |name: &str| -> Option<String> {
        let bytes = head(archive.by_name(name).ok()?).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let book = part("xl/workbook.xml")?;
    let worksheets = book.split("<sheet ").skip(1).filter_map(|tag| attribute(tag, "name")).collect();
    let sheet = part("xl/worksheets/sheet1.xml").unwrap_or_default();
    let shared = part("xl/sharedStrings.xml").unwrap_or_default();
    let shared: Vec<String> = shared.split("<si>").skip(1).map(text_of).collect();
    let row = sheet
        .split_once("<row ")
        .map_or("", |(_, row)| row.split("</row>").next().unwrap_or_default());
    let cell = |cell: &str| match attribute(cell, "t").as_deref() {
        Some("s") => {
            let place: usize = between(cell, "<v>", "</v>")?.parse().ok()?;
            shared.get(place).cloned()
        }
        Some("inlineStr") => Some(text_of(cell)),
        _ => between(cell, "<v>", "</v>").map(unescaped),
    };
    Some(Top {
        worksheets,
        names: row.split("<c ").skip(1).filter_map(cell).collect(),
    })
}

/// The text of a cell, which may lie in several pieces.
fn text_of(markup: &str) -> String {
    let markup = markup.split("</si>").next().unwrap_or_default();
    let pieces = markup.split("<t").skip(1).filter_map(|piece| between(piece, ">", "</t>"));
    unescaped(&pieces.collect::<String>())
}

/// An attribute of the tag that the text begins in.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let begin = format!("{name}=\"");
    let (before, rest) = tag.split_once(&begin)?;
    let whole = before.is_empty() || before.ends_with(char::is_whitespace);
    whole.then(|| unescaped(rest.split('"').next().unwrap_or_default()))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inside, _)| inside)
}

fn unescaped(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;
    use crate::notes::Notes;
    use crate::tables::{Table, WriteOptions};

    #[test]
    fn the_first_row_of_every_format_that_people_send_is_seen() {
        let place = tempfile::tempdir().unwrap();
        let table = Table::new("orders.csv", 2)
            .with_column("Größe & Farbe", vec![Some("a".to_owned()), None])
            .unwrap()
            .with_column("n", vec![Some("1".to_owned()), Some("2".to_owned())])
            .unwrap();
        for name in ["orders.csv", "orders.xlsx"] {
            let path = place.path().join(name);
            table.write_with(&path, &WriteOptions::default(), &mut Notes::new()).unwrap();
            assert_eq!(peek(&path).names, ["Größe & Farbe", "n"], "{name}");
        }
        let packed = place.path().join("orders.csv.gz");
        let mut writer = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::fast());
        writer.write_all(b"\xef\xbb\xbfA;\"B; C\"\n").unwrap();
        (0..40_000).for_each(|row| writeln!(writer, "{row};{}", row * 7919 % 104_729).unwrap());
        writer.finish().unwrap();
        assert_eq!(peek(&packed).names, ["A", "B; C"]);
    }

    #[test]
    fn nothing_is_told_of_what_is_no_sheet() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x.xlsx");
        for bytes in [&b""[..], b"PK\x03\x04 no archive", b"\x1f\x8bno gzip", b"\0\0\0\0"] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(peek(&path), Top::default(), "{bytes:?}");
        }
        assert_eq!(peek(&place.path().join("missing.csv")), Top::default());
    }
}
