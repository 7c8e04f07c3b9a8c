//! Dampening over a grid of alpha and lambda: Figures 2 and 3 of the ASSD paper as numbers, with the point that ASSD picks.

use crate::error::Result;
use crate::experiments::random_errors::compute::{Scenario, count_right, predict};
use crate::experiments::random_errors::record::{Sweep, SweepRow};
use crate::nn::Network;
use crate::repair::{RepairOptions, Repairable, Session, assd_alpha, dampen};

/// Selection weightings that are tried, lambda being 1.
pub const ALPHAS: [f64; 13] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
/// Dampening constants that are tried, alpha being the one that ASSD picks.
pub const LAMBDAS: [f64; 8] = [0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Tries every point of both grids on a model that has not been repaired. Importances are measured once.
pub(super) fn sweep(scenario: &Scenario, model: &mut Session<Network<f32>>, options: &RepairOptions) -> Result<Vec<SweepRow>> {
    let forget = model.forget_importance(options.importance)?;
    let reference = model.reference_importance(options.importance, options.reference)?;
    let before = model.parameters();
    let alpha = assd_alpha(&forget, &reference, model.forget_rows(), model.training_rows())?;
    let points = ALPHAS
        .iter()
        .map(|alpha| (Sweep::Alpha, *alpha, 1.0))
        .chain(LAMBDAS.iter().map(|lambda| (Sweep::Lambda, alpha, *lambda)));
    let data = scenario.data;
    let mut rows = Vec::new();
    for (sweep, alpha, lambda) in points {
        let mut parameters = before.clone();
        let (_, factors) = dampen(&mut parameters, &forget, &reference, alpha, lambda);
        let dampened = factors.iter().filter(|factor| **factor < 1.0).count();
        model.set_parameters(&parameters)?;
        let predicted = predict(model.network(), &data.test.inputs, 1)?;
        let flagged = predict(model.network(), scenario.flagged_inputs, 1)?;
        rows.push(SweepRow {
            run: scenario.run,
            init: scenario.init,
            sweep,
            alpha,
            lambda,
            dampened: dampened as u32,
            rows: data.test.len() as u32,
            right: count_right(&predicted, &data.test.labels),
            flagged: scenario.flagged_labels.len() as u32,
            flagged_as_observed: count_right(&flagged, scenario.flagged_labels),
        });
    }
    model.start_over();
    Ok(rows)
}
