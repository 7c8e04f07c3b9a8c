//! Likely label errors without any flags.
//!
//! Models that did not see a row, and the rest of its group, say what its label should be (`doubt`). A row's score is one half of
//! one plus the probability of the likeliest other class less that of its label: 1 is surely wrong (the normalised margin of Northcutt,
//! Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021, turned around). A score ranks. A chance is
//! told only where the labels themselves show how many are wrong (`noise`), and only as many rows are ticked.
//!
//! Where nothing shows how many are wrong, or the rows that their groups contradict share one thing, and no rows were recorded otherwise for a while, what
//! is wrong may be wrong all the time, and models that did not see a row have learned that. No row is ticked then, and the rows are ranked by how hard
//! their labels were to learn (`in_training`).
//!
//! Suspects are the rows that confident learning counts off the diagonal: a row labelled i counts as truly j where its probability of j
//! reaches the mean probability of j among the rows labelled j (equation 1 of the paper; of several such classes, the likeliest). Their
//! counts scaled to the class shares (equation 3) are the joint distribution of recorded and likeliest labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::columns::{Column, columns};
use super::doubt::{Doubt, Judges};
use super::episodes::{self, Episode};
use super::expand::shared::{self, Shared};
use super::in_training;
use super::noise::Noise;
use super::out_of_fold::Subject;
use crate::error::Result;
use crate::features::Prepared;
use crate::nn::Recipe;
use crate::progress::Progress;
use crate::seed::Seed;
use crate::tables::Table;

/// Fewest ticked rows in which something in common is looked for.
const FEWEST_FOR_A_PATTERN: usize = 10;
/// Where an error ran all the time, rows with what its rows share are ticked at least this many times as often as others: 50 times and more on orders and
/// DataCo, twice where errors were random (docs/results-suspects.md).
const OFTENER: usize = 4;
/// Chance of telling something that ticked rows share although errors are spread at random.
const SIGNIFICANCE: f64 = 0.001;
/// Score of a row of which another class is as likely as its label: below it no row is ticked.
const CONTRADICTED: f64 = 0.5;
/// Chance of being wrong, at most, from which a row is ticked where the number of wrong rows is not known.
const LIKELY: f64 = 0.5;

/// What is needed to rank likely label errors.
pub struct SuspectsRequest<'a> {
    /// The sheet.
    pub table: &'a Table,
    /// The same sheet, made ready for training.
    pub prepared: &'a Prepared,
    /// Observed labels of the training rows, as the model was trained with them.
    pub labels: &'a [u8],
    /// Hidden layers of the models: those of the model.
    pub hidden: &'a [usize],
    /// How they are trained.
    pub recipe: &'a Recipe,
    /// Parts that the rows are cut into; at least 2.
    pub folds: usize,
    /// Probabilities (rows x classes) by models that did not see the row, where the person has them: no models are trained then.
    pub said: Option<&'a [f32]>,
    /// Run seed.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

/// What the estimated number of wrong rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimate {
    /// About this many are wrong: the labels follow from the columns.
    About,
    /// At least about this many: rows of a group tell each other's labels, and a group that is wrong as a whole does not show.
    AtLeast,
    /// At most about this many: the columns say too little about the label to tell wrong ones from rare ones.
    AtMost,
}

/// What the rows are ranked by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RankedBy {
    /// What models that did not see a row, and the rest of its group, say.
    #[default]
    Unseen,
    /// How hard the label was to learn: an error of all the time would look right to models that learned it from other rows.
    Learning,
}

/// A row, ranked by how much its label is doubted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Position among the training rows.
    pub row: u32,
    /// The likeliest other class.
    pub likeliest: u8,
    /// How much its label is doubted, from 0 (surely right) to 1: half of one plus the probability of the likeliest other class less that of
    /// its label; by learning, the logistic function of the likeliest other class's mean lead over it. A score, no chance.
    pub score: f64,
    /// Chance that its label is wrong; absent where the sheet does not show how many are.
    pub chance: Option<f64>,
    /// Whether it is a suspect: confidently contradicted, or ticked.
    pub suspect: bool,
    /// Whether it is one of as many rows as are estimated to be wrong, and another class is likelier than its label; never where that number is
    /// only bounded from above, or rows are ranked by learning.
    pub ticked: bool,
}

