//! What several pages are made of, beside the elements of reports.

use std::time::SystemTime;

use chrono::{DateTime, Local};
use maud::{Markup, html};

use super::{App, token};
use crate::app::line::{Line, shell_word};
use crate::app::upload::MOST_BYTES;
use crate::report::format;

/// When something changed, by this machine's clock.
pub(super) fn when(time: Option<SystemTime>) -> String {
    time.map_or_else(String::new, |time| {
        DateTime::<Local>::from(time).format("%Y-%m-%d %H:%M").to_string()
    })
}

/// A moment of the store, by this machine's clock.
pub(super) fn local(at: &str) -> String {
    let moment = DateTime::parse_from_rfc3339(at).map(|moment| moment.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string());
    moment.unwrap_or_else(|_| at.to_owned())
}

/// The size of a file.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "kB", "MB", "GB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let number = if unit == 0 { format!("{bytes}") } else { format::decimal(value, 1) };
    format!("{number}\u{a0}{}", UNITS[unit])
}

/// How a model was repaired, for lists.
pub(super) fn by_method(method: &str) -> Markup {
    match method == crate::evaluate::record::KEPT {
        true => html! { "unchanged: no repair was accepted" },
        false => html! { "repaired by " code { (method) } },
    }
}

/// A form of the app, which carries the token.
pub(super) fn form(app: &App, action: &str, content: Markup) -> Markup {
    html! {
        @if app.read_only { (content) }
        @else { form.fields method="post" action=(action) { (token(app)) (content) } }
    }
}

/// A list to choose from, with a first entry for no choice.
pub(super) fn select(name: &str, label: &str, none: &str, choices: &[(String, String)], now: Option<&str>) -> Markup {
    html! {
        p.field {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { "– " (none) " –" }
                @for (value, words) in choices { option value=(value) selected[now == Some(value)] { (words_of(words)) } }
            }
        }
    }
}

fn words_of(text: &str) -> String {
    crate::report::elements::words(text)
}

/// The command of the terminal that does the same.
pub(super) fn command(app: &App, line: &Line) -> Markup {
    commands(app, std::slice::from_ref(line))
}

/// The commands of the terminal that do the same, one after the other.
pub(super) fn commands(app: &App, lines: &[Line]) -> Markup {
    html! {
        section.terminal aria-label="The same in the terminal" {
            p.small.aside { "The same in the terminal:" }
            pre {
                code {
                    "cd " (shell_word(&app.folder.root().display().to_string()))
                    // A line breaks between words, never within an option.
                    @for line in lines { "\n" @for (place, word) in line.words_shown().iter().enumerate() { @if place > 0 { " " } span.word { (word) } } }
                }
            }
        }
    }
}

/// A form of one button.
pub(super) fn button(app: &App, action: &str, label: &str, fields: &[(&str, &str)]) -> Markup {
    one_button(app, action, label, fields, false)
}

/// As [`button`], for what is seen on the same page again.
pub(super) fn button_here(app: &App, action: &str, label: &str, fields: &[(&str, &str)]) -> Markup {
    one_button(app, action, label, fields, true)
}

fn one_button(app: &App, action: &str, label: &str, fields: &[(&str, &str)], here: bool) -> Markup {
    html! {
        form.inline method="post" action=(action) data-stay[here] {
            (token(app))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" { (label) }
        }
    }
}

/// Where a file is dropped or chosen.
pub(super) fn drop_file(app: &App, label: &str, hint: &str, then: Option<&str>) -> Markup {
    html! {
        form.drop method="post" action="/upload" enctype="multipart/form-data" data-most=(MOST_BYTES) {
            (token(app))
            @if let Some(then) = then { input type="hidden" name="then" value=(then); }
            label for="dropped-file" { (label) }
            input id="dropped-file" type="file" name="file" required aria-describedby="file-hint";
            p.small.aside id="file-hint" { (hint) }
            button type="submit" { "Add to the folder" }
            p.said role="status" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, shown) in [
            (0, "0\u{a0}bytes"),
            (999, "999\u{a0}bytes"),
            (1519867, "1.5\u{a0}MB"),
            (5 << 40, "5497.6\u{a0}GB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
