//! A column as numbers, whatever the spelling: decimal comma or point, thousands marks, money and percent signs, numbers kept as text.

mod by_file;
mod currency;
mod decide;
mod durations;
mod hours;
mod parse;
mod units;
mod unreadable;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::column::{CellView, Column};
use super::exceptions::{self, Different, Mix};
use super::header::counted;
use super::source::Format;
use super::table::Table;
use super::text::{Texts, is_missing_value, trimmed};
use super::unreadable::note_unreadable;
use crate::error::{Error, Result};
use crate::notes::Notes;
use decide::{Evidence, decide, note_decision};
pub(crate) use decide::{mark_shown, sheet_mark};
use parse::PlainPoint;
use unreadable::unreadable_error;

/// The mark between whole and fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecimalMark {
    /// `1,234.56`
    Point,
    /// `1.234,56`
    Comma,
}

impl std::str::FromStr for DecimalMark {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim() {
            "," | "comma" => Ok(Self::Comma),
            "." | "point" => Ok(Self::Point),
            _ => Err(Error::input(format!("`{text}` is no decimal mark")).hint("it is `,` or `.`")),
        }
    }
}

impl DecimalMark {
    fn described(self) -> &'static str {
        match self {
            Self::Point => "with a point",
            Self::Comma => "with a comma",
        }
    }

    /// The option that states it.
    pub fn option(self) -> &'static str {
        match self {
            Self::Point => "--decimal .",
            Self::Comma => "--decimal ,",
        }
    }
}

/// A column read as numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberColumn {
    /// One per row; `None` where there is none.
    pub values: Vec<Option<f64>>,
    /// The words that stand in place of numbers, where there are many of them.
    pub exceptions: Option<Texts>,
    /// Whether the cells are durations or times of day, whose values are hours.
    pub hours: bool,
    /// Whether the numbers measure something: hours, money or shares. Such numbers count no rows.
    pub measured: bool,
    /// The unit behind the numbers (`kg`), the one currency beside them (`$`), or `%`.
    pub unit: Option<String>,
}

const CHUNK: usize = 1 << 14;

/// Stands for the unit of numbers that all have a percent sign, which are read as hundredths.
pub(crate) const PERCENT: &str = "%";

/// Whether a trimmed text is a duration or a time of day.
pub(crate) fn looks_like_duration(text: &str) -> bool {
    durations::seconds(text).is_some()
}

/// Whether a column holds durations or times of day; columns of numbers are told by their first cells.
pub(crate) fn holds_hours(table: &Table, column: &Column, name: &str) -> bool {
    const LOOKED_AT: usize = 100;
    let texts = (0..table.height()).filter_map(|row| match column.get(row) {
        CellView::Text(text) if !trimmed(&text).is_empty() => Some(looks_like_duration(&text)),
        _ => None,
    });
    if hours::with_colons(column, table.height()).is_some() {
        return true;
    }
    texts.take(LOOKED_AT).any(|duration| duration) && numbers(table, column, name, None, &mut Notes::new()).is_ok_and(|column| column.hours)
}

/// The unit or currency of a column's numbers; columns of numbers without any are told by their first cells.
pub(crate) fn unit_of(table: &Table, column: &Column, name: &str) -> Option<String> {
    const LOOKED_AT: usize = 100;
    let texts = (0..table.height()).filter_map(|row| match column.get(row) {
        CellView::Text(text) if !trimmed(&text).is_empty() => Some(parse::plain(trimmed(&text)).is_none()),
        _ => None,
    });
    if let Some(unit) = shown_unit(table, name) {
        return Some(unit);
    }
    let odd = texts.take(LOOKED_AT).any(|odd| odd);
    odd.then(|| numbers(table, column, name, None, &mut Notes::new()).ok()?.unit)
        .flatten()
}

/// The unit that the formats of a workbook show beside a column's numbers.
fn shown_unit(table: &Table, name: &str) -> Option<String> {
    table.source().shown_units.get(name).cloned()
}

