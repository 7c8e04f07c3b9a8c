//! Which rows of a sheet meet a condition.

use super::compute::{Values, date, number};
use super::{Name, Node, Operator, Rule, Trouble, Value};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;
use crate::tables::{Table, Texts};

impl Rule {
    /// Whether each row of a sheet meets the condition.
    ///
    /// # Errors
    /// Where a column is unknown, a value that is compared for equality stands nowhere in its column, or `<` and its like are used
    /// with something that is neither a number nor a date. The message points at the place in the rule, the hint names the closest match.
    pub fn matches(&self, table: &Table, notes: &mut Notes) -> Result<Vec<bool>> {
        let reading = Reading {
            text: &self.text,
            what: "rule",
            lenient: false,
            table,
        };
        reading.evaluate(&self.root, notes)
    }

    /// As [`Rule::matches`], for a rule that is used on one sheet after the other: a value that stands nowhere in its column is noted.
    ///
    /// # Errors
    /// As [`Rule::matches`] but for values.
    pub fn holds(&self, table: &Table, notes: &mut Notes) -> Result<Vec<bool>> {
        let reading = Reading {
            text: &self.text,
            what: "condition",
            lenient: true,
            table,
        };
        reading.evaluate(&self.root, notes)
    }
}

/// A rule or formula while it is read against a sheet.
pub(super) struct Reading<'a> {
    text: &'a str,
    /// What the text is called.
    what: &'static str,
    /// Whether a value that is nowhere in its column is noted, not refused.
    lenient: bool,
    pub table: &'a Table,
}

/// A value by where it comes from.
enum Side<'a> {
    /// A column of the sheet.
    Column(Name),
    /// A value as typed.
    Typed(Name),
    /// To be computed.
    Computed(&'a Value),
}

impl<'a> Reading<'a> {
    pub fn of_formula(text: &'a str, table: &'a Table) -> Self {
        Self {
            text,
            what: "formula",
            lenient: true,
            table,
        }
    }

    pub fn evaluate(&self, node: &Node, notes: &mut Notes) -> Result<Vec<bool>> {
        match node {
            Node::Compare(left, operator, right) => self.compare(left, *operator, right, notes),
            Node::In { value, values, negated } => {
                let found = match self.left(value) {
                    Side::Column(column) => self.equal(&column, values, notes)?,
                    Side::Typed(name) => return Err(self.no_column(&name)),
                    Side::Computed(value) => {
                        let computed = self.compute(value, notes)?;
                        let mut found = vec![false; self.table.height()];
                        for value in values {
                            let same = self.computed(&computed, Operator::Equal, &self.typed(value, &computed), value.at)?;
                            found.iter_mut().zip(same).for_each(|(found, same)| *found |= same);
                        }
                        found
                    }
                };
                Ok(if *negated { inverted(found) } else { found })
            }
            Node::Like { value, pattern, negated } => {
                let pattern: Vec<char> = pattern.text.chars().collect();
                let texts = super::compute::as_texts(self.left_values(value, notes)?);
                let found = texts.into_iter().map(|text| {
                    let letters: Vec<char> = text.unwrap_or_default().chars().collect();
                    is_like(&letters, &pattern) != *negated
                });
                Ok(found.collect())
            }
            Node::Blank { value, negated } => {
                let blank: Vec<bool> = match self.left(value) {
                    Side::Column(column) => {
                        let texts = self.table.texts(&column.text)?;
                        texts.codes.iter().map(|code| *code == Texts::MISSING).collect()
                    }
                    _ => {
                        let values = self.compute(value, notes)?;
                        (0..self.table.height()).map(|row| values.is_blank(row)).collect()
                    }
                };
                Ok(if *negated { inverted(blank) } else { blank })
            }
            Node::All(nodes) => self.combine(nodes, notes, |left, right| left && right),
            Node::Any(nodes) => self.combine(nodes, notes, |left, right| left || right),
            Node::Not(inner) => Ok(inverted(self.evaluate(inner, notes)?)),
        }
    }

    fn combine(&self, nodes: &[Node], notes: &mut Notes, join: fn(bool, bool) -> bool) -> Result<Vec<bool>> {
        let mut result: Option<Vec<bool>> = None;
        for node in nodes {
            let found = self.evaluate(node, notes)?;
            result = Some(match result {
                None => found,
                Some(so_far) => so_far.into_iter().zip(found).map(|(left, right)| join(left, right)).collect(),
            });
        }
        result.ok_or_else(|| Error::internal("a rule without conditions"))
    }

