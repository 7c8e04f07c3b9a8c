//! A model: its verdict, its report, and what to do with it next.

use maud::{Markup, html};

use super::{App, Page, asked_item, made_here};
use crate::app::folder::{Item, Kind, report_in};
use crate::app::requests::{Answer, Asked, Fault};
use crate::error::Result;
use crate::evaluate::record::Timings;
use crate::report::elements::{callout, prose, theirs};
use crate::report::{self, Context};

/// The parts of a model's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Result,
    Wrong,
    Repair,
    Check,
}

/// The way through a model's pages.
pub(super) fn steps(item: &Item, here: Part, repaired: bool) -> Markup {
    let base = format!("/models/{}", item.id);
    let all = [
        (Part::Result, "Result", base.clone()),
        (Part::Wrong, "Wrong rows", format!("{base}/wrong")),
        (Part::Repair, "Repair", format!("{base}/repair")),
        (Part::Check, "Check", format!("{base}/check")),
    ];
    html! {
        nav.steps aria-label="Steps" {
            ul {
                @for (part, name, link) in all {
                    @if part != Part::Check || repaired { li { a href=(link) aria-current=[(part == here).then_some("page")] { (name) } } }
                }
            }
        }
    }
}

/// The sheet that a model was trained on, where it is in the folder: by its name, and of several of that name by its content.
pub(super) fn sheet_of(app: &App, item: &Item) -> Result<Option<Item>> {
    let data = &app.summaries.of(item)?.info.data;
    let named = |other: &Item| other.kind == Kind::Sheet && other.name.rsplit('/').next() == Some(data.file.as_str());
    let mut all: Vec<Item> = app.folder.items()?.into_iter().filter(named).collect();
    if all.len() > 1 {
        let same = |other: &Item| crate::files::sha256_of(&other.path).is_ok_and(|hash| hash == data.sha256);
        all.sort_by_key(|other| !same(other));
    }
    Ok(all.into_iter().next())
}

/// A model's verdict and report.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    let summary = app.summaries.of(&item);
    let repaired = summary.as_ref().is_ok_and(|summary| !summary.info.repairs.is_empty());
    let base = format!("/models/{}", item.id);
    let content = html! {
        (steps(&item, Part::Result, repaired))
        section aria-label="Verdict" {
            @match first_screen(&item, repaired) {
                Ok(screen) => (screen),
                Err(error) => { h1 { (theirs(&item.name)) } (super::stopped(&error)) },
            }
        }
        (next(app, &item, repaired)?)
        @if report_in(&item.path).is_some() {
            section aria-labelledby="report" {
                h2 id="report" { "The report" }
                p { a href={ (base) "/report" } { "Read it on a page of its own" } " · " a href={ (base) "/report.html" } { "Download it" } }
                // Folded up, since it begins with the verdict that stands above.
                details {
                    summary { "Read it here" }
                    iframe src={ (base) "/report" } title="The report" loading="lazy" {}
                }
            }
        }
    };
    Page::new(&item.name, content).under(&item.name, base).answer(app)
}

fn first_screen(item: &Item, repaired: bool) -> Result<Markup> {
    if !repaired {
        let record = report::read_training(&item.path.join("training.json"))?;
        return Ok(report::training::first_screen(&record));
    }
    let record = report::read_record(&item.path.join("report").join("record.json"))?;
    let timings = Timings::default();
    let context = Context::new(&record, &timings)?;
    Ok(report::repair::first_screen(&context))
}

fn next(app: &App, item: &Item, repaired: bool) -> Result<Markup> {
    let base = format!("/models/{}", item.id);
    let made = made_here(app)?;
    let sheets: Vec<Item> = app
        .folder
        .items()?
        .into_iter()
        .filter(|item| item.kind == Kind::Sheet && !made.contains(&item.name))
        .take(50)
        .collect();
    Ok(html! {
        section aria-labelledby="next" {
            h2 id="next" { "Next" }
            @if app.read_only { p { "The app only looks." } }
            @else {
                ul {
                    @if repaired { li { a href={ (base) "/check" } { "Check some rows" } ": look up the truth where the two models differ" } }
                    li { a href={ (base) "/wrong" } { "Name the rows that were entered wrongly" } ", or have them looked for" }
                    li {
                        "Predict a sheet: "
                        @for (place, sheet) in sheets.iter().enumerate() { @if place > 0 { ", " } a href={ "/sheets/" (sheet.id) "/predict?model=" (item.id) } { (theirs(&sheet.name)) } }
                        @if sheets.is_empty() { "drop one at the start" }
                    }
                }
            }
        }
    })
}

/// The report of a model, to keep.
pub(in crate::app) fn download(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    Ok(Answer::File(super::report_of(&item)?, format!("{}-report.html", item.name)))
}

/// A model whose sheet is not in the folder.
pub(super) fn without_sheet(file: &str) -> Markup {
    callout(html! {
        strong { "The sheet of this model is not in the folder. " }
        "Put " (theirs(file)) " there: the rows are looked at in it. " (prose("The model itself does not hold them.", 100))
    })
}
