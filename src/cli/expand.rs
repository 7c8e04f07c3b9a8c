//! `recant expand` and `recant suspects`: further rows that are probably wrong, in a file to look at, to tick, and to repair with.

use std::path::{Path, PathBuf};

use crate::cli::Context;
use crate::cli::arguments::{ExpandArgs, LabelOptions, SheetOptions, SuspectsArgs};
use crate::cli::{expand_images, repair, sheets};
use crate::commands::{
    ExpandSheet, LabelledSheet, SearchFrom, SheetSource, SuspectSheet, WrongRows, expand_sheet, is_imported, suspect_sheet,
};
use crate::error::{Error, Result};
use crate::evaluate::words::{count, count_of, p_value, percent};
use crate::label_errors::episodes::Episode;
use crate::label_errors::expand::Shared;
use crate::label_errors::suspects::{Estimate, RankedBy, Suspects};
use crate::label_errors::{Expansion, Verdict};
use crate::notes::Notes;
use crate::tables::Rule;

/// A model folder, or a sheet whose model Recant did not train.
fn search_from<'a>(model: Option<&'a Path>, key: Option<&'a str>, labels: &'a LabelOptions) -> Result<SearchFrom<'a>> {
    if let Some(folder) = model.filter(|model| !is_imported(model)) {
        let given = [
            ("--label", labels.label.is_some()),
            ("--probabilities", labels.probabilities.is_some()),
            ("--classes", !labels.classes.is_empty()),
        ];
        return match given.iter().find(|(_, given)| *given) {
            None => Ok(SearchFrom::Model(folder)),
            Some((option, _)) => Err(Error::input(format!(
                "`{option}` is for a model that was trained elsewhere, and this is one of Recant's own, which knows it"
            ))
            .hint(format!("leave `{option}` out, or `--model`"))),
        };
    }
    let label = labels.label.as_deref().ok_or_else(|| {
        Error::input("an imported model needs `--label`: its file does not name the column that it predicts")
            .hint("name it: `--label COLUMN`")
    })?;
    Ok(SearchFrom::Labels(LabelledSheet {
        label,
        key,
        model,
        classes: &labels.classes,
        probabilities: labels.probabilities.as_deref().map(SheetSource::File),
    }))
}

/// The command that repairs with what was found.
fn next_repair(
    model: Option<&Path>,
    key: Option<&str>,
    labels: &LabelOptions,
    (sheet_files, reading, out): (&[PathBuf], &SheetOptions, &Path),
    likeliest: bool,
) -> Option<String> {
    let model = model?;
    let likeliest = if likeliest { " --correct-column likeliest_label" } else { "" };
    let (more, repaired) = match &labels.label {
        Some(label) => {
            let quoted = |option: &str, text: &str| format!(" --{option} {}", sheets::shown(Path::new(text)));
            let key = key.map(|key| quoted("key", key)).unwrap_or_default();
            let classes = match labels.classes.is_empty() {
                true => String::new(),
                false => quoted("classes", &labels.classes.join(",")),
            };
            (
                format!("{}{key}{classes}", quoted("label", label)),
                format!("repaired.{}", model.extension().unwrap_or_default().to_string_lossy()),
            )
        }
        None => (String::new(), "model-repaired".to_owned()),
    };
    Some(format!(
        "recant repair --model {} --flags {}{likeliest} {}{}{more} --out {repaired}",
        sheets::shown(model),
        sheets::shown(out),
        sheets::as_data(sheet_files),
        sheets::reading_options(reading)
    ))
}

pub(super) fn run(context: &Context, arguments: &ExpandArgs) -> Result<()> {
    if let Some(dataset) = &arguments.images.dataset {
        return expand_images::run(context, arguments, dataset);
    }
    expand_images::refuse_images(&arguments.sheet_files)?;
    let request = ExpandSheet {
        sheet: SheetSource::Files(&arguments.sheet_files),
        reading: sheets::read_options(&arguments.reading)?,
        from: search_from(arguments.model.as_deref(), arguments.flag_reading.key.as_deref(), &arguments.labels)?,
        flags: WrongRows::Flags(&arguments.flags),
        flag_options: repair::flag_options(&arguments.flag_reading)?,
        flags_sheet: arguments.flag_reading.flags_sheet.clone(),
        checked: arguments.checked.as_deref().map(Rule::parse).transpose()?,
        tick_contradictions: arguments.tick_contradictions,
        tick_doubtful: arguments.tick_doubtful,
        out: Some(&arguments.out),
        existing: arguments.force.existing(),
    };
    let found = expand_sheet(&context.run(&context.console.progress()), &request)?;
    say(context, arguments, &found.found, &found.notes);
    Ok(())
}

