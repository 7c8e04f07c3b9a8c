//! Sheets that no built-in profile knows, and what a person sees of what was made.

use std::fs;

use super::http::{Served, between, commands};
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

/// A folder with the export in it, served, and the page of the sheet.
fn with_export() -> (tempfile::TempDir, Served, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Export.csv"), export()).unwrap();
    let served = Served::open(folder.path());
    let sheet = link(&served, "sheets", "Export.csv");
    (folder, served, sheet)
}

#[test]
fn a_task_that_was_only_proposed_is_kept_by_the_training() {
    let (folder, served, sheet) = with_export();
    let page = served.page(&format!("{sheet}/train"));
    assert!(page.contains("Termin geliefert"), "{page}");
    // Both commands, since a terminal needs the profile first.
    let shown = commands(&page).unwrap();
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
    assert_eq!(commands(&page).unwrap().lines().count(), 2, "{page}");
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

#[test]
fn what_recant_wrote_elsewhere_is_apart_too_and_offered_where_it_belongs() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("seen.csv"), "predicted,warning,Order Id,probability of late\nlate,,1,0.9\n").unwrap();
    fs::write(at.join("mine.csv"), "predicted,Order Id\nlate,1\n").unwrap();
    let served = Served::open(at);
    let home = served.page("/");
    let (sheets, lists) = home.split_once("Predictions and lists").unwrap();
    for (name, own) in [("seen.csv", false), ("flags.csv", false), ("mine.csv", true), ("week.csv", true)] {
        let name = format!(">{name}<");
        assert_eq!((sheets.contains(&name), lists.contains(&name)), (own, !own), "{name}");
    }
    let model = link(&served, "models", "model");
    for page in ["", "/predict", "/repair"].map(|page| served.page(&format!("{model}{page}"))) {
        assert!(
            page.contains(">week.csv<") && !page.contains(">seen.csv<") && !page.contains(">flags.csv<"),
            "{page}"
        );
    }
    // Wrong rows are named by lists, not by predictions.
    let page = served.page(&format!("{model}/wrong"));
    assert!(
        page.contains(">flags.csv<") && page.contains(">mine.csv<") && !page.contains(">seen.csv<"),
        "{page}"
    );
}

#[test]
fn a_sheet_dropped_on_the_page_of_a_model_is_predicted_next() {
    let folder = folder();
    let served = Served::open(folder.path());
    let (week, model) = (link(&served, "sheets", "week.csv"), link(&served, "models", "model"));
    let id = |link: &str| link.rsplit('/').next().unwrap().to_owned();
    let page = served.page(&format!("{model}/predict"));
    assert!(page.contains(&format!("name=\"then\" value=\"{model}/predict\"")), "{page}");
    let arrived = served.get(&format!("{model}/predict?file={}", id(&week)), &[]);
    let place = format!("{week}/predict?model={}", id(&model));
    assert_eq!(arrived.header("location"), Some(place.as_str()), "{}", arrived.body);
}

#[test]
fn an_exported_list_brings_back_what_was_decided() {
    let folder = folder();
    let served = Served::open(folder.path());
    let model = link(&served, "models", "model");
    for fields in [
        &[("one", "wrong:2"), ("label-2", "late")][..],
        &[("ticked", "right"), ("row", "3"), ("row", "4")],
        &[("one", "open:5")],
    ] {
        assert_eq!(served.send(&format!("{model}/decide"), fields).status, 303);
    }
    for kind in ["csv", "xlsx"] {
        served.send(&format!("{model}/export"), &[("as", kind)]);
        let name = format!("model-wrong-rows.{kind}");
        // Another folder, where nothing was decided yet.
        let other = self::folder();
        fs::copy(folder.path().join(&name), other.path().join(&name)).unwrap();
        let served = Served::open(other.path());
        let file = link(&served, "sheets", &name).rsplit('/').next().unwrap().to_owned();
        let taken = served.send(&format!("{model}/import"), &[("file", &file), ("how", "flags")]);
        assert_eq!(taken.header("location"), Some(format!("{model}/wrong").as_str()), "{}", taken.body);
        for (stands, rows) in [("wrong", &[2][..]), ("right", &[3, 4]), ("open", &[5])] {
            let page = served.page(&format!("{model}/wrong?stands={stands}"));
            let shown = (2..6).filter(|row| page.contains(&format!("data-row=\"{row}\"")));
            assert_eq!(shown.collect::<Vec<_>>(), rows, "{kind}, {stands}");
            if stands == "wrong" {
                let own = between(&page, "name=\"label-2\"", "</select>").unwrap();
                assert!(own.contains("value=\"late\" selected"), "{own}");
            }
        }
    }
}

#[test]
fn the_classes_of_a_difference_are_cut_by_the_form() {
    let (folder, served, sheet) = with_export();
    let page = served.page(&format!("{sheet}/task"));
    assert!(
        page.contains("name=\"class-2\" value=\"late\"") && page.contains("name=\"class-3\""),
        "{page}"
    );
    let pair = [("actual", "Termin geliefert"), ("planned", "Termin geplant")];
    let lines = |lines: &'static [(&'static str, &'static str)]| [&pair[..], lines].concat();
    // The new class comes last on the form, and third by its end.
    let stated = lines(&[
        ("class-0", "early"),
        ("end-0", "below"),
        ("cut-0", "0"),
        ("class-1", "on time"),
        ("end-1", "up-to"),
        ("cut-1", "0"),
        ("class-2", "very late"),
        ("end-2", "rest"),
        ("cut-2", ""),
        ("class-3", "late"),
        ("end-3", "up-to"),
        ("cut-3", "1,5"),
    ]);
    let kept = served.send(&format!("{sheet}/task"), &stated);
    assert_eq!(kept.status, 303, "{}", kept.body);
    let toml = fs::read_to_string(folder.path().join("Export.recant.toml")).unwrap();
    let label = recant::features::Profile::from_toml(&toml).unwrap().label;
    let cuts = label.cuts().unwrap();
    let names: Vec<&str> = cuts.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["early", "on time", "late", "very late"]);
    assert_eq!(cuts[2].1, recant::features::Bound::UpTo(1.5));
    assert!(served.page(&format!("{sheet}/task")).contains("very late"));
    for wrong in [
        lines(&[
            ("class-0", "early"),
            ("end-0", "below"),
            ("cut-0", "soon"),
            ("class-1", "late"),
            ("end-1", "rest"),
        ]),
        lines(&[
            ("class-0", "early"),
            ("end-0", "below"),
            ("cut-0", "0"),
            ("class-1", "early"),
            ("end-1", "rest"),
        ]),
        lines(&[("class-0", "early"), ("end-0", "below"), ("cut-0", "0")]),
    ] {
        assert_eq!(served.send(&format!("{sheet}/task"), &wrong).status, 422, "{wrong:?}");
    }
}
