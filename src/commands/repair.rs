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
use crate::jobs::rule_chance::flags_follow;
use crate::jobs::save::save_repaired;
use crate::jobs::trust::{Evidence, Suspicion, quiet_search, warn};
use crate::label_errors::flags::{self, FlagOptions, FlagPlace, FlagSource, Part, ReadFlags, ResolvedFlags, RowIndex};
use crate::label_errors::proposals::LIKELIEST_LABEL;
use crate::label_errors::sheet::SHEET_ROW;
use crate::label_errors::{ExpandOptions, Expansion};
use crate::model::{ModelFolder, Origin};
use crate::notes::Notes;
use crate::repair::RepairOptions;
use crate::report;
use crate::seed::Seed;
use crate::tables::{self, ReadOptions, Rule, Table};

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

/// Whether further rows that follow what the flags have in common are repaired with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Further {
    /// The flagged rows alone.
    Never,
    /// Where the method is `auto`, such rows are found, and a repair with them is accepted; else the flagged rows alone.
    WhereAccepted,
    /// What is found, always.
    Always,
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
    /// Whether to repair with further rows that are wrong like the flagged ones.
    pub further: Further,
    /// The rows that somebody looked at for errors, where these are not all.
    pub checked: Option<Rule>,
    /// Name of a method, `auto` or `all`.
    pub method: &'a str,
    /// Settings of the methods.
    pub options: RepairOptions,
    /// What counts as evidence; the group column is the model's.
    pub evidence: EvaluationSettings,
    /// Model folder to make, where one is wanted.
    pub out: Option<&'a Path>,
}

/// Of further rows that follow what the flags have in common, at least one for this many flagged ones makes a repair with them worth trying.
const FEWEST_FURTHER: usize = 10;
/// What became of further rows.
const FURTHER_REPAIRED: &str = "the repair was made with them too; `recant expand` lists them, and `--only-flagged` leaves them alone";
const FURTHER_REFUSED: &str = "no repair with them was accepted, so the flagged rows alone were tried; `recant expand` lists the others";

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
        sheet_columns: model.sheet_columns(),
    };
    let (read_flags, mut resolved) = flags.find(&mut notes)?;
    if let Some(filled) = request.looked_up {
        looked_up(filled, &model, &mut resolved, &mut notes)?;
    }
    let sheet = data
        .as_deref()
        .map(|table| TrainingSheet::read(table, &model, &mut notes))
        .transpose()?;
    let with_data: Option<(&TrainingSheet, &Table)> = sheet.as_ref().zip(data.as_deref());
    let found = search(run, request, &resolved, &model, with_data, &mut notes)?;
    if let Some(corner) = found.as_ref().and_then(|found| found.corner.as_deref()) {
        ask_where_somebody_looked(corner, &resolved, &mut notes);
    }
    let test = request.test.map(|source| source.read(&request.reading, &mut notes)).transpose()?;
    let ground = Ground {
        run,
        request,
        model: &model,
        name: &origin.name,
        suspicion: find_suspicion(run, &model, with_data, &resolved, found.as_ref())?,
        corner: match (&found, with_data) {
            (Some(found), Some((sheet, table))) => expand::where_flags_lie(found, request.checked.as_ref(), sheet, table)?,
            _ => None,
        },
        flags: &read_flags,
        typed: &resolved,
        data: with_data,
        test: test.as_deref(),
    };
    let with_found = found
        .as_ref()
        .zip(sheet.as_ref())
        .and_then(|(found, sheet)| ground.with_found(found, sheet));
    if let (Some(flags), Some(found)) = (with_found, &found) {
        let mut with_these = notes.clone();
        further_rows(&mut with_these, request, &resolved, &flags, found, FURTHER_REPAIRED);
        let job = ground.job(&flags, &mut with_these)?;
        let mut repaired = run_job(&job, &mut with_these, run.progress)?;
        if request.further == Further::Always || !repaired.record.kept_the_old() {
            expand::record(found, &resolved, &flags, &mut repaired.record);
            ground.save(&repaired, &job, &origin)?;
            return Ok(RepairedSheet {
                repaired,
                expansion: Some(found.clone()),
            });
        }
        further_rows(&mut notes, request, &resolved, &flags, found, FURTHER_REFUSED);
    }
    let flags = match &found {
        Some(found) if request.method == "auto" => learnt_as_likeliest(&resolved, found, &model.info.classes, &mut notes),
        _ => resolved.clone(),
    };
    let job = ground.job(&flags, &mut notes)?;
    let mut repaired = run_job(&job, &mut notes, run.progress)?;
    expand::show_only_typed(&resolved, &flags, &mut repaired.record);
    ground.save(&repaired, &job, &origin)?;
    Ok(RepairedSheet { repaired, expansion: None })
}

