//! Training: a name, and settings for who wants them.

use maud::html;

use super::elements::{commands, form, select};
use super::sheet::{Part, reading_of, steps};
use super::task::{inspected, is_proposal, keep_line, keep_proposal, own_profile};
use super::{App, Page, asked_item};
use crate::app::folder::{Kind, safe_name};
use crate::app::requests::{Answer, Asked, Fault};
use crate::app::work::{Sheet, Work};
use crate::error::{Error, Result};
use crate::features::{Profile, RecipeKind};
use crate::report::elements::{callout, facts, prose, theirs};
use crate::report::format;

/// The page before a training.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let reading = reading_of(app, &item.name)?;
    let base = format!("/sheets/{}", item.id);
    let found = inspected(app, &item, &reading)?;
    let inspection = &found.inspection;
    let profile = Profile::from_toml(&inspection.profile_toml)?;
    let in_use = inspection
        .leakage
        .iter()
        .filter(|finding| finding.certain && !finding.dropped)
        .count();
    let out = app.folder.free_name("model");
    let recipes: Vec<(String, String)> = RecipeKind::ALL
        .iter()
        .map(|kind| (kind.name().to_owned(), kind.name().to_owned()))
        .collect();
    let proposal = is_proposal(app, &item, &reading)?;
    let before = proposal.then(|| keep_line(&item, &reading));
    let proposed = Work::Train {
        sheet: Sheet {
            name: item.name.clone(),
            reading,
        },
        recipe: None,
        network: None,
        epochs: None,
        balance_classes: false,
        out: out.clone(),
    };
    let content = html! {
        h1 { (theirs(&item.name)) }
        (steps(&item, Part::Train))
        section aria-label="Train" {
            @if let Some(obstacle) = &inspection.obstacle { (callout(html! { strong { "Training would stop. " } (prose(obstacle, 800)) " " a href={ (base) "/task" } { "Change the task" } })) }
            @if in_use > 0 { (callout(html! { strong { (format::counted(in_use, "column")) " in use gives the answer away. " } "The figures will be better than next week's. " a href={ (base) "/task" } { "See which" } })) }
            (facts(vec![
                ("Label", html! { @match &inspection.label { Some(label) => (prose(label, 200)), None => "none" } }),
                ("Classes", html! { @for (place, class) in inspection.classes.iter().enumerate() { @if place > 0 { ", " } (theirs(&class.class)) " " (format::percent(class.share, 1)) } }),
                ("Tested on", html! { "the last " (format::percent(profile.split.test, 0)) " of the rows" @if let Some(time) = &profile.time { " by " (theirs(&time.column)) } }),
            ]))
            (form(app, &format!("{base}/train"), html! {
                p.field {
                    label for="out" { "Name of the model" }
                    input id="out" type="text" name="out" value=(out) maxlength="100" required;
                }
                details {
                    summary { "Settings (the profile's unless given)" }
                    div.fields {
                        (select("recipe", "Recipe", profile.training.recipe.name(), &recipes, None))
                        p.field { label for="network" { "Hidden layers" } input id="network" type="text" name="network" placeholder=(profile.training.network) maxlength="60"; }
                        p.field { label for="epochs" { "Epochs" } input id="epochs" type="number" name="epochs" min="1" max="10000" placeholder=(profile.training.epochs); }
                        p.field { label { input type="checkbox" name="balance_classes" value="1"; " Rare classes count as much as common ones" } }
                    }
                }
                @if !app.read_only {
                    p { button type="submit" { "Train" } }
                    @if proposal { p.small.aside { "The task as it is proposed is kept with it, as the profile " code { (own_profile(&item.name)) } "." } }
                }
            }))
        }
        (commands(app, &before.into_iter().chain([proposed.line(app.seed)]).collect::<Vec<_>>()))
    };
    Page::new(&format!("Train on {}", item.name), content)
        .under(&item.name, base)
        .answer(app)
}

/// Orders a training.
pub(in crate::app) fn begin(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let reading = reading_of(app, &item.name)?;
    let recipe = asked.field("recipe").map(|name| {
        let known = RecipeKind::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| Error::input(format!("there is no recipe `{name}`")))
    });
    let epochs = asked.field("epochs").map(|text| {
        let number = text.parse::<usize>().ok().filter(|epochs| *epochs > 0);
        number.ok_or_else(|| Error::input(format!("`{text}` is no number of epochs")).hint("give a whole number from 1"))
    });
    keep_proposal(app, &item, &reading)?;
    let work = Work::Train {
        sheet: Sheet { name: item.name, reading },
        recipe: recipe.transpose()?,
        network: asked.field("network").map(str::to_owned),
        epochs: epochs.transpose()?,
        balance_classes: asked.field("balance_classes").is_some(),
        out: new_name(app, asked)?,
    };
    let id = app.queue.order(app.store()?, &work)?;
    Ok(Answer::See(format!("/work/{id}")))
}

/// The name that a form gives to what is made.
///
/// # Errors
/// Where it is taken, or no name of an entry.
pub(super) fn new_name(app: &App, asked: &Asked) -> Result<String> {
    let given = asked.field("out").unwrap_or_default();
    let safe = safe_name(given);
    if safe != given {
        return Err(Error::input(format!("`{given}` cannot be a name here")).hint(format!("what about `{safe}`?")));
    }
    let free = app.folder.free_name(&safe);
    match free == safe {
        true => Ok(safe),
        false => Err(Error::input(format!("`{safe}` is there already, and nothing is overwritten")).hint(format!("`{free}` is free"))),
    }
}
