//! The vision transformer: against PyTorch, finite differences, the loop over images; weights from files.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::pass::{Workspace, cross_entropy};
use super::tests::*;
use super::*;
use crate::error::Error;
use crate::notes::Notes;
use crate::seed::Seed;

/// Every layer of a transformer on 2 x 4 x 6 images.
fn every_token_layer() -> ImageSpec {
    let name = |name: &str| name.to_owned();
    let linear = |name: &str, outputs| Layer::TokenLinear {
        name: name.to_owned(),
        outputs,
        bias: true,
    };
    let norm = |name: &str| Layer::LayerNorm {
        name: name.to_owned(),
        epsilon: 1e-3,
    };
    ImageSpec {
        name: name("every token layer"),
        input: ImageShape::new(2, 4, 6),
        classes: 3,
        layers: vec![
            Layer::Conv {
                name: name("a"),
                outputs: 6,
                kernel: 2,
                stride: 2,
                padding: 0,
                bias: true,
            },
            Layer::Tokens { name: name("b") },
            Layer::Residual {
                main: vec![norm("c"), Layer::Attention { name: name("d"), heads: 2 }, linear("e", 6)],
                shortcut: Vec::new(),
            },
            Layer::Residual {
                main: vec![norm("f"), linear("g", 7), Layer::Gelu, linear("h", 6)],
                shortcut: Vec::new(),
            },
            norm("i"),
            Layer::ClassToken,
            Layer::Linear {
                name: name("head"),
                outputs: 3,
                bias: true,
            },
        ],
    }
}

#[test]
fn the_small_transformer_agrees_with_pytorch_in_both_precisions() {
    agrees_with_pytorch::<f64>("vit-tiny", &[TRAINING, EVALUATION], 1e-10);
    agrees_with_pytorch::<f32>("vit-tiny", &[EVALUATION], 1e-4);
}

#[test]
#[ignore = "86 million parameters: slow without optimisation"]
fn the_whole_transformer_agrees_with_pytorch() {
    agrees_with_pytorch::<f32>("vit-b-16", &[EVALUATION], 1e-4);
}

#[test]
fn gradients_of_every_token_layer_agree_with_finite_differences() {
    gradients_agree_with_finite_differences(&every_token_layer());
}

#[test]
fn a_transformers_results_are_the_same_bits_for_any_number_of_threads() {
    results_are_the_same_bits(&every_token_layer());
}

#[test]
fn images_that_know_nothing_of_each_other_may_be_taken_one_at_a_time() {
    for (spec, mode) in [(every_token_layer(), Mode::Training), (every_layer(), Mode::Evaluation)] {
        let network = filled::<f64>(&spec);
        let images = unit("few", 21 * spec.input.len());
        let labels: Vec<u8> = (0..21).map(|image| image % 3).collect();
        let (loss, gradient) = image_gradient(&network, &images, &labels, mode, 2).unwrap();
        let mut workspace = Workspace::new();
        workspace.most_values = 1;
        let passed = workspace.pass(&network, &images, mode, 2, &|range, logits, deltas| {
            assert_eq!(range.len(), 1);
            cross_entropy(&labels[range], logits, 1.0 / 21.0, deltas)
        });
        near("loss", passed.loss, loss, 1e-13);
        workspace.with_gradients(|parts| {
            for (index, expected) in gradient.iter().enumerate() {
                near("gradient", parts.iter().map(|part| part[index]).sum(), *expected, 1e-13);
            }
        });
    }
}

#[test]
fn a_transformers_importances_are_those_of_the_loop_over_batches_or_images() {
    importances_are_those_of_the_loop(&every_token_layer());
}

#[test]
fn token_layers_that_do_not_fit_are_refused() {
    let refused = |change: &dyn Fn(&mut Vec<Layer>), cause: &str| {
        let mut spec = every_token_layer();
        change(&mut spec.layers);
        let error = ImageNetwork::<f32>::zeros(&spec).unwrap_err().to_string();
        assert!(error.contains(cause), "{error}");
    };
    refused(&|layers| drop(layers.remove(1)), "needs tokens, and finds 6 x 2 x 3");
    refused(
        &|layers| layers[1] = Layer::Tokens { name: "a".to_owned() },
        "two layers have the name `a`",
    );
    refused(
        &|layers| layers.insert(2, Layer::Tokens { name: "b".to_owned() }),
        "two layers have the name `b`",
    );
    for heads in [0, 4] {
        let attention = Layer::Attention {
            name: "x".to_owned(),
            heads,
        };
        refused(&|layers| layers.insert(2, attention.clone()), "cannot share 6 values among");
    }
    let norm = Layer::LayerNorm {
        name: "x".to_owned(),
        epsilon: 0.0,
    };
    refused(&|layers| layers.insert(2, norm.clone()), "epsilon of layer `x` is 0");
    let linear = Layer::TokenLinear {
        name: "x".to_owned(),
        outputs: 0,
        bias: true,
    };
    refused(&|layers| layers.insert(2, linear.clone()), "layer `x` has no outputs");
}