/// What a repair is made from, whichever rows it is made with.
struct Ground<'a> {
    run: &'a Run<'a>,
    request: &'a RepairSheet<'a>,
    model: &'a ModelFolder,
    /// Name of the model, for records.
    name: &'a str,
    suspicion: Suspicion,
    /// Where the flags lie that follow no rule: [`expand::where_flags_lie`].
    corner: Option<Vec<bool>>,
    flags: &'a ReadFlags,
    /// The flags as the person gave them.
    typed: &'a ResolvedFlags,
    data: Option<(&'a TrainingSheet, &'a Table)>,
    test: Option<&'a Table>,
}

impl Ground<'_> {
    /// The flags and what was found, where a repair with that is wanted or worth trying.
    fn with_found(&self, found: &Expansion, sheet: &TrainingSheet) -> Option<ResolvedFlags> {
        let wanted = match self.request.further {
            Further::Never => false,
            // Rows that a search listed were looked through by the person: those that are not among the flags are meant to stay.
            Further::WhereAccepted => self.request.method == "auto" && flags_follow(found) && !self.flags.table.has(LIKELIEST_LABEL),
            Further::Always => true,
        };
        let flags = wanted.then(|| expand::with_pattern(self.typed, found, self.model, sheet, self.run.seed))?;
        let further = flags.training.len().saturating_sub(self.typed.training.len());
        let worth = self.request.further == Further::Always || further * FEWEST_FURTHER >= self.typed.training.len();
        worth.then_some(flags)
    }

    /// The job with these flags; rows to judge by are sorted by what is known of their labels.
    fn job<'b>(&'b self, flags: &'b ResolvedFlags, notes: &mut Notes) -> Result<RepairJob<'b>> {
        let Self {
            run,
            request,
            model,
            suspicion,
            ..
        } = self;
        let flagged = match self.data {
            Some((sheet, _)) => sheet.flagged(flags, model.features.width()),
            None => flagged_from_file(&self.flags.file, &self.flags.table, flags, model, notes)?,
        };
        let mut test = match (self.test, self.data) {
            (Some(table), _) => Some(judged_from_sheet(table, model, flags, notes)?),
            (None, Some((sheet, table))) => sheet.test(table, flags),
            (None, None) => judged_from_model(model, Part::Test, flags),
        };
        let mut validation = match self.data {
            Some((sheet, table)) => sheet.validation(table, flags),
            None => judged_from_model(model, Part::Validation, flags),
        };
        let affected = match (request.affected, &test) {
            (Some(path), Some(test)) => Some(affected(path, test, notes)?),
            _ => None,
        };
        if let Some(rows) = validation.as_mut() {
            suspicion.sort(rows, run.threads)?;
            warn(rows, "validation rows", suspicion.words(), notes);
        }
        // The person vouches for a sheet of its own.
        if let Some(rows) = test.as_mut().filter(|_| self.test.is_none()) {
            suspicion.sort(rows, run.threads)?;
            warn(rows, "test rows", suspicion.words(), notes);
        }
        Ok(RepairJob {
            model,
            model_name: self.name.to_owned(),
            flags,
            flagged,
            training: self.data.map(|(sheet, _)| sheet.data.clone()),
            test,
            validation,
            corner: self.corner.clone(),
            pattern: suspicion.words().map(str::to_owned),
            label_alone: suspicion.is_of_a_label_alone(),
            affected,
            auto: request.method == "auto",
            methods: methods(request.method, self.data.is_some(), model, notes)?,
            options: request.options.clone(),
            settings: EvaluationSettings {
                group_column: model.profile.group.clone(),
                ..request.evidence.clone()
            },
            command: run.command.clone(),
            threads: run.threads,
        })
    }

    fn save(&self, repaired: &Repaired, job: &RepairJob, origin: &Origin) -> Result<()> {
        let Some(out) = self.request.out else { return Ok(()) };
        let flags_sha256 = &self.flags.table.source().sha256;
        save_repaired(repaired, job, origin, flags_sha256, out, |folder| {
            write_report(&folder.join("report"), &repaired.record, &repaired.timings)
        })
        .map(drop)
    }
}

