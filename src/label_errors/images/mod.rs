//! Finding the rest among images: further manipulated images from the known ones alone.
//!
//! For every class that known images are recorded as more often than chance explains, the images recorded as that class are ranked by how
//! much they are like the known ones and unlike the rest, known ones out of fold:
//!
//! - by how much more the network takes them for another class than for the recorded one;
//! - by what the network sees in them ([`image_features`]): a whitened discriminant;
//! - by their pixels, less the mean of the pixels around: a discriminant with the variance of each pixel, which finds a pattern however
//!   faint, and wherever in the image it lies;
//! - by values that are the same in nearly all known ones (a patch): that is stated as a rule in words.
//!
//! The scores of the rest are then a mixture of images like the known ones and others, and Bayes' rule gives each its chance.
//! Mistakes at random are recorded as all classes alike, so that nothing is proposed.

mod discriminant;
mod list;
mod mixture;
mod template;

pub use list::known_images;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::images::{Compute, ImageNetwork, ImageSource, image_features, logits_with, source_logits};
use crate::progress::Progress;
use crate::seed::Seed;
use crate::stats::binomial_at_least;
use discriminant::{Directions, Folds};
use mixture::Said;
use template::Template;

/// What is known, and of which images.
#[derive(Clone, Copy)]
pub struct ImagesRequest<'a> {
    /// The network that was trained on them.
    pub network: &'a ImageNetwork<f32>,
    /// The training images as they are, with their recorded labels.
    pub images: &'a dyn ImageSource<f32>,
    /// Names of the classes.
    pub classes: &'a [String],
    /// Numbers of the known ones, ascending.
    pub flagged: &'a [u32],
    /// Seed of the folds.
    pub seed: Seed,
    /// What computes.
    pub compute: Compute<'a>,
}

