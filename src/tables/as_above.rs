//! Columns of a report that leave out what stands above: `Order No` and `Order Date` in the first line of an order alone.

use super::column::{CellView, Column};
use super::header::counted;
use super::table::Table;
use super::text::trimmed;
use crate::notes::Notes;

fn is_filled(column: &Column, row: usize) -> bool {
    column.get(row).shown().is_some_and(|shown| !trimmed(&shown).is_empty())
}

/// By row, whether a column is blank.
fn blanks(column: &Column, height: usize) -> Vec<bool> {
    let mut blank = vec![false; height];
    column.at_a_glance(0..height, |row, visible| blank[row] = !visible && !is_filled(column, row));
    blank
}

/// Says where columns leave out what stands above.
pub(crate) fn note(table: &Table, notes: &mut Notes) {
    note_together(table, notes);
    if !notes.has("blank-together") {
        note_blocks(table, notes);
    }
}

/// Texts of a column that begin a block of rows each: (row, text), at most in three of five rows; `None` where the first row has none.
fn begins(column: &Column, height: usize) -> Option<Vec<(usize, String)>> {
    const MOST: f64 = 0.6;
    const FEWEST: usize = 3;
    const LOOKED_AT: usize = 100;
    // The first rows tell most columns.
    let first = (0..height.min(LOOKED_AT)).filter(|row| is_filled(column, *row)).count();
    if first == height.min(LOOKED_AT) {
        return None;
    }
    let blank = blanks(column, height);
    let filled: Vec<usize> = (0..height).filter(|row| !blank[*row]).collect();
    let few = filled.len() >= FEWEST && filled.len() as f64 <= MOST * height as f64 && filled.first() == Some(&0);
    let text = |row: &usize| match column.get(*row) {
        CellView::Text(text) => Some((*row, trimmed(&text).to_owned())),
        _ => None,
    };
    few.then(|| filled.iter().map(text).collect())?
}

/// Says that two columns are filled in the first row of each block alone, as a pivot and merged cells are when they are saved as text: the blocks of one
/// lie within those of the other, and no block says the same as the one before it.
fn note_blocks(table: &Table, notes: &mut Notes) {
    const ROWS: usize = 20;
    let (columns, height) = (table.columns(), table.height());
    if height < ROWS {
        return;
    }
    let found: Vec<(usize, Vec<(usize, String)>)> = columns
        .iter()
        .enumerate()
        .filter_map(|(place, column)| Some((place, begins(column, height)?)))
        .collect();
    let throughout = || columns.iter().any(|column| blanks(column, height).iter().all(|blank| !blank));
    let changes = |blocks: &[(usize, String)], outer: &[(usize, String)]| {
        let begins_outer = |row: usize| outer.binary_search_by_key(&row, |(row, _)| *row).is_ok();
        blocks.windows(2).all(|pair| pair[0].1 != pair[1].1 || begins_outer(pair[1].0))
    };
    for (outer_place, outer) in &found {
        for (inner_place, inner) in &found {
            let within = outer_place != inner_place
                && outer.len() <= inner.len()
                && outer
                    .iter()
                    .all(|(row, _)| inner.binary_search_by_key(row, |(row, _)| *row).is_ok());
            if within && changes(outer, &[]) && changes(inner, outer) && throughout() {
                let names = table.names();
                notes.add(
                    "blank-together",
                    format!(
                        "`{}` and `{}` are filled in the first row of each block only, as in a pivot table or merged cells",
                        names[*outer_place], names[*inner_place]
                    ),
                    FILL_IN,
                );
                return;
            }
        }
    }
}

/// What helps where cells mean the one above.
const FILL_IN: &str =
    "taken as blank; if they mean the cell above, fill them in first (Excel: Go To Special, Blanks, `=`, arrow up, Ctrl+Enter)";

/// Says that columns are blank together where a report leaves out what stands above: the first of them in the first column of the sheet, all filled in the
/// first row, and with the other columns filled throughout.
fn note_together(table: &Table, notes: &mut Notes) {
    const LEAST: f64 = 0.2;
    const MOST: f64 = 0.95;
    const ROWS: usize = 20;
    let columns = table.columns();
    let height = table.height();
    let Some(first) = columns.first().filter(|column| height >= ROWS && is_filled(column, 0)) else {
        return;
    };
    let mask = blanks(first, height);
    let count = mask.iter().filter(|blank| **blank).count();
    if !(LEAST * height as f64..=MOST * height as f64).contains(&(count as f64)) {
        return;
    }
    let alike: Vec<usize> = (0..columns.len())
        .filter(|place| blanks(&columns[*place], height) == mask)
        .collect();
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
        FILL_IN,
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

    #[test]
    fn columns_that_are_filled_in_the_first_row_of_a_block_alone_are_told() {
        let told = |region: &dyn Fn(usize) -> Option<&'static str>, carrier: &dyn Fn(usize) -> Option<&'static str>| {
            let cells = |of: &dyn Fn(usize) -> Option<&'static str>| (0..60).map(|row| of(row).map(str::to_owned)).collect::<Vec<_>>();
            let table = Table::new("pivot.csv", 60)
                .with_column("Order", (0..60).map(|row| Some(format!("A{row}"))).collect())
                .and_then(|table| table.with_column("Region", cells(region)))
                .and_then(|table| table.with_column("Carrier", cells(carrier)))
                .unwrap();
            let mut notes = Notes::new();
            note(&table, &mut notes);
            notes.iter().next().map(|note| note.found.clone())
        };
        let region = |row: usize| row.is_multiple_of(20).then(|| ["North", "South", "East"][row / 20 % 3]);
        let carrier = |row: usize| row.is_multiple_of(5).then(|| ["DHL", "UPS", "DPD", "GLS"][row / 5 % 4]);
        let found = told(&region, &carrier).expect("told");
        assert!(
            found.contains("`Region` and `Carrier` are filled in the first row of each block"),
            "{found}"
        );
        // Remarks here and there say the same again.
        let remark = |row: usize| row.is_multiple_of(5).then_some("call first");
        assert_eq!(told(&region, &remark), None);
        assert_eq!(told(&|row| region(row + 1), &carrier), None);
    }
}
