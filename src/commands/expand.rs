//! Further rows that are probably wrong: like the flagged ones, or suspect without any flag.

use std::path::Path;

use super::repair::{FlagsOf, WrongRows};
use super::{Run, SheetSource, refuse_overwriting};
use crate::error::Result;
use crate::files::{self, Existing};
use crate::jobs::expand::{self as job, Search};
use crate::jobs::rows::TrainingSheet;
use crate::label_errors::flags::FlagOptions;
use crate::label_errors::proposals::{Ticks, manner};
use crate::label_errors::suspects::Suspects;
use crate::label_errors::{ExpandOptions, Expansion};
use crate::model::ModelFolder;
use crate::notes::Notes;
use crate::tables::{ReadOptions, Table, WriteOptions};

const ANOTHER_NAME: &str = "give another name with `--out proposals.xlsx`";

/// What to look for further wrong rows in.
pub struct ExpandSheet<'a> {
    /// The sheet that the model was trained on.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Model folder.
    pub model: &'a Path,
    /// The flagged rows.
    pub flags: WrongRows<'a>,
    /// How to read a flag file.
    pub flag_options: FlagOptions,
    /// Worksheet of the flag file.
    pub flags_sheet: Option<String>,
    /// Whether rows that contradict something are ticked as well.
    pub tick_contradictions: bool,
    /// Whether doubtful rows are ticked, at random with their chance of being wrong.
    pub tick_doubtful: bool,
    /// File to write, where one is wanted.
    pub out: Option<&'a Path>,
    /// What to do with a file that is there already.
    pub existing: Existing,
}

/// What was found.
pub struct ExpandedSheet {
    /// Rules and rows.
    pub found: Expansion,
    /// The rows, to look at and to tick.
    pub proposals: Table,
    /// What was noticed.
    pub notes: Notes,
}

/// Looks for rows that are wrong like the flagged ones, and writes them.
///
/// # Errors
/// Where sheet, model or flags cannot be used, or the file cannot be written.
pub fn expand_sheet(run: &Run, request: &ExpandSheet) -> Result<ExpandedSheet> {
    if let Some(out) = request.out {
        let mut inputs = vec![request.sheet];
        inputs.extend(request.flags.source());
        refuse_overwriting(out, &inputs, ANOTHER_NAME)?;
        files::check_new_file(out, request.existing)?;
    }
    let mut notes = Notes::new();
    let (model, _) = ModelFolder::load(request.model)?;
    let table = request.sheet.read(&request.reading, &mut notes)?;
    let flags = FlagsOf {
        wrong: request.flags,
        options: &request.flag_options,
        worksheet: request.flags_sheet.as_deref(),
        reading: &request.reading,
        model: &model,
        sheet: Some((request.sheet, &table)),
    };
    let (_, resolved) = flags.find(&mut notes)?;
    let sheet = TrainingSheet::read(&table, &model, &mut notes)?;
    let search = Search {
        model: &model,
        table: &table,
        sheet: &sheet,
        seed: run.seed,
        threads: run.threads,
    };
    let found = job::expand(&search, &resolved, &ExpandOptions::default(), &mut notes, run.progress)?;
    let ticks = Ticks {
        contradictions: request.tick_contradictions,
        drawn: request.tick_doubtful.then_some(run.seed),
    };
    let proposals = job::proposal_sheet(&search, &resolved, &found, ticks)?;
    write(&proposals, &table, &model, (request.out, request.existing), &mut notes)?;
    Ok(ExpandedSheet { found, proposals, notes })
}

/// What to look for suspects in.
pub struct SuspectSheet<'a> {
    /// The sheet that the model was trained on.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Model folder.
    pub model: &'a Path,
    /// Parts that the rows are cut into, each judged by a model trained on the others.
    pub folds: usize,
    /// File to write, where one is wanted.
    pub out: Option<&'a Path>,
    /// What to do with a file that is there already.
    pub existing: Existing,
}

/// What was found.
pub struct SuspectsOfSheet {
    /// The suspects, worst first.
    pub found: Suspects,
    /// Classes of the model.
    pub classes: Vec<String>,
    /// The rows, to look at and to tick.
    pub proposals: Table,
    /// What was noticed.
    pub notes: Notes,
}

/// Ranks likely label errors without any flags, and writes them.
///
/// # Errors
/// Where sheet or model cannot be used, or the file cannot be written.
pub fn suspect_sheet(run: &Run, request: &SuspectSheet) -> Result<SuspectsOfSheet> {
    if let Some(out) = request.out {
        refuse_overwriting(out, &[request.sheet], ANOTHER_NAME)?;
        files::check_new_file(out, request.existing)?;
    }
    let mut notes = Notes::new();
    let (model, _) = ModelFolder::load(request.model)?;
    let table = request.sheet.read(&request.reading, &mut notes)?;
    let sheet = TrainingSheet::read(&table, &model, &mut notes)?;
    let search = Search {
        model: &model,
        table: &table,
        sheet: &sheet,
        seed: run.seed,
        threads: run.threads,
    };
    let found = job::suspects(&search, request.folds, run.progress)?;
    let proposals = job::suspect_sheet(&search, &found)?;
    write(&proposals, &table, &model, (request.out, request.existing), &mut notes)?;
    Ok(SuspectsOfSheet {
        found,
        classes: model.info.classes.clone(),
        proposals,
        notes,
    })
}

fn write(
    proposals: &Table,
    table: &Table,
    model: &ModelFolder,
    (out, existing): (Option<&Path>, Existing),
    notes: &mut Notes,
) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    let manner = WriteOptions {
        existing,
        ..manner(table, &model.info.classes, out)
    };
    proposals.write_with(out, &manner, notes)
}
