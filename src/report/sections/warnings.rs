//! Warnings, and what was done about each.

use maud::html;

use crate::error::Result;
use crate::report::elements::theirs;
use crate::report::{Body, Context, Section, format};

pub const SECTION: Section = Section {
    id: "warnings",
    title: "Warnings",
    draw,
};

/// Most notes that the page lists.
const MOST: usize = 50;

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let notes: Vec<_> = context.record.notes.iter().collect();
    if notes.is_empty() {
        return Ok(Some(Body::plain(html! { p { "None." } })));
    }
    Ok(Some(Body::plain(html! {
        ul.notes {
            @for note in notes.iter().take(MOST) {
                li { bdi { (format::visible(&note.found, 600)) } " " strong { "What was done: " } bdi { (format::visible(&note.done, 600)) } " " span.aside.small { "(" (theirs(&note.code)) ")" } }
            }
        }
        @if notes.len() > MOST { p.aside { "The other " (notes.len() - MOST) " are in report.xlsx, sheet “Notes”." } }
    })))
}
