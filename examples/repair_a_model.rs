//! The whole job from Rust: make orders, mislabel some, train on them, repair with ASSD, compare.
//!
//! `cargo run --example repair_a_model` prints
//!
//! ```text
//! 78 rows were mislabelled
//! accuracy on 363 test rows: 0.736 before, 0.708 after assd
//! ```
//!
//! On so few rows the difference is chance, and random slips leave little to win: `recant repair` would say so.

use recant::datasets::generator::{Options, Sheet};
use recant::evaluate::accuracy;
use recant::features::{Profile, prepare};
use recant::label_errors::{Amount, Domain, inject_labels, kinds};
use recant::learner::Rows;
use recant::nn::{Examples, MlpSpec, Network, Recipe, probabilities, store_importances, train};
use recant::notes::Notes;
use recant::progress::Silent;
use recant::repair::{self, RepairOptions, Request, Session, Trained};
use recant::seed::Seed;
use recant::tables::{self, ReadOptions};

fn main() -> recant::Result<()> {
    let (seed, quiet, mut notes) = (Seed(1), Silent::default(), Notes::new());
    let folder = std::env::temp_dir().join(format!("recant-example-{}", std::process::id()));
    let sheet = folder.join("orders.csv");
    Sheet::past(&Options {
        rows: 2_000,
        seed,
        signal: 2.0,
        complete_share: 0.9,
        ..Options::default()
    })?
    .write(&sheet, &quiet)?;
    let table = tables::read(&sheet, &ReadOptions::default(), &mut notes)?;
    let prepared = prepare(&table, &Profile::load("dataco")?, &mut notes)?;
    let classes = prepared.profile.label.classes().to_vec();

    // Some labels go wrong; a repair will only be told which rows, not what is right.
    let mistake = kinds::parse("uniform", &classes)?;
    let domain = Domain::rows(&prepared.train.labels, classes.len());
    let wrong = inject_labels(
        mistake.as_ref(),
        &domain,
        Amount::ShareOfTraining(0.06),
        &mut seed.stream("example", 0),
    )?;
    println!("{} rows were mislabelled", wrong.flagged.len());

    let width = prepared.features.width();
    let rows = Examples::all(&prepared.train.inputs, width, &wrong.labels);
    let recipe = Recipe {
        epochs: 10,
        batch: 64,
        ..Recipe::default()
    };
    let mut network = Network::<f32>::initial(&MlpSpec::new(width, vec![50, 50], classes.len())?, seed)?;
    train(&mut network, &rows, &recipe, 2, &quiet)?;
    let stored = store_importances(&network, &rows, recipe.batch, 2)?;

    let inputs: Vec<f32> = wrong
        .flagged
        .iter()
        .flat_map(|row| prepared.train.inputs[*row as usize * width..][..width].to_vec())
        .collect();
    let labels: Vec<u8> = wrong.flagged.iter().map(|row| wrong.labels[*row as usize]).collect();
    let trained = Trained {
        classifier: &network,
        initial: None,
        plan: (&recipe).into(),
        training_rows: rows.len(),
        importance_batch: recipe.batch,
        stored: Some(&stored),
        full_set: &[],
    };
    let request = Request {
        positions: &wrong.flagged,
        flagged: Some(Rows::table(&inputs, width, &labels)),
        corrections: &[],
        training: None,
        augmented: None,
    };
    let mut under_repair = Session::new(trained, request, 2, &quiet)?;
    repair::apply(repair::method("assd")?, &mut under_repair, &RepairOptions::default(), &quiet)?;
    let repaired = under_repair.into_network();

    let judge = |network: &Network<f32>| {
        accuracy(
            &prepared.test.labels,
            &probabilities(network, &prepared.test.inputs, 2)?,
            classes.len(),
        )
    };
    println!(
        "accuracy on {} test rows: {:.3} before, {:.3} after assd",
        prepared.test.len(),
        judge(&network)?,
        judge(&repaired)?
    );
    std::fs::remove_dir_all(&folder).map_err(|error| recant::Error::io("remove", &folder, &error))
}
