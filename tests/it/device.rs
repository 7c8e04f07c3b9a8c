//! `--device` and `recant doctor`, on machines without a GPU (with one, what needs its absence is skipped with a printed line).

use serde_json::Value;

use crate::program::{json, recant, text, works};

fn anywhere() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn doctor() -> Value {
    json(anywhere().path(), &["doctor"])
}

#[test]
fn doctor_tells_cores_memory_libraries_and_what_computes() {
    let found = doctor();
    assert!(found["processor"]["cores"].as_u64().unwrap() >= 1);
    assert!(!found["processor"]["vector_instructions"].as_str().unwrap().is_empty());
    assert_eq!(found["cuda"]["built"], cfg!(feature = "cuda"));
    let names: Vec<&str> = found["cuda"]["libraries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|library| library["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["driver", "NVRTC", "cuBLAS"]);
    for library in found["cuda"]["libraries"].as_array().unwrap() {
        assert!(!library["looked_in"].as_array().unwrap().is_empty());
    }
    let auto = found["auto_device"].as_str().unwrap();
    assert_eq!(
        auto == "cpu",
        found["cuda"]["trouble"].is_string() || found["cuda"]["gpus"] == serde_json::json!([])
    );
    assert!(auto != "cpu" || !found["advice"].as_array().unwrap().is_empty());
}

#[test]
fn doctor_in_words_names_every_part_and_ends_well() {
    let place = anywhere();
    let shown = text(&works(place.path(), &["doctor"]));
    for part in ["Processor", "Memory", "driver", "NVRTC", "cuBLAS", "Computes on"] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
    let built = if cfg!(feature = "cuda") { "with CUDA" } else { "without CUDA" };
    assert!(shown.contains(built), "{shown}");
    // A GPU that was asked for is no trouble for the command that tells about GPUs, where the program could drive one.
    if cfg!(feature = "cuda") {
        works(place.path(), &["doctor", "--device", "cuda"]);
    }
}

#[test]
fn a_library_in_the_named_folder_is_found_there() {
    let place = anywhere();
    std::fs::write(place.path().join("libnvrtc.so.13"), "no library").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_recant"))
        .args(["doctor", "--json"])
        .env("RECANT_CUDA_LIBRARIES", place.path())
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nvrtc = &found["cuda"]["libraries"][1];
    assert_eq!(nvrtc["found"], place.path().join("libnvrtc.so.13").to_str().unwrap());
    assert_eq!(nvrtc["looked_in"][0], place.path().to_str().unwrap());
}

#[test]
fn a_device_that_is_none_is_refused_with_the_choices() {
    for wrong in ["gpu", "cuda:", "cuda:x"] {
        let output = recant(anywhere().path(), &["doctor", "--device", wrong]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains("auto, cpu, cuda"), "{}", text(&output));
    }
}

#[test]
fn auto_and_cpu_work_everywhere() {
    for device in ["auto", "cpu"] {
        let place = anywhere();
        let output = works(
            place.path(),
            &["generate", "--rows", "50", "--out", "orders.csv", "--device", device],
        );
        assert!(!text(&output).contains("warning"), "{}", text(&output));
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_gpu_without_cuda_built_in_is_an_error_with_the_command_to_build() {
    let place = anywhere();
    for arguments in [
        &["generate", "--rows", "50", "--out", "orders.csv"][..],
        &["scenarios", "orders.csv", "--out", "run"],
    ] {
        let output = recant(place.path(), &[arguments, &["--device", "cuda"]].concat());
        assert_eq!(output.status.code(), Some(2));
        let shown = text(&output);
        assert!(shown.contains("cargo build --release --features cuda"), "{shown}");
    }
    assert!(!place.path().join("orders.csv").exists());
}

#[cfg(feature = "cuda")]
#[test]
fn a_command_without_a_gpu_version_says_so_once_and_computes() {
    let place = anywhere();
    let output = works(
        place.path(),
        &["generate", "--rows", "50", "--out", "orders.csv", "--device", "cuda"],
    );
    assert_eq!(text(&output).matches("warning:").count(), 1, "{}", text(&output));
    assert!(place.path().join("orders.csv").exists());
}

/// A quick batch of scenarios on a made-up sheet in `place`.
#[cfg(feature = "cuda")]
fn batch(place: &std::path::Path, out: &str, more: &[&str]) -> std::process::Output {
    let quick = "scenarios orders.csv --sizes none --errors 10% --runs 2 --epochs 2 --learning-rate 0.03 --sweep-runs 0 --out";
    let arguments: Vec<&str> = quick.split(' ').chain([out]).chain(more.iter().copied()).collect();
    works(place, &arguments)
}

#[cfg(feature = "cuda")]
#[test]
fn scenarios_without_a_driver_compute_on_the_processor_with_one_warning_only_if_a_gpu_was_asked_for() {
    if doctor()["auto_device"] != "cpu" {
        println!("skipped: this machine has a GPU that can be used");
        return;
    }
    let place = anywhere();
    works(
        place.path(),
        &["generate", "--rows", "1500", "--complete-share", "100%", "--out", "orders.csv"],
    );
    let (auto, asked) = (
        batch(place.path(), "auto", &[]),
        batch(place.path(), "asked", &["--device", "cuda"]),
    );
    let warnings = |output| text(output).matches("No NVIDIA driver was found").count();
    assert_eq!((warnings(&auto), warnings(&asked)), (0, 1), "{}", text(&asked));
    for file in ["settings.json", "records.csv"] {
        let read = |run: &str| std::fs::read(place.path().join(run).join(file)).unwrap();
        assert_eq!(read("auto"), read("asked"), "{file}");
    }
}
