//! Encoders: how one source becomes input columns. Fitted on training rows only; everything they know is stored with the model.

use serde::{Deserialize, Serialize};

use super::label::sort_values;
use super::load::{Source, Values};
use super::profile::{FeatureRules, MissingNumber, Scaling, TooMany};
use crate::tables::Texts;

/// How one source becomes input columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// Where the values come from.
    pub source: Source,
    /// Blank cells among the training rows.
    pub blanks: usize,
    /// How they become numbers.
    pub coding: Coding,
}

/// How values become numbers. Outputs are indices of input columns; absent ones were left out for lack of variance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Coding {
    /// (value - offset) * scale.
    Number(NumberCoding),
    /// One input column per value.
    Category(CategoryCoding),
}

/// (value - offset) * scale, by the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberCoding {
    /// Input column of the number.
    pub output: Option<usize>,
    /// Input column that is 1 where the cell was blank, or held words that are not among the exceptions.
    pub indicator: Option<usize>,
    /// Words that stood in place of a number in many training rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<NamedException>,
    /// Stands in for a blank.
    pub fill: f64,
    /// Subtracted.
    pub offset: f64,
    /// Multiplied by, after the subtraction.
    pub scale: f64,
    /// Smallest training value.
    pub low: f64,
    /// Largest training value.
    pub high: f64,
    /// Whether values outside `low..=high` are set to the nearer of the two.
    pub clip: bool,
    /// Whether the scaled value z is drawn towards 0 the farther it lies: z / sqrt(1 + (z/3)^2), within -3 to 3.
    #[serde(default, skip_serializing_if = "is_default")]
    pub smooth: bool,
}

/// Input of a weekday, month or quarter with robust scaling: less than other categories, because what a calendar of a year or two seems to
/// teach is mostly chance.
const CALENDAR_WEIGHT: f32 = 0.3;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// z / sqrt(1 + (z/3)^2).
fn smoothly_clipped(scaled: f64) -> f64 {
    scaled / (1.0 + (scaled / 3.0).powi(2)).sqrt()
}

/// Words in place of a number, such as `Weight Captured Separately`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedException {
    /// The words.
    pub words: String,
    /// Input column that is 1 where they stood.
    pub output: Option<usize>,
}

impl NumberCoding {
    /// The input for a cell. A blank's stand-in is never clipped; whatever comes in, what goes out is a number a network can take.
    pub fn input(&self, value: Option<f64>) -> f32 {
        const LIMIT: f64 = 1e6;
        let value = match value {
            None => self.fill,
            Some(value) if self.clip => value.clamp(self.low, self.high),
            Some(value) => value,
        };
        let scaled = ((value - self.offset) * self.scale).clamp(-LIMIT, LIMIT);
        (if self.smooth { smoothly_clipped(scaled) } else { scaled }) as f32
    }
}

/// One input column per value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryCoding {
    /// Every value among the training rows, sorted.
    pub values: Vec<String>,
    /// The input column that is 1 for each of them, for rare values the shared one; absent: none.
    pub outputs: Vec<Option<usize>>,
    /// Input column shared by rare and unseen values.
    pub other: Option<usize>,
    /// Input column for blanks.
    pub missing: Option<usize>,
    /// What stands in the input column of a row's value; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
}

/// What an encoder looks like before variance selection has numbered its input columns.
pub struct Fitted {
    encoder: Encoder,
    /// Candidate input columns: name and population variance over the training rows, in order.
    candidates: Vec<(String, f64)>,
}

/// Fits one source on the training rows; `Err` says in words why the source is left out.
pub fn fit(
    source: &Source,
    values: &Values,
    train: &[usize],
    distinct_in_filter: Option<usize>,
    rules: &FeatureRules,
) -> Result<Fitted, String> {
    match values {
        Values::Absent => Err("the sheet has no such column".to_owned()),
        Values::Numbers(numbers, exceptions) => fit_number(source, numbers, exceptions.as_ref(), train, rules),
        Values::Categories(texts) => fit_category(source, texts, train, distinct_in_filter, rules),
    }
}

impl Fitted {
    /// Why the source is left out where [`Fitted::select`] keeps no candidate.
    pub fn why_nothing_is_left(&self, rules: &FeatureRules) -> String {
        match &self.encoder.coding {
            Coding::Category(coding) if coding.values.len() > 1 && coding.outputs.iter().all(|output| *output == coding.other) => format!(
                "each of its {} values has fewer than {} training rows (`rare` = {})",
                coding.values.len(),
                rules.rare,
                rules.rare
            ),
            _ if rules.min_variance > 0.0 => format!("varies too little (`min_variance` = {})", rules.min_variance),
            _ => "it has the same value in all training rows".to_owned(),
        }
    }

