//! Cells of a scenario grid.

use super::settings;
use crate::evaluate::cell_record::CellSummary;
use crate::evaluate::record::Verdict;
use crate::evaluate::*;
use crate::stats::{self, Sample};

/// Darwin's maize differences in hundredths of a point, over a baseline that varies.
fn scenarios(shift: f64) -> (Vec<f64>, Vec<f64>) {
    let steps = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75];
    let baseline: Vec<f64> = (0..steps.len()).map(|i| 0.87 + 0.001 * (i % 4) as f64).collect();
    let repaired = baseline
        .iter()
        .zip(steps)
        .map(|(base, step)| base + f64::from(step) * 1e-4 + shift)
        .collect();
    (baseline, repaired)
}

fn judged(baseline: &[f64], repaired: &[f64]) -> CellSummary {
    let cell = cell_summary("ASSD, 3x100, 5 % errors", baseline, repaired, Some(11_898), &settings()).unwrap();
    judge_grid(vec![cell], &settings()).unwrap().remove(0)
}

#[test]
fn a_cell_holds_the_figures_of_the_reference_programs() {
    let (baseline, repaired) = scenarios(0.0);
    let cell = judged(&baseline, &repaired);
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    // The published values for the same numbers: SciPy and pingouin.
    let t = cell.paired_t.unwrap();
    near(t.statistic, 2.147_987);
    near(t.p, 0.049_703);
    assert_eq!(t.degrees_of_freedom, Some(14.0));
    let wilcoxon = cell.wilcoxon.unwrap();
    assert_eq!(
        (wilcoxon.statistic, wilcoxon.p, cell.wilcoxon_exact),
        (24.0, 0.041_259_765_625, Some(true))
    );
    near(cell.dz.unwrap(), 0.554_608);
    near(cell.rank_biserial.unwrap(), 0.6);
    near(cell.normality_p.unwrap(), 0.097_847);
    near(cell.share_improved, 13.0 / 15.0);
    near(cell.share_worsened, 2.0 / 15.0);
    near(cell.difference.mean, 0.002_093_333);
    let spread: f64 = Sample::new(&baseline).unwrap().standard_deviation().unwrap();
    assert_eq!(cell.baseline.standard_deviation, Some(spread));
    let (after, before) = (Sample::new(&repaired).unwrap(), Sample::new(&baseline).unwrap());
    assert_eq!(cell.unpaired_student.unwrap().p, stats::student_t(after, before).unwrap().p);
    assert_eq!(cell.unpaired_welch.unwrap().p, stats::welch_t(after, before).unwrap().p);
    near(
        cell.test_set_standard_error.unwrap(),
        (cell.baseline.mean * (1.0 - cell.baseline.mean) / 11_898.0_f64).sqrt(),
    );
    let interval = cell.interval.unwrap();
    assert!(
        interval.low > -0.001 && interval.low < 0.000_5 && interval.high > 0.003 && interval.high < 0.004,
        "{interval:?}"
    );
    assert!(cell.undefined.is_empty());
    assert_eq!(cell.p_holm, t.p);
}

#[test]
fn a_gain_in_nearly_every_scenario_is_better_and_says_so() {
    let (baseline, repaired) = scenarios(0.007);
    let cell = judged(&baseline, &repaired);
    assert_eq!(cell.verdict, Verdict::Better);
    let start = "Better: over 15 scenarios mean accuracy rose from 87.14 % to 88.05 % (+0.91 points, 95 % interval +0.";
    assert!(cell.sentence.starts_with(start), "{}", cell.sentence);
    assert!(cell.sentence.contains("; higher in 15 of 15; p < 0.001)."), "{}", cell.sentence);
    let cell = judged(&repaired, &baseline);
    assert_eq!(cell.verdict, Verdict::Worse);
    assert!(
        cell.sentence
            .starts_with("Worse: over 15 scenarios mean accuracy fell from 88.05 % to 87.14 % (-0.91 points"),
        "{}",
        cell.sentence
    );
}

#[test]
fn the_grid_is_corrected_for_as_a_whole() {
    let (baseline, repaired) = scenarios(0.0);
    let cells: Vec<UnjudgedCell> = (0..6)
        .map(|_| cell_summary("x", &baseline, &repaired, None, &settings()).unwrap())
        .collect();
    let judged = judge_grid(cells, &settings()).unwrap();
    for cell in judged {
        assert!((cell.paired_t.unwrap().p_holm.unwrap() - 6.0 * 0.049_703).abs() < 1e-5);
        assert_eq!(cell.verdict, Verdict::NoChangeDetected);
        assert!(
            cell.sentence
                .contains("after correction for 6 cells); a difference of 0.1 points or more is neither shown nor ruled out.")
        );
    }
    assert!(judge_grid(Vec::new(), &settings()).unwrap().is_empty());
}

