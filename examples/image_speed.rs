//! How fast an image network trains: images per second through a whole step (forward, backward, SGD) and through evaluation.
//!
//! `cargo run --release --example image_speed -- [--network resnet9] [--batch 64] [--size 32] [--threads 2] [--rounds 5]`
//!
//! Made-up images are used (times do not depend on the values). Prints one JSON object with the seconds of every round.
//! `benchmarks/image_speed.py` runs it in turns with PyTorch.

use std::time::Instant;

use recant::nn::images::{ImageNetwork, ImageRecipe, ImageShape, ImageSpec, ImageStepper, image_logits};
use recant::seed::Seed;
use recant::{Error, Result};
use serde_json::json;

struct Settings {
    network: String,
    batch: usize,
    size: usize,
    threads: usize,
    rounds: usize,
}

fn settings() -> Result<Settings> {
    let mut settings = Settings {
        network: "resnet9".to_owned(),
        batch: 64,
        size: 32,
        threads: 2,
        rounds: 5,
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
            _ => return Err(Error::input(format!("there is no option `{option}`"))),
        }
    }
    Ok(settings)
}

fn main() -> Result<()> {
    let settings = settings()?;
    let shape = ImageShape::new(3, settings.size, settings.size);
    let spec = ImageSpec::named(&settings.network, shape, 10)?;
    let mut network = ImageNetwork::<f32>::initial(&spec, Seed(1))?;
    let values = settings.batch * shape.len();
    let images: Vec<f32> = (0..values).map(|index| ((index * 7_919) % 1_000) as f32 / 500.0 - 1.0).collect();
    let labels: Vec<u8> = (0..settings.batch).map(|image| (image % 10) as u8).collect();
    let recipe = ImageRecipe::published_forgetting(10);
    let mut stepper = ImageStepper::new(&network, settings.threads);
    let (mut step, mut evaluation) = (Vec::new(), Vec::new());
    // The first round makes the buffers and does not count.
    for round in 0..=settings.rounds {
        let start = Instant::now();
        stepper.step(&mut network, &images, &labels, &recipe, 1e-4)?;
        let stepped = start.elapsed().as_secs_f64();
        let start = Instant::now();
        std::hint::black_box(image_logits(&network, &images, settings.threads)?);
        if round > 0 {
            step.push(stepped);
            evaluation.push(start.elapsed().as_secs_f64());
        }
    }
    let best = |seconds: &[f64]| settings.batch as f64 / seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let report = json!({
        "network": settings.network,
        "batch": settings.batch,
        "threads": settings.threads,
        "step_seconds": step,
        "evaluation_seconds": evaluation,
        "step_images_per_second": best(&step),
        "evaluation_images_per_second": best(&evaluation),
    });
    println!("{report}");
    Ok(())
}
