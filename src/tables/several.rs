//! Several files as one sheet: what a person names by paths, patterns and folders, one below the other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::cells::CellsBuilder;
use super::column::Column;
use super::header::counted;
use super::read::{ReadOptions, read};
use super::source::{Files, Source, Writing};
use super::table::{RowNumbers, Table};
use super::text::Texts;
use super::{dates, numbers};
use crate::error::{Error, Result, closest};
use crate::files::hex;
use crate::notes::Notes;

/// Endings of files that a folder is searched for.
const ENDINGS: &[&str] = &[
    ".csv", ".tsv", ".tab", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".parquet", ".pq",
    ".arrow", ".feather", ".ipc",
];

/// Most files that one sheet is read from.
const MAX_FILES: usize = 10_000;

/// Reads one sheet from all the files that are named: a path names a file or a folder (all sheets in it, by name), a pattern such as `orders-*.csv` all
/// files it matches, by name. The columns must agree; their order may differ. Row numbers are those of each file.
///
/// # Errors
/// As [`read`]; where a name or pattern names nothing; and where the columns of two files differ, naming file and column.
pub fn read_all(named: &[PathBuf], options: &ReadOptions, notes: &mut Notes) -> Result<Table> {
    let paths = expanded(named)?;
    match paths.as_slice() {
        [] => Err(Error::input("no sheet is named")),
        [path] => read(path, options, notes),
        _ => {
            let mut tables = Vec::with_capacity(paths.len());
            for path in &paths {
                tables.push(read(path, options, notes)?);
            }
            let whole = joined(&tables)?;
            note_twice(&tables, notes);
            Ok(whole)
        }
    }
}

