//! Writing a wrong label the way a person would: the one column that was "typed wrong" gets another value, and no other column changes.

use super::calendar::civil;
use super::label::{Bound, LabelKind, LabelRule, class_of, class_of_value};
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{DateColumn, DaySpan, Table, Texts, clock_text};

/// Gives, for the rows of one sheet, cell values that produce another class.
pub struct Mistyper<'a> {
    rule: &'a LabelRule,
    column: &'a str,
    cells: Cells,
}

/// What is known of the rows.
enum Cells {
    /// Per class the spelling that is most frequent in the sheet; per row its class.
    Spellings(Vec<Option<String>>),
    /// Per row actual and planned, and whether the actual ones are durations (in hours).
    Numbers(Vec<Option<f64>>, Vec<Option<f64>>, bool),
    /// Actual ones, planned days per row, and the actual cells as typed.
    Dates(DateColumn, Vec<Option<DaySpan>>, Vec<Option<String>>),
}

impl LabelRule {
    /// The column that is taken to be typed wrong where a label is wrong: the label column, or the actual days or date.
    pub fn mistyped_column(&self) -> Option<&str> {
        self.never_features().first().copied()
    }

    /// Prepares to write wrong values into the rows of a sheet.
    ///
    /// # Errors
    /// Where the rule's columns are missing or cannot be read.
    pub fn mistyper<'a>(&'a self, table: &Table, notes: &mut Notes) -> Result<Mistyper<'a>> {
        let column = self
            .mistyped_column()
            .ok_or_else(|| Error::internal("a label rule without a column was used"))?;
        let cells = match self.kind() {
            LabelKind::Column { values, .. } => Cells::Spellings(spellings(&table.texts(column)?, values)),
            LabelKind::Difference { actual, planned, .. } => {
                let happened = table.number_column(actual, None, notes)?;
                Cells::Numbers(happened.values, table.numbers(planned, notes)?, happened.hours)
            }
            LabelKind::Dates {
                actual, planned, order, ..
            } => {
                let typed = (0..table.height()).map(|row| table.cell(row, actual)).collect::<Result<_>>()?;
                let happened = table.date_column(actual, *order, notes)?;
                let expected = table.date_column(planned, *order, notes)?.spans().collect();
                Cells::Dates(happened, expected, typed)
            }
        };
        Ok(Mistyper { rule: self, column, cells })
    }
}

impl Mistyper<'_> {
    /// The column to change.
    pub fn column(&self) -> &str {
        self.column
    }

    /// The cell to write into row `row` of the sheet so that the rule gives it class `class`: the value nearest to the present one.
    /// `None` where no value does that: a row without planned days, or an early delivery of what was planned for the same day.
    pub fn value(&self, row: usize, class: u8) -> Option<String> {
        let wanted = usize::from(class);
        match (&self.cells, self.rule.kind()) {
            (Cells::Spellings(spellings), _) => spellings.get(wanted)?.clone(),
            (Cells::Numbers(actual, planned, hours), LabelKind::Difference { bounds, step, lowest, .. }) => {
                let (actual, planned) = (actual[row], planned[row]?);
                let value = nearest(actual.map(|actual| actual - planned), wanted, bounds, *step, lowest - planned)?;
                // Repair what adding and subtracting did to the last digits.
                let typed = round_to_digits(value + planned);
                let written = if *hours { clock_text(typed * 3600.0) } else { format!("{typed}") };
                (class_of(typed - planned, bounds) == Some(class)).then_some(written)
            }
            (Cells::Dates(actual, planned, typed), LabelKind::Dates { bounds, .. }) => {
                let planned = planned[row]?;
                let days = actual.span(row).map(|actual| actual.days_after(planned));
                let delta = nearest(days, wanted, bounds, 1.0, f64::NEG_INFINITY)?;
                let from = if delta > 0.0 { planned.last } else { planned.first };
                Some(rewrite_date(typed[row].as_deref(), actual.seconds[row], from + delta as i64))
            }
            _ => None,
        }
    }

    /// The classes that row `row` can be given, in label order, its present class among them.
    pub fn possible(&self, row: usize) -> Vec<u8> {
        let classes = self.rule.classes().len() as u8;
        (0..classes).filter(|class| self.value(row, *class).is_some()).collect()
    }
}

/// Per class the most frequent spelling in the sheet, else the first that the profile lists.
fn spellings(texts: &Texts, values: &[Vec<String>]) -> Vec<Option<String>> {
    let counts = texts.counts();
    let mut best: Vec<Option<(usize, &str)>> = vec![None; values.len()];
    for (text, count) in texts.values.iter().zip(counts) {
        if let Some(class) = class_of_value(text, values) {
            let slot = &mut best[usize::from(class)];
            if slot.is_none_or(|(most, _)| count > most) {
                *slot = Some((count, text));
            }
        }
    }
    let listed = values.iter().map(|values| values.first().cloned());
    best.into_iter()
        .map(|found| found.map(|(_, text)| text.to_owned()))
        .zip(listed)
        .map(|(found, listed)| found.or(listed))
        .collect()
}

