//! One unit of a study: mislabel, train, flag a part, repair in every way, count.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use rand::Rng;

use super::measure::{Judged, relabelled};
use super::record::Row;
use super::settings::{Place, Proposed, Step, StudyOptions, StudySettings, Way, parts, way};
use super::{CLEAN, EXPANDING, NONE};
use crate::error::{Error, ErrorKind, Result};
use crate::experiments::study::{ComputeOne, Seconds};
use crate::experiments::{Computed, Engine, RunFolder, Timings, Unit};
use crate::features::{Part, Prepared, Profile, prepare};
use crate::label_errors::expand::{ExpandOptions, ExpandRequest, Expansion, Proposal, expand};
use crate::label_errors::{Bias, InjectionPlan, Known, KnownFlags, PlannedCorruption, affected_rows, inject_sheet, parse_mistakes};
use crate::learner::Rows;
use crate::nn::{MlpSpec, Network, Recipe, StoredImportances, store_importances};
use crate::notes::Notes;
use crate::progress::{Background, Progress};
use crate::repair::{self, RepairOptions, RepairOutcome, Repairable, Request, Session, Trained};
use crate::seed::Seed;
use crate::tables::Table;

/// A sheet made ready, and what is computed on it.
pub struct Corrective<'a> {
    table: &'a Table,
    profile: Profile,
    pub(super) settings: StudySettings,
    /// The clean sheet; `train` is what models train on, `validation` what settings are chosen by.
    pub(super) prepared: Prepared,
    pub(super) spec: MlpSpec,
    ways: Vec<Way>,
    /// Models trained on clean labels, by repetition.
    pub(super) clean: Mutex<BTreeMap<u32, Network<f32>>>,
    threads: usize,
}

/// A sheet after the errors, seen from the rows of a study.
struct Corrupted {
    table: Table,
    /// Observed labels and inputs of the training rows.
    labels: Vec<u8>,
    inputs: Vec<f32>,
    /// Of the validation rows.
    validation_labels: Vec<u8>,
    validation_inputs: Vec<f32>,
    /// Positions of the wrong rows, training rows first, then validation rows.
    manipulated: Vec<u32>,
    mistakes: Vec<PlannedCorruption>,
}

/// What a repair starts from.
struct Start<'a> {
    corrupted: &'a Corrupted,
    recipe: &'a Recipe,
    initial: &'a Network<f32>,
    network: &'a Network<f32>,
    stored: &'a StoredImportances<f32>,
}

/// The deletion set as a repair takes it.
struct Deletion {
    positions: Vec<u32>,
    inputs: Vec<f32>,
    labels: Vec<u8>,
    /// Per row the class that it is learned as; empty where all are left out.
    corrections: Vec<Option<u8>>,
}

impl<'a> Corrective<'a> {
    /// A study on this sheet.
    ///
    /// # Errors
    /// Where the sheet does not fit the profile, an option cannot be read, or there are no test rows.
    pub fn new(table: &'a Table, profile: &Profile, options: &StudyOptions, threads: usize, notes: &mut Notes) -> Result<Self> {
        // Studies train by the paper's recipe, whatever the profile's, unless asked for the standard one.
        let mut profile = profile.clone();
        profile.take_recipe(options.recipe);
        let mut prepared = prepare(table, &profile, notes)?;
        if prepared.test.is_empty() {
            return Err(Error::input("the sheet has no test rows, so no repair can be judged")
                .hint("let the profile keep a share of the rows for testing: `[split] test = 0.2`"));
        }
        let settings = StudySettings::new(table, &prepared.profile, &prepared, options)?;
        if let Some(share) = settings.held_out {
            let kept = prepared.train.len() - (prepared.train.len() as f64 * share) as usize;
            let (train, held_out) = cut(&prepared.train, kept, prepared.features.width());
            prepared.train = train;
            prepared.validation = Some(held_out);
        }
        if prepared.train.len() < 50 {
            return Err(Error::input(format!("{} training rows are too few for a study", prepared.train.len())).hint("use a larger sheet"));
        }
        let classes = prepared.profile.label.classes().len();
        Ok(Self {
            spec: MlpSpec::of_size(&settings.network, prepared.features.width(), classes)?,
            ways: settings.methods.iter().map(|name| way(name)).collect::<Result<_>>()?,
            clean: Mutex::new(BTreeMap::new()),
            threads,
            profile,
            table,
            settings,
            prepared,
        })
    }

