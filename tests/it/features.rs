//! Features of the DataCo file against the pandas peer, and what holds for any sheet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use recant::features::{FittedFeatures, LeakKind, Overrides, Part, Prepared, Profile, SplitBounds, apply, inspect, leakage_audit, prepare};
use recant::notes::Notes;
use recant::tables::{self, ReadOptions, Table};

/// The folder of the fixture that pandas made; see `make.py` there.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/paper_features")
}

/// The shared data folder: `RECANT_DATA`, else `../shared/data` beside the checkout; `None` (with a line saying so) where there is none.
fn shared_data(file: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("RECANT_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: `{}` is not there", path.display());
    None
}

fn read(path: &Path) -> Table {
    tables::read(path, &ReadOptions::default(), &mut Notes::new()).unwrap()
}

/// The shared DataCo file, read once.
fn dataco() -> Option<Table> {
    static TABLE: OnceLock<Option<Table>> = OnceLock::new();
    TABLE
        .get_or_init(|| shared_data("dataco/DataCoSupplyChainDataset.csv.gz").map(|path| read(&path)))
        .clone()
}

fn prepared(table: &Table, profile: &str) -> Prepared {
    prepare(table, &Profile::load(profile).unwrap(), &mut Notes::new()).unwrap()
}

/// A little-endian `.npy` file of format 1: shape, whether columns come first, and data.
fn npy(path: &Path) -> (Vec<usize>, bool, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let header_end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..header_end]).unwrap();
    let shape = header.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let shape = shape.split(',').filter_map(|size| size.trim().parse().ok()).collect();
    (shape, header.contains("'fortran_order': True"), bytes[header_end..].to_vec())
}

/// A matrix, row-major whatever the file has.
fn floats(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let (shape, by_column, bytes) = npy(path);
    let stored: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    let (rows, width) = (shape[0], shape[1]);
    assert_eq!(stored.len(), rows * width);
    let place = |row: usize, column: usize| if by_column { column * rows + row } else { row * width + column };
    let values = (0..rows).flat_map(|row| (0..width).map(move |column| place(row, column)));
    (shape, values.map(|place| stored[place]).collect())
}

fn integers(path: &Path) -> Vec<i64> {
    npy(path)
        .2
        .chunks_exact(8)
        .map(|eight| i64::from_le_bytes(eight.try_into().unwrap()))
        .collect()
}

/// Compares with what a pandas script wrote, column by column in the same order.
fn equals_pandas(prepared: &Prepared, folder: &Path) {
    let names = std::fs::read_to_string(folder.join("columns.txt")).unwrap();
    let expected: Vec<String> = names.lines().map(str::to_owned).collect();
    // pandas writes `Market_Europe`, and `Customer Zipcode_725.0` where a column has blanks.
    let ours: Vec<String> = prepared.features.names().iter().map(|name| name.replace(" = ", "_")).collect();
    let alike = |ours: &String, theirs: &String| ours == theirs || format!("{ours}.0") == *theirs;
    assert!(
        ours.len() == expected.len() && ours.iter().zip(&expected).all(|(a, b)| alike(a, b)),
        "{ours:?}\n{expected:?}"
    );
    for (part, name) in [(&prepared.train, "train"), (&prepared.test, "test")] {
        let (shape, values) = floats(&folder.join(format!("X_{name}.npy")));
        assert_eq!(shape, [part.len(), prepared.features.width()], "{name}");
        let worst = values.iter().zip(&part.inputs).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        assert!(worst <= 1e-6, "{name}: differs by {worst}");
        let labels: Vec<i64> = part.labels.iter().map(|label| i64::from(*label)).collect();
        assert_eq!(labels, integers(&folder.join(format!("y_{name}.npy"))), "{name}");
    }
}

#[test]
fn the_paper_profile_on_the_shared_file_gives_the_published_sizes_and_shares() {
    let Some(table) = dataco() else { return };
    let prepared = prepared(&table, "dataco-paper");
    assert_eq!(prepared.features.width(), 28);
    assert_eq!((prepared.train.len(), prepared.test.len()), (47_593, 11_898));
    let shares: Vec<f64> = prepared
        .class_shares
        .iter()
        .map(|share| (share * 1000.0).round() / 1000.0)
        .collect();
    assert_eq!(shares, [0.238, 0.188, 0.574]);
    assert!(prepared.validation.is_none());
    // Whoever has pandas can have its half minute's work compared: `make.py` in the fixture folder says what it does.
    match std::env::var_os("RECANT_PANDAS_FEATURES") {
        Some(folder) => equals_pandas(&prepared, Path::new(&folder)),
        None => println!("not compared with pandas: RECANT_PANDAS_FEATURES does not name a folder"),
    }
}

