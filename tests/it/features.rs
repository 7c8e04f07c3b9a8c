//! Features of the DataCo file against the pandas peer, and what holds for any sheet.

use std::path::{Path, PathBuf};

use recant::features::{LeakKind, Prepared, Profile, leakage_audit, prepare};
use recant::notes::Notes;
use recant::tables::{self, ReadOptions, Table};

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
    let Some(path) = shared_data("dataco/DataCoSupplyChainDataset.csv.gz") else {
        return;
    };
    let table = read(&path);
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
    // Written beforehand by the pandas peer; it takes half a minute, so no test runs it.
    match std::env::var_os("RECANT_PANDAS_FEATURES") {
        Some(folder) => equals_pandas(&prepared, Path::new(&folder)),
        None => println!("not compared with pandas: RECANT_PANDAS_FEATURES does not name a folder"),
    }
}

#[test]
fn the_audit_names_what_gives_dataco_delays_away_and_who_uses_it() {
    let Some(path) = shared_data("dataco/DataCoSupplyChainDataset.csv.gz") else {
        return;
    };
    let table = read(&path);
    for (profile, uses_them) in [("dataco", false), ("dataco-paper", true)] {
        let mut notes = Notes::new();
        let findings = leakage_audit(&table, &Profile::load(profile).unwrap(), &mut notes).unwrap();
        let found: Vec<(&str, LeakKind, bool)> = findings
            .iter()
            .map(|finding| (finding.column.as_str(), finding.kind, finding.dropped))
            .collect();
        let expected = [
            ("Delivery Status", LeakKind::NearCopy, true),
            ("Late_delivery_risk", LeakKind::Alone, !uses_them),
            ("shipping date (DateOrders)", LeakKind::Pair, !uses_them),
        ];
        assert_eq!(found, expected);
        assert!(findings.iter().all(|finding| finding.certain));
        assert_eq!(notes.has("leaking-feature"), uses_them);
    }
}

#[test]
fn tmp_incom() {
    let Some(path) = shared_data("incom2024_delay_example_dataset.csv.gz") else { return };
    let mut notes = Notes::new();
    let table = tables::read(&path, &ReadOptions::default(), &mut notes).unwrap();
    let start = std::time::Instant::now();
    let inspection = recant::features::inspect(&table, None, &Default::default(), &mut notes).unwrap();
    println!("{:?}", start.elapsed());
    println!("{}", inspection.profile_toml);
    println!("{:#?} {:?} {:?}", inspection.columns, inspection.classes, inspection.obstacle);
    for f in &inspection.leakage { println!("{f:?}"); }
    for n in notes.iter() { println!("{n:?}"); }
}
