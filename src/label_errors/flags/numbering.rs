//! Where row numbers start counting: stated, or found out because all other ways are impossible; never guessed.

use std::str::FromStr;

use super::{Flag, RowIndex};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;

/// What the number of the first data row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Numbering {
    /// As a spreadsheet program shows it: header and title lines count, so the first data row of a plain sheet is 2.
    Sheet,
    /// The first data row is 1.
    FromOne,
    /// The first data row is 0, as pandas and cleanlab count.
    FromZero,
}

const ALL: [Numbering; 3] = [Numbering::Sheet, Numbering::FromOne, Numbering::FromZero];

impl Numbering {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Numbering::Sheet => "sheet",
            Numbering::FromOne => "from-1",
            Numbering::FromZero => "from-0",
        }
    }

    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Numbering::Sheet => "row numbers as seen in the sheet, header counted",
            Numbering::FromOne => "row numbers, the first data row is 1",
            Numbering::FromZero => "row numbers, the first data row is 0",
        }
    }

    /// The entry that a number names.
    pub(super) fn entry(self, number: usize, index: &RowIndex) -> Option<usize> {
        match self {
            Numbering::Sheet => index.at_sheet_row(number),
            Numbering::FromOne => index.at_table_row(number.checked_sub(1)?),
            Numbering::FromZero => index.at_table_row(number),
        }
    }

    /// First and last number that there can be.
    fn range(self, index: &RowIndex) -> (usize, usize) {
        let rows = index.entries().len();
        match self {
            Numbering::Sheet => index.sheet_rows().unwrap_or((0, 0)),
            Numbering::FromOne => (1, rows),
            Numbering::FromZero => (0, rows.saturating_sub(1)),
        }
    }
}

impl FromStr for Numbering {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = text.trim().to_lowercase();
        ALL.into_iter().find(|numbering| numbering.name() == wanted).ok_or_else(|| {
            let error = Error::input(format!("`{text}` is no way to count rows"));
            match closest(&wanted, ALL.map(Numbering::name)) {
                Some(near) => error.hint(format!("closest match is `{near}`")),
                None => error.hint("give `sheet`, `from-1` or `from-0`"),
            }
        })
    }
}

/// What to paste, for every way that is still possible.
pub(super) fn options(possible: &[Numbering]) -> String {
    let lines: Vec<String> = possible
        .iter()
        .map(|numbering| {
            let meaning = match numbering {
                Numbering::Sheet => "if they are the numbers that the spreadsheet shows, header counted",
                Numbering::FromOne => "if the first data row is 1",
                Numbering::FromZero => "if the first data row is 0, as in pandas and cleanlab",
            };
            format!("`--row-numbers {}` {meaning}", numbering.name())
        })
        .collect();
    lines.join("; ")
}

/// A whole number as people and programs write it: `7`, `7.0`, and `7.000000000000000000e+00` as numpy's `savetxt` does.
pub(super) fn whole(text: &str) -> Option<usize> {
    /// Above this, numbers with decimals leave out whole ones.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let text = text.trim();
    if !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as usize)
    })
}

/// A whole number in the form of numpy's `savetxt`, written plainly.
pub(super) fn numpy_whole(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.trim().split_once('e')?;
    let decimals = mantissa.split_once('.')?.1;
    (decimals.len() == 18 && exponent.starts_with(['+', '-']))
        .then(|| whole(text))?
        .map(|number| number.to_string())
}

/// The row numbers of all flags.
///
/// # Errors
/// Where a name is not a whole number.
pub(super) fn numbers(flags: &[Flag]) -> Result<Vec<usize>> {
    flags
        .iter()
        .map(|flag| {
            whole(&flag.name).ok_or_else(|| {
                Error::input(format!("`{}` is not a row number", flag.name.trim()))
                    .at_row(flag.line)
                    .hint("give whole numbers such as 17; a file of keys is read without `--row-numbers`, and `--key COLUMN` names the column with them")
            })
        })
        .collect()
}

