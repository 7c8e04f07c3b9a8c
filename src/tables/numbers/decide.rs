//! Which mark separates decimals in a column: by what its numbers show together, by their currency, by the rest of the sheet, by the file.

use std::collections::BTreeMap;

use super::super::table::Table;
use super::currency::Decimals;
use super::parse::{self, Marks, PlainPoint, Shape};
use super::{CellView, Column, DecimalMark};
use crate::notes::Notes;
use crate::tables::text::trimmed;

/// With this many numbers of exactly three digits behind their mark and none of fewer, the mark is no decimal mark:
/// of decimals without needless zeros every tenth ends sooner (0.9^30 = 4 %).
const MANY: usize = 30;

/// What a column's numbers show beyond their values.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) points: usize,
    pub(super) commas: usize,
    pub(super) ambiguous_points: usize,
    pub(super) ambiguous_commas: usize,
    /// Of the ambiguous ones: those that end in 0, those with one digit before the mark, those by the decimals of their currency.
    end_in_zero: usize,
    short: usize,
    whole_money: usize,
    cents_money: usize,
    money: Option<&'static str>,
    /// Numbers without any mark: below 1000, below 10,000, and above.
    small: usize,
    thousands: usize,
    large: usize,
    /// Numbers with blanks or apostrophes between thousands.
    grouped: usize,
    pub(super) parts: usize,
    pub(super) ledger: usize,
    pub(super) readable: usize,
    pub(super) currencies: BTreeMap<&'static str, usize>,
    /// The first ambiguous number: digits and mark.
    example: Option<String>,
}

impl Evidence {
    pub(super) fn add(&mut self, shape: &Shape) {
        self.readable += 1;
        self.grouped += usize::from(shape.grouped);
        self.parts += usize::from(shape.parts.is_some());
        self.ledger += usize::from(shape.ledger);
        if let Some(currency) = &shape.currency {
            *self.currencies.entry(currency.sign).or_default() += 1;
        }
        match shape.marks {
            Marks::Neutral if shape.grouped || shape.digits.contains(['e', '.']) => {}
            Marks::Neutral => match shape.digits.len() {
                0..=3 => self.small += 1,
                4 => self.thousands += 1,
                _ => self.large += 1,
            },
            Marks::Certain(DecimalMark::Point) => self.points += 1,
            Marks::Certain(DecimalMark::Comma) => self.commas += 1,
            Marks::Ambiguous(mark) => self.add_ambiguous(shape, mark),
        }
    }

    fn add_ambiguous(&mut self, shape: &Shape, mark: DecimalMark) {
        match mark {
            DecimalMark::Point => self.ambiguous_points += 1,
            DecimalMark::Comma => self.ambiguous_commas += 1,
        }
        self.end_in_zero += usize::from(shape.digits.ends_with('0'));
        self.short += usize::from(shape.digits.len() == 5);
        if let Some(currency) = &shape.currency {
            self.money = Some(currency.sign);
            match currency.decimals {
                Decimals::None => self.whole_money += 1,
                Decimals::Two => self.cents_money += 1,
                Decimals::Three | Decimals::Either => {}
            }
        }
        if self.example.is_none() {
            self.example = Some(shape.digits.clone());
        }
    }

    /// The one currency of the amounts, if all signs are of one.
    pub(super) fn currency(&self) -> Option<&'static str> {
        let mut signs = self.currencies.keys();
        signs.next().copied().filter(|_| signs.next().is_none())
    }

    /// The mark that most of the numbers with one reading have; `None` where there is no majority.
    pub(super) fn verdict(&self) -> Option<DecimalMark> {
        match self.points.cmp(&self.commas) {
            std::cmp::Ordering::Greater => Some(DecimalMark::Point),
            std::cmp::Ordering::Less => Some(DecimalMark::Comma),
            std::cmp::Ordering::Equal => None,
        }
    }

    pub(super) fn ambiguous(&self) -> usize {
        self.ambiguous_points + self.ambiguous_commas
    }

    /// What the numbers with two readings show together: the decimal mark and why.
    fn together(&self) -> Option<(DecimalMark, String)> {
        let (there, opposite, ambiguous) = match (self.ambiguous_points, self.ambiguous_commas) {
            (points, 0) => (DecimalMark::Point, DecimalMark::Comma, points),
            (0, commas) => (DecimalMark::Comma, DecimalMark::Point, commas),
            _ => return None,
        };
        let sign = self.money.unwrap_or_default();
        if self.grouped > 0 {
            return Some((
                there,
                "other numbers of the column have blanks or apostrophes between thousands".to_owned(),
            ));
        }
        if self.whole_money * 2 > ambiguous {
            return Some((opposite, format!("amounts in `{sign}` have no decimals")));
        }
        if self.cents_money * 2 > ambiguous {
            return Some((opposite, format!("amounts in `{sign}` do not have three decimals")));
        }
        if self.large > 0 || (self.thousands > 0 && self.short > 0) {
            return Some((there, "the column writes larger numbers without a mark".to_owned()));
        }
        if self.small > 0 && (self.end_in_zero > 0 || ambiguous >= MANY) {
            return Some((
                opposite,
                "numbers below 1000 have no mark, and behind every mark stand three digits".to_owned(),
            ));
        }
        None
    }
}

