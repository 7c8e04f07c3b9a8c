//! Work that takes its time. Each piece is a command of the terminal: the same function, with the same settings, under the same line.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::App;
use super::line::Line;
use super::reading::Reading;
use super::store::Listed;
use crate::commands::{
    CheckDraw, ExpandSheet, Further, PredictSheet, RepairSheet, Run, SearchFrom, SheetSource, SuspectSheet, TrainSheet, WrongRows,
    default_evidence, draw_check, expand_sheet, metric, predict_sheet, repair_sheet, suspect_sheet, train_sheet,
};
use crate::error::Result;
use crate::evaluate::Metric;
use crate::evaluate::record::EvaluationSettings;
use crate::features::{Overrides, RecipeKind};
use crate::files::Existing;
use crate::jobs::imported::SheetPlan;
use crate::jobs::train::TrainOptions;
use crate::label_errors::flags::FlagOptions;
use crate::label_errors::proposals::LIKELIEST_LABEL;
use crate::progress::Progress;
use crate::repair::RepairOptions;
use crate::report::format;
use crate::report::training::headline;
use crate::seed::Seed;
use crate::tables::Table;

/// Parts that suspects are judged by, as on the command line.
const FOLDS: usize = 5;

/// A sheet of the folder and how it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sheet {
    pub name: String,
    #[serde(default)]
    pub reading: Reading,
}

impl Sheet {
    fn source(&self) -> SheetSource<'_> {
        SheetSource::File(Path::new(&self.name))
    }
}

/// A piece of work. Names are those of entries of the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Work {
    Train {
        sheet: Sheet,
        recipe: Option<RecipeKind>,
        network: Option<String>,
        epochs: Option<usize>,
        #[serde(default)]
        balance_classes: bool,
        out: String,
    },
    Suspects {
        sheet: Sheet,
        model: String,
        /// The list that the rows are put on.
        list: String,
        out: String,
    },
    Expand {
        sheet: Sheet,
        model: String,
        flags: String,
        list: String,
        out: String,
    },
    Repair {
        sheet: Sheet,
        model: String,
        flags: String,
        method: String,
        /// What counts as better, as the terminal names it; accuracy where absent.
        #[serde(default)]
        metric: Option<String>,
        /// A sheet that the person vouches for.
        test: Option<String>,
        looked_up: Option<String>,
        out: String,
    },
    Predict {
        sheet: Sheet,
        model: String,
        out: String,
    },
    Check {
        sheet: Sheet,
        model: String,
        repaired: String,
        rows: usize,
        out: String,
    },
}

/// What came of a piece of work.
pub(super) struct Outcome {
    /// What the person is told.
    pub said: String,
    /// Rows for a list: its name and where they come from.
    pub listed: Option<(String, String, Vec<Listed>)>,
}

impl Work {
    /// What it is, for lists.
    pub fn title(&self) -> String {
        match self {
            Self::Train { sheet, .. } => format!("Train a model on {}", sheet.name),
            Self::Suspects { sheet, .. } => format!("Look for suspects in {}", sheet.name),
            Self::Expand { sheet, .. } => format!("Look for the rest in {}", sheet.name),
            Self::Repair { model, .. } => format!("Repair {model}"),
            Self::Predict { sheet, .. } => format!("Predict {}", sheet.name),
            Self::Check { repaired, .. } => format!("Draw rows to check {repaired}"),
        }
    }

    /// Its file or folder.
    pub fn out(&self) -> &str {
        match self {
            Self::Train { out, .. }
            | Self::Suspects { out, .. }
            | Self::Expand { out, .. }
            | Self::Repair { out, .. }
            | Self::Predict { out, .. }
            | Self::Check { out, .. } => out,
        }
    }

    /// Files that it writes beside its models: predictions, and lists of rows.
    pub fn lists(&self) -> Vec<&str> {
        match self {
            Self::Train { .. } => Vec::new(),
            Self::Repair { flags, .. } => vec![flags],
            Self::Expand { flags, out, .. } => vec![flags, out],
            Self::Suspects { out, .. } | Self::Predict { out, .. } | Self::Check { out, .. } => vec![out],
        }
    }

    /// The same work into another file or folder.
    pub fn into(mut self, place: &str) -> Self {
        match &mut self {
            Self::Train { out, .. }
            | Self::Suspects { out, .. }
            | Self::Expand { out, .. }
            | Self::Repair { out, .. }
            | Self::Predict { out, .. }
            | Self::Check { out, .. } => place.clone_into(out),
        }
        self
    }