/// Refuses row numbers that two rows have: those of several files, and counts beyond rows that were left out of the sheet (blank rows, totals), which
/// whoever counted may have counted as well.
///
/// # Errors
/// Names the first such number.
pub(super) fn refuse_two_readings(numbering: Numbering, numbers: &[usize], index: &RowIndex) -> Result<()> {
    const HINT: &str = "name the rows by their keys, in a column with the name of the sheet's key column";
    let first = index.sheet_rows().map_or(0, |(first, _)| first);
    let repeated = index.repeated_sheet_rows();
    for number in numbers {
        if numbering == Numbering::Sheet && repeated.contains(number) {
            return Err(Error::input(format!(
                "the sheet is made of several files, and row {number} is in more than one of them"
            ))
            .hint(HINT));
        }
        let Some(entry) = numbering.entry(*number, index).map(|entry| &index.entries()[entry]) else {
            continue;
        };
        let left_out = index.left_out_at_top() as usize + (entry.sheet_row as usize).saturating_sub(first + entry.table_row as usize);
        if numbering != Numbering::Sheet && repeated.is_empty() && left_out > 0 {
            return Err(Error::input(format!(
                "row {number} comes after {left_out} {} left out of the sheet as no orders, and the count may be with or without {}",
                if left_out == 1 { "row that was" } else { "rows that were" },
                if left_out == 1 { "it" } else { "them" },
            ))
            .hint(format!(
                "{HINT}; or give row numbers as the spreadsheet shows them with `--row-numbers sheet`"
            )));
        }
    }
    Ok(())
}

/// Finds out where counting starts, or checks what was stated. `numbers`: those of all lines of the file, flagged or not. `agrees`, where lines
/// have given labels: whether all of them are those of the sheet if rows are counted so.
///
/// # Errors
/// Where more than one way is possible (the hint lists them), none is, or a number is below the first of the stated way.
pub(super) fn settle(
    stated: Option<Numbering>,
    numbers: &[usize],
    index: &RowIndex,
    agrees: Option<&dyn Fn(Numbering) -> bool>,
    notes: &mut Notes,
) -> Result<Numbering> {
    let (Some(lowest), Some(highest)) = (numbers.iter().min().copied(), numbers.iter().max().copied()) else {
        return stated.ok_or_else(|| Error::internal("row numbers of no flags"));
    };
    let in_range = |numbering: &Numbering| {
        let (first, last) = numbering.range(index);
        lowest >= first && highest <= last
    };
    if let Some(numbering) = stated {
        let (first, _) = numbering.range(index);
        if lowest < first {
            let others: Vec<Numbering> = ALL.into_iter().filter(|other| *other != numbering && in_range(other)).collect();
            let error = Error::input(format!(
                "row number {lowest} is flagged, but the first data row is {first} ({})",
                numbering.in_words()
            ));
            return Err(if others.is_empty() {
                error.hint("check that the flags belong to the sheet that the model was trained on, and that they are row numbers")
            } else {
                error.hint(options(&others))
            });
        }
        return Ok(numbering);
    }
    let mut possible: Vec<Numbering> = ALL.into_iter().filter(in_range).collect();
    if possible.is_empty() {
        return Err(Error::input(format!(
            "the row numbers run from {lowest} to {highest}, which fits no way of counting the {} rows of the sheet",
            index.entries().len()
        ))
        .hint("check that the flags belong to the sheet that the model was trained on"));
    }
    let mut because = "no other way of counting gives rows that exist";
    if possible.len() > 1
        && let Some(agrees) = agrees
    {
        // Only a way without a single contradiction may rule out the others.
        let agreeing: Vec<Numbering> = possible.iter().copied().filter(|numbering| agrees(*numbering)).collect();
        if !agreeing.is_empty() {
            possible = agreeing;
            because = "only this way the given labels are those in the sheet";
        }
    }
    match possible[..] {
        [numbering] => {
            notes.add(
                "row-numbering",
                format!("the flag file names rows by number and does not say where counting starts; {because}"),
                format!("read as {}", numbering.in_words()),
            );
            Ok(numbering)
        }
        _ => Err(Error::input("the flag file names rows by number, and it is not clear where counting starts").hint(options(&possible))),
    }
}
