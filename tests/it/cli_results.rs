//! What commands leave behind: reports rebuilt from records, and what is said where no repair is recommended.

use std::fs;

use super::program::{json, recant, text, trial, works};

#[test]
fn a_report_is_rebuilt_from_a_trained_model_and_from_its_record() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let first = json(at, &["report", "model", "--out", &out("first")]);
    assert_eq!(first["kind"], "training");
    json(at, &["report", "model/training.json", "--out", &out("second")]);
    // The record under another name: what it is, it tells itself.
    fs::copy(at.join("model/training.json"), folder.path().join("kept.json")).unwrap();
    let third = json(folder.path(), &["report", "kept.json", "--out", "third"]);
    assert_eq!(third["kind"], "training");
    let page = |name: &str| fs::read_to_string(folder.path().join(name).join("report.html")).unwrap();
    assert_eq!(page("first"), page("second"));
    assert_eq!(page("first"), page("third"));
    // But for the seconds that training took, which no record holds, it is the page that training wrote.
    let written = fs::read_to_string(at.join("model/report/report.html")).unwrap();
    let title = |page: &str| page.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap().to_owned();
    assert_eq!(title(&page("first")), title(&written));
    for name in fs::read_dir(at.join("model/report/plots")).unwrap() {
        let name = name.unwrap().file_name();
        assert_eq!(
            fs::read(folder.path().join("first/plots").join(&name)).unwrap(),
            fs::read(at.join("model/report/plots").join(&name)).unwrap(),
            "{name:?}"
        );
    }
    let again = recant(at, &["report", "model", "--out", &out("first")]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again).contains("already exists"), "{}", text(&again));
}

#[test]
fn a_report_is_rebuilt_from_the_record_of_a_repair() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let repaired = folder.path().join("repaired");
    let shown = repaired.to_str().unwrap();
    // Some validation rows are flagged: their labels count for nothing, and the record's tables leave them out.
    let header = "Order Item Id";
    let sheet = recant::tables::read(&at.join("trial/corrupted.csv"), &Default::default(), &mut Default::default()).unwrap();
    let keys: Vec<String> = (0..sheet.height())
        .step_by(3)
        .map(|row| sheet.cell(row, header).unwrap().unwrap())
        .collect();
    let wrong = folder.path().join("wrong.csv");
    fs::write(&wrong, format!("{header}\n{}\n", keys.join("\n"))).unwrap();
    let (wrong, sheet) = (wrong.to_str().unwrap(), "trial/corrupted.csv");
    let record = json(
        at,
        &[
            "repair", "--model", "model", "--flags", wrong, "--data", sheet, "--method", "all", "--out", shown,
        ],
    );
    let model: serde_json::Value = serde_json::from_slice(&fs::read(at.join("model/model.json")).unwrap()).unwrap();
    let (judged, all) = (&record["methods"][0]["validation"]["rows"], &model["validation"]["rows"]);
    assert!(judged.as_u64().unwrap() < all.as_u64().unwrap(), "{judged} of {all}");
    for (name, run) in [("a", "repaired"), ("b", "repaired/report"), ("c", "repaired/report/record.json")] {
        let value = json(folder.path(), &["report", run, "--out", name]);
        assert_eq!(value["kind"], "repair");
        for file in ["report.html", "report.xlsx"] {
            assert_eq!(
                fs::read(folder.path().join(name).join(file)).unwrap(),
                fs::read(repaired.join("report").join(file)).unwrap(),
                "{run}, {file}"
            );
        }
    }
}

#[test]
fn a_batch_of_scenarios_is_pointed_to_its_own_report() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("run")).unwrap();
    fs::write(folder.path().join("run/settings.json"), "{}").unwrap();
    let output = recant(folder.path(), &["report", "run", "--out", "out"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("recant scenarios report run"), "{}", text(&output));
}

/// A significance that nothing reaches: no method can be recommended.
const OUT_OF_REACH: [&str; 2] = ["--minimum-effect", "99%"];

