//! `recant check`: rows to look up, and what the truths looked up say of a repair.

use std::path::Path;

use crate::cli::Context;
use crate::cli::arguments::CheckArgs;
use crate::cli::{imported, sheets};
use crate::commands::{CheckDraw, SheetSource, draw_check, is_imported, key_path, read_check};
use crate::error::{Error, Result};
use crate::evaluate::record::{Advice, Verdict};
use crate::evaluate::words::{count, count_of, p_value, percent, signed_points};
use crate::jobs::check::{Checked, TRUE_LABEL};
use crate::notes::Notes;

/// Level below which a printed p-value is told from.
const LEVEL: f64 = 0.05;

pub(super) fn run(context: &Context, arguments: &CheckArgs) -> Result<()> {
    match (
        &arguments.read,
        &arguments.model,
        &arguments.repaired,
        sheets::source(&arguments.data),
        &arguments.out,
    ) {
        (Some(filled), ..) => read(context, arguments, filled),
        (None, Some(old), Some(repaired), Some(data), Some(out)) => write(context, arguments, (old, repaired), data, out),
        _ => Err(
            Error::input("to draw rows, `recant check` needs both models, a sheet and a file to write")
                .hint("recant check --model OLD --repaired NEW --data SHEET --rows 30 --out check.xlsx"),
        ),
    }
}

fn write(context: &Context, arguments: &CheckArgs, (old, repaired): (&Path, &Path), data: SheetSource<'_>, out: &Path) -> Result<()> {
    if !is_imported(old) && !is_imported(repaired) {
        imported::refuse_columns(&arguments.imported)?;
    }
    let request = CheckDraw {
        model: old,
        repaired,
        sheet: data,
        plan: arguments.imported.plan(None),
        reading: sheets::read_options(&arguments.reading)?,
        rows: usize::from(arguments.rows),
        out,
        existing: arguments.force.existing(),
    };
    let found = draw_check(&context.run(&context.console.progress()), &request)?;
    let (drawn, notes) = (&found.drawn, &found.notes);
    let console = &context.console;
    console.notes(notes);
    console.item(
        "Drawn",
        format!(
            "{} of {} on which the two models differ ({} of {} rows)",
            count_of(drawn.key.drawn.len(), "row"),
            count(drawn.key.differing),
            percent(drawn.key.differing as f64 / drawn.key.rows.max(1) as f64, 1),
            count(drawn.key.rows)
        ),
    );
    console.item("Written", out.display().to_string());
    console.item(
        "Key",
        format!(
            "{} (what the models said: for the program, not for the person who looks up)",
            key_path(out).display()
        ),
    );
    console.next_step(
        &format!("Next, write the true class of each row into the column {TRUE_LABEL}, save, and:"),
        &format!("recant check --read {}", sheets::shown(out)),
    );
    console.result(&serde_json::json!({
        "out": out, "drawn": drawn.key.drawn.len(), "differing": drawn.key.differing, "rows": drawn.key.rows, "notes": notes,
    }));
    Ok(())
}

fn read(context: &Context, arguments: &CheckArgs, filled: &Path) -> Result<()> {
    let found = read_check(filled, arguments.minimum_effect)?;
    say(context, &found.checked, filled, &found.notes);
    Ok(())
}

fn say(context: &Context, checked: &Checked, filled: &Path, notes: &Notes) {
    let console = &context.console;
    console.notes(notes);
    console.heading(match checked.verdict {
        Verdict::Better => "The repair made the model better",
        Verdict::Worse => "The repair made the model worse",
        Verdict::NoChangeDetected => "No change that counts",
        Verdict::CannotBeJudged => "Not decided yet",
    });
    console.item(
        "Looked up",
        format!(
            "{} of {} rows on which the models differ: the repaired one is right in {}, the old one in {}",
            count(checked.looked_up),
            count(checked.differing),
            count(checked.fixed),
            count(checked.broken)
        ),
    );
    console.item(
        "Change",
        format!(
            "{} points of accuracy over all {} rows (exact 95 % interval {} to {}; {})",
            signed_points(checked.change.estimate, 1),
            count(checked.rows),
            signed_points(checked.change.low, 1),
            signed_points(checked.change.high, 1),
            p_value(checked.p, LEVEL)
        ),
    );
    let advice = match checked.advice {
        Advice::Use => "use the repaired model",
        Advice::Keep => "keep the old model",
        Advice::CheckFirst => "check more rows first",
    };
    console.item("Advice", advice);
    if let Some(rows) = checked.rows_to_decide {
        let all = if rows >= checked.differing { " (all of them)" } else { "" };
        console.next_step(
            &format!(
                "Next, look up about {} more{all}; the same seed draws the rows that you have, and more:",
                count_of(rows.saturating_sub(checked.looked_up).max(1), "row")
            ),
            &format!("recant check --model OLD --repaired NEW --data SHEET --rows {rows} --out more.xlsx"),
        );
    } else {
        console.next_step(
            "Next, let the truths you looked up count in the next repair:",
            &format!(
                "recant repair --model OLD --flags FLAGS --looked-up {} --data SHEET --out model-repaired",
                sheets::shown(filled)
            ),
        );
    }
    let mut value = serde_json::to_value(checked).unwrap_or_default();
    value["notes"] = serde_json::json!(notes);
    console.result(&value);
}
