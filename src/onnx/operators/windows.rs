//! Convolution and pooling of any number of spatial dimensions, as choices of places and products: candle's own max-pool has a wrong
//! gradient, and its convolution a slow one.

use candle_core::Tensor;

use super::{Call, Results, floats, one};
use crate::onnx::value::{Computed, Value, flat, mapped, strides, words};

/// Where a window lies over an image.
struct Windows {
    /// Sizes of an image's spatial dimensions.
    image: Vec<usize>,
    kernel: Vec<usize>,
    /// Number of positions along each dimension.
    positions: Vec<usize>,
    stride: Vec<usize>,
    dilation: Vec<usize>,
    /// Padding before each dimension.
    before: Vec<usize>,
    /// Padding after each dimension.
    after: Vec<usize>,
}

fn listed(call: &Call, name: &str, count: usize, default: usize) -> Computed<Vec<usize>> {
    let Some(list) = call.integers(name) else {
        return Ok(vec![default; count]);
    };
    let sizes = list
        .iter()
        .map(|size| usize::try_from(*size).ok().filter(|size| *size <= 1 << 20))
        .collect::<Option<Vec<_>>>();
    sizes
        .filter(|sizes| sizes.len() == count)
        .ok_or_else(|| format!("has {list:?} for `{name}` of {count} dimensions"))
}

impl Windows {
    fn of(call: &Call, image: &[usize], kernel: Vec<usize>) -> Computed<Self> {
        let count = image.len();
        let (stride, dilation) = (listed(call, "strides", count, 1)?, listed(call, "dilations", count, 1)?);
        if stride.contains(&0) || dilation.contains(&0) || kernel.contains(&0) || kernel.len() != count {
            return Err("has a size of 0, or one too few".to_owned());
        }
        let pads = listed(call, "pads", 2 * count, 0)?;
        let (mut before, mut after) = (pads[..count].to_vec(), pads[count..].to_vec());
        let ceiling = call.integer("ceil_mode", 0) != 0;
        let mut positions = Vec::with_capacity(count);
        for place in 0..count {
            let reach = dilation[place] * (kernel[place] - 1) + 1;
            match call.text("auto_pad").unwrap_or("NOTSET") {
                "NOTSET" => {}
                "VALID" => (before[place], after[place]) = (0, 0),
                mode @ ("SAME_UPPER" | "SAME_LOWER") => {
                    let wanted = (image[place].div_ceil(stride[place]).max(1) - 1) * stride[place] + reach;
                    let all = wanted.saturating_sub(image[place]);
                    let small = all / 2;
                    (before[place], after[place]) = if mode == "SAME_UPPER" {
                        (small, all - small)
                    } else {
                        (all - small, small)
                    };
                }
                other => return Err(format!("has `{other}` for `auto_pad`")),
            }
            let all = image[place] + before[place] + after[place];
            let room = all
                .checked_sub(reach)
                .ok_or_else(|| format!("has a window of {reach} over {all} values"))?;
            let mut found = room / stride[place] + 1;
            // A window that begins in the padding behind the image does not count.
            if ceiling && room % stride[place] != 0 && found * stride[place] < image[place] + before[place] {
                found += 1;
            }
            positions.push(found);
        }
        Ok(Self {
            image: image.to_vec(),
            kernel,
            positions,
            stride,
            dilation,
            before,
            after,
        })
    }

    fn size(&self) -> usize {
        self.kernel.iter().fold(1, |count: usize, size| count.saturating_mul(*size))
    }

    fn count(&self) -> usize {
        self.positions.iter().fold(1, |count: usize, size| count.saturating_mul(*size))
    }

    /// For each place of the kernel and each position (kernel x positions): where in the image it is, `None` in the padding.
    fn places(&self) -> Vec<Option<usize>> {
        let steps = strides(&self.image);
        let rank = self.image.len();
        let shape: Vec<usize> = self.kernel.iter().chain(&self.positions).copied().collect();
        let none = usize::MAX;
        let found = mapped(&shape, |index| {
            let along = |place: usize| {
                let at =
                    (index[rank + place] * self.stride[place] + index[place] * self.dilation[place]).checked_sub(self.before[place])?;
                (at < self.image[place]).then_some(at * steps[place])
            };
            (0..rank).map(along).sum::<Option<usize>>().unwrap_or(none)
        });
        found.into_iter().map(|place| (place != none).then_some(place)).collect()
    }

