//! `MODEL_CARD.md`: what a person should know who is handed the folder.

use std::fmt::Write;

use super::{ModelFolder, PartInfo};

/// The model card, as Markdown.
pub(super) fn card(model: &ModelFolder) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write_card(model, &mut text);
    text
}

fn write_card(model: &ModelFolder, text: &mut String) -> std::fmt::Result {
    let info = &model.info;
    let spec = model.network.spec();
    writeln!(text, "# Model card\n")?;
    writeln!(text, "Predicts one of {}: {}.", info.classes.len(), list(&info.classes))?;
    writeln!(
        text,
        "A multilayer perceptron ({} hidden, {} inputs, {} parameters), trained by Recant {}.\n",
        spec.name(),
        spec.inputs,
        spec.parameters(),
        info.recant_version
    )?;

    writeln!(text, "## Data\n")?;
    writeln!(text, "- file: {}, {} rows", plain(&info.data.file), info.data.rows)?;
    writeln!(text, "- SHA-256: `{}`", info.data.sha256)?;
    writeln!(text, "- profile: {}", plain(&model.profile.name))?;
    if let Some(key) = &model.profile.key {
        writeln!(text, "- rows are known by column {}", plain(key))?;
    }
    if let Some(group) = &model.profile.group {
        writeln!(text, "- rows of one {} belong together", plain(group))?;
    }
    let columns: Vec<String> = model.features.source_columns().iter().map(|column| (*column).to_owned()).collect();
    writeln!(text, "- features from: {}", list(&columns))?;
    for left_out in &info.left_out {
        writeln!(text, "- left out: {}, {}", counted(left_out.rows, "row"), plain(&left_out.reason))?;
    }

    writeln!(text, "\n## Rows\n")?;
    writeln!(
        text,
        "| part | rows | from | to | {} | accuracy |",
        info.classes.iter().map(|class| plain(class)).collect::<Vec<_>>().join(" | ")
    )?;
    writeln!(text, "|---|---|---|---|{}---|", "---|".repeat(info.classes.len()))?;
    part(text, "training", &info.train)?;
    if let Some(validation) = &info.validation {
        part(text, "validation", validation)?;
    }
    part(text, "test", &info.test)?;

    writeln!(text, "\n## Training\n")?;
    let recipe = &info.recipe;
    writeln!(
        text,
        "{} of SGD, batches of {}, learning rate {} {}, weight decay {}, seed {}.",
        counted(recipe.epochs, "epoch"),
        recipe.batch,
        recipe.learning_rate,
        match &recipe.standard {
            Some(standard) => format!("at most, falling along half a cosine of {}", counted(standard.horizon, "epoch")),
            None => format!("times {} per epoch", recipe.decay),
        },
        recipe.weight_decay,
        info.seed
    )?;

    if !info.repairs.is_empty() {
        writeln!(text, "\n## Repairs\n")?;
        for repair in &info.repairs {
            writeln!(
                text,
                "- {} on {} of {} ({} with their correct label), from model {} (`{}`){}",
                plain(&repair.method),
                counted(repair.flagged, "flagged row"),
                plain(&repair.flags_file),
                repair.corrected,
                plain(&repair.parent.name),
                repair.parent.sha256,
                match repair.recommended {
                    Some(true) => ", recommended by the validation rows",
                    Some(false) => "; not recommended: on the validation rows it was not better than the model before it",
                    None => "",
                }
            )?;
        }
    }

    writeln!(text, "\n## Limits\n")?;
    writeln!(
        text,
        "- It knows only what the training rows show; orders unlike them get a warning at prediction, not a better answer."
    )?;
    writeln!(text, "- Accuracy is measured on the labels in the sheet, right or wrong.")?;
    if model.importances.is_none() {
        writeln!(
            text,
            "- It holds no stored importances: repairing it again needs the training sheet."
        )?;
    }
    if model.evaluation.is_some() {
        writeln!(text, "- It holds encoded validation and test rows, which are data of your orders.")?;
    }
    writeln!(
        text,
        "- `rows.safetensors` holds hashes of row keys and the observed labels, no other cell of the sheet."
    )
}

fn part(text: &mut String, name: &str, part: &PartInfo) -> std::fmt::Result {
    let (from, to) = part.period.clone().unwrap_or_default();
    let counts: Vec<String> = part.class_counts.iter().map(usize::to_string).collect();
    let accuracy = part
        .accuracy
        .map(|accuracy| format!("{:.2} %", accuracy * 100.0))
        .unwrap_or_default();
    writeln!(
        text,
        "| {name} | {} | {from} | {to} | {} | {accuracy} |",
        part.rows,
        counts.join(" | ")
    )
}

/// `1 row`, `2 rows`.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
}

/// A name from a sheet in which no sign has a meaning in Markdown or HTML.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '$' => {
                safe.push('\\');
                safe.push(letter);
            }
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}
