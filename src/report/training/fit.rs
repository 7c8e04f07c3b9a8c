//! How it was trained: settings, search, loss by epoch, and the same figures on training, validation and test rows.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::record::Metrics;
use crate::evaluate::train_record::{SearchRecord, TrainRecord};
use crate::report::elements::{Cell, Column, table, theirs};
use crate::report::parts::metrics::METRICS;
use crate::report::plots::{CurvePlot, Plot, Series};
use crate::report::training::{TrainContext, TrainSection};
use crate::report::{Body, Section, format};

pub const SECTION: TrainSection = Section {
    id: "training",
    title: "How it was trained",
    draw,
};

/// Trials of a search that the page lists.
const TRIALS_SHOWN: usize = 30;

fn draw(context: &TrainContext<'_>) -> Result<Option<Body>> {
    let record = context.record;
    let training = &record.training;
    let plot = loss(record)?;
    let markup = html! {
        p {
            (format::counted(training.epochs, "epoch"))
            @if let Some(most) = training.most_epochs { " (of " (format::count(most)) "; chosen on rows that were not trained on)" }
            " in batches of " (format::counted(training.batch, "row")) "; learning rate " (format::number(training.learning_rate))
            @if training.most_epochs.is_some() { " at its highest, falling along half a cosine; dropout 20 %; averaged weights" }
            @else { ", multiplied by " (format::number(training.decay)) " from epoch to epoch" }
            "; weight decay "
            (format::number(training.weight_decay))
            @if let Some(temperature) = training.temperature { "; logits divided by " (format::number(temperature)) " (temperature, chosen on the same rows)" }
            "; classes "
            @match &training.class_weights {
                Some(weights) => { "weighted (" @for (place, weight) in weights.iter().take(12).enumerate() { @if place > 0 { ", " } (format::number(*weight)) } ")" },
                None => "not weighted",
            }
            "."
        }
        div.pair {
            @if let Some(plot) = &plot { (plot.figure("A line that still falls at the end would go on falling with more epochs.")) }
            div {
                (parts(record))
                p.aside.small { "Figures far better on the training rows than on the test rows mean that the model learned rows by heart, or that the world changed." }
            }
        }
        @if let Some(search) = &record.search { (trials(search)) }
    };
    Ok(Some(Body {
        markup,
        plots: plot.into_iter().collect(),
    }))
}

fn loss(record: &TrainRecord) -> Result<Option<Plot>> {
    if record.epochs.len() < 2 {
        return Ok(None);
    }
    let points = record.epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.loss));
    let plot = CurvePlot {
        name: "training-loss",
        title: "Training loss by epoch",
        across: "epoch",
        up: "mean loss of the training rows",
        logarithmic: false,
        percent: false,
        series: vec![Series {
            label: "training loss".to_owned(),
            points: points.collect(),
        }],
        marker: None,
    };
    plot.draw().map(Some)
}

fn parts(record: &TrainRecord) -> Markup {
    let parts: Vec<(&str, &Metrics)> = [
        ("training", Some(&record.training_metrics)),
        ("validation", record.validation.as_ref()),
        ("test", record.test.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, metrics)| Some((name, metrics?)))
    .collect();
    let mut columns = vec![Column::text("figure")];
    columns.extend(parts.iter().map(|(name, _)| Column::figures(name)));
    let rows = METRICS.iter().map(|metric| {
        let mut cells = vec![Cell::Words(metric.name.to_owned())];
        cells.extend(parts.iter().map(|(_, metrics)| Cell::Figure((metric.show)((metric.of)(metrics)))));
        cells
    });
    table("The same figures on every part of the rows", &columns, rows.collect())
}

fn trials(search: &SearchRecord) -> Markup {
    let columns = [
        Column::figures("trial"),
        Column::figures("learning rate"),
        Column::figures("weight decay"),
        Column::figures_of(&search.measure),
        Column::text(""),
    ];
    let rows = search.trials.iter().enumerate().take(TRIALS_SHOWN).map(|(place, trial)| {
        vec![
            Cell::Figure((place + 1).to_string()),
            Cell::Figure(format::number(trial.learning_rate)),
            Cell::Figure(format::number(trial.weight_decay)),
            Cell::Figure(
                trial
                    .score
                    .map_or_else(|| format::UNKNOWN.to_owned(), |score| format::decimal(score, 4)),
            ),
            Cell::Words(if place == search.chosen { "chosen" } else { "" }.to_owned()),
        ]
    });
    html! {
        h3 { "Hyper-parameter search" }
        p { (format::counted(search.trials.len(), "trial")) " by " (theirs(&search.sampler)) ", compared by " (theirs(&search.measure)) "; test rows played no part." }
        (table("Trials, in order", &columns, rows.collect()))
        @if search.trials.len() > TRIALS_SHOWN { p.aside { "The other trials are in training.json; trial " (search.chosen + 1) " was chosen." } }
    }
}
