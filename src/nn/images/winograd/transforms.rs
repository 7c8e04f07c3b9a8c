//! The transforms Bt, G, At of F(4x4, 3x3) and their transposes, on packs of channels (Lavin and Gray 2015, arXiv 1509.09308, section 4.3).
// Rows and columns of small squares: an index says more than an iterator.
#![allow(clippy::needless_range_loop)]

use crate::nn::real::Real;

/// Channels that are handled at once on any processor, and where its registers hold twice as many numbers. The compiler makes vector
/// instructions of operations on arrays of these sizes; every channel is computed by itself, so results do not depend on them.
pub const LANES: usize = 8;
pub const WIDE: usize = 2 * LANES;
/// Pixels of output to each side of a tile.
pub const TILE: usize = 4;
/// Pixels of input to each side of a tile.
pub const SPAN: usize = TILE + 2;

pub type Pack<T, const L: usize> = [T; L];

#[inline(always)]
pub fn each<T: Real, const L: usize>(of: impl Fn(usize) -> T) -> Pack<T, L> {
    let mut values = [T::ZERO; L];
    for (lane, value) in values.iter_mut().enumerate() {
        *value = of(lane);
    }
    values
}

#[inline(always)]
pub fn add<T: Real, const L: usize>(a: Pack<T, L>, b: Pack<T, L>) -> Pack<T, L> {
    each(|lane| a[lane] + b[lane])
}

#[inline(always)]
pub fn sub<T: Real, const L: usize>(a: Pack<T, L>, b: Pack<T, L>) -> Pack<T, L> {
    each(|lane| a[lane] - b[lane])
}

#[inline(always)]
pub fn times<T: Real, const L: usize>(a: Pack<T, L>, factor: f64) -> Pack<T, L> {
    let factor = T::from_f64(factor);
    each(|lane| a[lane] * factor)
}

/// Bt.
#[inline(always)]
pub fn to_input<T: Real, const L: usize>(d: [Pack<T, L>; SPAN]) -> [Pack<T, L>; SPAN] {
    let (even, odd) = (sub(d[4], times(d[2], 4.0)), sub(d[3], times(d[1], 4.0)));
    let (near, far) = (sub(d[4], d[2]), times(sub(d[3], d[1]), 2.0));
    [
        add(sub(times(d[0], 4.0), times(d[2], 5.0)), d[4]),
        add(even, odd),
        sub(even, odd),
        add(near, far),
        sub(near, far),
        add(sub(times(d[1], 4.0), times(d[3], 5.0)), d[5]),
    ]
}

/// B, the transpose of Bt.
#[inline(always)]
pub fn from_input<T: Real, const L: usize>(t: [Pack<T, L>; SPAN]) -> [Pack<T, L>; SPAN] {
    let (near, near_less) = (add(t[1], t[2]), sub(t[1], t[2]));
    let (far, far_less) = (add(t[3], t[4]), times(sub(t[3], t[4]), 2.0));
    [
        times(t[0], 4.0),
        sub(times(sub(t[5], near_less), 4.0), far_less),
        sub(sub(times(t[0], -5.0), times(near, 4.0)), far),
        sub(add(near_less, far_less), times(t[5], 5.0)),
        add(t[0], add(near, far)),
        t[5],
    ]
}

/// At.
#[inline(always)]
pub fn to_output<T: Real, const L: usize>(m: [Pack<T, L>; SPAN]) -> [Pack<T, L>; TILE] {
    let (near, near_less) = (add(m[1], m[2]), sub(m[1], m[2]));
    let (far, far_less) = (add(m[3], m[4]), sub(m[3], m[4]));
    [
        add(m[0], add(near, far)),
        add(near_less, times(far_less, 2.0)),
        add(near, times(far, 4.0)),
        add(add(near_less, times(far_less, 8.0)), m[5]),
    ]
}

