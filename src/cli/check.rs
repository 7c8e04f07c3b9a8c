//! `recant check`: rows to look up, and what the truths looked up say of a repair.

use std::path::{Path, PathBuf};

use crate::cli::Context;
use crate::cli::arguments::CheckArgs;
use crate::cli::sheets;
use crate::error::{Error, Result};
use crate::evaluate::record::{Advice, Verdict};
use crate::evaluate::words::{count, count_of, p_value, percent, signed_points};
use crate::files;
use crate::jobs::check::{AnswerKey, Checked, TRUE_LABEL, draw, judge, truths};
use crate::jobs::rows::{JudgedRows, TrainingSheet, judged_from_sheet};
use crate::label_errors::flags::ResolvedFlags;
use crate::model::ModelFolder;
use crate::notes::Notes;
use crate::tables::{self, ReadOptions, Table, WriteOptions};

/// Level below which a printed p-value is told from.
const LEVEL: f64 = 0.05;

pub(super) fn run(context: &Context, arguments: &CheckArgs) -> Result<()> {
    match (
        &arguments.read,
        &arguments.model,
        &arguments.repaired,
        &arguments.data,
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

/// Where the answers are kept: beside the sheet, and not in it.
fn key_path(sheet: &Path) -> PathBuf {
    let name = sheet
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    sheet.with_file_name(format!("{name}.key.json"))
}

fn write(context: &Context, arguments: &CheckArgs, (old, repaired): (&Path, &Path), data: &Path, out: &Path) -> Result<()> {
    tables::check_writable_name(out)?;
    files::check_place(out)?;
    if matches!((out.canonicalize(), data.canonicalize()), (Ok(a), Ok(b)) if a == b) {
        return Err(Error::input(format!("`{}` would be overwritten", data.display())).hint("give another name with `--out check.xlsx`"));
    }
    let mut notes = Notes::new();
    let (old, _) = ModelFolder::load(old)?;
    let (repaired, _) = ModelFolder::load(repaired)?;
    let table = sheets::read(data, &arguments.reading, &mut notes)?;
    let rows = rows_to_judge(&table, &old, &mut notes)?;
    let drawn = draw(
        &table,
        &rows,
        (&old, &repaired),
        usize::from(arguments.rows),
        context.seed,
        context.threads,
    )?;
    let options = WriteOptions {
        choices: vec![(TRUE_LABEL.to_owned(), drawn.key.classes.clone())],
        ..WriteOptions::default()
    };
    drawn.sheet.write_with(out, &options, &mut notes)?;
    let key = serde_json::to_vec_pretty(&drawn.key).map_err(|error| Error::internal(format!("the key cannot be written: {error}")))?;
    files::write_bytes(&key_path(out), &key)?;
    let console = &context.console;
    console.notes(&notes);
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

/// Rows of the sheet that the model was neither trained on nor chosen by.
fn rows_to_judge(table: &Table, model: &ModelFolder, notes: &mut Notes) -> Result<JudgedRows> {
    let none = ResolvedFlags::none(&model.rows);
    let same = table.source().sha256 == model.info.data.sha256;
    if same {
        let sheet = TrainingSheet::read(table, model, notes)?;
        return sheet.test(table, &none).ok_or_else(|| {
            Error::input("the model was trained on all rows of this sheet, so none of them can judge it")
                .in_file(&table.source().file_name)
                .hint("give a sheet of other rows with `--data SHEET`")
        });
    }
    judged_from_sheet(table, model, &none, notes)
}

fn read(context: &Context, arguments: &CheckArgs, filled: &Path) -> Result<()> {
    let path = key_path(filled);
    let mut notes = Notes::new();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Error::io("read the key", &path, &error).hint(format!(
            "it was written beside the sheet; keep `{}` under its name",
            path.file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        ))
    })?;
    let key: AnswerKey = serde_json::from_str(&text).map_err(|error| {
        Error::input(format!("this is not the key of a check, or it was altered: {error}"))
            .in_file(&path)
            .hint("draw rows again with `recant check --model OLD --repaired NEW --data SHEET --out check.xlsx`")
    })?;
    let sheet = tables::read(filled, &ReadOptions::default(), &mut notes)?;
    let found = truths(&sheet, &key, &mut notes)?;
    let checked = judge(&key, &found, arguments.minimum_effect).map_err(|error| error.in_file(filled))?;
    say(context, &checked, filled, &notes);
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

/// The truths of a filled-in check as the next repair takes them.
pub(super) fn looked_up(filled: &Path, model: &ModelFolder, flags: &mut ResolvedFlags, notes: &mut Notes) -> Result<()> {
    let path = key_path(filled);
    let text = std::fs::read_to_string(&path).map_err(|error| Error::io("read the key", &path, &error))?;
    let key: AnswerKey =
        serde_json::from_str(&text).map_err(|error| Error::input(format!("not the key of a check: {error}")).in_file(&path))?;
    if key.sheet_sha256 != model.info.data.sha256 || key.classes != model.info.classes {
        return Err(Error::input(format!(
            "these rows were drawn from `{}`, not from the sheet that the model was trained on",
            key.sheet
        ))
        .in_file(filled)
        .hint("leave out `--looked-up`, or draw rows from the training sheet with `recant check`"));
    }
    let sheet = tables::read(filled, &ReadOptions::default(), notes)?;
    let found = truths(&sheet, &key, notes)?;
    for (row, label) in found {
        flags.look_up(&model.rows, key.drawn[row - 1].sheet_row, label);
    }
    Ok(())
}
