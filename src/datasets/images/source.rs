//! A set's images as training takes them.

use super::{Augmentation, Images, Normalisation, Resize, check_rows};
use crate::error::{Error, Result};
use crate::nn::images::{AugmentParams, ByteImages, ImageShape, ImageSource};
use crate::seed::Seed;

/// Images with what happens to them on the way into a network: augmented and normalised at their own size, then resized, the order of
/// SSD's published code (arXiv 2308.07707).
#[derive(Debug, Clone, Copy)]
pub struct TrainingImages<'a> {
    /// The images and their observed labels.
    pub images: &'a Images,
    /// Mean and deviation of every channel.
    pub normalisation: &'a Normalisation,
    /// What may happen to an image.
    pub augmentation: Augmentation,
    /// To the size that the network takes, where that is another one.
    pub resize: Option<&'a Resize>,
    /// The run's seed.
    pub seed: Seed,
}

impl TrainingImages<'_> {
    fn check(&self, rows: &[u32], room: usize) -> Result<()> {
        let shape = self.images.shape;
        self.augmentation.check(shape)?;
        self.normalisation.check(shape)?;
        check_rows(rows, self.images.len())?;
        let size = self.shape().len();
        if room != rows.len() * size || size == 0 || self.resize.is_some_and(|resize| resize.from() != shape) {
            return Err(Error::internal(format!(
                "room for {room} values where {} images of {shape} come",
                rows.len()
            )));
        }
        Ok(())
    }
}

impl ImageSource<f32> for TrainingImages<'_> {
    fn shape(&self) -> ImageShape {
        self.resize.map_or(self.images.shape, Resize::to)
    }

    fn labels(&self) -> &[u8] {
        &self.images.labels
    }

    fn fill(&self, epoch: u32, rows: &[u32], threads: usize, into: &mut [f32]) -> Result<()> {
        self.check(rows, into.len())?;
        let (shape, size) = (self.images.shape, self.shape().len());
        let tables = self.normalisation.tables();
        let share = rows.len().div_ceil(threads.max(1)).max(1);
        let part = |rows: &[u32], into: &mut [f32]| {
            let (mut own, mut between) = (Vec::new(), Vec::new());
            for (row, into) in rows.iter().zip(into.chunks_exact_mut(size)) {
                let draw = self.augmentation.draw(self.seed, epoch, *row);
                let image = self.images.image(*row as usize);
                match self.resize {
                    None => draw.apply(self.augmentation.crop_padding, shape, image, &tables, into),
                    Some(resize) => {
                        own.resize(shape.len(), 0.0);
                        draw.apply(self.augmentation.crop_padding, shape, image, &tables, &mut own);
                        resize.apply(&own, &mut between, into);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let mut parts = rows.chunks(share).zip(into.chunks_mut(share * size));
            let first = parts.next();
            for (rows, into) in parts {
                scope.spawn(|| part(rows, into));
            }
            if let Some((rows, into)) = first {
                part(rows, into);
            }
        });
        Ok(())
    }

    fn bytes(&self) -> Option<ByteImages<'_>> {
        let tables = self.normalisation.tables();
        (self.resize.is_none() && tables.len() == self.images.shape.channels).then(|| ByteImages {
            shape: self.images.shape,
            pixels: &self.images.pixels,
            tables,
        })
    }

    fn augment_params(&self, epoch: u32, rows: &[u32]) -> Result<Vec<AugmentParams>> {
        self.augmentation.check(self.images.shape)?;
        check_rows(rows, self.images.len())?;
        let params = |row: &u32| {
            self.augmentation
                .draw(self.seed, epoch, *row)
                .params(*row, self.augmentation.crop_padding)
        };
        Ok(rows.iter().map(params).collect())
    }
}

