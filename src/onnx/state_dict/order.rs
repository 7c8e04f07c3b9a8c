//! The order of modules by names and sizes.

use std::cmp::Ordering;

/// Ways that are tried before the order counts as not told.
const MOST_TRIED: usize = 20_000;

/// A part of a name: a number, or what stands between numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// Digits without zeros in front, by length and then by value.
    Number(usize, &'a str),
    Words(&'a str),
}

fn parts(name: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut left = name;
    while let Some(first) = left.chars().next() {
        let digits = first.is_ascii_digit();
        let end = left.find(|letter: char| letter.is_ascii_digit() != digits).unwrap_or(left.len());
        let (part, rest) = left.split_at(end);
        let number = part.trim_start_matches('0');
        parts.push(if digits {
            Part::Number(number.len(), number)
        } else {
            Part::Words(part)
        });
        left = rest;
    }
    parts
}

/// Names in the order of the numbers in them: `fc2` before `fc10`.
pub(super) fn natural(one: &str, other: &str) -> Ordering {
    parts(one).cmp(&parts(other))
}

/// A name without its digits.
pub(super) fn digits_off(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

/// The first order, by place, in which each takes what the one before it gives; and whether every other such order has the same names but for
/// numbers. `sizes` are (takes, gives). Of those that are alike in both, the first comes first.
pub(super) fn chain(sizes: &[(usize, usize)], kinds: &[String]) -> Option<(Vec<usize>, bool)> {
    let mut search = Search {
        sizes,
        kinds,
        path: Vec::new(),
        used: vec![false; sizes.len()],
        first: None,
        told: true,
        left: MOST_TRIED,
    };
    search.go();
    let told = search.told && search.left > 0;
    search.first.map(|first| (first, told))
}

struct Search<'a> {
    sizes: &'a [(usize, usize)],
    kinds: &'a [String],
    path: Vec<usize>,
    used: Vec<bool>,
    first: Option<Vec<usize>>,
    told: bool,
    left: usize,
}

impl Search<'_> {
    fn go(&mut self) {
        if self.left == 0 || !self.told {
            return;
        }
        self.left -= 1;
        if self.path.len() == self.sizes.len() {
            match &self.first {
                None if !self.path.is_empty() => self.first = Some(self.path.clone()),
                None => {}
                Some(first) => {
                    let same = |(one, other): (&usize, &usize)| self.kinds[*one] == self.kinds[*other];
                    self.told = first.iter().zip(&self.path).all(same);
                }
            }
            return;
        }
        let width = self.path.last().map(|last| self.sizes[*last].1);
        for place in 0..self.sizes.len() {
            let alike = |other: usize| self.sizes[other] == self.sizes[place] && self.kinds[other] == self.kinds[place];
            let first = !(0..place).any(|other| !self.used[other] && alike(other));
            if !self.used[place] && first && width.is_none_or(|width| width == self.sizes[place].0) {
                self.used[place] = true;
                self.path.push(place);
                self.go();
                self.path.pop();
                self.used[place] = false;
            }
        }
    }
}
