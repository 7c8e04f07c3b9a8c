//! From tokens to a condition or value, by recursive descent.

use super::functions::Function;
use super::lexer::{Kind, Sign, Token, tokens};
use super::{Name, Node, Trouble, Value};
use crate::error::Result;

/// Brackets and `not`s inside each other beyond this depth are refused: nobody writes them, and they would exhaust the stack.
const DEEPEST: usize = 50;
/// Most signs of arithmetic, for the same reason.
const MOST_SIGNS: usize = 200;

type Parsed<T> = std::result::Result<T, Trouble>;

/// Reads a text that errors call `what`.
pub(crate) fn read<T>(text: &str, what: &str, grammar: impl FnOnce(&mut Parser) -> Parsed<T>) -> Result<T> {
    let letters: Vec<char> = text.chars().collect();
    let parser = |tokens| Parser { tokens, next: 0, signs: 0 };
    tokens(&letters)
        .and_then(|tokens| grammar(&mut parser(tokens)))
        .map_err(|trouble| trouble.within(text, what))
}

/// Tokens and how far they are read.
pub(crate) struct Parser {
    /// Never empty: the last is `End`.
    tokens: Vec<Token>,
    next: usize,
    signs: usize,
}

impl Parser {
    pub fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek_after(&self, steps: usize) -> &Token {
        &self.tokens[(self.next + steps).min(self.tokens.len() - 1)]
    }

    pub fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn at_keyword(&self, word: &str) -> bool {
        self.keyword_after(0, word)
    }

    fn keyword_after(&self, steps: usize, word: &str) -> bool {
        let token = self.peek_after(steps);
        token.kind == Kind::Word && token.text.eq_ignore_ascii_case(word)
    }

    /// Whether what is asked of a value starts this number of tokens ahead: `in (`, `like '`, `between`, `is null`, also with `not`; elsewhere these are
    /// words like any other.
    fn test_after(&self, steps: usize) -> bool {
        let quoted = |steps: usize| matches!(self.peek_after(steps).kind, Kind::Quoted | Kind::Text);
        let first = if self.keyword_after(steps, "not") { steps + 1 } else { steps };
        let blank = |steps: usize| ["null", "blank", "empty"].iter().any(|word| self.keyword_after(steps, word));
        (self.keyword_after(first, "in") && self.peek_after(first + 1).kind == Kind::Open)
            || (self.keyword_after(first, "like") && quoted(first + 1))
            || (self.keyword_after(first, "between") && (quoted(first + 1) || self.peek_after(first + 1).kind == Kind::Word))
            || (self.keyword_after(steps, "is") && (blank(steps + 1) || (self.keyword_after(steps + 1, "not") && blank(steps + 2))))
    }

    /// The sign of arithmetic that comes next.
    fn sign(&self) -> Option<Sign> {
        let token = self.peek();
        (token.kind == Kind::Word).then(|| Sign::of(&token.text)).flatten()
    }