    fn compare(&self, left: &Value, operator: Operator, right: &Value, notes: &mut Notes) -> Result<Vec<bool>> {
        // `3 < Days`: read from the other side.
        if let Value::Name(name) = left
            && !self.table.has(&name.text)
            && self.column(right).is_some()
            && (name.is_text || number(&name.text).is_some() || date(&name.text).is_some())
        {
            return self.compare(right, operator.turned(), left, notes);
        }
        match (self.left(left), right) {
            (Side::Typed(name), _) => Err(self.no_column(&name)),
            (Side::Column(column), right) => match self.right(right, &column, operator)? {
                Side::Typed(value) => match operator {
                    Operator::Equal => self.equal(&column, std::slice::from_ref(&value), notes),
                    Operator::NotEqual => Ok(inverted(self.equal(&column, std::slice::from_ref(&value), notes)?)),
                    _ => self.ordered(&column, operator, &value, notes),
                },
                Side::Column(_) | Side::Computed(_) => {
                    let values = self.meant(&column.text, notes)?;
                    let other = self.compute(right, notes)?;
                    self.computed(&values, operator, &other, place(right))
                }
            },
            (Side::Computed(left), right) => {
                let values = self.compute(left, notes)?;
                let other = match right {
                    Value::Name(name) if !self.table.has(&name.text) => self.typed(name, &values),
                    right => self.compute(right, notes)?,
                };
                self.computed(&values, operator, &other, place(right))
            }
        }
    }

    /// The column that a value is, where it is one.
    fn column(&self, value: &Value) -> Option<Name> {
        let name = match value {
            Value::Name(name) => name,
            Value::Joined { bare: Some(bare), .. } => bare,
            _ => return None,
        };
        self.table.has(&name.text).then(|| name.clone())
    }

