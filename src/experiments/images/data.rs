//! The image sets of the benchmarks, and how networks are trained on them. A new one is one line in [`DATASETS`] and one function.

use std::path::Path;

use rand::seq::SliceRandom;
use sha2::{Digest, Sha256};

use crate::datasets::images::{Augmentation, Cifar, ImageFolder, ImageSet, Images, MadeUp, NamedImages, OFFICIAL_ADDRESS};
use crate::error::{Error, Result, closest};
use crate::files::hex;
use crate::nn::images::{FAST, ImageRecipe, ImageShape, Length, Schedule};
use crate::notes::Notes;
use crate::seed::Seed;

/// Name of the set that is a folder of the person's own.
pub const FOLDER: &str = "folder";
/// Pixels a side that the network `fast` needs.
const LEAST_OF_FAST: usize = 16;
/// Steps of a pass of `fast` over CIFAR-10.
const STEPS_OF_FAST: usize = 48;
/// Most passes of `fast`: with more it would know few images by heart, the wrong ones among them.
const MOST_PASSES: usize = 40;
/// Smallest batch of `fast`: batch norm tells little from fewer images.
const LEAST_BATCH: usize = 64;

/// Where a set is read from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading<'a> {
    /// Folder or archive, for sets that need one.
    pub place: Option<&'a Path>,
    /// Height and width that the images of a folder are resized to.
    pub size: Option<usize>,
}

/// An image set by its name.
pub struct Dataset {
    /// Name as on the command line.
    pub name: &'static str,
    /// Reads or makes it, from the folder of `--data` where it needs one.
    load: fn(&Reading, &mut Notes) -> Result<ImageSet>,
    /// What is trained on it in the forgetting benchmark unless told otherwise.
    pub forgetting: Defaults,
    /// The same in the corrective benchmark.
    pub corrective: Defaults,
}

/// What a benchmark trains on a set unless told otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// How training images are changed; asked by [`Defaults::augmentation_of`].
    augmentation: Augmentation,
    /// How a network is trained, by its name and the number of classes.
    pub recipe: fn(&str, usize) -> ImageRecipe,
    /// The network.
    pub network: &'static str,
}

impl Defaults {
    /// How training images are changed for the network of this name: one that is made for few epochs has its own way with photographs.
    pub fn augmentation_of(&self, network: &str) -> Augmentation {
        match self.augmentation.flip && network == FAST {
            true => Augmentation::FEW_EPOCHS,
            false => self.augmentation,
        }
    }
}

/// SSD's published training (arXiv 2308.07707).
const FORGETTING: Defaults = Defaults {
    augmentation: Augmentation::PUBLISHED,
    recipe: ImageRecipe::published_forgetting_of,
    network: "resnet18",
};

/// The corrective benchmark's published training of CIFAR-10 (arXiv 2402.14015): 4,000 steps of 512, crop and flip.
const CORRECTIVE: Defaults = Defaults {
    augmentation: Augmentation {
        degrees: 0.0,
        ..Augmentation::PUBLISHED
    },
    recipe: |network, _| ImageRecipe::published_corrective_of(network, 4_000),
    network: "resnet9",
};

/// The same of CIFAR-100: 6,000 steps.
const CORRECTIVE_HUNDRED: Defaults = Defaults {
    recipe: |network, _| ImageRecipe::published_corrective_of(network, 6_000),
    network: "wide-resnet-28-10",
    ..CORRECTIVE
};

/// For small made-up images.
const SMALL: Defaults = Defaults {
    augmentation: Augmentation {
        crop_padding: 1,
        flip: false,
        alternating: false,
        degrees: 5.0,
    },
    recipe: |_, _| small_recipe(),
    network: "resnet-tiny",
};

/// All image sets, in the order they are listed to people.
pub const DATASETS: &[Dataset] = &[
    Dataset {
        name: "cifar10",
        load: |reading, notes| cifar(Cifar::Ten, reading.place, notes),
        forgetting: FORGETTING,
        corrective: CORRECTIVE,
    },
    Dataset {
        name: "cifar20",
        load: |reading, notes| cifar(Cifar::Twenty, reading.place, notes),
        forgetting: FORGETTING,
        corrective: CORRECTIVE_HUNDRED,
    },
    Dataset {
        name: "cifar100",
        load: |reading, notes| cifar(Cifar::Hundred, reading.place, notes),
        forgetting: FORGETTING,
        corrective: CORRECTIVE_HUNDRED,
    },
    Dataset {
        name: FOLDER,
        load: folder,
        forgetting: FORGETTING,
        corrective: CORRECTIVE,
    },
    Dataset {
        name: "made-up",
        load: |_, _| made_up(),
        forgetting: SMALL,
        corrective: SMALL,
    },
];