#[test]
fn the_audit_names_what_gives_dataco_delays_away_and_who_uses_it() {
    let Some(table) = dataco() else { return };
    let mut notes = Notes::new();
    let findings = leakage_audit(&table, &Profile::load("dataco-paper").unwrap(), &mut notes).unwrap();
    let found: Vec<(&str, LeakKind, bool)> = findings
        .iter()
        .map(|finding| (finding.column.as_str(), finding.kind, finding.dropped))
        .collect();
    let expected = [
        ("Delivery Status", LeakKind::ProxyColumn, true),
        ("Late_delivery_risk", LeakKind::Alone, false),
        ("shipping date (DateOrders)", LeakKind::Pair, false),
    ];
    assert_eq!(found, expected);
    assert!(findings.iter().all(|finding| finding.certain));
    assert!(notes.has("leaking-feature"));
    // The leak-free profile keeps its hands off all three.
    let dataco = Profile::load("dataco").unwrap();
    let dropped: Vec<&str> = dataco.dropped().map(|(column, _)| column).collect();
    assert!(found.iter().all(|(column, ..)| dropped.contains(column)));
}

#[test]
fn the_paper_profile_on_the_fixture_equals_pandas() {
    let prepared = prepared(&read(&fixture().join("orders.csv.gz")), "dataco-paper");
    assert_eq!(prepared.features.width(), 29);
    equals_pandas(&prepared, &fixture());
}

/// The fixture's sheet, whole.
fn orders() -> Table {
    read(&fixture().join("orders.csv.gz"))
}

/// A profile that suits the fixture and has every kind of feature.
fn small_profile() -> Profile {
    let mut profile = Profile::load("dataco").unwrap();
    profile.features.rare = 5;
    profile
}

/// The inputs of every row by its key.
fn by_key(part: &Part, width: usize) -> BTreeMap<String, Vec<f32>> {
    part.keys
        .iter()
        .cloned()
        .zip(part.inputs.chunks(width).map(<[f32]>::to_vec))
        .collect()
}

fn shuffled(table: &Table, seed: u64) -> Table {
    use rand::seq::SliceRandom;
    let mut rng = recant::seed::Seed(seed).stream("shuffle", 0);
    let mut rows: Vec<usize> = (0..table.height()).collect();
    rows.shuffle(&mut rng);
    let mut names = table.names().to_vec();
    names.shuffle(&mut rng);
    table.take(&rows).select(&names).unwrap()
}

#[test]
fn equal_sheets_give_equal_features_and_another_number_of_threads_changes_nothing() {
    let table = orders();
    let first = prepare(&table, &small_profile(), &mut Notes::new()).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let second = pool.install(|| prepare(&table, &small_profile(), &mut Notes::new()).unwrap());
    assert_eq!(first, second);
}

#[test]
fn shuffled_rows_and_columns_give_every_key_the_same_part_and_the_same_inputs() {
    let table = orders();
    let first = prepare(&table, &small_profile(), &mut Notes::new()).unwrap();
    for seed in 0..3 {
        let second = prepare(&shuffled(&table, seed), &small_profile(), &mut Notes::new()).unwrap();
        assert_eq!(first.features, second.features);
        let width = first.features.width();
        for (a, b) in [
            (&first.train, &second.train),
            (&first.test, &second.test),
            (first.validation.as_ref().unwrap(), second.validation.as_ref().unwrap()),
        ] {
            assert_eq!(by_key(a, width), by_key(b, width));
        }
    }
}

#[test]
fn what_stands_in_test_and_validation_rows_does_not_touch_the_encoders() {
    let table = orders();
    let first = prepare(&table, &small_profile(), &mut Notes::new()).unwrap();
    let held_out: Vec<usize> = first
        .test
        .table_rows
        .iter()
        .chain(&first.validation.as_ref().unwrap().table_rows)
        .copied()
        .collect();
    let mut changed = table.clone();
    for (column, value) in [
        ("Market", "Atlantis"),
        ("Shipping Mode", "By Balloon"),
        ("Order Item Discount", "1000000"),
        ("Order Item Total", ""),
    ] {
        let mut cells: Vec<Option<String>> = (0..table.height()).map(|row| table.cell(row, column).unwrap()).collect();
        for row in &held_out {
            cells[*row] = (!value.is_empty()).then(|| value.to_owned());
        }
        changed = changed.with_column(column, cells).unwrap();
    }
    let second = prepare(&changed, &small_profile(), &mut Notes::new()).unwrap();
    assert_eq!(first.features, second.features);
    assert_eq!(first.train, second.train);
    assert_ne!(first.test.inputs, second.test.inputs);
}

