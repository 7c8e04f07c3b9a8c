//! Retraining an imported model by the command that its owner trains it with.
//!
//! The command runs in a shell of the system, in the folder where Recant was started, with these environment variables:
//!
//! | variable | holds |
//! |---|---|
//! | `RECANT_FLAGS` | a CSV of the rows to leave out: `sheet_row`, `key` (empty where there is none), `label` (as recorded), `correct_label` (where known) |
//! | `RECANT_DATA` | the training sheet |
//! | `RECANT_MODEL` | the model that is repaired |
//! | `RECANT_OUT` | where the new model is to be written, in the format of the old one |
//! | `RECANT_SEED` | the seed of the run |

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Imported;
use crate::error::{Error, Result};
use crate::files;
use crate::learner::Classifier;
use crate::onnx::{Layers, Model, OnnxNetwork};
use crate::progress::Progress;
use crate::seed::Seed;

/// Time between two looks at a running command.
const LOOK: Duration = Duration::from_millis(50);

/// Bytes of what a failed command wrote that are told.
const TOLD: usize = 600;

/// How an imported model is trained.
#[derive(Debug, Clone)]
pub struct RetrainCommand {
    /// A line for the shell.
    pub line: String,
    /// How long it may take.
    pub longest: Duration,
    /// The training sheet.
    pub data: PathBuf,
    /// The model that is repaired.
    pub model: PathBuf,
    /// What names and shapes of a state_dict do not tell.
    pub layers: Layers,
    /// Seed of the run.
    pub seed: Seed,
}

/// A row to leave out.
pub(super) struct LeftOut<'a> {
    pub sheet_row: usize,
    pub key: Option<&'a str>,
    pub label: &'a str,
    pub correct: Option<&'a str>,
}

/// A model that the command trained.
#[derive(Debug)]
pub(super) struct Retrained {
    pub model: Model,
    pub network: OnnxNetwork,
}

impl RetrainCommand {
    /// Runs the command without these rows, and reads what it wrote.
    ///
    /// # Errors
    /// Where it fails, takes too long, or writes no model with the same inputs and classes; and where the person stops it.
    pub(super) fn run(&self, imported: &Imported, rows: &[LeftOut], progress: &dyn Progress) -> Result<Retrained> {
        let folder = tempfile::tempdir().map_err(|error| Error::io("make a temporary folder", &std::env::temp_dir(), &error))?;
        let (flags, out, log) = (
            folder.path().join("flags.csv"),
            folder.path().join(self.name()),
            folder.path().join("log.txt"),
        );
        files::write_bytes(&flags, list(rows).as_bytes())?;
        let status = self.wait(self.start(&flags, &out, &log)?, progress)?;
        let end = || end_of(&log);
        if !status.success() {
            let how = status
                .code()
                .map_or_else(|| "was killed".to_owned(), |code| format!("ended with code {code}"));
            return Err(Error::input(format!("the training command {how}{}", end()))
                .hint(format!("run it by hand first, with the variables of docs/onnx.md: {}", self.line)));
        }
        if !out.is_file() {
            return Err(
                Error::input(format!("the training command ended without a fault and wrote no model{}", end()))
                    .hint("it is to write the new model where the environment variable `RECANT_OUT` says"),
            );
        }
        self.read(imported, &out)
    }

    /// A name with the ending of the old model's file, by which the format is told.
    fn name(&self) -> PathBuf {
        Path::new("model").with_extension(self.model.extension().unwrap_or_default())
    }

    fn start(&self, flags: &Path, out: &Path, log: &Path) -> Result<Child> {
        let told = File::create(log).map_err(|error| Error::io("write", log, &error))?;
        let also = told.try_clone().map_err(|error| Error::io("write", log, &error))?;
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Command::new(shell);
        command
            .arg(option)
            .arg(&self.line)
            .env("RECANT_FLAGS", flags)
            .env("RECANT_DATA", whole(&self.data))
            .env("RECANT_MODEL", whole(&self.model))
            .env("RECANT_OUT", out)
            .env("RECANT_SEED", self.seed.0.to_string())
            .stdin(Stdio::null())
            .stdout(told)
            .stderr(also);
        // A group of its own, so that what it starts can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
            .spawn()
            .map_err(|error| Error::input(format!("the training command could not be started: {error}")).hint(self.line.clone()))
    }

    fn wait(&self, mut child: Child, progress: &dyn Progress) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(error) => {
                    end(&mut child);
                    return Err(Error::input(format!("the training command was lost: {error}")));
                }
            }
            let stopped = progress.check();
            let late = start.elapsed() > self.longest;
            if stopped.is_err() || late {
                end(&mut child);
                stopped?;
                return Err(Error::input(format!(
                    "the training command took longer than {} s and was ended",
                    self.longest.as_secs()
                ))
                .hint("allow it more time: `--retrain-seconds N`"));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The new model, which must take and give what the old one does.
    fn read(&self, imported: &Imported, out: &Path) -> Result<Retrained> {
        let whose = |error: Error| {
            Error::input(format!(
                "the model that the training command wrote cannot be used: {}",
                error.message()
            ))
        };
        let misfit = |what: &str| {
            Error::input(format!(
                "the model that the training command wrote has other {what} than the old one"
            ))
            .hint("export it in the same way as the old one")
        };
        let model = Model::read(out, &self.layers).map_err(whose)?;
        let shape = |model: &Model| -> Vec<_> {
            let inputs = model.inputs().iter();
            inputs.map(|input| (input.name.clone(), input.kind, input.shape.clone())).collect()
        };
        if shape(&model) != shape(imported.model) {
            return Err(misfit("inputs"));
        }
        let network = imported
            .rows
            .encoded_by(&model)
            .and_then(|rows| model.network(&rows))
            .map_err(whose)?;
        let named = model.class_names().zip(imported.model.class_names());
        if network.classes() != imported.network.classes() || named.is_some_and(|(new, old)| new != old) {
            return Err(misfit("classes"));
        }
        Ok(Retrained { model, network })
    }
}

/// Ends a command and what it started.
fn end(child: &mut Child) {
    let process = child.id().to_string();
    let mut ending = if cfg!(windows) {
        let mut ending = Command::new("taskkill");
        ending.args(["/T", "/F", "/PID", &process]);
        ending
    } else {
        let mut ending = Command::new("sh");
        ending.args(["-c", &format!("kill -KILL -{process}")]);
        ending
    };
    // Where there is no such program the shell alone is ended.
    let _ = ending.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let _ = child.kill();
    let _ = child.wait();
}

/// The last lines that a command wrote, as the end of a sentence.
fn end_of(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TOLD)..])
        .trim()
        .to_owned();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!(": {}", lines.into_iter().rev().collect::<Vec<_>>().join(" / ")),
    }
}

fn list(rows: &[LeftOut]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut lines = "sheet_row,key,label,correct_label\n".to_owned();
    for row in rows {
        lines += &format!(
            "{},{},{},{}\n",
            row.sheet_row,
            row.key.map(quoted).unwrap_or_default(),
            quoted(row.label),
            row.correct.map(quoted).unwrap_or_default()
        );
    }
    lines
}
