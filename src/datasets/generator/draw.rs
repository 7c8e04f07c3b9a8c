//! Draws that depend on nothing but the stream's bits, so that a newer version of a random-number crate cannot change a sheet.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

use crate::seed::Seed;

/// A stream of draws.
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    /// The named stream of a seed.
    pub(super) fn new(seed: Seed, name: &str, index: u64) -> Self {
        Self(seed.stream(name, index))
    }

    /// Uniform in `(0, 1)`: never 0 nor 1, so that a logarithm of it is finite.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Uniform in `0..count`; 0 where `count` is 0.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        // The high half of a 128-bit product; its bias is below count / 2^64.
        ((u128::from(self.0.next_u64()) * u128::from(count)) >> 64) as u64
    }

    /// An index into `items`, drawn by weight. `items` must not be empty.
    pub(super) fn by_weight<T>(&mut self, items: &[T], weight: impl Fn(&T) -> u32) -> usize {
        let total: u64 = items.iter().map(|item| u64::from(weight(item))).sum();
        let mut left = self.below(total);
        for (index, item) in items.iter().enumerate() {
            let weight = u64::from(weight(item));
            if left < weight {
                return index;
            }
            left -= weight;
        }
        items.len().saturating_sub(1)
    }

    /// One of a slice, all equally likely.
    pub(super) fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}
