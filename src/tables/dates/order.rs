//! Which number of `3/2/2018` is the day: decided over the whole column, with evidence; and Excel's exchange of day and month undone.
//!
//! Excel with a day-first locale that opens month-first text turns `3/2/2018` (March 2) into the real date 3 February and leaves `1/31/2018`,
//! which is no date to it, as text (with a month-first locale the same happens to day-first text). Such a column shows it: every text has a
//! number above 12 in second place, and no real date has a day above 12. Both at once by chance is unlikely: a date has a day up to 12 with
//! probability 12/30.4, so the exchange is undone where (12/30.4)^real * (18.4/30.4)^text is below [`CHANCE`].

use super::super::header::counted;
use super::super::table::Table;
use super::elsewhere::{note_undecided_files, sheet_evidence, still_valid};
use super::parse::{Form, civil_from_days, is_day, year_of};
use super::words::Tongue;
use super::{DateOrder, Item};
use crate::error::{Error, Result};
use crate::notes::Notes;

/// Below this probability of arising by chance the pattern of an exchange is believed.
const CHANCE: f64 = 0.05;
/// Share of dates in the other order above which a column with undecidable dates is refused.
const MAX_MINORITY: f64 = 0.2;

/// The orders of a column by separator, and whether real dates have day and month exchanged.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    slash: DateOrder,
    dash: DateOrder,
    dot: DateOrder,
    /// Dates that contradict the column's order but have only one reading are read that way.
    lenient: bool,
    pub(crate) swapped: bool,
    /// Names of months that mean two are read as in Croatian.
    pub(crate) croatian: bool,
    /// Who says so, as half a sentence.
    pub(crate) reason: String,
}

impl Orders {
    fn of(&self, separator: u8) -> DateOrder {
        match separator {
            b'.' => self.dot,
            b'-' => self.dash,
            _ => self.slash,
        }
    }

    pub(crate) fn resolve(&self, first: u32, second: u32, third: i32, short: bool, separator: u8) -> Option<(i32, u32, u32)> {
        let order = self.of(separator);
        resolve(first, second, third, short, order).or_else(|| {
            if !self.lenient {
                return None;
            }
            [DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst]
                .iter()
                .find_map(|other| resolve(first, second, third, short, *other))
        })
    }

    /// The order of dates with this mark between their numbers, in words.
    pub(crate) fn described(&self, separator: u8) -> &'static str {
        self.of(separator).described()
    }
}

impl DateOrder {
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::DayFirst => "day first",
            Self::MonthFirst => "month first",
            Self::YearFirst => "year first",
        }
    }
}

/// Whether all dates written with three numbers can be read in an order.
pub(super) fn fits(items: &[Item], order: DateOrder) -> bool {
    items.iter().all(|item| match item {
        Item::Text(parsed) => match parsed.form {
            Form::Numbers { first, second, third, .. } => resolve(first, second, third, parsed.short_year, order).is_some(),
            _ => true,
        },
        _ => true,
    })
}

/// Whether a cell is a date whose day and month may be exchanged.
pub(super) fn has_two_readings(item: &Item) -> bool {
    let Item::Text(parsed) = item else { return false };
    let Form::Numbers { first, second, third, .. } = parsed.form else {
        return false;
    };
    let reads = |order| resolve(first, second, third, parsed.short_year, order).is_some();
    first != second && reads(DateOrder::DayFirst) && reads(DateOrder::MonthFirst)
}

/// Three numbers in a given order as year, month, day; `None` where that is no day.
pub(crate) fn resolve(first: u32, second: u32, third: i32, short: bool, order: DateOrder) -> Option<(i32, u32, u32)> {
    let (year, month, day) = match order {
        DateOrder::DayFirst => (year_of(third, short), second, first),
        DateOrder::MonthFirst => (year_of(third, short), first, second),
        DateOrder::YearFirst if short => (year_of(i32::try_from(first).ok()?, true), second, u32::try_from(third).ok()?),
        DateOrder::YearFirst => return None,
    };
    is_day(year, month, day).then_some((year, month, day))
}

