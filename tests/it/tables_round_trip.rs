//! The same sheet gives the same results from any file, and what is written comes back.

use std::path::Path;

use proptest::prelude::*;
use recant::notes::Notes;
use recant::tables::{DecimalMark, ReadOptions, Table, Texts, WriteOptions, read};

/// What every accessor says about a column; errors count as a result, their texts do not (they name the file).
#[derive(Debug, PartialEq)]
struct Seen {
    texts: Texts,
    numbers: Option<Vec<Option<f64>>>,
    dates: Option<Vec<Option<i64>>>,
}

fn seen(table: &Table) -> Vec<(String, Seen)> {
    table
        .names()
        .iter()
        .map(|name| {
            let seen = Seen {
                texts: table.texts(name).unwrap(),
                numbers: table.numbers(name, &mut Notes::new()).ok(),
                dates: table.dates(name, None, &mut Notes::new()).ok(),
            };
            (name.clone(), seen)
        })
        .collect()
}

fn read_back(path: &Path) -> Table {
    read(path, &ReadOptions::default(), &mut Notes::new()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every way a table can be written.
fn ways() -> Vec<(&'static str, WriteOptions)> {
    let encoded = |label: &str, delimiter: u8| WriteOptions {
        delimiter: Some(delimiter),
        encoding: Some(label.to_owned()),
        ..WriteOptions::default()
    };
    vec![
        ("plain.csv", WriteOptions::default()),
        ("packed.csv.gz", WriteOptions::default()),
        ("tabs.tsv", WriteOptions::default()),
        ("semicolons.csv", encoded("utf-8", b';')),
        ("latin.csv", encoded("windows-1252", b',')),
        ("utf16.csv", encoded("utf-16le", b'\t')),
        (
            "windows.csv",
            WriteOptions {
                windows_lines: true,
                byte_order_mark: Some(true),
                ..encoded("utf-8", b'|')
            },
        ),
        ("book.xlsx", WriteOptions::default()),
        ("columns.parquet", WriteOptions::default()),
    ]
}

fn check_all_ways(table: &Table) {
    let folder = tempfile::tempdir().unwrap();
    let expected = seen(table);
    for (name, options) in ways() {
        let path = folder.path().join(name);
        table.write_with(&path, &options, &mut Notes::new()).unwrap();
        let back = read_back(&path);
        assert_eq!(back.height(), table.height(), "{name}");
        for ((column, expected), (_, found)) in expected.iter().zip(seen(&back)) {
            assert_eq!(&found, expected, "{name}, column {column}");
        }
        if !name.ends_with("xlsx") && !name.ends_with("parquet") {
            for column in table.names() {
                for row in 0..table.height() {
                    let typed = table.cell(row, column).unwrap();
                    assert_eq!(back.cell(row, column).unwrap(), typed, "{name}, column {column}, row {row}");
                }
            }
        }
    }
}

/// Cells as people type them, with everything that is special to some format.
fn typed_text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        2 => Just(None),
        6 => "[a-zA-Z ]{1,8}".prop_map(Some),
        3 => prop::sample::select(vec![
            "=1+1", "+A1", "-A1", "@x", "'=1", "''@", "-5", "+5", "-", "a,b", "a;b", "a\tb", "a|b", "say \"no\"", "\"", "line\nbreak", "line\r\nbreak", " pad ",
            "007", "957.0", "1.50", "1e5", "TRUE", "True", "false", "NULL", "#N/A", "nan", "NA", "None", "\u{fc}\u{20ac}", "\u{4e16}\u{754c}", "\u{1f600}", "\u{a0}x", "_x0041_",
            "1234567890123456789", "0.1", "-0.0", "1,234", "1.234", "12,5", "<b>&amp;", "PK", "x\u{1a}", "12:30",
        ]).prop_map(|text| Some(text.to_owned())),
    ]
}

fn number_text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some("#N/A".to_owned())),
        6 => (-100_000i64..100_000).prop_map(|number| Some(number.to_string())),
        6 => (-1e6f64..1e6).prop_map(|number| Some(format!("{number}"))),
        3 => (-1e4f64..1e4).prop_map(|number| Some(format!("{number:.2}"))),
        3 => (0i64..999).prop_map(|number| Some(format!("{}.{:03}", number % 50, number))),
    ]
}

fn date_text() -> impl Strategy<Value = Option<String>> {
    (2015i32..2020, 1u32..13, 1u32..29, 0u32..24, 0u32..60, 0u8..6).prop_map(|(year, month, day, hour, minute, form)| match form {
        0 => None,
        1 => Some(format!("{year}-{month:02}-{day:02}")),
        2 => Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")),
        _ => Some(format!("{month}/{day}/{year} {hour}:{minute:02}")),
    })
}

