//! The report as an Excel workbook: every row, where the page shows the first few. One function and one line in [`SHEETS`] per sheet.
//!
//! Strings are written as strings and marked as such, so that none becomes a formula, not even when somebody edits the cell.

use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};
use unicode_width::UnicodeWidthStr;

use crate::error::{Error, Result};
use crate::evaluate::record::{ChangedRow, Comparison, Interval, RepairRecord, Timings};
use crate::report::Context;
use crate::report::parts::metrics::METRICS;
use crate::report::repair::{headline, verdict_words};

/// A sheet of the workbook.
pub struct Sheet {
    /// Its name; at most 31 characters.
    pub name: &'static str,
    /// Writes header and rows.
    pub fill: fn(&Context<'_>, &mut Grid<'_>) -> Result<()>,
}

/// All sheets, in order.
pub const SHEETS: &[Sheet] = &[
    Sheet {
        name: "Summary",
        fill: summary,
    },
    Sheet {
        name: "Methods",
        fill: methods,
    },
    Sheet {
        name: "Per class",
        fill: per_class,
    },
    Sheet {
        name: "Confusion",
        fill: confusion,
    },
    Sheet {
        name: "Flagged rows",
        fill: flagged_rows,
    },
    Sheet {
        name: "Fixed",
        fill: fixed,
    },
    Sheet {
        name: "Broken",
        fill: broken,
    },
    Sheet {
        name: "Leakage audit",
        fill: leakage,
    },
    Sheet {
        name: "Notes",
        fill: notes,
    },
    Sheet {
        name: "Settings",
        fill: settings,
    },
];

/// Rows that a sheet of Excel holds, without the header.
const MOST_ROWS: u32 = 1_048_575;
/// UTF-16 units that a cell of Excel holds.
const LONGEST_CELL: usize = 32_767;
/// Widest column, in characters.
const WIDEST: usize = 70;

/// The workbook of a repair, as the bytes of an .xlsx file. Equal records give equal bytes.
///
/// # Errors
/// Where the record contradicts itself.
pub fn workbook(record: &RepairRecord, timings: &Timings) -> Result<Vec<u8>> {
    let context = Context::new(record, timings)?;
    let title = format!("Repair report of Recant {}", record.recant_version);
    let sheets: Vec<(&str, Fill<'_>)> = SHEETS
        .iter()
        .map(|sheet| {
            let context = &context;
            let fill: Fill<'_> = Box::new(move |grid| (sheet.fill)(context, grid));
            (sheet.name, fill)
        })
        .collect();
    book(&title, &sheets)
}

/// What writes header and rows of a sheet.
pub type Fill<'f> = Box<dyn Fn(&mut Grid<'_>) -> Result<()> + 'f>;

/// A workbook of named sheets, as the bytes of an .xlsx file. Equal content gives equal bytes.
///
/// # Errors
/// As the sheets; else only by a fault of ours.
pub fn book(title: &str, sheets: &[(&str, Fill<'_>)]) -> Result<Vec<u8>> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_ymd(2000, 1, 1).map_err(fault)?;
    book.set_properties(&DocProperties::new().set_title(title).set_creation_datetime(&made));
    let formats = Formats::new();
    for (name, fill) in sheets {
        let worksheet = book.add_worksheet();
        worksheet.set_name(*name).map_err(fault)?;
        let mut grid = Grid::new(worksheet, &formats);
        fill(&mut grid)?;
        grid.finish()?;
    }
    book.save_to_buffer().map_err(fault)
}

fn fault(error: XlsxError) -> Error {
    Error::internal(format!("the workbook could not be written: {error}"))
}

/// What a cell holds. Unknown is an empty cell.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A count.
    Count(usize),
    /// A fraction, shown as percent.
    Share(f64),
    /// A difference of fractions, shown as signed percent.
    Change(f64),
    /// Any other number.
    Number(f64),
    /// A p-value.
    P(f64),
    /// Unknown.
    Empty,
}

impl Value<'_> {
    fn or_empty(value: Option<Self>) -> Self {
        value.unwrap_or(Value::Empty)
    }
}

struct Formats {
    header: Format,
    text: Format,
    count: Format,
    share: Format,
    change: Format,
    number: Format,
    p: Format,
}