/// Whether a text is a unit of measure or a sign of money.
pub(crate) fn is_unit_or_currency(text: &str) -> bool {
    text == PERCENT || units::is_unit(text) || may_be_one_currency(text, text)
}

pub(crate) use currency::may_be_one as may_be_one_currency;
/// The unit of measure behind the numbers of a column, by its distinct texts; `None` where they have none or several.
pub(crate) use units::common as common_unit;
pub(crate) use units::{conversion, multiplied};

/// Whether a trimmed text is a number with this unit behind it, or a number alone.
pub(crate) fn is_number_in(unit: &str, text: &str) -> bool {
    looks_like_number(units::stripped(unit, text).unwrap_or(text))
}

/// Whether a trimmed text is a number in any spelling.
pub(crate) fn looks_like_number(text: &str) -> bool {
    parse::plain(text).is_some() || parse::shape(text).is_some()
}

/// One cell after the quick look.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Quick {
    Missing,
    /// A missing marker such as `#N/A`; blank cells are not marked.
    Marked,
    Value(f64),
    /// A number whose point may be a thousands mark.
    Maybe(f64),
    NotFinite,
    /// Anything else: needs the thorough look.
    Odd,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    filled: usize,
    certain_points: usize,
    maybe: usize,
    odd: usize,
    infinite: usize,
    marked: usize,
    typed: usize,
}

impl Tally {
    fn add(self, other: Self) -> Self {
        Self {
            filled: self.filled + other.filled,
            certain_points: self.certain_points + other.certain_points,
            maybe: self.maybe + other.maybe,
            odd: self.odd + other.odd,
            infinite: self.infinite + other.infinite,
            marked: self.marked + other.marked,
            typed: self.typed + other.typed,
        }
    }
}

fn is_infinite_word(text: &str) -> bool {
    let word = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(word, "\u{221e}" | "1.#INF") || word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")
}

/// Whether a text is an infinite number, in words or by its size.
pub(crate) fn is_infinite(text: &str) -> bool {
    let text = trimmed(text);
    is_infinite_word(text) || parse::plain(text).is_some_and(|(number, _)| number.is_infinite())
}

fn quick(cell: &CellView<'_>, tally: &mut Tally) -> Quick {
    let from_f64 = |number: f64, tally: &mut Tally| {
        if number.is_nan() {
            tally.marked += 1;
            Quick::Marked
        } else if number.is_infinite() {
            tally.infinite += 1;
            Quick::NotFinite
        } else {
            tally.filled += 1;
            tally.typed += 1;
            Quick::Value(number)
        }
    };
    match cell {
        CellView::Blank => Quick::Missing,
        CellView::Error(_) => {
            tally.marked += 1;
            Quick::Marked
        }
        CellView::Number(number) => from_f64(*number, tally),
        CellView::Integer(number) => from_f64(*number as f64, tally),
        CellView::Bool(truth) => from_f64(f64::from(u8::from(*truth)), tally),
        CellView::Date(_) => {
            tally.filled += 1;
            tally.odd += 1;
            Quick::Odd
        }
        CellView::Text(text) => quick_text(trimmed(text), tally),
    }
}

fn quick_text(text: &str, tally: &mut Tally) -> Quick {
    match parse::plain(text) {
        Some((number, _)) if number.is_infinite() => {
            tally.infinite += 1;
            Quick::NotFinite
        }
        Some((number, PlainPoint::Ambiguous)) => {
            tally.filled += 1;
            tally.maybe += 1;
            Quick::Maybe(number)
        }
        Some((number, point)) => {
            tally.filled += 1;
            tally.certain_points += usize::from(point == PlainPoint::Certain);
            Quick::Value(number)
        }
        None if text.is_empty() => Quick::Missing,
        None if is_missing_value(text) => {
            tally.marked += 1;
            Quick::Marked
        }
        None if is_infinite_word(text) => {
            tally.infinite += 1;
            Quick::NotFinite
        }
        None => {
            tally.filled += 1;
            tally.odd += 1;
            Quick::Odd
        }
    }
}

