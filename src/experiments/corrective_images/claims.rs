//! The seven claims of arXiv 2402.14015 about its figures, held against what a study found. The figures there carry no numbers, so the
//! thresholds are ours and stated with each claim.

use serde::{Deserialize, Serialize};

use super::figures::{self, FIGURES};
use super::summary::{ManipulationReport, MethodFigures};

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The figures agree with it.
    Confirmed,
    /// They contradict it.
    Refuted,
    /// The study has no figures that tell.
    NotRun,
}

/// A claim and what the study says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Counted from 1.
    pub number: usize,
    /// The claim.
    pub text: String,
    /// What was held to confirm it.
    pub rule: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The figures, one sentence for each cell that tells.
    pub figures: Vec<String>,
}

/// Share of the gap on the affected domain below which an effect counts as still there.
const STILL_THERE: f64 = 0.5;
/// And from which it counts as removed.
const REMOVED: f64 = 0.8;
/// A gap on the affected domain that a claim can be about.
const LEAST_EFFECT: f64 = 0.05;

/// One cell that tells: whether it agrees, and its figures.
type Cell = (bool, String);

/// What claims are held against.
struct Study<'s> {
    manipulations: &'s [ManipulationReport],
    /// Images of the paper's smallest confusion on this set, where the paper has the set.
    smallest_confusion: Option<usize>,
}

/// Which cells tell about a claim.
type Rule = fn(&Study) -> Vec<Cell>;

/// Claim, rule in words, rule.
const CLAIMS: [(&str, &str, Rule); 7] = [
    (
        "Retraining, CF and SCRUB leave the poison's effect in place while 80 % or less of it is known, even at 1 % of the training images.",
        "Each closes less than half of the gap on triggered test images at every known share up to 80 %.",
        poison_stays,
    ),
    (
        "SSD removes the poison with 10 % known, at a clear loss outside.",
        "It closes at least 80 % of the gap with 10 % known and loses at least 1 point on test images without the trigger.",
        ssd_removes_poison,
    ),
    (
        "Bad teacher fails throughout.",
        "It closes less than half of the gap on the affected test images at every known share, of poison and confusion.",
        bad_teacher_fails,
    ),
    (
        "Under confusion retraining, CF and SCRUB improve gradually with the known share.",
        "Accuracy on the affected test images is at least 1 point higher at the largest known share than at the smallest, and no step between falls by more than 2 points.",
        gradual_under_confusion,
    ),
    (
        "SSD does nothing for confusion.",
        "It closes less than 20 % of the gap on the affected test images at every known share.",
        ssd_under_confusion,
    ),
    (
        "At the smallest confusion unseen images hardly suffer, but manipulated training images stay wrong.",
        "At the size of the paper's smallest confusion (500 images of CIFAR-10, 100 of CIFAR-100): the spoiled model is at most 3 points below the clean one on the affected test images, and below half of its accuracy on the manipulated training images.",
        smallest_confusion,
    ),
    (
        "Retraining and CF gain 0.5 to 1 points outside when most is known.",
        "With at least 80 % known, accuracy outside the affected domain is at least 0.5 points above that of the spoiled model.",
        gain_outside,
    ),
];

/// Images of the paper's smallest confusion on a set; `None` where the paper does not have the set.
fn smallest_of_paper(dataset: &str) -> Option<usize> {
    let figure = FIGURES.iter().find(|figure| figure.kind == "confusion")?;
    let named = figures::manipulations(figure.number, dataset).ok()?;
    named.iter().filter_map(|text| text.rsplit('=').next()?.parse().ok()).min()
}