impl Formats {
    fn new() -> Self {
        let cell = || Format::new().set_align(FormatAlign::Top);
        Self {
            header: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Top)
                .set_background_color(Color::RGB(0xE6_E9_EE))
                .set_border_bottom(FormatBorder::Thin)
                .set_quote_prefix(),
            text: cell().set_text_wrap().set_quote_prefix(),
            count: cell().set_num_format("#,##0"),
            share: cell().set_num_format("0.00%"),
            change: cell().set_num_format("+0.00%;-0.00%;0.00%"),
            number: cell().set_num_format("General"),
            p: cell().set_num_format("0.0000"),
        }
    }
}

/// A sheet that is filled from top to bottom and knows how wide its columns must be.
pub struct Grid<'a> {
    sheet: &'a mut Worksheet,
    formats: &'a Formats,
    next: u32,
    left_out: usize,
    widths: Vec<usize>,
}

impl<'a> Grid<'a> {
    fn new(sheet: &'a mut Worksheet, formats: &'a Formats) -> Self {
        Self {
            sheet,
            formats,
            next: 0,
            left_out: 0,
            widths: Vec::new(),
        }
    }

    /// Writes the header row, which stays in sight.
    ///
    /// # Errors
    /// As every write here: only by a fault of ours.
    pub fn header(&mut self, titles: &[&str]) -> Result<()> {
        for (column, title) in titles.iter().enumerate() {
            let title = cut(title);
            self.sheet
                .write_string_with_format(0, column as u16, &*title, &self.formats.header)
                .map_err(fault)?;
            // Room for the filter button.
            self.widths.push((title.width() + 3).clamp(9, 24));
        }
        self.next = 1;
        Ok(())
    }

    /// Writes the next row; rows beyond what Excel holds are counted and told at the end.
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub fn row(&mut self, values: &[Value<'_>]) -> Result<()> {
        if self.next >= MOST_ROWS {
            self.left_out += 1;
            return Ok(());
        }
        for (column, value) in values.iter().enumerate() {
            self.cell(self.next, column as u16, *value)?;
        }
        self.next += 1;
        Ok(())
    }

    fn cell(&mut self, row: u32, column: u16, value: Value<'_>) -> Result<()> {
        let formats = self.formats;
        let (number, format, width) = match value {
            Value::Text(text) => {
                let text = cut(text);
                if !text.is_empty() {
                    self.sheet
                        .write_string_with_format(row, column, &*text, &formats.text)
                        .map_err(fault)?;
                    self.widen(column, text.width() + 1);
                }
                return Ok(());
            }
            Value::Empty => return Ok(()),
            Value::Count(count) => (count as f64, &formats.count, 12),
            Value::Share(share) => (share, &formats.share, 10),
            Value::Change(change) => (change, &formats.change, 10),
            Value::Number(number) => (number, &formats.number, 14),
            Value::P(p) => (p, &formats.p, 9),
        };
        // Excel has no cell for what is not finite: it is unknown.
        if number.is_finite() {
            self.sheet.write_number_with_format(row, column, number, format).map_err(fault)?;
            self.widen(column, width);
        }
        Ok(())
    }

    fn widen(&mut self, column: u16, width: usize) {
        if let Some(known) = self.widths.get_mut(usize::from(column)) {
            *known = (*known).max(width.min(WIDEST));
        }
    }

    fn finish(mut self) -> Result<()> {
        if self.left_out > 0 {
            let more = format!("… and {} more rows than a sheet of Excel holds: see record.json", self.left_out);
            self.cell(self.next, 0, Value::Text(&more))?;
        }
        for (column, width) in self.widths.iter().enumerate() {
            self.sheet.set_column_width(column as u16, *width as f64).map_err(fault)?;
        }
        if let Some(last) = self.widths.len().checked_sub(1) {
            self.sheet
                .autofilter(0, 0, self.next.saturating_sub(1).max(1), last as u16)
                .map_err(fault)?;
        }
        self.sheet.set_freeze_panes(1, 0).map_err(fault)?;
        self.sheet.set_repeat_rows(0, 0).map_err(fault)?;
        self.sheet.set_landscape().set_print_fit_to_pages(1, 0);
        Ok(())
    }
}

/// Text as long as a cell may be, without the two code points that XML cannot hold.
fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= LONGEST_CELL && !text.contains(['\u{FFFE}', '\u{FFFF}']) {
        return text.into();
    }
    let mut units = 0;
    let mut shown = String::new();
    for letter in text.chars() {
        units += letter.len_utf16();
        if units >= LONGEST_CELL {
            shown.push('…');
            break;
        }
        shown.push(if matches!(letter, '\u{FFFE}' | '\u{FFFF}') {
            '\u{FFFD}'
        } else {
            letter
        });
    }
    shown.into()
}

