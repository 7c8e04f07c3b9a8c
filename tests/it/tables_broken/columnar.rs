//! Broken Parquet files.

use recant::tables::Table;

use super::{Broken, broken, noise, small_parquet, written};

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
