//! What a report for people leaves out and folds, the same in every format: which partitions are odd,
//! which events make a line, what was not seen.

pub mod items;
pub mod partitions;
pub mod timeline;
pub mod unseen;

use super::Report;

/// How many of the round's hosts were looked at: those reached, and those that should have been.
pub fn hosts_seen(report: &Report) -> (usize, usize) {
    let asked = report.round.visits.iter().filter(|visit| visit.outcome != crate::round::Outcome::Excluded);
    let (reached, asked): (Vec<_>, Vec<_>) =
        (asked.clone().filter(|one| one.outcome.reached()).collect(), asked.collect());
    (reached.len(), asked.len())
}

/// Partitions and replicas that were compared.
pub fn partitions_seen(report: &Report) -> (usize, usize) {
    let partitions = || {
        report
            .comparison
            .clusters
            .iter()
            .flat_map(|cluster| &cluster.topics)
            .flat_map(|topic| &topic.partitions)
    };
    (partitions().count(), partitions().map(|one| one.replicas.len()).sum())
}

/// Whether a next step forbids.
pub fn forbids(step: &str) -> bool {
    ["do not ", "don't ", "don’t ", "never "]
        .iter()
        .any(|start| step.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}
