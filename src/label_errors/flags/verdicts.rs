//! What a column that only the flag file has says of its lines: a list of rows that somebody went through names the right ones, too.
//!
//! Every line of a file is taken as wrong unless a column says otherwise. A column that may say so, in a way that is not clear, stops the reading:
//! rows that are right must not be repaired because a column was called `result` and not `wrong`.

use super::columns::{Columns, folded};
use super::labels::named;
use super::numbering::whole;
use crate::error::{Error, Result};
use crate::features::ticks;
use crate::label_errors::proposals::{CORRECT_LABEL, LIKELIEST_LABEL};
use crate::notes::Notes;
use crate::tables::Texts;

/// Scores need so many different values to be scores.
const SCORED: usize = 2;

/// Whether a name is that of a column in the sheet, which says nothing about the flags.
pub(super) type InSheet<'a> = &'a dyn Fn(&str) -> bool;

/// A column and what it says.
enum Found {
    /// Per line whether it is wrong, and why in words.
    Marks(Vec<bool>, &'static str),
    /// It may say something, but what is not clear.
    Unclear(Error),
}

impl Columns<'_> {
    /// Which lines are flagged by a column of other names than the usual ones; `None` where all are.
    ///
    /// # Errors
    /// Where a column may say which lines are wrong and does not say it clearly, or two do.
    pub(super) fn verdicts(&self, in_sheet: InSheet, rows_by: &[Option<&str>], notes: &mut Notes) -> Result<Option<Vec<bool>>> {
        let mut found: Vec<(&str, Vec<bool>, &'static str)> = Vec::new();
        for name in self.own_columns(in_sheet, rows_by) {
            match self.verdict_of(name)? {
                None => {}
                Some(Found::Unclear(error)) => return Err(error),
                Some(Found::Marks(marks, why)) => found.push((name, marks, why)),
            }
        }
        if let [(first, ..), (second, ..), ..] = found.as_slice() {
            return Err(two_columns(first, second));
        }
        Ok(found.pop().map(|(name, marks, why)| {
            notes.add(
                "flag-column-found",
                format!("the column `{name}` says which lines of the flag file are wrong"),
                format!(
                    "{why}: {} of {} lines; `--flag-column COLUMN` names another column",
                    marks.iter().filter(|wrong| **wrong).count(),
                    marks.len()
                ),
            );
            marks
        }))
    }

    /// The columns that neither name rows, nor have a use of their own, nor are those of the sheet.
    fn own_columns(&self, in_sheet: InSheet, rows_by: &[Option<&str>]) -> Vec<&str> {
        let options = self.options;
        let stated = [&options.key, &options.given_column, &options.correct_column, &options.flag_column];
        let usual = ["given_label", CORRECT_LABEL, LIKELIEST_LABEL, "predicted_label", "kind", "why"];
        let used = |name: &str| {
            stated.into_iter().flatten().any(|column| column == name)
                || rows_by.iter().flatten().any(|column| folded(column) == folded(name))
                || usual.iter().any(|column| folded(column) == folded(name))
                || self.names_rows(name)
        };
        let names = self.table.names().iter().map(String::as_str);
        names.filter(|name| !used(name) && !in_sheet(name)).collect()
    }

    fn verdict_of(&self, name: &str) -> Result<Option<Found>> {
        let texts = self.table.texts(name)?;
        if texts.values.is_empty() {
            return Ok(None);
        }
        let meanings = ticks::meanings(&texts.values);
        let blanks = texts.missing_count() > 0;
        let any = |wanted: bool| meanings.contains(&Some(wanted));
        let per_line = |of_value: &dyn Fn(usize) -> bool| -> Vec<bool> {
            let wrong = |code: &u32| *code != Texts::MISSING && of_value(*code as usize);
            texts.codes.iter().map(wrong).collect()
        };
        let marks = |wanted: bool, why| Some(Found::Marks(per_line(&|value| meanings[value] == Some(wanted)), why));
        if meanings.iter().all(Option::is_some) {
            return Ok(if !any(false) && !blanks {
                // Every line bears the same tick: it tells no line from another.
                None
            } else if ticks::speak_of_errors(&texts.values) {
                match any(true) {
                    true => marks(true, "its words are those for wrong and right"),
                    false => Some(Found::Unclear(self.unclear_verdict(name))),
                }
            } else if ticks::names_right(name) && any(false) {
                marks(
                    false,
                    "its name says that a tick marks a line that is right, so the others are taken as wrong",
                )
            } else {
                any(true).then(|| Found::Unclear(self.unclear_verdict(name)))
            });
        }
        if ticks::names_ticks(name) && blanks {
            return Ok(Some(Found::Marks(
                per_line(&|value| meanings[value] != Some(false)),
                "the lines with something in it are taken as wrong",
            )));
        }
        // Two values under such a name tell wrong from right, whichever is which: 2 and 0, a thumb up and one down.
        let two = ticks::names_ticks(name) && texts.values.len() == 2;
        if two || blanks && ticks::speak_of_either(&texts.values) {
            return Ok(Some(Found::Unclear(self.unclear_verdict(name))));
        }
        let numbers: Option<Vec<f64>> = texts.values.iter().map(|text| text.trim().parse::<f64>().ok()).collect();
        let unclear = match numbers {
            Some(numbers) => {
                // Detectors of outliers give -1 and 1.
                let outliers = numbers.len() == 2 && numbers.contains(&-1.0) && numbers.contains(&1.0);
                let shares = numbers.iter().all(|number| (0.0..=1.0).contains(number));
                let scored = shares && numbers.len() >= SCORED && texts.values.iter().any(|text| whole(text).is_none());
                outliers || (ticks::speaks_of_wrong(name) && scored)
            }
            None => ticks::speaks_of_wrong(name) && (blanks || any(false)),
        };
        Ok(unclear.then(|| Found::Unclear(self.unclear_verdict(name))))
    }

    fn unclear_verdict(&self, name: &str) -> Error {
        Error::input(format!(
            "`{name}` may say which lines of the flag file are wrong, and it is not clear how"
        ))
        .in_column(name)
        .hint(format!(
            "`--flag-column \"{name}\"` flags the lines with 1, x or yes there; to flag every line, leave the column out of the file"
        ))
    }

    /// The column of labels that the rows should have, by its name: `true label`, `new status`, `korrigiert`; `None` where there is none.
    pub(super) fn correct_by_name(&self, in_sheet: InSheet, rows_by: &[Option<&str>], classes: &[String]) -> Result<Option<&str>> {
        let mut found = None;
        for name in self.own_columns(in_sheet, rows_by) {
            let texts = self.table.texts(name)?;
            let labels = !texts.values.is_empty() && texts.values.iter().all(|text| named(text, classes).is_some());
            if !labels || !ticks::names_truth(name) {
                continue;
            }
            if let Some(first) = found {
                return Err(
                    Error::input(format!("both `{first}` and `{name}` look like the column of correct labels"))
                        .hint(format!("name it: `--correct-column \"{name}\"`")),
                );
            }
            found = Some(name);
        }
        Ok(found)
    }
}

pub(super) fn two_columns(first: &str, second: &str) -> Error {
    Error::input(format!(
        "both `{first}` and `{second}` look like the column that says which rows are wrong"
    ))
    .hint(format!("name it: `--flag-column \"{first}\"`"))
}
