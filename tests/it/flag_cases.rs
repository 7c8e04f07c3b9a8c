//! Flag files as people and programs write them: each names the rows that are meant, or is refused with a hint.

use std::path::Path;

use recant::error::Error;
use recant::label_errors::flags::{
    self, FlagOptions, FlagPlace, FlagSource, Numbering, ResolvedFlags, RowEntry, RowIndex, hash_key, parse_codes,
};
use recant::notes::Notes;
use recant::tables::{ReadOptions, Table};

use crate::program::{TRAIN_ON_STATUS, json, recant, text, works};

pub(crate) const ROWS: u32 = 24;
pub(crate) const WRONG: [u32; 4] = [2, 5, 11, 17];

/// Labels 0, 1, 2 of early, on time, late; the first row of the sheet is late.
pub(crate) fn label(row: u32) -> u8 {
    [2, 0, 1, 2, 1, 0, 0, 2][row as usize % 8]
}

/// 24 training rows with keys 10001, ..., first data row in row 2 of the sheet.
pub(crate) fn index(key: Option<&str>) -> RowIndex {
    let entry = |row: u32| RowEntry {
        key: hash_key(&(10_001 + row).to_string()),
        group: None,
        table_row: row,
        sheet_row: row + 2,
        label: Some(label(row)),
    };
    let classes = ["early", "on time", "late"].map(str::to_owned).to_vec();
    let parts = [(0..ROWS).map(entry).collect(), vec![], vec![], vec![]];
    RowIndex::new(key.map(str::to_owned), None, classes, String::new(), parts).unwrap()
}

pub(crate) fn find(bytes: &str, options: &FlagOptions, index: &RowIndex, sheet: Option<&Table>) -> Result<(ResolvedFlags, Notes), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags.csv");
    std::fs::write(&path, bytes).unwrap();
    let mut notes = Notes::new();
    let source = FlagSource {
        place: FlagPlace::File {
            path: &path,
            reading: &ReadOptions::default(),
        },
        options,
        index,
        label: None,
        inputs: &["Weight", "Odd"],
        sheet,
        sheet_columns: None,
    };
    let (_, found) = flags::find(&source, &mut notes)?;
    // Flags in a table that is in memory are the same flags.
    let table = recant::tables::read(&path, &ReadOptions::default(), &mut Notes::new())?;
    let place = FlagPlace::Table(&table);
    let (_, again) = flags::find(&FlagSource { place, ..source }, &mut Notes::new())?;
    assert_eq!(again.positions(), found.positions(), "{bytes}");
    Ok((found, notes))
}

#[track_caller]
pub(crate) fn finds(bytes: &str, options: &FlagOptions) -> Notes {
    let (found, notes) = find(bytes, options, &index(Some("Order No")), None).unwrap_or_else(|error| panic!("{error}\n{bytes}"));
    assert_eq!(found.positions(), WRONG, "{bytes}");
    notes
}

#[track_caller]
pub(crate) fn refuses(bytes: &str, options: &FlagOptions, said: &str) -> Error {
    match find(bytes, options, &index(Some("Order No")), None) {
        Ok((found, notes)) => panic!("{:?} {notes:?}\n{bytes}", found.positions()),
        Err(error) => {
            assert!(error.message().contains(said), "{error}\n{bytes}");
            assert!(error.hint_text().is_some(), "{error}");
            error
        }
    }
}

pub(crate) fn lines(line: impl Fn(u32) -> String) -> String {
    (0..ROWS).map(|row| line(row) + "\n").collect()
}

pub(crate) fn wrong(row: u32) -> bool {
    WRONG.contains(&row)
}

pub(crate) fn plain() -> FlagOptions {
    FlagOptions::default()
}

