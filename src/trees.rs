//! Boosted trees on binned columns: a second kind of opinion about labels, which needs no encoding of categories, and a model for a network to
//! be compared with.
//!
//! Gradient boosting with the logistic loss (Friedman 2001, one tree a class and round; second-order leaves as in Chen and Guestrin 2016),
//! trees grown leaf by leaf on histograms; the categories of a column are ordered by their gradient in each leaf (Fisher 1958; Ke et al.
//! 2017). The trees of a round are grown side by side; the result is the same on any number of threads.

use std::ops::ControlFlow;

use rayon::prelude::*;

/// Most trees, and fewest rounds however many classes there are: every class takes a tree a round.
const MOST_TREES: usize = 300;
const FEWEST_ROUNDS: usize = 18;
/// With more classes than this trees take too long.
pub const MOST_CLASSES: usize = 30;
/// Fewest rows of a leaf, on sheets that have them.
const FEWEST_IN_LEAF: usize = 20;
/// Curvature added to every leaf, and to every category when categories are ordered.
const LEAF_RIDGE: f64 = 1.0;
const CATEGORY_RIDGE: f64 = 10.0;
/// Bins of a column at most: one byte.
const MOST_BINS: usize = 256;

/// How trees are grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Rounds of boosting at most; fewer with many classes ([`Growth::rounds`]).
    pub rounds: usize,
    /// Step of each round.
    pub rate: f64,
    /// Most leaves of a tree.
    pub leaves: usize,
}

impl Growth {
    /// Most rounds for a number of classes: no more than 300 trees, yet at least 18 rounds.
    pub fn rounds(&self, classes: usize) -> usize {
        self.rounds.min((MOST_TREES / trees_a_round(classes)).max(FEWEST_ROUNDS))
    }
}

/// Two classes need one tree a round: what it says of one it says of the other.
fn trees_a_round(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// A column whose cells are each in one of a few bins.
#[derive(Debug, Clone, Copy)]
pub struct Binned<'a> {
    /// Bin of every row; `bins` for a blank.
    pub codes: &'a [u16],
    /// Number of bins, without the one for blanks.
    pub bins: usize,
    /// Whether the bins have an order.
    pub ordered: bool,
}

/// Columns with at most 256 bins each, row by row.
pub struct Sheet {
    /// Rows x columns.
    codes: Vec<u8>,
    /// By column: bins, and whether they have an order.
    columns: Vec<(usize, bool)>,
    /// By column the place of its first bin in a histogram of all.
    starts: Vec<usize>,
    bins: usize,
}

/// The rows that trees are grown on.
pub struct Grown<'a> {
    /// Their numbers in the sheet.
    pub rows: &'a [u32],
    /// Class of every row of the sheet.
    pub labels: &'a [u8],
    /// Number of classes.
    pub classes: usize,
}

impl Sheet {
    /// Columns in the form that trees are grown on. Of a column with many values the rarer ones share a bin.
    pub fn new(columns: &[Binned<'_>], rows: usize) -> Self {
        let mut codes = vec![0_u8; rows * columns.len()];
        let mut kept = Vec::with_capacity(columns.len());
        let mut starts = Vec::with_capacity(columns.len());
        let mut bins = 0;
        for (place, column) in columns.iter().enumerate() {
            let new = narrowed(column);
            let count = new.iter().map(|code| usize::from(*code) + 1).max().unwrap_or(1);
            for (row, code) in column.codes.iter().enumerate() {
                codes[row * columns.len() + place] = new[usize::from(*code)];
            }
            kept.push((count, column.ordered));
            starts.push(bins);
            bins += count;
        }
        Self {
            codes,
            columns: kept,
            starts,
            bins,
        }
    }

    /// Whether there is nothing to grow trees on.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    fn of(&self, row: u32) -> &[u8] {
        let width = self.columns.len();
        &self.codes[row as usize * width..(row as usize + 1) * width]
    }

