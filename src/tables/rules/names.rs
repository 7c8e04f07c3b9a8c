//! How names and values are written, and which a rule reads.

use std::fmt;

use super::lexer::{self, Kind, Sign};
use super::{Name, Node, Value};

/// Words that mean something between names.
const KEYWORDS: &[&str] = &["and", "or", "not", "in", "is", "like", "between"];

/// A name or value as it must be written in a rule: bare where that reads back the same, else in quotes.
pub fn quote(text: &str) -> String {
    if is_bare(text) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

fn is_bare(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let reserved = |word: &str| KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) || Sign::of(word).is_some();
    let Ok(tokens) = lexer::tokens(&letters) else { return false };
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    tokens.len() > 1
        && tokens[..tokens.len() - 1]
            .iter()
            .all(|token| token.kind == Kind::Word && !reserved(&token.text))
        && words[..words.len() - 1].join(" ") == text
}

/// A name as it was meant: a value in single quotes stays one.
pub(super) fn written(name: &Name) -> String {
    if name.is_text {
        format!("'{}'", name.text.replace('\'', "''"))
    } else {
        quote(&name.text)
    }
}

pub(super) fn write_name(name: &Name, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&written(name))
}

/// Whether a text compares something, outside quotes.
pub(super) fn compares(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    lexer::tokens(&letters).is_ok_and(|tokens| tokens.iter().any(|token| matches!(token.kind, Kind::Operator(_))))
}

/// Whether a name is a number or date where no column is called so.
fn is_constant(name: &Name) -> bool {
    name.is_text || name.text.is_empty() || super::compute::number(&name.text).is_some() || super::compute::date(&name.text).is_some()
}

fn add<'a>(name: &'a Name, found: &mut Vec<&'a str>) {
    if !found.contains(&name.text.as_str()) {
        found.push(&name.text);
    }
}

/// The columns of a condition; with `all`, the names on the right of signs too, which most often are values.
pub(super) fn in_node<'a>(node: &'a Node, all: bool, found: &mut Vec<&'a str>) {
    match node {
        Node::Compare(left, _, right) => {
            // What stands alone on the left is a column whatever it looks like.
            match left {
                Value::Name(name) => add(name, found),
                computed => in_value(computed, found),
            }
            if all || !matches!(right, Value::Name(_) | Value::Joined { bare: Some(_), .. }) {
                in_value(right, found);
            }
        }
        Node::In { value, .. } | Node::Like { value, .. } | Node::Blank { value, .. } => match value {
            Value::Name(name) => add(name, found),
            computed => in_value(computed, found),
        },
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| in_node(node, all, found)),
        Node::Not(node) => in_node(node, all, found),
    }
}

/// The columns of a value.
pub(super) fn in_value<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Name(name) => {
            if !is_constant(name) {
                add(name, found);
            }
        }
        Value::Joined { left, right, bare, .. } => {
            if let Some(bare) = bare {
                add(bare, found);
            }
            in_value(left, found);
            in_value(right, found);
        }
        Value::Call { values, .. } => values.iter().for_each(|value| in_value(value, found)),
        Value::If {
            condition,
            then,
            otherwise,
        } => {
            in_node(condition, true, found);
            in_value(then, found);
            in_value(otherwise, found);
        }
    }
}