#[test]
fn a_mask_without_a_header_marks_rows_by_its_order() {
    for (yes, no) in [
        ("1", "0"),
        ("True", "False"),
        ("1.0", "0.0"),
        ("1.000000000000000000e+00", "0.000000000000000000e+00"),
        ("true", "false"),
    ] {
        let mask = lines(|row| if wrong(row) { yes } else { no }.to_owned());
        let notes = finds(&mask, &plain());
        assert!(notes.has("mask") && !notes.has("header-looks-like-data"), "{notes:?}");
        // As pandas writes a series without its index; above numbers the `0` could be a line too many.
        let headed = format!("0\n{mask}");
        if yes.starts_with(['T', 't']) {
            finds(&headed, &plain());
        } else {
            refuses(&headed, &plain(), "25 lines");
        }
        finds(&format!("flag\n{mask}"), &plain());
    }
    let ticked = lines(|row| if wrong(row) { "x" } else { "-" }.to_owned());
    finds(&format!("wrong?\n{ticked}"), &plain());
    let series = lines(|row| format!("{row},{}", if wrong(row) { "True" } else { "False" }));
    finds(
        &format!(",0\n{series}"),
        &FlagOptions {
            flag_column: Some("0".into()),
            ..plain()
        },
    );
    finds(&format!(",0\n{series}"), &plain());
    finds(&format!(",is_label_issue\n{series}"), &plain());
}

#[test]
fn a_mask_of_another_length_is_refused_and_never_taken_for_row_numbers() {
    let mask = lines(|row| u8::from(wrong(row)).to_string());
    for cut in [1, 2, 10] {
        let short: String = mask.lines().skip(cut).map(|line| format!("{line}\n")).collect();
        refuses(&short, &plain(), "where the sheet has 24 rows");
    }
    refuses(&format!("{mask}1\n"), &plain(), "25 lines");
    for numbering in [Numbering::FromZero, Numbering::FromOne] {
        let stated = FlagOptions {
            numbering: Some(numbering),
            ..plain()
        };
        refuses(&mask, &stated, "no row numbers");
    }
    // Two lines may well be two row numbers, but not ones that can be told apart from keys or other counting.
    assert!(find("0\n1\n", &plain(), &index(None), None).is_ok());
}

/// A cleanlab frame: row, score, line.
fn cleanlab() -> Vec<(u32, f64, String)> {
    let line = |row: u32| {
        let score = if wrong(row) { 0.01 } else { 0.5 } + f64::from(row * 7 % 24) / 100.0;
        let given = ["early", "on time", "late"][usize::from(label(row))];
        let said = if wrong(row) {
            ["late", "late", "early"][usize::from(label(row))]
        } else {
            given
        };
        (
            row,
            score,
            format!("{},{score},{given},{said}", if wrong(row) { "True" } else { "False" }),
        )
    };
    (0..ROWS).map(line).collect()
}

const CLEANLAB: &str = "is_label_issue,label_quality,given_label,predicted_label\n";

#[test]
fn a_cleanlab_frame_in_the_order_of_the_sheet_is_read_and_one_that_lost_it_is_refused() {
    let frame = cleanlab();
    let written = |rows: &[(u32, f64, String)]| rows.iter().map(|(_, _, line)| format!("{line}\n")).collect::<String>();
    finds(&format!("{CLEANLAB}{}", written(&frame)), &plain());
    let mut sorted = frame.clone();
    sorted.sort_by(|left, right| left.1.total_cmp(&right.1));
    refuses(&format!("{CLEANLAB}{}", written(&sorted)), &plain(), "sorted by `label_quality`");
    // An index that was made after sorting is no better than none; one that was kept names the rows.
    let counted: String = sorted
        .iter()
        .enumerate()
        .map(|(row, (_, _, line))| format!("{row},{line}\n"))
        .collect();
    refuses(&format!(",{CLEANLAB}{counted}"), &plain(), "sorted by `label_quality`");
    let kept: String = sorted.iter().map(|(row, _, line)| format!("{row},{line}\n")).collect();
    finds(&format!(",{CLEANLAB}{kept}"), &plain());
    let mut shuffled = frame.clone();
    shuffled.sort_by_key(|(row, ..)| row * 7 % 24);
    let error = refuses(
        &format!("{CLEANLAB}{}", written(&shuffled)),
        &plain(),
        "given labels are not those of the sheet",
    );
    assert!(error.hint_text().unwrap().contains("index"), "{error}");
    // The lines that are not flagged are held against the sheet, too.
    let mut swapped = frame;
    swapped.swap(0, 1);
    refuses(&format!("{CLEANLAB}{}", written(&swapped)), &plain(), "2 of 24 given labels");
}

