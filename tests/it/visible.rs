//! Text from outside reaches terminal, reports and model card only in a form that can be seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use recant::notes::Notes;
use recant::tables::Table;

use super::floors::rust_files;

/// The only places that write to the terminal. Both pass everything through `visible`.
const WRITERS: [&str; 2] = ["src/cli/console.rs", "src/cli/help.rs"];

#[test]
fn nothing_writes_to_the_terminal_around_the_console() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    assert!(files.len() > 100);
    let mut around = Vec::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&path).unwrap();
        // The last is what tests of GPU kernels run on.
        let is_test = name.ends_with("tests.rs") || name.contains("/tests_") || name.contains("/tests/") || name == "src/nn/cuda/host.rs";
        if is_test || WRITERS.contains(&name.as_str()) {
            continue;
        }
        for (number, line) in text.split("#[cfg(test)]").next().unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            // `is_terminal` and `choice` ask about a stream and write nothing.
            let asks = code.contains("is_terminal") || code.contains("::choice(") || code.contains("use_stderr()");
            let writes = ["stdout()", "stderr()", "println!", "eprint", "print!(", "dbg!(", "/dev/tty"];
            if !asks && writes.iter().any(|way| code.contains(way)) {
                around.push(format!("{name}:{}: {}", number + 1, code.trim()));
            }
        }
    }
    assert_eq!(around, Vec::<String>::new());
    for writer in WRITERS {
        let text = fs::read_to_string(root.join(writer)).unwrap();
        assert!(text.contains("visible::"), "{writer}");
    }
}

/// Escape sequences, a carriage return, a line break, text that runs the other way, a zero-width space, a C1 control.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}x\rerror: forged\nverified safe\u{202e}gnp\u{200b}\u{9b}31m";

fn hidden(text: &str) -> Vec<char> {
    let unfit = |letter: &char| recant::visible::is_hidden(*letter) && *letter != '\n';
    text.chars().filter(unfit).collect()
}

/// Runs the program; its output must hold nothing hidden and no line that the input forged. Returns what it said.
fn calm(at: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_recant"))
        .current_dir(at)
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(hidden(&said), Vec::<char>::new(), "{arguments:?}: {said:?}");
    for forged in ["verified safe", "error: forged"] {
        assert!(!said.lines().any(|line| line.starts_with(forged)), "{arguments:?}: {said:?}");
    }
    said
}

#[test]
fn hostile_headers_values_classes_and_file_names_cannot_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // Delimited text with escape characters is refused as no text; Parquet holds any.
    let rows = 240;
    let cells = |of: &dyn Fn(usize) -> String| (0..rows).map(|row| Some(of(row))).collect::<Vec<_>>();
    let on_time = format!("on time {HOSTILE}");
    Table::new("hostile", rows)
        .with_column("id", cells(&|row| format!("A{row}")))
        .and_then(|table| table.with_column(&format!("col {HOSTILE}"), cells(&|row| (row % 7).to_string())))
        .and_then(|table| table.with_column("mode", cells(&|row| format!("{} {HOSTILE}", ["air", "sea"][row % 2]))))
        .and_then(|table| {
            table.with_column(
                "status",
                cells(&|row| if row % 3 == 0 { "late".to_owned() } else { on_time.clone() }),
            )
        })
        .and_then(|table| table.write(&at.join("hostile.parquet"), &mut Notes::new()))
        .unwrap();
    let column = format!("col {HOSTILE}");
    for command in [
        vec!["inspect", "hostile.parquet", "--label", "status"],
        vec!["inspect", "hostile.parquet", "--label", "status", "--json"],
        vec!["train", "hostile.parquet", "--label", &column, "--key", "id", "--out", "m0"],
        vec!["train", "hostile.parquet", "--label", HOSTILE, "--out", "m1"],
        vec!["train", HOSTILE, "--out", "m1"],
        vec!["train", "hostile.parquet", HOSTILE, "--out", "m1"],
        vec![
            "train",
            "hostile.parquet",
            "--label",
            "status",
            "--key",
            "id",
            "--epochs",
            "1",
            "--out",
            "model",
        ],
        vec!["predict", "hostile.parquet", "--model", "model", "--out", "p.csv"],
        vec![
            "predict",
            "hostile.parquet",
            "--model",
            "model",
            "--out",
            "p.csv",
            "--json",
            "--force",
        ],
        vec![
            "repair",
            "--model",
            "model",
            "--flags",
            "flags.csv",
            "--data",
            "hostile.parquet",
            "--method",
            "assd",
            "--out",
            "r",
        ],
        vec!["suspects", "hostile.parquet", "--model", "model", "--out", "s.csv"],
        vec!["report", "r", "--out", "report"],
    ] {
        if command[0] == "repair" {
            fs::write(at.join("flags.csv"), "id\nA3\nA6\nA9\nA12\nA15\n").unwrap();
        }
        calm(at, &command);
    }
    // The parts that are read by others: page, figures and model card hold nothing hidden, and no forged line of Markdown.
    let mut looked = 0;
    for folder in ["model", "r", "report"] {
        for entry in walk(&at.join(folder)) {
            let ending = entry.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if ["html", "svg", "md"].contains(&ending) {
                let text = fs::read_to_string(&entry).unwrap().replace(['\r', '\t'], "");
                assert_eq!(hidden(&text), Vec::<char>::new(), "{}", entry.display());
                if ending == "md" {
                    assert!(!text.lines().any(|line| line.starts_with("verified safe")), "{text}");
                }
                looked += 1;
            }
        }
    }
    assert!(looked >= 5, "{looked} files");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}
