//! What all commands of studies share: computing what is missing of a run folder, how far one is, putting parts together.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::cli::sheets;
use crate::error::{Error, Result};
use crate::experiments::shard::Origin;
use crate::experiments::study::{Shards, Study};
use crate::experiments::{Done, Engine, RunFolder, Shard, run, study_of};
use crate::notes::Notes;
use crate::report::format;

/// Which part of a run a process computes.
#[derive(Debug, Args)]
pub struct ShardOptions {
    /// Compute only this part: i/n, auto/n (from Slurm's or Kubernetes' variables), or all
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
}

impl ShardOptions {
    /// The part, where there is one; a warning tells where it was found in the environment.
    ///
    /// # Errors
    /// Where it cannot be read or made out.
    pub fn resolve(&self, notes: &mut Notes) -> Result<Option<Shard>> {
        let found = Shard::resolve(self.shard.as_deref(), &|name| std::env::var(name).ok())?;
        if let Some((shard, origin)) = &found {
            let from = match origin {
                Origin::Given => None,
                Origin::Slurm => Some("SLURM_ARRAY_TASK_ID is set"),
                Origin::Kubernetes => Some("JOB_COMPLETION_INDEX is set"),
            };
            if let Some(from) = from {
                notes.add(
                    "shard-found",
                    format!("{from}."),
                    format!("Shard {shard} is computed; `--shard all` computes everything."),
                );
            }
        }
        Ok(found.map(|(shard, _)| shard))
    }
}

/// A run folder.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The run folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: PathBuf,
}

/// A run folder and parts of it from elsewhere.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The run folder that the shards were computed in; it receives the merged records
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: PathBuf,
    /// Folders of shards, or run folders of other machines, that lie elsewhere
    #[arg(value_name = "SHARD", value_hint = ValueHint::DirPath)]
    pub more: Vec<PathBuf>,
}

/// Computes what is missing of a run and says how much that was. Returns what was done and the open folder.
///
/// # Errors
/// As the runner.
pub fn compute<S: Study>(
    context: &Context,
    out: &Path,
    settings: &S,
    shard: Option<Shard>,
    engine: &mut dyn Engine<S>,
    notes: &mut Notes,
) -> Result<(Done, RunFolder<S>)> {
    let folder = RunFolder::create_or_resume(out, settings, shard, notes)?;
    let progress = context.console.progress();
    let done = run(&folder, shard, engine, &progress, notes)?;
    let console = &context.console;
    console.notes(notes);
    console.say(format!(
        "{} computed, {} were there already.",
        format::counted(done.computed as usize, S::ABOUT.counted),
        format::count(done.found as usize)
    ));
    if done.computed + done.found == 0 {
        // More shards than units: an array job must not take that for a failure.
        console.say("Nothing falls to this shard: there are more shards than parts of the run.");
    }
    if done.complete {
        console.item("Records", out.join("records.csv").display().to_string());
    } else if S::ABOUT.shards == Shards::OwnFolders {
        console.next_step(
            "When all shards are done:",
            &format!("recant scenarios merge {}", sheets::shown(out)),
        );
    } else {
        console.next_step(
            "Other shards compute the rest; how far they are:",
            &format!("recant bench status {}", sheets::shown(out)),
        );
    }
    Ok((done, folder))
}

/// Computes what is missing of a run, and has `report` write what is there; nothing to compute is told without one.
///
/// # Errors
/// As the runner and `report`.
pub fn compute_and_report<S: Study>(
    context: &Context,
    out: &Path,
    settings: &S,
    shard: Option<Shard>,
    engine: &mut dyn Engine<S>,
    mut notes: Notes,
    report: impl FnOnce(Done, Notes) -> Result<()>,
) -> Result<()> {
    let (done, folder) = compute(context, out, settings, shard, engine, &mut notes)?;
    if done.computed + done.found == 0 {
        context.console.result(&computed(out, shard, done, &notes));
        return Ok(());
    }
    // Of several shards that end together, one after the other writes the report of what is there.
    let progress = context.console.progress();
    let _report = folder.alone("report", &progress)?;
    report(done, notes)
}