    /// What is computed.
    pub fn settings(&self) -> &StudySettings {
        &self.settings
    }

    pub(super) fn width(&self) -> usize {
        self.prepared.features.width()
    }

    pub(super) fn validation(&self) -> Result<&Part> {
        self.prepared
            .validation
            .as_ref()
            .ok_or_else(|| Error::internal("a study without validation rows"))
    }

    /// Seed of one thing in one unit.
    fn seed(&self, unit: &Place, what: &str) -> Seed {
        let (kind, rate) = (&self.settings.kinds[unit.kind], &self.settings.rates[unit.rate]);
        let name = format!("corrective/{what}/{kind}/{rate}");
        Seed(Seed(self.settings.seed).stream(&name, u64::from(unit.repetition)).random())
    }

    /// Mislabels rows of the training period, validation rows included: real errors do not stop before them.
    fn corrupt(&self, unit: &Place, notes: &mut Notes) -> Result<Corrupted> {
        let amount = self.settings.amount(&self.settings.rates[unit.rate])?;
        let specs: Vec<_> = parts(&self.settings.kinds[unit.kind]).map(|part| (part, amount)).collect();
        let plan = InjectionPlan {
            mistakes: parse_mistakes(self.table, &self.profile, &specs)?,
            whole_groups: false,
            spare_validation: false,
            known: Known::default(),
            full_rows: false,
            seed: self.seed(unit, "errors"),
        };
        let injected = inject_sheet(self.table, &self.profile, &plan, notes)?;
        let observed = self.prepared.profile.label.labels(&injected.corrupted, notes)?;
        let (train, validation) = (&self.prepared.train, self.validation()?);
        let read = |part: &Part| -> Result<Vec<u8>> {
            let labels = part.table_rows.iter().map(|row| observed[*row]);
            labels
                .collect::<Option<Vec<u8>>>()
                .ok_or_else(|| Error::internal("a corrupted row without a label"))
        };
        let (labels, validation_labels) = (read(train)?, read(validation)?);
        let differs = |part: &Part, labels: &[u8], offset: usize| -> Vec<u32> {
            let rows = part.labels.iter().zip(labels).enumerate();
            rows.filter(|(_, (clean, observed))| clean != observed)
                .map(|(row, _)| (row + offset) as u32)
                .collect()
        };
        let manipulated = [differs(train, &labels, 0), differs(validation, &validation_labels, train.len())].concat();
        let triggers = plan.mistakes.iter().any(|(mistake, _)| mistake.trigger().is_some());
        let inputs_of = |part: &Part, notes: &mut Notes| -> Result<Vec<f32>> {
            if !triggers {
                return Ok(part.inputs.clone());
            }
            Ok(self
                .prepared
                .features
                .transform(&injected.corrupted.take(&part.table_rows), notes)?
                .inputs)
        };
        Ok(Corrupted {
            inputs: inputs_of(train, notes)?,
            validation_inputs: inputs_of(validation, notes)?,
            labels,
            validation_labels,
            manipulated,
            table: injected.corrupted,
            mistakes: plan.mistakes,
        })
    }

    /// Which test rows the errors could hit, and their inputs with the triggers written in, where there are any.
    fn affected(&self, corrupted: &Corrupted, notes: &mut Notes) -> Result<(Vec<bool>, Option<Vec<f32>>)> {
        let test = &self.prepared.test;
        let mut affected = vec![false; test.len()];
        let mut triggered: Option<Table> = None;
        for (mistake, _) in &corrupted.mistakes {
            let hit = affected_rows(mistake.as_ref(), self.table, &test.table_rows, &test.labels, notes)?;
            if let Some((column, value)) = mistake.trigger() {
                let changes: Vec<_> = test
                    .table_rows
                    .iter()
                    .zip(&hit)
                    .filter(|(_, hit)| **hit)
                    .map(|(row, _)| (*row, value.to_owned()))
                    .collect();
                triggered = Some(triggered.as_ref().unwrap_or(self.table).with_changed_cells(column, &changes)?);
            }
            affected.iter_mut().zip(hit).for_each(|(all, hit)| *all |= hit);
        }
        let inputs = match triggered {
            None => None,
            Some(table) => {
                let rows: Vec<usize> = test
                    .table_rows
                    .iter()
                    .zip(&affected)
                    .filter(|(_, hit)| **hit)
                    .map(|(row, _)| *row)
                    .collect();
                Some(self.prepared.features.transform(&table.take(&rows), notes)?.inputs)
            }
        };
        Ok((affected, inputs))
    }

