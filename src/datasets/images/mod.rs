//! Labelled images: the CIFAR sets from their official files, folders of image files, a made-up set, normalisation and augmentation, and ways to spoil
//! a part of them.

mod augment;
pub mod cifar;
mod cifar_names;
pub mod corruptions;
mod folder;
#[cfg(all(test, feature = "cuda"))]
mod gpu_tests;
mod made_up;
mod normalise;
mod pickle;
mod resize;
mod source;

pub use augment::{Augmentation, Draw};
pub use cifar::{Cifar, OFFICIAL_ADDRESS};
pub use corruptions::{Affected, CORRUPTIONS, Manipulation, Spoiled, Stamped};
pub use folder::ImageFolder;
pub use made_up::MadeUp;
pub use normalise::Normalisation;
pub use resize::Resize;
pub use source::TrainingImages;

use crate::error::{Error, Result};
use crate::nn::images::ImageShape;
use crate::notes::Notes;

/// Images of one size with their observed labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Size of every image.
    pub shape: ImageShape,
    /// Brightness 0 to 255: image after image, each channel x height x width.
    pub pixels: Vec<u8>,
    /// Class of every image.
    pub labels: Vec<u8>,
    /// Sub-class of every image, where the set has them: the fine labels of CIFAR-20.
    pub sub_labels: Option<Vec<u8>>,
}

impl Images {
    /// No image yet.
    pub fn empty(shape: ImageShape) -> Self {
        Self {
            shape,
            pixels: Vec::new(),
            labels: Vec::new(),
            sub_labels: None,
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The values of one image, channel x height x width.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.shape.len()..][..self.shape.len()]
    }

    /// The images at `rows`, in that order.
    ///
    /// # Errors
    /// Where one does not exist.
    pub fn take(&self, rows: &[u32]) -> Result<Self> {
        check_rows(rows, self.len())?;
        let mut taken = Self::empty(self.shape);
        taken.pixels.reserve(rows.len() * self.shape.len());
        for row in rows {
            taken.pixels.extend_from_slice(self.image(*row as usize));
            taken.labels.push(self.labels[*row as usize]);
        }
        let sub_labels = self.sub_labels.as_ref();
        taken.sub_labels = sub_labels.map(|labels| rows.iter().map(|row| labels[*row as usize]).collect());
        Ok(taken)
    }

    /// Images of each class.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for label in &self.labels {
            if let Some(count) = counts.get_mut(usize::from(*label)) {
                *count += 1;
            }
        }
        counts
    }
}

/// A data set: images to train on, images to test on, and what the labels mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// Short name, such as `cifar20`.
    pub name: String,
    /// Name of every class.
    pub classes: Vec<String>,
    /// Name of every sub-class; empty where there are none.
    pub sub_classes: Vec<String>,
    /// Images to train on, in the order of their files.
    pub train: Images,
    /// Images to test on.
    pub test: Images,
}

/// Images of which each has a name, to be looked through one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedImages {
    /// Short name of the set, such as `cifar10` or that of its folder.
    pub name: String,
    /// Name of every class.
    pub classes: Vec<String>,
    /// The images with their recorded labels.
    pub images: Images,
    /// Name of every image, no two alike: its path below the folder (`cat/0001.png`), or its number among the training images, counted from 0.
    pub names: Vec<String>,
}

impl ImageSet {
    /// The training images by their numbers.
    pub fn numbered(self) -> NamedImages {
        NamedImages {
            names: (0..self.train.len()).map(|number| number.to_string()).collect(),
            name: self.name,
            classes: self.classes,
            images: self.train,
        }
    }

    /// The number of the class of this name, or of the sub-class where `sub` is set; spelling is forgiven.
    ///
    /// # Errors
    /// Where there is none; the hint names the closest.
    pub fn class(&self, name: &str, sub: bool) -> Result<u8> {
        let names = if sub { &self.sub_classes } else { &self.classes };
        let fold = |text: &str| text.trim().to_lowercase().replace(['-', ' '], "_");
        let found = names.iter().position(|other| fold(other) == fold(name));
        found.and_then(|index| u8::try_from(index).ok()).ok_or_else(|| {
            let kind = if sub { "sub-class" } else { "class" };
            let error = Error::input(format!("{} has no {kind} `{name}`", self.name));
            match crate::error::closest(name, names.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            }
        })
    }

    /// Adds a note where a class has no image to train on.
    pub(crate) fn note_empty_classes(&self, notes: &mut Notes) {
        let counts = self.train.class_counts(self.classes.len());
        let empty = self.classes.iter().zip(&counts).filter(|(_, count)| **count == 0);
        let names: Vec<&str> = empty.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            notes.add(
                "empty-class",
                format!("no training image is of {}", names.join(", ")),
                "the network keeps an output for each of them and never learns it",
            );
        }
    }
}

/// An error unless every row exists.
fn check_rows(rows: &[u32], count: usize) -> Result<()> {
    match rows.iter().find(|row| **row as usize >= count) {
        Some(row) => Err(Error::internal(format!("image {row} of {count}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_with_their_labels_in_the_order_asked_for() {
        let shape = ImageShape::new(1, 1, 2);
        let images = Images {
            shape,
            pixels: vec![1, 2, 3, 4, 5, 6],
            labels: vec![0, 1, 1],
            sub_labels: Some(vec![7, 8, 9]),
        };
        let taken = images.take(&[2, 0]).unwrap();
        assert_eq!(
            (taken.pixels, taken.labels, taken.sub_labels),
            (vec![5, 6, 1, 2], vec![1, 0], Some(vec![9, 7]))
        );
        assert_eq!(images.class_counts(3), [1, 2, 0]);
        assert!(images.take(&[3]).is_err());
    }

    #[test]
    fn classes_are_found_by_name_and_empty_ones_are_told() {
        let set = MadeUp::default().make().unwrap();
        assert_eq!(set.class(&set.classes[2].to_uppercase(), false).unwrap(), 2);
        let error = set.class("clas 1", false).unwrap_err();
        assert!(error.hint_text().is_some_and(|hint| hint.contains("class 1")), "{error}");
        assert!(set.class("class 1", true).is_err());
        let mut notes = Notes::new();
        set.note_empty_classes(&mut notes);
        assert!(notes.is_empty());
        let mut poor = set;
        poor.train.labels.fill(0);
        poor.note_empty_classes(&mut notes);
        assert!(notes.iter().next().is_some_and(|note| note.found.contains("class 1, class 2")));
    }
}
