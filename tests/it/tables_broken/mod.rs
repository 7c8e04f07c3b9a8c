//! Sheets that are no sheets, damaged, or made to crash programs: each gets an error that names the file and says what is wrong, and nothing panics.
//!
//! [`broken_sheets`] is the table; other tests run the same files through whole commands.

mod columnar;
mod texts;
mod workbooks;

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use recant::error::ErrorKind;
use recant::notes::Notes;
use recant::seed::Seed;
use recant::tables::{ReadOptions, Table, read};
use zip::write::SimpleFileOptions;

/// A file that cannot be used, and what its error must say.
pub struct Broken {
    /// What is wrong with it; names the case in messages.
    pub what: &'static str,
    /// The name it is handed in under.
    pub file: &'static str,
    pub bytes: Vec<u8>,
    pub options: ReadOptions,
    /// Each must occur in the message or its hint.
    pub words: Vec<&'static str>,
}

fn broken(what: &'static str, file: &'static str, bytes: impl Into<Vec<u8>>, words: &[&'static str]) -> Broken {
    Broken {
        what,
        file,
        bytes: bytes.into(),
        options: ReadOptions::default(),
        words: words.to_vec(),
    }
}

fn with(mut broken: Broken, change: impl FnOnce(&mut ReadOptions)) -> Broken {
    change(&mut broken.options);
    broken
}

/// Everything that must fail to be read.
pub fn broken_sheets() -> Vec<Broken> {
    let mut all = texts::texts();
    all.extend(texts::strangers());
    all.extend(texts::packed());
    all.extend(workbooks::excel());
    all.extend(workbooks::other_workbooks());
    all.extend(columnar::parquet());
    all.extend(columnar::unknown_types());
    all.extend(columnar::numpy());
    all
}

const SHEET: &str = "Order Id,Market,Days\n1,LATAM,3\n2,Europe,4\n3,Europe,5\n";

fn noise(length: usize) -> Vec<u8> {
    use rand::RngCore;
    let mut bytes = vec![0; length];
    Seed(7).stream("noise", 0).fill_bytes(&mut bytes);
    // Not by chance the beginning of something known.
    bytes[0] = 1;
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive of parts.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The parts of a zip archive.
fn unzipped(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|place| {
            let mut part = archive.by_index(place).unwrap();
            let mut content = Vec::new();
            part.read_to_end(&mut content).unwrap();
            (part.name().unwrap().into_owned(), content)
        })
        .collect()
}

/// An archive with one part changed.
pub fn changed(bytes: &[u8], part: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let parts = unzipped(bytes);
    assert!(parts.iter().any(|(name, _)| name == part), "no part {part}");
    let parts: Vec<(String, Vec<u8>)> = parts
        .into_iter()
        .map(|(name, content)| {
            let content = if name == part { change(content) } else { content };
            (name, content)
        })
        .collect();
    zipped(
        &parts
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect::<Vec<_>>(),
    )
}

pub fn fixture(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sheets").join(name)).unwrap()
}

/// A small workbook of our own.
fn small_book() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["Id", "Market", "Late"].into_iter().enumerate() {
        sheet.write(0, column as u16, name).unwrap();
    }
    for row in 1..20_u32 {
        sheet.write(row, 0, row).unwrap();
        sheet.write(row, 1, if row % 2 == 0 { "LATAM" } else { "Europe" }).unwrap();
        sheet.write(row, 2, row % 3 == 0).unwrap();
    }
    book.save_to_buffer().unwrap()
}

const SHEET_PART: &str = "xl/worksheets/sheet1.xml";

/// A small Parquet file with a column of each type.
fn small_parquet() -> Vec<u8> {
    let texts = |values: &[&str]| (0..200).map(|row| Some(values[row % values.len()].to_owned())).collect();
    let table = Table::new("t", 200)
        .with_column("Market", texts(&["LATAM", "Europe", "Asia"]))
        .and_then(|table| table.with_integers("Id", (0..200).map(Some).collect()))
        .and_then(|table| table.with_numbers("Price", (0..200).map(|row| (row % 7 > 0).then_some(f64::from(row) / 3.0)).collect()))
        .and_then(|table| table.with_dates("When", (0..200).map(|row| Some(1_500_000_000 + row * 5000)).collect()))
        .unwrap();
    written(&table, "a.parquet")
}

fn written(table: &Table, name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    table.write(&path, &mut Notes::new()).unwrap();
    fs::read(path).unwrap()
}

/// Whether an error is one a person can use: about their input, naming the file.
pub fn is_usable(error: &recant::Error, file: &str) -> Result<(), String> {
    if !matches!(error.kind(), ErrorKind::Input | ErrorKind::Io) {
        return Err(format!("is of kind {:?}: {error}", error.kind()));
    }
    if !error.to_string().contains(file) {
        return Err(format!("does not name the file: {error}"));
    }
    if error.message().contains('\n') || error.message().len() > 400 {
        return Err(format!("is not one short sentence: {error}"));
    }
    Ok(())
}

