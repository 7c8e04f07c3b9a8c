//! What repairs of freshly trained networks need, and leave alone.

use recant::learner::Rows;
use recant::nn::{Examples, ImportanceKind, Network, importance, store_importances, train};
use recant::progress::Silent;
use recant::repair::{self, METHODS, RepairOptions, Request, Session, Trained};

use super::engine::{data, recipe};

/// A repair of `flagged` rows of freshly made data by a method.
fn repaired(name: &str, flagged: &[u32], corrections: &[Option<u8>], with_rows: bool) -> recant::Result<(Network<f32>, Network<f32>)> {
    let data = data::<f32>(200, &[8, 5], 13);
    let recipe = recipe(3, 64);
    let (initial, network) = (data.initial(), data.trained(&recipe));
    let stored = store_importances(&network, &data.all(), recipe.batch, 1)?;
    let (inputs, labels) = data.take(flagged);
    let request = Request {
        positions: flagged,
        flagged: Some(Rows::table(&inputs, 7, &labels)),
        corrections,
        training: with_rows.then_some(Rows::table(&data.x, 7, &data.y)),
        augmented: None,
    };
    let trained = Trained {
        classifier: &network,
        initial: Some(&initial),
        plan: (&recipe).into(),
        training_rows: 200,
        importance_batch: recipe.batch,
        stored: Some(&stored),
        full_set: &[],
    };
    let quiet = Silent::default();
    let mut model = Session::new(trained, request, 2, &quiet)?;
    repair::apply(repair::method(name)?, &mut model, &RepairOptions::default(), &quiet)?;
    let after = model.into_network();
    Ok((network, after))
}

#[test]
fn dampening_needs_no_training_row_and_training_methods_say_that_they_do() {
    for method in METHODS {
        let result = repaired(method.name(), &[3, 77, 150], &[], false);
        if method.needs() == repair::Needs::StoredImportances {
            let (before, after) = result.unwrap();
            assert_ne!(before.parameters(), after.parameters(), "{}", method.name());
        } else {
            assert_eq!(result.unwrap_err().hint_text(), Some("give the training sheet with `--data SHEET`"));
        }
    }
}

#[test]
fn with_every_row_flagged_only_corrections_leave_something_to_do() {
    let all: Vec<u32> = (0..200).collect();
    let corrections: Vec<Option<u8>> = (0..200).map(|row| (row % 2 == 0).then_some((row % 3) as u8)).collect();
    for method in METHODS {
        let error = repaired(method.name(), &all, &[], true).unwrap_err();
        assert!(error.to_string().contains("every training row is flagged"), "{error}");
        let corrected = repaired(method.name(), &all, &corrections, true);
        assert_eq!(
            corrected.is_ok(),
            method.needs() == repair::Needs::TrainingRows,
            "{}",
            method.name()
        );
    }
}

#[test]
fn a_corrected_row_is_trained_on_with_its_corrected_label() {
    // Retraining with corrections is training on data that was typed in rightly, minus the flagged rows without one.
    let flagged = [10, 20, 30];
    let (_, found) = repaired("retrain", &flagged, &[Some(0), None, Some(2)], true).unwrap();
    let mut data = data::<f32>(200, &[8, 5], 13);
    (data.y[10], data.y[30]) = (0, 2);
    let rows: Vec<u32> = (0..200).filter(|row| *row != 20).collect();
    let mut expected = data.initial();
    let examples = Examples {
        rows: Some(&rows),
        ..data.all()
    };
    train(&mut expected, &examples, &recipe(3, 64), 1, &Silent::default()).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn an_empty_forget_set_changes_nothing_whatever_the_method() {
    for method in METHODS {
        let (before, after) = repaired(method.name(), &[], &[], true).unwrap();
        assert_eq!(before, after, "{}", method.name());
    }
}

#[test]
fn a_model_of_nan_is_not_dampened_but_refused() {
    let data = data::<f32>(100, &[8], 14);
    let mut network = data.initial();
    network.parameters_mut()[3] = f32::NAN;
    let error = importance(&network, &data.all(), ImportanceKind::PerSampleFisher, 50, 1).unwrap_err();
    assert!(error.to_string().contains("not finite"));
    assert!(store_importances(&network, &data.all(), 50, 2).is_err());
}
