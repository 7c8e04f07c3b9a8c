//! What a cell means: signs and marks of numbers, dates of many languages and calendars, durations, words among numbers. Many siblings of each.

use std::fs;
use std::process::Command;

use proptest::prelude::*;
use recant::features::{LabelRule, Profile, prepare};
use recant::notes::Notes;
use recant::tables::{ColumnKind, DateOrder, DecimalMark, ReadOptions, Table, Writing, read};

fn read_as(name: &str, content: impl AsRef<[u8]>, writing: Writing) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let options = ReadOptions {
        writing,
        ..ReadOptions::default()
    };
    read(&path, &options, &mut Notes::new()).unwrap()
}

fn column(cells: &[&str]) -> Table {
    let cells = cells.iter().map(|cell| Some((*cell).to_owned())).collect::<Vec<_>>();
    Table::new("sheet.csv", cells.len()).with_column("v", cells).unwrap()
}

/// A file of one column beside an id, with the given separator.
fn file(separator: char, cells: &[&str], writing: Writing) -> Table {
    let rows: String = cells
        .iter()
        .enumerate()
        .map(|(row, cell)| format!("{row}{separator}\"{cell}\"\n"))
        .collect();
    read_as("sheet.csv", format!("id{separator}v\n{rows}"), writing)
}

fn numbers(table: &Table) -> (Vec<f64>, Notes) {
    let mut notes = Notes::new();
    let numbers = table.numbers("v", &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect(), notes)
}

fn days(table: &Table) -> (Vec<String>, Notes) {
    let mut notes = Notes::new();
    let dates = table.dates("v", None, &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (
        dates
            .into_iter()
            .map(|seconds| seconds.map_or(String::new(), recant::features::iso))
            .collect(),
        notes,
    )
}

#[test]
fn the_point_of_an_abbreviation_is_no_decimal_point() {
    for sign in [
        "Rs.", "kr.", "Fr.", "Lei.", "K\u{10d}", "z\u{142}", "R$", "S/.", "Bs.", "USD.", "Rp.", "Tk.", "EUR,", "RM", "\u{20b9}",
    ] {
        let before: Vec<String> = ["99", "1500", "250"].iter().map(|amount| format!("{sign}{amount}")).collect();
        let cells: Vec<&str> = before.iter().map(String::as_str).collect();
        let (found, notes) = numbers(&column(&cells));
        assert_eq!(found, [99.0, 1500.0, 250.0], "{sign}");
        assert!(notes.has("currency-signs"), "{sign}");
        assert_eq!(column(&cells).kind("v").unwrap(), ColumnKind::Number, "{sign}");
    }
    let (found, _) = numbers(&column(&[
        "120,-",
        "120.\u{2013}",
        "80 kr.",
        "CHF 5.50",
        "7-",
        "(3)",
        "9.50 CR",
        "4.00 DR",
        "$ -",
    ]));
    assert_eq!(found, [120.0, 120.0, 80.0, 5.5, -7.0, -3.0, -9.5, 4.0, 0.0]);
}

#[test]
fn points_between_thousands_are_told_by_the_whole_column_by_the_currency_or_by_the_file() {
    let (found, notes) = numbers(&column(&["950", "1.230", "12.502", "873"]));
    assert_eq!(found, [950.0, 1230.0, 12_502.0, 873.0]);
    assert!(notes.has("thousands-marks"), "{notes:?}");
    for sign in ["VND", "JPY", "KRW", "CLP", "IDR", "\u{20ab}", "Ft", "FCFA"] {
        let cells = [format!("15.000 {sign}"), format!("16.500 {sign}"), format!("117.250 {sign}")];
        let (found, notes) = numbers(&column(&cells.each_ref().map(String::as_str)));
        assert_eq!(found, [15_000.0, 16_500.0, 117_250.0], "{sign}");
        assert!(notes.has("thousands-marks"), "{sign}");
    }
    let (found, notes) = numbers(&file(';', &["1.235", "12.502", "2.304"], Writing::default()));
    assert_eq!(found, [1235.0, 12_502.0, 2304.0]);
    let note = notes.iter().find(|note| note.code == "ambiguous-numbers").unwrap();
    assert!(
        note.done.contains("semicolons") && note.done.contains("`--decimal .` reads it as 1.235"),
        "{note:?}"
    );
    // Three decimals of a weight: told, since nothing shows it.
    let (found, notes) = numbers(&file(',', &["1.235", "12.502", "2.304"], Writing::default()));
    assert_eq!(found, [1.235, 12.502, 2.304]);
    assert!(notes.has("ambiguous-numbers"), "{notes:?}");
    // Larger numbers without a mark, blanks between thousands, dinars with three decimals: the point is a decimal point.
    for cells in [
        ["1.235", "12345", "7"],
        ["1.235", "12 345", "7"],
        ["1.235 KWD", "2.500 KWD", "1.750 KWD"],
    ] {
        assert_eq!(numbers(&column(&cells)).0[0], 1.235, "{cells:?}");
    }
}

#[test]
fn thousands_of_every_kind_are_read() {
    for cell in [
        "1,234,567.5",
        "1.234.567,5",
        "1'234'567.5",
        "1\u{2019}234\u{2019}567.5",
        "1 234 567,5",
        "1\u{a0}234\u{a0}567,5",
        "1\u{202f}234\u{202f}567,5",
        "1\u{2009}234\u{2009}567.5",
        "1_234_567.5",
        "12,34,567.5",
        "\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}\u{ff17}.\u{ff15}",
        "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}\u{66b}\u{665}",
    ] {
        assert_eq!(numbers(&column(&[cell, "1.5"])).0[0], 1_234_567.5, "{cell}");
    }
    assert_eq!(numbers(&column(&["\u{2212}12.5%", "\u{2013}3", "5+"])).0, [-0.125, -3.0, 5.0]);
}

#[test]
fn a_stated_decimal_mark_rules_and_the_column_that_contradicts_it_is_told() {
    let state = |decimal| Writing {
        decimal: Some(decimal),
        dates: None,
    };
    assert_eq!(
        numbers(&file(';', &["1.235", "2.304"], state(DecimalMark::Point))).0,
        [1.235, 2.304]
    );
    assert_eq!(
        numbers(&file(',', &["1.235", "2.304"], state(DecimalMark::Comma))).0,
        [1235.0, 2304.0]
    );
    let (found, notes) = numbers(&file(',', &["12.5", "2.304"], state(DecimalMark::Comma)));
    assert_eq!(found, [12.5, 2304.0]);
    let note = notes.iter().find(|note| note.code == "mixed-decimals").unwrap();
    assert!(note.found.contains("`--decimal ,`"), "{note:?}");
}

#[derive(Debug, Clone, Copy)]
struct Style {
    group: &'static str,
    decimal: char,
    front: &'static str,
    back: &'static str,
}

fn written(number: i64, style: Style) -> String {
    let (whole, cents) = (number.unsigned_abs() / 100, number.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push_str(style.group);
        }
        grouped.push(digit);
    }
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}{grouped}{}{cents:02}{}", style.front, style.decimal, style.back)
}

