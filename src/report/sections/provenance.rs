//! Where the figures come from: enough to make them again.

use maud::html;

use crate::error::Result;
use crate::report::elements::{facts, theirs};
use crate::report::{Body, Context, Section, format};

pub const SECTION: Section = Section {
    id: "provenance",
    title: "Where these figures come from",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let record = context.record;
    let model = &record.model;
    let settings = &record.settings;
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
                (format::points(settings.minimum_effect, 2).trim_start_matches('+'))
            },
        ),
        ("Seed", html! { (model.seed) " (training), " (settings.seed) " (evaluation)" }),
        (
            "Version",
            html! { "Recant " (theirs(&record.recant_version)) ", record layout " (record.record_version) },
        ),
    ];
    if !context.timings.stages.is_empty() {
        list.push((
            "Time",
            html! { @for (place, (stage, seconds)) in context.timings.stages.iter().enumerate() { @if place > 0 { ", " } (theirs(stage)) " " (format::seconds(*seconds)) } },
        ));
    }
    Ok(Some(Body::plain(html! {
        pre { code { (format::visible(&record.command, 2000)) } }
        (facts(list))
    })))
}
