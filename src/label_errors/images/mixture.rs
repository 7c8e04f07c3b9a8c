//! Scores of unknown images as a mixture of images like the known ones and others, both normal. The part of the known ones is that of their own
//! scores out of fold; share, mean and deviation of the others are estimated by expectation-maximisation.

use super::discriminant::middle_and_deviation;

/// Rounds of expectation-maximisation.
const ROUNDS: usize = 60;

/// The two parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    known: (f64, f64),
    others: (f64, f64),
    /// Share of images like the known ones.
    share: f64,
}

fn density(value: f64, (mean, deviation): (f64, f64)) -> f64 {
    let distance = (value - mean) / deviation;
    (-0.5 * distance * distance).exp() / deviation
}

impl Parts {
    /// Fitted to scores; `None` of nothing.
    pub fn of(known: &[f64], rest: &[f64]) -> Option<Self> {
        if known.is_empty() || rest.is_empty() {
            return None;
        }
        let others = middle_and_deviation(rest);
        let (middle, deviation) = middle_and_deviation(known);
        // A handful of known ones may lie closer together than all do.
        let mut parts = Self {
            known: (middle, deviation.max(0.5 * others.1)),
            others,
            share: 0.1,
        };
        for _ in 0..ROUNDS {
            let like: Vec<f64> = rest.iter().map(|score| parts.chance(*score)).collect();
            let sum: f64 = like.iter().sum();
            let left = rest.len() as f64 - sum;
            parts.share = (sum / rest.len() as f64).clamp(1e-6, 0.9);
            if left < 2.0 {
                break;
            }
            let each = || rest.iter().zip(&like).map(|(score, like)| (*score, 1.0 - like));
            let mean = each().map(|(score, weight)| weight * score).sum::<f64>() / left;
            let variance = each().map(|(score, weight)| weight * (score - mean).powi(2)).sum::<f64>() / left;
            parts.others = (mean, variance.sqrt().max(0.25 * others.1));
        }
        Some(parts)
    }

    /// How far the middle known one lies above the others, in their deviations.
    pub fn apart(&self) -> f64 {
        (self.known.0 - self.others.0) / self.others.1
    }

    fn chance(&self, score: f64) -> f64 {
        // Beyond the known ones' middle nothing is less like them; below that of the others nothing is more.
        if score <= self.others.0 {
            return 0.0;
        }
        let score = score.min(self.known.0.max(self.others.0));
        let known = self.share * density(score, self.known);
        let others = (1.0 - self.share) * density(score, self.others);
        let sum = known + others;
        if sum > 0.0 { known / sum } else { 0.0 }
    }

    /// Chance of each score that its image is like the known ones.
    pub fn chances(&self, rest: &[f64]) -> Vec<f64> {
        rest.iter().map(|score| self.chance(*score)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores spread as a normal distribution's quantiles would be, nearly.
    fn spread(count: usize, mean: f64, deviation: f64) -> Vec<f64> {
        let at = |place: usize| (place as f64 + 0.5) / count as f64;
        (0..count)
            .map(|place| mean + deviation * (at(place) / (1.0 - at(place))).ln() / 1.702)
            .collect()
    }

    #[test]
    fn the_share_of_images_like_the_known_ones_is_found() {
        let rest = [spread(900, 0.0, 1.0), spread(100, 6.0, 1.0)].concat();
        let parts = Parts::of(&spread(20, 6.0, 1.0), &rest).unwrap();
        let chances = parts.chances(&rest);
        let proposed = chances.iter().filter(|chance| **chance >= 0.5).count();
        assert!((95..=105).contains(&proposed), "{proposed}");
        assert!(parts.apart() > 4.0 && (parts.share - 0.1).abs() < 0.02, "{parts:?}");
        assert!(rest.iter().zip(&chances).all(|(score, chance)| *score > -0.5 || *chance == 0.0));
    }

    #[test]
    fn where_no_image_is_like_the_known_ones_none_is_proposed() {
        let rest = spread(1_000, 0.0, 1.0);
        let parts = Parts::of(&spread(20, 8.0, 1.0), &rest).unwrap();
        assert!(parts.chances(&rest).iter().all(|chance| *chance < 0.5));
        assert!(Parts::of(&[], &rest).is_none() && Parts::of(&rest, &[]).is_none());
    }
}