    /// Gives the candidates with enough variance their numbers, from `names.len()` on. `None` where no candidate is left.
    pub fn select(self, min_variance: f64, names: &mut Vec<String>) -> Option<Encoder> {
        let mut encoder = self.encoder;
        let before = names.len();
        let mut numbered = Vec::with_capacity(self.candidates.len());
        for (name, variance) in self.candidates {
            numbered.push((variance > min_variance).then(|| {
                names.push(name);
                names.len() - 1
            }));
        }
        let number = |candidate: &mut Option<usize>| *candidate = candidate.and_then(|index| numbered[index]);
        match &mut encoder.coding {
            Coding::Number(coding) => {
                number(&mut coding.output);
                number(&mut coding.indicator);
                coding.exceptions.iter_mut().for_each(|exception| number(&mut exception.output));
            }
            Coding::Category(coding) => {
                coding.outputs.iter_mut().for_each(number);
                number(&mut coding.other);
                number(&mut coding.missing);
            }
        }
        (names.len() > before).then_some(encoder)
    }
}

fn fit_number(
    source: &Source,
    numbers: &[Option<f64>],
    exceptions: Option<&Texts>,
    train: &[usize],
    rules: &FeatureRules,
) -> Result<Fitted, String> {
    let mut present: Vec<f64> = train.iter().filter_map(|row| numbers[*row]).collect();
    if present.is_empty() {
        return Err("it is empty in all training rows".to_owned());
    }
    let count = present.len() as f64;
    let mean = present.iter().sum::<f64>() / count;
    let variance = present.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    present.sort_unstable_by(f64::total_cmp);
    let (low, high) = (present[0], present[present.len() - 1]);
    let middle = present.len() / 2;
    let median = if present.len() % 2 == 1 {
        present[middle]
    } else {
        0.5 * (present[middle - 1] + present[middle])
    };
    let (offset, divisor) = match rules.scaling {
        Scaling::MinMax => (low, high - low),
        Scaling::Standard => (mean, variance.sqrt()),
        Scaling::Robust => (median, robust_width(&present)),
    };
    let scale = if divisor > 0.0 && (1.0 / divisor).is_finite() {
        1.0 / divisor
    } else {
        1.0
    };
    // A constant column may come out with a variance of rounding errors.
    let smooth = rules.scaling == Scaling::Robust;
    let scaled_variance = if high <= low {
        0.0
    } else if smooth {
        smooth_variance(&present, offset, scale)
    } else {
        variance * scale * scale
    };
    let blanks = train.len() - present.len();
    let mut candidates = vec![(source.name(), scaled_variance)];
    let frequent = match exceptions {
        Some(texts) if rules.missing_indicator => frequent_exceptions(texts, train, rules),
        _ => Vec::new(),
    };
    let unnamed = blanks - frequent.iter().map(|(_, count)| count).sum::<usize>();
    let mut candidate = |name: String, count: usize| {
        let share = count as f64 / train.len() as f64;
        candidates.push((name, share * (1.0 - share)));
        Some(candidates.len() - 1)
    };
    let indicator = if rules.missing_indicator && unnamed > 0 {
        candidate(format!("{} is blank", source.name()), unnamed)
    } else {
        None
    };
    let exceptions = frequent
        .into_iter()
        .map(|(words, count)| NamedException {
            output: candidate(format!("{} = {words}", source.name()), count),
            words,
        })
        .collect();
    let fill = match rules.missing_number {
        MissingNumber::Median => median,
        MissingNumber::Mean => mean,
        MissingNumber::Zero => 0.0,
    };
    let coding = NumberCoding {
        output: Some(0),
        indicator,
        exceptions,
        fill,
        offset,
        scale,
        low,
        high,
        clip: rules.clip,
        smooth,
    };
    Ok(Fitted {
        encoder: Encoder {
            source: source.clone(),
            blanks,
            coding: Coding::Number(coding),
        },
        candidates,
    })
}

/// The words that stand in place of a number in at least `rare` training rows, sorted, and in how many; the most frequent `max_categories` of them.
fn frequent_exceptions(texts: &Texts, train: &[usize], rules: &FeatureRules) -> Vec<(String, usize)> {
    let mut counts = vec![0_usize; texts.values.len()];
    for row in train {
        if let Some(count) = counts.get_mut(texts.codes[*row] as usize) {
            *count += 1;
        }
    }
    let mut frequent: Vec<(String, usize)> = texts
        .values
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count >= rules.rare.max(1))
        .map(|(words, count)| (words.clone(), count))
        .collect();
    frequent.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    frequent.truncate(rules.max_categories);
    frequent.sort();
    frequent
}

