//! The label rule: which column, or which difference of two columns, says what class a row belongs to.

mod doubts;
mod spelling;
mod written;

use serde::{Deserialize, Serialize};

use super::words::punctuality;
use crate::error::{Error, Result};
use crate::notes::{Notes, rows_have};
use crate::tables::{DateOrder, Table, Texts};

use spelling::alike;
pub(super) use spelling::folded;
pub use spelling::is_same_class;

/// Most classes a label may have; a column with more is no class but a number, a name or an id.
pub const MAX_CLASSES: usize = 50;

/// What is predicted: where the class of a row comes from, the class names, and the column that was typed wrong where a label is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "written::WrittenLabel", into = "written::WrittenLabel")]
pub struct LabelRule {
    kind: LabelKind,
    classes: Vec<String>,
}

/// Where the class comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelKind {
    /// A column whose values are classes.
    Column {
        /// The column; `None` in a profile that leaves it to the person.
        column: Option<String>,
        /// Per class the values that mean it; empty where classes are still to be taken from the sheet.
        values: Vec<Vec<String>>,
        /// Values that say that the class is not known; found in the sheet where classes are.
        missing: Vec<String>,
    },
    /// Actual minus planned, as numbers.
    Difference {
        /// Column of what happened.
        actual: String,
        /// Column of what was planned.
        planned: String,
        /// Per class, in rising order.
        bounds: Vec<Bound>,
        /// Smallest step of the actual column, used to write a wrong value.
        step: f64,
        /// Smallest value that the actual column can have.
        lowest: f64,
    },
    /// Actual minus planned in whole calendar days, from two date columns.
    Dates {
        /// Column of what happened.
        actual: String,
        /// Column of what was planned.
        planned: String,
        /// Per class, in rising order, in days.
        bounds: Vec<Bound>,
        /// Order of day, month and year in text dates; found from the columns where absent.
        order: Option<DateOrder>,
    },
}

/// Upper end of a class; a class takes what the classes before it left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Values below this.
    Below(f64),
    /// Values up to and including this.
    UpTo(f64),
    /// All that is left.
    Rest,
}

impl Bound {
    /// Whether a value is under this end.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Bound::Below(end) => value < end,
            Bound::UpTo(end) => value <= end,
            Bound::Rest => true,
        }
    }

    /// For ordering: `below 0` ends before `up to 0`.
    fn position(self) -> (f64, u8) {
        match self {
            Bound::Below(end) => (end, 0),
            Bound::UpTo(end) => (end, 1),
            Bound::Rest => (f64::INFINITY, 2),
        }
    }
}

impl LabelRule {
    /// A rule that takes a column's values as classes; the classes come from the sheet.
    pub fn column(column: &str) -> Self {
        Self {
            kind: LabelKind::Column {
                column: Some(column.to_owned()),
                values: Vec::new(),
                missing: Vec::new(),
            },
            classes: Vec::new(),
        }
    }

    /// The classes of a difference, each with its upper end; nothing where a column says the class.
    pub fn cuts(&self) -> Option<Vec<(&str, Bound)>> {
        match &self.kind {
            LabelKind::Column { .. } => None,
            LabelKind::Difference { bounds, .. } | LabelKind::Dates { bounds, .. } => {
                Some(self.classes.iter().map(String::as_str).zip(bounds.iter().copied()).collect())
            }
        }
    }

    /// The same difference cut into other classes; a column's classes stay as they are.
    ///
    /// # Errors
    /// Where the classes have no order, or share a name.
    pub fn with_cuts(mut self, cuts: Vec<(String, Bound)>) -> Result<Self> {
        let (names, ends): (Vec<String>, Vec<Bound>) = cuts.into_iter().unzip();
        match &mut self.kind {
            LabelKind::Column { .. } => return Ok(self),
            LabelKind::Difference { bounds, .. } | LabelKind::Dates { bounds, .. } => *bounds = ends,
        }
        self.classes = names;
        self.check()?;
        Ok(self)
    }

    /// A rule that leaves the column to the person.
    ///
    /// # Errors
    /// None in practice.
    pub fn without_column() -> Result<Self> {
        let kind = LabelKind::Column {
            column: None,
            values: Vec::new(),
            missing: Vec::new(),
        };
        Self::new(kind, Vec::new())
    }

    /// Early, on time or late: what came true minus what was planned, in days by two date columns, else as numbers.
    ///
    /// # Errors
    /// None in practice.
    pub fn early_or_late(actual: &str, planned: &str, dates: bool) -> Result<Self> {
        let (actual, planned) = (actual.to_owned(), planned.to_owned());
        let bounds = vec![Bound::Below(0.0), Bound::UpTo(0.0), Bound::Rest];
        let kind = if dates {
            LabelKind::Dates {
                actual,
                planned,
                bounds,
                order: None,
            }
        } else {
            LabelKind::Difference {
                actual,
                planned,
                bounds,
                step: 1.0,
                lowest: 0.0,
            }
        };
        Self::new(kind, ["early", "on time", "late"].map(str::to_owned).to_vec())
    }

