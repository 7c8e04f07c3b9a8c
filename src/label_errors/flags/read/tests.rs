use proptest::prelude::*;

use super::super::{KeyHash, RowEntry, hash_key, resolve};
use super::*;
use crate::features::prepare;
use crate::label_errors::testing::{orders, profile};

/// The index of 40 made-up orders with keys `i00001`, ..., and their table.
fn orders_index() -> (Table, RowIndex) {
    let table = orders(60);
    let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    let index = RowIndex::from_prepared(&table, &prepared, KeyHash::default()).unwrap();
    (table, index)
}

/// 12 training rows with keys 101..112 (or none), labels a, b, c by turns, first data row in row 2 of the sheet.
fn numbered_index(key: Option<&str>) -> RowIndex {
    let entry = |row: u32| RowEntry {
        key: hash_key(&(101 + row).to_string()),
        group: None,
        table_row: row,
        sheet_row: row + 2,
        label: Some((row % 3) as u8),
    };
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let parts = [(0..12).map(entry).collect(), vec![], vec![], vec![]];
    RowIndex::new(key.map(str::to_owned), None, classes, String::new(), parts).unwrap()
}

/// A CSV file read as any other.
fn csv(text: &str) -> (Table, Notes) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags.csv");
    std::fs::write(&path, text).unwrap();
    let mut notes = Notes::new();
    let table = crate::tables::read(&path, &ReadOptions::default(), &mut notes).unwrap();
    (table, notes)
}

fn read_as(text: &str, options: &FlagOptions, index: &RowIndex) -> Result<(Vec<u32>, String, Notes)> {
    let (table, mut notes) = csv(text);
    let read = from_table(table, options, index, None, &mut notes)?;
    let resolved = resolve(&read.file, index, &mut notes)?;
    Ok((resolved.positions(), resolved.counts.addressed_by, notes))
}

fn options(change: impl FnOnce(&mut FlagOptions)) -> FlagOptions {
    let mut options = FlagOptions::default();
    change(&mut options);
    options
}

