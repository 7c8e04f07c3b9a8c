//! The corrective study on images as a person runs it: on made-up images, gone on with, reported, and with input that cannot be used.

use std::fs;

use serde_json::json;

use crate::program::{json as result, recant, text, works};

const QUICK: &str = "bench corrective --dataset made-up --manipulation poison:n=20,size=3,place=middle --known 25,100 --methods expand+retrain,ssd --seeds 1 --rows 160 --test-rows 40 --epochs 3";

#[test]
fn a_run_is_reported_gone_on_with_and_told_apart_from_one_of_tables() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let quick =
        |more: &[&'static str]| -> Vec<&'static str> { QUICK.split(' ').chain(["--out", "run"]).chain(more.iter().copied()).collect() };
    let value = result(at, &quick(&[]));
    assert_eq!(value["pieces"], json!([6, 6]));
    let found = &value["manipulations"][0];
    assert_eq!(
        found["manipulation"],
        "poison:n=20,reading=text,size=3,place=middle,colour=white,target=upright"
    );
    assert_eq!(found["methods"].as_array().unwrap().len(), 4);
    assert!(found["methods"][0]["proposed"].is_number() && found["methods"][1]["proposed"].is_null());
    assert_eq!(value["claims"].as_array().unwrap().len(), 7);
    assert_eq!(value["claims"][3]["verdict"], "not-run");
    for name in [
        "report/report.html",
        "report/report.json",
        "report/summary.csv",
        "report/plots/known-1.svg",
        "records.csv",
        "records.parquet",
    ] {
        assert!(at.join("run").join(name).is_file(), "{name}");
    }
    let page = fs::read_to_string(at.join("run/report/report.html")).unwrap();
    for told in [
        "Healed x utility",
        "The paper's claims",
        "images that are made up",
        "160 of 400 training images",
    ] {
        assert!(page.contains(told), "{told}");
    }
    let again = result(at, &quick(&["--methods", "retrain"]));
    assert_eq!((&again["computed"], &again["pieces"]), (&json!(2), &json!([8, 8])));
    // The folder tells what it is of.
    let reported = result(at, &["bench", "corrective", "--report-only", "--out", "run"]);
    assert_eq!(reported["pieces"], json!([8, 8]));
    let status = text(&works(at, &["bench", "status", "run"]));
    assert!(status.contains("corrective study on images"), "{status}");
}

#[test]
fn what_cannot_be_run_is_refused_with_what_to_write_instead() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |arguments: &str, says: &str, hints: &str| {
        let arguments = format!("bench corrective {arguments} --out run");
        let output = recant(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
        let told = text(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(told.contains(says) && told.contains(hints), "{arguments}: {told}");
        assert!(!folder.path().join("run").exists(), "{arguments}");
    };
    fails(
        "--dataset made-up",
        "something that is wrong with the images",
        "--manipulation poison:n=500",
    );
    fails(
        "--dataset made-up --manipulation poison:n=900",
        "more images than it can",
        "give at most `n=",
    );
    fails(
        "--dataset made-up --manipulation poison:n=9,size=40",
        "does not fit images of 3 x 8 x 8",
        "size",
    );
    fails(
        "--dataset made-up --manipulation confusion:n=9,pair=level/level",
        "`level` twice",
        "pair=",
    );
    fails("--dataset made-up --manipulation poison:n=9 --known 0", "`0` is not a share", "");
    fails(
        "--dataset made-up --manipulation poison:n=9 --known 1",
        "`1` is not a share",
        "100%",
    );
    fails("--dataset made-up --figure 2", "no figure of made-up", "cifar10");
    fails("--dataset cifar10 --manipulation poison:n=9", "none were named", "--data DIR");
    fails("--dataset cifar10 --figure 9", "figure 9", "--figure 2");
    fails("--manipulation poison:n=9", "--dataset", "");
    fails(
        "--dataset made-up --sheet a.csv --manipulation poison:n=9",
        "cannot be used with",
        "",
    );
}
