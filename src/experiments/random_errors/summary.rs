//! A finished batch (or what there is of it) judged: per cell and method means, differences, tests, intervals and a verdict sentence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::evaluate::cell_record::{CellSummary, FriedmanRecord, VarianceRecord};
use crate::evaluate::record::EvaluationSettings;
use crate::evaluate::{cell_summary, friedman_over_methods, judge_grid, variance_split};
use crate::experiments::RunFolder;
use crate::experiments::random_errors::plan::Cell;
use crate::experiments::random_errors::published::{PROFILE, Published, SOURCE, published};
use crate::experiments::random_errors::record::{BASELINE, ChunkRecords, Split, Sweep, Tuned};
use crate::experiments::random_errors::settings::Settings;
use crate::experiments::random_errors::tables::share;
use crate::experiments::random_errors::tuning;
use crate::notes::Notes;
use crate::stats::Sample;

/// Version of the layout of `report.json`.
pub const REPORT_VERSION: u32 = 1;

/// A judged batch. Fractions are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchReport {
    /// [`REPORT_VERSION`].
    pub report_version: u32,
    /// Version of Recant that judged.
    pub recant_version: String,
    /// What was computed.
    pub settings: Settings,
    /// How it was judged.
    pub evaluation: EvaluationSettings,
    /// Scenarios computed and planned.
    pub scenarios: (u64, u64),
    /// Learning rate, weight decay and clean model of each size.
    pub tuned: Vec<Tuned>,
    /// Cells with at least two scenarios, by size, then error rate.
    pub cells: Vec<CellReport>,
    /// Dampening over alpha and lambda.
    pub sweeps: Vec<SweepReport>,
    /// Gains at other learning rates, from batches given beside this one.
    pub learning_rates: Vec<RatePoint>,
    /// Source of the published figures, where any are shown.
    pub published_source: Option<String>,
    /// Warnings.
    pub notes: Notes,
}

/// One network size at one error rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellReport {
    /// Network size.
    pub size: String,
    /// Error rate as given.
    pub error: String,
    /// Scenarios in it.
    pub scenarios: usize,
    /// Baseline accuracy of each scenario on test rows, by scenario number; the mean over its initialisations.
    pub baseline_test: Vec<f64>,
    /// By method.
    pub methods: Vec<MethodReport>,
    /// Whether baseline and methods differ at all on the test rows; absent where they cannot be ranked.
    pub friedman: Option<FriedmanRecord>,
    /// Where the variance of the baseline's test accuracy comes from; only with several initialisations.
    pub baseline_variance: Option<VarianceRecord>,
}

/// A method in a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// Name.
    pub method: String,
    /// On test rows.
    pub test: CellSummary,
    /// On training rows with their clean labels.
    pub train: CellSummary,
    /// Accuracy of each scenario on test rows, by scenario number.
    pub after_test: Vec<f64>,
    /// Mean share of the flagged rows that the model predicts by their observed label, before and after.
    pub flagged_agreement: (f64, f64),
    /// Median alpha, for methods that dampen.
    pub alpha: Option<f64>,
    /// Mean share of the parameters dampened, for methods that dampen.
    pub dampened: Option<f64>,
    /// Where the variance of the gain on test rows comes from; only with several initialisations.
    pub gain_variance: Option<VarianceRecord>,
    /// The gain on test rows against the baseline's accuracy, initialisation by initialisation; only with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_initialisation: Option<GainOverBaseline>,
    /// The published figures on test rows.
    pub published_test: Option<Published>,
    /// The published figures on training rows.
    pub published_train: Option<Published>,
}

/// Dampening over a grid, in one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Network size.
    pub size: String,
    /// Error rate.
    pub error: String,
    /// What varies.
    pub sweep: Sweep,
    /// Scenarios behind each point.
    pub scenarios: usize,
    /// Mean test accuracy without a repair in these scenarios.
    pub baseline: f64,
    /// Median alpha that ASSD picks in these scenarios.
    pub assd_alpha: f64,
    /// The grid.
    pub points: Vec<SweepPoint>,
}

/// A point of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Alpha or lambda.
    pub value: f64,
    /// Mean test accuracy.
    pub test: f64,
    /// Mean share of the parameters dampened.
    pub dampened: f64,
    /// Mean share of the flagged rows predicted by their observed label.
    pub flagged_agreement: f64,
}

