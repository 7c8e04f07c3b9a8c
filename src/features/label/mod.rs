//! The label rule: which column, or which difference of two columns, says what class a row belongs to.

mod written;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{DateOrder, Table, Texts};

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
            },
            classes: Vec::new(),
        }
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
            LabelKind::Column { values, .. } => check_values(classes, values),
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
        let column = match &self.kind {
            LabelKind::Column { column, .. } => column,
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
        let mut found: Vec<String> = texts.values.clone();
        let place = |error: Error| table.in_place(error).in_column(column);
        if found.len() > MAX_CLASSES {
            return Err(place(Error::input(format!(
                "`{column}` has {} different values: that is no class but a number, a name or an id",
                found.len()
            )))
            .hint("choose a column with a few values, or write a profile with a label rule: `recant inspect SHEET` starts one"));
        }
        sort_values(&mut found);
        match found.as_slice() {
            [] => Err(place(Error::input(format!("the label column `{column}` is empty")))),
            [only] => Err(place(Error::input(format!(
                "all rows have the same class (`{column}` = `{only}`): there is nothing to learn"
            )))
            .hint("check that the sheet holds rows of at least two classes")),
            _ => Ok(Self {
                kind: LabelKind::Column {
                    column: Some(column.clone()),
                    values: found.iter().map(|value| vec![value.clone()]).collect(),
                },
                classes: found,
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
            LabelKind::Column { column, values } => {
                let column = column
                    .as_deref()
                    .ok_or_else(|| Error::internal("a label rule without a column was used"))?;
                if self.classes.is_empty() {
                    return Err(Error::internal("a label rule without classes was used"));
                }
                self.labels_of_column(table, column, values, notes)
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
                Ok(pairs.map(|(actual, planned)| class_of((*actual)? - (*planned)?, bounds)).collect())
            }
            LabelKind::Dates {
                actual,
                planned,
                bounds,
                order,
            } => {
                let happened = table.dates(actual, *order, notes)?;
                let expected = table.dates(planned, *order, notes)?;
                let pairs = happened.iter().zip(&expected);
                Ok(pairs
                    .map(|(actual, planned)| class_of(whole_days((*actual)?, (*planned)?), bounds))
                    .collect())
            }
        }
    }

    fn labels_of_column(&self, table: &Table, column: &str, values: &[Vec<String>], notes: &mut Notes) -> Result<Vec<Option<u8>>> {
        let texts = table.texts(column)?;
        let classes: Vec<Option<u8>> = texts.values.iter().map(|value| class_of_value(value, values)).collect();
        let unknown: Vec<usize> = (0..classes.len()).filter(|code| classes[*code].is_none()).collect();
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
            let rows = texts
                .codes
                .iter()
                .filter(|code| **code != Texts::MISSING && classes[**code as usize].is_none())
                .count();
            notes.add(
                "unknown-class",
                format!("{rows} rows have a value in `{column}` that belongs to no class of the profile: {shown}"),
                "these rows have no label and are left out of training and evaluation",
            );
        }
        let label_of = |code: &u32| if *code == Texts::MISSING { None } else { classes[*code as usize] };
        Ok(texts.codes.iter().map(label_of).collect())
    }
}

/// Whole calendar days from `planned` to `actual`, both in seconds.
pub(super) fn whole_days(actual: i64, planned: i64) -> f64 {
    (actual.div_euclid(86_400) - planned.div_euclid(86_400)) as f64
}

/// The first class whose end lies above the value.
pub(super) fn class_of(value: f64, bounds: &[Bound]) -> Option<u8> {
    if value.is_nan() {
        return None;
    }
    bounds.iter().position(|bound| bound.holds(value)).map(|class| class as u8)
}

