//! The start: what is in the folder.

use maud::{Markup, html};

use super::elements::{button, by_method, drop_file, size, when};
use super::{App, Page, sheets_and_made};
use crate::app::folder::{Item, Kind};
use crate::app::requests::{Answer, Asked, Fault};
use crate::app::upload::MOST_BYTES;
use crate::report::elements::{Cell, Column, prose, table, theirs, words};
use crate::report::format;

/// Entries of a kind that are listed.
const SHOWN: usize = 300;

/// What is in the folder.
pub(in crate::app) fn home(app: &App, _: &Asked) -> Result<Answer, Fault> {
    let items = app.folder.items()?;
    let of = |kind: Kind| {
        let mut found: Vec<&Item> = items.iter().filter(|item| item.kind == kind).collect();
        found.sort_by_key(|item| std::cmp::Reverse(item.changed));
        found
    };
    let (models, reports) = (of(Kind::Model), of(Kind::Report));
    let mut all = sheets_and_made(app)?;
    all.sort_by_key(|(item, _)| std::cmp::Reverse(item.changed));
    let with = |made: bool| {
        all.iter()
            .filter(move |(_, own)| own.is_some() == made)
            .map(|(item, _)| item)
            .collect::<Vec<_>>()
    };
    let (lists, found) = (with(true), with(false));
    let content = html! {
        section aria-labelledby="sheets" {
            h1 id="sheets" { "Sheets" }
            @if found.is_empty() { p.lead { "No sheet is in this folder yet. A sheet is a list of orders with one row each: what was planned, what came true, and all else that is known." } }
            @else { (sheets(app, "Sheets, newest first", &found)) }
            @if !app.read_only {
                (drop_file(app, "Drop a sheet here, or choose one", &format!("CSV, Excel, OpenDocument, Parquet or Arrow, up to {}. It is copied into the folder.", size(MOST_BYTES)), None))
            }
        }
        @if !lists.is_empty() {
            section aria-labelledby="lists" {
                h2 id="lists" { "Predictions and lists" }
                p { "Written by Recant: predicted sheets, lists of rows, workbooks of reports." }
                (sheets(app, "Predictions and lists, newest first", &lists))
            }
        }
        section aria-labelledby="models" {
            h2 id="models" { "Models" }
            @if models.is_empty() { p { "None yet. Choose a sheet to train one." } } @else { (list_of_models(app, &models)) }
            @if models.len() > 1 { (two(&models)) }
        }
        @if !reports.is_empty() {
            section aria-labelledby="reports" {
                h2 id="reports" { "Reports" }
                ul { @for item in reports.iter().take(SHOWN) { li { a href={ "/reports/" (item.id) } { (theirs(&item.name)) } " " span.aside { (when(item.changed)) } } } }
            }
        }
    };
    Page::new(&app.folder.name(), content).answer(app)
}

fn more(shown: usize) -> Markup {
    html! { @if shown > SHOWN { p.small.aside { "The " (SHOWN) " newest of " (format::count(shown)) " are listed." } } }
}

fn sheets(app: &App, caption: &str, found: &[&Item]) -> Markup {
    let columns = [
        Column::text("Sheet"),
        Column::figures("Size"),
        Column::text("Changed"),
        Column::text("Delete"),
    ];
    let rows = found.iter().take(SHOWN).map(|item| {
        vec![
            Cell::Markup(html! { a id=(item.id) href={ "/sheets/" (item.id) } { (theirs(&item.name)) } }),
            Cell::Figure(size(item.bytes)),
            Cell::Words(when(item.changed)),
            Cell::Markup(delete(app, "sheets", item)),
        ]
    });
    html! { (table(caption, &columns, rows.collect())) (more(found.len())) }
}

fn list_of_models(app: &App, models: &[&Item]) -> Markup {
    let columns = [
        Column::text("Model"),
        Column::text("Verdict"),
        Column::text("Made from"),
        Column::text("Changed"),
        Column::text("Delete"),
    ];
    let rows = models.iter().take(SHOWN).map(|item| {
        let (verdict, from) = match app.summaries.of(item) {
            Ok(summary) => {
                let (badge, class) = summary.badge;
                let from = summary.info.repairs.last().map_or_else(
                    || html! { (theirs(&summary.info.data.file)) ", " (format::counted(summary.info.train.rows, "training row")) },
                    |repair| html! { (theirs(&repair.parent.name)) ", " (by_method(&repair.method)) ", " (format::counted(repair.flagged, "flagged row")) },
                );
                (html! { span class={ "badge " (class) } { (badge) } }, from)
            }
            Err(error) => (html! { span.badge { "? unreadable" } }, html! { (prose(&error.to_string(), 200)) }),
        };
        vec![
            Cell::Markup(html! { a href={ "/models/" (item.id) } { (theirs(&item.name)) } }),
            Cell::Markup(verdict),
            Cell::Markup(from),
            Cell::Words(when(item.changed)),
            Cell::Markup(delete(app, "models", item)),
        ]
    });
    html! { (table("Models, newest first", &columns, rows.collect())) (more(models.len())) }
}

/// Two models to put side by side: the newest, unless the person chooses.
fn two(models: &[&Item]) -> Markup {
    let choice = |name: &str, label: &str, now: usize| {
        html! {
            select name=(name) aria-label=(label) {
                @for (place, item) in models.iter().enumerate() { option value=(item.id) selected[place == now] { (words(&item.name)) } }
            }
        }
    };
    html! {
        form.search method="get" action="/compare" {
            span { "Side by side:" }
            (choice("a", "One model", 1)) " " (choice("b", "The other", 0))
            button.plain type="submit" { "Compare" }
        }
    }
}

/// Deleting takes two steps, with or without a script.
fn delete(app: &App, kind: &str, item: &Item) -> Markup {
    html! {
        @if app.read_only { span.aside { "–" } }
        @else {
            details.delete {
                summary aria-label={ "Delete " (item.name) } { "Delete…" }
                p.small { "It goes to the bin of this folder (" code { ".recant/bin" } ")." }
                (button(app, &format!("/{kind}/{}/delete", item.id), "Delete", &[("name", &item.name)]))
            }
        }
    }
}
