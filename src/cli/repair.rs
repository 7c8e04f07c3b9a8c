//! `recant repair`: repairs a model, judges the repair, writes model and report.

use std::path::Path;

use crate::cli::Context;
use crate::cli::arguments::{FlagOptions as FlagReading, ImportanceChoice, ReferenceChoice, RepairArgs, RowNumbers, SheetOptions};
use crate::cli::{sheets, train};
use crate::error::{Error, Result};
use crate::evaluate::record::{Advice, EvaluationSettings, RepairRecord};
use crate::files;
use crate::jobs::expand;
use crate::jobs::repair::{RepairJob, Repaired, methods, run as run_job};
use crate::jobs::rows::{JudgedRows, TrainingSheet, flagged_from_file, judged_from_model, judged_from_sheet};
use crate::jobs::save::save_repaired;
use crate::jobs::trust::{Evidence, Suspicion, warn};
use crate::label_errors::flags::{self, FlagOptions, FlagSource, Numbering, Part, ReadFlags, ResolvedFlags};
use crate::label_errors::sheet::SHEET_ROW;
use crate::label_errors::{ExpandOptions, Expansion};
use crate::model::ModelFolder;
use crate::nn::ImportanceKind;
use crate::notes::Notes;
use crate::repair::{Reference, RepairOptions};
use crate::report;
use crate::seed::Seed;
use crate::tables::{self, ReadOptions, Table};

pub(super) fn run(context: &Context, arguments: &RepairArgs) -> Result<()> {
    train::refuse_existing(&arguments.out)?;
    let mut notes = Notes::new();
    let (model, origin) = ModelFolder::load(&arguments.model)?;
    let read = |path: &std::path::Path, notes: &mut Notes| sheets::read(path, &arguments.reading, notes);
    let data = arguments.data.as_deref().map(|path| read(path, &mut notes)).transpose()?;
    let (read_flags, mut resolved) = flags_of(arguments, &model, data.as_ref(), &mut notes)?;
    if let Some(filled) = &arguments.looked_up {
        super::check::looked_up(filled, &model, &mut resolved, &mut notes)?;
    }
    let sheet = data
        .as_ref()
        .map(|table| TrainingSheet::read(table, &model, &mut notes))
        .transpose()?;
    let typed = resolved.clone();
    let (resolved, found) = match arguments.expand {
        true => expanded(context, resolved, &model, sheet.as_ref().zip(data.as_ref()), &mut notes)?,
        false => (resolved, None),
    };
    let flagged = match &sheet {
        Some(sheet) => sheet.flagged(&resolved, model.features.width()),
        None => flagged_from_file(&read_flags.file, &read_flags.table, &resolved, &model, &mut notes)?,
    };
    let test_table = arguments.test.as_deref().map(|path| read(path, &mut notes)).transpose()?;
    let with_data: Option<(&TrainingSheet, &Table)> = sheet.as_ref().zip(data.as_ref());
    let mut test = match (&test_table, with_data) {
        (Some(table), _) => Some(judged_from_sheet(table, &model, &resolved, &mut notes)?),
        (None, Some((sheet, table))) => sheet.test(table, &resolved),
        (None, None) => judged_from_model(&model, Part::Test, &resolved),
    };
    let mut validation = match with_data {
        Some((sheet, table)) => sheet.validation(table, &resolved),
        None => judged_from_model(&model, Part::Validation, &resolved),
    };
    let affected = match (&arguments.affected, &test) {
        (Some(path), Some(test)) => Some(affected(path, test, &mut notes)?),
        _ => None,
    };
    let suspicion = suspicion(context, &model, with_data, &typed, found.as_ref())?;
    if let Some(rows) = validation.as_mut() {
        suspicion.sort(rows, context.threads)?;
        warn(rows, "validation rows", suspicion.words(), &mut notes);
    }
    // The person vouches for a sheet of its own.
    if let Some(rows) = test.as_mut().filter(|_| test_table.is_none()) {
        suspicion.sort(rows, context.threads)?;
        warn(rows, "test rows", suspicion.words(), &mut notes);
    }
    let methods = methods(&arguments.method, sheet.is_some(), &model, &mut notes)?;
    let job = RepairJob {
        model: &model,
        model_name: origin.name.clone(),
        flags: &resolved,
        flagged,
        training: sheet.as_ref().map(|sheet| sheet.data.clone()),
        test,
        validation,
        pattern: suspicion.words().map(str::to_owned),
        affected,
        auto: arguments.method == "auto",
        methods,
        options: repair_options(arguments),
        settings: EvaluationSettings {
            minimum_effect: arguments.evidence.minimum_effect,
            significance: arguments.evidence.significance,
            resamples: arguments.evidence.resamples,
            group_column: model.profile.group.clone(),
            seed: context.seed.0,
        },
        command: sheets::command_for_records(),
        threads: context.threads,
    };
    let progress = context.console.progress();
    let mut repaired = run_job(&job, &mut notes, &progress)?;
    if let Some(found) = &found {
        expand::record(found, &typed, &resolved, &mut repaired.record);
    }
    save_repaired(
        &repaired,
        &job,
        &origin,
        &read_flags.table.source().sha256,
        &arguments.out,
        |folder| write_report(&folder.join("report"), &repaired),
    )?;
    say(context, &repaired, arguments)
}

