//! What the columns of a sheet mean: which is the label and how it is spelt, which are ids, what training leaves out, and what comes out again.

use std::path::Path;

use calamine::{Data, Reader, Xlsx};
use recant::features::{Inspection, Overrides, Profile, Role, inspect};
use recant::notes::Notes;
use recant::tables::{self, ReadOptions, Table};

use crate::program::{json, recant, text, trial, works};

fn write(folder: &Path, name: &str, header: &str, rows: usize, line: &dyn Fn(usize) -> String) {
    let lines: String = (0..rows).map(|row| line(row) + "\n").collect();
    std::fs::write(folder.join(name), format!("{header}\n{lines}")).unwrap();
}

fn looked_at(header: &str, rows: usize, overrides: &Overrides, line: &dyn Fn(usize) -> String) -> (Inspection, Notes) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "orders.csv", header, rows, line);
    let mut notes = Notes::new();
    let table = tables::read(&folder.path().join("orders.csv"), &ReadOptions::default(), &mut notes).unwrap();
    (inspect(&table, None, overrides, &mut notes).unwrap(), notes)
}

fn role(inspection: &Inspection, column: &str) -> Role {
    inspection.columns.iter().find(|report| report.name == column).unwrap().role
}

fn label(column: &str) -> Overrides {
    Overrides {
        label: Some(column.to_owned()),
        ..Overrides::default()
    }
}

#[test]
fn spellings_of_a_class_are_one_class_and_marks_for_unknown_are_none() {
    let spelt = ["yes", "Yes", "YES ", "no", "NO", "No", "yes", "no", "-", "?", "None", "unknown"];
    let (found, notes) = looked_at("Mode,Weight,Late", 240, &label("Late"), &|row| {
        format!("{},{},{}", ["Air", "Sea"][row / 3 % 2], row * 37 % 101, spelt[row % 12])
    });
    let classes: Vec<(&str, usize)> = found.classes.iter().map(|class| (class.class.as_str(), class.rows)).collect();
    assert_eq!(classes, [("no", 80), ("yes", 80)]);
    for code in ["label-spellings", "label-missing"] {
        assert_eq!(notes.iter().filter(|note| note.code == code).count(), 1, "{notes:?}");
    }
    let profile = Profile::from_toml(&found.profile_toml).unwrap();
    assert_eq!(profile.label.classes(), ["no", "yes"]);
    assert!(found.profile_toml.contains("missing = "), "{}", found.profile_toml);
    // The profile may say otherwise.
    let other = found.profile_toml.replace("\"unknown\"", "\"unheard of\"");
    assert!(Profile::from_toml(&other).is_ok());
}

/// Every order is planned for three days.
#[test]
fn a_planned_time_that_is_the_same_everywhere_makes_a_label_too() {
    for (planned, actual) in [("3", ["2", "3", "5"]), ("2018-03-03", ["2018-03-01", "2018-03-03", "2018-03-09"])] {
        let overrides = Overrides {
            actual: Some("Actual".to_owned()),
            planned: Some("Planned".to_owned()),
            ..Overrides::default()
        };
        let (found, _) = looked_at("Mode,Planned,Actual", 90, &overrides, &|row| {
            format!("{},{planned},{}", ["Air", "Sea"][row / 3 % 2], actual[row % 3])
        });
        let classes: Vec<usize> = found.classes.iter().map(|class| class.rows).collect();
        assert_eq!(classes, [30, 30, 30], "{planned}");
    }
}

