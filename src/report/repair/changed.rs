//! Test rows whose prediction turned from wrong to right, and from right to wrong.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::record::ChangedRow;
use crate::report::elements::{Cell, Column, table};
use crate::report::repair::{ROWS_SHOWN, shown_of};
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "changed-rows",
    title: "Fixed and broken test rows",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    if context.chosen.test.is_none() {
        return Ok(None);
    }
    let changed = &context.record.changed_rows;
    let (fixed, broken): (Vec<&ChangedRow>, Vec<&ChangedRow>) = changed.iter().partition(|row| row.fixed);
    let markup = html! {
        @if changed.is_empty() { p { "No test row changed between right and wrong." } }
        @else {
            (rows("Fixed: wrong before, right after.", &fixed, "Fixed"))
            (rows("Broken: right before, wrong after.", &broken, "Broken"))
        }
    };
    Ok(Some(Body::plain(markup)))
}

fn rows(title: &str, rows: &[&ChangedRow], sheet: &str) -> Markup {
    if rows.is_empty() {
        return html! { p { strong { (title) } " None." } };
    }
    let numbered = rows.iter().any(|row| row.row.is_some());
    let flagged = rows.iter().any(|row| row.flagged);
    let mut columns = vec![Column::text("key")];
    if numbered {
        columns.push(Column::figures("row in the sheet"));
    }
    columns.extend([
        Column::text("label in the sheet"),
        Column::text("model before"),
        Column::text("model after"),
    ]);
    if flagged {
        columns.push(Column::text("flagged"));
    }
    let shown = rows.iter().take(ROWS_SHOWN).map(|row| {
        let mut cells = vec![Cell::Theirs(row.key.clone())];
        if numbered {
            cells.push(Cell::Figure(
                row.row.map_or_else(|| format::UNKNOWN.to_owned(), |row| row.to_string()),
            ));
        }
        cells.extend([
            Cell::Theirs(row.observed.clone()),
            Cell::Theirs(row.before.clone()),
            Cell::Theirs(row.after.clone()),
        ]);
        if flagged {
            cells.push(Cell::Words(if row.flagged { "yes" } else { "" }.to_owned()));
        }
        cells
    });
    let caption = format!("{title} {}.", shown_of(rows.len(), "row", sheet));
    table(&caption, &columns, shown.collect())
}
