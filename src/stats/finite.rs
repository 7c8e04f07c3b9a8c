//! A random sample of a finite population: exact intervals by inverting hypergeometric tests.
//!
//! Rows on which two models differ are a finite population: each is fixed, broken, or neither (both models wrong). A sample drawn without
//! replacement tells the difference of the first two counts, and the only chance in it is the draw, however the rows hang together.

use statrs::function::factorial::ln_factorial;

use super::proportion::check_level;
use crate::error::{Error, Result};

/// Share of the error level spent on the count that is of no interest, the rows that are neither (Berger and Boos 1994).
const NUISANCE: f64 = 0.001;
/// Values of that count at which the interval is taken, ends included.
const NUISANCE_STEPS: u64 = 8;

/// A sample of rows on which two models differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawnChanges {
    /// Rows in the population.
    pub population: u64,
    /// Rows drawn without replacement.
    pub drawn: u64,
    /// Of these fixed.
    pub fixed: u64,
    /// Of these broken.
    pub broken: u64,
    /// Whether a row may be neither; not so with two classes.
    pub neither: bool,
}

/// Fixed minus broken rows of the whole population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PopulationChange {
    /// Unbiased estimate.
    pub estimate: f64,
    /// Lower limit.
    pub low: i64,
    /// Upper limit.
    pub high: i64,
    /// Two-sided p-value of no difference.
    pub p: f64,
}

/// Estimate, interval and test of fixed minus broken rows in the population.
///
/// The interval inverts the test with Blaker's (2000) acceptability, which is exact and within the equal-tailed one; with three kinds of
/// row it takes the largest p-value over the counts of the third that the sample leaves possible (Berger and Boos 1994).
///
/// # Errors
/// Where nothing was drawn, counts do not fit, or `level` is not within 0..1.
pub fn population_change(sample: DrawnChanges, level: f64) -> Result<PopulationChange> {
    check_level(level)?;
    let DrawnChanges {
        population,
        drawn,
        fixed,
        broken,
        neither,
    } = sample;
    if drawn == 0 || drawn > population || fixed + broken > drawn || (!neither && fixed + broken != drawn) {
        return Err(Error::input(format!(
            "{fixed} fixed and {broken} broken of {drawn} rows drawn from {population} is no sample"
        )));
    }
    let alpha = 1.0 - level;
    let inversion = Inversion::new(sample, alpha);
    let estimate = (fixed as f64 - broken as f64) / drawn as f64 * population as f64;
    let (least, most) = inversion.range();
    // The estimate itself is never rejected; from there outward acceptability falls but for small steps, so the ends of the equal-tailed
    // interval are found by bisection and drawn in.
    let middle = (estimate.round() as i64).clamp(least, most);
    let low = inversion.end(middle, least);
    let high = inversion.end(middle, most);
    Ok(PopulationChange {
        estimate,
        low,
        high,
        p: inversion.p_of_none(),
    })
}

/// How many rows would have to be drawn in all until the interval leaves out zero, if the shares stay as they are; the whole population
/// where nothing less does.
///
/// # Errors
/// As [`population_change`].
pub fn rows_to_decide(sample: DrawnChanges, level: f64) -> Result<u64> {
    let decides = |drawn: u64| -> Result<bool> {
        let scale = drawn as f64 / sample.drawn as f64;
        let fixed = ((sample.fixed as f64 * scale).round() as u64).min(drawn);
        let broken = if sample.neither {
            ((sample.broken as f64 * scale).round() as u64).min(drawn - fixed)
        } else {
            drawn - fixed
        };
        let found = population_change(
            DrawnChanges {
                drawn,
                fixed,
                broken,
                ..sample
            },
            level,
        )?;
        Ok(found.low > 0 || found.high < 0)
    };
    let (mut short, mut enough) = (sample.drawn, sample.drawn);
    while !decides(enough)? {
        if enough >= sample.population {
            return Ok(sample.population);
        }
        short = enough;
        enough = (enough * 2).min(sample.population);
    }
    while enough - short > 1 {
        let middle = short + (enough - short) / 2;
        if decides(middle)? {
            enough = middle;
        } else {
            short = middle;
        }
    }
    Ok(enough)
}