/// The decimal mark of a column.
pub(super) struct Decision {
    pub(super) mark: DecimalMark,
    /// Why, where numbers with two readings were decided by something else than numbers with one.
    why: Option<String>,
    /// Whether the column itself shows it.
    sure: bool,
}

impl Decision {
    fn plain(mark: DecimalMark) -> Self {
        Self {
            mark,
            why: None,
            sure: true,
        }
    }
}

/// Decides by the person's word, else by the column's numbers with one reading, else by `earlier` (as an earlier sheet was read) where the other
/// columns do not show the opposite, else by what column, sheet and file show.
pub(super) fn decide(table: &Table, evidence: &Evidence, earlier: Option<DecimalMark>) -> Decision {
    if let Some(mark) = table.source().stated.decimal.or_else(|| evidence.verdict()) {
        return Decision::plain(mark);
    }
    if evidence.ambiguous() == 0 {
        return Decision::plain(DecimalMark::Point);
    }
    let sheet = sheet_mark(table);
    let alone = by_itself(table, evidence, sheet);
    // An earlier sheet's mark does not hold where the columns of this one show another: it may come from another program.
    match earlier.filter(|mark| sheet.is_none_or(|shown| shown == *mark)) {
        Some(mark) if mark == alone.mark => Decision::plain(mark),
        Some(mark) => Decision {
            mark,
            why: Some("as in the training sheet".to_owned()),
            sure: false,
        },
        None => alone,
    }
}

/// What the column, the sheet and the file show of numbers with two readings.
pub(super) fn alone(table: &Table, evidence: &Evidence) -> Decision {
    by_itself(table, evidence, sheet_mark(table))
}

fn by_itself(table: &Table, evidence: &Evidence, sheet: Option<DecimalMark>) -> Decision {
    if let Some((mark, why)) = evidence.together() {
        return Decision {
            mark,
            why: Some(why),
            sure: true,
        };
    }
    let (mark, why) = match sheet {
        Some(mark) => (mark, "as the other columns have it"),
        None if table.source().delimiter == Some(b';') => (DecimalMark::Comma, "as is usual where semicolons separate columns"),
        None => (DecimalMark::Point, "as is usual"),
    };
    Decision {
        mark,
        why: Some(why.to_owned()),
        sure: false,
    }
}

/// Tells how numbers with two readings were read, unless they are decimals with a point and the column shows it.
pub(super) fn note_decision(name: &str, evidence: &Evidence, decision: &Decision, notes: &mut Notes) {
    let (Some(why), Some(example)) = (&decision.why, &evidence.example) else {
        return;
    };
    let there = if example.contains(',') {
        DecimalMark::Comma
    } else {
        DecimalMark::Point
    };
    let as_decimal = there == decision.mark;
    if decision.sure && as_decimal && there == DecimalMark::Point {
        return;
    }
    let (decimal, whole) = (example.replace(',', "."), example.replace([',', '.'], ""));
    let (read, other, option) = match (as_decimal, there) {
        (true, DecimalMark::Point) => (&decimal, &whole, "--decimal ,"),
        (true, DecimalMark::Comma) => (&decimal, &whole, "--decimal ."),
        (false, DecimalMark::Point) => (&whole, &decimal, "--decimal ."),
        (false, DecimalMark::Comma) => (&whole, &decimal, "--decimal ,"),
    };
    if decision.sure {
        let mark = if there == DecimalMark::Point { "points" } else { "commas" };
        let what = if as_decimal { "before decimals" } else { "between thousands" };
        notes.add(
            "thousands-marks",
            format!("column `{name}` has {mark} {what}: {why}"),
            format!("`{example}` was read as {read}; `{option}` reads it as {other}"),
        );
    } else {
        notes.add(
            "ambiguous-numbers",
            format!("nothing in column `{name}` shows whether its marks separate thousands or decimals"),
            format!("`{example}` was read as {read}, {why}; `{option}` reads it as {other}"),
        );
    }
}

/// What the numbers of a column show.
pub(super) fn evidence_of(column: &Column, height: usize) -> Evidence {
    let mut evidence = Evidence::default();
    for row in 0..height {
        if let CellView::Text(text) = column.get(row) {
            let text = trimmed(&text);
            // Plain numbers, nearly all there are, need no thorough look.
            match parse::plain_shape(text) {
                Some(PlainPoint::Certain) => evidence.points += 1,
                Some(PlainPoint::None) => match text.trim_start_matches(['-', '+']).len() {
                    0..=3 => evidence.small += 1,
                    4 => evidence.thousands += 1,
                    _ => evidence.large += 1,
                },
                _ => {
                    if let Some(shape) = parse::shape(text) {
                        evidence.add(&shape);
                    }
                }
            }
        }
    }
    evidence
}

/// The decimal mark by which a column is read; `None` where none of its numbers has a mark.
pub(crate) fn mark_shown(table: &Table, column: &Column) -> Option<DecimalMark> {
    let evidence = evidence_of(column, table.height());
    if evidence.points + evidence.commas + evidence.ambiguous() == 0 {
        return None;
    }
    Some(decide(table, &evidence, None).mark)
}

/// The decimal mark that the sheet's columns show for certain, from the first rows of each.
pub(crate) fn sheet_mark(table: &Table) -> Option<DecimalMark> {
    const ROWS: usize = 500;
    let mut evidence = Evidence::default();
    for column in &table.columns() {
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
