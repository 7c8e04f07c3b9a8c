//! `recant train`: trains a classifier on a sheet and says honestly how good it is.

use crate::cli::Context;
use crate::cli::arguments::{TrainArgs, TrainingOptions};
use crate::cli::sheets;
use crate::error::Result;
use crate::evaluate::record::EvaluationSettings;
use crate::evaluate::train_record::TrainRecord;
use crate::features::Profile;
use crate::jobs::save::{folder_of, save_trained};
use crate::jobs::train::{TrainOptions, TrainRequest, Trained, train};
use crate::notes::Notes;
use crate::report;

pub(super) fn run(context: &Context, arguments: &TrainArgs) -> Result<()> {
    refuse_existing(&arguments.out)?;
    let mut notes = Notes::new();
    let table = sheets::read_rows(&arguments.sheet_file, &arguments.reading, &mut notes)?;
    let overrides = sheets::overrides(&arguments.profile, context.seed);
    let mut profile = Profile::choose(&table, arguments.profile.profile.as_deref(), &overrides, &mut notes)?;
    if let Some(recipe) = arguments.training.recipe {
        profile.take_recipe(recipe);
    }
    let request = TrainRequest {
        table: &table,
        profile: &profile,
        options: &options(&arguments.training),
        name: folder_name(&arguments.out),
        command: sheets::command_for_records(),
        settings: settings(context),
        seed: context.seed,
        threads: context.threads,
    };
    let progress = context.console.progress();
    let trained = train(&request, &mut notes, &progress)?;
    let model = folder_of(&trained, &table, arguments.training.keep_test_rows)?;
    save_trained(
        &model,
        Some(&report::training::model_card(&trained.record)),
        &arguments.out,
        |folder| report::write_training(&folder.join("report"), &trained.record, &trained.timings).map(drop),
    )?;
    say(context, &trained, arguments);
    Ok(())
}

/// That `out` does not exist yet and can be made: better to hear it before minutes of work than after.
pub(super) fn refuse_existing(out: &std::path::Path) -> Result<()> {
    crate::files::check_new_folder(out)?;
    crate::files::check_place(out)
}

/// Last part of a path, for records.
pub(super) fn folder_name(path: &std::path::Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

pub(super) fn settings(context: &Context) -> EvaluationSettings {
    EvaluationSettings {
        minimum_effect: 0.001,
        significance: 0.05,
        resamples: 10_000,
        group_column: None,
        seed: context.seed.0,
    }
}

fn options(options: &TrainingOptions) -> TrainOptions {
    TrainOptions {
        network: options.network.clone(),
        epochs: options.epochs,
        learning_rate: options.learning_rate,
        weight_decay: options.weight_decay,
        batch: options.batch,
        balance_classes: options.balance_classes,
        trials: options.trials,
    }
}

fn say(context: &Context, trained: &Trained, arguments: &TrainArgs) {
    let console = &context.console;
    let record = &trained.record;
    console.say(report::terminal::training(record, console.look()));
    console.item("Model", arguments.out.display().to_string());
    console.item("Report", arguments.out.join("report").join("report.html").display().to_string());
    console.next_step(
        "Next, when you know which rows were entered wrongly:",
        &format!(
            "recant repair --model {} --flags wrong-rows.csv --data {} --out {}-repaired",
            sheets::shown(&arguments.out),
            sheets::shown(&arguments.sheet_file),
            sheets::shown(&arguments.out)
        ),
    );
    console.result(&json(record, arguments));
}

fn json(record: &TrainRecord, arguments: &TrainArgs) -> serde_json::Value {
    let metrics = |metrics: &Option<crate::evaluate::record::Metrics>| {
        metrics.as_ref().map(|metrics| {
            serde_json::json!({ "accuracy": metrics.accuracy.estimate, "balanced_accuracy": metrics.balanced_accuracy, "macro_f1": metrics.macro_f1, "log_loss": metrics.log_loss, "calibration_error": metrics.calibration_error })
        })
    };
    serde_json::json!({
        "model": crate::cli::sheets::in_result(&arguments.out),
        "rows": { "training": record.split.training_rows, "validation": record.split.validation_rows, "test": record.split.test_rows },
        "network": record.model.network,
        "inputs": record.model.inputs,
        "parameters": record.model.parameters,
        "class_shares": record.model.class_shares,
        "learning_rate": record.training.learning_rate,
        "weight_decay": record.training.weight_decay,
        "test": metrics(&record.test),
        "validation": metrics(&record.validation),
        "usefulness": record.usefulness,
        "leakage": record.leakage,
        "notes": record.notes,
    })
}
