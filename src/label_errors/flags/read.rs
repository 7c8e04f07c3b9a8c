//! From a file of any form to a [`FlagFile`]: which column says what.

use std::collections::BTreeSet;
use std::path::Path;

use super::numbering::options as numbering_options;
use super::{Addressing, Flag, FlagFile, Numbering, RowIndex};
use crate::error::{Error, Result, closest};
use crate::features::LabelRule;
use crate::label_errors::Amount;
use crate::notes::Notes;
use crate::tables::{ReadOptions, Table, Texts};

/// What the person stated about a flag file. All of it may be left out where the file speaks for itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlagOptions {
    /// The column that names rows (`--key`): keys, group names, or row numbers if `numbering` is given.
    pub key: Option<String>,
    /// Where row numbers start (`--row-numbers`).
    pub numbering: Option<Numbering>,
    /// The column that says which lines are wrong (`--flag-column`): 1, true, yes, x, or 0, false, no, blank.
    pub flag_column: Option<String>,
    /// The column with the label a row is said to have (`--given-column`); by default `given_label`.
    pub given_column: Option<String>,
    /// The column with the label a row should have (`--correct-column`); by default `correct_label`.
    pub correct_column: Option<String>,
    /// Flag lines whose score is at least as bad as this (`--score-cut`).
    pub score_cut: Option<f64>,
    /// Flag so many lines with the worst scores (`--worst`): a count, or a share of the lines.
    pub worst: Option<Amount>,
    /// Whether keys that differ only in leading zeros, `.0`, spaces or case count as the same (`--loose-keys`).
    pub loose_keys: bool,
}

/// A flag file with the table it came from.
#[derive(Debug, Clone)]
pub struct ReadFlags {
    /// The flags.
    pub file: FlagFile,
    /// All lines of the file; [`Flag::table_row`] is an index into it. Where it has the columns of the features, a repair needs no
    /// other data.
    pub table: Table,
}

impl ReadFlags {
    /// The lines of these flags (indices into [`FlagFile::flags`]) as a table of their own.
    pub fn rows(&self, flags: &[usize]) -> Table {
        let rows: Vec<usize> = flags.iter().filter_map(|flag| self.file.flags.get(*flag)?.table_row).collect();
        self.table.take(&rows)
    }

    /// Which of these columns the file lacks.
    pub fn missing_columns<'a>(&self, wanted: &[&'a str]) -> Vec<&'a str> {
        wanted.iter().copied().filter(|column| !self.table.has(column)).collect()
    }
}

/// Reads a flag file. `index` tells what the model's key and group columns are called; `label`, where given, computes the label of full
/// rows, which is then checked like a given label.
///
/// # Errors
/// Where the file cannot be read, a named column is not there, a cell is neither wrong nor fine, or it is not clear which lines are
/// flagged or how they name rows; the hint then lists the options to choose from.
pub fn read(
    path: &Path,
    read_options: &ReadOptions,
    options: &FlagOptions,
    index: &RowIndex,
    label: Option<&LabelRule>,
    notes: &mut Notes,
) -> Result<ReadFlags> {
    from_table(crate::tables::read(path, read_options, notes)?, options, index, label, notes)
}

/// As [`read`], from a table that is already there, such as the training sheet with a flag column in it.
///
/// # Errors
/// As [`read`].
pub fn from_table(
    table: Table,
    options: &FlagOptions,
    index: &RowIndex,
    label: Option<&LabelRule>,
    notes: &mut Notes,
) -> Result<ReadFlags> {
    let file_name = table.source().file_name.clone();
    read_table(&table, options, index, label, notes)
        .map(|file| ReadFlags { file, table })
        .map_err(|error| error.in_file(&file_name))
}

