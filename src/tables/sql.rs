//! Conditions and derived columns in SQL, by Polars. Before Polars sees a column, its cells mean what they mean everywhere else in Recant: a column of
//! numbers is compared as numbers, one of dates as moments, and any other as trimmed texts, whatever the file stored.

use polars::lazy::frame::IntoLazy;
use polars::prelude::{
    Column as PolarsColumn, DataFrame, DataType, IntoSeries, NewChunkedArray, PlSmallStr, PolarsError, Series, StringChunked,
};
use polars::sql::{SQLContext, sql_expr};

use super::column::{Column, dates_from, series};
use super::kind::ColumnKind;
use super::panics::caught;
use super::table::Table;
use super::{dates, frame, numbers};
use crate::error::{Error, Result};
use crate::notes::Notes;

/// What the result is called while it is computed.
const RESULT: &str = "__result__";
const SHEET: &str = "sheet";

const HOW: &str = "column names with blanks or signs stand in double quotes, texts and dates in single ones: \
                   \"Order Status\" = 'COMPLETE' AND Days > 3";

impl Table {
    /// Which rows a condition in SQL holds for, such as `"Order Status" = 'COMPLETE' AND Days > 3`. A row for which it is unknown (a blank cell
    /// is compared) is not among them.
    ///
    /// # Errors
    /// Where the text is no condition, a column is not there (with the closest one), or values of different kinds are compared.
    pub fn matching(&self, condition: &str, notes: &mut Notes) -> Result<Vec<bool>> {
        let found = self.computed(condition, "condition", notes)?;
        let truths = found.bool().map_err(|_| {
            Error::input(format!(
                "the condition `{condition}` gives {} for a row, not yes or no",
                words(found.dtype())
            ))
            .hint("compare it with something, such as `Days > 3`")
        })?;
        Ok(truths.iter().map(|truth| truth.unwrap_or(false)).collect())
    }

    /// The sheet with a further column, computed in SQL from those there are. The difference of two moments is a number of hours.
    ///
    /// # Errors
    /// As [`Table::matching`]; where the name is taken, or the result is no plain value.
    pub fn with_derived(&self, name: &str, expression: &str, notes: &mut Notes) -> Result<Self> {
        if self.has(name) {
            return Err(self
                .in_place(Error::input(format!("the derived column `{name}` is in the sheet already")))
                .hint("give the derived column another name"));
        }
        let found = self.computed(expression, "expression", notes)?;
        let found = match found.dtype() {
            DataType::Duration(_) => hours(&found)?,
            _ => found,
        };
        let what = words(found.dtype());
        let plain = frame::plain_series(found)?.ok_or_else(|| {
            Error::input(format!("the derived column `{name}` would hold {what}")).hint("derive a text, a number or a date")
        })?;
        self.with_made(name, Column::plain(plain))
    }

    /// The value of an expression for every row.
    fn computed(&self, expression: &str, what: &str, notes: &mut Notes) -> Result<Series> {
        let unread = |error: String| Error::input(format!("the {what} `{expression}` cannot be read: {error}")).hint(HOW);
        let parsed = caught(|| sql_expr(expression))
            .map_err(unread)?
            .map_err(|error| unread(first_line(&error)))?;
        let mut columns: Vec<PolarsColumn> = Vec::new();
        let mut kinds: Vec<String> = Vec::new();
        for name in parsed.meta().root_names() {
            if columns.iter().any(|column| *column.name() == name) {
                continue;
            }
            let meant = self
                .meant(name.as_str(), notes)
                .map_err(|error| self.absent(error, name.as_str(), expression, what))?;
            kinds.push(format!("`{name}` holds {}", words(meant.dtype())));
            columns.push(meant.with_name(name).into());
        }
        if columns.is_empty() {
            return Err(Error::input(format!("the {what} `{expression}` names no column")).hint(HOW));
        }
        let failed = |error: String| {
            Error::input(format!("the {what} `{expression}` cannot be worked out: {error}")).hint(format!(
                "{}; texts and dates stand in single quotes, numbers in none",
                kinds.join(", ")
            ))
        };
        let sheet = DataFrame::new(self.height(), columns).map_err(|error| failed(first_line(&error)))?;
        let query = format!("SELECT ({expression}) AS \"{RESULT}\" FROM {SHEET}");
        let run = || {
            let mut context = SQLContext::new();
            context.register(SHEET, sheet.lazy());
            context.execute(&query)?.collect()
        };
        let done = caught(run).map_err(failed)?.map_err(|error| failed(first_line(&error)))?;
        if done.height() != self.height() {
            return Err(
                Error::input(format!("the {what} `{expression}` gives one value for all rows together"))
                    .hint("a value for every row is needed"),
            );
        }
        let column = done.column(RESULT).map_err(|error| Error::internal(error.to_string()))?;
        Ok(column.as_materialized_series().rechunk())
    }

