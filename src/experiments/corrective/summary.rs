//! A study in figures: means over the repetitions, and how much of the gap between the corrupted and the clean model a method recovers.

use serde::{Deserialize, Serialize};

use super::record::Row;
use super::settings::StudySettings;
use super::settings::without_proposing;
use super::{CLEAN, EXPANDING, NONE};
use crate::error::{Error, Result};
use crate::experiments::RunFolder;
use crate::experiments::study::Seconds;
use crate::experiments::tables::share;
use crate::notes::Notes;
use crate::stats::Sample;

/// A study, summarised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyReport {
    /// What was computed.
    pub settings: StudySettings,
    /// Units that are there, and units planned.
    pub units: (usize, usize),
    /// One pattern at one rate, in the order of the settings.
    pub patterns: Vec<PatternReport>,
}

/// One pattern at one rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternReport {
    /// Error specification.
    pub kind: String,
    /// Rate.
    pub rate: String,
    /// Repetitions that are there.
    pub repetitions: usize,
    /// Share of the training rows that is wrong, mean.
    pub wrong_share: f64,
    /// Test rows of the affected domain.
    pub affected: u32,
    /// The model trained on clean labels.
    pub clean: Figures,
    /// The corrupted model.
    pub none: Figures,
    /// By method, then known share, in the order of the settings.
    pub methods: Vec<MethodFigures>,
}

/// One method at one known share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodFigures {
    /// Method.
    pub method: String,
    /// Known share.
    pub known: f64,
    /// Flagged training rows, mean.
    pub flags: f64,
    /// Accuracies.
    pub figures: Figures,
    /// Share of the gap on the affected domain that is recovered: (method - corrupted) / (clean - corrupted), mean over repetitions with a
    /// gap of at least one point.
    pub recovered: Option<f64>,
    /// Accuracy outside the affected domain minus that of the corrupted model, mean.
    pub elsewhere_change: Option<f64>,
    /// Rows proposed beside the flagged ones, mean.
    pub proposed: Option<f64>,
    /// Share of them that is wrong, over all repetitions.
    pub precision: Option<f64>,
    /// Share of the relabelled rows that got their clean label, over all repetitions; for ways that relabel.
    pub relabelled_right: Option<f64>,
    /// Seconds of the repair alone, mean; with the search for settings where there was one.
    pub seconds: Option<f64>,
    /// The same as a share of the seconds that training from scratch took in the same unit, mean.
    pub of_training: Option<f64>,
    /// Seconds of finding the rest, for ways that do, mean.
    pub expanding_seconds: Option<f64>,
    /// Compared with the same way without proposed rows, where that was run too.
    pub against_without: Option<AgainstWithout>,
    /// Repetitions in which the method failed.
    pub failed: usize,
}

/// Accuracy with proposed rows minus accuracy without them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AgainstWithout {
    /// On the affected domain, mean; absent where it is empty.
    pub affected: Option<f64>,
    /// The lowest over the repetitions.
    pub affected_lowest: Option<f64>,
    /// On the other test rows, mean.
    pub elsewhere: Option<f64>,
    /// The lowest over the repetitions.
    pub elsewhere_lowest: Option<f64>,
}

/// Clean-label accuracies, means over repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// On the affected domain (test rows); absent where it is empty.
    pub affected: Option<f64>,
    /// Standard deviation of that over repetitions; absent for a single one.
    pub affected_sd: Option<f64>,
    /// On the other test rows; absent where there are none.
    pub elsewhere: Option<f64>,
    /// On the manipulated training rows; absent where there are none.
    pub manipulated: Option<f64>,
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn figures(rows: &[&Row]) -> Figures {
    let values = |of: &dyn Fn(&Row) -> Option<f64>| rows.iter().filter_map(|row| of(row)).collect::<Vec<f64>>();
    let affected = values(&|row| share(row.affected_right, row.affected));
    Figures {
        affected: mean(&affected),
        affected_sd: Sample::new(&affected).ok().and_then(|sample| sample.standard_deviation().ok()),
        elsewhere: mean(&values(&|row| share(row.elsewhere_right, row.elsewhere))),
        manipulated: mean(&values(&|row| share(row.manipulated_right, row.manipulated))),
    }
}

/// Smallest gap that a share of it means something for.
const LEAST_GAP: f64 = 0.01;

/// Summarises what is there of a study.
///
/// # Errors
/// Where a unit cannot be read, or none is there.
pub(super) fn summarise(folder: &RunFolder<StudySettings>, notes: &mut Notes) -> Result<StudyReport> {
    let settings = folder.settings();
    let units = folder.units()?;
    let mut found = 0;
    let mut patterns = Vec::new();
    for (kind, spec) in settings.kinds.iter().enumerate() {
        for (rate, amount) in settings.rates.iter().enumerate() {
            let mut repetitions = Vec::new();
            for unit in units.iter().filter(|unit| (unit.key.kind, unit.key.rate) == (kind, rate)) {
                if let Some(rows) = folder.whole_records(unit, notes)? {
                    repetitions.push((rows, folder.timings(unit).unwrap_or_default().stages));
                }
            }
            found += repetitions.len();
            if let Some(pattern) = pattern(settings, spec, amount, &repetitions) {
                patterns.push(pattern);
            }
        }
    }
    if patterns.is_empty() {
        return Err(Error::input("nothing of this study is computed yet")
            .hint("start `recant bench corrective` again: it goes on where it stopped"));
    }
    Ok(StudyReport {
        settings: settings.clone(),
        units: (found, units.len()),
        patterns,
    })
}