/// Gains of a method against the baseline's accuracy, on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GainOverBaseline {
    /// Baseline's accuracy and gain of each scenario and initialisation, by scenario, then initialisation.
    pub points: Vec<(f64, f64)>,
    /// Pearson's correlation of the two; absent where either does not vary.
    pub correlation: Option<f64>,
    /// Mean gain where the baseline is in its lowest third, and in its highest.
    pub thirds: (f64, f64),
}

impl GainOverBaseline {
    /// Where there are at least three points.
    fn of(points: Vec<(f64, f64)>) -> Option<Self> {
        let third = points.len() / 3;
        let mut sorted = points.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let gains = |part: &[(f64, f64)]| mean(&part.iter().map(|point| point.1).collect::<Vec<_>>());
        let thirds = (third > 0).then(|| (gains(&sorted[..third]), gains(&sorted[sorted.len() - third..])))?;
        Some(Self {
            correlation: correlation(&points),
            thirds,
            points,
        })
    }
}

fn correlation(points: &[(f64, f64)]) -> Option<f64> {
    let all = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).collect::<Vec<_>>();
    let (xs, ys) = (all(|point| point.0), all(|point| point.1));
    let (middle_x, middle_y) = (mean(&xs), mean(&ys));
    let products =
        |a: &[f64], a_mean: f64, b: &[f64], b_mean: f64| crate::stats::sum(a.iter().zip(b).map(|(a, b)| (a - a_mean) * (b - b_mean)));
    let spread = products(&xs, middle_x, &xs, middle_x) * products(&ys, middle_y, &ys, middle_y);
    (spread > 0.0).then(|| products(&xs, middle_x, &ys, middle_y) / spread.sqrt())
}

/// The gain of a method at a learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatePoint {
    /// Network size.
    pub size: String,
    /// Error rate.
    pub error: String,
    /// Method.
    pub method: String,
    /// Learning rate.
    pub learning_rate: f64,
    /// Scenarios.
    pub scenarios: usize,
    /// Mean baseline accuracy on test rows.
    pub baseline: f64,
    /// Mean gain on test rows.
    pub gain: f64,
    /// Standard deviation of the gain over scenarios; absent for one scenario.
    pub standard_deviation: Option<f64>,
}

/// Scores by scenario and initialisation.
type Scores = BTreeMap<(u32, u32), f64>;

/// What is read out of the chunks of a batch.
#[derive(Default)]
struct Gathered {
    /// By cell, method and split.
    scores: BTreeMap<(Cell, String, Split), Scores>,
    /// By cell and method: share of the flagged rows predicted as observed.
    agreement: BTreeMap<(Cell, String), Vec<f64>>,
    /// By cell and method: alpha and share dampened.
    dampening: BTreeMap<(Cell, String), Vec<(f64, f64)>>,
    rates: BTreeMap<Cell, f64>,
    rows: [u32; 2],
    sweeps: BTreeMap<(Cell, Sweep), Vec<SweepValue>>,
    scenarios: u64,
}

struct SweepValue {
    run: u32,
    alpha: f64,
    lambda: f64,
    test: f64,
    dampened: f64,
    agreement: f64,
}

impl Gathered {
    fn of(folder: &RunFolder<Settings>, notes: &mut Notes) -> Result<Self> {
        let mut gathered = Self::default();
        for unit in folder.units()? {
            if let Some(records) = folder.whole_records(&unit, notes)? {
                gathered.scenarios += u64::from(unit.count);
                gathered.add(unit.key.cell, &records.into());
            }
        }
        Ok(gathered)
    }

    fn add(&mut self, cell: Cell, records: &ChunkRecords) {
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        let mut parameters = 1;
        for row in &records.rows {
            parameters = row.parameters;
            self.rows[row.split as usize] = row.rows;
            self.rates.insert(cell, row.learning_rate);
            let scores = self.scores.entry((cell, row.method.clone(), row.split)).or_default();
            scores.insert((row.run, row.init), share(row.right, row.rows));
            if let Some(observed) = row.flagged_as_observed {
                let agreement = self.agreement.entry((cell, row.method.clone())).or_default();
                agreement.push(share(observed, row.flagged));
            }
            if let Some(done) = row.dampening.filter(|_| row.split == Split::Test) {
                let list = self.dampening.entry((cell, row.method.clone())).or_default();
                list.push((done.alpha, share(done.dampened, row.parameters)));
            }
        }
        for row in &records.sweep {
            self.sweeps.entry((cell, row.sweep)).or_default().push(SweepValue {
                run: row.run,
                alpha: row.alpha,
                lambda: row.lambda,
                test: share(row.right, row.rows),
                dampened: share(row.dampened, parameters),
                agreement: share(row.flagged_as_observed, row.flagged),
            });
        }
    }

