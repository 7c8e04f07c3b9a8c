//! Inputs that a command cannot use, through the whole program: exit code 2, a message that names cause and place, no panic, nothing written or lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::broken_inputs::{COLUMNS, always, mistakes, place, sheet};
use super::program::{contents, copy, recant, text, works};
use super::tables_broken::{Broken, broken_sheets};

/// Runs a command that must fail. Says what is wrong with how it failed.
fn complaint(arguments: &[&str], words: &[&str], out: &Path) -> Option<String> {
    let output = recant(place(), arguments);
    let said = text(&output);
    let fault = match output.status.code() {
        Some(2) => match words.iter().find(|word| !said.contains(**word)) {
            Some(word) => format!("does not say `{word}`"),
            None if said.contains("panicked") => "panics".to_owned(),
            None if !said.contains("error: ") => "is not told as an error".to_owned(),
            None if fs::read_dir(out).unwrap().next().is_some() => "wrote something".to_owned(),
            None => return None,
        },
        code => format!("exit code {code:?}"),
    };
    // So that one failure does not look like many.
    fs::remove_dir_all(out).and_then(|()| fs::create_dir(out)).unwrap();
    Some(format!("recant {}: {fault}\n{said}", arguments.join(" ")))
}

#[test]
fn sheets_flags_and_records_that_cannot_be_used_are_refused_with_cause_and_place() {
    let here = tempfile::tempdir().unwrap();
    let (input, out) = (here.path().join("input.csv"), here.path().join("out"));
    fs::create_dir(&out).unwrap();
    let before = contents(place());
    let mut wrong = Vec::new();
    for case in mistakes() {
        fs::write(&input, &case.bytes).unwrap();
        let command = case
            .command
            .replace("SHEET", input.to_str().unwrap())
            .replace("OUT", out.join("made").to_str().unwrap());
        if let Some(complaint) = complaint(&command.split(' ').collect::<Vec<_>>(), &case.words, &out) {
            wrong.push(format!("{}: {complaint}", case.what));
        }
        assert_eq!(fs::read(&input).unwrap(), case.bytes, "{}: the input was changed", case.what);
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        mistakes().len(),
        wrong.join("\n---\n")
    );
    assert!(before == contents(place()), "a command changed what it was given");
}

/// The options of the library as those of the command line.
fn options_of(case: &Broken) -> Vec<String> {
    let options = &case.options;
    let mut words = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([name.to_owned(), value]);
        }
    };
    add("--sheet", options.sheet.clone());
    add("--header-row", options.header_row.map(|row| row.to_string()));
    add("--encoding", options.encoding.clone());
    add("--delimiter", options.delimiter.map(|byte| char::from(byte).to_string()));
    words
}

