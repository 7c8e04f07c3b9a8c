//! The records of a repair: everything the report shows, and nothing it has to compute. Serialised as `record.json`.
//!
//! Fractions are fractions (0.876), never percent. What is unknown is absent (`None`), never 0.
//! Timings are kept out of these records, so that equal seeds give equal bytes: see [`Timings`].

mod expansion;
mod whole;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::notes::Notes;

pub use crate::repair::{Dampening, RatioBin, TensorDampening};
pub use expansion::{ExpansionRecord, ExpansionRule, ExpansionShare};
pub use whole::WholeRecord;

/// Version of the record layout; a report refuses a newer one.
pub const RECORD_VERSION: u32 = 1;

/// Name of the method that leaves the model as it is.
pub const KEPT: &str = "none";

/// One repair job: a model, the rows that were flagged, every method that ran, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepairRecord {
    /// Layout version, [`RECORD_VERSION`].
    pub record_version: u32,
    /// Version of Recant that wrote it.
    pub recant_version: String,
    /// The command line that made it, for provenance, with file names only.
    pub command: String,
    /// The model that was repaired.
    pub model: ModelSummary,
    /// The flagged rows, counted.
    pub flags: FlagSummary,
    /// Settings of the evaluation.
    pub settings: EvaluationSettings,
    /// What ran, in order; never empty. The first is the one written to disk unless `chosen` says otherwise.
    pub methods: Vec<MethodRecord>,
    /// Which method's model was written.
    pub chosen: String,
    /// The recommendation, made on validation rows only.
    pub recommendation: Recommendation,
    /// Columns that give the label away; empty if the audit found none, absent if no audit was made.
    pub leakage: Option<Vec<LeakageFinding>>,
    /// Each flagged row of the training period: before and after by the chosen method.
    pub flagged_rows: Vec<FlaggedRow>,
    /// Test rows whose prediction the chosen method changed from wrong to right or from right to wrong.
    pub changed_rows: Vec<ChangedRow>,
    /// Where the true labels of an injected trial are known: accuracy on the part of the test rows that the error touched.
    pub affected: Option<AffectedDomain>,
    /// Rows beyond the flags that the repair took as wrong too, and the rules that they follow; absent where it did not look for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expansion: Option<ExpansionRecord>,
    /// Warnings, and what was done about each.
    pub notes: Notes,
}

impl RepairRecord {
    /// Whether the written model is the recommended one.
    pub fn recommends_the_written(&self) -> bool {
        match self.recommendation.advice {
            Some(advice) => advice == Advice::Use || self.kept_the_old(),
            None => self.recommendation.method.as_deref() == Some(self.chosen.as_str()),
        }
    }

    /// Whether the old model was written, because no method was accepted.
    pub fn kept_the_old(&self) -> bool {
        self.chosen == KEPT
    }

    /// Title of the method whose model was written although none of several is recommended.
    pub fn written_without_recommendation(&self) -> Option<&str> {
        let chosen = self.methods.iter().find(|method| method.name == self.chosen)?;
        let recommended = self.recommendation.method.is_some() || self.kept_the_old();
        (self.methods.len() > 1 && !recommended).then_some(chosen.title.as_str())
    }
}

/// What was repaired, in a few lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Folder name of the model.
    pub name: String,
    /// Network, such as `3x100`.
    pub network: String,
    /// Number of trainable parameters.
    pub parameters: usize,
    /// Number of input columns after encoding.
    pub inputs: usize,
    /// Class names, in label order.
    pub classes: Vec<String>,
    /// Profile name, such as `dataco`.
    pub profile: String,
    /// File name of the training sheet and its SHA-256.
    pub data_file: String,
    /// SHA-256 of the training sheet, lower-case hex.
    pub data_sha256: String,
    /// Rows the model was trained on.
    pub training_rows: usize,
    /// First and last value of the time column among the training rows, ISO 8601, where the profile has a time column.
    pub training_period: Option<(String, String)>,
    /// The same for the test rows.
    pub test_period: Option<(String, String)>,
    /// Share of each class among the training rows' observed labels.
    pub class_shares: Vec<f64>,
    /// Run seed.
    pub seed: u64,
}

