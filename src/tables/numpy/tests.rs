//! Arrays that NumPy 2 wrote (`tests/fixtures/numpy`), and broken ones.

use std::path::{Path, PathBuf};

use super::*;
use crate::tables::{ReadOptions, read as read_sheet};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/numpy").join(name)
}

fn sheet(name: &str) -> Table {
    read_sheet(&fixture(name), &ReadOptions::default(), &mut Notes::new()).unwrap()
}

fn numbers(table: &Table, column: &str) -> Vec<Option<f64>> {
    table.numbers(column, &mut Notes::new()).unwrap()
}

fn texts(table: &Table, column: &str) -> Vec<Option<String>> {
    let texts = table.texts(column).unwrap();
    (0..table.height()).map(|row| texts.get(row).map(str::to_owned)).collect()
}

#[test]
fn rows_and_columns_of_numbers_are_numbered_from_0() {
    for name in ["rows.npy", "columns.npy"] {
        let table = sheet(name);
        assert_eq!(table.names(), ["0", "1", "2"], "{name}");
        let first = numbers(&table, "0");
        assert_eq!(first[..3], [Some(1.5), Some(3.0), Some(7.0)], "{name}");
        assert!((first[3].unwrap() - 0.1).abs() < 1e-8, "{name}");
        assert_eq!(numbers(&table, "1")[..3], [Some(-2.25), None, Some(8.0)], "{name}");
        assert_eq!(table.source().format, Format::Numpy);
    }
}

#[test]
fn a_structured_array_has_its_own_names() {
    let table = sheet("table.npy");
    assert_eq!(table.names(), ["a", "n", "big", "status", "code", "ok"]);
    assert_eq!(numbers(&table, "n"), [Some(-7.0), Some(300.0), Some(0.0)]);
    assert_eq!(numbers(&table, "big")[0], Some(2_f64.powi(40)));
    assert_eq!(
        texts(&table, "status"),
        [Some("on time".to_owned()), Some("späte ☂".to_owned()), None]
    );
    assert_eq!(texts(&table, "code")[..2], [Some("AB".to_owned()), Some("C".to_owned())]);
}

#[test]
fn arrays_of_an_archive_stand_side_by_side() {
    let table = sheet("stored.npz");
    assert_eq!(table.names(), ["X_0", "X_1", "X_2", "y"]);
    assert_eq!(numbers(&table, "X_2")[2], Some(9.0));
    assert_eq!(texts(&table, "y")[0].as_deref(), Some("late"));
    let packed = sheet("packed.npz");
    assert_eq!(numbers(&packed, "y"), [Some(2.0), Some(1.0), Some(2.0), Some(0.0)]);
    assert_eq!(numbers(&packed, "X_0")[..3], [Some(1.5), Some(3.0), Some(7.0)]);
}

/// A file with this header and a number of bytes of values.
fn made(header: &str, values: usize) -> Vec<u8> {
    [
        MAGIC,
        &[1, 0],
        &(header.len() as u16).to_le_bytes(),
        header.as_bytes(),
        &vec![0; values],
    ]
    .concat()
}

fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")
}

#[test]
fn what_is_wrong_is_named() {
    let whole = std::fs::read(fixture("rows.npy")).unwrap();
    let good = header("'<f4'", "(2, 3)");
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (whole[..6].to_vec(), "cut off"),
        (whole[..60].to_vec(), "cut off"),
        (whole[..whole.len() - 1].to_vec(), "4 x 3 items of 4 bytes, and 47 bytes follow"),
        (made(&good, 25), "2 x 3 items of 4 bytes, and 25 bytes follow"),
        ([MAGIC, &[9, 0, 0, 0]].concat(), "of version 9"),
        ([MAGIC, &[2, 0, 0xff, 0xff, 0xff, 0xff]].concat(), "header is too long"),
        (made("{'descr'", 0), "header cannot be read"),
        (made(&"(".repeat(9_000), 0), "header cannot be read"),
        (made("{}", 0), "no `descr`"),
        (made("{'descr': '<f4', 'shape': (2,)}", 8), "no `fortran_order`"),
        (made(&header("'<f4'", "2"), 24), "shape is no list"),
        (made(&header("'<f4'", "(-2, 3)"), 24), "header cannot be read"),
        (made(&header("'<f4'", "(2, 'x')"), 24), "shape is no list"),
        (made(&header("'<f4'", "()"), 4), "a single value"),
        (made(&header("'<f4'", "(2, 3, 4)"), 96), "3 dimensions"),
        (
            made(&header("'<f4'", "(18446744073709551615, 18446744073709551615)"), 24),
            "bytes follow",
        ),
        (made(&header("'<f4'", "(99999999999999999999999, 2)"), 24), "shape is no list"),
        (made(&header("'|O'", "(2,)"), 16), "Python objects, which only Python can load"),
        (made(&header("'<M8[ns]'", "(2,)"), 16), "holds dates (`<M8[ns]`)"),
        (made(&header("'<c8'", "(2,)"), 16), "values of the kind `<c8`"),
        (made(&header("'<f16'", "(2,)"), 32), "values of the kind `<f16`"),
        (made(&header("'<U99999999999999999999'", "(2,)"), 32), "values of the kind"),
        (made(&header("'<U0'", "(2,)"), 0), "values of the kind"),
        (made(&header("''", "(2,)"), 0), "values of the kind ``"),
        (made(&header("7", "(2,)"), 0), "does not say what its values are"),
        (made(&header("[]", "(2,)"), 0), "does not say what its values are"),
        (
            made(&header("[('a', '<f4'), ('b', '|O')]", "(2,)"), 24),
            "field `b` of the array holds Python objects",
        ),
        (
            made(&header("[('a', '<f4', (3,))]", "(2,)"), 24),
            "field `a` of the array holds arrays",
        ),
        (made(&header("[('', '<f4')]", "(2,)"), 8), "a field without a name"),
        (made(&header("'<f4'", "(2, 0)"), 0), "no columns"),
    ];
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("rows.npy");
    for (place, (bytes, wanted)) in cases.iter().enumerate() {
        std::fs::write(&path, bytes).unwrap();
        let error = read_sheet(&path, &ReadOptions::default(), &mut Notes::new()).expect_err("a broken array was read");
        assert!(error.message().contains(wanted) && error.exit_code() == 2, "{place}: {error}");
    }
    // Rows without values are no bytes and still rows: this number of them is refused before memory is taken.
    std::fs::write(&path, made(&header("'<f4'", "(0, 100000)"), 0)).unwrap();
    assert!(read_sheet(&path, &ReadOptions::default(), &mut Notes::new()).is_err());
}

#[test]
fn archives_of_arrays_that_do_not_fit_are_refused() {
    use std::io::Write;
    let archive = |arrays: &[(&str, Vec<u8>)]| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in arrays {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    let rows = |count: usize| made(&header("'<f4'", &format!("({count}, 2)")), count * 8);
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("rows.npz");
    for (bytes, wanted) in [
        (
            archive(&[("X.npy", rows(3)), ("y.npy", rows(2))]),
            "array `y` has 2 rows, and `X` has 3",
        ),
        (
            archive(&[("X.npy", rows(3)), ("y.npy", made(&header("'|O'", "(3,)"), 24))]),
            "Python objects",
        ),
        (archive(&[("X.npy", rows(3)[..40].to_vec())]), "damaged"),
        (archive(&[("X.npy", rows(5000))])[..60].to_vec(), ""),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = read_sheet(&path, &ReadOptions::default(), &mut Notes::new()).expect_err("a broken archive was read");
        assert!(error.message().contains(wanted) && error.exit_code() == 2, "{error}");
    }
}
