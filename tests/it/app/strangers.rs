//! Sheets that no built-in profile knows, and what a person sees of what was made.

use std::fs;

use super::http::{Served, between};
use super::path::{done, folder, link};

/// A German export: semicolons, decimal commas, dates with the day first, a line of sums.
fn export() -> Vec<u8> {
    let mut text = "Auftrag Nr.;Bestelldatum;Lager;Versandart;Menge;Betrag;Termin geplant;Termin geliefert\n".to_owned();
    for row in 0..400_usize {
        let (day, month) = (row % 28 + 1, row / 28 % 12 + 1);
        let late = (row * 7 + row / 3) % 5;
        text.push_str(&format!(
            "AU-{row:05};{day:02}.{month:02}.2023;{};{};{};{},5{} €;{day:02}.{month:02}.2024;{:02}.{month:02}.2024\n",
            ["Köln", "Hamburg", "München"][row % 3],
            ["Standard", "Express"][row % 2],
            row % 40 + 1,
            row * 13 % 900,
            row % 10,
            (day + late).saturating_sub(2).clamp(1, 28),
        ));
    }
    text.push_str("Summe;;;;8200;;;\n");
    // Windows-1252: these letters are one byte each.
    text.chars()
        .map(|letter| if letter == '€' { 0x80 } else { letter as u32 as u8 })
        .collect()
}

#[test]
fn a_task_that_was_only_proposed_is_kept_by_the_training() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Export.csv"), export()).unwrap();
    let served = Served::open(folder.path());
    let sheet = link(&served, "sheets", "Export.csv");
    let page = served.page(&format!("{sheet}/train"));
    assert!(page.contains("Termin geliefert"), "{page}");
    // Both commands, since a terminal needs the profile first.
    let shown = between(&page, "<pre><code>", "</code></pre>").unwrap();
    let lines: Vec<&str> = shown.lines().skip(1).collect();
    assert!(
        lines[0].starts_with("recant inspect Export.csv --write-profile Export.recant.toml"),
        "{shown}"
    );
    assert!(lines[1].starts_with("recant train Export.csv"), "{shown}");
    assert!(!folder.path().join("Export.recant.toml").exists(), "looking keeps nothing");
    let fields = [("out", "m"), ("network", "1x4"), ("epochs", "2")];
    done(&served, &served.send(&format!("{sheet}/train"), &fields));
    let kept = fs::read_to_string(folder.path().join("Export.recant.toml")).unwrap();
    assert!(kept.contains("Termin geliefert"), "{kept}");
    // Kept, it is a profile like any other.
    let page = served.page(&format!("{sheet}/train"));
    assert_eq!(between(&page, "<pre><code>", "</code></pre>").unwrap().lines().count(), 2, "{page}");
}

#[test]
fn a_sheet_of_which_nothing_can_be_predicted_is_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..50).map(|row| format!("{row},{}\n", row * 3 % 7)).collect();
    fs::write(folder.path().join("t.csv"), format!("a,b\n{rows}")).unwrap();
    let served = Served::open(folder.path());
    let sheet = link(&served, "sheets", "t.csv");
    let answer = served.send(&format!("{sheet}/train"), &[("out", "m")]);
    assert!(answer.status == 422 && answer.body.contains("page Task"), "{}", answer.body);
    assert!(!folder.path().join("t.recant.toml").exists());
}

#[test]
fn keeping_the_task_leads_on_to_the_training() {
    let folder = folder();
    let served = Served::open(folder.path());
    let sheet = link(&served, "sheets", "corrupted.csv");
    let form = [
        ("actual", "Days for shipping (real)"),
        ("planned", "Days for shipment (scheduled)"),
        ("then", "train"),
    ];
    let kept = served.send(&format!("{sheet}/task"), &form);
    assert_eq!(kept.header("location"), Some(format!("{sheet}/train").as_str()), "{}", kept.body);
    let kept = served.send(&format!("{sheet}/task"), &form[..2]);
    assert_eq!(kept.header("location"), Some(format!("{sheet}/task").as_str()), "{}", kept.body);
}

#[test]
fn what_the_work_wrote_is_apart_from_the_sheets_and_can_be_downloaded() {
    let folder = folder();
    let served = Served::open(folder.path());
    let (week, model) = (link(&served, "sheets", "week.csv"), link(&served, "models", "model"));
    let id = model.rsplit('/').next().unwrap();
    let predicted = done(
        &served,
        &served.send(&format!("{week}/predict"), &[("model", id), ("out", "next.csv")]),
    );
    let page = served.page(&predicted);
    assert!(page.contains(&format!("class=\"button\" href=\"{predicted}/file\"")), "{page}");
    assert!(!page.contains("Next: what is to be predicted"), "{page}");
    let file = served.get(&format!("{predicted}/file"), &[]);
    assert!(file.body.contains("probability of late"), "{}", file.body);
    let home = served.page("/");
    let (sheets, lists) = home.split_once("Predictions and lists").unwrap();
    assert!(!sheets.contains(">next.csv<") && lists.contains(">next.csv<"), "{home}");
    let next = served.page(&model);
    let next = between(&next, "Predict a sheet: ", "</li>").unwrap();
    assert!(next.contains(">week.csv<") && !next.contains(">next.csv<"), "{next}");
}
