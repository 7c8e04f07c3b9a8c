//! Workbooks written by other programs: LibreOffice (.xlsx, .xls, .ods) and pyxlsbwriter (.xlsb); see `tests/fixtures/sheets/make.py`.

use std::path::PathBuf;

use recant::notes::Notes;
use recant::tables::{Format, ReadOptions, Table, read};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sheets").join(name)
}

fn orders(name: &str, sheet: &str) -> (Table, Notes) {
    let options = ReadOptions {
        sheet: Some(sheet.to_owned()),
        ..ReadOptions::default()
    };
    let mut notes = Notes::new();
    let table = read(&fixture(name), &options, &mut notes).unwrap_or_else(|error| panic!("{name}: {error} {:?}", error.hint_text()));
    (table, notes)
}

fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    let texts = table.texts(name).unwrap();
    (0..table.height()).map(|row| texts.get(row).map(str::to_owned)).collect()
}

const BOOKS: [(&str, Format); 4] = [
    ("orders.xlsx", Format::Xlsx),
    ("orders.xls", Format::Xls),
    ("orders.ods", Format::Ods),
    ("orders.xlsb", Format::Xlsb),
];

#[test]
fn the_same_sheet_reads_the_same_from_every_workbook_format() {
    for (name, format) in BOOKS {
        let (table, notes) = orders(name, "Orders");
        assert_eq!(table.source().format, format);
        assert_eq!(table.source().header_row, 3, "{name}");
        assert_eq!(
            table.names(),
            ["Order Id", "Market", "Shipped", "Price", "Share", "Late", "Remark"],
            "{name}"
        );
        let rows: Vec<usize> = (0..table.height()).map(|row| table.row_number(row)).collect();
        assert_eq!(rows, [4, 5, 6, 8], "{name}");
        let some = |values: [&str; 4]| values.map(|value| (!value.is_empty()).then(|| value.to_owned())).to_vec();
        assert_eq!(texts(&table, "Order Id"), some(["1001", "1002", "1003", "1004"]), "{name}");
        let market = ["LATAM", "LATAM", "LATAM", "Europe"];
        assert_eq!(texts(&table, "Market"), some(market), "{name}");
        assert_eq!(
            texts(&table, "Shipped"),
            some(["2018-01-31 22:56:00", "2018-02-03", "2018-02-28 12:00:00", "1/31/2018"]),
            "{name}"
        );
        assert_eq!(texts(&table, "Late"), some(["TRUE", "FALSE", "TRUE", "FALSE"]), "{name}");
        assert_eq!(
            texts(&table, "Remark"),
            some(["\u{c4}\u{d6}\u{dc} \u{20ac} & <b>", "=1+1", "", "padded"]),
            "{name}"
        );
        let mut reading = Notes::new();
        assert_eq!(
            table.numbers("Price", &mut reading).unwrap(),
            [Some(1234.5), Some(0.1), Some(-3.0), Some(7.0)],
            "{name}"
        );
        assert!(reading.has("numbers-as-text"), "{name}");
        assert_eq!(
            table.numbers("Share", &mut reading).unwrap(),
            [Some(0.125), Some(0.5), Some(1.0), None],
            "{name}"
        );
        let january_31 = 17_562 * 86_400;
        assert_eq!(
            table.dates("Shipped", None, &mut reading).unwrap(),
            [
                Some(january_31 + 22 * 3600 + 56 * 60),
                Some(january_31 + 3 * 86_400),
                Some(january_31 + 28 * 86_400 + 12 * 3600),
                Some(january_31)
            ],
            "{name}"
        );
        assert!(notes.has("title-block"), "{name}");
        // The program that wrote the binary workbook cannot merge.
        assert_eq!(notes.has("merged-cells"), format != Format::Xlsb, "{name}");
    }
}

#[test]
fn a_sheet_is_chosen_by_number_and_others_are_listed() {
    for (name, _) in BOOKS {
        assert_eq!(orders(name, "2").0.source().sheet.as_deref(), Some("Orders"), "{name}");
        let wrong = ReadOptions {
            sheet: Some("3".to_owned()),
            ..ReadOptions::default()
        };
        let error = read(&fixture(name), &wrong, &mut Notes::new()).unwrap_err();
        assert!(error.hint_text().unwrap().contains("`Notes`, `Orders`"), "{name}: {error:?}");
        let mut notes = Notes::new();
        let first = read(&fixture(name), &ReadOptions::default(), &mut notes).unwrap();
        assert_eq!(first.source().sheet.as_deref(), Some("Notes"), "{name}");
        assert!(notes.has("other-sheets"), "{name}");
    }
}

#[test]
fn a_workbook_written_out_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (table, _) = orders("orders.xlsx", "Orders");
    for name in ["a.csv", "a.xlsx", "a.parquet"] {
        let path = folder.path().join(name);
        table.write(&path, &mut Notes::new()).unwrap();
        let back = read(&path, &ReadOptions::default(), &mut Notes::new()).unwrap();
        for column in table.names() {
            assert_eq!(back.texts(column).unwrap(), table.texts(column).unwrap(), "{name}, {column}");
        }
    }
}
