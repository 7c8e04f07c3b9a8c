//! Repairing a model with a list of wrong rows, with its report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::check::looked_up;
use super::{Run, SheetSource, check_new_folder};
use crate::error::{Error, Result};
use crate::evaluate::known_class;
use crate::evaluate::record::{EvaluationSettings, RepairRecord, Timings};
use crate::evaluate::words::{count, count_of};
use crate::features::LabelRule;
use crate::files;
use crate::jobs::expand;
use crate::jobs::repair::{RepairJob, Repaired, methods, run as run_job};
use crate::jobs::rows::{JudgedRows, TrainingSheet, flagged_from_file, judged_from_model, judged_from_sheet};
use crate::jobs::save::save_repaired;
use crate::jobs::trust::{Evidence, Suspicion, quiet_search, warn};
use crate::label_errors::flags::{self, FlagOptions, FlagPlace, FlagSource, Part, ReadFlags, ResolvedFlags, RowIndex};
use crate::label_errors::sheet::SHEET_ROW;
use crate::label_errors::{ExpandOptions, Expansion};
use crate::model::ModelFolder;
use crate::notes::Notes;
use crate::repair::RepairOptions;
use crate::report;
use crate::seed::Seed;
use crate::tables::{self, ReadOptions, Table};

/// Which rows are wrong.
#[derive(Debug, Clone, Copy)]
pub enum WrongRows<'a> {
    /// A flag file.
    Flags(&'a Path),
    /// Flags in a table that is in memory already.
    FlagTable(&'a Table),
    /// Keys of the rows: values of the key column that the flag options name, else of the model's.
    Keys(&'a [String]),
    /// A corrected copy of the sheet.
    Corrected(SheetSource<'a>),
}

impl<'a> WrongRows<'a> {
    /// The sheet that they are in; none for keys alone.
    pub(super) fn source(self) -> Option<SheetSource<'a>> {
        match self {
            Self::Flags(path) => Some(SheetSource::File(path)),
            Self::FlagTable(table) => Some(SheetSource::Table(table)),
            Self::Corrected(source) => Some(source),
            Self::Keys(_) => None,
        }
    }
}

/// What to repair, and with what.
pub struct RepairSheet<'a> {
    /// Model folder.
    pub model: &'a Path,
    /// Which rows are wrong.
    pub wrong: WrongRows<'a>,
    /// How to read a flag file.
    pub flag_options: FlagOptions,
    /// Worksheet of the flag file.
    pub flags_sheet: Option<String>,
    /// The sheet that the model was trained on.
    pub data: Option<SheetSource<'a>>,
    /// A sheet to judge by.
    pub test: Option<SheetSource<'a>>,
    /// How to read the sheets.
    pub reading: ReadOptions,
    /// A filled-in check, whose truths count.
    pub looked_up: Option<&'a Path>,
    /// For trials: which rows the errors could have hit.
    pub affected: Option<&'a Path>,
    /// Whether to look for further wrong rows.
    pub expand: bool,
    /// Name of a method, `auto` or `all`.
    pub method: &'a str,
    /// Settings of the methods.
    pub options: RepairOptions,
    /// What counts as evidence; the group column is the model's.
    pub evidence: EvaluationSettings,
    /// Model folder to make, where one is wanted.
    pub out: Option<&'a Path>,
}

/// A finished repair.
pub struct RepairedSheet {
    /// Model, record and timings.
    pub repaired: Repaired,
    /// What a search for further wrong rows found, where one was wanted.
    pub expansion: Option<Expansion>,
}

/// What counts as evidence where the person does not say.
pub fn default_evidence(seed: Seed) -> EvaluationSettings {
    EvaluationSettings {
        minimum_effect: 0.001,
        significance: 0.05,
        resamples: 10_000,
        group_column: None,
        seed: seed.0,
        metric: crate::evaluate::Metric::Accuracy,
        matters: Vec::new(),
    }
}

/// That what counts is about classes that the model knows.
pub(super) fn check_evidence(evidence: &EvaluationSettings, classes: &[String]) -> Result<()> {
    evidence.metric.check(classes)?;
    evidence.matters.iter().try_for_each(|class| known_class(class, classes))
}

/// Repairs a model, and writes it with its report.
///
/// # Errors
/// Where model, flags or sheets cannot be used, `out` exists, or the person stops it.
pub fn repair_sheet(run: &Run, request: &RepairSheet) -> Result<RepairedSheet> {
    if let Some(out) = request.out {
        check_new_folder(out)?;
    }
    let mut notes = Notes::new();
    let (model, origin) = ModelFolder::load(request.model)?;
    check_evidence(&request.evidence, &model.info.classes)?;
    let data = request.data.map(|source| source.read(&request.reading, &mut notes)).transpose()?;
    let flags = FlagsOf {
        wrong: request.wrong,
        options: &request.flag_options,
        worksheet: request.flags_sheet.as_deref(),
        reading: &request.reading,
        index: &model.rows,
        label: &model.profile.label,
        inputs: model.features.source_columns(),
        sheet: request.data.zip(data.as_deref()),
    };
    let (read_flags, mut resolved) = flags.find(&mut notes)?;
    if let Some(filled) = request.looked_up {
        looked_up(filled, &model, &mut resolved, &mut notes)?;
    }
    let sheet = data
        .as_deref()
        .map(|table| TrainingSheet::read(table, &model, &mut notes))
        .transpose()?;
    let typed = resolved.clone();
    let with_data: Option<(&TrainingSheet, &Table)> = sheet.as_ref().zip(data.as_deref());
    let found = search(run, request, &typed, &model, with_data, &mut notes)?;
    let resolved = match (&found, &sheet) {
        (Some(found), Some(sheet)) if request.expand => expand::with_pattern(&typed, found, &model, sheet, run.seed),
        (Some(found), _) if request.method == "auto" => learnt_as_likeliest(&typed, found, &model.info.classes, &mut notes),
        _ => resolved,
    };
    let flagged = match &sheet {
        Some(sheet) => sheet.flagged(&resolved, model.features.width()),
        None => flagged_from_file(&read_flags.file, &read_flags.table, &resolved, &model, &mut notes)?,
    };
    let test_table = request.test.map(|source| source.read(&request.reading, &mut notes)).transpose()?;
    let mut test = match (&test_table, with_data) {
        (Some(table), _) => Some(judged_from_sheet(table, &model, &resolved, &mut notes)?),
        (None, Some((sheet, table))) => sheet.test(table, &resolved),
        (None, None) => judged_from_model(&model, Part::Test, &resolved),
    };
    let mut validation = match with_data {
        Some((sheet, table)) => sheet.validation(table, &resolved),
        None => judged_from_model(&model, Part::Validation, &resolved),
    };
    let affected = match (request.affected, &test) {
        (Some(path), Some(test)) => Some(affected(path, test, &mut notes)?),
        _ => None,
    };
    let suspicion = find_suspicion(run, &model, with_data, &typed, found.as_ref())?;
    let expansion = found.filter(|_| request.expand);
    if let Some(rows) = validation.as_mut() {
        suspicion.sort(rows, run.threads)?;
        warn(rows, "validation rows", suspicion.words(), &mut notes);
    }
    // The person vouches for a sheet of its own.
    if let Some(rows) = test.as_mut().filter(|_| test_table.is_none()) {
        suspicion.sort(rows, run.threads)?;
        warn(rows, "test rows", suspicion.words(), &mut notes);
    }
    let methods = methods(request.method, sheet.is_some(), &model, &mut notes)?;
    let job = RepairJob {
        model: &model,
        model_name: origin.name.clone(),
        flags: &resolved,
        flagged,
        training: sheet.as_ref().map(|sheet| sheet.data.clone()),
        test,
        validation,
        pattern: suspicion.words().map(str::to_owned),
        label_alone: suspicion.is_of_a_label_alone(),
        affected,
        auto: request.method == "auto",
        methods,
        options: request.options.clone(),
        settings: EvaluationSettings {
            group_column: model.profile.group.clone(),
            ..request.evidence.clone()
        },
        command: run.command.clone(),
        threads: run.threads,
    };
    let mut repaired = run_job(&job, &mut notes, run.progress)?;
    if let Some(found) = &expansion {
        expand::record(found, &typed, &resolved, &mut repaired.record);
    } else {
        expand::show_only_typed(&typed, &resolved, &mut repaired.record);
    }
    if let Some(out) = request.out {
        let flags_sha256 = &read_flags.table.source().sha256;
        save_repaired(&repaired, &job, &origin, flags_sha256, out, |folder| {
            write_report(&folder.join("report"), &repaired.record, &repaired.timings)
        })?;
    }
    Ok(RepairedSheet { repaired, expansion })
}

/// The flagged rows in any form, and what is known about them.
pub(super) struct FlagsOf<'a> {
    pub wrong: WrongRows<'a>,
    pub options: &'a FlagOptions,
    /// Worksheet of a flag file.
    pub worksheet: Option<&'a str>,
    /// How the sheets are read.
    pub reading: &'a ReadOptions,
    /// The rows that the model was trained on.
    pub index: &'a RowIndex,
    /// How labels are read.
    pub label: &'a LabelRule,
    /// Columns of the inputs.
    pub inputs: Vec<&'a str>,
    /// The training sheet, where it is at hand.
    pub sheet: Option<(SheetSource<'a>, &'a Table)>,
}

