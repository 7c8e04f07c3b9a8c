//! `recant inspect`: what is in a sheet, which columns give the label away, and a profile to edit.

use crate::cli::Context;
use crate::cli::arguments::InspectArgs;
use crate::cli::sheets;
use crate::error::{Error, Result};
use crate::features::{Profile, inspect};
use crate::files;
use crate::notes::Notes;
use crate::report::terminal;

pub(super) fn run(context: &Context, arguments: &InspectArgs) -> Result<()> {
    if let Some(path) = &arguments.write_profile {
        files::check_new_file(path, files::Existing::Keep).map_err(|error| match path.exists() {
            true => Error::input(format!("`{}` already exists and is never overwritten", path.display()))
                .hint("give another name with `--write-profile`, or move the old one away"),
            false => error,
        })?;
    }
    let mut notes = Notes::new();
    let table = sheets::read(&arguments.sheet_file, &arguments.reading, &mut notes)?;
    let overrides = sheets::overrides(&arguments.profile, context.seed);
    let given = arguments.profile.profile.as_deref().map(Profile::load).transpose()?;
    let inspection = inspect(&table, given.as_ref(), &overrides, &mut notes)?;
    if let Some(path) = &arguments.write_profile {
        files::write_file(path, files::Existing::Keep, |writer| {
            writer
                .write_all(inspection.profile_toml.as_bytes())
                .map_err(|error| Error::io("write", path, &error))
        })?;
    }
    let console = &context.console;
    console.notes(&notes);
    console.say(terminal::inspection(&inspection, console.look()).trim_end());
    let sheet = sheets::shown(&arguments.sheet_file);
    match &arguments.write_profile {
        Some(path) => console.next_step(
            "Next, edit the profile if something in it is not as you want it, then train:",
            &format!("recant train {sheet} --profile {} --out model", sheets::shown(path)),
        ),
        None => console.next_step(
            "Next, write the proposed profile to a file and edit it:",
            &format!("recant inspect {sheet} --write-profile my-profile.toml"),
        ),
    }
    let mut value = serde_json::to_value(&inspection).map_err(|error| Error::internal(error.to_string()))?;
    value["notes"] = serde_json::json!(notes);
    console.result(&value);
    Ok(())
}
