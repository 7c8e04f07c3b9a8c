//! An inspection as plain text: the sheet, its columns and what they would be used for, the classes, what gives them away.

use super::{Look, facts, table, wrap};
use crate::features::{ColumnReport, Inspection, Role};
use crate::report::format;
use crate::tables::ColumnKind;

/// What is in a sheet, in text that ends with a line break.
pub fn inspection(inspection: &Inspection, look: Look) -> String {
    let mut text = String::new();
    facts(&mut text, &overview(inspection), look);
    text.push('\n');
    let columns = [("column", 9), ("holds", 8), ("missing", 4), ("different", 3), ("used as", 9)];
    let rows: Vec<Vec<String>> = inspection.columns.iter().map(|column| row(column, inspection.rows)).collect();
    text.push_str(&table(&columns, &rows, look));
    text.push('\n');
    if inspection.leakage.is_empty() {
        text.push_str(&wrap("The leakage audit found no column that gives the answer away.", "", "", look));
    } else {
        text.push_str(&wrap("Columns that give the answer away:", "", "", look));
        for finding in &inspection.leakage {
            let fate = if finding.dropped {
                "the profile leaves it out"
            } else {
                "THE PROFILE USES IT"
            };
            text.push_str(&wrap(
                &format!("{}: {} ({fate})", format::visible(&finding.column, 60), finding.evidence),
                "- ",
                "  ",
                look,
            ));
        }
    }
    if inspection.label.is_none() {
        text.push('\n');
        text.push_str(&wrap(&without_label(inspection), "! ", "  ", look));
    } else if let Some(obstacle) = &inspection.obstacle {
        text.push('\n');
        text.push_str(&wrap(
            &format!("Training with this profile would stop: {obstacle}"),
            "! ",
            "  ",
            look,
        ));
    }
    text
}

/// What a person can name where no label was found.
fn without_label(inspection: &Inspection) -> String {
    let of =
        |test: &dyn Fn(&ColumnReport) -> bool| -> Vec<&ColumnReport> { inspection.columns.iter().filter(|column| test(column)).collect() };
    let few = of(&ColumnReport::could_be_label);
    let dates = of(&|column| column.kind == ColumnKind::Date && column.people.is_none());
    let listed = |columns: &[&ColumnReport]| {
        let names: Vec<String> = columns
            .iter()
            .take(8)
            .map(|column| format!("`{}`", format::visible(&column.name, 40)))
            .collect();
        let more = columns.len() - names.len();
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{rest}", names.join(", "))
    };
    let mut text = "No column looks like what is to be predicted.".to_owned();
    if few.is_empty() {
        text.push_str(" None has as few values as classes have.");
    } else {
        text.push_str(&format!(
            " Name the one that holds the class with `--label COLUMN`; few values have {}.",
            listed(&few)
        ));
    }
    if dates.len() >= 2 {
        text.push_str(&format!(
            " Or name what came true and what was planned with `--actual COLUMN --planned COLUMN`: the class is then early, on time or late; dates are {}.",
            listed(&dates)
        ));
    }
    text
}

fn overview(inspection: &Inspection) -> Vec<(&'static str, String)> {
    let source = &inspection.source;
    let mut lines = vec![
        (
            "Sheet",
            format!(
                "{}: {} rows, {} columns",
                format::visible(&source.file_name, 80),
                format::count(inspection.rows),
                format::count(inspection.columns.len())
            ),
        ),
        ("Profile", inspection.profile_name.clone()),
        (
            "Label",
            inspection
                .label
                .clone()
                .unwrap_or_else(|| "no column looks like one (see below)".to_owned()),
        ),
    ];
    if !inspection.classes.is_empty() {
        let shares = inspection
            .classes
            .iter()
            .map(|class| format!("{} {}", format::visible(&class.class, 40), format::percent(class.share, 1)));
        lines.push(("Classes", shares.collect::<Vec<_>>().join(", ")));
    }
    if let Some(span) = &inspection.time_span {
        lines.push(("Time", format::period(span)));
    }
    for left in &inspection.left_out {
        lines.push(("Left out", format!("{}: {}", format::counted(left.rows, "row"), left.reason)));
    }
    lines
}

fn row(column: &ColumnReport, rows: usize) -> Vec<String> {
    let missing = if column.missing == 0 {
        String::new()
    } else {
        format::share(column.missing, rows, 0)
    };
    vec![
        format::visible(&column.name, 40).into_owned(),
        kind(column.kind).to_owned(),
        missing,
        format::count(column.distinct),
        role(column.role).to_owned(),
    ]
}

/// What a column is used for, in a word or two.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Key => "key",
        Role::Group => "group",
        Role::Label => "label",
        Role::Time => "time",
        Role::Filter => "filter",
        Role::Number => "number",
        Role::Category => "category",
        Role::Date => "date parts",
        Role::LeftOut => "-",
    }
}

/// What a column holds, in a word or two.
pub fn kind(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Empty => "nothing",
        ColumnKind::Constant => "one value",
        ColumnKind::Category => "categories",
        ColumnKind::Number => "numbers",
        ColumnKind::Date => "dates",
        ColumnKind::Text => "text",
    }
}
