//! The loops that take the time, and the only `unsafe` code of the crate beside `cuda/driver.rs` (with `--features cuda`).
//!
//! # Why there is `unsafe` here, and why it is sound
//! - `gemm` takes raw pointers. [`multiply`] checks, before the call, that the last element each matrix can touch lies within
//!   its slice; the output is an exclusive borrow, so nothing else can see it.
//! - The elementwise loops are plain safe Rust, compiled three times: for any processor, for AVX2, for AVX-512. Calling a
//!   function compiled for instructions that the processor may lack is what the language calls unsafe; `dispatched!` calls
//!   one only after `is_x86_feature_detected!` has found every feature it is compiled for.
//!
//! # Layout
//! Rows of the data are worked on in chunks of at most [`CHUNK`]. A chunk holds a matrix feature by feature: the values of
//! one feature for all rows of the chunk lie side by side, and the next feature starts [`STRIDE`] elements later. Sums over
//! rows are then sums over neighbours, and what belongs to a feature (mean, weight) is one number in the inner loop.
//!
//! Multiplications and additions in the loops are never contracted, so they give the same bits at every level.

use super::real::Real;

/// Rows of a chunk. Results depend on it (sums are combined chunk by chunk), so it is a constant and no tuning knob.
pub(super) const CHUNK: usize = 512;

/// From one feature of a chunk to the next. A little more than [`CHUNK`]: at a power of two the features would compete for the
/// same few lines of the cache.
pub(super) const STRIDE: usize = CHUNK + 16;

/// Numbers that a loop handles at once; the compiler makes vector instructions of operations on arrays of this size.
const PACK: usize = 8;

/// Packs of independent partial sums in a reduction over rows: enough to hide the latency of additions.
const PARTIAL: usize = 4;

/// Features that are gathered at a time.
const GATHERED: usize = 16;

/// A view of a matrix for [`multiply`]: element (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub data: &'a [T],
    pub rows: usize,
    pub columns: usize,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A chunk's matrix, features side by side: `rows` of the chunk x `features`.
    pub fn chunk(data: &'a [T], rows: usize, features: usize) -> Self {
        Self {
            data,
            rows,
            columns: features,
            row_stride: 1,
            column_stride: STRIDE,
        }
    }

    /// A row-major matrix without gaps.
    pub fn row_major(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// Rows and columns swapped.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// The index of the last element of a matrix, if it has any.
fn last_index(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> Option<usize> {
    if rows == 0 || columns == 0 {
        return None;
    }
    (rows - 1)
        .checked_mul(row_stride)
        .zip((columns - 1).checked_mul(column_stride))
        .and_then(|(down, across)| down.checked_add(across))
        .or(Some(usize::MAX))
}

/// `out = keep * out + left x right`, on the calling thread. With `keep` 0 the old content of `out` is not read.
/// `out` is `left.rows` x `right.columns`, element (i, j) at `i * out_strides.0 + j * out_strides.1`.
///
/// # Panics
/// Where the shapes do not fit each other or a matrix reaches beyond its slice, which would be a fault of this room.
pub(crate) fn multiply<T: Real>(out: &mut [T], out_strides: (usize, usize), keep: T, left: Matrix<T>, right: Matrix<T>) {
    assert_eq!(left.columns, right.rows, "inner dimensions differ");
    let (rows, columns) = (left.rows, right.columns);
    let within = |last: Option<usize>, len: usize| last.is_none_or(|last| last < len && last < isize::MAX as usize);
    assert!(within(last_index(rows, columns, out_strides.0, out_strides.1), out.len()));
    for matrix in [left, right] {
        let last = last_index(matrix.rows, matrix.columns, matrix.row_stride, matrix.column_stride);
        assert!(within(last, matrix.data.len()));
    }
    // SAFETY: every index the call can form, i * row_stride + j * column_stride with i < rows and j < columns, is at most the
    // last index checked above and so lies in its slice; `out` is borrowed exclusively, hence overlaps neither input. `T` is
    // f32 or f64 (sealed), both of which gemm knows, and any bit pattern of which is valid. With `read_dst` false gemm
    // does not read `out`.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            left.columns,
            out.as_mut_ptr(),
            out_strides.1 as isize,
            out_strides.0 as isize,
            keep != T::ZERO,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            keep,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// What the processor offers, found once.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Plain,
    Avx2,
    Avx512,
}

#[cfg(target_arch = "x86_64")]
pub(super) fn level() -> Level {
    static FOUND: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
    *FOUND.get_or_init(|| {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq") {
            Level::Avx512
        } else if is_x86_feature_detected!("avx2") {
            Level::Avx2
        } else {
            Level::Plain
        }
    })
}

/// Whether one register of the processor holds this many numbers.
#[inline(always)]
pub(super) fn registers_hold<T>(numbers: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        level() == Level::Avx512 && numbers * size_of::<T>() <= 64
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = numbers;
        false
    }
}