/// Likely label errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspects {
    /// All training rows, the most doubted label first.
    pub rows: Vec<Suspect>,
    /// What they are ranked by.
    #[serde(default)]
    pub ranked_by: RankedBy,
    /// Estimated number of wrong rows.
    pub estimated_wrong: f64,
    /// What that number is. Chances are told only where about this many are wrong.
    pub estimate: Estimate,
    /// What the ticked rows share beyond what errors at random would; where none is ticked, the most doubted.
    pub shared: Vec<Shared>,
    /// Rows of one value that were recorded otherwise for a while. They are listed first, and not ticked for it.
    #[serde(default)]
    pub episodes: Vec<Episode>,
    /// The confident joint: rows by (given, likeliest) class, row-major; rows that reach no threshold are in none.
    pub counts: Vec<usize>,
    /// The same as estimated shares of all rows: the confident joint scaled to the class shares.
    pub joint: Vec<f64>,
    /// Mean probability of each class among the rows labelled so; absent for a class without rows.
    pub thresholds: Vec<Option<f64>>,
    /// Training rows.
    pub training_rows: usize,
}

impl Suspects {
    /// The suspects, the most doubted first.
    pub fn suspects(&self) -> impl Iterator<Item = &Suspect> {
        self.rows.iter().filter(|row| row.suspect)
    }

    /// Rows that are ticked.
    pub fn ticked(&self) -> usize {
        self.rows.iter().filter(|row| row.ticked).count()
    }
}

/// Ranks the rows by how much models that did not see them, and the rest of their groups, doubt their label.
///
/// # Errors
/// Where training fails or the person stops it.
pub fn suspects(request: &SuspectsRequest, progress: &dyn Progress) -> Result<Suspects> {
    let classes = request.prepared.profile.label.classes().len();
    let train = &request.prepared.train;
    progress.start("reading columns", 0);
    let all = columns(request.table, request.prepared)?;
    progress.finish();
    let subject = Subject {
        inputs: &train.inputs,
        width: request.prepared.features.width(),
        labels: request.labels,
        groups: train.groups.as_deref(),
        classes,
        hidden: request.hidden,
        recipe: request.recipe,
        seed: request.seed,
        threads: request.threads,
    };
    let doubt = match request.said {
        Some(said) => Doubt::of(said, classes),
        None => {
            // Only what the model may look at: other columns may be known after the fact.
            let inputs = request.prepared.features.source_columns();
            let looked_at: Vec<&Column> = all.iter().filter(|column| inputs.contains(&column.name.as_str())).collect();
            let judges = Judges {
                subject: &subject,
                columns: &looked_at,
                times: train.times.as_deref(),
                folds: request.folds.max(2),
            };
            judges.doubt(progress)?
        }
    };
    let mut found = confident(&doubt, request.labels, classes);
    let marked = found.tick(&doubt, request.labels);
    found.shared = found.in_common(marked, &doubt, request.labels, &all, train.groups.as_deref());
    if let (Some(said), Some(times)) = (&doubt.by_time, &train.times) {
        found.episodes = episodes::find(&episodes::Given {
            columns: &all,
            said,
            labels: request.labels,
            classes,
            times,
            groups: train.groups.as_deref(),
            significance: SIGNIFICANCE,
        })?;
        found.lift();
    }
    if request.said.is_none()
        && found.says_little()
        && let Some(margins) = in_training::margins(&subject, progress)?
    {
        found.rank_by_learning(&margins);
    }
    Ok(found)
}

