//! Columns that give the label away.

use maud::html;

use crate::error::Result;
use crate::report::elements::{Cell, Column, callout, table};
use crate::report::{Body, Context, Section, format};

pub const SECTION: Section = Section {
    id: "leakage",
    title: "Columns that give the answer away",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let Some(findings) = &context.record.leakage else {
        return Ok(Some(Body::plain(html! {
            p { "No leakage audit was made. Run " code { "recant inspect SHEET" } " to see whether a column gives the label away." }
        })));
    };
    if findings.is_empty() {
        return Ok(Some(Body::plain(
            html! { p { "The audit found no column that gives the label away." } },
        )));
    }
    let kept = findings.iter().filter(|finding| !finding.dropped).count();
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
            Cell::Theirs(finding.evidence.clone()),
        ]
    });
    Ok(Some(Body::plain(html! {
        p {
            "A column that nearly determines the label, or that is only known once the outcome is, makes a model look better than it will be on new orders. "
        }
        @if kept > 0 {
            (callout(html! {
                strong { (format::counted(kept, "such column")) " still used by the model. " }
                "Its accuracy in this report is too high to expect on orders whose outcome is open."
            }))
        }
        (table("Leakage audit", &columns, rows.collect()))
    })))
}