/// The flagged rows: from a flag file, or from a corrected sheet.
fn flags_of(arguments: &RepairArgs, model: &ModelFolder, data: Option<&Table>, notes: &mut Notes) -> Result<(ReadFlags, ResolvedFlags)> {
    match (&arguments.flags, &arguments.corrected) {
        (_, Some(path)) => {
            let corrected = sheets::read(path, &arguments.reading, notes)?;
            flags::find_corrected(corrected, &model.rows, &model.profile.label, data, notes)
        }
        (Some(path), None) => find_flags(
            path,
            &arguments.flag_reading,
            &arguments.reading,
            model,
            arguments.data.as_deref().zip(data),
            notes,
        ),
        (None, None) => Err(Error::input("no rows to repair are named").hint("give them with `--flags FILE` or `--corrected SHEET2`")),
    }
}

/// Reads a flag file and finds its rows. `sheet`: the training sheet and its path, where it is at hand.
pub(super) fn find_flags(
    path: &Path,
    options: &FlagReading,
    reading: &SheetOptions,
    model: &ModelFolder,
    sheet: Option<(&Path, &Table)>,
    notes: &mut Notes,
) -> Result<(ReadFlags, ResolvedFlags)> {
    let same = |other: &Path| matches!((path.canonicalize(), other.canonicalize()), (Ok(own), Ok(other)) if own == other);
    // Flags in the sheet itself are on the worksheet that the sheet is read from.
    let own_sheet = sheet.is_some_and(|(other, _)| same(other)).then(|| reading.sheet.clone()).flatten();
    let inputs = model.features.source_columns();
    flags::find(
        &FlagSource {
            path,
            reading: &ReadOptions {
                sheet: options.flags_sheet.clone().or(own_sheet),
                ..ReadOptions::default()
            },
            options: &flag_options(options)?,
            index: &model.rows,
            label: Some(&model.profile.label),
            inputs: &inputs,
            sheet: sheet.map(|(_, table)| table),
        },
        notes,
    )
}

/// Which rows to judge by are under suspicion, by what the flags have in common.
pub(super) fn suspicion(
    context: &Context,
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
        seed: Seed(context.seed.0),
        threads: context.threads,
    };
    Suspicion::find(&evidence, &context.console.progress())
}

