//! Whether a model was read as the network that it is, on the inputs that it takes: what its file does not say, the labels of the training
//! sheet tell.

use super::Imported;
use super::rows::probabilities;
use crate::error::{Error, Result};
use crate::evaluate::words::percent;
use crate::notes::Notes;
use crate::onnx::{ACTIVATIONS, Ending, Layers, Model, ReadAs};

/// Most training rows that readings are compared on.
const ROWS: usize = 5000;

/// Standard errors by which another activation must fit better.
const BETTER: f64 = 4.0;

/// Share of the log loss by which another activation must be better: that of a leaky ReLU, which is nearly the same, differs by less.
const LEAST_GAIN: f64 = 0.02;

/// Rows from which on one output that stays between 0 and 1 is no logit.
const FEWEST_FOR_A_LOGIT: usize = 20;

/// Smallest probability that a logarithm is taken of.
const LEAST: f64 = 1e-7;

/// What a state_dict was read as, as a note.
pub(super) fn tell(read_as: &ReadAs, notes: &mut Notes) {
    let entry = read_as
        .entry
        .as_ref()
        .map_or_else(String::new, |entry| format!(", from the entry `{entry}` of the checkpoint"));
    let assumed = match read_as.assumed {
        Some(activation) => format!(
            "the activation `{activation}` is assumed, which the file does not hold: `--activation NAME` states another, `--layers LIST` all steps"
        ),
        None => "its layers are taken as you state them".to_owned(),
    };
    let norms = if read_as.has_norms {
        "; batch norms add 0.00001 to variances, as PyTorch does"
    } else {
        ""
    };
    notes.add(
        "state-dict",
        format!("the state_dict is read as {}{entry}", read_as.network),
        format!("{assumed}{norms}"),
    );
    if !read_as.left_out.is_empty() {
        notes.add(
            "modules-left-out",
            format!("`--layers` leaves out {}", read_as.left_out.join(", ")),
            "their tensors stay as they are",
        );
    }
}

/// Compares what the network says with the training labels. Where the activation is assumed, another one must not fit them much better.
///
/// # Errors
/// Where another activation does.
pub(super) fn check(imported: &Imported, threads: usize, notes: &mut Notes) -> Result<()> {
    let read_as = imported.model.read_as();
    if let Some(read_as) = read_as {
        tell(read_as, notes);
    }
    let rows = imported.rows.labels.len();
    let step = rows.div_ceil(ROWS).max(1);
    let places: Vec<usize> = (0..rows).step_by(step).collect();
    let rows = imported.rows.subset(&places);
    let classes = imported.classes.len();
    let fit = |model: &Model| -> Result<Fit> {
        let said = probabilities(&model.network(&rows.encoded)?, &rows.encoded, threads)?;
        Ok(Fit::of(&said, &rows.labels, classes))
    };
    let own = fit(imported.model)?;
    if read_as.is_some_and(|read_as| read_as.assumed.is_some()) {
        let mut best: Option<(&str, Fit)> = None;
        for activation in &ACTIVATIONS[1..] {
            let layers = Layers {
                activation: Some(*activation),
                ..Layers::default()
            };
            // An activation under which the network overflows is none that it was trained with.
            let Ok(found) = imported.model.read_again(&layers).and_then(|model| fit(&model)) else {
                continue;
            };
            let most = best
                .as_ref()
                .is_none_or(|(_, best)| (found.right, -found.loss()) > (best.right, -best.loss()));
            if most && found.is_better_than(&own) {
                best = Some((activation.name, found));
            }
        }
        if let Some((name, found)) = best {
            return Err(Error::input(format!(
                "with `{name}` between its layers the network fits the labels better than with `{}`: log loss {:.3} and {:.3}, {} and {} of {} rows right",
                ACTIVATIONS[0].name,
                found.loss(),
                own.loss(),
                percent(found.right, 1),
                percent(own.right, 1),
                rows.labels.len()
            ))
            .hint(format!(
                "state it, if the model was trained with it: `--activation {name}`; else `--activation {}`",
                ACTIVATIONS[0].name
            )));
        }
    }
    let most = (0..classes)
        .map(|class| rows.labels.iter().filter(|label| usize::from(**label) == class).count())
        .max();
    let most = most.unwrap_or_default() as f64 / rows.labels.len().max(1) as f64;
    let (found, then) = match (own.right < most, read_as) {
        // An ONNX file holds its layers; what may be amiss are the inputs.
        (false, None) => return Ok(()),
        (true, None) => (
            format!("fewer than the most frequent class alone ({})", percent(most, 1)),
            "check that the sheet holds the inputs as the model takes them: in its order (`--inputs`), scaled as in its training",
        ),
        (true, Some(_)) => (
            format!("fewer than the most frequent class alone ({})", percent(most, 1)),
            "check that the sheet holds the inputs as the model takes them (scaled as in its training), and its layers: `--activation`, `--layers`",
        ),
        (false, Some(_)) => (
            format!("and the most frequent class alone would be right on {}", percent(most, 1)),
            "if the model was better when it was trained, its inputs or layers are others than these",
        ),
    };
    notes.add(
        if read_as.is_some() { "state-dict-fit" } else { "model-fit" },
        format!("the network agrees with {} of the labels, {found}", percent(own.right, 1)),
        then,
    );
    Ok(())
}

