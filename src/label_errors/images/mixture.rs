//! Scores of unknown images as a mixture of images like the known ones and others.
//!
//! - Where the known ones lie apart, both parts are normal: the part of the known ones is that of their own scores out of fold; share, mean and deviation
//!   of the others are estimated by expectation-maximisation.
//! - Where the two overlap, as with classes that are hard to tell apart, nothing is assumed of the others: the share is what the upper
//!   tails allow, and a chance is the share times the ratio of the two densities (Elkan and Noto 2008; Scott 2015). Others that score as high as the known
//!   ones count towards the share, so these chances are rather too high than too low.

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

/// Least chance that a known image scores above another, for overlapping scores to say anything.
const LEAST_AHEAD: f64 = 0.65;
/// Largest share of images like the known ones that is believed: beyond, the scores do not tell the two apart.
const MOST_ALIKE: f64 = 0.5;
/// Known images of one part of the scores, at least.
const OF_A_PART: usize = 8;
/// Parts, at most.
const PARTS: usize = 20;

/// Least mean chance of what is proposed where scores overlap.
const LEAST_MEAN: f64 = 2.0 / 3.0;
/// Standard errors by which each share that a tail allows is raised: the least of many is too low by chance.
const RAISED: f64 = 0.5;

/// What scores say of the images.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Chance of each of the rest.
    pub chances: Vec<f64>,
    /// Which of the rest are proposed.
    pub proposed: Vec<bool>,
    /// Which of the known ones would be proposed by their own scores.
    pub of_known: Vec<bool>,
}

/// Of several scores (known ones first) the one that sets the known ones furthest ahead: [`by_ratio`] of it, and which of the rest are proposed.
pub(super) fn best_ratio(scores: &[Vec<f64>], known: usize) -> Option<Said> {
    let (of_known, of_rest) = scores
        .iter()
        .map(|scores| scores.split_at(known))
        .max_by(|one, other| ahead(one.0, one.1).total_cmp(&ahead(other.0, other.1)))?;
    let chances = by_ratio(of_known, of_rest)?;
    let proposed = as_many_as_expected(of_rest, &chances);
    let taken = of_rest.iter().zip(&proposed).filter(|(_, proposed)| **proposed);
    let least = taken.map(|(score, _)| *score).fold(f64::INFINITY, f64::min);
    Some(Said {
        of_known: of_known.iter().map(|score| *score >= least).collect(),
        chances,
        proposed,
    })
}

/// Chance that a known image scores above one of the rest.
fn ahead(known: &[f64], rest: &[f64]) -> f64 {
    let mut sorted = rest.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let below: usize = known.iter().map(|score| sorted.partition_point(|other| other < score)).sum();
    below as f64 / (known.len() * rest.len()).max(1) as f64
}

/// The highest scores: as many as the chances add up to, or fewer, so that their mean chance is no less than [`LEAST_MEAN`].
fn as_many_as_expected(scores: &[f64], chances: &[f64]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]).then(one.cmp(other)));
    let expected = chances.iter().sum::<f64>().round() as usize;
    let (mut sum, mut taken) = (0.0, 0);
    for (place, at) in order.iter().take(expected).enumerate() {
        sum += chances[*at];
        if sum >= LEAST_MEAN * (place + 1) as f64 {
            taken = place + 1;
        }
    }
    let mut proposed = vec![false; scores.len()];
    order[..taken].iter().for_each(|at| proposed[*at] = true);
    proposed
}

/// Chance of each score of the rest that its image is like the known ones, where nothing is assumed of the others; `None` where the scores do not tell
/// them apart.
fn by_ratio(known: &[f64], rest: &[f64]) -> Option<Vec<f64>> {
    let parts = (known.len() / OF_A_PART).min(PARTS);
    if parts < 2 || rest.is_empty() {
        return None;
    }
    let ahead = ahead(known, rest);
    let (mut known, mut sorted) = (known.to_vec(), rest.to_vec());
    known.sort_unstable_by(f64::total_cmp);
    sorted.sort_unstable_by(f64::total_cmp);
    let below = |score: f64| sorted.partition_point(|other| *other < score) as f64;
    let (count, others) = (known.len() as f64, sorted.len() as f64);
    // Above the score that a share of the known ones reach, at most this share of the rest is like them. A few known ones may lie high by chance.
    let bound = |reach: usize| {
        let share = reach as f64 / count;
        let tail = (others - below(known[known.len() - reach])) / others;
        tail / share * (1.0 + RAISED * ((1.0 - share) / (share * count)).sqrt())
    };
    let alike = (known.len() / 5..=known.len() * 4 / 5)
        .filter(|reach| *reach >= OF_A_PART)
        .map(bound)
        .fold(1.0, f64::min);
    if ahead < LEAST_AHEAD || alike > MOST_ALIKE {
        return None;
    }
    // Parts of as many known ones each; a chance never falls from one to the next.
    let starts: Vec<usize> = (0..parts).map(|part| part * known.len() / parts).collect();
    let edge = |part: usize| if part == 0 { f64::NEG_INFINITY } else { known[starts[part]] };
    let sizes: Vec<(f64, f64)> = (0..parts)
        .map(|part| {
            let of_known = starts.get(part + 1).copied().unwrap_or(known.len()) - starts[part];
            let end = if part + 1 == parts { others } else { below(edge(part + 1)) };
            let start = if part == 0 { 0.0 } else { below(edge(part)) };
            (alike * of_known as f64 / count, (end - start) / others)
        })
        .collect();
    let chances = rising(&sizes);
    let part_of = |score: f64| (1..parts).take_while(|part| score >= edge(*part)).count();
    Some(rest.iter().map(|score| chances[part_of(*score)]).collect())
}