/// What the numeric dates of one separator show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    pub(super) day_first: usize,
    pub(super) month_first: usize,
    year_first: usize,
    both: usize,
}

impl Evidence {
    fn add(&mut self, first: u32, second: u32, third: i32, short: bool) {
        let day = resolve(first, second, third, short, DateOrder::DayFirst).is_some();
        let month = resolve(first, second, third, short, DateOrder::MonthFirst).is_some();
        match (day, month) {
            // The same number twice is the same day in both orders.
            (true, true) if first == second => {}
            (true, true) => self.both += 1,
            (true, false) => self.day_first += 1,
            (false, true) => self.month_first += 1,
            (false, false) => self.year_first += usize::from(resolve(first, second, third, short, DateOrder::YearFirst).is_some()),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            day_first: self.day_first + other.day_first,
            month_first: self.month_first + other.month_first,
            year_first: self.year_first + other.year_first,
            both: self.both + other.both,
        }
    }

    fn all(&self) -> usize {
        self.day_first + self.month_first + self.year_first + self.both
    }

    pub(super) fn majority(&self) -> Option<DateOrder> {
        if self.year_first > 0 && self.year_first >= self.day_first.max(self.month_first) {
            return Some(DateOrder::YearFirst);
        }
        match self.day_first.cmp(&self.month_first) {
            std::cmp::Ordering::Greater => Some(DateOrder::DayFirst),
            std::cmp::Ordering::Less => Some(DateOrder::MonthFirst),
            std::cmp::Ordering::Equal => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) slash: Evidence,
    pub(super) dash: Evidence,
    dot: Evidence,
    /// Real dates and year-first texts, and how many of them have a day above 12.
    fixed: usize,
    fixed_late: usize,
}

impl Counts {
    /// The mark that stands between the numbers of most dates.
    fn usual_mark(&self) -> u8 {
        let marks = [(b'/', &self.slash), (b'-', &self.dash), (b'.', &self.dot)];
        let usual = marks.into_iter().max_by_key(|(mark, evidence)| (evidence.all(), *mark == b'/'));
        usual.map_or(b'/', |(mark, _)| mark)
    }
}

pub(super) fn count(items: &[Item]) -> Counts {
    let mut counts = Counts::default();
    let mut fixed = |day: u32| {
        counts.fixed += 1;
        counts.fixed_late += usize::from(day > 12);
    };
    for item in items {
        match item {
            Item::Real(micros) => fixed(civil_from_days(micros.div_euclid(86_400_000_000)).2),
            Item::Serial(seconds) => fixed(civil_from_days(seconds.div_euclid(86_400)).2),
            Item::Text(parsed) => match parsed.form {
                Form::YearFirst { day, .. } => fixed(day),
                Form::Named { .. } => {}
                Form::Numbers {
                    first,
                    second,
                    third,
                    separator,
                } => {
                    let evidence = match separator {
                        b'.' => &mut counts.dot,
                        b'-' => &mut counts.dash,
                        _ => &mut counts.slash,
                    };
                    evidence.add(first, second, third, parsed.short_year);
                }
            },
            _ => {}
        }
    }
    counts
}

/// The order that all numeric dates agree on, if they show one.
pub(crate) fn evident(items: &[Item]) -> Option<DateOrder> {
    if let Some(Leads::Yes(_)) = year_leads(items) {
        return Some(DateOrder::YearFirst);
    }
    let counts = count(items);
    let all = counts.slash.plus(counts.dash).plus(counts.dot);
    match (all.day_first, all.month_first, all.year_first) {
        (0, 0, 0) => None,
        (_, 0, 0) => Some(DateOrder::DayFirst),
        (0, _, 0) => Some(DateOrder::MonthFirst),
        (0, 0, _) => Some(DateOrder::YearFirst),
        _ => None,
    }
}

/// Decides the orders of a column.
///
/// # Errors
/// Where dates of both orders are mixed, more than [`MAX_MINORITY`] of them in the lesser order, and others could be either.
pub(crate) fn decide(table: &Table, name: &str, items: &[Item], asked: Option<DateOrder>, notes: &mut Notes) -> Result<Orders> {
    let counts = count(items);
    let all = counts.slash.plus(counts.dash).plus(counts.dot);
    let stated = table.source().stated.dates;
    let asked = stated.or_else(|| still_valid(table, name, items, asked, notes));
    let mut orders = match asked {
        Some(order) => Orders {
            slash: order,
            dash: order,
            dot: order,
            lenient: false,
            swapped: false,
            croatian: false,
            reason: match stated {
                Some(order) => format!("as `{}` says", order.option()),
                None => "as the profile or the model says".to_owned(),
            },
        },
        None => decide_from_evidence(table, name, items, &counts, notes)?,
    };
    orders.croatian = croatian(name, items, notes);
    if asked.is_none() {
        note_undecided_files(table, name, items, notes);
    }
    let one_order = all.both == 0 && all.year_first == 0 && (all.day_first == 0) != (all.month_first == 0);
    let texts = all.day_first + all.month_first;
    if one_order && counts.fixed > 0 && counts.fixed_late == 0 {
        let chance = (12.0_f64 / 30.4).powf(counts.fixed as f64) * (18.4_f64 / 30.4).powf(texts as f64);
        let text_order = if all.day_first > 0 {
            DateOrder::DayFirst
        } else {
            DateOrder::MonthFirst
        };
        if chance < CHANCE && asked.is_none_or(|order| order == text_order) {
            orders.swapped = true;
            notes.add(
                "swapped-dates",
                format!(
                    "column `{name}` mixes {} that are {} and have a day above 12, and {} none of which has a day above 12: \
                     Excel with another date setting has exchanged day and month in the latter",
                    counted(texts, "text"),
                    text_order.described(),
                    counted(counts.fixed, "real date")
                ),
                "day and month of the real dates were exchanged back",
            );
        } else {
            notes.add(
                "possibly-swapped-dates",
                format!(
                    "column `{name}` mixes {} and {} without a day above 12, too few to tell whether Excel has exchanged day and month",
                    counted(texts, "text date"),
                    counted(counts.fixed, "real date")
                ),
                "the real dates were taken as they are: check one of them",
            );
        }
    } else if counts.fixed > 0 && texts + all.both > 0 {
        let mark = counts.usual_mark();
        notes.add(
            "mixed-dates",
            format!(
                "column `{name}` mixes {} and {} such as `31{mark}1{mark}2018`",
                counted(counts.fixed, "real or ISO date"),
                counted(texts + all.both, "text date"),
                mark = char::from(mark),
            ),
            format!("real and ISO dates were taken as they are, the texts {}", orders.described(mark)),
        );
    }
    Ok(orders)
}

fn decide_from_evidence(table: &Table, name: &str, items: &[Item], counts: &Counts, notes: &mut Notes) -> Result<Orders> {
    // A dot is written by people who put the day first; only evidence to the contrary overrules it.
    let dot = counts.dot.majority().unwrap_or(DateOrder::DayFirst);
    let others = counts.slash.plus(counts.dash);
    let own = |evidence: &Evidence| evidence.majority().or_else(|| others.majority());
    let (slash, dash) = (own(&counts.slash), own(&counts.dash));
    let mut reason = "as the column shows".to_owned();
    let leads = match year_leads(items) {
        Some(Leads::Perhaps) if sheet_evidence(table).1 => Some(Leads::Yes("as in other columns of the sheet")),
        leads => leads,
    };
    match leads {
        Some(Leads::Yes(why)) => {
            notes.add(
                "year-first-dates",
                format!("the dates of column `{name}` begin with a year of two digits: {why}"),
                format!(
                    "`18/01/02` was read as 2 January 2018; `{}` reads it day first",
                    DateOrder::DayFirst.option()
                ),
            );
            return Ok(Orders {
                slash: DateOrder::YearFirst,
                dash: DateOrder::YearFirst,
                dot: DateOrder::YearFirst,
                lenient: true,
                swapped: false,
                croatian: false,
                reason,
            });
        }
        Some(Leads::Perhaps) if others.both == 0 && others.majority().is_some() => notes.add(
            "ambiguous-dates",
            format!("nothing in column `{name}` shows whether the year of two digits is the first number or the last"),
            format!("read as the last; `{}` reads it as the first", DateOrder::YearFirst.option()),
        ),
        _ => {}
    }
    let fallback = if slash.is_none() || dash.is_none() {
        let (order, why) = fallback(table, items);
        if others.both > 0 {
            reason = why.to_owned();
            notes.add(
                "ambiguous-dates",
                format!(
                    "no date of column `{name}` shows whether `3/2/2018` is 3 February or March 2 ({} could be either)",
                    counted(others.both, "date")
                ),
                format!(
                    "read {}, {why}; `{}` reads it the other way",
                    order.described(),
                    other_order(order).option()
                ),
            );
        }
        order
    } else {
        DateOrder::MonthFirst
    };
    for evidence in [&counts.slash, &counts.dash, &counts.dot] {
        refuse_mixture(table, name, evidence, notes)?;
    }
    Ok(Orders {
        slash: slash.unwrap_or(fallback),
        dash: dash.unwrap_or(fallback),
        dot,
        lenient: true,
        swapped: false,
        croatian: false,
        reason,
    })
}

fn other_order(order: DateOrder) -> DateOrder {
    match order {
        DateOrder::DayFirst => DateOrder::MonthFirst,
        DateOrder::MonthFirst | DateOrder::YearFirst => DateOrder::DayFirst,
    }
}

/// Whether names of months that mean two months (`listopad`, `lip`) are Croatian: by the other names of the column; told where none shows it.
fn croatian(name: &str, items: &[Item], notes: &mut Notes) -> bool {
    let (mut croatian, mut other, mut either) = (0, 0, 0);
    for item in items {
        if let Item::Text(parsed) = item {
            match parsed.tongue {
                Tongue::Unknown => {}
                Tongue::Croatian => croatian += 1,
                Tongue::PolishOrCzech => other += 1,
                Tongue::Either(_) => either += 1,
            }
        }
    }
    if either > 0 && croatian == other {
        notes.add(
            "ambiguous-months",
            format!(
                "{} of column `{name}` name a month that is another one in Croatian than in Polish, Czech or Slovenian (`listopad`, `lip`, `srp`)",
                counted(either, "date")
            ),
            "read as Polish, Czech or Slovenian; write months as numbers if that is wrong",
        );
    }
    croatian > other
}

/// Whether two-digit years come first.
pub(super) enum Leads {
    Yes(&'static str),
    /// They could, and nothing shows that they do not.
    Perhaps,
}

/// Whether a column of three short numbers, such as `18/01/01`, begins with the year; `None` where it does not.
pub(super) fn year_leads(items: &[Item]) -> Option<Leads> {
    const FEW_YEARS: u32 = 10;
    const MANY_DAYS: usize = 13;
    let mut dates: Vec<(u32, u32, i32)> = Vec::new();
    for item in items {
        if let Item::Text(parsed) = item
            && let Form::Numbers { first, second, third, .. } = parsed.form
        {
            if !parsed.short_year {
                return None;
            }
            dates.push((first, second, third));
        }
    }
    let fits = |order: DateOrder| {
        let all = |(first, second, third): &(u32, u32, i32)| resolve(*first, *second, *third, true, order).is_some();
        dates.iter().all(all)
    };
    if dates.is_empty() || !fits(DateOrder::YearFirst) {
        return None;
    }
    if !(fits(DateOrder::DayFirst) || fits(DateOrder::MonthFirst)) {
        return Some(Leads::Yes("no other order fits"));
    }
    let spread = |numbers: &mut dyn Iterator<Item = u32>| {
        let distinct: std::collections::BTreeSet<u32> = numbers.collect();
        let range = distinct.last().unwrap_or(&0) - distinct.first().unwrap_or(&0);
        (range, distinct.len())
    };
    let (first_range, first_distinct) = spread(&mut dates.iter().map(|date| date.0));
    let (last_range, last_distinct) = spread(&mut dates.iter().filter_map(|date| u32::try_from(date.2).ok()));
    let few_first = first_range <= FEW_YEARS && last_distinct >= MANY_DAYS;
    let few_last = last_range <= FEW_YEARS && first_distinct >= MANY_DAYS;
    let later = sorted(items, DateOrder::DayFirst) || sorted(items, DateOrder::MonthFirst);
    match (few_first, few_last) {
        (true, false) => Some(Leads::Yes(
            "the first number hardly changes and the last runs through the days of a month",
        )),
        (false, true) => None,
        _ if later => None,
        _ if sorted(items, DateOrder::YearFirst) => Some(Leads::Yes("which leaves the rows in the order of time")),
        _ => Some(Leads::Perhaps),
    }
}

/// Whether the numeric dates rise, or fall, from row to row when read in this order.
fn sorted(items: &[Item], order: DateOrder) -> bool {
    let mut last = None;
    let (mut backward, mut forward) = (0, 0);
    for item in items {
        let Item::Text(parsed) = item else { continue };
        let Form::Numbers { first, second, third, .. } = parsed.form else {
            continue;
        };
        let Some(day) = resolve(first, second, third, parsed.short_year, order) else {
            continue;
        };
        match last {
            Some(before) if day < before => backward += 1,
            Some(before) if day > before => forward += 1,
            _ => {}
        }
        last = Some(day);
    }
    backward.min(forward) == 0 && backward.max(forward) >= 4
}

/// Both orders in one column: dates with one reading are safe, the others follow the majority, if there is a clear one.
fn refuse_mixture(table: &Table, name: &str, evidence: &Evidence, notes: &mut Notes) -> Result<()> {
    let (lesser, greater) = (
        evidence.day_first.min(evidence.month_first),
        evidence.day_first.max(evidence.month_first),
    );
    if lesser == 0 {
        return Ok(());
    }
    if evidence.both > 0 && lesser as f64 > MAX_MINORITY * (lesser + greater) as f64 {
        return Err(Error::input(format!(
            "column `{name}` mixes day-first and month-first dates ({} and {}), so {} cannot be told",
            evidence.day_first,
            evidence.month_first,
            counted(evidence.both, "further date")
        ))
        .in_file(table.source().path.clone())
        .in_column(name)
        .hint(
            "sort out where the rows come from and write the dates as 2018-01-31, or state the order with `--dates dmy` or `--dates mdy`",
        ));
    }
    notes.add(
        "mixed-date-orders",
        format!(
            "column `{name}` has {} day first and {} month first",
            counted(evidence.day_first, "date"),
            counted(evidence.month_first, "date")
        ),
        if evidence.both > 0 {
            "each was read the one way it can be; those that could be either follow the majority"
        } else {
            "each was read the one way it can be"
        },
    );
    Ok(())
}

/// For a column that shows nothing: what the other date columns show, whether one order alone leaves the rows sorted, else month first.
fn fallback(table: &Table, items: &[Item]) -> (DateOrder, &'static str) {
    if let Some(order) = sheet_evidence(table).0.majority() {
        return (order, "as the sheet's other dates are");
    }
    let (day, month) = (sorted(items, DateOrder::DayFirst), sorted(items, DateOrder::MonthFirst));
    match (day, month) {
        (true, false) => (DateOrder::DayFirst, "which leaves the rows in the order of time"),
        (false, true) => (DateOrder::MonthFirst, "which leaves the rows in the order of time"),
        _ => (DateOrder::MonthFirst, "as is the default"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_are_resolved_by_the_order() {
        assert_eq!(resolve(3, 2, 2018, false, DateOrder::DayFirst), Some((2018, 2, 3)));
        assert_eq!(resolve(3, 2, 2018, false, DateOrder::MonthFirst), Some((2018, 3, 2)));
        assert_eq!(resolve(31, 1, 2018, false, DateOrder::MonthFirst), None);
        assert_eq!(resolve(18, 1, 31, true, DateOrder::YearFirst), Some((2018, 1, 31)));
        assert_eq!(resolve(29, 2, 2018, false, DateOrder::DayFirst), None);
    }
}
