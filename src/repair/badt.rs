//! BadT, unlearning with a bad teacher (Chundawat, Tarun, Mandal, Kankanhalli 2023, arXiv 2205.08096, equation 3):
//!
//! L(x, l_u) = (1 - l_u) KL(T_s(x) || S(x)) + l_u KL(T_d(x) || S(x)),
//!
//! with l_u = 1 for flagged rows, T_s the original model, T_d a network of random weights, S the model under repair, over the flagged
//! rows and a part of the others (30 %), mixed in every batch, for one pass, temperature 1. The paper shuffles; here the part is every n-th row of the
//! retain set in training order and each batch gets its equal part of both, so that only the bad teacher is random.

use serde::{Deserialize, Serialize};

use super::steps::{Distillation, GradientStep, LossTerm, Teacher, share};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable, above_zero, at_least_one, within};
use crate::error::Result;
use crate::progress::Progress;

/// Unlearning with a bad teacher.
pub struct BadTeacher;

/// Factors on the learning rate which a search tries.
const RATES: [f64; 4] = [0.3, 1.0, 3.0, 10.0];

/// Rows `part` of all, evenly spaced, at least one.
fn spaced(rows: usize, part: f64) -> Vec<u32> {
    let wanted = ((rows as f64 * part).round() as usize).clamp(1.min(rows), rows);
    (0..wanted).map(|index| (index * rows / wanted) as u32).collect()
}

/// Settings of the bad teacher method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BadTeacherOptions {
    /// Share of the retain set that is seen, above 0 and at most 1 (paper: 30 %).
    #[serde(rename = "badt_retain_share")]
    pub retain_share: f64,
    /// Temperature of the divergences, above 0 (paper: 1).
    #[serde(rename = "badt_temperature")]
    pub temperature: f64,
    /// Passes, at least 1 (paper: 1).
    #[serde(rename = "badt_passes")]
    pub passes: usize,
}

impl Default for BadTeacherOptions {
    fn default() -> Self {
        Self {
            retain_share: 0.3,
            temperature: 1.0,
            passes: 1,
        }
    }
}

impl BadTeacherOptions {
    pub(super) fn check(&self) -> Result<()> {
        let (share, temperature) = (self.retain_share, self.temperature);
        within(
            "the temperature of the bad teacher",
            temperature,
            above_zero(temperature),
            "a number above 0",
        )?;
        let right = share > 0.0 && share <= 1.0;
        within(
            "the share of rows the bad teacher method sees",
            share,
            right,
            "above 0 and at most 1",
        )?;
        at_least_one("the bad teacher needs at least one pass", self.passes)
    }
}

impl RepairMethod for BadTeacher {
    fn name(&self) -> &'static str {
        "badt"
    }

    fn title(&self) -> &'static str {
        "Bad teacher"
    }

    fn description(&self) -> &'static str {
        "Lets a network of random weights teach the flagged rows, and the model itself the rest."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn grid(&self, model: &dyn Repairable, options: &RepairOptions) -> Vec<RepairOptions> {
        let rate = options.unlearning.learning_rate.unwrap_or(model.schedule().next_rate);
        let with = |factor: &f64| {
            let mut one = options.clone();
            one.unlearning.learning_rate = Some(rate * factor);
            one
        };
        RATES.iter().map(with).collect()
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome> {
        let settings = &options.unlearning;
        let schedule = model.schedule();
        let learning_rate = settings.learning_rate.unwrap_or(schedule.next_rate);
        let retain = spaced(model.retain_rows()?, settings.badt.retain_share);
        let forget = model.forget_rows();
        // Batches are as equal as can be, and not so small that batch norm has a single row.
        let all = retain.len() + forget;
        let parts = all.div_ceil(schedule.batch.max(1)).min((all / 2).max(1));
        let taught_by = |teacher: Teacher, rows: usize, of: usize| Distillation {
            weight: rows as f64 / of as f64,
            teacher,
            temperature: settings.badt.temperature,
        };
        let mut steps = (0..settings.badt.passes).flat_map(|pass| {
            let retain = &retain;
            (0..parts).map(move |part| {
                let good: Vec<u32> = share(retain.len(), part, parts).map(|index| retain[index as usize]).collect();
                let bad: Vec<u32> = share(forget, part, parts).collect();
                let rows = good.len() + bad.len();
                let ask = |rows_of: Vec<u32>, teacher: Teacher| {
                    let weight = taught_by(teacher, rows_of.len(), rows);
                    (!rows_of.is_empty()).then(|| LossTerm::distil(rows_of, weight))
                };
                GradientStep {
                    retain: ask(good, Teacher::Original),
                    forget: ask(bad, Teacher::Random),
                    learning_rate,
                    pass,
                }
            })
        });
        RepairOutcome::trained(model.gradient_steps(&mut steps, (settings.seed, 0), progress)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_is_spread_evenly_and_never_empty() {
        assert_eq!(spaced(10, 0.3), [0, 3, 6]);
        assert_eq!(spaced(3, 0.01), [0]);
        assert_eq!(spaced(4, 1.0), [0, 1, 2, 3]);
        assert!(spaced(0, 0.3).is_empty());
    }
}
