//! Further rows that are probably wrong: like the flagged ones, or suspect without any flag.

use std::path::Path;

use super::repair::{FlagsOf, WrongRows};
use super::{Run, SheetSource, refuse_overwriting};
use crate::error::{Error, Result};
use crate::features::LabelRule;
use crate::files::{self, Existing};
use crate::jobs::alone::{SheetAlone, SheetLabels};
use crate::jobs::expand::{self as job, Search};
use crate::jobs::rows::TrainingSheet;
use crate::label_errors::flags::{FlagOptions, RowIndex};
use crate::label_errors::proposals::{Ticks, manner};
use crate::label_errors::suspects::Suspects;
use crate::label_errors::{ExpandOptions, Expansion};
use crate::model::ModelFolder;
use crate::notes::Notes;
use crate::onnx::{Layers, Model, is_state_dict};
use crate::tables::{ReadOptions, Rule, Table, WriteOptions};

const ANOTHER_NAME: &str = "give another name with `--out proposals.xlsx`";

/// What a search for wrong rows starts from.
#[derive(Debug, Clone, Copy)]
pub enum SearchFrom<'a> {
    /// A model folder that was trained on the sheet.
    Model(&'a Path),
    /// A sheet whose model Recant did not train.
    Labels(LabelledSheet<'a>),
}

/// A sheet whose model Recant did not train.
#[derive(Debug, Clone, Copy)]
pub struct LabelledSheet<'a> {
    /// Column of the class.
    pub label: &'a str,
    /// Column that names rows, where there is one.
    pub key: Option<&'a str>,
    /// The model's file, where it is at hand: its classes must be those of the sheet.
    pub model: Option<&'a Path>,
    /// Class names; empty: those in the model's file, or the values of the label column.
    pub classes: &'a [String],
    /// Probabilities by models that did not see the row, where the person has them.
    pub probabilities: Option<SheetSource<'a>>,
}

/// A model folder, or a sheet alone.
enum Base {
    Folder(Box<ModelFolder>),
    Alone(Box<SheetAlone>, Option<Vec<f32>>),
}

impl Base {
    /// What is known before the sheet is read.
    fn folder(from: SearchFrom<'_>) -> Result<Option<Box<ModelFolder>>> {
        match from {
            SearchFrom::Model(path) => Ok(Some(Box::new(ModelFolder::load(path)?.0))),
            SearchFrom::Labels(_) => Ok(None),
        }
    }

    fn of(
        folder: Option<Box<ModelFolder>>,
        from: SearchFrom<'_>,
        table: &Table,
        reading: &ReadOptions,
        run: &Run,
        notes: &mut Notes,
    ) -> Result<Self> {
        match (folder, from) {
            (Some(folder), _) => Ok(Self::Folder(folder)),
            (None, SearchFrom::Labels(labels)) => Self::alone(&labels, table, reading, run, notes),
            (None, SearchFrom::Model(_)) => Err(Error::internal("a model folder that was not read")),
        }
    }

    fn alone(labels: &LabelledSheet, table: &Table, reading: &ReadOptions, run: &Run, notes: &mut Notes) -> Result<Self> {
        // A state_dict does not hold the names of its classes.
        let model = labels.model.filter(|path| !is_state_dict(path));
        let model = model.map(|path| Model::read(path, &Layers::default())).transpose()?;
        let stated = (!labels.classes.is_empty()).then_some(labels.classes);
        let known = SheetLabels {
            label: labels.label,
            key: labels.key,
            classes: stated.or_else(|| model.as_ref()?.class_names()),
        };
        let alone = SheetAlone::read(table, known, run.seed, run.threads, notes)?;
        let said = match labels.probabilities {
            None => {
                notes.add(
                    "judged-by-own-networks",
                    "the model was trained on these labels and would confirm them",
                    "small networks that Recant trains on parts of the sheet judge the rows; `--probabilities FILE` takes out-of-sample \
                     probabilities of yours",
                );
                None
            }
            Some(source) => {
                let given = source.read_rows(reading, notes)?;
                Some(alone.probabilities(&given, table, labels.key, notes)?)
            }
        };
        Ok(Self::Alone(Box::new(alone), said))
    }

    fn index(&self) -> &RowIndex {
        match self {
            Self::Folder(model) => &model.rows,
            Self::Alone(alone, _) => &alone.index,
        }
    }

    fn label(&self) -> &LabelRule {
        match self {
            Self::Folder(model) => &model.profile.label,
            Self::Alone(alone, _) => &alone.sheet.prepared.profile.label,
        }
    }