#[test]
fn where_all_recommends_nothing_the_written_model_is_said_not_to_be_recommended() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("repaired");
    let shown = out.to_str().unwrap();
    let repair = [
        "repair",
        "--model",
        "model",
        "--flags",
        "trial/flags.csv",
        "--data",
        "trial/corrupted.csv",
        "--method",
        "all",
    ];
    let record = json(at, &[&repair[..], &OUT_OF_REACH, &["--out", shown]].concat());
    assert_eq!(record["recommendation"]["method"], serde_json::Value::Null);
    assert_eq!(record["written"]["method"], "assd");
    assert_eq!(record["written"]["recommended"], false);
    let noted = |value: &serde_json::Value| {
        value["notes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|note| note["code"] == "not-recommended")
    };
    assert!(noted(&record), "{}", record["notes"]);
    let page = fs::read_to_string(out.join("report/report.html")).unwrap();
    assert!(page.contains("it is not recommended"));
    assert!(fs::read_to_string(out.join("MODEL_CARD.md")).unwrap().contains("not recommended"));
    // Whoever uses the model all the same is told every time.
    let predictions = folder.path().join("p.csv");
    let predicted = json(
        at,
        &["predict", "week.csv", "--model", shown, "--out", predictions.to_str().unwrap()],
    );
    assert!(noted(&predicted), "{}", predicted["notes"]);
    let terminal = folder.path().join("terminal");
    let said = text(&works(
        at,
        &[&repair[..], &OUT_OF_REACH, &["--out", terminal.to_str().unwrap()]].concat(),
    ));
    let on_one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(on_one_line.contains("(by assd, not recommended)"), "{said}");
    assert!(
        said.contains("--model model --out predictions.xlsx"),
        "the next step is with the old model: {said}"
    );
}

#[test]
fn one_method_asked_for_by_name_is_written_without_ado() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("repaired");
    let shown = out.to_str().unwrap();
    let asked = [
        "repair",
        "--model",
        "model",
        "--flags",
        "trial/flags.csv",
        "--method",
        "assd",
        "--out",
        shown,
    ];
    let record = json(at, &asked);
    assert_eq!(record["written"]["method"], "assd");
    assert!(!record["notes"].to_string().contains("not-recommended"));
    // Without validation rows there was nothing to recommend by, and no later warning.
    let predictions = folder.path().join("p.csv");
    let predicted = json(
        at,
        &["predict", "week.csv", "--model", shown, "--out", predictions.to_str().unwrap()],
    );
    assert!(!predicted["notes"].to_string().contains("not-recommended"));
}

#[test]
fn an_inspection_tells_times_of_day_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..40)
        .map(|row| format!("{row},1/{}/2015 {}:00,{}\n", row % 28 + 1, row % 20 + 2, ["a", "b"][row % 2]))
        .collect();
    fs::write(folder.path().join("orders.csv"), format!("id,ordered,label\n{rows}")).unwrap();
    let said = text(&works(
        folder.path(),
        &["inspect", "orders.csv", "--label", "label", "--time", "ordered"],
    ));
    assert!(said.contains("2015-01-01 02:00 to 2015-01-28"), "{said}");
}

#[test]
fn training_compares_with_boosted_trees_that_need_two_columns_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // Late where both numbers are on one side of zero: neither column tells anything alone.
    let mut rows = String::from("Order,Booked on,Slack,Load,Outcome\n");
    let mut state = 1_u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as i64 % 2_001 - 1_000
    };
    for row in 0..1_500 {
        let (slack, load) = (draw(), draw());
        let label = if (slack > 0) == (load > 0) { "late" } else { "on time" };
        let day = format!("2025-{:02}-{:02}", 1 + row / 150, 1 + row % 28);
        rows += &format!("A{row:05},{day},{slack},{load},{label}\n");
    }
    fs::write(folder.path().join("orders.csv"), rows).unwrap();
    let train = |out: &str, more: &[&str]| {
        let words = ["train", "orders.csv", "--label", "Outcome", "--out", out];
        json(folder.path(), &[&words, more].concat())
    };
    let found = train("standard", &[]);
    let names = |found: &serde_json::Value| -> Vec<String> {
        let all = found["baselines"].as_array().unwrap();
        all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&found), ["majority", "lookup", "logistic-regression", "boosted-trees"]);
    let right = |place: usize| found["baselines"][place]["test"]["accuracy"].as_f64().unwrap();
    assert!(right(2) < 0.65, "logistic regression: {}", right(2));
    assert!(right(3) > 0.9, "boosted trees: {}", right(3));
    // The difference is the model's accuracy minus theirs.
    let own = found["test"]["accuracy"].as_f64().unwrap();
    let told = found["baselines"][3]["difference"]["estimate"].as_f64().unwrap();
    assert!((told - (own - right(3))).abs() < 1e-9);
    // The recipe of the paper is for runs like the paper's, which has no trees.
    let found = train("paper", &["--recipe", "paper"]);
    assert_eq!(names(&found), ["majority", "lookup", "logistic-regression"]);
}
