//! Sheets that cannot be learned from: each refusal names cause, place and a way out, and nothing panics.

use proptest::prelude::*;
use recant::Error;
use recant::features::{Filters, LabelRule, Others, Overrides, Profile, encode_all, inspect, leakage_audit, prepare};
use recant::notes::Notes;
use recant::tables::Table;

/// A sheet of `rows` rows: a key, a date, a number, a category and a label that depends on the category.
fn sheet(rows: usize) -> Table {
    let column = |cell: &dyn Fn(usize) -> String| (0..rows).map(|row| Some(cell(row))).collect::<Vec<_>>();
    Table::new("orders.csv", rows)
        .with_column("id", column(&|row| format!("A{row}")))
        .unwrap()
        .with_column(
            "ordered",
            column(&|row| format!("2018-{:02}-{:02}", row / 28 % 12 + 1, row % 28 + 1)),
        )
        .unwrap()
        .with_column("amount", column(&|row| format!("{}", row * 7919 % 101)))
        .unwrap()
        .with_column("lane", column(&|row| ["north", "south", "east"][row * 31 % 3].to_owned()))
        .unwrap()
        .with_column(
            "late",
            column(&|row| if row * 31 % 3 == 0 && row % 5 > 0 { "yes" } else { "no" }.to_owned()),
        )
        .unwrap()
}

fn changed(table: &Table, column: &str, cell: impl Fn(usize) -> Option<&'static str>) -> Table {
    table
        .with_column(column, (0..table.height()).map(|row| cell(row).map(str::to_owned)).collect())
        .unwrap()
}

fn profile() -> Profile {
    let overrides = Overrides {
        label: Some("late".to_owned()),
        key: Some("id".to_owned()),
        time: Some("ordered".to_owned()),
        ..Overrides::default()
    };
    let mut profile = Profile::load("generic").unwrap().with(&overrides).unwrap();
    profile.features.rare = 2;
    profile
}

fn refused(table: &Table, profile: &Profile) -> Error {
    let error = prepare(table, profile, &mut Notes::new()).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error
}

