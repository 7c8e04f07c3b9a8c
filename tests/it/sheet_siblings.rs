//! Siblings of the cases in the other files: what the label is in more languages, which sheet of a workbook has the rows, and lists of wrong rows that
//! seem to fit but name other rows or other labels.

use std::path::Path;

use recant::features::{Inspection, Overrides, Profile, inspect};
use recant::label_errors::flags::{FlagOptions, parse_codes};
use recant::notes::Notes;
use recant::tables::{self, ReadOptions, Table};

use crate::flag_cases::{find, finds, index, plain, refuses};
use crate::program::{TRAIN_ON_STATUS, json, recant, text, works};

fn read(name: &str, bytes: &[u8]) -> (Table, Notes) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut notes = Notes::new();
    let table = tables::read(&path, &ReadOptions::default(), &mut notes).unwrap_or_else(|error| panic!("{error}"));
    (table, notes)
}

fn looked_at(bytes: &[u8]) -> (Inspection, Notes) {
    let (table, mut notes) = read("orders.csv", bytes);
    (inspect(&table, None, &Overrides::default(), &mut notes).unwrap(), notes)
}

fn day(number: usize) -> String {
    format!("2024-{:02}-{:02}", 1 + number / 28 % 12, 1 + number % 28)
}

/// Orders of which each third is early, on time and late.
fn orders(planned: &str, actual: &str) -> String {
    let line = |row: usize| {
        let due = row + 5;
        let mode = ["Air", "Sea"][row / 3 % 2];
        format!("{},{},{},{},{mode}\n", 90_000 + row, day(row), day(due), day(due + row % 3 - 1))
    };
    format!("Order No,Order Date,{planned},{actual},Mode\n") + &(1..=120).map(line).collect::<String>()
}

#[test]
fn planned_and_actual_are_found_under_abbreviations_and_in_more_languages() {
    for (planned, actual) in [
        ("Dlv.Date", "Act.GI Date"),
        ("Pl. Gds Mvmnt", "Act. Gds Mvmnt Date"),
        ("Plandat. WA", "Istdat. WA"),
        ("Lieferdatum", "Wirkl. Lieferdatum"),
        ("Lief.Datum", "Warenausg.Ist"),
        ("Liefertermin", "Tatsächlicher Liefertermin"),
        ("RDD", "POD"),
        ("Need-by Date", "Dock Date"),
        ("Scheduled Arrival", "Gate In"),
        ("deliv_dt_sched", "deliv_dt_act"),
        ("Baseline Finish", "Actual Finish"),
        ("Data di consegna richiesta", "Data di consegna effettiva"),
        ("Termin dostawy", "Dostarczono"),
        ("Planlanan Teslim Tarihi", "Teslim Tarihi"),
        ("Leveransdatum plan", "Leveransdatum utfall"),
        ("Bekreftet leveringsdato", "Faktisk leveringsdato"),
        ("Planirani datum isporuke", "Datum isporuke"),
        ("Planirani datum dobave", "Dejanski datum dobave"),
        ("Plánovaný dátum dodania", "Skutočný dátum dodania"),
        ("Planuojama pristatymo data", "Faktinė pristatymo data"),
        ("Дата на доставка (план)", "Дата на доставка (факт)"),
        ("नियोजित डिलीवरी तिथि", "वास्तविक डिलीवरी तिथि"),
    ] {
        let (found, _) = looked_at(orders(planned, actual).as_bytes());
        let proposed = Profile::from_toml(&found.profile_toml).unwrap();
        assert_eq!(proposed.label.sources(), [actual, planned]);
        assert_eq!(
            found.classes.iter().map(|class| class.rows).collect::<Vec<_>>(),
            [40, 40, 40],
            "{planned}"
        );
    }
    // A day of payment and its limit say nothing about a delivery.
    for (planned, actual) in [("Due Date", "Date"), ("Invoice due date", "Invoice date")] {
        let (found, _) = looked_at(orders(planned, actual).as_bytes());
        assert_eq!(found.label, None, "{planned}");
    }
}

#[test]
fn numbers_of_days_are_held_against_their_target_and_the_target_is_no_label() {
    for (planned, actual) in [
        ("target_days", "actual_days"),
        ("TAT target", "TAT"),
        ("Planned LT", "Actual LT"),
        ("Durchlaufzeit Plan", "Durchlaufzeit Ist"),
        ("Tiempo estimado", "Tiempo real"),
        ("Allowed hours", "Actual hours"),
    ] {
        let lines: String = (1..=120)
            .map(|row| {
                format!(
                    "{},{},{},{}\n",
                    90_000 + row,
                    2 + row % 7,
                    2 + row % 7 + row % 3 - 1,
                    ["Air", "Sea"][row / 3 % 2]
                )
            })
            .collect();
        let (found, _) = looked_at(format!("Order No,{planned},{actual},Mode\n{lines}").as_bytes());
        assert_eq!(found.label, Some(format!("`{actual}` minus `{planned}`")), "{planned}");
    }
}

