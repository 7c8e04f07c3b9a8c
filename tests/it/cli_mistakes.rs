//! Mistakes on the command line.

use std::fs;

use super::program::{contents, copy, recant, text, trial};

#[test]
fn mistakes_get_exit_code_2_a_cause_and_write_nothing() {
    let at = trial();
    let broken = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = broken.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let empty = put("empty.csv", b"");
    let header = put("header.csv", b"a,b,c\n");
    let one_row = put("one.csv", b"key,x,label\n1,2,a\n");
    let one_class = put(
        "class.csv",
        format!("key,x,label\n{}", (0..60).map(|row| format!("{row},{row},a\n")).collect::<String>()).as_bytes(),
    );
    let unknown_keys = put("unknown.csv", b"Order Item Id\n99999999\n88888888\n");
    let no_column = put("nocolumn.csv", b"colour\nred\n");
    let bad_profile = put("bad.toml", b"name = \"x\"\n[lable]\nkind = \"column\"\n");
    let no_profile = put("broken.toml", b"= = =");
    let altered = broken.path().join("altered");
    copy(&at.join("model"), &altered);
    let mut weights = fs::read(altered.join("weights.safetensors")).unwrap();
    let middle = weights.len() / 2;
    weights[middle] ^= 1;
    fs::write(altered.join("weights.safetensors"), weights).unwrap();
    let short = broken.path().join("short");
    copy(&at.join("model"), &short);
    fs::write(short.join("features.json"), b"{").unwrap();
    let gone = broken.path().join("gone");
    copy(&at.join("model"), &gone);
    fs::remove_file(gone.join("rows.safetensors")).unwrap();
    let newer = broken.path().join("newer");
    copy(&at.join("model"), &newer);
    let info = fs::read_to_string(newer.join("model.json")).unwrap();
    fs::write(
        newer.join("model.json"),
        info.replace("\"format_version\": 1", "\"format_version\": 99"),
    )
    .unwrap();
    let [altered, short, gone, newer] = [altered, short, gone, newer].map(|path| path.to_str().unwrap().to_owned());
    let out = broken.path().join("out");
    let o = out.to_str().unwrap();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["train", "nowhere.csv", "--out", o], "nowhere.csv"),
        (vec!["train", &empty, "--out", o], "empty.csv"),
        (vec!["train", &header, "--out", o], "header.csv"),
        (vec!["train", &one_row, "--label", "label", "--out", o], "one.csv"),
        (vec!["train", &one_class, "--label", "label", "--out", o], "class"),
        (
            vec!["train", "orders.csv", "--label", "Delivery Statsu", "--out", o],
            "Delivery Status",
        ),
        (vec!["train", "orders.csv", "--time", "order dat", "--out", o], "order dat"),
        (vec!["train", "orders.csv", "--profile", "datacoo", "--out", o], "dataco"),
        (vec!["train", "orders.csv", "--profile", &bad_profile, "--out", o], "lable"),
        (vec!["train", "orders.csv", "--profile", &no_profile, "--out", o], "broken.toml"),
        (vec!["train", "orders.csv", "--network", "3xx", "--out", o], "3xx"),
        (vec!["train", "orders.csv", "--learning-rate", "-1", "--out", o], "learning rate"),
        (vec!["train", "orders.csv", "--learning-rate", "NaN", "--out", o], "learning rate"),
        (vec!["train", "orders.csv", "--batch", "0", "--out", o], "batch"),
        (vec!["train", "orders.csv", "--sheet", "Q1", "--out", o], "Q1"),
        (vec!["train", "orders.csv", "--delimiter", "ab", "--out", o], "ab"),
        (vec!["train", "orders.csv", "--encoding", "klingon", "--out", o], "klingon"),
        (vec!["train", "orders.csv", "--out", "model"], "already exists"),
        (vec!["train", "orders.csv", "--out", "orders.csv/model"], "orders.csv"),
        (vec!["inject", "orders.csv", "--kind", "unifrom", "--out", o], "uniform"),
        (
            vec![
                "inject",
                "orders.csv",
                "--kind",
                "segment:Markt = LATAM: late -> on time",
                "--out",
                o,
            ],
            "Market",
        ),
        (
            vec!["inject", "orders.csv", "--kind", "confusion:late,purple", "--out", o],
            "purple",
        ),
        (vec!["inject", "orders.csv", "--rate", "900%", "--out", o], "900%"),
        (vec!["inject", "orders.csv", "--rate", "nine", "--out", o], "nine"),
        (vec!["inject", "orders.csv", "--known", "2", "--out", o], "100%"),
        (
            vec!["repair", "--model", "nowhere", "--flags", "trial/flags.csv", "--out", o],
            "nowhere",
        ),
        (
            vec!["repair", "--model", "trial", "--flags", "trial/flags.csv", "--out", o],
            "trial",
        ),
        (
            vec!["repair", "--model", "model", "--flags", "nowhere.csv", "--out", o],
            "nowhere.csv",
        ),
        (vec!["repair", "--model", "model", "--flags", &empty, "--out", o], "empty.csv"),
        (
            vec!["repair", "--model", "model", "--flags", &unknown_keys, "--out", o],
            "unknown.csv",
        ),
        (
            vec!["repair", "--model", "model", "--flags", &no_column, "--out", o],
            "nocolumn.csv",
        ),
        (
            vec![
                "repair",
                "--model",
                "model",
                "--flags",
                "trial/flags.csv",
                "--key",
                "Ordr Item Id",
                "--out",
                o,
            ],
            "Order Item Id",
        ),
        (
            vec![
                "repair",
                "--model",
                "model",
                "--flags",
                "trial/flags.csv",
                "--method",
                "retrain",
                "--out",
                o,
            ],
            "--data",
        ),
        (
            vec![
                "repair",
                "--model",
                "model",
                "--flags",
                "trial/flags.csv",
                "--method",
                "magic",
                "--out",
                o,
            ],
            "assd",
        ),
        (
            vec![
                "repair",
                "--model",
                "model",
                "--flags",
                "trial/flags.csv",
                "--data",
                "week.csv",
                "--out",
                o,
            ],
            "week.csv",
        ),
        (
            vec![
                "repair",
                "--model",
                "model",
                "--flags",
                "trial/flags.csv",
                "--alpha",
                "0",
                "--method",
                "ssd",
                "--out",
                o,
            ],
            "alpha",
        ),
        (
            vec![
                "repair",
                "--model",
                "model",
                "--flags",
                "trial/flags.csv",
                "--test",
                &header,
                "--out",
                o,
            ],
            "header.csv",
        ),
        (
            vec!["repair", "--model", "model", "--flags", "trial/flags.csv", "--out", "model"],
            "already exists",
        ),
        (
            vec!["repair", "--model", &altered, "--flags", "trial/flags.csv", "--out", o],
            "weights.safetensors",
        ),
        (
            vec!["repair", "--model", &short, "--flags", "trial/flags.csv", "--out", o],
            "features.json",
        ),
        (
            vec!["repair", "--model", &gone, "--flags", "trial/flags.csv", "--out", o],
            "rows.safetensors",
        ),
        (vec!["predict", "week.csv", "--model", &newer, "--out", o], "99"),
        (vec!["predict", "week.csv", "--model", "model", "--out", "predictions.docx"], "docx"),
        (vec!["predict", &one_row, "--model", "model", "--out", o], "one.csv"),
        (vec!["report", "trial", "--out", o], "record.json"),
        (vec!["generate", "--rows", "0", "--out", o], "0"),
        (vec!["generate", "--rows", "10", "--signal", "-3", "--out", "x.csv"], "signal"),
        (vec!["inspect", "nowhere.csv"], "nowhere.csv"),
        (vec!["inspect", &empty], "empty.csv"),
        (vec!["frobnicate"], "frobnicate"),
        (vec![], "Usage"),
    ];
    let before = contents(at).into_keys().collect::<Vec<_>>();
    let mut wrong = Vec::new();
    for (arguments, named) in &cases {
        let output = recant(at, arguments);
        let said = text(&output);
        let fault = match output.status.code() {
            Some(2) if !said.contains(named) => format!("does not name `{named}`"),
            Some(2) if said.contains("panicked") => "panics".to_owned(),
            Some(2) if out.exists() => "wrote something".to_owned(),
            Some(2) => continue,
            code => format!("exit code {code:?}"),
        };
        wrong.push(format!("recant {}: {fault}\n{said}", arguments.join(" ")));
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n---\n")
    );
    assert_eq!(
        before,
        contents(at).into_keys().collect::<Vec<_>>(),
        "no command may leave anything behind"
    );
}
