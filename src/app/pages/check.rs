//! Checking a repair by rows whose truth a person looks up.

use maud::{Markup, html};

use super::elements::{command, drop_file, form, select};
use super::model::{Part, sheet_of, steps, without_sheet};
use super::sheet::reading_of;
use super::train::new_name;
use super::{App, Page, asked_item, sheets_and_made};
use crate::app::folder::{Item, Kind};
use crate::app::line::Line;
use crate::app::made::Made;
use crate::app::requests::{Answer, Asked, Fault};
use crate::app::work::{Sheet, Work};
use crate::commands::{default_evidence, key_path, read_check_of};
use crate::error::{Error, Result};
use crate::evaluate::record::{Advice, KEPT};
use crate::report::elements::{facts, theirs};
use crate::report::format;
use crate::report::parts::warnings::warnings;
use crate::report::repair::verdict_words;

/// Rows that are drawn unless the person says otherwise.
const ROWS: usize = 30;

/// The page of a check.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    page(app, &item, asked, html! {})
}

fn page(app: &App, item: &Item, asked: &Asked, outcome: Markup) -> Result<Answer, Fault> {
    let base = format!("/models/{}", item.id);
    let summary = app.summaries.of(item)?;
    let parent = summary.info.repairs.last().map(|repair| repair.parent.name.clone());
    let Some(parent) = parent else {
        return Err(Error::input(format!("`{}` was not repaired, so there is nothing to check", item.name)).into());
    };
    let unchanged = summary.info.repairs.last().is_some_and(|repair| repair.method == KEPT);
    let (old, sheet) = (app.folder.named(&parent, Kind::Model)?, sheet_of(app, item)?);
    let content = html! {
        h1 { "Check " (theirs(&item.name)) }
        (steps(item, Part::Check, true))
        (outcome)
        section aria-labelledby="draw" {
            h2 id="draw" { "Draw rows to look up" }
            p { "The accuracy of the two models can only differ on rows where they say different things. The truth of a random sample of those decides, whatever the labels of the sheet are worth." }
            @match (&old, &sheet) {
                (None, _) => p { "The model before the repair, " (theirs(&parent)) ", is not in the folder." },
                (_, None) => (without_sheet(&summary.info.data.file)),
                _ if unchanged => p { "No repair was accepted: " (theirs(&item.name)) " is " (theirs(&parent)) " unchanged. The two say the same on every row, so there is nothing to look up." },
                (Some(old), Some(sheet)) => (draw_form(app, item, old, sheet)?),
            }
        }
        (filled(app, item, asked)?)
    };
    Page::new(&format!("Check {}", item.name), content)
        .under(&item.name, base)
        .answer(app)
}

fn draw_form(app: &App, item: &Item, old: &Item, sheet: &Item) -> Result<Markup, Fault> {
    let out = app.folder.free_name(&format!("{}-check.xlsx", item.name));
    let work = Work::Check {
        sheet: Sheet {
            name: sheet.name.clone(),
            reading: reading_of(app, &sheet.name)?,
        },
        model: old.name.clone(),
        repaired: item.name.clone(),
        rows: ROWS,
        out: out.clone(),
    };
    Ok(html! {
        (form(app, &format!("/models/{}/check", item.id), html! {
            p.field { label for="rows" { "Rows" } input id="rows" type="number" name="rows" min="1" max="10000" value=(ROWS) required; }
            p.field { label for="out" { "Name of the file" } input id="out" type="text" name="out" value=(out) maxlength="100" required; }
            @if !app.read_only { p { button type="submit" { "Draw" } } }
        }))
        (command(app, &work.line(app.seed)))
    })
}

/// Checks that were drawn, each with its key beside it, and files with their columns that have none: filled-in copies.
fn drawn_and_copies(app: &App) -> Result<(Vec<Item>, Vec<Item>), Error> {
    let has_key = |sheet: &Item| key_path(&sheet.path).is_file();
    let checks = sheets_and_made(app)?.into_iter();
    let checks = checks.filter(|(sheet, made)| has_key(sheet) || *made == Some(Made::Check));
    Ok(checks.map(|(sheet, _)| sheet).partition(has_key))
}

