//! Which row holds the column names, and what the columns are called.

use std::collections::BTreeSet;

use super::text::trimmed;
use super::two_rows;
use super::{dates, numbers};
use crate::error::{Error, Result};
use crate::notes::Notes;

/// How many rows from the top are looked at.
pub(crate) const LOOK_AT_ROWS: usize = 100;

/// A row near the top: its number and its cells as text.
pub(crate) struct TopRow {
    pub(crate) row: usize,
    pub(crate) cells: Vec<String>,
}

impl TopRow {
    pub(crate) fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !trimmed(cell).is_empty()).count()
    }

    /// Cells that hold a number or a date: values, not names.
    fn values(&self) -> usize {
        self.cells
            .iter()
            .map(|cell| trimmed(cell))
            .filter(|cell| !cell.is_empty() && (numbers::looks_like_number(cell) || dates::looks_like_day(cell)))
            .count()
    }
}

/// Where the column names stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Places among the top rows: of the first row with names, and of the last one; they differ where names stand in two rows.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The names as written; of two rows, put together.
    pub(crate) cells: Vec<String>,
}

/// Whether every row below the names has one cell more than there are names, and the first cells count the rows: row names as R writes them, whose
/// column has no name.
pub(crate) fn lacks_row_names(names: &[String], below: &[TopRow]) -> bool {
    let filled = |cell: &String| !trimmed(cell).is_empty();
    let counted = |(place, row): (usize, &TopRow)| {
        let fits = row.cells.len() == names.len() + 1 && row.cells.last().is_some_and(filled);
        fits && trimmed(&row.cells[0]).parse() == Ok(place + 1)
    };
    below.len() > 1 && names.iter().all(filled) && below.iter().enumerate().all(counted)
}

/// Finds the column names among the top rows (blank rows left out), in one row or, with names of groups above them, in two.
///
/// # Errors
/// Where `asked` names a row that is not there or is blank.
pub(crate) fn find(rows: &[TopRow], asked: Option<usize>) -> Result<Header> {
    let first = find_first(rows, asked)?;
    // Names of few groups are a row that looks like a title.
    let above = first
        .checked_sub(1)
        .filter(|above| rows[*above].filled() > 1 && rows[*above].row + 1 == rows[first].row);
    for upper in above.into_iter().chain([first]).filter(|_| asked.is_none()) {
        if let Some(cells) = two_rows::joined(rows, upper) {
            return Ok(Header {
                first: upper,
                last: upper + 1,
                cells,
            });
        }
    }
    let cells = rows.get(first).map(|row| row.cells.clone()).unwrap_or_default();
    Ok(Header { first, last: first, cells })
}

/// Finds the first header row among the top rows (blank rows left out): the first row that is about as wide as the rows below it.
///
/// A title block ("Delays 2018", "Exported on ...") is narrower than the table; a row counts as wide enough where it fills
/// more than 60 % of the cells that the typical row fills, and a row of values alone is no header unless it is the first.
/// Returns the place in `rows`.
///
/// # Errors
/// Where `asked` names a row that is not there or is blank.
fn find_first(rows: &[TopRow], asked: Option<usize>) -> Result<usize> {
    if let Some(asked) = asked {
        return rows.iter().position(|row| row.row == asked).ok_or_else(|| {
            let hint = if asked == 0 {
                "rows are counted from 1".to_owned()
            } else {
                format!("the header must stand within the first {LOOK_AT_ROWS} filled rows; leave the header row out and it is detected")
            };
            Error::input(format!("there are no column names in row {asked}")).hint(hint)
        });
    }
    if names_an_index(rows) {
        return Ok(0);
    }
    if is_letters(rows) {
        return Ok(1);
    }
    let mut widths: Vec<usize> = rows.iter().map(TopRow::filled).collect();
    let unsorted = widths.clone();
    widths.sort_unstable();
    // The upper quartile: a short table below a long title block still sets the measure.
    let typical = widths.get(widths.len() * 3 / 4).copied().unwrap_or(0);
    let enough = (typical * 6).div_ceil(10).max(usize::min(typical, 2));
    let wide = |place: &usize| unsorted.get(*place).is_some_and(|width| *width >= enough);
    let first = (0..rows.len()).find(wide).unwrap_or(0);
    let is_names = |place: &usize| rows.get(*place).is_some_and(|row| row.values() * 2 <= row.filled());
    if first > 0 && !is_names(&first) {
        // Below a narrow block stands a row of values: the names, if any, are in the row just above.
        return Ok(first - 1);
    }
    Ok(first)
}

