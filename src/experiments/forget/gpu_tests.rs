//! A small run with the GPU's kernels on the host, beside the same run on the processor.

use super::tests::{bench, options};
use super::*;
use crate::experiments::images::{OnDevice, RecipeChanges};
use crate::experiments::{RunFolder, run};
use crate::nn::images::{Precision, on_host};
use crate::notes::Notes;
use crate::progress::Silent;
use crate::repair::METHODS;

fn records(bench: &mut Bench, folder: &std::path::Path) -> Vec<(String, Record)> {
    let settings = bench.settings().clone();
    let opened = RunFolder::create_or_resume(folder, &settings, None, &mut Notes::new()).unwrap();
    run(&opened, None, bench, &Silent::default(), &mut Notes::new()).unwrap();
    let text = std::fs::read_to_string(folder.join("records.csv")).unwrap();
    assert!(text.lines().count() > 1);
    let mut found = Vec::new();
    for unit in opened.units().unwrap() {
        let records = opened.records(&unit).unwrap().unwrap();
        found.push((unit.key.name.clone(), records[0].clone()));
    }
    found
}

#[test]
fn every_method_runs_on_a_device_and_finds_what_it_finds_on_the_processor() {
    let Some((device, _guard)) = on_host(Precision::Single) else {
        return;
    };
    let options = ForgetOptions {
        parts: vec![("made-up".to_owned(), vec!["class:level".to_owned()])],
        methods: vec!["all".to_owned()],
        rows: Some(64),
        test_rows: Some(60),
        membership_rows: Some(30),
        recipe: RecipeChanges {
            epochs: Some(3),
            ..RecipeChanges::default()
        },
        ..options()
    };
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("cpu"), folder.path().join("gpu"));
    let expected = records(&mut bench(&options, 2), &here);
    let on_device = bench(&options, 2);
    assert!(on_device.fits(&device).unwrap());
    let mut on_device = on_device.on(device, Precision::Single);
    assert_eq!(on_device.settings().device, "cuda f32");
    let found = records(&mut on_device, &there);
    assert_eq!(found.len(), 1 + METHODS.len());
    for ((piece, found), (_, expected)) in found.iter().zip(&expected) {
        assert!(found.failed.is_none() && expected.failed.is_none(), "{piece}: {found:?}");
        let near = |one: u32, other: u32| one.abs_diff(other) <= 4;
        assert!(
            near(found.retain_right, expected.retain_right) && near(found.forget_right, expected.forget_right),
            "{piece}: {found:?} {expected:?}"
        );
        if let (Some(one), Some(other)) = (found.dampened, expected.dampened) {
            assert!(one.abs_diff(other) * 20 <= other.max(100), "{piece}: {one} {other}");
        }
    }
    let error = RunFolder::create_or_resume(&there, bench(&options, 2).settings(), None, &mut Notes::new()).unwrap_err();
    assert!(error.message().contains("other settings"), "{error:?}");
}
