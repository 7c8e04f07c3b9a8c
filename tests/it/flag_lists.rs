//! Lists that a person went through: they name rows that are right, too, and only the wrong ones may be repaired.

use recant::label_errors::flags::{self, FlagOptions, FlagPlace, FlagSource, RowEntry, RowIndex, hash_key};
use recant::notes::Notes;
use recant::tables::{ReadOptions, Table};

use crate::flag_cases::{ROWS, WRONG, find, finds, index, label, lines, plain, refuses, wrong};

/// A line for each row: its key, and one of two words.
fn judged(column: &str, bad: &str, good: &str) -> String {
    let marked = lines(|row| format!("{},{}", 10_001 + row, if wrong(row) { bad } else { good }));
    format!("Order No,{column}\n{marked}")
}

#[test]
fn words_for_wrong_and_right_say_it_under_any_name() {
    for (column, bad, good) in [
        ("result", "wrong", "ok"),
        ("Bewertung", "falsch", "richtig"),
        ("verdict", "Fehler", "in Ordnung"),
        ("check", "x", ""),
        ("chyba", "ano", "ne"),
        ("not ok", "1", "0"),
        ("wrong", "MM", ""),
        ("Fehler?", "<--", ""),
        ("anomaly", "True", "False"),
    ] {
        let notes = finds(&judged(column, bad, good), &plain());
        assert!(notes.has("flag-column-found"), "{column}: {notes:?}");
    }
}

#[test]
fn ticks_under_a_name_for_right_mark_the_rows_that_are_right() {
    for (column, bad, good) in [
        ("label ok", "no", "yes"),
        ("correct", "0", "1"),
        ("Label korrekt?", "nein", "ja"),
        ("valid", "False", "True"),
    ] {
        finds(&judged(column, bad, good), &plain());
        let mask = lines(|row| (if wrong(row) { bad } else { good }).to_owned());
        let notes = finds(&format!("{column}\n{mask}"), &plain());
        assert!(notes.has("ticks-are-right"), "{column}: {notes:?}");
    }
    // Only what is right is ticked: the others may not have been looked at.
    refuses(&judged("ok", "", "x"), &plain(), "may say which lines");
}

#[test]
fn what_may_say_which_lines_are_wrong_and_is_not_clear_is_refused() {
    for (column, bad, good) in [
        ("remark", "x", ""),
        ("outlier", "-1", "1"),
        ("paid", "yes", "no"),
        ("wrong", "2", "0"),
        ("wrong", "\u{1f44e}", "\u{1f44d}"),
        ("Bemerkung", "falsch", ""),
        ("error type", "typo of the clerk", ""),
        ("checked", "", "x"),
        ("Comment", "typo", ""),
    ] {
        let error = refuses(&judged(column, bad, good), &plain(), "may say which lines");
        assert!(error.hint_text().unwrap().contains(&format!("--flag-column \"{column}")), "{error}");
    }
    let scores = lines(|row| format!("{},0.{}", 10_001 + row, 10 + row));
    refuses(&format!("Order No,p_wrong\n{scores}"), &plain(), "may say which lines");
    // Remarks and columns with one word for all lines say nothing.
    let remarks = WRONG
        .map(|row| format!("{},late because of snow {row},wrong\n", 10_001 + row))
        .concat();
    finds(&format!("Order No,remark,what\n{remarks}"), &plain());
}

#[test]
fn a_column_that_divides_the_lines_in_words_of_its_own_is_refused_and_its_hint_works() {
    for (column, bad, good) in [
        ("Audit", "failed", "passed"),
        ("Remark", "wrong carrier", "checked"),
        ("Remark", "booked twice", ""),
        ("review", "\u{274c}", "\u{2705}"),
        ("判定", "NG", "合格"),
        ("Finding", "wrong date", "none"),
        ("Days off", "3", "0"),
        ("set", "forget", "retain"),
        ("Corrected on", "2018-10-01", ""),
        ("Error code", "E12", "E00"),
        ("a=b", "u", "v"),
    ] {
        let list = judged(column, bad, good);
        let error = refuses(&list, &plain(), "may say which lines");
        let hint = error.hint_text().unwrap();
        let stated = hint.split('"').nth(1).unwrap().to_owned();
        assert!(hint.contains("`--worst 100%`"), "{hint}");
        finds(
            &list,
            &FlagOptions {
                flag_column: Some(stated),
                ..plain()
            },
        );
    }
    let other = FlagOptions {
        flag_column: Some("Audit=lost".into()),
        ..plain()
    };
    refuses(&judged("Audit", "failed", "passed"), &other, "no line of the flag file has `lost`");
}

