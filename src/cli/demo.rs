//! `recant demo`: the whole job on the bundled sample, each step with the command that does it.

use std::path::Path;

use crate::cli::Context;
use crate::cli::arguments::DemoArgs;
use crate::cli::sheets;
use crate::commands::{
    ExpandSheet, Further, PredictSheet, RepairSheet, RepairedSheet, Run, SearchFrom, SheetSource, TrainSheet, WrongRows, check_new_folder,
    default_evidence, expand_sheet, predict_sheet, repair_sheet, train_sheet, write_injected,
};
use crate::error::{Error, Result};
use crate::evaluate::Metric;
use crate::evaluate::words::{count, percent};
use crate::features::{Overrides, Profile};
use crate::files::{self, Existing};
use crate::jobs::imported::SheetPlan;
use crate::jobs::repair::Repaired;
use crate::jobs::train::TrainOptions;
use crate::label_errors::flags::FlagOptions;
use crate::label_errors::{Bias, InjectedSheet, InjectionPlan, Known, inject_sheet, kinds};
use crate::notes::Notes;
use crate::progress::Progress;
use crate::repair::RepairOptions;
use crate::report;
use crate::seed::Seed;
use crate::tables::{self, ReadOptions, Table};

/// The bundled sample: made-up orders, see `data/README.md`.
const ORDERS: &[u8] = include_bytes!("../../data/sample/orders.csv.gz");
/// Made-up orders of the week after.
const NEXT_WEEK: &[u8] = include_bytes!("../../data/sample/next_week.csv");
/// The systematic error: the late orders of one lane were recorded as on time.
pub(crate) const ERROR: &str = "segment:Market = LATAM and \"Shipping Mode\" = \"Standard Class\": late -> on time, 100%";

pub(super) fn run(context: &Context, arguments: &DemoArgs) -> Result<()> {
    check_new_folder(&arguments.out)?;
    let console = &context.console;
    console.heading("Recant demo: a delay model that learned from wrong rows, and its repair");
    let mut notes = Notes::new();
    let progress = console.progress();
    let mut value = files::write_folder(&arguments.out, |folder| whole_job(context, folder, &mut notes, &progress))?;
    console.next_step(
        "Open the report in your browser:",
        &sheets::shown(&std::path::absolute(arguments.out.join("report.html")).unwrap_or_else(|_| arguments.out.join("report.html"))),
    );
    console.next_step(
        "Or go on in the browser, with this folder:",
        &format!("recant app {}", sheets::shown(&arguments.out)),
    );
    value["report"] = sheets::in_result(&arguments.out.join("report.html"));
    value["notes"] = serde_json::json!(notes);
    console.result(&value);
    Ok(())
}

