//! Conditions over the columns of a sheet, as a person types them.
//!
//! ```text
//! condition  = all { "or" all }                all = single { "and" single }
//! single     = "not" single | "(" condition ")" | comparison
//! comparison = NAME ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) VALUE | NAME [ "not" ] "in" "(" VALUE { "," VALUE } ")"
//! change     = FROM "->" TO [ "," AMOUNT ]
//! ```
//!
//! Names and values with signs, or with the words `and` and `or`, go in quotes; others may stand bare, spaces included. `""` is a blank cell.
//! `=` compares text exactly, or as numbers or dates where both sides are such; `<` and its like compare numbers or dates (`2017-06-01`).
//! A blank cell differs from every value (`!=` and `not in` hold) and is neither below nor above any.

mod lexer;
mod matching;
mod parser;

use std::fmt;

pub use lexer::Operator;
pub use parser::Change;
pub(in crate::label_errors) use parser::trigger as parse_trigger;

use crate::error::{Error, Result};

/// A parsed condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    text: String,
    root: Node,
}

/// One node of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// Column, operator, value.
    Compare(Name, Operator, Name),
    /// Column in (or, if negated, not in) a list of values.
    In { column: Name, values: Vec<Name>, negated: bool },
    /// All of them hold; two or more.
    All(Vec<Node>),
    /// At least one holds; two or more.
    Any(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
}

/// A column name or a value, with the place of its first and one past its last character in the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub text: String,
    pub at: usize,
    pub end: usize,
}

impl Rule {
    /// Reads a condition.
    ///
    /// # Errors
    /// Where the text is not a condition; the message points at the place.
    pub fn parse(text: &str) -> Result<Self> {
        parser::condition(text)
    }

    /// Reads a condition and a change, `CONDITION: FROM -> TO[, AMOUNT]`.
    ///
    /// # Errors
    /// Where the text is not of this form; the message points at the place.
    pub fn parse_with_change(text: &str) -> Result<(Self, Change)> {
        parser::condition_and_change(text)
    }

    /// The columns it reads, each once, in order of first appearance.
    pub fn columns(&self) -> Vec<&str> {
        fn walk<'a>(node: &'a Node, found: &mut Vec<&'a str>) {
            match node {
                Node::Compare(column, ..) | Node::In { column, .. } => {
                    if !found.contains(&column.text.as_str()) {
                        found.push(&column.text);
                    }
                }
                Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| walk(node, found)),
                Node::Not(node) => walk(node, found),
            }
        }
        let mut found = Vec::new();
        walk(&self.root, &mut found);
        found
    }
}

/// The rule in one standard form, which parses back to the same rule.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_node(&self.root, f)
    }
}

fn write_node(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::Compare(column, operator, value) => {
            write!(f, "{} {} {}", quote(&column.text), operator.sign(), quote(&value.text))
        }
        Node::In { column, values, negated } => {
            let values: Vec<String> = values.iter().map(|value| quote(&value.text)).collect();
            let not = if *negated { "not " } else { "" };
            write!(f, "{} {not}in ({})", quote(&column.text), values.join(", "))
        }
        Node::All(nodes) | Node::Any(nodes) => {
            let joint = if matches!(node, Node::All(_)) { " and " } else { " or " };
            for (index, inner) in nodes.iter().enumerate() {
                if index > 0 {
                    f.write_str(joint)?;
                }
                // "and" binds closer than "or", so a conjunction among alternatives needs no brackets.
                match (node, inner) {
                    (Node::All(_), Node::All(_) | Node::Any(_)) | (Node::Any(_), Node::Any(_)) => write_bracketed(inner, f)?,
                    _ => write_node(inner, f)?,
                }
            }
            Ok(())
        }
        Node::Not(inner) => {
            f.write_str("not ")?;
            match **inner {
                Node::All(_) | Node::Any(_) => write_bracketed(inner, f),
                _ => write_node(inner, f),
            }
        }
    }
}

fn write_bracketed(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("(")?;
    write_node(node, f)?;
    f.write_str(")")
}

/// A name or value as it must be written in a rule: bare where that reads back the same, else in quotes.
pub fn quote(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let reserved = |word: &str| ["and", "or", "not", "in"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword));
    let bare = match lexer::tokens(&letters) {
        Ok(tokens) => {
            let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
            tokens.len() > 1
                && tokens[..tokens.len() - 1]
                    .iter()
                    .all(|token| token.kind == lexer::Kind::Word && !reserved(&token.text))
                && words[..words.len() - 1].join(" ") == text
        }
        Err(_) => false,
    };
    if bare {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

/// What is wrong with a rule, and at which character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub at: usize,
    message: String,
    hint: Option<String>,
}

impl Trouble {
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            hint: None,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// The error a person sees: what is wrong, the rule, and a caret below the place.
    pub fn in_rule(self, rule: &str) -> Error {
        const AROUND: usize = 50;
        // Tabs and newlines would put the caret elsewhere.
        let letters: Vec<char> = rule
            .chars()
            .map(|letter| {
                if letter.is_whitespace() || letter.is_control() {
                    ' '
                } else {
                    letter
                }
            })
            .collect();
        let at = self.at.min(letters.len());
        let first = at.saturating_sub(AROUND);
        let last = (at + AROUND).min(letters.len());
        let cut = |yes: bool| if yes { "..." } else { "" };
        let shown: String = letters[first..last].iter().collect();
        let caret = " ".repeat(at - first + cut(first > 0).len());
        let error = Error::input_in_lines(&[
            format!("{} at character {} of the rule", self.message, at + 1),
            format!("  {}{shown}{}", cut(first > 0), cut(last < letters.len())),
            format!("  {caret}^"),
        ]);
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests;
