//! Finished chunks put together: `records.csv`, `records.parquet`, `sweep.csv`, `timings.csv`.
//!
//! Chunks are read one after another in the order of the plan, so memory does not grow with the batch, and the bytes depend neither on
//! the order in which chunks were computed nor on who computed them.

use std::cell::Cell;
use std::io::Write;

use polars::prelude::{Column, DataFrame, NamedFrom, Series};
use polars_io::parquet::write::{BatchedWriter, ParquetWriter};

use crate::error::{Error, Result};
use crate::label_errors::Amount;
use crate::scenarios::folder::RunFolder;
use crate::scenarios::plan::{Chunk, Plan};
use crate::scenarios::record::{ChunkRecords, Row};
use crate::scenarios::settings::Settings;

/// Rows of a row group in the Parquet file: bounds memory.
const ROW_GROUP: usize = 65_536;

/// Columns of `records.csv` and `records.parquet`, in order. With them and the sheet any row can be computed again.
pub const RECORD_COLUMNS: [&str; 34] = [
    "size",
    "error_kind",
    "error_rate",
    "error_share",
    "run",
    "init",
    "method",
    "split",
    "rows",
    "right",
    "accuracy",
    "training_rows",
    "flagged",
    "mislabelled",
    "flagged_right",
    "flagged_as_observed",
    "percentile",
    "alpha",
    "lambda",
    "dampened",
    "parameters",
    "learning_rate",
    "weight_decay",
    "epochs",
    "batch",
    "decay",
    "importance",
    "reference",
    "init_seeds",
    "seed",
    "profile",
    "data_file",
    "data_sha256",
    "recant_version",
];

/// A value of the records.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Whole(Option<i64>),
    Number(Option<f64>),
}

impl Value {
    fn csv(&self) -> String {
        match self {
            Value::Text(text) => quoted(text),
            Value::Whole(Some(number)) => number.to_string(),
            // The shortest text that reads back to the same number.
            Value::Number(Some(number)) => number.to_string(),
            Value::Whole(None) | Value::Number(None) => String::new(),
        }
    }
}

fn quoted(text: &str) -> String {
    // File names are the person's own: no cell may become a formula.
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Writes the four files if every chunk is there. Returns whether it did.
///
/// # Errors
/// Where a chunk is damaged or the folder cannot be written.
pub fn assemble(folder: &RunFolder) -> Result<bool> {
    let plan = Plan::new(folder.settings())?;
    for chunk in &plan.chunks {
        if folder.chunk_bytes(chunk)?.is_none() {
            return Ok(false);
        }
    }
    folder.write("records.csv", |writer| records_csv(folder, &plan, writer))?;
    folder.write("records.parquet", |writer| records_parquet(folder, &plan, writer))?;
    if folder.settings().sweep_runs > 0 {
        folder.write("sweep.csv", |writer| sweep_csv(folder, &plan, writer))?;
    }
    folder.write("timings.csv", |writer| timings_csv(folder, &plan, writer))?;
    Ok(true)
}

fn read(folder: &RunFolder, chunk: &Chunk) -> Result<ChunkRecords> {
    folder
        .chunk(chunk)?
        .ok_or_else(|| Error::internal(format!("chunk {} vanished while it was read", chunk.name)))
}

fn put(writer: &mut dyn Write, line: &str) -> Result<()> {
    writer
        .write_all(line.as_bytes())
        .map_err(|error| Error::io("write", std::path::Path::new("records.csv"), &error))
}

/// The error rate as a share of the training rows, where it is one.
pub(super) fn share(error: &str) -> Option<f64> {
    match error.parse::<Amount>() {
        Ok(Amount::ShareOfTraining(share)) => Some(share),
        _ => None,
    }
}

fn values(settings: &Settings, chunk: &Chunk, row: &Row, training_rows: u32) -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let whole = |number: u32| Value::Whole(Some(i64::from(number)));
    let maybe = |number: Option<u32>| Value::Whole(number.map(i64::from));
    let error = &settings.errors[chunk.cell.error];
    let dampening = row.dampening;
    vec![
        text(&settings.sizes[chunk.cell.size].size),
        text(&settings.error_kind),
        text(error),
        Value::Number(share(error)),
        whole(row.run),
        whole(row.init),
        text(&row.method),
        text(row.split.name()),
        whole(row.rows),
        whole(row.right),
        Value::Number(Some(f64::from(row.right) / f64::from(row.rows.max(1)))),
        whole(training_rows),
        whole(row.flagged),
        whole(row.mislabelled),
        maybe(row.flagged_right),
        maybe(row.flagged_as_observed),
        Value::Number(dampening.and_then(|dampening| dampening.percentile)),
        Value::Number(dampening.map(|dampening| dampening.alpha)),
        Value::Number(dampening.map(|dampening| dampening.lambda)),
        maybe(dampening.map(|dampening| dampening.dampened)),
        whole(row.parameters),
        Value::Number(Some(row.learning_rate)),
        Value::Number(Some(row.weight_decay)),
        Value::Whole(i64::try_from(settings.epochs).ok()),
        Value::Whole(i64::try_from(settings.batch).ok()),
        Value::Number(Some(settings.decay)),
        text(&settings.importance),
        text(&settings.reference),
        whole(settings.init_seeds),
        text(&settings.seed.to_string()),
        text(&settings.profile_name),
        text(&settings.data_file),
        text(&settings.data_sha256),
        text(&settings.recant_version),
    ]
}

