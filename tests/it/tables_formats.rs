//! Reading sheets as people have them.

use std::fs;
use std::path::{Path, PathBuf};

use recant::notes::Notes;
use recant::tables::{DateOrder, ReadOptions, Table, Texts, Writing, read};

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// Reads content as a file of a given name.
fn read_as(name: &str, content: impl AsRef<[u8]>, options: &ReadOptions) -> (recant::Result<Table>, Notes) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), name, content);
    let mut notes = Notes::new();
    (read(&path, options, &mut notes), notes)
}

fn table(content: impl AsRef<[u8]>) -> (Table, Notes) {
    let (table, notes) = read_as("sheet.csv", content, &ReadOptions::default());
    (table.unwrap(), notes)
}

fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    let texts = table.texts(name).unwrap();
    (0..table.height()).map(|row| texts.get(row).map(str::to_owned)).collect()
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values
        .iter()
        .map(|value| (!value.is_empty()).then(|| (*value).to_owned()))
        .collect()
}

#[test]
fn a_semicolon_sheet_with_decimal_commas_and_quoted_newlines_is_read() {
    let (table, notes) = table("Ort;Preis;Notiz\r\nK\u{f6}ln;1.234,50;\"zwei\r\nZeilen; und \"\"mehr\"\"\"\r\nUlm;12,5;\r\n");
    assert_eq!(table.names(), ["Ort", "Preis", "Notiz"]);
    assert_eq!(table.source().delimiter, Some(b';'));
    assert!(table.source().windows_lines);
    let mut number_notes = Notes::new();
    assert_eq!(table.numbers("Preis", &mut number_notes).unwrap(), [Some(1234.5), Some(12.5)]);
    assert!(number_notes.has("decimal-comma"));
    assert_eq!(table.cell(0, "Notiz").unwrap().as_deref(), Some("zwei\r\nZeilen; und \"mehr\""));
    assert_eq!(table.row_number(1), 3);
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_title_block_blank_rows_and_odd_headers_are_handled_with_notes() {
    let (table, notes) = table("Delays 2018,,,,\n\nId,,Price,Price,\n1,x,2,3,\n\n2,y,4,5,\n,,,,\n\n");
    assert_eq!(table.names(), ["Id", "Column B", "Price", "Price (2)"]);
    assert_eq!((table.row_number(0), table.row_number(1)), (4, 6));
    assert_eq!(table.source().header_row, 3);
    for code in ["title-block", "blank-rows", "trailing-blank", "empty-header", "duplicate-header"] {
        assert!(notes.has(code), "{code} in {notes:?}");
    }
}

#[test]
fn the_header_row_encoding_and_delimiter_can_be_stated() {
    let options = ReadOptions {
        header_row: Some(2),
        encoding: Some("utf-8".into()),
        delimiter: Some(b'|'),
        ..ReadOptions::default()
    };
    let (table, _) = read_as("a.csv", "a|b\nc|d\n1|2\n", &options);
    let table = table.unwrap();
    assert_eq!(table.names(), ["c", "d"]);
    assert_eq!(table.row_number(0), 3);
}

#[test]
fn missing_markers_are_missing_and_numbers_have_one_spelling() {
    let (table, _) = table("Id,Code\n957.0,007\n958,#N/A\nNULL,nan\n,NA\n");
    assert_eq!(texts(&table, "Id"), some(&["957", "958", "", ""]));
    assert_eq!(texts(&table, "Code"), some(&["007", "", "", "NA"]));
    assert_eq!(table.texts("Id").unwrap().codes[2], Texts::MISSING);
    assert_eq!(table.cell(0, "Id").unwrap().as_deref(), Some("957.0"));
    let mut notes = Notes::new();
    assert_eq!(table.numbers("Code", &mut notes).unwrap(), [Some(7.0), None, None, None]);
    assert!(notes.has("missing-markers"));
}

#[test]
fn an_unreadable_number_names_file_row_and_column() {
    let (table, _) = table("Days\n3\nfour\n5\n");
    let error = table.numbers("Days", &mut Notes::new()).unwrap_err();
    assert!(error.to_string().starts_with("`four` is not a number (in "), "{error}");
    assert!(error.to_string().ends_with("sheet.csv, row 3, column \"Days\")"), "{error}");
    let mut long = String::from("Days\n");
    (0..500).for_each(|row| long.push_str(if row == 40 { "?!\n" } else { "1\n" }));
    let (table, _) = self::table(long);
    let mut notes = Notes::new();
    assert_eq!(table.numbers("Days", &mut notes).unwrap()[40], None);
    assert!(notes.has("unreadable-numbers"));
}

#[test]
fn ambiguous_numbers_follow_the_rest_of_the_sheet() {
    let (table, _) = table("a;b\n1.234;0,5\n2.500;1,75\n");
    let mut notes = Notes::new();
    assert_eq!(table.numbers("a", &mut notes).unwrap(), [Some(1234.0), Some(2500.0)]);
    assert!(notes.has("ambiguous-numbers"));
    let (plain, _) = self::table("a,b\n1.234,0.5\n2.500,1.75\n");
    let mut notes = Notes::new();
    assert_eq!(plain.numbers("a", &mut notes).unwrap(), [Some(1.234), Some(2.5)]);
    // The column itself shows nothing: what the other columns have is told, with the option that says otherwise.
    let note = notes.iter().find(|note| note.code == "ambiguous-numbers").unwrap();
    assert!(
        note.done.contains("as the other columns have it; `--decimal ,` reads it as 1234"),
        "{note:?}"
    );
}

const DAY: i64 = 86_400;
/// 2018-01-01
const NEW_YEAR: i64 = 17_532 * DAY;

#[test]
fn dates_in_every_usual_order_are_read() {
    let (table, _) =
        table("us,de,iso\n1/31/2018 22:56,31.01.2018,2018-01-31T22:56:00+02:00\n2/1/2018 0:00,01.02.2018,2018-02-01\n,,Jan 31 2018\n");
    let mut notes = Notes::new();
    let end_of_january = NEW_YEAR + 30 * DAY;
    let evening = end_of_january + 22 * 3600 + 56 * 60;
    assert_eq!(
        table.dates("us", None, &mut notes).unwrap(),
        [Some(evening), Some(end_of_january + DAY), None]
    );
    assert_eq!(
        table.dates("de", None, &mut notes).unwrap(),
        [Some(end_of_january), Some(end_of_january + DAY), None]
    );
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(
        table.dates("iso", None, &mut notes).unwrap(),
        [Some(evening), Some(end_of_january + DAY), Some(end_of_january)]
    );
    assert!(notes.has("time-zones"));
    assert_eq!(table.date_order("us").unwrap(), Some(DateOrder::MonthFirst));
    // An earlier sheet's order does not hold against what this one shows; what the person states does.
    let read = table.dates("us", Some(DateOrder::DayFirst), &mut notes).unwrap();
    assert_eq!(read[0], Some(evening));
    assert!(notes.has("other-date-order"));
    let stated = Writing {
        dates: Some(DateOrder::DayFirst),
        ..Writing::default()
    };
    let error = table.written_as(stated).dates("us", None, &mut notes).unwrap_err();
    assert!(
        error.to_string().contains("`1/31/2018 22:56` is not a date") && error.to_string().contains("row 2"),
        "{error}"
    );
}

#[test]
fn an_undecidable_date_order_is_taken_from_the_sheet_or_stated_in_a_note() {
    let (table, _) = table("a,b\n3/2/2018,25/12/2018\n4/2/2018,1/2/2018\n");
    let mut notes = Notes::new();
    assert_eq!(table.dates("a", None, &mut notes).unwrap()[0], Some(NEW_YEAR + 33 * DAY));
    assert!(notes.has("ambiguous-dates"));
    let (table, _) = self::table("a\n3/2/2018\n");
    assert_eq!(table.dates("a", None, &mut Notes::new()).unwrap()[0], Some(NEW_YEAR + 60 * DAY));
    assert_eq!(
        table.dates("a", Some(DateOrder::DayFirst), &mut Notes::new()).unwrap()[0],
        Some(NEW_YEAR + 33 * DAY)
    );
}

#[test]
fn days_and_months_that_excel_exchanged_are_put_back() {
    // Month-first text for 1 January to 31 January 2018, opened in a day-first Excel and written out with ISO dates.
    let mut content = String::from("when\n");
    for day in 1..=31 {
        content.push_str(&if day <= 12 {
            format!("2018-{day:02}-01 08:00:00\n")
        } else {
            format!("1/{day}/2018 8:00\n")
        });
    }
    let (table, _) = table(content);
    let mut notes = Notes::new();
    let dates = table.dates("when", None, &mut notes).unwrap();
    let expected: Vec<Option<i64>> = (0..31).map(|day| Some(NEW_YEAR + day * DAY + 8 * 3600)).collect();
    assert_eq!(dates, expected);
    assert!(notes.has("swapped-dates"));
    // One real date above the 12th and nothing is exchanged.
    let (table, _) = self::table("when\n2018-01-02\n2018-01-03\n2018-01-20\n1/31/2018\n1/30/2018\n");
    let mut notes = Notes::new();
    assert_eq!(table.dates("when", None, &mut notes).unwrap()[0], Some(NEW_YEAR + DAY));
    assert!(!notes.has("swapped-dates") && notes.has("mixed-dates"));
}

#[test]
fn two_orders_in_one_column_are_refused_when_others_cannot_be_told() {
    let (table, _) = table("when\n31/1/2018\n1/30/2018\n3/2/2018\n");
    let error = table.dates("when", None, &mut Notes::new()).unwrap_err();
    assert!(error.to_string().contains("mixes day-first and month-first"), "{error}");
    let (table, _) = self::table("when\n31/1/2018\n1/30/2018\n");
    let mut notes = Notes::new();
    assert_eq!(
        table.dates("when", None, &mut notes).unwrap(),
        [Some(NEW_YEAR + 30 * DAY), Some(NEW_YEAR + 29 * DAY)]
    );
    assert!(notes.has("mixed-date-orders"));
}

fn workbook(fill: impl FnOnce(&mut rust_xlsxwriter::Workbook)) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    fill(&mut book);
    book.save_to_buffer().unwrap()
}

