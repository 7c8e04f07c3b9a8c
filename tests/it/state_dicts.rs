//! PyTorch's weights alone, from the file to the repaired file.

use std::fs;
use std::path::Path;

use super::program::{json, recant, text, works};

/// Rows and the class that `tests/fixtures/onnx/state_dicts/named.*` gives them with tanh between its layers, twenty of them flagged.
fn job() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in ["named.pt", "named.safetensors"] {
        fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures/onnx/state_dicts")
                .join(name),
            at.join(name),
        )
        .unwrap();
    }
    // Lightning's ending for the same format.
    fs::copy(at.join("named.pt"), at.join("named.ckpt")).unwrap();
    let mut sheet = "row,a,b,c,d,e\n".to_owned();
    for row in 0..400 {
        let cell = |column: u32| {
            let (row, column) = (f64::from(row), f64::from(column));
            format!("{:.5}", 2.0 * (0.7 * row + 1.3 * column * column + 0.11 * row * column).sin())
        };
        sheet += &format!("R{row},{}\n", (0..5).map(cell).collect::<Vec<_>>().join(","));
    }
    fs::write(at.join("rows.csv"), sheet).unwrap();
    let said = [
        "predict",
        "rows.csv",
        "--model",
        "named.pt",
        "--activation",
        "tanh",
        "--inputs",
        "a,b,c,d,e",
        "--classes",
        "A,B,C",
    ];
    works(at, &[&said[..], &["--out", "said.csv"]].concat());
    let text = fs::read_to_string(at.join("said.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').take(7).collect::<Vec<_>>().join(","));
    assert_eq!(lines.next().unwrap(), "row,a,b,c,d,e,predicted");
    let lines: Vec<String> = lines.collect();
    fs::write(at.join("train.csv"), format!("row,a,b,c,d,e,class\n{}\n", lines.join("\n"))).unwrap();
    let flags: Vec<String> = (0..20).map(|row| format!("R{}", row * 7)).collect();
    fs::write(at.join("wrong.csv"), format!("row\n{}\n", flags.join("\n"))).unwrap();
    folder
}

fn repair<'a>(model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = [
        "repair",
        "--model",
        model,
        "--data",
        "train.csv",
        "--label",
        "class",
        "--key",
        "row",
        "--classes",
        "A,B,C",
    ];
    [&words[..], &["--flags", "wrong.csv", "--method", "assd"], more].concat()
}

#[test]
fn weights_alone_come_out_repaired_in_their_own_format() {
    let folder = job();
    let at = folder.path();
    let mut values: Vec<Vec<u8>> = Vec::new();
    for name in ["named.pt", "named.safetensors", "named.ckpt"] {
        let out = name.replace("named", "repaired");
        let record = json(at, &repair(name, &["--activation", "tanh", "--out", &out]));
        assert_eq!(record["model"]["network"], "imported (state_dict)");
        let notes = record["notes"].to_string();
        assert!(
            notes.contains("`input` (5 to 8), tanh, `hidden1` (8 to 8)") && notes.contains("agrees with 100.0 % of the labels"),
            "{notes}"
        );
        let dampened = record["methods"][0]["dampening"]["dampened"].as_u64().unwrap();
        let (before, after) = (fs::read(at.join(name)).unwrap(), fs::read(at.join(&out)).unwrap());
        let changed = before.iter().zip(&after).filter(|(one, other)| one != other).count() as u64;
        // Of eight storages the checksum stands in up to three places.
        assert!(
            dampened > 0 && before.len() == after.len() && (1..=4 * dampened + 96).contains(&changed),
            "{name}: {changed} of {dampened}"
        );
        let card = fs::read_to_string(at.join("repaired-report/MODEL-CARD.md")).unwrap();
        assert!(card.contains("a state_dict of PyTorch, read as `input`"), "{card}");
        fs::remove_dir_all(at.join("repaired-report")).unwrap();
        let said = [
            "predict",
            "rows.csv",
            "--model",
            &out,
            "--activation",
            "tanh",
            "--inputs",
            "a,b,c,d,e",
            "--classes",
            "A,B,C",
        ];
        works(at, &[&said[..], &["--out", "p.csv", "--force"]].concat());
        values.push(fs::read(at.join("p.csv")).unwrap());
    }
    assert!(
        values[0] == values[1] && values[0] == values[2],
        "all formats hold the same network"
    );
}

#[test]
fn another_activation_that_fits_much_better_is_told() {
    let folder = job();
    let at = folder.path();
    let said = recant(at, &repair("named.pt", &["--out", "no.pt"]));
    assert_eq!(said.status.code(), Some(2), "{}", text(&said));
    assert!(
        text(&said).contains("`--activation tanh`") && !at.join("no.pt").exists(),
        "{}",
        text(&said)
    );
    // As the person states it, it is read.
    let record = json(at, &repair("named.pt", &["--activation", "relu", "--out", "relu.pt"]));
    assert!(record["notes"].to_string().contains("as you state them"), "{}", record["notes"]);
    let order = "input,tanh,hidden1,tanh,hidden2,tanh,classify";
    let record = json(
        at,
        &repair("named.safetensors", &["--layers", order, "--out", "stated.safetensors"]),
    );
    assert!(record["notes"].to_string().contains("agrees with 100.0 %"), "{}", record["notes"]);
}

#[test]
fn what_does_not_fit_a_state_dict_is_said() {
    let folder = job();
    let at = folder.path();
    let said = |words: &[&str]| {
        let output = recant(at, words);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        text(&output)
    };
    let other = said(&repair("named.pt", &["--activation", "tanh", "--out", "repaired.onnx"]));
    assert!(
        other.contains("does not end in .pt") && other.contains("--out repaired.pt"),
        "{other}"
    );
    let unknown = said(&repair("named.pt", &["--activation", "swish", "--out", "no.pt"]));
    assert!(unknown.contains("none of relu, leaky_relu"), "{unknown}");
    let classes = said(&[
        "predict",
        "rows.csv",
        "--model",
        "named.pt",
        "--inputs",
        "a,b,c,d,e",
        "--out",
        "no.csv",
    ]);
    assert!(classes.contains("--classes"), "{classes}");
    let columns = said(&[
        "predict",
        "rows.csv",
        "--model",
        "named.pt",
        "--classes",
        "A,B,C",
        "--out",
        "no.csv",
    ]);
    assert!(
        columns.contains("takes 5 values a row") && columns.contains("--inputs"),
        "{columns}"
    );
    fs::write(at.join("broken.pt"), &fs::read(at.join("named.pt")).unwrap()[..2000]).unwrap();
    let broken = said(&[
        "predict",
        "rows.csv",
        "--model",
        "broken.pt",
        "--classes",
        "A,B,C",
        "--out",
        "no.csv",
    ]);
    assert!(broken.contains("broken.pt") && broken.contains("archive is damaged"), "{broken}");
}
