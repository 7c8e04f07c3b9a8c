//! The two kinds of numbers a network can hold.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` (what Recant trains with) or `f64` (what the reference values are computed in). Sealed: the kernels know no others.
pub trait Real:
    sealed::Sealed
    + Copy
    + Default
    + PartialOrd
    + Debug
    + Display
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Rounds to this precision.
    fn from_f64(value: f64) -> Self;
    /// Widens, exactly.
    fn to_f64(self) -> f64;
    /// e to the power of `self`, for `self <= 0`; below about -87 (f32) the result is 0 or the smallest normal number.
    /// Written so that a loop over it can be vectorised in single precision; relative error below 2e-7 there.
    fn exp_of_nonpositive(self) -> Self;
    /// The share of the standard normal distribution below `self`. The error is below 3e-7 in single precision, in which a loop
    /// over it can be vectorised, and below 1e-12 in double precision.
    fn normal_share(self) -> Self;
    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    /// exp(x) = 2^k exp(r) with k the nearest whole number to x / ln 2 and |r| <= ln 2 / 2; exp(r) by its Taylor polynomial
    /// of degree 7 (truncation error below 1e-8). No branch, no table, no library call.
    #[inline(always)]
    fn exp_of_nonpositive(self) -> Self {
        // Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number, whose low bits are then in the mantissa.
        const ROUND: f32 = 12_582_912.0;
        // ln 2 in two parts, so that k * LN2_HIGH is exact.
        const LN2_HIGH: f32 = 0.693_359_4;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        let x = if self < -87.0 { -87.0 } else { self };
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let k = shifted - ROUND;
        let r = (x - k * LN2_HIGH) - k * LN2_LOW;
        let mut sum = 1.0 / 5040.0;
        sum = sum * r + 1.0 / 720.0;
        sum = sum * r + 1.0 / 120.0;
        sum = sum * r + 1.0 / 24.0;
        sum = sum * r + 1.0 / 6.0;
        sum = sum * r + 0.5;
        sum = sum * r + 1.0;
        sum = sum * r + 1.0;
        let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
        sum * f32::from_bits(exponent)
    }

    /// By erfc(z) = polynomial(1 / (1 + p z)) exp(-z^2) for z >= 0 (Abramowitz and Stegun 1964, 7.1.26, error below 1.5e-7).
    #[inline(always)]
    fn normal_share(self) -> Self {
        let size = self.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * size);
        let mut sum = 1.061_405_4;
        sum = sum * t - 1.453_152;
        sum = sum * t + 1.421_413_7;
        sum = sum * t - 0.284_496_74;
        sum = sum * t + 0.254_829_6;
        let tail = 0.5 * sum * t * (-(size * size)).exp_of_nonpositive();
        if self < 0.0 { tail } else { 1.0 - tail }
    }

    #[inline(always)]
    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn exp_of_nonpositive(self) -> Self {
        self.exp()
    }

    fn normal_share(self) -> Self {
        0.5 * statrs::function::erf::erfc(-self * std::f64::consts::FRAC_1_SQRT_2)
    }

    #[inline(always)]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_exponential_agrees_with_the_library_to_two_units_in_the_seventh_place() {
        let mut worst: f64 = 0.0;
        for step in 0..870_000 {
            let x = -(step as f32) * 1e-4;
            let truth = f64::from(x).exp();
            worst = worst.max((f64::from(x.exp_of_nonpositive()) - truth).abs() / truth);
        }
        assert!(worst < 2e-7, "{worst}");
        assert_eq!(0.0_f32.exp_of_nonpositive(), 1.0);
        assert!((-1e9_f32).exp_of_nonpositive() < 2e-38);
        assert!(f32::NAN.exp_of_nonpositive().is_nan());
    }

    #[test]
    fn the_share_of_the_normal_distribution_is_right_in_both_precisions() {
        for step in -8_000..=8_000 {
            let x = f64::from(step) * 1e-3;
            let off = (f64::from((x as f32).normal_share()) - x.normal_share()).abs();
            assert!(off < 3e-7, "{x}: {off}");
        }
        // Python: 0.5 * math.erfc(-x / math.sqrt(2)). statrs is right to 2e-11.
        for (x, share) in [(-3.0, 0.001_349_898_031_630_095_7), (0.0, 0.5), (1.0, 0.841_344_746_068_542_9)] {
            assert!((f64::normal_share(x) - share).abs() < 5e-11, "{x}: {}", x.normal_share());
        }
        assert!(f32::NAN.normal_share().is_nan() && f64::NAN.normal_share().is_nan());
    }
}