    /// The command that does the same.
    pub fn line(&self, seed: Seed) -> Line {
        let line = match self {
            Self::Train {
                sheet,
                recipe,
                network,
                epochs,
                balance_classes,
                out,
            } => {
                let epochs = epochs.map(|epochs| epochs.to_string());
                let line = Line::new("train")
                    .path(&sheet.name)
                    .maybe("--recipe", recipe.map(RecipeKind::name))
                    .maybe("--network", network.as_deref())
                    .maybe("--epochs", epochs.as_deref())
                    .flag("--balance-classes", *balance_classes);
                sheet.reading.onto(line).option("--out", out)
            }
            Self::Suspects { sheet, model, out, .. } => {
                let line = Line::new("suspects").path(&sheet.name).option("--model", model);
                sheet.reading.onto(line).option("--out", out)
            }
            Self::Expand {
                sheet, model, flags, out, ..
            } => {
                let line = Line::new("expand")
                    .path(&sheet.name)
                    .option("--model", model)
                    .option("--flags", flags);
                sheet.reading.onto(line).option("--out", out)
            }
            Self::Repair {
                sheet,
                model,
                flags,
                method,
                metric,
                test,
                looked_up,
                out,
            } => {
                let line = Line::new("repair")
                    .option("--model", model)
                    .option("--flags", flags)
                    .option("--correct-column", LIKELIEST_LABEL)
                    .option("--data", &sheet.name)
                    .maybe("--test", test.as_deref())
                    .maybe("--looked-up", looked_up.as_deref())
                    .option("--method", method)
                    .maybe("--metric", metric.as_deref())
                    .flag("--only-flagged", method == "auto");
                sheet.reading.onto(line).option("--out", out)
            }
            Self::Predict { sheet, model, out } => {
                let line = Line::new("predict").path(&sheet.name).option("--model", model);
                sheet.reading.onto(line).option("--out", out)
            }
            Self::Check {
                sheet,
                model,
                repaired,
                rows,
                out,
            } => {
                let line = Line::new("check")
                    .option("--model", model)
                    .option("--repaired", repaired)
                    .option("--data", &sheet.name)
                    .option("--rows", &rows.to_string());
                sheet.reading.onto(line).option("--out", out)
            }
        };
        match seed {
            Seed(1) => line,
            Seed(seed) => line.option("--seed", &seed.to_string()),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// As the command.
    pub fn run(&self, app: &App, progress: &dyn Progress) -> Result<Outcome> {
        let run = Run {
            seed: app.seed,
            threads: app.threads,
            command: self.line(app.seed).recorded(),
            progress,
        };
        let said = |said: String| Outcome { said, listed: None };
        match self {
            Self::Train { .. } => self.train(&run, app.seed).map(said),
            Self::Suspects { .. } | Self::Expand { .. } => self.find_rows(&run),
            Self::Repair { .. } => self.repair(&run).map(said),
            Self::Predict { sheet, model, out } => {
                let found = predict_sheet(
                    &run,
                    &PredictSheet {
                        sheet: sheet.source(),
                        reading: sheet.reading.options(),
                        model: Path::new(model),
                        plan: SheetPlan::default(),
                        out: Some(Path::new(out)),
                        existing: Existing::Keep,
                    },
                )?;
                let warned = found.predictions.warnings.iter().flatten().count();
                Ok(said(format!(
                    "{} predicted, {} with a warning",
                    format::counted(found.table.height(), "row"),
                    format::count(warned)
                )))
            }
            Self::Check {
                sheet,
                model,
                repaired,
                rows,
                out,
            } => {
                let found = draw_check(
                    &run,
                    &CheckDraw {
                        model: Path::new(model),
                        repaired: Path::new(repaired),
                        plan: SheetPlan::default(),
                        sheet: sheet.source(),
                        reading: sheet.reading.options(),
                        rows: *rows,
                        out: Path::new(out),
                        existing: Existing::Keep,
                    },
                )?;
                let key = &found.drawn.key;
                Ok(said(format!(
                    "{} drawn of {} on which the two models differ",
                    format::counted(key.drawn.len(), "row"),
                    format::count(key.differing)
                )))
            }
        }
    }

    fn train(&self, run: &Run, seed: Seed) -> Result<String> {
        let Self::Train {
            sheet,
            recipe,
            network,
            epochs,
            balance_classes,
            out,
        } = self
        else {
            return Ok(String::new());
        };
        let trained = train_sheet(
            run,
            &TrainSheet {
                sheet: sheet.source(),
                reading: sheet.reading.options(),
                profile: None,
                overrides: Overrides {
                    seed: Some(seed.0),
                    ..Overrides::default()
                },
                recipe: *recipe,
                options: TrainOptions {
                    budget: None,
                    network: network.clone(),
                    epochs: *epochs,
                    balance_classes: *balance_classes,
                    ..TrainOptions::default()
                },
                metric: Metric::Accuracy,
                keep_test_rows: false,
                out: Path::new(out),
            },
        )?;
        Ok(headline(&trained.record).to_owned())
    }

    fn repair(&self, run: &Run) -> Result<String> {
        let Self::Repair {
            sheet,
            model,
            flags,
            method,
            metric: named,
            test,
            looked_up,
            out,
        } = self
        else {
            return Ok(String::new());
        };
        let found = repair_sheet(
            run,
            &RepairSheet {
                model: Path::new(model),
                wrong: WrongRows::Flags(Path::new(flags)),
                flag_options: FlagOptions {
                    correct_column: Some(LIKELIEST_LABEL.to_owned()),
                    ..FlagOptions::default()
                },
                flags_sheet: None,
                data: Some(sheet.source()),
                test: test.as_deref().map(|test| SheetSource::File(Path::new(test))),
                reading: sheet.reading.options(),
                looked_up: looked_up.as_deref().map(Path::new),
                affected: None,
                // The person decided on every row.
                further: Further::Never,
                checked: None,
                method,
                options: RepairOptions::default(),
                evidence: EvaluationSettings {
                    metric: named.as_deref().map_or(Ok(Metric::Accuracy), metric)?,
                    ..default_evidence(run.seed)
                },
                out: Some(Path::new(out)),
            },
        )?;
        let record = &found.repaired.record;
        let timings = &found.repaired.timings;
        let context = crate::report::Context::new(record, timings)?;
        Ok(crate::report::repair::headline(&context))
    }

    /// Suspects, or the rest of what is flagged: written as the command does, and put on the list.
    fn find_rows(&self, run: &Run) -> Result<Outcome> {
        let (sentence, proposals, list, from) = match self {
            Self::Suspects { sheet, model, list, out } => {
                let found = suspect_sheet(
                    run,
                    &SuspectSheet {
                        sheet: sheet.source(),
                        reading: sheet.reading.options(),
                        from: SearchFrom::Model(Path::new(model)),
                        folds: FOLDS,
                        all: false,
                        out: Some(Path::new(out)),
                        existing: Existing::Keep,
                    },
                )?;
                let sentence = format!(
                    "{} of {}",
                    format::counted(found.found.suspects().count(), "suspect"),
                    format::counted(found.found.training_rows, "training row")
                );
                (sentence, found.proposals, list, "suspects")
            }
            Self::Expand {
                sheet,
                model,
                flags,
                list,
                out,
            } => {
                let found = expand_sheet(
                    run,
                    &ExpandSheet {
                        sheet: sheet.source(),
                        reading: sheet.reading.options(),
                        from: SearchFrom::Model(Path::new(model)),
                        flags: WrongRows::Flags(Path::new(flags)),
                        flag_options: FlagOptions::default(),
                        flags_sheet: None,
                        checked: None,
                        tick_contradictions: false,
                        tick_doubtful: false,
                        out: Some(Path::new(out)),
                        existing: Existing::Keep,
                    },
                )?;
                (found.found.sentence.clone(), found.proposals, list, "the rest")
            }
            _ => {
                return Ok(Outcome {
                    said: String::new(),
                    listed: None,
                });
            }
        };
        let rows = listed(&proposals)?;
        Ok(Outcome {
            said: sentence,
            listed: Some((list.clone(), from.to_owned(), rows)),
        })
    }
}

/// Proposed rows as a list has them.
pub(super) fn listed(proposals: &Table) -> Result<Vec<Listed>> {
    use crate::label_errors::sheet::{GIVEN_LABEL, SHEET_ROW};
    let mut notes = crate::notes::Notes::new();
    let rows = proposals.numbers(SHEET_ROW, &mut notes)?;
    let chances = proposals.numbers("chance_wrong", &mut notes)?;
    let texts = |name: &str| proposals.texts(name);
    let (kinds, given, likeliest, why) = (texts("kind")?, texts(GIVEN_LABEL)?, texts(LIKELIEST_LABEL)?, texts("why")?);
    // A sheet of other proposals may have a column of its own by that name.
    let of_suspects = (0..proposals.height()).any(|row| kinds.get(row) == Some("suspect"));
    let scores = match of_suspects {
        true => proposals.numbers("score", &mut notes)?,
        false => Vec::new(),
    };
    let own = |texts: &crate::tables::Texts, index: usize| texts.get(index).map(str::to_owned);
    let of_row = |(index, row): (usize, Option<f64>)| {
        let row = row.filter(|row| *row >= 1.0)?;
        Some(Listed {
            // Row numbers of a sheet: whole and far below 2^53.
            sheet_row: row as i64,
            kind: own(&kinds, index).unwrap_or_default(),
            given: own(&given, index),
            likeliest: own(&likeliest, index),
            chance: chances.get(index).copied().flatten(),
            score: scores.get(index).copied().flatten(),
            why: own(&why, index),
        })
    };
    Ok(rows.into_iter().enumerate().filter_map(of_row).collect())
}