/// The flag file, counted. `flagged = used + the sum of the ignored`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlagSummary {
    /// File name.
    pub file: String,
    /// How the rows were named, such as "key column `Order Item Id`" or "row numbers, header is row 1".
    pub addressed_by: String,
    /// Flags in the file.
    pub flagged: usize,
    /// Flags that are training rows and so form the forget set.
    pub used: usize,
    /// Flags on test rows; they are not repaired, but the evaluation is shown with and without them.
    pub on_test_rows: usize,
    /// Ignored flags, by reason.
    pub ignored: Vec<IgnoredFlags>,
    /// Flagged rows whose correct label the person gave.
    pub with_correction: usize,
    /// Used flags per observed class, in label order.
    pub per_class: Vec<usize>,
    /// Share of the training rows that is flagged.
    pub share_of_training: f64,
}

/// Flags that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IgnoredFlags {
    /// A sentence: "not in the training sheet".
    pub reason: String,
    /// How many.
    pub count: usize,
    /// Up to five of them, as the person wrote them.
    pub examples: Vec<String>,
}

/// How the evaluation was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationSettings {
    /// Smallest difference in the measure that counts (by default accuracy) worth acting on, as a fraction (0.001 is 0.1 percentage points).
    pub minimum_effect: f64,
    /// Significance level after correction over methods.
    pub significance: f64,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Column whose equal values are resampled together, where the profile names one.
    pub group_column: Option<String>,
    /// Run seed.
    pub seed: u64,
    /// What counts as better.
    #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
    pub metric: Metric,
    /// Classes that must not be found significantly less often; empty: all where accuracy counts, none where another measure does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matters: Vec<String>,
}

impl EvaluationSettings {
    /// Whether a repair is advised against where this class is found significantly less often; `f1_falls` tells whether its F1 falls, too.
    pub fn protects(&self, class: &str, f1_falls: bool) -> bool {
        match self.matters.is_empty() {
            true => self.metric.is_accuracy() && f1_falls,
            false => self.matters.iter().any(|name| name == class),
        }
    }
}

/// One method: what it did to the model, and how the model then did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodRecord {
    /// Name as on the command line, such as `assd`.
    pub name: String,
    /// Title for people, such as "ASSD (adaptive dampening)".
    pub title: String,
    /// One sentence on what it does.
    pub description: String,
    /// What was dampened; only for methods that dampen.
    pub dampening: Option<Dampening>,
    /// The test rows that can be trusted; absent where there are none.
    pub test: Option<Comparison>,
    /// All test rows by their recorded labels; absent where all can be trusted. No verdict rests on it.
    #[serde(default)]
    pub test_as_recorded: Option<Comparison>,
    /// What may be said of all test rows; absent where all can be trusted.
    #[serde(default)]
    pub whole: Option<WholeRecord>,
    /// Validation rows that can be trusted; absent where there are none.
    pub validation: Option<Comparison>,
    /// Share of the flagged training rows whose (wrong) observed label the model still predicts, before and after.
    pub flagged_agreement: Option<BeforeAfter>,
}

impl MethodRecord {
    /// Whether the model after it finds a class less often that must not be lost.
    pub fn loses_a_class(&self) -> bool {
        self.test.as_ref().is_some_and(Comparison::loses_a_class)
    }

    /// The verdict on the test rows; absent without test rows.
    pub fn verdict(&self) -> Option<Verdict> {
        let by_trusted = self.test.as_ref().map(|test| test.verdict);
        self.whole.as_ref().map(|whole| whole.verdict).or(by_trusted)
    }

    /// The change on the test rows, in the measure that counts, that the verdict is on; where the labels of some do not hold, the middle of what is possible,
    /// with an interval that holds whatever those labels are.
    pub fn change(&self) -> Option<Interval> {
        let whole = self.whole.as_ref().map(|whole| Interval {
            estimate: (whole.worst.estimate + whole.best.estimate) / 2.0,
            low: whole.worst.low,
            high: whole.best.high,
        });
        whole.or(self.test.as_ref().map(Comparison::counted_interval))
    }

