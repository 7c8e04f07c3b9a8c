//! The networks of the two papers' image benchmarks, as data.

use super::layer::{ImageSpec, Layer};
use super::shape::ImageShape;
use crate::error::{Error, Result, closest};

/// A network by its name and what builds it for images of a size and a number of classes.
type Entry = (&'static str, fn(ImageShape, usize) -> Vec<Layer>);

/// All networks, in the order they are listed to people. A new one is one line here and one function.
const NETWORKS: &[Entry] = &[
    ("resnet9", |_, classes| resnet9(classes)),
    (FAST, |_, classes| fast(classes)),
    ("resnet18", |_, classes| resnet18(classes)),
    ("wide-resnet-28-10", |_, classes| wide_resnet(4, 10, classes)),
    ("vit-b-16", |_, classes| vision_transformer(&VIT_BASE, classes)),
    ("vit-tiny", |_, classes| vision_transformer(&VIT_TINY, classes)),
    ("resnet-tiny", |_, classes| resnet_tiny(classes)),
];

/// The network for few epochs, whose weights begin by whitening the images: [`ImageSpec::whitens`].
pub const FAST: &str = "fast";

fn conv(name: String, outputs: usize, (kernel, stride, padding): (usize, usize, usize), bias: bool) -> Layer {
    Layer::Conv {
        name,
        outputs,
        kernel,
        stride,
        padding,
        bias,
    }
}

/// ResNet-9 of the corrective-unlearning benchmark (arXiv 2402.14015): blocks of convolution with bias, batch norm, CELU(0.075).
fn resnet9(classes: usize) -> Vec<Layer> {
    let block = |name: &str, outputs: usize, sizes: (usize, usize, usize)| {
        vec![
            conv(format!("{name}.conv"), outputs, sizes, true),
            Layer::Norm {
                name: format!("{name}.norm"),
            },
            Layer::Celu { alpha: 0.075 },
        ]
    };
    let residual = |name: &str, width: usize| Layer::Residual {
        main: [0, 1]
            .into_iter()
            .flat_map(|index| block(&format!("{name}.{index}"), width, (3, 1, 1)))
            .collect(),
        shortcut: Vec::new(),
    };
    let mut layers = block("stem", 64, (3, 1, 1));
    layers.extend(block("down", 128, (5, 2, 2)));
    layers.push(residual("residual1", 128));
    layers.extend(block("widen", 256, (3, 1, 1)));
    layers.push(Layer::MaxPool { size: 2, stride: 2 });
    layers.push(residual("residual2", 256));
    layers.extend(block("last", 128, (3, 1, 0)));
    layers.push(Layer::GlobalMaxPool);
    layers.push(Layer::Linear {
        name: "head".to_owned(),
        outputs: classes,
        bias: false,
    });
    layers
}

/// A small network for processors, after airbench94 (Jordan 2024, arXiv 2404.00498): a whitening convolution of 2 x 2, then three groups of a
/// convolution, pooling, and a second convolution, with 64, 256 and 256 channels; two fifths of ResNet-9's multiplications.
fn fast(classes: usize) -> Vec<Layer> {
    let act = || Layer::Celu { alpha: 0.075 };
    // Two filters for each of the twelve directions of 2 x 2 pixels in three colours.
    let mut layers = vec![conv("whiten".to_owned(), 24, (2, 1, 0), true), act()];
    for (group, width) in [64, 256, 256].into_iter().enumerate() {
        for index in 0..2 {
            let name = format!("group{}.{index}", group + 1);
            layers.push(conv(format!("{name}.conv"), width, (3, 1, 1), false));
            if index == 0 {
                layers.push(Layer::MaxPool { size: 2, stride: 2 });
            }
            layers.push(Layer::Norm {
                name: format!("{name}.norm"),
            });
            layers.push(act());
        }
    }
    // Small logits at the start, and small steps of the head beside those of the rest.
    layers.extend([Layer::GlobalMaxPool, Layer::Scale { factor: 1.0 / 9.0 }]);
    layers.push(Layer::Linear {
        name: "head".to_owned(),
        outputs: classes,
        bias: false,
    });
    layers
}

/// ResNet-18 (He et al. 2016) in its form for CIFAR: a 3 x 3 stem without pooling. Names are torchvision's.
fn resnet18(classes: usize) -> Vec<Layer> {
    let norm = |name: String| Layer::Norm { name };
    let mut layers = vec![conv("conv1".to_owned(), 64, (3, 1, 1), false), norm("bn1".to_owned()), Layer::Relu];
    let mut inputs = 64;
    for (stage, width) in [64, 128, 256, 512].into_iter().enumerate() {
        for index in 0..2 {
            let name = format!("layer{}.{index}", stage + 1);
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let main = vec![
                conv(format!("{name}.conv1"), width, (3, stride, 1), false),
                norm(format!("{name}.bn1")),
                Layer::Relu,
                conv(format!("{name}.conv2"), width, (3, 1, 1), false),
                norm(format!("{name}.bn2")),
            ];
            let shortcut = match stride != 1 || inputs != width {
                true => vec![
                    conv(format!("{name}.downsample.0"), width, (1, stride, 0), false),
                    norm(format!("{name}.downsample.1")),
                ],
                false => Vec::new(),
            };
            layers.push(Layer::Residual { main, shortcut });
            layers.push(Layer::Relu);
            inputs = width;
        }
    }
    layers.push(Layer::GlobalAveragePool);
    layers.push(Layer::Linear {
        name: "fc".to_owned(),
        outputs: classes,
        bias: true,
    });
    layers
}

/// WideResNet (Zagoruyko and Komodakis 2016) of three stages of `blocks` blocks, `widen` times 16, 32 and 64 channels; convolutions
/// with bias, no dropout.
pub(super) fn wide_resnet(blocks: usize, widen: usize, classes: usize) -> Vec<Layer> {
    let norm = |name: String| Layer::Norm { name };
    let mut layers = vec![conv("conv1".to_owned(), 16, (3, 1, 1), true)];
    let mut inputs = 16;
    for (stage, width) in [16 * widen, 32 * widen, 64 * widen].into_iter().enumerate() {
        for index in 0..blocks {
            let name = format!("layer{}.{index}", stage + 1);
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let main = vec![
                norm(format!("{name}.bn1")),
                Layer::Relu,
                conv(format!("{name}.conv1"), width, (3, 1, 1), true),
                norm(format!("{name}.bn2")),
                Layer::Relu,
                conv(format!("{name}.conv2"), width, (3, stride, 1), true),
            ];
            let shortcut = match stride != 1 || inputs != width {
                true => vec![conv(format!("{name}.shortcut.0"), width, (1, stride, 0), true)],
                false => Vec::new(),
            };
            layers.push(Layer::Residual { main, shortcut });
            inputs = width;
        }
    }
    layers.extend([norm("bn1".to_owned()), Layer::Relu, Layer::GlobalAveragePool]);
    layers.push(Layer::Linear {
        name: "linear".to_owned(),
        outputs: classes,
        bias: true,
    });
    layers
}

/// Sizes of a vision transformer.
struct Transformer {
    /// Pixels to each side of a patch.
    patch: usize,
    width: usize,
    blocks: usize,
    heads: usize,
    /// Values between the two linear layers of a block.
    inner: usize,
}

/// ViT-B/16, 86 million parameters; its published weights are for images of 224 x 224.
const VIT_BASE: Transformer = Transformer {
    patch: 16,
    width: 768,
    blocks: 12,
    heads: 12,
    inner: 3_072,
};

/// For tests and small images.
const VIT_TINY: Transformer = Transformer {
    patch: 4,
    width: 48,
    blocks: 3,
    heads: 4,
    inner: 96,
};

/// A vision transformer (Dosovitskiy et al. 2021) that classifies by its class token, without dropout. Names are those of
/// `ViTForImageClassification` of the Hugging Face library.
fn vision_transformer(sizes: &Transformer, classes: usize) -> Vec<Layer> {
    let norm = |name: String| Layer::LayerNorm { name, epsilon: 1e-12 };
    let linear = |name: String, outputs: usize| Layer::TokenLinear { name, outputs, bias: true };
    let patches = "vit.embeddings.patch_embeddings.projection".to_owned();
    let mut layers = vec![
        conv(patches, sizes.width, (sizes.patch, sizes.patch, 0), true),
        Layer::Tokens {
            name: "vit.embeddings".to_owned(),
        },
    ];
    for block in 0..sizes.blocks {
        let name = format!("vit.encoder.layer.{block}");
        let attention = vec![
            norm(format!("{name}.layernorm_before")),
            Layer::Attention {
                name: format!("{name}.attention.attention"),
                heads: sizes.heads,
            },
            linear(format!("{name}.attention.output.dense"), sizes.width),
        ];
        let inner = vec![
            norm(format!("{name}.layernorm_after")),
            linear(format!("{name}.intermediate.dense"), sizes.inner),
            Layer::Gelu,
            linear(format!("{name}.output.dense"), sizes.width),
        ];
        layers.extend([attention, inner].map(|main| Layer::Residual {
            main,
            shortcut: Vec::new(),
        }));
    }
    layers.extend([norm("vit.layernorm".to_owned()), Layer::ClassToken]);
    layers.push(Layer::Linear {
        name: "classifier".to_owned(),
        outputs: classes,
        bias: true,
    });
    layers
}

/// A network for small images and for trying things out: no paper's.
fn resnet_tiny(classes: usize) -> Vec<Layer> {
    let block = |name: &str, outputs: usize, stride: usize| {
        vec![
            conv(format!("{name}.conv"), outputs, (3, stride, 1), false),
            Layer::Norm {
                name: format!("{name}.norm"),
            },
            Layer::Relu,
        ]
    };
    let mut layers = block("stem", 16, 1);
    layers.extend(block("down", 24, 2));
    layers.push(Layer::Residual {
        main: block("residual", 24, 1),
        shortcut: Vec::new(),
    });
    layers.push(Layer::GlobalAveragePool);
    layers.push(Layer::Linear {
        name: "head".to_owned(),
        outputs: classes,
        bias: true,
    });
    layers
}

/// The network of this name.
fn entry(name: &str) -> Result<&'static Entry> {
    NETWORKS.iter().find(|(other, _)| *other == name).ok_or_else(|| {
        let hint = match closest(name, ImageSpec::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("networks: {}", ImageSpec::names().collect::<Vec<_>>().join(", ")),
        };
        Error::input(format!("there is no image network `{name}`")).hint(hint)
    })
}