impl FlagsOf<'_> {
    /// Finds the flagged rows among those of the model.
    pub(super) fn find(&self, notes: &mut Notes) -> Result<(ReadFlags, ResolvedFlags)> {
        match self.wrong {
            WrongRows::Corrected(source) => {
                let corrected = source.read(self.reading, notes)?.into_owned();
                let sheet = self.sheet.map(|(_, table)| table);
                flags::find_corrected(corrected, self.index, self.label, sheet, notes)
            }
            WrongRows::Flags(path) => {
                // Flags in the sheet itself are on the worksheet that the sheet is read from.
                let own_sheet = self
                    .sheet
                    .is_some_and(|(source, _)| source.is_file(path))
                    .then(|| self.reading.sheet.clone())
                    .flatten();
                let reading = ReadOptions {
                    sheet: self.worksheet.map(str::to_owned).or(own_sheet),
                    ..ReadOptions::default()
                };
                self.find_in(FlagPlace::File { path, reading: &reading }, notes)
            }
            WrongRows::FlagTable(table) => self.find_in(FlagPlace::Table(table), notes),
            WrongRows::Keys(keys) => self.find_in(FlagPlace::Table(&self.table_of(keys)?), notes),
        }
    }

    fn find_in(&self, place: FlagPlace<'_>, notes: &mut Notes) -> Result<(ReadFlags, ResolvedFlags)> {
        let source = FlagSource {
            place,
            options: self.options,
            index: self.index,
            label: Some(self.label),
            inputs: &self.inputs,
            sheet: self.sheet.map(|(_, table)| table),
        };
        flags::find(&source, notes)
    }

    /// Keys as a table of one column.
    fn table_of(&self, keys: &[String]) -> Result<Table> {
        let of_numbers = self.options.numbering.map(|_| SHEET_ROW);
        let column = self.options.key.as_deref().or(of_numbers).or(self.index.key_column());
        let column = column.ok_or_else(|| {
            Error::input("the model was trained without a key column, so keys alone name no rows").hint(
                "say what they are: `--key COLUMN` for a column of the sheet given with `--data`, `--row-numbers from-0` for row numbers from 0",
            )
        })?;
        Table::new("flags", keys.len()).with_column(column, keys.iter().cloned().map(Some).collect())
    }
}

