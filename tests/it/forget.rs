//! The forgetting benchmark as a person runs it: on made-up images, killed and gone on with, in shards, and with input that cannot be used.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use recant::nn::images::{ImageNetwork, ImageShape, ImageSpec};
use recant::seed::Seed;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::program::{contents, json, recant, text, works};

const QUICK: &str = "bench forget --dataset made-up --task class:level,random:5% --methods assd,ssd,badt,retrain --seeds 1 --rows 160 --test-rows 80 --epochs 4";

fn quick<'a>(out: &'a str, more: &'a [&'a str]) -> Vec<&'a str> {
    QUICK.split(' ').chain(["--out", out]).chain(more.iter().copied()).collect()
}

fn outputs(run: &Path) -> Vec<Vec<u8>> {
    ["records.csv", "records.json", "settings.json"]
        .iter()
        .map(|name| fs::read(run.join(name)).unwrap())
        .collect()
}

#[test]
fn a_run_is_reported_and_one_that_was_killed_or_sharded_has_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let begun = Instant::now();
    let value = json(at, &quick("whole", &[]));
    let length = begun.elapsed().as_secs_f64();
    assert_eq!(value["pieces"], serde_json::json!([10, 10]));
    let whole = outputs(&at.join("whole"));
    for name in [
        "report/report.html",
        "report/report.json",
        "report/summary.csv",
        "report/plots/retain-1.svg",
        "timings.csv",
    ] {
        assert!(at.join("whole").join(name).is_file(), "{name}");
    }
    let page = fs::read_to_string(at.join("whole/report/report.html")).unwrap();
    assert!(page.contains("160 of 400 training images") && page.contains("class:level") && page.contains("random:0.05"));
    let records = String::from_utf8(whole[0].clone()).unwrap();
    assert_eq!(records.lines().count(), 11, "{records}");

    for part in 1..=6 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_recant"))
            .current_dir(at)
            .args(quick("killed", &["--threads", "1"]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs_f64(length * f64::from(part) / 8.0));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    works(at, &quick("killed", &[]));
    assert_eq!(outputs(&at.join("killed")), whole);
    for path in contents(&at.join("killed")).keys() {
        assert!(
            !path.starts_with("checkpoints") || path.to_string_lossy().contains(".recant-"),
            "{path:?}"
        );
    }

    works(at, &quick("shards", &["--shard", "2/2"]));
    works(at, &quick("shards", &["--shard", "1/2"]));
    assert_eq!(outputs(&at.join("shards")), whole);

    // Thirty shards for ten results: some have nothing to do, which is no failure.
    let idle = json(at, &quick("idle", &["--shard", "1/30"]));
    assert_eq!(idle["computed"], 0);

    let again = json(at, &["bench", "forget", "--report-only", "--out", "whole"]);
    assert_eq!((&again["tasks"], &again["computed"]), (&value["tasks"], &serde_json::Value::Null));
}

/// Weights of a small transformer for images of 16 x 16, as a file of the Hugging Face library.
fn transformer(path: &Path, seed: u64) {
    let spec = ImageSpec::named("vit-tiny", ImageShape::new(3, 16, 16), 7).unwrap();
    let network = ImageNetwork::<f32>::initial(&spec, Seed(seed)).unwrap();
    let tensors = network.to_tensors().into_iter().map(|tensor| {
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        (tensor.name, tensor.shape, bytes)
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// So many records of a CIFAR-10 file: a label, then 3,072 values.
fn cifar_records(count: usize) -> Vec<u8> {
    let record = |index: usize| {
        let label = index % 10;
        std::iter::once(label as u8).chain((0..3_072).map(move |place| (25 * label + (place * 7 + index) % 31) as u8))
    };
    (0..count).flat_map(record).collect()
}

#[test]
fn a_table_is_one_command_for_a_transformer_from_a_file_of_weights() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("cifar")).unwrap();
    fs::write(at.join("cifar/data_batch_1.bin"), cifar_records(640)).unwrap();
    fs::write(at.join("cifar/test_batch.bin"), cifar_records(60)).unwrap();
    transformer(&at.join("model.safetensors"), 1);
    transformer(&at.join("other.safetensors"), 2);
    let table =
        "bench forget --table 3 --data cifar --network vit-tiny --methods assd,retrain --seeds 1 --epochs 1 --membership-rows 50 --out run";
    let run = |weights: &str| {
        let words: Vec<&str> = table.split(' ').chain(["--weights", weights]).collect();
        recant(at, &words)
    };
    let output = run(".");
    assert!(output.status.success(), "{}", text(&output));
    let settings: serde_json::Value = serde_json::from_slice(&fs::read(at.join("run/settings.json")).unwrap()).unwrap();
    let sha256 = recant::files::sha256_of(&at.join("model.safetensors")).unwrap();
    assert_eq!(settings["weights"], serde_json::json!({"sha256": sha256, "pixels": 16}));
    let page = fs::read_to_string(at.join("run/report/report.html")).unwrap();
    for told in ["98.88", "98.61", "16 × 16", &sha256, "not the published training"] {
        assert!(page.contains(told), "{told}");
    }
    let before = contents(&at.join("run"));
    let output = run("other.safetensors");
    let shown = text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains("with other settings: weights sha256"), "{shown}");
    assert!(contents(&at.join("run")) == before);
}

