//! Cells whose meaning hangs on what stands beside them: on the other files of a sheet, the units of the training sheet, the day that a period ends on.

use std::fs;
use std::path::Path;

use recant::features::{Overrides, inspect};
use recant::notes::Notes;
use recant::tables::{ColumnKind, DateOrder, DecimalMark, ReadOptions, Table, read, read_all};

use crate::program::{text, works};

/// A sheet of this text, and what was said while it was read.
pub fn sheet(content: &str) -> (Table, Notes) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    fs::write(&path, content).unwrap();
    let mut notes = Notes::new();
    let table = read(&path, &ReadOptions::default(), &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (table, notes)
}

fn files(contents: &[&str]) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = contents
        .iter()
        .enumerate()
        .map(|(place, content)| {
            let path = folder.path().join(format!("orders-{place}.csv"));
            fs::write(&path, content).unwrap();
            path
        })
        .collect();
    read_all(&paths, &ReadOptions::default(), &mut Notes::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn days(table: &Table, column: &str) -> (Vec<Option<String>>, Notes) {
    let mut notes = Notes::new();
    let dates = table.dates(column, None, &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (dates.into_iter().map(|seconds| seconds.map(recant::features::iso)).collect(), notes)
}

fn numbers(table: &Table, column: &str) -> (Vec<Option<f64>>, Notes) {
    let mut notes = Notes::new();
    let numbers = table.numbers(column, &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (numbers, notes)
}

fn column(cells: impl Iterator<Item = String>) -> Table {
    let cells: Vec<Option<String>> = cells.map(Some).collect();
    Table::new("sheet.csv", cells.len()).with_column("v", cells).unwrap()
}

#[test]
fn each_of_several_files_is_read_by_its_own_decimal_mark() {
    let english: String = (0..20).map(|row| format!("{row},1.{:03},0.5\n", 100 + row)).collect();
    let german: String = (20..40).map(|row| format!("{row};1.{:03};0,5\n", 100 + row)).collect();
    let (english, german) = (format!("Id,Weight,Rate\n{english}"), format!("Id;Weight;Rate\n{german}"));
    let (values, notes) = numbers(&files(&[&english, &german]), "Weight");
    // By itself `1.103` could be either; the other column of its file tells.
    assert_eq!((values[3], values[23]), (Some(1.103), Some(1123.0)));
    let told = notes.iter().find(|note| note.code == "decimal-marks-by-file").expect("told");
    assert!(
        told.found
            .contains("with a point in `orders-0.csv`, with a comma in `orders-1.csv`"),
        "{}",
        told.found
    );
    // Files that agree are one column, and so is a sheet whose mark is stated.
    assert!(!numbers(&files(&[&english, &english]), "Weight").1.has("decimal-marks-by-file"));
}

#[test]
fn each_of_several_files_is_read_by_its_own_order_of_day_and_month() {
    let british: String = (1..25).map(|day| format!("a{day},{day:02}/02/2018\n")).collect();
    let american: String = (1..25).map(|day| format!("b{day},03/{day:02}/2018\n")).collect();
    let table = files(&[&format!("Id,Order Date\n{british}"), &format!("Id,Order Date\n{american}")]);
    let (dates, notes) = days(&table, "Order Date");
    let all: Vec<String> = dates.into_iter().map(|date| date.unwrap()).collect();
    assert!(all[..24].iter().all(|date| date.starts_with("2018-02")), "{all:?}");
    assert!(all[24..].iter().all(|date| date.starts_with("2018-03")), "{all:?}");
    assert!(notes.has("date-orders-by-file") && table.date_order("Order Date").unwrap().is_none());
}

/// The rows of each class by what was promised (in the second column) and what came true (in the third).
fn classes(content: &str) -> (Vec<(String, usize)>, Notes) {
    let (table, mut notes) = sheet(content);
    let overrides = Overrides {
        actual: Some(table.names()[2].clone()),
        planned: Some(table.names()[1].clone()),
        ..Overrides::default()
    };
    let found = inspect(&table, None, &overrides, &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (found.classes.into_iter().map(|class| (class.class, class.rows)).collect(), notes)
}

#[test]
fn a_week_that_was_promised_is_kept_on_any_of_its_days() {
    // 2018-W02 is 8 to 14 January: early on the 7th, on time on the 8th and 14th, late on the 15th.
    let rows: String = (0..80)
        .map(|row| {
            format!(
                "{row},2018-W02,2018-01-{:02},{}\n",
                [7, 8, 14, 15][row % 4],
                ["Air", "Sea"][row % 2]
            )
        })
        .collect();
    let (classes, notes) = classes(&format!("Id,Promised For,Delivered On,Mode\n{rows}"));
    assert_eq!(
        classes,
        [("early".to_owned(), 20), ("on time".to_owned(), 40), ("late".to_owned(), 20)]
    );
    let told = notes.iter().find(|note| note.code == "periods").expect("told");
    assert!(told.done.contains("any of its days"), "{}", told.done);
}

#[test]
fn midnight_at_the_end_of_a_day_is_of_that_day() {
    let rows: String = (0..60)
        .map(|row| {
            let actual = ["2018-01-08 23:10", "2018-01-08 24:00", "2018-01-09 00:00"][row % 3];
            format!("{row},2018-01-08,{actual},{}\n", ["Air", "Sea"][row % 2])
        })
        .collect();
    let (classes, _) = classes(&format!("Id,Promised For,Delivered On,Mode\n{rows}"));
    let late = classes.iter().find(|(name, _)| name == "late").expect("a class");
    assert_eq!(late.1, 20, "{classes:?}");
}

#[test]
fn a_year_that_lies_decades_from_all_others_is_mistyped_and_told() {
    let date = |row: usize| match row {
        17 => "2081-01-09".to_owned(),
        _ => format!("2018-{:02}-{:02}", 1 + row / 28, 1 + row % 28),
    };
    let (dates, notes) = days(&column((0..90).map(date)), "v");
    assert_eq!((dates[17].clone(), dates[16].is_some()), (None, true));
    let told = notes.iter().find(|note| note.code == "far-dates").expect("told");
    assert!(told.found.contains("row 19: 2081-01-09"), "{}", told.found);
    // Two clusters of dates are what the column is like.
    let birthdays = column((0..90).map(|row| format!("{}-03-04", if row % 2 == 0 { 1951 + row / 9 } else { 2001 + row / 9 })));
    assert!(!days(&birthdays, "v").1.has("far-dates"));
}

#[test]
fn one_or_two_bad_cells_of_a_short_column_are_told_and_do_not_make_it_text() {
    for bad in ["2018-02-31", "31.31.2018", "soon?", "0:00:00"] {
        let date = |row: usize| {
            if row == 30 {
                bad.to_owned()
            } else {
                format!("2018-{:02}-{:02}", 1 + row / 28, 1 + row % 28)
            }
        };
        let table = column((0..60).map(date));
        let (dates, notes) = days(&table, "v");
        assert_eq!((table.kind("v").unwrap(), dates[30].clone()), (ColumnKind::Date, None), "{bad}");
        assert!(notes.has("unreadable-dates") || notes.has("missing-markers"), "{bad}: {notes:?}");
    }
    let table = column((0..60).map(|row| if row == 7 { "12,x".to_owned() } else { format!("{row}.5") }));
    let (values, notes) = numbers(&table, "v");
    assert_eq!(
        (table.kind("v").unwrap(), values[7], values[8]),
        (ColumnKind::Number, None, Some(8.5))
    );
    assert!(notes.has("unreadable-numbers"));
    let three = column((0..60).map(|row| if row < 3 { format!("A{row}") } else { row.to_string() }));
    assert!(three.numbers("v", &mut Notes::new()).is_err());
}

#[test]
fn times_with_a_point_are_hours_and_decimals_stay_decimals() {
    let (values, notes) = numbers(&column((0..40).map(|row| format!("{:02}.{:02}", 6 + row % 12, row % 4 * 15))), "v");
    assert_eq!((values[0], values[1], values[2]), (Some(6.0), Some(7.25), Some(8.5)));
    assert!(notes.has("times-with-points") && notes.has("hours"), "{notes:?}");
    let (values, notes) = numbers(&column((0..40).map(|row| format!("{}.{:02}", 6 + row % 12, row % 4 * 15))), "v");
    assert_eq!(values[2], Some(8.3));
    assert!(!notes.has("times-with-points"));
    let (values, _) = numbers(
        &column((0..40).map(|row| format!("{:02}.{:02}", 6 + row % 12, row % 100 + 40))),
        "v",
    );
    assert_eq!(values[1], Some(7.41));
}

#[test]
fn summaries_and_lines_of_a_database_shell_are_no_orders() {
    let orders: String = (0..60)
        .map(|row| {
            format!(
                "SO-{},{},{},{}\n",
                1000 + row,
                ["North", "South"][row % 2],
                row % 9,
                ["no", "yes"][row / 3 % 2]
            )
        })
        .collect();
    for footer in [
        "Max,,9,",
        "Count,60,60,60",
        "(60 rows affected),,,",
        "Page 1 of 2,,,",
        "* late = more than 2 days,,,* see note",
    ] {
        let (table, notes) = sheet(&format!("Order No,Region,Qty,Late\n{orders}{footer}\n"));
        assert_eq!(table.height(), 60, "{footer}");
        let told = notes.iter().find(|note| note.code == "no-orders").expect(footer);
        assert!(told.found.contains("row 62"), "{}", told.found);
    }
    // An order whose number has words is one.
    let (table, _) = sheet(&format!("Order No,Region,Qty,Late\n{orders}SO 1060 again,North,3,no\n"));
    assert_eq!(table.height(), 61);
}

#[test]
fn names_in_another_language_below_the_header_are_no_order() {
    let orders: String = (0..60)
        .map(|row| {
            format!(
                "A{row},{},{},{}\n",
                row % 7,
                ["North", "South"][row % 2],
                ["no", "yes"][row / 3 % 2]
            )
        })
        .collect();
    let (table, notes) = sheet(&format!("Order,Qty,Region,Late\nAuftrag,Menge,Region,Verspätet\n{orders}"));
    assert_eq!(table.height(), 60);
    assert!(notes.has("no-orders"));
    assert_eq!(table.cell(0, "Order").unwrap().as_deref(), Some("A0"));
}

/// Orders that are mostly late where they weigh more than 500 kg, told in a unit.
fn weighed(unit: &str, per_kg: f64, rows: std::ops::Range<usize>) -> String {
    let lines: String = rows
        .map(|row| {
            let kg = (row * 7919 % 1000) as f64;
            let status = if (kg > 500.0) != (row % 9 == 0) { "late" } else { "on time" };
            format!("{row},{:.3} {unit},{status}\n", kg * per_kg)
        })
        .collect();
    format!("Order Id,Weight,Status\n{lines}")
}

fn predictions(folder: &Path, sheet: &str) -> (Vec<String>, String) {
    let output = works(folder, &["predict", sheet, "--model", "model", "--out", "out.csv", "--force"]);
    let written = fs::read_to_string(folder.join("out.csv")).unwrap();
    let mut lines = written.lines();
    let place = lines
        .next()
        .unwrap()
        .split(',')
        .position(|name| name == "predicted")
        .expect("a column of predictions");
    (
        lines.map(|line| line.split(',').nth(place).unwrap().to_owned()).collect(),
        text(&output),
    )
}

#[test]
fn a_later_sheet_in_another_unit_is_told_in_that_of_training_or_said_to_differ() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: String| fs::write(folder.path().join(name), content).unwrap();
    write("kg.csv", weighed("kg", 1.0, 0..400));
    write("kg-next.csv", weighed("kg", 1.0, 400..460));
    write("t-next.csv", weighed("t", 1e-3, 400..460));
    write("lb-next.csv", weighed("lb", 1.0 / 0.453_592_37, 400..460));
    write("pcs-next.csv", weighed("pcs", 1.0, 400..460));
    let trained = [
        "train",
        "kg.csv",
        "--label",
        "Status",
        "--key",
        "Order Id",
        "--network",
        "none",
        "--out",
        "model",
    ];
    works(folder.path(), &trained);
    let (kg, said) = predictions(folder.path(), "kg-next.csv");
    assert!(!said.contains("training sheet"), "{said}");
    let right = |predicted: &[String]| {
        predicted
            .iter()
            .zip(400..460)
            .filter(|(own, row)| (*own == "late") == (row * 7919 % 1000 > 500))
            .count()
    };
    assert!(right(&kg) > 50, "{kg:?}");
    for (sheet, told) in [("t-next.csv", "1 t is 1000 kg"), ("lb-next.csv", "1 lb is 0.45359237 kg")] {
        let (predicted, said) = predictions(folder.path(), sheet);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(predicted, kg, "{sheet}");
        assert!(said.contains(told), "{said}");
    }
    let (_, said) = predictions(folder.path(), "pcs-next.csv");
    assert!(
        said.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("nothing was converted"),
        "{said}"
    );
}

#[test]
fn parts_of_dates_under_the_name_of_a_date_are_told() {
    for part in ["Jan-18", "18 Feb", "05.01.", "5/1"] {
        let rows: String = (0..60)
            .map(|row| {
                let date = part.replace('5', ["5", "6", "7"][row % 3]).replace("18", ["17", "18"][row % 2]);
                format!("{row},{date},{},{}\n", row % 7, ["no", "yes"][row / 3 % 2])
            })
            .collect();
        let (table, mut notes) = sheet(&format!("Id,Order Date,Qty,Late\n{rows}"));
        let overrides = Overrides {
            label: Some("Late".to_owned()),
            ..Overrides::default()
        };
        inspect(&table, None, &overrides, &mut notes).unwrap();
        assert!(notes.has("named-as-date"), "{part}: {notes:?}");
    }
}

#[test]
fn a_later_sheet_whose_dates_show_another_order_is_read_by_its_own() {
    let later = column((1..29).map(|day| format!("{day:02}/08/2018")));
    let mut notes = Notes::new();
    let dates = later.dates("v", Some(DateOrder::MonthFirst), &mut notes).unwrap();
    assert!(dates.iter().all(|date| recant::features::iso(date.unwrap()).starts_with("2018-08")));
    assert!(notes.has("other-date-order"), "{notes:?}");
    // Dates that could be either follow the other dates of their sheet, and where these show nothing the training sheet.
    let rows: String = (1..9).map(|day| format!("{day:02}/08/2018,{}/08/2018\n", day + 12)).collect();
    let (table, _) = sheet(&format!("Ordered,Due\n{rows}"));
    let read = |order| {
        let mut notes = Notes::new();
        let dates = table.dates("Ordered", Some(order), &mut notes).unwrap();
        (recant::features::iso(dates[1].unwrap()), notes.has("other-date-order"))
    };
    assert_eq!(read(DateOrder::MonthFirst), ("2018-08-02".to_owned(), true));
    assert_eq!(read(DateOrder::DayFirst), ("2018-08-02".to_owned(), false));
    let open = column((1..9).map(|day| format!("{day:02}/08/2018")));
    let mut notes = Notes::new();
    let dates = open.dates("v", Some(DateOrder::MonthFirst), &mut notes).unwrap();
    assert_eq!(recant::features::iso(dates[1].unwrap()), "2018-02-08");
    assert!(!notes.has("other-date-order"));
}

#[test]
fn numbers_read_as_in_the_training_sheet_against_the_look_of_their_own_are_told() {
    let rows: String = (0..40).map(|row| format!("{row};{}.{:03}\n", 2 + row % 7, 100 + row * 7)).collect();
    let (table, _) = sheet(&format!("Id;Price\n{rows}"));
    let read = |mark| {
        let mut notes = Notes::new();
        let values = table.numbers_with("Price", mark, &mut notes).unwrap();
        (values[0].unwrap(), notes)
    };
    let (value, notes) = read(Some(DecimalMark::Point));
    assert_eq!(value, 2.1);
    let told = notes.iter().find(|note| note.code == "ambiguous-numbers").expect("told");
    assert!(told.done.contains("as in the training sheet"), "{}", told.done);
    let (value, notes) = read(Some(DecimalMark::Comma));
    assert_eq!((value, notes.has("ambiguous-numbers")), (2100.0, false));
}

#[test]
fn a_file_that_shows_no_order_or_mark_follows_the_others_and_that_is_told() {
    let clear: String = (1..25).map(|day| format!("a{day},{day:02}/02/2018,1.5\n")).collect();
    let open: String = (1..9).map(|day| format!("b{day};08/{day:02}/2018;9,550\n")).collect();
    let table = files(&[&format!("Id,Order Date,Weight\n{clear}"), &format!("Id;Order Date;Weight\n{open}")]);
    let (_, notes) = days(&table, "Order Date");
    let told = notes.iter().find(|note| note.code == "ambiguous-files").expect("told");
    assert!(told.found.contains("in `orders-1.csv`"), "{}", told.found);
    let (values, notes) = numbers(&table, "Weight");
    assert_eq!(values[24], Some(9550.0));
    assert!(notes.has("ambiguous-files"), "{notes:?}");
}

#[test]
fn years_of_two_digits_in_front_are_told_by_the_other_columns_of_their_file() {
    let rows: String = (0..16)
        .map(|row| format!("18-08-{:02},18-08-{:02}\n", 1 + row % 8, 9 + row))
        .collect();
    let (table, _) = sheet(&format!("Ordered,Due\n{rows}"));
    assert_eq!(days(&table, "Ordered").0[0].as_deref(), Some("2018-08-01"));
    let front: String = (1..25).map(|day| format!("a{day},18-01-{day:02}\n")).collect();
    let back: String = (1..25).map(|day| format!("b{day},{day:02}-05-18\n")).collect();
    let table = files(&[&format!("Id,Due\n{front}"), &format!("Id,Due\n{back}")]);
    let (dates, _) = days(&table, "Due");
    assert_eq!(
        (dates[3].as_deref(), dates[27].as_deref()),
        (Some("2018-01-04"), Some("2018-05-04"))
    );
}

#[test]
fn weeks_and_dates_as_plain_numbers_and_mistyped_label_cells_are_told() {
    let told = |planned: &dyn Fn(usize) -> String, actual: &dyn Fn(usize) -> String, code: &str| {
        let rows: String = (0..80)
            .map(|row| format!("{row},{},{},{}\n", planned(row), actual(row), ["Air", "Sea"][row % 2]))
            .collect();
        classes(&format!("Id,Planned week,Actual week,Mode\n{rows}")).1.has(code)
    };
    let week = |week: usize| (week % 52 + 1).to_string();
    assert!(told(&|row| week(row + 40), &|row| week(row + 40 + row % 3), "calendar-as-numbers"));
    // Lead times in weeks, one of them a whole year.
    let lead = |row: usize| if row == 7 { "52".to_owned() } else { (1 + row % 6).to_string() };
    assert!(!told(&|row| (1 + row % 6).to_string(), &lead, "calendar-as-numbers"));
    let days = |code: &str, actual: &dyn Fn(usize) -> String| {
        let rows: String = (0..80)
            .map(|row| format!("{row},2018-01-10,{},{}\n", actual(row), ["Air", "Sea"][row % 2]))
            .collect();
        classes(&format!("Id,Promised For,Delivered On,Mode\n{rows}")).1.has(code)
    };
    let usual = |row: usize| format!("2018-01-{:02}", 9 + row % 3);
    assert!(!days("far-from-planned", &usual));
    assert!(days("far-from-planned", &|row| if row == 40 {
        "2019-01-10".to_owned()
    } else {
        usual(row)
    }));
}

#[test]
fn a_letter_in_a_date_is_no_word_of_its_own() {
    let table = column((0..60).map(|row| {
        if row == 9 {
            "2018/02/1O".to_owned()
        } else {
            format!("2018/02/{:02}", 1 + row % 28)
        }
    }));
    let (dates, notes) = days(&table, "v");
    assert_eq!(dates[9], None);
    assert!(notes.has("unreadable-dates"));
}

#[test]
fn codes_with_and_without_their_zeros_are_told() {
    let rows: String = (0..60)
        .map(|row| format!("{row},{},{}\n", ["001", "1", "002", "17"][row % 4], ["no", "yes"][row / 3 % 2]))
        .collect();
    let (table, mut notes) = sheet(&format!("Id,Plant,Late\n{rows}"));
    let overrides = Overrides {
        label: Some("Late".to_owned()),
        ..Overrides::default()
    };
    inspect(&table, None, &overrides, &mut notes).unwrap();
    // All are numbers: nothing is kept apart.
    assert!(!notes.has("codes-differ-in-zeros"));
    let rows: String = rows.replace(",17,", ",K17,");
    let (table, mut notes) = sheet(&format!("Id,Plant,Late\n{rows}"));
    inspect(&table, None, &overrides, &mut notes).unwrap();
    assert!(notes.has("codes-differ-in-zeros"), "{notes:?}");
}

#[test]
fn right_sums_without_a_word_are_no_order_however_many_columns_have_one() {
    let orders: String = (1..=60)
        .map(|row| format!("SO-{row},North,{row},{},{}\n", row * 2, row * 3))
        .collect();
    let sum = 60 * 61 / 2;
    let (table, _) = sheet(&format!(
        "Order No,Region,Qty,Planned,Actual\n{orders},,{sum},{},{}\n",
        sum * 2,
        sum * 3
    ));
    assert_eq!(table.height(), 60);
}
