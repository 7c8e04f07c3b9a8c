//! From what lower floors return to what records hold.

use crate::evaluate::record::{BeforeAfter, FlagSummary, IgnoredFlags, LeakageFinding};
use crate::evaluate::train_record;
use crate::features::{ColumnUse, Finding, Role};
use crate::label_errors::flags::FlagCounts;

/// A finding of the leakage audit.
pub(super) fn finding(finding: &Finding) -> LeakageFinding {
    LeakageFinding {
        column: finding.column.clone(),
        kind: finding.kind.name().to_owned(),
        evidence: finding.evidence.clone(),
        accuracy: finding.majority.zip(finding.accuracy).map(|(majority, column)| BeforeAfter {
            before: majority,
            after: column,
        }),
        dropped: finding.dropped,
    }
}

/// What became of a column; `inputs` is how many input columns come of it.
pub(super) fn column_use(column: &ColumnUse, inputs: usize) -> train_record::ColumnUse {
    let role = match column.role {
        Role::Key => "key",
        Role::Group => "group",
        Role::Label => "label",
        Role::Time => "time",
        Role::Filter => "filter",
        Role::Number => "number",
        Role::Category => "category",
        Role::Date => "date",
        Role::LeftOut => "dropped",
    };
    train_record::ColumnUse {
        column: column.column.clone(),
        role: role.to_owned(),
        inputs,
        why: (!column.why.is_empty()).then(|| column.why.clone()),
    }
}

/// The flags, counted.
pub(super) fn flag_counts(counts: &FlagCounts) -> FlagSummary {
    FlagSummary {
        file: counts.file.clone(),
        addressed_by: counts.addressed_by.clone(),
        flagged: counts.flagged,
        used: counts.used,
        on_test_rows: counts.on_test_rows,
        ignored: counts
            .ignored
            .iter()
            .map(|ignored| IgnoredFlags {
                reason: ignored.reason.clone(),
                count: ignored.count,
                examples: ignored.examples.clone(),
            })
            .collect(),
        with_correction: counts.with_correction,
        per_class: counts.per_class.clone(),
        share_of_training: counts.used as f64 / counts.training_rows.max(1) as f64,
    }
}
