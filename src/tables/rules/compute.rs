//! What a value is for every row of a sheet.

use super::functions::{Function, part};
use super::matching::Reading;
use super::{Formula, Name, Root, Sign, Value};
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{ColumnKind, Table, dates, numbers};

const SECONDS_AN_HOUR: f64 = 3600.0;

/// The values of all rows; `None` is a blank.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    Numbers(Vec<Option<f64>>),
    /// Seconds since 1970-01-01.
    Dates(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
}

impl Values {
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Numbers(_) => "numbers",
            Self::Dates(_) => "dates",
            Self::Texts(_) => "texts",
        }
    }

    pub fn is_blank(&self, row: usize) -> bool {
        match self {
            Self::Numbers(values) => values[row].is_none(),
            Self::Dates(values) => values[row].is_none(),
            Self::Texts(values) => values[row].is_none(),
        }
    }

    /// Row by row from the first or from the second; `None` where they are of different kinds.
    fn picked(self, other: Self, first: impl Fn(usize) -> bool) -> Option<Self> {
        fn pick<T>(left: Vec<T>, right: Vec<T>, first: impl Fn(usize) -> bool) -> Vec<T> {
            let pairs = left.into_iter().zip(right).enumerate();
            pairs.map(|(row, (left, right))| if first(row) { left } else { right }).collect()
        }
        Some(match (self, other) {
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(pick(left, right, first)),
            (Self::Dates(left), Self::Dates(right)) => Self::Dates(pick(left, right, first)),
            (Self::Texts(left), Self::Texts(right)) => Self::Texts(pick(left, right, first)),
            _ => return None,
        })
    }
}

impl Table {
    /// The sheet with a further column, computed from those there are.
    ///
    /// # Errors
    /// Where the name is taken, a column is not there (with the closest one), or values cannot be computed with. The message points at the place.
    pub fn with_derived(&self, name: &str, formula: &Formula, notes: &mut Notes) -> Result<Self> {
        if self.has(name) {
            return Err(self
                .in_place(Error::input(format!("the derived column `{name}` is in the sheet already")))
                .hint("give the derived column another name"));
        }
        let reading = Reading::of_formula(formula.typed(), self);
        let values = match &formula.root {
            Root::Value(value) => reading.compute(value, notes)?,
            Root::Condition(node) => {
                let holds = reading.evaluate(node, notes)?;
                Values::Texts(
                    holds
                        .into_iter()
                        .map(|holds| Some(if holds { "yes" } else { "no" }.to_owned()))
                        .collect(),
                )
            }
        };
        match values {
            Values::Numbers(numbers) => self.with_numbers(name, numbers),
            Values::Dates(dates) => self.with_dates(name, dates),
            Values::Texts(texts) => self.with_column(name, texts),
        }
    }
}

