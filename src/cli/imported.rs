//! `recant repair` of a model that was trained elsewhere.

use std::time::Duration;

use crate::cli::Context;
use crate::cli::arguments::{ImportedColumns, RepairArgs};
use crate::cli::repair::{evidence, flag_options, repair_options};
use crate::cli::sheets;
use crate::commands::{
    LEARNING_RATE, RepairImported, SheetSource, WrongRows, refuse_for_imported_models, refuse_for_own_models, repair_imported,
    report_folder,
};
use crate::error::{Error, Result};
use crate::report;

/// Options that only an imported model has.
pub(super) fn refuse_options(arguments: &RepairArgs) -> Result<()> {
    let options = &arguments.imported;
    refuse_columns(&options.columns)?;
    refuse(&[
        ("--learning-rate", options.learning_rate.is_some()),
        ("--validation", options.validation.is_some()),
        ("--retrain", options.retrain.is_some()),
    ])
}

/// The same of options that tell how a sheet is read for a model that was trained elsewhere.
pub(super) fn refuse_columns(columns: &ImportedColumns) -> Result<()> {
    refuse(&[
        ("--label", columns.label.is_some()),
        ("--inputs", !columns.inputs.is_empty()),
        ("--classes", !columns.classes.is_empty()),
        ("--activation", columns.activation.is_some()),
        ("--layers", !columns.layers.is_empty()),
    ])
}

fn refuse(options: &[(&str, bool)]) -> Result<()> {
    refuse_for_own_models(options, " with `--model`")
}

pub(super) fn run(context: &Context, arguments: &RepairArgs) -> Result<()> {
    let options = &arguments.imported;
    let needed = |option: &str, why: &str| Error::input(format!("an imported model needs `{option}`: {why}"));
    let data = sheets::source(&arguments.data).ok_or_else(|| {
        needed("--data", "its file does not hold what its training rows were").hint("give the sheet that it was trained on: `--data SHEET`")
    })?;
    let plan = options.columns.plan(arguments.flag_reading.key.as_deref());
    options
        .columns
        .label
        .as_ref()
        .ok_or_else(|| needed("--label", "its file does not name the column that it predicts").hint("name it: `--label COLUMN`"))?;
    let flags = arguments
        .flags
        .as_deref()
        .ok_or_else(|| Error::input("an imported model is repaired by `--flags FILE`"))?;
    refuse_for_imported_models(&[
        ("--expand", arguments.expand),
        ("--checked", arguments.checked.is_some()),
        ("--looked-up", arguments.looked_up.is_some()),
        ("--affected", arguments.affected.is_some()),
    ])?;
    let reading = sheets::read_options(&arguments.reading)?;
    let request = RepairImported {
        model: &arguments.model,
        data,
        plan,
        wrong: WrongRows::Flags(flags),
        flag_options: flag_options(&arguments.flag_reading)?,
        flags_sheet: arguments.flag_reading.flags_sheet.clone(),
        test: arguments.test.as_deref().map(SheetSource::File),
        validation: options.validation.as_deref().map(SheetSource::File),
        retrain: options
            .retrain
            .as_deref()
            .map(|line| (line, Duration::from_secs(options.retrain_seconds))),
        reading,
        method: &arguments.method,
        options: repair_options(arguments),
        learning_rate: options.learning_rate.unwrap_or(LEARNING_RATE),
        evidence: evidence(&arguments.evidence, context)?,
        out: &arguments.out,
    };
    let repaired = repair_imported(&context.run(&context.console.progress()), &request)?;
    let (console, record) = (&context.console, &repaired.record);
    let folder = report_folder(&arguments.out);
    let page = folder.join("report.html");
    console.say(report::terminal::repair(record, &repaired.timings, console.look())?);
    console.item("Model", arguments.out.display().to_string());
    console.item("Report", page.display().to_string());
    let mut value = serde_json::to_value(record).map_err(|error| Error::internal(error.to_string()))?;
    value["out"] = serde_json::json!(arguments.out);
    value["written"] =
        serde_json::json!({ "model": arguments.out, "method": record.chosen, "recommended": record.recommends_the_written() });
    value["report"] = serde_json::json!(page);
    console.result(&value);
    Ok(())
}
