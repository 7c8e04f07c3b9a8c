//! A model: its verdict, its report, and what to do with it next.

use maud::{Markup, html};

use super::elements::{command, drop_file};
use super::{App, Page, asked_item, own_sheets};
use crate::app::folder::{Item, Kind, report_in};
use crate::app::line::Line;
use crate::app::requests::{Answer, Asked, Fault};
use crate::error::Result;
use crate::evaluate::record::{KEPT, Timings};
use crate::report::elements::{callout, prose, theirs};
use crate::report::format;
use crate::report::{self, Context};

/// The parts of a model's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Result,
    Wrong,
    Repair,
    Check,
    Predict,
}

/// The way through a model's pages.
pub(super) fn steps(item: &Item, here: Part, repaired: bool) -> Markup {
    let base = format!("/models/{}", item.id);
    let all = [
        (Part::Result, "Result", base.clone()),
        (Part::Wrong, "Wrong rows", format!("{base}/wrong")),
        (Part::Repair, "Repair", format!("{base}/repair")),
        (Part::Check, "Check", format!("{base}/check")),
        (Part::Predict, "Predict", format!("{base}/predict")),
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
    // Where the old model was kept the two say the same on every row: there is nothing to check.
    let differs = summary.is_ok_and(|summary| summary.info.repairs.last().is_some_and(|repair| repair.method != KEPT));
    let base = format!("/models/{}", item.id);
    let content = html! {
        (steps(&item, Part::Result, repaired))
        section aria-label="Verdict" {
            @match first_screen(&item, repaired, &format!("{base}/report")) {
                Ok(screen) => (screen),
                Err(error) => { h1 { (theirs(&item.name)) } (super::stopped(&error)) },
            }
        }
        (next(app, &item, differs)?)
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

/// The verdict; what it refers to further down is in the report at that address.
fn first_screen(item: &Item, repaired: bool, report: &str) -> Result<Markup> {
    if !repaired {
        let record = report::read_training(&item.path.join("training.json"))?;
        let classes = report::training::per_class(&record);
        return Ok(html! { (report::training::first_screen(&record)) @if let Some(classes) = classes { (classes) } });
    }
    let record = report::read_record(&item.path.join("report").join("record.json"))?;
    let timings = Timings::default();
    let context = Context::new(&record, &timings)?;
    Ok(report::repair::first_screen(&context, report))
}

/// Sheets that are named on the page of a model; the rest is on the page to predict.
const NAMED: usize = 5;

fn next(app: &App, item: &Item, differs: bool) -> Result<Markup> {
    let base = format!("/models/{}", item.id);
    let sheets = newest_sheets(app)?;
    Ok(html! {
        section aria-labelledby="next" {
            h2 id="next" { "Next" }
            @if app.read_only { p { "The app only looks." } }
            @else {
                ul {
                    @if differs { li { a href={ (base) "/check" } { "Check some rows" } ": look up the truth where the two models differ" } }
                    li { a href={ (base) "/wrong" } { "Name the rows that were entered wrongly" } ", or have them looked for" }
                    li {
                        "Predict a sheet: "
                        @for sheet in sheets.iter().take(NAMED) { (predict_link(sheet, item)) ", " }
                        a href={ (base) "/predict" } { "or drop next week's" }
                    }
                }
            }
        }
    })
}

/// The person's own sheets, newest first.
fn newest_sheets(app: &App) -> Result<Vec<Item>> {
    let mut sheets = own_sheets(app)?;
    sheets.sort_by_key(|sheet| std::cmp::Reverse(sheet.changed));
    Ok(sheets)
}

fn predict_link(sheet: &Item, model: &Item) -> Markup {
    html! { a href={ "/sheets/" (sheet.id) "/predict?model=" (model.id) } { (theirs(&sheet.name)) } }
}

/// Where a sheet for this model to predict is dropped or chosen. A sheet that has arrived is predicted next.
pub(in crate::app) fn predict(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    if let Some(sheet) = asked
        .query("file")
        .map(|id| app.folder.item(id, Kind::Sheet))
        .transpose()?
        .flatten()
    {
        return Ok(Answer::See(format!("/sheets/{}/predict?model={}", sheet.id, item.id)));
    }
    let base = format!("/models/{}", item.id);
    let repaired = app.summaries.of(&item).is_ok_and(|summary| !summary.info.repairs.is_empty());
    let sheets = newest_sheets(app)?;
    let content = html! {
        h1 { "Predict with " (theirs(&item.name)) }
        (steps(&item, Part::Predict, repaired))
        section aria-label="A sheet to predict" {
            p { "Every row gets a class, the probability of each class, and a warning where it is unlike what the model was trained on. Rows need no outcome." }
            @if app.read_only { p { "The app only looks." } }
            @else { (drop_file(app, "Drop next week's sheet here, or choose one", "It is copied into the folder; its rows stay as they are.", Some(&format!("{base}/predict")))) }
        }
        @if !sheets.is_empty() {
            section aria-labelledby="there" {
                h2 id="there" { "Sheets of the folder, newest first" }
                ul { @for sheet in sheets.iter().take(SHOWN) { li { (predict_link(sheet, &item)) } } }
                @if sheets.len() > SHOWN { p.small.aside { "The " (SHOWN) " newest of " (format::count(sheets.len())) " are listed." } }
            }
        }
        (command(app, &Line::new("predict").path("next-week.xlsx").option("--model", &item.name).option("--out", "predictions.xlsx")))
    };
    Page::new(&format!("Predict with {}", item.name), content)
        .under(&item.name, base)
        .answer(app)
}

/// Sheets that are listed to predict.
const SHOWN: usize = 50;

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
