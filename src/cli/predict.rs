//! `recant predict`: class, probabilities and a warning for every row of a sheet.

use crate::cli::Context;
use crate::cli::arguments::PredictArgs;
use crate::cli::{imported, sheets};
use crate::commands::{PredictSheet, SheetSource, is_imported, predict_sheet};
use crate::error::Result;
use crate::evaluate::words::{count, percent};

pub(super) fn run(context: &Context, arguments: &PredictArgs) -> Result<()> {
    if !is_imported(&arguments.model) {
        imported::refuse_columns(&arguments.imported)?;
    }
    let request = PredictSheet {
        sheet: SheetSource::Files(&arguments.sheet_files),
        reading: sheets::read_options(&arguments.reading)?,
        model: &arguments.model,
        plan: arguments.imported.plan(None),
        out: Some(&arguments.out),
        existing: arguments.force.existing(),
    };
    let predicted = predict_sheet(&context.run(&context.console.progress()), &request)?;
    let (table, predictions, notes) = (&predicted.table, &predicted.predictions, &predicted.notes);
    let console = &context.console;
    console.notes(notes);
    let rows = table.height();
    console.item("Predicted", format!("{} rows of {}", count(rows), table.source().file_name));
    for (name, number) in predicted.classes.iter().zip(predictions.counts()) {
        console.item(
            "",
            format!("{name}: {} ({})", count(number), percent(number as f64 / rows.max(1) as f64, 1)),
        );
    }
    let warned = predictions.warnings.iter().flatten().count();
    if warned > 0 {
        console.item("Warnings", format!("{} rows, see the column `warning`", count(warned)));
    }
    console.item("Written", arguments.out.display().to_string());
    let counts: serde_json::Map<String, serde_json::Value> = predicted
        .classes
        .iter()
        .zip(predictions.counts())
        .map(|(name, number)| (name.clone(), number.into()))
        .collect();
    console.result(
        &serde_json::json!({ "out": sheets::in_result(&arguments.out), "rows": rows, "predicted": counts, "rows_with_warnings": warned, "notes": notes }),
    );
    Ok(())
}
