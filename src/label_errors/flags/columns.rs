//! Which column of a flag file says what.

use super::keys::variants;
use super::names;
use super::numbering::{numpy_whole, options as numbering_options, whole};
use super::read::FlagOptions;
use super::{Addressing, Numbering, RowIndex};
use crate::error::{Error, Result, closest};
use crate::features::ticks;
use crate::label_errors::Amount;
use crate::notes::Notes;
use crate::tables::{Format, Table, Texts};

pub(super) struct Columns<'a> {
    pub(super) table: &'a Table,
    pub(super) options: &'a FlagOptions,
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

pub(super) fn folded(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.', '_'], "")
}

/// Says that a column of ticks marks the rows that are right.
pub(super) fn note_right(column: &str, notes: &mut Notes) {
    notes.add(
        "ticks-are-right",
        format!("the name of `{column}` says that a tick there marks a row that is right"),
        "the rows without a tick are taken as wrong; `--flag-column COLUMN` takes ticks as wrong",
    );
}

/// The first dozen of some names.
pub(super) fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
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

impl Columns<'_> {
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let wanted = folded(name);
        self.table
            .names()
            .iter()
            .map(String::as_str)
            .find(|column| folded(column) == wanted)
    }

    /// The stated column of flags and, where it was stated as `Audit=failed`, the value there that flags a line.
    pub(super) fn stated_flags(&self) -> Option<(&str, Option<&str>)> {
        let stated = self.options.flag_column.as_deref()?;
        let mut parts = stated.match_indices('=').map(|(at, _)| (&stated[..at], Some(&stated[at + 1..])));
        let parted = parts.find(|(column, _)| self.table.has(column)).filter(|_| !self.table.has(stated));
        Some(parted.unwrap_or((stated, None)))
    }

    /// Whether the person says that every line is flagged, whatever its cells say.
    pub(super) fn every_line(&self) -> bool {
        self.options.worst == Some(Amount::ShareOfTraining(1.0)) && self.options.score_cut.is_none()
    }

    /// Which lines are flagged; `None`: all of them.
    pub(super) fn marks(&self, notes: &mut Notes) -> Result<Option<Vec<bool>>> {
        let by_score = self.options.score_cut.is_some() || self.options.worst.is_some();
        if let Some((column, value)) = self.stated_flags() {
            self.table.require(column)?;
            return match value {
                Some(value) => self.lines_with(column, value),
                None => self.truths(column),
            }
            .map(Some);
        }
        let score = SCORES.iter().find_map(|(name, high_is_bad)| Some((self.find(name)?, *high_is_bad)));
        if score.is_none() && self.every_line() {
            return Ok(None);
        }
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
        let ticked = self.ticked()?;
        if let Some(column) = ticked.filter(|column| ticks::names_right(column)) {
            let mut marks = self.truths(column)?;
            if self.right_is_ticked(column)? {
                marks.iter_mut().for_each(|mark| *mark = !*mark);
                note_right(column, notes);
            }
            return Ok(Some(marks));
        }
        if let Some(column) = ticked {
            notes.add(
                "flag-column-found",
                format!("the column `{column}` marks lines of the flag file"),
                "the lines with a tick are taken as wrong; `--flag-column COLUMN` names another column",
            );
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

    /// The column that by name and content does nothing but tick lines; `None` where there is none.
    pub(super) fn ticked(&self) -> Result<Option<&str>> {
        let stated = [&self.options.key, &self.options.given_column, &self.options.correct_column];
        let other_use = |name: &str| stated.into_iter().flatten().any(|column| column == name);
        let is_one = |name: &&str| {
            ticks::names_ticks(name) && !other_use(name) && self.table.texts(name).is_ok_and(|texts| ticks::are_ticks(&texts))
        };
        let found: Vec<&str> = self.table.names().iter().map(String::as_str).filter(is_one).collect();
        match found[..] {
            [] => Ok(self.indexed_mask()),
            [only] => Ok(Some(only)),
            [first, second, ..] => Err(super::verdicts::two_columns(first, second)),
        }
    }

    /// The only column beside an index without a name, where it holds nothing but True and False, or 0 and 1, over and over: a mask as pandas
    /// writes it.
    fn indexed_mask(&self) -> Option<&str> {
        let only = self.unnamed_index().and(self.only_name())?;
        let texts = self.table.texts(only).ok()?;
        let repeated = self.table.height() > 2 && texts.values.len() < self.table.height();
        let marks = ticks::are_ticks(&texts) && texts.values.iter().all(|text| ticks::is_truth(text));
        (repeated && marks).then_some(only)
    }

    /// Whether a tick in the column says that the row is right: its name says so, and its cells are plain truth values.
    pub(super) fn right_is_ticked(&self, column: &str) -> Result<bool> {
        Ok(ticks::names_right(column) && !ticks::speak_of_errors(&self.table.texts(column)?.values))
    }

    /// Whether a column is one of row numbers, scores or pandas' index by its name.
    pub(super) fn names_rows(&self, name: &str) -> bool {
        let usual = ROW_NUMBERS.iter().chain(SCORES.iter().map(|(score, _)| score));
        usual.into_iter().any(|usual| folded(usual) == folded(name)) || self.unnamed_index() == Some(name)
    }

    /// The lines that have a value in a column, or any value at all (`*`).
    fn lines_with(&self, column: &str, value: &str) -> Result<Vec<bool>> {
        let texts = self.table.texts(column)?;
        let wanted = value.trim().to_lowercase();
        let flagged: Vec<bool> = texts
            .values
            .iter()
            .map(|text| wanted == "*" || text.to_lowercase() == wanted)
            .collect();
        if !flagged.contains(&true) {
            return Err(Error::input(format!("no line of the flag file has `{value}` there"))
                .in_column(column)
                .hint(format!("its values are {}", listed(&texts.values))));
        }
        let of_line = |code: &u32| *code != Texts::MISSING && flagged[*code as usize];
        Ok(texts.codes.iter().map(of_line).collect())
    }

    /// A column of yes and no.
    fn truths(&self, column: &str) -> Result<Vec<bool>> {
        let texts = self.table.texts(column)?;
        let meanings = ticks::meanings(&texts.values);
        (0..self.table.height())
            .map(|row| match texts.codes[row] {
                Texts::MISSING => Ok(false),
                code => meanings[code as usize].ok_or_else(|| {
                    Error::input(format!("`{}` does not say whether the row is wrong", texts.values[code as usize]))
                        .at_row(self.table.row_number(row))
                        .in_column(column)
                        .hint(format!(
                            "use 1 or x for wrong rows and 0 or blank for the others, or name the value that flags a line: \
                             `--flag-column \"{column}={}\"`",
                            texts.values[code as usize]
                        ))
                }),
            })
            .collect()
    }

    /// The column of scores that all lines are sorted by, where they are: then their order is not that of a sheet.
    pub(super) fn sorted_by(&self) -> Option<String> {
        const LINES: usize = 10;
        const DIFFERENT: usize = 5;
        let column = SCORES.iter().find_map(|(name, _)| self.find(name))?;
        let scores: Option<Vec<f64>> = self.table.numbers(column, &mut Notes::new()).ok()?.into_iter().collect();
        let scores = scores?;
        let changes = scores.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let sorted = scores.is_sorted() || scores.is_sorted_by(|left, right| left >= right);
        (scores.len() >= LINES && changes + 1 >= DIFFERENT && sorted).then(|| column.to_owned())
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

    /// Whether the names of the columns stood in a line of their own, which could have been a line of flags.
    pub(super) fn has_header_line(&self) -> bool {
        !matches!(
            self.table.source().format,
            Format::Parquet | Format::Arrow | Format::Numpy | Format::Memory
        )
    }

    /// The header of an only column where it is a number or a key of the model: then the file has no header.
    pub(super) fn header_that_is_a_flag(&self, index: &RowIndex, notes: &mut Notes) -> Option<String> {
        let [only] = self.table.names() else { return None };
        // The names of an array or a frame are no line of a file.
        if !self.has_header_line() {
            return None;
        }
        let key = || numpy_whole(only).unwrap_or_else(|| only.clone());
        let near = || self.options.loose_keys && variants(only).iter().any(|(_, text)| !index.with_key(text).is_empty());
        let is_flag = whole(only).is_some() || index.key_column().is_some() && (!index.with_key(&key()).is_empty() || near());
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
    pub(super) fn addressing(
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
                None => self
                    .number_column(index)
                    .or(self.only_name())
                    .map_or_else(|| self.which_numbers(), Ok)?,
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
        if let Some(found) = self.similar(index, notes)? {
            return Ok(found);
        }
        if let Some(column) = self.number_column(index) {
            return Ok((Addressing::RowNumbers { numbering: None }, Some(self.table.texts(column)?)));
        }
        if let Some(only) = self.only_name()
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
        let numbers: Option<Vec<usize>> = all().map(whole).collect();
        let keys = index.key_column().is_some();
        let are_keys = |found: &dyn Fn(bool) -> bool| {
            let is_key = |text: &str| !index.with_key(&numpy_whole(text).unwrap_or_else(|| text.to_owned())).is_empty();
            keys && found(all().all(is_key)) && all().any(is_key)
        };
        let column = || only.to_owned();
        let another = index.key_column().filter(|key| names::is_another(only, key));
        match numbers {
            None if keys && another.is_none() => return Ok((Addressing::Key { column: column() }, Some(texts))),
            Some(_) if !are_keys(&|_| true) => return Ok((Addressing::RowNumbers { numbering: None }, Some(texts))),
            // All of them are keys, and the sheet has no rows of such numbers.
            Some(numbers)
                if another.is_none()
                    && are_keys(&|all| all)
                    && numbers.iter().min().copied() > index.sheet_rows().map(|(_, last)| last.max(index.entries().len())) =>
            {
                return Ok((Addressing::Key { column: column() }, Some(texts)));
            }
            _ => {}
        }
        Err(self.unclear(index))
    }

    /// The column that is called by the paper alone, or by its number in another word, where the key or group of the model has one: `Order` for
    /// `Order No`.
    fn similar(&self, index: &RowIndex, notes: &mut Notes) -> Result<Option<(Addressing, Option<Texts>)>> {
        for (wanted, group) in [(index.key_column(), false), (index.group_column(), true)] {
            let Some(wanted) = wanted.filter(|_| self.table.width() > 1) else {
                continue;
            };
            let same: Vec<&String> = self
                .table
                .names()
                .iter()
                .filter(|name| names::are_of_one_paper(name, wanted))
                .collect();
            let [column] = same[..] else { continue };
            notes.add(
                "key-by-similar-name",
                format!("the flag file has no column `{wanted}` but `{column}`"),
                "taken as the same column",
            );
            let texts = Some(self.table.texts(column)?);
            let column = column.clone();
            return Ok(Some(match group {
                true => (Addressing::Group { column }, texts),
                false => (Addressing::Key { column }, texts),
            }));
        }
        Ok(None)
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
    fn number_column(&self, index: &RowIndex) -> Option<&str> {
        let named = ROW_NUMBERS.iter().find_map(|name| self.find(name));
        // An index that counts the lines of the file says nothing about the rows of a longer sheet.
        let of_rows = |_: &&str| self.table.height() == index.entries().len() || !self.counts_lines();
        named.or_else(|| self.unnamed_index().filter(of_rows))
    }

    /// The index that pandas writes without a name.
    fn unnamed_index(&self) -> Option<&str> {
        let names = self.table.names();
        let first = names.first().map(String::as_str).filter(|_| names.len() > 1)?;
        let unnamed = first == "Column A" || folded(first) == "unnamed:0";
        let texts = self.table.texts(first).ok().filter(|_| unnamed)?;
        texts.values.iter().all(|text| whole(text).is_some()).then_some(first)
    }

    /// Whether the index without a name is 0, 1, 2, ...
    fn counts_lines(&self) -> bool {
        self.unnamed_index()
            .and_then(|index| self.table.texts(index).ok())
            .is_some_and(|texts| (0..self.table.height()).all(|row| texts.get(row).and_then(whole) == Some(row)))
    }

    /// The only column beside an index without a name.
    fn only_name(&self) -> Option<&str> {
        match self.table.names() {
            [only] => Some(only),
            [_, only] if self.unnamed_index().is_some() => Some(only),
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
        listed(self.table.names())
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

    pub(super) fn labels(&self, stated: Option<&str>, usual: &str) -> Result<Option<Texts>> {
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
