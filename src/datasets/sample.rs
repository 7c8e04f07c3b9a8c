//! The bundled sample: some months of made-up orders, and next week's. The files in `data/sample/` and what is made here are the same bytes.

use std::path::Path;

use super::generator::{Options, Sheet, Summary};
use crate::error::Result;
use crate::progress::Progress;
use crate::seed::Seed;

/// Rows of next week's sheet.
pub const NEXT_WEEK_ROWS: usize = 250;

/// What the sample was generated with. Nine in ten of its orders are COMPLETE (a third in the original) and what delays depend on is twice
/// as strong as normal, so that a small file is enough to train on and a repair of 5 % wrong rows can be told from chance.
pub fn options() -> Options {
    Options {
        rows: 20_000,
        seed: Seed(2018),
        signal: 2.0,
        complete_share: 0.9,
        ..Options::default()
    }
}

/// The orders with known outcome.
///
/// # Errors
/// None in practice: the options are fixed.
pub fn orders() -> Result<Sheet> {
    Sheet::past(&options())
}

/// Next week's orders, outcome unknown.
///
/// # Errors
/// As [`orders`].
pub fn next_week() -> Result<Sheet> {
    Sheet::next_week(&options(), NEXT_WEEK_ROWS)
}

/// Writes the sample's orders to `path`, by its extension.
///
/// # Errors
/// As [`Sheet::write`].
pub fn write_orders(path: &Path, progress: &dyn Progress) -> Result<Summary> {
    orders()?.write(path, progress)
}

/// Writes next week's orders to `path`, by its extension.
///
/// # Errors
/// As [`Sheet::write`].
pub fn write_next_week(path: &Path, progress: &dyn Progress) -> Result<Summary> {
    next_week()?.write(path, progress)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::progress::Silent;

    fn bundled(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample").join(name)
    }

    #[test]
    fn the_bundled_sample_is_what_its_recorded_options_make() {
        let mut unpacked = Vec::new();
        let packed = std::fs::File::open(bundled("orders.csv.gz")).unwrap();
        assert!(packed.metadata().unwrap().len() < 2_000_000, "the sample has to stay small");
        flate2::read::GzDecoder::new(packed).read_to_end(&mut unpacked).unwrap();
        let hint = "rewrite it with `cargo test --lib rewrite_the_bundled_sample -- --ignored`";
        assert!(unpacked == orders().unwrap().csv_bytes().unwrap(), "orders.csv.gz differs: {hint}");
        let week = std::fs::read(bundled("next_week.csv")).unwrap();
        assert!(week == next_week().unwrap().csv_bytes().unwrap(), "next_week.csv differs: {hint}");
    }

    #[test]
    fn the_sample_leaves_enough_complete_rows_and_something_to_learn() {
        let summary = orders().unwrap().summary();
        assert!((17_000..19_000).contains(&summary.complete_rows), "{}", summary.complete_rows);
        assert!(summary.bayes_accuracy > summary.majority_share + 0.25, "{summary:?}");
        let lane = summary
            .lanes
            .iter()
            .find(|lane| lane.market == "LATAM" && lane.mode == "Standard Class")
            .unwrap();
        assert!((0.05..0.08).contains(&lane.late_share_of_all), "{lane:?}");
    }

    #[test]
    #[ignore = "writes into data/sample"]
    fn rewrite_the_bundled_sample() {
        let summary = write_orders(&bundled("orders.csv.gz"), &Silent::default()).unwrap();
        write_next_week(&bundled("next_week.csv"), &Silent::default()).unwrap();
        println!("{summary:#?}");
    }
}