fn summary(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    let record = context.record;
    grid.header(&["what", "before", "after", "change", "from", "to"])?;
    let mut line = |what: &str, words: &str| grid.row(&[Value::Text(what), Value::Text(words)]);
    line("Result", headline(context))?;
    match &context.chosen.test {
        Some(test) => line("In a sentence", &test.sentence)?,
        None => line(
            "In a sentence",
            "Nothing shows whether the repaired model is better: there were no test rows.",
        )?,
    }
    line("Recommendation", &record.recommendation.reason)?;
    line("Method", &context.chosen.title)?;
    line("Model", &record.model.name)?;
    line("Training sheet", &record.model.data_file)?;
    line("Flag file", &record.flags.file)?;
    grid.row(&[Value::Text("Training rows"), Value::Count(record.model.training_rows)])?;
    grid.row(&[Value::Text("Flagged training rows"), Value::Count(record.flags.used)])?;
    grid.row(&[
        Value::Text("Share of training rows flagged"),
        Value::Share(record.flags.share_of_training),
    ])?;
    if let Some(test) = &context.chosen.test {
        summary_of(grid, "Test rows", test)?;
    }
    if let Some(test) = &context.chosen.test_without_flagged {
        summary_of(grid, "Test rows without flagged ones", test)?;
    }
    if let Some(agreement) = context.chosen.flagged_agreement {
        grid.row(&[
            Value::Text("Flagged labels that the model repeats"),
            Value::Share(agreement.before),
            Value::Share(agreement.after),
            Value::Change(agreement.after - agreement.before),
        ])?;
    }
    if let Some(affected) = &record.affected {
        grid.row(&[Value::Text("Where the error struck: test rows"), Value::Count(affected.rows)])?;
        for (name, after) in &affected.after {
            let what = format!("Where the error struck: accuracy, {name}");
            let change = Value::Change(after - affected.before);
            grid.row(&[Value::Text(&what), Value::Share(affected.before), Value::Share(*after), change])?;
        }
    }
    Ok(())
}

fn summary_of(grid: &mut Grid<'_>, which: &str, test: &Comparison) -> Result<()> {
    grid.row(&[Value::Text(which), Value::Count(test.rows)])?;
    for (place, metric) in METRICS.iter().enumerate() {
        let what = format!("{which}: {}", metric.name);
        let (before, after) = ((metric.of)(&test.before), (metric.of)(&test.after));
        // Percent or plain, as the metric itself prints.
        let percent = (metric.show)(0.5).ends_with('%');
        let value = |value| if percent { Value::Share(value) } else { Value::Number(value) };
        let change = if percent {
            Value::Change(after - before)
        } else {
            Value::Number(after - before)
        };
        let interval = (place == 0).then(|| test.difference_by_group.unwrap_or(test.difference));
        let limit = |of: fn(Interval) -> f64| Value::or_empty(interval.map(|interval| Value::Change(of(interval))));
        grid.row(&[
            Value::Text(&what),
            value(before),
            value(after),
            change,
            limit(|interval| interval.low),
            limit(|interval| interval.high),
        ])?;
    }
    for (what, rows) in [("fixed", test.mcnemar.fixed), ("broken", test.mcnemar.broken)] {
        grid.row(&[Value::Text(&format!("{which}: {what}")), Value::Count(rows)])?;
    }
    grid.row(&[Value::Text(&format!("{which}: McNemar p")), Value::P(test.mcnemar.p)])?;
    if let Some(p) = test.group_p {
        grid.row(&[Value::Text(&format!("{which}: p by group")), Value::P(p)])?;
    }
    grid.row(&[Value::Text(&format!("{which}: p used, Holm-corrected")), Value::P(test.p_holm)])
}

