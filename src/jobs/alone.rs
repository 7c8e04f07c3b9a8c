//! A labelled sheet whose model Recant did not train: its rows, made ready for the search for further wrong rows.
//!
//! The search asks what a row's label should be by networks that did not see the row. A model that was trained on the sheet would say what it
//! learned, the wrong labels among them; so small networks of Recant's are trained on parts of the sheet, or the person gives out-of-sample
//! probabilities of their own (scikit-learn: `cross_val_predict(model, X, y, method="predict_proba")`).

use std::collections::BTreeMap;

use super::fitting;
use super::rows::{TrainingData, TrainingSheet};
use super::train::{TrainOptions, TrainRequest};
use crate::error::{Error, Result, closest};
use crate::evaluate::Metric;
use crate::evaluate::record::EvaluationSettings;
use crate::features::{Cut, Overrides, Part, Prepared, Profile, SplitBounds, apply, prepare};
use crate::label_errors::flags::{RowEntry, RowIndex, hash_key};
use crate::nn::{MlpSpec, Recipe};
use crate::notes::Notes;
use crate::seed::Seed;
use crate::tables::Table;

/// How far a row's probabilities may be from a sum of 1.
const SUM_TOLERANCE: f64 = 0.02;

/// What is known of a sheet without a model of Recant's.
#[derive(Debug, Clone, Copy)]
pub struct SheetLabels<'a> {
    /// Column of the class.
    pub label: &'a str,
    /// Column that names rows, where there is one.
    pub key: Option<&'a str>,
    /// Class names of the model, where they are known: the sheet must have no others.
    pub classes: Option<&'a [String]>,
}

/// A sheet made ready, every labelled row a training row.
pub struct SheetAlone {
    /// Its rows.
    pub sheet: TrainingSheet,
    /// The same, as flag files find them.
    pub index: RowIndex,
    /// Hidden layers of networks that judge its rows.
    pub hidden: Vec<usize>,
    /// How these are trained.
    pub recipe: Recipe,
}

impl SheetAlone {
    /// Makes a sheet ready.
    ///
    /// # Errors
    /// Where the label column is missing or has one class, or no other column says anything.
    pub fn read(table: &Table, labels: SheetLabels<'_>, seed: Seed, threads: usize, notes: &mut Notes) -> Result<Self> {
        table.require(labels.label)?;
        labels.key.map_or(Ok(()), |key| table.require(key))?;
        let overrides = Overrides {
            label: Some(labels.label.to_owned()),
            key: labels.key.map(str::to_owned),
            seed: Some(seed.0),
            ..Overrides::default()
        };
        let profile = Profile::for_any_sheet(table, &overrides)?;
        let fitted = prepare(table, &profile, notes)?;
        // The model was trained on all rows, so all are searched; the encoders stay as fitted.
        let whole = SplitBounds {
            by: fitted.bounds.by,
            validation: None,
            test: Cut {
                position: i64::MAX,
                ties: usize::MAX,
            },
        };
        let prepared = apply(table, &fitted.profile, &fitted.features, &whole, &mut Notes::new())?;
        let own = prepared.profile.label.classes();
        if let Some(known) = labels.classes
            && let Some(other) = own.iter().find(|name| !known.contains(name))
        {
            return Err(Error::input(format!(
                "`{other}` in column `{}` is none of the model's classes ({})",
                labels.label,
                known.join(", ")
            ))
            .in_file(&table.source().file_name)
            .hint("name the classes as the sheet does, in the order of the model's outputs: `--classes A,B,C`"));
        }
        let request = TrainRequest {
            table,
            profile: &prepared.profile,
            options: &TrainOptions::default(),
            name: String::new(),
            command: String::new(),
            settings: EvaluationSettings {
                minimum_effect: 0.0,
                significance: 0.05,
                resamples: 0,
                group_column: None,
                seed: seed.0,
                metric: Metric::Accuracy,
                matters: Vec::new(),
            },
            seed,
            threads,
        };
        let recipe = fitting::recipe(&request, &prepared);
        let hidden = MlpSpec::parse_hidden(prepared.profile.training.usual_network())?;
        let index = index(table, &prepared, labels.key)?;
        let data = TrainingData {
            inputs: prepared.train.inputs.clone(),
            labels: prepared.train.labels.clone(),
        };
        Ok(Self {
            sheet: TrainingSheet { prepared, data },
            index,
            hidden,
            recipe,
        })
    }

    /// Class names, in label order.
    pub fn classes(&self) -> &[String] {
        self.sheet.prepared.profile.label.classes()
    }