#[test]
fn every_form_of_flag_file_is_read_to_the_same_rows() {
    let plain = FlagOptions::default;
    let numbered = |numbering| options(|options| options.numbering = Some(numbering));
    let keyed = |key: &str| options(|options| options.key = Some(key.to_owned()));
    let all_lines = |flags: &str| {
        let lines: Vec<String> = (0..12)
            .map(|row| format!("{}\n", flags.split('|').nth(usize::from([1, 4, 6].contains(&row))).unwrap()))
            .collect();
        lines.concat()
    };
    // Rows 1, 4 and 6 (labels b, b, a) are wrong; the model's key column is `Order Item Id`.
    let cases: Vec<(&str, String, FlagOptions)> = vec![
        ("keys", "Order Item Id\n102\n105\n107\n".into(), plain()),
        (
            "keys under another spelling of the name",
            "order_item_id\n102\n105\n107\n".into(),
            plain(),
        ),
        ("keys as Excel numbers", "Order Item Id\n102.0\n105.0\n107.0\n".into(), plain()),
        ("keys under a stated name", "what;id\nx;102\ny;105\nz;107\n".into(), keyed("id")),
        (
            "keys in a different order and twice",
            "Order Item Id\n107\n102\n105\n102\n".into(),
            plain(),
        ),
        (
            "keys with a flag column",
            "Order Item Id,wrong?\n101,0\n102,1\n105,yes\n106,\n107,X\n".into(),
            options(|options| options.flag_column = Some("wrong?".into())),
        ),
        ("sheet rows by name", "sheet_row\n3\n6\n8\n".into(), plain()),
        (
            "row numbers as seen in the sheet",
            "row\n3\n6\n8\n".into(),
            numbered(Numbering::Sheet),
        ),
        ("row numbers from 1", "row\n2\n5\n7\n".into(), numbered(Numbering::FromOne)),
        ("row numbers from 0", "row\n1\n4\n6\n".into(), numbered(Numbering::FromZero)),
        (
            "row numbers from 0 without header",
            "1\n4\n6\n".into(),
            numbered(Numbering::FromZero),
        ),
        (
            "row numbers under a stated name",
            "n,why\n1,a\n4,b\n6,c\n".into(),
            options(|options| {
                options.numbering = Some(Numbering::FromZero);
                options.key = Some("n".into());
            }),
        ),
        (
            "cleanlab, one line per row",
            format!(
                "is_label_issue,label_quality,given_label,predicted_label\n{}",
                all_lines("False,0.9,,0|True,0.1,,2")
            ),
            plain(),
        ),
        (
            "cleanlab Datalab with the index that pandas writes",
            {
                let lines: Vec<String> = (0..12)
                    .map(|row| {
                        format!(
                            "{row},{},0.5,{},0\n",
                            if [1, 4, 6].contains(&row) { "True" } else { "False" },
                            row % 3
                        )
                    })
                    .collect();
                format!(",is_label_issue,label_score,given_label,predicted_label\n{}", lines.concat())
            },
            plain(),
        ),
        (
            "cleanlab indices with given labels",
            "index,is_label_issue,given_label\n1,True,1\n4,True,1\n6,True,0\n".into(),
            plain(),
        ),
        (
            "cleanlab scores, the worst",
            "Order Item Id,label_score\n101,0.9\n102,0.01\n103,0.8\n105,0.2\n107,0.03\n".into(),
            options(|options| options.worst = Some(Amount::Rows(3))),
        ),
        (
            "cleanlab scores, a share",
            "Order Item Id,label_quality\n101,0.9\n102,0.01\n103,0.8\n105,0.2\n107,0.03\n".into(),
            options(|options| options.worst = Some(Amount::ShareOfTraining(0.6))),
        ),
        (
            "cleanlab scores, a cut",
            "Order Item Id,label_quality\n101,0.9\n102,0.01\n103,0.8\n105,0.2\n107,0.03\n".into(),
            options(|options| options.score_cut = Some(0.2)),
        ),
        (
            "Cleanlab Studio scores, high is bad",
            "Order Item Id,label_issue_score\n101,0.1\n102,0.99\n103,0.2\n105,0.8\n107,0.97\n".into(),
            options(|options| options.score_cut = Some(0.8)),
        ),
        (
            "Cleanlab Studio",
            {
                let lines: Vec<String> = (0..12)
                    .map(|row| format!("{},{},{}\n", row + 1, [1, 4, 6].contains(&row), 0.5))
                    .collect();
                format!("cleanlab_row_ID,is_label_issue,label_issue_score\n{}", lines.concat())
            },
            numbered(Numbering::FromOne),
        ),
    ];
    for (what, text, options) in cases {
        let (positions, ..) =
            read_as(&text, &options, &numbered_index(Some("Order Item Id"))).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(positions, [1, 4, 6], "{what}");
    }
}

#[test]
fn a_model_without_a_key_column_takes_row_numbers_and_no_keys() {
    let index = numbered_index(None);
    let (positions, by, _) = read_as(
        "nr\n12\n3\n",
        &options(|options| options.numbering = Some(Numbering::FromOne)),
        &index,
    )
    .unwrap();
    assert_eq!((positions, by.as_str()), (vec![2, 11], "row numbers, the first data row is 1"));
    // 0 and 12 leave no way of counting; 0 and 11 one.
    assert_eq!(read_as("nr\n0\n11\n", &FlagOptions::default(), &index).unwrap().0, [0, 11]);
    assert!(read_as("nr\n0\n12\n", &FlagOptions::default(), &index).is_err());
    let error = read_as("id,why\nx,1\n", &options(|options| options.key = Some("id".into())), &index).unwrap_err();
    assert!(error.message().contains("without a key column"), "{error}");
    assert!(error.hint_text().unwrap().contains("--row-numbers sheet"));
}

