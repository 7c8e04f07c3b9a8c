//! `recant demo`: the whole job on the bundled sample, each step with the command that does it.

use std::path::Path;

use crate::cli::Context;
use crate::cli::arguments::DemoArgs;
use crate::cli::{inject, repair, sheets, train};
use crate::error::{Error, Result};
use crate::evaluate::record::EvaluationSettings;
use crate::evaluate::words::{count, percent};
use crate::features::Profile;
use crate::files;
use crate::jobs::expand::{Search, expand, proposal_sheet, record, with_pattern};
use crate::jobs::predict::predict;
use crate::jobs::repair::{RepairJob, Repaired, methods, run as run_repair};
use crate::jobs::rows::TrainingSheet;
use crate::jobs::save::{folder_of, save_repaired, save_trained};
use crate::jobs::train::{TrainOptions, TrainRequest, train as run_training};
use crate::jobs::trust::warn;
use crate::label_errors::flags::{self, FlagOptions, ResolvedFlags};
use crate::label_errors::proposals::Ticks;
use crate::label_errors::{Bias, ExpandOptions, InjectedSheet, InjectionPlan, Known, affected_rows, inject_sheet, kinds};
use crate::model::ModelFolder;
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
/// The systematic error: the late orders of one lane were booked as on time.
pub(crate) const ERROR: &str = "segment:Market = LATAM and \"Shipping Mode\" = \"Standard Class\": late -> on time, 100%";