/// Chance of `found` marked ones among `drawn` of `all`, `marked` of which are marked.
fn hypergeometric(all: u64, marked: u64, drawn: u64, found: u64) -> f64 {
    if found > marked || found > drawn || drawn - found > all - marked {
        return 0.0;
    }
    (ln_choose(marked, found) + ln_choose(all - marked, drawn - found) - ln_choose(all, drawn)).exp()
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

struct Inversion {
    sample: DrawnChanges,
    alpha: f64,
    /// Counts of fixed and broken rows together that are looked at.
    moved: Vec<u64>,
}

impl Inversion {
    fn new(sample: DrawnChanges, alpha: f64) -> Self {
        let seen = sample.fixed + sample.broken;
        let (moved, alpha) = if sample.neither {
            let least = (seen..=sample.population - (sample.drawn - seen)).collect::<Vec<u64>>();
            let tail = |moved: u64, upper: bool| -> f64 {
                let counts: Vec<u64> = if upper {
                    (seen..=sample.drawn).collect()
                } else {
                    (0..=seen).collect()
                };
                counts
                    .iter()
                    .map(|count| hypergeometric(sample.population, moved, sample.drawn, *count))
                    .sum()
            };
            let first = least.partition_point(|moved| tail(*moved, true) < NUISANCE / 2.0);
            let last = least.partition_point(|moved| tail(*moved, false) >= NUISANCE / 2.0).max(first + 1) - 1;
            let (first, last) = (least[first.min(least.len() - 1)], least[last.min(least.len() - 1)]);
            let mut steps: Vec<u64> = (0..=NUISANCE_STEPS)
                .map(|step| first + (last - first) * step / NUISANCE_STEPS)
                .collect();
            steps.dedup();
            (steps, alpha - NUISANCE)
        } else {
            (vec![sample.population], alpha)
        };
        Self { sample, alpha, moved }
    }

    /// Least and greatest difference that the sample leaves possible.
    fn range(&self) -> (i64, i64) {
        let DrawnChanges {
            population,
            drawn,
            fixed,
            broken,
            ..
        } = self.sample;
        let rest = (population - drawn) as i64;
        let seen = fixed as i64 - broken as i64;
        (seen - rest, seen + rest)
    }

    /// The end of the interval between a difference that is not rejected and the farthest that is possible.
    fn end(&self, inside: i64, outermost: i64) -> i64 {
        if self.p(outermost, true) >= self.alpha {
            return self.drawn_in(inside, outermost);
        }
        let (mut held, mut rejected) = (inside, outermost);
        while (rejected - held).abs() > 1 {
            let middle = held + (rejected - held) / 2;
            if self.p(middle, true) >= self.alpha {
                held = middle;
            } else {
                rejected = middle;
            }
        }
        self.drawn_in(inside, held)
    }

    /// From the equal-tailed end inward to the first difference that Blaker's test does not reject.
    fn drawn_in(&self, inside: i64, mut end: i64) -> i64 {
        let step = (inside - end).signum();
        while end != inside && self.p(end, false) < self.alpha {
            end += step;
        }
        end
    }

    /// Largest p-value of this difference over the counts of moved rows; equal-tailed, or Blaker's. Fixed and broken rows of a given sum
    /// differ by an even or by an odd number only. With two kinds of row the other parity cannot be, and counts as its neighbour farther
    /// from the estimate; with three it counts as the nearer one, since the sum is not known.
    fn p(&self, difference: i64, equal_tailed: bool) -> f64 {
        let nearer = self.sample.neither;
        let each = self.moved.iter().map(|moved| self.p_at(difference, *moved, equal_tailed, nearer));
        each.fold(0.0, f64::max)
    }

    /// p-value of no difference, or of the least there can be.
    fn p_of_none(&self) -> f64 {
        self.moved.iter().map(|moved| self.p_at(0, *moved, false, true)).fold(0.0, f64::max)
    }

    fn p_at(&self, difference: i64, moved: u64, equal_tailed: bool, nearer: bool) -> f64 {
        let DrawnChanges {
            population,
            drawn,
            fixed,
            broken,
            ..
        } = self.sample;
        let observed = fixed as i64 - broken as i64;
        let toward = (observed as f64 / drawn as f64 * population as f64).round() as i64 - difference;
        let mut wanted = difference;
        if (wanted - moved as i64).rem_euclid(2) != 0 {
            wanted += if (toward >= 0) == nearer { 1 } else { -1 };
        }
        if wanted.unsigned_abs() > moved {
            return 0.0;
        }
        let fixed_all = ((moved as i64 + wanted) / 2) as u64;
        let broken_all = moved - fixed_all;
        let of_difference = self.distribution(fixed_all, broken_all);
        let place = (observed + drawn as i64) as usize;
        let below: f64 = of_difference[..=place].iter().sum();
        let above: f64 = of_difference[place..].iter().sum();
        let smaller = below.min(above);
        if equal_tailed {
            return (2.0 * smaller).min(1.0);
        }
        // Blaker: the largest opposite tail that is not above the smaller one.
        let slack = 1.0 + 1e-9;
        let opposite = if below <= above {
            largest_tail(of_difference.iter().rev(), smaller * slack)
        } else {
            largest_tail(of_difference.iter(), smaller * slack)
        };
        (smaller + opposite).min(1.0)
    }

    /// Chance of every difference -drawn..=drawn in the sample.
    fn distribution(&self, fixed_all: u64, broken_all: u64) -> Vec<f64> {
        let DrawnChanges { population, drawn, .. } = self.sample;
        let rest = population - fixed_all - broken_all;
        let mut chances = vec![0.0; 2 * drawn as usize + 1];
        let all = ln_choose(population, drawn);
        for fixed in 0..=drawn.min(fixed_all) {
            let of_fixed = ln_choose(fixed_all, fixed);
            let left = drawn - fixed;
            for broken in left.saturating_sub(rest)..=left.min(broken_all) {
                let chance = of_fixed + ln_choose(broken_all, broken) + ln_choose(rest, left - broken) - all;
                chances[(drawn + fixed - broken) as usize] += chance.exp();
            }
        }
        chances
    }
}

/// The largest sum from one end that stays at or below `bound`.
fn largest_tail<'a>(chances: impl Iterator<Item = &'a f64>, bound: f64) -> f64 {
    let mut sum = 0.0;
    for chance in chances {
        if sum + chance > bound {
            break;
        }
        sum += chance;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    fn sample(population: u64, drawn: u64, fixed: u64, broken: u64, neither: bool) -> DrawnChanges {
        DrawnChanges {
            population,
            drawn,
            fixed,
            broken,
            neither,
        }
    }

    #[test]
    fn every_row_drawn_leaves_no_doubt() {
        let found = population_change(sample(30, 30, 20, 10, false), 0.95).unwrap();
        assert_eq!((found.low, found.high, found.estimate), (10, 10, 10.0));
        let found = population_change(sample(30, 30, 12, 9, true), 0.95).unwrap();
        assert_eq!((found.low, found.high), (3, 3));
        assert!(population_change(sample(30, 0, 0, 0, true), 0.95).is_err());
        assert!(population_change(sample(30, 10, 5, 4, false), 0.95).is_err());
    }

    /// The slow oracle: every possible population, each tested by adding up whole tails.
    #[test]
    fn the_interval_is_what_testing_every_population_gives() {
        for (population, drawn, fixed) in [(60, 20, 15), (200, 30, 21), (45, 12, 0), (45, 12, 6)] {
            let found = population_change(sample(population, drawn, fixed, drawn - fixed, false), 0.95).unwrap();
            let held: Vec<i64> = (0..=population)
                .filter(|all| {
                    let point = |count: u64| hypergeometric(population, *all, drawn, count);
                    let below: f64 = (0..=fixed).map(point).sum();
                    let above: f64 = (fixed..=drawn).map(point).sum();
                    let smaller = below.min(above);
                    // Blaker's acceptability, written out.
                    let tails: Vec<f64> = (0..=drawn + 1)
                        .map(|end| {
                            if below <= above {
                                (end..=drawn).map(point).sum()
                            } else {
                                (0..end).map(point).sum::<f64>()
                            }
                        })
                        .collect();
                    let opposite = tails.into_iter().filter(|tail| *tail <= smaller * (1.0 + 1e-9)).fold(0.0, f64::max);
                    smaller + opposite >= 0.05
                })
                .map(|all| 2 * all as i64 - population as i64)
                .collect();
            assert_eq!(Some(&found.low), held.first(), "{population} {drawn} {fixed}");
            assert_eq!(Some(&found.high), held.last(), "{population} {drawn} {fixed}");
        }
    }

    /// Draws samples of populations with given counts; the share of intervals that hold the truth, and of tests that reject zero.
    fn simulated(population: u64, shares: (f64, f64), drawn: u64, neither: bool, rounds: usize, stream: &str) -> (f64, f64) {
        let fixed_all = (population as f64 * shares.0).round() as u64;
        let broken_all = if neither {
            (population as f64 * shares.1).round() as u64
        } else {
            population - fixed_all
        };
        let truth = fixed_all as i64 - broken_all as i64;
        let mut random = Seed(5).stream(stream, population + drawn);
        let mut seen: std::collections::BTreeMap<(u64, u64), (bool, bool)> = Default::default();
        let (mut held, mut rejected) = (0, 0);
        for _ in 0..rounds {
            let (mut all, mut fixed_left, mut broken_left) = (population, fixed_all, broken_all);
            let (mut fixed, mut broken) = (0, 0);
            for _ in 0..drawn {
                let place = random.random_range(0..all);
                all -= 1;
                if place < fixed_left {
                    fixed_left -= 1;
                    fixed += 1;
                } else if place < fixed_left + broken_left {
                    broken_left -= 1;
                    broken += 1;
                }
            }
            let (holds, rejects) = *seen.entry((fixed, broken)).or_insert_with(|| {
                let found = population_change(sample(population, drawn, fixed, broken, neither), 0.95).unwrap();
                ((found.low..=found.high).contains(&truth), found.low > 0 || found.high < 0)
            });
            held += usize::from(holds);
            rejected += usize::from(rejects);
        }
        (held as f64 / rounds as f64, rejected as f64 / rounds as f64)
    }

    #[test]
    fn intervals_cover_as_often_as_they_say_and_no_difference_is_rarely_called_one() {
        let mut covered = Vec::new();
        for (population, share) in [(200, 0.5), (200, 0.6), (400, 0.7), (1_000, 0.55), (1_000, 0.8), (5_000, 0.65)] {
            for drawn in [30, 60] {
                covered.push(simulated(population, (share, 0.0), drawn, false, 3_000, "two").0);
            }
        }
        let mean = covered.iter().sum::<f64>() / covered.len() as f64;
        assert!((0.94..=0.97).contains(&mean), "{mean} {covered:?}");
        assert!(covered.iter().all(|share| *share > 0.94), "{covered:?}");
        for (population, drawn) in [(200, 30), (1_000, 30), (1_000, 80)] {
            let (_, rejected) = simulated(population, (0.5, 0.0), drawn, false, 3_000, "none");
            assert!(rejected <= 0.055, "{population} {drawn} {rejected}");
        }
    }

    #[test]
    fn rows_that_neither_model_gets_right_are_no_hindrance() {
        let mut covered = Vec::new();
        for (population, shares) in [(120, (0.5, 0.3)), (200, (0.4, 0.4)), (200, (0.6, 0.1))] {
            covered.push(simulated(population, shares, 12, true, 400, "three").0);
        }
        let mean = covered.iter().sum::<f64>() / covered.len() as f64;
        assert!((0.94..=0.99).contains(&mean), "{mean} {covered:?}");
        let (_, rejected) = simulated(200, (0.35, 0.35), 12, true, 400, "three-none");
        assert!(rejected <= 0.06, "{rejected}");
    }

    #[test]
    fn the_estimate_is_unbiased_and_more_rows_decide() {
        let start = sample(800, 30, 18, 12, false);
        let undecided = population_change(start, 0.95).unwrap();
        assert!(undecided.low < 0 && undecided.high > 0 && undecided.p > 0.05);
        assert_eq!(undecided.estimate, 160.0);
        let needed = rows_to_decide(start, 0.95).unwrap();
        assert!((60..200).contains(&needed), "{needed}");
        assert_eq!(rows_to_decide(sample(40, 30, 15, 15, false), 0.95).unwrap(), 40);
        assert_eq!(rows_to_decide(sample(800, 30, 29, 1, false), 0.95).unwrap(), 30);
    }
}
