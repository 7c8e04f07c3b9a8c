//! A made-up record whose every text tries to break out of a report.

use recant::evaluate::record::*;
use recant::notes::Notes;

use super::report_fixture::*;

/// What must never become markup, a formula or a terminal command.
pub const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2-3",
    "@SUM(A1)",
    "</title><img src=x onerror=alert(2)>",
    "\" onmouseover=\"alert(3)",
    "&lt;b&gt; ]]> <!-- -->",
    "\u{202E}evil\u{202C} \u{5D0}\u{5D1}\u{5D2}",
    "\u{1b}[31mred\u{7}\u{0}\u{FFFF}",
    "🚚📦 livré à l’heure",
    "{{7*7}} ${x} `id`",
];

/// Hostile text in every place that comes from the person's files.
pub fn hostile() -> RepairRecord {
    let mut record = rich();
    let mut next = HOSTILE.iter().cycle().map(|text| (*text).to_owned());
    let mut take = || next.next().unwrap();
    let names: Vec<String> = vec![
        HOSTILE[0].to_owned(),
        HOSTILE[1].to_owned(),
        format!("very long {}", "name ".repeat(400)),
    ];
    record.model.classes.clone_from(&names);
    record.model.name = take();
    record.model.network = take();
    record.model.profile = take();
    record.model.data_file = take();
    record.model.data_sha256 = take();
    record.model.training_period = Some((take(), take()));
    record.flags.file = take();
    record.flags.addressed_by = take();
    for ignored in &mut record.flags.ignored {
        ignored.reason = take();
        ignored.examples = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    }
    record.command = HOSTILE.join(" ");
    record.recant_version = HOSTILE[5].to_owned();
    record.settings.group_column = Some(take());
    record.recommendation.reason = HOSTILE.join(" ");
    for method in &mut record.methods {
        method.title = take();
        method.description = take();
        for comparison in [&mut method.test, &mut method.test_as_recorded, &mut method.validation]
            .into_iter()
            .flatten()
        {
            comparison.sentence = HOSTILE.join(" ");
            for metrics in [&mut comparison.before, &mut comparison.after] {
                for (class, name) in metrics.classes.iter_mut().zip(&names) {
                    class.name.clone_from(name);
                }
            }
        }
        if let Some(dampening) = &mut method.dampening {
            dampening.importance = take();
            dampening.reference = take();
            for layer in &mut dampening.tensors {
                layer.tensor = take();
            }
        }
    }
    for finding in record.leakage.iter_mut().flatten() {
        finding.column = take();
        finding.kind = take();
        finding.evidence = "long ".repeat(20_000) + HOSTILE[1];
    }
    for row in &mut record.flagged_rows {
        row.key = take();
        row.observed = take();
        row.correction = Some(take());
        row.before = take();
        row.after = take();
    }
    for row in &mut record.changed_rows {
        row.key = take();
        row.observed = take();
        row.before = take();
        row.after = take();
    }
    if let Some(affected) = &mut record.affected {
        affected.rule = take();
    }
    record.expansion = Some(ExpansionRecord {
        sentence: HOSTILE.join(" "),
        shared: Vec::new(),
        rules: vec![ExpansionRule {
            conditions: HOSTILE.join(" "),
            flags: 60,
            rows: 1_690,
            estimated_wrong: 1_420.4,
            proposed: 1_502,
            expected_precision: Some(0.93),
        }],
        expected_precision: Some(0.93),
        contradictions: 12,
        proposed: 1_502,
        doubtful: 188,
        doubtful_taken: 40,
        rows: record.flagged_rows.iter().take(25).cloned().collect(),
    });
    let mut notes = Notes::new();
    for text in HOSTILE {
        notes.add(text, *text, *text);
    }
    record.notes = notes;
    record
}
