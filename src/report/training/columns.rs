//! Which columns the model sees, and which it does not.

use maud::html;

use crate::error::Result;
use crate::report::elements::{Cell, Column, table};
use crate::report::training::{TrainContext, TrainSection};
use crate::report::{Body, Section, format};

pub const SECTION: TrainSection = Section {
    id: "columns",
    title: "What the model sees",
    draw,
};

/// Columns that the page lists.
const MOST: usize = 120;

fn draw(context: &TrainContext<'_>) -> Result<Option<Body>> {
    let all = &context.record.columns;
    if all.is_empty() {
        return Ok(None);
    }
    let used = all.iter().filter(|column| column.inputs > 0).count();
    let columns = [
        Column::text("column"),
        Column::text("role"),
        Column::figures("inputs made from it"),
        Column::text("why it was dropped"),
    ];
    let rows = all.iter().take(MOST).map(|column| {
        let inputs = if column.inputs > 0 {
            format::count(column.inputs)
        } else {
            String::new()
        };
        vec![
            Cell::Theirs(column.column.clone()),
            Cell::Theirs(column.role.clone()),
            Cell::Figure(inputs),
            Cell::Prose(column.why.clone().unwrap_or_default()),
        ]
    });
    Ok(Some(Body::plain(html! {
        p { "Of " (format::counted(all.len(), "column")) " the model sees " (format::count(used)) ", as " (format::counted(context.record.model.inputs, "input")) "." }
        (table("Columns of the sheet", &columns, rows.collect()))
        @if all.len() > MOST { p.aside { "The other " (format::count(all.len() - MOST)) " are in training.json." } }
    })))
}
