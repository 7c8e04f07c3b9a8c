//! Cells of a flag file and of its sheet as texts that can be compared, also where the two write numbers or dates in different ways.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::notes::Notes;
use crate::tables::{Table, Texts};

/// By row, what names it.
pub(super) type Keys = Vec<Option<String>>;

/// A column of the sheet and the same one of the flag file: as they are written where most texts of the flag file are in the sheet, else as numbers or
/// dates where both columns hold nothing else.
///
/// # Errors
/// Where a column is not there.
pub(super) fn alike((sheet, column): (&Table, &str), (lines, own): (&Table, &str)) -> Result<[Keys; 2]> {
    let (of_sheet, of_lines) = (sheet.texts(column)?, lines.texts(own)?);
    let known: BTreeSet<&str> = of_sheet.values.iter().map(String::as_str).collect();
    let met = of_lines.values.iter().filter(|text| known.contains(text.as_str())).count();
    if met * 2 <= of_lines.values.len() && !of_lines.values.is_empty() {
        let numbers = |table: &Table, name: &str| table.numbers(name, &mut Notes::new()).ok();
        if let (Some(theirs), Some(ours)) = (numbers(sheet, column), numbers(lines, own))
            && let (Some(theirs), Some(ours)) = (all(&theirs, &of_sheet), all(&ours, &of_lines))
        {
            return Ok([theirs, ours]);
        }
        let order = sheet.date_order(column)?;
        let dates = |table: &Table, name: &str| table.dates(name, order, &mut Notes::new()).ok();
        if let (Some(theirs), Some(ours)) = (dates(sheet, column), dates(lines, own))
            && let (Some(theirs), Some(ours)) = (all(&theirs, &of_sheet), all(&ours, &of_lines))
        {
            return Ok([theirs, ours]);
        }
    }
    Ok([written(&of_sheet), written(&of_lines)])
}

/// The cells of a column as they are written.
///
/// # Errors
/// Where the column is not there.
pub(super) fn as_written(table: &Table, name: &str) -> Result<Keys> {
    Ok(written(&table.texts(name)?))
}

fn written(texts: &Texts) -> Keys {
    (0..texts.codes.len()).map(|row| texts.get(row).map(str::to_owned)).collect()
}

/// The values as texts, where every text is one and different texts are different values: long numbers may not be.
fn all<T: ToString>(values: &[Option<T>], texts: &Texts) -> Option<Keys> {
    let whole = values
        .iter()
        .enumerate()
        .all(|(row, value)| value.is_some() || texts.get(row).is_none());
    let keys: Keys = values.iter().map(|value| value.as_ref().map(T::to_string)).collect();
    let distinct: BTreeSet<&String> = keys.iter().flatten().collect();
    (whole && distinct.len() == texts.values.len()).then_some(keys)
}

/// Per row several columns as one text; `None` where the first is blank, or the only other one.
pub(super) fn together(first: &Keys, others: &[Keys]) -> Keys {
    let text = |(row, first): (usize, &Option<String>)| {
        let mut text = first.clone()?;
        for other in others {
            let cell = match (&other[row], others.len()) {
                (None, 1) => return None,
                (cell, _) => cell.as_deref().unwrap_or_default(),
            };
            text.push_str(" / ");
            text.push_str(cell);
        }
        Some(text)
    };
    first.iter().enumerate().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: &[&str]) -> Table {
        let cells = cells
            .iter()
            .map(|cell| Some((*cell).to_owned()).filter(|cell| !cell.is_empty()))
            .collect::<Vec<_>>();
        Table::new("a.csv", cells.len()).with_column("c", cells).unwrap()
    }

    fn same(sheet: &[&str], lines: &[&str]) -> Vec<Option<usize>> {
        let [sheet, lines] = alike((&table(sheet), "c"), (&table(lines), "c")).unwrap();
        lines
            .iter()
            .map(|line| sheet.iter().position(|own| own.is_some() && own == line))
            .collect()
    }

    #[test]
    fn dates_and_numbers_are_the_same_in_every_spelling() {
        let dates = ["31/01/2018", "01/02/2018", "", "13/02/2018"];
        assert_eq!(same(&dates, &["2018-02-01", "2018-02-13", "2018-03-01"]), [Some(1), Some(3), None]);
        assert_eq!(same(&["1.234,50", "2,75", "3,10"], &["1234.5", "3.1"]), [Some(0), Some(2)]);
        // Words stay words.
        assert_eq!(same(&["north", "1.5"], &["south", "1,5"]), [None, None]);
        assert_eq!(same(&["a", "b"], &["b", ""]), [Some(1), None]);
        // Two numbers that a float cannot tell apart.
        assert_eq!(same(&["9007199254740993", "9007199254740992"], &["9,007,199,254,740,993"]), [None]);
    }
}
