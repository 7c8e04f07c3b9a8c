//! From tokens to a condition, by recursive descent.

use super::lexer::{Kind, Token, tokens};
use super::{Name, Node, Rule, Trouble};
use crate::error::Result;
use crate::label_errors::Amount;

/// Brackets and `not`s inside each other beyond this depth are refused: nobody writes them, and they would exhaust the stack.
const DEEPEST: usize = 50;

/// `FROM -> TO[, AMOUNT]`: class names as typed, with their places for later messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The class that is mislabelled, or `any`.
    pub from: String,
    /// The class it is booked as, or `other`.
    pub to: String,
    /// How many rows, if the rule says so; a share is of the rows that the rule and `from` select.
    pub amount: Option<Amount>,
    pub(crate) from_at: usize,
    pub(crate) to_at: usize,
}

pub(super) fn condition(text: &str) -> Result<Rule> {
    parse(text, |parser| {
        let root = parser.any(0)?;
        parser.end()?;
        Ok(root)
    })
    .map(|root| Rule {
        text: text.to_owned(),
        root,
    })
}

pub(super) fn condition_and_change(text: &str) -> Result<(Rule, Change)> {
    let (root, change) = parse(text, |parser| {
        let root = parser.any(0)?;
        parser.colon()?;
        let change = parser.change()?;
        parser.end()?;
        Ok((root, change))
    })?;
    Ok((
        Rule {
            text: text.to_owned(),
            root,
        },
        change,
    ))
}

/// `COLUMN = VALUE -> CLASS`, for poisoning; names as typed, with the place of the class.
pub(in crate::label_errors) fn trigger(text: &str) -> Result<(String, String, String, usize)> {
    parse(text, |parser| {
        let column = parser.phrase("a column name")?;
        if parser.peek().kind != Kind::Operator(super::Operator::Equal) {
            return Err(Trouble::new(parser.peek().at, "expected `=` and the value of the trigger"));
        }
        parser.next();
        let value = parser.phrase("a value")?;
        parser.arrow()?;
        let class = parser.phrase("a class")?;
        parser.end()?;
        Ok((column.text, value.text, class.text, class.at))
    })
}

fn parse<T>(text: &str, read: impl FnOnce(&mut Parser) -> std::result::Result<T, Trouble>) -> Result<T> {
    let letters: Vec<char> = text.chars().collect();
    tokens(&letters)
        .and_then(|tokens| read(&mut Parser { tokens, next: 0 }))
        .map_err(|trouble| trouble.in_rule(text))
}

