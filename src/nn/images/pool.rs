//! Pooling: windows and whole channels. Of equal largest values the first, row by row, gets the gradient, as in PyTorch.

use super::shape::ImageShape;
use crate::nn::kernels::dispatched;
use crate::nn::real::Real;

/// A pooling of windows, or of whole channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pool {
    pub input: ImageShape,
    pub output: ImageShape,
    pub size: (usize, usize),
    pub stride: usize,
}

impl Pool {
    /// Of square windows.
    pub fn windows(input: ImageShape, output: ImageShape, size: usize, stride: usize) -> Self {
        Self {
            input,
            output,
            size: (size, size),
            stride,
        }
    }

    /// Of whole channels.
    pub fn whole(input: ImageShape) -> Self {
        Self {
            input,
            output: ImageShape::new(input.channels, 1, 1),
            size: (input.height, input.width),
            stride: 1,
        }
    }

    /// Where in its plane the largest value of the window behind output pixel `place` lies. A NaN is larger than anything.
    #[inline(always)]
    fn largest<T: Real>(&self, plane: &[T], place: usize) -> usize {
        let (y, x) = (place / self.output.width * self.stride, place % self.output.width * self.stride);
        let mut best = y * self.input.width + x;
        for down in 0..self.size.0 {
            let start = (y + down) * self.input.width + x;
            for at in start..start + self.size.1 {
                let nan = plane[at].partial_cmp(&plane[at]).is_none();
                if plane[at] > plane[best] || nan {
                    best = at;
                }
            }
        }
        best
    }

    /// Whether it halves both sides of an even plane, which nearly all pools do and which has loops of its own.
    fn halves(&self) -> bool {
        let (input, output) = (self.input, self.output);
        self.size == (2, 2) && self.stride == 2 && input.height == 2 * output.height && input.width == 2 * output.width
    }

    /// Largest values.
    pub fn max<T: Real>(&self, values: &[T], out: &mut [T]) {
        if self.halves() {
            return halve(out, values, self.output.width);
        }
        for (plane, out) in values
            .chunks_exact(self.input.plane())
            .zip(out.chunks_exact_mut(self.output.plane()))
        {
            for (place, out) in out.iter_mut().enumerate() {
                *out = plane[self.largest(plane, place)];
            }
        }
    }

    /// The same of images that lie pixel by pixel.
    pub fn max_of_pixels<T: Real>(&self, values: &[T], out: &mut [T]) {
        let images = values.chunks_exact(self.input.len());
        for (image, out) in images.zip(out.chunks_exact_mut(self.output.len())) {
            largest_pixels(out, image, *self);
        }
    }

    /// Backward pass of [`Pool::max`]; `input_deltas` is overwritten.
    pub fn max_backward<T: Real>(&self, values: &[T], deltas: &[T], input_deltas: &mut [T]) {
        if self.halves() {
            return halve_backward(input_deltas, values, deltas, self.output.width);
        }
        input_deltas.fill(T::ZERO);
        let planes = values
            .chunks_exact(self.input.plane())
            .zip(input_deltas.chunks_exact_mut(self.input.plane()));
        for ((plane, into), deltas) in planes.zip(deltas.chunks_exact(self.output.plane())) {
            for (place, delta) in deltas.iter().enumerate() {
                into[self.largest(plane, place)] += *delta;
            }
        }
    }
}

/// Whether `value` takes the place of `best`. A NaN is larger than anything.
#[inline(always)]
fn larger<T: Real>(value: T, best: T) -> bool {
    // Only a NaN differs from itself.
    #[allow(clippy::eq_op)]
    let nan = value != value;
    value > best || nan
}

dispatched! {
    /// The largest of every 2 x 2 values; two rows of values make one of `width` results.
    pub(super) fn halve<T: Real>(out: &mut [T], values: &[T], width: usize) {
        for (out, rows) in out.chunks_exact_mut(width).zip(values.chunks_exact(4 * width)) {
            let (top, bottom) = rows.split_at(2 * width);
            for ((out, [a, b]), [c, d]) in out.iter_mut().zip(top.as_chunks::<2>().0).zip(bottom.as_chunks::<2>().0) {
                let mut best = *a;
                best = if larger(*b, best) { *b } else { best };
                best = if larger(*c, best) { *c } else { best };
                *out = if larger(*d, best) { *d } else { best };
            }
        }
    }

    /// The largest values of each window's pixels, channel by channel, of one image.
    pub(super) fn largest_pixels<T: Real>(out: &mut [T], image: &[T], pool: Pool) {
        let channels = pool.input.channels;
        for (place, out) in out.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (place / pool.output.width * pool.stride, place % pool.output.width * pool.stride);
            for down in 0..pool.size.0 {
                let start = ((y + down) * pool.input.width + x) * channels;
                for (right, pixel) in image[start..][..pool.size.1 * channels].chunks_exact(channels).enumerate() {
                    if down + right == 0 {
                        out.copy_from_slice(pixel);
                    } else {
                        for (best, value) in out.iter_mut().zip(pixel) {
                            *best = if larger(*value, *best) { *value } else { *best };
                        }
                    }
                }
            }
        }
    }

    /// Backward pass of [`halve`].
    pub(super) fn halve_backward<T: Real>(input_deltas: &mut [T], values: &[T], deltas: &[T], width: usize) {
        let rows = input_deltas.chunks_exact_mut(4 * width).zip(values.chunks_exact(4 * width));
        for ((into, rows), deltas) in rows.zip(deltas.chunks_exact(width)) {
            let (top, bottom) = rows.split_at(2 * width);
            let (into_top, into_bottom) = into.split_at_mut(2 * width);
            let values = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
            let into = into_top.as_chunks_mut::<2>().0.iter_mut().zip(into_bottom.as_chunks_mut::<2>().0);
            for (((upper, lower), ([a, b], [c, d])), delta) in into.zip(values).zip(deltas) {
                let second = larger(*b, *a);
                let best = if second { *b } else { *a };
                let third = larger(*c, best);
                let best = if third { *c } else { best };
                let fourth = larger(*d, best);
                let given = |is: bool| if is { *delta } else { T::ZERO };
                *upper = [given(!second && !third && !fourth), given(second && !third && !fourth)];
                *lower = [given(third && !fourth), given(fourth)];
            }
        }
    }
}