    /// A rule made of a kind and class names.
    ///
    /// # Errors
    /// As [`LabelRule::check`].
    pub fn new(kind: LabelKind, classes: Vec<String>) -> Result<Self> {
        let rule = Self { kind, classes };
        rule.check()?;
        Ok(rule)
    }

    /// Where the class comes from.
    pub fn kind(&self) -> &LabelKind {
        &self.kind
    }

    /// Class names in label order (label 0 first). Empty only before [`LabelRule::resolve`].
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The columns the label is made from.
    pub fn sources(&self) -> Vec<&str> {
        match &self.kind {
            LabelKind::Column { column, .. } => column.iter().map(String::as_str).collect(),
            LabelKind::Difference { actual, planned, .. } | LabelKind::Dates { actual, planned, .. } => vec![actual, planned],
        }
    }

    /// The sources that no profile may use as features: all but the plan, which is known beforehand.
    pub fn never_features(&self) -> Vec<&str> {
        match &self.kind {
            LabelKind::Column { column, .. } => column.iter().map(String::as_str).collect(),
            LabelKind::Difference { actual, .. } | LabelKind::Dates { actual, .. } => vec![actual],
        }
    }

    /// Checks what needs no sheet: at least two classes, distinct names, values named once, bounds in rising order.
    ///
    /// # Errors
    /// Names the class at fault.
    pub fn check(&self) -> Result<()> {
        let classes = &self.classes;
        if classes.len() > MAX_CLASSES {
            return Err(Error::input(format!(
                "the label has {} classes; at most {MAX_CLASSES} are possible",
                classes.len()
            )));
        }
        for (index, name) in classes.iter().enumerate() {
            if name.trim().is_empty() {
                return Err(Error::input(format!("class {} of the label has no name", index + 1)));
            }
            if classes[..index].contains(name) {
                return Err(Error::input(format!("two classes of the label are called `{name}`")));
            }
        }
        match &self.kind {
            LabelKind::Column { values, missing, .. } => {
                let known = values.iter().flatten().find(|value| missing.contains(value));
                match known {
                    Some(value) => Err(Error::input(format!("the label value `{value}` is both a class and `missing`"))),
                    None => check_values(classes, values),
                }
            }
            LabelKind::Difference { bounds, step, lowest, .. } => {
                if !(*step > 0.0 && step.is_finite() && lowest.is_finite()) {
                    return Err(Error::input("`label.step` must be above 0 and `label.lowest` a number"));
                }
                check_bounds(classes, bounds)
            }
            LabelKind::Dates { bounds, .. } => check_bounds(classes, bounds),
        }
    }

    /// Takes the classes from the sheet where the rule leaves them open. A rule that has classes stays as it is.
    ///
    /// # Errors
    /// Where no label column is named, it is not in the sheet, has one value only, or too many to be classes.
    pub fn resolve(&self, table: &Table) -> Result<Self> {
        let (column, missing) = match &self.kind {
            LabelKind::Column { column, missing, .. } => (column, missing),
            LabelKind::Difference { .. } => return Ok(self.clone()),
            LabelKind::Dates { .. } => return self.with_order_of(table),
        };
        let Some(column) = column else {
            return Err(table
                .in_place(Error::input("no label column is named: which column holds the class to predict?"))
                .hint("add `--label COLUMN`; `recant inspect SHEET` shows the columns"));
        };
        table.require(column)?;
        if !self.classes.is_empty() {
            return Ok(self.clone());
        }
        let texts = table.texts(column)?;
        let found = spelling::classes(&texts, missing);
        let place = |error: Error| table.in_place(error).in_column(column);
        if found.names.len() > MAX_CLASSES {
            return Err(place(Error::input(format!(
                "`{column}` has {} different values: that is no class but a number, a name or an id",
                found.names.len()
            )))
            .hint("choose a column with a few values, or write a profile with a label rule: `recant inspect SHEET` starts one"));
        }
        match found.names.as_slice() {
            [] => Err(place(Error::input(format!("the label column `{column}` is empty")))),
            [only] if texts.missing_count() > 0 => Err(place(Error::input(format!(
                "all rows have the same class (`{column}` = `{only}`), but for {} that have none: there is nothing to learn",
                texts.missing_count()
            )))
            .hint("a blank is no class: write a word such as `no` into the blank cells")),
            [only] => Err(place(Error::input(format!(
                "all rows have the same class (`{column}` = `{only}`): there is nothing to learn"
            )))
            .hint("check that the sheet holds rows of at least two classes")),
            _ => Ok(Self {
                kind: LabelKind::Column {
                    column: Some(column.clone()),
                    values: found.values,
                    missing: found.missing,
                },
                classes: found.names,
            }),
        }
    }

