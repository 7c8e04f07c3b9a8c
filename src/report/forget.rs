//! The report of a forgetting benchmark: ours beside the published figures, as in tables 1 to 3 and figures 2 and 3 of arXiv 2402.10098.

use std::collections::BTreeSet;
use std::path::Path;

use maud::{Markup, html};

use crate::datasets::published::SOURCE;
use crate::error::Result;
use crate::experiments::forget::settings::PartSettings;
use crate::experiments::forget::summary::{ForgetReport, MethodReport, Spread, SweepPoint, TaskReport, published_network};
use crate::experiments::forget::task::published_place;
use crate::experiments::forget::{BASELINE, settings::ForgetSettings};
use crate::nn::images::{Length, Schedule};
use crate::repair::METHODS;
use crate::report::elements::{Cell, Column, facts, table, theirs};
use crate::report::page::Page;
use crate::report::plots::{CurvePlot, DumbbellPlot, DumbbellRow, Marker, Plot, Series};
use crate::report::{Body, ReportPaths, Section, assemble, footer, format, write_benchmark};

/// A section of the report of a benchmark.
pub type ForgetSection = Section<fn(&ForgetReport) -> Result<Option<Body>>>;

/// All sections, in the order of the page.
pub const SECTIONS: &[ForgetSection] = &[
    ForgetSection {
        id: "tasks",
        title: "By task",
        draw: tasks,
    },
    ForgetSection {
        id: "sweep",
        title: "SSD over alpha and lambda",
        draw: sweeps,
    },
    ForgetSection {
        id: "settings",
        title: "Settings",
        draw: settings,
    },
    ForgetSection {
        id: "words",
        title: "What the figures are",
        draw: words,
    },
];

/// The report as one HTML file, and its plots.
///
/// # Errors
/// Only by a fault of ours.
pub fn html(report: &ForgetReport) -> Result<(String, Vec<Plot>)> {
    let (parts, plots) = assemble(SECTIONS, |draw| draw(report))?;
    let page = Page {
        title: &format!("{}: forgetting benchmark, {}", headline(report), report.settings.network),
        kind: "Forgetting benchmark",
        first_screen: first_screen(report),
        parts: &parts,
        footer: &footer(&report.settings.recant_version),
    };
    Ok((page.render(), plots))
}

/// Writes `report.html`, `report.json`, `summary.csv` and `plots/*.svg` into a folder.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write(folder: &Path, report: &ForgetReport) -> Result<ReportPaths> {
    write_benchmark(folder, report, &summary_csv(report), html(report)?)
}

/// Tasks whose figures may be averaged: those of the first one's kind that have every method which any of them has, so that methods are
/// compared over the same tasks; where there is none, the first that has most.
fn comparable(report: &ForgetReport) -> Vec<&TaskReport> {
    let first = report.tasks.first().map(kind);
    let tasks: Vec<&TaskReport> = report.tasks.iter().filter(|task| Some(kind(task)) == first).collect();
    let all: BTreeSet<&str> = tasks
        .iter()
        .flat_map(|task| task.methods.iter().map(|found| found.method.as_str()))
        .collect();
    let whole: Vec<&TaskReport> = tasks.iter().copied().filter(|task| task.methods.len() == all.len()).collect();
    if !whole.is_empty() {
        return whole;
    }
    let most = tasks.iter().map(|task| task.methods.len()).max();
    tasks
        .into_iter()
        .find(|task| Some(task.methods.len()) == most)
        .into_iter()
        .collect()
}

/// Class, sub-class or random.
fn kind(task: &TaskReport) -> &str {
    task.task.split(':').next().unwrap_or_default()
}

