//! The pages. They show what is there and what commands found; they compute nothing.

mod check;
mod compare;
mod elements;
mod home;
mod model;
mod predict;
mod repair;
mod rows;
mod sheet;
mod summaries;
mod task;
mod train;
mod work;
mod wrong;

use std::collections::HashMap;
use std::path::PathBuf;

use axum::http::StatusCode;
use maud::{DOCTYPE, Markup, html};

use super::folder::{self, Item, Kind};
use super::made::Made;
use super::requests::{Answer, Asked, Fault};
use super::{App, requests};
use crate::error::{Error, Result};
use crate::model::check_report;
use crate::report::elements::{prose, words};

pub(super) use check::{draw as check_draw, read as check_read, show as check};
pub(super) use compare::show as compare;
pub(super) use home::home;
pub(super) use model::{download as model_download, predict as model_predict, show as model};
pub(super) use predict::{begin as predict_begin, show as predict};
pub(super) use repair::{begin as repair_begin, show as repair};
pub(super) use sheet::{set_reading, show as sheet};
pub(super) use summaries::Summaries;
pub(super) use task::{download as profile, keep as task_keep, keep_text as profile_keep, show as task};
pub(super) use train::{begin as train_begin, show as train};
pub(super) use work::{again as work_again, list as work_list, show as work, stop as work_stop};
pub(super) use wrong::{
    all as wrong_all, decide as wrong_decide, expand as wrong_expand, export as wrong_export, history as wrong_history,
    import as wrong_import, show as wrong, suspects as wrong_suspects, undo as wrong_undo,
};

/// A page of the app.
struct Page<'a> {
    /// Title of the browser tab.
    title: &'a str,
    /// Where the person is: links from the start to here, the page itself left out.
    trail: Vec<(String, String)>,
    /// What is on it.
    content: Markup,
    /// Seconds after which a browser without script asks again; for pages of work that runs.
    again: Option<u32>,
}

impl<'a> Page<'a> {
    fn new(title: &'a str, content: Markup) -> Self {
        Self {
            title,
            trail: Vec::new(),
            content,
            again: None,
        }
    }

    fn under(mut self, name: &str, link: String) -> Self {
        self.trail.push((name.to_owned(), link));
        self
    }

    fn answer(self, app: &App) -> Result<Answer, Fault> {
        Ok(Answer::Page(self.render(app)))
    }

    fn render(self, app: &App) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                (head(self.title, self.again, true))
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header.app {
                        a.brand href="/" { "Recant" }
                        nav aria-label="Place" {
                            ol {
                                li { a href="/" { (words(&app.folder.name())) } }
                                @for (name, link) in &self.trail { li { a href=(link) { (words(name)) } } }
                            }
                        }
                        @if let Some(store) = &app.store { (work::running(store)) }
                        @if app.read_only { span.badge { "○ read-only" } }
                    }
                    main id="content" { (self.content) }
                    footer.page { "Recant " (env!("CARGO_PKG_VERSION")) ". This page is served by your own computer; nothing leaves it." }
                }
            }
        };
        page.into_string()
    }
}

/// The sheets of the folder, each with what Recant wrote it as: by the work in this folder, or by its columns.
fn sheets_and_made(app: &App) -> Result<Vec<(Item, Option<Made>)>> {
    let work = match &app.store {
        Some(store) => store.latest_work(work::LISTED)?,
        None => Vec::new(),
    };
    let by_work = work
        .iter()
        .flat_map(|row| row.work.lists().into_iter().map(|name| (name, Made::by(&row.work))));
    let by_work: HashMap<&str, Made> = by_work.collect();
    let sheets = app.folder.items()?.into_iter().filter(|item| item.kind == Kind::Sheet);
    let made = |item: Item| {
        let made = by_work.get(item.name.as_str()).copied().or_else(|| app.looked.made(&item));
        (item, made)
    };
    Ok(sheets.map(made).collect())
}

/// The sheets that are the person's own: no one predicts from what Recant wrote, or trains on it.
fn own_sheets(app: &App) -> Result<Vec<Item>> {
    let sheets = sheets_and_made(app)?.into_iter().filter(|(_, made)| made.is_none());
    Ok(sheets.map(|(item, _)| item).collect())
}

