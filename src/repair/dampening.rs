//! Dampening, which SSD and ASSD share: where F_forget > alpha * F_reference, the parameter is multiplied by
//! min(lambda * F_reference / F_forget, 1). Strictly greater, so what matters to neither is left alone; a parameter that only
//! the forget set uses (F_reference = 0 < F_forget) becomes 0.

use serde::{Deserialize, Serialize};

use super::{Reference, RepairOptions, RepairOutcome, Repairable};
use crate::error::{Error, Result};
use crate::nn::{OutputSize, TensorSpec};

/// Bins of the ratio histogram are this many decades wide, or twice, four times... that where the ratios span very many.
const BIN_WIDTH: f64 = 0.25;
const MOST_BINS: f64 = 60.0;

/// What dampening did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dampening {
    /// "squared batch gradient" or "per-sample Fisher".
    pub importance: String,
    /// What the flagged rows were compared with: "retain set on the original batches", "retain set", "full training set".
    pub reference: String,
    /// Percentile of the ratios at which ASSD cut (equation 4 of arXiv 2402.10098); absent for SSD.
    pub percentile: Option<f64>,
    /// Selection weighting alpha: parameters whose ratio exceeds it are selected.
    pub alpha: f64,
    /// Dampening constant lambda.
    pub lambda: f64,
    /// Parameters in all.
    pub parameters: usize,
    /// Parameters whose ratio exceeds alpha; 0 in records from before this was kept.
    #[serde(default)]
    pub selected: usize,
    /// Of these, parameters that became smaller; the factor of the others is 1.
    pub dampened: usize,
    /// Parameters that became exactly 0.
    pub zeroed: usize,
    /// Per tensor, in network order.
    #[serde(rename = "layers")]
    pub tensors: Vec<TensorDampening>,
    /// Histogram of log10(forget importance / reference importance) over finite positive ratios; bins without gaps.
    pub ratio_histogram: Vec<RatioBin>,
}

/// What dampening did to one tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorDampening {
    /// Tensor name, such as `layers.0.linear.weight`.
    pub tensor: String,
    /// Parameters in it.
    pub parameters: usize,
    /// Of these dampened.
    pub dampened: usize,
}

/// `[low, high)` in log10 of the ratio, and how many parameters fall in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatioBin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Count.
    pub count: usize,
}

/// How alpha and lambda come about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Strength {
    /// ASSD: alpha at this percentile of the ratios, lambda 1.
    Percentile(f64),
    /// SSD: both given.
    Fixed { alpha: f64, lambda: f64 },
}

/// The importances that dampening compares, and what they are called in reports.
pub(super) struct Measured {
    /// Of every parameter for the flagged rows.
    pub forget: Vec<f64>,
    /// Of every parameter for what they are compared with.
    pub against: Vec<f64>,
    /// What kind.
    pub importance: String,
    /// Compared with what.
    pub reference: String,
}

/// Measures, selects, dampens.
pub(super) fn repair(model: &mut dyn Repairable, options: &RepairOptions, strength: Strength) -> Result<RepairOutcome> {
    let measured = Measured {
        forget: model.forget_importance(options.importance)?,
        against: model.reference_importance(options.importance, options.reference)?,
        importance: options.importance.title().to_owned(),
        reference: options.reference.title().to_owned(),
    };
    repair_by(model, measured, strength)
}

/// How much the output reacts, over the flagged rows and over what the options compare them with.
pub(super) fn by_reaction(model: &dyn Repairable, options: &RepairOptions, size: OutputSize) -> Result<Measured> {
    // Training does not store these, so the retain set is batched again.
    let reference = match options.reference {
        Reference::Full => Reference::Full,
        Reference::Retain | Reference::RetainOnOriginalBatches => Reference::Retain,
    };
    Ok(Measured {
        forget: model.forget_sensitivity(size)?,
        against: model.reference_sensitivity(size, reference)?,
        importance: match size {
            OutputSize::SquaredLength => "sensitivity of the output",
            OutputSize::Length => "sensitivity of the length of the output",
        }
        .to_owned(),
        reference: reference.title().to_owned(),
    })
}