/// Mean over the comparable tasks of a figure of one method; `None` where no task has it.
fn mean_of(report: &ForgetReport, method: &str, figure: fn(&MethodReport) -> Option<f64>) -> Option<f64> {
    let all = comparable(report).into_iter().flat_map(|task| &task.methods);
    let found: Vec<f64> = all.filter(|found| found.method == method).filter_map(figure).collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

fn retain(found: &MethodReport) -> Option<f64> {
    Some(found.retain.mean)
}

fn forget(found: &MethodReport) -> Option<f64> {
    Some(found.forget.mean)
}

/// Says what ASSD did, or the first method where it was not run.
fn headline(report: &ForgetReport) -> String {
    let methods = &report.settings.methods;
    let told = methods.iter().find(|name| *name == "assd").or(methods.first());
    let figures = told.and_then(|name| {
        let change = mean_of(report, name, retain)? - mean_of(report, BASELINE, retain)?;
        Some((name, mean_of(report, BASELINE, forget)?, mean_of(report, name, forget)?, change))
    });
    match figures {
        None => "Nothing to compare yet".to_owned(),
        Some((name, before, after, change)) => {
            let retraining = mean_of(report, "retrain", forget).filter(|_| name != "retrain");
            let retraining = retraining.map(|retraining| format!(" (retraining: {})", format::percent(retraining, 1)));
            let place = match comparable(report)[..] {
                [task] if report.tasks.len() > 1 => format!(" on {}", task.task),
                _ => String::new(),
            };
            // "ASSD" of "ASSD (adaptive selective synaptic dampening)".
            let title = METHODS
                .iter()
                .find(|method| method.name() == name)
                .map_or(name.as_str(), |method| method.title());
            let name = title.split(" (").next().unwrap_or(title);
            format!(
                "{name}{place}: forget accuracy from {} to {}{}, {} on the rest",
                format::percent(before, 1),
                format::percent(after, 1),
                retraining.unwrap_or_default(),
                format::points(change, 1)
            )
        }
    }
}

fn methods_of(settings: &ForgetSettings) -> impl Iterator<Item = &str> {
    std::iter::once(BASELINE).chain(settings.methods.iter().map(String::as_str))
}

fn first_screen(report: &ForgetReport) -> Markup {
    let (done, planned) = report.pieces;
    let settings = &report.settings;
    let columns = [
        Column::text("method"),
        Column::figures("retain accuracy"),
        Column::figures("forget accuracy"),
        Column::figures("membership inference"),
        Column::figures("time"),
        Column::figures("of retraining"),
    ];
    let rows = methods_of(settings).filter_map(|method| {
        let seconds = mean_of(report, method, |found| found.seconds);
        let retraining = mean_of(report, "retrain", |found| found.seconds);
        let of_retraining = seconds
            .zip(retraining)
            .filter(|(_, retraining)| *retraining > 0.0 && method != BASELINE);
        Some(vec![
            Cell::Words(format::visible(method, 60).into_owned()),
            Cell::Figure(format::percent(mean_of(report, method, retain)?, 2)),
            Cell::Figure(format::percent_or_unknown(mean_of(report, method, forget), 2)),
            Cell::Figure(format::percent_or_unknown(
                mean_of(report, method, |found| Some(found.membership.mean)),
                2,
            )),
            Cell::Figure(seconds.map(format::seconds).unwrap_or_default()),
            Cell::Figure(
                of_retraining
                    .map(|(own, retraining)| format::percent(own / retraining, 1))
                    .unwrap_or_default(),
            ),
        ])
    });
    html! {
        h1 { (theirs(&headline(report))) }
        p {
            (theirs(&settings.network)) ", " (format::counted(report.tasks.len(), "task")) ", "
            (format::counted(settings.seeds as usize, "model")) " each. "
            @if done < planned { (format::count(done)) " of " (format::counted(planned, "result")) " are there; the rest is missing below. " }
            "A good method brings the forget accuracy and the membership-inference success rate down to where retraining without the forgotten images "
            "has them, and leaves the retain accuracy where it was."
        }
        @if comparable(report).len() < report.tasks.len() {
            p {
                "The table is of " (theirs(&names(&comparable(report)))) ": tasks of several kinds do not mean the same by their figures, and means are "
                "taken over tasks that have every result. The others stand below."
            }
        }
        @for part in &settings.parts { @if let Some(told) = reduced(&settings.network, part) { p { (told) } } }
        (table("Means over tasks and models", &columns, rows.collect()))
    }
}

/// The tasks' names.
fn names(tasks: &[&TaskReport]) -> String {
    let name = |task: &&TaskReport| format!("{} {}", task.dataset, task.task);
    tasks.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What was left out of a set or changed about its training, in a sentence.
fn reduced(network: &str, part: &PartSettings) -> Option<String> {
    let mut told = Vec::new();
    for (name, (used, whole)) in [("training", part.training_rows), ("test", part.test_rows)] {
        if used < whole {
            told.push(format!(
                "{} of {} {name} images, drawn at random",
                format::count(used),
                format::count(whole)
            ));
        }
    }
    let published = crate::experiments::images::data::dataset(&part.dataset)
        .ok()
        .map(|about| (about.forgetting.recipe)(network, part.classes));
    if published.is_some_and(|recipe| recipe != part.recipe) {
        told.push(format!("not the published training but {}", length(part)));
    }
    (!told.is_empty()).then(|| {
        let published = part.tasks.iter().any(|task| published_place(&part.dataset, &task.task).is_some());
        let beside = if published {
            " The published figures are of the whole set and training."
        } else {
            ""
        };
        format!("{}: {}.{beside}", part.dataset, told.join("; "))
    })
}

fn length(part: &PartSettings) -> String {
    let recipe = &part.recipe;
    let length = match recipe.length {
        Length::Epochs(epochs) => format::counted(epochs, "epoch"),
        Length::Steps(steps) => format::counted(steps, "step"),
    };
    format!(
        "{length} in batches of {}, learning rate {}",
        recipe.batch,
        format::number(recipe.learning_rate)
    )
}

fn show(spread: &Spread) -> String {
    let sd = spread
        .sd
        .map(|sd| format!(" ± {}", format::decimal(sd * 100.0, 2)))
        .unwrap_or_default();
    format!("{}{sd}", format::decimal(spread.mean * 100.0, 2))
}

fn theirs_in_print(figure: Option<(f64, f64)>) -> Cell {
    Cell::Figure(figure.map_or_else(String::new, |(mean, sd)| {
        format!("{} ± {}", format::decimal(mean * 100.0, 2), format::decimal(sd * 100.0, 2))
    }))
}

/// A table per task, and what became of both accuracies as a plot.
fn tasks(report: &ForgetReport) -> Result<Option<Body>> {
    let mut plots = Vec::new();
    let mut drawn = Vec::new();
    for (number, task) in report.tasks.iter().enumerate() {
        let own = [("retain", "accuracy on what is kept"), ("forget", "accuracy on what is forgotten")]
            .into_iter()
            .map(|(name, axis)| dumbbells(task, number, name, axis))
            .collect::<Result<Vec<Plot>>>()?;
        drawn.push(html! {
            h3 { (theirs(&format!("{}, {}", task.dataset, task.task))) }
            p {
                (format::counted(task.forget_rows as usize, "training image")) " to forget. "
                @if task.judged_on_training { "Forget accuracy is that on these images; retain accuracy is that on all test images. " }
                @else { "Both accuracies are on test images. " }
                @if let Some(number) = task.table { "Published: table " (number) " of " (SOURCE) ", " (published_network(&report.settings.network)) "." }
            }
            (task_table(task))
            @for plot in &own { (plot.figure("Hollow: as trained. Filled: after the method.")) }
        });
        plots.extend(own);
    }
    Ok(Some(Body {
        markup: html! { @for one in &drawn { (one) } },
        plots,
    }))
}

fn task_table(task: &TaskReport) -> Markup {
    let mut columns = vec![
        Column::text("method"),
        Column::figures("retain, %"),
        Column::figures("forget, %"),
        Column::figures("members, %"),
        Column::figures("dampened"),
        Column::figures("time"),
    ];
    let published = task.table.is_some();
    if published {
        columns.extend(["retain, published", "forget, published", "members, published"].map(Column::figures));
    }
    let rows = task.methods.iter().map(|found| {
        let mut name = format::visible(&found.method, 60).into_owned();
        if found.failed > 0 {
            name = format!("{name} (failed in {})", found.failed);
        }
        let mut row = vec![
            Cell::Words(name),
            Cell::Figure(show(&found.retain)),
            Cell::Figure(show(&found.forget)),
            Cell::Figure(show(&found.membership)),
            Cell::Figure(found.dampened.map(|share| format::percent(share, 3)).unwrap_or_default()),
            Cell::Figure(found.seconds.map(format::seconds).unwrap_or_default()),
        ];
        if published {
            let figures = found.published.as_ref();
            row.push(theirs_in_print(figures.map(|figures| figures.retain)));
            row.push(theirs_in_print(figures.map(|figures| figures.forget)));
            row.push(theirs_in_print(figures.map(|figures| figures.membership)));
        }
        row
    });
    table("Mean and standard deviation over models", &columns, rows.collect())
}

fn dumbbells(task: &TaskReport, number: usize, name: &str, axis: &str) -> Result<Plot> {
    let figure = |found: &MethodReport| if name == "retain" { found.retain.mean } else { found.forget.mean };
    let before = task.methods.iter().find(|found| found.method == BASELINE).map(figure);
    let after = task.methods.iter().filter(|found| found.method != BASELINE);
    let rows = after.map(|found| DumbbellRow {
        label: found.method.clone(),
        before,
        after: Some(figure(found)),
    });
    DumbbellPlot {
        name: &format!("{name}-{}", number + 1),
        title: &format!("{}, {}", task.dataset, task.task),
        axis,
        rows: rows.collect(),
    }
    .draw()
}

/// Figures 2 and 3.
fn sweeps(report: &ForgetReport) -> Result<Option<Body>> {
    let mut plots = Vec::new();
    for (number, task) in report.tasks.iter().enumerate().filter(|(_, task)| !task.sweep.is_empty()) {
        let settings = report.settings.parts.get(task.part);
        let Some(own) = settings.and_then(|part| part.tasks.iter().find(|other| other.task == task.task)) else {
            continue;
        };
        let over_alpha = task.sweep.iter().filter(|point| point.lambda == own.lambda);
        let over_lambda = task.sweep.iter().filter(|point| point.alpha == own.alpha);
        let assd_alpha = task.assd_alpha.map(|x| Marker {
            label: "ASSD".to_owned(),
            x,
        });
        let assd_lambda = Some(Marker {
            label: "ASSD".to_owned(),
            x: 1.0,
        });
        let title = |fixed: &str| format!("{}, {}, {fixed}", task.dataset, task.task);
        let (lambda, alpha) = (format::number(own.lambda), format::number(own.alpha));
        plots.push(curves(
            &format!("alpha-{}", number + 1),
            &title(&format!("lambda {lambda}")),
            "alpha",
            over_alpha.map(|point| (point.alpha, *point)).collect(),
            assd_alpha,
        )?);
        plots.push(curves(
            &format!("lambda-{}", number + 1),
            &title(&format!("alpha {alpha}")),
            "lambda",
            over_lambda.map(|point| (point.lambda, *point)).collect(),
            assd_lambda,
        )?);
    }
    if plots.is_empty() {
        return Ok(None);
    }
    Ok(Some(Body {
        markup: html! {
            p { "SSD with every alpha at the task's lambda and every lambda at its alpha, from importances that were measured once; what ASSD chooses by itself is marked." }
            @for plot in &plots { (plot.figure(&format!("{}. Means over models; dashed: what ASSD chose.", plot.title))) }
        },
        plots,
    }))
}

fn curves(name: &str, title: &str, across: &str, mut points: Vec<(f64, SweepPoint)>, marker: Option<Marker>) -> Result<Plot> {
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    let series = |label: &str, figure: fn(&SweepPoint) -> f64| Series {
        label: label.to_owned(),
        points: points.iter().map(|(x, point)| (*x, figure(point))).collect(),
    };
    CurvePlot {
        name,
        title,
        across,
        up: "share",
        logarithmic: true,
        percent: true,
        series: vec![
            series("retain accuracy", |point| point.retain),
            series("forget accuracy", |point| point.forget),
            series("membership inference", |point| point.membership),
        ],
        marker,
    }
    .draw()
}

fn settings(report: &ForgetReport) -> Result<Option<Body>> {
    let settings = &report.settings;
    Ok(Some(Body::plain(html! {
        (facts(vec![
            ("Network", theirs(&settings.network)),
            ("Training starts from", html! {
                @match &settings.weights {
                    None => "weights drawn at random",
                    Some(weights) => {
                        "published weights (SHA-256 " (theirs(&weights.sha256)) ") and a head drawn at random; images resized to "
                        (weights.pixels) " × " (weights.pixels)
                    }
                }
            }),
            ("Importance", html! { (settings.importance.title()) }),
            ("Compared with", html! { (settings.reference.title()) }),
            ("Membership inference learns from", html! {
                @match settings.membership_rows { None => "all kept training images", Some(rows) => (format::count(rows)) }
                @if settings.membership_rows.is_some() { " kept training images, drawn at random" }
            }),
            ("Models", html! { (settings.seeds) }),
            ("Run seed", html! { (settings.seed) }),
        ]))
        @for part in &settings.parts {
            h3 { (theirs(&part.dataset)) }
            (facts(part_facts(part)))
        }
    })))
}

fn part_facts(part: &PartSettings) -> Vec<(&'static str, Markup)> {
    let of = |(used, whole): (usize, usize)| {
        if used == whole {
            format::count(used)
        } else {
            format!("{} of {}", format::count(used), format::count(whole))
        }
    };
    let recipe = &part.recipe;
    let schedule = match &recipe.schedule {
        Schedule::Milestones {
            milestones,
            factor,
            warm_up,
        } => format!(
            "{} of warm-up, times {} at epochs {}",
            format::counted(*warm_up, "epoch"),
            format::number(*factor),
            milestones.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
        ),
        Schedule::Linear { warm_up, reach } => format!(
            "warm-up for {} of the steps, then in a straight line that would reach 0 at {} times the steps",
            format::percent(*warm_up, 0),
            format::number(*reach)
        ),
    };
    let ssd = part.tasks.iter().map(|task| {
        format!(
            "{}: alpha {}, lambda {}",
            task.task,
            format::number(task.alpha),
            format::number(task.lambda)
        )
    });
    vec![
        ("Training images", html! { (of(part.training_rows)) }),
        ("Test images", html! { (of(part.test_rows)) }),
        ("Classes", html! { (part.classes) }),
        ("Parameters", html! { (format::count(part.parameters)) }),
        (
            "Training",
            html! { (length(part)) ", momentum " (format::number(recipe.momentum)) ", weight decay " (format::number(recipe.weight_decay)) },
        ),
        ("Learning rate", html! { (schedule) }),
        (
            "Augmentation",
            html! {
                "crop after padding by " (part.augmentation.crop_padding)
                @if part.augmentation.alternating { ", mirrored every second epoch" } @else if part.augmentation.flip { ", mirrored half of the time" }
                ", turned by up to " (format::number(part.augmentation.degrees)) " degrees"
            },
        ),
        ("SSD", theirs(&ssd.collect::<Vec<_>>().join("; "))),
        ("Data (SHA-256 of what was used)", theirs(&part.data_sha256)),
    ]
}

fn words(report: &ForgetReport) -> Result<Option<Body>> {
    let methods = METHODS
        .iter()
        .filter(|method| report.settings.methods.iter().any(|name| name == method.name()));
    Ok(Some(Body::plain(html! {
        ul {
            li { "baseline: the model as it was trained, before anything is forgotten." }
            @for method in methods { li { (method.name()) ": " (method.title()) "." } }
            li { "Retain accuracy: share of the test images outside the forgotten class that is predicted right; all test images where random images are forgotten." }
            li { "Forget accuracy: the same on the test images of the forgotten class; on the forgotten training images themselves where those were drawn at random." }
            li { "Membership-inference success rate: a logistic regression of balanced classes on the entropy of the output learns to tell kept training images from test images; the figure is the share of the forgotten training images that it takes for training images." }
            li { "Time: of the method alone, on this machine; the importances over all training images are measured once for each model and not counted. That of the baseline is its training." }
        }
    })))
}

/// The figures as CSV, fractions as fractions.
fn summary_csv(report: &ForgetReport) -> String {
    let mut text = String::from(
        "dataset,task,method,models,retain,retain_sd,forget,forget_sd,membership,membership_sd,dampened,seconds,failed,published_retain,published_retain_sd,published_forget,published_forget_sd,published_membership,published_membership_sd\n",
    );
    let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for task in &report.tasks {
        for found in &task.methods {
            let mut cells = vec![
                quoted(&task.dataset),
                quoted(&task.task),
                quoted(&found.method),
                found.retain.count.to_string(),
            ];
            for spread in [&found.retain, &found.forget, &found.membership] {
                cells.extend([cell(Some(spread.mean)), cell(spread.sd)]);
            }
            cells.extend([cell(found.dampened), cell(found.seconds), found.failed.to_string()]);
            let published = found.published;
            for pick in [
                published.map(|figures| figures.retain),
                published.map(|figures| figures.forget),
                published.map(|figures| figures.membership),
            ] {
                cells.extend([cell(pick.map(|(mean, _)| mean)), cell(pick.map(|(_, sd)| sd))]);
            }
            text.push_str(&cells.join(","));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
#[path = "forget_tests.rs"]
mod tests;
