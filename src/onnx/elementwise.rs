//! Functions of one number with their derivatives, as one operation of candle: its own have no right gradient everywhere
//! (where x = 0, say).

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    Relu,
    LeakyRelu(f64),
    ThresholdedRelu(f64),
    Elu(f64),
    Selu {
        alpha: f64,
        gamma: f64,
    },
    Celu(f64),
    GeluExact,
    GeluTanh,
    Sigmoid,
    HardSigmoid {
        alpha: f64,
        beta: f64,
    },
    HardSwish,
    Silu,
    Mish,
    Softplus,
    Softsign,
    Tanh,
    Erf,
    Exp,
    Log,
    Sqrt,
    Reciprocal,
    Absolute,
    Clip {
        low: f64,
        high: f64,
    },
    Power(f64),
    Sine,
    Cosine,
    Sign,
    Floor,
    Ceiling,
    /// To the nearest whole number, of two the even one.
    Round,
    Tangent,
    InverseTangent,
    HyperbolicSine,
    HyperbolicCosine,
    InverseHyperbolicSine,
}

/// Error function by its series and continued fraction, to about 1e-15.
fn erf(x: f64) -> f64 {
    statrs::function::erf::erf(x)
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let small = x.exp();
        small / (1.0 + small)
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// sqrt(2 / pi) and the factor of the cube, of the approximation of GELU by tanh.
const GELU: (f64, f64) = (0.797_884_560_802_865_4, 0.044_715);

impl Function {
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Relu => {
                if x > 0.0 || x.is_nan() {
                    x
                } else {
                    0.0
                }
            }
            Self::LeakyRelu(slope) => {
                if x >= 0.0 {
                    x
                } else {
                    slope * x
                }
            }
            Self::ThresholdedRelu(least) => {
                if x > least {
                    x
                } else {
                    0.0
                }
            }
            Self::Elu(alpha) => {
                if x >= 0.0 {
                    x
                } else {
                    alpha * x.exp_m1()
                }
            }
            Self::Selu { alpha, gamma } => gamma * if x > 0.0 { x } else { alpha * x.exp_m1() },
            Self::Celu(alpha) => x.max(0.0) + (alpha * (x / alpha).exp_m1()).min(0.0),
            Self::GeluExact => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => 0.5 * x * (1.0 + (GELU.0 * (x + GELU.1 * x * x * x)).tanh()),
            Self::Sigmoid => sigmoid(x),
            Self::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::Silu => x * sigmoid(x),
            Self::Mish => x * softplus(x).tanh(),
            Self::Softplus => softplus(x),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Tanh => x.tanh(),
            Self::Erf => erf(x),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Absolute => x.abs(),
            Self::Clip { low, high } => x.max(low).min(high),
            Self::Power(power) => x.powf(power),
            Self::Sine => x.sin(),
            Self::Cosine => x.cos(),
            Self::Sign => {
                if x == 0.0 {
                    0.0
                } else {
                    x.signum()
                }
            }
            Self::Floor => x.floor(),
            Self::Ceiling => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Tangent => x.tan(),
            Self::InverseTangent => x.atan(),
            Self::HyperbolicSine => x.sinh(),
            Self::HyperbolicCosine => x.cosh(),
            Self::InverseHyperbolicSine => x.asinh(),
        }
    }

    /// The derivative; where there is none, PyTorch's.
    pub fn derivative(self, x: f64) -> f64 {
        let step = |inside: bool, slope: f64| if inside { slope } else { 0.0 };
        match self {
            Self::Relu => step(x > 0.0, 1.0),
            Self::LeakyRelu(slope) => {
                if x > 0.0 {
                    1.0
                } else {
                    slope
                }
            }
            Self::ThresholdedRelu(least) => step(x > least, 1.0),
            Self::Elu(alpha) => {
                if x > 0.0 {
                    1.0
                } else {
                    alpha * x.exp()
                }
            }
            Self::Selu { alpha, gamma } => gamma * if x > 0.0 { 1.0 } else { alpha * x.exp() },
            Self::Celu(alpha) => {
                if x > 0.0 {
                    1.0
                } else {
                    (x / alpha).exp()
                }
            }
            Self::GeluExact => {
                let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
                0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)) + x * density
            }
            Self::GeluTanh => {
                let inner = (GELU.0 * (x + GELU.1 * x * x * x)).tanh();
                0.5 * (1.0 + inner) + 0.5 * x * (1.0 - inner * inner) * GELU.0 * (1.0 + 3.0 * GELU.1 * x * x)
            }
            Self::Sigmoid => sigmoid(x) * sigmoid(-x),
            Self::HardSigmoid { alpha, beta } => step(alpha * x + beta > 0.0 && alpha * x + beta < 1.0, alpha),
            Self::HardSwish => {
                if x <= -3.0 {
                    0.0
                } else if x >= 3.0 {
                    1.0
                } else {
                    x / 3.0 + 0.5
                }
            }
            Self::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
            Self::Mish => {
                let inner = softplus(x).tanh();
                inner + x * (1.0 - inner * inner) * sigmoid(x)
            }
            Self::Softplus => sigmoid(x),
            Self::Softsign => (1.0 + x.abs()).powi(-2),
            Self::Tanh => 1.0 - x.tanh() * x.tanh(),
            Self::Erf => std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp(),
            Self::Exp => x.exp(),
            Self::Log => 1.0 / x,
            Self::Sqrt => 0.5 / x.sqrt(),
            Self::Reciprocal => -1.0 / (x * x),
            Self::Absolute => {
                if x == 0.0 {
                    0.0
                } else {
                    x.signum()
                }
            }
            Self::Clip { low, high } => step(x >= low && x <= high, 1.0),
            Self::Power(power) => step(power != 0.0, power * x.powf(power - 1.0)),
            Self::Sine => x.cos(),
            Self::Cosine => -x.sin(),
            Self::Sign | Self::Floor | Self::Ceiling | Self::Round => 0.0,
            Self::Tangent => 1.0 + x.tan() * x.tan(),
            Self::InverseTangent => 1.0 / (1.0 + x * x),
            Self::HyperbolicSine => x.cosh(),
            Self::HyperbolicCosine => x.sinh(),
            Self::InverseHyperbolicSine => 1.0 / (1.0 + x * x).sqrt(),
        }
    }

    /// The function of every value of a tensor.
    pub fn of(self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1(Op { function: self })
    }
}

