//! One unit of a study: take a spoiled network, flag a part of what is wrong, let a method repair, count.

mod repaired;
mod sets;
mod steps;

use std::time::Instant;

use rand::Rng;

use super::measure::Judged;
use super::record::Record;
use super::settings::{IMPORTANCE_BATCH, ImageStudySettings, LAYOUT_VERSION, Model, Piece, methods};
use crate::datasets::images::corruptions::{Stamp, Stamped};
use crate::datasets::images::{Affected, Augmentation, ImageSet, Images, Manipulation, Normalisation, Resize, Spoiled, TrainingImages};
use crate::error::{Error, Result};
use crate::experiments::corrective::settings::{Way, once};
use crate::experiments::images::data::{self, dataset};
use crate::experiments::images::{self, OnDevice, Reading, RecipeChanges, Training};
use crate::experiments::study::{Seconds, Study};
use crate::experiments::{Computed, Engine, RunFolder, Timings, Unit};
use crate::label_errors::images::{FoundImages, ImagesRequest, find_images};
use crate::label_errors::{Bias, Known, KnownFlags};
use crate::learner::Statistic;
use crate::nn::images::{Accelerated, Compute, ImageNetwork, ImageSpec, Precision};
use crate::nn::{ImportanceKind, OutputSize};
use crate::notes::Notes;
use crate::progress::{Background, Progress};
use crate::seed::Seed;
use sets::{columns, divided};

/// What the person asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageStudyOptions {
    /// Image set.
    pub dataset: String,
    /// Manipulations, such as `poison:n=500`.
    pub manipulations: Vec<String>,
    /// Known shares of the manipulated images.
    pub known: Vec<f64>,
    /// Which of them are found first: `none`, `earliest`, `latest`, or a condition over `class` and `label`.
    pub bias: String,
    /// Share of the flags on images that are not manipulated.
    pub false_flags: f64,
    /// Ways to repair, or `all`.
    pub methods: Vec<String>,
    /// Models trained for each manipulation.
    pub seeds: u32,
    /// Whether settings are chosen by the paper's rule.
    pub search: bool,
    /// The network; absent: the set's own.
    pub network: Option<String>,
    /// Training images, drawn at random; absent: all.
    pub rows: Option<usize>,
    /// Test images; absent: all.
    pub test_rows: Option<usize>,
    /// Changes to the training.
    pub recipe: RecipeChanges,
    /// Augmentation by name; absent: the set's own.
    pub augmentation: Option<String>,
    /// Run seed.
    pub seed: u64,
}

/// A study on an image set that is read.
pub struct ImageStudy {
    settings: ImageStudySettings,
    set: ImageSet,
    /// Training images that no model is trained on.
    held_out: Images,
    spec: ImageSpec,
    threads: usize,
    device: Option<Accelerated>,
    /// What the units at hand share.
    group: Option<Group>,
}

/// A manipulation with one seed, and the network trained on it.
struct Group {
    name: String,
    manipulation: Manipulation,
    spoiled: Spoiled,
    held_out: Spoiled,
    affected: Affected,
    normalisation: Normalisation,
    initial: ImageNetwork<f32>,
    network: ImageNetwork<f32>,
    /// Importances over all training images, once a method needs them.
    full_set: Vec<(Statistic, Vec<f64>)>,
    training_seconds: f64,
    /// What was found from the images known at a share (its bits), and the seconds that took: once for all ways.
    found: Vec<(u64, FoundImages, f64)>,
}

/// What is known of a group's manipulated images.
struct Flags {
    training: KnownFlags,
    /// Held-out images that are not flagged: what is known to be wrong must not help to choose.
    validation: Images,
    stamped: Vec<u32>,
}

