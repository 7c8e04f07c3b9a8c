//! Can the stated probabilities be believed.

use maud::html;

use crate::error::Result;
use crate::evaluate::record::Metrics;
use crate::report::plots::CalibrationPlot;
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "calibration",
    title: "Can the stated probabilities be believed?",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let Some(test) = &context.chosen.test else { return Ok(None) };
    let points = |metrics: &Metrics| {
        metrics
            .calibration
            .iter()
            .map(|bin| (bin.confidence, bin.accuracy, bin.rows))
            .collect::<Vec<_>>()
    };
    let (before, after) = (points(&test.before), points(&test.after));
    if before.is_empty() && after.is_empty() {
        return Ok(None);
    }
    let plot = CalibrationPlot {
        name: "calibration",
        title: "Share right against stated probability, before and after",
        before,
        after,
    }
    .draw()?;
    let markup = html! {
        div.pair {
            (plot.figure("On the dashed line the model is right as often as it says. Larger marks stand for more rows."))
            div {
                p {
                    "On average the stated probability is off by " (format::percent(test.before.calibration_error, 2)) " before and by "
                    (format::percent(test.after.calibration_error, 2)) " after the repair (expected calibration error)."
                }
                p {
                    "This matters if you sort or cut by probability, for instance to call the customers of the likeliest late orders first. "
                    "If you use the predicted class alone, accuracy is what counts."
                }
            }
        }
    };
    Ok(Some(Body { markup, plots: vec![plot] }))
}