    /// For each place of the kernel and position: whether it is within image and stated padding (not beyond, by rounding up).
    fn within(&self) -> Vec<bool> {
        let rank = self.image.len();
        let shape: Vec<usize> = self.kernel.iter().chain(&self.positions).copied().collect();
        let inside = mapped(&shape, |index| {
            let along = |place: usize| {
                let at = index[rank + place] * self.stride[place] + index[place] * self.dilation[place];
                at < self.image[place] + self.before[place] + self.after[place]
            };
            usize::from((0..rank).all(along))
        });
        inside.into_iter().map(|inside| inside == 1).collect()
    }
}

/// Rows, channels and spatial sizes.
fn image_of(x: &Tensor) -> Computed<(usize, usize, Vec<usize>)> {
    match x.dims() {
        [rows, channels, image @ ..] if !image.is_empty() => Ok((*rows, *channels, image.to_vec())),
        other => Err(format!("takes rows of channels of images, and is given the shape {other:?}")),
    }
}

/// All windows of all channels: rows x (channels x kernel x positions). Places in the padding are `fill`.
fn unfolded(call: &Call, x: &Tensor, windows: &Windows, channels: usize, fill: f64) -> Computed<Tensor> {
    let rows = x.dims()[0];
    let (pixels, each) = (
        windows.image.iter().product::<usize>(),
        windows.size().saturating_mul(windows.count()),
    );
    call.room(&[rows, channels, each])?;
    let outside = channels * pixels;
    let places = windows.places();
    let which: Vec<u32> = (0..channels)
        .flat_map(|channel| {
            places
                .iter()
                .map(move |place| place.map_or(outside, |place| channel * pixels + place) as u32)
        })
        .collect();
    let run = || {
        let flat = x.reshape((rows, channels * pixels))?.contiguous()?;
        let border = Tensor::full(fill as f32, (rows, 1), x.device())?.to_dtype(x.dtype())?;
        let count = which.len();
        let which = Tensor::from_vec(which, count, x.device())?;
        Tensor::cat(&[&flat, &border], 1)?.contiguous()?.index_select(&which, 1)
    };
    run().map_err(words)
}

pub(super) fn conv(call: &Call) -> Results {
    let (x, weight) = (call.float(0)?, call.float(1)?);
    let (rows, channels, image) = image_of(x)?;
    let kernel = weight.dims().get(2..).unwrap_or_default().to_vec();
    let windows = Windows::of(call, &image, kernel)?;
    let groups = usize::try_from(call.integer("group", 1)).ok().filter(|groups| *groups > 0);
    let groups = groups.ok_or_else(|| "has no groups".to_owned())?;
    let outputs = weight.dims()[0];
    if channels % groups != 0 || outputs % groups != 0 || weight.dims()[1] != channels / groups {
        return Err(format!(
            "has a weight of the shape {:?} for {channels} channels in {groups} groups",
            weight.dims()
        ));
    }
    let (size, count) = (windows.size(), windows.count());
    let all = unfolded(call, x, &windows, channels, 0.0)?;
    let inner = channels / groups * size;
    let run = || {
        // Windows of a group: (rows x positions) x (channels x kernel), times kernels as columns.
        let patches = all.reshape((rows, groups, inner, count))?;
        let kernels = weight.reshape((groups, outputs / groups, inner))?;
        let mut parts = Vec::with_capacity(groups);
        for group in 0..groups {
            let own = patches
                .narrow(1, group, 1)?
                .squeeze(1)?
                .transpose(1, 2)?
                .contiguous()?
                .reshape((rows * count, inner))?;
            let kernel = kernels.narrow(0, group, 1)?.squeeze(0)?.t()?.contiguous()?;
            let made = own.matmul(&kernel)?.reshape((rows, count, outputs / groups))?;
            parts.push(made.transpose(1, 2)?);
        }
        let shape: Vec<usize> = [rows, outputs].into_iter().chain(windows.positions.iter().copied()).collect();
        Tensor::cat(&parts, 1)?.contiguous()?.reshape(shape)
    };
    let mut found = run().map_err(words)?;
    if let Some(bias) = call.optional(2) {
        let shape: Vec<usize> = (0..found.rank()).map(|place| if place == 1 { outputs } else { 1 }).collect();
        let bias = bias.float()?.reshape(shape).map_err(words)?;
        found = found.broadcast_add(&bias).map_err(words)?;
    }
    one(Value::Float(found))
}