impl ImageStudy {
    /// Reads the set and fixes the settings. Nothing is written.
    ///
    /// # Errors
    /// Where the set cannot be read, an option is out of range, or a manipulation does not fit the set.
    pub fn new(options: &ImageStudyOptions, reading: &Reading, threads: usize, notes: &mut Notes) -> Result<Self> {
        let seed = Seed(options.seed);
        let about = dataset(&options.dataset)?;
        let augmentation = options.augmentation.as_deref().map(data::augmentation).transpose()?;
        let methods = methods(&options.methods)?;
        let whole = about.load(reading, notes)?;
        let counts = (whole.train.len(), whole.test.len());
        let mut set = ImageSet {
            train: data::part(&whole.train, options.rows, "rows", seed)?,
            test: data::part(&whole.test, options.test_rows, "test-rows", seed)?,
            ..whole
        };
        let data_sha256 = data::checksum(&set);
        let used = set.train.len();
        let (train, held_out) = divided(&set.train, seed)?;
        set.train = train;
        let network = options.network.as_deref().unwrap_or(about.corrective.network);
        let augmentation = augmentation.unwrap_or(about.corrective.augmentation_of(network));
        augmentation.check(set.train.shape)?;
        let spec = ImageSpec::named(network, set.train.shape, set.classes.len())?;
        let mut manipulations = Vec::new();
        for text in &options.manipulations {
            let manipulation = Manipulation::parse(text, &set)?;
            // Heard now rather than after hours of training.
            manipulation.apply(&set.train, manipulation.count, seed)?;
            manipulation.affected(&set.test)?;
            manipulations.push(manipulation.spec());
        }
        let mut known_shares = once(&options.known);
        known_shares.sort_by(f64::total_cmp);
        let settings = ImageStudySettings {
            layout_version: LAYOUT_VERSION,
            recant_version: env!("CARGO_PKG_VERSION").to_owned(),
            dataset: options.dataset.clone(),
            data_sha256,
            classes: set.classes.len(),
            training_images: (used, counts.0),
            held_out: held_out.len(),
            test_images: (set.test.len(), counts.1),
            network: network.to_owned(),
            parameters: spec.parameters()?,
            device: images::CPU.to_owned(),
            recipe: options.recipe.apply((about.corrective.recipe)(network, set.classes.len()))?,
            augmentation,
            manipulations: once(&manipulations),
            known_shares,
            bias: options.bias.clone(),
            false_flags: options.false_flags,
            methods,
            seeds: options.seeds,
            search: options.search,
            seed: options.seed,
        };
        settings.check()?;
        if let Bias::Meeting(rule) = Bias::parse(&settings.bias)? {
            // A column that is none is heard of now.
            rule.matches(&columns(&set.classes, &[], &[])?, &mut Notes::new())?;
        }
        Ok(Self {
            settings,
            set,
            held_out,
            spec,
            threads,
            device: None,
            group: None,
        })
    }

    /// What is asked for.
    pub fn settings(&self) -> &ImageStudySettings {
        &self.settings
    }