#[test]
fn a_frame_without_given_labels_whose_lines_are_sorted_by_score_is_refused() {
    let mut rows = cleanlab();
    rows.sort_by(|left, right| right.1.total_cmp(&left.1));
    let bare: String = rows.iter().map(|(row, score, _)| format!("{},{score}\n", wrong(*row))).collect();
    refuses(&format!("is_label_issue,label_quality\n{bare}"), &plain(), "sorted by");
}

#[test]
fn label_codes_are_read_in_the_way_that_agrees_with_every_given_label_or_refused() {
    let correct = FlagOptions {
        correct_column: Some("predicted_label".into()),
        ..plain()
    };
    // Rows 1, 2 and 5 are early, on time and early; the alphabet has early, late, on time; the sheet late, early, on time.
    let coded = |codes: [u8; 3], said: u8| {
        let line = |row: u32| format!("{},{},{said}\n", 10_001 + row, codes[usize::from(label(row))]);
        format!("Order No,given_label,predicted_label\n{}{}{}", line(1), line(2), line(5))
    };
    let corrections = |text: &str, options: &FlagOptions| {
        find(text, options, &index(Some("Order No")), None)
            .map(|(found, notes)| (found.training.iter().map(|flag| flag.correction).collect::<Vec<_>>(), notes))
    };
    let (found, notes) = corrections(&coded([0, 2, 1], 1), &correct).unwrap();
    assert_eq!(found, [Some(2), Some(2), Some(2)]);
    let note = notes.iter().find(|note| note.code == "label-codes").unwrap();
    assert!(note.done.contains("alphabet") && note.done.contains("1 is late"), "{note:?}");
    let (found, notes) = corrections(&coded([1, 2, 0], 0), &correct).unwrap();
    assert_eq!(found, [Some(2), Some(2), Some(2)]);
    assert!(notes.iter().any(|note| note.done.contains("order of the sheet")), "{notes:?}");
    let (found, _) = corrections(&coded([0, 1, 2], 2), &correct).unwrap();
    assert_eq!(found, [Some(2), Some(2), Some(2)]);
    // Counted from 1, and as numbers with decimals.
    let (found, _) = corrections(&coded([1, 3, 2], 2).replace(",2\n", ",2.0\n"), &correct).unwrap();
    assert_eq!(found, [Some(2), Some(2), Some(2)]);
    // No way of counting: refused. Given labels of one class only leave open what the others are called: refused, unless it is stated.
    refuses(&coded([2, 0, 1], 1), &correct, "whichever way the classes are counted");
    let one = "Order No,given_label,predicted_label\n10002,0,1\n10006,0,1\n";
    let error = refuses(one, &correct, "the sheet does not show what they mean");
    assert!(error.hint_text().unwrap().contains("--label-codes"), "{error}");
    let stated = FlagOptions {
        label_codes: Some(parse_codes("0=early,1=late,2=on time").unwrap()),
        ..correct.clone()
    };
    assert_eq!(corrections(one, &stated).unwrap().0, [Some(2), Some(2)]);
    refuses(
        "Order No,given_label\n10002,0\n10003,7\n",
        &plain(),
        "`7` is given as the given label but is not a class",
    );
    assert!(parse_codes("0:early").is_err() && parse_codes("0=a,0=b").is_err());
}

