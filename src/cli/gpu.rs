//! What `recant scenarios` and the benchmarks on images compute on: the GPU that `--device` comes to, opened, or none.

use std::path::Path;

use crate::cli::Context;
use crate::error::Result;
use crate::experiments::images::{self, OnDevice};
use crate::experiments::random_errors::settings::{CPU, CUDA};
use crate::experiments::random_errors::{Data, RandomErrors, Settings};
use crate::experiments::{Engine, RunFolder};
use crate::nn::images::{Accelerated, Precision};
use crate::nn::{Device, DeviceChoice};
use crate::notes::Notes;

#[cfg(feature = "cuda")]
pub use crate::nn::cuda::GpuDevice as Gpu;

/// Never there in a program built without CUDA.
#[cfg(not(feature = "cuda"))]
pub enum Gpu {}

/// Scenarios of a chunk on a GPU unless said otherwise.
const CHUNK: u32 = 100;

/// Opens the GPU that was asked for, or that `auto` takes; `None`: the processor computes. A warning tells where a wish cannot be met.
/// A run that was begun on the processor stays there unless a GPU is asked for, which is then refused with the other settings.
///
/// # Errors
/// Where the choice cannot be, or a GPU that was asked for cannot be opened or cannot compute these methods.
pub fn open(context: &Context, place: &Path, methods: &[String], notes: &mut Notes) -> Result<Option<Gpu>> {
    let asked = context.device != DeviceChoice::Auto;
    let resolved = context.device.resolve()?;
    if let Some(why) = resolved.instead {
        no_gpu(context, &why, notes);
    }
    let Device::Cuda(number) = resolved.device else { return Ok(None) };
    let begun_on_processor = RunFolder::<Settings>::open(place).is_ok_and(|folder| folder.settings().device == CPU);
    match (check_methods(methods), asked) {
        (Err(error), true) => return Err(error),
        (Err(_), false) => return Ok(None),
        (Ok(()), false) if begun_on_processor => return Ok(None),
        (Ok(()), _) => {}
    }
    match (open_gpu(number), asked) {
        (Ok(gpu), _) => Ok(Some(gpu)),
        (Err(error), true) => Err(error),
        (Err(error), false) => {
            notes.add("no-gpu", format!("{error}."), "Computed on the processor.");
            Ok(None)
        }
    }
}

fn no_gpu(context: &Context, why: &str, notes: &mut Notes) {
    notes.add(
        "no-gpu",
        format!("`--device {}`: {why}", context.device),
        "Computed on the processor; `recant doctor` tells what is missing.",
    );
}

/// The benchmark on the GPU that was asked for, or that `auto` takes; a warning tells where a wish cannot be met. A run that was begun on
/// the processor stays there unless a GPU is asked for, which is then refused with the other settings.
///
/// # Errors
/// Where the choice cannot be, or a GPU that was asked for cannot be opened.
pub fn for_images<B: OnDevice>(context: &Context, bench: B, place: &Path, precision: Precision, notes: &mut Notes) -> Result<B> {
    let asked = context.device != DeviceChoice::Auto;
    let begun_on_processor = RunFolder::<B::Settings>::open(place).is_ok_and(|folder| B::device_of(folder.settings()) == images::CPU);
    let (device, instead) = match begun_on_processor && !asked {
        true => (None, None),
        false => Accelerated::open(context.device, precision)?,
    };
    let Some(device) = device else {
        if let Some(why) = instead {
            no_gpu(context, &why, notes);
        } else if precision != Precision::Single {
            notes.add(
                "no-gpu-precision",
                format!("`--precision {}` is for GPUs.", precision.name()),
                "The processor computes in single precision.",
            );
        }
        return Ok(bench);
    };
    if bench.fits(&device)? {
        return Ok(bench.on(device, precision));
    }
    if asked {
        notes.add(
            "no-gpu-version",
            format!("The GPU does not know every layer of `{}`.", bench.network()),
            "This network is computed on the processor.",
        );
    }
    Ok(bench)
}

/// Marks settings as a GPU's; `chunk` is what the person asked for.
pub fn mark(settings: &mut Settings, chunk: Option<u32>) {
    settings.device = CUDA.to_owned();
    settings.chunk = chunk.unwrap_or(CHUNK);
}

#[cfg(feature = "cuda")]
fn check_methods(methods: &[String]) -> Result<()> {
    crate::experiments::random_errors::lockstep::check_methods(methods)
}

#[cfg(feature = "cuda")]
fn open_gpu(number: usize) -> Result<Gpu> {
    Gpu::open(number, &crate::nn::cuda::Program::tables())
}

/// What computes the scenarios.
///
/// # Errors
/// As the engines.
#[cfg(feature = "cuda")]
pub fn engine<'a>(data: &'a Data, settings: &'a Settings, threads: usize, gpu: Option<Gpu>) -> Result<Box<dyn Engine<Settings> + 'a>> {
    use crate::experiments::random_errors::lockstep::LockstepEngine;
    Ok(match gpu {
        Some(gpu) => Box::new(LockstepEngine::new(data, settings, threads, gpu)?),
        None => Box::new(RandomErrors::new(data, settings, threads)?),
    })
}

#[cfg(not(feature = "cuda"))]
fn check_methods(_methods: &[String]) -> Result<()> {
    Ok(())
}

#[cfg(not(feature = "cuda"))]
fn open_gpu(_number: usize) -> Result<Gpu> {
    Err(crate::error::Error::internal("a GPU in a program built without CUDA"))
}

/// What computes the scenarios.
///
/// # Errors
/// As the engine.
#[cfg(not(feature = "cuda"))]
pub fn engine<'a>(data: &'a Data, settings: &'a Settings, threads: usize, _gpu: Option<Gpu>) -> Result<Box<dyn Engine<Settings> + 'a>> {
    Ok(Box::new(RandomErrors::new(data, settings, threads)?))
}