fn methods(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "method",
        "title",
        "written",
        "verdict",
        "rows",
        "accuracy before",
        "accuracy after",
        "change",
        "from",
        "to",
        "fixed",
        "broken",
        "McNemar p",
        "p by group",
        "p, Holm-corrected",
        "verdict without flagged rows",
        "change without flagged rows",
        "validation rows",
        "validation change",
        "flagged labels repeated before",
        "flagged labels repeated after",
        "parameters dampened",
        "alpha",
        "lambda",
        "seconds",
    ])?;
    for method in &context.record.methods {
        let test = method.test.as_ref();
        let of = |value: &dyn Fn(&Comparison) -> Value<'static>| test.map_or(Value::Empty, value);
        let interval = |test: &Comparison| test.difference_by_group.unwrap_or(test.difference);
        let without = method.test_without_flagged.as_ref();
        let validation = method.validation.as_ref();
        let agreement = method.flagged_agreement;
        let dampening = method.dampening.as_ref();
        grid.row(&[
            Value::Text(&method.name),
            Value::Text(&method.title),
            Value::Text(if method.name == context.record.chosen { "yes" } else { "no" }),
            Value::Text(verdict_words(test.map(|test| test.verdict)).0),
            of(&|test| Value::Count(test.rows)),
            of(&|test| Value::Share(test.before.accuracy.estimate)),
            of(&|test| Value::Share(test.after.accuracy.estimate)),
            of(&|test| Value::Change(test.difference.estimate)),
            of(&|test| Value::Change(interval(test).low)),
            of(&|test| Value::Change(interval(test).high)),
            of(&|test| Value::Count(test.mcnemar.fixed)),
            of(&|test| Value::Count(test.mcnemar.broken)),
            of(&|test| Value::P(test.mcnemar.p)),
            of(&|test| test.group_p.map_or(Value::Empty, Value::P)),
            of(&|test| Value::P(test.p_holm)),
            Value::or_empty(without.map(|test| Value::Text(verdict_words(Some(test.verdict)).0))),
            Value::or_empty(without.map(|test| Value::Change(test.difference.estimate))),
            Value::or_empty(validation.map(|validation| Value::Count(validation.rows))),
            Value::or_empty(validation.map(|validation| Value::Change(validation.difference.estimate))),
            Value::or_empty(agreement.map(|agreement| Value::Share(agreement.before))),
            Value::or_empty(agreement.map(|agreement| Value::Share(agreement.after))),
            Value::or_empty(dampening.map(|dampening| Value::Count(dampening.dampened))),
            Value::or_empty(dampening.map(|dampening| Value::Number(dampening.alpha))),
            Value::or_empty(dampening.map(|dampening| Value::Number(dampening.lambda))),
            Value::or_empty(context.timings.methods.get(&method.name).map(|seconds| Value::Number(*seconds))),
        ])?;
    }
    Ok(())
}

fn per_class(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "method",
        "class",
        "test rows",
        "recall before",
        "recall after",
        "precision before",
        "precision after",
        "F1 before",
        "F1 after",
        "flagged training rows",
        "share of training rows",
    ])?;
    let record = context.record;
    let share = |value: Option<f64>| value.map_or(Value::Empty, Value::Share);
    for method in &record.methods {
        let Some(test) = &method.test else { continue };
        for (place, (before, after)) in test.before.classes.iter().zip(&test.after.classes).enumerate() {
            grid.row(&[
                Value::Text(&method.name),
                Value::Text(&before.name),
                Value::Count(before.rows),
                share(before.recall),
                share(after.recall),
                share(before.precision),
                share(after.precision),
                share(before.f1),
                share(after.f1),
                Value::or_empty(record.flags.per_class.get(place).map(|flagged| Value::Count(*flagged))),
                share(record.model.class_shares.get(place).copied()),
            ])?;
        }
    }
    Ok(())
}

fn confusion(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "model",
        "label in the sheet",
        "prediction",
        "test rows",
        "share of the label's rows",
    ])?;
    let old = context
        .record
        .methods
        .iter()
        .find_map(|method| method.test.as_ref())
        .map(|test| ("before", &test.before));
    let new = context
        .record
        .methods
        .iter()
        .filter_map(|method| Some((method.name.as_str(), &method.test.as_ref()?.after)));
    for (name, metrics) in old.into_iter().chain(new) {
        let class = |place: usize| Value::Text(metrics.classes.get(place).map_or("", |class| &class.name));
        for (observed, counts) in metrics.confusion.iter().enumerate() {
            let total = counts.iter().sum::<usize>();
            for (predicted, count) in counts.iter().enumerate() {
                let share = if total > 0 {
                    Value::Share(*count as f64 / total as f64)
                } else {
                    Value::Empty
                };
                grid.row(&[Value::Text(name), class(observed), class(predicted), Value::Count(*count), share])?;
            }
        }
    }
    Ok(())
}

fn flagged_rows(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "key",
        "row in the sheet",
        "label in the sheet",
        "correct label",
        "prediction before",
        "probability before",
        "prediction after",
        "probability after",
    ])?;
    for row in &context.record.flagged_rows {
        grid.row(&[
            Value::Text(&row.key),
            row.row.map_or(Value::Empty, Value::Count),
            Value::Text(&row.observed),
            row.correction.as_deref().map_or(Value::Empty, Value::Text),
            Value::Text(&row.before),
            Value::Share(row.before_probability),
            Value::Text(&row.after),
            Value::Share(row.after_probability),
        ])?;
    }
    Ok(())
}

