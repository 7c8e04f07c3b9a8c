//! Inputs that a command cannot use, through the whole program: exit code 2, a message that names cause and place, no panic, nothing written or lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::program::{contents, copy, recant, text, works};
use super::tables_broken::{Broken, broken_sheets};

type Cell<'a> = &'a dyn Fn(usize) -> String;

/// A sheet of orders: a key, a date, a number, a category, a label that depends on the category; with these columns changed.
fn sheet(rows: usize, changes: &[(&str, Cell<'_>)]) -> Vec<u8> {
    let day = |row: usize| format!("2018-{:02}-{:02}", row / 28 % 12 + 1, row % 28 + 1);
    let late = |row: usize| {
        if (row * 31).is_multiple_of(3) && !row.is_multiple_of(5) {
            "yes"
        } else {
            "no"
        }
        .to_owned()
    };
    let columns: [(&str, Cell<'_>); 5] = [
        ("id", &|row| format!("A{row}")),
        ("ordered", &day),
        ("amount", &|row| format!("{}.5", row * 7919 % 101)),
        ("lane", &|row| ["north", "south", "east"][row * 31 % 3].to_owned()),
        ("late", &late),
    ];
    let cell = |name: &str, plain: Cell<'_>, row: usize| match changes.iter().find(|(changed, _)| *changed == name) {
        Some((_, changed)) => changed(row),
        None => plain(row),
    };
    let mut lines = vec!["id,ordered,amount,lane,late".to_owned()];
    lines.extend((0..rows).map(|row| columns.map(|(name, plain)| cell(name, plain, row)).join(",")));
    (lines.join("\n") + "\n").into_bytes()
}

fn always(text: &'static str) -> impl Fn(usize) -> String {
    move |_| text.to_owned()
}

/// A sheet that is in order, a model trained on it, and a flag file: `plain.csv`, `model/`, `flags.csv`.
fn place() -> &'static Path {
    static PLACE: OnceLock<tempfile::TempDir> = OnceLock::new();
    PLACE
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path();
            fs::write(at.join("plain.csv"), sheet(300, &[])).unwrap();
            fs::write(at.join("flags.csv"), "id\nA3\nA9\nA12\n").unwrap();
            let train = format!("train plain.csv {COLUMNS} --epochs 2 --network 2x8 --out model --quiet");
            works(at, &train.split(' ').collect::<Vec<_>>());
            folder
        })
        .path()
}

const COLUMNS: &str = "--label late --time ordered --key id";

/// A file that is read without trouble and still cannot be used for a job.
struct Mistake {
    what: &'static str,
    /// `SHEET` stands for the file, `OUT` for what would be written.
    command: String,
    bytes: Vec<u8>,
    /// Each must be in the message.
    words: Vec<&'static str>,
}

fn mistake(what: &'static str, command: impl Into<String>, bytes: impl Into<Vec<u8>>, words: &[&'static str]) -> Mistake {
    Mistake {
        what,
        command: command.into(),
        bytes: bytes.into(),
        words: words.to_vec(),
    }
}

