//! Which rows of a sheet meet a condition.

use chrono::{NaiveDate, NaiveDateTime};

use super::{Name, Node, Operator, Rule, Trouble};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;
use crate::tables::{Table, Texts};

const SECONDS_A_DAY: i64 = 86_400;

impl Rule {
    /// Whether each row of a sheet meets the condition.
    ///
    /// # Errors
    /// Where a column is unknown, a value that is compared for equality stands nowhere in its column, or `<` and its like are used
    /// with something that is neither a number nor a date. The message points at the place in the rule, the hint names the closest match.
    pub fn matches(&self, table: &Table, notes: &mut Notes) -> Result<Vec<bool>> {
        self.evaluate(&self.root, table, notes)
    }

    fn evaluate(&self, node: &Node, table: &Table, notes: &mut Notes) -> Result<Vec<bool>> {
        match node {
            Node::Compare(column, operator, value) => {
                self.check_column(column, table)?;
                match operator {
                    Operator::Equal => self.equal(column, std::slice::from_ref(value), table, notes),
                    Operator::NotEqual => Ok(inverted(self.equal(column, std::slice::from_ref(value), table, notes)?)),
                    _ => self.ordered(column, *operator, value, table, notes),
                }
            }
            Node::In { column, values, negated } => {
                self.check_column(column, table)?;
                let found = self.equal(column, values, table, notes)?;
                Ok(if *negated { inverted(found) } else { found })
            }
            Node::All(nodes) => self.combine(nodes, table, notes, |left, right| left && right),
            Node::Any(nodes) => self.combine(nodes, table, notes, |left, right| left || right),
            Node::Not(inner) => Ok(inverted(self.evaluate(inner, table, notes)?)),
        }
    }

    fn combine(&self, nodes: &[Node], table: &Table, notes: &mut Notes, join: fn(bool, bool) -> bool) -> Result<Vec<bool>> {
        let mut result: Option<Vec<bool>> = None;
        for node in nodes {
            let found = self.evaluate(node, table, notes)?;
            result = Some(match result {
                None => found,
                Some(so_far) => so_far.into_iter().zip(found).map(|(left, right)| join(left, right)).collect(),
            });
        }
        result.ok_or_else(|| Error::internal("a rule without conditions"))
    }

    fn trouble(&self, name: &Name, message: String, hint: Option<String>, table: &Table) -> Error {
        let trouble = Trouble::new(name.at, message);
        match hint {
            Some(hint) => trouble.hint(hint),
            None => trouble,
        }
        .in_rule(&self.text)
        .in_file(&table.source().file_name)
    }

    fn check_column(&self, column: &Name, table: &Table) -> Result<()> {
        if table.has(&column.text) {
            return Ok(());
        }
        let hint = match closest(&column.text, table.names().iter().map(String::as_str)) {
            Some(near) => format!("closest match is {}", super::quote(near)),
            None => "column names must be written as in the sheet".to_owned(),
        };
        Err(self.trouble(column, format!("there is no column `{}`", column.text), Some(hint), table))
    }

    /// Rows whose cell equals one of the values. A value is looked for as text first, then as a number, then as a date.
    fn equal(&self, column: &Name, values: &[Name], table: &Table, notes: &mut Notes) -> Result<Vec<bool>> {
        let texts = table.texts(&column.text)?;
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
            let dates = moment.and_then(|moment| Some((moment, table.dates(&column.text, None, notes).ok()?)));
            match dates {
                Some(((from, to), dates)) if dates.iter().flatten().any(|date| (from..to).contains(date)) => days.push((from, to)),
                _ => return Err(self.value_not_found(column, value, &texts, table)),
            }
        }
        let mut found: Vec<bool> = texts
            .codes
            .iter()
            .map(|code| if *code == Texts::MISSING { blank } else { hit[*code as usize] })
            .collect();
        if !days.is_empty() {
            for (met, date) in found.iter_mut().zip(table.dates(&column.text, None, notes)?) {
                *met |= date.is_some_and(|date| days.iter().any(|(from, to)| (*from..*to).contains(&date)));
            }
        }
        Ok(found)
    }

    fn value_not_found(&self, column: &Name, value: &Name, texts: &Texts, table: &Table) -> Error {
        let folded = value.text.to_lowercase();
        let near = texts
            .values
            .iter()
            .map(String::as_str)
            .find(|text| text.to_lowercase() == folded)
            .or_else(|| closest(&value.text, texts.values.iter().map(String::as_str)));
        let hint = match near {
            Some(near) => format!("closest match is {}", super::quote(near)),
            None if texts.values.len() <= 10 => {
                let values: Vec<String> = texts.values.iter().map(|text| super::quote(text)).collect();
                format!("the column holds {}", values.join(", "))
            }
            None => format!(
                "the column holds {} different values, such as {}",
                texts.values.len(),
                super::quote(&texts.values[0])
            ),
        };
        self.trouble(
            value,
            format!("no cell of column `{}` is `{}`", column.text, value.text),
            Some(hint),
            table,
        )
    }

    fn ordered(&self, column: &Name, operator: Operator, value: &Name, table: &Table, notes: &mut Notes) -> Result<Vec<bool>> {
        let explain = |error: Error| {
            let hint = format!("`{}` compares numbers or dates; use `=` for text", operator.sign());
            self.trouble(column, error.message().to_owned(), Some(hint), table)
        };
        if let Ok(limit) = value.text.parse::<f64>()
            && limit.is_finite()
        {
            let numbers = table.numbers(&column.text, notes).map_err(explain)?;
            return Ok(numbers
                .into_iter()
                .map(|number| number.is_some_and(|number| holds(operator, number, limit)))
                .collect());
        }
        if let Some((from, to)) = date(&value.text) {
            let dates = table.dates(&column.text, None, notes).map_err(explain)?;
            // A day without time of day is the whole day: after it means after its end.
            let limit = if matches!(operator, Operator::Greater | Operator::AtMost) {
                to - 1
            } else {
                from
            };
            return Ok(dates
                .into_iter()
                .map(|date| date.is_some_and(|date| holds(operator, date, limit)))
                .collect());
        }
        Err(self.trouble(
            value,
            format!("`{}` is neither a number nor a date", value.text),
            Some(format!(
                "`{}` compares numbers or dates such as 12.5 or 2017-06-30; use `=` for text",
                operator.sign()
            )),
            table,
        ))
    }
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

fn holds<T: PartialOrd>(operator: Operator, left: T, right: T) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::AtMost => left <= right,
        Operator::Greater => left > right,
        Operator::AtLeast => left >= right,
    }
}

/// An ISO date, with or without time of day, as the seconds from its start to before its end: a day, a minute or a second.
fn date(text: &str) -> Option<(i64, i64)> {
    let text = text.trim().replace('T', " ");
    if let Ok(day) = NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        let start = day.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
        return Some((start, start + SECONDS_A_DAY));
    }
    let moment = |form: &str| {
        NaiveDateTime::parse_from_str(&text, form)
            .ok()
            .map(|moment| moment.and_utc().timestamp())
    };
    moment("%Y-%m-%d %H:%M:%S")
        .map(|start| (start, start + 1))
        .or_else(|| moment("%Y-%m-%d %H:%M").map(|start| (start, start + 60)))
}

#[cfg(test)]
mod tests;