    /// Grows trees round by round. After each, `heard` is told the round (from 0) and the logarithms of the probabilities of the rows `wanted`
    /// (wanted x classes), and says whether to go on.
    pub fn boost(&self, wanted: &[u32], train: &Grown<'_>, growth: &Growth, heard: &mut dyn FnMut(usize, &[f64]) -> ControlFlow<()>) {
        let (classes, outputs) = (train.classes, trees_a_round(train.classes));
        let label = |row: &u32| usize::from(train.labels[*row as usize]);
        let mut counts = vec![1.0_f64; classes];
        train.rows.iter().for_each(|row| counts[label(row)] += 1.0);
        let all: f64 = counts.iter().sum();
        let start: Vec<f64> = match outputs {
            1 => vec![(counts[1] / counts[0]).ln()],
            _ => counts.iter().map(|count| (count / all).ln()).collect(),
        };
        let mut own: Vec<f64> = train.rows.iter().flat_map(|_| start.iter().copied()).collect();
        let mut others: Vec<f64> = wanted.iter().flat_map(|_| start.iter().copied()).collect();
        let mut logs = vec![0.0; wanted.len() * classes];
        let mut chances = vec![0.0; train.rows.len() * classes];
        for round in 0..growth.rounds(classes) {
            for (chances, scores) in chances.chunks_exact_mut(classes).zip(own.chunks_exact(outputs)) {
                log_softmax(scores, chances);
                chances.iter_mut().for_each(|chance| *chance = chance.exp());
            }
            let chances = &chances;
            let grown: Vec<(Tree, Vec<f64>)> = (0..outputs)
                .into_par_iter()
                .map(|output| {
                    let class = if outputs == 1 { 1 } else { output };
                    let slope = |(place, row): (usize, &u32)| {
                        let chance = chances[place * classes + class];
                        let is = f64::from(u8::from(label(row) == class));
                        ((chance - is) as f32, (chance * (1.0 - chance)).max(1e-6) as f32)
                    };
                    let slopes: Vec<(f32, f32)> = train.rows.iter().enumerate().map(slope).collect();
                    self.grow(train.rows, &slopes, growth)
                })
                .collect();
            for (output, (tree, steps)) in grown.iter().enumerate() {
                for (scores, step) in own.chunks_exact_mut(outputs).zip(steps) {
                    scores[output] += step;
                }
                for (scores, row) in others.chunks_exact_mut(outputs).zip(wanted) {
                    scores[output] += tree.value(self.of(*row));
                }
            }
            for (logs, scores) in logs.chunks_exact_mut(classes).zip(others.chunks_exact(outputs)) {
                log_softmax(scores, logs);
            }
            if heard(round, &logs).is_break() {
                return;
            }
        }
    }

    /// What trees say of the rows `wanted` over all rounds: the geometric mean of the probabilities after every `every`th round, as logarithms
    /// (wanted x classes, not quite normalised). Early rounds count, too: rows that a late tree comes to believe were doubted before, as in the
    /// mean margin over training (Pleiss et al. 2020).
    pub fn mean_over_rounds(&self, wanted: &[u32], train: &Grown<'_>, growth: &Growth, every: usize) -> Vec<f64> {
        let mut said = vec![0.0; wanted.len() * train.classes];
        let mut heard = 0.0;
        self.boost(wanted, train, growth, &mut |round, logs| {
            if round % every == every - 1 {
                heard += 1.0;
                said.iter_mut().zip(logs).for_each(|(said, log)| *said += log);
            }
            ControlFlow::Continue(())
        });
        said.iter_mut().for_each(|said| *said /= heard);
        said
    }

