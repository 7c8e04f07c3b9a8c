//! `recant expand`, `recant suspects` and `recant repair --expand` as a person runs them.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use recant::tables::{ReadOptions, read};
use serde_json::Value;

fn recant(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recant"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.output().expect("the program starts")
}

#[track_caller]
fn works(folder: &Path, arguments: &[&str]) -> String {
    let output = recant(folder, arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "recant {}\n{text}", arguments.join(" "));
    text
}

#[track_caller]
fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = recant(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn refuses(folder: &Path, arguments: &[&str], words: &str) {
    let output = recant(folder, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(words) && text.contains("hint:"), "{text}");
}

const LANE: &str = "segment:Market = LATAM and \"Shipping Mode\" = \"Standard Class\": late -> on time";

/// `trial/` with 20 % of a lane's wrong rows flagged, `model/` trained on the corrupted sheet.
fn trial() -> &'static Path {
    static TRIAL: OnceLock<tempfile::TempDir> = OnceLock::new();
    TRIAL
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path();
            let generate = "generate --rows 6000 --complete-share 100% --signal 3 --out orders.csv";
            works(at, &generate.split(' ').collect::<Vec<_>>());
            works(
                at,
                &[
                    "inject",
                    "orders.csv",
                    "--profile",
                    "dataco",
                    "--kind",
                    LANE,
                    "--known",
                    "20%",
                    "--out",
                    "trial",
                ],
            );
            let train = "train trial/corrupted.csv --profile dataco --network 32 --epochs 6 --out model";
            works(at, &train.split(' ').collect::<Vec<_>>());
            folder
        })
        .path()
}

#[test]
fn the_rule_is_told_and_repair_takes_the_file_that_expand_writes() {
    let at = trial();
    let expand = [
        "expand",
        "trial/corrupted.csv",
        "--model",
        "model",
        "--flags",
        "trial/flags.csv",
        "--key",
        "Order Item Id",
    ];
    let text = works(at, &[&expand[..], &["--out", "proposals.xlsx"]].concat());
    assert!(
        text.contains("Shipping Mode` = Standard Class") && text.contains("recorded on time"),
        "{text}"
    );
    let found = json(at, &[&expand[..], &["--out", "proposals.csv"]].concat());
    assert_eq!(found["verdict"], "pattern");
    let proposed = found["pattern"].as_u64().unwrap();
    let flagged = found["flagged"].as_u64().unwrap();
    assert!(proposed > flagged, "{found}");
    // Both files say the same, and list every flagged row.
    let mut notes = recant::notes::Notes::new();
    let csv = read(&at.join("proposals.csv"), &ReadOptions::default(), &mut notes).unwrap();
    let xlsx = read(&at.join("proposals.xlsx"), &ReadOptions::default(), &mut notes).unwrap();
    assert_eq!(csv.names(), xlsx.names());
    let kinds = csv.texts("kind").unwrap();
    assert_eq!(kinds, xlsx.texts("kind").unwrap());
    let ticked = csv.texts("is_label_issue").unwrap();
    let count = |kind: &str| (0..csv.height()).filter(|row| kinds.get(*row) == Some(kind)).count() as u64;
    assert_eq!((count("flagged"), count("pattern")), (flagged, proposed));
    for row in 0..csv.height() {
        assert_eq!(
            ticked.get(row) == Some("TRUE"),
            matches!(kinds.get(row), Some("flagged" | "pattern"))
        );
    }
    // Same seed, same bytes, whatever the number of threads.
    works(at, &[&expand[..], &["--out", "again.csv", "--threads", "1"]].concat());
    assert_eq!(
        std::fs::read(at.join("proposals.csv")).unwrap(),
        std::fs::read(at.join("again.csv")).unwrap()
    );
    for file in ["proposals.csv", "proposals.xlsx"] {
        let out = format!("repaired-{file}");
        let repair = [
            "repair",
            "--model",
            "model",
            "--flags",
            file,
            "--data",
            "trial/corrupted.csv",
            "--method",
            "finetune",
            "--correct-column",
            "likeliest_label",
            "--out",
            &out,
        ];
        let repaired = json(at, &repair);
        let used = repaired["flags"]["used"].as_u64();
        assert_eq!(used, Some(flagged + proposed), "{}", repaired["flags"]);
        let told = proposed + found["explained"].as_u64().unwrap();
        assert_eq!(repaired["flags"]["with_correction"].as_u64(), Some(told), "{}", repaired["flags"]);
    }
    // A file ticked at random comes to the same as `--expand` in one go.
    works(at, &[&expand[..], &["--tick-doubtful", "--out", "drawn.csv"]].concat());
    let run = |line: &str| json(at, &line.split(' ').collect::<Vec<_>>());
    let ticked =
        run("repair --model model --flags drawn.csv --correct-column likeliest_label --data trial/corrupted.csv --method cf --out ticked");
    let at_once = run("repair --model model --flags trial/flags.csv --expand --data trial/corrupted.csv --method cf --out at-once");
    // By the recorded labels of all test rows: which of them are under suspicion depends on which rows were flagged.
    let accuracy = |record: &serde_json::Value, when: &str| {
        let method = &record["methods"][0];
        let judged = method.get("test_as_recorded").filter(|recorded| recorded.is_object());
        judged.unwrap_or(&method["test"])[when]["accuracy"]["estimate"].as_f64().unwrap()
    };
    assert_eq!(accuracy(&ticked, "after"), accuracy(&at_once, "after"));
    assert_ne!(accuracy(&ticked, "after"), accuracy(&ticked, "before"));
    let taken = at_once["expansion"]["rows"].as_array().unwrap().len() as u64;
    assert_eq!(ticked["flags"]["used"].as_u64(), Some(flagged + taken));
    assert_eq!(at_once["expansion"]["proposed"].as_u64(), Some(proposed));
}