#[test]
fn transformers_have_their_own_published_recipe() {
    for (classes, epochs) in [(10, 8), (20, 9), (100, 8), (105, 8)] {
        let recipe = ImageRecipe::published_forgetting_of("vit-b-16", classes);
        recipe.check().unwrap();
        assert_eq!(recipe.length, Length::Epochs(epochs));
        let rate = |epoch: usize| recipe.rate((epoch - 1) * recipe.steps_per_epoch(640), 640);
        near("before", rate(epochs - 2), 0.1, 0.0);
        near("milestone", rate(epochs - 1), 0.02, 1e-15);
    }
    assert_eq!(
        ImageRecipe::published_forgetting_of("resnet18", 20),
        ImageRecipe::published_forgetting(20)
    );
}

/// Tensors with their names, as a file holds them.
type Stored = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

fn stored(network: &ImageNetwork<f32>) -> Stored {
    let stored = network.to_tensors().into_iter().map(|tensor| {
        let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        (tensor.name, Dtype::F32, tensor.shape, bytes)
    });
    stored.collect()
}

fn save(path: &Path, tensors: &Stored) {
    let views = tensors
        .iter()
        .map(|(name, kind, shape, bytes)| (name.as_str(), TensorView::new(*kind, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn tiny(classes: usize) -> ImageSpec {
    ImageSpec::named("vit-tiny", ImageShape::new(3, 16, 16), classes).unwrap()
}

fn load(spec: &ImageSpec, path: &Path) -> Result<(ImageNetwork<f32>, Notes), Error> {
    let mut notes = Notes::new();
    ImageNetwork::from_safetensors(spec, path, Seed(5), &mut notes).map(|network| (network, notes))
}

#[test]
fn weights_are_read_from_the_librarys_file_and_a_head_for_other_classes_is_drawn() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    let network = filled::<f32>(&tiny(10));
    let mut tensors = stored(&network);
    save(&path, &tensors);
    // The names of the reference.
    for name in [
        "vit.embeddings.cls_token",
        "vit.embeddings.position_embeddings",
        "vit.embeddings.patch_embeddings.projection.bias",
        "vit.encoder.layer.2.attention.attention.query.weight",
        "vit.encoder.layer.0.attention.output.dense.weight",
        "vit.encoder.layer.1.intermediate.dense.bias",
        "vit.encoder.layer.1.output.dense.weight",
        "vit.encoder.layer.1.layernorm_before.weight",
        "vit.encoder.layer.1.layernorm_after.bias",
        "vit.layernorm.weight",
        "classifier.weight",
    ] {
        assert!(
            SafeTensors::deserialize(&std::fs::read(&path).unwrap())
                .unwrap()
                .tensor(name)
                .is_ok(),
            "{name}"
        );
    }
    for path in [&path, place.path()] {
        let (loaded, notes) = load(&tiny(10), path).unwrap();
        assert!(loaded == network && notes.is_empty());
    }
    let (other, notes) = load(&tiny(7), &path).unwrap();
    assert!(notes.has("fresh-head"));
    let head = other.tensors().iter().find(|tensor| tensor.name == "classifier.weight").unwrap();
    assert!(other.parameters()[..head.offset] == network.parameters()[..head.offset]);
    assert!(other.parameters()[head.offset..] == ImageNetwork::<f32>::initial(&tiny(7), Seed(5)).unwrap().parameters()[head.offset..]);
    // A bare transformer: no `vit.`, no head, a pooler that nobody needs; and half precision.
    tensors.truncate(tensors.len() - 2);
    for (name, kind, _, bytes) in &mut tensors {
        *name = name.strip_prefix("vit.").unwrap().to_owned();
        let values = bytes
            .as_chunks()
            .0
            .iter()
            .map(|four| half::bf16::from_f32(f32::from_le_bytes(*four)));
        *bytes = values.flat_map(|value| value.to_le_bytes()).collect();
        *kind = Dtype::BF16;
    }
    tensors.push(("pooler.dense.bias".to_owned(), Dtype::F32, vec![1], vec![0; 4]));
    save(&path, &tensors);
    let (rounded, notes) = load(&tiny(10), &path).unwrap();
    assert!(notes.has("fresh-head"));
    for (found, expected) in rounded.parameters()[..head.offset].iter().zip(network.parameters()) {
        assert!((found - expected).abs() <= expected.abs() / 256.0);
    }
}

#[test]
fn weights_of_another_network_and_damaged_files_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    let network = filled::<f32>(&tiny(10));
    let fails = |spec: &ImageSpec, change: &dyn Fn(&mut Stored), cause: &str, hint: &str| {
        let mut tensors = stored(&network);
        change(&mut tensors);
        save(&path, &tensors);
        let error = load(spec, &path).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().contains(cause) && error.to_string().contains("model.safetensors"),
            "{error}"
        );
        assert!(
            error.hint_text().is_some_and(|text| text.contains(hint)),
            "{error}: {:?}",
            error.hint_text()
        );
    };
    let spec = tiny(10);
    let larger = ImageSpec::named("vit-tiny", ImageShape::CIFAR, 10).unwrap();
    fails(
        &larger,
        &|_| {},
        "`vit.embeddings.position_embeddings` has shape [1, 17, 48]",
        "resize the images",
    );
    fails(
        &spec,
        &|tensors| drop(tensors.remove(9)),
        "is missing",
        "among them `classifier.bias`",
    );
    fails(&spec, &|tensors| tensors.truncate(0), "is missing", "0 tensors");
    let base = ImageSpec::named("vit-b-16", ImageShape::new(3, 16, 16), 10).unwrap();
    fails(
        &base,
        &|_| {},
        "has shape [48, 3, 4, 4] where [768, 3, 16, 16] is needed",
        "not one of `vit-b-16`",
    );
    fails(
        &spec,
        &|tensors| tensors[3].3[..4].copy_from_slice(&f32::NAN.to_le_bytes()),
        "not a finite number",
        "damaged or not one of",
    );
    let whole = |tensors: &mut Stored| tensors[3].1 = Dtype::I32;
    fails(&spec, &whole, "is of type I32", "single or half precision");
    save(&path, &stored(&network));
    let bytes = std::fs::read(&path).unwrap();
    for cut in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let error = load(&spec, &path).unwrap_err();
        assert!(
            error.to_string().contains("cannot be read as safetensors") && error.hint_text().is_some(),
            "{error}"
        );
    }
    std::fs::remove_file(&path).unwrap();
    for (path, cause) in [(place.path(), "no `model.safetensors`"), (path.as_path(), "there is no file")] {
        let error = load(&spec, path).unwrap_err();
        assert!(
            error.to_string().contains(cause) && error.hint_text().is_some_and(|hint| hint.contains(PRETRAINED_ADDRESS)),
            "{error}"
        );
    }
}

