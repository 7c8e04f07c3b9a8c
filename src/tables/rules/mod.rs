//! Conditions and formulas over the columns of a sheet, as a person types them. One language for every condition: rules of wrong rows, the filter of
//! a profile, `--where`; and for the columns that a profile derives.
//!
//! ```text
//! condition = all { "or" all }                 all = single { "and" single }
//! single    = "not" single | "(" condition ")" | comparison
//! comparison = value ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value | value [ "not" ] "in" "(" VALUE { "," VALUE } ")"
//!           | value [ "not" ] "between" value "and" value | value [ "not" ] "like" PATTERN | value "is" [ "not" ] "null"
//! value     = product { ( "+" | "-" | "||" ) product }    product = atom { ( "*" | "/" ) atom }
//! atom      = NAME | "(" value ")" | FUNCTION "(" value { "," value } ")" | "if" "(" condition "," value "," value ")"
//! formula   = value | condition
//! ```
//!
//! Names and values with signs or keywords in them go in double quotes, others may stand bare, spaces included; a text in single quotes is a value and
//! no column. `""` is a blank cell. Signs of arithmetic stand between blanks, since columns are called `A/C`. `=` compares text exactly, or as numbers or
//! dates where both sides are such; `<` and its like compare numbers or dates (`2017-06-01`). On the right of a sign stands a column where the sheet has
//! one of that name and the column on the left no such value. A blank cell differs from every value (`!=` and `not in` hold), is neither below nor above
//! any, and makes a computed value blank. The difference of two dates is a number of hours. Most of it is SQL, read more leniently.

mod compute;
mod functions;
mod lexer;
mod matching;
mod names;
mod parser;

use std::fmt;

pub use lexer::Operator;
pub(crate) use lexer::{Kind, Sign};
pub use names::quote;
use names::{write_name, written};
pub(crate) use parser::{Parser, read};

use crate::error::{Error, Result};
use functions::Function;

/// A parsed condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) text: String,
    pub(crate) root: Node,
}

/// How a column is computed from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    text: String,
    root: Root,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Root {
    Value(Value),
    /// Whether it holds: yes or no.
    Condition(Node),
}

/// One node of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// Value, operator, value.
    Compare(Value, Operator, Value),
    /// Value in (or, if negated, not in) a list of values.
    In { value: Value, values: Vec<Name>, negated: bool },
    /// A text of this form: `%` stands for any letters, `_` for one.
    Like { value: Value, pattern: Name, negated: bool },
    /// No value.
    Blank { value: Value, negated: bool },
    /// All of them hold; two or more.
    All(Vec<Node>),
    /// At least one holds; two or more.
    Any(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
}

/// A value for every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A column, or a value as typed.
    Name(Name),
    /// Two values joined. `bare`: all of it as typed, where it is bare words only: then it may be a name that has a sign in it.
    Joined {
        left: Box<Value>,
        sign: Sign,
        right: Box<Value>,
        bare: Option<Name>,
    },
    /// A function of values.
    Call { function: Function, values: Vec<Value>, at: usize },
    /// The first where the condition holds, else the second.
    If {
        condition: Box<Node>,
        then: Box<Value>,
        otherwise: Box<Value>,
    },
}

/// A column name or a value, with the place of its first and one past its last character in the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub text: String,
    pub at: usize,
    pub end: usize,
    /// Whether it stands in single quotes, as values do.
    pub is_text: bool,
}

impl Rule {
    /// Reads a condition.
    ///
    /// # Errors
    /// Where the text is not a condition; the message points at the place.
    pub fn parse(text: &str) -> Result<Self> {
        let root = read(text, "rule", |parser| {
            let root = parser.any(0)?;
            parser.end()?;
            Ok(root)
        })?;
        Ok(Self {
            text: text.to_owned(),
            root,
        })
    }

    /// As it was typed.
    pub fn typed(&self) -> &str {
        &self.text
    }

    /// The columns it reads, each once, in order of first appearance; without what stands on the right of a sign, which most often is a value.
    pub fn columns(&self) -> Vec<&str> {
        let mut found = Vec::new();
        names::in_node(&self.root, false, &mut found);
        found
    }

    /// All names in it that could be columns.
    pub fn names(&self) -> Vec<&str> {
        let mut found = Vec::new();
        names::in_node(&self.root, true, &mut found);
        found
    }
}

impl Formula {
    /// Reads a formula: a value, or a condition (`yes` where it holds, else `no`).
    ///
    /// # Errors
    /// Where the text is none; the message points at the place.
    pub fn parse(text: &str) -> Result<Self> {
        let value = read(text, "formula", |parser| {
            let root = parser.value("a column, a value or a function", 0)?;
            parser.end()?;
            Ok(Root::Value(root))
        });
        let root = match value {
            Ok(root) => root,
            Err(as_value) => read(text, "formula", |parser| {
                let root = parser.any(0)?;
                parser.end()?;
                Ok(Root::Condition(root))
            })
            .map_err(|as_condition| if names::compares(text) { as_condition } else { as_value })?,
        };
        Ok(Self {
            text: text.to_owned(),
            root,
        })
    }

    /// As it was typed.
    pub fn typed(&self) -> &str {
        &self.text
    }

    /// All names in it that could be columns, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut found = Vec::new();
        match &self.root {
            Root::Value(value) => names::in_value(value, &mut found),
            Root::Condition(node) => names::in_node(node, true, &mut found),
        }
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
    let not = |negated: bool| if negated { "not " } else { "" };
    match node {
        Node::Compare(left, operator, right) => {
            write_value(left, f)?;
            write!(f, " {} ", operator.sign())?;
            write_value(right, f)
        }
        Node::In { value, values, negated } => {
            let values: Vec<String> = values.iter().map(written).collect();
            write_value(value, f)?;
            write!(f, " {}in ({})", not(*negated), values.join(", "))
        }
        Node::Like { value, pattern, negated } => {
            write_value(value, f)?;
            write!(f, " {}like '{}'", not(*negated), pattern.text.replace('\'', "''"))
        }
        Node::Blank { value, negated } => {
            write_value(value, f)?;
            write!(f, " is {}null", not(*negated))
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

fn write_value(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Name(name) => write_name(name, f),
        // As typed: it may be one name.
        Value::Joined { bare: Some(bare), .. } => f.write_str(&bare.text),
        Value::Joined { left, sign, right, .. } => {
            write_operand(left, f)?;
            write!(f, " {} ", sign.written())?;
            write_operand(right, f)
        }
        Value::Call { function, values, .. } => {
            write!(f, "{}(", function.name())?;
            for (index, value) in values.iter().enumerate() {
                f.write_str(if index > 0 { ", " } else { "" })?;
                write_value(value, f)?;
            }
            f.write_str(")")
        }
        Value::If {
            condition,
            then,
            otherwise,
        } => {
            f.write_str("if(")?;
            write_node(condition, f)?;
            f.write_str(", ")?;
            write_value(then, f)?;
            f.write_str(", ")?;
            write_value(otherwise, f)?;
            f.write_str(")")
        }
    }
}

/// A side of a sign, in brackets where it has signs itself.
fn write_operand(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !matches!(value, Value::Joined { .. }) {
        return write_value(value, f);
    }
    f.write_str("(")?;
    write_value(value, f)?;
    f.write_str(")")
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
        self.within(rule, "rule")
    }

    /// As [`Trouble::in_rule`], for a text that is called `what`.
    pub fn within(self, rule: &str, what: &str) -> Error {
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
            format!("{} at character {} of the {what}", self.message, at + 1),
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
mod compute_tests;
#[cfg(test)]
mod tests;
