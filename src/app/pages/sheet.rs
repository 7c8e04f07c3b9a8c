//! A sheet: its first rows, what was understood, and a place to correct it.

use maud::{Markup, html};

use super::elements::{command, form, select};
use super::rows::{self, Seen};
use super::{App, Page, asked_item};
use crate::app::folder::{Item, Kind};
use crate::app::line::Line;
use crate::app::made::is_predicted;
use crate::app::reading::{ENCODINGS, MARKS, ORDERS, Reading};
use crate::app::requests::{Answer, Asked, Fault};
use crate::report::elements::{facts, theirs};
use crate::report::format;
use crate::report::parts::warnings::warnings;
use crate::tables::{Source, worksheets};

/// The parts of a sheet's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Rows,
    Task,
    Train,
    Predict,
}

/// The way through a sheet's pages.
pub(super) fn steps(item: &Item, here: Part) -> Markup {
    let base = format!("/sheets/{}", item.id);
    let all = [
        (Part::Rows, "Rows", base.clone()),
        (Part::Task, "Task", format!("{base}/task")),
        (Part::Train, "Train", format!("{base}/train")),
        (Part::Predict, "Predict", format!("{base}/predict")),
    ];
    html! {
        nav.steps aria-label="Steps" {
            ul { @for (part, name, link) in all { li { a href=(link) aria-current=[(part == here).then_some("page")] { (name) } } } }
        }
    }
}

/// How a sheet is read.
pub(super) fn reading_of(app: &App, name: &str) -> Result<Reading, Fault> {
    Ok(app.store.as_ref().map(|store| store.reading(name)).transpose()?.unwrap_or_default())
}

/// The rows of a sheet.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let reading = reading_of(app, &item.name)?;
    let seen = Seen::of(asked);
    let base = format!("/sheets/{}", item.id);
    let content = match app.sheets.open(&item, &reading) {
        Ok(opened) => {
            let notes = &opened.notes;
            html! {
                h1 { (theirs(&item.name)) }
                (steps(&item, Part::Rows))
                section aria-label="The sheet" {
                    (facts(vec![
                        ("Sheet", html! { (format::counted(opened.table.height(), "row")) ", " (format::counted(opened.table.width(), "column")) }),
                        ("File", source(opened.table.source())),
                        ("Noticed", html! { @if notes.is_empty() { "nothing unusual" } @else { a href="#noticed" { (format::counted(notes.by_matter().len(), "matter")) } } }),
                    ]))
                    (rows::view(&opened, &seen, &base, None)?)
                    div.actions {
                        @if is_predicted(opened.table.names()) { a.button href={ (base) "/file" } { "Download it" } }
                        @else {
                            a.button href={ (base) "/task" } { "Next: what is to be predicted" }
                            " " a href={ (base) "/file" } { "Download it" }
                        }
                    }
                }
                @if !notes.is_empty() {
                    section aria-labelledby="noticed" { h2 id="noticed" { "What was noticed" } (warnings(notes, "the terminal")) }
                }
                (correct(app, &item, &reading, opened.worksheets(), false))
                (inspect_command(app, &item, &reading))
            }
        }
        // A sheet that cannot be read may be read otherwise.
        Err(error) => html! {
            h1 { (theirs(&item.name)) }
            (super::stopped(&error))
            // A workbook that cannot be opened has no worksheets to choose from.
            (correct(app, &item, &reading, &worksheets(&item.path).unwrap_or_default(), true))
            (inspect_command(app, &item, &reading))
        },
    };
    Page::new(&item.name, content).under(&item.name, base).answer(app)
}

fn inspect_command(app: &App, item: &Item, reading: &Reading) -> Markup {
    command(app, &reading.onto(Line::new("inspect").path(&item.name)))
}

fn source(source: &Source) -> Markup {
    html! {
        (source.format.name())
        @if let Some(encoding) = &source.encoding { ", " (encoding) }
        @if source.gzip { ", packed with gzip" }
        @if let Some(sheet) = &source.sheet { ", worksheet " (theirs(sheet)) }
        @if source.header_row > 1 { ", column names in row " (source.header_row) }
    }
}

/// The form that states how the sheet is read.
fn correct(app: &App, item: &Item, reading: &Reading, worksheets: &[String], open: bool) -> Markup {
    let sheets: Vec<(String, String)> = worksheets.iter().map(|name| (name.clone(), name.clone())).collect();
    let marks = MARKS.map(|(mark, words)| (mark.option().to_owned(), words.to_owned()));
    let orders = ORDERS.map(|(order, words)| (order.option().to_owned(), words.to_owned()));
    let encodings = ENCODINGS.map(|(name, words)| (name.to_owned(), words.to_owned()));
    let row = reading.header_row.map(|row| row.to_string());
    html! {
        @if !app.read_only {
            section aria-labelledby="otherwise" {
                details open[open || *reading != Reading::default()] {
                    summary { h2 id="otherwise" { "Read it otherwise" } }
                    p { "Everything is detected unless you say otherwise here." }
                    (form(app, &format!("/sheets/{}/reading", item.id), html! {
                        @if sheets.len() > 1 { (select("worksheet", "Worksheet", "first with a table", &sheets, reading.worksheet.as_deref())) }
                        p.field {
                            label for="header_row" { "Row of the column names" }
                            input id="header_row" type="number" name="header_row" min="1" max="1048576" value=[row] placeholder="detected";
                        }
                        (select("decimal", "Numbers are written", "detected", &marks, reading.decimal.map(|mark| mark.option())))
                        (select("dates", "Dates are written", "detected", &orders, reading.dates.map(|order| order.option())))
                        // Workbooks say themselves how their letters are written.
                        @if sheets.is_empty() { (select("encoding", "Letters are written", "detected", &encodings, reading.encoding.as_deref())) }
                        p.field { label { input type="checkbox" name="visible_only" value="1" checked[reading.visible_only]; " Leave out hidden rows of a workbook" } }
                        button type="submit" { "Read it so" }
                    }))
                }
            }
        }
    }
}

/// States how a sheet is read.
pub(in crate::app) fn set_reading(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let reading = Reading::of_form(asked)?;
    app.store()?.set_reading(&item.name, &reading)?;
    Ok(Answer::See(format!("/sheets/{}", item.id)))
}