struct Op {
    function: Function,
}

/// A gradient times the derivative.
struct Slope {
    function: Function,
}

/// The values of a tensor that lie together.
fn together<'a, T>(values: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::Msg("values that do not lie together".to_owned()))?;
    Ok(&values[start..end])
}

/// Not a number stays as it is.
fn relu<T: Copy + PartialOrd + Default>(values: &[T]) -> Vec<T> {
    let zero = T::default();
    values.iter().map(|x| if *x <= zero { zero } else { *x }).collect()
}

fn relu_slope<T: Copy + PartialOrd + Default>(values: &[T], gradients: &[T]) -> Vec<T> {
    let zero = T::default();
    values
        .iter()
        .zip(gradients)
        .map(|(x, gradient)| if *x > zero { *gradient } else { zero })
        .collect()
}

fn other_precision() -> candle_core::Error {
    candle_core::Error::Msg("values of another precision".to_owned())
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "function of one number"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let of = |x: f64| self.function.value(x);
        let result = match (storage, self.function) {
            (CpuStorage::F32(values), Function::Relu) => CpuStorage::F32(relu(together(values, layout)?)),
            (CpuStorage::F64(values), Function::Relu) => CpuStorage::F64(relu(together(values, layout)?)),
            (CpuStorage::F32(values), _) => CpuStorage::F32(together(values, layout)?.iter().map(|x| of(f64::from(*x)) as f32).collect()),
            (CpuStorage::F64(values), _) => CpuStorage::F64(together(values, layout)?.iter().map(|x| of(*x)).collect()),
            _ => return Err(other_precision()),
        };
        Ok((result, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let slope = Slope { function: self.function };
        x.contiguous()?.apply_op2_no_bwd(&gradient.contiguous()?, &slope).map(Some)
    }
}

impl CustomOp2 for Slope {
    fn name(&self) -> &'static str {
        "derivative of a function of one number"
    }

    fn cpu_fwd(&self, x: &CpuStorage, at: &Layout, gradient: &CpuStorage, of: &Layout) -> Result<(CpuStorage, Shape)> {
        let slope = |x: f64| self.function.derivative(x);
        let result = match (x, gradient, self.function) {
            (CpuStorage::F32(x), CpuStorage::F32(gradient), Function::Relu) => {
                CpuStorage::F32(relu_slope(together(x, at)?, together(gradient, of)?))
            }
            (CpuStorage::F64(x), CpuStorage::F64(gradient), Function::Relu) => {
                CpuStorage::F64(relu_slope(together(x, at)?, together(gradient, of)?))
            }
            (CpuStorage::F32(x), CpuStorage::F32(gradient), _) => {
                let pairs = together(x, at)?.iter().zip(together(gradient, of)?);
                CpuStorage::F32(pairs.map(|(x, gradient)| slope(f64::from(*x)) as f32 * gradient).collect())
            }
            (CpuStorage::F64(x), CpuStorage::F64(gradient), _) => {
                let pairs = together(x, at)?.iter().zip(together(gradient, of)?);
                CpuStorage::F64(pairs.map(|(x, gradient)| slope(*x) * gradient).collect())
            }
            _ => return Err(other_precision()),
        };
        Ok((result, at.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    /// Values by PyTorch 2.15 in double precision at -1.3 and 0.7.
    #[test]
    fn values_are_those_of_pytorch() {
        let cases = [
            (Function::Elu(1.0), -0.727_468_206_966, 0.7),
            (Function::Celu(1.3), -0.821_756_726_477, 0.7),
            (Function::GeluExact, -0.125_840_629_961, 0.530_625_443_444),
            (Function::GeluTanh, -0.126_070_987_683, 0.530_570_134_705),
            (Function::Silu, -0.278_414_522_045, 0.467_731_440_518),
            (Function::Mish, -0.307_382_464_749, 0.561_148_377_644),
            (Function::Softplus, 0.241_008_453_833, 1.103_186_048_885),
            (Function::HardSwish, -0.368_333_333_333, 0.431_666_666_667),
            (
                Function::Selu {
                    alpha: 1.673_263_242_354_377_2,
                    gamma: 1.050_700_987_355_480_5,
                },
                -1.278_961_375_154,
                0.735_490_691_149,
            ),
            (Function::Erf, -0.934_007_944_941, 0.677_801_193_837),
        ];
        for (function, low, high) in cases {
            assert!((function.value(-1.3) - low).abs() < 2e-9, "{function:?} {}", function.value(-1.3));
            assert!((function.value(0.7) - high).abs() < 2e-9, "{function:?} {}", function.value(0.7));
        }
    }

    #[test]
    fn derivatives_are_finite_differences() {
        let all = [
            Function::Relu,
            Function::LeakyRelu(0.1),
            Function::ThresholdedRelu(0.4),
            Function::Elu(0.8),
            Function::Selu { alpha: 1.6, gamma: 1.05 },
            Function::Celu(1.4),
            Function::GeluExact,
            Function::GeluTanh,
            Function::Sigmoid,
            Function::HardSigmoid { alpha: 0.2, beta: 0.5 },
            Function::HardSwish,
            Function::Silu,
            Function::Mish,
            Function::Softplus,
            Function::Softsign,
            Function::Tanh,
            Function::Erf,
            Function::Exp,
            Function::Log,
            Function::Sqrt,
            Function::Reciprocal,
            Function::Absolute,
            Function::Clip { low: -1.0, high: 1.5 },
            Function::Power(2.0),
            Function::Power(3.0),
            Function::Sine,
            Function::Cosine,
            Function::Sign,
        ];
        for function in all {
            for x in [-3.3, -1.7, -0.6, 0.3, 1.1, 2.4, 3.7] {
                if x < 0.0 && matches!(function, Function::Log | Function::Sqrt) {
                    continue;
                }
                let step = 1e-6;
                let slope = (function.value(x + step) - function.value(x - step)) / (2.0 * step);
                let own = function.derivative(x);
                assert!(
                    (slope - own).abs() < 1e-6 * (1.0 + own.abs()),
                    "{function:?} at {x}: {own} and {slope}"
                );
            }
        }
    }

    #[test]
    fn the_gradient_at_zero_is_that_of_pytorch() {
        let x = Var::new(&[0.0_f64, 2.0, -1.0], &Device::Cpu).unwrap();
        let loss = Function::Relu.of(&x).unwrap().sum_all().unwrap();
        let gradient = loss.backward().unwrap().get(&x).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(gradient, [0.0, 1.0, 0.0]);
    }
}
