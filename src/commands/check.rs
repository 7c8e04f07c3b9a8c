//! Rows to look up, and what the truths looked up say of a repair.

use std::path::{Path, PathBuf};

use super::{Run, SheetSource, refuse_overwriting};
use crate::error::{Error, Result};
use crate::files::{self, Existing};
use crate::jobs::check::{AnswerKey, Checked, Drawn, TRUE_LABEL, draw, judge, sayings, sayings_of_files, truths};
use crate::jobs::imported::SheetPlan;
use crate::jobs::rows::{JudgedRows, TrainingSheet, judged_from_sheet};
use crate::label_errors::flags::ResolvedFlags;
use crate::model::ModelFolder;
use crate::notes::Notes;
use crate::onnx::Model;
use crate::tables::{self, ReadOptions, Table, WriteOptions};

/// What to draw rows from.
pub struct CheckDraw<'a> {
    /// The model before the repair.
    pub model: &'a Path,
    /// The repaired model.
    pub repaired: &'a Path,
    /// How the sheet is read for models that were trained elsewhere.
    pub plan: SheetPlan,
    /// The sheet to draw from.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Rows to draw.
    pub rows: usize,
    /// File to write; the key is written beside it.
    pub out: &'a Path,
    /// What to do with files that are there already.
    pub existing: Existing,
}

/// Rows drawn.
pub struct DrawnCheck {
    /// The sheet to fill in, and its key.
    pub drawn: Drawn,
    /// What was noticed.
    pub notes: Notes,
}

/// Where the answers are kept: beside the sheet, and not in it.
pub fn key_path(sheet: &Path) -> PathBuf {
    let name = sheet
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    sheet.with_file_name(format!("{name}.key.json"))
}

/// Draws rows on which two models differ, and writes them with an empty column for the truth.
///
/// # Errors
/// Where models or sheet cannot be used, the models never differ, or a file cannot be written.
pub fn draw_check(run: &Run, request: &CheckDraw) -> Result<DrawnCheck> {
    let out = request.out;
    refuse_overwriting(out, &[request.sheet], "give another name with `--out check.xlsx`")?;
    files::check_new_file(out, request.existing)?;
    files::check_new_file(&key_path(out), request.existing)?;
    let mut notes = Notes::new();
    let drawn = match super::is_imported(request.model) || super::is_imported(request.repaired) {
        true => {
            let layers = &request.plan.layers;
            let (old, repaired) = (Model::read(request.model, layers)?, Model::read(request.repaired, layers)?);
            let table = request.sheet.read_rows(&request.reading, &mut notes)?;
            let said = sayings_of_files(&table, (&old, &repaired), &request.plan, run.threads, &mut notes)?;
            notes.add(
                "all-rows-drawn-from",
                "a file of a model does not tell which rows it was trained on",
                "rows are drawn from the whole sheet: give rows that it was not trained on",
            );
            draw(&table, &said, request.rows, run.seed)?
        }
        false => {
            let (old, _) = ModelFolder::load(request.model)?;
            let (repaired, _) = ModelFolder::load(request.repaired)?;
            let table = request.sheet.read(&request.reading, &mut notes)?;
            let rows = rows_to_judge(&table, &old, &mut notes)?;
            let said = sayings(&rows, (&old, &repaired), run.threads)?;
            draw(&table, &said, request.rows, run.seed)?
        }
    };
    let options = WriteOptions {
        choices: vec![(TRUE_LABEL.to_owned(), drawn.key.classes.clone())],
        existing: request.existing,
        ..WriteOptions::default()
    };
    drawn.sheet.write_with(out, &options, &mut notes)?;
    let key = serde_json::to_vec_pretty(&drawn.key).map_err(|error| Error::internal(format!("the key cannot be written: {error}")))?;
    files::write_bytes(&key_path(out), &key)?;
    Ok(DrawnCheck { drawn, notes })
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

/// A filled-in check, read back.
pub struct ReadCheck {
    /// The change that the repair makes, with its interval.
    pub checked: Checked,
    /// What was noticed.
    pub notes: Notes,
}

/// Reads a filled-in check and judges the repair by it.
///
/// # Errors
/// Where the sheet or its key cannot be read, or no truth was filled in.
pub fn read_check(filled: &Path, minimum_effect: f64) -> Result<ReadCheck> {
    read_check_of(filled, filled, minimum_effect)
}

/// The same of a filled-in copy under another name than that of the sheet that was `drawn`, beside which the key lies.
///
/// # Errors
/// As [`read_check`].
pub fn read_check_of(drawn: &Path, filled: &Path, minimum_effect: f64) -> Result<ReadCheck> {
    let mut notes = Notes::new();
    let key = read_key(drawn)?;
    let sheet = tables::read(filled, &ReadOptions::default(), &mut notes)?;
    let found = truths(&sheet, &key, &mut notes)?;
    let checked = judge(&key, &found, minimum_effect).map_err(|error| error.in_file(filled))?;
    Ok(ReadCheck { checked, notes })
}

fn read_key(drawn: &Path) -> Result<AnswerKey> {
    let path = key_path(drawn);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Error::io("read the key", &path, &error).hint(format!(
            "it was written beside the sheet; keep `{}` under its name",
            path.file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        ))
    })?;
    serde_json::from_str(&text).map_err(|error| {
        Error::input(format!("this is not the key of a check, or it was altered: {error}"))
            .in_file(&path)
            .hint("draw rows again with `recant check --model OLD --repaired NEW --data SHEET --out check.xlsx`")
    })
}

/// The truths of a filled-in check as the next repair takes them.
pub(super) fn looked_up(filled: &Path, model: &ModelFolder, flags: &mut ResolvedFlags, notes: &mut Notes) -> Result<()> {
    let key = read_key(filled)?;
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
