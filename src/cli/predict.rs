//! `recant predict`: class, probabilities and a warning for every row of a sheet.

use crate::cli::Context;
use crate::cli::arguments::PredictArgs;
use crate::cli::sheets;
use crate::error::{Error, Result};
use crate::evaluate::words::{count, percent};
use crate::files;
use crate::jobs::predict::predict;
use crate::model::{ModelFolder, altered_reports};
use crate::notes::Notes;
use crate::tables::WriteOptions;

pub(super) fn run(context: &Context, arguments: &PredictArgs) -> Result<()> {
    if arguments.out.exists() && same_file(&arguments.out, &arguments.sheet_file) {
        return Err(Error::input("the predictions would overwrite the sheet they are made from")
            .hint("give another name with `--out predictions.xlsx`"));
    }
    files::check_new_file(&arguments.out, arguments.force.existing())?;
    let mut notes = Notes::new();
    let (model, _) = ModelFolder::load(&arguments.model)?;
    let altered = altered_reports(&arguments.model)?;
    if !altered.is_empty() {
        notes.add(
            "altered-report",
            format!(
                "in the model folder, {} changed after it was written: do not rely on the report there",
                altered.join(", ")
            ),
            "predicted all the same: a prediction does not use the report",
        );
    }
    if let Some(last) = model.info.repairs.last()
        && last.recommended == Some(false)
    {
        notes.add(
            "not-recommended",
            format!(
                "the repair that made this model ({}) is not recommended; its report says why",
                last.method
            ),
            format!("predicted all the same; the model before it is `{}`", last.parent.name),
        );
    }
    let table = sheets::read(&arguments.sheet_file, &arguments.reading, &mut notes)?.written_as(model.profile.reading);
    let predictions = predict(
        &table,
        &model.network,
        &model.features,
        &model.info.classes,
        context.threads,
        &mut notes,
    )?;
    let manner = WriteOptions {
        existing: arguments.force.existing(),
        ..WriteOptions::in_the_manner_of(&table, &arguments.out)
    };
    predictions.append_to(&table)?.write_with(&arguments.out, &manner, &mut notes)?;
    let console = &context.console;
    console.notes(&notes);
    let rows = table.height();
    console.item("Predicted", format!("{} rows of {}", count(rows), table.source().file_name));
    for (name, number) in model.info.classes.iter().zip(predictions.counts()) {
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
    let counts: serde_json::Map<String, serde_json::Value> = model
        .info
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

fn same_file(a: &std::path::Path, b: &std::path::Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