#[test]
fn numbers_of_numpy_and_indices_of_pandas_name_the_rows_they_mean() {
    let numpy = |offset: f64| {
        WRONG
            .map(|row| format!("{:.18e}\n", f64::from(row) + offset).replace('e', "e+0"))
            .concat()
    };
    // Rust writes e1 where numpy writes e+01.
    assert!(numpy(0.0).contains("1.100000000000000000e+01"), "{}", numpy(0.0));
    finds(
        &numpy(0.0),
        &FlagOptions {
            numbering: Some(Numbering::FromZero),
            ..plain()
        },
    );
    finds(&numpy(10_001.0), &plain());
    finds(&format!("Order No\n{}", numpy(10_001.0)), &plain());
    let keys = WRONG.map(|row| format!("{}\n", 10_001 + row)).concat();
    finds(&keys, &plain());
    // `Series.to_csv` of keys: the index counts the lines of the file and is no row number.
    let series: String = WRONG
        .iter()
        .enumerate()
        .map(|(line, row)| format!("{line},{}\n", 10_001 + row))
        .collect();
    finds(&format!(",0\n{series}"), &plain());
    finds(&format!(",Order No\n{series}"), &plain());
    let reset: String = WRONG
        .iter()
        .enumerate()
        .map(|(line, row)| format!("{line},{},x\n", 0.1 + f64::from(*row)))
        .collect();
    refuses(&format!(",weight,why\n{reset}"), &plain(), "not clear how the flag file names rows");
    // Keys in a constant formula, which exports write to keep leading zeros.
    finds(
        &format!("Order No\n{}", WRONG.map(|row| format!("\"=\"\"{}\"\"\"\n", 10_001 + row)).concat()),
        &plain(),
    );
}

#[test]
fn row_numbers_whose_given_labels_disagree_in_one_line_are_refused() {
    let line = |row: u32| format!("{row},{}\n", ["early", "on time", "late"][usize::from(label(row))]);
    let stated = FlagOptions {
        numbering: Some(Numbering::FromZero),
        ..plain()
    };
    finds(&format!("row,given_label\n{}", WRONG.map(line).concat()), &stated);
    let one_off = format!("row,given_label\n{}3,early\n", WRONG.map(line).concat());
    refuses(&one_off, &stated, "1 of 5 given labels");
}

#[test]
fn a_key_that_only_the_sheet_knows_names_its_rows() {
    let column = |cell: &dyn Fn(u32) -> String| (0..ROWS).map(|row| Some(cell(row))).collect::<Vec<_>>();
    let sheet = |first: u32| {
        Table::new("orders.csv", ROWS as usize)
            .with_column("Order No", column(&|row| (first + row).to_string()))
            .and_then(|table| table.with_column("Tracking", column(&|row| format!("T{}", 900 - row))))
            .and_then(|table| table.with_column("Mode", column(&|row| ["Air", "Sea"][row as usize % 2].to_owned())))
            .unwrap()
    };
    let flags = format!("Tracking,Mode\n{}", WRONG.map(|row| format!("T{},Air\n", 900 - row)).concat());
    for key in [Some("Order No"), None] {
        for stated in [None, Some("Tracking".to_owned())] {
            let options = FlagOptions { key: stated, ..plain() };
            let (found, notes) = find(&flags, &options, &index(key), Some(&sheet(10_001))).unwrap();
            assert_eq!(found.positions(), WRONG);
            assert!(notes.has("other-key"), "{notes:?}");
        }
    }
    // Not the sheet of the model: refused.
    let error = find(&flags, &plain(), &index(Some("Order No")), Some(&sheet(50_001))).unwrap_err();
    assert!(error.message().contains("not those that the model was trained on"), "{error}");
    assert!(find(&flags, &plain(), &index(Some("Order No")), None).is_err());
}

