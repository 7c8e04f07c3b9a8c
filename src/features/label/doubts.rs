//! What makes a label of two columns doubtful: time zones, times of day, calendar values that were written as numbers, differences far from all others.

use super::rows_have;
use crate::notes::Notes;
use crate::tables::Table;

/// Says where both columns name time zones, and other ones: days are then counted by two clocks.
pub(super) fn note_zones(table: &Table, [actual, planned]: [&str; 2], own: &[Notes; 2], notes: &mut Notes) {
    let zones = |name: &str, notes: &Notes| {
        if let Some(zone) = table.source().zones.get(name) {
            return Some(zone.clone());
        }
        let told = notes.iter().find(|note| note.code == "time-zones")?.found.clone();
        let (_, zones) = told.rsplit_once('(')?;
        Some(zones.trim_end_matches(')').to_owned())
    };
    if let (Some(happened), Some(expected)) = (zones(actual, &own[0]), zones(planned, &own[1]))
        && happened != expected
    {
        notes.add(
            "zones-differ",
            format!("`{actual}` is written in another time zone ({happened}) than `{planned}` ({expected})"),
            "each day was taken by the clock it is written in; where a few hours decide the day, bring both into one zone",
        );
    }
}

/// Says where times of day are planned that whole days leave out of account: not midnight, and not a day's last minute.
pub(super) fn note_times((actual, happened): (&str, &[Option<i64>]), (planned, expected): (&str, &[Option<i64>]), notes: &mut Notes) {
    const DAY: i64 = 86_400;
    let timed = |seconds: i64| (1..DAY - 60).contains(&seconds.rem_euclid(DAY));
    let planned_times = expected.iter().flatten().filter(|seconds| timed(**seconds)).count();
    if planned_times * 2 <= expected.iter().flatten().count() {
        return;
    }
    let later = |pair: &(&Option<i64>, &Option<i64>)| match pair {
        (Some(actual), Some(planned)) => actual > planned && actual.div_euclid(DAY) == planned.div_euclid(DAY),
        _ => false,
    };
    let rows = happened.iter().zip(expected).filter(later).count();
    if rows > 0 {
        notes.add(
            "same-day",
            format!(
                "{} `{actual}` later than `{planned}` by the clock, on the same day",
                rows_have(rows)
            ),
            "taken as no difference: the label counts whole calendar days; a column with the class (`--label COLUMN`) decides otherwise",
        );
    }
}

/// Says that two columns of plain numbers look like weeks, months or days of a calendar, whose difference is wrong across a new year or month.
pub(super) fn note_calendar((actual, happened): (&str, &[Option<f64>]), (planned, expected): (&str, &[Option<f64>]), notes: &mut Notes) {
    const DIFFERENT: usize = 5;
    /// Numbers of days that lead times do not have: 54 years.
    const TOO_MANY_DAYS: f64 = 20_000.0;
    let numbers = || happened.iter().chain(expected).flatten().copied();
    let all = |test: &dyn Fn(f64) -> bool| numbers().all(test);
    let different = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(f64::to_bits).collect::<std::collections::BTreeSet<_>>().len();
    if different(&mut numbers()) < DIFFERENT {
        return;
    }
    let words = |name: &str| crate::features::words_of(name);
    let called = |wanted: &[&str]| {
        [actual, planned]
            .iter()
            .all(|name| words(name).iter().any(|word| wanted.contains(&word.as_str())))
    };
    let whole = |most: f64| all(&|number| number.fract() == 0.0 && (0.0..=most).contains(&number));
    // From one year to the next the numbers begin again: nearly a whole year lies between two that belong together.
    let turns = |year: f64| {
        let pairs = happened.iter().zip(expected);
        let differences = pairs.filter_map(|(actual, planned)| Some((*actual)? - (*planned)?));
        differences.filter(|difference| difference.abs() >= 0.8 * year).take(2).count() == 2
    };
    let is_day_and_month = |number: f64| {
        let (whole, rest) = (number.trunc(), (number.fract() * 100.0).round());
        (1.0..=31.0).contains(&whole) && (1.0..=12.0).contains(&rest)
    };
    let is_run_together = |number: f64| {
        let number = number as u32;
        let (first, second) = (number / 10_000, number / 100 % 100);
        let day = |number: u32| (1..=31).contains(&number);
        (10_100..1_000_000).contains(&number) && (day(first) && day(second) || (1..=12).contains(&second) && day(number % 100))
    };
    let looks_like = if called(&[
        "week",
        "weeks",
        "kw",
        "wk",
        "woche",
        "kalenderwoche",
        "semaine",
        "semana",
        "settimana",
    ]) && whole(53.0)
        && turns(53.0)
    {
        "weeks of a calendar"
    } else if called(&["month", "monat", "mois", "mes", "mese"]) && whole(12.0) && turns(12.0) {
        "months"
    } else if whole(366.0) && turns(366.0) {
        "days of a year"
    } else if all(&|number| number >= TOO_MANY_DAYS && is_run_together(number)) {
        "dates without marks between their numbers"
    } else if all(&is_day_and_month) && different(&mut numbers().map(f64::fract)) >= 2 && numbers().any(|number| number > 12.0) {
        "days and months"
    } else {
        return;
    };
    notes.add(
        "calendar-as-numbers",
        format!("the numbers of `{actual}` and `{planned}` look like {looks_like}"),
        "they were subtracted as numbers of days, which is wrong where a year or month ends between them; write them as dates (2018-01-31, 2018-W05) if they are",
    );
}

/// Names rows whose difference lies far from that of all others: one mistyped year or number makes a row late.
pub(super) fn note_far([actual, planned]: [&str; 2], differences: &[Option<f64>], table: &Table, notes: &mut Notes) {
    /// Interquartile ranges from the middle, each taken for at least the length below ...
    const FAR: f64 = 20.0;
    const SHORTEST: f64 = 1.0;
    /// ... in at most this share of the rows, or in two.
    const MOST: f64 = 0.01;
    const FEW: usize = 2;
    const ROWS: usize = 30;
    let mut sorted: Vec<f64> = differences
        .iter()
        .flatten()
        .copied()
        .filter(|difference| difference.is_finite())
        .collect();
    if sorted.len() < ROWS {
        return;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let reach = FAR * (at(0.75) - at(0.25)).max(SHORTEST);
    let far: Vec<(usize, f64)> = differences
        .iter()
        .enumerate()
        .filter_map(|(row, difference)| Some((row, (*difference)?)))
        .filter(|(_, difference)| (difference - at(0.5)).abs() > reach)
        .collect();
    let Some((row, difference)) = far.first() else { return };
    if far.len() > FEW.max((MOST * sorted.len() as f64) as usize) {
        return;
    }
    notes.add(
        "far-from-planned",
        format!(
            "{} `{actual}` further from `{planned}` than all others by far, the first in row {}: {difference}",
            rows_have(far.len()),
            table.row_number(*row)
        ),
        "kept as they are; a mistyped year or number makes a row late or early: check the cells",
    );
}