#[test]
fn repair_expands_in_one_go_and_reports_flagged_and_proposed_rows_apart() {
    let at = trial();
    let repair = [
        "repair",
        "--model",
        "model",
        "--flags",
        "trial/flags.csv",
        "--expand",
        "--data",
        "trial/corrupted.csv",
        "--method",
        "finetune",
        "--out",
        "repaired-at-once",
    ];
    let repaired = json(at, &repair);
    let expansion = &repaired["expansion"];
    assert!(
        expansion["sentence"].as_str().unwrap().contains("of the flagged rows"),
        "{expansion}"
    );
    let flagged = repaired["flags"]["used"].as_u64().unwrap() as usize;
    assert_eq!(repaired["flagged_rows"].as_array().unwrap().len(), flagged);
    let rows = expansion["rows"].as_array().unwrap();
    assert!(rows.len() > flagged && rows.iter().all(|row| row["correction"].is_string()));
    // The likeliest class of a flagged row is no correction that anybody gave.
    let of_flagged = repaired["flagged_rows"].as_array().unwrap();
    assert!(of_flagged.iter().all(|row| row["correction"].is_null()));
    let page = std::fs::read_to_string(at.join("repaired-at-once/report/report.html")).unwrap();
    assert!(page.contains("Rules that flagged rows follow") && page.contains("Standard Class"));
    let without = [&repair[..6], &["--method", "assd", "--out", "no-data"]].concat();
    refuses(at, &without, "needs the training sheet");
}

/// The words of a search for suspects in a trial.
fn suspects(out: &str) -> [&str; 8] {
    ["suspects", "trial/corrupted.csv", "--model", "model", "--folds", "2", "--out", out]
}