/// Interquartile range of sorted values; where that is 0, half their range.
fn robust_width(sorted: &[f64]) -> f64 {
    let quantile = |share: f64| {
        let place = share * (sorted.len() - 1) as f64;
        let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        below + (place - place.floor()) * (above - below)
    };
    let width = quantile(0.75) - quantile(0.25);
    if width > 0.0 {
        width
    } else {
        0.5 * (sorted[sorted.len() - 1] - sorted[0])
    }
}

fn smooth_variance(values: &[f64], offset: f64, scale: f64) -> f64 {
    let clipped = values.iter().map(|value| smoothly_clipped((value - offset) * scale));
    let count = values.len() as f64;
    let mean = clipped.clone().sum::<f64>() / count;
    clipped.map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

fn fit_category(
    source: &Source,
    texts: &Texts,
    train: &[usize],
    distinct_in_filter: Option<usize>,
    rules: &FeatureRules,
) -> Result<Fitted, String> {
    let mut counts = vec![0_usize; texts.values.len()];
    let mut blanks = 0;
    for row in train {
        match texts.codes[*row] {
            Texts::MISSING => blanks += 1,
            code => counts[code as usize] += 1,
        }
    }
    let mut values: Vec<String> = (0..counts.len())
        .filter(|code| counts[*code] > 0)
        .map(|code| texts.values[code].clone())
        .collect();
    if values.is_empty() {
        return Err("it is empty in all training rows".to_owned());
    }
    let distinct = distinct_in_filter.unwrap_or(values.len());
    if distinct > rules.max_categories && rules.too_many == TooMany::Drop {
        return Err(format!(
            "it has {distinct} different values, more than `max_categories` = {}",
            rules.max_categories
        ));
    }
    if let Some(names) = source.part.and_then(super::profile::DatePart::categories) {
        // Weekdays and months in their order, then words in place of a date.
        sort_values(&mut values);
        let place = |value: &String| names.iter().position(|name| name == value).unwrap_or(names.len());
        values.sort_by_key(place);
    } else {
        sort_values(&mut values);
    }
    let count_of = counts_by_value(&values, texts, &counts);
    let own = own_columns(&count_of, rules);
    let share = |count: usize| count as f64 / train.len() as f64;
    let mut candidates = Vec::new();
    let mut candidate = |name: String, count: usize| {
        candidates.push((name, share(count) * (1.0 - share(count))));
        Some(candidates.len() - 1)
    };
    let pairs = values.iter().zip(&count_of).zip(&own);
    let mut outputs: Vec<Option<usize>> = pairs
        .map(|((value, count), own)| {
            if *own {
                candidate(format!("{} = {value}", source.name()), *count)
            } else {
                None
            }
        })
        .collect();
    let rest: usize = count_of.iter().zip(&own).filter(|(_, own)| !**own).map(|(count, _)| count).sum();
    let other = if rest > 0 {
        candidate(format!("{} = (other)", source.name()), rest)
    } else {
        None
    };
    let missing = if rules.missing_category && blanks > 0 {
        candidate(format!("{} = (blank)", source.name()), blanks)
    } else {
        None
    };
    for (output, own) in outputs.iter_mut().zip(&own) {
        if !own {
            *output = other;
        }
    }
    Ok(Fitted {
        encoder: Encoder {
            source: source.clone(),
            blanks,
            coding: Coding::Category(CategoryCoding {
                values,
                outputs,
                other,
                missing,
                weight: (rules.scaling == Scaling::Robust && source.part.is_some()).then_some(CALENDAR_WEIGHT),
            }),
        },
        candidates,
    })
}

fn counts_by_value(values: &[String], texts: &Texts, counts: &[usize]) -> Vec<usize> {
    let mut by_text: Vec<(&str, usize)> = texts.values.iter().map(String::as_str).zip(counts.iter().copied()).collect();
    by_text.sort_unstable();
    let count_of = |value: &String| {
        by_text
            .binary_search_by(|(text, _)| (*text).cmp(value))
            .map_or(0, |index| by_text[index].1)
    };
    values.iter().map(count_of).collect()
}

/// Which values get an input column of their own: neither rare nor beyond the most frequent `max_categories`.
fn own_columns(counts: &[usize], rules: &FeatureRules) -> Vec<bool> {
    let mut own: Vec<bool> = counts.iter().map(|count| *count >= rules.rare).collect();
    let mut kept: Vec<usize> = (0..counts.len()).filter(|index| own[*index]).collect();
    if rules.too_many == TooMany::Frequent && kept.len() > rules.max_categories {
        // Stable: among equally frequent values the first in sorted order stays.
        kept.sort_by_key(|index| std::cmp::Reverse(counts[*index]));
        for index in &kept[rules.max_categories..] {
            own[*index] = false;
        }
    }
    own
}
