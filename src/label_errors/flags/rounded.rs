//! Ids of more than 15 digits that went through a spreadsheet or a float: other rows may bear what is left of them.

use std::collections::BTreeSet;

/// With this chance or less, ids that a float holds exactly are no chance.
const CHANCE: f64 = 1e-2;
/// Digits that Excel keeps.
const KEPT: usize = 15;

/// Whether ids written out in full have lost digits: all are such numbers as a float holds, or as Excel writes with zeros behind 15 digits, and this many
/// of them would hardly be by chance.
pub(super) fn have_lost_digits<'a>(ids: impl Iterator<Item = &'a str>) -> bool {
    let ids: BTreeSet<&str> = ids.map(str::trim).filter(|id| !id.is_empty()).collect();
    let long = |id: &&str| (KEPT + 1..=38).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    if ids.is_empty() || !ids.iter().all(long) {
        return false;
    }
    let (mut by_float, mut by_excel) = (1.0_f64, 1.0_f64);
    for id in &ids {
        let Ok(number) = id.parse::<u128>() else { return false };
        // The gap between neighbouring floats: 2 from 2^53, 4 from 2^54, and so on.
        let gap = 1_u128 << (128 - number.leading_zeros()).saturating_sub(53);
        by_float *= if number.is_multiple_of(gap) {
            1.0 / gap as f64
        } else {
            f64::INFINITY
        };
        let zeros = 10_u128.pow((id.len() - KEPT) as u32);
        by_excel *= if number.is_multiple_of(zeros) {
            1.0 / zeros as f64
        } else {
            f64::INFINITY
        };
    }
    by_float <= CHANCE || by_excel <= CHANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_a_float_or_excel_has_rounded_are_told_from_whole_ones() {
        let lost = |ids: &[&str]| have_lost_digits(ids.iter().copied());
        assert!(lost(&["900719925474099328", "900719925474099456"]));
        assert!(lost(&["123456789012345000"]));
        assert!(lost(&["1234567890123450", "1234567890123460", "1234567890123470"]));
        let even: Vec<String> = (0..7_u64).map(|step| (9_007_199_254_740_996 + 6 * step).to_string()).collect();
        assert!(have_lost_digits(even.iter().map(String::as_str)));
        assert!(!have_lost_digits(even.iter().take(6).map(String::as_str)));
        assert!(!lost(&["900719925474099328", "900719925474099329"]));
        assert!(!lost(&["1234567890123450"]) && !lost(&["9007199254740993", "9007199254740995"]));
        assert!(!lost(&["123456789012345"]) && !lost(&[]) && !lost(&["12a"]));
    }
}