/// The image set of this name.
///
/// # Errors
/// Where there is none.
pub fn dataset(name: &str) -> Result<&'static Dataset> {
    let names = || DATASETS.iter().map(|set| set.name);
    DATASETS.iter().find(|set| set.name == name).ok_or_else(|| {
        let hint = match closest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("image sets: {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::input(format!("there is no image set `{name}`")).hint(hint)
    })
}

impl Dataset {
    /// Reads or makes the set.
    ///
    /// # Errors
    /// Where it cannot be read, or a size is asked for that its images cannot have.
    pub fn load(&self, reading: &Reading, notes: &mut Notes) -> Result<ImageSet> {
        if let Some(size) = reading.size.filter(|_| self.name != FOLDER) {
            return Err(Error::input(format!(
                "images of {} cannot be read at {size} x {size}: only those of a folder can",
                self.name
            ))
            .hint("leave `--image-size` out; a network from published weights has the images resized to its own size"));
        }
        (self.load)(reading, notes)
    }

    /// Reads or makes the images to train on, each with its name: of a folder all of them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn named(&self, reading: &Reading, notes: &mut Notes) -> Result<NamedImages> {
        if self.name == FOLDER {
            return reader(reading).read_all(place(reading)?, notes);
        }
        Ok(self.load(reading, notes)?.numbered())
    }
}

/// The network for a processor where there is no time to lose: `fast`, or one for images of fewer pixels than that takes.
pub fn quick_network(shape: ImageShape) -> &'static str {
    if shape.height.min(shape.width) >= LEAST_OF_FAST {
        FAST
    } else {
        SMALL.network
    }
}

/// How [`quick_network`]s are trained on this number of images. `fast` is made for 10 passes in batches of 1,024 of 50,000 images: of fewer, batches are smaller,
/// and learning rates with them, and passes more, so that about as many steps are taken.
pub fn quick_training(network: &str, images: usize) -> (ImageRecipe, Augmentation) {
    if network != FAST {
        return (small_recipe(), SMALL.augmentation);
    }
    let recipe = ImageRecipe::fast();
    let batch = (images / STEPS_OF_FAST).next_power_of_two().clamp(LEAST_BATCH, recipe.batch);
    let share = batch as f64 / recipe.batch as f64;
    let passes = (10 * STEPS_OF_FAST).div_ceil(images.div_ceil(batch).max(1)).clamp(10, MOST_PASSES);
    let recipe = ImageRecipe {
        length: Length::Epochs(passes),
        learning_rate: recipe.learning_rate * share,
        batch,
        ..recipe
    };
    (recipe, Augmentation::FEW_EPOCHS)
}

fn place<'a>(reading: &Reading<'a>) -> Result<&'a Path> {
    reading.place.ok_or_else(|| {
        Error::input("no folder of images was named").hint("name the folder that holds one for each class with `--data DIR`")
    })
}

fn reader(reading: &Reading) -> ImageFolder {
    ImageFolder {
        size: reading.size,
        ..ImageFolder::default()
    }
}

/// A folder for each class, such as the people of PinsFaceRecognition.
fn folder(reading: &Reading, notes: &mut Notes) -> Result<ImageSet> {
    reader(reading).read(place(reading)?, notes)
}

fn cifar(set: Cifar, folder: Option<&Path>, notes: &mut Notes) -> Result<ImageSet> {
    let folder = folder.ok_or_else(|| {
        Error::input(format!("{} has to be read from its files, and none were named", set.name())).hint(format!(
            "get them (binary version) from {OFFICIAL_ADDRESS} and name their folder with `--data DIR`, or try `--dataset made-up`"
        ))
    })?;
    set.read(folder, notes)
}

const DIRECTIONS: [&str; 4] = ["upright", "level", "falling", "rising"];