/// That one output that no sigmoid makes a probability is a logit: one that stays between 0 and 1 would say the second class of every row.
///
/// # Errors
/// Where it does.
pub(super) fn check_one_logit(imported: &Imported, threads: usize) -> Result<()> {
    if imported.network.graph().ending() != Ending::OneLogit || imported.rows.labels.len() < FEWEST_FOR_A_LOGIT {
        return Ok(());
    }
    let said = probabilities(&imported.network, &imported.rows.encoded, threads)?;
    let logit = |row: &[f32]| (row[1] / row[0]).ln();
    match said.chunks_exact(2).all(|row| (-1e-5..=1.0 + 1e-5).contains(&logit(row))) {
        false => Ok(()),
        true => Err(Error::input(
            "the model's one output lies between 0 and 1 on every row, as a probability does, and no `Sigmoid` at its end makes it one",
        )
        .hint("export it with its logit (what goes into the sigmoid), or with `Sigmoid` as the last operator")),
    }
}

/// How a network fits labels.
struct Fit {
    /// Negative logarithm of the probability of each row's label.
    losses: Vec<f64>,
    /// Share of rows on which the likeliest class is the label.
    right: f64,
}

impl Fit {
    fn of(said: &[f32], labels: &[u8], classes: usize) -> Self {
        let probability = |(row, label): (&[f32], &u8)| f64::from(row[usize::from(*label)]);
        let rows = || said.chunks_exact(classes).zip(labels);
        let right = rows()
            .filter(|(row, label)| row.iter().all(|other| *other <= row[usize::from(**label)]))
            .count();
        Self {
            losses: rows().map(|pair| -probability(pair).max(LEAST).ln()).collect(),
            right: right as f64 / labels.len().max(1) as f64,
        }
    }

    fn loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64
    }

    /// Whether its losses on the same rows are smaller by more than chance, and no fewer rows are right.
    fn is_better_than(&self, other: &Self) -> bool {
        let gains: Vec<f64> = other.losses.iter().zip(&self.losses).map(|(other, own)| other - own).collect();
        let rows = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / rows.max(1.0);
        let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (rows - 1.0).max(1.0);
        self.right >= other.right && mean > LEAST_GAIN * other.loss() && mean > BETTER * (variance / rows.max(1.0)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaky ReLU in the place of a ReLU changes losses a little and alike in all rows, which is certain and means nothing.
    #[test]
    fn an_activation_that_fits_hardly_better_is_not_better() {
        let fit = |loss: f64| Fit {
            losses: (0..1000).map(|row| loss * (0.5 + f64::from(row % 3) / 2.0)).collect(),
            right: 0.9,
        };
        assert!(!fit(0.331).is_better_than(&fit(0.332)));
        assert!(fit(0.266).is_better_than(&fit(0.290)));
    }
}