/// Rows of the training split, which every scenario has.
fn training_rows(records: &ChunkRecords) -> u32 {
    let of_train = records.rows.iter().find(|row| row.split == super::record::Split::Train);
    of_train.map_or(0, |row| row.rows)
}

fn records_csv(folder: &RunFolder, plan: &Plan, writer: &mut dyn Write) -> Result<()> {
    put(writer, &format!("{}\n", RECORD_COLUMNS.join(",")))?;
    for chunk in &plan.chunks {
        let records = read(folder, chunk)?;
        let rows = training_rows(&records);
        for row in &records.rows {
            let cells: Vec<String> = values(folder.settings(), chunk, row, rows).iter().map(Value::csv).collect();
            put(writer, &format!("{}\n", cells.join(",")))?;
        }
    }
    Ok(())
}

fn records_parquet(folder: &RunFolder, plan: &Plan, writer: &mut dyn Write) -> Result<()> {
    let refused = Cell::new(None);
    let fault = |error: polars::prelude::PolarsError| match refused.take() {
        Some(refusal) => Error::io("write", std::path::Path::new("records.parquet"), &refusal),
        None => Error::internal(format!("records as Parquet: {error}")),
    };
    let mut output: Option<BatchedWriter<Watched>> = None;
    let mut slot = Some(Watched {
        inner: writer,
        refused: &refused,
    });
    let mut waiting: Vec<Vec<Value>> = Vec::new();
    for (index, chunk) in plan.chunks.iter().enumerate() {
        let records = read(folder, chunk)?;
        let rows = training_rows(&records);
        waiting.extend(records.rows.iter().map(|row| values(folder.settings(), chunk, row, rows)));
        if waiting.len() < ROW_GROUP && index + 1 < plan.chunks.len() {
            continue;
        }
        let frame = frame(&waiting)?;
        waiting.clear();
        if let Some(writer) = slot.take() {
            output = Some(ParquetWriter::new(writer).batched(frame.schema()).map_err(fault)?);
        }
        if let Some(output) = &mut output {
            output.write_batch(&frame).map_err(fault)?;
        }
    }
    if let Some(output) = output {
        output.finish().map_err(fault)?;
    }
    Ok(())
}