    fn scores(&self, cell: Cell, method: &str, split: Split) -> Option<&Scores> {
        self.scores.get(&(cell, method.to_owned(), split))
    }
}

/// Means over the initialisations of each scenario, by scenario number.
fn by_scenario(scores: &Scores) -> Vec<f64> {
    grouped(scores).into_iter().map(|group| mean(&group)).collect()
}

/// Scores of each scenario's initialisations.
fn grouped(scores: &Scores) -> Vec<Vec<f64>> {
    let mut groups: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for ((run, _), score) in scores {
        groups.entry(*run).or_default().push(*score);
    }
    groups.into_values().collect()
}

fn mean(values: &[f64]) -> f64 {
    crate::stats::sum(values.iter().copied()) / values.len().max(1) as f64
}

fn median(values: &[f64]) -> Option<f64> {
    Sample::new(values).ok().map(|sample| sample.median())
}

fn variance(groups: &[Vec<f64>]) -> Option<VarianceRecord> {
    let slices: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
    variance_split(&slices).ok()
}

/// How a batch is judged.
#[derive(Debug)]
pub struct Judging {
    /// Further batches whose gains are shown by learning rate beside this one's.
    pub others: Vec<RunFolder<Settings>>,
    /// Significance, minimum effect, resamples.
    pub evaluation: EvaluationSettings,
}

/// Judges what a run folder holds.
///
/// The correction runs over all cells and methods, apart for test and training rows. Scenarios are the units: with several
/// initialisations each scenario counts by its mean over them.
///
/// # Errors
/// Where no cell has two scenarios, a chunk cannot be read, or settings of the evaluation are out of range.
pub(super) fn summarise(folder: &RunFolder<Settings>, judging: &Judging, notes: &mut Notes) -> Result<BatchReport> {
    let Judging { others, evaluation } = judging;
    let settings = folder.settings();
    let planned: u64 = folder.units()?.iter().map(|unit| u64::from(unit.count)).sum();
    let gathered = Gathered::of(folder, notes)?;
    if gathered.scenarios < planned {
        notes.add(
            "batch-unfinished",
            format!("{} of {} scenarios are computed.", gathered.scenarios, planned),
            "The report shows these; start the run again to compute the rest.",
        );
    }
    let cells = judged_cells(settings, &gathered, evaluation)?;
    if cells.is_empty() {
        return Err(Error::input("no cell has two scenarios yet, so there is nothing to judge")
            .in_file(folder.path())
            .hint("let the run go on, then ask for the report again"));
    }
    let mut tuned = Vec::new();
    for size in &settings.sizes {
        tuned.extend(tuning::read(folder, &size.size)?);
    }
    let mut learning_rates = Vec::new();
    if !others.is_empty() {
        rate_points(settings, &gathered, &mut learning_rates);
        for other in others {
            let theirs = other.settings();
            if theirs.data_sha256 != settings.data_sha256 || theirs.profile != settings.profile || theirs.error_kind != settings.error_kind
            {
                return Err(Error::input(format!(
                    "`{}` is about another sheet, profile or kind of error",
                    other.path().display()
                ))
                .hint("give batches that differ in their learning rate only"));
            }
            rate_points(theirs, &Gathered::of(other, notes)?, &mut learning_rates);
        }
        learning_rates.sort_by(|a, b| {
            let key = |point: &RatePoint| (point.size.clone(), point.error.clone(), point.method.clone());
            key(a).cmp(&key(b)).then(a.learning_rate.total_cmp(&b.learning_rate))
        });
    }
    let shown = cells
        .iter()
        .flat_map(|cell| &cell.methods)
        .any(|method| method.published_test.is_some());
    Ok(BatchReport {
        report_version: REPORT_VERSION,
        recant_version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings.clone(),
        evaluation: evaluation.clone(),
        scenarios: (gathered.scenarios, planned),
        tuned,
        sweeps: sweeps(settings, &gathered),
        cells,
        learning_rates,
        published_source: shown.then(|| SOURCE.to_owned()),
        notes: notes.clone(),
    })
}

