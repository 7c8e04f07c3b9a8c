//! Where the figures come from: enough to make them again.

use maud::{Markup, html};

use crate::evaluate::record::{EvaluationSettings, ModelSummary, Timings};
use crate::report::elements::{facts, theirs};
use crate::report::format;

/// What provenance is told from.
pub struct Provenance<'a> {
    /// The command line.
    pub command: &'a str,
    /// The model.
    pub model: &'a ModelSummary,
    /// How it was evaluated.
    pub settings: &'a EvaluationSettings,
    /// Version of Recant.
    pub version: &'a str,
    /// Version of the record layout.
    pub layout: u32,
    /// Seconds; may be empty.
    pub timings: &'a Timings,
}

impl Provenance<'_> {
    /// Command, data, network, settings, seeds, versions.
    pub fn draw(&self) -> Markup {
        let Self {
            model, settings, timings, ..
        } = self;
        let mut list = vec![
            (
                "Training sheet",
                html! { (theirs(&model.data_file)) " " span.aside.small { "SHA-256 " code { (theirs(&model.data_sha256)) } } },
            ),
            (
                "Network",
                html! {
                    (theirs(&model.network)) ", " (format::counted(model.parameters, "parameter")) ", "
                    (format::counted(model.inputs, "input column")) "; profile " (theirs(&model.profile))
                },
            ),
            (
                "Evaluation",
                html! {
                    (format::counted(settings.resamples, "bootstrap resample"))
                    @if let Some(group) = &settings.group_column { ", whole groups of " (theirs(group)) " together" }
                    "; significance level " (format::number(settings.significance)) ", minimum effect "
                    (format::size_in_points(settings.minimum_effect))
                },
            ),
            ("Seed", html! { (model.seed) " (training), " (settings.seed) " (evaluation)" }),
            (
                "Version",
                html! { "Recant " (theirs(self.version)) ", record layout " (self.layout) },
            ),
        ];
        if !timings.stages.is_empty() {
            let stages = timings.stages.iter().enumerate();
            list.push((
                "Time",
                html! { @for (place, (stage, seconds)) in stages { @if place > 0 { ", " } (theirs(stage)) " " (format::seconds(*seconds)) } },
            ));
        }
        html! {
            pre { code { (format::visible(self.command, 2000)) } }
            (facts(list))
        }
    }
}
