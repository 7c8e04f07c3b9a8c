//! What keeps a network from learning its rows by heart: dropout, and moving averages of weights.

use super::kernels::STRIDE;
use super::real::Real;

/// Units of 256 that are left out of a step: a fifth.
const LEFT_OUT: u64 = 51;

/// Mixes the bits of a number (the finaliser of SplitMix64, Steele et al. 2014).
pub(super) fn scramble(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Sets [`LEFT_OUT`] of 256 values to 0 and scales the others up, so that the mean stays (Srivastava et al. 2014). `values` is a chunk's
/// matrix, feature by feature; which ones are left out depends on the key and the place alone.
pub(super) fn drop_out<T: Real>(values: &mut [T], rows: usize, key: u64) {
    let stay = T::from_f64(256.0 / (256 - LEFT_OUT) as f64);
    for (feature, column) in values.chunks_mut(STRIDE).enumerate() {
        for (block, run) in column[..rows].chunks_mut(8).enumerate() {
            let bits = scramble(key ^ ((feature as u64) << 32 | block as u64));
            for (place, value) in run.iter_mut().enumerate() {
                let factor = if (bits >> (8 * place)) & 0xff < LEFT_OUT { T::ZERO } else { stay };
                *value = *value * factor;
            }
        }
    }
}

/// average = keep * average + (1 - keep) * value.
pub(super) fn join_average<T: Real>(averages: &mut [T], values: &[T], keep: f64) {
    let (keep, join) = (T::from_f64(keep), T::from_f64(1.0 - keep));
    for (average, value) in averages.iter_mut().zip(values) {
        *average = keep * *average + join * *value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_is_left_out_the_mean_stays_and_the_same_key_leaves_out_the_same() {
        let (features, rows) = (40, 500);
        let fresh = vec![1.0_f64; features * STRIDE];
        let mut dropped = fresh.clone();
        drop_out(&mut dropped, rows, 7);
        let used: Vec<f64> = dropped.chunks(STRIDE).flat_map(|column| column[..rows].to_vec()).collect();
        let zeros = used.iter().filter(|value| **value == 0.0).count() as f64 / used.len() as f64;
        assert!((zeros - 0.2).abs() < 0.01, "{zeros}");
        assert!((used.iter().sum::<f64>() / used.len() as f64 - 1.0).abs() < 0.01);
        assert!(
            dropped
                .chunks(STRIDE)
                .all(|column| column[rows..].iter().all(|value| *value == 1.0))
        );
        let mut again = fresh.clone();
        drop_out(&mut again, rows, 7);
        assert_eq!(again, dropped);
        let mut other = fresh;
        drop_out(&mut other, rows, 8);
        assert_ne!(other, dropped);
    }
}
