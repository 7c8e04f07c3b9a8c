//! Reading one source of features (a column, or a part of a date column) from a sheet.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::profile::DatePart;
use crate::error::Result;
use crate::notes::Notes;
use crate::tables::{DateColumn, DateOrder, DecimalMark, NumberColumn, PERCENT, Table, Texts, conversion, may_be_one_currency, multiplied};

/// Where the values of one encoder come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Column of the sheet.
    pub column: String,
    /// Part of a date; absent for the column itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<DatePart>,
    /// How the dates were written in the training sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<DateOrder>,
    /// The decimal mark of the training sheet, for cells that could be read either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<DecimalMark>,
    /// Whether the cells of the training sheet were durations, read as hours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hours: bool,
    /// The unit (`kg`) or currency behind the numbers of the training sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether the values are numbers (else categories).
    pub number: bool,
}

impl Source {
    /// A column used as numbers.
    pub fn number(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            part: None,
            order: None,
            mark: None,
            hours: false,
            unit: None,
            number: true,
        }
    }

    /// A column used as categories.
    pub fn category(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            part: None,
            order: None,
            mark: None,
            hours: false,
            unit: None,
            number: false,
        }
    }

    /// A part of a date column.
    pub fn date(column: &str, part: DatePart, order: Option<DateOrder>) -> Self {
        Self {
            column: column.to_owned(),
            part: Some(part),
            order,
            mark: None,
            hours: false,
            unit: None,
            number: part.categories().is_none(),
        }
    }

    /// The source with what the training sheet shows of how its dates and numbers are written: a later sheet may be too short to show it.
    ///
    /// # Errors
    /// Where the sheet has no such column.
    pub fn as_written_in(mut self, table: &Table) -> Result<Self> {
        if self.part.is_some() && self.order.is_none() {
            self.order = table.date_order(&self.column)?;
        } else if self.part.is_none() && self.number {
            self.mark = table.decimal_mark(&self.column)?;
            self.hours = table.holds_hours(&self.column)?;
            self.unit = table.unit(&self.column)?;
        }
        Ok(self)
    }

    /// The name for people: `order date: weekday`.
    pub fn name(&self) -> String {
        match self.part {
            Some(part) => format!("{}: {}", self.column, part.words()),
            None => self.column.clone(),
        }
    }
}

/// The values of one source, one per row of the sheet.
pub enum Values {
    /// Numbers; `None` for blanks, for what is not finite, and for words in place of a number, which are the exceptions.
    Numbers(Vec<Option<f64>>, Option<Texts>),
    /// Categories as codes into their texts.
    Categories(Texts),
    /// The sheet has no such column.
    Absent,
}

/// Reads all sources, several columns at a time; notes come in the order of the sources.
///
/// # Errors
/// The first error in the order of the sources: a cell that is no number or no date.
pub fn load(table: &Table, sources: &[&Source], notes: &mut Notes) -> Result<Vec<Values>> {
    // A date column is parsed once, however many parts are taken from it.
    let mut date_columns: Vec<(&str, Option<DateOrder>)> = Vec::new();
    for source in sources.iter().filter(|source| source.part.is_some() && table.has(&source.column)) {
        if !date_columns.iter().any(|(column, _)| *column == source.column) {
            date_columns.push((&source.column, source.order));
        }
    }
    let mut dates: BTreeMap<&str, DateColumn> = BTreeMap::new();
    for (column, order) in date_columns {
        dates.insert(column, table.date_column(column, order, notes)?);
    }
    let loaded: Vec<(Result<Values>, Notes)> = sources
        .par_iter()
        .map(|source| {
            let mut own = Notes::new();
            let values = load_one(table, source, &dates, &mut own);
            (values, own)
        })
        .collect();
    let mut all = Vec::with_capacity(loaded.len());
    for (values, own) in loaded {
        notes.extend(own);
        all.push(values?);
    }
    Ok(all)
}

