//! Workbooks of a few cells in every format, made here byte by byte.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

pub fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Relations: id, kind, target.
pub fn relations(list: &[(&str, &str, &str)]) -> String {
    let each =
        |(id, kind, target): &(&str, &str, &str)| format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>");
    format!("<Relationships>{}</Relationships>", list.iter().map(each).collect::<String>())
}

/// The list of sheets: name and relation.
pub fn book(settings: &str, sheets: &[(&str, &str)]) -> String {
    let each = |(name, id): &(&str, &str)| format!("<sheet name=\"{name}\" sheetId=\"1\" r:id=\"{id}\"/>");
    format!(
        "<workbook>{settings}<sheets>{}</sheets></workbook>",
        sheets.iter().map(each).collect::<String>()
    )
}

/// A text cell of a sheet's XML.
pub fn text(cell: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t>{cell}</t></is></c>")
}

/// Rows of texts and numbers as a sheet's XML; `number` cells are those that parse.
pub fn sheet(rows: &[&[&str]]) -> String {
    let rows: String = rows
        .iter()
        .map(|row| {
            let cells: String = row
                .iter()
                .map(|cell| match cell.parse::<f64>() {
                    Ok(_) => format!("<c><v>{cell}</v></c>"),
                    Err(_) if cell.is_empty() => "<c/>".to_owned(),
                    Err(_) => text(cell),
                })
                .collect();
            format!("<row>{cells}</row>")
        })
        .collect();
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

/// A workbook of one sheet.
pub fn xlsx(sheet: &str) -> Vec<u8> {
    xlsx_with("", sheet, &[])
}

/// A workbook of one sheet, with settings and further parts.
pub fn xlsx_with(settings: &str, sheet: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let package = relations(&[("p", "officeDocument", "xl/workbook.xml")]);
    let related = relations(&[("a", "worksheet", "worksheets/sheet1.xml")]);
    let book = book(settings, &[("Orders", "a")]);
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("_rels/.rels", package.as_bytes()),
        ("xl/_rels/workbook.xml.rels", related.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    parts.extend(more);
    zipped(&parts)
}

/// An OpenDocument sheet of one table.
pub fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"Orders\">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    );
    zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", b"<manifest:manifest></manifest:manifest>"),
    ])
}

/// A record of an old workbook.
pub fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

/// A text cell (LABEL) in letters of one byte or two.
pub fn label(row: u16, column: u16, text: &str, wide: bool) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut data = [row, column, 0, units.len() as u16].map(u16::to_le_bytes).concat();
    data.push(u8::from(wide));
    for unit in units {
        data.extend_from_slice(&unit.to_le_bytes()[..if wide { 2 } else { 1 }]);
    }
    record(0x0204, &data)
}

/// A number cell.
pub fn number(row: u16, column: u16, number: f64) -> Vec<u8> {
    let place = [row, column, 0].map(u16::to_le_bytes).concat();
    record(0x0203, &[&place[..], &number.to_le_bytes()].concat())
}

/// The stream of an Excel 97 workbook of one sheet: records before its list of sheets, and the sheet's.
pub fn stream(globals: &[u8], cells: &[u8]) -> Vec<u8> {
    let begin = record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let end = record(0x000a, &[]);
    let bound = |place: u32| record(0x0085, &[&place.to_le_bytes()[..], &[0, 0, 6, 0], b"Orders"].concat());
    let globals = [&begin[..], globals].concat();
    let start = (globals.len() + bound(0).len() + end.len()) as u32;
    [&globals[..], &bound(start), &end, &begin, cells, &end].concat()
}

/// A compound file with one stream.
pub fn xls(stream: &[u8]) -> Vec<u8> {
    const END: u32 = 0xffff_fffe;
    let sectors = stream.len().max(4096).div_ceil(512);
    let mut bytes = vec![0_u8; 512 * (3 + sectors)];
    bytes[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    bytes[30] = 9;
    bytes[32] = 6;
    assert!(sectors < 120);
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    for (at, value) in [(44, 1), (48, 1), (60, END), (68, END), (76, 0), (512, 0xffff_fffd), (516, END)] {
        put(at, value);
    }
    (1..109).for_each(|place| put(76 + 4 * place, u32::MAX));
    let last = sectors + 1;
    (2..=last).for_each(|place| put(512 + 4 * place, if place == last { END } else { place as u32 + 1 }));
    for (at, value) in [
        (1024 + 68, u32::MAX),
        (1024 + 72, u32::MAX),
        (1024 + 76, 1),
        (1024 + 116, END),
        (1152 + 68, u32::MAX),
        (1152 + 72, u32::MAX),
        (1152 + 76, u32::MAX),
        (1152 + 116, 2),
        (1152 + 120, stream.len().max(4096) as u32),
    ] {
        put(at, value);
    }
    for (entry, name, kind) in [(1024, "Root Entry", 5), (1152, "Workbook", 2)] {
        for (place, letter) in name.bytes().enumerate() {
            bytes[entry + 2 * place] = letter;
        }
        bytes[entry + 64] = 2 * (name.len() as u8 + 1);
        bytes[entry + 66] = kind;
    }
    bytes[1536..1536 + stream.len()].copy_from_slice(stream);
    bytes
}

/// A record of a binary workbook.
pub fn binary(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = if kind < 0x80 {
        vec![kind as u8]
    } else {
        vec![kind as u8 | 0x80, (kind >> 7) as u8]
    };
    assert!(data.len() < 0x80);
    bytes.push(data.len() as u8);
    bytes.extend_from_slice(data);
    bytes
}

/// A text with its length in front.
pub fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes = (units.len() as u32).to_le_bytes().to_vec();
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes
}

/// A binary workbook of one sheet with these records.
pub fn xlsb(cells: &[u8]) -> Vec<u8> {
    let package = relations(&[("p", "officeDocument", "xl/workbook.bin")]);
    let related = relations(&[("a", "worksheet", "worksheets/sheet1.bin")]);
    let bundle = [&[0, 0, 0, 0, 1, 0, 0, 0][..], &wide("a"), &wide("Orders")].concat();
    let book = [binary(0x99, &[0; 12]), binary(0x9c, &bundle), binary(0x84, &[])].concat();
    let sheet = [binary(0x81, &[]), binary(0x91, &[]), cells.to_vec(), binary(0x82, &[])].concat();
    zipped(&[
        ("_rels/.rels", package.as_bytes()),
        ("xl/_rels/workbook.bin.rels", related.as_bytes()),
        ("xl/workbook.bin", &book),
        ("xl/worksheets/sheet1.bin", &sheet),
    ])
}

/// The head of a row of a binary sheet.
pub fn binary_row(row: u32, hidden: bool) -> Vec<u8> {
    let mut data = [row.to_le_bytes(), [0; 4]].concat();
    data.extend_from_slice(&[0, 0, 0, if hidden { 0x10 } else { 0 }, 0, 0, 0, 0, 0]);
    binary(0, &data)
}

/// A cell of a binary sheet with its column.
pub fn binary_cell(kind: u16, column: u32, value: &[u8]) -> Vec<u8> {
    binary(kind, &[&column.to_le_bytes()[..], &[0; 4], value].concat())
}
