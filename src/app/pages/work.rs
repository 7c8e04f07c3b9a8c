//! Work: what runs, how far it is, what came of it.

use maud::{Markup, html};

use super::elements::{button, command, local};
use super::{App, Page};
use crate::app::folder::{Folder, Kind};
use crate::app::queue::Stage;
use crate::app::requests::{Answer, Asked, Fault};
use crate::app::store::{State, Store, WorkRow};
use crate::app::work::Work;
use crate::error::Result;
use crate::report::elements::{Cell, Column, prose, table, theirs};
use crate::report::format;

/// Pieces of work that are listed.
pub(super) const LISTED: usize = 100;

/// The mark of the head of every page: how much work is under way.
pub(super) fn running(store: &Store) -> Markup {
    let open = store
        .latest_work(LISTED)
        .map_or(0, |rows| rows.iter().filter(|row| row.state.is_open()).count());
    html! { a.work href="/work" { "Work" @if open > 0 { " " span.badge { "◐ " (open) " under way" } } } }
}

/// All work, newest first.
pub(in crate::app) fn list(app: &App, _: &Asked) -> Result<Answer, Fault> {
    let rows = match &app.store {
        Some(store) => store.latest_work(LISTED)?,
        None => Vec::new(),
    };
    let columns = [
        Column::text("Work"),
        Column::text("State"),
        Column::text("What came of it"),
        Column::text("Ordered"),
    ];
    let lines = rows.iter().map(|row| {
        let said = row
            .outcome
            .as_ref()
            .or(row.message.as_ref())
            .map_or_else(|| html! {}, |said| prose(said, 160));
        vec![
            Cell::Markup(html! { a href={ "/work/" (row.id) } { (theirs(&row.work.title())) } }),
            Cell::Markup(badge(row.state)),
            Cell::Markup(said),
            Cell::Words(local(&row.made)),
        ]
    });
    let lines: Vec<Vec<Cell>> = lines.collect();
    let live = rows.iter().any(|row| row.state.is_open());
    let content = html! {
        section aria-labelledby="work" data-live=[live.then_some("2000")] {
            h1 id="work" { "Work" }
            @if lines.is_empty() { p { "Nothing was done in this folder yet." } } @else { (table("Newest first", &columns, lines)) }
        }
    };
    let mut page = Page::new("Work", content);
    page.again = live.then_some(5);
    page.answer(app)
}

fn badge(state: State) -> Markup {
    let (words, class) = match state {
        State::Waiting => ("○ waits", "same"),
        State::Running => ("◐ runs", "same"),
        State::Done => ("✓ done", "better"),
        State::Failed => ("▼ stopped by an error", "worse"),
        State::Stopped => ("■ stopped by you", "same"),
        State::BrokenOff => ("▼ broken off", "worse"),
    };
    html! { span class={ "badge " (class) } { (words) } }
}

/// A piece of work.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let store = app.store()?;
    let row = row_of(store, asked)?;
    let live = row.state.is_open();
    let content = html! {
        section aria-label="Work" data-live=[live.then_some("700")] {
            h1 { (theirs(&row.work.title())) }
            p { (badge(row.state)) " " span.small.aside { (times(&row)) } }
            @match row.state {
                State::Running => (progress(app, &row)),
                State::Waiting => p { "It begins when the work before it is done." },
                State::Done => {
                    @if let Some(said) = &row.outcome { p.lead { (prose(said, 600)) } }
                    @if let Some(place) = result(&app.folder, &row.work)? {
                        div.actions {
                            a.button href=(place) { "See what came of it" }
                            @if let Work::Predict { out, .. } | Work::Check { out, .. } = &row.work {
                                @if let Some(item) = app.folder.named(out, Kind::Sheet)? { a.button.plain href={ "/sheets/" (item.id) "/file" } { "Download " (theirs(out)) } }
                            }
                        }
                    }
                },
                State::Failed | State::Stopped | State::BrokenOff => {
                    @if let Some(message) = &row.message { p.lead { (prose(message, 1200)) "." } }
                    @if let Some(hint) = &row.hint { p { strong { "What to do: " } (prose(hint, 800)) } }
                    @if row.state == State::BrokenOff { p { "The app ended before this was done. Nothing half-written is left." } }
                    div { (button(app, &format!("/work/{}/again", row.id), "Do it again", &[])) }
                },
            }
            @if live { div { (button(app, &format!("/work/{}/stop", row.id), if row.state == State::Running { "Stop" } else { "Take it out" }, &[])) } }
        }
        (command(app, &row.work.line(app.seed)))
    };
    let title = row.work.title();
    let mut page = Page::new(&title, content).under("Work", "/work".to_owned());
    page.again = live.then_some(2);
    page.answer(app)
}

