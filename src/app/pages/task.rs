//! The task: what is predicted, from which columns, and what gives the answer away. Kept as a profile beside the sheet.

mod cuts;

use std::sync::Arc;

use maud::{Markup, html};

use super::elements::{command, form, select};
use super::sheet::{Part, reading_of, steps};
use super::{App, Page, asked_item};
use crate::app::folder::{Item, Kind, is_plain};
use crate::app::line::Line;
use crate::app::reading::Reading;
use crate::app::requests::{Answer, Asked, Fault};
use crate::commands::{InspectSheet, InspectedSheet, Run, SheetSource, inspect_sheet};
use crate::error::{Error, Result};
use crate::features::{Chosen, ColumnReport, Filter, Finding, Inspection, Overrides, Profile, Role, TimeRule, TimeSort, inspect};
use crate::files;
use crate::notes::Notes;
use crate::progress::Silent;
use crate::report::elements::{callout, facts, prose, theirs, theirs_short};
use crate::report::format;
use crate::report::terminal::{kind, role};
use crate::tables::Table;

/// The profile that lies beside a sheet, where one does.
pub(super) fn profile_beside(item: &Item) -> Option<std::path::PathBuf> {
    Profile::find(&item.path).filter(|path| is_plain(path))
}

/// What the inspection of a sheet says with the profile that lies beside it.
pub(super) fn inspected(app: &App, item: &Item, reading: &Reading) -> Result<Arc<InspectedSheet>> {
    let opened = app.sheets.open(item, reading)?;
    let beside = profile_beside(item);
    let key = beside.as_ref().and_then(|path| {
        let about = std::fs::metadata(path).ok()?;
        Some((path.clone(), about.len(), about.modified().ok()))
    });
    let silent = Silent::default();
    let run = Run {
        seed: app.seed,
        threads: app.threads,
        command: String::new(),
        progress: &silent,
    };
    let profile = beside.map(|path| path.display().to_string());
    opened.inspected(&key, || {
        inspect_sheet(
            &run,
            &InspectSheet {
                sheet: SheetSource::Table(&opened.table),
                reading: reading.options(),
                profile: profile.as_deref(),
                overrides: Overrides::default(),
                write_profile: None,
            },
        )
    })
}

/// The task of a sheet.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let reading = reading_of(app, &item.name)?;
    let base = format!("/sheets/{}", item.id);
    let found = inspected(app, &item, &reading)?;
    let inspection = &found.inspection;
    let profile = Profile::from_toml(&inspection.profile_toml)?;
    let beside = profile_beside(&item);
    let line = Line::new("inspect").path(&item.name);
    let line = match &beside {
        Some(path) => line.option("--profile", &path.display().to_string()),
        None => line.option("--write-profile", &own_profile(&item.name)),
    };
    let content = html! {
        h1 { (theirs(&item.name)) }
        (steps(&item, Part::Task))
        section aria-label="What is predicted" {
            @if let Some(obstacle) = &inspection.obstacle {
                (callout(html! { strong { "Training with this would stop. " } (prose(obstacle, 800)) }))
            }
            (overview(inspection, beside.as_deref().map(|path| path.display().to_string())))
        }
        (form(app, &format!("{base}/task"), html! {
            section aria-labelledby="roles" {
                h2 id="roles" { "What is predicted, and how rows belong together" }
                (questions(inspection, &profile))
            }
            section aria-labelledby="columns" {
                h2 id="columns" { "Columns" }
                p { "A column that is only known once the outcome is, or that nearly says it, makes a model look better than it will be. The audit looks for such columns among the training rows." }
                (columns(app, inspection, &profile))
                @if !app.read_only {
                    div.actions {
                        button type="submit" name="then" value="train" { "Keep it, and next: train" }
                        " " button.plain type="submit" { "Keep this task" }
                    }
                    p.small.aside { "Kept as the profile " code { (beside.as_ref().map_or_else(|| own_profile(&item.name), |path| path.display().to_string())) } " beside the sheet, where every command finds it." }
                }
            }
        }))
        section aria-labelledby="text" {
            h2 id="text" { "The profile as text" }
            p { "Filters on several values and training settings are changed here. " a href={ (base) "/profile" } { "Download it" } }
            @if !app.read_only {
                (form(app, &format!("{base}/profile"), html! {
                    label for="toml" { "Profile" }
                    textarea id="toml" name="toml" rows="18" spellcheck="false" { (inspection.profile_toml) }
                    p { button type="submit" { "Keep this text" } }
                }))
            } @else { pre { (inspection.profile_toml) } }
        }
        (command(app, &reading.onto(line)))
    };
    Page::new(&format!("Task: {}", item.name), content)
        .under(&item.name, base)
        .answer(app)
}