impl Reading<'_> {
    /// A value for every row.
    pub(super) fn compute(&self, value: &Value, notes: &mut Notes) -> Result<Values> {
        match value {
            Value::Name(name) => self.named(name, notes),
            Value::Joined { left, sign, right, bare } => match bare {
                Some(bare) if self.table.has(&bare.text) => self.meant(&bare.text, notes),
                _ => {
                    let at = place_of(right);
                    let (left, right) = (self.compute(left, notes)?, self.compute(right, notes)?);
                    self.joined(left, *sign, right, at)
                }
            },
            Value::Call { function, values, at } => {
                let values: Vec<Values> = values.iter().map(|value| self.compute(value, notes)).collect::<Result<_>>()?;
                self.called(*function, values, *at)
            }
            Value::If {
                condition,
                then,
                otherwise,
            } => {
                let holds = self.evaluate(condition, notes)?;
                let at = place_of(otherwise);
                let (then, otherwise) = (self.compute(then, notes)?, self.compute(otherwise, notes)?);
                let kinds = (then.in_words(), otherwise.in_words());
                then.picked(otherwise, |row| holds[row])
                    .ok_or_else(|| self.unlike(at, "`if` gives", kinds))
            }
        }
    }

    /// A column, or the same value for every row.
    fn named(&self, name: &Name, notes: &mut Notes) -> Result<Values> {
        let rows = self.table.height();
        if name.is_text {
            return Ok(Values::Texts(vec![(!name.text.is_empty()).then(|| name.text.clone()); rows]));
        }
        if let Some(number) = number(&name.text) {
            return Ok(Values::Numbers(vec![Some(number); rows]));
        }
        if self.table.has(&name.text) {
            return self.meant(&name.text, notes);
        }
        if let Some((start, _)) = date(&name.text) {
            return Ok(Values::Dates(vec![Some(start); rows]));
        }
        Err(self.no_column(name))
    }

    /// A column by what its cells mean.
    pub(super) fn meant(&self, column: &str, notes: &mut Notes) -> Result<Values> {
        let texts = self.table.texts(column)?;
        let all = |test: fn(&str) -> bool| !texts.values.is_empty() && texts.values.iter().all(|value| test(value));
        Ok(match texts.kind() {
            ColumnKind::Number => Values::Numbers(self.table.numbers(column, notes)?),
            ColumnKind::Date => Values::Dates(self.table.dates(column, None, notes)?),
            ColumnKind::Constant if all(numbers::looks_like_number) => Values::Numbers(self.table.numbers(column, notes)?),
            ColumnKind::Constant if all(dates::looks_like_date) => Values::Dates(self.table.dates(column, None, notes)?),
            _ => Values::Texts((0..self.table.height()).map(|row| texts.get(row).map(str::to_owned)).collect()),
        })
    }

    fn joined(&self, left: Values, sign: Sign, right: Values, at: usize) -> Result<Values> {
        use Values::{Dates, Numbers, Texts};
        let hours = |hours: f64| (hours * SECONDS_AN_HOUR).round() as i64;
        Ok(match (left, sign, right) {
            (left, Sign::Then, right) => {
                let (left, right) = (as_texts(left), as_texts(right));
                Texts(both(left, right, |left, right| Some(left + &right)))
            }
            (Numbers(left), sign, Numbers(right)) => Numbers(both(left, right, |left, right| {
                let result = match sign {
                    Sign::Plus => left + right,
                    Sign::Minus => left - right,
                    Sign::Times => left * right,
                    _ => left / right,
                };
                result.is_finite().then_some(result)
            })),
            (Dates(left), Sign::Minus, Dates(right)) => Numbers(both(left, right, |left, right| {
                Some(left.checked_sub(right)? as f64 / SECONDS_AN_HOUR)
            })),
            (Dates(left), Sign::Plus, Numbers(right)) | (Numbers(right), Sign::Plus, Dates(left)) => {
                Dates(both(left, right, |left, right| left.checked_add(hours(right))))
            }
            (Dates(left), Sign::Minus, Numbers(right)) => Dates(both(left, right, |left, right| left.checked_sub(hours(right)))),
            (left, sign, right) => {
                let kinds = (left.in_words(), right.in_words());
                return Err(self
                    .at(at, format!("`{}` stands between {} and {}", sign.written(), kinds.0, kinds.1))
                    .hint("compute with numbers and dates; `||` puts one text after the other"));
            }
        })
    }

    fn called(&self, function: Function, values: Vec<Values>, at: usize) -> Result<Values> {
        let mut values = values.into_iter();
        let (first, second) = (values.next(), values.next());
        let Some(first) = first else {
            return Err(Error::internal("a function of nothing"));
        };
        let wants = |what: &str, got: &Values| {
            self.at(at, format!("`{}` takes {what}, and this holds {}", function.name(), got.in_words()))
                .hint(format!("`{}` is a function of {what}", function.name()))
        };
        Ok(match (function, first, second) {
            (Function::Abs, Values::Numbers(numbers), _) => each(numbers, |number| Some(number.abs())),
            (Function::Round, Values::Numbers(numbers), None) => each(numbers, |number| Some(number.round())),
            (Function::Round, Values::Numbers(numbers), Some(Values::Numbers(decimals))) => {
                Values::Numbers(both(numbers, decimals, |number, decimals| {
                    let scale = 10_f64.powi(decimals.clamp(-15.0, 15.0) as i32);
                    Some((number * scale).round() / scale)
                }))
            }
            (Function::Lower, Values::Texts(texts), _) => changed(texts, |text| text.to_lowercase()),
            (Function::Upper, Values::Texts(texts), _) => changed(texts, |text| text.to_uppercase()),
            (Function::Length, texts, _) => Values::Numbers(
                as_texts(texts)
                    .into_iter()
                    .map(|text| text.map(|text| text.chars().count() as f64))
                    .collect(),
            ),
            (Function::Year | Function::Month | Function::Day | Function::Weekday | Function::Hour, Values::Dates(dates), _) => {
                Values::Numbers(dates.into_iter().map(|date| part(function, date?)).collect())
            }
            (Function::Coalesce | Function::Least | Function::Greatest, first, second) => {
                let mut whole = first;
                for next in second.into_iter().chain(values) {
                    let kinds = (whole.in_words(), next.in_words());
                    let took: Vec<bool> = (0..self.table.height()).map(|row| keeps(function, &whole, &next, row)).collect();
                    whole = whole
                        .picked(next, |row| took[row])
                        .ok_or_else(|| self.unlike(at, &format!("`{}` is given", function.name()), kinds))?;
                }
                whole
            }
            (Function::Lower | Function::Upper, other, _) => return Err(wants("texts", &other)),
            (Function::Abs | Function::Round, other, _) => return Err(wants("numbers", &other)),
            (_, other, _) => return Err(wants("dates", &other)),
        })
    }

    /// An error about values of two kinds where one is needed.
    fn unlike(&self, at: usize, what: &str, kinds: (&str, &str)) -> Error {
        self.at(at, format!("{what} {} and {}", kinds.0, kinds.1))
            .hint("values of one kind are needed; numbers stand without quotes, texts in single ones")
    }
}

