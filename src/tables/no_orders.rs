//! Rows that are no orders: totals, titles of sections, footers, the column names once more, units below them.
//!
//! A word alone decides nothing (`Total` can be the name of a customer or a class); the build of the row does: cells that orders fill are blank, sums are
//! those of the rows above, a word stands where orders have a number.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::column::{CellView, Column};
use super::header::counted;
use super::source::Format;
use super::table::Table;
use super::text::{is_missing_value, trimmed};
use super::words_of_totals::is_total;
use super::{dates, numbers};
use crate::notes::Notes;

/// Rows looked at to see what a column holds.
const SAMPLE: usize = 400;
/// A column is filled in most rows from this share on: totals of groups may be many.
const FULL: f64 = 0.6;
/// A word of a total stands before the sums: among this number of filled cells.
const FIRST_CELLS: usize = 4;
/// Cells of a column are of one shape from this share on.
const SHAPED: f64 = 0.9;
/// In fewer rows all texts may have a digit by chance.
const CERTAINLY_CODED: usize = 30;
/// Cells that are added up to compare rows with the rows above, at most.
const MOST_ADDED: usize = 20_000_000;

/// Why a row is no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Total,
    Aside,
    Names,
    Units,
    Rule,
}

/// What the cells of a column look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Numbers or dates.
    Values,
    /// Texts with a digit in each, such as order numbers.
    Coded,
    Words,
}

struct Look<'a> {
    names: &'a [String],
    columns: Vec<Column>,
    height: usize,
    /// Filled cells of every row, and of a typical one.
    filled: Vec<u32>,
    typical: usize,
    full: Vec<bool>,
    /// Those of them that have a blank somewhere.
    gaps: Vec<usize>,
    shapes: Vec<Shape>,
    /// Whether any usual cell of a column holds several words.
    worded: Vec<bool>,
    /// Cells that may still be added up.
    budget: AtomicUsize,
}

fn is_blank(cell: &CellView<'_>) -> bool {
    match cell {
        CellView::Blank => true,
        CellView::Text(text) => trimmed(text).is_empty(),
        _ => false,
    }
}

fn is_value(cell: &CellView<'_>) -> bool {
    match cell {
        CellView::Text(text) => {
            let text = trimmed(text);
            numbers::looks_like_number(text) || dates::looks_like_day(text) || is_missing_value(text)
        }
        _ => true,
    }
}

/// Whether a cell holds two words at least.
fn has_words(cell: &CellView<'_>) -> bool {
    let CellView::Text(text) = cell else { return false };
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().filter(|letter| letter.is_alphabetic()).count() >= 2);
    words.take(2).count() == 2
}

fn is_marker(cell: &CellView<'_>) -> bool {
    matches!(cell, CellView::Text(text) if is_missing_value(trimmed(text)))
}

/// The number that a cell holds, however its marks are read.
fn number_of(cell: &CellView<'_>) -> Vec<f64> {
    match cell {
        CellView::Number(number) => vec![*number],
        CellView::Integer(number) => vec![*number as f64],
        CellView::Text(text) if numbers::looks_like_number(trimmed(text)) => {
            ['.', ','].into_iter().filter_map(|mark| reading(text, mark)).collect()
        }
        _ => Vec::new(),
    }
}

/// A number in a text with the given decimal mark; signs of money and thousands are passed over.
fn reading(text: &str, mark: char) -> Option<f64> {
    let digits: String = text
        .chars()
        .filter(|letter| letter.is_ascii_digit() || *letter == '-' || *letter == mark)
        .map(|letter| if letter == mark { '.' } else { letter })
        .collect();
    digits.parse().ok()
}

