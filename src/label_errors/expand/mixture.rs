//! How many rows of a region are wrong, and which: the observed labels as a mixture of right ones and mislabelled ones.
//!
//! With p(a|x) from a model that never saw the region, a row of true class a is recorded as b with probability T(a,b), and a wrong row is
//! flagged with probability s. Where the true class of a row is known (a person corrected it, or looked at it and left it alone), it is
//! taken as known. T and s are estimated by expectation-maximisation (Dawid and Skene 1979, with one annotator and known
//! class probabilities), and Bayes' rule then gives each row's chance of being wrong.
//!
//! A model that never saw the region can be wrong about it. Where what was observed (labels and flags) differs by the values of a
//! column more than chance allows, the class probabilities are scaled by that column's values, as part of the same maximisation; a
//! column is let in only while the Bayesian information criterion says so, and what it turns around must be worth it: a model that is
//! sure is believed over a scaling that says the opposite, even where that would explain the labels a little better.

/// Rounds of expectation-maximisation; it stops earlier once no share moves.
const ROUNDS: usize = 60;
/// How much rarer a flag is on a right row than on a wrong one.
const FALSE_FLAG: f64 = 0.02;
/// Rows that speak for a class being recorded right, before any is seen.
const PRIOR: f64 = 1.0;
/// Most columns that scale the class probabilities.
const MOST_SCALED: usize = 6;
/// Rows that speak for a value being like the others, before any is seen.
const SHRINKAGE: f64 = 5.0;
/// Power of each step of scaling: below 1, so that columns which say the same do not overshoot together.
const STEP: f64 = 0.7;
/// Nats of evidence that every nat of divergence from the model's class probabilities must bring. At 1 no scaling would ever pay (what
/// is observed diverges less than what it is observed of), at 0 a sure model would be turned around for a trifle.
const DISTRUST: f64 = 0.1;

/// Rows of a region.
pub(super) struct Region<'a> {
    /// Probabilities of the true class by a model that saw no row of the region, rows x classes.
    pub truth: &'a [f64],
    pub labels: &'a [u8],
    pub flagged: &'a [bool],
    /// By row whether somebody looked there, so that a wrong row could have been flagged; everywhere where absent.
    pub reached: Option<&'a [bool]>,
    /// By row the true class, where a person said it.
    pub known: &'a [Option<u8>],
    /// The class that rows are wrongly recorded as; any where absent.
    pub recorded_as: Option<u8>,
    pub classes: usize,
    /// Per column the bin of every row, and the number of bins.
    pub columns: Vec<(Vec<u16>, usize)>,
}

/// What the mixture says.
pub(super) struct Mixture {
    /// For every row the chance that its label is wrong, as for a row without a flag.
    pub wrong: Vec<f64>,
    /// For every row the likeliest true class other than its label: the known one, where it is known to be wrong.
    pub likeliest: Vec<u8>,
    /// Gain in log-likelihood over no row being wrong and no column scaled, in nats, less the cost of every parameter; without the flagged
    /// rows, which speak for themselves.
    pub gain: f64,
    /// Log-likelihood of the flagged rows, labels and flags. A fit that calls the unflagged rows right loses here what it gains there.
    of_flags: f64,
    /// Divergence of the scaled class probabilities from the model's, in nats over all rows.
    turned: f64,
}

impl Mixture {
    /// What fits to the same rows are compared by.
    fn fits(&self) -> f64 {
        self.gain + self.of_flags - DISTRUST * self.turned
    }
}

/// The mixture that explains the region best: with one class that is mislabelled, or with all.
pub(super) fn fit(region: &Region) -> Mixture {
    let classes = region.classes;
    let all = vec![true; classes];
    let mut choices = vec![all];
    if let Some(class) = region.recorded_as.filter(|_| classes > 2) {
        choices.extend((0..classes).filter(|from| *from != usize::from(class)).map(|only| {
            let mut from = vec![false; classes];
            from[only] = true;
            from
        }));
    }
    let fitted: Vec<Mixture> = choices.iter().map(|from| Fit::new(region, from).run()).collect();
    let best = fitted
        .into_iter()
        .reduce(|best, next| if next.fits() > best.fits() { next } else { best });
    best.unwrap_or_else(|| Fit::new(region, &vec![true; classes]).run())
}

