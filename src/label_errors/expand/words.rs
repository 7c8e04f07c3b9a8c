//! A rule in words, and as a condition that [`crate::tables::Rule`] reads.

use super::columns::{Bins, Column, Taken};
use super::search::{Condition, Test};
use crate::features::iso;

const DAY: i64 = 86_400;

/// The conditions for people: "`Market` = LATAM, `Shipping Mode` = Standard Class".
pub(in crate::label_errors) fn conditions(conditions: &[Condition], columns: &[Column]) -> String {
    let mut told: Vec<String> = conditions
        .iter()
        .map(|condition| in_words(condition, &columns[condition.column]))
        .collect();
    told.sort();
    told.join(", ")
}

fn in_words(condition: &Condition, column: &Column) -> String {
    let name = match column.taken {
        Taken::Value | Taken::Period => format!("`{}`", column.name),
        Taken::Month => format!("month of `{}`", column.name),
        Taken::Weekday => format!("weekday of `{}`", column.name),
        Taken::Hour => format!("hour of `{}`", column.name),
    };
    match (&condition.test, &column.bins) {
        (Test::Among(codes), Bins::Values(values)) => {
            let listed: Vec<&str> = codes
                .iter()
                .map(|code| values.get(usize::from(*code)).map_or("blank", String::as_str))
                .collect();
            match listed.as_slice() {
                [only] => format!("{name} = {only}"),
                several => format!("{name} is one of {}", several.join(", ")),
            }
        }
        (Test::Among(_), Bins::Ranges(_)) => format!("{name} is blank"),
        (Test::Between(low, high), Bins::Ranges(ranges)) => {
            let (first, last) = (ranges[usize::from(*low)].0, ranges[usize::from(*high)].1);
            let shown = |number: f64| number_of(column, number);
            let (at_start, at_end) = (*low == 0, usize::from(*high) + 1 == ranges.len());
            match (at_start, at_end) {
                _ if first == last => format!("{name} = {}", shown(first)),
                (false, true) => format!("{name} from {} up", shown(first)),
                (true, false) => format!("{name} up to {}", shown(last)),
                _ => format!("{name} from {} to {}", shown(first), shown(last)),
            }
        }
        (Test::Between(low, high), Bins::Values(_)) => format!("{name} between values {low} and {high}"),
    }
}

fn number_of(column: &Column, number: f64) -> String {
    match column.taken {
        Taken::Period => iso(number as i64 * DAY),
        _ => number.to_string(),
    }
}

/// The conditions as a rule to paste (`recant inject --kind 'segment:RULE: ...'`); `None` where one cannot be written so.
pub(super) fn as_rule(conditions: &[Condition], columns: &[Column]) -> Option<String> {
    let mut told = conditions
        .iter()
        .map(|condition| condition_of_rule(condition, &columns[condition.column]))
        .collect::<Option<Vec<String>>>()?;
    told.sort();
    Some(told.join(" and "))
}

fn condition_of_rule(condition: &Condition, column: &Column) -> Option<String> {
    let name = quoted(&column.name);
    match (&condition.test, &column.bins, column.taken) {
        (Test::Among(_), Bins::Ranges(_), _) => Some(format!("{name} = \"\"")),
        (Test::Among(codes), Bins::Values(values), taken) => {
            // Months and weekdays are numbers in a rule, from 1 on; a blank is none of them.
            let (name, value): (String, Box<dyn Fn(usize) -> Option<String>>) = match taken {
                Taken::Value => {
                    let value = |code: usize| Some(values.get(code).map_or("\"\"".to_owned(), |value| quoted(value)));
                    (name, Box::new(value))
                }
                Taken::Month | Taken::Weekday => {
                    let part = if taken == Taken::Month { "month" } else { "weekday" };
                    let value = |code: usize| (code < values.len()).then(|| (code + 1).to_string());
                    (format!("{part}({name})"), Box::new(value))
                }
                Taken::Period | Taken::Hour => return None,
            };
            let listed = codes
                .iter()
                .map(|code| value(usize::from(*code)))
                .collect::<Option<Vec<String>>>()?;
            Some(match listed.as_slice() {
                [only] => format!("{name} = {only}"),
                several => format!("{name} in ({})", several.join(", ")),
            })
        }
        (Test::Between(low, high), Bins::Ranges(ranges), taken) => {
            let (first, last) = (ranges[usize::from(*low)].0, ranges[usize::from(*high)].1);
            let name = match taken {
                Taken::Hour => format!("hour({name})"),
                _ => name,
            };
            let (above, below) = match taken {
                Taken::Period => (iso(first as i64 * DAY), format!("{name} < {}", iso((last as i64 + 1) * DAY))),
                _ => (first.to_string(), format!("{name} <= {last}")),
            };
            Some(match (*low == 0, usize::from(*high) + 1 == ranges.len()) {
                (true, false) => below,
                (false, true) => format!("{name} >= {above}"),
                _ => format!("{name} >= {above} and {below}"),
            })
        }
        (Test::Between(..), Bins::Values(_), _) => None,
    }
}

/// A name or value as the grammar of rules takes it: always in quotes, which it allows.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
