//! More of what people's sheets hold: ledgers, units, dates of zeros and without marks, periods, sheets whose lines were never divided.

use std::fs;

use recant::notes::Notes;
use recant::tables::{ColumnKind, ReadOptions, Table, read};

fn text_file(content: impl AsRef<[u8]>) -> Result<(Table, Notes), recant::error::Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    fs::write(&path, content).unwrap();
    let mut notes = Notes::new();
    Ok((read(&path, &ReadOptions::default(), &mut notes)?, notes))
}

fn column(cells: &[String]) -> Table {
    let cells = cells.iter().cloned().map(Some).collect::<Vec<_>>();
    Table::new("sheet.csv", cells.len()).with_column("v", cells).unwrap()
}

fn numbers(cells: &[String]) -> (ColumnKind, Vec<Option<f64>>, Notes) {
    let table = column(cells);
    let mut notes = Notes::new();
    let numbers = table.numbers("v", &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (table.kind("v").unwrap(), numbers, notes)
}

fn days(cells: &[String]) -> (ColumnKind, Vec<Option<String>>, Notes) {
    let table = column(cells);
    let mut notes = Notes::new();
    let dates = table.dates("v", None, &mut notes).unwrap_or_else(|error| panic!("{error}"));
    let shown = dates.into_iter().map(|seconds| seconds.map(recant::features::iso)).collect();
    (table.kind("v").unwrap(), shown, notes)
}

#[test]
fn soll_and_haben_are_debits_and_credits_and_hours_stay_hours() {
    let ledger: Vec<String> = (1..30).map(|row| format!("{row}2,50 {}", ["S", "H"][row % 2])).collect();
    let (kind, values, notes) = numbers(&ledger);
    assert_eq!((kind, values[0], values[1]), (ColumnKind::Number, Some(-12.5), Some(22.5)));
    assert!(notes.has("credit-marks") && !notes.has("hours"), "{notes:?}");
    let hours: Vec<String> = (1..30).map(|row| format!("{row} h")).collect();
    assert_eq!(numbers(&hours).1[4], Some(5.0));
}

#[test]
fn one_unit_behind_all_numbers_is_left_out_related_ones_are_told_in_one_and_others_are_text() {
    let weights: Vec<String> = (1..30)
        .map(|row| format!("1.{row:03},5 kg"))
        .chain(["unbekannt".to_owned()])
        .collect();
    let (kind, values, notes) = numbers(&weights);
    assert_eq!((kind, values[1]), (ColumnKind::Number, Some(1002.5)));
    assert!(notes.has("unit-of-numbers"), "{notes:?}");
    let mixed: Vec<String> = (1..30).map(|row| format!("{row} {}", ["kg", "pcs"][row % 2])).collect();
    assert_ne!(column(&mixed).kind("v").unwrap(), ColumnKind::Number);
    for (shown, read) in [
        (["1,5 kg", "250 g"], [1.5, 0.25]),
        (["1.234,5 g", "2 kg"], [1.2345, 2.0]),
        (["1.5k", "950"], [1500.0, 950.0]),
        (["3.4M", "1.2K"], [3_400_000.0, 1200.0]),
        (["2 lakh", "1.5 crore"], [200_000.0, 15_000_000.0]),
        (["12\u{4e07}", "9500"], [120_000.0, 9500.0]),
        (["12 m", "35 cm"], [12.0, 0.35]),
        (["12,5 kg", "10 lbs"], [12.5, 4.535_923_7]),
    ] {
        let cells: Vec<String> = shown.iter().cycle().take(30).map(|cell| (*cell).to_owned()).collect();
        let (kind, values, notes) = numbers(&cells);
        assert_eq!(kind, ColumnKind::Number, "{shown:?}");
        for (value, wanted) in values.iter().zip(read.iter().cycle()) {
            assert!((value.unwrap() - wanted).abs() < 1e-9 * wanted, "{shown:?}: {value:?}");
        }
        assert!(notes.has("unit-of-numbers"), "{notes:?}");
    }
    // Whether a bare number is kilograms or grams, nobody knows.
    let open: Vec<String> = (1..30).map(|row| format!("{row}{}", [" kg", " g", ""][row % 3])).collect();
    assert_ne!(column(&open).kind("v").unwrap(), ColumnKind::Number);
}

#[test]
fn dates_of_zeros_and_placeholders_are_missing() {
    for none in ["0000-00-00", "0000-00-00 00:00:00", "1900-01-00", "00.00.0000"] {
        let cells: Vec<String> = (0..40)
            .map(|row| {
                if row % 8 == 0 {
                    none.to_owned()
                } else {
                    format!("2023-03-{:02}", row % 28 + 1)
                }
            })
            .collect();
        let (kind, dates, notes) = days(&cells);
        assert_eq!(
            (kind, dates[0].as_deref(), dates[1].as_deref()),
            (ColumnKind::Date, None, Some("2023-03-02")),
            "{none}"
        );
        assert!(notes.has("missing-markers"), "{none}: {notes:?}");
    }
    let cells: Vec<String> = (0..40)
        .map(|row| {
            if row % 8 == 0 {
                "1970-01-01".to_owned()
            } else {
                format!("2023-03-{:02}", row % 28 + 1)
            }
        })
        .collect();
    let (_, dates, notes) = days(&cells);
    assert_eq!(dates.iter().flatten().count(), 35);
    assert!(notes.has("placeholder-dates"), "{notes:?}");
    // Old dates among old dates are dates.
    let cells: Vec<String> = (0..40).map(|row| format!("197{}-01-01", row % 10)).collect();
    assert_eq!(days(&cells).1.iter().flatten().count(), 40);
}

#[test]
fn dates_without_marks_and_day_counts_among_dates_are_read() {
    let cells = |write: &dyn Fn(u32, u32) -> String| (0..48).map(|row| write(row % 28 + 1, row % 12 + 1)).collect::<Vec<_>>();
    for written in [
        cells(&|day, month| format!("{day:02}{month:02}2023")),
        cells(&|day, month| format!("{day}{month:02}2023")),
    ] {
        assert_eq!(days(&written).1[13].as_deref(), Some("2023-02-14"), "{written:?}");
    }
    assert_eq!(
        days(&cells(&|day, month| format!("23{month:02}{day:02}"))).1[13].as_deref(),
        Some("2023-02-14")
    );
    // 44927 is 2023-01-01.
    let mixed: Vec<String> = (0..40)
        .map(|row| {
            if row % 2 == 0 {
                (44_927 + row).to_string()
            } else {
                format!("{}/1/2023", row % 31 + 1)
            }
        })
        .collect();
    let (kind, dates, notes) = days(&mixed);
    assert_eq!(
        (kind, dates[20].as_deref(), dates[21].as_deref()),
        (ColumnKind::Date, Some("2023-01-21"), Some("2023-01-22"))
    );
    assert!(notes.has("serial-dates"), "{notes:?}");
}

#[test]
fn days_of_years_and_years_of_taiwan_are_dates_and_said_to_be() {
    // The first is 2018-12-22, ten days before the year ends.
    let written = |write: &dyn Fn(i32, u32) -> String| {
        let cells = (0..30).map(|row| if row < 10 { write(2018, 356 + row) } else { write(2019, row - 9) });
        days(&cells.collect::<Vec<_>>())
    };
    for (name, write) in [
        ("ISO 8601", &(|year, day| format!("{year}-{day:03}")) as &dyn Fn(i32, u32) -> String),
        ("numbers", &|year, day| format!("{year}{day:03}")),
        ("JD Edwards", &|year, day| format!("{}{day:03}", year - 1900)),
    ] {
        let (_, dates, notes) = written(write);
        assert_eq!(
            (dates[0].as_deref(), dates[9].as_deref(), dates[10].as_deref()),
            (Some("2018-12-22"), Some("2018-12-31"), Some("2019-01-01")),
            "{name}"
        );
        assert_eq!(notes.has("days-of-years"), name != "ISO 8601", "{name}: {notes:?}");
    }
    let marked = |mark: &str| {
        (0..30)
            .map(|row| format!("107{mark}{:02}{mark}{:02}", row % 12 + 1, row % 28 + 1))
            .collect::<Vec<_>>()
    };
    let (kind, dates, notes) = days(&marked("/"));
    assert_eq!((kind, dates[2].as_deref()), (ColumnKind::Date, Some("2018-03-03")));
    assert!(notes.has("years-of-taiwan"), "{notes:?}");
    // Places in a warehouse and versions.
    for mark in ["-", "."] {
        assert_eq!(column(&marked(mark)).kind("v").unwrap(), ColumnKind::Text);
    }
    // Every day of 2021 has the look of a 12 October, November or December as well.
    let (_, dates, notes) = days(&(0..90).map(|row| (121_001 + row * 4).to_string()).collect::<Vec<_>>());
    assert_eq!(
        (dates[0].as_deref(), dates[89].as_deref()),
        (Some("2021-01-01"), Some("2021-12-23"))
    );
    assert!(notes.has("days-of-years"), "{notes:?}");
    // Amounts of six digits are none, and 366 days has a leap year alone.
    let amounts: Vec<String> = (0..30).map(|row| (118_350 + row * 7).to_string()).collect();
    assert!(column(&amounts).dates("v", None, &mut Notes::new()).is_err());
    let (_, dates, _) = days(&["2020-366", "2020-001"].map(str::to_owned));
    assert_eq!(dates[0].as_deref(), Some("2020-12-31"));
}

#[test]
fn months_quarters_and_weeks_are_dates_and_said_to_be() {
    let cells: Vec<String> = (0..24).map(|row| format!("Q{} {}", row % 4 + 1, 2020 + row / 4)).collect();
    let (kind, dates, notes) = days(&cells);
    assert_eq!((kind, dates[5].as_deref()), (ColumnKind::Date, Some("2021-04-01")));
    assert!(notes.has("periods"), "{notes:?}");
}

#[test]
fn lines_that_were_never_divided_are_divided_or_refused() {
    let row = |row: usize| format!("{row},2023-01-{:02},\"\"Air, fast\"\",{}", row % 28 + 1, row * 3);
    let rows: String = (1..30).map(|place| format!("\"{}\"\n", row(place))).collect();
    let (table, notes) = text_file(format!("\"Order Id,Order date,Mode,Qty\"\n{rows}")).unwrap();
    assert_eq!((table.height(), table.names().len()), (29, 4));
    assert_eq!(table.cell(0, "Mode").unwrap().as_deref(), Some("Air, fast"));
    assert!(notes.has("quoted-lines"), "{notes:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for place in 0..20 {
        let line = if place == 0 {
            "Id;Day;Qty".to_owned()
        } else {
            format!("{place};2023-01-01;{place}")
        };
        sheet.write(place, 0, line).unwrap();
    }
    book.save(&path).unwrap();
    let error = read(&path, &ReadOptions::default(), &mut Notes::new()).unwrap_err();
    assert!(
        error.message().contains("separated by semicolons") && error.hint_text().is_some(),
        "{error}"
    );
}

#[test]
fn letters_and_numbers_of_columns_are_neither_names_nor_orders() {
    let rows: String = (1..30)
        .map(|row| format!("{},2023-01-{:02},Air,{}\n", 100 + row, row % 28 + 1, row * 3))
        .collect();
    let names = "Order Id,Order date,Mode,Qty\n";
    for content in [
        format!("A,B,C,D\n{names}{rows}"),
        format!("Column1,Column2,Column3,Column4\n{names}{rows}"),
        format!("{names}1,2,3,4\n{rows}"),
        format!("{names}(1),(2),(3),(4)\n{rows}"),
    ] {
        let (table, _) = text_file(&content).unwrap();
        assert_eq!(
            (table.height(), table.names()),
            (29, &["Order Id", "Order date", "Mode", "Qty"].map(str::to_owned)[..]),
            "{content}"
        );
        assert_eq!(table.cell(0, "Order Id").unwrap().as_deref(), Some("101"));
    }
}

#[test]
fn text_of_other_alphabets_is_read_by_its_letters() {
    let rows: String = (0..40)
        .map(|row| format!("{row},{}\n", ["Москва", "Тверь", "Казань"][row % 3]))
        .collect();
    let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(&rows);
    let (table, notes) = text_file([b"Id,City\n".as_slice(), bytes.as_ref()].concat()).unwrap();
    assert_eq!(table.cell(1, "City").unwrap().as_deref(), Some("Тверь"));
    assert!(notes.has("encoding"), "{notes:?}");
}

#[test]
fn a_later_sheet_of_another_decimal_mark_is_read_by_its_own_numbers() {
    use recant::tables::DecimalMark;
    let read = |content: &str| {
        let (table, mut notes) = text_file(content).unwrap();
        // The model's sheet had decimal points.
        table.numbers_with("Weight", Some(DecimalMark::Point), &mut notes).unwrap()
    };
    // A number of four digits before its comma shows what the comma of the others is.
    let rows: String = (0..20).map(|row| format!("{row};{}\n", ["180,877", "1918,010"][row % 2])).collect();
    assert_eq!(read(&format!("Id;Weight\n{rows}"))[..2], [Some(180.877), Some(1918.01)]);
    // So does another column.
    let rows: String = (0..20).map(|row| format!("{row};180,877;12,5\n")).collect();
    assert_eq!(read(&format!("Id;Weight;Price\n{rows}"))[0], Some(180.877));
    let rows: String = (0..20).map(|row| format!("{row};1.918;12,5\n")).collect();
    assert_eq!(read(&format!("Id;Weight;Price\n{rows}"))[0], Some(1918.0));
    // Where nothing shows it, it is as in the model's sheet.
    let rows: String = (0..20).map(|row| format!("{row};1.918\n")).collect();
    assert_eq!(read(&format!("Id;Weight\n{rows}"))[0], Some(1.918));
}

#[test]
fn typed_numbers_among_numbers_with_a_unit_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "Id").unwrap();
    sheet.write(0, 1, "Weight").unwrap();
    for row in 1..30_u32 {
        sheet.write(row, 0, f64::from(row)).unwrap();
        if row % 3 == 0 {
            sheet.write(row, 1, 318.877).unwrap();
        } else {
            sheet.write(row, 1, format!("{row}2,5 kg")).unwrap();
        }
    }
    book.save(&path).unwrap();
    let table = read(&path, &ReadOptions::default(), &mut Notes::new()).unwrap();
    let weights = table.numbers("Weight", &mut Notes::new()).unwrap();
    assert_eq!(weights[..3], [Some(12.5), Some(22.5), Some(318.877)]);
}

