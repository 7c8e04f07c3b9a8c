//! What counts as better, as it is named on a command line.

use std::path::Path;

use crate::error::{Error, Result};
use crate::evaluate::{CostTable, Metric};
use crate::notes::Notes;
use crate::tables::{self, ReadOptions, Table};

const KINDS: &str = "accuracy, balanced-accuracy, macro-f1, recall:CLASS, cost:FILE";

/// What costs are named before the file.
pub const COST: &str = "cost";

/// The measures that need no file, as [`metric`] reads them, and in words: for a model with these classes.
pub fn metric_choices(classes: &[String]) -> Vec<(String, String)> {
    let recalls = classes
        .iter()
        .map(|class| (format!("recall:{class}"), Metric::Recall(class.clone())));
    [
        ("accuracy".to_owned(), Metric::Accuracy),
        ("balanced-accuracy".to_owned(), Metric::BalancedAccuracy),
        ("macro-f1".to_owned(), Metric::MacroF1),
    ]
    .into_iter()
    .chain(recalls)
    .map(|(name, metric)| (name, metric.words()))
    .collect()
}

/// `accuracy`, `balanced-accuracy`, `macro-f1`, `recall:CLASS`, or `cost:FILE`, where FILE is a table of what each mistake costs.
///
/// The table has a line for each true class and a column for each predicted one, both named, or three columns: true class, predicted class,
/// cost. What is right costs nothing where the file does not say so.
///
/// # Errors
/// Where there is no such measure, or the file is no such table.
pub fn metric(text: &str) -> Result<Metric> {
    let unknown = || Error::input(format!("there is no measure `{text}`")).hint(format!("use one of: {KINDS}"));
    match text.split_once(':') {
        None => match text {
            "accuracy" => Ok(Metric::Accuracy),
            "balanced-accuracy" => Ok(Metric::BalancedAccuracy),
            "macro-f1" => Ok(Metric::MacroF1),
            "recall" => Err(Error::input("a recall is that of a class").hint("name it, as in `--metric recall:late`")),
            "cost" => Err(Error::input("costs are read from a file").hint("name it, as in `--metric cost:costs.csv`")),
            _ => Err(unknown()),
        },
        Some(("recall", class)) if !class.trim().is_empty() => Ok(Metric::Recall(class.trim().to_owned())),
        Some(("cost", path)) if !path.is_empty() => {
            let path = Path::new(path);
            let table = tables::read(path, &ReadOptions::default(), &mut Notes::new())?;
            cost_table(&table).map(Metric::Cost).map_err(|error| match error.hint_text() {
                Some(_) => error.in_file(path),
                None => error.in_file(path).hint(
                    "give a line for each true class and a column for each predicted one, such as:\n  true,on time,late\n  on time,0,1\n  late,5,0",
                ),
            })
        }
        Some(_) => Err(unknown()),
    }
}

fn cost_table(table: &Table) -> Result<CostTable> {
    let names = table.names();
    if names.len() < 2 || table.height() == 0 {
        return Err(Error::input("the table of costs has no costs"));
    }
    let lines: Vec<String> = (0..table.height())
        .map(|line| Ok(table.cell(line, &names[0])?.unwrap_or_default().trim().to_owned()))
        .collect::<Result<_>>()?;
    let is_number =
        |line: usize| -> Result<bool> { Ok(table.cell(line, &names[1])?.is_none_or(|cell| cell.trim().parse::<f64>().is_ok())) };
    let in_pairs = names.len() == 3 && !(0..table.height()).map(is_number).collect::<Result<Vec<_>>>()?.contains(&true);
    let (classes, costs) = if in_pairs { pairs(table, &lines)? } else { square(table, lines)? };
    if let Some(cost) = costs.iter().flatten().find(|cost| !cost.is_finite() || **cost < 0.0) {
        return Err(Error::input(format!("a cost of {cost} is none")).hint("costs are 0 or more"));
    }
    if costs.iter().flatten().all(|cost| *cost == 0.0) {
        return Err(Error::input("every cost is 0, so no model is better than another"));
    }
    Ok(CostTable {
        file: table.source().file_name.clone(),
        classes,
        costs,
    })
}

