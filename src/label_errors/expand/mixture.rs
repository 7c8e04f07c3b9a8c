//! How many rows of a region are wrong, and which: the observed labels as a mixture of right ones and mislabelled ones.
//!
//! With p(a|x) from a model that never saw the region, the observed label of a row of the region has the probability
//! sum over a of p(a|x) T(a,b), where T(a,b) is the share of rows of true class a that are booked as b. T is estimated by
//! expectation-maximisation (Dawid and Skene 1979, with one annotator and known class probabilities); Bayes' rule then gives each
//! row's chance of being wrong.

/// Rounds of expectation-maximisation; it stops earlier once no share moves.
const ROUNDS: usize = 200;
/// A flag is taken to be right with this chance at least, whatever the model says of the row.
const FALSE_FLAG: f64 = 0.02;
/// Rows that speak for a class being booked right, before any is seen.
const PRIOR: f64 = 1.0;

/// Rows of a region.
pub(super) struct Region<'a> {
    /// Probabilities of the true class, rows x classes.
    pub truth: &'a [f64],
    pub labels: &'a [u8],
    pub flagged: &'a [bool],
    /// The class that rows are wrongly booked as; any where absent.
    pub booked_as: Option<u8>,
    pub classes: usize,
}

/// What the mixture says.
pub(super) struct Mixture {
    /// Row-major, from (true) x to (booked).
    pub booked: Vec<f64>,
    /// For every row the chance that its label is wrong, its flag not counted.
    pub wrong: Vec<f64>,
    /// For every row the likeliest true class other than its label.
    pub likeliest: Vec<u8>,
    /// Gain in log-likelihood of the unflagged rows over no row being wrong, in nats.
    pub gain: f64,
}

pub(super) fn fit(region: &Region) -> Mixture {
    let classes = region.classes;
    let may = |from: usize, to: usize| from != to && region.booked_as.is_none_or(|class| usize::from(class) == to);
    let mut booked = vec![0.0; classes * classes];
    for from in 0..classes {
        let ways = (0..classes).filter(|to| may(from, *to)).count();
        for to in 0..classes {
            if may(from, to) {
                booked[from * classes + to] = 0.3 / ways as f64;
            }
        }
        booked[from * classes + from] = if ways == 0 { 1.0 } else { 0.7 };
    }
    for _ in 0..ROUNDS {
        let mut counts = vec![0.0; classes * classes];
        for from in 0..classes {
            counts[from * classes + from] = PRIOR;
        }
        for row in 0..region.labels.len() {
            let to = usize::from(region.labels[row]);
            let shares = region.shares(row, &booked, true);
            for (from, share) in shares.iter().enumerate() {
                counts[from * classes + to] += share;
            }
        }
        let mut moved = 0.0_f64;
        for from in 0..classes {
            let all: f64 = counts[from * classes..(from + 1) * classes].iter().sum();
            for to in 0..classes {
                let share = counts[from * classes + to] / all;
                moved = moved.max((share - booked[from * classes + to]).abs());
                booked[from * classes + to] = share;
            }
        }
        if moved < 1e-6 {
            break;
        }
    }
    let rows = region.labels.len();
    let mut mixture = Mixture {
        wrong: Vec::with_capacity(rows),
        likeliest: Vec::with_capacity(rows),
        gain: 0.0,
        booked,
    };
    for row in 0..rows {
        let label = usize::from(region.labels[row]);
        let shares = region.shares(row, &mixture.booked, false);
        mixture.wrong.push(1.0 - shares[label]);
        let others = (0..classes).filter(|class| *class != label);
        let best = others.fold(None, |best: Option<usize>, class| match best {
            Some(best) if shares[best] >= shares[class] => Some(best),
            _ => Some(class),
        });
        mixture.likeliest.push(best.unwrap_or(label) as u8);
        if !region.flagged[row] {
            let truth = region.truth_of(row);
            let mixed: f64 = (0..classes).map(|from| truth[from] * mixture.booked[from * classes + label]).sum();
            mixture.gain += (mixed.max(1e-12) / truth[label].max(1e-12)).ln();
        }
    }
    mixture
}

impl Region<'_> {
    fn truth_of(&self, row: usize) -> &[f64] {
        &self.truth[row * self.classes..(row + 1) * self.classes]
    }

    /// The chance of each true class of a row, given its label (and its flag, if that counts).
    fn shares(&self, row: usize, booked: &[f64], count_flag: bool) -> Vec<f64> {
        let label = usize::from(self.labels[row]);
        let mut shares: Vec<f64> = self
            .truth_of(row)
            .iter()
            .enumerate()
            .map(|(from, truth)| truth * booked[from * self.classes + label])
            .collect();
        let all: f64 = shares.iter().sum();
        if all <= 0.0 {
            shares.fill(0.0);
            shares[label] = 1.0;
        } else {
            shares.iter_mut().for_each(|share| *share /= all);
        }
        let others: f64 = 1.0 - shares[label];
        let counted = self.booked_as.is_none_or(|class| usize::from(class) == label);
        if count_flag && self.flagged[row] && counted && others > 1e-12 && shares[label] > FALSE_FLAG {
            let scale = (1.0 - FALSE_FLAG) / others;
            for (class, share) in shares.iter_mut().enumerate() {
                *share = if class == label { FALSE_FLAG } else { *share * scale };
            }
        }
        shares
    }
}