fn judged_cells(settings: &Settings, gathered: &Gathered, evaluation: &EvaluationSettings) -> Result<Vec<CellReport>> {
    let grid: Vec<Cell> = (0..settings.sizes.len())
        .flat_map(|size| (0..settings.errors.len()).map(move |error| Cell { size, error }))
        .filter(|cell| {
            gathered
                .scores(*cell, BASELINE, Split::Test)
                .is_some_and(|scores| grouped(scores).len() > 1)
        })
        .collect();
    let mut judged: BTreeMap<Split, std::vec::IntoIter<CellSummary>> = BTreeMap::new();
    for split in Split::ALL {
        let mut waiting = Vec::new();
        for cell in &grid {
            let before = by_scenario(gathered.scores(*cell, BASELINE, split).ok_or_else(missing)?);
            for method in &settings.methods {
                let after = by_scenario(gathered.scores(*cell, method, split).ok_or_else(missing)?);
                let name = format!(
                    "{method}, {}, {} errors, {} rows",
                    settings.sizes[cell.size].size,
                    settings.errors[cell.error],
                    split.name()
                );
                let rows = gathered.rows[split as usize] as usize;
                waiting.push(cell_summary(
                    &name,
                    &before,
                    &after,
                    (split == Split::Test).then_some(rows),
                    evaluation,
                )?);
            }
        }
        judged.insert(split, judge_grid(waiting, evaluation)?.into_iter());
    }
    let mut next = |split: Split| judged.get_mut(&split).and_then(Iterator::next).ok_or_else(missing);
    let mut cells = Vec::new();
    for cell in grid {
        let mut methods = Vec::new();
        for method in &settings.methods {
            methods.push(method_report(
                settings,
                gathered,
                cell,
                method,
                next(Split::Test)?,
                next(Split::Train)?,
            )?);
        }
        let baseline = gathered.scores(cell, BASELINE, Split::Test).ok_or_else(missing)?;
        let baseline_test = by_scenario(baseline);
        let mut ranked: Vec<(&str, &[f64])> = vec![(BASELINE, &baseline_test)];
        ranked.extend(methods.iter().map(|method| (method.method.as_str(), method.after_test.as_slice())));
        cells.push(CellReport {
            size: settings.sizes[cell.size].size.clone(),
            error: settings.errors[cell.error].clone(),
            scenarios: baseline_test.len(),
            friedman: friedman_over_methods(&ranked).ok(),
            baseline_variance: variance(&grouped(baseline)),
            methods,
            baseline_test,
        });
    }
    Ok(cells)
}

fn missing() -> Error {
    Error::internal("a method has no records in a finished chunk")
}

fn method_report(
    settings: &Settings,
    gathered: &Gathered,
    cell: Cell,
    method: &str,
    test: CellSummary,
    train: CellSummary,
) -> Result<MethodReport> {
    let before = gathered.scores(cell, BASELINE, Split::Test).ok_or_else(missing)?;
    let after = gathered.scores(cell, method, Split::Test).ok_or_else(missing)?;
    let gains: Scores = after
        .iter()
        .filter_map(|(key, score)| before.get(key).map(|before| (*key, score - before)))
        .collect();
    let agreement = |method: &str| {
        gathered
            .agreement
            .get(&(cell, method.to_owned()))
            .map_or(0.0, |values| mean(values))
    };
    let dampening = gathered.dampening.get(&(cell, method.to_owned()));
    let size = &settings.sizes[cell.size].size;
    // Only the published preprocessing gives figures that may stand beside the published ones.
    let rate = share(&settings.errors[cell.error]).filter(|_| settings.profile_name == PROFILE);
    let beside = |split: Split| rate.map_or(Ok(None), |rate| published(size, rate, method, split));
    Ok(MethodReport {
        method: method.to_owned(),
        test,
        train,
        after_test: by_scenario(after),
        flagged_agreement: (agreement(BASELINE), agreement(method)),
        alpha: dampening.and_then(|list| median(&list.iter().map(|(alpha, _)| *alpha).collect::<Vec<_>>())),
        dampened: dampening.map(|list| mean(&list.iter().map(|(_, share)| *share).collect::<Vec<_>>())),
        gain_variance: variance(&grouped(&gains)),
        by_initialisation: match settings.init_seeds {
            0 | 1 => None,
            _ => GainOverBaseline::of(gains.iter().filter_map(|(key, gain)| Some((*before.get(key)?, *gain))).collect()),
        },
        published_test: beside(Split::Test)?,
        published_train: beside(Split::Train)?,
    })
}