/// An image that may be manipulated, too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageProposal {
    /// Its number.
    pub row: u32,
    /// Chance that it is.
    pub chance: f64,
    /// The class that it is likeliest of, other than the recorded one; of an image with a patch, that of the image without it.
    pub likeliest: u8,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundImages {
    /// Further images that are likelier than not to be manipulated; where known ones and the rest overlap, as many as are estimated to be. Ascending
    /// by number.
    pub proposals: Vec<ImageProposal>,
    /// Images that are not proposed and whose chance to be manipulated is a quarter or more, ascending.
    pub doubtful: Vec<u32>,
    /// What the known ones have in common, in words.
    pub rules: Vec<String>,
    /// Classes that known images are recorded as more often than mistakes at random would be.
    pub classes: Vec<u8>,
    /// Known images that are recorded as one of these classes, ascending, each with the other class that it is likeliest of.
    pub known: Vec<(u32, u8)>,
    /// Those of them that would not be proposed were they not known, ascending: as many of the others like them are missed.
    pub missed: Vec<u32>,
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImagesVerdict {
    /// Further images are like the known ones.
    Pattern,
    /// The known ones are of one kind, and no further image is like them.
    NoneLikeThem,
    /// They are recorded as all classes alike, as mistakes at random would be.
    AtRandom,
    /// Too few are known.
    TooFew,
}

impl FoundImages {
    /// What this many known images, of which a single class has `most`, came to.
    pub fn verdict(&self, most: usize) -> ImagesVerdict {
        match (self.classes.is_empty(), self.proposals.is_empty()) {
            (_, false) => ImagesVerdict::Pattern,
            (false, true) => ImagesVerdict::NoneLikeThem,
            (true, true) if most < LEAST_KNOWN => ImagesVerdict::TooFew,
            (true, true) => ImagesVerdict::AtRandom,
        }
    }
}

impl ImagesVerdict {
    /// In words.
    pub fn sentence(self) -> String {
        match self {
            Self::Pattern => "Further images are like the known ones.".to_owned(),
            Self::NoneLikeThem => "Most known images are recorded as one class, and no further image of it is like them: none is proposed.".to_owned(),
            Self::AtRandom => {
                "The known images are recorded as all classes alike, as mistakes at random would be: there is nothing to find others by, and none is \
                 proposed."
                    .to_owned()
            }
            Self::TooFew => format!(
                "Too few images are known to tell what they have in common: {LEAST_KNOWN} or more that are recorded as one class are needed. None is \
                 proposed."
            ),
        }
    }
}

/// Least chance of a proposal, where known ones and the rest lie apart.
const LEAST_CHANCE: f64 = 0.5;
/// Least chance of an image that is in doubt.
const LEAST_DOUBT: f64 = 0.25;
/// Least number of known images of a class.
const LEAST_KNOWN: usize = 5;
/// Chance, over all classes, that mistakes at random would pass for a pattern.
const BY_CHANCE: f64 = 0.01;
/// Folds of the known images.
const FOLDS: usize = 5;
/// How far the middle known image must lie above the rest, in deviations of the rest.
const LEAST_APART: f64 = 1.5;
/// Share of the known images from which on a template is what they have in common.
const ALL_BUT_A_FEW: f64 = 0.9;
/// Images whose pixels are in memory at a time.
const BLOCK: usize = 256;

/// Looks for images like the known ones.
///
/// # Errors
/// Where network and images do not fit each other, a known image does not exist, or the person asks to stop.
pub fn find_images(request: &ImagesRequest, progress: &dyn Progress) -> Result<FoundImages> {
    let labels = request.images.labels();
    if request.flagged.iter().any(|row| *row as usize >= labels.len()) {
        return Err(Error::internal("a known image that is none"));
    }
    let mut found = FoundImages {
        classes: classes_of_a_pattern(labels, request.flagged, request.classes.len()),
        ..FoundImages::default()
    };
    for class in found.classes.clone() {
        progress.check()?;
        let candidates = Candidates::new(request, class, progress)?;
        candidates.find(&mut found, progress)?;
    }
    found.proposals.sort_by_key(|proposal| proposal.row);
    found.known.sort_unstable();
    found.missed.sort_unstable();
    found.doubtful.sort_unstable();
    Ok(found)
}

/// Classes that known images are recorded as more often than images at random.
fn classes_of_a_pattern(labels: &[u8], flagged: &[u32], classes: usize) -> Vec<u8> {
    let all: Vec<u8> = (0..classes.min(256)).map(|class| class as u8).collect();
    let pattern = |class: &u8| {
        let of_class = labels.iter().filter(|label| *label == class).count();
        let known = flagged.iter().filter(|row| labels[**row as usize] == *class).count();
        let share = of_class as f64 / labels.len().max(1) as f64;
        let chance = binomial_at_least(known as u64, flagged.len() as u64, share);
        known >= LEAST_KNOWN && chance * classes as f64 <= BY_CHANCE
    };
    all.into_iter().filter(pattern).collect()
}

/// The images recorded as one class.
struct Candidates<'a> {
    request: &'a ImagesRequest<'a>,
    class: u8,
    /// Numbers of all of them; the known ones first.
    rows: Vec<u32>,
    folds: Folds,
}

impl<'a> Candidates<'a> {
    fn new(request: &'a ImagesRequest<'a>, class: u8, progress: &dyn Progress) -> Result<Self> {
        progress.check()?;
        let labels = request.images.labels();
        let of_class = |row: &u32| labels[*row as usize] == class;
        let known: Vec<u32> = request.flagged.iter().copied().filter(of_class).collect();
        let all = 0..labels.len() as u32;
        let rest = all.filter(|row| of_class(row) && request.flagged.binary_search(row).is_err());
        let count = known.len();
        let mut fold_of: Vec<usize> = (0..count).map(|place| place % FOLDS).collect();
        fold_of.shuffle(&mut request.seed.stream("images-like-known/folds", u64::from(class)));
        Ok(Self {
            request,
            class,
            rows: known.into_iter().chain(rest).collect(),
            folds: Folds { fold_of, folds: FOLDS },
        })
    }

    fn known(&self) -> usize {
        self.folds.fold_of.len()
    }

