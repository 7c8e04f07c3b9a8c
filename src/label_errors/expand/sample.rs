//! Whether the flags of a corner are a pattern or a sample: somebody looked only there, and found slips as there are anywhere.
//!
//! Models trained on the other rows of the corner too, out of fold, tell the two apart. Of a pattern that most such rows follow, the model
//! learns the wrong label, and doubts the flagged rows no more than the others. A sample of slips it doubts strongly, since the rest of the
//! corner is right. Then further wrong rows would be doubted as the flagged ones are: of the others a share pi is wrong where
//! P(t) = pi F(t) + (1 - pi) R(t), for every doubt t, with F among the flags, R among right rows, taken from the rows elsewhere, of like
//! labels. What pi can be at most, by the ends of the intervals, is all that may be claimed.

use super::Work;
use crate::stats::wilson;

/// Doubts at which rows are compared. From the first on, at most a quarter of rows like it carry the label that a row has: a pattern that
/// most such rows follow has none there.
const DOUBTS: [f64; 5] = [0.75, 0.8, 0.85, 0.9, 0.95];
/// Share of the flags that must be doubted so for the question to arise.
const DOUBTED: f64 = 0.5;
/// Confidence of each interval.
const LEVEL: f64 = 0.95;

/// Rows of a rule, with the label that it speaks of.
pub(super) struct Corner {
    pub flags: Vec<usize>,
    /// The other rows.
    pub others: Vec<usize>,
    pub recorded_as: Option<u8>,
}

impl Work<'_> {
    /// Whether more rows of a corner are claimed to be wrong than can be if its flags are a sample. `region`: all its rows, ascending;
    /// `out_of_fold`: probabilities, rows x classes.
    pub(super) fn is_a_sample(&self, corner: &Corner, region: &[usize], claimed: f64, out_of_fold: &[f32]) -> bool {
        let labels = self.request.labels;
        let doubt = |row: usize| 1.0 - f64::from(out_of_fold[row * self.classes + usize::from(labels[row])]);
        let elsewhere: Vec<usize> = (0..labels.len())
            .filter(|row| !self.flagged[*row] && corner.recorded_as.is_none_or(|class| class == labels[*row]))
            .filter(|row| region.binary_search(row).is_err())
            .collect();
        let weights = self.like_labels(&corner.others, &elsewhere);
        let among = |rows: &[usize], least: f64| rows.iter().filter(|row| doubt(**row) >= least).count();
        let doubted = |least: f64| {
            let weight = |row: &usize| weights[usize::from(labels[*row])];
            let all: f64 = elsewhere.iter().map(weight).sum();
            elsewhere.iter().filter(|row| doubt(**row) >= least).map(weight).sum::<f64>() / all.max(1e-12)
        };
        if (among(&corner.flags, DOUBTS[0]) as f64) < DOUBTED * corner.flags.len() as f64 || corner.others.is_empty() {
            return false;
        }
        let most = DOUBTS
            .into_iter()
            .filter_map(|least| {
                let of_flags = wilson(among(&corner.flags, least) as u64, corner.flags.len() as u64, LEVEL).ok()?.0;
                let of_others = wilson(among(&corner.others, least) as u64, corner.others.len() as u64, LEVEL)
                    .ok()?
                    .1;
                most_wrong(of_flags, of_others, doubted(least))
            })
            .fold(f64::INFINITY, f64::min);
        claimed > most * corner.others.len() as f64
    }

    /// By label the weight that gives other rows the labels' shares among `rows`.
    fn like_labels(&self, rows: &[usize], others: &[usize]) -> Vec<f64> {
        let count = |rows: &[usize]| {
            let mut counts = vec![0.0_f64; self.classes];
            rows.iter().for_each(|row| counts[usize::from(self.request.labels[*row])] += 1.0);
            counts
        };
        let (wanted, there) = (count(rows), count(others));
        wanted.iter().zip(&there).map(|(wanted, there)| wanted / there.max(1.0)).collect()
    }
}

/// The largest share of wrong rows by `P = pi F + (1 - pi) R`; absent where wrong rows are not doubted more than right ones.
fn most_wrong(of_flags: f64, of_others: f64, of_right: f64) -> Option<f64> {
    (of_flags > of_right).then(|| ((of_others - of_right) / (of_flags - of_right)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_wrong_rows_solves_the_mixture() {
        // A tenth wrong, of which nine in ten are doubted, of right ones one in twenty.
        let others = 0.1 * 0.9 + 0.9 * 0.05;
        assert!((most_wrong(0.9, others, 0.05).unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(most_wrong(0.05, 0.2, 0.05), None);
        assert_eq!(most_wrong(0.9, 0.02, 0.05), Some(0.0));
    }
}