#[test]
fn lists_that_tell_why_and_by_whom_are_lists_of_wrong_rows() {
    let listed = |cell: &dyn Fn(usize) -> &'static str| -> String {
        let line = |(place, row): (usize, &u32)| format!("{},{}\n", 10_001 + row, cell(place));
        WRONG.iter().enumerate().map(line).collect()
    };
    let two: &dyn Fn(usize) -> &'static str = &|place| ["typo", "wrong depot"][place % 2];
    finds(&format!("Order No,Reason\n{}", listed(two)), &plain());
    finds(&format!("Order No,Booked by\n{}", listed(two)), &plain());
    let some: &dyn Fn(usize) -> &'static str = &|place| ["see mail", "", "", ""][place];
    let list = format!("Order No,Comment\n{}", listed(some));
    refuses(&list, &plain(), "may say which lines");
    finds(
        &list,
        &FlagOptions {
            worst: Some(recant::label_errors::Amount::ShareOfTraining(1.0)),
            ..plain()
        },
    );
}

#[test]
fn labels_under_a_name_that_says_nothing_are_refused_until_it_is_said_whose_they_are() {
    const CLASSES: [&str; 3] = ["early", "on time", "late"];
    let name = |row: u32, other: bool| CLASSES[(usize::from(label(row)) + usize::from(other)) % 3];
    let list = lines(|row| format!("{},{}", 10_001 + row, name(row, wrong(row))));
    let list = format!("Order No,real\n{list}");
    let error = refuses(&list, &plain(), "holds classes");
    assert!(error.hint_text().unwrap().contains("--correct-column \"real\""), "{error}");
    finds(
        &list,
        &FlagOptions {
            correct_column: Some("real".into()),
            ..plain()
        },
    );
    // Of wrong rows alone, all of which should have one label.
    let one = WRONG.map(|row| format!("{},LATE\n", 10_001 + row)).concat();
    refuses(&format!("Order No,etat\n{one}"), &plain(), "holds classes");
    // Correct labels of the wrong rows alone: the others may be wrong, too.
    let some = lines(|row| format!("{},{}", 10_001 + row, if wrong(row) { name(row, true) } else { "" }));
    let some = format!("Order No,new status\n{some}");
    refuses(&some, &plain(), "whether the lines without one are wrong");
    finds(
        &some,
        &FlagOptions {
            flag_column: Some("new status=*".into()),
            correct_column: Some("new status".into()),
            ..plain()
        },
    );
}

#[test]
fn columns_of_the_sheet_say_nothing_about_the_flags() {
    let column = |cell: &dyn Fn(u32) -> String| (0..ROWS).map(|row| Some(cell(row))).collect::<Vec<_>>();
    let sheet = Table::new("orders.csv", ROWS as usize)
        .with_column("Order No", column(&|row| (10_001 + row).to_string()))
        .and_then(|table| table.with_column("paid", column(&|row| ["yes", "no"][row as usize % 2].to_owned())))
        .unwrap();
    let rows = WRONG
        .map(|row| format!("{},{}\n", 10_001 + row, ["yes", "no"][row as usize % 2]))
        .concat();
    let (found, _) = find(&format!("Order No,paid\n{rows}"), &plain(), &index(Some("Order No")), Some(&sheet)).unwrap();
    assert_eq!(found.positions(), WRONG);
}

#[test]
fn a_column_of_corrected_labels_leaves_right_rows_alone() {
    const CLASSES: [&str; 3] = ["early", "on time", "late"];
    let name = |row: u32, other: bool| CLASSES[(usize::from(label(row)) + usize::from(other)) % 3];
    for column in ["true label", "new status", "korrigiert", "should be"] {
        let listed = lines(|row| format!("{},{}", 10_001 + row, name(row, wrong(row))));
        let notes = finds(&format!("Order No,{column}\n{listed}"), &plain());
        assert!(notes.has("correct-column-found"), "{column}: {notes:?}");
    }
    let both = lines(|row| format!("{},{},{}", 10_001 + row, name(row, false), name(row, wrong(row))));
    finds(&format!("Order No,old label,new label\n{both}"), &plain());
}

