use super::*;
use crate::evaluate::record::EvaluationSettings;
use crate::experiments::random_errors::{ALL_METHODS, Data, Judging, RandomErrors, Rows, Settings, SizeRuns};
use crate::experiments::{RunFolder, Study, run};
use crate::notes::Notes;
use crate::progress::Silent;
use crate::seed::Seed;

/// A small batch on made-up rows, computed and judged.
fn judged(profile_name: &str, init_seeds: u32, with_rates: bool) -> BatchReport {
    use rand::Rng;
    let mut random = Seed(4).stream("report-test", 0);
    let mut rows = |count: usize| {
        let inputs: Vec<f32> = (0..count * 2).map(|_| random.random()).collect();
        let labels = inputs
            .chunks(2)
            .map(|row| u8::from(row[0] > 0.4) + u8::from(row[0] + row[1] > 1.3))
            .collect();
        Rows {
            inputs,
            labels,
            groups: Some((0..count as u32).map(|row| row / 3).collect()),
        }
    };
    let data = Data {
        classes: ["early", "on time", "late"].map(str::to_owned).to_vec(),
        width: 2,
        train: rows(240),
        test: rows(90),
        balanced: false,
    };
    let settings = |learning_rate: f64| Settings {
        layout_version: crate::experiments::random_errors::settings::LAYOUT_VERSION,
        recant_version: "0.1.0".to_owned(),
        data_file: "<script>orders.csv".to_owned(),
        data_sha256: "ab".repeat(32),
        profile: "name = \"p\"\n".to_owned(),
        profile_name: profile_name.to_owned(),
        reading: String::new(),
        sizes: vec![SizeRuns {
            size: "2x50".to_owned(),
            runs: 4,
        }],
        errors: vec!["5%".to_owned(), "10%".to_owned()],
        error_kind: "uniform".to_owned(),
        init_seeds,
        methods: ALL_METHODS.map(str::to_owned).to_vec(),
        importance: "squared-batch-gradient".to_owned(),
        reference: "retain-original-batches".to_owned(),
        epochs: 3,
        batch: 64,
        decay: 0.95,
        learning_rate: Some(learning_rate),
        weight_decay: Some(1e-5),
        published: false,
        trials: 0,
        sweep_runs: 2,
        chunk: 4,
        seed: 1,
        device: "cpu".to_owned(),
    };
    let place = tempfile::tempdir().unwrap();
    let compute = |name: &str, learning_rate: f64| {
        let settings = settings(learning_rate);
        let folder = RunFolder::create_or_resume(&place.path().join(name), &settings, None, &mut Notes::new()).unwrap();
        let mut engine = RandomErrors::new(&data, &settings, 2).unwrap();
        run(&folder, None, &mut engine, &Silent::default(), &mut Notes::new()).unwrap();
        folder
    };
    let folder = compute("run", 0.1);
    let others = if with_rates { vec![compute("slow", 0.01)] } else { Vec::new() };
    let evaluation = EvaluationSettings {
        minimum_effect: 0.001,
        significance: 0.05,
        resamples: 200,
        group_column: None,
        seed: 1,
        metric: crate::evaluate::Metric::Accuracy,
        matters: Vec::new(),
    };
    Settings::summarise(&folder, &Judging { others, evaluation }, &mut Notes::new()).unwrap()
}