    /// The error about a column that is not there, with the condition it stands in.
    fn absent(&self, error: Error, name: &str, expression: &str, what: &str) -> Error {
        if self.has(name) {
            return error;
        }
        let hint = error
            .hint_text()
            .map(|hint| format!("{hint}; texts stand in single quotes"))
            .unwrap_or_default();
        self.in_place(Error::input(format!(
            "column `{name}` not found, which the {what} `{expression}` names"
        )))
        .hint(hint)
    }

    /// A column by what its cells mean.
    fn meant(&self, name: &str, notes: &mut Notes) -> Result<Series> {
        let column = self.column(name)?;
        if column.types().is_none() && matches!(column.series().dtype(), DataType::Int64 | DataType::Boolean) {
            return Ok(column.series().clone());
        }
        let texts = self.texts(name)?;
        let all = |test: fn(&str) -> bool| !texts.values.is_empty() && texts.values.iter().all(|value| test(value));
        let kind = match texts.kind() {
            ColumnKind::Constant if all(numbers::looks_like_number) => ColumnKind::Number,
            ColumnKind::Constant if all(dates::looks_like_date) => ColumnKind::Date,
            kind => kind,
        };
        match kind {
            ColumnKind::Number => {
                // Whole numbers keep all their digits; a leading zero is part of a name.
                let whole: Option<Vec<i64>> = texts.values.iter().map(|value| value.parse().ok()).collect();
                match whole {
                    Some(values) => Ok(series(
                        (0..self.height())
                            .map(|row| values.get(texts.codes[row] as usize).copied())
                            .collect::<Vec<_>>(),
                    )),
                    None => Ok(series(self.numbers(name, notes)?)),
                }
            }
            ColumnKind::Date => {
                let micros = self
                    .dates(name, None, notes)?
                    .into_iter()
                    .map(|seconds| seconds.and_then(|seconds| seconds.checked_mul(1_000_000)));
                dates_from(micros.collect()).ok_or_else(|| Error::internal("dates are whole numbers"))
            }
            _ if all(|value| matches!(value, "TRUE" | "FALSE")) => Ok(series(
                (0..self.height())
                    .map(|row| texts.get(row).map(|value| value == "TRUE"))
                    .collect::<Vec<_>>(),
            )),
            _ => {
                let cells = (0..self.height()).map(|row| texts.get(row));
                Ok(StringChunked::from_iter_options(PlSmallStr::EMPTY, cells).into_series())
            }
        }
    }
}

/// Spans as hours.
fn hours(spans: &Series) -> Result<Series> {
    let failed = |error: PolarsError| Error::internal(format!("spans as hours: {error}"));
    let spans = spans
        .cast(&DataType::Duration(polars::prelude::TimeUnit::Microseconds))
        .map_err(failed)?;
    let micros = spans.duration().map_err(failed)?;
    const HOUR: f64 = 3_600_000_000.0;
    Ok(series(
        micros
            .physical()
            .iter()
            .map(|value| value.map(|value| value as f64 / HOUR))
            .collect::<Vec<_>>(),
    ))
}

/// The values of a type, in words.
fn words(dtype: &DataType) -> &'static str {
    match dtype {
        DataType::String => "texts",
        DataType::Boolean => "truth values",
        DataType::Datetime(..) | DataType::Date => "dates",
        DataType::Duration(_) | DataType::Time => "times",
        dtype if dtype.is_primitive_numeric() => "numbers",
        _ => "lists or structures",
    }
}

