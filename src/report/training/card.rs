//! The model card: what a person needs to know before using the model, as Markdown beside it.

use std::fmt::Write as _;

use crate::evaluate::train_record::TrainRecord;
use crate::evaluate::words;
use crate::report::format;
use crate::report::parts::metrics::METRICS;
use crate::report::training::headline;

/// The card in Markdown. Text from the person's files is escaped, so that none of it becomes markup.
pub fn model_card(record: &TrainRecord) -> String {
    let mut card = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut card, record);
    card
}

fn write(card: &mut String, record: &TrainRecord) -> std::fmt::Result {
    let model = &record.model;
    writeln!(card, "# {}\n", plain(&model.name))?;
    writeln!(
        card,
        "**{}.** {}\n",
        headline(record),
        plain(&format::without_verdict(&record.usefulness.sentence))
    )?;
    writeln!(card, "| | |\n|---|---|")?;
    let classes: Vec<String> = model
        .classes
        .iter()
        .enumerate()
        .map(|(place, class)| {
            format!(
                "{} ({})",
                plain(class),
                format::percent_or_unknown(model.class_shares.get(place).copied(), 1)
            )
        })
        .collect();
    let parameters = format::counted(model.parameters, "parameter");
    let inputs = format::counted(model.inputs, "input");
    row(
        card,
        "network",
        &format!("{}, {parameters}, {inputs}", plain(&words::network_size(&model.network))),
    )?;
    row(card, "tells apart (share of the training rows)", &classes.join(", "))?;
    row(
        card,
        "training sheet",
        &format!("{} (SHA-256 {})", plain(&model.data_file), plain(&model.data_sha256)),
    )?;
    row(card, "profile", &plain(&model.profile))?;
    let split = &record.split;
    for (name, rows, period) in [
        ("training rows", split.training_rows, &split.training_period),
        ("validation rows", split.validation_rows, &split.validation_period),
        ("test rows", split.test_rows, &split.test_period),
    ] {
        let period = period
            .as_ref()
            .map_or_else(String::new, |period| format!(", {}", format::period(period)));
        row(card, name, &format!("{}{}", format::count(rows), plain(&period)))?;
    }
    row(card, "split", &plain(&split.rule))?;
    let training = &record.training;
    let schedule = match training.most_epochs {
        Some(most) => format!("at most, falling along half a cosine of {}", format::counted(most, "epoch")),
        None => format!("x {} an epoch", format::number(training.decay)),
    };
    let recipe = format!(
        "{}, batches of {}, learning rate {} {schedule}, weight decay {}",
        format::counted(training.epochs, "epoch"),
        format::count(training.batch),
        format::number(training.learning_rate),
        format::number(training.weight_decay)
    );
    row(card, "recipe", &recipe)?;
    row(card, "seed", &model.seed.to_string())?;
    row(card, "made by", &format!("Recant {}", plain(&record.recant_version)))?;
    figures(card, record)?;
    limits(card, record)?;
    writeln!(card, "\n## Command\n\n    {}", format::visible(&record.command, 2000))
}

fn figures(card: &mut String, record: &TrainRecord) -> std::fmt::Result {
    let Some(test) = &record.test else { return Ok(()) };
    writeln!(card, "\n## On the test rows\n")?;
    write!(card, "| | this model |")?;
    for baseline in &record.baselines {
        write!(card, " {} |", plain(&baseline.title))?;
    }
    writeln!(card, "\n|---|---|{}", "---|".repeat(record.baselines.len()))?;
    for metric in METRICS {
        write!(card, "| {} | {} |", metric.name, (metric.show)((metric.of)(test)))?;
        for baseline in &record.baselines {
            write!(card, " {} |", (metric.show)((metric.of)(&baseline.comparison.before)))?;
        }
        writeln!(card)?;
    }
    writeln!(card, "\n| class | test rows | recall | precision | F1 |\n|---|---|---|---|---|")?;
    for class in &test.classes {
        let show = |value| format::percent_or_unknown(value, 1);
        let (recall, precision, f1) = (show(class.recall), show(class.precision), show(class.f1));
        writeln!(
            card,
            "| {} | {} | {recall} | {precision} | {f1} |",
            plain(&class.name),
            format::count(class.rows)
        )?;
    }
    Ok(())
}

/// What the figures cannot be trusted for.
fn limits(card: &mut String, record: &TrainRecord) -> std::fmt::Result {
    writeln!(card, "\n## Limits\n")?;
    match &record.leakage {
        None => writeln!(card, "- No leakage audit was made.")?,
        Some(findings) if findings.is_empty() => writeln!(card, "- The leakage audit found no column that gives the label away.")?,
        Some(findings) => {
            for finding in findings {
                let state = if finding.dropped {
                    "left out"
                } else {
                    "**in use: the figures above are too good**"
                };
                writeln!(card, "- {} ({state}): {}", plain(&finding.column), plain(&finding.evidence))?;
            }
        }
    }
    for note in record.notes.iter() {
        writeln!(card, "- {} {}", plain(&note.found), plain(&note.done))?;
    }
    Ok(())
}

fn row(card: &mut String, name: &str, value: &str) -> std::fmt::Result {
    writeln!(card, "| {name} | {value} |")
}

/// Text without anything that Markdown or HTML would read as markup.
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for letter in format::visible(text, 400).chars() {
        match letter {
            '<' | '>' | '&' | '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_sheet_never_becomes_markup() {
        assert_eq!(plain("<b>a|b</b>"), "\\<b\\>a\\|b\\</b\\>");
        assert_eq!(plain("[x](y) *z*\n# w"), "\\[x\\](y) \\*z\\* \\# w");
    }
}