#[test]
fn the_first_promise_goes_before_a_changed_one_and_the_end_before_the_start() {
    let line = |row: usize| format!("{row},{},{},{},{}\n", day(row + 9), day(row + 6), day(row + 7), day(row + 5));
    let lines: String = (1..=120).map(line).collect();
    let header = "Order No,Revised Promise Date,Actual Delivery,Mode Date,Original Promise Date";
    let (found, notes) = looked_at(format!("{header}\n{lines}").as_bytes());
    assert_eq!(found.label.as_deref(), Some("`Actual Delivery` minus `Original Promise Date`"));
    let note = notes.iter().find(|note| note.code == "label-candidates").unwrap();
    assert!(note.found.contains("Revised Promise Date"), "{note:?}");
    let header = "Order No,Planned Start,Actual Start,Planned End,Actual End";
    let (found, _) = looked_at(format!("{header}\n{lines}").as_bytes());
    assert_eq!(found.label.as_deref(), Some("`Actual End` minus `Planned End`"));
}

#[test]
fn status_words_of_more_languages_are_the_label_and_a_dot_beside_a_word_is_no_class() {
    for values in [
        ["ranije", "na vrijeme", "kasni"],
        ["skôr", "načas", "neskoro"],
        ["рано", "навреме", "закъсняла"],
        ["anksti", "laiku", "vėluoja"],
        ["vara", "õigel ajal", "hilinenud"],
        ["aviat", "a temps", "tard"],
        ["νωρίς", "στην ώρα", "καθυστερημένη"],
    ] {
        let lines: String = (0..90)
            .map(|row| format!("{},{},{}\n", ["Air", "Sea"][row / 3 % 2], row * 37 % 101, values[row % 3]))
            .collect();
        let (found, _) = looked_at(format!("Mode,Weight,Fulfilment\n{lines}").as_bytes());
        assert_eq!(found.label.as_deref(), Some("the value of `Fulfilment`"), "{values:?}");
    }
    let values = ["early", "🟢 early", "on time", "✅ on time", "late", "late 🔴"];
    let lines: String = (0..90)
        .map(|row| format!("{},{},{}\n", ["Air", "Sea"][row / 6 % 2], row * 37 % 101, values[row % 6]))
        .collect();
    let (found, notes) = looked_at(format!("Mode,Weight,Status\n{lines}").as_bytes());
    assert_eq!(found.classes.iter().map(|class| class.rows).collect::<Vec<_>>(), [30, 30, 30]);
    assert!(notes.has("label-spellings"), "{notes:?}");
}

#[test]
fn a_column_called_a_date_that_is_read_as_none_is_told() {
    let sheet = |cell: &dyn Fn(usize) -> String| {
        let lines: String = (0..90)
            .map(|row| format!("{},{},{}\n", cell(row), row * 37 % 101, ["late", "on time"][row % 2]))
            .collect();
        looked_at(format!("Order Date,Weight,Status\n{lines}").as_bytes())
    };
    let (_, notes) = sheet(&|row| format!("{}", 524_001 + row));
    assert!(notes.has("named-as-date"), "{notes:?}");
    let (found, notes) = sheet(&|row| format!("2024{:02}{:02}1530", 1 + row / 28, 1 + row % 28));
    assert!(!notes.has("named-as-date"), "{notes:?}");
    assert_eq!(
        found.time_span.map(|(from, _)| from[..10].to_owned()).as_deref(),
        Some("2024-01-01")
    );
}

#[test]
fn numbers_of_papers_with_leading_zeros_are_no_telephone_numbers() {
    let line = |row: usize| format!("{:010},{},{}\n", 80_013_000 + row, row * 37 % 101, ["late", "on time"][row % 2]);
    let lines: String = (0..90).map(line).collect();
    for name in ["Auftrag", "Delivery No", "VBELN"] {
        let (found, _) = looked_at(format!("{name},Weight,Status\n{lines}").as_bytes());
        assert_eq!(Profile::from_toml(&found.profile_toml).unwrap().key.as_deref(), Some(name));
    }
    let (found, _) = looked_at(format!("Telefon,Weight,Status\n{lines}").as_bytes());
    assert!(found.columns[0].people.is_some());
}