/// The name of the profile that the app writes beside a sheet.
pub(super) fn own_profile(sheet: &str) -> String {
    let (folder, name) = sheet.rsplit_once('/').map_or(("", sheet), |(folder, name)| (folder, name));
    let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name);
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}{stem}.recant.toml")
}

fn overview(inspection: &Inspection, beside: Option<String>) -> Markup {
    let classes = html! {
        @for (place, class) in inspection.classes.iter().enumerate() {
            @if place > 0 { ", " } (theirs(&class.class)) " " (format::percent(class.share, 1))
        }
    };
    let mut lines = vec![
        (
            "Label",
            html! { @match &inspection.label { Some(label) => (prose(label, 200)), None => "no column looks like one: choose it below" } },
        ),
        (
            "Profile",
            match beside {
                Some(path) => html! { code { (path) } " beside the sheet" },
                None => html! { (theirs(&inspection.profile_name)) ", proposed for these columns" },
            },
        ),
    ];
    if !inspection.classes.is_empty() {
        lines.insert(1, ("Classes", classes));
    }
    if let Some(span) = &inspection.time_span {
        lines.push(("Time", html! { (format::period(span)) }));
    }
    for left in &inspection.left_out {
        lines.push((
            "Left out",
            html! { (format::counted(left.rows, "row")) ": " (prose(&left.reason, 200)) },
        ));
    }
    facts(lines)
}

fn questions(inspection: &Inspection, profile: &Profile) -> Markup {
    let names: Vec<(String, String)> = inspection
        .columns
        .iter()
        .map(|column| (column.name.clone(), column.name.clone()))
        .collect();
    let sources = profile.label.sources();
    let (column, actual, planned) = match sources.as_slice() {
        [actual, planned] => (None, Some(*actual), Some(*planned)),
        [column] => (Some(*column), None, None),
        _ => (None, None, None),
    };
    let filter = profile.filter.lists.first();
    let values = filter.map(|filter| filter.values.join("; ")).unwrap_or_default();
    html! {
        fieldset {
            legend { "The label: one column, or what came true minus what was planned (early, on time, late)" }
            (select("label", "Column with the class", "none", &names, column))
            (select("actual", "What came true (days or date)", "none", &names, actual))
            (select("planned", "What was planned", "none", &names, planned))
        }
        (cuts::fields(&profile.label))
        div.fields {
            (select("time", "Time: training comes before test", "none", &names, profile.time.as_ref().map(|time| time.column.as_str())))
            (select("key", "Key: names a row", "row numbers", &names, profile.key.as_deref()))
            (select("group", "Group: rows that belong together", "none", &names, profile.group.as_deref()))
            @if profile.filter.lists.len() < 2 && filter.is_none_or(|filter| filter.except.is_empty()) {
                (select("filter_column", "Only rows where", "all rows", &names, filter.map(|filter| filter.column.as_str())))
                p.field {
                    label for="filter_values" { "is one of (parted by ;)" }
                    input id="filter_values" type="text" name="filter_values" value=(values);
                }
            }
            @if profile.filter.conditions.len() < 2 {
                p.field {
                    label for="condition" { "Only rows that meet, such as Market = LATAM and Days < 60" }
                    input id="condition" type="text" name="condition" value=[profile.filter.conditions.first()];
                }
            }
        }
    }
}

