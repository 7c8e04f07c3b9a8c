//! Columns of a report that leave out what stands above: `Order No` and `Order Date` in the first line of an order alone.

use super::column::Column;
use super::header::counted;
use super::table::Table;
use super::text::trimmed;
use crate::notes::Notes;

fn is_filled(column: &Column, row: usize) -> bool {
    column.is_plainly_filled(row) || column.get(row).shown().is_some_and(|shown| !trimmed(&shown).is_empty())
}

/// Says that columns are blank together where a report leaves out what stands above: the first of them in the first column of the sheet, all filled in the
/// first row, and with the other columns filled throughout.
pub(crate) fn note(table: &Table, notes: &mut Notes) {
    const LEAST: f64 = 0.2;
    const MOST: f64 = 0.95;
    const ROWS: usize = 20;
    let columns = table.columns();
    let height = table.height();
    let blanks = |column: &Column| -> Vec<bool> { (0..height).map(|row| !is_filled(column, row)).collect() };
    let Some(first) = columns.first().filter(|column| height >= ROWS && is_filled(column, 0)) else {
        return;
    };
    let mask = blanks(first);
    let count = mask.iter().filter(|blank| **blank).count();
    if !(LEAST * height as f64..=MOST * height as f64).contains(&(count as f64)) {
        return;
    }
    let alike: Vec<usize> = (0..columns.len()).filter(|place| blanks(&columns[*place]) == mask).collect();
    let filled = |place: &usize| (0..height).all(|row| is_filled(&columns[*place], row));
    if alike.len() < 2 || !(0..columns.len()).any(|place| filled(&place)) {
        return;
    }
    let names: Vec<String> = alike.iter().map(|place| format!("`{}`", table.names()[*place])).collect();
    notes.add(
        "blank-together",
        format!(
            "{} are blank in the same {}, as in a report that leaves out what stands above",
            names.join(", "),
            counted(count, "row")
        ),
        "taken as blank; if they mean the cell above, fill them in first (Excel: Go To Special, Blanks, `=`, arrow up, Ctrl+Enter)",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(order: impl Fn(usize) -> bool, date: impl Fn(usize) -> bool) -> bool {
        let cells = |filled: &dyn Fn(usize) -> bool| (0..60).map(|row| filled(row).then(|| format!("v{row}"))).collect();
        let table = Table::new("report.csv", 60)
            .with_column("Order No", cells(&order))
            .and_then(|table| table.with_column("Order Date", cells(&date)))
            .and_then(|table| table.with_column("Item", cells(&|_| true)))
            .unwrap();
        let mut notes = Notes::new();
        note(&table, &mut notes);
        notes.has("blank-together")
    }

    #[test]
    fn columns_that_are_blank_together_below_a_filled_first_row_are_told() {
        assert!(told(|row| row % 3 == 0, |row| row % 3 == 0));
        assert!(!told(|row| row % 3 == 0, |row| row % 4 == 0) && !told(|row| row % 3 == 1, |row| row % 3 == 1));
        assert!(!told(|_| true, |_| true) && !told(|row| row < 55, |row| row < 55));
    }
}
