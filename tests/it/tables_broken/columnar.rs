//! Broken Parquet files and arrays of NumPy.

use recant::tables::Table;

use super::{Broken, broken, fixture, noise, small_parquet, written};

pub fn parquet() -> Vec<Broken> {
    let whole = small_parquet();
    let length = whole.len();
    let footer = u32::from_le_bytes(whole[length - 8..length - 4].try_into().unwrap()) as usize;
    let patched = |at: usize, value: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    let long: Vec<Option<String>> = (0..3000).map(|row| Some(format!("{row}{}", "a".repeat(30_000)))).collect();
    let bomb = written(&Table::new("t", 3000).with_column("a", long).unwrap(), "a.parquet");
    vec![
        broken("a Parquet file cut in half", "a.parquet", &whole[..length / 2], &["damaged"]),
        broken(
            "a Parquet file without its last byte",
            "a.parquet",
            &whole[..length - 1],
            &["damaged"],
        ),
        broken("only the first bytes of a Parquet file", "a.parquet", b"PAR1", &["damaged"]),
        broken("a Parquet file of two marks", "a.parquet", b"PAR1PAR1", &["damaged"]),
        broken("a Parquet file without a footer", "a.parquet", b"PAR1\0\0\0\0PAR1", &["damaged"]),
        broken(
            "a footer longer than the file",
            "a.parquet",
            patched(length - 8, &u32::MAX.to_le_bytes()),
            &["damaged"],
        ),
        broken("a footer of no length", "a.parquet", patched(length - 8, &[0; 4]), &["damaged"]),
        broken(
            "a footer of noise",
            "a.parquet",
            patched(length - 8 - footer, &noise(footer)),
            &["damaged"],
        ),
        broken(
            "pages of noise",
            "a.parquet",
            patched(4, &noise(length - footer - 12)),
            &["damaged"],
        ),
        broken("a Parquet bomb", "a.parquet", bomb, &["absurd"]),
        broken(
            "a Parquet file named .xlsx that is cut",
            "a.xlsx",
            &whole[..length / 3],
            &["Parquet", "damaged"],
        ),
    ]
}

/// Sound files with a column of a type that the reader does not know (`scripts/upstream_reports.py` makes them): they are not called damaged.
pub fn unknown_types() -> Vec<Broken> {
    let of = |what, file: &'static str| broken(what, file, fixture(file), &["type that cannot be read", "leave that column out"]);
    vec![
        of("a Parquet file with a list view", "list-view.parquet"),
        of("an Arrow file with a list view", "list-view.arrow"),
        of("an Arrow file with runs", "runs.arrow"),
        of("an Arrow file with a union", "union.arrow"),
    ]
}

pub fn numpy() -> Vec<Broken> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    let array = |header: &str, values: usize| {
        [
            b"\x93NUMPY\x01\0",
            &(header.len() as u16).to_le_bytes()[..],
            header.as_bytes(),
            &vec![0; values],
        ]
        .concat()
    };
    let objects = array(&header.replace("<f4", "|O"), 48);
    vec![
        broken(
            "only the first bytes of an array",
            "a.npy",
            &b"\x93NUMPY"[..],
            &["damaged", "cut off"],
        ),
        broken(
            "an array cut in its header",
            "a.npy",
            &array(header, 24)[..30],
            &["damaged", "cut off"],
        ),
        broken(
            "an array without its last byte",
            "a.npy",
            array(header, 23),
            &["damaged", "23 bytes follow"],
        ),
        broken(
            "an array of billions of rows",
            "a.npy",
            array(&header.replace("2, 3", "9999999999, 3"), 24),
            &["damaged", "24 bytes follow"],
        ),
        broken(
            "an array whose header is noise",
            "a.npy",
            array("{{{{((((", 24),
            &["damaged", "header"],
        ),
        broken("an array of Python objects", "a.npy", objects.clone(), &["Python objects"]),
        broken(
            "an archive of Python objects",
            "a.npz",
            super::zipped(&[("y.npy", &objects)]),
            &["Python objects", "column \"y\""],
        ),
        broken(
            "an archive of an empty array file",
            "a.npz",
            super::zipped(&[("y.npy", b"")]),
            &["damaged"],
        ),
    ]
}