struct Parser {
    /// Never empty: the last is `End`.
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek_after(&self, steps: usize) -> &Token {
        &self.tokens[(self.next + steps).min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn at_keyword(&self, word: &str) -> bool {
        self.peek().kind == Kind::Word && self.peek().text.eq_ignore_ascii_case(word)
    }

    /// Whether `in (` or `not in (` starts so many tokens ahead; elsewhere `in` is a word like any other.
    fn in_list_after(&self, steps: usize) -> bool {
        let word = |index: usize, keyword: &str| {
            let token = self.peek_after(index);
            token.kind == Kind::Word && token.text.eq_ignore_ascii_case(keyword)
        };
        let first = if word(steps, "not") { steps + 1 } else { steps };
        word(first, "in") && self.peek_after(first + 1).kind == Kind::Open
    }

    fn any(&mut self, depth: usize) -> std::result::Result<Node, Trouble> {
        let mut nodes = vec![self.all(depth)?];
        while self.at_keyword("or") {
            self.next();
            nodes.push(self.all(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self, depth: usize) -> std::result::Result<Node, Trouble> {
        let mut nodes = vec![self.single(depth)?];
        while self.at_keyword("and") {
            self.next();
            nodes.push(self.single(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn single(&mut self, depth: usize) -> std::result::Result<Node, Trouble> {
        if depth > DEEPEST {
            return Err(Trouble::new(
                self.peek().at,
                format!("more than {DEEPEST} conditions inside each other"),
            ));
        }
        if self.at_keyword("not") {
            self.next();
            return Ok(Node::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.peek().kind == Kind::Open {
            let open = self.next();
            let inner = self.any(depth + 1)?;
            if self.peek().kind != Kind::Close {
                return Err(self
                    .unexpected("`)`, `and` or `or`")
                    .hint(format!("the bracket at character {} is still open", open.at + 1)));
            }
            self.next();
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> std::result::Result<Node, Trouble> {
        let column = self.phrase("a column name")?;
        if self.in_list_after(0) {
            let negated = self.at_keyword("not");
            if negated {
                self.next();
            }
            self.next();
            return self.list(column, negated);
        }
        let Kind::Operator(operator) = self.peek().kind else {
            let trouble = self.unexpected("one of `=`, `!=`, `<`, `<=`, `>`, `>=`, `in (...)`");
            return Err(match self.peek().kind {
                Kind::Open => trouble.hint(format!("put a name with brackets in quotes, such as `\"{} (...)\"`", column.text)),
                _ => trouble.hint("put names and values with signs, `and` or `or` in quotes, such as `\"Health and Beauty\"`"),
            });
        };
        self.next();
        let value = self.phrase("a value")?;
        Ok(Node::Compare(column, operator, value))
    }

    fn list(&mut self, column: Name, negated: bool) -> std::result::Result<Node, Trouble> {
        self.next(); // the opening bracket, seen by in_list_after
        let mut values = Vec::new();
        loop {
            values.push(self.phrase("a value")?);
            match self.peek().kind {
                Kind::Comma => {
                    self.next();
                }
                Kind::Close => {
                    self.next();
                    return Ok(Node::In { column, values, negated });
                }
                _ => return Err(self.unexpected("`,` or `)`")),
            }
        }
    }

    /// A quoted text, or neighbouring bare words up to a sign or keyword.
    fn phrase(&mut self, wanted: &str) -> std::result::Result<Name, Trouble> {
        let first = self.peek().clone();
        match first.kind {
            Kind::Quoted => {
                self.next();
                if matches!(self.peek().kind, Kind::Quoted) {
                    return Err(self.unexpected("a sign between the two quoted texts"));
                }
                Ok(Name {
                    text: first.text.trim().to_owned(),
                    at: first.at,
                    end: first.end,
                })
            }
            Kind::Word if !self.at_keyword("and") && !self.at_keyword("or") => {
                let mut text = String::new();
                let mut end = first.end;
                while self.peek().kind == Kind::Word
                    && (text.is_empty() || !(self.at_keyword("and") || self.at_keyword("or") || self.in_list_after(0)))
                {
                    let word = self.next();
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    text.push_str(&word.text);
                    end = word.end;
                }
                Ok(Name { text, at: first.at, end })
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    fn change(&mut self) -> std::result::Result<Change, Trouble> {
        let from = self.phrase("the class that is mislabelled, or `any`")?;
        self.arrow()?;
        let to = self.phrase("the class it is booked as, or `other`")?;
        let mut amount = None;
        if self.peek().kind == Kind::Comma {
            self.next();
            let share = self.phrase("a share such as `60%`")?;
            let parsed: Amount = share.text.parse().map_err(|error: crate::Error| {
                Trouble::new(share.at, error.message().to_owned()).hint("give a share such as `60%`, or a number of rows such as `200`")
            })?;
            amount = Some(match parsed {
                Amount::ShareOfTraining(share) => Amount::ShareOfDomain(share),
                other => other,
            });
        }
        Ok(Change {
            from: from.text,
            to: to.text,
            amount,
            from_at: from.at,
            to_at: to.at,
        })
    }

    fn colon(&mut self) -> std::result::Result<(), Trouble> {
        if self.peek().kind != Kind::Colon {
            return Err(self
                .unexpected("`and`, `or` or `:` with the change of label")
                .hint("end the rule with the change, such as `: Late -> On time, 60%`"));
        }
        self.next();
        Ok(())
    }

    fn arrow(&mut self) -> std::result::Result<(), Trouble> {
        if self.peek().kind != Kind::Arrow {
            return Err(self.unexpected("`->`").hint("write the change as `Late -> On time`"));
        }
        self.next();
        Ok(())
    }

    fn end(&mut self) -> std::result::Result<(), Trouble> {
        if self.peek().kind != Kind::End {
            let trouble = self.unexpected("the end");
            return Err(trouble.hint("put names and values with signs, `and` or `or` in quotes"));
        }
        Ok(())
    }

    fn unexpected(&self, wanted: &str) -> Trouble {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "the end".to_owned(),
            _ => format!("`{}`", token.text.chars().take(40).collect::<String>()),
        };
        Trouble::new(token.at, format!("expected {wanted}, found {found}"))
    }
}
