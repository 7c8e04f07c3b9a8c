//! The leakage audit: columns that give the label away, alone, as a proxy column, in pairs, or because they are known only after the fact.
//!
//! It looks at training rows only. A column's power is measured on rows that its rule was not made on, in halves that keep groups
//! together, so that ids which are unique per row or order do not look like leaks; where rows have a time, an earlier and a later half, so
//! that a number which runs on does not either.

mod pairs;
mod rule;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::label::{LabelKind, LabelRule};
use super::look::{self, Look};
use super::plan::{self, Role};
use super::prepare::Usable;
use super::profile::Profile;
use super::{split, words};
use crate::error::Result;
use crate::notes::Notes;
use crate::tables::{ColumnKind, Table};
use rule::{Halves, Score};

/// Share of errors avoided from which one column alone is taken to know the label, or one class of it.
const CERTAIN: f64 = 0.9;
/// Share of errors avoided from which a column is worth a second look.
const SUSPECT: f64 = 0.5;
/// Share of equal rows from which a column is a copy.
const COPY: f64 = 0.95;

/// A column that gives the label away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Column name.
    pub column: String,
    /// What kind of leak.
    pub kind: LeakKind,
    /// The evidence as a sentence with figures.
    pub evidence: String,
    /// Accuracy of a rule on this column alone on held-out rows.
    pub accuracy: Option<f64>,
    /// Accuracy of always naming the most frequent class on the same rows.
    pub majority: Option<f64>,
    /// Whether the evidence leaves no doubt; else a person should judge.
    pub certain: bool,
    /// Whether the profile keeps it out of the features.
    pub dropped: bool,
}

/// What kind of leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeakKind {
    /// Says the same as the label or a column the label is made from.
    ProxyColumn,
    /// Alone tells the label, or one class of it.
    Alone,
    /// Tells it together with another column.
    Pair,
    /// Known only after the fact.
    AfterTheFact,
}

impl LeakKind {
    /// The kind as records write it.
    pub fn name(self) -> &'static str {
        match self {
            LeakKind::ProxyColumn => "near-copy",
            LeakKind::Alone => "alone",
            LeakKind::Pair => "pair",
            LeakKind::AfterTheFact => "after-the-fact",
        }
    }
}

/// Looks for columns that give the label away, among the training rows of the sheet, and says for each whether the profile uses it.
/// Adds a note for every certain one that it does use.
///
/// # Errors
/// As [`super::prepare`], up to the split.
pub fn leakage_audit(table: &Table, profile: &Profile, notes: &mut Notes) -> Result<Vec<Finding>> {
    profile.check()?;
    let table = &table.written_as(profile.reading);
    let table = &*profile.derived(table, &mut Notes::new())?;
    let mut profile = profile.clone();
    profile.label = profile.label.resolve(table)?;
    profile.check_against(table)?;
    // What is wrong with cells is said where they are used, not again here.
    let mut aside = Notes::new();
    let usable = Usable::find(table, &profile, &mut aside)?;
    let sort = profile.time.as_ref().map(|time| time.sort).unwrap_or_default();
    let (division, _) = split::divide(&usable.split_rows(), &profile.split, sort, &mut aside)?;
    let subject = Subject::of_rows(&usable, &division.train, &profile)?;
    let mut findings = subject.findings()?;
    let (_, columns) = plan::plan(&usable, &profile, &division.train, Some(&findings), &mut aside)?;
    for finding in &mut findings {
        let role = columns.iter().find(|entry| entry.column == finding.column).map(|entry| entry.role);
        finding.dropped = !matches!(role, Some(Role::Number | Role::Category | Role::Date));
        if !finding.dropped && finding.certain {
            notes.add(
                "leaking-feature",
                format!("`{}` gives the label away: {}", finding.column, finding.evidence),
                format!(
                    "profile `{}` uses it all the same, so the figures are better than next week's will be",
                    profile.name
                ),
            );
        }
    }
    Ok(findings)
}

/// What the audit looks at: training rows with their labels.
pub(super) struct Subject {
    table: Table,
    labels: Vec<u8>,
    halves: Halves,
    rule: LabelRule,
    /// The column rows are sorted by.
    time: Option<String>,
    /// Columns that need no look: key, group, filter and the label's own.
    skipped: Vec<String>,
}