    /// What stands on the left of a sign: a column, whatever quotes it is in.
    fn left<'v>(&self, value: &'v Value) -> Side<'v> {
        match (self.column(value), value) {
            (Some(column), _) => Side::Column(column),
            (None, Value::Name(name)) => Side::Typed(name.clone()),
            (None, computed) => Side::Computed(computed),
        }
    }

    fn left_values(&self, value: &Value, notes: &mut Notes) -> Result<Values> {
        match self.left(value) {
            Side::Column(column) => Ok(Values::Texts({
                let texts = self.table.texts(&column.text)?;
                (0..self.table.height()).map(|row| texts.get(row).map(str::to_owned)).collect()
            })),
            Side::Typed(name) => Err(self.no_column(&name)),
            Side::Computed(value) => self.compute(value, notes),
        }
    }

    /// What a column is compared with: a value as typed, or another column where the sheet has it and the first one no such value.
    fn right<'v>(&self, value: &'v Value, column: &Name, operator: Operator) -> Result<Side<'v>> {
        let typed = match value {
            Value::Name(name) | Value::Joined { bare: Some(name), .. } => name,
            computed => return Ok(Side::Computed(computed)),
        };
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        if equality && self.table.texts(&column.text)?.values.contains(&typed.text) {
            return Ok(Side::Typed(typed.clone()));
        }
        if let Value::Joined { left, right, .. } = value {
            // `10 - 20` may be a value, `Planned - 20` is computed.
            let computed = self.is_computable(left) && self.is_computable(right);
            return Ok(if computed {
                Side::Computed(value)
            } else {
                Side::Typed(typed.clone())
            });
        }
        let plain = typed.is_text || typed.text.is_empty() || number(&typed.text).is_some() || date(&typed.text).is_some();
        if plain || !self.table.has(&typed.text) {
            return Ok(Side::Typed(typed.clone()));
        }
        Ok(Side::Column(typed.clone()))
    }

    /// Whether all names in a value are columns or numbers: else bare words with a sign between them are one text.
    fn is_computable(&self, value: &Value) -> bool {
        match value {
            Value::Name(name) => self.table.has(&name.text) || number(&name.text).is_some() || date(&name.text).is_some(),
            Value::Joined { left, right, .. } => self.is_computable(left) && self.is_computable(right),
            _ => true,
        }
    }

    /// A value as typed, for all rows, of the kind of what it is compared with.
    fn typed(&self, name: &Name, beside: &Values) -> Values {
        let rows = self.table.height();
        match beside {
            Values::Numbers(_) if number(&name.text).is_some() => Values::Numbers(vec![number(&name.text); rows]),
            Values::Dates(_) if date(&name.text).is_some() => Values::Dates(vec![date(&name.text).map(|(start, _)| start); rows]),
            _ => Values::Texts(vec![(!name.text.is_empty()).then(|| name.text.clone()); rows]),
        }
    }

    /// Compares two values of every row.
    fn computed(&self, left: &Values, operator: Operator, right: &Values, at: usize) -> Result<Vec<bool>> {
        fn rows<T: PartialOrd>(left: &[Option<T>], operator: Operator, right: &[Option<T>]) -> Vec<bool> {
            let both = left.iter().zip(right).map(|(left, right)| match (left, right) {
                (Some(left), Some(right)) => holds(operator, left, right),
                _ => operator == Operator::NotEqual,
            });
            both.collect()
        }
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        match (left, right) {
            (Values::Numbers(left), Values::Numbers(right)) => Ok(rows(left, operator, right)),
            (Values::Dates(left), Values::Dates(right)) => Ok(rows(left, operator, right)),
            (Values::Texts(left), Values::Texts(right)) if equality => Ok(rows(left, operator, right)),
            _ => Err(self
                .at(
                    at,
                    format!(
                        "{} cannot be compared with {} by `{}`",
                        left.in_words(),
                        right.in_words(),
                        operator.sign()
                    ),
                )
                .hint("numbers are compared with numbers, dates with dates such as 2017-06-30; texts are equal or not")),
        }
    }

    fn trouble(&self, name: &Name, message: String, hint: Option<String>) -> Error {
        let error = self.at(name.at, message);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// An error that points at a place.
    pub fn at(&self, at: usize, message: String) -> Error {
        Trouble::new(at, message)
            .within(self.text, self.what)
            .in_file(&self.table.source().file_name)
    }

    /// A name that is no column of the sheet.
    pub fn no_column(&self, name: &Name) -> Error {
        let hint = match closest(&name.text, self.table.names().iter().map(String::as_str)) {
            Some(near) => format!("closest match is {}", super::quote(near)),
            None if self.what != "rule" && name.text.contains(['+', '*', '/', '-', '|']) => {
                "signs of arithmetic stand between blanks, as in `Days * 2`; texts stand in single quotes".to_owned()
            }
            None if self.what != "rule" => "column names must be written as in the sheet; texts stand in single quotes".to_owned(),
            None => "column names must be written as in the sheet".to_owned(),
        };
        self.trouble(name, format!("there is no column `{}`", name.text), Some(hint))
    }

    /// Rows whose cell equals one of the values. A value is looked for as text first, then as a number, then as a date.
    fn equal(&self, column: &Name, values: &[Name], notes: &mut Notes) -> Result<Vec<bool>> {
        let texts = self.table.texts(&column.text)?;
        let mut hit = vec![false; texts.values.len()];
        let mut blank = false;
        let mut days: Vec<(i64, i64)> = Vec::new();
        for value in values {
            if value.text.is_empty() {
                blank = true;
                continue;
            }
            let same = same_text_or_number(&texts, &value.text);
            if !same.is_empty() {
                same.into_iter().for_each(|place| hit[place] = true);
                continue;
            }
            let moment = date(&value.text);
            let dates = moment.and_then(|moment| Some((moment, self.table.dates(&column.text, None, notes).ok()?)));
            match dates {
                Some(((from, to), dates)) if dates.iter().flatten().any(|date| (from..to).contains(date)) => days.push((from, to)),
                _ if self.lenient => self.note_absent(column, value, &texts, notes),
                _ => return Err(self.value_not_found(column, value, &texts)),
            }
        }
        let mut found: Vec<bool> = texts
            .codes
            .iter()
            .map(|code| if *code == Texts::MISSING { blank } else { hit[*code as usize] })
            .collect();
        if !days.is_empty() {
            for (met, date) in found.iter_mut().zip(self.table.dates(&column.text, None, notes)?) {
                *met |= date.is_some_and(|date| days.iter().any(|(from, to)| (*from..*to).contains(&date)));
            }
        }
        Ok(found)
    }

    /// What a column holds that a value could have meant.
    fn near(&self, value: &Name, texts: &Texts) -> String {
        let folded = value.text.to_lowercase();
        let near = texts
            .values
            .iter()
            .map(String::as_str)
            .find(|text| text.to_lowercase() == folded)
            .or_else(|| closest(&value.text, texts.values.iter().map(String::as_str)));
        match near {
            Some(near) => format!("closest match is {}", super::quote(near)),
            None if texts.values.is_empty() => "the column is blank".to_owned(),
            None if texts.values.len() <= 10 => {
                let values: Vec<String> = texts.values.iter().map(|text| super::quote(text)).collect();
                format!("the column holds {}", values.join(", "))
            }
            None => format!(
                "the column holds {} different values, such as {}",
                texts.values.len(),
                super::quote(&texts.values[0])
            ),
        }
    }

    fn value_not_found(&self, column: &Name, value: &Name, texts: &Texts) -> Error {
        let message = format!("no cell of column `{}` is `{}`", column.text, value.text);
        self.trouble(value, message, Some(self.near(value, texts)))
    }

    fn note_absent(&self, column: &Name, value: &Name, texts: &Texts, notes: &mut Notes) {
        notes.add(
            "value-not-in-sheet",
            format!(
                "no cell of column `{}` is `{}`, which the {} `{}` names; {}",
                column.text,
                value.text,
                self.what,
                self.text,
                self.near(value, texts)
            ),
            "no row is taken to have it",
        );
    }

    fn ordered(&self, column: &Name, operator: Operator, value: &Name, notes: &mut Notes) -> Result<Vec<bool>> {
        let explain = |error: Error| {
            let hint = format!("`{}` compares numbers or dates; use `=` for text", operator.sign());
            self.trouble(column, error.message().to_owned(), Some(hint))
        };
        if let Ok(limit) = value.text.parse::<f64>()
            && limit.is_finite()
        {
            let numbers = self.table.numbers(&column.text, notes).map_err(explain)?;
            return Ok(numbers
                .into_iter()
                .map(|number| number.is_some_and(|number| holds(operator, &number, &limit)))
                .collect());
        }
        if let Some((from, to)) = date(&value.text) {
            let dates = self.table.dates(&column.text, None, notes).map_err(explain)?;
            // A day without time of day is the whole day: after it means after its end.
            let limit = if matches!(operator, Operator::Greater | Operator::AtMost) {
                to - 1
            } else {
                from
            };
            return Ok(dates
                .into_iter()
                .map(|date| date.is_some_and(|date| holds(operator, &date, &limit)))
                .collect());
        }
        let message = match closest(&value.text, self.table.names().iter().map(String::as_str)) {
            Some(near) if self.what != "rule" => {
                format!("`{}` is neither a number, a date nor a column (closest is `{near}`)", value.text)
            }
            _ => format!("`{}` is neither a number nor a date", value.text),
        };
        Err(self.trouble(
            value,
            message,
            Some(format!(
                "`{}` compares numbers or dates such as 12.5 or 2017-06-30; use `=` for text",
                operator.sign()
            )),
        ))
    }
}

