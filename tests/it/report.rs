//! Reports: structure, nothing hostile gets through, files whole and equal.

use std::fs;
use std::path::{Path, PathBuf};

use recant::evaluate::record::{RepairRecord, Timings};
use recant::evaluate::train_record::TrainRecord;
use recant::report::terminal::Look;
use recant::report::{self, terminal};

use crate::report_fixture as made_up;

/// Every made-up record, with the name of its preview.
fn records() -> Vec<(&'static str, RepairRecord, Timings)> {
    vec![
        ("rich", made_up::rich(), made_up::timings()),
        ("no-change", made_up::no_change(), Timings::default()),
        ("bare", made_up::bare(), Timings::default()),
        ("hostile", made_up::hostile(), made_up::timings()),
        ("large", made_up::large(), made_up::timings()),
    ]
}

/// Every made-up training.
fn trainings() -> Vec<(&'static str, TrainRecord)> {
    vec![
        ("training", made_up::training()),
        ("training-bare", made_up::bare_training()),
        ("training-hostile", made_up::hostile_training()),
    ]
}

/// Previews lie here after a test run, to be looked at.
fn preview(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-preview").join(name)
}

#[test]
fn a_report_is_one_page_one_workbook_and_its_plots() {
    for (name, record, timings) in records() {
        let paths = report::write_all(&preview(name), &record, &timings).unwrap();
        assert!(fs::metadata(&paths.html).unwrap().len() > 10_000, "{name}");
        assert!(fs::metadata(paths.workbook.unwrap()).unwrap().len() > 5_000, "{name}");
        for plot in &paths.plots {
            assert!(plot.exists(), "{name}: {}", plot.display());
        }
    }
}

#[test]
fn a_training_report_is_a_page_and_its_plots() {
    for (name, record) in trainings() {
        let paths = report::write_training(&preview(name), &record, &Timings::default()).unwrap();
        assert!(fs::metadata(&paths.html).unwrap().len() > 10_000, "{name}");
        assert_eq!(paths.workbook, None);
    }
}

#[test]
fn terminal_text_fits_its_width() {
    for (name, record, timings) in records() {
        for width in [60, 80, 120] {
            let text = terminal::repair(&record, &timings, Look { width, colour: false }).unwrap();
            for line in text.lines() {
                let wide = unicode_width::UnicodeWidthStr::width(line);
                assert!(wide <= width, "{name} at {width}: {wide} columns in {line:?}");
            }
        }
    }
}