/// Holds every claim against a study of an image set.
pub(super) fn held(dataset: &str, manipulations: &[ManipulationReport]) -> Vec<Claim> {
    let study = Study {
        manipulations,
        smallest_confusion: smallest_of_paper(dataset),
    };
    let claims = CLAIMS.iter().enumerate();
    let claim = |(place, (text, rule, cells)): (usize, &(&str, &str, Rule))| {
        let cells = cells(&study);
        let verdict = match cells.iter().all(|(agrees, _)| *agrees) {
            _ if cells.is_empty() => Verdict::NotRun,
            true => Verdict::Confirmed,
            false => Verdict::Refuted,
        };
        Claim {
            number: place + 1,
            text: (*text).to_owned(),
            rule: (*rule).to_owned(),
            verdict,
            figures: cells.into_iter().map(|(_, figures)| figures).collect(),
        }
    };
    claims.map(claim).collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Manipulations of a kind that had an effect on the affected domain.
fn of_kind<'m>(manipulations: &'m [ManipulationReport], kind: &'m str) -> impl Iterator<Item = &'m ManipulationReport> {
    let wanted = manipulations.iter().filter(move |found| found.kind == kind);
    wanted.filter(|found| found.gap().is_some_and(|gap| gap >= LEAST_EFFECT))
}

/// One cell for each method: its most (or least) telling known share.
fn by_recovery(found: &ManipulationReport, methods: &[&str], shares: impl Fn(f64) -> bool, agrees: impl Fn(f64) -> bool) -> Vec<Cell> {
    let of_method = |method: &&str| {
        let cells = found.methods.iter().filter(|cell| cell.method == **method && shares(cell.known));
        let most = cells
            .filter_map(|cell| Some((cell.recovered?, cell.known)))
            .max_by(|one, other| one.0.total_cmp(&other.0));
        most.map(|(recovered, known)| {
            let text = format!(
                "{}, {method}: closes at most {} of the gap of {} (with {} known).",
                found.manipulation.split(',').next().unwrap_or_default(),
                percent(recovered),
                percent(found.gap().unwrap_or_default()),
                percent(known)
            );
            (agrees(recovered), text)
        })
    };
    methods.iter().filter_map(of_method).collect()
}

fn poison_stays(study: &Study) -> Vec<Cell> {
    let cells = of_kind(study.manipulations, "poison").map(|found| {
        by_recovery(
            found,
            &["retrain", "cf", "scrub", "scrub:text"],
            |known| known <= 0.8 + 1e-9,
            |recovered| recovered < STILL_THERE,
        )
    });
    cells.flatten().collect()
}

fn at_a_tenth(found: &ManipulationReport) -> impl Iterator<Item = &MethodFigures> {
    let of_ssd = found
        .methods
        .iter()
        .filter(|cell| ["ssd", "ssd:text"].contains(&cell.method.as_str()));
    of_ssd.filter(|cell| (cell.known - 0.1).abs() < 1e-9)
}

fn ssd_removes_poison(study: &Study) -> Vec<Cell> {
    let cell = |found: &ManipulationReport, ssd: &MethodFigures| {
        let (recovered, change) = (ssd.recovered?, ssd.elsewhere_change?);
        let text = format!(
            "{}, {}: closes {} of the gap, {:+.2} points outside.",
            found.manipulation.split(',').next().unwrap_or_default(),
            ssd.method,
            percent(recovered),
            change * 100.0
        );
        Some((recovered >= REMOVED && change <= -0.01, text))
    };
    let cells = of_kind(study.manipulations, "poison").flat_map(|found| at_a_tenth(found).map(move |ssd| (found, ssd)));
    cells.filter_map(|(found, ssd)| cell(found, ssd)).collect()
}

fn bad_teacher_fails(study: &Study) -> Vec<Cell> {
    let cells = ["poison", "confusion"]
        .into_iter()
        .flat_map(|kind| of_kind(study.manipulations, kind));
    cells
        .flat_map(|found| by_recovery(found, &["badt"], |_| true, |recovered| recovered < STILL_THERE))
        .collect()
}

fn gradual_under_confusion(study: &Study) -> Vec<Cell> {
    let cell = |found: &ManipulationReport, method: &str| {
        let mut cells: Vec<(f64, f64)> = found
            .methods
            .iter()
            .filter(|cell| cell.method == method)
            .map(|cell| (cell.known, cell.figures.affected.mean))
            .collect();
        cells.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (first, last) = (cells.first()?, cells.last()?);
        let steady = cells.windows(2).all(|pair| pair[1].1 - pair[0].1 >= -0.02);
        let text = format!(
            "{}, {method}: {} with {} known, {} with {}.",
            found.manipulation.split(',').next().unwrap_or_default(),
            percent(first.1),
            percent(first.0),
            percent(last.1),
            percent(last.0)
        );
        (cells.len() > 1).then_some((steady && last.1 - first.1 >= 0.01, text))
    };
    let all = of_kind(study.manipulations, "confusion");
    let methods = ["retrain", "cf", "scrub", "scrub:text"];
    all.flat_map(|found| methods.into_iter().filter_map(move |method| cell(found, method)))
        .collect()
}

fn ssd_under_confusion(study: &Study) -> Vec<Cell> {
    let cells = of_kind(study.manipulations, "confusion");
    cells
        .flat_map(|found| by_recovery(found, &["ssd", "ssd:text"], |_| true, |recovered| recovered < 0.2))
        .collect()
}

fn smallest_confusion(study: &Study) -> Vec<Cell> {
    let of_size = |found: &&ManipulationReport| found.kind == "confusion" && Some(found.count) == study.smallest_confusion;
    let cell = |found: &ManipulationReport| {
        let (clean, spoiled) = (found.clean?, found.spoiled?);
        let fall = found.gap()?;
        let text = format!(
            "{}: affected test images {} against {} clean; manipulated training images {} against {}.",
            found.manipulation.split(',').next().unwrap_or_default(),
            percent(spoiled.affected.mean),
            percent(clean.affected.mean),
            percent(spoiled.manipulated.mean),
            percent(clean.manipulated.mean)
        );
        Some((fall <= 0.03 && spoiled.manipulated.mean < 0.5 * clean.manipulated.mean, text))
    };
    study.manipulations.iter().filter(of_size).filter_map(cell).collect()
}

fn gain_outside(study: &Study) -> Vec<Cell> {
    let cell = |found: &ManipulationReport, method: &str| {
        let cells = found
            .methods
            .iter()
            .filter(|cell| cell.method == method && cell.known >= 0.8 - 1e-9);
        let changes: Vec<f64> = cells.filter_map(|cell| cell.elsewhere_change).collect();
        let mean = changes.iter().sum::<f64>() / changes.len() as f64;
        let name = found.manipulation.split(',').next().unwrap_or_default();
        let text = format!("{name}, {method}: {:+.2} points outside.", mean * 100.0);
        (!changes.is_empty()).then_some((mean >= 0.005, text))
    };
    let all = study
        .manipulations
        .iter()
        .filter(|found| ["poison", "confusion"].contains(&found.kind.as_str()));
    all.flat_map(|found| ["retrain", "cf"].into_iter().filter_map(move |method| cell(found, method)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::corrective_images::summary::Figures;
    use crate::experiments::images::Spread;

    fn figures(affected: f64, elsewhere: f64, manipulated: f64) -> Figures {
        Figures {
            affected: Spread::of(&[affected]),
            elsewhere: Some(Spread::of(&[elsewhere])),
            manipulated: Spread::of(&[manipulated]),
            seconds: None,
        }
    }

    /// Cells of (method, known share, affected accuracy, accuracy outside); the clean model has 0.9, the spoiled one `affected`.
    fn study(kind: &str, affected: f64, manipulated: f64, cells: &[(&str, f64, f64, f64)]) -> ManipulationReport {
        let method = |(method, known, found, elsewhere): &(&str, f64, f64, f64)| MethodFigures {
            method: (*method).to_owned(),
            known: *known,
            flags: 1.0,
            figures: figures(*found, *elsewhere, manipulated),
            healed: None,
            utility: None,
            recovered: (0.9 - affected >= 0.01).then_some((found - affected) / (0.9 - affected)),
            elsewhere_change: Some(elsewhere - 0.9),
            proposed: None,
            precision: None,
            recall: None,
            rules: Vec::new(),
            expanding_seconds: None,
            of_training: None,
            failed: 0,
        };
        ManipulationReport {
            manipulation: format!("{kind}:n=500,and=more"),
            kind: kind.to_owned(),
            count: 500,
            training_images: 5_000,
            test_images: (100, 100),
            clean: Some(figures(0.9, 0.9, 0.9)),
            spoiled: Some(figures(affected, 0.9, manipulated)),
            methods: cells.iter().map(method).collect(),
        }
    }

    fn verdicts(manipulations: &[ManipulationReport]) -> Vec<Verdict> {
        held("cifar100", manipulations).into_iter().map(|claim| claim.verdict).collect()
    }

    #[test]
    fn figures_like_the_papers_confirm_every_claim() {
        use Verdict::Confirmed;
        let poison = study(
            "poison",
            0.1,
            0.1,
            &[
                ("retrain", 0.1, 0.12, 0.9),
                ("cf", 0.7, 0.3, 0.9),
                ("scrub", 0.1, 0.12, 0.9),
                ("ssd", 0.1, 0.85, 0.85),
                ("badt", 1.0, 0.2, 0.9),
                ("retrain", 1.0, 0.89, 0.907),
            ],
        );
        let confusion = study(
            "confusion",
            0.7,
            0.2,
            &[
                ("retrain", 0.1, 0.71, 0.9),
                ("retrain", 1.0, 0.88, 0.906),
                ("ssd", 0.1, 0.7, 0.9),
                ("badt", 0.1, 0.7, 0.9),
            ],
        );
        let mut small = study("confusion", 0.89, 0.1, &[]);
        small.count = 100;
        assert_eq!(verdicts(&[poison, confusion, small]), [Confirmed; 7]);
    }

    #[test]
    fn the_claim_about_the_smallest_confusion_waits_for_the_papers_own_size() {
        let mut confusion = study("confusion", 0.7, 0.2, &[]);
        let verdict = |dataset: &str, confusion: &ManipulationReport| held(dataset, std::slice::from_ref(confusion))[5].verdict;
        for (count, of_cifar10, of_cifar100) in [
            (100, Verdict::NotRun, Verdict::Refuted),
            (500, Verdict::Refuted, Verdict::NotRun),
            (2_500, Verdict::NotRun, Verdict::NotRun),
        ] {
            confusion.count = count;
            assert_eq!(verdict("cifar10", &confusion), of_cifar10, "{count}");
            assert_eq!(verdict("cifar100", &confusion), of_cifar100, "{count}");
            assert_eq!(verdict("made-up", &confusion), Verdict::NotRun);
        }
    }

    #[test]
    fn one_cell_that_disagrees_refutes_and_cells_that_are_not_there_do_nothing() {
        use Verdict::{Confirmed, NotRun, Refuted};
        assert_eq!(verdicts(&[]), [NotRun; 7]);
        let healed = study(
            "poison",
            0.1,
            0.1,
            &[("retrain", 0.8, 0.12, 0.9), ("cf", 0.1, 0.8, 0.9), ("ssd", 0.1, 0.85, 0.9)],
        );
        assert_eq!(verdicts(&[healed])[..3], [Refuted, Refuted, NotRun]);
        let without_effect = study("poison", 0.88, 0.1, &[("retrain", 0.8, 0.88, 0.9), ("ssd", 0.1, 0.88, 0.9)]);
        assert_eq!(verdicts(&[without_effect])[..3], [NotRun; 3]);
        let confusion = study(
            "confusion",
            0.7,
            0.2,
            &[("cf", 0.1, 0.75, 0.9), ("cf", 0.5, 0.72, 0.9), ("cf", 1.0, 0.88, 0.9)],
        );
        let found = held("cifar10", &[confusion]);
        assert_eq!((found[3].verdict, found[5].verdict, found[6].verdict), (Refuted, Refuted, Refuted));
        assert_eq!(
            found[3].figures,
            ["confusion:n=500, cf: 75.0 % with 10.0 % known, 88.0 % with 100.0 %."]
        );
        let badt = study("confusion", 0.7, 0.2, &[("badt", 0.1, 0.75, 0.9)]);
        assert_eq!(verdicts(&[badt])[2], Confirmed);
    }
}
