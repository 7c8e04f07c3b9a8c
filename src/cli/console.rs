//! What a person sees: data on stdout, talk on stderr, one JSON object with `--json`, nothing with `--quiet`.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::progress::Progress;
use crate::report::terminal::Look;
use crate::visible;

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();
const BOLD: Style = Style::new().bold();

/// Where output goes and how much of it there is.
pub struct Console {
    json: bool,
    quiet: bool,
    stop: Arc<AtomicBool>,
    /// The first trouble with stdout, such as a full disk behind `> file`.
    lost: Mutex<Option<std::io::Error>>,
}

impl Console {
    /// A console; `stop` is raised by Ctrl-C.
    pub fn new(json: bool, quiet: bool, stop: Arc<AtomicBool>) -> Self {
        Self {
            json,
            quiet,
            stop,
            lost: Mutex::new(None),
        }
    }

    /// Another console of the same kind, for what talks while the command runs.
    pub fn another(&self) -> Self {
        Self::new(self.json, self.quiet, Arc::clone(&self.stop))
    }

    /// Raised when the person wants the command to end.
    pub fn stop(&self) -> &Arc<AtomicBool> {
        &self.stop
    }

    /// Writes to stdout. Trouble is kept for [`Console::finish`]; a reader that has gone away (`| head`) is no trouble.
    pub fn write(&self, text: &str) {
        let mut stream = anstream::stdout();
        let outcome = stream.write_all(visible::terminal(text).as_bytes()).and_then(|()| stream.flush());
        if let (Err(error), Ok(mut lost)) = (outcome, self.lost.lock())
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            lost.get_or_insert(error);
        }
    }

    /// Whether all that was said got through.
    ///
    /// # Errors
    /// Where stdout took no more, such as a file on a full disk.
    pub fn finish(&self) -> Result<()> {
        match self.lost.lock().ok().and_then(|mut lost| lost.take()) {
            Some(error) => Err(Error::io("write", Path::new("standard output"), &error)),
            None => Ok(()),
        }
    }

    /// Whether the one JSON object was asked for.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Columns available for text: the terminal's width, within 50 and 120; 100 where output is no terminal.
    pub fn width(&self) -> usize {
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let seen = columns.or_else(|| std::io::stdout().is_terminal().then(console_columns).flatten());
        seen.unwrap_or(100).clamp(50, 120)
    }

    /// How reports for the terminal are to look.
    pub fn look(&self) -> Look {
        let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        Look {
            width: self.width(),
            colour,
        }
    }

    /// A result line for people; silent with `--json` or `--quiet`.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.json && !self.quiet {
            self.write(&format!("{}\n", text.as_ref()));
        }
    }

    /// `label   value`, aligned, the label set off.
    pub fn item(&self, label: &str, value: impl AsRef<str>) {
        let indent = 13;
        let wrapped = wrap(&visible::page(value.as_ref()), self.width().saturating_sub(indent));
        for (index, line) in wrapped.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            self.say(format!("{CYAN}{label:<12}{CYAN:#} {line}"));
        }
    }

    /// A heading.
    pub fn heading(&self, text: &str) {
        self.say(format!("\n{BOLD}{text}{BOLD:#}"));
    }

    /// A hint for the next step, on stdout.
    pub fn next_step(&self, text: &str, command: &str) {
        let text = wrap(text, self.width()).join("\n");
        self.say(format!("\n{text}\n  {BOLD}{}{BOLD:#}", visible::line(command)));
    }

    /// The final JSON object, only with `--json`.
    pub fn result(&self, value: &Value) {
        if self.json {
            self.write(&format!("{}\n", visible::json(&value.to_string())));
        }
    }

    /// Warnings, on stderr: what was found and what was done about it.
    pub fn notes(&self, notes: &Notes) {
        if self.quiet || self.json {
            return;
        }
        for note in notes.by_matter() {
            self.warning(&note.found, &note.done);
        }
    }

    fn warning(&self, found: &str, done: &str) {
        let lines = wrap(&format!("{found} {}", arrow(done)), self.width().saturating_sub(9));
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { "warning:" } else { "        " };
            write_out(&mut anstream::stderr(), &format!("{YELLOW}{label}{YELLOW:#} {line}"));
        }
    }

    /// A progress bar on a terminal, nothing elsewhere.
    pub fn progress(&self) -> Bar {
        let shown = !self.json && !self.quiet && std::io::stderr().is_terminal();
        Bar {
            shown,
            stop: Arc::clone(&self.stop),
            bar: Mutex::new(None),
        }
    }
}