#[test]
fn rows_of_an_order_never_straddle_a_cut_and_training_comes_first() {
    let prepared = prepare(&orders(), &small_profile(), &mut Notes::new()).unwrap();
    let validation = prepared.validation.as_ref().unwrap();
    let groups = |part: &Part| part.groups.clone().unwrap().into_iter().collect::<BTreeSet<u32>>();
    assert!(groups(&prepared.train).is_disjoint(&groups(&prepared.test)));
    assert!(groups(&prepared.train).is_disjoint(&groups(validation)));
    assert!(groups(validation).is_disjoint(&groups(&prepared.test)));
    let latest = |part: &Part| *part.times.as_ref().unwrap().iter().max().unwrap();
    assert!(latest(&prepared.train) <= latest(validation) && latest(validation) <= latest(&prepared.test));
    let rows = prepared.train.len() + validation.len() + prepared.test.len();
    assert_eq!(
        rows + prepared.left_out.iter().map(|entry| entry.rows).sum::<usize>(),
        orders().height()
    );
    let share = prepared.test.len() as f64 / rows as f64;
    assert!((share - 0.2).abs() < 0.01, "{share}");
}

#[test]
fn stored_features_and_cuts_prepare_the_same_sheet_to_the_same_bytes() {
    let table = orders();
    for profile in [small_profile(), Profile::load("dataco-paper").unwrap()] {
        let first = prepare(&table, &profile, &mut Notes::new()).unwrap();
        // As a model folder keeps them.
        let features: FittedFeatures = serde_json::from_str(&serde_json::to_string(&first.features).unwrap()).unwrap();
        let bounds: SplitBounds = serde_json::from_str(&serde_json::to_string(&first.bounds).unwrap()).unwrap();
        let stored = Profile::from_toml(&first.profile.to_toml().unwrap()).unwrap();
        features.check().unwrap();
        let second = apply(&table, &stored, &features, &bounds, &mut Notes::new()).unwrap();
        assert_eq!(
            (&second.train, &second.validation, &second.test),
            (&first.train, &first.validation, &first.test)
        );
    }
}

#[test]
fn next_weeks_sheet_needs_neither_label_nor_filter_columns_and_its_inputs_are_those_of_training() {
    let table = orders();
    let prepared = prepare(&table, &small_profile(), &mut Notes::new()).unwrap();
    let unknown = [
        "Days for shipping (real)",
        "Days for shipment (scheduled)",
        "Delivery Status",
        "Late_delivery_risk",
        "Order Status",
        "shipping date (DateOrders)",
        "Order Item Id",
    ];
    let next_week = table.without(&unknown).take(&prepared.test.table_rows);
    let mut notes = Notes::new();
    let transformed = prepared.features.transform(&next_week, &mut notes).unwrap();
    assert_eq!(transformed.inputs, prepared.test.inputs);
    assert!(!notes.has("missing-columns"));
}

#[test]
fn unseen_values_blanks_and_numbers_out_of_range_are_told_row_by_row() {
    let table = orders();
    let mut profile = small_profile();
    profile.features.rare = 0;
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    let rows: Vec<usize> = prepared.train.table_rows[..4].to_vec();
    let cells = |column: &str, changed: &[(usize, Option<&str>)]| -> Vec<Option<String>> {
        let mut cells: Vec<Option<String>> = rows.iter().map(|row| table.cell(*row, column).unwrap()).collect();
        for (row, cell) in changed {
            cells[*row] = cell.map(str::to_owned);
        }
        cells
    };
    let sheet = table
        .take(&rows)
        .with_column("Market", cells("Market", &[(0, Some("Atlantis")), (1, None)]))
        .unwrap()
        .with_column("Order Item Total", cells("Order Item Total", &[(2, Some("99999")), (1, None)]))
        .unwrap();
    let mut notes = Notes::new();
    let transformed = prepared.features.transform(&sheet, &mut notes).unwrap();
    let warnings = transformed.row_warnings;
    assert!(
        warnings[0]
            .as_ref()
            .unwrap()
            .contains("`Market` = `Atlantis` was not seen in training")
    );
    assert_eq!(warnings[1].as_deref().unwrap(), "`Order Item Total` is blank; `Market` is blank");
    assert!(
        warnings[2]
            .as_ref()
            .unwrap()
            .contains("`Order Item Total` = 99999 is outside the training range")
    );
    assert_eq!(warnings[3], None);
    assert!(notes.has("unseen-categories") && notes.has("outside-training-range") && notes.has("unusual-blanks"));
    let input = |row: usize, name: &str| {
        let place = prepared.features.names().iter().position(|known| known == name).unwrap();
        transformed.inputs[row * prepared.features.width() + place]
    };
    // Unknown market: none of the known ones. Beyond the range: its edge.
    for market in ["Market = LATAM", "Market = Europe"] {
        assert_eq!((input(0, market), input(1, market)), (0.0, 0.0));
    }
    let total = prepared
        .features
        .names()
        .iter()
        .position(|known| known == "Order Item Total")
        .unwrap();
    let of_training = prepared.train.inputs.chunks(prepared.features.width()).map(|row| row[total]);
    assert_eq!(input(2, "Order Item Total"), of_training.fold(f32::MIN, f32::max));
    assert!(transformed.inputs.iter().all(|value| value.is_finite()));
}