impl Suspects {
    /// Estimates how many rows are wrong, and ticks as many, unless that is only a bound. Returns how many of the first rows are as good as ticked:
    /// contradicted, and more likely wrong than right if the bound is reached.
    fn tick(&mut self, doubt: &Doubt, labels: &[u8]) -> usize {
        let noise = Noise::estimate(&doubt.said, labels, self.thresholds.len());
        let chance = |row: &Suspect| noise.chance(doubt.of_row(row.row as usize), labels[row.row as usize]);
        let chances: Vec<f64> = self.rows.iter().map(chance).collect();
        self.estimate = match (noise.known, doubt.is_by_groups()) {
            (false, _) => Estimate::AtMost,
            (true, true) if !Noise::estimate(&doubt.alone, labels, self.thresholds.len()).known => Estimate::AtLeast,
            (true, _) => Estimate::About,
        };
        let calibrated = self.estimate == Estimate::About;
        self.estimated_wrong = chances.iter().sum();
        let most = self.estimated_wrong.round() as usize;
        let bound = self.estimate == Estimate::AtMost;
        let mut marked = 0;
        for (place, (row, chance)) in self.rows.iter_mut().zip(chances).enumerate() {
            let likely = place < most && row.score > CONTRADICTED && (calibrated || chance >= LIKELY);
            marked += usize::from(likely);
            row.chance = calibrated.then_some(chance);
            row.ticked = likely && !bound;
            row.suspect |= likely;
        }
        marked
    }

    /// Lifts the rows of episodes by their chance of being wrong, if it is an error: a row is right only if neither doubt holds.
    fn lift(&mut self) {
        let mut chances: BTreeMap<u32, f64> = BTreeMap::new();
        for (row, chance) in self.episodes.iter().flat_map(|episode| &episode.members) {
            let most = chances.entry(*row).or_default();
            *most = most.max(*chance);
        }
        if chances.is_empty() {
            return;
        }
        for row in &mut self.rows {
            let Some(chance) = chances.get(&row.row) else { continue };
            row.score = 1.0 - (1.0 - row.score) * (1.0 - chance);
            row.suspect |= *chance >= LIKELY;
        }
        self.sort();
    }

    /// Whether models that did not see a row cannot tell what is wrong: nothing shows how many rows are, or most rows that others of their group
    /// contradict share one thing. Then either they are wrong, or the many others with it are, as where an error ran all the time. What was recorded
    /// otherwise for a while is told by models of other times.
    fn says_little(&self) -> bool {
        // In some regions labels are surer than in others, so that errors at random are contradicted there up to twice as often.
        let shared = self.shared.iter().any(|shared| {
            let (inside, outside) = (shared.flags, shared.flagged - shared.flags);
            2 * inside > shared.flagged && inside * (shared.of_rows - shared.rows) >= OFTENER * outside * shared.rows
        });
        self.episodes.is_empty()
            && match self.estimate {
                Estimate::AtMost => true,
                Estimate::AtLeast => self.ticked() > 0 && shared,
                Estimate::About => false,
            }
    }

    /// Ranks by the margins of the labels while they were learned, and ticks nothing; where another class led on average, the row is a suspect.
    fn rank_by_learning(&mut self, margins: &[f64]) {
        for row in &mut self.rows {
            row.ticked = false;
            row.score = 1.0 / (1.0 + margins[row.row as usize].exp());
            row.suspect |= row.score > CONTRADICTED;
        }
        self.ranked_by = RankedBy::Learning;
        self.sort();
    }

    fn sort(&mut self) {
        self.rows.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    }