/// The numbers of a column. See [`Table::number_column`].
pub(crate) fn numbers(table: &Table, column: &Column, name: &str, mark: Option<DecimalMark>, notes: &mut Notes) -> Result<NumberColumn> {
    if let Some(parts) = table.by_file(name, |shown| shown.decimal)?
        && let Some(read) = by_file::numbers_of_files(&parts, name, table.height(), notes)?
    {
        return Ok(read);
    }
    let height = table.height();
    if let Some(clocks) = hours::with_colons(column, height) {
        notes.add(
            "times-with-points",
            format!("column `{name}` holds two digits below 24, a point and two below 60 everywhere, as times of day have"),
            "`08.30` was read as half past eight",
        );
        return numbers(table, &clocks, name, mark, notes);
    }
    let chunks: Vec<(Vec<Quick>, Tally)> = (0..height.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut tally = Tally::default();
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(height);
            let mut cells = Vec::with_capacity(rows.len());
            column.each(rows, |_, cell| cells.push(quick(&cell, &mut tally)));
            (cells, tally)
        })
        .collect();
    let tally = chunks.iter().fold(Tally::default(), |sum, (_, tally)| sum.add(*tally));
    note_missing(name, &tally, notes);
    let cells = chunks.into_iter().flat_map(|(cells, _)| cells);
    // Where every cell is plain and the point is certainly a decimal point, the quick look was enough.
    let stated = table.source().stated.decimal;
    let simple = tally.odd == 0
        && stated.is_none_or(|mark| mark == DecimalMark::Point)
        && (tally.maybe == 0 || tally.certain_points > 0 || stated.is_some());
    if simple {
        note_text_numbers(table, name, &tally, notes);
        let values = cells
            .map(|cell| match cell {
                Quick::Value(number) | Quick::Maybe(number) => Some(number),
                _ => None,
            })
            .collect();
        let unit = shown_unit(table, name);
        return Ok(NumberColumn {
            values,
            exceptions: None,
            hours: false,
            measured: unit.is_some(),
            unit,
        });
    }
    let cells: Vec<Quick> = cells.collect();
    if let Some(bare) = units::without(column, height) {
        bare.note(name, notes);
        let read = numbers(table, &bare.column, name, mark, notes)?;
        return Ok(NumberColumn {
            values: bare.told_in_one(read.values),
            measured: true,
            unit: Some(bare.unit).filter(|unit| !unit.is_empty()),
            ..read
        });
    }
    if let Some(hours) = hours::hours(table, column, name, &cells, notes) {
        return Ok(hours);
    }
    thorough(table, column, name, mark, &cells, &tally, notes)
}

fn note_missing(name: &str, tally: &Tally, notes: &mut Notes) {
    if tally.marked > 0 {
        notes.add(
            "missing-markers",
            format!(
                "{} of column `{name}` say `#N/A`, `NULL`, `NaN` or the like",
                counted(tally.marked, "cell")
            ),
            "taken as missing",
        );
    }
    if tally.infinite > 0 {
        notes.add(
            "infinite-numbers",
            format!("{} of column `{name}` are infinite", counted(tally.infinite, "number")),
            "taken as missing",
        );
    }
}

/// In a workbook a number kept as text is worth a word: sums in Excel leave it out.
fn note_text_numbers(table: &Table, name: &str, tally: &Tally, notes: &mut Notes) {
    let workbook = matches!(table.source().format, Format::Xlsx | Format::Xls | Format::Xlsb | Format::Ods);
    let as_text = tally.filled - tally.typed.min(tally.filled);
    if workbook && as_text > 0 && tally.typed > 0 {
        notes.add(
            "numbers-as-text",
            format!(
                "{} of column `{name}` are stored as text, the rest as numbers",
                counted(as_text, "cell")
            ),
            "all were read as numbers",
        );
    }
}

