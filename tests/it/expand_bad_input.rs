//! Flags and sheets that say little or contradict themselves, through `recant expand` and `recant repair --expand`: what is refused, what goes
//! on, and what is said about it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use recant::notes::Notes;
use recant::tables::{ReadOptions, Table, read};

use super::program::{json, recant, text, works};

#[track_caller]
fn run(at: &Path, line: &str) {
    works(at, &line.split(' ').collect::<Vec<_>>());
}

#[track_caller]
fn refused(at: &Path, line: &str, words: &[&str]) {
    let output = recant(at, &line.split(' ').collect::<Vec<_>>());
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{line}\n{said}");
    assert!(
        words.iter().all(|word| said.contains(word)) && said.contains("hint:"),
        "{line}\n{said}"
    );
}

fn sheet(path: &Path) -> Table {
    read(path, &ReadOptions::default(), &mut Notes::new()).unwrap()
}

/// A sheet of 1,500 made-up orders with a model, `orders.csv` and `model/`.
fn orders(at: &Path) {
    run(at, "generate --rows 1500 --complete-share 100% --signal 3 --out orders.csv --quiet");
    run(at, "train orders.csv --profile dataco --network 16 --epochs 3 --out model --quiet");
}

#[test]
fn no_flag_contradicting_flags_and_too_many_flags_are_refused_and_one_flag_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    orders(at);
    let all = sheet(&at.join("orders.csv"));
    let key = |row: usize| all.cell(row, "Order Item Id").unwrap().unwrap();
    let flags = |name: &str, rows: &[(usize, &str)]| {
        let mut lines = "Order Item Id,is_label_issue\n".to_owned();
        rows.iter().for_each(|(row, tick)| writeln!(lines, "{},{tick}", key(*row)).unwrap());
        fs::write(at.join(name), lines).unwrap();
    };
    flags("none.csv", &[(0, "FALSE"), (1, "FALSE")]);
    fs::write(at.join("empty.csv"), "Order Item Id\n").unwrap();
    flags("both.csv", &[(0, "TRUE"), (0, "FALSE")]);
    flags("most.csv", &(0..900).map(|row| (row, "TRUE")).collect::<Vec<_>>());
    for (file, words) in [
        ("none.csv", "no row is flagged"),
        ("empty.csv", "no row is flagged"),
        ("both.csv", "both.csv"),
        ("most.csv", "more than half"),
    ] {
        refused(
            at,
            &format!("expand orders.csv --model model --flags {file} --out out.csv"),
            &[words],
        );
        let repair = format!("repair --model model --flags {file} --expand --data orders.csv --method finetune --out repaired");
        refused(at, &repair, &[words]);
        assert!(!at.join("out.csv").exists() && !at.join("repaired").exists());
    }
    // One flagged row: nothing is proposed, that is said, and the repair goes on with it alone.
    flags("one.csv", &[(3, "TRUE")]);
    let repair = "repair --model model --flags one.csv --expand --data orders.csv --method finetune --out repaired-one";
    let repaired = json(at, &repair.split(' ').collect::<Vec<_>>());
    assert!(
        repaired["expansion"]["sentence"]
            .as_str()
            .unwrap()
            .contains("at least 3 are needed")
    );
    assert!(repaired["expansion"]["rows"].as_array().unwrap().is_empty());
    assert_eq!(repaired["flagged_rows"].as_array().unwrap().len(), 1);
}

/// All flags on rows of one class at random: that they share a class is what slips of one kind look like, and no pattern.
#[test]
fn flags_all_in_one_class_without_anything_else_in_common_are_no_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    orders(at);
    let inject = [
        "inject",
        "orders.csv",
        "--profile",
        "dataco",
        "--kind",
        "confusion:late,on time",
        "--rate",
        "6%",
        "--out",
        "trial",
    ];
    works(at, &inject);
    run(
        at,
        "train trial/corrupted.csv --profile dataco --network 16 --epochs 3 --out model-trial --quiet",
    );
    let flags = sheet(&at.join("trial/flags.csv"));
    let given = flags.texts("given_label").unwrap();
    let one_class: Vec<usize> = (0..flags.height()).filter(|row| given.get(*row) == Some("on time")).collect();
    assert!(one_class.len() > 15);
    flags.take(&one_class).write(&at.join("one-class.csv"), &mut Notes::new()).unwrap();
    let line = "expand trial/corrupted.csv --model model-trial --flags one-class.csv --out out.csv";
    let found = json(at, &line.split(' ').collect::<Vec<_>>());
    assert_eq!(
        (found["verdict"].as_str(), found["pattern"].as_u64()),
        (Some("independent-slips"), Some(0)),
        "{found}"
    );
}