/// Whether the first of two values stays, by what a function of several chooses. A blank never does where the other is none.
fn keeps(function: Function, left: &Values, right: &Values, row: usize) -> bool {
    if left.is_blank(row) || right.is_blank(row) || function == Function::Coalesce {
        return !left.is_blank(row);
    }
    let smaller = match (left, right) {
        (Values::Numbers(left), Values::Numbers(right)) => left[row] <= right[row],
        (Values::Dates(left), Values::Dates(right)) => left[row] <= right[row],
        (Values::Texts(left), Values::Texts(right)) => left[row] <= right[row],
        _ => true,
    };
    smaller == (function == Function::Least)
}

fn both<A, B, T>(left: Vec<Option<A>>, right: Vec<Option<B>>, join: impl Fn(A, B) -> Option<T>) -> Vec<Option<T>> {
    left.into_iter().zip(right).map(|(left, right)| join(left?, right?)).collect()
}

fn each(numbers: Vec<Option<f64>>, change: impl Fn(f64) -> Option<f64>) -> Values {
    Values::Numbers(numbers.into_iter().map(|number| change(number?)).collect())
}

fn changed(texts: Vec<Option<String>>, change: impl Fn(&str) -> String) -> Values {
    Values::Texts(texts.into_iter().map(|text| text.map(|text| change(&text))).collect())
}

/// Values as a sheet shows them.
pub(super) fn as_texts(values: Values) -> Vec<Option<String>> {
    match values {
        Values::Texts(texts) => texts,
        Values::Numbers(numbers) => numbers
            .into_iter()
            .map(|number| number.map(crate::tables::text::number_text))
            .collect(),
        Values::Dates(dates) => dates
            .into_iter()
            .map(|date| Some(crate::tables::text::date_text(date?.checked_mul(1_000_000)?)))
            .collect(),
    }
}

/// Where a value begins in the text.
pub(super) fn place_of(value: &Value) -> usize {
    match value {
        Value::Name(name) => name.at,
        Value::Joined { left, .. } => place_of(left),
        Value::Call { at, .. } => *at,
        Value::If { then, .. } => place_of(then),
    }
}

/// A finite number as typed.
pub(super) fn number(text: &str) -> Option<f64> {
    let looks = text.starts_with(|letter: char| letter.is_ascii_digit() || "+-.".contains(letter));
    text.parse().ok().filter(|number: &f64| looks && number.is_finite())
}

/// An ISO date, with or without time of day, as the seconds from its start to before its end: a day, a minute or a second.
pub(super) fn date(text: &str) -> Option<(i64, i64)> {
    const SECONDS_A_DAY: i64 = 86_400;
    let text = text.trim().replace('T', " ");
    if let Ok(day) = chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        let start = day.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
        return Some((start, start + SECONDS_A_DAY));
    }
    let moment = |form: &str| {
        chrono::NaiveDateTime::parse_from_str(&text, form)
            .ok()
            .map(|moment| moment.and_utc().timestamp())
    };
    moment("%Y-%m-%d %H:%M:%S")
        .map(|start| (start, start + 1))
        .or_else(|| moment("%Y-%m-%d %H:%M").map(|start| (start, start + 60)))
}