fn thorough(
    table: &Table,
    column: &Column,
    name: &str,
    mark: Option<DecimalMark>,
    cells: &[Quick],
    tally: &Tally,
    notes: &mut Notes,
) -> Result<NumberColumn> {
    let shapes: Vec<Option<parse::Shape>> = cells
        .par_iter()
        .enumerate()
        .with_min_len(1024)
        .map(|(row, cell)| match (cell, column.get(row)) {
            (Quick::Value(_) | Quick::Maybe(_) | Quick::Odd, CellView::Text(text)) => parse::shape(&text),
            _ => None,
        })
        .collect();
    let mut evidence = Evidence::default();
    shapes.iter().flatten().for_each(|shape| evidence.add(shape));
    let decision = decide(table, &evidence, mark);
    if evidence.ambiguous() > 0 && table.source().stated.decimal.is_none() {
        by_file::note_undecided_files(table, name, decision.mark, notes)?;
    }
    note_decision(name, &evidence, &decision, notes);
    let answers = are_answers(column, cells, &shapes);
    if answers {
        notes.add(
            "answers-as-numbers",
            format!("column `{name}` says yes and no where numbers are wanted"),
            "`yes` was read as 1 and `no` as 0",
        );
    }
    let truth = |text: &str| match text {
        "TRUE" | "True" | "true" => Some(1.0),
        "FALSE" | "False" | "false" => Some(0.0),
        _ => answer(text).filter(|_| answers),
    };
    let (mut mix, mut different) = (Mix::default(), Different::default());
    let mut unreadable = Vec::new();
    let mut values = Vec::with_capacity(cells.len());
    for (row, (cell, shape)) in cells.iter().zip(&shapes).enumerate() {
        let number = match (cell, shape) {
            (Quick::Missing | Quick::Marked | Quick::NotFinite, _) => None,
            (Quick::Value(number), None) => Some(*number),
            (_, Some(shape)) => shape.value(decision.mark).filter(|number| number.is_finite()),
            _ => {
                let typed = column.get(row);
                let number = match &typed {
                    CellView::Text(text) => truth(trimmed(text)),
                    _ => None,
                };
                if number.is_none() {
                    unreadable.push(row);
                    match &typed {
                        CellView::Text(text) if exceptions::is_exception(text) => mix.exceptions += 1,
                        _ => mix.others += 1,
                    }
                }
                number
            }
        };
        if let Some(number) = number {
            mix.values += 1;
            different.see(number.to_bits());
        }
        values.push(number);
    }
    mix.differ = different.enough();
    note_evidence(name, &evidence, table.source().stated.decimal, notes);
    note_text_numbers(table, name, tally, notes);
    let mut exceptions = None;
    if unreadable.is_empty() {
    } else if mix.nearly_all_values() {
        note_unreadable(table, (column, name), &unreadable, ("unreadable-numbers", "number"), notes);
    } else if mix.values_with_exceptions() {
        let words = unreadable
            .iter()
            .map(|row| (*row, column.get(*row).shown().unwrap_or_default().into_owned()));
        let texts = exceptions::collect(cells.len(), words);
        exceptions::note(name, "number", &texts, tally.filled, notes);
        exceptions = Some(texts);
    } else {
        return Err(unreadable_error(table, column, name, &unreadable, tally.filled));
    }
    let percent = (evidence.parts > 0 && evidence.parts == evidence.readable).then(|| PERCENT.to_owned());
    let unit = evidence.currency().map(str::to_owned);
    let unit = unit.or(percent).or_else(|| shown_unit(table, name));
    Ok(NumberColumn {
        values,
        exceptions,
        hours: false,
        measured: evidence.parts > 0 || !evidence.currencies.is_empty() || unit.is_some(),
        unit,
    })
}

fn answer(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" => Some(1.0),
        "no" | "n" => Some(0.0),
        _ => None,
    }
}