#[test]
fn a_sheet_of_fifty_rows_is_too_small_to_say_much_and_that_is_what_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, "generate --rows 50 --complete-share 100% --out fifty.csv --quiet");
    run(at, "train fifty.csv --profile dataco --network 8 --epochs 3 --out model --quiet");
    let all = sheet(&at.join("fifty.csv"));
    for count in [1, 3, 10] {
        let flags = all.take(&(0..count).map(|row| row * 3).collect::<Vec<_>>());
        flags
            .select(&["Order Item Id"])
            .unwrap()
            .write(&at.join("flags.csv"), &mut Notes::new())
            .unwrap();
        let line = "expand fifty.csv --model model --flags flags.csv --out out.csv --force";
        let found = json(at, &line.split(' ').collect::<Vec<_>>());
        assert!(found["pattern"].as_u64().unwrap() <= 3, "{found}");
        let expected = if count < 3 { "too-few-flags" } else { "independent-slips" };
        assert_eq!(found["verdict"], expected, "{found}");
        assert_eq!(
            sheet(&at.join("out.csv")).texts("kind").unwrap().codes.len() as u64,
            count as u64 + found["contradictions"].as_u64().unwrap()
        );
    }
}

/// The label depends on the lane; the errors sit in one depot. A clerk's code of 10,000 values repeats just often enough to be looked at.
#[test]
fn a_column_of_ten_thousand_categories_neither_breaks_the_search_nor_wins_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let rows = 26_000_u64;
    let scatter = |row: u64, salt: u64| {
        (row + salt)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29)
            .wrapping_mul(0xD6E8_FEB8_6659_FD93)
            >> 33
    };
    let mut lines = "id,ordered,clerk,depot,lane,late\n".to_owned();
    let mut flags = "id\n".to_owned();
    for row in 0..rows {
        let depot = ["Kiel", "Bonn", "Ulm", "Jena", "Hof"][(scatter(row, 1) % 5) as usize];
        let lane = ["north", "south", "east", "west"][(scatter(row, 2) % 4) as usize];
        let chance = scatter(row, 3) % 10;
        let late = if matches!(lane, "north" | "east") { chance < 9 } else { chance < 1 };
        let train = row < rows * 7 / 10;
        let wrong = train && late && depot == "Ulm" && lane == "north";
        if wrong && scatter(row, 4) % 10 == 0 {
            writeln!(flags, "R{row}").unwrap();
        }
        let said = if late && !wrong { "yes" } else { "no" };
        let day = row * 360 / rows;
        writeln!(
            lines,
            "R{row},2018-{:02}-{:02},c{:05},{depot},{lane},{said}",
            day / 30 + 1,
            day % 30 + 1,
            scatter(row, 5) % 10_000
        )
        .unwrap();
    }
    fs::write(at.join("sheet.csv"), lines).unwrap();
    fs::write(at.join("flags.csv"), flags).unwrap();
    run(
        at,
        "train sheet.csv --label late --time ordered --key id --network 8 --epochs 4 --out model --quiet",
    );
    let found = json(
        at,
        &"expand sheet.csv --model model --flags flags.csv --out out.csv"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    assert_eq!(found["verdict"], "pattern", "{found}");
    let rule = found["rules"][0]["conditions"].as_str().unwrap();
    assert!(
        rule.contains("`depot` = Ulm") && rule.contains("`lane` = north") && !rule.contains("clerk"),
        "{rule}"
    );
    assert!(found["columns_used"].as_array().unwrap().iter().any(|name| name == "clerk"));
    // Nine in ten rows of that depot and lane are wrong.
    let (rule_rows, proposed) = (
        found["rules"][0]["region_rows"].as_u64().unwrap(),
        found["pattern"].as_u64().unwrap(),
    );
    assert!(proposed * 10 > rule_rows * 7 && proposed < rule_rows, "{proposed} of {rule_rows}");
}

/// The validation tail holds the same errors as the training rows: judged by its plain labels a repair loses, and `auto` takes one all the same.
#[test]
fn auto_takes_a_repair_that_a_corrupted_tail_speaks_against() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, "generate --rows 5000 --complete-share 100% --signal 3 --out orders.csv --quiet");
    let lane = "segment:Market = LATAM: late -> on time";
    works(
        at,
        &[
            "inject",
            "orders.csv",
            "--profile",
            "dataco",
            "--kind",
            lane,
            "--known",
            "30%",
            "--out",
            "trial",
        ],
    );
    run(
        at,
        "train trial/corrupted.csv --profile dataco --network 24 --epochs 8 --out model --quiet",
    );
    let line = "repair --model model --flags trial/flags.csv --expand --data trial/corrupted.csv --affected trial/truth/affected-rows.csv --method auto --out repaired";
    let record = json(at, &line.split(' ').collect::<Vec<_>>());
    let chosen = record["chosen"].as_str().unwrap();
    assert_ne!(chosen, "none", "{}", record["recommendation"]);
    let (before, after) = (
        record["affected"]["before"].as_f64().unwrap(),
        record["affected"]["after"][chosen].as_f64().unwrap(),
    );
    assert!(after > before + 0.4, "{chosen}: {before} to {after}");
    // Rows of the lane judge nothing: the tail's labels are as wrong as those of the training rows.
    let warned = record["notes"]
        .as_array()
        .unwrap()
        .iter()
        .any(|note| note["code"] == "judges-under-suspicion");
    assert!(warned, "{}", record["notes"]);
}
