//! Images on a GPU, with the kernels run on the host, against the processor.

use super::*;
use crate::nn::images::{
    Compute, ImageNetwork, ImageRecipe, ImageShape, ImageSource, ImageSpec, ImageTraining, Layer, Length, NoCheckpoints, Precision,
    on_host, source_logits,
};
use crate::progress::Silent;
use crate::seed::Seed;

/// A network that answers with the image itself.
fn mirror(shape: ImageShape) -> ImageNetwork<f32> {
    let spec = ImageSpec {
        name: "mirror".to_owned(),
        input: shape,
        classes: shape.len(),
        layers: vec![Layer::Linear {
            name: "a".to_owned(),
            outputs: shape.len(),
            bias: false,
        }],
    };
    let mut network = ImageNetwork::zeros(&spec).unwrap();
    for place in 0..shape.len() {
        network.parameters_mut()[place * shape.len() + place] = 1.0;
    }
    network
}

#[test]
fn a_device_makes_of_bytes_what_the_processor_makes_to_the_bit() {
    let Some((device, _guard)) = on_host(Precision::Single) else {
        return;
    };
    let set = MadeUp {
        shape: ImageShape::new(3, 9, 7),
        train: 50,
        ..MadeUp::default()
    };
    let images = set.make().unwrap().train;
    let normalisation = Normalisation::fit(&images).unwrap();
    let source = TrainingImages {
        images: &images,
        normalisation: &normalisation,
        augmentation: Augmentation::PUBLISHED,
        seed: Seed(11),
        resize: None,
    };
    let network = mirror(images.shape);
    let rows: Vec<u32> = vec![3, 40, 7, 0, 9];
    let mut seen = 0;
    for epoch in 0..4 {
        let mut expected = vec![0.0_f32; rows.len() * images.shape.len()];
        source.fill(epoch, &rows, 1, &mut expected).unwrap();
        let found = source_logits(&network, &source, &rows, epoch, Compute::on(&device, 1), &Silent::default()).unwrap();
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!(found == expected, "epoch {epoch} value {index}: {found} {expected}");
        }
        let augment_params = source.augment_params(epoch, &rows).unwrap();
        seen += augment_params
            .iter()
            .filter(|params| params.mirrored && params.turn.is_some())
            .count();
    }
    assert!(seen > 3, "some are mirrored and turned");
    let plain = TrainingImages {
        augmentation: Augmentation::NONE,
        ..source
    };
    let of = |compute: Compute| source_logits(&network, &plain, &rows, 0, compute, &Silent::default()).unwrap();
    assert!(of(Compute::on(&device, 1)) == of(1.into()), "also as they are");
}

/// Made-up images, learnt for two epochs.
fn learnt(compute: Compute) -> (ImageNetwork<f32>, f64, f64) {
    let set = MadeUp {
        shape: ImageShape::new(3, 8, 8),
        classes: 4,
        train: 60,
        test: 4,
        noise: 20,
        seed: Seed(2),
    };
    let images = set.make().unwrap().train;
    let normalisation = Normalisation::fit(&images).unwrap();
    let source = TrainingImages {
        images: &images,
        normalisation: &normalisation,
        augmentation: Augmentation {
            crop_padding: 1,
            flip: true,
            alternating: false,
            degrees: 5.0,
        },
        seed: Seed(3),
        resize: None,
    };
    let spec = ImageSpec::named("resnet-tiny", images.shape, 4).unwrap();
    let recipe = ImageRecipe {
        length: Length::Epochs(2),
        batch: 12,
        learning_rate: 0.05,
        ..ImageRecipe::published_forgetting(10)
    };
    let training = ImageTraining {
        source: &source,
        recipe: &recipe,
        seed: Seed(4),
        first_epoch: 0,
        compute,
    };
    let start = ImageNetwork::<f32>::initial(&spec, Seed(5)).unwrap();
    let (network, log) = training.run(&start, &NoCheckpoints, &Silent::default()).unwrap();
    (network, log.epochs[0].loss, log.epochs[1].loss)
}

#[test]
fn whole_trainings_agree_and_half_precision_learns_as_well() {
    let expected = learnt(2.into());
    for (precision, share) in [(Precision::Single, 1e-3), (Precision::Half, 0.1)] {
        let Some((device, _guard)) = on_host(precision) else { return };
        let found = learnt(Compute::on(&device, 2));
        for tensor in expected.0.tensors() {
            let (found, expected) = (&found.0.parameters()[tensor.range()], &expected.0.parameters()[tensor.range()]);
            let length = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt();
            let away = length(&mut found.iter().zip(expected).map(|(a, b)| a - b));
            let whole = length(&mut expected.iter().copied());
            assert!(away <= share * whole.max(0.1), "{}: {away} of {whole}", tensor.name);
        }
        assert!((found.2 - expected.2).abs() < share * expected.2, "{} {}", found.2, expected.2);
        assert!(found.2 < found.1, "the loss falls");
        let again = learnt(Compute::on(&device, 1));
        assert!(again.0 == found.0, "the same bytes again");
    }
}
