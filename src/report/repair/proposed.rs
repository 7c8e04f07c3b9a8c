//! Rows beyond the flags that the repair took as wrong too: how many, and the rules that they follow.

use maud::html;

use crate::error::Result;
use crate::report::elements::{Cell, Column, prose, table};
use crate::report::repair::{ROWS_SHOWN, shown_of};
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "proposed-rows",
    title: "Proposed rows",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let Some(expansion) = &context.record.expansion else {
        return Ok(None);
    };
    let rules = expansion.rules.iter().map(|rule| {
        vec![
            Cell::Prose(rule.conditions.clone()),
            Cell::Figure(format::count(rule.flags)),
            Cell::Figure(format::count(rule.rows)),
            Cell::Figure(format::count(rule.estimated_wrong.round() as usize)),
            Cell::Figure(format::count(rule.proposed)),
            Cell::Figure(format::percent_or_unknown(rule.expected_precision, 0)),
        ]
    });
    let columns = [
        Column::text("rule"),
        Column::figures("flagged rows"),
        Column::figures("training rows"),
        Column::figures("of these wrong, estimated"),
        Column::figures("proposed"),
        Column::figures("of these wrong, estimated"),
    ];
    let rows = expansion.rows.iter().take(ROWS_SHOWN).map(|row| {
        vec![
            Cell::Theirs(row.key.clone()),
            Cell::Figure(row.row.map_or_else(|| format::UNKNOWN.to_owned(), |row| row.to_string())),
            Cell::Theirs(row.observed.clone()),
            Cell::Theirs(row.correction.clone().unwrap_or_else(|| format::UNKNOWN.to_owned())),
            Cell::Theirs(row.before.clone()),
            Cell::Theirs(row.after.clone()),
        ]
    });
    let row_columns = [
        Column::text("key"),
        Column::figures("row in the sheet"),
        Column::text("label in the sheet"),
        Column::text("likeliest label"),
        Column::text("model before"),
        Column::text("model after"),
    ];
    let shared = expansion.shared.iter().map(|shared| {
        let of = |some: usize, all: usize| format!("{} of {}", format::count(some), format::count(all));
        vec![
            Cell::Prose(shared.conditions.clone()),
            Cell::Figure(of(shared.flags, shared.flagged)),
            Cell::Figure(of(shared.rows, shared.of_rows)),
            Cell::Figure(format!("{:.1}", shared.lift)),
            Cell::Figure(format::p_equals(shared.p, 0.01)),
            Cell::Prose(if shared.as_slips_would { "yes" } else { "no" }.to_owned()),
        ]
    });
    let shared_columns = [
        Column::text("what they share"),
        Column::figures("flagged rows in it"),
        Column::figures("training rows in it"),
        Column::figures("lift"),
        Column::figures("p, corrected"),
        Column::text("would slips lie there too?"),
    ];
    let all = expansion.rows.len();
    let of_proposed = all.saturating_sub(expansion.doubtful_taken);
    let markup = html! {
        p { (prose(&expansion.sentence, 2000)) "." }
        @if !expansion.shared.is_empty() {
            (table("What the flagged rows have in common: values, ranges and pairs in which they are over-represented, tested against flags spread at random and corrected for everything tried", &shared_columns, shared.collect()))
        }
        @if all > 0 {
            p {
                (format::counted(expansion.proposed, "row")) " were proposed for being like the flagged ones. They are not proven wrong, so each was taken as wrong with its chance of being so: "
                (format::count(of_proposed)) " of them"
                @if expansion.doubtful > 0 {
                    ", and " (format::count(expansion.doubtful_taken)) " of " (format::counted(expansion.doubtful, "row")) " that follow a rule too but are less sure"
                }
                ". On average the labels of a rule's rows are then those of a clean sheet. "
                "Methods that train on rows learned them as their likeliest label (and so the flagged rows that follow a rule and came without a correct one), the others as rows to forget."
            }
            (table("Rules that flagged rows follow", &columns, rules.collect()))
            (table(&format!("Training rows taken as wrong beside the flagged ones, and what the models say of them. {}.", shown_of(all, "row", "Proposed rows")), &row_columns, rows.collect()))
        }
        @if expansion.contradictions > 0 {
            p { (format::counted(expansion.contradictions, "further row")) " contradict the rest of their group or a proxy of the label; the repair left them alone. " code { "recant expand" } " lists them." }
        }
    };
    Ok(Some(Body::plain(markup)))
}