/// Remembers why a write was refused: what the Parquet writer makes of it no longer says whether the disk is full.
struct Watched<'a> {
    inner: &'a mut dyn Write,
    refused: &'a Cell<Option<std::io::Error>>,
}

impl Watched<'_> {
    fn watch<T>(&self, outcome: std::io::Result<T>) -> std::io::Result<T> {
        outcome.map_err(|error| {
            let told = match error.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => error.kind().into(),
            };
            self.refused.set(Some(error));
            told
        })
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let outcome = self.inner.write(bytes);
        self.watch(outcome)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let outcome = self.inner.flush();
        self.watch(outcome)
    }
}

fn frame(rows: &[Vec<Value>]) -> Result<DataFrame> {
    let columns = RECORD_COLUMNS
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let name = (*name).into();
            let series = match &rows[0][place] {
                Value::Text(_) => {
                    let cells = rows.iter().map(|row| match &row[place] {
                        Value::Text(text) => text.as_str(),
                        _ => "",
                    });
                    Series::new(name, cells.collect::<Vec<_>>())
                }
                Value::Whole(_) => {
                    let cells = rows.iter().map(|row| match &row[place] {
                        Value::Whole(number) => *number,
                        _ => None,
                    });
                    Series::new(name, cells.collect::<Vec<_>>())
                }
                Value::Number(_) => {
                    let cells = rows.iter().map(|row| match &row[place] {
                        Value::Number(number) => *number,
                        _ => None,
                    });
                    Series::new(name, cells.collect::<Vec<_>>())
                }
            };
            Column::from(series)
        })
        .collect();
    DataFrame::new(rows.len(), columns).map_err(|error| Error::internal(format!("records as a table: {error}")))
}

fn sweep_csv(folder: &RunFolder, plan: &Plan, writer: &mut dyn Write) -> Result<()> {
    put(
        writer,
        "size,error_kind,error_rate,run,init,sweep,alpha,lambda,dampened,test_rows,test_right,test_accuracy,flagged,flagged_as_observed\n",
    )?;
    let settings = folder.settings();
    for chunk in &plan.chunks {
        for row in read(folder, chunk)?.sweep {
            put(
                writer,
                &format!(
                    "{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                    quoted(&settings.sizes[chunk.cell.size].size),
                    settings.error_kind,
                    settings.errors[chunk.cell.error],
                    row.run,
                    row.init,
                    row.sweep.name(),
                    row.alpha,
                    row.lambda,
                    row.dampened,
                    row.rows,
                    row.right,
                    f64::from(row.right) / f64::from(row.rows.max(1)),
                    row.flagged,
                    row.flagged_as_observed
                ),
            )?;
        }
    }
    Ok(())
}

fn timings_csv(folder: &RunFolder, plan: &Plan, writer: &mut dyn Write) -> Result<()> {
    let all: Vec<_> = plan.chunks.iter().map(|chunk| folder.timings(chunk).unwrap_or_default()).collect();
    let stages: std::collections::BTreeSet<&String> = all.iter().flat_map(|timings| timings.stages.keys()).collect();
    let names: Vec<String> = stages.iter().map(|stage| format!("{stage}_seconds")).collect();
    let mut header = vec![
        "chunk".to_owned(),
        "scenarios".to_owned(),
        "threads".to_owned(),
        "seconds".to_owned(),
    ];
    header.extend(names);
    put(writer, &format!("{}\n", header.join(",")))?;
    for (chunk, timings) in plan.chunks.iter().zip(&all) {
        let mut cells = vec![
            quoted(&chunk.name),
            timings.scenarios.to_string(),
            timings.threads.to_string(),
            format!("{:.3}", timings.seconds),
        ];
        cells.extend(
            stages
                .iter()
                .map(|stage| timings.stages.get(*stage).map_or(String::new(), |seconds| format!("{seconds:.3}"))),
        );
        put(writer, &format!("{}\n", cells.join(",")))?;
    }
    Ok(())
}