pub(super) fn run(context: &Context, arguments: &DemoArgs) -> Result<()> {
    train::refuse_existing(&arguments.out)?;
    let console = &context.console;
    console.heading("Recant demo: a delay model that learned from wrong rows, and its repair");
    let mut notes = Notes::new();
    let progress = console.progress();
    let mut value = files::write_folder(&arguments.out, |folder| whole_job(context, folder, &mut notes, &progress))?;
    console.next_step(
        "Open the report in your browser:",
        &sheets::shown(&std::path::absolute(arguments.out.join("report.html")).unwrap_or_else(|_| arguments.out.join("report.html"))),
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
    inject::write(&injected, &trial, "corrupted.csv", notes)?;
    console.say(format!(
        "In {} rows, late orders of one lane (Latin America, Standard Class) were booked as on time. Somebody found them: mistake/flags.csv",
        count(injected.summary.mislabelled)
    ));
    shown(context, &format!("recant inject orders.csv.gz --kind '{ERROR}' --out mistake"));

    console.heading("3. The model that learned from it");
    let corrupted = tables::read(&trial.join("corrupted.csv"), &ReadOptions::default(), notes)?;
    let model_path = folder.join("model");
    let record = train_on(context, &corrupted, &profile, &model_path, notes, progress)?;
    console.say(record);
    shown(context, "recant train mistake/corrupted.csv --out model");

    console.heading("4. The repair");
    let (model, origin) = ModelFolder::load(&model_path)?;
    let out = folder.join("model-repaired");
    let repaired = {
        let sheet = TrainingSheet::read(&corrupted, &model, notes)?;
        let flag_path = trial.join("flags.csv");
        let read = flags::read(
            &flag_path,
            &ReadOptions::default(),
            &FlagOptions::default(),
            &model.rows,
            Some(&model.profile.label),
            notes,
        )?;
        let resolved = flags::resolve(&read.file, &model.rows, notes)?;
        let mistake = Mistake {
            clean: &clean,
            corrupted: &corrupted,
            profile: &profile,
            model: &model,
            folder,
        };
        let job = RepairJob {
            methods: methods("auto", true, &model, notes)?,
            auto: true,
            command: "recant repair --model model --flags mistake/flags.csv --data mistake/corrupted.csv --out model-repaired".to_owned(),
            ..mistake.job(context, &sheet, &resolved, notes)?
        };
        let repaired = run_repair(&job, notes, progress)?;
        save_repaired(&repaired, &job, &origin, &read.table.source().sha256, &out, |inside| {
            repair::write_report(&inside.join("report"), &repaired)
        })?;
        repaired
    };
    console.say(format!(
        "{} repair methods were tried on {} flagged rows.",
        repaired.record.methods.len().saturating_sub(1),
        count(repaired.record.flags.used)
    ));
    shown(
        context,
        "recant repair --model model --flags mistake/flags.csv --data mistake/corrupted.csv --out model-repaired",
    );
    copy_report(&out, folder)?;

    console.heading("5. Next week's orders");
    let (repaired_model, _) = ModelFolder::load(&out)?;
    let week = tables::read(&folder.join("next-week.csv"), &ReadOptions::default(), notes)?;
    let predictions = predict(
        &week,
        &repaired_model.network,
        &repaired_model.features,
        &repaired_model.info.classes,
        context.threads,
        notes,
    )?;
    predictions.append_to(&week)?.write(&folder.join("predictions.xlsx"), notes)?;
    let late: Vec<String> = repaired_model
        .info
        .classes
        .iter()
        .zip(predictions.counts())
        .map(|(class, number)| format!("{} {class}", count(number)))
        .collect();
    console.say(format!("{} orders predicted: {}", count(week.height()), late.join(", ")));
    shown(
        context,
        "recant predict next-week.csv --model model-repaired --out predictions.xlsx",
    );
    console.heading("6. The result");
    say(context, &repaired);

    console.heading("7. When only a few of the wrong rows are known");
    let few = only_a_few(
        context,
        &Mistake {
            clean: &clean,
            corrupted: &corrupted,
            profile: &profile,
            model: &model,
            folder,
        },
        notes,
        progress,
    )?;
    Ok(serde_json::json!({
        "rows": clean.height(),
        "mislabelled": injected.summary.mislabelled,
        "chosen": repaired.record.chosen,
        "methods": repaired.record.methods.iter().map(|method| serde_json::json!({ "name": method.name, "test": method.test.as_ref().map(|test| serde_json::json!({ "accuracy": test.after.accuracy.estimate, "accuracy_before": test.before.accuracy.estimate, "verdict": test.verdict })) })).collect::<Vec<_>>(),
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
struct Mistake<'a> {
    clean: &'a Table,
    corrupted: &'a Table,
    profile: &'a Profile,
    model: &'a ModelFolder,
    folder: &'a Path,
}

impl Mistake<'_> {
    /// A repair with these flags; methods and command are still to be named.
    fn job<'b>(&'b self, context: &Context, sheet: &TrainingSheet, flags: &'b ResolvedFlags, notes: &mut Notes) -> Result<RepairJob<'b>> {
        let mut test = sheet.test(self.corrupted, flags);
        let mut validation = sheet.validation(self.corrupted, flags);
        let suspicion = repair::suspicion(context, self.model, Some((sheet, self.corrupted)), flags, None)?;
        for (rows, name) in [(&mut test, "test rows"), (&mut validation, "validation rows")] {
            if let Some(rows) = rows.as_mut() {
                suspicion.sort(rows, context.threads)?;
                warn(rows, name, suspicion.words(), notes);
            }
        }
        let affected = match &test {
            Some(test) => Some(touched(self.clean, self.profile, &test.table_rows, notes)?),
            None => None,
        };
        Ok(RepairJob {
            model: self.model,
            model_name: "model".to_owned(),
            flags,
            flagged: sheet.flagged(flags, self.model.features.width()),
            training: Some(sheet.data.clone()),
            validation,
            pattern: suspicion.words().map(str::to_owned),
            test,
            affected,
            auto: false,
            methods: Vec::new(),
            options: RepairOptions::default(),
            settings: EvaluationSettings {
                group_column: self.model.profile.group.clone(),
                ..train::settings(context)
            },
            command: String::new(),
            threads: context.threads,
        })
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

/// A few flags, the rule they follow, the rows that follow it too, and what repairing with and without those wins back.
fn only_a_few(context: &Context, mistake: &Mistake, notes: &mut Notes, progress: &dyn Progress) -> Result<serde_json::Value> {
    let console = &context.console;
    let folder = mistake.folder;
    let mut quiet = Notes::new();
    let (drawn, all) = few_flags(folder, context.seed)?;
    let model = mistake.model;
    let read = flags::read(
        &folder.join("few-flags.csv"),
        &ReadOptions::default(),
        &FlagOptions::default(),
        &model.rows,
        Some(&model.profile.label),
        &mut quiet,
    )?;
    let flagged = flags::resolve(&read.file, &model.rows, &mut quiet)?;
    let sheet = TrainingSheet::read(mistake.corrupted, model, &mut quiet)?;
    let search = Search {
        model,
        table: mistake.corrupted,
        sheet: &sheet,
        seed: context.seed,
        threads: context.threads,
    };
    let found = expand(&search, &flagged, &ExpandOptions::default(), notes, progress)?;
    proposal_sheet(&search, &flagged, &found, Ticks::default())?.write(&folder.join("proposals.xlsx"), &mut quiet)?;
    console.say(format!(
        "Somebody found {} of the {} wrong rows: few-flags.csv. What do they have in common, and what else follows it?",
        count(drawn),
        count(all)
    ));
    super::expand::summary(context, &found);
    shown(
        context,
        "recant expand mistake/corrupted.csv --model model --flags few-flags.csv --out proposals.xlsx",
    );
    let wider = with_pattern(&flagged, &found, model, &sheet, context.seed);
    let out = folder.join("model-expanded");
    let mut lane = Vec::new();
    for (flags, path) in [(&flagged, None), (&wider, Some(&out))] {
        let job = RepairJob {
            methods: methods("retrain", true, model, notes)?,
            command: "recant repair --model model --flags few-flags.csv --expand --data mistake/corrupted.csv --method retrain --out model-expanded"
                .to_owned(),
            ..mistake.job(context, &sheet, flags, &mut quiet)?
        };
        let mut repaired = run_repair(&job, &mut quiet, progress)?;
        lane.extend(
            repaired
                .record
                .affected
                .as_ref()
                .map(|affected| (affected.before, affected.after.get("retrain").copied().unwrap_or(affected.before))),
        );
        if let Some(path) = path {
            record(&found, &flagged, flags, &mut repaired.record);
            let (_, origin) = ModelFolder::load(&folder.join("model"))?;
            save_repaired(&repaired, &job, &origin, &read.table.source().sha256, path, |inside| {
                repair::write_report(&inside.join("report"), &repaired)
            })?;
        }
    }
    shown(
        context,
        "recant repair --model model --flags few-flags.csv --expand --data mistake/corrupted.csv --method retrain --out model-expanded",
    );
    if let [(before, alone), (_, expanded)] = lane.as_slice() {
        console.item(
            "That lane",
            format!(
                "late orders right: {} before, {} trained anew with the {} flags alone, {} with the proposed rows learned as their likeliest label",
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

/// Which test rows the error would touch, by their clean labels: to judge the repair by, after it is made.
fn touched(clean: &Table, profile: &Profile, rows: &[usize], notes: &mut Notes) -> Result<(Vec<bool>, String)> {
    let label = profile.label.resolve(clean)?;
    let labels = label.labels(clean, notes)?;
    let of_rows: Vec<u8> = rows.iter().map(|row| labels[*row].unwrap_or_default()).collect();
    let mistake = kinds::parse(ERROR, label.classes())?;
    Ok((affected_rows(mistake.as_ref(), clean, rows, &of_rows, notes)?, mistake.in_words()))
}

fn train_on(context: &Context, table: &Table, profile: &Profile, out: &Path, notes: &mut Notes, progress: &dyn Progress) -> Result<String> {
    let request = TrainRequest {
        table,
        profile,
        options: &TrainOptions::default(),
        name: "model".to_owned(),
        command: "recant train mistake/corrupted.csv --out model".to_owned(),
        settings: train::settings(context),
        seed: context.seed,
        threads: context.threads,
    };
    let trained = run_training(&request, notes, progress)?;
    let model = folder_of(&trained, table, false)?;
    save_trained(&model, Some(&report::training::model_card(&trained.record)), out, |inside| {
        report::write_training(&inside.join("report"), &trained.record, &trained.timings).map(drop)
    })?;
    Ok(trained.record.usefulness.sentence)
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
