//! `recant inject`: mislabels rows of a sheet, for trials where the truth is known.

use crate::cli::Context;
use crate::cli::arguments::InjectArgs;
use crate::cli::sheets;
use crate::commands::check_new_folder;
use crate::error::{Error, Result};
use crate::evaluate::words::{count, percent};
use crate::features::Profile;
use crate::files;
use crate::label_errors::{Amount, Bias, InjectedSheet, InjectionPlan, Known, Mistake, inject_sheet, kinds};
use crate::notes::Notes;
use crate::tables::Table;

/// Share mislabelled where neither the person nor the kind says how many.
const DEFAULT_SHARE: f64 = 0.05;

pub(super) fn run(context: &Context, arguments: &InjectArgs) -> Result<()> {
    check_new_folder(&arguments.out)?;
    let mut notes = Notes::new();
    let table = sheets::read_rows(&arguments.sheet_file, &arguments.reading, &mut notes)?;
    let overrides = sheets::overrides(&arguments.profile, context.seed);
    let profile = Profile::choose(&table, arguments.profile.profile.as_deref(), &overrides, &mut notes)?;
    let plan = plan(arguments, &profile, &table, context)?;
    let injected = inject_sheet(&table, &profile, &plan, &mut notes)?;
    let corrupted = format!("corrupted.{}", extension(&table));
    files::write_folder(&arguments.out, |folder| write(&injected, folder, &corrupted, &mut notes))?;
    say(context, arguments, &injected, &corrupted, &notes);
    Ok(())
}

fn plan(arguments: &InjectArgs, profile: &Profile, table: &Table, context: &Context) -> Result<InjectionPlan> {
    let label = profile.label.resolve(table)?;
    let amount = |mistake: &dyn Mistake| match (arguments.rate, mistake.amount(), mistake.condition()) {
        (Some(rate), _, _) => Some(rate),
        (None, None, None) => Some(Amount::ShareOfTraining(DEFAULT_SHARE)),
        _ => None,
    };
    let mistakes = arguments.kind.iter().map(|kind| {
        let mistake = kinds::parse(kind, label.classes())?;
        let amount = amount(mistake.as_ref());
        Ok((mistake, amount))
    });
    Ok(InjectionPlan {
        mistakes: mistakes.collect::<Result<_>>()?,
        whole_groups: arguments.whole_groups,
        spare_validation: false,
        known: Known {
            share: arguments.known,
            false_share: arguments.false_flags,
            bias: Bias::parse(&arguments.bias)?,
        },
        full_rows: arguments.full_rows,
        seed: context.seed,
    })
}

/// The corrupted sheet keeps the form of the original where that can be written.
fn extension(table: &Table) -> &'static str {
    let name = table.source().file_name.to_lowercase();
    if name.ends_with(".parquet") {
        "parquet"
    } else if [".xlsx", ".xls", ".xlsb", ".ods"].iter().any(|end| name.ends_with(end)) {
        "xlsx"
    } else {
        "csv"
    }
}

/// Corrupted sheet and flags side by side, the truth in a folder of its own.
pub(super) fn write(injected: &InjectedSheet, folder: &std::path::Path, corrupted: &str, notes: &mut Notes) -> Result<()> {
    injected.corrupted.write(&folder.join(corrupted), notes)?;
    injected.flags.write(&folder.join("flags.csv"), notes)?;
    injected.truth.write(&folder.join("truth").join("true-labels.csv"), notes)?;
    injected.affected.write(&folder.join("truth").join("affected-rows.csv"), notes)?;
    let summary = serde_json::to_vec_pretty(&injected.summary).map_err(|error| Error::internal(error.to_string()))?;
    files::write_bytes(&folder.join("truth").join("injection.json"), &summary)
}

fn say(context: &Context, arguments: &InjectArgs, injected: &InjectedSheet, corrupted: &str, notes: &Notes) {
    let console = &context.console;
    let summary = &injected.summary;
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
    let sheet = arguments.out.join(corrupted);
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
        "Next, train on the corrupted sheet and repair:",
        &format!(
            "recant train {} --out model-trial\n  recant repair --model model-trial --flags {} --data {} --out model-repaired",
            sheets::shown(&sheet),
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
