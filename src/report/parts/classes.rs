//! Who is taken for whom.

use maud::{Markup, html};

use crate::evaluate::record::Metrics;
use crate::report::elements::theirs_short;
use crate::report::format;

/// Most classes that a plot or a confusion table shows; more would be illegible on paper.
pub const MOST_CLASSES: usize = 12;

/// Characters of a class name that a confusion table shows.
const LONGEST_NAME: usize = 28;

/// Counts of rows by label (down) and prediction (across), shaded by their share of the label's rows.
pub fn confusion(caption: &str, metrics: &Metrics) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label=(caption) {
            table.confusion {
                caption { (caption) }
                thead { tr { th scope="col" { "sheet\u{a0}↓ model\u{a0}→" } @for class in &metrics.classes { th scope="col" { (theirs_short(&class.name, LONGEST_NAME)) } } } }
                tbody {
                    @for (observed, counts) in metrics.confusion.iter().enumerate() {
                        tr {
                            th scope="row" { (theirs_short(metrics.classes.get(observed).map_or("", |class| &class.name), LONGEST_NAME)) }
                            @for (predicted, count) in counts.iter().enumerate() {
                                @let share = *count as f64 / format::total(counts.iter().copied()).max(1) as f64;
                                td class=[Some(if predicted == observed { "heat right" } else { "heat" })]
                                    style={ "--share:" (format!("{:.2}", share * 0.45)) } { (format::count(*count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
