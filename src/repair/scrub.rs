//! SCRUB (Kurmanji, Triantafillou, Hayes, Triantafillou 2023, arXiv 2302.09880, equation 3 and algorithm 1): the repaired model obeys
//! the original one on the rows that are not flagged, learns their labels, and disobeys it on the flagged ones,
//!
//! min over w of alpha/N_r sum_r d(x_r; w) + gamma/N_r sum_r l(f(x_r; w), y_r) - 1/N_f sum_f d(x_f; w),
//! d(x; w) = KL(p(f(x; original)) || p(f(x; w))),
//!
//! by passes that first climb on the flagged rows (for the first [`ScrubOptions::forget_passes`] of them) and then descend on the others. As in the
//! published settings alpha = 0.001, gamma = 0.99, temperature 4, 3 passes of which 2 climb; steps are plain SGD here.
//!
//! The text of Corrective Machine Unlearning (arXiv 2402.14015) has 200 climbing steps, each in the first 200 of 1,000, and searches alpha
//! instead: with [`RepairOptions::by_text`] a batch of flagged rows is climbed on before each step of the first fifth.

use serde::{Deserialize, Serialize};

use std::ops::Range;

use super::steps::{Distillation, GradientStep, LossTerm, Teacher, batches};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable, above_zero, at_least_one, from_zero_up, within};
use crate::error::Result;
use crate::progress::Progress;

/// SCRUB.
pub struct Scrub;

/// Factors on the learning rate, and passes that climb, which a search tries.
const RATES: [f64; 3] = [0.1, 1.0, 3.0];
const FORGET_PASSES: [usize; 2] = [1, 2];

/// Weights alpha that a search by the text tries, and the share of the steps that climb there.
const ALPHAS: [f64; 8] = [0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
const CLIMBING: f64 = 0.2;

/// Settings of SCRUB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScrubOptions {
    /// Weight alpha of the divergence on the retain set, from 0 (published settings: 0.001).
    #[serde(rename = "scrub_alpha")]
    pub alpha: f64,
    /// Weight gamma of the cross entropy on the retain set, from 0 (published settings: 0.99).
    #[serde(rename = "scrub_gamma")]
    pub gamma: f64,
    /// Temperature of the divergences, above 0 (published settings: 4).
    #[serde(rename = "scrub_temperature")]
    pub temperature: f64,
    /// Passes over the retain set, at least 1 (published settings: 3).
    #[serde(rename = "scrub_passes")]
    pub passes: usize,
    /// How many of these, from the first, begin with a climb on the forget set (published settings: 2).
    #[serde(rename = "scrub_forget_passes")]
    pub forget_passes: usize,
}

impl Default for ScrubOptions {
    fn default() -> Self {
        Self {
            alpha: 0.001,
            gamma: 0.99,
            temperature: 4.0,
            passes: 3,
            forget_passes: 2,
        }
    }
}

impl ScrubOptions {
    pub(super) fn check(&self) -> Result<()> {
        within("alpha of SCRUB", self.alpha, from_zero_up(self.alpha), "a number from 0 up")?;
        within("gamma of SCRUB", self.gamma, from_zero_up(self.gamma), "a number from 0 up")?;
        within(
            "the temperature of SCRUB",
            self.temperature,
            above_zero(self.temperature),
            "a number above 0",
        )?;
        at_least_one("SCRUB needs at least one pass", self.passes)
    }
}

impl RepairMethod for Scrub {
    fn name(&self) -> &'static str {
        "scrub"
    }

    fn title(&self) -> &'static str {
        "SCRUB"
    }

    fn description(&self) -> &'static str {
        "Drives the model away from its own answers on the flagged rows and holds it at labels and answers on the rest."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn grid(&self, model: &dyn Repairable, options: &RepairOptions) -> Vec<RepairOptions> {
        if options.by_text {
            let with = |alpha: &f64| {
                let mut one = options.clone();
                one.unlearning.scrub.alpha = *alpha;
                one
            };
            return ALPHAS.iter().map(with).collect();
        }
        let rate = options.unlearning.learning_rate.unwrap_or(model.schedule().next_rate);
        let mut all = Vec::new();
        for factor in RATES {
            for forget_passes in FORGET_PASSES {
                let mut one = options.clone();
                one.unlearning.learning_rate = Some(rate * factor);
                one.unlearning.scrub.forget_passes = forget_passes;
                all.push(one);
            }
        }
        all
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome> {
        let settings = &options.unlearning;
        let schedule = model.schedule();
        let learning_rate = settings.learning_rate.unwrap_or(schedule.next_rate);
        let retain = batches(model.retain_rows()?, schedule.batch);
        let forget = batches(model.forget_rows(), schedule.batch);
        // A single flagged row has no variance to be normalised by, so rows that are asked nothing go along with it.
        let company = retain.first().filter(|_| model.forget_rows() == 1).cloned();
        let away = Distillation {
            weight: -1.0,
            teacher: Teacher::Original,
            temperature: settings.scrub.temperature,
        };
        let near = Distillation {
            weight: settings.scrub.alpha,
            ..away
        };
        let climb = |run: &Range<u32>, pass: usize| GradientStep {
            retain: company.clone().map(|rows| LossTerm::labels(rows, 0.0)),
            forget: Some(LossTerm::distil(run.clone(), away)),
            learning_rate,
            pass,
        };
        let climbing = (CLIMBING * (settings.scrub.passes * retain.len()) as f64).round() as usize;
        let mut again = forget.iter().cycle();
        let mut steps = (0..settings.scrub.passes).flat_map(|pass| {
            let mut all = Vec::with_capacity(retain.len() + forget.len());
            if !options.by_text && pass < settings.scrub.forget_passes {
                all.extend(forget.iter().map(|run| climb(run, pass)));
            }
            for (place, run) in retain.iter().enumerate() {
                if options.by_text && pass * retain.len() + place < climbing {
                    all.extend(again.next().map(|run| climb(run, pass)));
                }
                all.push(GradientStep {
                    retain: Some(LossTerm {
                        rows: run.clone().collect(),
                        label: settings.scrub.gamma,
                        distillation: Some(near),
                    }),
                    forget: None,
                    learning_rate,
                    pass,
                });
            }
            all
        });
        RepairOutcome::trained(model.gradient_steps(&mut steps, (settings.seed, 0), progress)?)
    }
}