    fn inputs(&self) -> Vec<&str> {
        match self {
            Self::Folder(model) => model.features.source_columns(),
            Self::Alone(alone, _) => alone.sheet.prepared.features.source_columns(),
        }
    }

    fn classes(&self) -> &[String] {
        self.label().classes()
    }

    /// The model folder's rows of the sheet; `None` for a sheet alone, which is read already.
    fn sheet(&self, table: &Table, notes: &mut Notes) -> Result<Option<TrainingSheet>> {
        match self {
            Self::Folder(model) => TrainingSheet::read(table, model, notes).map(Some),
            Self::Alone(..) => Ok(None),
        }
    }

    fn search<'a>(&'a self, sheet: Option<&'a TrainingSheet>, table: &'a Table, run: &Run) -> Result<Search<'a>> {
        match (self, sheet) {
            (Self::Folder(model), Some(sheet)) => Ok(Search::of_model(model, table, sheet, run.seed, run.threads)),
            (Self::Alone(alone, said), _) => Ok(Search::of_sheet(alone, said.as_deref(), table, run.seed, run.threads)),
            (Self::Folder(_), None) => Err(Error::internal("a model folder without its sheet")),
        }
    }
}

/// What to look for further wrong rows in.
pub struct ExpandSheet<'a> {
    /// The sheet that the model was trained on.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// What is known of the sheet.
    pub from: SearchFrom<'a>,
    /// The flagged rows.
    pub flags: WrongRows<'a>,
    /// How to read a flag file.
    pub flag_options: FlagOptions,
    /// Worksheet of the flag file.
    pub flags_sheet: Option<String>,
    /// The rows that somebody looked at for errors, where these are not all.
    pub checked: Option<Rule>,
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
    let folder = Base::folder(request.from)?;
    let table = request.sheet.read(&request.reading, &mut notes)?;
    let base = Base::of(folder, request.from, &table, &request.reading, run, &mut notes)?;
    let flags = FlagsOf {
        wrong: request.flags,
        options: &request.flag_options,
        worksheet: request.flags_sheet.as_deref(),
        reading: &request.reading,
        index: base.index(),
        label: base.label(),
        inputs: base.inputs(),
        sheet: Some((request.sheet, &table)),
        sheet_columns: None,
    };
    let (_, resolved) = flags.find(&mut notes)?;
    let sheet = base.sheet(&table, &mut notes)?;
    let search = base.search(sheet.as_ref(), &table, run)?;
    let options = ExpandOptions {
        checked: request.checked.clone(),
        ..ExpandOptions::default()
    };
    let found = job::expand(&search, &resolved, &options, &mut notes, run.progress)?;
    let ticks = Ticks {
        contradictions: request.tick_contradictions,
        drawn: request.tick_doubtful.then_some(run.seed),
    };
    let proposals = job::proposal_sheet(&search, &resolved, &found, ticks)?;
    write(&proposals, &table, base.classes(), (request.out, request.existing), &mut notes)?;
    Ok(ExpandedSheet { found, proposals, notes })
}

/// What to look for suspects in.
pub struct SuspectSheet<'a> {
    /// The sheet that the model was trained on.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// What is known of the sheet.
    pub from: SearchFrom<'a>,
    /// Parts that the rows are cut into, each judged by a model trained on the others.
    pub folds: usize,
    /// Whether every training row is listed, not only the suspects.
    pub all: bool,
    /// File to write, where one is wanted.
    pub out: Option<&'a Path>,
    /// What to do with a file that is there already.
    pub existing: Existing,
}

/// What was found.
pub struct SuspectsOfSheet {
    /// The rows by how much their label is doubted, and which are suspects.
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
    let folder = Base::folder(request.from)?;
    let table = request.sheet.read(&request.reading, &mut notes)?;
    let base = Base::of(folder, request.from, &table, &request.reading, run, &mut notes)?;
    let sheet = base.sheet(&table, &mut notes)?;
    let search = base.search(sheet.as_ref(), &table, run)?;
    let found = job::suspects(&search, request.folds, run.progress)?;
    let proposals = job::suspect_sheet(&search, &found, request.all)?;
    write(&proposals, &table, base.classes(), (request.out, request.existing), &mut notes)?;
    Ok(SuspectsOfSheet {
        found,
        classes: base.classes().to_vec(),
        proposals,
        notes,
    })
}

fn write(
    proposals: &Table,
    table: &Table,
    classes: &[String],
    (out, existing): (Option<&Path>, Existing),
    notes: &mut Notes,
) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    let manner = WriteOptions {
        existing,
        ..manner(table, classes, out)
    };
    proposals.write_with(out, &manner, notes)
}