#[test]
fn day_counts_under_a_name_that_says_what_happened_are_days() {
    let lines: String = (0..90)
        .map(|row| format!("{},{},{}\n", 45_300 + row, 45_301 + row - row % 3, ["Air", "Sea"][row / 3 % 2]))
        .collect();
    let (found, notes) = looked_at(format!("Due,Delivered,Mode\n{lines}").as_bytes());
    assert_eq!(found.label.as_deref(), Some("`Delivered` minus `Due`"));
    assert!(notes.has("serial-dates"), "{notes:?}");
}

/// A workbook of worksheets, each of a name and cells.
fn workbook(sheets: &[(&str, Vec<Vec<String>>)]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (name, cells) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        for (row, cells) in cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let (row, column) = (row as u32, column as u16);
                match cell.parse::<f64>() {
                    Ok(number) => sheet.write_number(row, column, number).unwrap(),
                    Err(_) => sheet.write_string(row, column, cell).unwrap(),
                };
            }
        }
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn a_cover_a_note_or_a_pivot_before_the_rows_is_passed_over_and_told() {
    let cells =
        |rows: &[&[&str]]| -> Vec<Vec<String>> { rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect() };
    let table = |header: &[&str], rows: usize| {
        let mut all = cells(&[header]);
        all.extend((0..rows).map(|row| header.iter().enumerate().map(|(place, _)| (row * 10 + place).to_string()).collect()));
        all
    };
    let orders = table(&["Order No", "Days", "Weight"], 120);
    for first in [
        cells(&[&["", "Delivery report"], &["", "Prepared by", "Anna"]]),
        cells(&[&["Region", "Orders"], &["North", "70"], &["South", "50"]]),
        cells(&[&["A line of notes"], &["and another"]]),
        Vec::new(),
    ] {
        let (found, notes) = read("book.xlsx", &workbook(&[("First", first), ("Data", orders.clone())]));
        assert_eq!((found.height(), found.source().sheet.as_deref()), (120, Some("Data")));
        let note = notes.iter().find(|note| note.code == "other-sheets").unwrap();
        assert!(note.done.contains("`Data`") && note.done.contains("--sheet \"First\""), "{note:?}");
    }
    // Few orders before a sheet of all of them, and months of their own, are read as before.
    for (first, second) in [(12, 120), (100, 110)] {
        let header = ["Order No", "Days", "Weight"];
        let (found, notes) = read(
            "book.xlsx",
            &workbook(&[("First", table(&header, first)), ("Second", table(&header, second))]),
        );
        assert_eq!((found.height(), found.source().sheet.as_deref()), (first, Some("First")));
        assert!(notes.has("other-sheets"), "{notes:?}");
    }
}

#[test]
fn label_codes_that_fit_in_several_ways_are_refused() {
    let correct = FlagOptions {
        correct_column: Some("correct_label".into()),
        ..plain()
    };
    // Rows 0, 3 and 7 are late. By the alphabet from 1, late is 2 and 1 is early; from early to late, late is 2 and 1 is on time.
    let lines = |given: i32, said: i32| -> String { [0, 3, 7].map(|row| format!("{},{given},{said}\n", 10_001 + row)).concat() };
    let file = |given, said| format!("Order No,given_label,correct_label\n{}", lines(given, said));
    for (given, said) in [(2, 1), (1, 0)] {
        let error = refuses(&file(given, said), &correct, "the sheet does not show what they mean");
        assert!(error.hint_text().unwrap().contains("--label-codes"), "{error}");
    }
    // Below zero there is one way only; and what is stated is taken.
    let corrections = |text: &str, options: &FlagOptions| {
        let (found, _) = find(text, options, &index(Some("Order No")), None).unwrap_or_else(|error| panic!("{error}"));
        found.training.iter().map(|flag| flag.correction).collect::<Vec<_>>()
    };
    assert_eq!(corrections(&file(1, -1), &correct), [Some(0); 3]);
    let stated = FlagOptions {
        label_codes: Some(parse_codes("-1=early,0=on time,1=late").unwrap()),
        ..correct.clone()
    };
    assert_eq!(corrections(&file(1, 0), &stated), [Some(1); 3]);
    // Another spelling of a class is that class; a number that is none is told with its option.
    let spelt = "Order No,given_label,correct_label\n10001,LATE,On-Time\n";
    assert_eq!(corrections(spelt, &correct), [Some(1)]);
    let error = refuses("Order No,given_label\n10001,9\n", &plain(), "is not a class");
    assert!(error.hint_text().unwrap().contains("--label-codes"), "{error}");
}