/// A column with what it looks like and how well it does alone.
struct Judged {
    column: String,
    look: Look,
    score: Score,
}

impl Subject {
    /// The given rows of the usable ones.
    pub(super) fn of_rows(usable: &Usable, rows: &[usize], profile: &Profile) -> Result<Self> {
        let groups: Option<Vec<u32>> = usable.groups.as_ref().map(|groups| rows.iter().map(|row| groups[*row]).collect());
        let mut skipped: Vec<String> = profile.key.iter().chain(&profile.group).cloned().collect();
        skipped.extend(profile.filter.lists.iter().map(|filter| filter.column.clone()));
        skipped.extend(profile.label.sources().into_iter().map(str::to_owned));
        Ok(Self {
            table: usable.table.take(rows),
            labels: rows.iter().map(|row| usable.labels[*row]).collect(),
            // The rows come in the order of time where there is one.
            halves: match &profile.time {
                Some(_) => Halves::in_time(rows.len(), groups.as_deref()),
                None => Halves::new(rows.len(), groups.as_deref()),
            },
            rule: profile.label.clone(),
            time: profile.time.as_ref().map(|time| time.column.clone()),
            skipped,
        })
    }

    fn classes(&self) -> usize {
        self.rule.classes().len()
    }

    /// All findings, strongest kind first, in the order of the sheet; at most one a column. `dropped` is left false.
    pub(super) fn findings(&self) -> Result<Vec<Finding>> {
        let columns: Vec<&String> = self.table.names().iter().filter(|column| !self.skipped.contains(column)).collect();
        let judged: Vec<Judged> = columns.par_iter().map(|column| self.judge(column)).collect::<Result<_>>()?;
        let sources = self.source_values()?;
        let mut findings: Vec<Finding> = Vec::new();
        for column in &judged {
            let found = self.proxy_column(column, &sources).or_else(|| self.alone(column));
            findings.extend(found);
        }
        let known: Vec<String> = findings
            .iter()
            .filter(|finding| finding.certain)
            .map(|finding| finding.column.clone())
            .collect();
        for finding in pairs::findings(self, &judged, &sources, &known) {
            match findings.iter_mut().find(|other| other.column == finding.column) {
                // Suspicion gives way to proof.
                Some(other) if !other.certain => *other = finding,
                Some(_) => {}
                None => findings.push(finding),
            }
        }
        for column in &judged {
            if !findings.iter().any(|finding| finding.column == column.column) {
                findings.extend(self.after_the_fact(column, &judged));
            }
        }
        let place = |finding: &Finding| self.table.names().iter().position(|name| *name == finding.column);
        findings.sort_by_key(|finding| (finding.kind, place(finding)));
        Ok(findings)
    }

    fn judge(&self, column: &str) -> Result<Judged> {
        let look = look::look(&self.table, column)?;
        let classes = self.classes();
        let by_value = || rule::by_value(&look.texts.codes, look.distinct(), &self.labels, classes, &self.halves);
        let score = match (&look.numbers, &look.dates) {
            (Some(numbers), _) => rule::by_number(numbers, &self.labels, classes, &self.halves),
            (_, Some(dates)) => {
                let seconds: Vec<Option<f64>> = dates.iter().map(|date| date.map(|date| date as f64)).collect();
                rule::by_number(&seconds, &self.labels, classes, &self.halves)
            }
            _ => by_value(),
        };
        Ok(Judged {
            column: column.to_owned(),
            look,
            score,
        })
    }

    /// The numbers that the label is made from: actual, and actual minus planned.
    fn source_values(&self) -> Result<Vec<(String, Vec<Option<f64>>)>> {
        let mut aside = Notes::new();
        let days = |values: Vec<Option<i64>>| -> Vec<Option<f64>> {
            values
                .into_iter()
                .map(|value| value.map(|value| value.div_euclid(86_400) as f64))
                .collect()
        };
        let (actual, planned, names) = match self.rule.kind() {
            LabelKind::Column { .. } => return Ok(Vec::new()),
            LabelKind::Difference { actual, planned, .. } => (
                self.table.numbers(actual, &mut aside)?,
                self.table.numbers(planned, &mut aside)?,
                (actual, planned),
            ),
            LabelKind::Dates {
                actual, planned, order, ..
            } => {
                let (happened, expected) = (
                    self.table.dates(actual, *order, &mut aside)?,
                    self.table.dates(planned, *order, &mut aside)?,
                );
                (days(happened), days(expected), (actual, planned))
            }
        };
        let difference = actual
            .iter()
            .zip(&planned)
            .map(|(actual, planned)| Some((*actual)? - (*planned)?))
            .collect();
        Ok(vec![
            (format!("`{}`", names.0), actual),
            (format!("`{}` minus `{}`", names.0, names.1), difference),
        ])
    }

