//! What a column that only the flag file has says of its lines: a list of rows that somebody went through names the right ones, too.
//!
//! Every line of a file is taken as wrong unless a column says otherwise. A column that may say so, in a way that is not clear, stops the reading:
//! rows that are right must not be repaired because a column was called `result` and not `wrong`, or held `passed` and not `ok`. So does every
//! column beside those of the sheet that divides the lines into a few kinds, or is blank in some of them, unless it says why and by whom they were
//! listed.

use super::columns::{Columns, folded, listed};
use super::labels::named;
use super::numbering::whole;
use crate::error::{Error, Result};
use crate::features::{names_id, ticks, words_of};
use crate::label_errors::proposals::{CORRECT_LABEL, LIKELIEST_LABEL};
use crate::notes::Notes;
use crate::tables::Texts;

/// Scores need this many different values to be scores.
const SCORED: usize = 2;
/// A column of more different values divides the lines into no kinds.
const KINDS: usize = 6;

/// Whether a name is that of a column in the sheet, which says nothing about the flags.
pub(super) type InSheet<'a> = &'a dyn Fn(&str) -> bool;

/// A column and what it says.
enum Found {
    /// Per line whether it is wrong, and why in words.
    Marks(Vec<bool>, &'static str),
    /// It may say something, but what is not clear.
    Unclear(Error),
    /// It tells some lines from others; where no other column says which lines are wrong, it may.
    Divides(Error),
}

impl Columns<'_> {
    /// Which lines are flagged by a column of other names than the usual ones; `None` where all are.
    ///
    /// # Errors
    /// Where a column may say which lines are wrong and does not say it clearly, or two do.
    pub(super) fn verdicts(
        &self,
        in_sheet: InSheet,
        rows_by: &[Option<&str>],
        classes: &[String],
        notes: &mut Notes,
    ) -> Result<Option<Vec<bool>>> {
        let mut found: Vec<(&str, Vec<bool>, &'static str)> = Vec::new();
        let mut divided = None;
        for name in self.own_columns(in_sheet, rows_by) {
            match self.verdict_of(name, classes)? {
                None => {}
                Some(Found::Unclear(error)) => return Err(error),
                Some(Found::Divides(error)) => divided = divided.or(Some(error)),
                Some(Found::Marks(marks, why)) => found.push((name, marks, why)),
            }
        }
        if let [(first, ..), (second, ..), ..] = found.as_slice() {
            return Err(two_columns(first, second));
        }
        if let Some(error) = divided.filter(|_| found.is_empty()) {
            return Err(error);
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
        let stated = [&options.key, &options.given_column, &options.correct_column];
        let flags = self.stated_flags().map(|(column, _)| column);
        let usual = ["given_label", CORRECT_LABEL, LIKELIEST_LABEL, "predicted_label", "kind", "why"];
        let used = |name: &str| {
            stated.into_iter().flatten().any(|column| column == name)
                || flags == Some(name)
                || rows_by.iter().flatten().any(|column| folded(column) == folded(name))
                || usual.iter().any(|column| folded(column) == folded(name))
                || self.names_rows(name)
        };
        let names = self.table.names().iter().map(String::as_str);
        names.filter(|name| !used(name) && !in_sheet(name)).collect()
    }

    fn verdict_of(&self, name: &str, classes: &[String]) -> Result<Option<Found>> {
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
                // Where nothing says that a line is right, a blank may mean that nobody wrote why it is wrong.
                match any(true) && any(false) {
                    true => marks(true, "its words are those for wrong and right"),
                    false => Some(Found::Unclear(self.unclear_verdict(name, &texts))),
                }
            } else if ticks::names_right(name) && any(false) {
                marks(
                    false,
                    "its name says that a tick marks a line that is right, so the others are taken as wrong",
                )
            } else {
                any(true).then(|| Found::Unclear(self.unclear_verdict(name, &texts)))
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
            return Ok(Some(Found::Unclear(self.unclear_verdict(name, &texts))));
        }
        if texts.values.iter().all(|text| named(text, classes).is_some()) {
            // Correct labels of wrong rows are often all the same; a number that happens to be a class is none of them.
            let told = blanks || texts.values.len() > 1 || texts.values.iter().all(|text| text.trim().parse::<f64>().is_err());
            let divides = told && !names_given(name);
            return Ok(divides.then(|| Found::Unclear(unclear_labels(name))));
        }
        let numbers: Option<Vec<f64>> = texts.values.iter().map(|text| text.trim().parse::<f64>().ok()).collect();
        let is_numbers = numbers.is_some();
        let unclear = match numbers {
            Some(numbers) => {
                // Detectors of outliers give -1 and 1.
                let outliers = numbers.len() == 2 && numbers.contains(&-1.0) && numbers.contains(&1.0);
                let shares = numbers.iter().all(|number| (0.0..=1.0).contains(number));
                let scored = shares && numbers.len() >= SCORED && texts.values.iter().any(|text| whole(text).is_none());
                outliers || ((ticks::speaks_of_wrong(name) || names_score(name)) && scored)
            }
            None => ticks::speaks_of_wrong(name) && (blanks || any(false)),
        };
        if unclear {
            return Ok(Some(Found::Unclear(self.unclear_verdict(name, &texts))));
        }
        // Among many numbers a 0 is one of them, and no word for "right".
        let denied = any(false) && (!is_numbers || texts.values.len() <= KINDS);
        let divides = blanks || denied || (has_kinds(&texts) && !explains(name));
        Ok(divides.then(|| Found::Divides(self.unclear_verdict(name, &texts))))
    }

    /// Says that a column may tell wrong lines from right ones, and how to state it.
    fn unclear_verdict(&self, name: &str, texts: &Texts) -> Error {
        let meanings = ticks::meanings(&texts.values);
        let counts = texts.counts();
        // What names the wrong lines: a value that does not say "right", the rarest.
        let rarest = (0..counts.len())
            .filter(|value| meanings[*value] != Some(false))
            .min_by_key(|value| counts[*value]);
        let blanks = texts.missing_count() > 0;
        let ticks_alone = meanings.iter().all(Option::is_some) && meanings.contains(&Some(true));
        let how = match rarest {
            _ if ticks_alone => format!("`--flag-column \"{name}\"` flags the lines with 1, x or yes there"),
            Some(value) if counts.len() <= KINDS && !(blanks && counts.len() > 1) => format!(
                "`--flag-column \"{name}={}\"` flags the lines with that value (its values are {}{})",
                texts.values[value],
                listed(&texts.values),
                if blanks { " and blank" } else { "" }
            ),
            _ if blanks => format!("`--flag-column \"{name}=*\"` flags the lines with something in it"),
            _ => format!("`--flag-column \"{name}=VALUE\"` flags the lines with that value"),
        };
        Error::input(format!(
            "`{name}` may say which lines of the flag file are wrong, and it is not clear how"
        ))
        .in_column(name)
        .hint(format!("{how}; `--worst 100%`, or a file without that column, flags every line"))
    }

    /// The column of labels that the rows should have, by its name: `true label`, `new status`, `korrigiert`; `None` where there is none. What is
    /// called so and holds no classes is told.
    pub(super) fn correct_by_name(
        &self,
        in_sheet: InSheet,
        rows_by: &[Option<&str>],
        classes: &[String],
        notes: &mut Notes,
    ) -> Result<Option<&str>> {
        let mut found = None;
        for name in self.own_columns(in_sheet, rows_by) {
            let texts = self.table.texts(name)?;
            let ticked = ticks::meanings(&texts.values).iter().all(Option::is_some);
            if texts.values.is_empty() || !ticks::names_truth(name) {
                continue;
            }
            if let Some(unknown) = texts.values.iter().find(|text| named(text, classes).is_none()) {
                if !ticked && self.may_be_labels(&texts, classes) {
                    notes.add(
                        "correct-column-unread",
                        format!("the column `{name}` of the flag file looks like one of correct labels, and `{unknown}` is no class"),
                        format!("left unread; write the classes as the model knows them: {}", listed(classes)),
                    );
                }
                continue;
            }
            if ticked && ticks::may_ask(name) {
                if self.options.flag_column.is_some() {
                    continue;
                }
                let meanings = ticks::meanings(&texts.values);
                let mut said = texts.values.iter().zip(meanings);
                let no = said.find(|(_, yes)| *yes == Some(false)).map_or("no", |(text, _)| text.as_str());
                return Err(Error::input(format!(
                    "`{name}` says yes or no, as the classes do, and it is not clear whether it tells which rows are right or which label they should have"
                ))
                .in_column(name)
                .hint(format!(
                    "`--flag-column \"{name}={no}\"` flags the rows that are not right; `--correct-column \"{name}\"` takes it for the label that \
                     they should have"
                )));
            }
            if texts.missing_count() > 0 && self.options.flag_column.is_none() {
                return Err(Error::input(format!(
                    "`{name}` holds correct labels of some lines, and it is not clear whether the lines without one are wrong, too"
                ))
                .in_column(name)
                .hint(format!(
                    "`--flag-column \"{name}=*\" --correct-column \"{name}\"` flags the lines with a label there; `--correct-column \"{name}\"` alone \
                     flags every line"
                )));
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

impl Columns<'_> {
    /// Whether a column's values could be classes by another name: words, no more of them than there are classes.
    fn may_be_labels(&self, texts: &Texts, classes: &[String]) -> bool {
        let words = texts.values.iter().all(|text| text.trim().parse::<f64>().is_err());
        words && texts.values.len() <= classes.len() && self.table.height() >= 2 * texts.values.len()
    }
}

/// Whether a few values stand in many lines, or one in a good part of them, so that the column tells lines apart.
fn has_kinds(texts: &Texts) -> bool {
    let (lines, different) = (texts.codes.len(), texts.values.len());
    let most = texts.counts().into_iter().max().unwrap_or(0);
    different > 1 && (different <= KINDS && different * 2 <= lines || lines > KINDS && most * 3 >= lines)
}

/// Says that labels under a name of no meaning here may be those that the rows have or should have.
fn unclear_labels(name: &str) -> Error {
    Error::input(format!(
        "`{name}` holds classes, and it is not clear whether the rows have these labels or should have them"
    ))
    .in_column(name)
    .hint(format!(
        "`--correct-column \"{name}\"` if they should have them (lines with the label of the sheet are then not wrong), `--given-column \"{name}\"` if \
         they have them"
    ))
}

fn has_word(name: &str, list: &[&str]) -> bool {
    words_of(name).iter().any(|word| list.contains(&word.as_str()))
}

/// Whether a column's name says that its labels are those that the rows have, or that a model gave them.
fn names_given(name: &str) -> bool {
    has_word(
        name,
        &[
            "old",
            "given",
            "from",
            "current",
            "previous",
            "former",
            "was",
            "recorded",
            "booked",
            "entered",
            "observed",
            "noisy",
            "wrong",
            "alt",
            "alte",
            "alter",
            "ist",
            "ancien",
            "ancienne",
            "antiguo",
            "vecchio",
            "oud",
            "predicted",
            "prediction",
        ],
    )
}

/// Whether a column's name says that its numbers score lines.
fn names_score(name: &str) -> bool {
    has_word(
        name,
        &[
            "score",
            "scores",
            "probability",
            "prob",
            "proba",
            "p",
            "chance",
            "confidence",
            "quality",
            "similarity",
            "likelihood",
            "margin",
            "loss",
        ],
    )
}

/// Whether a column's name says that it tells why, when, by whom or from where a line was listed: of lines that all have it, it tells none from
/// the others.
fn explains(name: &str) -> bool {
    names_id(name)
        || has_word(
            name,
            &[
                "reason", "why", "cause", "grund", "ursache", "raison", "motif", "motivo", "causa", "reden", "by", "von", "par", "por",
                "user", "reviewer", "editor", "author", "clerk", "agent", "person", "name", "team", "source", "quelle", "origin", "system",
                "date", "time", "datum", "day", "month", "year", "created", "reported", "found",
            ],
        )
}

pub(super) fn two_columns(first: &str, second: &str) -> Error {
    Error::input(format!(
        "both `{first}` and `{second}` look like the column that says which rows are wrong"
    ))
    .hint(format!("name it: `--flag-column \"{first}\"`"))
}
