//! Finding the rest of the wrong images from those that are known.

use serde::{Deserialize, Serialize};

use crate::datasets::images::{Augmentation, NamedImages, Normalisation, TrainingImages};
use crate::error::{Error, Result};
use crate::label_errors::images::{FoundImages, ImagesRequest, ImagesVerdict, find_images};
use crate::label_errors::proposals::TICK;
use crate::learner::{Rows, agreement};
use crate::nn::images::{ImageNetwork, ImageRecipe, ImageSpec, train_images};
use crate::notes::Notes;
use crate::progress::Progress;
use crate::seed::Seed;
use crate::tables::Table;

/// Where to look.
pub struct ImageSearch<'a> {
    /// The images with their recorded labels.
    pub set: &'a NamedImages,
    /// Numbers of those that are known to be wrong, ascending.
    pub flagged: &'a [u32],
    /// Run seed.
    pub seed: Seed,
    /// Cores to use; the result is the same for any number.
    pub threads: usize,
}

/// An image of the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedImage {
    /// Its number in the set.
    pub row: u32,
    /// Its name.
    pub name: String,
    /// The class that it is recorded as.
    pub label: String,
    /// Chance that it is wrong; absent of a known one.
    pub chance: Option<f64>,
    /// The other class that it is likeliest of; absent of a known one that shares no pattern.
    #[serde(default)]
    pub likeliest: Option<String>,
}

/// Counts of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Its name.
    pub class: String,
    /// Images recorded as it.
    pub images: usize,
    /// Of these known to be wrong.
    pub known: usize,
    /// Of these proposed.
    pub proposed: usize,
}

/// What was found, for reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageExpansion {
    /// Version of Recant.
    pub recant_version: String,
    /// Name of the set.
    pub set: String,
    /// Images looked at.
    pub images: usize,
    /// What it came to.
    pub verdict: ImagesVerdict,
    /// The same in words.
    pub sentence: String,
    /// What the known ones have in common, in words.
    pub rules: Vec<String>,
    /// The classes that known images are recorded as.
    pub classes: Vec<ClassCounts>,
    /// The known images, in the order of the set.
    pub known: Vec<ListedImage>,
    /// Further images, the likeliest first.
    pub proposed: Vec<ListedImage>,
    /// Sum of their chances.
    pub expected_wrong: f64,
    /// Name of the network.
    pub network: String,
    /// Share of the images to which it gives their recorded class.
    pub learned: f64,
    /// Run seed.
    pub seed: u64,
}

impl<'a> ImageSearch<'a> {
    /// That there is something to search.
    ///
    /// # Errors
    /// Where more than half of the images are known to be wrong.
    pub fn check(&self) -> Result<()> {
        let (flagged, all) = (self.flagged.len(), self.set.images.len());
        if flagged * 2 > all {
            return Err(
                Error::input(format!("{flagged} of {all} images are named as wrong, more than half"))
                    .hint("name those that are known to be wrong, not those that are right"),
            );
        }
        Ok(())
    }

    fn source<'s>(&'s self, normalisation: &'s Normalisation, augmentation: Augmentation) -> TrainingImages<'s> {
        TrainingImages {
            images: &self.set.images,
            normalisation,
            augmentation,
            resize: None,
            seed: self.seed,
        }
    }

    /// A network trained on the images with their recorded labels.
    ///
    /// # Errors
    /// Where the network does not take such images, or training fails or is stopped.
    pub fn train(
        &self,
        spec: &ImageSpec,
        (recipe, augmentation): &(ImageRecipe, Augmentation),
        progress: &dyn Progress,
    ) -> Result<ImageNetwork<f32>> {
        let normalisation = Normalisation::fit(&self.set.images)?;
        let plain = self.source(&normalisation, Augmentation::NONE);
        let mut network = ImageNetwork::initial(spec, self.seed)?;
        if spec.whitens() {
            network = network.whitened(&plain, self.threads)?;
        }
        let source = self.source(&normalisation, *augmentation);
        train_images(&mut network, &source, recipe, self.seed, self.threads, progress)?;
        Ok(network)
    }

