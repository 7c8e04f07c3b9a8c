//! `expand` and `suspects` for a sheet whose model Recant did not train.

use std::fs;
use std::path::Path;

use super::program::{json, recant, text};

/// 600 orders: late where the carrier is slow and the distance long; of one lane, six in ten late ones are recorded as on time. Beside the sheet lie
/// flags (every second wrong row) and probabilities that know the truth, the latter in another order.
fn job() -> (tempfile::TempDir, Vec<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut sheet, mut flags, mut said) = ("order,lane,carrier,distance,status\n".to_owned(), "order\n".to_owned(), Vec::new());
    let mut wrong = Vec::new();
    for row in 0..600_usize {
        let lane = ["north", "south", "west"][row % 3];
        let carrier = ["slow", "fast"][row / 3 % 2];
        let distance = (row * 37) % 200;
        let late = carrier == "slow" && distance > 60 || distance > 170;
        let recorded_wrong = late && lane == "west" && (row * 7) % 10 < 6;
        if recorded_wrong {
            wrong.push(row);
            if wrong.len() % 2 == 0 {
                flags += &format!("O-{row}\n");
            }
        }
        let status = if late && !recorded_wrong { "late" } else { "on time" };
        sheet += &format!("O-{row},{lane},{carrier},{distance},{status}\n");
        said.push(if recorded_wrong {
            format!("O-{row},0.05,0.95")
        } else if late {
            format!("O-{row},0.1,0.9")
        } else {
            format!("O-{row},0.9,0.1")
        });
    }
    said.reverse();
    fs::write(folder.path().join("train.csv"), sheet).unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx/scikit_two.onnx");
    fs::copy(model, folder.path().join("model.onnx")).unwrap();
    fs::write(folder.path().join("wrong.csv"), flags).unwrap();
    fs::write(
        folder.path().join("said.csv"),
        format!("order,On Time,probability of late\n{}\n", said.join("\n")),
    )
    .unwrap();
    (folder, wrong)
}

fn orders(at: &Path, file: &str) -> Vec<String> {
    let text = fs::read_to_string(at.join(file)).unwrap();
    let mut lines = text.lines();
    let place = lines.next().unwrap().split(',').position(|name| name == "order").unwrap();
    lines.map(|line| line.split(',').nth(place).unwrap().to_owned()).collect()
}

#[test]
fn suspects_by_somebodys_probabilities_are_the_rows_that_these_contradict() {
    let (folder, wrong) = job();
    let at = folder.path();
    let words = [
        "suspects",
        "train.csv",
        "--label",
        "status",
        "--key",
        "order",
        "--probabilities",
        "said.csv",
        "--out",
        "s.csv",
    ];
    let found = json(at, &words);
    assert_eq!(found["training_rows"], 600);
    let with_model = [
        &words[..8],
        &["--model", "model.onnx", "--classes", "late,on time", "--out", "m.csv"],
    ]
    .concat();
    let next = text(&recant(at, &with_model));
    assert!(
        next.contains("repair --model model.onnx --flags m.csv --data train.csv --label status --key order --classes \"late,on time\" --out repaired.onnx"),
        "{next}"
    );
    let mut listed = orders(at, "s.csv");
    listed.sort();
    let mut wanted: Vec<String> = wrong.iter().map(|row| format!("O-{row}")).collect();
    wanted.sort();
    assert_eq!(listed, wanted);
    // In row order, too: then the lines must be those of the sheet.
    let said = fs::read_to_string(at.join("said.csv")).unwrap();
    let mut lines: Vec<&str> = said.lines().skip(1).collect();
    lines.reverse();
    let plain: Vec<&str> = lines.iter().map(|line| line.split_once(',').unwrap().1).collect();
    fs::write(at.join("plain.csv"), format!("on time,late\n{}\n", plain.join("\n"))).unwrap();
    let words = [
        "suspects",
        "train.csv",
        "--label",
        "status",
        "--probabilities",
        "plain.csv",
        "--out",
        "plain-suspects.csv",
    ];
    assert_eq!(json(at, &words)["suspects"].as_u64().unwrap() as usize, wrong.len());
}

#[test]
fn expand_finds_the_lane_from_the_sheet_and_somebodys_probabilities() {
    let (folder, wrong) = job();
    let at = folder.path();
    let words = [
        "expand",
        "train.csv",
        "--label",
        "status",
        "--key",
        "order",
        "--flags",
        "wrong.csv",
        "--probabilities",
        "said.csv",
        "--out",
        "p.csv",
    ];
    let found = json(at, &words);
    assert_eq!(found["verdict"], "pattern", "{found}");
    assert!(found["rules"][0]["conditions"].as_str().unwrap().contains("west"), "{found}");
    let listed = orders(at, "p.csv");
    let hit = wrong.iter().filter(|row| listed.contains(&format!("O-{row}"))).count();
    assert!(hit * 10 >= wrong.len() * 8, "{hit} of {} wrong rows are listed", wrong.len());
}

#[test]
fn probabilities_that_are_none_are_refused_with_their_place() {
    let (folder, _) = job();
    let at = folder.path();
    let said = |file: &str| {
        let words = [
            "suspects",
            "train.csv",
            "--label",
            "status",
            "--key",
            "order",
            "--probabilities",
            file,
            "--out",
            "no.csv",
        ];
        let output = recant(at, &words);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(!at.join("no.csv").exists());
        text(&output)
    };
    let good = fs::read_to_string(at.join("said.csv")).unwrap();
    for (bad, wanted) in [
        (good.replace("O-17,0.9,0.1", "O-17,9,0.1"), "9 is no probability"),
        (good.replace("O-17,0.9,0.1", "O-17,0.5,0.1"), "sum to 0.600"),
        (good.replace("O-17,0.9,0.1\n", ""), "`O-17`"),
        (good.replace("O-17,", "O-18,"), "is there twice"),
        (good.replace("probability of late", "late or so"), "class `late`"),
    ] {
        fs::write(at.join("bad.csv"), bad).unwrap();
        let told = said("bad.csv");
        assert!(told.contains(wanted), "{told}");
    }
    let both = recant(
        at,
        &["suspects", "train.csv", "--model", "folder", "--label", "status", "--out", "no.csv"],
    );
    assert!(text(&both).contains("leave `--label` out"), "{}", text(&both));
    let neither = recant(at, &["suspects", "train.csv", "--out", "no.csv"]);
    assert_eq!(neither.status.code(), Some(2));
}