#[test]
fn too_few_scenarios_for_the_grid_are_said_to_be_too_few() {
    // Ten scenarios, all clearly better: Wilcoxon's smallest p is 2 / 2^10, times 60 cells 0.12.
    let baseline: Vec<f64> = (0..10).map(|i| 0.58 + 0.000_2 * f64::from(i)).collect();
    let repaired: Vec<f64> = baseline
        .iter()
        .enumerate()
        .map(|(i, score)| score + 0.04 + 0.000_1 * i as f64)
        .collect();
    let grid = |cells: usize, scenarios: usize| {
        let cell = || cell_summary("x", &baseline[..scenarios], &repaired[..scenarios], None, &settings()).unwrap();
        judge_grid((0..cells).map(|_| cell()).collect(), &settings()).unwrap().remove(0)
    };
    let few = grid(60, 10);
    assert_eq!(few.verdict, Verdict::CannotBeJudged);
    assert!(few.sentence.starts_with("Too few scenarios: "), "{}", few.sentence);
    assert!(
        few.sentence
            .ends_with("; 10 scenarios cannot pass a correction for 60 cells, 12 could."),
        "{}",
        few.sentence
    );
    assert!(2.0 * 0.5_f64.powi(12) * 60.0 < 0.05 && 2.0 * 0.5_f64.powi(11) * 60.0 >= 0.05);
    assert_eq!(grid(25, 10).verdict, Verdict::Better);
    // Five can pass nothing, in a grid of one cell either.
    let five = grid(1, 5);
    assert_eq!(five.verdict, Verdict::CannotBeJudged);
    assert!(
        five.sentence.ends_with("; 5 scenarios cannot pass the test, 6 could."),
        "{}",
        five.sentence
    );
}

#[test]
fn a_small_but_sure_difference_is_no_change_and_equivalent() {
    let baseline = vec![0.87; 60];
    let repaired: Vec<f64> = (0..60).map(|i| 0.87 + 0.000_3 + 0.000_1 * f64::from(i % 3 - 1)).collect();
    let cell = judged(&baseline, &repaired);
    assert_eq!((cell.verdict, cell.equivalent), (Verdict::NoChangeDetected, true));
    assert!(
        cell.sentence
            .ends_with("; the difference is real but smaller than the 0.1 points that count."),
        "{}",
        cell.sentence
    );
    assert_eq!(cell.wilcoxon_exact, Some(false));
    let noise: Vec<f64> = (0..60).map(|i| 0.87 + 0.000_1 * f64::from(i % 3 - 1)).collect();
    let cell = judged(&baseline, &noise);
    assert!(
        cell.sentence
            .ends_with("; any difference is smaller than the 0.1 points that count."),
        "{}",
        cell.sentence
    );
}

#[test]
fn nothing_changed_leaves_absent_what_is_not_defined() {
    let cell = judged(&[0.8, 0.9], &[0.8, 0.9]);
    assert_eq!(
        (cell.paired_t, cell.wilcoxon, cell.dz, cell.interval, cell.equivalence_p),
        (None, None, None, None, None)
    );
    assert_eq!((cell.p_holm, cell.sign_flip_p, cell.verdict), (1.0, 1.0, Verdict::NoChangeDetected));
    assert!(
        cell.sentence.contains("the same before and after in all 2 scenarios"),
        "{}",
        cell.sentence
    );
    assert!(
        cell.undefined.iter().any(|reason| reason.contains("all 2 differences are 0")),
        "{:?}",
        cell.undefined
    );
    let text = serde_json::to_string(&cell).unwrap();
    assert!(!text.contains("NaN"));
    assert_eq!(serde_json::from_str::<CellSummary>(&text).unwrap(), cell);
}

#[test]
fn the_same_gain_in_every_scenario_is_judged_by_ranks_alone() {
    let cell = judged(&[0.3; 12], &[0.1 + 0.3; 12]);
    assert_eq!((cell.paired_t, cell.verdict), (None, Verdict::Better));
    assert_eq!(cell.p_holm, 2.0 / 4096.0);
    let one = judged(&[0.5], &[0.9]);
    assert_eq!(one.verdict, Verdict::CannotBeJudged);
    assert_eq!(one.difference.standard_deviation, None);
}

#[test]
fn rounding_noise_in_scores_does_not_break_ties() {
    // 0.1 + 0.2 - 0.3 is not 0 in floating point.
    let cell = judged(&[0.3, 0.3, 0.5], &[0.1 + 0.2, 0.4, 0.6]);
    assert!((cell.share_improved - 2.0 / 3.0).abs() < 1e-12);
    // Both remaining differences tie at 0.1: of four sign choices two are as extreme.
    assert_eq!(cell.wilcoxon.unwrap().p, 0.5);
}

#[test]
fn scores_that_are_no_fractions_are_refused() {
    assert!(cell_summary("x", &[], &[], None, &settings()).is_err());
    assert!(cell_summary("x", &[0.5], &[0.5, 0.6], None, &settings()).is_err());
    assert!(cell_summary("x", &[87.0], &[88.0], None, &settings()).is_err());
    assert!(cell_summary("x", &[f64::NAN], &[0.5], None, &settings()).is_err());
}

#[test]
fn methods_are_ranked_and_variance_is_split() {
    let found = friedman_over_methods(&[
        ("none", &[0.8, 0.7, 0.1 + 0.2]),
        ("assd", &[0.9, 0.8, 0.3]),
        ("ssd", &[0.7, 0.6, 0.2]),
    ])
    .unwrap();
    assert_eq!(found.methods, ["none", "assd", "ssd"]);
    assert!(
        (found.average_ranks[0] - 5.5 / 3.0).abs() < 1e-12 && found.average_ranks[2] == 3.0,
        "{found:?}"
    );
    let split = variance_split(&[&[0.1, 0.1], &[0.3, 0.3]]).unwrap();
    assert!((split.between_scenarios - 0.02_f64.sqrt()).abs() < 1e-12);
    assert_eq!(
        (split.between_initialisations, split.share_between_scenarios, split.p),
        (0.0, Some(1.0), None)
    );
}