proptest! {
    #[test]
    fn a_number_written_in_any_style_is_read_back(
        values in prop::collection::vec(-99_999_999_i64..99_999_999, 1..20),
        marks in prop::sample::select(vec![(",", '.'), (".", ','), (" ", ','), ("\u{202f}", ','), ("'", '.'), ("\u{2019}", '.'), ("_", '.'), ("", '.'), ("", ',')]),
        front in prop::sample::select(vec!["", "$", "Rs.", "Rs. ", "kr. ", "\u{20ac}", "CHF ", "R$ ", "S/."]),
        back in prop::sample::select(vec!["", " \u{20ac}", " kr.", " z\u{142}", " USD", "\u{a0}K\u{10d}"]),
    ) {
        let style = Style { group: marks.0, decimal: marks.1, front, back: if front.is_empty() { back } else { "" } };
        let cells: Vec<String> = values.iter().map(|value| written(*value, style)).collect();
        let (found, _) = numbers(&column(&cells.iter().map(String::as_str).collect::<Vec<_>>()));
        for ((value, found), cell) in values.iter().zip(found).zip(&cells) {
            prop_assert!((*value as f64 / 100.0 - found).abs() < 1e-9, "{} is {}", cell, found);
        }
    }
}

#[test]
fn years_of_two_digits_in_front_are_seen_over_the_column() {
    let dates: Vec<String> = (1..=28).map(|day| format!("18/02/{day:02}")).collect();
    let (found, notes) = days(&column(&dates.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!((found[0].as_str(), found[27].as_str()), ("2018-02-01", "2018-02-28"));
    assert!(notes.has("year-first-dates"));
    // Rows in the order of time, too few days to show it otherwise.
    let (found, _) = days(&column(&["17/12/30", "18/01/02", "18/02/01", "18/03/01", "19/01/01"]));
    assert_eq!(found[1], "2018-01-02");
    // Day first, with the year behind: as before.
    let dates: Vec<String> = (1..=28).map(|day| format!("{day:02}/02/18")).collect();
    assert_eq!(
        days(&column(&dates.iter().map(String::as_str).collect::<Vec<_>>())).0[27],
        "2018-02-28"
    );
    let stated = Writing {
        decimal: None,
        dates: Some(DateOrder::YearFirst),
    };
    assert_eq!(days(&file(',', &["01/02/03"], stated)).0, ["2001-02-03"]);
}

#[test]
fn dates_of_many_languages_are_dates() {
    for (cells, first) in [
        (["1/1/2018 12:00 a. m.", "31/1/2018 10:56 p. m."], "2018-01-01"),
        (["01/01/2018 00.00", "31/01/2018 22.56"], "2018-01-01"),
        (["01-JAN-18 12.00.00.000000000 AM", "31-JAN-18 10.56.00.000000000 PM"], "2018-01-01"),
        (["1-mrt-2018", "31-mei-2018 22:56"], "2018-03-01"),
        (["1. helmikuuta 2018", "31. tammikuuta 2018 klo 22.56"], "2018-02-01"),
        (["1 kwietnia 2018 r.", "31 stycznia 2018 r. 22:56"], "2018-04-01"),
        (["2018. j\u{fa}nius 1.", "2018. janu\u{e1}r 31. 22:56"], "2018-06-01"),
        (["1 Eyl\u{fc}l 2018", "31 Ocak 2018 22:56"], "2018-09-01"),
        (["1 октября 2018 г.", "31 января 2018 г., 22:56"], "2018-10-01"),
        (
            [
                "2018\u{5e74}1\u{6708}1\u{65e5}",
                "2018\u{5e74}1\u{6708}31\u{65e5} \u{4e0b}\u{5348}10:56",
            ],
            "2018-01-01",
        ),
        (
            [
                "2018\u{b144} 1\u{c6d4} 1\u{c77c}",
                "2018\u{b144} 1\u{c6d4} 31\u{c77c} \u{c624}\u{d6c4} 10:56",
            ],
            "2018-01-01",
        ),
        (["1 th\u{e1}ng 1, 2018", "31 th\u{e1}ng 1, 2018 22:56"], "2018-01-01"),
        (["2018-W01-1", "2018-W05-3 22:56"], "2018-01-01"),
    ] {
        let table = column(&cells);
        assert_eq!(table.kind("v").unwrap(), ColumnKind::Date, "{cells:?}");
        let (found, _) = days(&table);
        assert_eq!(found[0], first, "{cells:?}");
        assert!(found[1].ends_with("22:56") || found[1].ends_with("31"), "{cells:?}: {}", found[1]);
    }
    // `listopad` is November in Polish and October in Croatian.
    let (polish, _) = days(&column(&["5 listopada 2018", "5 stycznia 2018"]));
    let (croatian, _) = days(&column(&["5. listopada 2018.", "5. sije\u{10d}nja 2018."]));
    assert_eq!((polish[0].as_str(), croatian[0].as_str()), ("2018-11-05", "2018-10-05"));
    assert!(days(&column(&["5 listopada 2018"])).1.has("ambiguous-months"));
}

#[test]
fn numbers_that_count_time_are_dates_and_the_unit_is_told() {
    for (cell, unit) in [
        ("1517439360", "seconds"),
        ("1517439360000", "milliseconds"),
        ("1517439360000000", "microseconds"),
        ("1517439360000000000", "nanoseconds"),
    ] {
        let (found, notes) = days(&column(&[cell]));
        assert_eq!(found, ["2018-01-31T22:56"], "{cell}");
        let note = notes.iter().find(|note| note.code == "unix-dates").unwrap();
        assert!(note.found.contains(unit), "{note:?}");
    }
    assert_eq!(days(&column(&["20180131", "20180131225600"])).0, ["2018-01-31", "2018-01-31T22:56"]);
    let typed = Table::new("sheet.csv", 1).with_integers("v", vec![Some(20_180_131)]).unwrap();
    assert_eq!(days(&typed).0, ["2018-01-31"]);
}

#[test]
fn years_of_other_calendars_are_refused_and_placeholders_are_missing() {
    for (cells, word) in [
        (["31/01/2561", "28/02/2561"], "Buddhist"),
        (["1439-05-14", "1439-06-12"], "Islamic"),
    ] {
        let error = column(&cells).dates("v", None, &mut Notes::new()).unwrap_err();
        assert!(error.hint_text().unwrap().contains(word), "{error}");
    }
    let (found, notes) = days(&column(&["2018-01-31", "9999-12-31", "2018-02-01"]));
    assert_eq!(found, ["2018-01-31", "", "2018-02-01"]);
    assert!(notes.has("unlikely-years"));
}

#[test]
fn day_counts_of_a_workbook_of_1904_begin_there() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "id").unwrap();
    sheet.write(0, 1, "v").unwrap();
    sheet.write(1, 0, 1).unwrap();
    sheet.write(1, 1, 41_639).unwrap();
    let bytes = book.save_to_buffer().unwrap();
    assert_eq!(days(&read_as("a.xlsx", &bytes, Writing::default())).0, ["2013-12-31"]);
    let table = read_as("a.xlsx", with_1904(&bytes), Writing::default());
    let (found, notes) = days(&table);
    assert_eq!(found, ["2018-01-01"]);
    assert!(notes.iter().any(|note| note.done.contains("1904")), "{notes:?}");
}

