//! A profile as TOML text with comments, for a person to edit.

use crate::error::Result;
use crate::features::label::LabelKind;
use crate::features::profile::{ClassWeights, CountIn, DatePart, MissingNumber, Others, Profile, Scaling, Ties, TimeSort, TooMany};
use crate::tables::{DateOrder, DecimalMark, Writing};

/// Writes every entry with what it means; [`Profile::from_toml`] reads the same profile back.
///
/// # Errors
/// Never for a profile that passes its checks.
pub fn commented(profile: &Profile, remarks: &[(&'static str, String)]) -> Result<String> {
    let mut out = Writer { text: String::new() };
    out.comment("A Recant profile: what the columns of a sheet mean. Lines that begin with # are comments.");
    out.comment("Save it beside the sheet as SHEET.recant.toml (it is then found by itself), or anywhere and name it with --profile.");
    out.entry("name", &quoted(&profile.name), "");
    out.entry("description", &quoted(&profile.description), "");
    out.optional(
        "key",
        profile.key.as_deref(),
        "the column that names a row, for flag files; without it row numbers are used",
    );
    out.optional(
        "group",
        profile.group.as_deref(),
        "rows with the same value belong together, such as the items of an order",
    );
    if let ([condition], []) = (profile.filter.conditions.as_slice(), profile.filter.lists.as_slice()) {
        out.entry("filter", &quoted(condition), FILTER);
    }
    reading(&mut out, profile);
    label(&mut out, profile, remarks);
    time(&mut out, profile);
    derived(&mut out, profile);
    filters(&mut out, profile);
    drops(&mut out, profile);
    features(&mut out, profile);
    split_and_training(&mut out, profile);
    // What cannot be read back must not leave this room.
    Profile::from_toml(&out.text)?;
    Ok(out.text)
}

struct Writer {
    text: String,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, comment: &str) {
        self.line(&format!("# {}", one_line(comment)));
    }

    fn section(&mut self, header: &str) {
        self.line("");
        self.line(header);
    }

    fn entry(&mut self, name: &str, value: &str, remark: &str) {
        let remark = if remark.is_empty() { String::new() } else { format!(" # {remark}") };
        self.line(&format!("{name} = {value}{remark}"));
    }

    /// An entry, or a commented-out one to fill in.
    fn optional(&mut self, name: &str, value: Option<&str>, remark: &str) {
        match value {
            Some(value) => self.entry(name, &quoted(value), remark),
            None => self.line(&format!("# {name} = \"COLUMN\" # {remark}")),
        }
    }

    /// A list, one value a line where there are more than three.
    fn list(&mut self, name: &str, values: &[String]) {
        let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        if quoted.len() <= 3 {
            self.line(&format!("{name} = [{}]", quoted.join(", ")));
        } else {
            self.line(&format!("{name} = ["));
            for value in quoted {
                self.line(&format!("    {value},"));
            }
            self.line("]");
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn number(value: f64) -> String {
    toml::Value::Float(value).to_string()
}

/// How numbers and dates are written, where it was stated.
fn reading(out: &mut Writer, profile: &Profile) {
    if profile.reading == Writing::default() {
        return;
    }
    out.section("[reading]");
    if let Some(mark) = profile.reading.decimal {
        let mark = match mark {
            DecimalMark::Point => "point",
            DecimalMark::Comma => "comma",
        };
        out.entry("decimal", &quoted(mark), "the mark between whole and fraction");
    }
    if let Some(order) = profile.reading.dates {
        out.entry("dates", &quoted(date_order(order)), "how text dates are written");
    }
}

fn label(out: &mut Writer, profile: &Profile, remarks: &[(&'static str, String)]) {
    out.section("[label]");
    for (_, remark) in remarks.iter().filter(|(entry, _)| *entry == "label") {
        out.comment(remark);
    }
    let rule = &profile.label;
    let pair = |out: &mut Writer, kind: &str, actual: &str, planned: &str| {
        out.entry("kind", &quoted(kind), "");
        out.entry(
            "actual",
            &quoted(actual),
            "what happened; the column that was typed wrong where a label is wrong",
        );
        out.entry("planned", &quoted(planned), "what was planned");
    };
    let ends: Vec<String> = match rule.kind() {
        LabelKind::Column { column, values, missing } => {
            out.entry("kind", "\"column\"", "the class stands in a column");
            out.optional("column", column.as_deref(), "");
            if !missing.is_empty() {
                let listed: Vec<String> = missing.iter().map(|value| quoted(value)).collect();
                out.entry(
                    "missing",
                    &format!("[{}]", listed.join(", ")),
                    "values that say that the class is not known",
                );
            }
            values
                .iter()
                .map(|values| {
                    format!(
                        "values = [{}]",
                        values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ")
                    )
                })
                .collect()
        }
        LabelKind::Difference {
            actual,
            planned,
            bounds,
            step,
            lowest,
        } => {
            pair(out, "difference", actual, planned);
            out.entry("step", &number(*step), "smallest step of the actual column");
            out.entry("lowest", &number(*lowest), "smallest value it can have");
            bounds.iter().map(end).collect()
        }
        LabelKind::Dates {
            actual,
            planned,
            bounds,
            order,
        } => {
            pair(out, "dates", actual, planned);
            if let Some(order) = order {
                out.entry("order", &quoted(date_order(*order)), "");
            }
            bounds.iter().map(end).collect()
        }
    };
    if ends.is_empty() {
        out.comment("Without `classes` every value of the column is a class.");
        return;
    }
    out.comment("The classes in order; the name is what reports show.");
    out.line("classes = [");
    for (class, end) in rule.classes().iter().zip(ends) {
        let end = if end.is_empty() { end } else { format!(", {end}") };
        out.line(&format!("    {{ name = {}{end} }},", quoted(class)));
    }
    out.line("]");
}

fn end(bound: &crate::features::label::Bound) -> String {
    use crate::features::label::Bound;
    match bound {
        Bound::Below(end) => format!("below = {}", number(*end)),
        Bound::UpTo(end) => format!("up_to = {}", number(*end)),
        Bound::Rest => String::new(),
    }
}

fn date_order(order: DateOrder) -> &'static str {
    match order {
        DateOrder::DayFirst => "day-first",
        DateOrder::MonthFirst => "month-first",
        DateOrder::YearFirst => "year-first",
    }
}

fn time(out: &mut Writer, profile: &Profile) {
    match &profile.time {
        Some(time) => {
            out.section("[time]");
            out.entry("column", &quoted(&time.column), "the earlier rows train, the last ones test");
            match time.order {
                Some(order) => out.entry("order", &quoted(date_order(order)), "how text dates are written"),
                None => out.line("# order = \"day-first\" # or \"month-first\", \"year-first\": where the sheet does not show it"),
            }
            if time.sort == TimeSort::PublishedIndex {
                out.entry("sort", "\"published-index\"", "");
            }
        }
        None => {
            out.section("# [time] # without a time column test rows are drawn at random");
            out.line("# column = \"COLUMN\"");
        }
    }
}

/// What a condition is.
const FILTER: &str = "rows that are used, at prediction too where it can be asked";

/// Derived columns.
fn derived(out: &mut Writer, profile: &Profile) {
    if profile.derive.is_empty() {
        out.section("# [derive] # columns computed from others");
        out.line("# \"Price per piece\" = \"Price / Quantity\"");
        return;
    }
    out.section("[derive]");
    for (name, formula) in &profile.derive {
        out.entry(&quoted(name), &quoted(formula), "");
    }
}

fn filters(out: &mut Writer, profile: &Profile) {
    if profile.filter.is_empty() {
        out.section("# [[filter]] # rows used for training and evaluation; not asked for at prediction");
        out.line("# column = \"COLUMN\"");
        out.line("# values = [\"COMPLETE\"]");
    }
    if profile.filter.conditions.len() + profile.filter.lists.len() > 1 {
        for condition in &profile.filter.conditions {
            out.section("[[filter]]");
            out.entry("where", &quoted(condition), FILTER);
        }
    }
    for filter in &profile.filter.lists {
        out.section("[[filter]]");
        out.entry("column", &quoted(&filter.column), "");
        if !filter.values.is_empty() {
            out.list("values", &filter.values);
        }
        if !filter.except.is_empty() {
            out.list("except", &filter.except);
        }
    }
}

fn drops(out: &mut Writer, profile: &Profile) {
    for entry in &profile.drop {
        out.section("[[drop]]");
        out.entry("why", &quoted(&entry.why), "");
        out.list("columns", &entry.columns);
    }
}

fn features(out: &mut Writer, profile: &Profile) {
    let rules = &profile.features;
    out.section("[features]");
    out.comment("Columns used as numbers.");
    out.list("numeric", &rules.numeric);
    out.comment("Columns used as categories, one input per value.");
    out.list("categorical", &rules.categorical);
    if rules.dates.is_empty() {
        out.comment("Date columns: dates = [{ column = \"COLUMN\", parts = [\"weekday\", \"month\", \"hour\"] }]");
    } else {
        out.comment("Date columns. Parts: weekday, month, quarter, day-of-month, day-of-year, hour, year, trend.");
        out.line("dates = [");
        for date in &rules.dates {
            let parts: Vec<String> = date.parts.iter().map(|part| format!("\"{}\"", part_name(*part))).collect();
            let order = date
                .order
                .map(|order| format!(", order = \"{}\"", date_order(order)))
                .unwrap_or_default();
            out.line(&format!(
                "    {{ column = {}, parts = [{}]{order} }},",
                quoted(&date.column),
                parts.join(", ")
            ));
        }
        out.line("]");
    }
    let others = match rules.others {
        Others::Auto => "\"auto\"",
        Others::Categorical => "\"categorical\"",
        Others::Drop => "\"drop\"",
    };
    out.entry(
        "others",
        others,
        "columns named nowhere: \"drop\", \"auto\" (by their looks) or \"categorical\"",
    );
    out.entry("max_categories", &rules.max_categories.to_string(), "");
    let (frequent, drop) = ("\"frequent\"", "\"drop\"");
    out.entry(
        "too_many",
        if rules.too_many == TooMany::Frequent { frequent } else { drop },
        "a column with more values: keep the most frequent ones, or drop it",
    );
    if rules.count_in == CountIn::FilteredRows {
        out.entry("count_in", "\"filtered-rows\"", "");
    }
    out.entry(
        "rare",
        &rules.rare.to_string(),
        "a value with fewer training rows counts as \"other\"",
    );
    out.entry(
        "missing_category",
        &rules.missing_category.to_string(),
        "a blank is a category of its own",
    );
    let missing = match rules.missing_number {
        MissingNumber::Median => "\"median\"",
        MissingNumber::Mean => "\"mean\"",
        MissingNumber::Zero => "\"zero\"",
    };
    out.entry(
        "missing_number",
        missing,
        "what stands in for a blank number: \"median\", \"mean\" or \"zero\"",
    );
    out.entry(
        "missing_indicator",
        &rules.missing_indicator.to_string(),
        "a numeric column with blanks gets an input \"was blank\"",
    );
    out.entry(
        "scaling",
        match rules.scaling {
            Scaling::MinMax => "\"min-max\"",
            Scaling::Standard => "\"standard\"",
            Scaling::Robust => "\"robust\"",
        },
        "\"robust\": by median and quartiles, so that a mistyped value moves no other; \"min-max\", \"standard\"",
    );
    out.entry(
        "clip",
        &rules.clip.to_string(),
        "numbers beyond the training range are set to its edge",
    );
    out.entry("min_variance", &number(rules.min_variance), "inputs that vary less are left out");
    if rules.others == Others::Auto {
        out.entry(
            "drop_leaks",
            &rules.drop_leaks.to_string(),
            "columns that give the label away are left out",
        );
    }
}

fn part_name(part: DatePart) -> &'static str {
    match part {
        DatePart::Weekday => "weekday",
        DatePart::Month => "month",
        DatePart::Quarter => "quarter",
        DatePart::DayOfMonth => "day-of-month",
        DatePart::DayOfYear => "day-of-year",
        DatePart::Hour => "hour",
        DatePart::Year => "year",
        DatePart::Trend => "trend",
        DatePart::PublishedIndex => "published-index",
    }
}

fn split_and_training(out: &mut Writer, profile: &Profile) {
    let (split, training) = (&profile.split, &profile.training);
    out.section("[split]");
    out.entry("test", &number(split.test), "share of rows that judge the model");
    out.entry(
        "validation",
        &number(split.validation),
        "share of the rest that judges which repair to recommend; 0 for none",
    );
    out.entry(
        "ties",
        if split.ties == Ties::Together {
            "\"together\""
        } else {
            "\"file-order\""
        },
        "rows of equal time, and rows of a group, stay \"together\"",
    );
    out.entry(
        "seed",
        &split.seed.to_string(),
        "of the random division, where there is no time column",
    );
    out.section("[training]");
    out.entry(
        "network",
        &quoted(&training.network),
        "hidden layers: 2x50, 3x100 or none; \"4 of 2x50\": mean of four; \"2x50 or none\": what predicts later rows best",
    );
    out.entry(
        "recipe",
        &quoted(training.recipe.name()),
        "\"standard\": shuffled batches, ends by validation rows; \"paper\": arXiv 2402.10098",
    );
    out.entry(
        "epochs",
        &training.epochs.to_string(),
        "with the standard recipe it ends at the best, and goes on where a small sheet still learns",
    );
    out.entry("batch", &training.batch.to_string(), "");
    out.entry("learning_rate", &number(training.learning_rate), "");
    out.entry(
        "decay",
        &number(training.decay),
        "factor on the learning rate after every epoch (recipe \"paper\")",
    );
    out.entry("weight_decay", &number(training.weight_decay), "");
    let weights = if training.class_weights == ClassWeights::None {
        "\"none\""
    } else {
        "\"balanced\""
    };
    out.entry("class_weights", weights, "\"balanced\": every class counts the same in sum");
}