#[test]
fn of_several_days_the_one_that_happened_to_the_customer_makes_the_label_and_the_others_are_named() {
    let header = "Scheduled Delivery Date,Delivery Recorded Date,Delivered to Client Date,Mode";
    let line = |row: usize| {
        let day = 1 + row % 20;
        format!(
            "2024-03-{day:02},2024-03-{:02},2024-03-{:02},{}",
            day + 5,
            day + row % 3,
            ["Air", "Sea"][row % 2]
        )
    };
    let (found, notes) = looked_at(header, 120, &Overrides::default(), &line);
    assert_eq!(
        found.label.as_deref(),
        Some("`Delivered to Client Date` minus `Scheduled Delivery Date`")
    );
    let note = notes.iter().find(|note| note.code == "label-candidates").unwrap();
    assert!(
        note.found.contains("`Delivery Recorded Date` minus") && note.done.contains("--actual"),
        "{note:?}"
    );
    let stated = Overrides {
        actual: Some("Delivery Recorded Date".into()),
        planned: Some("Scheduled Delivery Date".into()),
        ..Overrides::default()
    };
    let (found, _) = looked_at(header, 120, &stated, &line);
    assert_eq!(
        found.label.as_deref(),
        Some("`Delivery Recorded Date` minus `Scheduled Delivery Date`")
    );
    let wrong = Overrides {
        planned: Some("Mode".into()),
        ..stated
    };
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "orders.csv", header, 120, &line);
    let table = tables::read(&folder.path().join("orders.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    let error = inspect(&table, None, &wrong, &mut Notes::new()).unwrap_err();
    assert!(error.message().contains("holds dates and `Mode` text"), "{error}");
}

/// The further rows of an order have neither date nor label, as shops export them.
#[test]
fn dates_that_only_rows_with_a_label_have_order_them_in_time() {
    let (found, _) = looked_at(
        "Name,Created at,Method,Item,Delivery result",
        120,
        &Overrides::default(),
        &|row| match row % 2 {
            0 => format!(
                "#{},2024-{:02}-{:02},{},P{},{}",
                row / 2,
                1 + row / 20,
                1 + row % 20,
                ["Air", "Sea"][row / 4 % 2],
                row % 7,
                ["Late", "On time"][row / 2 % 2]
            ),
            _ => format!("#{},,,P{},", row / 2, row % 7),
        },
    );
    assert_eq!(found.time_span.map(|(first, _)| first).as_deref(), Some("2024-01-01"));
}

#[test]
fn plans_of_shops_and_other_languages_make_a_label_with_what_happened() {
    for (planned, actual) in [
        ("latest-delivery-date", "actual-delivery-date"),
        ("Previsão de entrega", "Entrega realizada"),
    ] {
        let (found, _) = looked_at(&format!("Mode,{planned},{actual}"), 90, &Overrides::default(), &|row| {
            let day = 1 + row % 25;
            format!("{},2024-02-{day:02},2024-02-{:02}", ["Air", "Sea"][row / 3 % 2], day + row % 3)
        });
        assert_eq!((role(&found, planned), role(&found, actual)), (Role::Label, Role::Label));
    }
}

/// Planned times of day that the label does not look at are told; a plan for midnight or the end of the day is one for the day.
#[test]
fn rows_that_are_late_within_their_day_are_told() {
    let at = |time: &'static str| {
        looked_at("Booked,ETA,ATA,Mode", 90, &Overrides::default(), &move |row| {
            let (day, late) = (1 + row % 27, row % 3);
            format!(
                "2024-01-{day:02},2024-02-{day:02} {time},2024-02-{:02} {:02}:30,{}",
                day + usize::from(late == 2),
                [8, 22, 10][late],
                ["Air", "Sea"][row / 3 % 2]
            )
        })
    };
    let (found, notes) = at("17:00");
    assert_eq!(role(&found, "ATA"), Role::Label);
    let note = notes.iter().find(|note| note.code == "same-day").map(|note| note.found.clone());
    assert_eq!(
        note.as_deref(),
        Some("30 rows have `ATA` later than `ETA` by the clock, on the same day")
    );
    for day in ["00:00", "23:59"] {
        assert!(!at(day).1.has("same-day"), "{day}");
    }
}

#[test]
fn a_column_of_words_for_early_on_time_and_late_is_the_label() {
    for values in [
        ["late", "on time", "early"],
        ["Late delivery", "Shipping on time", "Advance shipping"],
        ["verspätet", "pünktlich", "zu früh"],
        ["en retard", "à l'heure", "en avance"],
        ["Delayed", "On-Time", "On-Time"],
        ["retrasado", "a tiempo", "adelantado"],
    ] {
        let (found, _) = looked_at("Mode,Weight,Fulfilment", 90, &Overrides::default(), &|row| {
            format!("{},{},{}", ["Air", "Sea"][row / 3 % 2], row * 37 % 101, values[row % 3])
        });
        assert_eq!(found.label.as_deref(), Some("the value of `Fulfilment`"), "{values:?}");
    }
    let (found, _) = looked_at("Mode,Weight,Priority", 90, &Overrides::default(), &|row| {
        format!(
            "{},{},{}",
            ["Air", "Sea"][row / 3 % 2],
            row * 37 % 101,
            ["low", "high", "not late"][row % 3]
        )
    });
    assert_eq!(found.label, None);
}

