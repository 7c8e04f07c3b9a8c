//! Files that Excel opens are read; damaged ones are refused at once, whatever they claim to hold.

use super::made::{
    binary, binary_cell, binary_row, book, label, number, record, relations, sheet, stream, text, wide, xls, xlsb, xlsx_with, zipped,
};
use super::{cells, found, refused, table};

const ROWS: &[&[&str]] = &[&["Id", "Mode"], &["1", "Air"], &["2", "Sea"]];

#[test]
fn parts_that_nobody_needs_may_be_anything() {
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("<DataMashup>".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let more: &[(&str, &[u8])] = &[
        ("customXml/item1.xml", &utf16),
        ("__MACOSX/xl/._workbook.xml", b"\0\x05\x16\x07"),
        ("docProps/app.xml", b"<a><b>"),
        ("xl/queryTables/query1.xml", b"not xml"),
    ];
    let (table, _) = table("a.xlsx", &xlsx_with("", &sheet(ROWS), more));
    assert_eq!(cells(&table, "Mode"), ["Air", "Sea"]);
}

#[test]
fn parts_are_found_through_relations() {
    let inline = sheet(ROWS);
    let shared = "<worksheet><sheetData><row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c></row><row><c><v>1</v></c><c t=\"s\"><v>2</v></c></row><row><c><v>2</v></c><c t=\"s\"><v>2</v></c></row></sheetData></worksheet>";
    let strings = "<sst><si><t>Id</t></si><si><t>Mode</t></si><si><t>Air</t></si></sst>";
    for (main, target, part, strings_part) in [
        ("workbook.xml", "sheet1.xml", "sheet1.xml", "sharedStrings.xml"),
        ("xl/workbook.xml", "/xl/data/orders.xml", "xl/data/orders.xml", "xl/texts.xml"),
        ("deep/er/book2.xml", "../s.xml", "deep/s.xml", "deep/er/t.xml"),
        (
            "XL/Workbook.xml",
            "Worksheets/Sheet1.xml",
            "xl/worksheets/sheet1.xml",
            "xl/sharedstrings.xml",
        ),
    ] {
        let (folder, file) = main.rsplit_once('/').unwrap_or(("", main));
        let related_name = format!("{folder}/_rels/{file}.rels");
        let related = relations(&[("a", "worksheet", target), ("b", "sharedStrings", &format!("/{strings_part}"))]);
        for content in [inline.as_str(), shared] {
            let bytes = zipped(&[
                ("_rels/.rels", relations(&[("p", "officeDocument", main)]).as_bytes()),
                (related_name.trim_start_matches('/'), related.as_bytes()),
                (main, book("", &[("Orders", "a")]).as_bytes()),
                (part, content.as_bytes()),
                (strings_part, strings.as_bytes()),
            ]);
            let (table, _) = table("a.xlsx", &bytes);
            assert_eq!(table.names(), ["Id", "Mode"], "{main}");
            assert_eq!(cells(&table, "Mode")[0], "Air", "{main}");
        }
    }
}

#[test]
fn a_listed_sheet_without_a_part_hides_no_other() {
    let bytes = zipped(&[
        ("_rels/.rels", relations(&[("p", "officeDocument", "xl/workbook.xml")]).as_bytes()),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&[("a", "worksheet", "worksheets/sheet1.xml")]).as_bytes(),
        ),
        (
            "xl/workbook.xml",
            book(
                "<workbookPr date1904=\"1\"/>",
                &[("Lost", ""), ("Orders &amp; more", "a"), ("Gone", "z")],
            )
            .as_bytes(),
        ),
        ("xl/worksheets/sheet1.xml", sheet(ROWS).as_bytes()),
    ]);
    let (table, notes) = table("a.xlsx", &bytes);
    assert_eq!(table.source().sheet.as_deref(), Some("Orders & more"));
    assert!(table.source().dates_from_1904);
    assert!(found(&notes, "missing-sheets").contains("`Lost`, `Gone`"));
}

#[test]
fn the_date_system_is_passed_on() {
    assert!(!table("a.xlsx", &xlsx_with("", &sheet(ROWS), &[])).0.source().dates_from_1904);
    assert!(
        table("a.xlsx", &xlsx_with("<workbookPr date1904=\"true\"/>", &sheet(ROWS), &[]))
            .0
            .source()
            .dates_from_1904
    );
    let cells = [label(0, 0, "Id", false), number(1, 0, 1.0)].concat();
    assert!(
        table("a.xls", &xls(&stream(&record(0x0022, &[1, 0]), &cells)))
            .0
            .source()
            .dates_from_1904
    );
    assert!(
        !table("a.xls", &xls(&stream(&record(0x0022, &[0, 0]), &cells)))
            .0
            .source()
            .dates_from_1904
    );
}