#[test]
fn correct_labels_are_read_under_names_of_many_languages_and_told_where_they_are_no_classes() {
    const CLASSES: [&str; 3] = ["early", "on time", "late"];
    for column in ["正解", "Correto", "更正", "Richtig", "poprawiony status"] {
        let listed = lines(|row| {
            let class = usize::from(label(row)) + usize::from(wrong(row));
            format!("{},{}", 10_001 + row, CLASSES[class % 3])
        });
        let notes = finds(&format!("Order No,{column}\n{listed}"), &plain());
        assert!(notes.has("correct-column-found"), "{column}: {notes:?}");
    }
    let foreign = WRONG.map(|row| format!("{},Atrasado\n", 10_001 + row)).concat();
    for column in ["Correto", "truth", "正解"] {
        let notes = finds(&format!("Order No,{column}\n{foreign}"), &plain());
        assert!(notes.has("correct-column-unread"), "{column}: {notes:?}");
    }
}

#[test]
fn keys_in_one_line_and_with_signs_around_them_are_keys() {
    let keys = WRONG.map(|row| (10_001 + row).to_string());
    for line in [keys.join(","), format!("[{}]", keys.join(", ")), keys.join("; ")] {
        let notes = finds(&line, &plain());
        assert!(notes.has("flags-in-one-line"), "{notes:?}");
    }
    let loose = FlagOptions {
        loose_keys: true,
        ..plain()
    };
    finds(&keys.clone().map(|key| format!("'{key}',\n")).concat(), &loose);
    finds(&format!("Order No\n{}", keys.map(|key| format!("#{key}\n")).concat()), &loose);
}

/// 12 rows in orders of two, known by order only, and their sheet with a column that counts the rows of an order.
fn orders() -> (RowIndex, Table) {
    orders_known_by(Some("Order"))
}

fn orders_known_by(group: Option<&str>) -> (RowIndex, Table) {
    let entry = |row: u32| RowEntry {
        key: 0,
        group: group.map(|_| hash_key(&format!("B{}", row / 2))),
        table_row: row,
        sheet_row: row + 2,
        label: Some((row % 2) as u8),
    };
    let parts = [(0..12).map(entry).collect(), vec![], vec![], vec![]];
    let classes = ["on time", "late"].map(str::to_owned).to_vec();
    let index = RowIndex::new(None, group.map(str::to_owned), classes, String::new(), parts).unwrap();
    let column = |cell: &dyn Fn(u32) -> String| (0..12).map(|row| Some(cell(row))).collect::<Vec<_>>();
    let sheet = Table::new("orders.csv", 12)
        .with_column("Order", column(&|row| format!("B{}", row / 2)))
        .and_then(|table| table.with_column("Line", column(&|row| (row % 2 + 1).to_string())))
        .unwrap();
    (index, sheet)
}

#[test]
fn a_line_that_names_an_item_of_an_order_flags_that_item_alone() {
    let (index, sheet) = orders();
    let flagged = "Order,Line\nB0,2\nB3,1\n";
    let (found, notes) = find(flagged, &plain(), &index, Some(&sheet)).unwrap();
    assert_eq!(found.positions(), [1, 6]);
    assert!(notes.has("flags-within-groups"), "{notes:?}");
    // A model that knows no orders finds them by the two columns, whichever comes first.
    let (nameless, sheet_of_both) = orders_known_by(None);
    for flagged in [flagged, "Line,Order,Comment\n2,B0,see mail\n1,B3,see mail\n"] {
        let (found, notes) = find(flagged, &plain(), &nameless, Some(&sheet_of_both)).unwrap();
        assert_eq!(found.positions(), [1, 6]);
        assert!(notes.has("flags-within-groups"), "{notes:?}");
    }
    let error = find("Order\nB0\nB3\n", &plain(), &nameless, Some(&sheet_of_both)).unwrap_err();
    assert!(error.hint_text().unwrap().contains("`--key \"Order\"` flags every row"), "{error}");
    let whole = FlagOptions {
        key: Some("Order".into()),
        ..plain()
    };
    let (found, _) = find("Order\nB0\nB3\n", &whole, &nameless, Some(&sheet_of_both)).unwrap();
    assert_eq!(found.positions(), [0, 1, 6, 7]);
    // Without the sheet all rows of the orders are flagged, and that is said.
    let (found, notes) = find(flagged, &plain(), &index, None).unwrap();
    assert_eq!(found.positions(), [0, 1, 6, 7]);
    assert!(notes.has("flags-by-group"), "{notes:?}");
}

