//! Wrong rows: what files, patterns and suspicion point at, and what a person decides about each.

mod act;
mod list;

use std::path::Path;

use maud::{Markup, html};

pub(in crate::app) use act::{decide, expand, export, import, suspects, undo};
pub(in crate::app) use list::{all, history, show};

use super::model::sheet_of;
use super::sheet::reading_of;
use super::{App, asked_item};
use crate::app::folder::{Item, Kind};
use crate::app::requests::{Asked, Fault};
use crate::app::sheets::Opened;
use crate::app::store::{Decided, Verdict, View};
use crate::error::{Error, Result};
use crate::files::Existing;
use crate::label_errors::proposals::{CORRECT_LABEL, LIKELIEST_LABEL, TICK, manner};
use crate::label_errors::sheet::{GIVEN_LABEL, SHEET_ROW};
use crate::notes::Notes;
use crate::tables::{Table, WriteOptions};

/// The column of an exported list that says what was decided.
const DECISION: &str = "decision";

/// The list of a model: that of its sheet, so that decisions hold for every model of the same sheet.
pub(super) fn list_of(app: &App, item: &Item) -> Result<String> {
    Ok(app.summaries.of(item)?.info.data.sha256.clone())
}

/// A model, its sheet and its list, which every page of wrong rows needs.
struct Place {
    item: Item,
    sheet: Item,
    list: String,
    classes: Vec<String>,
}

impl Place {
    fn of(app: &App, asked: &Asked) -> Result<Self, Fault> {
        let item = asked_item(app, asked, Kind::Model, "model")?;
        let summary = app.summaries.of(&item)?;
        let file = &summary.info.data.file;
        let missing = || {
            Error::input(format!("the sheet of this model, `{file}`, is not in the folder"))
                .hint("put it there: the rows are looked at in it")
        };
        let sheet = sheet_of(app, &item)?.ok_or_else(missing)?;
        Ok(Self {
            list: summary.info.data.sha256.clone(),
            classes: summary.info.classes.clone(),
            item,
            sheet,
        })
    }

    fn base(&self) -> String {
        format!("/models/{}", self.item.id)
    }

    fn opened(&self, app: &App) -> Result<std::sync::Arc<Opened>, Fault> {
        let opened = app.sheets.open(&self.sheet, &reading_of(app, &self.sheet.name)?)?;
        if opened.table.source().sha256 != self.list {
            let error = Error::input(format!(
                "`{}` is not the sheet that the model was trained on: it changed since",
                self.sheet.name
            ));
            return Err(error.hint("put the old one back, or train a model on the new one").into());
        }
        Ok(opened)
    }
}

/// Writes decided rows as the flag file that `recant repair --flags` takes: those that are wrong, or with `all` every row of the list.
pub(super) fn flags_of(app: &App, item: &Item, sheet: &Item, out: &Path, all: bool) -> Result<(), Fault> {
    let place = Place {
        list: list_of(app, item)?,
        classes: app.summaries.of(item)?.info.classes.clone(),
        item: item.clone(),
        sheet: sheet.clone(),
    };
    let opened = place.opened(app)?;
    let view = View {
        verdict: (!all).then_some(Verdict::Wrong),
        ..View::default()
    };
    let mut rows = app.store()?.rows(&place.list, &view, 0, i64::MAX)?;
    rows.sort_by_key(|row| row.listed.sheet_row);
    if rows.is_empty() {
        let error = Error::input("no row is decided to be wrong").hint("decide about rows first, on the page `Wrong rows`");
        return Err(error.into());
    }
    let table = flags_table(&rows, &opened.table)?;
    let options = WriteOptions {
        existing: Existing::Keep,
        ..manner(&opened.table, &place.classes, out)
    };
    table.write_with(out, &options, &mut Notes::new())?;
    Ok(())
}

/// Decided rows in the layout of `recant expand`, with the decision in words.
fn flags_table(rows: &[Decided], sheet: &Table) -> Result<Table> {
    let places: Vec<(usize, &Decided)> = rows
        .iter()
        .filter_map(|row| Some((sheet.row_with_number(usize::try_from(row.listed.sheet_row).ok()?)?, row)))
        .collect();
    let texts = |cell: &dyn Fn(&Decided) -> Option<String>| places.iter().map(|(_, row)| cell(row)).collect::<Vec<_>>();
    let wrong = |row: &Decided| row.verdict == Verdict::Wrong;
    let numbers = places.iter().map(|(_, row)| Some(row.listed.sheet_row)).collect();
    let chances = places.iter().map(|(_, row)| row.listed.chance).collect();
    let made = Table::new("wrong-rows.csv", places.len())
        .with_integers(SHEET_ROW, numbers)?
        .with_column(TICK, texts(&|row| Some(if wrong(row) { "TRUE" } else { "FALSE" }.to_owned())))?
        .with_column(DECISION, texts(&|row| Some(row.verdict.name().to_owned())))?
        .with_column("kind", texts(&|row| Some(row.listed.kind.clone())))?
        .with_column(GIVEN_LABEL, texts(&|row| row.listed.given.clone()))?
        .with_column(LIKELIEST_LABEL, texts(&|row| row.listed.likeliest.clone()))?
        .with_numbers("chance_wrong", chances)?
        .with_column(CORRECT_LABEL, texts(&|row| row.label.clone().filter(|_| wrong(row))))?
        .with_column("why", texts(&|row| row.listed.why.clone()))?;
    let own: Vec<usize> = places.iter().map(|(place, _)| *place).collect();
    made.beside(&sheet.take(&own))
}

/// Who decides: the user of this machine's account.
fn who() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    names
        .filter(|name| !name.is_empty())
        .map(|name| crate::visible::short_line(&name, 60).into_owned())
        .next()
        .unwrap_or_else(|| "somebody".to_owned())
}

/// A verdict in a word, with a mark that tells it apart without colour.
fn verdict_badge(verdict: Verdict) -> Markup {
    let (words, class) = match verdict {
        Verdict::Wrong => ("✗ wrong", "worse"),
        Verdict::Right => ("✓ right", "better"),
        Verdict::Open => ("○ open", "same"),
    };
    html! { span class={ "badge " (class) } { (words) } }
}