fn sweeps(settings: &Settings, gathered: &Gathered) -> Vec<SweepReport> {
    let mut found = Vec::new();
    for ((cell, sweep), values) in &gathered.sweeps {
        let runs: std::collections::BTreeSet<u32> = values.iter().map(|value| value.run).collect();
        let baseline: Vec<f64> = gathered
            .scores(*cell, BASELINE, Split::Test)
            .into_iter()
            .flatten()
            .filter(|((run, init), _)| *init == 0 && runs.contains(run))
            .map(|(_, score)| *score)
            .collect();
        let alphas: Vec<f64> = gathered
            .sweeps
            .get(&(*cell, Sweep::Lambda))
            .into_iter()
            .flatten()
            .filter(|value| value.lambda == 1.0)
            .map(|value| value.alpha)
            .collect();
        let varied = |value: &SweepValue| match sweep {
            Sweep::Alpha => value.alpha,
            Sweep::Lambda => value.lambda,
        };
        let mut points: Vec<f64> = values.iter().map(varied).collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        let of = |point: f64, pick: fn(&SweepValue) -> f64| {
            mean(&values.iter().filter(|value| varied(value) == point).map(pick).collect::<Vec<_>>())
        };
        found.push(SweepReport {
            size: settings.sizes[cell.size].size.clone(),
            error: settings.errors[cell.error].clone(),
            sweep: *sweep,
            scenarios: runs.len(),
            baseline: mean(&baseline),
            assd_alpha: median(&alphas).unwrap_or(f64::NAN),
            points: points
                .into_iter()
                .map(|value| SweepPoint {
                    value,
                    test: of(value, |value| value.test),
                    dampened: of(value, |value| value.dampened),
                    flagged_agreement: of(value, |value| value.agreement),
                })
                .collect(),
        });
    }
    found.retain(|sweep| sweep.assd_alpha.is_finite());
    found
}

fn rate_points(settings: &Settings, gathered: &Gathered, points: &mut Vec<RatePoint>) {
    for (cell, learning_rate) in &gathered.rates {
        let Some(before) = gathered.scores(*cell, BASELINE, Split::Test) else {
            continue;
        };
        let before = by_scenario(before);
        for method in &settings.methods {
            let Some(after) = gathered.scores(*cell, method, Split::Test) else {
                continue;
            };
            let gains: Vec<f64> = by_scenario(after)
                .iter()
                .zip(&before)
                .map(|(after, before)| after - before)
                .collect();
            points.push(RatePoint {
                size: settings.sizes[cell.size].size.clone(),
                error: settings.errors[cell.error].clone(),
                method: method.clone(),
                learning_rate: *learning_rate,
                scenarios: gains.len(),
                baseline: mean(&before),
                gain: mean(&gains),
                standard_deviation: Sample::new(&gains).and_then(|sample| sample.standard_deviation()).ok(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_of_badly_ended_initialisations_show_in_the_lowest_third() {
        // The gain is what lacks to 88 %.
        let points: Vec<(f64, f64)> = (0..9)
            .map(|place| (0.84 + 0.005 * f64::from(place), 0.04 - 0.005 * f64::from(place)))
            .collect();
        let found = GainOverBaseline::of(points).unwrap();
        assert!((found.correlation.unwrap() + 1.0).abs() < 1e-12);
        assert!(
            (found.thirds.0 - 0.035).abs() < 1e-12 && (found.thirds.1 - 0.005).abs() < 1e-12,
            "{:?}",
            found.thirds
        );
        // What does not vary has no correlation, and two points no thirds.
        assert_eq!(GainOverBaseline::of(vec![(0.8, 0.0); 3]).unwrap().correlation, None);
        assert_eq!(GainOverBaseline::of(vec![(0.8, 0.0), (0.9, 0.1)]), None);
    }
}
