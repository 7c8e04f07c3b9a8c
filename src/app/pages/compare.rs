//! Two models side by side, by what their records say.

use maud::{Markup, html};

use super::elements::{by_method, when};
use super::summaries::Summary;
use super::{App, Page};
use crate::app::folder::{Item, Kind};
use crate::app::requests::{Answer, Asked, Fault};
use crate::report::elements::{Cell, Column, table, theirs};
use crate::report::format;

type Line = (&'static str, fn(&Item, &Summary) -> Markup);

/// What is compared, line by line.
const LINES: &[Line] = &[
    (
        "Verdict",
        |_, summary| html! { span class={ "badge " (summary.badge.1) } { (summary.badge.0) } },
    ),
    ("In words", |_, summary| html! { (format::sentence(&summary.headline, 400)) }),
    ("Accuracy on its test rows", |_, summary| {
        accuracy(summary.info.test.accuracy, summary.info.test.rows, summary.trusted)
    }),
    ("Accuracy on its validation rows", |_, summary| match &summary.info.validation {
        Some(part) => accuracy(part.accuracy, part.rows, None),
        None => html! { (format::UNKNOWN) },
    }),
    ("Repaired from", |_, summary| match summary.info.repairs.last() {
        Some(repair) => {
            html! { (theirs(&repair.parent.name)) ", " (by_method(&repair.method)) ", " (format::counted(repair.flagged, "flagged row")) }
        }
        None => html! { (format::UNKNOWN) },
    }),
    (
        "Training sheet",
        |_, summary| html! { (theirs(&summary.info.data.file)) ", SHA-256 " code { (summary.info.data.sha256.get(..12).unwrap_or_default()) } "…" },
    ),
    (
        "Training rows",
        |_, summary| html! { (format::count(summary.info.train.rows)) @if let Some(period) = &summary.info.train.period { " (" (format::period(period)) ")" } },
    ),
    (
        "Classes",
        |_, summary| html! { @for (place, class) in summary.info.classes.iter().enumerate() { @if place > 0 { ", " } (theirs(class)) } },
    ),
    (
        "Network",
        |_, summary| html! { (summary.info.network.name()) ", " (format::counted(summary.info.network.inputs, "input")) },
    ),
    ("Seed", |_, summary| html! { (summary.info.seed) }),
    ("Changed", |item, _| html! { (when(item.changed)) }),
];

/// An accuracy, and the rows that it is on: all, or of a repaired model those whose labels can be trusted, where not all can.
fn accuracy(share: Option<f64>, rows: usize, trusted: Option<usize>) -> Markup {
    let Some(share) = share else { return html! { (format::UNKNOWN) } };
    html! {
        (format::percent(share, 2)) " of " (format::counted(trusted.unwrap_or(rows), "row")) " right"
        @if trusted.is_some() { ": those of " (format::count(rows)) " whose labels can be trusted" }
    }
}

/// Two models side by side.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let model = |name: &str| -> Result<Item, Fault> {
        let found = asked.query(name).map(|id| app.folder.item(id, Kind::Model)).transpose()?.flatten();
        found.ok_or_else(|| Fault::missing("model"))
    };
    let (a, b) = (model("a")?, model("b")?);
    let (of_a, of_b) = (app.summaries.of(&a)?, app.summaries.of(&b)?);
    let column = |item: &Item| Column::text_of(&item.name);
    let rows = LINES.iter().map(|(name, draw)| {
        vec![
            Cell::Words((*name).to_owned()),
            Cell::Markup(draw(&a, &of_a)),
            Cell::Markup(draw(&b, &of_b)),
        ]
    });
    let same = of_a.info.data.sha256 == of_b.info.data.sha256;
    let content = html! {
        section aria-labelledby="compare" {
            h1 id="compare" { "Side by side" }
            @if !same { p { strong { "The two were trained on different sheets. " } "Their figures are on different rows and say little about each other." } }
            (table("Two models by their records", &[Column::text(""), column(&a), column(&b)], rows.collect()))
            p { "What a repair changed, tested on the same rows, is in the report of the repaired model: "
                a href={ "/models/" (a.id) } { (theirs(&a.name)) } " · " a href={ "/models/" (b.id) } { (theirs(&b.name)) } }
        }
    };
    Page::new("Side by side", content).answer(app)
}
