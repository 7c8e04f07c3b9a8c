//! The report of a batch as an Excel workbook.

use crate::error::Result;
use crate::experiments::random_errors::record::Split;
use crate::experiments::random_errors::summary::BatchReport;
use crate::report::scenarios::mark;
use crate::report::workbook::grid::{Grid, Sheet, Value, book};

/// A sheet of a batch's workbook.
type BatchSheet = Sheet<fn(&BatchReport, &mut Grid<'_>) -> Result<()>>;

/// All sheets, in order.
const SHEETS: &[BatchSheet] = &[
    Sheet {
        name: "Cells",
        fill: cells,
    },
    Sheet {
        name: "Beside the paper",
        fill: paper,
    },
    Sheet {
        name: "Scenarios",
        fill: scenarios,
    },
    Sheet {
        name: "Alpha and lambda",
        fill: sweeps,
    },
    Sheet {
        name: "Learning rates",
        fill: rates,
    },
    Sheet {
        name: "Settings",
        fill: settings,
    },
];

/// The workbook, as the bytes of an .xlsx file. Equal reports give equal bytes.
///
/// # Errors
/// Only by a fault of ours.
pub fn workbook(report: &BatchReport) -> Result<Vec<u8>> {
    let title = format!("Scenario report of Recant {}", report.recant_version);
    book(&title, SHEETS, |fill, grid| fill(report, grid))
}

fn maybe<'a>(value: Option<f64>, wrap: fn(f64) -> Value<'a>) -> Value<'a> {
    value.map_or(Value::Empty, wrap)
}

fn cells(report: &BatchReport, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "size",
        "errors",
        "method",
        "rows",
        "scenarios",
        "baseline",
        "sd",
        "repaired",
        "sd",
        "difference",
        "from",
        "to",
        "sd",
        "paired t p",
        "corrected",
        "Wilcoxon p",
        "corrected",
        "sign-flip p",
        "dz",
        "rank-biserial",
        "improved",
        "worsened",
        "equivalence p",
        "unpaired Student p",
        "unpaired Welch p",
        "test-set standard error",
        "verdict",
        "sentence",
    ])?;
    for cell in &report.cells {
        for method in &cell.methods {
            for (split, found) in [(Split::Test, &method.test), (Split::Train, &method.train)] {
                grid.row(&[
                    Value::Text(&cell.size),
                    Value::Text(&cell.error),
                    Value::Text(&method.method),
                    Value::Text(split.name()),
                    Value::Count(found.scenarios),
                    Value::Share(found.baseline.mean),
                    maybe(found.baseline.standard_deviation, Value::Share),
                    Value::Share(found.repaired.mean),
                    maybe(found.repaired.standard_deviation, Value::Share),
                    Value::Change(found.difference.mean),
                    maybe(found.interval.map(|interval| interval.low), Value::Change),
                    maybe(found.interval.map(|interval| interval.high), Value::Change),
                    maybe(found.difference.standard_deviation, Value::Share),
                    maybe(found.paired_t.map(|test| test.p), Value::P),
                    maybe(found.paired_t.and_then(|test| test.p_holm), Value::P),
                    maybe(found.wilcoxon.map(|test| test.p), Value::P),
                    maybe(found.wilcoxon.and_then(|test| test.p_holm), Value::P),
                    Value::P(found.sign_flip_p),
                    maybe(found.dz, Value::Number),
                    maybe(found.rank_biserial, Value::Number),
                    Value::Share(found.share_improved),
                    Value::Share(found.share_worsened),
                    maybe(found.equivalence_p, Value::P),
                    maybe(found.unpaired_student.map(|test| test.p), Value::P),
                    maybe(found.unpaired_welch.map(|test| test.p), Value::P),
                    maybe(found.test_set_standard_error, Value::Share),
                    Value::Text(mark(found.verdict)),
                    Value::Text(&found.sentence),
                ])?;
            }
        }
    }
    Ok(())
}

