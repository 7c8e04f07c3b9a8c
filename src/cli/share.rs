//! `recant share`: a model folder that predicts, and holds nothing else of the training.

use crate::cli::arguments::ShareArgs;
use crate::cli::{Context, sheets};
use crate::commands::share_model;
use crate::error::Result;
use crate::model::NOT_IN_A_SHARED_FOLDER;

pub(super) fn run(context: &Context, arguments: &ShareArgs) -> Result<()> {
    let model = share_model(&arguments.model, &arguments.out)?;
    let console = &context.console;
    console.item("Shared", arguments.out.display().to_string());
    let held: Vec<String> = model
        .categories()
        .iter()
        .map(|(column, values)| format!("{column} ({values})"))
        .collect();
    if !held.is_empty() {
        console.item("It holds values of", held.join(", "));
    }
    for (number, (file, _, lost)) in NOT_IN_A_SHARED_FOLDER.iter().enumerate() {
        console.item(if number == 0 { "Left out" } else { "" }, format!("{file}: {lost}"));
    }
    console.next_step(
        "Whoever gets it predicts with:",
        &format!(
            "recant predict next-week.xlsx --model {} --out predictions.xlsx",
            sheets::shown(&arguments.out)
        ),
    );
    let lost: Vec<_> = NOT_IN_A_SHARED_FOLDER
        .iter()
        .map(|(file, content, lost)| serde_json::json!({ "file": file, "content": content, "lost": lost }))
        .collect();
    let values: serde_json::Map<String, serde_json::Value> = model
        .categories()
        .into_iter()
        .map(|(column, values)| (column.to_owned(), values.into()))
        .collect();
    console.result(&serde_json::json!({
        "out": sheets::in_result(&arguments.out), "left_out": lost, "columns_with_values": values,
    }));
    Ok(())
}