impl<'a> Look<'a> {
    fn new(table: &'a Table) -> Self {
        let (columns, height) = (table.columns(), table.height());
        const ROWS: usize = 4096;
        let parts: Vec<(Vec<u32>, Vec<usize>)> = (0..height.div_ceil(ROWS))
            .into_par_iter()
            .map(|part| {
                let rows = part * ROWS..height.min((part + 1) * ROWS);
                let mut filled = vec![0_u32; rows.len()];
                let per_column = columns
                    .iter()
                    .map(|column| {
                        let mut count = 0;
                        column.at_a_glance(rows.clone(), |row, visible| {
                            let is_filled = visible || !is_blank(&column.get(row));
                            filled[row - rows.start] += u32::from(is_filled);
                            count += usize::from(is_filled);
                        });
                        count
                    })
                    .collect();
                (filled, per_column)
            })
            .collect();
        let mut filled = Vec::with_capacity(height);
        let mut per_column = vec![0; columns.len()];
        for (rows, counts) in parts {
            filled.extend(rows);
            per_column.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        let mut sorted = filled.clone();
        sorted.sort_unstable();
        let typical = sorted.get(height / 2).copied().unwrap_or(0) as usize;
        let full: Vec<bool> = per_column
            .iter()
            .map(|count| *count as f64 >= FULL * height as f64 && *count > 1)
            .collect();
        let mut look = Self {
            names: table.names(),
            columns,
            height,
            filled,
            typical,
            gaps: (0..per_column.len())
                .filter(|place| full[*place] && per_column[*place] < height)
                .collect(),
            full,
            budget: AtomicUsize::new(MOST_ADDED),
            shapes: Vec::new(),
            worded: Vec::new(),
        };
        let sample = look.sample();
        look.worded = look
            .columns
            .iter()
            .map(|column| sample.iter().any(|row| has_words(&column.get(*row))))
            .collect();
        let shapes = look.columns.iter().map(|column| shape_of(column, &sample)).collect();
        look.shapes = shapes;
        look
    }

    /// Rows filled like most, spread over the sheet.
    fn sample(&self) -> Vec<usize> {
        let usual: Vec<usize> = (0..self.height)
            .filter(|row| self.filled[*row] as usize * 10 >= self.typical * 9)
            .collect();
        let step = usual.len().div_ceil(SAMPLE).max(1);
        usual.into_iter().step_by(step).collect()
    }

    fn cells(&self, row: usize) -> Vec<(usize, CellView<'_>)> {
        let cells = self.columns.iter().enumerate().map(|(place, column)| (place, column.get(row)));
        cells.filter(|(_, cell)| !is_blank(cell)).collect()
    }

    /// Whether a cell is not what its column holds.
    fn is_stranger(&self, place: usize, cell: &CellView<'_>) -> bool {
        match (self.shapes[place], cell) {
            (Shape::Values, cell) => !is_value(cell),
            // Among order numbers `Page 1 of 2` is none, though it has digits.
            (Shape::Coded, CellView::Text(text)) => {
                !text.bytes().any(|byte| byte.is_ascii_digit()) || has_words(cell) && !self.worded[place]
            }
            _ => false,
        }
    }

    /// Rows worth a closer look: with a blank where nearly all rows have a cell, sparsely filled, or the last ones.
    fn suspects(&self) -> Vec<usize> {
        if self.typical < 2 {
            return Vec::new();
        }
        (0..self.height)
            .into_par_iter()
            .filter(|row| {
                let filled = self.filled[*row] as usize;
                filled * 10 <= self.typical * 6
                    || self.is_last(*row)
                    || filled < self.columns.len() && self.gaps.iter().any(|place| is_blank(&self.columns[*place].get(*row)))
            })
            .collect()
    }

    /// Whether a row is one of the last, where totals and averages may fill every column.
    fn is_last(&self, row: usize) -> bool {
        const LAST: usize = 5;
        row + LAST >= self.height
    }

    /// Rows that say the column names once more.
    fn names_again(&self) -> Vec<usize> {
        let same = |place: usize, row: usize| match self.columns[place].get(row) {
            CellView::Text(text) => trimmed(&text).eq_ignore_ascii_case(&self.names[place]),
            _ => false,
        };
        let wide: Vec<usize> = (0..self.columns.len()).filter(|place| self.full[*place]).take(3).collect();
        (0..self.height)
            .into_par_iter()
            .filter(|row| wide.iter().any(|place| same(*place, *row)))
            .filter(|row| {
                let cells = self.cells(*row);
                let hits = cells.iter().filter(|(place, _)| same(*place, *row)).count();
                let alone = self.columns.len() == 1 && cells.iter().all(|(place, cell)| self.is_stranger(*place, cell));
                alone || hits >= 2 && hits * 10 >= cells.len() * 6
            })
            .collect()
    }

    /// Rows of lines drawn with signs: `=====` in every cell.
    fn rules(&self) -> Vec<usize> {
        const LEAST: usize = 3;
        let is_rule = |text: &str| {
            let text = trimmed(text);
            text.len() >= LEAST
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'=' | b'-' | b'_' | b'*' | b'~' | b'+' | b'#'))
        };
        let drawn = |row: usize, place: usize| matches!(self.columns[place].get(row), CellView::Text(text) if is_rule(&text));
        let Some(first) = (0..self.columns.len()).find(|place| self.full[*place]) else {
            return Vec::new();
        };
        let rows = (0..self.height).into_par_iter().filter(|row| drawn(*row, first));
        rows.filter(|row| {
            let cells = self.cells(*row);
            cells.len() >= 2 && cells.iter().all(|(place, _)| drawn(*row, *place))
        })
        .collect()
    }

    /// Whether the first row names units or says the names in other words: texts where all rows below hold numbers, or words where they hold codes.
    fn has_units(&self) -> bool {
        if self.height < 4 {
            return false;
        }
        let cells = self.cells(0);
        // Forms number their columns below the names: 1, 2, 3 or (1), (2), (3).
        let numbered = |(place, cell): &(usize, CellView<'_>)| {
            let shown = cell.shown().unwrap_or_default();
            let number = trimmed(&shown).trim_matches(['(', ')', '[', ']', '.']).parse();
            number == Ok(place + 1)
        };
        if cells.len() >= 3 && cells.len() == self.columns.len() && cells.iter().all(numbered) {
            return true;
        }
        let shaped = |place: usize| match self.shapes[place] {
            Shape::Values => true,
            Shape::Coded => self.height >= CERTAINLY_CODED,
            Shape::Words => false,
        };
        let over: Vec<bool> = cells
            .iter()
            .filter(|(place, cell)| shaped(*place) && !is_marker(cell))
            .map(|(place, cell)| self.is_stranger(*place, cell))
            .collect();
        // One unit is enough where all other cells say that there is none.
        let strangers = cells.iter().filter(|(_, cell)| !is_marker(cell)).count();
        let alone = over.len() == 1 && strangers == 1 && cells.len() >= 3 && cells.len() == self.columns.len();
        (over.len() >= 2 || alone) && over.iter().all(|strange| *strange)
    }

    /// Whether the numbers of a row are the sums of the rows above, since the last total or from the top: how many are and how many there are.
    fn sums(&self, row: usize, after: usize, out: &BTreeMap<usize, Why>) -> (usize, usize) {
        let mut found = (0, 0);
        for (place, cell) in self.cells(row) {
            if self.shapes[place] != Shape::Values {
                continue;
            }
            let here = number_of(&cell);
            if here.is_empty() {
                continue;
            }
            found.1 += 1;
            match self.budget.load(Ordering::Relaxed).checked_sub(2 * row) {
                Some(left) => self.budget.store(left, Ordering::Relaxed),
                None => continue,
            }
            let sums = |from: usize| -> Vec<f64> {
                let mut sums = vec![0.0; 2];
                for above in (from..row).filter(|above| !out.contains_key(above)) {
                    let readings = number_of(&self.columns[place].get(above));
                    for (which, sum) in sums.iter_mut().enumerate() {
                        *sum += readings.get(which).or(readings.first()).copied().unwrap_or(0.0);
                    }
                }
                sums
            };
            let close = |sum: &f64| here.iter().any(|number| (number - sum).abs() <= 0.01 + 1e-6 * sum.abs());
            if row > after + 1 && (sums(after).iter().any(close) || sums(0).iter().any(close)) {
                found.0 += 1;
            }
        }
        found
    }

    fn is_total(&self, row: usize, after: usize, out: &BTreeMap<usize, Why>) -> bool {
        let cells = self.cells(row);
        let sparse = cells.len() * 2 <= self.typical.max(2);
        let blanks = (0..self.columns.len()).any(|place| self.full[place] && is_blank(&self.columns[place].get(row)));
        let word = cells.iter().take(FIRST_CELLS).find_map(|(place, cell)| match cell {
            CellView::Text(text) if is_total(text) => Some((*place, self.is_stranger(*place, cell))),
            _ => None,
        });
        let sums_agree = || matches!(self.sums(row, after, out), (agreed, all) if agreed > 0 && agreed * 2 >= all);
        match word {
            Some((_, true)) => blanks || sparse || self.is_last(row) || sums_agree(),
            Some((place, false)) => {
                let key_before = cells
                    .iter()
                    .any(|(before, cell)| *before < place && self.shapes[*before] != Shape::Words && !self.is_stranger(*before, cell));
                blanks && (sums_agree() || sparse && !key_before)
            }
            // Without a word: nothing but sums.
            None => {
                let only_numbers = cells
                    .iter()
                    .all(|(place, cell)| self.shapes[*place] == Shape::Values && !number_of(cell).is_empty());
                let first_blank = self.columns.first().is_some_and(|column| is_blank(&column.get(row)));
                // Several sums that are right are no chance, however many columns have one.
                let enough = if sparse { 1 } else { 3 };
                only_numbers
                    && first_blank
                    && blanks
                    && matches!(self.sums(row, after, out), (agreed, all) if agreed == all && all >= enough)
            }
        }
    }

    /// Rows of few cells, none of which is what its column holds.
    fn is_aside(&self, row: usize, at_end: bool, known: &BTreeSet<(usize, String)>) -> bool {
        let cells = self.cells(row);
        if self.typical < 3 || cells.len() * 2 > self.typical {
            return false;
        }
        let Some((place, first)) = cells.first() else {
            return false;
        };
        if self.is_stranger(*place, first) {
            let fits = |(place, cell): &(usize, CellView<'_>)| self.shapes[*place] != Shape::Words && !self.is_stranger(*place, cell);
            return at_end || !cells.iter().any(fits);
        }
        let alone = cells.len() == 1 && self.typical >= 4 && self.shapes[*place] == Shape::Words;
        alone && matches!(first, CellView::Text(text) if !known.contains(&(*place, trimmed(text).to_owned())))
    }

    /// Texts that stand alone in a suspected row, where orders have them too.
    fn known_alone(&self, suspects: &[usize]) -> BTreeSet<(usize, String)> {
        let mut wanted: BTreeSet<(usize, String)> = BTreeSet::new();
        for row in suspects.iter().filter(|row| self.filled[**row] == 1) {
            if let [(place, CellView::Text(text))] = self.cells(*row).as_slice() {
                wanted.insert((*place, trimmed(text).to_owned()));
            }
        }
        let places: BTreeSet<usize> = wanted.iter().map(|(place, _)| *place).collect();
        let mut known = BTreeSet::new();
        for place in places {
            for row in (0..self.height).filter(|row| self.filled[*row] > 1) {
                if let CellView::Text(text) = self.columns[place].get(row) {
                    let key = (place, trimmed(&text).to_owned());
                    if wanted.contains(&key) {
                        known.insert(key);
                    }
                }
            }
        }
        known
    }

    fn find(&self) -> BTreeMap<usize, Why> {
        let mut out: BTreeMap<usize, Why> = self.names_again().into_iter().map(|row| (row, Why::Names)).collect();
        out.extend(self.rules().into_iter().map(|row| (row, Why::Rule)));
        if self.typical < 2 || self.height < 2 {
            return out;
        }
        if self.has_units() && !out.contains_key(&0) {
            out.insert(0, Why::Units);
        }
        let suspects = self.suspects();
        let known = self.known_alone(&suspects);
        let last_order = (0..self.height)
            .rev()
            .find(|row| self.filled[*row] as usize * 2 > self.typical)
            .unwrap_or(self.height);
        let mut after = 0;
        for row in suspects {
            if out.contains_key(&row) {
                continue;
            }
            if self.is_total(row, after, &out) {
                out.insert(row, Why::Total);
                after = row + 1;
            } else if self.is_aside(row, row > last_order, &known) {
                out.insert(row, Why::Aside);
            }
        }
        // Where most rows are unlike orders, it is the orders that are of two kinds.
        if out.len() * 2 > self.height {
            out.retain(|_, why| matches!(why, Why::Names | Why::Units | Why::Rule));
        }
        out
    }
}

