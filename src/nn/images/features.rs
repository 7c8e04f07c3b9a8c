//! What the last linear layer of a network sees: the values by which images that look alike to the network lie together.

use super::answers::source_logits;
use super::device::Compute;
use super::layer::{ImageSpec, Layer};
use super::network::ImageNetwork;
use super::source::ImageSource;
use crate::error::{Error, Result};
use crate::nn::{NamedTensor, Real};
use crate::progress::Progress;

/// Outputs that a network has at most.
const MOST: usize = 256;

/// Values before the last linear layer, in evaluation mode: images x width, and the width. The network is asked with an identity in place of its
/// last layer, so that whatever computes it computes this too.
///
/// # Errors
/// Where the network does not end in a linear layer of at least two inputs; else as [`source_logits`].
pub fn image_features<T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    rows: &[u32],
    compute: Compute,
    progress: &dyn Progress,
) -> Result<(Vec<T>, usize)> {
    let spec = network.spec();
    let Some(Layer::Linear { name, .. }) = spec.layers.last() else {
        return Err(Error::input(format!("`{}` does not end in a linear layer", spec.name)));
    };
    let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
    let tensors = network.to_tensors();
    let width = tensors
        .iter()
        .find(|tensor| tensor.name == weight)
        .and_then(|tensor| tensor.shape.last().copied());
    let width = width
        .filter(|width| *width >= 2)
        .ok_or_else(|| Error::internal("a last layer without inputs"))?;
    let mut features = vec![T::ZERO; rows.len() * width];
    let mut start = 0;
    while start < width {
        // Never a single output, which no network has.
        let outputs = if width - start == MOST + 1 {
            MOST - 1
        } else {
            MOST.min(width - start)
        };
        let mut layers = spec.layers.clone();
        layers.pop();
        layers.push(Layer::Linear {
            name: name.clone(),
            outputs,
            bias: false,
        });
        let cut = ImageSpec {
            name: spec.name.clone(),
            input: spec.input,
            classes: outputs,
            layers,
        };
        let mut own: Vec<NamedTensor> = tensors
            .iter()
            .filter(|tensor| ![&weight, &bias].contains(&&tensor.name))
            .cloned()
            .collect();
        let mut values = vec![0.0; outputs * width];
        for output in 0..outputs {
            values[output * width + start + output] = 1.0;
        }
        own.push(NamedTensor {
            name: weight.clone(),
            shape: vec![outputs, width],
            values,
        });
        let part = source_logits(&ImageNetwork::from_tensors(&cut, &own)?, source, rows, 0, compute, progress)?;
        for (into, from) in features.chunks_exact_mut(width).zip(part.chunks_exact(outputs)) {
            into[start..start + outputs].copy_from_slice(from);
        }
        start += outputs;
    }
    Ok((features, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::images::{ImageShape, PlainImages, image_logits};
    use crate::progress::Silent;
    use crate::seed::Seed;

    #[test]
    fn the_last_layer_makes_logits_of_them() {
        // ResNet-18 has 512 values there: more than a network may have outputs.
        for (name, layer) in [("resnet-tiny", "head"), ("resnet18", "fc")] {
            let shape = ImageShape::new(3, 8, 8);
            let spec = ImageSpec::named(name, shape, 4).unwrap();
            let network = ImageNetwork::<f32>::initial(&spec, Seed(3)).unwrap();
            let values: Vec<f32> = (0..3 * shape.len()).map(|at| ((at * 37 % 101) as f32 - 50.0) / 40.0).collect();
            let source = PlainImages {
                shape,
                values: &values,
                labels: &[0, 1, 2],
            };
            let (features, width) = image_features(&network, &source, &[2, 0, 1], 1.into(), &Silent::default()).unwrap();
            assert_eq!(features.len(), 3 * width);
            let logits = image_logits(&network, &values, 1).unwrap();
            let tensors = network.to_tensors();
            let find = |end: &str| tensors.iter().find(|tensor| tensor.name == format!("{layer}.{end}")).unwrap();
            for (place, row) in [2, 0, 1].into_iter().enumerate() {
                for class in 0..4 {
                    let weights = &find("weight").values[class * width..][..width];
                    let own = &features[place * width..][..width];
                    let sum: f64 = weights
                        .iter()
                        .zip(own)
                        .map(|(weight, value)| f64::from(*weight) * f64::from(*value))
                        .sum();
                    let expected = f64::from(logits[row * 4 + class]);
                    let found = sum + f64::from(find("bias").values[class]);
                    assert!(
                        (found - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                        "{name}: {found} {expected}"
                    );
                }
            }
        }
    }
}