#[test]
fn rare_and_unseen_categories_share_an_input_of_their_own() {
    let table = orders();
    let mut profile = small_profile();
    profile.features.rare = 300;
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    let names = prepared.features.names();
    let other = names.iter().position(|name| name == "Order Country = (other)").unwrap();
    assert!(!names.iter().any(|name| name == "Order Country = España"));
    let strange = table
        .take(&[0])
        .with_column("Order Country", vec![Some("Atlantis".to_owned())])
        .unwrap();
    let inputs = prepared.features.transform(&strange, &mut Notes::new()).unwrap().inputs;
    assert_eq!(inputs[other], 1.0);
}

#[test]
fn a_missing_column_is_noted_in_every_row_and_too_many_are_refused() {
    let table = orders();
    let prepared = prepare(&table, &small_profile(), &mut Notes::new()).unwrap();
    let mut notes = Notes::new();
    let without = table.without(&["Market"]).take(&[0, 1]);
    let transformed = prepared.features.transform(&without, &mut notes).unwrap();
    assert!(notes.has("missing-columns"));
    assert!(
        transformed
            .row_warnings
            .iter()
            .all(|warning| warning.as_deref() == Some("no column `Market`"))
    );
    let bare = table.select(&["Market", "Order Country"]).unwrap();
    let error = prepared.features.transform(&bare, &mut Notes::new()).unwrap_err();
    assert!(
        error.message().contains("columns that the model looks at are missing") && error.hint_text().is_some(),
        "{error}"
    );
}

#[test]
fn stored_features_that_were_altered_are_refused() {
    let features = prepare(&orders(), &small_profile(), &mut Notes::new()).unwrap().features;
    let mut value = serde_json::to_value(&features).unwrap();
    let names = value["names"].as_array_mut().unwrap();
    let added = names[0].clone();
    names.push(added);
    let altered: FittedFeatures = serde_json::from_value(value).unwrap();
    assert!(altered.check().unwrap_err().message().contains("unfilled"));
    let mut value = serde_json::to_value(&features).unwrap();
    value["names"].as_array_mut().unwrap().pop();
    let altered: FittedFeatures = serde_json::from_value(value).unwrap();
    assert!(altered.check().unwrap_err().message().contains("beyond the end"));
}

#[test]
fn the_audit_does_not_copy_people_or_accuse_the_innocent() {
    let table = orders();
    let mut notes = Notes::new();
    let findings = leakage_audit(&table, &small_profile(), &mut notes).unwrap();
    let found: Vec<&str> = findings.iter().map(|finding| finding.column.as_str()).collect();
    assert_eq!(found, ["Delivery Status", "Late_delivery_risk", "shipping date (DateOrders)"]);
    assert!(
        findings
            .iter()
            .all(|finding| finding.dropped && !finding.evidence.contains("Made-up Lane"))
    );
    assert!(!notes.has("leaking-feature"));
}

#[test]
fn the_audit_finds_a_copy_of_the_source_whatever_it_is_called() {
    let table = orders();
    let copy: Vec<Option<String>> = (0..table.height())
        .map(|row| table.cell(row, "Days for shipping (real)").unwrap())
        .collect();
    let table = table.with_column("Column 7", copy).unwrap();
    let mut profile = small_profile();
    profile.features.numeric.push("Column 7".to_owned());
    let mut notes = Notes::new();
    let findings = leakage_audit(&table, &profile, &mut notes).unwrap();
    let finding = findings.iter().find(|finding| finding.column == "Column 7").unwrap();
    assert_eq!((finding.kind, finding.dropped), (LeakKind::ProxyColumn, false));
    assert!(
        finding.evidence.contains("equals `Days for shipping (real)` in 100.0 %"),
        "{}",
        finding.evidence
    );
    assert!(notes.has("leaking-feature"));
}

