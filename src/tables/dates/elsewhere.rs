//! What the rest of a sheet, its other files and the training sheet show of the order of day and month.

use super::order::{Evidence, Leads, count, evident, fits, has_two_readings, year_leads};
use super::{DateOrder, Item, items};
use crate::notes::Notes;
use crate::tables::table::Table;

/// The order that a profile or model states, unless the dates of this sheet show another: it may come from another program.
pub(super) fn still_valid(table: &Table, name: &str, items: &[Item], asked: Option<DateOrder>, notes: &mut Notes) -> Option<DateOrder> {
    let asked = asked?;
    let own = evident(items);
    let shown = match own {
        // Only dates that could be either are told by the sheet's other dates.
        None if items.iter().any(has_two_readings) => sheet_order(table).filter(|order| fits(items, *order)),
        own => own,
    };
    let Some(shown) = shown.filter(|shown| *shown != asked) else {
        return Some(asked);
    };
    notes.add(
        "other-date-order",
        format!(
            "the dates of {} of `{}` are {}, and were {} in the training sheet or the profile",
            match own {
                Some(_) => format!("column `{name}`"),
                None => "other columns".to_owned(),
            },
            table.source().file_name,
            shown.described(),
            asked.described()
        ),
        format!(
            "column `{name}` was read {}; `{}` reads it the other way",
            shown.described(),
            asked.option()
        ),
    );
    Some(shown)
}

/// Says which of several files show no order of their own, and so follow the others.
pub(super) fn note_undecided_files(table: &Table, name: &str, items: &[Item], notes: &mut Notes) {
    let Some(files) = table.files() else { return };
    let mut undecided = Vec::new();
    let mut decided = false;
    for (place, source) in files.sources.iter().enumerate() {
        let own: Vec<Item> = (0..items.len())
            .filter(|row| files.of_row[*row] == place as u32)
            .map(|row| items[row])
            .collect();
        match evident(&own) {
            Some(_) => decided = true,
            None if own.iter().any(has_two_readings) => undecided.push(format!("`{}`", source.file_name)),
            None => {}
        }
    }
    if decided && !undecided.is_empty() {
        notes.add(
            "ambiguous-files",
            format!(
                "no date of column `{name}` in {} shows whether `3/2/2018` is 3 February or March 2",
                undecided.join(", ")
            ),
            "read as in the other files; read that file alone with `--dates dmy` or `--dates mdy` if its dates are written otherwise",
        );
    }
}

/// What the first rows of the sheet's columns show together.
pub(super) fn sheet_evidence(table: &Table) -> Evidence {
    const ROWS: usize = 1000;
    let mut all = Evidence::default();
    for column in &table.columns() {
        let counts = count(&items(column, table.height().min(ROWS), table.source()));
        all = all.plus(counts.slash).plus(counts.dash);
    }
    all
}

/// Whether the dates of a column begin with years of two digits for certain.
pub(super) fn years_lead_elsewhere(table: &Table) -> bool {
    const ROWS: usize = 1000;
    table.columns().iter().any(|column| {
        let items = items(column, table.height().min(ROWS), table.source());
        matches!(year_leads(&items), Some(Leads::Yes(_)))
    })
}

/// The order of day and month that the first rows of the sheet's columns show for certain.
pub(crate) fn sheet_order(table: &Table) -> Option<DateOrder> {
    if years_lead_elsewhere(table) {
        return Some(DateOrder::YearFirst);
    }
    let all = sheet_evidence(table);
    match (all.day_first, all.month_first) {
        (0, 0) => None,
        (_, 0) => Some(DateOrder::DayFirst),
        (0, _) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}
