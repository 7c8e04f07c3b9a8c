//! `recant export`: a model folder as one ONNX file that takes raw columns.

use crate::cli::arguments::ExportArgs;
use crate::cli::{Context, sheets};
use crate::commands::{ExportModel, SheetSource, export_model};
use crate::error::Result;
use crate::evaluate::words::count;

pub(super) fn run(context: &Context, arguments: &ExportArgs) -> Result<()> {
    let request = ExportModel {
        model: &arguments.model,
        out: &arguments.out,
        existing: arguments.force.existing(),
        data: arguments.data.as_deref().map(SheetSource::File),
        reading: sheets::read_options(&arguments.reading)?,
    };
    let written = export_model(&context.run(&context.console.progress()), &request)?;
    let console = &context.console;
    console.notes(&written.notes);
    console.item("Written", arguments.out.display().to_string());
    for (number, input) in written.exported.inputs.iter().enumerate() {
        console.item(
            if number == 0 { "It takes" } else { "" },
            format!("{}: {}", input.name, input.told()),
        );
    }
    console.item(
        "It gives",
        format!("class and probabilities ({})", written.exported.classes.join(", ")),
    );
    match written.compared {
        Some((rows, largest)) => console.item(
            "Compared",
            format!(
                "{} rows: no probability differs by more than {largest:.0e} from what `recant predict` gives",
                count(rows)
            ),
        ),
        None => console.next_step(
            "To compare it with `recant predict` on the rows of a sheet:",
            &format!(
                "recant export {} --out {} --data orders.csv --force",
                sheets::shown(&arguments.model),
                sheets::shown(&arguments.out)
            ),
        ),
    }
    let inputs: Vec<_> = written
        .exported
        .inputs
        .iter()
        .map(|input| serde_json::json!({ "name": input.name, "column": input.column, "kind": input.kind, "meaning": input.told() }))
        .collect();
    console.result(&serde_json::json!({
        "out": sheets::in_result(&arguments.out), "inputs": inputs, "classes": written.exported.classes,
        "compared_rows": written.compared.map(|(rows, _)| rows),
        "largest_difference": written.compared.map(|(_, largest)| largest),
        "notes": written.notes,
    }));
    Ok(())
}
