//! Matrix products and normalisations.

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

use super::{Call, Results, floats, one};
use crate::nn::{Matrix, Real, multiply};
use crate::onnx::plan::IN_TRAINING;
use crate::onnx::value::{Computed, Value, axis, broadcast, words};

/// Multiplications in the largest product that is done on one thread.
const SMALL: usize = 1 << 27;

/// The product of two matrices on the calling thread.
struct Multiply;

/// A matrix as it lies, whichever way it is turned.
fn matrix<'a, T>(values: &'a [T], layout: &Layout, rows: usize, columns: usize) -> Matrix<'a, T> {
    let strides = layout.stride();
    Matrix {
        data: &values[layout.start_offset()..],
        rows,
        columns,
        row_stride: strides[0],
        column_stride: strides[1],
    }
}

fn multiplied<T: Real>((left, l): (&[T], &Layout), (right, r): (&[T], &Layout), (rows, inner, columns): (usize, usize, usize)) -> Vec<T> {
    let mut out = vec![T::ZERO; rows * columns];
    let (left, right) = (matrix(left, l, rows, inner), matrix(right, r, inner, columns));
    multiply(&mut out, (columns, 1), T::ZERO, left, right);
    out
}

impl CustomOp2 for Multiply {
    fn name(&self) -> &'static str {
        "product of matrices"
    }

    fn cpu_fwd(&self, left: &CpuStorage, l: &Layout, right: &CpuStorage, r: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let ((rows, inner), (_, columns)) = (l.shape().dims2()?, r.shape().dims2()?);
        let sizes = (rows, inner, columns);
        let result = match (left, right) {
            (CpuStorage::F32(left), CpuStorage::F32(right)) => CpuStorage::F32(multiplied((left, l), (right, r), sizes)),
            (CpuStorage::F64(left), CpuStorage::F64(right)) => CpuStorage::F64(multiplied((left, l), (right, r), sizes)),
            _ => return Err(candle_core::Error::Msg("matrices of another precision".to_owned())),
        };
        Ok((result, Shape::from((rows, columns))))
    }

    fn bwd(&self, left: &Tensor, right: &Tensor, _: &Tensor, gradient: &Tensor) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let of_left = gradient.apply_op2_no_bwd(&right.t()?, self)?;
        let of_right = left.t()?.apply_op2_no_bwd(gradient, self)?;
        Ok((Some(of_left), Some(of_right)))
    }
}

/// The product of matrices of any rank, by the rules of NumPy.
pub(super) fn product(left: &Tensor, right: &Tensor) -> Computed<Tensor> {
    let (l, r) = (left.dims().to_vec(), right.dims().to_vec());
    if l.is_empty() || r.is_empty() {
        return Err("takes matrices, and is given a number".to_owned());
    }
    let run = || -> Computed<Tensor> {
        let left = if l.len() == 1 {
            left.unsqueeze(0).map_err(words)?
        } else {
            left.clone()
        };
        let right = if r.len() == 1 {
            right.unsqueeze(1).map_err(words)?
        } else {
            right.clone()
        };
        let (a, b) = (left.dims().to_vec(), right.dims().to_vec());
        let (rows, inner, columns) = (a[a.len() - 2], a[a.len() - 1], b[b.len() - 1]);
        if inner != b[b.len() - 2] {
            return Err(format!("cannot multiply the shapes {l:?} and {r:?}"));
        }
        if b.len() == 2 {
            // One matrix for all: rows of all matrices lie below each other.
            let all: usize = a[..a.len() - 1].iter().product();
            let flat = left.reshape((all, inner)).and_then(|left| left.contiguous()).map_err(words)?;
            let shape: Vec<usize> = a[..a.len() - 1].iter().copied().chain([columns]).collect();
            // A small one on this thread and as it lies: candle looks up the machine's cores in a file for each.
            let found = match all.saturating_mul(inner).saturating_mul(columns) <= SMALL {
                true => flat.apply_op2(&right, Multiply),
                false => right.contiguous().and_then(|right| flat.matmul(&right)),
            };
            return found.and_then(|found| found.reshape(shape)).map_err(words);
        }
        let outer = broadcast(&a[..a.len() - 2], &b[..b.len() - 2])?;
        let count: usize = outer.iter().product();
        let batched = |tensor: &Tensor, high: usize, wide: usize| {
            let shape: Vec<usize> = outer.iter().copied().chain([high, wide]).collect();
            tensor.broadcast_as(shape)?.contiguous()?.reshape((count, high, wide))
        };
        let found = batched(&left, rows, inner).and_then(|left| left.matmul(&batched(&right, inner, columns)?));
        let shape: Vec<usize> = outer.iter().copied().chain([rows, columns]).collect();
        found.and_then(|found| found.reshape(shape)).map_err(words)
    };
    let mut found = run()?;
    if l.len() == 1 {
        found = found.squeeze(found.rank() - 2).map_err(words)?;
    }
    if r.len() == 1 {
        found = found.squeeze(found.rank() - 1).map_err(words)?;
    }
    Ok(found)
}