#[test]
fn ticks_of_every_kind_mark_lines_and_two_columns_of_them_are_refused() {
    for tick in ["x", "X", "ja", "oui", "sí", "✓", "✔", "☑", "1", "TRUE", "yes", "wrong", "error"] {
        let marked = lines(|row| format!("{},{}", 10_001 + row, if wrong(row) { tick } else { "" }));
        finds(&format!("Order No,Check\n{marked}"), &plain());
        finds(
            &format!("Order No,what\n{marked}"),
            &FlagOptions {
                flag_column: Some("what".into()),
                ..plain()
            },
        );
    }
    let both = lines(|row| format!("{},x,x", 10_001 + row));
    refuses(&format!("Order No,wrong?,error\n{both}"), &plain(), "both `wrong?` and `error`");
    let unclear = lines(|row| format!("{},{}", 10_001 + row, if wrong(row) { "maybe" } else { "" }));
    refuses(
        &format!("Order No,what\n{unclear}"),
        &FlagOptions {
            flag_column: Some("what".into()),
            ..plain()
        },
        "`maybe` does not say",
    );
}

#[test]
fn the_column_of_flags_is_no_input_of_the_model() {
    let marked = lines(|row| format!("{},{}", 10_001 + row, u8::from(wrong(row))));
    let stated = FlagOptions {
        flag_column: Some("Odd".into()),
        ..plain()
    };
    let error = refuses(&format!("Order No,Odd\n{marked}"), &stated, "trained with it as an input");
    assert!(error.hint_text().unwrap().contains("--leave-out \"Odd\""), "{error}");
}

/// 120 orders with a column of ticks; `changed` gives cells of the label column other than usual.
fn orders(folder: &Path, name: &str, changed: &dyn Fn(usize) -> Option<&'static str>, key: bool) {
    let mut sheet = String::from(if key { "Order No," } else { "" }) + "Order Date,Mode,Weight,Checked by,wrong?,Status\n";
    for row in 0..120 {
        if key {
            sheet += &format!("{},", 70_001 + row);
        }
        let status = changed(row).unwrap_or(["late", "on time", "on time"][row % 3]);
        sheet += &format!(
            "2024-{:02}-{:02},{},{},{},{},{status}\n",
            1 + row / 28,
            1 + row % 28,
            ["Air", "Sea", "Rail"][row % 3],
            row * 37 % 91,
            ["x", ""][usize::from(row % 2 == 0)],
            if row % 40 == 3 { "x" } else { "" },
        );
    }
    std::fs::write(folder.join(name), sheet).unwrap();
}

