//! Predicting a sheet with a model of the folder.

use maud::html;

use super::elements::{command, form, select};
use super::sheet::{Part, reading_of, steps};
use super::train::new_name;
use super::{App, Page, asked_item};
use crate::app::folder::{Item, Kind};
use crate::app::requests::{Answer, Asked, Fault};
use crate::app::work::{Sheet, Work};
use crate::report::elements::theirs;

/// The page before a prediction.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let base = format!("/sheets/{}", item.id);
    let mut models: Vec<Item> = app.folder.items()?.into_iter().filter(|item| item.kind == Kind::Model).collect();
    models.sort_by_key(|model| std::cmp::Reverse(model.changed));
    let chosen = asked
        .query("model")
        .and_then(|id| models.iter().find(|model| model.id == id))
        .or(models.first());
    let choices: Vec<(String, String)> = models.iter().map(|model| (model.id.clone(), model.name.clone())).collect();
    let name = item.name.rsplit('/').next().unwrap_or(&item.name);
    let stem = name.split('.').next().unwrap_or("sheet");
    let out = app.folder.free_name(&format!("{stem}-predicted.xlsx"));
    let work = chosen.map(|model| -> Result<Work, Fault> {
        Ok(Work::Predict {
            sheet: Sheet {
                name: item.name.clone(),
                reading: reading_of(app, &item.name)?,
            },
            model: model.name.clone(),
            out: out.clone(),
        })
    });
    let work = work.transpose()?;
    let content = html! {
        h1 { (theirs(&item.name)) }
        (steps(&item, Part::Predict))
        section aria-label="Predict" {
            @match &chosen {
                None => p { "There is no model in the folder yet. " a href={ (base) "/train" } { "Train one" } },
                Some(chosen) => {
                    p { "Every row gets a class, the probability of each class, and a warning where it is unlike what the model was trained on. Rows need no outcome." }
                    (form(app, &format!("{base}/predict"), html! {
                        (select("model", "Model", "choose one", &choices, Some(&chosen.id)))
                        p.field { label for="out" { "Name of the file (.xlsx, .csv or .parquet)" } input id="out" type="text" name="out" value=(out) maxlength="100" required; }
                        @if !app.read_only { p { button type="submit" { "Predict" } } }
                    }))
                },
            }
        }
        @if let Some(work) = &work { (command(app, &work.line(app.seed))) }
    };
    Page::new(&format!("Predict {}", item.name), content)
        .under(&item.name, base)
        .answer(app)
}

/// Orders a prediction.
pub(in crate::app) fn begin(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let model = asked
        .field("model")
        .map(|id| app.folder.item(id, Kind::Model))
        .transpose()?
        .flatten();
    let model = model.ok_or_else(|| Fault::missing("model"))?;
    let out = new_name(app, asked)?;
    crate::tables::check_writable_name(std::path::Path::new(&out))?;
    let work = Work::Predict {
        sheet: Sheet {
            reading: reading_of(app, &item.name)?,
            name: item.name,
        },
        model: model.name,
        out,
    };
    let id = app.queue.order(app.store()?, &work)?;
    Ok(Answer::See(format!("/work/{id}")))
}