fn paper(report: &BatchReport, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "size",
        "errors",
        "rows",
        "method",
        "baseline, ours",
        "baseline, published",
        "method, ours",
        "method, published",
        "gain, ours",
        "gain, published",
        "published p (unpaired)",
        "our unpaired p",
        "our paired p, corrected",
    ])?;
    for cell in &report.cells {
        for method in &cell.methods {
            for (split, found, published) in [
                (Split::Test, &method.test, &method.published_test),
                (Split::Train, &method.train, &method.published_train),
            ] {
                let Some(published) = published else { continue };
                grid.row(&[
                    Value::Text(&cell.size),
                    Value::Text(&cell.error),
                    Value::Text(split.name()),
                    Value::Text(&method.method),
                    Value::Share(found.baseline.mean),
                    Value::Share(published.baseline.0),
                    Value::Share(found.repaired.mean),
                    Value::Share(published.method.0),
                    Value::Change(found.difference.mean),
                    Value::Change(published.method.0 - published.baseline.0),
                    published.p.as_deref().map_or(Value::Empty, Value::Text),
                    maybe(found.unpaired_student.map(|test| test.p), Value::P),
                    Value::P(found.p_holm),
                ])?;
            }
        }
    }
    Ok(())
}

fn scenarios(report: &BatchReport, grid: &mut Grid<'_>) -> Result<()> {
    let mut titles = vec!["size", "errors", "place", "baseline"];
    titles.extend(report.settings.methods.iter().map(String::as_str));
    grid.header(&titles)?;
    for cell in &report.cells {
        for (place, before) in cell.baseline_test.iter().enumerate() {
            let mut values = vec![
                Value::Text(&cell.size),
                Value::Text(&cell.error),
                Value::Count(place + 1),
                Value::Share(*before),
            ];
            values.extend(
                cell.methods
                    .iter()
                    .map(|method| method.after_test.get(place).map_or(Value::Empty, |after| Value::Share(*after))),
            );
            grid.row(&values)?;
        }
    }
    Ok(())
}

fn sweeps(report: &BatchReport, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "size",
        "errors",
        "varied",
        "value",
        "test accuracy",
        "change",
        "parameters dampened",
        "flagged rows predicted as observed",
        "alpha that ASSD picks",
        "scenarios",
    ])?;
    for sweep in &report.sweeps {
        for point in &sweep.points {
            grid.row(&[
                Value::Text(&sweep.size),
                Value::Text(&sweep.error),
                Value::Text(sweep.sweep.name()),
                Value::Number(point.value),
                Value::Share(point.test),
                Value::Change(point.test - sweep.baseline),
                Value::Share(point.dampened),
                Value::Share(point.flagged_agreement),
                Value::Number(sweep.assd_alpha),
                Value::Count(sweep.scenarios),
            ])?;
        }
    }
    Ok(())
}

fn rates(report: &BatchReport, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&["size", "errors", "method", "learning rate", "baseline", "change", "sd", "scenarios"])?;
    for point in &report.learning_rates {
        grid.row(&[
            Value::Text(&point.size),
            Value::Text(&point.error),
            Value::Text(&point.method),
            Value::Number(point.learning_rate),
            Value::Share(point.baseline),
            Value::Change(point.gain),
            maybe(point.standard_deviation, Value::Share),
            Value::Count(point.scenarios),
        ])?;
    }
    Ok(())
}

fn settings(report: &BatchReport, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&["what", "value"])?;
    let settings = &report.settings;
    let sizes: Vec<String> = settings.sizes.iter().map(|size| format!("{} x {}", size.size, size.runs)).collect();
    let mut lines = vec![
        ("Sheet", settings.data_file.clone()),
        ("SHA-256", settings.data_sha256.clone()),
        ("Profile", settings.profile_name.clone()),
        ("Sizes and scenarios", sizes.join(", ")),
        ("Error rates", settings.errors.join(", ")),
        ("Kind of error", settings.error_kind.clone()),
        ("Importance", settings.importance.clone()),
        ("Reference set", settings.reference.clone()),
        ("Epochs", settings.epochs.to_string()),
        ("Batch", settings.batch.to_string()),
        ("Seed", settings.seed.to_string()),
        ("Recant", settings.recant_version.clone()),
    ];
    for tuned in &report.tuned {
        lines.push((
            "Learning rate and weight decay",
            format!("{}: {} and {}", tuned.size, tuned.learning_rate, tuned.weight_decay),
        ));
    }
    lines.extend(report.published_source.iter().map(|source| ("Published figures", source.clone())));
    for note in report.notes.iter() {
        lines.push(("Warning", format!("{} {}", note.found, note.done)));
    }
    for (what, value) in &lines {
        grid.row(&[Value::Text(what), Value::Text(value)])?;
    }
    Ok(())
}