/// Which rows to judge by are under suspicion, by what the flags have in common.
fn find_suspicion(
    run: &Run,
    model: &ModelFolder,
    sheet: Option<(&TrainingSheet, &Table)>,
    flags: &ResolvedFlags,
    found: Option<&Expansion>,
) -> Result<Suspicion> {
    let evidence = Evidence {
        model,
        sheet,
        flags,
        found,
        seed: run.seed,
        threads: run.threads,
    };
    Suspicion::find(&evidence, run.progress)
}

/// Which of the test rows an error could have hit, by the file that `recant inject` wrote, and a name for them.
fn affected(path: &Path, test: &JudgedRows, notes: &mut Notes) -> Result<(Vec<bool>, String)> {
    let table = tables::read(path, &ReadOptions::default(), notes)?;
    let rows = table.numbers(SHEET_ROW, notes)?;
    let parts = table.texts("part")?;
    let numbers = test.numbers.as_deref().ok_or_else(|| {
        Error::input("the test rows have no row numbers to match `--affected` with").hint("give the sheet itself: `--data SHEET`")
    })?;
    let of_test = |index: usize| {
        parts
            .codes
            .get(index)
            .and_then(|code| parts.values.get(*code as usize))
            .is_some_and(|part| part == "test")
    };
    let hit: BTreeSet<usize> = rows
        .iter()
        .enumerate()
        .filter(|(index, _)| of_test(*index))
        .filter_map(|(_, row)| row.map(|row| row as usize))
        .collect();
    let marks: Vec<bool> = numbers.iter().map(|number| hit.contains(number)).collect();
    if !marks.contains(&true) {
        return Err(Error::input("none of the test rows is among the affected rows")
            .in_file(path)
            .hint("give the truth/affected-rows.csv of this sheet"));
    }
    let errors = table.texts("error")?.values.join("; ");
    Ok((marks, errors))
}