#[test]
fn dates_of_servers_regions_and_signs_are_dates() {
    for (cell, moment) in [
        ("20171103 144100", "2017-11-03T14:41"),
        ("20171103 1441", "2017-11-03T14:41"),
        ("2017\u{5e74}11\u{6708}03\u{65e5}14\u{6642}41\u{5206}", "2017-11-03T14:41"),
        ("2017-11-03 14:41:00 Europe/Paris", "2017-11-03T14:41"),
        ("03-NOV-17 02.41.00.000000 PM EUROPE/BERLIN", "2017-11-03T14:41"),
        ("/Date(1509720060000)/", "2017-11-03T14:41"),
        ("3. \u{e1}g\u{fa}st 2017", "2017-08-03"),
    ] {
        let (kind, dates, _) = days(&vec![cell.to_owned(); 3]);
        let shown = dates[0].clone().unwrap_or_default();
        assert!(
            shown.starts_with(moment) || shown.replace(' ', "T").starts_with(moment),
            "{cell}: {shown}"
        );
        // One value alone is constant, whatever it is.
        assert_eq!(kind, ColumnKind::Constant);
    }
}

#[test]
fn what_programs_show_in_place_of_a_number_is_no_value() {
    for mark in ["#ERROR!", "#\u{a1}VALOR!", "Err:502", "#####", "[NULL]", "..", ".a", "\u{2015}"] {
        let cells: Vec<String> = (1..40)
            .map(|row| if row % 6 == 0 { mark.to_owned() } else { format!("{row}.5") })
            .collect();
        let (kind, values, notes) = numbers(&cells);
        assert_eq!((kind, values[5], values[4]), (ColumnKind::Number, None, Some(5.5)), "{mark}");
        assert!(notes.has("missing-markers"), "{mark}: {notes:?}");
    }
}