    /// Probabilities (training rows x classes) from a sheet with a column for each class, found by the key or in row order.
    ///
    /// # Errors
    /// Where a class has no column, a row is missing, or values are no probabilities.
    pub fn probabilities(&self, given: &Table, table: &Table, key: Option<&str>, notes: &mut Notes) -> Result<Vec<f32>> {
        let columns = self
            .classes()
            .iter()
            .map(|class| class_column(given, class))
            .collect::<Result<Vec<_>>>()?;
        let numbers = columns
            .iter()
            .map(|column| given.numbers(column, notes))
            .collect::<Result<Vec<_>>>()?;
        let train = &self.sheet.prepared.train;
        let places = places(given, table, train, key)?;
        let mut said = Vec::with_capacity(places.len() * columns.len());
        for place in places {
            let mut sum = 0.0;
            for (column, numbers) in columns.iter().zip(&numbers) {
                let wrong = |what: &str| given.at(Error::input(what.to_owned()), place, column);
                let value = numbers[place].ok_or_else(|| wrong("a probability is missing"))?;
                if !(-1e-6..=1.0 + 1e-6).contains(&value) {
                    return Err(wrong(&format!("{value} is no probability")).hint("give probabilities from 0 to 1, not logits or percent"));
                }
                sum += value;
                said.push(value.clamp(0.0, 1.0) as f32);
            }
            if (sum - 1.0_f64).abs() > SUM_TOLERANCE {
                let error = Error::input(format!("the probabilities of this row sum to {sum:.3}, not to 1"));
                return Err(given
                    .at(error, place, &columns[0])
                    .hint("give a column for every class of the label column"));
            }
        }
        Ok(said)
    }
}

/// The column of a class: its name, or that behind `probability of` as `recant predict` writes it.
fn class_column(given: &Table, class: &str) -> Result<String> {
    let plain = |text: &str| text.trim().to_lowercase();
    let wanted = [plain(class), plain(&format!("probability of {class}"))];
    let found = given.names().iter().find(|name| wanted.contains(&plain(name)));
    found.cloned().ok_or_else(|| {
        let near = closest(class, given.names().iter().map(String::as_str));
        let hint = near.map_or_else(
            || format!("name a column `{class}`"),
            |near| format!("name a column `{class}`; the closest is `{near}`"),
        );
        Error::input(format!("no column holds the probabilities of class `{class}`"))
            .in_file(&given.source().file_name)
            .hint(hint)
    })
}

/// The row of `given` for every training row.
fn places(given: &Table, table: &Table, train: &Part, key: Option<&str>) -> Result<Vec<usize>> {
    let Some(key) = key.filter(|key| given.has(key)) else {
        if given.height() != table.height() {
            return Err(Error::input(format!(
                "there are probabilities of {} rows, and the sheet has {}",
                given.height(),
                table.height()
            ))
            .in_file(&given.source().file_name)
            .hint("give a line for each row of the sheet in its order, or a key column in both: `--key COLUMN`"));
        }
        return Ok(train.table_rows.clone());
    };
    let names = given.texts(key)?;
    let mut of_key: BTreeMap<&str, usize> = BTreeMap::new();
    for row in 0..given.height() {
        if let Some(name) = names.get(row)
            && of_key.insert(name, row).is_some()
        {
            return Err(given.at(Error::input(format!("`{name}` is there twice")), row, key));
        }
    }
    let place = |name: &String| {
        of_key.get(name.as_str()).copied().ok_or_else(|| {
            Error::input(format!("no line has the probabilities of `{name}`"))
                .in_file(&given.source().file_name)
                .hint("give a line for every labelled row of the sheet")
        })
    };
    train.keys.iter().map(place).collect()
}

/// The rows as flag files find them.
fn index(table: &Table, prepared: &Prepared, key: Option<&str>) -> Result<RowIndex> {
    let names = key.map(|key| table.texts(key)).transpose()?;
    let entry = |row: usize, label: Option<u8>| {
        let number = table.row_number(row);
        let name = names.as_ref().and_then(|names| names.get(row));
        RowEntry {
            key: name.map_or_else(|| hash_key(&format!("\0row {number}")), hash_key),
            group: None,
            table_row: row as u32,
            sheet_row: number as u32,
            label,
        }
    };
    let train = &prepared.train;
    let mut known = vec![false; table.height()];
    train.table_rows.iter().for_each(|row| known[*row] = true);
    let training = train
        .table_rows
        .iter()
        .zip(&train.labels)
        .map(|(row, label)| entry(*row, Some(*label)));
    let others = (0..table.height()).filter(|row| !known[*row]).map(|row| entry(row, None));
    RowIndex::new(
        key.map(str::to_owned),
        None,
        prepared.profile.label.classes().to_vec(),
        "they have no label".to_owned(),
        [training.collect(), Vec::new(), Vec::new(), others.collect()],
    )
    .map(|index| index.below(table.left_out_at_top()))
}
