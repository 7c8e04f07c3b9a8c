//! A repair that is better overall and finds one class less often: headline, mark and advice say the same.

use recant::evaluate::record::{Advice, BeforeAfter, LosingClass, RepairRecord, Timings, Verdict};
use recant::report::terminal::{self, Look};
use recant::report::{Context, repair};

use crate::report_fixture as made_up;

/// The rich record with a class of the written model found less often; `protected` where that must not be.
fn losing(protected: bool) -> RepairRecord {
    let mut record = made_up::rich();
    record.recommendation.advice = Some(if protected { Advice::Keep } else { Advice::Use });
    let chosen = record.chosen.clone();
    let method = record.methods.iter_mut().find(|method| method.name == chosen).unwrap();
    assert_eq!(method.verdict(), Some(Verdict::Better));
    method.test.as_mut().unwrap().losing_classes = vec![LosingClass {
        name: "late".to_owned(),
        recall: BeforeAfter {
            before: 0.184,
            after: 0.049,
        },
        precision: Some(BeforeAfter { before: 0.5, after: 0.75 }),
        never_predicted: false,
        p: 0.001,
        protected,
    }];
    record
}

/// As in a narrow terminal, each line put behind the one before again.
fn terminal_text(record: &RepairRecord) -> String {
    let look = Look { width: 60, colour: false };
    let text = terminal::repair(record, &Timings::default(), look).unwrap();
    for line in text.lines().take(3) {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 60, "{line:?}");
    }
    text.replace('\u{a0}', " ").replace("\n  ", " ")
}

#[test]
fn a_class_that_must_not_be_lost_takes_the_word_and_the_mark_away() {
    let record = losing(true);
    let timings = Timings::default();
    let context = Context::new(&record, &timings).unwrap();
    let headline = repair::headline(&context);
    assert_eq!(
        headline,
        "Better overall, but \"late\" is now found 4.9 % of the time, 18.4 % before"
    );
    assert_eq!(repair::badge(&context), ("± a class is lost", "unknown"));
    let text = terminal_text(&record);
    assert!(text.starts_with(&format!("± {headline} ")), "{text}");
    assert!(
        text.contains("Keep the old model.") && !text.contains("made the model better"),
        "{text}"
    );
}

#[test]
fn a_class_with_fewer_false_alarms_in_return_is_told_and_decides_nothing() {
    let record = losing(false);
    let timings = Timings::default();
    let context = Context::new(&record, &timings).unwrap();
    assert_eq!(
        repair::headline(&context),
        "The repair made the model better, but \"late\" is now found 4.9 % of the time, 18.4 % before"
    );
    let text = terminal_text(&record);
    assert!(
        text.starts_with("▲ The repair made the model better, but")
            && text.contains("Where \"late\" is predicted it is right 75.0 % of the time, 50.0 % before.")
            && text.contains("Use the repaired model."),
        "{text}"
    );
}