#[test]
fn an_excel_sheet_below_a_title_block_is_read() {
    use rust_xlsxwriter::{ExcelDateTime, Format};
    let date = Format::new().set_num_format("m/d/yyyy h:mm");
    let bytes = workbook(|book| {
        book.add_worksheet().set_name("Notes").unwrap().write(0, 0, "nothing here").unwrap();
        let sheet = book.add_worksheet().set_name("Orders").unwrap();
        sheet.merge_range(0, 0, 0, 4, "Delays 2018", &Format::new()).unwrap();
        for (column, name) in ["Id", "Market", "When", "Late", "Error"].into_iter().enumerate() {
            sheet.write(2, 1 + column as u16, name).unwrap();
        }
        for row in 0..3_u32 {
            sheet.write(3 + row, 1, 957.0 + f64::from(row)).unwrap();
            let moment = ExcelDateTime::from_ymd(2018, 1, 31).unwrap().and_hms(22, 56, 0).unwrap();
            sheet.write_with_format(3 + row, 3, moment, &date).unwrap();
            sheet.write(3 + row, 4, row == 1).unwrap();
        }
        sheet.merge_range(3, 2, 5, 2, "LATAM", &Format::new()).unwrap();
        sheet
            .write_formula(3, 5, rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!"))
            .unwrap();
    });
    let options = ReadOptions {
        sheet: Some("orders".into()),
        ..ReadOptions::default()
    };
    let (table, notes) = read_as("book.xlsx", &bytes, &options);
    let table = table.unwrap();
    assert_eq!(table.names(), ["Id", "Market", "When", "Late", "Error"]);
    assert_eq!(table.row_number(0), 4);
    assert_eq!(table.source().sheet.as_deref(), Some("Orders"));
    assert_eq!(texts(&table, "Id"), some(&["957", "958", "959"]));
    assert_eq!(texts(&table, "Market"), some(&["LATAM", "LATAM", "LATAM"]));
    assert_eq!(texts(&table, "Late"), some(&["FALSE", "TRUE", "FALSE"]));
    assert_eq!(texts(&table, "When"), some(&["2018-01-31 22:56:00"; 3]));
    assert_eq!(table.cell(0, "Error").unwrap().as_deref(), Some("#DIV/0!"));
    assert_eq!(
        table.dates("When", None, &mut Notes::new()).unwrap()[0],
        Some(NEW_YEAR + 30 * DAY + 22 * 3600 + 56 * 60)
    );
    assert!(notes.has("title-block") && notes.has("merged-cells"), "{notes:?}");
    let by_number = ReadOptions {
        sheet: Some("2".into()),
        ..ReadOptions::default()
    };
    assert_eq!(read_as("misnamed.csv", &bytes, &by_number).0.unwrap().names(), table.names());
    let wrong = ReadOptions {
        sheet: Some("Order".into()),
        ..ReadOptions::default()
    };
    let error = read_as("book.xlsx", &bytes, &wrong).0.unwrap_err();
    assert!(error.hint_text().unwrap().contains("closest match is `Orders`"), "{error:?}");
}

/// A sheet with two formulas, the second with this as what the file stores behind the formula, in a book that asks to be calculated or not.
fn with_formulas(first: &str, second: &str, on_load: bool) -> (recant::Result<Table>, Notes) {
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        sheet.write_row(0, 0, ["a", "b"]).unwrap();
        for row in 1..3 {
            sheet.write(row, 0, 2 + row).unwrap();
            let formula = rust_xlsxwriter::Formula::new(format!("=A{}*2", row + 1)).set_result(format!("{}", row * 111));
            sheet.write_formula(row, 1, formula).unwrap();
        }
    });
    let replaced = |bytes: &[u8], part: &str, from: &str, to: &str| {
        super::tables_broken::changed(bytes, part, |content| {
            let text = String::from_utf8(content).unwrap();
            assert!(text.contains(from), "{part} has no {from}: {text}");
            text.replace(from, to).into_bytes()
        })
    };
    let sheet = "xl/worksheets/sheet1.xml";
    let bytes = replaced(&bytes, sheet, "<v>111</v>", first);
    let bytes = replaced(&bytes, sheet, "<v>222</v>", second);
    let asks = " fullCalcOnLoad=\"1\"";
    let bytes = if on_load {
        bytes
    } else {
        replaced(&bytes, "xl/workbook.xml", asks, "")
    };
    read_as("made.xlsx", &bytes, &ReadOptions::default())
}

