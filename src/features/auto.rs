//! What a column that the profile does not name is good for, by its name and by its values in the training rows.

use super::audit::{Finding, LeakKind};
use super::look::Look;
use super::plan::Role;
use super::profile::{DatePart, FeatureRules, TooMany};
use super::words;
use crate::tables::ColumnKind;

/// A decision with its reason.
pub struct Decision {
    pub role: Role,
    pub why: String,
    /// For dates: what is taken from them.
    pub parts: Vec<DatePart>,
}

/// Decides for one column.
pub fn decide(column: &str, look: &Look, rules: &FeatureRules, findings: &[Finding]) -> Decision {
    let left_out = |why: &str| Decision {
        role: Role::LeftOut,
        why: why.to_owned(),
        parts: Vec::new(),
    };
    let used = |role: Role, parts: Vec<DatePart>| Decision {
        role,
        why: String::new(),
        parts,
    };
    if let Some(why) = &look.people {
        return left_out(&format!("people's data: {why}"));
    }
    if look.kind == ColumnKind::Empty {
        return left_out("it is empty in all training rows");
    }
    if look.distinct() < 2 && look.missing() == 0 {
        return left_out("it has the same value in all training rows");
    }
    if look.web {
        return left_out("it holds addresses on the web");
    }
    if rules.drop_leaks {
        match findings.iter().find(|finding| finding.column == column) {
            Some(finding) if finding.kind == LeakKind::AfterTheFact => {
                return left_out(&format!("probably known only after the fact: {}", finding.evidence));
            }
            Some(finding) if finding.certain => return left_out(&format!("it gives the label away: {}", finding.evidence)),
            _ => {}
        }
    }
    let id = look.names_rows(column);
    let counted = || format!("{} different values in {} rows", look.distinct(), look.present());
    if words::is_unnamed(column) && look.whole() && look.distinct() * 2 > look.present() {
        return left_out(&format!("an index without a name: {}", counted()));
    }
    match look.kind {
        ColumnKind::Date => used(Role::Date, date_parts(look)),
        ColumnKind::Number => {
            if id || words::names_code(column) {
                if id && look.nearly_unique() {
                    left_out(&format!("an id: {}", counted()))
                } else if look.distinct() <= rules.max_categories {
                    used(Role::Category, Vec::new())
                } else if id || rules.too_many == TooMany::Drop {
                    left_out(&format!("an id: {}", counted()))
                } else {
                    used(Role::Category, Vec::new())
                }
            } else if look.whole() && !look.measured && look.nearly_unique() && counts_on(look) {
                left_out("it numbers the rows")
            } else {
                used(Role::Number, Vec::new())
            }
        }
        ColumnKind::Text | ColumnKind::Category | ColumnKind::Constant | ColumnKind::Empty => {
            let many = look.distinct() > rules.max_categories;
            if look.nearly_unique() || (many && id) {
                left_out(&format!("an id or free text: {}", counted()))
            } else if many && look.distinct() * 2 > look.present() {
                left_out(&format!("free text: {}", counted()))
            } else if many && rules.too_many == TooMany::Drop {
                left_out(&format!(
                    "it has {} different values, more than `max_categories` = {}",
                    look.distinct(),
                    rules.max_categories
                ))
            } else {
                used(Role::Category, Vec::new())
            }
        }
    }
}

/// Weekday and month, and the hour where the column has times of day.
pub fn date_parts(look: &Look) -> Vec<DatePart> {
    let mut parts = vec![DatePart::Weekday, DatePart::Month];
    let timed = look
        .dates
        .iter()
        .flatten()
        .flatten()
        .filter(|seconds| seconds.rem_euclid(86_400) != 0)
        .count();
    // A few stray times are conversions of time zones, not times of day.
    if timed * 2 > look.present() {
        parts.push(DatePart::Hour);
    }
    parts
}

/// Whether the numbers rise (or fall) by one from row to row, as a running number does, give or take gaps.
fn counts_on(look: &Look) -> bool {
    let Some(numbers) = &look.numbers else { return false };
    let present: Vec<f64> = numbers.iter().flatten().copied().collect();
    let (low, high) = present
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    // Nearly every whole number of the range occurs.
    high - low + 1.0 <= 3.0 * present.len() as f64
}
