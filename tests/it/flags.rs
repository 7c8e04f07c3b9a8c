//! From a clean sheet through injected errors and flag files of every format back to the same rows.

use std::path::{Path, PathBuf};

use recant::features::{Profile, prepare};
use recant::label_errors::flags::{self, FlagOptions, KeyHash, RowIndex, resolve};
use recant::label_errors::{Bias, InjectionPlan, Known, inject_sheet, kinds};
use recant::notes::Notes;
use recant::seed::Seed;
use recant::tables::{self, ReadOptions, Table};

fn read(path: &Path) -> Table {
    tables::read(path, &ReadOptions::default(), &mut Notes::new()).unwrap()
}

fn sample() -> Table {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let mut sheets: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    sheets.sort();
    let sheet = sheets
        .iter()
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("orders."))
        .unwrap();
    read(sheet)
}

fn plan(profile: &Profile, specs: &[(&str, Option<&str>)]) -> InjectionPlan {
    InjectionPlan {
        mistakes: specs
            .iter()
            .map(|(spec, amount)| {
                let amount = amount.map(|amount| amount.parse().unwrap());
                (kinds::parse(spec, profile.label.classes()).unwrap(), amount)
            })
            .collect(),
        whole_groups: true,
        spare_validation: true,
        known: Known {
            share: 0.5,
            false_share: 0.0,
            bias: Bias::None,
        },
        full_rows: true,
        seed: Seed(3),
    }
}

#[test]
fn injected_sheets_and_flags_come_back_the_same_from_every_format() {
    let table = sample();
    let profile = Profile::load("dataco").unwrap();
    let specs = [("segment:Market = LATAM: late -> on time, 40%", None), ("uniform", Some("3%"))];
    let mut notes = Notes::new();
    let injected = inject_sheet(&table, &profile, &plan(&profile, &specs), &mut notes).unwrap();
    assert!(injected.summary.mislabelled > 20, "{:?}", injected.summary);
    let expected = profile.label.labels(&injected.corrupted, &mut notes).unwrap();
    let prepared = prepare(&injected.corrupted, &profile, &mut notes).unwrap();
    let index = RowIndex::from_prepared(&injected.corrupted, &prepared, KeyHash::default()).unwrap();
    let keys: Vec<String> = injected.flags.texts("Order Item Id").unwrap().values;
    let folder = tempfile::tempdir().unwrap();
    for extension in ["csv", "csv.gz", "tsv", "xlsx", "parquet"] {
        let path = |name: &str| folder.path().join(format!("{name}.{extension}"));
        injected.corrupted.write(&path("corrupted"), &mut Notes::new()).unwrap();
        injected.flags.write(&path("flags"), &mut Notes::new()).unwrap();
        let corrupted = read(&path("corrupted"));
        assert_eq!(
            profile.label.labels(&corrupted, &mut Notes::new()).unwrap(),
            expected,
            "{extension}"
        );
        let mut notes = Notes::new();
        let options = FlagOptions::default();
        let read = flags::read(
            &path("flags"),
            &ReadOptions::default(),
            &options,
            &index,
            Some(&prepared.profile.label),
            &mut notes,
        )
        .unwrap();
        assert!(read.missing_columns(&prepared.features.source_columns()).is_empty());
        let resolved = resolve(&read.file, &index, &mut notes).unwrap();
        assert_eq!(resolved.counts.ignored, [], "{extension}");
        let found: Vec<&str> = resolved
            .training
            .iter()
            .map(|flag| prepared.train.keys[flag.position as usize].as_str())
            .collect();
        let mut wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut sorted = found.clone();
        wanted.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, wanted, "{extension}");
        // The flag file alone gives the inputs the model was trained with.
        let lines: Vec<usize> = resolved.training.iter().map(|flag| flag.flag).collect();
        let inputs = prepared.features.transform(&read.rows(&lines), &mut notes).unwrap().inputs;
        let width = prepared.features.width();
        let trained: Vec<f32> = resolved
            .training
            .iter()
            .flat_map(|flag| prepared.train.inputs[flag.position as usize * width..][..width].to_vec())
            .collect();
        assert_eq!(inputs, trained, "{extension}");
    }
}

#[test]
fn the_real_file_takes_errors_by_order_and_gives_them_back() {
    let folder =
        std::env::var_os("RECANT_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join("dataco/DataCoSupplyChainDataset.csv.gz");
    if !path.exists() {
        println!("skipped: `{}` is not there", path.display());
        return;
    }
    let table = read(&path);
    let profile = Profile::load("dataco-paper").unwrap();
    let mut by_rows = plan(&profile, &[("uniform", Some("5%"))]);
    by_rows.whole_groups = false;
    by_rows.known = Known::default();
    let mut notes = Notes::new();
    let injected = inject_sheet(&table, &profile, &by_rows, &mut notes).unwrap();
    assert_eq!(injected.summary.training_rows, 47_593);
    assert_eq!((injected.summary.mislabelled, injected.summary.flagged), (2_379, 2_379));
    assert_eq!(injected.summary.column, "Days for shipping (real)");
    let prepared = prepare(&injected.corrupted, &profile, &mut notes).unwrap();
    let index = RowIndex::from_prepared(&injected.corrupted, &prepared, KeyHash::default()).unwrap();
    let read = flags::from_table(injected.flags, &FlagOptions::default(), &index, Some(&profile.label), &mut notes).unwrap();
    let resolved = resolve(&read.file, &index, &mut notes).unwrap();
    assert_eq!((resolved.counts.used, resolved.counts.ignored.len()), (2_379, 0));
    let clean = prepare(&table, &profile, &mut notes).unwrap();
    let changed = (0..clean.train.len()).filter(|row| clean.train.labels[*row] != prepared.train.labels[*row]);
    let changed: Vec<u32> = changed.map(|row| row as u32).collect();
    assert_eq!(changed, resolved.positions());
}