#[test]
fn ids_and_indices_are_no_inputs_in_any_language() {
    for id in ["Order No", "No.", "#", "Nr", "Auftragsnummer", "Numéro", "ID", "Order Number"] {
        let (found, _) = looked_at(&format!(",{id},Mode,Number of items,Late"), 90, &label("Late"), &|row| {
            format!(
                "{},{},{},{},{}",
                row * 7 % 90,
                40_000 + row * 13 % 90,
                ["Air", "Sea"][row / 3 % 2],
                row % 7,
                ["yes", "no"][row % 2]
            )
        });
        assert_eq!(role(&found, "Column A"), Role::LeftOut, "{id}");
        assert_eq!(role(&found, id), Role::Key, "{id}");
        assert_eq!(role(&found, "Number of items"), Role::Number);
    }
    // Beside another key, an id is left out and not "always the same".
    let keyed = Overrides {
        key: Some("Ref".into()),
        ..label("Late")
    };
    let (found, notes) = looked_at("Ref,ID,Mode,Late", 90, &keyed, &|row| {
        format!(
            "R{row},{},{},{}",
            40_000 + row * 13 % 90,
            ["Air", "Sea"][row / 3 % 2],
            ["yes", "no"][row % 2]
        )
    });
    assert_eq!(role(&found, "ID"), Role::LeftOut);
    assert!(notes.iter().all(|note| !note.found.contains("same value")), "{notes:?}");
}

#[test]
fn what_training_leaves_out_is_told_with_its_reason_and_count() {
    let here = tempfile::tempdir().unwrap();
    let regions = |row: usize| format!("R{}", row % 23);
    write(here.path(), "orders.csv", "Region,Same,Mode,wrong?,Late", 230, &|row| {
        format!(
            "{},7,{},{},{}",
            regions(row),
            ["Air", "Sea"][row / 3 % 2],
            if row % 50 == 0 { "x" } else { "" },
            ["yes", "no"][row % 2]
        )
    });
    let profile = Profile::builtin_text("generic")
        .unwrap()
        .replace("rare = 20", "rare = 200")
        .replace("kind = \"column\"", "kind = \"column\"\ncolumn = \"Late\"");
    std::fs::write(here.path().join("p.toml"), profile).unwrap();
    let output = recant(
        here.path(),
        &["train", "orders.csv", "--profile", "p.toml", "--epochs", "1", "--out", "m0"],
    );
    let said = text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    // Two values in 230 rows are rare as well, so nothing is left: that, too, is said.
    assert_eq!(output.status.code(), Some(2), "{said}");
    let output = works(
        here.path(),
        &["train", "orders.csv", "--label", "Late", "--epochs", "1", "--out", "m"],
    );
    let said = text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("columns are not used as inputs"), "{said}");
    assert!(said.contains("`Same` (it has the same value in all training rows)"), "{said}");
    assert!(said.contains("`wrong?` (it marks rows as wrong"), "{said}");
    assert!(!said.contains("`Region` (it has the same value"), "{said}");
    std::fs::write(
        here.path().join("q.toml"),
        std::fs::read_to_string(here.path().join("p.toml"))
            .unwrap()
            .replace("rare = 200", "rare = 30"),
    )
    .unwrap();
    let output = works(
        here.path(),
        &["train", "orders.csv", "--profile", "q.toml", "--epochs", "1", "--out", "m2"],
    );
    let said = text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("each of its 23 values has fewer than 30 training rows (`rare` = 30)"),
        "{said}"
    );
}