/// Defines a function whose body is compiled for several instruction sets, the best of which is taken at run time.
macro_rules! dispatched {
    ($($(#[$note:meta])* pub(super) fn $name:ident<T: Real>($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$note])*
        #[allow(clippy::too_many_arguments, unsafe_code)]
        pub(super) fn $name<T: Real>($($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body<T: Real>($($argument: $kind),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn avx2<T: Real>($($argument: $kind),*) $(-> $result)? {
                    body($($argument),*)
                }
                #[target_feature(enable = "avx2,avx512f,avx512vl,avx512dq")]
                #[allow(clippy::too_many_arguments)]
                fn avx512<T: Real>($($argument: $kind),*) $(-> $result)? {
                    body($($argument),*)
                }
                match $crate::nn::kernels::level() {
                    $crate::nn::kernels::Level::Plain => {}
                    // SAFETY: `level` has found the features that this copy is compiled for.
                    $crate::nn::kernels::Level::Avx2 => return unsafe { avx2($($argument),*) },
                    // SAFETY: as above.
                    $crate::nn::kernels::Level::Avx512 => return unsafe { avx512($($argument),*) },
                }
            }
            body($($argument),*)
        }
    )*};
}
pub(super) use dispatched;

/// One number after another, `PACK` at a time.
#[inline(always)]
fn pack<T: Real>(of: impl Fn(usize) -> T) -> [T; PACK] {
    let mut values = [T::ZERO; PACK];
    for (lane, value) in values.iter_mut().enumerate() {
        *value = of(lane);
    }
    values
}

/// Adds one pack to another.
#[inline(always)]
fn add<T: Real>(sum: &mut [T; PACK], values: [T; PACK]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Sum over two columns of equal length of what `term` makes of each pair of values, in interleaved partial sums that are
/// added up pairwise: the order depends on the length alone.
#[inline(always)]
pub(super) fn sum_of_pairs<T: Real>(first: &[T], second: &[T], term: impl Fn(T, T) -> T) -> T {
    let mut partial = [[T::ZERO; PACK]; PARTIAL];
    let (packs, rest) = first.as_chunks::<PACK>();
    let (others, other_rest) = second.as_chunks::<PACK>();
    for (place, (values, other)) in packs.iter().zip(others).enumerate() {
        add(&mut partial[place % PARTIAL], pack(|lane| term(values[lane], other[lane])));
    }
    let mut sum = fold(partial);
    for (value, other) in rest.iter().zip(other_rest) {
        sum += term(*value, *other);
    }
    sum
}

/// The same over one column.
#[inline(always)]
pub(super) fn sum_of<T: Real>(column: &[T], term: impl Fn(T) -> T) -> T {
    sum_of_pairs(column, column, |value, _same| term(value))
}

/// Adds up partial sums pairwise.
#[inline(always)]
fn fold<T: Real>(mut partial: [[T; PACK]; PARTIAL]) -> T {
    let mut count = PARTIAL / 2;
    while count > 0 {
        for place in 0..count {
            let other = partial[place + count];
            add(&mut partial[place], other);
        }
        count /= 2;
    }
    let [mut lanes, ..] = partial;
    let mut width = PACK / 2;
    while width > 0 {
        for lane in 0..width {
            let other = lanes[lane + width];
            lanes[lane] += other;
        }
        width /= 2;
    }
    lanes[0]
}

dispatched! {
    /// Copies rows `rows` (row-major, `width` wide) into a chunk, feature by feature; a few features at a time, so that the
    /// places written to stay in the nearest cache.
    pub(super) fn gather<T: Real>(chunk: &mut [T], inputs: &[T], width: usize, rows: &[u32]) {
        for (block, columns) in chunk.chunks_mut(GATHERED * STRIDE).take(width.div_ceil(GATHERED)).enumerate() {
            let start = block * GATHERED;
            let features = GATHERED.min(width - start);
            for (place, &row) in rows.iter().enumerate() {
                let from = &inputs[row as usize * width + start..][..features];
                for (feature, value) in from.iter().enumerate() {
                    columns[feature * STRIDE + place] = *value;
                }
            }
        }
    }

    /// Mean, and sum of squared deviations from it, of each feature of a chunk of `rows` rows.
    pub(super) fn moments<T: Real>(values: &[T], rows: usize, means: &mut [T], squares: &mut [T]) {
        let count = T::from_f64(rows as f64);
        for ((column, mean_out), square_out) in values.chunks(STRIDE).zip(means).zip(squares) {
            let column = &column[..rows];
            let mean = sum_of(column, |value| value) / count;
            *mean_out = mean;
            *square_out = sum_of(column, |value| (value - mean) * (value - mean));
        }
    }

    /// Batch norm and ReLU (a NaN passes, as in PyTorch): `values` becomes xhat = (value - mean) * inverse; `outputs` becomes max(weight * xhat + bias, 0).
    pub(super) fn normalise<T: Real>(values: &mut [T], outputs: &mut [T], rows: usize, means: &[T], inverses: &[T], weights: &[T], biases: &[T]) {
        for (feature, (column, output)) in values.chunks_mut(STRIDE).zip(outputs.chunks_mut(STRIDE)).take(means.len()).enumerate() {
            let (mean, inverse, weight, bias) = (means[feature], inverses[feature], weights[feature], biases[feature]);
            for (value, output) in column[..rows].iter_mut().zip(&mut output[..rows]) {
                let normal = (*value - mean) * inverse;
                *value = normal;
                let result = weight * normal + bias;
                *output = if result < T::ZERO { T::ZERO } else { result };
            }
        }
    }

    /// The same in one step where xhat is not needed: `values` becomes max(value * scale + shift, 0).
    pub(super) fn scale_shift_relu<T: Real>(values: &mut [T], rows: usize, scales: &[T], shifts: &[T]) {
        for (column, (&scale, &shift)) in values.chunks_mut(STRIDE).zip(scales.iter().zip(shifts)) {
            for value in &mut column[..rows] {
                let result = *value * scale + shift;
                *value = if result < T::ZERO { T::ZERO } else { result };
            }
        }
    }

    /// Backward through ReLU, and the sums batch norm needs: `deltas` becomes dy = delta where weight * xhat + bias > 0, else 0;
    /// `sums` the sum of dy over the rows (the gradient of batch norm's bias), `products` that of dy * xhat (of its weight).
    pub(super) fn mask_and_sum<T: Real>(deltas: &mut [T], normals: &[T], rows: usize, weights: &[T], biases: &[T], sums: &mut [T], products: &mut [T]) {
        for (feature, (delta, normal)) in deltas.chunks_mut(STRIDE).zip(normals.chunks(STRIDE)).take(weights.len()).enumerate() {
            let (weight, bias) = (weights[feature], biases[feature]);
            let pass = |delta: T, normal: T| if weight * normal + bias > T::ZERO { delta } else { T::ZERO };
            let (mut sum, mut product) = ([[T::ZERO; PACK]; PARTIAL], [[T::ZERO; PACK]; PARTIAL]);
            let (packs, rest) = delta[..rows].as_chunks_mut::<PACK>();
            let (others, other_rest) = normal[..rows].as_chunks::<PACK>();
            for (place, (delta, normal)) in packs.iter_mut().zip(others).enumerate() {
                // By way of a copy: a choice written back in place would be compiled to masked stores, which are slow.
                let passed = pack(|lane| pass(delta[lane], normal[lane]));
                add(&mut sum[place % PARTIAL], passed);
                add(&mut product[place % PARTIAL], pack(|lane| passed[lane] * normal[lane]));
                *delta = passed;
            }
            (sums[feature], products[feature]) = (fold(sum), fold(product));
            for (delta, normal) in rest.iter_mut().zip(other_rest) {
                *delta = pass(*delta, *normal);
                sums[feature] += *delta;
                products[feature] += *delta * *normal;
            }
        }
    }

    /// Backward through batch norm in training: `deltas` becomes dz = factor * (dy - mean dy - xhat * mean (dy * xhat)),
    /// with factor = weight / standard deviation.
    pub(super) fn through_norm<T: Real>(deltas: &mut [T], normals: &[T], rows: usize, factors: &[T], mean_sums: &[T], mean_products: &[T]) {
        for (feature, (delta, normal)) in deltas.chunks_mut(STRIDE).zip(normals.chunks(STRIDE)).take(factors.len()).enumerate() {
            let (factor, sum, product) = (factors[feature], mean_sums[feature], mean_products[feature]);
            for (delta, normal) in delta[..rows].iter_mut().zip(&normal[..rows]) {
                *delta = factor * (*delta - sum - *normal * product);
            }
        }
    }

    /// Backward through batch norm in evaluation: every feature times its factor.
    pub(super) fn scale_features<T: Real>(values: &mut [T], rows: usize, factors: &[T]) {
        for (column, &factor) in values.chunks_mut(STRIDE).zip(factors) {
            for value in &mut column[..rows] {
                *value = *value * factor;
            }
        }
    }

    /// Adds the sum over the rows of each feature.
    pub(super) fn add_feature_sums<T: Real>(values: &[T], rows: usize, sums: &mut [T]) {
        for (column, sum) in values.chunks(STRIDE).zip(sums) {
            *sum += sum_of(&column[..rows], |value| value);
        }
    }

    /// Adds, per feature, the sums over the rows of value^2 and of (value * other)^2.
    pub(super) fn add_square_sums<T: Real>(values: &[T], others: &[T], rows: usize, squares: &mut [T], products: &mut [T]) {
        for (feature, (column, other)) in values.chunks(STRIDE).zip(others.chunks(STRIDE)).take(squares.len()).enumerate() {
            squares[feature] += sum_of(&column[..rows], |value| value * value);
            products[feature] += sum_of_pairs(&column[..rows], &other[..rows], |value, other| (value * other) * (value * other));
        }
    }

    /// `squares` = value^2 elementwise, for the first `features` features.
    pub(super) fn square_into<T: Real>(squares: &mut [T], values: &[T], features: usize, rows: usize) {
        for (to, from) in squares.chunks_mut(STRIDE).zip(values.chunks(STRIDE)).take(features) {
            for (to, from) in to[..rows].iter_mut().zip(&from[..rows]) {
                *to = *from * *from;
            }
        }
    }

    /// Softmax over the classes, in place, after adding the biases: `logits` (classes x rows) become probabilities.
    /// A NaN among a row's logits makes all its probabilities NaN: a diverged model must not look healthy.
    /// `largest` and `totals` are left with each row's largest logit and sum of exp(logit - largest).
    pub(super) fn softmax<T: Real>(logits: &mut [T], rows: usize, biases: &[T], largest: &mut [T; CHUNK], totals: &mut [T; CHUNK]) {
        let (largest, totals) = (&mut largest[..rows], &mut totals[..rows]);
        for (class, (column, &bias)) in logits.chunks_mut(STRIDE).zip(biases).enumerate() {
            for (logit, top) in column[..rows].iter_mut().zip(largest.iter_mut()) {
                *logit += bias;
                *top = if class > 0 && *logit <= *top { *top } else { *logit };
            }
        }
        totals.fill(T::ZERO);
        for column in logits.chunks_mut(STRIDE).take(biases.len()) {
            for ((logit, top), total) in column[..rows].iter_mut().zip(largest.iter()).zip(totals.iter_mut()) {
                let value = (*logit - *top).exp_of_nonpositive();
                *logit = value;
                *total += value;
            }
        }
        for column in logits.chunks_mut(STRIDE).take(biases.len()) {
            for (value, total) in column[..rows].iter_mut().zip(totals.iter()) {
                *value = *value / *total;
            }
        }
    }

    /// One step of SGD on a run of parameters: gradient = sum of the parts in their order;
    /// value = keep * value - rate * gradient.
    pub(super) fn descend<T: Real>(values: &mut [T], parts: &[&[T]], keep: T, rate: T) {
        let mut total = [T::ZERO; 512];
        for (block, values) in values.chunks_mut(512).enumerate() {
            let total = sum_parts(&mut total, parts, block * 512, values.len());
            for (value, gradient) in values.iter_mut().zip(total) {
                *value = keep * *value - rate * *gradient;
            }
        }
    }

    /// The same with momentum: velocity = momentum * velocity + gradient + decay * value; value = value - rate * velocity.
    pub(super) fn descend_with_momentum<T: Real>(values: &mut [T], velocities: &mut [T], parts: &[&[T]], momentum: (T, bool), decay: T, rate: T) {
        let (momentum, nesterov) = momentum;
        let mut total = [T::ZERO; 512];
        for (block, (values, velocities)) in values.chunks_mut(512).zip(velocities.chunks_mut(512)).enumerate() {
            let total = sum_parts(&mut total, parts, block * 512, values.len());
            for ((value, velocity), gradient) in values.iter_mut().zip(velocities).zip(total) {
                let gradient = *gradient + decay * *value;
                *velocity = momentum * *velocity + gradient;
                let way = if nesterov { gradient + momentum * *velocity } else { *velocity };
                *value = *value - rate * way;
            }
        }
    }

    /// Adds (value * factor)^2 to each total, in double precision.
    pub(super) fn add_squares<T: Real>(totals: &mut [f64], values: &[T], factor: f64) {
        for (total, value) in totals.iter_mut().zip(values) {
            let scaled = value.to_f64() * factor;
            *total += scaled * scaled;
        }
    }

    /// Adds each value to its total, in double precision.
    pub(super) fn add_wide<T: Real>(totals: &mut [f64], values: &[T]) {
        for (total, value) in totals.iter_mut().zip(values) {
            *total += value.to_f64();
        }
    }
}

/// Sum of the parts, part after part, over the elements `start .. start + len`.
#[inline(always)]
fn sum_parts<'a, T: Real>(total: &'a mut [T; 512], parts: &[&[T]], start: usize, len: usize) -> &'a [T] {
    let total = &mut total[..len];
    match parts.split_first() {
        None => total.fill(T::ZERO),
        Some((first, rest)) => {
            total.copy_from_slice(&first[start..start + len]);
            for part in rest {
                for (total, value) in total.iter_mut().zip(&part[start..start + len]) {
                    *total += *value;
                }
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
            })
            .collect()
    }

    #[test]
    fn multiply_agrees_with_three_loops_in_every_layout() {
        let (rows, inner, columns) = (37, 11, 5);
        let left = numbers(inner * STRIDE, 1);
        let right = numbers(columns * inner, 2);
        let mut out = numbers(columns * STRIDE, 3);
        let before = out.clone();
        multiply(
            &mut out,
            (1, STRIDE),
            0.5,
            Matrix::chunk(&left, rows, inner),
            Matrix::row_major(&right, columns, inner).transposed(),
        );
        for row in 0..rows {
            for column in 0..columns {
                let product: f64 = (0..inner).map(|k| left[k * STRIDE + row] * right[column * inner + k]).sum();
                let expected = 0.5 * before[column * STRIDE + row] + product;
                assert!((out[column * STRIDE + row] - expected).abs() < 1e-13);
            }
        }
        // Nothing beyond the rows of the chunk is touched.
        assert_eq!(out[rows..STRIDE], before[rows..STRIDE]);
    }

    #[test]
    #[should_panic(expected = "within")]
    fn a_matrix_that_reaches_beyond_its_slice_is_refused() {
        let data = vec![0.0_f32; 11];
        let mut out = vec![0.0_f32; 16];
        multiply(
            &mut out,
            (4, 1),
            0.0,
            Matrix::row_major(&data, 4, 3),
            Matrix::row_major(&data, 3, 4),
        );
    }

    #[test]
    fn moments_of_a_chunk_are_mean_and_squared_deviations() {
        for rows in [1, 2, 31, 32, 33, 255, 256] {
            let values = numbers(3 * STRIDE, rows as u64);
            let (mut means, mut squares) = (vec![0.0; 3], vec![0.0; 3]);
            moments(&values, rows, &mut means, &mut squares);
            for feature in 0..3 {
                let column = &values[feature * STRIDE..][..rows];
                let mean = column.iter().sum::<f64>() / rows as f64;
                let square = column.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
                assert!((means[feature] - mean).abs() < 1e-14);
                assert!((squares[feature] - square).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn softmax_sums_to_one_and_keeps_nan_visible() {
        let mut logits = numbers(3 * STRIDE, 9);
        logits[5] = 700.0;
        logits[STRIDE + 6] = f64::NAN;
        let (mut largest, mut totals) = ([0.0; CHUNK], [0.0; CHUNK]);
        softmax(&mut logits, 40, &[0.1, -0.2, 0.3], &mut largest, &mut totals);
        for row in 0..40 {
            let sum: f64 = (0..3).map(|class| logits[class * STRIDE + row]).sum();
            if row == 6 {
                assert!(sum.is_nan());
            } else {
                assert!((sum - 1.0).abs() < 1e-12);
            }
        }
        assert!(logits[5] > 0.999_999);
    }

    #[test]
    fn descending_with_and_without_momentum_follows_the_formulas_across_blocks() {
        let count = 1500;
        let start = numbers(count, 4);
        let parts = [numbers(count, 5), numbers(count, 6), numbers(count, 7)];
        let views: Vec<&[f64]> = parts.iter().map(Vec::as_slice).collect();
        let mut values = start.clone();
        descend(&mut values, &views, 0.9, 0.1);
        let (mut moving, mut velocity) = (start.clone(), numbers(count, 8));
        let before = velocity.clone();
        descend_with_momentum(&mut moving, &mut velocity, &views, (0.5, false), 0.01, 0.1);
        let (mut ahead, mut led) = (start.clone(), before.clone());
        descend_with_momentum(&mut ahead, &mut led, &views, (0.5, true), 0.01, 0.1);
        assert_eq!(led, velocity);
        for i in 0..count {
            let gradient = parts[0][i] + parts[1][i] + parts[2][i];
            assert!((values[i] - (0.9 * start[i] - 0.1 * gradient)).abs() < 1e-15);
            let speed = 0.5 * before[i] + gradient + 0.01 * start[i];
            assert!((velocity[i] - speed).abs() < 1e-15);
            assert!((moving[i] - (start[i] - 0.1 * speed)).abs() < 1e-15);
            let nesterov = gradient + 0.01 * start[i] + 0.5 * speed;
            assert!((ahead[i] - (start[i] - 0.1 * nesterov)).abs() < 1e-15);
        }
    }
}
