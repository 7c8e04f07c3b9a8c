//! Columns that give the label away.

use maud::{Markup, html};

use crate::evaluate::record::LeakageFinding;
use crate::report::elements::{Cell, Column, callout, table};
use crate::report::format;

/// How many leaking columns the model still uses.
pub fn still_used(findings: Option<&[LeakageFinding]>) -> usize {
    findings.unwrap_or_default().iter().filter(|finding| !finding.dropped).count()
}

/// What that means, in two sentences; nothing where there are none.
pub fn words(still_used: usize) -> Option<(String, &'static str)> {
    let (verb, which) = if still_used == 1 { ("gives", "it") } else { ("give", "them") };
    let columns = format::counted(still_used, "column");
    let so = "The accuracy in this report is too high to expect on orders whose outcome is still open.";
    (still_used > 0).then(|| (format!("{columns} {verb} the answer away, and the model uses {which}."), so))
}

/// [`words`] for a page.
pub fn warning(still_used: usize) -> Option<Markup> {
    words(still_used).map(|(what, so)| html! { strong { (what) " " } (so) })
}

/// The findings as a table, with a warning where a leaking column is in use.
pub fn leakage(findings: Option<&[LeakageFinding]>) -> Markup {
    let Some(findings) = findings else {
        return html! {
            p { "No leakage audit was made. Run " code { "recant inspect SHEET" } " to see whether a column gives the label away." }
        };
    };
    if findings.is_empty() {
        return html! { p { "The audit found no column that gives the label away." } };
    }
    let columns = [
        Column::text("column"),
        Column::text("kind"),
        Column::text("used by the model"),
        Column::figures("accuracy alone, against majority"),
        Column::text("evidence"),
    ];
    let rows = findings.iter().map(|finding| {
        let accuracy = finding
            .accuracy
            .map(|accuracy| format!("{} / {}", format::percent(accuracy.after, 1), format::percent(accuracy.before, 1)));
        vec![
            Cell::Theirs(finding.column.clone()),
            Cell::Theirs(finding.kind.clone()),
            Cell::Words(if finding.dropped { "no, left out" } else { "yes" }.to_owned()),
            Cell::Figure(accuracy.unwrap_or_else(|| format::UNKNOWN.to_owned())),
            Cell::Prose(finding.evidence.clone()),
        ]
    });
    html! {
        p {
            "A column that nearly determines the label, or that is only known once the outcome is, makes a model look better than it will be on new orders."
        }
        @if let Some(warning) = warning(still_used(Some(findings))) { (callout(warning)) }
        (table("Leakage audit", &columns, rows.collect()))
    }
}
