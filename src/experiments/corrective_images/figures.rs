//! What the figures 2 to 7 of arXiv 2402.14015 are of.

use crate::error::{Error, Result};

/// A figure of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperFigure {
    /// Its number.
    pub number: u8,
    /// Which manipulation.
    pub kind: &'static str,
    /// Which accuracy by clean labels it shows.
    pub shows: &'static str,
}

/// The figures; those of one manipulation are of the same runs.
pub const FIGURES: [PaperFigure; 6] = [
    figure(2, "poison", AFFECTED),
    figure(3, "poison", ELSEWHERE),
    figure(4, "confusion", AFFECTED),
    figure(5, "confusion", MANIPULATED),
    figure(6, "poison", MANIPULATED),
    figure(7, "confusion", ELSEWHERE),
];

const AFFECTED: &str = "affected test images";
const ELSEWHERE: &str = "test images outside the affected domain";
const MANIPULATED: &str = "manipulated training images";

const fn figure(number: u8, kind: &'static str, shows: &'static str) -> PaperFigure {
    PaperFigure { number, kind, shows }
}

/// The manipulations of a figure on a set.
///
/// # Errors
/// For a number that is none of them, or a set that the paper does not have.
pub fn manipulations(number: u8, dataset: &str) -> Result<Vec<String>> {
    let figure = FIGURES.iter().find(|figure| figure.number == number).ok_or_else(|| {
        Error::input(format!("figure {number} of the paper is not of this benchmark")).hint("use `--figure 2` to `--figure 7`")
    })?;
    let counts: [usize; 3] = match (figure.kind, dataset) {
        ("poison", "cifar10" | "cifar100") => [100, 500, 1_000],
        ("confusion", "cifar10") => [500, 2_500, 5_000],
        ("confusion", "cifar100") => [100, 250, 500],
        _ => {
            return Err(Error::input(format!("the paper has no figure of {dataset}"))
                .hint("use `--dataset cifar10` or `--dataset cifar100`, or name manipulations: `--manipulation poison:n=500`"));
        }
    };
    Ok(counts.iter().map(|count| format!("{}:n={count}", figure.kind)).collect())
}
