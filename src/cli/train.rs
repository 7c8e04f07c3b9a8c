//! `recant train`: trains a classifier on a sheet and says honestly how good it is.

use crate::cli::Context;
use crate::cli::arguments::{TrainArgs, TrainingOptions};
use crate::cli::sheets;
use crate::commands::{SheetSource, TrainSheet, metric, train_sheet};
use crate::error::Result;
use crate::evaluate::record::Metrics;
use crate::evaluate::train_record::{BaselineRecord, TrainRecord};
use crate::jobs::train::{TrainOptions, Trained};
use crate::report;

pub(super) fn run(context: &Context, arguments: &TrainArgs) -> Result<()> {
    let request = TrainSheet {
        sheet: SheetSource::Files(&arguments.sheet_files),
        reading: sheets::read_options(&arguments.reading)?,
        profile: arguments.profile.profile.as_deref(),
        overrides: sheets::overrides(&arguments.profile, context.seed),
        recipe: arguments.training.recipe,
        options: options(&arguments.training),
        metric: metric(&arguments.metric)?,
        keep_test_rows: arguments.training.keep_test_rows,
        out: &arguments.out,
    };
    let trained = train_sheet(&context.run(&context.console.progress()), &request)?;
    say(context, &trained, arguments);
    Ok(())
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
        budget: options.budget,
        private: options.private,
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
            "recant repair --model {} --flags wrong-rows.csv {}{} --out {}-repaired",
            sheets::shown(&arguments.out),
            sheets::as_data(&arguments.sheet_files),
            sheets::reading_options(&arguments.reading),
            sheets::shown(&arguments.out)
        ),
    );
    console.result(&json(record, arguments));
}

fn json(record: &TrainRecord, arguments: &TrainArgs) -> serde_json::Value {
    let figures = |metrics: &Metrics| serde_json::json!({ "accuracy": metrics.accuracy.estimate, "balanced_accuracy": metrics.balanced_accuracy, "macro_f1": metrics.macro_f1, "log_loss": metrics.log_loss, "calibration_error": metrics.calibration_error });
    // Other models on the test rows, and what the model is against each: `verdict` and `difference` are the model's.
    let baseline = |baseline: &BaselineRecord| {
        let compared = &baseline.comparison;
        serde_json::json!({ "name": baseline.name, "title": baseline.title, "test": figures(&compared.before), "verdict": compared.verdict, "difference": compared.counted_interval(), "p": compared.p_holm })
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
        "test": record.test.as_ref().map(figures),
        "validation": record.validation.as_ref().map(figures),
        "baselines": record.baselines.iter().map(baseline).collect::<Vec<_>>(),
        "usefulness": record.usefulness,
        "leakage": record.leakage,
        "notes": record.notes,
    })
}