/// Classes and costs of a table with a line for each true class.
fn square(table: &Table, lines: Vec<String>) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
    let columns: Vec<String> = table.names()[1..].to_vec();
    if let Some(column) = columns.iter().find(|column| !lines.contains(column)) {
        return Err(Error::input(format!("predicted class `{column}` has a column but no line")));
    }
    let mut costs = vec![vec![0.0; lines.len()]; lines.len()];
    for (place, line) in lines.iter().enumerate() {
        if lines[..place].contains(line) {
            return Err(Error::input(format!("true class `{line}` has two lines")));
        }
        if !columns.contains(line) {
            return Err(Error::input(format!("true class `{line}` has a line but no column")));
        }
    }
    let mut notes = Notes::new();
    for column in &columns {
        let predicted = place(&lines, column);
        for (truth, cost) in table.numbers(column, &mut notes)?.into_iter().enumerate() {
            costs[truth][predicted] = match cost {
                Some(cost) => cost,
                None if truth == predicted => 0.0,
                None => return Err(missing(&lines[truth], column)),
            };
        }
    }
    Ok((lines, costs))
}

/// Classes and costs of a table with a line for each pair.
fn pairs(table: &Table, truths: &[String]) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
    let names = table.names();
    let costs = table.numbers(&names[2], &mut Notes::new())?;
    let mut classes: Vec<String> = Vec::new();
    let mut found: Vec<(String, String, f64)> = Vec::new();
    for (line, truth) in truths.iter().enumerate() {
        let predicted = table.cell(line, &names[1])?.unwrap_or_default().trim().to_owned();
        for class in [truth, &predicted] {
            if !classes.contains(class) {
                classes.push(class.clone());
            }
        }
        if found.iter().any(|(t, p, _)| t == truth && *p == predicted) {
            return Err(Error::input(format!("`{truth}` predicted as `{predicted}` has two costs")));
        }
        found.push((
            truth.clone(),
            predicted.clone(),
            costs[line].ok_or_else(|| missing(truth, &predicted))?,
        ));
    }
    let cost = |truth: &String, predicted: &String| match found.iter().find(|(t, p, _)| t == truth && p == predicted) {
        Some((.., cost)) => Ok(*cost),
        None if truth == predicted => Ok(0.0),
        None => Err(missing(truth, predicted)),
    };
    let costs = classes
        .iter()
        .map(|truth| classes.iter().map(|predicted| cost(truth, predicted)).collect::<Result<_>>());
    let costs = costs.collect::<Result<_>>()?;
    Ok((classes, costs))
}

fn place(all: &[String], name: &String) -> usize {
    all.iter().position(|other| other == name).unwrap_or_default()
}

fn missing(truth: &str, predicted: &str) -> Error {
    Error::input(format!("the cost of predicting `{predicted}` where `{truth}` is true is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Metric> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("costs.csv");
        std::fs::write(&path, text).unwrap();
        metric(&format!("cost:{}", path.display()))
    }

    fn costs(text: &str) -> CostTable {
        match read(text).unwrap() {
            Metric::Cost(table) => table,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_layouts_of_costs_say_the_same() {
        let square = costs("true,on time,late\non time,0,1\nlate,5.5,\n");
        let pairs = costs("true,predicted,cost\non time,late,1\nlate,on time,5.5\n");
        assert_eq!(square, pairs);
        assert_eq!(square.costs, [[0.0, 1.0], [5.5, 0.0]]);
        // In another order of columns each cost stays with its class.
        assert_eq!(costs("true,late,on time\non time,1,0\nlate,0,5.5\n"), square);
    }

    #[test]
    fn every_choice_reads_as_the_measure_that_its_words_say() {
        let classes = ["on time", "late: very"].map(str::to_owned);
        let choices = metric_choices(&classes);
        assert_eq!(choices.len(), 5);
        for (name, words) in choices {
            let read = metric(&name).unwrap();
            assert_eq!(read.words(), words);
            read.check(&classes).unwrap();
        }
    }

    #[test]
    fn what_is_no_measure_or_no_table_of_costs_says_why() {
        for (text, why) in [
            ("recall", "class"),
            ("cost", "file"),
            ("recall:", "no measure"),
            ("f2", "no measure"),
        ] {
            let error = metric(text).unwrap_err();
            assert!(error.to_string().contains(why) && error.hint_text().is_some(), "{error}");
        }
        for (text, why) in [
            ("true,on time,late\non time,0,1\n", "no line"),
            ("true,late\non time,0\nlate,0\n", "no column"),
            ("true,on time,late\non time,0,\nlate,1,0\n", "missing"),
            ("true,on time,late\non time,0,-1\nlate,1,0\n", "is none"),
            ("true,on time,late\non time,0,0\nlate,0,0\n", "every cost is 0"),
            ("true,on time,late\non time,0,1\non time,0,1\nlate,1,0\n", "two lines"),
            ("true,predicted,cost\na,b,1\na,b,2\n", "two costs"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(why) && error.hint_text().is_some(), "{text}: {error}");
        }
    }
}