#[test]
fn a_report_shows_the_grid_the_published_table_the_figures_and_every_verdict() {
    let report = judged("dataco-paper", 1, true);
    assert_eq!(report.cells.len(), 2);
    let (page, plots) = html(&report).unwrap();
    for title in [
        "Which repair helps where?",
        "Beside the published table",
        "Gains by error rate",
        "Scenario by scenario",
        "How much depends on alpha",
        "How much depends on lambda",
        "Gains at other learning rates",
        "Verdict of every cell",
        "All tests",
        "How to make these figures again",
    ] {
        assert!(page.contains(title), "{title}");
    }
    assert!(
        page.contains("87.07 ± 0.11"),
        "the published baseline of 2x50 at 5 % stands in the page"
    );
    for method in report.cells.iter().flat_map(|cell| &cell.methods) {
        assert!(!method.test.sentence.is_empty());
    }
    let names: Vec<&str> = plots.iter().map(|plot| plot.name.as_str()).collect();
    for name in [
        "gains-assd-2x50",
        "gains-retrain-2x50",
        "sorted-2x50",
        "alpha-2x50",
        "lambda-2x50",
        "learning-rates-2x50-5-",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

#[test]
fn nothing_of_the_persons_own_becomes_markup_and_no_script_runs() {
    let (page, _) = html(&judged("dataco", 1, false)).unwrap();
    assert!(!page.contains("<script"), "a file name became markup");
    assert!(page.contains("&lt;script&gt;orders.csv"));
    assert!(
        !page.contains("Beside the published table"),
        "only the published preprocessing is comparable"
    );
}

#[test]
fn figures_of_the_report_follow_from_the_records() {
    let report = judged("dataco-paper", 1, true);
    for cell in &report.cells {
        for method in &cell.methods {
            let gains: Vec<f64> = method
                .after_test
                .iter()
                .zip(&cell.baseline_test)
                .map(|(after, before)| after - before)
                .collect();
            let mean = gains.iter().sum::<f64>() / gains.len() as f64;
            assert!((method.test.difference.mean - mean).abs() < 1e-12);
            let point = report
                .learning_rates
                .iter()
                .find(|point| point.error == cell.error && point.method == method.method && point.learning_rate == 0.1)
                .unwrap();
            assert!((point.gain - mean).abs() < 1e-12);
        }
        // ASSD at its own alpha is a point of the lambda sweep.
        let sweep = report
            .sweeps
            .iter()
            .find(|sweep| sweep.error == cell.error && sweep.sweep == crate::experiments::random_errors::record::Sweep::Lambda)
            .unwrap();
        let point = sweep.points.iter().find(|point| point.value == 1.0).unwrap();
        let assd = cell.methods.iter().find(|method| method.method == "assd").unwrap();
        let first_two = (assd.after_test[0] + assd.after_test[1]) / 2.0;
        assert!((point.test - first_two).abs() < 1e-12);
    }
}

#[test]
fn several_initialisations_count_once_per_scenario_and_split_the_variance() {
    let report = judged("dataco", 2, false);
    for cell in &report.cells {
        assert_eq!(cell.scenarios, 4);
        assert!(cell.baseline_variance.is_some());
    }
    let (page, plots) = html(&report).unwrap();
    assert!(page.contains("Where the variance comes from"));
    // A dot for each of two initialisations in each of four scenarios, of each method; their means are the scenarios'.
    for method in report.cells.iter().flat_map(|cell| &cell.methods) {
        let found = method.by_initialisation.as_ref().unwrap();
        assert_eq!(found.points.len(), 8);
        let gain = found.points.iter().map(|point| point.1).sum::<f64>() / 8.0;
        assert!((gain - method.test.difference.mean).abs() < 1e-12);
        assert!(found.correlation.is_none_or(|r| (-1.0 - 1e-12..=1.0 + 1e-12).contains(&r)));
    }
    assert!(page.contains("Gains by how well the initialisation ended"));
    assert!(plots.iter().any(|plot| plot.name == "initialisations-2x50-5-"));
    assert!(judged("dataco", 1, false).cells[0].methods[0].by_initialisation.is_none());
}

#[test]
fn the_report_is_written_whole_and_its_json_reads_back() {
    let place = tempfile::tempdir().unwrap();
    let report = judged("dataco-paper", 1, false);
    let paths = write(&place.path().join("report"), &report).unwrap();
    assert!(paths.html.exists() && paths.workbook.as_ref().unwrap().exists() && paths.plots.iter().all(|plot| plot.exists()));
    let text = std::fs::read_to_string(place.path().join("report/report.json")).unwrap();
    assert_eq!(serde_json::from_str::<BatchReport>(&text).unwrap(), report);
}