/// Says where the report on a run is, and how many of the planned pieces it is on; `judged` is what `--json` tells.
///
/// # Errors
/// Only by a fault of ours.
pub fn reported(
    context: &Context,
    out: &Path,
    judged: &impl Serialize,
    (there, planned): (usize, usize),
    page: &Path,
    done: Option<Done>,
    notes: &Notes,
) -> Result<()> {
    let console = &context.console;
    if there < planned {
        console.say(format!(
            "{} of {planned} results are there; other shards or a further run add the rest.",
            format::count(there)
        ));
    }
    console.item("Report", page.display().to_string());
    let mut value = serde_json::to_value(judged).map_err(|error| Error::internal(error.to_string()))?;
    value["run"] = sheets::in_result(out);
    value["report"] = sheets::in_result(page);
    value["computed"] = json!(done.map(|done| done.computed));
    value["notes"] = json!(notes);
    console.result(&value);
    Ok(())
}

/// What `--json` tells of a run that was computed.
pub fn computed(out: &Path, shard: Option<Shard>, done: Done, notes: &Notes) -> Value {
    json!({
        "run": sheets::in_result(out),
        "shard": shard.map(|shard| shard.to_string()),
        "computed": done.computed,
        "found": done.found,
        "records": done.complete.then(|| sheets::in_result(&out.join("records.csv"))),
        "notes": notes,
    })
}

/// Shows how far a run is.
///
/// # Errors
/// As [`study_of`] and the status.
pub fn show_status(context: &Context, run: &Path) -> Result<()> {
    let mut notes = Notes::new();
    let seen = study_of(run, &[])?.status(run, &mut notes)?;
    let console = &context.console;
    console.notes(&notes);
    console.say(format!(
        "{} of {} are finished ({}).",
        format::count(seen.done as usize),
        format::counted(seen.total as usize, seen.counted),
        seen.study
    ));
    for cell in &seen.cells {
        console.say(format!("  {}: {} of {}", format::visible(&cell.name, 100), cell.done, cell.total));
    }
    for shard in &seen.shards {
        console.item(&format!("shard {}", shard.name), format!("{} of {}", shard.done, shard.total));
    }
    console.item("Time so far", format::seconds(seen.seconds_spent));
    if seen.done < seen.total {
        let left = match seen.seconds_left {
            Some(seconds) => format!("about {} for one process", format::seconds(seconds)),
            None => "not known before the first part is finished".to_owned(),
        };
        console.item("Left", left);
    }
    console.result(&serde_json::to_value(&seen).map_err(|error| Error::internal(error.to_string()))?);
    Ok(())
}

/// The command that computes the study of these folders.
///
/// # Errors
/// As [`study_of`].
pub fn command(arguments: &MergeArgs) -> Result<&'static str> {
    Ok(study_of(&arguments.run, &arguments.more)?.about().command)
}

/// Puts parts together. `report`: the command that judges them, with `RUN` for the folder.
///
/// # Errors
/// As [`study_of`] and the merge.
pub fn run_merge(context: &Context, arguments: &MergeArgs, report: &str) -> Result<()> {
    let mut notes = Notes::new();
    let study = study_of(&arguments.run, &arguments.more)?;
    let merged = study.merge(&arguments.run, &arguments.more, &mut notes)?;
    let counted = study.about().counted;
    let console = &context.console;
    console.notes(&notes);
    console.say(format!(
        "{} of {} put together.",
        format::counted(merged.total as usize, counted),
        format::counted(merged.shards, "shard")
    ));
    console.item("Records", arguments.run.join("records.csv").display().to_string());
    console.next_step("Next, judge them:", &report.replace("RUN", &sheets::shown(&arguments.run)));
    let mut value = json!({ "run": sheets::in_result(&arguments.run), "shards": merged.shards });
    value[format!("{counted}s")] = json!(merged.total);
    console.result(&value);
    Ok(())
}