fn times(row: &WorkRow) -> String {
    match (&row.began, &row.ended) {
        (Some(began), Some(ended)) => format!("{} to {}", local(began), local(ended)),
        (Some(began), None) => format!("since {}", local(began)),
        (None, _) => format!("ordered {}", local(&row.made)),
    }
}

fn progress(app: &App, row: &WorkRow) -> Markup {
    let Some((stage, time)) = app.queue.stage(row.id) else {
        return html! { p { "It begins." } };
    };
    let name = stage.as_ref().map_or("working", |stage| stage.name.as_str());
    let name = if app.queue.is_stopping(row.id) {
        "stopping at the next safe point"
    } else {
        name
    };
    html! {
        div.progress role="status" {
            p { strong { (prose(name, 120)) } @if let Some(stage) = &stage { @if stage.steps > 0 { ", " (share(stage)) } } }
            @match stage.filter(|stage| stage.steps > 0) {
                Some(stage) => progress max=(stage.steps) value=(stage.done.min(stage.steps)) aria-label="How far this stage is" {},
                None => progress aria-label="This stage tells no length" {},
            }
            p.small.aside { "Runs for " (format::seconds(time.as_secs_f64())) ". You can close this page; the work goes on." }
        }
    }
}

fn share(stage: &Stage) -> String {
    format::percent(stage.done.min(stage.steps) as f64 / stage.steps.max(1) as f64, 0)
}

fn row_of(store: &Store, asked: &Asked) -> Result<WorkRow, Fault> {
    let id = asked.id.parse::<i64>().map_err(|_| Fault::missing("work"))?;
    store.work(id)?.ok_or_else(|| Fault::missing("work"))
}

/// Where the result of a piece of work is seen.
fn result(folder: &Folder, work: &Work) -> Result<Option<String>> {
    let model = |name: &str| folder.named(name, Kind::Model);
    Ok(match work {
        Work::Train { out, .. } | Work::Repair { out, .. } => model(out)?.map(|item| format!("/models/{}", item.id)),
        Work::Suspects { model: name, .. } | Work::Expand { model: name, .. } => {
            // What was found waits for a decision.
            model(name)?.map(|item| format!("/models/{}/wrong?stands=open", item.id))
        }
        Work::Check { repaired, .. } => model(repaired)?.map(|item| format!("/models/{}/check", item.id)),
        Work::Predict { out, .. } => folder.named(out, Kind::Sheet)?.map(|item| format!("/sheets/{}", item.id)),
    })
}

/// Stops a piece of work.
pub(in crate::app) fn stop(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let store = app.store()?;
    let row = row_of(store, asked)?;
    app.queue.stop(store, row.id)?;
    Ok(Answer::See(format!("/work/{}", row.id)))
}

/// Orders the same again.
pub(in crate::app) fn again(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let store = app.store()?;
    let row = row_of(store, asked)?;
    let place = app.folder.free_name(row.work.out());
    let id = app.queue.order(store, &row.work.into(&place))?;
    Ok(Answer::See(format!("/work/{id}")))
}