    /// Adds what is found of this class.
    fn find(&self, found: &mut FoundImages, progress: &dyn Progress) -> Result<()> {
        let (known, rest) = self.rows.split_at(self.known());
        let name = &self.request.classes[usize::from(self.class)];
        let (margins, mut likeliest) = self.by_margin(progress)?;
        if rest.is_empty() {
            found.known.extend(known.iter().copied().zip(likeliest));
            found.missed.extend(known);
            return Ok(());
        }
        let of_others: Vec<u32> = (0..)
            .zip(self.request.images.labels())
            .filter_map(|(row, label)| (*label != self.class).then_some(row))
            .collect();
        let template = template::find(
            self.rows.len(),
            self.known(),
            self.request.images.shape(),
            |visit| self.each_image(&self.rows, visit),
            |visit| self.each_image(&of_others, visit),
        )?;
        let scores = [margins, self.by_features(progress)?, self.by_pixels(progress)?];
        let combined = discriminant::combined(&scores, self.known());
        let (of_known, of_rest) = combined.split_at(self.known());
        let likely = |chances: &[f64]| chances.iter().map(|chance| *chance >= LEAST_CHANCE).collect::<Vec<bool>>();
        let said = match mixture::Parts::of(of_known, of_rest) {
            Some(parts) if parts.apart() >= LEAST_APART => {
                let chances = parts.chances(of_rest);
                Some(Said {
                    proposed: likely(&chances),
                    of_known: likely(&parts.chances(of_known)),
                    chances,
                })
            }
            // Where the two overlap, what tells them apart less well only blurs what tells them apart best.
            _ => mixture::best_ratio(&scores, self.known()),
        };
        let Said {
            mut chances,
            mut proposed,
            of_known: mut known_again,
        } = said.unwrap_or_else(|| Said {
            chances: vec![0.0; rest.len()],
            proposed: vec![false; rest.len()],
            of_known: vec![false; known.len()],
        });
        let mut rules = Vec::new();
        if let Some(template) = template {
            self.without_patch(&template, &mut likeliest, progress)?;
            // Where it is what the known ones have in common, likeness in other ways says nothing more.
            let alone = template.of_known() >= ALL_BUT_A_FEW;
            for ((chance, proposed), place) in chances.iter_mut().zip(&mut proposed).zip(self.known()..) {
                let own = template.chance(place);
                *chance = if alone { own } else { chance.max(own) };
                *proposed = own >= LEAST_CHANCE || !alone && *proposed;
            }
            for (place, again) in known_again.iter_mut().enumerate() {
                *again = template.chance(place) >= LEAST_CHANCE || !alone && *again;
            }
            rules.push(template.in_words(name));
        }
        found.known.extend(known.iter().copied().zip(likeliest.iter().copied()));
        let each = rest.iter().zip(&chances).zip(&likeliest[self.known()..]);
        let proposals: Vec<ImageProposal> = each
            .zip(&proposed)
            .filter(|(_, proposed)| **proposed)
            .map(|(((row, chance), likeliest), _)| ImageProposal {
                row: *row,
                chance: *chance,
                likeliest: *likeliest,
            })
            .collect();
        if rules.is_empty() && !proposals.is_empty() {
            rules.push(format!(
                "{} more images recorded as {name} are to the network and in their pixels like the {} known ones.",
                proposals.len(),
                self.known()
            ));
        }
        let in_doubt = rest.iter().zip(&chances).zip(&proposed);
        let in_doubt = in_doubt.filter(|((_, chance), proposed)| **chance >= LEAST_DOUBT && !**proposed);
        found.doubtful.extend(in_doubt.map(|((row, _), _)| *row));
        let missed = known.iter().zip(&known_again).filter(|(_, again)| !**again);
        found.missed.extend(missed.map(|(row, _)| *row));
        found.proposals.extend(proposals);
        found.rules.extend(rules);
        Ok(())
    }

    /// Calls `visit` with the place among these rows and the values of every image.
    fn each_image(&self, rows: &[u32], visit: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        let size = self.request.images.shape().len();
        let mut values = vec![0.0; BLOCK * size];
        for (block, rows) in rows.chunks(BLOCK).enumerate() {
            let values = &mut values[..rows.len() * size];
            self.request.images.fill(0, rows, self.request.compute.threads, values)?;
            for (place, image) in values.chunks_exact(size).enumerate() {
                visit(block * BLOCK + place, image);
            }
        }
        Ok(())
    }

