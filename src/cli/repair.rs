//! `recant repair`: repairs a model, judges the repair, writes model and report.

use crate::cli::Context;
use crate::cli::arguments::{EvidenceOptions, FlagOptions as FlagReading, ImportanceChoice, ReferenceChoice, RepairArgs, RowNumbers};
use crate::cli::{expand, imported, sheets};
use crate::commands::{Further, RepairSheet, SheetSource, WrongRows, default_evidence, is_imported, metric, repair_sheet};
use crate::error::{Error, Result};
use crate::evaluate::record::{Advice, EvaluationSettings, RepairRecord};
use crate::jobs::repair::Repaired;
use crate::label_errors::flags::{self, FlagOptions, Numbering};
use crate::nn::ImportanceKind;
use crate::repair::{Reference, RepairOptions, SsdOptions};
use crate::report;
use crate::tables::Rule;

pub(super) fn run(context: &Context, arguments: &RepairArgs) -> Result<()> {
    if is_imported(&arguments.model) {
        return imported::run(context, arguments);
    }
    imported::refuse_options(arguments)?;
    let wrong = match (&arguments.flags, &arguments.corrected) {
        (_, Some(path)) => WrongRows::Corrected(SheetSource::File(path)),
        (Some(path), None) => WrongRows::Flags(path),
        (None, None) => {
            return Err(Error::input("no rows to repair are named").hint("give them with `--flags FILE` or `--corrected SHEET2`"));
        }
    };
    let request = RepairSheet {
        model: &arguments.model,
        wrong,
        flag_options: flag_options(&arguments.flag_reading)?,
        flags_sheet: arguments.flag_reading.flags_sheet.clone(),
        data: sheets::source(&arguments.data),
        test: arguments.test.as_deref().map(SheetSource::File),
        reading: sheets::read_options(&arguments.reading)?,
        looked_up: arguments.looked_up.as_deref(),
        affected: arguments.affected.as_deref(),
        further: match (arguments.expand, arguments.only_flagged) {
            (true, _) => Further::Always,
            (_, true) => Further::Never,
            _ => Further::WhereAccepted,
        },
        checked: arguments.checked.as_deref().map(Rule::parse).transpose()?,
        method: &arguments.method,
        options: repair_options(arguments),
        evidence: evidence(&arguments.evidence, context)?,
        out: Some(&arguments.out),
    };
    let found = repair_sheet(&context.run(&context.console.progress()), &request)?;
    if let Some(expansion) = &found.expansion {
        expand::summary(context, expansion);
    }
    say(context, &found.repaired, arguments)
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
    value["out"] = sheets::in_result(out);
    value["written"] =
        serde_json::json!({ "model": sheets::in_result(out), "method": record.chosen, "recommended": record.recommends_the_written() });
    value["report"] = sheets::in_result(&page);
    console.result(&value);
    Ok(())
}

/// The one next step that goes with the advice.
fn next(context: &Context, record: &RepairRecord, arguments: &RepairArgs) {
    let console = &context.console;
    let (old, new) = (sheets::shown(&arguments.model), sheets::shown(&arguments.out));
    let predict = |model: &str| format!("recant predict next-week.xlsx --model {model} --out predictions.xlsx");
    let reading = sheets::reading_options(&arguments.reading);
    let sheet = match &arguments.test {
        Some(test) => sheets::as_data(std::slice::from_ref(test)),
        None => sheets::as_data(&arguments.data),
    };
    match (record.recommendation.advice, (!sheet.is_empty()).then_some(sheet)) {
        (Some(Advice::CheckFirst), Some(sheet)) => console.next_step(
            "Next, look up the true labels of thirty rows on which the two models differ:",
            &format!("recant check --model {old} --repaired {new} {sheet}{reading} --rows 30 --out check.xlsx"),
        ),
        (Some(Advice::CheckFirst), None) => console.next_step(
            "Next, judge both models by rows whose labels you vouch for (your command again, with a test sheet):",
            &format!(
                "recant repair --model {old} {} --test SHEET --out model-judged",
                flags_as_given(arguments)
            ),
        ),
        (Some(Advice::Keep), None) if record.kept_the_old() => console.next_step(
            "Next, try again with the sheet that the model was trained on: `auto` chooses and tests a repair by its rows:",
            &format!(
                "recant repair --model {old} {} --data {} --out {new}-2",
                flags_as_given(arguments),
                sheets::shown(std::path::Path::new(&record.model.data_file))
            ),
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

/// What counts as evidence.
pub(super) fn evidence(options: &EvidenceOptions, context: &Context) -> Result<EvaluationSettings> {
    Ok(EvaluationSettings {
        minimum_effect: options.minimum_effect,
        significance: options.significance,
        resamples: options.resamples,
        metric: metric(&options.metric)?,
        matters: options.matters.clone(),
        ..default_evidence(context.seed)
    })
}

pub(super) fn flag_options(reading: &FlagReading) -> Result<FlagOptions> {
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

pub(super) fn repair_options(arguments: &RepairArgs) -> RepairOptions {
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
        ssd: SsdOptions {
            alpha: dampening.alpha,
            lambda: dampening.lambda,
        },
        ..RepairOptions::default()
    }
}