#[test]
fn formulas_without_results_are_pointed_out() {
    // As openpyxl writes them, and as other libraries do.
    for missing in ["<v></v>", "<v/>", ""] {
        let (table, notes) = with_formulas("<v>6</v>", missing, true);
        assert_eq!(texts(&table.unwrap(), "b"), some(&["6", ""]));
        let note = notes.iter().find(|note| note.code == "formulas-without-results").unwrap();
        assert!(
            note.found.contains("1 formula in `made.xlsx`") && note.found.contains("B3"),
            "{note:?}"
        );
        assert!(!notes.has("formulas-never-calculated"), "{notes:?}");
    }
    let (table, notes) = with_formulas("<v>6</v>", "<v>0</v>", true);
    assert_eq!(texts(&table.unwrap(), "b"), some(&["6", "0"]));
    assert!(notes.is_empty(), "a result of 0 among others is a result: {notes:?}");
}

#[test]
fn formulas_that_nobody_calculated_are_told_from_formulas_that_give_zero() {
    let (table, notes) = with_formulas("<v>0</v>", "<v>0</v>", true);
    assert_eq!(texts(&table.unwrap(), "b"), some(&["0", "0"]));
    let note = notes.iter().find(|note| note.code == "formulas-never-calculated").unwrap();
    assert!(note.found.contains("2 formulas") && note.found.contains("B2"), "{note:?}");
    let (_, notes) = with_formulas("<v>0</v>", "<v>0</v>", false);
    assert!(notes.is_empty(), "Excel calculated and saved: {notes:?}");
}

