//! What the headline says of methods that lie close together and of one that stands out.

use serde_json::json;

use super::*;

/// A study of one confusion with these methods: healed and utility at 10 % known, over 2,500 manipulated and 8,000 other test images.
fn study(seeds: u32, sd: Option<f64>, methods: &[(&str, f64, f64)]) -> ImageStudyReport {
    let names: Vec<&str> = methods.iter().map(|method| method.0).collect();
    let settings = json!({
        "layout_version": 1, "recant_version": "0.1.0", "dataset": "cifar10", "data_sha256": "00", "classes": 10,
        "training_images": [50_000, 50_000], "held_out": 2_500, "test_images": [10_000, 10_000], "network": "fast", "parameters": 1_972_792,
        "recipe": {
            "length": {"epochs": 10}, "batch": 1_024, "learning_rate": 1.5, "momentum": 0.85, "weight_decay": 0.00133,
            "schedule": {"linear": {"warm_up": 0.2, "reach": 1.0}}, "label_smoothing": 0.2,
        },
        "augmentation": {"crop_padding": 2, "flip": true, "alternating": true, "degrees": 0.0},
        "manipulations": ["confusion:n=2500,pair=cat/dog"], "known_shares": [0.1], "bias": "none", "false_flags": 0.0, "methods": names,
        "seeds": seeds, "search": true, "seed": 1,
    });
    let spread = |mean: f64| json!({"mean": mean, "sd": sd, "count": seeds});
    let method = |(name, healed, utility): &(&str, f64, f64)| {
        json!({
            "method": name, "known": 0.1, "flags": 250.0, "healed": healed, "utility": utility,
            "figures": {"affected": spread(0.8), "elsewhere": spread(*utility), "manipulated": spread(*healed), "seconds": null},
            "recovered": null, "elsewhere_change": null, "proposed": null, "precision": null, "recall": null, "rules": [],
            "expanding_seconds": null, "of_training": null, "failed": 0,
        })
    };
    let report = json!({
        "settings": settings, "pieces": [3, 3], "claims": [],
        "manipulations": [{
            "manipulation": "confusion:n=2500", "kind": "confusion", "count": 2500, "training_images": 47500, "test_images": [2000, 8000],
            "clean": null, "spoiled": null, "methods": methods.iter().map(method).collect::<Vec<_>>(),
        }],
    });
    serde_json::from_value(report).unwrap()
}

#[test]
fn methods_a_tenth_of_a_point_apart_are_not_told_apart_and_one_far_ahead_is_named() {
    let close = [("retrain", 0.75, 0.92), ("ssd", 0.751, 0.92), ("cf", 0.3, 0.92)];
    let told = headline(&study(1, None, &close));
    assert!(
        told.starts_with("ssd and retrain cannot be told apart with 1 seed and 10"),
        "{told}"
    );
    assert!(told.ends_with("known: healed x utility 69.0\u{a0}% to 69.1\u{a0}%"), "{told}");
    let told = headline(&study(1, None, &[("retrain", 0.5, 0.92), ("ssd", 0.75, 0.92)]));
    assert!(
        told.starts_with("ssd does best with 10") && told.contains("(retraining: 46.0"),
        "{told}"
    );
    // Seeds that lie far apart tell less than the images do.
    let told = headline(&study(3, Some(0.2), &[("retrain", 0.5, 0.92), ("ssd", 0.75, 0.92)]));
    assert!(told.contains("cannot be told apart with 3 seeds"), "{told}");
    let alike = [
        ("ssd", 0.75, 0.92),
        ("cf", 0.75, 0.92),
        ("retrain", 0.75, 0.92),
        ("lfssd", 0.75, 0.92),
    ];
    assert!(headline(&study(1, None, &alike)).starts_with("The best 4 methods cannot be told apart"));
    assert_eq!(headline(&study(1, None, &[])), "Nothing to compare yet");
}