/// The files that are named, each once.
fn expanded(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for name in named {
        let found = if name.is_dir() {
            in_folder(name)?
        } else if !name.exists() && is_pattern(name) {
            matching(name)?
        } else {
            vec![name.clone()]
        };
        for path in found {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.len() > MAX_FILES {
            return Err(Error::input(format!("more than {} are named", counted(MAX_FILES, "file"))).hint("join them first"));
        }
    }
    Ok(paths)
}

fn is_pattern(name: &Path) -> bool {
    name.to_string_lossy().contains(['*', '?', '['])
}

fn has_known_ending(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    !name.starts_with(['.', '_', '~']) && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| Error::io("read the folder", folder, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() && has_known_ending(&path) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Error::input("the folder holds no sheet")
            .in_file(folder)
            .hint("name a file, or a folder of Parquet or CSV files"));
    }
    found.sort();
    Ok(found)
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>> {
    let text = pattern.to_string_lossy();
    let paths = glob::glob(&text).map_err(|error| Error::input(format!("`{text}` is no pattern: {}", error.msg)))?;
    let mut found: Vec<PathBuf> = paths.filter_map(|path| path.ok()).filter(|path| path.is_file()).collect();
    if found.is_empty() {
        return Err(Error::input(format!("no file matches `{text}`")).hint("`*` stands for any letters, `?` for one"));
    }
    found.sort();
    Ok(found)
}

/// One table below the other.
fn joined(tables: &[Table]) -> Result<Table> {
    let Some((first, others)) = tables.split_first() else {
        return Err(Error::internal("no table to join"));
    };
    for other in others {
        check_columns(first, other)?;
    }
    let mut columns = Vec::with_capacity(first.width());
    for name in first.names() {
        let pieces = tables.iter().map(|table| table.column(name)).collect::<Result<Vec<_>>>()?;
        columns.push(one_below_the_other(&pieces)?);
    }
    let height = tables.iter().map(Table::height).sum();
    let numbers: Arc<[u32]> = tables
        .iter()
        .flat_map(|table| (0..table.height()).map(|row| table.row_number(row) as u32))
        .collect();
    let of_row = tables
        .iter()
        .enumerate()
        .flat_map(|(place, table)| std::iter::repeat_n(place as u32, table.height()))
        .collect();
    let sources: Arc<[Source]> = tables.iter().map(|table| table.source().clone()).collect();
    let whole = Table::assemble(
        source_of(&sources),
        first.names().to_vec(),
        columns,
        height,
        RowNumbers::Listed(numbers),
    )?;
    let shown: Vec<Writing> = tables
        .par_iter()
        .map(|table| Writing {
            decimal: numbers::sheet_mark(table),
            dates: dates::sheet_order(table),
        })
        .collect();
    Ok(whole.with_files(Files {
        sources,
        of_row,
        shown: shown.into(),
    }))
}

/// One column of one of several files that a sheet was read from.
pub(crate) struct PartOfFile {
    /// Where its rows are in the sheet.
    pub(crate) rows: Vec<usize>,
    /// The column alone.
    pub(crate) table: Table,
    /// How the file shows that it writes numbers and dates.
    pub(crate) shown: Writing,
}

impl Table {
    /// A column file by file, where the files of a sheet show that they differ in something (the decimal mark, say) and the person states nothing of it;
    /// `None` where the whole column is read alike.
    ///
    /// # Errors
    /// Where the column is not there.
    pub(crate) fn by_file<T: PartialEq>(&self, name: &str, what: fn(&Writing) -> Option<T>) -> Result<Option<Vec<PartOfFile>>> {
        let Some(files) = self.files().filter(|_| what(&self.source().stated).is_none()) else {
            return Ok(None);
        };
        let mut known = files.shown.iter().filter_map(what);
        let first = known.next();
        let unit = |source: &Source| source.shown_units.get(name).cloned();
        let one_unit = files.sources.windows(2).all(|pair| unit(&pair[0]) == unit(&pair[1]));
        if one_unit && !known.any(|other| first.as_ref().is_some_and(|first| *first != other)) {
            return Ok(None);
        }
        self.parts_by_file(name).map(Some)
    }

    /// A column file by file; nothing for a sheet of one file.
    ///
    /// # Errors
    /// Where the column is not there.
    pub(crate) fn parts_by_file(&self, name: &str) -> Result<Vec<PartOfFile>> {
        let Some(files) = self.files() else { return Ok(Vec::new()) };
        let column = self.select(&[name])?;
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); files.sources.len()];
        for (row, place) in files.of_row.iter().enumerate() {
            rows[*place as usize].push(row);
        }
        let part = |(place, rows): (usize, Vec<usize>)| PartOfFile {
            table: column.take(&rows).of_one_file(files.sources[place].clone()),
            rows,
            shown: files.shown[place],
        };
        let filled = rows.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty());
        Ok(filled.map(part).collect())
    }
}

impl PartOfFile {
    /// The words that stand in place of values, with the rows of the sheet that they are in.
    pub(crate) fn words<'a>(&'a self, exceptions: &'a Option<Texts>) -> impl Iterator<Item = (usize, String)> + 'a {
        let of_row = |(place, row): (usize, &usize)| Some((*row, exceptions.as_ref()?.get(place)?.to_owned()));
        self.rows.iter().enumerate().filter_map(of_row)
    }
}

/// Says that the files of a sheet differ in how they write something.
pub(crate) fn note_by_file(parts: &[PartOfFile], code: &str, what: &str, said: fn(&Writing) -> Option<&'static str>, notes: &mut Notes) {
    let mut ways: Vec<(&str, Vec<String>)> = Vec::new();
    for part in parts {
        let Some(way) = said(&part.shown) else { continue };
        let name = format!("`{}`", part.table.source().file_name);
        match ways.iter_mut().find(|(known, _)| *known == way) {
            Some((_, names)) => names.push(name),
            None => ways.push((way, vec![name])),
        }
    }
    let told: Vec<String> = ways
        .iter()
        .map(|(way, names)| match names.as_slice() {
            [only] => format!("{way} in {only}"),
            [first, others @ ..] => format!("{way} in {first} and {}", counted(others.len(), "more file")),
            [] => String::new(),
        })
        .collect();
    notes.add(
        code,
        format!("the files write {what} in different ways: {}", told.join(", ")),
        "each file was read by its own",
    );
}