/// The same workbook with the date system of 1904.
fn with_1904(bytes: &[u8]) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).unwrap();
        let name = part.name().unwrap().to_string();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        if name == "xl/workbook.xml" {
            let text = String::from_utf8(content).unwrap();
            assert!(text.contains("<workbookPr "));
            content = text.replace("<workbookPr ", "<workbookPr date1904=\"1\" ").into_bytes();
        }
        out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(&content).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn durations_become_hours_and_are_told() {
    for (cells, hours) in [
        (["36:15", "08:30", "100:00"], [36.25, 8.5, 100.0]),
        (["2 days 03:00", "0 days 12:00:00", "1 days 00:00"], [51.0, 12.0, 24.0]),
        (["PT12M", "P3DT4H", "PT36H"], [0.2, 76.0, 36.0]),
        (["1h 30m", "2h", "45 min"], [1.5, 2.0, 0.75]),
        (["3 Tage", "1 Tag", "36 Std."], [72.0, 24.0, 36.0]),
        (["8:30 AM", "12:15 PM", "11:00 p.m."], [8.5, 12.25, 23.0]),
    ] {
        let table = column(&cells);
        assert_eq!(table.kind("v").unwrap(), ColumnKind::Number, "{cells:?}");
        let (found, notes) = numbers(&table);
        for (found, hours) in found.iter().zip(hours) {
            assert!((found - hours).abs() < 1e-9, "{cells:?}: {found}");
        }
        assert!(notes.has("hours"), "{cells:?}");
    }
    let mut book = rust_xlsxwriter::Workbook::new();
    let format = rust_xlsxwriter::Format::new().set_num_format("[h]:mm");
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "id").unwrap();
    sheet.write(0, 1, "v").unwrap();
    for row in 1..=3_u32 {
        sheet.write(row, 0, row).unwrap();
        sheet.write_with_format(row, 1, f64::from(row) * 20.0 / 24.0, &format).unwrap();
    }
    let (found, _) = numbers(&read_as("a.xlsx", book.save_to_buffer().unwrap(), Writing::default()));
    for (found, hours) in found.iter().zip([20.0, 40.0, 60.0]) {
        assert!((found - hours).abs() < 1e-3, "{found}");
    }
}