    /// One tree, and the step of every training row.
    fn grow(&self, train: &[u32], slopes: &[(f32, f32)], growth: &Growth) -> (Tree, Vec<f64>) {
        let fewest = FEWEST_IN_LEAF.min(train.len() / 20).max(1);
        let mut tree = Tree {
            nodes: vec![Node::Leaf(0.0)],
        };
        let root: Vec<u32> = (0..train.len() as u32).collect();
        let mut open = vec![Leaf::new(self, 0, root, None, train, slopes, fewest)];
        while open.len() < growth.leaves {
            let Some(best) = (0..open.len()).max_by(|a, b| open[*a].gain().total_cmp(&open[*b].gain()).then(b.cmp(a))) else {
                break;
            };
            let Some(split) = open[best].split.take() else { break };
            let leaf = open.swap_remove(best);
            let width = self.columns.len();
            let goes_left = |place: &u32| split.left.holds(self.codes[train[*place as usize] as usize * width + split.column]);
            let (left, right): (Vec<u32>, Vec<u32>) = leaf.places.iter().copied().partition(goes_left);
            let first = tree.nodes.len();
            tree.nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
            tree.nodes[leaf.node] = Node::Split {
                column: split.column,
                left: split.left,
                first,
            };
            // The larger part's histogram is what the smaller one leaves of the whole.
            let smaller_is_left = left.len() <= right.len();
            let (small, large) = if smaller_is_left { (left, right) } else { (right, left) };
            let (small_node, large_node) = if smaller_is_left { (first, first + 1) } else { (first + 1, first) };
            let small = Leaf::new(self, small_node, small, None, train, slopes, fewest);
            let mut rest = leaf.histogram;
            rest.iter_mut().zip(&small.histogram).for_each(|(all, part)| {
                all.0 -= part.0;
                all.1 -= part.1;
                all.2 -= part.2;
            });
            let large = Leaf::new(self, large_node, large, Some(rest), train, slopes, fewest);
            open.extend([small, large]);
        }
        let mut steps = vec![0.0; train.len()];
        for leaf in &open {
            let (slope, curve) = leaf
                .places
                .iter()
                .map(|place| slopes[*place as usize])
                .fold((0.0, 0.0), |(slope, curve), next| {
                    (slope + f64::from(next.0), curve + f64::from(next.1))
                });
            let value = -growth.rate * slope / (curve + LEAF_RIDGE);
            tree.nodes[leaf.node] = Node::Leaf(value);
            leaf.places.iter().for_each(|place| steps[*place as usize] = value);
        }
        (tree, steps)
    }
}

/// The bin of every code of a column; rarer values beyond the 254 most frequent share the one before the blanks.
fn narrowed(column: &Binned<'_>) -> Vec<u8> {
    let count = column.bins + 1;
    if count <= MOST_BINS {
        return (0..count).map(|code| code as u8).collect();
    }
    let mut frequent: Vec<(usize, usize)> = (0..count).map(|code| (0, code)).collect();
    column.codes.iter().for_each(|code| frequent[usize::from(*code)].0 += 1);
    let blank = frequent.pop();
    frequent.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut new = vec![(MOST_BINS - 2) as u8; count];
    for (place, (_, code)) in frequent.iter().take(MOST_BINS - 2).enumerate() {
        new[*code] = place as u8;
    }
    if let Some((_, code)) = blank {
        new[code] = (MOST_BINS - 1) as u8;
    }
    new
}

/// Logarithms of the classes' probabilities; one score is the log-odds of the second of two classes.
fn log_softmax(scores: &[f64], logs: &mut [f64]) {
    if let [odds] = scores {
        let soft_plus = |value: f64| value.max(0.0) + (-value.abs()).exp().ln_1p();
        logs[0] = -soft_plus(*odds);
        logs[1] = -soft_plus(-*odds);
        return;
    }
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all = scores.iter().map(|score| (score - most).exp()).sum::<f64>().ln() + most;
    logs.iter_mut().zip(scores).for_each(|(log, score)| *log = score - all);
}

/// Sum of slopes, of curvatures, and rows.
type Cell = (f64, f64, f64);

/// A set of bins of one column.
#[derive(Clone, Copy, Default)]
struct Codes([u64; 4]);

impl Codes {
    fn add(&mut self, code: usize) {
        self.0[code / 64] |= 1 << (code % 64);
    }

    fn holds(&self, code: u8) -> bool {
        self.0[usize::from(code) / 64] >> (code % 64) & 1 == 1
    }
}

enum Node {
    Leaf(f64),
    /// The second node of the two is `first + 1`.
    Split {
        column: usize,
        left: Codes,
        first: usize,
    },
}

struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    fn value(&self, codes: &[u8]) -> f64 {
        let mut node = 0;
        loop {
            match &self.nodes[node] {
                Node::Leaf(value) => return *value,
                Node::Split { column, left, first } => node = first + usize::from(!left.holds(codes[*column])),
            }
        }
    }
}

