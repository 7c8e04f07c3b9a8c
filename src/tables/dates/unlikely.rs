//! Dates that are none: in years that no order is from, days that stand for "not known", and mistyped years.

use super::civil_from_days;
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::header::counted;
use crate::tables::limits::{TOLERATED_CELLS, TOLERATED_SHARE};
use crate::tables::table::Table;

/// 1900 to 2200: dates outside are placeholders (9999-12-31) or of another calendar.
pub(super) const LIKELY: std::ops::Range<i64> = -2_208_988_800..7_289_654_400;

/// Tells of dates in years that no order is from, and takes them as missing; where they are the most, the column is refused.
pub(super) fn note_unlikely(
    table: &Table,
    name: &str,
    unlikely: &[usize],
    seconds: &mut [Option<i64>],
    dates: usize,
    notes: &mut Notes,
) -> Result<()> {
    let Some(first) = unlikely.first() else {
        return Ok(());
    };
    let year_of = |row: &usize| civil_from_days(seconds[*row].unwrap_or_default().div_euclid(86_400)).0;
    let (low, high) = (unlikely.iter().map(year_of).min(), unlikely.iter().map(year_of).max());
    let (low, high) = (low.unwrap_or_default(), high.unwrap_or_default());
    let calendar = if low >= 2400 && high <= 2700 {
        Some("the Buddhist calendar counts 543 years more: take 543 off the years")
    } else if low >= 1300 && high <= 1500 {
        Some("the Islamic and the Persian calendar count fewer: convert the dates to the common calendar")
    } else {
        None
    };
    let years = if low == high {
        format!("{low}")
    } else {
        format!("{low} to {high}")
    };
    if unlikely.len() * 2 > dates {
        let error = Error::input(format!(
            "{} have years from {years}, which is no time of orders",
            counted(unlikely.len(), "date")
        ));
        let hint = calendar.unwrap_or("check how the column was exported, or leave it out");
        notes.add(
            "unlikely-years",
            format!("{} of column `{name}` have years from {years}", counted(unlikely.len(), "date")),
            format!("not taken for dates of the common calendar; {hint}"),
        );
        return Err(table.at(error, *first, name).hint(hint));
    }
    notes.add(
        "unlikely-years",
        format!(
            "{} of column `{name}` have years from {years}, the first in row {}",
            counted(unlikely.len(), "date"),
            table.row_number(*first)
        ),
        "taken as missing: such dates stand in for none, or are mistyped",
    );
    for row in unlikely {
        if let Some(slot) = seconds.get_mut(*row) {
            *slot = None;
        }
    }
    Ok(())
}

/// Ten years, in days: no gap between orders of one sheet.
const FAR: i64 = 3650;
/// With fewer other dates nothing is said of one that lies apart.
const OTHERS: usize = 10;

/// Takes days that programs write where there is no date, 1970-01-01 and the like, as missing where all other dates are years away.
pub(super) fn note_placeholders(name: &str, seconds: &mut [Option<i64>], notes: &mut Notes) {
    let all = || seconds.iter().flatten().map(|moment| moment.div_euclid(86_400));
    let (Some(first), Some(last)) = (all().min(), all().max()) else {
        return;
    };
    // 1900-01-01, 1970-01-01, 2099-12-31, 2199-12-31.
    let mut days = vec![-25_567, 0, 47_481, 84_005];
    // Whatever day a program writes: the first or the last of all, again and again.
    let again = |day: &i64| !days.contains(day) && all().filter(|own| own == day).take(2).count() == 2;
    let ends: Vec<i64> = [first, last].into_iter().filter(|_| last - first >= FAR).filter(again).collect();
    days.extend(ends);
    for day in days {
        let days = || seconds.iter().flatten().map(|moment| moment.div_euclid(86_400));
        let here = days().filter(|own| *own == day).count();
        let others = days().filter(|own| *own != day).count();
        let near = days().any(|own| own != day && (own - day).abs() < FAR);
        if here == 0 || near || others < OTHERS {
            continue;
        }
        let (year, month, of_month) = civil_from_days(day);
        notes.add(
            "placeholder-dates",
            format!(
                "{} of column `{name}` say {year}-{month:02}-{of_month:02}, ten years and more from all others",
                counted(here, "cell")
            ),
            "taken as missing: such a date stands in for none",
        );
        for slot in seconds
            .iter_mut()
            .filter(|slot| slot.is_some_and(|moment| moment.div_euclid(86_400) == day))
        {
            *slot = None;
        }
    }
}

/// Takes a few dates that lie ten years and more from all others, such as 2081 for 2018, as missing.
pub(super) fn note_far(table: &Table, name: &str, seconds: &mut [Option<i64>], notes: &mut Notes) {
    let days = || seconds.iter().flatten().map(|moment| moment.div_euclid(86_400));
    // Within ten years no date lies that far from others, and nothing needs sorting.
    if days().max().zip(days().min()).is_none_or(|(last, first)| last - first < FAR) {
        return;
    }
    let mut days: Vec<i64> = days().collect();
    days.sort_unstable();
    let most = ((TOLERATED_SHARE * days.len() as f64) as usize).max(TOLERATED_CELLS);
    // The dates between two gaps of ten years that are nearly all there are.
    let Some(together) = days.chunk_by(|one, next| next - one < FAR).max_by_key(|together| together.len()) else {
        return;
    };
    if together.len() < OTHERS || together.len() == days.len() || days.len() - together.len() > most {
        return;
    }
    let (first, last) = (together[0], together[together.len() - 1]);
    let is_far = |moment: i64| !(first..=last).contains(&moment.div_euclid(86_400));
    let far: Vec<usize> = (0..seconds.len()).filter(|row| seconds[*row].is_some_and(is_far)).collect();
    let Some((row, moment)) = far.first().and_then(|row| Some((*row, seconds[*row]?))) else {
        return;
    };
    let (year, month, day) = civil_from_days(moment.div_euclid(86_400));
    let lie = if far.len() == 1 { "lies" } else { "lie" };
    notes.add(
        "far-dates",
        format!(
            "{} of column `{name}` {lie} ten years and more from all others, the first in row {}: {year}-{month:02}-{day:02}",
            counted(far.len(), "date"),
            table.row_number(row)
        ),
        "taken as missing: the year is probably mistyped",
    );
    for row in far {
        seconds[row] = None;
    }
}
