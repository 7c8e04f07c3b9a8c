//! How fast an image network trains: images per second through a whole step (forward, backward, SGD) and through evaluation.
//!
//! `cargo run --release --example image_speed -- [--network resnet9] [--batch 64] [--size 32] [--threads 2] [--rounds 5]
//!  [--device cpu] [--precision f32] [--images 4096]`
//!
//! Made-up images are used (times do not depend on the values): the same ones in every round on the processor; on a GPU (`--device cuda`)
//! rows of a set that lies on it, augmented there as in training. Prints one JSON object with the seconds of every round, what all rounds
//! took together, and the losses of the first steps, by which devices can be compared.
//! `benchmarks/image_speed.py` and `benchmarks/gpu_images.sh` run it beside PyTorch.

use std::time::Instant;

use recant::datasets::images::{Augmentation, MadeUp, Normalisation, TrainingImages};
use recant::nn::DeviceChoice;
use recant::nn::images::{
    Accelerated, Compute, ImageAnswers, ImageNetwork, ImageRecipe, ImageShape, ImageSource, ImageSpec, ImageStepper, PlainImages,
    Precision, StepImages,
};
use recant::seed::Seed;
use recant::{Error, Result};
use serde_json::json;

/// Steps whose losses are told.
const TOLD: usize = 5;

struct Settings {
    network: String,
    batch: usize,
    size: usize,
    threads: usize,
    rounds: usize,
    device: DeviceChoice,
    precision: Precision,
    images: usize,
    /// Take rows of the set on the processor as well, to compare losses.
    rows: bool,
}

