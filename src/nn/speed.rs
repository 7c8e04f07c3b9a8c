//! What the processor could do at best, to hold the engine against.

use std::time::Instant;

use super::kernels::{CHUNK, Matrix, STRIDE, multiply};
use super::team;

/// Single-precision GFLOP/s of products of a chunk of rows by `width` x `width` weights, on `threads` threads at once: the most
/// that training a network of that width could reach. The best of several short runs.
pub fn product_peak(width: usize, threads: usize) -> f64 {
    let width = width.max(1);
    let operations = 2 * CHUNK * width * width;
    // About a tenth of a second on a slow core.
    let times = (1_000_000_000 / operations).max(1);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        team::run(threads.max(1), |_member| {
            let (inputs, weights) = (vec![0.5_f32; STRIDE * width], vec![0.25_f32; width * width]);
            let mut out = vec![0.0_f32; STRIDE * width];
            for _ in 0..times {
                let (left, right) = (Matrix::chunk(&inputs, CHUNK, width), Matrix::row_major(&weights, width, width));
                multiply(&mut out, (1, STRIDE), 0.0, left, right.transposed());
            }
            std::hint::black_box(&out);
        });
        best = best.min(start.elapsed().as_secs_f64());
    }
    (operations * times * threads.max(1)) as f64 / best / 1e9
}