/// The difference in class `wanted`, at least `lowest`, that is nearest to `present` among multiples of `step`
/// (and `lowest` itself); without a present one, nearest to 0.
fn nearest(present: Option<f64>, wanted: usize, bounds: &[Bound], step: f64, lowest: f64) -> Option<f64> {
    let present = present.unwrap_or(0.0);
    // Candidates: multiples of the step around both ends of the class, and the present value.
    let mut candidates = vec![present, lowest];
    let ends = [wanted.checked_sub(1).map(|below| bounds[below]), Some(bounds[wanted])];
    for end in ends.into_iter().flatten() {
        if let Bound::Below(end) | Bound::UpTo(end) = end {
            let base = (end / step).floor();
            candidates.extend((-1..=1).map(|offset| (base + f64::from(offset)) * step));
            candidates.push(end);
        }
    }
    candidates
        .into_iter()
        .filter(|value| value.is_finite() && *value >= lowest && class_of(*value, bounds).map(usize::from) == Some(wanted))
        .min_by(|a, b| (a - present).abs().total_cmp(&(b - present).abs()))
}

/// Twelve significant digits: what is left of 0.1 + 0.2 is 0.3.
fn round_to_digits(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// The day written as the cell has it (same order, separators, padding and time of day); ISO where the cell's form is not plain.
fn rewrite_date(typed: Option<&str>, present: Option<i64>, day: i64) -> String {
    let (year, month, of_month) = civil(day);
    let iso = format!("{year:04}-{month:02}-{of_month:02}");
    let (Some(typed), Some(present)) = (typed, present) else {
        return iso;
    };
    let (old_year, old_month, old_day) = civil(present.div_euclid(86_400));
    // The first three groups of digits are the date.
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (index, letter) in typed.char_indices() {
        if letter.is_ascii_digit() {
            let full = groups.len() == 3;
            match groups.last_mut() {
                Some((_, end)) if *end == index => *end += 1,
                _ if full => break,
                _ => groups.push((index, index + 1)),
            }
        }
    }
    let [first, second, third] = groups.as_slice() else { return iso };
    let number = |group: &(usize, usize)| typed[group.0..group.1].parse::<i64>().unwrap_or(-1);
    let (old, new) = (
        [old_year, i64::from(old_month), i64::from(old_day)],
        [year, i64::from(month), i64::from(of_month)],
    );
    let same = |index: usize, group: &(usize, usize)| {
        number(group) == old[index] || (index == 0 && group.1 - group.0 == 2 && number(group) == old[0] % 100)
    };
    let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
    let groups = [first, second, third];
    let mut fitting = orders
        .iter()
        .filter(|order| order.iter().zip(groups).all(|(index, group)| same(*index, group)));
    let Some(order) = fitting.next() else { return iso };
    // 3/3/2018 fits day first and month first: only the ISO form is then sure to be read right.
    if fitting.next().is_some() {
        return iso;
    }
    let small = || {
        order
            .iter()
            .zip(groups)
            .filter(|(index, _)| **index != 0)
            .map(|(_, group)| &typed[group.0..group.1])
    };
    // A leading zero or a single digit tells; 31.12. does not, and dots and dashes usually pad.
    let padded = small().any(|digits| digits.starts_with('0')) || (small().all(|digits| digits.len() == 2) && !typed.contains('/'));
    let mut written = String::new();
    let mut from = 0;
    for (index, group) in order.iter().zip(groups) {
        written.push_str(&typed[from..group.0]);
        let width = group.1 - group.0;
        let value = if *index == 0 && width == 2 {
            new[0].rem_euclid(100)
        } else {
            new[*index]
        };
        let width = if *index == 0 || padded { width } else { 1 };
        written.push_str(&format!("{value:0width$}"));
        from = group.1;
    }
    written.push_str(&typed[from..]);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_rewritten_in_the_form_of_the_cell() {
        let seconds = |year: i32, month, day| {
            chrono::NaiveDate::from_ymd_opt(year, month, day)
                .unwrap()
                .and_hms_opt(9, 30, 0)
                .unwrap()
                .and_utc()
                .timestamp()
        };
        let to = seconds(2018, 2, 4).div_euclid(86_400);
        for (typed, expected) in [
            ("2018-01-31", "2018-02-04"),
            ("1/31/2018 9:30", "2/4/2018 9:30"),
            ("01/31/2018", "02/04/2018"),
            ("31.01.2018", "04.02.2018"),
            ("31/1/18", "4/2/18"),
            ("2018-01-31T09:30:00+01:00", "2018-02-04T09:30:00+01:00"),
            ("31 January 2018", "2018-02-04"),
            ("", "2018-02-04"),
        ] {
            assert_eq!(rewrite_date(Some(typed), Some(seconds(2018, 1, 31)), to), expected, "{typed}");
        }
        // Both orders fit 3/3/2018.
        assert_eq!(rewrite_date(Some("3/3/2018"), Some(seconds(2018, 3, 3)), to), "2018-02-04");
        assert_eq!(rewrite_date(None, None, to), "2018-02-04");
    }

    #[test]
    fn the_nearest_difference_of_a_class_is_taken_and_none_below_the_lowest() {
        let bounds = [Bound::Below(0.0), Bound::UpTo(0.0), Bound::Rest];
        assert_eq!(nearest(Some(3.0), 0, &bounds, 1.0, -4.0), Some(-1.0));
        assert_eq!(nearest(Some(-3.0), 0, &bounds, 1.0, -4.0), Some(-3.0));
        assert_eq!(nearest(Some(3.0), 1, &bounds, 1.0, -4.0), Some(0.0));
        assert_eq!(nearest(Some(0.0), 2, &bounds, 1.0, -4.0), Some(1.0));
        assert_eq!(nearest(Some(0.0), 0, &bounds, 1.0, 0.0), None);
        // Half a day is the only room below.
        assert_eq!(nearest(Some(0.0), 0, &bounds, 1.0, -0.5), Some(-0.5));
    }
}