fn column() -> impl Strategy<Value = Vec<Option<String>>> {
    const ROWS: usize = 12;
    prop_oneof![
        3 => prop::collection::vec(typed_text(), ROWS),
        2 => prop::collection::vec(number_text(), ROWS),
        2 => prop::collection::vec(date_text(), ROWS),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_sheet_gives_the_same_results_from_every_format(
        columns in prop::collection::vec(column(), 1..5),
        numbers in prop::collection::vec(prop::option::of(-1e9f64..1e9), 12),
        integers in prop::collection::vec(prop::option::of(any::<i64>()), 12),
        dates in prop::collection::vec(prop::option::of(-1_000_000_000i64..4_000_000_000), 12),
    ) {
        let mut table = Table::new("made.csv", 12);
        for (place, cells) in columns.into_iter().enumerate() {
            table = table.with_column(&format!("Text {place}"), cells).unwrap();
        }
        let table = table
            .with_numbers("Number", numbers)
            .and_then(|table| table.with_integers("Integer", integers))
            .and_then(|table| table.with_dates("Date", dates))
            .and_then(|table| table.with_integers("Id", (1..=12).map(Some).collect()))
            .unwrap();
        check_all_ways(&table);
    }
}

fn texts(values: &[&str]) -> Vec<Option<String>> {
    values
        .iter()
        .map(|value| (!value.is_empty()).then(|| (*value).to_owned()))
        .collect()
}

#[test]
fn a_blank_row_of_a_made_table_is_kept() {
    let table = Table::new("t", 3).with_column("a", texts(&["x", "", "y"])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    table.write(&path, &mut Notes::new()).unwrap();
    assert_eq!(read_back(&path).height(), 3);
}

#[test]
fn an_injected_sheet_is_written_like_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    let content = encoding_rs::WINDOWS_1252
        .encode("Id;Stra\u{df}e;Tage;Preis\r\n1;\"A;B\";3;1.234,50\r\n007;=x;4;0,5\r\n")
        .0
        .into_owned();
    std::fs::write(&path, &content).unwrap();
    let table = read_back(&path);
    let out = folder.path().join("same.csv");
    table.write_like_source(&out, &mut Notes::new()).unwrap();
    // Only the formula has changed.
    let expected = content.windows(2).position(|two| two == b"=x").unwrap();
    let mut guarded = content.clone();
    guarded.insert(expected, b'\'');
    assert_eq!(std::fs::read(&out).unwrap(), guarded);
    let changed = table.with_numbers("Tage", vec![Some(5.5), Some(4.0)]).unwrap();
    assert_eq!(WriteOptions::like(&changed).decimal_mark, Some(DecimalMark::Comma));
    changed.write_like_source(&out, &mut Notes::new()).unwrap();
    let back = read_back(&out);
    assert_eq!(back.cell(0, "Tage").unwrap().as_deref(), Some("5,5"));
    assert_eq!(back.numbers("Tage", &mut Notes::new()).unwrap(), [Some(5.5), Some(4.0)]);
    assert_eq!(back.cell(1, "Stra\u{df}e").unwrap().as_deref(), Some("=x"));
}

#[test]
fn no_written_cell_is_a_formula() {
    let nasty = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", " =1"];
    let table = Table::new("t", nasty.len())
        .with_column("=HYPERLINK(\"x\")", texts(&nasty))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("a.csv");
    table.write(&csv, &mut Notes::new()).unwrap();
    let written = std::fs::read_to_string(&csv).unwrap();
    let body = written.replace("\r", "");
    for cell in body.split('\n').filter(|line| !line.is_empty()) {
        let cell = cell.trim_start_matches('"');
        assert!(cell.starts_with('\''), "{cell:?}");
    }
    let xlsx = folder.path().join("a.xlsx");
    table.write(&xlsx, &mut Notes::new()).unwrap();
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&xlsx).unwrap()).unwrap();
    let mut sheet = String::new();
    std::io::Read::read_to_string(&mut archive.by_name("xl/worksheets/sheet1.xml").unwrap(), &mut sheet).unwrap();
    assert!(!sheet.contains("<f>") && !sheet.contains("<f "), "{sheet}");
    assert_eq!(read_back(&xlsx).names(), table.names());
}