fn load_one(table: &Table, source: &Source, dates: &BTreeMap<&str, DateColumn>, notes: &mut Notes) -> Result<Values> {
    if !table.has(&source.column) {
        return Ok(Values::Absent);
    }
    if let (Some(part), Some(dates)) = (source.part, dates.get(source.column.as_str())) {
        return Ok(date_part(part, dates));
    }
    if !source.number {
        return table.texts(&source.column).map(Values::Categories);
    }
    let mut column = table.number_column(&source.column, source.mark, notes)?;
    for number in &mut column.values {
        *number = number.filter(|value| value.is_finite());
    }
    note_stand_ins(&source.column, &column.values, notes);
    in_unit_of_training(table, source, &mut column, notes);
    if source.hours != column.hours && column.values.iter().any(Option::is_some) {
        let (then, now) = if source.hours {
            ("durations", "plain numbers")
        } else {
            ("plain numbers", "durations")
        };
        notes.add(
            "hours-differ",
            format!(
                "column `{}` held {then} in the training sheet and holds {now} in `{}`",
                source.column,
                table.source().file_name
            ),
            "durations are read as hours and plain numbers as they stand: check that both count hours",
        );
    }
    Ok(Values::Numbers(column.values, column.exceptions))
}

/// Says that a number such as -999 or 99999 probably stands for no value: it comes again and again, far from all others.
fn note_stand_ins(name: &str, values: &[Option<f64>], notes: &mut Notes) {
    const ROWS: usize = 10;
    const TIMES_OTHERS: f64 = 10.0;
    let all_nines = |number: f64| [99.0, 999.0, 9_999.0, 99_999.0, 999_999.0, 9_999_999.0].contains(&number);
    let numbers = || values.iter().flatten().copied();
    let (least, most) = numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| {
        (least.min(number), most.max(number))
    });
    let others = |stand_in: f64| numbers().filter(move |number| *number != stand_in);
    let below = all_nines(-least) && others(least).all(|number| number >= 0.0);
    let stand_in = if below { least } else { most };
    let above = || all_nines(most) && least >= 0.0 && others(most).all(|number| number * TIMES_OTHERS <= most);
    if !(below || above()) {
        return;
    }
    let here = numbers().filter(|number| *number == stand_in).count();
    if here < 2 || others(stand_in).take(ROWS).count() < ROWS {
        return;
    }
    notes.add(
        "stand-in-numbers",
        format!("column `{name}` holds {stand_in} in {here} cells, far from all its other numbers"),
        "taken as a number; where it stands for no value, blank these cells",
    );
}

/// Tells the numbers of a later sheet in the unit of the training sheet, or says that it cannot.
fn in_unit_of_training(table: &Table, source: &Source, column: &mut NumberColumn, notes: &mut Notes) {
    let percent = |unit: &Option<String>| unit.as_deref() == Some(PERCENT);
    if percent(&source.unit) != percent(&column.unit) && column.values.iter().any(Option::is_some) {
        let (then, now) = if percent(&source.unit) {
            ("had percent signs", "has none")
        } else {
            ("had none", "has percent signs")
        };
        notes.add(
            "percent-signs-differ",
            format!(
                "column `{}` {then} in the training sheet and {now} in `{}`",
                source.column,
                table.source().file_name
            ),
            "`12%` is read as 0.12 and a number without the sign as it stands: check that both mean the same",
        );
        return;
    }
    let (Some(then), Some(now)) = (&source.unit, &column.unit) else {
        return;
    };
    let found = || {
        format!(
            "column `{}` is in `{now}` in `{}` and was in `{then}` in the training sheet",
            source.column,
            table.source().file_name
        )
    };
    match conversion(now, then) {
        Some(1.0) => {}
        Some(factor) => {
            for value in &mut column.values {
                *value = value.map(|value| multiplied(value, factor));
            }
            notes.add("unit-converted", found(), format!("converted: 1 {now} is {factor} {then}"));
        }
        None if may_be_one_currency(now, then) => {}
        None => notes.add(
            "unit-differs",
            found(),
            "nothing was converted: the numbers were taken as they stand, check them",
        ),
    }
}

/// A part of every date. Words in place of a date are categories of their own beside weekdays or months.
fn date_part(part: DatePart, dates: &DateColumn) -> Values {
    let Some(names) = part.categories() else {
        let numbers = dates
            .seconds
            .iter()
            .map(|seconds| seconds.map(|seconds| part.value(seconds)))
            .collect();
        return Values::Numbers(numbers, dates.exceptions.clone());
    };
    let mut texts = Texts {
        codes: dates
            .seconds
            .iter()
            .map(|seconds| seconds.map_or(Texts::MISSING, |seconds| part.value(seconds) as u32))
            .collect(),
        values: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    if let Some(words) = &dates.exceptions {
        for (code, word) in texts
            .codes
            .iter_mut()
            .zip(&words.codes)
            .filter(|(_, word)| **word != Texts::MISSING)
        {
            *code = names.len() as u32 + word;
        }
        texts.values.extend(words.values.iter().cloned());
    }
    Values::Categories(texts)
}
