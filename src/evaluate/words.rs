//! Figures as people read them: percent, points, thousands, p-values.

/// 11898 -> `11,898`.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub fn count_of(number: usize, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", count(number))
}

/// A network's size after the word "network": `2x50`, `of 4 members of 2x50`, `without hidden layers`.
pub fn network_size(name: &str) -> String {
    match name.split_once(" of ") {
        Some((members, size)) => format!("of {members} members of {size}"),
        None if name == "none" => "without hidden layers".to_owned(),
        None => name.to_owned(),
    }
}

/// 0.831 -> `83.1 %`.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{} %", plain(share * 100.0, decimals))
}

/// 0.019 -> `+1.9`, always with its sign; what rounds to nothing is `0.0` without one.
pub fn signed_points(difference: f64, decimals: usize) -> String {
    let text = plain(difference * 100.0, decimals);
    if text.starts_with('-') || text.chars().all(|digit| matches!(digit, '0' | '.')) {
        text
    } else {
        format!("+{text}")
    }
}

/// 0.001 -> `0.1`, as few decimals as say it.
pub fn points(difference: f64) -> String {
    let text = plain(difference * 100.0, 4);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

/// `p < 0.001`, `p = 0.012`, `p = 0.27`; enough decimals that the printed figure lies on the same side of `level` as the real one.
pub fn p_value(p: f64, level: f64) -> String {
    if p < 0.001 && level >= 0.001 {
        return "p < 0.001".to_owned();
    }
    let start = if p < 0.1 { 3 } else { 2 };
    let printed = (start..=12).map(|decimals| format!("{p:.decimals$}")).find(|text| {
        let shown: f64 = text.parse().unwrap_or(p);
        (shown < level) == (p < level)
    });
    match printed {
        Some(text) => format!("p = {text}"),
        None => format!("p = {p:e}"),
    }
}

/// Decimals of a percentage that show a difference (as a fraction) and on which side of `least` its size lies: 1 from one point upward, else 2 or more.
pub fn decimals_for(difference: f64, least: f64) -> usize {
    let size = difference.abs();
    let start = match size {
        size if size >= 0.01 => 1,
        size if size >= 0.000_1 || size == 0.0 => 2,
        _ => 3,
    };
    let tells = |decimals: &usize| {
        let scale = 10_f64.powi(*decimals as i32);
        let shown = (size * 100.0 * scale).round() / scale;
        (shown >= least * 100.0 - 1e-12) == (size >= least)
    };
    (start..=6).find(tells).unwrap_or(6)
}

/// Decimals that show two shares and their difference: as [`decimals_for`], and a second one if the printed shares would otherwise not
/// differ by the printed difference (81.14 to 83.15 is +2.0, but 81.1 to 83.2 is not). More would be noise to a reader.
pub fn decimals_for_shares(before: f64, after: f64, difference: f64, least: f64) -> usize {
    let fewest = decimals_for(difference, least);
    let agree = |decimals: &usize| {
        let whole = |share: f64| (share * 100.0 * 10_f64.powi(*decimals as i32)).round();
        whole(after) - whole(before) == whole(difference)
    };
    (fewest..=fewest.max(2)).find(agree).unwrap_or(fewest)
}

/// Fixed decimals; a rounded zero has no minus sign.
fn plain(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|digit| matches!(digit, '0' | '.')) => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count_of(1, "row"), "1 row");
        assert_eq!(count_of(2_000, "row"), "2,000 rows");
        assert_eq!(percent(0.831, 1), "83.1 %");
        assert_eq!(percent(1.0, 1), "100.0 %");
        assert_eq!(signed_points(0.019, 1), "+1.9");
        assert_eq!(signed_points(-0.019, 1), "-1.9");
        assert_eq!(signed_points(-0.000_1, 1), "0.0");
        assert_eq!(points(0.001), "0.1");
        assert_eq!(points(0.01), "1");
        assert_eq!(points(0.0), "0");
        assert_eq!(points(0.1), "10");
    }

    #[test]
    fn decimals_show_on_which_side_of_the_minimum_effect_a_difference_lies() {
        assert_eq!(decimals_for(0.019, 0.001), 1);
        assert_eq!(decimals_for(0.005, 0.001), 2);
        assert_eq!(decimals_for(0.0, 0.001), 2);
        // 0.0996 points would read 0.10, and 0.100 with three decimals.
        assert_eq!(signed_points(0.000_996, decimals_for(0.000_996, 0.001)), "+0.0996");
        assert_eq!(decimals_for(0.000_02, 0.001), 3);
        assert_eq!(decimals_for(0.049_96, 0.05), 3);
    }

    #[test]
    fn printed_shares_differ_by_the_printed_difference() {
        assert_eq!(decimals_for_shares(0.831, 0.85, 0.019, 0.001), 1);
        assert_eq!(decimals_for_shares(0.811_4, 0.831_5, 0.020_1, 0.001), 2);
        let (before, after) = (0.812_345_6, 0.834_567_8);
        let decimals = decimals_for_shares(before, after, after - before, 0.001);
        assert!((1..=3).contains(&decimals));
    }

    #[test]
    fn a_printed_p_value_never_changes_sides() {
        assert_eq!(p_value(0.000_2, 0.05), "p < 0.001");
        assert_eq!(p_value(0.012_3, 0.05), "p = 0.012");
        assert_eq!(p_value(0.27, 0.05), "p = 0.27");
        assert_eq!(p_value(0.049_6, 0.05), "p = 0.0496");
        assert_eq!(p_value(0.050_000_1, 0.05), "p = 0.050");
        assert_eq!(p_value(0.049_999_9, 0.05), "p = 0.0499999");
        assert_eq!(p_value(1.0, 0.05), "p = 1.00");
        assert_eq!(p_value(0.000_2, 0.000_1), "p = 0.0002");
    }
}
