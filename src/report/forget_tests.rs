//! What the first screen tells.

use super::*;
use crate::experiments::forget::{Bench, ForgetOptions};
use crate::experiments::images::{Reading, RecipeChanges};
use crate::notes::Notes;

fn method(name: &str, forget: f64) -> MethodReport {
    let spread = |mean| Spread { mean, sd: None, count: 1 };
    MethodReport {
        method: name.to_owned(),
        retain: spread(0.5),
        forget: spread(forget),
        membership: spread(0.25),
        seconds: None,
        dampened: None,
        published: None,
        failed: 0,
    }
}

fn task(name: &str, methods: Vec<MethodReport>) -> TaskReport {
    TaskReport {
        part: 0,
        dataset: "made-up".to_owned(),
        task: name.to_owned(),
        forget_rows: 100,
        judged_on_training: name.starts_with("random"),
        table: None,
        methods,
        sweep: Vec::new(),
        assd_alpha: None,
    }
}

fn report(tasks: Vec<TaskReport>) -> ForgetReport {
    let options = ForgetOptions {
        parts: vec![("made-up".to_owned(), vec!["class:level".to_owned()])],
        network: None,
        weights: None,
        methods: vec!["assd".to_owned(), "retrain".to_owned()],
        seeds: 1,
        rows: None,
        test_rows: None,
        membership_rows: None,
        recipe: RecipeChanges::default(),
        augmentation: None,
        importance: crate::nn::ImportanceKind::SquaredBatchGradient,
        reference: crate::repair::Reference::Full,
        alpha: None,
        lambda: None,
        sweep: false,
        seed: 1,
    };
    let bench = Bench::new(&options, &Reading::default(), 1, &mut Notes::new()).unwrap();
    ForgetReport {
        settings: bench.settings().clone(),
        pieces: (5, 9),
        tasks,
    }
}

#[test]
fn means_are_over_tasks_of_one_kind_that_have_every_method() {
    let whole = |name: &str, forget| task(name, vec![method(BASELINE, 0.9), method("assd", forget), method("retrain", 0.0)]);
    let two = report(vec![whole("class:level", 0.2), whole("class:rising", 0.4)]);
    assert!((mean_of(&two, "assd", forget).unwrap() - 0.3).abs() < 1e-12);
    assert_eq!(
        headline(&two),
        "ASSD: forget accuracy from 90.0\u{a0}% to 30.0\u{a0}% (retraining: 0.0\u{a0}%), 0.0 points on the rest"
    );
    let part = task("class:rising", vec![method(BASELINE, 0.1), method("assd", 0.8)]);
    for other in [part, whole("random:1%", 0.8)] {
        let found = report(vec![whole("class:level", 0.2), other]);
        assert_eq!(mean_of(&found, BASELINE, forget), Some(0.9));
        assert!(headline(&found).starts_with("ASSD on class:level: forget accuracy from 90.0\u{a0}% to 20.0\u{a0}%"));
        let text = html(&found).unwrap().0;
        assert!(
            text.contains("The table is of") && text.contains("made-up class:level"),
            "what the table leaves out is said"
        );
    }
    assert_eq!(headline(&report(Vec::new())), "Nothing to compare yet");
}