/// A, the transpose of At.
#[inline(always)]
pub fn from_output<T: Real, const L: usize>(y: [Pack<T, L>; TILE]) -> [Pack<T, L>; SPAN] {
    let (even, odd) = (add(y[0], y[2]), add(y[1], y[3]));
    let (even_far, odd_far) = (add(y[0], times(y[2], 4.0)), add(times(y[1], 2.0), times(y[3], 8.0)));
    [
        y[0],
        add(even, odd),
        sub(even, odd),
        add(even_far, odd_far),
        sub(even_far, odd_far),
        y[3],
    ]
}

/// G.
#[inline(always)]
pub fn to_kernel<T: Real, const L: usize>(g: [Pack<T, L>; 3]) -> [Pack<T, L>; SPAN] {
    let (even, odd) = (times(add(g[0], g[2]), -1.0 / 6.0), times(g[1], 1.0 / 6.0));
    let (even_far, odd_far) = (add(times(g[0], 1.0 / 24.0), times(g[2], 1.0 / 6.0)), times(g[1], 1.0 / 12.0));
    [
        times(g[0], 0.25),
        sub(even, odd),
        add(even, odd),
        add(even_far, odd_far),
        sub(even_far, odd_far),
        g[2],
    ]
}

/// Gt.
#[inline(always)]
pub fn from_kernel<T: Real, const L: usize>(u: [Pack<T, L>; SPAN]) -> [Pack<T, L>; 3] {
    let (near, near_less) = (times(add(u[1], u[2]), 1.0 / 6.0), times(sub(u[2], u[1]), 1.0 / 6.0));
    let (far, far_less) = (add(u[3], u[4]), times(sub(u[3], u[4]), 1.0 / 12.0));
    [
        add(sub(times(u[0], 0.25), near), times(far, 1.0 / 24.0)),
        add(near_less, far_less),
        add(sub(times(far, 1.0 / 6.0), near), u[5]),
    ]
}

/// Applies a transform to the columns, then to the rows of a square.
#[inline(always)]
pub fn both_ways<T: Real, const L: usize, const FROM: usize, const TO: usize>(
    square: [[Pack<T, L>; FROM]; FROM],
    transform: impl Fn([Pack<T, L>; FROM]) -> [Pack<T, L>; TO],
) -> [[Pack<T, L>; TO]; TO] {
    let zero = [T::ZERO; L];
    let mut half = [[zero; FROM]; TO];
    for column in 0..FROM {
        let mut own = [zero; FROM];
        for row in 0..FROM {
            own[row] = square[row][column];
        }
        let own = transform(own);
        for row in 0..TO {
            half[row][column] = own[row];
        }
    }
    let mut whole = [[zero; TO]; TO];
    for row in 0..TO {
        whole[row] = transform(half[row]);
    }
    whole
}

#[inline(always)]
pub fn load<T: Real, const L: usize>(values: &[T], start: usize) -> Pack<T, L> {
    values[start..].first_chunk().copied().unwrap_or([T::ZERO; L])
}

#[inline(always)]
pub fn store<T: Real, const L: usize>(values: &mut [T], start: usize, pack: Pack<T, L>) {
    if let Some(place) = values[start..].first_chunk_mut() {
        *place = pack;
    }
}

/// Collects the elements of a transformed tile, which lie `pitch` apart.
#[inline(always)]
pub fn load_elements<T: Real, const L: usize>(values: &[T], start: usize, pitch: usize) -> [[Pack<T, L>; SPAN]; SPAN] {
    let mut square = [[[T::ZERO; L]; SPAN]; SPAN];
    for row in 0..SPAN {
        for column in 0..SPAN {
            square[row][column] = load(values, start + (row * SPAN + column) * pitch);
        }
    }
    square
}

#[inline(always)]
pub fn store_elements<T: Real, const L: usize>(values: &mut [T], start: usize, pitch: usize, square: &[[Pack<T, L>; SPAN]; SPAN]) {
    for row in 0..SPAN {
        for column in 0..SPAN {
            store(values, start + (row * SPAN + column) * pitch, square[row][column]);
        }
    }
}
