//! Which rows are used (`--where`, `filter` in a profile) and columns made from others (`[derive]`), through all commands; several files as one sheet.

use std::fs;
use std::path::Path;

use super::program::{json, recant, text, works};

/// Orders of two markets, late where the parcel is heavy for its size. `first`: number of the first order.
fn orders(first: usize, rows: usize) -> String {
    let mut lines = vec!["Order No,Day,Market,Weight,Size,Late".to_owned()];
    lines.extend((first..first + rows).map(|number| {
        let (weight, size) = (number * 37 % 50 + 1, number * 17 % 10 + 1);
        let late = if weight > 5 * size { "yes" } else { "no" };
        let day = format!("2018-{:02}-{:02}", number / 28 % 12 + 1, number % 28 + 1);
        let market = ["North", "South"][number % 2];
        format!("N{number},{day},{market},{weight},{size},{late}")
    }));
    lines.join("\n") + "\n"
}

fn with_orders() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("orders.csv", orders(0, 300));
    write("orders-a.csv", orders(0, 140));
    write("orders-b.csv", orders(140, 160));
    write("week.csv", orders(300, 20).replace(",no\n", ",\n").replace(",yes\n", ",\n"));
    write("flags.csv", "Order No\nN3\nN9\nN20\n".to_owned());
    folder
}

/// A command with its words parted by blanks; `_` in a word stands for one.
fn words(command: &str) -> Vec<String> {
    command.split(' ').map(|word| word.replace('_', " ")).collect()
}

