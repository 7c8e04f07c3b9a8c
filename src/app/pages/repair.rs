//! Repairing a model with the rows that a person decided to be wrong.

use maud::{Markup, html};

use super::elements::{command, form, select};
use super::model::{Part, sheet_of, steps, without_sheet};
use super::sheet::reading_of;
use super::train::new_name;
use super::wrong::{flags_of, list_of};
use super::{App, Page, asked_item, own_sheets};
use crate::app::folder::{Item, Kind};
use crate::app::requests::{Answer, Asked, Fault};
use crate::app::store::{Verdict, View};
use crate::app::work::{Sheet, Work};
use crate::commands::{COST, metric, metric_choices};
use crate::error::{Error, Result};
use crate::repair;
use crate::report::elements::{callout, facts, theirs};
use crate::report::format;

/// The method that chooses, and the one that tries all.
const AUTO: &str = "auto";
const ALL: &str = "all";

/// What counts unless the person says otherwise.
const ACCURACY: &str = "accuracy";

/// The methods to choose from: every one that there is.
fn methods() -> Vec<(String, String)> {
    let own = [
        (AUTO.to_owned(), "auto: what trusted rows choose, or the old model".to_owned()),
        (ALL.to_owned(), "all: every method, with a recommendation".to_owned()),
    ];
    let each = repair::METHODS
        .iter()
        .map(|method| (method.name().to_owned(), format!("{}: {}", method.name(), method.title())));
    own.into_iter().chain(each).collect()
}

/// What counts as better: every measure of the terminal; costs are read from a sheet of the folder.
fn measures(classes: &[String]) -> Vec<(String, String)> {
    let costs = (COST.to_owned(), "what mistakes cost, by a table of the folder".to_owned());
    metric_choices(classes).into_iter().chain([costs]).collect()
}

/// The measure that a form names, as the terminal names it; none where it is accuracy.
fn measure_of(app: &App, asked: &Asked, classes: &[String]) -> Result<Option<String>, Fault> {
    let named = asked.field("metric").unwrap_or(ACCURACY);
    if !measures(classes).iter().any(|(name, _)| name == named) {
        return Err(Error::input(format!("there is no measure `{named}`")).into());
    }
    let costs = asked
        .field("costs")
        .map(|id| app.folder.item(id, Kind::Sheet))
        .transpose()?
        .flatten();
    let named = match (named, costs) {
        (ACCURACY, _) => return Ok(None),
        (COST, Some(table)) => format!("{COST}:{}", table.name),
        (COST, None) => {
            return Err(Error::input("costs are read from a table")
                .hint("choose it below, under what mistakes cost")
                .into());
        }
        (other, _) => other.to_owned(),
    };
    metric(&named)?.check(classes)?;
    Ok(Some(named))
}

/// The page before a repair.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    let base = format!("/models/{}", item.id);
    let summary = app.summaries.of(&item)?;
    let repaired = !summary.info.repairs.is_empty();
    let sheet = sheet_of(app, &item)?;
    let content = html! {
        h1 { "Repair " (theirs(&item.name)) }
        (steps(&item, Part::Repair, repaired))
        section aria-label="Repair" {
            @match &sheet {
                None => (without_sheet(&summary.info.data.file)),
                Some(sheet) => (ready(app, &item, sheet, &summary.info.classes)?),
            }
        }
    };
    Page::new(&format!("Repair {}", item.name), content)
        .under(&item.name, base)
        .answer(app)
}

fn ready(app: &App, item: &Item, sheet: &Item, classes: &[String]) -> Result<Markup, Fault> {
    let base = format!("/models/{}", item.id);
    let Some(store) = &app.store else {
        return Ok(html! { p { "The app only looks." } });
    };
    let list = list_of(app, item)?;
    let count = |verdict| {
        store.count(
            &list,
            &View {
                verdict: Some(verdict),
                ..View::default()
            },
        )
    };
    let (wrong, open) = (count(Verdict::Wrong)?, count(Verdict::Open)?);
    let out = app.folder.free_name(&format!("{}-repaired", item.name));
    let sheets: Vec<(String, String)> = own_sheets(app)?
        .iter()
        .map(|sheet| (sheet.id.clone(), sheet.name.clone()))
        .collect();
    let work = Work::Repair {
        sheet: Sheet {
            name: sheet.name.clone(),
            reading: reading_of(app, &sheet.name)?,
        },
        model: item.name.clone(),
        flags: app.folder.free_name(&flags_name(item)),
        method: AUTO.to_owned(),
        metric: None,
        test: None,
        looked_up: None,
        out: out.clone(),
    };
    let rows = |count: i64| format::counted(usize::try_from(count).unwrap_or(0), "row");
    Ok(html! {
        (facts(vec![
            ("Wrong rows", html! { strong { (rows(wrong)) } " decided to be wrong · " a href={ (base) "/wrong" } { "look at them" } }),
            ("Open", html! { (rows(open)) " on the list without a decision; the repair leaves them as they are" }),
            ("Sheet", html! { (theirs(&sheet.name)) }),
        ]))
        @if wrong == 0 { (callout(html! { strong { "No row is decided to be wrong yet. " } a href={ (base) "/wrong" } { "Name them first" } })) }
        (form(app, &format!("{base}/repair"), html! {
            (select("method", "Method", "choose one", &methods(), Some(AUTO)))
            p.field { label for="out" { "Name of the repaired model" } input id="out" type="text" name="out" value=(out) maxlength="100" required; }
            details {
                summary { "What counts as better" }
                (select("metric", "Measure", ACCURACY, &measures(classes), Some(ACCURACY)))
                (select("costs", "Table of what mistakes cost", "none", &sheets, None))
                p.small.aside { "A table has a line for each true class and a column for each predicted one." }
            }
            details {
                summary { "Judge it by a sheet that you vouch for" }
                (select("test", "Sheet with labels that are right", "the model's own test rows", &sheets, None))
            }
            p { button type="submit" disabled[wrong == 0] { "Repair" } }
        }))
        p.small.aside { "The old model stays as it is. The wrong rows are written to a file of their own, so that the repair can be made again." }
        (command(app, &work.line(app.seed)))
    })
}

fn flags_name(item: &Item) -> String {
    format!("{}-wrong-rows.csv", item.name)
}

/// Writes the wrong rows to a file and orders the repair.
pub(in crate::app) fn begin(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    let store = app.store()?;
    let summary = app.summaries.of(&item)?;
    let sheet =
        sheet_of(app, &item)?.ok_or_else(|| Error::input(format!("the sheet `{}` is not in the folder", summary.info.data.file)))?;
    let method = asked.field("method").unwrap_or(AUTO).to_owned();
    if !methods().iter().any(|(name, _)| *name == method) {
        return Err(Error::input(format!("there is no method `{method}`")).into());
    }
    let metric = measure_of(app, asked, &summary.info.classes)?;
    let test = asked
        .field("test")
        .map(|id| app.folder.item(id, Kind::Sheet))
        .transpose()?
        .flatten();
    let out = new_name(app, asked)?;
    let flags = app.folder.free_name(&flags_name(&item));
    flags_of(app, &item, &sheet, std::path::Path::new(&flags), false)?;
    let work = Work::Repair {
        sheet: Sheet {
            reading: reading_of(app, &sheet.name)?,
            name: sheet.name,
        },
        model: item.name,
        flags,
        method,
        metric,
        test: test.map(|test| test.name),
        looked_up: None,
        out,
    };
    let id = app.queue.order(store, &work)?;
    Ok(Answer::See(format!("/work/{id}")))
}