    /// Computes a unit. Equal units give equal records.
    ///
    /// # Errors
    /// Where the errors do not fit the sheet, training fails, or the person stops it.
    fn unit(&self, unit: &Place, progress: &dyn Progress) -> Result<Computed<Row>> {
        let begun = Instant::now();
        let mut notes = Notes::new();
        let mut seconds = Seconds::new();
        let corrupted = self.corrupt(unit, &mut notes)?;
        let (affected, triggered) = self.affected(&corrupted, &mut notes)?;
        let training = self.prepared.train.len();
        let wrong: Vec<u32> = corrupted
            .manipulated
            .iter()
            .copied()
            .filter(|row| (*row as usize) < training)
            .collect();
        let judged = Judged {
            test: &self.prepared.test.inputs,
            test_labels: &self.prepared.test.labels,
            affected: &affected,
            triggered: triggered.as_deref(),
            manipulated: &take(&corrupted.inputs, self.width(), &wrong),
            manipulated_labels: &wrong
                .iter()
                .map(|row| self.prepared.train.labels[*row as usize])
                .collect::<Vec<_>>(),
            training_rows: training,
        };
        let clean = self.trained_clean(unit.repetition, progress)?;
        let initial = self.initial(unit.repetition)?;
        let started = Instant::now();
        let later = (&corrupted.validation_inputs[..], &corrupted.validation_labels[..]);
        let fold = self.fold((&corrupted.inputs, &corrupted.labels), later);
        let (network, recipe) = self.train(&fold, unit.repetition, progress)?;
        seconds.insert("train".to_owned(), started.elapsed().as_secs_f64());
        let stored = store_importances(&network, &fold.fit, recipe.batch, 1)?;
        let mut rows = vec![judged.row(CLEAN, &clean)?, judged.row(NONE, &network)?];
        let start = Start {
            corrupted: &corrupted,
            recipe: &recipe,
            initial: &initial,
            network: &network,
            stored: &stored,
        };
        for known in &self.settings.known {
            rows.extend(self.at_known_share(unit, *known, &start, &judged, &mut seconds, progress)?);
        }
        Ok(Computed {
            records: rows,
            timings: Timings {
                seconds: begun.elapsed().as_secs_f64(),
                models: 1,
                threads: 1,
                stages: seconds,
            },
        })
    }

    fn flags(&self, unit: &Place, known: f64, corrupted: &Corrupted) -> Result<KnownFlags> {
        let (train, validation) = (&self.prepared.train, self.validation()?);
        let bias = Bias::parse(&self.settings.bias)?;
        let meets = match &bias {
            Bias::Meeting(rule) => {
                let all = rule.matches(&corrupted.table, &mut Notes::new())?;
                Some(
                    train
                        .table_rows
                        .iter()
                        .chain(&validation.table_rows)
                        .map(|row| all[*row])
                        .collect::<Vec<bool>>(),
                )
            }
            _ => None,
        };
        let plan = Known {
            share: known,
            false_share: self.settings.false_flags,
            bias,
        };
        plan.draw(
            &corrupted.manipulated,
            train.len() + validation.len(),
            meets.as_deref(),
            self.seed(unit, "flags"),
        )
    }