/// Mean of every channel.
pub(super) fn average<T: Real>(values: &[T], plane: usize, out: &mut [T]) {
    let size = T::from_f64(plane as f64);
    out.fill(T::ZERO);
    super::kernels::add_plane_sums(values, plane, out);
    for value in out {
        *value = *value / size;
    }
}

/// Backward pass of [`average`].
pub(super) fn average_backward<T: Real>(deltas: &[T], plane: usize, input_deltas: &mut [T]) {
    let size = T::from_f64(plane as f64);
    for (into, delta) in input_deltas.chunks_exact_mut(plane).zip(deltas) {
        into.fill(*delta / size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_values_the_first_gets_the_gradient() {
        let shape = ImageShape::new(1, 3, 4);
        let pool = Pool::windows(shape, ImageShape::new(1, 1, 2), 2, 2);
        // The third row fits no window.
        let values = [1.0, 5.0, 2.0, 2.0, 5.0, 0.0, 2.0, 2.0, 9.0, 9.0, 9.0, 9.0];
        let mut out = [0.0; 2];
        pool.max(&values, &mut out);
        assert_eq!(out, [5.0, 2.0]);
        let mut back = [7.0; 12];
        pool.max_backward(&values, &[10.0, 20.0], &mut back);
        assert_eq!(back, [0.0, 10.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let whole = Pool::whole(shape);
        whole.max(&values, &mut out[..1]);
        whole.max_backward(&values, &[3.0], &mut back);
        assert_eq!((out[0], back[8], back.iter().sum::<f64>()), (9.0, 3.0, 3.0));
    }

    #[test]
    fn pools_that_halve_do_what_the_general_ones_do() {
        let (input, output) = (ImageShape::new(3, 6, 10), ImageShape::new(3, 3, 5));
        let halving = Pool::windows(input, output, 2, 2);
        assert!(halving.halves() && !Pool::whole(input).halves());
        // Many equal values, and NaNs in all four places.
        let mut values: Vec<f64> = (0..input.len()).map(|index| (index * index * 7 % 5) as f64).collect();
        for index in [0, 3, 15, 17, 30, 31, 44] {
            values[index] = f64::NAN;
        }
        let deltas: Vec<f64> = (1..=output.len()).map(|value| value as f64).collect();
        let (mut out, mut back) = (vec![7.0; output.len()], vec![7.0; input.len()]);
        halving.max(&values, &mut out);
        halving.max_backward(&values, &deltas, &mut back);
        let mut expected = vec![0.0; input.len()];
        for (index, out) in out.iter().enumerate() {
            let (plane, place) = (index / 15 * 60, index % 15);
            let at = plane + halving.largest(&values[plane..plane + 60], place);
            assert!(values[at].total_cmp(out).is_eq());
            expected[at] += deltas[index];
        }
        assert_eq!(back, expected);
    }

    #[test]
    fn windows_that_overlap_add_their_gradients() {
        let shape = ImageShape::new(1, 1, 3);
        let pool = Pool {
            input: shape,
            output: ImageShape::new(1, 1, 2),
            size: (1, 2),
            stride: 1,
        };
        let mut back = [0.0; 3];
        pool.max_backward(&[1.0, 4.0, 2.0], &[10.0, 20.0], &mut back);
        assert_eq!(back, [0.0, 30.0, 0.0]);
    }

    #[test]
    fn a_nan_is_not_lost_in_a_pool() {
        let pool = Pool::whole(ImageShape::new(1, 1, 3));
        let mut out = [0.0];
        pool.max(&[1.0, f64::NAN, 2.0], &mut out);
        assert!(out[0].is_nan());
    }

    #[test]
    fn an_average_spreads_its_gradient_evenly() {
        let mut out = [0.0; 2];
        average(&[1.0, 3.0, 5.0, 7.0], 2, &mut out);
        assert_eq!(out, [2.0, 6.0]);
        let mut back = [0.0; 4];
        average_backward(&[1.0, 4.0], 2, &mut back);
        assert_eq!(back, [0.5, 0.5, 2.0, 2.0]);
    }
}