#[test]
fn formulas_of_a_book_that_prefixes_its_tags_are_seen() {
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        sheet.write_row(0, 0, ["a", "b"]).unwrap();
        sheet.write(1, 0, 1).unwrap();
        sheet
            .write_formula(1, 1, rust_xlsxwriter::Formula::new("=A2*2").set_result("2"))
            .unwrap();
    });
    let bytes = super::tables_broken::changed(&bytes, "xl/worksheets/sheet1.xml", |content| {
        let text = String::from_utf8(content).unwrap().replace("<v>2</v>", "");
        let text = text
            .replace("</", "<\u{0}")
            .replace('<', "<x:")
            .replace("<x:\u{0}", "</x:")
            .replace("<x:?xml", "<?xml");
        text.replace(" xmlns=", " xmlns:x=").into_bytes()
    });
    let (table, notes) = read_as("prefixed.xlsx", &bytes, &ReadOptions::default());
    assert_eq!(texts(&table.unwrap(), "b"), some(&[""]));
    assert!(notes.has("formulas-without-results"), "{notes:?}");
}

#[test]
fn a_sheet_of_nothing_but_uncalculated_formulas_says_so() {
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        sheet
            .write_formula(0, 0, rust_xlsxwriter::Formula::new("=1+1").set_result("2"))
            .unwrap();
    });
    let bytes = super::tables_broken::changed(&bytes, "xl/worksheets/sheet1.xml", |content| {
        String::from_utf8(content).unwrap().replace("<v>2</v>", "").into_bytes()
    });
    let error = read_as("made.xlsx", &bytes, &ReadOptions::default()).0.unwrap_err();
    assert!(error.message().contains("formulas without stored results"), "{error}");
}

