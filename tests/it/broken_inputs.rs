//! Sheets, flag files and records that are read without trouble and still cannot be used for a job.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::program::works;

type Cell<'a> = &'a dyn Fn(usize) -> String;

/// A sheet of orders: a key, a date, a number, a category, a label that depends on the category; with these columns changed.
pub(super) fn sheet(rows: usize, changes: &[(&str, Cell<'_>)]) -> Vec<u8> {
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

pub(super) fn always(text: &'static str) -> impl Fn(usize) -> String {
    move |_| text.to_owned()
}

/// A sheet that is in order, a model trained on it, and a flag file: `plain.csv`, `model/`, `flags.csv`.
pub(super) fn place() -> &'static Path {
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

pub(super) const COLUMNS: &str = "--label late --time ordered --key id";

/// A file that is read without trouble and still cannot be used for a job.
pub(super) struct LabelCorruption {
    pub what: &'static str,
    /// `SHEET` stands for the file, `OUT` for what would be written.
    pub command: String,
    pub bytes: Vec<u8>,
    /// Each must be in the message.
    pub words: Vec<&'static str>,
}

fn mistake(what: &'static str, command: impl Into<String>, bytes: impl Into<Vec<u8>>, words: &[&'static str]) -> LabelCorruption {
    LabelCorruption {
        what,
        command: command.into(),
        bytes: bytes.into(),
        words: words.to_vec(),
    }
}

fn training_sheets() -> Vec<LabelCorruption> {
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

fn flag_files() -> Vec<LabelCorruption> {
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
fn other_sheets() -> Vec<LabelCorruption> {
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

fn records() -> Vec<LabelCorruption> {
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

pub(super) fn mistakes() -> Vec<LabelCorruption> {
    [training_sheets(), flag_files(), other_sheets(), records()]
        .into_iter()
        .flatten()
        .collect()
}
