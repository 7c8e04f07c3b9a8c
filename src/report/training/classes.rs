//! Class by class on the test rows.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::train_record::TrainRecord;
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
    let (Some(test), Some(classes)) = (&context.record.test, per_class(context.record)) else {
        return Ok(None);
    };
    Ok(Some(Body::plain(html! {
        (classes)
        @if test.classes.len() <= MOST_CLASSES { (confusion("The label in the sheet, and what the model says", test)) }
        @else { p.aside { "With " (test.classes.len()) " classes the confusion table is in training.json." } }
    })))
}

/// How often each class is found and how often it is right where it is said; nothing where there are no test rows.
pub fn per_class(record: &TrainRecord) -> Option<Markup> {
    let test = record.test.as_ref()?;
    let shares = &record.model.class_shares;
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
    Some(table("Per class on the test rows", &columns, rows.collect()))
}
