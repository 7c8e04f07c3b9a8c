//! `recant inject`: mislabels rows of a sheet, for trials where the truth is known.

use crate::cli::Context;
use crate::cli::arguments::InjectArgs;
use crate::cli::sheets;
use crate::commands::{InjectSheet, InjectedIntoSheet, SheetSource, inject_into};
use crate::error::Result;
use crate::evaluate::words::{count, percent};
use crate::label_errors::{Bias, Known};

pub(super) fn run(context: &Context, arguments: &InjectArgs) -> Result<()> {
    let request = InjectSheet {
        sheet: SheetSource::Files(&arguments.sheet_files),
        reading: sheets::read_options(&arguments.reading)?,
        profile: arguments.profile.profile.as_deref(),
        overrides: sheets::overrides(&arguments.profile, context.seed),
        kinds: &arguments.kind,
        rate: arguments.rate,
        whole_groups: arguments.whole_groups,
        known: Known {
            share: arguments.known,
            false_share: arguments.false_flags,
            bias: Bias::parse(&arguments.bias)?,
        },
        full_rows: arguments.full_rows,
        out: Some(&arguments.out),
    };
    let done = inject_into(&context.run(&context.console.progress()), &request)?;
    say(context, arguments, &done);
    Ok(())
}

fn say(context: &Context, arguments: &InjectArgs, done: &InjectedIntoSheet) {
    let console = &context.console;
    let (summary, notes) = (&done.injected.summary, &done.notes);
    console.notes(notes);
    let share = summary.mislabelled as f64 / summary.training_rows.max(1) as f64;
    console.item(
        "Mislabelled",
        format!(
            "{} of {} training rows ({}), in column `{}`",
            count(summary.mislabelled),
            count(summary.training_rows),
            percent(share, 2),
            summary.column
        ),
    );
    for mistake in &summary.mistakes {
        console.item("", format!("{}: {}", count(mistake.rows), mistake.affected));
    }
    let sheet = arguments.out.join(&done.file);
    let flags = arguments.out.join("flags.csv");
    console.item("Sheet", sheet.display().to_string());
    let false_flags = if summary.false_flags > 0 {
        format!(", {} of them false", count(summary.false_flags))
    } else {
        String::new()
    };
    console.item(
        "Flags",
        format!("{} ({} rows{false_flags})", flags.display(), count(summary.flagged)),
    );
    console.item("Truth", format!("{} (for judging only)", arguments.out.join("truth").display()));
    console.next_step(
        "Next, train on the corrupted sheet:",
        &format!(
            "recant train {}{} --out model-trial",
            sheets::shown(&sheet),
            sheets::profile_options(&arguments.profile, &arguments.sheet_files)
        ),
    );
    console.next_step(
        "Then repair:",
        &format!(
            "recant repair --model model-trial --flags {} --data {} --out model-repaired",
            sheets::shown(&flags),
            sheets::shown(&sheet)
        ),
    );
    let mut value = serde_json::to_value(summary).unwrap_or_default();
    value["out"] = sheets::in_result(&arguments.out);
    value["corrupted"] = sheets::in_result(&sheet);
    value["flags"] = sheets::in_result(&flags);
    value["notes"] = serde_json::json!(notes);
    console.result(&value);
}