/// Which of the test rows an error could have hit, by the file that `recant inject` wrote, and a name for them.
fn affected(path: &std::path::Path, test: &JudgedRows, notes: &mut Notes) -> Result<(Vec<bool>, String)> {
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
    let hit: std::collections::BTreeSet<usize> = rows
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

/// The flags with the rows of the pattern that they follow, and what was found.
fn expanded(
    context: &Context,
    flags: ResolvedFlags,
    model: &ModelFolder,
    data: Option<(&TrainingSheet, &Table)>,
    notes: &mut Notes,
) -> Result<(ResolvedFlags, Option<Expansion>)> {
    let (sheet, table) = data.ok_or_else(|| {
        Error::input("`--expand` looks for further wrong rows, and needs the training sheet for that")
            .hint("give the sheet that the model was trained on: `--data SHEET`")
    })?;
    let search = expand::Search {
        model,
        table,
        sheet,
        seed: context.seed,
        threads: context.threads,
    };
    let found = expand::expand(&search, &flags, &ExpandOptions::default(), notes, &context.console.progress())?;
    super::expand::summary(context, &found);
    Ok((expand::with_pattern(&flags, &found, model, sheet, context.seed), Some(found)))
}

/// The report, and the records that it can be made from again.
pub(super) fn write_report(folder: &std::path::Path, repaired: &Repaired) -> Result<()> {
    let fault = |error: serde_json::Error| Error::internal(format!("a record cannot be written: {error}"));
    report::write_all(folder, &repaired.record, &repaired.timings)?;
    files::write_bytes(
        &folder.join("record.json"),
        &serde_json::to_vec_pretty(&repaired.record).map_err(fault)?,
    )?;
    files::write_bytes(
        &folder.join("timings.json"),
        &serde_json::to_vec_pretty(&repaired.timings).map_err(fault)?,
    )
}

/// Prints a finished repair.
fn say(context: &Context, repaired: &Repaired, arguments: &RepairArgs) -> Result<()> {
    let console = &context.console;
    let record = &repaired.record;
    let out = &arguments.out;
    let page = out.join("report").join("report.html");
    console.say(report::terminal::repair(record, &repaired.timings, console.look())?);
    let by = match record.written_without_recommendation() {
        Some(_) => format!(" (by {}, not recommended)", record.chosen),
        None if record.kept_the_old() => " (the old model, unchanged)".to_owned(),
        None => String::new(),
    };
    console.item("Model", format!("{}{by}", out.display()));
    console.item("Report", page.display().to_string());
    next(context, record, arguments);
    let mut value = serde_json::to_value(record).map_err(|error| Error::internal(error.to_string()))?;
    let chosen = record.methods.iter().find(|method| method.name == record.chosen);
    let accuracy = |comparison: &crate::evaluate::record::Comparison| serde_json::json!({ "accuracy": comparison.after.accuracy.estimate, "accuracy_before": comparison.before.accuracy.estimate, "difference": comparison.difference, "p": comparison.p_holm, "verdict": chosen.and_then(|method| method.verdict()), "sentence": chosen.and_then(|method| method.verdict_sentence()) });
    value["test"] = chosen
        .and_then(|method| method.test.as_ref())
        .map_or(serde_json::Value::Null, accuracy);
    value["out"] = serde_json::json!(out);
    value["written"] = serde_json::json!({ "model": out, "method": record.chosen, "recommended": record.recommends_the_written() });
    value["report"] = serde_json::json!(page);
    console.result(&value);
    Ok(())
}

/// The one next step that goes with the advice.
fn next(context: &Context, record: &RepairRecord, arguments: &RepairArgs) {
    let console = &context.console;
    let (old, new) = (sheets::shown(&arguments.model), sheets::shown(&arguments.out));
    let predict = |model: &str| format!("recant predict next-week.xlsx --model {model} --out predictions.xlsx");
    match (record.recommendation.advice, arguments.test.as_ref().or(arguments.data.as_ref())) {
        (Some(Advice::CheckFirst), Some(sheet)) => console.next_step(
            "Next, look up the true labels of thirty rows on which the two models differ:",
            &format!(
                "recant check --model {old} --repaired {new} --data {} --rows 30 --out check.xlsx",
                sheets::shown(sheet)
            ),
        ),
        (Some(Advice::CheckFirst), None) => console.next_step(
            "Next, judge both models by rows whose labels you vouch for (your command again, with a test sheet):",
            &format!("recant repair --model {old} {} --test SHEET --out model-judged", flags_as_given(arguments)),
        ),
        (Some(Advice::Keep), _) => console.next_step("Next, predict a sheet with the old model:", &predict(&old)),
        _ => console.next_step("Next, predict a sheet:", &predict(&new)),
    }
}

/// The option that named the rows to repair, as it was given.
fn flags_as_given(arguments: &RepairArgs) -> String {
    match (&arguments.flags, &arguments.corrected) {
        (_, Some(path)) => format!("--corrected {}", sheets::shown(path)),
        (Some(path), None) => format!("--flags {}", sheets::shown(path)),
        (None, None) => "--flags FILE".to_owned(),
    }
}

fn flag_options(reading: &FlagReading) -> Result<FlagOptions> {
    Ok(FlagOptions {
        key: reading.key.clone(),
        numbering: reading.row_numbers.map(|numbers| match numbers {
            RowNumbers::Sheet => Numbering::Sheet,
            RowNumbers::FromOne => Numbering::FromOne,
            RowNumbers::FromZero => Numbering::FromZero,
        }),
        flag_column: reading.flag_column.clone(),
        given_column: reading.given_column.clone(),
        correct_column: reading.correct_column.clone(),
        score_cut: reading.score_cut,
        worst: reading.worst,
        loose_keys: reading.loose_keys,
        label_codes: reading.label_codes.as_deref().map(flags::parse_codes).transpose()?,
    })
}

fn repair_options(arguments: &RepairArgs) -> RepairOptions {
    let dampening = &arguments.dampening;
    RepairOptions {
        importance: match dampening.importance {
            ImportanceChoice::SquaredBatchGradient => ImportanceKind::SquaredBatchGradient,
            ImportanceChoice::PerSampleFisher => ImportanceKind::PerSampleFisher,
        },
        reference: match dampening.reference {
            ReferenceChoice::RetainOriginalBatches => Reference::RetainOnOriginalBatches,
            ReferenceChoice::Retain => Reference::Retain,
            ReferenceChoice::Full => Reference::Full,
        },
        ssd_alpha: dampening.alpha,
        ssd_lambda: dampening.lambda,
        ..RepairOptions::default()
    }
}