/// Whether the first row is what pandas writes above a frame with its index: a blank, then a name for every other column, numbers such as `0` among
/// them; and below the blank whole numbers only.
fn names_an_index(rows: &[TopRow]) -> bool {
    let Some((head, below)) = rows.split_first() else { return false };
    let blank = |cell: &String| trimmed(cell).is_empty();
    let named = head.cells.len() > 1 && blank(&head.cells[0]) && !head.cells[1..].iter().any(blank);
    let counted = |row: &TopRow| row.cells.len() == head.cells.len() && trimmed(&row.cells[0]).parse::<u64>().is_ok();
    named && !below.is_empty() && below.iter().all(counted)
}

/// Whether the first row holds the letters of the columns (`A`, `B`, `C`), their numbers or names that a program gave them (`Column1`), and the second one
/// names.
fn is_letters(rows: &[TopRow]) -> bool {
    let [head, names, below, ..] = rows else { return false };
    let given = |(place, cell): (usize, &String)| {
        let cell = trimmed(cell);
        cell == letters(place)
            || cell.trim_matches(['(', ')']) == (place + 1).to_string()
            || cell
                .strip_prefix("Column")
                .is_some_and(|number| number.trim() == (place + 1).to_string())
    };
    let wide = head.cells.len() > 2 && head.filled() == head.cells.len() && names.filled() * 2 > head.filled();
    wide && head.cells.iter().enumerate().all(given) && names.values() == 0 && below.values() > 0
}

/// Whether a header row looks like data: a sheet without column names.
pub(crate) fn looks_like_data(row: &TopRow) -> bool {
    row.filled() > 0 && row.values() * 2 > row.filled()
}

/// The letters a spreadsheet shows above a column: 0 is A, 26 is AA.
pub(crate) fn letters(mut column: usize) -> String {
    let mut shown = Vec::new();
    loop {
        shown.push(b'A' + (column % 26) as u8);
        column /= 26;
        if column == 0 {
            break;
        }
        column -= 1;
    }
    shown.iter().rev().map(|letter| char::from(*letter)).collect()
}

/// Column names, unique and never empty. `raw` holds for each kept column its place in the sheet and its header cell.
pub(crate) fn names(raw: &[(usize, String)], file_name: &str, notes: &mut Notes) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut names = Vec::with_capacity(raw.len());
    let (mut unnamed, mut repeated) = (Vec::new(), Vec::new());
    // Names that stand in the sheet are kept for the columns that bear them first.
    let written: BTreeSet<String> = raw.iter().map(|(_, cell)| tidy(cell)).filter(|name| !name.is_empty()).collect();
    for (place, cell) in raw {
        let mut name = tidy(cell);
        let was_empty = name.is_empty();
        if was_empty {
            name = format!("Column {}", letters(*place));
        }
        if taken.contains(&name) || (was_empty && written.contains(&name)) {
            let mut number = 2;
            let mut candidate = format!("{name} ({number})");
            while taken.contains(&candidate) || written.contains(&candidate) {
                number += 1;
                candidate = format!("{name} ({number})");
            }
            if !was_empty {
                repeated.push(candidate.clone());
            }
            name = candidate;
        }
        if was_empty {
            unnamed.push(name.clone());
        }
        taken.insert(name.clone());
        names.push(name);
    }
    if !unnamed.is_empty() {
        notes.add(
            "empty-header",
            format!(
                "{} in `{file_name}` {} no name",
                counted(unnamed.len(), "column"),
                if unnamed.len() == 1 { "has" } else { "have" }
            ),
            format!("called after the column's place: {}", listed(&unnamed)),
        );
    }
    if !repeated.is_empty() {
        notes.add(
            "duplicate-header",
            format!(
                "{} in `{file_name}` {} a name used before",
                counted(repeated.len(), "column"),
                if repeated.len() == 1 { "bears" } else { "bear" }
            ),
            format!("numbered: {}", listed(&repeated)),
        );
    }
    names
}