fn read_table(table: &Table, options: &FlagOptions, index: &RowIndex, label: Option<&LabelRule>, notes: &mut Notes) -> Result<FlagFile> {
    let columns = Columns { table, options };
    let first_line = columns.header_that_is_a_flag(index, notes);
    let marks = columns.marks(notes)?;
    let (addressing, names) = columns.addressing(index, marks.is_some(), first_line.as_deref(), notes)?;
    let given = columns.labels(options.given_column.as_deref(), "given_label")?;
    let correct = columns.labels(options.correct_column.as_deref(), "correct_label")?;
    let computed = match (&given, label) {
        (None, Some(rule)) if rule.sources().iter().all(|column| table.has(column)) => Some(rule.labels(table, notes)?),
        _ => None,
    };
    let text = |texts: &Option<Texts>, row: usize| texts.as_ref().and_then(|texts| texts.get(row)).map(str::to_owned);
    let mut flags: Vec<Flag> = first_line
        .into_iter()
        .map(|name| Flag {
            name,
            line: table.source().header_row,
            ..Flag::default()
        })
        .collect();
    let mut fine: BTreeSet<&str> = BTreeSet::new();
    for row in 0..table.height() {
        let name = names.as_ref().map(|names| names.get(row).unwrap_or_default());
        if marks.as_ref().is_some_and(|marks| !marks[row]) {
            fine.extend(name.filter(|name| !name.is_empty()));
            continue;
        }
        let computed = computed
            .as_ref()
            .and_then(|labels| labels[row])
            .and_then(|class| index.classes().get(usize::from(class)).cloned());
        flags.push(Flag {
            name: name.map_or_else(|| row.to_string(), str::to_owned),
            line: table.row_number(row),
            table_row: Some(row),
            given: text(&given, row).or(computed),
            correct: text(&correct, row),
        });
    }
    // Lines that name a whole order may well list some of its items as wrong and others as fine, but then the order is no name for them.
    let contradicted = flags
        .iter()
        .map(|flag| flag.name.as_str())
        .filter(|name| fine.contains(name))
        .map(str::to_owned)
        .collect();
    Ok(FlagFile {
        file: table.source().file_name.clone(),
        sha256: table.source().sha256.clone(),
        addressing,
        flags,
        contradicted,
        loose_keys: options.loose_keys,
    })
}

struct Columns<'a> {
    table: &'a Table,
    options: &'a FlagOptions,
}

/// Scores of label errors that other programs write, with whether a high one is bad.
const SCORES: [(&str, bool); 4] = [
    ("label_quality", false),
    ("label_score", false),
    ("label_quality_score", false),
    ("label_issue_score", true),
];

/// Names of columns that hold row numbers, without saying where they start.
const ROW_NUMBERS: [&str; 11] = [
    crate::label_errors::sheet::SHEET_ROW,
    "cleanlab_row_id",
    "row",
    "rows",
    "row_number",
    "row_no",
    "row_id",
    "row_index",
    "line",
    "line_number",
    "index",
];

fn is_whole(text: &str) -> bool {
    text.strip_suffix(".0").unwrap_or(text).parse::<usize>().is_ok()
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.', '_'], "")
}