fn settings() -> Result<Settings> {
    let mut settings = Settings {
        network: "resnet9".to_owned(),
        batch: 64,
        size: 32,
        threads: 2,
        rounds: 5,
        device: DeviceChoice::Cpu,
        precision: Precision::Single,
        images: 4096,
        rows: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(option) = words.next() {
        let value = words.next().unwrap_or_default();
        let number = || value.parse().map_err(|_| Error::input(format!("`{option} {value}` is no number")));
        match option.as_str() {
            "--network" => settings.network = value,
            "--batch" => settings.batch = number()?,
            "--size" => settings.size = number()?,
            "--threads" => settings.threads = number()?,
            "--rounds" => settings.rounds = number()?,
            "--images" => settings.images = number()?,
            "--device" => settings.device = value.parse()?,
            "--precision" => settings.precision = value.parse()?,
            "--rows" => settings.rows = value == "yes",
            _ => return Err(Error::input(format!("there is no option `{option}`"))),
        }
    }
    if settings.batch > settings.images {
        return Err(Error::input("a batch of more than all images"));
    }
    Ok(settings)
}

/// Seconds of every round, and of all of them.
#[derive(Default)]
struct Times {
    each: Vec<f64>,
    together: f64,
    losses: Vec<f64>,
}

fn report(settings: &Settings, device: &str, step: &Times, evaluation: &Times) {
    let best = |times: &Times| settings.batch as f64 / times.each.iter().copied().fold(f64::INFINITY, f64::min);
    let sustained = |times: &Times| settings.batch as f64 * settings.rounds as f64 / times.together;
    let report = json!({
        "network": settings.network,
        "device": device,
        "precision": settings.precision.name(),
        "batch": settings.batch,
        "threads": settings.threads,
        "step_seconds": step.each,
        "evaluation_seconds": evaluation.each,
        "step_images_per_second": best(step),
        "evaluation_images_per_second": best(evaluation),
        "sustained_step_images_per_second": sustained(step),
        "sustained_evaluation_images_per_second": sustained(evaluation),
        "losses": step.losses,
    });
    println!("{report}");
}

/// The same values again and again.
fn on_values(settings: &Settings, network: &ImageNetwork<f32>) -> Result<()> {
    let values = settings.batch * network.spec().input.len();
    let images: Vec<f32> = (0..values).map(|index| ((index * 7_919) % 1_000) as f32 / 500.0 - 1.0).collect();
    let labels: Vec<u8> = (0..settings.batch).map(|image| (image % 10) as u8).collect();
    let recipe = ImageRecipe::published_forgetting(10);
    let mut stepper = ImageStepper::new(network.clone(), settings.threads)?;
    let (mut step, mut evaluation) = (Times::default(), Times::default());
    let shape = network.spec().input;
    let source = PlainImages {
        shape,
        values: &images,
        labels: &labels,
    };
    let rows: Vec<u32> = (0..settings.batch as u32).collect();
    // As in a study, which asks one network about many batches.
    let mut answers = ImageAnswers::new(network, &source, settings.threads.into())?;
    // The first round makes the buffers and does not count.
    for round in 0..=settings.rounds {
        let start = Instant::now();
        step.losses.push(stepper.step(StepImages::Values(&images), &labels, &recipe, 1e-4)?);
        let stepped = start.elapsed().as_secs_f64();
        let start = Instant::now();
        std::hint::black_box(answers.logits(&source, 0, &rows)?);
        if round > 0 {
            step.each.push(stepped);
            evaluation.each.push(start.elapsed().as_secs_f64());
        }
    }
    for times in [&mut step, &mut evaluation] {
        times.together = times.each.iter().sum();
        times.losses.truncate(TOLD);
    }
    report(settings, "cpu", &step, &evaluation);
    Ok(())
}

/// Rows of a set, augmented.
fn on_rows(settings: &Settings, network: &ImageNetwork<f32>, compute: Compute, name: &str) -> Result<()> {
    let set = MadeUp {
        shape: network.spec().input,
        classes: 10,
        train: settings.images,
        test: 10,
        noise: 40,
        seed: Seed(1),
    };
    let images = set.make()?.train;
    let normalisation = Normalisation::fit(&images)?;
    let source = TrainingImages {
        images: &images,
        normalisation: &normalisation,
        augmentation: Augmentation::PUBLISHED,
        seed: Seed(2),
        resize: None,
    };
    let recipe = ImageRecipe::published_corrective(4_000);
    let mut stepper = ImageStepper::new(network.clone(), compute)?;
    stepper.upload(&source)?;
    let mut one = |step: usize| {
        let begin = step * settings.batch % (images.len() - settings.batch + 1);
        let rows: Vec<u32> = (begin as u32..(begin + settings.batch) as u32).collect();
        let labels: Vec<u8> = rows.iter().map(|row| source.labels()[*row as usize]).collect();
        let images = StepImages::Rows {
            source: &source,
            epoch: step as u32,
            rows: &rows,
        };
        stepper.step(images, &labels, &recipe, 0.01)
    };
    let (mut step, mut evaluation) = (Times::default(), Times::default());
    for round in 0..TOLD {
        step.losses.push(one(round)?);
    }
    let whole = Instant::now();
    for round in 0..settings.rounds {
        let start = Instant::now();
        one(TOLD + round)?;
        step.each.push(start.elapsed().as_secs_f64());
    }
    // A step returns once its loss is known; reading the network waits for the last one's backward pass.
    std::hint::black_box(stepper.network()?);
    step.together = whole.elapsed().as_secs_f64();
    let rows: Vec<u32> = (0..settings.batch as u32).collect();
    // Network and images stay on the device, as in a study that asks for many batches.
    let mut answers = ImageAnswers::new(network, &source, compute)?;
    for round in 0..=settings.rounds {
        let start = Instant::now();
        std::hint::black_box(answers.logits(&source, 0, &rows)?);
        if round > 0 {
            evaluation.each.push(start.elapsed().as_secs_f64());
        }
    }
    evaluation.together = evaluation.each.iter().sum();
    report(settings, name, &step, &evaluation);
    Ok(())
}

fn main() -> Result<()> {
    let settings = settings()?;
    let shape = ImageShape::new(3, settings.size, settings.size);
    let spec = ImageSpec::named(&settings.network, shape, 10)?;
    let network = ImageNetwork::<f32>::initial(&spec, Seed(1))?;
    let (device, instead) = Accelerated::open(settings.device, settings.precision)?;
    if let Some(why) = instead {
        eprintln!("on the processor: {why}");
    }
    match &device {
        Some(device) => on_rows(&settings, &network, Compute::on(device, settings.threads), "cuda"),
        None if settings.rows => on_rows(&settings, &network, settings.threads.into(), "cpu"),
        None => on_values(&settings, &network),
    }
}