    fn with(&self) -> Compute<'_> {
        match &self.device {
            Some(device) => Compute::on(device, self.threads),
            None => self.threads.into(),
        }
    }

    /// Seed of weights and orders, shared by all manipulations of one number, so that those are comparable.
    fn model_seed(&self, piece: &Piece) -> Seed {
        Seed(
            Seed(self.settings.seed)
                .stream("corrective-images/model", u64::from(piece.seed))
                .random(),
        )
    }

    /// Seed of one thing about a manipulation.
    fn seed(&self, settings: &ImageStudySettings, piece: &Piece, what: &str) -> Seed {
        let name = format!("corrective-images/{what}/{}", settings.manipulations[piece.manipulation]);
        Seed(Seed(self.settings.seed).stream(&name, u64::from(piece.seed)).random())
    }

    /// A network trained on these images: from the folder, or trained now.
    fn trained(
        &self,
        folder: &RunFolder<ImageStudySettings>,
        piece: &Piece,
        (name, initial): (&str, &ImageNetwork<f32>),
        source: &Stamped,
        progress: &dyn Progress,
    ) -> Result<(ImageNetwork<f32>, f64)> {
        let training = Training {
            name,
            initial,
            source,
            recipe: &folder.settings().recipe,
            seed: self.model_seed(piece),
            compute: self.with(),
        };
        training.network(folder, progress)
    }

    /// Spoils the set and trains on it.
    fn group(&self, folder: &RunFolder<ImageStudySettings>, piece: &Piece, progress: &dyn Progress) -> Result<Group> {
        let settings = folder.settings();
        let manipulation = Manipulation::parse(&settings.manipulations[piece.manipulation], &self.set)?;
        let (train, held_out) = (&self.set.train, &self.held_out);
        let spoiled = manipulation.apply(train, manipulation.count, self.seed(settings, piece, "images"))?;
        // Real mistakes do not stop before the images that settings are chosen by.
        let beside = (manipulation.count as f64 * held_out.len() as f64 / train.len() as f64).round() as usize;
        let beside = beside.min(manipulation.most(held_out));
        let held_out = manipulation.apply(held_out, beside, self.seed(settings, piece, "held-out-images"))?;
        let mut group = Group {
            name: settings.group(piece),
            affected: manipulation.affected(&self.set.test)?,
            manipulation,
            normalisation: Normalisation::fit(&spoiled.images)?,
            spoiled,
            held_out,
            initial: ImageNetwork::zeros(&self.spec)?,
            network: ImageNetwork::zeros(&self.spec)?,
            full_set: Vec::new(),
            training_seconds: 0.0,
            found: Vec::new(),
        };
        let seed = self.model_seed(piece);
        group.initial = images::initial(&self.spec, seed, &group.training(Augmentation::NONE, seed), self.threads)?;
        let source = group.training(self.settings.augmentation, seed);
        (group.network, group.training_seconds) = self.trained(folder, piece, (&group.name, &group.initial), &source, progress)?;
        Ok(group)
    }

    /// Measures over all training images, or reads, what a way to repair needs of that.
    fn measure_full_set(
        &self,
        folder: &RunFolder<ImageStudySettings>,
        way: &Way,
        group: &mut Group,
        progress: &dyn Progress,
    ) -> Result<f64> {
        let importance = Statistic::Importance(ImportanceKind::SquaredBatchGradient);
        let wanted = [
            (["assd", "ssd"].as_slice(), importance),
            (["lfssd"].as_slice(), Statistic::Sensitivity(OutputSize::SquaredLength)),
            (["potion"].as_slice(), Statistic::Sensitivity(OutputSize::Length)),
        ];
        let mut seconds = 0.0;
        for (users, what) in wanted {
            let needed = way.steps.iter().any(|step| users.contains(&step.method.name()));
            if !needed || group.full_set.iter().any(|(kind, _)| *kind == what) {
                continue;
            }
            let source = group.training(Augmentation::NONE, Seed(0));
            let of = (&group.network, group.name.as_str());
            let (took, values) = images::measured(folder, of, (what, IMPORTANCE_BATCH), &source, self.with(), progress)?;
            seconds += took;
            group.full_set.push((what, values));
        }
        Ok(seconds)
    }

    /// What is known, of training images and of those held out.
    fn flags(&self, settings: &ImageStudySettings, piece: &Piece, group: &Group) -> Result<Flags> {
        let known = Known {
            share: settings
                .known(piece)
                .ok_or_else(|| Error::internal("flags of a model that is not repaired"))?,
            false_share: settings.false_flags,
            bias: Bias::parse(&settings.bias)?,
        };
        let draw = |clean: &Images, spoiled: &Spoiled, what: &str| -> Result<KnownFlags> {
            let meets = match &known.bias {
                Bias::Meeting(rule) => {
                    let sheet = columns(&self.set.classes, &clean.labels, &spoiled.images.labels)?;
                    Some(rule.matches(&sheet, &mut Notes::new())?)
                }
                _ => None,
            };
            known.draw(
                &spoiled.manipulated,
                clean.len(),
                meets.as_deref(),
                self.seed(settings, piece, what),
            )
        };
        let training = draw(&self.set.train, &group.spoiled, "flags")?;
        let held_out = match group.held_out.manipulated.is_empty() {
            true => Vec::new(),
            false => draw(&self.held_out, &group.held_out, "held-out-flags")?.flagged,
        };
        let all = 0..group.held_out.images.len() as u32;
        let left: Vec<u32> = all.filter(|row| held_out.binary_search(row).is_err()).collect();
        let stamped = left
            .iter()
            .zip(0..)
            .filter(|(row, _)| group.held_out.manipulated.binary_search(row).is_ok());
        Ok(Flags {
            training,
            stamped: stamped.map(|(_, place)| place).collect(),
            validation: group.held_out.images.take(&left)?,
        })
    }

    /// Finds the rest from what is known at a unit's share, once for all ways.
    fn find(&self, settings: &ImageStudySettings, piece: &Piece, group: &mut Group, progress: &dyn Progress) -> Result<()> {
        let known = settings.known(piece).unwrap_or_default().to_bits();
        if group.found.iter().any(|(share, _, _)| *share == known) {
            return Ok(());
        }
        let begun = Instant::now();
        let flags = self.flags(settings, piece, group)?;
        let found = self.find_with(&group.network, settings, piece, (group, &flags), progress)?;
        group.found.push((known, found, begun.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Finds the rest from what is known, with this network.
    fn find_with(
        &self,
        network: &ImageNetwork<f32>,
        settings: &ImageStudySettings,
        piece: &Piece,
        (group, flags): (&Group, &Flags),
        progress: &dyn Progress,
    ) -> Result<FoundImages> {
        let source = group.training(Augmentation::NONE, Seed(0));
        let request = ImagesRequest {
            network,
            images: &source,
            classes: &self.set.classes,
            flagged: &flags.training.flagged,
            seed: self.seed(settings, piece, "expand"),
            compute: self.with(),
        };
        find_images(&request, &Background(progress))
    }

    /// The network trained on the set as it was, judged on this manipulation.
    fn clean(
        &self,
        folder: &RunFolder<ImageStudySettings>,
        piece: &Piece,
        group: &Group,
        progress: &dyn Progress,
    ) -> Result<(Record, Seconds)> {
        let normalisation = Normalisation::fit(&self.set.train)?;
        let seed = self.model_seed(piece);
        let images = |augmentation: Augmentation| TrainingImages {
            images: &self.set.train,
            normalisation: &normalisation,
            augmentation,
            resize: None,
            seed,
        };
        let initial = images::initial(&self.spec, seed, &images(Augmentation::NONE), self.threads)?;
        let source = Stamped {
            images: images(self.settings.augmentation),
            stamp: None,
        };
        let name = folder.settings().clean_model(piece);
        let (network, seconds) = self.trained(folder, piece, (&name, &initial), &source, progress)?;
        let record = self.judged(group, &normalisation).record(&network, progress)?;
        Ok((record, Seconds::from([("train".to_owned(), seconds)])))
    }

    fn judged<'g>(&'g self, group: &'g Group, normalisation: &'g Normalisation) -> Judged<'g> {
        Judged {
            test: &self.set.test,
            affected: &group.affected,
            spoiled: &group.spoiled.images,
            manipulated: &group.spoiled.manipulated,
            clean_labels: &self.set.train.labels,
            stamp: group.manipulation.stamp(),
            normalisation,
            resize: None::<&Resize>,
            compute: self.with(),
        }
    }
}