fn say(context: &Context, arguments: &ExpandArgs, found: &Expansion, notes: &Notes) {
    let console = &context.console;
    console.notes(notes);
    summary(context, found);
    console.item(
        "Looked at",
        format!("{} columns: {}", found.columns_used.len(), found.columns_used.join(", ")),
    );
    console.item("Written", arguments.out.display().to_string());
    let next = next_repair(
        arguments.model.as_deref(),
        arguments.flag_reading.key.as_deref(),
        &arguments.labels,
        (&arguments.sheet_files, &arguments.reading, &arguments.out),
        true,
    );
    if let Some(next) = next.filter(|_| !found.pattern.is_empty() || !found.contradictions.is_empty()) {
        console.next_step(
            "Next, look through the file (column is_label_issue: TRUE is taken as wrong; a label in correct_label wins) and repair with it:",
            &next,
        );
    }
    let mut value = serde_json::to_value(found).unwrap_or_default();
    value["pattern"] = serde_json::json!(found.pattern.len());
    value["doubtful"] = serde_json::json!(found.doubtful.len());
    value["doubtful_listed"] = serde_json::json!(found.listed_doubtful().len());
    value["explained"] = serde_json::json!(found.explained.len());
    value["contradictions"] = serde_json::json!(found.contradictions.len());
    value["out"] = sheets::in_result(&arguments.out);
    value["notes"] = serde_json::json!(notes);
    console.result(&value);
}

/// What rows share, a line each. `what`: flagged or ticked.
fn in_common(context: &Context, all: &[Shared], what: &str) {
    for (place, shared) in all.iter().enumerate() {
        let also = match shared.also.as_slice() {
            [] => String::new(),
            others => format!("; the same rows: {}", others.join(", ")),
        };
        let slips = if shared.as_slips_would {
            ", as slips on such rows would"
        } else {
            ""
        };
        context.console.item(
            if place == 0 { "In common" } else { "" },
            format!(
                "{}: {} of {} {what} rows, {} of {} rows (lift {:.1}, {}{slips}){also}",
                shared.conditions,
                count(shared.flags),
                count(shared.flagged),
                count(shared.rows),
                count(shared.of_rows),
                shared.lift,
                p_value(shared.p, 0.01)
            ),
        );
    }
}

/// How many rows are estimated to be wrong, and how many are ticked for it.
fn estimate(found: &Suspects) -> String {
    let rows = found.estimated_wrong.round() as usize;
    let wrong = count_of(rows, "row");
    let ticked = match found.ticked() {
        0 => "none is ticked: look from the top".to_owned(),
        1 => "the most doubted is ticked".to_owned(),
        several => format!("the {} most doubted are ticked", count(several)),
    };
    match found.estimate {
        Estimate::About => format!("about {wrong}; {ticked}"),
        Estimate::AtLeast if rows == 0 => {
            "not known: nothing in the sheet contradicts a label. An error of all rows of a kind looks like this, too".to_owned()
        }
        Estimate::AtLeast if found.ranked_by == RankedBy::Learning => format!(
            "at least {wrong}, by what other rows of the same group say; none is ticked, since most of those share one thing: they may be the right ones \
             among many wrong"
        ),
        Estimate::AtLeast => format!("at least {wrong}, by what other rows of the same group say; {ticked}"),
        Estimate::AtMost => format!("at most about {wrong}: the columns say too little about the label to tell how many; {ticked}"),
    }
}

/// Rows of one value that were recorded otherwise for a while.
fn of_episode(episode: &Episode, classes: &[String]) -> String {
    let class = classes.get(usize::from(episode.recorded_as)).map_or("", String::as_str);
    format!(
        "{} from {} to {}: {} of {} rows are recorded {class}, where models of other times expect {} ({}). If it was not so, about {} of them are \
         wrong; they are listed among the first, and not ticked",
        episode.conditions,
        episode.from,
        episode.to,
        count(episode.recorded),
        count(episode.rows),
        count(episode.expected.round() as usize),
        p_value(episode.p, 0.001),
        count(episode.wrong.round() as usize)
    )
}