#[test]
fn excel_gets_numbers_dates_and_texts_as_such() {
    let table = Table::new("t", 2)
        .with_column("Code", texts(&["007", "12"]))
        .and_then(|table| table.with_column("Price", texts(&["1.50", "-3"])))
        .and_then(|table| table.with_dates("When", vec![Some(1_517_439_360), Some(1_517_356_800)]))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xlsx");
    table.write(&path, &mut Notes::new()).unwrap();
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
    let range = calamine::Reader::worksheet_range_at(&mut book, 0).unwrap().unwrap();
    use calamine::Data;
    assert_eq!(range.get_value((1, 0)), Some(&Data::String("007".into())));
    assert_eq!(range.get_value((2, 0)), Some(&Data::Float(12.0)));
    assert_eq!(range.get_value((1, 1)), Some(&Data::Float(1.5)));
    assert!(matches!(range.get_value((1, 2)), Some(Data::DateTime(_))));
    let twice = folder.path().join("b.xlsx");
    table.write(&twice, &mut Notes::new()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&twice).unwrap());
}

#[test]
fn what_excel_cannot_hold_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xlsx");
    let long = Table::new("t", 1).with_column("c", texts(&[&"x".repeat(40_000)])).unwrap();
    let error = long.write(&path, &mut Notes::new()).unwrap_err();
    assert!(
        error.to_string().contains("32,767") && error.place().unwrap().contains("row 2"),
        "{error}"
    );
    assert!(!path.exists());
    let tall = Table::new("t", 1_048_576).with_integers("n", vec![Some(1); 1_048_576]).unwrap();
    assert!(
        tall.write(&path, &mut Notes::new())
            .unwrap_err()
            .hint_text()
            .unwrap()
            .contains(".csv")
    );
    assert!(tall.write(&folder.path().join("a.xls"), &mut Notes::new()).is_err());
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let table = Table::new("t", 1).with_column("c", texts(&["x"])).unwrap();
    let error = table.write(&file.join("a.csv"), &mut Notes::new()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A well-formed text and its cells.
fn delimited() -> impl Strategy<Value = (char, Vec<Vec<String>>)> {
    let cell = prop_oneof![
        4 => "[a-zA-Z0-9]{1,6}",
        2 => prop::sample::select(vec!["a,b", "c;d", "e\tf", "say \"x\"", "two\nlines", "\u{fc}\u{4e16}", "12.5", "x y"]).prop_map(str::to_owned),
    ];
    (2usize..6).prop_flat_map(move |width| {
        (
            prop::sample::select(vec![',', ';', '\t', '|']),
            prop::collection::vec(prop::collection::vec(cell.clone(), width), 2..20),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// polars' own parser is the oracle: on well-formed files both see the same cells.
    #[test]
    fn well_formed_text_reads_as_polars_reads_it((delimiter, rows) in delimited()) {
        use polars::prelude::*;
        let width = rows[0].len();
        let mut content = (0..width).map(|column| format!("Name {column}")).collect::<Vec<_>>().join(&delimiter.to_string());
        content.push('\n');
        for row in &rows {
            let quoted: Vec<String> = row.iter().map(|cell| {
                if cell.contains([',', ';', '\t', '|', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
            }).collect();
            content.push_str(&quoted.join(&delimiter.to_string()));
            content.push('\n');
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, &content).unwrap();
        let ours = read_back(&path);
        let options = polars_io::prelude::CsvReadOptions::default()
            .with_infer_schema_length(Some(0))
            .with_parse_options(polars_io::prelude::CsvParseOptions::default().with_separator(delimiter as u8));
        let theirs = polars_io::prelude::CsvReader::new(std::io::Cursor::new(content.as_bytes())).with_options(options).finish().unwrap();
        prop_assert_eq!(theirs.height(), ours.height());
        for name in ours.names() {
            let column = theirs.column(name).unwrap().str().unwrap();
            for row in 0..ours.height() {
                prop_assert_eq!(column.get(row).map(str::to_owned), ours.cell(row, name).unwrap());
            }
        }
    }
}

#[test]
fn results_and_written_bytes_do_not_depend_on_the_number_of_threads() {
    let rows = 70_000;
    let cells = |make: fn(usize) -> String| (0..rows).map(|row| (row % 11 > 0).then(|| make(row))).collect();
    let table = Table::new("t", rows)
        .with_column("Market", cells(|row| format!("M{}", row * 7919 % 40_000)))
        .and_then(|table| table.with_column("Price", cells(|row| format!("{}.{:02}", row % 977, row % 100))))
        .and_then(|table| table.with_column("When", cells(|row| format!("{}/{}/2018", row % 12 + 1, row % 28 + 1))))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let files: Vec<Vec<u8>> = ["a.csv", "a.csv.gz", "a.parquet"]
                .iter()
                .map(|name| {
                    let path = folder.path().join(name);
                    table.write(&path, &mut Notes::new()).unwrap();
                    std::fs::read(path).unwrap()
                })
                .collect();
            (files, seen(&read_back(&folder.path().join("a.csv"))))
        })
    };
    let (one, three) = (with_threads(1), with_threads(3));
    assert!(one.0 == three.0, "files differ");
    assert_eq!(one.1, three.1);
}