/// What the flags have in common, and which other rows do: as wanted, or quietly, to know which rows may judge.
fn search(
    run: &Run,
    request: &RepairSheet,
    flags: &ResolvedFlags,
    model: &ModelFolder,
    data: Option<(&TrainingSheet, &Table)>,
    notes: &mut Notes,
) -> Result<Option<Expansion>> {
    let Some((sheet, table)) = data else {
        return match request.expand {
            true => Err(
                Error::input("`--expand` looks for further wrong rows, and needs the training sheet for that")
                    .hint("give the sheet that the model was trained on: `--data SHEET`"),
            ),
            false => Ok(None),
        };
    };
    let search = expand::Search::of_model(model, table, sheet, run.seed, run.threads);
    match request.expand {
        true => expand::expand(&search, flags, &ExpandOptions::default(), notes, run.progress).map(Some),
        false => quiet_search(&search, flags, run.progress),
    }
}

/// The flags with their likeliest label where they follow a rule and none was given; the person is told.
fn learnt_as_likeliest(typed: &ResolvedFlags, found: &Expansion, classes: &[String], notes: &mut Notes) -> ResolvedFlags {
    let flags = expand::with_likeliest(typed, found);
    let mut filled: BTreeMap<u8, usize> = BTreeMap::new();
    for (flag, typed) in flags.training.iter().zip(&typed.training) {
        if let (Some(label), None) = (flag.correction, typed.correction) {
            *filled.entry(label).or_default() += 1;
        }
    }
    if filled.is_empty() {
        return flags;
    }
    let name = |label: &u8| classes.get(usize::from(*label)).map_or("", String::as_str);
    let as_what: Vec<String> = filled
        .iter()
        .map(|(label, rows)| format!("{} as `{}`", count(*rows), name(label)))
        .collect();
    notes.add(
        "likeliest-labels",
        format!(
            "{} without a correct label follow a rule, and methods that train learn them as what a model without them says: {}",
            count_of(filled.values().sum(), "flagged row"),
            as_what.join(", ")
        ),
        "a column `correct_label` in the flag file decides instead, where you know the labels",
    );
    flags
}

/// The report, and the records that it can be made from again.
pub(super) fn write_report(folder: &Path, record: &RepairRecord, timings: &Timings) -> Result<()> {
    let fault = |error: serde_json::Error| Error::internal(format!("a record cannot be written: {error}"));
    report::write_all(folder, record, timings)?;
    files::write_bytes(&folder.join("record.json"), &serde_json::to_vec_pretty(record).map_err(fault)?)?;
    files::write_bytes(&folder.join("timings.json"), &serde_json::to_vec_pretty(timings).map_err(fault)?)
}