fn arrow(done: &str) -> String {
    if done.is_empty() { String::new() } else { format!("({done})") }
}

/// Prints an error: cause with its place, then a hint on a line of its own. With `json`, one object on stdout instead.
pub fn print_error(error: &Error, json: bool) {
    if json {
        let value = serde_json::json!({
            "error": { "message": error.message(), "place": error.place(), "hint": error.hint_text(), "exit_code": error.exit_code() }
        });
        write_out(&mut anstream::stdout(), &visible::json(&value.to_string()));
    }
    write_out(&mut anstream::stderr(), &format!("{RED}error:{RED:#} {error}"));
    if let Some(hint) = error.hint_text() {
        write_out(&mut anstream::stderr(), &format!("{CYAN}hint:{CYAN:#} {hint}"));
    }
}

/// Writes a line; a reader that has gone away (`| head`) is no error.
fn write_out(stream: &mut dyn Write, text: &str) {
    let _ = writeln!(stream, "{}", visible::terminal(text));
    let _ = stream.flush();
}

fn console_columns() -> Option<usize> {
    terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| usize::from(columns))
}

/// Breaks a text into lines of at most `width` characters at spaces; longer words stay whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let extra = usize::from(!line.is_empty());
            if !line.is_empty() && line.chars().count() + extra + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            } else if extra == 1 {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// How a stage whose steps are images ends; its bar tells how many of them pass in a second.
const IMAGES: &str = "(images)";

/// A progress bar that lower floors feed through [`Progress`].
pub struct Bar {
    shown: bool,
    stop: Arc<AtomicBool>,
    bar: Mutex<Option<ProgressBar>>,
}

impl Bar {
    fn with(&self, action: impl FnOnce(&mut Option<ProgressBar>)) {
        if let Ok(mut bar) = self.bar.lock() {
            action(&mut bar);
        }
    }
}

impl Progress for Bar {
    fn start(&self, stage: &str, steps: u64) {
        if !self.shown {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(8));
        let template = if steps == 0 {
            "{spinner} {msg} {elapsed}"
        } else if stage.ends_with(IMAGES) {
            "{msg:<28} {bar:24} {percent:>3} % {speed} {eta} left"
        } else {
            "{msg:<28} {bar:24} {percent:>3} % {eta} left"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            let speed = |state: &ProgressState, writer: &mut dyn fmt::Write| {
                // A line that cannot be written is not worth an error.
                let _ = write!(writer, "{:.1} images/s,", state.per_sec());
            };
            bar.set_style(style.with_key("speed", speed).progress_chars("=> "));
        }
        bar.set_message(visible::line(stage).into_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.with(|slot| *slot = Some(bar));
    }

    fn advance(&self, steps: u64) {
        if self.shown {
            self.with(|slot| {
                if let Some(bar) = slot {
                    bar.inc(steps);
                }
            });
        }
    }

    fn finish(&self) {
        self.with(|slot| {
            if let Some(bar) = slot.take() {
                bar.finish_and_clear();
            }
        });
    }

    fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn wrapping_keeps_every_word_and_the_width() {
        let text = "one two three four five six seven";
        let lines = wrap(text, 10);
        assert!(lines.iter().all(|line| line.len() <= 10), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        assert_eq!(wrap("unbreakablyLongWord x", 5), ["unbreakablyLongWord", "x"]);
    }
}