#[test]
fn error_values_that_nobody_knows_are_missing() {
    let error = |value: &str| format!("<c t=\"e\"><v>{value}</v></c>");
    let rows = format!(
        "<worksheet><sheetData><row>{}{}{}</row><row><c><v>1</v></c>{}<c><v>5</v></c></row><row><c><v>2</v></c>{}<c><v>6</v></c></row></sheetData></worksheet>",
        text("Id"),
        text("Days"),
        text("Cost"),
        error("#BUSY!"),
        error("#N/A")
    );
    let (xlsx, notes) = table("a.xlsx", &xlsx_with("", &rows, &[]));
    assert!(found(&notes, "error-cells").contains("2 cells"));
    assert_eq!(cells(&xlsx, "Cost"), ["5", "6"]);
    let binary = [
        binary_row(0, false),
        binary_cell(6, 0, &wide("Id")),
        binary_cell(6, 1, &wide("Days")),
        binary_row(1, false),
        binary_cell(2, 0, &[2 | (1 << 2), 0, 0, 0]),
        // An unknown error, then a formula that ends in one.
        binary_cell(3, 1, &[0x77]),
        binary_row(2, false),
        // A cell of the short kind has no column: it is the next one.
        binary(13, &[0, 0, 0, 0, 2 | (2 << 2), 0, 0, 0]),
        binary_cell(11, 1, &[0x2a, 0, 0]),
        binary(0x777, &[1, 2, 3]),
    ];
    let (xlsb, notes) = table("a.xlsb", &xlsb(&binary.concat()));
    assert_eq!(cells(&xlsb, "Id"), ["1", "2"]);
    assert!(found(&notes, "error-cells").contains("2 cells"));
    for table in [&xlsx, &xlsb] {
        let days = table.texts("Days").unwrap();
        assert_eq!(days.missing_count(), 2);
    }
}

#[test]
fn texts_of_old_workbooks_have_no_nuls() {
    let page = record(0x0042, &1252_u16.to_le_bytes());
    let cells_of = [
        label(0, 0, "Größe", true),
        label(0, 1, "Mode", false),
        label(1, 0, "Ж €", true),
        label(1, 1, "caf\u{e9}", false),
        // A byte that is a letter in Windows-1252 and nothing in Unicode.
        label(2, 0, "\u{80}", false),
        label(2, 1, "x", true),
    ];
    let (sheet, _) = table("a.xls", &xls(&stream(&page, &cells_of.concat())));
    assert_eq!(sheet.names(), ["Größe", "Mode"]);
    assert_eq!(cells(&sheet, "Größe"), ["Ж €", "€"]);
    assert_eq!(cells(&sheet, "Mode"), ["café", "x"]);
    let nul = [label(0, 0, "Id", false), label(1, 0, "a\0b", false)].concat();
    assert!(refused("a.xls", &xls(&stream(&[], &nul))).contains("NUL character"));
}

#[test]
fn what_an_old_workbook_claims_takes_no_memory() {
    let names = [label(0, 0, "Id", false), number(1, 0, 1.0)].concat();
    // Dimensions of four billion rows.
    let huge = record(0x0200, &[0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 255, 255, 0, 0]);
    let (sheet, _) = table("a.xls", &xls(&stream(&[], &[huge, names.clone()].concat())));
    assert_eq!(cells(&sheet, "Id"), ["1"]);
    let far = [names.clone(), number(65_535, 65_535, 7.0)].concat();
    assert!(refused("a.xls", &xls(&stream(&[], &far))).contains("beyond the last column"));
    // A list of two billion texts of which there is one.
    let texts = record(
        0x00fc,
        &[&[255, 255, 255, 127, 255, 255, 255, 127][..], &[255, 255, 1, 65, 0]].concat(),
    );
    assert!(refused("a.xls", &xls(&stream(&texts, &names))).contains("damaged"));
    let one = record(0x00fc, &[255, 255, 255, 127, 255, 255, 255, 127, 1, 0, 0, b'A']);
    assert_eq!(table("a.xls", &xls(&stream(&one, &names))).0.height(), 1);
    // A stream that claims two gigabytes, in sectors that run in a circle.
    let mut circle = xls(&stream(&[], &names));
    circle[1152 + 120..1152 + 124].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    circle[512 + 4 * 4..512 + 4 * 4 + 4].copy_from_slice(&2_u32.to_le_bytes());
    assert!(refused("a.xls", &circle).contains("circle"));
}

#[test]
fn formulas_of_a_constant_are_what_they_show() {
    let keys = "Id,Days\n=\"00123\",3\n\"=\"\"00124\"\"\",4\n=125,5\n";
    let (csv, _) = table("a.csv", keys.as_bytes());
    assert_eq!(cells(&csv, "Id"), ["00123", "00124", "125"]);
    let (xlsx, _) = table(
        "a.xlsx",
        &xlsx_with("", &sheet(&[&["Id", "Days"], &["=\"00123\"", "3"], &["=A1", "4"]]), &[]),
    );
    assert_eq!(cells(&xlsx, "Id"), ["00123", "=A1"]);
}

#[test]
fn text_of_control_characters_is_no_sheet() {
    for bytes in [
        &b"\x1f"[..],
        b"\x1f\n\x1f\n",
        b",,,\n,,,\n",
        b"\x1f\x1f\x1f",
        b" \x1f\n",
        b"\"\x1f\"",
        b"\"\",\"\"\n",
        b"\xef\xbb\xbf\x1f",
    ] {
        let _ = super::try_read("a.csv", bytes, &Default::default()).map(|(table, _)| table.height());
    }
    assert!(refused("a.csv", b",,,\n,,,\n").contains("no text"));
}

#[test]
fn stray_quotes_swallow_no_rows() {
    let mut text = "Id,Mode,Days\n".to_owned();
    (1..=20).for_each(|id| text.push_str(&format!("{id},Air,3\n")));
    let stray = text.replacen("7,Air,3", "7,\"Air,3", 1).replacen("9,Air,3", "9,Air\",3", 1);
    let (table, notes) = table("a.csv", stray.as_bytes());
    assert_eq!(table.height(), 20);
    assert_eq!(cells(&table, "Mode"), ["Air"; 20]);
    assert!(found(&notes, "stray-quotes").contains("rows 8, 10"));
}
