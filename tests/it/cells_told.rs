//! Cells that could mean something else than they seem to: read as what they mean, or told.

use std::fs;

use recant::features::{Overrides, Profile, inspect};
use recant::notes::Notes;

use crate::cell_meanings::sheet;
use crate::program::{text, works};

fn lines(rows: std::ops::Range<usize>, line: impl Fn(usize) -> String) -> String {
    rows.map(|row| line(row) + "\n").collect()
}

fn told<'a>(notes: &'a Notes, code: &str) -> &'a str {
    notes.iter().find(|note| note.code == code).map_or("", |note| note.found.as_str())
}

#[test]
fn a_row_with_one_cell_too_many_is_told_where_the_others_have_none() {
    let row = |row: usize| format!("A{row},Main St{},{},", if row % 10 == 3 { ", 12" } else { "" }, row % 5);
    let (_, notes) = sheet(&format!("Order No,Street,Qty,Remark\n{}", lines(0..40, row)));
    let found = told(&notes, "long-rows");
    assert!(found.contains("4 rows") && found.contains("the first is row 5"), "{found}");
    // A delimiter at the end of every line means nothing.
    let (_, notes) = sheet(&format!("Order No,Qty\n{}", lines(0..40, |row| format!("A{row},{},", row % 5))));
    assert!(!notes.has("long-rows"), "{notes:?}");
}

#[test]
fn subtotals_called_results_are_no_orders() {
    let part = |region: &str, rows: std::ops::Range<usize>| {
        let sum: usize = rows.clone().map(|row| row + 1).sum();
        lines(rows, |row| format!("A{row},{region},{}", row + 1)) + &format!("{region} Result,,{sum}\n")
    };
    let (table, notes) = sheet(&format!(
        "Order No,Region,Qty\n{}{}Grand-Total,,820\n",
        part("Air", 0..20),
        part("Sea", 20..40)
    ));
    assert_eq!(table.height(), 40, "{notes:?}");
}

#[test]
fn a_day_long_before_all_others_that_comes_again_and_again_stands_for_none() {
    for day in ["1990-01-01", "1980-01-01", "2001-01-01"] {
        let row = |row: usize| match row % 6 {
            0 => format!("A{row},{day}"),
            _ => format!("A{row},2024-03-{:02}", row % 28 + 1),
        };
        let (table, _) = sheet(&format!("Order No,Delivered\n{}", lines(0..60, row)));
        let mut notes = Notes::new();
        let dates = table.dates("Delivered", None, &mut notes).unwrap();
        assert_eq!(dates.iter().filter(|date| date.is_none()).count(), 10, "{day}");
        assert!(told(&notes, "placeholder-dates").contains(day), "{notes:?}");
    }
    // Orders of many years are orders.
    let (table, _) = sheet(&format!(
        "Order No,Day\n{}",
        lines(0..60, |row| format!("A{row},{}-01-01", 1990 + row / 2))
    ));
    let dates = table.dates("Day", None, &mut Notes::new()).unwrap();
    assert!(dates.iter().all(Option::is_some));
}

#[test]
fn ticks_of_dotnet_are_dates() {
    // 2024-01-02 and days after it.
    let row = |row: u64| format!("A{row},{}", 638_397_504_000_000_000 + row * 864_000_000_000);
    let (table, _) = sheet(&format!("Order No,Day\n{}", lines(0..20, |number| row(number as u64))));
    let mut notes = Notes::new();
    let dates = table.dates("Day", None, &mut notes).unwrap();
    assert_eq!(dates[1].map(recant::features::iso).as_deref(), Some("2024-01-03"));
    assert!(told(&notes, "unix-dates").contains("since the year 1"), "{notes:?}");
}