#[test]
fn what_could_mean_two_things_is_an_error_that_lists_the_options() {
    let index = numbered_index(Some("Order Item Id"));
    let cases = [
        // 7 could be a row by any way of counting.
        ("row\n7\n8\n", "not clear where counting starts", "--row-numbers from-1"),
        // 103 is a key, 3 is not: keys or row numbers?
        ("nr\n103\n3\n", "not clear how the flag file names rows", "--key \"nr\""),
        (
            "Order Itm,why\n103,x\n",
            "not clear how the flag file names rows",
            "--key \"Order Itm\"",
        ),
        (
            "some,thing\n103,x\n",
            "not clear how the flag file names rows",
            "the columns are `some`, `thing`",
        ),
        (
            "Order Item Id,label_quality\n103,0.1\n",
            "does not say which of them are wrong",
            "--worst 5%",
        ),
        (
            "is_label_issue\nTrue\nFalse\n",
            "2 lines where the sheet has 12 rows",
            "--key COLUMN",
        ),
    ];
    for (text, message, hint) in cases {
        let error = read_as(text, &FlagOptions::default(), &index).unwrap_err();
        assert!(error.message().contains(message), "{text}: {error}");
        assert!(
            error.hint_text().unwrap_or_default().contains(hint),
            "{text}: {:?}",
            error.hint_text()
        );
        assert!(error.place().unwrap().contains("flags.csv"), "{text}: {error}");
    }
}

#[test]
fn stated_columns_that_are_not_there_and_cells_that_mean_nothing_are_errors_with_their_place() {
    let index = numbered_index(Some("Order Item Id"));
    let text = "Order Item Id,Wrong,given_label\n101,1,a\n102,maybe,b\n";
    let with = |change: fn(&mut FlagOptions)| read_as(text, &options(change), &index).unwrap_err();
    let error = with(|options| options.flag_column = Some("Wrng".into()));
    assert_eq!(error.hint_text(), Some("closest match is `Wrong`"));
    let error = with(|options| options.flag_column = Some("Wrong".into()));
    assert!(error.message().contains("`maybe` does not say"), "{error}");
    assert!(error.place().unwrap().ends_with("row 3, column \"Wrong\""), "{error}");
    assert!(with(|options| options.key = Some("Id".into())).message().contains("`Id` not found"));
    assert!(
        with(|options| options.given_column = Some("x".into()))
            .message()
            .contains("`x` not found")
    );
    assert!(
        with(|options| options.worst = Some(Amount::Rows(1)))
            .message()
            .contains("no column of scores")
    );
    let error = with(|options| options.numbering = Some(Numbering::FromOne));
    assert!(error.message().contains("not clear which column"), "{error}");
}

#[test]
fn given_and_correct_labels_come_with_the_flags() {
    let index = numbered_index(Some("Order Item Id"));
    let (table, mut notes) = csv("Order Item Id,given_label,correct_label,predicted_label\n101,a,b,c\n102,b,,c\n");
    let read = from_table(table, &FlagOptions::default(), &index, None, &mut notes).unwrap();
    assert_eq!(read.file.flags[0].given.as_deref(), Some("a"));
    assert_eq!(read.file.flags[0].correct.as_deref(), Some("b"));
    assert_eq!(read.file.flags[1].correct, None);
    assert_eq!(read.file.sha256.len(), 64);
    let stated = options(|options| options.correct_column = Some("predicted_label".into()));
    let (table, mut notes) = csv("Order Item Id,given_label,correct_label,predicted_label\n101,a,b,c\n102,b,,c\n");
    let read = from_table(table, &stated, &index, None, &mut notes).unwrap();
    assert_eq!(read.file.flags[1].correct.as_deref(), Some("c"));
}

#[test]
fn a_first_line_that_is_no_header_counts_as_a_flag_and_is_said_so() {
    let index = numbered_index(Some("Order Item Id"));
    let stated = options(|options| options.numbering = Some(Numbering::Sheet));
    let (positions, _, notes) = read_as("2\n3\n13\n", &stated, &index).unwrap();
    assert_eq!(positions, [0, 1, 11]);
    assert!(notes.has("flags-without-header"));
    let (_, index) = orders_index();
    let train = index.part(super::super::Part::Train)[3].table_row as usize;
    let key = format!("i{:05}", train + 1);
    let (positions, by, notes) = read_as(&format!("{key}\n"), &FlagOptions::default(), &index).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((positions, by), (vec![3], format!("key column `{key}`")));
    assert!(notes.has("flags-without-header"));
}