/// Selects and dampens by importances measured already.
pub(super) fn repair_by(model: &mut dyn Repairable, measured: Measured, strength: Strength) -> Result<RepairOutcome> {
    Dampener::new(model, measured)?.dampen(model, strength)
}

/// A model as it was and the importances to dampen it by, as often as one likes.
pub(super) struct Dampener {
    measured: Measured,
    before: Vec<f64>,
    ratios: Vec<f64>,
    tensors: Vec<TensorSpec>,
}

impl Dampener {
    pub fn new(model: &dyn Repairable, measured: Measured) -> Result<Self> {
        let before = model.parameters();
        if measured.forget.len() != before.len() || measured.against.len() != before.len() {
            return Err(Error::internal("as many importances as parameters are needed"));
        }
        Ok(Self {
            ratios: finite_ratios(&measured.forget, &measured.against),
            measured,
            before,
            tensors: model.tensors(),
        })
    }

    /// Parameters whose ratio exceeds what this strength cuts at.
    pub fn selected(&mut self, strength: &Strength) -> Result<usize> {
        let (_, alpha, _) = self.cut(strength)?;
        let both = self.measured.forget.iter().zip(&self.measured.against);
        Ok(both.filter(|(forget, against)| **forget > alpha * **against).count())
    }

    /// Percentile, alpha and lambda.
    fn cut(&mut self, strength: &Strength) -> Result<(Option<f64>, f64, f64)> {
        Ok(match strength {
            Strength::Percentile(p) => (Some(*p), alpha_at(&mut self.ratios, *p)?, 1.0),
            Strength::Fixed { alpha, lambda } => (None, *alpha, *lambda),
        })
    }

    /// Gives the model the parameters it had.
    pub fn undo(&self, model: &mut dyn Repairable) -> Result<()> {
        model.set_parameters(&self.before)
    }

    /// Gives the model the parameters it had, dampened.
    pub fn dampen(&mut self, model: &mut dyn Repairable, strength: Strength) -> Result<RepairOutcome> {
        let (percentile, alpha, lambda) = self.cut(&strength)?;
        let measured = &self.measured;
        let mut parameters = self.before.clone();
        let (selected, factors) = dampen(&mut parameters, &measured.forget, &measured.against, alpha, lambda);
        model.set_parameters(&parameters)?;
        Ok(RepairOutcome {
            dampening: Some(Dampening {
                importance: measured.importance.clone(),
                reference: measured.reference.clone(),
                percentile,
                alpha,
                lambda,
                parameters: parameters.len(),
                selected,
                dampened: factors.iter().filter(|factor| **factor < 1.0).count(),
                zeroed: factors.iter().filter(|factor| **factor == 0.0).count(),
                tensors: self.tensors.iter().map(|tensor| count_in(tensor, &factors)).collect(),
                ratio_histogram: histogram(&self.ratios),
            }),
            training: None,
        })
    }
}

/// F_forget / F_reference where that is a finite number, 0 included.
fn finite_ratios(forget: &[f64], reference: &[f64]) -> Vec<f64> {
    let ratios = forget.iter().zip(reference).map(|(forget, reference)| forget / reference);
    ratios.filter(|ratio| ratio.is_finite()).collect()
}

/// Ratios closer to each other than this, relatively, are the same but for rounding.
const SAME: f64 = 1e-9;

/// The percentile of the ratios; where it would cut between ratios that are the same but for rounding, it lies above them. A layer's bias and the
/// shift of the batch norm behind it move the same value, so their ratios are equal: else rounding would decide which of them is dampened.
/// Reorders the ratios.
fn alpha_at(ratios: &mut [f64], percentile: f64) -> Result<f64> {
    let alpha = interpolated_percentile(ratios, percentile).ok_or_else(|| {
        Error::input("no parameter of this model matters for the rows that are not flagged, so it cannot be dampened")
            .hint("train the model again, or use `--method retrain`")
    })?;
    let below = ratios.iter().any(|ratio| (alpha * (1.0 - SAME)..=alpha).contains(ratio));
    let above = ratios
        .iter()
        .copied()
        .filter(|ratio| (alpha..=alpha * (1.0 + SAME)).contains(ratio));
    let highest = above.reduce(f64::max).filter(|_| below);
    // Above by the rounding of a product, which is what alpha is taken in.
    Ok(highest.map_or(alpha, |ratio| ratio * (1.0 + 4.0 * f64::EPSILON)))
}

