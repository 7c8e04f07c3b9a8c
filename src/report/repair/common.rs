//! The sections that every report has, as the repair report has them.

use crate::report::parts::{glossary, leakage, provenance, warnings};
use crate::report::{Body, RepairSection, Section};

pub const LEAKAGE: RepairSection = Section {
    id: "leakage",
    title: "Columns that give the answer away",
    draw: |context| Ok(Some(Body::plain(leakage::leakage(context.record.leakage.as_deref())))),
};

pub const WARNINGS: RepairSection = Section {
    id: "warnings",
    title: "Warnings",
    draw: |context| {
        let rest = "report.xlsx, sheet “Notes”";
        Ok(Some(Body::plain(warnings::warnings(&context.record.notes, rest))))
    },
};

pub const PROVENANCE: RepairSection = Section {
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

pub const GLOSSARY: RepairSection = Section {
    id: "glossary",
    title: "Words used here",
    draw: |_| {
        let words = [
            "Accuracy",
            "Balanced accuracy",
            "Calibration error",
            "Confidence interval (95\u{a0}%)",
            "Dampening",
            "F1, precision, recall",
            "Fixed and broken rows",
            "Flagged rows",
            "Holm correction",
            "Importance",
            "Log loss",
            "McNemar test",
            "Minimum effect",
            "p-value",
            "Percentage points",
            "Test rows",
            "Validation rows",
        ];
        Ok(Some(Body::plain(glossary::glossary(&words))))
    },
};