#[test]
fn lines_listed_as_wrong_and_as_fine_contradict_each_other() {
    let index = numbered_index(Some("Order Item Id"));
    let (table, mut notes) = csv("Order Item Id,is_label_issue\n101,True\n102,True\n102,False\n103,False\n");
    let read = from_table(table, &FlagOptions::default(), &index, None, &mut notes).unwrap();
    assert_eq!(read.file.contradicted.iter().collect::<Vec<_>>(), ["102"]);
    assert_eq!(resolve(&read.file, &index, &mut notes).unwrap().positions(), [0]);
}

#[test]
fn a_flag_column_in_the_sheet_itself_and_full_rows_are_checked_by_their_computed_label() {
    let (table, index) = orders_index();
    let rule = profile().label;
    let wanted: Vec<u32> = vec![2, 5, 9];
    let rows: Vec<usize> = wanted
        .iter()
        .map(|position| index.entries()[*position as usize].table_row as usize)
        .collect();
    let marks = (0..table.height()).map(|row| rows.contains(&row).then(|| "x".to_owned())).collect();
    let marked = table.with_column("Wrong", marks).unwrap();
    let stated = options(|options| options.flag_column = Some("Wrong".into()));
    let mut notes = Notes::new();
    let read = from_table(marked.clone(), &stated, &index, Some(&rule), &mut notes).unwrap();
    assert!(read.file.flags.iter().all(|flag| flag.given.is_some()));
    let resolved = resolve(&read.file, &index, &mut notes).unwrap();
    assert_eq!(resolved.positions(), wanted);
    assert!(read.missing_columns(&["Market", "Price"]).is_empty());
    assert_eq!(read.missing_columns(&["Market", "Pryce"]), ["Pryce"]);
    // The lines of the flags carry all cells of the sheet.
    let flags: Vec<usize> = resolved.training.iter().map(|flag| flag.flag).collect();
    let lines = read.rows(&flags);
    for (line, row) in rows.iter().enumerate() {
        assert_eq!(lines.cell(line, "Item").unwrap(), table.cell(*row, "Item").unwrap());
    }
    // The same without a key column: one line for each row, in order.
    let keyless = marked.without(&["Item", "Order"]);
    let read = from_table(keyless, &stated, &index, Some(&rule), &mut notes).unwrap();
    assert_eq!(resolve(&read.file, &index, &mut notes).unwrap().positions(), wanted);
    // Rows of another label than the model's are ignored.
    let changed = marked.with_changed_cells("Actual", &[(rows[0], "99".to_owned())]).unwrap();
    let late = changed.with_changed_cells("Actual", &[(rows[0], "0".to_owned())]).unwrap();
    let computed = |table: &Table| rule.labels(table, &mut Notes::new()).unwrap()[rows[0]];
    let other = if computed(&changed) == computed(&marked) { late } else { changed };
    let read = from_table(other, &stated, &index, Some(&rule), &mut notes).unwrap();
    assert_eq!(resolve(&read.file, &index, &mut notes).unwrap().positions(), wanted[1..]);
}

#[test]
fn a_list_of_orders_flags_all_their_rows() {
    let (table, index) = orders_index();
    let row = index.entries()[4].table_row as usize;
    let order = table.cell(row, "Order").unwrap().unwrap();
    let (positions, by, _) = read_as(&format!("Order\n{order}\n"), &FlagOptions::default(), &index).unwrap();
    assert!(by.starts_with("group column `Order`"));
    let expected: Vec<u32> = (0..index.part(super::super::Part::Train).len() as u32)
        .filter(|position| {
            let row = index.entries()[*position as usize].table_row as usize;
            table.cell(row, "Order").unwrap().as_deref() == Some(order.as_str())
        })
        .collect();
    assert!(expected.contains(&4));
    assert_eq!(positions, expected);
}

