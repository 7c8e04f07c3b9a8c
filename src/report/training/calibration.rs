//! Can the stated probabilities be believed.

use maud::html;

use crate::error::Result;
use crate::report::plots::CalibrationPlot;
use crate::report::training::{TrainContext, TrainSection};
use crate::report::{Body, Section, format};

pub const SECTION: TrainSection = Section {
    id: "calibration",
    title: "Can the stated probabilities be believed?",
    draw,
};

fn draw(context: &TrainContext<'_>) -> Result<Option<Body>> {
    let Some(test) = context.record.test.as_ref().filter(|test| !test.calibration.is_empty()) else {
        return Ok(None);
    };
    let points = test.calibration.iter().map(|bin| (bin.confidence, bin.accuracy, bin.rows));
    let plot = CalibrationPlot {
        name: "calibration",
        title: "Share right against stated probability",
        before: Vec::new(),
        after: points.collect(),
    }
    .draw()?;
    let markup = html! {
        div.pair {
            (plot.figure("On the dashed line the model is right as often as it says. Larger marks stand for more rows."))
            p { "On average the stated probability is off by " (format::percent(test.calibration_error, 2)) " (expected calibration error)." }
        }
    };
    Ok(Some(Body { markup, plots: vec![plot] }))
}
