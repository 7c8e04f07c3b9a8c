//! The sections that every report has, as the training report has them.

use crate::report::parts::{glossary, leakage, provenance, warnings};
use crate::report::training::TrainSection;
use crate::report::{Body, Section};

pub const LEAKAGE: TrainSection = Section {
    id: "leakage",
    title: "Columns that give the answer away",
    draw: |context| Ok(Some(Body::plain(leakage::leakage(context.record.leakage.as_deref())))),
};

pub const WARNINGS: TrainSection = Section {
    id: "warnings",
    title: "Warnings",
    draw: |context| Ok(Some(Body::plain(warnings::warnings(&context.record.notes, "training.json")))),
};

pub const PROVENANCE: TrainSection = Section {
    id: "provenance",
    title: "Where these figures come from",
    draw: |context| {
        let record = context.record;
        let told = provenance::Provenance {
            command: &record.command,
            model: &record.model,
            settings: &record.settings,
            version: &record.recant_version,
            layout: record.record_version,
            timings: context.timings,
        };
        Ok(Some(Body::plain(told.draw())))
    },
};

pub const GLOSSARY: TrainSection = Section {
    id: "glossary",
    title: "Words used here",
    draw: |_| {
        let words = [
            "Accuracy",
            "Balanced accuracy",
            "Calibration error",
            "Confidence interval (95\u{a0}%)",
            "F1, precision, recall",
            "Holm correction",
            "Log loss",
            "Minimum effect",
            "p-value",
            "Percentage points",
            "Test rows",
            "Validation rows",
        ];
        Ok(Some(Body::plain(glossary::glossary(&words))))
    },
};
