//! Column names in two rows: names of groups above the names proper.

use std::collections::BTreeSet;

use super::header::TopRow;
use super::text::{is_missing_value, trimmed};
use super::{dates, numbers};

fn cell(row: &TopRow, place: usize) -> &str {
    row.cells.get(place).map_or("", |cell| trimmed(cell))
}

fn is_value(cell: &str) -> bool {
    numbers::looks_like_number(cell) || dates::looks_like_day(cell) || is_missing_value(cell)
}

/// The names of a header that begins in row `first` and goes on in the next one; `None` where it does not go on.
///
/// The second row holds names where it holds no values, columns below it do, nothing below repeats it, and the first row leaves names open: it has
/// blank cells or the same name more than once above names of the second.
pub(super) fn joined(rows: &[TopRow], first: usize) -> Option<Vec<String>> {
    let (upper, lower) = (rows.get(first)?, rows.get(first + 1)?);
    let below = rows.get(first + 2..)?;
    let width = upper.cells.len().max(lower.cells.len());
    let named: Vec<usize> = (0..width).filter(|place| !cell(lower, *place).is_empty()).collect();
    let has_values = |row: &TopRow| row.cells.iter().any(|cell| !trimmed(cell).is_empty() && is_value(trimmed(cell)));
    if named.len() < 2 || below.is_empty() || has_values(lower) || has_values(upper) {
        return None;
    }
    let over_values = named
        .iter()
        .filter(|place| {
            let filled: Vec<&str> = below.iter().map(|row| cell(row, **place)).filter(|cell| !cell.is_empty()).collect();
            !filled.is_empty() && filled.iter().filter(|cell| is_value(cell)).count() * 10 >= filled.len() * 9
        })
        .count();
    let repeated = named
        .iter()
        .any(|place| below.iter().any(|row| cell(row, *place) == cell(lower, *place)));
    let open = |place: &usize| {
        let above = cell(upper, *place);
        above.is_empty() || (0..width).any(|other| other != *place && cell(upper, other) == above)
    };
    let opened = named.iter().filter(|place| open(place)).count();
    if over_values == 0 || repeated || opened == 0 {
        return None;
    }
    let distinct: BTreeSet<&str> = named.iter().map(|place| cell(lower, *place)).collect();
    let whole = named.len() * 10 >= width * 9;
    if whole && distinct.len() == named.len() {
        return Some(
            (0..width)
                .map(|place| {
                    [cell(lower, place), cell(upper, place)]
                        .into_iter()
                        .find(|name| !name.is_empty())
                        .unwrap_or_default()
                        .to_owned()
                })
                .collect(),
        );
    }
    // Names that mean nothing alone (`Plan`, `Actual` under `Days` and under `Cost`): with their groups.
    let partly = named.iter().all(|place| open(place) || cell(upper, place + 1).is_empty());
    if !whole && !partly {
        return None;
    }
    let mut group = "";
    let names = (0..width).map(|place| {
        let (above, own) = (cell(upper, place), cell(lower, place));
        if !above.is_empty() {
            group = above;
        }
        match (own.is_empty(), group.is_empty()) {
            (true, _) => above.to_owned(),
            (false, true) => own.to_owned(),
            (false, false) => format!("{group} {own}"),
        }
    });
    Some(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rows: &[&str]) -> Option<Vec<String>> {
        let rows: Vec<TopRow> = rows
            .iter()
            .enumerate()
            .map(|(place, row)| TopRow {
                row: place + 1,
                cells: row.split(',').map(str::to_owned).collect(),
            })
            .collect();
        joined(&rows, 0)
    }

    #[test]
    fn names_below_groups_are_the_names() {
        let expected = Some(["No", "Date", "Plan", "Late"].map(str::to_owned).to_vec());
        assert_eq!(
            names(&["Order,Order,Days,Outcome", "No,Date,Plan,Late", "1,2018-01-01,3,no"]),
            expected
        );
        assert_eq!(names(&["Order,,Days,", "No,Date,Plan,Late", "1,2018-01-01,3,no"]), expected);
    }

    #[test]
    fn names_that_repeat_are_joined_with_their_groups() {
        assert_eq!(
            names(&["Id,Days,,Cost,", ",plan,real,plan,real", "1,2,3,4,5"]),
            Some(
                ["Id", "Days plan", "Days real", "Cost plan", "Cost real"]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
    }

    #[test]
    fn one_row_of_names_stays_one() {
        assert_eq!(names(&["Id,Mode,Days", "1,Air,3", "2,Sea,4"]), None);
        assert_eq!(names(&["Id,Mode,Days", "x,Air,a", "y,Sea,b"]), None);
        // A blank name above a category: the second row has values.
        assert_eq!(names(&["Id,,Days", "1,Air,3", "2,Sea,4"]), None);
        // A name that comes twice above rows of text.
        assert_eq!(names(&["Note,Note", "a,b", "c,d"]), None);
    }
}