/// A header cell as a name: trimmed; line breaks, no-break spaces and runs of blanks made one blank, characters of no width left out.
fn tidy(cell: &str) -> String {
    let cell = trimmed(cell);
    let unseen = |letter: char| matches!(letter, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    let plain = |letter: char| letter == ' ' || !(letter.is_whitespace() || unseen(letter));
    if cell.chars().all(plain) && !cell.contains("  ") {
        return cell.to_owned();
    }
    let seen: String = cell.chars().filter(|letter| !unseen(*letter)).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `1 column`, `3 columns`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", super::csv::with_thousands(count))
}

/// The first few of a list, quoted.
pub(crate) fn listed(values: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = values
        .iter()
        .take(SHOWN)
        .map(|value| format!("`{value}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if values.len() > SHOWN {
        text.push_str(&format!(" and {} more", values.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(rows: &[&[&str]]) -> Vec<TopRow> {
        rows.iter()
            .enumerate()
            .map(|(index, cells)| TopRow {
                row: index + 1,
                cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
            })
            .collect()
    }

    #[test]
    fn a_title_block_is_skipped() {
        let rows = top(&[
            &["Delays 2018"],
            &["Exported on", "2018-02-01"],
            &["Id", "Mode", "Days", "Late"],
            &["1", "Air", "3", "no"],
            &["2", "Sea", "9", "yes"],
            &["3", "Sea", "", "yes"],
        ]);
        assert_eq!(find(&rows, None).unwrap().last, 2);
        assert_eq!(find(&rows, Some(1)).unwrap().last, 0);
        assert!(find(&rows, Some(0)).is_err());
        assert!(find(&rows, Some(9)).is_err());
    }

    #[test]
    fn a_plain_sheet_has_its_header_in_the_first_row() {
        assert_eq!(find(&top(&[&["a", "b"], &["1", "2"]]), None).unwrap().last, 0);
        assert_eq!(find(&top(&[&["a"], &["1"], &["2"]]), None).unwrap().last, 0);
        assert_eq!(find(&top(&[&["a", "b", "c", "d", "e"], &["1"], &["2"]]), None).unwrap().last, 0);
        assert!(looks_like_data(&top(&[&["1", "2.5", "x"]])[0]));
        assert_eq!(find(&top(&[&["Title"], &["a", "b"], &["x", "y"]]), None).unwrap().last, 1);
    }

    #[test]
    fn names_are_unique_and_never_empty() {
        let mut notes = Notes::new();
        let raw: Vec<(usize, String)> = ["Price", "", "Price", " Price \n net", "Price (2)", "Column B"]
            .iter()
            .enumerate()
            .map(|(place, name)| (place, (*name).to_owned()))
            .collect();
        assert_eq!(
            names(&raw, "a.csv", &mut notes),
            ["Price", "Column B (2)", "Price (3)", "Price net", "Price (2)", "Column B"]
        );
        assert!(notes.has("empty-header") && notes.has("duplicate-header"));
    }

    #[test]
    fn columns_have_the_letters_a_spreadsheet_shows() {
        for (place, shown) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(letters(place), shown);
        }
    }
}
