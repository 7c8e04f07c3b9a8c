//! Sums over products of tensors by an equation such as `nf,fkc->nkc`.

use candle_core::Tensor;

use super::products::product;
use super::{Call, Results, one};
use crate::onnx::value::{Computed, Value, words};

/// A tensor whose axes have letters.
struct Lettered {
    letters: Vec<char>,
    tensor: Tensor,
}

impl Lettered {
    fn size(&self, letter: char) -> Option<usize> {
        let place = self.letters.iter().position(|own| *own == letter)?;
        self.tensor.dims().get(place).copied()
    }

    /// The same with its axes in this order; letters that it lacks are left out.
    fn ordered(&self, letters: &[char]) -> Computed<Self> {
        let letters: Vec<char> = letters.iter().copied().filter(|letter| self.letters.contains(letter)).collect();
        let places: Vec<usize> = letters
            .iter()
            .filter_map(|letter| self.letters.iter().position(|own| own == letter))
            .collect();
        let tensor = self.tensor.permute(places.as_slice()).map_err(words)?;
        Ok(Self { letters, tensor })
    }

    /// Sums over every axis whose letter is not kept.
    fn summed(self, kept: impl Fn(char) -> bool) -> Computed<Self> {
        let axes: Vec<usize> = (0..self.letters.len()).filter(|place| !kept(self.letters[*place])).collect();
        if axes.is_empty() {
            return Ok(self);
        }
        let tensor = self.tensor.sum(axes.as_slice()).map_err(words)?;
        let letters = self.letters.into_iter().filter(|letter| kept(*letter)).collect();
        Ok(Self { letters, tensor })
    }
}

/// The letters of each input, and of the result.
fn parsed(equation: &str, inputs: usize) -> Computed<(Vec<Vec<char>>, Vec<char>)> {
    let equation: String = equation.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<Vec<char>> = left.split(',').map(|term| term.chars().collect()).collect();
    let plain = |term: &[char]| term.iter().all(|letter| letter.is_ascii_alphabetic());
    let once = |term: &[char]| term.iter().enumerate().all(|(place, letter)| !term[..place].contains(letter));
    let result: Vec<char> = match right {
        Some(right) => right.chars().collect(),
        // Letters that occur once, in the order of the alphabet.
        None => {
            let mut all: Vec<char> = terms.iter().flatten().copied().collect();
            all.sort_unstable();
            let single = |letter: &char| all.iter().filter(|other| *other == letter).count() == 1;
            all.iter().copied().filter(single).collect()
        }
    };
    let known = result.iter().all(|letter| terms.iter().any(|term| term.contains(letter)));
    let readable = terms.iter().chain([&result]).all(|term| plain(term) && once(term));
    if !readable || !known {
        return Err(format!(
            "is supported with plain letters only, each once in a tensor, and is given `{equation}`"
        ));
    }
    if terms.len() != inputs {
        return Err(format!("has {inputs} inputs, and `{equation}` names {}", terms.len()));
    }
    Ok((terms, result))
}

/// Multiplies two tensors and sums over the letters that nothing else needs: one product of matrices for each index of the shared letters.
fn joined(call: &Call, left: Lettered, right: Lettered, needed: &[char]) -> Computed<Lettered> {
    let left = left.summed(|letter| needed.contains(&letter) || right.letters.contains(&letter))?;
    let right = right.summed(|letter| needed.contains(&letter) || left.letters.contains(&letter))?;
    let both = |letter: &char| right.letters.contains(letter);
    let part =
        |of: &Lettered, fits: &dyn Fn(&char) -> bool| -> Vec<char> { of.letters.iter().copied().filter(|letter| fits(letter)).collect() };
    let shared = part(&left, &|letter| both(letter) && needed.contains(letter));
    let inner = part(&left, &|letter| both(letter) && !needed.contains(letter));
    let rows = part(&left, &|letter| !both(letter));
    let columns = part(&right, &|letter| !left.letters.contains(letter));
    let sizes = |letters: &[char]| -> Computed<Vec<usize>> {
        let size = |letter: &char| match (left.size(*letter), right.size(*letter)) {
            (Some(a), Some(b)) if a != b => Err(format!("has the sizes {a} and {b} for the letter `{letter}`")),
            (a, b) => Ok(a.or(b).unwrap_or(1)),
        };
        letters.iter().map(size).collect()
    };
    let (many, deep, high, wide) = (sizes(&shared)?, sizes(&inner)?, sizes(&rows)?, sizes(&columns)?);
    let count = |sizes: &[usize]| sizes.iter().product::<usize>();
    let made: Vec<usize> = [many.as_slice(), &high, &wide].concat();
    call.room(&made)?;
    let flat = |of: &Lettered, order: [&[char]; 3], shape: (usize, usize, usize)| -> Computed<Tensor> {
        let ordered = of.ordered(&order.concat())?.tensor;
        ordered.contiguous().and_then(|tensor| tensor.reshape(shape)).map_err(words)
    };
    let one = flat(&left, [&shared, &rows, &inner], (count(&many), count(&high), count(&deep)))?;
    let other = flat(&right, [&shared, &inner, &columns], (count(&many), count(&deep), count(&wide)))?;
    let tensor = product(&one, &other)?.reshape(made.as_slice()).map_err(words)?;
    Ok(Lettered {
        letters: [shared, rows, columns].concat(),
        tensor,
    })
}

pub(super) fn einsum(call: &Call) -> Results {
    let equation = call.text("equation").ok_or_else(|| "has no equation".to_owned())?;
    let (terms, result) = parsed(equation, call.inputs.len())?;
    let mut parts = Vec::with_capacity(terms.len());
    for (place, letters) in terms.iter().enumerate() {
        let tensor = call.float(place)?;
        if tensor.rank() != letters.len() {
            return Err(format!(
                "has {} dimensions in input {}, and `{equation}` names {}",
                tensor.rank(),
                place + 1,
                letters.len()
            ));
        }
        parts.push(Lettered {
            letters: letters.clone(),
            tensor: tensor.clone(),
        });
    }
    let mut parts = parts.into_iter();
    let mut found = parts.next().ok_or_else(|| "has no inputs".to_owned())?;
    for (place, next) in parts.enumerate() {
        let later = terms[place + 2..].iter().flatten().copied();
        let needed: Vec<char> = result.iter().copied().chain(later).collect();
        found = joined(call, found, next, &needed)?;
    }
    let found = found.summed(|letter| result.contains(&letter))?.ordered(&result)?;
    one(Value::Float(found.tensor.contiguous().map_err(words)?))
}
