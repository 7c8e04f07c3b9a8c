//! Broken workbooks.

use super::{Broken, SHEET, SHEET_PART, broken, changed, fixture, noise, small_book, unzipped, with, zipped};

/// A workbook with one piece of one part replaced.
fn replaced(part: &'static str, from: &'static str, to: &'static str) -> impl Fn(&[u8]) -> Vec<u8> {
    move |book| {
        changed(book, part, |content| {
            let text = String::from_utf8(content).unwrap();
            assert!(text.contains(from), "{part} has no {from}: {text}");
            text.replacen(from, to, 1).into_bytes()
        })
    }
}

/// An archive whose directory claims that a part is small.
fn lying(bytes: Vec<u8>, size: u32) -> Vec<u8> {
    let mut bytes = bytes;
    let real = size.to_le_bytes();
    while let Some(at) = bytes.windows(4).position(|four| four == real) {
        bytes[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    bytes
}

pub fn excel() -> Vec<Broken> {
    let book = small_book();
    let cut = |share: f64| book[..(book.len() as f64 * share) as usize].to_vec();
    let zeros = vec![b' '; 80_000_000];
    let bomb = changed(&book, SHEET_PART, |content| {
        let text = String::from_utf8(content).unwrap();
        let (before, after) = text.split_once("<sheetData>").unwrap();
        [before.as_bytes(), &zeros, b"<sheetData>", after.as_bytes()].concat()
    });
    let sheet_length = unzipped(&bomb).iter().find(|(name, _)| name == SHEET_PART).unwrap().1.len() as u32;
    let part = |what, part, from, to, words: &[&'static str]| broken(what, "a.xlsx", replaced(part, from, to)(&book), words);
    let half = |name: &'static str| changed(&book, name, |content| content[..content.len() / 2].to_vec());
    let long_text = changed(&book, SHEET_PART, |content| {
        let text = String::from_utf8(content).unwrap();
        let cell = format!("<c r=\"A2\" t=\"inlineStr\"><is><t>{}</t></is></c>", "x".repeat(2_000_000));
        let start = text.find("<c r=\"A2\"").unwrap();
        let end = start + text[start..].find("</c>").unwrap() + 4;
        format!("{}{cell}{}", &text[..start], &text[end..]).into_bytes()
    });
    vec![
        broken("a workbook cut in half", "a.xlsx", cut(0.5), &["damaged"]),
        broken("a workbook without its end", "a.xlsx", cut(0.98), &["damaged"]),
        broken("the first bytes of a workbook", "a.xlsx", cut(0.01), &["damaged"]),
        broken("an empty archive", "a.xlsx", zipped(&[]), &["empty zip"]),
        broken(
            "an archive with a CSV in it",
            "a.zip",
            zipped(&[("a.csv", SHEET.as_bytes())]),
            &["zip archive", "unpack"],
        ),
        broken(
            "a Word document",
            "a.docx",
            zipped(&[("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]),
            &["Word"],
        ),
        broken(
            "a Numbers document",
            "a.numbers",
            zipped(&[("Index/Document.iwa", b"x")]),
            &["Numbers"],
        ),
        broken(
            "an OpenDocument text",
            "a.odt",
            zipped(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>")]),
            &["not a spreadsheet"],
        ),
        broken(
            "a package without a workbook",
            "a.xlsx",
            zipped(&[("[Content_Types].xml", b"<x/>")]),
            &["damaged"],
        ),
        broken("a workbook of nothing", "a.xlsx", zipped(&[("xl/workbook.xml", b"")]), &["damaged"]),
        broken("a zip bomb", "a.xlsx", bomb.clone(), &["absurd"]),
        broken(
            "a zip bomb that lies about its size",
            "a.xlsx",
            lying(bomb, sheet_length),
            &["damaged"],
        ),
        broken("a sheet cut off inside its archive", "a.xlsx", half(SHEET_PART), &["damaged"]),
        broken(
            "styles cut off inside their archive",
            "a.xlsx",
            half("xl/styles.xml"),
            &["damaged", "styles"],
        ),
        broken(
            "shared texts cut off inside their archive",
            "a.xlsx",
            half("xl/sharedStrings.xml"),
            &["damaged", "sharedStrings"],
        ),
        broken(
            "a list of sheets cut off",
            "a.xlsx",
            half("xl/workbook.xml"),
            &["damaged", "workbook.xml"],
        ),
        broken("relations cut off", "a.xlsx", half("xl/_rels/workbook.xml.rels"), &["damaged"]),
        part(
            "a sheet that is not where the book says",
            "xl/_rels/workbook.xml.rels",
            "worksheets/sheet1.xml",
            "worksheets/sheet7.xml",
            &["damaged"],
        ),
        part(
            "a text that is not in the list",
            SHEET_PART,
            "t=\"s\"><v>0</v>",
            "t=\"s\"><v>999</v>",
            &["damaged"],
        ),
        part(
            "a truth value that is none",
            SHEET_PART,
            "t=\"b\"><v>0</v>",
            "t=\"b\"><v>maybe</v>",
            &["damaged"],
        ),
        part(
            "an unknown cell type",
            SHEET_PART,
            "t=\"b\"><v>0</v>",
            "t=\"zz\"><v>0</v>",
            &["damaged"],
        ),
        part("a cell without a place", SHEET_PART, "r=\"A2\"", "r=\"2A\"", &["damaged"]),
        part("a cell beyond the last column", SHEET_PART, "r=\"C2\"", "r=\"ZZZZ2\"", &["damaged"]),
        part(
            "a row beyond the last",
            SHEET_PART,
            "<row r=\"20\"",
            "<row r=\"99999999999\"",
            &["damaged"],
        ),
        part(
            "a cell that stands there twice",
            SHEET_PART,
            "r=\"B2\"",
            "r=\"A2\"",
            &["damaged", "twice"],
        ),
        part("rows out of order", SHEET_PART, "r=\"A9\"", "r=\"A2\"", &["damaged", "order"]),
        part("a sheet without rows", SHEET_PART, "<sheetData>", "<sheetData/><x>", &["empty"]),
        broken("a cell of two megabytes", "a.xlsx", long_text, &["2,000,000 bytes", "row 2"]),
        broken(
            "an empty workbook",
            "a.xlsx",
            rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap(),
            &["empty"],
        ),
        with(
            broken(
                "a sheet that is not there",
                "a.xlsx",
                book.clone(),
                &["no sheet `Orders`", "`Sheet1`"],
            ),
            |options| options.sheet = Some("Orders".into()),
        ),
        with(broken("sheet 0", "a.xlsx", book.clone(), &["no sheet `0`"]), |options| {
            options.sheet = Some("0".into())
        }),
        with(broken("sheet 2 of 1", "a.xlsx", book.clone(), &["no sheet `2`"]), |options| {
            options.sheet = Some("2".into())
        }),
        with(broken("a header row that is not there", "a.xlsx", book, &["row 77"]), |options| {
            options.header_row = Some(77)
        }),
    ]
}

const OLE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

pub fn other_workbooks() -> Vec<Broken> {
    let (xls, ods, xlsb) = (fixture("orders.xls"), fixture("orders.ods"), fixture("orders.xlsb"));
    let locked: Vec<u8> = OLE
        .into_iter()
        .chain(vec![0; 600])
        .chain("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let content = |from: &'static str, to: &'static str| replaced("content.xml", from, to)(&ods);
    vec![
        broken("an old workbook cut in half", "a.xls", &xls[..xls.len() / 2], &["damaged"]),
        broken("an old workbook cut short", "a.xls", &xls[..1000], &["damaged"]),
        broken("only the first bytes of an old workbook", "a.xls", OLE, &["damaged"]),
        broken("an old workbook of noise", "a.xls", [&OLE[..], &noise(4000)].concat(), &["damaged"]),
        broken("an Excel 4 sheet", "a.xls", [0x09, 0x04, 0x06, 0, 0, 0, 0x10, 0], &["Excel 4"]),
        broken("a workbook locked with a password", "a.xlsx", locked, &["password"]),
        broken("an OpenDocument sheet cut in half", "a.ods", &ods[..ods.len() / 2], &["damaged"]),
        broken(
            "an OpenDocument sheet whose content is cut off",
            "a.ods",
            changed(&ods, "content.xml", |content| content[..content.len() - 200].to_vec()),
            &["damaged"],
        ),
        broken(
            "an OpenDocument sheet without its last tag",
            "a.ods",
            content("</table:table>", ""),
            &["damaged"],
        ),
        broken(
            "an OpenDocument sheet with an open annotation",
            "a.ods",
            content("<text:p>LATAM", "<office:annotation><text:p>LATAM"),
            &["damaged"],
        ),
        broken(
            "a number that is none",
            "a.ods",
            content("office:value=\"1001\"", "office:value=\"many\""),
            &["damaged"],
        ),
        broken(
            "a column repeated a billion times",
            "a.ods",
            changed(&ods, "content.xml", |content| {
                let text = String::from_utf8(content).unwrap();
                let row = format!(
                    "<table:table-row>{}</table:table-row>",
                    "<table:table-cell table:number-columns-repeated=\"1000000000\" office:value-type=\"float\" office:value=\"1\"><text:p>1</text:p></table:table-cell>"
                );
                text.replacen("<table:table-row", &format!("{}<table:table-row", row.repeat(2500)), 1)
                    .into_bytes()
            }),
            &["too many cells"],
        ),
        broken(
            "a row repeated a billion times",
            "a.ods",
            changed(&ods, "content.xml", |content| {
                let text = String::from_utf8(content).unwrap();
                let cell = "<table:table-cell table:number-columns-repeated=\"1000\" office:value-type=\"float\" office:value=\"1\"><text:p>1</text:p></table:table-cell>";
                text.replacen(
                    "<table:table-row",
                    &format!("<table:table-row table:number-rows-repeated=\"1000000000\">{cell}</table:table-row><table:table-row"),
                    1,
                )
                .into_bytes()
            }),
            &["too many cells"],
        ),
        broken(
            "a locked OpenDocument sheet",
            "a.ods",
            changed(&ods, "META-INF/manifest.xml", |content| {
                let text = String::from_utf8(content).unwrap();
                text.replacen(
                    "</manifest:manifest>",
                    "<manifest:file-entry manifest:full-path=\"x\"><manifest:encryption-data/></manifest:file-entry></manifest:manifest>",
                    1,
                )
                .into_bytes()
            }),
            &["password"],
        ),
        broken("a binary workbook cut in half", "a.xlsb", &xlsb[..xlsb.len() / 2], &["damaged"]),
        broken(
            "a binary sheet cut off inside its archive",
            "a.xlsb",
            changed(&xlsb, "xl/worksheets/sheet1.bin", |content| content[..content.len() / 2].to_vec()),
            &["damaged"],
        ),
        broken(
            "a binary sheet of noise",
            "a.xlsb",
            changed(&xlsb, "xl/worksheets/sheet1.bin", |_| noise(400)),
            &["damaged"],
        ),
        broken(
            "binary texts of noise",
            "a.xlsb",
            changed(&xlsb, "xl/sharedStrings.bin", |_| noise(400)),
            &["damaged"],
        ),
        broken(
            "a binary list of sheets of noise",
            "a.xlsb",
            changed(&xlsb, "xl/workbook.bin", |_| noise(400)),
            &[],
        ),
    ]
}
