//! Directions along which known images lie apart from the rest, known ones out of fold.

use crate::nn::images::ImageShape;

/// Which fold each known one is in; the known ones stand first.
pub(super) struct Folds {
    pub fold_of: Vec<usize>,
    pub folds: usize,
}

/// Share of each covariance that is dropped: with hundreds of features and tens of known images, directions of chance would win.
const SHRINKAGE: f64 = 0.9;

/// Scores of rows of `width` values along the whitened difference between the known ones and the rest: fitted without a known one's fold for
/// it, with all of them for the rest. In deviations of the rest from its median.
pub(super) fn whitened(values: &[f64], width: usize, folds: &Folds) -> Vec<f64> {
    let known = folds.fold_of.len();
    let (of_known, rest) = values.split_at(known * width);
    let mean_of_rest = mean(rest.chunks_exact(width), width);
    let factor = cholesky(covariance(rest, &mean_of_rest, width), width);
    // The last direction is that of all known ones.
    let directions: Vec<Vec<f64>> = (0..=folds.folds)
        .map(|fold| {
            let others = of_known.chunks_exact(width).zip(&folds.fold_of).filter(|(_, own)| **own != fold);
            let own = mean(others.map(|(row, _)| row), width);
            let difference: Vec<f64> = own.iter().zip(&mean_of_rest).map(|(own, rest)| own - rest).collect();
            solve(&factor, difference, width)
        })
        .collect();
    let along = |direction: &[f64], row: &[f64]| -> f64 { direction.iter().zip(row).map(|(one, other)| one * other).sum() };
    let scores: Vec<Vec<f64>> = values
        .chunks_exact(width)
        .map(|row| directions.iter().map(|direction| along(direction, row)).collect())
        .collect();
    standardised(&scores, folds)
}

/// One score a row out of one for each direction (folds, then all): a known one's is that of its fold; in deviations of the rest from its
/// median along the same direction.
pub(super) fn standardised(scores: &[Vec<f64>], folds: &Folds) -> Vec<f64> {
    let known = folds.fold_of.len();
    let spread: Vec<(f64, f64)> = (0..=folds.folds)
        .map(|direction| middle_and_deviation(&scores[known..].iter().map(|row| row[direction]).collect::<Vec<f64>>()))
        .collect();
    let direction_of = |place: usize| folds.fold_of.get(place).copied().unwrap_or(folds.folds);
    let each = scores.iter().enumerate();
    each.map(|(place, row)| {
        let (middle, deviation) = spread[direction_of(place)];
        (row[direction_of(place)] - middle) / deviation
    })
    .collect()
}

/// Several scores as one, each weighed by how far it sets the known ones (which stand first) apart.
pub(super) fn combined(scores: &[Vec<f64>], known: usize) -> Vec<f64> {
    let weight = |scores: &Vec<f64>| {
        let (middle, deviation) = middle_and_deviation(&scores[..known]);
        middle.max(0.0) / (0.5 * (deviation * deviation + 1.0))
    };
    let weights: Vec<f64> = scores.iter().map(weight).collect();
    let rows = scores.first().map_or(0, Vec::len);
    (0..rows)
        .map(|row| scores.iter().zip(&weights).map(|(scores, weight)| weight * scores[row]).sum())
        .collect()
}

/// Median, and 1.4826 times the median distance from it, which is the standard deviation of a normal distribution; never 0.
pub(super) fn middle_and_deviation(values: &[f64]) -> (f64, f64) {
    let median = |mut values: Vec<f64>| {
        let middle = values.len() / 2;
        if values.is_empty() {
            return 0.0;
        }
        *values.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let middle = median(values.to_vec());
    let distance = median(values.iter().map(|value| (value - middle).abs()).collect());
    (middle, (1.4826 * distance).max(1e-9 * (1.0 + middle.abs())))
}

fn mean<'r>(rows: impl Iterator<Item = &'r [f64]>, width: usize) -> Vec<f64> {
    let (mut sum, mut count) = (vec![0.0; width], 0_usize);
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        count += 1;
    }
    sum.iter_mut().for_each(|sum| *sum /= count.max(1) as f64);
    sum
}

/// Lower triangle of the covariance, row-major, shrunk towards a multiple of the identity.
fn covariance(rows: &[f64], mean: &[f64], width: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; width * width];
    let count = (rows.len() / width).max(1) as f64;
    let mut centred = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        for ((centred, value), mean) in centred.iter_mut().zip(row).zip(mean) {
            *centred = value - mean;
        }
        for first in 0..width {
            let own = centred[first];
            for (into, other) in matrix[first * width..=first * width + first].iter_mut().zip(&centred) {
                *into += own * other / count;
            }
        }
    }
    // Each value in its own unit: loss and features are not of one size.
    let scale: Vec<f64> = (0..width).map(|at| matrix[at * width + at].max(1e-12)).collect();
    for first in 0..width {
        for second in 0..first {
            matrix[first * width + second] *= 1.0 - SHRINKAGE;
        }
        matrix[first * width + first] = scale[first];
    }
    matrix
}

/// Lower triangular L with L L' = the matrix (of which the lower triangle is read).
fn cholesky(mut matrix: Vec<f64>, width: usize) -> Vec<f64> {
    for column in 0..width {
        for row in column..width {
            let products: f64 = (0..column).map(|at| matrix[row * width + at] * matrix[column * width + at]).sum();
            let left = matrix[row * width + column] - products;
            matrix[row * width + column] = if row == column {
                left.max(1e-12).sqrt()
            } else {
                left / matrix[column * width + column]
            };
        }
    }
    matrix
}