fn shape_of(column: &Column, sample: &[usize]) -> Shape {
    let (mut filled, mut values, mut coded) = (0_usize, 0_usize, 0_usize);
    for row in sample {
        let cell = column.get(*row);
        if is_blank(&cell) {
            continue;
        }
        filled += 1;
        values += usize::from(is_value(&cell));
        coded += usize::from(match &cell {
            CellView::Text(text) => text.bytes().any(|byte| byte.is_ascii_digit()),
            _ => true,
        });
    }
    let most = |count: usize| filled > 0 && count as f64 >= SHAPED * filled as f64 - 1.0 && count > 0;
    if most(values) {
        Shape::Values
    } else if most(coded) {
        Shape::Coded
    } else {
        Shape::Words
    }
}

impl Table {
    /// Rows of one file between the column names and the first row that was kept: units, blank rows.
    pub(crate) fn left_out_at_top(&self) -> u32 {
        let source = self.source();
        let has_rows = matches!(source.format, Format::Csv | Format::Xlsx | Format::Xls | Format::Xlsb | Format::Ods);
        if !has_rows || self.files().is_some() || self.height() == 0 {
            return 0;
        }
        let first = (0..self.height()).map(|row| self.row_number(row)).min().unwrap_or_default();
        u32::try_from(first.saturating_sub(source.header_row + 1)).unwrap_or_default()
    }
}

