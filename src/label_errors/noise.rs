//! How often labels are wrong, as far as labels alone can say it, and each row's chance of being wrong.
//!
//! Where models are surest of a class, the share of rows recorded otherwise is the share of wrong labels plus that of rows which really
//! differ. It bounds the wrong labels from above (the anchor points of Patrini et al. 2017). It is the share itself where most rows lie on
//! one level of sureness and it does not rise along it: then the labels follow from the columns, and what is left of doubt is the same
//! everywhere, as errors are. Only then a chance is told.
//!
//! With the matrix T of recorded labels by true ones, and q what is said of the recorded label, the true classes p solve q = p T, none of
//! them below 0 (Gauss-Seidel); a row recorded as b is wrong with chance 1 - T(b,b) p(b) / q(b).

use super::doubt::greatest;

/// Share of a class's rows, surest first, that show how sure models can be; at least this many rows.
const SUREST: f64 = 0.2;
const FEWEST: usize = 60;
/// A row is on the level of the surest where it is doubted at most so much more, as a factor and as a share.
const LEVEL_FACTOR: f64 = 2.0;
const LEVEL_SHARE: f64 = 0.02;
/// Share of the rows that must be on that level for chances to be told.
const DETERMINED: f64 = 0.6;
/// A level on which more rows than this are recorded otherwise shows no errors, but columns that say little.
const MOST_WRONG: f64 = 0.2;
/// On one level, the less sure half of the rows must not be recorded otherwise so much more often than the surer half.
const RISING: f64 = 1.35;
/// Standard errors from which such a rise is none by chance.
const BEYOND_CHANCE: f64 = 2.0;
/// Rounds of solving for the true classes.
const ROUNDS: usize = 12;

/// Recorded labels by true ones.
pub(super) struct Noise {
    /// true x recorded, rows sum to 1.
    recorded: Vec<f64>,
    /// By true class the rows that its shares were counted on.
    counted: Vec<f64>,
    classes: usize,
    /// Whether the shares are those of wrong labels, and not only bounds of them.
    pub known: bool,
}