/// Checks that were drawn, and a place to hand in a filled one.
fn filled(app: &App, item: &Item, asked: &Asked) -> Result<Markup, Fault> {
    let (drawn, copies) = drawn_and_copies(app)?;
    let choice = |sheet: &Item| (sheet.id.clone(), sheet.name.clone());
    let choices: Vec<(String, String)> = drawn.iter().chain(&copies).map(choice).collect();
    let draws: Vec<(String, String)> = drawn.iter().map(choice).collect();
    let name = asked
        .query("file")
        .and_then(|id| drawn.iter().chain(&copies).find(|sheet| sheet.id == id))
        .or(drawn.last());
    Ok(html! {
        @if !drawn.is_empty() && !app.read_only {
            section aria-labelledby="read" {
                h2 id="read" { "Read a filled-in check" }
                p { "Write the true class of each row into the column " code { "true_label" } ", save the file, and read it here." }
                ul { @for sheet in &drawn { li { a href={ "/sheets/" (sheet.id) "/file" } { "Download " (theirs(&sheet.name)) } } } }
                (form(app, &format!("/models/{}/checked", item.id), html! {
                    (select("file", "Filled-in file", "choose one", &choices, name.map(|sheet| sheet.id.as_str())))
                    @if draws.len() > 1 && !copies.is_empty() { (select("drawn", "A copy of", "itself", &draws, drawn.last().map(|sheet| sheet.id.as_str()))) }
                    p { button type="submit" { "Read it" } }
                }))
                details {
                    summary { "Hand in a filled-in copy" }
                    (drop_file(app, "The filled-in file", "It is copied into the folder beside the one that was drawn.", Some(&format!("/models/{}/check", item.id))))
                }
                // The terminal reads a check by the key beside it, which a copy has none of.
                @if let Some(sheet) = name.filter(|sheet| copies.iter().all(|copy| copy.id != sheet.id)) { (command(app, &Line::new("check").option("--read", &sheet.name))) }
            }
        }
    })
}

/// Orders the draw.
pub(in crate::app) fn draw(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    let summary = app.summaries.of(&item)?;
    let parent = summary
        .info
        .repairs
        .last()
        .map(|repair| repair.parent.name.clone())
        .unwrap_or_default();
    let old = app.folder.named(&parent, Kind::Model)?.ok_or_else(|| Fault::missing("model"))?;
    let sheet = sheet_of(app, &item)?.ok_or_else(|| Fault::missing("sheet"))?;
    let rows = asked
        .field("rows")
        .and_then(|rows| rows.parse().ok())
        .filter(|rows| (1..=10_000).contains(rows));
    let work = Work::Check {
        sheet: Sheet {
            reading: reading_of(app, &sheet.name)?,
            name: sheet.name,
        },
        model: old.name,
        repaired: item.name,
        rows: rows.ok_or_else(|| Error::input("the number of rows must be from 1 to 10,000"))?,
        out: new_name(app, asked)?,
    };
    let id = app.queue.order(app.store()?, &work)?;
    Ok(Answer::See(format!("/work/{id}")))
}

/// Reads a filled-in check.
pub(in crate::app) fn read(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    let file = asked
        .field("file")
        .map(|id| app.folder.item(id, Kind::Sheet))
        .transpose()?
        .flatten();
    let file = file.ok_or_else(|| Fault::missing("file"))?;
    let (drawn, copies) = drawn_and_copies(app)?;
    let named = asked.field("drawn").and_then(|id| drawn.iter().find(|sheet| sheet.id == id));
    // A copy is read by the key of the check that it is a copy of.
    let key_of = match copies.iter().any(|copy| copy.id == file.id) {
        true => named.or(drawn.last()).unwrap_or(&file),
        false => &file,
    };
    let found = read_check_of(&key_of.path, &file.path, default_evidence(app.seed).minimum_effect)?;
    let checked = &found.checked;
    let (words, class) = verdict_words(Some(checked.verdict));
    let advice = match checked.advice {
        Advice::Use => "Use the repaired model.",
        Advice::Keep => "Keep the old model.",
        Advice::CheckFirst => "Check more rows first.",
    };
    let outcome = html! {
        section aria-label="What the truths say" {
            div class={ "verdict " (class) } {
                span class={ "badge " (class) } { (words) }
                p.lead { strong { (advice) } }
            }
            (facts(vec![
                ("Looked up", html! { (format::count(checked.looked_up)) " of " (format::counted(checked.differing, "row")) " on which the models differ" }),
                ("Right", html! { "the repaired model in " (format::count(checked.fixed)) ", the old one in " (format::count(checked.broken)) }),
                ("Change", html! {
                    (format::points(checked.change.estimate, 1)) " of accuracy over all " (format::counted(checked.rows, "row"))
                    " (exact 95\u{a0}% interval " (format::points_between(checked.change.low, checked.change.high, 1)) ")"
                }),
            ]))
            @if let Some(rows) = checked.rows_to_decide { p { "About " (format::counted(rows.saturating_sub(checked.looked_up).max(1), "row")) " more would decide it." } }
            @if !found.notes.is_empty() { (warnings(&found.notes, "the terminal")) }
        }
    };
    page(app, &item, asked, outcome)
}