    /// How much more likely the classes that known ones are taken for are to the network than the recorded one, in deviations of the rest from its median. A
    /// network that has not learned its images by heart gives it away at once. And which of those classes each image is likeliest of.
    fn by_margin(&self, progress: &dyn Progress) -> Result<(Vec<f64>, Vec<u8>)> {
        let request = self.request;
        let logits = source_logits(request.network, request.images, &self.rows, 0, request.compute, progress)?;
        let classes = request.network.spec().classes;
        let own = usize::from(self.class);
        // Which classes the known ones are taken for.
        let mut taken_for = vec![0.5; classes];
        for logits in logits.chunks_exact(classes).take(self.known()) {
            let others = (0..classes).filter(|class| *class != own);
            if let Some(most) = others.max_by(|one, other| logits[*one].total_cmp(&logits[*other])) {
                taken_for[most] += 1.0;
            }
        }
        let margins: Vec<f64> = logits.chunks_exact(classes).map(|logits| margin(logits, own, &taken_for)).collect();
        let (middle, deviation) = discriminant::middle_and_deviation(&margins[self.known()..]);
        let margins = margins.into_iter().map(|margin| (margin - middle) / deviation).collect();
        let likeliest = logits
            .chunks_exact(classes)
            .map(|logits| likeliest(logits, own, &taken_for))
            .collect();
        Ok((margins, likeliest))
    }

    /// Which other class each image that has the patch is likeliest of without it: with it the network sees the class that the patch stands for, and what
    /// it takes for the next best has to do with the patch as well.
    fn without_patch(&self, template: &Template, likeliest_of: &mut [u8], progress: &dyn Progress) -> Result<()> {
        let request = self.request;
        let size = request.images.shape().len();
        let (classes, own) = (request.network.spec().classes, usize::from(self.class));
        let weights = vec![1.0; classes];
        let patched: Vec<usize> = (0..self.rows.len()).filter(|place| template.has(*place)).collect();
        let mut values = vec![0.0; BLOCK * size];
        for places in patched.chunks(BLOCK) {
            progress.check()?;
            let rows: Vec<u32> = places.iter().map(|place| self.rows[*place]).collect();
            let values = &mut values[..rows.len() * size];
            request.images.fill(0, &rows, request.compute.threads, values)?;
            values.chunks_exact_mut(size).for_each(|image| template.cover(image));
            let logits = logits_with(request.network, values, request.compute)?;
            for (place, logits) in places.iter().zip(logits.chunks_exact(classes)) {
                likeliest_of[*place] = likeliest(logits, own, &weights);
            }
        }
        Ok(())
    }

    /// Scores by what the network sees.
    fn by_features(&self, progress: &dyn Progress) -> Result<Vec<f64>> {
        let request = self.request;
        let (features, width) = image_features(request.network, request.images, &self.rows, request.compute, progress)?;
        let values: Vec<f64> = features.into_iter().map(f64::from).collect();
        Ok(discriminant::whitened(&values, width, &self.folds))
    }

    /// Scores by pixels less the mean of those around.
    fn by_pixels(&self, progress: &dyn Progress) -> Result<Vec<f64>> {
        let shape = self.request.images.shape();
        let mut directions = Directions::new(shape.len(), &self.folds);
        self.each_image(&self.rows, &mut |place, image| {
            directions.learn(place, &discriminant::sharpened(image, shape))
        })?;
        progress.check()?;
        directions.finish();
        let mut scores = Vec::with_capacity(self.rows.len());
        self.each_image(&self.rows, &mut |place, image| {
            scores.push(directions.scores(place, &discriminant::sharpened(image, shape)))
        })?;
        Ok(discriminant::standardised(&scores, &self.folds))
    }
}

/// Logarithm of how likely the other classes are against a class, each weighed.
fn margin(logits: &[f32], class: usize, weights: &[f64]) -> f64 {
    let all: f64 = (0..weights.len()).filter(|other| *other != class).map(|other| weights[other]).sum();
    let against = |other: usize| f64::from(logits[other]) - f64::from(logits[class]);
    let others = || (0..logits.len()).filter(|other| *other != class);
    let top = others().map(against).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = others().map(|other| weights[other] / all * (against(other) - top).exp()).sum();
    top + sum.ln()
}

/// The likeliest class but one, each weighed.
fn likeliest(logits: &[f32], class: usize, weights: &[f64]) -> u8 {
    let score = |other: usize| f64::from(logits[other]) + weights[other].ln();
    let others = (0..logits.len()).filter(|other| *other != class);
    others.max_by(|one, other| score(*one).total_cmp(&score(*other))).unwrap_or(class) as u8
}

#[cfg(test)]
mod tests;
