//! Does the judgement keep its promises? Simulated data with a known truth, seeded.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{classes, saying, settings};
use crate::evaluate::record::{Comparison, EvaluationSettings, Interval, Verdict};
use crate::evaluate::train_record::Usefulness;
use crate::evaluate::*;
use crate::seed::Seed;

/// Rows in groups; each group is fixed, broken or left alone as a whole, or row by row where groups have one row.
struct World {
    /// Rows of each group in turn.
    sizes: &'static [usize],
    /// Number of groups.
    groups: usize,
    /// Chance that a group is fixed, by its place in `sizes`.
    fixed: &'static [f64],
    /// Chance that a group is broken.
    broken: &'static [f64],
}

impl World {
    /// The mean difference in accuracy that the chances amount to.
    fn truth(&self) -> f64 {
        let kinds = self.sizes.len();
        let gain: f64 = (0..kinds)
            .map(|kind| self.sizes[kind] as f64 * (self.fixed[kind] - self.broken[kind]))
            .sum();
        gain / self.sizes.iter().sum::<usize>() as f64
    }

    /// One draw: labels all 1, predictions before and after, group codes.
    fn draw(&self, random: &mut ChaCha8Rng) -> (Vec<u8>, Vec<u8>, Vec<u32>) {
        let (mut before, mut after, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..self.groups {
            // A random kind, so that group sizes vary from draw to draw as real ones do.
            let kind = random.random_range(0..self.sizes.len());
            let luck: f64 = random.random();
            let (first, second) = if luck < self.fixed[kind] {
                (0, 1)
            } else if luck < self.fixed[kind] + self.broken[kind] {
                (1, 0)
            } else if random.random::<f64>() < 0.85 {
                (1, 1)
            } else {
                (0, 0)
            };
            before.extend(vec![first; self.sizes[kind]]);
            after.extend(vec![second; self.sizes[kind]]);
            codes.extend(vec![group as u32; self.sizes[kind]]);
        }
        (before, after, codes)
    }

    fn compare(&self, random: &mut ChaCha8Rng, by_group: bool, settings: &EvaluationSettings) -> Unjudged {
        let (before, after, codes) = self.draw(random);
        let rows = Rows {
            set: RowSet::Test,
            labels: &vec![1; before.len()],
            groups: by_group.then_some(codes.as_slice()),
            classes: &classes(&["on time", "late"]),
        };
        compare(&rows, &saying(&before), &saying(&after), settings).unwrap()
    }

    /// Runs of a job with several methods; gives back each run's comparisons.
    fn jobs(&self, name: &str, runs: u64, methods: usize, by_group: bool, settings: &EvaluationSettings) -> Vec<Vec<Comparison>> {
        (0..runs)
            .map(|run| {
                let mut random = Seed(41).stream(name, run);
                let seeded = EvaluationSettings {
                    seed: run,
                    ..settings.clone()
                };
                let compared = (0..methods).map(|_| self.compare(&mut random, by_group, &seeded)).collect();
                judge(compared, &seeded).unwrap()
            })
            .collect()
    }
}

/// Any difference counts, so that only the test stands between chance and a verdict.
fn any_effect(resamples: usize) -> EvaluationSettings {
    EvaluationSettings {
        minimum_effect: 0.0,
        resamples,
        ..settings()
    }
}

/// Share of runs in which at least one method is called better or worse.
fn share_decided(jobs: &[Vec<Comparison>]) -> f64 {
    let decided = jobs
        .iter()
        .filter(|job| job.iter().any(|comparison| comparison.verdict != Verdict::NoChangeDetected));
    decided.count() as f64 / jobs.len() as f64
}

/// Share of runs whose interval holds the truth.
fn coverage(jobs: &[Vec<Comparison>], truth: f64, pick: fn(&Comparison) -> Interval) -> f64 {
    let holds = jobs
        .iter()
        .flatten()
        .map(pick)
        .filter(|interval| interval.low <= truth && truth <= interval.high);
    holds.count() as f64 / jobs.iter().flatten().count() as f64
}

/// Highest share of runs that may be decided by chance at a level of 5 %: 5 % plus 3 standard errors of the simulation.
fn nominal(runs: u64) -> f64 {
    0.05 + 3.0 * (0.05 * 0.95 / runs as f64).sqrt()
}

const ROWS: World = World {
    sizes: &[1],
    groups: 400,
    fixed: &[0.05],
    broken: &[0.05],
};

/// Orders of 1 to 6 rows that are right or wrong as a whole, as where all rows of an order share one label.
const ORDERS: World = World {
    sizes: &[1, 2, 3, 6],
    groups: 300,
    fixed: &[0.05; 4],
    broken: &[0.05; 4],
};

#[test]
fn without_a_true_change_verdicts_come_at_no_more_than_the_nominal_rate() {
    for methods in [1, 4] {
        let jobs = ROWS.jobs("null-rows", 400, methods, false, &any_effect(100));
        let share = share_decided(&jobs);
        assert!(share <= nominal(400), "{methods} methods: {share}");
        // The p-value is not so conservative that nothing could ever be found.
        assert!(share >= 0.01, "{methods} methods: {share}");
    }
}

#[test]
fn without_a_true_change_dependent_rows_fool_a_row_test_but_not_the_group_test() {
    let by_row = share_decided(&ORDERS.jobs("null-orders", 400, 1, false, &any_effect(100)));
    assert!(by_row > 0.2, "the simulation must be one in which the row test fails: {by_row}");
    for methods in [1, 4] {
        let by_group = share_decided(&ORDERS.jobs("null-orders", 400, methods, true, &any_effect(100)));
        assert!(by_group <= nominal(400), "{methods} methods: {by_group}");
    }
}

#[test]
fn small_orders_fixed_and_large_ones_broken_to_no_net_effect_stay_near_the_nominal_rate() {
    // Not symmetric about 0, so that signs cannot be exchanged exactly; the mean is 0 all the same.
    let world = World {
        sizes: &[1, 2, 3, 6],
        groups: 600,
        fixed: &[0.06, 0.06, 0.06, 0.0],
        broken: &[0.0, 0.0, 0.0, 0.06],
    };
    assert_eq!(world.truth(), 0.0);
    let share = share_decided(&world.jobs("asymmetric", 400, 1, true, &any_effect(100)));
    assert!(share <= nominal(400) + 0.02, "{share}");
}

#[test]
fn a_true_change_is_found_and_never_with_the_wrong_sign() {
    let world = World {
        groups: 600,
        fixed: &[0.08; 4],
        broken: &[0.02; 4],
        ..ORDERS
    };
    let jobs = world.jobs(
        "gain",
        100,
        1,
        true,
        &EvaluationSettings {
            resamples: 100,
            ..settings()
        },
    );
    let better = jobs
        .iter()
        .flatten()
        .filter(|comparison| comparison.verdict == Verdict::Better)
        .count();
    assert!(better >= 95, "{better}");
    assert!(jobs.iter().flatten().all(|comparison| comparison.verdict != Verdict::Worse));
}

#[test]
fn a_true_change_below_the_minimum_effect_is_not_called_better() {
    // 0.05 points of true gain on very many rows that hardly differ otherwise.
    let world = World {
        groups: 20_000,
        fixed: &[0.000_5],
        broken: &[0.0],
        ..ROWS
    };
    let jobs = world.jobs(
        "too-small",
        40,
        1,
        false,
        &EvaluationSettings {
            resamples: 100,
            ..settings()
        },
    );
    assert!(jobs.iter().flatten().filter(|comparison| comparison.p_holm < 0.05).count() >= 30);
    assert_eq!(share_decided(&jobs), 0.0);
}

#[test]
fn intervals_by_row_hold_the_truth_as_often_as_they_say() {
    let worlds: [(usize, &[f64], &[f64]); 6] = [
        (30, &[0.1], &[0.05]),
        (100, &[0.3], &[0.1]),
        (400, &[0.03], &[0.01]),
        (400, &[0.01], &[0.0]),
        (400, &[0.0], &[0.0]),
        (400, &[0.1], &[0.1]),
    ];
    for (groups, fixed, broken) in worlds {
        let world = World {
            groups,
            fixed,
            broken,
            ..ROWS
        };
        let jobs = world.jobs("coverage", 400, 1, false, &any_effect(400));
        let share = coverage(&jobs, world.truth(), |comparison| comparison.difference);
        // 95 %, less the noise of 400 runs; few changed rows may make it cautious, never bold.
        assert!(share >= 0.917, "{groups} rows, {fixed:?} {broken:?}: {share}");
        let changed = (groups as f64) * (fixed[0] + broken[0]);
        assert!(changed < 30.0 || share <= 0.985, "{groups} rows, {fixed:?} {broken:?}: {share}");
    }
}

#[test]
fn intervals_by_group_hold_the_truth_where_intervals_by_row_do_not() {
    for (fixed, broken) in [([0.1; 4], [0.05; 4]), ([0.06, 0.06, 0.06, 0.0], [0.0, 0.0, 0.0, 0.06])] {
        let world = World {
            fixed: if fixed[3] > 0.0 { &[0.1; 4] } else { &[0.06, 0.06, 0.06, 0.0] },
            broken: if broken[0] > 0.0 { &[0.05; 4] } else { &[0.0, 0.0, 0.0, 0.06] },
            ..ORDERS
        };
        let jobs = world.jobs("coverage-groups", 400, 1, true, &any_effect(400));
        let by_group = coverage(&jobs, world.truth(), |comparison| {
            comparison.difference_by_group.unwrap_or(comparison.difference)
        });
        let by_row = coverage(&jobs, world.truth(), |comparison| comparison.difference);
        assert!((0.917..=0.985).contains(&by_group), "{by_group}");
        assert!(by_row < 0.85, "{by_row}");
    }
}

#[test]
fn a_model_that_guesses_is_hardly_ever_called_of_any_use() {
    let names = classes(&["on time", "late", "early"]);
    let mut called_useful = 0;
    for run in 0..200 {
        let mut random = Seed(43).stream("guesser", run);
        // Orders share label and guess, so that the groups matter here too.
        let (mut labels, mut guesses, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for order in 0..150 {
            let label = [0, 0, 0, 1, 1, 2][random.random_range(0..6)];
            let guess = [0, 0, 0, 1, 1, 2][random.random_range(0..6)];
            let size = random.random_range(1..5);
            labels.extend(vec![label; size]);
            guesses.extend(vec![guess; size]);
            groups.extend(vec![order; size]);
        }
        let rows = Rows {
            set: RowSet::Test,
            labels: &labels,
            groups: Some(&groups),
            classes: &names,
        };
        let one_hot: Vec<f32> = guesses
            .iter()
            .flat_map(|&guess: &u8| (0..3).map(move |class| f32::from(u8::from(class == guess))))
            .collect();
        let majority = majority_baseline(&labels, &names, labels.len()).unwrap();
        let (_, found) = judge_usefulness(&rows, &one_hot, &[majority], &any_effect(200)).unwrap();
        called_useful += usize::from(found.usefulness != Usefulness::Useless);
    }
    // The interval's lower end is above chance in 2.5 % of cases.
    assert!(called_useful <= 14, "{called_useful} of 200");
}

#[test]
fn a_grid_without_any_effect_has_a_verdict_at_no_more_than_the_nominal_rate() {
    let mut decided = 0;
    let few = any_effect(100);
    let few = EvaluationSettings {
        minimum_effect: 1e-9,
        ..few
    };
    for run in 0..200 {
        let mut random = Seed(44).stream("grid", run);
        let cells = (0..18)
            .map(|cell| {
                let heavy = cell % 2 == 0;
                let baseline: Vec<f64> = (0..40).map(|_| 0.86 + 0.01 * random.random::<f64>()).collect();
                let repaired: Vec<f64> = baseline
                    .iter()
                    .map(|score| {
                        let noise = random.random::<f64>() - 0.5;
                        // Every second cell now and then has a scenario that collapses or recovers.
                        let tail = if heavy && random.random::<f64>() < 0.1 { 8.0 } else { 1.0 };
                        score + 0.01 * noise * tail
                    })
                    .collect();
                cell_summary("null", &baseline, &repaired, None, &few).unwrap()
            })
            .collect();
        let judged = judge_grid(cells, &few).unwrap();
        decided += usize::from(judged.iter().any(|cell| cell.verdict != Verdict::NoChangeDetected));
    }
    assert!(decided as f64 / 200.0 <= nominal(200), "{decided} of 200");
}
