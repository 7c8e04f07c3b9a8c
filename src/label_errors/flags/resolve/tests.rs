use super::super::{RowEntry, hash_key};
use super::*;

/// 20 rows: keys 0100..0119, orders of two rows, labels by turns; rows 0..12 train (in reverse), 12..14 validation, 14..18 test, rest left out.
/// The header is in row 4 of the sheet.
fn index() -> RowIndex {
    let entry = |row: u32| RowEntry {
        key: hash_key(&format!("{:04}", 100 + row)),
        group: Some(hash_key(&format!("order {}", row / 2))),
        table_row: row,
        sheet_row: row + 5,
        label: (row < 18).then_some((row % 3) as u8),
    };
    RowIndex::new(
        Some("id".to_owned()),
        Some("order".to_owned()),
        ["Early", "On time", "Late"].map(str::to_owned).to_vec(),
        "the filter keeps COMPLETE orders only".to_owned(),
        [
            (0..12).rev().map(entry).collect(),
            (12..14).map(entry).collect(),
            (14..18).map(entry).collect(),
            (18..20).map(entry).collect(),
        ],
    )
    .unwrap()
}

fn flags(names: &[&str]) -> Vec<Flag> {
    names
        .iter()
        .enumerate()
        .map(|(line, name)| Flag {
            name: (*name).to_owned(),
            line: line + 2,
            table_row: Some(line),
            ..Flag::default()
        })
        .collect()
}

fn by_key(names: &[&str]) -> FlagFile {
    FlagFile {
        file: "flags.csv".to_owned(),
        sha256: String::new(),
        addressing: Addressing::Key { column: "id".to_owned() },
        flags: flags(names),
        fine: Vec::new(),
        contradicted: Default::default(),
        sorted_by: None,
        perhaps_corrected: false,
        label_codes: None,
        loose_keys: false,
    }
}

fn by_number(names: &[&str], numbering: Option<Numbering>) -> FlagFile {
    FlagFile {
        addressing: Addressing::RowNumbers { numbering },
        ..by_key(names)
    }
}

fn resolved(file: &FlagFile) -> (ResolvedFlags, Notes) {
    let mut notes = Notes::new();
    let result = resolve(file, &index(), &mut notes).unwrap();
    let counts = &result.counts;
    let ignored: usize = counts.ignored.iter().map(|ignored| ignored.count).sum();
    assert_eq!(counts.flagged, counts.used + ignored);
    assert_eq!(counts.used, result.training.len());
    assert_eq!(counts.per_class.iter().sum::<usize>(), counts.used);
    assert!(result.training.is_sorted_by(|left, right| left.position < right.position));
    (result, notes)
}

fn refused(file: &FlagFile) -> Error {
    resolve(file, &index(), &mut Notes::new()).unwrap_err()
}