#[test]
fn every_broken_sheet_is_refused_with_cause_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let all = broken_sheets();
    assert!(all.len() >= 120, "{}", all.len());
    let mut failures = Vec::new();
    for case in &all {
        let path = folder.path().join(case.file);
        fs::write(&path, &case.bytes).unwrap();
        let started = Instant::now();
        let mut notes = Notes::new();
        let outcome = read(&path, &case.options, &mut notes);
        if started.elapsed() > Duration::from_secs(20) {
            failures.push(format!("{}: took {:?}", case.what, started.elapsed()));
        }
        let error = match outcome {
            Ok(table) => {
                failures.push(format!(
                    "{}: was read, {} rows, columns {:?}",
                    case.what,
                    table.height(),
                    table.names()
                ));
                continue;
            }
            Err(error) => error,
        };
        if let Err(trouble) = is_usable(&error, case.file) {
            failures.push(format!("{}: {trouble}", case.what));
        }
        let said = format!("{error} {}", error.hint_text().unwrap_or(""));
        for word in &case.words {
            if !said.contains(word) {
                failures.push(format!("{}: `{word}` is not in: {said}", case.what));
            }
        }
        assert!(notes.is_empty(), "{}: notes of a sheet that was not read", case.what);
        fs::remove_file(&path).unwrap();
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn paths_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(&folder.path().join("nothing.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap_err();
    assert!(
        missing.to_string().contains("nothing.csv") && missing.to_string().contains("no such file"),
        "{missing}"
    );
    let a_folder = read(folder.path(), &ReadOptions::default(), &mut Notes::new()).unwrap_err();
    assert_eq!(a_folder.kind(), ErrorKind::Io);
}

/// Reads a file and, if that works, everything in it: nothing may panic, and every error must be usable.
fn exercise(path: &Path, what: &str) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let started = Instant::now();
    let mut notes = Notes::new();
    match read(path, &ReadOptions::default(), &mut notes) {
        Ok(table) => {
            for column in table.names() {
                table.texts(column).unwrap();
                let numbers = table.numbers(column, &mut notes).map(|_| ());
                let dates = table.dates(column, None, &mut notes).map(|_| ());
                for error in [numbers, dates].into_iter().filter_map(Result::err) {
                    is_usable(&error, &name).unwrap_or_else(|trouble| panic!("{what}: {trouble}"));
                }
            }
            table.summaries().unwrap();
        }
        Err(error) => is_usable(&error, &name).unwrap_or_else(|trouble| panic!("{what}: {trouble}")),
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{what} took {:?}", started.elapsed());
}

/// Flips bits, cuts, doubles or overwrites a piece.
fn mutated(bytes: &[u8], index: u64) -> Vec<u8> {
    use rand::Rng;
    let mut random = Seed(20).stream("damage", index);
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let end = (at + random.random_range(1..32)).min(bytes.len());
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            2 => {
                bytes.drain(at..end);
            }
            3 => bytes[at..end].fill(random.random()),
            _ => bytes[at] ^= 1 << random.random_range(0..8),
        }
    }
    bytes
}

#[test]
fn damaged_files_never_cause_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let utf16: Vec<u8> = SHEET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let quoted = "a;\"b \"\"x\"\"\";when\n\"1,5\";\"z\nz\";1/31/2018\n2;;2018-02-03\n\n3,25;y;2/3/2018\n".repeat(3);
    let originals: Vec<(&str, Vec<u8>)> = vec![
        ("a.csv", SHEET.as_bytes().to_vec()),
        ("b.csv", quoted.into_bytes()),
        ("c.csv", utf16),
        ("d.csv.gz", gzip(SHEET.repeat(20).as_bytes())),
        ("e.xlsx", small_book()),
        ("f.xls", fixture("orders.xls")),
        ("g.xlsb", fixture("orders.xlsb")),
        ("h.ods", fixture("orders.ods")),
        ("i.parquet", small_parquet()),
    ];
    for (name, bytes) in &originals {
        let path = folder.path().join(name);
        for index in 0..60 {
            fs::write(&path, mutated(bytes, index)).unwrap();
            exercise(&path, &format!("{name}, damage {index}"));
        }
    }
}

#[test]
fn damage_inside_the_parts_of_a_workbook_never_causes_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    for (name, book, parts) in [
        (
            "a.xlsx",
            small_book(),
            vec![SHEET_PART, "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"],
        ),
        ("b.ods", fixture("orders.ods"), vec!["content.xml", "META-INF/manifest.xml"]),
        (
            "c.xlsb",
            fixture("orders.xlsb"),
            vec![
                "xl/worksheets/sheet1.bin",
                "xl/sharedStrings.bin",
                "xl/workbook.bin",
                "xl/styles.bin",
            ],
        ),
    ] {
        let path = folder.path().join(name);
        for part in parts {
            for index in 0..40 {
                fs::write(&path, changed(&book, part, |content| mutated(&content, index))).unwrap();
                exercise(&path, &format!("{name}, {part}, damage {index}"));
            }
        }
    }
}