/// Sixty rows of numbers and words, so that both classes occur.
fn weights() -> Table {
    let weight = |row: usize| match row % 5 {
        0 | 1 => "Weight Captured Separately".to_owned(),
        2 if row.is_multiple_of(2) => format!("See DN-{row}"),
        _ => format!("{}.5", 100 + row),
    };
    let cells = |cell: &dyn Fn(usize) -> String| (0..60).map(|row| Some(cell(row))).collect::<Vec<_>>();
    Table::new("orders.csv", 60)
        .with_column("v", cells(&weight))
        .and_then(|table| table.with_column("late", cells(&|row| if row.is_multiple_of(3) { "yes" } else { "no" }.to_owned())))
        .unwrap()
}

#[test]
fn words_among_numbers_are_named_exceptions_with_an_input_for_each_frequent_one() {
    let table = weights();
    assert_eq!(table.kind("v").unwrap(), ColumnKind::Number);
    let mut notes = Notes::new();
    let found = table.number_column("v", None, &mut notes).unwrap();
    assert_eq!((found.values[3], found.values[0]), (Some(103.5), None));
    let note = notes.iter().find(|note| note.code == "named-exceptions").unwrap();
    assert!(
        note.found.contains("30 cells") && note.found.contains("`Weight Captured Separately` (24)"),
        "{note:?}"
    );
    assert!(note.done.contains("50 %"), "{note:?}");
    let mut profile = Profile::new("own", LabelRule::column("late"));
    profile.features.rare = 5;
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    assert_eq!(prepared.features.names(), ["v", "v is blank", "v = Weight Captured Separately"]);
    let width = prepared.features.width();
    for (inputs, row) in prepared.train.inputs.chunks(width).zip(&prepared.train.table_rows) {
        let expected = match row % 5 {
            0 | 1 => [0.0, 1.0],
            2 if row.is_multiple_of(2) => [1.0, 0.0],
            _ => [0.0, 0.0],
        };
        assert_eq!(inputs[1..], expected, "row {row}");
    }
    // Codes among numbers stay text, and so do a few sizes among words.
    let codes: Vec<String> = (0..60)
        .map(|row| if row % 2 == 0 { format!("{row}") } else { format!("{row}a") })
        .collect();
    assert_eq!(
        column(&codes.iter().map(String::as_str).collect::<Vec<_>>()).kind("v").unwrap(),
        ColumnKind::Text
    );
    let sizes: Vec<&str> = (0..60).map(|row| ["38", "40", "42", "Medium"][row % 4]).collect();
    assert_eq!(column(&sizes).kind("v").unwrap(), ColumnKind::Category);
}