#[test]
fn suspects_are_ranked_worst_first_with_their_likeliest_label() {
    // Labels wrong at random; of an error of all rows of a kind nothing in the sheet tells.
    let at = crate::program::trial();
    let found = json(at, &suspects("ranked-suspects.csv"));
    let table = read(
        &at.join("ranked-suspects.csv"),
        &ReadOptions::default(),
        &mut recant::notes::Notes::new(),
    )
    .unwrap();
    assert_eq!(found["suspects"].as_u64(), Some(table.height() as u64));
    assert!(table.height() > 0);
    let mut notes = recant::notes::Notes::new();
    let scores = table.numbers("score", &mut notes).unwrap();
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]));
    // A chance is told for all rows or for none, and no more rows are ticked than are estimated to be wrong.
    let chances = table.numbers("chance_wrong", &mut notes).unwrap();
    let calibrated = found["estimate"] == "about";
    assert!(chances.iter().all(|chance| chance.is_some() == calibrated));
    let ticked = table.texts("is_label_issue").unwrap();
    let ticked = (0..table.height()).filter(|row| ticked.get(*row) == Some("TRUE")).count();
    assert_eq!(found["ticked"].as_u64(), Some(ticked as u64));
    assert!(ticked as f64 <= found["estimated_wrong"].as_f64().unwrap() + 1.0);
    let (given, likeliest) = (table.texts("given_label").unwrap(), table.texts("likeliest_label").unwrap());
    assert!((0..table.height()).all(|row| given.get(row) != likeliest.get(row) && likeliest.get(row).is_some()));
}

#[test]
fn where_nothing_contradicts_a_label_nothing_is_ticked_and_no_repair_is_proposed() {
    let at = trial();
    let said = works(at, &suspects("none.csv"));
    assert!(
        said.contains("Suspects     0 of") && said.contains("not known") && !said.contains("recant repair"),
        "{said}"
    );
}

#[test]
fn all_rows_are_ranked_where_that_is_wanted() {
    let at = trial();
    let found = json(at, &[&suspects("all.csv")[..], &["--all"]].concat());
    let table = read(&at.join("all.csv"), &ReadOptions::default(), &mut recant::notes::Notes::new()).unwrap();
    assert_eq!(found["training_rows"].as_u64(), Some(table.height() as u64));
    let kinds = table.texts("kind").unwrap();
    let suspects = (0..table.height()).filter(|row| kinds.get(*row) == Some("suspect")).count();
    assert_eq!(found["suspects"].as_u64(), Some(suspects as u64));
    assert!(suspects < table.height());
}

#[test]
fn what_cannot_be_done_is_refused_and_nothing_is_overwritten() {
    let at = trial();
    let expand =
        |flags: &'static str, out: &'static str| ["expand", "trial/corrupted.csv", "--model", "model", "--flags", flags, "--out", out];
    let before = std::fs::read(at.join("trial/corrupted.csv")).unwrap();
    refuses(at, &expand("trial/flags.csv", "trial/corrupted.csv"), "would be overwritten");
    refuses(at, &expand("trial/flags.csv", "trial/flags.csv"), "would be overwritten");
    assert_eq!(before, std::fs::read(at.join("trial/corrupted.csv")).unwrap());
    // Flags that contradict each other.
    let flags = read(
        &at.join("trial/flags.csv"),
        &ReadOptions::default(),
        &mut recant::notes::Notes::new(),
    )
    .unwrap();
    let key = flags.cell(0, "Order Item Id").unwrap().unwrap();
    std::fs::write(
        at.join("both.csv"),
        format!("Order Item Id,is_label_issue\n{key},TRUE\n{key},FALSE\n"),
    )
    .unwrap();
    let output = recant(at, &expand("both.csv", "both-out.csv"));
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!at.join("both-out.csv").exists());
    // One flagged row says nothing about others, and that is no error.
    std::fs::write(at.join("one.csv"), format!("Order Item Id\n{key}\n")).unwrap();
    let one = json(at, &expand("one.csv", "one-out.csv"));
    assert_eq!((one["verdict"].as_str(), one["pattern"].as_u64()), (Some("too-few-flags"), Some(0)));
    // More than half of the training rows.
    let all = read(
        &at.join("trial/corrupted.csv"),
        &ReadOptions::default(),
        &mut recant::notes::Notes::new(),
    )
    .unwrap();
    let rows: Vec<usize> = (0..all.height() * 3 / 5).collect();
    let most = all.take(&rows).select(&["Order Item Id"]).unwrap();
    most.write(&at.join("most.csv"), &mut recant::notes::Notes::new()).unwrap();
    refuses(at, &expand("most.csv", "most-out.csv"), "more than half");
}