/// Asks whether only the corner was looked at in which all flags lie, where they are of several classes: an error of one place has one direction, mostly,
/// and right rows of one place look like an error of it as long as all others are taken to have been looked at, too.
fn ask_where_somebody_looked(corner: &str, flags: &ResolvedFlags, notes: &mut Notes) {
    let mut classes: Vec<u8> = flags.training.iter().map(|flag| flag.observed).collect();
    classes.sort_unstable();
    classes.dedup();
    if classes.len() >= 2 {
        notes.add(
            "flags-of-one-corner",
            format!("all flagged rows lie in one corner ({corner}), and have {} labels", classes.len()),
            format!(
                "the other rows of the sheet are taken to have been looked at as well; if only this corner was, say so with `--checked '{}'`: right \
                 rows flagged in one corner look like an error of it otherwise",
                corner.replace('\'', "'\\''")
            ),
        );
    }
}

/// Tells the person of further rows that `flags` hold beside those that they `typed`, and what became of them. Whoever wanted them is told
/// in full elsewhere.
fn further_rows(notes: &mut Notes, request: &RepairSheet, typed: &ResolvedFlags, flags: &ResolvedFlags, found: &Expansion, done: &str) {
    if request.further == Further::Always {
        return;
    }
    let further = flags.training.len().saturating_sub(typed.training.len());
    let shared: Vec<&str> = found.rules.iter().map(|rule| rule.conditions.as_str()).collect();
    notes.add(
        "further-rows",
        format!(
            "{} that nobody flagged follow what the flagged rows have in common ({})",
            count_of(further, "training row"),
            shared.join("; ")
        ),
        done,
    );
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
    /// The names of its columns, where they are known.
    pub sheet_columns: Option<Vec<String>>,
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
                    visible_only: self.reading.visible_only,
                    ..ReadOptions::default()
                };
                self.find_in(FlagPlace::File { path, reading: &reading }, notes)
            }
            WrongRows::FlagTable(table) => self.find_in(FlagPlace::Table(table), notes),
            WrongRows::Keys(keys) => self.find_in(FlagPlace::Table(&table_of_keys(keys, self.options, self.index)?), notes),
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
            sheet_columns: self.sheet_columns.as_deref(),
        };
        flags::find(&source, notes)
    }
}

/// Keys as a table of one column.
pub(super) fn table_of_keys(keys: &[String], options: &FlagOptions, index: &RowIndex) -> Result<Table> {
    let of_numbers = options.numbering.map(|_| SHEET_ROW);
    let column = options.key.as_deref().or(of_numbers).or(index.key_column());
    let column = column.ok_or_else(|| {
        Error::input("no key column is known, so keys alone name no rows").hint(
            "say what they are: `--key COLUMN` for a column of the sheet given with `--data`, `--row-numbers from-0` for row numbers from 0",
        )
    })?;
    Table::new("flags", keys.len()).with_column(column, keys.iter().cloned().map(Some).collect())
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
        return match request.further == Further::Always {
            true => Err(
                Error::input("`--expand` looks for further wrong rows, and needs the training sheet for that")
                    .hint("give the sheet that the model was trained on: `--data SHEET`"),
            ),
            false if request.checked.is_some() => Err(Error::input(
                "`--checked` says where the flags come from, and is used to look for what they have in common in the training sheet",
            )
            .hint("give the sheet that the model was trained on: `--data SHEET`")),
            false => Ok(None),
        };
    };
    let options = ExpandOptions {
        checked: request.checked.clone(),
        ..ExpandOptions::default()
    };
    let search = expand::Search::of_model(model, table, sheet, run.seed, run.threads);
    match request.further == Further::Always {
        true => expand::expand(&search, flags, &options, notes, run.progress).map(Some),
        false => quiet_search(&search, flags, &options, run.progress),
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