fn told(at: &Path, command: &str) -> serde_json::Value {
    let words = words(command);
    json(at, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn done(at: &Path, command: &str) {
    let words = words(command);
    works(at, &words.iter().map(String::as_str).collect::<Vec<_>>());
}

fn refused(at: &Path, command: &str) -> String {
    let words = words(command);
    let output = recant(at, &words.iter().map(String::as_str).collect::<Vec<_>>());
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{command}: {said}");
    assert!(said.contains("hint: "), "{command}: {said}");
    said
}

const SMALL: &str = "--label Late --time Day --key Order_No --epochs 1 --network 1x8";

#[test]
fn a_condition_leaves_rows_out_of_training_repair_and_prediction() {
    let folder = with_orders();
    let at = folder.path();
    let trained = told(at, &format!("train orders.csv {SMALL} --where Market_=_North --out m"));
    let rows = &trained["rows"];
    let sum: u64 = ["training", "validation", "test"]
        .iter()
        .filter_map(|part| rows[*part].as_u64())
        .sum();
    assert_eq!(sum, 150, "{trained}");
    let kept = fs::read_to_string(at.join("m/profile.toml")).unwrap();
    assert!(kept.contains("filter = \"Market = North\""), "{kept}");
    let predicted = told(at, "predict week.csv --model m --out p.csv");
    assert_eq!(predicted["rows"], 10);
    let notes = predicted["notes"].to_string();
    assert!(notes.contains("10 rows do not meet `Market = North`"), "{notes}");
    assert!(!fs::read_to_string(at.join("p.csv")).unwrap().contains("South"));
    // A flag on a row that the model was not trained on is told.
    let repaired = told(at, "repair --model m --flags flags.csv --data orders.csv --method finetune --out r");
    assert!(repaired.to_string().contains("N3"), "{repaired}");
    assert!(fs::read_to_string(at.join("r/profile.toml")).unwrap().contains("Market = North"));
    let inspected = told(at, "inspect orders.csv --label Late --where Market_=_North --write-profile p.toml");
    assert_eq!(inspected["left_out"][0]["rows"], 150, "{inspected}");
    done(at, "train orders.csv --profile p.toml --epochs 1 --network 1x8 --out again");
    assert!(
        fs::read_to_string(at.join("again/profile.toml"))
            .unwrap()
            .contains("Market = North")
    );
}

#[test]
fn derived_columns_are_inputs_and_are_computed_at_prediction() {
    let folder = with_orders();
    let at = folder.path();
    let profile = "name = \"own\"\nkey = \"Order No\"\nfilter = \"Weight < 45 and Market in ('North', 'South')\"\n\
                   [label]\nkind = \"column\"\ncolumn = \"Late\"\n[time]\ncolumn = \"Day\"\n\
                   [derive]\nDensity = \"Weight / Size\"\nDense = \"if(Density > 5, 'dense', 'light')\"\n\
                   [features]\nnumeric = [\"Density\"]\ncategorical = [\"Dense\"]\nothers = \"drop\"\nrare = 2\n";
    fs::write(at.join("own.toml"), profile).unwrap();
    let inspected = told(at, "inspect orders.csv --profile own.toml");
    let names = inspected["columns"].to_string();
    assert!(names.contains("\"Density\"") && names.contains("\"Dense\""), "{names}");
    let trained = told(at, "train orders.csv --profile own.toml --epochs 3 --network 1x8 --out m");
    assert!(
        trained["inputs"].as_u64().is_some_and(|inputs| (2..=4).contains(&inputs)),
        "{trained}"
    );
    done(at, "predict week.csv --model m --out p.csv");
    let header = fs::read_to_string(at.join("p.csv")).unwrap().lines().next().unwrap().to_owned();
    assert!(header.contains("predicted") && !header.contains("Density"), "{header}");
    done(at, "repair --model m --flags flags.csv --data orders.csv --method assd --out r");
    done(at, "predict week.csv --model r --out q.csv");
    // The same prediction from a sheet that has no column of the filter, and a word where an input cannot be derived.
    let without: String = fs::read_to_string(at.join("week.csv")).unwrap().replace("Size", "Breadth");
    fs::write(at.join("other.csv"), without).unwrap();
    assert!(refused(at, "predict other.csv --model m --out o.csv").contains("Density"));
    assert!(refused(at, "predict week.csv --model m --out p.csv").contains("already exists"));
}

#[test]
fn mistakes_name_the_column_the_closest_one_and_the_place() {
    let folder = with_orders();
    let at = folder.path();
    let said = refused(at, &format!("train orders.csv {SMALL} --where Markt_=_North --out m"));
    assert!(
        said.contains("there is no column `Markt`") && said.contains("closest match is Market"),
        "{said}"
    );
    let said = refused(at, &format!("train orders.csv {SMALL} --where Market_=_Nord --out m"));
    assert!(said.contains("closest match is North"), "{said}");
    let said = refused(at, &format!("train orders.csv {SMALL} --where Market_North --out m"));
    assert!(said.contains("expected one of") && said.contains('^'), "{said}");
    fs::write(
        at.join("own.toml"),
        "name = \"own\"\n[label]\nkind = \"column\"\ncolumn = \"Late\"\n[derive]\nDensity = \"Weigth / Size\"\n",
    )
    .unwrap();
    let said = refused(at, "train orders.csv --profile own.toml --out m");
    assert!(
        said.contains("there is no column `Weigth`") && said.contains("closest match is Weight"),
        "{said}"
    );
    assert!(!at.join("m").exists());
}

#[test]
fn several_files_a_pattern_and_a_folder_are_one_sheet_for_every_command() {
    let folder = with_orders();
    let at = folder.path();
    let sum = |told: serde_json::Value| -> u64 {
        let rows = &told["rows"];
        ["training", "validation", "test"]
            .iter()
            .filter_map(|part| rows[*part].as_u64())
            .sum()
    };
    assert_eq!(sum(told(at, &format!("train orders-a.csv orders-b.csv {SMALL} --out m"))), 300);
    assert_eq!(sum(told(at, &format!("train orders-?.csv {SMALL} --out n"))), 300);
    assert_eq!(
        fs::read(at.join("m/weights.safetensors")).unwrap(),
        fs::read(at.join("n/weights.safetensors")).unwrap()
    );
    let data = "--data orders-a.csv --data orders-b.csv";
    done(at, &format!("repair --model m --flags flags.csv {data} --method finetune --out r"));
    done(at, "predict orders-a.csv orders-b.csv --model r --out p.csv");
    assert_eq!(fs::read_to_string(at.join("p.csv")).unwrap().lines().count(), 301);
    assert_eq!(told(at, "inspect orders-a.csv orders-b.csv --label Late")["rows"], 300);
    // A fault names the file and its own row.
    fs::write(at.join("orders-b.csv"), orders(140, 160).replace(",2018-0", ",2018-2")).unwrap();
    let said = refused(at, &format!("train orders-a.csv orders-b.csv {SMALL} --out o"));
    assert!(said.contains("orders-b.csv") && said.contains("row "), "{said}");
    // An output that is one of the inputs is refused.
    assert!(refused(at, "predict orders-a.csv orders-b.csv --model r --out orders-b.csv --force").contains("overwrite"));
}
