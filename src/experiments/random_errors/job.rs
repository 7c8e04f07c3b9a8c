//! From a sheet and what the person asked for to the settings of a batch and the rows it works on.

use crate::error::{Error, Result};
use crate::experiments::Study;
use crate::experiments::random_errors::compute::{ALL_METHODS, check_method};
use crate::experiments::random_errors::data::Data;
use crate::experiments::random_errors::published;
use crate::experiments::random_errors::settings::{LAYOUT_VERSION, Settings, SizeRuns};
use crate::features::{Profile, RecipeKind, prepare};
use crate::nn::MlpSpec;
use crate::notes::Notes;
use crate::repair::Reference;
use crate::tables::Table;

/// What the person asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOptions {
    /// Sizes, such as `2x50,3x100`; differing widths as `100-50`.
    pub sizes: String,
    /// Scenarios per cell: one number, or one per size.
    pub runs: String,
    /// Error rates, such as `0.25%,1%`.
    pub errors: String,
    /// Whether everything below that is absent is as published, and each size has the published learning rate and weight decay.
    pub published: bool,
    /// Kind of error; `uniform` where absent.
    pub error_kind: Option<String>,
    /// Methods, such as `all` or `retrain,assd`; all where absent.
    pub methods: Option<String>,
    /// Initialisations under each scenario.
    pub init_seeds: u32,
    /// Importance.
    pub importance: String,
    /// Reference set; the retain set on the original batches where absent.
    pub reference: Option<String>,
    /// Passes over the training rows; the profile's where absent.
    pub epochs: Option<usize>,
    /// Learning rate; searched where absent.
    pub learning_rate: Option<f64>,
    /// Weight decay; the profile's where only the learning rate is given.
    pub weight_decay: Option<f64>,
    /// Trials of the search.
    pub trials: u32,
    /// Scenarios per cell with a sweep over alpha and lambda.
    pub sweep_runs: u32,
    /// Scenarios per chunk.
    pub chunk: u32,
    /// Run seed.
    pub seed: u64,
    /// How the sheet is read where that was given, as text.
    pub reading: String,
    /// What computes: `cpu` or `cuda`.
    pub device: String,
}

/// Encodes the sheet and fixes the settings. Networks are trained by the paper's recipe, whatever the profile's.
///
/// # Errors
/// Where the sheet cannot be prepared, or an option cannot be read.
pub fn batch(table: &Table, profile: &Profile, options: &BatchOptions, notes: &mut Notes) -> Result<(Settings, Data)> {
    let sizes = sizes(&options.sizes, &options.runs)?;
    let given = |given: &Option<String>, published: &str, own: &str| {
        let default = if options.published { published } else { own };
        given.as_deref().unwrap_or(default).trim().to_owned()
    };
    let methods = methods(&given(&options.methods, published::METHODS, "all"))?;
    let mut profile = profile.clone();
    profile.take_recipe(RecipeKind::Paper);
    let prepared = prepare(table, &profile, notes)?;
    let defaults = &prepared.profile.training;
    let settings = Settings {
        layout_version: LAYOUT_VERSION,
        recant_version: env!("CARGO_PKG_VERSION").to_owned(),
        data_file: table.source().file_name.clone(),
        data_sha256: table.source().sha256.clone(),
        profile: prepared.profile.to_toml()?,
        profile_name: prepared.profile.name.clone(),
        reading: options.reading.clone(),
        sizes,
        errors: list(&options.errors).map(str::to_owned).collect(),
        error_kind: given(&options.error_kind, published::KIND, "uniform"),
        init_seeds: options.init_seeds,
        methods,
        importance: options.importance.clone(),
        reference: given(&options.reference, published::REFERENCE, Reference::RetainOnOriginalBatches.name()),
        epochs: options.epochs.unwrap_or(defaults.epochs),
        batch: defaults.batch,
        decay: defaults.decay,
        learning_rate: options.learning_rate,
        weight_decay: options
            .weight_decay
            .or_else(|| options.learning_rate.map(|_| defaults.weight_decay)),
        published: options.published,
        trials: if options.learning_rate.is_some() || options.published {
            0
        } else {
            options.trials
        },
        sweep_runs: options.sweep_runs,
        chunk: options.chunk,
        seed: options.seed,
        device: options.device.clone(),
    };
    settings.check()?;
    Ok((settings, Data::of(&prepared)?))
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn sizes(sizes: &str, runs: &str) -> Result<Vec<SizeRuns>> {
    let sizes: Vec<String> = list(sizes)
        .map(|size| {
            let text = size.replace('-', ",");
            Ok(MlpSpec::new(1, MlpSpec::parse_hidden(&text)?, 2)?.name())
        })
        .collect::<Result<_>>()?;
    let numbers: Vec<u32> = list(runs)
        .map(|number| {
            number
                .parse()
                .map_err(|_| Error::input(format!("`{number}` is not a number of scenarios")).hint("for example `--runs 100`"))
        })
        .collect::<Result<_>>()?;
    let of = |place: usize| match numbers.as_slice() {
        [all] => Ok(*all),
        several if several.len() == sizes.len() => Ok(several[place]),
        several => Err(
            Error::input(format!("{} numbers of scenarios for {} sizes", several.len(), sizes.len()))
                .hint("give one number for all sizes, or one for each: `--sizes 2x50,5x250 --runs 100,20`"),
        ),
    };
    sizes
        .iter()
        .enumerate()
        .map(|(place, size)| {
            Ok(SizeRuns {
                size: size.clone(),
                runs: of(place)?,
            })
        })
        .collect()
}

fn methods(text: &str) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for name in list(text) {
        let names = if name == "all" {
            ALL_METHODS.map(str::to_owned).to_vec()
        } else {
            vec![name.replace(' ', "")]
        };
        for name in names {
            check_method(&name)?;
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    if found.is_empty() {
        return Err(Error::input("no method is given").hint("use `--methods all`, or for example `--methods retrain,assd`"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_runs_are_read_side_by_side() {
        let read = |sizes_text: &str, runs: &str| -> Vec<(String, u32)> {
            sizes(sizes_text, runs)
                .unwrap()
                .into_iter()
                .map(|entry| (entry.size, entry.runs))
                .collect()
        };
        assert_eq!(read("2x50, 5x250", "100"), [("2x50".to_owned(), 100), ("5x250".to_owned(), 100)]);
        assert_eq!(read("100-50,none", "7,8"), [("100,50".to_owned(), 7), ("none".to_owned(), 8)]);
        assert_eq!(read("50-50", "1"), [("2x50".to_owned(), 1)]);
        assert!(
            sizes("2x50,3x100", "1,2,3")
                .unwrap_err()
                .hint_text()
                .unwrap()
                .contains("--runs 100,20")
        );
        assert!(sizes("2x50", "many").is_err());
    }

    #[test]
    fn all_methods_are_the_papers_and_two_more_and_none_comes_twice() {
        assert_eq!(methods("all").unwrap(), ALL_METHODS);
        assert_eq!(methods("assd, all").unwrap()[..2], ["assd", "retrain"]);
        assert_eq!(methods("ssd + finetune").unwrap(), ["ssd+finetune"]);
        assert!(methods("asd").is_err());
        assert!(methods(" , ").is_err());
    }
}