    /// The change by the chances of doubtful rows, where verdict or leaning rests on it.
    pub fn by_estimate(&self) -> Option<Interval> {
        let whole = self.whole.as_ref()?;
        whole.by_chance.filter(|_| whole.rests_on_chances || whole.leans.is_some())
    }

    /// The sentence that goes with it.
    pub fn verdict_sentence(&self) -> Option<&str> {
        let by_trusted = self.test.as_ref().map(|test| test.sentence.as_str());
        self.whole.as_ref().map(|whole| whole.sentence.as_str()).or(by_trusted)
    }
}

/// A figure before and after a repair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BeforeAfter {
    /// Before.
    pub before: f64,
    /// After.
    pub after: f64,
}

/// The model before against the model after, on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Rows.
    pub rows: usize,
    /// Distinct groups, where the profile names a group column.
    pub groups: Option<usize>,
    /// Before the repair.
    pub before: Metrics,
    /// After the repair.
    pub after: Metrics,
    /// Accuracy after minus before: estimate and interval by paired bootstrap over rows.
    pub difference: Interval,
    /// The same with whole groups resampled together.
    pub difference_by_group: Option<Interval>,
    /// Exact McNemar test on fixed and broken rows.
    pub mcnemar: McNemarRecord,
    /// Two-sided p-value of a group-wise sign-flip test, where there are groups.
    pub group_p: Option<f64>,
    /// What counts, where that is not accuracy; verdict and corrected p-value are on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The p-value the verdict uses (group-wise where there are groups, else McNemar), Holm-corrected over the methods of the job.
    pub p_holm: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict as one plain sentence with its figures.
    pub sentence: String,
    /// What limits the verdict (few rows, one class only, few groups), one sentence each; usually empty.
    #[serde(default)]
    pub cautions: Vec<String>,
    /// Classes that the model after finds significantly less often, or never predicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losing_classes: Vec<LosingClass>,
}

impl Comparison {
    /// Whether the model after finds a class less often that must not be lost.
    pub fn loses_a_class(&self) -> bool {
        self.losing_classes.iter().any(|class| class.protected)
    }

    /// The interval of the change in accuracy that goes with the test: by group where there are groups.
    pub fn main_interval(&self) -> Interval {
        self.difference_by_group.unwrap_or(self.difference)
    }

    /// The interval that goes with the p-value the verdict uses: of the measure that counts.
    pub fn counted_interval(&self) -> Interval {
        self.measured
            .as_ref()
            .map_or_else(|| self.main_interval(), |measured| measured.gain)
    }
}

/// A measure other than accuracy, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// As in "balanced accuracy rose from ...".
    pub words: String,
    /// Before, after; absent where no row can tell.
    pub values: Option<BeforeAfter>,
    /// How much better it is after, with its interval: by group where there are groups. A fraction; of the dearest mistake for a cost.
    pub gain: Interval,
    /// p-value of no change (exact sign-flip test, by group where there are groups), not corrected.
    pub p: f64,
    /// What the dearest mistake costs; absent where the measure is a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dearest: Option<f64>,
}

/// What may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Significantly better, by at least the minimum effect.
    Better,
    /// Significantly worse, by at least the minimum effect.
    Worse,
    /// Neither.
    NoChangeDetected,
    /// Too much hangs on labels that are under suspicion.
    CannotBeJudged,
}

/// An estimate with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Point estimate.
    pub estimate: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

/// Exact McNemar test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemarRecord {
    /// Rows wrong before and right after.
    pub fixed: usize,
    /// Rows right before and wrong after.
    pub broken: usize,
    /// Two-sided exact p-value; 1 where no row changed.
    pub p: f64,
}

/// How well a model does on some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Share of rows predicted right, with Wilson interval.
    pub accuracy: Interval,
    /// Mean recall over the classes that occur.
    pub balanced_accuracy: f64,
    /// Mean F1 over the classes that occur.
    pub macro_f1: f64,
    /// Mean negative log-likelihood (natural logarithm) of the observed label.
    pub log_loss: f64,
    /// Expected calibration error, 15 equal-width bins of the top probability.
    pub calibration_error: f64,
    /// The bins behind it.
    pub calibration: Vec<CalibrationBin>,
    /// Per class, in label order.
    pub classes: Vec<ClassMetrics>,
    /// `confusion[observed][predicted]`, counts.
    pub confusion: Vec<Vec<usize>>,
}