    /// Two date columns are read alike, in the order that either of them shows; a later sheet may be too short to show it.
    fn with_order_of(&self, table: &Table) -> Result<Self> {
        let mut rule = self.clone();
        if let LabelKind::Dates {
            actual,
            planned,
            order: order @ None,
            ..
        } = &mut rule.kind
        {
            *order = match (table.date_order(actual)?, table.date_order(planned)?) {
                (Some(first), Some(second)) if first != second => None,
                (first, second) => first.or(second),
            };
        }
        Ok(rule)
    }

    /// The label of every row of the sheet; `None` where a source is blank or its value belongs to no class.
    ///
    /// # Errors
    /// Where a source column is missing or cannot be read as its kind, or the rule was not resolved.
    pub fn labels(&self, table: &Table, notes: &mut Notes) -> Result<Vec<Option<u8>>> {
        match &self.kind {
            LabelKind::Column { column, values, missing } => {
                let column = column
                    .as_deref()
                    .ok_or_else(|| Error::internal("a label rule without a column was used"))?;
                if self.classes.is_empty() {
                    return Err(Error::internal("a label rule without classes was used"));
                }
                self.labels_of_column(table, column, values, missing, notes)
            }
            LabelKind::Difference {
                actual, planned, bounds, ..
            } => {
                let happened = table.number_column(actual, None, notes)?;
                let expected = table.number_column(planned, None, notes)?;
                if happened.hours != expected.hours {
                    let (hours, numbers) = if happened.hours { (actual, planned) } else { (planned, actual) };
                    return Err(table
                        .in_place(Error::input(format!(
                            "`{hours}` holds durations and `{numbers}` plain numbers, so one cannot be taken from the other"
                        )))
                        .hint("write both as durations, or both as numbers of the same unit"));
                }
                let pairs = happened.values.iter().zip(&expected.values);
                let differences: Vec<Option<f64>> = pairs.map(|(actual, planned)| Some((*actual)? - (*planned)?)).collect();
                if !happened.hours {
                    doubts::note_calendar((actual, &happened.values), (planned, &expected.values), notes);
                }
                doubts::note_far([actual, planned], &differences, table, notes);
                Ok(differences.into_iter().map(|difference| class_of(difference?, bounds)).collect())
            }
            LabelKind::Dates {
                actual,
                planned,
                bounds,
                order,
            } => {
                let mut own = [Notes::new(), Notes::new()];
                let happened = table.date_column(actual, *order, &mut own[0])?;
                let expected = table.date_column(planned, *order, &mut own[1])?;
                doubts::note_zones(table, [actual, planned], &own, notes);
                own.into_iter().for_each(|own| notes.extend(own));
                doubts::note_times((actual, &happened.seconds), (planned, &expected.seconds), notes);
                let pairs = happened.spans().zip(expected.spans());
                let days: Vec<Option<f64>> = pairs.map(|(actual, planned)| Some(actual?.days_after(planned?))).collect();
                doubts::note_far([actual, planned], &days, table, notes);
                Ok(days.into_iter().map(|days| class_of(days?, bounds)).collect())
            }
        }
    }

    fn labels_of_column(
        &self,
        table: &Table,
        column: &str,
        values: &[Vec<String>],
        missing: &[String],
        notes: &mut Notes,
    ) -> Result<Vec<Option<u8>>> {
        let texts = table.texts(column)?;
        let meant = |value: &String| class_of_value(value, values).or_else(|| class_of_meaning(value, values));
        let classes: Vec<Option<u8>> = texts.values.iter().map(meant).collect();
        spelling::note_spellings(column, &texts, &classes, &self.classes, notes);
        spelling::note_same_meaning(column, &self.classes, notes);
        let says_nothing: Vec<bool> = texts.values.iter().map(|value| spelling::is_stated(value, missing)).collect();
        note_missing(column, &texts, &classes, &says_nothing, notes);
        let unknown: Vec<usize> = (0..classes.len())
            .filter(|code| classes[*code].is_none() && !says_nothing[*code])
            .collect();
        if !unknown.is_empty() {
            let shown: Vec<String> = unknown.iter().take(5).map(|code| format!("`{}`", texts.values[*code])).collect();
            let shown = shown.join(", ") + if unknown.len() > 5 { ", ..." } else { "" };
            if unknown.len() == classes.len() {
                return Err(table
                    .in_place(Error::input(format!(
                        "no row has one of the profile's classes: `{column}` holds {shown}"
                    )))
                    .hint("list these values under `[label]` `classes` in the profile"));
            }
            let rows = texts.codes.iter().filter(|code| unknown.contains(&(**code as usize))).count();
            notes.add(
                "unknown-class",
                format!(
                    "{} a value in `{column}` that belongs to no class of the profile: {shown}",
                    rows_have(rows)
                ),
                "these rows have no label and are left out of training and evaluation",
            );
        }
        let label_of = |code: &u32| if *code == Texts::MISSING { None } else { classes[*code as usize] };
        Ok(texts.codes.iter().map(label_of).collect())
    }
}