struct Split {
    column: usize,
    left: Codes,
    gain: f64,
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    /// Places of its rows among the training rows.
    places: Vec<u32>,
    histogram: Vec<Cell>,
    split: Option<Split>,
}

impl Leaf {
    fn new(
        sheet: &Sheet,
        node: usize,
        places: Vec<u32>,
        histogram: Option<Vec<Cell>>,
        train: &[u32],
        slopes: &[(f32, f32)],
        fewest: usize,
    ) -> Self {
        let histogram = histogram.unwrap_or_else(|| {
            let mut cells = vec![(0.0, 0.0, 0.0); sheet.bins];
            for place in &places {
                let (slope, curve) = slopes[*place as usize];
                for (start, code) in sheet.starts.iter().zip(sheet.of(train[*place as usize])) {
                    let cell = &mut cells[start + usize::from(*code)];
                    cell.0 += f64::from(slope);
                    cell.1 += f64::from(curve);
                    cell.2 += 1.0;
                }
            }
            cells
        });
        let split = match places.len() >= 2 * fewest {
            true => (0..sheet.columns.len())
                .filter_map(|column| best_split(sheet, column, &histogram, fewest as f64))
                .reduce(|best, next| if next.gain > best.gain { next } else { best }),
            false => None,
        };
        Self {
            node,
            places,
            histogram,
            split,
        }
    }

    fn gain(&self) -> f64 {
        self.split.as_ref().map_or(f64::NEG_INFINITY, |split| split.gain)
    }
}