    /// A column that equals a source of the label, or whose values stand one to one for the classes.
    fn proxy_column(&self, column: &Judged, sources: &[(String, Vec<Option<f64>>)]) -> Option<Finding> {
        let numbers = column.look.numbers.clone().or_else(|| {
            let dates = column.look.dates.as_ref()?;
            Some(dates.iter().map(|date| date.map(|date| date.div_euclid(86_400) as f64)).collect())
        });
        for (name, source) in sources {
            if let Some(share) = numbers.as_ref().and_then(|numbers| pairs::equal_share(numbers, source)) {
                return Some(self.finding(
                    column,
                    LeakKind::ProxyColumn,
                    true,
                    format!("it equals {name} in {} of the rows", percent(share)),
                ));
            }
        }
        if column.score.avoided() >= CERTAIN {
            let evidence = format!(
                "a rule on it alone names the class of {} of held-out rows ({} by always saying the most frequent class)",
                percent(column.score.accuracy),
                percent(column.score.majority)
            );
            return Some(self.finding(column, LeakKind::ProxyColumn, true, evidence));
        }
        None
    }

    /// A column that alone tells the label well, or one class of it nearly without error.
    fn alone(&self, column: &Judged) -> Option<Finding> {
        let whole = column.score.avoided();
        let class = column.score.best_class().filter(|(_, avoided)| *avoided >= CERTAIN);
        let mut evidence = match class {
            Some((class, avoided)) => format!(
                "alone it tells class `{}` from the others with {} of the errors avoided on held-out rows",
                self.rule.classes()[class],
                percent(avoided)
            ),
            None if whole >= SUSPECT => "alone it tells the label well".to_owned(),
            None => return None,
        };
        evidence.push_str(&format!(
            "; it names the class of {} of them ({} by always saying the most frequent class)",
            percent(column.score.accuracy),
            percent(column.score.majority)
        ));
        Some(self.finding(column, LeakKind::Alone, class.is_some(), evidence))
    }

    /// A column whose name says that it is known only afterwards, with what its values say about that.
    fn after_the_fact(&self, column: &Judged, all: &[Judged]) -> Option<Finding> {
        if self.time.as_ref() == Some(&column.column) {
            return None;
        }
        let word = words::after_the_fact(&column.column)?;
        if column.look.distinct() < 2 {
            return None;
        }
        let later = self.time.as_ref().and_then(|time| {
            let start = all.iter().find(|other| other.column == *time)?.look.dates.as_ref()?;
            let own = column.look.dates.as_ref()?;
            let both: Vec<(i64, i64)> = own
                .iter()
                .zip(start)
                .filter_map(|(own, start)| Some(((*own)?, (*start)?)))
                .collect();
            let later = both.iter().filter(|(own, start)| own >= start).count() as f64 / both.len().max(1) as f64;
            (later >= 0.9).then(|| format!(", and its date is not before `{time}` in {} of the rows", percent(later)))
        });
        let certain = later.is_some() && column.look.kind == ColumnKind::Date;
        let evidence = format!(
            "its name (\"{word}\") says that it is known only afterwards{}",
            later.unwrap_or_default()
        );
        Some(self.finding(column, LeakKind::AfterTheFact, certain, evidence))
    }

    fn finding(&self, column: &Judged, kind: LeakKind, certain: bool, evidence: String) -> Finding {
        let has_word = words::after_the_fact(&column.column).filter(|_| kind != LeakKind::AfterTheFact);
        let evidence = match has_word {
            Some(word) => format!("{evidence}; its name (\"{word}\") says that it is known only afterwards"),
            None => evidence,
        };
        Finding {
            column: column.column.clone(),
            kind,
            evidence,
            accuracy: Some(column.score.accuracy),
            majority: Some(column.score.majority),
            certain,
            dropped: false,
        }
    }
}

/// A share in per cent with one digit, such as `87.6 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
