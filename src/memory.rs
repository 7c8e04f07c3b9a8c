//! How much memory may be taken, asked before it is: a file that claims billions of cells is refused with a sentence, not ended by the system.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Main memory in bytes; absent where the system does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    /// In all, or the limit of this container.
    pub total: Option<u64>,
    /// Free for programs.
    pub available: Option<u64>,
}

impl Memory {
    /// Of this machine, now.
    pub fn of_this_machine() -> Self {
        Self::read(Path::new("/proc/meminfo"), Path::new("/sys/fs/cgroup/memory.max"))
    }

    /// From the files in which Linux tells it: of the machine, and of the container.
    pub fn read(info: &Path, limit: &Path) -> Self {
        let text = fs::read_to_string(info).unwrap_or_default();
        let limit: Option<u64> = fs::read_to_string(limit).ok().and_then(|text| text.trim().parse().ok());
        let least = |value: Option<u64>| match (value, limit) {
            (Some(value), Some(limit)) => Some(value.min(limit)),
            (value, _) => value,
        };
        Self {
            total: least(kilobytes(&text, "MemTotal:")),
            available: least(kilobytes(&text, "MemAvailable:")),
        }
    }
}

/// A line of such a file, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = rest.trim().trim_end_matches("kB").trim().parse().ok()?;
    number.checked_mul(1024)
}

/// Bytes that the person allows; 0: as much as the default.
static STATED: AtomicU64 = AtomicU64::new(0);

/// Takes the person's word (`--memory`) on how much memory may be used, in bytes.
pub fn allow(bytes: u64) {
    STATED.store(bytes, Ordering::Relaxed);
}

/// Bytes that may be used: as stated, else three quarters of what was free at the first question; without limit where the system does not tell.
pub fn allowed() -> u64 {
    static DEFAULT: OnceLock<u64> = OnceLock::new();
    match STATED.load(Ordering::Relaxed) {
        0 => *DEFAULT.get_or_init(|| Memory::of_this_machine().available.map_or(u64::MAX, |free| free / 4 * 3)),
        stated => stated,
    }
}

/// Bytes that this process holds now; 0 where the system does not tell.
fn held() -> u64 {
    kilobytes(&fs::read_to_string("/proc/self/status").unwrap_or_default(), "VmRSS:").unwrap_or(0)
}

/// Checks that about `bytes` more may be taken. `what` they are for, such as `the cells of the sheet`; `instead`: how the person can do with
/// less, such as `leave out columns`.
///
/// # Errors
/// Where they would be more than is allowed.
pub fn check(bytes: u64, what: &str, instead: &str) -> Result<()> {
    // Small pieces are not worth the question.
    if bytes < 16 << 20 {
        return Ok(());
    }
    let (allowed, held) = (allowed(), held());
    if held.saturating_add(bytes) <= allowed {
        return Ok(());
    }
    let needed = held.saturating_add(bytes);
    Err(Error::input(format!(
        "{what} would take about {} of memory, where {} may be used",
        in_words(needed),
        in_words(allowed)
    ))
    .hint(format!(
        "{instead}, or use a machine with more memory; `--memory {}` allows as much all the same, and the system may then end the program",
        option(needed)
    )))
}

/// Checks room for `count` values of `size` bytes; see [`check`].
///
/// # Errors
/// As [`check`].
pub fn check_values(count: usize, size: usize, what: &str, instead: &str) -> Result<()> {
    check((count as u64).saturating_mul(size as u64), what, instead)
}

fn in_words(bytes: u64) -> String {
    const GIB: f64 = (1_u64 << 30) as f64;
    match bytes >> 30 {
        0 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / GIB),
    }
}

/// Bytes as the option takes them, rounded up.
fn option(bytes: u64) -> String {
    format!("{}G", bytes.div_ceil(1 << 30))
}

/// Reads `8G`, `500M`, `1.5GiB` or `2000000000` as bytes.
///
/// # Errors
/// Says what is taken.
pub fn parse(text: &str) -> std::result::Result<u64, String> {
    let wrong = || "it is an amount such as 8G or 500M, from 64M up".to_owned();
    let upper = text.trim().to_ascii_uppercase();
    let digits = upper.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: u64 = match upper[digits.len()..].trim() {
        "" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
    let bytes = number * unit as f64;
    let sensible = (64 << 20) as f64..(1_u64 << 50) as f64;
    if sensible.contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_the_container_where_it_has_less() {
        let place = tempfile::tempdir().unwrap();
        let (info, limit) = (place.path().join("meminfo"), place.path().join("limit"));
        fs::write(&info, "MemTotal:       1000 kB\nMemFree: 5 kB\nMemAvailable:    600 kB\n").unwrap();
        let memory = Memory::read(&info, &limit);
        assert_eq!((memory.total, memory.available), (Some(1_024_000), Some(614_400)));
        fs::write(&limit, "700000\n").unwrap();
        assert_eq!(Memory::read(&info, &limit).total, Some(700_000));
        fs::write(&limit, "max\n").unwrap();
        assert_eq!(Memory::read(&info, &limit).total, Some(1_024_000));
        assert_eq!(Memory::read(&place.path().join("none"), &limit).total, None);
    }

    #[test]
    fn more_than_the_machine_has_is_refused_before_it_is_taken() {
        check(1 << 20, "a little", "").unwrap();
        let error = check_values(usize::MAX, 8, "the cells of the sheet", "leave out columns").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message().starts_with("the cells of the sheet would take about"), "{error}");
        assert!(error.hint_text().unwrap().contains("--memory"));
    }

    #[test]
    fn amounts_are_read_in_every_usual_unit() {
        for (text, bytes) in [
            ("8G", 8 << 30),
            ("500M", 500 << 20),
            ("1.5 GiB", 3 << 29),
            ("2000000000", 2_000_000_000),
            ("1tb", 1 << 40),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "8", "x", "8X", "-1G", "NaN", "1e30", "99999999T"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
