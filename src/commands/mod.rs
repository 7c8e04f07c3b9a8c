//! The commands, whole: from sheets to what is written. Terminal, app and Python call these, and show what they return.
//!
//! Nothing here prints. A command checks where it will write before it works, and leaves nothing half-written behind.

mod check;
mod expand;
mod expand_images;
mod export;
mod flags;
mod imported;
mod inject;
mod inspect;
mod metric;
mod predict;
mod repair;
mod scenarios;
mod share;
mod train;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub use check::{CheckDraw, DrawnCheck, ReadCheck, draw_check, key_path, read_check, read_check_of};
pub use expand::{ExpandSheet, ExpandedSheet, LabelledSheet, SearchFrom, SuspectSheet, SuspectsOfSheet, expand_sheet, suspect_sheet};
pub use expand_images::{ExpandImages, ExpandedImages, expand_images};
pub use export::{ExportModel, WrittenExport, export_model};
pub use flags::{FlaggedRow, FlaggedSheet, flagged_rows};
pub use imported::{
    LEARNING_RATE, RepairImported, is_imported, refuse_for_imported_models, refuse_for_own_models, repair_imported, report_folder,
};
pub use inject::{InjectSheet, InjectedIntoSheet, inject_into, write_injected};
pub use inspect::{InspectSheet, InspectedSheet, inspect_sheet};
pub use metric::{COST, metric, metric_choices};
pub use predict::{PredictSheet, PredictedSheet, predict_sheet};
pub use repair::{Further, RepairSheet, RepairedSheet, WrongRows, default_evidence, repair_sheet};
pub use scenarios::{JudgeScenarios, PlanScenarios, judge_scenarios, plan_scenarios};
pub use share::share_model;
pub use train::{TrainSheet, check_new_folder, train_sheet};

use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::progress::Progress;
use crate::seed::Seed;
use crate::tables::{self, ReadOptions, Table};

/// What every command is given.
pub struct Run<'a> {
    /// Seed of all random choices.
    pub seed: Seed,
    /// Cores to use; results are the same for any number.
    pub threads: usize,
    /// The command as typed, for records; file names only.
    pub command: String,
    /// Told of progress, and asked whether to stop.
    pub progress: &'a dyn Progress,
}

/// Where a sheet comes from.
#[derive(Debug, Clone, Copy)]
pub enum SheetSource<'a> {
    /// A file, a folder or a quoted pattern.
    File(&'a Path),
    /// Files, folders or quoted patterns, read as one sheet.
    Files(&'a [PathBuf]),
    /// A table that is in memory already.
    Table(&'a Table),
}

impl<'a> SheetSource<'a> {
    /// The sheet, read as the options say.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(self, options: &ReadOptions, notes: &mut Notes) -> Result<Cow<'a, Table>> {
        match self {
            Self::File(path) => tables::read_all(&[PathBuf::from(path)], options, notes).map(Cow::Owned),
            Self::Files(paths) => tables::read_all(paths, options, notes).map(Cow::Owned),
            Self::Table(table) => Ok(Cow::Borrowed(table)),
        }
    }

    /// As [`read`](Self::read), for commands that learn from rows.
    ///
    /// # Errors
    /// Where there are no rows, too.
    pub fn read_rows(self, options: &ReadOptions, notes: &mut Notes) -> Result<Cow<'a, Table>> {
        let table = self.read(options, notes)?;
        if table.height() == 0 {
            let mut error = Error::input("the sheet has a header but no rows");
            if let Some(path) = self.path() {
                error = error.in_file(path);
            }
            return Err(match table.source().header_row {
                1 => error.hint("check that the export is complete, or name another sheet with `--sheet`"),
                row => error.hint(format!("row {row} was taken for the header; name another row with `--header-row`")),
            });
        }
        Ok(table)
    }

    /// The file, or the first of several.
    pub fn path(self) -> Option<&'a Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Files(paths) => paths.first().map(PathBuf::as_path),
            Self::Table(_) => None,
        }
    }

    fn is_file(self, other: &Path) -> bool {
        match self {
            Self::File(path) => same_file(path, other),
            Self::Files(paths) => paths.iter().any(|path| same_file(path, other)),
            Self::Table(_) => false,
        }
    }
}

/// Whether two paths name one file.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// That an output is none of the inputs.
fn refuse_overwriting(out: &Path, inputs: &[SheetSource<'_>], hint: &str) -> Result<()> {
    match inputs.iter().find(|input| input.is_file(out)) {
        Some(_) => Err(Error::input(format!("`{}` would be overwritten", out.display())).hint(hint.to_owned())),
        None => Ok(()),
    }
}

/// Last part of a path, for records.
pub(crate) fn folder_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