fn training_sheets() -> Vec<Mistake> {
    let train = |what, bytes: Vec<u8>, words: &[&'static str]| {
        mistake(
            what,
            format!("train SHEET {COLUMNS} --epochs 1 --network 2x8 --out OUT"),
            bytes,
            words,
        )
    };
    let with =
        |what, column: &'static str, text: &'static str, words: &[&'static str]| train(what, sheet(300, &[(column, &always(text))]), words);
    let without_time = |what, changes: &[(&str, Cell<'_>)], words: &[&'static str]| {
        mistake(what, "train SHEET --label late --key id --out OUT", sheet(300, changes), words)
    };
    let named = |what, options: &'static str, words: &[&'static str]| {
        mistake(what, format!("train SHEET {options} --out OUT"), sheet(300, &[]), words)
    };
    let nothing = always("");
    vec![
        train("a header and no rows", sheet(0, &[]), &["no rows", "input.csv"]),
        train("one row", sheet(1, &[]), &["same class", "late"]),
        train("two rows of one class", sheet(2, &[]), &["same class"]),
        train("five rows", sheet(5, &[]), &["too few", "input.csv"]),
        with("one class", "late", "no", &["same class", "`late` = `no`", "input.csv"]),
        train(
            "one class and blanks",
            sheet(300, &[("late", &|row| if row % 2 == 0 { "yes" } else { "" }.to_owned())]),
            &["same class", "`yes`"],
        ),
        train(
            "one class in the training rows",
            sheet(300, &[("late", &|row| if row > 290 { "yes" } else { "no" }.to_owned())]),
            &["training rows have the same class", "input.csv"],
        ),
        with("a label column without a value", "late", "", &["`late`", "empty", "input.csv"]),
        with("a label column of NaN", "late", "NaN", &["`late`", "empty", "input.csv"]),
        with("a label column of #N/A", "late", "#N/A", &["`late`", "empty", "input.csv"]),
        train(
            "a label of its own for every row",
            sheet(300, &[("late", &|row| format!("class {row}"))]),
            &["300 different values", "late"],
        ),
        train(
            "a sheet of nothing but blanks below the header",
            sheet(
                300,
                &[
                    ("id", &nothing),
                    ("ordered", &nothing),
                    ("amount", &nothing),
                    ("lane", &nothing),
                    ("late", &nothing),
                ],
            ),
            &["input.csv"],
        ),
        without_time(
            "constant columns only",
            &[
                ("ordered", &always("2018-01-01")),
                ("amount", &always("5")),
                ("lane", &always("north")),
            ],
            &["input.csv"],
        ),
        without_time(
            "all-missing columns only",
            &[("ordered", &nothing), ("amount", &nothing), ("lane", &nothing)],
            &["input.csv"],
        ),
        without_time(
            "columns of NaN only",
            &[("ordered", &always("NaN")), ("amount", &always("NaN")), ("lane", &always("nan"))],
            &["input.csv"],
        ),
        without_time(
            "missing and constant columns",
            &[("ordered", &always("NULL")), ("amount", &always("7.50")), ("lane", &nothing)],
            &["input.csv"],
        ),
        with(
            "a time column of words",
            "ordered",
            "soon",
            &["`soon` is not a date", "row 2", "\"ordered\""],
        ),
        with("a time column without a value", "ordered", "", &["`ordered`", "blank", "--time"]),
        with(
            "a thirteenth month",
            "ordered",
            "2018-13-01",
            &["2018-13-01", "row 2", "\"ordered\""],
        ),
        with(
            "a 31st of February",
            "ordered",
            "31.02.2018",
            &["31.02.2018", "row 2", "\"ordered\""],
        ),
        with("a day zero", "ordered", "2018-01-00", &["2018-01-00", "\"ordered\""]),
        with("infinite dates", "ordered", "inf", &["inf", "\"ordered\""]),
        train(
            "two date orders and dates that fit both",
            sheet(
                300,
                &[("ordered", &|row| ["31/1/2018", "1/30/2018", "3/2/2018"][row % 3].to_owned())],
            ),
            &["mixes day-first and month-first", "\"ordered\""],
        ),
        named(
            "a misspelt label column",
            "--label Lat --time ordered",
            &["`Lat` not found", "closest match is `late`"],
        ),
        named(
            "an absent label column",
            "--label Delivery_Status --time ordered",
            &["`Delivery_Status` not found", "`id`"],
        ),
        named(
            "a misspelt time column",
            "--label late --time orderd",
            &["`orderd` not found", "closest match is `ordered`"],
        ),
        named(
            "a misspelt key column",
            "--label late --key ID_",
            &["`ID_` not found", "closest match is `id`"],
        ),
        named(
            "a misspelt group column",
            "--label late --group lan",
            &["`lan` not found", "closest match is `lane`"],
        ),
        named("no label column", "--time ordered", &["label", "--label"]),
        named("a profile for other columns", "--profile dataco", &["input.csv", "Order"]),
        named(
            "a learning rate that makes the weights infinite",
            "--label late --learning-rate 1e300 --epochs 3",
            &["learning rate"],
        ),
        mistake(
            "a key as label",
            "train SHEET --label id --out OUT",
            sheet(300, &[]),
            &["300 different values", "\"id\""],
        ),
        mistake(
            "an injection without rows",
            format!("inject SHEET {COLUMNS} --out OUT"),
            sheet(0, &[]),
            &["no rows"],
        ),
        mistake(
            "an injection with one class",
            format!("inject SHEET {COLUMNS} --out OUT"),
            sheet(300, &[("late", &always("no"))]),
            &["same class", "input.csv"],
        ),
        mistake(
            "an injection by an absent column",
            "inject SHEET --label lete --out OUT",
            sheet(300, &[]),
            &["`lete`", "`late`"],
        ),
        mistake(
            "an injection with an unreadable time column",
            format!("inject SHEET {COLUMNS} --out OUT"),
            sheet(300, &[("ordered", &always("soon"))]),
            &["`soon`", "row 2", "\"ordered\""],
        ),
        mistake(
            "more errors than rows",
            format!("inject SHEET {COLUMNS} --rate 100000 --out OUT"),
            sheet(300, &[]),
            &["100"],
        ),
        mistake(
            "scenarios without rows",
            format!("scenarios SHEET {COLUMNS} --out OUT"),
            sheet(0, &[]),
            &["no rows"],
        ),
        mistake(
            "scenarios with one class",
            format!("scenarios SHEET {COLUMNS} --out OUT"),
            sheet(300, &[("late", &always("no"))]),
            &["same class"],
        ),
        mistake(
            "an inspection by an absent label",
            "inspect SHEET --label lte",
            sheet(300, &[]),
            &["`lte`", "`late`"],
        ),
    ]
}

fn flag_files() -> Vec<Mistake> {
    let repair = |what, more: &str, bytes: &[u8], words: &[&'static str]| {
        mistake(
            what,
            format!("repair --model model --data plain.csv --flags SHEET {more} --out OUT").replace("  ", " "),
            bytes,
            words,
        )
    };
    let all: String = (0..300).map(|row| format!("A{row}\n")).collect();
    vec![
        repair("a flag file with a header only", "", b"id\n", &["input.csv"]),
        repair("flags that are all unknown", "", b"id\nZ1\nZ2\nZ3\n", &["input.csv"]),
        repair("flags without a value", "", b"id,note\n,x\n,y\n", &["input.csv"]),
        repair(
            "flags on everything",
            "",
            format!("id\n{all}").as_bytes(),
            &["all 216 training rows are flagged", "input.csv"],
        ),
        repair(
            "a flag file without the key column",
            "",
            b"colour,size\nred,3\nblue,4\n",
            &["input.csv", "id"],
        ),
        repair(
            "no yes in the flag column",
            "--flag-column wrong",
            b"id,wrong\nA3,no\nA9,no\n",
            &["input.csv"],
        ),
        repair(
            "a flag column that is not there",
            "--flag-column worng",
            b"id,wrong\nA3,yes\n",
            &["`worng`", "`wrong`"],
        ),
        repair(
            "a flag column of neither yes nor no",
            "--flag-column wrong",
            b"id,wrong\nA3,perhaps\nA9,yes\n",
            &["perhaps", "row 2"],
        ),
        repair(
            "row 0 of a sheet that counts from 1",
            "--row-numbers from-1",
            b"row\n0\n3\n",
            &["input.csv"],
        ),
        repair(
            "row numbers beyond the sheet",
            "--row-numbers sheet",
            b"row\n90000\n",
            &["input.csv"],
        ),
        repair(
            "row numbers that are none",
            "--row-numbers sheet",
            b"row\nfirst\nsecond\n",
            &["first"],
        ),
        repair(
            "scores that are no numbers",
            "--worst 5",
            b"id,label_quality\nA3,bad\nA9,worse\n",
            &["input.csv"],
        ),
        repair("a key column that is misspelt", "--key ids", b"id\nA3\n", &["`ids`"]),
        repair(
            "given labels of another model",
            "",
            b"id,given_label\nA3,purple\nA9,green\n",
            &["purple"],
        ),
        repair(
            "correct labels of another model",
            "",
            b"id,correct_label\nA3,purple\nA9,green\n",
            &["purple"],
        ),
        mistake(
            "flags with keys only and no sheet",
            "repair --model model --flags SHEET --out OUT",
            "id\nA3\nA9\n",
            &["--data SHEET"],
        ),
    ]
}

/// Sheets for `--data`, `--test` and prediction that do not fit the model.
fn other_sheets() -> Vec<Mistake> {
    let data = |what, bytes: Vec<u8>, words: &[&'static str]| {
        mistake(what, "repair --model model --flags flags.csv --data SHEET --out OUT", bytes, words)
    };
    let test = |what, bytes: Vec<u8>, words: &[&'static str]| {
        mistake(
            what,
            "repair --model model --flags flags.csv --data plain.csv --test SHEET --out OUT",
            bytes,
            words,
        )
    };
    let text = |from: &str, to: &str| String::from_utf8(sheet(300, &[])).unwrap().replacen(from, to, 1).into_bytes();
    vec![
        data("a training sheet without rows", sheet(0, &[]), &["no rows"]),
        data("a training sheet cut to a third", sheet(100, &[]), &["input.csv"]),
        data(
            "a training sheet of other keys",
            sheet(300, &[("id", &|row| format!("B{row}"))]),
            &["input.csv"],
        ),
        data("a training sheet without its label", text("late", "on_time"), &["`late`"]),
        data("a training sheet without its key", text("id,", "number,"), &["`id`"]),
        data(
            "a training sheet with unreadable dates",
            sheet(300, &[("ordered", &always("soon"))]),
            &["`soon`", "\"ordered\""],
        ),
        test("a test sheet without rows", sheet(0, &[]), &["no rows"]),
        test("a test sheet of training rows", sheet(100, &[]), &["test sheet"]),
        test(
            "a test sheet without a label",
            sheet(100, &[("id", &|row| format!("B{row}")), ("late", &always(""))]),
            &["input.csv"],
        ),
        test(
            "a test sheet of unknown classes",
            sheet(100, &[("id", &|row| format!("B{row}")), ("late", &always("purple"))]),
            &["input.csv"],
        ),
        test(
            "a test sheet with unreadable dates",
            sheet(100, &[("ordered", &always("soon"))]),
            &["`soon`", "\"ordered\""],
        ),
        mistake(
            "a sheet to predict without the model's columns",
            "predict SHEET --model model --out OUT.csv",
            "colour,size\nred,3\n",
            &["input.csv"],
        ),
        mistake(
            "predictions into an unknown format",
            "predict SHEET --model model --out OUT.docx",
            sheet(3, &[]),
            &["docx"],
        ),
    ]
}

fn records() -> Vec<Mistake> {
    let training = fs::read_to_string(place().join("model/training.json")).unwrap();
    let report = |what, bytes: String, words: &[&'static str]| mistake(what, "report SHEET --out OUT", bytes, words);
    let newer = training.replacen("\"record_version\": 1", "\"record_version\": 77", 1);
    assert_ne!(newer, training, "a training record tells its version");
    vec![
        report(
            "a training record cut in half",
            training[..training.len() / 2].to_owned(),
            &["cut off"],
        ),
        report("a training record from the future", newer, &["layout 77"]),
        report("an empty record", String::new(), &["input.csv"]),
        report("a record of something else", "{\"a\": 1}".to_owned(), &["another kind"]),
        report("a report that is no record", "<html></html>".to_owned(), &["not a record"]),
        mistake("a report of a missing folder", "report nowhere --out OUT", "", &["nowhere"]),
        mistake(
            "a report of a folder without records",
            "report . --out OUT",
            "",
            &["neither", "record.json"],
        ),
    ]
}

fn mistakes() -> Vec<Mistake> {
    [training_sheets(), flag_files(), other_sheets(), records()]
        .into_iter()
        .flatten()
        .collect()
}

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