/// The class that a cell's text means: exactly, else ignoring case, else as the same number (`1` and `1.0`).
pub(super) fn class_of_value(text: &str, values: &[Vec<String>]) -> Option<u8> {
    let find = |same: &dyn Fn(&str) -> bool| values.iter().position(|class| class.iter().any(|value| same(value.trim())));
    let folded = text.to_lowercase();
    let number: Option<f64> = text.parse().ok();
    find(&|value| value == text)
        .or_else(|| find(&|value| value.to_lowercase() == folded))
        .or_else(|| find(&|value| number.is_some() && value.parse::<f64>().ok() == number))
        .map(|class| class as u8)
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
mod tests {
    use super::*;

    fn rule(toml: &str) -> Result<LabelRule, String> {
        toml::from_str(toml).map_err(|error| error.message().to_owned())
    }

    fn table(columns: &[(&str, &[&str])]) -> Table {
        let mut table = Table::new("orders.csv", columns[0].1.len());
        for (name, cells) in columns {
            let cells = cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect();
            table = table.with_column(name, cells).unwrap();
        }
        table
    }

    const DELAY: &str = r#"
        kind = "difference"
        actual = "real"
        planned = "plan"
        classes = [{ name = "early", below = 0 }, { name = "on time", up_to = 0 }, { name = "late" }]
    "#;

    #[test]
    fn actual_minus_planned_falls_into_its_class_and_a_blank_into_none() {
        let table = table(&[("real", &["1", "4", "6", "", "2.5"]), ("plan", &["2", "4", "4", "4", "2"])]);
        let labels = rule(DELAY).unwrap().labels(&table, &mut Notes::new()).unwrap();
        assert_eq!(labels, [Some(0), Some(1), Some(2), None, Some(2)]);
    }

    #[test]
    fn two_dates_differ_by_whole_calendar_days() {
        let table = table(&[
            ("arrived", &["2018-01-31 23:59", "2018-02-01 00:01", "2018-01-30 12:00"]),
            ("promised", &["2018-01-31 08:00", "2018-01-31 23:00", "2018-01-31"]),
        ]);
        let text = DELAY
            .replace("difference", "dates")
            .replace("real", "arrived")
            .replace("plan\"", "promised\"");
        let rule = rule(&text).unwrap().resolve(&table).unwrap();
        assert_eq!(rule.labels(&table, &mut Notes::new()).unwrap(), [Some(1), Some(2), Some(0)]);
    }

    #[test]
    fn the_values_of_a_column_become_classes_by_size_or_by_alphabet() {
        let numbers = table(&[("label", &["10", "2", "1.0", "", "2"])]);
        let found = LabelRule::column("label").resolve(&numbers).unwrap();
        assert_eq!(found.classes(), ["1", "2", "10"]);
        assert_eq!(
            found.labels(&numbers, &mut Notes::new()).unwrap(),
            [Some(2), Some(1), Some(0), None, Some(1)]
        );
        let words = table(&[("label", &["on time", "late", "early"])]);
        assert_eq!(
            LabelRule::column("label").resolve(&words).unwrap().classes(),
            ["early", "late", "on time"]
        );
    }

    #[test]
    fn values_match_whatever_their_case_or_number_form_and_strangers_are_noted() {
        let rule = rule(
            r#"kind = "column"
            column = "late"
            classes = [{ name = "no", values = ["0", "No"] }, { name = "yes", values = ["1", "Yes"] }]"#,
        )
        .unwrap();
        let mut notes = Notes::new();
        let sheet = table(&[("late", &["YES", "1.0", "0", "no", "maybe", "", "1e0"])]);
        let labels = rule.labels(&sheet, &mut notes).unwrap();
        assert_eq!(labels, [Some(1), Some(1), Some(0), Some(0), None, None, Some(1)]);
        assert!(notes.has("unknown-class"));
        let strangers = table(&[("late", &["maybe", "perhaps"])]);
        let error = rule.labels(&strangers, &mut Notes::new()).unwrap_err();
        assert!(error.message().contains("`maybe`, `perhaps`"), "{error}");
    }

    #[test]
    fn a_rule_survives_toml() {
        let by_values = r#"kind = "column"
            column = "late"
            classes = [{ name = "no", values = ["0"] }, { name = "yes", values = ["1", "Yes"] }]"#;
        let dates = DELAY.replace("difference", "dates") + "order = \"day-first\"\n";
        let halves = DELAY.to_owned() + "step = 0.5\nlowest = -3.0\n";
        for text in [DELAY, by_values, &dates, &halves, r#"kind = "column""#] {
            let first = rule(text).unwrap();
            let written = toml::to_string(&first).unwrap();
            assert_eq!(rule(&written).unwrap(), first, "{written}");
        }
    }

    #[test]
    fn rules_that_make_no_sense_are_refused_in_words() {
        let with_classes = |classes: &str| format!("kind = \"difference\"\nactual = \"a\"\nplanned = \"p\"\nclasses = [{classes}]");
        for (text, said) in [
            (
                with_classes("{ name = \"a\", below = 0 }, { name = \"b\", below = 0 }"),
                "the last class `b` takes all that is left",
            ),
            (
                with_classes("{ name = \"a\" }, { name = \"b\" }"),
                "class `a` needs `below` or `up_to`",
            ),
            (
                with_classes("{ name = \"a\", up_to = 1 }, { name = \"b\", below = 1 }, { name = \"c\" }"),
                "class `b` is empty",
            ),
            (
                with_classes("{ name = \"a\", below = 1, up_to = 1 }, { name = \"c\" }"),
                "both `below` and `up_to`",
            ),
            (
                with_classes("{ name = \"a\", below = 1 }, { name = \"a\" }"),
                "two classes of the label are called `a`",
            ),
            (with_classes("{ name = \"a\" }"), "at least two classes"),
            (
                with_classes("{ name = \"a\", values = [\"1\"] }, { name = \"b\" }"),
                "`values` belongs to",
            ),
            ("kind = \"difference\"\nactual = \"a\"".to_owned(), "needs `label.planned`"),
            ("kind = \"column\"\nplanned = \"a\"".to_owned(), "`label.planned` has no meaning"),
            ("kind = \"column\"\nclasses = [{ name = \"a\" }]".to_owned(), "one class only"),
            (
                "kind = \"column\"\nclasses = [{ name = \"a\", values = [\"1\"] }, { name = \"b\", values = [\"1\"] }]".to_owned(),
                "belongs to both `a` and `b`",
            ),
        ] {
            let error = rule(&text).unwrap_err();
            assert!(error.contains(said), "{text}\n{error}");
        }
    }

    #[test]
    fn a_column_without_classes_in_it_is_refused() {
        let same = table(&[("label", &["late", "late", ""])]);
        assert!(
            LabelRule::column("label")
                .resolve(&same)
                .unwrap_err()
                .message()
                .contains("all rows have the same class")
        );
        let empty = table(&[("label", &["", ""])]);
        assert!(
            LabelRule::column("label")
                .resolve(&empty)
                .unwrap_err()
                .message()
                .contains("is empty")
        );
        let many: Vec<String> = (0..60).map(|row| row.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let ids = table(&[("label", &many)]);
        assert!(
            LabelRule::column("label")
                .resolve(&ids)
                .unwrap_err()
                .message()
                .contains("60 different values")
        );
        let misspelt = LabelRule::column("lable").resolve(&ids).unwrap_err();
        assert_eq!(misspelt.hint_text(), Some("closest match is `label`"));
    }

    #[test]
    fn a_wrong_value_gives_the_wanted_class_and_is_never_below_the_lowest() {
        let sheet = table(&[("real", &["6", "0", "", "3"]), ("plan", &["4", "0", "2", ""])]);
        let delay = rule(DELAY).unwrap();
        let mistyper = delay.mistyper(&sheet, &mut Notes::new()).unwrap();
        assert_eq!(mistyper.column(), "real");
        assert_eq!(
            [0, 1, 2].map(|class| mistyper.value(0, class)),
            [Some("3".into()), Some("4".into()), Some("6".into())]
        );
        // What was planned for the same day cannot come earlier.
        assert_eq!(
            [0, 1, 2].map(|class| mistyper.value(1, class)),
            [None, Some("0".into()), Some("1".into())]
        );
        assert_eq!(mistyper.possible(1), [1, 2]);
        assert_eq!(mistyper.value(2, 2), Some("3".into()));
        assert!(mistyper.possible(3).is_empty());
    }

    #[test]
    fn a_wrong_class_is_spelt_as_the_sheet_spells_it() {
        let sheet = table(&[("late", &["YES", "Yes", "Yes", "no"])]);
        let rule = rule(
            r#"kind = "column"
            column = "late"
            classes = [{ name = "no" }, { name = "yes" }, { name = "unclear" }]"#,
        )
        .unwrap();
        let mistyper = rule.mistyper(&sheet, &mut Notes::new()).unwrap();
        assert_eq!([0, 1, 2].map(|class| mistyper.value(0, class).unwrap()), ["no", "Yes", "unclear"]);
    }
}