/// Whether the cells that are no numbers all say yes or no, and those that are numbers 1 or 0.
fn are_answers(column: &Column, cells: &[Quick], shapes: &[Option<parse::Shape>]) -> bool {
    let mut some = false;
    for (row, (cell, shape)) in cells.iter().zip(shapes).enumerate() {
        let fits = match (cell, shape) {
            (Quick::Missing | Quick::Marked, _) => true,
            (Quick::Value(number) | Quick::Maybe(number), _) => *number == 0.0 || *number == 1.0,
            (Quick::Odd, None) => {
                some = true;
                matches!(column.get(row), CellView::Text(text) if answer(trimmed(&text)).is_some())
            }
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    some
}

fn note_evidence(name: &str, evidence: &Evidence, stated: Option<DecimalMark>, notes: &mut Notes) {
    let against = match stated {
        Some(DecimalMark::Comma) => evidence.points,
        Some(DecimalMark::Point) => evidence.commas,
        None => 0,
    };
    if let Some(stated) = stated.filter(|_| against > 0) {
        notes.add(
            "mixed-decimals",
            format!(
                "{} of column `{name}` can only be read the other way than `{}` says",
                counted(against, "number"),
                stated.option()
            ),
            "these were read as they are written",
        );
        return note_signs(name, evidence, notes);
    }
    if evidence.points > 0 && evidence.commas > 0 {
        notes.add(
            "mixed-decimals",
            format!(
                "column `{name}` has {} with a decimal point and {} with a decimal comma",
                counted(evidence.points, "number"),
                counted(evidence.commas, "number")
            ),
            "each was read as it is written; those that could be either were read like the majority",
        );
    } else if evidence.commas > 0 {
        notes.add(
            "decimal-comma",
            format!("column `{name}` has decimal commas"),
            "`1,5` was read as one and a half",
        );
    }
    note_signs(name, evidence, notes);
}

/// Tells of signs beside the numbers that were left out.
fn note_signs(name: &str, evidence: &Evidence, notes: &mut Notes) {
    if evidence.ledger > 0 {
        notes.add(
            "credit-marks",
            format!(
                "{} of column `{name}` are marked `CR` or `DR` (in German `H` or `S`)",
                counted(evidence.ledger, "amount")
            ),
            "credits (`CR`, `H`) were read as negative, debits (`DR`, `S`) as positive",
        );
    }
    if evidence.parts > 0 {
        let all = evidence.parts == evidence.readable;
        notes.add(
            "percent-signs",
            if all {
                format!("column `{name}` has percent signs")
            } else {
                format!(
                    "{} of column `{name}` have a percent sign, the others have none",
                    counted(evidence.parts, "number")
                )
            },
            "`12%` was read as 0.12, a number without the sign as it stands",
        );
    }
    if !evidence.currencies.is_empty() {
        let signs = evidence
            .currencies
            .keys()
            .map(|sign| format!("`{sign}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let (code, done) = if evidence.currencies.len() > 1 {
            (
                "mixed-currencies",
                "the signs were left out and nothing was converted: compare with care",
            )
        } else {
            ("currency-signs", "the sign was left out")
        };
        notes.add(code, format!("column `{name}` has currency signs: {signs}"), done);
    }
}

impl Table {
    /// The decimal mark by which a column is read; `None` where none of its numbers has a mark.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn decimal_mark(&self, name: &str) -> Result<Option<DecimalMark>> {
        Ok(mark_shown(self, &self.column(name)?))
    }

    /// Whether a column holds durations or times of day, which are read as hours.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn holds_hours(&self, name: &str) -> Result<bool> {
        Ok(holds_hours(self, &self.column(name)?, name))
    }

    /// The unit (`kg`), currency or percent sign of a column's numbers; `None` where they have none, or several.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn unit(&self, name: &str) -> Result<Option<String>> {
        Ok(unit_of(self, &self.column(name)?, name))
    }
}