pub(super) fn matmul(call: &Call) -> Results {
    let (left, right) = (call.float(0)?, call.float(1)?);
    let rows = left
        .dims()
        .iter()
        .rev()
        .skip(1)
        .fold(1_usize, |count, size| count.saturating_mul(*size));
    call.room(&[rows, right.dims().last().copied().unwrap_or(1)])?;
    if let ([outer @ .., rows, inner], [other @ .., _, columns]) = (left.dims(), right.dims())
        && !other.is_empty()
    {
        // Both are brought to one number of matrices.
        let outer = broadcast(outer, other)?;
        call.room(&[outer.as_slice(), &[*rows, *inner]].concat())?;
        call.room(&[outer.as_slice(), &[*inner, *columns]].concat())?;
        call.room(&[outer.as_slice(), &[*rows, *columns]].concat())?;
    }
    one(Value::Float(product(left, right)?))
}

pub(super) fn gemm(call: &Call) -> Results {
    let turned = |place: usize, name: &str| -> Computed<Tensor> {
        let matrix = call.float(place)?;
        if matrix.rank() != 2 {
            return Err(format!("takes matrices, and input {} has {} dimensions", place + 1, matrix.rank()));
        }
        if call.integer(name, 0) != 0 {
            matrix.t().map_err(words)
        } else {
            Ok(matrix.clone())
        }
    };
    let (alpha, beta) = (call.number("alpha", 1.0), call.number("beta", 1.0));
    let mut found = product(&turned(0, "transA")?, &turned(1, "transB")?)?;
    if alpha != 1.0 {
        found = (found * alpha).map_err(words)?;
    }
    if let Some(bias) = call.optional(2) {
        let bias = bias.float()?;
        if broadcast(found.dims(), bias.dims())? != found.dims() {
            return Err(format!("cannot add a bias of the shape {:?}", bias.dims()));
        }
        let bias = if beta == 1.0 { bias.clone() } else { (bias * beta).map_err(words)? };
        found = found.broadcast_add(&bias).map_err(words)?;
    }
    one(Value::Float(found))
}

/// An input with one value for each channel, the second axis of `x`, to be broadcast to it.
fn of_channels(call: &Call, place: usize, x: &Tensor) -> Computed<Tensor> {
    let channels = *x.dims().get(1).ok_or_else(|| "takes rows of channels".to_owned())?;
    let shape: Vec<usize> = (0..x.rank()).map(|place| if place == 1 { channels } else { 1 }).collect();
    call.float(place)?.reshape(shape.as_slice()).map_err(words)
}

/// By running statistics: a graph that is to be deployed has no others.
pub(super) fn batch_norm(call: &Call) -> Results {
    if call.integer("training_mode", 0) != 0 {
        return Err(IN_TRAINING.to_owned());
    }
    let x = call.float(0)?;
    let part = |place: usize| of_channels(call, place, x);
    let (scale, bias, mean, variance) = (part(1)?, part(2)?, part(3)?, part(4)?);
    let epsilon = call.number("epsilon", 1e-5);
    let run = || {
        let deviation = (variance + epsilon)?.sqrt()?;
        let normal = x.broadcast_sub(&mean)?.broadcast_div(&deviation)?;
        normal.broadcast_mul(&scale)?.broadcast_add(&bias)
    };
    floats(run())
}