/// One bin of the calibration curve; bins without rows are left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Rows in it.
    pub rows: usize,
    /// Mean top probability.
    pub confidence: f64,
    /// Share right.
    pub accuracy: f64,
}

/// A class that a model finds less often than the one before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LosingClass {
    /// Class name.
    pub name: String,
    /// Recall before and after.
    pub recall: BeforeAfter,
    /// Precision before and after, where it is predicted at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<BeforeAfter>,
    /// Whether it is never predicted any more.
    pub never_predicted: bool,
    /// p-value of the fall (exact, by group where there are groups), Holm-corrected over the classes.
    pub p: f64,
    /// Whether a repair is advised against for it: a class that was named as one that matters; where accuracy counts and none was named, any
    /// whose F1 falls too, so that what is no longer found is not made up for by fewer false alarms.
    #[serde(default = "yes")]
    pub protected: bool,
}

fn yes() -> bool {
    true
}

/// One class. Precision is absent where the class is never predicted, recall where it never occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Class name.
    pub name: String,
    /// Rows of this class.
    pub rows: usize,
    /// Share of its predictions that are right.
    pub precision: Option<f64>,
    /// Share of its rows that are found.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
}

/// What to do with the repaired model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Use the repaired model.
    Use,
    /// Keep the old one.
    Keep,
    /// Look up the true labels of some rows first.
    CheckFirst,
}

/// What to do, and which method is taken; never chosen on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// What to do, verdict and choice taken together; absent in records of older versions.
    #[serde(default)]
    pub advice: Option<Advice>,
    /// Method that was chosen among several, or `None`: none was, or only one ran.
    pub method: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
}

/// A column that gives the label away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakageFinding {
    /// Column name.
    pub column: String,
    /// `alone`, `near-copy`, `after-the-fact`, `pair`.
    pub kind: String,
    /// The evidence as a sentence with figures.
    pub evidence: String,
    /// Accuracy that this column alone reaches on held-out rows, against the majority share.
    pub accuracy: Option<BeforeAfter>,
    /// Whether the profile keeps it out of the features.
    pub dropped: bool,
}

/// A flagged training row. Keys only: no other cell of the sheet is copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlaggedRow {
    /// Key, or the row number where there is no key column.
    pub key: String,
    /// Row number as the person sees it in the sheet, where known.
    pub row: Option<usize>,
    /// Observed label (the one in the sheet).
    pub observed: String,
    /// Correct label, where the person gave one.
    pub correction: Option<String>,
    /// Predicted class before.
    pub before: String,
    /// Its probability before.
    pub before_probability: f64,
    /// Predicted class after.
    pub after: String,
    /// Its probability after.
    pub after_probability: f64,
}

/// A test row that the repair fixed or broke.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedRow {
    /// Key, or the row number where there is no key column.
    pub key: String,
    /// Row number as the person sees it in the sheet, where known.
    pub row: Option<usize>,
    /// Observed label.
    pub observed: String,
    /// Predicted class before.
    pub before: String,
    /// Predicted class after.
    pub after: String,
    /// Whether it was fixed (else broken).
    pub fixed: bool,
    /// Whether this test row is itself flagged.
    pub flagged: bool,
}

/// Accuracy on the affected part of the test rows, for injected trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AffectedDomain {
    /// In words: `Market = LATAM and Shipping Mode = Standard Class`.
    pub rule: String,
    /// Test rows in it.
    pub rows: usize,
    /// Accuracy before, per method name after.
    pub before: f64,
    /// Accuracy after, by method name.
    pub after: BTreeMap<String, f64>,
}

/// Seconds, kept in a file of their own (`timings.json`) because they differ from run to run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Seconds by method name.
    pub methods: BTreeMap<String, f64>,
    /// Seconds of the whole job by stage, in order.
    pub stages: Vec<(String, f64)>,
}