#[test]
fn a_list_of_other_things_is_no_list_of_keys_and_the_paper_alone_is_its_number() {
    let rows = |name: &str| format!("{name}\n{}", [2, 5, 11, 17].map(|row| format!("{}\n", 10_001 + row)).concat());
    for name in ["Customer ID", "Invoice No", "Qty"] {
        let error = refuses(&rows(name), &plain(), "it is not clear how the flag file names rows");
        assert!(error.hint_text().unwrap().contains(&format!("--key \"{name}\"")), "{error}");
        let stated = FlagOptions {
            key: Some(name.to_owned()),
            ..plain()
        };
        finds(&rows(name), &stated);
    }
    for name in ["Order", "Orders to fix", "PO", "id"] {
        finds(&rows(name), &plain());
    }
    let lines = [2, 5, 11, 17].map(|row| format!("{},{}\n", 10_001 + row, row % 3 + 1)).concat();
    let notes = finds(&format!("Order,Line\n{lines}"), &plain());
    assert!(notes.has("key-by-similar-name"), "{notes:?}");
}

/// 120 orders; `key` and `status` of a row, and whether in reversed order.
fn sheet(folder: &Path, name: &str, header: &str, rows: &[(usize, String, &str)]) {
    let lines = rows.iter().map(|(row, key, status)| {
        let (mode, region) = (
            ["Air", "Sea", "Rail"][(row * row * 31 + row * 17) % 101 % 3],
            ["North", "South"][(row * row * 13 + row * 7) % 97 % 2],
        );
        format!(
            "{key},2024-{:02}-{:02},{mode},{region},{},{status}\n",
            1 + row / 28,
            1 + row % 28,
            row * 37 % 91
        )
    });
    std::fs::write(
        folder.join(name),
        format!("{header},Order Date,Mode,Region,Weight,Status\n{}", lines.collect::<String>()),
    )
    .unwrap();
}

#[test]
fn a_corrected_sheet_is_held_against_the_training_sheet_before_its_keys_are_trusted() {
    let here = tempfile::tempdir().unwrap();
    let at = here.path();
    let status = |row: usize| ["late", "on time", "on time"][row % 3];
    let fixed = |row: usize| if [6, 9].contains(&row) { "on time" } else { status(row) };
    // Two items an order; those of order 3 (rows 6 and 7) are late and on time.
    let key = |row: usize| (70_001 + row / 2).to_string();
    let rows = |status: &dyn Fn(usize) -> &'static str| -> Vec<_> { (0..120).map(|row| (row, key(row), status(row))).collect() };
    sheet(at, "orders.csv", "Order No", &rows(&status));
    works(
        at,
        &[&TRAIN_ON_STATUS[..], &["orders.csv", "--key", "Order No", "--out", "m"]].concat(),
    );
    let repair = |corrected: &str, out: &str| {
        let words = ["repair", "--model", "m", "--method", "assd", "--data", "orders.csv", "--corrected"];
        [&words[..], &[corrected, "--out", out]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let run = |corrected: &str, out: &str| {
        let words = repair(corrected, out);
        json(at, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refused = |corrected: &str, said: &str| {
        let words = repair(corrected, "none");
        let output = recant(at, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(said), "{}", text(&output));
        assert!(text(&output).contains("hint:"), "{}", text(&output));
    };
    // The items of an order in another order, and the column of the keys under another spelling: the same rows.
    let mut turned = rows(&fixed);
    turned.reverse();
    sheet(at, "turned.csv", "ORDER_NO", &turned);
    let record = run("turned.csv", "r1");
    assert_eq!(
        (record["flags"]["used"].as_u64(), record["flags"]["with_correction"].as_u64()),
        (Some(2), Some(2))
    );
    assert!(
        record["notes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|note| note["code"] == "columns-by-other-names"),
        "{record}"
    );
    // Keys that moved by an order, an order that stands there again with another label, keys in another writing.
    let moved: Vec<_> = rows(&fixed)
        .into_iter()
        .map(|(row, _, status)| (row, key(row + 2), status))
        .collect();
    sheet(at, "moved.csv", "Order No", &moved);
    refused("moved.csv", "but not the other cells");
    let mut again = rows(&fixed);
    again.push((6, key(6), "late"));
    sheet(at, "again.csv", "Order No", &again);
    refused("again.csv", "stands in 3 rows of the corrected sheet");
    let padded: Vec<_> = rows(&fixed)
        .into_iter()
        .map(|(row, key, status)| (row, format!("A{key}"), status))
        .collect();
    sheet(at, "padded.csv", "Order No", &padded);
    refused("padded.csv", "no row of the corrected sheet has a `Order No`");
}