/// What was found, in a few lines.
pub(super) fn summary(context: &Context, found: &Expansion) {
    let console = &context.console;
    console.item(
        "Flagged",
        format!("{} of {} training rows", count(found.flagged), count(found.training_rows)),
    );
    in_common(context, &found.shared, "flagged");
    // A rule that was found has passed the test against it.
    if let Some(corner) = found.corner.as_ref().filter(|_| found.verdict == Verdict::Shared) {
        let told = corner.replace('\'', "'\\''");
        console.item(
            "One corner",
            format!("your flags all come from there: tell whether only such rows were checked (`--checked '{told}'`)"),
        );
    }
    match found.verdict {
        Verdict::Pattern => {
            for rule in &found.rules {
                console.item("Pattern", &rule.words);
                let rounded = |wrong: f64| count(wrong.round() as usize);
                let range = rule.wrong_range.map(|(low, high)| {
                    format!(
                        " ({} to {}, 95 %, by how far models are off about other values)",
                        rounded(low),
                        rounded(high)
                    )
                });
                console.item(
                    "",
                    format!(
                        "{} rows meet it and are recorded so; about {} of them are wrong{}",
                        count(rule.rows),
                        rounded(rule.estimated_wrong),
                        range.unwrap_or_default()
                    ),
                );
            }
        }
        Verdict::Shared | Verdict::IndependentSlips | Verdict::RandomSample | Verdict::TooFewFlags => {
            console.item("Pattern", &found.sentence)
        }
    }
    match found.expected_precision {
        Some(precision) => console.item(
            "Proposed",
            format!(
                "{} rows like the flagged ones; about {} of them are wrong",
                count(found.pattern.len()),
                percent(precision, 0)
            ),
        ),
        None => console.item("Proposed", "no further row for being like the flagged ones"),
    }
    let doubtful: f64 = found.doubtful.iter().map(|proposal| proposal.score).sum();
    if doubtful >= 1.0 {
        console.item(
            "Doubtful",
            format!(
                "{} further rows of the pattern; about {} of them are wrong, but which cannot be told; {} with a chance of 10 % or more are listed",
                count(found.doubtful.len()),
                count(doubtful.round() as usize),
                count(found.listed_doubtful().len())
            ),
        );
    }
    for contradiction in &found.contradicted {
        if contradiction.rows > 0 {
            console.item(
                "Contradicts",
                format!("{} rows: {}", count(contradiction.rows), contradiction.words),
            );
        }
    }
}

/// `recant suspects`
pub(super) fn run_suspects(context: &Context, arguments: &SuspectsArgs) -> Result<()> {
    let request = SuspectSheet {
        sheet: SheetSource::Files(&arguments.sheet_files),
        reading: sheets::read_options(&arguments.reading)?,
        from: search_from(arguments.model.as_deref(), arguments.key.as_deref(), &arguments.labels)?,
        folds: usize::from(arguments.folds),
        all: arguments.all,
        out: Some(&arguments.out),
        existing: arguments.force.existing(),
    };
    let suspects = suspect_sheet(&context.run(&context.console.progress()), &request)?;
    let (found, notes) = (&suspects.found, &suspects.notes);
    let console = &context.console;
    console.notes(notes);
    let classes = &suspects.classes;
    let suspected = found.suspects().count();
    console.item(
        "Suspects",
        format!(
            "{} of {} training rows ({})",
            count(suspected),
            count(found.training_rows),
            percent(suspected as f64 / found.training_rows.max(1) as f64, 1)
        ),
    );
    let mut kinds = Vec::new();
    let mut contradicted = 0;
    for (given, name) in classes.iter().enumerate() {
        for (likeliest, other) in classes.iter().enumerate().filter(|(class, _)| *class != given) {
            let rows = found.counts[given * classes.len() + likeliest];
            if rows > 0 {
                contradicted += rows;
                console.item("", format!("{} recorded {name}, likeliest {other}", count(rows)));
                kinds.push(serde_json::json!({ "given": name, "likeliest": other, "rows": rows }));
            }
        }
    }
    if found.ranked_by == RankedBy::Learning && suspected > contradicted {
        console.item(
            "",
            format!("{} more in which another class led in training", count(suspected - contradicted)),
        );
    }
    console.item("Wrong", estimate(found));
    in_common(context, &found.shared, if found.ticked() == 0 { "most doubted" } else { "ticked" });
    for (place, episode) in found.episodes.iter().enumerate() {
        console.item(if place == 0 { "For a while" } else { "" }, of_episode(episode, classes));
    }
    let score = match found.ranked_by {
        RankedBy::Unseen => "ranks the rows and is no chance: look before you repair",
        RankedBy::Learning => {
            "ranks the rows by how hard their labels were to learn, since an error that was made all the time shows only there; it is no chance: look before you \
             repair"
        }
    };
    console.item("Score", score);
    console.item("Written", arguments.out.display().to_string());
    if let Some(next) = next_repair(
        arguments.model.as_deref(),
        arguments.key.as_deref(),
        &arguments.labels,
        (&arguments.sheet_files, &arguments.reading, &arguments.out),
        false,
    )
    .filter(|_| found.ticked() > 0)
    {
        console.next_step(
            "Next, look through the file (most doubted first; column is_label_issue: TRUE is taken as wrong) and repair with it:",
            &next,
        );
    }
    console.result(&serde_json::json!({
        "suspects": suspected, "ticked": found.ticked(), "estimated_wrong": found.estimated_wrong, "estimate": found.estimate, "ranked_by": found.ranked_by,
        "shared": found.shared, "episodes": found.episodes, "training_rows": found.training_rows, "kinds": kinds, "joint": found.joint, "thresholds": found.thresholds, "out": sheets::in_result(&arguments.out), "notes": notes,
    }));
    Ok(())
}