pub(super) fn layer_norm(call: &Call) -> Results {
    let x = call.float(0)?;
    let first = axis(call.integer("axis", -1), x.rank())?;
    let axes: Vec<usize> = (first..x.rank()).collect();
    let normal = normal(x, &axes, call.number("epsilon", 1e-5)).map_err(words)?;
    let mut found = normal.broadcast_mul(call.float(1)?).map_err(words)?;
    if let Some(bias) = call.optional(2) {
        found = found.broadcast_add(bias.float()?).map_err(words)?;
    }
    if found.dims() != x.dims() {
        return Err("has a scale of another shape than its input".to_owned());
    }
    one(Value::Float(found))
}

/// Values less their mean, by their deviation, over some axes.
fn normal(x: &Tensor, axes: &[usize], epsilon: f64) -> candle_core::Result<Tensor> {
    let count: usize = axes.iter().map(|place| x.dims()[*place]).product();
    let mean = (x.sum_keepdim(axes)? / count as f64)?;
    let centred = x.broadcast_sub(&mean)?;
    let variance = (centred.sqr()?.sum_keepdim(axes)? / count as f64)?;
    centred.broadcast_div(&(variance + epsilon)?.sqrt()?)
}

/// Scale and shift of each channel, the second axis.
fn by_channel(call: &Call, normal: &Tensor) -> Computed<Tensor> {
    let (scale, shift) = (of_channels(call, 1, normal)?, of_channels(call, 2, normal)?);
    normal
        .broadcast_mul(&scale)
        .and_then(|scaled| scaled.broadcast_add(&shift))
        .map_err(words)
}

/// Each channel of each row by its own mean and deviation.
pub(super) fn instance_norm(call: &Call) -> Results {
    let x = call.float(0)?;
    if x.rank() < 3 {
        return Err("takes rows of channels of values".to_owned());
    }
    let axes: Vec<usize> = (2..x.rank()).collect();
    let normal = normal(x, &axes, call.number("epsilon", 1e-5)).map_err(words)?;
    one(Value::Float(by_channel(call, &normal)?))
}

/// Groups of channels by the mean and deviation of each. Before version 21 scale and shift are those of groups.
pub(super) fn group_norm(call: &Call) -> Results {
    let x = call.float(0)?;
    let [rows, channels, ..] = *x.dims() else {
        return Err("takes rows of channels".to_owned());
    };
    let groups = usize::try_from(call.integer("num_groups", 0)).unwrap_or(0);
    if groups == 0 || channels % groups != 0 {
        return Err(format!("cannot divide {channels} channels into {groups} groups"));
    }
    let grouped = x.reshape((rows, groups, x.elem_count() / rows.max(1) / groups)).map_err(words)?;
    let normal = normal(&grouped, &[2], call.number("epsilon", 1e-5)).map_err(words)?;
    let found = match call.opset < 21 {
        true => by_channel(call, &normal)?.reshape(x.dims()),
        false => Ok(by_channel(call, &normal.reshape(x.dims()).map_err(words)?)?),
    };
    floats(found)
}

/// By the root of the mean square over the last axes.
pub(super) fn rms_norm(call: &Call) -> Results {
    let x = call.float(0)?;
    let first = axis(call.integer("axis", -1), x.rank())?;
    let axes: Vec<usize> = (first..x.rank()).collect();
    let count: usize = x.dims()[first..].iter().product();
    let epsilon = call.number("epsilon", 1e-5);
    let run = || {
        let square = (x.sqr()?.sum_keepdim(axes.as_slice())? / count as f64)?;
        x.broadcast_div(&(square + epsilon)?.sqrt()?)
    };
    let found = run().map_err(words)?.broadcast_mul(call.float(1)?).map_err(words)?;
    if found.dims() != x.dims() {
        return Err("has a scale of another shape than its input".to_owned());
    }
    one(Value::Float(found))
}

/// By the sum of absolute values, or the root of the sum of squares, along an axis. A row of zeros stays one.
pub(super) fn lp_norm(call: &Call) -> Results {
    let x = call.float(0)?;
    let along = axis(call.integer("axis", -1), x.rank())?;
    let run = || {
        let total = match call.integer("p", 2) {
            1 => x.abs()?.sum_keepdim(along)?,
            _ => x.sqr()?.sum_keepdim(along)?.sqrt()?,
        };
        let zero = total.zeros_like()?;
        let safe = total.eq(&zero)?.where_cond(&total.ones_like()?, &total)?;
        x.broadcast_div(&safe)
    };
    floats(run())
}
