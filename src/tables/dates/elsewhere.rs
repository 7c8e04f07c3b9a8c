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
    let mut by_file: Vec<Vec<Item>> = vec![Vec::new(); files.sources.len()];
    for (item, place) in items.iter().zip(files.of_row.iter()) {
        by_file[*place as usize].push(*item);
    }
    for (own, source) in by_file.iter().zip(files.sources.iter()) {
        match evident(own) {
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

/// What the first rows of the sheet's columns show together, and whether the dates of one begin with years of two digits for certain.
pub(super) fn sheet_evidence(table: &Table) -> (Evidence, bool) {
    const ROWS: usize = 1000;
    let (mut all, mut years_lead) = (Evidence::default(), false);
    for column in &table.columns() {
        let items = items(column, table.height().min(ROWS), table.source());
        let counts = count(&items);
        all = all.plus(counts.slash).plus(counts.dash);
        years_lead |= matches!(year_leads(&items), Some(Leads::Yes(_)));
    }
    (all, years_lead)
}

/// The order of day and month that the first rows of the sheet's columns show for certain.
pub(crate) fn sheet_order(table: &Table) -> Option<DateOrder> {
    let (all, years_lead) = sheet_evidence(table);
    match (all.day_first, all.month_first) {
        _ if years_lead => Some(DateOrder::YearFirst),
        (0, 0) => None,
        (_, 0) => Some(DateOrder::DayFirst),
        (0, _) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}