fn fixed(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    changed(grid, context.record.changed_rows.iter().filter(|row| row.fixed))
}

fn broken(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    changed(grid, context.record.changed_rows.iter().filter(|row| !row.fixed))
}

fn changed<'r>(grid: &mut Grid<'_>, rows: impl Iterator<Item = &'r ChangedRow>) -> Result<()> {
    grid.header(&[
        "key",
        "row in the sheet",
        "label in the sheet",
        "prediction before",
        "prediction after",
        "flagged itself",
    ])?;
    for row in rows {
        grid.row(&[
            Value::Text(&row.key),
            row.row.map_or(Value::Empty, Value::Count),
            Value::Text(&row.observed),
            Value::Text(&row.before),
            Value::Text(&row.after),
            Value::Text(if row.flagged { "yes" } else { "no" }),
        ])?;
    }
    Ok(())
}

fn leakage(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "column",
        "kind",
        "used by the model",
        "accuracy alone",
        "majority share",
        "evidence",
    ])?;
    let Some(findings) = &context.record.leakage else {
        return grid.row(&[Value::Text("No leakage audit was made.")]);
    };
    for finding in findings {
        grid.row(&[
            Value::Text(&finding.column),
            Value::Text(&finding.kind),
            Value::Text(if finding.dropped { "no" } else { "yes" }),
            Value::or_empty(finding.accuracy.map(|accuracy| Value::Share(accuracy.after))),
            Value::or_empty(finding.accuracy.map(|accuracy| Value::Share(accuracy.before))),
            Value::Text(&finding.evidence),
        ])?;
    }
    Ok(())
}

fn notes(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&["note", "what was found", "what was done"])?;
    for note in context.record.notes.iter() {
        grid.row(&[Value::Text(&note.code), Value::Text(&note.found), Value::Text(&note.done)])?;
    }
    for ignored in &context.record.flags.ignored {
        let found = format!("flags: {} (for instance {})", ignored.reason, ignored.examples.join(", "));
        let done = format!("{} set aside", ignored.count);
        grid.row(&[Value::Text("ignored-flags"), Value::Text(&found), Value::Text(&done)])?;
    }
    Ok(())
}

fn settings(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&["setting", "value"])?;
    let record = context.record;
    let model = &record.model;
    let mut line = |what: &str, value: Value<'_>| grid.row(&[Value::Text(what), value]);
    line("command", Value::Text(&record.command))?;
    line("Recant version", Value::Text(&record.recant_version))?;
    line("record layout", Value::Count(record.record_version as usize))?;
    line("model", Value::Text(&model.name))?;
    line("network", Value::Text(&model.network))?;
    line("parameters", Value::Count(model.parameters))?;
    line("input columns", Value::Count(model.inputs))?;
    line("profile", Value::Text(&model.profile))?;
    line("training sheet", Value::Text(&model.data_file))?;
    line("SHA-256 of the training sheet", Value::Text(&model.data_sha256))?;
    line("training rows", Value::Count(model.training_rows))?;
    for (what, period) in [("training period", &model.training_period), ("test period", &model.test_period)] {
        if let Some((from, to)) = period {
            line(&format!("{what}, from"), Value::Text(from))?;
            line(&format!("{what}, to"), Value::Text(to))?;
        }
    }
    // A seed may have more digits than a number of Excel keeps.
    line("training seed", Value::Text(&model.seed.to_string()))?;
    line("evaluation seed", Value::Text(&record.settings.seed.to_string()))?;
    line("bootstrap resamples", Value::Count(record.settings.resamples))?;
    line("significance level", Value::Number(record.settings.significance))?;
    line("minimum effect", Value::Share(record.settings.minimum_effect))?;
    line(
        "group column",
        Value::or_empty(record.settings.group_column.as_deref().map(Value::Text)),
    )?;
    line("flag file", Value::Text(&record.flags.file))?;
    line("flags addressed by", Value::Text(&record.flags.addressed_by))?;
    if let Some(dampening) = &context.chosen.dampening {
        line("importance", Value::Text(&dampening.importance))?;
        line("reference set", Value::Text(&dampening.reference))?;
        line("percentile", dampening.percentile.map_or(Value::Empty, Value::Number))?;
        line("alpha", Value::Number(dampening.alpha))?;
        line("lambda", Value::Number(dampening.lambda))?;
    }
    for (stage, seconds) in &context.timings.stages {
        line(&format!("seconds: {stage}"), Value::Number(*seconds))?;
    }
    Ok(())
}