struct Fit<'a> {
    region: &'a Region<'a>,
    /// Which (from, to) may be mislabelled.
    may: Vec<bool>,
    recorded: Vec<f64>,
    /// Share of the wrong rows that is flagged.
    found: f64,
    /// Class probabilities as scaled so far.
    truth: Vec<f64>,
    scaled: Vec<usize>,
    parameters: f64,
}

impl<'a> Fit<'a> {
    fn new(region: &'a Region<'a>, sources: &[bool]) -> Self {
        let classes = region.classes;
        let mut may = vec![false; classes * classes];
        let mut recorded = vec![0.0; classes * classes];
        for from in 0..classes {
            let to_any = |to: usize| sources[from] && from != to && region.recorded_as.is_none_or(|class| usize::from(class) == to);
            let ways = (0..classes).filter(|to| to_any(*to)).count();
            for to in (0..classes).filter(|to| to_any(*to)) {
                may[from * classes + to] = true;
                recorded[from * classes + to] = 0.5 / ways as f64;
            }
            recorded[from * classes + from] = if ways == 0 { 1.0 } else { 0.5 };
        }
        Self {
            parameters: 1.0 + may.iter().filter(|may| **may).count() as f64,
            region,
            may,
            recorded,
            found: 0.2,
            truth: region.truth.to_vec(),
            scaled: Vec::new(),
        }
    }

    fn run(mut self) -> Mixture {
        self.maximise();
        let mut best = self.judged();
        while self.scaled.len() < MOST_SCALED {
            let Some((column, parameters)) = self.most_surprising() else {
                break;
            };
            self.scaled.push(column);
            self.parameters += parameters;
            self.maximise();
            let next = self.judged();
            if next.fits() <= best.fits() {
                break;
            }
            best = next;
        }
        best
    }

    fn rows(&self) -> usize {
        self.region.labels.len()
    }

    fn truth_of(&self, row: usize) -> &[f64] {
        &self.truth[row * self.region.classes..(row + 1) * self.region.classes]
    }

    /// Whether a row's flag is one of those that the rule explains.
    fn counts(&self, row: usize) -> bool {
        self.region.flagged[row] && self.region.recorded_as.is_none_or(|class| class == self.region.labels[row])
    }

    /// Share of the wrong rows like this one that is flagged: none where nobody looked.
    fn found_at(&self, row: usize) -> f64 {
        match self.region.reached {
            Some(reached) if !reached[row] => 0.0,
            _ => self.found,
        }
    }

    /// Into `weights` the joint probability of each true class with what was observed of the row; returns their sum. `pinned`: a class that
    /// a person said is the only one.
    fn weigh(&self, row: usize, as_flagged: bool, pinned: bool, weights: &mut [f64]) -> f64 {
        let classes = self.region.classes;
        let label = usize::from(self.region.labels[row]);
        let (of_wrong, of_right) = match as_flagged {
            true => (self.found, FALSE_FLAG * self.found),
            false => (1.0 - self.found_at(row), 1.0),
        };
        let mut sum = 0.0;
        for (from, (weight, truth)) in weights.iter_mut().zip(self.truth_of(row)).enumerate() {
            let share = self.recorded[from * classes + label];
            *weight = truth * share * if from == label { of_right } else { of_wrong };
            sum += *weight;
        }
        if let Some(class) = self.region.known[row].map(usize::from).filter(|_| pinned) {
            sum = weights[class].max(1e-300);
            weights.fill(0.0);
            weights[class] = sum;
        }
        if sum <= 0.0 {
            weights.fill(0.0);
            weights[label] = 1e-300;
            sum = 1e-300;
        }
        sum
    }