impl Columns<'_> {
    fn find(&self, name: &str) -> Option<&str> {
        let wanted = folded(name);
        self.table
            .names()
            .iter()
            .map(String::as_str)
            .find(|column| folded(column) == wanted)
    }

    /// Which lines are flagged; `None`: all of them.
    fn marks(&self, notes: &mut Notes) -> Result<Option<Vec<bool>>> {
        let by_score = self.options.score_cut.is_some() || self.options.worst.is_some();
        if let Some(column) = &self.options.flag_column {
            self.table.require(column)?;
            return self.truths(column).map(Some);
        }
        let score = SCORES.iter().find_map(|(name, high_is_bad)| Some((self.find(name)?, *high_is_bad)));
        if by_score {
            let (column, high_is_bad) = score.ok_or_else(|| {
                Error::input("a cut on scores is given, but the file has no column of scores").hint(format!(
                    "such a column is called {}",
                    SCORES.map(|(name, _)| format!("`{name}`")).join(", ")
                ))
            })?;
            return self.worst(column, high_is_bad, notes).map(Some);
        }
        if let Some(column) = self.find("is_label_issue") {
            return self.truths(column).map(Some);
        }
        match score {
            None => Ok(None),
            Some((column, high_is_bad)) => {
                let bad = if high_is_bad { "high" } else { "low" };
                Err(Error::input(format!("the file scores its lines ({bad} is bad) but does not say which of them are wrong"))
                    .in_column(column)
                    .hint("`--worst 5%` flags the worst 5 % of the lines, `--worst 100%` all of them; `--score-cut 0.2` flags by the score itself"))
            }
        }
    }

    /// A column of yes and no.
    fn truths(&self, column: &str) -> Result<Vec<bool>> {
        let texts = self.table.texts(column)?;
        let meaning = |text: &str| match text.trim().to_lowercase().as_str() {
            "1" | "1.0" | "true" | "t" | "yes" | "y" | "x" | "wrong" | "flag" | "flagged" | "error" => Some(true),
            "" | "0" | "0.0" | "false" | "f" | "no" | "n" | "ok" | "fine" | "right" | "correct" => Some(false),
            _ => None,
        };
        let meanings: Vec<Option<bool>> = texts.values.iter().map(|text| meaning(text)).collect();
        (0..self.table.height())
            .map(|row| match texts.codes[row] {
                Texts::MISSING => Ok(false),
                code => meanings[code as usize].ok_or_else(|| {
                    Error::input(format!("`{}` does not say whether the row is wrong", texts.values[code as usize]))
                        .at_row(self.table.row_number(row))
                        .in_column(column)
                        .hint("use 1 for wrong rows and 0 or blank for the others")
                }),
            })
            .collect()
    }

    /// The lines with the worst scores.
    fn worst(&self, column: &str, high_is_bad: bool, notes: &mut Notes) -> Result<Vec<bool>> {
        let scores = self.table.numbers(column, notes)?;
        // Badness: the larger the worse.
        let badness: Vec<Option<f64>> = scores
            .iter()
            .map(|score| score.map(|score| if high_is_bad { score } else { -score }))
            .collect();
        let scored = badness.iter().flatten().count();
        if scored < badness.len() {
            notes.add(
                "unscored-flags",
                format!("{} lines have no score in `{column}`", badness.len() - scored),
                "they are not flagged",
            );
        }
        let mut marks = vec![true; badness.len()];
        if let Some(cut) = self.options.score_cut {
            let cut = if high_is_bad { cut } else { -cut };
            marks = badness.iter().map(|bad| bad.is_some_and(|bad| bad >= cut)).collect();
        }
        if let Some(worst) = self.options.worst {
            let count = match worst {
                Amount::Rows(rows) => rows.min(scored),
                Amount::ShareOfTraining(share) | Amount::ShareOfDomain(share) => ((share * scored as f64 + 1e-9).floor() as usize).max(1),
            };
            let mut order: Vec<(f64, usize)> = badness
                .iter()
                .enumerate()
                .filter_map(|(row, bad)| Some((bad.as_ref().copied()?, row)))
                .collect();
            // Equal scores: the earlier line first.
            order.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
            let mut among = vec![false; badness.len()];
            order.iter().take(count).for_each(|(_, row)| among[*row] = true);
            marks.iter_mut().zip(among).for_each(|(mark, among)| *mark &= among);
        }
        let direction = if high_is_bad { "high is bad" } else { "low is bad" };
        notes.add(
            "flags-by-score",
            format!("the file scores its lines in `{column}` ({direction})"),
            format!(
                "{} of {} lines are taken as flagged",
                marks.iter().filter(|mark| **mark).count(),
                marks.len()
            ),
        );
        Ok(marks)
    }

    /// The header of an only column where it is a number or a key of the model: then the file has no header.
    fn header_that_is_a_flag(&self, index: &RowIndex, notes: &mut Notes) -> Option<String> {
        let [only] = self.table.names() else { return None };
        let is_flag = only.parse::<usize>().is_ok() || index.key_column().is_some() && !index.with_key(only).is_empty();
        is_flag.then(|| {
            notes.add(
                "flags-without-header",
                format!("the flag file has no header: its first line is `{only}`"),
                "the first line is taken as a flag",
            );
            only.clone()
        })
    }

    /// How rows are named, and the names; `None` where it is by their order alone.
    fn addressing(
        &self,
        index: &RowIndex,
        marked: bool,
        first_line: Option<&str>,
        notes: &mut Notes,
    ) -> Result<(Addressing, Option<Texts>)> {
        if let Some(numbering) = self.options.numbering {
            let column = match &self.options.key {
                Some(column) => {
                    self.table.require(column)?;
                    column.as_str()
                }
                None => self.number_column().or(self.only_name()).map_or_else(|| self.which_numbers(), Ok)?,
            };
            let numbering = Some(numbering);
            return Ok((Addressing::RowNumbers { numbering }, Some(self.table.texts(column)?)));
        }
        if let Some(column) = &self.options.key {
            self.table.require(column)?;
            return self.by_key(column, index);
        }
        for (wanted, group) in [(index.key_column(), false), (index.group_column(), true)] {
            let Some(column) = wanted.and_then(|wanted| self.find(wanted)) else {
                continue;
            };
            let texts = self.table.texts(column)?;
            if Some(column) != wanted {
                notes.add(
                    "key-by-similar-name",
                    format!("the flag file has no column `{}` but `{column}`", wanted.unwrap_or_default()),
                    "taken as the same column",
                );
            }
            let column = column.to_owned();
            return Ok((
                if group {
                    Addressing::Group { column }
                } else {
                    Addressing::Key { column }
                },
                Some(texts),
            ));
        }
        if let Some(column) = self.find(crate::label_errors::sheet::SHEET_ROW) {
            let numbering = Some(Numbering::Sheet);
            return Ok((Addressing::RowNumbers { numbering }, Some(self.table.texts(column)?)));
        }
        if let Some(column) = self.number_column() {
            return Ok((Addressing::RowNumbers { numbering: None }, Some(self.table.texts(column)?)));
        }
        if let [only] = self.table.names()
            && !marked
        {
            return self.only_column(only, index, first_line);
        }
        if marked || self.find("given_label").is_some() && self.table.height() == index.entries().len() {
            return Ok((
                Addressing::LineByLine {
                    lines: self.table.height(),
                },
                None,
            ));
        }
        Err(self.unclear(index))
    }

    /// An only column of another name: keys, unless it holds whole numbers of which none is a key.
    fn only_column(&self, only: &str, index: &RowIndex, first_line: Option<&str>) -> Result<(Addressing, Option<Texts>)> {
        let texts = self.table.texts(only)?;
        let all = || texts.values.iter().map(String::as_str).chain(first_line);
        let whole = all().all(is_whole);
        let keys = index.key_column().is_some();
        if !whole && keys {
            let column = only.to_owned();
            return Ok((Addressing::Key { column }, Some(texts)));
        }
        if whole && !(keys && all().any(|text| !index.with_key(text).is_empty())) {
            return Ok((Addressing::RowNumbers { numbering: None }, Some(texts)));
        }
        Err(self.unclear(index))
    }

    fn by_key(&self, column: &str, index: &RowIndex) -> Result<(Addressing, Option<Texts>)> {
        let texts = self.table.texts(column)?;
        let group = index.group_column().is_some_and(|group| folded(group) == folded(column));
        if !group && index.key_column().is_none() {
            return Err(Error::input(format!(
                "rows are named by `{column}`, but the model was trained without a key column and knows them by row number only"
            ))
            .hint(numbering_options(&[Numbering::Sheet, Numbering::FromOne, Numbering::FromZero])));
        }
        let column = column.to_owned();
        Ok((
            if group {
                Addressing::Group { column }
            } else {
                Addressing::Key { column }
            },
            Some(texts),
        ))
    }

    /// The column of row numbers: by its name, or the index that pandas writes without a name.
    fn number_column(&self) -> Option<&str> {
        let names = self.table.names();
        let first = names.first().map(String::as_str).filter(|_| names.len() > 1);
        let unnamed = first.filter(|first| *first == "Column A" || folded(first) == "unnamed:0");
        let whole = |column: &&str| {
            self.table
                .texts(column)
                .is_ok_and(|texts| texts.values.iter().all(|text| is_whole(text)))
        };
        ROW_NUMBERS.iter().find_map(|name| self.find(name)).or(unnamed.filter(whole))
    }

    fn only_name(&self) -> Option<&str> {
        match self.table.names() {
            [only] => Some(only),
            _ => None,
        }
    }

    fn which_numbers(&self) -> Result<&str> {
        Err(
            Error::input("row numbers are announced, but it is not clear which column holds them")
                .hint(format!("name it by `--key COLUMN`; the columns are {}", self.listed())),
        )
    }

    fn listed(&self) -> String {
        const MOST: usize = 12;
        let names = self.table.names();
        let mut text = names
            .iter()
            .take(MOST)
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        if names.len() > MOST {
            text.push_str(", ...");
        }
        text
    }

    fn unclear(&self, index: &RowIndex) -> Error {
        let names = self.table.names();
        let error = Error::input("it is not clear how the flag file names rows");
        match (index.key_column(), names) {
            (Some(key), [only]) => error.hint(format!(
                "`--key \"{only}\"` if it holds values of `{key}`; if it holds row numbers: {}",
                numbering_options(&[Numbering::Sheet, Numbering::FromOne, Numbering::FromZero])
            )),
            (Some(key), _) => match closest(key, names.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("`--key \"{near}\"` if it holds values of `{key}`")),
                None => error.hint(format!(
                    "`--key COLUMN` names the column with the values of `{key}`; the columns are {}",
                    self.listed()
                )),
            },
            (None, _) => error.hint(format!(
                "the model knows rows by number only: name the column by `--key COLUMN`; {}",
                numbering_options(&[Numbering::Sheet, Numbering::FromOne, Numbering::FromZero])
            )),
        }
    }

    fn labels(&self, stated: Option<&str>, usual: &str) -> Result<Option<Texts>> {
        let column = match stated {
            Some(column) => {
                self.table.require(column)?;
                Some(column)
            }
            None => self.find(usual),
        };
        column.map(|column| self.table.texts(column)).transpose()
    }
}

#[cfg(test)]
mod tests;