/// x with L L' x = the right side.
fn solve(factor: &[f64], mut right: Vec<f64>, width: usize) -> Vec<f64> {
    for row in 0..width {
        let products: f64 = (0..row).map(|at| factor[row * width + at] * right[at]).sum();
        right[row] = (right[row] - products) / factor[row * width + row];
    }
    for row in (0..width).rev() {
        let products: f64 = (row + 1..width).map(|at| factor[at * width + row] * right[at]).sum();
        right[row] = (right[row] - products) / factor[row * width + row];
    }
    right
}

/// Every value less the mean of the 3 x 3 values around it: what is left of a natural image is small, what is left of a pattern is not.
pub(super) fn sharpened(image: &[f32], shape: ImageShape) -> Vec<f32> {
    let (height, width) = (shape.height, shape.width);
    let mut sharp = Vec::with_capacity(image.len());
    for plane in image.chunks_exact(shape.plane()) {
        for row in 0..height {
            for column in 0..width {
                let (mut sum, mut count) = (0.0, 0.0);
                for near in row.saturating_sub(1)..(row + 2).min(height) {
                    for beside in column.saturating_sub(1)..(column + 2).min(width) {
                        sum += plane[near * width + beside];
                        count += 1.0;
                    }
                }
                sharp.push(plane[row * width + column] - sum / count);
            }
        }
    }
    sharp
}

/// Differences of the known ones from the rest, each value by its variance: for more values than can be whitened.
pub(super) struct Directions<'f> {
    folds: &'f Folds,
    /// Sums of each fold, and of the rest.
    sums: Vec<Vec<f64>>,
    squares: Vec<f64>,
    counts: Vec<usize>,
    directions: Vec<Vec<f32>>,
}

impl<'f> Directions<'f> {
    pub fn new(width: usize, folds: &'f Folds) -> Self {
        Self {
            folds,
            sums: vec![vec![0.0; width]; folds.folds + 1],
            squares: vec![0.0; width],
            counts: vec![0; folds.folds + 1],
            directions: Vec::new(),
        }
    }

    /// Takes an image in.
    pub fn learn(&mut self, place: usize, values: &[f32]) {
        let part = self.folds.fold_of.get(place).copied().unwrap_or(self.folds.folds);
        self.counts[part] += 1;
        for (sum, value) in self.sums[part].iter_mut().zip(values) {
            *sum += f64::from(*value);
        }
        if part == self.folds.folds {
            for (square, value) in self.squares.iter_mut().zip(values) {
                *square += f64::from(*value) * f64::from(*value);
            }
        }
    }

    /// Once all are taken in.
    pub fn finish(&mut self) {
        let folds = self.folds.folds;
        let rest = self.counts[folds].max(1) as f64;
        let direction = |left_out: usize| -> Vec<f32> {
            let parts = || (0..folds).filter(|fold| *fold != left_out);
            let known: usize = parts().map(|fold| self.counts[fold]).sum();
            (0..self.squares.len())
                .map(|at| {
                    let mean = self.sums[folds][at] / rest;
                    let variance = (self.squares[at] / rest - mean * mean).max(1e-6);
                    let own: f64 = parts().map(|fold| self.sums[fold][at]).sum::<f64>() / known.max(1) as f64;
                    // A difference no larger than so few known ones make by chance says nothing.
                    let (difference, chance) = (own - mean, 2.0 * (variance / known.max(1) as f64).sqrt());
                    let kept = difference.signum() * (difference.abs() - chance).max(0.0);
                    (kept / variance) as f32
                })
                .collect()
        };
        self.directions = (0..=folds).map(direction).collect();
    }

    /// Score of an image along every direction; only a known one's own fold and the last one are looked at.
    pub fn scores(&self, place: usize, values: &[f32]) -> Vec<f64> {
        let own = self.folds.fold_of.get(place);
        let each = self.directions.iter().enumerate();
        each.map(|(fold, direction)| {
            if own.is_some_and(|own| *own != fold) {
                return 0.0;
            }
            direction.iter().zip(values).map(|(one, other)| f64::from(one * other)).sum()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solved_system_gives_back_its_right_side() {
        let matrix = [4.0, 0.0, 0.0, 2.0, 5.0, 0.0, -1.0, 0.5, 3.0];
        let full = [4.0, 2.0, -1.0, 2.0, 5.0, 0.5, -1.0, 0.5, 3.0];
        let found = solve(&cholesky(matrix.to_vec(), 3), vec![1.0, -2.0, 0.5], 3);
        for (row, expected) in full.chunks(3).zip([1.0, -2.0, 0.5]) {
            let sum: f64 = row.iter().zip(&found).map(|(one, other)| one * other).sum();
            assert!((sum - expected).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn an_even_image_is_nothing_once_sharpened_and_a_single_pixel_stands_out() {
        let shape = ImageShape::new(1, 3, 3);
        assert!(sharpened(&[2.0; 9], shape).iter().all(|value| value.abs() < 1e-6));
        let mut image = [0.0; 9];
        image[4] = 9.0;
        assert_eq!(sharpened(&image, shape)[4], 8.0);
    }

    #[test]
    fn the_middle_does_not_follow_a_few_far_values() {
        let (middle, deviation) = middle_and_deviation(&[1.0, 2.0, 3.0, 4.0, 1e9]);
        assert_eq!((middle, deviation), (3.0, 1.4826));
        assert!(middle_and_deviation(&[5.0, 5.0]).1 > 0.0 && middle_and_deviation(&[]).1 > 0.0);
    }
}
