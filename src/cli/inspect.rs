//! `recant inspect`: what is in a sheet, which columns give the label away, and a profile to edit.

use crate::cli::Context;
use crate::cli::arguments::InspectArgs;
use crate::cli::sheets;
use crate::commands::{InspectSheet, SheetSource, inspect_sheet};
use crate::error::{Error, Result};
use crate::features::ColumnReport;
use crate::report::terminal;
use crate::tables::ColumnKind;

pub(super) fn run(context: &Context, arguments: &InspectArgs) -> Result<()> {
    let request = InspectSheet {
        sheet: SheetSource::Files(&arguments.sheet_files),
        reading: sheets::read_options(&arguments.reading)?,
        profile: arguments.profile.profile.as_deref(),
        overrides: sheets::overrides(&arguments.profile, context.seed),
        write_profile: arguments.write_profile.as_deref(),
    };
    let found = inspect_sheet(&context.run(&context.console.progress()), &request)?;
    let (inspection, notes) = (&found.inspection, &found.notes);
    let console = &context.console;
    console.notes(notes);
    console.say(terminal::inspection(inspection, console.look()).trim_end());
    let sheet = sheets::shown_all(&arguments.sheet_files);
    let reading = sheets::reading_options(&arguments.reading);
    match &arguments.write_profile {
        Some(path) => console.next_step(
            "Next, edit the profile if something in it is not as you want it, then train:",
            &format!("recant train {sheet} --profile {}{reading} --out model", sheets::shown(path)),
        ),
        None if inspection.label.is_none() => {
            let dates = inspection.columns.iter().filter(|column| column.kind == ColumnKind::Date).count();
            let few = inspection.columns.iter().any(ColumnReport::could_be_label);
            let choice = if dates >= 2 && !few {
                "--actual COLUMN --planned COLUMN"
            } else {
                "--label COLUMN"
            };
            let given = sheets::profile_options(&arguments.profile, &[]);
            console.next_step(
                "Next, look again and say what is predicted:",
                &format!("recant inspect {sheet}{given}{reading} {choice}"),
            );
        }
        None => console.next_step(
            "Next, write the proposed profile to a file and edit it:",
            &format!(
                "recant inspect {sheet}{}{reading} --write-profile my-profile.toml",
                sheets::profile_options(&arguments.profile, &[])
            ),
        ),
    }
    let mut value = serde_json::to_value(inspection).map_err(|error| Error::internal(error.to_string()))?;
    value["notes"] = serde_json::json!(notes);
    console.result(&value);
    Ok(())
}
