//! Help at any width: examples stay whole, so that they can be pasted.

use std::process::Command;

use clap::{CommandFactory, Parser};
use recant::cli::arguments::CommandLine;

/// Every command with the words that lead to it, and its examples.
fn examples() -> Vec<(Vec<String>, Vec<String>)> {
    fn walk(command: &clap::Command, words: &[String], found: &mut Vec<(Vec<String>, Vec<String>)>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().filter(|line| line.starts_with("  recant")).map(str::to_owned);
        found.push((words.to_vec(), lines.collect()));
        for below in command.get_subcommands() {
            walk(below, &[words, &[below.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&CommandLine::command(), &[], &mut found);
    found
}

fn help(words: &[String], columns: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_recant"))
        .args(words)
        .arg("--help")
        .env("COLUMNS", columns)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn examples_stay_in_one_piece_in_a_narrow_terminal() {
    let mut seen = 0;
    for (words, lines) in examples() {
        for columns in ["40", "60", "100"] {
            let help = help(&words, columns);
            assert!(!help.contains('\u{a0}'), "{help}");
            for line in &lines {
                assert!(
                    help.lines().any(|shown| shown == line),
                    "{words:?} at {columns}: `{line}` is not in\n{help}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 3 * 15, "{seen}");
}

#[test]
fn everything_else_in_help_fits_a_narrow_terminal() {
    for (words, _) in examples() {
        let help = help(&words, "60");
        for line in help
            .lines()
            .filter(|line| !line.starts_with("  recant") && !line.starts_with("Usage:"))
        {
            // A long word cannot be broken; clap leaves such a line to the terminal.
            let breakable = line.trim().contains(' ') && line.chars().count() > 60;
            assert!(
                !breakable || line.split_whitespace().any(|word| word.len() > 25),
                "{words:?}: {line}"
            );
        }
    }
}

/// Words of a shell line: single and double quotes hold spaces together.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(letter), true),
            (None, ' ') if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (None, ' ') => {}
            _ => {
                word.push(letter);
                begun = true;
            }
        }
    }
    assert_eq!(quote, None, "{line}");
    if begun {
        words.push(word);
    }
    words
}

#[test]
fn examples_are_commands_that_the_program_takes() {
    for (_, lines) in examples() {
        for line in lines {
            let command = line.split(" > ").next().unwrap();
            let parsed = CommandLine::try_parse_from(shell_words(command));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn every_command_has_a_manual_page_with_its_examples() {
    let place = tempfile::tempdir().unwrap();
    let man = || {
        Command::new(env!("CARGO_BIN_EXE_recant"))
            .args(["man", "--quiet", "--out", "pages"])
            .current_dir(place.path())
            .output()
            .unwrap()
    };
    assert!(man().status.success());
    let mut wanted = Vec::new();
    for (words, lines) in examples() {
        let name = [&["recant".to_owned()], words.as_slice()].concat().join("-");
        let page = std::fs::read_to_string(place.path().join("pages").join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH NAME"), "{name}");
        // A page writes a hyphen as `\-`, and a quotation mark or an apostrophe in a way of its own.
        let text: String = page.replace("\\-", "-");
        for line in lines.iter().filter(|line| !line.contains(['\'', '"'])) {
            assert!(text.contains(line.trim()), "{name}: `{line}` is not in\n{text}");
        }
        wanted.push(format!("{name}.1"));
    }
    let mut written: Vec<String> = std::fs::read_dir(place.path().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    wanted.sort();
    written.sort();
    assert_eq!(written, wanted);
    let again = man();
    assert_eq!(again.status.code(), Some(2), "a folder is never replaced");
}