fn columns(app: &App, inspection: &Inspection, profile: &Profile) -> Markup {
    let evidence = |name: &str| inspection.leakage.iter().find(|finding| finding.column == name);
    html! {
        div.scroll role="region" tabindex="0" aria-label="Columns and their use" {
            table.wide {
                caption { (format::counted(inspection.columns.len(), "column")) }
                thead { tr { th scope="col" { "Column" } th scope="col" { "Holds" } th scope="col" { "Now used as" } th scope="col" { "Use it as" } th scope="col" { "Evidence" } } }
                tbody {
                    @for (place, column) in inspection.columns.iter().enumerate() {
                        tr {
                            th scope="row" { (theirs(&column.name)) }
                            td { (holds(column, inspection.rows)) }
                            td { (used_as(column)) @if !column.why.is_empty() { span.holds { (prose(&column.why, 160)) } } }
                            td { (use_as(app, place, column, profile)) }
                            td { @if let Some(finding) = evidence(&column.name) { (told(finding)) } }
                        }
                    }
                }
            }
        }
    }
}

fn used_as(column: &ColumnReport) -> &'static str {
    match column.role {
        Role::LeftOut => "not used",
        used => role(used),
    }
}

fn holds(column: &ColumnReport, rows: usize) -> Markup {
    html! {
        (kind(column.kind)) ", " (format::count(column.distinct)) " different"
        @if column.missing > 0 { ", " (format::share(column.missing, rows, 0)) " missing" }
        @if !column.examples.is_empty() {
            span.holds { @for (place, example) in column.examples.iter().enumerate() { @if place > 0 { ", " } (theirs_short(example, 24)) } }
        }
    }
}

fn use_as(app: &App, place: usize, column: &ColumnReport, profile: &Profile) -> Markup {
    let now = profile.chosen(&column.name);
    let words = |chosen: Chosen| match chosen {
        Chosen::Unnamed => "as it looks",
        Chosen::Number => "number",
        Chosen::Category => "categories",
        Chosen::Date => "date parts",
        Chosen::LeftOut => "not at all",
    };
    html! {
        @if app.read_only { (words(now)) }
        @else {
            select name={ "use-" (place) } aria-label={ "Use " (column.name) " as" } {
                @for chosen in Chosen::ALL { option value=(chosen.name()) selected[chosen == now] { (words(chosen)) } }
            }
        }
    }
}

fn told(finding: &Finding) -> Markup {
    let mark = match (finding.dropped, finding.certain) {
        (true, _) => "○ left out: ",
        (false, true) => "▼ gives the answer away, in use: ",
        (false, false) => "? suspect, in use: ",
    };
    html! { strong { (mark) } (prose(&finding.evidence, 300)) }
}

/// Keeps the task that the form states.
pub(in crate::app) fn keep(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let reading = reading_of(app, &item.name)?;
    let opened = app.sheets.open(&item, &reading)?;
    let found = inspected(app, &item, &reading)?;
    let profile = stated(asked, Profile::from_toml(&found.inspection.profile_toml)?, &opened.table)?;
    write(app, &item, &profile, &opened.table)?;
    let next = if asked.field("then") == Some("train") { "train" } else { "task" };
    Ok(Answer::See(format!("/sheets/{}/{next}", item.id)))
}