#[test]
fn keys_are_found_as_positions_in_training_order() {
    let (found, notes) = resolved(&by_key(&["0111", "0100", "0105"]));
    assert_eq!(found.positions(), [0, 6, 11]);
    let rows: Vec<usize> = found.training.iter().map(|flag| flag.sheet_row).collect();
    assert_eq!(rows, [16, 10, 5]);
    assert_eq!(found.training[1].flag, 2);
    assert_eq!(found.counts.addressed_by, "key column `id`");
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn every_flag_is_used_or_ignored_with_its_reason() {
    let (found, notes) = resolved(&by_key(&["0100", "0100", "0115", "0116", "0112", "0118", "101", "zzz", ""]));
    assert_eq!(found.positions(), [11]);
    assert_eq!(
        (found.test.as_slice(), found.validation.as_slice()),
        ([1, 2].as_slice(), [0].as_slice())
    );
    let reasons: Vec<(&str, usize)> = found
        .counts
        .ignored
        .iter()
        .map(|ignored| (ignored.reason.as_str(), ignored.count))
        .collect();
    assert_eq!(
        reasons,
        [
            ("not in the training sheet as written, but it is with leading zeros", 1),
            ("not in the training sheet", 1),
            ("the line has no key", 1),
            ("flagged more than once; counted once", 1),
            ("in the validation part, which the model was not trained on", 1),
            ("in the test part, which the model was not trained on", 2),
            ("left out of training: the filter keeps COMPLETE orders only", 1),
        ]
    );
    assert_eq!(found.counts.ignored[0].examples, ["101 (sheet: 0101)"]);
    assert_eq!(found.counts.on_test_rows, 2);
    assert_eq!(notes.iter().filter(|note| note.code == "flags-ignored").count(), 7);
}

#[test]
fn loose_keys_are_taken_as_the_same_and_said_so() {
    let file = FlagFile {
        loose_keys: true,
        ..by_key(&["101", "102.0", " 0103"])
    };
    // `102.0` needs two steps at once and stays unknown.
    let (found, notes) = resolved(&file);
    assert_eq!(found.positions(), [8, 10]);
    assert!(notes.has("loose-keys"));
}

#[test]
fn a_group_flags_all_its_rows() {
    let file = FlagFile {
        addressing: Addressing::Group {
            column: "order".to_owned(),
        },
        ..by_key(&["order 0", "order 5", "order 6"])
    };
    let (found, _) = resolved(&file);
    assert_eq!(found.positions(), [0, 1, 10, 11]);
    assert_eq!((found.counts.flagged, found.validation.len()), (6, 2));
}

#[test]
fn stated_row_numbers_are_read_as_stated() {
    for (numbering, first) in [(Numbering::Sheet, "5"), (Numbering::FromOne, "1"), (Numbering::FromZero, "0")] {
        let (found, notes) = resolved(&by_number(&[first], Some(numbering)));
        assert_eq!(found.positions(), [11], "{numbering:?}");
        assert!(!notes.has("row-numbering"));
    }
}

/// Six rows with the given numbers in the sheet.
fn with_sheet_rows(sheet_rows: [u32; 6]) -> RowIndex {
    let entry = |row: usize| RowEntry {
        key: hash_key(&format!("{row}")),
        group: None,
        table_row: row as u32,
        sheet_row: sheet_rows[row],
        label: Some((row % 2) as u8),
    };
    let parts = [(0..6).map(entry).collect(), Vec::new(), Vec::new(), Vec::new()];
    RowIndex::new(
        Some("id".to_owned()),
        None,
        ["no", "yes"].map(str::to_owned).to_vec(),
        String::new(),
        parts,
    )
    .unwrap()
}

/// pandas counts a row of totals, and so may a person.
#[test]
fn row_numbers_beyond_rows_that_were_left_out_are_refused_unless_given_labels_bear_them_out() {
    let index = with_sheet_rows([2, 3, 4, 6, 7, 8]);
    let read = |names: &[&str], numbering| resolve(&by_number(names, Some(numbering)), &index, &mut Notes::new());
    assert_eq!(read(&["0", "2"], Numbering::FromZero).unwrap().positions(), [0, 2]);
    assert_eq!(read(&["2", "6"], Numbering::Sheet).unwrap().positions(), [0, 3]);
    for (name, numbering) in [("3", Numbering::FromZero), ("4", Numbering::FromOne)] {
        let error = read(&["1", name], numbering).unwrap_err();
        assert!(error.message().contains(&format!("row {name} comes after 1 row")), "{error}");
        assert!(error.hint_text().unwrap().contains("--row-numbers sheet"));
    }
    let mut labelled = by_number(&["1", "3"], Some(Numbering::FromZero));
    for flag in &mut labelled.flags {
        flag.given = Some("yes".to_owned());
    }
    assert_eq!(resolve(&labelled, &index, &mut Notes::new()).unwrap().positions(), [1, 3]);
}

#[test]
fn a_row_number_that_two_files_have_is_refused() {
    let index = with_sheet_rows([2, 3, 4, 2, 3, 5]);
    let read = |name: &str, numbering| resolve(&by_number(&[name], Some(numbering)), &index, &mut Notes::new());
    let error = read("3", Numbering::Sheet).unwrap_err();
    assert!(error.message().contains("row 3 is in more than one"), "{error}");
    assert_eq!(read("5", Numbering::Sheet).unwrap().positions(), [5]);
    assert_eq!(read("4", Numbering::FromZero).unwrap().positions(), [4]);
}

#[test]
fn row_numbers_that_can_mean_several_things_are_an_error_with_the_options() {
    let error = refused(&by_number(&["5", "7"], None));
    assert!(error.message().contains("not clear where counting starts"));
    let hint = error.hint_text().unwrap();
    for option in ["--row-numbers sheet", "--row-numbers from-1", "--row-numbers from-0"] {
        assert!(hint.contains(option), "{hint}");
    }
    // 2 cannot be a row as seen in the sheet, whose first data row is 5.
    let hint = refused(&by_number(&["2", "7"], None)).hint_text().unwrap().to_owned();
    assert!(!hint.contains("--row-numbers sheet") && hint.contains("from-1"), "{hint}");
}

#[test]
fn row_numbers_with_one_possible_meaning_are_read_so_and_said_so() {
    for (names, numbering) in [
        (["0", "7"], "the first data row is 0"),
        (["7", "23"], "as seen in the sheet"),
        (["1", "20"], "the first data row is 1"),
    ] {
        let (_, notes) = resolved(&by_number(&names, None));
        let note = notes.iter().find(|note| note.code == "row-numbering").unwrap();
        assert!(note.done.contains(numbering), "{names:?}: {}", note.done);
    }
    let error = refused(&by_number(&["0", "23"], None));
    assert!(error.message().contains("fits no way of counting"), "{error}");
}

#[test]
fn given_labels_settle_where_counting_starts_only_if_they_leave_one_way() {
    let with_given = |given: [&str; 3]| {
        let mut file = by_number(&["5", "7", "9"], None);
        for (flag, given) in file.flags.iter_mut().zip(given) {
            flag.given = Some(given.to_owned());
        }
        file
    };
    // Table rows 4, 6, 8 counting from 1; 5, 7, 9 from 0; 0, 2, 4 as seen in the sheet. Labels are row % 3.
    let (found, notes) = resolved(&with_given(["On time", "Early", "Late"]));
    assert_eq!(found.positions(), [3, 5, 7]);
    assert!(notes.iter().any(|note| note.found.contains("given labels")));
    // No way without a contradiction: nothing is ruled out.
    assert!(refused(&with_given(["Early", "Early", "Early"])).message().contains("not clear"));
}

#[test]
fn a_number_before_the_first_row_shows_that_counting_was_misstated() {
    let error = refused(&by_number(&["0", "3"], Some(Numbering::FromOne)));
    assert!(error.message().contains("row number 0"));
    assert!(error.hint_text().unwrap().contains("--row-numbers from-0"));
    let (found, _) = resolved(&by_number(&["1", "99"], Some(Numbering::FromOne)));
    assert_eq!(found.counts.ignored[0].reason, "no data row has this number in the training sheet");
    let error = refused(&by_number(&["1", "x7"], Some(Numbering::FromOne)));
    assert_eq!(error.place().unwrap(), "flags.csv, row 3");
}

#[test]
fn a_file_with_one_line_for_each_row_must_have_as_many_lines() {
    let line_by_line = |lines: usize| FlagFile {
        addressing: Addressing::LineByLine { lines },
        ..by_key(&["0", "11"])
    };
    assert_eq!(resolved(&line_by_line(20)).0.positions(), [0, 11]);
    let error = refused(&line_by_line(19));
    assert!(error.message().contains("19 lines where the sheet has 20 rows"), "{error}");
}

#[test]
fn flags_whose_given_label_differs_from_the_sheet_are_ignored_and_most_of_them_are_an_error() {
    let mut file = by_key(&["0100", "0101", "0102"]);
    for (flag, given) in file.flags.iter_mut().zip(["early", "ON TIME", "Early"]) {
        flag.given = Some(given.to_owned());
    }
    let (found, _) = resolved(&file);
    assert_eq!(found.positions(), [10, 11]);
    assert!(found.counts.ignored[0].reason.contains("given label"));
    file.flags[0].given = Some("Late".to_owned());
    let error = refused(&file);
    assert!(error.message().contains("2 of 3 given labels"), "{error}");
    assert_eq!(error.place().unwrap(), "flags.csv, row 2");
    file.flags[1].given = Some("Lat".to_owned());
    let error = refused(&file);
    assert_eq!(error.hint_text(), Some("closest match is `Late`"));
    assert_eq!(error.place().unwrap(), "flags.csv, row 3");
}

#[test]
fn correct_labels_are_kept_and_those_equal_to_the_sheet_unflag_the_row() {
    let mut file = by_key(&["0100", "0101", "0102", "0103", "0103"]);
    for (flag, correct) in file.flags.iter_mut().zip(["Late", "On time", "", "Late", "On time"]) {
        flag.correct = (!correct.is_empty()).then(|| correct.to_owned());
    }
    let (found, notes) = resolved(&file);
    let corrections: Vec<(u32, Option<u8>)> = found.training.iter().map(|flag| (flag.position, flag.correction)).collect();
    assert_eq!(corrections, [(8, None), (9, None), (11, Some(2))]);
    assert_eq!(found.counts.with_correction, 1);
    assert!(notes.has("contradictory-corrections"));
    assert!(
        found
            .counts
            .ignored
            .iter()
            .any(|ignored| ignored.reason.contains("nothing is wrong"))
    );
}

#[test]
fn rows_listed_as_wrong_and_as_fine_are_ignored() {
    let mut file = by_key(&["0100", "0101"]);
    file.contradicted.insert("0101".to_owned());
    let (found, _) = resolved(&file);
    assert_eq!(found.positions(), [11]);
    assert_eq!(found.counts.ignored[0].reason, CONTRADICTED);
}

#[test]
fn nothing_flagged_and_everything_flagged_are_errors_and_more_than_half_is_a_warning() {
    assert!(refused(&by_key(&[])).message().contains("no row is flagged"));
    let all: Vec<String> = (100..112).map(|key| format!("0{key}")).collect();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    assert!(refused(&by_key(&names)).message().contains("all 12 training rows"));
    let (_, notes) = resolved(&by_key(&names[..7]));
    assert!(notes.has("most-rows-flagged"));
    let (_, notes) = resolved(&by_key(&names[..6]));
    assert!(!notes.has("most-rows-flagged"));
}

#[test]
fn flags_in_one_class_and_whole_classes_are_noted() {
    let (_, notes) = resolved(&by_key(&["0100", "0103"]));
    assert!(notes.has("flags-in-one-class") && !notes.has("class-all-flagged"));
    let (_, notes) = resolved(&by_key(&["0100", "0103", "0106", "0109"]));
    assert!(notes.has("class-all-flagged"));
    let (_, notes) = resolved(&by_key(&["0100"]));
    assert!(!notes.has("flags-in-one-class"));
}

#[test]
fn flags_of_which_none_can_be_used_are_an_error_that_says_why() {
    let error = refused(&by_key(&["101", "102"]));
    assert!(error.message().contains("with leading zeros"), "{error}");
    assert!(error.hint_text().unwrap().contains("--loose-keys"));
    let error = refused(&by_key(&["0114", "0115"]));
    assert!(error.message().contains("test part"), "{error}");
    let error = refused(&by_key(&["x", "y"]));
    assert!(error.hint_text().unwrap().contains("--key"));
}

#[test]
fn a_key_that_stands_in_several_rows_flags_them_all_and_says_so() {
    let entry = |row: u32| RowEntry {
        key: hash_key(&format!("k{}", row / 2)),
        group: None,
        table_row: row,
        sheet_row: row + 2,
        label: Some((row % 2) as u8),
    };
    let classes = ["a", "b"].map(str::to_owned).to_vec();
    let parts = [(0..6).map(entry).collect(), vec![], vec![], vec![]];
    let index = RowIndex::new(Some("id".to_owned()), None, classes, String::new(), parts).unwrap();
    let mut notes = Notes::new();
    let found = resolve(&by_key(&["k1"]), &index, &mut notes).unwrap();
    assert_eq!(found.positions(), [2, 3]);
    assert!(notes.has("shared-key"));
}

#[test]
fn an_index_refuses_rows_that_occur_twice_or_have_no_label() {
    let entry = |table_row: u32, label: Option<u8>| RowEntry {
        key: 1,
        group: None,
        table_row,
        sheet_row: table_row + 2,
        label,
    };
    let build = |train: Vec<RowEntry>| {
        let classes = ["a", "b"].map(str::to_owned).to_vec();
        RowIndex::new(None, None, classes, String::new(), [train, vec![], vec![], vec![]])
    };
    assert!(build(vec![entry(0, Some(0)), entry(1, Some(1))]).is_ok());
    assert!(build(vec![entry(0, Some(0)), entry(0, Some(1))]).is_err());
    assert!(build(vec![entry(0, Some(0)), entry(2, Some(1))]).is_err());
    assert!(build(vec![entry(0, Some(0)), entry(1, None)]).is_err());
    assert!(build(vec![entry(0, Some(0)), entry(1, Some(2))]).is_err());
}