proptest! {
    #[test]
    fn any_table_is_read_or_refused(
        names in prop::collection::btree_set(prop::sample::select(vec![
            "Order Item Id", "row", "Column A", "is_label_issue", "label_score", "label_issue_score", "given_label", "correct_label", "x", "17",
        ]), 1..5),
        cells in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![
            "", "0", "1", "101", "112", "0101", "101.0", "True", "False", "0.5", "a", "b", "d", "x", "-1", "99999999999999999999", "é",
        ]), 5), 0..8),
        key in prop::option::of(prop::sample::select(vec!["Order Item Id", "row", "x"])),
        numbering in prop::option::of(prop::sample::select(vec![Numbering::Sheet, Numbering::FromOne, Numbering::FromZero])),
        score_cut in prop::option::of(prop::sample::select(vec![0.0, 0.5, f64::NAN, f64::INFINITY])),
        worst in prop::option::of(prop::sample::select(vec![Amount::Rows(2), Amount::Rows(usize::MAX), Amount::ShareOfTraining(0.5)])),
        loose_keys in any::<bool>(),
        has_key in any::<bool>(),
    ) {
        let index = numbered_index(has_key.then_some("Order Item Id"));
        let mut table = Table::new("flags.csv", cells.len());
        for (place, name) in names.iter().enumerate() {
            let column = cells.iter().map(|row| (!row[place].is_empty()).then(|| row[place].to_owned())).collect();
            table = table.with_column(name, column).map_err(|error| TestCaseError::fail(error.to_string()))?;
        }
        let options = FlagOptions { key: key.map(str::to_owned), numbering, score_cut, worst, loose_keys, ..FlagOptions::default() };
        let mut notes = Notes::new();
        let found = from_table(table, &options, &index, None, &mut notes).and_then(|read| resolve(&read.file, &index, &mut notes));
        match found {
            Ok(found) => {
                let ignored: usize = found.counts.ignored.iter().map(|ignored| ignored.count).sum();
                prop_assert_eq!(found.counts.flagged, found.training.len() + ignored);
                prop_assert!(!found.training.is_empty() && found.training.len() < 12);
            }
            Err(error) => prop_assert_eq!(error.exit_code(), 2, "{}", error),
        }
    }
}

/// Where the classes themselves are yes and no, `is_correct` may say which rows are right.
#[test]
fn a_column_that_may_ask_whether_a_row_is_right_is_not_taken_for_labels() {
    let entry = |row: u32| RowEntry {
        key: hash_key(&(101 + row).to_string()),
        group: None,
        table_row: row,
        sheet_row: row + 2,
        label: Some((row % 2) as u8),
    };
    let parts = [(0..12).map(entry).collect(), vec![], vec![], vec![]];
    let index = RowIndex::new(
        Some("id".to_owned()),
        None,
        ["no", "yes"].map(str::to_owned).to_vec(),
        String::new(),
        parts,
    )
    .unwrap();
    let file = |name: &str| {
        let lines: String = (0..12)
            .map(|row| format!("{},{}\n", 101 + row, if row == 5 { "no" } else { "yes" }))
            .collect();
        format!("id,{name}\n{lines}")
    };
    // No column of the file is one of the sheet.
    let read = |name: &str, options: &FlagOptions| {
        let (table, mut notes) = csv(&file(name));
        let read = of_table(table, options, &index, (None, &|_| false), &mut notes)?;
        Ok::<_, crate::Error>((resolve(&read.file, &index, &mut notes)?.positions(), notes))
    };
    for name in ["is_correct", "label ok", "Correct?", "correct"] {
        let error = read(name, &FlagOptions::default()).unwrap_err();
        let hint = error.hint_text().unwrap();
        assert!(
            hint.contains(&format!("--flag-column \"{name}=no\"")) && hint.contains("--correct-column"),
            "{hint}"
        );
    }
    let stated = options(|options| options.flag_column = Some("is_correct=no".to_owned()));
    assert_eq!(read("is_correct", &stated).unwrap().0, [5]);
    assert!(read("true label", &FlagOptions::default()).unwrap().1.has("correct-column-found"));
}