impl Noise {
    /// Estimates them from probabilities without a row's own label (rows x classes) and the recorded labels.
    pub fn estimate(said: &[f64], labels: &[u8], classes: usize) -> Self {
        let mut by_class: Vec<Vec<(f64, usize)>> = vec![Vec::new(); classes];
        for (row, said) in said.chunks_exact(classes).enumerate() {
            let class = greatest(said);
            by_class[class].push((1.0 - said[class], row));
        }
        let levels: Vec<Option<Level>> = by_class
            .into_iter()
            .enumerate()
            .map(|(class, rows)| Level::of(rows, labels, class))
            .collect();
        let on_level: usize = levels.iter().flatten().map(|level| level.rows.len()).sum();
        let known = on_level as f64 >= DETERMINED * labels.len() as f64 && on_level > 0 && is_of_errors(&levels, labels);
        let counts: Vec<Option<(Vec<f64>, f64)>> = levels
            .iter()
            .map(|level| {
                let level = level.as_ref()?;
                let size = if known { level.rows.len() } else { level.surest };
                let mut recorded = vec![0.0; classes];
                level.rows[..size].iter().for_each(|row| recorded[usize::from(labels[*row])] += 1.0);
                Some((recorded, size as f64))
            })
            .collect();
        // A class of which models are never sure is taken to be recorded wrongly as often as the others are.
        let (wrong, all) = counts
            .iter()
            .enumerate()
            .filter_map(|(class, counts)| {
                let (recorded, size) = counts.as_ref()?;
                Some((size - recorded[class], *size))
            })
            .fold((0.0, 0.0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
        let usual = if all > 0.0 { wrong / all } else { 0.0 };
        let others = (classes.max(2) - 1) as f64;
        let mut recorded = vec![0.0; classes * classes];
        for (class, row) in recorded.chunks_exact_mut(classes).enumerate() {
            // Half a row for every other class, so that none is ruled out.
            let (counted, size) = counts[class].clone().unwrap_or((vec![0.0; classes], 0.0));
            let prior = if size > 0.0 { 0.5 / others } else { usual / others };
            let right = if size > 0.0 { counted[class] } else { 1.0 - usual };
            row.iter_mut().zip(&counted).for_each(|(share, count)| *share = count + prior);
            row[class] = right.max(prior);
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|share| *share /= sum);
        }
        Self {
            recorded,
            counted: counts.iter().map(|counts| counts.as_ref().map_or(0.0, |(_, size)| *size)).collect(),
            classes,
            known,
        }
    }

    /// The chance that a row is wrong which is recorded as `label` and of which `said` is said.
    pub fn chance(&self, said: &[f64], label: u8) -> f64 {
        let classes = self.classes;
        let share = |from: usize, to: usize| self.recorded[from * classes + to];
        // A share that errors explain within its standard error is taken for errors.
        let raised = |from: usize, to: usize| {
            let (share, rows) = (share(from, to), self.counted[from]);
            if rows > 0.0 {
                share + (share * (1.0 - share) / rows).sqrt()
            } else {
                share
            }
        };
        let mut truth = said.to_vec();
        for _ in 0..ROUNDS {
            for to in 0..classes {
                let from_others: f64 = (0..classes)
                    .filter(|from| *from != to)
                    .map(|from| truth[from] * raised(from, to))
                    .sum();
                truth[to] = ((said[to] - from_others) / share(to, to).max(1e-6)).clamp(0.0, 1.0);
            }
        }
        let label = usize::from(label);
        let recorded: f64 = (0..classes).map(|from| truth[from] * share(from, label)).sum();
        (1.0 - truth[label] * share(label, label) / recorded.max(1e-12)).clamp(0.0, 1.0)
    }
}

/// Rows that are most likely of one class, on one level of sureness; surest first.
struct Level {
    class: usize,
    rows: Vec<usize>,
    /// How many of them are the surest.
    surest: usize,
}

impl Level {
    /// Of the rows that are most likely of a class, with how much each is doubted, those on the level of the surest; `None` where there are
    /// too few rows.
    fn of(mut rows: Vec<(f64, usize)>, labels: &[u8], class: usize) -> Option<Self> {
        if rows.len() < FEWEST {
            return None;
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let surest = ((rows.len() as f64 * SUREST) as usize).max(FEWEST);
        let said = rows[..surest].iter().map(|(doubt, _)| doubt).sum::<f64>() / surest as f64;
        // The surest are rather too sure: what is recorded of them counts where that says more.
        let otherwise = rows[..surest].iter().filter(|(_, row)| usize::from(labels[*row]) != class).count();
        let level = said.max(otherwise as f64 / surest as f64) * LEVEL_FACTOR + LEVEL_SHARE;
        let size = rows.partition_point(|(doubt, _)| *doubt <= level).max(surest);
        Some(Self {
            class,
            rows: rows[..size].iter().map(|(_, row)| *row).collect(),
            surest,
        })
    }
}

/// Whether rows on the levels are recorded otherwise by errors alone: few are, and those of the less sure halves not clearly more often than
/// those of the surer halves.
fn is_of_errors(levels: &[Option<Level>], labels: &[u8]) -> bool {
    let (mut otherwise, mut rows) = ([0.0_f64; 2], [0.0_f64; 2]);
    for level in levels.iter().flatten() {
        let middle = level.rows.len() / 2;
        for (place, row) in level.rows.iter().enumerate() {
            let half = usize::from(place >= middle);
            rows[half] += 1.0;
            otherwise[half] += f64::from(u8::from(usize::from(labels[*row]) != level.class));
        }
    }
    let [surer, less] = [0, 1].map(|half| otherwise[half] / rows[half].max(1.0));
    let all = (otherwise[0] + otherwise[1]) / (rows[0] + rows[1]).max(1.0);
    let error = (all * (1.0 - all) * (1.0 / rows[0].max(1.0) + 1.0 / rows[1].max(1.0))).sqrt();
    let rising = less > RISING * surer && less - surer > BEYOND_CHANCE * error;
    all <= MOST_WRONG && !rising
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    /// Probabilities of a row's true classes, by its number and a source of random numbers.
    type Truth = dyn Fn(usize, &mut dyn FnMut() -> f64) -> Vec<f64>;

    /// Rows whose true class is drawn from `truth(row)`, recorded as another with `wrong(true class)`; what is said of each row is what
    /// a perfect model without its label would say. Returns what is said, labels, and which are wrong.
    fn simulated(seed: u64, rows: usize, classes: usize, truth: &Truth, wrong: &[f64]) -> (Vec<f64>, Vec<u8>, Vec<bool>) {
        let mut rng = Seed(41).stream("noise", seed);
        let (mut said, mut labels, mut is_wrong) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..rows {
            let p = truth(row, &mut || rng.random());
            for to in 0..classes {
                let from_others: f64 = (0..classes)
                    .filter(|from| *from != to)
                    .map(|from| p[from] * wrong[from] / (classes - 1) as f64)
                    .sum();
                said.push(p[to] * (1.0 - wrong[to]) + from_others);
            }
            let mut draw: f64 = rng.random();
            let class = (0..classes - 1)
                .find(|class| {
                    draw -= p[*class];
                    draw < 0.0
                })
                .unwrap_or(classes - 1);
            let slips = rng.random_bool(wrong[class]);
            let label = if slips {
                (class + rng.random_range(1..classes)) % classes
            } else {
                class
            };
            labels.push(label as u8);
            is_wrong.push(slips);
        }
        (said, labels, is_wrong)
    }

    /// Labels that mostly follow from the columns: nine rows in ten are clear.
    fn mostly_clear(row: usize, draw: &mut dyn FnMut() -> f64) -> Vec<f64> {
        let clear = !row.is_multiple_of(10);
        let sure = if clear { 0.998 } else { 0.5 + 0.4 * draw() };
        let class = row % 3;
        (0..3).map(|other| if other == class { sure } else { (1.0 - sure) / 2.0 }).collect()
    }

    /// On twelve sheets, uniform errors and errors of one class: chances sum to the wrong rows, and of the rows of every tenth as many are
    /// wrong as it says, within ten points, in tenths that hold more than a few rows a sheet.
    #[test]
    fn chances_are_those_of_being_wrong_where_labels_follow_from_the_columns() {
        for wrong in [[0.05; 3], [0.0, 0.0, 0.12]] {
            let mut tenths = [(0.0_f64, 0.0_f64, 0.0_f64); 10];
            let (mut claimed, mut true_count, mut told) = (0.0, 0.0, 0);
            for seed in 0..12 {
                let (said, labels, is_wrong) = simulated(seed, 3_000, 3, &mostly_clear, &wrong);
                let noise = Noise::estimate(&said, &labels, 3);
                // By chance doubt may seem to rise along a level: then nothing is claimed.
                if !noise.known {
                    continue;
                }
                told += 1;
                for ((said, label), is_wrong) in said.chunks_exact(3).zip(&labels).zip(&is_wrong) {
                    let chance = noise.chance(said, *label);
                    let tenth = &mut tenths[((chance * 10.0) as usize).min(9)];
                    tenth.0 += chance;
                    tenth.1 += f64::from(u8::from(*is_wrong));
                    tenth.2 += 1.0;
                    claimed += chance;
                    true_count += f64::from(u8::from(*is_wrong));
                }
            }
            assert!(told >= 9, "chances of {told} of 12 sheets");
            assert!((claimed / true_count - 1.0).abs() < 0.15, "{claimed} for {true_count}");
            for (chance, wrong, rows) in tenths.into_iter().filter(|(_, _, rows)| *rows >= 250.0) {
                assert!(
                    (chance - wrong).abs() / rows < 0.1,
                    "{} said, {} wrong, {rows} rows",
                    chance / rows,
                    wrong / rows
                );
            }
        }
    }

    /// Where doubt is everywhere and nowhere the same, labels cannot tell errors from chance: nothing is claimed, and the bound holds.
    #[test]
    fn nothing_is_claimed_where_the_columns_say_little() {
        let weak = |_: usize, draw: &mut dyn FnMut() -> f64| {
            let late = 0.05 + 0.6 * draw() * draw();
            vec![1.0 - late, late]
        };
        for seed in 0..6 {
            let (said, labels, is_wrong) = simulated(100 + seed, 4_000, 2, &weak, &[0.05, 0.05]);
            let noise = Noise::estimate(&said, &labels, 2);
            assert!(!noise.known, "sheet {seed}");
            let bound: f64 = said
                .chunks_exact(2)
                .zip(&labels)
                .map(|(said, label)| noise.chance(said, *label))
                .sum();
            let wrong = is_wrong.iter().filter(|wrong| **wrong).count() as f64;
            assert!(bound > 0.9 * wrong, "{bound} for {wrong}");
        }
    }
}