    /// The flagged rows, and those that a way takes as wrong beside them.
    fn deletion(&self, unit: &Place, corrupted: &Corrupted, flagged: &[u32], found: Option<(&Expansion, Proposed)>) -> Deletion {
        let mut learned: BTreeMap<u32, Option<u8>> = flagged.iter().map(|row| (*row, None)).collect();
        if let Some((found, proposed)) = found {
            let likeliest = |proposal: &Proposal| (proposal.row, Some(proposal.likeliest));
            match proposed {
                Proposed::Drop => learned.extend(found.pattern.iter().map(|proposal| (proposal.row, None))),
                Proposed::Relabel => learned.extend(found.explained.iter().chain(&found.pattern).map(likeliest)),
                Proposed::Draw => {
                    learned.extend(found.explained.iter().map(likeliest));
                    let seed = self.seed(unit, "drawn-labels");
                    learned.extend(found.drawn(seed).iter().map(likeliest));
                }
            }
        }
        let positions: Vec<u32> = learned.keys().copied().collect();
        let corrections = match found {
            Some((_, Proposed::Relabel | Proposed::Draw)) => learned.into_values().collect(),
            _ => Vec::new(),
        };
        Deletion {
            corrections,
            inputs: take(&corrupted.inputs, self.width(), &positions),
            labels: positions.iter().map(|row| corrupted.labels[*row as usize]).collect(),
            positions,
        }
    }

