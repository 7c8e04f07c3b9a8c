//! Class by class on the test rows.

use maud::html;

use crate::error::Result;
use crate::report::elements::{Cell, Column, table};
use crate::report::parts::classes::{MOST_CLASSES, confusion};
use crate::report::training::{TrainContext, TrainSection};
use crate::report::{Body, Section, format};

pub const SECTION: TrainSection = Section {
    id: "classes",
    title: "Class by class",
    draw,
};

fn draw(context: &TrainContext<'_>) -> Result<Option<Body>> {
    let Some(test) = &context.record.test else { return Ok(None) };
    let shares = &context.record.model.class_shares;
    let columns = [
        Column::text("class"),
        Column::figures("training share"),
        Column::figures("test rows"),
        Column::figures("recall"),
        Column::figures("precision"),
        Column::figures("F1"),
    ];
    let rows = test.classes.iter().enumerate().map(|(place, class)| {
        vec![
            Cell::Theirs(class.name.clone()),
            Cell::Figure(format::percent_or_unknown(shares.get(place).copied(), 1)),
            Cell::Figure(format::count(class.rows)),
            Cell::Figure(format::percent_or_unknown(class.recall, 1)),
            Cell::Figure(format::percent_or_unknown(class.precision, 1)),
            Cell::Figure(format::percent_or_unknown(class.f1, 1)),
        ]
    });
    Ok(Some(Body::plain(html! {
        (table("Per class on the test rows", &columns, rows.collect()))
        @if test.classes.len() <= MOST_CLASSES { (confusion("The label in the sheet, and what the model says", test)) }
        @else { p.aside { "With " (test.classes.len()) " classes the confusion table is in training.json." } }
    })))
}