/// The profile with what the form states.
fn stated(asked: &Asked, mut profile: Profile, table: &Table) -> Result<Profile> {
    let own = |name: &str| asked.field(name).map(str::to_owned);
    let (label, actual, planned) = (own("label"), own("actual"), own("planned"));
    let sources: Vec<&str> = profile.label.sources();
    let overrides = match (&label, &actual, &planned) {
        (Some(_), None, None) => (sources != [label.clone().unwrap_or_default()]).then(|| Overrides {
            label,
            ..Overrides::default()
        }),
        (None, Some(came), Some(meant)) => (sources != [came.as_str(), meant.as_str()]).then(|| Overrides {
            actual,
            planned,
            ..Overrides::default()
        }),
        (None, None, None) => {
            return Err(
                Error::input("nothing is to be predicted").hint("choose the column with the class, or the two columns that make it")
            );
        }
        _ => {
            return Err(Error::input("the label is stated in two ways")
                .hint("choose one column with the class, or the two of what came true and what was planned; leave the rest at `none`"));
        }
    };
    if let Some(overrides) = overrides {
        overrides.require(table)?;
        profile = profile.with_pair(&overrides, table)?;
    }
    if let Some(cuts) = cuts::stated(asked)? {
        profile.label = profile.label.with_cuts(cuts)?;
    }
    profile.key = own("key");
    profile.group = own("group");
    let time = own("time");
    if time.as_deref() != profile.time.as_ref().map(|time| time.column.as_str()) {
        profile.time = time.map(|column| TimeRule {
            column,
            order: None,
            sort: TimeSort::Exact,
        });
    }
    if let Some(column) = own("filter_column") {
        let values = asked
            .field("filter_values")
            .unwrap_or_default()
            .split(';')
            .map(|value| value.trim().to_owned());
        let values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
        profile.filter.lists = vec![Filter {
            column,
            values,
            except: Vec::new(),
        }];
    } else if profile.filter.lists.len() < 2 && profile.filter.lists.iter().all(|filter| filter.except.is_empty()) {
        profile.filter.lists.clear();
    }
    if profile.filter.conditions.len() < 2 {
        profile.filter.conditions = own("condition").into_iter().collect();
    }
    let table = &*profile.derived(table, &mut Notes::new())?;
    for (place, name) in table.names().iter().enumerate() {
        let chosen = asked.field(&format!("use-{place}"));
        if let Some(chosen) = Chosen::ALL.into_iter().find(|known| Some(known.name()) == chosen) {
            profile.choose_for(name, chosen);
        }
    }
    profile.check()?;
    Ok(profile)
}

/// Keeps the profile that a person wrote.
pub(in crate::app) fn keep_text(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let text = asked.field("toml").unwrap_or_default().replace("\r\n", "\n");
    Profile::from_toml(&text)?;
    put(app, &item, &format!("{text}\n"))?;
    Ok(Answer::See(format!("/sheets/{}/task", item.id)))
}

/// Whether a training takes what is proposed for a sheet, which must be kept first: no profile lies beside it, and none of the
/// built-in ones fits it.
pub(super) fn is_proposal(app: &App, item: &Item, reading: &Reading) -> Result<bool> {
    if profile_beside(item).is_some() {
        return Ok(false);
    }
    let opened = app.sheets.open(item, reading)?;
    Ok(Profile::choose(&opened.table, None, &Overrides::default(), &mut Notes::new()).is_err())
}

/// Keeps what is proposed for a sheet, where a training needs it: the person saw it on the page before.
///
/// # Errors
/// Where nothing can be predicted by the proposal.
pub(super) fn keep_proposal(app: &App, item: &Item, reading: &Reading) -> Result<()> {
    if !is_proposal(app, item, reading)? {
        return Ok(());
    }
    let found = inspected(app, item, reading)?;
    if found.inspection.label.is_none() {
        return Err(Error::input(format!("it is not said what is to be predicted of `{}`", item.name))
            .hint("choose the column with the class, or the two columns that make it, on the page Task of the sheet"));
    }
    put(app, item, &found.inspection.profile_toml)
}

/// The command that keeps what is proposed.
pub(super) fn keep_line(item: &Item, reading: &Reading) -> Line {
    reading.onto(
        Line::new("inspect")
            .path(&item.name)
            .option("--write-profile", &own_profile(&item.name)),
    )
}

/// Writes a profile beside its sheet, with comments.
fn write(app: &App, item: &Item, profile: &Profile, table: &Table) -> Result<()> {
    let mut aside = Notes::new();
    let text = inspect(table, Some(profile), &Overrides::default(), &mut aside)?.profile_toml;
    put(app, item, &text)
}

/// The profile that lay there goes to the bin first.
fn put(app: &App, item: &Item, text: &str) -> Result<()> {
    let path = profile_beside(item).filter(|path| !path.ends_with("recant.toml") || path.file_name() != Some("recant.toml".as_ref()));
    let path = path.unwrap_or_else(|| own_profile(&item.name).into());
    app.folder.keep_copy(&path)?;
    files::write_bytes(&path, text.as_bytes())
}

/// The profile, to keep.
pub(in crate::app) fn download(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Sheet, "sheet")?;
    let found = inspected(app, &item, &reading_of(app, &item.name)?)?;
    let name = own_profile(&item.name);
    Ok(Answer::Text(
        found.inspection.profile_toml.clone(),
        name.rsplit('/').next().unwrap_or(&name).to_owned(),
    ))
}