    /// Looks for images like the known ones.
    ///
    /// # Errors
    /// Where the person asks to stop.
    pub fn find(&self, network: &ImageNetwork<f32>, notes: &mut Notes, progress: &dyn Progress) -> Result<ImageExpansion> {
        let normalisation = Normalisation::fit(&self.set.images)?;
        let source = self.source(&normalisation, Augmentation::NONE);
        let found = find_images(
            &ImagesRequest {
                network,
                images: &source,
                classes: &self.set.classes,
                flagged: self.flagged,
                seed: self.seed,
                compute: self.threads.into(),
            },
            progress,
        )?;
        let right = agreement(network, &Rows::images(&source), None, self.threads.into(), progress)?;
        let told = self.told(&found, network, right as f64 / self.set.images.len().max(1) as f64);
        if told.learned < LEAST_LEARNED && told.verdict != ImagesVerdict::TooFew {
            notes.add(
                "network-learned-little",
                format!(
                    "the network gives only {:.0} % of the images their recorded class",
                    100.0 * told.learned
                ),
                "the search goes by what it sees in them: train longer with `--epochs`, or with another `--network`",
            );
        }
        Ok(told)
    }

    fn told(&self, found: &FoundImages, network: &ImageNetwork<f32>, learned: f64) -> ImageExpansion {
        let labels = &self.set.images.labels;
        let class_of = |row: u32| usize::from(labels[row as usize]);
        let listed = |row: u32, chance: Option<f64>, likeliest: Option<u8>| ListedImage {
            row,
            name: self.set.names[row as usize].clone(),
            label: self.set.classes[class_of(row)].clone(),
            chance,
            likeliest: likeliest.map(|class| self.set.classes[usize::from(class)].clone()),
        };
        let of_known = |row: &u32| {
            let place = found.known.binary_search_by_key(row, |(row, _)| *row).ok()?;
            Some(found.known[place].1)
        };
        let of_class = |rows: &mut dyn Iterator<Item = u32>, class: usize| rows.filter(|row| class_of(*row) == class).count();
        let counts = self.set.classes.iter().enumerate().map(|(class, name)| ClassCounts {
            class: name.clone(),
            images: labels.iter().filter(|label| usize::from(**label) == class).count(),
            known: of_class(&mut self.flagged.iter().copied(), class),
            proposed: of_class(&mut found.proposals.iter().map(|proposal| proposal.row), class),
        });
        let classes: Vec<ClassCounts> = counts.filter(|counts| counts.known > 0).collect();
        let mut proposals = found.proposals.clone();
        proposals.sort_by(|one, other| other.chance.total_cmp(&one.chance).then(one.row.cmp(&other.row)));
        let verdict = found.verdict(classes.iter().map(|counts| counts.known).max().unwrap_or_default());
        ImageExpansion {
            recant_version: env!("CARGO_PKG_VERSION").to_owned(),
            set: self.set.name.clone(),
            images: self.set.images.len(),
            verdict,
            sentence: verdict.sentence(),
            rules: found.rules.clone(),
            classes,
            known: self.flagged.iter().map(|row| listed(*row, None, of_known(row))).collect(),
            expected_wrong: proposals.iter().map(|proposal| proposal.chance).sum(),
            proposed: proposals
                .iter()
                .map(|proposal| listed(proposal.row, Some(proposal.chance), Some(proposal.likeliest)))
                .collect(),
            network: network.spec().name.clone(),
            learned,
            seed: self.seed.0,
        }
    }
}

/// Below this share of images that a network gives their recorded class, the person is told.
const LEAST_LEARNED: f64 = 0.6;

/// The images as a list to look through, known ones first: `recant expand --flags` takes it again, with what the person ticked.
///
/// # Errors
/// None in practice.
pub fn list_of(found: &ImageExpansion) -> Result<Table> {
    let all: Vec<(&ListedImage, &str)> = (found.known.iter().map(|image| (image, "known")))
        .chain(found.proposed.iter().map(|image| (image, "proposed")))
        .collect();
    let texts = |of: &dyn Fn(&ListedImage) -> String| all.iter().map(|(image, _)| Some(of(image))).collect();
    let ticks = all.iter().map(|_| Some("TRUE".to_owned())).collect();
    Table::new("images.csv", all.len())
        .with_column("image", texts(&|image| image.name.clone()))?
        .with_column(TICK, ticks)?
        .with_column("kind", all.iter().map(|(_, kind)| Some((*kind).to_owned())).collect())?
        .with_column("given_label", texts(&|image| image.label.clone()))?
        .with_column(
            "chance_wrong",
            all.iter()
                .map(|(image, _)| image.chance.map(|chance| format!("{chance:.3}")))
                .collect(),
        )?
        .with_column("likeliest_label", all.iter().map(|(image, _)| image.likeliest.clone()).collect())
}