#[test]
fn networks_start_from_a_file_with_a_head_of_their_own_and_images_of_its_size() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    let network = filled::<f32>(&tiny(10));
    save(&path, &stored(&network));
    let weights = StartWeights::open("vit-tiny", place.path()).unwrap();
    assert_eq!(weights.input(), ImageShape::new(3, 16, 16));
    assert_eq!(weights.sha256(), crate::files::sha256_of(&path).unwrap());
    let spec = weights.spec(10).unwrap();
    let start = |seed| weights.start::<f32>(&spec, Seed(seed)).unwrap();
    let (one, other) = (start(1), start(2));
    let head = one
        .tensors()
        .iter()
        .find(|tensor| tensor.name == "classifier.weight")
        .unwrap()
        .offset;
    for network in [&one, &other] {
        assert!(network.parameters()[..head] == filled::<f32>(&tiny(10)).parameters()[..head]);
    }
    // Although the file has a head for as many classes.
    assert!(one.parameters()[head..] != other.parameters()[head..] && one.parameters()[head..] != network.parameters()[head..]);
    assert!(one.parameters()[head..] == ImageNetwork::<f32>::initial(&spec, Seed(1)).unwrap().parameters()[head..]);

    let refused = |name: &str, cause: &str| {
        let error = StartWeights::open(name, &path).unwrap_err();
        assert!(error.exit_code() == 2 && error.hint_text().is_some(), "{error}");
        assert!(error.to_string().contains(cause), "{error}");
    };
    refused("resnet18", "takes none from a file");
    refused("vit-base", "no image network");
    // Its patches are of another size, which the shapes tell once a network is to start from it.
    let other = StartWeights::open("vit-b-16", &path).unwrap();
    let error = other.start::<f32>(&other.spec(10).unwrap(), Seed(0)).unwrap_err();
    assert!(error.to_string().contains("where [768, 3, 16, 16] is needed"), "{error}");
    for (shape, bytes) in [(vec![1, 16, 2], 128), (vec![17, 2], 136), (vec![1, 1, 2], 8)] {
        let mut tensors = stored(&network);
        let positions = tensors.iter_mut().find(|tensor| tensor.0.ends_with("position_embeddings")).unwrap();
        (positions.2, positions.3) = (shape, vec![0; bytes]);
        save(&path, &tensors);
        refused("vit-tiny", "is that of no square image");
    }
    let error = weights.start::<f32>(&spec, Seed(0)).unwrap_err();
    assert!(error.to_string().contains("changed while they were in use"), "{error}");
}