#[test]
fn the_plain_sheet_is_fine() {
    let mut notes = Notes::new();
    let prepared = prepare(&sheet(300), &profile(), &mut notes).unwrap();
    assert_eq!(prepared.profile.label.classes(), ["no", "yes"]);
    assert!(
        prepared.features.names().contains(&"lane = north".to_owned()),
        "{:?}",
        prepared.features.names()
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_label_column_that_is_absent_or_misspelt_is_named_with_the_closest_one() {
    let mut profile = profile();
    profile.label = LabelRule::column("lete");
    let error = refused(&sheet(50), &profile);
    assert!(
        error.message().contains("`lete`") && error.hint_text().unwrap().contains("`late`"),
        "{error} {:?}",
        error.hint_text()
    );
    let mut dataco = Profile::load("dataco").unwrap();
    dataco.key = None;
    let error = refused(&sheet(50), &dataco);
    assert!(
        error.message().contains("Order Id") && error.hint_text().unwrap().contains("group column"),
        "{error} {:?}",
        error.hint_text()
    );
}

#[test]
fn the_generic_profile_without_a_label_asks_for_one() {
    let error = refused(&sheet(50), &Profile::load("generic").unwrap());
    assert!(error.message().contains("no label column is named") && error.hint_text().unwrap().contains("--label"));
}

#[test]
fn a_time_column_without_dates_is_refused_with_its_name() {
    let error = refused(&changed(&sheet(100), "ordered", |_| Some("soon")), &profile());
    assert!(format!("{error}").contains("ordered"), "{error}");
    let error = refused(&changed(&sheet(100), "ordered", |_| None), &profile());
    assert!(error.message().contains("`ordered` is blank in every usable row"), "{error}");
}

#[test]
fn rows_without_a_date_or_a_label_are_left_out_and_counted() {
    let table = changed(&sheet(100), "ordered", |row| if row % 10 == 0 { None } else { Some("2018-03-01") });
    let table = changed(&table, "late", |row| if row % 4 == 1 { None } else { Some(["no", "yes"][row % 2]) });
    let mut notes = Notes::new();
    let prepared = prepare(&table, &profile(), &mut notes).unwrap();
    let left: Vec<usize> = prepared.left_out.iter().map(|entry| entry.rows).collect();
    assert_eq!(left, [25, 10]);
    assert!(notes.has("rows-left-out"));
}

#[test]
fn one_class_only_is_refused_in_the_sheet_and_in_the_training_rows() {
    let error = refused(&changed(&sheet(100), "late", |_| Some("no")), &profile());
    assert!(error.message().contains("all rows have the same class"), "{error}");
    // The other class comes up in the last days only.
    let error = refused(
        &changed(&sheet(100), "late", |row| Some(if row >= 90 { "yes" } else { "no" })),
        &profile(),
    );
    assert!(error.message().contains("training rows have the same class `no`"), "{error}");
}

#[test]
fn a_class_that_never_occurs_in_training_is_noted() {
    let mut notes = Notes::new();
    let table = changed(&sheet(300), "late", |row| {
        Some(if row >= 290 {
            "lost"
        } else if row % 3 == 0 {
            "yes"
        } else {
            "no"
        })
    });
    prepare(&table, &profile(), &mut notes).unwrap();
    assert!(
        notes
            .iter()
            .any(|note| note.code == "class-absent" && note.found.contains("no training row has class `lost`"))
    );
}

/// A filter on `lane`.
fn filter(entries: &str) -> Filters {
    let profile = format!("name = \"p\"\n[label]\nkind = \"column\"\ncolumn = \"late\"\n[[filter]]\ncolumn = \"lane\"\n{entries}");
    Profile::from_toml(&profile).unwrap().filter
}

#[test]
fn a_filter_that_leaves_nothing_says_what_the_column_holds() {
    let mut profile = profile();
    profile.filter = filter("values = [\"west\"]");
    let error = refused(&sheet(100), &profile);
    assert!(
        error.message().contains("`north`, `east`, `south`") || error.message().contains("`north`, `south`, `east`"),
        "{error}"
    );
}

#[test]
fn a_filter_keeps_and_leaves_out_what_it_says() {
    for (filter, kept) in [
        ("values = [\"North\"]", 100),
        ("except = [\"north\"]", 200),
        ("values = [\"north\", \"south\"]\nexcept = [\"south\"]", 100),
    ] {
        let mut profile = profile();
        profile.filter = self::filter(filter);
        profile.label = LabelRule::column("grade");
        let table = changed(&sheet(300), "grade", |row| Some(["a", "b"][row % 2]));
        let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
        let rows = prepared.train.len() + prepared.validation.map_or(0, |part| part.len()) + prepared.test.len();
        assert_eq!((rows, prepared.left_out[0].rows), (kept, 300 - kept), "{filter}");
    }
}

#[test]
fn constant_features_only_are_refused() {
    let mut table = sheet(100);
    for column in ["amount", "lane"] {
        table = changed(&table, column, |_| Some("7"));
    }
    let mut profile = profile();
    profile.time = None;
    let table = table.without(&["ordered"]);
    let error = refused(&table, &profile);
    assert!(error.message().contains("no column of the sheet can be a feature"), "{error}");
    profile.features.others = Others::Drop;
    profile.features.numeric = vec!["nothing".to_owned()];
    let error = refused(&table, &profile);
    assert!(
        error.message().contains("none of the columns that profile `generic` uses"),
        "{error}"
    );
}

#[test]
fn tiny_sheets_are_refused_or_trained_on_with_a_warning_but_never_panic() {
    for rows in 0..12 {
        let mut notes = Notes::new();
        match prepare(&sheet(rows), &profile(), &mut notes) {
            Ok(_) => assert!(notes.has("few-rows")),
            Err(error) => assert_eq!(error.exit_code(), 2, "{error}"),
        }
        let _ = leakage_audit(&sheet(rows), &profile(), &mut Notes::new());
        let inspection = inspect(&sheet(rows), None, &Overrides::default(), &mut Notes::new()).unwrap();
        Profile::from_toml(&inspection.profile_toml).unwrap();
    }
}

#[test]
fn ten_thousand_categories_become_the_frequent_ones_and_other() {
    let rows = 20_000;
    let cells = (0..rows)
        .map(|row| {
            Some(if row % 4 == 0 {
                format!("city {}", row % 50)
            } else {
                format!("city {row}")
            })
        })
        .collect();
    let table = sheet(rows).with_column("city", cells).unwrap();
    let mut profile = profile();
    profile.features.categorical = vec!["city".to_owned()];
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    let inputs: Vec<&String> = prepared
        .features
        .names()
        .iter()
        .filter(|name| name.starts_with("city = "))
        .collect();
    assert!(inputs.len() <= 101 && inputs.len() > 20, "{}", inputs.len());
    assert!(inputs.contains(&&"city = (other)".to_owned()));
    // Left to itself the profile takes the column for free text.
    profile.features.categorical.clear();
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    let city = prepared.columns.iter().find(|entry| entry.column == "city").unwrap();
    assert!(city.why.contains("different values"), "{city:?}");
}

#[test]
fn blank_and_repeated_keys_are_noted_and_every_row_keeps_a_name() {
    let table = changed(&sheet(100), "id", |row| match row {
        3 => None,
        row if row < 10 => Some("same"),
        _ => Some("other"),
    });
    let mut notes = Notes::new();
    let prepared = prepare(&table, &profile(), &mut notes).unwrap();
    assert!(notes.has("blank-keys") && notes.has("duplicate-keys"));
    assert!(prepared.train.keys.contains(&"row 5".to_owned()));
}

#[test]
fn without_a_key_column_rows_are_named_by_their_number_in_the_sheet() {
    let mut profile = profile();
    profile.key = None;
    let prepared = prepare(&sheet(100), &profile, &mut Notes::new()).unwrap();
    assert_eq!(prepared.train.keys[0], (prepared.train.table_rows[0] + 2).to_string());
}

#[test]
fn without_a_time_column_test_rows_are_drawn_by_the_seed() {
    let mut profile = profile();
    profile.time = None;
    let test_rows = |profile: &Profile| prepare(&sheet(300), profile, &mut Notes::new()).unwrap().test.table_rows;
    let first = test_rows(&profile);
    assert!((55..=65).contains(&first.len()), "{}", first.len());
    assert_eq!(first, test_rows(&profile));
    profile.split.seed = 1;
    assert_ne!(first, test_rows(&profile));
}

#[test]
fn columns_that_give_the_label_away_are_left_out_by_the_generic_profile() {
    let rows = 600;
    let table = sheet(rows);
    let copy = (0..rows)
        .map(|row| table.cell(row, "late").unwrap().map(|label| format!("was {label}")))
        .collect();
    let table = table.with_column("remark", copy).unwrap();
    let mut profile = profile();
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    let remark = prepared.columns.iter().find(|entry| entry.column == "remark").unwrap();
    assert!(remark.why.contains("gives the label away"), "{remark:?}");
    profile.features.drop_leaks = false;
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    assert!(prepared.features.names().iter().any(|name| name.starts_with("remark")));
}

#[test]
fn a_test_sheet_of_its_own_is_encoded_whole_and_in_its_order() {
    let prepared = prepare(&sheet(300), &profile(), &mut Notes::new()).unwrap();
    let test_sheet = changed(&sheet(40), "late", |row| if row == 7 { None } else { Some(["no", "yes"][row % 2]) });
    let (part, left_out) = encode_all(&test_sheet, &prepared.profile, &prepared.features, &mut Notes::new()).unwrap();
    assert_eq!(part.table_rows, (0..40).filter(|row| *row != 7).collect::<Vec<_>>());
    assert_eq!(left_out.iter().map(|entry| entry.rows).sum::<usize>(), 1);
    let transformed = prepared
        .features
        .transform(&test_sheet.take(&part.table_rows), &mut Notes::new())
        .unwrap();
    assert_eq!(part.inputs, transformed.inputs);
}

#[test]
fn dates_written_as_numbers_are_taken_for_dates() {
    let table = sheet(200);
    let plain = (0..200)
        .map(|row| Some(format!("2018{:02}{:02}", row / 28 % 12 + 1, row % 28 + 1)))
        .collect();
    let table = table.with_column("ordered", plain).unwrap();
    let inspection = inspect(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
    let profile = Profile::from_toml(&inspection.profile_toml).unwrap();
    assert_eq!(profile.time.unwrap().column, "ordered");
    assert_eq!(inspection.time_span, Some(("2018-01-01".to_owned(), "2018-08-04".to_owned())));
}

/// Cells that sheets have been seen to hold.
fn odd_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("NaN".to_owned()),
        Just("1e308".to_owned()),
        Just("-1e308".to_owned()),
        Just("#N/A".to_owned()),
        Just("=1+1".to_owned()),
        Just("31/1/2018".to_owned()),
        Just("1/31/2018 9:30".to_owned()),
        Just("20180131".to_owned()),
        Just("a \"quoted\" \\ back\nslash".to_owned()),
        Just("\u{1F4E6}\u{0301}".to_owned()),
        Just("a@b.de".to_owned()),
        (0_u8..4).prop_map(|number| number.to_string()),
        (-1000.0_f64..1000.0).prop_map(|number| number.to_string()),
        "[a-c]{1,2}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_sheet_makes_the_room_panic_and_every_proposed_profile_loads(
        names in proptest::collection::btree_set("(id|order date|late|label|status|Name|actual days|planned days|[a-z\"\\\\]{1,4})", 1..7),
        cells in proptest::collection::vec(proptest::collection::vec(odd_cell(), 40), 7),
        height in 1_usize..40,
        one_kind in proptest::collection::vec(any::<bool>(), 7),
    ) {
        let mut table = Table::new("odd.csv", height);
        for (place, name) in names.iter().enumerate() {
            let cell = |row: usize| if one_kind[place] { (row * (place + 3) % 7).to_string() } else { cells[place][row].clone() };
            table = table.with_column(name, (0..height).map(|row| Some(cell(row))).collect()).unwrap();
        }
        let inspection = inspect(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
        let proposed = Profile::from_toml(&inspection.profile_toml).unwrap();
        for label in &names {
            let overrides = Overrides { label: Some(label.clone()), ..Overrides::default() };
            let generic = Profile::load("generic").unwrap().with(&overrides).unwrap();
            for profile in [&proposed, &generic] {
                match prepare(&table, profile, &mut Notes::new()) {
                    Ok(prepared) => {
                        prop_assert!(prepared.train.inputs.iter().chain(&prepared.test.inputs).all(|value| value.is_finite()));
                        prepared.features.check().unwrap();
                        // Rows that training left out, for want of a label, say, may hold more cells that cannot be read: a clear error then.
                        if let Err(error) = prepared.features.transform(&table, &mut Notes::new()) {
                            prop_assert_eq!(error.exit_code(), 2, "{}", error);
                        }
                    }
                    Err(error) => prop_assert_eq!(error.exit_code(), 2, "{}", error),
                }
            }
        }
    }
}
