//! Which validation rows may be trusted when a method is chosen: not those that are flagged, and not those suspect of the same error.
//!
//! Suspect is a row that lies where the flagged rows lie and carries a label that they carry. Where they lie is learnt from the inputs
//! alone: a small network tells flagged from other training rows, each half of the rows judged by the network of the other half, and rows
//! as likely as nine in ten flagged ones are in the region. Flags all over the place have no region, and then only they are set aside.

use crate::error::Result;
use crate::jobs::rows::{JudgedRows, TrainingData};
use crate::nn::{Examples, MlpSpec, Network, Recipe, probabilities, train};
use crate::progress::{Progress, Silent};
use crate::seed::Seed;

/// A region with more of the other training rows than this says nothing.
const LARGEST_REGION: f64 = 0.4;
/// Fewest flags from which a region is learnt.
const FEWEST_FLAGS: usize = 10;
/// Share of the flagged rows' own scores below the cut.
const CUT: f64 = 0.1;
/// Labels that so small a part of the flagged rows carry are not suspect.
const RARE_LABEL: f64 = 0.1;
/// Hidden layer of the small network.
const HIDDEN: usize = 24;

/// One mark per validation row: whether it can be trusted.
///
/// # Errors
/// Where sizes do not fit or the person stops it.
pub fn trusted_rows(
    validation: &JudgedRows,
    training: Option<&TrainingData>,
    flagged: &[u32],
    width: usize,
    seed: Seed,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Vec<bool>> {
    let mut trusted: Vec<bool> = validation.flagged.iter().map(|flagged| !flagged).collect();
    let Some(training) = training.filter(|_| flagged.len() >= FEWEST_FLAGS) else {
        return Ok(trusted);
    };
    progress.check()?;
    let Some(in_region) = region(&validation.inputs, training, flagged, width, seed, threads)? else {
        return Ok(trusted);
    };
    let mut carried = [0_usize; 256];
    for position in flagged {
        carried[usize::from(training.labels[*position as usize])] += 1;
    }
    let suspect_label = |label: u8| carried[usize::from(label)] as f64 > RARE_LABEL * flagged.len() as f64;
    for ((trusted, in_region), label) in trusted.iter_mut().zip(in_region).zip(&validation.labels) {
        *trusted &= !(in_region && suspect_label(*label));
    }
    Ok(trusted)
}

/// Which of these rows lie where the flagged training rows lie; `None` where those have no region of their own.
fn region(inputs: &[f32], training: &TrainingData, flagged: &[u32], width: usize, seed: Seed, threads: usize) -> Result<Option<Vec<bool>>> {
    let rows = training.labels.len();
    let mut marks = vec![0_u8; rows];
    flagged.iter().for_each(|position| marks[*position as usize] = 1);
    let mut own = vec![0.0_f32; rows];
    let mut scores = vec![0.0_f32; inputs.len() / width.max(1)];
    for half in 0..2_u32 {
        // Neighbours in time are alike, so the halves are runs of 64 rows in turn.
        let (fit, judged): (Vec<u32>, Vec<u32>) = (0..rows as u32).partition(|row| (row / 64) % 2 == half);
        let found = fit.iter().filter(|row| marks[**row as usize] == 1).count();
        if found < 2 || fit.len() < 4 || found == fit.len() {
            return Ok(None);
        }
        let shares = [fit.len() - found, found].map(|count| fit.len() as f64 / (2.0 * count as f64));
        let recipe = Recipe {
            epochs: 20,
            learning_rate: 0.1,
            batch: 512.min(fit.len() / 2).max(2),
            class_weights: Some(shares.to_vec()),
            ..Recipe::default()
        };
        let mut network = Network::<f32>::initial(&MlpSpec::new(width, vec![HIDDEN], 2)?, Seed(seed.0 ^ u64::from(half)))?;
        let examples = Examples::subset(&training.inputs, width, &marks, &fit);
        if train(&mut network, &examples, &recipe, threads, &Silent::default()).is_err() {
            return Ok(None);
        }
        let all = probabilities(&network, &training.inputs, threads)?;
        judged.iter().for_each(|row| own[*row as usize] = all[*row as usize * 2 + 1]);
        let others = probabilities(&network, inputs, threads)?;
        scores
            .iter_mut()
            .zip(others.chunks_exact(2))
            .for_each(|(score, pair)| *score += pair[1] / 2.0);
    }
    let mut of_flagged: Vec<f32> = flagged.iter().map(|position| own[*position as usize]).collect();
    of_flagged.sort_by(f32::total_cmp);
    let cut = of_flagged[(of_flagged.len() as f64 * CUT) as usize];
    let others = own.iter().zip(&marks).filter(|(_, mark)| **mark == 0);
    let inside = others.clone().filter(|(score, _)| **score >= cut).count();
    if inside as f64 > LARGEST_REGION * others.count() as f64 {
        return Ok(None);
    }
    Ok(Some(scores.into_iter().map(|score| score >= cut).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    /// Rows of two inputs; the corner where both are high is the lane whose late orders (2) are booked as on time (1) in part.
    fn rows(count: usize, stream: u64) -> (Vec<f32>, Vec<u8>, Vec<bool>) {
        let mut rng = Seed(8).stream("auto-test", stream);
        let inputs: Vec<f32> = (0..count * 2).map(|_| rng.random_range(-1.0..1.0)).collect();
        let wrong: Vec<bool> = inputs
            .chunks_exact(2)
            .map(|row| row[0] > 0.4 && row[1] > 0.4 && rng.random_bool(0.6))
            .collect();
        let labels = inputs
            .chunks_exact(2)
            .zip(&wrong)
            .map(|(row, wrong)| {
                if *wrong {
                    1
                } else {
                    u8::from(row[0] > 0.0) + u8::from(row[1] > 0.0)
                }
            })
            .collect();
        (inputs, labels, wrong)
    }

    fn judged(inputs: &[f32], labels: &[u8]) -> JudgedRows {
        JudgedRows {
            inputs: inputs.to_vec(),
            labels: labels.to_vec(),
            groups: None,
            keys: vec![String::new(); labels.len()],
            numbers: None,
            flagged: vec![false; labels.len()],
            period: None,
            table_rows: Vec::new(),
        }
    }

    #[test]
    fn rows_that_carry_the_flagged_label_in_the_flagged_corner_are_set_aside() {
        let (inputs, labels, wrong) = rows(4_000, 0);
        let (tail, tail_labels, tail_wrong) = rows(1_000, 1);
        let flagged: Vec<u32> = (0..4_000).filter(|row| wrong[*row as usize] && row % 3 == 0).collect();
        let training = TrainingData { inputs, labels };
        let validation = judged(&tail, &tail_labels);
        let trusted = trusted_rows(&validation, Some(&training), &flagged, 2, Seed(1), 1, &Silent::default()).unwrap();
        let wrong_trusted = tail_wrong
            .iter()
            .zip(&trusted)
            .filter(|(wrong, trusted)| **wrong && **trusted)
            .count();
        let wrong_rows = tail_wrong.iter().filter(|wrong| **wrong).count();
        assert!((wrong_trusted as f64) < 0.25 * wrong_rows as f64, "{wrong_trusted} of {wrong_rows}");
        let right_set_aside = tail_wrong
            .iter()
            .zip(&trusted)
            .filter(|(wrong, trusted)| !**wrong && !**trusted)
            .count();
        assert!(right_set_aside < 60, "{right_set_aside}");
        let again = trusted_rows(&validation, Some(&training), &flagged, 2, Seed(1), 2, &Silent::default()).unwrap();
        assert_eq!(trusted, again);
    }

    #[test]
    fn flags_all_over_the_place_set_nothing_else_aside() {
        let (inputs, labels, _) = rows(4_000, 0);
        let (tail, tail_labels, _) = rows(1_000, 1);
        let flagged: Vec<u32> = (0..4_000).filter(|row| row % 25 == 7).collect();
        let training = TrainingData { inputs, labels };
        let mut validation = judged(&tail, &tail_labels);
        validation.flagged[5] = true;
        let trusted = trusted_rows(&validation, Some(&training), &flagged, 2, Seed(1), 1, &Silent::default()).unwrap();
        assert_eq!(trusted.iter().filter(|trusted| !**trusted).count(), 1);
        let few = trusted_rows(&validation, Some(&training), &flagged[..5], 2, Seed(1), 1, &Silent::default()).unwrap();
        assert_eq!(few, trusted);
    }
}