/// Says how many rows stand in two files, cell for cell: exports whose periods overlap.
fn note_twice(tables: &[Table], notes: &mut Notes) {
    /// Cells that are looked at, at most.
    const MOST: usize = 10_000_000;
    let height: usize = tables.iter().map(Table::height).sum();
    let Some(first) = tables.first().filter(|first| height.saturating_mul(first.width()) <= MOST) else {
        return;
    };
    let mut seen: HashMap<[u8; 16], usize> = HashMap::new();
    let (mut twice, mut example) = (0, None);
    for (place, table) in tables.iter().enumerate() {
        let Ok(columns) = first.names().iter().map(|name| table.column(name)).collect::<Result<Vec<_>>>() else {
            return;
        };
        for row in 0..table.height() {
            let mut hash = Sha256::new();
            for column in &columns {
                hash.update(column.get(row).shown().unwrap_or_default().trim().as_bytes());
                hash.update([0]);
            }
            let mut key = [0; 16];
            key.copy_from_slice(&hash.finalize()[..16]);
            let of = *seen.entry(key).or_insert(place);
            if of != place {
                twice += 1;
                example.get_or_insert((of, place, row));
            }
        }
    }
    if let Some((of, place, row)) = example {
        notes.add(
            "rows-in-two-files",
            format!(
                "{} of `{}` and later files {} in an earlier file as well, cell for cell; the first is row {}, which `{}` has too",
                counted(twice, "row"),
                tables[place].source().file_name,
                if twice == 1 { "is" } else { "are" },
                tables[place].row_number(row),
                tables[of].source().file_name
            ),
            "all of them are used, so these rows count twice: leave one of the files out, or cut it where the other begins",
        );
    }
}

/// What all files together are called.
fn source_of(sources: &[Source]) -> Source {
    let mut whole = sources[0].clone();
    whole.file_name = match sources {
        [one, other] => format!("{} and {}", one.file_name, other.file_name),
        [one, others @ ..] => format!("{} and {}", one.file_name, counted(others.len(), "more file")),
        [] => String::new(),
    };
    whole.path = whole.path.with_file_name(&whole.file_name);
    let mut hash = Sha256::new();
    sources.iter().for_each(|source| hash.update(source.sha256.as_bytes()));
    whole.sha256 = hex(&hash.finalize());
    whole
}

/// Names the file and the column where two sheets do not have the same ones.
fn check_columns(first: &Table, other: &Table) -> Result<()> {
    let missing = |in_one: &Table, of: &Table| of.names().iter().find(|name| !in_one.has(name)).cloned();
    let (name, here, there) = match (missing(other, first), missing(first, other)) {
        (Some(name), _) => (name, other, first),
        (None, Some(name)) => (name, first, other),
        (None, None) => return Ok(()),
    };
    let unmatched = here.names().iter().filter(|known| !there.has(known)).map(String::as_str);
    let hint = match closest(&name, unmatched) {
        Some(near) => format!("its closest match here is `{near}`: give both the same name"),
        None => "files that are read as one sheet have the same columns".to_owned(),
    };
    Err(here
        .in_place(Error::input(format!(
            "there is no column `{name}`, which `{}` has",
            there.source().file_name
        )))
        .hint(hint))
}

