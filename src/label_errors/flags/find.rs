//! From a flag file to rows of a model: the worksheet that holds the flags, the column that names rows, and where it is one that only the
//! sheet knows, its rows by the sheet.

use std::collections::BTreeSet;
use std::path::Path;

use super::alike::{Keys, alike, as_written, together};
use super::columns::{Columns, folded};
use super::numbering::whole;
use super::read::read_noted;
use super::rounded::have_lost_digits;
use super::{Addressing, FlagOptions, ReadFlags, ResolvedFlags, RowIndex, resolve};
use crate::error::{Error, Result};
use crate::features::{LabelRule, names_id, ticks};
use crate::label_errors::sheet::SHEET_ROW;
use crate::notes::Notes;
use crate::tables::{self, ReadOptions, Table};

/// Where flags are.
#[derive(Debug, Clone, Copy)]
pub enum FlagPlace<'a> {
    /// In a file.
    File {
        /// The file.
        path: &'a Path,
        /// How to read it; without a worksheet the one with the stated columns is looked for.
        reading: &'a ReadOptions,
    },
    /// In a table that is in memory already.
    Table(&'a Table),
}

/// Flags and what is known about their rows.
pub struct FlagSource<'a> {
    /// Where they are.
    pub place: FlagPlace<'a>,
    /// What the person stated.
    pub options: &'a FlagOptions,
    /// The rows that the model knows.
    pub index: &'a RowIndex,
    /// Computes the label of full rows.
    pub label: Option<&'a LabelRule>,
    /// Columns that the model's inputs are made from.
    pub inputs: &'a [&'a str],
    /// The sheet that the model was trained on, where it is at hand.
    pub sheet: Option<&'a Table>,
    /// The names of that sheet's columns, where they are known.
    pub sheet_columns: Option<&'a [String]>,
}

/// Reads a flag file and finds its rows among those of the model.
///
/// # Errors
/// As [`super::read()`] and [`resolve`]; where several worksheets could hold the flags; where the column of flags is an input of the model.
pub fn find(source: &FlagSource, notes: &mut Notes) -> Result<(ReadFlags, ResolvedFlags)> {
    let (mut table, reading) = source.table()?;
    if let Some(lines) = source.one_line(&table, notes)? {
        table = lines;
    }
    source.refuse_inputs(&table)?;
    let rekeyed = match source.other_key(&table, notes)? {
        None => source.within_group(&mut table, notes)?,
        found => found,
    };
    let (index, options) = match &rekeyed {
        Some((index, options)) => (index, options),
        None => (source.index, source.options),
    };
    // A file of whole rows has the columns of the sheet; without the sheet only that tells them.
    let whole_rows = !source.inputs.is_empty() && source.inputs.iter().all(|input| table.has(input));
    let in_sheet = |name: &str| {
        source.inputs.contains(&name)
            || source.label.is_some_and(|label| label.sources().contains(&name))
            || source
                .sheet
                .map(Table::names)
                .or(source.sheet_columns)
                .map_or(whole_rows, |columns| columns.iter().any(|column| folded(column) == folded(name)))
    };
    let hidden = reading.has("hidden-rows") && !source.visible_only();
    let read = read_noted(table, reading, options, index, (source.label, &in_sheet), notes)?;
    if hidden && read.file.fine.is_empty() && !says_every_line(&read.table, options) {
        return Err(
            Error::input("rows of the flag file are hidden, and it is not clear whether they are flagged, too")
                .in_file(&read.file.file)
                .hint("`--visible-only` leaves hidden rows out; `--worst 100%` flags every line"),
        );
    }
    source.refuse_rounded(&read)?;
    let resolved = resolve(&read.file, index, notes)?;
    Ok((read, resolved))
}