type Repetition = (Vec<Row>, Seconds);

fn pattern(settings: &StudySettings, kind: &str, rate: &str, repetitions: &[Repetition]) -> Option<PatternReport> {
    let of = |rows: &'_ [Row], method: &str| rows.iter().position(|row| row.known.is_none() && row.method == method);
    let whole: Vec<&Repetition> = repetitions
        .iter()
        .filter(|(rows, _)| of(rows, CLEAN).is_some() && of(rows, NONE).is_some())
        .collect();
    let pick = |method: &str| -> Vec<&Row> { whole.iter().filter_map(|(rows, _)| Some(&rows[of(rows, method)?])).collect() };
    let (clean, none) = (pick(CLEAN), pick(NONE));
    let first = none.first()?;
    let mut methods = Vec::new();
    for method in &settings.methods {
        for known in &settings.known {
            let rows: Vec<Compared> = whole
                .iter()
                .zip(clean.iter().zip(&none))
                .filter_map(|((rows, seconds), (clean, none))| {
                    let find = |method: &str| rows.iter().find(|row| row.known == Some(*known) && row.method == method);
                    let took = |part: String| seconds.get(&part).copied();
                    let plain = without_proposing(method);
                    Some(Compared {
                        row: find(method)?,
                        clean,
                        none,
                        plain: plain.and_then(find),
                        seconds: took(format!("{known} {method}")),
                        training: took("train".to_owned()),
                        expanding: plain.and_then(|_| took(format!("{known} {EXPANDING}"))),
                    })
                })
                .collect();
            if !rows.is_empty() {
                methods.push(method_figures(method, *known, &rows));
            }
        }
    }
    Some(PatternReport {
        kind: kind.to_owned(),
        rate: rate.to_owned(),
        repetitions: whole.len(),
        wrong_share: mean(
            &none
                .iter()
                .filter_map(|row| share(row.manipulated, row.training_rows))
                .collect::<Vec<_>>(),
        )
        .unwrap_or(0.0),
        affected: first.affected,
        clean: figures(&clean),
        none: figures(&none),
        methods,
    })
}

/// A method's record in one repetition, and what it is compared with.
struct Compared<'a> {
    row: &'a Row,
    clean: &'a Row,
    none: &'a Row,
    /// The same way without proposed rows.
    plain: Option<&'a Row>,
    seconds: Option<f64>,
    training: Option<f64>,
    expanding: Option<f64>,
}

fn affected(row: &Row) -> Option<f64> {
    share(row.affected_right, row.affected)
}

fn elsewhere(row: &Row) -> Option<f64> {
    share(row.elsewhere_right, row.elsewhere)
}

fn method_figures(method: &str, known: f64, rows: &[Compared]) -> MethodFigures {
    let recovered = |each: &Compared| {
        let (row, clean, none) = (affected(each.row)?, affected(each.clean)?, affected(each.none)?);
        (clean - none >= LEAST_GAP).then(|| (row - none) / (clean - none))
    };
    let values = |of: &dyn Fn(&Compared) -> Option<f64>| rows.iter().filter_map(of).collect::<Vec<f64>>();
    let total = |of: &dyn Fn(&Row) -> Option<u32>| rows.iter().filter_map(|each| of(each.row)).sum::<u32>();
    MethodFigures {
        method: method.to_owned(),
        known,
        flags: mean(&values(&|each| Some(f64::from(each.row.flags)))).unwrap_or(0.0),
        figures: figures(&rows.iter().map(|each| each.row).collect::<Vec<_>>()),
        recovered: mean(&values(&recovered)),
        elsewhere_change: mean(&values(&|each| Some(elsewhere(each.row)? - elsewhere(each.none)?))),
        proposed: mean(&values(&|each| each.row.proposed.map(f64::from))),
        precision: share(total(&|row| row.proposed_wrong), total(&|row| row.proposed)),
        relabelled_right: share(total(&|row| row.relabelled_right), total(&|row| row.relabelled)),
        seconds: mean(&values(&|each| each.seconds)),
        of_training: mean(&values(&|each| {
            Some(each.seconds? / each.training.filter(|training| *training > 0.0)?)
        })),
        expanding_seconds: mean(&values(&|each| each.expanding)),
        against_without: against_without(rows),
        failed: rows.iter().filter(|each| each.row.failed.is_some()).count(),
    }
}

fn against_without(rows: &[Compared]) -> Option<AgainstWithout> {
    let pairs: Vec<(&Row, &Row)> = rows.iter().filter_map(|each| Some((each.row, each.plain?))).collect();
    let differences = |of: fn(&Row) -> Option<f64>| -> Vec<f64> {
        let all = pairs.iter().filter_map(|(row, plain)| Some(of(row)? - of(plain)?));
        all.collect()
    };
    let lowest = |values: &[f64]| values.iter().copied().reduce(f64::min);
    let (affected, elsewhere) = (differences(affected), differences(elsewhere));
    (!pairs.is_empty()).then(|| AgainstWithout {
        affected: mean(&affected),
        affected_lowest: lowest(&affected),
        elsewhere: mean(&elsewhere),
        elsewhere_lowest: lowest(&elsewhere),
    })
}
