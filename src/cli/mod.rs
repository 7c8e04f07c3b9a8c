//! The command line: parse, validate, act. One file per command; the list of commands is [`arguments::Command`].

mod app;
pub mod arguments;
pub mod bench;
pub mod bench_forget;
pub mod bench_images;
mod check;
pub mod console;
mod demo;
mod doctor;
mod expand;
pub mod expand_images;
mod experiments;
mod export;
mod generate;
mod gpu;
mod help;
mod imported;
mod inject;
mod inspect;
mod manual;
mod predict;
mod repair;
mod report;
pub mod scenarios;
mod share;
mod sheets;
mod train;
mod values;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory;

use crate::error::{Error, Result};
use crate::nn::DeviceChoice;
use crate::notes::Notes;
use arguments::{Command, CommandLine};
use console::Console;

/// Runs the command line and returns the process exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(exit_code(arguments))
}

/// Runs the command line and returns the process exit code as a number. The first argument is the name of the program.
pub fn exit_code(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    silence_panics();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = sheets::command_for_records(&arguments);
    let line = match help::parse(arguments) {
        Ok(line) => line,
        Err(error) => {
            // clap prints help and versions to stdout with code 0, mistakes to stderr with code 2.
            help::show(&error);
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    let json = line.global.json;
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(line, command)));
    let error = match outcome {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => error,
        Err(payload) => Error::internal(format!("Recant ran into a fault of its own: {}", panic_text(payload.as_ref()))),
    };
    console::print_error(&error, json);
    error.exit_code()
}

fn run(line: CommandLine, command: String) -> Result<()> {
    // Reports come with workbooks: better heard before minutes of work than after.
    crate::files::check_clock()?;
    crate::memory::allow(line.global.memory.unwrap_or(0));
    let stop = Arc::new(AtomicBool::new(false));
    watch_for_interrupts(&stop);
    let threads = threads(line.global.threads);
    let console = Console::new(line.global.json, line.global.quiet, stop);
    let context = Context {
        console,
        command,
        seed: crate::seed::Seed(line.global.seed),
        threads,
        device: line.global.device,
    };
    context.device.check_built()?;
    warn_of_other_device(&context, &line.command);
    let outcome = match line.command {
        Command::Demo(arguments) => demo::run(&context, &arguments),
        Command::Inspect(arguments) => inspect::run(&context, &arguments),
        Command::Train(arguments) => train::run(&context, &arguments),
        Command::Inject(arguments) => inject::run(&context, &arguments),
        Command::Repair(arguments) => repair::run(&context, &arguments),
        Command::Expand(arguments) => expand::run(&context, &arguments),
        Command::Suspects(arguments) => expand::run_suspects(&context, &arguments),
        Command::Check(arguments) => check::run(&context, &arguments),
        Command::App(arguments) => app::run(&context, &arguments),
        Command::Predict(arguments) => predict::run(&context, &arguments),
        Command::Scenarios(arguments) => scenarios::run(&context, &arguments),
        Command::Bench(arguments) => bench::run(&context, &arguments),
        Command::Report(arguments) => report::run(&context, &arguments),
        Command::Export(arguments) => export::run(&context, &arguments),
        Command::Share(arguments) => share::run(&context, &arguments),
        Command::Generate(arguments) => generate::run(&context, &arguments),
        Command::Doctor => doctor::run(&context),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "recant", &mut script);
            context.console.write(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Man(arguments) => manual::run(&context, &arguments),
    };
    outcome.and_then(|()| context.console.finish())
}

/// What every command gets: where to talk, the run seed, how many cores.
pub(crate) struct Context {
    pub console: Console,
    /// The command as typed, for records.
    pub command: String,
    pub seed: crate::seed::Seed,
    pub threads: usize,
    pub device: DeviceChoice,
}

impl Context {
    /// What a command is given.
    pub(crate) fn run<'a>(&self, progress: &'a dyn crate::progress::Progress) -> crate::commands::Run<'a> {
        crate::commands::Run {
            seed: self.seed,
            threads: self.threads,
            command: self.command.clone(),
            progress,
        }
    }
}

/// Where a GPU is asked for and the command has no use for one, says so.
fn warn_of_other_device(context: &Context, command: &Command) {
    let in_use = match command {
        Command::Scenarios(_) | Command::Doctor | Command::Completions { .. } => true,
        Command::Bench(arguments) => match &arguments.study {
            bench::StudyCommand::Corrective(arguments) => bench_images::is_of_images(arguments),
            bench::StudyCommand::Forget(_) | bench::StudyCommand::Status(_) | bench::StudyCommand::Merge(_) => true,
        },
        _ => false,
    };
    if let (DeviceChoice::Cuda(_), false) = (context.device, in_use) {
        let mut notes = Notes::new();
        notes.add(
            "no-gpu-version",
            format!(
                "`--device {}` is given, and only `recant scenarios` and the benchmarks on images compute on a GPU.",
                context.device
            ),
            "This command computes on the processor.",
        );
        context.console.notes(&notes);
    }
}

/// Sets the size of the shared thread pools before their first use and returns it.
fn threads(asked: Option<u16>) -> usize {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = asked.map_or(available, usize::from);
    // Both fail only where a pool exists already, which is harmless: results do not depend on the number of threads.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    threads
}

/// The first Ctrl-C asks the work to stop at a safe point; the second stops at once. Half-written files have temporary names.
fn watch_for_interrupts(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    let _ = ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}

/// Faults of our own are reported in one sentence, not as a stack trace, unless the person asks for one.
fn silence_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no details".to_owned())
}