/// What is known in a unit, for tests.
#[cfg(test)]
pub(super) struct KnownImages {
    pub flags: Vec<u32>,
    pub false_flags: Vec<u32>,
    pub manipulated: Vec<u32>,
    pub clean_labels: Vec<u8>,
    /// Images that settings are chosen by.
    pub validation: usize,
}

#[cfg(test)]
impl ImageStudy {
    pub(super) fn known_images(&self, settings: &ImageStudySettings, piece: &Piece) -> Result<KnownImages> {
        let group = self.group.as_ref().ok_or_else(|| Error::internal("no group was prepared"))?;
        let flags = self.flags(settings, piece, group)?;
        Ok(KnownImages {
            flags: flags.training.flagged,
            false_flags: flags.training.false_flags,
            manipulated: group.spoiled.manipulated.clone(),
            clean_labels: self.set.train.labels.clone(),
            validation: flags.validation.len(),
        })
    }
}

impl Group {
    /// The spoiled training images.
    fn training(&self, augmentation: Augmentation, seed: Seed) -> Stamped<'_> {
        self.stamped((&self.spoiled.images, &self.spoiled.manipulated), augmentation, seed)
    }

    fn stamped<'s>(&'s self, (images, manipulated): (&'s Images, &'s [u32]), augmentation: Augmentation, seed: Seed) -> Stamped<'s> {
        let stamp: Option<Stamp> = self.manipulation.stamp();
        Stamped {
            images: TrainingImages {
                images,
                normalisation: &self.normalisation,
                augmentation,
                resize: None,
                seed,
            },
            stamp: stamp.map(|stamp| (stamp, manipulated)),
        }
    }
}