    fn maximise(&mut self) {
        let classes = self.region.classes;
        let mut weights = vec![0.0; classes];
        let mut shares = vec![0.0; self.rows() * classes];
        for _ in 0..ROUNDS {
            let mut counts = vec![0.0; classes * classes];
            (0..classes).for_each(|from| counts[from * classes + from] = PRIOR);
            let (mut flagged, mut wrong) = (0.5, 1.0);
            for row in 0..self.rows() {
                let flag = self.counts(row);
                let reached = self.found_at(row) > 0.0;
                let sum = self.weigh(row, flag, true, &mut weights);
                let label = usize::from(self.region.labels[row]);
                for (from, weight) in weights.iter().enumerate() {
                    let share = weight / sum;
                    shares[row * classes + from] = share;
                    counts[from * classes + label] += share;
                    if from != label && reached {
                        wrong += share;
                        flagged += if flag { share } else { 0.0 };
                    }
                }
            }
            self.found = (flagged / wrong).clamp(1e-6, 0.999);
            let mut moved = 0.0_f64;
            for from in 0..classes {
                let all: f64 = (0..classes)
                    .filter(|to| *to == from || self.may[from * classes + to])
                    .map(|to| counts[from * classes + to])
                    .sum();
                for to in (0..classes).filter(|to| *to == from || self.may[from * classes + *to]) {
                    let share = counts[from * classes + to] / all;
                    moved = moved.max((share - self.recorded[from * classes + to]).abs());
                    self.recorded[from * classes + to] = share;
                }
            }
            for column in self.scaled.clone() {
                moved = moved.max(self.scale(column, &shares));
            }
            if moved < 1e-4 {
                break;
            }
        }
    }

    /// Scales the class probabilities towards the true classes that the posterior says each value of a column has.
    fn scale(&mut self, column: usize, shares: &[f64]) -> f64 {
        let classes = self.region.classes;
        let (codes, bins) = &self.region.columns[column];
        let mut said = vec![0.0; bins * classes];
        let mut held = vec![0.0; bins * classes];
        let mut mean = vec![1e-9; classes];
        for (row, code) in codes.iter().enumerate() {
            let start = usize::from(*code) * classes;
            for class in 0..classes {
                said[start + class] += shares[row * classes + class];
                held[start + class] += self.truth[row * classes + class];
                mean[class] += self.truth[row * classes + class] / codes.len() as f64;
            }
        }
        let mut moved = 0.0_f64;
        let factors: Vec<f64> = (0..bins * classes)
            .map(|place| {
                let prior = SHRINKAGE * mean[place % classes];
                ((said[place] + prior) / (held[place] + prior)).powf(STEP)
            })
            .collect();
        for (row, code) in codes.iter().enumerate() {
            let factors = &factors[usize::from(*code) * classes..(usize::from(*code) + 1) * classes];
            let truth = &mut self.truth[row * classes..(row + 1) * classes];
            truth.iter_mut().zip(factors).for_each(|(truth, factor)| *truth *= factor);
            let all: f64 = truth.iter().sum();
            truth.iter_mut().for_each(|truth| *truth /= all.max(1e-300));
        }
        factors.iter().for_each(|factor| moved = moved.max((factor - 1.0).abs().min(1.0)));
        moved
    }