#[test]
fn tables_of_r_have_a_column_of_row_names_without_a_name() {
    for (mark, quote) in [(',', ""), ('\t', "\""), (';', "\""), (' ', "\"")] {
        let quoted = |text: &str| format!("{quote}{text}{quote}");
        let names = ["id", "ship mode", "qty"].map(quoted).join(&mark.to_string());
        let rows: String = (1..12)
            .map(|row| {
                let mode = quoted(["by air", "by sea"][row % 2]);
                format!("{}{mark}{}{mark}{mode}{mark}{}\n", quoted(&row.to_string()), 100 + row, row * 3)
            })
            .collect();
        let (table, notes) = text_file(format!("{names}\n{rows}")).unwrap();
        assert_eq!(table.names()[1..], ["id", "ship mode", "qty"].map(str::to_owned), "{mark:?}");
        assert_eq!(table.cell(0, "id").unwrap().as_deref(), Some("101"));
        assert_eq!(table.cell(0, "ship mode").unwrap().as_deref(), Some("by sea"));
        assert!(notes.has("empty-header"), "{notes:?}");
    }
    // A last column without a name is not told from that.
    let rows: String = (1..12).map(|row| format!("{},Air,{row}\n", 500 + row * 7)).collect();
    let error = text_file(format!("Order,Mode\n{rows}")).unwrap_err();
    assert!(error.message().contains("3 cells but the header has 2"), "{error}");
}