impl FlagSource<'_> {
    /// Whether hidden rows of the file are left out.
    fn visible_only(&self) -> bool {
        matches!(self.place, FlagPlace::File { reading, .. } if reading.visible_only)
    }

    /// The table of flags, with the notes of reading it.
    fn table(&self) -> Result<(Table, Notes)> {
        match self.place {
            FlagPlace::File { path, reading } => self.of_file(path, reading),
            FlagPlace::Table(table) => Ok((table.clone(), Notes::new())),
        }
    }

    fn of_file(&self, path: &Path, reading: &ReadOptions) -> Result<(Table, Notes)> {
        let read = |sheet: Option<&String>| {
            let reading = ReadOptions {
                sheet: sheet.or(reading.sheet.as_ref()).cloned(),
                ..reading.clone()
            };
            let mut notes = Notes::new();
            tables::read(path, &reading, &mut notes).map(|table| (table, notes))
        };
        let sheets = match reading.sheet {
            Some(_) => Vec::new(),
            None => tables::worksheets(path)?,
        };
        if sheets.len() < 2 {
            return read(None);
        }
        let mut fitting = Vec::new();
        for sheet in &sheets {
            // An empty worksheet holds no flags.
            if let Ok((table, notes)) = read(Some(sheet))
                && self.fits(&table)?
            {
                fitting.push((sheet, table, notes));
            }
        }
        if fitting.len() > 1 {
            let names: Vec<String> = fitting.iter().map(|(sheet, ..)| format!("`{sheet}`")).collect();
            return Err(
                Error::input(format!("the flags could be on the worksheets {}", names.join(" and ")))
                    .in_file(path)
                    .hint(format!("say which: `--flags-sheet \"{}\"`", fitting[0].0)),
            );
        }
        let Some((sheet, table, mut notes)) = fitting.pop() else {
            return read(None);
        };
        notes.add(
            "flags-sheet",
            format!("`{}` has {} worksheets", table.source().file_name, sheets.len()),
            format!("the flags are read from `{sheet}`; `--flags-sheet NAME` takes another"),
        );
        Ok((table, notes))
    }

    /// Whether a worksheet has the stated columns or, where none are stated, one that names or ticks rows.
    fn fits(&self, table: &Table) -> Result<bool> {
        let options = self.options;
        let columns = Columns { table, options };
        let stated = [&options.key, &options.given_column, &options.correct_column];
        let stated = stated.into_iter().flatten().map(String::as_str);
        let mut stated = stated.chain(columns.stated_flags().map(|(column, _)| column)).peekable();
        if stated.peek().is_some() {
            return Ok(stated.all(|column| table.has(column)));
        }
        let has = |name: &str| columns.find(name).is_some();
        let names_rows = [self.index.key_column(), self.index.group_column(), Some(SHEET_ROW)];
        Ok(names_rows.into_iter().flatten().any(has) || has("is_label_issue") || columns.ticked()?.is_some())
    }

    /// A model that looks at the flags cannot be judged by them.
    fn refuse_inputs(&self, table: &Table) -> Result<()> {
        let columns = Columns {
            table,
            options: self.options,
        };
        let marks = match columns.stated_flags() {
            Some((column, _)) => Some(column),
            None => columns.ticked().unwrap_or(None),
        };
        let Some(column) = marks.filter(|column| self.inputs.contains(column)) else {
            return Ok(());
        };
        Err(Error::input(format!(
            "`{column}` says which rows are wrong, and the model was trained with it as an input"
        ))
        .in_file(&table.source().file_name)
        .in_column(column)
        .hint(format!("train again without it: `recant train SHEET --leave-out \"{column}\"`")))
    }

    /// Where the flag file names rows by a column that the model does not know but the sheet has: the model's rows by that column.
    fn other_key(&self, table: &Table, notes: &mut Notes) -> Result<Option<(RowIndex, FlagOptions)>> {
        let (Some(sheet), None) = (self.sheet, self.options.numbering) else {
            return Ok(None);
        };
        let known = [self.index.key_column(), self.index.group_column()];
        let is_known = |name: &str| known.into_iter().flatten().any(|column| folded(column) == folded(name));
        let in_sheet = |name: &str| {
            let same = |column: &&String| folded(column) == folded(name);
            sheet
                .names()
                .iter()
                .find(|column| *column == name)
                .or_else(|| sheet.names().iter().find(same))
        };
        let column = match &self.options.key {
            Some(stated) if is_known(stated) => None,
            Some(stated) => in_sheet(stated).map(|column| (stated.clone(), column.clone())),
            None => self.key_of_the_sheet(table, sheet, &is_known, &in_sheet)?,
        };
        let Some((own, column)) = column else { return Ok(None) };
        let index = self.index.keyed_by(sheet, &column)?;
        let knows = match self.index.key_column() {
            Some(key) => format!("the model knows rows by `{key}`"),
            None => "the model folder holds no keys".to_owned(),
        };
        notes.add(
            "other-key",
            format!("the flag file names rows by `{own}`, and {knows}"),
            format!("the rows were found by the column `{column}` of `{}`", sheet.source().file_name),
        );
        let options = FlagOptions {
            key: Some(own),
            ..self.options.clone()
        };
        Ok(Some((index, options)))
    }

    /// Keys or row numbers in one line, as one copies them from a list: one line each.
    fn one_line(&self, table: &Table, notes: &mut Notes) -> Result<Option<Table>> {
        let names = table.names();
        if table.height() > 0 || names.len() < 2 || self.options.key.is_some() || self.options.flag_column.is_some() {
            return Ok(None);
        }
        let bare = |name: &String| name.trim_matches(['[', ']', '(', ')', '{', '}', '\'', '"', ' ']).to_owned();
        let cells: Vec<String> = names.iter().map(bare).collect();
        let key = self.index.key_column().filter(|_| self.options.numbering.is_none());
        let column = match key {
            Some(key) if cells.iter().any(|cell| !self.index.with_key(cell).is_empty()) => key,
            _ if cells.iter().all(|cell| whole(cell).is_some()) => "row",
            _ => return Ok(None),
        };
        let file = &table.source().file_name;
        notes.add(
            "flags-in-one-line",
            format!("`{file}` is one line of {} names", cells.len()),
            "each of them is taken as a flag",
        );
        let cells: Vec<Option<String>> = cells.into_iter().map(Some).collect();
        Table::new(file, cells.len()).with_column(column, cells).map(Some)
    }

    /// Where lines name the group of a row, or a key that several rows share, and have further columns of the sheet: the rows by the first of these that
    /// tells the rows of every group apart, else by all of them. The flag file gets a column of both.
    fn within_group(&self, table: &mut Table, notes: &mut Notes) -> Result<Option<(RowIndex, FlagOptions)>> {
        let (Some(sheet), None) = (self.sheet, self.options.numbering) else {
            return Ok(None);
        };
        let same = |left: &str, right: &str| folded(left) == folded(right);
        let named = |table: &Table, wanted: &str| table.names().iter().find(|name| same(name, wanted)).cloned();
        let repeats = |key: &&str| {
            let distinct = named(sheet, key).and_then(|key| sheet.distinct_count(&key).ok());
            distinct.is_some_and(|distinct| distinct < sheet.height())
        };
        let group = match (self.index.group_column(), self.index.key_column().filter(repeats)) {
            (Some(group), _) | (None, Some(group)) => Some(group.to_owned()),
            (None, None) => self.first_of_two(table, sheet),
        };
        let Some(group) = group.as_deref() else { return Ok(None) };
        let other_key = |key: &str| !same(key, group) && named(table, key).is_some();
        let by_key = self.index.key_column().is_some_and(other_key) || named(table, SHEET_ROW).is_some();
        let stated = self.options.key.as_ref().is_none_or(|key| same(key, group));
        let (Some(own_group), Some(sheet_group)) = (named(table, group), named(sheet, group)) else {
            return Ok(None);
        };
        if by_key || !stated || table.height() == 0 {
            return Ok(None);
        }
        let sources = self.label.map(LabelRule::sources).unwrap_or_default();
        let further = |name: &&String| !same(name, group) && !sources.contains(&name.as_str());
        let mut shared: Vec<(String, String)> = table
            .names()
            .iter()
            .filter(further)
            .filter_map(|name| Some((name.clone(), named(sheet, name)?)))
            .collect();
        // Ids and places first.
        shared.sort_by_key(|(name, _)| !(names_id(name) || names_place(name)));
        let apart = |own: &[String], of_sheet: Keys, lines: Keys, table: &Table| -> Result<Option<(String, Table, RowIndex)>> {
            let both = format!("{own_group} / {}", own.join(" / "));
            if sheet.has(&both) || table.has(&both) {
                return Ok(None);
            }
            let index = self.index.keyed_by(&sheet.with_column(&both, of_sheet)?, &both)?;
            let table = table.with_column(&both, lines)?;
            Ok(Some((both, table, index)))
        };
        let (groups, own_groups) = (as_written(sheet, &sheet_group)?, as_written(table, &own_group)?);
        let mut found = None;
        for (own, column) in &shared {
            let [theirs, ours] = alike((sheet, column), (table, own))?;
            let keys = together(&groups, &[theirs]);
            if keys.iter().flatten().collect::<BTreeSet<_>>().len() == sheet.height() {
                let own = std::slice::from_ref(own);
                found = apart(own, keys, together(&own_groups, &[ours]), table)?;
            }
            if found.is_some() {
                break;
            }
        }
        if found.is_none() && !shared.is_empty() {
            let (own, columns): (Vec<String>, Vec<String>) = shared.into_iter().unzip();
            // Whole rows; where most of them are not in the sheet as they stand, they were changed, and name rows by the group alone.
            let pairs = columns.iter().zip(&own).map(|(column, own)| alike((sheet, column), (table, own)));
            let pairs = pairs.collect::<Result<Vec<_>>>()?;
            let (theirs, ours): (Vec<Keys>, Vec<Keys>) = pairs.into_iter().map(|[theirs, ours]| (theirs, ours)).unzip();
            let of_sheet = together(&groups, &theirs);
            let known: BTreeSet<&String> = of_sheet.iter().flatten().collect();
            let lines = together(&own_groups, &ours);
            let met = lines.iter().flatten().filter(|line| known.contains(line)).count();
            if known.len() > sheet.distinct_count(&sheet_group)? {
                if met * 2 > lines.len() {
                    found = apart(&own, of_sheet, lines, table)?;
                } else {
                    notes.add(
                        "flags-changed-rows",
                        format!(
                            "the flag file names rows by `{own_group}`, which several rows share, and what it has in `{}` is not in the sheet so",
                            own.join("`, `")
                        ),
                        "the lines were matched without it; write it as it stands in the sheet to flag single rows",
                    );
                }
            }
        }
        let Some((both, wider, index)) = found else { return Ok(None) };
        *table = wider;
        let further = both.trim_start_matches(&own_group).trim_start_matches(" / ");
        notes.add(
            "flags-within-groups",
            format!("the flag file names rows by `{own_group}`, which several rows share, and has their `{further}`"),
            format!("each line flags the row of that `{own_group}` and `{further}`"),
        );
        let options = FlagOptions {
            key: Some(both),
            ..self.options.clone()
        };
        Ok(Some((index, options)))
    }

    /// Where a model knows no groups, and a flag file has two columns of the sheet in all: the one that is no place within the other.
    fn first_of_two(&self, table: &Table, sheet: &Table) -> Option<String> {
        let sources = self.label.map(LabelRule::sources).unwrap_or_default();
        let of_sheet =
            |name: &&String| sheet.names().iter().any(|column| folded(column) == folded(name)) && !sources.contains(&name.as_str());
        let shared: Vec<&String> = table.names().iter().filter(of_sheet).collect();
        let [first, second] = shared[..] else { return None };
        Some(
            if names_place(first) && !names_place(second) {
                second
            } else {
                first
            }
            .clone(),
        )
    }

    /// Ids that lost digits name rows that nobody meant.
    fn refuse_rounded(&self, read: &ReadFlags) -> Result<()> {
        let (Addressing::Key { column } | Addressing::Group { column }) = &read.file.addressing else {
            return Ok(());
        };
        let names = read.file.flags.iter().chain(&read.file.fine).map(|line| line.name.as_str());
        if read.file.loose_keys || !have_lost_digits(names) {
            return Ok(());
        }
        let of_sheet = |sheet: &Table| {
            let key = sheet.names().iter().find(|name| folded(name) == folded(column))?;
            sheet.texts(key).ok()
        };
        // Where the sheet writes its ids with as few digits, they are the same ids.
        let alike = self.sheet.and_then(of_sheet).is_some_and(|texts| {
            have_lost_digits(texts.values.iter().map(String::as_str)) && texts.values.len() + texts.missing_count() == texts.codes.len()
        });
        if alike {
            return Ok(());
        }
        let example = read.file.flags.first().map(|flag| flag.name.clone()).unwrap_or_default();
        Err(Error::input(format!(
            "ids of more than 15 digits such as `{example}` have lost their last digits: Excel and floating-point numbers keep no more, and other rows \
             may bear what is left"
        ))
        .in_file(&read.file.file)
        .in_column(column)
        .hint("write the ids as text (pandas: `read_csv(..., dtype=str)`); where the ids of the sheet are such numbers, `--loose-keys` takes them"))
    }

    /// The only column of a flag file without other names for rows whose values name each row of the sheet.
    fn key_of_the_sheet<'a>(
        &self,
        table: &Table,
        sheet: &'a Table,
        is_known: &dyn Fn(&str) -> bool,
        in_sheet: &dyn Fn(&str) -> Option<&'a String>,
    ) -> Result<Option<(String, String)>> {
        let columns = Columns {
            table,
            options: self.options,
        };
        if table.names().iter().any(|name| is_known(name)) || columns.find(SHEET_ROW).is_some() {
            return Ok(None);
        }
        let mut found: Vec<(String, String)> = Vec::new();
        for name in table.names() {
            if let Some(column) = in_sheet(name)
                && sheet.missing_count(column)? == 0
                && sheet.distinct_count(column)? == sheet.height()
            {
                found.push((name.clone(), column.clone()));
            }
        }
        if found.len() > 1 {
            found.retain(|(name, _)| names_id(name));
        }
        if let ([only], true) = (table.names(), found.is_empty())
            && let Some(column) = in_sheet(only).filter(|_| !columns.names_rows(only))
            && table.height() != sheet.height()
            && !ticks::are_ticks(&table.texts(only)?)
        {
            return Err(Error::input(format!(
                "the flag file names rows by `{only}`, and several rows of the sheet have the same `{column}`"
            ))
            .in_file(&table.source().file_name)
            .hint(format!(
                "`--key \"{only}\"` flags every row with such a `{column}`; a second column of the sheet in the file, such as the line or item, tells \
                 its rows apart"
            )));
        }
        Ok(found.pop().filter(|_| found.is_empty()))
    }
}

/// Whether the person says that every line of the file is flagged.
fn says_every_line(table: &Table, options: &FlagOptions) -> bool {
    Columns { table, options }.every_line()
}

/// Whether a column's name says that it counts the rows of a group: `Line`, `Item no`, `Pos.`
fn names_place(name: &str) -> bool {
    const PLACES: [&str; 12] = [
        "line", "item", "position", "pos", "row", "sequence", "seq", "part", "zeile", "posten", "ligne", "linea",
    ];
    crate::features::words_of(name).iter().any(|word| PLACES.contains(&word.as_str()))
}