fn head(title: &str, again: Option<u32>, script: bool) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (words(title)) " · Recant" }
            link rel="stylesheet" href="/app.css";
            link rel="icon" href="/icon.svg" type="image/svg+xml";
            @if let Some(seconds) = again { noscript { meta http-equiv="refresh" content=(seconds); } }
            @if script { script src="/app.js" defer {} }
        }
    }
}

/// A page for who is not let in, or on the way in: nothing of the folder is on it.
pub(super) fn bare(title: &str, text: &str, link: Option<&str>, go: Option<&str>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(go) = go { meta http-equiv="refresh" content={ "0; url=" (go) }; }
                title { (title) " · Recant" }
                link rel="stylesheet" href="/app.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
            }
            body {
                header.app { span.brand { "Recant" } }
                main id="content" {
                    h1 { (title) }
                    p { (text) }
                    @if let Some(link) = link { p { a href=(link) { "Go to the app" } } }
                }
            }
        }
    };
    page.into_string()
}

/// What went wrong, and what to do.
pub(super) fn fault(app: &App, error: &Error) -> String {
    let content = html! {
        section aria-label="What went wrong" {
            div class="verdict worse" {
                span class="badge worse" { "▼ stopped" }
                h1 { "That did not work" }
                p.lead { (prose(&error.to_string(), 1200)) "." }
                @if let Some(hint) = error.hint_text() { p { strong { "What to do: " } (prose(hint, 800)) } }
            }
            p { "Nothing was changed." }
        }
    };
    Page::new("That did not work", content).render(app)
}

/// A verdict for what stopped: the cause, its place, a hint.
fn stopped(error: &Error) -> Markup {
    html! {
        div class="verdict worse" {
            span class="badge worse" { "▼ stopped" }
            p.lead { (prose(&error.to_string(), 1200)) "." }
            @if let Some(hint) = error.hint_text() { p { strong { "What to do: " } (prose(hint, 800)) } }
        }
    }
}

/// Where a person goes when a file has arrived: to its page, or back to the page of the app that wanted it.
pub(super) fn after_upload(name: &str, then: Option<&str>) -> String {
    let id = folder::id_of(name);
    // An address within the app and nothing else.
    let own = |then: &&str| then.starts_with("/models/") && then.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'/');
    match then.filter(own) {
        Some(then) => format!("{then}?file={id}"),
        None => format!("/sheets/{id}"),
    }
}

/// The entry that a request names.
fn asked_item(app: &App, asked: &Asked, kind: Kind, what: &str) -> Result<Item, Fault> {
    app.folder.item(&asked.id, kind)?.ok_or_else(|| Fault::missing(what))
}

/// The file of a sheet, to keep.
pub(super) fn sheet_file(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let name = item.name.rsplit('/').next().unwrap_or(&item.name).to_owned();
    Ok(Answer::File(item.path, name))
}

/// The report of a model.
pub(super) fn model_report(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    Ok(Answer::Report(report_of(&item)?))
}

/// A report without a model.
pub(super) fn report(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Report, "report")?;
    Ok(Answer::Report(report_of(&item)?))
}

/// The report in the folder of an entry, as it was written: one that was altered since is not shown.
fn report_of(item: &Item) -> Result<PathBuf, Fault> {
    let path = folder::report_in(&item.path).ok_or_else(|| Fault::missing("report"))?;
    check_report(&path)?;
    Ok(path)
}

/// Moves a sheet to the bin.
pub(super) fn delete_sheet(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    delete(app, asked, Kind::Sheet, "sheet")
}

/// Moves a model to the bin.
pub(super) fn delete_model(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    delete(app, asked, Kind::Model, "model")
}

fn delete(app: &App, asked: &Asked, kind: Kind, what: &str) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, kind, what)?;
    if asked.field("name") != Some(item.name.as_str()) {
        let error = Error::input(format!("to delete `{}`, its name must be in the form", item.name));
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, error));
    }
    app.folder.discard(&item)?;
    Ok(Answer::See("/".to_owned()))
}

/// The field that every form carries.
fn token(app: &App) -> Markup {
    html! { input type="hidden" name=(requests::TOKEN) value=(app.keys.form()); }
}
