//! What the records of a finished chunk must be. A checksum tells damage; that nobody made the file up, it cannot tell, so whatever is read
//! is also held to what the settings say.

use std::collections::BTreeSet;

use crate::scenarios::plan::Chunk;
use crate::scenarios::record::{BASELINE, ChunkRecords, Row, Split, SweepRow};
use crate::scenarios::settings::Settings;

/// Checks that the records are those of every scenario, method and split of a chunk, each once, and that their counts can be.
///
/// # Errors
/// What cannot be, as words.
pub(super) fn check(records: &ChunkRecords, chunk: &Chunk, settings: &Settings) -> Result<(), String> {
    let methods: Vec<&str> = [BASELINE].into_iter().chain(settings.methods.iter().map(String::as_str)).collect();
    let wanted = (chunk.runs.len() as u64)
        .saturating_mul(u64::from(settings.init_seeds))
        .saturating_mul(methods.len() as u64 * Split::ALL.len() as u64);
    if records.rows.len() as u64 != wanted {
        return Err(format!("{} records where {wanted} belong", records.rows.len()));
    }
    let mut seen = BTreeSet::new();
    let mut sizes = [None; Split::ALL.len()];
    for row in &records.rows {
        let planned = chunk.runs.contains(&row.run) && row.init < settings.init_seeds && methods.contains(&row.method.as_str());
        if !planned || !seen.insert((row.run, row.init, row.method.as_str(), row.split)) {
            return Err(format!("a record of run {}, method `{}` that does not belong", row.run, row.method));
        }
        if *sizes[row.split as usize].get_or_insert(row.rows) != row.rows || !counts_can_be(row) {
            return Err(format!("counts of run {}, method `{}` that cannot be", row.run, row.method));
        }
    }
    for row in &records.sweep {
        if !chunk.runs.contains(&row.run) || row.run >= settings.sweep_runs || !sweep_can_be(row) {
            return Err(format!("a point of a grid in run {} that cannot be", row.run));
        }
    }
    Ok(())
}

fn counts_can_be(row: &Row) -> bool {
    let of_flagged = |count: Option<u32>| count.is_none_or(|count| count <= row.flagged);
    let dampened = row.dampening.is_none_or(|done| {
        done.dampened <= row.parameters && done.alpha.is_finite() && done.lambda.is_finite() && done.percentile.is_none_or(f64::is_finite)
    });
    row.rows > 0
        && row.right <= row.rows
        && row.mislabelled <= row.flagged
        && of_flagged(row.flagged_right)
        && of_flagged(row.flagged_as_observed)
        && row.learning_rate.is_finite()
        && row.weight_decay.is_finite()
        && dampened
}

fn sweep_can_be(row: &SweepRow) -> bool {
    row.rows > 0 && row.right <= row.rows && row.flagged_as_observed <= row.flagged && row.alpha.is_finite() && row.lambda.is_finite()
}