impl OnDevice for ImageStudy {
    type Settings = ImageStudySettings;

    fn network(&self) -> &str {
        &self.settings.network
    }

    fn fits(&self, device: &Accelerated) -> Result<bool> {
        Ok(device.takes(&ImageNetwork::<f32>::zeros(&self.spec)?))
    }

    fn on(mut self, device: Accelerated, precision: Precision) -> Self {
        self.settings.device = images::device_name(precision);
        self.device = Some(device);
        self
    }

    fn device_of(settings: &ImageStudySettings) -> &str {
        &settings.device
    }
}

impl Engine<ImageStudySettings> for ImageStudy {
    /// Takes the spoiled network of the units from the folder, or trains it.
    fn prepare(&mut self, unit: &Unit<Piece>, folder: &RunFolder<ImageStudySettings>, progress: &dyn Progress) -> Result<()> {
        self.group = None;
        self.group = Some(self.group(folder, &unit.key, progress)?);
        Ok(())
    }

    fn compute(&mut self, unit: &Unit<Piece>, folder: &RunFolder<ImageStudySettings>, progress: &dyn Progress) -> Result<Computed<Record>> {
        let begun = Instant::now();
        let taken = self.group.take();
        let mut group = taken.ok_or_else(|| Error::internal("a unit before its model was prepared"))?;
        let way = folder.settings().way(&unit.key)?;
        let measured = match &way {
            Some(way) => {
                if way.proposed.is_some() {
                    self.find(folder.settings(), &unit.key, &mut group, progress)?;
                }
                self.measure_full_set(folder, way, &mut group, progress)?
            }
            None => 0.0,
        };
        let outcome = match (unit.key.model, &way) {
            (Model::Clean, _) => self.clean(folder, &unit.key, &group, progress),
            (Model::Repaired { .. }, Some(way)) => self.repaired(folder, unit, way, &group, progress),
            _ => {
                let record = self.judged(&group, &group.normalisation).record(&group.network, progress);
                record.map(|record| (record, Seconds::from([("train".to_owned(), group.training_seconds)])))
            }
        };
        self.group = Some(group);
        let (records, mut stages) = outcome.map(|(record, stages)| (vec![record], stages))?;
        if measured > 0.0 {
            stages.insert("over all".to_owned(), measured);
        }
        Ok(Computed {
            records,
            timings: Timings {
                seconds: begun.elapsed().as_secs_f64(),
                models: 1,
                threads: self.threads,
                stages,
            },
        })
    }

    fn stage(&self, unit: &Unit<Piece>) -> Option<String> {
        Some(unit.name.replacen(&format!("{}_", unit.group), &format!("{}: ", unit.cell), 1))
    }
}