    /// The column by whose values what was observed differs most from what is expected, with the parameters that letting it in costs;
    /// `None` where none earns them.
    fn most_surprising(&self) -> Option<(usize, f64)> {
        let classes = self.region.classes;
        let kinds = classes + 1;
        // What may be observed of a row: each label, or a flag.
        let mut expected = vec![0.0; self.rows() * kinds];
        for row in 0..self.rows() {
            let expected = &mut expected[row * kinds..(row + 1) * kinds];
            let found = self.found_at(row);
            for (from, truth) in self.truth_of(row).iter().enumerate() {
                for to in 0..classes {
                    let share = truth * self.recorded[from * classes + to];
                    if from == to {
                        expected[to] += share;
                    } else {
                        expected[to] += share * (1.0 - found);
                        expected[classes] += share * found;
                    }
                }
            }
        }
        let cost_each = 0.5 * (self.rows() as f64).max(2.0).ln();
        let choice = (self.region.columns.len() as f64).max(1.0).ln();
        let mut best: Option<(f64, usize, f64)> = None;
        for (index, (codes, bins)) in self.region.columns.iter().enumerate() {
            if self.scaled.contains(&index) {
                continue;
            }
            let mut seen = vec![0.0; bins * kinds];
            let mut thought = vec![1e-6; bins * kinds];
            for (row, code) in codes.iter().enumerate() {
                let start = usize::from(*code) * kinds;
                let kind = if self.counts(row) {
                    classes
                } else {
                    usize::from(self.region.labels[row])
                };
                seen[start + kind] += 1.0;
                for kind in 0..kinds {
                    thought[start + kind] += expected[row * kinds + kind];
                }
            }
            let surprise: f64 = seen
                .iter()
                .zip(&thought)
                .filter(|(seen, _)| **seen > 0.0)
                .map(|(seen, thought)| seen * (seen / thought).ln())
                .sum();
            let used = seen.chunks(kinds).filter(|seen| seen.iter().any(|seen| *seen > 0.0)).count();
            let parameters = (used * (classes - 1)) as f64;
            let gain = surprise - parameters * cost_each - choice;
            if used > 1 && gain > 0.0 && best.is_none_or(|(most, _, _)| gain > most) {
                best = Some((gain, index, parameters));
            }
        }
        best.map(|(_, index, parameters)| (index, parameters))
    }

    /// By label and true class how much corrections of rows with that label speak for the class: its share of them, half a correction added
    /// to each class; all alike where none was given. A few corrections outweigh a model that knows little, many outweigh any.
    fn corrections(&self) -> Vec<f64> {
        let classes = self.region.classes;
        let mut counts = vec![0.5; classes * classes];
        for (label, known) in self.region.labels.iter().zip(self.region.known) {
            if let Some(class) = known.filter(|class| class != label) {
                counts[usize::from(*label) * classes + usize::from(class)] += 1.0;
            }
        }
        for label in 0..classes {
            let row = &mut counts[label * classes..(label + 1) * classes];
            let all: f64 = row.iter().sum::<f64>() - row[label];
            row.iter_mut().for_each(|count| *count /= all);
        }
        counts
    }

    /// What the fit says of every row as it is now.
    fn judged(&self) -> Mixture {
        let region = self.region;
        let classes = region.classes;
        let rows = self.rows();
        let mut weights = vec![0.0; classes];
        let corrections = self.corrections();
        let mut mixture = Mixture {
            wrong: Vec::with_capacity(rows),
            likeliest: Vec::with_capacity(rows),
            gain: -self.parameters * 0.5 * (rows as f64).max(2.0).ln(),
            of_flags: 0.0,
            turned: 0.0,
        };
        for row in 0..rows {
            let label = usize::from(region.labels[row]);
            let before = &region.truth[row * classes..(row + 1) * classes];
            mixture.turned += divergence(self.truth_of(row), before);
            let sum = self.weigh(row, false, false, &mut weights);
            mixture.wrong.push(1.0 - weights[label] / sum);
            let corrected = &corrections[label * classes..(label + 1) * classes];
            weights.iter_mut().zip(corrected).for_each(|(weight, share)| *weight *= share);
            let others = (0..classes).filter(|class| *class != label);
            let best = others.fold(None, |best: Option<usize>, class| match best {
                Some(best) if weights[best] >= weights[class] => Some(best),
                _ => Some(class),
            });
            let known = region.known[row].filter(|class| usize::from(*class) != label);
            mixture.likeliest.push(known.unwrap_or(best.unwrap_or(label) as u8));
            // Flags speak for themselves; the labels of the other rows must bear the mixture out.
            if self.counts(row) {
                mixture.of_flags += self.weigh(row, true, true, &mut weights).ln();
            } else {
                let before = region.truth[row * classes + label].max(1e-12);
                mixture.gain += (sum / before).ln();
            }
        }
        mixture
    }
}

/// Divergence of class probabilities from others, in nats.
fn divergence(of: &[f64], from: &[f64]) -> f64 {
    of.iter()
        .zip(from)
        .filter(|(of, _)| **of > 0.0)
        .map(|(of, from)| of * (of / from.max(1e-12)).ln())
        .sum::<f64>()
        .max(0.0)
}