fn pooled<'a>(call: &Call<'a>) -> Computed<(&'a Tensor, usize, usize, Windows)> {
    let x = call.float(0)?;
    let (rows, channels, image) = image_of(x)?;
    let kernel = listed(call, "kernel_shape", image.len(), 0)?;
    let windows = Windows::of(call, &image, kernel)?;
    call.room(&[rows, channels, windows.size().saturating_mul(windows.count())])?;
    Ok((x, rows, channels, windows))
}

/// As a choice of places: the gradient goes to the first of equal values, as in PyTorch.
pub(super) fn max_pool(call: &Call) -> Results {
    if call.node.outputs.len() > 1 && !call.node.outputs[1].is_empty() {
        return Err("is supported without the places of the largest values".to_owned());
    }
    let (x, rows, channels, windows) = pooled(call)?;
    let (pixels, count) = (windows.image.iter().product::<usize>(), windows.count());
    let places = windows.places();
    let numbers = flat(x)?;
    let mut best = Vec::with_capacity(rows * channels * count);
    for image in 0..rows * channels {
        for position in 0..count {
            let inside = places
                .iter()
                .skip(position)
                .step_by(count)
                .flatten()
                .map(|place| image * pixels + place);
            let largest = inside.reduce(|one, other| if numbers[other] > numbers[one] { other } else { one });
            best.push(largest.ok_or_else(|| "has a window that lies in the padding only".to_owned())?);
        }
    }
    let shape: Vec<usize> = [rows, channels].into_iter().chain(windows.positions.iter().copied()).collect();
    one(Value::Float(x.clone()).picked(&best, &shape)?)
}

pub(super) fn average_pool(call: &Call) -> Results {
    let (x, rows, channels, windows) = pooled(call)?;
    let (size, count) = (windows.size(), windows.count());
    let with_padding = call.integer("count_include_pad", 0) != 0;
    let counted: Vec<bool> = match with_padding {
        true => windows.within(),
        false => windows.places().iter().map(Option::is_some).collect(),
    };
    let share = |position: usize| counted.iter().skip(position).step_by(count).filter(|counted| **counted).count();
    let shares: Vec<f64> = (0..count).map(|position| 1.0 / share(position).max(1) as f64).collect();
    let all = unfolded(call, x, &windows, channels, 0.0)?;
    let shares = call.tensor(shares, &[1, 1, count])?;
    let shape: Vec<usize> = [rows, channels].into_iter().chain(windows.positions.iter().copied()).collect();
    let summed = all.reshape((rows, channels, size, count)).and_then(|all| all.sum(2));
    floats(summed.and_then(|sum| sum.broadcast_mul(&shares)?.reshape(shape)))
}

pub(super) fn global_average(call: &Call) -> Results {
    let x = call.float(0)?;
    let (.., image) = image_of(x)?;
    let axes: Vec<usize> = (2..x.rank()).collect();
    let count: usize = image.iter().product();
    floats(x.sum_keepdim(axes.as_slice()).and_then(|sum| sum / count as f64))
}

pub(super) fn global_max(call: &Call) -> Results {
    let x = call.float(0)?;
    let (rows, channels, image) = image_of(x)?;
    let numbers = flat(x)?;
    let pixels: usize = image.iter().product();
    let largest =
        |image: usize| (image * pixels..(image + 1) * pixels).reduce(|one, other| if numbers[other] > numbers[one] { other } else { one });
    let best = (0..rows * channels).map(largest).collect::<Option<Vec<_>>>();
    let shape: Vec<usize> = [rows, channels].into_iter().chain(image.iter().map(|_| 1)).collect();
    one(Value::Float(x.clone()).picked(&best.ok_or_else(|| "has no values".to_owned())?, &shape)?)
}
