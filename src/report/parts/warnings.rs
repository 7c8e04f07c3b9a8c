//! Warnings, and what was done about each.

use maud::{Markup, html};

use crate::notes::Notes;
use crate::report::elements::{prose, theirs};

/// Most notes that the page lists.
const MOST: usize = 50;

/// The notes as a list; `rest` says where those beyond the first fifty are.
pub fn warnings(notes: &Notes, rest: &str) -> Markup {
    let notes = notes.by_matter();
    if notes.is_empty() {
        return html! { p { "None." } };
    }
    html! {
        ul.notes {
            @for note in notes.iter().take(MOST) {
                li { (prose(&note.found, 600)) "." br; strong { "What was done: " } (prose(&note.done, 600)) ". " span.aside.small { "(" (theirs(&note.code)) ")" } }
            }
        }
        @if notes.len() > MOST { p.aside { "The other " (notes.len() - MOST) " are in " (rest) "." } }
    }
}
