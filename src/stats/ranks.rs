//! Ranks.

/// Ranks from 1 in ascending order, ties sharing their average rank, and the sizes of the groups of ties (all groups, also those of one).
pub(crate) fn average_ranks(values: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut ties = Vec::new();
    let mut start = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // Ranks start + 1 ..= start + size share their mean.
        let shared = start as f64 + (group.len() + 1) as f64 / 2.0;
        group.iter().for_each(|&index| ranks[index] = shared);
        ties.push(group.len());
        start += group.len();
    }
    (ranks, ties)
}

/// Sum of t^3 - t over groups of ties: 0 without ties.
pub(crate) fn tie_term(ties: &[usize]) -> f64 {
    ties.iter().map(|&size| (size as f64).powi(3) - size as f64).sum()
}
