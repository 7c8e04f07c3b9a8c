//! A column as numbers, whatever the spelling: decimal comma or point, thousands marks, money and percent signs, numbers kept as text.

mod parse;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::column::{CellView, Column};
use super::header::counted;
use super::limits::TOLERATED_SHARE;
use super::source::Format;
use super::table::Table;
use super::text::{is_missing_value, trimmed};
use crate::error::{Error, Result};
use crate::notes::Notes;
use parse::{Marks, PlainPoint};

/// The mark between whole and fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecimalMark {
    /// `1,234.56`
    Point,
    /// `1.234,56`
    Comma,
}

const CHUNK: usize = 1 << 14;

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

/// The numbers of a column. See [`Table::numbers`].
pub(crate) fn numbers(
    table: &Table,
    column: &Column,
    name: &str,
    mark: Option<DecimalMark>,
    notes: &mut Notes,
) -> Result<Vec<Option<f64>>> {
    let height = table.height();
    let chunks: Vec<(Vec<Quick>, Tally)> = (0..height.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut tally = Tally::default();
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(height);
            let cells = rows.map(|row| quick(&column.get(row), &mut tally)).collect();
            (cells, tally)
        })
        .collect();
    let tally = chunks.iter().fold(Tally::default(), |sum, (_, tally)| sum.add(*tally));
    note_missing(name, &tally, notes);
    let cells = chunks.into_iter().flat_map(|(cells, _)| cells);
    // Where every cell is plain and the point is certainly a decimal point, the quick look was enough.
    let simple = tally.odd == 0
        && mark.is_none_or(|mark| mark == DecimalMark::Point)
        && (tally.maybe == 0 || tally.certain_points > 0 || mark.is_some());
    if simple {
        note_text_numbers(table, name, &tally, notes);
        return Ok(cells
            .map(|cell| match cell {
                Quick::Value(number) | Quick::Maybe(number) => Some(number),
                _ => None,
            })
            .collect());
    }
    let cells: Vec<Quick> = cells.collect();
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

/// What a column's numbers show beyond their values.
#[derive(Debug, Default)]
struct Evidence {
    points: usize,
    commas: usize,
    ambiguous_points: usize,
    ambiguous_commas: usize,
    percents: usize,
    readable: usize,
    currencies: BTreeMap<String, usize>,
}

impl Evidence {
    fn add(&mut self, shape: &parse::Shape) {
        self.readable += 1;
        match shape.marks {
            Marks::Neutral => {}
            Marks::Certain(DecimalMark::Point) => self.points += 1,
            Marks::Certain(DecimalMark::Comma) => self.commas += 1,
            Marks::Ambiguous(DecimalMark::Point) => self.ambiguous_points += 1,
            Marks::Ambiguous(DecimalMark::Comma) => self.ambiguous_commas += 1,
        }
        self.percents += usize::from(shape.percent);
        if let Some(currency) = &shape.currency {
            *self.currencies.entry(currency.clone()).or_default() += 1;
        }
    }

