//! Minimal filtering against the plain convolution.

use super::super::convolution;
use super::*;
use crate::seed::Seed;
use rand::Rng;

fn numbers<T: Real>(count: usize, index: u64) -> Vec<T> {
    let mut random = Seed(9).stream("winograd-test", index);
    (0..count).map(|_| T::from_f64(random.random_range(-1.0..1.0))).collect()
}

/// Both ways of both forms, and the largest difference of output, weight gradient and input gradient over the largest value.
fn differences<T: Real>(shape: ImageShape, outputs: usize, (kernel, stride, padding): (usize, usize, usize), images: usize) -> [f64; 3] {
    let geometry = Geometry::new(shape, outputs, kernel, stride, padding).unwrap();
    let grid = Grid::of(&geometry, images).unwrap();
    let input = numbers::<T>(images * shape.len(), 1);
    let weights = numbers::<T>(outputs * geometry.window(), 2);
    let deltas = numbers::<T>(images * geometry.output().len(), 3);
    let mut scratch = convolution::Scratch::default();
    let (mut out, mut input_deltas, mut gradient) = (vec![T::ZERO; deltas.len()], vec![T::ZERO; input.len()], vec![T::ONE; weights.len()]);
    convolution::forward(&geometry, &input, &weights, &[], &mut out, &mut scratch);
    convolution::backward(
        &geometry,
        &input,
        &deltas,
        &weights,
        (&mut gradient, &mut []),
        &mut input_deltas,
        &mut scratch,
    );
    let nan = T::from_f64(f64::NAN);
    let mut kernel = vec![nan; grid.kernel_len()];
    kernel_forward(&mut kernel, &weights, grid);
    // Buffers that held something else before.
    let mut buffers = Buffers {
        frame: vec![nan; 7],
        inputs: vec![nan; 1_000],
        outputs: vec![nan; 100],
        kernel: vec![nan; 100_000],
    };
    let (mut own_out, mut own_deltas, mut own_gradient) = (vec![nan; deltas.len()], vec![nan; input.len()], vec![T::ONE; weights.len()]);
    forward(&grid, &input, &kernel, &mut own_out, &mut buffers);
    backward(&grid, &input, &deltas, &kernel, &mut own_gradient, &mut own_deltas, &mut buffers);
    let mut alone = vec![T::ONE; weights.len()];
    backward(&grid, &input, &deltas, &kernel, &mut alone, &mut [], &mut buffers);
    assert!(alone == own_gradient);
    let worst = |own: &[T], expected: &[T]| {
        let largest = expected.iter().fold(0.0_f64, |top, value| top.max(value.to_f64().abs()));
        let pairs = own.iter().zip(expected);
        let difference = pairs.fold(0.0_f64, |top, (a, b)| {
            let off = (a.to_f64() - b.to_f64()).abs();
            if off > top || off.is_nan() { off } else { top }
        });
        difference / largest
    };
    [
        worst(&own_out, &out),
        worst(&own_gradient, &gradient),
        worst(&own_deltas, &input_deltas),
    ]
}

#[test]
fn both_ways_agree_with_the_plain_convolution_whatever_the_sizes() {
    for (height, width, sizes, images) in [
        (8, 8, (3, 1, 1), 5),
        (4, 4, (3, 1, 1), 17),
        (16, 16, (3, 1, 1), 2),
        (8, 8, (3, 1, 0), 4),
        (7, 12, (3, 1, 1), 3),
        (32, 32, (3, 1, 1), 10),
        (3, 17, (3, 1, 1), 6),
        (16, 16, (5, 2, 2), 4),
        (32, 32, (5, 2, 2), 1),
        (15, 18, (5, 2, 1), 5),
        (20, 22, (5, 2, 0), 5),
        (14, 15, (5, 2, 2), 5),
    ] {
        let found = differences::<f64>(ImageShape::new(16, height, width), 24, sizes, images);
        assert!(found.iter().all(|off| *off < 1e-13), "{height} x {width}, {sizes:?}: {found:?}");
    }
}

#[test]
fn single_precision_stays_well_within_a_ten_thousandth() {
    for (shape, sizes) in [(ImageShape::new(256, 8, 8), (3, 1, 1)), (ImageShape::new(64, 16, 16), (5, 2, 2))] {
        let found = differences::<f32>(shape, 128, sizes, 8);
        assert!(found.iter().all(|off| *off < 3e-5), "{found:?}");
    }
}

#[test]
fn other_convolutions_and_few_tiles_stay_with_the_plain_form() {
    let grid = |channels, outputs, (kernel, stride, padding), size, images| {
        let geometry = Geometry::new(ImageShape::new(channels, size, size), outputs, kernel, stride, padding).unwrap();
        Grid::of(&geometry, images).is_some()
    };
    assert!(grid(16, 16, (3, 1, 1), 8, 4));
    assert!(!grid(16, 16, (3, 2, 1), 8, 4), "stride");
    assert!(!grid(16, 16, (5, 1, 2), 8, 4), "kernel");
    assert!(!grid(3, 16, (3, 1, 1), 8, 4) && !grid(16, 20, (3, 1, 1), 8, 4), "channels");
    assert!(!grid(16, 16, (3, 1, 1), 8, 3), "tiles");
    assert!(!grid(16, 16, (3, 1, 1), 2, 100), "mostly empty tiles");
}