impl Images {
    /// All images, normalised, as a network takes them.
    ///
    /// # Errors
    /// Where the normalisation is that of other images.
    pub fn normalised(&self, normalisation: &Normalisation, threads: usize) -> Result<Vec<f32>> {
        let rows: Vec<u32> = (0..self.len() as u32).collect();
        let mut values = vec![0.0; self.len() * self.shape.len()];
        let source = TrainingImages {
            images: self,
            normalisation,
            augmentation: Augmentation::NONE,
            resize: None,
            seed: Seed(0),
        };
        source.fill(0, &rows, threads, &mut values)?;
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::images::MadeUp;
    use crate::nn::images::{ImageNetwork, ImageRecipe, ImageSpec, Layer, Length, Schedule, image_logits, train_images};
    use crate::progress::{Progress, Silent};

    fn small(classes: usize) -> ImageSpec {
        let conv = |name: &str, outputs, stride| Layer::Conv {
            name: name.to_owned(),
            outputs,
            kernel: 3,
            stride,
            padding: 1,
            bias: false,
        };
        let norm = |name: &str| Layer::Norm { name: name.to_owned() };
        let main = vec![conv("2", 8, 1), norm("3"), Layer::Celu { alpha: 0.075 }];
        ImageSpec {
            name: "small".to_owned(),
            input: ImageShape::new(3, 8, 8),
            classes,
            layers: vec![
                conv("0", 8, 2),
                norm("1"),
                Layer::Relu,
                Layer::Residual {
                    main,
                    shortcut: Vec::new(),
                },
                Layer::GlobalAveragePool,
                Layer::Linear {
                    name: "head".to_owned(),
                    outputs: classes,
                    bias: true,
                },
            ],
        }
    }

    fn recipe(epochs: usize) -> ImageRecipe {
        ImageRecipe {
            length: Length::Epochs(epochs),
            batch: 16,
            learning_rate: 0.1,
            schedule: Schedule::Milestones {
                milestones: vec![epochs],
                factor: 0.2,
                warm_up: 1,
            },
            ..ImageRecipe::published_forgetting(10)
        }
    }

    #[test]
    fn a_small_network_learns_the_made_up_images_alike_on_any_number_of_threads() {
        let set = MadeUp::default().make().unwrap();
        let normalisation = Normalisation::fit(&set.train).unwrap();
        let source = TrainingImages {
            images: &set.train,
            normalisation: &normalisation,
            augmentation: Augmentation {
                crop_padding: 1,
                flip: false,
                alternating: false,
                degrees: 5.0,
            },
            resize: None,
            seed: Seed(4),
        };
        let start = ImageNetwork::<f32>::initial(&small(4), Seed(1)).unwrap();
        let mut network = start.clone();
        let log = train_images(&mut network, &source, &recipe(12), Seed(4), 2, &Silent::default()).unwrap();
        assert!(log.epochs.len() == 12 && log.epochs[11].loss < 0.5 * log.epochs[0].loss, "{log:?}");
        let logits = image_logits(&network, &set.test.normalised(&normalisation, 2).unwrap(), 2).unwrap();
        let right = logits.chunks(4).zip(&set.test.labels).filter(|(logits, label)| {
            let own = logits[usize::from(**label)];
            logits.iter().all(|logit| *logit <= own)
        });
        let right = right.count();
        assert!(right >= 28, "{right} of {} test images", set.test.len());

        let trained = |threads| {
            let mut network = start.clone();
            train_images(&mut network, &source, &recipe(2), Seed(4), threads, &Silent::default()).unwrap();
            network
        };
        let one = trained(1);
        assert!(one.is_finite() && one != start);
        assert!(one == trained(2) && one == trained(5), "the number of threads changes nothing");
    }

    #[test]
    fn training_that_cannot_be_ends_in_an_error_and_leaves_the_network_as_it_was() {
        let set = MadeUp::default().make().unwrap();
        let normalisation = Normalisation::fit(&set.train).unwrap();
        let start = ImageNetwork::<f32>::initial(&small(4), Seed(1)).unwrap();
        let fails = |spec: &ImageSpec, images: &Images, recipe: &ImageRecipe, progress: &dyn Progress| {
            let start = ImageNetwork::<f32>::initial(spec, Seed(1)).unwrap();
            let mut network = start.clone();
            let source = TrainingImages {
                images,
                normalisation: &normalisation,
                augmentation: Augmentation::NONE,
                resize: None,
                seed: Seed(0),
            };
            let error = train_images(&mut network, &source, recipe, Seed(0), 2, progress).unwrap_err();
            assert!(network == start);
            error
        };
        let quiet = Silent::default();
        let few = small(3);
        assert!(
            fails(&few, &set.train, &recipe(1), &quiet)
                .to_string()
                .contains("label 3 of 3 classes")
        );
        let mut wild = recipe(3);
        wild.learning_rate = 1e30;
        let error = fails(start.spec(), &set.train, &wild, &quiet);
        assert!(error.to_string().contains("diverged") && error.exit_code() == 2, "{error}");
        let stopped = Silent::default();
        stopped.0.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(fails(start.spec(), &set.train, &recipe(1), &stopped).exit_code(), 130);
        let single = set.train.take(&[0]).unwrap();
        assert!(
            fails(start.spec(), &single, &recipe(1), &quiet)
                .to_string()
                .contains("cannot be trained on 1 images")
        );
    }
}
