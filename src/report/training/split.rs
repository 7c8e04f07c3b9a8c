//! Which rows went where, and when they were.

use maud::html;

use crate::error::Result;
use crate::report::elements::{Cell, Column, prose, table};
use crate::report::training::{TrainContext, TrainSection};
use crate::report::{Body, Section, format};

pub const SECTION: TrainSection = Section {
    id: "split",
    title: "Which rows went where",
    draw,
};

fn draw(context: &TrainContext<'_>) -> Result<Option<Body>> {
    let split = &context.record.split;
    let parts = [
        ("training", split.training_rows, &split.training_period),
        ("validation", split.validation_rows, &split.validation_period),
        ("test", split.test_rows, &split.test_period),
    ];
    let mut rows: Vec<Vec<Cell>> = parts
        .into_iter()
        .map(|(name, rows, period)| {
            let period = period.as_ref().filter(|_| rows > 0).map_or_else(String::new, format::period);
            row(Cell::Words(name.to_owned()), rows, split.sheet_rows, period)
        })
        .collect();
    for left_out in &split.left_out {
        let reason = Cell::Markup(html! { "left out: " (prose(&left_out.reason, 300)) });
        rows.push(row(reason, left_out.count, split.sheet_rows, String::new()));
    }
    let columns = [
        Column::text("part"),
        Column::figures("rows"),
        Column::figures("share"),
        Column::text("period"),
    ];
    let caption = format!("The {} of the sheet", format::counted(split.sheet_rows, "row"));
    Ok(Some(Body::plain(html! {
        p { "Split by this rule: " (prose(&split.rule, 300)) "." }
        (table(&caption, &columns, rows))
    })))
}

fn row(name: Cell, rows: usize, all: usize, period: String) -> Vec<Cell> {
    vec![
        name,
        Cell::Figure(format::count(rows)),
        Cell::Figure(format::share(rows, all, 1)),
        Cell::Words(period),
    ]
}