    /// What the ticked rows share more than rows would that are ticked because of the doubt there is anyway.
    fn in_common(&self, marked: usize, doubt: &Doubt, labels: &[u8], columns: &[Column], groups: Option<&[u32]>) -> Vec<Shared> {
        let classes = self.thresholds.len();
        let mut flagged = vec![false; labels.len()];
        let ticked: Vec<&Suspect> = match self.ticked() {
            0 => self.rows.iter().take(marked).collect(),
            _ => self.rows.iter().filter(|row| row.ticked).collect(),
        };
        ticked.iter().for_each(|row| flagged[row.row as usize] = true);
        let Some(least) = ticked.last().map(|row| row.score).filter(|_| ticked.len() >= FEWEST_FOR_A_PATTERN) else {
            return Vec::new();
        };
        // A row of which this is said would be ticked with the labels of which its score were high enough.
        let mut chance: Vec<f64> = labels
            .iter()
            .enumerate()
            .map(|(row, label)| {
                let would = |class: &usize| doubt.score_as(row, usize::from(*label), *class) >= least;
                (0..classes).filter(would).map(|class| doubt.of_row(row)[class]).sum::<f64>() + 1e-9
            })
            .collect();
        let sum: f64 = chance.iter().sum();
        chance.iter_mut().for_each(|chance| *chance /= sum);
        let rows: Vec<u32> = (0..labels.len() as u32).collect();
        let mut found = shared::shared(&shared::Given {
            columns,
            rows: &rows,
            flagged: &flagged,
            groups,
            chance: &chance,
            significance: SIGNIFICANCE,
        });
        found.retain(|shared| !shared.as_slips_would);
        found
    }
}

