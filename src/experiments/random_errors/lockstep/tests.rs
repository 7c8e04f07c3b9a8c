//! Chunks in lockstep, on the kernels compiled for the host, against the CPU engine.

use super::*;
use crate::experiments::random_errors::compute::tests::{data, first, settings};
use crate::nn::cuda::host::Host;
use crate::notes::Notes;
use crate::progress::Silent;

/// Records of the first chunk by the CPU engine and in lockstep, and the width of the lockstep; `None` where kernels cannot be compiled.
fn both(settings: &Settings, data: &Data, memory: usize) -> Option<(ChunkRecords, ChunkRecords, usize)> {
    let (host, _guard) = Host::new(memory)?;
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create_or_resume(&place.path().join("run"), settings, None, &mut Notes::new()).unwrap();
    let chunk = &first(settings);
    let mut alone = RandomErrors::new(data, settings, 2).unwrap();
    alone.prepare(&first(settings), &folder, &Silent::default()).unwrap();
    let expected = ChunkRecords::from(alone.compute(chunk, &folder, &Silent::default()).unwrap().records);
    let mut lockstep = LockstepEngine::new(data, settings, 1, host).unwrap();
    lockstep.prepare(&first(settings), &folder, &Silent::default()).unwrap();
    let Computed { records, timings } = lockstep.compute(chunk, &folder, &Silent::default()).unwrap();
    let found = ChunkRecords::from(records);
    assert_eq!(timings.models as usize, lockstep.engine.items(&chunk.key).len());
    assert!(["train", "evaluate"].iter().all(|stage| timings.stages.contains_key(*stage)));
    Some((expected, found, lockstep.widest))
}

/// Rows on a boundary may fall to either side: at most one row of a count.
fn near(one: u32, other: u32) -> bool {
    one.abs_diff(other) <= 1
}

fn assert_agree(expected: &ChunkRecords, found: &ChunkRecords) {
    assert_eq!(expected.rows.len(), found.rows.len());
    let mut dampened = 0;
    for (expected, found) in expected.rows.iter().zip(&found.rows) {
        assert!(near(expected.right, found.right), "{expected:?}\n{found:?}");
        for (one, other) in [
            (expected.flagged_right, found.flagged_right),
            (expected.flagged_as_observed, found.flagged_as_observed),
        ] {
            assert_eq!(one.is_some(), other.is_some());
            assert!(near(one.unwrap_or(0), other.unwrap_or(0)));
        }
        assert_eq!(expected.dampening.is_some(), found.dampening.is_some());
        if let (Some(one), Some(other)) = (expected.dampening, found.dampening) {
            assert_eq!((one.percentile, one.lambda), (other.percentile, other.lambda));
            assert!((one.alpha - other.alpha).abs() < 1e-3 * one.alpha, "{one:?} {other:?}");
            assert!(near(one.dampened, other.dampened), "{one:?} {other:?}");
            dampened += one.dampened;
        }
        // All else is the same to the bit.
        let mut same = found.clone();
        (same.right, same.flagged_right, same.flagged_as_observed, same.dampening) = (
            expected.right,
            expected.flagged_right,
            expected.flagged_as_observed,
            expected.dampening,
        );
        assert_eq!(*expected, same);
    }
    assert!(dampened > 0);
    assert_eq!(expected.sweep.len(), found.sweep.len());
    for (expected, found) in expected.sweep.iter().zip(&found.sweep) {
        assert_eq!(
            (expected.run, expected.init, expected.sweep, expected.lambda),
            (found.run, found.init, found.sweep, found.lambda)
        );
        assert!((expected.alpha - found.alpha).abs() < 1e-3 * expected.alpha);
        assert!(near(expected.dampened, found.dampened) && near(expected.right, found.right));
        assert!(near(expected.flagged_as_observed, found.flagged_as_observed));
    }
}

#[test]
fn a_chunk_in_lockstep_gives_the_records_of_the_cpu_but_for_rows_on_a_boundary() {
    let (data, mut settings) = (data(), settings());
    settings.sweep_runs = 1;
    let Some((expected, found, widest)) = both(&settings, &data, 1 << 30) else {
        return;
    };
    assert_eq!(widest, 4);
    assert_eq!(found.sweep.len(), ALPHAS.len() + LAMBDAS.len());
    assert_agree(&expected, &found);
}

#[test]
fn little_memory_makes_more_groups_and_the_same_records() {
    let (mut data, mut settings) = (data(), settings());
    data.balanced = true;
    settings.sweep_runs = 0;
    settings.init_seeds = 2;
    settings.sizes[0].runs = 2;
    settings.chunk = 2;
    settings.epochs = 2;
    let Some((expected, wide, widest)) = both(&settings, &data, 1 << 30) else {
        return;
    };
    assert_eq!(widest, 4);
    let (_, narrow, widest) = both(&settings, &data, 120_000).unwrap();
    assert!((1..4).contains(&widest), "{widest}");
    assert_eq!(wide, narrow);
    assert_agree(&expected, &narrow);
}

#[test]
fn other_importances_and_reference_sets_agree_too() {
    let (data, mut settings) = (data(), settings());
    settings.sweep_runs = 0;
    settings.sizes[0].runs = 2;
    settings.chunk = 2;
    settings.epochs = 2;
    settings.methods = ["assd", "ssd"].map(str::to_owned).to_vec();
    for (importance, reference) in [
        ("per-sample-fisher", "retain-original-batches"),
        ("squared-batch-gradient", "retain"),
        ("per-sample-fisher", "full"),
    ] {
        (settings.importance, settings.reference) = (importance.to_owned(), reference.to_owned());
        let Some((expected, found, _)) = both(&settings, &data, 1 << 30) else {
            return;
        };
        assert_agree(&expected, &found);
    }
}

#[test]
fn methods_without_a_lockstep_are_refused_by_name() {
    let refused = |name: &str| check_methods(&[name.to_owned()]).unwrap_err();
    assert!(refused("scrub").hint_text().unwrap().contains("--device cpu"));
    assert!(refused("finetune+assd").message().contains("finetune+assd"));
    assert!(check_methods(&crate::experiments::random_errors::ALL_METHODS.map(str::to_owned)).is_ok());
}