#[test]
fn a_sheet_with_ticks_is_trained_on_without_them_and_a_corrected_copy_gives_the_flags() {
    let here = tempfile::tempdir().unwrap();
    let at = here.path();
    orders(at, "orders.csv", &|_| None, true);
    let fix = |row: usize| {
        [(6, "on time"), (7, "late"), (9, "")]
            .into_iter()
            .find(|(wrong, _)| *wrong == row)
            .map(|(_, status)| status)
    };
    orders(at, "corrected.csv", &fix, true);
    let output = works(
        at,
        &[&TRAIN_ON_STATUS[..], &["orders.csv", "--key", "Order No", "--out", "m"]].concat(),
    );
    let said = text(&output);
    assert!(said.contains("`wrong?` (it marks rows as wrong"), "{said}");
    let repair = ["repair", "--model", "m", "--method", "assd"];
    let record = json(at, &[&repair[..], &["--corrected", "corrected.csv", "--out", "r"]].concat());
    assert_eq!(
        (record["flags"]["used"].as_u64(), record["flags"]["with_correction"].as_u64()),
        (Some(3), Some(2))
    );
    // Nothing corrected, and nothing named: refused.
    let output = recant(at, &[&repair[..], &["--corrected", "orders.csv", "--out", "r2"]].concat());
    assert!(
        text(&output).contains("no row of the corrected sheet has another label"),
        "{}",
        text(&output)
    );
    let output = recant(at, &[&repair[..], &["--out", "r2"]].concat());
    assert_eq!(output.status.code(), Some(2));
    // Without a key, rows are matched by their order, and a sheet in another order is refused.
    orders(at, "bare.csv", &|_| None, false);
    orders(at, "bare-corrected.csv", &fix, false);
    works(at, &[&TRAIN_ON_STATUS[..], &["bare.csv", "--out", "mb"]].concat());
    let repair = ["repair", "--model", "mb", "--method", "assd", "--data", "bare.csv"];
    let record = json(at, &[&repair[..], &["--corrected", "bare-corrected.csv", "--out", "rb"]].concat());
    assert_eq!(record["flags"]["used"].as_u64(), Some(3));
    let bare = std::fs::read_to_string(at.join("bare-corrected.csv")).unwrap();
    let mut shuffled: Vec<&str> = bare.lines().collect();
    shuffled[1..].sort_by_key(|line| line.len() * 31 % 7);
    std::fs::write(at.join("shuffled.csv"), shuffled.join("\n")).unwrap();
    let output = recant(at, &[&repair[..], &["--corrected", "shuffled.csv", "--out", "rc"]].concat());
    assert!(text(&output).contains("not in the order of"), "{}", text(&output));
    // Flags in the sheet itself are found by their name.
    let record = json(
        at,
        &[
            "repair",
            "--model",
            "m",
            "--flags",
            "orders.csv",
            "--data",
            "orders.csv",
            "--out",
            "r3",
        ],
    );
    assert_eq!(record["flags"]["used"].as_u64(), Some(3), "{}", record["flags"]);
    // A column may be kept from the model by hand.
    let sees = |model: &str, extra: &[&str]| {
        works(
            at,
            &[&TRAIN_ON_STATUS[..], &["orders.csv", "--key", "Order No", "--out", model], extra].concat(),
        );
        std::fs::read_to_string(at.join(model).join("features.json"))
            .unwrap()
            .contains("Checked by =")
    };
    assert!(sees("m2", &[]) && !sees("m3", &["--leave-out", "Checked by"]));
}

#[test]
fn the_worksheet_that_holds_the_flags_is_found_or_stated() {
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("flags.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let mut add = |name: &str, cells: &[&[&str]]| {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        for (row, cells) in cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                sheet.write_string(row as u32, column as u16, *cell).unwrap();
            }
        }
    };
    add("Read me", &[&["Topic", "Text"], &["what", "flags"]]);
    add("March", &[&["Order No", "wrong"], &["10003", "x"], &["10004", ""], &["10006", "x"]]);
    add("Notes", &[&["a", "b"], &["1", "2"]]);
    book.save(&path).unwrap();
    let index = index(Some("Order No"));
    let find = |sheet: Option<&str>, options: &FlagOptions, path: &Path| {
        let mut notes = Notes::new();
        let reading = ReadOptions {
            sheet: sheet.map(str::to_owned),
            ..ReadOptions::default()
        };
        let source = FlagSource {
            place: FlagPlace::File { path, reading: &reading },
            options,
            index: &index,
            label: None,
            inputs: &[],
            sheet: None,
            sheet_columns: None,
        };
        flags::find(&source, &mut notes).map(|(_, found)| (found.positions(), notes))
    };
    let stated = FlagOptions {
        flag_column: Some("wrong".into()),
        ..plain()
    };
    for options in [&plain(), &stated] {
        let (positions, notes) = find(None, options, &path).unwrap();
        assert_eq!(positions, [2, 5]);
        assert!(notes.has("flags-sheet"), "{notes:?}");
        assert_eq!(find(Some("March"), options, &path).unwrap().0, [2, 5]);
        assert!(find(Some("Notes"), options, &path).is_err());
    }
    let mut add = |name: &str, key: &str| {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        sheet.write_string(0, 0, "Order No").unwrap();
        sheet.write_string(1, 0, key).unwrap();
    };
    add("April", "10009");
    book.save(&path).unwrap();
    let error = find(None, &plain(), &path).unwrap_err();
    assert!(error.message().contains("`March` and `April`"), "{error}");
    assert!(error.hint_text().unwrap().contains("--flags-sheet \"March\""), "{error}");
}