#[test]
fn whole_rows_under_a_key_that_repeats_flag_these_rows_alone() {
    let entry = |row: u32| RowEntry {
        key: hash_key(&format!("B{}", row / 2)),
        group: None,
        table_row: row,
        sheet_row: row + 2,
        label: Some((row % 2) as u8),
    };
    let parts = [(0..12).map(entry).collect(), vec![], vec![], vec![]];
    let classes = ["on time", "late"].map(str::to_owned).to_vec();
    let index = RowIndex::new(Some("Order".to_owned()), None, classes, String::new(), parts).unwrap();
    let column = |cell: &dyn Fn(u32) -> String| (0..12).map(|row| Some(cell(row))).collect::<Vec<_>>();
    // Neither the region nor the number of pieces tells the rows of an order apart everywhere.
    let sheet = Table::new("orders.csv", 12)
        .with_column("Order", column(&|row| format!("B{}", row / 2)))
        .and_then(|table| table.with_column("Region", column(&|row| ["North", "South", "South"][row as usize % 3].to_owned())))
        .and_then(|table| table.with_column("Pieces", column(&|row| (row / 3 % 2).to_string())))
        .unwrap();
    let (found, notes) = find("Order,Region,Pieces\nB0,South,0\nB1,North,1\n", &plain(), &index, Some(&sheet)).unwrap();
    assert_eq!(found.positions(), [1, 3], "{notes:?}");
    assert!(notes.has("flags-within-groups"), "{notes:?}");
    // A cell that was changed: the order alone names rows, and that is told.
    let (found, notes) = find("Order,Region,Pieces\nB0,East,0\n", &plain(), &index, Some(&sheet)).unwrap();
    assert_eq!(found.positions(), [0, 1]);
    assert!(notes.has("shared-key") && notes.has("flags-changed-rows"), "{notes:?}");
    // One such line among others is not in the sheet; the others flag their rows.
    let changed = "Order,Region,Pieces\nB0,South,0\nB1,North,1\nB2,East,1\n";
    let (found, notes) = find(changed, &plain(), &index, Some(&sheet)).unwrap();
    assert_eq!(found.positions(), [1, 3], "{notes:?}");
    assert!(
        found
            .counts
            .ignored
            .iter()
            .any(|ignored| ignored.reason.contains("not in the training sheet"))
    );
}

#[test]
fn ids_that_lost_digits_are_no_keys() {
    let first = 900_719_925_474_099_300_u64;
    let entry = |row: u32| RowEntry {
        key: hash_key(&(first + u64::from(row)).to_string()),
        group: None,
        table_row: row,
        sheet_row: row + 2,
        label: Some((row % 2) as u8),
    };
    let parts = [(0..200).map(entry).collect(), vec![], vec![], vec![]];
    let classes = ["on time", "late"].map(str::to_owned).to_vec();
    let index = RowIndex::new(Some("Id".to_owned()), None, classes, String::new(), parts).unwrap();
    let whole: String = [5, 17, 44].map(|row: u64| format!("{}\n", first + row)).concat();
    assert_eq!(
        find(&format!("Id\n{whole}"), &plain(), &index, None).unwrap().0.positions(),
        [5, 17, 44]
    );
    let rounded: String = [5_u64, 17, 150].map(|row| format!("{:.0}\n", (first + row) as f64)).concat();
    let error = find(&format!("Id\n{rounded}"), &plain(), &index, None).unwrap_err();
    assert!(error.message().contains("lost their last digits"), "{error}");
}

#[test]
fn the_name_of_an_array_is_no_line_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags.npy");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let mut header = "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }".to_owned();
    header.push_str(&" ".repeat(117 - header.len()));
    header.push('\n');
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    WRONG.iter().for_each(|row| bytes.extend(i64::from(*row).to_le_bytes()));
    std::fs::write(&path, bytes).unwrap();
    let index = index(Some("Order No"));
    let options = FlagOptions {
        numbering: Some(flags::Numbering::FromZero),
        ..plain()
    };
    let source = FlagSource {
        place: FlagPlace::File {
            path: &path,
            reading: &ReadOptions::default(),
        },
        options: &options,
        index: &index,
        label: None,
        inputs: &["Weight"],
        sheet: None,
        sheet_columns: None,
    };
    let (_, found) = flags::find(&source, &mut Notes::new()).unwrap();
    assert_eq!(found.positions(), WRONG);
}