#[test]
fn what_cannot_be_used_is_named_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("cifar")).unwrap();
    fs::write(at.join("cifar/cifar-10-binary.tar.gz"), [0x1f, 0x8b, 8, 0, 0]).unwrap();
    fs::create_dir(at.join("short")).unwrap();
    fs::write(at.join("short/data_batch_1.bin"), vec![0; 3073 + 100]).unwrap();
    fs::write(at.join("short/test_batch.bin"), vec![0; 3073]).unwrap();
    fs::create_dir(at.join("labels")).unwrap();
    fs::write(at.join("labels/data_batch_1.bin"), vec![11; 3073]).unwrap();
    fs::write(at.join("labels/test_batch.bin"), vec![0; 3073]).unwrap();
    let bytes = {
        transformer(&at.join("model.safetensors"), 1);
        fs::read(at.join("model.safetensors")).unwrap()
    };
    fs::write(at.join("cut.safetensors"), &bytes[..bytes.len() - 5]).unwrap();
    fs::write(at.join("text.safetensors"), "no weights at all, but text").unwrap();
    fs::create_dir(at.join("taken")).unwrap();
    fs::write(at.join("taken/own.txt"), "mine").unwrap();
    let before = contents(at);
    let made_up = "--dataset made-up";
    for (arguments, told) in [
        ("--out run".to_owned(), "--dataset made-up"),
        ("--data nowhere --out run".to_owned(), "nowhere"),
        ("--data cifar --out run".to_owned(), "cut short"),
        ("--data short --out run".to_owned(), "3173 bytes"),
        ("--dataset folder --task class:level --out run".to_owned(), "--data DIR"),
        ("--dataset folder --data taken --task class:level --out run".to_owned(), "taken"),
        ("--data labels --out run".to_owned(), "11"),
        ("--dataset mnist --out run".to_owned(), "there is no image set `mnist`"),
        ("--dataset cifar1O --out run".to_owned(), "did you mean `cifar10`"),
        (format!("{made_up} --task class:levle --out run"), "did you mean `level`"),
        (format!("{made_up} --task subclass:purple --out run"), "no sub-class `purple`"),
        (format!("{made_up} --task rocket --out run"), "class:rocket"),
        (format!("{made_up} --task random:0.001% --out run"), "nothing to forget"),
        (format!("{made_up} --task random:100% --out run"), "all 400 training images"),
        (format!("{made_up} --rows 1 --task class:level --out run"), "training image"),
        (
            format!("{made_up} --task class:level --network resnet19 --out run"),
            "did you mean `resnet9`",
        ),
        (
            format!("{made_up} --task class:level --network resnet9 --out run"),
            "does not fit images",
        ),
        (
            format!("{made_up} --task class:level --methods asd --out run"),
            "did you mean `assd`",
        ),
        (format!("{made_up} --task class:level --epochs 0 --out run"), "at least one epoch"),
        (format!("{made_up} --task class:level --batch 1 --out run"), "batch"),
        (format!("{made_up} --task class:level --seeds 0 --out run"), "--seeds 3"),
        (format!("{made_up} --task class:level --alpha 0 --out run"), "alpha is 0"),
        (format!("{made_up} --task class:level --augment flip --out run"), "crop-flip"),
        (
            format!("{made_up} --task class:level --importance fisher --out run"),
            "per-sample-fisher",
        ),
        (format!("{made_up} --task class:level --shard 3/2 --out run"), "--shard"),
        (format!("{made_up} --task class:level --out taken"), "not a run folder"),
        (
            format!("{made_up} --task class:level --out taken/own.txt/run"),
            "a part of the path is a file",
        ),
        ("--table 4 --out run".to_owned(), "--table 1"),
        (
            format!("{made_up} --task class:level --image-size 16 --out run"),
            "leave `--image-size` out",
        ),
        (
            format!("{made_up} --task class:level --network vit-b-16 --out run"),
            "https://huggingface.co/google/vit-base-patch16-224",
        ),
        (
            format!("{made_up} --task class:level --network vit-b-16 --weights . --out run"),
            "[48, 3, 4, 4] where [768, 3, 16, 16] is needed",
        ),
        (
            format!("{made_up} --task class:level --weights . --out run"),
            "leave `--weights` out, or add `--network vit-b-16`",
        ),
        (
            format!("{made_up} --task class:level --network vit-tiny --weights nowhere --out run"),
            "there is no file `nowhere`",
        ),
        (
            format!("{made_up} --task class:level --network vit-tiny --weights taken --out run"),
            "there is no `model.safetensors` here",
        ),
        (
            format!("{made_up} --task class:level --network vit-tiny --weights cut.safetensors --out run"),
            "it may have been cut short",
        ),
        (
            format!("{made_up} --task class:level --network vit-tiny --weights text.safetensors --out run"),
            "cannot be read as safetensors",
        ),
        ("--report-only --out run".to_owned(), "run/settings.json"),
    ] {
        let words: Vec<&str> = ["bench", "forget"].into_iter().chain(arguments.split(' ')).collect();
        let output = recant(at, &words);
        assert_eq!(output.status.code(), Some(2), "{arguments}\n{}", text(&output));
        let shown = text(&output);
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(told), "{arguments}: no `{told}` in\n{shown}");
        assert!(contents(at) == before, "{arguments} left something behind");
    }
}