#[test]
fn an_unknown_sheet_gets_a_profile_that_trains_as_it_is() {
    // Without the columns that make it DataCo, and with a plain label.
    let table = orders();
    let sheet = table.without(&[
        "Days for shipping (real)",
        "Days for shipment (scheduled)",
        "Delivery Status",
        "Order Region",
    ]);
    let mut notes = Notes::new();
    let inspection = inspect(&sheet, None, &Overrides::default(), &mut notes).unwrap();
    assert_eq!(inspection.obstacle, None);
    assert_eq!(inspection.label.as_deref(), Some("the value of `Late_delivery_risk`"));
    let profile = Profile::from_toml(&inspection.profile_toml).unwrap();
    assert_eq!(profile.key.as_deref(), Some("Order Item Id"));
    assert_eq!(profile.time.as_ref().unwrap().column, "order date (DateOrders)");
    let dropped: BTreeSet<&str> = profile.dropped().map(|(column, _)| column).collect();
    for column in [
        "Customer Street",
        "shipping date (DateOrders)",
        "Product Description",
        "Order Status",
    ] {
        assert!(dropped.contains(column), "{column} not in {dropped:?}");
    }
    let prepared = prepare(&sheet, &profile, &mut Notes::new()).unwrap();
    assert!(prepared.features.width() > 10);
    // Everything that is shown of a person's column is that it is one.
    let street = inspection.columns.iter().find(|column| column.name == "Customer Street").unwrap();
    assert!(street.people.is_some() && street.examples.is_empty() && street.range.is_none());
    assert!(!serde_json::to_string(&inspection).unwrap().contains("Made-up Lane"));
}

#[test]
fn a_dataco_sheet_is_inspected_with_the_dataco_profile() {
    let region = vec![Some("South".to_owned()); orders().height()];
    let table = orders().with_column("Order Region", region).unwrap();
    let inspection = inspect(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
    assert_eq!(inspection.profile_name, "dataco");
    assert_eq!(Some(inspection.profile_toml.as_str()), Profile::builtin_text("dataco"));
    let classes: Vec<&str> = inspection.classes.iter().map(|class| class.class.as_str()).collect();
    assert_eq!(classes, ["early", "on time", "late"]);
    assert!((inspection.classes.iter().map(|class| class.share).sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(inspection.leakage.len(), 3);
    assert!(inspection.time_span.is_some());
}

#[test]
fn actual_and_planned_days_are_recognised_by_their_names() {
    let table = orders().without(&["Delivery Status", "Late_delivery_risk"]);
    let inspection = inspect(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
    assert_eq!(
        inspection.label.as_deref(),
        Some("`Days for shipping (real)` minus `Days for shipment (scheduled)`")
    );
    assert_eq!(inspection.obstacle, None);
}

#[test]
fn a_sheet_without_anything_like_a_label_is_described_all_the_same() {
    let table = orders().select(&["Market", "Order Item Total", "order date (DateOrders)"]).unwrap();
    let inspection = inspect(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
    assert_eq!((inspection.label, inspection.classes.len()), (None, 0));
    assert!(inspection.obstacle.unwrap().contains("no label column is named"));
    assert!(inspection.profile_toml.contains("Columns with a few values: `Market`"));
    Profile::from_toml(&inspection.profile_toml).unwrap();
}

#[test]
fn the_incom_file_is_inspected_and_prepared_as_it_is() {
    let Some(path) = shared_data("incom2024_delay_example_dataset.csv.gz") else {
        return;
    };
    let table = read(&path);
    let inspection = inspect(&table, None, &Overrides::default(), &mut Notes::new()).unwrap();
    assert_eq!(inspection.obstacle, None);
    let profile = Profile::from_toml(&inspection.profile_toml).unwrap();
    assert_eq!(profile.label.sources(), ["label"]);
    assert_eq!(profile.time.as_ref().unwrap().column, "order_date");
    assert!(profile.dropped().any(|(column, _)| column == "shipping_date"));
    assert!(profile.dropped().any(|(column, _)| column == "order_id"));
    let prepared = prepare(&table, &profile, &mut Notes::new()).unwrap();
    let rows = prepared.train.len() + prepared.validation.as_ref().unwrap().len() + prepared.test.len();
    assert_eq!(rows, 15_549);
    assert!(
        prepared
            .train
            .inputs
            .iter()
            .chain(&prepared.test.inputs)
            .all(|value| (-3.0..=3.0).contains(value))
    );
}