#[test]
fn words_among_dates_are_named_exceptions() {
    let dates: Vec<String> = (0..60)
        .map(|row| {
            if row % 3 == 0 {
                "Date Not Captured".to_owned()
            } else {
                format!("2018-01-{:02}", 1 + row % 28)
            }
        })
        .collect();
    let table = column(&dates.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(table.kind("v").unwrap(), ColumnKind::Date);
    let mut notes = Notes::new();
    let found = table.date_column("v", None, &mut notes).unwrap();
    assert_eq!(found.exceptions.unwrap().values, ["Date Not Captured"]);
    assert!(found.seconds[0].is_none() && found.seconds[1].is_some() && notes.has("named-exceptions"));
}

#[test]
fn what_is_stated_is_remembered_in_the_profile_that_the_model_keeps() {
    let mut content = "late;v;when\n".to_owned();
    for row in 0..60 {
        content.push_str(&format!(
            "{};{}.{:03};0{}/0{}/2018\n",
            row % 2,
            1 + row % 9,
            row * 7,
            1 + row % 9,
            1 + row % 8
        ));
    }
    let stated = Writing {
        decimal: Some(DecimalMark::Point),
        dates: Some(DateOrder::DayFirst),
    };
    let table = read_as("orders.csv", &content, stated);
    let mut profile = Profile::new("own", LabelRule::column("late"));
    profile.time = Some(toml::from_str("column = \"when\"").unwrap());
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    assert_eq!(prepared.profile.reading, stated);
    assert_eq!(prepared.profile.time.as_ref().unwrap().order, Some(DateOrder::DayFirst));
    assert_eq!(Profile::from_toml(&prepared.profile.to_toml().unwrap()).unwrap(), prepared.profile);
    // Next week's sheet is read the same way, unless its own options say otherwise.
    let next = read_as("next.csv", &content, Writing::default());
    let (same, _) = numbers(&next.written_as(prepared.profile.reading));
    assert_eq!(same, numbers(&table).0);
    assert_ne!(same, numbers(&next).0);
}

#[test]
fn an_order_that_does_not_fit_names_who_stated_it_and_the_option_that_states_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    let rows: String = (0..40)
        .map(|row| format!("{},{}/1/2018,{}\n", row, 1 + row % 28, row % 2))
        .collect();
    fs::write(&path, format!("id,when,late\n{rows}")).unwrap();
    let run = |options: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_recant"))
            .args([
                "train",
                path.to_str().unwrap(),
                "--label",
                "late",
                "--time",
                "when",
                "--epochs",
                "1",
                "--out",
            ])
            .arg(folder.path().join(format!("model{}", options.len())))
            .args(options)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = run(&["--dates", "mdy"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("month first, as `--dates mdy` says") && told.contains("`--dates dmy`"),
        "{told}"
    );
    assert!(!told.contains("as asked"), "{told}");
    assert_eq!(run(&["--dates", "iso"]).0, Some(2));
}

#[test]
fn a_header_with_a_no_break_blank_is_the_name_it_looks_like() {
    let table = read_as("a.csv", "Order\u{a0}Id,Days\u{200b}\n1,2\n", Writing::default());
    assert_eq!(table.names(), ["Order Id", "Days"]);
}