impl ImageSpec {
    /// Names of the networks that [`ImageSpec::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NETWORKS.iter().map(|(name, _)| *name)
    }

    /// Whether its weights begin with [`whitened`](super::ImageNetwork::whitened) images.
    pub fn whitens(&self) -> bool {
        self.name == FAST
    }

    /// Side in pixels of the patches of the network of this name, where it is a vision transformer, which alone can start from weights in
    /// a file; `None` for every other.
    ///
    /// # Errors
    /// Where there is no such network.
    pub fn patch(name: &str) -> Result<Option<usize>> {
        // Neither images nor classes decide it.
        match entry(name)?.1(ImageShape::CIFAR, 2).as_slice() {
            [Layer::Conv { kernel, .. }, Layer::Tokens { .. }, ..] => Ok(Some(*kernel)),
            _ => Ok(None),
        }
    }

    /// The network of this name for images of a size and a number of classes.
    ///
    /// # Errors
    /// Where there is none, or it cannot take such images.
    pub fn named(name: &str, input: ImageShape, classes: usize) -> Result<Self> {
        let (name, build) = entry(name)?;
        let spec = Self {
            name: (*name).to_owned(),
            input,
            classes,
            layers: build(input, classes),
        };
        // A transformer's patches cover the image.
        if let Some(Layer::Conv { kernel, stride, .. }) = spec.layers.first()
            && kernel == stride
            && !(input.height.is_multiple_of(*kernel) && input.width.is_multiple_of(*kernel))
        {
            return Err(
                Error::input(format!("patches of {kernel} x {kernel} pixels do not cover images of {input}")).hint(format!(
                    "resize the images so that both sides are a multiple of {kernel}, such as {}",
                    14 * kernel
                )),
            );
        }
        spec.tensors()?;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(name: &str, classes: usize) -> usize {
        let input = match name {
            "vit-b-16" => ImageShape::new(3, 224, 224),
            _ => ImageShape::CIFAR,
        };
        ImageSpec::named(name, input, classes).unwrap().parameters().unwrap()
    }

    #[test]
    fn parameter_counts_are_those_of_the_references() {
        // The corrective benchmark's own count; ResNet-18's of torchvision's with the other stem; WideResNet's of PyTorch modules
        // (tests/fixtures/image_networks.py).
        assert_eq!(count("resnet9", 10), 2_276_224);
        assert_eq!((count("resnet18", 10), count("resnet18", 100)), (11_173_962, 11_220_132));
        let text = include_str!("../../../tests/fixtures/image_networks.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let counts = golden["counts"].as_object().unwrap();
        assert_eq!(counts.len(), 6);
        // 24 filters of 3 x 2 x 2 with biases; convolutions and norms of three groups; the head.
        let group = |inputs: usize, width: usize| (inputs + width) * width * 9 + 4 * width;
        assert_eq!(
            count("fast", 10),
            24 * 13 + group(24, 64) + group(64, 256) + group(256, 256) + 2_560
        );
        // The reference's 86,567,656 for 1,000 classes, which is 85,798,656 and the head.
        assert_eq!(86_567_656 - 1_000 * 769, 85_798_656);
        assert_eq!(
            (count("vit-b-16", 10), count("vit-b-16", 105)),
            (85_798_656 + 10 * 769, 85_798_656 + 105 * 769)
        );
        for (name, expected) in counts {
            let (name, classes) = name.rsplit_once('/').unwrap();
            assert_eq!(count(name, classes.parse().unwrap()) as u64, expected.as_u64().unwrap(), "{name}");
        }
    }

    #[test]
    fn names_that_are_not_known_and_images_that_do_not_fit_are_refused() {
        let error = ImageSpec::named("resnet-18", ImageShape::CIFAR, 10).unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `resnet18`?"));
        let error = ImageSpec::named("resnet9", ImageShape::new(3, 4, 4), 10).unwrap_err();
        assert!(
            error.hint_text().is_some_and(|hint| hint.contains("larger images")),
            "the last convolution finds 1 x 1: {error}"
        );
        let error = ImageSpec::named("vit-b-16", ImageShape::new(3, 200, 224), 10).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("patches of 16 x 16 pixels do not cover images of 3 x 200 x 224"),
            "{error}"
        );
        assert_eq!(ImageSpec::patch("vit-b-16").unwrap(), Some(16));
        assert!(ImageSpec::patch("resnet18").unwrap().is_none() && ImageSpec::patch("vit").is_err());
        assert!(ImageSpec::named("resnet9", ImageShape::CIFAR, 1).is_err());
        assert!(ImageSpec::named("resnet9", ImageShape::CIFAR, 257).is_err());
    }

    #[test]
    fn every_network_is_the_same_after_a_trip_through_json() {
        for name in ImageSpec::names() {
            let spec = ImageSpec::named(name, ImageShape::CIFAR, 20).unwrap();
            let back: ImageSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
            assert_eq!(back, spec);
        }
    }
}