fn whole_job(context: &Context, folder: &Path, notes: &mut Notes, progress: &dyn Progress) -> Result<serde_json::Value> {
    let console = &context.console;
    let orders = folder.join("orders.csv.gz");
    files::write_bytes(&orders, ORDERS)?;
    files::write_bytes(&folder.join("next-week.csv"), NEXT_WEEK)?;
    let clean = tables::read(&orders, &ReadOptions::default(), notes)?;
    console.heading("1. The sheet");
    console.say(format!(
        "{} made-up order items with {} columns, as an order system exports them: orders.csv.gz",
        count(clean.height()),
        clean.names().len()
    ));
    let profile = Profile::load("dataco")?;

    console.heading("2. The mistake");
    let injected = mislabel(context, &clean, &profile, notes)?;
    let trial = folder.join("mistake");
    std::fs::create_dir_all(&trial).map_err(|error| Error::io("make the folder", &trial, &error))?;
    write_injected(&injected, &trial, "corrupted.csv", notes)?;
    console.say(format!(
        "In {} rows, late orders of one lane (Latin America, Standard Class) were recorded as on time. Somebody found them: mistake/flags.csv",
        count(injected.summary.mislabelled)
    ));
    shown(context, &format!("recant inject orders.csv.gz --kind '{ERROR}' --out mistake"));

    console.heading("3. The model that learned from it");
    let step = |command: &str| Run {
        seed: context.seed,
        threads: context.threads,
        command: command.to_owned(),
        progress,
    };
    let corrupted = trial.join("corrupted.csv");
    let model = folder.join("model");
    let command = "recant train mistake/corrupted.csv --out model";
    let trained = train_sheet(
        &step(command),
        &TrainSheet {
            sheet: SheetSource::File(&corrupted),
            reading: ReadOptions::default(),
            profile: Some("dataco"),
            overrides: Overrides {
                seed: Some(context.seed.0),
                ..Overrides::default()
            },
            recipe: None,
            options: TrainOptions::default(),
            metric: Metric::Accuracy,
            keep_test_rows: false,
            out: &model,
        },
    )?;
    console.say(&trained.record.usefulness.sentence);
    shown(context, command);

    console.heading("4. The repair");
    let mistake = PlantedError {
        folder,
        corrupted: &corrupted,
        model: &model,
        seed: context.seed,
    };
    let out = folder.join("model-repaired");
    let command = "recant repair --model model --flags mistake/flags.csv --data mistake/corrupted.csv --out model-repaired";
    let repaired = mistake
        .repair(&step(command), &trial.join("flags.csv"), "auto", false, Some(&out))?
        .repaired;
    console.say(format!(
        "{} repair methods were tried on {} flagged rows.",
        repaired.record.methods.len().saturating_sub(1),
        count(repaired.record.flags.used)
    ));
    shown(context, command);
    copy_report(&out, folder)?;

    console.heading("5. Next week's orders");
    let command = "recant predict next-week.csv --model model-repaired --out predictions.xlsx";
    let predicted = predict_sheet(
        &step(command),
        &PredictSheet {
            sheet: SheetSource::File(&folder.join("next-week.csv")),
            reading: ReadOptions::default(),
            model: &out,
            plan: SheetPlan::default(),
            out: Some(&folder.join("predictions.xlsx")),
            existing: Existing::Keep,
        },
    )?;
    let counts = predicted.classes.iter().zip(predicted.predictions.counts());
    let late: Vec<String> = counts.map(|(class, number)| format!("{} {class}", count(number))).collect();
    console.say(format!("{} orders predicted: {}", count(predicted.table.height()), late.join(", ")));
    shown(context, command);
    console.heading("6. The result");
    say(context, &repaired);

    console.heading("7. When only a few of the wrong rows are known");
    let few = only_a_few(context, &mistake, step)?;
    Ok(serde_json::json!({
        "rows": clean.height(),
        "mislabelled": injected.summary.mislabelled,
        "chosen": repaired.record.chosen,
        "methods": repaired.record.methods.iter().map(|method| serde_json::json!({ "name": method.name, "test": method.test.as_ref().map(|test| serde_json::json!({ "accuracy": test.after.accuracy.estimate, "accuracy_before": test.before.accuracy.estimate, "verdict": method.verdict() })) })).collect::<Vec<_>>(),
        "affected": repaired.record.affected,
        "few": few,
    }))
}

fn shown(context: &Context, command: &str) {
    context.console.say(format!("   {command}"));
}

fn mislabel(context: &Context, clean: &Table, profile: &Profile, notes: &mut Notes) -> Result<InjectedSheet> {
    let label = profile.label.resolve(clean)?;
    let plan = InjectionPlan {
        mistakes: vec![(kinds::parse(ERROR, label.classes())?, None)],
        whole_groups: false,
        spare_validation: false,
        known: Known {
            share: 1.0,
            false_share: 0.0,
            bias: Bias::None,
        },
        full_rows: false,
        seed: context.seed,
    };
    inject_sheet(clean, profile, &plan, notes)
}

/// The corrupted sheet and the model that learned from it.
struct PlantedError<'a> {
    folder: &'a Path,
    corrupted: &'a Path,
    model: &'a Path,
    seed: Seed,
}

impl PlantedError<'_> {
    /// A repair with these flags, judged on the rows that the error could have hit as well.
    fn repair(&self, run: &Run, flags: &Path, method: &str, expand: bool, out: Option<&Path>) -> Result<RepairedSheet> {
        let affected = self.folder.join("mistake").join("truth").join("affected-rows.csv");
        let request = RepairSheet {
            model: self.model,
            wrong: WrongRows::Flags(flags),
            flag_options: FlagOptions::default(),
            flags_sheet: None,
            data: Some(SheetSource::File(self.corrupted)),
            test: None,
            reading: ReadOptions::default(),
            looked_up: None,
            affected: Some(&affected),
            further: if expand { Further::Always } else { Further::WhereAccepted },
            checked: None,
            method,
            options: RepairOptions::default(),
            evidence: default_evidence(self.seed),
            out,
        };
        repair_sheet(run, &request)
    }
}

/// Share of the wrong rows that somebody found, in the last part of the demo.
const FEW: f64 = 0.04;