/// Says which texts were taken for "not known".
fn note_missing(column: &str, texts: &Texts, classes: &[Option<u8>], says_nothing: &[bool], notes: &mut Notes) {
    let counts = texts.counts();
    let found: Vec<usize> = (0..classes.len())
        .filter(|code| classes[*code].is_none() && says_nothing[*code])
        .collect();
    let rows: usize = found.iter().map(|code| counts[*code]).sum();
    if rows > 0 {
        let shown: Vec<String> = found.iter().map(|code| format!("`{}`", texts.values[*code])).collect();
        notes.add(
            "label-missing",
            format!(
                "{} {} in `{column}`, which says that the class is not known",
                rows_have(rows),
                shown.join(" or ")
            ),
            "left out of training and evaluation; `[label]` `classes` or `missing` in a profile says otherwise",
        );
    }
}

/// The first class whose end lies above the value.
pub(super) fn class_of(value: f64, bounds: &[Bound]) -> Option<u8> {
    if value.is_nan() {
        return None;
    }
    bounds.iter().position(|bound| bound.holds(value)).map(|class| class as u8)
}

/// The class that a cell's text means: exactly, else in another spelling of it ([`alike`]), or as the same number (`1` and `1.0`).
pub(super) fn class_of_value(text: &str, values: &[Vec<String>]) -> Option<u8> {
    let find = |same: &dyn Fn(&str) -> bool| values.iter().position(|class| class.iter().any(|value| same(value.trim())));
    let same = alike(text);
    find(&|value| value == text)
        .or_else(|| find(&|value| alike(value) == same))
        .map(|class| class as u8)
}

/// The only class with a value that says early, on time or late as the text does: `versp\u{e4}tet` is `late`.
fn class_of_meaning(text: &str, values: &[Vec<String>]) -> Option<u8> {
    let said = punctuality(text)?;
    let mut found = (0..values.len()).filter(|class| values[*class].iter().any(|value| punctuality(value) == Some(said)));
    found.next().filter(|_| found.next().is_none()).map(|class| class as u8)
}

/// Numbers by size where all values are numbers, else by their text.
pub(super) fn sort_values(values: &mut [String]) {
    let numbers = values.iter().all(|value| value.parse::<f64>().is_ok_and(|number| !number.is_nan()));
    if numbers {
        let number = |value: &String| value.parse::<f64>().unwrap_or(0.0);
        values.sort_by(|a, b| number(a).total_cmp(&number(b)).then_with(|| a.cmp(b)));
    } else {
        values.sort();
    }
}

fn check_values(classes: &[String], values: &[Vec<String>]) -> Result<()> {
    if classes.len() == 1 {
        return Err(Error::input("the label has one class only; at least two are needed"));
    }
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (class, values) in classes.iter().zip(values) {
        if values.is_empty() {
            return Err(Error::input(format!("class `{class}` of the label lists no values")));
        }
        for value in values {
            if let Some((_, other)) = seen.iter().find(|(known, _)| *known == value.trim()) {
                return Err(Error::input(format!(
                    "the label value `{value}` belongs to both `{other}` and `{class}`"
                )));
            }
            seen.push((value.trim(), class));
        }
    }
    Ok(())
}

fn check_bounds(classes: &[String], bounds: &[Bound]) -> Result<()> {
    if classes.len() < 2 {
        return Err(Error::input(
            "the label needs at least two classes, each but the last with `below` or `up_to`",
        ));
    }
    for (index, bound) in bounds.iter().enumerate() {
        let last = index + 1 == bounds.len();
        if matches!(bound, Bound::Rest) != last {
            return Err(Error::input(if last {
                format!(
                    "the last class `{}` takes all that is left: it has no `below` or `up_to`",
                    classes[index]
                )
            } else {
                format!("class `{}` needs `below` or `up_to`: only the last class has none", classes[index])
            }));
        }
        if matches!(bound, Bound::Below(end) | Bound::UpTo(end) if !end.is_finite()) {
            return Err(Error::input(format!("the end of class `{}` is not a number", classes[index])));
        }
        if index > 0 && bounds[index - 1].position() >= bound.position() {
            return Err(Error::input(format!(
                "class `{}` is empty: it ends where `{}` does or before",
                classes[index],
                classes[index - 1]
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