#[test]
fn a_header_with_a_no_break_space_is_the_name_that_people_see() {
    let at = trial();
    // The made-up orders are written in windows-1252.
    let sheet: String = std::fs::read(at.join("orders.csv")).unwrap().into_iter().map(char::from).collect();
    let here = tempfile::tempdir().unwrap();
    std::fs::write(
        here.path().join("nbsp.csv"),
        sheet.replacen("Order Region", "Order\u{a0}Region\u{200b}", 1),
    )
    .unwrap();
    let table = tables::read(&here.path().join("nbsp.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    let profile = Profile::choose(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
    assert_eq!(profile.name, "dataco");
    std::fs::write(here.path().join("amiss.csv"), sheet.replacen("Order Region", "Order Rgion", 1)).unwrap();
    let table = tables::read(&here.path().join("amiss.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    let error = Profile::choose(&table, None, &Overrides::default(), &mut Notes::new()).unwrap_err();
    assert!(error.message().contains("lacks `Order Region` (is it `Order Rgion`?)"), "{error}");
}

fn cells(path: &Path) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = calamine::open_workbook(path).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    range.rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn predictions_come_in_the_manner_of_the_sheet() {
    let here = tempfile::tempdir().unwrap();
    let at = here.path();
    let line = |row: usize| {
        format!(
            "{:05};{:02}.{:02}.2024;{},{};{};{}",
            row * 991 % 70_000,
            1 + row % 28,
            1 + row / 28 % 12,
            row * 37 % 91,
            row % 10,
            ["Air", "Sea"][row / 3 % 2],
            ["zu spät", "pünktlich"][row % 2]
        )
    };
    write(at, "orders.csv", "Auftragsnr;Datum;Gewicht;Mode;Status", 140, &line);
    works(
        at,
        &[
            "train",
            "orders.csv",
            "--label",
            "Status",
            "--time",
            "Datum",
            "--key",
            "Auftragsnr",
            "--epochs",
            "1",
            "--out",
            "m",
        ],
    );
    works(at, &["predict", "orders.csv", "--model", "m", "--out", "said.csv"]);
    let said = std::fs::read_to_string(at.join("said.csv")).unwrap();
    let mut lines = said.trim_start_matches('\u{feff}').lines();
    assert!(
        lines.next().unwrap().starts_with("Auftragsnr;Datum;Gewicht;Mode;Status;predicted;"),
        "{said}"
    );
    let first: Vec<&str> = lines.next().unwrap().split(';').collect();
    assert_eq!(&first[..3], ["00000", "01.01.2024", "0,0"]);
    assert!(first[6].starts_with("0,"), "{first:?}");
    // A workbook has one type a column: padded numbers are texts, decimal commas numbers, dates dates.
    works(at, &["predict", "orders.csv", "--model", "m", "--out", "said.xlsx"]);
    let rows = cells(&at.join("said.xlsx"));
    assert_eq!(rows.len(), 141);
    for row in &rows[1..] {
        assert!(matches!(row[0], Data::String(_)), "{row:?}");
        assert!(matches!(row[1], Data::DateTime(_)), "{row:?}");
        assert!(matches!(row[2], Data::Float(_)), "{row:?}");
        assert!(matches!(row[6], Data::Float(_)), "{row:?}");
    }
    // And the workbook is a sheet as good as the text it came from.
    let predicted = json(at, &["predict", "said.xlsx", "--model", "m", "--out", "again.csv"]);
    assert_eq!(predicted["rows"].as_u64(), Some(140));
    let again = tables::read(&at.join("again.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    assert_eq!(again.texts("predicted").unwrap(), again.texts("predicted (2)").unwrap());
}

#[test]
fn proposals_carry_the_rows_to_judge_with_a_filter_and_classes_to_choose_from() {
    let at = trial();
    works(
        at,
        &[
            "suspects",
            "trial/corrupted.csv",
            "--model",
            "model",
            "--folds",
            "2",
            "--out",
            "judge.xlsx",
        ],
    );
    let sheet = tables::read(&at.join("judge.xlsx"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    let corrupted = tables::read(&at.join("trial/corrupted.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    assert!(corrupted.names().iter().all(|name| sheet.has(name)));
    let own = |table: &Table, row: usize| (table.cell(row, "Order Item Id").unwrap(), table.cell(row, "Shipping Mode").unwrap());
    let row = corrupted
        .row_with_number(sheet.cell(0, "sheet_row").unwrap().unwrap().parse().unwrap())
        .unwrap();
    assert_eq!(own(&sheet, 0), own(&corrupted, row));
    let bytes = std::fs::read(at.join("judge.xlsx")).unwrap();
    let mut package = zip_entry(&bytes, "xl/worksheets/sheet1.xml");
    assert!(package.contains("<autoFilter ref=\"A1:"), "no filter");
    package.retain(|letter| letter != '\n');
    assert!(
        package.contains("<dataValidation type=\"list\"") && package.contains("early,on time,late"),
        "no list"
    );
    // A person's word in `correct_label` wins over the likeliest label.
    let given = sheet.cell(0, "given_label").unwrap().unwrap();
    let likeliest = sheet.cell(0, "likeliest_label").unwrap().unwrap();
    let other = ["early", "on time", "late"]
        .into_iter()
        .find(|class| *class != given && *class != likeliest)
        .unwrap();
    let judged = sheet
        .with_changed_cells("correct_label", &[(0, other.to_owned())])
        .unwrap()
        .take(&[0]);
    judged.write(&at.join("judged.csv"), &mut Notes::new()).unwrap();
    let repaired = json(
        at,
        &[
            "repair",
            "--model",
            "model",
            "--flags",
            "judged.csv",
            "--correct-column",
            "likeliest_label",
            "--out",
            "judged-repaired",
        ],
    );
    assert_eq!(
        repaired["flagged_rows"][0]["correction"].as_str(),
        Some(other),
        "{}",
        repaired["flagged_rows"]
    );
}

/// A part of a package, as text.
fn zip_entry(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut archive.by_name(name).unwrap(), &mut text).unwrap();
    text
}