/// The cut of a column that lowers the loss most, by its second-order expansion; absent where none does.
fn best_split(sheet: &Sheet, column: usize, histogram: &[Cell], fewest: f64) -> Option<Split> {
    let (count, ordered) = sheet.columns[column];
    let cells = &histogram[sheet.starts[column]..sheet.starts[column] + count];
    let mut order: Vec<usize> = (0..count).filter(|code| cells[*code].2 > 0.5).collect();
    if !ordered {
        let steepness = |code: &usize| cells[*code].0 / (cells[*code].1 + CATEGORY_RIDGE);
        order.sort_by(|a, b| steepness(a).total_cmp(&steepness(b)).then(a.cmp(b)));
    }
    let all = order.iter().fold((0.0, 0.0, 0.0), |sum: Cell, code| {
        (sum.0 + cells[*code].0, sum.1 + cells[*code].1, sum.2 + cells[*code].2)
    });
    let worth = |slope: f64, curve: f64| slope * slope / (curve + LEAF_RIDGE);
    let (mut slope, mut curve, mut rows) = (0.0, 0.0, 0.0);
    let mut best: Option<(usize, f64)> = None;
    for (place, code) in order.iter().enumerate() {
        slope += cells[*code].0;
        curve += cells[*code].1;
        rows += cells[*code].2;
        if rows < fewest {
            continue;
        }
        if all.2 - rows < fewest {
            break;
        }
        let gain = worth(slope, curve) + worth(all.0 - slope, all.1 - curve) - worth(all.0, all.1);
        if gain > best.map_or(1e-9, |(_, gain)| gain) {
            best = Some((place, gain));
        }
    }
    best.map(|(place, gain)| {
        let mut left = Codes::default();
        order[..=place].iter().for_each(|code| left.add(*code));
        Split { column, left, gain }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    const ROWS: usize = 1_200;

    const GROWTH: Growth = Growth {
        rounds: 60,
        rate: 0.1,
        leaves: 15,
    };

    /// A category of 300 values, of which the even ones mean class 1 where the number is above 20 and class 0 elsewhere.
    fn sheet(classes: usize) -> (Sheet, Vec<u8>) {
        let mut rng = Seed(40).stream("trees", classes as u64);
        let mut draw = |values: u16| (0..ROWS).map(|_| rng.random_range(0..values)).collect::<Vec<u16>>();
        let (places, numbers) = (draw(300), draw(40));
        let labels = places
            .iter()
            .zip(&numbers)
            .map(|(place, number)| {
                let right = u8::from(place % 2 == 0 && *number > 20);
                if classes == 3 && *number < 5 { 2 } else { right }
            })
            .collect();
        let column = |codes, bins, ordered| Binned { codes, bins, ordered };
        (Sheet::new(&[column(&places, 300, false), column(&numbers, 40, true)], ROWS), labels)
    }

    #[test]
    fn trees_learn_what_needs_two_columns_and_say_it_of_other_rows() {
        for classes in [2, 3] {
            let (sheet, labels) = sheet(classes);
            let (train, wanted): (Vec<u32>, Vec<u32>) = (0..ROWS as u32).partition(|row| row % 4 > 0);
            let train = Grown {
                rows: &train,
                labels: &labels,
                classes,
            };
            let said = sheet.mean_over_rounds(&wanted, &train, &GROWTH, 6);
            let hits = wanted.iter().zip(said.chunks_exact(classes)).filter(|(row, said)| {
                let likeliest = (0..classes).max_by(|a, b| said[*a].total_cmp(&said[*b])).unwrap();
                likeliest == usize::from(labels[**row as usize])
            });
            let share = hits.count() as f64 / wanted.len() as f64;
            let most = (0..classes)
                .map(|class| wanted.iter().filter(|row| usize::from(labels[**row as usize]) == class).count())
                .max()
                .unwrap() as f64
                / wanted.len() as f64;
            assert!(share > most + 0.08, "{classes} classes: {share} of them, {most} are of one class");
            // Geometric means of probabilities sum to at most one.
            assert!(said.chunks_exact(classes).all(|said| {
                let all: f64 = said.iter().map(|said| said.exp()).sum();
                (0.5..1.0 + 1e-9).contains(&all)
            }));
        }
    }

    #[test]
    fn rounds_end_where_the_listener_says_so_and_their_probabilities_sum_to_one() {
        let (sheet, labels) = sheet(3);
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        let train = Grown {
            rows: &rows,
            labels: &labels,
            classes: 3,
        };
        let mut heard = Vec::new();
        sheet.boost(&rows[..50], &train, &GROWTH, &mut |round, logs| {
            let sums = logs.chunks_exact(3).map(|logs| logs.iter().map(|log| log.exp()).sum::<f64>());
            assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-9));
            heard.push(round);
            if round == 4 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert_eq!(heard, [0, 1, 2, 3, 4]);
        // Every class takes a tree a round: with many classes there are fewer rounds.
        assert_eq!([2, 3, 10, 30].map(|classes| GROWTH.rounds(classes)), [60, 60, 30, 18]);
    }

    #[test]
    fn a_histogram_of_the_larger_part_is_what_the_smaller_leaves() {
        let (sheet, labels) = sheet(2);
        let train: Vec<u32> = (0..ROWS as u32).collect();
        let slopes: Vec<(f32, f32)> = labels.iter().map(|label| (0.5 - f32::from(*label), 0.25)).collect();
        let (tree, steps) = sheet.grow(&train, &slopes, &GROWTH);
        // Every row's step is the value of the leaf that the tree sends it to.
        assert!(train.iter().all(|row| steps[*row as usize] == tree.value(sheet.of(*row))));
        let leaves = tree.nodes.iter().filter(|node| matches!(node, Node::Leaf(_))).count();
        assert!((2..=GROWTH.leaves).contains(&leaves), "{leaves}");
    }

    #[test]
    fn rare_values_beyond_a_byte_share_a_bin_and_blanks_keep_theirs() {
        let values = 400_u16;
        let codes: Vec<u16> = (0..2_000)
            .map(|row| if row < 1_200 { row % 100 } else { row % values })
            .chain([values])
            .collect();
        let column = Binned {
            codes: &codes,
            bins: usize::from(values),
            ordered: false,
        };
        let new = narrowed(&column);
        assert_eq!((new.len(), new[usize::from(values)]), (401, 255));
        assert!(new[..100].iter().all(|bin| *bin < 100), "frequent ones first");
        assert!(new[100..400].iter().filter(|bin| **bin == 254).count() == 400 - 254);
    }
}
