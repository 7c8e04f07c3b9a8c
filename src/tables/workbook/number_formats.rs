//! What a number format makes of a number: the binary formats store dates as plain numbers, and only the format tells.

use calamine::{CellErrorType, DataRef, ExcelDateTime, ExcelDateTimeType};

/// What a number with this format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Number,
    /// A date, a time of day, or both.
    Moment,
    /// Hours beyond a day: `[h]:mm`.
    Duration,
}

/// The formats that every workbook has, by their numbers (ECMA-376, 18.8.30).
pub(super) fn built_in(number: u16) -> Shown {
    match number {
        14..=22 | 27..=36 | 45 | 47 | 50..=58 => Shown::Moment,
        46 => Shown::Duration,
        _ => Shown::Number,
    }
}

/// A format as written. Only its first part counts: the others are for negative numbers, zero and text.
pub(super) fn of_code(code: &str) -> Shown {
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' | '_' | '*' => {
                letters.next();
            }
            '"' => {
                letters.by_ref().find(|next| *next == '"');
            }
            '[' => {
                let inside: String = letters.by_ref().take_while(|next| *next != ']').collect();
                let inside = inside.to_ascii_lowercase();
                if !inside.is_empty() && ["h", "m", "s"].iter().any(|unit| inside.replace(unit, "").is_empty()) {
                    return Shown::Duration;
                }
            }
            ';' => return Shown::Number,
            // `General` is a word, and so is an era (`gge`) together with a year, which the year tells.
            'G' if letters.clone().collect::<String>().to_ascii_lowercase().starts_with("eneral") => {
                letters.nth("eneral".len() - 1);
            }
            'd' | 'm' | 'h' | 'y' | 's' | 'D' | 'M' | 'H' | 'Y' | 'S' => return Shown::Moment,
            'A' | 'a' if letters.peek().is_some_and(|next| matches!(next, 'M' | 'm' | '/')) => return Shown::Moment,
            _ => {}
        }
    }
    Shown::Number
}

/// A number as its format shows it.
pub(super) fn value(number: f64, shown: Shown, is_1904: bool) -> DataRef<'static> {
    let moment = |kind| DataRef::DateTime(ExcelDateTime::new(number, kind, is_1904));
    match shown {
        Shown::Number => DataRef::Float(number),
        Shown::Moment => moment(ExcelDateTimeType::DateTime),
        Shown::Duration => moment(ExcelDateTimeType::TimeDelta),
    }
}

/// A number squeezed into 32 bits: the high half of a float or a whole number, either of them perhaps times 100 ([MS-XLS] 2.5.217).
pub(super) fn unsqueezed(bits: u32) -> f64 {
    let number = if bits & 2 != 0 {
        f64::from((bits as i32) >> 2)
    } else {
        f64::from_bits(u64::from(bits & 0xffff_fffc) << 32)
    };
    if bits & 1 != 0 { number / 100.0 } else { number }
}

/// An error value by its number; one that is not known is an error all the same.
pub(super) fn error(code: u8) -> DataRef<'static> {
    DataRef::Error(match code {
        0x00 => CellErrorType::Null,
        0x07 => CellErrorType::Div0,
        0x0f => CellErrorType::Value,
        0x17 => CellErrorType::Ref,
        0x1d => CellErrorType::Name,
        0x24 => CellErrorType::Num,
        0x2b => CellErrorType::GettingData,
        _ => CellErrorType::NA,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_durations_are_told_from_numbers() {
        for code in [
            "dd/mm/yyyy",
            "[$-409]d-mmm-yy;@",
            "h:mm AM/PM",
            "yyyy\"-\"mm",
            "[Red]mm:ss",
            "gge",
            "m/d/yy\\ h:mm",
        ] {
            let expected = if code == "gge" { Shown::Number } else { Shown::Moment };
            assert_eq!(of_code(code), expected, "{code}");
        }
        for code in ["[h]:mm", "[mm]:ss", "[ss]"] {
            assert_eq!(of_code(code), Shown::Duration, "{code}");
        }
        for code in [
            "General",
            "0.00",
            "#,##0 \"days\"",
            "0.00E+00",
            "[Red]0;d",
            "_-* #,##0\\ [$\u{20ac}-407]_-",
            "@",
            "0\\d",
            "[$USD] 0",
        ] {
            assert_eq!(of_code(code), Shown::Number, "{code}");
        }
    }

    #[test]
    fn squeezed_numbers_are_unsqueezed() {
        assert_eq!(unsqueezed((1234 << 2) | 2), 1234.0);
        assert_eq!(unsqueezed((1234 << 2) | 3), 12.34);
        assert_eq!(unsqueezed(((-5_i32 << 2) | 2) as u32), -5.0);
        assert_eq!(unsqueezed(0x3ff8_0000), 1.5);
    }
}
