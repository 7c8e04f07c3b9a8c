//! `recant doctor`: what this machine offers, what is not used, why, and what to do about it.

use crate::cli::Context;
use crate::error::{Error, Result};
use crate::nn::{Cuda, Library, Survey, survey};
use crate::report::format;

pub(super) fn run(context: &Context) -> Result<()> {
    let found = survey();
    let console = &context.console;
    let processor = &found.processor;
    console.item(
        "Processor",
        format!(
            "{}, {}; vectors: {}",
            format::counted(processor.cores, "core"),
            processor.architecture,
            processor.vector_instructions
        ),
    );
    console.item("Memory", memory(&found));
    console.item("Built", if found.cuda.built { "with CUDA" } else { "without CUDA" });
    for library in &found.cuda.libraries {
        console.item(&library.name, about(library));
    }
    if let Some(missing) = found
        .cuda
        .libraries
        .iter()
        .find(|library| library.found.is_none() && library.opens != Some(true))
    {
        let folders: Vec<String> = missing.looked_in.iter().map(|folder| folder.display().to_string()).collect();
        console.item("Looked in", folders.join(", "));
    }
    console.item("GPUs", gpus(&found.cuda));
    for gpu in &found.cuda.gpus {
        let free = gpu.free.map_or(String::new(), |free| format!(", {} free", gigabytes(free)));
        let why_not = gpu.why_not.as_ref().map_or(String::new(), |why| format!(". Not used: {why}"));
        console.item(
            &format!("cuda:{}", gpu.number),
            format!(
                "{}, {}{free}, compute capability {}{why_not}",
                gpu.name,
                gigabytes(gpu.memory),
                gpu.compute_capability
            ),
        );
    }
    console.item("Computes on", auto(&found));
    if !found.advice.is_empty() {
        console.heading("What to do");
        for line in &found.advice {
            console.item("", line);
        }
    }
    console.result(&serde_json::to_value(&found).map_err(|error| Error::internal(error.to_string()))?);
    Ok(())
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

fn memory(found: &Survey) -> String {
    match (found.memory.total, found.memory.available) {
        (Some(total), Some(available)) => format!("{}, {} free", gigabytes(total), gigabytes(available)),
        (Some(total), None) => gigabytes(total),
        _ => "not known".to_owned(),
    }
}

fn about(library: &Library) -> String {
    match (&library.found, library.opens) {
        (Some(path), Some(false)) => format!("{} is there, but cannot be opened ({})", path.display(), library.purpose),
        (Some(path), _) => path.display().to_string(),
        (None, Some(true)) => "found by the system".to_owned(),
        (None, _) => format!("not found ({})", library.purpose),
    }
}

fn gpus(cuda: &Cuda) -> String {
    match (&cuda.trouble, cuda.gpus.len()) {
        (Some(trouble), _) if cuda.devices_seen > 0 => format!(
            "{} in this machine, not used: {trouble}",
            format::counted(cuda.devices_seen, "NVIDIA device")
        ),
        (Some(trouble), _) => format!("none used: {trouble}"),
        (None, 0) => "none used: The driver reports no GPU.".to_owned(),
        (None, count) => format::counted(count, "GPU"),
    }
}

fn auto(found: &Survey) -> String {
    match found.auto_device.as_str() {
        "cpu" => "the processor, in every command".to_owned(),
        device => format!("`{device}` in `recant scenarios`, the processor in every other command"),
    }
}