/// The percentile with linear interpolation between neighbours, as `numpy.percentile` has it; reorders the values. `None` of
/// no values.
fn interpolated_percentile(values: &mut [f64], percentile: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = (percentile / 100.0).clamp(0.0, 1.0) * last as f64;
    let below = (place.floor() as usize).min(last);
    let fraction = place - below as f64;
    let (_, &mut low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    // numpy's two-sided form, which is exact at both ends.
    let step = high - low;
    Some(if fraction < 0.5 {
        low + step * fraction
    } else {
        high - step * (1.0 - fraction)
    })
}

/// The alpha that ASSD picks for these importances.
///
/// # Errors
/// Where no parameter matters for the reference rows.
pub fn assd_alpha(forget: &[f64], reference: &[f64], forget_rows: usize, training_rows: usize) -> Result<f64> {
    alpha_at(
        &mut finite_ratios(forget, reference),
        super::assd::percentile(forget_rows, training_rows),
    )
}

/// Dampens in place; returns how many parameters were selected, and every parameter's factor.
pub fn dampen(parameters: &mut [f64], forget: &[f64], reference: &[f64], alpha: f64, lambda: f64) -> (usize, Vec<f64>) {
    let mut selected = 0;
    let mut factors = Vec::with_capacity(parameters.len());
    for ((parameter, &forget), &reference) in parameters.iter_mut().zip(forget).zip(reference) {
        let mut factor = 1.0;
        if forget > alpha * reference {
            selected += 1;
            factor = (lambda * reference / forget).min(1.0);
            *parameter *= factor;
        }
        factors.push(factor);
    }
    (selected, factors)
}

fn count_in(tensor: &TensorSpec, factors: &[f64]) -> TensorDampening {
    TensorDampening {
        tensor: tensor.name.clone(),
        parameters: tensor.len(),
        dampened: factors[tensor.range()].iter().filter(|factor| **factor < 1.0).count(),
    }
}

fn histogram(ratios: &[f64]) -> Vec<RatioBin> {
    let logs: Vec<f64> = ratios.iter().filter(|ratio| **ratio > 0.0).map(|ratio| ratio.log10()).collect();
    let low = logs.iter().copied().fold(f64::INFINITY, f64::min);
    let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if logs.is_empty() {
        return Vec::new();
    }
    let mut width = BIN_WIDTH;
    while (high - low) / width > MOST_BINS {
        width *= 2.0;
    }
    let first = (low / width).floor();
    let bins = ((high / width).floor() - first) as usize + 1;
    let mut counts = vec![0; bins];
    for log in logs {
        let bin = ((log / width).floor() - first) as usize;
        counts[bin.min(bins - 1)] += 1;
    }
    let bin = |(index, count)| RatioBin {
        low: (first + index as f64) * width,
        high: (first + index as f64 + 1.0) * width,
        count,
    };
    counts.into_iter().enumerate().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_agree_with_numpy() {
        // numpy.percentile([3, 1, 4, 1.5, 9, 2.6], p)
        for (p, expected) in [(0.0, 1.0), (10.0, 1.25), (50.0, 2.8), (97.8, 8.45), (99.9, 8.975), (100.0, 9.0)] {
            let found = interpolated_percentile(&mut [3.0, 1.0, 4.0, 1.5, 9.0, 2.6], p).unwrap();
            assert!((found - expected).abs() < 1e-12, "{p}: {found}");
        }
        assert_eq!(interpolated_percentile(&mut [], 50.0), None);
        assert_eq!(interpolated_percentile(&mut [7.0], 98.0), Some(7.0));
    }

    #[test]
    fn what_only_the_forget_set_uses_becomes_zero_and_what_nothing_uses_stays() {
        let mut parameters = [1.0, 2.0, 3.0, 4.0];
        let (selected, factors) = dampen(&mut parameters, &[1.0, 0.0, 4.0, 1.0], &[0.0, 0.0, 1.0, 1.0], 2.0, 1.0);
        assert_eq!(parameters, [0.0, 2.0, 0.75, 4.0]);
        assert_eq!(selected, 2);
        assert_eq!(factors, [0.0, 1.0, 0.25, 1.0]);
    }

    #[test]
    fn equality_with_alpha_does_not_select() {
        let mut parameters = [1.0];
        assert_eq!(dampen(&mut parameters, &[2.0], &[1.0], 2.0, 0.1).0, 0);
    }

    #[test]
    fn infinite_and_undefined_ratios_do_not_count() {
        assert_eq!(finite_ratios(&[1.0, 0.0, 0.0, 3.0], &[0.0, 0.0, 2.0, 1.5]), [0.0, 2.0]);
        assert!(alpha_at(&mut [], 98.0).is_err());
    }

    #[test]
    fn ratios_that_are_equal_but_for_rounding_are_dampened_together_or_not_at_all() {
        let (low, high) = (1.500048502402354, 1.5000485024023535);
        // 50 % of these cuts between the two in the middle.
        for pair in [[low, high], [high, low], [low, low]] {
            let forget = [0.5, pair[0], pair[1], 3.0];
            let alpha = alpha_at(&mut forget.to_vec(), 50.0).unwrap();
            assert_eq!(dampen(&mut [1.0; 4], &forget, &[1.0; 4], alpha, 1.0).0, 1, "{pair:?}");
        }
        let apart = [0.5, 1.5, 1.6, 3.0];
        assert_eq!(alpha_at(&mut apart.to_vec(), 50.0).unwrap(), 1.55);
        assert_eq!(alpha_at(&mut [0.0, 0.0, 0.0, 2.0], 40.0).unwrap(), 0.0);
    }

    proptest! {
        #[test]
        fn no_parameter_grows_and_alpha_beyond_every_ratio_changes_nothing(
            values in prop::collection::vec((-10.0..10.0f64, 0.0..5.0f64, 0.0..5.0f64), 1..40),
            alpha in 0.01..20.0f64,
            lambda in 0.0..5.0f64,
        ) {
            let before: Vec<f64> = values.iter().map(|value| value.0).collect();
            let forget: Vec<f64> = values.iter().map(|value| value.1).collect();
            let reference: Vec<f64> = values.iter().map(|value| value.2).collect();
            let mut after = before.clone();
            let (selected, factors) = dampen(&mut after, &forget, &reference, alpha, lambda);
            prop_assert!(before.iter().zip(&after).all(|(before, after)| after.abs() <= before.abs()));
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before * after >= 0.0));
            prop_assert!(factors.iter().filter(|factor| **factor < 1.0).count() <= selected);
            let mut same = before.clone();
            let positive: Vec<f64> = reference.iter().map(|value| value + 0.1).collect();
            let beyond = finite_ratios(&forget, &positive).into_iter().fold(0.0, f64::max);
            prop_assert_eq!(dampen(&mut same, &forget, &positive, beyond * (1.0 + 1e-12), lambda).0, 0);
            prop_assert_eq!(same, before);
        }

        #[test]
        fn the_percentile_lies_between_its_neighbours_in_the_sorted_list(
            mut values in prop::collection::vec(0.0..1e6f64, 1..50), p in 0.0..100.0f64,
        ) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let place = p / 100.0 * (sorted.len() - 1) as f64;
            let found = interpolated_percentile(&mut values, p).unwrap();
            prop_assert!(found >= sorted[place.floor() as usize] - 1e-9 && found <= sorted[place.ceil() as usize] + 1e-9);
        }

        #[test]
        fn the_histogram_counts_every_positive_ratio_once(ratios in prop::collection::vec(0.0..1.0f64, 0..60), decades in 0.1..40.0f64) {
            let ratios: Vec<f64> = ratios.iter().map(|r| if *r < 0.05 { 0.0 } else { 10f64.powf((r - 0.5) * decades) }).collect();
            let bins = histogram(&ratios);
            let positive = ratios.iter().filter(|ratio| **ratio > 0.0);
            prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), positive.clone().count());
            prop_assert!(bins.len() <= 62);
            prop_assert!(bins.windows(2).all(|pair| pair[0].high == pair[1].low));
            for ratio in positive {
                prop_assert!(bins.iter().any(|bin| bin.low <= ratio.log10() && ratio.log10() < bin.high && bin.count > 0));
            }
        }
    }
}