#[test]
fn swapped_real_dates_of_a_workbook_are_put_back() {
    use rust_xlsxwriter::{ExcelDateTime, Format};
    let date = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "order date").unwrap();
        for day in 1..=31_u8 {
            if day <= 12 {
                let moment = ExcelDateTime::from_ymd(2018, day, 1).unwrap().and_hms(8, 30, 0).unwrap();
                sheet.write_with_format(u32::from(day), 0, moment, &date).unwrap();
            } else {
                sheet.write(u32::from(day), 0, format!("1/{day}/2018 8:30")).unwrap();
            }
        }
    });
    let (table, _) = read_as("orders.xlsx", &bytes, &ReadOptions::default());
    let mut notes = Notes::new();
    let dates = table.unwrap().dates("order date", None, &mut notes).unwrap();
    let expected: Vec<Option<i64>> = (0..31).map(|day| Some(NEW_YEAR + day * DAY + 8 * 3600 + 30 * 60)).collect();
    assert_eq!(dates, expected);
    let note = notes.iter().find(|note| note.code == "swapped-dates").unwrap();
    assert!(note.found.contains("12 real dates") && note.found.contains("19 texts"), "{note:?}");
}

#[test]
fn parquet_types_beyond_our_own_are_read() {
    use polars::prelude::*;
    let frame = || -> PolarsResult<DataFrame> {
        let small = Series::new("small".into(), [Some(1i64), None, Some(-3)]).cast(&DataType::Int32)?;
        let unsigned = Series::new("unsigned".into(), [7u64, 8, u64::MAX]);
        let short = Series::new("short".into(), [0.1f32, 2.5, f32::NAN]);
        let day = Series::new("day".into(), [17_562i32, 17_563, 17_564]).cast(&DataType::Date)?;
        let utc = DataType::Datetime(TimeUnit::Milliseconds, None);
        let moment = Series::new("moment".into(), [1_517_439_360_000i64, 0, -1_000]).cast(&utc)?;
        let truth = Series::new("truth".into(), [true, false, true]);
        DataFrame::new(
            3,
            [small, unsigned, short, day, moment, truth]
                .into_iter()
                .map(IntoColumn::into_column)
                .collect(),
        )
    };
    let mut bytes = Vec::new();
    polars_io::prelude::ParquetWriter::new(&mut bytes)
        .finish(&mut frame().unwrap())
        .unwrap();
    let (table, _) = read_as("a.parquet", &bytes, &ReadOptions::default());
    let table = table.unwrap();
    assert_eq!(texts(&table, "small"), some(&["1", "", "-3"]));
    assert_eq!(texts(&table, "unsigned"), some(&["7", "8", "18446744073709551615"]));
    assert_eq!(texts(&table, "short"), some(&["0.1", "2.5", ""]));
    assert_eq!(texts(&table, "day"), some(&["2018-01-31", "2018-02-01", "2018-02-02"]));
    assert_eq!(
        texts(&table, "moment"),
        some(&["2018-01-31 22:56:00", "1970-01-01", "1969-12-31 23:59:59"])
    );
    assert_eq!(texts(&table, "truth"), some(&["TRUE", "FALSE", "TRUE"]));
    assert_eq!(table.row_number(0), 2);
    let mut notes = Notes::new();
    assert_eq!(table.numbers("short", &mut notes).unwrap(), [Some(0.1), Some(2.5), None]);
    assert!(notes.has("missing-markers"));
}

/// As DuckDB writes them: an id of 16 bytes is its text; a span of months and days is left out and told, and breaks nothing.
#[test]
fn ids_and_spans_of_a_database_in_parquet_are_read_or_told() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sheets/duckdb.parquet");
    let mut notes = Notes::new();
    let table = read(&path, &ReadOptions::default(), &mut notes).unwrap();
    assert_eq!(table.names(), ["id", "pieces"]);
    assert_eq!(table.texts("id").unwrap().get(1), Some("00112233-4455-6677-8899-aabbccddee01"));
    let note = notes.iter().find(|note| note.code == "unreadable-columns").unwrap();
    assert!(note.found.contains("`wait`"), "{note:?}");
}

/// As pyarrow writes times of day in seconds: Parquet has no such type, so thousandths are stored under the name of seconds.
#[test]
fn times_of_day_in_seconds_are_read_from_parquet() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sheets/times-in-seconds.parquet");
    let mut notes = Notes::new();
    let table = read(&path, &ReadOptions::default(), &mut notes).unwrap();
    let times: Vec<Option<f64>> = table.numbers("Pickup", &mut notes).unwrap();
    assert_eq!(times, [Some(0.5), Some(8.25), None, Some(24.0 - 1.0 / 120.0)]);
}
