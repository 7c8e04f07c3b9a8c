//! Boosted trees on the columns that the network sees.

use std::ops::ControlFlow;

use super::groups::Groups;
use crate::evaluate::words::count_of;
use crate::evaluate::{Baseline, BaselineKind};
use crate::features::{Coding, Part, Prepared};
use crate::trees::{Binned, Grown, Growth, MOST_CLASSES, Sheet};

/// As scikit-learn's `HistGradientBoostingClassifier` by default, but that fewer rounds take larger steps.
const GROWTH: Growth = Growth {
    rounds: 80,
    rate: 0.15,
    leaves: 31,
};
/// Rounds without a gain on the validation rows after which growing ends.
const PATIENCE: usize = 10;
/// Groups that a number's values are cut into.
const NUMBER_GROUPS: usize = 250;
/// Most training rows, evenly spread over all of them; most cells a round (rows x columns x trees); and the rows that are taken however many cells
/// they have. Enough for trees of this size, and a matter of seconds.
const MOST_ROWS: usize = 50_000;
const MOST_CELLS: usize = 5_000_000;
const ENOUGH_ROWS: usize = 1_000;
/// With fewer training rows there is nothing to grow on.
const FEWEST_ROWS: usize = 60;

/// Most training rows for a number of columns and of classes.
fn most_rows(columns: usize, classes: usize) -> usize {
    (MOST_CELLS / (columns * classes).max(1)).clamp(ENOUGH_ROWS, MOST_ROWS)
}

/// Boosted trees grown on the training rows, as many rounds as the validation rows ask for (all, where there are none), on the test rows.
/// `None` where there are too few rows or too many classes.
pub(super) fn boosted_trees(prepared: &Prepared, classes: usize) -> Option<Baseline> {
    let (train, width) = (&prepared.train, prepared.features.width());
    if train.len() < FEWEST_ROWS || classes > MOST_CLASSES {
        return None;
    }
    let grown_on = train.len().min(most_rows(prepared.features.encoders().len(), classes));
    let chosen: Vec<usize> = (0..grown_on).map(|place| place * train.len() / grown_on).collect();
    let validation = prepared.validation.as_ref();
    let later = |part: &Part| (0..part.len()).collect::<Vec<usize>>();
    let parts = [
        Some((train, chosen)),
        validation.map(|part| (part, later(part))),
        Some((&prepared.test, later(&prepared.test))),
    ];
    let rows = || {
        parts
            .iter()
            .flatten()
            .flat_map(|(part, rows)| rows.iter().map(move |row| (*part, *row)))
    };
    let inputs = || rows().map(|(part, row)| &part.inputs[row * width..][..width]);
    let labels: Vec<u8> = rows().map(|(part, row)| part.labels[row]).collect();
    // Codes of every row, number of groups, and whether they have an order.
    let mut columns: Vec<(Vec<u16>, usize, bool)> = Vec::new();
    for encoder in prepared.features.encoders() {
        let groups = Groups::new(encoder, train, 0..train.len(), width, NUMBER_GROUPS);
        let codes = inputs().map(|inputs| groups.of(inputs) as u16).collect();
        columns.push((codes, groups.count() - 1, groups.ordered()));
        if let Coding::Number(coding) = &encoder.coding {
            for output in coding.exceptions.iter().filter_map(|exception| exception.output) {
                let codes = inputs().map(|inputs| u16::from(inputs[output] != 0.0)).collect();
                columns.push((codes, 2, true));
            }
        }
    }
    let binned = columns.iter().map(|(codes, bins, ordered)| Binned {
        codes,
        bins: *bins,
        ordered: *ordered,
    });
    let sheet = Sheet::new(&binned.collect::<Vec<_>>(), labels.len());
    let all: Vec<u32> = (0..labels.len() as u32).collect();
    let (own, wanted) = all.split_at(grown_on);
    let checked = validation.map_or(&[] as &[u8], |part| &part.labels);
    let (mut best, mut since, mut said) = (f64::INFINITY, 0, Vec::new());
    let grown = Grown {
        rows: own,
        labels: &labels,
        classes,
    };
    sheet.boost(wanted, &grown, &GROWTH, &mut |_, logs| {
        let (validation, test) = logs.split_at(checked.len() * classes);
        let of_label = |(logs, label): (&[f64], &u8)| -logs[usize::from(*label)];
        let loss: f64 = validation.chunks_exact(classes).zip(checked.iter()).map(of_label).sum();
        if checked.is_empty() || loss < best {
            (best, since) = (loss, 0);
            said = test.to_vec();
        } else {
            since += 1;
        }
        if since == PATIENCE {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    Some(Baseline {
        name: "boosted-trees".to_owned(),
        title: match grown_on < train.len() {
            true => format!("boosted trees (grown on {} of the training rows)", count_of(grown_on, "row")),
            false => "boosted trees".to_owned(),
        },
        kind: BaselineKind::Strong,
        probabilities: said.iter().map(|log| log.exp() as f32).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::most_rows;

    #[test]
    fn wide_sheets_and_many_classes_take_fewer_rows() {
        let rows = [(1, 2), (25, 3), (300, 3), (64, 10), (20_000, 30)].map(|(columns, classes)| most_rows(columns, classes));
        assert_eq!(rows, [50_000, 50_000, 5_555, 7_812, 1_000]);
    }
}