/// What Polars says, without the plan and the advice for programmers below it.
fn first_line(error: &PolarsError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let text = |values: &[&str]| {
            values
                .iter()
                .map(|value| (!value.is_empty()).then(|| (*value).to_owned()))
                .collect()
        };
        Table::new("orders.csv", 4)
            .with_column("Order Status", text(&["COMPLETE", " COMPLETE ", "CLOSED", ""]))
            .and_then(|table| table.with_column("Days", text(&["2", "10", "9", ""])))
            .and_then(|table| table.with_column("Price", text(&["$1,200.50", "99.00", "1,000.00", "7.25"])))
            .and_then(|table| {
                table.with_column(
                    "Ordered",
                    text(&["1/31/2018 10:00", "2/1/2018 00:00", "2/15/2018 12:00", "3/1/2018 00:00"]),
                )
            })
            .and_then(|table| table.with_column("Shipped", text(&["1/31/2018 22:00", "2/2/2018 00:00", "2/15/2018 12:30", ""])))
            .and_then(|table| table.with_column("Code", text(&["007", "7", "007", "x"])))
            .unwrap()
    }

    fn holds(condition: &str) -> Vec<bool> {
        sample().matching(condition, &mut Notes::new()).unwrap()
    }

    #[test]
    fn values_mean_what_they_mean() {
        assert_eq!(holds("\"Order Status\" = 'COMPLETE'"), [true, true, false, false]);
        // As texts, '10' would be below '9'.
        assert_eq!(holds("Days > 9"), [false, true, false, false]);
        assert_eq!(holds("Price >= 1000"), [true, false, true, false]);
        assert_eq!(holds("Ordered >= '2018-02-01'"), [false, true, true, true]);
        assert_eq!(holds("Code = '007'"), [true, false, true, false]);
        assert_eq!(holds("Days IS NULL OR \"Order Status\" IN ('CLOSED')"), [false, false, true, true]);
        assert_eq!(holds("NOT Days = 2"), [false, true, true, false]);
        assert_eq!(holds("Days > AVG(Days)"), [false, true, true, false]);
    }

    #[test]
    fn derived_columns_are_numbers_texts_or_dates() {
        let derive = |expression: &str| sample().with_derived("New", expression, &mut Notes::new()).unwrap();
        let numbers = |expression: &str| derive(expression).numbers("New", &mut Notes::new()).unwrap();
        assert_eq!(numbers("Days * 2"), [Some(4.0), Some(20.0), Some(18.0), None]);
        assert_eq!(numbers("Shipped - Ordered"), [Some(12.0), Some(24.0), Some(0.5), None]);
        let texts = derive("UPPER(Code) || '/' || \"Order Status\"").texts("New").unwrap();
        assert_eq!(texts.get(0), Some("007/COMPLETE"));
        assert!(sample().with_derived("Days", "1 + Days", &mut Notes::new()).is_err());
    }

    #[test]
    fn errors_name_the_column_and_what_it_holds() {
        let error = |condition: &str| sample().matching(condition, &mut Notes::new()).unwrap_err();
        let absent = error("Day > 3");
        assert!(
            absent.to_string().contains("column `Day` not found") && absent.to_string().contains("orders.csv"),
            "{absent}"
        );
        assert!(absent.hint_text().unwrap().contains("`Days`"));
        assert!(
            error("\"Order Status\" = \"COMPLETE\"")
                .hint_text()
                .unwrap()
                .contains("single quotes")
        );
        let mixed = error("Days = 'many'");
        assert!(mixed.hint_text().unwrap().contains("`Days` holds numbers"), "{mixed}");
        assert!(error("Days + 1").to_string().contains("numbers"));
        for text in [
            "",
            "Order Status = COMPLETE",
            "Days >",
            "1 = 1",
            "Days > 3; DROP TABLE sheet",
            "SELECT 1",
        ] {
            assert!(sample().matching(text, &mut Notes::new()).is_err(), "{text}");
        }
    }
}