/// The table without rows that are no orders; each is named in a note.
pub(crate) fn leave_out(table: Table, notes: &mut Notes) -> Table {
    let look = Look::new(&table);
    let out = look.find();
    if out.is_empty() {
        return table;
    }
    const SHOWN: usize = 6;
    let mut listed: Vec<String> = out
        .iter()
        .take(SHOWN)
        .map(|(row, why)| {
            let said = look
                .cells(*row)
                .first()
                .and_then(|(_, cell)| cell.shown().map(Cow::into_owned))
                .unwrap_or_default();
            let what = match why {
                Why::Total => format!("a total, `{}`", shortened(&said)),
                Why::Aside => format!("`{}`", shortened(&said)),
                Why::Names => "the column names again".to_owned(),
                Why::Units => "units or names in other words".to_owned(),
                Why::Rule => "a drawn line".to_owned(),
            };
            format!("row {} ({what})", table.row_number(*row))
        })
        .collect();
    if out.len() > SHOWN {
        listed.push(format!("{} more", out.len() - SHOWN));
    }
    let is = if out.len() == 1 { "is no order" } else { "are no orders" };
    notes.add(
        "no-orders",
        format!(
            "{} of `{}` {is}: {}",
            counted(out.len(), "row"),
            table.source().file_name,
            listed.join(", ")
        ),
        "left out",
    );
    let kept: Vec<usize> = (0..table.height()).filter(|row| !out.contains_key(row)).collect();
    table.take(&kept)
}

fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    let text = trimmed(text);
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['\u{2026}']).collect()
}