#[test]
fn days_early_are_late_below_zero() {
    for (name, late) in [
        ("Days early (+) / late (-)", "-2"),
        ("Terminabweichung Soll-Ist (Tage)", "-2"),
        ("Delay = planned - actual", "-2"),
        ("Delay = actual - planned", "2"),
        ("Days late", "2"),
    ] {
        let row = |row: usize| format!("A{row},{},{}", ["-2", "-1", "0", "1", "2", "3"][row * 7 % 6], row % 9);
        let (table, _) = sheet(&format!("Order No,{name},Qty\n{}", lines(0..120, row)));
        let found = inspect(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
        let profile = Profile::from_toml(&found.profile_toml).unwrap();
        let labels = profile.label.labels(&table, &mut Notes::new()).unwrap();
        let texts = table.texts(name).unwrap();
        let of = |value: &str| {
            let row = (0..texts.codes.len()).find(|row| texts.get(*row) == Some(value)).unwrap();
            labels[row].map(|label| profile.label.classes()[usize::from(label)].as_str())
        };
        assert_eq!(of(late), Some("late"), "{name}");
        assert_eq!(of(if late == "2" { "-2" } else { "2" }), Some("early"), "{name}");
    }
}

/// Orders that are mostly late where their share is above one half.
fn shares(sign: &str, times: f64, classes: [&str; 2], rows: std::ops::Range<usize>) -> String {
    let row = |row: usize| {
        let share = (row * 7919 % 1000) as f64 / 1000.0;
        let class = classes[usize::from((share > 0.5) != row.is_multiple_of(9))];
        format!(
            "A{row},{:.1}{sign},{},{class}",
            share * times,
            if row % 8 == 1 { -999 } else { (row % 40) as i32 }
        )
    };
    format!("Order No,Share,Pieces,Status\n{}", lines(rows, row))
}

#[test]
fn signs_that_are_gone_numbers_that_stand_for_none_and_classes_in_another_language_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: String| fs::write(folder.path().join(name), content).unwrap();
    write("orders.csv", shares("%", 100.0, ["on time", "late"], 0..400));
    write("next.csv", shares("%", 100.0, ["on time", "late"], 400..460));
    write("bare.csv", shares("", 100.0, ["on time", "late"], 400..460));
    write("german.csv", shares("%", 100.0, ["p\u{fc}nktlich", "versp\u{e4}tet"], 400..460));
    let plain = |output| text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    let trained = [
        "train",
        "orders.csv",
        "--label",
        "Status",
        "--key",
        "Order No",
        "--network",
        "none",
        "--out",
        "model",
    ];
    let said = plain(works(folder.path(), &trained));
    assert!(said.contains("column `Pieces` holds \u{2212}999 in 50 cells"), "{said}");
    let predicted = |sheet: &str| {
        plain(works(
            folder.path(),
            &["predict", sheet, "--model", "model", "--out", "out.csv", "--force"],
        ))
    };
    assert!(!predicted("next.csv").contains("in the training sheet"));
    let said = predicted("bare.csv");
    assert!(
        said.contains("`Share` had percent signs in the training sheet and has none in `bare.csv`"),
        "{said}"
    );
    // The words of another language mean the same classes.
    fs::write(folder.path().join("flags.csv"), "Order No\nA9\nA18\n").unwrap();
    let repair = [
        "repair",
        "--model",
        "model",
        "--data",
        "orders.csv",
        "--flags",
        "flags.csv",
        "--test",
        "german.csv",
        "--method",
        "ssd",
        "--out",
        "r",
    ];
    let said = plain(works(folder.path(), &repair));
    assert!(said.contains("`late` also as `versp\u{e4}tet`"), "{said}");
}

#[test]
fn classes_that_mean_the_same_are_told() {
    let row = |row: usize| format!("A{row},{},{}", row % 9, ["late", "on time", "versp\u{e4}tet"][row % 3]);
    let (table, _) = sheet(&format!("Order No,Qty,Status\n{}", lines(0..90, row)));
    let rule = recant::features::LabelRule::column("Status").resolve(&table).unwrap();
    let mut notes = Notes::new();
    rule.labels(&table, &mut notes).unwrap();
    let found = told(&notes, "classes-of-one-meaning");
    assert!(found.contains("`late` and `versp\u{e4}tet`"), "{found}");
}

#[test]
fn yes_and_no_where_numbers_are_wanted_are_1_and_0() {
    let of = |cells: &[&str]| {
        let (table, _) = sheet(&format!(
            "Order No,Rush\n{}",
            lines(0..cells.len(), |row| format!("A{row},{}", cells[row]))
        ));
        let mut notes = Notes::new();
        (table.numbers("Rush", &mut notes), notes)
    };
    let (found, notes) = of(&["Yes", "no", "", "YES", "0"]);
    assert_eq!(found.unwrap(), [Some(1.0), Some(0.0), None, Some(1.0), Some(0.0)]);
    assert!(notes.has("answers-as-numbers"), "{notes:?}");
    // Beside other numbers they are words like any other.
    assert!(of(&["Yes", "no", "7"]).0.is_err());
}