/// Stripes in four directions (the classes) and two colours each (the sub-classes).
fn made_up() -> Result<ImageSet> {
    let set = MadeUp {
        shape: ImageShape::new(3, 8, 8),
        classes: 8,
        train: 400,
        test: 200,
        noise: 60,
        seed: Seed(0),
    };
    let mut set = set.make()?;
    for images in [&mut set.train, &mut set.test] {
        let fine = std::mem::take(&mut images.labels);
        images.labels = fine.iter().map(|label| label % 4).collect();
        images.sub_labels = Some(fine);
    }
    let colours = ["red", "green", "blue", "yellow", "cyan", "red", "green", "blue"];
    set.sub_classes = colours
        .iter()
        .enumerate()
        .map(|(class, colour)| format!("{colour} {}", DIRECTIONS[class % 4]))
        .collect();
    set.classes = DIRECTIONS.map(str::to_owned).to_vec();
    Ok(set)
}

fn small_recipe() -> ImageRecipe {
    ImageRecipe {
        length: Length::Epochs(12),
        batch: 16,
        learning_rate: 0.1,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 5e-4,
        schedule: Schedule::Milestones {
            milestones: vec![8, 11],
            factor: 0.2,
            warm_up: 1,
        },
        label_smoothing: 0.0,
    }
}

/// What a person may change about a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RecipeChanges {
    /// Passes; milestones move along.
    pub epochs: Option<usize>,
    /// Steps instead of passes, with the corrective benchmark's straight line of learning rates.
    pub steps: Option<usize>,
    /// Images of a mini-batch.
    pub batch: Option<usize>,
    /// Highest learning rate.
    pub learning_rate: Option<f64>,
}

impl RecipeChanges {
    /// The recipe with the changes.
    ///
    /// # Errors
    /// Where one is out of range, or both passes and steps are asked for.
    pub fn apply(&self, mut recipe: ImageRecipe) -> Result<ImageRecipe> {
        if self.epochs == Some(0) || self.steps == Some(0) {
            return Err(Error::input("a network needs at least one epoch or step of training"));
        }
        if self.epochs.is_some() && self.steps.is_some() {
            return Err(Error::input("training is as long as either `--epochs` or `--steps` says, not both"));
        }
        if let Some(steps) = self.steps {
            recipe = ImageRecipe::published_corrective(steps);
        }
        if let Some(epochs) = self.epochs {
            if let (Length::Epochs(before), Schedule::Milestones { milestones, .. }) = (recipe.length, &mut recipe.schedule) {
                for milestone in milestones {
                    *milestone = (*milestone * epochs).div_ceil(before.max(1)).max(2);
                }
            }
            recipe.length = Length::Epochs(epochs);
        }
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.learning_rate = self.learning_rate.unwrap_or(recipe.learning_rate);
        recipe.check()?;
        Ok(recipe)
    }
}

/// What is read of an augmentation by name.
///
/// # Errors
/// For a name that is none.
pub fn augmentation(name: &str) -> Result<Augmentation> {
    match name {
        "none" => Ok(Augmentation::NONE),
        "crop-flip" => Ok(Augmentation {
            degrees: 0.0,
            ..Augmentation::PUBLISHED
        }),
        "few-epochs" => Ok(Augmentation::FEW_EPOCHS),
        "published" => Ok(Augmentation::PUBLISHED),
        _ => {
            let names = ["none", "crop-flip", "few-epochs", "published"];
            let hint = match closest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("augmentations: {}", names.join(", ")),
            };
            Err(Error::input(format!("there is no augmentation `{name}`")).hint(hint))
        }
    }
}

/// So many of the images, drawn at random; all where there are no more.
///
/// # Errors
/// Where none is asked for.
pub fn part(images: &Images, rows: Option<usize>, name: &str, seed: Seed) -> Result<Images> {
    let Some(rows) = rows.filter(|rows| *rows < images.len()) else {
        return Ok(images.clone());
    };
    if rows == 0 {
        return Err(Error::input(format!("{name} of 0 images cannot be used")).hint("leave the number out for all of them"));
    }
    let mut all: Vec<u32> = (0..images.len() as u32).collect();
    // The name of the stream is that of the first benchmark that drew.
    all.shuffle(&mut seed.stream(&format!("forget/{name}"), 0));
    all.truncate(rows);
    all.sort_unstable();
    images.take(&all)
}

/// SHA-256 over pixels and labels.
pub fn checksum(set: &ImageSet) -> String {
    let mut hash = Sha256::new();
    for images in [&set.train, &set.test] {
        hash.update((images.len() as u64).to_le_bytes());
        hash.update(&images.pixels);
        hash.update(&images.labels);
        hash.update(images.sub_labels.as_deref().unwrap_or_default());
    }
    hex(&hash.finalize())
}