/// The cells of several columns as one column.
fn one_below_the_other(pieces: &[Column]) -> Result<Column> {
    let alike = |piece: &Column| piece.types().is_none() && piece.series().dtype() == pieces[0].series().dtype();
    if pieces.iter().all(alike) {
        let mut whole = pieces[0].series().clone();
        for piece in &pieces[1..] {
            whole
                .append(piece.series())
                .map_err(|error| Error::internal(format!("columns of one type: {error}")))?;
        }
        return Ok(Column::plain(whole));
    }
    let mut builder = CellsBuilder::with_capacity(pieces.iter().map(Column::len).sum());
    for piece in pieces {
        for row in 0..piece.len() {
            builder.push_view(&piece.get(row));
        }
    }
    Ok(builder.finish().into_column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read_named(named: &[PathBuf]) -> Result<Table> {
        read_all(named, &ReadOptions::default(), &mut Notes::new())
    }

    #[test]
    fn files_patterns_and_folders_are_one_sheet_and_rows_know_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let one = write(folder.path(), "orders-2016.csv", "Id,Days\n1,2\n\n2,3\n");
        let two = write(folder.path(), "orders-2017.csv", "Days;Id\n4;3\n");
        write(folder.path(), "notes.md", "no sheet");
        for named in [
            vec![one, two],
            vec![folder.path().join("orders-*.csv")],
            vec![folder.path().to_path_buf()],
        ] {
            let table = read_named(&named).unwrap();
            assert_eq!(table.names(), ["Id", "Days"]);
            let days: Vec<f64> = table.numbers("Days", &mut Notes::new()).unwrap().into_iter().flatten().collect();
            assert_eq!(days, [2.0, 3.0, 4.0]);
            assert_eq!(table.source().file_name, "orders-2016.csv and orders-2017.csv");
            let place = |row: usize| table.at(Error::input("x"), row, "Days").to_string();
            assert!(place(1).contains("orders-2016.csv") && place(1).contains("row 4"), "{}", place(1));
            let last = table.take(&[2]).at(Error::input("x"), 0, "Days").to_string();
            assert!(last.contains("orders-2017.csv") && last.contains("row 2"), "{last}");
        }
    }

    #[test]
    fn rows_of_two_files_that_overlap_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), "a.csv", "Id,Mode\n1,Air\n2,Sea\n");
        let other = write(folder.path(), "b.csv", "Mode,Id\nSea,2\nAir,3\n");
        let apart = write(folder.path(), "c.csv", "Mode,Id\nSea,4\n");
        let notes_of = |named: &[PathBuf]| {
            let mut notes = Notes::new();
            read_all(named, &ReadOptions::default(), &mut notes).unwrap();
            notes
        };
        assert!(notes_of(&[first.clone(), other]).has("rows-in-two-files"));
        assert!(!notes_of(&[first, apart]).has("rows-in-two-files"));
    }

    #[test]
    fn a_column_that_one_file_lacks_is_named_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let one = write(folder.path(), "a.csv", "Id,Days\n1,2\n");
        let two = write(folder.path(), "b.csv", "Id,Dayz\n1,2\n");
        let error = read_named(&[one, two]).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.starts_with("there is no column `Days`, which `a.csv` has (in ") && shown.ends_with("b.csv)"),
            "{shown}"
        );
        assert!(error.hint_text().unwrap().contains("`Dayz`"));
        assert!(read_named(&[folder.path().join("c-*.csv")]).is_err());
    }

    #[test]
    fn numbers_of_a_typed_file_go_below_texts_of_a_csv() {
        let folder = tempfile::tempdir().unwrap();
        let one = write(folder.path(), "a.csv", "Id,Days\n1,2\n");
        let typed = Table::new("b", 1)
            .with_integers("Id", vec![Some(7)])
            .and_then(|table| table.with_numbers("Days", vec![Some(2.5)]))
            .unwrap();
        let two = folder.path().join("b.parquet");
        typed.write(&two, &mut Notes::new()).unwrap();
        let table = read_named(&[one, two]).unwrap();
        assert_eq!(table.numbers("Days", &mut Notes::new()).unwrap(), [Some(2.0), Some(2.5)]);
        assert_eq!(table.cell(1, "Id").unwrap().as_deref(), Some("7"));
    }
}
