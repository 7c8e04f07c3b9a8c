//! What was changed inside the model: how many parameters, where, and by which cut.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::record::Dampening;
use crate::report::elements::{Cell, Column, table};
use crate::report::plots::{Plot, RatioPlot};
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "dampening",
    title: "What was changed inside the model",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let Some(dampening) = &context.chosen.dampening else {
        return Ok(None);
    };
    let plot = plot(dampening)?;
    let markup = html! {
        p {
            "The model holds " (format::counted(dampening.parameters, "number")) " learned from the training rows. "
            @if dampening.dampened == 0 { "None of them was changed." }
            @else {
                "The repair weakened " (format::count(dampening.dampened)) " of them ("
                (format::share(dampening.dampened, dampening.parameters, 2)) "): those that matter far more for the flagged rows than for the rest. "
                @if dampening.zeroed > 0 { (format::count(dampening.zeroed)) " became zero. " }
                "All others are untouched."
            }
        }
        div.pair {
            @if let Some(plot) = &plot {
                (plot.figure("Bars: parameters by how much more they matter for the flagged rows. Right of the cut they are dampened. The scale of counts is logarithmic."))
            }
            @if dampening.dampened > 0 { div { (layers(dampening)) } }
        }
        p.aside.small {
            "Importance: " (format::visible(&dampening.importance, 80)) ", compared with the " (format::visible(&dampening.reference, 80))
            "; selection weighting alpha " (format::number(dampening.alpha))
            @if let Some(percentile) = dampening.percentile { ", the " (format::number(percentile)) "th percentile of the ratios" }
            "; dampening constant lambda " (format::number(dampening.lambda)) "."
        }
    };
    Ok(Some(Body {
        markup,
        plots: plot.into_iter().collect(),
    }))
}

fn plot(dampening: &Dampening) -> Result<Option<Plot>> {
    if dampening.ratio_histogram.iter().all(|bin| bin.count == 0) {
        return Ok(None);
    }
    let plot = RatioPlot {
        name: "importance-ratios",
        title: "Importance of the parameters for the flagged rows against the rest, with the cut",
        bins: dampening.ratio_histogram.iter().map(|bin| (bin.low, bin.high, bin.count)).collect(),
        alpha: dampening.alpha,
    };
    plot.draw().map(Some)
}

fn layers(dampening: &Dampening) -> Markup {
    let columns = [
        Column::text("part of the network"),
        Column::figures("parameters"),
        Column::figures("dampened"),
        Column::figures("share"),
    ];
    let rows = dampening.tensors.iter().map(|layer| {
        vec![
            Cell::Theirs(layer.tensor.clone()),
            Cell::Figure(format::count(layer.parameters)),
            Cell::Figure(format::count(layer.dampened)),
            Cell::Figure(format::share(layer.dampened, layer.parameters, 2)),
        ]
    });
    table("Dampened parameters per layer, from input to output", &columns, rows.collect())
}
