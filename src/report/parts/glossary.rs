//! The words of a report, explained in a sentence or two each.

use maud::{Markup, html};

/// Every word a report may explain, in alphabetical order.
const WORDS: &[(&str, &str)] = &[
    ("Accuracy", "The share of rows whose class the model predicts right."),
    (
        "Balanced accuracy",
        "The share found of each class, averaged over the classes, so that a rare class counts as much as a common one.",
    ),
    (
        "Calibration error",
        "How far the stated probability is from the share that is right, on average. 0\u{a0}% means the model can be taken at its word.",
    ),
    (
        "Confidence interval (95\u{a0}%)",
        "A range that covers the true value in 95 of 100 such studies. If the interval of a difference holds zero, the difference may be chance.",
    ),
    (
        "Dampening",
        "Making chosen parameters of the model smaller, so that what it learned from the flagged rows fades. Alpha says which parameters, lambda how much.",
    ),
    (
        "F1, precision, recall",
        "Recall: share of a class that is found. Precision: share of the predictions of a class that are right. F1: one figure for both.",
    ),
    (
        "Fixed and broken rows",
        "Test rows predicted wrong before and right after the repair, and the other way round.",
    ),
    (
        "Flagged rows",
        "Training rows whose label somebody said is wrong. Together they are the forget set; the other training rows are the retain set.",
    ),
    (
        "Holm correction",
        "Raises p-values where several methods were tried, since among many tries one looks good by luck.",
    ),
    ("Importance", "How strongly a parameter of the model bears on a set of rows."),
    (
        "Log loss",
        "Punishes confident mistakes: low if right classes get high probabilities.",
    ),
    ("McNemar test", "Asks whether so many more rows fixed than broken could be chance."),
    (
        "Minimum effect",
        "The smallest change in accuracy worth acting on. Anything smaller is reported as no change, however certain.",
    ),
    (
        "p-value",
        "How often chance alone would give a difference at least this large. Small means: hardly chance.",
    ),
    (
        "Percentage points",
        "The difference between two percentages: from 86\u{a0}% to 87\u{a0}% is one point.",
    ),
    (
        "Test rows",
        "The latest rows, kept aside: the model was neither trained nor chosen on them.",
    ),
    (
        "Validation rows",
        "Rows from the end of the training period that the model was not trained on; the recommendation rests on them.",
    ),
];

/// The explanations of some words; a word that has none is left out.
pub fn glossary(wanted: &[&str]) -> Markup {
    html! {
        dl.glossary {
            @for (word, meaning) in WORDS.iter().filter(|(word, _)| wanted.contains(word)) { dt { (word) } dd { (meaning) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_alphabetical_order() {
        let words: Vec<String> = WORDS.iter().map(|(word, _)| word.to_lowercase()).collect();
        let mut sorted = words.clone();
        sorted.sort();
        assert_eq!(words, sorted);
    }
}