/// Confident learning on probabilities (rows x classes) that are out of sample.
fn confident(doubt: &Doubt, labels: &[u8], classes: usize) -> Suspects {
    let rows = labels.len();
    let of = |row: usize| doubt.of_row(row);
    let mut sums = vec![0.0_f64; classes];
    let mut given = vec![0_usize; classes];
    for (row, label) in labels.iter().enumerate() {
        sums[usize::from(*label)] += of(row)[usize::from(*label)];
        given[usize::from(*label)] += 1;
    }
    let thresholds: Vec<Option<f64>> = sums
        .iter()
        .zip(&given)
        .map(|(sum, given)| (*given > 0).then(|| sum / *given as f64))
        .collect();
    let mut counts = vec![0_usize; classes * classes];
    let mut found = Vec::with_capacity(rows);
    for (row, label) in labels.iter().enumerate() {
        let label = usize::from(*label);
        let said = of(row);
        let reaches = |class: &usize| thresholds[*class].is_some_and(|threshold| said[*class] >= threshold);
        let confident = (0..classes).filter(reaches).fold(None, |best: Option<usize>, class| match best {
            Some(best) if said[best] >= said[class] => Some(best),
            _ => Some(class),
        });
        if let Some(class) = confident {
            counts[label * classes + class] += 1;
        }
        let (likeliest, score) = doubt.score(row, label);
        found.push(Suspect {
            row: row as u32,
            likeliest: likeliest as u8,
            score,
            chance: None,
            suspect: confident.is_some_and(|class| class != label),
            ticked: false,
        });
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    let mut joint = vec![0.0; classes * classes];
    for label in 0..classes {
        let counted: usize = counts[label * classes..(label + 1) * classes].iter().sum();
        for class in 0..classes {
            let share = match counted {
                0 => f64::from(u8::from(class == label)),
                _ => counts[label * classes + class] as f64 / counted as f64,
            };
            joint[label * classes + class] = share * given[label] as f64 / rows.max(1) as f64;
        }
    }
    Suspects {
        rows: found,
        ranked_by: RankedBy::Unseen,
        estimated_wrong: 0.0,
        estimate: Estimate::AtMost,
        shared: Vec::new(),
        episodes: Vec::new(),
        counts,
        joint,
        thresholds,
        training_rows: rows,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::*;
    use crate::features::prepare;
    use crate::label_errors::testing::profile;
    use crate::notes::Notes;
    use crate::progress::Silent;

    /// By hand: the thresholds are the mean self-confidences, (0.9 + 0.7 + 0.2) / 3 = 0.6 and (0.8 + 0.6 + 0.3) / 3 = 0.5667.
    #[test]
    fn the_confident_joint_is_what_the_paper_counts() {
        let said = [0.9, 0.1, 0.7, 0.3, 0.2, 0.8, 0.2, 0.8, 0.4, 0.6, 0.7, 0.3_f32];
        let found = confident(&Doubt::of(&said, 2), &[0, 0, 0, 1, 1, 1], 2);
        assert_eq!(found.counts, [2, 1, 1, 2]);
        let rows: Vec<(u32, u8)> = found.suspects().map(|suspect| (suspect.row, suspect.likeliest)).collect();
        assert_eq!(rows, [(2, 1), (5, 0)]);
        assert!((found.rows[0].score - 0.8).abs() < 1e-6 && (found.rows[1].score - 0.7).abs() < 1e-6);
        assert_eq!(found.rows.len(), 6, "every row is ranked");
        assert!((found.thresholds[0].unwrap() - 0.6).abs() < 1e-6);
        for (found, wanted) in found.joint.iter().zip([2.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 2.0 / 6.0]) {
            assert!((found - wanted).abs() < 1e-12);
        }
    }

    /// Rows of an episode come first by their chance, are suspects from one half on, and are ticked for nothing.
    #[test]
    fn an_episode_lifts_its_rows_and_ticks_none() {
        let said = [0.9, 0.1, 0.7, 0.3, 0.2, 0.8, 0.9, 0.1_f32];
        let mut found = confident(&Doubt::of(&said, 2), &[0, 0, 0, 0], 2);
        found.episodes = vec![Episode {
            conditions: "`Market` = LATAM".to_owned(),
            from: "2017-01-01".to_owned(),
            to: "2017-02-01".to_owned(),
            recorded_as: 0,
            rows: 2,
            recorded: 2,
            expected: 1.2,
            wrong: 0.9,
            p: 0.0001,
            members: vec![(0, 0.6), (3, 0.3)],
        }];
        found.lift();
        let order: Vec<(u32, bool)> = found.rows.iter().map(|row| (row.row, row.suspect)).collect();
        assert_eq!(order, [(2, false), (0, true), (3, false), (1, false)]);
        assert!((found.rows[1].score - (1.0 - 0.9 * 0.4)).abs() < 1e-6 && found.ticked() == 0);
    }

    #[test]
    fn a_class_without_rows_has_no_threshold_and_nobody_is_suspected_of_it() {
        let found = confident(&Doubt::of(&[0.1, 0.0, 0.9, 0.6, 0.0, 0.4], 3), &[0, 0], 3);
        assert_eq!(found.thresholds[2], None);
        assert_eq!(found.suspects().count(), 0);
    }

    /// Orders of `items` rows each, a part of which is recorded wrongly. The lateness of orders of one row follows from market, mode and price;
    /// of several rows, from nothing. Returns the sheet, and which training rows are wrong.
    fn trial(rows: usize, items: usize, share: f64, seed: u64) -> (Table, Prepared, Vec<bool>) {
        let mut rng = Seed(50).stream("suspects-tests", seed);
        let names = ["Item", "Order", "Market", "Mode", "Planned", "Actual", "Status", "Ordered", "Price"];
        let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
        let mut wrong = BTreeSet::new();
        for order in 0..rows / items {
            let (market, mode) = (rng.random_range(0..4), rng.random_range(0..2));
            let price = rng.random_range(1.0..90.0_f64);
            let late = match items {
                1 => price > [30.0, 50.0, 70.0, 20.0][market] || (market == 1 && mode == 0),
                _ => rng.random_bool(0.4),
            };
            let minutes = order * 40;
            for item in 0..items {
                let key = format!("i{}", order * items + item);
                let slips = rng.random_bool(share);
                if slips {
                    wrong.insert(key.clone());
                }
                let actual = if late == slips { 3 } else { 5 };
                let cells = [
                    key,
                    format!("O{order}"),
                    ["LATAM", "Europe", "USCA", "Africa"][market].to_owned(),
                    ["First Class", "Standard Class"][mode].to_owned(),
                    "3".to_owned(),
                    actual.to_string(),
                    "COMPLETE".to_owned(),
                    format!("2017-{:02}-{:02} 08:00", 1 + minutes / 40_320, 1 + minutes / 1_440 % 28),
                    format!("{price:.2}"),
                ];
                columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(Some(cell)));
            }
        }
        let height = columns[0].len();
        let table = names
            .iter()
            .zip(columns)
            .fold(Table::new("orders.csv", height), |table, (name, cells)| {
                table.with_column(name, cells).unwrap()
            });
        let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
        let is_wrong = prepared.train.keys.iter().map(|key| wrong.contains(key)).collect();
        (table, prepared, is_wrong)
    }

    fn found(table: &Table, prepared: &Prepared, threads: usize) -> Suspects {
        let recipe = Recipe {
            epochs: 8,
            learning_rate: 0.1,
            batch: 64,
            ..Recipe::default()
        };
        let request = SuspectsRequest {
            table,
            prepared,
            labels: &prepared.train.labels,
            hidden: &[16],
            recipe: &recipe,
            folds: 3,
            said: None,
            seed: Seed(1),
            threads,
        };
        suspects(&request, &Silent::default()).unwrap()
    }

    fn average_precision(found: &Suspects, wrong: &[bool]) -> f64 {
        let (mut hits, mut sum) = (0.0, 0.0);
        for (place, row) in found.rows.iter().enumerate() {
            if wrong[row.row as usize] {
                hits += 1.0;
                sum += hits / (place + 1) as f64;
            }
        }
        sum / hits
    }

    #[test]
    fn wrong_rows_come_first_and_about_as_many_are_ticked_as_there_are() {
        let (table, prepared, wrong) = trial(1_500, 1, 0.08, 0);
        let found = found(&table, &prepared, 2);
        let count = wrong.iter().filter(|wrong| **wrong).count() as f64;
        let precision = average_precision(&found, &wrong);
        assert!(precision > 0.7, "average precision {precision}");
        assert_eq!(found.estimate, Estimate::About, "{}", found.estimated_wrong);
        assert!(
            (found.estimated_wrong / count - 1.0).abs() < 0.35,
            "{} for {count}",
            found.estimated_wrong
        );
        assert!(
            found.ticked() as f64 <= found.estimated_wrong.round() && found.ticked() as f64 > 0.5 * count,
            "{}",
            found.ticked()
        );
        let right = found.rows.iter().filter(|row| row.ticked && wrong[row.row as usize]).count() as f64;
        assert!(right > 0.6 * found.ticked() as f64, "{right} of {}", found.ticked());
        assert!(found.rows.iter().all(|row| row.chance.is_some() && (row.suspect || !row.ticked)));
        assert!(found.rows.is_sorted_by(|a, b| a.score >= b.score) && found.rows.len() == wrong.len());
        assert!(found.shared.is_empty(), "errors at random share nothing: {:#?}", found.shared);
    }

    /// One of the four rows of an order that differs from the others is found though the columns say nothing of it.
    #[test]
    fn the_other_rows_of_an_order_speak_for_a_label_too() {
        let (table, prepared, wrong) = trial(1_200, 4, 0.06, 1);
        let with = found(&table, &prepared, 2);
        let mut alone = prepared.clone();
        alone.train.groups = None;
        let grouped = average_precision(&with, &wrong);
        let alone = average_precision(&found(&table, &alone, 2), &wrong);
        assert!(grouped > 0.9 && alone < 0.3, "{grouped} with, {alone} without the orders");
        // Orders that are wrong as a whole would not show, so nothing more is claimed than that at least that many are.
        assert_eq!(with.estimate, Estimate::AtLeast);
        assert!(with.rows.iter().all(|row| row.chance.is_none()));
    }

    #[test]
    fn the_ranking_is_the_same_on_one_and_two_threads() {
        let (table, prepared, _) = trial(600, 2, 0.08, 2);
        assert_eq!(found(&table, &prepared, 1), found(&table, &prepared, 2));
    }
}
