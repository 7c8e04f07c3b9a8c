//! What the number formats of a workbook show beside its numbers, and rows between the header and the orders.

use std::fs;
use std::path::Path;

use recant::notes::Notes;
use recant::tables::{ReadOptions, read_all};
use rust_xlsxwriter::{Format, Workbook};

use crate::program::{recant, text, works};

/// Orders that are mostly late where they weigh more than 500 kg; the unit stands in the number format alone.
fn workbook(path: &Path, (format, per_kg): (&str, f64), rows: std::ops::Range<usize>) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (place, name) in ["Order Id", "Weight", "Status"].into_iter().enumerate() {
        sheet.write(0, place as u16, name).unwrap();
    }
    let format = Format::new().set_num_format(format);
    for (line, row) in rows.enumerate() {
        let (line, kg) = (line as u32 + 1, (row * 7919 % 1000) as f64);
        let status = if (kg > 500.0) != (row % 9 == 0) { "late" } else { "on time" };
        sheet.write(line, 0, format!("A{row}")).unwrap();
        sheet.write_with_format(line, 1, kg * per_kg, &format).unwrap();
        sheet.write(line, 2, status).unwrap();
    }
    workbook.save(path).unwrap();
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_unit_in_number_formats_is_converted_to_that_of_training() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    workbook(&path("kg.xlsx"), ("#,##0.0 \"kg\"", 1.0), 0..400);
    for (name, format, per_kg) in [
        ("kg-next.xlsx", "0.0\\ \"kg\"", 1.0),
        ("t-next.xlsx", "0.000 \"t\"", 1e-3),
        ("pcs-next.xlsx", "0 \"pcs\"", 1.0),
        ("bare-next.xlsx", "0.0", 1.0),
    ] {
        workbook(&path(name), (format, per_kg), 400..460);
    }
    let trained = [
        "train",
        "kg.xlsx",
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
    let predicted = |sheet: &str| {
        let output = works(
            folder.path(),
            &["predict", sheet, "--model", "model", "--out", "out.csv", "--force"],
        );
        let lines = fs::read_to_string(path("out.csv")).unwrap();
        let place = lines
            .lines()
            .next()
            .unwrap()
            .split(',')
            .position(|name| name == "predicted")
            .unwrap();
        let cells: Vec<String> = lines
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(place).unwrap().to_owned())
            .collect();
        (cells, plain(&text(&output)))
    };
    let (kg, said) = predicted("kg-next.xlsx");
    assert!(!said.contains("training sheet") && kg.contains(&"late".to_owned()), "{said}");
    let (tons, said) = predicted("t-next.xlsx");
    assert!(said.contains("1 t is 1000 kg"), "{said}");
    assert_eq!(tons, kg);
    let (_, said) = predicted("pcs-next.xlsx");
    assert!(said.contains("is in `pcs`") && said.contains("nothing was converted"), "{said}");
    let (bare, _) = predicted("bare-next.xlsx");
    assert_eq!(bare, kg);
}

#[test]
fn workbooks_of_several_units_are_one_sheet_in_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    workbook(&path("a.xlsx"), ("0.0 \"kg\"", 1.0), 0..5);
    workbook(&path("b.xlsx"), ("0.0 \"t\"", 1e-3), 0..5);
    workbook(&path("c.xlsx"), ("0.0 [$USD]", 1.0), 0..5);
    let read = |names: [&str; 2]| {
        let table = read_all(&names.map(path), &ReadOptions::default(), &mut Notes::new()).unwrap();
        let mut notes = Notes::new();
        (table.numbers("Weight", &mut notes).unwrap(), notes)
    };
    let (values, _) = read(["a.xlsx", "b.xlsx"]);
    assert_eq!(values[..5], values[5..]);
    assert_eq!(values[1], Some(919.0));
    let (values, notes) = read(["a.xlsx", "c.xlsx"]);
    assert_eq!(values[..5], values[5..]);
    let note = notes.iter().find(|note| note.code == "mixed-formats").expect("told");
    assert!(note.found.contains("`USD`") && note.found.contains("`kg`"), "{note:?}");
}

/// pandas counts a row of units right below the header as row 0.
#[test]
fn counting_from_0_below_a_row_of_units_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..80)
        .map(|row| format!("A{row},{}.5,{}\n", row % 37, ["late", "on time"][row % 2]))
        .collect();
    fs::write(
        folder.path().join("orders.csv"),
        format!("Order Id,Weight,Status\n[text],[kg],[text]\n{rows}"),
    )
    .unwrap();
    let trained = [
        "train",
        "orders.csv",
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
    fs::write(folder.path().join("flags.csv"), "row\n3\n5\n").unwrap();
    let repair = |numbers: &str| {
        let arguments = [
            "repair",
            "--model",
            "model",
            "--flags",
            "flags.csv",
            "--data",
            "orders.csv",
            "--row-numbers",
            numbers,
            "--method",
            "ssd",
        ];
        recant(folder.path(), &[&arguments[..], &["--out", numbers]].concat())
    };
    let refused = repair("from-0");
    assert_eq!(refused.status.code(), Some(2));
    let said = plain(&text(&refused));
    assert!(said.contains("row 3 comes after 1 row that was left out of the sheet"), "{said}");
    assert!(said.contains("--row-numbers sheet"), "{said}");
    let by_sheet = repair("sheet");
    assert_eq!(by_sheet.status.code(), Some(0), "{}", text(&by_sheet));
}