    fn at_known_share(
        &self,
        unit: &Place,
        known: f64,
        start: &Start,
        judged: &Judged,
        seconds: &mut Seconds,
        progress: &dyn Progress,
    ) -> Result<Vec<Row>> {
        let corrupted = start.corrupted;
        let training = self.prepared.train.len() as u32;
        let drawn = self.flags(unit, known, corrupted)?;
        let (flagged, held_out): (Vec<u32>, Vec<u32>) = drawn.flagged.iter().partition(|row| **row < training);
        // What is known to be wrong must not help to choose.
        let spared: Vec<u32> = (0..corrupted.validation_labels.len() as u32)
            .filter(|row| held_out.binary_search(&(row + training)).is_err())
            .collect();
        let validation_inputs = take(&corrupted.validation_inputs, self.width(), &spared);
        let validation_labels: Vec<u8> = spared.iter().map(|row| corrupted.validation_labels[*row as usize]).collect();
        let validation = Rows::table(&validation_inputs, self.width(), &validation_labels);
        let mut rows = Vec::with_capacity(self.ways.len());
        let mut expanded: Option<Expansion> = None;
        for way in &self.ways {
            progress.check()?;
            if way.proposed.is_some() && expanded.is_none() {
                let started = Instant::now();
                expanded = Some(self.expand(unit, &flagged, start, progress)?);
                seconds.insert(format!("{known} {EXPANDING}"), started.elapsed().as_secs_f64());
            }
            let found = expanded.as_ref().zip(way.proposed);
            let deletion = self.deletion(unit, corrupted, &flagged, found);
            let started = Instant::now();
            let mut row = self.repaired(way, start, &deletion, validation, judged, progress)?;
            seconds.insert(format!("{known} {}", way.name), started.elapsed().as_secs_f64());
            row.known = Some(known);
            row.flags = flagged.len() as u32;
            row.false_flags = drawn.false_flags.iter().filter(|row| **row < training).count() as u32;
            if let Some((found, _)) = found {
                let wrong = found
                    .pattern
                    .iter()
                    .filter(|proposal| corrupted.manipulated.binary_search(&proposal.row).is_ok());
                row.proposed = Some(found.pattern.len() as u32);
                row.proposed_wrong = Some(wrong.count() as u32);
            }
            if !deletion.corrections.is_empty() {
                let (learned, right) = relabelled(&deletion.positions, &deletion.corrections, &self.prepared.train.labels);
                (row.relabelled, row.relabelled_right) = (Some(learned), Some(right));
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Repairs in one way. A way that fails for a reason of its own leaves the corrupted model and says why.
    fn repaired(
        &self,
        way: &Way,
        start: &Start,
        deletion: &Deletion,
        validation: Rows<'_, f32>,
        judged: &Judged,
        progress: &dyn Progress,
    ) -> Result<Row> {
        let width = self.width();
        let trained = Trained {
            classifier: start.network,
            initial: Some(start.initial),
            plan: start.recipe.into(),
            training_rows: start.corrupted.labels.len(),
            importance_batch: start.recipe.batch,
            stored: Some(start.stored),
            full_set: &[],
        };
        let request = Request {
            positions: &deletion.positions,
            flagged: Some(Rows::table(&deletion.inputs, width, &deletion.labels)),
            corrections: &deletion.corrections,
            training: Some(Rows::table(&start.corrupted.inputs, width, &start.corrupted.labels)),
            augmented: None,
        };
        let quiet = Background(progress);
        let mut model = Session::new(trained, request, 1, &quiet)?.with_validation(validation)?;
        let mut chosen = None;
        let mut failed = None;
        for (place, step) in way.steps.iter().enumerate() {
            let method = step.method;
            let options = options(step, &model)?;
            let grid = method.grid(&model, &options).len();
            // Only the first of a chain starts from the trained model, as a search does.
            let outcome: Result<RepairOutcome> = if self.settings.search && place == 0 && grid > 1 && !validation.is_empty() {
                repair::apply_best(method, &mut model, &options, &quiet).map(|found| {
                    chosen = serde_json::to_string(&found.trials[found.best].options).ok();
                    found.outcome
                })
            } else {
                repair::apply(method, &mut model, &options, &quiet)
            };
            match outcome {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Input => {
                    model.start_over();
                    failed = Some(error.message().to_owned());
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let (change, accuracy) = (model.deletion_change()?, model.validation_accuracy()?);
        let mut row = judged.row(&way.name, model.network())?;
        row.deletion_change = Some(change);
        row.validation_accuracy = accuracy;
        row.chosen = chosen;
        row.failed = failed;
        Ok(row)
    }

    /// Proposes further training rows like the flagged ones. What it is given holds observed labels only.
    fn expand(&self, unit: &Place, flagged: &[u32], start: &Start, progress: &dyn Progress) -> Result<Expansion> {
        let corrupted = start.corrupted;
        let mut observed = self.prepared.clone();
        observed.train.labels.clone_from(&corrupted.labels);
        observed.train.inputs.clone_from(&corrupted.inputs);
        observed.validation = None;
        observed.test = piece(&self.prepared.test, 0..0, self.width());
        let request = ExpandRequest {
            said: None,
            table: &corrupted.table,
            prepared: &observed,
            labels: &corrupted.labels,
            flagged,
            corrections: &BTreeMap::new(),
            hidden: &self.spec.member().hidden,
            recipe: start.recipe,
            options: &ExpandOptions::default(),
            seed: self.seed(unit, "expand"),
            threads: 1,
        };
        expand(&request, &Background(progress))
    }
}

impl Engine<StudySettings> for Corrective<'_> {
    fn compute(&mut self, unit: &Unit<Place>, _folder: &RunFolder<StudySettings>, progress: &dyn Progress) -> Result<Computed<Row>> {
        let found = self.unit(&unit.key, progress)?;
        progress.advance(1);
        Ok(found)
    }

    fn side_by_side(&self) -> Option<(usize, ComputeOne<'_, StudySettings>)> {
        let compute: ComputeOne<'_, StudySettings> = Box::new(|unit, progress| {
            let found = self.unit(&unit.key, progress)?;
            progress.advance(1);
            Ok(found)
        });
        Some((self.threads, compute))
    }
}

/// A step's settings: the defaults, with the passes that it states.
fn options(step: &Step, model: &dyn Repairable) -> Result<RepairOptions> {
    let mut options = RepairOptions::default();
    step.settle(&mut options, || {
        Ok(repair::steps::batches(model.retain_rows()?, model.schedule().batch).len())
    })?;
    Ok(options)
}

/// Rows of a row-major matrix.
fn take(inputs: &[f32], width: usize, rows: &[u32]) -> Vec<f32> {
    rows.iter()
        .flat_map(|row| inputs[*row as usize * width..][..width].iter().copied())
        .collect()
}

/// Some rows of a part.
fn piece(part: &Part, rows: std::ops::Range<usize>, width: usize) -> Part {
    Part {
        inputs: part.inputs[rows.start * width..rows.end * width].to_vec(),
        labels: part.labels[rows.clone()].to_vec(),
        table_rows: part.table_rows[rows.clone()].to_vec(),
        keys: part.keys[rows.clone()].to_vec(),
        groups: part.groups.as_ref().map(|groups| groups[rows.clone()].to_vec()),
        times: part.times.as_ref().map(|times| times[rows].to_vec()),
    }
}

/// The first `kept` rows of a part, and the others.
fn cut(part: &Part, kept: usize, width: usize) -> (Part, Part) {
    (piece(part, 0..kept, width), piece(part, kept..part.len(), width))
}
