//! `MODEL_CARD.md`: what a person should know who is handed the folder.

use std::fmt::Write;

use super::{ModelFolder, NOT_IN_A_SHARED_FOLDER, PartInfo, PredictionModel};
use crate::features::{Coding, FittedFeatures};

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
        "A multilayer perceptron ({}, {} inputs, {} parameters), trained by Recant {}.\n",
        hidden(&spec.name()),
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
    Ok(())
}

/// The end of every card: what of the sheet is in the folder.
pub(super) fn inside(model: &ModelFolder) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write_inside(model, &mut text);
    text
}

fn write_inside(model: &ModelFolder, text: &mut String) -> std::fmt::Result {
    let info = &model.info;
    writeln!(text, "\n## What this folder holds\n")?;
    writeln!(
        text,
        "Look at this before you hand it on. `recant share` makes a folder that holds only what a prediction needs.\n"
    )?;
    write_values(&model.features, text)?;
    let keys = match (model.rows.key_column(), model.rows.group_column()) {
        (None, None) => "no hashes of keys".to_owned(),
        (Some(only), None) | (None, Some(only)) => format!("a hash of every {}", plain(only)),
        (Some(key), Some(group)) => format!("hashes of every {} and {}", plain(key), plain(group)),
    };
    writeln!(
        text,
        "- `rows.safetensors`: of every row of the sheet its number, its observed label and {keys}. Whoever tries keys one after the other finds short ones: a hash hides no number of a few digits."
    )?;
    if model.importances.is_some() {
        writeln!(
            text,
            "- `importances.safetensors`: sums of gradients of batches of at least {} training rows. Of small batches, single rows can be recovered from such sums.",
            info.contents.smallest_batch()
        )?;
    }
    if model.evaluation.is_some() {
        writeln!(
            text,
            "- `evaluation.safetensors`: encoded validation and test rows, which are data of your orders."
        )?;
    }
    if model.training.is_some() {
        writeln!(
            text,
            "- `training.json` and `report/`: column names, class names, counts, warnings that quote cells, and the command line with file names."
        )?;
    }
    writeln!(text, "- `model.json`: the name and SHA-256 of {}.", plain(&info.data.file))?;
    writeln!(
        text,
        "- The files are sealed against damage. A seal is no signature: it does not tell who made them."
    )
}

/// What the encoders hold of the sheet.
fn write_values(features: &FittedFeatures, text: &mut String) -> std::fmt::Result {
    let held = features.encoders().iter().filter_map(|encoder| match &encoder.coding {
        Coding::Category(category) => Some((encoder.source.column.as_str(), category.values.len())),
        Coding::Number(_) => None,
    });
    let columns: Vec<String> = held
        .filter(|(_, values)| *values > 0)
        .map(|(column, values)| format!("{} ({values})", plain(column)))
        .collect();
    let words = match columns.is_empty() {
        true => "no value of a column word for word".to_owned(),
        false => format!("values word for word, of {}", columns.join(", ")),
    };
    writeln!(
        text,
        "- `features.json`: {words}; of number columns the smallest and largest value and the scale."
    )
}

/// The card of a folder that predicts and does nothing else.
pub(super) fn shared(model: &PredictionModel) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write_shared(model, &mut text);
    text
}

/// Hidden layers by the name of a size.
fn hidden(name: &str) -> String {
    match name.split_once(" of ") {
        Some((members, size)) => format!("mean of {members}, each {size} hidden"),
        None if name == "none" => "no hidden layers".to_owned(),
        None => format!("{name} hidden"),
    }
}

fn write_shared(model: &PredictionModel, text: &mut String) -> std::fmt::Result {
    let info = &model.info;
    let spec = model.network.spec();
    writeln!(text, "# Model card\n")?;
    writeln!(text, "Predicts one of {}: {}.", info.classes.len(), list(&info.classes))?;
    writeln!(
        text,
        "A multilayer perceptron ({}, {} inputs, {} parameters), trained by Recant {} and shared for predictions only.\n",
        hidden(&spec.name()),
        spec.inputs,
        spec.parameters(),
        info.recant_version
    )?;
    let columns: Vec<String> = model.features.source_columns().iter().map(|column| (*column).to_owned()).collect();
    writeln!(text, "Columns it reads: {}.", list(&columns))?;
    if let Some(accuracy) = info.test.accuracy {
        writeln!(
            text,
            "\nRight in {:.2} % of {}.",
            accuracy * 100.0,
            counted(info.test.rows, "test row")
        )?;
    }
    writeln!(text, "\n## What this folder holds\n")?;
    write_values(&model.features, text)?;
    writeln!(text, "- `profile.toml`: names of columns, the filter, and how cells are read.")?;
    writeln!(
        text,
        "- `model.json`: class names, numbers of rows, the period of the rows, how it was trained."
    )?;
    writeln!(
        text,
        "- `weights.safetensors`: the network. What a network has learned may show whether a row was among its training rows."
    )?;
    writeln!(text, "\n## What it cannot do\n")?;
    for (file, _, lost) in NOT_IN_A_SHARED_FOLDER {
        writeln!(text, "- without `{file}`: {lost}")?;
    }
    Ok(())
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