#[test]
fn sums_that_are_marked_by_stars_are_no_orders() {
    let rows: String = (1..31)
        .map(|row| {
            let sum = if row % 10 == 0 { "|*|          |450| | |\n" } else { "" };
            format!("|{}|0{}.11.2017|45|Air|late|\n{sum}", 1000 + row, row % 9 + 1)
        })
        .collect();
    let (table, notes) = text_file(format!("|Order|Day|Net value|Mode|Status|\n{rows}|**|          |1350| | |\n")).unwrap();
    assert_eq!(table.height(), 30);
    assert!(notes.has("no-orders"), "{notes:?}");
}

#[test]
fn drawn_lines_and_numbers_of_columns_above_the_names_are_no_orders() {
    let rows: String = (1..40)
        .map(|row| format!("{},2024-03-{:02},{row}\n", 900 + row, 1 + row % 28))
        .collect();
    let (table, notes) = text_file(format!("Order,Day,Weight\n{rows}=====,==========,======\n")).unwrap();
    assert_eq!(table.height(), 39);
    assert!(notes.iter().any(|note| note.found.contains("a drawn line")), "{notes:?}");
    let (table, _) = text_file(format!("1,2,3\nOrder,Day,Weight\n{rows}")).unwrap();
    assert_eq!((table.height(), table.names()[1].as_str()), (39, "Day"));
}

#[test]
fn cells_in_quotes_of_another_kind_are_read_without_them() {
    let rows: String = (1..40).map(|row| format!("'{}','North, East','{row}'\n", 900 + row)).collect();
    let (table, notes) = text_file(format!("'Order','Region','Weight'\n{rows}")).unwrap();
    assert_eq!(table.names(), ["Order", "Region", "Weight"]);
    assert_eq!(table.cell(0, "Region").unwrap().as_deref(), Some("North, East"));
    assert!(notes.has("other-quotes"), "{notes:?}");
}
