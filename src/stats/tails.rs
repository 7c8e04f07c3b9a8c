//! Chances of counts at least as large as one seen, exact.

use statrs::function::gamma::ln_gamma;

/// Chance of at least `seen` marked things among `drawn` of `all`, drawn without putting back, where `marked` of all are (hypergeometric
/// upper tail; one-sided Fisher's exact test). 1 where `seen` is 0, 0 where it cannot be.
pub fn hypergeometric_at_least(seen: u64, drawn: u64, marked: u64, all: u64) -> f64 {
    let (drawn, marked) = (drawn.min(all), marked.min(all));
    let most = drawn.min(marked);
    let least = (drawn + marked).saturating_sub(all);
    if seen <= least {
        return 1.0;
    }
    if seen > most {
        return 0.0;
    }
    let first = ln_choose(marked, seen) + ln_choose(all - marked, drawn - seen) - ln_choose(all, drawn);
    // Each term from the one before: far cheaper than three logarithms of factorials each.
    let ratio = |count: f64| {
        let (marked, drawn, unmarked) = (marked as f64, drawn as f64, (all - marked) as f64);
        (marked - count) * (drawn - count) / ((count + 1.0) * (unmarked - drawn + count + 1.0))
    };
    tail(first, seen, most, ratio)
}

/// Chance of at least `seen` successes in `trials` independent trials with this chance each (binomial upper tail).
pub fn binomial_at_least(seen: u64, trials: u64, chance: f64) -> f64 {
    if seen == 0 || chance >= 1.0 {
        return 1.0;
    }
    if seen > trials || chance <= 0.0 {
        return 0.0;
    }
    let first = ln_choose(trials, seen) + seen as f64 * chance.ln() + (trials - seen) as f64 * (-chance).ln_1p();
    let odds = chance / (1.0 - chance);
    tail(first, seen, trials, |count| (trials as f64 - count) / (count + 1.0) * odds)
}

/// Sum of the terms from `seen` to `most`, the first given as its logarithm, each next one by its ratio to the one before.
fn tail(first: f64, seen: u64, most: u64, ratio: impl Fn(f64) -> f64) -> f64 {
    let (mut term, mut sum) = (1.0_f64, 1.0_f64);
    for count in seen..most {
        let ratio = ratio(count as f64);
        term *= ratio;
        sum += term;
        // Ratios fall from here on, so that what is left is below a geometric series.
        if ratio < 0.5 && term < 1e-17 * sum {
            break;
        }
    }
    (first + sum.ln()).exp().min(1.0)
}

fn ln_choose(of: u64, some: u64) -> f64 {
    ln_gamma(of as f64 + 1.0) - ln_gamma(some as f64 + 1.0) - ln_gamma((of - some) as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(of: u64, some: u64) -> f64 {
        (0..some).map(|place| (of - place) as f64 / (place + 1) as f64).product()
    }

    /// The slow obvious sums, over every count of small cases.
    #[test]
    fn the_tails_are_the_sums_of_their_terms() {
        for (all, marked, drawn) in [(10, 4, 5), (30, 12, 20), (17, 17, 3), (25, 9, 24), (8, 0, 3)] {
            let term = |count: u64| match count <= marked && drawn >= count && all - marked >= drawn - count {
                true => choose(marked, count) * choose(all - marked, drawn - count) / choose(all, drawn),
                false => 0.0,
            };
            for seen in 0..=drawn + 1 {
                let wanted: f64 = (seen..=drawn).map(term).sum();
                let found = hypergeometric_at_least(seen, drawn, marked, all);
                assert!(
                    (found - wanted).abs() < 1e-12,
                    "{seen} of {drawn}, {marked} of {all}: {found} {wanted}"
                );
            }
        }
        for (trials, chance) in [(12_u64, 0.3_f64), (40, 0.02), (7, 0.9)] {
            for seen in 0..=trials {
                let term = |count: u64| choose(trials, count) * chance.powi(count as i32) * (1.0 - chance).powi((trials - count) as i32);
                let wanted: f64 = (seen..=trials).map(term).sum();
                assert!((binomial_at_least(seen, trials, chance) - wanted).abs() < 1e-12);
            }
        }
    }

    /// All 35 of 35 among 80 of 600: 80!/45! x 565!/600!, by logarithms of its factors.
    #[test]
    fn far_tails_keep_their_digits() {
        let wanted: f64 = (0..35).map(|place| ((80 - place) as f64 / (600 - place) as f64).ln()).sum();
        let found = hypergeometric_at_least(35, 80, 35, 600);
        assert!((found.ln() - wanted).abs() < 1e-9, "{found:e}");
        assert_eq!(binomial_at_least(4, 3, 0.5), 0.0);
    }
}