    fn verdict(&self) -> Option<DecimalMark> {
        match self.points.cmp(&self.commas) {
            std::cmp::Ordering::Greater => Some(DecimalMark::Point),
            std::cmp::Ordering::Less => Some(DecimalMark::Comma),
            std::cmp::Ordering::Equal => None,
        }
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
) -> Result<Vec<Option<f64>>> {
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
    let decimal = match mark.or_else(|| evidence.verdict()) {
        Some(mark) => mark,
        None => decide_ambiguous(table, name, &evidence, notes),
    };
    let truth = |text: &str| match text {
        "TRUE" | "True" | "true" => Some(1.0),
        "FALSE" | "False" | "false" => Some(0.0),
        _ => None,
    };
    let mut unreadable = Vec::new();
    let mut numbers = Vec::with_capacity(cells.len());
    for (row, (cell, shape)) in cells.iter().zip(&shapes).enumerate() {
        let number = match (cell, shape) {
            (Quick::Missing | Quick::Marked | Quick::NotFinite, _) => None,
            (Quick::Value(number), None) => Some(*number),
            (_, Some(shape)) => shape.value(decimal).filter(|number| number.is_finite()),
            _ => {
                let number = match column.get(row) {
                    CellView::Text(text) => truth(trimmed(&text)),
                    _ => None,
                };
                if number.is_none() {
                    unreadable.push(row);
                }
                number
            }
        };
        numbers.push(number);
    }
    note_evidence(name, &evidence, notes);
    note_text_numbers(table, name, tally, notes);
    report_unreadable(table, column, name, &unreadable, tally.filled, notes)?;
    Ok(numbers)
}

/// No cell of the column tells `1,234` from `1.234`: the rest of the sheet decides, else the usual meaning of the mark that is there.
fn decide_ambiguous(table: &Table, name: &str, evidence: &Evidence, notes: &mut Notes) -> DecimalMark {
    if evidence.ambiguous_points + evidence.ambiguous_commas == 0 {
        return DecimalMark::Point;
    }
    let (decimal, why) = match sheet_mark(table) {
        Some(mark) => (mark, "as the other columns do"),
        None if evidence.ambiguous_commas > 0 && table.source().delimiter == Some(b';') => {
            (DecimalMark::Comma, "as is usual where semicolons separate columns")
        }
        None => (DecimalMark::Point, "as is usual"),
    };
    let expected = decimal == DecimalMark::Point && evidence.ambiguous_commas == 0;
    if !expected {
        let (example, meaning) = match (evidence.ambiguous_commas > 0, decimal) {
            (true, DecimalMark::Point) => ("1,234", "1234"),
            (true, DecimalMark::Comma) => ("1,234", "1.234 (one and a bit)"),
            (false, _) => ("1.234", "1234"),
        };
        notes.add(
            "ambiguous-numbers",
            format!("nothing in column `{name}` shows whether its marks separate thousands or decimals"),
            format!("`{example}` was read as {meaning}, {why}"),
        );
    }
    decimal
}

/// What the numbers of a column show. Plain numbers, nearly all there are, need no thorough look.
fn evidence_of(column: &Column, height: usize) -> Evidence {
    let mut evidence = Evidence::default();
    for row in 0..height {
        if let CellView::Text(text) = column.get(row) {
            match parse::plain_shape(trimmed(&text)) {
                Some(PlainPoint::None) => {}
                Some(PlainPoint::Certain) => evidence.points += 1,
                Some(PlainPoint::Ambiguous) => evidence.ambiguous_points += 1,
                None => {
                    if let Some(shape) = parse::shape(&text) {
                        evidence.add(&shape);
                    }
                }
            }
        }
    }
    evidence
}

/// The decimal mark by which a column is read: what it shows, else what the sheet shows, else a point.
pub(crate) fn mark_of(table: &Table, column: &Column) -> DecimalMark {
    let evidence = evidence_of(column, table.height());
    match evidence.verdict() {
        Some(mark) => mark,
        None if evidence.ambiguous_points + evidence.ambiguous_commas == 0 => DecimalMark::Point,
        None => sheet_mark(table).unwrap_or(DecimalMark::Point),
    }
}

/// The decimal mark that the sheet's columns show for certain, from the first rows of each.
pub(crate) fn sheet_mark(table: &Table) -> Option<DecimalMark> {
    const ROWS: usize = 500;
    let mut evidence = Evidence::default();
    for column in table.columns() {
        for row in 0..table.height().min(ROWS) {
            if let CellView::Text(text) = column.get(row)
                && let Some(shape) = parse::shape(&text)
            {
                evidence.add(&shape);
            }
        }
    }
    evidence.verdict()
}

/// The decimal mark that a column shows for certain; `None` where it shows none.
pub(crate) fn decimal_mark(column: &Column, height: usize) -> Option<DecimalMark> {
    evidence_of(column, height).verdict()
}

fn note_evidence(name: &str, evidence: &Evidence, notes: &mut Notes) {
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
    if evidence.percents > 0 {
        let all = evidence.percents == evidence.readable;
        notes.add(
            "percent-signs",
            if all {
                format!("column `{name}` has percent signs")
            } else {
                format!(
                    "{} of column `{name}` have a percent sign, the others have none",
                    counted(evidence.percents, "number")
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

fn report_unreadable(table: &Table, column: &Column, name: &str, unreadable: &[usize], filled: usize, notes: &mut Notes) -> Result<()> {
    let Some(first) = unreadable.first() else {
        return Ok(());
    };
    let cell = column.get(*first);
    let shown = super::table::shortened(&cell.shown().unwrap_or_default());
    let row = table.row_number(*first);
    if unreadable.len() as f64 > TOLERATED_SHARE * filled as f64 {
        let hint = if matches!(cell, CellView::Date(_)) {
            "this column holds dates; name it as the time column or leave it out".to_owned()
        } else if unreadable.len() * 2 > filled {
            format!(
                "most of column `{name}` is text: treat it as categories, or leave it out ({} unreadable)",
                counted(unreadable.len(), "cell")
            )
        } else {
            format!(
                "correct or empty the cell; {} in all {} unreadable, and up to 1 % of the filled cells would be taken as missing",
                counted(unreadable.len(), "cell"),
                if unreadable.len() == 1 { "is" } else { "are" }
            )
        };
        return Err(table
            .at(Error::input(format!("`{shown}` is not a number")), *first, name)
            .hint(hint));
    }
    notes.add(
        "unreadable-numbers",
        format!(
            "{} of column `{name}` hold no number, the first in row {row}: `{shown}`",
            counted(unreadable.len(), "cell")
        ),
        "taken as missing (up to 1 % of the filled cells)",
    );
    Ok(())
}