    pub fn any(&mut self, depth: usize) -> Parsed<Node> {
        let mut nodes = vec![self.all(depth)?];
        while self.at_keyword("or") {
            self.next();
            nodes.push(self.all(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self, depth: usize) -> Parsed<Node> {
        let mut nodes = vec![self.single(depth)?];
        while self.at_keyword("and") {
            self.next();
            nodes.push(self.single(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn check_depth(&self, depth: usize) -> Parsed<()> {
        if depth > DEEPEST {
            return Err(
                Trouble::new(self.peek().at, format!("more than {DEEPEST} conditions inside each other"))
                    .hint("split it: derive a column for a part of it"),
            );
        }
        Ok(())
    }

    fn single(&mut self, depth: usize) -> Parsed<Node> {
        self.check_depth(depth)?;
        if self.at_keyword("not") {
            self.next();
            return Ok(Node::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.peek().kind == Kind::Open && !self.value_in_brackets() {
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
        self.comparison(depth)
    }

    /// Whether the bracket that opens here holds a value: it is told by what comes after it.
    fn value_in_brackets(&self) -> bool {
        let mut open = 0_usize;
        for steps in 0..self.tokens.len() - self.next.min(self.tokens.len()) {
            match self.peek_after(steps).kind {
                Kind::Open => open += 1,
                Kind::Close if open <= 1 => {
                    let after = self.peek_after(steps + 1);
                    let sign = after.kind == Kind::Word && Sign::of(&after.text).is_some();
                    return sign || matches!(after.kind, Kind::Operator(_)) || self.test_after(steps + 1);
                }
                Kind::Close => open -= 1,
                _ => {}
            }
        }
        false
    }

    fn comparison(&mut self, depth: usize) -> Parsed<Node> {
        let start = self.next;
        let value = self.value("a column name", depth)?;
        if self.test_after(0) {
            return self.test(value, depth);
        }
        let Kind::Operator(operator) = self.peek().kind else {
            let trouble = self.unexpected("one of `=`, `!=`, `<`, `<=`, `>`, `>=`, `in (...)`");
            return Err(match self.peek().kind {
                Kind::Open => trouble.hint(format!(
                    "put a name with brackets in quotes, such as `\"{} (...)\"`; functions are {}",
                    self.typed(start).text,
                    Function::names()
                )),
                _ => trouble.hint("put names and values with signs, `and` or `or` in quotes, such as `\"Health and Beauty\"`"),
            });
        };
        self.next();
        let other = self.value("a value", depth)?;
        Ok(Node::Compare(value, operator, other))
    }

    /// `[not] in (...)`, `[not] like '...'`, `[not] between ... and ...`, `is [not] null`, which [`Parser::test_after`] has seen.
    fn test(&mut self, value: Value, depth: usize) -> Parsed<Node> {
        let mut negated = self.at_keyword("not");
        if negated {
            self.next();
        }
        let word = self.next();
        match word.text.to_lowercase().as_str() {
            "in" => self.list(value, negated),
            "like" => {
                let pattern = self.phrase("a pattern such as `'Stand%'`")?;
                Ok(Node::Like { value, pattern, negated })
            }
            "between" => {
                let least = self.value("a value", depth)?;
                if !self.at_keyword("and") {
                    return Err(self.unexpected("`and`").hint("write it as `Days between 3 and 5`"));
                }
                self.next();
                let most = self.value("a value", depth)?;
                let within = Node::All(vec![
                    Node::Compare(value.clone(), super::Operator::AtLeast, least),
                    Node::Compare(value, super::Operator::AtMost, most),
                ]);
                Ok(if negated { Node::Not(Box::new(within)) } else { within })
            }
            _ => {
                if self.at_keyword("not") {
                    self.next();
                    negated = true;
                }
                self.next();
                Ok(Node::Blank { value, negated })
            }
        }
    }

    fn list(&mut self, value: Value, negated: bool) -> Parsed<Node> {
        self.next(); // the opening bracket
        let mut values = Vec::new();
        loop {
            values.push(self.phrase("a value")?);
            match self.peek().kind {
                Kind::Comma => {
                    self.next();
                }
                Kind::Close => {
                    self.next();
                    return Ok(Node::In { value, values, negated });
                }
                _ => return Err(self.unexpected("`,` or `)`")),
            }
        }
    }

    /// A value: sums of products.
    pub fn value(&mut self, wanted: &str, depth: usize) -> Parsed<Value> {
        let start = self.next;
        let mut value = self.product(wanted, depth)?;
        while let Some(sign @ (Sign::Plus | Sign::Minus | Sign::Then)) = self.sign() {
            self.next();
            let right = self.product("a value", depth)?;
            value = self.joined(value, sign, right, start)?;
        }
        Ok(value)
    }

    fn product(&mut self, wanted: &str, depth: usize) -> Parsed<Value> {
        let start = self.next;
        let mut value = self.atom(wanted, depth)?;
        while let Some(sign @ (Sign::Times | Sign::Over)) = self.sign() {
            self.next();
            let right = self.atom("a value", depth)?;
            value = self.joined(value, sign, right, start)?;
        }
        Ok(value)
    }

    fn joined(&mut self, left: Value, sign: Sign, right: Value, start: usize) -> Parsed<Value> {
        self.signs += 1;
        if self.signs > MOST_SIGNS {
            return Err(Trouble::new(self.peek().at, format!("more than {MOST_SIGNS} signs")).hint("derive a column for a part of it"));
        }
        let bare = self.tokens[start..self.next].iter().all(|token| token.kind == Kind::Word);
        Ok(Value::Joined {
            left: Box::new(left),
            sign,
            right: Box::new(right),
            bare: bare.then(|| self.typed(start)),
        })
    }

    /// The tokens from one to the next as one name.
    fn typed(&self, start: usize) -> Name {
        let tokens = &self.tokens[start..self.next.min(self.tokens.len())];
        let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
        Name {
            text: words.join(" "),
            at: tokens.first().map_or(0, |token| token.at),
            end: tokens.last().map_or(0, |token| token.end),
            is_text: false,
        }
    }

    fn atom(&mut self, wanted: &str, depth: usize) -> Parsed<Value> {
        self.check_depth(depth)?;
        if self.peek().kind == Kind::Open {
            let open = self.next();
            let inner = self.value("a value", depth + 1)?;
            self.close(open.at)?;
            return Ok(inner);
        }
        if self.peek().kind == Kind::Word && self.peek_after(1).kind == Kind::Open {
            if self.at_keyword("if") {
                return self.choice(depth);
            }
            if let Some(function) = Function::of(&self.peek().text) {
                return self.call(function, depth);
            }
        }
        self.words(wanted, true).map(Value::Name)
    }

    fn close(&mut self, open: usize) -> Parsed<()> {
        if self.peek().kind != Kind::Close {
            return Err(self
                .unexpected("`)`")
                .hint(format!("the bracket at character {} is still open", open + 1)));
        }
        self.next();
        Ok(())
    }

    fn comma(&mut self) -> Parsed<()> {
        if self.peek().kind != Kind::Comma {
            return Err(self.unexpected("`,`").hint("write it as `if(Days > 3, 'long', 'short')`"));
        }
        self.next();
        Ok(())
    }

    fn choice(&mut self, depth: usize) -> Parsed<Value> {
        let at = self.next().at;
        self.next(); // the opening bracket
        let condition = self.any(depth + 1)?;
        self.comma()?;
        let then = self.value("a value", depth + 1)?;
        self.comma()?;
        let otherwise = self.value("a value", depth + 1)?;
        self.close(at)?;
        Ok(Value::If {
            condition: Box::new(condition),
            then: Box::new(then),
            otherwise: Box::new(otherwise),
        })
    }

    fn call(&mut self, function: Function, depth: usize) -> Parsed<Value> {
        let at = self.next().at;
        self.next(); // the opening bracket
        let mut values = vec![self.value("a value", depth + 1)?];
        while self.peek().kind == Kind::Comma {
            self.next();
            values.push(self.value("a value", depth + 1)?);
        }
        self.close(at)?;
        let takes = function.takes();
        if !takes.contains(&values.len()) {
            let wanted = match (takes.start(), takes.end()) {
                (1, 1) => "1 value".to_owned(),
                (least, most) => format!("{least} to {most} values"),
            };
            return Err(
                Trouble::new(at, format!("`{}` takes {wanted}, not {}", function.name(), values.len()))
                    .hint("values in the brackets stand apart by commas"),
            );
        }
        Ok(Value::Call { function, values, at })
    }

    /// A quoted text, or neighbouring bare words up to a sign or keyword.
    pub fn phrase(&mut self, wanted: &str) -> Parsed<Name> {
        self.words(wanted, false)
    }

    /// As [`Parser::phrase`]; with `computed`, a sign of arithmetic ends it, too.
    fn words(&mut self, wanted: &str, computed: bool) -> Parsed<Name> {
        let first = self.peek().clone();
        match first.kind {
            Kind::Quoted | Kind::Text => {
                self.next();
                if matches!(self.peek().kind, Kind::Quoted | Kind::Text) {
                    return Err(self.unexpected("a sign between the two quoted texts"));
                }
                Ok(Name {
                    text: first.text.trim().to_owned(),
                    at: first.at,
                    end: first.end,
                    is_text: first.kind == Kind::Text,
                })
            }
            Kind::Word if !self.at_keyword("and") && !self.at_keyword("or") => {
                let start = self.next;
                let ends = |parser: &Self| {
                    parser.at_keyword("and") || parser.at_keyword("or") || parser.test_after(0) || (computed && parser.sign().is_some())
                };
                while self.peek().kind == Kind::Word && (self.next == start || !ends(self)) {
                    self.next();
                }
                Ok(self.typed(start))
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// A sign that must come next.
    pub fn sign_of(&mut self, kind: &Kind, wanted: &str, hint: &str) -> Parsed<()> {
        if self.peek().kind != *kind {
            return Err(self.unexpected(wanted).hint(hint));
        }
        self.next();
        Ok(())
    }

    pub fn end(&mut self) -> Parsed<()> {
        if self.peek().kind != Kind::End {
            let trouble = self.unexpected("the end");
            if self.peek().kind == Kind::Open {
                return Err(trouble.hint(format!(
                    "functions are {}; names with brackets stand in double quotes",
                    Function::names()
                )));
            }
            return Err(trouble.hint("put names and values with signs, `and` or `or` in quotes"));
        }
        Ok(())
    }

    pub fn unexpected(&self, wanted: &str) -> Trouble {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "the end".to_owned(),
            _ => format!("`{}`", token.text.chars().take(40).collect::<String>()),
        };
        Trouble::new(token.at, format!("expected {wanted}, found {found}"))
    }
}