#[test]
fn every_broken_sheet_is_refused_by_every_command_that_reads_one() {
    let here = tempfile::tempdir().unwrap();
    let out = here.path().join("out");
    fs::create_dir(&out).unwrap();
    let made = out.join("made").to_str().unwrap().to_owned();
    let mut wrong = Vec::new();
    for (number, case) in broken_sheets().into_iter().enumerate() {
        let path = here.path().join(case.file);
        fs::write(&path, &case.bytes).unwrap();
        let sheet = path.to_str().unwrap();
        // Every sheet through two commands, every command with many sheets.
        let commands = [
            format!("inspect {sheet}"),
            format!("train {sheet} --label late --out {made}"),
            format!("predict {sheet} --model model --out {made}.csv"),
            format!("inject {sheet} --label late --out {made}"),
            format!("repair --model model --flags flags.csv --data {sheet} --out {made}"),
            format!("scenarios {sheet} --label late --out {made}"),
            format!("repair --model model --flags flags.csv --data plain.csv --test {sheet} --out {made}"),
            format!("repair --model model --data plain.csv --flags {sheet} --out {made}"),
        ];
        let options = options_of(&case);
        // The program checks a quotation mark as delimiter before the file. The options hold for all sheets of a command, but not for flag files.
        let words = match &case.options.delimiter {
            Some(b'"') => vec!["cannot stand between cells"],
            _ => [&case.words[..], &[case.file]].concat(),
        };
        let able = if options.is_empty() { 8 } else { 6 };
        for command in [number % able, (number + able / 2) % able].map(|place| &commands[place]) {
            let mut arguments: Vec<&str> = command.split(' ').collect();
            arguments.extend(options.iter().map(String::as_str));
            if let Some(complaint) = complaint(&arguments, &words, &out) {
                wrong.push(format!("{}: {complaint}", case.what));
            }
        }
        fs::remove_file(&path).unwrap();
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n---\n"));
}

/// Ways to damage a file of a model folder.
type Damage = (&'static str, fn(&[u8]) -> Option<Vec<u8>>);
const DAMAGES: [Damage; 5] = [
    ("cut in half", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
    ("without its last byte", |bytes| Some(bytes[..bytes.len() - 1].to_vec())),
    ("with one bit flipped", |bytes| {
        let mut bytes = bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        Some(bytes)
    }),
    ("emptied", |_| Some(Vec::new())),
    ("taken away", |_| None),
];

/// The files that make a model, by what `model.json` vouches for, and itself; the seal of the report is none of them.
fn files_of_the_model() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = contents(&place().join("model")).into_keys().collect();
    files.retain(|path| path.components().count() == 1 && path.extension().is_none_or(|kind| kind != "md"));
    files.retain(|path| path != Path::new("report.seal.json"));
    files
}

#[test]
fn an_altered_model_folder_is_refused_by_every_command_that_takes_one() {
    let here = tempfile::tempdir().unwrap();
    let (model, out) = (here.path().join("model"), here.path().join("out"));
    fs::create_dir(&out).unwrap();
    copy(&place().join("model"), &model);
    let made = out.join("made").to_str().unwrap().to_owned();
    let shown = model.to_str().unwrap();
    let mut wrong = Vec::new();
    for (number, file) in files_of_the_model().iter().enumerate() {
        let path = model.join(file);
        let whole = fs::read(&path).unwrap();
        for (round, (what, damage)) in DAMAGES.iter().enumerate() {
            match damage(&whole) {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let command = if (number + round) % 2 == 0 {
                format!("predict plain.csv --model {shown} --out {made}.csv")
            } else {
                format!("repair --model {shown} --flags flags.csv --data plain.csv --out {made}")
            };
            let name = file.to_str().unwrap();
            if let Some(complaint) = complaint(&command.split(' ').collect::<Vec<_>>(), &[name], &out) {
                wrong.push(format!("{name} {what}: {complaint}"));
            }
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n---\n"));
    // Put right again, it works: the damage was the reason.
    works(
        place(),
        &["predict", "plain.csv", "--model", shown, "--out", &format!("{made}.csv"), "--quiet"],
    );
}

#[test]
fn there_are_more_than_150_broken_inputs() {
    let sheets = broken_sheets().len();
    let jobs = mistakes();
    let model = files_of_the_model().len() * DAMAGES.len();
    // A case counts once: by its command and its bytes, not by its name.
    let mut distinct: Vec<(&str, &[u8])> = jobs.iter().map(|case| (case.command.as_str(), case.bytes.as_slice())).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), jobs.len(), "two cases are the same");
    println!(
        "{sheets} broken sheets, {} unusable inputs of jobs, {model} altered model files",
        jobs.len()
    );
    assert!(sheets >= 125 && jobs.len() >= 70 && model >= 40, "{sheets} {} {model}", jobs.len());
    assert!(sheets + jobs.len() >= 200);
}

/// Odd, but not broken: such sheets are used, and what is odd about them is told.
#[test]
fn odd_sheets_are_trained_on_and_predicted_with_a_word_about_what_is_odd() {
    let here = tempfile::tempdir().unwrap();
    let nothing = always("");
    let numbers = |row: usize| match row % 25 {
        3 => "inf".to_owned(),
        7 => "-Infinity".to_owned(),
        11 => "NaN".to_owned(),
        13 => "1e999".to_owned(),
        _ => format!("{}.5", row * 7919 % 101),
    };
    let long = |row: usize| if row == 7 { "x".repeat(1_000_000) } else { "north".to_owned() };
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("a constant column", sheet(300, &[("amount", &always("5"))]), "columns-left-out"),
        ("an all-missing column", sheet(300, &[("amount", &nothing)]), "columns-left-out"),
        ("a column of #N/A", sheet(300, &[("lane", &always("#N/A"))]), "columns-left-out"),
        (
            "NaN and infinities among numbers",
            sheet(300, &[("amount", &numbers)]),
            "infinite-numbers",
        ),
        (
            "numbers at the edge of the possible",
            sheet(300, &[("amount", &|row| ["1.7e308", "-1.7e308", "4e-320"][row % 3].to_owned())]),
            "",
        ),
        ("one date for all", sheet(300, &[("ordered", &always("2018-01-01"))]), ""),
        ("a key that repeats", sheet(300, &[("id", &always("A1"))]), "duplicate-keys"),
        ("a key without values", sheet(300, &[("id", &nothing)]), "blank-keys"),
        ("a cell of a megabyte", sheet(300, &[("lane", &long)]), ""),
    ];
    for (number, (what, bytes, code)) in cases.iter().enumerate() {
        let name = format!("sheet-{number}.csv");
        fs::write(here.path().join(&name), bytes).unwrap();
        let model = format!("model-{number}");
        let train = format!("train {name} {COLUMNS} --epochs 2 --network 2x8 --out {model}");
        let trained = super::program::json(here.path(), &train.split(' ').collect::<Vec<_>>());
        let noted = trained["notes"].to_string();
        assert!(noted.contains(code), "{what}: no `{code}` in {noted}");
        // The sheet itself, and one row of it.
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        fs::write(here.path().join("one.csv"), lines[..2].concat()).unwrap();
        for sheet in [name.as_str(), "one.csv"] {
            let predict = format!("predict {sheet} --model {model} --out predictions.csv --force");
            works(here.path(), &predict.split(' ').collect::<Vec<_>>());
            let written = fs::read_to_string(here.path().join("predictions.csv")).unwrap();
            let header: Vec<&str> = written.lines().next().unwrap().split(',').collect();
            let place = header.iter().position(|name| *name == "probability of yes").unwrap();
            for line in written.lines().skip(1) {
                let probability: f64 = line.split(',').nth(place).unwrap().parse().unwrap();
                assert!((0.0..=1.0).contains(&probability), "{what}: {line}");
            }
        }
        let inspect = format!("inspect {name} --label late");
        works(here.path(), &inspect.split(' ').collect::<Vec<_>>());
        fs::write(here.path().join("wrong.csv"), "row\n3\n5\n8\n").unwrap();
        let repair = format!("repair --model {model} --flags wrong.csv --row-numbers sheet --data {name} --out repaired-{number}");
        works(here.path(), &repair.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn other_odd_cells_at_prediction_are_predicted_with_a_warning() {
    let here = tempfile::tempdir().unwrap();
    let odd = ["NaN", "inf", "-inf", "1e999", "", "#N/A", "$3", "1.5E2", " 7 "];
    let bytes = sheet(
        odd.len(),
        &[("amount", &|row| odd[row].to_owned()), ("lane", &|row| format!("lane {row}"))],
    );
    fs::write(here.path().join("week.csv"), bytes).unwrap();
    let model = place().join("model");
    let arguments = ["predict", "week.csv", "--model", model.to_str().unwrap(), "--out", "out.csv"];
    let value = super::program::json(here.path(), &arguments);
    assert_eq!(value["rows_with_warnings"], odd.len());
    let written = fs::read_to_string(here.path().join("out.csv")).unwrap();
    assert_eq!(written.lines().count(), odd.len() + 1);
}
