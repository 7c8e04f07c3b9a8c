//! `recant generate`: made-up order sheets in the DataCo form.

use crate::cli::arguments::GenerateArgs;
use crate::cli::{Context, sheets};
use crate::datasets::generator::{Options, Sheet};
use crate::error::Result;
use crate::evaluate::words::{count, percent};

pub(super) fn run(context: &Context, arguments: &GenerateArgs) -> Result<()> {
    crate::files::check_new_file(&arguments.out, arguments.force.existing())?;
    let rows = arguments.rows as usize;
    let options = Options {
        seed: context.seed,
        signal: arguments.signal,
        complete_share: arguments.complete_share,
        ..Options::default()
    };
    let sheet = if arguments.next_week {
        Sheet::next_week(
            &Options {
                rows: arguments.after as usize,
                ..options
            },
            rows,
        )?
    } else {
        Sheet::past(&Options { rows, ..options })?
    };
    let progress = context.console.progress();
    let summary = sheet.write_new(&arguments.out, arguments.force.existing(), &progress)?;
    let console = &context.console;
    console.item(
        "Written",
        format!(
            "{}: {} rows, {} orders",
            arguments.out.display(),
            count(summary.rows),
            count(summary.orders)
        ),
    );
    console.item("Orders from", format!("{} to {}", summary.period.0, summary.period.1));
    if !arguments.next_week {
        let [early, on_time, late] = summary.class_shares;
        console.item(
            "Deliveries",
            format!(
                "early {}, on time {}, late {}",
                percent(early, 1),
                percent(on_time, 1),
                percent(late, 1)
            ),
        );
        console.item(
            "Best possible",
            format!(
                "{} right: more nobody can expect from what is known when an order is placed",
                percent(summary.bayes_accuracy, 1)
            ),
        );
    }
    let mut value = serde_json::to_value(&summary).map_err(|error| crate::error::Error::internal(error.to_string()))?;
    value["out"] = sheets::in_result(&arguments.out);
    console.result(&value);
    Ok(())
}