/// Where a value begins.
fn place(value: &Value) -> usize {
    super::compute::place_of(value)
}

/// Whether a text is of the form of a pattern: `%` stands for any letters, `_` for one.
fn is_like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where the last `%` stands, and up to where it stands for letters.
    let mut last: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some('%') => {
                last = Some((place, at));
                place += 1;
            }
            Some(letter) if *letter == '_' || *letter == text[at] => {
                at += 1;
                place += 1;
            }
            _ => match last {
                Some((percent, taken)) => {
                    last = Some((percent, taken + 1));
                    (at, place) = (taken + 1, percent + 1);
                }
                None => return false,
            },
        }
    }
    pattern[place..].iter().all(|letter| *letter == '%')
}

fn inverted(rows: Vec<bool>) -> Vec<bool> {
    rows.into_iter().map(|row| !row).collect()
}

/// The distinct values that are this text; where none is, those that are the same number.
fn same_text_or_number(texts: &Texts, wanted: &str) -> Vec<usize> {
    let places = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let values = texts.values.iter().enumerate();
        values.filter(|(_, text)| same(text)).map(|(place, _)| place).collect()
    };
    let exact = places(&|text| text == wanted);
    if !exact.is_empty() {
        return exact;
    }
    match wanted.parse::<f64>() {
        Ok(number) if number.is_finite() => places(&|text| text.parse() == Ok(number)),
        _ => Vec::new(),
    }
}

fn holds<T: PartialOrd>(operator: Operator, left: &T, right: &T) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::AtMost => left <= right,
        Operator::Greater => left > right,
        Operator::AtLeast => left >= right,
    }
}

#[cfg(test)]
mod tests;