/// Writes a part of the flags, drawn at random, and says how many of how many they are.
fn few_flags(folder: &Path, seed: Seed) -> Result<(usize, usize)> {
    let mut quiet = Notes::new();
    let all = tables::read(&folder.join("mistake").join("flags.csv"), &ReadOptions::default(), &mut quiet)?;
    let rows: Vec<u32> = (0..all.height() as u32).collect();
    let known = Known {
        share: FEW,
        false_share: 0.0,
        bias: Bias::None,
    };
    let drawn = known.draw(&rows, rows.len(), None, seed)?.flagged;
    let drawn: Vec<usize> = drawn.into_iter().map(|row| row as usize).collect();
    all.take(&drawn).write(&folder.join("few-flags.csv"), &mut quiet)?;
    Ok((drawn.len(), all.height()))
}

/// A few flags, the rule they follow, the rows that follow it too, and what repairing with and without those recovers.
fn only_a_few<'a>(context: &Context, mistake: &PlantedError, step: impl Fn(&str) -> Run<'a>) -> Result<serde_json::Value> {
    let console = &context.console;
    let folder = mistake.folder;
    let (drawn, all) = few_flags(folder, context.seed)?;
    let flags = folder.join("few-flags.csv");
    let command = "recant expand mistake/corrupted.csv --model model --flags few-flags.csv --out proposals.xlsx";
    let found = expand_sheet(
        &step(command),
        &ExpandSheet {
            sheet: SheetSource::File(mistake.corrupted),
            reading: ReadOptions::default(),
            from: SearchFrom::Model(mistake.model),
            flags: WrongRows::Flags(&flags),
            flag_options: FlagOptions::default(),
            flags_sheet: None,
            checked: None,
            tick_contradictions: false,
            tick_doubtful: false,
            out: Some(&folder.join("proposals.xlsx")),
            existing: Existing::Keep,
        },
    )?
    .found;
    console.say(format!(
        "Somebody found {} of the {} wrong rows: few-flags.csv. What do they have in common, and what else follows it?",
        count(drawn),
        count(all)
    ));
    super::expand::summary(context, &found);
    shown(context, command);
    let mut lane = Vec::new();
    let command =
        "recant repair --model model --flags few-flags.csv --expand --data mistake/corrupted.csv --method retrain --out model-expanded";
    let wider = folder.join("model-expanded");
    for (expand, out) in [(false, None), (true, Some(wider.as_path()))] {
        let repaired = mistake.repair(&step(command), &flags, "retrain", expand, out)?.repaired;
        lane.extend(
            repaired
                .record
                .affected
                .as_ref()
                .map(|affected| (affected.before, affected.after.get("retrain").copied().unwrap_or(affected.before))),
        );
    }
    shown(context, command);
    if let [(before, alone), (_, expanded)] = lane.as_slice() {
        console.item(
            "That lane",
            format!(
                "late orders right: {} before, {} retrained with the {} flags alone, {} with the proposed rows learned as their likeliest label",
                percent(*before, 1),
                percent(*alone, 1),
                count(found.flagged),
                percent(*expanded, 1)
            ),
        );
    }
    Ok(serde_json::json!({
        "flagged": found.flagged, "verdict": found.verdict, "sentence": found.sentence, "proposed": found.pattern.len(),
        "expected_precision": found.expected_precision,
        "affected": lane.iter().map(|(before, after)| serde_json::json!({ "before": before, "after": after })).collect::<Vec<_>>(),
    }))
}

/// The report once more at the top, where a person looks first.
fn copy_report(out: &Path, folder: &Path) -> Result<()> {
    for name in ["report.html", "report.xlsx"] {
        let from = out.join("report").join(name);
        let bytes = files::read("read", &from, files::RESULTS)?;
        files::write_bytes(&folder.join(name), &bytes)?;
    }
    Ok(())
}

fn say(context: &Context, repaired: &Repaired) {
    let console = &context.console;
    if let Ok(text) = report::terminal::repair(&repaired.record, &repaired.timings, console.look()) {
        console.say(text.trim_end());
    }
    if let Some(affected) = &repaired.record.affected {
        let after: Vec<String> = affected
            .after
            .iter()
            .map(|(method, accuracy)| format!("{method} {}", percent(*accuracy, 1)))
            .collect();
        console.item(
            "That lane",
            format!(
                "{} late orders in the test period: {} right before; after: {}",
                count(affected.rows),
                percent(affected.before, 1),
                after.join(", ")
            ),
        );
    }
}