/// Ratios of pairs, each at most 0.99, pooled with their neighbours where they would fall.
fn rising(pairs: &[(f64, f64)]) -> Vec<f64> {
    let ratio = |(over, under): (f64, f64)| if under > 0.0 { (over / under).min(0.99) } else { 0.99 };
    let mut pools: Vec<((f64, f64), usize)> = Vec::new();
    for pair in pairs {
        let mut pool = (*pair, 1);
        while let Some(last) = pools.last().copied().filter(|last| ratio(last.0) >= ratio(pool.0)) {
            pool = ((last.0.0 + pool.0.0, last.0.1 + pool.0.1), last.1 + pool.1);
            pools.pop();
        }
        pools.push(pool);
    }
    pools
        .into_iter()
        .flat_map(|(pair, count)| std::iter::repeat_n(ratio(pair), count))
        .collect()
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
    fn overlapping_parts_are_told_apart_by_the_ratio_of_their_densities() {
        // A quarter is like the known ones, one and a half deviations above.
        let rest = [spread(3_000, 0.0, 1.0), spread(1_000, 1.5, 1.0)].concat();
        let chances = by_ratio(&spread(120, 1.5, 1.0), &rest).unwrap();
        let taken = as_many_as_expected(&rest, &chances);
        let proposed: Vec<usize> = (0..4_000).filter(|place| taken[*place]).collect();
        let right = proposed.iter().filter(|place| **place >= 3_000).count() as f64;
        let (precision, recall) = (right / proposed.len() as f64, right / 1_000.0);
        assert!(precision > 0.55 && recall > 0.7, "{precision} {recall}");
        // Others that score as high count towards the share, so the chances are rather too high: never below what comes true.
        let expected: f64 = proposed.iter().map(|place| chances[*place]).sum::<f64>() / proposed.len() as f64;
        assert!(expected > precision, "{expected} {precision}");
        let mut order: Vec<usize> = (0..4_000).collect();
        order.sort_by(|one, other| rest[*one].total_cmp(&rest[*other]));
        assert!(order.windows(2).all(|pair| chances[pair[0]] <= chances[pair[1]]));
    }

    #[test]
    fn scores_that_tell_nothing_apart_give_no_chance() {
        let rest = spread(1_000, 0.0, 1.0);
        assert!(by_ratio(&spread(100, 0.0, 1.0), &rest).is_none());
        assert!(by_ratio(&spread(100, -1.0, 1.0), &rest).is_none());
        assert!(by_ratio(&spread(10, 3.0, 1.0), &rest).is_none(), "too few known ones");
        assert!(by_ratio(&spread(100, 0.0, 1.0), &[]).is_none());
    }

    #[test]
    fn what_tells_best_is_gone_by_and_as_many_are_proposed_as_are_expected() {
        // A quarter of the rest is like the known ones; another score knows nothing.
        let telling = [spread(120, 2.5, 1.0), spread(3_000, 0.0, 1.0), spread(1_000, 2.5, 1.0)].concat();
        let silent: Vec<f64> = (0..telling.len()).map(|at| (at * 7919 % telling.len()) as f64).collect();
        let Said {
            chances,
            proposed,
            of_known,
        } = best_ratio(&[silent, telling.clone()], 120).unwrap();
        // Known ones score as those like them do, so as large a share of them would be proposed.
        let share = of_known.iter().filter(|proposed| **proposed).count() as f64 / 120.0;
        let found = (3_000..4_000).filter(|place| proposed[*place]).count() as f64 / 1_000.0;
        assert!((share - found).abs() < 0.05 && share < 1.0, "{share} {found}");
        assert_eq!(chances, by_ratio(&telling[..120], &telling[120..]).unwrap());
        let taken: Vec<usize> = (0..4_000).filter(|place| proposed[*place]).collect();
        let right = taken.iter().filter(|place| **place >= 3_000).count() as f64;
        assert!((800..=1_200).contains(&taken.len()), "{}", taken.len());
        assert!(right / taken.len() as f64 > 0.75 && right > 750.0, "{right} of {}", taken.len());
        assert!(taken.len() as f64 <= chances.iter().sum::<f64>().round());
        // Where few are like them and many score as high, only those are proposed whose chances are good on average.
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        let chances: Vec<f64> = (0..100).map(|at| if at >= 90 { 0.9 } else { 0.3 }).collect();
        let few = as_many_as_expected(&scores, &chances);
        assert_eq!(few.iter().filter(|taken| **taken).count(), 16);
        assert!(few[84..].iter().all(|taken| *taken));
        assert!(as_many_as_expected(&scores, &vec![0.5; 100]).iter().all(|taken| !taken));
    }

    #[test]
    fn ratios_rise_after_pooling() {
        let found = rising(&[(1.0, 10.0), (3.0, 10.0), (1.0, 10.0), (5.0, 5.0)]);
        assert_eq!(found, [0.1, 0.2, 0.2, 0.99]);
    }

    #[test]
    fn where_no_image_is_like_the_known_ones_none_is_proposed() {
        let rest = spread(1_000, 0.0, 1.0);
        let parts = Parts::of(&spread(20, 8.0, 1.0), &rest).unwrap();
        assert!(parts.chances(&rest).iter().all(|chance| *chance < 0.5));
        assert!(Parts::of(&[], &rest).is_none() && Parts::of(&rest, &[]).is_none());
    }
}
