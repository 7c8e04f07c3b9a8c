//! For injected trials: accuracy on the part of the test rows that the error touched.

use maud::html;

use crate::error::Result;
use crate::report::elements::{Cell, Column, prose, table};
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "affected",
    title: "Where the error struck",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let Some(affected) = &context.record.affected else {
        return Ok(None);
    };
    let mut rows = vec![vec![
        Cell::Words("before the repair".to_owned()),
        Cell::Figure(format::percent(affected.before, 2)),
        Cell::Figure(String::new()),
    ]];
    for (name, after) in &affected.after {
        let title = context
            .record
            .methods
            .iter()
            .find(|method| &method.name == name)
            .map_or(name, |method| &method.title);
        rows.push(vec![
            Cell::Theirs(title.clone()),
            Cell::Figure(format::percent(*after, 2)),
            Cell::Figure(format::points(after - affected.before, 2)),
        ]);
    }
    let caption = format!(
        "Accuracy on the {} that the error concerns",
        format::counted(affected.rows, "test row")
    );
    let columns = [Column::text("model"), Column::figures("accuracy"), Column::figures("change")];
    Ok(Some(Body::plain(html! {
        p {
            "The errors of this trial were made on purpose, by this rule: " (prose(&affected.rule, 300))
            ". A small error hides in the accuracy over all rows; here it shows."
        }
        (table(&caption, &columns, rows))
    })))
}
